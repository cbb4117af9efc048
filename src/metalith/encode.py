"""Natural metadata to DICOM JSON (PS3.18 annex F)."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterable, Mapping
from operator import index
from typing import Any

from metalith import _core
from metalith._core import Instance, InstanceTable
from metalith._texts import load, write
from metalith.bulk import BulkData
from metalith.errors import EncodeError
from metalith.values import PersonName

__all__ = ["denaturalize", "dumps"]

_BINARY = {"OB", "OD", "OF", "OL", "OV", "OW", "UN"}
_INTEGER = {"IS", "SL", "SS", "SV", "UL", "US", "UV"}
_FLOAT = {"DS", "FL", "FD"}


def denaturalize(dataset: Instance | Mapping[str | int, Any]) -> dict[str, Any]:
    """One dataset as DICOM JSON.

    Parameters
    ----------
    dataset : Instance or mapping
        An instance gives the elements it was made from. Of a natural dict of one's own, names may be keywords or
        tags, values those of the natural form; VRs come from the dictionary, those it leaves open ("US or SS", "OB or
        OW") from PixelRepresentation and BitsAllocated of the same dict, or the dict around it. For a private or
        unknown tag give the element itself: `{"vr": "LO", "Value": ["x"]}`.

    Returns
    -------
    dict
        Elements by tag (eight upper-case hex digits), ascending for a natural dict.

    Raises
    ------
    EncodeError
        A name is no attribute, or a value none of its VR.

    Examples
    --------
    >>> metalith.denaturalize({"Rows": 512, "PatientName": "Doe^John"})
    {'00100010': {'vr': 'PN', 'Value': [{'Alphabetic': 'Doe^John'}]}, '00280010': {'vr': 'US', 'Value': [512]}}
    """
    if isinstance(dataset, Instance):
        result: dict[str, Any] = json.loads(dataset.to_json("dicom"))
        return result
    if not isinstance(dataset, Mapping):
        raise TypeError(f"cannot denaturalize a {type(dataset).__name__}: one Instance or dict is expected")
    return _dataset(dataset, {}, "")


def dumps(datasets: InstanceTable | Instance | Mapping[str | int, Any] | Iterable[Any]) -> bytes:
    """DICOM JSON text: an array for a table or several datasets, an object for one.

    Parameters
    ----------
    datasets : InstanceTable, Instance, natural dict, or iterable of instances and natural dicts
        What was naturalized comes back without loss: private attributes, bulk references, nulls and the texts of
        numbers as they were.

    Returns
    -------
    bytes

    Examples
    --------
    >>> metalith.dumps(metalith.naturalize(b'[{"00280030":{"vr":"DS","Value":[0.50,0.50]}}]'))
    b'[{"00280030":{"vr":"DS","Value":[0.50,0.50]}}]'
    """
    if isinstance(datasets, (InstanceTable, Instance)):
        return datasets.to_json("dicom")
    if isinstance(datasets, Mapping):
        exact: list[bool] = []
        elements = _dataset(datasets, {_EXACT: exact}, "")
        return _json(elements, bool(exact))
    if isinstance(datasets, (str, bytes)) or not isinstance(datasets, Iterable):
        raise TypeError(f"cannot denaturalize a {type(datasets).__name__}")
    several: Iterable[Any] = datasets
    encoder = Encoder()
    return b"[" + b",".join([encoder.dumps(dataset) for dataset in several]) + b"]"


class Encoder:
    """DICOM JSON text of natural dicts, one after the other, as `dumps` makes it: what comes again is encoded once.

    Dicts of a series have most of their values in common, and encoding is ten times as slow as finding a value.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], tuple[str, str]] = {}  # digits, and the element's text

    def dumps(self, dataset: Any) -> bytes:
        """One dataset; anything else as `metalith.dumps` has it."""
        if isinstance(dataset, Instance) or not isinstance(dataset, Mapping):
            return dumps(dataset)
        context = _context(dataset, {})
        members: dict[str, str] = {}
        for key, value in dataset.items():
            if key in ("_vrMap", "_meta"):
                continue
            name = _name_of(key, value)
            found = None if name is None else self._known.get(name)
            if found is None:
                found = self._encoded(key, value, context, name)
            if found[0] in members:
                raise EncodeError(f"{found[0]}: named twice")
            members[found[0]] = found[1]
        return f"{{{','.join([members[digits] for digits in sorted(members)])}}}".encode()

    def _encoded(
        self, key: str | int, value: Any, context: dict[str, Any], name: tuple[Any, ...] | None
    ) -> tuple[str, str]:
        tag = _tag(key, "")
        digits = f"{tag:08X}"
        exact: list[bool] = []
        element = _element(tag, value, {**context, _EXACT: exact}, digits, None)
        found = digits, f'"{digits}":{_json(element, bool(exact)).decode()}'
        described = _core.describe_tag(tag)
        if name is not None and described and len(described[2]) == 2:  # else its VR hangs on other attributes
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[name] = found
        return found


