"""What an instance answers to a metadata type: a module, itself, or one of its attributes; and a provider of that."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from metalith import _core
from metalith._core import Instance
from metalith.adding import AsyncAdding
from metalith.errors import ImageIdError
from metalith.frames import FrameInstance, frame_of, number_of_frames
from metalith.frames_groups import PER_FRAME_GROUPS, SHARED_GROUPS
from metalith.image_ids import ImageId, base_image_id
from metalith.lacking import UNKNOWN, lacking
from metalith.modules import build
from metalith.modules.table import TYPES
from metalith.scaling import SuvSeries, scaling_module

__all__ = ["InstanceProvider", "answer", "images_of_series"]

_OF_FRAMES = frozenset({"frameModule", "multiframeModule", "nmMultiframeGeometryModule"})


def answer(
    type: str | type,
    instance: Instance | FrameInstance,
    image_id: str | None,
    calibration: Any = None,
    series: Any = None,
) -> Any:
    """What an instance answers for an image of it.

    Parameters
    ----------
    type : str or class
        "instance" (of a frame's id, the frame; else the instance itself), "naturalized" (the instance itself), a type
        or class of `metalith.modules`, "scalingModule", or an attribute by keyword or eight hex digits.
    instance : Instance or FrameInstance
    image_id : str or None
        Which frame it is about. Without one, modules are those of the first.
    calibration : optional
        As for `metalith.modules.build`.
    series : optional
        As for `metalith.scaling.scaling_module`: all instances of a PET series.

    Returns
    -------
    object or None
        None when the instance has nothing of it.

    Raises
    ------
    FrameError
        The instance has no such frame.

    Examples
    --------
    >>> from metalith.answers import answer
    >>> ct = metalith.naturalize_dataset({"00080060": {"vr": "CS", "Value": ["CT"]}})
    >>> answer("Modality", ct, "web:1"), answer("generalSeriesModule", ct, "web:1").modality
    ('CT', 'CT')
    """
    if calibration is None and image_id is not None and isinstance(instance, Instance):
        made = _core.build_plain(type, instance, image_id)
        if made is not NotImplemented:
            return made
    kind = type if isinstance(type, str) else getattr(type, "type", None)
    if not isinstance(kind, str):
        return None
    if kind == "naturalized":
        return instance
    frame = _frame_in(image_id)
    if kind == "instance":
        return instance if frame is None else _data(instance, frame)
    if kind == "scalingModule":
        return scaling_module(_data(instance, frame), series)
    if kind in TYPES:
        data = _data(instance, frame) if kind in _OF_FRAMES else _plain_data(instance, frame)
        return build(kind, data, image_id=image_id, calibration=calibration)
    if _core.describe_keyword(kind) is None and not _is_tag(kind):
        return None
    return _plain_data(instance, frame).get(kind)


def _frame_in(image_id: str | None) -> int | None:
    if image_id is None:
        return None
    frame = _core.frame_in(image_id)
    if frame >= 0:
        return frame or None
    try:
        return ImageId(image_id).frame
    except ImageIdError:
        return None


def _plain_data(instance: Instance | FrameInstance, frame: int | None) -> Instance | FrameInstance:
    """The same, but the instance where the only frame is what the instance is."""
    if isinstance(instance, Instance) and _core.is_plain(instance, frame or 0):
        return instance
    return _data(instance, frame)


def _data(instance: Instance | FrameInstance, frame: int | None) -> Instance | FrameInstance:
    """The frame, where an instance has frames that differ from it; else the instance."""
    if isinstance(instance, FrameInstance):
        return instance
    if (
        frame is None
        and not any(group in instance for group in (PER_FRAME_GROUPS, SHARED_GROUPS))
        and number_of_frames(instance) < 2
    ):
        return instance
    return frame_of(instance, 1 if frame is None else frame)


def _is_tag(kind: str) -> bool:
    return len(kind) == 8 and set(kind) <= set("0123456789ABCDEFabcdef")


def calibration_of(calibrations: Any, image_id: str) -> Any:
    """What a provider of calibrations has for an image."""
    return None if calibrations is None else calibrations.get("calibratedPixelSpacing", image_id)


def images_of_series(study_instance_uid: str, series_instance_uid: str) -> Callable[[str], bool]:
    """Which image ids may stand for an image of a series: those that name it, and those that name none."""

    def may_be(image_id: str) -> bool:
        told = _core.may_be_of(image_id, study_instance_uid, series_instance_uid)
        if told >= 0:
            return bool(told)
        try:
            parsed = ImageId(image_id)
        except ImageIdError:
            return True
        series, study = parsed.series_instance_uid, parsed.study_instance_uid
        return (series is None or series == series_instance_uid) and (study is None or study == study_instance_uid)

    return may_be


class InstanceProvider(AsyncAdding):
    """A provider that answers everything about the instances that were added to it, by image id.

    Image ids of images that are not DICOM are as welcome as any: what is added for them may be any natural dict. In
    place of an image id an instance or a frame may be given, which then answers itself.

    Parameters
    ----------
    invalidate : callable(image_id), optional
        Told which image has other metadata now; `MetadataProviders.invalidate` where answers are cached.
    calibrations : metalith.CalibrationProvider, optional
        Its pixel spacings go into image planes.

    Examples
    --------
    >>> from metalith.answers import InstanceProvider
    >>> provider = InstanceProvider()
    >>> provider.add_instance("web:photo.png", {"Rows": 480, "Columns": 640, "SamplesPerPixel": 3})
    >>> provider.get("imagePixelModule", "web:photo.png").columns
    640
    """

    def __init__(self, invalidate: Callable[[str], Any] | None = None, calibrations: Any = None) -> None:
        super().__init__()
        self._invalidate, self._calibrations = invalidate, calibrations
        self._instances: dict[str, Instance] = {}
        self._suv: dict[str, Any] = {}  # SuvSeries by UID, of what was asked for; a mark while they are computed
        self._lock = threading.Lock()

    def add_instance(self, image_id: str, dataset: Any) -> None:
        """Adds an instance, or gives an image another one. All its frames' ids find it.

        Parameters
        ----------
        image_id : str
            Of the image or of one of its frames.
        dataset : Instance, natural dict, DICOM JSON, file (bytes or `pathlib.Path`), or pydicom.Dataset

        Raises
        ------
        ValueError
            That is not one instance.
        """
        instance, base = self._one(dataset), self._base(image_id)
        with self._lock:
            self._adding.pop(base, None)  # what is still on its way is older
            others = self._keep(base, instance)
        self._tell(image_id, others)

    def remove(self, image_id: str) -> bool:
        """Forgets an image. Whether it was here."""
        base = self._base(image_id)
        with self._lock:
            self._adding.pop(base, None)
            found = self._instances.pop(base, None)
            others = self._of_series(found) if found is not None else ()
        if found is not None:
            self._tell(image_id, others)
        return found is not None

    def _base(self, image_id: str) -> str:
        try:
            return base_image_id(image_id)
        except ImageIdError:
            return image_id  # an id of one's own, of any form

    def _one(self, dataset: Any) -> Instance:
        from metalith.store.incoming import tables_of

        instances = [instance for table in tables_of(dataset) for instance in table]
        if len(instances) != 1:
            raise ValueError(f"one instance was expected, not {len(instances):,}")
        return instances[0]

    def _keep(self, base: str, instance: Instance) -> tuple[str, ...]:
        """Under the lock: the instance in place, and the other images whose factors of SUV it changes."""
        old = self._instances.get(base)
        self._instances[base] = instance
        return (*self._of_series(instance), *(self._of_series(old) if old is not None else ()))

    def _of_series(self, instance: Instance) -> tuple[str, ...]:
        """Images of the instance's series, if anybody was told what its factors of SUV are; they are computed anew."""
        uid = instance.get("SeriesInstanceUID")
        if not isinstance(uid, str) or self._suv.pop(uid, None) is None:
            return ()
        return tuple(key for key, one in self._instances.items() if one.get("SeriesInstanceUID") == uid)

    def _tell(self, image_id: str, others: tuple[str, ...]) -> None:
        if self._invalidate is not None:
            for one in dict.fromkeys((image_id, *others)):
                self._invalidate(one)

    def instance(self, image_id: str) -> Instance | None:
        """The instance of an image or of one of its frames, or None."""
        found = self._instances.get(image_id)
        return self._instances.get(self._base(image_id)) if found is None else found

    def get(self, type: str | type, image_id: Any, *_: Any, **__: Any) -> Any:
        """What `answer` says of the image's instance; None for an image that is not known."""
        instance, named = self._asked(image_id)
        if instance is None:
            return None
        series = self._series_of(instance) if type == "scalingModule" else None
        calibration = None if named is None else calibration_of(self._calibrations, named)
        return answer(type, instance, named, calibration, series)

    def explain(self, type: str | type, image_id: Any) -> str | None:
        """What is lacking for an answer, in words."""
        instance, named = self._asked(image_id)
        if instance is None:
            return UNKNOWN
        series = self._series_of(instance) if type == "scalingModule" else None
        return lacking(type, _data(instance, _frame_in(named)), series)

    def _asked(self, image_id: Any) -> tuple[Instance | FrameInstance | None, str | None]:
        """Whose answer it is, and the image id if there is one."""
        if isinstance(image_id, str):
            return self.instance(image_id), image_id
        return (image_id if isinstance(image_id, (Instance, FrameInstance)) else None), None

    def _series_of(self, instance: Instance | FrameInstance) -> SuvSeries | None:
        uid = instance.get("SeriesInstanceUID")
        if not isinstance(uid, str) or instance.get("Modality") != "PT":
            return None
        known, mark = self._suv.get(uid), object()
        if isinstance(known, SuvSeries):
            return known
        with self._lock:
            self._suv[uid] = mark
            several = [one for one in self._instances.values() if one.get("SeriesInstanceUID") == uid]
        made = SuvSeries(several)
        with self._lock:
            if self._suv.get(uid) is mark:
                self._suv[uid] = made
        return made

    def __len__(self) -> int:
        return len(self._instances)

    def __contains__(self, image_id: object) -> bool:
        return isinstance(image_id, str) and self.instance(image_id) is not None
