# Answers that are kept, as an object: what puts them there, what forgets them, and what is counted.

cdef enum:
    BASES = 256

# A question whose answer will be kept. What is invalidated meanwhile marks it; not on the stack, which greenlets move.
cdef struct Flight:
    PyObject *image_id    # all borrowed from who asks
    PyObject *kind
    PyObject *base
    PyObject *provider
    uint64_t hash
    bint stale
    Flight *next
    Flight **place

cdef struct Based:
    PyObject *image_id
    PyObject *base

cdef class Nothing:
    """The type of `NULL`, the answer of a provider that knows that there is nothing: nobody else is asked then."""

    def __repr__(self):
        return "metalith.NULL"

    def __bool__(self):
        return False

    def __reduce__(self):
        return "NULL"

NULL_ANSWER = Nothing()
globals()["NULL"] = NULL_ANSWER  # a word that Cython keeps for itself
cdef PyObject *_NULL = <PyObject *>NULL_ANSWER

from metalith.image_ids import base_image_id as _base_image_id


cdef str _base_of(str image_id):
    """The id of the whole image; what is no image id is its own."""
    cdef Py_ssize_t length
    if not ml_may_have_frame(<PyObject *>image_id):
        return image_id
    length = ml_base_length(<PyObject *>image_id)
    if length >= 0:
        return PyUnicode_Substring(image_id, 0, length)
    try:
        return _base_image_id(image_id)
    except ValueError:
        return image_id


def base_of(str image_id not None):
    """`image_ids.base_image_id`, but what is no image id is its own base."""
    return _base_of(image_id)


cdef inline PyObject *_current(Registration one, PyObject *kind) noexcept:
    return NULL if one.counters is None else PyDict_GetItem(<PyObject *>one.counters, kind)


cdef inline Tally *_tally(Registration one, PyObject *kind) noexcept:
    """The tally if there is one already: for where nothing may run."""
    cdef PyObject *found = _current(one, kind)
    return NULL if found == NULL else &(<Counter>found).tally


cdef void _arrive(Flight *flight) noexcept:
    if flight == NULL:
        return
    flight.place[0] = flight.next
    if flight.next != NULL:
        flight.next.place = flight.place
    free(flight)


