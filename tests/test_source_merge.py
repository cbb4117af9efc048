"""The `merge` source: everything once, the first source's before the others', and failures that are told."""

from __future__ import annotations

import asyncio
import itertools
import threading
from pathlib import Path

import pytest
from models.store_checks import check, contents, file
from pydicom.data.data_manager import DATA_ROOT

import metalith
from metalith.errors import Cancelled, ConfigurationError, DataSourceError, NotSupportedBySource
from metalith.sources import DataSource, DataSources, data_source
from metalith.sources._cancel import Cancel
from metalith.sources.merge import ChildFailed, MergeSource
from metalith.store import MetadataStore
from metalith.store.events import EVENTS

FILES = Path(DATA_ROOT) / "test_files"


def local(name: str, *files: bytes) -> DataSource:
    source = data_source("dicomlocal", name=name)
    source.add(list(files))
    return source


def put(folder: Path, *files: tuple) -> Path:
    """Files of (SOPInstanceUID, SeriesInstanceUID, StudyInstanceUID, InstanceNumber)."""
    folder.mkdir(exist_ok=True)
    for number, (sop, series, study, instance_number) in enumerate(files):
        (folder / f"{number}.dcm").write_bytes(file(sop, series, study, InstanceNumber=instance_number))
    return folder


@pytest.fixture
def two(tmp_path):
    """Two sources: of study 1 each has a series of its own, and of series 1.2 partly the same instances."""
    one = put(
        tmp_path / "one",
        *[("1.2.1", "1.2", "1", 1), ("1.2.2", "1.2", "1", 1), ("1.3.1", "1.3", "1", 1), ("5.1.1", "5.1", "5", 1)],
    )
    other = put(
        tmp_path / "other",
        *[("1.2.2", "1.2", "1", 2), ("1.2.3", "1.2", "1", 2), ("1.4.1", "1.4", "1", 2), ("6.1.1", "6.1", "6", 2)],
    )
    return [
        data_source("dicomlocal", {"paths": one}, name="one"),
        data_source("dicomlocal", {"paths": other}, name="other"),
    ]


class Failing(DataSource):
    """Fails in whatever it is asked."""

    error: Exception = DataSourceError("out of order", method="GET", url="https://host/x?token=7", status=503)

    def _fail(self, *_, **__):
        raise self.error

    initialize = search_studies = search_series = search_instances = plan = series_metadata = _fail
    retrieve_instance_metadata = retrieve_frames = retrieve_bulk_data = get_study_instance_uids = _fail


class Slow(DataSource):
    """Has one instance, which comes when it is let."""

    def __init__(self, name, uids, number):
        super().__init__(name)
        self.go, self.asked = threading.Event(), threading.Event()
        self._uids, self._number = uids, number

    def series_metadata(self, study_instance_uid, filters):
        self.asked.set()
        assert self.go.wait(10)
        for uid in self._uids:
            yield {
                "StudyInstanceUID": "1",
                "SeriesInstanceUID": "1.2",
                "SOPInstanceUID": uid,
                "InstanceNumber": self._number,
                "image_id": f"{self.name}:{uid}",
                "color": self.name,
            }


def numbers(source: MergeSource) -> dict[str, int]:
    check(source.metadata_store)
    return {uid: source.metadata_store.instance(uid).InstanceNumber for uid in contents(source.metadata_store)}


