"""The series and studies of a store, as its users see them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, count
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from metalith._core import Instance, InstanceTable

if TYPE_CHECKING:
    from metalith.store.store import MetadataStore

__all__ = ["Attributes", "Instances", "Series", "State", "Study"]

Loader = Callable[[str, str], Any]

_numbers = count()  # of studies and series, in the order they came


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What a series has, at one moment. Never changed: a change makes another, so that who reads sees a whole one."""

    tables: tuple[InstanceTable, ...] = ()
    slots: tuple[int, ...] = ()
    rows: tuple[Any, ...] = ()  # of each table, those that count (ascending uint32), or None for all
    ends: tuple[int, ...] = ()  # where each table's instances end among all

    @property
    def count(self) -> int:
        return self.ends[-1] if self.ends else 0

    @classmethod
    def of(cls, pieces: list[tuple[InstanceTable, int, Any]]) -> State:
        """From tables, their slots and their rows, without those that have none left."""
        kept = [piece for piece in pieces if piece[2] is None or len(piece[2])]
        ends = accumulate(len(table) if rows is None else len(rows) for table, _, rows in kept)
        tables, slots, rows = zip(*kept, strict=True) if kept else ((), (), ())
        return cls(tables, slots, rows, tuple(ends))

    def pieces(self) -> list[tuple[InstanceTable, int, Any]]:
        return list(zip(self.tables, self.slots, self.rows, strict=True))


class Instances(Sequence[Instance]):
    """The instances of a series as they were when this was asked for: what happens in the store later does not show."""

    __slots__ = ("_state",)

    def __init__(self, state: State) -> None:
        self._state = state

    def __len__(self) -> int:
        return self._state.count

    @overload
    def __getitem__(self, index: int) -> Instance: ...
    @overload
    def __getitem__(self, index: slice) -> list[Instance]: ...
    def __getitem__(self, index: int | slice) -> Instance | list[Instance]:
        state = self._state
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(state.count))]
        at = index + state.count if index < 0 else index
        if not 0 <= at < state.count:
            raise IndexError(f"instance {index} of a series of {state.count}")
        piece = bisect_right(state.ends, at)
        at -= state.ends[piece - 1] if piece else 0
        rows = state.rows[piece]
        return state.tables[piece][at if rows is None else int(rows[at])]

    def __iter__(self) -> Iterator[Instance]:
        for table, rows in zip(self._state.tables, self._state.rows, strict=True):
            if rows is None:
                yield from table
            else:
                for row in rows.tolist():
                    yield table[row]

    def __repr__(self) -> str:
        return f"<{len(self)} instances>"


class Attributes:
    """Access by keyword, as to a key and as to an attribute, over `get`."""

    get: Callable[..., Any]

    def __getitem__(self, keyword: str) -> Any:
        value = self.get(keyword, _ABSENT)
        if value is _ABSENT:
            raise KeyError(keyword)
        return value

    def __getattr__(self, keyword: str) -> Any:
        if keyword[:1].isupper():
            value = self.get(keyword, _ABSENT)
            if value is not _ABSENT:
                return value
        raise AttributeError(f"the {type(self).__name__.lower()} has no {keyword}", name=keyword, obj=self)


class Series(Attributes):
    """A series of a store. Attributes by keyword are those that were given for the series, else its first instance's.

    Attributes
    ----------
    study_instance_uid, series_instance_uid : str
    is_loaded : bool
        Its instances are here.
    is_evicted : bool
        They were, and had to go for want of room; `load` brings them back.
    pinned : bool
        They never have to go. May be set.
    """

    def __init__(self, store: MetadataStore, study: Study, uid: str) -> None:
        self._store, self._study = store, study
        self._number = next(_numbers)
        self.series_instance_uid = uid
        self.study_instance_uid = study.study_instance_uid
        self.pinned = False
        self.is_evicted = False
        self._state = State()
        self._summary: dict[str, Any] = {}
        self._loader: Loader | None = None
        self._suv: tuple[State, Any] | None = None  # what was computed of the instances, and of which
        self._merged: set[int] = set()  # slots of tables that were put together here
        self._slots: set[int] = set()  # of its tables, those with no instance left among them until a change is whole

    # ---- instances ----

    @property
    def is_loaded(self) -> bool:
        return self._state.count > 0

    @property
    def instances(self) -> Instances:
        """Its instances, in the order they came. Instances."""
        return Instances(self._used())

    def _used(self) -> State:
        state = self._state
        for slot in state.slots:
            self._store._touch(slot)
        return state

    @property
    def tables(self) -> tuple[InstanceTable, ...]:
        """The tables that its instances are in; rows that were replaced or removed may be in there still."""
        return self._state.tables

    @property
    def nbytes(self) -> int:
        """Bytes that its tables hold."""
        return sum(table.nbytes for table in self._state.tables)

    def column(self, keyword: str | int, *, masked: bool = False) -> Any:
        """The values of an attribute in all instances, as an array; see `InstanceTable.column`.

        Where tables differ in what they have, missing values are NaN, None, or masked.

        Raises
        ------
        KeyError
            No instance has the attribute.
        ColumnError
            The number of values is not the same in all of them.
        """
        from metalith.store.columns import column_of

        return column_of(self._used(), keyword, masked)

    def load(self) -> Series:
        """Brings instances back that had to go, through the loader that came with them or the store's. Itself.

        Raises
        ------
        StoreError
            There is no loader.
        """
        self._store._load(self)
        return self

    # ---- attributes ----

    def get(self, keyword: str, default: Any = None) -> Any:
        """An attribute that was given for the series, else its first instance's."""
        if keyword == "SeriesInstanceUID":
            return self.series_instance_uid
        if keyword == "StudyInstanceUID":
            return self.study_instance_uid
        if keyword in self._summary:
            return self._summary[keyword]
        if keyword == "NumberOfSeriesRelatedInstances":
            return len(self)
        state = self._state
        return Instances(state)[0].get(keyword, default) if state.count else default

    def pick(self, keywords: Iterable[str]) -> dict[str, Any]:
        """Those of some attributes that there are, as `get` has them: the first instance is asked for once. dict."""
        state, given = self._state, self._summary
        get: Any = Instances(state)[0].get if state.count else {}.get
        found = {}
        for keyword in keywords:
            value = self.get(keyword, _ABSENT) if keyword in _OF_ITSELF else given.get(keyword, _ABSENT)
            value = get(keyword, _ABSENT) if value is _ABSENT else value
            if value is not _ABSENT:
                found[keyword] = value
        return found

    def __len__(self) -> int:
        return self._state.count

    def __bool__(self) -> bool:
        """True: that there is such a series says nothing of whether its instances are here."""
        return True

    def __iter__(self) -> Iterator[Instance]:
        return iter(self.instances)

    def __repr__(self) -> str:
        state = "evicted" if self.is_evicted else f"{len(self)} instances"
        return f"<Series {self.series_instance_uid}: {state}>"


