"""ImagePlane and the distances of pixels: values of real files, the rules of radiography, what is not invented."""

from __future__ import annotations

import copy
import json
import pickle
from itertools import pairwise

import pydicom
import pytest
from models.module_cases import CASES, CR, CT
from pydicom.data import get_testdata_file

import metalith
from metalith import modules
from metalith.frames import frame_of
from metalith.modules import CalibratedPixelSpacing, ImagePlane


def case(name):
    return metalith.naturalize_dataset(CASES[name])


def plane(name):
    return ImagePlane.build(case(name))


def test_real_ct():
    made = modules.build("imagePlaneModule", metalith.read(get_testdata_file("CT_small.dcm")))
    assert made == ImagePlane(
        frame_of_reference_uid="1.3.6.1.4.1.5962.1.4.1.1.20040119072730.12322",
        rows=128,
        columns=128,
        image_orientation_patient=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        row_cosines=(1.0, 0.0, 0.0),
        column_cosines=(0.0, 1.0, 0.0),
        image_position_patient=(-158.135803, -179.035797, -75.699997),
        slice_location=-77.2040634155,
        pixel_spacing=(0.661468, 0.661468),
        slice_thickness=5.0,
        spacing_between_slices=5.0,
        pixel_spacing_source="PixelSpacing",
        calibration_type="",
    )
    assert made.normal == (0.0, 0.0, 1.0)
    assert made.defaults == frozenset()
    assert not made.using_default_values
    assert "1.3.6" not in repr(made)


def test_json_and_file_alike():
    instance = metalith.read(get_testdata_file("CT_small.dcm"))
    again = metalith.naturalize_dataset(metalith.denaturalize(instance))
    plain = dict(again.items())
    assert ImagePlane.build(instance) == ImagePlane.build(again) == ImagePlane.build(plain)


def test_real_series(shared):
    folder = shared / "data" / "t1"
    planes = [ImagePlane.build(metalith.read(path)) for path in sorted(folder.glob("*.dcm"))]
    if not planes:
        pytest.skip("no t1 among the shared data")
    assert len({one.pixel_spacing for one in planes}) == len({one.image_orientation_patient for one in planes}) == 1
    along = sorted(sum(a * b for a, b in zip(one.image_position_patient, one.normal, strict=True)) for one in planes)
    gaps = [after - before for before, after in pairwise(along)]
    assert gaps == pytest.approx([gaps[0]] * 23, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "spacing", "source", "kind", "factor"),
    [
        ("plane", (0.5, 0.25), "PixelSpacing", "", None),
        ("plane of strings", (0.5, 0.25), "PixelSpacing", "", None),
        ("one pixel spacing", None, None, None, None),
        ("geometry", (0.1, 0.1), "PixelSpacing", "ERMF", None),
        ("fiducial", (0.1, 0.1), "PixelSpacing", "Calibrated", None),
        ("factor", (0.3 / 1.5, 0.3 / 1.5), "ImagerPixelSpacing", "ERMF", 1.5),
        ("distances", (0.3 * 980 / 1100, 0.3 * 980 / 1100), "ImagerPixelSpacing", "ERMF", 1100 / 980),
        ("distances of strings", (0.3 * 980 / 1100, 0.3 * 980 / 1100), "ImagerPixelSpacing", "ERMF", 1100 / 980),
        ("entrance", (0.25, 0.25), "ImagerPixelSpacing", "ERMF", 1.2),
        ("corrected", (0.25, 0.25), "PixelSpacing", "ERMF", None),
        ("detector", (0.3, 0.3), "PixelSpacing", "Proj", None),
        ("imager alone", (0.3, 0.3), "ImagerPixelSpacing", "Proj", None),
        ("radiograph without imager", (0.3, 0.3), "PixelSpacing", "Unknown", None),
        ("center of the beam", (0.21, 0.21), "ObjectPixelSpacingInCenterOfBeam", "Calibrated", None),
        ("capture of a radiograph", (0.3, 0.3), "ImagerPixelSpacing", "Proj", None),
        ("scanned film", (0.1, 0.1), "NominalScannedPixelSpacing", "Unknown", None),
    ],
)
def test_where_spacing_comes_from(name, spacing, source, kind, factor):
    made = plane(name)
    if spacing is None:
        assert made.pixel_spacing is None
    else:
        assert made.pixel_spacing == pytest.approx(spacing, rel=1e-15)
        assert (made.row_pixel_spacing, made.column_pixel_spacing) == made.pixel_spacing
        known = modules.build("calibratedPixelSpacing", case(name))
        assert (known.pixel_spacing, known.calibration_type) == (made.pixel_spacing, kind)
    assert (made.pixel_spacing_source, made.calibration_type, made.magnification) == (source, kind, factor)


