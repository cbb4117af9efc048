"""Attributes that were given for studies and series, as JSON that gives them back as they were.

Texts, integers of 64 bits, finite numbers, booleans, None and lists of these stand for themselves. All else is an
object with one member, which says what it is.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from typing import Any

from metalith import _core
from metalith._core import Instance, Sequence
from metalith.bulk import BulkData
from metalith.errors import StoreError
from metalith.values import PersonName

__all__ = ["from_json", "to_json"]


def to_json(given: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as JSON has them.

    Raises
    ------
    StoreError
        A value is none that DICOM metadata has.
    """
    form: dict[str, Any] = {}
    for keyword, value in given.items():
        try:
            form[keyword] = _form(value)
        except (TypeError, RecursionError) as error:
            name = keyword if _core.describe_keyword(keyword) else "an attribute that was given"
            raise StoreError(f"{name} cannot be saved: {error}") from None
    return form


def _form(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    for kind, form in _FORMS.items():
        if isinstance(value, kind):
            return form(value)
    if hasattr(value, "dtype") and not value.shape:  # a NumPy number
        return _form(value.item())
    raise TypeError(f"a {type(value).__name__} is no value of DICOM metadata")


_FORMS: dict[Any, Callable[[Any], Any]] = {
    PersonName: lambda name: {"name": [name.alphabetic, name.ideographic, name.phonetic]},
    str: str,
    int: lambda number: int(number) if -(1 << 63) <= number < 1 << 63 else {"int": str(int(number))},
    float: lambda number: float(number) if math.isfinite(number) else {"float": str(float(number))},
    list: lambda values: [_form(value) for value in values],
    tuple: lambda values: {"tuple": [_form(value) for value in values]},
    (bytes, bytearray, memoryview): lambda data: {"bytes": base64.b64encode(data).decode()},
    BulkData: lambda bulk: {"bulk": [bulk.uri, bulk.vr, bulk.local]},
    Instance: lambda instance: {"instance": _form(instance.__reduce__()[1])},
    Sequence: lambda sequence: {"sequence": _form(sequence.__reduce__()[1])},
    Mapping: lambda mapping: {"dict": [[_form(key), _form(value)] for key, value in mapping.items()]},
}


def from_json(form: Mapping[str, Any]) -> dict[str, Any]:
    """What `to_json` was given."""
    return {keyword: _value(value) for keyword, value in form.items()}


def _value(form: Any) -> Any:
    if isinstance(form, list):
        return [_value(one) for one in form]
    if not isinstance(form, dict):
        return form
    ((kind, payload),) = form.items()
    return _VALUES[kind](payload)


_VALUES: dict[str, Callable[[Any], Any]] = {
    "name": lambda groups: PersonName(*groups),
    "int": int,
    "float": float,
    "tuple": lambda values: tuple([_value(value) for value in values]),
    "bytes": base64.b64decode,
    "bulk": lambda parts: BulkData(*parts),
    "instance": lambda parts: _core._instance_from_json(*_value(parts)),
    "sequence": lambda parts: _core._sequence_from_json(*_value(parts)),
    "dict": lambda pairs: {_value(key): _value(value) for key, value in pairs},
}
