"""What users calibrate, as a metadata provider; and what "scalingModule" answers."""

from __future__ import annotations

import pickle
import threading
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.suv_model import pet
from pydicom.data import get_testdata_file

import metalith
from metalith.calibration import CalibrationProvider
from metalith.errors import ConfigurationError, ImageIdError
from metalith.image_ids import image_id_to_uri
from metalith.modules.spacing import CalibratedPixelSpacing
from metalith.providers import MetadataProviders
from metalith.scaling import DoseScaling, SuvSeries, scaling_module
from metalith.suv import SuvError, SuvScaling, suv_factors

A, B = "wadors:https://host/studies/1/series/2/instances/3/frames/1", "wadouri:https://host/a?frame=2"
USER = {"rowPixelSpacing": 0.5, "columnPixelSpacing": "0.25", "scale": 1.2, "aspect": 1, "type": "User", "tooltip": "t"}
REGION = {"physicalDeltaX": 0.02, "physicalUnitsXDirection": 3, "regionDataType": 1}


def test_user_calibration():
    provider = CalibrationProvider()
    assert provider.get("calibratedPixelSpacing", A) is None
    provider.add(A, USER)
    found = provider.get("calibratedPixelSpacing", A)
    assert isinstance(found, CalibratedPixelSpacing)
    assert (found.pixel_spacing, found.scale, found.calibration_type) == ((0.5, 0.25), 1.2, "User")
    assert found.to_cornerstone() == {**USER, "columnPixelSpacing": 0.25}
    assert provider.get("calibratedPixelSpacing", A) is found
    assert provider.get("calibrationModule", A) is None
    assert provider.get("imagePlaneModule", A) is None
    assert provider.get("calibratedPixelSpacing", B) is None
    assert provider.get("calibratedPixelSpacing", None) is None
    assert (len(provider), A in provider, B in provider, bool(provider)) == (1, True, False, True)
    provider.add(A, found)
    assert provider.get("calibratedPixelSpacing", A) is found
    provider.add(A, {"scale": 2})
    assert provider.get("calibratedPixelSpacing", A).to_cornerstone() == {"scale": 2.0}


def test_an_image_is_what_its_id_fetches():
    provider = CalibrationProvider()
    provider.add("wadouri:https://host/a?frame=2", {"scale": 2})
    for same in ("https://host/a?frame=2", "dicomweb:https://host/a?frame=2", "web:https://host/a?frame=2"):
        assert provider.get("calibratedPixelSpacing", same).scale == 2
    for other in ("https://host/a", "wadouri:https://host/a?frame=1", "dicomfile:/a?frame=2"):
        assert provider.get("calibratedPixelSpacing", other) is None


def test_region_calibration():
    given_regions = [dict(REGION)]
    provider = CalibrationProvider()
    provider.add(A, {"sequenceOfUltrasoundRegions": given_regions})
    given_regions[0]["physicalDeltaX"] = 9.0
    given_regions.clear()
    found = provider.get("calibrationModule", A)
    assert found.to_cornerstone() == {"sequenceOfUltrasoundRegions": [REGION]}
    assert (found.source, found.regions[0].physical_delta_x) == ("calibration", 0.02)
    assert provider.get("calibratedPixelSpacing", A).to_cornerstone() == {"sequenceOfUltrasoundRegions": [REGION]}


def test_remove_and_clear():
    provider = CalibrationProvider()
    provider.add(A, USER)
    provider.add(B, USER)
    assert provider.remove(A) is True
    assert provider.remove(A) is False
    assert (len(provider), provider.get("calibratedPixelSpacing", A)) == (1, None)
    provider.clear()
    assert (len(provider), provider.get("calibratedPixelSpacing", B)) == (0, None)
    assert repr(provider) == "<CalibrationProvider: 0 images>"


