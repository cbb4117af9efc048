"""What a store tells: in order, when it is visible, with no lock held; and who listens cannot do harm."""

from __future__ import annotations

import gc
import logging
import pickle
import threading
import time

import pytest
from models.store_checks import check, contents, natural, table, taken_back

import metalith
from metalith.store import Event, EventStream, MetadataStore, Subscription
from metalith.store.events import EVENTS


@pytest.fixture
def store():
    made = MetadataStore()
    made.told = []
    made.subscribe(EVENTS, made.told.append)
    yield made
    check(made)


def types(store):
    return [event.type for event in store.told]


class TestWhatIsTold:
    def test_adding(self, store):
        store.add_instances([table("1.2.1", "1.2.2"), table("1.3.1", series="1.3")])
        assert store.told == [
            Event("study_added", "1"),
            Event("series_added", "1", "1.2"),
            Event("instances_added", "1", "1.2", count=2),
            Event("series_added", "1", "1.3"),
            Event("instances_added", "1", "1.3", count=1),
        ]

    def test_replacing(self, store):
        store.add_instances(table("1.2.1", "1.2.2"))
        store.told.clear()
        store.add_instances(table("1.2.2", "1.2.3"))
        assert store.told == [Event("instances_added", "1", "1.2", count=2, replaced=1, sop_instance_uids=("1.2.2",))]

    def test_keeping(self, store):
        """As in the original, an add that brings nothing new is told nevertheless."""
        store.add_instances(table("1.2.1"))
        store.told.clear()
        store.add_instances(table("1.2.1"), on_duplicate="keep")
        assert store.told == [Event("instances_added", "1", "1.2", count=0)]

    def test_moving_to_another_series(self, store):
        store.add_instances([table("1.2.1", "1.2.2"), table("1.3.1", series="1.3"), table("1.4.1", series="1.4")])
        store.told.clear()
        store.add_instances(table("1.3.1", "1.2.2", "1.4.1", "1.2.1", series="1.5"))
        assert [(event.type, event.series_instance_uid, event.sop_instance_uids) for event in store.told] == [
            ("series_added", "1.5", ()),
            ("instances_removed", "1.3", ("1.3.1",)),
            ("instances_removed", "1.2", ("1.2.1", "1.2.2")),
            ("instances_removed", "1.4", ("1.4.1",)),
            ("instances_added", "1.5", ("1.3.1", "1.2.2", "1.4.1", "1.2.1")),
        ]
        assert store.told[-1].replaced == 4

    def test_removing(self, store):
        store.add_instances([table("1.2.1", "1.2.2"), table("1.3.1", series="1.3")])
        store.told.clear()
        store.remove_instance("1.2.1")
        store.remove_series("1.3")
        store.remove_study("1")
        assert store.told == [
            Event("instances_removed", "1", "1.2", count=1, sop_instance_uids=("1.2.1",)),
            Event("series_removed", "1", "1.3", count=1),
            Event("series_removed", "1", "1.2", count=1),
            Event("study_removed", "1"),
        ]
        store.told.clear()
        assert not store.remove_study("1")
        assert not store.remove_series("1.2")
        assert not store.remove_instance("1.2.1")
        assert store.told == []

    def test_summaries_and_updates(self, store):
        store.add_study({"StudyInstanceUID": "1"})
        store.add_series_metadata(natural(""))
        store.add_series_metadata(natural(""))
        store.add_instances(table("1.2.1", "1.2.2"))
        store.update_series_metadata({"SeriesInstanceUID": "1.2", "Modality": "CT"})
        store.update_metadata_for_series("1", "1.2", {"Rows": 1})
        assert store.told == [
            Event("study_added", "1"),
            Event("series_added", "1", "1.2"),
            Event("series_updated", "1", "1.2", count=0),
            Event("instances_added", "1", "1.2", count=2),
            Event("series_updated", "1", "1.2", count=2),
            Event("series_updated", "1", "1.2", count=2, made_in_client=True),
        ]

    def test_made_in_client(self, store):
        store.add_instances(table("1.2.1"), True)
        store.add_series_metadata(natural("", series="1.3"), made_in_client=True)
        assert len(store.told) == 4
        assert all(event.made_in_client for event in store.told)
        store.add_instances(table("1.2.1"))
        assert not store.told[-1].made_in_client

    def test_nothing_of_failed_changes(self, store):
        store.add_instances(table("1.2.1"))
        store.told.clear()
        for change in (
            lambda: store.add_instances([table("1.9.1", series="1.9"), table("1.2.1")], on_duplicate="raise"),
            lambda: store.add_instances([table("1.2.2"), natural("")]),
            lambda: store.update_metadata_for_series("1", "1.2", {"NoSuchThing": 1}),
            lambda: store.add_series_metadata([natural("", series="1.4"), {}]),
        ):
            with pytest.raises(metalith.MetalithError):
                change()
        with taken_back(store):
            store.remove_study("1")
            store.add_study({"StudyInstanceUID": "5"})
        assert store.told == []

    def test_events_are_values(self):
        event = Event("study_added", "1")
        assert event == pickle.loads(pickle.dumps(event))
        assert len({event, Event("study_added", "1")}) == 1
        with pytest.raises(AttributeError):
            event.count = 5
        assert {getattr(MetadataStore, name.upper()) for name in EVENTS} == set(EVENTS)


