# Rows of tables: tables made of rows of others, and what a store wants to know of them beforehand.


def check_uids(InstanceTable table not None, uint32_t column, const uint32_t[::1] cells, str keyword):
    """Raises when a row's value is not one plain text: what is looked up is compared with the bytes it is kept as."""
    cdef Py_ssize_t row
    cdef ml_value value
    for row in range(cells.shape[0]):
        value = ml_value_at(table.table.document, &table.table.columns[column], cells[row])
        if value.form != ML_FORM_STRING or not value.length:
            from metalith.errors import StoreError
            raise StoreError(f"{keyword} of instance {row} is no UID")


def is_root(InstanceTable table not None):
    """Whether rows are instances, and not the items of a sequence."""
    return _is_root(table)


def copy_rows(pieces):
    """A table with rows of others, in their order.

    Parameters
    ----------
    pieces : iterable of (InstanceTable, array of uint32 or None)
        Tables of instances, and which rows of each; None for all.

    Returns
    -------
    InstanceTable
    """
    cdef _Document document = _Document.__new__(_Document)
    cdef ml_copier *copier = NULL
    cdef InstanceTable table
    cdef const uint32_t[::1] rows
    cdef uint32_t row, count
    cdef Py_ssize_t i
    cdef bint all_rows, ok = True
    pieces = list(pieces)  # the copier knows sources by their address: none may go before it
    document.document = ml_document_new(_SEED)
    if document.document != NULL:
        copier = ml_copier_new(document.document)
    if copier == NULL:
        raise MemoryError
    try:
        for table, chosen in pieces:
            document.local = document.local or table.document.local
            all_rows = chosen is None
            rows = chosen
            count = table.table.rows if all_rows else <uint32_t>rows.shape[0]
            with nogil:
                for i in range(count):
                    row = <uint32_t>i if all_rows else rows[i]
                    ok = ml_copier_add(copier, table.document.document, row)
                    if not ok:
                        break
            if not ok:
                raise MemoryError
    finally:
        ml_copier_free(copier)
    ml_document_finish(document.document)
    return _view(document, &document.document.root)


def origin_of(InstanceTable table not None):
    """What JSON does not tell of a table's rows, for `_table_from_json`."""
    return _origin_of(table, 0, table.table.rows)


def table_of(instances):
    """The instances as a table: the one that they are all rows of, in its order, or a copy. InstanceTable."""
    cdef Instance instance
    cdef InstanceTable table = None
    pieces, rows = [], []
    for instance in instances:
        if not _is_root(instance.table):
            from metalith.errors import StoreError
            raise StoreError("an item of a sequence is no instance")
        if instance.table is not table:
            table, rows = instance.table, []
            pieces.append((table, rows))
        rows.append(instance.index)
    if len(pieces) == 1 and len(rows) == table.table.rows and rows == list(range(table.table.rows)):
        return table
    from array import array
    code = "I" if array("I").itemsize == 4 else "L"
    return copy_rows([(one, array(code, chosen)) for one, chosen in pieces])
