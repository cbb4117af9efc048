"""One frame, as a mapping of attribute names to values."""

from __future__ import annotations

from collections import abc
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, overload

from metalith._core import Instance, describe_keyword
from metalith.frames_geometry import detector_position, grid_position
from metalith.frames_groups import (
    PER_FRAME_GROUPS,
    SHARED_GROUPS,
    TAG_LENGTHS,
    Layout,
    canonical,
    first_item,
    items_of,
    layout_of,
    take,
)
from metalith.frames_nuclear import INDICES, ITEMS
from metalith.frames_slide import GROUPS, VRS

if TYPE_CHECKING:
    from metalith.frames import Frames

__all__ = ["SPECIAL", "FrameInstance"]

Source = Literal["per-frame", "shared", "root", "detector", "grid"]
Dialect = Literal["natural", "dcmjs", "cornerstone", "dicom"]

_POSITION, _ORIENTATION = "ImagePositionPatient", "ImageOrientationPatient"
SPECIAL = frozenset({PER_FRAME_GROUPS, _POSITION, _ORIENTATION, *GROUPS})
"""Attributes that more than the functional groups decide on."""
_COMPUTED_VR = {_POSITION: "DS", **VRS}

_IDENTIFIED = {
    "OpticalPathSequence": ("OpticalPathIdentifier", "OpticalPathIdentifier"),
    "SegmentSequence": ("ReferencedSegmentNumber", "SegmentNumber"),
}
"""Sequences whose items frames identify: by which attribute of their own, and which of the item."""

_MISSING: Any = object()


