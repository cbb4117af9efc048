"""Person names that are compared: groups, components, and the words of fuzzy matching."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from metalith.sources.query.wildcards import fold, pattern_of
from metalith.values import PersonName

__all__ = ["formatted", "name_test", "words_of"]

_BETWEEN_WORDS = re.compile(r"[\s^=,]+")
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def name_test(texts: tuple[str, ...], fuzzy: bool) -> Callable[[Any], bool]:
    """Of a person name, whether it is one of those asked for.

    >>> test = name_test(("doe^j*",), False)
    >>> test("Doe^John^^^"), test("DOE^^JOHN"), name_test(("jo doe",), True)("DOE^John")
    (True, False, True)
    """
    tests = [_exactly(text) for text in texts]
    if fuzzy:
        tests += [
            _with_words(words) for text in texts if (words := [word for word in words_of(text) if word.strip("*")])
        ]

    def test(value: Any) -> bool:
        groups = _groups(value)
        for one in tests:  # noqa: SIM110  a generator costs more than most tests
            if one(groups):
                return True
        return False

    return test


def words_of(name: str) -> list[str]:
    """The words of a name as they are compared."""
    return [word for word in _BETWEEN_WORDS.split(fold(name)) if word]


def formatted(name: Any) -> str:
    """A name for reading: the first "^" becomes ", ", the others spaces.

    >>> formatted("DOE^JOHN^M"), formatted(PersonName("A^^B")), formatted(None)
    ('DOE, JOHN M', 'A,  B', '')
    """
    if isinstance(name, (tuple, list)):
        name = name[0] if name else None
    if isinstance(name, Mapping):
        name = name.get("Alphabetic")
    alphabetic = name.alphabetic if isinstance(name, PersonName) else name
    if not isinstance(alphabetic, str):
        return ""
    return alphabetic.replace("^", ", ", 1).replace("^", " ").strip()


def _exactly(text: str) -> Callable[[tuple[str, ...]], bool]:
    wanted = [_plain(group) for group in text.split("=")[:3]]
    tests = [_group_test(group) for group in wanted]
    if len(tests) == 1:
        (test,) = tests
        return lambda groups: test(groups[0]) if len(groups) == 1 else any(test(group) for group in groups if group)
    asked = [(at, test) for at, (group, test) in enumerate(zip(wanted, tests, strict=True)) if group]
    return lambda groups: all(at < len(groups) and test(groups[at]) for at, test in asked)


def _group_test(wanted: str) -> Callable[[str], bool]:
    if "*" not in wanted and "?" not in wanted:
        return lambda group: group == wanted
    match = pattern_of(wanted).match
    if "^" not in wanted:
        return lambda group: match(group) is not None
    # what a name leaves out at its end are components, too, empty ones
    return lambda group: match(group) is not None or match(group + "^" * (4 - group.count("^"))) is not None


def _with_words(words: list[str]) -> Callable[[tuple[str, ...]], bool]:
    beginnings = [pattern_of(word, whole=False).match for word in words]

    def test(groups: tuple[str, ...]) -> bool:
        found = [word for group in groups for word in _BETWEEN_WORDS.split(group) if word]
        return all(any(begins(word) for word in found) for begins in beginnings)

    return test


def _groups(value: Any) -> tuple[str, ...]:
    """The groups of a name as they are compared."""
    if isinstance(value, PersonName):
        if not value.ideographic and not value.phonetic:
            return (_plain(value.alphabetic),)
        return _plain(value.alphabetic), _plain(value.ideographic), _plain(value.phonetic)
    if isinstance(value, Mapping):
        return tuple(_plain(group) if isinstance(group := value.get(key), str) else "" for key in _GROUPS)
    return tuple(_plain(group) for group in str(value).split("=")[:3])


def _plain(group: str) -> str:
    text = fold(group)
    if " " in text or "\0" in text:
        text = "^".join(part.strip(" \0") for part in text.split("^"))
    return text.rstrip("^")
