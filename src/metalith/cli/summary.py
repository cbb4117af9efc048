"""`metalith summary`: what an input holds, without reading it attribute by attribute."""

from __future__ import annotations

import json as stdlib_json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from metalith import InstanceTable, Sequence
from metalith.cli.screen import Screen
from metalith.cli.source import Loaded, load
from metalith.cli.values import EMPTY, count, size, text_of, to_plain

__all__ = ["Series", "Spread", "run", "series_of", "values_of"]

_ORDERED = {"DA", "DT", "TM"}  # texts whose order means something
_FEW = 4


def run(file: str, *, json: bool, strict: bool) -> None:
    """The command."""
    loaded = load(file, strict=strict)
    if json:
        print(stdlib_json.dumps(_as_json(loaded), ensure_ascii=False, allow_nan=False))
    else:
        _show(loaded)


# ---- facts ----


@dataclass
class Series:
    """Instances of one series; what is told of them is that of the first."""

    series_instance_uid: str | None
    study_instance_uid: str | None
    modality: str | None
    number: int | None
    description: str | None
    rows: int | None
    columns: int | None
    instances: int = 0


@dataclass(frozen=True)
class Spread:
    """How an attribute varies."""

    vr: str
    instances: int  # that have it, with a value or empty
    distinct: list[Any]  # values in the order they first come; empty ones not counted
    low: Any  # None where order means nothing
    high: Any


def values_of(table: InstanceTable, keyword: str) -> list[Any]:
    """A value per instance, None where there is none."""
    try:
        values: list[Any] = table.column(keyword, dtype=object).tolist()
    except KeyError:
        return [None] * len(table)
    return values


def series_of(table: InstanceTable) -> list[Series]:
    """The series, in the order they first come."""
    found: dict[Any, Series] = {}
    keys = zip(values_of(table, "StudyInstanceUID"), values_of(table, "SeriesInstanceUID"), strict=True)
    for row, (study, uid) in enumerate(keys):
        if (study, uid) not in found:
            names = ("Modality", "SeriesNumber", "SeriesDescription", "Rows", "Columns")
            found[study, uid] = Series(uid, study, *map(table[row].get, names))
        found[study, uid].instances += 1
    return list(found.values())


def spread_of(table: InstanceTable, keyword: str) -> Spread:
    """How an attribute that is not constant varies."""
    values = values_of(table, keyword)
    # sequences are compared by identity: equal ones are mostly one object, and items can be many
    distinct = {id(v) if isinstance(v, Sequence) else v: v for v in values if v is not None}
    having = len(values) if None not in values else sum(keyword in instance for instance in table)
    vr = next(instance.vr(keyword) for instance in table if keyword in instance)
    return Spread(vr, having, list(distinct.values()), *_range(list(distinct.values()), vr))


def _range(distinct: list[Any], vr: str) -> tuple[Any, Any]:
    """Least and greatest value; of tuples of numbers, those of each place."""
    kinds = {_kind(value) for value in distinct}
    if kinds == {0} or (kinds == {"text"} and vr in _ORDERED):
        return min(distinct), max(distinct)
    if len(kinds) == 1 and isinstance(width := kinds.pop(), int):
        places = [[value[i] for value in distinct] for i in range(width)]
        return tuple(map(min, places)), tuple(map(max, places))
    return None, None


def _kind(value: Any) -> int | str:
    """0 for a number, n for a tuple of n numbers."""
    if isinstance(value, tuple):
        return len(value) if all(_kind(member) == 0 for member in value) else "mixed"
    return 0 if isinstance(value, (int, float)) else "text" if isinstance(value, str) else "other"


def _sop_classes(table: InstanceTable) -> list[tuple[str | None, str, int]]:
    """UID, name and number of instances, most frequent first."""
    from pydicom.uid import UID

    counted = Counter(values_of(table, "SOPClassUID")).most_common()
    return [(uid, UID(uid).name if isinstance(uid, str) else "(none)", n) for uid, n in counted]


def _rates(loaded: Loaded) -> tuple[float, float]:
    seconds = max(loaded.seconds, 1e-9)
    return loaded.input_bytes / seconds, len(loaded.table) / seconds


# ---- JSON ----


def _as_json(loaded: Loaded) -> dict[str, Any]:
    table, series = loaded.table, series_of(loaded.table)
    constant = table.constant if len(table) else ()
    bytes_per_second, instances_per_second = _rates(loaded)
    return {
        "source": loaded.name,
        "instances": len(table),
        "studies": len({s.study_instance_uid for s in series}),
        "series": [{name: to_plain(value) for name, value in asdict(s).items()} for s in series],
        "sop_classes": [{"uid": uid, "name": name, "instances": n} for uid, name, n in _sop_classes(table)],
        "constant": {name: to_plain(table[0][name]) for name in constant},
        "varying": {name: _spread_as_json(spread_of(table, name)) for name in table.varying},
        "memory": {
            "input_bytes": loaded.input_bytes,
            "table_bytes": loaded.table_bytes,
            "bytes_per_instance": round(loaded.table_bytes / len(table), 1) if len(table) else None,
            "compression_ratio": round(loaded.input_bytes / loaded.table_bytes, 3),
        },
        "parse": {
            "seconds": loaded.seconds,
            "bytes_per_second": round(bytes_per_second),
            "instances_per_second": round(instances_per_second),
        },
        "problems": [{**asdict(problem), "reason": problem.reason} for problem in table.problems],
    }


