"""What every data source has, shown with sources of one's own: classes and functions."""

from __future__ import annotations

import inspect
import re
import threading
import time

import pytest

import metalith
from metalith import DataSource
from metalith.errors import Cancelled, ConfigurationError, NotSupportedBySource
from metalith.sources.loading import Job, Loading, Scheduler

STUDY = "1.2"


def slices(series="1.2.1", count=3, **more):
    return [
        {"StudyInstanceUID": STUDY, "SeriesInstanceUID": series, "SOPInstanceUID": f"{series}.{n}", "Rows": n, **more}
        for n in range(1, count + 1)
    ]


# ---- sources from functions ----


def test_ten_lines_make_a_source_and_yielding_makes_metadata():
    def rows(study_instance_uid):
        yield from slices("1.2.1", Modality="CT")
        yield from slices("1.2.2", Modality="MR")

    source, metadata, told = DataSource.create("mine", retrieve={"series": {"metadata": rows}}), None, []
    source.metadata_store.subscribe(metalith.MetadataStore.SERIES_ADDED, told.append)
    assert [series.Modality for series in source.retrieve.series.metadata(STUDY)] == ["CT", "MR"]
    metadata = metalith.MetadataProviders()
    source.provide(metadata)
    image_id = source.get_image_ids_for_instance(source.metadata_store.instance("1.2.2.2"))
    assert metadata.get("Rows", image_id) == 2
    assert [event.series_instance_uid for event in told] == ["1.2.1", "1.2.2"]


def test_what_is_not_dicom_is_answered_by_its_names():
    cards = DataSource.create(
        "cards",
        retrieve={
            "series": {
                "metadata": lambda _: [
                    {"image_id": "web:ace.png", "Rows": 300, "suit": "spades", "imagePlaneModule": {"rows": 1}},
                    {"imageId": "web:ten.png", "Rows": 310, "suit": "hearts"},
                ]
            }
        },
    )
    metadata = metalith.MetadataProviders()
    cards.provide(metadata)
    (series,) = cards.retrieve.series.metadata(STUDY)
    assert [metadata.get("suit", f"web:{card}.png") for card in ("ace", "ten")] == ["spades", "hearts"]
    assert [metadata.get("Rows", image_id) for image_id in cards.get_image_ids_for_display_set(series)] == [300, 310]
    assert metadata.get("suit", "web:king.png") is None
    uid = series.instances[0].SOPInstanceUID
    again = cards.retrieve.series.metadata(STUDY).wait()[0]
    assert len(again) == 2
    assert again.instances[0].SOPInstanceUID == uid  # the same things keep their UIDs


def test_instances_tables_json_and_files_may_be_yielded():
    from pydicom.data import get_testdata_file

    path = get_testdata_file("CT_small.dcm")
    ct = metalith.read(path)

    def everything(_):
        yield metalith.naturalize(metalith.dumps(slices("1.2.1")))
        yield metalith.naturalize_dataset(metalith.dumps(slices("1.2.2", 1)[0]))
        yield metalith.dumps(slices("1.2.3", 2))
        yield metalith.denaturalize(slices("1.2.4", 1)[0])
        with open(path, "rb") as file:
            yield file.read()

    source = DataSource.create(retrieve={"series": {"metadata": everything}})
    found = {series.series_instance_uid: len(series) for series in source.retrieve.series.metadata(STUDY)}
    assert found == {"1.2.1": 3, "1.2.2": 1, "1.2.3": 2, "1.2.4": 1, ct.SeriesInstanceUID: 1}


def test_a_function_may_want_to_know_which_series_are_wanted():
    asked = []

    def rows(study_instance_uid, filters):
        asked.append(filters.uids)
        yield from slices("1.2.1")
        yield from slices("1.2.2")

    source = DataSource.create(retrieve={"series": {"metadata": rows}})
    (series,) = source.retrieve.series.metadata(STUDY, filters={"series_instance_uid": ["1.2.2"]})
    assert asked == [("1.2.2",)]
    assert series.series_instance_uid == "1.2.2"
    assert source.retrieve.series.metadata(STUDY, filters={"modality": "CT"}).wait() == []


