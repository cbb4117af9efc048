"""`store.dicom` of local files: whole files under names that nothing in the data can lead astray."""

from __future__ import annotations

import io
import os
import stat
import sys
import warnings
from pathlib import Path

import pydicom
import pytest
from models.store_checks import file
from pydicom.data.data_manager import DATA_ROOT
from pydicom.dataset import Dataset

import metalith
from metalith.sources import data_source
from metalith.sources.local import Changes

FILES = Path(DATA_ROOT) / "test_files"
CT = FILES / "CT_small.dcm"


@pytest.fixture
def source(tmp_path):
    return data_source("dicomlocal", {"storePath": tmp_path / "kept"})


def kept(tmp_path: Path) -> list[str]:
    return sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())


def test_files_are_kept_byte_by_byte(source, tmp_path):
    result = source.store.dicom([CT, str(FILES / "MR_small.dcm"), file("1.2.1")])
    assert (len(result.stored), result.failures) == (3, ())
    assert len(kept(tmp_path)) == 3
    [ct] = [one for one in result.stored if one.sop_class_uid == "1.2.840.10008.5.1.4.1.1.2"]
    path = Path(ct.retrieve_url.removeprefix("file://"))
    assert path.read_bytes() == CT.read_bytes()
    assert "kept/1/1.2/1.2.1.dcm" in kept(tmp_path)
    instance = source.metadata_store.instance(ct.sop_instance_uid)
    assert instance.path == str(path)
    assert source.retrieve.frames(instance) == data_source("dicomlocal").retrieve.frames(metalith.read(CT))


def test_datasets_and_natural_dicts(source):
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", "1.2.7"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.Rows = "1", "1.2", 4
    natural = {
        "StudyInstanceUID": "1",
        "SeriesInstanceUID": "1.2",
        "SOPInstanceUID": "1.2.8",
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4",
        "PatientName": "ROE^Jürgen",
        "SpecificCharacterSet": "ISO_IR 192",
        "imageId": "web:1",
    }
    result = source.store.dicom([dataset, natural, metalith.read(CT)])
    assert result.failures == ()
    assert source.metadata_store.instance("1.2.7").Rows == 4
    assert source.metadata_store.instance("1.2.8").PatientName == "ROE^Jürgen"
    assert not hasattr(dataset, "file_meta")
    for one in result.stored:
        assert pydicom.dcmread(one.retrieve_url.removeprefix("file://")).SOPInstanceUID == one.sop_instance_uid


def test_they_are_here_the_next_time(source, tmp_path):
    source.store.dicom([file("1.2.1"), file("1.2.2")])
    assert len(source.query.instances.search()) == 2
    assert source.rescan() == Changes(unchanged=2)
    again = data_source("dicomlocal", {"store_path": str(tmp_path / "kept")})
    assert len(again.query.instances.search()) == 2


def test_the_folder_may_be_among_the_paths(tmp_path):
    (tmp_path / "kept").mkdir()
    source = data_source("dicomlocal", {"paths": [tmp_path], "store_path": tmp_path / "kept"})
    source.store.dicom(file("1.2.1"))
    assert source.read() == Changes(unchanged=1)
    assert source.rescan() == Changes(unchanged=1)
    assert len(source.query.instances.search()) == 1


def test_stored_again(source, tmp_path):
    source.store.dicom(file("1.2.1", InstanceNumber=1))
    source.store.dicom(io.BytesIO(file("1.2.1", InstanceNumber=2)))
    assert len(kept(tmp_path)) == 1
    assert source.metadata_store.instance("1.2.1").InstanceNumber == 2
    assert source.rescan() == Changes(unchanged=1)


def test_stored_while_others_are_read(tmp_path):
    """What comes during a reading that began before must not be taken for gone."""
    source = data_source("dicomlocal", {"store_path": tmp_path})
    source.store.dicom(file("1.2.1"))
    done = []

    def meanwhile(scan):
        if not done:
            done.append(source.store.dicom(file("1.2.2")))

    source.rescan(progress=meanwhile)
    assert done[0].failures == ()
    assert source.metadata_store.instance("1.2.2") is not None
    assert source.rescan() == Changes(unchanged=2)


@pytest.mark.parametrize(
    "uid", ["../escape", "/proc/nowhere", "..", ".", "1..2", "a/b", "C:x", "é" * 30, "1" * 65, "CON"]
)
def test_no_name_leads_outside(source, tmp_path, uid):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        body = file(uid, uid, uid)
    result = source.store.dicom(body)
    assert len(result.stored) == len(kept(tmp_path)) == 1
    for name in kept(tmp_path):
        assert name.count("/") == 3
        assert name.startswith("kept/")
        assert ".." not in name.split("/")


def test_what_cannot_be_stored_stops_nobody(source, tmp_path):
    no_uids = (FILES / "no_meta_group_length.dcm").read_bytes()
    lacking = Dataset()
    lacking.PatientName = "DOE^JANE"
    data = [file("1.2.1"), b"garbage" * 100, no_uids, lacking, tmp_path / "missing", CT.read_bytes()[:600], CT]
    result = source.store.dicom(data)
    assert len(result.stored) == 2
    assert [failure.index for failure in result.failures] == [1, 2, 3, 4, 5]
    told = " ".join(map(str, result.failures))
    assert "DOE" not in told
    assert len(kept(tmp_path)) == 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/dev/full is Linux's")
def test_nothing_half_done_is_left(tmp_path, monkeypatch):
    source = data_source("dicomlocal", {"store_path": tmp_path / "kept"})
    source.store.dicom(file("1.2.1", InstanceNumber=1))
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    result = source.store.dicom([file("1.2.1", InstanceNumber=2), file("1.2.2")])
    assert result.stored == ()
    assert ["No space left on device" in str(failure) for failure in result.failures] == [True, True]
    assert kept(tmp_path) == ["kept/1/1.2/1.2.1.dcm"]
    assert source.metadata_store.instance("1.2.1").InstanceNumber == 1
    assert source.metadata_store.instance("1.2.2") is None


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "kept").write_bytes(b"")
    result = data_source("dicomlocal", {"store_path": tmp_path / "kept"}).store.dicom(file("1.2.1"))
    assert len(result.failures) == 1


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_permissions_are_those_of_new_files(source, tmp_path):
    source.store.dicom(file("1.2.1"))
    before = os.umask(0)
    os.umask(before)
    [name] = kept(tmp_path)
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o666 & ~before


def test_without_a_folder_they_are_kept_in_memory(tmp_path):
    source = data_source("dicomlocal")
    result = source.store.dicom([CT, file("1.2.1")])
    assert [one.retrieve_url for one in result.stored] == [None, None]
    instance = source.metadata_store.instance(result.stored[0].sop_instance_uid)
    assert source.get_image_ids_for_instance(instance).startswith("dicomfile:")
    assert source.retrieve.frames(instance) == data_source("dicomlocal").retrieve.frames(metalith.read(CT))