@pytest.mark.parametrize(
    ("calibration", "error"),
    [
        ({}, ConfigurationError),
        (None, ConfigurationError),
        ({"rowPixelSpacing": "x"}, ConfigurationError),
        ({"rowPixelSpacing": 0, "columnPixelSpacing": 1}, ConfigurationError),
        ({"columnPixelSpacing": -1}, ConfigurationError),
        ({"scale": 0}, ConfigurationError),
        ({"aspect": -0.5}, ConfigurationError),
        (1.2, TypeError),
    ],
)
def test_what_is_no_calibration(calibration, error):
    told = []
    provider = CalibrationProvider(changed=told.append)
    with pytest.raises(error):
        provider.add(A, calibration)
    assert (len(provider), told) == (0, [])


def test_no_image_id():
    provider = CalibrationProvider()
    for wrong in ("", 7):
        with pytest.raises((ImageIdError, TypeError)):
            provider.add(wrong, USER)
    assert len(provider) == 0


def test_changes_are_told():
    told = []
    provider = CalibrationProvider(changed=told.append)
    uri = "https://host/a"
    every = {uri, f"wadors:{uri}", f"wadouri:{uri}", f"dicomweb:{uri}"}
    provider.add(uri, USER)
    assert (set(told), len(told)) == (every, len(every))
    told.clear()
    provider.add(f"web:{uri}", USER)
    assert set(told) == {*every, f"web:{uri}"}
    told.clear()
    provider.clear()
    assert set(told) == {*every, f"web:{uri}"}
    told.clear()
    provider.clear()
    assert provider.remove(uri) is False
    assert told == []
    provider.add(uri, USER)
    told.clear()
    assert provider.remove(f"own:{uri}")
    assert set(told) == {*every, f"own:{uri}"}


@pytest.mark.parametrize("image_id", [A, B, "dicomfile:3?frame=2", "dicomfile:/a b.dcm", "test:1", "web:a.png"])
def test_in_a_chain_with_kept_answers(image_id):
    metadata = MetadataProviders()
    calibrations = CalibrationProvider(changed=metadata.invalidate)
    metadata.add_provider(calibrations, priority=1000)
    metadata.add_provider(
        lambda type, image_id: calibrations.get("calibratedPixelSpacing", image_id) or "none",
        types=["imagePlaneModule"],
        cache=True,
    )
    ids = (image_id, f"dicomweb:{image_id_to_uri(image_id)}", "web:other.png")
    assert [metadata.get("imagePlaneModule", each) for each in ids] == ["none", "none", "none"]
    calibrations.add(image_id, USER)
    assert metadata.get("calibratedPixelSpacing", image_id).scale == 1.2
    assert metadata.get(CalibratedPixelSpacing, image_id).scale == 1.2
    assert [getattr(metadata.get("imagePlaneModule", each), "scale", "none") for each in ids] == [1.2, 1.2, "none"]
    calibrations.clear()
    assert [metadata.get("imagePlaneModule", each) for each in ids] == ["none", "none", "none"]
    assert metadata.get("calibratedPixelSpacing", image_id) is None


def test_threads():
    """Every look-up sees a whole calibration, and in the end there is what was added last."""
    provider = CalibrationProvider(changed=lambda image_id: None)
    ids = [f"wadouri:https://host/{number}" for number in range(20)]
    wrong, start = [], threading.Barrier(8)

    def work(seed):
        start.wait()
        for turn in range(300):
            image_id = ids[(seed * 7 + turn) % len(ids)]
            value = seed * 1000 + turn + 1.0
            provider.add(image_id, {"rowPixelSpacing": value, "columnPixelSpacing": value})
            found = provider.get("calibratedPixelSpacing", image_id)
            if found is not None and found.row_pixel_spacing != found.column_pixel_spacing:
                wrong.append(found)
            if turn % 50 == 0:
                provider.remove(image_id)
            if turn % 97 == 0:
                provider.clear()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    for image_id in ids:
        provider.add(image_id, {"scale": 3})
    assert {provider.get("calibratedPixelSpacing", each).scale for each in ids} == {3.0}


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_spacings_are_kept_exactly(row, column):
    provider = CalibrationProvider()
    provider.add(A, {"rowPixelSpacing": row, "columnPixelSpacing": column})
    assert provider.get("calibratedPixelSpacing", A).pixel_spacing == (row, column)


# ---- scalingModule ----


