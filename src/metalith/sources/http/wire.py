"""requests and urllib3, told to do one request and nothing else.

No redirects, no retries, no `.netrc`, no credentials but those that are given: all of that is decided elsewhere.
What is added is that a request can be ended while it blocks (`watch.py`), and that urllib3 logs no query.
"""

from __future__ import annotations

import logging
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from metalith.sources.http.watch import Watch, current, shut_down

__all__ = ["Wire"]


class Wire(requests.Session):
    """A session that sends one request as it is.

    Parameters
    ----------
    connections : int
        That are kept open to each host.
    cookies : bool
        Whether cookies are taken and sent back.
    """

    def __init__(self, connections: int, cookies: bool) -> None:
        super().__init__()
        self.headers.clear()
        if not cookies:
            self.cookies = RequestsCookieJar(DefaultCookiePolicy(allowed_domains=[]))
        adapter = _Adapter(pool_connections=32, pool_maxsize=connections, max_retries=0)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        if request.auth is None and self.auth is None:
            request.auth = no_auth
        return super().prepare_request(request)


def no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Authentication that adds nothing; where there is none, requests looks into `.netrc`."""
    return request


class _Watched:
    """A connection whose request can be ended while it blocks."""

    sock: Any
    watch: Watch | None = None

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self._hold()

    def request(self, *args: Any, **options: Any) -> None:
        if self.sock is not None:
            self._hold()
        super().request(*args, **options)  # type: ignore[misc]

    def _hold(self) -> None:
        self.watch, connected = current(), self.sock
        if self.watch is not None:
            self.watch.hold(lambda: shut_down(connected))


class _Connection(_Watched, HTTPConnection):
    pass


class _SecureConnection(_Watched, HTTPSConnection):
    pass


class _Releasing:
    """A pool that takes connections back only when no watch can touch them any more."""

    def _put_conn(self, conn: Any) -> None:
        watch: Watch | None = getattr(conn, "watch", None)
        if watch is not None:
            conn.watch = None
            watch.release()
        super()._put_conn(conn)  # type: ignore[misc]


class _Pool(_Releasing, HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(_Releasing, HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS = {"http": _Pool, "https": _SecurePool}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):  # which has connections of its own
            manager.pool_classes_by_scheme = _POOLS
        return manager

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        response, watch = super().build_response(req, resp), current()
        if watch is not None and watch.wrap is not None:
            response.raw = watch.wrap(resp, response.status_code)  # before authentication may read a refusal
        return response


class _WithoutQueries(logging.Filter):
    """Takes the query out of the paths and URLs that urllib3 logs, for requests of ours: it may name patients."""

    def filter(self, record: logging.LogRecord) -> bool:
        if current() is not None and isinstance(record.args, tuple):
            record.args = tuple(
                arg.partition("?")[0] if isinstance(arg, str) and "?" in arg else arg for arg in record.args
            )
        return True


for _name in ("urllib3.connectionpool", "urllib3.connection"):
    logging.getLogger(_name).addFilter(_WithoutQueries())
