"""Matching of natural instances and summaries, as servers match (PS3.4 section C.2.2.2): by value, by a list of UIDs,
by wild cards, by range, and inside sequences.

    single values     dates, times and numbers by what they mean, all else by text, without the spaces around it
    universal         "*": matches everything, what lacks the attribute, too; every other value wants the attribute
    wild cards        "*" and "?", from the beginning of the value to its end; of texts only
    ranges            of dates, times and datetimes, ends included; a date's and a time's range are one of both combined
    sequences         one item has all that is asked for
    person names      without trailing "^" and spaces, in any component group, or group by group where "=" is asked for
    several values    of the attribute: any of them matches; asked for: any of them is matched

Where the standard leaves a choice, or servers differ, more is found rather than less: case does not count in texts
(PS3.4 wants that of person names only), nor whether an accent is a character of its own. Case does count in UIDs and
URLs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

from metalith._core import Instance
from metalith.sources.query.moments import is_before, moment_of
from metalith.sources.query.names_of_persons import name_test
from metalith.sources.query.values import DATES, NUMBERS, WILD, is_wild, number_of, range_of, span_of
from metalith.sources.query.wildcards import fold, pattern_of

__all__ = ["Match", "Matcher", "combined_range"]

_Get = Callable[[str], Any]
_Condition = Callable[[_Get], bool]
_Test = Callable[[Any], bool]
_Row = TypeVar("_Row")

# What costs little is compared first: mostly it decides.
_COSTS = {"UI": 0, "DA": 0, "DT": 2, "PN": 3}


class Match(NamedTuple):
    """What is asked of one attribute.

    Attributes
    ----------
    path : tuple of str
        Keywords, or eight hex digits; all but the last are sequences.
    vr : str
    texts : tuple of str
        Any of these, in DICOM's spelling.
    """

    path: tuple[str, ...]
    vr: str
    texts: tuple[str, ...]

    @property
    def is_universal(self) -> bool:
        return any(not text.strip("*") if self.vr in WILD else text == "*" for text in self.texts)

    @property
    def range(self) -> tuple[str, str] | None:
        """The ends of a range of dates or times; None when it asks for something else."""
        return range_of(self.vr, self.texts[0]) if self.vr in DATES and len(self.texts) == 1 else None


class Matcher:
    """Says of natural instances, dicts and rows whether they match. Made by `Query.matcher`.

    Parameters
    ----------
    matches : iterable of Match
        All of these.
    fuzzy_matching : bool, optional
        Person names match also where each word that is asked for begins one of the name.
    missing_matches : bool, optional
        What lacks an attribute matches all the same: for answers of servers, which may leave attributes out.

    Examples
    --------
    >>> from metalith.sources.query import Query
    >>> matcher = Query.of("study", PatientName="doe*", study_date="20240101-").matcher()
    >>> matcher.matches({"PatientName": "DOE^JOHN", "StudyDate": "20240229"}), matcher.matches({"PatientName": "Doe"})
    (True, False)
    """

    __slots__ = ("_conditions",)

    def __init__(
        self, matches: Iterable[Match], *, fuzzy_matching: bool = False, missing_matches: bool = False
    ) -> None:
        self._conditions = tuple(_compiled(tuple(matches), fuzzy_matching, missing_matches))

    @property
    def is_universal(self) -> bool:
        """Whether everything matches."""
        return not self._conditions

    def matches(self, row: Any) -> bool:
        """Whether an instance, a dict of natural values, or anything else with `get(keyword)` matches."""
        get = row.get
        for condition in self._conditions:  # noqa: SIM110  a generator costs as much as the conditions
            if not condition(get):
                return False
        return True

    def filter(self, rows: Iterable[_Row]) -> list[_Row]:
        """Those that match, in their order."""
        return [row for row in rows if self.matches(row)]

    def __repr__(self) -> str:
        return f"<Matcher: {len(self._conditions)} conditions>"


def combined_range(date: Match, time: Match) -> tuple[str, str] | None:
    """Dates with times that a range of dates and one of times ask for together, as texts to be compared.

    None when they are not both ranges of the same form: then each is matched for itself.
    """
    dates, times = date.range, time.range
    if dates is None or times is None or [not end for end in dates] != [not end for end in times]:
        return None
    (first_day, last_day), (first_time, last_time) = span_of("DA", date.texts[0]), span_of("TM", time.texts[0])  # type: ignore[misc]
    return (first_day + first_time if first_day else "", last_day + last_time if last_day else "")


def _compiled(matches: tuple[Match, ...], fuzzy: bool, missing: bool) -> Iterable[_Condition]:
    plain = {match.path[0]: match for match in matches if len(match.path) == 1 and not match.is_universal}
    for keyword, match in list(plain.items()):
        if match.vr == "DA" and keyword.endswith("Date"):
            time = plain.get(keyword[:-4] + "Time")
            both = combined_range(match, time) if time is not None and time.vr == "TM" else None
            if both is not None:
                del plain[keyword], plain[keyword[:-4] + "Time"]
                yield _date_and_time(keyword, keyword[:-4] + "Time", both, missing)
    for keyword, match in sorted(plain.items(), key=lambda item: _COSTS.get(item[1].vr, 1)):
        yield _any_value(keyword, _test(match, fuzzy), missing)
    nested = sorted((match for match in matches if len(match.path) > 1), key=lambda match: match.path[0])
    for keyword, several in groupby(nested, key=lambda match: match.path[0]):
        inside = (Match(match.path[1:], match.vr, match.texts) for match in several)
        items = Matcher(inside, fuzzy_matching=fuzzy, missing_matches=missing)
        if not items.is_universal:
            yield _any_item(keyword, items, missing)


def _any_value(keyword: str, test: _Test, missing: bool) -> _Condition:
    def condition(get: _Get) -> bool:
        value = get(keyword)
        if value.__class__ is str:
            return test(value)
        if value is None:
            return missing
        if isinstance(value, (tuple, list)):
            return any(test(one) for one in value if one is not None) or (missing and not value)
        return test(value)

    return condition


def _any_item(keyword: str, items: Matcher, missing: bool) -> _Condition:
    def condition(get: _Get) -> bool:
        value = get(keyword)
        if value is None:
            return missing
        if isinstance(value, (Instance, Mapping)):
            return items.matches(value)
        if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
            return False
        return any(items.matches(item) for item in value if isinstance(item, (Instance, Mapping)))

    return condition


def _date_and_time(date: str, time: str, ends: tuple[str, str], missing: bool) -> _Condition:
    first, last = ends

    def condition(get: _Get) -> bool:
        days, times = get(date), get(time)
        if days is None or times is None:
            return missing
        for day, moment in zip(_several(days), _several(times), strict=False):
            a, b = moment_of("DA", day), moment_of("TM", moment)
            if a is not None and b is not None and first <= a + b and (not last or a + b <= last):
                return True
        return False

    return condition


def _several(value: Any) -> Any:
    return value if isinstance(value, (tuple, list)) else (value,)


def _test(match: Match, fuzzy: bool) -> _Test:
    """Of one value, whether it is what is asked for."""
    vr, texts = match.vr, match.texts
    if vr in DATES:
        return _moment_test(vr, texts)
    if vr in NUMBERS:
        numbers = {number_of(text) for text in texts}
        return lambda value: number_of(value) in numbers
    if vr == "PN":
        return name_test(texts, fuzzy)
    if vr in ("UI", "UR"):
        exact = frozenset(text for text in texts if not is_wild(text, vr))
        patterns = [pattern_of(text) for text in texts if is_wild(text, vr)]
        return lambda value: _found(str(value).strip(" \0"), exact, patterns)
    folded = frozenset(fold(text) for text in texts if not is_wild(text, vr))
    patterns = [pattern_of(fold(text)) for text in texts if is_wild(text, vr)]
    return lambda value: _found(fold(str(value).strip(" \0")), folded, patterns)


def _found(text: str, exact: frozenset[str], patterns: list[re.Pattern[str]]) -> bool:
    if text in exact:
        return True
    for pattern in patterns:  # noqa: SIM110  a generator costs more than a pattern
        if pattern.match(text):
            return True
    return False


def _moment_test(vr: str, texts: tuple[str, ...]) -> _Test:
    spans = [span for text in texts if (span := span_of(vr, text)) is not None]
    if vr != "DT" and len(spans) == 1:
        first, last = spans[0].first or "", spans[0].last or "~"  # behind all digits

        def between(value: Any) -> bool:
            moment = moment_of(vr, value)
            return moment is not None and first <= moment <= last

        return between

    def test(value: Any) -> bool:
        moment = moment_of(vr, value)
        return moment is not None and any(
            (span.first is None or not is_before(moment, span.first))
            and (span.last is None or not is_before(span.last, moment))
            for span in spans
        )

    return test
