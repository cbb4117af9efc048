# From bytes to tables.

cdef uint32_t _SEED = int.from_bytes(__import__("os").urandom(4), "little")


cdef object _path(const ml_step *steps, uint32_t depth, uint32_t kept):
    """A place as `00081140[0].00081155`."""
    cdef uint32_t i
    cdef char digits[8]
    parts = []
    for i in range(min(depth, kept)):
        ml_format_tag(steps[i].tag, digits)
        tag = PyUnicode_FromStringAndSize(digits, 8)
        parts.append(f"{tag}[{steps[i].item}]" if i + 1 < depth else tag)
    return ".".join(parts) + ("…" if depth > kept else "")


cdef object _problems(const ml_document *document):
    from metalith.errors import Problem
    cdef uint32_t i
    cdef const ml_problem *p
    listed = []
    for i in range(document.problems.count):
        p = &document.problems.list[i]
        listed.append(Problem(p.kind, _path(p.path, p.depth, ML_PATH_KEPT), p.row, p.offset, p.count))
    if document.problems.unlisted:
        listed.append(Problem(0, "", 0, 0, document.problems.unlisted))
    return tuple(listed)


cdef ml_limits _c_limits(limits):
    cdef ml_limits c
    c.bytes = limits.max_bytes
    c.sequence_depth = limits.max_sequence_depth
    c.json_depth = limits.max_json_depth
    c.odd_keys = limits.max_keys
    c.problems = limits.max_problems
    return c


@cython.final
@cython.no_gc
cdef class Scanner:
    """Scans one input, whole (`scan`) or in pieces (`feed`, then `finish`). One use each.

    Parameters
    ----------
    limits : metalith.Limits
    strict : bool
    source : str or None
        Named in errors.
    """
    cdef ml_scan *scan_
    cdef object source
    cdef object limits
    cdef bint busy

    def __cinit__(self, limits, bint strict, source):
        cdef ml_limits c = _c_limits(limits)
        self.source = source
        self.limits = limits
        self.scan_ = ml_scan_new(&c, _SEED, strict)
        if self.scan_ == NULL:
            raise MemoryError

    def __dealloc__(self):
        ml_scan_free(self.scan_)

    cdef int begin(self) except -1:
        if self.busy:
            raise RuntimeError("the scanner is in use in another thread, or used up")
        self.busy = True
        return 0

    cdef object fail(self):
        cdef const ml_error *error = ml_scan_error(self.scan_)
        if error.code == ML_E_MEMORY:
            return MemoryError()
        from metalith.errors import parse_error
        path = _path(error.path, error.depth, error.depth)
        return parse_error(error.code, error.problem, error.offset, error.row, path, self.source, self.limits)

    cdef InstanceTable take(self):
        cdef _Document document = _Document.__new__(_Document)
        with nogil:
            document.document = ml_scan_take(self.scan_)
        return _view(document, &document.document.root)

    def scan(self, data):
        """Scans all of a bytes-like object or str, without copying it. InstanceTable."""
        cdef const char *s = NULL
        cdef Py_ssize_t n
        cdef int ok
        cdef const uint8_t[::1] view
        self.begin()
        if isinstance(data, str):
            s = PyUnicode_AsUTF8AndSize(data, &n)
        else:
            view = memoryview(data).cast("B")
            n = view.shape[0]
            if n:
                s = <const char *>&view[0]
        with nogil:
            ok = ml_scan_all(self.scan_, s, n)
        if not ok:
            raise self.fail()
        return self.take()

    def feed(self, data):
        """Scans one more piece, cut anywhere."""
        cdef const char *s = NULL
        cdef Py_ssize_t n
        cdef int ok
        cdef const uint8_t[::1] view
        if type(data) is bytes:  # pieces may be small, and a view of one costs more than to scan it
            s = PyBytes_AS_STRING(data)
            n = PyBytes_GET_SIZE(data)
        else:
            view = memoryview(data).cast("B")
            n = view.shape[0]
            if n:
                s = <const char *>&view[0]
        self.begin()
        if n:
            with nogil:
                ok = ml_scan_feed(self.scan_, s, n)
            if not ok:
                raise self.fail()
        self.busy = False

    def finish(self):
        """The end of the input. InstanceTable."""
        cdef int ok
        self.begin()
        with nogil:
            ok = ml_scan_end(self.scan_)
        if not ok:
            raise self.fail()
        return self.take()


