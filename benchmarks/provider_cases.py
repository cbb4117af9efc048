"""Look-ups through providers: what is asked, of whom, and the same in plain Python beside it.

Each statement stands for one look-up (of `get_many`, for one id of its 10,000).  `d` is a dict by image id and `plain`
the chain as people write it: a sorted list of functions, and a dict of dicts before them where answers are kept.
"""

from collections.abc import Callable
from typing import Any

from benchmarks import measure
from metalith.providers import MetadataProviders

ID = "wadors:https://host/dicom-web/studies/1.2.3/series/1.2.4/instances/1.2.5/frames/1"
IDS = [ID.replace("1.2.5", f"1.2.5.{n}") for n in range(10_000)]
ANSWER = {"rows": 512}
CHAINS = (1, 6, 20)


class Plane:
    """A module class, as types are given by."""

    type = "imagePlaneModule"


class PlainChain:
    """Cornerstone's metaData in Python."""

    def __init__(self, cached: bool = False) -> None:
        self.providers: list[tuple[float, Callable]] = []
        self.cache: dict[str, dict[str, Any]] | None = {} if cached else None

    def add_provider(self, provider: Callable, priority: float = 0) -> None:
        self.providers.insert(0, (priority, provider))
        self.providers.sort(key=lambda one: -one[0])

    def get(self, type: str, image_id: str, *args: Any) -> Any:
        if self.cache is not None:
            kept = self.cache.get(type)
            if kept is not None and image_id in kept:
                return kept[image_id]
        for _, provider in self.providers:
            answer = provider(type, image_id, *args)
            if answer is not None:
                if self.cache is not None:
                    self.cache.setdefault(type, {})[image_id] = answer
                return answer
        return None


def answering(type: str, image_id: str) -> Any:
    """A provider that answers one type."""
    return ANSWER if type == "imagePlaneModule" else None


def silent() -> Callable:
    """A new provider that answers nothing."""
    return lambda type, image_id: None


def chain(silents: int, cached: bool = False) -> MetadataProviders:
    """One that answers imagePlaneModule, behind so many that answer nothing."""
    made = MetadataProviders()
    made.add_provider(answering, cache=cached)
    for _ in range(silents):
        made.add_provider(silent(), 1)
    return made


def plain_chain(silents: int, cached: bool = False) -> PlainChain:
    made = PlainChain(cached)
    made.add_provider(answering)
    for _ in range(silents):
        made.add_provider(silent(), 1)
    return made


def misses(count: int) -> tuple[MetadataProviders, PlainChain]:
    """So many providers that answer nothing."""
    made, plain = MetadataProviders(), PlainChain()
    for _ in range(count):
        made.add_provider(silent())
        plain.add_provider(silent())
    return made, plain


def names() -> dict[str, Any]:
    """What the statements name."""
    found: dict[str, Any] = {"id": ID, "Plane": Plane, "d": {ID: ANSWER}, "k": "".join([ID[:9], ID[9:]])}
    found |= {"kept": chain(0, cached=True), "kept_plain": plain_chain(0, cached=True)}
    found |= {"profiled": chain(0, cached=True)}
    found |= {"open": found["profiled"].profile().__enter__()}  # never left: the process ends
    for count in CHAINS:
        found[f"m{count}"], found[f"p{count}"] = misses(count)
    found |= {"one": chain(0), "one_plain": plain_chain(0)}
    return found


STATEMENTS = {
    "dict.get": "d.get(id)",
    "cached": 'kept.get("imagePlaneModule", id)',
    "cached, by class": "kept.get(Plane, id)",
    "cached, another str of the same id": 'kept.get("imagePlaneModule", k)',
    "cached, nothing": 'kept.get("no such module", id)',
    "cached, profiled": 'profiled.get("imagePlaneModule", id)',
    "cached, plain Python": 'kept_plain.get("imagePlaneModule", id)',
    "uncached": 'one.get("imagePlaneModule", id)',
    "uncached, plain Python": 'one_plain.get("imagePlaneModule", id)',
    **{f"miss through {n}": f'm{n}.get("imagePlaneModule", id)' for n in CHAINS},
    **{f"miss through {n}, plain Python": f'p{n}.get("imagePlaneModule", id)' for n in CHAINS},
}
FAST = tuple(name for name in STATEMENTS if "miss" not in name)


def right(name: str, found: dict[str, Any]) -> bool:
    """Whether a statement gives what it should."""
    expected = None if "miss" in name or "nothing" in name else ANSWER
    return all(eval(STATEMENTS[name], dict(found)) is expected for _ in range(3))


def timings(rounds: int) -> dict[str, measure.Timing]:
    """Seconds of each statement; a profile weighs by pairs that take turns."""
    found = names()
    few = {name: text for name, text in STATEMENTS.items() if name not in FAST}
    fast = {name: STATEMENTS[name] for name in FAST}
    times = measure.per_operation(fast, found, rounds=rounds, number=100_000)
    return times | measure.per_operation(few, found, rounds=rounds, number=5_000)


def many() -> dict[str, Callable[[], Any]]:
    """10,000 ids in one call and in many, kept before."""
    made, plain = chain(0, cached=True), plain_chain(0, cached=True)

    def each() -> list:
        get = made.get
        return [get("imagePlaneModule", one) for one in IDS]

    def each_plain() -> list:
        get = plain.get
        return [get("imagePlaneModule", one) for one in IDS]

    runs = {"get_many": lambda: made.get_many("imagePlaneModule", IDS), "get of each": each, "plain Python": each_plain}
    for run in runs.values():
        run()
    return runs


def first() -> dict[str, Callable[[], Any]]:
    """10,000 ids that nobody asked for before: what keeping an answer costs."""

    def asking(made: Any) -> Callable[[], Any]:
        def run() -> list:
            made.invalidate() if isinstance(made, MetadataProviders) else made.cache.clear()
            get = made.get
            return [get("imagePlaneModule", one) for one in IDS]

        return run

    return {"metalith": asking(chain(0, cached=True)), "plain Python": asking(plain_chain(0, cached=True))}
