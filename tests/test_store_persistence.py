"""Saved stores: everything comes back, they are stores like others, and nobody is in their way."""

from __future__ import annotations

import gc
import mmap
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest
from models.stores import FILES, check_look_ups, check_same, check_same_table, dataset, rich_store, series_of

import metalith
from metalith import _core
from metalith.errors import ConfigurationError, StoreError
from metalith.store import MetadataStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "saved.metalith"


def saved(store: MetadataStore, path: Path, **options: Any) -> MetadataStore:
    store.save(path)
    return MetadataStore.open(path, **options)


def filled(count: int = 10, *series: str, **options: Any) -> MetadataStore:
    store = MetadataStore(**options)
    for uid in series or ("1.1",):
        store.add_instances(metalith.naturalize(series_of(count, uid)))
    return store


# ---- everything comes back ----


@pytest.mark.parametrize("verify", [True, False])
def test_round_trip(path: Path, verify: bool) -> None:
    store = rich_store()
    opened = saved(store, path, verify=verify)
    check_same(store, opened)
    assert opened._max_bytes is None
    assert len(os.listdir(path.parent)) == 1


def test_saved_again_it_is_the_same_file_but_for_what_changed(path: Path) -> None:
    store = rich_store()
    store.save(path)
    first = path.read_bytes()
    opened = MetadataStore.open(path)
    opened.save(path)
    assert path.read_bytes() == first
    check_same(store, MetadataStore.open(path))
    check_same(store, opened)


def test_empty(path: Path) -> None:
    opened = saved(MetadataStore(), path)
    assert (len(opened), opened.study_instance_uids, path.stat().st_size % 64) == (0, [], 0)
    opened.add_instances(dataset(1))
    assert opened.instance("1.1.1").InstanceNumber == 1


def test_bulk_data_in_files_are_read_from_there(path: Path) -> None:
    store = MetadataStore()
    store.add_instances([FILES / "CT_small.dcm"])
    store.add_instances(
        dataset(1, **{"7FE00010": {"vr": "OW", "BulkDataURI": f"file://{FILES}/CT_small.dcm?offset=0"}})
    )
    expected = next(iter(store.study(store.study_instance_uids[0]).series[0])).PixelData.read()
    opened = saved(store, path)
    ours, sent = (next(iter(study.series[0])) for study in opened)
    assert ours.PixelData.local
    assert ours.PixelData.read() == expected
    assert ours.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert ours.path == str(FILES / "CT_small.dcm")
    assert not sent.PixelData.local
    with pytest.raises(metalith.BulkDataError):
        sent.PixelData.read()


def test_not_within_a_transaction(path: Path) -> None:
    store = filled()
    with pytest.raises(StoreError, match="transaction"), store.transaction():
        store.save(path)
    assert not path.exists()


def test_policies_are_those_of_the_call(path: Path) -> None:
    loaded = []
    store = filled(on_duplicate="raise")
    opened = saved(
        store, path, on_duplicate="keep", loader=lambda *uids: loaded.append(uids) or series_of(2), max_bytes=0
    )
    assert opened.series("1.1").is_evicted  # beyond the budget
    assert opened.series("1.1").load() is not None
    assert loaded == [("1", "1.1")]
    with pytest.raises(ConfigurationError):
        MetadataStore.open(path, on_duplicate="overwrite")


class Mine(MetadataStore):
    pass


def test_subclasses(path: Path) -> None:
    filled().save(str(path))
    assert type(Mine.open(os.fsencode(path))) is Mine


# ---- a store like any other ----


def test_changes_of_an_opened_store(path: Path) -> None:
    opened = saved(filled(20, "1.1", "1.2"), path)
    assert opened.add_instances([dataset(n, Rows={"vr": "US", "Value": [7]}) for n in range(15, 25)]) == 10
    assert opened.remove_instance("1.1.3")
    assert opened.remove_series("1.2")
    assert len(opened) == 24
    assert opened.instance("1.1.3") is None
    assert opened.instance("1.2.3") is None
    events: list[Any] = []
    with opened.subscribe(MetadataStore.SERIES_UPDATED, events.append):
        opened.update_metadata_for_series("1", "1.1", {"PatientName": "New^Name"})
    assert len(events) == 1
    assert {str(one.PatientName) for one in opened.series("1.1")} == {"New^Name"}
    again = saved(opened, path)
    check_same(opened, again)
    opened.clear()
    assert len(opened) == 0
    assert len(again) == 24


