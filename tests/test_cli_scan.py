"""`metalith scan`, and files and folders for `show` and `summary`, as a user runs them."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.data.data_manager import DATA_ROOT

import metalith

pytest.importorskip("typer")
pytest.importorskip("rich")

from test_cli import COMMAND, CT, Outcome, run
from test_dicomdir import write_index

FILES = Path(DATA_ROOT) / "test_files"
DISC = FILES / "dicomdirtests"
CT_FILE = FILES / "CT_small.dcm"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two patients; a study of two series; a file twice; something damaged, and something that is no DICOM."""
    root = tmp_path_factory.mktemp("scan")
    for i in range(5):
        dataset = pydicom.dcmread(CT_FILE)
        dataset.SOPInstanceUID += f".{min(i, 3)}"
        dataset.InstanceNumber = i + 1
        dataset.SeriesDescription = "Axial"
        if i == 2:
            dataset.SeriesInstanceUID += ".9"
            dataset.SeriesNumber, dataset.SeriesDescription, dataset.Modality = 0, "Scout\x1b[2J", "CR"
        dataset.save_as(root / f"IM{i}")
    other = pydicom.dcmread(FILES / "MR_small.dcm")
    other.PatientName, other.PatientID = "Doe^Jürgen, Dr.", "77"
    other.SpecificCharacterSet = "ISO_IR 100"
    (root / "z").mkdir()
    other.save_as(root / "z" / "1")
    (root / "cut").write_bytes(CT_FILE.read_bytes()[:1000])
    (root / "notes.txt").write_bytes(b"no DICOM" * 100)
    (root / "DICOMDIR").write_bytes((DISC / "DICOMDIR").read_bytes())
    return root


def rows(outcome: Outcome) -> list[list[str]]:
    return list(csv.reader(io.StringIO(outcome.out)))


def objects(outcome: Outcome) -> list[Any]:
    return [json.loads(line) for line in outcome.lines]


# ---- tree ----


@pytest.mark.parametrize("arguments", [[], ["--tree"], ["--tree", "--workers", "1"]])
def test_tree(folder: Path, arguments: list[str]) -> None:
    shown = run("scan", folder, *arguments)
    assert shown.code == 0
    parts = [[part.strip() for part in line.rsplit("   ", 1)] for line in shown.lines]
    assert parts[:4] == [
        [f"{CT.PatientName}  {CT.PatientID}", "1 study, 2 series, 4 instances in 5 files"],
        [f"{CT.StudyDate}  {CT.StudyDescription}", "2 series, 4 instances in 5 files"],
        ["CR  0  Scout\\x1b[2J", "1 instance"],
        [f"CT  {CT.SeriesNumber}  Axial", "3 instances in 4 files"],
    ]
    assert parts[4] == ["Doe^Jürgen, Dr.  77", "1 study, 1 series, 1 instance"]
    assert [len(line) - len(line.lstrip()) for line in shown.lines] == [0, 2, 4, 4, 0, 2, 4]


def test_what_is_told_at_the_end(folder: Path) -> None:
    lines = run("scan", folder).err.splitlines()
    assert lines[0].startswith("metalith: 9 files: 6 instances in 3 series; 1 not DICOM; 1 DICOMDIR; 1 unreadable (0.")
    with pytest.raises(metalith.TruncatedError) as error:
        metalith.read(folder / "cut")
    assert lines[1:] == [f"metalith: {folder / 'cut'}: {error.value.reason} (at byte {error.value.offset})"]


def test_series_in_several_tables_are_one(tmp_path: Path) -> None:
    """A table is of one series; the tree joins what came apart."""
    from metalith.cli.scan_tree import Tree

    tree = Tree()
    for table in [*metalith.scan(DISC / "98892003"), *metalith.scan(DISC / "98892003", group_by_series=False)]:
        tree.add(table)
    (patient,) = tree._patients.values()
    apart = {(r.StudyInstanceUID, r.SeriesInstanceUID) for table in metalith.scan(DISC / "98892003") for r in table}
    assert sum(len(study.children) for study in patient.children.values()) == len(apart)
    assert patient.files == 2 * 17


