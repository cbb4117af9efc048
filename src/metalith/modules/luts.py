"""VOI and modality transformations: windows, slopes, and look-up tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from metalith.bulk import BulkData
from metalith.errors import BulkDataError
from metalith.modules.base import Data, Module, Part, code, module, number, numbers, part, plain, texts
from metalith.modules.segmented import expand
from metalith.modules.values import array, binary, integer, integers, items
from metalith.modules.values import number as to_number
from metalith.modules.values import text as to_text

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Lut", "ModalityLut", "VoiLut", "read_lut"]


@part
@dataclass(frozen=True, slots=True, repr=False)
class Lut(Part):
    """A look-up table (PS3.3 sections C.11.1.1, C.11.2.1.1 and C.7.6.3.1.5).

    Attributes
    ----------
    entries : int
        How many entries; 65,536 where the descriptor says 0.
    first_value_mapped : int
        Stored value that the first entry is for; smaller ones take that entry, too.
    bits_per_entry : int
    data : bytes or BulkData
        The entries, little endian, or where they stand.
    explanation : str
    lut_type : str
        ModalityLUTType: what the output of a modality LUT is, such as "HU".
    segmented : bool
        Whether the data are segments of a palette, which `values` expands.
    """

    entries: int
    first_value_mapped: int
    bits_per_entry: int
    data: bytes | BulkData | None = None
    explanation: str | None = None
    lut_type: str | None = None
    segmented: bool = False

    def values(self, source: Any = None) -> npt.NDArray[Any]:
        """The entries, uint8 or uint16, not writable.

        Parameters
        ----------
        source : bytes-like, path or binary file, optional
            What to read data that stand elsewhere from, as for `BulkData.read`.

        Raises
        ------
        BulkDataError
            The data are not at hand, or too short.
        """
        if self.segmented:
            return self._expanded(source)
        data = array(self.data, "<u1", source)
        # a byte is appended to an odd number of 8-bit entries
        wide = len(data) >= 2 * self.entries and (self.entries > 1 or self.bits_per_entry > 8)
        if not wide and len(data) < self.entries:
            raise BulkDataError(f"a look-up table of {self.entries:,} entries has {len(data):,} bytes of data")
        read = array(data.tobytes(), "<u2" if wide else "<u1")[: self.entries]
        read.flags.writeable = False
        return read

    def _expanded(self, source: Any) -> npt.NDArray[Any]:
        import numpy as np

        bits = 8 if self.bits_per_entry <= 8 else 16
        read = expand(array(self.data, f"<u{bits // 8}", source).tolist(), bits, self.entries)
        made = np.array(read, f"u{bits // 8}")
        made.flags.writeable = False
        return made

    @property
    def at_hand(self) -> bool:
        """Whether `values` needs no source and no server."""
        return isinstance(self.data, bytes) or (isinstance(self.data, BulkData) and self.data.path is not None)

    def to_cornerstone(self) -> dict[str, Any]:
        """Cornerstone's dict; `lut` holds the entries, or where they stand."""
        lut = self.values().tolist() if self.at_hand else plain(self.data)
        return {"firstValueMapped": self.first_value_mapped, "numBitsPerEntry": self.bits_per_entry, "lut": lut}

    def __repr__(self) -> str:
        return f"<Lut of {self.entries} entries from {self.first_value_mapped}, {self.bits_per_entry} bits>"


def read_lut(
    descriptor: Any, data: Any, signed: bool, explanation: Any = None, kind: Any = None, segmented: bool = False
) -> Lut | None:
    """A table from its descriptor and data; None for a descriptor that is none.

    Parameters
    ----------
    descriptor : sequence of int
        Entries, first value mapped, bits per entry. It may be written as US or SS whatever it is.
    signed : bool
        Whether the first value mapped is signed.

    Examples
    --------
    >>> read_lut((0, 65535, 16), b"", signed=True), read_lut((256, -1, 8), b"", signed=False)
    (<Lut of 65536 entries from -1, 16 bits>, <Lut of 256 entries from 65535, 8 bits>)
    """
    three = integers(descriptor)
    if three is None or len(three) < 3:
        return None
    first = three[1] & 0xFFFF
    if signed and first > 0x7FFF:
        first -= 0x10000
    entries = three[0] & 0xFFFF or 0x10000
    return Lut(entries, first, three[2], binary(data), to_text(explanation), to_text(kind), segmented)


def _luts(sequence: Any, signed: bool) -> tuple[Lut, ...]:
    read = (
        read_lut(
            item.get("LUTDescriptor"),
            item.get("LUTData"),
            signed,
            item.get("LUTExplanation"),
            item.get("ModalityLUTType"),
        )
        for item in items(sequence)
    )
    return tuple(lut for lut in read if lut is not None)


