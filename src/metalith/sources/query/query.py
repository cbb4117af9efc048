"""Searches (QIDO-RS, PS3.18 section 10.6): what is asked, as a request to a server and as a matcher of what is here."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self
from urllib.parse import quote

from metalith.errors import ConfigurationError
from metalith.sources.query.matching import Match, Matcher, combined_range
from metalith.sources.query.names import CONTROLS, attribute_of, include_field, key_of, resolve, tags_of
from metalith.sources.query.values import is_reversed, is_wild, texts_of

__all__ = ["Level", "Query"]

Level = Literal["study", "series", "instance"]

_STUDY, _SERIES = ("StudyInstanceUID",), ("SeriesInstanceUID",)
_LEADING = ("PatientName", "PatientID", "AccessionNumber", "StudyDescription", "ModalitiesInStudy")
_TRAILING = ("StudyDate", "StudyInstanceUID")
_INCLUDED = {
    "study": ("StudyDescription", "Modality", "ReferringPhysicianName", "PatientBirthDate"),
    "series": ("SeriesDescription", "SeriesDate"),
    "instance": (),
}
_OWN = frozenset(("limit", "offset", "fuzzymatching", "includefield", "multiplevaluematching"))
# what JavaScript's encodeURIComponent leaves alone, and what else a query may hold as it is: some servers want it so
_UNRESERVED = "-_.!~*'(),?"
_FIRST_DAY = "19700102"


@dataclass(frozen=True, slots=True, repr=False)
class Query:
    """A search for studies, series or instances. `Query.of` makes one of what people write.

    Attributes
    ----------
    level : {"study", "series", "instance"}
    study_instance_uid, series_instance_uid : str or None
        Where series and instances are looked for.
    matches : tuple of Match
        What is asked of attributes, those of the scope aside.
    include_fields : tuple of attribute paths, or "all"
        What the answer is to have, besides what it has anyway.
    limit : int or None
        How many results at most; None leaves it to the server.
    offset : int
        How many results to pass over.
    fuzzy_matching : bool
        Of person names.
    supports_wildcard : bool
        What is known of the server; see `residual`.
    extra : tuple of (str, str)
        Further parameters of the request.
    """

    level: Level
    study_instance_uid: str | None = None
    series_instance_uid: str | None = None
    matches: tuple[Match, ...] = ()
    include_fields: tuple[tuple[str, ...], ...] | Literal["all"] = ()
    limit: int | None = None
    offset: int = 0
    fuzzy_matching: bool = False
    supports_wildcard: bool = False
    extra: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(
        cls,
        level: Level,
        *,
        supports_fuzzy_matching: bool = False,
        supports_wildcard: bool = False,
        default_limit: int | None = None,
        extra: Mapping[str, str] | None = None,
        **params: Any,
    ) -> Self:
        """A search from parameters. Those that are None or empty text are as if they were not given.

        Parameters
        ----------
        level : {"study", "series", "instance"}
        supports_fuzzy_matching, supports_wildcard : bool, optional
            What the server can do.
        default_limit : int, optional
            The limit where none is given.
        extra : mapping of str to str, optional
            Parameters of the request that DICOM does not know, such as a server's `orderby`. What is here is matched
            without them.
        study_instance_uid, series_instance_uid : str or iterable of str, optional
            Where to look, or what to find. Several of them as a list, or as a text with commas.
        patient_name, patient_id or mrn, accession_number, study_description, series_description, … : str, optional
            Any attribute, in snake_case or camelCase. Of a text attribute the value may stand anywhere ("*value*")
            when the server supports wild cards, unless it has wild cards of its own.
        PatientName, 00100010, RequestAttributesSequence.ScheduledProcedureStepID, … : optional
            Any attribute by keyword, tag or path: the value is sent as it is, and matched as PS3.4 says.
        modalities_in_study : str or iterable of str, optional
            Any of these.
        start_date, end_date : str or datetime.date, optional
            Studies between these dates. Without an end it is today; without a beginning it is 1970-01-02, as in OHIF.
            `study_date="20240101-"` leaves an end open.
        study_date, … : str, date, time, datetime or tuple of two, optional
            A date or time, or the two ends of a range, of which one may be None.
        disable_wildcard : bool, optional
            Whether texts are to be matched as they are; otherwise `supports_wildcard` decides.
        fuzzy_matching : bool, optional
            Otherwise `supports_fuzzy_matching` decides.
        include_fields : iterable of str, or "all", optional
            Attributes that the answer is to have.
        limit, offset : int, optional
            A limit of 0 asks for nothing.

        Raises
        ------
        ConfigurationError
            A name is unknown, an attribute is given twice, or a value is none the attribute can have. The message
            names the parameter and shows no value.

        Examples
        --------
        >>> query = Query.of("study", mrn="77*", modalities_in_study=["CT", "MR"], study_date=("20240101", None))
        >>> query.path, query.query_string()[:65]
        ('studies', '00100020=77*&ModalitiesInStudy=CT,MR&offset=0&fuzzymatching=false')
        """
        if level not in _INCLUDED:
            raise ConfigurationError(f"level is 'study', 'series' or 'instance', not {level!r}")
        controls, rest = _sorted_out(params)
        everywhere = supports_wildcard
        if controls.get("disable_wildcard") is not None:
            everywhere = not _flag("disable_wildcard", controls["disable_wildcard"])
        matches = _matches(level, rest, everywhere)
        _add_study_date(matches, controls.get("start_date"), controls.get("end_date"))
        study, series = _scope(level, matches)
        _check_times([match for match, _ in matches.values()])
        fuzzy = controls.get("fuzzy_matching")
        return cls(
            level=level,
            study_instance_uid=study,
            series_instance_uid=series,
            matches=tuple(match for match, _ in matches.values()),
            include_fields=_included(controls.get("include_fields"), level),
            limit=_count("limit", controls.get("limit"), default_limit),
            offset=_count("offset", controls.get("offset"), 0) or 0,
            fuzzy_matching=supports_fuzzy_matching if fuzzy is None else _flag("fuzzy_matching", fuzzy),
            supports_wildcard=supports_wildcard,
            extra=_further(extra),
        )

    @property
    def path(self) -> str:
        """Where the request goes, under the root of the service: "studies", "studies/{uid}/series" and so on. str."""
        above = "" if self.study_instance_uid is None else f"studies/{_escaped(self.study_instance_uid)}/"
        if self.level == "study":
            return "studies"
        if self.level == "series":
            return f"{above}series"
        if self.series_instance_uid is not None:
            above += f"series/{_escaped(self.series_instance_uid)}/"
        return f"{above}instances"

    def parameters(self) -> list[tuple[str, str]]:
        """The parameters of the request, not yet escaped, in the order in which OHIF sends them. list of (str, str)."""
        given = {match.path: match for match in self.matches}
        first = [match for keyword in _LEADING if (match := given.pop((keyword,), None))]
        last = [match for keyword in _TRAILING if (match := given.pop((keyword,), None))]
        is_study = self.level == "study"
        out = [_parameter(match) for match in first]
        if self.limit is not None:
            out.append(("limit", str(self.limit)))
        if is_study or self.offset:
            out.append(("offset", str(self.offset)))
        if is_study or self.fuzzy_matching:
            out.append(("fuzzymatching", "true" if self.fuzzy_matching else "false"))
        fields = self._fields()
        if fields:
            out.append(("includefield", fields))
        out += [_parameter(match) for match in (*last, *given.values())]
        if self.asks_for_several:
            out.append(("multiplevaluematching", "true"))
        return [*out, *self.extra]

    def query_string(self) -> str:
        """The same, escaped (RFC 3986), to follow the "?" of a URL. str."""
        return "&".join(f"{quote(name, _UNRESERVED)}={quote(value, _UNRESERVED)}" for name, value in self.parameters())

    def matcher(self) -> Matcher:
        """The same search of what is here: it matches what a server that does all of PS3.4 would find."""
        scope = [
            Match(path, "UI", (uid,))
            for path, uid in ((_STUDY, self.study_instance_uid), (_SERIES, self.series_instance_uid))
            if uid is not None
        ]
        return Matcher((*scope, *self.matches), fuzzy_matching=self.fuzzy_matching)

    @property
    def residual(self) -> Matcher | None:
        """What results of the server still have to match, as far as they have the attributes; None for nothing.

        Wild cards that somebody wrote are sent to a server that is not known to support them all the same. It may find
        nothing, for which nothing can be done, or leave the condition out, against which this helps.
        """
        if self.supports_wildcard:
            return None
        wild = [match for match in self.matches if any(is_wild(text, match.vr) for text in match.texts)]
        if self.fuzzy_matching:  # what sounds alike is the server's to say
            wild = [match for match in wild if match.vr != "PN"]
        matcher = Matcher(wild, missing_matches=True)
        return None if matcher.is_universal else matcher

    def with_page(self, offset: int, limit: int | None) -> Self:
        """The same search for other results of it."""
        return dataclasses.replace(self, offset=_count("offset", offset, 0) or 0, limit=_count("limit", limit, None))

    @property
    def asks_for_several(self) -> bool:
        """Whether several values of an attribute may match that is neither a UID nor ModalitiesInStudy: only servers
        of late editions of PS3.18 know that.
        """
        return any(
            len(match.texts) > 1 and match.vr != "UI" and match.path != ("ModalitiesInStudy",) for match in self.matches
        )

    def _fields(self) -> str:
        if self.include_fields == "all":
            return "all"
        fields = [*((keyword,) for keyword in _INCLUDED[self.level]), *self.include_fields]
        return ",".join(dict.fromkeys(tags_of(path) for path in fields))

    def __repr__(self) -> str:
        what = {"study": "studies", "series": "series", "instance": "instances"}[self.level]
        return f"<Query of {what}: {len(self.matches)} conditions>"


_Matches = dict[tuple[str, ...], tuple[Match, str]]  # by path, with the name that was used


def _sorted_out(params: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is said of the search itself, and what is asked of attributes."""
    controls: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for name, value in params.items():
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        control = None if name[:1].isupper() else CONTROLS.get(key_of(name))
        if control is None:
            rest[name] = value
        elif control in controls:
            raise ConfigurationError(f"{name} is given twice, in two spellings")
        else:
            controls[control] = value
    return controls, rest


