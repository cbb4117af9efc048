# Builders: modules straight from the rows of tables: what `metalith.modules` makes in Python, for the instances that most are.
# Whatever is unusual is left to Python, and so is every rule that only unusual instances need.

cdef extern from *:
    """
    #include <math.h>
    #include <structmember.h>

    /* Where the value of a slot stands in objects of its class; 0 of what is no slot of it. */
    static Py_ssize_t ml_slot_offset(PyObject *descriptor, PyObject *cls) {
        if (!PyObject_TypeCheck(descriptor, &PyMemberDescr_Type)) return 0;
        if ((PyObject *)PyDescr_TYPE(descriptor) != cls) return 0;
        PyMemberDef *member = ((PyMemberDescrObject *)descriptor)->d_member;
        return member->type == T_OBJECT_EX ? member->offset : 0;
    }

    /* An object of a class that has no constructor to run, its slots empty. */
    static inline PyObject *ml_new(PyObject *cls) { return PyType_GenericAlloc((PyTypeObject *)cls, 0); }

    static inline PyObject **ml_slot(PyObject *object, Py_ssize_t offset) {
        return (PyObject **)((char *)object + offset);
    }

    static inline int ml_is_finite(PyObject *value) {
        return PyFloat_CheckExact(value) && isfinite(PyFloat_AS_DOUBLE(value));
    }

    /* So many finite floats as tuple; any number of them but none for -1. */
    static inline int ml_is_vector(PyObject *value, Py_ssize_t count) {
        if (!PyTuple_CheckExact(value)) return 0;
        Py_ssize_t n = PyTuple_GET_SIZE(value);
        if (count < 0 ? n == 0 : n != count) return 0;
        for (Py_ssize_t i = 0; i < n; i++)
            if (!ml_is_finite(PyTuple_GET_ITEM(value, i))) return 0;
        return 1;
    }

    static inline int ml_is_full_text(PyObject *value) {
        return PyUnicode_CheckExact(value) && PyUnicode_GET_LENGTH(value) > 0;
    }

    static inline int ml_is_blank(Py_UCS4 c) { return c == ' ' || c == 0; }

    static inline int ml_is_stripped(PyObject *text) {
        Py_ssize_t n = PyUnicode_GET_LENGTH(text);
        return !ml_is_blank(PyUnicode_READ_CHAR(text, 0)) && !ml_is_blank(PyUnicode_READ_CHAR(text, n - 1));
    }

    enum { ML_RAW, ML_TEXT, ML_TEXTS, ML_CODE, ML_CODES, ML_REAL, ML_REALS, ML_WHOLE, ML_WHOLES, ML_CONVERTED };

    /* Whether a natural value is already what a field of this kind has. */
    static int ml_is_as_wanted(int kind, PyObject *value) {
        switch (kind) {
        case ML_RAW: return 1;
        case ML_TEXT: return ml_is_full_text(value);
        case ML_CODE: return ml_is_full_text(value) && ml_is_stripped(value);
        case ML_REAL: return ml_is_finite(value);
        case ML_REALS: return ml_is_vector(value, -1);
        case ML_WHOLE: return PyLong_CheckExact(value);
        case ML_TEXTS:
        case ML_CODES:
        case ML_WHOLES: break;
        default: return 0;
        }
        if (!PyTuple_CheckExact(value) || !PyTuple_GET_SIZE(value)) return 0;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value); i++) {
            PyObject *one = PyTuple_GET_ITEM(value, i);
            if (kind == ML_WHOLES ? !PyLong_CheckExact(one) : !ml_is_full_text(one)) return 0;
            if (kind == ML_CODES && !ml_is_stripped(one)) return 0;
        }
        return 1;
    }
    """
    enum:
        ML_RAW
        ML_TEXT
        ML_TEXTS
        ML_CODE
        ML_CODES
        ML_REAL
        ML_REALS
        ML_WHOLE
        ML_WHOLES
        ML_CONVERTED
    Py_ssize_t ml_slot_offset(object descriptor, object cls) noexcept
    object ml_new(object cls)
    PyObject **ml_slot(object made, Py_ssize_t offset) noexcept
    bint ml_is_finite(object value) noexcept
    bint ml_is_vector(object value, Py_ssize_t count) noexcept
    bint ml_is_full_text(object value) noexcept
    bint ml_is_as_wanted(int kind, object value) noexcept


cdef inline object _at(Instance instance, FrameView frame, uint32_t tag):
    return instance.at_tag(tag) if frame is None else frame.at_tag(tag)


cdef inline bint _may_have(InstanceTable table, FrameView frame, uint32_t tag) except -1:
    """Whether an attribute may be there: of rows whether any of the table has it."""
    return _has_tag(table.table, tag) if frame is None else frame.at_tag(tag) is not _MISSING


cdef dict _KINDS = {
    "raw": ML_RAW, "text": ML_TEXT, "texts": ML_TEXTS, "code": ML_CODE, "codes": ML_CODES, "number": ML_REAL,
    "numbers": ML_REALS, "integer": ML_WHOLE, "integers": ML_WHOLES,
}

cdef dict _builders = {}  # by type and by class

cdef struct Field:
    uint32_t tag          # 0: no attribute's, and None unless the class has rules for it
    int kind
    Py_ssize_t offset     # in objects of the class


