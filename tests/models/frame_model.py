"""Frames of multi-frame objects, combined the slow way: plain dicts of DICOM JSON elements by tag.

Also a generator of objects whose groups, root, detectors and grids say different things of the same few attributes.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np

Dataset = dict[str, Any]

PER_FRAME, SHARED, DETECTORS, NUMBER = "52009230", "52009229", "00540022", "00280008"
POSITION, ORIENTATION, SPACING, OFFSETS = "00200032", "00200037", "00180088", "3004000C"
COLUMN, ROW, SLIDE = "0048021E", "0048021F", "0048021A"
SLICES, DETECTOR_OF_FRAME, ROTATION_OF_FRAME = "00540080", "00540020", "00540050"
TILED, TILES = "00209311", ("00480006", "00480007", "00280011", "00280010")
IDENTITIES = ("00080016", "00080018")
LISTS = ("00409096", "00081140", "00089124", "00209172")


def values(dataset: Dataset, tag: str) -> list[Any]:
    """All values of an element; none where it is absent or empty."""
    return dataset.get(tag, {}).get("Value", [])


def count(dataset: Dataset) -> int:
    """How many frames an object has."""
    return int((values(dataset, NUMBER) or [1])[0])


def flattened(item: Dataset) -> Dataset:
    """The attributes that an item of functional groups gives a frame."""
    private, standard, groups = {}, {}, {}
    for tag, element in item.items():
        if element["vr"] != "SQ" or not element.get("Value"):
            continue
        groups[tag] = element
        first = element["Value"][0]
        if tag not in LISTS and not any(identity in first for identity in IDENTITIES):
            (private if int(tag[:4], 16) % 2 else standard).update(first)
    return {**private, **standard, **groups}


def combine(dataset: Dataset, frame: int) -> dict[str, tuple[str, Any]]:
    """Tag -> source and element (or, computed, the values) of one frame, counted from 1."""
    found: dict[str, tuple[str, Any]] = {tag: ("root", element) for tag, element in dataset.items()}
    for item in values(dataset, SHARED)[:1]:
        found.update({tag: ("shared", element) for tag, element in flattened(item).items()})
    own = values(dataset, PER_FRAME)[frame - 1 : frame]
    for item in own:
        found.update({tag: ("per-frame", element) for tag, element in flattened(item).items()})
    found.pop(PER_FRAME, None)
    detector = item_of(dataset, DETECTORS, DETECTOR_OF_FRAME, frame)
    open_to_detector = not _has(found, ORIENTATION) and found.get(ORIENTATION, ("",))[0] != "per-frame"
    if open_to_detector and detector and values(detector, ORIENTATION):
        found[ORIENTATION] = ("detector", detector[ORIENTATION])
    if found.get(POSITION, ("",))[0] != "per-frame":
        if _has(found, POSITION):
            place = _of_grid(dataset, found, frame)
            found.update({POSITION: ("grid", place)} if place is not None else {})
        elif detector:
            place = _of_detector(dataset, found, detector, frame)
            found.update({POSITION: ("detector", place)} if place is not None else {})
    if values(dataset, TILED) == ["TILED_FULL"] and not any(SLIDE in flattened(item) for item in own):
        width, height, columns, rows = (values(dataset, tag)[0] for tag in TILES)
        tiles = [(x, y) for y in range(1, height + 1, rows) for x in range(1, width + 1, columns)]
        for tag, place in zip((COLUMN, ROW), tiles[(frame - 1) % len(tiles)], strict=True):
            if not _has(found, tag):
                found[tag] = ("grid", [place])
    return found


def item_of(dataset: Dataset, sequence: str, vector: str, frame: int) -> Dataset | None:
    """The item of a sequence that a vector says; the first without one."""
    items, which = values(dataset, sequence), values(dataset, vector)
    index = which[frame - 1] if len(which) >= frame else 0 if which else 1
    return items[index - 1] if 1 <= index <= len(items) else None


def _has(found: dict[str, tuple[str, Any]], tag: str) -> bool:
    return tag in found and bool(found[tag][1].get("Value"))


def _normal(found: dict[str, tuple[str, Any]]) -> Any:
    cosines = np.array(found[ORIENTATION][1]["Value"], dtype=np.float64)
    return np.cross(cosines[:3], cosines[3:])


def _of_grid(dataset: Dataset, found: dict[str, tuple[str, Any]], frame: int) -> list[float] | None:
    offsets = values(dataset, OFFSETS)
    if frame > len(offsets) or not _has(found, ORIENTATION):
        return None
    origin = np.array(found[POSITION][1]["Value"], dtype=np.float64)
    if found[ORIENTATION][1]["Value"] == [1, 0, 0, 0, 1, 0] and offsets[0] == origin[2]:
        return [*origin[:2], offsets[frame - 1]]
    return list(origin + _normal(found) * offsets[frame - 1]) if offsets[0] == 0 else None


def _of_detector(
    dataset: Dataset, found: dict[str, tuple[str, Any]], detector: Dataset, frame: int
) -> list[float] | None:
    if not values(detector, POSITION):
        return None
    origin, slices = np.array(values(detector, POSITION), dtype=np.float64), frame - 1
    if values(dataset, SLICES):
        if frame > len(values(dataset, SLICES)):
            return None
        slices = values(dataset, SLICES)[frame - 1] - 1
    elif any(len(set(values(dataset, vector))) > 1 for vector in (DETECTOR_OF_FRAME, ROTATION_OF_FRAME)):
        slices = 0
    if slices == 0:
        return list(origin)
    if not _has(found, SPACING) or not _has(found, ORIENTATION) or not found[SPACING][1]["Value"][0]:
        return None
    return list(origin + _normal(found) * found[SPACING][1]["Value"][0] * slices)


# ---- objects ----

_GROUPS = (
    SLIDE,
    "00209113",
    "00209116",
    "00289110",
    "00289145",
    "00409096",
    "00081140",
    "00209172",
    "0021100E",
    "20051402",
)
_COSINES = ([1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1], [0.6, 0.8, 0, 0, 0, 1])
_OFFSETS = ([0, 1.5, 3, 4.5], [7, 8.25, 9, 12], [-1, 2, 3], [0], [0, -2.5])


def _attributes(rnd: random.Random, keep: float) -> Dataset:
    made: Dataset = {
        POSITION: {"vr": "DS", "Value": [rnd.choice([0, 0.1, 5]), rnd.choice([-1.25, 0.3]), rnd.choice([0, 7])]},
        ORIENTATION: {"vr": "DS", "Value": rnd.choice(_COSINES)},
        SPACING: {"vr": "DS", "Value": [rnd.choice([2.5, -2.5, 0])]},
        "00280030": {"vr": "DS", "Value": [rnd.randrange(1, 9), 0.5]},
        "00281053": {"vr": "DS", "Value": [rnd.randrange(9)]},
        "0021100A": {"vr": "LO", "Value": [rnd.choice("ABC")]},
        "00409096": {"vr": "SQ", "Value": [{"00409225": {"vr": "FD", "Value": [rnd.randrange(9)]}}]},
    }
    chosen = {tag: element for tag, element in made.items() if rnd.random() < keep}
    if chosen and rnd.random() < 0.15:
        tag = rnd.choice(list(chosen))
        chosen[tag] = {"vr": chosen[tag]["vr"]}
    return chosen


def _groups(rnd: random.Random) -> Dataset:
    item: Dataset = {}
    for tag in rnd.sample(_GROUPS, rnd.randrange(0, 5)):
        items = [_attributes(rnd, 0.3) for _ in range(rnd.choice([0, 1, 1, 1, 2]))]
        for one in items:
            if rnd.random() < 0.1:
                one[rnd.choice(IDENTITIES)] = {"vr": "UI", "Value": ["1.2.3"]}
        item[tag] = {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
    if rnd.random() < 0.2:
        item["00210010"] = {"vr": "LO", "Value": ["CREATOR"]}
    return item


def make(rnd: random.Random) -> Dataset:
    """A multi-frame object of any make-up."""
    frames = rnd.randrange(1, 5)
    made: Dataset = _attributes(rnd, 0.35)
    if frames > 1 or rnd.random() < 0.5:
        made[NUMBER] = {"vr": "IS", "Value": [frames]}
    if rnd.random() < 0.5:
        made[SHARED] = {"vr": "SQ", "Value": [_groups(rnd)]}
    if rnd.random() < 0.5:
        items = [_groups(rnd) for _ in range(rnd.choice([frames, frames, frames + 1, max(frames - 1, 1)]))]
        made[PER_FRAME] = {"vr": "SQ", "Value": items}
    if rnd.random() < 0.4:
        detectors = [_attributes(rnd, 0.7) for _ in range(rnd.randrange(1, 4))]
        made[DETECTORS] = {"vr": "SQ", "Value": detectors}
    for vector in (SLICES, DETECTOR_OF_FRAME, ROTATION_OF_FRAME):
        if rnd.random() < 0.2:
            length = rnd.choice([frames, frames, max(frames - 1, 1)])
            made[vector] = {"vr": "US", "Value": [rnd.randrange(1, 4) for _ in range(length)]}
    if rnd.random() < 0.4:
        made[OFFSETS] = {"vr": "DS", "Value": rnd.choice(_OFFSETS)}
    if rnd.random() < 0.1:
        made[TILED] = {"vr": "CS", "Value": ["TILED_FULL"]}
        made.update({tag: {"vr": "UL", "Value": [rnd.choice([3, 4, 8])]} for tag in TILES})
    return made
