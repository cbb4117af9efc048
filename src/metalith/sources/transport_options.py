"""Options of everything that speaks with servers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from metalith.errors import ConfigurationError
from metalith.sources.options import Options

__all__ = ["TransportOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportOptions(Options):
    """How servers are spoken with.

    Attributes
    ----------
    token : str or callable
        For "Authorization: Bearer …"; a callable is asked before each request, and once more when it was refused.
    auth : optional
        Any authentication of `requests`; (user, password) is basic authentication.
    headers : mapping
        Further headers of each request.
    verify : bool or str
        Whether certificates are verified, or the path of the authorities that are trusted.
    cert : optional
        Path of a client certificate, or of it and its key.
    timeout : float or (float, float)
        Seconds to connect, and between two pieces of an answer.
    total_timeout : float
        Seconds for everything that a request takes: its retries, and the last byte of its answer.
    retries : int
        How often a request is made again that failed for a reason that may pass.
    backoff : float
        Seconds before the first of these times, at most; then twice as long each time.
    max_bytes : int
        Of one answer, after decompression; `metalith.Limits.max_bytes` where it is not given.
    """

    token: str | Callable[[], str | None] | None = field(default=None, repr=False)
    auth: Any = field(default=None, repr=False)
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    verify: bool | str = True
    cert: str | tuple[str, ...] | None = None
    timeout: float | tuple[float, ...] = (10.0, 60.0)
    total_timeout: float = 3600.0
    retries: int = 4
    backoff: float = 0.5
    max_bytes: int | None = None

    def transport(self, *origins: str) -> Any:
        """What speaks with servers; credentials go to these origins only. Transport.

        Raises
        ------
        ConfigurationError
            An option is impossible, or a file that one names is not there.
        """
        from metalith.sources.http import Transport

        # requests tells a user and password by the tuple, and configuration files have lists only
        auth = tuple(self.auth) if isinstance(self.auth, list) else self.auth
        if not (auth is None or callable(auth) or (isinstance(auth, tuple) and len(auth) == 2)):
            raise ConfigurationError("auth must be (user, password), or an authentication of requests")
        for name, given in (("verify", self.verify), ("cert", self.cert)):
            paths = (given,) if isinstance(given, str) else given if isinstance(given, (tuple, list)) else ()
            if not all(map(os.path.exists, paths)):  # which a request would tell as a connection that broke
                raise ConfigurationError(f"{name}: there is no such file")
        timeout = self.timeout if isinstance(self.timeout, (int, float)) else (self.timeout[0], self.timeout[-1])
        return Transport(
            origins,
            token=self.token,
            auth=auth,
            headers=self.headers,
            verify=self.verify,
            cert=self.cert if self.cert is None or isinstance(self.cert, str) else (self.cert[0], self.cert[-1]),
            timeout=timeout,
            total_timeout=self.total_timeout,
            retries=self.retries,
            backoff=self.backoff,
            max_bytes=self.max_bytes,
            connections=max(self.workers + 2, 8),
        )
