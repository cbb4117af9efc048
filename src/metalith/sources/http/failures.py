"""What requests, urllib3 and the system raise, in our words.

Their texts hold whole URLs, headers and addresses of objects, so nothing of them is shown but what the system says of
an error number, and what OpenSSL says of a certificate.
"""

from __future__ import annotations

import http
import os
import ssl
from collections.abc import Iterator
from http.client import BadStatusLine, HTTPException, LineTooLong, RemoteDisconnected
from typing import NamedTuple

import requests
import urllib3.exceptions

__all__ = ["RAISED", "Failure", "failure_of", "refusal"]

# by requests, urllib3, http.client and sockets, for what goes wrong with a request; UnicodeError is of host names
RAISED = (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError, UnicodeError)

_NOT_HTTP = (urllib3.exceptions.InvalidHeader, BadStatusLine, LineTooLong)
_NOT_A_REQUEST = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
    urllib3.exceptions.LocationValueError,
    UnicodeError,
)
_NO_CONNECTION = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)


class Failure(NamedTuple):
    """A request that got no whole answer.

    `may_pass`: trying again may help. `unsent`: the server cannot have seen anything of it.
    """

    reason: str
    may_pass: bool
    unsent: bool = False


def failure_of(error: BaseException) -> Failure:
    """What went wrong, by what was raised in the middle of a request or of its answer."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Failure(f"the server's certificate is not accepted: {cause.verify_message}", False, True)
    if _any(causes, (requests.exceptions.ProxyError, urllib3.exceptions.ProxyError)):
        return Failure("the proxy cannot be reached, or does not let it through", True, True)
    if _any(causes, (urllib3.exceptions.NameResolutionError,)):
        return Failure("the name of the host is not known", True, True)
    if _any(causes, _NO_CONNECTION):
        timed_out = _any(causes, (urllib3.exceptions.ConnectTimeoutError, TimeoutError)) and not _errno(causes)
        return Failure("no connection in time" if timed_out else f"no connection{_system(causes)}", True, True)
    if _any(causes, (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)):
        return Failure("nothing came from the server for too long", True)
    if any(isinstance(cause, _NOT_HTTP) and not isinstance(cause, RemoteDisconnected) for cause in causes):
        return Failure("the answer is not HTTP", False)
    if _any(causes, _NOT_A_REQUEST):
        return Failure("no request can be made of the URL or the headers", False, True)
    if _any(causes, (ssl.SSLError, urllib3.exceptions.SSLError, requests.exceptions.SSLError)):
        return Failure("no secure connection", False)
    if _any(causes, (urllib3.exceptions.DecodeError, requests.exceptions.ContentDecodingError)):
        return Failure("the answer is not compressed as it says, or damaged", True)
    return Failure(f"the connection broke{_system(causes)}", True)


def refusal(status: int) -> str:
    """A status in words."""
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "an unknown status"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was made from: urllib3 and requests put it among the arguments, or call it the reason."""
    stack, seen = [error], set[int]()
    while stack and len(seen) < 32:
        cause = stack.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        inner = (*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__)
        stack.extend(part for part in inner if isinstance(part, BaseException))


def _any(causes: list[BaseException], kinds: tuple[type[BaseException], ...]) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)


def _errno(causes: list[BaseException]) -> int | None:
    numbers = (cause.errno for cause in causes if isinstance(cause, OSError))
    return next((number for number in numbers if isinstance(number, int) and number > 0), None)


def _system(causes: list[BaseException]) -> str:
    number = _errno(causes)
    return f": {os.strerror(number)}" if number else ""
