# InstanceTable: rows and columns of a document, and the Python objects made of them so far.

cdef struct NameEntry:
    PyObject *name
    uint32_t column


@cython.final
@cython.no_gc
cdef class _Document:
    """Owns what csrc built. Tables keep it alive; it knows none of them, so there are no cycles and nothing for the
    collector.
    """
    cdef ml_document *document
    cdef bint local            # its bulk data are places in files that this machine read the headers of
    cdef object owner          # of the block that a thawed document lies in; goes after it

    def __dealloc__(self):
        ml_document_free(self.document)


@cython.final
@cython.no_gc
cdef class InstanceTable:
    """Instances of one response, or the items of one sequence attribute, as a table.

    Rows are instances: `table[0]`, `len(table)`, iteration. Columns are attributes: `table.column("PixelSpacing")`.
    Values are immutable and shared by every row that has them. Made by `metalith.naturalize`; not to be instantiated.

    Examples
    --------
    >>> table = metalith.naturalize(b'[{"00280010":{"vr":"US","Value":[512]}}]')
    >>> table[0].Rows, table.keywords
    (512, ('Rows',))
    """
    cdef _Document document
    cdef ml_table *table
    cdef PyObject ***values       # [column] of [distinct value]; NULL until asked for
    cdef PyObject **children      # [column], views of the tables of sequences
    cdef PyObject **names         # [column]
    # names asked for lately, by address: attribute names in code are interned, so the address nearly always tells
    cdef NameEntry *lookups
    cdef uint32_t lookup_mask
    cdef object listed            # problems, root table only
    cdef object layouts           # for metalith.frames: by make-up of a row
    cdef uint32_t made            # bytes of the arrays above, for nbytes
    cdef int like                 # what modules of rows depend on; 0 until asked for

    def __cinit__(self):
        self.listed = None
        self.layouts = None

    def __init__(self):
        raise TypeError("InstanceTable is made by metalith.naturalize")

    def __dealloc__(self):
        cdef uint32_t c, i
        if self.table == NULL:
            return
        for c in range(self.table.column_count):
            if self.values != NULL and self.values[c] != NULL:
                for i in range(self.table.columns[c].count):
                    Py_XDECREF(self.values[c][i])
                free(self.values[c])
            if self.children != NULL:
                Py_XDECREF(self.children[c])
            if self.names != NULL:
                Py_XDECREF(self.names[c])
        if self.lookups != NULL:
            for i in range(self.lookup_mask + 1):
                Py_XDECREF(self.lookups[i].name)
        free(self.values)
        free(self.children)
        free(self.names)
        free(self.lookups)

    # ---- what C asks of it ----

    cdef object name(self, uint32_t column):
        if self.names == NULL:
            self.names = <PyObject **>_zeroed(self.table.column_count, sizeof(PyObject *))
            self.made += self.table.column_count * sizeof(PyObject *)
        if self.names[column] == NULL:
            made = _column_name(self.table, column)
            Py_INCREF(made)
            self.names[column] = <PyObject *>made
        return <object>self.names[column]

    cdef uint32_t find(self, object name) except? 0xFFFFFFFE:
        """The first column of a name; ML_NO_INDEX when the table has none."""
        cdef uint32_t at, size, column
        cdef NameEntry *entry
        if self.lookups == NULL:
            size = 8
            while size < self.table.column_count and size < 256:
                size *= 2
            self.lookups = <NameEntry *>_zeroed(size, sizeof(NameEntry))
            self.lookup_mask = size - 1
            self.made += size * sizeof(NameEntry)
        at = (<size_t><PyObject *>name >> 4 ^ <size_t><PyObject *>name >> 12) & self.lookup_mask
        entry = &self.lookups[at]
        if entry.name == <PyObject *>name:
            return entry.column
        column = _find_text(self.table, name)
        if PyUnicode_CheckExact(name):
            Py_INCREF(name)
            Py_XDECREF(entry.name)
            entry.name = <PyObject *>name
            entry.column = column
        return column

    cdef object value(self, uint32_t column, uint32_t cell):
        """A distinct value as Python object, made once."""
        cdef PyObject **made
        if self.values != NULL:
            made = self.values[column]
            if made != NULL and made[cell] != NULL:
                return <object>made[cell]
        return self.make(column, cell)

    cdef object make(self, uint32_t column, uint32_t cell):
        cdef PyObject **made
        if self.values == NULL:
            self.values = <PyObject ***>_zeroed(self.table.column_count, sizeof(PyObject **))
            self.made += self.table.column_count * sizeof(PyObject **)
        if self.values[column] == NULL:
            self.values[column] = <PyObject **>_zeroed(self.table.columns[column].count, sizeof(PyObject *))
            self.made += self.table.columns[column].count * sizeof(PyObject *)
        value = _make_value(self, column, cell)
        made = self.values[column]
        if made[cell] != NULL:  # making it ran Python code that made it too
            return <object>made[cell]
        Py_INCREF(value)
        made[cell] = <PyObject *>value
        return value

    cdef InstanceTable child(self, uint32_t column):
        if self.children == NULL:
            self.children = <PyObject **>_zeroed(self.table.column_count, sizeof(PyObject *))
            self.made += self.table.column_count * sizeof(PyObject *)
        if self.children[column] == NULL:
            made = _view(self.document, self.table.columns[column].child)
            Py_INCREF(made)
            self.children[column] = <PyObject *>made
        return <InstanceTable>self.children[column]

    # ---- rows ----

    def __len__(self):
        return self.table.rows

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [_instance(self, row) for row in range(*index.indices(self.table.rows))]
        cdef Py_ssize_t row = index
        if row < 0:
            row += self.table.rows
        if not 0 <= row < self.table.rows:
            raise IndexError(f"row {index} of a table of {self.table.rows} instances")
        return _instance(self, <uint32_t>row)

    def __iter__(self):
        return _InstanceIterator.__new__(_InstanceIterator, self, 0, self.table.rows)

    def __eq__(self, other):
        if not isinstance(other, InstanceTable):
            return NotImplemented
        return self is other or (len(self) == len(other) and all(a == b for a, b in zip(self, other)))

    __hash__ = None

    def __repr__(self):
        return f"<InstanceTable: {self.table.rows} instances, {len(self.keywords)} attributes, {self.nbytes:,} bytes>"

    def __reduce__(self):
        return _table_from_json, (self.to_json("dicom"), _origin_of(self, 0, self.table.rows))

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    # ---- files ----

    @property
    def paths(self):
        """The file that each instance was read from; None where it was none. tuple of str."""
        return tuple([_row_path(self, row) for row in range(self.table.rows)])

    @property
    def file_meta(self):
        """The file meta information (PS3.10 section 7.1) of each instance, TransferSyntaxUID among it, as a table with
        the same rows; None when the instances did not come from files. InstanceTable.
        """
        return _file_meta(self)

    # ---- columns ----

    @property
    def keywords(self):
        """Names of all attributes that any instance has, in the order they first came. tuple of str."""
        return tuple([self.name(c) for c in range(self.table.column_count) if self._is_first(c)])

    cdef bint _is_first(self, uint32_t column):
        """Not a second spelling of an attribute, and not one whose rows were all taken back."""
        cdef uint32_t primary = self.table.columns[column].primary
        return (primary == column or primary == ML_NO_INDEX) and self.table.columns[column].count > 0

    cdef bint _is_constant(self, uint32_t column, uint32_t *cell):
        return self.table.columns[column].twin == ML_NO_INDEX and ml_is_constant(self.table, column, cell)

    @property
    def constant(self):
        """Names of the attributes that every instance has with one and the same value, down to how it is spelled.
        tuple of str.
        """
        cdef uint32_t c, cell
        columns = range(self.table.column_count)
        return tuple([self.name(c) for c in columns if self._is_first(c) and self._is_constant(c, &cell)])

    @property
    def varying(self):
        """Names of the other attributes: different values, or not in every instance. tuple of str."""
        cdef uint32_t c, cell
        columns = range(self.table.column_count)
        return tuple([self.name(c) for c in columns if self._is_first(c) and not self._is_constant(c, &cell)])

    def column(self, keyword, *, masked=False, dtype=None):
        """The values of an attribute in all instances, as an array.

        Parameters
        ----------
        keyword : str or int
            Keyword or tag, as for an instance.
        masked : bool, optional
            Give a `numpy.ma.MaskedArray` whose mask tells the missing values; integers then stay integers where some
            are missing.
        dtype : optional
            `str` gives an array of fixed-width strings ("" where missing, several values joined by a backslash),
            `object` the natural values themselves; otherwise as for `numpy.asarray`.

        Returns
        -------
        numpy.ndarray, shape (N,) or (N, k)
            float64 for DS, FL, FD; int64 for the integer VRs (uint64 or object where they need it, float64 with NaN
            where some are missing, which keeps integers exact up to 2**53); object arrays of the values themselves
            for text and the rest, None where missing. An attribute with one value for all is a read-only broadcast
            view of it.

        Raises
        ------
        KeyError
            No instance has the attribute.
        metalith.ColumnError
            The number of values is not the same in all instances, or some are missing that `dtype` has no form for;
            names the rows.

        Examples
        --------
        >>> body = b'[{"00200013":{"vr":"IS","Value":[1]}},{"00200013":{"vr":"IS","Value":[2]}}]'
        >>> metalith.naturalize(body).column("InstanceNumber")
        array([1, 2])
        """
        from metalith._columns import column
        return column(self, keyword, 0, self.table.rows, masked, dtype)

    def distinct(self, keyword):
        """The different values of an attribute, in the order they first came; None where it is present but empty.

        Parameters
        ----------
        keyword : str or int
            Keyword or tag, as for an instance.

        Returns
        -------
        tuple
            Natural values. Values of an attribute that is different in nearly every instance may come more than once.

        Raises
        ------
        KeyError
            No instance has the attribute.

        Examples
        --------
        >>> ct, pt = ({"00080060": {"vr": "CS", "Value": [modality]}} for modality in ("CT", "PT"))
        >>> table = metalith.naturalize([ct, pt, ct])
        >>> table.distinct("Modality")
        ('CT', 'PT')
        """
        cdef uint32_t column = self.find(keyword) if isinstance(keyword, str) else _find_number(self.table, keyword)
        if column == ML_NO_INDEX or self.table.columns[column].count == 0:
            raise KeyError(keyword)
        values = []
        while column != ML_NO_INDEX:
            values += [self.value(column, cell) for cell in range(self.table.columns[column].count)]
            column = self.table.columns[column].twin
        return tuple(values)

    # ---- the rest ----

    @property
    def nbytes(self):
        """Bytes that the whole document holds, Python objects made so far not counted (but the arrays that point to
        them are). int.
        """
        return ml_document_bytes(self.document.document) + self.made

    @property
    def problems(self):
        """What was accepted though it is not as PS3.18 wants it. tuple of `metalith.Problem`, mostly empty."""
        if self.listed is None:
            self.listed = _problems(self.document.document)
        return self.listed

    def to_json(self, str dialect="natural"):
        """The table as a JSON array of datasets; see `Instance.to_json`. bytes."""
        return _rows_to_json(self, 0, self.table.rows, dialect, True)

    def to_dicts(self, str dialect="natural"):
        """Each instance as plain dict; see `Instance.to_dict`. list of dict."""
        return [instance.to_dict(dialect) for instance in self]


