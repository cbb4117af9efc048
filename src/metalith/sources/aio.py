"""Data sources for asyncio: the same functions, awaited.

>>> rows = await source.aio.query.studies.search(patient_name="DOE*")          # all of them
>>> async for series in source.aio.retrieve.series.metadata(study_uid): ...    # as each arrives

What awaiting gives are the results alone; the call keeps what the function returned, with what went wrong:

>>> call = source.aio.retrieve.series.metadata(study_uid)
>>> series, failures = await call, call.result.failures

What a function does is done in threads of its own kind; the loop is never blocked, nor are the threads that it has for
others. Cancelling the task calls off what can be called off: series that are on their way, and the requests for them.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from metalith.sources._cancel import Cancel
from metalith.sources._linked import linked
from metalith.sources.facade import Group, Missing

__all__ = ["Aio", "Awaitable"]

T = TypeVar("T")

THREADS = 128  # they mostly wait: for servers, and for the threads that load series
GRACE = 1.0  # seconds that a cancelled task waits for what it called off; a custom source need not notice

_END: Any = object()


class Aio:
    """A data source, or a group of its functions, whose functions are awaited.

    Parameters
    ----------
    target : DataSource or Group
        Anything with functions; what of it is no function, it gives as it is.
    """

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        value = getattr(self._target, name)
        if isinstance(value, Group):
            return Aio(value)
        if not callable(value) or isinstance(value, Missing):
            return value

        def function(*args: Any, **kwargs: Any) -> Awaitable:
            return Awaitable(value, args, kwargs)

        function.__name__ = name
        function.__doc__ = value.__doc__
        return function

    def __repr__(self) -> str:
        return f"<asyncio side of {self._target!r}>"


class Awaitable:
    """A call that can be awaited, for all that comes of it, or iterated with `async for`, for each as it comes.

    Parameters
    ----------
    function : callable
    args : tuple
    kwargs : dict

    Attributes
    ----------
    result : object
        What the function returned: a `Loading` with its `failures`, results of a search with their `notes`. None
        before.
    """

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._function, self._args, self._kwargs = function, args, kwargs
        self.result: Any = None

    def __await__(self) -> Generator[Any, None, Any]:
        return self._all().__await__()

    async def _all(self) -> Any:
        with self._call() as (call, cancel):
            return await _threaded(lambda: _whole(call()), cancel)

    async def __aiter__(self) -> AsyncIterator[Any]:
        with self._call() as (call, cancel):
            result = await _threaded(call, cancel)
            if hasattr(result, "__len__"):  # it is all there
                for one in result:
                    yield one
                return
            iterator: Iterator[Any] = await _threaded(lambda: iter(result), cancel)
            ended = False
            try:
                while (one := await _threaded(lambda: next(iterator, _END), cancel)) is not _END:
                    yield one
                ended = True
            finally:
                close = getattr(iterator, "close", None)
                if cancel is not None and not ended:
                    cancel.cancel()
                if close is not None and not ended:
                    await _threaded(lambda: _closed(close), None)

    @contextmanager
    def _call(self) -> Iterator[tuple[Callable[[], Any], Cancel | None]]:
        """The call, and what calls it off, for functions that can be: a `Cancel` of its own, since the caller's may
        be over more than this.
        """
        if not _takes_cancel(self._function):
            yield lambda: self._called(self._kwargs), None
            return
        with linked(self._kwargs.get("cancel")) as cancel:
            kwargs = {**self._kwargs, "cancel": cancel}
            yield lambda: self._called(kwargs), cancel

    def _called(self, kwargs: dict[str, Any]) -> Any:
        self.result = self._function(*self._args, **kwargs)
        return self.result

    def __repr__(self) -> str:
        return f"<call of {getattr(self._function, '__name__', 'a function')}, to be awaited>"


async def _threaded(step: Callable[[], T], cancel: Cancel | None) -> T:
    """What a step gives, that is done in a thread. When the task is cancelled the step is called off, if that can be
    done, and then waited for, so that nothing of it goes on; but not for long.
    """
    running = _pool().submit(contextvars.copy_context().run, _guarded, step)
    try:
        return await asyncio.wrap_future(running)
    except asyncio.CancelledError:
        if cancel is not None and not running.done():
            cancel.cancel()
            ended = asyncio.wrap_future(running)
            ended.add_done_callback(_seen)
            await asyncio.wait([ended], timeout=GRACE)
        raise


def _guarded(step: Callable[[], T]) -> T:
    try:
        return step()
    except StopIteration as error:  # which no future can carry
        raise RuntimeError("the function raised StopIteration") from error


def _takes_cancel(function: Callable[..., Any]) -> bool:
    try:
        return "cancel" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def _whole(result: Any) -> Any:
    """A list of what comes one after the other; anything else as it is."""
    return list(result) if hasattr(result, "__iter__") and not hasattr(result, "__len__") else result


def _closed(close: Callable[[], Any]) -> None:
    try:
        close()
    except ValueError:  # a generator that is at work in another thread
        return


def _seen(future: asyncio.Future[Any]) -> None:
    """Has asked for an error, so that asyncio does not complain of one that nobody wants."""
    if not future.cancelled():
        future.exception()


_threads: ThreadPoolExecutor | None = None


def _pool() -> ThreadPoolExecutor:
    global _threads
    if _threads is None:
        _threads = ThreadPoolExecutor(THREADS, thread_name_prefix="metalith-aio")
    return _threads


def _without_threads() -> None:
    """In a process that was forked there are none of the threads."""
    global _threads
    _threads = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_without_threads)
