"""All sources of a merge asked at once, and what they answer as one.

Whoever fails keeps nobody else from answering, and is told of; only when all fail, it is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from metalith.errors import Cancelled, ConfigurationError, DataSourceError, MetalithError
from metalith.sources.contract import DataSource
from metalith.sources.facade import FUNCTIONS

__all__ = ["Answers", "ChildFailed", "MergedRows", "ask_all", "can", "count_of", "merged_rows", "raise_all"]

T = TypeVar("T")
Answers = list[tuple[DataSource, T]]

_KEYS = {
    "study": ("study_instance_uid", "StudyInstanceUID", "studyInstanceUid"),
    "series": ("series_instance_uid", "SeriesInstanceUID", "seriesInstanceUid"),
    "instance": ("sop_instance_uid", "SOPInstanceUID", "sopInstanceUid"),
}


class ChildFailed(DataSourceError):
    """A source of a merge failed.

    Attributes
    ----------
    source : str
        Its name.
    error : Exception
        What it raised.
    """

    def __init__(self, source: str, error: Exception) -> None:
        self.source, self.error = source, error
        told = str(error) if isinstance(error, MetalithError) else type(error).__name__
        super().__init__(f"{source}: {told}")
        self.status: int | None = getattr(error, "status", None)

    def __reduce__(self) -> Any:
        return ChildFailed, (self.source, self.error)


class MergedRows(list[Any]):
    """Rows of a search, each study, series or instance once: that of the first source that has it.

    Attributes
    ----------
    failures : list of ChildFailed
        The sources that could not be searched.
    """

    def __init__(self, rows: Iterable[Any], sources: Mapping[str, tuple[str, ...]], level: str) -> None:
        super().__init__(rows)
        self.failures: list[ChildFailed] = []
        self._sources, self._level = sources, level

    def sources_of(self, row: Any) -> tuple[str, ...]:
        """Which sources have what a row is of, the one that the row is from first; given the row, or its UID."""
        uid = row if isinstance(row, str) else uid_of(row, self._level)
        return self._sources.get(uid or "", ())


def can(child: DataSource, function: str, *, unknown: bool = False) -> bool:
    """Whether a source has a function, such as "store.dicom".

    Parameters
    ----------
    child : DataSource
    function : str
    unknown : bool, optional
        What to say of a source that cannot tell, such as one that was not initialized.
    """
    if function not in FUNCTIONS:
        raise ValueError(f"no function of data sources: {function!r}")
    try:
        return child.supports(function)
    except MetalithError:
        return unknown


def ask_all(
    children: Sequence[DataSource], question: Callable[[DataSource], T]
) -> tuple[Answers[T], list[ChildFailed]]:
    """What the sources answer, in their order, and which ones failed.

    Raises
    ------
    ConfigurationError
        What was asked for is impossible, as all of them say.
    DataSourceError
        All of them failed.
    Cancelled
    """

    def ask(child: DataSource) -> T | ChildFailed:
        try:
            return question(child)
        except Cancelled:
            raise
        except Exception as error:
            return ChildFailed(child.name, error)

    if len(children) == 1:
        said = [ask(children[0])]
    else:
        with ThreadPoolExecutor(len(children), thread_name_prefix="metalith-merge") as pool:
            # each with what is known of the asking here, such as what calls it off
            asked = [pool.submit(copy_context().run, ask, child) for child in children]
            said = [one.result() for one in asked]
    answers = [(child, one) for child, one in zip(children, said, strict=True) if not isinstance(one, ChildFailed)]
    failures = [one for one in said if isinstance(one, ChildFailed)]
    if not answers:
        raise_all(failures)
    return answers, failures


def raise_all(failures: Sequence[ChildFailed]) -> None:
    """Raises for what failed everywhere."""
    first = failures[0]
    if all(isinstance(failure.error, ConfigurationError) for failure in failures):
        raise first.error
    if len(failures) == 1:
        raise first
    raise DataSourceError(f"all sources failed: {'; '.join(map(str, failures))}", status=first.status)


def merged_rows(level: str, answers: Answers[list[Any]]) -> MergedRows:
    """The rows of several sources, each study, series or instance once."""
    rows: dict[Any, Any] = {}
    sources: dict[str, tuple[str, ...]] = {}
    for child, several in answers:
        for row in several:
            if row is None:
                continue
            uid = uid_of(row, level)
            rows.setdefault(uid if uid is not None else object(), row)
            if uid is not None and child.name not in sources.get(uid, ()):
                sources[uid] = *sources.get(uid, ()), child.name
    return MergedRows(rows.values(), sources, level)


def uid_of(row: Any, level: str) -> str | None:
    """The UID of what a row is of, whoever made it."""
    get = getattr(row, "get", None)
    for key in _KEYS[level]:
        uid = getattr(row, key, None) if get is None or hasattr(row, key) else get(key)
        if isinstance(uid, str) and uid:
            return uid
    return None


def count_of(name: str, value: Any) -> int | None:
    """A limit or an offset, checked; None where there is none."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(f"{name} must be a whole number, 0 or more")
    return value
