"""Part-10 files that are measured: single ones, and series written to a temporary folder.

A series is one file `n` times over, in which what differs from slice to slice is set: the elements are encoded anew and
put between the rest, which stays as it was, byte by byte.  That takes microseconds, so a hundred thousand can be made.
No file that pydicom ships has the 350 elements that the goals speak of: CT_small.dcm, from a GE scanner, has 257, and
`ct-350` is the same file with 93 of its private elements again in a second block.
"""

import atexit
import io
import random
import shutil
import struct
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pydicom
from pydicom.data.data_manager import DATA_ROOT

from benchmarks.datasets import Missing, shared_folder

PIXELS = 0x7FE00010
BUNDLED = Path(DATA_ROOT) / "test_files"
FIRST = 1_000_000  # last component of the first SOPInstanceUID, so that all are of one length


@dataclass(frozen=True)
class Files:
    """Some files, their bytes in memory and in the page cache."""

    name: str
    about: str
    paths: tuple[str, ...]
    bodies: tuple[bytes, ...]
    elements: int  # of the first one, those of its sequences included

    @property
    def instances(self) -> int:
        return len(self.paths)

    @property
    def megabytes(self) -> float:
        return sum(map(len, self.bodies)) / 1e6

    def sizes(self) -> dict:
        return {"bytes": sum(map(len, self.bodies)), "instances": self.instances, "elements": self.elements}


def dataset_of(body: bytes) -> pydicom.Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(io.BytesIO(body), stop_before_pixels=True, force=True)


def _elements(dataset: pydicom.Dataset) -> int:
    return sum(1 + (sum(map(_elements, element.value)) if element.VR == "SQ" else 0) for element in dataset)


# -- variants of a file -----------------------------------------------------------------------------------------------


def _written(dataset: pydicom.Dataset) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.save_as(out)
    return out.getvalue()


def _enriched(dataset: pydicom.Dataset, count: int) -> None:
    """Private elements once more, in a second block of their group, until `count` attributes come up to the pixels."""
    for element in [element for element in dataset if element.tag.is_private and element.tag.element >> 8 == 0x10]:
        if len(dataset) > count:
            return
        group, number = element.tag.group, element.tag.element
        dataset.add_new((group, 0x11), "LO", dataset[group, 0x10].value)
        dataset.add_new((group, 0x1100 | number & 0xFF), element.VR, element.value)


class Pattern:
    """A file of which any number of variants is made.  Without pixels they are two bytes, where only headers count."""

    def __init__(self, file: str, *, elements: int = 0, pixels: bool = True) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(BUNDLED / file)
        if elements:
            _enriched(dataset, elements)
        if not pixels:
            dataset.PixelData = b"\0\0"
        self.root = dataset.SOPInstanceUID.rsplit(".", 1)[0]
        self.uid = f"{self.root}.{FIRST}"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = self.uid
        self.position = [float(value) for value in dataset.ImagePositionPatient]
        self.body = _written(dataset)
        self.implicit = dataset.file_meta.TransferSyntaxUID == pydicom.uid.ImplicitVRLittleEndian
        raw = dataset_of(self.body)
        self.places = {}
        for tag in self._changes(0):
            if tag in raw:
                element = raw.get_item(tag)
                self.places[tag] = (element.value_tell - 8, element.value_tell + element.length, element.VR)

    def _changes(self, k: int) -> dict[int, str | int | float]:
        """What differs from slice to slice, as `datasets.slices` has it."""
        r = random.Random(k)
        x, y, z = self.position
        at = round(z + 2.5 * k, 6)
        clock = f"{11 + k // 3600 % 12:02d}{k // 60 % 60:02d}{k % 60:02d}"
        return {
            0x00080013: clock,
            0x00080018: f"{self.root}.{FIRST + k}",
            0x00080032: clock,
            0x00080033: f"{clock}.{r.randrange(10**6):06d}",
            0x00181151: str(r.randrange(80, 400)),
            0x00200013: str(k + 1),
            0x00200032: f"{x}\\{y}\\{at}",
            0x00201041: str(at),
            0x00271041: at,
            0x00271044: at,
            0x0027104A: at,
            0x0027104D: at,
            0x00280106: r.randrange(0, 50),
            0x00280107: r.randrange(900, 3000),
            0x00281050: str(round(r.uniform(30, 60), 1)),
            0x00281051: str(r.randrange(300, 450)),
        }

    def variant(self, k: int) -> bytes:
        body, parts, at = self.body, [], 0
        changes = self._changes(k)
        for tag, (start, end, vr) in self.places.items():
            parts += (body[at:start], self._encoded(tag, vr or "", changes[tag]))
            at = end
        parts.append(body[at:])
        meta, uid = parts[0], changes[0x00080018].encode()
        parts[0] = meta.replace(self.uid.encode(), uid)
        return b"".join(parts)

    def _encoded(self, tag: int, vr: str, value: str | int | float) -> bytes:
        if isinstance(value, str):
            text = value.encode()
            data = text + (b"\0" if tag == 0x00080018 else b" ") * (len(text) % 2)
        elif isinstance(value, float):
            data = struct.pack("<f", value)
        else:
            data = struct.pack("<H", value)
        head = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
        size = struct.pack("<I", len(data)) if self.implicit else vr.encode() + struct.pack("<H", len(data))
        return head + size + data

    def variants(self, n: int) -> Iterator[bytes]:
        return map(self.variant, range(n))