_MOST_KNOWN = 100_000
_LONGEST_KNOWN = 64  # values, and letters
_PLAIN = frozenset({str, int, float, type(None)})


def _name_of(key: str | int, value: Any) -> tuple[Any, ...] | None:
    """What an attribute and its value go by, so that no others do; None where there are too many to remember."""
    kind = type(value)
    if kind is str:
        return (key, value) if len(value) <= _LONGEST_KNOWN else None
    if kind is int:
        return key, int, value
    if kind is float:
        return key, float, repr(value)  # zeros have signs
    if (kind is tuple or kind is list) and len(value) <= _LONGEST_KNOWN and _PLAIN.issuperset(map(type, value)):
        return key, tuple, repr(value)
    return None


_EXACT = "exact"  # in a context: where to note that number texts were kept; without it they become numbers


def _json(value: Any, exact: bool) -> bytes:
    try:
        if exact:
            return write(value).encode()
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise EncodeError(f"dataset: a value that JSON has no form for ({type(error).__name__})") from None


def replace(instance: Instance, changes: Mapping[str, Any]) -> Instance:
    """`Instance.replace`."""
    elements = load(instance.to_json("dicom"))
    context = {name: changes.get(name, instance.get(name)) for name in ("PixelRepresentation", "BitsAllocated")}
    context[_EXACT] = []
    for name, value in changes.items():
        tag = _tag(name, "")
        digits = f"{tag:08X}"
        if value is ...:
            elements.pop(digits, None)
            continue
        vr = instance.vr(tag) if tag in instance else None
        vr = vr if vr and len(vr) == 2 else None  # none was sent, and the dictionary leaves it open
        elements[digits] = _element(tag, value, context, digits, vr)
    return _core._instance_from_json(_json({key: elements[key] for key in sorted(elements)}, True))


_TAG = re.compile(r"([0-9A-Fa-f]{8})|\(([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)")


def _tag(name: str | int, path: str) -> int:
    if isinstance(name, int) and 0 <= name < 1 << 32:
        return int(name)
    if isinstance(name, str):
        match = _TAG.fullmatch(name)
        if match:
            return int("".join(match.groups("")), 16)
        described = _core.describe_keyword(name) if name.isascii() else None
        if described:
            return int(described[0])
    raise EncodeError(f"{path or 'dataset'}: a name that is neither a keyword nor a tag")


def _dataset(natural: Mapping[str | int, Any], around: Mapping[str, Any], path: str) -> dict[str, Any]:
    context = _context(natural, around)
    elements: dict[str, Any] = {}
    for key, value in natural.items():
        if key in ("_vrMap", "_meta"):
            continue
        tag = _tag(key, path)
        digits = f"{tag:08X}"
        if digits in elements:
            raise EncodeError(f"{path + '.' if path else ''}{digits}: named twice")
        elements[digits] = _element(tag, value, context, f"{path}.{digits}" if path else digits, None)
    return {digits: elements[digits] for digits in sorted(elements)}


def _context(natural: Mapping[str | int, Any], around: Mapping[str, Any]) -> dict[str, Any]:
    """What other attributes' VRs hang on."""
    context = dict(around)
    for name in ("PixelRepresentation", "BitsAllocated"):
        value = natural.get(name)
        if value is not None and hasattr(value, "__index__"):  # an int, NumPy's too
            context[name] = index(value)
    return context


def _element(tag: int, value: Any, context: Mapping[str, Any], path: str, vr: str | None) -> dict[str, Any]:
    if isinstance(value, Mapping) and not isinstance(value, Instance) and "vr" in value and value.keys() <= _MEMBERS:
        return dict(value)  # an element, given as such
    described = _core.describe_tag(tag)
    if vr is None and described:
        vr = _vr(described[2], value, context)
    elif vr is None and tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF:
        vr = "LO"  # a private creator
    if isinstance(value, BulkData):
        return {"vr": value.vr if len(value.vr) == 2 else vr or "UN", "BulkDataURI": value.uri}
    if vr is None:
        if isinstance(value, (bytes, bytearray)):
            vr = "UN"
        else:
            raise EncodeError(
                f"{path}: the VR of a private or unknown attribute must be given, as {{'vr': …, 'Value': […]}}"
            )
    if vr == "SQ":
        items = [value] if isinstance(value, (Mapping, Instance)) else () if value is None else value
        if not isinstance(items, (list, tuple, _core.Sequence)):
            raise EncodeError(f"{path}: a {type(value).__name__} is no sequence")
        encoded = [_item(item, context, f"{path}[{i}]") for i, item in enumerate(items)]
        return {"vr": vr, "Value": encoded} if encoded else {"vr": vr}
    if value is None or (isinstance(value, (tuple, list)) and not value):
        return {"vr": vr}
    if isinstance(value, (bytes, bytearray, memoryview)):
        if vr not in _BINARY:
            raise EncodeError(f"{path}: a {type(value).__name__} is no value of VR {vr}")
        return {"vr": vr, "InlineBinary": base64.b64encode(value).decode()}
    if isinstance(value, Mapping) and "BulkDataURI" in value:
        return {"vr": vr, "BulkDataURI": value["BulkDataURI"]}
    values = value if isinstance(value, (tuple, list)) else (value.tolist() if hasattr(value, "tolist") else value)
    values = values if isinstance(values, (tuple, list)) else [values]
    return {"vr": vr, "Value": [_member(member, vr, path) for member in values]}


