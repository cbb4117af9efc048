# Asking for many ids at once a provider that has `get_many`, or `get_lazily`.

cdef object _ask_lazily(Lookups self, Registration one, str kind, list ids, bint last):
    """The answers of a provider that makes them when they are asked for; None where it is to be asked in another way.

    They are not kept: it has what they are made of at hand, and making one takes no longer than keeping it.
    """
    cdef Counter counter = None
    cdef Tally *tally
    cdef uint64_t start = ml_ticks()
    found = one.lazily(kind, ids)
    if found is None or (found.lacking and not last):
        return None
    if self.profiles:
        counter = self._counter(one, kind)
        tally = &counter.tally
        start = ml_ticks() - start
        tally.calls += 1
        tally.ticks += start
        tally.histogram[_bucket(start)] += 1
        tally.answers += <uint64_t>(len(ids) - found.lacking)
        tally.misses += <uint64_t>found.lacking
    return found


cdef int _ask_for_many(
    Lookups self, Registration one, str kind, list ids, list pending, list answers, list still
) except -1:
    cdef list unknown = pending, flying = [], found = None
    cdef Entry *entry
    cdef Flight *flight
    cdef PyObject *image_id
    cdef Py_ssize_t i, k
    cdef Counter counter = None
    cdef Tally *tally = NULL
    cdef uint64_t start = 0, salt = _salt(one, <PyObject *>kind), hits = 0
    if one.cached:
        unknown = []
        for i in pending:
            image_id = <PyObject *>ids[i]
            entry = NULL
            if PyUnicode_CheckExact(image_id):
                entry = _find(&self.cache, ml_hash(image_id) + salt, image_id, <PyObject *>kind, <PyObject *>one)
            if entry == NULL:
                unknown.append(i)
                continue
            _touch(&self.cache, entry)
            hits += 1
            if entry.answer == NULL:
                still.append(i)
            else:
                answers[i] = <object>entry.answer
        self.cache.hits += hits
        self.cache.misses += len(unknown)
    if self.profiles:
        counter = self._counter(one, kind)
        tally = &counter.tally
        tally.hits += hits
    if not unknown:
        return 0
    try:
        if one.cached:
            for i in unknown:
                image_id = <PyObject *>ids[i]
                flight = NULL
                base = None
                if PyUnicode_CheckExact(image_id):
                    base = self._based(<str>image_id)
                    flight = self._depart(
                        image_id, <PyObject *>kind, <PyObject *>base, <PyObject *>one, ml_hash(image_id) + salt
                    )
                flying.append((base, <size_t>flight))
        start = ml_ticks()
        try:
            made = one.many(kind, [ids[i] for i in unknown])
            found = list(made) if made is not None else [None] * len(unknown)
            if len(found) != len(unknown):
                raise TypeError("get_many() of a provider gave another number of answers than it was asked for")
        except Exception as error:
            if tally != NULL:
                tally.errors += 1
            if not self._pass_over(one, kind, error):
                raise
            still.extend(unknown)
            still.sort()
            return 0
        finally:
            if tally != NULL:
                start = ml_ticks() - start
                tally.calls += 1
                tally.ticks += start
                tally.histogram[_bucket(start)] += 1
        for k in range(len(unknown)):
            value = found[k]
            i = unknown[k]
            flight = <Flight *><size_t>flying[k][1] if flying else NULL
            if flight != NULL and not flight.stale:
                if value is None:
                    self._keep(flight, one, NULL)
                else:
                    Py_INCREF(value)
                    image_id = self._keep(flight, one, <PyObject *>value)
                    value = <object>image_id
                    Py_DECREF(value)
            if tally != NULL:
                if value is None:
                    tally.misses += 1
                else:
                    tally.answers += 1
            if value is None:
                still.append(i)
            elif <PyObject *>value != _NULL:
                answers[i] = value
        still.sort()
    finally:
        for _, number in flying:
            _arrive(<Flight *><size_t>number)
    return 0
