"""Images of several frames: cine, functional groups, the frame that is asked for, nuclear medicine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from metalith.image_ids import ImageId
from metalith.modules.base import Data, Module, code, codes, integer, module, number, numbers, plain, text
from metalith.modules.values import code as to_code
from metalith.modules.values import codes as to_codes
from metalith.modules.values import integer as to_integer
from metalith.modules.values import items, one_item, vector
from metalith.modules.values import text as to_text

__all__ = ["Cine", "Frame", "MultiFrame", "NmMultiFrameGeometry"]


@module("cineModule")
@dataclass(frozen=True, slots=True, repr=False)
class Cine(Module):
    """Cine module (PS3.3 section C.7.6.5). None without any of its times and rates.

    Attributes
    ----------
    frame_time : float
        From frame to frame, ms.
    frame_time_vector : tuple of float
        From each frame to the one before, ms.
    recommended_display_frame_rate, cine_rate : float
        Frames a second: to show, and as acquired.
    number_of_frames : int
    """

    frame_time: float | None = field(default=None, metadata=number("FrameTime"))
    recommended_display_frame_rate: float | None = field(default=None, metadata=number("RecommendedDisplayFrameRate"))
    cine_rate: float | None = field(default=None, metadata=number("CineRate"))
    frame_time_vector: tuple[float, ...] | None = field(default=None, metadata=numbers("FrameTimeVector"))
    frame_delay: float | None = field(default=None, metadata=number("FrameDelay"))
    number_of_frames: int | None = field(default=None, metadata=integer("NumberOfFrames"))

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> Cine | None:
        """See `Module.build`."""
        read = cls._read(data)
        return None if all(value is None for value in read[:-1]) else cls._made(read)


@module("multiframeModule")
@dataclass(frozen=True, slots=True, repr=False)
class MultiFrame(Module):
    """Multi-frame Functional Groups module (PS3.3 section C.7.6.16). None without NumberOfFrames and groups.

    Attributes
    ----------
    number_of_frames : int
    frame_number : int
        The frame that was asked for, from 1; None where the image id names none.
    shared_functional_groups : Instance
        Item of SharedFunctionalGroupsSequence.
    per_frame_functional_groups : Instance
        Item of PerFrameFunctionalGroupsSequence for that frame, or for the first one.
    """

    number_of_frames: int | None = field(default=None, metadata=integer("NumberOfFrames"))
    frame_number: int | None = None
    shared_functional_groups: Any = None
    per_frame_functional_groups: Any = None

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> MultiFrame | None:
        """See `Module.build`."""
        count, number = to_integer(data.get("NumberOfFrames")), frame_number(data, image_id)
        shared = next(iter(items(data.get("SharedFunctionalGroupsSequence"))), None)
        frames = data.get("PerFrameFunctionalGroupsSequence")
        if frames is None and (whole := getattr(data, "instance", None)) is not None:  # a view of a frame has its own
            frames = whole.get("PerFrameFunctionalGroupsSequence")
        per_frame = _item(frames, (number or 1) - 1) if frames is not None else None
        return cls(count, number, shared, per_frame) if count is not None or shared or per_frame else None

    def to_cornerstone(self) -> dict[str, Any]:
        """Cornerstone's dict: of each group the first item."""
        made: dict[str, Any] = {}
        if self.number_of_frames is not None:
            made["NumberOfFrames"] = self.number_of_frames
        if self.per_frame_functional_groups is not None:
            made["PerFrameFunctionalInformation"] = _firsts(self.per_frame_functional_groups)
        if self.shared_functional_groups is not None:
            made["SharedFunctionalInformation"] = _firsts(self.shared_functional_groups)
        return made


def _item(sequence: Any, place: int) -> Any:
    """One of perhaps thousands of items, without making the others."""
    listed = (sequence,) if hasattr(sequence, "get") else sequence
    try:
        found = listed[place] if place < len(listed) else None
    except (TypeError, LookupError):
        return None
    return found if hasattr(found, "get") else None


def _firsts(group: Any) -> list[Any]:
    sequences = (items(value) for _, value in group.items())
    return [plain(sequence[0]) for sequence in sequences if sequence]


