"""Series on their way: several at once, the most wanted first, and one that fails is no other's concern.

>>> loading = source.retrieve.series.metadata(study_uid)
>>> for series in loading: ...              # as each arrives
>>> loading.failures                        # what did not

Nothing is asked for before somebody wants it: by iterating, `start` or `wait`, or single jobs by their `start` and
`result`. Whoever leaves the loop before its end does not want the rest.
"""

from __future__ import annotations

import logging
import queue
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType
from typing import Any, Literal, Self

from metalith.errors import Cancelled, MetalithError
from metalith.sources._cancel import Cancel
from metalith.sources.scheduler import Scheduler, checked_priority
from metalith.store import Series

__all__ = ["Job", "Loading", "Progress", "Scheduler", "SeriesFailure", "planning"]

_log = logging.getLogger("metalith.sources")

OnError = Literal["report", "raise"]

planning: ContextVar[Cancel | None] = ContextVar("planning", default=None)
"""While a loading finds out what is to be loaded: what calls that off."""


@dataclass(eq=False)
class Job:
    """Something to load: mostly one series. Mirrors the deferreds of OHIF's `returnPromises`.

    Attributes
    ----------
    load : callable(Cancel)
        Fetches, puts into the store, and gives the series that are there now, all at once or one after the other. It
        may be called in any thread.
    study_instance_uid : str
    series_instance_uid : str or None
        None where one job loads several series.
    summary : mapping
        What is known of the series beforehand, by keyword.
    priority : float
        Higher ones first. May be set until the job begins.
    state : {"waiting", "loading", "loaded", "failed", "cancelled"}

    Examples
    --------
    >>> def rows(study_instance_uid):
    ...     yield {"SeriesInstanceUID": "1.2.1", "SOPInstanceUID": "1.2.1.1", "Rows": 4}
    >>> source = metalith.DataSource.create("mine", retrieve={"series": {"metadata": rows}})
    >>> (job,) = source.retrieve.series.metadata("1.2").jobs
    >>> job.state, job.result(), job.state
    ('waiting', [<Series 1.2.1: 1 instances>], 'loaded')
    """

    load: Callable[[Cancel], Iterable[Series]]
    study_instance_uid: str
    series_instance_uid: str | None = None
    summary: Mapping[str, Any] = field(default_factory=dict, repr=False)
    priority: float = 0
    state: str = "waiting"
    error: BaseException | None = field(default=None, init=False, repr=False)
    _loading: Loading | None = field(default=None, init=False, repr=False)
    _series: list[Series] = field(default_factory=list, init=False, repr=False)
    _over: threading.Event = field(default_factory=threading.Event, init=False, repr=False)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "priority":
            value = checked_priority(value)
        object.__setattr__(self, name, value)
        loading = self.__dict__.get("_loading")
        if name == "priority" and loading is not None:
            loading._scheduler.reorder()

    def start(self) -> Self:
        """Begins to load it, in the background, and none of the others. Itself.

        Raises
        ------
        ValueError
            It is a job of no loading.
        """
        if self._loading is None:
            raise ValueError("the job is not one of a loading's")
        self._loading.start(self)
        return self

    def result(self, timeout: float | None = None) -> list[Series]:
        """The series, when they are there; begins to load them if nobody has. list of Series.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most. The loading goes on.

        Raises
        ------
        Exception
            What the job failed with.
        Cancelled
            It was called off.
        TimeoutError
        """
        self.start()
        if not self._over.wait(timeout):
            raise TimeoutError("the series is still on its way")
        if self.error is not None:
            raise self.error
        if self.state == "cancelled":
            raise Cancelled("the loading was cancelled")
        return list(self._series)


