r"""Model of what `@cornerstonejs/metadata` 5.14 makes of DICOM JSON (`addDicomWebInstance`), as plain dicts and lists.

The rules, as its answers show them:

* Names are dcmjs' (`dcmjs_dictionary`): `RETIRED_` prefixes, `OverlayRows` for every group 60xx, odd ones too. A key
that
  is no known tag stays as it is, in its own case. Five tags get a registry name there (D2); here their keyword.
* There is no `_vrMap`, and an input member `_vrMap` is skipped. The element's own VR matters for SQ and CS only; the
  VM comes from the dictionary. Names stand in input order, integer-like ones first; of equal names the last wins, at
  the place of the first.
* An element without Value (or with one that is false: null, "", 0) and without bulk is left out. Bulk is the first of
  BulkDataURI, InlineBinary that is not null; if that is "" the element is left out, whatever the other holds. It
  becomes one value, an object with those of the two members that are there (both, if both are). `Value: []` wins over
  bulk.
* A null element gives `[]`.
* `[]` and `[null]` give `[]` for every VM; nulls among several values stay; `[""]` is a value like any other.
* One value: VM 1 gives the value, any other VM a list of one. A tag without dictionary entry has no VM: a list of one,
  except that a single object (item, person name, bulk) or a single inner array stands alone. `[[]]` stays `[[]]`.
  Several values are a list whatever the VM. VM is 1 only where the dictionary says exactly "1": "1-n", "1-2" are not.
* SQ: the values are the items, converted alike; SQ has VM 1, so one item is an object (array-like there), several are
  a list, none is `[]`. An SQ element without Value but with bulk throws.
* A VR of CS with one value that holds backslashes is split there; nothing is split in any other VR.
* PN values are the component objects (or strings) as they came; numbers and strings are never converted.
* Elements that are no objects (strings, numbers, arrays) are left out; a null dataset or item throws.

Known slips of the original, mended here unless `defects`: the registry names; a Value that is no array (there a text
gives its characters, a number or object throws); SQ with bulk; null items; a member `length` of a single object is set
to 1, for the object is made array-like in place.
"""

from __future__ import annotations

from typing import Any

from .dcmjs_dictionary import lookup
from .js import deep_ordered, is_integer_key, members, ordered, truthy

# D2: what the original calls these attributes when they come as JSON (with upper-case hex digits).
REGISTRY_NAMES = {
    "00540016": "RadiopharmaceuticalInfo",
    "00280106": "SmallestPixelValue",
    "00280107": "LargestPixelValue",
    "0018602A": "ReferencePhysicalPixelValueY",
    "00186028": "ReferencePhysicalPixelValueX",
}


class CornerstoneThrows(Exception):
    """The original raises on this dataset."""


def naturalize(dataset: Any, *, defects: bool = False) -> dict[str, Any]:
    """One dataset; with `defects` exactly as the original does it, CornerstoneThrows included."""
    if dataset is None:
        raise CornerstoneThrows("dataset is null")
    natural: dict[str, Any] = {}
    for key, element in members(dataset):
        if key == "_vrMap" or (key == "__proto__" and defects):
            continue
        entry = lookup(key)
        name = (REGISTRY_NAMES.get(key) if defects else None) or (entry.name if entry else key)
        if element is None:
            natural[name] = []
            continue
        values = _values(element, defects) if isinstance(element, dict) else None
        if values is not None:
            natural[name] = _shaped(values, entry.vm if entry else None)
            if (
                defects
                and natural[name] is not values
                and isinstance(natural[name], dict)
                and "length" in natural[name]
            ):
                natural[name]["length"] = 1
    return ordered(natural) if any(map(is_integer_key, natural)) else natural


def _values(element: dict[str, Any], defects: bool) -> list[Any] | None:
    """The list of values, None when the element is to be left out."""
    value = element.get("Value")
    if not defects and "Value" in element and value is not None and not isinstance(value, list):
        value = [value]
    if not truthy(value):
        uri, inline = element.get("BulkDataURI"), element.get("InlineBinary")
        if not truthy(uri if uri is not None else inline):
            return None
        if element.get("vr") == "SQ" and defects:
            raise CornerstoneThrows("SQ without Value")
        return [{member: element[member] for member in ("BulkDataURI", "InlineBinary") if member in element}]
    if element.get("vr") == "SQ":
        return [_item(item, defects) for item in _iterated(value)]
    values = _iterated(value)
    if element.get("vr") == "CS" and len(values) == 1 and isinstance(values[0], str) and "\\" in values[0]:
        return values[0].split("\\")
    return [deep_ordered(member) for member in values]


def _item(item: Any, defects: bool) -> dict[str, Any]:
    if defects:
        return naturalize(item, defects=True)
    return naturalize(item if isinstance(item, dict) else {})


def _iterated(value: Any) -> list[Any]:
    if not isinstance(value, (list, str)):
        raise CornerstoneThrows("Value is not iterable")
    return list(value)


def _shaped(values: list[Any], vm: str | None) -> Any:
    """Unwrap one value by VM; `vm` None means unknown."""
    if len(values) != 1:
        return values
    only = values[0]
    if only is None:
        return []
    if vm == "1":
        return values if only == [] and isinstance(only, list) else only
    if vm is None and isinstance(only, (dict, list)):
        return values if only == [] else only
    return values
