# `get`, the method of the fast kind; and what the collector is told of C structures.

cdef PyObject *_get(PyObject *object_, PyObject *const *args, Py_ssize_t nargs, PyObject *names) except NULL:
    """`get`: here what was answered before, by the first who is asked; all else in `_get_otherwise`."""
    cdef Cache *cache = &(<Lookups>object_).cache
    cdef Memo *memo
    cdef Entry *entry
    cdef PyObject *answer
    if nargs == 2 and names == NULL:
        memo = &(<Lookups>object_).memos[((<size_t>args[0] >> 4) ^ (<size_t>args[0] >> 10)) & (MEMOS - 1)]
        if memo.key == args[0] and memo.provider != NULL and PyUnicode_CheckExact(args[1]):
            if memo.tally != NULL and memo.tally.hits & (SAMPLE - 1) == 0:
                entry = _find_timed(cache, memo, args[1])
            else:
                entry = _find_near(cache, memo, args[1])
            if entry != NULL and (entry.answer != NULL or memo.alone):
                _touch(cache, entry)
                cache.hits += 1
                if memo.tally != NULL:
                    memo.tally.hits += 1
                answer = entry.answer if entry.answer != NULL else Py_None_
                Py_INCREF(<object>answer)
                return answer
    return _get_otherwise(object_, args, nargs, names)


cdef inline Entry *_find_near(Cache *cache, Memo *memo, PyObject *image_id) noexcept:
    """`_find`, with a look by identity first."""
    cdef uint64_t hash = ml_hash(image_id) + memo.salt
    cdef Entry *entry = cache.slots[hash & cache.mask].entry
    if entry != NULL and entry.image_id == image_id and entry.kind == memo.kind and entry.provider == memo.provider:
        return entry
    return _find(cache, hash, image_id, memo.kind, memo.provider)


cdef Entry *_find_timed(Cache *cache, Memo *memo, PyObject *image_id) noexcept:
    """The same for one in SAMPLE while there is a profile."""
    cdef uint64_t start = ml_ticks()
    cdef Entry *entry = _find_near(cache, memo, image_id)
    if entry != NULL:
        memo.tally.hit_ticks += ml_ticks() - start
        memo.tally.timed_hits += 1
    return entry


cdef PyObject *_get_otherwise(PyObject *object_, PyObject *const *args, Py_ssize_t nargs, PyObject *names) except NULL:
    answer = (<Lookups>object_)._get_slowly(args, nargs, names)
    Py_INCREF(answer)
    return <PyObject *>answer


cdef int _traverse_held(PyObject *object_, visitproc visit, void *arg) noexcept:
    cdef Entry *entry = (<Lookups>object_).cache.oldest
    cdef int result
    while entry != NULL:
        if entry.answer != NULL:
            result = visit(entry.answer, arg)
            if result:
                return result
        entry = entry.newer
    for i in range(MEMOS):
        if (<Lookups>object_).memos[i].key != NULL:
            result = visit((<Lookups>object_).memos[i].key, arg)
            if result:
                return result
    return 0


cdef void _clear_held(PyObject *object_) noexcept:
    cdef Entry *left = NULL
    cdef Based held[BASES]
    _take_out_all(&(<Lookups>object_).cache, NULL, NULL, &left)
    (<Lookups>object_)._forget()
    held = (<Lookups>object_).bases
    memset((<Lookups>object_).bases, 0, sizeof(held))
    for i in range(BASES):
        Py_XDECREF(held[i].image_id)
        Py_XDECREF(held[i].base)
    _let_go(left)


ml_furnish(
    Lookups, _get,
    b"get($self, type, image_id, /, *args, **kwargs)\n--\n\n"
    b"The answer of the first provider that has one, None without.\n\n"
    b"Parameters\n----------\ntype : str or class with a `type`\nimage_id : str\n"
    b"    None is asked of nobody.\n"
    b"*args, **kwargs\n    Handed through to the providers; answers to them are not kept.\n",
    _traverse_held, _clear_held,
)