cdef bint _is_root(InstanceTable table):
    return table.document is not None and table.table == &table.document.document.root


cdef object _row_path(InstanceTable table, uint32_t row):
    cdef size_t n
    cdef const char *s
    if not _is_root(table):
        return None
    s = ml_document_path(table.document.document, row, &n)
    if s == NULL:
        return None
    from os import fsdecode
    return fsdecode(PyBytes_FromStringAndSize(s, n))


cdef InstanceTable _file_meta(InstanceTable table):
    if not _is_root(table):
        return None
    if table.document.document.meta.rows == 0:
        return None
    return _view(table.document, &table.document.document.meta)


cdef object _origin_of(InstanceTable table, uint32_t first, uint32_t count):
    """What JSON does not tell of rows that were files, for pickles; None when there is nothing."""
    cdef InstanceTable meta
    if table.document is None or not table.document.local:
        return None
    meta = _file_meta(table)
    if meta is None:
        return None, None
    return tuple([_row_path(table, first + i) for i in range(count)]), _rows_to_json(meta, first, count, "dicom", True)


cdef void *_zeroed(size_t count, size_t size) except NULL:
    cdef void *block = calloc(count if count else 1, size)
    if block == NULL:
        raise MemoryError
    return block


cdef InstanceTable _view(_Document document, ml_table *table):
    cdef InstanceTable view = InstanceTable.__new__(InstanceTable)
    view.document = document
    view.table = table
    return view