class TestSubscribing:
    def test_only_what_was_asked_for(self, store):
        some, one = [], []
        store.subscribe([store.STUDY_ADDED, store.SERIES_REMOVED], some.append)
        store.subscribe(store.INSTANCES_ADDED, one.append)
        store.add_instances(table("1.2.1"))
        store.remove_series("1.2")
        assert [event.type for event in some] == ["study_added", "series_removed"]
        assert [event.type for event in one] == ["instances_added"]

    @pytest.mark.parametrize("wrong", ["instances", "", [], ["study_added", "x"], "event::studyAdded"])
    def test_unknown_events(self, store, wrong):
        with pytest.raises(ValueError, match=r"event"):
            store.subscribe(wrong, print)
        with pytest.raises(ValueError, match=r"event"):
            store.events(wrong)

    def test_what_is_no_callback(self, store):
        with pytest.raises(TypeError):
            store.subscribe(store.STUDY_ADDED, None)

    def test_ending_it(self, store):
        told = []
        subscription = store.subscribe(store.STUDY_ADDED, told.append)
        assert isinstance(subscription, Subscription)
        subscription.unsubscribe()
        subscription.unsubscribe()
        with store.subscribe(store.STUDY_ADDED, told.append) as same:
            assert isinstance(same, Subscription)
            store.add_instances(table("1.2.1"))
        store.add_instances(table("2.2.1", series="2.2", study="2"))
        assert [event.study_instance_uid for event in told] == ["1"]

    def test_the_same_callback_twice(self, store):
        told = []
        first, _ = store.subscribe(store.STUDY_ADDED, told.append), store.subscribe(store.STUDY_ADDED, told.append)
        store.add_study({"StudyInstanceUID": "1"})
        first.unsubscribe()
        store.add_study({"StudyInstanceUID": "2"})
        assert [event.study_instance_uid for event in told] == ["1", "1", "2"]

    def test_ending_within_a_callback(self, store):
        """Those that were ended are not called any more, though the event was on its way; the others are."""
        told = []

        def end_both(event):
            told.append("ends")
            mine.unsubscribe()
            other.unsubscribe()

        mine = store.subscribe(store.STUDY_ADDED, end_both)
        other = store.subscribe(store.STUDY_ADDED, lambda event: told.append("other"))
        store.subscribe(store.STUDY_ADDED, lambda event: told.append("last"))
        store.add_study({"StudyInstanceUID": "1"})
        store.add_study({"StudyInstanceUID": "2"})
        assert told == ["ends", "last", "last"]

    def test_beginning_within_a_callback(self, store):
        told = []
        store.subscribe(store.STUDY_ADDED, lambda event: store.subscribe(store.SERIES_ADDED, told.append))
        store.add_instances(table("1.2.1"))
        assert told == [], "what had happened before is not told"
        store.add_instances(table("1.3.1", series="1.3"))
        assert [event.series_instance_uid for event in told] == ["1.3"]


