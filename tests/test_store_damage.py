"""Saved stores that are damaged, cut, foreign or were never finished: an error that says so, and the old file stays."""

from __future__ import annotations

import builtins
import hashlib
import os
import pickle
import random
import stat
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from models.stores import check_same, dataset, rich_store, series_of, small_store

import metalith
from metalith import _core
from metalith.errors import StoreError, StoreFileError
from metalith.store import MetadataStore, persistence, replacing

HEADER = 64


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "saved.metalith"


@pytest.fixture
def whole(path: Path) -> bytes:
    """The bytes of a small saved store."""
    small_store().save(path)
    return path.read_bytes()


def blocks_begin(whole: bytes) -> int:
    return HEADER + int(struct.unpack_from("<Q", whole, 24)[0])


def reason(path: Path, data: bytes, verify: bool = True) -> str:
    """Why the bytes are no store."""
    path.write_bytes(data)
    with pytest.raises(StoreFileError) as caught:
        MetadataStore.open(path, verify=verify)
    assert str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value.reason


def flipped(data: bytes, at: int, bits: int = 1) -> bytes:
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]


# ---- damage ----


def test_truncated(path: Path, whole: bytes) -> None:
    for length in {*range(200), *range(0, len(whole), 37), len(whole) - 64, len(whole) - 1}:
        expected = "truncated" if length else "not a store"
        assert reason(path, whole[:length], verify=length % 2 == 0) == expected


def test_too_long(path: Path, whole: bytes) -> None:
    for more in (b"\0", b" " * 64, whole):
        assert reason(path, whole + more) == "damaged"


def test_every_byte_of_header_and_manifest(path: Path, whole: bytes) -> None:
    reasons = set()
    for at in range(blocks_begin(whole)):
        reasons.add(reason(path, flipped(whole, at, 1 << at % 8), verify=False))
    assert reasons == {"not a store", "version", "damaged", "truncated"}
    assert reason(path, flipped(whole, 3)) == "not a store"
    assert reason(path, flipped(whole, 8)) == "version"
    assert reason(path, flipped(whole, 12)) == "damaged"
    assert reason(path, flipped(whole, 17)) in ("damaged", "truncated")
    assert {reason(path, flipped(whole, at)) for at in range(24, blocks_begin(whole))} == {"damaged"}


def test_every_byte_of_the_blocks(path: Path, whole: bytes) -> None:
    generator = random.Random(1)
    reasons = set()
    for at in range(blocks_begin(whole), len(whole), 3):
        reasons.add(reason(path, flipped(whole, at, generator.randrange(1, 256))))
    assert reasons == {"damaged", "version"}


def test_structure_is_checked_without_verifying_too(path: Path, whole: bytes) -> None:
    start = blocks_begin(whole)
    structure = struct.unpack_from("=Q", whole, start + 40)[0]
    assert 128 < structure < len(whole) - start
    for at in range(start, start + structure):
        assert reason(path, flipped(whole, at), verify=False) in ("damaged", "version")


def test_stretches(path: Path, whole: bytes) -> None:
    """Runs of zeros, of ones and of noise, parts that changed places, holes."""
    generator = random.Random(2)
    for _ in range(300):
        first, last = sorted(generator.sample(range(8, len(whole) + 1), 2))
        length = last - first
        other = generator.randrange(8, len(whole) - length + 1)
        parts = [bytes(length), b"\xff" * length, generator.randbytes(length), whole[other : other + length]]
        data = whole[:first] + generator.choice(parts) + whole[last:]
        if data != whole:
            assert reason(path, data) in ("damaged", "version", "truncated")
        assert reason(path, whole[:first] + whole[last:]) in ("truncated", "damaged", "version")


def test_which_table_is_told(path: Path, whole: bytes) -> None:
    path.write_bytes(flipped(whole, len(whole) - 70))
    with pytest.raises(StoreFileError, match="table 2 of 2 of the saved store is damaged"):
        MetadataStore.open(path)


