"""What keeps a store small: merging small tables, leaving out rows that do not count, and the budget."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from typing import TYPE_CHECKING, Any

from metalith._core import InstanceTable, Places, copy_rows
from metalith.errors import ConfigurationError
from metalith.store import events
from metalith.store.events import Event
from metalith.store.series import Series, State

if TYPE_CHECKING:
    from metalith.store.changes import Journal

__all__ = ["bytes_of", "evict", "merge", "tidy"]

Piece = tuple[InstanceTable, int, Any]

# Tables smaller than one of these become one that is not: a row is copied once for each at most. Beyond SMALL that goes
# only for tables that became so large here: those that came so are left as they are.
SIZES = (8, 64, 512, 4096, 32768)
SMALL = 512

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def bytes_of(size: int | str) -> int:
    """A number of bytes, or "4 GiB" and the like."""
    if isinstance(size, str):
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?\s*", size, re.IGNORECASE)
        if not found:
            raise ConfigurationError("max_bytes is a number of bytes, or such as '4 GiB'")
        return int(float(found[1]) * _UNITS[(found[2] or "").lower()])
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise ConfigurationError("max_bytes is a number of bytes, or such as '4 GiB'")
    return size


def merge(places: Places, series: Series, journal: Journal) -> None:
    """Makes one of a series' last tables where they are many and small: part of the change that added the last one, so
    that a thousand adds in one transaction cost no more than by themselves. Without memory they stay as they are.
    """
    pieces = series._state.pieces()
    while (first := _mergeable(pieces, series._merged)) is not None:
        try:
            pieces[first:] = [_as_one(places, series, pieces[first:], journal)]
        except MemoryError:
            return
        journal.set_state(series, State.of(pieces))


def _mergeable(pieces: list[Piece], merged: Container[int]) -> int | None:
    """Where the last tables begin that are small enough, if all of them together are not."""
    first, total = len(pieces), 0
    for size in SIZES:
        while (
            first and (count := _count(pieces[first - 1])) < size and (count < SMALL or pieces[first - 1][1] in merged)
        ):
            first -= 1
            total += count
        if total >= size:
            return first
    return None


def _count(piece: Piece) -> int:
    return len(piece[0]) if piece[2] is None else len(piece[2])


def _as_one(places: Places, series: Series, pieces: list[Piece], journal: Journal | None = None) -> Piece:
    table = copy_rows([(table, rows) for table, _, rows in pieces])
    to = places.hold(table)
    series._slots.add(to)
    series._merged.add(to)
    where = [(slot, rows) for _, slot, rows in pieces]
    if journal is not None:
        journal.undo(lambda: places.drop(to))
        journal.undo(lambda: series._slots.discard(to))
        journal.undo(lambda: series._merged.discard(to))
        journal.undo(lambda: places.transfer_back(where, to))
    places.transfer(where, to, series)
    return table, to, None


def tidy(places: Places, touched: Iterable[Series]) -> None:
    """Lets go of what a change left over in the series that it touched: tables, and most rows of others, that no
    instance is in any more. Without memory they stay.
    """
    for series in touched:
        for i, (table, slot, rows) in enumerate(series._state.pieces()):
            if rows is None or 2 * len(rows) >= len(table):
                continue
            try:
                piece = _as_one(places, series, [(table, slot, rows)])
            except MemoryError:
                break
            pieces = series._state.pieces()
            pieces[i] = piece
            series._state = State.of(pieces)
        _drop_others(places, series)


def _drop_others(places: Places, series: Series) -> None:
    """Lets go of the series' tables that none of its instances are in any more."""
    for slot in series._slots.difference(series._state.slots):
        series._slots.remove(slot)
        series._merged.discard(slot)
        places.drop(slot)


def evict(places: Places, series: Iterable[Series], keep: Container[Series], most: int) -> list[Event]:
    """Takes instances out, whole series, least recently used first, until what is left keeps within the budget."""
    evicted: list[Event] = []
    if places.tables_nbytes + places.nbytes <= most:
        return evicted
    most -= most // 32  # a little more than needed, so that not every add has to look through all series
    candidates = [one for one in series if one._state.count and not one.pinned and one not in keep]
    candidates.sort(key=lambda one: max(map(places.used, one._state.slots)))
    for one in candidates:
        if places.tables_nbytes + places.nbytes <= most:
            break
        state = one._state
        for _, slot, rows in state.pieces():
            places.remove(slot, rows)
        one._state, one.is_evicted = State(), True
        _drop_others(places, one)
        evicted.append(Event(events.SERIES_EVICTED, one.study_instance_uid, one.series_instance_uid, count=state.count))
    return evicted
