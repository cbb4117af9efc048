"""Memory held per header, of a hundred thousand different ones, measured in a fresh process.

    python -m benchmarks.part10_memory READER NAME COUNT

Each header is written to a file, read and deleted, so that only what the peer made of it is held.  Peers that need a
hundred times the memory get fewer headers, and what a hundred thousand would take is extrapolated: they share nothing
between headers, so what one takes does not depend on how many there are.  It does for metalith.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from benchmarks import fresh, part10_check, part10_files, part10_peers

COUNT = 100_000
FEWER = 2_000
HOLDERS = ("metalith", "pydicom", "pydicom -> dict", "dicomsdl", "fastdicom -> dict", "gdcm")


def count_for(reader: str) -> int:
    return COUNT if reader == "metalith" else FEWER


def measure(reader: str, name: str, count: int | None = None) -> dict:
    """Bytes resident per header, what a table says of itself, and megabytes for COUNT headers."""
    count = count or count_for(reader)
    done = fresh._checked("-m", "benchmarks.part10_memory", reader, name, str(count))
    facts = json.loads(done.stdout)
    rss = facts["rss"]
    return {**facts, "extrapolated": count != COUNT, "megabytes": None if rss is None else rss * COUNT / 1e6}


def _paths(pattern: part10_files.Pattern, count: int) -> Iterator[str]:
    """A path of its own for each header, whose file is gone when the next one is asked for."""
    with tempfile.TemporaryDirectory() as folder:
        for k, body in enumerate(pattern.variants(count)):
            path = os.path.join(folder, f"{k:06d}.dcm")
            with open(path, "wb") as file:
                file.write(body)
            yield path
            os.unlink(path)


def _hold(reader: str, name: str, count: int) -> dict:
    pattern = part10_files.Pattern(**part10_files.PATTERNS[name], pixels=False)

    run = part10_peers.BY_NAME[reader].from_path()

    def hold(n: int) -> Any:
        paths = _paths(pattern, n)
        return part10_peers.core_series(paths) if reader == "metalith" else [run(path) for path in paths]

    hold(3)  # what a first call sets up is not the headers'
    before = fresh.resident()
    held = hold(count)
    after = fresh.resident()
    form = part10_peers.BY_NAME[reader].form
    places = [0, count // 2, count - 1]
    return {
        "instances": count,
        "rss": None if before is None else (after - before) / count,
        "nbytes": held.nbytes / count if reader == "metalith" else None,
        "correct": len(held) == count
        and all(part10_check.correct(form, held[k], pattern.variant(k), "") for k in places),
    }


if __name__ == "__main__":
    print(json.dumps(_hold(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
