"""The `dicomweb` source: searching and metadata, on real servers."""

from __future__ import annotations

import threading

import pytest
from servers import faults
from servers.archive import selection

import metalith
from metalith.errors import Cancelled, ConfigurationError, DataSourceError, NotSupportedBySource
from metalith.sources.dicomweb import DicomWebOptions

pytest_plugins = ["servers.fixtures"]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def web():
    """Makes sources, and closes them."""
    made = []

    def make(root, **options):
        source = metalith.data_source("dicomweb", {"wado_root": root, "timeout": 20, "backoff": 0.01, **options})
        made.append(source)
        return source

    yield make
    for source in made:
        source.close()


@pytest.fixture
def largest(orthanc_server):
    """The study with the most series, its series, and their instances."""
    studies = {}
    for one in orthanc_server.loaded:
        studies.setdefault(one.study, {}).setdefault(one.series, set()).add(one.instance)
    study = max(studies, key=lambda uid: (len(studies[uid]), sum(map(len, studies[uid].values()))))
    return study, studies[study]


def uids_of(series):
    return {instance.SOPInstanceUID for instance in series.instances}


# ---- searching ----


def test_all_studies_are_found(orthanc_server, web):
    results = web(orthanc_server.root).query.studies.search()
    rows = list(results)
    assert {row.study_instance_uid for row in rows} == {one.study for one in orthanc_server.loaded}
    assert results.complete
    assert not results.notes
    assert all(row.instances > 0 for row in rows)


def test_pages_are_fetched_as_they_are_wanted(orthanc_server, fault_proxy, web):
    proxy = fault_proxy(orthanc_server.origin)
    source = web(proxy.url(orthanc_server.root), query_limit=5)
    results = source.query.studies.search()
    next(results)
    assert len(proxy.requests) == 1
    rest = list(results)
    assert len(rest) == len({one.study for one in orthanc_server.loaded}) - 1
    assert len(proxy.requests) > 3


@pytest.mark.parametrize("habits", [{"ignore_offset": True}, {"cap": 4}, {"repeat_last": True}, {"overlap": 2}])
def test_servers_that_page_badly_neither_loop_nor_stop_short(qido_server, selection_json, web, habits):
    from servers.misbehaving import Habits

    server = qido_server(Habits(**habits))
    results = web(server.root, query_limit=5).query.studies.search()
    found = [row.study_instance_uid for row in results]
    assert len(found) == len(set(found)) == len({one["0020000D"]["Value"][0] for one in selection_json})


def test_series_come_in_their_order_with_numbers_that_are_numbers(orthanc_server, web, largest):
    study, series = largest
    rows = list(web(orthanc_server.root).query.series.search(study))
    assert {row.series_instance_uid for row in rows} == set(series)
    numbers = [row.series_number for row in rows if row.modality not in ("SR", "SEG") and row.series_number is not None]
    assert numbers == sorted(numbers)
    assert {row.series_instance_uid: row.instances for row in rows} == {
        uid: len(those) for uid, those in series.items()
    }


def test_instances_of_a_study_and_of_a_series(orthanc_server, web, largest):
    study, series = largest
    source = web(orthanc_server.root)
    assert {row.sop_instance_uid for row in source.query.instances.search(study)} == set().union(*series.values())
    uid, members = next(iter(series.items()))
    assert {row.sop_instance_uid for row in source.query.instances.search(study, uid)} == members


def test_an_unknown_parameter_is_named(orthanc_server, web):
    with pytest.raises(ConfigurationError, match="patient_nam"):
        web(orthanc_server.root).query.studies.search(patient_nam="DOE")


def test_a_server_of_files_answers_as_one_that_can_search(orthanc_server, static_server, web):
    static, qido = web(static_server.root, static_wado=True), web(orthanc_server.root)
    for parameters in ({}, {"modalities_in_study": ["MR"]}, {"patient_id": "*1*"}, {"study_date": "20010101-20031231"}):
        here = {row.study_instance_uid for row in static.query.studies.search(**parameters)}
        there = {row.study_instance_uid for row in qido.query.studies.search(**parameters)}
        assert here == there, parameters
    study = next(row.study_instance_uid for row in static.query.studies.search(modalities_in_study="MR"))
    assert [row.series_instance_uid for row in static.query.series.search(study)] == [
        row.series_instance_uid for row in qido.query.series.search(study)
    ]
    assert {row.sop_instance_uid for row in static.query.instances.search(study)} == {
        row.sop_instance_uid for row in qido.query.instances.search(study)
    }
    assert len(list(static.query.studies.search(limit=2, offset=1))) == 2


