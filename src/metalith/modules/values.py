"""Natural values made certain: a number is a number and a vector one of floats, whatever the source sent.

What is not what it should be is None: an empty text, a text where a number is expected, a number that is not finite.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from metalith.bulk import BulkData
from metalith.errors import BulkDataError
from metalith.values import PersonName

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "array",
    "binary",
    "code",
    "codes",
    "first",
    "integer",
    "integers",
    "items",
    "number",
    "numbers",
    "one_item",
    "person",
    "text",
    "texts",
    "vector",
]


def first(value: Any) -> Any:
    """The first of several values; a single one itself.

    >>> first((3, 4)), first("ab"), first(())
    (3, 'ab', None)
    """
    if isinstance(value, (tuple, list)):
        return value[0] if value else None
    return value


def number(value: Any) -> float | None:
    """A finite number as float, of several the first; None for what is none.

    >>> number(2), number("2.50 "), number(("4", "5")), number(""), number(float("nan"))
    (2.0, 2.5, 4.0, None, None)
    """
    if type(value) is not float:
        value = first(value)
        if value is None or isinstance(value, bool):
            return None
        try:
            value = float(value)
        except (TypeError, ValueError, OverflowError):
            return None
    return value if math.isfinite(value) else None


def numbers(value: Any) -> tuple[float, ...] | None:
    """All values as floats; None without values, or where one of them is no finite number.

    >>> numbers((1, "2")), numbers(0.5), numbers((1, None)), numbers("1\\\\2")
    ((1.0, 2.0), (0.5,), None, (1.0, 2.0))
    """
    if isinstance(value, str):
        value = value.split("\\")
    elif isinstance(value, (int, float)):
        value = (value,)
    try:
        read = tuple(map(number, value))
    except TypeError:
        return None
    return None if not read or None in read else read  # type: ignore[return-value]


def vector(value: Any, length: int) -> tuple[float, ...] | None:
    """So many finite numbers, as tuple of float; None for fewer, more, or others."""
    if type(value) is tuple and len(value) == length:  # as the natural form has it
        for one in value:
            if type(one) is not float or not math.isfinite(one):
                break
        else:
            return value
    read = numbers(value) if value is not None else None
    return read if read is not None and len(read) == length else None


def integer(value: Any) -> int | None:
    """A whole number, of several the first; None for what is none.

    >>> integer(3), integer("3"), integer(3.0), integer(3.5), integer("x"), integer((1, 2))
    (3, 3, 3, None, None, 1)
    """
    value = first(value)
    if type(value) is int:
        return value
    if value is None or isinstance(value, bool):
        return None
    try:
        return int(value) if not isinstance(value, float) else _whole(value)
    except (TypeError, ValueError):
        read = number(value)
        return None if read is None else _whole(read)


def _whole(value: float) -> int | None:
    return int(value) if value.is_integer() else None


def integers(value: Any) -> tuple[int, ...] | None:
    """All values as whole numbers; None without values, or where one of them is none."""
    if isinstance(value, str):
        value = value.split("\\")
    elif isinstance(value, (int, float)):
        value = (value,)
    try:
        read = tuple(map(integer, value))
    except TypeError:
        return None
    return None if not read or None in read else read  # type: ignore[return-value]


def text(value: Any) -> str | None:
    """A text, of several the first; None for an empty one.

    >>> text("a"), text(("a", "b")), text(7), text("")
    ('a', 'a', '7', None)
    """
    value = first(value)
    if type(value) is str:
        return value or None
    if value is None or isinstance(value, (bytes, BulkData, Mapping)):
        return None
    return str(value) or None


def texts(value: Any) -> tuple[str, ...] | None:
    """All values as texts; None without.

    >>> texts("A\\\\B"), texts(("A", None, "B")), texts("")
    (('A', 'B'), ('A', '', 'B'), None)
    """
    if isinstance(value, str):
        value = value.split("\\")
    elif not isinstance(value, (tuple, list)):
        value = (value,)
    read = tuple("" if one is None else str(one) for one in value)
    return read if any(read) else None


def code(value: Any) -> str | None:
    """A text without the spaces around it, which mean nothing in a code (PS3.5 table 6.2-1)."""
    read = text(value)
    return read.strip(" \0") or None if read else None


def codes(value: Any) -> tuple[str, ...] | None:
    """All values, as `code`.

    >>> codes(("DERIVED ", "PRIMARY"))
    ('DERIVED', 'PRIMARY')
    """
    read = texts(value)
    return tuple(one.strip(" \0") for one in read) if read else None


def person(value: Any) -> PersonName | None:
    """A name, of several the first, however it is written; None for an empty one.

    >>> person("Doe^John=X"), person({"Alphabetic": "Doe"}), person([{"Alphabetic": "A"}])
    ('Doe^John', 'Doe', 'A')
    """
    value = first(value)
    if isinstance(value, PersonName):
        return value if value else None
    if isinstance(value, Mapping):
        value = "=".join(str(value.get(group) or "") for group in ("Alphabetic", "Ideographic", "Phonetic"))
    if not isinstance(value, str):
        return None
    return PersonName(*value.split("=")[:3]) if value.strip("=") else None


def items(value: Any) -> tuple[Any, ...]:
    """The items of a sequence; an object that stands in its place is its one item. Nothing for what is no sequence.

    >>> items([{"Rows": 1}, None]), items({"Rows": 1}), items(None), items("text")
    (({'Rows': 1},), ({'Rows': 1},), (), ())
    """
    if value is None or isinstance(value, (str, bytes)):
        return ()
    if hasattr(value, "get"):
        return (value,)
    try:
        return tuple(one for one in value if hasattr(one, "get"))
    except TypeError:
        return ()


def one_item(value: Any) -> Any:
    """The first item of a sequence; an empty dict for none."""
    return next(iter(items(value)), {})


def binary(value: Any) -> bytes | BulkData | None:
    """Binary data in little endian, or where they stand; None for what is neither.

    Several numbers, as US has them, become 16-bit words; DICOM JSON's InlineBinary and BulkDataURI are understood.
    """
    if isinstance(value, (bytes, BulkData)) or value is None:
        return value or None
    if isinstance(value, Mapping):
        if isinstance(sent := value.get("InlineBinary"), str):
            return base64.b64decode(sent) or None
        uri = value.get("BulkDataURI")
        return BulkData(uri, str(value.get("vr") or "UN")) if isinstance(uri, str) and uri else None
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value) or None
    if hasattr(value, "dtype"):
        return bytes(value.astype(value.dtype.newbyteorder("<")).tobytes()) or None
    if isinstance(value, (tuple, list)) and value and not isinstance(value[0], (int, str)):
        return binary(value[0])
    words = integers(value)
    return b"".join((word & 0xFFFF).to_bytes(2, "little") for word in words) if words else None


def array(value: bytes | BulkData | None, dtype: str, source: Any = None) -> npt.NDArray[Any]:
    """Binary data as array that cannot be written to.

    Parameters
    ----------
    value : bytes or BulkData
        What `binary` gave.
    dtype : str
        Little-endian type of the values, such as "<u2".
    source : bytes-like, path or binary file, optional
        What to read from, as for `BulkData.read`.

    Raises
    ------
    BulkDataError
        There are no data, or they cannot be read.
    """
    import numpy as np

    if value is None:
        raise BulkDataError("the instance has no data here")
    if isinstance(value, BulkData):
        if value.vr == "UN":
            value = value.read(source)
        else:
            read = value.numpy(source)  # knows the byte order of the file
            value = read.astype(read.dtype.newbyteorder("<"), copy=False).tobytes()
    kind = np.dtype(dtype)
    read = np.frombuffer(value, kind, count=len(value) // kind.itemsize)
    read = read.astype(kind.newbyteorder("="), copy=False)
    read.flags.writeable = False
    return read