def _matches(level: str, given: Mapping[str, Any], everywhere: bool) -> _Matches:
    found: _Matches = {}
    for name, value in given.items():
        if isinstance(value, Mapping):
            _add_items(found, name, value)
            continue
        path, vr, searched = resolve(name, level)
        texts = texts_of(name, vr, value)
        if searched and everywhere:
            texts = tuple(text if is_wild(text, vr) else f"*{text}*" for text in texts)
        _add(found, Match(path, vr, texts), name)
    return found


def _add_items(found: _Matches, name: str, items: Mapping[Any, Any], above: str = "") -> None:
    """What is asked of the items of a sequence: {"RequestAttributesSequence": {"StudyInstanceUID": …}}."""
    whole = f"{above}{name}"
    known = attribute_of(whole)
    if known is None or known[1] != "SQ":
        raise ConfigurationError(f"{name}: what is asked of items has the keyword or tag of a sequence")
    for inner, value in items.items():
        if not isinstance(inner, str) or attribute_of(inner) is None:
            raise ConfigurationError(f"{name}: attributes of its items have keywords or tags")
        if isinstance(value, Mapping):
            _add_items(found, inner, value, f"{whole}.")
        elif value is not None and value != "":
            path, vr, _ = resolve(f"{whole}.{inner}", "instance")
            _add(found, Match(path, vr, texts_of(inner, vr, value)), f"{whole}.{inner}")