class TestSearching:
    def test_studies(self, two):
        merged = MergeSource(children=two)
        rows = merged.query.studies.search()
        assert [row.study_instance_uid for row in rows] == ["1", "5", "6"]
        assert rows[0].instances == 3, "the first source's row"
        assert rows.sources_of(rows[0]) == ("one", "other")
        assert rows.sources_of("6") == ("other",)
        assert rows.sources_of("404") == ()
        assert rows.failures == merged.failures == []

    def test_series_and_instances(self, two):
        merged = MergeSource(children=two)
        rows = merged.query.series.search("1")
        assert [row.series_instance_uid for row in rows] == ["1.2", "1.3", "1.4"]
        assert rows.sources_of(rows[0]) == ("one", "other")
        found = merged.query.instances.search("1", "1.2")
        assert [(row.sop_instance_uid, row.instance_number) for row in found] == [
            ("1.2.1", 1),
            ("1.2.2", 1),
            ("1.2.3", 2),
        ]
        assert len(merged.query.series.search()) == 5

    @pytest.mark.parametrize(("offset", "limit"), list(itertools.product([0, 1, 2, 3, 9], [None, 0, 1, 2, 9])))
    def test_pages_are_of_all_together(self, two, offset, limit):
        merged = MergeSource(children=two)
        every = [row.study_instance_uid for row in merged.query.studies.search()]
        found = merged.query.studies.search(**({} if limit is None else {"limit": limit}), offset=offset)
        assert [row.study_instance_uid for row in found] == every[offset:][:limit]

    def test_parameters_are_passed_on(self, two):
        merged = MergeSource(children=two)
        assert [row.study_instance_uid for row in merged.query.studies.search(study_instance_uid="6")] == ["6"]
        for impossible in ({"limit": "2"}, {"offset": -1}, {"limit": True}):
            with pytest.raises(ConfigurationError, match=r"limit|offset"):
                merged.query.studies.search(**impossible)
        with pytest.raises(ConfigurationError, match="patient_name"):
            merged.query.studies.search(patient_nmae="DOE")

    def test_rows_of_any_kind(self, two):
        names = {
            "query": {
                "studies": {"search": lambda **_: [{"studyInstanceUid": "1"}, None, {"StudyInstanceUID": "9"}, {}]}
            }
        }
        merged = MergeSource(children=[*two, DataSource.create("cards", **names)])
        rows = merged.query.studies.search()
        assert None not in rows
        assert len(rows) == 5
        assert rows.sources_of("1") == ("one", "other", "cards")
        assert rows[-1] == {}, "what has no UID cannot be told from others"

    @pytest.mark.parametrize("at", [0, 1, 2])
    @pytest.mark.parametrize(
        "error", [DataSourceError("out of order", status=503), ValueError("DOE^JANE"), KeyError(1)]
    )
    def test_who_fails_is_told_and_stops_nobody(self, two, at, error):
        failing = Failing("broken")
        failing.error = error
        merged = MergeSource(children=[*two[:at], failing, *two[at:]])
        for search in (merged.query.studies.search, merged.query.series.search, merged.query.instances.search):
            rows = search()
            assert None not in rows
            assert len(rows) >= 3
            [failure] = rows.failures
            assert (failure.source, failure.error) == ("broken", error)
            assert str(failure).startswith("broken: ")
            assert "DOE" not in str(failure)
        assert len(merged.failures) == 3

    def test_all_fail(self):
        merged = MergeSource(children=[Failing("a"), Failing("b")])
        with pytest.raises(DataSourceError, match=r"a: .*; b: ") as raised:
            merged.query.studies.search()
        assert raised.value.status == 503
        assert "token" not in str(raised.value)
        with pytest.raises(DataSourceError):
            merged.retrieve.series.metadata("1").wait()
        with pytest.raises(DataSourceError):
            merged.initialize()
        with pytest.raises(ChildFailed, match="a: "):
            MergeSource(children=[Failing("a")]).query.studies.search()

    def test_who_cannot_is_not_asked(self, two):
        class Bare(DataSource):
            pass

        merged = MergeSource(children=[Bare("bare"), *two])
        assert merged.query.studies.search().failures == []
        assert len(merged.retrieve.series.metadata("1").wait()) == 3
        with pytest.raises(NotSupportedBySource):
            MergeSource(children=[Bare("bare")]).query.studies.search()

    def test_who_was_not_initialized_is_told(self, two):
        proxy = data_source("dicomwebproxy", name="proxy")
        merged = MergeSource(children=[*two, proxy])
        rows = merged.query.studies.search()
        assert [(failure.source, type(failure.error)) for failure in rows.failures] == [("proxy", ConfigurationError)]
        loading = merged.retrieve.series.metadata("1")
        assert len(loading.wait()) == 3
        assert [failure.error.source for failure in loading.failures] == ["proxy"]
        assert merged.supports("retrieve.frames")
        assert merged.get_image_ids_for_display_set(merged.metadata_store.series("1.3"))
        with pytest.raises(ConfigurationError, match="url"):
            MergeSource(children=[proxy]).query.studies.search()

    def test_all_at_once(self):
        meeting = threading.Barrier(3, timeout=5)

        def search(**_):
            meeting.wait()
            return [{"StudyInstanceUID": "1"}]

        children = [DataSource.create(name, query={"studies": {"search": search}}) for name in "abc"]
        rows = MergeSource(children=children).query.studies.search()
        assert rows.sources_of("1") == ("a", "b", "c")


