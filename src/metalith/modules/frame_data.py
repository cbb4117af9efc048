"""The pixel data of one frame as they are encoded: what a decoder is given."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from metalith.bulk import BulkData
from metalith.errors import BulkDataError
from metalith.modules.base import Data, Module, code, integer, module, plain
from metalith.modules.multiframe import frame_number
from metalith.modules.transfer import TransferSyntax
from metalith.modules.values import binary, text
from metalith.modules.values import integer as to_integer

__all__ = ["CompressedFrameData"]

_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_NATIVE = frozenset(f"1.2.840.10008.1.2{end}" for end in ("", ".1", ".1.99", ".2"))


@module("compressedFrameData")
@dataclass(frozen=True, slots=True, repr=False)
class CompressedFrameData(Module):
    """Pixel data of one frame (PS3.5 section A.4), the frame that the image id names. None without pixel data, or
    where nothing tells how they are encoded.

    Nothing is read before `fragments` or `read` is called.

    Attributes
    ----------
    transfer_syntax_uid : str
    frame_number : int
        From 1.
    number_of_frames : int
    data : bytes or BulkData
        The frame's own bytes, or where they stand; of encapsulated pixel data all items with the offset table in front.
        Those of a server are to be fetched through the data source, by frame.
    extended_offsets : tuple of bytes
        ExtendedOffsetTable and ExtendedOffsetTableLengths, where the frames are found by them.
    bits : tuple of int
        Of data in which frames do not begin with a byte: the first bit of the frame in `data`, and how many it has.

    Examples
    --------
    >>> image = {"Rows": 2, "Columns": 2, "BitsAllocated": 8, "NumberOfFrames": 2, "PixelData": bytes(range(8))}
    >>> image["TransferSyntaxUID"] = "1.2.840.10008.1.2.1"
    >>> CompressedFrameData.build(image, image_id="wadouri:https://host/a?frame=2").read()
    b'\\x04\\x05\\x06\\x07'
    """

    transfer_syntax_uid: str = field(default="", metadata=code("transferSyntaxUid", "transferSyntaxUid"))
    frame_number: int = field(default=1, metadata=integer("frameNumber"))
    number_of_frames: int = field(default=1, metadata=integer("numberOfFrames"))
    data: bytes | BulkData = b""
    extended_offsets: tuple[bytes, bytes] | None = None
    bits: tuple[int, int] | None = None

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> CompressedFrameData | None:
        """See `Module.build`."""
        found = next((value for name in _KEYWORDS if (value := binary(data.get(name))) is not None), None)
        syntax = TransferSyntax.build(data) if found is not None else None
        if found is None or syntax is None or syntax.transfer_syntax_uid is None:
            return None
        frame, count = frame_number(data, image_id) or 1, to_integer(data.get("NumberOfFrames")) or 1
        if not 1 <= frame <= count:
            return None
        uid, offsets, bits = syntax.transfer_syntax_uid, None, None
        if uid in _NATIVE:
            found, bits = _of_frame(found, data, frame)
        else:
            starts, lengths = binary(data.get("ExtendedOffsetTable")), binary(data.get("ExtendedOffsetTableLengths"))
            offsets = (starts, lengths) if isinstance(starts, bytes) and isinstance(lengths, bytes) else None
        return cls(uid, frame, count, found, offsets, bits)

    @property
    def is_encapsulated(self) -> bool:
        """Whether the pixel data are compressed, in fragments."""
        return self.transfer_syntax_uid not in _NATIVE

    def fragments(self, source: Any = None) -> tuple[bytes, ...]:
        """The fragments of the frame, in order; pixel data that are not encapsulated are one. tuple of bytes.

        Parameters
        ----------
        source : bytes-like, path or binary file, optional
            What to read data that stand elsewhere from, as for `BulkData.read`.

        Raises
        ------
        BulkDataError
            The data are not at hand, damaged, or too short.
        """
        if not self.is_encapsulated:
            return (self.read(source),)
        from pydicom.encaps import generate_fragmented_frames

        items, tables = self._whole(source), self.extended_offsets
        _check_items(items)
        video = TransferSyntax(self.transfer_syntax_uid).is_video
        count = 1 if video else self.number_of_frames
        try:
            frames = generate_fragmented_frames(items, number_of_frames=count, extended_offsets=tables)
            found = next(islice(frames, 0 if video else self.frame_number - 1, None), None)
        except Exception:  # of many kinds, for damaged data; their texts may show values
            raise BulkDataError("the encapsulated pixel data are damaged") from None
        if found is None:
            raise BulkDataError(f"the encapsulated pixel data have no frame {self.frame_number:,}")
        return found

    def read(self, source: Any = None) -> bytes:
        """The frame in one piece: what fragments are joined to."""
        if self.is_encapsulated:
            return b"".join(self.fragments(source))
        read = self._whole(source)
        if self.bits is None:
            return read
        import numpy as np

        first, count = self.bits
        if len(read) * 8 < first + count:
            raise BulkDataError(f"{len(read):,} bytes are fewer than {self.frame_number:,} frames need")
        bits = np.unpackbits(np.frombuffer(read, np.uint8), bitorder="little")[first : first + count]
        return np.packbits(bits, bitorder="little").tobytes()

    def _whole(self, source: Any) -> bytes:
        return self.data if isinstance(self.data, bytes) else self.data.read(source)

    def to_cornerstone(self) -> dict[str, Any]:
        """Cornerstone's dict: `pixelData` are the bytes, or where a server has them."""
        made: dict[str, Any] = Module.to_cornerstone(self)
        del made["numberOfFrames"]
        pixels: Any = self.data
        if isinstance(self.data, bytes) or self.data.path is not None:
            fragments = self.fragments()
            pixels = fragments[0] if len(fragments) == 1 else fragments
        return {**made, "frameOfInterest": self.frame_number - 1, "pixelData": plain(pixels)}


