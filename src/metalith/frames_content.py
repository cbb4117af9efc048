"""A frame as a value: comparison by content, and other forms of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metalith._core import Instance, Sequence
from metalith._dialects import plain

if TYPE_CHECKING:
    from metalith.frames_instance import FrameInstance

__all__ = ["hashable", "same_content", "several", "to_dict", "to_instance"]


def several(value: Any) -> tuple[Any, ...]:
    """A natural value as tuple, as `Instance.values` gives it."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, (tuple, Sequence)) else (value,)


def _same(a: Any, b: Any) -> bool:
    """Equality of content: NaN equals NaN."""
    if a is b or a == b:
        return True
    if isinstance(a, float) and isinstance(b, float):
        return a != a and b != b
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    return False


def same_content(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """The same names with the same values."""
    return len(a) == len(b) and all(name in b and _same(value, b[name]) for name, value in a.items())


def hashable(value: Any) -> Any:
    """The value, or something in its place that hashes by content; as for an Instance, which equal frames equal."""
    if isinstance(value, float) and value != value:
        return "NaN"
    return tuple([hashable(member) for member in value]) if isinstance(value, tuple) else value


def to_dict(frame: FrameInstance, dialect: str) -> dict[str, Any]:
    """`FrameInstance.to_dict`."""
    if dialect == "natural":
        return {name: plain(value) for name, value in frame.items()}
    if dialect == "dicom":
        return _dicom(frame)
    return to_instance(frame).to_dict(dialect)  # type: ignore[arg-type]  # it tells what the dialects are


def to_instance(frame: FrameInstance) -> Instance:
    """`FrameInstance.to_instance`."""
    from metalith.naturalize import naturalize_dataset

    return naturalize_dataset(_dicom(frame))


def _dicom(frame: FrameInstance) -> dict[str, Any]:
    """The frame in the DICOM JSON Model (PS3.18 annex F), in the order of its tags."""
    datasets: list[tuple[Instance, dict[str, Any]]] = []
    elements: dict[str, Any] = {}
    for name in frame:
        _, _, holder = frame._locate(name)
        tag = frame.tag(name)
        key = name if tag is None else f"{tag:08X}"
        if holder is None:
            value = frame[name]
            elements[key] = {"vr": frame.vr(name), "Value": list(value) if isinstance(value, tuple) else [value]}
            continue
        dataset = next((given for known, given in datasets if known is holder), None)
        if dataset is None:
            dataset = holder.to_dict("dicom")
            datasets.append((holder, dataset))
        elements[key] = dataset[key]
    return dict(sorted(elements.items()))
