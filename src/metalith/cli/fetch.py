"""`metalith fetch`: the metadata of a study, from a DICOMweb server."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import metalith
from metalith.cli.failure import InputError
from metalith.cli.screen import Screen, note
from metalith.cli.server import Server
from metalith.cli.values import count, size, text_of
from metalith.store import Series
from metalith.store.replacing import replacing

__all__ = ["Request", "run"]

_ROOM = 48


@dataclass(frozen=True)
class Request:
    """What to fetch, and where to."""

    study: str
    series: list[str]
    out: Path | None
    workers: int | None


def run(server: Server, request: Request) -> None:
    """The command."""
    options: dict[str, Any] = {} if request.workers is None else {"workers": request.workers}
    start = time.perf_counter()
    filters = {"series_instance_uid": request.series} if request.series else None
    with server.source(**options) as source:
        loading = source.retrieve.series.metadata(request.study, filters=filters, progress="bar")
        series = loading.wait()
    seconds = time.perf_counter() - start
    for failure in loading.failures:
        note(str(failure))
    if not series:
        raise InputError("nothing could be fetched" if loading.failures else "the server has no such study or series")
    _show(series)
    if request.out is not None:
        _write(source.metadata_store, request.study, request.out)
    instances = sum(len(one) for one in series)
    parts = [f"{count(instances, 'instance')} in {len(series):,} series"]
    if loading.failures:
        parts.append(f"{len(loading.failures):,} series failed")
    if request.out is not None:
        parts.append(f"{size(request.out.stat().st_size)} written")
    note(f"{', '.join(parts)} ({seconds:.2f} s, {instances / max(seconds, 1e-9):,.0f} instances/s)")
    if loading.failures:
        raise InputError(f"{len(loading.failures):,} of {len(loading.failures) + len(series):,} series are missing")


def _show(series: list[Series]) -> None:
    rows = [
        [
            _text(one.get("SeriesNumber")),
            _text(one.get("Modality")),
            f"{len(one):,}",
            _text(one.series_instance_uid, 64),
            _text(one.get("SeriesDescription")),
        ]
        for one in sorted(series, key=_number)
    ]
    Screen().table([">No.", "Modality", ">Instances", "SeriesInstanceUID", "Description"], rows)


def _text(value: Any, room: int = _ROOM) -> str:
    return "" if value is None else text_of(value, room)


def _number(series: Series) -> tuple[float, str]:
    number = series.get("SeriesNumber")
    return (number if isinstance(number, (int, float)) else float("inf"), series.series_instance_uid)


def _write(store: metalith.MetadataStore, study: str, out: Path) -> None:
    """DICOM JSON where the name ends so, else a saved store. A file that is there is replaced by a whole one."""
    if out.suffix.lower() != ".json":
        store.save(out)
        return
    found = store.study(study)
    with replacing(out) as file:
        file.write(b"[")
        between = b""
        for series in found.series if found is not None else ():
            for instance in series:
                file.write(between + metalith.dumps(instance))
                between = b",\n"
        file.write(b"]\n")
