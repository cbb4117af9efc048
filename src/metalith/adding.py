"""Instances that are added while others wait: of one image at once, in one go.

>>> provider = metalith.InstanceProvider()
>>> await provider.add_instance_async(image_id, fetch)          # doctest: +SKIP

Viewers and pipelines ask for the metadata of an image from many places at the same moment. The first one fetches and
reads it; those who come before that is done wait for the same. Nothing of a failed or cancelled one remains.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from metalith._core import Instance

if TYPE_CHECKING:
    import asyncio

__all__ = ["AsyncAdding"]


class _Adding:
    """What is being added for an image, and how many wait for it."""

    __slots__ = ("done", "loop", "task", "waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.done: Future[Instance] = Future()
        self.loop, self.waiting = loop, 0
        self.task: asyncio.Task[None] | None = None


class AsyncAdding:
    """The side of a provider that instances are added to from event loops, of any number of threads."""

    _lock: threading.Lock
    _instances: dict[str, Instance]

    def __init__(self) -> None:
        self._adding: dict[str, _Adding] = {}

    async def add_instance_async(
        self, image_id: str, dataset: Any | Awaitable[Any] | Callable[[], Any | Awaitable[Any]]
    ) -> Instance:
        """Adds an instance that has to be fetched or read first; of one image once, however many ask at once.

        Whoever asks while that is under way gets its outcome, error or instance, and his own `dataset` is not used.
        Who asks later adds anew. What is added or removed meanwhile is newer, and stays so. One that is cancelled takes
        nothing from the others; when the last one is, the work is.

        Parameters
        ----------
        image_id : str
            Of the image or of one of its frames.
        dataset : dataset, awaitable, or callable that gives either
            What `InstanceProvider.add_instance` takes. Give a callable, so that nothing is begun that is not used.

        Returns
        -------
        Instance
            That of the image now.

        Raises
        ------
        ValueError
            That is not one instance.

        Examples
        --------
        >>> import asyncio
        >>> provider = metalith.InstanceProvider()
        >>> async def fetch():
        ...     return {"Rows": 480}
        >>> async def both():
        ...     ids = ["web:a.png", "web:a.png?frame=1"]
        ...     return await asyncio.gather(*(provider.add_instance_async(one, fetch) for one in ids))
        >>> a, b = asyncio.run(both())
        >>> a is b, provider.get("Rows", "web:a.png")
        (True, 480)
        """
        import asyncio

        base = self._base(image_id)
        try:
            while True:
                adding = self._join(base, image_id, dataset)
                done = asyncio.wrap_future(adding.done)
                done.add_done_callback(_seen)
                try:
                    return await asyncio.shield(done)
                except asyncio.CancelledError:
                    if not adding.done.cancelled() or _is_cancelled():
                        raise  # else it was the one who fetched that was cancelled: it is our turn
                finally:
                    self._leave(base, adding)
        finally:
            if inspect.iscoroutine(dataset) and inspect.getcoroutinestate(dataset) == inspect.CORO_CREATED:
                dataset.close()

    def _join(self, base: str, image_id: str, dataset: Any) -> _Adding:
        import asyncio

        loop = asyncio.get_running_loop()
        with self._lock:
            adding = self._adding.get(base)
            first = adding is None
            if adding is None:
                adding = self._adding[base] = _Adding(loop)
            adding.waiting += 1
        if first:  # not under the lock: a loop may begin a task at once
            adding.task = loop.create_task(self._fetch(adding, base, image_id, dataset))
        return adding

    def _leave(self, base: str, adding: _Adding) -> None:
        with self._lock:
            adding.waiting -= 1
            if adding.waiting or adding.done.done():
                return
            if self._adding.get(base) is adding:
                del self._adding[base]
        if adding.task is not None and not adding.loop.is_closed():
            adding.loop.call_soon_threadsafe(adding.task.cancel)

    async def _fetch(self, adding: _Adding, base: str, image_id: str, dataset: Any) -> None:
        import asyncio

        try:
            given = dataset() if callable(dataset) else dataset
            if inspect.isawaitable(given):
                given = await given
            instance = given if isinstance(given, Instance) else await asyncio.to_thread(self._one, given)
        except BaseException as error:
            with self._lock:
                self._forget(base, adding)
            if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                adding.done.cancel()
            else:
                adding.done.set_exception(error)
            if isinstance(error, Exception):
                return
            raise
        with self._lock:
            kept = self._forget(base, adding)
            told = self._keep(base, instance) if kept else ()
            found = self._instances.get(base, instance)
        self._tell(image_id, told)
        adding.done.set_result(found)

    def _forget(self, base: str, adding: _Adding) -> bool:
        """Whether it is still what is being added for the image: nothing was added or removed since. Under the lock."""
        known = self._adding.get(base) is adding
        if known:
            del self._adding[base]
        return known

    # what the provider brings

    def _base(self, image_id: str) -> str:
        raise NotImplementedError

    def _one(self, dataset: Any) -> Instance:
        raise NotImplementedError

    def _keep(self, base: str, instance: Instance) -> tuple[str, ...]:
        raise NotImplementedError

    def _tell(self, image_id: str, others: tuple[str, ...]) -> None:
        raise NotImplementedError


def _seen(done: asyncio.Future[Instance]) -> None:
    """An error that nobody waits for any more is no news to the loop."""
    if not done.cancelled():
        done.exception()


def _is_cancelled() -> bool:
    """Whether the task that runs is meant to end."""
    import asyncio

    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
