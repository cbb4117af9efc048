"""DICOMDIRs: the files they name, and nothing outside of their folder, whatever they say."""

from __future__ import annotations

import os
import pickle
import shutil
import sys
from pathlib import Path

import pydicom
import pytest
from pydicom.data.data_manager import DATA_ROOT
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage, generate_uid

import metalith
from metalith.dicomdir import UnsafeReferenceError, referenced_files

FILES = Path(DATA_ROOT) / "test_files"
DISC = FILES / "dicomdirtests"


def write_index(folder: Path, names: list[object], **changes: object) -> Path:
    """A DICOMDIR, as somebody with bad intentions may write it."""
    index = Dataset()
    index.file_meta = FileMetaDataset()
    index.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    index.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    index.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    index.DirectoryRecordSequence = []
    for name in names:
        record = Dataset()
        record.RecordInUseFlag = 0xFFFF
        record.DirectoryRecordType = "IMAGE"
        if name is not None:
            # as LO: pydicom would warn of what is no CS
            record.add_new(0x00041500, "LO", name)
        record.update({getattr(pydicom.tag.Tag(key), "real", key): value for key, value in changes.items()})
        index.DirectoryRecordSequence.append(record)
    path = folder / "DICOMDIR"
    index.save_as(path, enforce_file_format=True)
    return path


def found(path: Path) -> list[object]:
    """Paths relative to the folder, or the kinds of errors."""
    root = os.fsencode(path.parent)
    entries = referenced_files(metalith.read(path), path.parent)
    return [os.fsdecode(os.path.relpath(e, root)) if isinstance(e, bytes) else type(e) for e in entries]


@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-bigEnd", "DICOMDIR-implicit", "DICOMDIR-reordered"])
def test_files_are_those_that_pydicom_finds(name: str) -> None:
    records = pydicom.dcmread(DISC / name).DirectoryRecordSequence
    expected = ["/".join(record.ReferencedFileID) for record in records if "ReferencedFileID" in record]
    assert len(expected) == 31
    assert found(DISC / name) == expected


def test_no_records() -> None:
    assert found(DISC / "DICOMDIR-empty.dcm") == []
    assert found(FILES / "CT_small.dcm") == []


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    folder = tmp_path / "disc"
    (folder / "DIR").mkdir(parents=True)
    (folder / "DIR" / "IM1").write_bytes(b"")
    (folder / "IM0").write_bytes(b"")
    (tmp_path / "SECRET").write_bytes(b"")
    return folder


UNSAFE = [
    ["..", "SECRET"],
    ["DIR", "..", "..", "SECRET"],
    ["DIR", "..", "IM0"],
    [".", "IM0"],
    "../SECRET",
    "DIR/IM1",
    "/etc/passwd",
    ["", "etc", "passwd"],
    ["DIR", "", "IM1"],
    "C:",
    ["C:", "SECRET"],
    "IM0:stream",
    "..",
    ".",
]


@pytest.mark.parametrize("name", UNSAFE, ids=str)
def test_what_leads_out_of_the_folder_is_refused(disc: Path, name: object) -> None:
    path = write_index(disc, ["IM0", name, ["DIR", "IM1"]])
    assert found(path) == ["IM0", UnsafeReferenceError, "DIR/IM1"]


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"AAAA\\SECRET", b"\\\\ab\\SECRET"), (b"AAAA\\SECRET", b"..\0.\\SECRET"), (b"AAAA\\SECRET", b"../a\\SECRET")],
)
def test_bytes_that_pydicom_would_not_write(disc: Path, old: bytes, new: bytes) -> None:
    path = write_index(disc, [["AAAA", "SECRET"]])
    body = path.read_bytes()
    assert body.count(old) == 1
    path.write_bytes(body.replace(old, new))
    assert found(path) == [UnsafeReferenceError]


def test_the_error_tells_where_but_not_what(disc: Path) -> None:
    path = write_index(disc, ["IM0", ["..", "SECRET"]])
    error = list(referenced_files(metalith.read(path), disc))[1]
    assert isinstance(error, metalith.MetalithError)
    assert isinstance(error, ValueError)
    assert isinstance(error, UnsafeReferenceError)
    assert error.path == "00041220[1].00041500"
    assert error.path in str(error)
    assert "SECRET" not in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.path) == (type(error), str(error), error.path)


