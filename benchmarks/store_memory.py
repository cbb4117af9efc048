"""Memory that a store holds per instance, measured in a fresh process.

    python -m benchmarks.store_memory HOLDER NAME COUNT

A real series comes again and again with other UIDs, a table each, as servers send them.  What the tables take is
measured before there is a store, and what it adds afterwards: indexes, and the objects of studies and series.
"""

import json
import sys
from typing import Any

import metalith
from benchmarks import datasets, fresh, peers, store_data
from benchmarks.store_peers import PlainStore
from metalith import _core

COUNT, QUICK = 1_000_000, 100_000
FEWER, FEWER_QUICK = 10_000, 3_000  # dicts, which share next to nothing
GOAL = 10_000_000
HOLDERS = ("metalith", "metalith, from files", "plain dicts")


def measure(holder: str, name: str, count: int = COUNT) -> dict:
    """Bytes per instance, and GiB for ten million; of plain dicts fewer are held than `count`."""
    datasets.load(name)  # raises where it is absent
    if holder == "plain dicts":
        count = FEWER if count > QUICK else FEWER_QUICK
    done = fresh._checked("-m", "benchmarks.store_memory", holder, name, str(count))
    facts = json.loads(done.stdout)
    facts["gibibytes"] = None if facts["rss"] is None else facts["rss"] * GOAL / 2**30
    return facts


def _tables(holder: str, name: str, count: int) -> list[Any]:
    made: list[Any] = []
    for t, body in enumerate(store_data.repeated(name, count)):
        if holder == "metalith":
            made.append(metalith.naturalize(body))
        elif holder == "plain dicts":
            made.append(peers.orjson_natural(body))
        else:
            rows = datasets.load(name).instances
            paths = [store_data.path(t * rows + k) for k in range(rows)]
            made.append(_core._table_from_json(body, (paths, b"[" + b",".join([b"{}"] * rows) + b"]")))
    return made


def _stored(holder: str, tables: list[Any]) -> Any:
    store = PlainStore() if holder == "plain dicts" else metalith.MetadataStore()
    for table in tables:
        store.add_instances(table)
    return store


def _hold(holder: str, name: str, count: int) -> dict:
    _stored(holder, _tables(holder, name, 1))  # what a first call sets up is not the instances'
    before = fresh.resident()
    tables = _tables(holder, name, count)
    between = fresh.resident()
    store = _stored(holder, tables)
    first, last = tables[0][0], tables[-1][-1]
    instances, several = sum(map(len, tables)), len(tables)
    del tables
    after = fresh.resident()
    uids = [one["SOPInstanceUID"] for one in (first, last)]
    facts = {
        "instances": instances,
        "series": several,
        "correct": len(store) == instances
        and all(store.instance(uid)["SOPInstanceUID"] == uid for uid in uids)
        and uids[0] != uids[1],
        "rss": None if before is None else (after - before) / instances,
        "tables_rss": None if before is None else (between - before) / instances,
        "index_rss": None if before is None else (after - between) / instances,
        "tables_nbytes": None,
        "index_nbytes": None,
    }
    if holder != "plain dicts":
        facts["tables_nbytes"] = store._places.tables_nbytes / instances
        facts["index_nbytes"] = store._places.nbytes / instances
    return facts


if __name__ == "__main__":
    print(json.dumps(_hold(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
