"""What pydicom and DCMTK make of a Part-10 file, in natural form, and a walk over two instances side by side.

Either program's DICOM JSON goes through Metalith's own scanner, which has tests of its own: what differs here is what
the readers of the file made of it, not how JSON is read.
"""

from __future__ import annotations

import io
import logging
import re
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pydicom

import metalith
from metalith import BulkData, BulkDataError, Instance, Sequence

DATA = Path(pydicom.__file__).parent / "data"
FOLDERS = ("test_files", "charset_files", "palettes")
PIXEL_DATA = 0x7FE00010


class Absent:
    """The attribute does not stand in that instance."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()


@dataclass(frozen=True)
class Answer:
    """One program's view of a file.

    `lost` are elements that it read and could not write as JSON, by path. `eased` tells what had to be changed in the
    copy of the file that it was given: see `_EASINGS`.
    """

    instance: Instance
    lost: dict[str, str] = field(default_factory=dict)
    eased: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Difference:
    """Where two instances differ, in the value or in the VR."""

    path: str
    left: Any
    right: Any
    left_vr: str | None = None
    right_vr: str | None = None

    @property
    def tag(self) -> int:
        """Tag number of the attribute; 0 for an item of a sequence."""
        last = self.path.rpartition(".")[2]
        return int(last, 16) if len(last) == 8 else 0


class OracleFailedError(Exception):
    """The program cannot read the file at all."""


@lru_cache(maxsize=1)
def bundled() -> tuple[str, ...]:
    """All DICOM files that pydicom ships, relative to its data folder."""
    paths = (path for folder in FOLDERS for path in sorted((DATA / folder).rglob("*")) if path.is_file())
    return tuple(
        path.relative_to(DATA).as_posix() for path in paths if path.suffix in ("", ".dcm") and path.name != "README"
    )


# ---- pydicom ----


@contextmanager
def _quiet() -> Iterator[None]:
    """Pydicom tells of every oddity of its own files, as warnings and in its log."""
    logger = logging.getLogger("pydicom")
    before = logger.disabled
    logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = before


def dataset_of(data: bytes) -> pydicom.FileDataset:
    """The file as pydicom reads it."""
    with _quiet():
        try:
            return pydicom.dcmread(io.BytesIO(data), force=True)
        except Exception as error:
            raise OracleFailedError(type(error).__name__) from error


def by_pydicom(path: Path) -> Answer:
    """`dcmread(force=True)`, `to_json_dict`, `naturalize_dataset`."""
    lost: dict[str, str] = {}
    data = path.read_bytes()
    dataset = dataset_of(data)
    with _quiet():
        try:
            elements = dataset.to_json_dict()
        except Exception:
            elements = _elements(dataset_of(data), "", lost)
    return Answer(metalith.naturalize_dataset(elements), lost)


def _elements(dataset: pydicom.Dataset, path: str, lost: dict[str, str]) -> dict[str, Any]:
    """`to_json_dict` of what it can write: as it is, one bad element takes all along."""
    result: dict[str, Any] = {}
    for tag in dataset.keys():  # noqa: SIM118 -- iterating over a dataset reads its elements
        key = f"{tag:08X}"
        try:
            element = dataset[tag]
            if element.VR == "SQ":
                items = [_elements(item, f"{path}{key}[{i}].", lost) for i, item in enumerate(element.value)]
                result[key] = {"vr": "SQ", "Value": items}
            else:
                result[key] = element.to_json_dict(None, 0)
        except Exception as error:
            lost[path + key] = f"{type(error).__name__}: {error}"
    return result


# ---- DCMTK ----


def dcm2json() -> str | None:
    """The program, or None where it is not installed."""
    return shutil.which("dcm2json")


@lru_cache(maxsize=1)
def dcmtk_version() -> str:
    """Version of DCMTK, "3.6.7"."""
    program = dcm2json()
    text = subprocess.run([str(program), "--version"], capture_output=True, timeout=60, check=False).stdout.decode()
    found = re.search(r"dcm2json v(\d+(?:\.\d+)*)", text)
    return found[1] if found else "unknown"


def by_dcm2json(path: Path) -> Answer:
    """`dcm2json`, `naturalize_dataset`; where it fails, once more with a copy that spares it what it cannot do."""
    try:
        return _asked(path)
    except OracleFailedError:
        data = path.read_bytes()
        eased = set()
        for name, ease in _EASINGS.items():
            if (changed := ease(data)) != data:
                data = changed
                eased.add(name)
        if not eased:
            raise
        with tempfile.NamedTemporaryFile(suffix=".dcm") as copy:
            copy.write(data)
            copy.flush()
            return _asked(Path(copy.name), frozenset(eased))


def _asked(path: Path, eased: frozenset[str] = frozenset()) -> Answer:
    program = dcm2json()
    assert program is not None
    done = subprocess.run([program, "-q", path], capture_output=True, timeout=60, check=False)
    if done.returncode:
        raise OracleFailedError(f"exit status {done.returncode}")
    body = done.stdout
    try:
        body.decode()
    except UnicodeDecodeError:
        # a text in a character set that it was not told of is passed on as it is
        body, eased = body.decode("latin-1").encode(), eased | {"characters"}
    return Answer(metalith.naturalize_dataset(body), eased=eased)


def _without_fragments(data: bytes) -> bytes:
    """Without encapsulated pixel data, which it refuses to write."""
    dataset = dataset_of(data)
    raw = dataset.get_item(PIXEL_DATA) if PIXEL_DATA in dataset else None
    if raw is None or raw.length != 0xFFFFFFFF:
        return data
    start = at = raw.value_tell
    while data[at : at + 4] == b"\xfe\xff\x00\xe0":
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
    return data[: start - (8 if raw.is_implicit_VR else 12)] + data[at + 8 :]


_CHARACTER_SET = re.compile(rb"(?<=\x08\x00\x05\x00CS)(..)", re.DOTALL)
_NOT_IN_ICONV = re.compile(rb"IR (?:13|87|159|58)\b")


def _in_latin(data: bytes) -> bytes:
    """Under the name of a character set that it knows, where Debian's build (iconv) does not."""
    result = bytearray(data)
    for found in _CHARACTER_SET.finditer(data):
        place = slice(found.end(), found.end() + int.from_bytes(found[1], "little"))
        if _NOT_IN_ICONV.search(data[place]):
            result[place] = b"ISO_IR 100".ljust(place.stop - place.start)
    return bytes(result)


