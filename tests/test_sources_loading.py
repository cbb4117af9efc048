"""Series on their way: threads, priorities, jobs one by one, and every way in which loading can end."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import weakref

import pytest

import metalith
from metalith import DataSource
from metalith.errors import Cancelled, StoreError
from metalith.sources._cancel import Cancel
from metalith.sources.loading import Job, Loading, Scheduler

STUDY = "1.2"


def instance(series, number=1):
    return {"StudyInstanceUID": STUDY, "SeriesInstanceUID": series, "SOPInstanceUID": f"{series}.{number}"}


@pytest.fixture
def store():
    made = metalith.MetadataStore()
    made.add_instances([instance(f"1.2.{n}") for n in range(1, 10)])
    return made


@pytest.fixture
def job(store):
    """Makes jobs that give series of the store at once, or when `gate` is open."""

    def make(number, gate=None, log=None, **more):
        uid = f"1.2.{number}"

        def load(cancel):
            while gate is not None and not gate.is_set():
                cancel.check()
                time.sleep(0.001)
            if log is not None:
                log.append(number)
            return [store.series(uid)]

        return Job(load, STUDY, uid, {"SeriesInstanceUID": uid}, **more)

    return make


def own_threads():
    return [thread for thread in threading.enumerate() if thread.name == "metalith-source"]


def settles(condition, seconds=10):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.005)


# ---- jobs one by one ----


def test_jobs_are_started_one_by_one_and_have_results(job, store):
    log = []
    loading = Loading(lambda: [job(n, log=log) for n in range(1, 5)], Scheduler(2))
    first, second, third, fourth = loading.jobs
    assert not log
    assert third.result(10) == [store.series("1.2.3")]
    assert [one.state for one in loading.jobs] == ["waiting", "waiting", "loaded", "waiting"]
    assert log == [3]
    assert not loading.done
    first.start().start()
    assert first.result(10) == first.result(10) == [store.series("1.2.1")]
    assert {one.series_instance_uid for one in loading} == {f"1.2.{n}" for n in range(1, 5)}
    assert sorted(log) == [1, 2, 3, 4]
    assert loading.done
    assert (second.state, fourth.state) == ("loaded", "loaded")


def test_a_job_tells_its_own_failure_and_the_others_go_on(job):
    def fail(cancel):
        raise StoreError("nothing there")

    loading = Loading(lambda: [Job(fail, STUDY, "9"), job(1)], Scheduler(2))
    bad, good = loading.jobs
    for _ in range(2):
        with pytest.raises(StoreError, match="nothing there"):
            bad.result(10)
    assert good.result(10)
    assert len(loading.failures) == 1
    assert len(loading.wait()) == 1


def test_waiting_for_a_job_has_an_end(job):
    gate = threading.Event()
    loading = Loading(lambda: [job(1, gate)], Scheduler(1))
    with pytest.raises(TimeoutError):
        loading.jobs[0].result(0.05)
    gate.set()
    assert loading.jobs[0].result(10)
    loading = Loading(lambda: [job(1, threading.Event())], Scheduler(1))
    loading.start().cancel()
    with pytest.raises(Cancelled):
        loading.jobs[0].result(10)


def test_a_job_of_no_loading_and_one_of_another(job):
    with pytest.raises(ValueError, match="loading"):
        job(1).result()
    one, other = (Loading(lambda: [job(1)], Scheduler(1)) for _ in range(2))
    with pytest.raises(ValueError, match="loading"):
        one.start(*other.jobs)


def test_the_same_job_planned_twice_is_done_twice(job):
    log = []
    same = job(1, log=log)
    assert len(Loading(lambda: [same] * 3, Scheduler(2)).wait()) == 3
    assert len(Loading(lambda: [same], Scheduler(2)).wait()) == 1
    assert log == [1] * 4


# ---- priorities ----


def test_priorities_count_while_others_are_loading(job):
    gate, log = threading.Event(), []
    loading = Loading(lambda: [job(n, gate if n == 1 else None, log) for n in range(1, 7)], Scheduler(1)).start()
    settles(lambda: loading.jobs[0].state == "loading")
    loading.jobs[4].priority = 5
    loading.jobs[5].priority = 9
    loading.jobs[1].priority = -1
    gate.set()
    loading.wait()
    assert log == [1, 6, 5, 3, 4, 2]


def test_urgent_jobs_of_one_loading_come_before_those_of_another(job):
    scheduler, gate, log = Scheduler(1), threading.Event(), []
    first = Loading(lambda: [job(n, gate if n == 1 else None, log) for n in range(1, 4)], scheduler).start()
    settles(lambda: first.jobs[0].state == "loading")
    second = Loading(lambda: [job(9, log=log, priority=1)], scheduler).start()
    gate.set()
    second.wait()
    first.wait()
    assert log == [1, 9, 2, 3]


@pytest.mark.parametrize("priority", [float("nan"), "high", None, True, [1]])
def test_a_priority_without_order_is_refused_where_it_is_set(job, priority):
    loading = Loading(lambda: [job(1), job(2)], Scheduler(1))
    with pytest.raises(ValueError, match="priority"):
        loading.jobs[0].priority = priority
    with pytest.raises(ValueError, match="priority"):
        job(1, priority=priority)
    assert len(loading.wait()) == 2


# ---- as they arrive ----


def test_series_of_one_job_come_as_they_are_whole():
    gate = threading.Event()

    def rows(study_instance_uid):
        yield [instance("1.2.1", n) for n in range(3)]
        yield instance("1.2.2", 1)
        yield metalith.dumps([instance("1.2.3")])
        assert gate.wait(10)

    source = DataSource.create(retrieve={"series": {"metadata": rows}})
    loading = source.retrieve.series.metadata(STUDY)
    arriving = iter(loading)
    assert [next(arriving).series_instance_uid for _ in range(2)] == ["1.2.1", "1.2.2"]
    assert loading.progress.loaded == 2
    gate.set()
    assert [series.series_instance_uid for series in arriving] == ["1.2.3"]


# ---- the ways to end ----


def test_a_cancel_of_the_callers_ends_what_it_is_given_to_and_is_never_called_off_by_that(job):
    mine = Cancel()
    left = Loading(lambda: [job(n) for n in range(1, 6)], Scheduler(1), cancel=mine)
    for _ in left:
        break
    failing = Loading(lambda: [Job(lambda _: [1], STUDY)], Scheduler(1), cancel=mine, on_error="raise")
    with pytest.raises(TypeError):
        failing.wait()
    with Loading(lambda: [job(1, threading.Event())], Scheduler(1), cancel=mine).start():
        pass
    assert not mine.cancelled
    last = Loading(lambda: [job(1, threading.Event())], Scheduler(1), cancel=mine).start()
    mine.cancel()
    with pytest.raises(Cancelled):
        last.wait()
    assert last.failures == []


def test_a_cancel_that_lives_long_does_not_keep_what_it_was_given_to(job):
    mine = Cancel()
    for _ in range(20):
        Loading(lambda: [job(1)], Scheduler(1), cancel=mine).wait()
        Loading(list, Scheduler(1), cancel=mine)  # never begun
    gc.collect()
    assert not mine._callbacks


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), RuntimeError("no")])
def test_whatever_a_callback_raises_comes_to_who_waits(job, error):
    def fail(_):
        raise error

    loading = Loading(lambda: [job(n) for n in range(1, 5)], Scheduler(2), progress=fail)
    for _ in range(2):
        with pytest.raises(type(error)):
            loading.wait()


def test_the_first_failure_is_raised_again_to_who_asks_again(job):
    def fail(cancel):
        raise StoreError("first")

    loading = Loading(lambda: [Job(fail, STUDY)], Scheduler(1), on_error="raise")
    for _ in range(3):
        with pytest.raises(StoreError, match="first"):
            loading.wait()


def test_what_ends_a_thread_is_a_failure_and_not_the_end_of_the_others(job):
    def leave(cancel):
        raise SystemExit

    loading = Loading(lambda: [Job(leave, STUDY, "9"), job(1), job(2)], Scheduler(1))
    assert len(loading.wait()) == 2
    assert "SystemExit" in str(loading.failures[0].error)


def test_a_job_that_somebody_else_called_off_is_not_silently_missing(job):
    def called_off(cancel):
        raise Cancelled("by another")

    loading = Loading(lambda: [Job(called_off, STUDY, "9"), job(1)], Scheduler(1))
    assert len(loading.wait()) == 1
    assert [failure.series_instance_uid for failure in loading.failures] == ["9"]


def test_calling_off_when_all_is_here_changes_nothing(job):
    loading = Loading(lambda: [job(1)], Scheduler(1))
    assert len(loading.wait()) == 1
    loading.cancel()
    assert loading.wait() == []


def test_closing_a_source_ends_what_it_loads_and_its_threads(job):
    scheduler = Scheduler(3)
    loading = Loading(lambda: [job(n, threading.Event()) for n in range(1, 9)], scheduler).start()
    other = Loading(lambda: [job(1)], scheduler)
    settles(lambda: len(scheduler._threads) == 3)
    scheduler.close()
    with pytest.raises(Cancelled):
        loading.wait()
    settles(lambda: not scheduler._threads)
    assert len(other.wait()) == 1  # it was not begun, and a closed scheduler may be used again
    scheduler.close()
    settles(lambda: not scheduler._threads)


def test_closing_from_a_progress_callback_does_not_wait_for_itself(job):
    scheduler = Scheduler(2)
    loading = Loading(
        lambda: [job(n) for n in range(1, 9)], scheduler, progress=lambda _: (time.sleep(0.01), scheduler.close())
    )
    with pytest.raises(Cancelled):
        loading.wait()
    assert 1 <= loading.progress.loaded <= 2


def test_threads_are_no_more_than_workers_and_end_by_themselves(job, monkeypatch):
    monkeypatch.setattr("metalith.sources.scheduler._IDLE", 0.05)
    scheduler = Scheduler(3)
    most = []
    loading = Loading(
        lambda: [job(1 + n % 9) for n in range(200)], scheduler, progress=lambda _: most.append(len(scheduler._threads))
    )
    assert len(loading.wait()) == 200
    assert max(most) <= 3
    settles(lambda: not scheduler._threads)
    assert len(Loading(lambda: [job(1)], scheduler).wait()) == 1


def test_what_nobody_holds_any_more_is_let_go(job):
    def start_and_forget():
        loading = Loading(lambda: [job(n) for n in range(1, 9)], Scheduler(2)).start()
        return weakref.ref(loading), loading._ended

    loading, ended = start_and_forget()
    assert ended.wait(10)  # what was begun is finished all the same

    def let_go():
        gc.collect()
        return loading() is None

    settles(let_go)


def test_a_generator_that_is_left_half_way_ends_the_loading(job):
    gate = threading.Event()
    loading = Loading(lambda: [job(1), *(job(n, gate) for n in range(2, 9))], Scheduler(1))
    arriving = iter(loading)
    next(arriving)
    del arriving
    gc.collect()
    assert loading._ended.wait(10)
    assert [one.state for one in loading.jobs].count("loaded") == 1


def test_ctrl_c_ends_the_waiting_and_the_loading(job):
    loading = Loading(lambda: [job(n, threading.Event()) for n in range(1, 9)], Scheduler(2))
    threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT]).start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        loading.wait()
    assert time.monotonic() - begun < 5
    assert loading._ended.wait(10)
    assert {one.state for one in loading.jobs} == {"cancelled"}


def test_a_thread_that_cannot_be_started_is_told_and_nothing_hangs(job, monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    scheduler = Scheduler(2)
    loading = Loading(lambda: [job(1), job(2)], scheduler)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            loading.start()
    assert not scheduler._heap
    assert len(Loading(lambda: [job(1), job(2)], scheduler).wait()) == 2


# ---- the end of the program, and forks ----


def run(code, **more):
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, **more
    )
    return done, time.monotonic() - begun


ENDLESS = """
    import sys, time, threading, metalith
    from metalith.sources.loading import Job, Loading, Scheduler

    def endless(cancel):
        while not cancel.wait(0.01):
            pass
        cancel.check()

    loading = Loading(lambda: [Job(endless, "1.2", str(n)) for n in range(20)], Scheduler(4))
