"""Instances that are added from event loops: of one image once, whoever waits, fails or is cancelled."""

from __future__ import annotations

import asyncio
import gc
import threading
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

import metalith
from metalith import InstanceProvider, MetadataProviders

ID = "wadors:http://h/studies/1/series/2/instances/3"


class Source:
    """Fetches when it is let, and counts."""

    def __init__(self, *answers):
        self.answers, self.asked, self.let = list(answers), 0, asyncio.Event()

    async def __call__(self):
        self.asked += 1
        await self.let.wait()
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


async def settled():
    for _ in range(5):
        await asyncio.sleep(0)


def test_at_once():
    """Ids of the image and of its frames are one image."""

    async def run():
        provider, source = InstanceProvider(), Source({"Rows": 4})
        ids = [ID, f"{ID}/frames/1", f"{ID}/frames/2", ID]
        waiting = [asyncio.create_task(provider.add_instance_async(one, source)) for one in ids]
        await settled()
        assert (source.asked, len(provider), provider.get("Rows", ID)) == (1, 0, None)
        source.let.set()
        found = await asyncio.gather(*waiting)
        assert {id(one) for one in found} == {id(provider.instance(ID))}
        assert provider.get("Rows", f"{ID}/frames/1") == 4
        assert not provider._adding

    asyncio.run(run())


def test_one_after_the_other():
    async def run():
        provider, source = InstanceProvider(), Source({"Rows": 4}, {"Rows": 5})
        source.let.set()
        first = await provider.add_instance_async(ID, source)
        second = await provider.add_instance_async(ID, source)
        assert (first.Rows, second.Rows, source.asked, provider.get("Rows", ID)) == (4, 5, 2, 5)

    asyncio.run(run())


def test_several_images():
    async def run():
        provider, source = InstanceProvider(), Source({"Rows": 1}, {"Rows": 2})
        source.let.set()
        await asyncio.gather(*(provider.add_instance_async(f"web:{one}", source) for one in "ab"))
        assert (source.asked, len(provider)) == (2, 2)

    asyncio.run(run())


def test_what_may_be_given():
    path = Path(get_testdata_file("CT_small.dcm"))

    async def run():
        provider = InstanceProvider()
        future = asyncio.get_running_loop().create_future()
        future.set_result({"Rows": 7})
        given = [
            path, path.read_bytes(), metalith.read(path), {"Rows": 128}, lambda: path,
            asyncio.to_thread(path.read_bytes), future,
        ]  # fmt: skip
        for place, one in enumerate(given):
            found = await provider.add_instance_async(f"web:{place}", one)
            assert found.Rows == (7 if one is future else 128)

    asyncio.run(run())


def test_failures_are_everybodys_and_leave_nothing():
    async def run():
        provider, source = InstanceProvider(), Source(OSError("gone"), {"Rows": 4})
        waiting = [asyncio.create_task(provider.add_instance_async(ID, source)) for _ in range(3)]
        await settled()
        source.let.set()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(one) for one in outcomes] == [OSError] * 3
        assert (source.asked, len(provider), provider._adding) == (1, 0, {})
        assert (await provider.add_instance_async(ID, source)).Rows == 4
        with pytest.raises(ValueError, match="one instance"):
            await provider.add_instance_async("web:none", [])
        with pytest.raises(metalith.ParseError):
            await provider.add_instance_async("web:bad", b'[{"00280010":')
        assert len(provider) == 1

    asyncio.run(run())


def test_one_that_is_cancelled_takes_nothing_from_the_others():
    async def run():
        provider, source = InstanceProvider(), Source({"Rows": 4})
        first, second = (asyncio.create_task(provider.add_instance_async(ID, source)) for _ in range(2))
        await settled()
        first.cancel()
        await settled()
        assert first.cancelled()
        source.let.set()
        assert (await second).Rows == 4
        assert source.asked == 1

    asyncio.run(run())


def test_failures_after_one_was_cancelled():
    """Nothing is told to the loop's handler of errors that were not retrieved."""
    told = []

    async def run():
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
        provider, source = InstanceProvider(), Source(OSError("gone"))
        waiting = [asyncio.create_task(provider.add_instance_async(ID, source)) for _ in range(3)]
        await settled()
        waiting[0].cancel()
        waiting[1].cancel()
        await settled()
        source.let.set()
        with pytest.raises(OSError, match="gone"):
            await waiting[2]
        del waiting
        gc.collect()
        await settled()

    asyncio.run(run())
    gc.collect()
    assert told == []


