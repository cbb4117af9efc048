"""Eight threads at one store: look-ups find whole series and what belongs together, events come in order."""

from __future__ import annotations

import contextlib
import random
import sys
import threading
import time

import pytest
from models.store_checks import check, contents, file, natural, table, taken_back

import metalith
from metalith.store import MetadataStore

SECONDS = 0.9
SERIES, SIZE = 6, 12
EVENT_TYPES = ("series_added", "series_removed", "instances_added", "instances_removed")


@pytest.fixture(autouse=True)
def _switch_often():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def hammer(*workers):
    """Lets each work again and again, in a thread of its own, for a bounded time; raises what any of them raised."""
    stop, failures, rounds = threading.Event(), [], [0] * len(workers)

    def run(i, work):
        chance = random.Random(i)
        try:
            while not stop.is_set():
                work(chance)
                rounds[i] += 1
        except BaseException as error:
            failures.append(error)
            stop.set()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(workers)]
    for thread in threads:
        thread.start()
    stop.wait(SECONDS)
    stop.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "threads wait for each other"
    if failures:
        raise failures[0]
    assert all(rounds), rounds


def uid(number):
    return f"1.{number}"


def whole(number, version):
    """A series whose instances all say of which version they are."""
    rows = [natural(f"{uid(number)}.{i}", uid(number), InstanceNumber=i, Rows=version) for i in range(SIZE)]
    return metalith.naturalize(metalith.dumps(rows))


def test_whole_series_are_seen():
    """All instances of a series are of one version, however often they are replaced, updated, removed and merged."""
    store = MetadataStore()
    versions = [whole(number, version) for number in range(SERIES) for version in range(20)]

    def replace(chance):
        store.add_instances(chance.choice(versions))

    def update(chance):
        with contextlib.suppress(metalith.StoreError):  # it was just removed
            store.update_metadata_for_series("1", uid(chance.randrange(SERIES)), {"Rows": chance.randrange(1000)})

    def remove(chance):
        store.remove_series(uid(chance.randrange(SERIES)))
        time.sleep(0.001)

    def read_series(chance):
        series = store.series(uid(chance.randrange(SERIES)))
        if series is None:
            return
        found = list(series.instances)
        assert len(found) in (0, SIZE)
        assert len({instance.Rows for instance in found}) <= 1, "a series of two versions was seen"
        assert [instance.InstanceNumber for instance in found] == list(range(len(found)))
        if found:
            with contextlib.suppress(KeyError):  # it was just removed
                assert len(set(series.column("Rows").tolist())) == 1

    def read_instance(chance):
        number, i = chance.randrange(SERIES), chance.randrange(SIZE)
        sop = f"{uid(number)}.{i}"
        for instance in (
            store.instance(sop),
            store.instance("1", uid(number), sop),
            store.instance_by_image_id(f"wadors:/instances/{sop}/frames/1"),
        ):
            if instance is not None:
                assert instance.SOPInstanceUID == sop
                assert instance.SeriesInstanceUID == uid(number)

    def read_all(chance):
        for study in store:
            assert len(study.ModalitiesInStudy) <= 1
            assert study.NumberOfStudyRelatedInstances % SIZE == 0
            for series in study:
                assert len(series) in (0, SIZE)
        summary = store.summary()
        assert 0 <= summary["series"] <= SERIES
        assert 0 <= len(store) <= SERIES * SIZE

    hammer(replace, replace, update, remove, read_series, read_series, read_instance, read_all)
    check(store)