"""


@pytest.mark.parametrize(
    "code",
    [
        "loading.start()",
        "loading.start(); sys.exit(0)",
        "threading.Thread(target=loading.wait).start(); time.sleep(0.2)",
    ],
)
def test_a_program_ends_while_series_are_loading(code):
    done, seconds = run(ENDLESS + "    " + code)
    assert seconds < 10
    assert done.returncode == 0
    assert "Fatal" not in done.stderr
    if "Thread" not in code:
        assert done.stderr == ""


def test_a_program_ends_though_a_job_never_looks_up():
    done, seconds = run(
        """
        import time, metalith
        source = metalith.DataSource.create(
            retrieve={"series": {"metadata": lambda _: ({"image_id": f"x:{time.sleep(0.01)}"} for n in range(10**9))}})
        stuck = metalith.DataSource.create(retrieve={"series": {"metadata": lambda study: time.sleep(1000)}})
        for one in (source, stuck):
            one.retrieve.series.metadata("1.2").start()
        time.sleep(0.2)
        """
    )
    assert seconds < 10
    assert (done.returncode, done.stderr) == (0, "")


def test_a_program_that_is_interrupted_ends():
    code = textwrap.dedent(ENDLESS + "    print('begun', flush=True); loading.wait()")
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout.readline() == "begun\n"
        time.sleep(0.3)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=20)
    assert "KeyboardInterrupt" in errors


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # newer Pythons warn of forks where threads are
def test_a_process_that_was_forked_has_threads_of_its_own():
    source = DataSource.create(retrieve={"series": {"metadata": lambda study: [instance("1.2.1")]}})
    assert source.retrieve.series.metadata(STUDY).wait()  # there are threads now

    def ask(answers):
        answers.put(len(source.retrieve.series.metadata(STUDY).wait()))

    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=ask, args=(answers,))
    child.start()
    assert answers.get(timeout=20) == 1
    child.join(20)
    assert child.exitcode == 0
    source.close()


def test_a_bar_in_terminals_says_how_far_it_is(monkeypatch, capsys):
    pytest.importorskip("rich")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")

    def rows(study_instance_uid):
        yield {"SeriesInstanceUID": "1.2.1", "SOPInstanceUID": "1.2.1.1"}
        yield {"SeriesInstanceUID": "1.2.2", "SOPInstanceUID": "1.2.2.1"}

    source = metalith.DataSource.create(retrieve={"series": {"metadata": rows}})
    assert len(source.retrieve.series.metadata("1.2", progress="bar").wait()) == 2
    shown = capsys.readouterr().err
    assert "2 of 2 series, 2 instances" in shown


def test_without_a_terminal_there_is_no_bar(capsys):
    pytest.importorskip("rich")
    source = metalith.DataSource.create(retrieve={"series": {"metadata": lambda _: []}})
    assert source.retrieve.series.metadata("1.2", progress="bar").wait() == []
    assert not capsys.readouterr().err
