# Answers that were given before, by provider, type and image id.
#
# An open-addressed table of entries, which stand in two more orders: by when they were last used, and by the base id of
# their image (in buckets, chained), so that all frames of an image are found at once. The functions here run no Python
# code: what leaves the cache is gathered in a list, which the caller lets go of when everything is in order again.

cdef struct Entry:
    PyObject *image_id
    PyObject *kind        # the type
    PyObject *base        # the base id of image_id
    PyObject *answer      # NULL: the provider said None; None: it said NULL
    PyObject *provider    # Registration, borrowed: its entries leave the cache before it does
    uint64_t hash
    size_t nbytes
    Entry *newer          # by use
    Entry *older
    Entry *next           # in the base's bucket; among those that left, the next of them
    Entry **place         # what points to this one in the base's bucket

cdef struct Slot:
    uint64_t hash
    Entry *entry

cdef struct Cache:
    Slot *slots
    Entry **bases
    size_t mask           # slots and buckets, less one
    size_t count
    Entry *newest
    Entry *oldest
    size_t nbytes
    size_t limit
    uint64_t hits
    uint64_t misses
    uint64_t evictions

cdef enum:
    FEWEST_SLOTS = 64

# What an entry takes beside its id and its answer: itself, and its part of tables that are a third to two thirds full.
cdef size_t _ENTRY_BYTES = sizeof(Entry) + 2 * sizeof(Slot) + 2 * sizeof(void *)


cdef Entry *_find(Cache *cache, uint64_t hash, PyObject *image_id, PyObject *kind, PyObject *provider) noexcept:
    cdef size_t i = hash & cache.mask
    cdef Entry *entry = cache.slots[i].entry
    while entry != NULL:
        if cache.slots[i].hash == hash and entry.provider == provider:
            if ml_same(entry.image_id, image_id) and ml_same(entry.kind, kind):
                return entry
        i = (i + 1) & cache.mask
        entry = cache.slots[i].entry
    return NULL


cdef inline void _unuse(Cache *cache, Entry *entry) noexcept:
    if entry.newer != NULL:
        entry.newer.older = entry.older
    else:
        cache.newest = entry.older
    if entry.older != NULL:
        entry.older.newer = entry.newer
    else:
        cache.oldest = entry.newer


cdef inline void _use(Cache *cache, Entry *entry) noexcept:
    entry.newer = NULL
    entry.older = cache.newest
    if cache.newest != NULL:
        cache.newest.newer = entry
    else:
        cache.oldest = entry
    cache.newest = entry


cdef inline void _touch(Cache *cache, Entry *entry) noexcept:
    if cache.newest != entry:
        _unuse(cache, entry)
        _use(cache, entry)


cdef inline void _chain_base(Cache *cache, Entry *entry) noexcept:
    cdef Entry **head = &cache.bases[ml_hash(entry.base) & cache.mask]
    entry.next = head[0]
    entry.place = head
    if entry.next != NULL:
        entry.next.place = &entry.next
    head[0] = entry


cdef inline void _put_slot(Cache *cache, Entry *entry) noexcept:
    cdef size_t i = entry.hash & cache.mask
    while cache.slots[i].entry != NULL:
        i = (i + 1) & cache.mask
    cache.slots[i].hash = entry.hash
    cache.slots[i].entry = entry


cdef bint _room(Cache *cache) noexcept:
    """Room for one more; False where there is no memory, and then everything is as it was."""
    if cache.slots != NULL and 3 * (cache.count + 1) <= 2 * (cache.mask + 1):
        return True
    cdef size_t n = FEWEST_SLOTS if cache.slots == NULL else 2 * (cache.mask + 1)
    cdef Slot *slots = <Slot *>calloc(n, sizeof(Slot))
    cdef Entry **bases = <Entry **>calloc(n, sizeof(Entry *))
    if slots == NULL or bases == NULL:
        free(slots)
        free(bases)
        return False
    free(cache.slots)
    free(cache.bases)
    cache.slots, cache.bases, cache.mask = slots, bases, n - 1
    cdef Entry *entry = cache.oldest
    while entry != NULL:
        _put_slot(cache, entry)
        _chain_base(cache, entry)
        entry = entry.newer
    return True