@pytest.mark.parametrize("distances", [{}, {"DistanceSourceToPatient": 1100}, {"DistanceSourceToPatient": 0}])
def test_no_magnification(distances):
    data = {"SOPClassUID": CR, "ImagerPixelSpacing": (0.3, 0.3), "DistanceSourceToDetector": 1000} | distances
    made = ImagePlane.build(data)
    assert (made.pixel_spacing, made.magnification, made.calibration_type) == ((0.3, 0.3), None, "Proj")


@pytest.mark.parametrize("spacing", [0.5, (0.5,), (0, 0), (-1, 1), ("a", "b"), (float("nan"), 1.0), (1, None), "", 1j])
def test_no_pair_of_distances(spacing):
    made = ImagePlane.build({"SOPClassUID": CT, "Rows": 4, "Columns": 4, "PixelSpacing": spacing})
    assert made.pixel_spacing is None
    assert "pixel_spacing" in made.defaults


def test_zero_between_single_rows():
    assert ImagePlane.build({"Rows": 1, "Columns": 4, "PixelSpacing": (0, 0.5)}).pixel_spacing == (0.0, 0.5)


def test_nothing_is_invented():
    made = ImagePlane.build({"Rows": 2, "Columns": 3})
    assert made == ImagePlane(rows=2, columns=3)
    assert made.defaults == {"image_orientation_patient", "image_position_patient", "pixel_spacing"}
    assert made.using_default_values
    assert made.normal is None
    assert made.to_cornerstone() == {
        "rows": 2,
        "columns": 3,
        "imageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "rowCosines": [1, 0, 0],
        "columnCosines": [0, 1, 0],
        "imagePositionPatient": [0, 0, 0],
        "sliceLocation": 0,
        "pixelSpacing": [1, 1],
        "rowPixelSpacing": 1,
        "columnPixelSpacing": 1,
        "usingDefaultValues": True,
        "isDefaultValueSetForRowCosine": True,
        "isDefaultValueSetForColumnCosine": True,
    }


def test_short_vectors_are_missing():
    made = ImagePlane.build({"Rows": 2, "ImageOrientationPatient": (1, 0, 0), "ImagePositionPatient": ()})
    assert made == ImagePlane(rows=2)


@pytest.mark.parametrize("data", [{}, {"SOPClassUID": CR}, {"SliceThickness": 1}, {"Rows": None}])
def test_no_plane(data):
    assert ImagePlane.build(data) is None


def test_frames_of_a_dose():
    instance = metalith.read(get_testdata_file("rtdose.dcm"))
    planes = [ImagePlane.build(frame_of(instance, number)) for number in (1, 4, 15)]
    assert [one.image_position_patient[2] for one in planes] == pytest.approx([-761.87, -746.87, -691.87], rel=1e-15)
    assert {one.pixel_spacing for one in planes} == {(10.0, 10.0)}


def test_frames_of_an_enhanced_image(shared):
    path = shared / "data" / "enhanced" / "IM_0027_fMAP.dcm"
    if not path.exists():
        pytest.skip("no enhanced file among the shared data")
    instance = metalith.read(path)
    groups = pydicom.dcmread(path, stop_before_pixels=True).PerFrameFunctionalGroupsSequence
    for number in (1, 2, 64):
        frame, group = frame_of(instance, number), groups[number - 1]
        made = ImagePlane.build(frame)
        assert made.image_position_patient == tuple(group.PlanePositionSequence[0].ImagePositionPatient)
        assert made.image_orientation_patient == tuple(group.PlaneOrientationSequence[0].ImageOrientationPatient)
        assert made.pixel_spacing == tuple(group.PixelMeasuresSequence[0].PixelSpacing)
        assert made.slice_thickness == group.PixelMeasuresSequence[0].SliceThickness
        assert not made.using_default_values
        assert modules.VoiLut.build(frame).window_center == (group.FrameVOILUTSequence[0].WindowCenter,)
        slope = group.PixelValueTransformationSequence[0].RescaleSlope
        assert modules.ModalityLut.build(frame).rescale_slope == slope
        assert modules.Frame.build(frame).frame_number == number
        assert modules.TransferSyntax.build(frame).transfer_syntax_uid == "1.2.840.10008.1.2.1"
        per_frame = modules.MultiFrame.build(frame).per_frame_functional_groups
        assert per_frame.PlanePositionSequence.ImagePositionPatient == made.image_position_patient


