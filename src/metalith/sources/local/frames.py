"""The frames of a file, as they stand in it: native ones cut out by their place, compressed ones item by item."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import replace
from operator import index
from typing import TYPE_CHECKING, Any

from metalith.errors import BulkDataError, DataSourceError
from metalith.frames import FrameError, number_of_frames

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metalith._core import Instance
    from metalith.bulk import BulkData

__all__ = ["frames_of"]

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_PLACE = re.compile(r"(?<=[?&])offset=(\d+)&length=\d+|(?<=[?&])offset=(\d+)")


def frames_of(instance: Instance, numbers: Any, source: Any = None) -> list[bytes]:
    """The bytes of frames, in the order asked for.

    Parameters
    ----------
    instance : Instance
        That Metalith read from a file, or from `source`.
    numbers : int or iterable of int
        Counted from 1.
    source : bytes or binary file, optional
        What the instance was read from, where that was no path.

    Returns
    -------
    list of bytes
        In the file's transfer syntax: of native pixels Rows x Columns values, of single bits those of this frame alone,
        the first in the lowest bit; of compressed ones the stream, such as a JPEG image.

    Raises
    ------
    FrameError
        There is no such frame.
    BulkDataError
        The file is gone, was changed since it was read, or its pixel data are damaged.
    DataSourceError
        The instance has no pixel data, or does not say how they are divided into frames.
    """
    count = number_of_frames(instance)
    wanted = [index(number) for number in ([numbers] if hasattr(type(numbers), "__index__") else numbers)]
    for number in wanted:
        if not 1 <= number <= count:
            raise FrameError(number, count)
    value: Any = next((instance[name] for name in _PIXELS if instance.get(name) is not None), None)
    if value is None:
        raise DataSourceError("the instance has no pixel data")
    if isinstance(value, bytes):
        return _native(instance, wanted, count, len(value), lambda first, end: value[first:end])
    if not value.local and source is None:
        raise BulkDataError("the pixel data are not in a file that Metalith read")
    if value.length is None:
        return _compressed(instance, value, wanted, count, source)
    return _native(
        instance,
        wanted,
        count,
        value.length,
        lambda first, end: _piece(value, first, end - first).read(source),
    )


def _native(instance: Instance, wanted: Iterable[int], count: int, length: int, cut: Any) -> list[bytes]:
    bits = _bits_of_frame(instance)
    if bits * count > 8 * length:
        raise BulkDataError(f"the pixel data are too short for {count:,} frames of that size")
    found = []
    for number in wanted:
        first, end = (number - 1) * bits, number * bits
        piece = cut(first // 8, -(-end // 8))
        found.append(piece if first % 8 == 0 == end % 8 else _shifted(piece, first % 8, bits))
    return found


def _bits_of_frame(instance: Instance) -> int:
    """How many bits a frame takes (PS3.5 section 8.1, PS3.3 section C.7.6.3)."""
    numbers = [instance.get(name) for name in ("Rows", "Columns", "BitsAllocated")]
    numbers.append(instance.get("SamplesPerPixel", 1))
    if not all(isinstance(number, int) and number > 0 for number in numbers):
        raise DataSourceError("the instance does not say how large its frames are")
    rows, columns, allocated, samples = numbers
    if instance.get("PhotometricInterpretation") in ("YBR_FULL_422", "YBR_PARTIAL_422") and samples == 3:
        samples = 2  # both chrominances of two pixels are there once
    return int(rows * columns * allocated * samples)


def _shifted(piece: bytes, skip: int, bits: int) -> bytes:
    """Some bits out of bytes, from the lowest on, with zeros behind them."""
    whole = int.from_bytes(piece, "little") >> skip
    return (whole & ((1 << bits) - 1)).to_bytes(-(-bits // 8), "little")


def _piece(value: BulkData, first: int, length: int) -> BulkData:
    """A part of a value that stands in a file."""
    uri = _PLACE.sub(lambda match: f"offset={int(match[1] or match[2]) + first}&length={length}", value.uri, count=1)
    return replace(value, uri=uri)


def _compressed(instance: Instance, value: BulkData, wanted: Iterable[int], count: int, source: Any) -> list[bytes]:
    from pydicom.encaps import get_frame

    tables = [_table(instance, name, source) for name in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")]
    extended: Any = tuple(tables) if all(tables) else None
    found = []
    with _items(value, source) as (buffer, start):
        for number in wanted:
            if start is not None:
                buffer.seek(start)
            try:
                found.append(get_frame(buffer, number - 1, extended_offsets=extended, number_of_frames=count))
            except Exception as error:  # whatever a damaged sequence of items makes of it
                if isinstance(error, OSError):
                    raise BulkDataError(f"the file cannot be read: {error.strerror or 'it ended'}") from None
                raise BulkDataError(
                    f"frame {number:,} of the encapsulated pixel data cannot be told from the others, or is damaged"
                ) from None
    return found


def _table(instance: Instance, name: str, source: Any) -> bytes:
    found: Any = instance.get(name)
    return found if isinstance(found, bytes) else b"" if found is None else found.read(source)


@contextmanager
def _items(value: BulkData, source: Any) -> Iterator[tuple[Any, int | None]]:
    """The encapsulated pixel data: a file and where they begin in it, or their bytes."""
    if source is not None or value.path is None or "deflated=" in value.uri:
        yield value.read(source), None
        return
    _piece(value, 0, 0).read()  # raises if the file is gone, or not any more what it was
    try:
        with open(value.path, "rb") as file:
            yield file, value.offset
    except OSError as error:
        raise BulkDataError(f"the file cannot be read: {error.strerror or type(error).__name__}") from None
