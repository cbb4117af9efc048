"""One command that measures everything in one process, peers taking turns, and prints how the goals stand.

    python -m benchmarks.report [--quick] [--json FILE] [--inputs NAME,...] [--only SECTION,...]

Needs no pytest.  Peers and inputs that this machine lacks are named and left out; a section that fails is reported
and the others go on, and the exit code is 1 then, or where a result was wrong.  A missed goal is not a failure.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

if not __package__:  # run as a file
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks import (
    cases,
    check,
    datasets,
    fresh,
    goals,
    measure,
    node,
    part10_sections,
    peers,
    provider_sections,
    source_sections,
    store_sections,
    uncached_sections,
)

QUICK = ("t1-384", "ct-600-orthanc", "unlike-500")


class Report:
    """Runs the sections and keeps their figures in `data`, by which the goals are judged."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.quick = options.quick
        self.rounds, self.budget = (5, 0.5) if options.quick else (15, 2.0)
        self.data: dict[str, dict] = {}
        self.wrong: list[str] = []
        self.absent: set[str] = set()
        names = options.inputs.split(",") if options.inputs else QUICK if options.quick else datasets.NAMES
        self.inputs = [given for name in names if (given := self._input(name))]
        self.real = datasets.first_real()

    def _input(self, name: str) -> datasets.Input | None:
        try:
            return datasets.load(name)
        except datasets.Missing as missing:
            self.absent.add(f"{name}: {missing}")
            return None

    def alternate(self, all_cases: list[measure.Case]) -> dict[str, measure.Timing]:
        return measure.alternate(all_cases, rounds=self.rounds, budget=self.budget)

    def verdict(self, what: str, right: bool) -> None:
        if not right:
            self.wrong.append(what)

    # -- sections -----------------------------------------------------------------------------------------------------

    def ingest(self) -> None:
        """bytes -> table; `x metalith` is how many times longer than metalith, best of each"""
        for given in self.inputs:
            chosen = [peer for peer in peers.PEERS if self._wanted(peer, given)]
            all_cases = [case for peer in chosen if (case := self._case(peer, given))]
            off = ("metalith", "orjson+naturalize")
            all_cases += [peers.BY_NAME[name].case(given.body, gc=False, label=f"{name} (gc off)") for name in off]
            self._with_dcmjs("ingest", given, all_cases)

    def _wanted(self, peer: peers.Peer, given: datasets.Input) -> bool:
        return not peer.slow or (not self.quick and len(given.body) <= peers.SLOW_LIMIT)

    def _case(self, peer: peers.Peer, given: datasets.Input) -> measure.Case | None:
        try:
            result = peer.make()(given.body)
        except peers.Absent as absent:
            self.absent.add(str(absent))
            return None
        self.verdict(f"ingest {given.name} {peer.name}", check.correct(peer.form, result, given.body))
        return peer.case(given.body)

    def _with_dcmjs(self, section: str, given: datasets.Input, all_cases: list[measure.Case]) -> None:
        try:
            with node.Dcmjs(given) as worker:
                self.verdict(f"{section} {given.name} dcmjs", worker.correct(given.body))
                times = self.alternate([*all_cases, worker.case()])
        except peers.Absent as absent:
            self.absent.add(str(absent))
            times = self.alternate(all_cases)
        self._table(section, given, times)

    def read_all(self) -> None:
        """bytes -> every value of every instance a Python object, sequences included"""
        for given in self.inputs:
            all_cases = []
            expected = check.elements(json.loads(given.body))
            for name in ("metalith", "orjson+naturalize", "pydicom"):
                peer = peers.BY_NAME[name]
                if not self._wanted(peer, given):
                    continue
                both = peers.reading(peer)
                self.verdict(f"read all {given.name} {name}", both(given.body)[1] == expected)
                all_cases.append(measure.Case(name, lambda both=both, body=given.body: both(body)))
            self._table("read all", given, self.alternate(all_cases))

    def _table(self, section: str, given: datasets.Input, times: dict[str, measure.Timing]) -> None:
        self.data.setdefault(section, {})[given.name] = {name: timing.as_dict() for name, timing in times.items()}
        print(f"\n{section}: {given.name}, {given.about}; {given.instances} instances, {given.megabytes:.2f} MB")
        base = times["metalith"].best
        rows = [
            (
                name,
                f"{timing.best * 1e3:.3f}",
                f"{timing.median * 1e3:.3f}",
                f"{given.megabytes / timing.best:,.0f}",
                f"{given.instances / timing.best:,.0f}",
                f"{timing.best / base:.2f}",
                str(len(timing.seconds)),
            )
            for name, timing in sorted(times.items(), key=lambda pair: pair[1].best)
        ]
        measure.print_table(("", "best ms", "median ms", "MB/s", "instances/s", "x metalith", "runs"), rows)

    def memory(self) -> None:
        """held per instance in KiB, fresh processes; traced is what went through Python's allocators"""
        holders = [("metalith", False), ("metalith", True), ("orjson", False), ("orjson+naturalize", False)]
        if not self.quick:
            holders.append(("pydicom", False))
        wanted = ("ct-600",) if self.quick else ("t1-384", "ct-600", "mr-600", "unlike-500")
        for given in filter(None, map(self._input, wanted)):
            rows = []
            for name, read in holders:
                copies = max(1, 12_000_000 // len(given.body)) if name == "metalith" else 1
                facts = fresh.memory(name, given, copies=copies, read=read)
                label = f"{name}, all read" if read else name
                self.verdict(f"memory {given.name} {label}", facts["correct"])
                self.data.setdefault("memory", {}).setdefault(given.name, {})[label] = facts
                cells = [facts[key] for key in ("rss", "traced", "nbytes")]
                rows.append((label, *("-" if cell is None else f"{cell / 1024:.2f}" for cell in cells)))
            print(f"\nmemory: {given.name}")
            measure.print_table(("KiB an instance", "resident", "traced", "nbytes"), rows)

    def access(self) -> None:
        """one attribute, the loop taken off"""
        names = cases.access_names(self.real)
        for name, right in cases.access_correct(names).items():
            self.verdict(f"access {name}", right)
        timings = measure.per_operation(cases.ACCESS, names, rounds=self.rounds)
        self.data["access"] = {name: timing.as_dict() for name, timing in timings.items()}
        base = timings['dict["Rows"]'].best
        rows = [
            (name, f"{t.best * 1e9:.1f}", f"{t.median * 1e9:.1f}", f"{t.best / base:.2f}")
            for name, t in timings.items()
        ]
        print("\naccess")
        measure.print_table(("", "best ns", "median ns", "x dict"), rows)

    def column(self) -> None:
        """one column as a NumPy array"""
        self._few("column", cases.column_cases, lambda _, got, given: cases.column_correct(got, given))

    def export(self) -> None:
        """JSON from what is in memory"""
        self._few("export", cases.export_cases, cases.export_correct)

    def _few(self, section: str, make: Callable, right: Callable) -> None:
        made = make(self.real)
        for name, run in made.items():
            self.verdict(f"{section} {name}", right(name, run(), self.real))
        times = self.alternate([measure.Case(name, run) for name, run in made.items()])
        self.data[section] = {self.real.name: {name: timing.as_dict() for name, timing in times.items()}}
        print(f"\n{section}: {self.real.name}")
        measure.print_table(
            ("", "best ms", "median ms"),
            [(n, f"{t.best * 1e3:.4f}", f"{t.median * 1e3:.4f}") for n, t in times.items()],
        )

    def headers(self) -> None:
        """Part-10 headers: one file from memory and from the page cache, series of files, memory held"""
        part10_sections.single(self)
        part10_sections.series(self)
        part10_sections.memory(self)

    def store(self) -> None:
        """the metadata store: adding, look-ups hot and cold, memory held, saving and opening"""
        store_sections.adding(self)
        store_sections.look_ups(self)
        store_sections.memory(self)
        store_sections.files(self)

    def providers(self) -> None:
        """`get` through providers: cached, uncached, missing, profiled; many ids at once; image planes of a store"""
        provider_sections.look_ups(self)
        provider_sections.many(self)
        provider_sections.planes(self)

    def uncached(self) -> None:
        """modules that are not kept, first image planes of 5,000 frames, typed chains; beside Cornerstone"""
        uncached_sections.all_of_it(self)

    def sources(self) -> None:
        """data sources: a long series, many series, searching, a header, from a server on this machine"""
        source_sections.loading(self)

    def threads(self) -> None:
        """what two threads get done over one; 2 is all there can be, and a busy machine gives less"""
        rows = []
        for name in ("metalith", "orjson+naturalize"):
            facts = cases.thread_gain(peers.BY_NAME[name], self.real, rounds=self.rounds)
            self.data.setdefault("threads", {})[name] = facts
            rows.append((name, f"{facts['gain']:.2f}", f"{facts['median_gain']:.2f}"))
        print(f"\nthreads: {self.real.name}")
        measure.print_table(("", "gain, best", "gain, median"), rows)

    def imports(self) -> None:
        """`import metalith` in fresh interpreters"""
        facts = self.data["imports"] = fresh.import_times(rounds=7 if self.quick else 21)
        self.verdict(f"import brings in {', '.join(facts['slow_modules'])}", not facts["slow_modules"])
        print("\nimport metalith")
        rows = [(kind, f"{facts[kind]['best'] * 1e3:.1f}", f"{facts[kind]['median'] * 1e3:.1f}") for kind in IMPORTS]
        measure.print_table(("", "best ms", "median ms"), [(IMPORTS[kind], *cells) for kind, *cells in rows])
        print("  costliest: " + ", ".join(f"{name} {micros / 1e3:.1f} ms" for name, micros in facts["costliest"]))


IMPORTS = {
    "inside": "the import itself",
    "wall": "what it adds to a process",
    "bare": "interpreter alone",
    "full": "interpreter and import",
}
SECTIONS = (
    "ingest",
    "read_all",
    "memory",
    "access",
    "column",
    "export",
    "headers",
    "store",
    "providers",
    "uncached",
    "sources",
    "threads",
    "imports",
)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures Metalith against its peers and its goals.")
    parser.add_argument("--quick", action="store_true", help="three inputs, few rounds: a minute")
    parser.add_argument("--json", metavar="FILE", help="write every figure there")
    parser.add_argument("--inputs", metavar="NAMES", help=f"of {', '.join(datasets.NAMES)}")
    parser.add_argument("--only", metavar="SECTIONS", help=f"of {', '.join(SECTIONS)}")
    options = parser.parse_args()
    for given, known in ((options.inputs, datasets.NAMES), (options.only, SECTIONS)):
        if given and (unknown := set(given.split(",")) - set(known)):
            parser.error(f"unknown: {', '.join(sorted(unknown))}")

    report, failed = Report(options), False
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors, {platform.machine()}, {platform.system()}")
    for name in options.only.split(",") if options.only else SECTIONS:
        try:
            getattr(report, name)()
        except Exception as error:  # the other sections are still worth having
            failed = True
            print(f"\n{name}: FAILED, {type(error).__name__}: {error}")
    judged = goals.judge(report.data, report.real.name)
    print(f"\ngoals (real series: {report.real.name})")
    measure.print_table(("work", "goal", "measured", "met"), [(g.work, g.goal, g.measured, g.met) for g in judged])
    for line in sorted(report.absent):
        print(f"left out: {line}")
    for line in report.wrong:
        print(f"WRONG RESULT: {line}")
    if options.json:
        figures = {**report.data, "goals": [vars(g) for g in judged], "wrong": report.wrong}
        Path(options.json).write_text(json.dumps(figures, indent=1))
    return 1 if failed or report.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
