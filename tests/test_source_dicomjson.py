"""Manifests as a data source: what of them comes into the store, is found, and resolves."""

from __future__ import annotations

import io
import json
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

import metalith
from metalith.errors import Cancelled, ConfigurationError, DataSourceError, NotSupportedBySource, ParseError
from metalith.sources._cancel import Cancel
from metalith.sources.dicomjson import DicomJsonSource


def entry(uid: str, url: str | None = "dicomweb:https://host/{}.dcm", **metadata: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"metadata": {"SOPInstanceUID": uid, "Rows": 4, **metadata}}
    return made if url is None else {**made, "url": url.format(uid)}


def series(uid: str, *instances: Any, **attributes: Any) -> dict[str, Any]:
    return {"SeriesInstanceUID": uid, **attributes, "instances": list(instances)}


def study(uid: str, *several: Any, **attributes: Any) -> dict[str, Any]:
    return {"StudyInstanceUID": uid, **attributes, "series": list(several)}


def source_of(*studies: Any, **options: Any) -> DicomJsonSource:
    return DicomJsonSource("manifest", {"manifest": {"studies": list(studies)}, **options})


def loaded(*studies: Any, **options: Any) -> DicomJsonSource:
    source = source_of(*studies, **options)
    for uid in source.get_study_instance_uids():
        loading = source.retrieve.series.metadata(uid)
        loading.wait()
        assert loading.failures == []
    return source


EXAMPLE = study(
    "1.2.9.1",
    series("1.2.9.1.5", entry("1.2.9.1.5.1", InstanceNumber=1), entry("1.2.9.1.5.2", InstanceNumber=2), SeriesNumber=5,
           Modality="MR", SeriesDescription="T1"),
    series("1.2.9.1.6", entry("1.2.9.1.6.1"), SeriesNumber=6, Modality="CT"),
    PatientID="P-77", PatientName="ROE^ANA", StudyDate="20240305", StudyTime="101500", AccessionNumber="A9",
    StudyDescription="Demo", NumInstances=3, Modalities="MR",
)  # fmt: skip
OTHER = study("1.2.9.2", series("1.2.9.2.1", entry("1.2.9.2.1.1")), PatientName="DOE^JOHN", PatientID="P-78")


# ---- reading ----


def given_as(kind: str, folder: Path) -> Any:
    manifest = {"studies": [EXAMPLE, OTHER]}
    text = json.dumps(manifest, indent=1).encode()
    path = folder / "study.json"
    path.write_bytes(text)
    forms = {
        "mapping": manifest,
        "bytes": text,
        "bytearray": bytearray(text),
        "file": io.BytesIO(text),
        "text file": io.StringIO(text.decode()),
        "path": path,
        "path as text": str(path),
        "with BOM": b"\xef\xbb\xbf" + text,
    }
    return forms[kind]


@pytest.mark.parametrize(
    "kind", ["mapping", "bytes", "bytearray", "file", "text file", "path", "path as text", "with BOM"]
)
def test_read_takes_manifests_of_all_kinds(kind: str, tmp_path: Path) -> None:
    source = DicomJsonSource()
    assert source.read(given_as(kind, tmp_path)) == ["1.2.9.1", "1.2.9.2"]
    assert sorted(len(one) for one in source.retrieve.series.metadata("1.2.9.1").wait()) == [1, 2]
    assert source.metadata_store.instance("1.2.9.1.5.2").PatientName.family_name == "ROE"


