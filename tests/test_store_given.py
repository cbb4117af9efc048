"""Attributes that were given for studies come back from a file as they were, or it is said which cannot."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.stores import FILES, dataset, series_of

import metalith
from metalith.bulk import BulkData
from metalith.errors import StoreError
from metalith.store import MetadataStore
from metalith.values import PersonName


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "saved.metalith"


def saved(store: MetadataStore, path: Path) -> MetadataStore:
    store.save(path)
    return MetadataStore.open(path)


VALUES = [
    None,
    True,
    "text ü",
    "half a pair \ud800",
    2**63 - 1,
    -(2**63),
    2**70,
    -(2**64),
    0.1,
    float("inf"),
    1e-320,
    (),
    ("ORIGINAL", None, 1, 0.5),
    ["a", ("b",)],
    b"\x00\xff",
    PersonName("A^B", "C^D", "E"),
    (PersonName("A"), PersonName("", "B")),
    {"Rows": 5, 1: (2,)},
    [{"CodeValue": "1", "list": {"x": b""}}],
    BulkData("file:///a?offset=1&length=2", "OW", True),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_given_values(path: Path, value: Any) -> None:
    store = MetadataStore()
    store.add_study({"StudyInstanceUID": "1", "StudyDescription": value, "\udcffodd": value})
    given = saved(store, path).study("1")._summary["StudyDescription"]
    assert given == value
    assert type(given) is type(value)
    assert repr(given) == repr(value)
    assert getattr(given, "local", None) == getattr(value, "local", None)


def test_given_instances_and_sequences(path: Path) -> None:
    instance = metalith.read(FILES / "CT_small.dcm")
    items = metalith.naturalize(dataset(1))[0].ReferencedImageSequence
    store = MetadataStore()
    store.add_study({"StudyInstanceUID": "1", "ReferencedStudySequence": items, "one": instance})
    study = saved(store, path).study("1")
    assert study.ReferencedStudySequence == items
    assert isinstance(study.ReferencedStudySequence, metalith.Sequence)
    assert study._summary["one"] == instance
    assert study._summary["one"].path == instance.path
    assert study._summary["one"].PixelData.local


@pytest.mark.parametrize(
    ("value", "natural"),
    [
        (np.int16(5), 5),
        (np.float64(0.5), 0.5),
        (np.float32("nan"), "nan"),
        (np.str_("x"), "x"),
        (bytearray(b"1"), b"1"),
    ],
)
def test_given_numbers_of_numpy(path: Path, value: Any, natural: Any) -> None:
    store = MetadataStore()
    store.add_study({"StudyInstanceUID": "1", "x": value})
    given = saved(store, path).study("1")._summary["x"]
    assert given == natural or str(given) == natural
    assert type(given) in (int, float, str, bytes)


@pytest.mark.parametrize("value", [object(), 1j, np.arange(3), {1, 2}])
def test_what_cannot_be_saved_is_said_and_leaves_the_old_file(path: Path, value: Any) -> None:
    store = MetadataStore()
    store.add_instances(metalith.naturalize(series_of(10)))
    store.save(path)
    before = path.read_bytes()
    store.add_study({"StudyInstanceUID": "9", "PatientID": ["x", value]})
    with pytest.raises(StoreError, match=r"PatientID cannot be saved: a \w+ is no value of DICOM metadata"):
        store.save(path)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    store.add_study({"StudyInstanceUID": "9", "PatientID": deep})
    with pytest.raises(StoreError, match="PatientID cannot be saved"):
        store.save(path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]
