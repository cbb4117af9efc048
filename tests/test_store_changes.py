"""Changes of a store: the same instances again, many tables, and nothing that stays of what went."""

from __future__ import annotations

import gc
import random
import weakref

import pytest
from models.store_checks import check, contents, dicom_json, file, natural, snapshot, table, taken_back

import metalith
from metalith.store import MetadataStore


@pytest.fixture
def store():
    made = MetadataStore()
    yield made
    check(made)


def numbers(store, uid="1.2"):
    return {one.SOPInstanceUID: one.get("InstanceNumber") for one in store.series(uid)}


def numbered(sops, number, **more):
    return [natural(sop, InstanceNumber=number, **more) for sop in sops]


class TestTheSameInstanceAgain:
    def test_replace(self, store):
        assert store.add_instances(numbered(["1.2.1", "1.2.2", "1.2.3"], 1)) == 3
        assert store.add_instances(numbered(["1.2.2", "1.2.4"], 2)) == 2
        assert numbers(store) == {"1.2.1": 1, "1.2.3": 1, "1.2.2": 2, "1.2.4": 2}
        assert store.instance("1.2.2").InstanceNumber == 2

    def test_keep(self):
        store = MetadataStore(on_duplicate="keep")
        assert store.add_instances(numbered(["1.2.1", "1.2.2"], 1)) == 2
        assert store.add_instances(numbered(["1.2.2", "1.2.3"], 2)) == 1
        assert store.add_instances(numbered(["1.2.2", "1.2.3"], 3)) == 0
        assert numbers(store) == {"1.2.1": 1, "1.2.2": 1, "1.2.3": 2}
        assert store.add_instances(numbered(["1.2.2"], 4), on_duplicate="replace") == 1
        assert numbers(store) == {"1.2.1": 1, "1.2.3": 2, "1.2.2": 4}
        check(store)

    def test_raise(self, store):
        store.add_instances(numbered(["1.2.1", "1.2.2"], 1))
        before = snapshot(store)
        with pytest.raises(metalith.DuplicateInstanceError, match="2 of 4") as caught:
            store.add_instances(numbered(["1.2.3", "1.2.2", "1.2.4", "1.2.1"], 2), on_duplicate="raise")
        assert caught.value.rows == [1, 3]
        assert snapshot(store) == before

    @pytest.mark.parametrize("cut", [0, 1, 2, 3])
    @pytest.mark.parametrize("there", [False, True])
    def test_twice_in_one_call(self, cut, there):
        """It makes no difference whether both are in one table."""
        rows = [natural(f"1.2.{i}", InstanceNumber=n) for n, i in enumerate([1, 2, 1, 3, 2, 1])]
        cuts = (rows[:cut], rows[cut:]) if cut else [rows]
        datasets = [metalith.naturalize(metalith.dumps(part)) for part in cuts]
        kept, replaced = MetadataStore(on_duplicate="keep"), MetadataStore()
        for store in (kept, replaced):
            if there:
                store.add_instances(numbered(["1.2.1", "1.2.9"], 10))
            store.add_instances(datasets)
            check(store)
        other = {"1.2.9": 10} if there else {}
        assert numbers(replaced) == {"1.2.3": 3, "1.2.2": 4, "1.2.1": 5, **other}
        assert numbers(kept) == {"1.2.1": 10 if there else 0, "1.2.2": 1, "1.2.3": 3, **other}
        raising = MetadataStore(on_duplicate="raise")
        with pytest.raises(metalith.DuplicateInstanceError):
            raising.add_instances(datasets)
        assert len(raising) == 0
        before = snapshot(replaced)
        with taken_back(replaced):
            replaced.add_instances(datasets)
        assert snapshot(replaced) == before

    def test_in_another_series(self, store):
        store.add_instances([table("1.2.1", "1.2.2"), table("1.3.1", series="1.3")])
        store.add_instances(natural("1.2.1", series="1.3"))
        assert contents(store) == {"1.2.2": ("1", "1.2"), "1.3.1": ("1", "1.3"), "1.2.1": ("1", "1.3")}
        store.add_instances([natural(uid, series="1.4", study="2") for uid in ("1.2.2", "1.3.1", "1.2.1")])
        assert set(contents(store).values()) == {("2", "1.4")}
        assert not store.study("1").is_loaded

    def test_in_two_series_of_one_table(self, store):
        rows = [dicom_json("1.2.1"), dicom_json("1.2.2"), dicom_json("1.2.1", series="1.3")]
        store.add_instances(metalith.naturalize(rows))
        assert contents(store) == {"1.2.2": ("1", "1.2"), "1.2.1": ("1", "1.3")}

    def test_the_same_table_again(self, store):
        given = table(*(f"1.2.{i}" for i in range(30)))
        for _ in range(5):
            assert store.add_instances(given) == 30
            check(store)
        assert store.series("1.2").tables == (given,)
        assert store._places.tables_nbytes <= given.nbytes

    def test_kept_elsewhere(self, store):
        store.add_instances(table("1.2.1"))
        store.add_instances(table("1.2.1", series="1.3"), on_duplicate="keep")
        assert contents(store) == {"1.2.1": ("1", "1.2")}


