"""Reading many files: every one of them, in order, whatever the number of threads and whatever is wrong with some."""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.data.data_manager import DATA_ROOT
from pydicom.dataset import Dataset
from test_dicomdir import write_index

import metalith
from metalith.dicomdir import UnsafeReferenceError

FILES = Path(DATA_ROOT) / "test_files"
DISC = FILES / "dicomdirtests"
CT = (FILES / "CT_small.dcm").read_bytes()
WORKERS = [0, 1, 2, 8]
_SERIES = pydicom.dcmread(FILES / "CT_small.dcm").SeriesInstanceUID.encode()
_CT_HEADER = metalith.header_bytes(CT)


def ct(series: int = 0) -> bytes:
    """A small file of a series; only so much of the pixels that it is whole."""
    return CT.replace(_SERIES, _SERIES[:-2] + b"%02d" % series)


def names(table: metalith.InstanceTable) -> list[str]:
    return [Path(path or "").name for path in table.paths]


def counts(scan: metalith.Scan) -> tuple[int, ...]:
    return scan.files, scan.instances, scan.skipped, scan.indexes, scan.links, scan.failed


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("metalith-scan")]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    assert threads() == []


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Five series, file by file in turns, among what is not DICOM, damaged or elsewhere."""
    root = tmp_path / "mixed"
    root.mkdir()
    for i in range(300):
        (root / f"{i:03}").write_bytes(ct(i % 5))
    (root / "100.txt").write_bytes(b"no DICOM" * 100)
    (root / "empty").write_bytes(b"")
    (root / "200.cut").write_bytes(CT[:1000])
    (root / "DICOMDIR").write_bytes((DISC / "DICOMDIR").read_bytes())
    (root / "INDEX").write_bytes((DISC / "DICOMDIR").read_bytes())
    if sys.platform != "win32":
        (root / "link").symlink_to(FILES / "MR_small.dcm")
    return root


# ---- what comes out ----


@pytest.mark.parametrize("workers", WORKERS)
def test_every_file_is_read_as_by_itself(workers: int) -> None:
    scan = metalith.scan(FILES, workers=workers, on_error="partial")
    by_path = {instance.path: instance for table in scan for instance in table}
    assert len(by_path) == scan.instances > 150
    for path, instance in by_path.items():
        alone = metalith.read(path, on_error="partial")
        assert instance == alone
        assert instance.file_meta == alone.file_meta


def test_a_table_is_a_series(mixed: Path) -> None:
    scan = metalith.scan(mixed, workers=2)
    tables = list(scan)
    assert [len(table) for table in tables] == [60] * 5
    assert all("SeriesInstanceUID" in table.constant for table in tables)
    assert [names(table)[:2] for table in tables] == [[f"{i:03}", f"{i + 5:03}"] for i in range(5)]
    links = int(sys.platform != "win32")
    assert counts(scan) == (305, 300, 2, 2, links, 1)
    assert scan.tables == 5
    assert scan.bytes == 300 * _CT_HEADER
    assert scan.files == scan.instances + scan.skipped + scan.indexes + scan.failed
    assert repr(scan) == "<Scan: 305 files, 300 instances, 1 failures>"


@pytest.mark.parametrize("window", [1, 3, 7, 100, None])
def test_the_same_whatever_the_number_of_threads(mixed: Path, window: int | None) -> None:
    outcomes = []
    for workers in WORKERS:
        scan = metalith.scan([mixed, FILES], workers=workers, window=window)
        tables = list(scan)
        told = [(failure.path, str(failure.error)) for failure in scan.failures]
        outcomes.append(([table.paths for table in tables], counts(scan), told, tables))
    assert all(outcome == outcomes[0] for outcome in outcomes[1:])


def test_without_groups(mixed: Path) -> None:
    (table,) = metalith.scan(mixed, group_by_series=False)
    assert names(table) == [f"{i:03}" for i in range(300)]
    assert len(table.distinct("SeriesInstanceUID")) == 5


def test_without_series(tmp_path: Path) -> None:
    for i in range(3):
        dataset = pydicom.dcmread(FILES / "CT_small.dcm")
        del dataset.SeriesInstanceUID
        dataset.save_as(tmp_path / str(i))
    (tmp_path / "1a").write_bytes(CT)
    tables = list(metalith.scan(tmp_path))
    assert [names(table) for table in tables] == [["0", "1", "2"], ["1a"]]


def test_nothing(tmp_path: Path) -> None:
    for paths in (tmp_path, [], iter([])):
        scan = metalith.scan(paths)
        assert list(scan) == []
        assert counts(scan) == (0, 0, 0, 0, 0, 0)
        assert next(scan, None) is None


def test_one_file_needs_no_thread() -> None:
    scan = metalith.scan(FILES / "CT_small.dcm", workers=8)
    table = next(scan)
    assert threads() == []
    assert table[0] == metalith.read(FILES / "CT_small.dcm")


def test_paths_of_all_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(CT)
    monkeypatch.chdir(tmp_path)
    given = ["a", Path("a"), b"a", str(tmp_path), tmp_path / "a"]
    (table,) = metalith.scan(given)
    assert table.paths == (str(tmp_path / "a"),) * 5
    assert sum(map(len, metalith.scan(b"."))) == 1


def test_settings_are_those_of_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(CT)

    def first(**settings) -> metalith.Instance:
        return next(metalith.scan(tmp_path, **settings))[0]

    assert first(specific_tags=["Rows"]).keys() == ["Rows"]
    assert first(until="Rows").keys()[-1] == "PhotometricInterpretation"
    assert first(until="Modality", group_by_series=False).keys()[-1] == "AccessionNumber"
    private = [name for name in first(bulk_above=4) if isinstance(first(bulk_above=4)[name], metalith.BulkData)]
    assert len(private) > 1
    assert isinstance(first()["PixelData"], metalith.BulkData)


@pytest.mark.parametrize(
    "settings",
    [
        {"workers": -1},
        {"window": 0},
        {"on_error": "ignore"},
        {"until": "SeriesInstanceUID"},
        {"until": "Modality"},
        {"specific_tags": ["NoSuchThing"]},
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        metalith.scan(FILES, **settings)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        metalith.scan(FILES, max_nonsense=1)


# ---- windows ----


def test_a_series_is_complete_when_its_last_file_is_a_window_ago(tmp_path: Path) -> None:
    order = "AABBBBACCA"
    for i, series in enumerate(order):
        (tmp_path / f"{i}{series}").write_bytes(ct(ord(series)))

    def parts(window: int | None) -> list[str]:
        return ["".join(name[1] for name in names(table)) for table in metalith.scan(tmp_path, window=window)]

    assert parts(1) == ["AA", "BBBB", "A", "CC", "A"]
    assert parts(2) == ["AA", "BBBB", "A", "CC", "A"][:2] + ["A", "CC", "A"]
    assert parts(3) == ["AA", "BBBB", "AA", "CC"]
    assert parts(4) == ["AA", "BBBB", "AA", "CC"]
    assert parts(5) == ["AAAA", "BBBB", "CC"]
    assert parts(100) == parts(None) == ["AAAA", "BBBB", "CC"]


def test_tables_come_while_the_scan_goes_on(tmp_path: Path) -> None:
    for series in range(20):
        for i in range(50):
            (tmp_path / f"{series:02}{i:02}").write_bytes(ct(series))
    for workers in WORKERS:
        with metalith.scan(tmp_path, workers=workers, window=60) as scan:
            assert [len(next(scan)), scan.instances < 300, scan.files < 300] == [50, True, True]
            assert [len(table) for table in scan] == [50] * 19


def test_other_files_count_for_the_window(tmp_path: Path) -> None:
    (tmp_path / "0").write_bytes(ct(1))
    for i in range(1, 9):
        (tmp_path / f"{i}").write_bytes(b"not DICOM" * 9)
    (tmp_path / "9").write_bytes(ct(1))
    assert [len(table) for table in metalith.scan(tmp_path, window=8)] == [1, 1]
    assert [len(table) for table in metalith.scan(tmp_path, window=10)] == [2]


# ---- what goes wrong ----


def test_damage_is_reported_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(CT)
    (tmp_path / "b").write_bytes(CT[:1000])
    (tmp_path / "c").write_bytes(CT)
    told = []
    scan = metalith.scan(tmp_path, report=told.append)
    (table,) = scan
    assert names(table) == ["a", "c"]
    (failure,) = scan.failures
    assert told == [failure]
    assert failure.path == str(tmp_path / "b")
    assert isinstance(failure.error, metalith.TruncatedError)
    with pytest.raises(metalith.TruncatedError) as alone:
        metalith.read(tmp_path / "b")
    assert str(failure.error) == str(alone.value)
    assert failure.offset == alone.value.offset > 900
    assert str(failure) == f"{failure.path}: {failure.reason} (at byte {failure.offset:,})"
    assert pickle.loads(pickle.dumps(failure)).offset == failure.offset


@pytest.mark.parametrize("workers", [1, 4])
def test_every_cut_of_a_file(tmp_path: Path, workers: int) -> None:
    lengths = range(0, _CT_HEADER + 8, 37)
    for n in lengths:
        (tmp_path / f"{n:05}").write_bytes(CT[:n])
    scan = metalith.scan(tmp_path, workers=workers)
    read = {name for table in scan for name in names(table)}
    assert scan.files == len(lengths) == scan.instances + scan.skipped + scan.failed
    for n in lengths:
        try:
            metalith.read(CT[:n])
        except metalith.ParseError:
            assert f"{n:05}" not in read
        else:
            assert f"{n:05}" in read


def test_partial(tmp_path: Path) -> None:
    (tmp_path / "cut").write_bytes(CT[:4000])
    scan = metalith.scan(tmp_path, on_error="partial")
    (table,) = scan
    assert table[0].PatientName == "CompressedSamples^CT1"
    assert scan.failed == 0
    assert table.problems


def test_raise(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(CT)
    (tmp_path / "b").write_bytes(CT[:1000])
    for i in range(100):
        (tmp_path / f"c{i}").write_bytes(CT)
    for workers in WORKERS:
        scan = metalith.scan(tmp_path, on_error="raise", workers=workers)
        with pytest.raises(metalith.TruncatedError, match=r"byte") as raised:
            next(scan)
        assert raised.value.source == str(tmp_path / "b")
        assert list(scan) == []
        assert threads() == []


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        metalith.scan(tmp_path / "no")
    (tmp_path / "a").write_bytes(CT)
    scan = metalith.scan([tmp_path / "no", tmp_path / "a"])
    assert sum(map(len, scan)) == 1
    assert isinstance(scan.failures[0].error, FileNotFoundError)
    assert (scan.failures[0].offset, scan.failures[0].reason) == (None, "No such file or directory")
    assert str(scan.failures[0]) == f"{tmp_path / 'no'}: No such file or directory"
    with pytest.raises(FileNotFoundError):
        list(metalith.scan([tmp_path / "no"], on_error="raise"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_forbidden_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(CT)
    (tmp_path / "b").write_bytes(CT)
    (tmp_path / "b").chmod(0)
    scan = metalith.scan(tmp_path)
    assert sum(map(len, scan)) == 1
    assert isinstance(scan.failures[0].error, PermissionError)


def test_files_that_go_while_they_are_scanned(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i:03}" for i in range(40)]
    for path in paths:
        path.write_bytes(CT)

    def vanishing() -> Iterator[Path]:
        for path in paths:
            yield path
            if int(path.name) % 4 == 0:
                path.unlink()

    scan = metalith.scan(vanishing(), workers=2)
    assert sum(map(len, scan)) == 30
    assert {type(failure.error) for failure in scan.failures} == {FileNotFoundError}
    assert scan.failed == 10


def test_limits_of_a_table(tmp_path: Path) -> None:
    """A file that is beyond them leaves no row, and the others of its series are read."""
    for i in range(4):
        dataset = pydicom.dcmread(FILES / "CT_small.dcm")
        for k in range(500 if i == 1 else 0):
            dataset.add_new(0x00111000 + k, "LO", "x")
        dataset.save_as(tmp_path / str(i))
    scan = metalith.scan(tmp_path, max_keys=400)
    (table,) = scan
    assert names(table) == ["0", "2", "3"]
    (failure,) = scan.failures
    assert "max_keys=400" in failure.reason
    assert str(failure.error).startswith(f"{tmp_path / '1'}: ")
    with metalith.limits(max_keys=400):
        scan = metalith.scan(tmp_path)
    assert sum(map(len, scan)) == 3


def test_strict(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(CT)
    dataset = pydicom.dcmread(FILES / "CT_small.dcm")
    dataset[0x00280010].VR = "UL"
    dataset[0x00180050]._value = None
    dataset.add_new(0x00180050, "LO", "thick")
    dataset[0x00180050].VR = "LO"
    dataset.save_as(tmp_path / "b")
    body = (tmp_path / "b").read_bytes()
    at = body.index(b"\x18\x00\x50\x00LO")
    (tmp_path / "b").write_bytes(body[: at + 4] + b"DS" + body[at + 6 :])
    (lenient,) = metalith.scan(tmp_path)
    assert len(lenient) == 2
    assert lenient.problems
    scan = metalith.scan(tmp_path, strict=True)
    assert sum(map(len, scan)) == 1
    assert scan.failures[0].error.path == "00180050"


def test_many_failures_are_counted_but_not_all_kept(tmp_path: Path) -> None:
    told = []
    scan = metalith.scan([tmp_path / str(i) for i in range(1100)], workers=2, report=told.append)
    assert list(scan) == []
    assert (scan.failed, len(scan.failures), len(told)) == (1100, 1000, 1100)
    assert [Path(failure.path).name for failure in scan.failures] == [str(i) for i in range(1000)]


def test_memory_is_bounded_where_headers_are_long(tmp_path: Path) -> None:
    """More than one call of `read_many` may give at once: the rest is read by the next."""
    dataset = pydicom.dcmread(FILES / "CT_small.dcm")
    dataset.add_new(0x00111001, "OB", bytes(1 << 20))
    dataset.save_as(tmp_path / "00")
    for i in range(1, 30):
        shutil.copyfile(tmp_path / "00", tmp_path / f"{i:02}")
    framing = metalith._core.Framing(metalith.Limits(), 0, False)
    paths = [os.fsencode(tmp_path / f"{i:02}") for i in range(30)]
    assert 8 <= len(framing.read_many(paths)) <= 10
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    dataset.save_as(tmp_path / "deflated")
    assert (tmp_path / "deflated").stat().st_size < 1 << 16
    assert 8 <= len(framing.read_many([os.fsencode(tmp_path / "deflated")] * 30)) <= 10
    (tmp_path / "deflated").unlink()
    for workers in WORKERS:
        (table,) = metalith.scan(tmp_path, workers=workers)
        assert names(table) == [f"{i:02}" for i in range(30)]


def test_stopped_framing_reads_nothing() -> None:
    framing = metalith._core.Framing(metalith.Limits(), 0, False)
    path = os.fsencode(FILES / "CT_small.dcm")
    kinds = [type(header).__name__ for header in framing.read_many([path, None, path])]
    assert kinds == ["Header", "NoneType", "Header"]
    framing.stop()
    assert framing.read_many([path]) == []
    with pytest.raises(ValueError, match="null"):
        framing.read(path + b"\0")
    with pytest.raises(ValueError, match="null"):
        framing.read_many([path + b"\0"])


# ---- DICOMDIRs ----


def test_a_dicomdir_stands_for_its_files() -> None:
    scan = metalith.scan(DISC / "DICOMDIR", workers=3)
    paths = {path for table in scan for path in table.paths}
    records = pydicom.dcmread(DISC / "DICOMDIR").DirectoryRecordSequence
    assert paths == {str(DISC.joinpath(*r.ReferencedFileID)) for r in records if "ReferencedFileID" in r}
    assert counts(scan) == (32, 31, 0, 1, 0, 0)


def test_a_dicomdir_that_leads_elsewhere(tmp_path: Path) -> None:
    disc = tmp_path / "disc"
    disc.mkdir()
    (disc / "IM1").write_bytes(CT)
    (tmp_path / "IM2").write_bytes(CT)
    path = write_index(disc, [["..", "IM2"], "IM1", "/etc/passwd", "IM3"])
    scan = metalith.scan(path)
    (table,) = scan
    assert table.paths == (str(disc / "IM1"),)
    assert [(failure.path, type(failure.error)) for failure in scan.failures] == [
        (str(path), UnsafeReferenceError),
        (str(path), UnsafeReferenceError),
        (str(disc / "IM3"), FileNotFoundError),
    ]
    assert counts(scan) == (2, 1, 0, 1, 0, 3)
    with pytest.raises(UnsafeReferenceError):
        list(metalith.scan(path, on_error="raise"))


def test_a_damaged_dicomdir(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes((DISC / "DICOMDIR").read_bytes()[:2000])
    scan = metalith.scan(tmp_path / "DICOMDIR")
    assert list(scan) == []
    assert scan.failures[0].path == str(tmp_path / "DICOMDIR")
    assert scan.failures[0].offset


# ---- the rest ----


def test_no_patient_in_messages(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    dataset = Dataset()
    dataset.PatientName, dataset.PatientID = "Secret^Name", "SECRETID"
    dataset.SeriesInstanceUID = "1.2.3"
    dataset.StudyDescription = "Secret study"
    dataset.file_meta = pydicom.dcmread(FILES / "CT_small.dcm").file_meta
    dataset.save_as(tmp_path / "0", enforce_file_format=True)
    body = (tmp_path / "0").read_bytes()
    for n in range(140, len(body), 5):
        (tmp_path / f"{n}").write_bytes(body[:n])
    caplog.set_level(logging.DEBUG)
    scan = metalith.scan(tmp_path, workers=2, strict=True)
    tables = list(scan)
    assert scan.failed > 20
    errors = [failure.error for failure in scan.failures]
    for text in (caplog.text, repr(scan), *map(str, scan.failures), *map(repr, errors)):
        assert "secret" not in text.lower()
    assert tables


def test_importing_brings_nothing_slow() -> None:
    import subprocess

    program = (
        "import metalith, sys; assert 'metalith.scanning' not in sys.modules; metalith.scan; "
        f"n = sum(map(len, metalith.scan({str(DISC)!r}, workers=1))); assert n == 81, n; "
        "print(sorted({'numpy', 'pydicom', 'concurrent.futures', 'orjson', 'rich'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", program]) == b"[]\n"
