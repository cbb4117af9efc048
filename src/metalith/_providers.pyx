# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, embedsignature=True
# cython: binding=False
"""The compiled part of metalith.providers: who is asked, what was answered before, and how long it took.

Fragments of one extension module: `_provider_cache.pxi` is the table of answers, `_provider_profile.pxi` counts,
`_provider_chain.pxi` says which providers are asked for a type, `_provider_kept.pxi` keeps answers and forgets them,
`_provider_lookup.pxi` asks, `_provider_many.pxi` for many ids at once, and `_provider_get.pxi` is the way in.

Everything runs under the interpreter's lock. What is C structure here is changed only where no Python code can run in
between: objects that leave are first unlinked, then let go of.
"""

cimport cython
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF
from cpython.unicode cimport PyUnicode_Tailmatch
from libc.stdint cimport uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from sys import getsizeof as _getsizeof

cdef extern from *:
    """
    #include "image_id.h"
    #include <string.h>
    #if defined(_MSC_VER)
    #include <windows.h>
    #include <intrin.h>
    #elif defined(__x86_64__) || defined(__i386__)
    #include <x86intrin.h>
    #else
    #include <time.h>
    #endif

    /* A clock that is cheap to read; what a tick lasts is found out by reading another beside it. */
    static inline uint64_t ml_ticks(void) {
    #if defined(_MSC_VER) && (defined(_M_ARM64) || defined(_M_ARM))
      LARGE_INTEGER now;
      QueryPerformanceCounter(&now);
      return (uint64_t)now.QuadPart;
    #elif defined(_MSC_VER) || defined(__x86_64__) || defined(__i386__)
      return (uint64_t)__rdtsc();
    #else
      struct timespec now;
      clock_gettime(CLOCK_MONOTONIC, &now);
      return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    #endif
    }

    /* Number of the highest bit that is set, of anything but 0. */
    static inline int ml_highest(uint64_t n) {
    #if defined(__GNUC__)
      return 63 - __builtin_clzll(n);
    #else
      int bit = 0;
      while (n >>= 1) bit++;
      return bit;
    #endif
    }

    /* The hash of an exact str, which keeps it. */
    static inline uint64_t ml_hash(PyObject *text) {
      Py_hash_t hash = ((PyASCIIObject *)text)->hash;
      return (uint64_t)(hash != -1 ? hash : PyObject_Hash(text));
    }

    /* Whether two exact strs are equal: by identity, if not by content. */
    static inline int ml_same(PyObject *a, PyObject *b) {
      if (a == b) return 1;
      if (ml_hash(a) != ml_hash(b) || PyUnicode_GET_LENGTH(a) != PyUnicode_GET_LENGTH(b)) return 0;
      if (PyUnicode_KIND(a) != PyUnicode_KIND(b)) return 0;
      return memcmp(PyUnicode_DATA(a), PyUnicode_DATA(b), (size_t)PyUnicode_GET_LENGTH(a) * PyUnicode_KIND(a)) == 0;
    }

    /* Whether "frame" may stand in an exact str, in whatever case. */
    static inline int ml_may_have_frame(PyObject *text) {
      if (PyUnicode_KIND(text) != PyUnicode_1BYTE_KIND) return 1;
      const char *s = (const char *)PyUnicode_DATA(text);
      Py_ssize_t n = PyUnicode_GET_LENGTH(text);
      for (Py_ssize_t i = 1; i + 4 <= n; i++)
        if ((s[i] | 32) == 'r' && (s[i - 1] | 32) == 'f' && (s[i + 1] | 32) == 'a' && (s[i + 2] | 32) == 'm') return 1;
      return 0;
    }

    /* How long the base id is of an id that ends with its frame and is plain to read; -1 of any other. */
    static Py_ssize_t ml_base_length(PyObject *text) {
      uint32_t frame;
      if (!PyUnicode_IS_ASCII(text)) return -1;
      return ml_image_id_base((const char *)PyUnicode_DATA(text), (size_t)PyUnicode_GET_LENGTH(text), &frame);
    }

    static inline int ml_raised(void) { return -1; }

    /* `get` is a method of the fast kind, which takes further arguments without a tuple and a dict for them. */
    typedef PyObject *(*ml_method)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);
    static PyMethodDef ml_get = {"get", NULL, METH_FASTCALL | METH_KEYWORDS, NULL};
    static traverseproc ml_traverse_rest;
    static inquiry ml_clear_rest;
    static int (*ml_traverse_held)(PyObject *, visitproc, void *);
    static void (*ml_clear_held)(PyObject *);
    static int ml_traverse_all(PyObject *self, visitproc visit, void *arg) {
      int result = ml_traverse_rest(self, visit, arg);
      return result ? result : ml_traverse_held(self, visit, arg);
    }
    static int ml_clear_all(PyObject *self) {
      ml_clear_held(self);
      return ml_clear_rest(self);
    }
    /* Gives a type its `get`, and the collector what the type holds in C structures. */
    static int ml_furnish(PyObject *object, ml_method get, const char *doc,
                          int (*traverse)(PyObject *, visitproc, void *), void (*clear)(PyObject *)) {
      PyTypeObject *type = (PyTypeObject *)object;
      ml_get.ml_meth = (PyCFunction)(void (*)(void))get;
      ml_get.ml_doc = doc;
      PyObject *method = PyDescr_NewMethod(type, &ml_get);
      if (!method) return -1;
      int result = PyDict_SetItemString(type->tp_dict, "get", method);
      Py_DECREF(method);
      ml_traverse_held = traverse;
      ml_clear_held = clear;
      ml_traverse_rest = type->tp_traverse;
      ml_clear_rest = type->tp_clear;
      type->tp_traverse = ml_traverse_all;
      type->tp_clear = ml_clear_all;
      PyType_Modified(type);
      return result;
    }
    """
    ctypedef int (*visitproc)(PyObject *, void *) noexcept
    ctypedef PyObject *(*ml_method)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *) except NULL
    uint64_t ml_ticks() noexcept
    int ml_highest(uint64_t n) noexcept
    uint64_t ml_hash(PyObject *text) noexcept
    bint ml_same(PyObject *a, PyObject *b) noexcept
    Py_ssize_t ml_base_length(PyObject *text) noexcept
    bint ml_may_have_frame(PyObject *text) noexcept
    int ml_raised() except -1
    int ml_furnish(
        object type, ml_method get, const char *doc, int (*traverse)(PyObject *, visitproc, void *) noexcept,
        void (*clear)(PyObject *) noexcept
    ) except -1

cdef extern from "Python.h":
    int PyUnicode_CheckExact(PyObject *o) noexcept
    int PyType_Check(PyObject *o) noexcept
    int PyCoro_CheckExact(object o) noexcept
    PyObject *PyDict_GetItem(PyObject *d, PyObject *key) noexcept
    PyObject *PyObject_Vectorcall(PyObject *f, PyObject **args, size_t nargs, PyObject *names) noexcept
    size_t PY_VECTORCALL_ARGUMENTS_OFFSET
    str PyUnicode_Substring(str text, Py_ssize_t begin, Py_ssize_t end)
    PyObject *Py_None_ "Py_None"
    PyObject *PyTuple_GET_ITEM(PyObject *t, Py_ssize_t i) noexcept
    Py_ssize_t PyTuple_GET_SIZE(PyObject *t) noexcept

include "_provider_cache.pxi"
include "_provider_profile.pxi"
include "_provider_chain.pxi"
include "_provider_kept.pxi"
include "_provider_lookup.pxi"
include "_provider_many.pxi"
include "_provider_get.pxi"
