"""DICOM JSON from wherever it stands, to tables."""

from __future__ import annotations

import io
import json
import math
import mmap
import os
import re
from collections.abc import Iterable, Mapping
from typing import IO, Any

from metalith import _core
from metalith._core import Instance, InstanceTable
from metalith.errors import ParseError
from metalith.limits import Limits, with_overrides

__all__ = ["Source", "naturalize", "naturalize_dataset"]

Source = (
    InstanceTable
    | Instance
    | bytes
    | bytearray
    | memoryview
    | mmap.mmap
    | str
    | os.PathLike[str]
    | IO[bytes]
    | IO[str]
    | Mapping[str, Any]
    | Iterable[bytes]
    | Iterable[Mapping[str, Any]]
)


def naturalize(body: Source, *, strict: bool = False, source: str | None = None, **limits: int) -> InstanceTable:
    """DICOM JSON to natural metadata, all instances of a response in one table.

    Parameters
    ----------
    body
        The JSON: any bytes-like object (not copied), str, a path (`pathlib.Path`; a str is JSON text), a file open
        for reading, an iterable of bytes (a response that is parsed as it arrives, cut anywhere), or datasets already
        parsed: a dict, or an iterable of dicts. An array of datasets, one dataset, or several of these one after the
        other (newline-delimited JSON). What is natural already is given back.
    strict : bool, optional
        Raise for what would otherwise be listed in `InstanceTable.problems`.
    source : str, optional
        Name of the input, for error messages.
    **limits
        Bounds of this parse, see `metalith.Limits`: max_bytes, max_sequence_depth, max_json_depth, max_keys,
        max_problems.

    Returns
    -------
    InstanceTable

    Raises
    ------
    ParseError
        The input is no DICOM JSON, or goes beyond a limit. Tells the byte offset, the instance and the attribute.

    Notes
    -----
    The whole document is validated before this returns: nothing can fail later. PS3.18 annex F.

    Files are mapped into memory where that is possible. A file that another program cuts short at that very moment
    ends the process, as with every mapping; where that may happen, pass `path.read_bytes()`.

    Examples
    --------
    >>> table = metalith.naturalize(b'[{"00100020":{"vr":"LO","Value":["4711"]},"00280010":{"vr":"US","Value":[512]}}]')
    >>> table[0].PatientID, table[0].Rows
    ('4711', 512)
    """
    bounds = with_overrides(limits)
    if isinstance(body, InstanceTable):
        return body
    if isinstance(body, Instance):
        return _core._table_from_json(body.to_json("dicom"))
    if isinstance(body, str):
        return _scan_text(body, bounds, strict, source)
    if isinstance(body, os.PathLike):
        return _scan_path(body, bounds, strict, source)
    if hasattr(body, "read") and not isinstance(body, mmap.mmap):
        return _scan_file(body, bounds, strict, source)
    if isinstance(body, Mapping):
        return _scan_text(_json_of([body]), bounds, strict, source)
    view = _bytes_like(body)
    if view is not None:
        return _core.Scanner(bounds, strict, source).scan(view)
    if isinstance(body, Iterable):
        return _scan_iterable(body, bounds, strict, source)
    raise TypeError(f"cannot naturalize a {type(body).__name__}")


def naturalize_dataset(dataset: Source, *, strict: bool = False, source: str | None = None, **limits: int) -> Instance:
    """One dataset to natural metadata.

    Parameters
    ----------
    dataset
        DICOM JSON of one dataset, in any of the forms `naturalize` takes.
    strict, source, **limits
        As for `naturalize`.

    Returns
    -------
    Instance

    Raises
    ------
    ParseError
        As for `naturalize`, and when there is not exactly one dataset.

    Examples
    --------
    >>> metalith.naturalize_dataset({"00280010": {"vr": "US", "Value": [512]}}).Rows
    512
    """
    table = naturalize(dataset, strict=strict, source=source, **limits)
    if len(table) != 1:
        raise ParseError(f"one dataset was expected, not {len(table):,}", source=source)
    return table[0]


def _bytes_like(body: Any) -> memoryview | None:
    """The bytes of a bytes-like object, not copied; None for what is none."""
    try:
        view = memoryview(body)
    except TypeError:
        return None
    try:
        return view.cast("B")
    except (TypeError, ValueError):
        raise TypeError("cannot naturalize a buffer that is not contiguous or whose items are not plain") from None


def _piece(piece: Any) -> memoryview:
    view = _bytes_like(piece)
    if view is None:
        raise TypeError(f"cannot naturalize an iterable of {type(piece).__name__}: bytes or dicts are expected")
    return view


