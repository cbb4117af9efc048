"""Many files, as a table for each series.

The thread that asks for tables walks the folders and fills the tables; what takes the time, opening and reading files,
is done by a pool of threads, with the interpreter's lock let go. The files come into the tables in the order of the
walk, so what comes out does not depend on which thread was first.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import inf
from types import TracebackType
from typing import Any, Literal, Self

from metalith._core import Framing, Header, HeaderReader, InstanceTable
from metalith._read_ahead import PAUSE, ReadAhead
from metalith.errors import NotDicomError, ParseError
from metalith.folders import Passed, Paths, walk
from metalith.limits import with_overrides
from metalith.part10 import BULK_ABOVE, Tag, tag_of, tags_of

__all__ = ["Failure", "Scan", "scan"]

OnError = Literal["report", "raise", "partial"]

_SERIES_TAG = 0x0020000E
_LISTED = 1000  # failures


@dataclass(frozen=True, slots=True)
class Failure:
    """A file or folder that could not be read, and why.

    Attributes
    ----------
    path : str
    error : Exception
        `ParseError` or `OSError`; of a DICOMDIR that names a file outside of its folder, an `UnsafeReferenceError`.
    """

    path: str
    error: Exception

    @property
    def reason(self) -> str:
        """What is wrong, in words, without the path."""
        if isinstance(self.error, ParseError):
            return self.error.reason
        return (self.error.strerror if isinstance(self.error, OSError) else None) or str(self.error)

    @property
    def offset(self) -> int | None:
        """The byte of the file at which it went wrong; None where it did not come to that."""
        return self.error.offset if isinstance(self.error, ParseError) else None

    def __str__(self) -> str:
        where = "" if self.offset is None else f" (at byte {self.offset:,})"
        return f"{self.path}: {self.reason}{where}"


def scan(
    paths: Paths,
    *,
    workers: int | None = None,
    window: int | None = 10_000,
    group_by_series: bool = True,
    until: Tag | None = None,
    specific_tags: Iterable[Tag] | None = None,
    bulk_above: int = BULK_ABOVE,
    on_error: OnError = "report",
    strict: bool = False,
    progress: Callable[[Scan], object] | None = None,
    report: Callable[[Failure], object] | None = None,
    **limits: int,
) -> Scan:
    """Reads the headers of any number of DICOM files: an `InstanceTable` for each series, as soon as it is complete.

    Parameters
    ----------
    paths
        A folder, with all that is in it; a DICOMDIR, which stands for the files it names; a file; or an iterable of
        these.
    workers : int, optional
        Threads that read. By default six more than there are processors, since they mostly wait for disks and networks;
        0 and 1 mean none but the caller's, which is as fast where all files are in memory already.
    window : int or None, optional
        A series is taken for complete when none of its files was among the last `window` ones. Should there be more of
        it after all, they come as another table. None: no series is complete before the end.
    group_by_series : bool, optional
        False gives one table of all files, at the end.
    until, specific_tags, bulk_above, strict
        As for `metalith.read`. Files are grouped by SeriesInstanceUID though it be not among the `specific_tags`.
    on_error : {"report", "raise", "partial"}, optional
        What becomes of files and folders that cannot be read. "report": they are listed in `failures`, and the scan
        goes on. "raise": the first one ends it. "partial": as "report", but of a damaged file the attributes before
        the damage are read, as `metalith.read` does.
    progress : callable, optional
        Called with the scan ten times a second at most while `next` is at work, and at the end. What it raises ends
        the scan; it may call `close`.
    report : callable, optional
        Called with each `Failure`.
    **limits
        Bounds, see `metalith.Limits`, on each file and each table.

    Returns
    -------
    Scan
        An iterator of tables. The rows of a table are in the order of the walk: of a folder first its files, then what
        is in its folders, both by name (`metalith.folders.walk`); `InstanceTable.paths` tells the files.

    Raises
    ------
    OSError
        The only path that was given is not there.

    Notes
    -----
    Files that are not DICOM are counted and otherwise passed over. Links that lead out of a folder are not followed.
    Files that have the same SOPInstanceUID are all kept. Instances without SeriesInstanceUID are a table of their own.

    Examples
    --------
    >>> from pydicom.data.data_manager import DATA_ROOT
    >>> scan = metalith.scan(f"{DATA_ROOT}/test_files/dicomdirtests", workers=4)
    >>> sum(len(table) for table in scan)
    81
    >>> scan.files, scan.instances, scan.skipped, scan.failed
    (91, 81, 2, 0)
    """
    if isinstance(paths, (str, bytes, os.PathLike)):
        os.stat(paths)
    if on_error not in ("report", "raise", "partial"):
        raise ValueError(f"on_error is 'report', 'raise' or 'partial', not {on_error!r}")
    if window is not None and window < 1:
        raise ValueError("window is a number of files, one at least, or None")
    if workers is None:
        workers = min(32, (os.cpu_count() or 1) + 6)
    elif workers < 0:
        raise ValueError("workers is a number of threads")
    last = 0 if until is None else tag_of(until)
    if group_by_series and 0 < last <= _SERIES_TAG:
        raise ValueError("until ends before SeriesInstanceUID, by which files are grouped: group_by_series=False")
    bounds = with_overrides(limits)
    only = None if specific_tags is None else tags_of(specific_tags)
    tables = _Tables(lambda: HeaderReader(bounds, strict, bulk_above, only), window, group_by_series)
    reading = ReadAhead(walk(paths, bounds), Framing(bounds, last, on_error == "partial"), workers)
    return Scan(reading, tables, on_error == "raise", progress, report)


class Scan(Iterator[InstanceTable]):
    """The tables of a scan, and how far it has come. Made by `metalith.scan`.

    With `close`, or as a context manager, it can be ended early; no thread is left then, nor when it is just forgotten.

    Attributes
    ----------
    files : int
        That were met so far: `instances`, `skipped`, `indexes`, and the files among the failures.
    instances : int
        That were read.
    skipped : int
        That are not DICOM, or not to be read from: pipes, devices, sockets.
    indexes : int
        DICOMDIRs.
    links : int
        Links that were not followed, since they lead out of the folder or nowhere.
    failed : int
        Files and folders that could not be read.
    failures : list of Failure
        The first 1,000 of these, in the order of the walk.
    bytes : int
        Of the headers that were read.
    tables : int
        That were begun.
    """

    def __init__(
        self,
        reading: ReadAhead,
        tables: _Tables,
        raising: bool,
        progress: Callable[[Scan], object] | None,
        report: Callable[[Failure], object] | None,
    ) -> None:
        self.files = self.instances = self.skipped = self.indexes = self.links = self.failed = self.bytes = 0
        self.failures: list[Failure] = []
        self._reading, self._tables = reading, tables
        self._raising, self._progress, self._report = raising, progress, report
        self._told = time.monotonic()
        self._finished = self._closed = False
        self._at_work = threading.Lock()

    @property
    def tables(self) -> int:
        return self._tables.begun

    def __repr__(self) -> str:
        return f"<Scan: {self.files:,} files, {self.instances:,} instances, {self.failed:,} failures>"

    def __next__(self) -> InstanceTable:
        if not self._at_work.acquire(blocking=False):
            raise RuntimeError("the scan is at work already, in another thread or for what it has called")
        try:
            complete = self._tables.complete
            while not complete and not self._finished and not self._closed:
                self._advance()
            if self._closed or not complete:
                raise StopIteration
            return complete.popleft().finish()
        except BaseException:
            self._closed = True
            self._reading.close()
            self._tables.clear()
            raise
        finally:
            self._at_work.release()

    def close(self) -> None:
        """Ends the scan; tables that were not handed out yet are lost. May be called from any thread, and by
        `progress` and `report`.
        """
        self._closed = True
        self._reading.close()
        if self._at_work.acquire(blocking=False):  # otherwise `next` will see to it
            self._tables.clear()
            self._at_work.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _advance(self) -> None:
        """Some more files."""
        results = self._reading.take(self._tell if self._progress else None)
        if results is not None:
            self._add(results)
            self._tell()
        elif not self._closed:
            self._finished = True
            self._tables.end()
            self._tell(anyway=True)

    def _add(self, results: list[tuple[Any, Any]]) -> None:
        tables = self._tables
        for entry, result in results:
            if type(result) is Header:
                self.files += 1
                self._add_header(entry, result)
            elif isinstance(result, Passed):
                self._pass(result)
            else:
                self.files += 1
                if isinstance(result, NotDicomError):
                    self.skipped += 1
                else:
                    self._fail(entry, result)
            if self.files >= tables.due:
                tables.expire(self.files)

    def _add_header(self, path: bytes, header: Header) -> None:
        series = header.series
        if not series and header.is_index:
            self.indexes += 1
            return
        try:
            self._tables.add(header, series, self.files)
        except ParseError as error:  # a limit of the table's, or what `strict` refuses
            told = ParseError(error.reason, offset=error.offset, row=None, path=error.path, source=os.fsdecode(path))
            self._fail(path, told)
        else:
            self.instances += 1
            self.bytes += header.length

    def _pass(self, passed: Passed) -> None:
        if passed.error is not None:
            self._fail(passed.path, passed.error)
        elif passed.what == "link":
            self.links += 1
        else:
            self.files += 1
            if passed.what == "index":
                self.indexes += 1
            else:
                self.skipped += 1

    def _fail(self, path: bytes, error: Exception) -> None:
        if self._raising:
            raise error
        failure = Failure(os.fsdecode(path), error)
        self.failed += 1
        if len(self.failures) < _LISTED:
            self.failures.append(failure)
        if self._report is not None:
            self._report(failure)

    def _tell(self, anyway: bool = False) -> None:
        if self._progress is not None:
            now = time.monotonic()
            if anyway or now - self._told >= PAUSE:
                self._told = now
                self._progress(self)


class _Group:
    """A table that is being filled."""

    __slots__ = ("last", "number", "reader")

    def __init__(self, reader: HeaderReader, number: int) -> None:
        self.reader, self.number, self.last = reader, number, 0


class _Tables:
    """The tables that are being filled, by series, and those that are complete.

    Files are counted by the caller. A table is complete when its last file is `window` files ago; to see that costs
    nothing while nothing can be: not before the count is `due`.
    """

    def __init__(self, new: Callable[[], HeaderReader], window: int | None, by_series: bool) -> None:
        self._new, self._by_series = new, by_series
        self._window = inf if window is None or not by_series else window
        self._groups: OrderedDict[bytes, _Group] = OrderedDict()  # by when they were last added to
        self._current: tuple[bytes, _Group] | tuple[None, None] = None, None
        self.complete: deque[HeaderReader] = deque()
        self.begun = 0
        self.due = self._window

    def add(self, header: Header, series: bytes, count: int) -> None:
        key, group = self._current
        if group is None or (key != series and self._by_series):
            group = self._switch(series)
        group.last = count
        group.reader.add(header)

    def _switch(self, series: bytes) -> _Group:
        group = self._groups.get(series)
        if group is None:
            group = self._groups[series] = _Group(self._new(), self.begun)
            self.begun += 1
        else:
            self._groups.move_to_end(series)
        self._current = series, group
        return group

    def expire(self, count: int) -> None:
        """Completes the tables that nothing has come for since `count` - window files."""
        while self._groups:
            series, group = next(iter(self._groups.items()))
            self.due = group.last + self._window
            if self.due > count:
                return
            del self._groups[series]
            if group is self._current[1]:
                self._current = None, None
            self._complete(group)
        self.due = count + self._window

    def end(self) -> None:
        """Completes the rest, in the order they were begun."""
        for group in sorted(self._groups.values(), key=lambda group: group.number):
            self._complete(group)
        self._forget()

    def clear(self) -> None:
        """Drops everything."""
        self._forget()
        self.complete.clear()

    def _forget(self) -> None:
        self._groups.clear()
        self._current = None, None

    def _complete(self, group: _Group) -> None:
        if len(group.reader):  # otherwise it failed with its first file
            self.complete.append(group.reader)
