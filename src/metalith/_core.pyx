# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, embedsignature=True
"""The compiled part of Metalith: tables that csrc filled, seen from Python.

One extension module in fragments: `_csrc.pxi` declares the C side, `_names.pxi` finds attributes, `_values.pxi`
makes Python objects of values, `_table.pxi` and `_instance.pxi` are the classes, `_scan.pxi` and `_part10.pxi` fill
them, `_builders.pxi` makes modules of rows, `_frame_views.pxi` of frames, `_selection.pxi` of many rows at once,
`_places.pxi` finds instances among many, `_frozen.pxi` keeps them in files.
"""

from collections import abc

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.float cimport PyFloat_FromDouble
from cpython.long cimport PyLong_FromLongLong
from cpython.object cimport PyObject, PyObject_GenericGetAttr
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.math cimport NAN
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memchr, memcmp, memcpy, memset

cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL
    object PyUnicode_FromStringAndSize(const char *s, Py_ssize_t n)
    void PyUnicode_InternInPlace(PyObject **text)
    int PyUnicode_CheckExact(object o)
    Py_ssize_t PyUnicode_GET_LENGTH(object o)
    Py_UCS4 PyUnicode_READ_CHAR(object o, Py_ssize_t index)

include "_csrc.pxi"
include "_names.pxi"
include "_table.pxi"
include "_instance.pxi"
include "_values.pxi"
include "_scan.pxi"
include "_part10.pxi"
include "_plain.pxi"
include "_frame_views.pxi"
include "_builders.pxi"
include "_plane_builder.pxi"
include "_selection.pxi"
include "_places.pxi"
include "_finder.pxi"
include "_rows.pxi"
include "_frozen.pxi"