def test_what_is_configured_is_read_at_first_use(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    source = DicomJsonSource("files", {"path": str(path)})
    with pytest.raises(FileNotFoundError):
        source.query.studies.search()
    path.write_text(json.dumps({"studies": [OTHER]}))
    assert [row.study_instance_uid for row in source.query.studies.search()] == ["1.2.9.2"]
    source.initialize()
    assert source.get_study_instance_uids() == ["1.2.9.2"]


def test_nothing_configured_and_nothing_named() -> None:
    with pytest.raises(ConfigurationError, match=r"^url is missing"):
        DicomJsonSource().initialize(query={})
    assert DicomJsonSource().query.studies.search() == []


def test_a_file_that_changed_is_told_until_it_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    path.write_text(json.dumps({"studies": [EXAMPLE]}))
    source = DicomJsonSource()
    source.read(path)
    path.write_text(json.dumps({"studies": [study("1.2.9.1", series("7", entry("7.1")), PatientName="NEW^NAME")]}))
    loading = source.retrieve.series.metadata("1.2.9.1")
    assert loading.wait() == []
    assert [str(failure.error) for failure in loading.failures] == [
        "the manifest's file has changed: read it again"
    ] * 2
    assert [one.series_instance_uid for one in source.retrieve.series.metadata("1.2.9.1", refresh=True).wait()] == ["7"]
    assert source.metadata_store.instance("7.1").PatientName == "NEW^NAME"
    path.unlink()
    with pytest.raises(FileNotFoundError):
        source.read(path, refresh=True)
    assert source.read(path) == ["1.2.9.1"]  # what was read is still there


def test_a_manifest_is_read_once_by_many_threads(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    path.write_text(json.dumps({"studies": [EXAMPLE]}))
    source = DicomJsonSource("one", {"path": str(path)})
    barrier, found = threading.Barrier(6), []

    def run() -> None:
        barrier.wait()
        found.append(source.studies[0][0])
        source.retrieve.series.metadata("1.2.9.1").wait()

    threads = [threading.Thread(target=run) for _ in range(6)]
    [one.start() for one in threads]
    [one.join() for one in threads]
    assert len(set(map(id, found))) == 1
    assert len(source.metadata_store) == 3


def test_get_study_instance_uids() -> None:
    source = source_of(EXAMPLE, OTHER)
    assert source.get_study_instance_uids() == ["1.2.9.1", "1.2.9.2"]
    assert source.get_study_instance_uids(query="StudyInstanceUIDs=1.2.9.2,5") == ["1.2.9.2"]
    source.read({"studies": [study("3")]})
    assert source.get_study_instance_uids() == ["1.2.9.1", "1.2.9.2", "3"]


# ---- attributes ----


def test_study_and_series_fill_in_what_instances_lack_and_no_more() -> None:
    own = entry("1", Modality="OT", PatientID="own", StudyInstanceUID="elsewhere", SeriesDescription=None)
    source = loaded(study("S", series("S.1", own, entry("2"), Modality="MR", SeriesDescription="T1"), PatientID="P"))
    first, second = source.metadata_store.series("S.1").instances
    assert (first.Modality, first.PatientID, first.SeriesDescription) == ("OT", "own", None)
    assert (second.Modality, second.PatientID, second.SeriesDescription) == ("MR", "P", "T1")
    assert first.StudyInstanceUID == second.StudyInstanceUID == "S"


def test_bookkeeping_of_the_manifest_is_no_attribute_of_instances() -> None:
    given = {"NumInstances": 9, "Modalities": "CT/MR", "ModalitiesInStudy": ["CT"], "NumberOfStudyRelatedInstances": 9}
    source = loaded(study("S", series("S.1", entry("1"), NumberOfSeriesRelatedInstances=9), **given))
    instance = source.metadata_store.instance("1")
    assert sorted(instance) == ["Rows", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"]
    assert source.get("NumInstances", "dicomweb:https://host/1.dcm") is None


def test_names_of_the_viewers_own_are_answered_by_providers() -> None:
    metadata = metalith.MetadataProviders()
    one = {**entry("1", colour="red", Rows=8), "note": {"a": [1]}}
    source = loaded(study("S", series("S.1", one, entry("2"), project="x"), site=7))
    source.provide(metadata)
    first, second = "dicomweb:https://host/1.dcm", "dicomweb:https://host/2.dcm"
    assert [metadata.get(name, first) for name in ("colour", "note", "project", "site", "Rows")] == [
        "red", {"a": [1]}, "x", 7, 8,
    ]  # fmt: skip
    assert [metadata.get(name, second) for name in ("colour", "project")] == [None, "x"]


def test_the_series_number_of_frames_goes_to_an_only_instance_that_has_none() -> None:
    source = loaded(
        study(
            "S",
            series("S.1", entry("1"), NumberOfFrames=3),
            series("S.2", entry("2", NumberOfFrames=2), NumberOfFrames=3),
            series("S.3", entry("3"), entry("4"), NumberOfFrames=3),
        )
    )
    frames = {uid: source.metadata_store.instance(uid).get("NumberOfFrames") for uid in "1234"}
    assert frames == {"1": 3, "2": 2, "3": None, "4": None}
    assert source.image_ids_of(source.metadata_store.instance("1"))[2] == "dicomweb:https://host/1.dcm?frame=3"


def test_a_study_or_series_that_comes_twice_is_one() -> None:
    source = loaded(
        study("S", series("S.1", entry("1"))), study("S", series("S.1", entry("2")), series("S.2", entry("3")))
    )
    assert source.get_study_instance_uids() == ["S"]
    assert {one.series_instance_uid: len(one) for one in source.metadata_store.study("S").series} == {
        "S.1": 2,
        "S.2": 1,
    }


# ---- frames and image ids ----


def resolved(source: DicomJsonSource, uid: str) -> list[str]:
    instance = source.metadata_store.instance(uid)
    ids = source.get_image_ids_for_display_set({"images": [instance]})
    for image_id in ids:
        assert source.metadata_store.instance_by_image_id(image_id).SOPInstanceUID == uid
    return ids


@pytest.mark.parametrize("base", [0, 1])
def test_an_entry_for_each_frame_is_one_instance(base: int) -> None:
    url = "dicomweb:https://host/m.dcm?frame="
    entries = [entry("1", f"{url}{k + base}", NumberOfFrames=3, ImageComments=f"{k}") for k in (1, 0, 2)]
    source = loaded(study("S", series("S.1", *entries, entry("2"))))
    assert resolved(source, "1") == [f"{url}{frame}" for frame in (1, 2, 3)]
    instance = source.metadata_store.instance("1")
    assert instance.ImageComments == "1"  # the first entry's
    assert source.get_image_ids_for_instance(instance, 2) == f"{url}2"
    assert [source.url_of(instance, frame) for frame in (1, 3)] == [f"{url}{base}", f"{url}{base + 2}"]
    metadata = metalith.MetadataProviders()
    source.provide(metadata)
    assert metadata.get("instance", f"{url}3").ImageComments == "1"
    assert metadata.get("frameModule", f"{url}3").frame_number == 3


def test_frames_that_nothing_counts_are_counted() -> None:
    urls = [f"dicomweb:https://host/m.dcm?a=b&frame={k}" for k in (1, 2, 3)]
    source = loaded(study("S", series("S.1", *[entry("1", url) for url in urls])))
    assert source.metadata_store.instance("1").NumberOfFrames == 3
    assert resolved(source, "1") == urls


def test_frames_whose_urls_do_not_number_them() -> None:
    urls = [f"dicomweb:https://host/{letter}.dcm" for letter in "xyz"]
    source = loaded(study("S", series("S.1", *[entry("1", url, NumberOfFrames="3") for url in urls])))
    assert resolved(source, "1") == urls
    assert source.problems == []


def test_one_entry_with_a_number_of_frames() -> None:
    source = loaded(
        study("S", series("S.1", entry("1", "dicomweb:https://host/m.dcm?frame=0", NumberOfFrames=2), entry("2")))
    )
    assert resolved(source, "1") == [f"dicomweb:https://host/m.dcm?frame={k}" for k in (1, 2)]
    assert source.url_of(source.metadata_store.instance("1"), 2) == "dicomweb:https://host/m.dcm?frame=1"


def test_frame_base_can_be_told() -> None:
    entries = [entry("1", f"dicomweb:https://host/m.dcm?frame={k}", NumberOfFrames=3) for k in (1, 2)]
    source = loaded(study("S", series("S.1", *entries)), frameBase=0)
    assert resolved(source, "1")[1:] == [f"dicomweb:https://host/m.dcm?frame={k}" for k in (2, 3)]
    zero = study("S", series("S.1", entry("1", "dicomweb:https://host/m.dcm?frame=0"), entry("2")))
    source = loaded(zero, frameBase=1)
    assert "frame 0" in str(source.problems[0])
    assert "1" not in source.metadata_store
    assert "2" in source.metadata_store


def test_frames_of_one_file_that_are_instances_of_their_own() -> None:
    entries = [entry(str(k), f"dicomweb:https://host/m.dcm?frame={k}") for k in (1, 2, 3)]
    source = loaded(study("S", series("S.1", *entries)))
    assert [resolved(source, str(k)) for k in (1, 2, 3)] == [
        [f"dicomweb:https://host/m.dcm?frame={k}"] for k in (1, 2, 3)
    ]


def test_instances_that_come_twice() -> None:
    source = loaded(study("S", series("S.1", entry("1", ImageComments="a"), entry("1", ImageComments="b"))))
    assert source.metadata_store.instance("1").ImageComments == "a"
    assert [problem.path for problem in source.problems] == [
        "studies[0].series[0].instances[1].metadata.SOPInstanceUID"
    ]


TYPES = "&contentType=application/dicom&transferSyntax=*"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"wadoRoot": "https://w/rs"}, "wadors:https://w/rs/studies/S/series/S.1/instances/1/frames/1"),
        (
            {"wadoUriRoot": "https://w/uri"},
            f"wadouri:https://w/uri?requestType=WADO&studyUID=S&seriesUID=S.1&objectUID=1{TYPES}",
        ),
        (
            {"wadoUriRoot": "https://w/uri", "wadoRoot": "https://w/rs", "imageRendering": "wadors"},
            "wadors:https://w/rs/studies/S/series/S.1/instances/1/frames/1",
        ),
        ({}, "wadors:metalith://manifest/studies/S/series/S.1/instances/1"),
    ],
)
def test_instances_without_url(options: dict[str, str], expected: str) -> None:
    source = loaded(study("S", series("S.1", entry("1", None))), **options)
    assert resolved(source, "1") == [expected]


