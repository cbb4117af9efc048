"""One request as its caller means it: sent with the credentials that belong there, redirected, and tried again.

All that goes over the network goes through here: what `Transport` does itself, and what dicomweb-client does with its
session.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar
from urllib.parse import urljoin

import requests
from requests.structures import CaseInsensitiveDict

from metalith.errors import DataSourceError, MetalithError
from metalith.sources._cancel import Cancel
from metalith.sources.http.answer import Response
from metalith.sources.http.body import Body, hold_answer
from metalith.sources.http.credentials import Credentials
from metalith.sources.http.encodings import accepted
from metalith.sources.http.failures import RAISED, Failure, failure_of, refusal
from metalith.sources.http.origins import Origins, harmless, prepared_url
from metalith.sources.http.retry import is_reading, may_repeat_answer, may_repeat_failure, pause
from metalith.sources.http.watch import Watch, watching
from metalith.sources.http.wire import Wire, no_auth

__all__ = ["Call", "Engine"]

T = TypeVar("T")
MAX_REDIRECTS = 10

_log = logging.getLogger("metalith.sources.http")


@dataclass(slots=True)
class Call:
    """What is asked for. `expected` None means that any status is an answer."""

    method: str
    url: str  # as `prepared_url` gives it
    max_bytes: int
    timeout: tuple[float, float]
    total_timeout: float | None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    data: Any = field(default=None, repr=False)
    cancel: Cancel | None = None
    expected: tuple[int, ...] | None = (200,)
    repeat: bool | None = None
    redirects: bool = True
    hooks: tuple[Any, ...] = ()
    start: Any = field(default=None, init=False, repr=False)  # of the data in their file

    def __post_init__(self) -> None:
        if isinstance(self.data, (bytearray, memoryview)):
            self.data = bytes(self.data)
        elif hasattr(self.data, "seek") and hasattr(self.data, "tell"):
            with suppress(OSError):  # a pipe
                self.start = self.data.tell()

    @property
    def can_send_again(self) -> bool:
        """Whether what is to be sent is still there after it was."""
        return self.data is None or isinstance(self.data, (bytes, str, Mapping)) or self.start is not None

    def rewind(self) -> None:
        if self.start is not None:
            self.data.seek(self.start)


@dataclass(slots=True)
class _Trouble:
    """No answer, or not the one that was hoped for; `headers` are those of the answer."""

    error: DataSourceError
    again: bool
    headers: Mapping[str, str] | None = None


class Engine:
    """Performs calls. For any number of threads.

    Parameters
    ----------
    origins : Origins
    credentials : Credentials
    home : requests.Session
        Sends to the origins.
    abroad : Wire
        Sends everywhere else.
    home_options : dict
        What `home` is to be told with each request: `verify`, `cert`, `auth`.
    connections, retries, backoff
        As for Transport.
    user_agent : str
    """

    def __init__(
        self,
        *,
        origins: Origins,
        credentials: Credentials,
        home: requests.Session,
        abroad: Wire,
        home_options: dict[str, Any],
        connections: int,
        retries: int,
        backoff: float,
        user_agent: str,
    ) -> None:
        self._origins, self._credentials, self._home, self._abroad = origins, credentials, home, abroad
        self._home_options, self._free = home_options, threading.Semaphore(connections)
        self._retries, self._backoff = retries, backoff
        self._fields = {"Accept-Encoding": accepted(), "User-Agent": user_agent, "Accept": "*/*"}

    def perform(self, call: Call, consume: Callable[[Response], T], stream: bool = False) -> T:
        """What `consume` makes of the answer.

        It is tried again, and `consume` called again, when a body turns out not to be whole. Otherwise what it raises
        comes out. With `stream` the answer stays open, and is the caller's to close.
        """
        watch = Watch(call.method, call.url, call.cancel, call.total_timeout)
        kept: Body | None = None
        try:
            for attempt in count():
                last = attempt >= self._retries or not call.can_send_again
                response = self._exchange(call, watch, last)
                if isinstance(response, Response):
                    try:
                        result = consume(response)
                        kept = response.raw
                        return result
                    except DataSourceError as error:
                        again = response.raw.may_pass and is_reading(call.method, call.repeat)
                        trouble = _Trouble(error, again)
                    finally:
                        if not stream or kept is None:
                            response.close()
                else:
                    trouble = response
                self._rest(call, watch, trouble, attempt, last)
            raise AssertionError
        finally:
            if stream and kept is not None:
                kept.on_close(watch.close)
            else:
                watch.close()

    def _rest(self, call: Call, watch: Watch, trouble: _Trouble, attempt: int, last: bool) -> None:
        """Waits before the next attempt; raises where there is none."""
        error = trouble.error
        seconds = pause(attempt, self._backoff, trouble.headers)
        if last or not trouble.again or not watch.has(seconds):
            if attempt:
                error = DataSourceError(
                    f"{error.reason} (tried {attempt + 1} times)",
                    method=error.method,
                    url=error.url,
                    status=error.status,
                )
            raise error from None
        _log.debug("%s; again in %.1f s", error, seconds)
        watch.sleep(seconds)
        call.rewind()

    # ---- one attempt ----

    def _exchange(self, call: Call, watch: Watch, last: bool) -> Response | _Trouble:
        """The answer, behind all redirects."""
        url, at_home, refreshed, hops = call.url, True, False, 0
        while True:
            # credentials that were left behind stay there: where a stranger sends us is not where we were sent
            at_home = at_home and url in self._origins
            response = self._send(call, watch, url, at_home)
            if isinstance(response, Failure):
                again = may_repeat_failure(call.method, call.repeat, may_pass=response.may_pass, unsent=response.unsent)
                return _Trouble(DataSourceError(response.reason, method=call.method, url=url), again)
            refreshes = response.status_code == 401 and at_home and self._credentials.can_refresh
            if refreshes and not refreshed and call.can_send_again:
                refreshed = True
                response.raw.discard()
                call.rewind()
            elif response.is_redirect and call.redirects:
                hops += 1
                url = self._target(call, response, at_home, hops)
                response.raw.discard()
                call.rewind()
            else:
                return self._judged(call, response, at_home, last)

    def _judged(self, call: Call, response: Response, at_home: bool, last: bool) -> Response | _Trouble:
        """The answer, if it is one that is expected."""
        status = response.status_code
        again = may_repeat_answer(call.method, call.repeat, status, response.headers)
        if call.expected is None:
            if last or not again:
                return response
        elif status in call.expected:
            return response
        reason = refusal(status)
        if status in (401, 403) and not at_home:
            reason += ": no credentials are sent there, since it is none of the configured origins"
        response.raw.discard()
        return _Trouble(response.error(reason), again, response.headers)

    def _target(self, call: Call, response: Response, at_home: bool, hops: int) -> str:
        """Where a redirect leads."""
        problem, target = None, ""
        try:
            location = (response.location or "").encode("latin-1").decode()
            target = prepared_url(urljoin(response.url, location))
        except (DataSourceError, ValueError):
            problem = "redirected to what is no http or https URL"
        if problem is None:
            if hops > MAX_REDIRECTS:
                problem = f"redirected more than {MAX_REDIRECTS} times"
            elif response.url.lower().startswith("https:") and not target.startswith("https:"):
                problem = "redirected from https to http"
            elif call.method not in ("GET", "HEAD", "OPTIONS") and not (
                response.status_code in (307, 308) and at_home and target in self._origins and call.can_send_again
            ):
                problem = f"redirected; a {call.method} goes nowhere else"
        if problem is None:
            return target
        response.close()
        raise response.error(problem)

    def _send(self, call: Call, watch: Watch, url: str, at_home: bool) -> Response | Failure:
        """One request. The answer's body is open."""
        headers = self._headers_for(call, at_home)
        session: requests.Session = self._home if at_home else self._abroad
        options: dict[str, Any] = dict(self._home_options) if at_home else {"verify": self._abroad.verify}
        if session.auth is None and "auth" not in options:
            options["auth"] = no_auth
        watch.wrap = lambda raw, status: Body(
            raw, method=call.method, url=url, status=status, watch=watch, max_bytes=call.max_bytes
        )
        location: list[str | None] = [None]

        def detach(answer: requests.Response, *_: Any, **__: Any) -> None:
            if not isinstance(answer.raw, Body):
                hold_answer(answer.raw, watch)
                answer.raw = watch.wrap(answer.raw, answer.status_code) if watch.wrap else answer.raw
            # requests would read the whole body of a redirect, only to prepare the next request
            location[0] = answer.headers.pop("Location", None)

        own = session.hooks.get("response", [])
        hooks = [*(own if isinstance(own, (list, tuple)) else [own]), *call.hooks, detach]
        caught: BaseException | None = None
        with self._slot(watch) as slot:
            try:
                with watching(watch):
                    answer = session.request(
                        call.method,
                        url,
                        headers=headers,
                        data=call.data,
                        timeout=(watch.within(call.timeout[0]), watch.within(call.timeout[1])),
                        allow_redirects=False,
                        stream=True,
                        hooks={"response": hooks},
                        **options,
                    )
            except RAISED as error:
                caught = error
            else:
                response = Response.of(answer)
                response.location = location[0]
                if location[0] is not None:
                    response.headers["Location"] = location[0]
                slot.pass_to(response.raw)
        if caught is not None:
            watch.check()
            return failure_of(caught)
        try:
            watch.check()  # a head that was cut short looks like a whole one
        except MetalithError:
            response.close()
            raise
        return response

    def _headers_for(self, call: Call, at_home: bool) -> Mapping[str, str]:
        headers: CaseInsensitiveDict[str] = CaseInsensitiveDict(self._fields)
        if at_home:
            headers.update(self._credentials.fields())
            headers.update(call.headers)
        else:
            headers.update(harmless(call.headers))
        if "Range" in headers and "Accept-Encoding" not in {name.title() for name in call.headers}:
            headers["Accept-Encoding"] = "identity"  # it would be a range of what is compressed
        for name in ("Host", "Content-Length"):
            headers.pop(name, None)  # of another hop, or told by what is sent
        return headers

    @contextmanager
    def _slot(self, watch: Watch) -> Iterator[_Slot]:
        """One of so many requests at a time; until the end of the block, or of the answer it is passed to."""
        while not self._free.acquire(timeout=0.05):
            watch.check()
        slot = _Slot(self._free)
        try:
            yield slot
        finally:
            if not slot.passed:
                self._free.release()


class _Slot:
    __slots__ = ("_free", "passed")

    def __init__(self, free: threading.Semaphore) -> None:
        self._free, self.passed = free, False

    def pass_to(self, body: Body) -> None:
        self.passed = True
        body.on_close(self._free.release)