def test_the_last_one_takes_the_work_along():
    async def run():
        provider, source = InstanceProvider(), Source({"Rows": 4})
        waiting = [asyncio.create_task(provider.add_instance_async(ID, source)) for _ in range(2)]
        await settled()
        for one in waiting:
            one.cancel()
        await settled()
        assert all(one.cancelled() for one in waiting)
        source.let.set()
        await settled()
        assert (len(provider), provider._adding, len(source.answers)) == (0, {}, 1)
        assert (await provider.add_instance_async(ID, source)).Rows == 4

    asyncio.run(run())


def test_a_source_that_cancels_itself():
    async def run():
        provider, source = InstanceProvider(), Source(asyncio.CancelledError())
        source.let.set()
        with pytest.raises(asyncio.CancelledError):
            await provider.add_instance_async(ID, source)
        assert (len(provider), provider._adding, source.asked) == (0, {}, 1)

    asyncio.run(run())


@pytest.mark.parametrize("newer", ["added", "removed"])
def test_what_happens_meanwhile_is_newer(newer):
    """Cornerstone's pending add writes its value after the type was cleared."""

    async def run():
        provider, source = InstanceProvider(), Source({"Rows": 4})
        provider.add_instance(ID, {"Rows": 1})
        waiting = asyncio.create_task(provider.add_instance_async(ID, source))
        await settled()
        if newer == "added":
            provider.add_instance(ID, {"Rows": 2})
        else:
            assert provider.remove(ID)
        source.let.set()
        found = await waiting
        assert (found.Rows, provider.get("Rows", ID)) == ((2, 2) if newer == "added" else (4, None))

    asyncio.run(run())


def test_coroutines_that_are_not_needed_are_closed():
    """Never awaited, they would warn."""

    async def fetch():
        await asyncio.sleep(0.01)
        return {"Rows": 4}

    async def run():
        provider = InstanceProvider()
        found = await asyncio.gather(*(provider.add_instance_async(ID, fetch()) for _ in range(5)))
        assert len({id(one) for one in found}) == 1

    asyncio.run(run())
    gc.collect()


def test_from_loops_of_several_threads():
    provider, asked, together = InstanceProvider(), [], threading.Barrier(4)

    async def fetch():
        asked.append(1)
        await asyncio.sleep(0.05)
        return {"Rows": 4}

    found = []

    def work():
        together.wait()
        found.append(asyncio.run(provider.add_instance_async(ID, fetch)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(asked), len({id(one) for one in found}), len(found)) == (1, 1, 4)


def test_the_loop_that_fetches_ends():
    """Then it is another loop's turn, with what it was given itself."""
    provider, began, here = InstanceProvider(), threading.Event(), []

    async def endless():
        began.set()
        await asyncio.sleep(60)

    async def first():
        waiting = asyncio.create_task(provider.add_instance_async(ID, endless))
        while not provider._adding or provider._adding[ID].waiting < 2:
            await asyncio.sleep(0.001)
        assert not waiting.done()  # and the loop ends

    async def second():
        here.append(await provider.add_instance_async(ID, lambda: {"Rows": 2}))

    threads = [threading.Thread(target=lambda one=one: asyncio.run(one()), daemon=True) for one in (first, second)]
    threads[0].start()
    began.wait(10)
    threads[1].start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert [one.Rows for one in here] == [2]
    assert (provider.get("Rows", ID), provider._adding) == (2, {})


def test_kept_answers_are_forgotten():
    async def run():
        mine = MetadataProviders()
        provider = InstanceProvider(mine.invalidate)
        mine.add_provider(provider, cache=True)
        assert mine.get("Rows", ID) is None
        await provider.add_instance_async(ID, {"Rows": 1})
        assert mine.get("Rows", ID) == 1
        await provider.add_instance_async(f"{ID}/frames/1", {"Rows": 2})
        assert mine.get("Rows", ID) == 2

    asyncio.run(run())


def test_through_the_chain():
    """By `add`, of coroutines and of functions that make them; kept answers are forgotten."""

    async def run():
        mine, provider, source = MetadataProviders(), InstanceProvider(), Source({"Rows": 4})
        mine.add_provider(provider, cache=True)
        assert mine.get("Rows", ID) is None

        async def fetch():
            return await source()

        waiting = [asyncio.create_task(mine.add("instance", ID, one)) for one in (fetch(), fetch, fetch())]
        await settled()
        assert mine.get("Rows", ID) is None
        source.let.set()
        found = await asyncio.gather(*waiting)
        assert (len({id(one) for one in found}), source.asked, mine.get("Rows", f"{ID}/frames/1")) == (1, 1, 4)

    asyncio.run(run())
