"""The report's sections on Part-10 headers; microseconds, and megabytes for a hundred thousand."""

from typing import Any

from benchmarks import measure, part10_check, part10_files, part10_memory, part10_peers
from benchmarks.datasets import Missing
from benchmarks.peers import Absent

QUICK = ("ct-350", "t1")


def _wanted(report: Any, names: Any, load: Any) -> list[part10_files.Files]:
    found = []
    for name in [name for name in names if name in QUICK] if report.quick else names:
        try:
            found.append(load(name))
        except Missing as missing:
            report.absent.add(f"{name}: {missing}")
    return found


def _print(title: str, times: dict[str, measure.Timing], files: int) -> None:
    """Times are of so many files; `x metalith` is how many times longer than metalith on one thread."""
    base = times["metalith"].best
    rows = [
        (
            name,
            f"{timing.best / files * 1e6:.1f}",
            f"{timing.median / files * 1e6:.1f}",
            f"{files / timing.best:,.0f}",
            f"{timing.best / base:.2f}",
            str(len(timing.seconds)),
        )
        for name, timing in sorted(times.items(), key=lambda pair: pair[1].best)
    ]
    print(f"\n{title}")
    measure.print_table(("", "best us", "median us", "files/s", "x metalith", "runs"), rows)


def single(report: Any) -> None:
    for source in ("bytes", "path"):
        for given in _wanted(report, part10_files.SINGLE, part10_files.single):
            file = given.bodies[0] if source == "bytes" else given.paths[0]
            timed = []
            for reader in part10_peers.READERS:
                try:
                    run = reader.reading(source)
                except Absent as absent:
                    if source == "path":
                        report.absent.add(str(absent))
                    continue
                right = part10_check.correct(reader.form, run(file), given.bodies[0], given.paths[0])
                report.verdict(f"header {given.name} {source} {reader.name}", right)
                timed.append(measure.Case(reader.name, lambda run=run, file=file: run(file)))
            times = report.alternate(timed)
            _keep(report, f"headers {source}", given.name, times, 1)
            where = "in memory" if source == "bytes" else "in the page cache"
            _print(f"header {where}: {given.name}, {given.about}; {given.elements} elements", times, 1)


def series(report: Any) -> None:
    for given in _wanted(report, part10_files.SERIES, part10_files.series):
        timed = []
        for name, workers in part10_peers.IN_SERIES:
            slow = name in part10_peers.BY_NAME and part10_peers.BY_NAME[name].slow
            if report.quick and slow and name != "pydicom -> dict":
                continue
            try:
                run = part10_peers.reading_series(name, workers)
            except Absent:  # told above
                continue
            label = name if workers == 1 else f"{name}, {workers} threads"
            right = part10_check.correct_series(part10_peers.form_in_series(name), run(given.paths), given)
            report.verdict(f"series {given.name} {label}", right)
            timed.append(measure.Case(label, lambda run=run, paths=given.paths: run(paths)))
        times = report.alternate(timed)
        _keep(report, "headers series", given.name, times, given.instances)
        _print(f"headers of a series in the page cache: {given.name}, {given.about}", times, given.instances)


def memory(report: Any) -> None:
    """Held per header, fresh processes; what fewer headers took is extrapolated."""
    holders = ("metalith", "dicomsdl", "pydicom -> dict") if report.quick else part10_memory.HOLDERS
    for name in (part10_files.GOALS,) if report.quick else ("ct-350", "mr"):
        rows = []
        for holder in holders:
            try:
                part10_peers.BY_NAME[holder].from_path()
            except Absent:
                continue
            facts = part10_memory.measure(holder, name)
            report.verdict(f"header memory {name} {holder}", facts["correct"])
            report.data.setdefault("headers memory", {}).setdefault(name, {})[holder] = facts
            label = f"{holder} (from {facts['instances']:,})" if facts["extrapolated"] else holder
            cells = (facts["rss"], facts["nbytes"])
            held = [f"{cell / 1024:.2f}" if cell is not None else "-" for cell in cells]
            whole = "-" if facts["megabytes"] is None else f"{facts['megabytes']:,.0f}"
            rows.append((label, *held, whole))
        print(f"\nmemory of headers: {name}")
        measure.print_table(("KiB a header", "resident", "nbytes", "MB for 100,000"), rows)


def _keep(report: Any, section: str, name: str, times: dict[str, measure.Timing], files: int) -> None:
    """Seconds per file."""
    each = {label: measure.Timing([seconds / files for seconds in t.seconds]) for label, t in times.items()}
    report.data.setdefault(section, {})[name] = {label: timing.as_dict() for label, timing in each.items()}
