"""Profiles of look-ups: counts and times by provider and type (for `metalith.providers`).

The compiled core counts while a profile is open; a profile is the difference between two readings, so profiles may
overlap. Every call of a provider is timed by the processor's clock, what it called itself included; of answers from the
cache one in 64 is, from its look-up to its being found, and the total stands for all.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Self

from metalith._providers import Counter, Lookups, bucket_middle, ticks

_Reading = tuple[tuple[int, ...], dict[int, int]]


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """What one provider did for one type. Times are in seconds; percentiles are of calls, None without any.

    Attributes
    ----------
    provider, type : str
    calls, answers, misses, errors : int
        How often it was called, and what came: an answer, None, or an exception.
    hits, evictions : int
        Answers, None among them, that came from the cache; and those that had to leave it.
    seconds : float
        Of all calls, what they called included.
    hit_seconds : float
        Of all hits, reckoned from one in 64.
    p50, p90, p99 : float or None
        Of one call.
    """

    provider: str
    type: str
    calls: int
    answers: int
    misses: int
    errors: int
    hits: int
    evictions: int
    seconds: float
    hit_seconds: float
    p50: float | None
    p90: float | None
    p99: float | None

    def as_dict(self) -> dict[str, Any]:
        """The same as a dict."""
        return asdict(self)


class Profile:
    """Look-ups by provider and type, while it is open; made by `MetadataProviders.profile()`.

    Examples
    --------
    >>> from metalith.providers import MetadataProviders
    >>> mine = MetadataProviders()
    >>> mine.add_provider(lambda type, image_id: 1, name="one")
    >>> with mine.profile() as prof:
    ...     _ = [mine.get("answer", f"web:{n}") for n in range(10)]
    >>> prof.rows[0].provider, prof.rows[0].calls
    ('one', 10)
    """

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups
        self._open = False
        self._first: dict[Counter, _Reading] = {}
        self._last: dict[Counter, _Reading] = {}
        self._began = self._ended = (0, 0)

    def __enter__(self) -> Self:
        if self._open:
            raise RuntimeError("this profile is open already")
        self._first, self._last, self._open = self._lookups.open_profile(), {}, True
        self._began = (ticks(), time.perf_counter_ns())
        return self

    def __exit__(self, *_: object) -> None:
        if self._open:
            self._read()
            self._open = False
            self._lookups.close_profile()

    def _read(self) -> None:
        if self._open:
            self._last = self._lookups.read_counters()
            self._ended = (ticks(), time.perf_counter_ns())

    @property
    def rows(self) -> list[ProfileRow]:
        """By provider and type, who took most time first; of an open profile, until now. list of ProfileRow."""
        self._read()
        passed = self._ended[0] - self._began[0]
        tick = (self._ended[1] - self._began[1]) / passed * 1e-9 if passed > 0 else 0.0
        rows = [_row(counter, self._first.get(counter), reading, tick) for counter, reading in self._last.items()]
        rows = [row for row in rows if row.calls or row.hits or row.evictions]
        return sorted(rows, key=lambda row: (-row.seconds - row.hit_seconds, row.provider, row.type))

    def as_dicts(self) -> list[dict[str, Any]]:
        """The rows as dicts."""
        return [row.as_dict() for row in self.rows]

    def __iter__(self) -> Iterator[ProfileRow]:
        return iter(self.rows)

    def __str__(self) -> str:
        head = (
            "provider", "type", "calls", "answers", "misses", "errors", "hits", "evicted", "total", "p50", "p90", "p99"
        )  # fmt: skip
        lines: list[tuple[str, ...]] = [head]
        lines += [
            (
                *(row.provider, row.type),
                *(f"{n:,}" for n in (row.calls, row.answers, row.misses, row.errors, row.hits, row.evictions)),
                *(_time(seconds) for seconds in (row.seconds + row.hit_seconds, row.p50, row.p90, row.p99)),
            )
            for row in self.rows
        ]
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if i < 2 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )


def _row(counter: Counter, first: _Reading | None, last: _Reading, tick: float) -> ProfileRow:
    before, histogram_before = first or ((0,) * len(last[0]), {})
    calls, answers, misses, errors, hits, evictions, total, hit_ticks, timed = (
        n - m for n, m in zip(last[0], before, strict=True)
    )
    histogram = {bucket: n - histogram_before.get(bucket, 0) for bucket, n in last[1].items()}
    hit_seconds = hit_ticks / timed * hits * tick if timed else 0.0
    return ProfileRow(
        counter.provider,
        counter.type,
        calls,
        answers,
        misses,
        errors,
        hits,
        evictions,
        total * tick,
        hit_seconds,
        *(_percentile(histogram, share, tick) for share in (0.5, 0.9, 0.99)),
    )


def _percentile(histogram: dict[int, int], share: float, tick: float) -> float | None:
    wanted, seen = share * sum(histogram.values()), 0
    for bucket in sorted(histogram):
        seen += histogram[bucket]
        if histogram[bucket] and seen >= wanted:
            return bucket_middle(bucket) * tick
    return None


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
