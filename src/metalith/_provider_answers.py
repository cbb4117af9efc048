"""Answers for many images, and their fields as arrays."""

from __future__ import annotations

from typing import Any

__all__ = ["Answers"]


class Answers(list[Any]):
    """A list of answers, None where there is none. A field of theirs, asked of the list, is an array.

    Numbers give float64 or int64 arrays, of shape (N,) or (N, k) for fields of k numbers; where some have none, they
    are float64 with NaN. Anything else, and fields whose lengths differ, give object arrays.

    Examples
    --------
    >>> from metalith.modules import build
    >>> from metalith._provider_answers import Answers
    >>> planes = Answers(build("imagePlaneModule", {"Rows": 4, "PixelSpacing": (0.5, 0.25)}) for _ in range(3))
    >>> planes.pixel_spacing.shape, planes.rows.tolist()
    ((3, 2), [4, 4, 4])
    """

    __slots__ = ()

    def __getattr__(self, field: str) -> Any:
        import numpy as np

        if field.startswith("_"):
            raise AttributeError(field)
        found = [answer for answer in self if answer is not None]
        if not found or not any(hasattr(answer, field) for answer in found):
            raise AttributeError(f"the answers have no {field}", name=field, obj=self)
        values = [getattr(answer, field, None) for answer in self]
        have = [value for value in values if value is not None]
        if have and all(_is_number(value) for value in have):
            return _numbers(values, have, ())
        if have and all(isinstance(value, tuple) and value and all(map(_is_number, value)) for value in have):
            lengths = {len(value) for value in have}
            if len(lengths) == 1:
                return _numbers(values, [number for value in have for number in value], (lengths.pop(),))
        made = np.empty(len(values), dtype=object)
        made[:] = values
        return made


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _numbers(values: list[Any], numbers: list[Any], shape: tuple[int, ...]) -> Any:
    import numpy as np

    whole = all(isinstance(number, int) and abs(number) < 1 << 63 for number in numbers)
    if whole and None not in values:
        return np.array(values, dtype=np.int64)
    missing = np.nan if not shape else (np.nan,) * shape[0]
    return np.array([missing if value is None else value for value in values], dtype=np.float64)
