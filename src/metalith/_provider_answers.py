"""Answers for many images, and their fields as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, overload

__all__ = ["Answers", "Lazy"]


class Lazy(Protocol):
    """Answers that are made when they are asked for: what `get_lazily(type, image_ids)` of a provider gives.

    It gives None instead where some ids, or all, are to be asked for one by one. What it gives stays as it was at that
    moment, whatever happens afterwards.
    """

    @property
    def lacking(self) -> int:
        """How many ids have no answer."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any:
        """The answer of an id, the same object each time; None without."""

    def tolist(self) -> list[Any]:
        """All of them."""

    def field(self, name: str, /) -> Any:
        """A field as `Answers` gives it; None where all answers are to be looked at."""


class Answers(Sequence[Any]):
    """Answers in the order of their image ids, None where there is none. A field of theirs, asked of all, is an array.

    Numbers give float64 or int64 arrays, of shape (N,) or (N, k) for fields of k numbers; where some have none, they
    are float64 with NaN. Anything else, and fields whose lengths differ, give object arrays.

    Equal to any list or tuple of equal answers. Where a provider can tell fields without making answers, an answer is
    made when it is looked at.

    Examples
    --------
    >>> from metalith.modules import build
    >>> from metalith._provider_answers import Answers
    >>> planes = Answers([build("imagePlaneModule", {"Rows": 4, "PixelSpacing": (0.5, 0.25)})] * 3)
    >>> planes.pixel_spacing.shape, planes.rows.tolist()
    ((3, 2), [4, 4, 4])
    """

    __slots__ = ("_lazy", "_list")

    def __init__(self, answers: list[Any] | Lazy) -> None:
        self._list: list[Any] | None = answers if isinstance(answers, list) else None
        self._lazy: Lazy | None = None if isinstance(answers, list) else answers

    def _all(self) -> list[Any]:
        if self._list is None:
            self._list = self._lazy.tolist()  # type: ignore[union-attr]
        return self._list

    def tolist(self) -> list[Any]:
        """All answers. list."""
        return list(self._all())

    def __len__(self) -> int:
        return len(self._lazy if self._list is None else self._list)  # type: ignore[arg-type]

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: Any) -> Any:
        if self._list is None and not isinstance(index, slice):
            return self._lazy[index]  # type: ignore[index]
        return self._all()[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Answers):
            return self._all() == other._all()
        return self._all() == list(other) if isinstance(other, (list, tuple)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        return Answers, (self._all(),)

    def __repr__(self) -> str:
        return f"<Answers: {len(self):,}>"

    def __getattr__(self, field: str) -> Any:
        if field.startswith("_"):
            raise AttributeError(field)
        found = None if self._lazy is None else self._lazy.field(field)
        return self._gathered(field) if found is None else found

    def _gathered(self, field: str) -> Any:
        """The array of a field, from the answers."""
        import numpy as np

        answers = self._all()
        if not any(hasattr(answer, field) for answer in answers if answer is not None):
            raise AttributeError(f"the answers have no {field}", name=field, obj=self)
        values = [getattr(answer, field, None) for answer in answers]
        types = set(map(type, values)) - {type(None)}
        if types and all(map(_is_number, types)):
            return _numbers(values, [value for value in values if value is not None], ())
        if types and all(issubclass(one, tuple) for one in types):
            have = [value for value in values if value is not None]
            lengths = set(map(len, have))
            numbers = [number for value in have for number in value]
            if len(lengths) == 1 and numbers and all(map(_is_number, set(map(type, numbers)))):
                return _numbers(values, numbers, (lengths.pop(),))
        made = np.empty(len(values), dtype=object)
        for i, value in enumerate(values):  # not made[:] = values, which takes tuples of one length apart
            made[i] = value
        return made


def _is_number(kind: type) -> bool:
    return issubclass(kind, (int, float)) and not issubclass(kind, bool)


def _numbers(values: list[Any], numbers: list[Any], shape: tuple[int, ...]) -> Any:
    import numpy as np

    lacking = len(numbers) < len(values) * (shape[0] if shape else 1)
    if not lacking and all(issubclass(one, int) for one in set(map(type, numbers))):
        try:
            return np.array(numbers, dtype=np.int64).reshape(len(values), *shape)
        except OverflowError:  # which float64 has room for, about
            pass
    if not lacking:
        return np.array(numbers, dtype=np.float64).reshape(len(values), *shape)
    missing = np.nan if not shape else (np.nan,) * shape[0]
    return np.array([missing if value is None else value for value in values], dtype=np.float64)
