"""A reverse proxy before any server, which passes everything on, except where a rule says what goes wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from servers.base import Request, Response, Server
from servers.faults import Fault

# Of one connection, not of the message: RFC 9110 §7.6.1
_HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
_PATIENCE = 60.0  # seconds


@dataclass(slots=True, eq=False)
class Rule:
    """When a fault happens. `used` counts how often it did."""

    fault: Fault
    when: Callable[[Request], bool]
    left: float
    skip: int
    used: int = 0


class FaultProxy(Server):
    """Passes requests on to another server, with the faults of its rules.

    The real server is asked once for each request, over a connection of its own, with the client's headers, the Host
    included: what it says of its own place is the proxy's. Redirects are handed to the client.

    Parameters
    ----------
    upstream : str
        Origin of the real server; a URL below it will do.
    """

    def __init__(self, upstream: str) -> None:
        super().__init__()
        parts = urlsplit(upstream)
        self.upstream = f"{parts.scheme}://{parts.netloc}"
        self._netloc = parts.netloc
        self.rules: list[Rule] = []

    def add(
        self,
        fault: Fault,
        *,
        path: str = "",
        method: str | None = None,
        when: Callable[[Request], bool] = lambda request: True,
        times: int | None = None,
        skip: int = 0,
    ) -> Rule:
        """Lets something go wrong. Of the rules that fit a request, the one that was added first is taken.

        Parameters
        ----------
        fault
            See `servers.faults`.
        path : str
            Regular expression that is found in path and query.
        method, when
            Which requests otherwise.
        times : int, optional
            Only for the first so many of these requests. None: for all.
        skip : int
            Not for the first so many of these requests, which go on to the next rule that fits.
        """
        pattern = re.compile(path)

        def fits(request: Request) -> bool:
            return method in (None, request.method) and bool(pattern.search(request.target)) and when(request)

        rule = Rule(fault, fits, float("inf") if times is None else times, skip)
        with self._lock:
            self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """Forgets the rules and the requests."""
        super().clear()
        with self._lock:
            self.rules.clear()

    def url(self, upstream_url: str) -> str:
        """A URL of the real server, by way of the proxy."""
        if not upstream_url.startswith(self.upstream):
            raise ValueError(f"no URL of {self.upstream}")
        return self.origin + upstream_url.removeprefix(self.upstream)

    def answer(self, request: Request) -> Response:
        rule = self._rule(request)
        if rule is None:
            return self._forward(request)
        return rule.fault(request, lambda: self._forward(request))

    def _rule(self, request: Request) -> Rule | None:
        with self._lock:
            for rule in self.rules:
                if rule.left <= 0 or not rule.when(request):
                    continue
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                rule.left -= 1
                rule.used += 1
                return rule
        return None

    def _forward(self, request: Request) -> Response:
        connection = HTTPConnection(self._netloc, timeout=_PATIENCE)
        try:
            connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name not in _HOP_BY_HOP and name not in ("content-length", "expect"):
                    connection.putheader(name, value)
            if request.body or request.method in ("POST", "PUT"):
                connection.putheader("Content-Length", str(len(request.body)))
            connection.endheaders(request.body or None)
            answer = connection.getresponse()
            body = answer.read()
            headers: dict[str, str] = {}
            for name, value in answer.getheaders():
                name = name.title()
                if name.lower() not in _HOP_BY_HOP and not (name == "Content-Length" and request.method != "HEAD"):
                    headers[name] = f"{headers[name]}, {value}" if name in headers else value
            return Response(answer.status, body, headers)
        except (OSError, HTTPException):
            return Response(502, b"the real server does not answer", {"Content-Type": "text/plain"})
        finally:
            connection.close()
