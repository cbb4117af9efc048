"""Model of dcmjs' naturalizeDataset: parsed DICOM JSON -> the structure it holds in memory, as plain dicts and lists.

"Structure" means: one-item lists that dcmjs wraps in a proxy are lists of one, boxed person names are strings,
members that are `undefined` (the `_vrMap` entry of an element without vr) are absent.

With `lenient`, the inputs dcmjs throws on, and the few on which it makes nonsense, give what Metalith gives instead;
`wanted_differences` lists them with the reasons.
"""

from __future__ import annotations

from typing import Any

from .dcmjs_dictionary import lookup
from .js import deep_ordered, is_integer_key, members, ordered, truthy

_UNDEFINED = object()


class DcmjsThrows(Exception):
    """dcmjs raises on this dataset, and the whole of it is lost."""


def naturalize(dataset: Any, *, lenient: bool = False) -> dict[str, Any]:
    """One dataset. Raises DcmjsThrows where dcmjs throws, unless `lenient`."""
    if dataset is None:
        raise DcmjsThrows("dataset is null")
    vr_map: dict[str, Any] = {}
    natural: dict[str, Any] = {"_vrMap": vr_map}
    for key, element in members(dataset):
        if key == "__proto__" and not lenient:
            continue
        if key == "_vrMap" and lenient:
            continue
        if element is None and not lenient:
            raise DcmjsThrows(f"element {key} is null")
        element = element if isinstance(element, dict) else {}
        entry = lookup(key)
        name = entry.name if entry else key
        if entry and (
            entry.vr == "ox" or element.get("vr", _UNDEFINED) != entry.vr
        ):  # ox is noted even if sent as such
            _record_vr(natural, name, element)
        value = _value(element, lenient)
        is_number = isinstance(value, (bool, int, float))
        if entry and entry.vr == "PN" and is_number and not lenient:
            raise DcmjsThrows(f"{key} is a person name and {value!r}")
        if value is _UNDEFINED:
            natural.pop(name, None)
        else:
            natural[name] = value
    return ordered(natural) if any(map(is_integer_key, natural)) else natural


def _record_vr(natural: dict[str, Any], name: str, element: dict[str, Any]) -> None:
    vr_map = natural["_vrMap"]
    if vr_map is None:
        raise DcmjsThrows("_vrMap was overwritten with null")
    if not isinstance(vr_map, dict):
        return
    if "vr" in element:
        vr_map[name] = deep_ordered(element["vr"])
    else:
        vr_map.pop(name, None)


def _value(element: dict[str, Any], lenient: bool) -> Any:
    """Value before InlineBinary before BulkDataURI; a list of one is replaced by its member unless an object."""
    value = element.get("Value", _UNDEFINED)
    if value is None:
        if not lenient:
            raise DcmjsThrows("Value is null")
        value = _UNDEFINED
    if value is _UNDEFINED:
        for member in ("InlineBinary", "BulkDataURI"):
            if truthy(element.get(member)):
                return {member: deep_ordered(element[member])}
        return None
    value = _items(value, lenient) if element.get("vr") == "SQ" else deep_ordered(value)
    if _length(value) == 1:
        only = value.get("0", _UNDEFINED) if isinstance(value, dict) else value[0]
        if not (isinstance(only, (dict, list)) and not truthy(_length(only))):
            return only
        return [only]
    return value


def _items(value: Any, lenient: bool) -> list[dict[str, Any]]:
    if not lenient:
        return [naturalize(item) for _, item in members(value)]
    items = value if isinstance(value, list) else [value]
    return [naturalize(item if isinstance(item, dict) else {}, lenient=True) for item in items]


def _length(value: Any) -> Any:
    """What `value.length` reads in JavaScript."""
    if isinstance(value, (list, str)):
        return len(value)
    return value.get("length") if isinstance(value, dict) else None
