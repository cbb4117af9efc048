# Selection: the modules of many rows, made when one is asked for, and their fields as arrays without making any.

ctypedef enum Found:
    FOUND_NOTHING      # the row lacks the attribute, or it is empty
    FOUND_SAME         # the value that was found before
    FOUND_NEW
    FOUND_OTHER        # a value of another kind


cdef struct Cursor:
    uint32_t tag
    ml_vr_class kind
    uint32_t which     # of the tables
    ml_table *table
    uint32_t column
    uint32_t cell      # of the row before, in this table
    ml_value value     # of that cell
    Found found        # there, when it comes again


@cython.final
cdef class Selection:
    """Answers to one type for many image ids, in their order, as they were when this was made.

    Attributes
    ----------
    lacking : int
        How many ids have no answer.
    """
    cdef Builder builder
    cdef list image_ids, tables
    cdef dict made           # by place, those that were made
    cdef uint32_t *table_of  # [count], ML_NO_INDEX where the answer is in `made`, if anywhere
    cdef uint32_t *rows      # [count]
    cdef Py_ssize_t count
    cdef readonly Py_ssize_t lacking
    cdef bint of_rows        # all answers that there are

    def __init__(self):
        raise TypeError("Selection is made by a store")

    def __dealloc__(self):
        free(self.table_of)
        free(self.rows)

    def __len__(self):
        return self.count

    def __getitem__(self, Py_ssize_t index):
        """An answer, or None; the same object each time."""
        if index < 0:
            index += self.count
        if not 0 <= index < self.count:
            raise IndexError(f"answer {index} of {self.count}")
        return self.at(index)

    cdef object at(self, Py_ssize_t index):
        cdef Instance instance
        cdef PyObject *known = PyDict_GetItemWithError(self.made, index)
        if known != NULL:
            return <object>known
        if self.table_of[index] == ML_NO_INDEX:
            return None
        instance = _instance(<InstanceTable>self.tables[self.table_of[index]], self.rows[index])
        made = self.builder.make(instance, None)
        if made is NotImplemented:
            made = self.builder.cls.build(instance, image_id=self.image_ids[index])
        return self.made.setdefault(index, made)

    def tolist(self):
        """All of them. list."""
        return [self.at(i) for i in range(self.count)]

    # ---- fields ----

    def field(self, str name not None):
        """A field of the answers, as `metalith.providers.Answers` gives it; None where it takes the modules to tell."""
        cdef Py_ssize_t index
        cdef InstanceTable table
        cdef int kind
        if not self.of_rows or self.lacking == self.count or name not in self.builder.names:
            return None
        if isinstance(self.builder, PlaneBuilder) and name in ("row_cosines", "column_cosines"):
            whole = self.field("image_orientation_patient")
            return None if whole is None else (whole[:, :3] if name == "row_cosines" else whole[:, 3:]).copy()
        index = self.builder.names.index(name)
        for table in self.tables:
            if not self.builder.is_own(index, table):
                return None
        kind = self.builder.fields[index].kind
        if kind == ML_REAL or kind == ML_REALS:
            return self.reals(index)
        if kind == ML_WHOLE:
            return self.integers(index)
        return self.objects(index) if kind in (ML_TEXT, ML_TEXTS, ML_CODE, ML_CODES) else None

    cdef bint begin(self, Cursor *cursor, Py_ssize_t field, ml_vr_class kind) except -1:
        """Sets a cursor on a field of attributes of one kind; 0 where a table spells the attribute in several ways."""
        cdef uint32_t column
        cdef InstanceTable table
        memset(cursor, 0, sizeof(Cursor))
        cursor.tag, cursor.kind, cursor.which = self.builder.fields[field].tag, kind, ML_NO_INDEX
        for table in self.tables:
            column = ml_table_find_tag(table.table, cursor.tag)
            if column != ML_NO_INDEX and table.table.columns[column].twin != ML_NO_INDEX:
                return False
        return True

    cdef Found find(self, Cursor *cursor, Py_ssize_t i) noexcept:
        """What a row has; the value is the cursor's."""
        cdef uint32_t which = self.table_of[i], slot, cell
        cdef ml_shape *shape
        cdef ml_row row
        if which == ML_NO_INDEX:
            return FOUND_NOTHING
        if which != cursor.which:
            cursor.which = which
            cursor.table = (<InstanceTable>self.tables[which]).table
            cursor.column = ml_table_find_tag(cursor.table, cursor.tag)
            cursor.cell = ML_NO_INDEX
        if cursor.column == ML_NO_INDEX:
            return FOUND_NOTHING
        row = ml_table_row(cursor.table, self.rows[i])
        shape = &cursor.table.shapes[row.shape]
        slot = cursor.column if shape.identity and cursor.column < shape.width else ml_shape_slot(shape, cursor.column)
        if slot == ML_NO_INDEX:
            return FOUND_NOTHING
        cell = ml_shape_cell(shape, slot, row.index)
        if cell == cursor.cell:
            return cursor.found
        cursor.cell = cell
        cursor.value = ml_value_at(cursor.table.document, &cursor.table.columns[cursor.column], cell)
        cursor.found = FOUND_SAME
        if cursor.value.form <= ML_FORM_EMPTY_LIST:
            cursor.found = FOUND_NOTHING
        elif ml_class_of(ml_effective_vr(&cursor.table.columns[cursor.column], cursor.value.vr)) != cursor.kind:
            cursor.found = FOUND_OTHER
        return FOUND_NEW if cursor.found == FOUND_SAME else cursor.found

    cdef object reals(self, Py_ssize_t field):
        """Numbers as float64, NaN where there are none; None where some are odd, or their count differs."""
        cdef bint several = self.builder.fields[field].kind == ML_REALS
        cdef uint32_t width = self.builder.width_of(field), count = 0, k
        cdef Py_ssize_t i
        cdef Cursor cursor
        cdef Found found
        cdef ml_value last
        cdef double[:, ::1] out
        cdef double *last_at = NULL  # of `last`, the value that was read before
        if not self.begin(&cursor, field, ML_CLASS_FLOAT):
            return None
        import numpy
        made = None
        for i in range(self.count):
            found = self.find(&cursor, i)
            if found == FOUND_OTHER:
                return None
            if found == FOUND_NOTHING:
                continue
            if found == FOUND_SAME:
                if last_at != NULL and count:
                    for k in range(width):
                        out[i, k] = last_at[k]
                continue
            count = 1 if last_at != NULL and cursor.value.form == ML_FORM_LIST else ml_value_count(&cursor.value)
            if not count:
                continue
            if made is None:
                if count == ML_NO_INDEX or (width and count != width):
                    return None
                width = count
                made = numpy.full((self.count, width), numpy.nan)
                out = made
            if not ml_value_vector(
                &cursor.value, width, &out[i, 0], &last if last_at != NULL else NULL, last_at
            ):
                return None
            last, last_at = cursor.value, &out[i, 0]
        if made is None or not self.builder.may_be(field, made):
            return None
        return made if several else made[:, 0]

    cdef object integers(self, Py_ssize_t field):
        """Whole numbers as int64; None where some are missing or odd."""
        cdef Py_ssize_t i
        cdef Cursor cursor
        cdef Found found
        cdef int64_t number = 0
        cdef int64_t[::1] out
        cdef uint8_t missing = 0
        if not self.begin(&cursor, field, ML_CLASS_INT):
            return None
        import numpy
        made = numpy.empty(self.count, numpy.int64)
        out = made
        for i in range(self.count):
            found = self.find(&cursor, i)
            if found == FOUND_NEW:
                if ml_value_count(&cursor.value) != 1 or not ml_value_integers(&cursor.value, &number, &missing, 1):
                    return None
            if missing or (found != FOUND_NEW and found != FOUND_SAME):
                return None
            out[i] = number
        return made

    cdef object objects(self, Py_ssize_t field):
        """Texts."""
        cdef Py_ssize_t i
        import numpy
        made = numpy.empty(self.count, dtype=object)
        for i in range(self.count):
            if self.table_of[i] != ML_NO_INDEX:
                instance = _instance(<InstanceTable>self.tables[self.table_of[i]], self.rows[i])
                made[i] = self.builder.read(field, instance, None)
        return made


cdef Selection _selection(Builder builder, list image_ids):
    cdef Selection made = Selection.__new__(Selection)
    made.builder, made.image_ids, made.count = builder, image_ids, len(image_ids)
    made.tables, made.made = [], {}
    made.of_rows = True
    made.table_of = <uint32_t *>_zeroed(made.count, sizeof(uint32_t))
    made.rows = <uint32_t *>_zeroed(made.count, sizeof(uint32_t))
    return made
