"""Calibrations that users make: what they found pixels to measure, and regions with a scale of their own.

>>> calibrations = CalibrationProvider(changed=metadata.invalidate)
>>> metadata.add_provider(calibrations, priority=1000)
>>> calibrations.add("wadors:https://host/…/frames/1", {"scale": 1.2, "type": "User"})
>>> metadata.get("calibratedPixelSpacing", "wadors:https://host/…/frames/1").scale
1.2
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from metalith.errors import ConfigurationError
from metalith.image_ids import image_id_to_uri
from metalith.modules.spacing import CalibratedPixelSpacing, calibrated
from metalith.modules.ultrasound import Calibration, regions_of

__all__ = ["CalibrationProvider"]

SCHEMES = ("wadors", "wadouri", "dicomweb")
_POSITIVE = ("row_pixel_spacing", "column_pixel_spacing", "scale", "aspect")


class CalibrationProvider:
    """A metadata provider of users' calibrations; safe from many threads.

    An image is known by what its image id fetches (`image_id_to_uri`), so by whatever scheme it is asked for. Frames
    are images of their own.

    Parameters
    ----------
    changed : callable, optional
        Called with an image id whenever what is known of the image has changed, after it has: such as
        `MetadataProviders.invalidate`, where answers that depend on calibrations are kept. It is called for every id
        that the image has by the schemes of `metalith.image_ids`, and those that it was added by.

    Examples
    --------
    >>> mine = CalibrationProvider()
    >>> mine.add("wadouri:https://host/a", {"rowPixelSpacing": 0.5, "columnPixelSpacing": 0.5, "type": "User"})
    >>> mine.get("calibratedPixelSpacing", "dicomweb:https://host/a").pixel_spacing
    (0.5, 0.5)
    """

    types = ("calibratedPixelSpacing", "calibrationModule")

    __slots__ = ("_changed", "_given", "_ids", "_lock")

    def __init__(self, changed: Callable[[str], Any] | None = None) -> None:
        self._changed, self._lock = changed, threading.Lock()
        self._given: dict[str, CalibratedPixelSpacing] = {}
        self._ids: dict[str, dict[str, None]] = {}

    def add(self, image_id: str, calibration: CalibratedPixelSpacing | Mapping[str, Any]) -> None:
        """Notes a calibration, in place of an earlier one.

        Parameters
        ----------
        image_id : str
        calibration : CalibratedPixelSpacing or mapping
            Spacings in mm, scale, aspect, type, tooltip, regions, by Cornerstone's names or ours.

        Raises
        ------
        ImageIdError
            It is no image id.
        ConfigurationError
            The calibration says nothing, or a spacing, scale or aspect is not positive.
        """
        read = calibrated(calibration)
        if read is None:
            raise ConfigurationError("calibration: it says nothing")
        for name in _POSITIVE:
            value = getattr(read, name)
            if value is not None and not value > 0:
                raise ConfigurationError(f"{name}: it is not positive")
        if read.sequence_of_ultrasound_regions is not None:
            regions = regions_of(read.sequence_of_ultrasound_regions)  # immutable, and no longer the caller's
            read = replace(read, sequence_of_ultrasound_regions=regions or None)
        uri = image_id_to_uri(image_id)
        with self._lock:
            self._given[uri] = read
            ids = self._ids.setdefault(uri, {})
            ids[image_id] = None
            meant = {uri: tuple(ids)}
        self._tell(meant)

    def remove(self, image_id: str) -> bool:
        """Forgets the calibration of an image. Returns whether there was one."""
        uri = image_id_to_uri(image_id)
        with self._lock:
            found = self._given.pop(uri, None) is not None
            meant = {uri: (*self._ids.pop(uri, ()), image_id)} if found else {}
        self._tell(meant)
        return found

    def clear(self) -> None:
        """Forgets all calibrations."""
        with self._lock:
            meant = {uri: tuple(ids) for uri, ids in self._ids.items()}
            self._given.clear()
            self._ids.clear()
        self._tell(meant)

    def get(self, type: str, image_id: Any, /, *further: Any, **options: Any) -> Any:
        """What is known of an image: a `CalibratedPixelSpacing` for "calibratedPixelSpacing", a `Calibration` with the
        user's regions for "calibrationModule". None for other images and types.
        """
        if type not in self.types or not isinstance(image_id, str):
            return None
        given = self._given
        if not given:
            return None
        found = given.get(image_id_to_uri(image_id))
        if found is None or type == "calibratedPixelSpacing":
            return found
        regions = regions_of(found.sequence_of_ultrasound_regions)
        return Calibration(regions, "calibration") if regions else None

    def __len__(self) -> int:
        return len(self._given)

    def __contains__(self, image_id: str) -> bool:
        return image_id_to_uri(image_id) in self._given

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<CalibrationProvider: {len(self._given):,} images>"

    def _tell(self, meant: dict[str, tuple[str, ...]]) -> None:
        """Names all ids of images, given their URIs and the ids that they were added by."""
        if self._changed is None:
            return
        for uri, ids in meant.items():
            every = dict.fromkeys((*ids, uri, *(f"{scheme}:{uri}" for scheme in SCHEMES)))
            for one in every:
                self._changed(one)
