"""Many threads at once: parsing, reading one table, and other work while one parses."""

from __future__ import annotations

import json
import pickle
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from models.files import real_series
from models.generate import LENIENT, series

import metalith

THREADS, ROUNDS = 8, 24


@pytest.fixture(autouse=True)
def _switch_often():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def at_once(work, count=ROUNDS):
    """Results of work(0), work(1), …, begun together."""
    barrier = threading.Barrier(THREADS)

    def begin(i):
        if i < THREADS:
            barrier.wait()
        return work(i)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(count)))


BODIES = [json.dumps(series(30, seed=seed, kind=LENIENT)).encode() for seed in range(4)] + [
    json.dumps(real_series()).encode()
]


def test_parsing():
    expected = [metalith.naturalize(body).to_dicts() for body in BODIES]
    results = at_once(lambda i: metalith.naturalize(BODIES[i % len(BODIES)]).to_dicts())
    assert all(repr(found) == repr(expected[i % len(BODIES)]) for i, found in enumerate(results))


@pytest.mark.parametrize("body", BODIES[-2:], ids=["generated", "real"])
def test_reading_one_table(body):
    expected = repr(metalith.naturalize(body).to_dicts())
    table = metalith.naturalize(body)
    readings = [
        lambda: repr(table.to_dicts()),
        lambda: repr([{name: inst.to_dict()[name] for name in inst} for inst in table]),
        lambda: repr(pickle.loads(pickle.dumps(table)).to_dicts()),
    ]
    results = at_once(lambda i: readings[i % len(readings)]())
    assert set(results) == {expected}


def test_one_object_for_all():
    """Whoever comes first makes the value; the others get the same object."""
    for _ in range(20):
        table = metalith.naturalize(BODIES[-1])
        keys = table[0].keys()
        results = at_once(lambda i, table=table, keys=keys: [id(table[0][key]) for key in keys], THREADS)
        assert len(set(map(tuple, results))) == 1


def test_columns_and_json():
    table = metalith.naturalize(json.dumps(real_series(20)).encode())
    text, numbers = table.to_json("dicom"), list(range(len(table)))
    work = [
        lambda: table.to_json("dicom") == text,
        lambda: table.column("InstanceNumber").tolist() == numbers,
        lambda: [instance.InstanceNumber for instance in table] == numbers,
        lambda: len(table.constant) + len(table.varying) == len(table.keywords),
    ]
    assert all(at_once(lambda i: work[i % len(work)](), 64))


def test_faults_stay_where_they_are():
    def parse(i):
        if i % 2:
            with pytest.raises(metalith.ParseError) as caught:
                metalith.naturalize(BODIES[-1][: 1000 + i])
            return caught.value.offset
        return len(metalith.naturalize(BODIES[-1]))

    results = at_once(parse)
    assert results[::2] == [len(real_series())] * (ROUNDS // 2)
    assert results[1::2] == [1000 + i for i in range(1, ROUNDS, 2)]


def test_scanning_leaves_other_threads_running():
    """A thread that wants the interpreter gets it within one long scan, though it would not be given it otherwise."""
    row = '{"00100020":{"vr":"LO","Value":["%d"]}}'
    body = f"[{','.join(row % i for i in range(600_000))}]".encode()
    counted, stop, ready = [0], threading.Event(), threading.Event()

    def count():
        ready.set()
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0)  # lets the other go on as soon as it wants to

    thread = threading.Thread(target=count)
    thread.start()
    ready.wait()
    scanner = metalith._core.Scanner(metalith.Limits(), False, None)
    sys.setswitchinterval(100)  # nobody is made to let go of the interpreter: the scan does so of itself, or never
    try:
        before = counted[0]
        table = scanner.scan(body)
        during = counted[0] - before
    finally:
        stop.set()
        sys.setswitchinterval(1e-5)
        thread.join()
    assert len(table) == 600_000
    assert during > 0


def test_one_scanner_has_one_user():
    scanner = metalith._core.Scanner(metalith.Limits(), False, None)
    scanner.scan(b"{}")
    for again in (lambda: scanner.scan(b"{}"), lambda: scanner.feed(b"{}"), scanner.finish):
        with pytest.raises(RuntimeError, match="used up"):
            again()
