"""What an InstanceProvider answers by instance, says that it lacks, and tells of changes."""

from __future__ import annotations

import pytest
from models.enhanced_pet import enhanced, frame, mapping
from models.suv_model import pet
from pydicom.data import get_testdata_file

import metalith
from metalith import InstanceProvider, MetadataProviders, MetadataStore, modules
from metalith.errors import MetadataNotFound

BASE = "wadors:http://h/studies/1/series/1.2/instances/"


def kept(**more):
    mine = MetadataProviders()
    provider = InstanceProvider(mine.invalidate, **more)
    mine.add_provider(provider, cache=True)
    return mine, provider


def test_an_image_that_was_not_there():
    """That there was nothing is not kept, either."""
    mine, provider = kept()
    assert mine.get("Rows", "web:a?frame=1") is None
    provider.add_instance("web:a", {"Rows": 1})
    assert mine.get("Rows", "web:a?frame=1") == 1
    assert provider.remove("web:a?frame=1")
    assert mine.get("Rows", "web:a?frame=1") is None
    provider.add_instance("web:b", {"Rows": 1})
    hits = mine.cache_info().hits
    assert mine.get("Rows", "web:a?frame=1") is None
    assert mine.cache_info().hits == hits + 1, "another image is no reason to forget"


def test_factors_go_by_the_series_as_it_is():
    mine, provider = kept()
    late = pet(SeriesTime="130000", AcquisitionTime="121000", SOPInstanceUID="1")
    early = pet(SeriesTime="130000", AcquisitionTime="120000", SOPInstanceUID="2")
    provider.add_instance(BASE + "1", late)
    provider.add_instance("web:other", {"Rows": 1})
    assert mine.get("scalingModule", BASE + "1").decay_time == 4200.0
    assert mine.get("Rows", "web:other") == 1
    hits = mine.cache_info().hits
    provider.add_instance(BASE + "2", early)
    assert mine.get("scalingModule", BASE + "1").decay_time == 3600.0
    assert mine.get("Rows", "web:other") == 1
    assert mine.cache_info().hits == hits + 1
    provider.remove(BASE + "2")
    assert mine.get("scalingModule", BASE + "1").decay_time == 4200.0
    provider.add_instance(BASE + "1", {**late, "SeriesInstanceUID": "1.9", "PatientWeight": None})
    assert mine.get("scalingModule", BASE + "1") is None


def test_factors_are_computed_once():
    provider = InstanceProvider()
    for place in range(3):
        provider.add_instance(f"{BASE}{place}", pet(SOPInstanceUID=str(place)))
    found = [provider.get("scalingModule", f"{BASE}{place}") for place in (0, 1, 2, 0)]
    assert len({id(one) for one in found}) == 1, "the images have one time and one dose, and so one object"
    provider.add_instance("web:other", {"Rows": 1})
    assert provider.get("scalingModule", f"{BASE}2") is found[0]


def test_pet_without_uids():
    provider = InstanceProvider()
    provider.add_instance("web:pet", pet())
    assert provider.get("scalingModule", "web:pet").decay_time == 3600.0
    provider.add_instance("web:pet", pet(SeriesInstanceUID=None))
    assert provider.get("scalingModule", "web:pet").decay_time == 3600.0


def test_by_instance():
    ct, dose = (metalith.read(get_testdata_file(name)) for name in ("CT_small.dcm", "rtdose.dcm"))
    mine = MetadataProviders()
    mine.add_provider(InstanceProvider())
    assert mine.get("imagePlaneModule", ct) == modules.build("imagePlaneModule", ct)
    assert mine.get("KVP", ct) == 120.0
    assert mine.get("instance", ct) is ct
    assert mine.get("scalingModule", dose).dose_grid_scaling == dose.DoseGridScaling
    third = dose.frame(3)
    plane = mine.get(modules.ImagePlane, third)
    assert plane.image_position_patient == third.ImagePositionPatient != dose.ImagePositionPatient
    assert mine.get("instance", third) == third
    assert mine.get("frameModule", third).frame_number == 3
    assert mine.get("baseImageId", ct) is None
    for type in modules.TYPES:
        mine.get(type, ct), mine.get(type, third)
    assert mine.get("Rows", {"Rows": 3}) is None


def reasons(mine, type, image_id):
    with pytest.raises(MetadataNotFound) as caught:
        mine.require(type, image_id)
    text = str(caught.value)
    assert text == f"{caught.value}"
    return text


@pytest.mark.parametrize("kind", ["store", "provider"])
def test_what_is_lacking(kind):
    mine, asked = MetadataProviders(), InstanceProvider() if kind == "provider" else MetadataStore()
    uids = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.2"}
    ct = {**uids, "SOPInstanceUID": "1", "Modality": "CT", "PatientName": "Doe^Jane", "WindowCenter": 40.0}
    weightless = {**pet(PatientWeight=None, SOPInstanceUID="2"), **uids, "SeriesInstanceUID": "1.3"}
    several = enhanced(frame(1, mappings=[]), SeriesInstanceUID="1.4", SOPInstanceUID="3")
    ids = {}
    for one in (ct, weightless, several):
        ids[one["SOPInstanceUID"]] = (
            f"wadors:http://h/studies/1/series/{one['SeriesInstanceUID']}/instances/{one['SOPInstanceUID']}"
        )
        asked.add_instances(one) if kind == "store" else asked.add_instance(ids[one["SOPInstanceUID"]], one)
    mine.add_provider(asked)
    expected = {
        ("1", "KVP"): "KVP is missing",
        ("1", "scalingModule"): "Modality is neither PT nor RTDOSE",
        ("1", "voiLutModule"): "WindowWidth",
        ("1", "petIsotopeModule"): "RadiopharmaceuticalInformationSequence is missing",
        ("1", "petSeriesModule"): "CorrectedImage, Units, DecayCorrection",
        ("2", "scalingModule"): "PatientWeight is missing",
        ("3", "scalingModule"): "RealWorldValueMappingSequence is missing",
    }
    for (number, type), text in expected.items():
        for image_id in (ids[number], f"{ids[number]}/frames/1"):
            said = reasons(mine, type, image_id)
            assert text in said
            assert not any(value in said for value in ("Doe", "40", "http"))
    assert "has nothing\n" in reasons(mine, "noSuchModule", ids["1"]) + "\n"
    assert "does not know the image" in reasons(mine, "KVP", "wadors:http://h/studies/1/series/1/instances/9")
    factors = enhanced(frame(1), frame(2, mappings=[mapping(slope=1.0)]))
    assert metalith.lacking.lacking("scalingModule", factors.frame(2)) is None
