"""Modules of study, series, image, patient, PET, ultrasound, ECG, frames and ids: values of real files and cases."""

from __future__ import annotations

import copy
import doctest
import importlib
import json
import pickle
import pkgutil

import numpy as np
import pydicom
import pytest
from models.module_cases import CASES
from pydicom.data import get_testdata_file

import metalith
from metalith import modules

SYNTAX = "1.2.840.10008.1.2.4."


def case(name):
    return metalith.naturalize_dataset(CASES[name])


def read(name):
    return metalith.read(get_testdata_file(name))


def values(module):
    """What a module has, without what is None."""
    return {name: value for name in module.fields if (value := getattr(module, name)) not in (None, ())}


def test_types():
    assert len(modules.TYPES) == 37
    for type, cls in modules.TYPES.items():
        assert cls.type == type
        assert issubclass(cls, modules.Module)
        assert cls.__doc__
        assert modules.build(type, {}) is None
        assert modules.build(cls, {}, image_id=None, calibration=None) is None
    assert modules.build("instance", {}) is None
    assert "instance" not in modules.TYPES
    for file in pkgutil.iter_modules(modules.__path__):
        importlib.import_module(f"metalith.modules.{file.name}")
    assert dict(modules.TYPES) == modules.base.LOADED
    assert {*modules.table.FILES} <= {*modules.__all__} <= {*dir(modules)}
    assert all(getattr(modules, name).__name__ == name for name in modules.table.FILES)
    assert {cls.__name__ for cls in modules.TYPES.values()} <= {*modules.__all__}


def test_study():
    assert values(modules.GeneralStudy.build(read("CT_small.dcm"))) == {
        "study_instance_uid": "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322",
        "study_description": "e+1",
        "study_date": "20040119",
        "study_time": "072730",
        "study_id": "1CT1",
    }


def test_series():
    made = modules.GeneralSeries.build(read("CT_small.dcm"))
    assert values(made) == {
        "study_instance_uid": "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322",
        "series_instance_uid": "1.3.6.1.4.1.5962.1.3.1.1.20040119072730.12322",
        "modality": "CT",
        "series_number": 1,
        "series_date": "19970430",
        "series_time": "112749",
        "acquisition_date": "19970430",
        "acquisition_time": "112936",
    }
    assert repr(made) == "GeneralSeries(modality='CT', series_number=1)"


def test_image():
    made = modules.GeneralImage.build(case("compressed twice"))
    assert values(made) == {
        "sop_instance_uid": "1.2",
        "lossy_image_compression": "01",
        "lossy_image_compression_ratio": (2.0, 10.5),
        "lossy_image_compression_method": ("ISO_10918_1", "ISO_15444_1"),
    }


def test_small_ones():
    instance = read("CT_small.dcm")
    assert values(modules.SopCommon.build(instance)) == {
        "sop_instance_uid": "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322",
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2",
    }
    uid = "1.3.6.1.4.1.5962.1.4.1.1.20040119072730.12322"
    assert modules.FrameOfReference.build(instance) == modules.FrameOfReference(uid, "SN")
    assert modules.PlanePosition.build(instance).image_position_patient == (-158.135803, -179.035797, -75.699997)
    assert modules.PlaneOrientation.build(instance).to_cornerstone() == {"imageOrientationPatient": [1, 0, 0, 0, 1, 0]}
    assert modules.PixelMeasures.build(instance) == modules.PixelMeasures((0.661468, 0.661468), 5.0, 5.0)
    assert modules.PlanePosition.build({"ImagePositionPatient": (1, 2)}) is None
    assert modules.build("temporalPositionIdentifier", {"TemporalPositionIdentifier": "3"}).to_cornerstone() == {
        "temporalPositionIdentifier": 3
    }
    assert modules.ClinicalTrial.build(case("trial")).to_cornerstone() == {
        "clinicalTrialSponsorName": "S",
        "clinicalTrialSiteId": "1",
        "clinicalTrialSiteName": "N",
        "clinicalTrialSubjectId": "2",
    }
    geometry = modules.XrayGeometry.build(instance)
    assert (geometry.distance_source_to_detector, geometry.distance_source_to_patient) == (1099.3100585938, 630.0)


PATIENT = {
    "patientId": "P1",
    "patientName": {"Alphabetic": "Doe^John"},
    "patientBirthDate": "19700101",
    "patientBirthTime": "0000",
    "patientSex": "M",
}


