"""A file, a folder, or standard input, as a table."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import metalith
from metalith import InstanceTable, Limits, NotDicomError, naturalize
from metalith._core import Framing, HeaderReader
from metalith.cli.failure import InputError, UsageError
from metalith.limits import current
from metalith.part10 import BULK_ABOVE
from metalith.store.persistence import MAGIC

__all__ = ["Loaded", "load"]

_MOST = Limits().max_bytes + 1  # the parse refuses what is longer
_GZIP = b"\x1f\x8b"
_BEGINS_JSON = (b"[", b"{", b'"')


@dataclass(frozen=True)
class Loaded:
    """A parsed input and what the parse took."""

    name: str
    table: InstanceTable
    input_bytes: int  # of DICOM files, those of their headers
    table_bytes: int
    seconds: float


def load(file: str, *, strict: bool) -> Loaded:
    """The table of a file (mapped into memory where it can be), of a folder, or of standard input ("-")."""
    body: Path | bytes
    if file == "-":
        if sys.stdin.isatty():
            raise UsageError("no file is given and nothing is piped in; see metalith --help")
        name, body = "<stdin>", sys.stdin.buffer.read(_MOST)
    elif Path(file).is_dir():
        return _load_folder(file, strict)
    elif Path(file).is_file():
        name, body = file, Path(file)
    else:
        with open(file, "rb") as stream:  # a pipe, or an error that says what is wrong
            name, body = file, stream.read(_MOST)
    start = time.perf_counter()
    table, size = _parse(name, body, strict)
    seconds = time.perf_counter() - start
    return Loaded(name, table, size, table.nbytes, seconds)


def _parse(name: str, body: Path | bytes, strict: bool) -> tuple[InstanceTable, int]:
    """By what it begins with: a DICOM file, or JSON. Some DICOM files have nothing to be known by."""
    first = _beginning(body)
    if first.startswith(MAGIC):
        raise InputError(f"{name}: a saved store, which Python opens with metalith.MetadataStore.open")
    is_dicom = first[128:132] == b"DICM"
    if is_dicom or not first.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(_BEGINS_JSON):
        try:
            return _parse_file(name, body, strict)
        except NotDicomError:
            if first.startswith(_GZIP):
                raise InputError(f"{name}: compressed with gzip; try: gunzip -c FILE | metalith …") from None
    table = naturalize(body, strict=strict, source=name)
    return table, body.stat().st_size if isinstance(body, Path) else len(body)


def _beginning(body: Path | bytes) -> bytes:
    if isinstance(body, bytes):
        return body[:256]
    with body.open("rb") as stream:
        return stream.read(256)


def _parse_file(name: str, body: Path | bytes, strict: bool) -> tuple[InstanceTable, int]:
    """The header of one DICOM file."""
    framing, reader = Framing(current(), 0, False), HeaderReader(current(), strict, BULK_ABOVE)
    if isinstance(body, Path):
        header = framing.read(os.fsencode(os.path.abspath(body)), name)
    else:
        header = framing.frame(body, None, source=name)
    reader.add(header, name)
    return reader.finish(), header.length


def _load_folder(folder: str, strict: bool) -> Loaded:
    """All DICOM files in it; those that cannot be read are told."""
    from metalith.cli.progress import Bar
    from metalith.cli.scan import told
    from metalith.cli.screen import note

    start = time.perf_counter()
    with Bar(folder) as bar:
        scan = metalith.scan(folder, group_by_series=False, strict=strict, progress=bar.update)
        table = next(scan, None)
    seconds = time.perf_counter() - start
    for failure in scan.failures:
        note(told(failure))
    if table is None:
        raise InputError(f"{folder}: there is no DICOM file in it that can be read")
    return Loaded(folder, table, scan.bytes, table.nbytes, seconds)
