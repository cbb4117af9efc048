"""Tiled slide images, every frame put down by nested loops, as PS3.3 section C.7.6.17.3 tells their order."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

Dataset = dict[str, Any]
Frame = dict[str, Any]  # by keyword

TAGS = {
    "ColumnPositionInTotalImagePixelMatrix": ("SL", "0048021E"),
    "RowPositionInTotalImagePixelMatrix": ("SL", "0048021F"),
    "XOffsetInSlideCoordinateSystem": ("DS", "0040072A"),
    "YOffsetInSlideCoordinateSystem": ("DS", "0040073A"),
    "ZOffsetInSlideCoordinateSystem": ("DS", "0040074A"),
    "OpticalPathIdentifier": ("SH", "00480106"),
    "ReferencedSegmentNumber": ("US", "0062000B"),
}


def _e(vr: str, *values: Any) -> Any:
    return {"vr": vr, "Value": list(values)}


def make(rnd: random.Random) -> tuple[Dataset, list[Frame]]:
    """An object, and what its frames say; of one made TILED_SPARSE in its functional groups."""
    width, height, columns, rows = (rnd.randrange(1, 12) for _ in range(4))
    planes, channels = rnd.choice([1, 1, 2, 3]), rnd.choice([0, 1, 2])
    kind = rnd.choice(["paths", "segments", "labelmap"])
    spacing, between = (rnd.choice([0.25, 0.5]), rnd.choice([0.25, 1.0])), rnd.choice([None, 0.001, 0.0005])
    cosines = rnd.choice([(0, 1, 0, 1, 0, 0), (1, 0, 0, 0, 1, 0), (0.6, 0.8, 0, -0.8, 0.6, 0), (0, -1, 0, 0, 0, 1)])
    origin: dict[str, float] | None = {"x": rnd.choice([0.0, 7.5]), "y": 2.25}
    if rnd.random() < 0.4:
        origin["z"] = rnd.choice([0.5, -3.0])
    if rnd.random() < 0.15:
        origin = None
    frames = []
    for channel in range(max(channels, 1)):
        for plane in range(planes):
            for top in range(0, height, rows):
                for left in range(0, width, columns):
                    frame: Frame = {
                        "ColumnPositionInTotalImagePixelMatrix": left + 1,
                        "RowPositionInTotalImagePixelMatrix": top + 1,
                    }
                    if origin is not None:
                        frame |= _offsets(origin, cosines, spacing, left, top, plane, between)
                    if channels and kind == "paths":
                        frame["OpticalPathIdentifier"] = f"path {channel}"
                    if channels and kind == "segments":
                        frame["ReferencedSegmentNumber"] = 3 * channel + 1
                    frames.append(frame)
    first = rnd.randrange(len(frames)) if rnd.random() < 0.3 else 0  # of a concatenation
    made = _dataset(first, len(frames) - first, (width, height, columns, rows), planes, spacing, between, cosines)
    if origin is not None:
        place = {"0040072A": _e("DS", origin["x"]), "0040073A": _e("DS", origin["y"])}
        made["00480008"] = _e("SQ", place | ({"0040074A": _e("DS", origin["z"])} if "z" in origin else {}))
    if channels and kind == "paths":
        made["00480105"] = _e("SQ", *({"00480106": _e("SH", f"path {one}")} for one in range(channels)))
    elif channels:
        made["00620002"] = _e("SQ", *({"00620004": _e("US", 3 * one + 1)} for one in range(channels)))
        made["00620001"] = _e("CS", "BINARY" if kind == "segments" else "LABELMAP")
    return made, frames[first:]


def _offsets(origin: Any, cosines: Any, spacing: Any, left: int, top: int, plane: int, between: Any) -> Frame:
    row, column = np.array(cosines[:3], dtype=np.float64), np.array(cosines[3:], dtype=np.float64)
    moved = row * left * spacing[1] + column * top * spacing[0]
    named = {
        "XOffsetInSlideCoordinateSystem": origin["x"] + moved[0],
        "YOffsetInSlideCoordinateSystem": origin["y"] + moved[1],
    }
    if plane == 0 or between is not None:
        depth = (plane * between if plane else 0.0) + moved[2]
        named["ZOffsetInSlideCoordinateSystem"] = origin.get("z", 0.0) + 1000 * depth
    return named


def _dataset(first: int, count: int, sizes: Any, planes: int, spacing: Any, between: Any, cosines: Any) -> Dataset:
    measures = {"00280030": _e("DS", *spacing)} | ({"00180088": _e("DS", between)} if between is not None else {})
    made = {
        "00280008": _e("IS", count),
        "00209311": _e("CS", "TILED_FULL"),
        "00480102": _e("DS", *cosines),
        "52009229": _e("SQ", {"00289110": _e("SQ", measures)}),
        **{
            tag: _e("UL", size)
            for tag, size in zip(("00480006", "00480007", "00280011", "00280010"), sizes, strict=True)
        },
    }
    if planes > 1:
        made["00480303"] = _e("UL", planes)
    if first:
        made["00209228"] = _e("UL", first)
    return made


def sparse(dataset: Dataset, frames: list[Frame], rnd: random.Random) -> Dataset:
    """The same with every frame's position in its functional groups, in another order; `frames` is put in that, too."""
    rnd.shuffle(frames)
    groups = {"OpticalPathIdentifier": "00480207", "ReferencedSegmentNumber": "0062000A"}
    items = []
    for frame in frames:
        item: dict[str, Any] = {}
        for keyword, value in frame.items():
            vr, tag = TAGS[keyword]
            group = item.setdefault(groups.get(keyword, "0048021A"), {})
            group[tag] = _e(vr, float(value) if vr == "DS" else value)
        items.append({tag: _e("SQ", group) for tag, group in item.items()})
    return {**dataset, "00209311": _e("CS", "TILED_SPARSE"), "52009230": _e("SQ", *items)}
