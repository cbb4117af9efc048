"""Frames: views that combine functional groups, root, detectors and grids, against a slow model and by example."""

from __future__ import annotations

import copy
import pickle
import random
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import frame_model
from pydicom.data import get_testdata_file

import metalith
from metalith import frames_groups
from metalith.frames import FrameError, FrameInstance, frame_of, frames_of, number_of_frames

OBJECTS = st.randoms(use_true_random=False).map(frame_model.make)


def ds(*values):
    return {"vr": "DS", "Value": list(values)}


def sq(*items):
    return {"vr": "SQ", "Value": list(items)}


def plane(position, **more):
    return {"00209113": sq({"00200032": ds(*position)}), **more}


def instance_of(frames=None, **elements):
    if frames is not None:
        elements["00280008"] = {"vr": "IS", "Value": [frames]}
    return metalith.naturalize_dataset(elements)


def check(dataset):
    """Every attribute of every frame is what the model says."""
    root = metalith.naturalize_dataset(dataset)
    before = root.to_dict()
    frames = frames_of(root)
    assert len(frames) == frame_model.count(dataset)
    for frame in frames:
        wanted = frame_model.combine(dataset, frame.frame_number)
        assert {f"{frame.tag(name):08X}" for name in frame} == set(wanted)
        for tag, (source, element) in wanted.items():
            assert frame.source_of(tag) == source, tag
            if isinstance(element, list):
                np.testing.assert_allclose(frame.values(tag), element, rtol=1e-13, atol=1e-13)
            else:
                assert frame[tag] == frame[int(tag, 16)] == metalith.naturalize_dataset({tag: element})[tag], tag
                assert frame.vr(tag) == element["vr"]
        assert [frame.get(name) for name in frame] == [value for _, value in frame.items()]
        assert frame.to_instance() == frame
        assert hash(frame.to_instance()) == hash(frame)
    assert root.to_dict() == before
    return frames


@settings(max_examples=300, deadline=None)
@given(OBJECTS)
def test_any_object(dataset):
    check(dataset)


@settings(max_examples=150, deadline=None)
@given(OBJECTS)
def test_columns_of_any_object(dataset):
    frames = frames_of(metalith.naturalize_dataset(dataset))
    for name in {name for frame in frames for name in frame}:
        values = [frame.get(name) for frame in frames]
        assert [*frames.column(name, dtype=object)] == values
        if name in ("ImagePositionPatient", "RescaleSlope") and any(value is not None for value in values):
            missing = (np.nan,) * 3 if name == "ImagePositionPatient" else np.nan
            numbers = np.array([missing if value is None else value for value in values], dtype=np.float64)
            np.testing.assert_array_equal(frames.column(name), numbers)


# ---- real files ----


@pytest.mark.parametrize("name", ["liver_1frame.dcm", "rtdose.dcm", "JPEG2000.dcm", "SC_rgb_rle_2frame.dcm"])
def test_files(name):
    root = metalith.read(get_testdata_file(name))
    check(root.to_dict("dicom"))


def test_enhanced_mr(shared):
    root = metalith.read(shared / "data" / "enhanced" / "IM_0027_fMAP.dcm")
    frames = frames_of(root)
    assert len(frames) == 64
    assert frames.column("ImagePositionPatient").shape == (64, 3)
    third = frames.frame(3)
    assert third.ImagePositionPatient == (-127.24319696426, -119.7766046524, -30.35459083526)
    assert third.PixelSpacing == (4.0, 4.0)
    assert third.RescaleSlope == 1.27985347985347
    assert third.FrameType == third.MRImageFrameTypeSequence.FrameType == ("ORIGINAL", "PRIMARY", "T1", "M")
    assert third.RealWorldValueMappingSequence.RealWorldValueSlope == pytest.approx(third.RescaleSlope)
    assert "RealWorldValueSlope" not in third
    assert (third.source_of("FlipAngle"), third.source_of("FlipAngle"), third.FlipAngle) == ("shared", "shared", 12.0)
    # the private groups hold the classic image of each frame: another object, with other positions and classes
    assert third.SOPClassUID == root.SOPClassUID
    assert third.SOPInstanceUID == root.SOPInstanceUID
    assert third["2005140F"][0].ImagePositionPatient != third.ImagePositionPatient
    assert third.raw("PixelSpacing") == root.PerFrameFunctionalGroupsSequence[2].PixelMeasuresSequence[0].raw(
        "PixelSpacing"
    )
    check(root.to_dict("dicom"))


