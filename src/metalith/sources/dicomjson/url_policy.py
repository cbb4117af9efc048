"""Which URLs a manifest may be fetched from, for a URL may be what a stranger put into a link."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from metalith.errors import ConfigurationError

__all__ = ["checked_url", "is_url", "origin_of", "permitted"]

Origin = tuple[str, str, int]

_PORTS = {"http": 80, "https": 443}


def is_url(text: str) -> bool:
    """Whether a text is rather a URL than a path."""
    scheme, colon, rest = text.partition("://")
    return bool(colon and rest) and scheme.isalnum()


def checked_url(url: object) -> str:
    """A URL that a manifest may be fetched from.

    Raises
    ------
    ConfigurationError
        It is none: no text, no http or https URL, or one with a fragment, or with a user or password.

    Examples
    --------
    >>> checked_url("HTTPS://host/study.json?id=7")
    'HTTPS://host/study.json?id=7'
    """
    if url is None or url == "":
        raise ConfigurationError("url is missing")
    if not isinstance(url, str):
        raise ConfigurationError("url must be a text")
    # what one reader of URLs takes for the host, another may not
    if "\\" in url or any(letter.isspace() or not letter.isprintable() for letter in url):
        raise ConfigurationError("url must not have spaces, backslashes and control characters in it")
    parts = _split(url)
    if parts is None:
        raise ConfigurationError("url is no URL")
    if parts.scheme not in _PORTS:
        raise ConfigurationError("url must begin with http: or https:")
    if not parts.hostname:
        raise ConfigurationError("url has no host")
    if "#" in url:
        raise ConfigurationError("url must not have a fragment")
    if "@" in parts.netloc:
        raise ConfigurationError("url must not have a user or password")
    return url


def permitted(url: object, trusted: Iterable[str], has_credentials: bool) -> str:
    """A URL that was not configured, if a manifest may be fetched from it.

    Parameters
    ----------
    url : str
    trusted : iterable of str
        URLs and origins that were configured.
    has_credentials : bool
        Whether there is something that others must not get. Then the URL must be of a trusted origin.

    Raises
    ------
    ConfigurationError
        It may not.
    """
    found = checked_url(url)
    if has_credentials and _origin(found) not in {_origin(one) for one in trusted}:
        raise ConfigurationError(
            "url is of another origin than what is configured, and there are credentials: "
            "see dangerouslyAllowedOriginsForAuthenticatedEnvironments"
        )
    return found


def origin_of(text: str) -> Origin | None:
    """Scheme, host and port of a text that is an origin and nothing else; None for any other.

    >>> origin_of("https://Host"), origin_of("https://host/"), origin_of("https://host/a"), origin_of("host")
    (('https', 'host', 443), ('https', 'host', 443), None, None)
    """
    try:
        checked_url(text)
    except ConfigurationError:
        return None
    parts = urlsplit(text)
    return None if parts.path not in ("", "/") or "?" in text else _origin(text)


def _origin(url: str) -> Origin:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or _PORTS[parts.scheme]


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        if parts.port == 0:
            return None
    except ValueError:
        return None
    return parts