def _cells(InstanceTable table not None, key, uint32_t first, uint32_t count):
    """For `metalith._columns`: where the values of an attribute in rows [first, first + count) are.

    Returns (column, cells, whether some row lacks the attribute); cells is the one cell of all rows, or a bytearray
    of uint32 [count]. None when rows spell the attribute differently.
    """
    cdef uint32_t column, cell, i
    cdef bint missing = False
    cdef bytearray cells
    cdef uint32_t *out
    column = table.find(key) if isinstance(key, str) else _find_number(table.table, key)
    if column == ML_NO_INDEX or table.table.columns[column].count == 0:
        raise KeyError(key)
    if table.table.columns[column].twin != ML_NO_INDEX:
        return None
    if table._is_constant(column, &cell):
        return column, cell, False
    cells = bytearray(4 * <size_t>count)
    out = <uint32_t *><char *>cells
    with nogil:
        ml_gather_cells(table.table, column, first, count, out)
        for i in range(count):
            if out[i] == ML_NO_INDEX:
                missing = True
                break
    return column, cells, missing


def _distinct_count(InstanceTable table not None, uint32_t column):
    """For `metalith._columns`: how many distinct values a column has."""
    return table.table.columns[column].count


def _distinct_numbers(InstanceTable table not None, uint32_t column, const uint32_t[::1] used):
    """For `metalith._columns`: what the distinct values `used` of a column are as numbers.

    Returns None when they are no numbers, else (counts: bytearray of uint32, is_integer: bool).
    """
    cdef ml_column *c = &table.table.columns[column]
    cdef ml_value value
    cdef Py_ssize_t i
    cdef uint32_t n
    cdef ml_vr_class kind
    cdef bint integers = True
    cdef bytearray counts = bytearray(4 * used.shape[0])
    cdef uint32_t *out = <uint32_t *><char *>counts
    for i in range(used.shape[0]):
        value = ml_value_at(table.table.document, c, used[i])
        kind = ml_class_of(ml_effective_vr(c, value.vr))
        if kind == ML_CLASS_FLOAT:
            integers = False
        elif kind != ML_CLASS_INT:
            return None
        n = ml_value_count(&value)
        if n == <uint32_t>-1:
            return None
        out[i] = n
    return counts, integers


def _fill_doubles(InstanceTable table not None, uint32_t column, const uint32_t[::1] used, double[:, ::1] out):
    """For `metalith._columns`: distinct values as doubles, missing ones NaN. False when one is no number."""
    cdef ml_value value
    cdef Py_ssize_t i, k
    for i in range(used.shape[0]):
        for k in range(out.shape[1]):
            out[i, k] = NAN
        value = ml_value_at(table.table.document, &table.table.columns[column], used[i])
        if not ml_value_doubles(&value, &out[i, 0], <uint32_t>out.shape[1]):
            return False
    return True


def _fill_integers(
    InstanceTable table not None,
    uint32_t column,
    const uint32_t[::1] used,
    int64_t[:, ::1] out,
    uint8_t[:, ::1] missing,
):
    """For `metalith._columns`: distinct values as integers. False when one is no integer of 64 bits."""
    cdef ml_value value
    cdef Py_ssize_t i, k
    for i in range(used.shape[0]):
        for k in range(out.shape[1]):
            out[i, k] = 0
            missing[i, k] = 1
        value = ml_value_at(table.table.document, &table.table.columns[column], used[i])
        if not ml_value_integers(&value, &out[i, 0], &missing[i, 0], <uint32_t>out.shape[1]):
            return False
    return True


def _value_of_cell(InstanceTable table not None, uint32_t column, uint32_t cell):
    """For `metalith._columns`: a distinct value as Python object."""
    return table.value(column, cell)
