"""What is timed beside ingest, once for pytest and the report: attribute access, columns, export, threads."""

import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy
import orjson

import metalith
from benchmarks import check, measure, peers
from benchmarks.datasets import Input

COLUMN = "ImagePositionPatient"


# -- one attribute ----------------------------------------------------------------------------------------------------

ACCESS = {
    'dict["Rows"]': 'd["Rows"]',
    'dict.get("Rows")': 'd.get("Rows")',
    "namespace.Rows": "ns.Rows",
    "inst.Rows": "inst.Rows",
    'inst["Rows"]': 'inst["Rows"]',
    'inst.get("Rows")': 'inst.get("Rows")',
    'inst["00280010"]': 'inst["00280010"]',
    "table[i].Rows": "table[3].Rows",
    "pydicom ds.Rows": "ds.Rows",
}


def access_names(given: Input) -> dict[str, Any]:
    """The names that the statements of ACCESS use, all of the same instance."""
    from pydicom import Dataset

    table = metalith.naturalize(given.body)
    raw = orjson.loads(given.body)[3]
    d = peers.naturalize(raw)
    rows = {tag: raw[tag] for tag in ("00280010", "00280011", "00080018")}
    return {"table": table, "inst": table[3], "d": d, "ns": SimpleNamespace(**d), "ds": Dataset.from_json(rows)}


def access_correct(names: dict[str, Any]) -> dict[str, bool]:
    return {name: eval(text, dict(names)) == names["d"]["Rows"] for name, text in ACCESS.items()}


# -- one column -------------------------------------------------------------------------------------------------------


def column_cases(given: Input) -> dict[str, Callable[[], Any]]:
    """A column as a NumPy array, each from what its kind of user holds in memory.

    A table may keep a column that it has made; `ingest + column` starts from bytes and so always makes it.
    """
    table = metalith.naturalize(given.body)
    rows = peers.orjson_natural(given.body)
    return {
        "table.column": lambda: table.column(COLUMN),
        "list of dicts": lambda: numpy.array([row[COLUMN] for row in rows], dtype=float),
        "list of Instances": lambda: numpy.array([inst[COLUMN] for inst in table], dtype=float),
        "ingest + column": lambda: metalith.naturalize(given.body).column(COLUMN),
        "orjson + list": lambda: numpy.array([r["00200032"]["Value"] for r in orjson.loads(given.body)], dtype=float),
    }


def column_correct(got: Any, given: Input) -> bool:
    expected = [row["00200032"]["Value"] for row in orjson.loads(given.body)]
    return numpy.array_equal(numpy.asarray(got, dtype=float), numpy.array(expected, dtype=float))


# -- export -----------------------------------------------------------------------------------------------------------


def export_cases(given: Input) -> dict[str, Callable[[], bytes]]:
    """JSON bytes from what is in memory already."""
    table = metalith.naturalize(given.body)
    raw = orjson.loads(given.body)
    natural = [peers.naturalize(row) for row in raw]
    return {
        'table.to_json("dcmjs")': lambda: table.to_json("dcmjs"),
        "orjson.dumps(natural)": lambda: orjson.dumps(natural),
        "metalith.dumps(table)": lambda: metalith.dumps(table),
        "orjson.dumps(raw)": lambda: orjson.dumps(raw),
    }


def export_correct(name: str, got: bytes, given: Input) -> bool:
    if name == 'table.to_json("dcmjs")':
        return check.same_export(got, given.body)
    if name == "orjson.dumps(natural)":
        return check.correct("natural", orjson.loads(got), given.body)
    return check.same_lossless(got, given.body)


# -- threads ----------------------------------------------------------------------------------------------------------


def thread_gain(peer: peers.Peer, given: Input, *, rounds: int = 7, seconds: float = 0.1) -> dict[str, float]:
    """How much more two threads get done than one in the same time: 1 is nothing, 2 is all that can be.

    Each thread parses for about `seconds`; one and two threads take turns.
    """
    run = peer.make()
    alone = measure.once(measure.Case("alone", lambda: run(given.body)))
    each = max(2, int(seconds / alone))
    one, two = measure.Timing(), measure.Timing()
    for _ in range(rounds):
        one.seconds.append(measure.together(lambda: run(given.body), threads=1, each=each))
        two.seconds.append(measure.together(lambda: run(given.body), threads=2, each=each))
    return {
        "gain": 2 * one.best / two.best,
        "median_gain": 2 * one.median / two.median,
        "each": each,
        "processors": os.cpu_count() or 1,
    }
