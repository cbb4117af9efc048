"""The peers: functions from the bytes of DICOM JSON to whatever each of them makes of it.

A peer tells the form of its result, by which `check.correct` judges it and `read_all` walks it:

    raw      dicts keyed by tag, as the JSON has them
    natural  dicts keyed by keyword
    parsed   a simdjson document, no Python objects made
    pydicom  a list of Dataset
    table    metalith.InstanceTable
"""

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from pydicom.datadict import DicomDictionary

import metalith
from benchmarks.measure import Case

KEYWORDS = {f"{tag:08X}": entry[4] for tag, entry in DicomDictionary.items() if entry[4]}


class Absent(Exception):
    """The peer is not installed; the message tells which."""


# -- the plain-Python naturalizer -------------------------------------------------------------------------------------


def naturalize(dataset: dict) -> dict:
    """What most people write by hand: keywords for tags, a single value unwrapped, sequences as lists of dicts."""
    keywords = KEYWORDS
    natural = {}
    for tag, element in dataset.items():
        values = element.get("Value")
        if values is None:
            value = element if "BulkDataURI" in element else element.get("InlineBinary")
        elif element["vr"] == "SQ":
            value = [naturalize(item) for item in values]
        else:
            if element["vr"] == "PN":
                values = [name and name.get("Alphabetic") for name in values]
            value = values[0] if len(values) == 1 else values or None
        natural[keywords.get(tag, tag)] = value
    return natural


def orjson_natural(body: bytes) -> list[dict]:
    return [naturalize(dataset) for dataset in orjson.loads(body)]


# -- the others -------------------------------------------------------------------------------------------------------


def metalith_table(body: bytes) -> "metalith.InstanceTable":
    """Every keyword ready: they belong to the goal, so they are asked for."""
    table = metalith.naturalize(body)
    _ = table.keywords
    return table


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise Absent(f"{name} is not installed") from None


def _msgspec() -> Callable:
    return _module("msgspec.json").decode


def _msgspec_typed() -> Callable:
    """msgspec at its best: elements as structs that the collector does not track."""
    msgspec = _module("msgspec")
    element = msgspec.defstruct(
        "Element",
        [("vr", str | None, None), ("Value", Any, None), ("BulkDataURI", Any, None), ("InlineBinary", Any, None)],
        gc=False,
    )
    return msgspec.json.Decoder(list[dict[str, element]]).decode


def _simdjson() -> Callable:
    """Parser and its buffers are reused: nothing but the parse is timed."""
    return _module("simdjson").Parser().parse


def _simdjson_objects() -> Callable:
    parse = _module("simdjson").Parser().parse
    return lambda body: parse(body, True)


def _pydicom() -> Callable:
    from pydicom import Dataset

    def link(tag, vr, uri):
        return None

    def run(body: bytes) -> list:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [Dataset.from_json(dataset, link) for dataset in orjson.loads(body)]

    return run


@dataclass(frozen=True)
class Peer:
    name: str
    form: str
    make: Callable[[], Callable[[bytes], Any]]
    slow: bool = False  # a second and more per megabyte: timed on few rounds, and not on the largest inputs

    def case(self, body: bytes, *, gc: bool = True, label: str | None = None) -> Case:
        run = self.make()
        return Case(label or self.name, lambda: run(body), gc=gc)


METALITH = Peer("metalith", "table", lambda: metalith_table)
ORJSON = Peer("orjson", "raw", lambda: orjson.loads)
NATURAL = Peer("orjson+naturalize", "natural", lambda: orjson_natural)
SIMDJSON = Peer("simdjson-parse", "parsed", _simdjson)
PYDICOM = Peer("pydicom", "pydicom", _pydicom, slow=True)
PEERS = (
    METALITH,
    ORJSON,
    NATURAL,
    Peer("msgspec", "raw", _msgspec),
    Peer("msgspec-typed", "structs", _msgspec_typed),
    SIMDJSON,
    Peer("simdjson-objects", "raw", _simdjson_objects),
    PYDICOM,
)
BY_NAME = {peer.name: peer for peer in PEERS}
GC_OFF = ("metalith", "orjson", "orjson+naturalize", "msgspec")
SLOW_LIMIT = 8_000_000  # bytes


# -- reading everything -----------------------------------------------------------------------------------------------


def read_dicts(rows: list[dict]) -> int:
    """Touches every value of naturalized dicts, in sequences too; returns how many there were."""
    count = 0
    for row in rows:
        count += len(row)
        for value in row.values():
            if type(value) is list and value and type(value[0]) is dict:
                count += read_dicts(value)
    return count


def read_table(rows) -> int:
    """The same of Instances."""
    count = 0
    sequence = metalith.Sequence
    for row in rows:
        count += len(row)
        for value in row.values():
            if type(value) is sequence and value:
                count += read_table(value)
    return count


def read_pydicom(datasets: list) -> int:
    count = 0
    for dataset in datasets:
        count += len(dataset)
        for element in dataset:
            value = element.value
            if element.VR == "SQ":
                count += read_pydicom(value)
    return count


READERS = {"natural": read_dicts, "table": read_table, "pydicom": read_pydicom}


def reading(peer: Peer) -> Callable[[bytes], tuple[Any, int]]:
    """Ingest and then read everything; what was made is returned too, so that freeing it is not timed."""
    run, read = peer.make(), READERS[peer.form]

    def both(body: bytes) -> tuple[Any, int]:
        result = run(body)
        return result, read(result)

    return both