DOSE = {
    "Modality": "RTDOSE",
    "DoseGridScaling": "1e-5",
    "DoseUnits": "GY ",
    "DoseType": "PHYSICAL",
    "DoseSummationType": "PLAN",
}


def test_dose():
    found = scaling_module(DOSE)
    assert found == DoseScaling(1e-5, "GY", "PHYSICAL", "PLAN")
    assert found.to_cornerstone() == {
        "DoseGridScaling": 1e-5,
        "DoseUnits": "GY",
        "DoseUnit": "GY",
        "DoseType": "PHYSICAL",
        "DoseSummationType": "PLAN",
        "DoseSummation": "PLAN",
    }
    correction = {"Modality": "RTDOSE", "TissueHeterogeneityCorrection": "IMAGE"}
    assert scaling_module(correction).to_cornerstone() == {"TissueHeterogeneityCorrection": ["IMAGE"]}
    assert scaling_module({"Modality": "RTDOSE"}) is None
    assert pickle.loads(pickle.dumps(found)) == found
    with pytest.raises(FrozenInstanceError):
        found.dose_units = "RELATIVE"


def test_dose_of_a_file():
    path = get_testdata_file("rtdose.dcm", download=False)
    found = scaling_module(metalith.read(path))
    assert (found.dose_units, found.dose_type, found.dose_summation_type) == ("RELATIVE", "PHYSICAL", "BEAM")
    assert type(found.dose_grid_scaling) is float


@given(st.floats(1e-12, 1e6))
def test_dose_grid_scaling_is_exact(scaling):
    assert scaling_module({**DOSE, "DoseGridScaling": repr(scaling)}).dose_grid_scaling == scaling


def late(*numbers):
    """Images of a derived series, acquired one after the other: the first tells when the scan began."""
    return [pet(SOPInstanceUID=f"1.{n}", SeriesTime="130000", AcquisitionTime=f"12{n:02d}00") for n in numbers]


def test_suv_of_a_series():
    whole = late(20, 10, 30)
    for series in (whole, SuvSeries(whole), iter(whole)):
        assert scaling_module(whole[0], series).decay_time == 4200.0
    assert scaling_module(whole[0]).decay_time == 4800.0
    assert scaling_module(whole[0], whole[1:]).decay_time == 4200.0
    assert isinstance(scaling_module(whole[0]), SuvScaling)
    assert [scaling_module(one, whole) for one in whole] == suv_factors(whole)


def test_factors_of_each_image():
    whole = [pet(SOPInstanceUID=f"1.{n}", Units="CNTS", **{"70531000": n}) for n in (1, 2, 3)]
    series = SuvSeries(whole)
    assert [scaling_module(one, series).suvbw for one in reversed(whole)] == [3, 2, 1]
    assert (whole[0] in series, pet() in series, len(series.factors)) == (True, False, 3)
    nameless = [pet(Units="CNTS", **{"70531000": n}) for n in (1, 2, 3)]
    assert scaling_module(nameless[1], nameless).suvbw == 2
    with pytest.raises(KeyError):
        series.of(pet(SOPInstanceUID="9"))


def test_why_there_is_no_suv():
    image = pet(PatientWeight=None, SOPInstanceUID="1.1")
    series = SuvSeries([image])
    assert scaling_module(image) is None
    assert scaling_module(image, series) is None
    assert series.error.attribute == "PatientWeight"
    assert repr(series) == "<SuvSeries: 0 factors, SUV cannot be computed: PatientWeight is missing>"
    for given_series in (None, series, [image]):
        with pytest.raises(SuvError, match="PatientWeight is missing"):
            scaling_module(image, given_series, strict=True)


def test_others_have_no_scaling():
    for modality in ("CT", "MR", None):
        assert scaling_module({"Modality": modality, "DoseGridScaling": 1.0}, strict=True) is None


def test_as_a_provider():
    instances = {"web:pet": pet(), "web:dose": DOSE}
    metadata = MetadataProviders()
    metadata.add_provider(lambda type, image_id: scaling_module(instances[image_id]), types=["scalingModule"])
    assert metadata.get("scalingModule", "web:pet") == suv_factors([pet()])[0]
    assert metadata.get("scalingModule", "web:dose").dose_grid_scaling == 1e-5
