"""Was the result right?  A benchmark of wrong results is worth nothing, so each records the answer.

Every value of some rows (first, last, spread between) is compared with the standard library's parse of the same
bytes; of long sequences some items.  Numbers are compared as numbers, names by their alphabetic form.
"""

import base64
import json
from typing import Any

from benchmarks.peers import KEYWORDS

SAMPLE = 24
NUMBERS = frozenset(["DS", "IS", "FL", "FD", "SS", "US", "SL", "UL", "SV", "UV"])


def correct(form: str, result: Any, body: bytes) -> bool:
    """Whether `result`, of a peer with that form, says what `body` says."""
    rows = json.loads(body)
    if len(result) != len(rows):
        return False
    same = {
        "raw": lambda got, row: got == row,
        "structs": _same_structs,
        "parsed": lambda got, row: got.as_dict() == row,
        "natural": _same_natural,
        "pydicom": _same_pydicom,
        "table": same_instance,
    }[form]
    return all(same(result[i], rows[i]) for i in sample(len(rows)))


def elements(rows: list[dict]) -> int:
    """How many elements datasets have, those of sequence items included."""
    return sum(1 + elements(e.get("Value") or []) if e.get("vr") == "SQ" else 1 for row in rows for e in row.values())


def sample(n: int) -> list[int]:
    return sorted({round(k * (n - 1) / (SAMPLE - 1)) for k in range(SAMPLE)}) if n else []


def _same_structs(got: dict, row: dict) -> bool:
    return got.keys() == row.keys() and all(
        got[tag].vr == element.get("vr") and got[tag].Value == element.get("Value") for tag, element in row.items()
    )


def _same_natural(got: dict, row: dict) -> bool:
    return len(got) == len(row) and all(
        _same_value(got[KEYWORDS.get(tag, tag)], element, _same_natural) for tag, element in row.items()
    )


def same_instance(got: Any, row: dict) -> bool:
    """An Instance against the dataset it came from, by tag and by keyword."""
    return len(got) == len(row) and all(
        _same_value(got[tag], element, same_instance) and got[KEYWORDS.get(tag, tag)] == got[tag]
        for tag, element in row.items()
    )


def _same_value(got: Any, element: dict, same_item) -> bool:
    values = element.get("Value")
    if "BulkDataURI" in element:
        uri = got["BulkDataURI"] if isinstance(got, dict) else got.uri
        return uri == element["BulkDataURI"]
    if "InlineBinary" in element:
        binary = element["InlineBinary"]
        return got == binary or got == base64.b64decode(binary)
    if element.get("vr") == "SQ":
        items = values or []
        if not items:
            return not got
        return len(got) == len(items) and all(same_item(got[i], items[i]) for i in sample(len(items)))
    if not values:
        return got is None
    if len(values) == 1:
        return _same_scalar(got, values[0], element.get("vr"))
    return len(got) == len(values) and all(
        _same_scalar(a, b, element.get("vr")) for a, b in zip(got, values, strict=True)
    )


def _same_scalar(got: Any, value: Any, vr: str | None) -> bool:
    if isinstance(value, dict):
        value = value.get("Alphabetic")
    if value is None or value == "":
        return got is None or got == ""
    if vr in NUMBERS:
        try:
            return float(got) == float(value)
        except (TypeError, ValueError):
            return got == value
    return got == value


def _same_pydicom(got: Any, row: dict) -> bool:
    uid = row.get("00080018", {}).get("Value", [None])[0]
    return len(got) == len(row) and got.get("SOPInstanceUID") == uid


def same_export(exported: bytes, body: bytes) -> bool:
    """Rows of `to_json("dcmjs")` against the dataset: keywords that are in force, single values unwrapped."""
    got, rows = json.loads(exported), json.loads(body)
    return len(got) == len(rows) and all(_same_dcmjs(got[i], rows[i]) for i in sample(len(rows)))


def _same_dcmjs(got: dict, row: dict) -> bool:
    for tag in ("00080018", "00080060", "00200013", "00200032", "00280010", "00100020"):
        values = row.get(tag, {}).get("Value")
        if values and got.get(KEYWORDS[tag]) != (values[0] if len(values) == 1 else values):
            return False
    return len(got) - ("_vrMap" in got) == len(row)


def same_lossless(dumped: bytes, body: bytes) -> bool:
    """`dumps` against the input: the same elements, numbers compared as numbers."""
    got, rows = json.loads(dumped), json.loads(body)
    return len(got) == len(rows) and all(got[i] == rows[i] for i in sample(len(rows)))
