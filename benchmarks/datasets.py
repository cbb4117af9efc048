"""What is measured: real series, series made from pydicom's real files, synthetic ones, and the worst case.

`load(name)` gives an Input, or raises Missing with the reason why this machine has none.  Real series that are not
ours to ship are looked for in the folder that METALITH_SHARED names, else in `shared` beside the repository.
"""

import copy
import gzip
import json
import os
import random
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import orjson
import pydicom
from pydicom.data.data_manager import DATA_ROOT

from benchmarks import synthetic

SERVER = "https://pacs.example.org/dicom-web/studies/"


class Missing(Exception):
    """The input cannot be had here; the message tells why."""


@dataclass(frozen=True)
class Input:
    name: str
    body: bytes
    instances: int
    about: str

    @property
    def megabytes(self) -> float:
        return len(self.body) / 1e6

    def sizes(self) -> dict:
        return {"bytes": len(self.body), "instances": self.instances}


def shared_folder() -> Path:
    return Path(os.environ.get("METALITH_SHARED") or Path(__file__).resolve().parents[2] / "shared")


def compact(rows: list[dict]) -> bytes:
    return orjson.dumps(rows)


def orthanc(rows: list[dict]) -> bytes:
    """The bytes an Orthanc server prints: tabs, braces on their own lines, `Value` before `vr`."""

    def write(value, depth: int) -> str:
        pad = "\t" * depth
        if isinstance(value, float):
            return f"{value:.17g}"
        if not value or not isinstance(value, (dict, list)):
            return json.dumps(value, ensure_ascii=False)
        if isinstance(value, dict):
            lines = [f'{pad}\t"{key}" : {_break(v, pad)}{write(v, depth + 1)}' for key, v in sorted(value.items())]
            return "{\n" + ",\n".join(lines) + f"\n{pad}}}"
        nested = [f"{pad}\t{write(v, depth + 1)}" for v in value]
        return "[\n" + ",\n".join(nested) + f"\n{pad}]"

    return ("[" + "\n,".join(write(row, 0) for row in rows) + "\n]").encode()


def _break(value, pad: str) -> str:
    return f"\n{pad}\t" if value and isinstance(value, (dict, list)) else ""


# -- made from the files that pydicom ships ---------------------------------------------------------------------------


def _as_server_sends(path: Path) -> dict:
    """DICOM JSON of a file: long values and pixels by reference, file meta and padding left out."""

    def link(element) -> str:
        return f"{SERVER}1/series/2/instances/3/bulkdata/{int(element.tag):08X}"

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        row = pydicom.dcmread(path, force=True).to_json_dict(1024, link, suppress_invalid_tags=True)
    row.pop("FFFCFFFC", None)
    return row


def _set(row: dict, tag: str, *values) -> None:
    row[tag] = {"vr": row[tag]["vr"] if tag in row else pydicom.datadict.dictionary_VR(tag), "Value": list(values)}


def slices(file: str, n: int, *, seed: int = 3) -> list[dict]:
    """A series of `n` slices from one real file: what differs from slice to slice is set, all else is the file's."""
    base = _as_server_sends(Path(DATA_ROOT) / "test_files" / file)
    r = random.Random(seed)
    x, y, z = base["00200032"]["Value"]
    root = base["00080018"]["Value"][0].rsplit(".", 1)[0]
    study, series = base["0020000D"]["Value"][0], base["0020000E"]["Value"][0]
    private = [tag for tag in ("00271041", "00271044", "0027104A", "0027104D") if tag in base]
    rows = []
    for k in range(n):
        row = copy.deepcopy(base)
        uid, at = f"{root}.{k + 1}", round(z + 2.5 * k, 6)
        clock = f"{11 + k // 3600:02d}{k // 60 % 60:02d}{k % 60:02d}"
        _set(row, "00080018", uid)
        _set(row, "00200013", k + 1)
        _set(row, "00200032", x, y, at)
        _set(row, "00201041", at)
        _set(row, "00080013", clock)
        _set(row, "00080032", clock)
        _set(row, "00080033", f"{clock}.{r.randrange(10**6):06d}")
        _set(row, "00280106", r.randrange(-50, 50))
        _set(row, "00280107", r.randrange(900, 3000))
        _set(row, "00281050", round(r.uniform(30, 60), 1))
        _set(row, "00281051", float(r.randrange(300, 450)))
        if "00181151" in base:
            _set(row, "00181151", r.randrange(80, 400))
        for tag in private:
            _set(row, tag, at)
        for tag, element in row.items():
            if "BulkDataURI" in element:
                link = f"{SERVER}{study}/series/{series}/instances/{uid}/bulkdata/{tag}"
                row[tag] = {"vr": element["vr"], "BulkDataURI": link}
        rows.append(dict(sorted(row.items())))
    return rows


