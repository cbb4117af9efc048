"""The comparison that every dialect test makes: the core with the model, its JSON with its dicts, both with Node."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from .js import assert_same, without_infinities

CHUNK = 500  # datasets in one table: random ones share few attributes, and unknown keys are bounded per parse


def chunks(datasets: list[dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    """Lists of at most CHUNK datasets."""
    return (datasets[start : start + CHUNK] for start in range(0, len(datasets), CHUNK))


def as_list(body: bytes) -> list[dict[str, Any]]:
    """The datasets of a body, which may be a single one."""
    parsed = json.loads(body)
    return parsed if isinstance(parsed, list) else [parsed]


def check_table(
    table: Any, dialect: str, expected: list[dict[str, Any]], *, order: bool = False
) -> list[dict[str, Any]]:
    """Assert that a table gives these dicts in a dialect, by all its ways of saying it; return what it gives."""
    given = table.to_dicts(dialect)
    assert len(table) == len(given) == len(expected)
    for row, (ours, model) in enumerate(zip(given, expected, strict=True)):
        assert_same(ours, model, order=order, path=f"[{row}]")
    assert_same(json.loads(table.to_json(dialect)), without_infinities(given))
    for row in {0, len(given) // 2, len(given) - 1} if given else ():
        assert_same(table[row].to_dict(dialect), given[row])
        assert_same(json.loads(table[row].to_json(dialect)), without_infinities(given[row]))
    return given


def check_oracle(
    datasets: list[Any], given: list[Any], answers: list[Any], agrees: Callable[[Any], bool], *, order: bool = False
) -> int:
    """Assert that ours are the oracle's answers wherever no wanted difference applies; return for how many that was."""
    compared = 0
    for row, (dataset, ours, theirs) in enumerate(zip(datasets, given, answers, strict=True)):
        if agrees(dataset):
            assert_same(ours, theirs, doubles=True, order=order, path=f"[{row}]")
            compared += 1
    return compared
