"""The report's section on data sources, and their goals."""

from collections.abc import Callable
from typing import Any

from benchmarks import measure, source_cases, source_data
from benchmarks.source_server import Server


def loading(report: Any) -> None:
    rows = []
    with Server(source_data.answers()) as server:
        for name, make in source_cases.WORK.items():
            work, timed, counts = make(), [], {}
            for peer, run in work.runs.items():
                if report.quick and peer.endswith("pydicom") and work.instances > 1:
                    continue  # seconds each time
                counts[peer] = source_cases.counted(work, peer, server)
                right = work.right(run(server.root)) and source_cases.within(work, peer, counts[peer])
                report.verdict(f"sources {name} {peer}", right)
                timed.append(measure.Case(peer, lambda run=run: run(server.root)))
            times = report.alternate(timed)
            found = {peer: {**timing.as_dict(), **counts[peer]} for peer, timing in times.items()}
            report.data.setdefault("sources", {})[name] = found
            rows += _rows(work, times, counts)
    print("\nsources: from a server on this machine, each time with a connection of its own")
    head = ("", "best ms", "median ms", "x floor", "requests", "MB sent", "server's ms", "runs")
    measure.print_table(head, rows)


def _rows(
    work: source_cases.Work, times: dict[str, measure.Timing], counts: dict[str, dict[str, float]]
) -> list[tuple[str, ...]]:
    floor = times.get(source_cases.FLOOR)
    return [
        (
            f"{work.about}: {peer}",
            f"{timing.best * 1e3:,.1f}",
            f"{timing.median * 1e3:,.1f}",
            f"{timing.best / floor.best:.2f}" if floor else "-",
            f"{counts[peer]['requests']:,}",
            f"{counts[peer]['bytes'] / 1e6:,.2f}",
            f"{counts[peer]['seconds'] * 1e3:,.1f}",
            str(len(timing.seconds)),
        )
        for peer, timing in sorted(times.items(), key=lambda pair: pair[1].best)
    ]


def at_most(get: Callable[..., Any], data: dict) -> list[tuple[str, float, str, Callable[[], float]]]:
    """The goals, as `goals.judge` has them; `get` finds a figure or says that it was not measured."""

    def against(name: str, peer: str) -> float:
        return get(data, "sources", name, peer, "best") / get(data, "sources", name, source_cases.FLOOR, "best")

    return [
        (
            f"metadata of a series ({name}), {peer}, against requests' content alone",
            1.15,
            "x",
            lambda n=name, p=peer: against(n, p),
        )
        for name in ("long", "long, gzip")
        for peer in ("metalith, source", "metalith, transport")
    ]