@module("frameModule")
@dataclass(frozen=True, slots=True, repr=False)
class Frame(Module):
    """Which frame of which instance. None without SOPInstanceUID.

    Attributes
    ----------
    frame_number : int
        From 1; 1 where the image id names none.
    number_of_frames : int
        1 where the instance does not say.

    Examples
    --------
    >>> Frame.build({"SOPInstanceUID": "1.2", "NumberOfFrames": "3"}, image_id="wadouri:https://host/a?frame=2")
    Frame(frame_number=2, number_of_frames=3)
    """

    frame_number: int = field(default=1, metadata=integer("frameNumber"))
    number_of_frames: int = field(default=1, metadata=integer("NumberOfFrames"))
    sop_class_uid: str | None = field(default=None, metadata=code("SOPClassUID"))
    sop_instance_uid: str | None = field(default=None, metadata=text("SOPInstanceUID"))
    series_instance_uid: str | None = field(default=None, metadata=text("SeriesInstanceUID"))
    study_instance_uid: str | None = field(default=None, metadata=text("StudyInstanceUID"))

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> Frame | None:
        """See `Module.build`."""
        get = data.get
        instance = to_text(get("SOPInstanceUID"))
        if instance is None:
            return None
        return cls(
            frame_number(data, image_id) or 1,
            to_integer(get("NumberOfFrames")) or 1,
            to_text(get("SOPClassUID")),
            instance,
            to_text(get("SeriesInstanceUID")),
            to_text(get("StudyInstanceUID")),
        )


def frame_number(data: Any, image_id: str | None) -> int | None:
    """The frame, from 1, that an image id names, else the one that the data are of; None without."""
    if image_id is not None and (named := ImageId(image_id).frame) is not None:
        return named
    own = getattr(data, "frame_number", None) if not isinstance(data, dict) else data.get("frameNumber")
    return own if isinstance(own, int) else None


_RECONSTRUCTED = ("RECON TOMO", "RECON GATED TOMO")


@module("nmMultiframeGeometryModule")
@dataclass(frozen=True, slots=True, repr=False)
class NmMultiFrameGeometry(Module):
    """Geometry of nuclear medicine (PS3.3 sections C.8.4.7, C.8.4.11). None for other modalities than NM.

    Position and orientation are the image's own, else those of the first detector.

    Attributes
    ----------
    image_type : tuple of str
    image_sub_type : str
        Its third value, such as "TOMO" or "RECON TOMO".
    is_nm_reconstructable : bool
        Whether the frames are slices of a reconstructed volume.
    """

    modality: str | None = field(default=None, metadata=code("Modality"))
    image_type: tuple[str, ...] | None = field(default=None, metadata=codes("ImageType"))
    image_sub_type: str | None = field(default=None, metadata=code("imageSubType"))
    image_orientation_patient: tuple[float, ...] | None = field(
        default=None, metadata=numbers("ImageOrientationPatient")
    )
    image_position_patient: tuple[float, ...] | None = field(default=None, metadata=numbers("ImagePositionPatient"))
    slice_thickness: float | None = field(default=None, metadata=number("SliceThickness"))
    spacing_between_slices: float | None = field(default=None, metadata=number("SpacingBetweenSlices"))
    pixel_spacing: tuple[float, ...] | None = field(default=None, metadata=numbers("PixelSpacing"))
    number_of_frames: int | None = field(default=None, metadata=integer("NumberOfFrames"))
    is_nm_reconstructable: bool = field(default=False, metadata=code("isNMReconstructable", "isNMReconstructable"))

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> NmMultiFrameGeometry | None:
        """See `Module.build`."""
        if to_code(data.get("Modality")) != "NM":
            return None
        read = dict(zip((row.field for row in cls._rows), cls._read(data), strict=True))
        detector = one_item(data.get("DetectorInformationSequence"))
        for name, keyword, length in _PLACED:
            own = vector(data.get(keyword), length)
            read[name] = own if own is not None else vector(detector.get(keyword), length)
        kinds = to_codes(data.get("ImageType")) or ()
        sub_type = kinds[2] if len(kinds) > 2 else None
        read |= {"image_sub_type": sub_type, "is_nm_reconstructable": sub_type in _RECONSTRUCTED}
        return cls(**read)


_PLACED = (
    ("image_orientation_patient", "ImageOrientationPatient", 6),
    ("image_position_patient", "ImagePositionPatient", 3),
)