# ---- searching ----


def test_rows_of_studies() -> None:
    (row,) = source_of(EXAMPLE).query.studies.search()
    assert row.to_ohif() | {"patientName": row["PatientName"]} == {
        "studyInstanceUid": "1.2.9.1", "date": "20240305", "time": "101500", "accession": "A9", "mrn": "P-77",
        "patientName": "ROE^ANA", "patientBirthDate": "", "instances": 3, "description": "Demo", "modalities": "MR\\CT",
        "referringPhysicianName": "",
    }  # fmt: skip
    assert "ROE" not in repr(row)


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({}, ["1.2.9.1", "1.2.9.2"]),
        ({"patient_name": "ROE*"}, ["1.2.9.1"]),
        ({"PatientName": "ROE"}, []),  # no part of a text is enough
        ({"StudyInstanceUID": "1.2.9"}, []),
        ({"study_instance_uid": ["1.2.9.2", "1.2.9.1"]}, ["1.2.9.1", "1.2.9.2"]),
        ({"mrn": "P-78"}, ["1.2.9.2"]),
        ({"modalities_in_study": "CT"}, ["1.2.9.1"]),
        ({"study_date": "20240101-"}, ["1.2.9.1"]),
        ({"limit": 1, "offset": 1}, ["1.2.9.2"]),
        ({"limit": 0}, []),
    ],
)
def test_studies_that_match(parameters: dict[str, Any], found: list[str]) -> None:
    rows = source_of(EXAMPLE, OTHER).query.studies.search(**parameters)
    assert [row.study_instance_uid for row in rows] == found


