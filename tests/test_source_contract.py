"""What holds of every data source, whatever the metadata come from."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from models.store_checks import check
from pydicom.data.data_manager import DATA_ROOT
from sources.factories import FACTORIES, Factory

import metalith
from metalith.errors import Cancelled, ConfigurationError, DataSourceError, NotSupportedBySource
from metalith.frames import number_of_frames
from metalith.sources import DataSource
from metalith.sources._cancel import Cancel
from metalith.sources.facade import FUNCTIONS
from metalith.sources.query import Query, entries_of, search
from metalith.store import MetadataStore
from metalith.store.events import EVENTS

_FOLDER = Path(DATA_ROOT) / "test_files"
_SERIES = [path for path in sorted((_FOLDER / "dicomdirtests" / "98892003").rglob("*")) if path.is_file()]
FILES = [_FOLDER / name for name in ("CT_small.dcm", "MR_small.dcm", "rtdose.dcm", "SC_rgb_rle_2frame.dcm")] + _SERIES
INSTANCES = [metalith.read(path) for path in FILES]
STUDIES = list(dict.fromkeys(one.StudyInstanceUID for one in INSTANCES))
[LARGEST] = {one.StudyInstanceUID for one in INSTANCES if one.path == str(_SERIES[0])}
OF_LARGEST = [one for one in INSTANCES if one.StudyInstanceUID == LARGEST]
SERIES = list(dict.fromkeys(one.SeriesInstanceUID for one in OF_LARGEST))
CALLS = {
    "search_series": ("1",),
    "retrieve_series_metadata": ("1",),
    "retrieve_instance_metadata": ("1", "2", "3"),
    "retrieve_bulk_data": ("uri",),
    "retrieve_frames": ({},),
    "direct_url": ({},),
    "retrieve_rendered": ({},),
    "retrieve_thumbnail": ("1",),
    "store_dicom": (b"",),
    "reject_series": ("1", "2"),
}


@pytest.fixture(params=FACTORIES, ids=lambda factory: factory.name)
def factory(request) -> Factory:
    return request.param


@pytest.fixture(scope="session")
def resources() -> Iterator[ExitStack]:
    """What sources need that may be the same for all tests, such as servers."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def make(factory, tmp_path, resources) -> Iterator:
    with ExitStack() as stack:
        yield lambda store=None: stack.enter_context(factory.make(FILES, tmp_path / "own", store, resources))


@pytest.fixture
def source(make) -> DataSource:
    return make()


@pytest.fixture
def searching(factory, make) -> DataSource:
    if not factory.searches:
        pytest.skip("it has no searches")
    return make()


def load(source: DataSource, **options) -> list[metalith.Instance]:
    """All studies; what the store has of them."""
    for study in STUDIES:
        loading = source.retrieve.series.metadata(study, **options)
        loading.wait()
        assert loading.failures == []
    check(source.metadata_store)
    return [one for study in source.metadata_store for series in study.series for one in series]


def same(found: metalith.Instance, wanted: metalith.Instance) -> bool:
    """Whether all is there that stands in the metadata themselves."""
    for keyword, value in wanted.items():
        if isinstance(value, (metalith.BulkData, bytes)) or keyword[:1].isdigit():
            continue
        if found.get(keyword) != value:
            return False
    return True