def _listed(luts: tuple[Lut, ...]) -> list[dict[str, Any]]:
    return [{"id": str(place), **lut.to_cornerstone()} for place, lut in enumerate(luts, 1)]


@module("modalityLutModule")
@dataclass(frozen=True, slots=True, repr=False)
class ModalityLut(Module):
    """Modality LUT module and Pixel Value Transformation (PS3.3 sections C.11.1, C.7.6.16.2.9).

    None without slope, intercept and tables.

    Attributes
    ----------
    rescale_intercept, rescale_slope : float
        Output = slope · stored + intercept.
    rescale_type : str
        What the output is, such as "HU".
    luts : tuple of Lut
        ModalityLUTSequence, of at most one item.

    Examples
    --------
    >>> ModalityLut.build({"RescaleSlope": "1", "RescaleIntercept": -1024})
    ModalityLut(rescale_intercept=-1024.0, rescale_slope=1.0)
    """

    rescale_intercept: float | None = field(default=None, metadata=number("RescaleIntercept"))
    rescale_slope: float | None = field(default=None, metadata=number("RescaleSlope"))
    rescale_type: str | None = field(default=None, metadata=code("RescaleType"))
    luts: tuple[Lut, ...] = ()

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> ModalityLut | None:
        """See `Module.build`. The first value mapped is signed where the stored pixels are."""
        intercept, slope, kind = cls._read(data)
        sequence = data.get("ModalityLUTSequence")
        luts = _luts(sequence, integer(data.get("PixelRepresentation")) == 1) if sequence is not None else ()
        return cls(intercept, slope, kind, luts) if intercept is not None or slope is not None or luts else None

    def to_cornerstone(self) -> dict[str, Any]:
        """Cornerstone's dict, with `modalityLUTSequence` where there are tables."""
        made: dict[str, Any] = Module.to_cornerstone(self)
        return {**made, "modalityLUTSequence": _listed(self.luts)} if self.luts else made


@module("voiLutModule")
@dataclass(frozen=True, slots=True, repr=False)
class VoiLut(Module):
    """VOI LUT module (PS3.3 section C.11.2). None without both center and width, and without tables.

    Attributes
    ----------
    window_center, window_width : tuple of float
        In units of what the modality transformation puts out; alternatives, each center with its width.
    voi_lut_function : str
        "LINEAR", "LINEAR_EXACT" or "SIGMOID"; None means LINEAR.
    window_center_width_explanation : tuple of str
    luts : tuple of Lut
        VOILUTSequence, alternatives.

    Examples
    --------
    >>> VoiLut.build({"WindowCenter": 40, "WindowWidth": ("400",)}).windows
    ((40.0, 400.0),)
    """

    window_center: tuple[float, ...] | None = field(default=None, metadata=numbers("WindowCenter"))
    window_width: tuple[float, ...] | None = field(default=None, metadata=numbers("WindowWidth"))
    voi_lut_function: str | None = field(default=None, metadata=code("VOILUTFunction"))
    window_center_width_explanation: tuple[str, ...] | None = field(
        default=None, metadata=texts("WindowCenterWidthExplanation")
    )
    luts: tuple[Lut, ...] = ()

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> VoiLut | None:
        """See `Module.build`. The first value mapped is signed where the output of the modality transformation is."""
        center, width, function, explanation = cls._read(data)
        sequence = data.get("VOILUTSequence")
        luts = _luts(sequence, _signed_output(data)) if sequence is not None else ()
        if center is None or width is None:
            center = width = None
            if not luts:
                return None
        return cls(center, width, function, explanation, luts)

    @property
    def windows(self) -> tuple[tuple[float, float], ...]:
        """Each center with its width."""
        return tuple(zip(self.window_center or (), self.window_width or (), strict=False))

    def to_cornerstone(self) -> dict[str, Any]:
        """Cornerstone's dict, with `voiLUTSequence` where there are tables."""
        made: dict[str, Any] = Module.to_cornerstone(self)
        return {**made, "voiLUTSequence": _listed(self.luts)} if self.luts else made


_CT = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1")


def _signed_output(data: Data) -> bool:
    """Whether the modality transformation puts out negative values (PS3.3 section C.11.2.1.1)."""
    get = data.get
    if get("SOPClassUID") in _CT:
        return True
    signed = integer(get("PixelRepresentation")) == 1
    slope, intercept = to_number(get("RescaleSlope")), to_number(get("RescaleIntercept"))
    if slope is not None and intercept is not None:
        bits = min(integer(get("BitsStored")) or 16, 64)
        least = -(1 << (bits - 1)) if signed else 0
        return least * slope + intercept < 0
    return signed and not items(get("ModalityLUTSequence"))