def test_each_service_has_its_root(orthanc_server, fault_proxy, web, largest):
    study, _ = largest
    qido, wado = fault_proxy(orthanc_server.origin), fault_proxy(orthanc_server.origin)
    source = web(wado.url(orthanc_server.root), qido_root=qido.url(orthanc_server.root))
    source.retrieve.series.metadata(study).wait()
    assert {request.path.rpartition("/")[2] for request in qido.requests} == {"series"}
    assert {request.path.rpartition("/")[2] for request in wado.requests} == {"metadata"}


# ---- metadata ----


@pytest.mark.parametrize("lazy", [True, False])
def test_a_study_arrives_in_the_store(orthanc_server, web, largest, lazy):
    study, series = largest
    source = web(orthanc_server.root, enable_study_lazy_load=lazy)
    told = []
    source.metadata_store.subscribe(metalith.MetadataStore.INSTANCES_ADDED, told.append)
    loading = source.retrieve.series.metadata(study)
    assert {one.series_instance_uid: uids_of(one) for one in loading} == series
    assert not loading.failures
    assert source.metadata_store.study(study).is_loaded
    assert {event.series_instance_uid for event in told} == set(series)


def test_what_arrives_is_what_the_files_say(orthanc_server, web):
    source = web(orthanc_server.root)
    compared = 0
    for one in orthanc_server.loaded:
        if source.metadata_store.study(one.study) is None:
            source.retrieve.series.metadata(one.study, on_error="raise").wait()
        sent, read = source.metadata_store.instance(one.instance), metalith.read(one.path)
        for keyword in ("Rows", "PixelSpacing", "ImagePositionPatient", "SOPClassUID", "PatientID", "StudyDate"):
            assert sent.get(keyword) == read.get(keyword), (one.path, keyword)
            compared += keyword in read
    assert compared > 200


def test_images_are_answered_for_by_their_ids(orthanc_server, web, largest):
    study, _ = largest
    source, metadata = web(orthanc_server.root), metalith.MetadataProviders()
    source.provide(metadata)
    for series in source.retrieve.series.metadata(study):
        for instance, image_id in zip(series.instances, source.get_image_ids_for_display_set(series), strict=True):
            assert metadata.get("sopCommonModule", image_id).sop_instance_uid == instance.SOPInstanceUID
            assert metadata.get("instance", image_id).SOPInstanceUID == instance.SOPInstanceUID


def test_frames_have_ids_of_their_own(orthanc_server, web):
    one = next(one for one in orthanc_server.loaded if metalith.read(one.path).get("NumberOfFrames", 1) > 1)
    source = web(orthanc_server.root)
    instance = source.retrieve.instances.metadata(one.study, one.series, one.instance)
    ids = source.get_image_ids_for_display_set([instance])
    assert len(ids) == instance.NumberOfFrames
    assert ids[1].endswith(f"/instances/{one.instance}/frames/2")
    wadouri = web(orthanc_server.root, image_rendering="wadouri", wado_uri_root=orthanc_server.wado_uri_root)
    image_id = wadouri.get_image_ids_for_instance(instance, 2)
    assert image_id.startswith(f"dicomweb:{orthanc_server.wado_uri_root}?requestType=WADO&studyUID={one.study}")
    assert image_id.endswith("&frame=2")
    source.metadata_store.add_instances(instance)
    assert source.metadata_store.instance_by_image_id(image_id).SOPInstanceUID == one.instance


