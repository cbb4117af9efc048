# Selection: the modules of many rows, made when one is asked for, and their fields as arrays without making any.

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

    cdef object columns_of(self, Py_ssize_t field):
        """In each table the column of a field; None where one spells it in several ways."""
        cdef uint32_t column
        cdef InstanceTable table
        found = []
        for table in self.tables:
            column = ml_table_find_tag(table.table, self.builder.fields[field].tag)
            if column != ML_NO_INDEX and table.table.columns[column].twin != ML_NO_INDEX:
                return None
            found.append(column)
        return found

    cdef bint value_at(self, Py_ssize_t i, list columns, ml_vr_class kind, uint32_t *cell, ml_value *value) except -1:
        """The cell of a row and, unless that is ML_NO_INDEX or what it was before, the value; 0 for one of another
        kind.
        """
        cdef uint32_t which = self.table_of[i], column, slot, before = cell[0]
        cdef ml_table *table
        cdef ml_shape *shape
        cdef ml_row row
        cell[0] = ML_NO_INDEX
        if which == ML_NO_INDEX:
            return True
        column = columns[which]
        if column == ML_NO_INDEX:
            return True
        table = (<InstanceTable>self.tables[which]).table
        row = ml_table_row(table, self.rows[i])
        shape = &table.shapes[row.shape]
        slot = column if shape.identity and column < shape.width else ml_shape_slot(shape, column)
        if slot == ML_NO_INDEX:
            return True
        cell[0] = ml_shape_cell(shape, slot, row.index)
        if cell[0] == before and i and which == self.table_of[i - 1]:
            return True
        value[0] = ml_value_at(table.document, &table.columns[column], cell[0])
        return value.form <= ML_FORM_EMPTY_LIST or ml_class_of(
            ml_effective_vr(&table.columns[column], value.vr)
        ) == kind

    cdef object reals(self, Py_ssize_t field):
        """Numbers as float64, NaN where there are none; None where some are odd, or their count differs."""
        cdef bint several = self.builder.fields[field].kind == ML_REALS
        cdef uint32_t width = self.builder.width_of(field), count, cell = ML_NO_INDEX, before = ML_NO_INDEX, k
        cdef Py_ssize_t i
        cdef ml_value value, last
        cdef double[:, ::1] out
        cdef double *at = NULL
        cdef double *last_at = NULL  # of `last`, the value that was read before
        cdef bint empty = True
        columns = self.columns_of(field)
        if columns is None:
            return None
        import numpy
        made = None
        for i in range(self.count):
            before = cell
            if not self.value_at(i, <list>columns, ML_CLASS_FLOAT, &cell, &value):
                return None
            if cell == ML_NO_INDEX:
                empty = True
                continue
            if cell == before and self.table_of[i] == self.table_of[i - 1]:
                if not empty:
                    for k in range(width):
                        out[i, k] = last_at[k]
                continue
            count = 1 if last_at != NULL and value.form == ML_FORM_LIST else ml_value_count(&value)
            empty = count == 0
            if empty:
                continue
            if made is None:
                if count == ML_NO_INDEX or (width and count != width):
                    return None
                width = count
                made = numpy.full((self.count, width), numpy.nan)
                out = made
            at = &out[i, 0]
            if not ml_value_vector(&value, width, at, &last if last_at != NULL else NULL, last_at):
                return None
            last, last_at = value, at
        if made is None or not self.builder.may_be(field, made):
            return None
        return made if several else made[:, 0]

    cdef object integers(self, Py_ssize_t field):
        """Whole numbers as int64; None where some are missing or odd."""
        cdef uint32_t cell = ML_NO_INDEX, before
        cdef Py_ssize_t i
        cdef ml_value value
        cdef int64_t[::1] out
        cdef uint8_t missing = 0
        columns = self.columns_of(field)
        if columns is None:
            return None
        import numpy
        made = numpy.empty(self.count, numpy.int64)
        out = made
        for i in range(self.count):
            before = cell
            if not self.value_at(i, <list>columns, ML_CLASS_INT, &cell, &value) or cell == ML_NO_INDEX:
                return None
            if cell == before and self.table_of[i] == self.table_of[i - 1]:
                out[i] = out[i - 1]
            elif ml_value_count(&value) != 1 or not ml_value_integers(&value, &out[i], &missing, 1) or missing:
                return None
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