def test_series_and_instances_that_match() -> None:
    source = source_of(EXAMPLE, OTHER)
    assert [row.series_instance_uid for row in source.query.series.search("1.2.9.1")] == ["1.2.9.1.5", "1.2.9.1.6"]
    assert [row.series_instance_uid for row in source.query.series.search(modality="CT")] == ["1.2.9.1.6"]
    assert source.query.series.search("1.2.9") == []
    assert source.query.instances.search("7") == []
    rows = source.query.instances.search("1.2.9.1", "1.2.9.1.5", InstanceNumber=2)
    assert [row["SOPInstanceUID"] for row in rows] == ["1.2.9.1.5.2"]
    assert len(source.metadata_store) == 0  # searching loads nothing into the store
    with pytest.raises(ConfigurationError, match="patient_nane"):
        source.query.studies.search(patient_nane="x")


def test_first_instances_tell_what_studies_do_not() -> None:
    source = source_of(study("S", series("S.1", entry("1", PatientName="ROE^ANA", Modality="US"))))
    (row,) = source.query.studies.search(patient_name="roe*")
    assert row.modalities == ("US",)


def test_a_study_without_series_is_found() -> None:
    (row,) = source_of(study("S", NumInstances=7, Modalities="CT/MR")).query.studies.search()
    assert (row.instances, row.modalities) == (7, ("CT", "MR"))