# -- what is measured -------------------------------------------------------------------------------------------------

PATTERNS = {
    "ct": {"file": "CT_small.dcm"},
    "ct-350": {"file": "CT_small.dcm", "elements": 350},
    "mr": {"file": "MR_small.dcm"},
}
SINGLE = {
    "ct": "GE CT, CT_small.dcm: 257 attributes, of which 170 are private",
    "ct-350": "the same with 93 of its private elements twice: 350 attributes",
    "mr": "MR_small.dcm: no private elements",
    "t1": "real T1 MR slice, implicit VR",
    "sr": "test-SR.dcm: a report, nested",
    "enhanced": "real Philips enhanced MR: 8,000 elements in functional groups",
}
SERIES = {
    "ct": "600 variants of CT_small.dcm",
    "ct-350": "600 variants of the one with 350 attributes",
    "mr": "600 variants of MR_small.dcm",
    "t1": "24 files of a real T1 MR series, implicit VR",
}
COUNT = 600
GOALS = "ct-350"  # by which the goals are judged: always there, and as rich as they say


@cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="metalith-part10-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _shared(pattern: str) -> list[Path]:
    found = sorted((shared_folder() / "data").glob(pattern))
    if not found:
        raise Missing(f"data/{pattern} is not in the folder that METALITH_SHARED names")
    return found


def _made(name: str, n: int) -> list[Path]:
    folder = _folder() / f"{name}-{n}"
    folder.mkdir()
    paths = [folder / f"{k:06d}.dcm" for k in range(n)]
    for path, body in zip(paths, Pattern(**PATTERNS[name]).variants(n), strict=True):
        path.write_bytes(body)
    return paths


def _files(name: str, about: str, paths: list[Path]) -> Files:
    bodies = tuple(path.read_bytes() for path in paths)  # and so they are in the page cache
    return Files(name, about, tuple(map(str, paths)), bodies, _elements(dataset_of(bodies[0])))


@cache
def single(name: str) -> Files:
    """One file of that name; raises Missing."""
    if name == "t1":
        paths = _shared("t1/*.dcm")[:1]
    elif name == "enhanced":
        paths = _shared("enhanced/*.dcm")[:1]
    elif name == "sr":
        paths = [BUNDLED / "test-SR.dcm"]
    else:
        paths = _made(name, 1)
    return _files(name, SINGLE[name], paths)


@cache
def series(name: str) -> Files:
    """The files of one series; raises Missing."""
    return _files(name, SERIES[name], _shared("t1/*.dcm") if name == "t1" else _made(name, COUNT))