class FrameInstance:
    """One frame: an immutable mapping of attribute names to values, as `Instance` is one.

    Attributes of functional groups are found by their own keyword (`frame.PixelSpacing`) and in their group
    (`frame.PixelMeasuresSequence.PixelSpacing`). A group of which PS3.3 allows several items that are references or
    alternatives (RealWorldValueMappingSequence) stays a sequence, and what is in it is found only there.
    PerFrameFunctionalGroupsSequence, which tells of all frames, is the instance's and not the frame's.

    Attributes
    ----------
    frame_number : int
        Counted from 1.

    Examples
    --------
    >>> dose = b'{"00280008":{"vr":"IS","Value":[2]},"3004000C":{"vr":"DS","Value":[0,2.5]},'
    >>> dose += b'"00200032":{"vr":"DS","Value":[0,0,7]},"00200037":{"vr":"DS","Value":[1,0,0,0,1,0]}}'
    >>> frame = frame_of(metalith.naturalize(dose)[0], 2)
    >>> frame.ImagePositionPatient, frame.source_of("ImagePositionPatient")
    ((0.0, 0.0, 9.5), 'grid')
    """

    __slots__ = ("_frames", "_item", "_layout", "frame_number")

    _frames: Frames
    _item: Instance | None
    _layout: Layout | None
    frame_number: int

    def __init__(self, frames: Frames, number: int) -> None:
        items = frames._per_frame
        _set_frames(self, frames)
        _set_number(self, number)
        _set_item(self, items[number - 1] if number <= len(items) else None)
        _set_layout(self, None)

    @property
    def instance(self) -> Instance:
        """The instance that the frame is of."""
        return self._frames.instance

    # ---- look-up ----

    def _own_layout(self) -> Layout:
        layout = layout_of(self._item)
        _set_layout(self, layout)
        return layout

    def _value(self, name: str) -> Any:
        """The value of an attribute by its name, or _MISSING."""
        if name in SPECIAL:
            found = self._special(name)
            return _MISSING if found is None else found[1]
        layout = self._layout
        group = (self._own_layout() if layout is None else layout).get(name)
        if group is not None:
            item: Any = self._item
            return item[group][0][name] if group else item[name]
        frames = self._frames
        layout = frames._shared_layout
        group = (frames.shared_layout if layout is None else layout).get(name)
        if group is not None:
            item = frames._shared
            return item[group][0][name] if group else item[name]
        return frames.instance.get(name, _MISSING)

    def _holder(self, name: str) -> tuple[Source, Instance] | None:
        """What of the object has an attribute: which part, and the dataset there."""
        group = (self._layout or self._own_layout()).get(name)
        if group is not None and self._item is not None:
            return "per-frame", take(self._item, group)
        group = self._frames.shared_layout.get(name)
        if group is not None and self._frames._shared is not None:
            return "shared", take(self._frames._shared, group)
        return ("root", self._frames.instance) if name in self._frames.instance else None

    def _special(self, name: str) -> tuple[Source, Any, Instance | None] | None:
        """Source, value and, unless it is computed, holder of an attribute that more than the groups decide on."""
        if name == PER_FRAME_GROUPS:
            return None
        held = self._holder(name)
        given: tuple[Source, Any, Instance | None] | None = (held[0], held[1][name], held[1]) if held else None
        if given and (given[0] == "per-frame" or (given[1] is not None and name != _POSITION)):
            return given
        found = self._computed(name, given[1] if given else None)
        return found or given

    def _computed(self, name: str, given: Any) -> tuple[Source, Any, Instance | None] | None:
        """What detector, grid or tiles say where no functional group of the frame does."""
        group, number = GROUPS.get(name), self.frame_number
        if group is not None:
            tiles = self._frames.tiles if group not in (self._layout or self._own_layout()) else None
            tile = None if tiles is None else tiles.value(name, number, self.get)
            return None if tile is None else ("grid", tile, None)
        vectors = self._frames.vectors
        place: tuple[float, ...] | None
        if name == _POSITION and given is not None:
            if not vectors.values("GridFrameOffsetVector"):
                return None
            place = grid_position(vectors, given, self.get(_ORIENTATION), number)
            return None if place is None else ("grid", place, None)
        detector = vectors.item("DetectorInformationSequence", number)
        if detector is None:
            return None
        if name == _ORIENTATION:
            cosines = detector.get(name)
            return None if cosines is None else ("detector", cosines, detector)
        spacing = self.get("SpacingBetweenSlices")
        place = detector_position(vectors, detector, self.get(_ORIENTATION), spacing, number)
        return None if place is None else ("detector", place, None)

    def _locate(self, key: str | int) -> tuple[str, Source, Instance | None]:
        """Name, source and holder of an attribute; the holder is None where the value is computed."""
        name = canonical(key)
        if name in SPECIAL:
            found = self._special(name)
            if found is not None:
                return name, found[0], found[2]
        else:
            held = self._holder(name)
            if held is not None:
                return name, *held
        raise KeyError(key)

    def __getitem__(self, key: str | int) -> Any:
        value = self._value(key if type(key) is str and len(key) not in TAG_LENGTHS else canonical(key))
        if value is _MISSING:
            raise KeyError(key)
        return value

    def __getattr__(self, name: str) -> Any:
        if name[:1] < "_":
            value = self._value(name if len(name) not in TAG_LENGTHS else canonical(name))
            if value is not _MISSING:
                return value
        raise AttributeError(f"the frame has no {name}", name=name, obj=self)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError("a frame is immutable", name=name, obj=self)

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a frame is immutable", name=name, obj=self)

    def get(self, key: str | int, default: Any = None) -> Any:
        """The value of an attribute, or `default` where the frame lacks it."""
        value = self._value(key if type(key) is str and len(key) not in TAG_LENGTHS else canonical(key))
        return default if value is _MISSING else value

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str) and not hasattr(key, "__index__"):
            return False
        return self._value(canonical(key)) is not _MISSING

    def source_of(self, key: str | int) -> Source:
        """Where a value came from.

        Returns
        -------
        str
            "per-frame" or "shared" functional groups, "root", "detector" (DetectorInformationSequence), or "grid"
            (computed: offsets of a dose grid, order of tiles).

        Raises
        ------
        KeyError
            The frame lacks the attribute.
        """
        return self._locate(key)[1]

    def raw(self, key: str | int) -> Any:
        """The value as it was sent, see `Instance.raw`; `KeyError` when it was not sent but computed."""
        name, _, holder = self._locate(key)
        if holder is None:
            raise KeyError(key)
        return holder.raw(name)

    def vr(self, key: str | int) -> str:
        """The VR of an attribute, see `Instance.vr`."""
        name, _, holder = self._locate(key)
        return _COMPUTED_VR[name] if holder is None else holder.vr(name)

    def tag(self, key: str | int) -> int | None:
        """The tag number of an attribute, see `Instance.tag`."""
        name, _, holder = self._locate(key)
        described = describe_keyword(name) if holder is None else None
        return described[0] if described else holder.tag(name) if holder else None

    def private(self, creator: str, group: int, element: int, default: Any = _MISSING) -> Any:
        """The value of a private attribute, by its creator; see `Instance.private`.

        Creator and attribute stand in one dataset: a group of the frame, a shared group, or the root.
        """
        shared = first_item(self.instance, SHARED_GROUPS)
        for item, layout in (
            (self._item, self._layout or self._own_layout()),
            (shared, layout_of(shared)),
        ):
            for name in dict.fromkeys(layout.values()):
                value = take(item, name).private(creator, group, element, _MISSING) if name and item else _MISSING
                if value is not _MISSING:
                    return value
        if default is _MISSING:
            return self.instance.private(creator, group, element)
        return self.instance.private(creator, group, element, default)

    def item_of(self, keyword: str) -> Instance | None:
        """The item of a sequence of the root that the frame belongs to.

        Parameters
        ----------
        keyword : str
            Of nuclear medicine DetectorInformationSequence, RotationInformationSequence,
            EnergyWindowInformationSequence, PhaseInformationSequence, GatedInformationSequence and, in an item of that,
            DataInformationSequence, and TimeSlotInformationSequence in that; OpticalPathSequence of a slide image,
            SegmentSequence of a segmentation.

        Returns
        -------
        Instance or None
            The item that the frame's value in DetectorVector and so on says (PS3.3 C.8.4.8), the first where there is
            no such vector; or that which the frame identifies.
        """
        if keyword in ITEMS:
            return self._frames.vectors.item(keyword, self.frame_number)
        if keyword not in _IDENTIFIED:
            raise ValueError(f"frames have one item each of {', '.join((*ITEMS, *_IDENTIFIED))}")
        own, theirs = _IDENTIFIED[keyword]
        wanted = self.get(own)
        if wanted is None:
            return None
        return next((item for item in items_of(self.instance, keyword) if item.get(theirs) == wanted), None)

    @property
    def indices(self) -> dict[str, int]:
        """By which indices nuclear medicine tells the frame from others, from 1, by vector (PS3.3 C.8.4.8).

        >>> frame.indices  # doctest: +SKIP
        {'DetectorVector': 1, 'TimeSlotVector': 3}
        """
        vectors, number = self._frames.vectors, self.frame_number
        return {name: index for name in INDICES if (index := vectors.index(name, number)) is not None}

    @property
    def relative_time(self) -> float | None:
        """Time after the first frame, ms, from FrameTimeVector or FrameTime (PS3.3 C.7.6.5), or from phases of nuclear
        medicine (C.8.4.14); of gated frames after the first time slot (C.8.4.13). None without them.
        """
        return self._frames.vectors.time(self.frame_number)

    @property
    def view_angle(self) -> float | None:
        """Where the detector of nuclear medicine stands, degrees, from the patient's back (0) towards his left side
        (PS3.3 C.8.4.11, C.8.4.12). None where it is not told.
        """
        return self._frames.vectors.angle(self.frame_number)

    @property
    def path(self) -> str | None:
        """See `Instance.path`."""
        return self.instance.path

    @property
    def file_meta(self) -> Instance | None:
        """See `Instance.file_meta`."""
        return self.instance.file_meta

    # ---- mapping ----

    def keys(self) -> list[str]:
        """Names of the attributes: those of the root, then what the functional groups add, then what is computed."""
        names = dict.fromkeys(self.instance.keys())
        names.update(dict.fromkeys(self._frames.shared_layout))
        names.update(dict.fromkeys(self._layout or self._own_layout()))
        names.pop(PER_FRAME_GROUPS, None)
        computed = sorted(name for name in SPECIAL if name not in names and self._special(name) is not None)
        return [*names, *computed]

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def items(self) -> list[tuple[str, Any]]:
        """Names and values."""
        return [(name, self._value(name)) for name in self.keys()]

    @overload
    def values(self) -> list[Any]: ...
    @overload
    def values(self, key: str | int) -> tuple[Any, ...]: ...
    def values(self, key: str | int | None = None) -> Any:
        """All values (list), or those of one attribute: always a tuple, empty when it is empty."""
        if key is None:
            return [self._value(name) for name in self.keys()]
        from metalith.frames_content import several

        return several(self[key])

    # ---- as a value ----

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, FrameInstance) and self._frames is other._frames:
            if self.frame_number == other.frame_number:
                return True
        elif not isinstance(other, (FrameInstance, Instance, dict)):
            return NotImplemented
        from metalith.frames_content import same_content

        return same_content(dict(self.items()), dict(other.items()))

    def __hash__(self) -> int:
        from metalith.frames_content import hashable

        return hash(frozenset([(name, hashable(value)) for name, value in self.items()]))

    def __reduce__(self) -> Any:
        from metalith.frames import frame_of

        return frame_of, (self.instance, self.frame_number)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *self.keys()})

    def __repr__(self) -> str:
        return f"<FrameInstance {self.frame_number:,} of {len(self._frames):,}, {self.instance!r}>"

    def to_dict(self, dialect: Dialect = "natural") -> dict[str, Any]:
        """The frame as plain dicts and lists, what it shares with other frames included; see `Instance.to_dict`."""
        from metalith.frames_content import to_dict

        return to_dict(self, dialect)

    def to_instance(self) -> Instance:
        """The frame as an instance of its own: a copy, with everything that the frame has from elsewhere. Instance."""
        from metalith.frames_content import to_instance

        return to_instance(self)


_set_frames = FrameInstance.__dict__["_frames"].__set__
_set_number = FrameInstance.__dict__["frame_number"].__set__
_set_item = FrameInstance.__dict__["_item"].__set__
_set_layout = FrameInstance.__dict__["_layout"].__set__
abc.Mapping.register(FrameInstance)