# ---- what is no store, or another one ----


@pytest.mark.parametrize("data", [b"", b"x", b"\x89PNG", b'{"00080018":{}}', bytes(1000), b"\x89MLTH\r\n\x1a" * 40])
def test_no_store(path: Path, data: bytes) -> None:
    assert reason(path, data) == "not a store"


def test_other_versions(path: Path, whole: bytes) -> None:
    assert reason(path, whole[:8] + struct.pack("<I", 2) + whole[12:]) == "version"
    start = blocks_begin(whole)
    assert reason(path, whole[: start + 12] + struct.pack("=I", 99) + whole[start + 16 :], verify=False) == "version"


def test_other_byte_order(path: Path, whole: bytes) -> None:
    order = b"big\0" if sys.byteorder == "little" else b"litt"
    assert reason(path, whole[:12] + order + whole[16:]) == "byte order"
    start = blocks_begin(whole)
    block = whole[start + 8 : start + 12][::-1]
    assert reason(path, whole[: start + 8] + block + whole[start + 12 :], verify=False) == "byte order"


def test_the_error(path: Path, whole: bytes) -> None:
    path.write_bytes(whole[:-1])
    with pytest.raises(StoreError) as caught:
        MetadataStore.open(path)
    assert str(caught.value) == "the saved store is truncated: 1 bytes are missing"
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again), again.reason) == (StoreFileError, str(caught.value), "truncated")
    assert metalith.StoreFileError is StoreFileError