class TestSearching:
    @pytest.mark.parametrize(
        ("level", "parameters"),
        [
            ("study", {}),
            ("study", {"patient_name": "*o*"}),
            ("study", {"StudyInstanceUID": LARGEST}),
            ("study", {"modalities_in_study": "CT"}),
            ("study", {"study_date": "20040101-20041231"}),
            ("study", {"PatientID": "no such"}),
            ("series", {}),
            ("series", {"study_instance_uid": LARGEST}),
            ("series", {"modality": "MR"}),
            ("instance", {"study_instance_uid": LARGEST}),
            ("instance", {"study_instance_uid": LARGEST, "series_instance_uid": SERIES[0]}),
            ("instance", {"study_instance_uid": LARGEST, "instance_number": OF_LARGEST[0].InstanceNumber}),
        ],
    )
    def test_rows(self, factory, searching, level, parameters):
        wanted = search(Query.of(level, **parameters), entries_of(INSTANCES))
        group = getattr(searching.query, {"study": "studies", "series": "series", "instance": "instances"}[level])
        found = list(group.search(**parameters))
        uid = {"study": "study_instance_uid", "series": "series_instance_uid", "instance": "sop_instance_uid"}[level]
        assert sorted(getattr(row, uid) for row in found) == sorted(getattr(row, uid) for row in wanted)
        if factory.counts and level != "instance":
            assert {getattr(row, uid): row.instances for row in found} == {
                getattr(row, uid): row.instances for row in wanted
            }
        assert None not in found

    def test_rows_in_full(self, factory, searching):
        wanted = {row.study_instance_uid: row for row in search(Query.of("study"), entries_of(INSTANCES))}
        for row in searching.query.studies.search():
            if factory.exact and factory.counts:
                assert row == wanted[row.study_instance_uid]
            assert set(row.modalities) == set(wanted[row.study_instance_uid].modalities)
            assert row.patient_name == wanted[row.study_instance_uid].patient_name

    def test_pages(self, searching):
        every = [row.study_instance_uid for row in searching.query.studies.search()]
        assert sorted(every) == sorted(STUDIES)
        pages = [list(searching.query.studies.search(limit=2, offset=offset)) for offset in range(0, len(every), 2)]
        assert [row.study_instance_uid for page in pages for row in page] == every
        assert list(searching.query.studies.search(limit=0)) == []

    def test_series_in_their_order(self, searching):
        rows = list(searching.query.series.search(LARGEST))
        numbers = [row.series_number for row in rows]
        assert numbers == sorted(numbers)

    def test_names_that_are_unknown(self, searching):
        with pytest.raises(ConfigurationError, match="patient_name"):
            list(searching.query.studies.search(patient_nmae="DOE"))

    def test_nothing_is_loaded_by_it(self, searching):
        events = []
        searching.metadata_store.subscribe(MetadataStore.INSTANCES_ADDED, events.append)
        list(searching.query.studies.search())
        before = len(events)
        list(searching.query.studies.search())
        assert len(events) == before


