"""`metalith demo`: real metadata without a server: the DICOM files that pydicom brings along, as DICOM JSON.

Two series are made of one real file each: what differs from slice to slice is set, all else is the file's. The other
input is all files, one instance each: a table of unlike rows, the hardest case. Nothing is downloaded.
"""

from __future__ import annotations

import gc
import time
import warnings
from collections.abc import Callable
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import orjson
import pydicom
from pydicom.data.data_manager import DATA_ROOT
from pydicom.datadict import dictionary_VR

from metalith import Instance, InstanceTable, Sequence, naturalize
from metalith.cli.screen import Screen
from metalith.cli.summary import values_of
from metalith.cli.values import count, size

__all__ = ["run"]

_SLICES = 400
_FILES = Path(DATA_ROOT) / "test_files"


def run(save: Path | None) -> None:
    """The command."""
    screen = Screen()
    bodies = _bodies(screen)
    tables = {name: naturalize(body) for name, body in bodies.items()}
    _tell_contents(screen, tables)
    _tell_speed(screen, bodies, tables)
    if save is not None:
        save.mkdir(parents=True, exist_ok=True)
        for name, body in bodies.items():
            (save / name).write_bytes(body)
        screen.line("")
        screen.line(f"Saved. Next: metalith summary {save / 'ct.json'}")
    else:
        screen.line("")
        screen.line("Next: metalith demo --save FOLDER, then metalith show and metalith summary on what it saved.")


# ---- datasets ----


def _bodies(screen: Screen) -> dict[str, bytes]:
    """DICOM JSON by name."""
    files, skipped = _read_all()
    inputs = {
        "ct.json": _series(files["CT_small.dcm"], _SLICES),
        "mr.json": _series(files["MR_small.dcm"], _SLICES),
        "files.json": list(files.values()),
    }
    there = f"{count(len(files), 'DICOM file')} that pydicom brings along"
    screen.line(f"From {there}; {count(skipped, 'file was', 'files were')} skipped, not being readable.")
    screen.line(f"ct.json and mr.json: CT_small.dcm and MR_small.dcm, each as a series of {_SLICES} slices.")
    screen.line("files.json: all files, an instance each.")
    return {name: orjson.dumps(datasets) for name, datasets in inputs.items()}


def _read_all() -> tuple[dict[str, dict[str, Any]], int]:
    """DICOM JSON of the files by name, and how many cannot be had: some are broken on purpose."""
    found: dict[str, dict[str, Any]] = {}
    skipped = 0
    for path in sorted(_FILES.rglob("*.dcm")):
        try:
            dataset = _as_server_sends(path)
        except Exception:  # of many kinds
            dataset = {}
        if dataset:
            found.setdefault(path.name, dataset)
        else:
            skipped += 1
    return found, skipped


def _as_server_sends(path: Path) -> dict[str, Any]:
    """Long values and pixels by reference."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path, force=True)
        return dataset.to_json_dict(1024, lambda e: f"bulkdata/{int(e.tag):08X}", suppress_invalid_tags=True)


def _series(base: dict[str, Any], n: int) -> list[dict[str, Any]]:
    x, y, z = base["00200032"]["Value"]
    root = base["00080018"]["Value"][0].rsplit(".", 1)[0]
    return [base | _slice(f"{root}.{k + 1}", k, x, y, round(z + 2.5 * k, 6)) for k in range(n)]


def _slice(uid: str, k: int, x: float, y: float, z: float) -> dict[str, Any]:
    """What differs: identity, place, time, brightness."""
    clock = f"{11 + k // 3600:02}{k // 60 % 60:02}{k % 60:02}"
    changes: dict[int, list[Any]] = {
        0x00080018: [uid],
        0x00080032: [clock],
        0x00080033: [f"{clock}.{k * 7919 % 1_000_000:06}"],
        0x00200013: [k + 1],
        0x00200032: [x, y, z],
        0x00201041: [z],
        0x00280107: [900 + k * 37 % 2100],
        0x00281050: [30 + k * 13 % 300 / 10],
        0x00281051: [300 + k * 7 % 150],
    }
    return {f"{tag:08X}": {"vr": _vr(tag), "Value": values} for tag, values in changes.items()}


def _vr(tag: int) -> str:
    return dictionary_VR(tag)[:2]  # "US or SS"


# ---- tables ----


def _tell_contents(screen: Screen, tables: dict[str, InstanceTable]) -> None:
    screen.heading("Natural metadata")
    columns = ["input", "patient", "modality", "rows × columns", ">instances", ">attributes", ">constant", ">varying"]
    rows = []
    for name, table in tables.items():
        shapes = [f"{a} × {b}" for a, b in zip(values_of(table, "Rows"), values_of(table, "Columns"), strict=True)]
        counts = (len(table), len(table.keywords), len(table.constant), len(table.varying))
        told = [_told(values_of(table, keyword)) for keyword in ("PatientName", "Modality")]
        rows.append([name, *told, _told(shapes), *(f"{n:,}" for n in counts)])
    screen.table(columns, rows)


def _told(values: list[Any]) -> str:
    """The value, or how many there are."""
    distinct = {value for value in values if value is not None}
    return str(distinct.pop()) if len(distinct) == 1 else f"{len(distinct):,} different"


def _tell_speed(screen: Screen, bodies: dict[str, bytes], tables: dict[str, InstanceTable]) -> None:
    """`naturalize` makes no Python values before they are asked for, `orjson.loads` makes all: so both are told."""
    screen.heading("Speed and memory", "best of alternating runs on the same bytes, garbage collector off")
    columns = ["input", ">size", ">table", ">", ">all values read", ">orjson.loads", ">memory an instance"]
    rows, ratios = [], []
    for name, body in bodies.items():
        table, read, peer = _best(
            partial(naturalize, body), partial(_naturalize_and_read, body), partial(orjson.loads, body)
        )
        speeds = [f"{size(len(body) / seconds)}/s" for seconds in (table, read, peer)]
        n = len(tables[name])
        rate = f"{n / table:,.0f} instances/s"
        rows.append([name, size(len(body)), speeds[0], rate, *speeds[1:], size(naturalize(body).nbytes / n)])
        ratios.append([name, f"{peer / table:.1f} ×", f"{peer / read:.1f} ×"])
    screen.table(columns, rows)
    screen.line("")
    screen.table(["against orjson.loads", ">table", ">all values read"], ratios)
    screen.line(("A table makes Python values when they are asked for; orjson.loads makes all of them at once.", "dim"))
    screen.line(("Memory is the table's, without values made. Real series can be less alike than these slices.", "dim"))


def _naturalize_and_read(body: bytes) -> None:
    for instance in naturalize(body):
        _read(instance)


def _read(dataset: Instance) -> None:
    for value in dataset.values():
        if isinstance(value, Sequence):
            for item in value:
                _read(item)


def _best(*works: Callable[[], object], seconds: float = 1.0) -> list[float]:
    """The shortest run of each, three at least; in turns, so that what else the machine does meets all of them."""
    best = [inf] * len(works)
    runs, end = 0, time.perf_counter() + seconds
    collecting = gc.isenabled()
    gc.disable()
    try:
        while runs < 3 or time.perf_counter() < end:
            runs += 1
            for i, work in enumerate(works):
                start = time.perf_counter()
                work()
                best[i] = min(best[i], time.perf_counter() - start)
    finally:
        if collecting:
            gc.enable()
    return best