class TestLoading:
    def test_each_instance_once_the_first_sources(self, two):
        merged = MergeSource(children=two)
        loading = merged.retrieve.series.metadata("1")
        assert {series.series_instance_uid: len(series) for series in loading} == {"1.2": 3, "1.3": 1, "1.4": 1}
        assert numbers(merged) == {"1.2.1": 1, "1.2.2": 1, "1.2.3": 2, "1.3.1": 1, "1.4.1": 2}
        assert loading.failures == []
        store = merged.metadata_store
        assert {uid: merged.source_of(uid) for uid in contents(store)} == {
            "1.2.1": "one",
            "1.2.2": "one",
            "1.2.3": "other",
            "1.3.1": "one",
            "1.4.1": "other",
        }
        assert merged.source_of(store.instance("1.2.3")) == "other"
        assert merged.source_of("404") is None
        assert merged.source_of({}) is None

    def test_the_default_comes_first(self, two):
        sources = DataSources(plugins=False)
        for child in two:
            sources.register({"name": child.name, "create_data_source": lambda _, child=child: child})
            sources.add({"sourceName": child.name, "namespace": child.name})
        names = {"dataSourceNames": ["one", "other"], "defaultDataSourceName": "other"}
        merged = sources.make("merge", {"seriesMerge": names})
        assert [child.name for child in merged.children] == ["other", "one"]
        merged.retrieve.series.metadata("1").wait()
        assert numbers(merged)["1.2.2"] == 2

    @pytest.mark.parametrize("first", [0, 1])
    def test_whoever_comes_first_the_result_is_the_same(self, first):
        children = [Slow("a", ["1.2.1", "1.2.2"], 1), Slow("b", ["1.2.2", "1.2.3"], 2)]
        merged = MergeSource(children=children)
        loading = merged.retrieve.series.metadata("1").start()
        for child in children:
            assert child.asked.wait(5), "all are asked at once"
        children[first].go.set()
        assert not loading.done
        children[1 - first].go.set()
        [series] = loading.wait()
        assert len(series) == 3
        assert numbers(merged) == {"1.2.1": 1, "1.2.2": 1, "1.2.3": 2}

    def test_what_was_loaded_before_does_not_matter(self, two):
        two[1].retrieve.series.metadata("1").wait()
        late = MergeSource(children=[two[1]])
        late.retrieve.series.metadata("1").wait()
        merged = MergeSource(children=two, metadata_store=late.metadata_store)
        merged.retrieve.series.metadata("1").wait()
        assert numbers(merged)["1.2.2"] == 1

    def test_known_and_unknown_series(self, two):
        """Sources that know their series, and one that does not."""
        for child in two:
            child.read()
        slow = Slow("slow", ["1.2.1", "1.2.9"], 3)
        slow.go.set()
        merged = MergeSource(children=[*two, slow])
        loading = merged.retrieve.series.metadata("1")
        assert [job.series_instance_uid for job in loading.jobs] == [None]
        assert sorted(len(series) for series in loading) == [1, 1, 4]
        assert numbers(merged)["1.2.9"] == 3
        assert numbers(merged)["1.2.1"] == 1
        known = MergeSource(children=two).retrieve.series.metadata("1")
        assert [job.series_instance_uid for job in known.jobs] == ["1.2", "1.3", "1.4"]
        assert len(known.wait()) == known.progress.series == known.progress.loaded == 3

    def test_filters_and_order(self, two):
        merged = MergeSource(children=two)
        found = merged.retrieve.series.metadata("1", filters={"series_instance_uid": ["1.4", "1.2"]}).wait()
        assert sorted(series.series_instance_uid for series in found) == ["1.2", "1.4"]
        loading = merged.retrieve.series.metadata("1", sort=lambda summaries: summaries[::-1])
        assert [job.series_instance_uid for job in loading.jobs] == ["1.4", "1.3", "1.2"]
        assert merged.retrieve.series.metadata("404").wait() == []

    def test_filters_are_those_of_each_call(self):
        class Shelf(Slow):
            def series_metadata(self, study_instance_uid, filters):
                for uid in filters.uids:
                    self.asked.set()
                    assert self.go.wait(10)
                    yield {"StudyInstanceUID": "1", "SeriesInstanceUID": uid, "SOPInstanceUID": f"{uid}.1"}

        child = Shelf("a", [], 1)
        merged = MergeSource(children=[child])
        loadings = [
            merged.retrieve.series.metadata("1", filters={"series_instance_uid": uid}) for uid in ("1.2", "1.3")
        ]
        for loading in loadings:
            child.asked.clear()
            loading.start()
            assert child.asked.wait(5)
        child.go.set()
        assert [[one.series_instance_uid for one in loading] for loading in loadings] == [["1.2"], ["1.3"]]

    def test_events_come_once(self, two):
        merged, events = MergeSource(children=two), []
        for event in EVENTS:
            merged.metadata_store.subscribe(event, events.append)
        merged.retrieve.series.metadata("1").wait()
        added = [event for event in events if event.type == MetadataStore.INSTANCES_ADDED]
        assert sum(event.count for event in added) == 5
        assert sum(event.replaced for event in added) == 0
        assert sum(event.type == MetadataStore.SERIES_ADDED for event in events) == 3
        events.clear()
        merged.retrieve.series.metadata("1").wait()
        merged.retrieve.series.metadata("1", refresh=True).wait()
        assert events == []

    def test_tables_are_the_same(self):
        whole = data_source("dicomlocal", {"paths": FILES / "dicomdirtests"})
        merged = MergeSource(children=[whole, data_source("dicomlocal", name="empty")])
        for row in merged.query.studies.search():
            for series in merged.retrieve.series.metadata(row.study_instance_uid):
                own = whole.metadata_store.series(series.series_instance_uid)
                assert [id(table) for table in series.tables] == [id(table) for table in own.tables]

    @pytest.mark.parametrize("at", [0, 1, 2])
    def test_who_fails_is_told_and_stops_nobody(self, two, at):
        merged = MergeSource(children=[*two[:at], Failing("broken"), *two[at:]])
        loading = merged.retrieve.series.metadata("1")
        assert sorted(len(series) for series in loading) == [1, 1, 3]
        [failure] = loading.failures
        assert failure.error.source == "broken"
        assert "broken: " in str(failure)
        assert loading.progress.loaded == 3
        with pytest.raises(ChildFailed, match="broken"):
            merged.retrieve.series.metadata("1", on_error="raise").wait()
        assert merged.retrieve.series.metadata("404").failures == []
        nothing = merged.retrieve.series.metadata("404")
        assert nothing.wait() == []
        assert [failure.error.source for failure in nothing.failures] == ["broken"]

    def test_one_series_fails_in_one_source(self, two):
        for child in two:
            child.read()

        class Broken(DataSource):
            def plan(self, study_instance_uid, filters, made_in_client):
                from metalith.sources.loading import Job

                return [Job(self._fail, study_instance_uid, "1.2")]

            def _fail(self, cancel):
                raise DataSourceError("out of order")

        merged = MergeSource(children=[Broken("broken"), *two])
        loading = merged.retrieve.series.metadata("1")
        assert sorted(len(series) for series in loading) == [1, 1, 3]
        [failure] = loading.failures
        assert (failure.series_instance_uid, failure.error.source) == ("1.2", "broken")
        alone = MergeSource(children=[Broken("broken")]).retrieve.series.metadata("1")
        assert alone.wait() == []
        assert [failure.error.source for failure in alone.failures] == ["broken"]

    def test_what_came_before_a_failure_stays(self):
        class Sometimes(Slow):
            def series_metadata(self, *args):
                if not self.go.is_set():
                    raise DataSourceError("out of order")
                return super().series_metadata(*args)

        first, second = Sometimes("first", ["1.2.1", "1.2.2"], 1), Slow("second", ["1.2.2"], 2)
        first.go.set()
        second.go.set()
        merged = MergeSource(children=[first, second])
        merged.retrieve.series.metadata("1").wait()
        first.go.clear()
        loading = merged.retrieve.series.metadata("1", refresh=True)
        [series] = loading.wait()
        assert (len(series), len(loading.failures)) == (2, 1)
        assert numbers(merged) == {"1.2.1": 1, "1.2.2": 1}
        assert merged.source_of("1.2.2") == "first"

    def test_cancelling(self):
        children = [Slow("a", ["1.2.1"], 1), Slow("b", ["1.2.2"], 2)]
        merged, cancel = MergeSource(children=children), Cancel()
        loading = merged.retrieve.series.metadata("1", cancel=cancel).start()
        assert children[0].asked.wait(5)
        cancel.cancel()
        for child in children:
            child.go.set()
        with pytest.raises(Cancelled):
            loading.wait()
        assert len(merged.metadata_store) == 0
        assert len(merged.retrieve.series.metadata("1").wait()) == 1

    def test_cancelling_a_task(self):
        child = Slow("a", ["1.2.1"], 1)
        merged = MergeSource(children=[child])

        async def work():
            task = asyncio.ensure_future(asyncio.gather(merged.aio.retrieve.series.metadata("1")))
            assert await asyncio.to_thread(child.asked.wait, 5)
            task.cancel()
            asyncio.get_running_loop().call_later(0.2, child.go.set)  # when it has been called off
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(work())
        assert len(merged.metadata_store) == 0, "what is cancelled does not come later"

    def test_many_at_once(self, two):
        merged, failed = MergeSource(children=two), []

        def load():
            try:
                for _ in range(5):
                    assert len(merged.retrieve.series.metadata("1", refresh=True).wait()) == 3
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=load) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert failed == []
        assert len(numbers(merged)) == 5

    def test_evicted_series_come_back(self, two):
        store = MetadataStore(max_bytes=1)
        merged = MergeSource(children=two, metadata_store=store)
        merged.retrieve.series.metadata("1").wait()
        evicted = [series for series in store.study("1").series if series.is_evicted]
        assert evicted
        for series in evicted:
            series.load()
            check(store)
            if series.series_instance_uid == "1.2":
                assert {one.SOPInstanceUID: one.InstanceNumber for one in series} == {
                    "1.2.1": 1,
                    "1.2.2": 1,
                    "1.2.3": 2,
                }

    def test_single_instances(self, two):
        merged = MergeSource(children=two)
        assert merged.retrieve.instances.metadata("1", "1.2", "1.2.2").InstanceNumber == 1
        assert merged.retrieve.instances.metadata("1", "1.2", "1.2.3").InstanceNumber == 2
        assert (merged.source_of("1.2.2"), merged.source_of("1.2.3")) == ("one", "other")
        with pytest.raises(DataSourceError):
            merged.retrieve.instances.metadata("1", "1.2", "404")