_MEMBERS = {"vr", "Value", "BulkDataURI", "InlineBinary"}


def _item(item: Any, context: Mapping[str, Any], path: str) -> dict[str, Any]:
    if isinstance(item, Instance):
        if _EXACT not in context:
            return denaturalize(item)
        context[_EXACT].append(True)
        elements: dict[str, Any] = load(item.to_json("dicom"))
        return elements
    if isinstance(item, Mapping):
        return _dataset(item, context, path)
    raise EncodeError(f"{path}: an item must be a dict or an Instance")


def _vr(vr: str, value: Any, context: Mapping[str, Any]) -> str | None:
    """The VR that the dictionary's choice comes down to (PS3.5 annex A, PS3.3 C.7.6.3)."""
    if vr == "US or SS":
        values = value if isinstance(value, (tuple, list)) else value.tolist() if hasattr(value, "tolist") else value
        values = values if isinstance(values, (tuple, list)) else [values]
        negative = any(hasattr(v, "__index__") and v < 0 for v in values)
        return "SS" if context.get("PixelRepresentation") == 1 or negative else "US"
    if vr == "OB or OW":
        bits = context.get("BitsAllocated")
        return "OB" if isinstance(bits, int) and bits <= 8 else "OW"
    if vr in ("US or OW", "US or SS or OW"):
        if isinstance(value, (bytes, bytearray, memoryview, BulkData)):
            return "OW"
        return _vr("US or SS", value, context) if "SS" in vr else "US"
    return vr if len(vr) == 2 else None


def _member(member: Any, vr: str, path: str) -> Any:
    """One value as JSON has it for its VR (PS3.18 F.2.3)."""
    if hasattr(member, "item") and not isinstance(member, (str, bytes)):
        member = member.item()  # a NumPy number
    if member is None:
        return None
    if vr == "PN":
        return _name(member, path)
    if vr in _INTEGER or vr in _FLOAT:
        return _number(member, vr, path)
    if vr == "AT" and isinstance(member, (int, str)) and not isinstance(member, bool):
        return f"{_tag(member, path):08X}" if isinstance(member, int) else member.upper()
    if vr == "UN" and isinstance(member, float):
        return _number(member, vr, path)
    if isinstance(member, (str, int, float)) and not isinstance(member, bool) and (vr == "UN" or vr not in _BINARY):
        return str(member) if isinstance(member, str) or vr != "UN" else member
    raise EncodeError(f"{path}: a {type(member).__name__} is no value of VR {vr}")


def _number(member: Any, vr: str, path: str) -> Any:
    if isinstance(member, bool) or not isinstance(member, (int, float, str)):
        raise EncodeError(f"{path}: a {type(member).__name__} is no value of VR {vr}")
    if isinstance(member, str):
        return str(member)
    if isinstance(member, float) and not math.isfinite(member):
        return "NaN" if math.isnan(member) else "Infinity" if member > 0 else "-Infinity"
    if vr in _INTEGER and isinstance(member, float):
        if not member.is_integer():
            raise EncodeError(f"{path}: a number with a fraction is no value of VR {vr}")
        return int(member)
    return member


def _name(member: Any, path: str) -> dict[str, str]:
    if isinstance(member, PersonName):
        groups = (member.alphabetic, member.ideographic, member.phonetic)
    elif isinstance(member, str):
        parts = member.split("=", 2)
        groups = (parts[0], parts[1] if len(parts) > 1 else "", parts[2] if len(parts) > 2 else "")
    elif isinstance(member, Mapping):
        first, second, third = (str(member.get(group) or "") for group in ("Alphabetic", "Ideographic", "Phonetic"))
        groups = (first, second, third)
    else:
        raise EncodeError(f"{path}: a {type(member).__name__} is no person name")
    return {name: group for name, group in zip(("Alphabetic", "Ideographic", "Phonetic"), groups, strict=True) if group}
