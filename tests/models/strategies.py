"""Hypothesis strategies over the generator: its choices are drawn by Hypothesis, so that failures shrink."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .generate import REGULAR, WILD, Generator


def dicom_json_datasets(kind: str = WILD) -> st.SearchStrategy[dict[str, Any]]:
    """Single datasets."""
    return st.randoms(use_true_random=False).map(lambda rnd: Generator(rnd, kind).dataset(rnd.randrange(0, 6)))


def dicom_json_series(kind: str = REGULAR, count: int = 5) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Up to `count` instances of one series."""
    draws = st.tuples(st.randoms(use_true_random=False), st.integers(1, count))
    return draws.map(lambda drawn: Generator(drawn[0], kind).series(drawn[1], size=8))
