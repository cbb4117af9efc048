"""All of a change, or nothing: whatever fails, at whatever step."""

from __future__ import annotations

import pytest
from models.store_checks import check, contents, file, natural, snapshot, table, taken_back

import metalith
from metalith.store import MetadataStore, changes, transactions, upkeep
from metalith.store import store as store_module
from metalith.store.events import EVENTS


@pytest.fixture
def store():
    made = MetadataStore()
    yield made
    check(made)


class Faulty:
    """Stands in for a store's index: the n-th call that changes it fails, before or after it is made."""

    def __init__(self, places, fail, after):
        self._places, self._left, self._after = places, fail, after

    def __getattr__(self, name):
        return getattr(self._places, name)

    def __len__(self):
        return len(self._places)

    def _call(self, name, *arguments):
        self._left -= 1
        if not self._left and not self._after:
            raise MemoryError
        result = getattr(self._places, name)(*arguments)
        if not self._left:
            self._places.drop(result) if name == "hold" else self._places.give_back(arguments[0], *result)
            raise MemoryError
        return result

    def hold(self, *arguments):
        return self._call("hold", *arguments)

    def commit(self, *arguments):
        return self._call("commit", *arguments)


def busy(tmp_path):
    """A store with everything in it that a change may meet."""
    store = MetadataStore()
    path = tmp_path / "a.dcm"
    path.write_bytes(file("1.2.30"))
    store.add_study({"StudyInstanceUID": "1", "StudyDescription": "Knee"})
    store.add_instances([table(*(f"1.2.{i}" for i in range(10)), InstanceNumber=1), path], loader=print)
    store.add_instances(table(*(f"1.3.{i}" for i in range(5)), series="1.3", InstanceNumber=1))
    store.add_instances(table("2.1.1", series="2.1", study="2"))
    for i in range(40, 46):
        store.add_instances(table(f"1.2.{i}"))
    store.remove_instance("1.2.9")
    store.add_series_metadata(natural("", series="1.5"))
    store.add_image_ids({"slice": "1.2.1"})
    return store


def change(store, tmp_path):
    """A change of many steps."""
    with store.transaction():
        store.add_instances(
            [
                table("1.2.1", "1.2.90", "1.2.1", InstanceNumber=2),
                table("1.3.0", "1.2.2", "1.9.1", series="1.9", InstanceNumber=2),
                table("7.7", series="7", study="7"),
                *(table(f"1.2.{i}") for i in range(50, 53)),
                tmp_path / "a.dcm",
            ],
            loader=repr,
        )
        store.update_metadata_for_series("1", "1.3", {"InstanceNumber": 5})
        store.add_study({"StudyInstanceUID": "1", "StudyDescription": "Hip", "AccessionNumber": "5"})
        store.add_series_metadata([natural("", series="1.5", Rows=5), natural("", series="1.6")])
        store.update_series_metadata({"SeriesInstanceUID": "1.2", "SeriesDescription": "x"})
        store.add_image_ids({"slice": "1.2.2", "other": "1.3.4"})
        store.remove_instance("1.2.3")
        store.remove_series("1.3")
        store.remove_study("2")
        store.add_instances(table("2.1.1", series="2.1", study="2"))
        store.add_instances(table("1.3.1", series="1.3"))


UIDS = ["1.2.90", "1.9.1", "7.7", "1.2.1", "1.2.3", "2.1.1", "1.2.50", "1.2.9"]