def _add(found: _Matches, match: Match, name: str) -> None:
    if match.path in found:
        raise ConfigurationError(f"{found[match.path][1]} and {name} are the same attribute")
    if match.texts:
        found[match.path] = match, name


def _add_study_date(found: _Matches, start: Any, end: Any) -> None:
    if start is None and end is None:
        return
    name = "start_date" if start is not None else "end_date"
    first, last = _day("start_date", start), _day("end_date", end)
    if not last:
        last = max(f"{dt.date.today():%Y%m%d}", first)
    if not first and last >= _FIRST_DAY:
        first = _FIRST_DAY
    if first > last:
        raise ConfigurationError("end_date is before start_date")
    _add(found, Match(("StudyDate",), "DA", (f"{first}-{last}",)), name)


def _day(name: str, value: Any) -> str:
    if value is None:
        return ""
    (text,) = texts_of(name, "DA", value)
    if len(text) != 8:
        raise ConfigurationError(f"{name} must be one date")
    return text


def _scope(level: str, found: _Matches) -> tuple[str | None, str | None]:
    """The study and series to look in, taken out of what is matched."""
    study = None if level == "study" else _single(found, _STUDY)
    # a series' instances can be asked for in their study only
    series = _single(found, _SERIES) if level == "instance" and study is not None else None
    return study, series