# ---- retrieving ----


def test_series_are_read_one_by_one_and_only_when_wanted() -> None:
    source = source_of(EXAMPLE)
    loading = source.retrieve.series.metadata("1.2.9.1", filters={"SeriesInstanceUIDs": ["1.2.9.1.6"]})
    assert [job.series_instance_uid for job in loading.jobs] == ["1.2.9.1.6"]
    assert len(source.metadata_store) == 0
    assert [len(one) for one in loading] == [1]
    assert [one.Modality for one in source.retrieve.series.metadata("1.2.9.1", filters={"modality": "MR"})] == ["MR"]
    assert source.retrieve.series.metadata("1.2.9.1", filters={"SeriesInstanceUID": "1.2.9.1"}).wait() == []


def test_an_unknown_study() -> None:
    with pytest.raises(DataSourceError, match="no manifest has the study"):
        source_of(EXAMPLE).retrieve.series.metadata("5").wait()
    with pytest.raises(DataSourceError, match="no manifest has the instance"):
        source_of(EXAMPLE).retrieve.instances.metadata("1.2.9.1", "1.2.9.1.5", "5")


def test_retrieving_again_reads_nothing_and_after_deletion_everything() -> None:
    source = loaded(EXAMPLE)
    events = []
    source.metadata_store.subscribe(source.metadata_store.INSTANCES_ADDED, events.append)
    assert len(source.retrieve.series.metadata("1.2.9.1").wait()) == 2
    assert events == []
    source.delete_study_metadata("1.2.9.1")
    source.retrieve.series.metadata("1.2.9.1").wait()
    assert len(events) == 2
    assert len(source.metadata_store) == 3


def test_evicted_series_come_back() -> None:
    source = loaded(EXAMPLE)
    held = source.metadata_store.series("1.2.9.1.5")
    small = metalith.MetadataStore(max_bytes=1)
    source = DicomJsonSource("small", {"manifest": {"studies": [EXAMPLE]}}, metadata_store=small)
    source.retrieve.series.metadata("1.2.9.1").wait()
    evicted = next(one for one in small.study("1.2.9.1").series if one.is_evicted)
    assert len(evicted.load()) in (1, len(held))


def test_one_instance() -> None:
    found = source_of(EXAMPLE).retrieve.instances.metadata("1.2.9.1", "1.2.9.1.5", "1.2.9.1.5.2")
    assert found.InstanceNumber == 2


def test_a_series_without_instances() -> None:
    (empty,) = source_of(study("S", series("S.1"))).retrieve.series.metadata("S").wait()
    assert len(empty) == 0