class TestAllOrNothing:
    def images(self, tmp_path):
        return ["slice", "other", f"dicomfile:{tmp_path}/a.dcm", "/instances/1.2.1"]

    @pytest.mark.parametrize("after", [False, True])
    def test_without_memory_for_the_index(self, tmp_path, after):
        self.at_each_step(tmp_path, lambda store, n: setattr(store, "_places", Faulty(store._places, n, after)))

    @pytest.mark.parametrize(
        ("owner", "name"),
        [
            (changes.Journal, "set_state"),
            (changes.Journal, "put"),
            (changes.Journal, "take"),
            (MetadataStore, "_tell"),
            (MetadataStore, "_give"),
            (MetadataStore, "_add_part"),
            (MetadataStore, "_series_for"),
            (MetadataStore, "_forget"),
            (store_module, "merge"),
            (upkeep, "_mergeable"),
        ],
    )
    def test_wherever_it_fails(self, tmp_path, monkeypatch, owner, name):
        original = getattr(owner, name)

        def arrange(store, n):
            left = [n]

            def faulty(*arguments, **more):
                left[0] -= 1
                if not left[0]:
                    raise KeyboardInterrupt
                return original(*arguments, **more)

            monkeypatch.setattr(owner, name, faulty)

        self.at_each_step(tmp_path, arrange, lambda: monkeypatch.setattr(owner, name, original))

    def at_each_step(self, tmp_path, arrange, restore=lambda: None):
        """Fails at the first step, at the second, and so on until nothing fails any more."""
        for n in range(1, 200):
            store = busy(tmp_path)
            told = []
            store.subscribe(("study_added", *EVENTS), told.append)
            real, before = store._places, snapshot(store, UIDS, self.images(tmp_path))
            arrange(store, n)
            try:
                change(store, tmp_path)
            except (MemoryError, KeyboardInterrupt):
                store._places = real
                restore()
                assert snapshot(store, UIDS, self.images(tmp_path)) == before, f"failed at step {n}"
                check(store)
                assert told == [], "events of what did not happen"
                change(store, tmp_path)
                check(store)
                assert told
            else:
                store._places = real
                restore()
                check(store)
                assert n > 1
                return
        pytest.fail("no end")

    def test_an_exception_in_the_block(self, tmp_path):
        store = busy(tmp_path)
        before = snapshot(store, UIDS, self.images(tmp_path))
        for _ in range(3):
            with taken_back(store):
                change(store, tmp_path)
                store.clear()
                change(store, tmp_path) if "1.3" in store else store.add_instances(table("1.2.1", series="8"))
            assert snapshot(store, UIDS, self.images(tmp_path)) == before
            check(store)

    def test_the_order_of_studies_and_series_comes_back(self, store):
        store.add_instances([table(f"{i}.{j}.1", series=f"{i}.{j}", study=str(i)) for i in range(5) for j in range(3)])
        before = snapshot(store)
        with taken_back(store):
            store.remove_study("2")
            store.remove_series("1.1")
            store.add_instances(table("2.0.1", series="2.0", study="2"))
        assert snapshot(store) == before

    def test_merging_is_taken_back(self, store):
        for i in range(6):
            store.add_instances(table(f"1.2.{i}"))
        before = snapshot(store)
        with taken_back(store):
            for i in range(3, 600):
                store.add_instances(table(f"1.2.{i}"))
            assert len(store.series("1.2").tables) < 40
        assert snapshot(store) == before

    def test_nested(self, store):
        told = []
        store.subscribe(EVENTS, told.append)
        with store.transaction() as same:
            assert same is store
            store.add_instances(table("1.2.1"))
            with taken_back(store):
                store.add_instances([table("1.2.2"), table("1.2.1", InstanceNumber=2)])
                store.remove_instance("1.2.1")
            assert list(contents(store)) == ["1.2.1"]
            with store.transaction():
                store.add_instances(table("1.2.3"))
            assert told == []
        assert list(contents(store)) == ["1.2.1", "1.2.3"]
        assert [(event.type, event.count) for event in told] == [
            ("study_added", 0),
            ("series_added", 0),
            ("instances_added", 1),
            ("instances_added", 1),
        ]
        with taken_back(store), store.transaction():
            store.add_instances(table("1.2.4"))
        assert list(contents(store)) == ["1.2.1", "1.2.3"]
        assert len(told) == 4

    def test_what_cannot_be_read_changes_nothing(self, store, tmp_path):
        store.add_instances(table("1.2.1"))
        before = snapshot(store)

        def several():
            yield table("1.2.2")
            raise OSError

        for bad, error in (
            (several(), OSError),
            ([table("1.2.2"), b"{"], metalith.ParseError),
            ([table("1.2.2"), tmp_path / "absent"], OSError),
            ([table("1.2.2"), natural("")], metalith.StoreError),
            ([table("1.2.2"), file("1.2.3")[:200]], metalith.ParseError),
        ):
            with pytest.raises(error):
                store.add_instances(bad)
            assert snapshot(store) == before

    @pytest.mark.parametrize("name", ["tidy", "evict"])
    def test_upkeep_that_fails_leaves_the_change(self, monkeypatch, name):
        """Once a change is made and its events are on their way, a lack of memory for the rest does not undo it."""
        store, told = MetadataStore(max_bytes=1), []
        store.subscribe(store.INSTANCES_ADDED, told.append)
        if name == "tidy":
            store.add_instances(table(*(f"1.2.{i}" for i in range(10))))

        def failing(*_):
            raise MemoryError

        monkeypatch.setattr(*((upkeep, "copy_rows") if name == "tidy" else (transactions, "evict")), failing)
        for i in range(7):
            store.add_instances(table(f"1.2.{i}", InstanceNumber=2))
        assert len(told) == 7 + (name == "tidy")
        check(store)
        monkeypatch.undo()
        store.add_instances(table("1.2.20"))
        check(store)