def _single(found: _Matches, path: tuple[str, ...]) -> str | None:
    if path not in found or len(found[path][0].texts) > 1 or found[path][0].is_universal:
        return None
    match, name = found.pop(path)
    if not match.texts[0].strip("."):
        raise ConfigurationError(f"{name} is no UID")
    return match.texts[0]


def _check_times(matches: list[Match]) -> None:
    """A range of times may end earlier than it begins only where dates go with it."""
    by_path = {match.path: match for match in matches}
    for match in matches:
        if match.vr != "TM" or match.range is None:
            continue
        *above, keyword = match.path
        date = by_path.get((*above, keyword[:-4] + "Date")) if keyword.endswith("Time") else None
        both = combined_range(date, match) if date is not None and date.vr == "DA" else None
        reversed_ = is_reversed("TM", match.texts[0]) if both is None else bool(both[1]) and both[1] < both[0]
        if reversed_:
            raise ConfigurationError(f"{keyword}: the range ends before it begins")


def _included(value: Any, level: str) -> tuple[tuple[str, ...], ...] | Literal["all"]:
    if value is None:
        return ()
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, Iterable) or isinstance(names, Mapping):
        raise ConfigurationError("include_fields is 'all' or names of attributes")
    listed = list(names)
    if not all(isinstance(name, str) for name in listed):
        raise ConfigurationError("include_fields is 'all' or names of attributes")
    stripped = [name.strip() for name in listed]
    if "all" in stripped:
        return "all"
    return tuple(dict.fromkeys(include_field(name, level) for name in stripped if name))


def _further(extra: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    found = tuple((extra or {}).items())
    for name, value in found:
        if not isinstance(name, str) or not name or not isinstance(value, str):
            raise ConfigurationError("extra: names and values of parameters are text")
        if name.lower() in _OWN or attribute_of(name) is not None:
            raise ConfigurationError(f"extra: {name} is given as a parameter of the search itself")
    return found


def _count(name: str, value: Any, default: int | None) -> int | None:
    if value is None:
        value = default
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal():
        value = int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise ConfigurationError(f"{name} must be a whole number, 0 or more")


def _flag(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise ConfigurationError(f"{name} must be true or false")


def _parameter(match: Match) -> tuple[str, str]:
    # servers are known that have PatientID by its tag only
    name = "00100020" if match.path == ("PatientID",) else ".".join(match.path)
    return name, ("," if match.path == ("ModalitiesInStudy",) else "\\").join(match.texts)


def _escaped(uid: str) -> str:
    return quote(uid, "")
