"""How an image is encoded, and what its id says: transfer syntax, frames of an id, URLs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from metalith.image_ids import ImageId, base_image_id, frame_image_ids
from metalith.modules.base import Data, Module, code, codes, integer, module, text
from metalith.modules.values import integer as to_integer
from metalith.modules.values import text as to_text
from metalith.modules.values import texts as to_texts

__all__ = ["BaseImageId", "FrameImageIds", "ImageUrl", "TransferSyntax", "UriModule"]

# MPEG2, MPEG-4 AVC/H.264 and HEVC/H.265, fragmentable ones included (PS3.6 table A-1)
_VIDEO = frozenset(
    f"1.2.840.10008.1.2.4.{number}{end}" for number in range(100, 109) for end in ("", ".1") if number < 107 or not end
)


@module("transferSyntax")
@dataclass(frozen=True, slots=True, repr=False)
class TransferSyntax(Module):
    """Encoding of the pixel data (PS3.5 section 10). None where nothing tells it.

    Attributes
    ----------
    transfer_syntax_uid : str
        TransferSyntaxUID (of the file's own header where the instance is from a file), else the first of
        AvailableTransferSyntaxUID.
    available_transfer_syntax_uid : tuple of str
        What the server says that it has (PS3.18 section 10.4.1.3).

    Examples
    --------
    >>> TransferSyntax.build({"AvailableTransferSyntaxUID": "1.2.840.10008.1.2.4.103"}).is_video
    True
    """

    transfer_syntax_uid: str | None = field(default=None, metadata=code("TransferSyntaxUID"))
    available_transfer_syntax_uid: tuple[str, ...] | None = field(
        default=None, metadata=codes("AvailableTransferSyntaxUID")
    )

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> TransferSyntax | None:
        """See `Module.build`."""
        uid, available = to_text(data.get("TransferSyntaxUID")), data.get("AvailableTransferSyntaxUID")
        if uid is None:
            meta = getattr(data, "file_meta", None)
            uid = to_text(meta.get("TransferSyntaxUID")) if meta is not None else None
        uids = to_texts(available) if available is not None else None
        if uid is None and uids:
            uid = uids[0] or None
        return cls(uid, uids) if uid is not None else None

    @property
    def is_video(self) -> bool:
        """Whether the pixel data are a video (PS3.5 sections 8.2.5 to 8.2.8)."""
        return self.transfer_syntax_uid in _VIDEO

    def to_cornerstone(self) -> dict[str, Any]:
        """Cornerstone's dict, with `isVideo`."""
        made: dict[str, Any] = Module.to_cornerstone(self)
        return {**made, "isVideo": self.is_video}


@module("uriModule")
@dataclass(frozen=True, slots=True, repr=False)
class UriModule(Module):
    """The frame that an image id names. None where it names none.

    Attributes
    ----------
    frame_number : int
        From 1; of several the first.
    frames_string : str
        The number or numbers as written.
    remaining : str
        What follows them.

    Examples
    --------
    >>> UriModule.build({}, image_id="wadouri:https://host/a?frame=3&b=1")
    UriModule(frame_number=3)
    """

    base_image_id: str | None = field(default=None, metadata=text("baseImageId"))
    frame_number: int | None = field(default=None, metadata=integer("frameNumber"))
    frames_string: str | None = field(default=None, metadata=text("framesString"))
    remaining: str | None = field(default=None, metadata=text("remaining"))

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> UriModule | None:
        """See `Module.build`; of the id alone."""
        if image_id is None:
            return None
        parsed = ImageId(image_id)
        if parsed.frame is None:
            return None
        return cls(str(parsed.base), parsed.frame, parsed.frames_text, parsed.remaining)


@module("imageUrlModule")
@dataclass(frozen=True, slots=True, repr=False)
class ImageUrl(Module):
    """Where a server renders an image (PS3.18 section 8.3.5). None for other ids than `wadors:`.

    Attributes
    ----------
    rendered, thumbnail : str
        URLs of the frame, or of the instance for an id without a frame and for a video.
    is_video : bool
    """

    rendered: str | None = field(default=None, metadata=text("rendered"))
    thumbnail: str | None = field(default=None, metadata=text("thumbnail"))
    is_video: bool = field(default=False, metadata=code("isVideo"))

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> ImageUrl | None:
        """See `Module.build`."""
        if image_id is None or image_id[:7].lower() != "wadors:":
            return None
        syntax = TransferSyntax.build(data)
        video = syntax is not None and syntax.is_video
        parsed = ImageId(image_id)
        base, frame = parsed.base.url, "" if video or parsed.frame is None else f"/frames/{parsed.frame}"
        path, mark, query = base.partition("?")
        path = path.rstrip("/") + frame
        return cls(f"{path}/rendered{mark}{query}", f"{path}/thumbnail{mark}{query}", video)


@module("baseImageId")
class BaseImageId(str, Module):
    """Id of the whole instance: a str. None without an image id.

    >>> BaseImageId.build({}, image_id="wadouri:https://host/a?frame=3")
    'wadouri:https://host/a'
    """

    __slots__ = ()

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> BaseImageId | None:
        """See `Module.build`; of the id alone."""
        return cls(base_image_id(image_id)) if image_id is not None else None

    def to_cornerstone(self) -> str:
        """The id."""
        return str(self)

    __repr__ = str.__repr__


@module("frameImageIds")
class FrameImageIds(tuple[str, ...], Module):
    """Ids of all frames of an instance: a tuple of str. None without an image id.

    An instance without pixels (no PhotometricInterpretation) has its own id alone.

    >>> FrameImageIds.build({"PhotometricInterpretation": "RGB", "NumberOfFrames": 2}, image_id="wadouri:https://h/a")
    ('wadouri:https://h/a?frame=1', 'wadouri:https://h/a?frame=2')
    """

    __slots__ = ()

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> FrameImageIds | None:
        """See `Module.build`. The id may be of a frame."""
        if image_id is None:
            return None
        if data.get("PhotometricInterpretation") is None:
            return cls((base_image_id(image_id),))
        return cls(frame_image_ids(image_id, max(to_integer(data.get("NumberOfFrames")) or 1, 1)))

    def to_cornerstone(self) -> list[str]:
        """The ids as list."""
        return list(self)

    __repr__ = tuple.__repr__
