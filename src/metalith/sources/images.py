"""Image ids of what a data source has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metalith._core import Instance
from metalith.frames import number_of_frames
from metalith.sources.given import Ingest

__all__ = ["Images", "required_uids"]


class Images:
    """The side of a data source that names images."""

    name: str
    _ingest: Ingest

    def get_image_ids_for_instance(self, instance: Mapping[str, Any] | Instance, frame: int | None = None) -> str:
        """The image id of an instance, or of one of its frames.

        Parameters
        ----------
        instance : Instance or mapping
            With the three UIDs.
        frame : int, optional
            Counted from 1.

        Returns
        -------
        str
            The id that the instance came with, else one that names the source and the UIDs. The store finds the
            instance by it.
        """
        from metalith.image_ids import ImageId, wadors_id

        study, series, sop = required_uids(instance)
        known = self._ingest.image_ids.get(sop)
        if known is None:
            return wadors_id(f"metalith://{self.name}", study, series, sop, frame)
        return known if frame is None else str(ImageId(known).with_frame(frame))

    def get_image_ids_for_display_set(self, images: Any) -> list[str]:
        """The image ids of a display set's images, frame by frame.

        Parameters
        ----------
        images : iterable of instances, or an object or mapping with `images` (or `instances`)
        """
        several = images.get("images") if isinstance(images, Mapping) else getattr(images, "images", None)
        if several is None:
            several = images.get("instances") if isinstance(images, Mapping) else getattr(images, "instances", images)
        return [image_id for instance in several or () for image_id in self.image_ids_of(instance)]

    def image_ids_of(self, instance: Mapping[str, Any] | Instance) -> list[str]:
        """The image ids of all frames of an instance; of one frame, the instance's. list of str.

        Raises
        ------
        ValueError
            It says that it has more frames than any object has.
        """
        frames = number_of_frames(instance)  # type: ignore[arg-type]
        if frames > _MOST_FRAMES:
            raise ValueError(f"the instance says that it has {frames:,} frames: ask for ids of single ones")
        if frames < 2:
            return [self.get_image_ids_for_instance(instance)]
        return [self.get_image_ids_for_instance(instance, frame) for frame in range(1, frames + 1)]


_MOST_FRAMES = 10_000_000  # ids are some 300 bytes each; a number of frames is only what somebody wrote
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def required_uids(instance: Mapping[str, Any] | Instance) -> tuple[str, str, str]:
    """The UIDs of an instance's study, of its series, and its own.

    Raises
    ------
    ValueError
        It has not all of them.
    """
    found = tuple(instance.get(keyword) for keyword in _UIDS)
    for keyword, uid in zip(_UIDS, found, strict=True):
        if not isinstance(uid, str) or not uid:
            raise ValueError(f"the instance has no {keyword}")
    return found  # type: ignore[return-value]
