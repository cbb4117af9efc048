"""Waveforms, as of electrocardiograms: channels, their units, and their samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from metalith.bulk import BulkData
from metalith.errors import BulkDataError
from metalith.modules.base import Data, Module, Part, code, integer, module, number, part, plain, text
from metalith.modules.values import array, binary, items, one_item
from metalith.modules.values import text as to_text

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Ecg", "WaveformChannel", "WaveformGroup"]

# WaveformBitsAllocated and WaveformSampleInterpretation; µ-law and A-law stay as they are
_DTYPES = {
    (8, "SB"): "<i1",
    (8, "UB"): "<u1",
    (8, "MB"): "<u1",
    (8, "AB"): "<u1",
    (16, "SS"): "<i2",
    (16, "US"): "<u2",
    (32, "SL"): "<i4",
    (32, "UL"): "<u4",
    (64, "SV"): "<i8",
    (64, "UV"): "<u8",
}


@part
@dataclass(frozen=True, slots=True, repr=False)
class WaveformChannel(Part):
    """One channel of a multiplex group (PS3.3 section C.10.9, ChannelDefinitionSequence).

    Attributes
    ----------
    source : str
        What was measured, such as "Lead I (Einthoven)".
    source_code, source_scheme : str
        Its code, and the scheme of that.
    label : str
    sensitivity : float
        Physical value of one step, in `units`; times `sensitivity_correction_factor`.
    units : str
        UCUM code, such as "uV".
    baseline : float
        Physical value of sample 0, in `units`.
    filter_low_frequency, filter_high_frequency, notch_filter_frequency : float
        Hz
    """

    source: str | None = None
    source_code: str | None = None
    source_scheme: str | None = None
    label: str | None = field(default=None, metadata=text("ChannelLabel"))
    sensitivity: float | None = field(default=None, metadata=number("ChannelSensitivity"))
    units: str | None = None
    sensitivity_correction_factor: float | None = field(
        default=None, metadata=number("ChannelSensitivityCorrectionFactor")
    )
    baseline: float | None = field(default=None, metadata=number("ChannelBaseline"))
    bits_stored: int | None = field(default=None, metadata=integer("WaveformBitsStored"))
    filter_low_frequency: float | None = field(default=None, metadata=number("FilterLowFrequency"))
    filter_high_frequency: float | None = field(default=None, metadata=number("FilterHighFrequency"))
    notch_filter_frequency: float | None = field(default=None, metadata=number("NotchFilterFrequency"))

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> WaveformChannel:
        """From an item of ChannelDefinitionSequence."""
        read = {row.field: value for row, value in zip(cls._rows, cls._read(data), strict=True)}
        source = one_item(data.get("ChannelSourceSequence"))
        units = one_item(data.get("ChannelSensitivityUnitsSequence"))
        return cls(
            source=to_text(source.get("CodeMeaning")),
            source_code=to_text(source.get("CodeValue")),
            source_scheme=to_text(source.get("CodingSchemeDesignator")),
            units=to_text(units.get("CodeValue")),
            **read,
        )

    def to_cornerstone(self) -> dict[str, Any]:
        """Cornerstone's dict."""
        return {"channelSourceSequence": {"codeMeaning": self.source or ""}}

    def __repr__(self) -> str:
        return f"<WaveformChannel{f' {self.source}' if self.source else ''}>"