@cython.final
@cython.no_gc
cdef class _InstanceIterator:
    cdef InstanceTable table
    cdef uint32_t next, end

    def __cinit__(self, InstanceTable table, uint32_t first, uint32_t end):
        self.table = table
        self.next = first
        self.end = end

    def __iter__(self):
        return self

    def __next__(self):
        if self.next >= self.end:
            raise StopIteration
        self.next += 1
        return _instance(self.table, self.next - 1)

    def __length_hint__(self):
        return self.end - self.next


cdef ml_dialect _dialect(str name) except <ml_dialect>-1:
    if name == "natural":
        return ML_DIALECT_NATURAL
    if name == "dcmjs":
        return ML_DIALECT_DCMJS
    if name == "cornerstone":
        return ML_DIALECT_CORNERSTONE
    if name == "dicom":
        return ML_DIALECT_DICOM
    if name == "spelled":  # for metalith._dialects
        return ML_DIALECT_SPELLED
    raise ValueError(f"dialect is one of 'natural', 'dcmjs', 'cornerstone', 'dicom', not {name!r}")


@cython.final
@cython.no_gc
cdef class _Writer:
    """Owns a ml_writer."""
    cdef ml_writer *writer

    def __cinit__(self, str dialect):
        self.writer = ml_writer_new(_dialect(dialect))
        if self.writer == NULL:
            raise MemoryError

    def __dealloc__(self):
        ml_writer_free(self.writer)

    cdef bytes take(self):
        cdef ml_buffer *buffer = ml_writer_buffer(self.writer)
        if buffer.failed:
            raise MemoryError
        return PyBytes_FromStringAndSize(buffer.data, buffer.length)


cdef bytes _rows_to_json(InstanceTable table, uint32_t first, uint32_t count, str dialect, bint array):
    """Rows as JSON, straight from the table; rows with elements of unusual make-up take the way through Python
    objects.
    """
    cdef _Writer writer = _Writer(dialect)
    cdef ml_buffer *buffer = ml_writer_buffer(writer.writer)
    cdef uint32_t row = first, end = first + count
    if array:
        ml_put(buffer, b"[", 1)
    while row < end:
        with nogil:
            while row < end:
                if array and row > first:
                    ml_put(buffer, b",", 1)
                if not ml_write_row(writer.writer, table.table, row):
                    break
                row += 1
        if row < end:
            from metalith._dialects import row_to_json
            text = row_to_json(_instance(table, row), dialect)
            ml_put(buffer, <const char *>text, len(text))
            row += 1
    if array:
        ml_put(buffer, b"]", 1)
    return writer.take()


def _row_as_written(Instance instance not None, str dialect):
    """For `metalith._dialects`: the JSON that csrc writes of a row, None where it leaves it to the general way."""
    cdef _Writer writer = _Writer(dialect)
    return writer.take() if ml_write_row(writer.writer, instance.table.table, instance.index) else None