def test_a_change_that_fails_leaves_it_as_it_was(path: Path) -> None:
    opened = saved(filled(20), path)
    with pytest.raises(StoreError):
        opened.add_instances([dataset(5), dataset(50), {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.1"}])
    with pytest.raises(metalith.DuplicateInstanceError):
        opened.add_instances(series_of(30), on_duplicate="raise")
    check_same(opened, MetadataStore.open(path))


def test_small_thawed_tables_are_merged_with_others(path: Path) -> None:
    store = filled(1)
    for number in range(1, 300):
        store.add_instances(metalith.naturalize([dataset(number)]))
        if number % 50 == 0:
            store = saved(store, path)
    assert len(store) == 300
    assert len(store.series("1.1").tables) < 40
    check_look_ups(store, store.series("1.1"))
    assert sorted(one.InstanceNumber for one in store.series("1.1")) == list(range(300))


def test_rows_that_were_removed_do_not_come_back(path: Path) -> None:
    store = filled(100)
    gone = {f"1.1.{n}" for n in [0, 1, 2, 10, 50, 51, 53, 99]}
    for uid in gone:
        store.remove_instance(uid)
    opened = saved(store, path)
    assert {one.SOPInstanceUID for one in opened.series("1.1")} == {f"1.1.{n}" for n in range(100)} - gone
    assert len(opened.series("1.1").tables[0]) == 100
    check_same(store, opened)
    for uid in gone:
        assert opened.instance(uid) is None
    opened.add_instances(metalith.naturalize([dataset(1)]))
    check_look_ups(opened, opened.series("1.1"))


def test_the_same_table_twice_is_saved_once(path: Path) -> None:
    table = metalith.naturalize(series_of(100))
    store = MetadataStore(on_duplicate="keep")
    store.add_instances(table)
    store.save(path)
    size = path.stat().st_size
    store.remove_instance("1.1.5")
    store.add_instances(table)
    opened = saved(store, path)
    assert len(opened) == 100
    assert path.stat().st_size < size * 1.2
    check_same(store, opened)


def test_the_least_recently_used_goes_first_after_opening_too(path: Path) -> None:
    store = filled(50, "1.1", "1.2", "1.3")
    store.instance("1.2.1")
    store.instance("1.1.1")
    store.save(path)
    opened = MetadataStore.open(path)
    opened._max_bytes = opened.nbytes - 1
    with opened.transaction():
        pass
    assert [one.series_instance_uid for one in opened.study("1").series if one.is_evicted] == ["1.3"]
    opened._max_bytes = opened.nbytes - 1
    with opened.transaction():
        pass
    assert [one.series_instance_uid for one in opened.study("1").series if one.is_evicted] == ["1.2", "1.3"]
    check_look_ups(opened, opened.series("1.1"))


@pytest.mark.skipif(sys.platform == "win32", reason="a mapped file can neither be removed nor replaced there")
def test_the_file_may_go_while_it_is_mapped(path: Path) -> None:
    store = filled(200)
    opened = saved(store, path)
    path.unlink()
    check_same(store, opened)
    opened.save(path)
    filled(1, "7.7").save(path)
    gc.collect()
    check_same(store, opened)
    assert next(iter(MetadataStore.open(path).series("7.7"))).InstanceNumber == 0


# ---- nothing is left over ----


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="there is no list of mappings")
def test_what_is_mapped_goes_with_the_last_instance(path: Path) -> None:
    def mapped() -> int:
        gc.collect()
        return Path("/proc/self/maps").read_text().count(path.name)

    gc.collect()
    files = len(os.listdir("/proc/self/fd"))
    store = filled(20)
    for _ in range(100):
        store = saved(store, path)
        list(store.series("1.1"))
    reference, instance = weakref.ref(store), store.instance("1.1.5")
    del store
    assert mapped() == 1
    assert reference() is None
    assert instance.InstanceNumber == 5
    del instance
    assert mapped() == 0
    assert len(os.listdir("/proc/self/fd")) == files


def test_a_mapping_cannot_be_closed_under_its_tables(path: Path) -> None:
    table = metalith.naturalize(series_of(3))
    size = _core.frozen_size(table)
    with mmap.mmap(-1, size) as room:
        assert _core.freeze(table, room) == size
        mapped = _core.Mapped(room)
        thawed = mapped.thaw(0, size, True)
        del mapped
        with pytest.raises(BufferError):
            room.close()
        check_same_table(table, metalith.naturalize(thawed.to_json("dicom")))
        del thawed


def test_blocks(path: Path) -> None:
    table = metalith.naturalize(series_of(3))
    size = _core.frozen_size(table)
    with mmap.mmap(-1, 2 * size + 64) as room:
        for bad in (bytearray(size - 64), bytearray(64)):
            with pytest.raises(ValueError, match="small"):
                _core.freeze(table, bad)
        with pytest.raises(BufferError):
            _core.freeze(table, bytes(size))
        with memoryview(room) as view, view[8:] as unaligned, pytest.raises(ValueError, match="aligned"):
            _core.freeze(table, unaligned)
        meta = next(iter(metalith.scan(FILES / "CT_small.dcm"))).file_meta
        with pytest.raises(ValueError, match="instances"):
            _core.freeze(meta, room)
        _core.freeze(table, room)
        mapped = _core.Mapped(room)
        for place in ((0, size - 64), (64, size), (0, 0), (size, 2 * size), (2**60, 64), (0, 2**60), (4, size)):
            with pytest.raises(ValueError, match="damaged"):
                mapped.verify(*place)
            with pytest.raises(ValueError, match="damaged"):
                mapped.thaw(*place, False)
        thawed = mapped.thaw(0, size, False)
        with memoryview(room) as view, view[size + -size % 64 :] as rest:
            _core.freeze(thawed, rest)
            assert rest[:size] == view[:size]
        del mapped, thawed


# ---- others at the same time ----

OTHER = """
import sys, metalith
from metalith.store import MetadataStore
sys.path.insert(0, {tests!r})
from models.stores import series_of
stores = []
for number in range(2):
    store = MetadataStore()
    for series in range(20):
        store.add_instances(metalith.naturalize(series_of(50, f"{{number}}.{{series}}", str(number))))
    stores.append(store)
print("ready", flush=True)
for turn in range(150):
    stores[turn % 2].save({path!r})
"""


def test_opening_while_another_process_saves(path: Path) -> None:
    filled(50, *(f"0.{series}" for series in range(20))).save(path)
    code = OTHER.format(path=str(path), tests=str(Path(__file__).parent))
    seen = set()
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"ready\n"
        while other.poll() is None:
            opened = MetadataStore.open(path)
            assert len(opened) == 1000
            prefix = next(iter(opened)).series[0].series_instance_uid[0]
            seen.add(prefix)
            assert opened.instance(f"{prefix}.19.49").InstanceNumber == 49
    assert other.returncode == 0
    assert seen == {"0", "1"}
    assert os.listdir(path.parent) == [path.name]


def test_saving_while_others_change_the_store(path: Path) -> None:
    store, stop, errors = MetadataStore(), threading.Event(), []

    def change(thread: int) -> None:
        turn = 0
        try:
            while not stop.is_set():
                one, other = f"{thread}.{turn % 10}.1", f"{thread}.{turn % 10}.2"
                with store.transaction():
                    store.add_instances(metalith.naturalize(series_of(turn % 7 + 1, one, str(thread))))
                    store.add_instances(metalith.naturalize(series_of(turn % 7 + 1, other, str(thread))))
                if turn % 3 == 0:
                    with store.transaction():
                        store.remove_series(one)
                        store.remove_series(other)
                turn += 1
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(30):
            opened = saved(store, path)
            for study in opened:
                counts = {one.series_instance_uid: len(one) for one in study.series}
                for uid, count in counts.items():
                    assert counts[uid[:-1] + "1"] == counts[uid[:-1] + "2"] == count
            assert len(opened) == sum(len(one) for study in opened for one in study.series)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []
    check_same(store, saved(store, path))
