"""The budget: whole series go, least recently used first, and come back."""

from __future__ import annotations

import pytest
from models.store_checks import check, natural, table, taken_back

import metalith
from metalith.store import MetadataStore


def large(series, count=300):
    """A table of some 30 KB."""
    rows = [natural(f"{series}.{i}", series, InstanceNumber=i, StudyDescription=f"{i:060}") for i in range(count)]
    return metalith.naturalize(metalith.dumps(rows))


SIZE = large("9").nbytes


def here(store):
    return [one.series_instance_uid for one in store.study("1").series if one.is_loaded]


@pytest.fixture
def store():
    """Room for three series and a half."""
    made = MetadataStore(max_bytes=int(SIZE * 3.5) + 20_000)
    for uid in "123":
        made.add_instances(large(uid))
    made.told = []
    made.subscribe((made.SERIES_EVICTED, made.INSTANCES_ADDED), made.told.append)
    yield made
    check(made)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4 GiB", 4 << 30),
        ("4gib", 4 << 30),
        ("1.5 MB", 1_500_000),
        ("10", 10),
        (" 2 k ", 2000),
        ("3 TiB", 3 << 40),
        ("7B", 7),
        (0, 0),
        (12, 12),
    ],
)
def test_sizes(text, size):
    assert MetadataStore(max_bytes=text)._max_bytes == size


class TestEviction:
    def test_the_least_recently_used_goes(self, store):
        assert here(store) == ["1", "2", "3"]
        store.add_instances(large("4"))
        assert here(store) == ["2", "3", "4"]
        assert store.nbytes <= store._max_bytes
        series = store.series("1")
        assert (series.is_evicted, series.is_loaded, len(series)) == (True, False, 0)
        assert repr(series) == "<Series 1: evicted>"
        assert store.instance("1.5") is None
        assert store.summary()["evicted_series"] == 1
        assert [(event.type, event.series_instance_uid, event.count) for event in store.told] == [
            ("instances_added", "4", 300),
            ("series_evicted", "1", 300),
        ]

    @pytest.mark.parametrize(
        "use",
        [
            lambda store: store.instance("1.7"),
            lambda store: store.instance("1", "1", "1.7"),
            lambda store: store.instance_by_image_id("wadors:/instances/1.7/frames/1"),
            lambda store: store.get("instance", "wadors:/instances/1.7/frames/1"),
            lambda store: store.series("1").instances,
            lambda store: list(store.series("1")),
            lambda store: store.series("1").column("InstanceNumber"),
            lambda store: store.add_instances(natural("1.7", "1")),
            lambda store: store.update_metadata_for_series("1", "1", {"InstanceNumber": 5}),
        ],
    )
    def test_what_counts_as_use(self, store, use):
        use(store)
        store.add_instances(large("4"))
        assert here(store) == ["1", "3", "4"]

    def test_what_was_read_stays_readable(self, store):
        instances = store.series("1").instances
        for uid in "23":
            list(store.series(uid))
        store.add_instances(large("4"))
        assert here(store) == ["2", "3", "4"]
        assert [one.InstanceNumber for one in instances] == list(range(300))

    def test_pinned_ones_stay(self, store):
        store.series("1").pinned = store.series("2").pinned = True
        store.add_instances(large("4"))
        store.add_instances(large("5"))
        assert here(store) == ["1", "2", "5"]
        store.series("5").pinned = True
        store.add_instances(large("6"))
        assert here(store) == ["1", "2", "5", "6"], "nothing else to go: what was just added stays"
        store.series("1").pinned = False
        store.add_instances(natural("0", "0"))
        assert here(store) == ["2", "5", "6", "0"]

    def test_what_was_just_added_stays(self, store):
        tiny = MetadataStore(max_bytes=0)
        tiny.add_instances([large("1"), large("2")])
        assert here(tiny) == ["1", "2"]
        tiny.add_instances(large("3"))
        assert here(tiny) == ["3"]
        check(tiny)

    def test_values_that_were_read_do_not_mislead(self, store):
        """What a table holds more than when it came was not counted, so it is not credited when it goes."""
        for uid in "123":
            for instance in store.series(uid):
                instance.to_dict()
        for uid in "45678":
            store.add_instances(large(uid))
            assert store.nbytes <= store._max_bytes
        assert len(here(store)) == 3

    def test_many_at_once(self, store):
        store.add_instances(large("4", 900))
        assert here(store) == ["4"]
        assert store.summary()["evicted_series"] == 3

    def test_series_of_one_uid_in_two_studies(self, store):
        for study in ("2", "3"):
            store.add_instances([{**one.to_dict(), "StudyInstanceUID": study} for one in large(f"7{study}")])
        for study in "45678":
            rows = [natural(f"{study}.8.{i}", "8", study, StudyDescription="x" * 60 + str(i)) for i in range(300)]
            store.add_instances(rows)
            assert store.nbytes <= store._max_bytes
        assert len([study for study in store if study.is_loaded]) <= 3

    def test_not_by_a_change_that_fails(self, store):
        with taken_back(store):
            store.add_instances(large("4"))
            store.add_instances(large("5"))
            assert here(store) == ["1", "2", "3", "4", "5"]
        assert here(store) == ["1", "2", "3"]
        assert store.told == []

    def test_once_for_a_transaction(self, store):
        with store.transaction():
            for uid in "456":
                store.add_instances(large(uid))
        assert here(store) == ["4", "5", "6"]

    def test_evicted_series_can_be_removed_and_added_to(self, store):
        store.add_instances(large("4"))
        store.add_instances(table("1.5", series="1"))
        series = store.series("1")
        assert (series.is_evicted, len(series)) == (False, 1)
        store.add_instances(large("5"))
        store.add_instances(large("6"))
        evicted = next(one for one in store.study("1").series if one.is_evicted)
        with pytest.raises(metalith.StoreError):
            store.update_metadata_for_series("1", evicted.series_instance_uid, {"Rows": 1})
        assert store.remove_series(evicted.series_instance_uid)


