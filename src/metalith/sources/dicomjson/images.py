"""What the URLs of a series stand for: instances, and frames of these.

Frames of image ids count from 1. Manifests count them from 0 or from 1, and do not say so: where one URL of a series
has `frame=0`, all URLs of that series are taken to count from 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from metalith._image_id_text import locate
from metalith.image_ids import base_image_id, from_zero_based

__all__ = ["FrameBase", "Images", "base_of", "highest_frame", "images_of"]

FrameBase = Literal["auto", 0, 1]
Urls = Mapping[str, Sequence[str | None]]  # of all entries of an instance, by SOPInstanceUID


@dataclass(eq=False)
class Images:
    """Image ids, whose frames count from 1.

    Attributes
    ----------
    image_ids : dict
        Of each instance that has a URL, by SOPInstanceUID.
    frames : dict
        Of instances with an entry for each frame: the image ids of these by their numbers, by SOPInstanceUID.
    known : dict
        SOPInstanceUID of every image id, for the store: without its frame, unless several instances share a URL.
    zero_based : set of str
        SOPInstanceUIDs of instances whose URLs in the manifest count frames from 0.
    repeated : list of str
        SOPInstanceUIDs that come several times, and not for several frames.
    """

    image_ids: dict[str, str] = field(default_factory=dict)
    frames: dict[str, dict[int, str]] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    zero_based: set[str] = field(default_factory=set)
    repeated: list[str] = field(default_factory=list)


def base_of(urls: Urls) -> int:
    """From which number on the URLs of a series count frames."""
    return 0 if any(url and _frame(url) == 0 for several in urls.values() for url in several) else 1


def highest_frame(urls: Sequence[str | None], base: int) -> int:
    """The highest frame that URLs name, counted from 1; 0 where none does."""
    return max((_frame(url) + 1 - base for url in urls if url and _frame(url) >= 0), default=0)


def images_of(urls: Urls, base: int, counts: Mapping[str, int]) -> Images:
    """What the URLs of a series stand for.

    Parameters
    ----------
    urls : mapping
        Those of all entries of each instance, by SOPInstanceUID.
    base : int
        From which number on they count frames.
    counts : mapping
        NumberOfFrames of those instances that have several.
    """
    images = Images()
    for uid, several in urls.items():
        ids = [url and _counted_from_one(url, base) for url in several]
        if base == 0 and any(url and _frame(url) >= 0 for url in several):
            images.zero_based.add(uid)
        if len(ids) > 1:
            _by_frame(images, uid, ids, counts.get(uid, 1))
        frames = images.frames.get(uid)
        first = frames[min(frames)] if frames else next(filter(None, ids), None)
        if first is not None:
            images.image_ids[uid] = first
        for image_id in filter(None, ids):
            if images.known.setdefault(base_image_id(image_id), uid) != uid:
                images.known[image_id] = uid  # a frame of a file that another instance is in, too
    return images


def _by_frame(images: Images, uid: str, ids: Sequence[str | None], given: int) -> None:
    """Entries for frames, in the order of these; or entries that say the same again, of which the first counts."""
    named = {frame: image_id for image_id in ids if image_id and (frame := _frame(image_id)) > 0}
    if named:
        images.frames[uid] = named
    elif given > 1:
        images.frames[uid] = {frame: image_id for frame, image_id in enumerate(ids[:given], 1) if image_id}
    else:
        images.repeated.append(uid)


def _counted_from_one(url: str, base: int) -> str:
    return from_zero_based(url) if base == 0 and _frame(url) >= 0 else url


def _frame(url: str) -> int:
    """The frame that a URL names; -1 where it names none."""
    return locate(url, 0)[2]
