"""Frames against Cornerstone's `combineFrameInstance`, where that is at hand and right."""

from __future__ import annotations

import json
import math
import random
import subprocess
from typing import Any

import pytest
from models import frame_model
from models.cornerstone_model import REGISTRY_NAMES
from models.frame_model import PER_FRAME, SHARED, combine, flattened, values
from models.js import loads_oracle
from pydicom.data import get_testdata_file

import metalith
from metalith.frames import frames_of

WANTED = {
    "D2": "five attributes have other names there, see wanted_differences.",
    "D3": "objects with one frame are not taken apart there.",
    "D4": "per-frame groups without shared ones, and shared ones alone but for grids, are passed over there.",
    "D11": "computed positions are float32 there (compared to 1e-6).",
    "invented": "a frame without position has [0, 0, frame] there; ours has none.",
    "detector over per-frame": "a position from the detector goes before the frame's own there; ours comes last.",
    "throws": "a detector without position is an error there; ours has none then.",
    "first detector": "detectors are not told apart, vectors not read there.",
    "lists": "the first of several references or alternatives is merged there; ours stay in their sequence.",
    "embedded objects": "items with a SOPClassUID alone are merged there; ours are other objects, as those "
    "with a SOPInstanceUID are (Philips' private groups would make an Enhanced MR frame a classic MR Image).",
    "private groups": "their order among the standard ones is that of their keys there; ours stand behind.",
    "empty": "an attribute present without value is left out there, so that of the root shows; ours is empty.",
    "grid with groups": "offsets are not read there in an object with both functional groups; with per-frame groups "
    "alone they are added to the frame's own position, which ours leaves as it is.",
    "groups themselves": "are not members of the frame there; ours has the frame's PlanePositionSequence and so on.",
}

POSITION = "ImagePositionPatient"


@pytest.fixture(scope="session")
def combined(oracles):
    """Ask about all frames of datasets: a list of answers for each."""

    def ask(datasets: list[tuple[dict[str, Any], int]]) -> list[list[Any]]:
        lines = []
        for number, (dataset, frames) in enumerate(datasets):
            base = f"wadors:http://h/studies/1/series/2/instances/{number}"
            lines.append({"op": "dicomweb", "id": f"{base}/frames/1", "json": dataset})
            lines += [{"op": "get", "type": "instance", "id": f"{base}/frames/{n}"} for n in range(1, frames + 1)]
        body = "".join(json.dumps(line) + "\n" for line in lines).encode()
        command = ["node", oracles / "cornerstone.mjs"]
        done = subprocess.run(command, input=body, capture_output=True, check=True, timeout=300)
        answers = iter([loads_oracle(line) for line in done.stdout.split(b"\n") if line])
        result = []
        for _, frames in datasets:
            next(answers)
            result.append([next(answers) for _ in range(frames)])
        return result

    return ask


def right(dataset, frame):
    """Tags of which the original says what ours says of a frame; none where it does not combine."""
    wanted = combine(dataset, frame)
    both = bool(values(dataset, PER_FRAME)) and bool(values(dataset, SHARED))
    grid = bool(values(dataset, frame_model.OFFSETS))
    items = [*values(dataset, SHARED)[:1], *values(dataset, PER_FRAME)[frame - 1 : frame]]
    if frame_model.count(dataset) < 2:  # D3
        items, wanted = [], {tag: found for tag, found in wanted.items() if found[0] == "root"}
    elif not both and not grid and any(flattened(item) for item in items):  # D4
        return {}
    taken: dict[str, int] = {}
    for item in items:
        for tag, group in item.items():
            for position, one in enumerate(group.get("Value", [])[:1] if group["vr"] == "SQ" else []):
                differs = tag in frame_model.LISTS or int(tag[:4], 16) % 2 or any(t in one for t in ("00080016",))
                for inner in one:
                    taken[inner] = max(taken.get(inner, 0), 1 + position + bool(differs))
    return {
        tag: found
        for tag, found in wanted.items()
        if tag not in REGISTRY_NAMES  # D2
        and taken.get(tag, 0) < 2  # lists, embedded objects, private groups
        and not any(tag in item for item in items)  # groups themselves
        and (isinstance(found[1], list) or found[1].get("Value") or tag in dataset)
        and (isinstance(found[1], list) or found[1].get("Value"))  # empty
        and not (found[0] == "grid" and (tag != frame_model.POSITION or both))  # tiles, grid with groups
        and not (found[0] == "per-frame" and tag == frame_model.POSITION and grid)
        and not (values(dataset, frame_model.DETECTORS) and tag in (frame_model.POSITION, frame_model.ORIENTATION))
    }


