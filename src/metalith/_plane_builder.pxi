# The builder of image planes, which have fields of several attributes and rules of their own.

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