def _scan_text(text: str, bounds: Limits, strict: bool, source: str | None) -> InstanceTable:
    if not text.isascii():
        try:
            return _core.Scanner(bounds, strict, source).scan(text.encode())
        except UnicodeEncodeError as error:
            raise ParseError("not UTF-8", offset=len(text[: error.start].encode()), source=source) from None
    try:
        return _core.Scanner(bounds, strict, source).scan(text)
    except ParseError as error:
        if error.offset == 0 and len(text) < 4096 and (text.endswith(".json") or text.startswith(("/", "./", "~"))):
            raise ParseError("not JSON (a str is JSON text; for a file pass a pathlib.Path)", source=source) from None
        raise


def _scan_path(path: os.PathLike[str], bounds: Limits, strict: bool, source: str | None) -> InstanceTable:
    with open(path, "rb") as file:
        return _scan_file(file, bounds, strict, source or os.fspath(path))


def _scan_file(file: Any, bounds: Limits, strict: bool, source: str | None) -> InstanceTable:
    """A file from where it stands to its end: mapped where that is possible, otherwise read piece by piece."""
    if isinstance(file, io.BufferedReader):
        try:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            start = file.tell()
            file.seek(0, io.SEEK_END)
        except (ValueError, OSError):
            pass  # empty, a pipe, or else nothing that can be mapped
        else:
            with mapped, memoryview(mapped) as view, view[start:] as rest:
                return _core.Scanner(bounds, strict, source).scan(rest)
    scanner = _core.Scanner(bounds, strict, source)
    offset = 0
    while True:
        try:
            piece = file.read(_PIECE)
            data = piece.encode() if isinstance(piece, str) else piece
        except UnicodeError:
            raise ParseError("not UTF-8", offset=offset, source=source) from None
        if not data:
            return scanner.finish()
        scanner.feed(_piece(data))
        offset += len(data)


_PIECE = 1 << 20


def _scan_iterable(pieces: Iterable[Any], bounds: Limits, strict: bool, source: str | None) -> InstanceTable:
    iterator = iter(pieces)
    first = next(iterator, b"")
    if isinstance(first, Mapping):
        return _scan_text(_json_of([first, *iterator]), bounds, strict, source)
    scanner = _core.Scanner(bounds, strict, source)
    if isinstance(pieces, (list, tuple)) and not pieces:
        return scanner.scan(b"[]")
    scanner.feed(_piece(first))
    for piece in iterator:
        scanner.feed(_piece(piece))
    return scanner.finish()


def _json_of(datasets: list[Any]) -> str:
    """Parsed datasets as JSON text again: the scanner is the one place that knows how to read them.

    Numbers that JSON lacks are written bare, as Python's own JSON has them, and read as such.
    """
    import orjson

    only_json = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
    if not _needs_stdlib(datasets):
        try:
            return orjson.dumps(datasets, option=only_json).decode()
        except TypeError:
            pass  # a mapping or number of another type, half a surrogate pair
    try:
        text = json.dumps(datasets, ensure_ascii=False, separators=(",", ":"), default=_plain)
        if _SURROGATE.search(text):
            text = json.dumps(datasets, separators=(",", ":"), default=_plain)
        return text
    except RecursionError:
        raise ParseError("datasets nested too deep") from None
    except (TypeError, ValueError) as error:
        raise ParseError(f"a dataset holds what JSON has no form for ({type(error).__name__})") from None


_SURROGATE = re.compile("[\ud800-\udfff]")
_DEEPEST = 4096  # brackets within brackets; the scanner's own limits are below


def _needs_stdlib(datasets: list[Any]) -> bool:
    """Whether something in there would not survive orjson: NaN and infinities, integers beyond 64 bits."""
    stack: list[tuple[Any, int]] = [(datasets, 0)]
    found = False
    while stack:
        value, depth = stack.pop()
        if depth > _DEEPEST:
            raise ParseError("datasets nested too deep")
        if isinstance(value, str):
            continue
        if isinstance(value, Mapping):
            if not all(isinstance(key, str) for key in value):
                raise ParseError("a key of a dataset is not a str")
            stack.extend((member, depth + 1) for member in value.values())
        elif isinstance(value, (list, tuple)):
            stack.extend((member, depth + 1) for member in value)
        elif isinstance(value, float):
            found = found or not math.isfinite(value)
        elif isinstance(value, int):
            found = found or not -(1 << 63) <= value < 1 << 64
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):  # a NumPy number or array
        return value.tolist()
    raise TypeError(type(value).__name__)
