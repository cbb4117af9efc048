"""The `dicomweb` source between servers that fail, misunderstand, or do it their own way."""

from __future__ import annotations

import gc
import json
import logging
import re
import threading
import time

import pytest
from servers import faults
from servers.base import JSON, Response, Server
from servers.misbehaving import Habits, QidoServer

import metalith
from metalith.errors import Cancelled, ConfigurationError, DataSourceError, MetalithError
from metalith.sources._cancel import Cancel

pytest_plugins = ["servers.fixtures"]

STUDY = "1.2.840.99"
SERIES = [f"{STUDY}.{n}" for n in (1, 2, 3)]
TOKEN, NAME, PATIENT = "t0ken-Secret", "ZYXWV^QUENTIN", "PAT-4711"


def element(vr, *values):
    return {"vr": vr, "Value": list(values)}


def instance(series, number, study=STUDY, **more):
    return {
        "00080016": element("UI", "1.2.840.10008.5.1.4.1.1.2"),
        "00080018": element("UI", f"{series}.{number}"),
        "00080060": element("CS", "CT" if series.endswith(".1") else "MR"),
        "00100010": element("PN", {"Alphabetic": NAME}),
        "00100020": element("LO", PATIENT),
        "00180015": element("CS", "KNEE" if series.endswith(".2") else "HEAD"),
        "0020000D": element("UI", study),
        "0020000E": element("UI", series),
        "00200011": element("IS", int(series.rpartition(".")[2])),
        "00200013": element("IS", number),
        **more,
    }


def study(*without):
    items = [instance(series, number) for series in SERIES for number in range(1, 4)]
    return [{tag: value for tag, value in item.items() if tag not in without} for item in items]


class Fixed(Server):
    """Answers what it is told to, by the end of the path; otherwise 404."""

    def __init__(self, answers):
        super().__init__()
        self.answers = answers

    @property
    def root(self):
        return f"{self.origin}/dicom-web"

    def answer(self, request):
        for end, found in self.answers.items():
            if request.path.endswith(end):
                made = found(request) if callable(found) else found
                return (
                    made
                    if isinstance(made, Response)
                    else Response(200, json.dumps(made).encode(), {"Content-Type": JSON})
                )
        return Response(404, b"no such thing", {"Content-Type": "text/plain"})


@pytest.fixture
def serve():
    """Starts servers, and stops them."""
    running = []

    def start(server):
        running.append(server.__enter__())
        return running[-1]

    yield start
    for server in running:
        server.__exit__(None, None, None)


@pytest.fixture
def qido(serve):
    return lambda habits=None, items=None: serve(QidoServer(study() if items is None else items, habits))


@pytest.fixture(scope="module")
def archive():
    """A server that is always the same."""
    with QidoServer(study()) as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def _sockets_are_closed():
    yield
    gc.collect()  # sockets that nobody closed warn, and warnings are errors


@pytest.fixture
def web(monkeypatch):
    """Makes sources, closes them, and sees that nothing of theirs is left."""
    monkeypatch.setenv("NO_PROXY", "*")
    before = set(threading.enumerate())
    made = []

    def make(root, **options):
        given = {"timeout": 5, "backoff": 0.01, "retries": 1, "token": TOKEN, **options}
        made.append(metalith.data_source("dicomweb", {"wado_root": root, **given}))
        return made[-1]

    yield make
    for source in made:
        source.close()
    made.clear()
    until = time.monotonic() + 10
    # one thread keeps the time for all sources there are, and stays
    before_and_timer = {*before, *(one for one in threading.enumerate() if one.name == "metalith-time-limits")}
    while left := [
        one for one in threading.enumerate() if one not in before_and_timer and one.name.startswith("metalith")
    ]:
        assert time.monotonic() < until, left
        time.sleep(0.005)


def nothing_shows(*texts):
    """No secrets and no patient data in any of these."""
    for text in texts:
        for secret in (TOKEN, NAME, "QUENTIN", PATIENT):
            assert secret not in str(text), text
            assert secret not in repr(text), text


