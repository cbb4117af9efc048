"""What the configured origins get to see: tokens and header fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from metalith.errors import ConfigurationError, DataSourceError, MetalithError

__all__ = ["Credentials", "Token"]

Token = str | Callable[[], str | None]


class Credentials:
    """Header fields, and a token that may change.

    Parameters
    ----------
    token : str or callable or None
    headers : mapping or None

    Raises
    ------
    ConfigurationError
        A field is none.
    """

    def __init__(self, token: Token | None, headers: Mapping[str, str] | None) -> None:
        self._headers = dict(headers or {})
        for name, value in self._headers.items():
            if not isinstance(name, str) or not _is_name(name):
                raise ConfigurationError("headers: a name is none")
            if not isinstance(value, str) or not _is_value(value):
                raise ConfigurationError(f"headers: the value of {name} cannot stand in a header")
        if token is not None and not callable(token):
            if not isinstance(token, str) or not _is_value(token):
                raise ConfigurationError("token must be text that can stand in a header, or a callable that gives it")
            if any(name.lower() == "authorization" for name in self._headers):
                raise ConfigurationError("token and headers: both have an Authorization")
        self._token = token

    def __repr__(self) -> str:
        return "<Credentials>"

    @property
    def can_refresh(self) -> bool:
        """Whether asking again may give another token."""
        return callable(self._token)

    def fields(self) -> dict[str, str]:
        """The header fields, with the token of now.

        Raises
        ------
        DataSourceError
            The callable raised, or what it gave is no token.
        """
        token = self._ask()
        if not token:
            return self._headers
        return {**self._headers, "Authorization": token if " " in token else f"Bearer {token}"}

    def _ask(self) -> str | None:
        if not callable(self._token):
            return self._token
        try:
            token = self._token()
        except MetalithError:
            raise
        except Exception as error:  # its text may be anything, credentials included
            problem = DataSourceError(f"no token: the callable raised {type(error).__name__}")
        else:
            if token is None or (isinstance(token, str) and _is_value(token)):
                return token
            problem = DataSourceError("no token: the callable gave what cannot stand in a header")
        raise problem


def _is_name(text: str) -> bool:
    return bool(text) and text.isascii() and all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in text)


def _is_value(text: str) -> bool:
    return text.isascii() and text.isprintable() and text == text.strip()
