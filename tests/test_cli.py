"""The command as a user runs it: processes on DICOM JSON of pydicom's files, judged by what pydicom reads of these."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.data.data_manager import DATA_ROOT

import metalith

pytest.importorskip("typer")
pytest.importorskip("rich")

FILES = Path(DATA_ROOT) / "test_files"
COMMAND = [sys.executable, "-m", "metalith.cli"]
CT = pydicom.dcmread(FILES / "CT_small.dcm")
PLAN = pydicom.dcmread(FILES / "rtplan.dcm")


class Outcome:
    def __init__(self, process: subprocess.CompletedProcess[bytes]) -> None:
        self.code, self.out, self.err = process.returncode, process.stdout.decode(), process.stderr.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


def run(*arguments: object, stdin: bytes = b"", **environment: str) -> Outcome:
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")
    }
    command = [*COMMAND, *map(str, arguments)]
    return Outcome(
        subprocess.run(command, input=stdin, capture_output=True, timeout=120, env={**inherited, **environment})
    )


def elements(dataset: pydicom.Dataset) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dataset.to_json_dict(1024, lambda element: "bulk", suppress_invalid_tags=True)


def ct_slices(n: int) -> list[dict[str, Any]]:
    number = {"vr": "IS"}
    return [elements(CT) | {"00200013": {**number, "Value": [k + 1]}} for k in range(n)]


@pytest.fixture(scope="module")
def write(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Any], Path]:
    folder = tmp_path_factory.mktemp("cli")

    def write_file(name: str, data: Any) -> Path:
        path = folder / name
        path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
        return path

    return write_file


@pytest.fixture(scope="module")
def ct(write: Callable[[str, Any], Path]) -> Path:
    return write("ct.json", ct_slices(3))


@pytest.fixture(scope="module")
def plan(write: Callable[[str, Any], Path]) -> Path:
    return write("plan.json", elements(PLAN))


# ---- show ----


def test_shows_keyword_vr_and_value(ct: Path) -> None:
    shown = run("show", ct)
    assert shown.code == 0
    assert shown.lines[0] == "instance 0 of 3"
    by_name = {line.split()[0]: line.split(None, 2)[1:] for line in shown.lines[1:]}
    assert by_name["PatientName"] == ["PN", str(CT.PatientName)]
    assert by_name["Rows"] == ["US", "128"]
    assert by_name["ImageType"] == ["CS", "[" + ", ".join(CT.ImageType) + "]"]
    assert by_name["AccessionNumber"] == ["SH", "(empty)"]
    assert by_name["PixelData"] == ["OW", "<bulk data> bulk"]
    assert shown.err == (
        "metalith: 2 more instances (--instance 1 for the next, --limit 0 for all; metalith summary compares them)\n"
    )


def test_one_line_per_attribute_and_no_escapes_without_terminal(ct: Path) -> None:
    shown = run("show", ct)
    items = [item for element in CT if element.VR == "SQ" for item in element.value]
    assert len(shown.lines) == 1 + len(metalith.naturalize(ct)[0]) + sum(map(len, items))
    assert "\x1b" not in shown.out


def test_sequences_are_a_tree_with_item_numbers(plan: Path) -> None:
    shown = run("show", plan)
    at = next(i for i, line in enumerate(shown.lines) if line.startswith("DoseReferenceSequence "))
    assert shown.lines[at].split(None, 1)[1] == "SQ  2 items"
    first = shown.lines[at + 1]
    assert first.startswith("  [0] DoseReferenceNumber ")
    assert first.endswith("  IS  1")
    assert sum(line.startswith("  [1] DoseReferenceNumber ") for line in shown.lines) == 1
    nested = [line for line in shown.lines if line.startswith("        [")]
    assert len(nested) >= len(PLAN.BeamSequence[0].ControlPointSequence)


def test_binary_by_its_size(write: Callable[[str, Any], Path]) -> None:
    body = {
        "00420011": {"vr": "OB", "InlineBinary": "AAECAwQFBgcICQoL"},
        "00281201": {"vr": "OW", "InlineBinary": "AA=="},
    }
    shown = run("show", write("binary.json", body))
    assert [line.split("  ")[-1] for line in shown.lines] == ["<12 bytes>", "<1 byte>"]


def test_items_can_be_limited(plan: Path) -> None:
    shown = run("show", plan, "--items", 1)
    assert "  … 1 more item (--items 0 for all)" in shown.lines


def test_long_values_are_cut_and_their_length_told(write: Callable[[str, Any], Path]) -> None:
    body = {"00104000": {"vr": "LT", "Value": ["x" * 5000]}, "00200032": {"vr": "DS", "Value": [1.5] * 900}}
    shown = run("show", write("long.json", body), COLUMNS="80")
    assert shown.lines[0].endswith("xxx… (5,000 characters)")
    assert shown.lines[1].endswith("1.5, … (900 values)]")
    assert all(len(line) <= 80 for line in shown.lines)


def test_control_characters_never_reach_the_terminal(write: Callable[[str, Any], Path]) -> None:
    body = {"00104000": {"vr": "LT", "Value": ["a\x1b[31mb\r\nc\u2028d"]}, "k\x1bey": {"vr": "LO", "Value": ["v"]}}
    path = write("control.json", body)
    shown = run("show", path)
    assert shown.lines[0] == r"PatientComments  LT  a\x1b[31mb\r\nc\u2028d"
    assert shown.lines[1].startswith(r"k\x1bey ")
    for command in (["show", "--dialect", "dcmjs"], ["summary"]):
        assert "\x1b" not in run(*command, path).out


@pytest.mark.parametrize("limit", [0, 2])
def test_limit(ct: Path, limit: int) -> None:
    shown = run("show", ct, "--limit", limit)
    headings = [line for line in shown.lines if line.startswith("instance ")]
    assert headings == [f"instance {k} of 3" for k in range(limit or 3)]
    assert shown.err == ""


def test_instance_from_the_end(ct: Path) -> None:
    assert (
        run("show", ct, "--instance", -1, "--select", "InstanceNumber").out
        == "instance 2 of 3\nInstanceNumber  IS  3\n"
    )


# ---- selection ----


def test_select_by_keyword_and_tag_in_the_order_asked_for(ct: Path) -> None:
    shown = run("show", ct, "--select", "Rows,(0010,0010)", "--select", "00280011", "--instance", 0, "--json")
    assert shown.out == f'{{"Rows":128,"PatientName":"{CT.PatientName}","Columns":128}}\n'


def test_select_into_sequences(plan: Path) -> None:
    path = "BeamSequence.ControlPointSequence.NominalBeamEnergy"
    points = [item for beam in PLAN.BeamSequence for item in beam.ControlPointSequence]
    expected = [float(p.NominalBeamEnergy) for p in points if "NominalBeamEnergy" in p]
    shown = run("show", plan, "--select", path)
    assert [float(line.split()[-1]) for line in shown.lines] == expected
    pruned = run("show", plan, "--select", path, "--instance", 0, "--json").json
    assert list(pruned) == ["BeamSequence"]
    inner = [item for beam in pruned["BeamSequence"] for item in beam["ControlPointSequence"]]
    assert [item["NominalBeamEnergy"] for item in inner if item] == expected
    assert len(inner) == len(points)


def test_paths_name_items_where_there_are_several(plan: Path) -> None:
    shown = run("show", plan, "--select", "DoseReferenceSequence.DoseReferenceNumber")
    assert shown.out == (
        "DoseReferenceSequence[0].DoseReferenceNumber  IS  1\nDoseReferenceSequence[1].DoseReferenceNumber  IS  2\n"
    )


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("PatientNam", "no attribute is called PatientNam; did you mean PatientName?"),
        ("rows", "no attribute is called rows; did you mean Rows?"),
        ("Qqqqqqq", "no attribute is called Qqqqqqq"),
        ("OverlayRows", "OverlayRows comes in several groups: select it by tag, such as 60000010"),
        ("Rows.Columns", "Rows is not a sequence, there is nothing in it to select"),
        ("BeamSequence.BeamNmae", "no attribute is called BeamNmae; did you mean BeamName?"),
    ],
)
def test_what_cannot_be_selected(ct: Path, asked: str, answer: str) -> None:
    shown = run("show", ct, "--select", asked)
    assert (shown.code, shown.out, shown.err) == (2, "", f"metalith: {answer}\n")


def test_selected_but_absent_is_told_and_no_error(ct: Path) -> None:
    shown = run("show", ct, "--select", "BeamName,Rows", "--instance", 0)
    assert (shown.code, shown.out) == (0, "instance 0 of 3\nRows  US  128\n")
    assert shown.err == "metalith: no BeamName in the instance\n"


# ---- JSON ----


@pytest.mark.parametrize("dialect", ["natural", "dcmjs", "cornerstone", "dicom"])
def test_json_is_what_the_library_writes(ct: Path, dialect: str) -> None:
    table = metalith.naturalize(ct)
    shown = run("show", ct, "--json", "--dialect", dialect)
    assert shown.out.encode() == table.to_json(dialect) + b"\n"
    assert shown.err == ""
    assert run("show", ct, "--json", "--dialect", dialect, "--limit", 2).json == shown.json[:2]
    assert run("show", ct, "--json", "--dialect", dialect, "--instance", 1).json == shown.json[1]


@pytest.mark.parametrize("dialect", ["natural", "dcmjs", "cornerstone", "dicom"])
def test_selection_prunes_every_dialect_alike(plan: Path, dialect: str) -> None:
    names = ["PatientName", "BeamSequence.BeamName"]
    whole = run("show", plan, "--json", "--instance", 0, "--dialect", dialect).json
    pruned = run("show", plan, "--json", "--instance", 0, "--dialect", dialect, "--select", ",".join(names)).json
    patient, beams, beam = (
        ("00100010", "300A00B0", "300A00C2") if dialect == "dicom" else (names[0], *names[1].split("."))
    )
    assert list(pruned) == [patient, beams]
    assert pruned[patient] == whole[patient]
    few, all_ = (each["Value"] if dialect == "dicom" else each for each in (pruned[beams], whole[beams]))
    few, all_ = (each if isinstance(each, list) else [each] for each in (few, all_))
    assert few == [{beam: item[beam]} for item in all_]


def test_selected_numbers_stay_as_they_were_spelled(write: Callable[[str, Any], Path]) -> None:
    body = b'{"00280030":{"vr":"DS","Value":[0.50,1e400]},"00200013":{"vr":"IS","Value":[12345678901234567890123]}}'
    shown = run(
        "show", write("spelled.json", body), "--json", "--dialect", "dicom", "--select", "PixelSpacing,00200013"
    )
    assert shown.out.encode() == b"[" + body + b"]\n"


def test_other_dialect_without_json_is_indented(plan: Path) -> None:
    shown = run("show", plan, "--dialect", "dicom")
    assert shown.json == run("show", plan, "--dialect", "dicom", "--instance", 0, "--json").json
    assert len(shown.lines) > 100


def test_json_of_nothing(write: Callable[[str, Any], Path]) -> None:
    path = write("nothing.json", [])
    assert run("show", path, "--json").out == "[]\n"
    assert (run("show", path).code, run("show", path).out) == (0, "")
    assert run("show", path, "--instance", 0).err == "metalith: there is no instance 0; the input has no instances\n"


# ---- input ----


@pytest.mark.parametrize("arguments", [["-"], []])
def test_standard_input(ct: Path, arguments: list[str]) -> None:
    shown = run("show", *arguments, "--json", stdin=ct.read_bytes())
    assert shown.json == run("show", ct, "--json").json


def test_pipe_as_file(ct: Path) -> None:
    if not Path("/dev/stdin").exists():
        pytest.skip("no /dev/stdin")
    assert len(run("show", "/dev/stdin", "--json", stdin=ct.read_bytes()).json) == 3


@pytest.mark.parametrize("command", ["show", "summary"])
def test_bad_input_is_one_line_without_values(write: Callable[[str, Any], Path], command: str) -> None:
    cut = write("cut.json", b'[{"00100010":{"vr":"PN","Value":[{"Alphabetic":"Secret^Name"}')
    for shown in (run(command, cut), run(command, cut, "--json"), run(command, stdin=cut.read_bytes())):
        assert (shown.code, shown.out) == (1, "")
        assert shown.err.count("\n") == 1
        assert "the input ends in the middle of a document (at byte " in shown.err
        assert "Secret" not in shown.err
    assert run(command, cut).err.startswith(f"metalith: {cut}: ")
    assert run(command, stdin=cut.read_bytes()).err.startswith("metalith: <stdin>: ")


def test_strict(write: Callable[[str, Any], Path]) -> None:
    path = write("lenient.json", {"00280010": {"Value": [512]}, "00100010": {"vr": "PN", "Value": ["Secret^Name"]}})
    lenient = run("show", path, "--select", "Rows")
    assert (lenient.code, lenient.out) == (0, "Rows  US  512\n")
    assert "in the input; metalith summary lists them" in lenient.err
    strict = run("show", path, "--strict")
    assert (strict.code, strict.out) == (1, "")
    assert "the element has no vr" in strict.err
    assert "00280010" in strict.err
    assert "Secret" not in strict.err


def test_missing_file_and_other_formats(tmp_path: Path, write: Callable[[str, Any], Path]) -> None:
    missing = run("show", tmp_path / "no.json")
    assert (missing.code, missing.err) == (1, f"metalith: {tmp_path / 'no.json'}: No such file or directory\n")
    assert run("show", tmp_path).code == 1
    assert "gunzip" in run("show", write("a.gz", b"\x1f\x8b\x08\x00")).err


def test_usage_errors(ct: Path) -> None:
    assert run("show", ct, "--instance", 9).err == "metalith: there is no instance 9; the input has instances 0 to 2\n"
    for arguments in (["--instance", 9], ["--instance", 1, "--limit", 1], ["--dialect", "x"], ["--nonsense"]):
        shown = run("show", ct, *arguments)
        assert (shown.code, shown.out) == (2, "")
        assert "Traceback" not in shown.err


def test_closed_pipe_is_no_error(write: Callable[[str, Any], Path]) -> None:
    path = write("many.json", ct_slices(200))
    for arguments in (["show", path, "--limit", "0"], ["show", path, "--json"], ["summary", path]):
        process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.read(20)
        process.stdout.close()
        assert process.stderr is not None
        error = process.stderr.read()
        process.stderr.close()
        assert (process.wait(60), error) == (0, b"")


# ---- terminal ----


def _in_terminal(*arguments: object, **environment: str) -> str:
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    settings = {**inherited, "TERM": "xterm-256color", "COLUMNS": "60", **environment}
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdin=theirs, stdout=theirs, stderr=theirs, env=settings
    )
    os.close(theirs)
    pieces = []
    try:
        while piece := os.read(ours, 65536):
            pieces.append(piece)
    except OSError:  # how Linux tells the end
        pass
    os.close(ours)
    process.wait(60)
    return b"".join(pieces).decode()


def test_colours_in_a_terminal_only_and_not_with_no_color(ct: Path) -> None:
    assert "\x1b[36mRows" in _in_terminal("show", ct)
    for command in ("show", "summary"):
        plain = _in_terminal(command, ct, NO_COLOR="1")
        assert "Rows" in plain
        assert "\x1b" not in plain


def test_lines_fit_the_terminal(ct: Path) -> None:
    lines = _in_terminal("show", ct, NO_COLOR="1").splitlines()
    # names of attributes are never cut, values have 30 columns at least
    assert max(len(line) for line in lines if not line.startswith("metalith: ")) <= 80


def test_nothing_piped_in() -> None:
    assert "no file is given and nothing is piped in" in _in_terminal("show")


# ---- summary ----


def test_summary_for_programs(ct: Path) -> None:
    result = run("summary", ct, "--json").json
    table = metalith.naturalize(ct)
    assert (result["instances"], result["studies"]) == (3, 1)
    assert result["series"] == [
        {
            "series_instance_uid": CT.SeriesInstanceUID,
            "study_instance_uid": CT.StudyInstanceUID,
            "modality": "CT",
            "number": int(CT.SeriesNumber),
            "description": CT.get("SeriesDescription"),
            "rows": 128,
            "columns": 128,
            "instances": 3,
        }
    ]
    assert result["sop_classes"] == [{"uid": CT.SOPClassUID, "name": "CT Image Storage", "instances": 3}]
    assert list(result["constant"]) == list(table.constant)
    assert result["constant"]["PatientName"] == str(CT.PatientName)
    assert result["constant"]["PixelSpacing"] == [float(v) for v in CT.PixelSpacing]
    assert result["varying"] == {
        "InstanceNumber": {"vr": "IS", "instances": 3, "distinct": 3, "first": 1, "last": 3, "min": 1, "max": 3}
    }
    assert result["memory"]["input_bytes"] == ct.stat().st_size
    assert result["memory"]["bytes_per_instance"] == round(result["memory"]["table_bytes"] / 3, 1)
    assert result["parse"]["seconds"] > 0
    assert result["problems"] == []


def test_summary_of_unlike_instances(write: Callable[[str, Any], Path]) -> None:
    position = "00200032"
    rows = [
        {
            "00080060": {"vr": "CS", "Value": ["MR"]},
            position: {"vr": "DS", "Value": [0, 1, k]},
            "00080020": {"vr": "DA"},
        }
        for k in range(3)
    ]
    rows[1]["00080020"]["Value"] = ["20240229"]
    rows[2] = {**rows[2], "00080060": {"vr": "CS", "Value": ["CT"]}, "00280010": {"vr": "US", "Value": [7]}}
    path = write("unlike.json", rows)
    varying = run("summary", path, "--json").json["varying"]
    assert varying["ImagePositionPatient"]["min"] == [0, 1, 0]
    assert varying["ImagePositionPatient"]["max"] == [0, 1, 2]
    assert (varying["Rows"]["instances"], varying["Rows"]["distinct"]) == (1, 1)
    assert (varying["StudyDate"]["instances"], varying["StudyDate"]["distinct"]) == (3, 1)
    lines = [line.split(None, 3) for line in run("summary", path).lines]
    shown = {words[0]: words[1:] for words in lines if words}
    assert shown["Modality"] == ["CS", "2", "MR | CT"]
    assert shown["Rows"] == ["US", "1", "7  in 1 of 3"]
    assert shown["ImagePositionPatient"][1] == "3"


def test_summary_lists_problems(write: Callable[[str, Any], Path]) -> None:
    path = write("problems.json", [{"00280010": {"vr": "US", "Value": ["Secret"]}}])
    (problem,) = run("summary", path, "--json").json["problems"]
    assert (problem["path"], problem["row"]) == ("00280010", 0)
    shown = run("summary", path)
    assert "problems  1" in shown.lines
    assert any(line.startswith("  00280010: ") for line in shown.lines)


def test_summary_of_nothing() -> None:
    assert "holds     0 instances in 0 series of 0 studies" in run("summary", stdin=b"[]").lines
    assert run("summary", "--json", stdin=b"[]").json["instances"] == 0


# ---- the rest ----


def test_demo(tmp_path: Path) -> None:
    shown = run("demo", "--save", tmp_path / "new")
    assert shown.code == 0
    assert shown.err == ""
    rows = {words[0]: words for line in shown.lines if (words := line.split()) and words[0].endswith(".json")}
    assert set(rows) == {"ct.json", "mr.json", "files.json"}
    saved = json.loads((tmp_path / "new" / "ct.json").read_bytes())
    assert len(saved) == 400
    # lazy tables are never compared with finished objects without saying so
    assert "all values read" in shown.out
    assert "garbage collector off" in shown.out
    summary = run("summary", tmp_path / "new" / "ct.json", "--json").json
    assert summary["constant"]["PatientName"] == str(CT.PatientName)
    assert summary["varying"]["InstanceNumber"]["max"] == 400


def test_version_and_help() -> None:
    assert run("--version").out == f"metalith {metalith.__version__}\n"
    shown = run("--help")
    assert shown.code == 0
    assert all(command in shown.out for command in ("show", "summary", "scan", "demo"))


@pytest.mark.parametrize("absent", ["typer", "rich"])
def test_without_the_extra(absent: str) -> None:
    program = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
import metalith
from metalith.cli import main
main()
"""
    outcome = Outcome(subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60))
    message = f'metalith: the command line needs {absent}: pip install "metalith[cli]"\n'
    assert (outcome.code, outcome.out, outcome.err) == (1, "", message)


def test_the_library_does_not_load_the_command_line() -> None:
    program = "import sys, metalith; print(sorted({'typer', 'rich', 'pydicom', 'metalith.cli'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", program]) == b"[]\n"