def test_patient():
    made = modules.Patient.build(case("patient"))
    assert made.to_cornerstone() == PATIENT
    assert made.patient_name.family_name == "Doe"
    study = modules.PatientStudy.build(case("patient"))
    assert study == modules.PatientStudy("045Y", 1.75, "M", 70.0)
    assert study.age_years == 45
    assert modules.PatientDemographic.build(case("patient")).patient_sex == "M"
    for one in (made, study, modules.PatientDemographic.build(case("patient"))):
        assert repr(one) == f"{type(one).__name__}()"


@pytest.mark.parametrize("name", [{"Alphabetic": "Doe^John"}, [{"Alphabetic": "Doe^John"}], "Doe^John", ("Doe^John",)])
def test_names_in_every_form(name):
    assert modules.Patient.build({"PatientName": name}).patient_name == metalith.PersonName("Doe^John")


@pytest.mark.parametrize("name", sorted(CASES))
def test_reprs_show_no_texts_of_patients(name):
    secrets = {"P1", "Doe", "19700101", "045Y", "110000", "20240229110000"}
    for type in modules.TYPES:
        made = modules.build(type, case(name))
        assert not any(secret in repr(made) for secret in secrets)


@pytest.mark.parametrize("name", sorted(CASES))
def test_values_of_modules(name):
    instance = case(name)
    for type in modules.TYPES:
        made = modules.build(type, instance, image_id="wadors:https://host/studies/1/series/2/instances/3")
        if made is not None:
            assert pickle.loads(pickle.dumps(made)) == made == copy.deepcopy(made)
            assert hash(made) == hash(modules.build(type, instance, image_id=str(IMAGE)))
            assert json.dumps(made.to_cornerstone())


IMAGE = "wadors:https://host/studies/1/series/2/instances/3"


def test_pet():
    instance = case("pet")
    assert modules.PetSeries.build(instance).to_cornerstone() == {
        "correctedImage": ["DECY", "ATTN"],
        "units": "BQML",
        "decayCorrection": "START",
    }
    assert modules.PetImage.build(instance) == modules.PetImage(1500.0, 120000.0)
    assert modules.PetIsotope.build(instance).to_cornerstone() == {
        "radiopharmaceuticalInfo": {
            "radiopharmaceuticalStartTime": "110000",
            "radiopharmaceuticalStopTime": "110001",
            "radionuclideTotalDose": 4e8,
            "radionuclideHalfLife": 6588,
        }
    }
    second = modules.PetIsotope.build(case("two isotopes")).radiopharmaceuticals[1]
    assert second == modules.Radiopharmaceutical(start_date_time="20240229110000", total_dose=1e8)
    flat = {"RadiopharmaceuticalInformationSequence": {"RadionuclideTotalDose": "1e6"}}
    assert modules.PetIsotope.build(flat).radiopharmaceuticals[0].total_dose == 1e6
    for kind in (modules.PetSeries, modules.PetImage, modules.PetIsotope):
        assert kind.build(read("CT_small.dcm")) is None


def test_pet_of_a_file_is_that_of_json():
    dataset = pydicom.Dataset.from_json(CASES["pet"])
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    dataset.file_meta.MediaStorageSOPClassUID, dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, "1.2"
    file = pydicom.filebase.DicomBytesIO()
    pydicom.dcmwrite(file, dataset, enforce_file_format=True)
    instance = metalith.read(file.getvalue())
    for kind in (modules.PetSeries, modules.PetImage, modules.PetIsotope):
        assert kind.build(instance) == kind.build(case("pet"))


def test_real_ultrasound():
    first, second = modules.UltrasoundEnhancedRegion.build(read("examples_palette.dcm")).regions
    assert values(first) == {
        "physical_delta_x": 0.02622878766196998,
        "physical_delta_y": 0.02622878766196998,
        "physical_units_x_direction": 3,
        "physical_units_y_direction": 3,
        "region_location_min_x0": 120,
        "region_location_min_y0": 60,
        "region_location_max_x1": 800,
        "region_location_max_y1": 518,
        "reference_pixel_x0": 340,
        "reference_pixel_y0": 36,
        "reference_physical_pixel_value_x": 0.0,
        "reference_physical_pixel_value_y": 0.0,
        "region_spatial_format": 1,
        "region_data_type": 1,
        "region_flags": 3,
    }
    assert first != second
    made = modules.Calibration.build(read("examples_palette.dcm"))
    assert (made.regions, made.source) == ((first, second), "SequenceOfUltrasoundRegions")


def test_calibration_of_a_user():
    region = {"physicalDeltaX": 0.5, "regionDataType": 1}
    given = {"type": "Region", "sequenceOfUltrasoundRegions": [region]}
    made = modules.Calibration.build(case("regions"), calibration=given)
    assert (made.to_cornerstone(), made.source) == ({"sequenceOfUltrasoundRegions": [region]}, "calibration")
    assert modules.Calibration.build(case("regions"), calibration={"scale": 2}).source == "SequenceOfUltrasoundRegions"
    objects = {"sequence_of_ultrasound_regions": made.regions}
    assert modules.Calibration.build({}, calibration=objects) == made
    assert modules.Calibration.build(case("plane")) is None


