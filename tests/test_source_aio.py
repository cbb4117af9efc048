"""Data sources under asyncio: nothing blocks the loop, and nothing goes on that nobody wants any more."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from servers import faults

import metalith
from metalith.errors import Cancelled, DataSourceError, NotSupportedBySource
from metalith.sources._cancel import Cancel
from metalith.sources.facade import FUNCTIONS
from metalith.sources.loading import Job
from metalith.store import Series

pytest_plugins = ["servers.fixtures"]

PAUSE = 0.06


class Slow(metalith.DataSource):
    """Has every function, and takes its time with each."""

    def __init__(self, *args, **options) -> None:
        super().__init__(*args, **options)
        self.active = 0
        self.most_active = 0
        self.steps = 0
        self._counting = threading.Lock()

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        assert threading.current_thread() is not threading.main_thread(), "that is the loop's"
        with self._counting:
            self.active += 1
            self.most_active = max(self.most_active, self.active)
        try:
            time.sleep(PAUSE)
            yield
        finally:
            with self._counting:
                self.active -= 1

    def series_metadata(self, study_instance_uid, filters):
        for number in range(1, 4):
            with self.busy():
                self.steps += 1
            if study_instance_uid == "bad" and number == 2:
                raise ValueError("no more of it")
            yield {"SeriesInstanceUID": f"1.{number}", "SOPInstanceUID": f"1.{number}.1", "Rows": number}

    def search_studies(self, **parameters):
        for number in range(3):
            with self.busy():
                self.steps += 1
            yield number

    def anything(self, *_, **__):
        with self.busy():
            return {"some": "thing"}

    search_series = search_instances = retrieve_instance_metadata = retrieve_bulk_data = retrieve_frames = anything
    direct_url = retrieve_rendered = retrieve_thumbnail = store_dicom = reject_series = anything


COUNTS = {"retrieve.instances.metadata": 3, "reject.series": 2}
ARGUMENTS = {"retrieve.series.metadata": ("1",), "query.studies.search": ()}


def run(main: Callable[[], object]) -> object:
    """Runs it in a loop that has nothing to complain of in the end."""
    complaints: list[dict] = []

    async def whole() -> object:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        try:
            return await main()
        finally:
            await asyncio.sleep(0.01)

    result = asyncio.run(whole())
    gc.collect()
    assert complaints == []
    return result


def function_of(source: metalith.DataSource, dotted: str) -> Callable[..., object]:
    called = source.aio
    for name in dotted.split("."):
        called = getattr(called, name)
    return called


@pytest.fixture
def source() -> Iterator[Slow]:
    with Slow() as made:
        yield made


# ---- awaiting ----


@pytest.mark.parametrize("how", ["await", "async for"])
def test_the_loop_goes_on(how):
    source = metalith.DataSource.create("mine", query={"studies": {"search": lambda: time.sleep(0.5) or [1]}})

    async def main() -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticking = asyncio.create_task(tick())
        if how == "await":
            await source.aio.query.studies.search()
        else:
            async for _ in source.aio.query.studies.search():
                pass
        ticking.cancel()
        assert ticks > 10

    run(main)


@pytest.mark.parametrize("dotted", FUNCTIONS)
def test_every_function_is_awaited_without_blocking(source, dotted):
    async def main() -> object:
        began = time.monotonic()
        result = await function_of(source, dotted)(*ARGUMENTS.get(dotted, ("1",)))
        assert time.monotonic() - began >= PAUSE, "it was really called"
        return result

    result = run(main)
    if dotted == "query.studies.search":
        assert result == [0, 1, 2]
    elif dotted == "retrieve.series.metadata":
        assert [series.series_instance_uid for series in result] == ["1.1", "1.2", "1.3"]
        assert len(source.metadata_store) == 3
    else:
        assert result == {"some": "thing"}


def test_what_is_lacking_is_said(source):
    class Bare(metalith.DataSource):
        pass

    async def main() -> None:
        for dotted in FUNCTIONS:
            with pytest.raises(NotSupportedBySource, match=dotted.replace(".", r"\.")):
                await function_of(Bare("bare"), dotted)(*ARGUMENTS.get(dotted, ("1",) * COUNTS.get(dotted, 1)))
        with pytest.raises(NotSupportedBySource, match=r"store\.nothing"):
            await source.aio.store.nothing()
        with pytest.raises(AttributeError):
            source.aio.nothing  # noqa: B018
        with pytest.raises(NotSupportedBySource):
            async for _ in Bare("bare").aio.retrieve.series.metadata("1"):
                pass

    run(main)


def test_functions_of_the_source_itself(source):
    async def main() -> None:
        assert await source.aio.supports("store.dicom") is True
        assert await source.aio.get_study_instance_uids(query="StudyInstanceUIDs=1,2") == ["1", "2"]
        assert source.aio.name == source.name
        assert source.aio.metadata_store is source.metadata_store
        await source.aio.close()

    run(main)
    assert repr(source.aio.query) == f"<asyncio side of {source.query!r}>"
    assert source.aio.query.studies.search.__doc__ == source.query.studies.search.__doc__
    assert "search_studies, to be awaited" in repr(source.aio.query.studies.search())


def test_many_at_once(source):
    async def main() -> list[object]:
        return await asyncio.gather(*(source.aio.retrieve.thumbnail(str(number)) for number in range(100)))

    began = time.monotonic()
    assert run(main) == [{"some": "thing"}] * 100
    assert source.most_active > 32, "more than the loop has threads"
    assert time.monotonic() - began < 100 * PAUSE / 4


def test_more_than_there_are_threads(source):
    async def main() -> None:
        rows = await asyncio.gather(*(source.aio.retrieve.rendered({}) for _ in range(300)))
        assert len(rows) == 300

    run(main)


def test_the_loops_own_threads_stay_free(source):
    async def main() -> None:
        with ThreadPoolExecutor(1) as own:
            asyncio.get_running_loop().set_default_executor(own)
            waiting = [asyncio.create_task(source.aio.retrieve.frames({})._all()) for _ in range(20)]
            await asyncio.sleep(0.02)
            began = time.monotonic()
            await asyncio.to_thread(int)
            assert time.monotonic() - began < PAUSE / 2
            await asyncio.gather(*waiting)

    run(main)


def test_errors_come_out(source):
    async def main() -> None:
        with pytest.raises(ValueError, match="no more of it"):
            await source.aio.retrieve.series.metadata("bad", on_error="raise")
        with pytest.raises(metalith.ConfigurationError):
            await source.aio.retrieve.series.metadata("")
        with pytest.raises(ValueError, match="no more of it"):
            async for _ in source.aio.retrieve.series.metadata("bad", on_error="raise"):
                pass

    run(main)


def test_failures_are_there_afterwards(source):
    async def main() -> None:
        call = source.aio.retrieve.series.metadata("bad")
        assert call.result is None
        await call
        assert [str(failure.error) for failure in call.result.failures] == ["no more of it"]
        call = source.aio.retrieve.series.metadata("bad")
        assert [series async for series in call] == []
        assert len(call.result.failures) == 1

    run(main)


def test_a_call_may_be_awaited_again(source):
    async def main() -> None:
        call = source.aio.query.studies.search()
        assert await call == await call == [0, 1, 2]

    run(main)
    assert source.steps == 6


def test_who_does_not_await_does_nothing(source):
    async def main() -> None:
        source.aio.query.studies.search()
        source.aio.retrieve.series.metadata("1")

    run(main)
    assert source.steps == 0


def test_context_variables_go_along():
    user = contextvars.ContextVar("user", default="nobody")
    source = metalith.DataSource.create("mine", query={"studies": {"search": lambda: [user.get()]}})

    async def main() -> None:
        user.set("somebody")
        assert await source.aio.query.studies.search() == ["somebody"]

    run(main)


@pytest.mark.parametrize("error", [StopIteration, StopAsyncIteration, KeyError])
def test_any_error_of_a_custom_function(error):
    def search() -> object:
        raise error("of one's own")

    source = metalith.DataSource.create("mine", query={"studies": {"search": search}})

    async def main() -> None:
        with pytest.raises((RuntimeError, error)):
            await asyncio.wait_for(source.aio.query.studies.search()._all(), 2)
        with pytest.raises((RuntimeError, error)):
            async for _ in source.aio.query.studies.search():
                pass

    run(main)


# ---- streams ----


def test_each_as_it_comes(source):
    async def main() -> None:
        times = []
        async for _ in source.aio.query.studies.search():
            times.append(time.monotonic())
        gaps = [after - before for before, after in itertools.pairwise(times)]
        assert len(gaps) == 2
        assert min(gaps) > PAUSE / 2
        assert [series.series_instance_uid async for series in source.aio.retrieve.series.metadata("1")] == [
            "1.1",
            "1.2",
            "1.3",
        ]

    run(main)


def test_nothing_is_fetched_ahead(source):
    async def main() -> None:
        async for _ in source.aio.query.studies.search():
            await asyncio.sleep(2 * PAUSE)
            assert source.steps == 1
            break

    run(main)
    assert source.steps == 1


@pytest.mark.parametrize("result", [[1, 2, 3], (1, 2, 3), {1: 0, 2: 0, 3: 0}, b"\1\2\3"])
def test_what_is_all_there_is_iterated_too(result):
    source = metalith.DataSource.create("mine", query={"studies": {"search": lambda: result}})

    async def main() -> None:
        assert [one async for one in source.aio.query.studies.search()] == [1, 2, 3]
        assert await source.aio.query.studies.search() is result

    run(main)


def test_what_cannot_be_iterated():
    source = metalith.DataSource.create("mine", query={"studies": {"search": lambda: 5}})

    async def main() -> None:
        assert await source.aio.query.studies.search() == 5
        with pytest.raises(TypeError):
            async for _ in source.aio.query.studies.search():
                pass

    run(main)


def test_a_long_stream_of_rows_is_quick():
    source = metalith.DataSource.create("mine", query={"studies": {"search": lambda: iter(range(5000))}})

    async def main() -> None:
        began = time.monotonic()
        assert [one async for one in source.aio.query.studies.search()] == list(range(5000))
        assert time.monotonic() - began < 5

    run(main)


# ---- leaving ----


def series_of(count: int, closed: list[int]) -> Callable[[str], Iterator[metalith.InstanceTable]]:
    def metadata(study: str) -> Iterator[metalith.InstanceTable]:
        done = 0
        try:
            for number in range(count):
                done = number
                time.sleep(0.02)
                uids = {"0020000D": study, "0020000E": f"1.{number}", "00080018": f"1.{number}.1"}
                yield metalith.naturalize([{tag: {"vr": "UI", "Value": [uid]} for tag, uid in uids.items()}])
        finally:
            closed.append(done)

    return metadata


@pytest.mark.parametrize("leaving", ["break", "raise", "cancel", "timeout"])
def test_leaving_a_stream_ends_what_is_under_way(leaving):
    closed: list[int] = []
    with contextlib.ExitStack() as stack:
        sources = [
            metalith.DataSource.create(
                f"source {number}",
                metadata_store=metalith.MetadataStore(),
                retrieve={"series": {"metadata": series_of(1 if number == 0 else 200, closed)}},
            )
            for number in range(2)
        ]
        merged = stack.enter_context(Both(sources))

        async def read() -> None:
            async for _ in merged.aio.retrieve.series.metadata("1"):
                if leaving == "break":
                    break
                if leaving == "raise":
                    raise KeyError
                # the other series takes longer than anybody wants to wait

        async def main() -> None:
            task = asyncio.create_task(read())
            if leaving == "cancel":
                await asyncio.sleep(0.3)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            elif leaving == "timeout":
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(task, 0.3)
            elif leaving == "raise":
                with pytest.raises(KeyError):
                    await task
            else:
                await task

        began = time.monotonic()
        run(main)
        assert time.monotonic() - began < 2
        until = time.monotonic() + 2
        while len(closed) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        assert sorted(closed)[0] == 0
        assert len(closed) == 2
        assert sorted(closed)[1] < 150, "the long one was called off"


class Both(metalith.DataSource):
    """A job for each of several sources, into its own store."""

    def __init__(self, sources: list[metalith.DataSource]) -> None:
        super().__init__("both")
        self.sources = sources

    def plan(self, study_instance_uid, filters, made_in_client):
        def job_of(source: metalith.DataSource) -> Job:
            def load(cancel: Cancel) -> list[Series]:
                found = source.series_metadata(study_instance_uid, filters)
                return list(self._ingest.add(found, study=study_instance_uid, cancel=cancel))

            return Job(load, study_instance_uid)

        return [job_of(source) for source in self.sources]


def test_an_iterator_is_closed_by_who_leaves_it():
    closed: list[str] = []

    def search() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.append(threading.current_thread().name)

    source = metalith.DataSource.create("mine", query={"studies": {"search": search}})

    async def main() -> None:
        async for one in source.aio.query.studies.search():
            if one == 3:
                break
        await asyncio.sleep(0.05)
        assert len(closed) == 1
        assert closed[0].startswith("metalith-aio"), "closing may block, too"

    run(main)


def test_an_iterator_that_cannot_be_closed_is_called_off():
    given: list[Cancel] = []

    class Rows(metalith.DataSource):
        def search_studies(self, cancel=None):
            given.append(cancel)
            return map(int, itertools.count())

    async def main() -> None:
        async for one in Rows().aio.query.studies.search():
            assert not given[0].cancelled
            if one == 3:
                break
        await asyncio.sleep(0.01)
        assert given[0].cancelled
        assert [one async for one in Few().aio.query.studies.search()] == [0, 1]
        assert not given[1].cancelled, "it has come to its end"

    class Few(Rows):
        def search_studies(self, cancel=None):
            super().search_studies(cancel=cancel)
            return map(int, range(2))

    run(main)


def test_a_function_that_cannot_be_called_off_is_not_waited_for(source):
    async def main() -> None:
        task = asyncio.create_task(source.aio.retrieve.rendered({})._all())
        await asyncio.sleep(0.02)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < PAUSE / 2
        await asyncio.sleep(PAUSE)

    run(main)


def test_an_error_after_the_cancellation_bothers_nobody():
    began, go_on = threading.Event(), threading.Event()

    def search() -> object:
        began.set()
        go_on.wait(5)
        raise KeyError("too late")

    source = metalith.DataSource.create("mine", query={"studies": {"search": search}})

    async def main() -> None:
        task = asyncio.create_task(source.aio.query.studies.search()._all())
        while not began.is_set():
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
        await asyncio.sleep(0.05)

    run(main)


def test_a_cancellation_before_it_began(source):
    async def main() -> None:
        task = asyncio.create_task(source.aio.retrieve.series.metadata("1")._all())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main)
    assert source.steps == 0


def test_a_second_cancellation_does_not_wait(source):
    """Who cancels again, while the first cancellation waits for what is being called off, is obeyed at once."""
    began, go_on = threading.Event(), threading.Event()

    class Stubborn(metalith.DataSource):
        def search_studies(self, cancel=None):
            began.set()
            go_on.wait(5)
            raise KeyError("late")

    async def main() -> None:
        task = asyncio.create_task(Stubborn().aio.query.studies.search()._all())
        while not began.is_set():
            await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.sleep(0.05)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
        await asyncio.sleep(0.05)

    run(main)


def test_who_does_not_notice_is_not_waited_for_long():
    class Deaf(metalith.DataSource):
        def search_studies(self, cancel=None):
            time.sleep(1.6)

    async def main() -> None:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await Deaf().aio.query.studies.search()
        assert time.monotonic() - began < 1.4

    run(main)


def test_the_callers_cancel(source):
    async def main() -> None:
        cancel = Cancel()
        call = asyncio.create_task(source.aio.retrieve.series.metadata("1", cancel=cancel)._all())
        await asyncio.sleep(PAUSE / 2)
        cancel.cancel()
        with pytest.raises(Cancelled):
            await call
        # and the other way round it stays the caller's
        cancel = Cancel()
        task = asyncio.create_task(source.aio.retrieve.series.metadata("1", cancel=cancel)._all())
        await asyncio.sleep(PAUSE / 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not cancel.cancelled

    run(main)


def test_a_loop_that_ends_in_the_middle(source):
    async def main() -> None:
        stream = source.aio.retrieve.series.metadata("1").__aiter__()
        await anext(stream)
        asyncio.create_task(source.aio.retrieve.rendered({})._all())  # noqa: RUF006
        await asyncio.sleep(0)

    run(main)
    time.sleep(PAUSE)
    assert source.active == 0


# ---- with servers ----


def test_a_server_is_asked_without_blocking(static_server):
    async def main() -> None:
        configuration = {"wado_root": static_server.root, "static_wado": True}
        with metalith.data_source("dicomweb", configuration) as source:
            studies = await source.aio.query.studies.search(limit=3)
            assert len(studies) == 3
            uid = studies[0].study_instance_uid
            async for series in source.aio.retrieve.series.metadata(uid):
                assert series.study_instance_uid == uid
                assert len(series) > 0

    run(main)


@pytest.mark.parametrize("how", ["await", "async for"])
def test_cancelling_ends_the_requests(qido_server, fault_proxy, how):
    server = qido_server()
    proxy = fault_proxy(server.root)
    proxy.add(faults.trickle(0.01, piece=50), path="metadata")

    async def main() -> None:
        with metalith.data_source("dicomweb", {"wado_root": proxy.url(server.root)}) as source:
            uid = (await source.aio.query.studies.search(limit=1))[0].study_instance_uid
            call = source.aio.retrieve.series.metadata(uid)

            async def read() -> None:
                if how == "await":
                    await call
                else:
                    async for _ in call:
                        pass

            task = asyncio.create_task(read())
            while not any("metadata" in request.path for request in proxy.requests):
                await asyncio.sleep(0.01)
            began = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - began < 1
            assert await asyncio.to_thread(proxy.settle, 2), "the server has nothing to answer any more"
            assert len(source.metadata_store) == 0

    run(main)


def test_an_error_of_a_server(fault_proxy, qido_server):
    server = qido_server()
    proxy = fault_proxy(server.root)
    proxy.add(faults.status(403))

    async def main() -> None:
        source = metalith.data_source("dicomweb", {"wado_root": proxy.url(server.root)})
        with source, pytest.raises(DataSourceError, match="403"):
            await source.aio.query.studies.search(patient_name="secret")

    run(main)


def test_loading_by_image_id(file_server, fault_proxy):
    proxy = fault_proxy(file_server.origin)
    proxy.add(faults.delay(PAUSE))
    ids = [f"wadouri:{proxy.origin}/{name}" for name in ("CT_small.dcm", "MR_small.dcm", "missing")]

    async def main() -> None:
        with metalith.ImageLoader(metalith.MetadataStore()) as loader:
            assert (await loader.aio.load(ids[0])).Modality == "CT"
            found = {image_id async for image_id, _ in loader.aio.load_many(ids, on_error=lambda *_: None)}
            assert found == set(ids[:2])
            proxy.add(faults.delay(10))
            task = asyncio.create_task(loader.aio.load(f"{proxy.origin}/rtplan.dcm")._all())
            await asyncio.sleep(PAUSE / 2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(main)


# ---- processes ----

FORKING = """
import asyncio, os, metalith
source = metalith.DataSource.create("mine", query={"studies": {"search": lambda: [1]}})
async def main():
    return await asyncio.wait_for(source.aio.query.studies.search()._all(), 5)
assert asyncio.run(main()) == [1]
child = os.fork()
if not child:
    os._exit(0 if asyncio.run(main()) == [1] else 1)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_process_that_was_forked_has_threads_of_its_own():
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FORKING], capture_output=True, timeout=60, text=True)
    assert done.returncode == 0, done.stderr


HURRIED = """
import asyncio, time, metalith
source = metalith.DataSource.create("mine", query={"studies": {"search": lambda: time.sleep(0.3)}})
async def main():
    asyncio.create_task(source.aio.query.studies.search()._all())
    await asyncio.sleep(0.05)
asyncio.run(main())
"""


def test_a_program_that_ends_in_the_middle_says_nothing():
    done = subprocess.run([sys.executable, "-W", "default", "-c", HURRIED], capture_output=True, timeout=60, text=True)
    assert (done.returncode, done.stderr) == (0, "")