class TestInstances:
    """What is about one instance goes to the source that it is of."""

    def test_image_ids(self, two, tmp_path):
        merged = MergeSource(children=two)
        merged.retrieve.series.metadata("1").wait()
        store = merged.metadata_store
        for uid, place in {"1.2.1": "one/0", "1.2.2": "one/1", "1.2.3": "other/1", "1.4.1": "other/2"}.items():
            instance = store.instance(uid)
            image_id = merged.get_image_ids_for_instance(instance)
            assert image_id == f"dicomfile:{tmp_path}/{place}.dcm"
            assert store.instance_by_image_id(image_id) == instance

    def test_image_ids_of_what_was_given_as_bytes(self):
        children = [local("a", file("1.2.1"), file("1.2.2")), local("b", file("1.2.3"))]
        merged = MergeSource(children=children)
        merged.retrieve.series.metadata("1").wait()
        metadata = metalith.MetadataProviders()
        merged.provide(metadata)
        ids = merged.get_image_ids_for_display_set(merged.metadata_store.series("1.2"))
        assert len(set(ids)) == 3
        assert [metadata.get("instance", one).SOPInstanceUID for one in ids] == ["1.2.1", "1.2.2", "1.2.3"]

    def test_what_is_no_attribute(self):
        children = [Slow("a", ["1.2.1", "1.2.2"], 1), Slow("b", ["1.2.2", "1.2.3"], 2)]
        for child in children:
            child.go.set()
        merged, metadata = MergeSource(children=children), metalith.MetadataProviders()
        merged.provide(metadata)
        merged.retrieve.series.metadata("1").wait()
        ids = merged.get_image_ids_for_display_set(merged.metadata_store.series("1.2"))
        assert ids == ["a:1.2.1", "a:1.2.2", "b:1.2.3"]
        assert [metadata.get("color", one) for one in ids] == ["a", "a", "b"]

    def test_pixels(self, two):
        files = [FILES / "CT_small.dcm", FILES / "rtdose.dcm"]
        children = [local("bytes", files[0].read_bytes()), data_source("dicomlocal", {"paths": files[1]}, name="paths")]
        merged = MergeSource(children=children)
        for row in merged.query.studies.search():
            merged.retrieve.series.metadata(row.study_instance_uid).wait()
        for path in files:
            alone = metalith.read(path)
            instance = merged.metadata_store.instance(alone.SOPInstanceUID)
            wanted = alone.PixelData.read()
            assert (
                b"".join(merged.retrieve.frames(instance, range(1, (alone.get("NumberOfFrames") or 1) + 1))) == wanted
            )
            assert merged.retrieve.bulk_data(instance.PixelData, instance=instance) == wanted
        assert merged.retrieve.bulk_data(instance.PixelData) == wanted, "without knowing whose"
        assert merged.retrieve.direct_url(instance) == files[1].as_uri()
        with pytest.raises(DataSourceError, match=r"bytes: .*; paths: "):
            merged.retrieve.bulk_data(metalith.BulkData("https://host/x", "OW"))

    def test_who_has_it_but_cannot_is_passed_over(self, two):
        calls = []

        class Server(DataSource):
            def retrieve_rendered(self, instance, **options):
                calls.append(instance["SOPInstanceUID"])
                return b"image"

            def retrieve_thumbnail(self, *uids, **options):
                calls.append(uids)
                return b"small"

            def reject_series(self, *uids):
                calls.append(uids)

        merged = MergeSource(children=[Server("server"), *two])
        merged.retrieve.series.metadata("1").wait()
        assert merged.retrieve.rendered(merged.metadata_store.instance("1.2.1")) == b"image"
        assert merged.retrieve.thumbnail("1", "1.2") == b"small"
        merged.reject.series("1", "1.2")
        assert calls == ["1.2.1", ("1", "1.2"), ("1", "1.2")]
        assert merged.supports("reject.series")
        assert not MergeSource(children=two).supports("reject.series")

    def test_storing_goes_to_the_default(self, two, tmp_path):
        kept = data_source("dicomlocal", {"store_path": tmp_path / "kept"}, name="kept")
        merged = MergeSource(children=[kept, *two])
        assert len(merged.store.dicom(file("8.1.1", "8.1", "8")).stored) == 1
        assert len(list((tmp_path / "kept").rglob("*.dcm"))) == 1
        assert [row.study_instance_uid for row in merged.query.studies.search()] == ["8", "1", "5", "6"]
        reader = DataSource.create("reader")
        assert not MergeSource(children=[reader, kept]).supports("store.dicom")
        with pytest.raises(NotSupportedBySource, match="reader"):
            MergeSource(children=[reader, kept]).store.dicom(file("8.1.1"))

    def test_studies_of_a_route(self, two):
        merged = MergeSource(children=two)
        assert merged.get_study_instance_uids(query="StudyInstanceUIDs=6,1,5,404") == ["1", "5", "6"]
        merged = MergeSource(children=[Failing("broken"), *two])
        assert merged.get_study_instance_uids(query="StudyInstanceUIDs=1") == ["1"]
        assert len(merged.failures) == 1


