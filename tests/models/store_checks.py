"""Small instances for stores, what must hold of a store at any time, and all that can be seen of one."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

import metalith
from metalith.store import MetadataStore, Series

CLASS = "1.2.840.10008.5.1.4.1.1.4"


def natural(sop: str, series: str = "1.2", study: str = "1", **more: Any) -> dict[str, Any]:
    """One instance as a natural dict."""
    return {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": sop, "Modality": "MR", **more}


def dicom_json(sop: str, series: str = "1.2", study: str = "1", **more: Any) -> dict[str, Any]:
    """The same as DICOM JSON."""
    return metalith.denaturalize(natural(sop, series, study, **more))


def table(*sops: str, series: str = "1.2", study: str = "1", **more: Any) -> metalith.InstanceTable:
    """A table of instances of one series."""
    return metalith.naturalize(json.dumps([dicom_json(sop, series, study, **more) for sop in sops]))


def file(sop: str, series: str = "1.2", study: str = "1", **more: Any) -> bytes:
    """A Part-10 file, some pixel data included."""
    dataset = pydicom.Dataset()
    dataset.SOPClassUID = CLASS
    for keyword, value in natural(sop, series, study, **more).items():
        setattr(dataset, keyword, value)
    dataset.BitsAllocated = 16
    dataset.PixelData = bytes(64)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = CLASS
    dataset.file_meta.MediaStorageSOPInstanceUID = sop
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def all_series(store: MetadataStore) -> Iterator[Series]:
    for study in store:
        yield from study.series


def contents(store: MetadataStore) -> dict[str, tuple[str, str]]:
    """UIDs of all instances, each with its study's and series'."""
    return {
        instance.SOPInstanceUID: (one.study_instance_uid, one.series_instance_uid)
        for one in all_series(store)
        for instance in one
    }


def check(store: MetadataStore) -> None:
    """What must hold of a store between any two changes."""
    places, seen, held = store._places, 0, set()
    for one in all_series(store):
        state = one._state
        assert one._slots == set(state.slots), "tables that no instance is in stay"
        assert held.isdisjoint(one._slots)
        held |= one._slots
        assert store.series(one.study_instance_uid, one.series_instance_uid) is one
        known = store.series(one.series_instance_uid)
        assert known is not None
        assert known.series_instance_uid == one.series_instance_uid
        assert len(one) == len(one.instances) == len(list(one)) == state.count
        assert one.is_loaded == bool(state.count)
        assert not (one.is_loaded and one.is_evicted)
        for kept, slot, rows in state.pieces():
            assert places.tables[slot] is kept
            assert places.owners[slot] is one
            for row in range(len(kept)) if rows is None else rows.tolist():
                uid = kept[row].SOPInstanceUID
                assert places.find(uid) == (slot, row), "the index and the series disagree"
                assert kept[row].SeriesInstanceUID == one.series_instance_uid
                assert kept[row].StudyInstanceUID == one.study_instance_uid
                assert uid in store
        seen += state.count
    assert len(store) == seen == len(contents(store)) == store.summary()["instances"]
    assert held == {slot for slot, kept in enumerate(places.tables) if kept is not None}
    if not held:
        assert places.tables_nbytes == 0
    assert store._journal is None


def snapshot(store: MetadataStore, uids: Any = (), image_ids: Any = ()) -> Any:
    """All that can be seen of a store, its objects by identity and mappings in their order."""
    places = store._places
    return {
        "studies": [
            (uid, id(study), dict(study._summary), [(key, id(one)) for key, one in study._series.items()])
            for uid, study in store._studies.items()
        ],
        "series": [(uid, id(one)) for uid, one in store._series.items()],
        "states": {
            id(one): (
                tuple(map(id, one._state.tables)),
                one._state.slots,
                tuple(None if rows is None else tuple(rows.tolist()) for rows in one._state.rows),
                one._state.ends,
                dict(one._summary),
                one.is_evicted,
                one.pinned,
                one._loader,
                frozenset(one._slots),
            )
            for one in all_series(store)
        },
        "image ids": dict(store._image_ids),
        "held": {(slot, id(kept)) for slot, kept in enumerate(places.tables) if kept is not None},
        "owners": {slot: id(owner) for slot, owner in enumerate(places.owners) if owner is not None},
        "bytes": places.tables_nbytes,
        "count": len(store),
        "found": {uid: places.find(uid) for uid in {*contents(store), *uids}},
        "images": {one: _seen(store.instance_by_image_id(one)) for one in image_ids},
        "waiting": len(store._queue._waiting),
        "journal": store._journal,
    }


def _seen(instance: metalith.Instance | None) -> Any:
    return None if instance is None else (instance.SOPInstanceUID, instance.get("InstanceNumber"), instance.path)


class Refused(Exception):
    pass


@contextmanager
def taken_back(store: MetadataStore) -> Iterator[None]:
    """A transaction that fails at its end."""
    with suppress(Refused), store.transaction():
        yield
        raise Refused
