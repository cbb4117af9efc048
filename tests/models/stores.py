"""A store with something of everything, and whether two stores are the same to whoever looks."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from pydicom.data.data_manager import DATA_ROOT

import metalith
from metalith.store import MetadataStore, Series

FILES = Path(DATA_ROOT) / "test_files"
BULKY = {"7FE00010": {"vr": "OW", "BulkDataURI": "https://pacs/bulk/1"}}


def dataset(number: int, series: str = "1.1", study: str = "1", **more: Any) -> dict[str, Any]:
    """An instance as DICOM JSON."""
    return {
        "00080018": {"vr": "UI", "Value": [f"{series}.{number}"]},
        "00080060": {"vr": "CS", "Value": ["MR"]},
        "00081140": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": [f"9.{number}"]}}]},
        "00091001": {"vr": "LO", "Value": ["private"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "A^B", "Ideographic": "C"}]},
        "0020000D": {"vr": "UI", "Value": [study]},
        "0020000E": {"vr": "UI", "Value": [series]},
        "00200013": {"vr": "IS", "Value": [number]},
        "00200032": {"vr": "DS", "Value": [0.5, -1.25, number * 2.5]},
        **more,
    }


def series_of(count: int, series: str = "1.1", study: str = "1") -> list[dict[str, Any]]:
    return [dataset(number, series, study) for number in range(count)]


def small_store() -> MetadataStore:
    """A store whose file has few bytes."""
    store = MetadataStore()
    store.add_instances(metalith.naturalize([dataset(1), dataset(2, more={"vr": "DS", "Value": ["odd"]})]))
    store.add_instances(metalith.naturalize([dataset(1, "1.2")]))
    return store


def rich_store() -> MetadataStore:
    """A store in which there is what a store can have."""
    store = MetadataStore(loader=lambda study, series: [])
    store.add_study({"StudyInstanceUID": "0", "StudyDescription": "known of", "PatientName": "Doe^J"})
    store.add_instances(metalith.naturalize(series_of(40)))
    store.add_instances(metalith.naturalize([dataset(n, **BULKY) for n in range(30, 50)]))  # replaces ten
    store.add_instances([metalith.naturalize([dataset(n, "1.2", "1")]) for n in range(5)])  # many tables
    store.add_instances([*series_of(3, "2.1", "2"), *series_of(2, "2.2", "2"), *series_of(3, "1.3")])
    odd = dataset(7, "2.1", "2", **{"00280030": {"vr": "DS", "Value": ["no number", 1]}, "00280010": {"Value": [5]}})
    store.add_instances(metalith.naturalize([odd]))
    for name in ("CT_small.dcm", "MR_small.dcm", "rtplan.dcm"):
        store.add_instances(FILES / name)
    frames = [{"00209113": {"vr": "SQ", "Value": [dataset(n)]}} for n in range(50)]
    store.add_instances(metalith.naturalize(dataset(1, "4.1", "4", **{"52009230": {"vr": "SQ", "Value": frames}})))
    store.add_series_metadata({"StudyInstanceUID": "2", "SeriesInstanceUID": "2.9", "SeriesNumber": 9})
    store.add_series_metadata({"StudyInstanceUID": "3", "SeriesInstanceUID": "1.1", "Modality": "SR"})  # a UID twice
    store.add_image_ids({"mine:1": "1.1.1", "mine:\udcff": "1.1.2"})
    store.remove_instance("1.1.3")
    evicted = store.series("1.3")
    assert evicted is not None
    for _, slot, rows in evicted._state.pieces():
        store._places.remove(slot, rows)
    evicted._state, evicted.is_evicted = type(evicted._state)(), True
    pinned = store.series("2.2")
    assert pinned is not None
    pinned.pinned = True
    return store


def check_same(a: MetadataStore, b: MetadataStore) -> None:
    """Raises where two stores differ."""
    assert a.study_instance_uids == b.study_instance_uids
    assert len(a) == len(b)
    counts = [{**store.summary(), "nbytes": 0} for store in (a, b)]
    assert counts[0] == counts[1]
    assert a._image_ids == b._image_ids
    for image_id in a._image_ids:
        assert a.instance_by_image_id(image_id) == b.instance_by_image_id(image_id)
    for study in a:
        other = b.study(study.study_instance_uid)
        assert other is not None
        assert study._summary == other._summary
        assert study.is_loaded == other.is_loaded
        for keyword in ("ModalitiesInStudy", "PatientName", "NumberOfStudyRelatedInstances"):
            assert study.get(keyword) == other.get(keyword)
        for one, two in zip(study.series, other.series, strict=True):
            check_same_series(one, two)
            assert b.series(study.study_instance_uid, one.series_instance_uid) is two
            assert (a.series(one.series_instance_uid) is one) == (b.series(two.series_instance_uid) is two)
            check_look_ups(b, two)


def check_same_series(a: Series, b: Series) -> None:
    assert a.series_instance_uid == b.series_instance_uid
    assert (a.pinned, a.is_evicted, a.is_loaded, a._summary) == (b.pinned, b.is_evicted, b.is_loaded, b._summary)
    assert list(a.instances) == list(b.instances)
    assert [one.to_json("dicom") for one in a] == [two.to_json("dicom") for two in b]
    for one, two in zip(a.tables, b.tables, strict=True):
        check_same_table(one, two)
    if len(a):
        assert a.column("SOPInstanceUID").tolist() == b.column("SOPInstanceUID").tolist()


def check_same_table(a: metalith.InstanceTable, b: metalith.InstanceTable) -> None:
    for name in ("keywords", "constant", "varying", "problems", "paths"):
        assert getattr(a, name) == getattr(b, name), name
    for dialect in ("dicom", "natural", "dcmjs", "cornerstone"):
        assert a.to_json(dialect) == b.to_json(dialect), dialect
    assert (a.file_meta is None) == (b.file_meta is None)
    if a.file_meta is not None and b.file_meta is not None:
        assert a.file_meta.to_json("dicom") == b.file_meta.to_json("dicom")
    for one, two in zip(a, b, strict=True):
        assert hash(one) == hash(two)
        for keyword in one:
            assert one.raw(keyword) == two.raw(keyword)
            assert one.vr(keyword) == two.vr(keyword)
            if isinstance(one[keyword], metalith.BulkData):
                assert one[keyword].local == two[keyword].local
                assert one[keyword].path == two[keyword].path
    again = pickle.loads(pickle.dumps(b))
    assert again == a
    assert again.paths == a.paths
    assert (again.file_meta is None) == (a.file_meta is None)


def check_look_ups(store: MetadataStore, series: Series) -> None:
    """Every instance of a series is found in every way."""
    for instance in series:
        uid = instance.SOPInstanceUID
        assert store.instance(uid) == instance
        assert store.instance(series.study_instance_uid, series.series_instance_uid, uid) == instance
        assert store.instance_by_image_id(f"wadors:https://pacs/instances/{uid}/frames/1") == instance
        assert uid in store
        if instance.path is not None:
            assert store.instance_by_image_id(f"dicomfile:{instance.path}") == instance