def check(dataset, answers):
    """How many attributes were compared."""
    compared = 0
    for frame, answer in zip(frames_of(metalith.naturalize_dataset(dataset)), answers, strict=False):
        if "error" in answer:  # throws
            assert values(dataset, frame_model.DETECTORS)
            continue
        theirs = answer["ok"]
        ours = frame.to_dict("cornerstone")
        for tag, (source, _) in right(dataset, frame.frame_number).items():
            name = metalith.keyword_of(int(tag, 16)) or tag
            if name not in ours and name not in theirs:
                continue
            compared += 1
            if source == "grid":
                assert theirs[name] == pytest.approx(ours[name], rel=1e-6, abs=1e-6), (name, frame.frame_number)
            else:
                assert plain(theirs.get(name)) == plain(ours.get(name)), (name, frame.frame_number)
    return compared


def plain(value):
    """Numbers as numbers, in texts too."""
    if isinstance(value, list):
        return [plain(member) for member in value]
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def test_generated(combined):
    rnd = random.Random(5)
    datasets = [frame_model.make(rnd) for _ in range(400)]
    answers = combined([(dataset, frame_model.count(dataset)) for dataset in datasets])
    assert sum(check(dataset, given) for dataset, given in zip(datasets, answers, strict=True)) > 1500


@pytest.mark.parametrize("name", ["liver_1frame.dcm", "rtdose.dcm", "SC_rgb_rle_2frame.dcm"])
def test_files(name, combined):
    dataset = metalith.read(get_testdata_file(name)).to_dict("dicom")
    assert check(dataset, combined([(dataset, frame_model.count(dataset))])[0]) > 20


def test_enhanced_mr(combined, shared):
    dataset = metalith.read(shared / "data" / "enhanced" / "IM_0027_fMAP.dcm").to_dict("dicom")
    assert check(dataset, combined([(dataset, 5)])[0]) > 1000


DETECTOR = {"00200032": {"vr": "DS", "Value": [0.1, 0.2, 0.3]}, "00200037": {"vr": "DS", "Value": [1, 0, 0, 0, 1, 0]}}


def test_detectors(combined):
    """One detector, slices in order: there as here, but for the float32 of D11."""
    dataset = {
        "00280008": {"vr": "IS", "Value": [4]},
        "00180088": {"vr": "DS", "Value": [-2.5]},
        "00540022": {"vr": "SQ", "Value": [DETECTOR]},
    }
    frames = frames_of(metalith.naturalize_dataset(dataset))
    for frame, answer in zip(frames, combined([(dataset, 4)])[0], strict=True):
        assert answer["ok"][POSITION] == pytest.approx(frame[POSITION], rel=1e-6)
        assert plain(answer["ok"]["ImageOrientationPatient"]) == list(frame.ImageOrientationPatient)
    assert frames[0][POSITION] == (0.1, 0.2, 0.3) != tuple(combined([(dataset, 1)])[0][0]["ok"][POSITION])


def test_wanted_differences(combined):
    """The original still does what `WANTED` says it does."""
    number = {"00280008": {"vr": "IS", "Value": [2]}}
    plane = {"00209113": {"vr": "SQ", "Value": [{"00200032": {"vr": "DS", "Value": [1, 2, 3]}}]}}
    detector = {"00540022": {"vr": "SQ", "Value": [DETECTOR]}, "00180088": {"vr": "DS", "Value": [1]}}
    own, group = {PER_FRAME: {"vr": "SQ", "Value": [plane, plane]}}, {SHARED: {"vr": "SQ", "Value": [{}]}}
    alone = {**own, **group, "00280008": {"vr": "IS", "Value": [1]}}
    one = [alone, {**number, **own}, {**number, **own, **group, **detector}]
    empty = {"00289145": {"vr": "SQ", "Value": [{"00281053": {"vr": "DS", "Value": [2]}}]}}
    positionless = {**number, SHARED: {"vr": "SQ", "Value": [empty]}, PER_FRAME: {"vr": "SQ", "Value": [empty, empty]}}
    d3, d4, over, invented = (answer[0]["ok"] for answer in combined([(d, 1) for d in [*one, positionless]]))
    assert POSITION not in d3
    assert POSITION not in d4
    assert over[POSITION] == pytest.approx([0.1, 0.2, 0.3])
    assert invented[POSITION] == [0, 0, 1]
    assert [frames_of(metalith.naturalize_dataset(d))[0].get(POSITION) for d in one] == [(1.0, 2.0, 3.0)] * 3
    assert POSITION not in frames_of(metalith.naturalize_dataset(positionless))[0]
