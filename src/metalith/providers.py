"""Metadata providers: who is asked for the metadata of an image, and in which order.

>>> from metalith.providers import metadata
>>> scaling = {"web:a.png": {"slope": 2.0}}
>>> def provider(type, image_id):                        # an ordinary function, or an object with `get`
...     return scaling.get(image_id) if type == "scalingModule" else None
>>> metadata.add_provider(provider, priority=10_000)
>>> metadata.get("scalingModule", "web:a.png")
{'slope': 2.0}
>>> metadata.remove_provider(provider)

None from a provider means that the next one is asked; `NULL` means that there is nothing, and nobody else is asked.
Answers of providers that are registered with `cache=True` are kept, until they are invalidated or evicted.
"""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from metalith._provider_answers import Answers
from metalith._provider_asking import (
    adder_of,
    callable_of,
    explainer_of,
    lazily_of,
    many_of,
    name_of,
    owner_of,
    same,
    types_of,
)
from metalith._provider_profile import Profile
from metalith._provider_report import Asked, Explanation, explain
from metalith._providers import NULL, Chain, Lookups, Registration, TypedProvider, type_name
from metalith.errors import ConfigurationError, MetadataNotFound

__all__ = [
    "NULL",
    "Answers",
    "Asked",
    "CacheInfo",
    "Explanation",
    "MetadataProviders",
    "Profile",
    "metadata",
    "profile",
]

TYPED_PRIORITY = -1000  # of typed providers, among the others

_log = logging.getLogger("metalith.providers")
OnError = Literal["raise", "next"]


class CacheInfo(NamedTuple):
    """What the cache of answers holds and did: answers, their bytes, and counts since it was made."""

    entries: int
    nbytes: int
    hits: int
    misses: int
    evictions: int


class _Typed(NamedTuple):
    function: Callable[..., Any]
    priority: float
    number: int
    clear: Callable[[], Any] | None
    clear_query: Callable[[Any], Any] | None
    cache: bool