def test_defaults_are_function_by_function_and_helpers_are_kept():
    source = DataSource.create(
        "mine",
        query={"studies": {"search": lambda **p: [p], "count": lambda: 7}, "worklist": lambda: "w"},
        retrieve={"series": {}},
        store={"dicom": None},
        get_config=lambda: {"a": 1},
        helper=lambda: "helped",
        threshold=5,
    )
    assert source.query.studies.search(patient_name="A") == [{"patient_name": "A"}]
    assert (source.query.studies.count(), source.query.worklist(), source.helper(), source.threshold) == (
        7,
        "w",
        "helped",
        5,
    )
    assert source.get_config() == {"a": 1}
    assert source.get_study_instance_uids(query="StudyInstanceUIDs=1,2") == ["1", "2"]
    assert source.supports("query.studies.search")
    for function in ("query.series.search", "store.dicom", "retrieve.series.metadata", "reject.series"):
        assert not source.supports(function)
    with pytest.raises(NotSupportedBySource, match=r"'mine' has no query\.series\.search"):
        source.query.series.search("1")
    with pytest.raises(NotSupportedBySource, match=r"retrieve\.series\.metadata"):
        source.retrieve.series.metadata("1").wait()
    with pytest.raises(NotSupportedBySource, match=r"retrieve\.something\b"):
        source.retrieve.something()
    with pytest.raises(ValueError, match=r"no\.such"):
        source.supports("no.such")


@pytest.mark.parametrize(
    "functions",
    [{"query": 5}, {"retrieve": {"series": {"metadata": 7}}}, {"provide": print}, {"_x": 1}, {"fetched": 1}]
    + [{"options": 1}, {"close": 5}, {"configuration": {"colour": "red"}}],
)
def test_what_is_no_function_is_refused(functions):
    with pytest.raises(ConfigurationError):
        DataSource.create(**functions)


@pytest.mark.parametrize(
    "function",
    [
        lambda study, filters: [filters.uids],
        lambda study, *, filters: [filters.uids],
        lambda study, wanted: [wanted.uids],
        lambda study, limit=5, filters=None: [filters.uids],
        lambda *both: [both[1].uids],
    ],
)
def test_how_a_function_may_ask_which_series_are_wanted(function):
    asked = []

    def rows(*args, **kwargs):
        asked.extend(function(*args, **kwargs))

    rows.__signature__ = inspect.signature(function)
    source = DataSource.create(retrieve={"series": {"metadata": rows}})
    assert source.retrieve.series.metadata(STUDY, filters={"series": "1", "series_instance_uid": "2"}).wait() == []
    assert asked == [("2",)]


def test_a_second_parameter_with_a_default_is_the_functions_own():
    asked = []
    source = DataSource.create(retrieve={"series": {"metadata": lambda study, limit=7: asked.append(limit)}})
    assert source.retrieve.series.metadata(STUDY).wait() == []
    assert asked == [7]


def test_a_source_of_functions_is_configured_and_closed_like_any():
    closed = []
    source = DataSource.create(
        "mine", {"workers": 1, "friendlyName": "Mine"}, close=lambda: closed.append(1), query={"studies": {}}
    )
    assert (source.options.workers, source.get_config()) == (1, {"workers": 1, "friendlyName": "Mine"})
    with source:
        source._scheduler.submit(lambda: None)
    assert closed == [1]
    assert source._scheduler._closings == 1


def test_no_study_no_metadata():
    source = DataSource.create(retrieve={"series": {"metadata": lambda _: []}})
    for uid in ("", None):
        with pytest.raises(ConfigurationError, match="study_instance_uid"):
            source.retrieve.series.metadata(uid)
    with pytest.raises(ConfigurationError, match="colour"):
        source.retrieve.series.metadata(STUDY, filters={"colour": "red"})


# ---- URLs ----


class MultiDict(dict):
    def getlist(self, name):
        return self[name]


@pytest.mark.parametrize(
    ("params", "query", "uids"),
    [
        (None, None, []),
        ({"StudyInstanceUIDs": "1.2"}, None, ["1.2"]),
        ({"studyInstanceUIDs": ["1.2", "1.3"]}, None, ["1.2", "1.3"]),
        ({"StudyInstanceUIDs": "9"}, "StudyInstanceUIDs=1.2,1.3&studyInstanceUIDs=1.4&x=1", ["1.2", "1.3", "1.4"]),
        (None, "https://viewer/view?StudyInstanceUIDs=1.2", ["1.2"]),
        (None, {"STUDYINSTANCEUIDS": "1.2,1.2,"}, ["1.2"]),
        (None, MultiDict(StudyInstanceUIDs=["1", "2"]), ["1", "2"]),
    ],
)
def test_studies_that_a_url_names(params, query, uids):
    source = DataSource("any")
    assert source.get_study_instance_uids(params, query) == uids
    assert source.parse_route_params(params, query)["study_instance_uids"] == uids