class TestManyTables:
    @pytest.mark.parametrize("sizes", [[1], [3], [1, 10], [100], [7, 1, 1, 80, 600]])
    def test_small_ones_become_one(self, store, sizes):
        order, most = [], 0
        for i in range(max(20, 600 // sum(sizes))):
            size = sizes[i % len(sizes)]
            uids = [f"1.2.{len(order) + j}" for j in range(size)]
            order += uids
            store.add_instances(table(*uids))
            most = max(most, len([one for one in store.series("1.2").tables if len(one) < 512]))
        assert most <= 30
        assert [one.SOPInstanceUID for one in store.series("1.2")] == order
        assert all(store.instance(uid).SOPInstanceUID == uid for uid in order)

    def test_in_one_transaction(self, store):
        with store.transaction():
            for i in range(1000):
                store.add_instances(natural(f"1.2.{i}"))
        assert len(store.series("1.2").tables) <= 30
        assert [one.SOPInstanceUID for one in store.series("1.2")] == [f"1.2.{i}" for i in range(1000)]

    def test_rows_that_went_give_their_memory_back(self, store):
        store.add_instances(table(*(f"1.2.{i}" for i in range(2000))))
        before = store._places.tables_nbytes
        order = [f"1.2.{i}" for i in range(2000)]
        for uid in random.Random(1).sample(order, 1990):
            store.remove_instance(uid)
            order.remove(uid)
        assert [one.SOPInstanceUID for one in store.series("1.2")] == order
        assert store._places.tables_nbytes < before / 20

    def test_files_and_their_paths(self, store, tmp_path):
        for i in range(20):
            (tmp_path / f"{i}.dcm").write_bytes(file(f"1.2.{i}"))
            store.add_instances(tmp_path / f"{i}.dcm")
        assert len(store.series("1.2").tables) < 10
        for i in range(20):
            image_id = f"dicomfile:{tmp_path}/{i}.dcm"
            assert store.instance_by_image_id(image_id).SOPInstanceUID == f"1.2.{i}"
            assert store.instance_by_image_id(image_id).path == str(tmp_path / f"{i}.dcm")

    def test_nothing_stays_of_what_went(self, store):
        store.add_instances(table("9", series="9"))
        before, index = store._places.tables_nbytes, store.nbytes
        for _ in range(3):
            for i in range(50):
                store.add_instances(table(f"1.2.{i}", f"1.2.{i + 1}"))
            store.remove_series("1.2")
        assert store._places.tables_nbytes == before
        assert store.nbytes < index + 20_000
        store.clear()
        assert store._places.tables_nbytes == 0


class TestReferences:
    def test_a_thousand_tables(self):
        store, alive = MetadataStore(), []
        gc.collect()
        for i in range(1000):
            given = table(f"1.{i}.1", f"1.{i}.2", series=f"1.{i}", study=f"1.{i % 7}")
            store.add_instances(given)
            if i % 100 == 0:
                alive += [weakref.ref(store.series(f"1.{i}"))]
        objects = len(gc.get_objects())
        store.clear()
        gc.collect()
        assert not any(one() for one in alive)
        assert len(gc.get_objects()) < objects
        assert sum(kept is not None for kept in store._places.tables) == 0
        assert sum(owner is not None for owner in store._places.owners) == 0

    def test_the_store_itself(self):
        store = MetadataStore()
        store.add_instances([table("1.2.1"), table("1.2.2")])
        store.subscribe(store.INSTANCES_ADDED, store.study)
        alive = [weakref.ref(store), weakref.ref(store.study("1"))]
        del store
        gc.collect()
        assert [one() for one in alive] == [None, None]

    def test_a_table_that_is_still_in_use(self, store):
        store.add_instances(table("1.2.1", StudyDescription="Knee"))
        instance, instances = store.instance("1.2.1"), store.series("1.2").instances
        store.clear()
        assert instance.StudyDescription == instances[0].StudyDescription == "Knee"

    def test_a_failed_change_keeps_nothing(self, store):
        store.add_instances(table("1.2.1"))
        for _ in range(20):
            with pytest.raises(metalith.DuplicateInstanceError):
                store.add_instances([table("1.3.1", series="1.3"), table("1.2.1")], on_duplicate="raise")
        assert len([kept for kept in store._places.tables if kept is not None]) == 1
        assert len(store._places.tables) <= 3
