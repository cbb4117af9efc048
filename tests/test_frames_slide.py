"""Tiles of slide images in order, and the same with positions said: against nested loops."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import slide_model
from models.slide_model import TAGS

import metalith
from metalith.frames import frames_of

SLIDES = st.integers(0, 10**6).map(lambda seed: slide_model.make(random.Random(seed)))
PATHS = {
    "0048021A": {"vr": "SQ", "Value": [{"0048021E": {"vr": "SL", "Value": [9]}}]},
    "00480207": {"vr": "SQ", "Value": [{"00480106": {"vr": "SH", "Value": ["path 1"]}}]},
}


def check(dataset, expected, source):
    frames = frames_of(metalith.naturalize_dataset(dataset))
    assert len(frames) == len(expected)
    for frame, wanted in zip(frames, expected, strict=True):
        assert {keyword for keyword in TAGS if keyword in frame} == {*wanted}
        for keyword, value in wanted.items():
            assert frame[keyword] == (pytest.approx(value, abs=1e-9) if isinstance(value, float) else value)
            assert frame.source_of(keyword) == source
            assert frame.vr(keyword) == TAGS[keyword][0]
            assert f"{frame.tag(keyword):08X}" == TAGS[keyword][1]
        assert frame.to_instance() == frame
        path = frame.item_of("OpticalPathSequence")
        assert (path and path.OpticalPathIdentifier) == wanted.get("OpticalPathIdentifier")
        segment = frame.item_of("SegmentSequence")
        assert (segment and segment.SegmentNumber) == wanted.get("ReferencedSegmentNumber")
    return frames


@settings(max_examples=200, deadline=None)
@given(SLIDES)
def test_any_slide(slide):
    check(*slide, "grid")


@settings(max_examples=100, deadline=None)
@given(SLIDES, st.randoms(use_true_random=False))
def test_the_same_with_positions_said(slide, rnd):
    dataset, frames = slide
    check(slide_model.sparse(dataset, frames, rnd), frames, "per-frame")


def test_generated_slides_are_of_all_kinds():
    made = [slide_model.make(random.Random(seed)) for seed in range(300)]
    for keyword in TAGS:
        assert sum(keyword in frames[0] for _, frames in made) > 20
    assert sum("00209228" in dataset for dataset, _ in made) > 20
    assert sum(any("ZOffset" in name for name in frames[-1]) for _, frames in made) < 260


def slide(**changes):
    dataset, _ = slide_model.make(random.Random(11))
    wide = {"00280008": {"vr": "IS", "Value": [12]}, "00480303": {"vr": "UL", "Value": [2]}}
    sizes = {tag: {"vr": "UL", "Value": [size]} for tag, size in zip(("00480006", "00480007", "00280011", "00280010"),
                                                                     (6, 2, 2, 2), strict=True)}  # fmt: skip
    paths = {"vr": "SQ", "Value": [{"00480106": {"vr": "SH", "Value": [f"path {one}"]}} for one in range(2)]}
    dataset = {**dataset, **wide, **sizes, "00480105": paths, **changes}
    dataset.pop("00209228", None)
    return frames_of(metalith.naturalize_dataset({tag: one for tag, one in dataset.items() if one is not None}))


def test_order():
    """Along the row, then down, then away from the glass, then by optical path."""
    frames = slide()
    assert frames.column("ColumnPositionInTotalImagePixelMatrix").tolist() == [1, 3, 5] * 4
    assert [*frames.column("OpticalPathIdentifier")] == ["path 0"] * 6 + ["path 1"] * 6
    assert frames[7].item_of("OpticalPathSequence") == frames.instance.OpticalPathSequence[1]
    with pytest.raises(KeyError):
        frames[0].raw("OpticalPathIdentifier")


def test_own_groups_go_before_the_order():
    """A group that says where a frame lies says all of it."""
    items = {"vr": "SQ", "Value": [PATHS, *({} for _ in range(11))]}
    frames = slide(**{"52009230": items})
    assert frames[0].ColumnPositionInTotalImagePixelMatrix == 9
    assert "RowPositionInTotalImagePixelMatrix" not in frames[0]
    assert frames[0].OpticalPathIdentifier == "path 1"
    assert frames[0].source_of("OpticalPathIdentifier") == "per-frame"
    assert frames[1].ColumnPositionInTotalImagePixelMatrix == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"00480006": None},
        {"00480007": {"vr": "UL", "Value": [0]}},
        {"00280010": {"vr": "US"}},
        {"00280011": {"vr": "UN", "InlineBinary": "AAAA"}},
        {"00209311": {"vr": "CS", "Value": ["3D"]}},
        {"00209311": {"vr": "CS", "Value": ["TILED_FULL", "3D"]}},
    ],
)
def test_what_has_no_order(changes):
    frame = slide(**changes)[0]
    assert not [keyword for keyword in TAGS if keyword in frame]


@pytest.mark.parametrize(
    "changes",
    [
        {"00480008": {"vr": "SQ"}},
        {"00480008": {"vr": "SQ", "Value": [{"0040072A": {"vr": "DS", "Value": ["x"]}}]}},
        {"00480102": {"vr": "DS", "Value": [1, 0, 0]}},
        {"52009229": {"vr": "SQ"}},
    ],
)
def test_what_has_no_place_on_the_slide(changes):
    frame = slide(**changes)[1]
    assert [keyword for keyword in TAGS if keyword in frame] == [
        "ColumnPositionInTotalImagePixelMatrix",
        "RowPositionInTotalImagePixelMatrix",
        "OpticalPathIdentifier",
    ]


def test_frames_beyond_the_paths():
    frames = slide(**{"00280008": {"vr": "IS", "Value": [15]}})
    assert frames[11].OpticalPathIdentifier == "path 1"
    assert "OpticalPathIdentifier" not in frames[12]
    assert frames[12].item_of("OpticalPathSequence") is None
