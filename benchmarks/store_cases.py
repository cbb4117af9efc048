"""What is timed of the store, once for pytest and the report: adding, look-ups, saving and opening."""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import metalith
from benchmarks import datasets, measure, peers, store_data
from benchmarks.store_peers import FlatStore, PlainStore, natural, plain_store

PEERS = ("metalith", "plain dicts")
HOLDERS = (*PEERS, "flat dicts")  # for look-ups


@contextmanager
def unwatched() -> Iterator[None]:
    """What there is at the beginning is nothing that the collector looks through meanwhile."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.collect()


@contextmanager
def stored(
    peer: str, count: int, *, files: bool = False, attributes: int = 5, rows: int = store_data.PER_SERIES
) -> Iterator[Any]:
    """A store of so many made-up instances, which the collector does not look through while it is held."""
    with measure.collector(False):
        if peer == "metalith":
            held = store_data.store(count, attributes, files, rows)
        else:
            held = plain_store(count, attributes, FlatStore if peer == "flat dicts" else PlainStore)
    with unwatched():
        yield held


# -- adding -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Adding:
    """`runs` give a store with so many instances in it, each from what its kind of user has in memory."""

    instances: int
    runs: dict[str, Callable[[], Any]]
    uid: str  # of one that must be in there then


def _add(into: Callable[[], Any], several: list[Any]) -> Any:
    store = into()
    for one in several:
        store.add_instances(one)
    return store


def _add_at_once(several: list[Any]) -> metalith.MetadataStore:
    store = metalith.MetadataStore()
    with store.transaction():
        for one in several:
            store.add_instances(one)
    return store


def _real(read: bool) -> Adding:
    given = datasets.first_real()
    table, dicts = metalith.naturalize(given.body), peers.orjson_natural(given.body)
    runs: dict[str, Callable[[], Any]]
    if read:
        runs = {
            "metalith": lambda: _add(metalith.MetadataStore, [metalith.naturalize(given.body)]),
            "plain dicts": lambda: _add(PlainStore, [peers.orjson_natural(given.body)]),
        }
    else:
        runs = {
            "metalith": lambda: _add(metalith.MetadataStore, [table]),
            "plain dicts": lambda: _add(PlainStore, [dicts]),
        }
    return Adding(given.instances, runs, dicts[-1]["SOPInstanceUID"])


def _dicts(count: int) -> list[dict]:
    dicts = []
    for number in range(count):
        dicts.append(natural(number, store_data.study_uid(number), store_data.series_uid(number)))
        del dicts[-1]["imageId"]
    return dicts


def _one_table(count: int) -> Adding:
    table, dicts = store_data.table(0, count), _dicts(count)
    study, series = store_data.study_uid(0), store_data.series_uid(0)
    dicts = [{**one, "StudyInstanceUID": study, "SeriesInstanceUID": series} for one in dicts]
    runs = {
        "metalith": lambda: _add(metalith.MetadataStore, [table]),
        "plain dicts": lambda: _add(PlainStore, [dicts]),
    }
    return Adding(count, runs, store_data.sop_uid(count - 1))


def _many_tables(count: int) -> Adding:
    step = store_data.PER_SERIES
    tables, dicts = [store_data.table(first) for first in range(0, count, step)], _dicts(count)
    several = [dicts[first : first + step] for first in range(0, count, step)]
    runs = {
        "metalith": lambda: _add(metalith.MetadataStore, tables),
        "plain dicts": lambda: _add(PlainStore, several),
    }
    return Adding(count, runs, store_data.sop_uid(count - 1))


def _one_by_one(count: int, form: str) -> Adding:
    """All of one series: this is what makes the store merge tables."""
    table = store_data.table(0, count)
    study, series = store_data.study_uid(0), store_data.series_uid(0)
    dicts = [{**one, "StudyInstanceUID": study, "SeriesInstanceUID": series} for one in _dicts(count)]
    singly = [[one] for one in dicts]
    several: list[Any] = list(table) if form == "instance" else dicts
    runs: dict[str, Callable[[], Any]] = {
        "metalith": lambda: _add(metalith.MetadataStore, several),
        TRANSACTION: lambda: _add_at_once(several),
        "plain dicts": lambda: _add(PlainStore, singly),
    }
    return Adding(count, runs, store_data.sop_uid(count - 1))


ADDING: dict[str, Callable[[], Adding]] = {
    "a real series, its table": lambda: _real(False),
    "a real series, its bytes": lambda: _real(True),
    "100,000 in one table": lambda: _one_table(100_000),
    "100,000 in tables of 200": lambda: _many_tables(100_000),
    "1,000 instances one by one": lambda: _one_by_one(1_000, "instance"),
    "10,000 instances one by one": lambda: _one_by_one(10_000, "instance"),
    "1,000 dicts one by one": lambda: _one_by_one(1_000, "dict"),
}
TRANSACTION = "metalith, one transaction"
ADDERS = [
    (name, peer)
    for name in ADDING
    for peer in (*PEERS, TRANSACTION)
    if peer != TRANSACTION or name.endswith("one by one")
]


def added(adding: Adding, store: Any) -> bool:
    found = store.instance(adding.uid)
    return len(store) == adding.instances and found is not None and found["SOPInstanceUID"] == adding.uid


# -- look-ups ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """`key` gives from an instance's number what is looked up: a text, or the three UIDs."""

    method: str
    key: Callable[[int], Any]
    peers: tuple[str, ...] = HOLDERS
    scans: bool = True  # whether dicts in dicts are gone through


