"""Which series of a study are wanted, and what the query of a URL says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from metalith.errors import ConfigurationError

__all__ = ["SeriesFilter", "filters_of_query", "split_parameter"]

_UID_NAMES = {"seriesinstanceuid", "seriesinstanceuids"}
# of a URL, which say other things than which series are wanted
_OTHER_NAMES = {"studyinstanceuid", "studyinstanceuids", "url", "datasources", "configurl", "hangingprotocolid"}


@dataclass(frozen=True, slots=True)
class SeriesFilter:
    """Which series are wanted; called with a summary, it says whether that one is.

    Attributes
    ----------
    uids : tuple of str or None
        SeriesInstanceUIDs, each once in the order given; None where all are wanted.
    attributes : mapping
        Attributes of the series that must match, as `metalith.sources.query.Query.of` takes them.
    keywords : tuple of str
        What these are called in summaries.
    """

    uids: tuple[str, ...] | None
    attributes: Mapping[str, Any]
    _matches: Callable[[Any], bool] | None
    keywords: tuple[str, ...] = ()

    @classmethod
    def of(cls, filters: Mapping[str, Any] | None) -> SeriesFilter:
        """From `filters` as the reference has them.

        Parameters
        ----------
        filters : mapping, optional
            `series_instance_uid`, `SeriesInstanceUIDs` and the like: one UID, several, or several with commas. Others:
            attributes of series, as in searches.

        Raises
        ------
        ConfigurationError
            A name is unknown, or UIDs are no texts.

        Examples
        --------
        >>> from metalith.sources.filters import SeriesFilter
        >>> ct = SeriesFilter.of({"modality": "CT"})
        >>> ct({"Modality": "CT"}), ct({"Modality": "MR"})
        (True, False)
        """
        uids: list[str] = []
        named = False
        attributes: dict[str, Any] = {}
        if filters is not None and not isinstance(filters, Mapping):
            raise ConfigurationError(f"filters must be a mapping, not a {type(filters).__name__}")
        for key, value in (filters or {}).items():
            if not isinstance(key, str):
                raise ConfigurationError("filters: a name must be a text")
            if key.replace("_", "").lower() not in _UID_NAMES:
                attributes[key] = value
                continue
            if value is None:
                continue
            named = True
            several = value if isinstance(value, Iterable) and not isinstance(value, str) else [value]
            for one in several:
                if not isinstance(one, str):
                    raise ConfigurationError(f"filters: {key} must be a UID, or several")
                uids += [uid for uid in (part.strip() for part in one.replace("\\", ",").split(",")) if uid]
        matches, keywords = _matching(attributes) if attributes else (None, ())
        return cls(tuple(dict.fromkeys(uids)) if named else None, attributes, matches, keywords)

    def __call__(self, summary: Any) -> bool:
        """Whether a series is wanted, of which a summary (or the series itself) tells."""
        if self.uids is not None and summary.get("SeriesInstanceUID") not in self.uids:
            return False
        return self._matches is None or self._matches(summary)

    @property
    def wants_all(self) -> bool:
        """Whether every series is wanted."""
        return self.uids is None and self._matches is None


def _matching(attributes: Mapping[str, Any]) -> tuple[Callable[[Any], bool] | None, tuple[str, ...]]:
    from metalith.sources.query import Query

    query = Query.of("series", **attributes)
    if query.limit is not None or query.offset or query.include_fields:
        raise ConfigurationError("filters: say which series are wanted, and not how many nor what of them")
    if query.study_instance_uid is not None:
        raise ConfigurationError("filters: the study is said already")
    keywords = tuple(dict.fromkeys(match.path[0] for match in query.matches))
    return (query.matcher().matches, keywords) if keywords else (None, ())


def pairs_of(query: Any) -> list[tuple[str, str]]:
    """Names and values of a URL's query, in any of the forms that web frameworks have for it."""
    if query is None:
        return []
    if isinstance(query, str):
        return parse_qsl(query.partition("?")[2] if "?" in query else query, keep_blank_values=True)
    several = getattr(query, "multi_items", None)
    if callable(several):
        return [(str(name), str(value)) for name, value in several()]
    get_all = getattr(query, "getlist", None) or getattr(query, "get_all", None) or getattr(query, "getAll", None)
    found: list[tuple[str, str]] = []
    for name in query:
        values = get_all(name) if callable(get_all) else query[name]
        each: Iterable[Any] = [values] if isinstance(values, str) or not isinstance(values, Iterable) else values
        found += [(str(name), str(value)) for value in each if value is not None]
    return found


def split_parameter(name: str, query: Any, separator: str = ",") -> list[str]:
    """All values of a parameter, whose name is given in lower case, split.

    >>> split_parameter("studyinstanceuids", "StudyInstanceUIDs=1.2,1.3&studyInstanceUIDs=1.4")
    ['1.2', '1.3', '1.4']
    """
    values = [value for key, value in pairs_of(query) if key.lower() == name]
    return [part.strip() for value in values for part in value.split(separator) if part.strip()]


def filters_of_query(query: Any) -> dict[str, Any]:
    """What a URL's query says of the series that are wanted. dict."""
    found: dict[str, Any] = {}
    for key, value in pairs_of(query):
        if key.lower() not in _OTHER_NAMES:
            found.setdefault(key, []).extend(part for part in value.split(",") if part)
    return {key: values if len(values) > 1 else values[0] for key, values in found.items() if values}
