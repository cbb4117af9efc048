"""One source, many threads."""

from __future__ import annotations

import random
import threading
import time

import pytest
from servers.misbehaving import QidoServer

import metalith
from metalith.errors import Cancelled, MetalithError
from metalith.sources.scheduler import Scheduler

pytest_plugins = ["servers.fixtures"]

STUDIES = [f"1.2.840.77.{n}" for n in range(3)]


def instance(study, series, number):
    uids = {"0020000D": study, "0020000E": f"{study}.{series}", "00080018": f"{study}.{series}.{number}"}
    return {
        **{tag: {"vr": "UI", "Value": [uid]} for tag, uid in uids.items()},
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00200011": {"vr": "IS", "Value": [series]},
        "00200013": {"vr": "IS", "Value": [number]},
    }


def expected(study):
    return {f"{study}.{series}": 4 for series in range(1, 5)}


@pytest.fixture(scope="module")
def server():
    items = [instance(study, series, n) for study in STUDIES for series in range(1, 5) for n in range(1, 5)]
    with QidoServer(items) as made:
        yield made


def everybody(count, work, seconds=1.2):
    """Has threads work until the time is over; what went wrong in them."""
    wrong: list[BaseException] = []
    until = time.monotonic() + seconds
    done = [0] * count

    def run(number):
        dice = random.Random(number)
        try:
            while time.monotonic() < until and not wrong:
                work(number, dice)
                done[number] += 1
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds + 20)
        assert not thread.is_alive(), "a thread waits for ever"
    assert wrong == []
    assert all(done), done
    return done


@pytest.mark.parametrize("lazy", [True, False])
def test_everything_at_once(server, monkeypatch, lazy):
    monkeypatch.setenv("NO_PROXY", "*")
    configuration = {"wado_root": server.root, "enable_study_lazy_load": lazy, "workers": 4, "retries": 0}
    source = metalith.data_source("dicomweb", configuration)

    def load(study, dice):
        found = {one.series_instance_uid: len(one) for one in source.retrieve.series.metadata(study, on_error="raise")}
        assert found == expected(study)

    def load_one(study, dice):
        uid = f"{study}.{dice.randint(1, 4)}"
        (found,) = source.retrieve.series.metadata(study, filters={"series_instance_uid": uid}, on_error="raise")
        assert (found.series_instance_uid, len(found)) == (uid, 4)

    def search(study, dice):
        assert {row.study_instance_uid for row in source.query.studies.search()} == set(STUDIES)
        assert len(list(source.query.instances.search(study))) == 16

    def leave(study, dice):
        for _ in source.retrieve.series.metadata(study, refresh=True):
            break

    def call_off(study, dice):
        loading = source.retrieve.series.metadata(study)
        jobs = loading.jobs
        jobs[0].priority = 7
        jobs[0].start()
        loading.cancel()

    def others(study, dice):
        source.delete_study_metadata(study)
        source.initialize()
        instance = source.retrieve.instances.metadata(study, f"{study}.1", f"{study}.1.2")
        assert instance.SOPInstanceUID == f"{study}.1.2"
        source.get_image_ids_for_display_set([instance])

    works = [load, load, load_one, load_one, search, leave, call_off, others]

    def work(number, dice):
        works[number % len(works)](dice.choice(STUDIES), dice)

    everybody(16, work)
    source.close()
    until = time.monotonic() + 10
    while len(source._flights):  # those that were just called off
        assert time.monotonic() < until
        time.sleep(0.01)
    assert {
        study.study_instance_uid: {one.series_instance_uid: len(one) for one in study}
        for study in source.metadata_store
    } == {study: expected(study) for study in STUDIES}


def test_closing_again_and_again_while_others_load(server, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    source = metalith.data_source("dicomweb", {"wado_root": server.root, "workers": 4, "retries": 0})
    whole = []

    def work(number, dice):
        if number == 0:
            time.sleep(0.2)
            source.close()
            return
        study = dice.choice(STUDIES)
        try:
            loading = source.retrieve.series.metadata(study, refresh=dice.random() < 0.5)
            found = {one.series_instance_uid: len(one) for one in loading}
        except (Cancelled, MetalithError):
            return
        for failure in loading.failures:
            assert isinstance(failure.error, MetalithError), failure.error
        if not loading.failures:
            assert found == expected(study)
            whole.append(study)

    everybody(8, work)
    assert whole
    source.close()
    until = time.monotonic() + 10
    while source._scheduler._threads:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert source.retrieve.series.metadata(STUDIES[0]).wait()
    source.close()


def test_a_scheduler_loses_nothing_and_does_nothing_twice(monkeypatch):
    monkeypatch.setattr("metalith.sources.scheduler._IDLE", 0.001)  # threads come and go
    scheduler = Scheduler(3)
    counts, lock = [0] * 8, threading.Lock()
    at_once, most = [0], [0]

    def one(number):
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        time.sleep(0)
        with lock:
            counts[number] += 1
            at_once[0] -= 1

    def work(number, dice):
        scheduler.submit(lambda: one(number), dice.random())
        if dice.random() < 0.1:
            scheduler.reorder()
        if dice.random() < 0.05:
            scheduler.close()
        if dice.random() < 0.3:
            time.sleep(0.002)

    done = everybody(8, work, 0.7)
    until = time.monotonic() + 20
    while counts != done:
        assert time.monotonic() < until, (counts, done)
        time.sleep(0.01)
    assert most[0] <= 3