FAULTS = {
    "403": faults.status(403),
    "500": faults.status(500, NAME.encode()),
    "503": faults.busy(503, after=None),
    "page": faults.replaced(f"<html>{NAME}</html>".encode(), media_type="text/html"),
    "garbage": faults.garbage(),
    "hang up": faults.hang_up(),
    "reset": faults.hang_up(reset=True),
    "cut": faults.cut(200),
    "cut chunk": faults.cut(200, chunked=True),
    "not json": faults.replaced(f"[{{{NAME}".encode()),
    "half": faults.edited(lambda body: body[: len(body) // 2]),
    "xml": faults.retyped("application/dicom+xml"),
    "too long": faults.mismeasured(50),
    "half a gzip": faults.gzipped(keep=60),
    "bomb": faults.gzip_bomb(64 << 20),
    "endless": faults.endless(),
    "abroad": faults.redirect(302, "ftp://elsewhere/x"),
    "another kind": faults.replaced(b'"a text"'),
    "numbers": faults.replaced(b"[1, 2, 3]"),
    "instances without anything": faults.replaced(b"[{}]"),
    "empty": faults.replaced(b"[]"),
    "nothing": faults.replaced(b""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_series_that_fails_fails_alone(archive, web, fault_proxy, caplog, fault):
    server = archive
    proxy = fault_proxy(server.origin)
    proxy.add(FAULTS[fault], path=f"series/{SERIES[1]}/metadata")
    source = web(proxy.url(server.root), max_bytes=1 << 20)
    with caplog.at_level(logging.DEBUG):
        loading = source.retrieve.series.metadata(STUDY)
        found = {series.series_instance_uid: len(series) for series in loading}
    assert found == {SERIES[0]: 3, SERIES[2]: 3}
    (failure,) = loading.failures
    assert failure.series_instance_uid == SERIES[1]
    assert isinstance(failure.error, MetalithError), failure.error
    assert len(source.metadata_store.series(SERIES[1])) == 0
    assert not source.metadata_store.study(STUDY).is_loaded
    nothing_shows(failure, failure.error, loading, caplog.text, source, source.get_config(), source.options)
    proxy.clear()
    again = source.retrieve.series.metadata(STUDY)
    assert len(again.wait()) == 3  # no failure is kept
    assert [request.path.split("/")[-2] for request in proxy.requests if "/metadata" in request.path] == [SERIES[1]]
    assert source.metadata_store.study(STUDY).is_loaded


@pytest.mark.parametrize("fault", FAULTS)
def test_a_study_at_once_that_fails_leaves_nothing_behind(archive, web, fault_proxy, caplog, fault):
    server = archive
    proxy = fault_proxy(server.origin)
    proxy.add(FAULTS[fault], path="/metadata")
    source = web(proxy.url(server.root), max_bytes=1 << 20, enable_study_lazy_load=False)
    with caplog.at_level(logging.DEBUG):
        loading = source.retrieve.series.metadata(STUDY)
        assert loading.wait() == []
        with pytest.raises(MetalithError) as caught:
            source.retrieve.series.metadata(STUDY, on_error="raise").wait()
    assert len(loading.failures) == 1
    assert source.metadata_store.study_instance_uids == []
    nothing_shows(loading.failures[0], caught.value, caplog.text)
    proxy.clear()
    assert len(source.retrieve.series.metadata(STUDY).wait()) == 3


@pytest.mark.parametrize(
    ("static", "fault"),
    [(False, name) for name in FAULTS if name not in ("empty", "nothing", "instances without anything", "numbers")]
    + [(True, name) for name in ("403", "page", "cut", "not json", "bomb")],
)
def test_a_search_that_fails_says_so_and_shows_nothing_of_what_was_asked(
    archive, web, fault_proxy, caplog, fault, static
):
    server = archive
    proxy = fault_proxy(server.origin)
    proxy.add(FAULTS[fault], path="/(studies|series)($|[?])")
    source = web(proxy.url(server.root), max_bytes=1 << 20, static_wado=static)
    with caplog.at_level(logging.DEBUG):
        with pytest.raises(MetalithError) as caught:
            list(source.query.studies.search(patient_name=NAME, patient_id=PATIENT))
        with pytest.raises(MetalithError) as planned:
            source.retrieve.series.metadata(STUDY, filters={"PatientID": PATIENT}).wait()
    nothing_shows(caught.value, planned.value, caplog.text)
    assert "StudyDate" not in str(caught.value)
    assert source.metadata_store.study_instance_uids == []
    proxy.clear()
    assert len(source.retrieve.series.metadata(STUDY).wait()) == 3


def test_slow_servers_have_an_end(archive, web, fault_proxy):
    server = archive
    proxy = fault_proxy(server.origin)
    proxy.add(faults.delay(60), path=SERIES[0] + "/metadata")
    proxy.add(faults.trickle(0.05), path=SERIES[1] + "/metadata")
    source = web(proxy.url(server.root), timeout=0.4, total_timeout=1, retries=5)
    begun = time.monotonic()
    loading = source.retrieve.series.metadata(STUDY)
    assert [series.series_instance_uid for series in loading] == [SERIES[2]]
    assert {failure.series_instance_uid for failure in loading.failures} == set(SERIES[:2])
    assert time.monotonic() - begun < 8


@pytest.mark.parametrize("where", ["/series[?]", "/metadata"])
@pytest.mark.parametrize("how", ["cancel", "close", "from outside"])
def test_calling_off_does_not_wait_for_the_server(archive, web, fault_proxy, where, how):
    server = archive
    proxy = fault_proxy(server.origin)
    proxy.add(faults.delay(60), path=where)
    source, mine = web(proxy.url(server.root), timeout=60), Cancel()
    loading = source.retrieve.series.metadata(STUDY, cancel=mine)
    stop = {"cancel": loading.cancel, "close": source.close, "from outside": mine.cancel}[how]
    threading.Timer(0.2, stop).start()
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        loading.wait()
    assert time.monotonic() - begun < 5
    assert not len(source.metadata_store)
    assert loading.failures == []


def test_a_search_can_be_called_off(archive, web, fault_proxy):
    server = archive
    proxy = fault_proxy(server.origin)
    proxy.add(faults.delay(60), path="/studies")
    cancel = Cancel()
    threading.Timer(0.2, cancel.cancel).start()
    with pytest.raises(Cancelled):
        list(web(proxy.url(server.root), timeout=60).query.studies.search(cancel=cancel))


def test_the_token_goes_to_the_configured_origins_only(archive, web, fault_proxy, recorder):
    server = archive
    proxy = fault_proxy(server.origin)
    proxy.add(faults.redirect(302, recorder.origin), path=SERIES[0])
    source = web(proxy.url(server.root))
    loading = source.retrieve.series.metadata(STUDY)
    assert len(loading.wait()) == 2
    assert all(request.headers["authorization"] == f"Bearer {TOKEN}" for request in proxy.requests)
    assert recorder.requests
    assert recorder.credentials == []


# ---- servers that do it their own way ----


@pytest.mark.parametrize("empty", ["200", "204", "404"])
def test_nothing_found_is_an_empty_answer_however_it_is_said(qido, web, empty):
    source = web(qido(Habits(empty=empty)).root)
    results = source.query.studies.search(patient_id="nobody")
    assert list(results) == []
    assert bool(results.notes) == (empty == "404")
    assert list(source.query.series.search("1.2.3")) == []
    assert [row.study_instance_uid for row in source.query.studies.search()] == [STUDY]
    assert source.retrieve.series.metadata("1.2.3").wait() == []


def test_a_root_that_is_wrong_is_not_an_empty_archive(qido, web):
    source = web(qido().root + "/elsewhere")
    with pytest.raises(DataSourceError) as caught:
        list(source.query.studies.search())
    assert caught.value.status == 404


@pytest.mark.parametrize("level", ["series", "instances"])
def test_a_static_server_has_nothing_of_a_study_that_it_has_not(static_server, web, level):
    source = web(static_server.root, static_wado=True)
    assert list(getattr(source.query, level).search("1.2.3")) == []
    wrong = web(static_server.root + "/elsewhere", static_wado=True)
    with pytest.raises(DataSourceError):
        list(getattr(wrong.query, level).search("1.2.3"))


def test_part_of_the_results_under_206_is_followed_by_the_rest(qido, web, fault_proxy):
    items = [instance(f"1.9.{n}.1", 1, study=f"1.9.{n}") for n in range(7)]
    server = qido(items=items)
    proxy = fault_proxy(server.origin)

    def partly(request, forward):
        response = forward()
        return Response(206, response.whole(), response.headers) if b"0020000D" in response.whole() else response

    proxy.add(partly, path="/studies")
    source = web(proxy.url(server.root), query_limit=3)
    assert len(list(source.query.studies.search())) == 7


def test_summaries_without_uids_and_of_other_studies(serve, web):
    listed = [
        {"0020000E": element("UI", SERIES[0])},  # as Google has them
        {"0020000E": element("UI", SERIES[1]), "0020000D": element("UI", STUDY)},
        {"0020000E": element("UI", SERIES[1]), "0020000D": element("UI", STUDY)},
        {"0020000E": element("UI", "9.9"), "0020000D": element("UI", "9")},
        {"00080060": element("CS", "CT")},
        {"0020000E": {"vr": "UI"}},
    ]
    items = study()

    def answer(request):
        return [item for item in items if f"/{item['0020000E']['Value'][0]}/" in request.path]

    source = web(serve(Fixed({"/series": listed, "/metadata": answer})).root)
    loading = source.retrieve.series.metadata(STUDY)
    assert {series.series_instance_uid for series in loading} == set(SERIES[:2])
    assert loading.failures == []
    assert source.metadata_store.study_instance_uids == [STUDY]
    assert source.metadata_store.study(STUDY).is_loaded


@pytest.mark.parametrize("missing", [("0020000D",), ("0020000E",), ("0020000D", "0020000E")])
def test_instances_without_the_uids_of_what_was_asked_for_have_those(qido, web, fault_proxy, missing):
    server = qido()
    proxy = fault_proxy(server.origin)

    def strip(body):
        items = json.loads(body)
        for item in items[1:]:
            for tag in missing:
                del item[tag]
        return json.dumps(items).encode()

    proxy.add(faults.edited(strip), path="/metadata")
    source = web(proxy.url(server.root))
    assert {one.series_instance_uid: len(one) for one in source.retrieve.series.metadata(STUDY)} == dict.fromkeys(
        SERIES, 3
    )
    assert {one.StudyInstanceUID for one in source.metadata_store.series(SERIES[0])} == {STUDY}


def test_instances_of_other_series_are_left_out(qido, web, fault_proxy, caplog):
    server = qido()
    proxy = fault_proxy(server.origin)
    other = json.dumps([instance(SERIES[1], 1), instance(SERIES[0], 1), instance("9.1", 1, study="9")]).encode()
    proxy.add(faults.replaced(other), path=SERIES[0] + "/metadata")
    proxy.add(faults.replaced(json.dumps([instance("9.1", 1, study="9")]).encode()), path=SERIES[2] + "/metadata")
    source = web(proxy.url(server.root))
    loading = source.retrieve.series.metadata(STUDY)
    assert {one.series_instance_uid: len(one) for one in loading} == {SERIES[0]: 1, SERIES[1]: 3}
    assert [failure.series_instance_uid for failure in loading.failures] == [SERIES[2]]
    assert source.metadata_store.study_instance_uids == [STUDY]
    assert "2 of 3 instances" in caplog.text
    eager = web(proxy.url(server.root), enable_study_lazy_load=False)
    proxy.clear()
    mixed = json.dumps([*study(), instance("9.1", 1, study="9")]).encode()
    proxy.add(faults.replaced(mixed), path="/metadata")
    assert len(eager.retrieve.series.metadata(STUDY).wait()) == 3
    assert eager.metadata_store.study_instance_uids == [STUDY]


def test_an_instance_without_a_uid_of_its_own_fails_its_series(qido, web, fault_proxy):
    server = qido()
    proxy = fault_proxy(server.origin)
    proxy.add(faults.edited(lambda body: body.replace(b"00080018", b"00081199", 1)), path=SERIES[0] + "/metadata")
    loading = web(proxy.url(server.root)).retrieve.series.metadata(STUDY)
    assert len(loading.wait()) == 2
    assert re.search("instance 0 has no SOPInstanceUID", str(loading.failures[0]))


# ---- filters ----


@pytest.mark.parametrize("lazy", [True, False])
@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({"modality": "CT"}, [0]),
        ({"modality": ["CT", "MR"], "series_number": 2}, [1]),
        ({"body_part_examined": "KNEE"}, [1]),  # which the server says of no series unless it is asked
        ({"BodyPartExamined": "KN*"}, [1]),
        ({"seriesInstanceUID": SERIES[:2], "modality": "MR"}, [1]),
        ({"series_instance_uid": None}, [0, 1, 2]),
        ({"series_instance_uid": []}, []),
        ({}, [0, 1, 2]),
    ],
)
def test_filters_of_attributes(qido, web, lazy, filters, wanted):
    source = web(qido().root, enable_study_lazy_load=lazy)
    found = [series.series_instance_uid for series in source.retrieve.series.metadata(STUDY, filters=filters)]
    assert sorted(found) == [SERIES[n] for n in wanted]


def test_what_the_server_does_not_say_of_series_is_asked_of_their_instances(qido, web, fault_proxy):
    server = qido()
    proxy = fault_proxy(server.origin)

    def forgetful(body):
        return json.dumps([{tag: one[tag] for tag in one if tag != "00180015"} for one in json.loads(body)]).encode()

    proxy.add(faults.edited(forgetful), path="/series[?]")
    source = web(proxy.url(server.root))
    found = source.retrieve.series.metadata(STUDY, filters={"body_part_examined": "KNEE"}).wait()
    assert [series.series_instance_uid for series in found] == [SERIES[1]]


@pytest.mark.parametrize(
    "filters",
    [{"limit": 2}, {"offset": 1}, {"include_fields": "all"}, {"study_instance_uid": "9"}, {"series_instance_uid": 5}]
    + [{5: "x"}, ["CT"], {"series_instance_uid": [5]}],
)
def test_what_is_no_filter_is_named(qido, web, filters):
    with pytest.raises(ConfigurationError, match="filters"):
        web("http://localhost:1/none").retrieve.series.metadata(STUDY, filters=filters)


def test_an_order_that_names_something_else_is_refused_and_one_that_forgets_loses_nothing(qido, web, fault_proxy):
    server = qido()
    proxy = fault_proxy(server.origin)
    source = web(proxy.url(server.root), workers=1)
    with pytest.raises(ConfigurationError, match="sort"):
        source.retrieve.series.metadata(STUDY, sort=lambda several: [dict(one) for one in several]).wait()
    source.retrieve.series.metadata(STUDY, sort=lambda several: [several[2], several[2]]).wait()
    asked = [request.path.split("/")[-2] for request in proxy.requests if request.path.endswith("/metadata")]
    assert asked == [SERIES[2], SERIES[0], SERIES[1]]


# ---- what changes ----


@pytest.mark.parametrize("lazy", [True, False])
def test_a_study_that_grows_is_seen_when_that_is_wanted(qido, web, lazy):
    server = qido()
    source = web(server.root, enable_study_lazy_load=lazy)
    told = []
    source.metadata_store.subscribe(metalith.MetadataStore.INSTANCES_ADDED, told.append)
    assert len(source.retrieve.series.metadata(STUDY, made_in_client=True).wait()) == 3
    assert all(event.made_in_client for event in told)
    server.archive.instances_json += [instance(SERIES[0], 4), instance(f"{STUDY}.4", 1)]
    found = {series.series_instance_uid: len(series) for series in source.retrieve.series.metadata(STUDY)}
    assert found[SERIES[0]] == 3
    grown = source.retrieve.series.metadata(STUDY, refresh=True)
    assert {series.series_instance_uid: len(series) for series in grown} == {
        SERIES[0]: 4,
        SERIES[1]: 3,
        SERIES[2]: 3,
        f"{STUDY}.4": 1,
    }


def test_two_sources_and_one_store_know_their_own_fetching(qido, web):
    store = metalith.MetadataStore()
    servers = [qido(), qido(items=[*study(), instance(SERIES[0], 4)])]
    sources = [web(server.root) for server in servers]
    for source in sources:
        source.metadata_store = source._ingest._store = store
    sizes = [len(source.retrieve.series.metadata(STUDY, filters={"modality": "CT"}).wait()[0]) for source in sources]
    assert sizes == [3, 4]
    assert len(servers[1].requests) > 0


def test_series_go_and_come_back_while_others_are_loading(qido, web):
    source = web(qido().root, workers=2)
    store = metalith.MetadataStore(max_bytes=1)
    source.metadata_store = source._ingest._store = store
    for _ in range(3):
        for series in source.retrieve.series.metadata(STUDY):
            series.load()
            assert {one.SeriesInstanceUID for one in series.instances} <= {series.series_instance_uid}
    assert all(len(series.load()) == 3 for series in store.study(STUDY).series[-1:])


def test_instances_one_by_one_and_several_at_once(qido, web, fault_proxy):
    server = qido()
    proxy = fault_proxy(server.origin)
    source = web(proxy.url(server.root))
    uids = [f"{SERIES[0]}.{n}" for n in (3, 1, 3)]
    found = source.retrieve.instances.metadata(STUDY, SERIES[0], uids)
    assert [one.SOPInstanceUID for one in found] == uids
    assert len(proxy.requests) == 2
    assert source.retrieve.instances.metadata(STUDY, SERIES[0], uids[0]).InstanceNumber == 3
    with pytest.raises(DataSourceError):
        source.retrieve.instances.metadata(STUDY, SERIES[0], [f"{SERIES[0]}.2", "9.9.9"])
    assert source.metadata_store.instance(f"{SERIES[0]}.2") is not None
    assert source.retrieve.instances.metadata(STUDY, SERIES[0], []) == []
    assert len(source.retrieve.series.metadata(STUDY, filters={"modality": "CT"}).wait()[0]) == 3  # all the same


# ---- options ----


def test_the_configuration_that_is_in_force(web):
    def change(configuration, context):
        configuration["headers"]["X-Tenant"] = TOKEN
        return {**configuration, "friendlyName": "changed", "wadoRoot": "http://b/" + context["query"]}

    given = {"wadoRoot": "http://a", "onConfiguration": change, "headers": {"X-A": TOKEN}, "token": TOKEN}
    source = metalith.data_source("dicomweb", given)
    assert source.get_config()["wadoRoot"] == "http://a"
    for route in ("x", "y"):
        source.initialize(query=route)
        assert source.options.wado_root == f"http://b/{route}"
        assert (source.get_config()["wadoRoot"], source.get_config()["friendlyName"]) == (
            f"http://b/{route}",
            "changed",
        )
    assert given["headers"] == {"X-A": TOKEN}
    source.get_config()["wadoRoot"] = "http://c"
    assert source.get_config()["wadoRoot"] == "http://b/y"
    nothing_shows(source.get_config(), source.options, source)
    source.close()


@pytest.mark.parametrize("made", [None, 5, {"wadoRoot": "nowhere"}])
def test_a_configuration_that_cannot_be_leaves_the_other_in_force(made):
    source = metalith.data_source("dicomweb", {"wadoRoot": "http://a", "onConfiguration": lambda *_: made})
    with pytest.raises(ConfigurationError):
        source.initialize()
    assert source.options.wado_root == "http://a"
    assert source.get_config()["wadoRoot"] == "http://a"


def test_another_server_by_configuration_is_asked_anew(qido, web):
    first, second = qido(), qido(items=[*study(), instance(SERIES[0], 4)])
    roots = [first.root, second.root]
    source = web(first.root, on_configuration=lambda given, _: {**given, "wado_root": roots.pop(0)})
    for size in (3, 4):
        source.initialize()
        found = source.retrieve.series.metadata(STUDY, filters={"modality": "CT"}).wait()
        assert [len(series) for series in found] == [size]
