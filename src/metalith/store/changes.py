"""Changes of a store that are made whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metalith.store.events import Event
from metalith.store.series import Series, State

__all__ = ["Journal"]


class Journal:
    """What has been changed since a transaction began: how to undo it, and what to tell when it is done."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], Any]] = []
        self.events: list[Event] = []
        self.touched: dict[Series, None] = {}
        self._disordered: dict[tuple[int, str], Any] = {}  # mappings that entries came back to

    def undo(self, step: Callable[[], Any]) -> None:
        """How to take back what was just done. Must not fail."""
        self._undo.append(step)

    def set_state(self, series: Series, state: State, evicted: bool = False) -> None:
        """Gives a series other instances."""
        before = series._state, series.is_evicted
        series._state, series.is_evicted = state, evicted
        self.touched[series] = None

        def back() -> None:
            series._state, series.is_evicted = before

        self.undo(back)

    def put(self, owner: Any, name: str, key: Any, value: Any) -> None:
        """Adds an entry to a mapping that is an attribute of the owner, or replaces it."""
        mapping = getattr(owner, name)
        if key in mapping:
            before = mapping[key]
            mapping[key] = value
            self.undo(lambda: getattr(owner, name).__setitem__(key, before))
        else:
            mapping[key] = value
            self.undo(lambda: getattr(owner, name).pop(key))

    def take(self, owner: Any, name: str, key: Any) -> None:
        """Takes an entry out whose value has a number by which such a mapping is in order."""
        before = getattr(owner, name).pop(key)

        def back() -> None:
            getattr(owner, name)[key] = before
            self._disordered[id(owner), name] = owner

        self.undo(back)

    # ---- the end ----

    @property
    def mark(self) -> tuple[int, int]:
        return len(self._undo), len(self.events)

    def roll_back(self, mark: tuple[int, int]) -> None:
        """Takes everything back since a mark, last change first."""
        while len(self._undo) > mark[0]:
            self._undo.pop()()
        del self.events[mark[1] :]
        while self._disordered:
            (_, name), owner = self._disordered.popitem()
            # another dict in the place of this one: who reads at this moment finds everything in either
            entries = sorted(getattr(owner, name).items(), key=lambda entry: entry[1]._number)
            setattr(owner, name, dict(entries))

    def finish(self) -> None:
        """Nothing is taken back any more."""
        self._undo.clear()