@pytest.mark.parametrize("bulk_above", [None, 16])
def test_real_ecg(bulk_above):
    options = {} if bulk_above is None else {"bulk_above": bulk_above}
    made = modules.Ecg.build(metalith.read(get_testdata_file("waveform_ecg.dcm"), **options))
    first, second = made.groups
    assert (made.modality, first.multiplex_group_label, first.sampling_frequency) == ("ECG", "RHYTHM", 1000.0)
    assert (first.number_of_waveform_channels, first.number_of_waveform_samples) == (12, 10000)
    assert second.number_of_waveform_samples == 1200
    lead = first.channels[0]
    assert (lead.source, lead.sensitivity, lead.units) == ("Lead I (Einthoven)", 1.25, "uV")
    assert (lead.filter_low_frequency, lead.filter_high_frequency) == (0.05, 300.0)
    stored = first.samples()
    assert (len(stored), stored[0].dtype, stored[0][:2].tolist(), stored[3][1]) == (12, np.int16, [80, 65], -75)
    expected = pydicom.dcmread(get_testdata_file("waveform_ecg.dcm")).waveform_array(0)
    assert np.allclose(np.transpose(first.physical()), expected)
    region = modules.Calibration.build(metalith.read(get_testdata_file("waveform_ecg.dcm")))
    assert (region.source, region.regions[0].physical_delta_x) == ("WaveformSequence", 0.001)
    assert region.regions[0].region_location_max_x1 == 10000


def test_waveforms_that_cannot_be_read():
    item = {"NumberOfWaveformChannels": 2, "NumberOfWaveformSamples": 2, "WaveformData": b"\0\0"}
    with pytest.raises(metalith.BulkDataError, match="does not say how"):
        modules.Ecg.build({"WaveformSequence": [item]}).groups[0].samples()
    item |= {"WaveformBitsAllocated": 16, "WaveformSampleInterpretation": "SS"}
    with pytest.raises(metalith.BulkDataError, match="2 channels of 2 samples"):
        modules.Ecg.build({"WaveformSequence": [item]}).groups[0].samples()


def test_cine():
    made = modules.Cine.build(read("examples_ybr_color.dcm"))
    assert values(made) == {"frame_time": 33.333, "number_of_frames": 30}
    assert modules.Cine.build({"NumberOfFrames": 3}) is None


def test_frame():
    instance = read("rtdose.dcm")
    made = modules.Frame.build(instance, image_id=f"{IMAGE}/frames/4")
    assert (made.frame_number, made.number_of_frames) == (4, 15)
    assert made.to_cornerstone()["sopClassUID"] == "1.2.840.10008.5.1.4.1.1.481.2"
    assert modules.Frame.build(read("CT_small.dcm")).number_of_frames == 1


def test_multiframe():
    frames = [{"PlanePositionSequence": [{"ImagePositionPatient": (0.0, 0.0, z)}]} for z in (1.0, 2.0)]
    shared = [{"PixelMeasuresSequence": [{"SliceThickness": 3.0}]}]
    data = {"NumberOfFrames": 2, "PerFrameFunctionalGroupsSequence": frames, "SharedFunctionalGroupsSequence": shared}
    made = modules.MultiFrame.build(data, image_id=f"{IMAGE}/frames/2")
    assert (made.number_of_frames, made.frame_number) == (2, 2)
    assert made.to_cornerstone() == {
        "NumberOfFrames": 2,
        "PerFrameFunctionalInformation": [{"ImagePositionPatient": [0, 0, 2]}],
        "SharedFunctionalInformation": [{"SliceThickness": 3}],
    }
    assert modules.MultiFrame.build(data, image_id=f"{IMAGE}/frames/3").per_frame_functional_groups is None


def test_enhanced_file(shared):
    path = shared / "data" / "enhanced" / "IM_0027_fMAP.dcm"
    if not path.exists():
        pytest.skip("no enhanced file among the shared data")
    made = modules.MultiFrame.build(metalith.read(path), image_id=f"{IMAGE}/frames/64")
    assert made.number_of_frames == 64
    per_frame = made.per_frame_functional_groups
    assert len(per_frame.PlanePositionSequence.ImagePositionPatient) == 3


