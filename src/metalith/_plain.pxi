# Plain instances and image ids: those of which an instance's row says everything, and which C can read.

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
