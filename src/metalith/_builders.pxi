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

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)
    bint PyType_Check(object o)
    double PyFloat_AS_DOUBLE(object o)
    bint PyLong_CheckExact(object o)
    object PyTuple_GetSlice(object o, Py_ssize_t low, Py_ssize_t high)
    void PyObject_GC_UnTrack(PyObject *o) noexcept
    PyObject *PyDict_GetItemWithError(dict d, object key) except? NULL

cdef extern from "image_id.h" nogil:
    ptrdiff_t ml_image_id_base(const char *text, size_t n, uint32_t *frame)
    int ml_image_id_names_frame(const char *text, size_t n)
    int ml_image_id_may_be_of(
        const char *text, size_t n, const char *study, size_t study_n, const char *series, size_t series_n
    )
    ctypedef struct ml_series_ids:
        uint32_t length
    void ml_series_ids_learn(ml_series_ids *series, const char *text, size_t n)
    int ml_series_ids_match(
        const ml_series_ids *series, const char *text, size_t n, size_t *uid_length, uint32_t *frame
    )

cdef dict _KINDS = {
    "raw": ML_RAW, "text": ML_TEXT, "texts": ML_TEXTS, "code": ML_CODE, "codes": ML_CODES, "number": ML_REAL,
    "numbers": ML_REALS, "integer": ML_WHOLE, "integers": ML_WHOLES,
}

cdef dict _builders = {}  # by type and by class


# ---- which instances are plain ----

cdef enum:
    LIKE_KNOWN = 1
    LIKE_FRAMES = 2     # rows may have frames that differ from them
    LIKE_PLACES = 4     # the first frame may lie elsewhere than the root says: a grid, a detector, tiles

cdef uint32_t _NUMBER_OF_FRAMES = 0x00280008
cdef uint32_t _SHARED_GROUPS = 0x52009229
cdef uint32_t _PER_FRAME_GROUPS = 0x52009230
cdef uint32_t _GRID_OFFSETS = 0x3004000C
cdef uint32_t _DETECTORS = 0x00540022
cdef uint32_t _ORGANIZATION = 0x00209311


cdef inline bint _has_tag(const ml_table *table, uint32_t tag) noexcept:
    return ml_table_find_tag(table, tag) != ML_NO_INDEX


cdef int _like(InstanceTable table) noexcept:
    """What rows of a table may be, found out once."""
    cdef const ml_table *t = table.table
    cdef int like = LIKE_KNOWN
    if table.like:
        return table.like
    if _has_tag(t, _NUMBER_OF_FRAMES) or _has_tag(t, _SHARED_GROUPS) or _has_tag(t, _PER_FRAME_GROUPS):
        like |= LIKE_FRAMES
    if _has_tag(t, _GRID_OFFSETS) or _has_tag(t, _DETECTORS) or _has_tag(t, _ORGANIZATION):
        like |= LIKE_PLACES
    table.like = like
    return like


cdef bint _is_plain(InstanceTable table, uint32_t row, bint of_frame) except -1:
    """Whether an instance, or its first frame, says of every attribute what stands in its row."""
    cdef int like = _like(table)
    cdef Instance instance
    if like == LIKE_KNOWN:
        return True
    instance = _instance(table, row)
    if like & LIKE_FRAMES:
        if instance.at_tag(_SHARED_GROUPS) is not _MISSING or instance.at_tag(_PER_FRAME_GROUPS) is not _MISSING:
            return False
        frames = instance.at_tag(_NUMBER_OF_FRAMES)
        if frames is not _MISSING and frames is not None and not (PyLong_CheckExact(frames) and frames == 1):
            return False
    return not of_frame or not like & LIKE_PLACES or (
        instance.at_tag(_GRID_OFFSETS) is _MISSING
        and instance.at_tag(_DETECTORS) is _MISSING
        and instance.at_tag(_ORGANIZATION) is _MISSING
    )


cdef int64_t _frame_of(str image_id) except -2:
    """The frame that an image id names; 0 for none, -1 where it takes `metalith.image_ids` to tell."""
    cdef Py_ssize_t n
    cdef uint32_t frame
    cdef const char *s
    if not PyUnicode_IS_ASCII(image_id):
        return -1
    s = PyUnicode_AsUTF8AndSize(image_id, &n)
    if ml_image_id_base(s, n, &frame) >= 0:
        return frame
    return -1 if ml_image_id_names_frame(s, n) else 0