cdef void _take_out(Cache *cache, Entry *entry, Entry **left) noexcept:
    """Unlinks an entry and puts it in front of those that left."""
    cdef size_t i = entry.hash & cache.mask, gap, home
    while cache.slots[i].entry != entry:
        i = (i + 1) & cache.mask
    gap = i
    while True:  # whoever follows and may stand here moves up, so that no search ends early
        i = (i + 1) & cache.mask
        if cache.slots[i].entry == NULL:
            break
        home = cache.slots[i].hash & cache.mask
        if ((i - home) & cache.mask) >= ((i - gap) & cache.mask):
            cache.slots[gap] = cache.slots[i]
            gap = i
    cache.slots[gap].entry = NULL
    _unuse(cache, entry)
    entry.place[0] = entry.next
    if entry.next != NULL:
        entry.next.place = entry.place
    cache.count -= 1
    cache.nbytes -= entry.nbytes
    entry.next = left[0]
    left[0] = entry


cdef bint _put(
    Cache *cache, uint64_t hash, PyObject *image_id, PyObject *kind, PyObject *base, PyObject *provider,
    PyObject *answer, size_t nbytes, Entry **left
) noexcept:
    """Keeps an answer in place of what is there for the same; False without memory. Evicting is the caller's."""
    cdef Entry *entry = _find(cache, hash, image_id, kind, provider)
    if entry != NULL:
        _take_out(cache, entry, left)
    if not _room(cache):
        return False
    entry = <Entry *>malloc(sizeof(Entry))
    if entry == NULL:
        return False
    Py_INCREF(<object>image_id)
    Py_INCREF(<object>kind)
    Py_INCREF(<object>base)
    if answer != NULL:
        Py_INCREF(<object>answer)
    entry.image_id, entry.kind, entry.base, entry.answer = image_id, kind, base, answer
    entry.provider, entry.hash, entry.nbytes = provider, hash, nbytes
    _put_slot(cache, entry)
    _use(cache, entry)
    _chain_base(cache, entry)
    cache.count += 1
    cache.nbytes += nbytes
    return True


cdef void _take_out_base(
    Cache *cache, PyObject *base, PyObject *image_id, PyObject *kind, Entry **left
) noexcept:
    """All entries of an image; only those of one of its ids, or of one type, where these are given."""
    cdef Entry *entry
    cdef Entry *following
    entry = cache.bases[ml_hash(base) & cache.mask]
    while entry != NULL:
        following = entry.next
        if ml_same(entry.base, base) and (kind == NULL or ml_same(entry.kind, kind)):
            if image_id == NULL or ml_same(entry.image_id, image_id):
                _take_out(cache, entry, left)
        entry = following


cdef void _take_out_all(Cache *cache, PyObject *kind, PyObject *provider, Entry **left) noexcept:
    """All entries, of one type or one provider where these are given."""
    cdef Entry *entry = cache.oldest
    cdef Entry *following
    while entry != NULL:
        following = entry.newer
        if (kind == NULL or ml_same(entry.kind, kind)) and (provider == NULL or entry.provider == provider):
            _take_out(cache, entry, left)
        entry = following


cdef size_t _let_go(Entry *left) noexcept:
    """Frees those that left; returns how many. Objects may run code of their own as they go."""
    cdef Entry *entry
    cdef PyObject *things[4]
    cdef size_t count = 0
    cdef int i
    while left != NULL:
        entry, left = left, left.next
        things[0], things[1], things[2], things[3] = entry.image_id, entry.kind, entry.base, entry.answer
        free(entry)
        count += 1
        for i in range(4):
            Py_XDECREF(things[i])
    return count


cdef size_t _size_of(object thing, int depth) except? 0:
    """Bytes of an answer, about: what containers hold is counted four levels deep, of other objects what
    `sys.getsizeof` says and what is in their `__dict__`."""
    cdef size_t n
    if thing is None or thing is True or thing is False:
        return 0
    kind = type(thing)
    if kind is float or kind is int:
        return 32
    if kind is str:
        return 56 + len(<str>thing)
    n = _getsizeof(thing, 64)
    if depth == 0:
        return n
    if kind is tuple:
        for item in <tuple>thing:
            n += _size_of(item, depth - 1)
    elif kind is list or kind is set or kind is frozenset:
        for item in thing:
            n += _size_of(item, depth - 1)
    elif kind is dict:
        for key, item in (<dict>thing).items():
            n += _size_of(key, depth - 1) + _size_of(item, depth - 1)
    elif not isinstance(thing, type):
        held = getattr(thing, "__dict__", None)
        if type(held) is dict:
            n += _size_of(held, depth - 1)
    return n
