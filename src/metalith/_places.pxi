# Where instances are: the index of a store, by SOPInstanceUID and by path.

cdef extern from "places.h" nogil:
    ctypedef struct ml_places:
        pass
    ctypedef struct ml_place:
        uint32_t table
        uint32_t row
    ctypedef struct ml_placed:
        ml_place place
        uint32_t ref
    ctypedef const char *(*ml_key_at)(const void *context, uint32_t table, uint32_t ref, size_t *length) noexcept
    ml_places *ml_places_new(uint64_t seed)
    void ml_places_free(ml_places *places)
    size_t ml_places_count(const ml_places *places)
    size_t ml_places_bytes(const ml_places *places)
    int ml_places_find(
        const ml_places *places, const char *key, size_t n, ml_key_at key_at, const void *context, ml_place *place
    )
    int ml_places_put_many(
        ml_places *places, uint32_t table, uint32_t first, const uint32_t *refs, size_t n, ml_key_at key_at,
        const void *context, ml_placed *old
    )
    void ml_places_undo_many(
        ml_places *places, uint32_t table, uint32_t first, const uint32_t *refs, size_t n, ml_key_at key_at,
        const void *context, const ml_placed *old
    )
    int ml_places_remove_at(
        ml_places *places, const char *key, size_t n, ml_key_at key_at, const void *context, ml_place place
    )
    int ml_places_move(
        ml_places *places, const char *key, size_t n, ml_key_at key_at, const void *context, ml_place origin,
        ml_place to, uint32_t ref
    )

cdef extern from "arena.h" nogil:
    ctypedef struct ml_arena:
        pass
    char *ml_arena_at(const ml_arena *arena, uint32_t ref)

cdef extern from "table.h" nogil:
    ctypedef struct ml_held "ml_document":
        ml_arena arena
        uint32_t *path
        uint32_t path_capacity
    ml_value ml_value_of(const ml_document *document, uint32_t ref)
    uint32_t ml_column_ref(const ml_column *column, uint32_t cell)

cdef enum:
    PUT_AT_ONCE = 16384  # rows that are put before other threads may look again

cdef uint32_t _SOP_INSTANCE_UID = 0x00080018


cdef struct Slot:
    ml_document *document
    uint32_t column     # of SOPInstanceUID
    uint64_t used       # when it was last looked at
    size_t nbytes
    bint whole          # for certain, each of its rows is where its UID is found


cdef const char *_uid_at(const void *context, uint32_t slot, uint32_t ref, size_t *length) noexcept nogil:
    cdef ml_value value = ml_value_of((<const Slot *>context)[slot].document, ref)
    length[0] = value.length
    return value.text


cdef const char *_path_at(const void *context, uint32_t slot, uint32_t ref, size_t *length) noexcept nogil:
    cdef const ml_held *document = <const ml_held *>(<const Slot *>context)[slot].document
    cdef const char *p = ml_arena_at(&document.arena, ref)
    cdef uint32_t n
    memcpy(&n, p, 4)
    length[0] = n
    return p + 4


cdef (const char *, size_t) _uid_in(const char *s, size_t n) noexcept nogil:
    """The SOPInstanceUID in an image id that follows a rule: a query with objectUID, a path with /instances/{uid}."""
    cdef size_t end = n, i, start = 0
    cdef const char *mark = <const char *>memchr(s, c"#", n)
    if mark != NULL:
        n = end = mark - s
    mark = <const char *>memchr(s, c"?", n)
    if mark != NULL:
        end = mark - s
        for i in range(end + 1, n):
            if s[i] == c"o" and n - i > 10 and memcmp(s + i, b"objectUID=", 10) == 0:
                if s[i - 1] == c"?" or s[i - 1] == c"&":
                    start = i + 10
                    break
        for i in range(start, n):
            if s[i] == c"&":
                n = i
                break
    if not start:
        # the last one of the path: what comes before it may be of the server's own making
        i = end
        while i > 0:
            i -= 1
            if s[i] == c"/":
                if end - i > 11 and memcmp(s + i, b"/instances/", 11) == 0:
                    start = i + 11
                    break
        if not start:
            return (s, 0)
        for i in range(start, end):
            if s[i] == c"/" or s[i] == c"&":
                end = i
                break
        n = end
    return (s + start, n - start)