def frame_in(str image_id not None):
    """The frame that an image id names; 0 for none, -1 where it takes `metalith.image_ids` to tell. int."""
    return _frame_of(image_id)


def may_be_of(str image_id not None, str study not None, str series not None):
    """Whether an image id may stand for an image of a series: 1 when it names that one or none, 0 when it names another,
    -1 where it takes `metalith.image_ids` to tell. int.
    """
    cdef Py_ssize_t n, study_n, series_n
    cdef const char *text
    if not (PyUnicode_IS_ASCII(image_id) and PyUnicode_IS_ASCII(study) and PyUnicode_IS_ASCII(series)):
        return -1
    text = PyUnicode_AsUTF8AndSize(image_id, &n)
    study_text = PyUnicode_AsUTF8AndSize(study, &study_n)
    series_text = PyUnicode_AsUTF8AndSize(series, &series_n)
    return ml_image_id_may_be_of(text, n, study_text, study_n, series_text, series_n)


def is_plain(Instance instance not None, int64_t frame):
    """Whether an instance says of a frame, 0 for itself, what stands in its row, and the frame is there. bool."""
    return 0 <= frame <= 1 and _is_plain(instance.table, instance.index, frame == 1)


# ---- builders ----

cdef inline object _at(Instance instance, FrameView frame, uint32_t tag):
    return instance.at_tag(tag) if frame is None else frame.at_tag(tag)


cdef inline bint _may_have(InstanceTable table, FrameView frame, uint32_t tag) except -1:
    """Whether an attribute may be there: of rows whether any of the table has it."""
    return _has_tag(table.table, tag) if frame is None else frame.at_tag(tag) is not _MISSING


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


cdef enum:
    PLANE_FRAME_OF_REFERENCE
    PLANE_ROWS
    PLANE_COLUMNS
    PLANE_ORIENTATION
    PLANE_ROW_COSINES
    PLANE_COLUMN_COSINES
    PLANE_POSITION
    PLANE_LOCATION
    PLANE_SPACING
    PLANE_THICKNESS
    PLANE_BETWEEN
    PLANE_SOURCE
    PLANE_CALIBRATION
    PLANE_MAGNIFICATION   # None of all that is usual
    PLANE_GEOMETRY
    PLANE_FIELDS

cdef uint32_t _SOP_CLASS_UID = 0x00080016
cdef str _OWN_GROUPS = "PerFrameFunctionalGroupsSequence"
cdef uint32_t[4] _OTHER_SPACINGS  # ImagerPixelSpacing, ObjectPixelSpacingInCenterOfBeam, NominalScannedPixelSpacing
_OTHER_SPACINGS[:] = [0x00181164, 0x00189404, 0x00182010, 0]