def test_instances_that_stay_are_always_found(tmp_path):
    """Merging, replacing and eviction of others never let one that is there disappear, not for a moment."""
    store = MetadataStore()
    store.add_instances([table(f"1.9.{i}", series="1.9") for i in range(30)])
    path = tmp_path / "a.dcm"
    path.write_bytes(file("1.6.1", "1.6"))
    store.add_instances(path)
    count = [0]

    def add(chance):
        """One by one into one series: tables are merged again and again."""
        if count[0] < 3000:
            store.add_instances(natural(f"1.8.{count[0]}", "1.8"))
            count[0] += 1
        else:
            store.remove_series("1.8")
            count[0] = 0

    def replace(chance):
        store.add_instances(natural(f"1.9.{chance.randrange(30)}", "1.9", Rows=chance.randrange(99)))
        store.update_metadata_for_series("1", "1.6", {"Rows": chance.randrange(99)})

    def fail(chance):
        """A change that is taken back."""
        with taken_back(store):
            store.add_instances(natural(f"1.7.{chance.randrange(30)}", "1.7"))
            store.add_image_ids({"x": "1"})

    def read(chance):
        sop = f"1.9.{chance.randrange(30)}"
        assert store.instance(sop).SOPInstanceUID == sop
        assert store.instance("1", "1.9", sop) is not None
        assert store.instance_by_image_id(f"/instances/{sop}") is not None
        assert sop in store
        assert store.instance_by_image_id(f"dicomfile:{path}").SOPInstanceUID == "1.6.1"

    def read_series(chance):
        found = [instance.SOPInstanceUID for instance in store.series("1", "1.9")]
        assert len(found) == len(set(found)) == 30

    def read_ends(chance):
        end = count[0]
        if end:
            found = store.instance("1.8.0")
            assert found is None or found.SOPInstanceUID == "1.8.0"
        assert len(store) >= 30

    hammer(add, replace, fail, read, read, read_series, read_series, read_ends)
    check(store)


def test_with_a_budget_and_loaders():
    """Series are evicted and loaded by several threads at once, and taken apart step by step in transactions, which
    others may watch.
    """
    tables = [whole(number, 0) for number in range(20)]
    room = sum(one.nbytes for one in tables[:8]) + 10_000
    store = MetadataStore(max_bytes=room, loader=lambda study, series: tables[int(series[2:])], on_duplicate="raise")
    store.add_series_metadata([natural("", uid(number)) for number in range(20)])

    def load(chance):
        series = store.series(uid(chance.randrange(20)))
        series.load()
        found = [instance.InstanceNumber for instance in series]
        assert found == list(range(SIZE - len(found), SIZE))

    def pin(chance):
        series = store.series(uid(chance.randrange(20)))
        series.pinned = chance.random() < 0.2

    def drop(chance):
        series = store.series(uid(chance.randrange(20)))
        with store.transaction():
            if series.is_loaded:
                for instance in series.instances:
                    assert store.remove_instance(instance.SOPInstanceUID)

    def read(chance):
        sop = f"{uid(chance.randrange(20))}.{chance.randrange(SIZE)}"
        instance = store.instance(sop)
        assert instance is None or instance.SOPInstanceUID == sop

    hammer(load, load, load, load, pin, drop, read, read)
    for series in store.study("1"):
        series.pinned = False
    store.add_instances(natural("0", "0"))
    assert store.nbytes <= room
    check(store)


def test_events_come_in_order(caplog):
    """From what was told alone, one knows what is here."""
    store, here, log = MetadataStore(), {}, []

    def note(event):
        log.append(event)
        if event.type == "series_added":
            assert event.series_instance_uid not in here
            here[event.series_instance_uid] = 0
        elif event.type == "series_removed":
            assert here.pop(event.series_instance_uid) == event.count
        elif event.type == "instances_added":
            here[event.series_instance_uid] += event.count - event.replaced
        elif event.type == "instances_removed":
            here[event.series_instance_uid] -= event.count

    store.subscribe(EVENT_TYPES, note)
    streamed, stream = [], store.events(EVENT_TYPES)
    listener = threading.Thread(target=lambda: streamed.extend(stream))
    listener.start()

    def change(chance):
        number = chance.randrange(4)
        if chance.random() < 0.3:
            store.remove_series(uid(number))
        elif chance.random() < 0.3:
            store.remove_instance(f"{uid(number)}.{chance.randrange(5)}")
        else:
            sops = chance.sample(range(5), 3)
            store.add_instances([natural(f"{uid(number)}.{i}", uid(number)) for i in sops])

    def come_and_go(chance):
        told = []
        with store.subscribe(store.SERIES_ADDED, told.append):
            time.sleep(0.0005)
        assert all(event.type == "series_added" for event in told)

    hammer(change, change, change, change, change, change, come_and_go, come_and_go)
    stream.close()
    listener.join(30)
    assert not caplog.records, "the callback never raised"
    assert streamed == log
    assert here == {one.series_instance_uid: len(one) for one in store.study("1")}
    assert sum(here.values()) == len(store) == len(contents(store))
    check(store)
