"""What an object offers as a metadata provider (for `metalith.providers`): how it is asked, named and told apart."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from types import BuiltinMethodType, MethodType, MethodWrapperType
from typing import Any

from metalith._providers import type_name
from metalith.errors import ConfigurationError

_METHODS = (MethodType, BuiltinMethodType, MethodWrapperType)


def callable_of(provider: Any) -> Callable[..., Any]:
    """What is called: the object's `get`, or the provider itself."""
    if isinstance(provider, Mapping):
        raise TypeError("a mapping is no provider: its get(type, image_id) would answer with the image id")
    get = getattr(provider, "get", None)
    found = get if callable(get) else provider
    if not callable(found):
        raise TypeError("a provider is a callable, or an object with get(type, image_id)")
    return found  # type: ignore[no-any-return]


def owner_of(provider: Any) -> Any:
    """The object whose further methods count: the provider, or what a bound `get` belongs to."""
    if isinstance(provider, _METHODS) and provider.__name__ == "get":
        return provider.__self__
    return provider


def same(a: Any, b: Any) -> bool:
    """Whether two callables are one: bound methods are made anew each time they are named, and compared by what they
    are bound to."""
    if a is b:
        return True
    if type(a) is not type(b) or not isinstance(a, _METHODS):
        return False
    return a.__self__ is b.__self__ and bool(a == b)


def name_of(provider: Any) -> str:
    """What messages call it; never what it says of itself in a repr."""
    if isinstance(provider, _METHODS) and not inspect.ismodule(provider.__self__):
        owner = provider.__self__ if isinstance(provider.__self__, type) else type(provider.__self__)
        return f"{_short(owner)}.{provider.__name__}"
    return _short(provider if hasattr(provider, "__qualname__") else type(provider))


def _short(thing: Any) -> str:
    return str(thing.__qualname__).rpartition("<locals>.")[2]


def types_of(provider: Any, types: Any) -> frozenset[str] | None:
    """The types it is asked for; None for all."""
    if types is None:
        own = getattr(provider, "types", None)
        if own is None:
            own = getattr(owner_of(provider), "types", None)
        if not isinstance(own, (tuple, list, set, frozenset)) or not all(isinstance(one, (str, type)) for one in own):
            return None
        types = own
    elif isinstance(types, (str, type)) or not isinstance(types, Iterable):
        types = (types,)
    named = frozenset(type_name(one) for one in types)
    if not named:
        raise ConfigurationError("types: none is named")
    return named


def _takes(function: Any, count: int) -> bool:
    """Whether it is a function that so many arguments can be given to."""
    if not callable(function):
        return False
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:  # compiled, and says nothing of its signature
        return True
    return True


def adder_of(owner: Any) -> Callable[[str, Any, Any], Any] | None:
    """add(type, image_id, value) by what the object has: `add`, and for instances `add_instance(image_id, dataset)`, or
    `add_instance_async` for those that have to be awaited.

    A method `add` of other arguments is something else, and the caller's own business.
    """
    add, add_instance = getattr(owner, "add", None), getattr(owner, "add_instance", None)
    adds, adds_instances = _takes(add, 3), _takes(add_instance, 2)
    if not adds and not adds_instances:
        return None
    add_async = getattr(owner, "add_instance_async", None)
    adds_async = _takes(add_async, 2)

    def adder(type: str, image_id: Any, value: Any) -> Any:
        if adds_async and type == "instance" and (inspect.isawaitable(value) or inspect.iscoroutinefunction(value)):
            return add_async(image_id, value)  # type: ignore[misc]
        if adds_instances and type == "instance":
            return add_instance(image_id, value)  # type: ignore[misc]
        return add(type, image_id, value) if adds else NotImplemented  # type: ignore[misc]

    return adder


def many_of(owner: Any) -> Callable[..., Any] | None:
    """get_many(type, image_ids), if it has it."""
    many = getattr(owner, "get_many", None)
    return many if _takes(many, 2) else None


def lazily_of(owner: Any) -> Callable[..., Any] | None:
    """get_lazily(type, image_ids), if it has it: see `metalith._provider_answers.Lazy`."""
    found = getattr(owner, "get_lazily", None)
    return found if _takes(found, 2) else None


def explainer_of(owner: Any) -> Callable[..., Any] | None:
    """explain(type, image_id), if it has it: what was lacking, in words."""
    found = getattr(owner, "explain", None)
    return found if _takes(found, 2) else None