def test_instances_without_anything(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(CT_FILE)
    for name in ("PatientID", "PatientName", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "SeriesNumber"):
        delattr(dataset, name)
    for name in ("StudyDate", "StudyDescription", "SOPInstanceUID"):
        delattr(dataset, name)
    for i in range(3):
        dataset.save_as(tmp_path / str(i))
    lines = run("scan", tmp_path).lines
    assert [line.strip().split("   ")[0] for line in lines] == ["(nothing said)"] * 3
    assert all(line.endswith("3 instances") for line in lines)


# ---- rows ----


def test_selected_columns(folder: Path) -> None:
    shown = run("scan", folder, "--select", "InstanceNumber,PatientName", "--select", "(0008,0008)")
    assert shown.code == 0
    assert shown.lines[0].split() == ["InstanceNumber", "PatientName", "ImageType"]
    image_type = "[" + ", ".join(CT.ImageType) + "]"
    assert shown.lines[1].split(None, 2) == ["1", str(CT.PatientName), image_type]
    assert [line.split()[0] for line in shown.lines[1:]] == ["1", "2", "4", "5", "3", "1"]
    assert "in 3 series" in shown.err


def test_csv(folder: Path) -> None:
    shown = run("scan", folder, "--csv", "--select", "PatientName,PixelSpacing,InstanceNumber,KVP", "--paths")
    table = rows(shown)
    assert table[0] == ["path", "PatientName", "PixelSpacing", "InstanceNumber", "KVP"]
    spacing = "\\".join(repr(float(v)) for v in CT.PixelSpacing)
    assert table[1] == [str(folder / "IM0"), str(CT.PatientName), spacing, "1", "120.0"]
    assert table[-1][:2] == [str(folder / "z" / "1"), "Doe^Jürgen, Dr."]
    assert table[-1][4] == ""
    assert len(table) == 7


def test_csv_without_selection(folder: Path) -> None:
    table = rows(run("scan", folder, "--csv"))
    assert "SOPInstanceUID" in table[0]
    assert "path" not in table[0]
    by_name = dict(zip(table[0], table[1], strict=True))
    for name in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "Modality"):
        assert by_name[name] == CT[name].value


@pytest.mark.parametrize("dialect", ["natural", "dcmjs", "cornerstone", "dicom"])
def test_json_lines(folder: Path, dialect: str) -> None:
    whole = objects(run("scan", folder, "--json", "--dialect", dialect))
    expected = [json.loads(row.to_json(dialect)) for table in metalith.scan(folder) for row in table]
    assert whole == expected
    some = objects(run("scan", folder, "--json", "--dialect", dialect, "--select", "PatientName,Rows"))
    assert all(set(few) <= set(all_) for few, all_ in zip(some, whole, strict=True))
    assert all(len(few) == 2 for few in some)


def test_json_lines_with_paths(folder: Path) -> None:
    found = objects(run("scan", folder, "--json", "--select", "Rows", "--paths"))
    assert found[0] == {"path": str(folder / "IM0"), "Rows": 128}
    nothing = objects(run("scan", folder, "--json", "--select", "BeamName", "--paths"))
    assert nothing[0] == {"path": str(folder / "IM0")}
    whole = objects(run("scan", folder, "--json", "--paths"))
    assert next(iter(whole[0])) == "path"
    assert whole[0]["Rows"] == 128


def test_selection_into_sequences() -> None:
    path = "BeamSequence.ControlPointSequence.NominalBeamEnergy"
    plan = FILES / "rtplan.dcm"
    points = [p for beam in pydicom.dcmread(plan).BeamSequence for p in beam.ControlPointSequence]
    energies = [repr(float(p.NominalBeamEnergy)) for p in points if "NominalBeamEnergy" in p]
    assert rows(run("scan", plan, "--csv", "--select", path)) == [[path], [" | ".join(energies)]]
    (found,) = objects(run("scan", plan, "--json", "--select", path))
    assert list(found) == ["BeamSequence"]