cdef class PlaneBuilder(Builder):
    """The same for `ImagePlane`, whose distances are PixelSpacing's unless the image is a projection.

    Parameters
    ----------
    projection : frozenset of str
        SOP classes of projection radiography.
    """
    cdef frozenset projection
    # lately met, with its halves: images of a series have one orientation
    cdef object orientation, row_cosines, column_cosines

    def __cinit__(self, cls, fields, frozenset projection not None):
        self.projection = projection
        if self.count != PLANE_FIELDS or self.fields[PLANE_SPACING].tag != 0x00280030:
            raise ValueError("other fields than those of an image plane")

    cdef object vector_at(self, Py_ssize_t field, Instance instance, FrameView frame, Py_ssize_t count):
        """A vector as it stands; None where the attribute is absent or empty, NotImplemented where it is no vector."""
        value = _at(instance, frame, self.fields[field].tag)
        if value is None or value is _MISSING:
            return None
        return value if ml_is_vector(value, count) else NotImplemented

    cdef bint is_projection(self, Instance instance, FrameView frame) except -1:
        sop_class = _at(instance, frame, _SOP_CLASS_UID)
        return sop_class is not _MISSING and sop_class is not None and (
            not PyUnicode_CheckExact(sop_class) or sop_class in self.projection
        )

    cdef bint has_other_spacing(self, InstanceTable table, FrameView frame) except -1:
        """Whether there may be another attribute to take distances from."""
        cdef int i
        for i in range(3):
            if _may_have(table, frame, _OTHER_SPACINGS[i]):
                return True
        return False

    cdef object make(self, Instance instance, FrameView frame):
        cdef Py_ssize_t i
        cdef PyObject *read[PLANE_FIELDS]
        orientation = self.vector_at(PLANE_ORIENTATION, instance, frame, 6)
        position = self.vector_at(PLANE_POSITION, instance, frame, 3)
        spacing = self.vector_at(PLANE_SPACING, instance, frame, 2)
        if orientation is NotImplemented or position is NotImplemented or spacing is NotImplemented:
            return NotImplemented
        if (orientation is None or position is None) and _may_have(instance.table, frame, _DETECTORS):
            return NotImplemented
        if frame is not None and position is None:
            return NotImplemented
        if spacing is None:
            if self.has_other_spacing(instance.table, frame):
                return NotImplemented
        elif not (
            PyFloat_AS_DOUBLE((<tuple>spacing)[0]) > 0 and PyFloat_AS_DOUBLE((<tuple>spacing)[1]) > 0
        ) or self.is_projection(instance, frame):
            return NotImplemented
        rows, columns = self.read(PLANE_ROWS, instance, frame), self.read(PLANE_COLUMNS, instance, frame)
        if rows is None and columns is None and orientation is None and position is None and spacing is None:
            return None
        row_cosines = column_cosines = None
        if orientation is not None:
            if orientation is self.orientation:
                row_cosines, column_cosines = self.row_cosines, self.column_cosines
            else:
                row_cosines, column_cosines = PyTuple_GetSlice(orientation, 0, 3), PyTuple_GetSlice(orientation, 3, 6)
                self.orientation, self.row_cosines, self.column_cosines = orientation, row_cosines, column_cosines
        frame_of_reference = self.read(PLANE_FRAME_OF_REFERENCE, instance, frame)
        location = self.read(PLANE_LOCATION, instance, frame)
        thickness = self.read(PLANE_THICKNESS, instance, frame)
        between = self.read(PLANE_BETWEEN, instance, frame)
        if frame is not None and NotImplemented in (rows, columns, frame_of_reference, location, thickness, between):
            return NotImplemented
        source, calibration = (None, None) if spacing is None else ("PixelSpacing", "")
        for i in range(PLANE_FIELDS):
            read[i] = <PyObject *>None
        read[PLANE_FRAME_OF_REFERENCE] = <PyObject *>frame_of_reference
        read[PLANE_ROWS], read[PLANE_COLUMNS] = <PyObject *>rows, <PyObject *>columns
        read[PLANE_ORIENTATION], read[PLANE_POSITION] = <PyObject *>orientation, <PyObject *>position
        read[PLANE_ROW_COSINES], read[PLANE_COLUMN_COSINES] = <PyObject *>row_cosines, <PyObject *>column_cosines
        read[PLANE_LOCATION], read[PLANE_SPACING] = <PyObject *>location, <PyObject *>spacing
        read[PLANE_THICKNESS], read[PLANE_BETWEEN] = <PyObject *>thickness, <PyObject *>between
        read[PLANE_SOURCE], read[PLANE_CALIBRATION] = <PyObject *>source, <PyObject *>calibration
        if frame is not None:  # views know positions of no other kind
            read[PLANE_GEOMETRY] = <PyObject *>_OWN_GROUPS
        made = ml_new(self.cls)
        for i in range(PLANE_FIELDS):
            Py_INCREF(<object>read[i])
            ml_slot(made, self.fields[i].offset)[0] = read[i]
        PyObject_GC_UnTrack(<PyObject *>made)
        return made

    cdef bint is_sure(self, InstanceTable table) except -1:
        return self.is_everywhere(PLANE_ROWS, table) or self.is_everywhere(PLANE_COLUMNS, table)

    cdef bint takes_calibration(self) noexcept:
        return True

    cdef uint32_t width_of(self, Py_ssize_t field) noexcept:
        if field == PLANE_ORIENTATION:
            return 6
        return 3 if field == PLANE_POSITION else 2 if field == PLANE_SPACING else 1

    cdef bint may_be(self, Py_ssize_t field, array) except -1:
        return field != PLANE_SPACING or not bool((array <= 0).any())

    cdef bint is_own(self, Py_ssize_t field, InstanceTable table) except -1:
        if field == PLANE_ORIENTATION or field == PLANE_POSITION:
            return not _has_tag(table.table, _DETECTORS)
        if field != PLANE_SPACING:
            return self.fields[field].tag != 0
        return not self.has_other_spacing(table, None)  # without, it is PixelSpacing's for projections, too


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