@part
@dataclass(frozen=True, slots=True, repr=False)
class WaveformGroup(Part):
    """Channels that were sampled together (PS3.3 section C.10.9, an item of WaveformSequence).

    Attributes
    ----------
    sampling_frequency : float
        Hz
    waveform_bits_allocated : int
        Bits of a sample.
    waveform_sample_interpretation : str
        "SS" signed 16 bits, "US", "SB", "UB", …
    channels : tuple of WaveformChannel
    data : bytes or BulkData
        Samples, channel after channel for each instant, or where they stand.
    """

    number_of_waveform_channels: int | None = field(default=None, metadata=integer("NumberOfWaveformChannels"))
    number_of_waveform_samples: int | None = field(default=None, metadata=integer("NumberOfWaveformSamples"))
    sampling_frequency: float | None = field(default=None, metadata=number("SamplingFrequency"))
    waveform_bits_allocated: int | None = field(default=None, metadata=integer("WaveformBitsAllocated"))
    waveform_sample_interpretation: str | None = field(default=None, metadata=code("WaveformSampleInterpretation"))
    multiplex_group_label: str | None = field(default=None, metadata=text("MultiplexGroupLabel"))
    channels: tuple[WaveformChannel, ...] = ()
    data: bytes | BulkData | None = None

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> WaveformGroup:
        """From an item of WaveformSequence."""
        channels = tuple(WaveformChannel.build(item) for item in items(data.get("ChannelDefinitionSequence")))
        return cls._made([*cls._read(data), channels, binary(data.get("WaveformData"))])

    def samples(self, source: Any = None) -> tuple[npt.NDArray[Any], ...]:
        """The samples of each channel as stored, int16 for "SS"; not writable.

        Parameters
        ----------
        source : bytes-like, path or binary file, optional
            What to read data that stand elsewhere from, as for `BulkData.read`.

        Raises
        ------
        BulkDataError
            The data are not at hand, too short, or of a kind that DICOM does not have.
        """
        count, length = self.number_of_waveform_channels, self.number_of_waveform_samples
        dtype = _DTYPES.get((self.waveform_bits_allocated or 0, self.waveform_sample_interpretation or ""))
        if dtype is None or count is None or length is None or count < 1 or length < 0:
            raise BulkDataError("the waveform does not say how its samples are stored")
        read = array(self.data, dtype, source)
        if len(read) < count * length:
            raise BulkDataError(f"{count} channels of {length:,} samples are more than the {len(read):,} in the data")
        table = read[: count * length].reshape(length, count)
        return tuple(table[:, channel] for channel in range(count))

    def physical(self, source: Any = None) -> tuple[npt.NDArray[Any], ...]:
        """The samples of each channel in the units of the channel, float64. As `samples` otherwise.

        A channel without sensitivity stays as stored.
        """
        made = []
        for place, stored in enumerate(self.samples(source)):
            channel = self.channels[place] if place < len(self.channels) else WaveformChannel()
            factor = channel.sensitivity if channel.sensitivity is not None else 1.0
            if channel.sensitivity_correction_factor is not None:
                factor *= channel.sensitivity_correction_factor
            made.append(stored * factor + (channel.baseline or 0.0))
        return tuple(made)

    def to_cornerstone(self) -> dict[str, Any]:
        """Cornerstone's dict, with its defaults; `waveformData` says where the data stand, or has them."""
        made = {
            "numberOfWaveformChannels": self.number_of_waveform_channels or 0,
            "numberOfWaveformSamples": self.number_of_waveform_samples or 0,
            "samplingFrequency": self.sampling_frequency or 1,
            "waveformBitsAllocated": self.waveform_bits_allocated or 16,
            "waveformSampleInterpretation": self.waveform_sample_interpretation or "SS",
            "multiplexGroupLabel": self.multiplex_group_label or "",
            "channelDefinitionSequence": [channel.to_cornerstone() for channel in self.channels],
        }
        return {**made, "waveformData": plain(self.data)} if self.data is not None else made


@module("ecgModule")
@dataclass(frozen=True, slots=True, repr=False)
class Ecg(Module):
    """Waveform module (PS3.3 section C.10.9) with its series and instance. None without WaveformSequence.

    Attributes
    ----------
    groups : tuple of WaveformGroup
        Multiplex groups; Cornerstone's dict is of the first.

    Examples
    --------
    >>> item = {"WaveformBitsAllocated": 16, "WaveformSampleInterpretation": "SS"}
    >>> item |= {"NumberOfWaveformChannels": 2, "NumberOfWaveformSamples": 2}
    >>> item["WaveformData"] = b"\\1\\0\\2\\0\\3\\0\\4\\0"
    >>> [channel.tolist() for channel in Ecg.build({"WaveformSequence": [item]}).groups[0].samples()]
    [[1, 3], [2, 4]]
    """

    modality: str | None = field(default=None, metadata=code("Modality"))
    study_instance_uid: str | None = field(default=None, metadata=text("StudyInstanceUID"))
    series_instance_uid: str | None = field(default=None, metadata=text("SeriesInstanceUID"))
    sop_instance_uid: str | None = field(default=None, metadata=text("SOPInstanceUID"))
    sop_class_uid: str | None = field(default=None, metadata=code("SOPClassUID"))
    series_description: str | None = field(default=None, metadata=text("SeriesDescription"))
    series_number: int | None = field(default=None, metadata=integer("SeriesNumber"))
    series_date: str | None = field(default=None, metadata=text("SeriesDate"))
    series_time: str | None = field(default=None, metadata=text("SeriesTime"))
    groups: tuple[WaveformGroup, ...] = ()

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> Ecg | None:
        """See `Module.build`."""
        groups = tuple(WaveformGroup.build(item) for item in items(data.get("WaveformSequence")))
        return cls._made([*cls._read(data), groups]) if groups else None

    def to_cornerstone(self) -> dict[str, Any]:
        """Cornerstone's dict, of the first group."""
        made: dict[str, Any] = Module.to_cornerstone(self)
        return {**made, **self.groups[0].to_cornerstone()} if self.groups else made