def _spread_as_json(spread: Spread) -> dict[str, Any]:
    ends = (spread.distinct[0], spread.distinct[-1]) if spread.distinct else (None, None)
    result = {"vr": spread.vr, "instances": spread.instances, "distinct": len(spread.distinct)}
    result |= {"first": to_plain(ends[0]), "last": to_plain(ends[1])}
    return result if spread.low is None else {**result, "min": to_plain(spread.low), "max": to_plain(spread.high)}


# ---- terminal ----


def _show(loaded: Loaded) -> None:
    screen, table = Screen(), loaded.table
    series = series_of(table)
    studies = {s.study_instance_uid for s in series}
    held = (count(len(table), "instance"), count(len(series), "series", "series"))
    _facts(screen, loaded, f"{held[0]} in {held[1]} of {count(len(studies), 'study', 'studies')}")
    if not len(table):
        return
    screen.heading("Series")
    columns = ["modality", ">number", "description", ">instances", ">rows × columns", "series instance UID"]
    screen.table(columns, [_series_row(s) for s in series])
    screen.heading("SOP classes")
    screen.table([">instances", "class", "UID"], [[f"{n:,}", name, uid or ""] for uid, name, n in _sop_classes(table)])
    _constant(screen, table)
    _varying(screen, table)


def _facts(screen: Screen, loaded: Loaded, held: str) -> None:
    table = loaded.table
    bytes_per_second, instances_per_second = _rates(loaded)
    each = f", {size(loaded.table_bytes / len(table))} an instance" if len(table) else ""
    ratio = loaded.input_bytes / loaded.table_bytes
    speed = f"{size(bytes_per_second)}/s, {count(round(instances_per_second), 'instance')}/s"
    memory = f"{size(loaded.table_bytes)}{each}; {ratio:.1f} × smaller than the input" if ratio >= 1 else ""
    for name, text in (
        ("input", f"{loaded.name}, {size(loaded.input_bytes)}"),
        ("holds", held),
        ("memory", memory or f"{size(loaded.table_bytes)}{each}"),
        ("parse", f"{loaded.seconds * 1000:.3g} ms, {speed}"),
        ("problems", f"{len(table.problems):,}" if table.problems else "none"),
    ):
        screen.line((f"{name:10}", "bold"), text)
    for problem in table.problems[:10]:
        screen.line("  ", (str(problem), "yellow"))
    if len(table.problems) > 10:
        screen.line((f"  … {len(table.problems) - 10:,} more (--json lists all)", "dim"))


def _series_row(s: Series) -> list[str]:
    shape = f"{s.rows} × {s.columns}" if s.rows and s.columns else ""
    return [
        _cell(s.modality),
        _cell(s.number),
        _cell(s.description),
        f"{s.instances:,}",
        shape,
        s.series_instance_uid or "",
    ]


def _cell(value: Any) -> str:
    return "" if value is None else text_of(value, 40)


def _constant(screen: Screen, table: InstanceTable) -> None:
    names, first = table.constant, table[0]
    same = "with one value in all instances" if len(table) > 1 else "of the only instance"
    screen.heading("Constant", f"{count(len(names), 'attribute')} {same}")
    width = max(map(len, names), default=0)
    for name in names:
        text = text_of(first[name], max(screen.width - width - 6, 30))
        screen.line(
            (f"{name:{width}}  ", "cyan"),
            (f"{first.vr(name):2}  ", "dim"),
            (text, "dim" if first[name] is None else ""),
        )


def _varying(screen: Screen, table: InstanceTable) -> None:
    names = table.varying
    if not names:
        return
    screen.heading("Varying", f"{count(len(names), 'attribute')}: how many values, which, and in how many instances")
    width = max(map(len, names))
    digits = len(f"{len(table):,}")
    for name in names:
        spread = spread_of(table, name)
        part = "" if spread.instances == len(table) else f"  in {spread.instances:,} of {len(table):,}"
        room = max(screen.width - width - digits - len(part) - 8, 30)
        screen.line(
            (f"{name:{width}}  ", "cyan"),
            (f"{spread.vr:2}  ", "dim"),
            f"{len(spread.distinct):{digits},}  ",
            _spread_text(spread, room),
            (part, "dim"),
        )


def _spread_text(spread: Spread, room: int) -> str:
    values = spread.distinct
    if len(values) <= 1:
        return text_of(values[0], room) if values else EMPTY
    texts = [text_of(value, 300) for value in values[:_FEW]]
    few = len(values) <= _FEW and sum(map(len, texts)) + 3 * len(texts) <= room
    if spread.low is not None and not (few and isinstance(spread.low, tuple)):
        return _range_text(spread.low, spread.high, room)
    if few:
        return " | ".join(texts)
    between = " | … | " if len(values) > 2 else " | "
    ends = [texts[0], text_of(values[-1], 300)]
    each = (room - len(between)) // 2
    if max(map(len, ends)) > each:  # what differs is mostly at the end
        same = _length_in_common(*ends)
        ends = ["…" + text[max(same, len(text) - each + 1) :] if same > 8 else text_of(text, each) for text in ends]
    return between.join(ends)


def _length_in_common(a: str, b: str) -> int:
    return next((i for i, pair in enumerate(zip(a, b, strict=False)) if pair[0] != pair[1]), min(len(a), len(b)))


def _range_text(low: Any, high: Any, room: int) -> str:
    if not isinstance(low, tuple):
        return f"{text_of(low, room)} to {text_of(high, room)}"
    places = tuple(f"{a}" if a == b else f"{a} to {b}" for a, b in zip(low, high, strict=True))
    return text_of(places, room)
