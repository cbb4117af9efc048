"""A scan as it goes on: progress, ending it early, several at once. No thread is ever left."""

from __future__ import annotations

import gc
import os
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.data.data_manager import DATA_ROOT

import metalith
from metalith import Scan

FILES = Path(DATA_ROOT) / "test_files"
DISC = FILES / "dicomdirtests"
CT = (FILES / "CT_small.dcm").read_bytes()
WORKERS = [0, 1, 2, 8]


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("metalith-scan")]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    assert threads() == []


# ---- ending early ----


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """2,001 files."""
    (tmp_path / "one").write_bytes(CT)
    for i in range(2000):
        os.link(tmp_path / "one", tmp_path / f"{i:04}")
    return tmp_path


@pytest.mark.parametrize("workers", WORKERS)
def test_close(many: Path, workers: int) -> None:
    scan = metalith.scan([many] + [FILES] * 3, workers=workers, window=1)
    next(scan)
    scan.close()
    assert threads() == []
    assert list(scan) == []
    scan.close()
    scan = metalith.scan(many, workers=workers)
    scan.close()
    assert list(scan) == []
    assert scan.files == 0


def test_leaving_a_with_block(many: Path) -> None:
    with metalith.scan([FILES, many], workers=4, window=1) as scan:
        for _ in scan:
            break
    assert threads() == []
    assert list(scan) == []
    with pytest.raises(ZeroDivisionError), metalith.scan([FILES, many], workers=4, window=1) as scan:
        raise ZeroDivisionError(next(scan))
    assert threads() == []


def test_a_forgotten_scan_hangs_nothing(many: Path) -> None:
    gc.disable()  # no cycles: it goes at once
    try:
        scan = metalith.scan([FILES, many], workers=4, window=1, progress=lambda scan: None)
        next(scan)
        gone = weakref.ref(scan)
        start = time.monotonic()
        del scan
        assert gone() is None
        while threads() and time.monotonic() < start + 5:
            time.sleep(0.01)
        assert threads() == []
    finally:
        gc.enable()


def test_tables_outlive_the_scan() -> None:
    with metalith.scan(DISC, workers=2, window=1) as scan:
        table = next(scan)
    assert table[0] == metalith.read(table.paths[0])
    assert table[0].PixelData is not None


def test_close_from_another_thread(many: Path) -> None:
    waiting, go_on = threading.Event(), threading.Event()

    def slow() -> Iterator[Path]:
        for i in range(200):
            yield many / f"{i:04}"
        waiting.set()
        assert go_on.wait(10)
        for i in range(200, 2000):
            yield many / f"{i:04}"

    for workers in WORKERS:
        waiting.clear()
        go_on.clear()
        scan = metalith.scan(slow(), workers=workers)
        outcome: list[object] = []
        consumer = threading.Thread(target=lambda scan=scan, outcome=outcome: outcome.extend(scan))
        consumer.start()
        assert waiting.wait(10)
        with pytest.raises(RuntimeError, match="at work already"):
            next(scan)
        scan.close()
        go_on.set()
        consumer.join(10)
        assert outcome == []
        assert scan.instances < 2000


# ---- progress ----


@pytest.mark.parametrize("workers", WORKERS)
def test_progress(many: Path, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metalith.scanning.PAUSE", 0)
    seen: list[int] = []
    scan = metalith.scan(many, workers=workers, progress=lambda scan: seen.append(scan.files))
    list(scan)
    assert seen == sorted(seen)
    assert seen[-1] == scan.files == 2001
    assert len(seen) > 10


def test_progress_is_told_at_intervals_and_at_the_end(many: Path) -> None:
    seen: list[int] = []
    list(metalith.scan(many, progress=lambda scan: seen.append(scan.files)))
    assert len(seen) < 100
    assert seen[-1] == 2001


@pytest.mark.parametrize("workers", WORKERS)
def test_an_error_in_progress_ends_the_scan(many: Path, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metalith.scanning.PAUSE", 0)

    def failing(scan: Scan) -> None:
        if scan.files > 100:
            raise ZeroDivisionError

    scan = metalith.scan(many, workers=workers, progress=failing)
    with pytest.raises(ZeroDivisionError):
        list(scan)
    assert threads() == []
    assert list(scan) == []
    assert 100 < scan.files < 2000


@pytest.mark.parametrize("workers", WORKERS)
def test_progress_and_report_may_close(many: Path, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metalith.scanning.PAUSE", 0)
    scan = metalith.scan(many, workers=workers, progress=Scan.close)
    assert list(scan) == []
    assert scan.files < 2000
    scan = metalith.scan([many / "no", many], workers=workers, report=lambda failure: scan.close())
    assert list(scan) == []
    assert scan.files < 2000


def test_progress_is_told_while_files_are_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that does not answer for a while."""
    for i in range(20):
        (tmp_path / f"{i:02}").write_bytes(CT)
    monkeypatch.setattr("metalith._read_ahead.PAUSE", 0.01)
    monkeypatch.setattr("metalith.scanning.PAUSE", 0.01)

    class Slow:
        def __init__(self, *settings) -> None:
            self._framing = metalith._core.Framing(*settings)
            self.stop = self._framing.stop

        def read_many(self, paths):
            time.sleep(0.2)
            return self._framing.read_many(paths)

    monkeypatch.setattr("metalith.scanning.Framing", Slow)
    seen: list[int] = []
    (table,) = metalith.scan(tmp_path, workers=4, progress=lambda scan: seen.append(scan.files))
    assert len(table) == 20
    assert seen.count(0) >= 5


def test_next_within_progress_is_refused(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metalith.scanning.PAUSE", 0)
    with pytest.raises(RuntimeError, match="at work already"):
        list(metalith.scan(many, progress=next))


# ---- several ----


def test_scans_side_by_side(many: Path) -> None:
    sizes: list[int] = []

    def one() -> None:
        sizes.append(sum(len(table) for table in metalith.scan(many, workers=3)))

    together = [threading.Thread(target=one) for _ in range(6)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join(60)
    assert sizes == [2001] * 6
