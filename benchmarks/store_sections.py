"""The report's section on the store: adding, look-ups, memory, files."""

import os
import tempfile
from contextlib import ExitStack
from functools import partial
from typing import Any

from benchmarks import measure, store_cases, store_data, store_memory
from benchmarks.datasets import Missing

PLAIN_QUICK = 100_000  # beyond it plain dicts are left out of the quick report


def adding(report: Any) -> None:
    rows = []
    for name, make in store_cases.ADDING.items():
        case = make()
        with store_cases.unwatched():
            for peer, run in case.runs.items():
                report.verdict(f"store adding {name} {peer}", store_cases.added(case, run()))
            times = report.alternate([measure.Case(peer, run) for peer, run in case.runs.items()])
        each = {peer: _each(timing, case.instances) for peer, timing in times.items()}
        report.data.setdefault("store adding", {})[name] = {peer: timing.as_dict() for peer, timing in each.items()}
        for peer, timing in each.items():
            against = timing.best / each["metalith"].best
            cells = (f"{timing.best * 1e9:,.0f}", f"{timing.median * 1e9:,.0f}", f"{1 / timing.best:,.0f}")
            rows.append((f"{name}: {peer}", *cells, f"{against:.2f}", str(len(timing.seconds))))
    print("\nstore: adding, each time to an empty one")
    head = ("an instance", "best ns", "median ns", "instances/s", "x metalith", "runs")
    measure.print_table(head, rows)


def _each(timing: measure.Timing, instances: int) -> measure.Timing:
    return measure.Timing([seconds / instances for seconds in timing.seconds])


def look_ups(report: Any) -> None:
    """All sizes of a peer are held at once, so that their look-ups take turns."""
    found = report.data["store look-ups"] = {}
    for peer in store_cases.HOLDERS:
        with ExitStack() as held:
            stores = {
                size: held.enter_context(store_cases.stored(peer, count, files=True))
                for size, count in store_data.SIZES.items()
                if peer == "metalith" or not report.quick or count <= PLAIN_QUICK
            }
            for heat in store_cases.HEATS:
                _look_up(report, peer, stores, heat, found)
    for heat in store_cases.HEATS:
        rows = []
        for kind in store_cases.KINDS:
            for peer in store_cases.HOLDERS:
                timed = [found.get(size, {}).get(f"{kind}, {heat}", {}).get(peer) for size in store_data.SIZES]
                if any(timed):
                    cells = [f"{one['best'] * 1e9:,.0f}" if one else "-" for one in timed]
                    cells += [f"{one['median'] * 1e9:,.0f}" if one else "-" for one in timed[-1:]]
                    rows.append((f"{kind}: {peer}", *cells))
        about = "the same 1,000 ids again and again" if heat == "hot" else "other ids of all of them every time"
        print(f"\nstore: look-ups, {heat}: {about}; best ns, the loop taken off")
        measure.print_table(("among", *store_data.SIZES, "1 million, median"), rows)


def _look_up(report: Any, peer: str, stores: dict[str, Any], heat: str, found: dict) -> None:
    looking = {}
    for size, store in stores.items():
        for name, kind in store_cases.KINDS.items():
            if peer in kind.peers:
                one = looking[size, name] = store_cases.LookUps(name, peer, store, store_data.SIZES[size], heat)
                report.verdict(f"store look-up {name} {size} {peer}", one.correct())
    times = report.alternate([measure.Case(" ".join(key), one) for key, one in looking.items()])
    for (size, name), one in looking.items():
        into = found.setdefault(size, {}).setdefault(f"{name}, {heat}", {})
        into[peer] = one.each(times[f"{size} {name}"]).as_dict()


def memory(report: Any) -> None:
    count = store_memory.QUICK if report.quick else store_memory.COUNT
    holders = store_memory.HOLDERS[::2] if report.quick else store_memory.HOLDERS
    for name, about in store_data.ABOUT.items():
        rows = []
        for holder in holders:
            try:
                facts = store_memory.measure(holder, name, count)
            except Missing as missing:
                report.absent.add(f"{name}: {missing}")
                break
            report.verdict(f"store memory {name} {holder}", facts["correct"])
            report.data.setdefault("store memory", {}).setdefault(name, {})[holder] = facts
            keys = ("tables_nbytes", "index_nbytes", "tables_rss", "index_rss", "rss")
            cells = [f"{facts[key]:,.1f}" if facts[key] is not None else "-" for key in keys]
            whole = "-" if facts["gibibytes"] is None else f"{facts['gibibytes']:,.1f}"
            rows.append((f"{holder} (from {facts['instances']:,} in {facts['series']:,} series)", *cells, whole))
        if rows:
            print(f"\nstore: memory held, {name} with new UIDs again and again: {about}")
            head = ("bytes an instance", "tables, counted", "index, counted", "tables, resident", "index, resident")
            measure.print_table((*head, "all, resident", "GiB for 10 million"), rows)


def files(report: Any) -> None:
    """Files with few and many attributes are opened in turns."""
    rows = []
    for size in store_cases.SAVED:
        if size == "1 million" and report.quick:
            continue
        with tempfile.TemporaryDirectory() as folder:
            rows += _files(report, size, "metalith", store_cases.SAVED_ATTRIBUTES, folder)
        if size == "100 thousand":
            with tempfile.TemporaryDirectory() as folder:
                several = store_cases.SAVED_ATTRIBUTES[:1] if report.quick else store_cases.SAVED_ATTRIBUTES
                rows += _files(report, size, "plain dicts", several, folder)
    print("\nstore: files, in the page cache; tables of 200 instances where nothing else is said")
    measure.print_table(("", "MB", "save ms, best", "median", "open ms, best", "median", "runs"), rows)


def _files(report: Any, size: str, peer: str, several: tuple[int, ...], folder: str) -> list[tuple[str, ...]]:
    (count, per_table), rows, opening = store_cases.SAVED[size], [], {}
    saving = {number: measure.Timing() for number in several}
    paths = {number: os.path.join(folder, str(number)) for number in several}
    for number, path in paths.items():
        with store_cases.stored(peer, count, attributes=number, rows=per_table) as store:
            for _ in range(3 if report.quick else 5):
                saving[number].seconds.append(measure.once(measure.Case("save", partial(store.save, path))))
        for way, run in store_cases.OPENING.items():
            if way.startswith(peer):
                label = f"{size}, {number} attributes: {way}"
                right = store_cases.opened(run(path), count, number, per_table)
                report.verdict(f"store file {label}", right)
                opening[number, way] = measure.Case(label, lambda run=run, path=path: run(path))
    times = report.alternate(list(opening.values()))
    for (number, way), case in opening.items():
        save, timing, megabytes = saving[number], times[case.name], os.path.getsize(paths[number]) / 1e6
        into = report.data.setdefault("store files", {}).setdefault(f"{size}, {number} attributes", {})
        into[way] = {"open": timing.as_dict(), "save": save.as_dict(), "megabytes": megabytes}
        cells = [f"{ms * 1e3:,.1f}" for one in (save, timing) for ms in (one.best, one.median)]
        rows.append((case.name, f"{megabytes:,.1f}", *cells, str(len(timing.seconds))))
    return rows