def test_segmentation_with_one_frame():
    """Cornerstone's D3: enhanced objects with one frame are taken apart, too."""
    frame = frame_of(metalith.read(get_testdata_file("liver_1frame.dcm")), 1)
    assert frame.PixelSpacing == (0.810547, 0.810547)
    assert frame.ReferencedSegmentNumber == 1
    assert frame.source_of("PixelSpacing") == "shared"


def test_dose_grid():
    root = metalith.read(get_testdata_file("rtdose.dcm"))
    positions = frames_of(root).column("ImagePositionPatient")
    x, y, z = root.ImagePositionPatient
    np.testing.assert_array_equal(positions, [(x, y, z + offset) for offset in root.GridFrameOffsetVector])
    assert frame_of(root, 15).source_of("ImagePositionPatient") == "grid"
    assert root.ImagePositionPatient == (x, y, z)


@pytest.mark.parametrize("name", ["badVR.dcm", "rtdose_1frame.dcm", "CT_small.dcm"])
def test_what_has_no_count_has_one_frame(name):
    root = metalith.read(get_testdata_file(name))
    frame = frame_of(root, 1)
    assert number_of_frames(root) == 1
    assert frame.get("Rows") == root.get("Rows")
    assert frame.ImagePositionPatient == root.ImagePositionPatient


# ---- precedence ----


def test_per_frame_over_shared_over_root():
    root = instance_of(
        2,
        **plane((9, 9, 9)),
        **{
            "00280030": ds(1, 1),
            "00180050": ds(5),
            "52009229": sq({"00289110": sq({"00280030": ds(2, 2), "00180088": ds(3)})}),
            "52009230": sq({"00289110": sq({"00280030": ds(3, 3)})}, {"00209113": sq({"00200032": ds(1, 2, 3)})}),
        },
    )
    first, second = frames_of(root)
    assert (first.PixelSpacing, first.source_of("PixelSpacing")) == ((3.0, 3.0), "per-frame")
    assert (second.PixelSpacing, second.source_of("PixelSpacing")) == ((2.0, 2.0), "shared")
    assert (second.SpacingBetweenSlices, second.SliceThickness) == (3.0, 5.0)
    assert "ImagePositionPatient" not in first  # nothing invented
    assert second.PlanePositionSequence.ImagePositionPatient == (1.0, 2.0, 3.0)


def test_root_position_does_not_override_frames():
    """OHIF's D12."""
    root = instance_of(2, **{"00200032": ds(0, 0, 0), "52009230": sq(plane((0, 0, 1)), plane((0, 0, 2)))})
    assert frames_of(root).column("ImagePositionPatient")[:, 2].tolist() == [1.0, 2.0]


def test_per_frame_without_shared():
    """Cornerstone's D4."""
    root = instance_of(1, **{"52009230": sq(plane((0.1, 0.2, 0.3)))})
    assert frame_of(root, 1).ImagePositionPatient == (0.1, 0.2, 0.3)  # D11: not the nearest float32


def test_shared_without_per_frame():
    root = instance_of(3, **{"52009229": sq({"00289110": sq({"00280030": ds(2, 2)})})})
    column = frames_of(root).column("PixelSpacing")
    assert column.tolist() == [[2.0, 2.0]] * 3
    assert not column.flags.writeable


def test_private_groups_go_behind_standard_ones():
    private = {"00210010": {"vr": "LO", "Value": ["MAKER"]}, "00211001": ds(4), "00281053": ds(7)}
    standard = {"00289145": sq({"00281053": ds(2)})}
    root = instance_of(1, **{"52009230": sq({**standard, "0021100E": sq(private)})})
    frame = frame_of(root, 1)
    assert frame.RescaleSlope == 2.0
    assert frame.private("MAKER", 0x21, 0x01) == 4.0
    assert frame.private("NOBODY", 0x21, 0x01, None) is None
    with pytest.raises(KeyError):
        frame.private("NOBODY", 0x21, 0x01)


def test_references_are_not_merged():
    reference = {"00080018": {"vr": "UI", "Value": ["1.2"]}, "00280030": ds(8, 8)}
    root = instance_of(1, **{"52009230": sq({"00081140": sq(reference), "00289110": sq(reference)})})
    frame = frame_of(root, 1)
    assert "PixelSpacing" not in frame
    assert "SOPInstanceUID" not in frame
    assert len(frame.ReferencedImageSequence) == 1


# ---- dose grids, detectors, tiles, times ----


