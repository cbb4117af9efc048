"""What the store is filled with: series made up by the million, cheaply, and a real one over and over with new UIDs.

Made-up series have 200 instances each, and studies five of them.  Instances are numbered through; from its number
follow an instance's UIDs, path and image ids.  A series is a text with places for UIDs, so that a million instances are
made in seconds; all other values are the same in every series.
"""

import random
from collections.abc import Callable, Iterator
from functools import lru_cache

import metalith
from benchmarks import datasets
from metalith import _core

PER_SERIES, PER_STUDY = 200, 5
SIZES = {"1 thousand": 1_000, "100 thousand": 100_000, "1 million": 1_000_000}
SERVER = "https://pacs.example.org/"

_DIGITS, _STEP = 10**37, 1590429688519720198888333603882344633  # prime to each other: UIDs differ, and none is near


# -- names ------------------------------------------------------------------------------------------------------------


def sop_uid(number: int) -> str:
    return f"1.2.826.0.1.3680043.2.1143.{(number + 1) * _STEP % _DIGITS}"


def series_uid(number: int) -> str:
    """Of the series that this instance is in; the same for `study_uid`."""
    return f"1.2.840.113619.2.278.3.2831868185.417.1590429688.{number // PER_SERIES}"


def study_uid(number: int) -> str:
    return f"1.2.840.113619.2.278.3.2831868185.411.1590429688.{number // PER_SERIES // PER_STUDY}"


def path(number: int) -> str:
    return f"/data/archive/series{number // PER_SERIES:06d}/IM{number:08d}.dcm"


def wadors_of(study: str, series: str, sop: str) -> str:
    return f"wadors:{SERVER}dicom-web/studies/{study}/series/{series}/instances/{sop}/frames/1"


def wadors(number: int) -> str:
    return wadors_of(study_uid(number), series_uid(number), sop_uid(number))


def wadouri(number: int) -> str:
    return (
        f"wadouri:{SERVER}wado?requestType=WADO&studyUID={study_uid(number)}&seriesUID={series_uid(number)}"
        f"&objectUID={sop_uid(number)}&contentType=application%2Fdicom&frame=1"
    )


def dicomfile(number: int) -> str:
    return f"dicomfile:{path(number)}?frame=1"


def some(count: int, most: int, seed: int = 1) -> list[int]:
    """Numbers of instances drawn from `count`, no two alike."""
    return random.Random(seed).sample(range(count), min(count, most))


# -- made-up series ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _template(rows: int, attributes: int) -> str:
    """A series of so many rows, with %s for SOPInstanceUIDs; what varies beyond five attributes are small numbers."""

    def row(k: int) -> str:
        elements = [
            '"00080018":{"vr":"UI","Value":["%s"]}',
            '"0020000D":{"vr":"UI","Value":["@STUDY@"]}',
            '"0020000E":{"vr":"UI","Value":["@SERIES@"]}',
            f'"00200013":{{"vr":"IS","Value":[{k + 1}]}}',
            f'"00200032":{{"vr":"DS","Value":[-180.148,-171.5,{round(-412.25 + k * 0.625, 6)}]}}',
        ]
        elements += [
            f'"0021{0x1000 + n:04X}":{{"vr":"US","Value":[{(k * 31 + n * 17) % 4096}]}}' for n in range(attributes - 5)
        ]
        return "{" + ",".join(elements) + "}"

    return "[" + ",\n".join(map(row, range(rows))) + "]"


def body(first: int, rows: int = PER_SERIES, attributes: int = 5) -> bytes:
    """DICOM JSON of a series whose instances are numbered from `first`."""
    text = _template(rows, attributes).replace("@STUDY@", study_uid(first)).replace("@SERIES@", series_uid(first))
    return (text % tuple(map(sop_uid, range(first, first + rows)))).encode()


def table(first: int, rows: int = PER_SERIES, attributes: int = 5, files: bool = False) -> metalith.InstanceTable:
    """A series as a table; with `files` as if read from them, without the need to write a million."""
    made = body(first, rows, attributes)
    if not files:
        return metalith.naturalize(made)
    paths = [path(number) for number in range(first, first + rows)]
    return _core._table_from_json(made, (paths, b"[" + b",".join([b"{}"] * rows) + b"]"))


def store(count: int, attributes: int = 5, files: bool = False, rows: int = PER_SERIES) -> metalith.MetadataStore:
    """A store of so many instances, each series of so many rows added by itself."""
    made = metalith.MetadataStore()
    for first in range(0, count, rows):
        made.add_instances(table(first, rows, attributes, files))
    return made


# -- a real series over and over --------------------------------------------------------------------------------------

REAL: dict[str, tuple[bytes, Callable[[int], bytes]]] = {
    "t1-384": (b"1.2.826.0.1.3680043.2.1143.", lambda t: b"1.2.826.0.1.3680043.2.%d." % (2000 + t)),
    "ct-600": (b"1.3.6.1.4.1.5962.1.", lambda t: b"1.2.840.113619.2.278.%d." % (1_000_000 + t)),
}
ABOUT = {"t1-384": "54 attributes, 4 of which vary", "ct-600": "261 attributes, 18 of which vary"}


def repeated(name: str, count: int) -> Iterator[bytes]:
    """The series as a server sends it, with other UIDs every time, until there are so many instances."""
    given, (old, new) = datasets.load(name), REAL[name]
    for t in range(-(-count // given.instances)):
        yield given.body.replace(old, new(t))
