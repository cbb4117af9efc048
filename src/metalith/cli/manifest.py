"""`metalith manifest`: DICOM files as a manifest for viewers."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal, cast

import metalith
from metalith.cli.failure import InputError, UsageError
from metalith.cli.progress import Bar
from metalith.cli.scan import told
from metalith.cli.screen import note
from metalith.cli.select import Path as Selected
from metalith.cli.select import parse
from metalith.cli.values import count
from metalith.sources.dicomjson.file_urls import UrlOfFile
from metalith.sources.dicomjson.write import Written, write_manifest
from metalith.store.replacing import replacing

__all__ = ["Request", "run"]


@dataclass(frozen=True)
class Request:
    """What to write, and where to."""

    url_prefix: str
    scheme: str = "dicomweb"
    frames: Literal["entry", "number"] = "entry"
    frame_base: Literal[0, 1] = 1
    select: list[str] = field(default_factory=list)
    out: Path | None = None


def run(inputs: list[str], request: Request) -> None:
    """The command."""
    if request.out is None and sys.stdout.isatty():
        raise UsageError("a manifest is long: name a file with --out, or pipe it somewhere")
    paths = inputs[0] if len(inputs) == 1 else inputs
    url_for = UrlOfFile(request.url_prefix, inputs, request.scheme)
    names = [_name(path) for path in parse(request.select, metalith.naturalize(b"[]"))] or None
    with (
        Bar(paths) as bar,
        metalith.scan(paths, progress=bar.update) as scan,
        suppress(_Nothing),
        _output(request.out) as file,
    ):
        written = cast(
            Written,
            write_manifest(
                scan,
                out=file,
                url_for=url_for,
                frames=request.frames,
                frame_base=request.frame_base,
                select=names,
            ),
        )
        if not written.instances:
            raise _Nothing
    parts = [f"{count(written.studies, 'study', 'studies')}, {count(written.series, 'series', 'series')}"]
    parts.append(count(written.instances, "instance"))
    for n, what in (
        (written.repeated, "left out that are there already"),
        (written.without_uids, "left out that have no UIDs"),
        (scan.failed, "unreadable"),
    ):
        if n:
            parts.append(f"{n:,} {what}")
    note("; ".join(parts))
    for failure in scan.failures:
        note(told(failure))
    if not written.instances:
        raise InputError("there is no DICOM file that can be read")


class _Nothing(Exception):
    """Leaves the block in which a file is replaced, and with it the manifest that is there already."""


def _output(path: Path | None) -> AbstractContextManager[IO[bytes]]:
    return nullcontext(sys.stdout.buffer) if path is None else replacing(path)


def _name(path: Selected) -> str:
    if len(path) > 1:
        raise UsageError("--select: sequences come whole into a manifest; name them without dots")
    return path[0].natural