@pytest.mark.parametrize(
    ("origin", "orientation", "offsets", "expected"),
    [
        ((1, 2, 3), (1, 0, 0, 0, 1, 0), (0, 2.5), (1, 2, 5.5)),
        ((1, 2, 3), (1, 0, 0, 0, 1, 0), (3, 5.5), (1, 2, 5.5)),
        ((1, 2, 3), (0, 1, 0, 0, 0, 1), (0, 2.5), (3.5, 2, 3)),
        ((1, 2, 3), (0, 1, 0, 0, 0, 1), (3, 5.5), (1, 2, 3)),
        ((1, 2, 3), (1, 0, 0, 0, 1, 0), (0,), (1, 2, 3)),
        ((1, 2, 3), (1, 0, 0, 0, 1, 0), ("x", 1), (1, 2, 3)),
    ],
)
def test_grids(origin, orientation, offsets, expected):
    root = instance_of(2, **{"00200032": ds(*origin), "00200037": ds(*orientation), "3004000C": ds(*offsets)})
    assert frame_of(root, 2).ImagePositionPatient == expected


def nuclear(frames, **elements):
    detectors = [{"00200032": ds(x, 0, 0), "00200037": ds(1, 0, 0, 0, 1, 0)} for x in (1, 2)]
    return instance_of(frames, **{"00540022": sq(*detectors), **elements})


def test_detectors():
    frames = frames_of(nuclear(3, **{"00180088": ds(-2)}))
    assert frames.column("ImagePositionPatient").tolist() == [[1, 0, 0], [1, 0, -2], [1, 0, -4]]
    assert frames[0].source_of("ImagePositionPatient") == frames[0].source_of("ImageOrientationPatient") == "detector"
    assert frames[0].raw("ImageOrientationPatient") == ("1", "0", "0", "0", "1", "0")
    assert frames[0].vr("ImagePositionPatient") == "DS"
    assert frames[0].tag("ImagePositionPatient") == 0x00200032
    with pytest.raises(KeyError):
        frames[0].raw("ImagePositionPatient")  # computed, never sent
    assert "ImagePositionPatient" not in frames_of(nuclear(2))[1]  # how far the slices are apart is not said


def test_vectors():
    us = {"vr": "US"}
    root = nuclear(
        4,
        **{
            "00540020": {**us, "Value": [1, 1, 2, 2]},
            "00540080": {**us, "Value": [1, 2, 1, 2]},
            "00180088": ds(3),
            "00540052": sq({"00181144": ds(6)}),
            "00540050": {**us, "Value": [1, 1, 1, 2]},
        },
    )
    frames = frames_of(root)
    assert frames.column("ImagePositionPatient").tolist() == [[1, 0, 0], [1, 0, 3], [2, 0, 0], [2, 0, 3]]
    assert frames[2].item_of("DetectorInformationSequence") == root.DetectorInformationSequence[1]
    assert frames[2].item_of("RotationInformationSequence").AngularStep == 6.0
    assert frames[3].item_of("RotationInformationSequence") is None
    assert frames[0].item_of("EnergyWindowInformationSequence") is None
    with pytest.raises(ValueError, match="DetectorInformationSequence"):
        frames[0].item_of("PatientName")


def test_spacing_beyond_doubles():
    huge = {"vr": "SV", "Value": [10**400]}
    assert "ImagePositionPatient" not in frame_of(nuclear(2, **{"00180088": huge}), 2)
    assert "ImagePositionPatient" not in frame_of(nuclear(1, **{"00180088": ds(1), "00540080": huge}), 1)


def test_projections_stay_with_their_detector():
    root = nuclear(2, **{"00540020": {"vr": "US", "Value": [1, 2]}, "00180088": ds(3)})
    assert frames_of(root).column("ImagePositionPatient").tolist() == [[1, 0, 0], [2, 0, 0]]


def slide(frames, **elements):
    sizes = {tag: {"vr": "UL", "Value": [size]} for tag, size in zip(frame_model.TILES, (10, 5, 4, 3), strict=True)}
    return instance_of(frames, **{"00209311": {"vr": "CS", "Value": ["TILED_FULL"]}, **sizes, **elements})


def test_tiles():
    frames = frames_of(slide(12))
    assert frames.column("ColumnPositionInTotalImagePixelMatrix").tolist() == [1, 5, 9] * 4
    assert frames.column("RowPositionInTotalImagePixelMatrix").tolist() == ([1] * 3 + [4] * 3) * 2
    assert frames[1].vr("RowPositionInTotalImagePixelMatrix") == "SL"
    given = {"52009230": sq({"0048021A": sq({"0048021E": {"vr": "SL", "Value": [7]}})})}
    frame = frames_of(slide(1, **given))[0]
    assert frame.ColumnPositionInTotalImagePixelMatrix == 7
    assert "RowPositionInTotalImagePixelMatrix" not in frame