cdef class Kept:
    """The cache of answers. Who asks, and whom, is the business of `Lookups`."""
    cdef Cache cache
    cdef Flight *flights
    cdef Based bases[BASES]
    cdef str last_base
    cdef readonly int profiles              # that are open
    cdef list counters

    def __cinit__(self):
        if not _room(&self.cache):  # from now on there are slots
            raise MemoryError
        self.cache.limit = 256 << 20
        self.counters = []

    def __dealloc__(self):
        free(self.cache.slots)
        free(self.cache.bases)

    cdef int _store(self, Flight *flight, PyObject *answer, size_t nbytes) except -1:
        cdef Entry *left = NULL
        if nbytes > self.cache.limit:
            return 0
        _put(
            &self.cache, flight.hash, flight.image_id, flight.kind, flight.base, flight.provider, answer, nbytes, &left
        )
        self._shrink(&left)
        _let_go(left)
        return 0

    cdef void _shrink(self, Entry **left) noexcept:
        """Evicts the least recently used until the bytes are within the limit."""
        cdef Entry *entry
        cdef Tally *tally
        while self.cache.nbytes > self.cache.limit:
            entry = self.cache.oldest
            self.cache.evictions += 1
            if self.profiles:
                tally = _tally(<Registration>entry.provider, entry.kind)
                if tally != NULL:
                    tally.evictions += 1
            _take_out(&self.cache, entry, left)

    cdef str _based(self, str image_id):
        cdef Based *memo = &self.bases[(<size_t><PyObject *>image_id >> 4) % BASES]
        cdef Based before
        if memo.image_id == <PyObject *>image_id:
            return <str>memo.base
        if not ml_may_have_frame(<PyObject *>image_id):
            return image_id
        base = _base_of(image_id)
        if self.last_base is not None and ml_same(<PyObject *>base, <PyObject *>self.last_base):
            base = self.last_base  # frames of an image have one
        self.last_base = base
        before = memo[0]
        memo.image_id, memo.base = <PyObject *>image_id, <PyObject *>base
        Py_INCREF(image_id)
        Py_INCREF(base)
        Py_XDECREF(before.image_id)
        Py_XDECREF(before.base)
        return base

    cdef Flight *_depart(
        self, PyObject *image_id, PyObject *kind, PyObject *base, PyObject *provider, uint64_t hash
    ) noexcept:
        """NULL without memory: then the answer is not kept."""
        cdef Flight *flight = <Flight *>malloc(sizeof(Flight))
        if flight == NULL:
            return NULL
        flight.image_id, flight.kind, flight.base, flight.provider = image_id, kind, base, provider
        flight.hash = hash
        flight.stale = not (<Registration>provider).active
        flight.next, flight.place = self.flights, &self.flights
        if flight.next != NULL:
            flight.next.place = &flight.next
        self.flights = flight
        return flight

    # -- what is kept ---------------------------------------------------------------------------------------------

    def invalidate_image(self, str image_id not None, type=None, bint frames=True):
        """Forgets what was answered for an image, all its frames included, or for this very id; returns how much."""
        cdef Entry *left = NULL
        cdef Flight *flight
        cdef str base = _base_of(image_id)
        cdef str exact = image_id if PyUnicode_CheckExact(<PyObject *>image_id) else str.__str__(image_id)
        cdef PyObject *kind = NULL
        cdef PyObject *only = NULL if frames else <PyObject *>exact
        if not PyUnicode_CheckExact(<PyObject *>base):
            base = str.__str__(base)
        if type is not None:
            type = _type_name(type)
            kind = <PyObject *>type
        _take_out_base(&self.cache, <PyObject *>base, only, kind, &left)
        flight = self.flights
        while flight != NULL:
            if ml_same(flight.base, <PyObject *>base) and (kind == NULL or ml_same(flight.kind, kind)):
                if only == NULL or ml_same(flight.image_id, only):
                    flight.stale = True
            flight = flight.next
        return _let_go(left)

    def invalidate_all(self, type=None):
        """Forgets all answers, or all of one type; returns how many."""
        cdef Entry *left = NULL
        cdef Flight *flight
        cdef PyObject *kind = NULL
        if type is not None:
            type = _type_name(type)
            kind = <PyObject *>type
        _take_out_all(&self.cache, kind, NULL, &left)
        flight = self.flights
        while flight != NULL:
            if kind == NULL or ml_same(flight.kind, kind):
                flight.stale = True
            flight = flight.next
        return _let_go(left)

    def kept_image_ids(self, bint all=True, type=None, str prefix=None):
        """The image ids of answers that are kept or being given, as a set.

        Parameters
        ----------
        all : bool
            False means only those of which somebody has nothing, and besides them
        type : str, optional
            those of an answer of that type,
        prefix : str, optional
            and those that begin so.
        """
        cdef list ids = []
        cdef Flight *flight = self.flights
        cdef Entry *entry = self.cache.oldest
        cdef PyObject *kind = NULL
        if type is not None:
            type = _type_name(type)
            kind = <PyObject *>type
        while flight != NULL:
            ids.append(<str>flight.image_id)
            flight = flight.next
        while entry != NULL:
            if (
                all
                or entry.answer == NULL
                or (kind != NULL and ml_same(entry.kind, kind))
                or (prefix is not None and PyUnicode_Tailmatch(<str>entry.image_id, prefix, 0, len(prefix), -1))
            ):
                ids.append(<str>entry.image_id)
            entry = entry.newer
        return set(ids)

    def forget_answer(self, Registration one, str type, str image_id, answer):
        """Forgets one answer if it is this very object."""
        cdef Entry *left = NULL
        cdef uint64_t hash = ml_hash(<PyObject *>image_id) + _salt(one, <PyObject *>type)
        cdef Entry *entry = _find(&self.cache, hash, <PyObject *>image_id, <PyObject *>type, <PyObject *>one)
        if entry != NULL and entry.answer == <PyObject *>answer:
            _take_out(&self.cache, entry, &left)
        return _let_go(left)

    def peek(self, Registration one, str type, image_id):
        """(whether an answer is kept, the answer): None as it was said, NULL as it was said. Counts nothing."""
        cdef Entry *entry
        cdef uint64_t hash
        if not one.cached or not PyUnicode_CheckExact(<PyObject *>image_id):
            return False, None
        hash = ml_hash(<PyObject *>image_id) + _salt(one, <PyObject *>type)
        entry = _find(&self.cache, hash, <PyObject *>image_id, <PyObject *>type, <PyObject *>one)
        if entry == NULL:
            return False, None
        if entry.answer == NULL:
            return True, None
        return True, NULL_ANSWER if entry.answer == Py_None_ else <object>entry.answer

    @property
    def cache_bytes(self):
        """Bytes that kept answers may take; lowering it evicts at once. int."""
        return self.cache.limit

    @cache_bytes.setter
    def cache_bytes(self, size_t limit):
        cdef Entry *left = NULL
        self.cache.limit = limit
        self._shrink(&left)
        _let_go(left)

    def cache_numbers(self):
        """(answers kept, bytes, hits, misses, evictions)"""
        cdef Cache *cache = &self.cache
        return cache.count, cache.nbytes, cache.hits, cache.misses, cache.evictions

    def check(self):
        """For tests: raises AssertionError where the cache's orders do not agree."""
        cdef Entry *entry = self.cache.oldest
        cdef Entry *before = NULL
        cdef size_t count = 0, nbytes = 0
        while entry != NULL:
            count += 1
            nbytes += entry.nbytes
            assert entry.older == before and entry.place[0] == entry
            assert entry.next == NULL or entry.next.place == &entry.next
            assert _find(&self.cache, entry.hash, entry.image_id, entry.kind, entry.provider) == entry
            before, entry = entry, entry.newer
        assert before == self.cache.newest and count == self.cache.count and nbytes == self.cache.nbytes
        assert nbytes <= self.cache.limit
        assert 3 * count <= 2 * (self.cache.mask + 1) or self.cache.slots == NULL
        return self._keys()

    def _keys(self):
        cdef list flat = []  # no tuples yet: making them may run the collector, and what it frees may run code
        cdef Entry *entry = self.cache.oldest
        while entry != NULL:
            flat.append((<Registration>entry.provider).name)
            flat.append(<str>entry.kind)
            flat.append(<str>entry.image_id)
            entry = entry.newer
        return list(zip(flat[::3], flat[1::3], flat[2::3]))

    # -- counting -------------------------------------------------------------------------------------------------

    cdef Counter _counter(self, Registration one, str kind):
        cdef Counter counter
        if one.counters is None:
            one.counters = {}
        counter = one.counters.get(kind)
        if counter is None and len(self.counters) >= MOST_COUNTERS:
            kind = "(other types)"
            counter = one.counters.get(kind)
        if counter is None:
            counter = Counter(one.name, kind)
            one.counters[kind] = counter
            self.counters.append(counter)
        return counter

    def read_counters(self):
        """{counter: its reading}"""
        return {counter: counter.read() for counter in tuple(self.counters)}