def test_values_that_are_no_text() -> None:
    names = "PixelData,BeamSequence,PatientName"
    assert rows(run("scan", CT_FILE, "--csv", "--select", names))[1] == [
        "<BulkData OW, 32,768 bytes>",
        "",
        str(CT.PatientName),
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes only there")
@pytest.mark.parametrize("arguments", [["--json"], ["--csv"], ["--select", "Rows"]])
def test_paths_that_are_no_text(tmp_path: Path, arguments: list[str]) -> None:
    for name in (b"\xff\n", b"\xfe"):
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:
            file.write(CT_FILE.read_bytes()[: 10000 if name == b"\xfe" else None])
    with open(os.path.join(os.fsencode(tmp_path), b"\xfdcut"), "wb") as file:
        file.write(CT_FILE.read_bytes()[:1000])
    shown = run("scan", tmp_path, *arguments, "--paths")
    assert shown.code == 0
    assert "udcff" in shown.out
    assert "udcfdcut: the header goes on" in shown.err


# ---- usage, failures ----


def test_nothing_that_can_be_read(folder: Path, tmp_path: Path) -> None:
    for path in (tmp_path, folder / "cut", folder / "notes.txt"):
        shown = run("scan", path)
        assert (shown.code, shown.out) == (1, "")
        assert shown.err.splitlines()[-1] == "metalith: there is no DICOM file that can be read"
    assert "not DICOM" in run("scan", folder / "notes.txt").err
    missing = run("scan", tmp_path / "no")
    assert (missing.code, missing.err) == (1, f"metalith: {tmp_path / 'no'}: No such file or directory\n")


def test_some_that_cannot_be_read(folder: Path) -> None:
    shown = run("scan", folder / "no", folder / "IM0", folder / "cut")
    assert shown.code == 0
    assert f"{folder / 'no'}: No such file or directory" in shown.err
    partial = run("scan", folder / "cut", "--partial")
    assert (partial.code, "unreadable" in partial.err) == (0, False)


def test_dicomdir(tmp_path: Path) -> None:
    shown = run("scan", DISC / "DICOMDIR")
    assert shown.code == 0
    assert "32 files: 31 instances in 13 series; 1 DICOMDIR" in shown.err
    (tmp_path / "disc").mkdir()
    (tmp_path / "disc" / "IM1").write_bytes(CT_FILE.read_bytes())
    (tmp_path / "SECRET").write_bytes(CT_FILE.read_bytes())
    index = write_index(tmp_path / "disc", ["IM1", ["..", "SECRET"]])
    shown = run("scan", index, "--csv", "--paths")
    assert shown.code == 0
    assert "SECRET" not in shown.out + shown.err
    assert f"{index}: the file that 00041220[1].00041500 names is not one in the folder" in shown.err


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["--json", "--csv"], "--json, --csv and --tree exclude each other"),
        (["--tree", "--select", "Rows"], "--tree has no attributes to select"),
        (["--tree", "--paths"], "--tree has no attributes to select"),
        (["--csv", "--dialect", "dcmjs"], "--dialect needs --json"),
        (["--select", "PatientNam"], "no attribute is called PatientNam; did you mean PatientName?"),
        (["--workers", "-1"], ""),
        (["--nonsense"], ""),
    ],
)
def test_usage_errors(folder: Path, arguments: list[str], answer: str) -> None:
    shown = run("scan", folder, *arguments)
    assert (shown.code, shown.out) == (2, "")
    assert answer in shown.err
    assert "Traceback" not in shown.err


def test_no_path() -> None:
    assert run("scan").code == 2