def test_no_file(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        MetadataStore.open(path)
    with pytest.raises(OSError, match="directory"):
        MetadataStore.open(path.parent)


def forged(whole: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The file with another manifest whose digest is right."""
    import orjson

    start = blocks_begin(whole)
    manifest = orjson.loads(whole[HEADER:start])
    change(manifest)
    text = orjson.dumps(manifest)
    text += b" " * (-len(text) % 64)
    size = HEADER + len(text) + len(whole) - start
    head = whole[:16] + struct.pack("<QQ", size, len(text))
    return head + hashlib.blake2b(head + text, digest_size=32).digest() + text + whole[start:]


def _piece(manifest: dict[str, Any]) -> Any:
    return manifest["studies"][0]["series"][0]["tables"][0]


ODD: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no studies": lambda manifest: manifest.pop("studies"),
    "no tables": lambda manifest: manifest.pop("tables"),
    "tables of no size": lambda manifest: manifest["tables"].append([0, False]),
    "negative sizes": lambda manifest: manifest["tables"].extend([[-64, False], [64, False]]),
    "sizes beyond the file": lambda manifest: manifest["tables"].append([64, False]),
    "sizes that are none": lambda manifest: manifest["tables"].append(["x", False]),
    "other sizes": lambda manifest: manifest.update(tables=[[sum(size for size, _ in manifest["tables"]), False]]),
    "unaligned": lambda manifest: (
        manifest["tables"][0].__setitem__(0, manifest["tables"][0][0] - 4),
        manifest["tables"][1].__setitem__(0, manifest["tables"][1][0] + 4),
    ),
    "count": lambda manifest: manifest.update(instances=2),
    "huge count": lambda manifest: manifest.update(instances=2**60),
    "text count": lambda manifest: manifest.update(instances="many"),
    "table that is not there": lambda manifest: _piece(manifest).__setitem__(0, 2),
    "negative table": lambda manifest: _piece(manifest).__setitem__(0, -1),
    "rows beyond": lambda manifest: _piece(manifest).__setitem__(1, [0, 3]),
    "rows far beyond": lambda manifest: _piece(manifest).__setitem__(1, [0, 2**40]),
    "negative rows": lambda manifest: _piece(manifest).__setitem__(1, [-1, 1]),
    "rows backwards": lambda manifest: _piece(manifest).__setitem__(1, [1, 2, 0, 1]),
    "no rows": lambda manifest: _piece(manifest).__setitem__(1, []),
    "half a run": lambda manifest: _piece(manifest).__setitem__(1, [0, 1, 2]),
    "instances twice": lambda manifest: manifest["studies"][0]["series"][1]["tables"].append(_piece(manifest)),
    "unknown values": lambda manifest: manifest["studies"][0]["given"].update(x={"code": "import os"}),
    "two kinds": lambda manifest: manifest["studies"][0]["given"].update(x={"int": "1", "float": "1"}),
    "no number": lambda manifest: manifest["studies"][0]["given"].update(x={"int": "one"}),
    "no instance": lambda manifest: manifest["studies"][0]["given"].update(x={"instance": {"tuple": [5, None]}}),
    "no JSON": lambda manifest: manifest["studies"][0]["given"].update(x={"instance": {"tuple": [{"bytes": ""}]}}),
    "no image ids": lambda manifest: manifest.update(image_ids=5),
    "a list": lambda manifest: manifest.update(studies=[[]]),
}


@pytest.mark.parametrize("change", ODD.values(), ids=ODD.keys())
def test_odd_manifests(path: Path, whole: bytes, change: Callable[[dict[str, Any]], Any]) -> None:
    assert reason(path, forged(whole, change)) == "damaged"
    path.write_bytes(forged(whole, lambda manifest: None))
    assert len(MetadataStore.open(path)) == 3


# ---- crashes ----


class Steps:
    """Fails at one of the steps of saving: each write, each fsync, each call of the system."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = -1
        self.names: list[str] = []
        for name in ("open", "fsync", "replace", "chmod", "close"):
            monkeypatch.setattr(os, name, self._counted(f"os.{name}", getattr(os, name)))
        monkeypatch.setattr(_core, "freeze", self._counted("freeze", _core.freeze))
        monkeypatch.setattr(_core, "frozen_size", self._counted("frozen_size", _core.frozen_size))
        monkeypatch.setattr(replacing, "_BUFFER", 512)
        monkeypatch.setattr(replacing, "open", self._opened, raising=False)

    def _counted(self, name: str, function: Any) -> Any:
        def call(*args: Any) -> Any:
            self.names.append(name)
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt if len(self.names) % 2 else OSError(28, "No space left on device")
            return function(*args)

        return call

    def _opened(self, *args: Any, **options: Any) -> Any:
        steps = self

        class File:
            def __init__(self) -> None:
                self.file = builtins.open(*args, **options)  # noqa: SIM115
                self.write = steps._counted("write", self.file.write)
                self.flush = steps._counted("flush", self.file.flush)
                self.fileno = self.file.fileno

            def __enter__(self) -> File:
                return self

            def __exit__(self, *_: Any) -> None:
                self.file.close()

        return File()


def test_a_failure_at_any_step_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_store().save(path)
    before, store = path.read_bytes(), rich_store()
    steps = Steps(monkeypatch)
    for step in range(1, 200):
        steps.names, steps.left = [], step
        try:
            store.save(path)
        except (OSError, KeyboardInterrupt):
            pass
        else:
            break
        assert os.listdir(path.parent) == [path.name]
        if path.read_bytes() != before:
            # it was in its place already, and whole: only that the folder knows was not on the disk yet
            assert "os.replace" in steps.names[:-1]
            check_same(store, MetadataStore.open(path))
            path.write_bytes(before)
    assert {"write", "flush", "os.fsync", "os.replace", "freeze", "frozen_size", "os.open"} <= set(steps.names)
    assert steps.names.index("os.fsync") < steps.names.index("os.replace")
    assert steps.names.count("os.fsync") == (1 if os.name == "nt" else 2)
    assert step > 20
    check_same(store, MetadataStore.open(path))


DYING = """
import os, sys
sys.path.insert(0, {tests!r})
from models.stores import rich_store
from metalith import _core
from metalith.store import MetadataStore
function = getattr({module}, {name!r})
def die(*args):
    if {after}:
        function(*args)
    os._exit(77)
{module}.{name} = die
rich_store().save({path!r})
"""


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("module", "name"), [("_core", "freeze"), ("os", "fsync"), ("os", "replace")])
def test_a_process_that_dies_leaves_a_whole_file(path: Path, whole: bytes, module: str, name: str, after: bool) -> None:
    tests = str(Path(__file__).parent)
    code = DYING.format(tests=tests, module=module, name=name, after=after, path=str(path))
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 77
    if name == "replace" and after:
        assert len(MetadataStore.open(path)) == len(rich_store())
        assert os.listdir(path.parent) == [path.name]
    else:
        assert path.read_bytes() == whole
        (left,) = (name for name in os.listdir(path.parent) if name != path.name)
        assert left.startswith(".metalith-")
        assert left.endswith(".tmp")


def test_a_full_disk(path: Path, whole: bytes) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    with pytest.raises(OSError, match="not a regular file"):
        small_store().save("/dev/full")
    assert os.path.exists("/dev/full")


# ---- where it is written to ----


@pytest.mark.skipif(os.name == "nt", reason="no such permissions there")
def test_permissions(path: Path) -> None:
    store, before = small_store(), os.umask(0o027)
    try:
        store.save(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        for mode in (0o600, 0o666, 0o400):
            path.chmod(mode)
            store.save(path)
            assert stat.S_IMODE(path.stat().st_mode) == mode
    finally:
        os.umask(before)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_links(path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to(path.name)
    small_store().save(link)  # pointing nowhere yet
    small_store().save(link)
    assert link.is_symlink()
    assert len(MetadataStore.open(path)) == 3
    assert sorted(os.listdir(path.parent)) == ["link", path.name]


@pytest.mark.parametrize("where", ["folder", "folder/none/saved"])
def test_places_that_take_no_file(path: Path, where: str) -> None:
    (path.parent / "folder").mkdir()
    with pytest.raises(OSError, match=r"director"):
        small_store().save(path.parent / where)
    assert os.listdir(path.parent / "folder") == []
    assert os.listdir(path.parent) == ["folder"]


def test_relative_paths_and_long_names(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    small_store().save("x" * 250)
    assert os.listdir() == ["x" * 250]
    assert len(MetadataStore.open("x" * 250)) == 3


def test_runs_of_rows() -> None:
    import numpy as np

    generator = np.random.default_rng(1)
    for size in (1, 2, 10, 1000):
        for _ in range(20):
            rows = np.flatnonzero(generator.random(size) < generator.random()).astype(np.uint32)
            if len(rows):
                again = persistence._rows(persistence._runs(rows))
                assert again.dtype == np.uint32
                assert again.tolist() == rows.tolist()
    assert persistence._runs(None) is persistence._rows(None) is None


def test_opening_takes_no_longer_for_more_values(path: Path) -> None:
    """A thousand times the values of as many instances: what is read is the same, and so is the structure."""
    import time

    def seconds(values: int) -> float:
        store = MetadataStore()
        store.add_instances(
            metalith.naturalize([dataset(n, **{"00191000": {"vr": "DS", "Value": [n] * values}}) for n in range(50)])
        )
        store.add_instances(series_of(50, "1.2"))
        store.save(path)
        times = []
        for _ in range(7):
            begin = time.perf_counter()
            MetadataStore.open(path, verify=False)
            times.append(time.perf_counter() - begin)
        return min(times)

    assert seconds(50_000) < 5 * seconds(50) + 0.002


def test_a_folder_that_is_not_there_is_told_by_the_path_that_was_given(tmp_path: Path) -> None:
    path = tmp_path / "no" / "store.metalith"
    with pytest.raises(FileNotFoundError) as raised:
        small_store().save(path)
    assert raised.value.filename == str(path)
