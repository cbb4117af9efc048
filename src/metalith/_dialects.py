"""Natural metadata in the dialects of others, by their general rules.

csrc writes regular rows (write_dcmjs.c, write_cornerstone.c, write_natural.c); what comes here are the rows with
elements of unusual make-up, and the dicts that `Instance.to_dict` gives.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from metalith import _core
from metalith.bulk import BulkData
from metalith.values import PersonName

if TYPE_CHECKING:
    from metalith._core import Instance


def to_dict(instance: Instance, dialect: str) -> dict[str, Any]:
    """`Instance.to_dict`."""
    if dialect == "natural":
        return {name: plain(value) for name, value in instance.items()}
    written = _core._row_as_written(instance, dialect)
    return general(instance, dialect) if written is None else json.loads(written)


def general(instance: Instance, dialect: str) -> dict[str, Any]:
    """A row that csrc does not write in this dialect, by the dialect's general rules."""
    dataset = json.loads(instance.to_json("spelled"))
    return dcmjs(dataset) if dialect == "dcmjs" else cornerstone(dataset)


def plain(value: Any) -> Any:
    """A natural value as plain Python: lists for tuples, dicts for instances, the full text of a person name."""
    if isinstance(value, _core.Sequence):
        return [{name: plain(member) for name, member in item.items()} for item in value]
    if isinstance(value, PersonName):
        return value.text
    if isinstance(value, tuple):
        return [plain(member) for member in value]
    if isinstance(value, BulkData):
        return {"BulkDataURI": value.uri}
    return value


def row_to_json(instance: Instance, dialect: str) -> bytes:
    """The same as JSON; what JSON lacks, NaN and the infinities, is null there as in JavaScript."""
    if dialect == "natural":
        value = _json_natural(to_dict(instance, "natural"))
    else:
        value = _null_for_nonfinite(general(instance, dialect))
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _null_for_nonfinite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _null_for_nonfinite(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_null_for_nonfinite(member) for member in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _json_natural(value: Any) -> Any:
    """JSON for what JSON lacks: bytes as base64, numbers beyond its own as the strings of PS3.18."""
    if isinstance(value, dict):
        return {name: _json_natural(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_json_natural(member) for member in value]
    if isinstance(value, bytes):
        import base64

        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


# ---- JavaScript's objects ----


def _is_integer_key(key: str) -> bool:
    return key.isascii() and key.isdigit() and (key == "0" or key[0] != "0") and int(key) < 2**32 - 1


def _in_order(members: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Members as JavaScript walks them: keys that look like integers first, ascending."""
    integers = sorted((key for key in members if _is_integer_key(key)), key=int)
    yield from ((key, members[key]) for key in integers)
    yield from ((key, value) for key, value in members.items() if not _is_integer_key(key))


def _entry(key: str) -> tuple[str, str, bool] | None:
    """Name, VR and whether VM is 1, as dcmjs has them for a JSON key."""
    digits = key[1:5] + key[6:10] if len(key) == 11 and key[0] == "(" and key[5] == "," and key[10] == ")" else key
    if len(digits) != 8:
        return None
    try:
        tag = int(digits, 16) if digits.isalnum() else -1
    except ValueError:
        return None
    return _core.dcmjs_entry(tag) if tag >= 0 else None


def _is_absent(value: Any) -> bool:
    """What JavaScript takes for false."""
    return value is None or value is False or value == "" or (value == 0 and not isinstance(value, (list, dict, bool)))


def _has_length(value: Any) -> bool:
    """Whether JavaScript finds a `length` there that is not false."""
    if isinstance(value, dict):
        return not _is_absent(value.get("length"))
    return len(value) > 0


# ---- dcmjs ----


def dcmjs(dataset: Any) -> dict[str, Any]:
    """What dcmjs 0.52's `naturalizeDataset` makes of a DICOM JSON dataset, as plain dicts and lists.

    Where the original throws, a value takes the place: None for a null element, an absent Value for a null one, an
    empty item for what is none.
    """
    vr_map: dict[str, Any] = {}
    natural: dict[str, Any] = {}
    for key, element in _in_order(dataset if isinstance(dataset, dict) else {}):
        if key == "_vrMap":
            continue
        entry = _entry(key)
        name = entry[0] if entry else key
        members = element if isinstance(element, dict) else {}
        if entry and element is not None:
            if "vr" not in members:
                vr_map.pop(name, None)
            elif members["vr"] != entry[1] or entry[1] == "ox":
                vr_map[name] = members["vr"]
        natural[name] = _dcmjs_value(members)
    ahead = {name: value for name, value in _in_order(natural) if _is_integer_key(name)}
    return {**ahead, "_vrMap": vr_map, **natural}


def _dcmjs_value(element: dict[str, Any]) -> Any:
    value = element.get("Value")
    if value is None:
        for member in ("InlineBinary", "BulkDataURI"):
            if not _is_absent(element.get(member)):
                return {member: element[member]}
        return None
    if element.get("vr") == "SQ":
        value = [dcmjs(item) for item in (value if isinstance(value, list) else [value])]
    if not isinstance(value, list) or len(value) != 1:
        return value
    only = value[0]
    return value if isinstance(only, (dict, list)) and not _has_length(only) else only


# ---- Cornerstone ----


def cornerstone(dataset: Any) -> dict[str, Any]:
    """What `@cornerstonejs/metadata` 5.14 makes of a DICOM JSON dataset, as plain dicts and lists.

    Its slips are not copied: a Value that is no array is the one value, a null item an empty one, attributes have
    their keywords whatever the source.
    """
    natural: dict[str, Any] = {}
    for key, element in _in_order(dataset if isinstance(dataset, dict) else {}):
        if key == "_vrMap":
            continue
        entry = _entry(key)
        name = entry[0] if entry else key
        if element is None:
            natural[name] = []
            continue
        values = _cornerstone_values(element) if isinstance(element, dict) else None
        if values is not None:
            natural[name] = _unwrapped(values, entry)
    return dict(_in_order(natural))


def _cornerstone_values(element: dict[str, Any]) -> list[Any] | None:
    value = element.get("Value")
    if value is None:
        uri, inline = element.get("BulkDataURI"), element.get("InlineBinary")
        if _is_absent(uri if uri is not None else inline):
            return None
        return [{member: element[member] for member in ("BulkDataURI", "InlineBinary") if member in element}]
    values = value if isinstance(value, list) else [value]
    if element.get("vr") == "SQ":
        return [cornerstone(item) for item in values]
    if element.get("vr") == "CS" and len(values) == 1 and isinstance(values[0], str) and "\\" in values[0]:
        return values[0].split("\\")
    return values


def _unwrapped(values: list[Any], entry: tuple[str, str, bool] | None) -> Any:
    if len(values) != 1:
        return values
    only = values[0]
    if only is None:
        return []
    if only == [] and isinstance(only, list):
        return values
    alone = entry[2] if entry else isinstance(only, (dict, list))
    return only if alone else values