def test_filters_that_a_url_names():
    route = DataSource("any").parse_route_params(None, "StudyInstanceUIDs=1&SeriesInstanceUIDs=2,3&modality=CT")
    assert route["filters"] == {"SeriesInstanceUIDs": ["2", "3"], "modality": "CT"}


# ---- images ----


def test_image_ids_name_instances_that_the_store_finds():
    source = DataSource.create("mine", retrieve={"series": {"metadata": lambda _: slices(NumberOfFrames=2)}})
    (series,) = source.retrieve.series.metadata(STUDY)
    ids = source.get_image_ids_for_display_set(series.instances)
    assert len(ids) == 6
    assert [source.metadata_store.instance_by_image_id(one).Rows for one in ids] == [1, 1, 2, 2, 3, 3]
    assert source.get_image_ids_for_display_set({"images": list(series)}) == ids
    assert source.get_image_ids_for_display_set(None) == []
    with pytest.raises(ValueError, match="SeriesInstanceUID"):
        source.get_image_ids_for_instance({"StudyInstanceUID": "1", "SOPInstanceUID": "2"})


# ---- loading ----


def job(uid, load):
    return Job(load, STUDY, uid, {"SeriesInstanceUID": uid})


@pytest.fixture
def store():
    made = metalith.MetadataStore()
    made.add_instances(slices("1.2.1") + slices("1.2.2"))
    return made


def test_the_most_urgent_first():
    scheduler, order, begun, gate = Scheduler(1), [], threading.Event(), threading.Event()
    scheduler.submit(lambda: begun.set() or gate.wait())
    assert begun.wait(10)  # else the thread may find what is more urgent before the gate
    for number, priority in enumerate([0, 5, 5, -1, 9]):
        scheduler.submit(lambda number=number: order.append(number), priority)
    done = threading.Event()
    scheduler.submit(done.set, -100)
    gate.set()
    assert done.wait(10)
    assert order == [4, 1, 2, 0, 3]
    scheduler.close()


def test_limits_of_who_asks_hold_in_the_threads():
    body = metalith.dumps(slices())

    def rows(study_instance_uid):
        yield body

    source = DataSource.create(retrieve={"series": {"metadata": rows}})
    with metalith.limits(max_bytes=10):
        loading = source.retrieve.series.metadata(STUDY)
        assert loading.wait() == []
    assert "max_bytes=10" in str(loading.failures[0])
    assert source.retrieve.series.metadata(STUDY).wait()


def test_one_failure_is_no_other_series_concern(store):
    def fail(cancel):
        raise ValueError("DOE^JOHN")

    jobs = [
        job("1.2.1", lambda _: [store.series("1.2.1")]),
        job("9", fail),
        job("1.2.2", lambda _: [store.series("1.2.2")]),
    ]
    loading = Loading(lambda: jobs, Scheduler(2))
    assert len(loading.wait()) == 2
    (failure,) = loading.failures
    assert (failure.series_instance_uid, str(failure)) == ("9", "series 9: ValueError")
    assert {one.state for one in jobs} == {"loaded", "failed"}
    assert loading.wait() == []
    with pytest.raises(ValueError, match="DOE"):
        Loading(lambda: jobs, Scheduler(2), on_error="raise").wait()


def test_nothing_is_done_before_it_is_wanted(store):
    planned = []
    loading = Loading(lambda: planned.append(1) or [], Scheduler(1))
    time.sleep(0.05)
    assert not planned
    assert loading.wait() == []
    assert loading.start().done
    assert planned == [1]


def test_a_plan_that_fails_raises_to_who_wants_it():
    def plan():
        raise ConfigurationError("no plan")

    loading = Loading(plan, Scheduler(1))
    for _ in range(2):
        with pytest.raises(ConfigurationError):
            loading.wait()


def test_calling_off_before_and_during(store):
    loading = Loading(lambda: [job("1.2.1", lambda _: [])], Scheduler(1))
    loading.cancel()
    with pytest.raises(Cancelled):
        loading.wait()

    begun = threading.Event()

    def endless(cancel):
        begun.set()
        while True:
            cancel.check()
            time.sleep(0.001)

    loading = Loading(lambda: [job(str(n), endless) for n in range(5)], Scheduler(1)).start()
    assert begun.wait(10)
    loading.cancel()
    with pytest.raises(Cancelled):
        loading.wait()
    assert {one.state for one in loading.jobs} == {"cancelled"}
    assert not loading.failures


