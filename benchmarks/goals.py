"""The goals of speed, and whether the figures meet them.  Best times are compared, of cases that took turns."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import part10_files, part10_peers, provider_sections, source_sections, store_cases, store_data
from benchmarks.datasets import MIXED


@dataclass(frozen=True)
class Judged:
    work: str
    goal: str
    measured: str
    met: str


class _Unmeasured(Exception):
    pass


def _get(data: dict, *path: str):
    for key in path:
        if not isinstance(data, dict) or data.get(key) is None:
            raise _Unmeasured
        data = data[key]
    return data


def judge(data: dict, real: str) -> list[Judged]:
    """Every goal that this suite measures; `data` is by section, then input, then case."""

    def best(section: str, name: str, case: str) -> float:
        return _get(data, section, name, case, "best")

    def times(section: str, name: str, peer: str) -> float:
        return best(section, name, peer) / best(section, name, "metalith")

    def access(name: str) -> float:
        return best_access(name) / best_access('dict["Rows"]')

    def best_access(name: str) -> float:
        return _get(data, "access", name, "best")

    def held(name: str) -> float:
        return _get(data, "memory", name, "metalith", "rss") / 1024

    at_least: list[tuple[str, float, Callable[[], float]]] = [
        ("ingest, against dcmjs under Node", 100, lambda: times("ingest", real, "dcmjs")),
        ("ingest, against orjson + naturalizer", 100, lambda: times("ingest", real, "orjson+naturalize")),
        ("ingest, against simdjson's bare parse", 2, lambda: times("ingest", real, "simdjson-parse")),
    ]
    at_least += [
        (f"mixed instances ({name}), orjson + naturalizer", 2, lambda n=name: times("ingest", n, "orjson+naturalize"))
        for name in MIXED
    ]
    at_least += [
        ("every value read, orjson + naturalizer", 10, lambda: times("read all", real, "orjson+naturalize")),
        ("two threads parsing, against one", 1.8, lambda: _get(data, "threads", "metalith", "gain")),
        (
            'to_json("dcmjs"), against orjson.dumps of dicts',
            1,
            lambda: best("export", real, "orjson.dumps(natural)") / best("export", real, 'table.to_json("dcmjs")'),
        ),
    ]
    at_most: list[tuple[str, float, str, Callable[[], float]]] = [
        ("memory held per instance (ct-600)", 1.5, " KiB", lambda: held("ct-600")),
        ("inst.Rows, against a dict look-up", 2, "x", lambda: access("inst.Rows")),
        ('inst["Rows"], against a dict look-up', 2, "x", lambda: access('inst["Rows"]')),
        (
            "ingest, collector on against off",
            1.1,
            "x",
            lambda: best("ingest", real, "metalith") / best("ingest", real, "metalith (gc off)"),
        ),
        ("import metalith", 40, " ms", lambda: _get(data, "imports", "wall", "best") * 1e3),
    ]
    at_least += _headers_at_least(data)
    at_most += _headers_at_most(data)
    at_most += _store_at_most(data)
    at_most += provider_sections.at_most(_get, data)
    at_most += source_sections.at_most(_get, data)
    judged = [_judged(work, f">= {goal:g}x", value, "x", lambda v, g=goal: v >= g) for work, goal, value in at_least]
    judged += [
        _judged(work, f"<= {goal:g}{unit}", value, unit, lambda v, g=goal: v <= g)
        for work, goal, unit, value in at_most
    ]
    return judged


HEADERS = (("a file's header", "headers path"), ("headers of a series, per file", "headers series"))


def _header(data: dict, section: str, case: str) -> float:
    return _get(data, section, part10_files.GOALS, case, "best")


def _headers_at_least(data: dict) -> list[tuple[str, float, Callable[[], float]]]:
    def times(section: str, *peers: str) -> float:
        """Peers share nothing between files, so the best that they did counts, be it alone or in a series."""
        ways = {section, "headers path"}
        timed = [
            _header(data, way, peer) for way in ways for peer in peers if peer in _get(data, way, part10_files.GOALS)
        ]
        if not timed:
            raise _Unmeasured
        return min(timed) / _header(data, section, "metalith")

    against = (("pydicom to a dict", 100, ("pydicom -> dict",)), ("fastest native peer", 8, part10_peers.NATIVE))
    return [
        (f"{work}, {what}", goal, lambda section=section, peers=peers: times(section, *peers))
        for what, goal, peers in against
        for work, section in HEADERS
    ]


def _headers_at_most(data: dict) -> list[tuple[str, float, str, Callable[[], float]]]:
    def times(section: str, floor: str) -> float:
        return _header(data, section, "metalith") / _header(data, section, floor)

    return [
        (f"{work}, against {floor}", 1.5, "x", lambda section=section, floor=floor: times(section, floor))
        for work, section in HEADERS
        for floor in part10_peers.FLOORS
    ] + [
        (
            "memory held per header, of 100,000",
            1.5,
            " KiB",
            lambda: _get(data, "headers memory", part10_files.GOALS, "metalith", "rss") / 1024,
        )
    ]


STORE_KINDS = {"SOPInstanceUID": "UID", "wadors id": "image id"}
SAME = 1.2  # times: what counts as the same on a machine that others use, too


def _store_at_most(data: dict) -> list[tuple[str, float, str, Callable[[], float]]]:
    def seconds(size: str, kind: str, heat: str) -> float:
        return _get(data, "store look-ups", size, f"{kind}, {heat}", "metalith", "best")

    def opening(size: str, way: str, attributes: int) -> float:
        return _get(data, "store files", f"{size}, {attributes} attributes", way, "open", "best")

    kinds = [(kind, name, heat) for kind, name in STORE_KINDS.items() for heat in ("hot", "cold")]
    return [
        *(
            (
                f"look-up by {name}, 1 million, {heat}",
                150,
                " ns",
                lambda k=kind, h=heat: seconds("1 million", k, h) * 1e9,
            )
            for kind, name, heat in kinds
        ),
        *(
            (
                f"look-up by {name}, {heat}, 1 million against 1 thousand",
                SAME,
                "x",
                lambda k=kind, h=heat: seconds("1 million", k, h) / seconds("1 thousand", k, h),
            )
            for kind, name, heat in kinds
        ),
        *(
            (
                f"10,000,000 instances like {name} ({about})",
                8,
                " GiB",
                lambda name=name: _get(data, "store memory", name, "metalith", "gibibytes"),
            )
            for name, about in store_data.ABOUT.items()
        ),
        *(
            (
                f"opening a store of {size}{how}, 50 attributes against 5",
                SAME,
                "x",
                lambda size=size, way=way: opening(size, way, 50) / opening(size, way, 5),
            )
            for size in store_cases.SAVED
            for way, how in (("metalith", ""), ("metalith, unverified", ", unverified"))
        ),
    ]


def _judged(work: str, goal: str, value: Callable[[], float], unit: str, holds: Callable[[float], bool]) -> Judged:
    try:
        figure = value()
    except _Unmeasured:
        return Judged(work, goal, "-", "not measured")
    return Judged(work, goal, f"{figure:.2f}{unit}", "yes" if holds(figure) else "NO")
