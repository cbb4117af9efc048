"""Functional groups: in which group of a frame's item an attribute stands (PS3.3 section C.7.6.16).

Items of the functional group sequences hold groups, sequences themselves, whose attributes are those of the frame. A
layout tells for a make-up of groups which of them has which attribute. It depends on names alone and not on values,
so all frames of one make-up, of whatever object, share one; a frame copies nothing.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from functools import lru_cache
from typing import SupportsIndex

from metalith import _core
from metalith._core import Instance, Sequence, keyword_of

__all__ = [
    "EMBEDDED",
    "LISTS",
    "PER_FRAME_GROUPS",
    "SHARED_GROUPS",
    "TAG_LENGTHS",
    "Layout",
    "canonical",
    "first_item",
    "items_of",
    "layout_of",
    "take",
]

Layout = Mapping[str, str]
"""Name of an attribute -> the group that has it; "" for the groups, which are attributes of the item itself."""

PER_FRAME_GROUPS = "PerFrameFunctionalGroupsSequence"
SHARED_GROUPS = "SharedFunctionalGroupsSequence"

LISTS = frozenset(
    {
        "ConversionSourceAttributesSequence",
        "DerivationImageSequence",
        "RealWorldValueMappingSequence",
        "ReferencedImageSequence",
    }
)
"""Groups whose items are references or alternatives: they stay sequences, no item speaks for the frame."""

EMBEDDED = frozenset({"SOPClassUID", "SOPInstanceUID"})
"""What has an identity of its own is another object, embedded or referenced, and tells nothing of the frame: Philips
keeps the classic image of a frame in a private group, with another position."""

TAG_LENGTHS = (8, 11)
"""Of the texts that may be tags: 00280010 and (0028,0010)."""

_HEX = frozenset("0123456789ABCDEFabcdef")
_NOTHING: Layout = {}


def items_of(instance: Instance, keyword: str) -> Sequence | tuple[()]:
    """The items of a sequence attribute; none where it is absent, empty or no sequence."""
    value = instance.get(keyword)
    return value if type(value) is Sequence else ()


def first_item(instance: Instance, keyword: str) -> Instance | None:
    """The first item of a sequence attribute, or None."""
    items = items_of(instance, keyword)
    return items[0] if items else None


def layout_of(item: Instance | None) -> Layout:
    """The layout of an item of SharedFunctionalGroupsSequence or PerFrameFunctionalGroupsSequence."""
    if item is None:
        return _NOTHING
    layout: Layout = _core.layout_of(item, _layout_of_names)  # its table knows those that were asked for before
    return layout


def _layout_of_names(item: Instance) -> Layout:
    make_up = [
        (name, tuple(groups[0].keys())) for name, groups in item.items() if type(groups) is Sequence and len(groups)
    ]
    return _layout(tuple(make_up))


def take(item: Instance, group: str) -> Instance:
    """The dataset that a layout's answer means: the first item of the group, or the item that has the groups."""
    holder: Instance = item[group][0] if group else item
    return holder


@lru_cache(maxsize=64)
def _layout(make_up: tuple[tuple[str, tuple[str, ...]], ...]) -> Layout:
    """Groups go before attributes in groups, standard groups before private ones, later ones before earlier."""
    layout = dict.fromkeys([group for group, _ in make_up], "")
    for private in (False, True):
        last: dict[str, str] = {}
        for group, names in make_up:
            if _is_private(group) == private and group not in LISTS and EMBEDDED.isdisjoint(names):
                last.update(dict.fromkeys(names, group))
        for name, group in last.items():
            layout.setdefault(name, group)
    return layout


def _is_private(name: str) -> bool:
    """Whether an attribute without keyword, eight hex digits, is of an odd group (PS3.5 section 7.8)."""
    try:
        return len(name) == 8 and int(name[:4], 16) % 2 == 1
    except ValueError:
        return False


# ---- names ----


@lru_cache(maxsize=1024)
def _of_text(key: str) -> str:
    digits = key[1:5] + key[6:10] if len(key) == 11 and key[0] + key[5] + key[10] == "(,)" else key
    if len(digits) != 8 or not _HEX.issuperset(digits):
        return key
    return _of_tag(int(digits, 16))


def _of_tag(tag: int) -> str:
    return (keyword_of(tag) if 0 <= tag <= 0xFFFFFFFF else None) or f"{tag:08X}"


def canonical(key: str | SupportsIndex) -> str:
    """The natural name of an attribute that is named by keyword, tag text or tag number."""
    if isinstance(key, str):
        return _of_text(key) if len(key) in TAG_LENGTHS else key
    if not hasattr(key, "__index__"):
        raise TypeError(f"an attribute is named by keyword, tag text or tag number, not by {type(key).__name__}")
    return _of_tag(operator.index(key))
