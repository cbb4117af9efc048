# Who is asked for a type, and in which order: made when a provider comes or goes, and never changed.

cdef uint64_t _registrations = 0


@cython.final
cdef class Registration:
    """A provider as it is registered: how it is asked, for which types, and before whom."""
    cdef readonly object provider
    cdef readonly object call
    cdef readonly str name
    cdef readonly object priority
    cdef readonly frozenset types       # None: all
    cdef readonly bint cached
    cdef readonly object on_error       # "raise", "next", or None: what the whole chain does
    cdef readonly object adder          # add(type, image_id, value), or None
    cdef readonly object many           # get_many(type, image_ids), or None
    cdef readonly object lazily         # get_lazily(type, image_ids), or None
    cdef readonly object explainer      # explain(type, image_id), or None
    cdef readonly uint64_t serial       # later ones have higher numbers
    cdef readonly bint active           # False as soon as it left the chain
    cdef uint64_t salt
    cdef dict counters                  # by type, while there is a profile

    def __init__(
        self, provider, call, str name, *, priority=0, frozenset types=None, bint cached=False, on_error=None,
        adder=None, many=None, lazily=None, explainer=None
    ):
        global _registrations
        _registrations += 1
        self.provider, self.call, self.name, self.priority, self.types = provider, call, name, priority, types
        self.cached, self.on_error, self.adder, self.many, self.explainer = cached, on_error, adder, many, explainer
        self.lazily = lazily
        self.serial, self.active = _registrations, True
        self.salt = _registrations * <uint64_t>0x9E3779B97F4A7C15


cdef inline uint64_t _salt(Registration provider, PyObject *kind) noexcept:
    return provider.salt ^ (ml_hash(kind) * <uint64_t>0xD6E8FEB86659FD93)


@cython.final
cdef class Chain:
    """Registrations in the order in which they are asked, by type."""
    cdef readonly tuple registrations
    cdef readonly dict by_type          # of the types that somebody named
    cdef readonly tuple others          # who is asked for any other type

    def __init__(self, registrations):
        self.registrations = tuple(sorted(registrations, key=lambda one: (-one.priority, -one.serial)))
        self.others = tuple([one for one in self.registrations if one.types is None])
        named = {kind for one in self.registrations if one.types is not None for kind in one.types}
        self.by_type = {
            kind: tuple([one for one in self.registrations if one.types is None or kind in one.types])
            for kind in named
        }

    cpdef tuple route(self, str kind):
        """Who is asked for a type, first to last."""
        cdef PyObject *found = PyDict_GetItem(<PyObject *>self.by_type, <PyObject *>kind)
        return self.others if found == NULL else <tuple>found


@cython.final
cdef class Link:
    """One function of the typed providers of a type, and what it may call as `next`."""
    cdef object function
    cdef Link following

    def __init__(self, function=None, Link following=None):
        self.function, self.following = function, following

    def __call__(self, query, data=None, options=None):
        if self.function is None:
            return options.get("default_value") if isinstance(options, dict) else None
        return self.function(self.following, query, data, options)


@cython.final
cdef class TypedProvider:
    """The typed providers of a type, seen as one provider."""
    cdef Link first

    def __init__(self, functions):
        link = Link()
        for function in reversed(functions):
            link = Link(function, link)
        self.first = link

    def __call__(self, type, query, options=None):
        return self.first(query, None, options)

    def add(self, query, value, options=None):
        """The same, of the functions that take what is added: they get the value as their data."""
        return self.first(query, value, options)


def type_name(type):
    """The type that is asked for: a str as it is, of a module class its `type`."""
    return _type_name(type)


cdef str _type_name(type):
    if PyUnicode_CheckExact(<PyObject *>type):
        return <str>type
    name = type if isinstance(type, str) else getattr(type, "type", None)
    if not isinstance(name, str):
        raise TypeError("a type is a str, or a class with a str as its `type`")
    return name if PyUnicode_CheckExact(<PyObject *>name) else str.__str__(name)