def test_nuclear_medicine():
    detector = {"ImageOrientationPatient": (1, 0, 0, 0, 1, 0), "ImagePositionPatient": (1, 2, 3)}
    data = {"Modality": "NM", "ImageType": ("ORIGINAL", "PRIMARY", "RECON TOMO"), "NumberOfFrames": 2}
    made = modules.NmMultiFrameGeometry.build(data | {"DetectorInformationSequence": [detector]})
    assert made.to_cornerstone() == {
        "modality": "NM",
        "imageType": ["ORIGINAL", "PRIMARY", "RECON TOMO"],
        "imageSubType": "RECON TOMO",
        "imageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "imagePositionPatient": [1, 2, 3],
        "numberOfFrames": 2,
        "isNMReconstructable": True,
    }
    real = modules.NmMultiFrameGeometry.build(read("JPEG-lossy.dcm"))
    assert (real.image_sub_type, real.is_nm_reconstructable, real.pixel_spacing) == ("WHOLE BODY", False, (2.26, 2.26))
    assert modules.NmMultiFrameGeometry.build(read("CT_small.dcm")) is None


def test_transfer_syntax():
    assert modules.TransferSyntax.build(read("JPEG2000.dcm")).transfer_syntax_uid == SYNTAX + "91"
    made = modules.TransferSyntax.build({"AvailableTransferSyntaxUID": (SYNTAX + "103", SYNTAX + "50")})
    assert made.to_cornerstone() == {
        "transferSyntaxUID": SYNTAX + "103",
        "availableTransferSyntaxUID": [SYNTAX + "103", SYNTAX + "50"],
        "isVideo": True,
    }
    assert not modules.TransferSyntax.build({"TransferSyntaxUID": SYNTAX + "50"}).is_video
    assert modules.TransferSyntax.build(read("meta_missing_tsyntax.dcm")) is None


def test_ids():
    data = {"PhotometricInterpretation": "RGB", "NumberOfFrames": 3}
    frame = f"{IMAGE}/frames/2"
    assert modules.build("uriModule", data, image_id=frame).to_cornerstone() == {
        "baseImageId": IMAGE,
        "frameNumber": 2,
        "framesString": "2",
        "remaining": "",
    }
    assert modules.build("uriModule", data, image_id=IMAGE) is None
    assert modules.build("baseImageId", data, image_id=frame) == IMAGE
    assert modules.build("baseImageId", data, image_id=frame).to_cornerstone() == IMAGE
    ids = modules.build("frameImageIds", data, image_id=frame)
    assert ids == tuple(f"{IMAGE}/frames/{number}" for number in (1, 2, 3))  # D7: not …/frames/2/frames/1
    assert modules.build("frameImageIds", {}, image_id=IMAGE) == (IMAGE,)


@pytest.mark.parametrize(
    ("image_id", "data", "rendered"),
    [
        (f"{IMAGE}/frames/2", {}, "/frames/2/rendered"),
        (IMAGE, {}, "/rendered"),
        (f"{IMAGE}/frames/1", {"TransferSyntaxUID": SYNTAX + "102"}, "/rendered"),
    ],
)
def test_urls(image_id, data, rendered):
    made = modules.build("imageUrlModule", data, image_id=image_id)
    assert made.rendered == IMAGE[7:] + rendered
    assert made.thumbnail == IMAGE[7:] + rendered.replace("rendered", "thumbnail")
    assert made.is_video == bool(data)
    assert modules.build("imageUrlModule", data, image_id="wadouri:https://host/a") is None


@pytest.mark.parametrize(
    "name", ["UN_sequence.dcm", "no_meta_group_length.dcm", "meta_missing_tsyntax.dcm", "badVR.dcm", "rtplan.dcm"]
)
def test_odd_files(name):
    instance = read(name)
    for type in modules.TYPES:
        made = modules.build(type, instance, image_id=IMAGE)
        assert made is None or json.dumps(made.to_cornerstone())


JUNK = [None, "", "x", (), (None,), ("x", "y", "z"), 1, -1, 1.5, float("nan"), b"\0", {}, [{}], [None], True, object()]


@pytest.mark.parametrize("junk", JUNK, ids=[type(one).__name__ for one in JUNK])
def test_any_value_anywhere(junk):
    class Anything:
        def get(self, keyword, default=None):
            return junk

    for kind in modules.TYPES.values():
        made = kind.build(Anything(), image_id=IMAGE)
        assert made is None or repr(made)


@pytest.mark.parametrize(
    "name", ["modules", *(f"modules.{one.name}" for one in pkgutil.iter_modules(modules.__path__))]
)
def test_documentation(name):
    module = importlib.import_module(f"metalith.{name}")
    assert module.__doc__
    assert doctest.testmod(module).failed == 0