cdef const char *_text_of(str text, Py_ssize_t *n) except? NULL:
    """A text as UTF-8; NULL for half of a surrogate pair, which nothing here has."""
    try:
        return PyUnicode_AsUTF8AndSize(text, n)
    except UnicodeEncodeError:
        return NULL


cdef class Places:
    """The tables of a store by slot, and where each instance is.

    Every method runs to its end under the interpreter's lock, or gives it up only where other threads find everything
    as it was or as it will be: a table's rows are found from the moment that it is committed, all at once.
    """
    cdef ml_places *places
    cdef ml_places *paths         # of those that were read from files
    cdef Slot *slots
    cdef uint32_t capacity
    cdef uint64_t clock
    cdef readonly size_t tables_nbytes
    cdef readonly list tables     # [slot] of InstanceTable
    cdef readonly list owners     # [slot]; None until committed
    cdef list free_slots

    def __cinit__(self):
        self.tables, self.owners, self.free_slots = [], [], []
        self.places = ml_places_new(int.from_bytes(__import__("os").urandom(8), "little"))
        self.paths = ml_places_new(int.from_bytes(__import__("os").urandom(8), "little"))
        if self.places == NULL or self.paths == NULL:
            raise MemoryError

    def __dealloc__(self):
        ml_places_free(self.places)
        ml_places_free(self.paths)
        free(self.slots)

    def __len__(self):
        return ml_places_count(self.places)

    @property
    def nbytes(self):
        """Bytes of the index; the tables count for themselves. int."""
        return ml_places_bytes(self.places) + ml_places_bytes(self.paths) + self.capacity * (sizeof(Slot) + 16)

    # ---- slots ----

    def hold(self, InstanceTable table not None):
        """A slot for a table, none of whose rows can be found yet. int."""
        cdef uint32_t slot, capacity
        cdef Slot *slots
        cdef uint32_t column = _find_number(table.table, _SOP_INSTANCE_UID)
        if not _is_root(table) or column == ML_NO_INDEX:
            raise ValueError("not a table of instances")
        if self.free_slots:
            slot = self.free_slots.pop()
            self.tables[slot] = table
        else:
            slot = len(self.tables)
            if slot == self.capacity:
                capacity = self.capacity + self.capacity // 2 + 16
                slots = <Slot *>realloc(self.slots, capacity * sizeof(Slot))
                if slots == NULL:
                    raise MemoryError
                self.slots = slots
                self.capacity = capacity
            self.owners.append(None)  # first: one too many of them does no harm
            self.tables.append(table)
        self.clock += 1
        self.slots[slot] = Slot(
            table.document.document, column, self.clock, ml_document_bytes(table.document.document), False
        )
        self.tables_nbytes += self.slots[slot].nbytes
        return slot

    def drop(self, uint32_t slot):
        """Gives a slot up. What the index still has of its rows goes, too: it must never point to where nothing is."""
        cdef const ml_held *document = <const ml_held *>self.slots[slot].document
        cdef uint32_t row
        cdef size_t length
        cdef const char *key
        self.remove(slot)
        if document.path != NULL:
            for row in range(min(document.path_capacity, (<InstanceTable>self.tables[slot]).table.rows)):
                if document.path[row]:
                    key = _path_at(self.slots, slot, document.path[row], &length)
                    ml_places_remove_at(self.paths, key, length, _path_at, self.slots, ml_place(slot, row))
        self.tables_nbytes -= self.slots[slot].nbytes
        self.slots[slot].whole = False
        self.tables[slot] = self.owners[slot] = None
        self.free_slots.append(slot)

    def used(self, slot):
        """When a slot was last looked at, as a count that only grows. int."""
        return self.slots[<uint32_t>slot].used

    def touch(self, slot):
        """Notes that a slot is looked at now."""
        self.clock += 1
        self.slots[<uint32_t>slot].used = self.clock

    # ---- rows ----

    cdef bytearray refs(self, uint32_t slot):
        """Where the UID of each row is. bytearray of uint32 [rows]."""
        cdef ml_table *table = (<InstanceTable>self.tables[slot]).table
        cdef ml_column *column = &table.columns[self.slots[slot].column]
        cdef bytearray made = bytearray(4 * <size_t>table.rows)
        cdef uint32_t *refs = <uint32_t *><char *>made
        cdef uint32_t i
        with nogil:
            ml_gather_cells(table, self.slots[slot].column, 0, table.rows, refs)
            for i in range(table.rows):
                refs[i] = ml_column_ref(column, refs[i])
        return made

    cdef uint32_t ref_at(self, uint32_t slot, uint32_t row) noexcept:
        """Where the UID of one row is."""
        cdef ml_table *table = (<InstanceTable>self.tables[slot]).table
        cdef uint32_t cell
        ml_gather_cells(table, self.slots[slot].column, row, 1, &cell)
        return ml_column_ref(&table.columns[self.slots[slot].column], cell)

    cdef uint32_t path_ref(self, uint32_t slot, uint32_t row) noexcept:
        """Where the path of one row is; 0 when it has none."""
        cdef const ml_held *document = <const ml_held *>self.slots[slot].document
        return document.path[row] if document.path != NULL and row < document.path_capacity else 0

    def commit(self, uint32_t slot, owner not None, bint keep):
        """Makes a table's rows be found.

        Parameters
        ----------
        slot : int
        owner : object
            Given back by `find`.
        keep : bool
            Instances that are there already stay; otherwise the new ones take their places.

        Returns
        -------
        replaced : list of (int, int, int)
            Row, and the slot and row that it takes the place of; of one that comes twice in the table, the slot is its
            own. With `keep`, row, and the place that stays.
        displaced : list of (int, int, int)
            The same for paths that were known already. Both for `give_back`.
        """
        cdef bytearray made = self.refs(slot)
        cdef uint32_t *refs = <uint32_t *><char *>made
        cdef uint32_t rows = (<InstanceTable>self.tables[slot]).table.rows, row, old_slot, old_row
        cdef ml_place place
        cdef size_t length
        cdef const char *key
        # those that are there already wait for the end, when the others can be found, too
        found, last = [], {}
        for row in range(rows):
            key = _uid_at(self.slots, slot, refs[row], &length)
            if self.seek(key, length, &place):
                known = (place.table, place.row)
                found.append((row, *last.get(known, known)))
                if not keep:
                    last[known] = (slot, row)  # this is what the next one of that UID takes the place of
                refs[row] = 0
            if row % PUT_AT_ONCE == PUT_AT_ONCE - 1:
                with nogil:
                    pass
        twice = self.put_refs(self.places, slot, refs, rows, _uid_at)
        try:
            if keep:
                # of those that come twice the first one stays
                for row, old_slot, old_row in reversed(twice):
                    self.move(slot, row, slot, old_row, refs[old_row])
                first_of = {}
                for row, old_slot, old_row in twice:
                    first_of[row] = first_of.get(old_row, old_row)
                twice = [(row, slot, first) for row, first in first_of.items()]
            replaced = twice + found
            idle = [row if keep else old_row for row, old_slot, old_row in replaced if keep or old_slot == slot]
            displaced = self.put_paths(slot, rows, idle)
        except MemoryError:
            self.remove(slot)
            raise
        self.owners[slot] = owner
        self.slots[slot].whole = not twice and not (keep and found)
        if not keep:
            for row, old_slot, old_row in found:
                self.move(old_slot, old_row, slot, row, self.ref_at(slot, row))
        return replaced, displaced

    cdef list put_refs(self, ml_places *places, uint32_t slot, const uint32_t *refs, uint32_t rows, ml_key_at key_at):
        """Puts the rows of a slot that have a reference. Returns (row, slot, row) of what some were before."""
        cdef uint32_t row = 0, n, i
        cdef ml_placed *old = <ml_placed *>calloc(rows if rows else 1, sizeof(ml_placed))
        if old == NULL:
            raise MemoryError
        try:
            while row < rows:
                n = min(<uint32_t>PUT_AT_ONCE, rows - row)
                if not ml_places_put_many(places, slot, row, refs + row, n, key_at, self.slots, old + row):
                    while row:
                        row -= PUT_AT_ONCE
                        n = PUT_AT_ONCE
                        ml_places_undo_many(places, slot, row, refs + row, n, key_at, self.slots, old + row)
                    raise MemoryError
                row += n
                if row < rows:
                    with nogil:
                        pass
            return [(i, old[i].place.table, old[i].place.row) for i in range(rows) if old[i].ref]
        finally:
            free(old)

    cdef list put_paths(self, uint32_t slot, uint32_t rows, idle):
        """Makes the paths of rows known, but for those of `idle` ones. As put_refs."""
        cdef const ml_held *document = <const ml_held *>self.slots[slot].document
        cdef uint32_t row
        cdef bytearray chosen
        if document.path == NULL:
            return []
        rows = min(rows, document.path_capacity)
        if not idle:
            return self.put_refs(self.paths, slot, document.path, rows, _path_at)
        chosen = bytearray((<const char *>document.path)[:4 * <size_t>rows])
        for row in idle:
            if row < rows:
                (<uint32_t *><char *>chosen)[row] = 0
        return self.put_refs(self.paths, slot, <const uint32_t *><char *>chosen, rows, _path_at)

    cdef void move(self, uint32_t slot, uint32_t row, uint32_t to, uint32_t to_row, uint32_t ref) noexcept:
        cdef size_t length
        cdef const char *key = _uid_at(self.slots, to, ref, &length)
        self.slots[slot].whole = False
        ml_places_move(
            self.places, key, length, _uid_at, self.slots, ml_place(slot, row), ml_place(to, to_row), ref
        )

    cdef void move_path(self, uint32_t slot, uint32_t row, uint32_t to, uint32_t to_row) noexcept:
        cdef uint32_t ref = self.path_ref(to, to_row)
        cdef size_t length
        cdef const char *key
        if ref:
            key = _path_at(self.slots, to, ref, &length)
            ml_places_move(
                self.paths, key, length, _path_at, self.slots, ml_place(slot, row), ml_place(to, to_row), ref
            )

    def give_back(self, uint32_t slot, replaced, displaced):
        """Undoes a commit: what its rows replaced is found again, its rows no more. Takes no memory to speak of."""
        cdef uint32_t row, old_slot, old_row
        self.owners[slot] = None
        for row, old_slot, old_row in reversed(replaced):
            self.move(slot, row, old_slot, old_row, self.ref_at(old_slot, old_row))
        for row, old_slot, old_row in reversed(displaced):
            self.move_path(slot, row, old_slot, old_row)
        self.remove(slot)

    def transfer(self, pieces, uint32_t to, owner not None):
        """Rows of some slots are found in another one from now on, which has them in that order.

        Parameters
        ----------
        pieces : list of (int, iterable of int or None)
            Slots and their rows; None for all.
        to : int
        owner : object
            Of the other slot.
        """
        cdef uint32_t row, next_row = 0, slot
        self.owners[to] = owner
        for slot, rows in pieces:
            for row in self.rows_of(slot, rows):
                self.move(slot, row, to, next_row, self.ref_at(to, next_row))
                self.move_path(slot, row, to, next_row)
                next_row += 1

    def transfer_back(self, pieces, uint32_t to):
        """Undoes that."""
        cdef uint32_t row, next_row = 0, slot
        for slot, rows in pieces:
            for row in self.rows_of(slot, rows):
                self.move(to, next_row, slot, row, self.ref_at(slot, row))
                self.move_path(to, next_row, slot, row)
                next_row += 1
        self.owners[to] = None

    cdef object rows_of(self, uint32_t slot, rows):
        return range((<InstanceTable>self.tables[slot]).table.rows) if rows is None else rows

    def put(self, uint32_t slot, rows=None):
        """Rows, or all rows, of a committed slot are found again, after `remove`."""
        cdef bytearray made = self.refs(slot)
        cdef uint32_t *refs = <uint32_t *><char *>made
        cdef uint32_t row, count = (<InstanceTable>self.tables[slot]).table.rows
        if rows is not None:
            wanted = set([int(row) for row in rows])
            for row in range(count):
                if row not in wanted:
                    refs[row] = 0
        self.put_refs(self.places, slot, refs, count, _uid_at)

    def remove(self, uint32_t slot, rows=None):
        """Rows, or all rows, are found no more; those that are found elsewhere stay. Takes no memory to speak of.

        Their paths stay until the slot is dropped, but find nothing: a path counts while its row does.
        """
        cdef ml_table *table = (<InstanceTable>self.tables[slot]).table
        cdef ml_column *column = &table.columns[self.slots[slot].column]
        cdef uint32_t refs[256]
        cdef uint32_t row, first = 0, count, i
        if rows is not None:
            for row in rows:
                self.forget(slot, row, self.ref_at(slot, row))
            return
        while first < table.rows:
            count = min(<uint32_t>256, table.rows - first)
            ml_gather_cells(table, self.slots[slot].column, first, count, refs)
            for i in range(count):
                self.forget(slot, first + i, ml_column_ref(column, refs[i]))
            first += count

    cdef void forget(self, uint32_t slot, uint32_t row, uint32_t ref) noexcept:
        cdef size_t length
        cdef const char *key = _uid_at(self.slots, slot, ref, &length)
        self.slots[slot].whole = False
        ml_places_remove_at(self.places, key, length, _uid_at, self.slots, ml_place(slot, row))

    # ---- look-ups ----

    cdef bint seek(self, const char *key, size_t length, ml_place *place):
        return (
            ml_places_find(self.places, key, length, _uid_at, self.slots, place)
            and self.owners[place.table] is not None
        )

    def find(self, str uid not None):
        """Where an instance is: (slot, row), or None."""
        cdef Py_ssize_t n
        cdef const char *s = _text_of(uid, &n)
        cdef ml_place place
        return (place.table, place.row) if s != NULL and self.seek(s, n, &place) else None

    def owned(self, str uid not None):
        """The owner of an instance and the instance, both of one moment; or None."""
        cdef Py_ssize_t n
        cdef const char *s = _text_of(uid, &n)
        cdef ml_place place
        if s == NULL or not self.seek(s, n, &place):
            return None
        owner = self.owners[place.table]
        return owner, self.used_at(place)

    cdef object at(self, const char *s, size_t n):
        cdef ml_place place
        return self.used_at(place) if self.seek(s, n, &place) else None

    cdef Instance used_at(self, ml_place place):
        self.clock += 1
        self.slots[place.table].used = self.clock
        return _instance(<InstanceTable>self.tables[place.table], place.row)

    def instance(self, str uid not None):
        """The instance of a SOPInstanceUID, or None."""
        cdef Py_ssize_t n
        cdef const char *s = _text_of(uid, &n)
        return self.at(s, n) if s != NULL else None

    def instance_of_image(self, str image_id not None):
        """The instance that an image id names by its SOPInstanceUID, or by its file; None when it names none, or none
        that is here.
        """
        return self.of_image(image_id)

    cdef bint is_next(self, ml_place *place, const char *uid, size_t length) noexcept:
        """Whether the row after a place has this UID, and is where it is found; the place is then this."""
        cdef Slot *slot
        cdef ml_table *table
        cdef ml_shape *shape
        cdef ml_row row
        cdef ml_value value
        cdef uint32_t at
        if place.row == ML_NO_INDEX:
            return False
        slot = &self.slots[place.table]
        if not slot.whole or self.owners[place.table] is None:
            return False
        table = &slot.document.root
        if place.row + 1 >= table.rows:
            return False
        row = ml_table_row(table, place.row + 1)
        shape = &table.shapes[row.shape]
        at = ml_shape_slot(shape, slot.column)
        if at == ML_NO_INDEX:
            return False
        value = ml_value_at(slot.document, &table.columns[slot.column], ml_shape_cell(shape, at, row.index))
        if value.length != length or memcmp(value.text, uid, length) != 0:
            return False
        place.row += 1
        self.clock += 1
        slot.used = self.clock
        return True

    cdef bint place_of_image(self, str image_id, ml_series_ids *series, ml_place *place, int64_t *frame) except -1:
        """Where the instance is that an image id names by its SOPInstanceUID as it stands, and which frame; 0 for
        others. Ids of one series after the other take the least time, in the order of a table even less: `place` is
        that of the one before, its row ML_NO_INDEX without.
        """
        cdef Py_ssize_t n
        cdef size_t length
        cdef uint32_t number
        cdef (const char *, size_t) uid
        cdef const char *s = PyUnicode_AsUTF8AndSize(image_id, &n) if PyUnicode_IS_ASCII(image_id) else NULL
        if s == NULL or (n > 10 and memcmp(s, b"dicomfile:", 10) == 0):
            return False
        if ml_series_ids_match(series, s, n, &length, &number):
            uid = (s + series.length, length)
            frame[0] = number
            if self.is_next(place, uid[0], length):
                return True
        else:
            ml_series_ids_learn(series, s, n)
            uid = _uid_in(s, n)
            frame[0] = _frame_of(image_id)
        if not uid[1] or not self.seek(uid[0], uid[1], place):
            return False
        self.clock += 1
        self.slots[place.table].used = self.clock
        return True

    cdef object of_image(self, str image_id):
        cdef Py_ssize_t n
        cdef const char *s = _text_of(image_id, &n)
        if s == NULL:
            if not image_id.startswith("dicomfile:"):
                return None
            try:  # what os.fsdecode makes of a name that is not UTF-8
                text = image_id.encode("utf-8", "surrogateescape")
            except UnicodeEncodeError:
                return None
            return self.of_text(text, len(text))
        return self.of_text(s, n)

    def instance_of_path(self, str path not None):
        """The instance that was read from a file, or None."""
        name = path.encode("utf-8", "surrogateescape")
        return self.of_path(name, len(name))

    cdef object of_text(self, const char *s, size_t n):
        cdef (const char *, size_t) uid
        if n > 10 and memcmp(s, b"dicomfile:", 10) == 0:
            s += 10
            n -= 10
            if n > 2 and s[0] == c"/" and s[1] == c"/":
                s += 2
                n -= 2
            path = PyBytes_FromStringAndSize(s, n).partition(b"?frame=")[0]
            return self.of_path(path, len(path))
        uid = _uid_in(s, n)
        return self.at(uid[0], uid[1]) if uid[1] else None

    cdef object of_path(self, const char *s, size_t n):
        cdef ml_place place, now
        cdef size_t length
        cdef const char *key
        if not ml_places_find(self.paths, s, n, _path_at, self.slots, &place):
            return None
        key = _uid_at(self.slots, place.table, self.ref_at(place.table, place.row), &length)
        if not self.seek(key, length, &now) or now.table != place.table or now.row != place.row:
            return None  # replaced by what was not read from there, or removed
        return self.used_at(now)
