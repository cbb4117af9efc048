"""A column of a series as a NumPy array, against gathering it from dicts."""

import pytest

from benchmarks import cases, datasets

KINDS = ("table.column", "list of dicts", "list of Instances", "ingest + column", "orjson + list")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ("t1-384", "ct-600", "synthetic-ct-2000", "synthetic-ct-2000-text"))
def test_column(clock, name, kind):
    given = datasets.load(name)
    run = cases.column_cases(given)[kind]
    clock(run, correct=lambda got: cases.column_correct(got, given), given=given, group=f"column {name}")