def test_what_manifests_cannot_do() -> None:
    source = source_of(EXAMPLE)
    with pytest.raises(NotSupportedBySource, match=r"store\.dicom"):
        source.store.dicom([])
    assert source.supports("retrieve.series.metadata")
    assert not source.supports("reject.series")


def test_a_large_file_is_never_held_as_objects(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    common = {f"00{group}": {"vr": "LO", "Value": ["x" * 40]} for group in range(190010, 190040)}
    several = [
        series(f"S.{k}", *[entry(f"S.{k}.{n}", InstanceNumber=n, **common) for n in range(100)]) for k in range(20)
    ]
    path.write_text(json.dumps({"studies": [study("S", *several)]}))
    size = path.stat().st_size
    assert size > 4 << 20
    source = DicomJsonSource("large", {"workers": 1})
    tracemalloc.start()
    try:
        source.read(path)
        source.retrieve.series.metadata("S").wait()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(source.metadata_store) == 2000
    assert peak < size / 2


@pytest.mark.parametrize("sizes", [[1], [300_000], [1, 300_000], [300_000, 1], [300_000] * 3, [1] * 5])
def test_instances_of_any_size(sizes: list[int]) -> None:
    entries = [entry(f"1.{n}", ImageComments=f"{n}" * size) for n, size in enumerate(sizes)]
    source = loaded(study("S", series("S.1", *entries)))
    assert [len(one.ImageComments) for one in source.metadata_store.series("S.1").instances] == sizes
    assert source.problems == []


def test_a_loading_that_is_cancelled_leaves_nothing_half_done() -> None:
    source = source_of(study("S", *[series(f"S.{k}", *[entry(f"S.{k}.{n}") for n in range(50)]) for k in range(20)]))
    cancel = Cancel()
    arriving = iter(source.retrieve.series.metadata("S", cancel=cancel))
    next(arriving)
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(arriving)
    assert all(len(one) in (0, 50) for one in source.metadata_store.study("S").series)
    source.retrieve.series.metadata("S").wait()
    assert len(source.metadata_store) == 1000


def test_nothing_shows_configurations() -> None:
    source = source_of(study("S", PatientName="ROE^SECRET"), token="s3cret")
    source.initialize()
    assert "s3cret" not in f"{source!r} {source.options!r} {source.get_config().keys()}"
    assert "SECRET" not in f"{source!r} {source.options!r} {source.query.studies.search()!r}"


def test_what_dcmjs_adds_for_itself_is_dropped() -> None:
    source = loaded(study("S", series("S.1", entry("1", _vrMap={"PixelData": "OW"}, _meta={}))))
    assert source.get("_vrMap", "dicomweb:https://host/1.dcm") is None


# ---- what is wrong ----

SECRET = "ROE^SECRET"


@pytest.mark.parametrize(
    ("instance", "path", "reason"),
    [
        (5, "", "not JSON, or no object"),
        ("text", "", "not JSON, or no object"),
        (None, "", "not JSON, or no object"),
        ({}, "", "there are no metadata, or they are no object"),
        ({"metadata": []}, "", "there are no metadata, or they are no object"),
        ({"metadata": None, "url": "dicomweb:https://h/a"}, "", "there are no metadata, or they are no object"),
        ({"metadata": {"PatientName": SECRET}}, ".metadata.SOPInstanceUID", "missing"),
        ({"metadata": {"SOPInstanceUID": None}}, ".metadata.SOPInstanceUID", "no UID"),
        ({"metadata": {"SOPInstanceUID": ""}}, ".metadata.SOPInstanceUID", "no UID"),
        ({"metadata": {"SOPInstanceUID": ["1", "2"]}}, ".metadata.SOPInstanceUID", "no UID"),
        ({"metadata": {"SOPInstanceUID": {}}}, ".metadata.SOPInstanceUID", "an object is no value of it"),
        (entry("9", Rows=True), ".metadata.Rows", "true or false is no value of it"),
        (entry("9", Rows={"a": SECRET}), ".metadata.Rows", "an object is no value of it"),
        (entry("9", PixelSpacing=[[1, 2]]), ".metadata.PixelSpacing", "an array is no value of it"),
        (entry("9", PatientName=[[SECRET]]), ".metadata.PatientName", "a person's name was expected"),
        (entry("9", ReferencedImageSequence=SECRET), ".metadata.ReferencedImageSequence", "a sequence was expected"),
        (
            entry("9", RequestAttributesSequence=[{"ScheduledProcedureStepID": {"x": SECRET}}]),
            ".metadata.RequestAttributesSequence.ScheduledProcedureStepID",
            "an object is no value of it",
        ),
        (
            entry("9", ReferencedImageSequence=[5]),
            ".metadata.ReferencedImageSequence",
            "an item of a sequence is no object",
        ),
        ({**entry("9"), "url": 5}, "", "the url is no text"),
        (
            {**entry("9"), "url": f"{SECRET}.dcm"},
            "",
            "the url is no image id: no scheme, such as wadors:, at the beginning",
        ),
        (
            {**entry("9"), "url": "dicomweb:https://h/a?frame=x"},
            "",
            "the url is no image id: a frame that is no number",
        ),
    ],
)
def test_instances_that_cannot_be_taken(instance: Any, path: str, reason: str) -> None:
    manifest = study("S", series("S.0"), series("S.1", entry("1"), instance, entry("2")))
    source = loaded(manifest)
    assert len(source.metadata_store) == 2
    (problem,) = source.problems
    assert (problem.path, problem.reason) == (f"studies[0].series[1].instances[1]{path}", reason)
    assert "SECRET" not in str(problem)
    strict = source_of(manifest, onError="raise")
    loading = strict.retrieve.series.metadata("S")
    loading.wait()
    assert [str(failure.error) for failure in loading.failures] == [str(problem)]
    assert len(strict.metadata_store) == 0


def test_a_series_none_of_whose_instances_can_be_taken_fails() -> None:
    source = source_of(study("S", series("S.1", {}, {}), series("S.2", entry("2"))))
    loading = source.retrieve.series.metadata("S")
    assert [one.series_instance_uid for one in loading.wait()] == ["S.2"]
    assert [failure.series_instance_uid for failure in loading.failures] == ["S.1"]
    assert [row["SOPInstanceUID"] for row in source.query.instances.search("S")] == ["2"]


@pytest.mark.parametrize(
    ("studies", "path"),
    [
        ([5, OTHER], "studies[0]"),
        ([{"PatientName": SECRET}, OTHER], "studies[0].StudyInstanceUID"),
        ([{"StudyInstanceUID": 5}, OTHER], "studies[0].StudyInstanceUID"),
        ([{"StudyInstanceUID": ""}, OTHER], "studies[0].StudyInstanceUID"),
        ([OTHER, {"StudyInstanceUID": "1", "series": {}}], "studies[1].series"),
        ([OTHER, study("1", "x")], "studies[1].series[0]"),
        ([OTHER, study("1", {"instances": [entry("1")]})], "studies[1].series[0].SeriesInstanceUID"),
        ([OTHER, study("1", {"SeriesInstanceUID": "2", "instances": 5})], "studies[1].series[0].instances"),
    ],
)
def test_studies_and_series_that_cannot_be_taken(studies: list[Any], path: str) -> None:
    source = source_of(*studies)
    assert "1.2.9.2" in source.get_study_instance_uids()
    assert [problem.path for problem in source.problems] == [path]
    with pytest.raises(ParseError) as caught:
        source_of(*studies, onError="raise").get_study_instance_uids()
    assert caught.value.path == path
    assert "SECRET" not in str(caught.value)


def test_an_attribute_of_a_study_that_cannot_be_taken_is_left_out() -> None:
    source = loaded(study("S", series("S.1", entry("1")), PatientName=[[SECRET]], PatientID="P"))
    assert source.metadata_store.instance("1").PatientID == "P"
    assert [problem.path for problem in source.problems] == ["studies[0].PatientName"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"  ",
        b"[]",
        b"5",
        b"null",
        b"{}",
        b'{"studies": 5}',
        b'{"studies": null}',
        b'{"studies": []} x',
        b"\xff\xfe{\x00}\x00",
        b"<html>",
        b'{"studies" [] }',
        b'{"studies": [,]}',
        b'{"a": 1,}',
        b'{"studies": [{"StudyInstanceUID": "1\n2"}]}',
        b'{"a":' + b"[" * 100_000,
    ],
)
def test_what_is_no_manifest(text: bytes) -> None:
    with pytest.raises(ParseError) as caught:
        DicomJsonSource().read(text)
    assert str(caught.value).startswith("manifest: ")