class TestConfiguration:
    @pytest.fixture
    def sources(self):
        return DataSources(plugins=False)

    def add(self, sources, name, namespace="dicomlocal", **configuration):
        return sources.add({"sourceName": name, "namespace": namespace, "configuration": configuration})

    def test_ohifs_own(self, sources, tmp_path):
        folder = put(tmp_path / "one", ("1.2.1", "1.2", "1", 1))
        names = {"dataSourceNames": ["b", "a"], "defaultDataSourceName": "a"}
        sources.read_configuration(
            {
                "defaultDataSourceName": "both",
                "dataSources": [
                    {
                        "namespace": "@ohif/extension-default.dataSourcesModule.merge",
                        "sourceName": "both",
                        "configuration": {"name": "merge", "friendlyName": "Both", "seriesMerge": names},
                    },
                    {"namespace": "@ohif/extension-default.dataSourcesModule.dicomlocal", "sourceName": "a"},
                    {
                        "namespace": "@ohif/extension-default.dataSourcesModule.dicomlocal",
                        "sourceName": "b",
                        "configuration": {"paths": str(folder)},
                    },
                    {"namespace": "@ohif/extension-default.dataSourcesModule.dicomlocal", "sourceName": "c"},
                ],
            }
        )
        merged = sources.active
        assert [child.name for child in merged.children] == ["a", "b"]
        assert merged.children[1] is sources["b"]
        assert len(merged.query.studies.search()) == 1
        before = sources["b"]
        sources.update_configuration("b", {})
        assert merged.children[1] is sources["b"] is not before

    @pytest.mark.parametrize(
        "series_merge",
        [
            None,
            {},
            {"data_source_names": []},
            {"dataSourceNames": "a"},
            {"dataSourceNames": [1]},
            {"dataSourceNames": ["a", "a"]},
            {"dataSourceNames": ["a"], "defaultDataSourceName": "b"},
            {"dataSourceNames": ["a"], "defaultDataSourceName": 1},
            {"dataSourceNames": ["a", "both"]},
            {"dataSourceNames": ["a"], "names": ["b"]},
        ],
    )
    def test_impossible_ones(self, sources, series_merge):
        self.add(sources, "a")
        with pytest.raises(ConfigurationError, match=r"both: .*aSourceName|both: .*seriesMerge"):
            self.add(sources, "both", "merge", series_merge=series_merge)
        assert sources.names == ["a"]

    def test_unknown_names_are_told_when_they_are_needed(self, sources):
        merged = self.add(sources, "both", "merge", seriesMerge={"dataSourceNames": ["a"]})
        for ask in (merged.initialize, merged.query.studies.search, lambda: merged.children, lambda: merged.default):
            with pytest.raises(ConfigurationError, match="'a'"):
                ask()
        self.add(sources, "a")
        merged.initialize()

    def test_cycles(self, sources):
        first = self.add(sources, "first", "merge", seriesMerge={"dataSourceNames": ["second"]})
        second = self.add(sources, "second", "merge", seriesMerge={"dataSourceNames": ["third"]})
        third = self.add(sources, "third", "merge", seriesMerge={"dataSourceNames": ["a", "first"]})
        self.add(sources, "a")
        for one in (first, second, third):
            with pytest.raises(ConfigurationError, match="of itself"):
                one.query.studies.search()

    def test_a_merge_of_merges(self, two):
        inner = MergeSource("inner", children=two)
        outer = MergeSource("outer", children=[local("own", file("1.2.2", InstanceNumber=7)), inner, Failing("broken")])
        assert sorted(len(series) for series in outer.retrieve.series.metadata("1")) == [1, 1, 3]
        assert numbers(outer)["1.2.2"] == 7
        assert outer.source_of("1.2.3") == "inner"
        deeper = MergeSource("deeper", children=[MergeSource("inner", children=[*two, Failing("broken")])])
        loading = deeper.retrieve.series.metadata("1")
        assert len(loading.wait()) == 3
        assert [str(failure.error).split(": ")[:2] for failure in loading.failures] == [["inner", "broken"]]

    def test_sources_that_share_the_merges_store(self, two, tmp_path):
        shared = MetadataStore()
        sources = DataSources(metadata_store=shared, plugins=False)
        self.add(sources, "one", paths=str(tmp_path / "one"))
        self.add(sources, "other", paths=str(tmp_path / "other"))
        merged = self.add(sources, "both", "merge", seriesMerge={"dataSourceNames": ["one", "other"]})
        assert merged.metadata_store is sources["one"].metadata_store is shared
        for name in ("one", "other"):
            sources[name].retrieve.series.metadata("1").wait()
        merged.retrieve.series.metadata("1").wait()
        assert numbers(merged)["1.2.2"] == 1
        assert merged.source_of("1.2.3") == "other"
        assert merged.children[0] is merged.children[0]
        merged.close()
        apart = sources.make("merge", merged.configuration, metadata_store=MetadataStore())
        apart.retrieve.series.metadata("1").wait()
        assert numbers(apart)["1.2.2"] == 1
        with pytest.raises(ConfigurationError, match="of its own"):
            MergeSource(children=[sources["one"]], metadata_store=shared)
        with pytest.raises(ConfigurationError, match="of its own"):
            MergeSource(children=[sources["one"], sources["other"]])

    def test_children_and_names(self, two):
        with pytest.raises(ConfigurationError, match="only one"):
            MergeSource(configuration={"seriesMerge": {"dataSourceNames": ["a"]}}, children=two)
        with pytest.raises(TypeError):
            MergeSource(children=["a"])
        with pytest.raises(ConfigurationError, match="twice"):
            MergeSource(children=[two[0], two[0]])
        names = {"seriesMerge": {"defaultDataSourceName": "other"}}
        assert MergeSource(configuration=names, children=two).default is two[1]

    def test_initializing_reaches_all(self):
        seen = []
        children = [DataSource.create(name, initialize=lambda params, query: seen.append(query)) for name in "ab"]
        merged = MergeSource(children=[*children, Failing("broken")])
        merged.initialize({}, "a=1")
        assert seen == ["a=1", "a=1"]
        assert [failure.source for failure in merged.failures] == ["broken"]