def test_a_with_block_ends_what_is_under_way(store):
    seen = []

    def slow(cancel):
        seen.append(cancel)
        if len(seen) > 1:
            cancel.wait(30)
            cancel.check()
        return [store.series("1.2.1")]

    with Loading(lambda: [job("1.2.1", slow), job("x", slow), job("y", slow)], Scheduler(1)) as loading:
        next(iter(loading))
    assert loading._ended.wait(10)
    assert len(seen) < 3


def test_progress_that_raises_ends_the_loading(store):
    def fail(_):
        raise RuntimeError("stop")

    loading = Loading(lambda: [job("1.2.1", lambda _: [store.series("1.2.1")])] * 3, Scheduler(1), progress=fail)
    with pytest.raises(RuntimeError, match="stop"):
        list(loading)


def test_a_job_that_gives_no_series_fails():
    loading = Loading(lambda: [job("1.2.1", lambda _: [5])], Scheduler(1))
    assert loading.wait() == []
    assert isinstance(loading.failures[0].error, TypeError)


def test_a_cancelled_wait_says_so_in_every_thread(store):
    release = threading.Event()

    def slow(cancel):
        cancel.wait(30)
        cancel.check()

    loading = Loading(lambda: [job("1.2.1", slow)], Scheduler(1)).start()
    caught = []

    def wait():
        release.wait()
        try:
            loading.wait()
        except Cancelled as error:
            caught.append(error)

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    release.set()
    loading.cancel()
    for thread in threads:
        thread.join(10)
    assert len(caught) == 4


# ---- wrong usage ----


@pytest.mark.parametrize("path", ["query.study.search", "retrieve.frame", "store.a.b.c"])
def test_a_wrong_name_is_told_whole_and_when_it_is_called(path):
    called = DataSource("mine")
    for name in path.split("."):
        called = getattr(called, name)
    assert path in repr(called)
    assert not hasattr(called, "__len__")
    with pytest.raises(NotSupportedBySource, match=f"'mine' has no {re.escape(path)}$"):
        called(1, more=2)


@pytest.mark.parametrize(
    ("functions", "named", "meant"),
    [
        ({"retreive": {"series": {"metadata": slices}}}, "retreive", "retrieve"),
        ({"retrieve": {"serie": {"metadata": slices}}}, "retrieve.serie", "series"),
        ({"retrieve": {"series": {"metdata": slices}}}, "retrieve.series.metdata", "metadata"),
        ({"query": {"studies": {"seach": slices}}}, "query.studies.seach", "search"),
        ({"initialise": print}, "initialise", "initialize"),
    ],
)
def test_a_function_by_nearly_a_known_name_is_a_slip(functions, named, meant):
    with pytest.raises(ConfigurationError, match=f"^{re.escape(named)} is .*did you mean {meant}"):
        DataSource.create("mine", **functions)


def test_functions_of_other_names_are_no_slips():
    source = DataSource.create("mine", query={"studies": {"count": len, "searches": len}}, counts={"a": 1})
    assert (source.query.studies.count("ab"), source.query.studies.searches("a"), source.counts) == (2, 1, {"a": 1})


def test_what_is_given_for_a_study_uid_is_told():
    source = DataSource.create("mine", retrieve={"series": {"metadata": lambda _: slices()}})
    (series,) = source.retrieve.series.metadata(STUDY)
    with pytest.raises(ConfigurationError, match="study_instance_uid must be a str, not a Series"):
        source.retrieve.series.metadata(series)
    for nothing in (None, ""):
        with pytest.raises(ConfigurationError, match="is needed"):
            source.retrieve.series.metadata(nothing)


def test_progress_that_is_no_function_is_refused_before_anything_is_loaded():
    asked = []
    source = DataSource.create("mine", retrieve={"series": {"metadata": lambda uid: asked.append(uid) or slices()}})
    with pytest.raises(TypeError, match="progress is a function or 'bar', not 'baa'"):
        source.retrieve.series.metadata(STUDY, progress="baa")
    assert asked == []


def test_a_store_of_another_kind_is_refused():
    with pytest.raises(ConfigurationError, match="mine: metadata_store must be a MetadataStore, not a dict"):
        DataSource("mine", metadata_store={})


def test_what_loading_is_given_and_tells_can_be_imported():
    cancel, told = metalith.sources.Cancel(), []
    source = DataSource.create("mine", retrieve={"series": {"metadata": lambda _: slices()}})
    source.retrieve.series.metadata(STUDY, cancel=cancel, progress=told.append).wait()
    assert [type(progress) for progress in told] == [metalith.sources.Progress]
    cancel.cancel()
    with pytest.raises(Cancelled):
        source.retrieve.series.metadata("1.3", cancel=cancel).wait()