class TestLoading:
    def test_the_same_metadata(self, factory, source):
        found = load(source)
        assert sorted(one.SOPInstanceUID for one in found) == sorted(one.SOPInstanceUID for one in INSTANCES)
        for wanted in INSTANCES:
            instance = source.metadata_store.instance(wanted.SOPInstanceUID)
            if factory.exact:
                assert instance == wanted
            else:
                assert same(instance, wanted)

    def test_series_are_those_of_the_store(self, source):
        loading = source.retrieve.series.metadata(LARGEST)
        assert not loading.done
        series = list(loading)
        assert loading.done
        assert sorted(one.series_instance_uid for one in series) == sorted(SERIES)
        assert all(source.metadata_store.series(LARGEST, one.series_instance_uid) is one for one in series)
        assert loading.progress.loaded == len(SERIES)
        assert loading.progress.instances == len(OF_LARGEST)
        assert loading.wait() == []

    def test_nothing_is_fetched_before_it_is_wanted(self, make):
        store = MetadataStore()
        source = make(store)
        before = len(store)
        source.retrieve.series.metadata(LARGEST)
        assert len(store) == before

    def test_events(self, make):
        store, events = MetadataStore(), []
        for event in EVENTS:
            store.subscribe(event, events.append)
        source = make(store)
        load(source)
        count = {name: [event for event in events if event.type == name] for name in EVENTS}
        assert sorted(event.study_instance_uid for event in count["study_added"]) == sorted(STUDIES)
        keys = [(event.study_instance_uid, event.series_instance_uid) for event in count["series_added"]]
        assert len(keys) == len(set(keys)) == len({one.SeriesInstanceUID for one in INSTANCES})
        assert sum(event.count for event in count["instances_added"]) == len(INSTANCES)
        assert sum(event.replaced for event in count["instances_added"]) == 0
        assert count["instances_removed"] == count["series_removed"] == []

    @pytest.mark.parametrize(
        ("filters", "wanted"),
        [
            ({"series_instance_uid": SERIES[0]}, SERIES[:1]),
            ({"SeriesInstanceUIDs": [SERIES[1], SERIES[0]]}, SERIES[:2]),
            ({"seriesInstanceUID": f"{SERIES[0]},{SERIES[1]}"}, SERIES[:2]),
            ({"modality": "MR"}, SERIES),
            ({"modality": "CT"}, []),
            ({"series_instance_uid": []}, []),
            (None, SERIES),
        ],
    )
    def test_filters(self, source, filters, wanted):
        found = source.retrieve.series.metadata(LARGEST, filters=filters).wait()
        assert sorted(one.series_instance_uid for one in found) == sorted(wanted)

    def test_filters_are_those_of_each_call(self, source):
        first = source.retrieve.series.metadata(LARGEST, filters={"series_instance_uid": SERIES[0]}).wait()
        other = source.retrieve.series.metadata(LARGEST, filters={"series_instance_uid": SERIES[1]}).wait()
        every = source.retrieve.series.metadata(LARGEST).wait()
        assert [len(first), len(other), len(every)] == [1, 1, len(SERIES)]
        assert sum(map(len, every)) == len(OF_LARGEST)

    def test_what_cannot_be_asked(self, source):
        for study in ("", None, 7):
            with pytest.raises(ConfigurationError):
                source.retrieve.series.metadata(study)
        with pytest.raises(ConfigurationError):
            source.retrieve.series.metadata(LARGEST, filters={"no_such_thing": 1})

    def test_studies_that_are_not_here(self, source):
        try:
            found = source.retrieve.series.metadata("1.2.404").wait()
        except DataSourceError:
            return
        assert found == []

    def test_again(self, source):
        first = load(source)
        again = load(source)
        assert len(again) == len(first) == len(INSTANCES)
        refreshed = load(source, refresh=True)
        assert sorted(one.SOPInstanceUID for one in refreshed) == sorted(one.SOPInstanceUID for one in first)
        for study in STUDIES:
            source.delete_study_metadata(study)
        source.delete_study_metadata("1.2.404")
        assert len(load(source)) == len(INSTANCES)

    def test_progress(self, source):
        told = []
        source.retrieve.series.metadata(LARGEST, progress=told.append).wait()
        assert (told[-1].loaded, told[-1].failed, told[-1].instances) == (len(SERIES), 0, len(OF_LARGEST))

    def test_cancelled_before(self, source):
        cancel = Cancel()
        cancel.cancel()
        with pytest.raises(Cancelled):
            source.retrieve.series.metadata(LARGEST, cancel=cancel).wait()
        assert len(load(source)) == len(INSTANCES)

    def test_left_early(self, source):
        loading = source.retrieve.series.metadata(LARGEST)
        for _ in loading:
            break
        assert len(load(source)) == len(INSTANCES)

    def test_many_threads(self, source):
        failed = []

        def ask():
            try:
                series = source.retrieve.series.metadata(LARGEST).wait()
                assert sum(map(len, series)) == len(OF_LARGEST)
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert failed == []
        check(source.metadata_store)

    def test_series_that_had_to_go_come_back(self, make):
        store = MetadataStore(max_bytes=1)
        source = make(store)
        source.retrieve.series.metadata(LARGEST).wait()
        evicted = [series for series in store.study(LARGEST).series if series.is_evicted]
        assert evicted
        for series in evicted:
            wanted = [one.SOPInstanceUID for one in OF_LARGEST if one.SeriesInstanceUID == series.series_instance_uid]
            assert sorted(one.SOPInstanceUID for one in series.load()) == sorted(wanted)

    def test_closed_and_used_again(self, source):
        load(source)
        source.close()
        source.close()
        assert len(load(source, refresh=True)) == len(INSTANCES)

    def test_one_instance(self, source):
        wanted = OF_LARGEST[-1]
        uids = wanted.StudyInstanceUID, wanted.SeriesInstanceUID, wanted.SOPInstanceUID
        if not source.supports("retrieve.instances.metadata"):
            pytest.skip("it has no single instances")
        assert same(source.retrieve.instances.metadata(*uids), wanted)
        assert source.metadata_store.instance(uids[2]) is not None
        with pytest.raises(DataSourceError):
            source.retrieve.instances.metadata(*uids[:2], "1.2.404")


