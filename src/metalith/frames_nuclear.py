"""What nuclear medicine tells of a frame by indices: what it was acquired with, when, and from where.

A vector has a number for each frame, from 1: which detector, energy window, phase, rotation, view, R-R interval, time
slot (PS3.3 section C.8.4.8). Sequences have the items that most of them count: detectors, energy windows (C.8.4.10,
C.8.4.11), gates (C.8.4.13), phases (C.8.4.14), rotations (C.8.4.12).
"""

from __future__ import annotations

import math
from itertools import accumulate
from typing import Any

from metalith._core import Instance
from metalith.frames_groups import items_of

__all__ = ["INDICES", "ITEMS", "Acquisition"]

ITEMS: dict[str, tuple[str, str | None]] = {
    "DetectorInformationSequence": ("", "DetectorVector"),
    "EnergyWindowInformationSequence": ("", "EnergyWindowVector"),
    "PhaseInformationSequence": ("", "PhaseVector"),
    "RotationInformationSequence": ("", "RotationVector"),
    "GatedInformationSequence": ("", "RRIntervalVector"),
    "DataInformationSequence": ("GatedInformationSequence", None),
    "TimeSlotInformationSequence": ("DataInformationSequence", "TimeSlotVector"),
}
"""Sequences that a frame has one item of: the sequence whose item has it, and the vector that says which."""

INDICES = (
    "EnergyWindowVector",
    "DetectorVector",
    "PhaseVector",
    "RotationVector",
    "RRIntervalVector",
    "TimeSlotVector",
    "SliceVector",
    "AngularViewVector",
    "TimeSliceVector",
)
"""All vectors of indices, in the order of their tags."""


class Acquisition:
    """Indices of all frames of an object, and what they say; read once for all.

    Parameters
    ----------
    instance : Instance
        The root of the object.
    """

    __slots__ = ("_instance", "_known", "_phases")

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._known: dict[str, tuple[Any, ...]] = {}
        self._phases: list[tuple[float, float]] | None = None

    def values(self, keyword: str) -> tuple[Any, ...]:
        """All values of a vector; none where it is absent."""
        known = self._known.get(keyword)
        if known is None:
            known = self._known[keyword] = self._instance.values(keyword) if keyword in self._instance else ()
        return known

    def at(self, keyword: str, frame: int) -> Any:
        """The value of a frame; None where there is none."""
        values = self.values(keyword)
        return values[frame - 1] if frame <= len(values) else None

    def index(self, vector: str, frame: int) -> int | None:
        """The index of a frame in a vector, from 1; None where there is none."""
        value = self.at(vector, frame)
        return value if isinstance(value, int) and value >= 1 else None

    def item(self, keyword: str, frame: int) -> Instance | None:
        """The item of one of the sequences in `ITEMS` that a frame belongs to.

        Without a vector it is the first; a vector that names no item names none.
        """
        outer, vector = ITEMS[keyword]
        holder = self.item(outer, frame) if outer else self._instance
        items = items_of(holder, keyword) if holder is not None else ()
        if not items:
            return None
        if vector is None or not self.values(vector):
            return items[0]
        index = self.index(vector, frame)
        return items[index - 1] if index is not None and index <= len(items) else None

    def time(self, frame: int) -> float | None:
        """When a frame begins, ms: of a dynamic study after the first frame, of a gated one after the first slot."""
        if self.values("TimeSlotVector"):
            return self._of_gate(frame)
        return self._of_phase(frame) if self.values("TimeSliceVector") or self.values("PhaseVector") else None

    def _of_gate(self, frame: int) -> float | None:
        slot, data = self.index("TimeSlotVector", frame), self.item("DataInformationSequence", frame)
        lasts = _number(data, "FrameTime")
        return None if slot is None or lasts is None else (slot - 1) * lasts

    def _of_phase(self, frame: int) -> float | None:
        """Frames of a phase follow each other with a pause, phases with a delay."""
        if self._phases is None:
            self._phases = self._begins()
        phase = self.index("PhaseVector", frame) if self.values("PhaseVector") else 1
        place = self.index("TimeSliceVector", frame) if self.values("TimeSliceVector") else 1
        if phase is None or place is None or phase > len(self._phases):
            return None
        begins, step = self._phases[phase - 1]
        time = begins + (place - 1) * step
        return time if math.isfinite(time) else None

    def _begins(self) -> list[tuple[float, float]]:
        """Of each phase when it begins, after the first one, and from frame to frame, ms."""
        lengths, steps = [0.0], []
        for number, phase in enumerate(items_of(self._instance, "PhaseInformationSequence")):
            lasts, count = _number(phase, "ActualFrameDuration"), _number(phase, "NumberOfFramesInPhase")
            pause, delay = _number(phase, "PauseBetweenFrames") or 0.0, _number(phase, "PhaseDelay") or 0.0
            lasts, count = math.nan if lasts is None else lasts, math.nan if count is None else count
            if number:
                lengths[-1] += delay
            lengths.append(count * lasts + (count - 1) * pause)
            steps.append(lasts + pause)
        return list(zip(accumulate(lengths[:-1]), steps, strict=True))

    def angle(self, frame: int) -> float | None:
        """Where the detector stands for a frame, degrees, from the patient's back towards his left side.

        Each of several detectors has a start of its own; views go on from there by equal steps.
        """
        detector, rotation = (
            self.item(name, frame) for name in ("DetectorInformationSequence", "RotationInformationSequence")
        )
        several = len(items_of(self._instance, "DetectorInformationSequence")) > 1
        places = (detector, rotation) if several or rotation is None else (rotation, detector)
        start = next((found for one in places if (found := _number(one, "StartAngle")) is not None), None)
        if start is None or not self.values("AngularViewVector"):
            return start
        view, step = self.index("AngularViewVector", frame), _number(rotation, "AngularStep")
        sign = {"CW": -1.0, "CC": 1.0}.get(rotation.get("RotationDirection", "") if rotation is not None else "")
        if view is None or step is None or sign is None:
            return None
        return (start + sign * step * (view - 1)) % 360.0


def _number(item: Instance | None, keyword: str) -> float | None:
    value = None if item is None else item.get(keyword)
    if not isinstance(value, (int, float)):
        return None
    try:
        read = float(value)
    except OverflowError:
        return None
    return read if math.isfinite(read) else None