@pytest.mark.skipif(sys.platform == "win32", reason="links need privileges there")
def test_links(disc: Path, tmp_path: Path) -> None:
    (tmp_path / "OUT").mkdir()
    (tmp_path / "OUT" / "FILE").write_bytes(b"")
    (disc / "LINK").symlink_to(tmp_path / "SECRET")
    (disc / "OUT").symlink_to(tmp_path / "OUT")
    (disc / "IN").symlink_to("DIR")
    (disc / "AGAIN").symlink_to("IM0")
    path = write_index(disc, ["LINK", ["OUT", "FILE"], ["IN", "IM1"], "AGAIN"])
    assert found(path) == [UnsafeReferenceError, UnsafeReferenceError, "IN/IM1", "AGAIN"]


def test_missing_files_and_files_for_folders(disc: Path) -> None:
    path = write_index(disc, [["DIR", "IM2"], ["NO", "IM1"], ["IM0", "IM1"], "DIR"])
    assert found(path) == [FileNotFoundError, FileNotFoundError, FileNotFoundError, "DIR"]
    error = next(iter(referenced_files(metalith.read(path), disc)))
    assert isinstance(error, FileNotFoundError)
    assert error.filename == str(disc / "DIR" / "IM2")


@pytest.mark.parametrize("name", ["DIR/IM1", "dir/im1", "DIR/IM1.;1", "Dir/im1;2", "dir/IM1."])
def test_names_as_discs_are_mounted(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_bytes(b"")
    assert found(write_index(tmp_path, [["DIR", "IM1"]])) == [name]


@pytest.mark.skipif(sys.platform != "linux", reason="case does not matter there")
def test_the_name_as_it_is_written_comes_first(tmp_path: Path) -> None:
    for name in ("im1", "IM1", "Im1", "im2", "Im2"):
        (tmp_path / name).write_bytes(b"")
    assert found(write_index(tmp_path, ["IM1", "IM2"])) == ["IM1", "Im2"]


def test_each_file_once_and_none_that_is_not_in_use(disc: Path) -> None:
    assert found(write_index(disc, ["IM0", None, ["DIR", "IM1"], "IM0", "im0"])) == ["IM0", "DIR/IM1"]
    index = pydicom.dcmread(disc / "DICOMDIR")
    index.DirectoryRecordSequence[0].RecordInUseFlag = 0
    index.DirectoryRecordSequence[3].RecordInUseFlag = 0
    index.DirectoryRecordSequence[4].RecordInUseFlag = 0
    index.save_as(disc / "DICOMDIR")
    assert found(disc / "DICOMDIR") == ["DIR/IM1"]


def test_records_that_are_none(disc: Path) -> None:
    """Whatever VR the file gives the attributes."""
    path = write_index(disc, ["IM0"])
    index = pydicom.dcmread(path)
    del index.DirectoryRecordSequence
    index.add_new(0x00041220, "LO", ["a", "b"])
    index.save_as(path)
    assert found(path) == []
    path = write_index(disc, ["IM0"])
    index = pydicom.dcmread(path)
    for vr, value in (("US", [1, 2]), ("OB", b"IM"), ("SQ", [Dataset()]), ("UN", b"IM0 ")):
        del index.DirectoryRecordSequence[0][0x00041500]
        index.DirectoryRecordSequence[0].add_new(0x00041500, vr, value)
        index.save_as(path)
        assert set(found(path)) <= {UnsafeReferenceError, FileNotFoundError, "IM0"}


def test_a_copy_in_lower_case(tmp_path: Path) -> None:
    """The whole disc, as some systems mount it."""
    for path in DISC.joinpath("98892003").rglob("*"):
        if path.is_file():
            target = tmp_path / str(path.relative_to(DISC)).lower()
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    shutil.copyfile(DISC / "DICOMDIR", tmp_path / "dicomdir")
    paths = [entry for entry in found(tmp_path / "dicomdir") if isinstance(entry, str)]
    assert len(paths) == sum(path.is_file() for path in DISC.joinpath("98892003").rglob("*"))
    assert all((tmp_path / path).is_file() for path in paths)