def test_numbers_are_numbers():
    data = {"Rows": "4", "Columns": 4.0, "ImageOrientationPatient": ["1", "0", 0, 0, 1, 0], "SliceThickness": "2.5"}
    made = ImagePlane.build(data | {"PixelSpacing": "0.5\\0.5", "ImagePositionPatient": [1, 2, 3]})
    assert (made.rows, made.columns, made.slice_thickness, made.pixel_spacing) == (4, 4, 2.5, (0.5, 0.5))
    assert [type(one) for one in made.image_orientation_patient + made.image_position_patient] == [float] * 9


DETECTOR = {"ImageOrientationPatient": (0.0, 1.0, 0.0, 0.0, 0.0, -1.0), "ImagePositionPatient": (1.0, 2.0, 3.0)}


def test_detector_of_reconstructed_nuclear_medicine():
    data = {"Rows": 4, "Columns": 4, "DetectorInformationSequence": [DETECTOR]}
    made = ImagePlane.build(data | {"ImageType": ("ORIGINAL", "PRIMARY", "RECON TOMO ", "EMISSION")})
    assert made.image_position_patient == (1.0, 2.0, 3.0)
    assert made.row_cosines == (0.0, 1.0, 0.0)
    assert made.geometry_source == "DetectorInformationSequence"
    assert ImagePlane.build(data | {"ImageType": ("ORIGINAL", "PRIMARY", "STATIC")}).image_position_patient is None
    own = {"ImageType": ("ORIGINAL", "PRIMARY", "RECON TOMO"), "ImagePositionPatient": (9.0, 9.0, 9.0)}
    assert ImagePlane.build(data | own).image_position_patient == (9.0, 9.0, 9.0)


def test_calibration():
    given = {"rowPixelSpacing": 0.5, "columnPixelSpacing": "0.25", "type": "User"}
    for calibration in (given, modules.spacing.calibrated(given)):
        made = ImagePlane.build(case("plane"), calibration=calibration)
        assert (made.pixel_spacing, made.pixel_spacing_source) == ((0.5, 0.25), "calibration")
        assert made.calibration_type == "User"
    found = modules.build(CalibratedPixelSpacing, case("plane"), calibration={"scale": 2})
    assert found == CalibratedPixelSpacing(scale=2.0)
    assert ImagePlane.build(case("plane"), calibration={"scale": 2}) == plane("plane")  # consumers apply a scale
    assert CalibratedPixelSpacing.build({}) is None
    with pytest.raises(TypeError, match="a calibration is a mapping"):
        ImagePlane.build(case("plane"), calibration=0.5)


def test_immutable():
    made = plane("plane")
    with pytest.raises(AttributeError):
        made.rows = 3
    assert pickle.loads(pickle.dumps(made)) == made == copy.deepcopy(made)
    assert hash(made) == hash(plane("plane"))
    assert made != plane("detector")
    assert json.dumps(made.to_cornerstone())
    assert made.fields[:3] == ("frame_of_reference_uid", "rows", "columns")


def test_where_a_frame_has_its_geometry_from(real_bodies):
    dose = metalith.read(get_testdata_file("rtdose.dcm"))
    assert ImagePlane.build(dose).geometry_source is None
    assert ImagePlane.build(frame_of(dose, 2)).geometry_source == "GridFrameOffsetVector"
    enhanced = metalith.naturalize(real_bodies("enhanced-part10"))[0]
    assert ImagePlane.build(frame_of(enhanced, 2)).geometry_source == "PerFrameFunctionalGroupsSequence"
    plain = frame_of(case("plane"), 1)
    assert ImagePlane.build(plain).geometry_source is None
    given = {"vr": "DS", "Value": [1, 0, 0, 0, 1, 0]}
    detector = {"00200037": given, "00200032": {"vr": "DS", "Value": [1, 2, 3]}}
    nuclear = {"00280008": {"vr": "IS", "Value": [2]}, "00540022": {"vr": "SQ", "Value": [detector]}}
    made = ImagePlane.build(frame_of(metalith.naturalize_dataset(nuclear), 1))
    assert (made.image_position_patient, made.geometry_source) == ((1.0, 2.0, 3.0), "DetectorInformationSequence")
    shared = {"52009229": {"vr": "SQ", "Value": [{"00209116": {"vr": "SQ", "Value": [{"00200037": given}]}}]}}
    made = ImagePlane.build(frame_of(metalith.naturalize_dataset(shared), 1))
    assert (made.image_position_patient, made.geometry_source) == (None, "SharedFunctionalGroupsSequence")
    assert (
        ImagePlane.build(frame_of(metalith.naturalize_dataset({"00280010": {"vr": "US", "Value": [4]}}), 1)).rows == 4
    )