def _uids(number: int) -> tuple[str, str, str]:
    return store_data.study_uid(number), store_data.series_uid(number), store_data.sop_uid(number)


KINDS = {
    "SOPInstanceUID": Kind("instance", store_data.sop_uid),
    "study, series, SOP": Kind("instance", _uids, PEERS, scans=False),
    "wadors id": Kind("instance_by_image_id", store_data.wadors),
    "wadouri id": Kind("instance_by_image_id", store_data.wadouri, ("metalith",)),  # plain dicts know one id of each
    "dicomfile id": Kind("instance_by_image_id", store_data.dicomfile, ("metalith",)),
    "series(uid)": Kind("series", store_data.series_uid),
}
HEATS = ("hot", "cold")
HOT, FEW = 1_000, 10
PORTION, MOST = 5_000, 200_000


class LookUps:
    """Each call makes a portion of look-ups: always the same ids (hot), or other ones every time (cold).

    Cold ids are drawn from all there are, each of their texts made anew, in the order in which they are used; they
    come again after 200,000 others.  What goes through everything gets few.
    """

    def __init__(self, kind: str, peer: str, store: Any, count: int, heat: str) -> None:
        self.kind, self.count = KINDS[kind], count
        self.look = getattr(store, self.kind.method)
        slow = peer == "plain dicts" and self.kind.scans and count > HOT
        size = FEW if slow else min(HOT if heat == "hot" else PORTION, count)
        most = size if heat == "hot" else min(MOST, 20 * size if slow else MOST)
        numbers = store_data.some(count, most)
        whole = len(numbers) // size * size
        self.portions = [[self.kind.key(n) for n in numbers[at : at + size]] for at in range(0, whole, size)]
        self.size = size
        self.next = cycle(self.portions).__next__
        self.bare = min(_bare(self.portions[0]) for _ in range(20)) / size

    def __call__(self) -> None:
        keys, look = self.next(), self.look
        if type(keys[0]) is tuple:
            for study, series, sop in keys:
                look(study, series, sop)
        else:
            for key in keys:
                look(key)

    def each(self, timing: measure.Timing) -> measure.Timing:
        """Seconds of one look-up, the loop taken off."""
        return measure.Timing([max(seconds / self.size - self.bare, 0.0) for seconds in timing.seconds])

    def correct(self) -> bool:
        """Whether some ids find what they name, and ids of nothing find nothing."""
        for number in store_data.some(self.count, FEW, seed=2):
            key = self.kind.key(number)
            found = self.look(*key) if type(key) is tuple else self.look(key)
            if not _is(found, number, self.kind):
                return False
        absent = self.kind.key(self.count + store_data.PER_SERIES)
        return (self.look(*absent) if type(absent) is tuple else self.look(absent)) is None


def _is(found: Any, number: int, kind: Kind) -> bool:
    if kind.method != "series":
        return found is not None and found["SOPInstanceUID"] == store_data.sop_uid(number)
    return found is not None and len(found) == store_data.PER_SERIES and _has(found, number)


def _has(series: Any, number: int) -> bool:
    if isinstance(series, dict):
        return store_data.sop_uid(number) in series
    return series.instances[number % store_data.PER_SERIES].SOPInstanceUID == store_data.sop_uid(number)


def _bare(keys: list[Any]) -> float:
    def run() -> None:
        if type(keys[0]) is tuple:
            for _, _, _ in keys:
                pass
        else:
            for _ in keys:
                pass

    return measure.once(measure.Case("bare", run))


# -- files ------------------------------------------------------------------------------------------------------------

OPENING: dict[str, Callable[[str], Any]] = {
    "metalith": lambda path: metalith.MetadataStore.open(path),
    "metalith, unverified": lambda path: metalith.MetadataStore.open(path, verify=False),
    "plain dicts": PlainStore.open,
}
SAVED_ATTRIBUTES = (5, 50)
SAVED = {  # instances, and how many a table has
    "100 thousand": (100_000, store_data.PER_SERIES),
    "100 thousand in 5 tables": (100_000, 20_000),
    "1 million": (1_000_000, store_data.PER_SERIES),
}


def path_in(folder: str) -> str:
    return os.path.join(folder, "saved")


def save(store: Any, folder: str) -> str:
    path = path_in(folder)
    store.save(path)
    return path


def opened(store: Any, count: int, attributes: int, rows: int = store_data.PER_SERIES) -> bool:
    """Whether a store that was opened has all, with their values."""
    number = count // 2 + 7
    found = store.instance(store_data.sop_uid(number))
    last = f"0021{0x1000 + attributes - 6:04X}"
    k = number % rows
    right = attributes == 5 or found[last] == (k * 31 + (attributes - 6) * 17) % 4096
    return len(store) == count and found["InstanceNumber"] == k + 1 and right
