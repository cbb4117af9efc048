# Look-ups: through the chain, with the answers that are kept before the providers that gave them.

cdef enum:
    MEMOS = 64
    ROOM = 12             # for arguments on the stack

# What was found out about a type, by the identity of what was given as such: who is asked for it.
cdef struct Memo:
    PyObject *key         # the str or class
    PyObject *kind        # the type's name
    PyObject *route       # borrowed from the chain
    PyObject *provider    # the first who is asked, if its answers are kept; borrowed
    bint alone            # nobody is asked after it
    uint64_t salt
    Tally *tally          # of the first and this type, while there is a profile

cdef class Lookups(Kept):
    """What `metalith.providers.MetadataProviders` stands on: a chain that is swapped whole, and what was answered.

    `get` is in the type as a method of the fast kind; see `ml_furnish`.
    """
    cdef readonly Chain chain
    cdef public object on_error             # "raise" or "next"
    cdef public object skipped              # called with the registration, type and error that "next" passes over
    cdef public object shared               # called with an answer that is a coroutine; what all may await, or None
    cdef Memo memos[MEMOS]
    cdef object __weakref__

    def __cinit__(self):
        self.chain = Chain(())
        self.on_error = "raise"

    def __dealloc__(self):
        _clear_held(<PyObject *>self)

    # -- the chain ------------------------------------------------------------------------------------------------

    def set_chain(self, Chain chain):
        """From now on this chain is asked. Answers of those that are no longer in it go; others stay."""
        cdef Entry *left = NULL
        cdef Registration one
        cdef Chain before = self.chain
        cdef Flight *flight
        cdef set staying = set(chain.registrations)
        cdef list gone = [one for one in before.registrations if one not in staying]
        # from here on nothing is made, so that the collector does not run
        flight = self.flights
        self.chain = chain
        for one in gone:
            one.active = False
            if one.cached:
                _take_out_all(&self.cache, NULL, <PyObject *>one, &left)
        while flight != NULL:
            if not (<Registration>flight.provider).active:
                flight.stale = True
            flight = flight.next
        self._forget()
        _let_go(left)

    cdef void _forget(self) noexcept:
        """The memos: they hold what belongs to a chain or a profile."""
        cdef PyObject *things[2 * MEMOS]
        cdef int i
        for i in range(MEMOS):
            things[2 * i], things[2 * i + 1] = self.memos[i].key, self.memos[i].kind
        memset(self.memos, 0, sizeof(self.memos))
        for i in range(2 * MEMOS):
            Py_XDECREF(things[i])

    cdef int _remember(self, PyObject *key, PyObject *kind, Chain chain, tuple route) except -1:
        cdef Memo *memo = _memo_of(self, key)
        cdef Memo made
        cdef Memo before
        cdef Registration first = None
        cdef Counter counter = None
        memset(&made, 0, sizeof(Memo))
        made.key, made.kind, made.route = key, kind, <PyObject *>route
        made.alone = len(route) == 1
        if route and (<Registration>route[0]).cached:
            first = route[0]
            made.provider, made.salt = <PyObject *>first, _salt(first, kind)
            if self.profiles:
                counter = self._counter(first, <str>kind)
        # from here on no code of others runs
        if chain is not self.chain:
            return 0
        if counter is not None and self.profiles and _current(first, kind) == <PyObject *>counter:
            made.tally = &counter.tally
        Py_INCREF(<object>key)
        Py_INCREF(<object>kind)
        before = memo[0]
        memo[0] = made
        Py_XDECREF(before.key)
        Py_XDECREF(before.kind)
        return 0

    # -- asking ---------------------------------------------------------------------------------------------------

    cdef PyObject *_ask(
        self, Registration one, PyObject *kind, PyObject **args, size_t nargs, PyObject *names, bint *failed
    ) except? NULL:
        """A provider's answer, a new reference; NULL without an error is None, or an error that is passed over.

        args[0] is room for the provider's own use; the arguments follow.
        """
        cdef PyObject *answer
        cdef Counter counter = None  # held: the profile may end meanwhile
        cdef Tally *tally
        cdef uint64_t start = 0
        if self.profiles:
            counter = self._counter(one, <str>kind)
            start = ml_ticks()
        answer = PyObject_Vectorcall(<PyObject *>one.call, args + 1, nargs | PY_VECTORCALL_ARGUMENTS_OFFSET, names)
        if counter is not None:
            tally = &counter.tally
            start = ml_ticks() - start
            tally.calls += 1
            tally.ticks += start
            tally.histogram[_bucket(start)] += 1
            if answer == NULL:
                tally.errors += 1
            elif answer == Py_None_:
                tally.misses += 1
            else:
                tally.answers += 1
        if answer == Py_None_:
            Py_DECREF(None)
            return NULL
        if answer == NULL:
            failed[0] = True
            self._failed(one, <str>kind)
        return answer

    cdef int _failed(self, Registration one, str kind) except -1:
        """Of the error that is set: passes over it, or raises it again."""
        try:
            ml_raised()
        except Exception as error:
            if not self._pass_over(one, kind, error):
                raise
        return 0

    cdef bint _pass_over(self, Registration one, str kind, error) except -1:
        """Whether the next one is asked; otherwise the error has been told whose it is."""
        if (one.on_error or self.on_error) == "next":
            if self.skipped is not None:
                self.skipped(one, kind, error)
            return True
        note = f"while metadata provider {one.name} was asked for {kind}"
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)
        return False

    cdef PyObject *_through_cache(self, Registration one, PyObject *kind, PyObject **args, bint *failed) except? NULL:
        """The same for a provider whose answers are kept, asked for an id that is a str."""
        cdef PyObject *image_id = args[2]
        cdef uint64_t hash = ml_hash(image_id) + _salt(one, kind)
        cdef Entry *entry = _find(&self.cache, hash, image_id, kind, <PyObject *>one)
        cdef PyObject *answer
        cdef Flight *flight
        cdef Tally *tally
        if entry != NULL:
            _touch(&self.cache, entry)
            self.cache.hits += 1
            answer = entry.answer
            if answer != NULL:
                Py_INCREF(<object>answer)
            if self.profiles:
                tally = _tally(one, kind)
                if tally != NULL:
                    tally.hits += 1
            return answer
        self.cache.misses += 1
        base = self._based(<str>image_id)
        flight = self._depart(image_id, kind, <PyObject *>base, <PyObject *>one, hash)
        try:
            answer = self._ask(one, kind, args, 2, NULL, failed)
            if not failed[0] and flight != NULL and not flight.stale:
                answer = self._keep(flight, one, answer)
            return answer
        finally:
            _arrive(flight)

    cdef PyObject *_keep(self, Flight *flight, Registration one, PyObject *answer) except? NULL:
        """Puts an answer in the cache and returns it, or what stands for it. Takes over the reference."""
        cdef size_t nbytes = _ENTRY_BYTES + 56 + len(<str>flight.image_id)
        if flight.base != flight.image_id:
            nbytes += 56 + len(<str>flight.base)
        cdef PyObject *kept = answer
        value = None
        if answer != NULL:
            value = <object>answer
            Py_DECREF(value)  # `value` holds it
            if PyCoro_CheckExact(value):
                task = None if self.shared is None else self.shared(one, <str>flight.kind, <str>flight.image_id, value)
                if task is None:
                    Py_INCREF(value)
                    return answer
                value = task
                answer = kept = <PyObject *>value
            if kept == _NULL:
                kept = Py_None_
            try:
                nbytes += _size_of(value, 4)
            except Exception:  # of a __sizeof__ that does not work
                nbytes += 1024
        if not flight.stale:
            self._store(flight, kept, nbytes)
        if answer != NULL:
            Py_INCREF(value)
        return answer

    cdef object _walk(self, tuple route, PyObject *kind, PyObject **args, size_t nargs, PyObject *names):
        """Asks one after the other. Whoever calls holds the chain."""
        cdef Registration one
        cdef PyObject *answer
        cdef bint failed
        cdef Py_ssize_t i
        cdef bint keepable = nargs == 2 and names == NULL and PyUnicode_CheckExact(args[2])
        for i in range(PyTuple_GET_SIZE(<PyObject *>route)):
            one = <Registration>PyTuple_GET_ITEM(<PyObject *>route, i)
            failed = False
            if keepable and one.cached:
                answer = self._through_cache(one, kind, args, &failed)
            else:
                answer = self._ask(one, kind, args, nargs, names, &failed)
            if answer != NULL:
                value = <object>answer
                Py_DECREF(value)
                return None if answer == _NULL else value
        return None

    cdef object _get_slowly(self, PyObject *const *args, Py_ssize_t nargs, PyObject *names):
        cdef PyObject *room[ROOM]
        cdef PyObject **given = room
        cdef Py_ssize_t i, more = PyTuple_GET_SIZE(names) if names != NULL else 0
        cdef Memo *memo
        cdef Chain chain = self.chain
        cdef tuple route
        if nargs < 2:
            raise TypeError("get() needs a type and an image id, by position")
        if args[1] == Py_None_:
            return None
        memo = _memo_of(self, args[0])
        if memo.key == args[0]:
            kind, route = <str>memo.kind, <tuple>memo.route
        else:
            kind = _type_name(<object>args[0])
            route = chain.route(kind)
            if PyUnicode_CheckExact(args[0]) or PyType_Check(args[0]):
                self._remember(args[0], <PyObject *>kind, chain, route)
        if nargs + more + 1 > ROOM:
            given = <PyObject **>malloc((nargs + more + 1) * sizeof(PyObject *))
            if given == NULL:
                raise MemoryError
        try:
            given[0], given[1] = NULL, <PyObject *>kind
            for i in range(1, nargs + more):
                given[i + 1] = args[i]
            return self._walk(route, <PyObject *>kind, given, nargs, names)
        finally:
            if given != room:
                free(given)

    def get_many(self, type, image_ids):
        """The answers for many ids, in a list: `get` of each, but a provider that has `get_many` is called once. What
        one that has `get_lazily` answers for all of them is returned as it is.
        """
        cdef Chain chain = self.chain
        cdef str kind = _type_name(type)
        cdef tuple route = chain.route(kind)
        cdef list ids = list(image_ids)
        cdef list answers = [None] * len(ids)
        cdef list pending, still
        cdef PyObject *given[3]
        cdef PyObject *answer
        cdef PyObject *image_id
        cdef Registration one
        cdef Py_ssize_t i
        cdef bint failed
        if isinstance(image_ids, str):
            raise TypeError("image ids are to be in a list or such")
        pending = None
        given[0], given[1] = NULL, <PyObject *>kind
        for one in route:
            if one.lazily is not None and (pending is None or len(pending) == len(ids)):
                found = _ask_lazily(self, one, kind, ids, one is route[len(route) - 1])
                if found is not None:
                    return found
            if pending is None:
                pending = [i for i in range(len(ids)) if ids[i] is not None]
            if not pending:
                break
            still = []
            if one.many is not None:
                _ask_for_many(self, one, kind, ids, pending, answers, still)
                pending = still
                continue
            for i in pending:
                image_id = <PyObject *>ids[i]
                given[2] = image_id
                failed = False
                if one.cached and PyUnicode_CheckExact(image_id):
                    answer = self._through_cache(one, <PyObject *>kind, given, &failed)
                else:
                    answer = self._ask(one, <PyObject *>kind, given, 2, NULL, &failed)
                if answer == NULL:
                    still.append(i)
                else:
                    if answer != _NULL:
                        answers[i] = <object>answer
                    Py_DECREF(<object>answer)
            pending = still
        return answers

    # -- profiles -------------------------------------------------------------------------------------------------

    def open_profile(self):
        """Counts from now on; returns what is counted already, as `read_counters` does."""
        reading = self.read_counters()
        self.profiles += 1
        if self.profiles == 1:
            self._forget()
        return reading

    def close_profile(self):
        """The reverse; with the last one all counters go."""
        cdef Registration one
        self.profiles -= 1
        if self.profiles == 0:
            self._forget()
            for one in self.chain.registrations:
                one.counters = None
            self.counters = []


cdef inline Memo *_memo_of(Lookups self, PyObject *key) noexcept:
    cdef size_t n = <size_t>key
    return &self.memos[((n >> 4) ^ (n >> 10)) & (MEMOS - 1)]
