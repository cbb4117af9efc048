"""What the server of the benchmarks of data sources has: studies made of a real GE CT series, and a file."""

import gzip
from functools import cache
from pathlib import Path

import orjson
from pydicom.data.data_manager import DATA_ROOT

from benchmarks import datasets
from benchmarks.source_server import Answer

STUDY, SERIES, SOP = "0020000D", "0020000E", "00080018"
# study: (series, instances of each)
STUDIES = {"2.25.1": (1, 2000), "2.25.50": (50, 100), "2.25.500": (500, 3)}
LONG, SEVERAL, SMALL = STUDIES
ROWS = 10_000
FILE = "/files/one.dcm"
ROOTS = ("plain", "gzip")


@cache
def _slices() -> list[dict]:
    return datasets.slices("CT_small.dcm", 2000)


def series_uid(study: str, number: int) -> str:
    return f"{study}.{number}"


@cache
def body_of(study: str, number: int = 0) -> bytes:
    """The metadata of a series."""
    count = STUDIES[study][1]
    uid, rows = series_uid(study, number), []
    for k, row in enumerate(_slices()[:count]):
        rows.append({**row, STUDY: _uid(study), SERIES: _uid(uid), SOP: _uid(f"{uid}.{k + 1}")})
    return datasets.compact(rows)


def _uid(uid: str) -> dict:
    return {"vr": "UI", "Value": [uid]}


def _summary(study: str, number: int) -> bytes:
    row = {
        "00080060": {"vr": "CS", "Value": ["CT"]},
        STUDY: _uid(study),
        SERIES: _uid(series_uid(study, number)),
        "00200011": {"vr": "IS", "Value": [number]},
        "00201209": {"vr": "IS", "Value": [STUDIES[study][1]]},
    }
    return orjson.dumps(row)


def study_row(k: int) -> bytes:
    """What a search finds of a study."""
    row = {
        "00080020": {"vr": "DA", "Value": [f"2020{k % 12 + 1:02d}{k % 28 + 1:02d}"]},
        "00080050": {"vr": "SH", "Value": [f"A{k}"]},
        "00080061": {"vr": "CS", "Value": ["CT", "SR"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": f"Name^{k}"}]},
        "00100020": {"vr": "LO", "Value": [f"P{k}"]},
        STUDY: _uid(f"2.25.9.{k}"),
        "00201206": {"vr": "IS", "Value": [2]},
        "00201208": {"vr": "IS", "Value": [k % 900]},
    }
    return orjson.dumps(row)


@cache
def file_bytes() -> bytes:
    """A header and 8 MiB of pixels: 512 x 512 x 16 frames' worth behind CT_small's header."""
    one = (Path(DATA_ROOT) / "test_files" / "CT_small.dcm").read_bytes()
    at = one.rindex(b"\xe0\x7f\x10\x00OW\x00\x00")
    length = 8 << 20
    return one[: at + 8] + length.to_bytes(4, "little") + bytes(length)


def answers() -> dict[str, Answer]:
    """All that is served, by path."""
    found = {FILE: Answer(file_bytes(), "application/dicom")}
    for root in ROOTS:
        found[f"/{root}/studies"] = Answer(rows=[study_row(k) for k in range(ROWS)])
        for study, (series, _) in STUDIES.items():
            if root == "gzip" and study != LONG:
                continue
            path = f"/{root}/studies/{study}/series"
            found[path] = Answer(rows=[_summary(study, number) for number in range(series)])
            for number in range(series):
                body, packed = body_of(study, number), root == "gzip"
                sent = gzip.compress(body, 6, mtime=0) if packed else body
                found[f"{path}/{series_uid(study, number)}/metadata"] = Answer(sent, gzip=packed)
    return found
