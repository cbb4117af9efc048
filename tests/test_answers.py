"""What a store and an InstanceProvider answer, through the chain of providers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file

import metalith
from metalith.answers import InstanceProvider
from metalith.frames import FrameError
from metalith.modules import ImagePlane
from metalith.providers import MetadataProviders
from metalith.store import MetadataStore

CT = Path(get_testdata_file("CT_small.dcm"))
DOSE = Path(get_testdata_file("rtdose.dcm"))


def id_of(instance, frame=None):
    uids = instance.StudyInstanceUID, instance.SeriesInstanceUID, instance.SOPInstanceUID
    base = "wadors:http://h/dicom-web/studies/{}/series/{}/instances/{}".format(*uids)
    return base if frame is None else f"{base}/frames/{frame}"


@pytest.fixture(params=["store", "provider"])
def metadata(request):
    """Two instances behind a chain, and their ids."""
    mine = MetadataProviders()
    store, provider = MetadataStore(), InstanceProvider()
    for path in (CT, DOSE):
        instance = metalith.read(path)
        store.add_instance(instance)
        provider.add_instance(id_of(instance), instance)
    mine.add_provider(store if request.param == "store" else provider)
    return mine


def test_modules(metadata):
    ct = metalith.read(CT)
    plane = metadata.get("imagePlaneModule", id_of(ct))
    assert isinstance(plane, ImagePlane)
    assert plane.pixel_spacing == (0.661468, 0.661468)
    assert metadata.get(ImagePlane, id_of(ct, 1)) == plane
    assert metadata.get("imagePixelModule", id_of(ct)).rows == 128
    assert metadata.get("generalSeriesModule", id_of(ct)).modality == "CT"


def test_instances_and_attributes(metadata):
    ct = metalith.read(CT)
    assert metadata.get("instance", id_of(ct)) == ct
    assert metadata.get("naturalized", id_of(ct, 1)) == ct
    assert metadata.get("KVP", id_of(ct)) == 120.0
    assert metadata.get("00180060", id_of(ct)) == 120.0
    for nothing in ("NoSuchAttribute", "noSuchModule", "PatientComments", "ecgModule"):
        assert metadata.get(nothing, id_of(ct)) is None
    assert metadata.get("instance", "wadors:http://h/studies/1/series/2/instances/3") is None


def test_frames(metadata):
    dose = metalith.read(DOSE)
    offsets = dose.GridFrameOffsetVector
    first, last = (metadata.get("imagePlaneModule", id_of(dose, frame)) for frame in (1, len(offsets)))
    assert last.image_position_patient[2] - first.image_position_patient[2] == pytest.approx(offsets[-1] - offsets[0])
    assert metadata.get("instance", id_of(dose, 2)).frame_number == 2
    assert metadata.get("instance", id_of(dose)) == dose
    with pytest.raises(FrameError):
        metadata.get("imagePlaneModule", id_of(dose, len(offsets) + 1))


def test_images_that_are_not_dicom():
    provider = InstanceProvider()
    provider.add_instance("web:photo.png", {"Rows": 480, "Columns": 640, "SamplesPerPixel": 3})
    assert provider.get("imagePixelModule", "web:photo.png").rows == 480
    assert provider.get("imagePixelModule", "web:photo.png?frame=1").rows == 480
    assert provider.get("imagePixelModule", "web:other.png") is None
    assert ("web:photo.png" in provider, len(provider)) == (True, 1)
    assert provider.remove("web:photo.png")
    assert not provider.remove("web:photo.png")
    assert provider.get("Rows", "web:photo.png") is None


def test_what_changes_is_told():
    mine = MetadataProviders()
    provider = InstanceProvider(mine.invalidate)
    mine.add_provider(provider, cache=True)
    provider.add_instance("web:a", {"Rows": 1})
    assert [mine.get("Rows", "web:a?frame=1"), mine.get("Rows", "web:a")] == [1, 1]
    provider.add_instance("web:a", {"Rows": 2})
    assert [mine.get("Rows", "web:a?frame=1"), mine.get("Rows", "web:a")] == [2, 2]
    provider.remove("web:a")
    assert mine.get("Rows", "web:a") is None


def test_what_is_no_instance():
    provider = InstanceProvider()
    with pytest.raises(ValueError, match="one instance"):
        provider.add_instance("web:a", [])
    assert provider.get("Rows", None) is None
    assert len(provider) == 0


def test_a_store_whose_answers_are_kept():
    mine, store = MetadataProviders(), MetadataStore()
    store.provide(mine)
    uids = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.2", "SOPInstanceUID": "1.2.3"}
    other = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.4", "SOPInstanceUID": "1.4.1"}
    here, there = (
        "wadors:http://h/studies/{StudyInstanceUID}/series/{SeriesInstanceUID}/instances/{SOPInstanceUID}".format(**one)
        for one in (uids, other)
    )
    assert mine.get("Rows", here) is None
    store.add_instances([{**uids, "Rows": 1}, {**other, "Rows": 7}])
    assert [mine.get("Rows", here), mine.get("Rows", there)] == [1, 7]
    hits = mine.cache_info().hits
    store.add_instances({**uids, "Rows": 2})
    assert [mine.get("Rows", here), mine.get("Rows", there)] == [2, 7]
    assert mine.cache_info().hits == hits + 1, "the other series' answer was forgotten, too"
    store.update_metadata_for_series("1", "1.2", {"Rows": 3})
    assert mine.get("Rows", here) == 3
    store.remove_study("1")
    assert [mine.get("Rows", here), mine.get("Rows", there)] == [None, None]


def test_many_at_once(metadata):
    ct, dose = metalith.read(CT), metalith.read(DOSE)
    ids = [id_of(dose, frame) for frame in range(1, 4)]
    planes = metadata.get_many("imagePlaneModule", ids)
    assert planes == [metadata.get("imagePlaneModule", image_id) for image_id in ids]
    assert planes.image_position_patient.shape == (3, 3)
    assert planes.image_position_patient.dtype == np.float64
    assert planes.rows.tolist() == [10, 10, 10]
    mixed = metadata.get_many("imagePlaneModule", [id_of(ct), "web:unknown"])
    assert mixed[1] is None
    assert np.isnan(mixed.pixel_spacing[1]).all()
    assert metadata.get_many("generalSeriesModule", [id_of(ct), ids[0]]).modality.tolist() == ["CT", "RTDOSE"]
    with pytest.raises(AttributeError):
        _ = planes.no_such_field
    with pytest.raises(AttributeError):
        _ = metadata.get_many("imagePlaneModule", []).rows


def pet(n, **more):
    """One slice of a PET series whose factors can be computed."""
    return {
        "StudyInstanceUID": "1", "SeriesInstanceUID": "1.2", "SOPInstanceUID": f"1.2.{n}", "Modality": "PT",
        "SeriesDate": "20200101", "SeriesTime": "120000", "AcquisitionDate": "20200101", "AcquisitionTime": f"12000{n}",
        "CorrectedImage": ("ATTN", "DECY"), "Units": "BQML", "DecayCorrection": "START", "PatientWeight": 70,
        "RadiopharmaceuticalInformationSequence": [
            {"RadionuclideTotalDose": 3.7e8, "RadionuclideHalfLife": 6586.2, "RadiopharmaceuticalStartTime": "110000"}
        ],
        **more,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["store", "provider"])
def test_scaling_is_that_of_the_whole_series(kind):
    store, provider = MetadataStore(), InstanceProvider()
    base = "wadors:http://h/studies/1/series/1.2/instances/"
    several = [pet(n) for n in range(3)]
    store.add_instances(several)
    for dataset in several:
        provider.add_instance(base + dataset["SOPInstanceUID"], dataset)
    asked = store if kind == "store" else provider
    factors = [asked.get("scalingModule", f"{base}1.2.{n}").suvbw for n in range(3)]
    decayed = 3.7e8 * 2 ** (-3600 / 6586.2)
    assert factors == pytest.approx([70_000 / decayed] * 3)
    assert asked.get("scalingModule", base + "7") is None
    if kind == "store":
        store.update_metadata_for_series("1", "1.2", {"PatientWeight": 35})
        assert store.get("scalingModule", base + "1.2.0").suvbw == pytest.approx(factors[0] / 2)
        assert store.get("scalingModule", "wadors:http://h/studies/1/series/9/instances/9") is None


def test_scaling_of_dose():
    store = MetadataStore()
    dose = metalith.read(DOSE)
    store.add_instance(dose)
    assert store.get("scalingModule", id_of(dose)).dose_grid_scaling == dose.DoseGridScaling


@pytest.mark.parametrize("kind", ["store", "provider"])
def test_calibrations_go_into_image_planes(kind):
    mine, ct = MetadataProviders(), metalith.read(CT)
    calibrations = metalith.CalibrationProvider(changed=mine.invalidate)
    if kind == "store":
        store = MetadataStore()
        store.add_instance(ct)
        store.provide(mine, calibrations=calibrations)
    else:
        provider = InstanceProvider(mine.invalidate, calibrations)
        provider.add_instance(id_of(ct), ct)
        mine.add_provider(provider, cache=True)
    assert mine.get("imagePlaneModule", id_of(ct)).pixel_spacing == (0.661468, 0.661468)
    calibrations.add(id_of(ct), {"rowPixelSpacing": 0.5, "columnPixelSpacing": 0.25, "type": "User"})
    assert mine.get("imagePlaneModule", id_of(ct)).pixel_spacing == (0.5, 0.25)
    calibrations.clear()
    assert mine.get("imagePlaneModule", id_of(ct)).pixel_spacing == (0.661468, 0.661468)