class Study(Attributes):
    """A study of a store. Attributes by keyword are those that were given for the study, else its first instance's.

    `ModalitiesInStudy`, `NumberOfStudyRelatedSeries` and `NumberOfStudyRelatedInstances` are those of what is here.

    Attributes
    ----------
    study_instance_uid : str
    is_loaded : bool
        Every series that is known of has its instances here.
    """

    def __init__(self, uid: str) -> None:
        self.study_instance_uid = uid
        self._number = next(_numbers)
        self._series: dict[str, Series] = {}
        self._summary: dict[str, Any] = {}

    @property
    def is_loaded(self) -> bool:
        series = tuple(self._series.values())
        return bool(series) and all(one.is_loaded for one in series)

    @property
    def series(self) -> list[Series]:
        """Its series, in the order they came. list of Series."""
        return list(self._series.values())

    def get(self, keyword: str, default: Any = None) -> Any:
        """An attribute that was given for the study, else its first instance's."""
        series = tuple(self._series.values())
        if keyword == "StudyInstanceUID":
            return self.study_instance_uid
        if keyword == "ModalitiesInStudy":
            return _modalities(series)
        if keyword == "NumberOfStudyRelatedSeries":
            return len(series)
        if keyword == "NumberOfStudyRelatedInstances":
            return sum(map(len, series))
        if keyword in self._summary:
            return self._summary[keyword]
        for one in series:
            state = one._state
            if state.count:
                return Instances(state)[0].get(keyword, default)
        return default

    def __len__(self) -> int:
        return len(self._series)

    def __bool__(self) -> bool:
        """True, also of a study that no series is known of."""
        return True

    def __iter__(self) -> Iterator[Series]:
        return iter(self.series)

    def __repr__(self) -> str:
        return f"<Study {self.study_instance_uid}: {len(self)} series>"


_ABSENT: Any = object()
_OF_ITSELF = frozenset({"StudyInstanceUID", "SeriesInstanceUID", "NumberOfSeriesRelatedInstances"})


def _modalities(series: tuple[Series, ...]) -> tuple[str, ...]:
    """Each modality once, in the order they came."""
    found: dict[str, None] = {}
    for one in series:
        given = one._summary.get("Modality")
        if isinstance(given, str):
            found[given] = None
            continue
        state = one._state
        for table, rows in zip(state.tables, state.rows, strict=True):
            if "Modality" not in table.keywords:
                continue
            values = table.distinct("Modality")
            if rows is not None and len(values) > 1:  # some may be those of rows that no longer count
                values = table.column("Modality", dtype=object)[rows].tolist()
            found.update(dict.fromkeys(value for value in values if isinstance(value, str)))
    return tuple(found)


def given_attributes(summary: Mapping[str, Any]) -> dict[str, Any]:
    """What was given for a study or series, but for what the store knows by itself."""
    own = {"instances", "series", "ModalitiesInStudy", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances"}
    return {str(keyword): value for keyword, value in summary.items() if keyword not in own}


def live(rows: Any, table: InstanceTable, gone: set[int]) -> Any:
    """The rows that count without some."""
    before = np.arange(len(table), dtype=np.uint32) if rows is None else rows
    return before[~np.isin(before, np.fromiter(gone, dtype=np.uint32, count=len(gone)))]
