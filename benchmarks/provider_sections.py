"""The report's section on providers, and their goals."""

from collections.abc import Callable
from typing import Any

from benchmarks import measure, module_cases, provider_cases


def look_ups(report: Any) -> None:
    found = provider_cases.names()
    for name in provider_cases.STATEMENTS:
        report.verdict(f"providers {name}", provider_cases.right(name, found))
    found["open"].__exit__()
    times = provider_cases.timings(report.rounds)
    report.data["providers"] = {name: timing.as_dict() for name, timing in times.items()}
    print("\nproviders: one look-up")
    base = times["dict.get"].best
    rows = [(n, f"{t.best * 1e9:.1f}", f"{t.median * 1e9:.1f}", f"{t.best / base:.2f}") for n, t in times.items()]
    measure.print_table(("", "best ns", "median ns", "x dict.get"), rows)


def many(report: Any) -> None:
    found = report.data["providers many"] = {}
    rows = []
    for what, runs in (("kept", provider_cases.many()), ("first", provider_cases.first())):
        for name, run in runs.items():
            right = run() == [provider_cases.ANSWER] * len(provider_cases.IDS)
            report.verdict(f"providers {what} {name}", right)
        times = report.alternate([measure.Case(name, run) for name, run in runs.items()])
        for name, timing in times.items():
            each = measure.Timing([seconds / len(provider_cases.IDS) for seconds in timing.seconds])
            found.setdefault(what, {})[name] = each.as_dict()
            rows.append((f"{what}: {name}", f"{each.best * 1e9:.1f}", f"{each.median * 1e9:.1f}"))
    print("\nproviders: 10,000 image ids, each")
    measure.print_table(("", "best ns", "median ns"), rows)


def planes(report: Any) -> None:
    found = report.data["planes"] = {}
    rows = []
    for of, runs in module_cases.cases().items():
        for name, run in runs.items():
            report.verdict(f"image planes, {of}s: {name}", module_cases.right(name, run(), of))
        times = report.alternate([measure.Case(name, run) for name, run in runs.items()])
        for name, timing in times.items():
            each = measure.Timing([seconds / module_cases.count(of) for seconds in timing.seconds])
            found.setdefault(of, {})[name] = each.as_dict()
            rows.append((f"{of}: {name}", f"{each.best * 1e9:.0f}", f"{each.median * 1e9:.0f}"))
    print("\nimage planes of a store, not kept: each")
    measure.print_table(("", "best ns", "median ns"), rows)


def at_most(get: Callable[..., Any], data: dict) -> list[tuple[str, float, str, Callable[[], float]]]:
    """The goals, as `goals.judge` has them; `get` finds a figure or says that it was not measured."""

    def seconds(name: str) -> float:
        return get(data, "providers", name, "best")

    def each(count: int) -> float:
        return seconds(f"miss through {count}") / count

    return [
        ("get of a cached module, against dict.get", 1.5, "x", lambda: seconds("cached") / seconds("dict.get")),
        ("get of a cached module", 56, " ns", lambda: seconds("cached") * 1e9),
        *(
            (f"miss through {n} Python providers, each", 100, " ns", lambda n=n: each(n) * 1e9)
            for n in provider_cases.CHAINS
        ),
        ("get of a cached module, profiled", 1.15, "x", lambda: seconds("cached, profiled") / seconds("cached")),
        (
            "get of an uncached image plane",
            1000,
            " ns",
            lambda: get(data, "planes", "slice", "get", "best") * 1e9,
        ),
        (
            "get_many of uncached image planes, three fields as arrays, an instance",
            100,
            " ns",
            lambda: get(data, "planes", "slice", "get_many, three fields", "best") * 1e9,
        ),
        (
            "get_many of cached modules, an id",
            100,
            " ns",
            lambda: get(data, "providers many", "kept", "get_many", "best") * 1e9,
        ),
    ]
