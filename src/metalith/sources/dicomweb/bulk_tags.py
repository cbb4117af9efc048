"""Values that are needed as values, though a server sends references to them.

Philips' SUV factors are private numbers that some servers put into bulk data; without them there is no SUV. Palettes
and overlays make modules whole. They are fetched before the instances go into the store.
"""

from __future__ import annotations

import base64
import json
import math
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from metalith import _core
from metalith._core import Instance, InstanceTable
from metalith.bulk import BulkData
from metalith.errors import Cancelled

__all__ = ["PICTURE_TAGS", "RESOLVED_TAGS", "TagFailure", "decoded", "resolve_bulk_tags"]

RESOLVED_TAGS = ("70531000", "70531009")  # Philips: SUV factor, activity concentration factor
PICTURE_TAGS = (
    *("00281201", "00281202", "00281203", "00281204", "00281221", "00281222", "00281223", "00281224"),  # palettes
    *(f"60{group:02X}3000" for group in range(0, 32, 2)),  # overlays
)
_AT_ONCE = 8
_LONGEST = 1 << 16  # bytes: such a value is a number or a short text
_LONGEST_BINARY = 16 << 20
_BINARY = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_TEXT_OF_NUMBERS = re.compile(rb"[0-9+\-.Ee\\ \0]+")
_element_at = json.JSONDecoder().raw_decode


@dataclass(frozen=True, slots=True)
class TagFailure:
    """A value that could not be fetched, or is no value of the kind; the instance keeps the reference.

    Attributes
    ----------
    sop_instance_uid : str
    tag : str
    error : Exception
    """

    sop_instance_uid: str
    tag: str
    error: Exception


def resolve_bulk_tags(
    table: InstanceTable,
    fetch: Callable[[Instance, BulkData], bytes],
    tags: Iterable[str] = RESOLVED_TAGS,
    *,
    binary_tags: Iterable[str] = (),
) -> tuple[InstanceTable, list[TagFailure]]:
    """A table with values in the place of references to them.

    Parameters
    ----------
    table : InstanceTable
    fetch : callable(Instance, BulkData)
        The bytes of a value. Called in several threads.
    tags : iterable of str, optional
        Attributes of instances that are numbers or short texts: eight hex digits each. See `decoded`.
    binary_tags : iterable of str, optional
        Attributes of instances that are bytes, and stay so, such as `PICTURE_TAGS`.

    Returns
    -------
    InstanceTable
        The same one where there was nothing to do.
    list of TagFailure

    Raises
    ------
    Cancelled
        `fetch` raised it.
    """
    kinds = {tag.upper(): False for tag in tags} | {tag.upper(): True for tag in binary_tags}
    named = set(table.keywords)
    wanted = sorted(tag for tag in kinds if _keyword(tag) in named)
    work = list(_references(table, wanted)) if wanted else []
    if not work:
        return table, []

    def element_of(place: tuple[int, str, BulkData]) -> dict[str, Any] | TagFailure:
        row, tag, bulk = place
        try:
            return _element(fetch(table[row], bulk), bulk.vr, kinds[tag])
        except Cancelled:
            raise
        except Exception as error:
            return TagFailure(str(table[row].get("SOPInstanceUID")), tag, error)

    with ThreadPoolExecutor(min(_AT_ONCE, len(work)), thread_name_prefix="metalith-bulk") as pool:
        elements = list(pool.map(element_of, work))
    changes: dict[int, dict[str, dict[str, Any]]] = {}
    failures = []
    for (row, tag, _), element in zip(work, elements, strict=True):
        if isinstance(element, TagFailure):
            failures.append(element)
        else:
            changes.setdefault(row, {})[tag] = element
    if not changes:
        return table, failures
    rows = [_changed(table[row], changes.get(row, {})) for row in range(len(table))]
    return _core._table_from_json(b"[" + b",".join(rows) + b"]", _core.origin_of(table)), failures


def _keyword(tag: str) -> str:
    """What a table calls a tag: attributes of groups that repeat, and private ones, have their digits as name."""
    described = _core.describe_tag(int(tag, 16))
    return described[1] if described is not None and described[0] == int(tag, 16) and tag[:2] != "60" else tag


def _references(table: InstanceTable, tags: list[str]) -> Iterator[tuple[int, str, BulkData]]:
    for row in range(len(table)):
        instance = table[row]
        for tag in tags:
            value = instance.get(tag)
            if isinstance(value, BulkData):
                yield row, tag, value


def _element(data: bytes, vr: str, is_binary: bool) -> dict[str, Any]:
    if len(data) > (_LONGEST_BINARY if is_binary else _LONGEST):
        raise ValueError("the value is too long for what it is")
    if is_binary:
        return {"vr": vr if vr in _BINARY else "OW", "InlineBinary": base64.b64encode(data).decode()}
    value = decoded(data)
    return {"vr": "DS" if isinstance(value, float) else "LO", "Value": [value]}


def _changed(instance: Instance, elements: dict[str, dict[str, Any]]) -> bytes:
    """An instance's DICOM JSON with other elements. Only they are written anew: instances are large, and many."""
    body = instance.to_json("dicom")
    if not elements:
        return body
    text = body.decode("utf-8", "surrogatepass")
    for tag, element in elements.items():
        key = f'"{tag}":'
        if text.count(key) != 1:  # in a sequence, too, or spelled otherwise
            return instance.replace(**elements).to_json("dicom")
        start = text.index(key) + len(key)
        _, end = _element_at(text, start)
        text = f"{text[:start]}{json.dumps(element)}{text[end:]}"
    return text.encode("utf-8", "surrogatepass")


def decoded(data: bytes) -> float | str:
    """A number, as text or in binary, of four or eight bytes; or else a text.

    >>> decoded(b"0.5 "), decoded(b"\\0\\0\\0?"), decoded(b"CNTS\\0")
    (0.5, 0.5, 'CNTS')
    """
    if _TEXT_OF_NUMBERS.fullmatch(data) and data.strip(b"\0"):
        text = data.replace(b"\0", b"").decode("ascii").strip()
        try:
            number = float(text.partition("\\")[0])
        except ValueError:
            return text
        return number if math.isfinite(number) else text
    if len(data) in (4, 8):
        number = float(struct.unpack("<f" if len(data) == 4 else "<d", data)[0])
        if math.isfinite(number):
            return number
    return data.replace(b"\0", b"").decode("utf-8", "replace").strip()
