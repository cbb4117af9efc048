"""What is kept of a store's answers when the store changes: nothing stale, and nothing cleared without need."""

from __future__ import annotations

import shutil

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file

import metalith
from metalith import _core
from metalith.errors import ImageIdError
from metalith.image_ids import ImageId, file_id, wadors_id, wadouri_id

ROOT = "http://host/dicom-web"


@pytest.fixture
def both():
    store, metadata = metalith.MetadataStore(), metalith.MetadataProviders()
    store.provide(metadata)
    return store, metadata


def instance(series, number=1, **more):
    uids = {"StudyInstanceUID": "1", "SeriesInstanceUID": series, "SOPInstanceUID": f"{series}.{number}"}
    return {**uids, "Rows": 4, "Columns": 4, "Modality": "CT", **more}


def id_of(series, number=1):
    return wadors_id(ROOT, "1", series, f"{series}.{number}", 1)


def misses(metadata, *asked):
    before = metadata.cache_info().misses
    answers = [metadata.get(type, image_id) for type, image_id in asked]
    return answers, metadata.cache_info().misses - before


def test_another_series_takes_no_answer_away(both):
    store, metadata = both
    store.add_instances([instance("1.1"), instance("1.2")])
    asked = [("imagePixelModule", id_of(uid)) for uid in ("1.1", "1.2")]
    asked += [("petIsotopeModule", id_of(uid)) for uid in ("1.1", "1.2")]
    asked.append(("imagePixelModule", wadouri_id("http://host/wado", "1", "1.1", "1.1.1")))
    first, _ = misses(metadata, *asked)
    assert first[0].rows == 4
    assert first[2] is None
    store.add_series_metadata({"StudyInstanceUID": "1", "SeriesInstanceUID": "1.3"})
    store.add_instances([instance("1.3"), instance("1.11")])
    again, missed = misses(metadata, *asked)
    assert missed == 0
    assert again == first


def test_what_was_not_known_is_answered_when_it_comes(both):
    store, metadata = both
    ids = [id_of("1.1"), wadouri_id("http://host/wado", "1", "1.1", "1.1.1"), "web:a"]
    assert [metadata.get("Rows", image_id) for image_id in ids] == [None] * 3
    with store.transaction():
        store.add_instances(instance("1.1"))
        store.add_image_ids({"web:a": "1.1.1"})
    assert [metadata.get("Rows", image_id) for image_id in ids] == [4] * 3


def test_another_instance_leaves_those_that_are_there(both):
    store, metadata = both
    store.add_instances(instance("1.1"))
    asked = ("Rows", id_of("1.1"))
    misses(metadata, asked)
    store.add_instances(instance("1.1", 2))
    assert misses(metadata, asked) == ([4], 0)


def test_an_instance_that_is_replaced_is_answered_anew(both):
    store, metadata = both
    store.add_instances([instance("1.1"), instance("1.2")])
    assert misses(metadata, ("Rows", id_of("1.1")), ("Rows", id_of("1.2"))) == ([4, 4], 2)
    store.add_instances(instance("1.1", Rows=8))
    assert misses(metadata, ("Rows", id_of("1.1")), ("Rows", id_of("1.2"))) == ([8, 4], 1)
    store.remove_series("1.2")
    assert misses(metadata, ("Rows", id_of("1.1")), ("Rows", id_of("1.2"))) == ([8, None], 1)


def test_factors_of_a_series_are_of_all_its_instances(both):
    store, metadata = both
    store.add_instances(instance("1.1", Modality="PT", Units="GML", CorrectedImage=("ATTN", "DECY")))
    metadata.get("scalingModule", id_of("1.1"))
    metadata.get("Rows", id_of("1.1"))
    store.add_instances(instance("1.1", 2, Modality="PT", Units="GML", CorrectedImage=("ATTN", "DECY")))
    assert misses(metadata, ("scalingModule", id_of("1.1")))[1] == 1


def test_a_file_that_is_read_again_has_what_stands_in_it_now(both, tmp_path):
    store, metadata = both
    path = tmp_path / "a.dcm"
    shutil.copy(get_testdata_file("CT_small.dcm"), path)
    store.add_instances(path)
    before = metadata.get("SOPInstanceUID", file_id(path))
    dataset = pydicom.dcmread(path)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.save_as(path)
    store.add_instances(path)
    assert metadata.get("SOPInstanceUID", file_id(path)) == store.instance_by_image_id(file_id(path)).SOPInstanceUID
    assert before != "1.2.3"


UID = st.sampled_from(["1", "1.2", "1.2.3", "1.2.30", "%31", "", "a b", "ü"])
TEXTS = st.one_of(
    st.builds("wadors:{}/studies/{}/series/{}/instances/{}{}".format, st.sampled_from(["", "http://h", "h/studies/9"]),
              UID, UID, UID, st.sampled_from(["", "/frames/1", "/frames/x", "?a=1", "#b"])),
    st.builds("{}http://h/{}?{}seriesUID={}{}".format, st.sampled_from(["wadouri:", "dicomweb:", "", "DICOMWEB:"]),
              st.sampled_from(["a", "studies/1/series/1.2/instances/3"]), st.sampled_from(["", "studyUID=1&", "x"]),
              UID, st.sampled_from(["", "&frame=2", "#c", "&studyUID=1"])),
    st.builds("dicomfile:/a/studies/{}/series/{}/instances/3".format, UID, UID),
    st.text("wadors:/tuiehfm=?&#12.S%", max_size=60),
)  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(TEXTS, st.sampled_from(["1", "1.2"]), st.sampled_from(["1.2", "1.2.3"]))
def test_whether_an_id_may_be_of_a_series_is_what_image_ids_say(text, study, series):
    told = _core.may_be_of(text, study, series)
    try:
        parsed = ImageId(text)
        wanted = (parsed.series_instance_uid in (None, series)) and (parsed.study_instance_uid in (None, study))
    except ImageIdError:
        wanted = True
    assert told in (-1, int(wanted))
