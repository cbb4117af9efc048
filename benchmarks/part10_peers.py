"""The peers in reading headers: functions from a file's bytes, or from its path, to whatever each makes of it.

    instance   metalith.Instance
    natural    a dict keyed by keyword, sequences as lists of such dicts
    pydicom, dicomsdl, gdcm, fastdicom   their data sets, in which nothing or little is decoded yet
    scanner    gdcm.Scanner, which holds the values of WANTED as text
    bytes      what was read, as a floor: no header is looked for

A peer that lacks one of the two ways, or that is not installed, raises Absent.
"""

import os
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from pydicom.datadict import DicomDictionary

import metalith
from benchmarks.part10_files import PIXELS, dataset_of
from benchmarks.peers import Absent, _module

KEYWORD_OF = {tag: entry[4] for tag, entry in DicomDictionary.items() if entry[4]}
TAG_OF = {keyword: tag for tag, keyword in KEYWORD_OF.items()}
WANTED = (
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyDate",
    "ContentDate",
    "Modality",
    "Manufacturer",
    "PatientID",
    "SliceThickness",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SeriesNumber",
    "InstanceNumber",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "FrameOfReferenceUID",
    "Rows",
    "Columns",
    "PixelSpacing",
    "BitsStored",
    "ImageType",
)
PREFIX = 65536  # of bare reading, as one that does not know how long a header is would read
SHORT = 16384  # what metalith begins with


# -- to natural dicts, in plain Python --------------------------------------------------------------------------------


def natural_pydicom(dataset) -> dict:
    """As tight as it can be: values as pydicom gives them, several as a list, no element looked up twice."""
    from pydicom.multival import MultiValue

    keywords, natural = KEYWORD_OF, {}
    for element in dataset:
        value = element.value
        if element.VR == "SQ":
            value = [natural_pydicom(item) for item in value]
        elif type(value) is MultiValue:
            value = list(value)
        natural[keywords.get(element.tag) or f"{element.tag:08X}"] = value
    return natural


def _natural_dicomsdl(sequence_vr: Any) -> Callable[[Any], dict]:
    def natural(dataset) -> dict:
        keywords, made = KEYWORD_OF, {}
        for element in dataset:
            tag = element.tag()
            items = element.toSequence() if element.vr() == sequence_vr else None
            value = element.value() if items is None else [natural(item) for item in items]
            made[keywords.get(tag) or f"{tag:08X}"] = value
        return made

    return natural


def natural_fastdicom(dataset) -> dict:
    keywords, natural = KEYWORD_OF, {}
    kind = type(dataset)
    for (group, number), value in dataset.items():
        if type(value) is list and value and type(value[0]) is kind:
            value = [natural_fastdicom(item) for item in value]
        tag = group << 16 | number
        natural[keywords.get(tag) or f"{tag:08X}"] = value
    return natural


def natural_metalith(instance) -> dict:
    """Every value made, those in sequences too."""
    sequence = metalith.Sequence
    return {
        name: [natural_metalith(item) for item in value] if type(value) is sequence else value
        for name, value in instance.items()
    }


# -- one file ---------------------------------------------------------------------------------------------------------


def _metalith() -> Callable:
    def run(file: bytes | str) -> Any:
        instance = metalith.read(file)
        instance.keys()  # every keyword ready: they belong to the goal
        return instance

    return run


def _metalith_natural() -> Callable:
    return lambda file: natural_metalith(metalith.read(file))


def _pydicom_path() -> Callable:
    from pydicom import dcmread

    def run(path: str) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dcmread(path, stop_before_pixels=True)

    return run


def _dicomsdl_bytes() -> Callable:
    read = _module("dicomsdl").open_memory
    return lambda body: read(body, True, PIXELS)


def _dicomsdl_path() -> Callable:
    read = _module("dicomsdl").open_file
    return lambda path: read(path, PIXELS)


def _then(first: Callable[[], Callable], natural: Callable[[], Callable]) -> Callable[[], Callable]:
    def make() -> Callable:
        run, after = first(), natural()
        return lambda file: after(run(file))

    return make


def _dicomsdl_natural() -> Callable:
    return _natural_dicomsdl(_module("dicomsdl").VR.SQ)


def _gdcm() -> Callable:
    gdcm = _module("gdcm")
    pixels = gdcm.Tag(PIXELS >> 16, PIXELS & 0xFFFF)

    def run(path: str) -> Any:
        reader = gdcm.Reader()
        reader.SetFileName(path)
        if not reader.ReadUpToTag(pixels):
            raise ValueError("gdcm cannot read the file")
        return reader

    return run


def _gdcm_scanner() -> Callable:
    """WANTED alone: for one file, or for a list of them."""
    gdcm = _module("gdcm")
    tags = [gdcm.Tag(TAG_OF[keyword] >> 16, TAG_OF[keyword] & 0xFFFF) for keyword in WANTED]

    def run(paths: str | Iterable[str]) -> Any:
        scanner = gdcm.Scanner()
        for tag in tags:
            scanner.AddTag(tag)
        if not scanner.Scan([paths] if isinstance(paths, str) else list(paths)):
            raise ValueError("gdcm cannot scan the file")
        return scanner

    return run