_SYNTAX = re.compile(rb"(?<=\x02\x00\x10\x00UI..)[\d.]+\x00?", re.DOTALL)


def _in_its_syntax(data: bytes) -> bytes:
    """Under the transfer syntax that the data set is in, where that is implicit VR."""
    dataset = dataset_of(data)
    # of a dataset as such, pydicom tells the encoding that its transfer syntax has
    if not any(getattr(dataset.get_item(tag), "is_implicit_VR", False) for tag in list(dataset.keys())[:1]):
        return data
    return _SYNTAX.sub(lambda found: b"1.2.840.10008.1.2".ljust(len(found[0]), b"\0"), data, count=1)


_EASINGS: dict[str, Callable[[bytes], bytes]] = {
    "pixels": _without_fragments,
    "characters": _in_latin,
    "syntax": _in_its_syntax,
}


ORACLES: dict[str, Callable[[Path], Answer]] = {"pydicom": by_pydicom, "dcm2json": by_dcm2json}


# ---- side by side ----


def differences(left: Instance, right: Instance, path: str = "") -> Iterator[Difference]:
    """Walk two instances, attribute by attribute, through their sequences."""
    for name in dict.fromkeys([*left.keys(), *right.keys()]):
        mine, theirs = left.get(name, ABSENT), right.get(name, ABSENT)
        tag = (right if mine is ABSENT else left).tag(name)
        here = path + (name if tag is None else f"{tag:08X}")
        if isinstance(mine, Sequence) and isinstance(theirs, Sequence):
            yield from _items(mine, theirs, here)
            continue
        vrs = (None if mine is ABSENT else left.vr(name), None if theirs is ABSENT else right.vr(name))
        if vrs[0] != vrs[1] or not same(mine, theirs):
            yield Difference(here, mine, theirs, *vrs)


def _items(left: Sequence, right: Sequence, path: str) -> Iterator[Difference]:
    for index in range(max(len(left), len(right))):
        here = f"{path}[{index}]"
        if index >= len(left):
            yield Difference(here, ABSENT, right[index])
        elif index >= len(right):
            yield Difference(here, left[index], ABSENT)
        else:
            yield from differences(left[index], right[index], f"{here}.")


def same(left: Any, right: Any) -> bool:
    """Equality of natural values, types, signs of zero and groups of names included. Bulk equals the bytes it means."""
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, BulkData) and isinstance(right, bytes):
        try:
            left = left.read()
        except BulkDataError:
            return False
    if type(left) is not type(right):
        return False
    return (bool(left == right) and repr(left) == repr(right)) or (left != left and right != right)


def attributes(instance: Instance) -> Iterator[tuple[int | None, Any]]:
    """Tags and values of all attributes, those of items included."""
    for name, value in instance.items():
        yield instance.tag(name), value
        if isinstance(value, Sequence):
            for item in value:
                yield from attributes(item)