def test_times():
    assert [f.relative_time for f in frames_of(instance_of(3, **{"00181065": ds(0, 10, 20.5)}))] == [0, 10, 30.5]
    assert [f.relative_time for f in frames_of(instance_of(3, **{"00181063": ds(40)}))] == [0, 40, 80]
    assert [f.relative_time for f in frames_of(instance_of(3, **{"00181065": ds(0, 10)}))] == [0, 10, None]
    assert frame_of(instance_of(2), 2).relative_time is None


# ---- numbers of frames ----


@pytest.mark.parametrize("number", [0, -1, 3, 99])
def test_out_of_range(number):
    with pytest.raises(FrameError, match=f"no frame {number}: the object has 2 frames, counted from 1") as caught:
        frame_of(instance_of(2), number)
    assert isinstance(caught.value, IndexError)
    assert isinstance(caught.value, metalith.MetalithError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize("number", ["1", 1.0, None])
def test_no_number(number):
    with pytest.raises(TypeError):
        frame_of(instance_of(2), number)


@pytest.mark.parametrize("count", ["", "x", 0, -3, 1.5, 2**40])
def test_odd_counts(count):
    assert number_of_frames(instance_of(count)) == 1


def test_any_count_costs_nothing():
    frames = frames_of(instance_of(2**31 - 1, **{"00280010": {"vr": "US", "Value": [5]}}))
    assert (len(frames), frames[-1].frame_number, frames[-1].Rows) == (2**31 - 1, 2**31 - 1, 5)
    with pytest.raises(metalith.ColumnError, match="2,147,483,647 frames"):
        frames.column("Rows")


def test_missing_columns():
    groups = sq(plane((0, 0, 1)), {"00209113": sq({"00200032": ds(0, 0, 1), "00209057": {"vr": "UL", "Value": [7]}})})
    frames = frames_of(instance_of(2, **{"52009230": groups}))
    np.testing.assert_array_equal(frames.column("InStackPositionNumber"), [np.nan, 7])
    assert frames.column("InStackPositionNumber", masked=True).tolist() == [None, 7]
    assert frames.column("00209057", dtype=str).tolist() == ["", "7"]
    with pytest.raises(KeyError):
        frames.column("Rows")
    uneven = sq({"00289110": sq({"00280030": ds(1, 2)})}, {"00289110": sq({"00280030": ds(1, 2, 3)})})
    with pytest.raises(metalith.ColumnError):
        frames_of(instance_of(2, **{"52009230": uneven})).column("PixelSpacing")


def test_odd_groups():
    """Functional groups that are no sequences, or empty ones, say nothing."""
    for groups in ({"vr": "SQ"}, {"vr": "UN", "InlineBinary": "AAAA"}, sq({}, {"00209113": {"vr": "SQ"}}), sq({})):
        root = instance_of(2, **{"00200032": ds(1, 2, 3), "52009229": groups, "52009230": groups})
        assert frames_of(root).column("ImagePositionPatient").tolist() == [[1, 2, 3]] * 2
        assert "PlanePositionSequence" not in frame_of(root, 2)


@pytest.mark.parametrize("position", [("a", 1, 2), (1, 2), (1,), ("NaN", 0, 0), (10**400, 0, 0)])
def test_positions_that_are_none(position):
    """What cannot be computed with is handed out as it is, and nothing computed of it."""
    axial = {"00200037": ds(1, 0, 0, 0, 1, 0)}
    root = instance_of(2, **axial, **{"00200032": ds(*position), "3004000C": ds(0, 1)})
    assert frame_of(root, 2).raw("ImagePositionPatient") == root.raw("ImagePositionPatient")
    huge = instance_of(2, **axial, **{"00200032": ds(1, 2, 3), "3004000C": {"vr": "SV", "Value": [0, 10**400]}})
    assert frame_of(huge, 2).ImagePositionPatient == (1.0, 2.0, 3.0)
    detector = {"00540022": sq({"00200032": ds(*position), **axial}), "00180088": ds(1)}
    assert "ImagePositionPatient" not in frame_of(instance_of(2, **detector), 2)


def test_sequence():
    frames = frames_of(instance_of(3))
    assert [frame.frame_number for frame in frames] == [1, 2, 3]
    assert (frames[-1].frame_number, [f.frame_number for f in frames[1:]]) == (3, [2, 3])
    assert frames == frames_of(instance_of(3)) != frames_of(instance_of(2))
    assert pickle.loads(pickle.dumps(frames)) == frames
    for index in (3, -4):
        with pytest.raises(IndexError):
            frames[index]


def test_the_method():
    root = instance_of(2, **{"52009230": sq(plane((0, 0, 1)), plane((0, 0, 2)))})
    assert root.frame(2) == frame_of(root, 2)
    with pytest.raises(FrameError):
        root.frame(3)
    with pytest.raises(TypeError):
        root.frame("1")


# ---- as a mapping ----


def test_mapping():
    root = instance_of(2, **{"00280010": {"vr": "US", "Value": [5]}, "52009230": sq(plane((0, 0, 1)))})
    frame = frame_of(root, 1)
    assert isinstance(frame, FrameInstance)
    assert frame.Rows == frame["Rows"] == frame["00280010"] == frame["(0028,0010)"] == frame[0x00280010] == 5
    assert frame.get("00200032") == (0.0, 0.0, 1.0)
    assert ("Rows" in frame, 0x00200032 in frame, "Columns" in frame, None in frame) == (True, True, False, False)
    assert "PerFrameFunctionalGroupsSequence" not in frame
    assert list(frame) == ["Rows", "NumberOfFrames", "PlanePositionSequence", "ImagePositionPatient"]
    assert (len(frame), frame.get("Columns", 7), frame.values("Rows")) == (4, 7, (5,))
    assert frame.values() == [value for _, value in frame.items()]
    assert frame.to_dict()["ImagePositionPatient"] == [0.0, 0.0, 1.0]
    assert frame.to_dict("dicom")["00200032"] == ds(0, 0, 1)
    assert frame.to_dict("cornerstone")["ImagePositionPatient"] == [0, 0, 1]
    assert frame.instance is root
    assert "Rows" in dir(frame)
    for key in ("Columns", 0x00280011):
        with pytest.raises(KeyError):
            frame[key]
        with pytest.raises(KeyError):
            frame.source_of(key)
    with pytest.raises(AttributeError, match="Columns"):
        _ = frame.Columns
    with pytest.raises(AttributeError):
        _ = frame.nothing


def test_immutable():
    frame = frame_of(instance_of(1), 1)
    with pytest.raises(AttributeError):
        frame.Rows = 1
    with pytest.raises(AttributeError):
        frame.frame_number = 2
    with pytest.raises(AttributeError):
        del frame.frame_number
    assert copy.copy(frame) is copy.deepcopy(frame) is frame


def test_equality():
    groups = {"52009230": sq(plane((0, 0, 1)), plane((0, 0, 2)), plane((0, 0, 1)))}
    frames = frames_of(instance_of(3, **groups))
    assert frames[0] == frames[2] != frames[1]
    assert hash(frames[0]) == hash(frames[2])
    assert frames[0] == frame_of(instance_of(3, **groups), 1)
    assert frames[0] == dict(frames[0].items())
    assert frames[0] != 1
    assert pickle.loads(pickle.dumps(frames[1])) == frames[1]


# ---- what frames cost ----


def test_frames_are_views():
    """10,000 frames: no copy of the root, one layout for all, a few hundred bytes for each view."""
    count = 10_000
    items = [{**plane((0, 0, k)), "00289145": sq({"00281053": ds(1 + k % 7)})} for k in range(count)]
    private = {f"0009{element:04X}": {"vr": "LO", "Value": [f"text {element}"]} for element in range(0x1000, 0x1100)}
    root = instance_of(count, **{**private, "52009230": sq(*items)})
    frames = frames_of(root)
    column = frames.column("ImagePositionPatient")  # makes the values, which the object keeps
    misses = frames_groups._layout.cache_info().misses
    tracemalloc.start()
    made = list(frames)
    assert [frame.ImagePositionPatient[2] for frame in made] == column[:, 2].tolist()
    assert all(frame["00091001"] is root["00091001"] for frame in made)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held / count < 400
    assert len({id(frame._layout) for frame in made}) == 1
    assert frames_groups._layout.cache_info().misses == misses
    assert {id(frame.instance) for frame in made} == {id(root)}


def test_layouts_are_bounded():
    for seed in range(200):
        frame_of(metalith.naturalize_dataset(frame_model.make(random.Random(seed))), 1).keys()
    assert frames_groups._layout.cache_info().currsize <= 64