@dataclass(frozen=True, slots=True)
class SeriesFailure:
    """A series that could not be loaded, and why.

    Attributes
    ----------
    study_instance_uid : str
    series_instance_uid : str or None
        None where it is not known which one.
    error : Exception
    """

    study_instance_uid: str
    series_instance_uid: str | None
    error: Exception

    def __str__(self) -> str:
        what = "a study" if self.series_instance_uid is None else f"series {self.series_instance_uid}"
        shown = str(self.error) if isinstance(self.error, MetalithError) else type(self.error).__name__
        return f"{what}: {shown}"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far loading is.

    Attributes
    ----------
    series, loaded, failed : int
        How many there are to load as far as is known, are here, and could not be loaded.
    instances : int
        Instances that are here.
    """

    series: int
    loaded: int
    failed: int
    instances: int


class Loading(Iterable[Series]):
    """The series of a study as they arrive.

    Iterating gives each `metalith.store.Series` when its instances are in the store. What could not be loaded is in
    `failures`; with `on_error="raise"` the first failure ends the loading and is raised.

    Parameters
    ----------
    plan : callable() -> list of Job
        Finds out what is to be loaded; called once, when the first is wanted. What it raises, `start` raises.
    scheduler : Scheduler
    cancel : Cancel, optional
        Cancels from outside. It stays as it is when the loading ends in another way.
    progress : callable(Progress), optional
        Called after each series, by the thread that loaded it, one at a time.
    on_error : {"report", "raise"}
    begun, ended : callable(), optional
        Called before it is found out what is to be loaded, and when nothing is under way any more.

    Attributes
    ----------
    failures : list of SeriesFailure
    cancellation : Cancel
        What calls off this loading, and nothing else.
    """

    def __init__(
        self,
        plan: Callable[[], list[Job]],
        scheduler: Scheduler,
        *,
        cancel: Cancel | None = None,
        progress: Callable[[Progress], object] | None = None,
        on_error: OnError = "report",
        begun: Callable[[], object] | None = None,
        ended: Callable[[], object] | None = None,
    ) -> None:
        if on_error not in ("report", "raise"):
            raise ValueError(f"on_error is 'report' or 'raise', not {on_error!r}")
        if progress is not None and not callable(progress):
            raise TypeError(f"progress is a function or 'bar', not {progress!r}")
        self._plan, self._scheduler, self._progress, self._on_error = plan, scheduler, progress, on_error
        self.cancellation = Cancel()
        self._on_begin, self._on_end = begun or _nothing, ended or _nothing
        self._unlink: Callable[[], object] = _nothing
        if cancel is not None:
            self._unlink = unlink = weakref.finalize(self, cancel.on_cancel(self.cancellation.cancel).remove)
            unlink.atexit = False
        self._starting = threading.Lock()
        self._telling = threading.Lock()
        self._arrived: queue.SimpleQueue[Series | BaseException | None] = queue.SimpleQueue()
        self._jobs: list[Job] | None = None
        self._left = self._loaded = self._instances = 0
        self.failures: list[SeriesFailure] = []
        self._error: BaseException | None = None
        self._ended = threading.Event()

    @property
    def jobs(self) -> list[Job]:
        """What is to be loaded; found out when this is first asked for. list of Job.

        Jobs can be started one by one, and have results of their own: `job.start()`, `job.result()`.
        """
        with self._starting:
            if self._jobs is None:
                self.cancellation.check()
                self._scheduler.attach(self)
                self._on_begin()
                token = planning.set(self.cancellation)
                try:
                    jobs = list(self._plan())
                except BaseException:
                    self._on_end()
                    raise
                finally:
                    planning.reset(token)
                self._left, self._jobs = len(jobs), [self._own(job) for job in jobs]
            return self._jobs

    def _own(self, job: Job) -> Job:
        """A job of this loading only, to be done once."""
        if job._loading is not None:
            job = replace(job, state="waiting")
        job._loading = self
        return job

    def start(self, *jobs: Job) -> Self:
        """Begins to load, in the background: everything, or only these jobs. Itself.

        What is under way when the source is closed, or the program ends, is called off.

        Raises
        ------
        ValueError
            A job is none of these.
        """
        known = self.jobs
        if any(job._loading is not self for job in jobs):
            raise ValueError("the job is not one of this loading's")
        if not known:
            self._end()
        for job in jobs or known:
            if not job._over.is_set() and job.state == "waiting":  # one that is queued twice is done once
                self._scheduler.submit(partial(self._run, job), partial(getattr, job, "priority"))
        return self

    def _run(self, job: Job) -> None:
        with self._telling:
            if job.state != "waiting":
                return
            job.state = "loading"
        error: BaseException | None = None
        state = "loaded"
        try:
            self.cancellation.check()
            for one in job.load(self.cancellation):
                if not isinstance(one, Series):
                    raise TypeError("a job gives series")
                with self._telling:
                    self._arrive(job, one)
        except Cancelled as raised:
            if self.cancellation.cancelled:
                state = "cancelled"
            else:  # by somebody else: whoever waits here must know that it will not come
                state, error = "failed", raised
        except Exception as raised:
            state, error = "failed", raised
        except BaseException as raised:
            state, error = "failed", RuntimeError(f"a series' loading ended with {type(raised).__name__}")
        with self._telling:
            job.state = state
            self._account(job, job._series, error if isinstance(error, Exception) else None)

    def _arrive(self, job: Job, series: Series) -> None:
        job._series.append(series)
        self._loaded += 1
        self._instances += len(series)
        self._arrived.put(series)
        self._tell()

    def _account(self, job: Job, series: list[Series], error: Exception | None) -> None:
        """Notes the end of a job; `series` have arrived before."""
        if error is not None:
            job.error = error
            failure = SeriesFailure(job.study_instance_uid, job.series_instance_uid, error)
            self.failures.append(failure)
            _log.warning("not loaded: %s", failure)
            if self._on_error == "raise":
                self._stop(error)
            self._tell()
        job._over.set()
        self._left -= 1
        if not self._left:
            self._end()

    def _tell(self) -> None:
        if self._progress is None:
            return
        try:
            self._progress(self.progress)
        except BaseException as raised:  # sys.exit, too: it is for who waits, not for this thread
            self._progress = None
            self._stop(raised)

    def _stop(self, error: BaseException) -> None:
        """Ends the loading with an error for whoever waits."""
        self._error = self._error or error
        self._arrived.put(error)
        with suppress(Exception):
            self.cancellation.cancel()

    def _end(self) -> None:
        self._unlink()
        self._scheduler.detach(self)
        self._on_end()
        self._ended.set()
        self._arrived.put(None)

    @property
    def progress(self) -> Progress:
        """How far it is. Progress."""
        total = max(len(self._jobs or ()), self._loaded + len(self.failures))
        return Progress(total, self._loaded, len(self.failures), self._instances)

    def __iter__(self) -> Iterator[Series]:
        try:
            self.start()
            while (one := self._arrived.get()) is not None:
                if isinstance(one, BaseException):
                    raise one
                yield one
            self._arrived.put(None)  # for whoever asks again
        finally:
            if self._jobs is not None and not self._ended.is_set():
                self.cancellation.cancel()
        if self._error is not None:
            raise self._error
        if any(job.state == "cancelled" for job in self._jobs or ()):
            raise Cancelled("the loading was cancelled")

    def wait(self) -> list[Series]:
        """All series that are still to come, when the last of them is there. list of Series.

        Raises
        ------
        Cancelled
            Somebody called `cancel`, or closed the source.
        """
        return list(self)

    def cancel(self) -> None:
        """Ends it: what is not here yet will not come, and whoever waits gets `Cancelled`."""
        self.cancellation.cancel()

    @property
    def done(self) -> bool:
        """Whether nothing is under way any more, nor still to be begun."""
        return self._ended.is_set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.done:
            self.cancel()

    def __repr__(self) -> str:
        now = self.progress
        return f"<Loading: {now.loaded} of {now.series} series, {now.failed} failed>"


def _nothing() -> None:
    """There is nothing to undo."""
