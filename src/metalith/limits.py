"""Bounds on what an input may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace

from metalith.errors import ConfigurationError

__all__ = ["Limits", "limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one parse; whatever goes beyond is a `ParseError` that names the limit.

    Attributes
    ----------
    max_bytes : int
        Of input. 2 GiB.
    max_sequence_depth : int
        Sequences within sequences. 64; 1,023 at most.
    max_json_depth : int
        Brackets within brackets, the document's included. 1,024.
    max_keys : int
        Different private and unknown attributes, all levels together. 1,000,000.
    max_problems : int
        Problems that are listed one by one; more are counted. 1,000.
    max_inflation : int
        Bytes that one byte of a deflated data set may become. 1,000.
    """

    max_bytes: int = 2 << 30
    max_sequence_depth: int = 64
    max_json_depth: int = 1024
    max_keys: int = 1_000_000
    max_problems: int = 1000
    max_inflation: int = 1000

    def __post_init__(self) -> None:
        highest = {"max_bytes": 1 << 62, "max_sequence_depth": 1023}
        for field in fields(self):
            value, most = getattr(self, field.name), highest.get(field.name, (1 << 32) - 1)
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
                raise ConfigurationError(f"{field.name} must be a whole number from 0 to {most:,}")


# For what was accepted before and comes back.
WIDEST = Limits(1 << 62, 1023, 1 << 20, (1 << 32) - 1, 1000)

_DEFAULTS = Limits()
_current: ContextVar[Limits] = ContextVar("metalith.limits", default=_DEFAULTS)


def current() -> Limits:
    """The limits in force where no keyword argument says otherwise."""
    return _current.get()


def with_overrides(overrides: dict[str, int]) -> Limits:
    """The limits in force with some of them replaced by keyword arguments."""
    if not overrides:
        return current()
    unknown = overrides.keys() - {field.name for field in fields(Limits)}
    if unknown:
        raise TypeError(f"unexpected keyword argument {sorted(unknown)[0]!r}")
    return replace(current(), **overrides)


@contextmanager
def limits(**overrides: int) -> Iterator[Limits]:
    """Other limits for everything parsed inside a `with` block, in this thread or task.

    Examples
    --------
    >>> with metalith.limits(max_bytes=1 << 20):
    ...     table = metalith.naturalize(b"[]")
    """
    token = _current.set(with_overrides(overrides))
    try:
        yield current()
    finally:
        _current.reset(token)