class TestImages:
    def test_ids_of_frames(self, source):
        load(source)
        store = source.metadata_store
        for wanted in INSTANCES:
            instance, count = store.instance(wanted.SOPInstanceUID), number_of_frames(wanted)
            ids = source.image_ids_of(instance)
            assert len(set(ids)) == len(ids) == count
            assert ids == source.get_image_ids_for_display_set({"images": [instance]})
            assert all(store.instance_by_image_id(one) == instance for one in ids)
            assert store.instance_by_image_id(source.get_image_ids_for_instance(instance)) == instance
            if count > 1:
                assert [metalith.ImageId(one).frame for one in ids] == list(range(1, count + 1))
                assert source.get_image_ids_for_instance(instance, 2) == ids[1]
        assert source.get_image_ids_for_display_set([]) == []

    def test_providers_answer(self, source):
        metadata = metalith.MetadataProviders()
        source.provide(metadata)
        load(source)
        for wanted in OF_LARGEST:
            image_id = source.get_image_ids_for_instance(wanted)
            plane = metadata.get("imagePlaneModule", image_id)
            assert (plane.rows, plane.image_position_patient) == (wanted.Rows, wanted.ImagePositionPatient)
            assert metadata.get("generalSeriesModule", image_id).modality == wanted.Modality
            assert metadata.get("SOPInstanceUID", image_id) == wanted.SOPInstanceUID
        assert metadata.get("imagePlaneModule", "wadors:https://h/studies/1/series/2/instances/3") is None

    def test_what_has_no_uids(self, source):
        with pytest.raises((ValueError, metalith.MetalithError)):
            source.get_image_ids_for_instance({})


class TestContract:
    def test_what_is_lacking_says_so(self, source):
        for dotted, method in FUNCTIONS.items():
            if source.supports(dotted):
                continue
            called = source
            for part in dotted.split("."):
                called = getattr(called, part)
            for one in (called, getattr(source, method)):
                with pytest.raises(NotSupportedBySource) as raised:
                    one(*CALLS.get(method, ()))
                assert raised.value.function == dotted
                assert dotted in str(raised.value)
        assert source.supports("retrieve.series.metadata")
        with pytest.raises(ValueError, match="no_such"):
            source.supports("no_such.function")

    def test_signatures_are_the_contracts(self, source):
        """Who has a source of the contract can call it, whatever it is."""
        for method in FUNCTIONS.values():
            wanted = inspect.signature(getattr(DataSource, method)).parameters
            own = inspect.signature(getattr(type(source), method)).parameters
            every = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in own.values())
            assert wanted.keys() <= own.keys() or every, method

    def test_routes(self, source):
        source.initialize({}, {})
        source.initialize()
        named = {"StudyInstanceUIDs": f"{LARGEST},{STUDIES[0]}", "SeriesInstanceUIDs": "1.2"}
        route = source.parse_route_params(query=named)
        assert set(route["study_instance_uids"]) == {LARGEST, STUDIES[0]}
        assert route["filters"] == {"SeriesInstanceUIDs": "1.2"}
        assert source.get_study_instance_uids() == []

    def test_shown(self, source):
        load(source)
        shown = f"{source!r} {source.query!r} {source.get_config()!r}"
        assert "under test" in shown
        assert all(str(one.PatientName) not in shown for one in INSTANCES if one.get("PatientName"))

    def test_asynchronously(self, factory, source):
        async def work():
            series = [one async for one in source.aio.retrieve.series.metadata(LARGEST)]
            every = await asyncio.gather(*(source.aio.retrieve.series.metadata(study) for study in STUDIES))
            rows = await source.aio.query.studies.search() if factory.searches else STUDIES
            return series, every, rows

        series, every, rows = asyncio.run(work())
        assert sorted(one.series_instance_uid for one in series) == sorted(SERIES)
        assert sum(len(one) for several in every for one in several) == len(INSTANCES)
        assert len(rows) == len(STUDIES)

    def test_an_asynchronous_loading_is_cancelled(self, source):
        async def work():
            task = asyncio.ensure_future(asyncio.gather(source.aio.retrieve.series.metadata(LARGEST)))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(work())
        assert len(load(source)) == len(INSTANCES)
