"""`metalith studies`: what a DICOMweb server has."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import orjson

from metalith.cli.screen import Screen, note
from metalith.cli.server import Server
from metalith.cli.values import count, text_of

__all__ = ["Request", "run"]

_ROOM = 40


@dataclass(frozen=True)
class Request:
    """What to search for."""

    parameters: dict[str, Any]
    limit: int | None
    offset: int
    series_of: str | None
    json: bool


def run(server: Server, request: Request) -> None:
    """The command."""
    with server.source() as source:
        paging = {"limit": request.limit, "offset": request.offset}
        if request.series_of is None:
            rows = source.query.studies.search(**request.parameters, **paging)
            columns, cells = _STUDY, _study
        else:
            rows = source.query.series.search(request.series_of, **request.parameters, **paging)
            columns, cells = _SERIES, _series
        if request.json:
            out = sys.stdout.buffer
            for row in rows:
                out.write(orjson.dumps(row.to_ohif(), default=str) + b"\n")
            out.flush()
            return
        shown = [cells(row) for row in rows]
    if shown:
        Screen().table(columns, shown)
    one, many = ("study", "studies") if request.series_of is None else ("series", "series")
    note(f"{count(len(shown), one, many)}")
    for told in getattr(rows, "notes", ()):
        note(str(told))


_STUDY = ["Date", "Patient", "ID", ">Series", ">Instances", "Modalities", "StudyInstanceUID", "Description"]
_SERIES = [">No.", "Modality", ">Instances", "SeriesInstanceUID", "Description"]


def _study(row: Any) -> list[str]:
    series = row.get("NumberOfStudyRelatedSeries")
    return [
        _text(row.date),
        _text(row.patient_name),
        _text(row.mrn),
        _text(series),
        _text(row.instances),
        _text("/".join(row.modalities)),
        _text(row.study_instance_uid, 64),
        _text(row.description),
    ]


def _series(row: Any) -> list[str]:
    return [
        _text(row.series_number),
        _text(row.modality),
        _text(row.instances),
        _text(row.series_instance_uid, 64),
        _text(row.description),
    ]


def _text(value: Any, room: int = _ROOM) -> str:
    return "" if value is None else text_of(value, room)