def test_closed_pipe_is_no_error() -> None:
    for arguments in (["--json"], ["--csv"], ["--select", "Rows"], []):
        process = subprocess.Popen(
            [*COMMAND, "scan", FILES, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.read(20)
        process.stdout.close()
        assert process.stderr is not None
        error = process.stderr.read()
        process.stderr.close()
        assert process.wait(60) == 0
        assert b"Traceback" not in error


# ---- terminal ----


def _in_terminal(*arguments: object, piped: bool) -> tuple[str, bytes]:
    """What the terminal shows, of stderr and, if it is not piped, of stdout."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    settings = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdin=theirs,
        stdout=subprocess.PIPE if piped else theirs,
        stderr=theirs,
        env={**settings, "TERM": "xterm-256color", "COLUMNS": "120"},
    )
    os.close(theirs)
    pieces = []
    try:
        while piece := os.read(ours, 65536):
            pieces.append(piece)
    except OSError:  # how Linux tells the end
        pass
    os.close(ours)
    out = b""
    if process.stdout is not None:
        out = process.stdout.read()
        process.stdout.close()
    assert process.wait(60) == 0
    return b"".join(pieces).decode(), out


def test_a_bar_in_a_terminal(folder: Path) -> None:
    shown, out = _in_terminal("scan", folder, "--csv", piped=True)
    assert "9 of 9 files" in shown or "9 files" in shown
    assert "1 unreadable" in shown
    assert len(out.splitlines()) == 7
    shown, _ = _in_terminal("scan", folder, piped=False)
    assert "\x1b[?25l" in shown
    assert "Axial" in shown


def test_no_bar_among_rows(folder: Path) -> None:
    shown, _ = _in_terminal("scan", folder, "--csv", piped=False)
    assert "\x1b[?25l" not in shown
    assert "\x1b" not in run("scan", folder).err


# ---- show and summary ----


def test_show_of_a_file(folder: Path) -> None:
    expected = metalith.read(CT_FILE)
    assert run("show", CT_FILE, "--json", "--instance", 0).out.encode() == expected.to_json() + b"\n"
    lines = run("show", CT_FILE).lines
    assert [line.split()[1:] for line in lines if line.startswith("PatientName ")] == [["PN", str(CT.PatientName)]]
    assert run("show", CT_FILE, "--select", "Rows").out == "Rows  US  128\n"


def test_show_of_standard_input() -> None:
    def without_places(outcome: Outcome) -> list[str]:
        return [line for line in outcome.lines if "<bulk data>" not in line]

    expected = without_places(run("show", CT_FILE))
    assert len(expected) > 200
    body = CT_FILE.read_bytes()
    for without_preamble in (0, 128, 132):
        assert without_places(run("show", stdin=body[without_preamble:])) == expected
    without_meta = (FILES / "ExplVR_LitEndNoMeta.dcm").read_bytes()
    assert run("show", "--select", "Modality", stdin=without_meta).code == 0


def test_show_of_a_damaged_file(folder: Path) -> None:
    shown = run("show", folder / "cut")
    assert (shown.code, shown.out) == (1, "")
    assert shown.err.startswith(f"metalith: {folder / 'cut'}: the header goes on")
    assert run("show", stdin=CT_FILE.read_bytes()[:1000]).err.startswith("metalith: <stdin>: the header goes on")


def test_show_and_summary_of_a_folder(folder: Path) -> None:
    shown = run("show", folder, "--json", "--select", "InstanceNumber")
    assert [row["InstanceNumber"] for row in shown.json] == [1, 2, 3, 4, 5, 1]
    assert f"{folder / 'cut'}: the header goes on" in shown.err
    result = run("summary", folder, "--json").json
    assert (result["instances"], result["studies"], len(result["series"])) == (6, 2, 3)
    assert "holds     6 instances in 3 series of 2 studies" in run("summary", folder).lines


def test_summary_of_a_file() -> None:
    result = run("summary", CT_FILE, "--json").json
    assert (result["instances"], result["constant"]["Modality"]) == (1, "CT")
    assert result["memory"]["input_bytes"] == metalith.header_bytes(CT_FILE.read_bytes())


def test_what_is_neither(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"some text that is nothing" * 20)
    shown = run("show", path)
    assert (shown.code, shown.err) == (1, f"metalith: {path}: not JSON (at byte 0, instance 0)\n")
    empty = run("show", tmp_path)
    message = f"metalith: {tmp_path}: there is no DICOM file in it that can be read\n"
    assert (empty.code, empty.err) == (1, message)


def test_a_manifest_of_nothing_leaves_the_one_that_is_there(folder: Path, tmp_path: Path) -> None:
    out, prefix = tmp_path / "study.json", ("--url-prefix", "https://host/")
    assert run("manifest", folder, *prefix, "--out", out).code == 0
    before = out.read_bytes()
    assert json.loads(before)["studies"]
    (tmp_path / "empty").mkdir()
    for nothing in (tmp_path / "empty", folder / "notes.txt"):
        refused = run("manifest", nothing, *prefix, "--out", out)
        assert refused.code == 1
        assert refused.err.splitlines()[-1] == "metalith: there is no DICOM file that can be read"
        assert out.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["empty", "study.json"]
