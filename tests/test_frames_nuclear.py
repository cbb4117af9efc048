"""What nuclear medicine tells of frames by vectors: items, times and angles, against a model frame by frame."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import nuclear_model
from models.nuclear_model import NUMBER, _e, _items

import metalith
from metalith.frames import frame_of, frames_of
from metalith.frames_nuclear import ITEMS


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**6).map(lambda seed: nuclear_model.make(random.Random(seed))))
def test_any_object(made):
    dataset, expected = made
    frames = frames_of(metalith.naturalize_dataset(dataset))
    assert len(frames) == len(expected)
    for frame, wanted in zip(frames, expected, strict=True):
        assert frame.indices == wanted.indices
        for keyword in ITEMS:
            item = frame.item_of(keyword)
            assert (item and item[NUMBER]) == wanted.items.get(keyword)
        assert frame.relative_time == pytest.approx(wanted.time)
        assert frame.view_angle == pytest.approx(wanted.angle)


def root(frames=2, **elements):
    return metalith.naturalize_dataset({"00280008": _e("IS", frames), **elements})


def test_the_time_of_the_root_goes_first():
    dataset, _ = nuclear_model._dynamic(random.Random(1))
    dataset |= {"00280008": _e("IS", 2), "00181063": _e("DS", 7)}
    assert frame_of(metalith.naturalize_dataset(dataset), 2).relative_time == 7


def test_a_detector_that_stands():
    standing = {"00540022": _e("SQ", {"00540200": _e("DS", 45)}, {"00540200": _e("DS", 225)})}
    frames = frames_of(root(**standing, **{"00540020": _e("US", 1, 2)}))
    assert [frame.view_angle for frame in frames] == [45, 225]
    assert frame_of(root(), 1).view_angle is None
    assert frame_of(root(), 1).indices == {}


@pytest.mark.parametrize(
    "phase",
    [
        {},
        {"00181242": _e("IS", "x"), "00540033": _e("US", 2)},
        {"00181242": _e("IS", 100)},
        {"00181242": {"vr": "SV", "Value": [10**400]}, "00540033": _e("US", 2)},
    ],
)
def test_phases_that_do_not_tell(phase):
    vectors = {"00540030": _e("US", 1, 2, 3, 0), "00540100": _e("US", 1, 1, 1, 1)}
    frames = frames_of(root(4, **vectors, **{"00540032": _e("SQ", phase, {"00181242": _e("IS", 5)})}))
    assert [frame.relative_time for frame in frames][1:] == [None] * 3
    assert frames_of(root(1, **{"00540030": _e("US", 1)}))[0].relative_time is None


def test_gates_that_do_not_tell():
    vectors = {"00540060": _e("US", 1, 3), "00540070": _e("US", 2, 2)}
    gates = {"00540062": _e("SQ", {"00540063": {"vr": "SQ"}}, {})}
    for frame in frames_of(root(2, **vectors, **gates)):
        assert frame.item_of("DataInformationSequence") is None
        assert frame.item_of("TimeSlotInformationSequence") is None
        assert frame.relative_time is None


def test_one_data_item_without_intervals():
    """A gated study of one interval need not count it."""
    data = {"00181063": _e("DS", 40), "00540072": _items(2)}
    frames = frames_of(root(2, **{"00540070": _e("US", 1, 2), "00540062": _e("SQ", {"00540063": _e("SQ", data)})}))
    assert [frame.relative_time for frame in frames] == [0, 40]
    assert frames[1].item_of("TimeSlotInformationSequence")[NUMBER] == 2
