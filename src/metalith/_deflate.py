"""Deflated data sets (PS3.5 section A.5): inflated no further than asked for, and never beyond the limits."""

from __future__ import annotations

import zlib

from metalith.errors import ParseError
from metalith.limits import Limits

__all__ = ["Inflater"]


class Inflater:
    """The bytes of a file whose data set is deflated, as if it were not.

    Parameters
    ----------
    data : bytes-like
        The file.
    start : int
        Where the compressed part begins.
    limits : Limits
        `max_bytes` and `max_inflation` bound what is made of it.
    source : str or None
        Named in errors.

    Attributes
    ----------
    finished : bool
        All of it has been inflated.
    """

    def __init__(self, data: bytes | memoryview, start: int, limits: Limits, source: str | None) -> None:
        self._rest: bytes | memoryview = memoryview(data)[start:]
        self._start, self._limits, self._source = start, limits, source
        self._whole = bytearray(memoryview(data)[:start])
        self._most = min(limits.max_bytes, start + 4096 + limits.max_inflation * len(self._rest))
        self._stream = zlib.decompressobj(-15)
        self.finished = False

    def up_to(self, length: int) -> bytes:
        """As many bytes from the file's beginning, fewer only when there are no more."""
        while len(self._whole) < length and not self.finished:
            try:
                piece = self._stream.decompress(self._rest, min(length, self._most + 1) - len(self._whole))
            except zlib.error:
                raise self._error("the deflated data set is damaged") from None
            self._rest = self._stream.unconsumed_tail
            self._whole += piece
            if len(self._whole) > self._most:
                name = "max_bytes" if self._most == self._limits.max_bytes else "max_inflation"
                raise self._error(f"beyond the limit {name}={getattr(self._limits, name):,}")
            self.finished = self._stream.eof or not piece
        return bytes(self._whole)

    def _error(self, reason: str) -> ParseError:
        return ParseError(reason, offset=self._start, row=None, source=self._source)
