"""What only a fresh interpreter can tell: memory held, and the time an import takes.

As a program (`python -m benchmarks.fresh PEER FILE COPIES [trace] [read]`) it is the child that measures memory.
"""

import gc
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import Timing

ROOT = Path(__file__).resolve().parents[1]
SLOW_MODULES = ("numpy", "orjson", "pydicom", "requests", "dicomweb_client", "pyarrow", "typer", "rich", "asyncio")


def _python(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def _checked(*arguments: str) -> subprocess.CompletedProcess:
    done = _python(*arguments)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "the child failed")
    return done


# -- memory -----------------------------------------------------------------------------------------------------------


def memory(peer: str, given, *, copies: int = 1, read: bool = False) -> dict:
    """Bytes held per instance after ingest: resident set, Python's allocations, and what the table says of itself.

    `copies` results are held at once, so that small ones rise above the noise; `read` reads every value first, whose
    objects a table then keeps.
    """
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(given.body)
        file.flush()
        flags = ["read"] if read else []
        plain = _checked("-m", "benchmarks.fresh", peer, file.name, str(copies), *flags)
        traced = _checked("-m", "benchmarks.fresh", peer, file.name, "1", "trace", *flags)
    return {**json.loads(plain.stdout), "traced": json.loads(traced.stdout)["traced"]}


def resident() -> int | None:
    """Bytes of this process in memory now, free heap handed back first; None where the system does not tell."""
    gc.collect()
    try:
        import ctypes

        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        pass
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def _hold(name: str, file: str, copies: int, trace: bool, read: bool) -> dict:
    import tracemalloc

    from benchmarks import check, peers

    body = Path(file).read_bytes()
    peer = peers.BY_NAME[name]
    run = peers.reading(peer) if read else peer.make()
    run(b'[{"00280010":{"vr":"US","Value":[512]}}]')  # what a first call sets up is not the instances'
    if trace:
        gc.collect()
        tracemalloc.start()
    before, traced = resident(), 0
    held = []
    for _ in range(copies):
        own = body[:1] + body[1:]  # a buffer that a result might keep alive counts
        held.append(run(own))
        del own
    after = resident()
    if trace:
        traced = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    result = held[0][0] if read else held[0]
    n = len(result) * copies
    return {
        "instances": len(result),
        "rss": None if before is None else (after - before) / n,
        "traced": traced / n,
        "nbytes": result.nbytes / len(result) if peer.form == "table" else None,
        "correct": check.correct(peer.form, result, body),
    }


# -- import -----------------------------------------------------------------------------------------------------------


def import_times(module: str = "metalith", *, rounds: int = 21) -> dict:
    """Seconds of `import module` in fresh interpreters, which take turns with ones that import nothing.

    `wall` is the difference between the two kinds' whole lives, `inside` what the import itself took.
    """
    inside, bare, full = Timing(), Timing(), Timing()
    text = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    _checked("-c", text)  # writes the byte code
    for _ in range(rounds):
        for timing, code in ((bare, "pass"), (full, text)):
            start = time.perf_counter()
            done = _checked("-c", code)
            timing.seconds.append(time.perf_counter() - start)
            if timing is full:
                inside.seconds.append(float(done.stdout))
    return {
        "inside": inside.as_dict(),
        "bare": bare.as_dict(),
        "full": full.as_dict(),
        "wall": {"best": full.best - bare.best, "median": full.median - bare.median},
        "slow_modules": slow_modules(module),
        "costliest": costliest(module),
    }


def slow_modules(module: str = "metalith") -> list[str]:
    """Which of the slow dependencies the import brings in; it should be none."""
    text = f"import sys, {module}; print(*[name for name in {SLOW_MODULES!r} if name in sys.modules])"
    return _checked("-c", text).stdout.split()


def costliest(module: str = "metalith", top: int = 8) -> list[tuple[str, int]]:
    """The imports that cost most by themselves, in microseconds, of those that `import module` causes."""
    report = _checked("-X", "importtime", "-c", f"import {module}").stderr
    start = _checked("-X", "importtime", "-c", "pass").stderr
    known = {name for name, _ in _importtime(start)}
    return sorted((pair for pair in _importtime(report) if pair[0] not in known), key=lambda pair: -pair[1])[:top]


def _importtime(text: str) -> list[tuple[str, int]]:
    found = re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", text)
    return [(name, int(micros)) for micros, name in found]


if __name__ == "__main__":
    peer_name, path, number, *flags = sys.argv[1:]
    print(json.dumps(_hold(peer_name, path, int(number), "trace" in flags, "read" in flags)))
