"""Look-ups through providers, beside a dict look-up and a chain in plain Python."""

import pytest

from benchmarks import measure, module_cases, provider_cases

OPERATIONS = 10_000


@pytest.fixture(scope="module")
def names():
    found = provider_cases.names()
    yield found
    found["open"].__exit__()


@pytest.mark.parametrize("name", provider_cases.STATEMENTS)
def test_get(clock, benchmark, names, name):
    text = provider_cases.STATEMENTS[name]
    both = measure.per_operation({name: text, "dict": provider_cases.STATEMENTS["dict.get"]}, names, rounds=9)
    benchmark.extra_info["nanoseconds"] = both[name].best * 1e9
    benchmark.extra_info["to_dict"] = both[name].best / both["dict"].best
    loop = measure.loop(text, names)
    clock(
        lambda: loop.timeit(OPERATIONS // measure.STATEMENTS),
        correct=lambda _: provider_cases.right(name, names),
        group=f"providers x{OPERATIONS}",
    )


@pytest.mark.parametrize("name", ["get_many", "get of each", "plain Python"])
def test_many(clock, name):
    run = provider_cases.many()[name]
    expected = [provider_cases.ANSWER] * len(provider_cases.IDS)
    clock(run, correct=lambda found: found == expected, group="providers, 10,000 kept ids")


@pytest.mark.parametrize("name", ["metalith", "plain Python"])
def test_first(clock, name):
    run = provider_cases.first()[name]
    expected = [provider_cases.ANSWER] * len(provider_cases.IDS)
    clock(run, correct=lambda found: found == expected, group="providers, 10,000 new ids")


@pytest.mark.parametrize(
    ("of", "name"), [(of, name) for of, names in module_cases.NAMES.items() for name in names], ids=lambda one: one
)
def test_planes(clock, of, name):
    run = module_cases.cases()[of][name]
    clock(run, correct=lambda found: module_cases.right(name, found, of), group=f"image planes, {of}s")
