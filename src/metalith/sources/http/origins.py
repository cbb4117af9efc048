"""Where credentials may go: to the configured origins, and nowhere else.

An origin is scheme, host and port. To any other one go only those headers that say what is asked for. Header fields
that somebody configured may all be credentials, whatever their names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

import requests

from metalith.errors import ConfigurationError, DataSourceError

__all__ = ["Origin", "Origins", "harmless", "origin_of", "prepared_url"]

_PORTS = {"http": 80, "https": 443}
_HARMLESS = {
    "accept",
    "accept-encoding",
    "accept-language",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "range",
}


class Origin(NamedTuple):
    """Scheme, host and port."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """Of a URL as `prepared_url` gives it: taken apart as requests does to connect."""
        parts = urlsplit(url)
        scheme = parts.scheme.lower()
        return cls(scheme, (parts.hostname or "").lower(), parts.port or _PORTS[scheme])


def origin_of(url: str) -> Origin:
    """The origin of any URL.

    Raises
    ------
    DataSourceError
        It is no http or https URL.

    Examples
    --------
    >>> from metalith.sources.http import origin_of
    >>> origin_of("https://PACS.example.org/dicom-web") == origin_of("https://pacs.example.org:443")
    True
    """
    return Origin.of(prepared_url(url))


class Origins:
    """The configured ones.

    Parameters
    ----------
    urls : iterable of str
        Of anything there. A user and password in one of them are credentials.

    Attributes
    ----------
    user : (str, str) or None
        User and password, if they stand in a URL.

    Raises
    ------
    ConfigurationError
        One is no http or https URL, or they name different users.
    """

    def __init__(self, urls: Iterable[str]) -> None:
        self.user: tuple[str, str] | None = None
        found = set()
        for url in [urls] if isinstance(urls, str) else urls:
            try:
                parts = urlsplit(url)
                found.add(origin_of(url))
            except (DataSourceError, ValueError):
                raise ConfigurationError("origins must be http or https URLs") from None
            if parts.username is not None:
                user = unquote(parts.username), unquote(parts.password or "")
                if self.user not in (None, user):
                    raise ConfigurationError("origins must not name different users")
                self.user = user
        self._origins = frozenset(found)

    def __len__(self) -> int:
        return len(self._origins)

    def __contains__(self, url: str) -> bool:
        return Origin.of(url) in self._origins


def prepared_url(url: str, params: Mapping[str, object] | Iterable[tuple[str, object]] | None = None) -> str:
    """A URL with its query, normalized as requests sends it, without user, password and fragment.

    Raises
    ------
    DataSourceError
        It is no http or https URL.
    """
    request = requests.PreparedRequest()
    try:
        request.prepare_url(url, params if params is None or isinstance(params, Mapping) else list(params))  # type: ignore[arg-type]
        parts = urlsplit(request.url or "")
        parts.port  # noqa: B018 (raises where it is none)
    except (requests.RequestException, ValueError):
        parts = None
    if parts is None or parts.scheme not in _PORTS or not parts.hostname:
        raise DataSourceError("no http or https URL")
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))


def harmless(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the header fields that any server may see."""
    return {name: value for name, value in headers.items() if name.lower() in _HARMLESS}