cdef class Builder:
    """How modules of a class are made of plain instances: each field from an attribute.

    Parameters
    ----------
    cls : type
        With slots, and nothing in its objects but them.
    fields : iterable of (str, str or None, str, callable or None)
        Of every slot its name, keyword, kind and what converts values that are not as wanted.

    Raises
    ------
    ValueError
        A keyword is none, or a field no slot.
    """
    cdef readonly object cls
    cdef readonly tuple names
    cdef tuple converters
    cdef Field *fields
    cdef Py_ssize_t count
    cdef bint atomic      # only numbers, texts and tuples of them: no cycles, and so nothing for the collector

    def __cinit__(self, type cls not None, fields, *_):
        cdef Py_ssize_t n, i, offset
        cdef const char *s
        cdef const ml_tag_info *info
        fields = tuple(fields)
        self.fields = <Field *>_zeroed(len(fields), sizeof(Field))
        self.cls, self.count, self.atomic = cls, len(fields), True
        self.names = tuple([name for name, *_ in fields])
        self.converters = tuple([convert for *_, convert in fields])
        for i, (name, keyword, kind, _) in enumerate(fields):
            offset = ml_slot_offset(cls.__dict__.get(name), cls)
            if not offset or cls.__dictoffset__:
                raise ValueError(f"{name}: no slot")
            self.fields[i] = Field(0, _KINDS.get(kind, ML_CONVERTED), offset)
            self.atomic = self.atomic and self.fields[i].kind not in (ML_RAW, ML_CONVERTED)
            if keyword is not None:
                s = PyUnicode_AsUTF8AndSize(keyword, &n)
                info = ml_tag_by_keyword(s, n)
                if info == NULL or info.repeating:
                    raise ValueError(f"{keyword}: no keyword")
                self.fields[i].tag = info.tag

    def __dealloc__(self):
        free(self.fields)

    cdef object read(self, Py_ssize_t field, Instance instance, FrameView frame):
        """A field's value by its attribute; NotImplemented."""
        cdef Field *f = &self.fields[field]
        value = _at(instance, frame, f.tag) if f.tag else _MISSING
        if value is None or value is _MISSING:
            return None
        return value if value is NotImplemented or ml_is_as_wanted(f.kind, value) else self.converters[field](value)

    cdef object make(self, Instance instance, FrameView frame):
        """The module, None where the instance has nothing of it, NotImplemented where it is unusual.

        Of a frame that is not what its instance is, there is a view.
        """
        cdef Py_ssize_t i
        cdef bint nothing = True
        made = ml_new(self.cls)
        for i in range(self.count):
            value = self.read(i, instance, frame)
            if value is NotImplemented:
                return value
            nothing = nothing and value is None
            Py_INCREF(value)
            ml_slot(made, self.fields[i].offset)[0] = <PyObject *>value
        if nothing:
            return None
        if self.atomic:
            PyObject_GC_UnTrack(<PyObject *>made)
        return made

    cdef bint is_sure(self, InstanceTable table) except -1:
        """Whether every row has a module, for certain."""
        cdef Py_ssize_t i
        for i in range(self.count):
            if self.fields[i].tag and self.is_everywhere(i, table):
                return True
        return False

    cdef bint is_everywhere(self, Py_ssize_t field, InstanceTable table) except -1:
        """Whether all rows have one value for a field, which is something."""
        cdef uint32_t cell, column = ml_table_find_tag(table.table, self.fields[field].tag)
        if column == ML_NO_INDEX or table.table.rows == 0 or not table._is_constant(column, &cell):
            return False
        return self.read(field, _instance(table, 0), None) is not None

    cdef bint takes_calibration(self) noexcept:
        return False

    cdef bint is_own(self, Py_ssize_t field, InstanceTable table) except -1:
        """Whether a field of rows of this table is its attribute and nothing else, missing where that is missing."""
        return self.fields[field].tag != 0

    cdef uint32_t width_of(self, Py_ssize_t field) noexcept:
        """How many numbers a field has; 0 for any."""
        return self.fields[field].kind == ML_REAL

    cdef bint may_be(self, Py_ssize_t field, array) except -1:
        """Whether numbers that attributes have are those of a field."""
        return True

    def build(self, Instance instance not None):
        """The module of an instance that is no multi-frame object; NotImplemented where it takes Python to tell."""
        return self.make(instance, None)


def register_builder(str type not None, cls, Builder builder):
    """From now on a builder makes the modules of a type where it can; None: `cls.build` makes all of them."""
    before = _builders.pop(type, None)
    if before is not None:
        _builders.pop((<Builder>before).cls, None)  # that class asks for the type, and not for what it was
    if builder is not None:
        _builders[type] = _builders[cls] = builder


cdef inline Builder _builder_of(object type):
    cdef PyObject *found
    if not PyUnicode_CheckExact(type) and not PyType_Check(type):
        return None
    found = PyDict_GetItemWithError(_builders, type)
    return <Builder>found if found != NULL else None


def build_plain(type, Instance instance not None, str image_id not None):
    """The module of an image; None where the instance has nothing of it, NotImplemented where it takes Python to tell:
    what its frames, its calibration or its odd values say.
    """
    cdef Builder builder = _builder_of(type)
    return NotImplemented if builder is None else _built(builder, instance, image_id)


cdef object _built(Builder builder, Instance instance, str image_id):
    cdef int64_t frame = _frame_of(image_id)
    if frame < 0 or frame > 1 or not _is_plain(instance.table, instance.index, frame == 1):
        return NotImplemented
    return builder.make(instance, None)
