# Documents as blocks of bytes, written to files and used in place from mappings of them (csrc/freeze.h).

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer

cdef extern from "freeze.h" nogil:
    enum:
        ML_FREEZE_ALIGNMENT
    ctypedef enum ml_thaw_status:
        ML_THAW_OK
        ML_THAW_MEMORY
        ML_THAW_NOT_FROZEN
        ML_THAW_BYTE_ORDER
        ML_THAW_VERSION
        ML_THAW_TRUNCATED
        ML_THAW_DAMAGED
        ML_THAW_UNALIGNED
    size_t ml_freeze_size(const ml_document *document)
    void ml_freeze(const ml_document *document, char *out)
    ml_document *ml_thaw(const char *block, size_t n, ml_thaw_status *status)
    ml_thaw_status ml_thaw_verify(const char *block, size_t n)

cdef extern from "places.h" nogil:
    int ml_places_reserve(ml_places *places, size_t more)


def frozen_size(InstanceTable table not None):
    """How many bytes a table's document takes when frozen, a multiple of 64. int."""
    cdef size_t size = ml_freeze_size(table.document.document) if _is_root(table) else 0
    if size == 0:
        raise ValueError("not a table of instances" if not _is_root(table) else "a table that is too large")
    return size


def freeze(InstanceTable table not None, buffer):
    """Freezes a table's document.

    Parameters
    ----------
    table : InstanceTable
        Of instances, not the items of a sequence.
    buffer : writable buffer
        Takes the block at its beginning, which has to be aligned to 64 bytes: an anonymous `mmap`.

    Returns
    -------
    int
        Bytes written, which is `frozen_size(table)`.
    """
    cdef size_t size = frozen_size(table)
    cdef const ml_document *document = table.document.document
    cdef Py_buffer out
    PyObject_GetBuffer(buffer, &out, PyBUF_SIMPLE | PyBUF_WRITABLE)
    try:
        if <size_t>out.len < size or <size_t>out.buf % ML_FREEZE_ALIGNMENT:
            raise ValueError("the buffer is too small, or not aligned")
        with nogil:
            ml_freeze(document, <char *>out.buf)
    finally:
        PyBuffer_Release(&out)
    return size


def is_local(InstanceTable table not None):
    """Whether a table's bulk data are places in files that this machine read the headers of; not in its block. bool."""
    return bool(table.document.local)


cdef object _check_thawed(ml_thaw_status status):
    if status == ML_THAW_OK:
        return
    if status == ML_THAW_MEMORY:
        raise MemoryError
    if status == ML_THAW_VERSION:
        raise ValueError("version")
    if status == ML_THAW_BYTE_ORDER:
        raise ValueError("byte order")
    raise ValueError("damaged")


@cython.final
@cython.no_gc
cdef class Mapped:
    """Bytes that hold frozen documents, such as a mapped file. Tables that are thawed from them keep them alive.

    Methods raise `ValueError` with "version", "byte order" or "damaged" for what is not as it was frozen.
    """
    cdef Py_buffer view

    def __cinit__(self, buffer):
        PyObject_GetBuffer(buffer, &self.view, PyBUF_SIMPLE)

    def __dealloc__(self):
        PyBuffer_Release(&self.view)

    cdef const char *block(self, size_t offset, size_t length) except NULL:
        if offset > <size_t>self.view.len or length > <size_t>self.view.len - offset:
            raise ValueError("damaged")
        return <const char *>self.view.buf + offset

    def verify(self, size_t offset, size_t length):
        """Reads all bytes of a block: they are those that were written."""
        cdef const char *block = self.block(offset, length)
        cdef ml_thaw_status status
        with nogil:
            status = ml_thaw_verify(block, length)
        _check_thawed(status)

    def thaw(self, size_t offset, size_t length, bint local):
        """The table in a block, whose structure alone is checked: bytes that were out of this program's hands have to
        be verified before the table is used.

        Parameters
        ----------
        offset, length : int
        local : bool
            What `is_local` said of the table that was frozen.

        Returns
        -------
        InstanceTable
        """
        cdef const char *block = self.block(offset, length)
        cdef ml_thaw_status status
        cdef _Document document = _Document.__new__(_Document)
        document.document = ml_thaw(block, length, &status)
        _check_thawed(status)
        document.owner = self
        document.local = local
        return _view(document, &document.document.root)


def reserve_places(Places places not None, size_t count):
    """Room for so many more instances."""
    if not ml_places_reserve(places.places, count):
        raise MemoryError


def place_thawed(Places places not None, uint32_t slot, rows, owner not None):
    """Makes rows of a held table be found that were in a store before, so that none of them can be there already.

    Parameters
    ----------
    places : Places
    slot : int
    rows : array of uint32 or None
        Which ones, ascending; None for all.
    owner : object
        Given back by `find`.

    Returns
    -------
    bool
        False when one of them is there already, after all.
    """
    cdef bytearray made = places.refs(slot), made_paths
    cdef uint32_t *refs = <uint32_t *><char *>made
    cdef uint32_t count = (<InstanceTable>places.tables[slot]).table.rows
    cdef const ml_held *document = <const ml_held *>places.slots[slot].document
    cdef uint32_t paths = min(count, document.path_capacity) if document.path != NULL else 0
    _leave(refs, count, rows)
    if places.put_refs(places.places, slot, refs, count, _uid_at):
        return False
    if paths:
        made_paths = bytearray(4 * <size_t>paths)
        refs = <uint32_t *><char *>made_paths
        memcpy(refs, document.path, 4 * <size_t>paths)
        _leave(refs, paths, rows)
        places.put_refs(places.paths, slot, refs, paths, _path_at)
    places.owners[slot] = owner
    places.slots[slot].whole = rows is None
    return True


cdef object _leave(uint32_t *refs, uint32_t count, rows):
    """Zeros in place of all but some of them."""
    cdef const uint32_t[::1] kept
    cdef uint32_t row = 0
    cdef Py_ssize_t i
    if rows is None:
        return
    kept = rows
    for i in range(kept.shape[0]):
        while row < count and row < kept[i]:
            refs[row] = 0
            row += 1
        row += 1
    while row < count:
        refs[row] = 0
        row += 1