class MetadataProviders(Lookups):
    """Providers in the order of their priority, and what they answered.

    Safe from many threads: a look-up sees the providers as they were before a change, or as they are after it.

    Parameters
    ----------
    cache_bytes : int
        What kept answers may take, about: of each its `sys.getsizeof`, what is in its containers and its `__dict__`,
        its image id, and what the cache needs itself. The least recently used go first.
    on_error : {"raise", "next"}
        Whether an exception from a provider reaches the caller, or is logged and the next one is asked.

    Examples
    --------
    >>> mine = MetadataProviders()
    >>> mine.add_provider(lambda type, image_id: f"{type} of {image_id}", types=["answer"], cache=True)
    >>> mine.get("answer", "web:1"), mine.get("answer", "web:1"), mine.cache_info().hits
    ('answer of web:1', 'answer of web:1', 1)
    >>> mine.invalidate("web:1")
    1
    """

    __slots__ = ("_lock", "_typed", "_typed_registrations")

    def __init__(self, *, cache_bytes: int = 256 << 20, on_error: OnError = "raise") -> None:
        super().__init__()
        _check_on_error(on_error)
        self.on_error, self.cache_bytes = on_error, cache_bytes
        self.skipped, self.shared = _log_skipped, self._share
        self._lock = threading.RLock()
        self._typed: dict[str, list[_Typed]] = {}
        self._typed_registrations: dict[str, Registration] = {}

    # -- who is asked -------------------------------------------------------------------------------------------------

    def add_provider(
        self,
        provider: Any,
        priority: float = 0,
        types: str | type | Iterable[str | type] | None = None,
        cache: bool = False,
        *,
        on_error: OnError | None = None,
        name: str | None = None,
    ) -> None:
        """Registers a provider. One that is registered as it is given stays where it is; with other settings it moves.

        Parameters
        ----------
        provider : callable or object
            Called with type, image id and whatever else is given to `get`; or an object whose `get` is called so.
            Of an object `get_many(type, image_ids)`, `get_lazily(type, image_ids)`, `add(type, image_id, value)`,
            `add_instance(image_id, dataset)` and `explain(type, image_id)` are used where it has them.
        priority : float
            The highest is asked first; of equals, the latest.
        types : iterable of str or class, optional
            The only types it is asked for; by default the provider's own attribute `types`, and all without one.
        cache : bool
            Whether its answers, None among them, are kept for image ids that are str, asked for without further
            arguments. It must then depend on nothing but type and image id, or tell by `invalidate` what changed.
        on_error : {"raise", "next"}, optional
            What its exceptions do; by default what `MetadataProviders.on_error` says.
        name : str, optional
            What messages and profiles call it.
        """
        call, owner = callable_of(provider), owner_of(provider)
        _check_on_error(on_error)
        made = Registration(
            provider,
            call,
            name or name_of(provider),
            priority=_checked_priority(priority),
            types=types_of(provider, types),
            cached=bool(cache),
            on_error=on_error,
            adder=adder_of(owner),
            many=many_of(owner),
            lazily=lazily_of(owner),
            explainer=explainer_of(owner),
        )
        with self._lock:
            old = self._find(call)
            if old is None or _settings(old) != _settings(made):
                self._swap([one for one in self.chain.registrations if one is not old] + [made])

    def remove_provider(self, provider: Any) -> None:
        """Removes a provider, and what was kept of its answers; nothing happens if it is not there."""
        with self._lock:
            old = self._find(callable_of(provider))
            if old is not None:
                self._swap([one for one in self.chain.registrations if one is not old])

    def remove_all_providers(self) -> None:
        """Removes all providers, typed ones too."""
        with self._lock:
            self._typed.clear()
            self._typed_registrations.clear()
            self._swap([])

    @property
    def providers(self) -> tuple[Any, ...]:
        """The providers, in the order in which they are asked; typed ones of a type as one. tuple."""
        return tuple(one.provider for one in self.chain.registrations)

    def _find(self, call: Any) -> Registration | None:
        return next((one for one in self.chain.registrations if same(one.call, call)), None)

    def _swap(self, registrations: Iterable[Registration]) -> None:
        self.set_chain(Chain(registrations))

    # -- typed providers ----------------------------------------------------------------------------------------------

    def add_typed_provider(
        self,
        type: str | type,
        function: Callable[..., Any],
        priority: float = 0,
        *,
        clear: Callable[[], Any] | None = None,
        clear_query: Callable[[Any], Any] | None = None,
        cache: bool = False,
    ) -> None:
        """Registers a function among those that make the answers of one type, each going by what the next ones say.

        They are asked in the order of their priority, after all other providers of a priority above -1000.

        Parameters
        ----------
        type : str or class
        function : callable
            `function(next, query, data, options)`; `next(query, data, options)` asks those after it.
        priority : float
            The highest is called first; of equals, the latest.
        clear, clear_query : callable, optional
            Called by `clear(type)`, and by `clear_query(type, query)` with the query.
        cache : bool
            Whether answers are kept: where all functions of the type say so.

        Examples
        --------
        >>> mine = MetadataProviders()
        >>> mine.add_typed_provider("module", lambda next, query, data, options: data["rows"])
        >>> mine.add_typed_provider("module", lambda next, query, data, options: next(query, {"rows": 3}), 5000)
        >>> mine.get("module", "web:1")
        3
        """
        if not callable(function):
            raise TypeError("a typed provider is a callable")
        kind = type_name(type)
        with self._lock:
            known = self._typed.setdefault(kind, [])
            if any(same(one.function, function) for one in known):
                return
            number = max((one.number for one in known), default=0) + 1
            known.append(_Typed(function, _checked_priority(priority), number, clear, clear_query, cache))
            known.sort(key=lambda one: (-one.priority, -one.number))
            self._swap_typed(kind)

    def add_add_provider(
        self, type: str | type, function: Callable[..., Any], priority: float = 0, **more: Any
    ) -> None:
        """The same for what is added: `function(next, query, data, options)` with the value as its data."""
        self.add_typed_provider(f"{type_name(type)}Add", function, priority, **more)

    def remove_typed_provider(self, type: str | type, function: Callable[..., Any]) -> None:
        """Removes a function from those of a type; nothing happens if it is not there."""
        kind = type_name(type)
        with self._lock:
            known = self._typed.get(kind, [])
            left = [one for one in known if not same(one.function, function)]
            if len(left) < len(known):
                self._typed[kind] = left
                self._swap_typed(kind)

    def _swap_typed(self, kind: str) -> None:
        functions = self._typed[kind]
        old = self._typed_registrations.pop(kind, None)
        registrations = [one for one in self.chain.registrations if one is not old]
        if functions:
            chain = TypedProvider([one.function for one in functions])
            made = Registration(
                chain,
                chain,
                f"typed providers ({', '.join(name_of(one.function) for one in functions)})",
                priority=TYPED_PRIORITY,
                types=frozenset([kind]),
                cached=all(one.cache for one in functions),
            )
            self._typed_registrations[kind] = made
            registrations.append(made)
        else:
            del self._typed[kind]
        self._swap(registrations)

    def clear(self, type: str | type) -> None:
        """Calls `clear` of the typed providers of a type, those of its add side too, and forgets kept answers to it."""
        kind = type_name(type)
        for one in (*self._typed.get(kind, ()), *self._typed.get(f"{kind}Add", ())):
            if one.clear is not None:
                one.clear()
        self.invalidate(type=kind)

    def clear_query(self, type: str | type, query: Any) -> None:
        """The same with `clear_query` for one query, of an image with all its frames; None clears the type."""
        if query is None:
            self.clear(type)
            return
        kind = type_name(type)
        for one in (*self._typed.get(kind, ()), *self._typed.get(f"{kind}Add", ())):
            if one.clear_query is not None:
                one.clear_query(query)
        if isinstance(query, str):
            self.invalidate(query, kind)

    # -- adding -------------------------------------------------------------------------------------------------------

    def add(self, type: str | type, image_id: Any, value: Any) -> Any:
        """Gives a value to the first provider that takes it, and forgets what was answered for the image.

        An "instance" that has to be awaited, or the coroutine function that gives it, is taken by providers that have
        `add_instance_async(image_id, dataset)`; then the result is to be awaited.

        Returns
        -------
        object
            What the provider returned. If it can be awaited, answers are forgotten once more when it has been.

        Raises
        ------
        MetadataNotFound
            Nobody takes it: no provider for the type has `add`, or all returned NotImplemented.
        """
        kind = type_name(type)
        asked = []
        for one in self.chain.route(kind):
            if one.adder is None:
                continue
            try:
                result = one.adder(kind, image_id, value)
            except Exception as error:
                error.add_note(f"while metadata provider {one.name} was given {kind}")
                raise
            if result is not NotImplemented:
                return self._added(image_id, result)
            asked.append(Asked(one.name, one.priority, "nothing", reason="does not take it"))
        typed = self._typed_registrations.get(f"{kind}Add")
        if typed is not None:
            return self._added(image_id, typed.provider.add(image_id, value))
        raise MetadataNotFound(Explanation.of(f"{kind} to be added", image_id, asked))

    def _added(self, image_id: Any, result: Any) -> Any:
        if not isinstance(image_id, str):
            return result
        self.invalidate(image_id)
        if inspect.iscoroutine(result):
            return self._awaited(image_id, result)
        if inspect.isawaitable(result) and hasattr(result, "add_done_callback"):
            result.add_done_callback(lambda _: self.invalidate(image_id))
        return result

    async def _awaited(self, image_id: str, result: Any) -> Any:
        try:
            return await result
        finally:
            self.invalidate(image_id)

    # -- asking -------------------------------------------------------------------------------------------------------

    def require(self, type: Any, image_id: Any, *args: Any, **kwargs: Any) -> Any:
        """`get`, that raises MetadataNotFound where there is no answer: it tells who was asked and what each lacked."""
        answer = self.get(type, image_id, *args, **kwargs)
        if answer is None:
            raise MetadataNotFound(self.explain(type, image_id, *args, **kwargs))
        return answer

    def explain(self, type: str | type, image_id: Any, *args: Any, **kwargs: Any) -> Explanation:
        """Who is asked, and what each says: the answer's way, to be printed. Nothing of it is kept or counted."""
        return explain(self, type_name(type), image_id, args, kwargs)

    def get_many(self, type: str | type, image_ids: Iterable[Any]) -> Answers:
        """What `get` gives for each of many images.

        Parameters
        ----------
        type : str or class
        image_ids : iterable

        Returns
        -------
        Answers
            A sequence, None where there is no answer. Fields of the answers, asked of it, are arrays.

        Examples
        --------
        >>> mine = MetadataProviders()
        >>> mine.add_provider(metalith.InstanceProvider())
        >>> mine.add("instance", "web:1", {"Rows": 4, "Columns": 6}) is None
        True
        >>> mine.get_many("imagePixelModule", ["web:1", "web:2"]).columns
        array([ 6., nan])
        """
        return Answers(super().get_many(type, image_ids))

    def get_normalized(
        self, image_id: Any, types: Iterable[str | type], provider: Callable[[Any, Any], Any] | None = None
    ) -> dict[str, Any]:
        """The answers to several types in one dict, by DICOM's keywords (`rows` is Rows, `sopClassUID` SOPClassUID).

        Parameters
        ----------
        image_id : str
        types : iterable of str or class
            Of a keyword that several have, the last one's value stays.
        provider : callable, optional
            Asked in place of `get`.
        """
        merged: dict[str, Any] = {}
        for kind in types:
            answer = self.get(kind, image_id) if provider is None else provider(kind, image_id)
            if answer is None:
                continue
            convert = getattr(answer, "to_cornerstone", None)
            named = convert() if convert is not None else answer
            if not isinstance(named, Mapping):
                raise TypeError(f"the answer to {type_name(kind)} has no names: {answer.__class__.__name__}")
            merged.update((to_upper_camel(key), value) for key, value in named.items())
        return merged

    # -- what is kept -------------------------------------------------------------------------------------------------

    def invalidate(
        self,
        image_id: str | Iterable[str] | Callable[[str], bool] | None = None,
        type: str | type | None = None,
        *,
        frames: bool = True,
    ) -> int:
        """Forgets kept answers, and those that are being given at this moment. Returns how many were kept.

        Parameters
        ----------
        image_id : str, iterable of str, or callable, optional
            Images; by default all. An image is meant with all its frames, whichever of them is named. A callable is
            given every id that was asked for, and says whether it is meant: where one image has ids of many kinds.
        type : str or class, optional
            The only type that is forgotten.
        frames : bool
            False means these very ids and no other frames.
        """
        if image_id is None:
            return self.invalidate_all(type)
        if isinstance(image_id, str):
            return self.invalidate_image(image_id, type, frames)
        ids = [one for one in self.kept_image_ids() if image_id(one)] if callable(image_id) else image_id
        return sum(self.invalidate_image(one, type, frames) for one in ids)

    def cache_info(self) -> CacheInfo:
        """How many answers are kept, their bytes, and how often they were found, missing, and evicted."""
        return CacheInfo(*self.cache_numbers())

    def _share(self, one: Registration, kind: str, image_id: str, coroutine: Any) -> Any:
        """A coroutine that is to be kept becomes a task, so that it runs once however many await it."""
        import asyncio  # slow to import, and only loaded where somebody runs a loop

        try:
            task = asyncio.get_running_loop().create_task(coroutine)
        except RuntimeError:
            return None

        def settle(done: Any) -> None:
            if done.cancelled() or done.exception() is not None:
                self.forget_answer(one, kind, image_id, done)

        task.add_done_callback(settle)
        return task

    def profile(self) -> Profile:
        """Counts and times look-ups, by provider and type, from when it is entered until it is left.

        >>> with metadata.profile() as prof:
        ...     metadata.get("scalingModule", "web:a.png")
        >>> print(prof)  # doctest: +SKIP
        """
        return Profile(self)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}: {len(self.chain.registrations)} providers, {self.cache_info().entries} answers>"
        )


def to_upper_camel(name: str) -> str:
    """A camelCase name as DICOM writes its keywords: `sopInstanceUID` is SOPInstanceUID, `patientId` PatientID."""
    if name.startswith(("sop", "voi")):
        name = name[:3].upper() + name[3:]
    if name.endswith("Id"):
        name = name[:-2] + "ID"
    return name[:1].upper() + name[1:]


def _settings(one: Registration) -> tuple[Any, ...]:
    return one.priority, one.types, one.cached, one.on_error, one.name


def _checked_priority(priority: float) -> float:
    if not isinstance(priority, (int, float)) or priority != priority:
        raise ConfigurationError("priority: not a number")
    return priority


def _check_on_error(on_error: str | None) -> None:
    if on_error not in ("raise", "next", None):
        raise ConfigurationError('on_error: neither "raise" nor "next"')


def _log_skipped(one: Registration, kind: str, error: Exception) -> None:
    _log.warning("metadata provider %s failed when asked for %s: %s", one.name, kind, type(error).__name__)


metadata = MetadataProviders()


def profile() -> Profile:
    """`metadata.profile()`, of the providers that everybody shares."""
    return metadata.profile()