@pytest.mark.parametrize("name", ["series_instance_uid", "SeriesInstanceUIDs", "seriesInstanceUID"])
def test_series_are_filtered_by_uid(orthanc_server, fault_proxy, web, largest, name):
    study, series = largest
    proxy = fault_proxy(orthanc_server.origin)
    wanted = list(series)[:2]
    found = web(proxy.url(orthanc_server.root)).retrieve.series.metadata(study, filters={name: ",".join(wanted)}).wait()
    assert {one.series_instance_uid for one in found} == set(wanted)
    assert len(proxy.requests) == len(wanted)


@pytest.mark.parametrize("lazy", [True, False])
def test_series_are_filtered_by_attributes(orthanc_server, web, lazy):
    study = next(one.study for one in orthanc_server.loaded if metalith.read(one.path).get("Modality") == "MR")
    source = web(orthanc_server.root, enable_study_lazy_load=lazy)
    assert {s.Modality for s in source.retrieve.series.metadata(study, filters={"modality": "MR"})} == {"MR"}
    assert source.retrieve.series.metadata(study, filters={"modality": "PX"}).wait() == []


def test_a_filter_is_not_remembered(orthanc_server, web, largest):
    study, series = largest
    source = web(orthanc_server.root)
    for uid in list(series)[:2]:
        (found,) = source.retrieve.series.metadata(study, filters={"series_instance_uid": uid})
        assert found.series_instance_uid == uid
    assert len(source.retrieve.series.metadata(study).wait()) == len(series)


def test_a_series_that_is_missing_fails_alone_and_is_asked_for_again(orthanc_server, fault_proxy, web, largest):
    study, series = largest
    proxy = fault_proxy(orthanc_server.origin)
    source = web(proxy.url(orthanc_server.root))
    filters = {"series_instance_uid": ["1.2.3.4.5", next(iter(series))]}
    for _ in range(2):
        loading = source.retrieve.series.metadata(study, filters=filters)
        assert len(loading.wait()) == 1
        (failure,) = loading.failures
        assert failure.series_instance_uid == "1.2.3.4.5"
        assert isinstance(failure.error, DataSourceError)
    asked = [request.path for request in proxy.requests]
    assert sum("1.2.3.4.5" in path for path in asked) == 2  # failures are not kept
    assert len(asked) == 3  # what was fetched is
    with pytest.raises(DataSourceError):
        source.retrieve.series.metadata(study, filters=filters, on_error="raise").wait()


def test_what_was_fetched_is_fetched_again_when_that_is_wanted(orthanc_server, fault_proxy, web, largest):
    study, series = largest
    proxy = fault_proxy(orthanc_server.origin)
    source = web(proxy.url(orthanc_server.root))

    def requests(**options):
        proxy.clear()
        assert len(source.retrieve.series.metadata(study, **options).wait()) == len(series)
        return sum(request.path.endswith("/metadata") for request in proxy.requests)

    assert requests() == len(series)
    assert requests() == 0
    assert requests(refresh=True) == len(series)
    source.delete_study_metadata(study)
    assert requests() == len(series)
    source.delete_study_metadata(study[:-1])  # another study
    assert requests() == 0


def test_two_who_want_the_same_get_it_by_one_request(orthanc_server, fault_proxy, web, largest):
    study, series = largest
    proxy = fault_proxy(orthanc_server.origin)
    proxy.add(faults.delay(0.3), path="metadata")
    source = web(proxy.url(orthanc_server.root), workers=32)
    uid = next(iter(series))
    found = []

    def ask():
        found.extend(source.retrieve.series.metadata(study, filters={"series_instance_uid": uid}).wait())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(proxy.requests) == 1


def test_no_more_series_at_once_than_there_are_workers(orthanc_server, fault_proxy, web, largest):
    study, series = largest
    proxy = fault_proxy(orthanc_server.origin)
    proxy.add(faults.delay(0.1), path="metadata")
    source = web(proxy.url(orthanc_server.root), workers=2)
    assert len(source.retrieve.series.metadata(study).wait()) == len(series) > 2
    assert proxy.most_in_flight == 2


