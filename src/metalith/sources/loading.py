"""Series on their way: several at once, the most wanted first, and one that fails is no other's concern.

>>> loading = source.retrieve.series.metadata(study_uid)
>>> for series in loading: ...              # as each arrives
>>> loading.failures                        # what did not

Nothing is asked for before somebody wants it: by iterating, `start` or `wait`. Whoever leaves the loop before its end
does not want the rest.
"""

from __future__ import annotations

import contextvars
import heapq
import itertools
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

from metalith.errors import Cancelled, MetalithError
from metalith.sources._cancel import Cancel
from metalith.store import Series

__all__ = ["Job", "Loading", "Progress", "Scheduler", "SeriesFailure"]

OnError = Literal["report", "raise"]


class Scheduler:
    """A bounded number of threads that do what is most urgent first.

    Parameters
    ----------
    workers : int
        How many at once, at most.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    def submit(self, function: Callable[[], None], priority: float = 0) -> None:
        """Has a function called as soon as a thread is free; higher priorities first, then in the order they came.

        The function deals with its own errors. It sees the context variables of the caller, limits among them.
        """
        context = contextvars.copy_context()
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="metalith-source")
            heapq.heappush(self._heap, (-priority, next(self._numbers), lambda: context.run(function)))
            self._pool.submit(self._next)

    def _next(self) -> None:
        # there are as many of these calls as functions, but each takes what is most urgent at its turn
        with self._lock:
            _, _, function = heapq.heappop(self._heap)
        function()

    def close(self) -> None:
        """Lets the threads end when they are done; who submits again gets new ones."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False)


@dataclass(eq=False)
class Job:
    """Something to load: mostly one series.

    Attributes
    ----------
    load : callable(Cancel)
        Fetches, puts into the store, and returns the series that are there now. It may be called in any thread.
    study_instance_uid : str
    series_instance_uid : str or None
        None where one job loads several series.
    summary : mapping
        What is known of the series beforehand, by keyword.
    priority : float
        Higher ones first. May be set until the job begins.
    state : {"waiting", "loading", "loaded", "failed", "cancelled"}
    """

    load: Callable[[Cancel], Iterable[Series]]
    study_instance_uid: str
    series_instance_uid: str | None = None
    summary: Mapping[str, Any] = field(default_factory=dict, repr=False)
    priority: float = 0
    state: str = "waiting"


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
        How many there are to load, are here, and could not be loaded.
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
        Cancels from outside.
    progress : callable(Progress), optional
        Called after each series, by the thread that loaded it, one at a time.
    on_error : {"report", "raise"}
    """

    def __init__(
        self,
        plan: Callable[[], list[Job]],
        scheduler: Scheduler,
        *,
        cancel: Cancel | None = None,
        progress: Callable[[Progress], object] | None = None,
        on_error: OnError = "report",
    ) -> None:
        if on_error not in ("report", "raise"):
            raise ValueError(f"on_error is 'report' or 'raise', not {on_error!r}")
        self._plan, self._scheduler, self._progress, self._on_error = plan, scheduler, progress, on_error
        self.cancellation = cancel if cancel is not None else Cancel()
        self._starting = threading.Lock()
        self._telling = threading.Lock()
        self._arrived: queue.SimpleQueue[Series | Exception | None] = queue.SimpleQueue()
        self._jobs: list[Job] | None = None
        self._left = self._loaded = self._instances = 0
        self.failures: list[SeriesFailure] = []
        self._ended = threading.Event()

    @property
    def jobs(self) -> list[Job]:
        """What is to be loaded; found out when this is first asked for. list of Job."""
        with self._starting:
            if self._jobs is None:
                self.cancellation.check()
                self._jobs = list(self._plan())
            return self._jobs

    def start(self) -> Self:
        """Begins to load, in the background. Itself."""
        jobs = self.jobs
        with self._starting:
            if self._left or self._ended.is_set():
                return self
            self._left = len(jobs)
            if not jobs:
                self._end()
        for job in jobs:
            self._scheduler.submit(lambda job=job: self._run(job), job.priority)  # type: ignore[misc]
        return self

    def _run(self, job: Job) -> None:
        series: list[Series] = []
        error: Exception | None = None
        try:
            self.cancellation.check()
            job.state = "loading"
            series = list(job.load(self.cancellation))
            if not all(isinstance(one, Series) for one in series):
                raise TypeError("a job gives series")
            job.state = "loaded"
        except Cancelled:
            job.state = "cancelled"
        except Exception as raised:
            error, job.state = raised, "failed"
        except BaseException as raised:
            error, job.state = RuntimeError(f"a series' loading ended with {type(raised).__name__}"), "failed"
        with self._telling:
            self._account(job, series if job.state == "loaded" else [], error)

    def _account(self, job: Job, series: list[Series], error: Exception | None) -> None:
        for one in series:
            self._loaded += 1
            self._instances += len(one)
            self._arrived.put(one)
        if error is not None:
            self.failures.append(SeriesFailure(job.study_instance_uid, job.series_instance_uid, error))
            if self._on_error == "raise":
                self._arrived.put(error)
                self.cancellation.cancel()
        if self._progress is not None and job.state != "cancelled":
            try:
                self._progress(self.progress)
            except Exception as raised:
                self._arrived.put(raised)
                self._progress = None
                self.cancellation.cancel()
        self._left -= 1
        if not self._left:
            self._end()

    def _end(self) -> None:
        self._ended.set()
        self._arrived.put(None)

    @property
    def progress(self) -> Progress:
        """How far it is. Progress."""
        total = max(len(self._jobs or ()), self._loaded + len(self.failures))
        return Progress(total, self._loaded, len(self.failures), self._instances)

    def __iter__(self) -> Iterator[Series]:
        self.start()
        try:
            while True:
                one = self._arrived.get()
                if one is None:
                    self._arrived.put(None)  # for whoever asks again
                    break
                if isinstance(one, Exception):
                    raise one
                yield one
        finally:
            if not self._ended.is_set():
                self.cancellation.cancel()
        if self.cancellation.cancelled:
            raise Cancelled("the loading was cancelled")

    def wait(self) -> list[Series]:
        """All series that are still to come, when the last of them is there. list of Series.

        Raises
        ------
        Cancelled
            Somebody called `cancel`.
        """
        return list(self)

    def cancel(self) -> None:
        """Ends it: what is not here yet will not come, and whoever waits gets `Cancelled`."""
        self.cancellation.cancel()

    @property
    def done(self) -> bool:
        """Whether nothing is under way any more."""
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