def _fastdicom() -> Callable:
    read = _module("fastdicom").dcmread
    return lambda path: read(path, stop_before_pixels=True)


def _open_read() -> Callable:
    def run(path: str) -> bytes:
        with open(path, "rb") as file:
            return file.read(PREFIX)

    return run


def _os_read(size: int) -> Callable[[], Callable]:
    def make() -> Callable:
        def run(path: str) -> bytes:
            fd = os.open(path, os.O_RDONLY)
            try:
                return os.pread(fd, size, 0)
            finally:
                os.close(fd)

        return run

    return make


@dataclass(frozen=True)
class Reader:
    """`from_bytes()` and `from_path()` give the function that is timed; None where the peer has no such way."""

    name: str
    form: str
    from_path: Callable[[], Callable]
    from_bytes: Callable[[], Callable] | None = None
    slow: bool = False  # half a millisecond and more a file
    threads: bool = False  # worth trying on two: it may give the interpreter's lock away

    def reading(self, source: str) -> Callable:
        if source == "path":
            return self.from_path()
        if self.from_bytes is None:
            raise Absent(f"{self.name} reads nothing but paths")
        return self.from_bytes()


NATURAL_DICOMSDL = _then(_dicomsdl_path, _dicomsdl_natural)
READERS = (
    Reader("metalith", "instance", _metalith, _metalith, threads=True),
    Reader("metalith -> dict", "natural", _metalith_natural, _metalith_natural),
    Reader("pydicom", "pydicom", _pydicom_path, lambda: dataset_of, slow=True),
    Reader(
        "pydicom -> dict",
        "natural",
        _then(_pydicom_path, lambda: natural_pydicom),
        _then(lambda: dataset_of, lambda: natural_pydicom),
        slow=True,
    ),
    Reader("dicomsdl", "dicomsdl", _dicomsdl_path, _dicomsdl_bytes, threads=True),
    Reader("dicomsdl -> dict", "natural", NATURAL_DICOMSDL, _then(_dicomsdl_bytes, _dicomsdl_natural), slow=True),
    Reader("gdcm", "gdcm", _gdcm, slow=True),
    Reader("gdcm-scanner", "scanner", _gdcm_scanner, slow=True),
    Reader("fastdicom", "fastdicom", _fastdicom),  # whose results stay with the thread that made them
    Reader("fastdicom -> dict", "natural", _then(_fastdicom, lambda: natural_fastdicom), threads=True),
    Reader("open + read", "bytes", _open_read, threads=True),
    Reader("os.open + pread 64K", "bytes", _os_read(PREFIX)),
    Reader("os.open + pread 16K", "bytes", _os_read(SHORT)),
)
BY_NAME = {reader.name: reader for reader in READERS}
FLOORS = ("open + read", "os.open + pread 16K")  # as Python reads a file, and the least that there is
NATIVE = ("dicomsdl", "gdcm", "gdcm-scanner", "fastdicom")  # of which the fastest is the goal's


# -- a series ---------------------------------------------------------------------------------------------------------


def scan_series(paths: str | list[str], workers: int) -> Any:
    """The files of one series, or the folder that they are in, as one table, every keyword ready."""
    (table,) = metalith.scan(paths, workers=workers)
    _ = table.keywords
    return table


def core_series(paths: Iterable[str]) -> Any:
    """The same without what `scan` does around it: walking, and keeping one file's troubles from the others."""
    from metalith._core import Framing, HeaderReader

    bounds = metalith.Limits()
    framing, reader = Framing(bounds, 0, False), HeaderReader(bounds, False, 1024)
    for path in paths:
        reader.add(framing.read(os.fsencode(path)))
    table = reader.finish()
    _ = table.keywords
    return table


FOLDER, CORE = "metalith, folder", "metalith, core alone"
# each with the number of threads; a table has one row a file, so it needs no other way to become dicts
IN_SERIES = (
    *(
        (reader.name, workers)
        for reader in READERS
        if reader.name != "metalith -> dict"
        for workers in ((1, 2) if reader.threads else (1,))
    ),
    (FOLDER, 1),
    (CORE, 1),
)


def form_in_series(name: str) -> str:
    return "instance" if name in (FOLDER, CORE) else BY_NAME[name].form


def reading_series(name: str, workers: int) -> Callable[[tuple[str, ...]], Any]:
    """A function that reads all files, and gives back a list of what the peer makes of each, a table, or a scanner."""
    if name == "metalith":
        return lambda paths: scan_series(list(paths), workers)
    if name == FOLDER:
        return lambda paths: scan_series(os.path.dirname(paths[0]), workers)
    if name == CORE:
        return core_series
    if name == "gdcm-scanner":
        return _gdcm_scanner()
    run = BY_NAME[name].reading("path")
    if workers == 1:
        return lambda paths: [run(path) for path in paths]

    def together(paths: tuple[str, ...]) -> list:
        size = -(-len(paths) // workers)
        with ThreadPoolExecutor(workers) as pool:
            parts = pool.map(lambda at: [run(path) for path in paths[at : at + size]], range(0, len(paths), size))
            return [result for part in parts for result in part]

    return together
