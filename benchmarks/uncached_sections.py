"""The report's section on modules: building them, frames asked for first, typed chains."""

from contextlib import ExitStack
from typing import Any

from benchmarks import cornerstone, measure, uncached_cases
from benchmarks.peers import Absent


def all_of_it(report: Any) -> None:
    with ExitStack() as stack:
        try:
            peer = cornerstone.Cornerstone(uncached_cases.image(), uncached_cases.frames())
            stack.enter_context(peer)
        except Absent as absent:
            report.absent.add(str(absent))
            peer = None
        _modules(report, peer)
        _frames(report, peer)
        _typed(report, peer)


def _modules(report: Any, peer: Any) -> None:
    rows = []
    for type in uncached_cases.TYPES:
        cases = uncached_cases.of_type(type)
        more = []
        if peer is not None:
            request = {"op": "module", "type": type, "loops": uncached_cases.LOOPS}
            report.verdict(f"modules {type} Cornerstone", bool(peer.ask(**request)["value"]))
            more.append(peer.case(**request))
        rows += _timed(report, "modules", type, cases, more)
    print("\nmodules that are not kept, of an image with 257 attributes")
    measure.print_table(("", "best ns", "median ns"), rows)


def _frames(report: Any, peer: Any) -> None:
    more = []
    if peer is not None:
        request = {"op": "frames", "count": uncached_cases.FRAMES}
        last = peer.ask(**request)["value"]
        report.verdict("frames Cornerstone", _close(last["imagePositionPatient"]))
        more.append(peer.case(**request))
    rows = _timed(report, "frames", f"{uncached_cases.FRAMES} frames", uncached_cases.all_frames(), more)
    print(f"\nfirst image planes of {uncached_cases.FRAMES:,} frames, each")
    measure.print_table(("", "best ns", "median ns"), rows)


def _close(position: list[float]) -> bool:
    """Cornerstone computes positions in float32."""
    expected = uncached_cases.position_of(uncached_cases.FRAMES)
    return all(abs(a - b) <= 1e-6 * abs(b) for a, b in zip(position, expected, strict=True))


def _typed(report: Any, peer: Any) -> None:
    rows = []
    for length in uncached_cases.CHAINS:
        more = []
        if peer is not None:
            request = {"op": "typed", "length": length, "loops": uncached_cases.LOOPS}
            report.verdict(f"typed {length} Cornerstone", peer.ask(**request)["value"] == {"rows": 512})
            more.append(peer.case(**request))
        rows += _timed(report, "typed", f"{length} functions", uncached_cases.of_chain(length), more)
    print("\ntyped providers, one after another")
    measure.print_table(("", "best ns", "median ns"), rows)


def _timed(report: Any, section: str, what: str, cases: list, more: list[measure.Case]) -> list[tuple[str, ...]]:
    for case in cases:
        report.verdict(f"{section} {what} {case.name}", case.right())
    each = cases[0].each
    whole = report.alternate([*(case.case() for case in cases), *more])
    times = {name: measure.Timing([one / each for one in timing.seconds]) for name, timing in whole.items()}
    report.data.setdefault(section, {})[what] = {name: timing.as_dict() for name, timing in times.items()}
    return [(f"{what}: {name}", f"{t.best * 1e9:,.0f}", f"{t.median * 1e9:,.0f}") for name, t in times.items()]
