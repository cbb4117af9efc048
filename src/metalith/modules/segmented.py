"""Segmented palettes: look-up tables that are written as runs, slopes and repetitions (PS3.3 section C.7.9.2).

The data are words of 8 or 16 bits. A segment is an opcode, a length, and:

    0  discrete   the entries themselves
    1  linear     the last of so many entries that lead there from the entry before, in equal steps
    2  indirect   where in the data, in bytes, so many segments begin that are repeated here

Every segment must give at least one entry and no more than the table has are made, so no data can make much work.
"""

from __future__ import annotations

from collections.abc import Sequence

from metalith.errors import BulkDataError

__all__ = ["expand"]


def expand(words: Sequence[int], bits: int, entries: int) -> list[int]:
    """The entries of a segmented table.

    Parameters
    ----------
    words : sequence of int
        The data, in words of `bits` bits; after the last segment there may be padding.
    bits : int
        8 or 16.
    entries : int
        How many entries the table has.

    Raises
    ------
    BulkDataError
        The data are damaged.

    Examples
    --------
    >>> expand([0, 2, 10, 20, 1, 2, 40, 2, 1, 0, 0], 16, 6)
    [10, 20, 30, 40, 10, 20]
    """
    made: list[int] = []
    try:
        _segments(words, 0, None, bits, entries, made)
    except IndexError:
        raise BulkDataError("the segments of a palette end before its entries do") from None
    return made


def _segments(words: Sequence[int], at: int, count: int | None, bits: int, entries: int, made: list[int]) -> None:
    """Expand `count` segments from a word on, or as many as give all entries."""
    whole = count is None
    while len(made) < entries and (count is None or count > 0):
        opcode, length, at = words[at], words[at + 1], at + 2
        if length == 0 or opcode > 2 or (opcode and not made) or (opcode == 2 and not whole):
            raise BulkDataError("a segment of a palette is damaged")
        if opcode == 0:
            if at + length > len(words):
                raise IndexError
            made += words[at : at + min(length, entries - len(made))]
            at += length
        elif opcode == 1:
            made += _slope(made[-1], words[at], length)[: entries - len(made)]
            at += 1
        else:
            size = 32 // bits  # words of an offset, the least significant one first
            offset = sum(words[at + place] << (bits * place) for place in range(size))
            _segments(words, offset * 8 // bits, length, bits, entries, made)
            at += size
        if count is not None:
            count -= 1


def _slope(start: int, end: int, length: int) -> list[int]:
    """So many values after `start` that lead to `end`, rounded to the even one where two are equally near."""
    return [round(start + (end - start) * step / length) for step in range(1, length + 1)]