class TestLoading:
    def test_the_loader_of_the_series(self, store):
        asked = []

        def load(study, series):
            asked.append((study, series))
            return large(series)

        store.add_instances(large("1"), loader=load)
        for uid in "4567":
            store.add_instances(large(uid))
        series = store.series("1")
        assert series.is_evicted
        assert series.load() is series
        assert asked == [("1", "1")]
        assert (series.is_loaded, series.is_evicted, len(series)) == (True, False, 300)
        assert store.instance("1.7").InstanceNumber == 7
        series.load()
        assert len(asked) == 1, "what is here is not loaded again"
        for uid in "4567":
            store.add_instances(large(uid))
        series.load()
        assert len(asked) == 2

    def test_the_loader_of_the_store(self):
        store = MetadataStore(loader=lambda study, series: table(f"{series}.1", series=series, study=study))
        (series,) = store.add_series_metadata(natural("", series="1.5"))
        assert not series.is_loaded
        assert [one.SOPInstanceUID for one in series.load()] == ["1.5.1"]

    def test_none(self, store):
        store.add_instances(large("4"))
        with pytest.raises(metalith.StoreError, match="loader"):
            store.series("1").load()

    def test_one_that_fails(self):
        def load(study, series):
            raise OSError("no connection")

        store = MetadataStore(loader=load)
        (series,) = store.add_series_metadata(natural(""))
        with pytest.raises(OSError, match="no connection"):
            series.load()
        assert not series.is_loaded
        check(store)

    def test_where_another_was_faster(self):
        """The second of two that load at once finds everything there, whatever the store does with duplicates."""
        store = MetadataStore(on_duplicate="raise")

        def load(study, series):
            if not store.series(series).is_loaded:
                store.add_instances(table("1.2.1", InstanceNumber=1))
            return table("1.2.1", InstanceNumber=2)

        store._loader = load
        (series,) = store.add_series_metadata(natural(""))
        assert series.load().instances[0].InstanceNumber == 1
        check(store)
