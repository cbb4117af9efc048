"""A file, or standard input, as a table."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from metalith import InstanceTable, Limits, ParseError, naturalize
from metalith.cli.failure import InputError, UsageError

__all__ = ["Loaded", "load"]

_MOST = Limits().max_bytes + 1  # the parse refuses what is longer
_OTHERS = (
    (0, b"\x1f\x8b", "compressed with gzip; try: gunzip -c FILE | metalith …"),
    (128, b"DICM", "a DICOM file, not DICOM JSON"),
)


@dataclass(frozen=True)
class Loaded:
    """A parsed input and what the parse took."""

    name: str
    table: InstanceTable
    input_bytes: int
    table_bytes: int
    seconds: float


def load(file: str, *, strict: bool) -> Loaded:
    """The table of a file (mapped into memory where it can be) or of standard input ("-")."""
    body: Path | bytes
    if file == "-":
        if sys.stdin.isatty():
            raise UsageError("no file is given and nothing is piped in; see metalith --help")
        name, body = "<stdin>", sys.stdin.buffer.read(_MOST)
    elif Path(file).is_file():
        name, body = file, Path(file)
    else:
        with open(file, "rb") as stream:  # a pipe, or an error that says what is wrong
            name, body = file, stream.read(_MOST)
    size = body.stat().st_size if isinstance(body, Path) else len(body)
    start = time.perf_counter()
    try:
        table = naturalize(body, strict=strict, source=name)
    except ParseError:
        _tell_other_format(name, body)
        raise
    seconds = time.perf_counter() - start
    return Loaded(name, table, size, table.nbytes, seconds)


def _tell_other_format(name: str, body: Path | bytes) -> None:
    """A better message for what often is given by mistake."""
    if isinstance(body, Path):
        with body.open("rb") as stream:
            body = stream.read(132)
    for at, magic, what in _OTHERS:
        if body[at : at + len(magic)] == magic:
            raise InputError(f"{name}: {what}")
