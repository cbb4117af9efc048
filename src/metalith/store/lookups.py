"""What a store is asked: everything by its UID or image id, in constant time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from metalith._core import Finder, FrameViews, Instance
from metalith.store.series import Instances, Series, Study

__all__ = ["Lookups"]


class Lookups(Finder):
    """The side of a store that reads. No look-up takes a lock."""

    def __init__(self) -> None:
        self._places = self._index
        self._studies: dict[str, Study] = {}
        self._series: dict[str, Series] = {}
        self._shared: set[str] = set()  # SeriesInstanceUIDs that several studies have, or had
        self._image_ids: dict[str, str] = {}

    @property
    def study_instance_uids(self) -> list[str]:
        """UIDs of all studies, in the order they came. list of str."""
        return list(self._studies)

    def study(self, study_instance_uid: str) -> Study | None:
        """A study, or None."""
        return self._studies.get(study_instance_uid)

    def series(self, *uids: str) -> Series | None:
        """A series by its UID, or by its study's and its own; None when it is not here."""
        if len(uids) == 1:
            return self._series.get(uids[0])
        if len(uids) != 2:
            raise TypeError("series takes a SeriesInstanceUID, or a StudyInstanceUID and a SeriesInstanceUID")
        study = self._studies.get(uids[0])
        return None if study is None else study._series.get(uids[1])

    def _instance_of_other(self, image_id: str) -> Instance | None:
        """What is not found by the UID in an image id as it stands."""
        if image_id in self._image_ids:
            return self._places.instance(self._image_ids[image_id])
        # the way that costs: ids with escapes, and frames of ids that were made known without
        if self._image_ids or image_id.startswith("dicomfile:") or "%" in image_id:
            return self._instance_of_parsed(image_id)
        return None

    def _instance_of_parsed(self, image_id: str) -> Instance | None:
        from metalith.errors import ImageIdError
        from metalith.image_ids import ImageId, file_id

        try:
            parsed = ImageId(image_id)
            names = [] if parsed.path is None else [str(parsed.base), file_id(parsed.path)]
        except ImageIdError:  # of a path, too, that no file can have
            return None
        if parsed.path is not None:
            found = self._places.instance_of_path(parsed.path)
            if found is not None:
                return found
            for known in names:
                if known in self._image_ids:
                    return self._places.instance(self._image_ids[known])
            return None
        uid = self._image_ids.get(str(parsed.base)) or parsed.sop_instance_uid
        return None if uid is None else self._places.instance(uid)

    def _answer(self, type: Any, instance: Instance, image_id: str) -> Any:
        """What `get` leaves to `metalith.answers.answer`."""
        if type == "instance" and "frame" not in image_id:
            return instance
        from metalith.answers import answer, calibration_of

        series = self._suv_of(instance) if type == "scalingModule" else None
        return answer(type, instance, image_id, calibration_of(self._calibrations, image_id), series)

    def _frames_of(self, instance: Instance) -> FrameViews:
        """The frames of an object, for `get_lazily`."""
        from metalith.frames import frames_of
        from metalith.frames_groups import layout_of
        from metalith.frames_instance import SPECIAL

        return FrameViews(frames_of(instance), layout_of, SPECIAL)

    def explain(self, type: Any, image_id: Any) -> str | None:
        """What is lacking for an answer to a metadata type, in words."""
        from metalith.lacking import UNKNOWN, lacking

        instance = self.instance_by_image_id(image_id) if isinstance(image_id, str) else None
        if instance is None:
            return UNKNOWN
        data = self.get("instance", image_id) if "frame" in image_id else instance
        return lacking(type, data, self._suv_of(instance) if type == "scalingModule" else None)

    def _suv_of(self, instance: Instance) -> Any:
        """The SUV factors of an instance's series, computed once for all its instances as long as they stay the same;
        None of what is no PET.
        """
        study, uid = instance.get("StudyInstanceUID"), instance.get("SeriesInstanceUID")
        series = self.series(study, uid) if isinstance(study, str) and isinstance(uid, str) else None
        if series is None or instance.get("Modality") != "PT":
            return None
        from metalith.scaling import SuvSeries

        state, known = series._state, series._suv
        if known is None or known[0] is not state:
            known = series._suv = (state, SuvSeries(Instances(state)))
        return known[1]

    def __contains__(self, uid: object) -> bool:
        """Whether a study, series or instance of that UID is here."""
        return isinstance(uid, str) and (
            uid in self._studies or uid in self._series or self._places.find(uid) is not None
        )

    def __len__(self) -> int:
        """How many instances are here."""
        return len(self._places)

    def __iter__(self) -> Iterator[Study]:
        return iter(list(self._studies.values()))

    @property
    def nbytes(self) -> int:
        """Bytes that tables and indexes hold. int."""
        return self._places.tables_nbytes + self._places.nbytes

    def summary(self) -> dict[str, int]:
        """How much is here: studies, series, series that were evicted, instances, bytes. dict of int."""
        series = self._all_series()
        return {
            "studies": len(self._studies),
            "series": len(series),
            "evicted_series": sum(one.is_evicted for one in series),
            "instances": len(self),
            "nbytes": self.nbytes,
        }

    def __repr__(self) -> str:
        series = sum(len(study) for study in self)
        return f"<MetadataStore: {len(self._studies)} studies, {series} series, {len(self)} instances>"

    def _all_series(self) -> list[Series]:
        return [series for study in self for series in study.series]