class TestDelivery:
    def test_everything_is_visible(self, store):
        seen = []
        store.subscribe(EVENTS, lambda event: seen.append((event.type, len(store), len(store.study("1") or ()))))
        with store.transaction():
            store.add_instances([table("1.2.1", "1.2.2"), table("1.3.1", series="1.3")])
            store.remove_series("1.2")
            assert seen == []
        assert {one[1:] for one in seen} == {(1, 1)}
        assert len(seen) == 6

    def test_changes_within_a_callback(self, store):
        """Their events come after those that are on their way, to all alike."""
        other = []

        def add_more(event):
            if event.series_instance_uid == "1.2":
                store.add_instances(table("1.3.1", series="1.3"))
                assert "1.3.1" in store

        store.subscribe(store.INSTANCES_ADDED, add_more)
        store.subscribe(EVENTS, other.append)
        store.add_instances([table("1.2.1"), table("1.4.1", series="1.4")])
        assert store.told == other
        added = [event.series_instance_uid for event in other if event.type == "instances_added"]
        assert added == ["1.2", "1.4", "1.3"]

    def test_no_lock_is_held(self, store):
        """A subscriber can wait for another thread that changes the store."""

        def add_elsewhere(event):
            if event.series_instance_uid == "1.2":
                thread = threading.Thread(target=store.add_instances, args=[table("1.3.1", series="1.3")])
                thread.start()
                thread.join(10)
                assert not thread.is_alive()
                assert "1.3.1" in store

        store.subscribe(store.INSTANCES_ADDED, add_elsewhere)
        store.add_instances(table("1.2.1"))
        assert types(store).count("instances_added") == 2, "what was added meanwhile is told by who was telling"

    def test_one_that_raises(self, store, caplog):
        told = []

        def bad(event):
            raise RuntimeError("Doe^Jane 1.2.1")

        class Bad:
            def __call__(self, event):
                raise ValueError("Doe^Jane")

        store.subscribe(EVENTS, bad)
        store.subscribe(EVENTS, Bad())
        store.subscribe(EVENTS, told.append)
        with caplog.at_level(logging.DEBUG):
            assert store.add_instances(table("1.2.1", PatientName="Doe^Jane")) == 1
        assert [event.type for event in told] == ["study_added", "series_added", "instances_added"]
        assert {record.name for record in caplog.records} == {"metalith.store"}
        assert {record.levelname for record in caplog.records} == {"ERROR"}
        assert "bad raised RuntimeError at study_added" in caplog.text
        assert "Bad raised ValueError" in caplog.text
        assert "Doe" not in caplog.text
        assert "1.2" not in caplog.text
        assert len(caplog.records) == 6

    def test_one_that_ends_the_program(self, store):
        told = []

        def stop(event):
            raise KeyboardInterrupt

        subscription = store.subscribe(store.STUDY_ADDED, stop)
        store.subscribe(EVENTS, told.append)
        with pytest.raises(KeyboardInterrupt):
            store.add_instances(table("1.2.1"))
        assert contents(store) == {"1.2.1": ("1", "1.2")}
        subscription.unsubscribe()
        store.add_study({"StudyInstanceUID": "2"})
        assert [event.type for event in told] == ["series_added", "instances_added", "study_added"]

    def test_nobody_listens(self):
        store = MetadataStore()
        store.add_instances(table("1.2.1"))
        assert not store._queue._waiting


class TestStream:
    def test_for_another_thread(self, store):
        seen = []
        stream = store.events([store.INSTANCES_ADDED, store.SERIES_REMOVED])
        assert isinstance(stream, EventStream)
        assert iter(stream) is stream
        thread = threading.Thread(target=lambda: seen.extend(stream))
        thread.start()
        for i in range(20):
            store.add_instances(table(f"1.{i}.1", series=f"1.{i}"))
        store.remove_series("1.0")
        stream.close()
        thread.join(10)
        assert not thread.is_alive(), "who waits for an event stops when it is closed"
        assert [event.series_instance_uid for event in seen] == [f"1.{i}" for i in range(20)] + ["1.0"]
        assert list(stream) == []
        stream.close()

    def test_from_the_moment_that_it_is_asked_for(self, store):
        stream = store.events()
        store.add_study({"StudyInstanceUID": "1"})
        stream.close()
        store.add_study({"StudyInstanceUID": "2"})
        assert [event.study_instance_uid for event in stream] == ["1"]

    def test_patience(self, store):
        stream = store.events("study_added", timeout=0.02)
        store.add_study({"StudyInstanceUID": "1"})
        begin = time.perf_counter()
        assert len(list(stream)) == 1
        assert time.perf_counter() - begin < 5
        store.add_study({"StudyInstanceUID": "2"})
        assert list(stream) == [], "it has ended"

    def test_as_context(self, store):
        with store.events(store.STUDY_ADDED) as stream:
            store.add_study({"StudyInstanceUID": "1"})
            assert next(stream).study_instance_uid == "1"
        assert list(stream) == []

    def test_nobody_reads_it(self, store):
        before = len(store._queue._subscriptions)
        stream = store.events()
        assert len(store._queue._subscriptions) == before + 1
        del stream
        gc.collect()
        assert len(store._queue._subscriptions) == before