def _check_items(items: bytes) -> None:
    """Whether data are items, one after another, and nothing else."""
    at = 0
    while at < len(items) and items[at : at + 4] == _ITEM:
        at += 8 + int.from_bytes(items[at + 4 : at + 8], "little")
    if at != len(items) and items[at : at + 4] != _END:
        raise BulkDataError("the encapsulated pixel data are damaged")


def _of_frame(value: bytes | BulkData, data: Data, frame: int) -> tuple[bytes | BulkData, tuple[int, int] | None]:
    """The part of native pixel data that is a frame's, and the bits in it where it is not cut at bytes."""
    bits = _bits(data)
    if bits is None:
        return value, None
    first, last = (frame - 1) * bits, frame * bits
    begin, end = first // 8, -(-last // 8)
    inner = None if first % 8 == 0 and bits % 8 == 0 else (first - begin * 8, bits)
    if isinstance(value, bytes):
        return (value[begin:end], inner) if len(value) >= end else (value, (first, bits))
    length = value.length
    if value.offset is None or length is None or length < end:
        return value, (first, bits)
    uri = re.sub(r"(?<=[?&]offset=)[0-9]+", str(value.offset + begin), value.uri)
    uri = re.sub(r"(?<=[?&]length=)[0-9]+", str(end - begin), uri)
    return BulkData(uri, value.vr, value.local), inner


def _bits(data: Data) -> int | None:
    """How many bits a frame of native pixel data has; None where the data do not tell."""
    named = [to_integer(data.get(name)) for name in ("Rows", "Columns", "BitsAllocated")]
    if any(number is None or number < 1 for number in named):
        return None
    rows, columns, allocated = (number or 0 for number in named)
    samples = to_integer(data.get("SamplesPerPixel")) or 1
    pixels = rows * columns * samples
    if text(data.get("PhotometricInterpretation")) == "YBR_FULL_422":
        pixels = pixels // 3 * 2  # two pixels share their chroma (PS3.3 section C.7.6.3.1.2)
    return pixels * allocated
