"""A requests.Session for dicomweb-client: what it sends goes through the engine, with all that this guards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests

from metalith.sources.http.answer import Response
from metalith.sources.http.engine import Call, Engine
from metalith.sources.http.origins import prepared_url

__all__ = ["Session"]


class Session(requests.Session):
    """Looks like a session, and has neither credentials nor connections of its own.

    Answers of any status come back, as a session's do; their `raise_for_status` raises DataSourceError, and so do all
    failures. `timeout`, `stream`, `allow_redirects` and hooks count; `verify`, `cert` and `proxies` are
    the transport's.
    """

    def __init__(
        self, engine: Engine, timeout: tuple[float, float], total_timeout: float | None, max_bytes: Callable[[], int]
    ) -> None:
        super().__init__()
        self.headers.clear()
        self.trust_env = False  # proxies are looked up where it is sent from, and `.netrc` nowhere
        self._engine, self._timeout, self._total_timeout, self._max_bytes = engine, timeout, total_timeout, max_bytes

    def send(self, request: requests.PreparedRequest, **options: Any) -> Response:
        """Sends a request that was prepared."""
        timeout = options.get("timeout")
        if timeout is None:
            timeout = self._timeout
        elif not isinstance(timeout, tuple):
            timeout = float(timeout), float(timeout)
        call = Call(
            request.method or "GET",
            prepared_url(request.url or ""),
            max_bytes=self._max_bytes(),
            timeout=tuple(own if given is None else given for own, given in zip(self._timeout, timeout, strict=True)),  # type: ignore[arg-type]
            total_timeout=self._total_timeout,
            headers={name: _text(value) for name, value in (request.headers or {}).items()},
            data=request.body,
            expected=None,
            redirects=options.get("allow_redirects", True),
            hooks=tuple(request.hooks.get("response", ())),
        )
        stream = bool(options.get("stream"))
        response = self._engine.perform(call, _as_it_is if stream else Response.load, stream)
        response.request = request
        return response


def _as_it_is(response: Response) -> Response:
    return response


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
