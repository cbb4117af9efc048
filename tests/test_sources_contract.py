"""What goes for every data source, shown with all five kinds and with one of one's own."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file
from servers.archive import dicom_json, read
from servers.files import FileServer
from servers.misbehaving import QidoServer

import metalith
from metalith import DataSource, DataSources
from metalith.errors import Cancelled, ConfigurationError, MetalithError, NotSupportedBySource
from metalith.sources.dicomjson.write import write_manifest
from metalith.sources.facade import FUNCTIONS

pytest_plugins = ["servers.fixtures"]

KINDS = ["dicomweb", "dicomweb, a study at once", "dicomjson", "dicomlocal", "dicomwebproxy", "merge", "custom"]
FILES = ["CT_small.dcm", "MR_small.dcm", "rtplan.dcm", "rtdose.dcm", "test-SR.dcm"]


@pytest.fixture(scope="module")
def files():
    return [Path(get_testdata_file(name)) for name in FILES]


@pytest.fixture(scope="module")
def archive(files):
    """What there is: studies, their series, and the instances of these."""
    found = {}
    for path in files:
        one = metalith.read(path)
        series = found.setdefault(one.StudyInstanceUID, {}).setdefault(one.SeriesInstanceUID, {})
        series[one.SOPInstanceUID] = one
    return found


@pytest.fixture(scope="module")
def server(files):
    with QidoServer([dicom_json(read(path, pixels=False)) for path in files]) as made:
        yield made


@pytest.fixture(params=KINDS)
def source(request, files, archive, server, tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with ExitStack() as stack:
        made = _made(request.param, files, archive, server, tmp_path, stack)
        stack.callback(made.close)
        yield made


def _made(kind, files, archive, server, tmp_path, stack):
    if kind.startswith("dicomweb,") or kind == "dicomweb":
        configuration = {"wado_root": server.root, "enable_study_lazy_load": kind == "dicomweb"}
        return metalith.data_source("dicomweb", configuration)
    if kind == "dicomwebproxy":
        path = tmp_path / "configuration.json"
        path.write_text(json.dumps({"servers": {"dicomWeb": [{"name": "x", "wadoRoot": server.root}]}}))
        url = stack.enter_context(FileServer({path.name: path}, media_type="application/json")).url(path.name)
        proxy = metalith.data_source("dicomwebproxy", {"url": url})
        proxy.initialize()
        return proxy
    if kind == "dicomlocal":
        local = metalith.data_source("dicomlocal")
        local.add(files)
        return local
    if kind == "dicomjson":
        path = tmp_path / "study.json"
        write_manifest(files, out=path, url_for=lambda one: f"dicomweb:https://files.example/{one.SOPInstanceUID}")
        return metalith.data_source("dicomjson", {"path": str(path)})
    if kind == "merge":
        sources = DataSources()
        sources.add({"source_name": "a", "namespace": "dicomlocal"}).add(files[:3])
        sources.add({"source_name": "b", "namespace": "dicomlocal"}).add(files[2:])
        return sources.make("merge", {"series_merge": {"data_source_names": ["a", "b"]}})

    def studies(**parameters):
        from metalith.sources.query import Query, StudyRow

        rows = [StudyRow.of(next(iter(next(iter(series.values())).values()))) for series in archive.values()]
        return Query.of("study", **parameters).matcher().filter(rows)

    def rows(study):
        for series in archive.get(study, {}).values():
            yield from series.values()

    return DataSource.create("custom", query={"studies": {"search": studies}}, retrieve={"series": {"metadata": rows}})


def test_every_study_is_found_loaded_told_of_and_answered_for(source, archive):
    metadata, told = metalith.MetadataProviders(), []
    source.provide(metadata)
    source.metadata_store.subscribe(metalith.MetadataStore.INSTANCES_ADDED, told.append)
    assert {row.study_instance_uid for row in source.query.studies.search()} == set(archive)
    for study, series in archive.items():
        loading = source.retrieve.series.metadata(study)
        found = {one.series_instance_uid: {each.SOPInstanceUID for each in one.instances} for one in loading}
        assert found == {uid: set(instances) for uid, instances in series.items()}
        assert loading.failures == []
        assert loading.done
        assert source.metadata_store.study(study).is_loaded
        for sop, instance in ((sop, one) for instances in series.values() for sop, one in instances.items()):
            known = source.metadata_store.instance(sop)
            for keyword in ("Rows", "Modality", "PatientID", "StudyDate", "PixelSpacing"):
                assert known.get(keyword) == instance.get(keyword), keyword
            ids = source.get_image_ids_for_display_set([known])
            assert len(ids) == len(set(ids)) == max(instance.get("NumberOfFrames") or 1, 1)
            for image_id in ids:
                assert metadata.get("instance", image_id).SOPInstanceUID == sop
                assert metadata.get("sopCommonModule", image_id).sop_instance_uid == sop
                assert metadata.get("Modality", image_id) == instance.Modality


def test_series_are_filtered_anew_each_time(source, archive):
    for study, series in archive.items():
        for uid in series:
            for name in ("series_instance_uid", "SeriesInstanceUIDs"):
                (found,) = source.retrieve.series.metadata(study, filters={name: [uid]})
                assert found.series_instance_uid == uid
        assert len(source.retrieve.series.metadata(study).wait()) == len(series)
        modalities = {next(iter(instances.values())).Modality for instances in series.values()}
        for modality in (*modalities, "PX"):
            found = source.retrieve.series.metadata(study, filters={"modality": modality}).wait()
            assert {one.Modality for one in found} == modalities & {modality}


def test_a_search_for_one_study_finds_it(source, archive):
    study = next(iter(archive))
    assert [row.study_instance_uid for row in source.query.studies.search(study_instance_uid=study)] == [study]
    assert list(source.query.studies.search(patient_id="nobody's")) == []
    with pytest.raises(ConfigurationError, match="patient_nam"):
        list(source.query.studies.search(patient_nam="x"))


def test_no_study_and_a_study_that_is_not_there(source):
    with pytest.raises(ConfigurationError, match="study_instance_uid"):
        source.retrieve.series.metadata("")
    try:
        loading = source.retrieve.series.metadata("1.2.3.4.5")
        assert loading.wait() == []
    except MetalithError:
        pass
    assert "1.2.3.4.5" not in source.metadata_store


def test_loading_can_be_called_off_and_done_again(source, archive):
    study = next(iter(archive))
    loading = source.retrieve.series.metadata(study)
    loading.cancel()
    with pytest.raises(Cancelled):
        loading.wait()
    assert not len(source.metadata_store) or source.kind == "dicomlocal"
    assert source.retrieve.series.metadata(study, refresh=True).wait()
    source.delete_study_metadata(study)
    source.close()
    assert source.retrieve.series.metadata(study).wait()


def test_jobs_have_results(source, archive):
    study = next(iter(archive))
    loading = source.retrieve.series.metadata(study)
    found = [series.series_instance_uid for job in loading.jobs for series in job.result(20)]
    assert set(found) == set(archive[study])
    assert loading.done


def test_progress_reaches_the_end(source, archive):
    study, told = next(iter(archive)), []
    source.retrieve.series.metadata(study, progress=told.append).wait()
    assert (told[-1].loaded, told[-1].failed) == (len(archive[study]), 0)
    assert told[-1].instances == sum(map(len, archive[study].values()))


def test_functions_are_there_or_say_that_they_are_not(source):
    for function in FUNCTIONS:
        called = source
        for part in function.split("."):
            called = getattr(called, part)
        assert callable(called)
        if not source.supports(function):
            with pytest.raises(NotSupportedBySource, match=re.escape(function)):
                called("1", "2", "3") if function == "retrieve.instances.metadata" else _call(called, function)
    with pytest.raises(NotSupportedBySource, match=r"retrieve\.nothing"):
        source.retrieve.nothing()


def _call(called, function):
    result = called("1", "2") if function == "reject.series" else called() if "search" in function else called("1")
    return list(result) if "search" in function else result


def test_routes_and_configurations(source):
    assert source.parse_route_params(None, "StudyInstanceUIDs=1.2,1.3&modality=CT")["filters"] == {"modality": "CT"}
    assert isinstance(source.get_config(), dict)
    assert source.name in repr(source)


async def _all_of(source, study):
    rows = await source.aio.query.studies.search()
    series = [one async for one in source.aio.retrieve.series.metadata(study)]
    return rows, series


def test_the_same_for_asyncio(source, archive):
    import asyncio

    study = next(iter(archive))
    rows, series = asyncio.run(_all_of(source, study))
    assert {row.study_instance_uid for row in rows} == set(archive)
    assert {one.series_instance_uid for one in series} == set(archive[study])
