"""Nuclear medicine: images whose frames are told apart by vectors, put down frame by frame (PS3.3 section C.8.4)."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

Dataset = dict[str, Any]


class Expected(NamedTuple):
    """What a frame says: indices by vector, number of its item by sequence, time in ms, and angle in degrees."""

    indices: dict[str, int]
    items: dict[str, int | None]
    time: float | None
    angle: float | None


VECTORS = {
    "EnergyWindowVector": "00540010",
    "DetectorVector": "00540020",
    "PhaseVector": "00540030",
    "RotationVector": "00540050",
    "RRIntervalVector": "00540060",
    "TimeSlotVector": "00540070",
    "SliceVector": "00540080",
    "AngularViewVector": "00540090",
    "TimeSliceVector": "00540100",
}
NUMBER = "00111001"  # private, in every item: which it is


def _e(vr: str, *values: Any) -> Any:
    return {"vr": vr, "Value": list(values)}


def _items(count: int, **more: Any) -> Any:
    return _e("SQ", *({NUMBER: _e("IS", one + 1), **more} for one in range(count)))


def _vectors(frames: list[dict[str, int]]) -> Dataset:
    return {VECTORS[name]: _e("US", *(frame[name] for frame in frames)) for name in frames[0]}


def make(rnd: random.Random) -> tuple[Dataset, list[Expected]]:
    """An object of one of the kinds of section C.8.4.8, and what its frames say."""
    dataset, frames = rnd.choice([_dynamic, _tomo, _gated, _recon])(rnd)
    return {"00280008": _e("IS", len(frames)), **dataset}, frames


def _dynamic(rnd: random.Random) -> tuple[Dataset, list[Expected]]:
    windows, phases = rnd.randrange(1, 3), []
    frames, indices, clock = [], [], 0.0
    for number in range(rnd.randrange(1, 4)):
        lasts, pause, count = rnd.choice([500, 1000]), rnd.choice([None, 0, 25]), rnd.randrange(1, 4)
        delay = rnd.choice([None, 0, 300])
        phase = {NUMBER: _e("IS", number + 1), "00181242": _e("IS", lasts), "00540033": _e("US", count)}
        phase |= {"00540038": _e("IS", pause)} if pause is not None else {}
        phases.append(phase | ({"00540036": _e("IS", delay)} if delay is not None else {}))
        clock += (delay or 0) if number else 0
        for place in range(count):
            clock += (pause or 0) if place else 0
            for window in range(windows):
                index = {"EnergyWindowVector": window + 1, "PhaseVector": number + 1, "TimeSliceVector": place + 1}
                indices.append(index)
                items = {"PhaseInformationSequence": number + 1, "EnergyWindowInformationSequence": window + 1}
                frames.append(Expected(index, items, clock, None))
            clock += lasts
    sequences = {"00540032": _e("SQ", *phases), "00540012": _items(windows)}
    return {**_vectors(indices), **sequences}, frames


def _tomo(rnd: random.Random) -> tuple[Dataset, list[Expected]]:
    detectors, rotations, views = rnd.randrange(1, 3), rnd.randrange(1, 3), rnd.randrange(1, 5)
    starts = [rnd.choice([0, 90.5, 270]) for _ in range(detectors)]
    own = [rnd.choice([0, 180]) for _ in range(rotations)]
    step, turn = rnd.choice([3, 6.5]), rnd.choice(["CW", "CC", "XX"])
    frames, indices = [], []
    for detector in range(detectors):
        for rotation in range(rotations):
            for view in range(views):
                index = {
                    "DetectorVector": detector + 1,
                    "RotationVector": rotation + 1,
                    "AngularViewVector": view + 1,
                }
                indices.append(index)
                start = starts[detector] if detectors > 1 else own[rotation]
                angle = {"CW": start - step * view, "CC": start + step * view}.get(turn)
                items = {"DetectorInformationSequence": detector + 1, "RotationInformationSequence": rotation + 1}
                frames.append(Expected(index, items, None, None if angle is None else angle % 360))
    turns = {"00181144": _e("DS", step), "00181140": _e("CS", turn)}
    sequences = {
        "00540022": _e("SQ", *({NUMBER: _e("IS", n + 1), "00540200": _e("DS", a)} for n, a in enumerate(starts))),
        "00540052": _e("SQ", *({NUMBER: _e("IS", n + 1), "00540200": _e("DS", a), **turns} for n, a in enumerate(own))),
    }
    return {**_vectors(indices), **sequences}, frames


def _gated(rnd: random.Random) -> tuple[Dataset, list[Expected]]:
    intervals, slots, told = rnd.randrange(1, 3), rnd.randrange(1, 5), rnd.random() < 0.8
    gates, frames, indices = [], [], []
    for interval in range(intervals):
        lasts = rnd.choice([40, 62.5])
        data = {NUMBER: _e("IS", interval + 1)} | ({"00181063": _e("DS", lasts)} if told else {})
        data["00540072"] = _items(slots)
        gates.append({NUMBER: _e("IS", interval + 1), "00540063": _e("SQ", data)})
        for slot in range(slots):
            index = {"RRIntervalVector": interval + 1, "TimeSlotVector": slot + 1}
            indices.append(index)
            items = {
                "GatedInformationSequence": interval + 1,
                "DataInformationSequence": interval + 1,
                "TimeSlotInformationSequence": slot + 1,
            }
            frames.append(Expected(index, items, lasts * slot if told else None, None))
    return {**_vectors(indices), "00540062": _e("SQ", *gates)}, frames


def _recon(rnd: random.Random) -> tuple[Dataset, list[Expected]]:
    """Slices; vectors that are too short, or name no item, say nothing."""
    count = rnd.randrange(1, 6)
    short = rnd.randrange(count + 1)
    made = {VECTORS["SliceVector"]: _e("US", *range(1, short + 1)), VECTORS["DetectorVector"]: _e("US", *[2] * count)}
    if not short:
        del made[VECTORS["SliceVector"]]
    frames = []
    for place in range(count):
        index = {"DetectorVector": 2} | ({"SliceVector": place + 1} if place < short else {})
        frames.append(Expected(index, {"DetectorInformationSequence": None}, None, None))
    return {**made, "00540022": _items(1)}, frames