def test_loading_stops_when_it_is_called_off(orthanc_server, fault_proxy, web, largest):
    study, _ = largest
    proxy = fault_proxy(orthanc_server.origin)
    proxy.add(faults.delay(30), path="metadata")
    source = web(proxy.url(orthanc_server.root), workers=1)
    loading = source.retrieve.series.metadata(study).start()
    threading.Timer(0.3, loading.cancel).start()
    with pytest.raises(Cancelled):
        loading.wait()
    assert not len(source.metadata_store)


def test_who_leaves_the_loop_does_not_want_the_rest(orthanc_server, fault_proxy, web, largest):
    study, series = largest
    proxy = fault_proxy(orthanc_server.origin)
    proxy.add(faults.delay(0.2), path="metadata")
    source = web(proxy.url(orthanc_server.root), workers=1)
    loading = source.retrieve.series.metadata(study)
    for _ in loading:
        break
    assert loading._ended.wait(10)
    assert sum(request.path.endswith("/metadata") for request in proxy.requests) < len(series)


def test_progress_counts_to_the_end(orthanc_server, web, largest):
    study, series = largest
    told = []
    web(orthanc_server.root).retrieve.series.metadata(study, progress=told.append).wait()
    assert [now.loaded for now in told] == list(range(1, len(series) + 1))
    assert told[-1].instances == sum(map(len, series.values()))


def test_the_order_of_fetching_is_the_callers(orthanc_server, fault_proxy, web, largest):
    study, _ = largest
    proxy = fault_proxy(orthanc_server.origin)
    source = web(proxy.url(orthanc_server.root), workers=1)
    order = []

    def backwards(summaries):
        order.extend(sorted((one["SeriesInstanceUID"] for one in summaries), reverse=True))
        return sorted(summaries, key=lambda one: one["SeriesInstanceUID"], reverse=True)

    source.retrieve.series.metadata(study, sort=backwards).wait()
    asked = [
        request.path.split("/series/")[1].split("/")[0] for request in proxy.requests if "/series/" in request.path
    ]
    assert asked == order


def test_series_that_had_to_go_come_back(orthanc_server, web, largest):
    study, series = largest
    source = web(orthanc_server.root)
    source.metadata_store = metalith.MetadataStore(max_bytes=1, loader=source.reload_series)
    source._ingest._store = source.metadata_store
    source.retrieve.series.metadata(study).wait()
    gone = [one for one in source.metadata_store.study(study).series if one.is_evicted]
    assert gone
    assert uids_of(gone[0].load()) == series[gone[0].series_instance_uid]


# ---- things that go wrong ----


def test_errors_show_neither_tokens_nor_what_was_searched_for(fault_proxy, orthanc_server, web):
    proxy = fault_proxy(orthanc_server.origin)
    proxy.add(faults.status(403))
    source = web(proxy.url(orthanc_server.root), token="s3cret")
    with pytest.raises(DataSourceError) as caught:
        list(source.query.studies.search(patient_name="Doe"))
    assert caught.value.status == 403
    assert "Doe" not in str(caught.value)
    assert "s3cret" not in f"{caught.value!r}{source!r}{source.options!r}{source.get_config()}"


def test_an_overloaded_server_is_asked_again(fault_proxy, orthanc_server, web, largest):
    study, series = largest
    proxy = fault_proxy(orthanc_server.origin)
    proxy.add(faults.status(503), path="metadata", times=2)
    loading = web(proxy.url(orthanc_server.root)).retrieve.series.metadata(study)
    assert len(loading.wait()) == len(series)


def test_functions_that_the_server_lacks(orthanc_server, web, largest):
    source = web(orthanc_server.root)
    assert not source.supports("reject.series")
    assert source.supports("store.dicom")
    with pytest.raises(NotSupportedBySource, match=r"'dicomweb' has no reject\.series"):
        source.reject.series("1", "2")
    with pytest.raises(NotSupportedBySource, match=r"reject\.series"):
        web(orthanc_server.root, supports_reject=True).reject.series(largest[0], next(iter(largest[1])))


def test_stow_and_then_fetch(make_orthanc, web):
    server = make_orthanc()
    source = web(server.root)
    files = [path for path in selection() if "MR" in str(path)][:3]
    result = source.store.dicom(files)
    assert not result.failures
    stored = {row.study_instance_uid for row in source.query.studies.search()}
    assert stored == {metalith.read(path).StudyInstanceUID for path in files}


