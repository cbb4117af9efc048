"""A store as people write it in plain Python: dicts in dicts, and whatever has no dict is looked for one by one.

OHIF's DicomMetadataStore is made this way: a series has its instances by their UID, and an image id that nobody has
made known is compared with that of every instance.  The flat one is as fast as Python gets: a dict more for each kind
of look-up.
"""

import pickle
from collections.abc import Iterable
from pathlib import Path

from benchmarks import store_data


class PlainStore:
    """study -> series -> instance -> a natural dict; instances carry their image id."""

    def __init__(self) -> None:
        self.studies: dict[str, dict[str, dict[str, dict]]] = {}

    def add_instances(self, instances: Iterable[dict]) -> int:
        came = 0
        for instance in instances:
            series = self.studies.setdefault(instance["StudyInstanceUID"], {})
            series.setdefault(instance["SeriesInstanceUID"], {})[instance["SOPInstanceUID"]] = instance
            came += 1
        return came

    def series(self, uid: str) -> dict[str, dict] | None:
        for study in self.studies.values():
            if uid in study:
                return study[uid]
        return None

    def instance(self, *uids: str) -> dict | None:
        if len(uids) == 3:
            return self.studies.get(uids[0], {}).get(uids[1], {}).get(uids[2])
        for study in self.studies.values():
            for series in study.values():
                if uids[0] in series:
                    return series[uids[0]]
        return None

    def instance_by_image_id(self, image_id: str) -> dict | None:
        for study in self.studies.values():
            for series in study.values():
                for instance in series.values():
                    if instance.get("imageId") == image_id:
                        return instance
        return None

    def __len__(self) -> int:
        return sum(len(series) for study in self.studies.values() for series in study.values())

    def save(self, path: str) -> None:
        with Path(path).open("wb") as file:
            pickle.dump(self.studies, file, pickle.HIGHEST_PROTOCOL)

    @classmethod
    def open(cls, path: str) -> "PlainStore":
        store = cls()
        with Path(path).open("rb") as file:
            store.studies = pickle.load(file)
        return store


class FlatStore(PlainStore):
    """The same with a dict for SOPInstanceUIDs, one for image ids and one for series; takes one series at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.by_uid: dict[str, dict] = {}
        self.by_image_id: dict[str, dict] = {}
        self.by_series: dict[str, dict[str, dict]] = {}

    def add_instances(self, instances: Iterable[dict]) -> int:
        several = list(instances)
        for instance in several:
            self.by_uid[instance["SOPInstanceUID"]] = self.by_image_id[instance["imageId"]] = instance
        came = super().add_instances(several)
        for instance in several[-1:]:  # they are of one series
            uid = instance["SeriesInstanceUID"]
            self.by_series[uid] = self.studies[instance["StudyInstanceUID"]][uid]
        return came

    def series(self, uid: str) -> dict[str, dict] | None:
        return self.by_series.get(uid)

    def instance(self, *uids: str) -> dict | None:
        return self.by_uid.get(uids[0])

    def instance_by_image_id(self, image_id: str) -> dict | None:
        return self.by_image_id.get(image_id)


def natural(number: int, study: str, series: str, attributes: int = 5) -> dict:
    """A made-up instance, as `store_data.body` has it."""
    k, uid = number % store_data.PER_SERIES, store_data.sop_uid(number)
    instance = {
        "SOPInstanceUID": uid,
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series,
        "InstanceNumber": k + 1,
        "ImagePositionPatient": [-180.148, -171.5, round(-412.25 + k * 0.625, 6)],
    }
    for n in range(attributes - 5):
        instance[f"0021{0x1000 + n:04X}"] = (k * 31 + n * 17) % 4096
    instance["imageId"] = store_data.wadors_of(study, series, uid)
    return instance


def plain_store(count: int, attributes: int = 5, kind: type[PlainStore] = PlainStore) -> PlainStore:
    store = kind()
    for first in range(0, count, store_data.PER_SERIES):
        study, series = store_data.study_uid(first), store_data.series_uid(first)
        numbers = range(first, first + store_data.PER_SERIES)
        store.add_instances([natural(number, study, series, attributes) for number in numbers])
    return store
