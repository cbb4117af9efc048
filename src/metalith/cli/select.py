"""Which attributes are asked for: keywords and tags, and paths of these into sequences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from metalith import Instance, InstanceTable, Sequence, _core
from metalith.cli.failure import UsageError

__all__ = ["Name", "Path", "find", "parse", "prune"]


@dataclass(frozen=True)
class Name:
    """One attribute: as the natural form calls it, and all that the dialects may call it."""

    natural: str
    spellings: tuple[str, ...]
    may_nest: bool


Path = tuple[Name, ...]


def parse(options: list[str], table: InstanceTable) -> list[Path]:
    """Paths of `--select`; a comma within the parentheses of a tag parts nothing."""
    names = [text.strip() for option in options for text in re.split(r",(?![^(]*\))", option)]
    return [_path(name, table) for name in names if name]


def _path(text: str, table: InstanceTable) -> Path:
    path = tuple(_name(part, table) for part in text.split("."))
    for name in path[:-1]:
        if not name.may_nest:
            raise UsageError(f"{name.natural} is not a sequence, there is nothing in it to select")
    return path


def _name(text: str, table: InstanceTable) -> Name:
    described = _core.describe_keyword(text)
    digits = re.fullmatch(r"\(?([0-9A-Fa-f]{4}),?([0-9A-Fa-f]{4})\)?", text)
    if described and not _is_repeating(described[0]):
        tag = described[0]
    elif digits:
        tag = int(digits[1] + digits[2], 16)
        described = _core.describe_tag(tag)
    elif text in table.keywords:
        return Name(text, (text,), True)
    elif described:
        raise UsageError(f"{text} comes in several groups: select it by tag, such as {described[0]:08X}")
    else:
        raise UsageError(_unknown(text, table))
    natural = _core.keyword_of(tag) or f"{tag:08X}"
    dcmjs = _core.dcmjs_entry(tag)
    upper = f"{tag:08X}"
    spellings = (natural, upper, upper.lower(), f"({upper[:4]},{upper[4:]})", *([dcmjs[0]] if dcmjs else []))
    return Name(natural, spellings, described is None or described[2] in ("SQ", "UN"))


def _is_repeating(tag: int) -> bool:
    """Of overlays and curves there are several, so their keywords name none (60xx,0010)."""
    return _core.keyword_of(tag) is None


def _unknown(text: str, table: InstanceTable) -> str:
    """Suggest what this input has before what DICOM has."""
    import difflib

    from pydicom.datadict import keyword_dict

    for known in (table.keywords, keyword_dict):
        by_lower = {name.lower(): name for name in known}
        close = difflib.get_close_matches(text.lower(), by_lower, n=1, cutoff=0.75)
        if close:
            return f"no attribute is called {text}; did you mean {by_lower[close[0]]}?"
    return f"no attribute is called {text}"


def find(dataset: Instance, path: Path, before: str = "") -> Iterator[tuple[str, Instance, str]]:
    """Where a path leads: its text with item numbers, the dataset that has the attribute, and its name there."""
    name = path[0].natural
    if name not in dataset:
        return
    if len(path) == 1:
        yield before + name, dataset, name
        return
    value = dataset[name]
    if isinstance(value, Sequence):
        for i, item in enumerate(value):
            number = f"[{i}]" if len(value) > 1 else ""
            yield from find(item, path[1:], f"{before}{name}{number}.")


def prune(dataset: dict[str, Any], paths: Iterable[Path]) -> dict[str, Any]:
    """A plain dataset of any dialect with nothing but the paths, shaped as it was, in the order asked for."""
    inner: dict[Name, list[Path]] = {}
    for path in paths:
        inner.setdefault(path[0], []).append(path[1:])
    result = {}
    for name, rests in inner.items():
        key = next((spelling for spelling in name.spellings if spelling in dataset), None)
        if key is not None:
            value = dataset[key]
            result[key] = value if () in rests else _prune_items(value, rests)
    return result


def _prune_items(value: Any, paths: list[Path]) -> Any:
    if isinstance(value, list):
        return [_prune_items(item, paths) for item in value]
    if isinstance(value, dict):
        if "vr" in value:  # DICOM JSON
            return {**value, "Value": _prune_items(value["Value"], paths)} if "Value" in value else value
        return prune(value, paths)
    return value