# ---- options ----


def test_one_root_stands_for_all():
    options = DicomWebOptions.of({"qidoRoot": "http://a/q/"}, "x")
    assert (options.qido_root, options.wado_root, options.stow_root) == ("http://a/q",) * 3
    options = DicomWebOptions.of({"qidoRoot": "http://a/q", "wadoRoot": "http://a/w"}, "x")
    assert options.stow_root == "http://a/w"


def test_an_ohif_configuration_is_read_as_it_is():
    options = DicomWebOptions.of(
        {
            "friendlyName": "AWS",
            "name": "aws",
            "wadoUriRoot": "https://h/dicomweb",
            "qidoRoot": "https://h/dicomweb",
            "wadoRoot": "https://h/dicomweb",
            "qidoSupportsIncludeField": False,
            "imageRendering": "wadors",
            "thumbnailRendering": "wadors",
            "enableStudyLazyLoad": True,
            "supportsFuzzyMatching": True,
            "supportsWildcard": False,
            "staticWado": True,
            "singlepart": "bulkdata,video",
            "bulkDataURI": {"enabled": True, "relativeResolution": "studies"},
            "omitQuotationForMultipartRequest": True,
            "acceptHeader": ["multipart/related; type=image/jls"],
            "requestTransferSyntaxUID": "*",
            "dicomUploadEnabled": True,
        },
        "aws",
    )
    assert options.static_wado
    assert options.supports_fuzzy_matching
    assert options.bulk_data_uri.relative_resolution == "studies"
    assert options.accept_header == ("multipart/related; type=image/jls",) or list(options.accept_header)


@pytest.mark.parametrize(
    ("configuration", "named"),
    [
        ({}, "wadoRoot"),
        ({"wadoRoot": "ftp://a"}, "wadoRoot"),
        ({"wadoRoot": "http://user:pw@a"}, "wadoRoot"),
        ({"wadoRoot": "http://a", "wado_root": "http://b"}, "twice"),
        ({"wadoRoot": "http://a", "supportsFuzyMatching": True}, "supportsFuzzyMatching"),
        ({"wadoRoot": "http://a", "supportsWildcard": "yes"}, "supportsWildcard"),
        ({"wadoRoot": "http://a", "singlepart": "vidio"}, "singlepart"),
        ({"wadoRoot": "http://a", "imageRendering": "wadouri"}, "wadoUriRoot"),
        ({"wadoRoot": "http://a", "bulkDataURI": {"relativeResolution": "study"}}, "relativeResolution"),
        ({"wadoRoot": "http://a", "workers": 0}, "workers"),
        ({"wadoRoot": "http://a", "queryLimit": -1}, "queryLimit"),
    ],
)
def test_impossible_options_are_named(configuration, named):
    with pytest.raises(ConfigurationError, match=named) as caught:
        metalith.data_source("dicomweb", configuration)
    assert "pw" not in str(caught.value)


def test_on_configuration_starts_from_what_was_configured_each_time():
    seen = []

    def change(configuration, context):
        seen.append((configuration["wado_root"], context["query"]))
        return {**configuration, "wado_root": configuration["wado_root"] + "/tenant"}

    source = metalith.data_source("dicomweb", {"wado_root": "http://a", "on_configuration": change})
    for _ in range(2):
        source.initialize(query={"a": "b"})
        assert source.options.wado_root == "http://a/tenant"
    assert seen == [("http://a", {"a": "b"})] * 2
    source.close()


def test_what_many_servers_do_not_know_is_noted(orthanc_server, web):
    results = web(orthanc_server.root).query.studies.search(patient_id=["98890234", "77654033"])
    list(results)
    assert "several values" in results.notes[0]
    assert results.complete is None


def test_wild_cards_reach_servers_that_know_them_only_as_they_are(orthanc_server, web):
    source = web(orthanc_server.root)
    assert len(list(source.query.studies.search(PatientName="Doe?Peter"))) == 4
    assert len(list(source.query.studies.search(PatientName="Doe*"))) == 6
