"""What of JavaScript shows through in the references' answers: key order, truthiness, and how to compare with them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

_INTEGER_KEY = re.compile(r"(?:0|[1-9][0-9]{0,9})\Z")


def is_integer_key(key: str) -> bool:
    """Whether an object lists this key before all others, in numeric order: a canonical array index below 2**32 - 1."""
    return bool(_INTEGER_KEY.match(key)) and int(key) < 2**32 - 1


def ordered(pairs: dict[str, Any]) -> dict[str, Any]:
    """The same members in the order in which JavaScript enumerates them."""
    integers = sorted((key for key in pairs if is_integer_key(key)), key=int)
    if not integers:
        return pairs
    return {key: pairs[key] for key in [*integers, *(key for key in pairs if not is_integer_key(key))]}


def deep_ordered(value: Any) -> Any:
    """`ordered` all the way down: what JSON.parse makes of an object that is handed on as it came."""
    if isinstance(value, dict):
        return ordered({key: deep_ordered(member) for key, member in value.items()})
    if isinstance(value, list):
        return [deep_ordered(member) for member in value]
    return value


def members(value: Any) -> Iterator[tuple[str, Any]]:
    """What Object.entries gives: members of an object, indexed members of an array or text, nothing of a scalar."""
    if isinstance(value, dict):
        yield from ordered(value).items()
    elif isinstance(value, (list, str)):
        yield from ((str(index), member) for index, member in enumerate(value))


def truthy(value: Any) -> bool:
    """JavaScript's notion: empty arrays and objects are true, NaN is not."""
    if isinstance(value, (list, dict)):
        return True
    if isinstance(value, float) and math.isnan(value):
        return False
    return bool(value)


def _unmark(pairs: list[tuple[str, Any]]) -> Any:
    if len(pairs) == 1:
        key, text = pairs[0]
        if key in ("$float", "$number"):
            return float(text.replace("Infinity", "inf"))
        if key == "$undefined":
            return _UNDEFINED
    return {key: value for key, value in pairs if value is not _UNDEFINED}


_UNDEFINED = object()


def loads_oracle(text: str | bytes) -> Any:
    """An oracle's output: its marks for infinities become floats, undefined members vanish as in JSON.stringify."""
    return json.loads(text, object_pairs_hook=_unmark)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def difference(ours: Any, theirs: Any, *, doubles: bool = False, order: bool = False, path: str = "$") -> str | None:
    """Where two plain values first differ, as text; None when they are equal.

    Stricter than `==`: True is not 1, a list is not a tuple. NaN equals NaN. 1 equals 1.0, for JavaScript has one kind
    of number; with `doubles` numbers are equal when their doubles are. With `order`, keys must be in the same order.
    """
    if _is_number(ours) and _is_number(theirs):
        if ours == theirs or (doubles and _double(ours) == _double(theirs)) or (_is_nan(ours) and _is_nan(theirs)):
            return None
        return f"{path}: {ours!r} is not {theirs!r}"
    if type(ours) is not type(theirs):
        return f"{path}: {type(ours).__name__} {ours!r:.200} is not {type(theirs).__name__} {theirs!r:.200}"
    if isinstance(ours, dict):
        if set(ours) != set(theirs):
            return f"{path}: only here {sorted(set(ours) - set(theirs))}, only there {sorted(set(theirs) - set(ours))}"
        if order and list(ours) != list(theirs):
            return f"{path}: key order {list(ours)} is not {list(theirs)}"
        pairs = ((f"{path}.{key}", ours[key], theirs[key]) for key in ours)
    elif isinstance(ours, list):
        if len(ours) != len(theirs):
            return f"{path}: {len(ours)} members are not {len(theirs)}"
        pairs = (
            (f"{path}[{index}]", left, right) for index, (left, right) in enumerate(zip(ours, theirs, strict=True))
        )
    else:
        return None if ours == theirs else f"{path}: {ours!r:.200} is not {theirs!r:.200}"
    for where, left, right in pairs:
        found = difference(left, right, doubles=doubles, order=order, path=where)
        if found:
            return found
    return None


def assert_same(ours: Any, theirs: Any, *, doubles: bool = False, order: bool = False, path: str = "$") -> None:
    """Fail with the first difference as the message."""
    found = difference(ours, theirs, doubles=doubles, order=order, path=path)
    if found:
        raise AssertionError(found)


def _is_nan(number: float) -> bool:
    return isinstance(number, float) and math.isnan(number)


def _double(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def without_infinities(value: Any) -> Any:
    """JSON has no infinities and no NaN: what JSON text can hold of a plain value, null in their place."""
    if isinstance(value, dict):
        return {key: without_infinities(member) for key, member in value.items()}
    if isinstance(value, list):
        return [without_infinities(member) for member in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
