"""Why there is no answer, or whose it is (for `metalith.providers`)."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from metalith._providers import NULL, Lookups, Registration
from metalith.image_ids import ImageId

Outcome = Literal["answered", "nothing", "null", "error", "not asked"]
_SAID = {
    "answered": "answered",
    "nothing": "has nothing",
    "null": "says that there is nothing",
    "error": "failed",
    "not asked": "not asked any more",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What one provider said.

    Attributes
    ----------
    provider : str
    priority : float
    outcome : {"answered", "nothing", "null", "error", "not asked"}
        "null" is an answer: that there is nothing.
    cached : bool
        Whether it said so before, and was not asked again.
    reason : str or None
        What it lacked, by its own `explain`; of an error its class.
    """

    provider: str
    priority: float
    outcome: Outcome
    cached: bool = False
    reason: str | None = None

    def __str__(self) -> str:
        said = _SAID[self.outcome] + (" (kept from before)" if self.cached else "")
        return f"{self.provider}, priority {self.priority:g}: {said}{': ' + self.reason if self.reason else ''}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Who was asked for what, and what came of it. Shows nothing of the image id, which may hold a token.

    Attributes
    ----------
    type : str
    image : str
        The kind of image id, such as `<ImageId wadors, frame 3>`.
    asked : tuple of Asked
        First to last.
    others : tuple of str
        Providers that are there, but not for this type.
    """

    type: str
    image: str
    asked: tuple[Asked, ...]
    others: tuple[str, ...] = ()

    @classmethod
    def of(cls, type: str, image_id: Any, asked: Iterable[Asked], others: Iterable[str] = ()) -> Explanation:
        """From an image id, of which only the kind is kept."""
        return cls(type, _kind_of(image_id), tuple(asked), tuple(others))

    @property
    def answered_by(self) -> str | None:
        """The provider that has the answer; None if nobody has. str or None."""
        return next((one.provider for one in self.asked if one.outcome == "answered"), None)

    def __str__(self) -> str:
        by = self.answered_by
        lines = [f"{self.type} of {self.image}: {f'answered by {by}' if by else 'no provider has it'}"]
        lines += [f"  {one}" for one in self.asked]
        if not self.asked:
            lines.append("  nobody was asked")
        if self.others:
            lines.append(f"  not for this type: {', '.join(self.others)}")
        return "\n".join(lines)


def _kind_of(image_id: Any) -> str:
    if not isinstance(image_id, str):
        return f"an id of type {type(image_id).__name__}"
    try:
        return repr(ImageId(image_id))
    except ValueError:
        return "what is no image id"


def explain(lookups: Lookups, kind: str, image_id: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Explanation:
    """Asks as `get` does, and takes down what is said."""
    chain = lookups.chain
    route = chain.route(kind)
    asked: list[Asked] = []
    over = image_id is None
    for one in route:
        said = Asked(one.name, one.priority, "not asked") if over else _ask(lookups, one, kind, image_id, args, kwargs)
        asked.append(said)
        over = over or said.outcome in ("answered", "null")
        over = over or (said.outcome == "error" and (one.on_error or lookups.on_error) != "next")
    return Explanation.of(kind, image_id, asked, [one.name for one in chain.registrations if one not in route])


def _ask(
    lookups: Lookups, one: Registration, kind: str, image_id: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Asked:
    kept, answer = (False, None) if args or kwargs else lookups.peek(one, kind, image_id)
    if not kept:
        try:
            answer = one.call(kind, image_id, *args, **kwargs)
        except Exception as error:
            return Asked(one.name, one.priority, "error", reason=type(error).__name__)
    if inspect.iscoroutine(answer):
        answer.close()
    if answer is not None and answer is not NULL:
        return Asked(one.name, one.priority, "answered", kept)
    reason = None
    if one.explainer is not None:
        try:
            reason = one.explainer(kind, image_id)
        except Exception as error:
            reason = f"its explain() failed: {type(error).__name__}"
    outcome: Outcome = "nothing" if answer is None else "null"
    return Asked(one.name, one.priority, outcome, kept, None if reason is None else str(reason))