def bundled() -> list[dict]:
    """Every file that pydicom ships, in an order that parts like from like."""
    rows = []
    for path in sorted((Path(DATA_ROOT) / "test_files").rglob("*.dcm")):
        try:
            row = _as_server_sends(path)
        except Exception:  # some files are broken on purpose
            continue
        if row:
            rows.append(row)
    random.Random(1).shuffle(rows)
    return rows


# -- found in the shared folder ---------------------------------------------------------------------------------------


def _shared(name: str) -> bytes:
    path = shared_folder() / "data" / "orthanc" / name
    if not path.is_file():
        raise Missing(f"{name} is not in the folder that METALITH_SHARED names")
    return gzip.decompress(path.read_bytes())


def _t1_compact() -> bytes:
    return compact(orjson.loads(_shared("t1-384.json.gz")))


def repeated(rows: Iterable[dict], times: int) -> list[dict]:
    """The same series `times` times over, as a study's answer holds several: UIDs of series and instances differ."""
    rows = list(rows)
    out = []
    for t in range(times):
        for row in rows:
            again = dict(row)
            for tag in ("00080018", "0020000E"):
                again[tag] = {"vr": "UI", "Value": [f"{row[tag]['Value'][0]}.{t}"]}
            out.append(again)
    return out


INPUTS: dict[str, tuple[Callable[[], bytes], str]] = {
    "t1-384": (lambda: _shared("t1-384.json.gz"), "real T1 MR series as Orthanc prints it"),
    "t1-384-compact": (_t1_compact, "the same, compact"),
    "mosaic-8": (lambda: _shared("siemens-mosaic-8.json.gz"), "8 real Siemens mosaics, private groups, Orthanc"),
    "ct-600": (lambda: compact(slices("CT_small.dcm", 600)), "GE CT of 600 slices, 170 private elements each"),
    "ct-600-orthanc": (lambda: orthanc(slices("CT_small.dcm", 600)), "the same as Orthanc prints it"),
    "mr-600": (lambda: compact(slices("MR_small.dcm", 600)), "MR of 600 slices, no private elements"),
    "ct-3000": (lambda: compact(repeated(slices("CT_small.dcm", 600), 5)), "five such CT series in one answer"),
    "synthetic-ct-2000": (lambda: compact(synthetic.ct_series(2000)), "synthetic CT, DS as numbers"),
    "synthetic-ct-2000-text": (lambda: compact(synthetic.ct_series(2000, text=True)), "synthetic CT, DS as strings"),
    "multi-frame-20000": (lambda: compact(synthetic.multi_frame(20_000)), "one object of 20,000 frames"),
    "bundled": (lambda: compact(bundled()), "all of pydicom's files: unlike instances"),
    "unlike-500": (lambda: compact(synthetic.unlike(500)), "generated, every instance other attributes"),
}
NAMES = tuple(INPUTS)
REAL = ("t1-384", "t1-384-compact", "ct-600", "ct-600-orthanc", "mr-600")
MIXED = ("bundled", "unlike-500")
SMALL = ("t1-384", "ct-600", "bundled")


@cache
def load(name: str) -> Input:
    make, about = INPUTS[name]
    body = make()
    return Input(name, body, len(orjson.loads(body)), about)


def first_real() -> Input:
    """The series that the goals are judged by: a real one where there is one."""
    try:
        return load("t1-384")
    except Missing:
        return load("ct-600-orthanc")
