"""Texts that are compared: without case, and with the wild cards of PS3.4 section C.2.2.2.4."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["fold", "pattern_of"]


def fold(text: str) -> str:
    """A text as it is compared: case does not count, nor whether an accent is a character of its own.

    >>> fold("MÜLLER") == fold("Mu\u0308ller"), fold("Straße")
    (True, 'strasse')
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def pattern_of(text: str, whole: bool = True) -> re.Pattern[str]:
    """A pattern for a text with wild cards: "*" stands for any characters, "?" for one.

    Parameters
    ----------
    text : str
    whole : bool, optional
        It stands for whole values; otherwise for what they begin with. To be used with `match`.

    >>> [bool(pattern_of("x*").match(value)) for value in ("x", "xy", "yx", "X")]
    [True, True, False, False]
    """
    first, *rest = ("".join("." if one == "?" else re.escape(one) for one in part) for part in text.split("*"))
    if not rest:
        return re.compile(first + (r"\Z" if whole else ""), re.DOTALL)
    # what is found first need not be looked for further behind: a pattern never takes more than one pass
    middle = "".join(f"(?>.*?{part})" for part in rest[:-1] if part)
    return re.compile(f"{first}{middle}.*{rest[-1]}" + (r"\Z" if whole else ""), re.DOTALL)