def test_a_manifest_that_ends_anywhere_is_refused() -> None:
    text = json.dumps({"studies": [EXAMPLE, OTHER]}).encode()
    source = DicomJsonSource()
    for end in range(len(text)):
        with pytest.raises(ParseError) as caught:
            source.read(text[:end])
        assert "ROE" not in str(caught.value)
    assert source.get_study_instance_uids() == []


def test_bytes_that_are_changed_anywhere_harm_one_instance_or_refuse_the_whole() -> None:
    text = json.dumps({"studies": [EXAMPLE]}).encode()
    for at in range(0, len(text), 2):
        for byte in (b"\xff", b'"', b"}", b"\\")[at % 4 // 2 :: 2]:
            source = DicomJsonSource("x", {"workers": 1})
            try:
                uids = source.read(text[:at] + byte + text[at + 1 :])
            except ParseError:
                continue
            for uid in uids:
                source.retrieve.series.metadata(uid).wait()
            assert all("ROE" not in str(problem) for problem in source.problems)
            source.close()


def test_instances_that_are_not_json_inside_are_left_out() -> None:
    text = json.dumps({"studies": [study("S", series("S.1", entry("1"), entry("2"), entry("3")))]})
    for bad in ('"Rows": 04', '"Rows": 4 4', '"Rows": nil', '"Rows": 4,', '"Rows": "\\x"', '"Rows": "\udcff"'):
        pieces = text.split('"Rows": 4')
        source = DicomJsonSource()
        source.read(
            f'{pieces[0]}"Rows": 4{pieces[1]}{bad}{pieces[2]}"Rows": 4{pieces[3]}'.encode("utf-8", "surrogateescape")
        )
        source.retrieve.series.metadata("S").wait()
        assert ("1" in source.metadata_store, "3" in source.metadata_store) == (True, True), bad
        assert "2" not in source.metadata_store, bad
        assert [problem.path.startswith("studies[0].series[0].instances[1]") for problem in source.problems] == [True]


def test_limits_count(tmp_path: Path) -> None:
    text = json.dumps({"studies": [EXAMPLE]}).encode()
    (tmp_path / "a.json").write_bytes(text)
    for given in (text, tmp_path / "a.json", io.BytesIO(text)):
        with metalith.limits(max_bytes=100), pytest.raises(ParseError, match="max_bytes=100"):
            DicomJsonSource().read(given)
    with pytest.raises(TypeError, match="not a int"):
        DicomJsonSource().read(5)


@pytest.mark.parametrize(
    ("configuration", "named"),
    [
        ({"url": "https://h/a", "path": "a"}, "url, path, manifest"),
        ({"url": 5}, "url"),
        ({"wadoRoot": "ftp://h"}, "wadoRoot"),
        ({"frameBase": 2}, "frameBase"),
        ({"onError": "ignore"}, "onError"),
        ({"frame_bsae": 1}, "frame_bsae"),
        ({"dangerouslyAllowedOriginsForAuthenticatedEnvironments": ["https://h/path"]}, "dangerouslyAllowedOrigins"),
    ],
)
def test_options_that_are_impossible(configuration: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        DicomJsonSource("x", configuration)
