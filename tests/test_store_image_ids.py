"""Instances by image ids that have to be parsed."""

from __future__ import annotations

import shutil
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

import metalith
from metalith.image_ids import file_id
from metalith.store import MetadataStore

CT = Path(get_testdata_file("CT_small.dcm"))


@pytest.mark.parametrize("name", ["plain.dcm", "a b.dcm", "100%?.dcm", "a#b&c.dcm", "ä.dcm", "x?frame=1"])
def test_files_of_any_name(tmp_path, name):
    shutil.copy(CT, tmp_path / name)
    store = MetadataStore()
    store.add_instance(metalith.read(tmp_path / name))
    for frame in (None, 1, 2):
        assert store.instance_by_image_id(file_id(str(tmp_path / name), frame=frame)).Modality == "CT"
    assert store.instance_by_image_id(file_id(str(tmp_path / "other"))) is None


def test_escaped_uids():
    store = MetadataStore()
    store.add_instance({"StudyInstanceUID": "1", "SeriesInstanceUID": "1.2", "SOPInstanceUID": "1.2.3"})
    for uid in ("1.2.3", "1%2E2%2e3"):
        assert store.instance_by_image_id(f"wadouri:http://h/wado?objectUID={uid}&frame=2").SOPInstanceUID == "1.2.3"
    assert store.instance_by_image_id("wadouri:http://h/wado?objectUID=1%2E2") is None


def test_frames_of_ids_that_were_made_known():
    store = MetadataStore()
    store.add_instance({"StudyInstanceUID": "1", "SeriesInstanceUID": "1.2", "SOPInstanceUID": "1.2.3"})
    store.add_image_ids({"web:a": "1.2.3", "dicomfile:/nowhere/3": "1.2.3"})
    for image_id in ("web:a", "web:a?frame=2", "dicomfile:/nowhere/3?frame=7"):
        assert store.instance_by_image_id(image_id).SOPInstanceUID == "1.2.3"
    assert store.instance_by_image_id("web:b?frame=2") is None
    assert store.instance_by_image_id("web:a?frame=2&frame=3") is None  # no image id


def test_what_else_a_store_takes():
    """A file object, and a dataset of pydicom's."""
    store = MetadataStore()
    assert store.add_instance(BytesIO(CT.read_bytes())) == 1
    assert store.add_instance(pydicom.dcmread(CT)) == 1
    assert len(store) == 1


def test_a_path_that_no_file_can_have_finds_nothing():
    store = metalith.MetadataStore()
    assert store.instance_by_image_id("dicomfile:/x%00") is None
    assert store.get("Rows", "dicomfile:/x%00") is None


def test_who_asked_before_an_image_id_was_known_is_answered_afterwards():
    store, metadata, told = metalith.MetadataStore(), metalith.MetadataProviders(), []
    store.provide(metadata)
    store.subscribe(store.IMAGE_IDS_ADDED, told.append)
    uids = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.2", "SOPInstanceUID": "1.2.3"}
    store.add_instances({**uids, "Rows": 4})
    assert metadata.get("Rows", "web:a") is None
    store.add_image_ids({"web:a": "1.2.3"})
    assert metadata.get("Rows", "web:a") == 4
    assert metadata.get("Rows", "web:a?frame=1") == 4
    assert [event.image_ids for event in told] == [("web:a",)]
    store.add_image_ids({})
    assert len(told) == 1
