"""The body of an answer as it arrives: decompressed, counted, and known to be whole when it ends.

It stands in for the `raw` of a requests.Response, so that `content`, `iter_content` and dicomweb-client's reader of
multipart bodies get the same bounds and the same errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.client import HTTPException
from typing import Any

import urllib3
from urllib3.response import BaseHTTPResponse

from metalith.errors import DataSourceError
from metalith.sources.http.encodings import Damaged, UnknownEncoding, inflater
from metalith.sources.http.failures import failure_of
from metalith.sources.http.watch import Watch, shut_down

__all__ = ["Body"]

RECEIVED = 1 << 16  # bytes that are waited for at a time
INFLATED = 1 << 20  # and what they may become at a time

# the last two come of chunks without a length, and of answers that another thread has closed
_BROKEN = (urllib3.exceptions.HTTPError, HTTPException, OSError, Damaged, ValueError, AttributeError)


class Body:
    """Reads the body of one answer, once.

    Parameters
    ----------
    raw : urllib3.response.BaseHTTPResponse or binary file
    method, url, status
        Of the request and its answer, for errors.
    watch : Watch
    max_bytes : int
        After decompression.

    Attributes
    ----------
    count : int
        Bytes so far, decompressed.
    may_pass : bool
        Whether it failed with what trying again may help against.
    is_open_ended : bool
        Whether nothing but the end of the connection tells the end of the body, so that a cut looks like it.
    """

    def __init__(self, raw: Any, *, method: str, url: str, status: int, watch: Watch, max_bytes: int) -> None:
        self.count, self.may_pass, self.closed = 0, False, False
        self._raw, self._watch, self._max = raw, watch, max_bytes
        self._on_close: list[Callable[[], object]] = []
        self._method, self._url, self._status = method, url, status
        self._received = 0
        self._pending = b""
        self._ended = False
        self._is_urllib3 = isinstance(raw, BaseHTTPResponse)
        self._due: int | None = getattr(raw, "length_remaining", None)
        encoding = raw.headers.get("Content-Encoding", "") if self._is_urllib3 else ""
        chunked = getattr(raw, "chunked", False)
        self.is_open_ended = self._is_urllib3 and self._due is None and not chunked
        self._inflater = None
        try:
            self._inflater = inflater(encoding) if self._due != 0 else None
        except UnknownEncoding as error:
            reason = str(error)
            self.close()
            raise self._error(reason) from None
        if self._due is not None and self._due > max_bytes and not encoding.strip() and 200 <= status < 300:
            raise self._fail(self._too_much())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)  # what requests wants of it for cookies

    def __del__(self) -> None:
        if "_on_close" in self.__dict__:
            self.close()

    def piece(self) -> bytes:
        """What comes next; empty at the end.

        Raises
        ------
        DataSourceError
            The connection broke, the body ended early, is damaged, or goes beyond the limit.
        Cancelled
        """
        if self._pending:
            data, self._pending = self._pending, b""
            return data
        if self._ended:
            return b""
        if self.closed:
            raise self._error("the answer was closed before its end")
        broken: BaseException | None = None
        try:
            self._watch.check()
            data = self._next()
            if not data:
                self._watch.check()  # its way of ending a request looks like the end
                self._finish()
        except _BROKEN as error:
            broken = error
        except BaseException:
            self.close()
            raise
        if broken is not None:
            raise self._broken(broken)
        self.count += len(data)
        if self.count > self._max:
            raise self._fail(self._too_much())
        return data

    def _next(self) -> bytes:
        """Some of the body; empty where the connection has no more."""
        if self._inflater is None:
            return self._receive()
        while True:
            if data := self._inflater.take(INFLATED):
                return data
            if not (sent := self._receive()):
                return b""
            self._inflater.put(sent)

    def _receive(self) -> bytes:
        if not self._is_urllib3:
            data: bytes = self._raw.read(RECEIVED)
        else:
            data = self._raw.read(RECEIVED, decode_content=False) or b""
        self._received += len(data)
        return data

    def _finish(self) -> None:
        """The end; raises if it came too early."""
        short = self._due is not None and self._received < self._due
        if short or (self._inflater is not None and not self._inflater.is_complete):
            raise self._fail(_CUT, may_pass=True)
        self._ended = True
        self.close()

    def cut(self) -> DataSourceError:
        """The error for a body that had no end of its own, and turns out not to be whole."""
        return self._fail(_CUT, may_pass=True)

    def _broken(self, error: BaseException) -> DataSourceError:
        self.close()
        self._watch.check()
        if isinstance(error, Damaged):
            return self._fail(str(error), may_pass=True)
        if isinstance(error, (urllib3.exceptions.ProtocolError, ValueError, AttributeError)):
            return self._fail(_CUT, may_pass=True)
        failure = failure_of(error)
        return self._fail(failure.reason, may_pass=failure.may_pass)

    def _fail(self, reason: str, *, may_pass: bool = False) -> DataSourceError:
        self.may_pass = may_pass
        self.close()
        return self._error(reason)

    def _error(self, reason: str) -> DataSourceError:
        return DataSourceError(reason, method=self._method, url=self._url, status=self._status)

    def _too_much(self) -> str:
        return f"the answer goes beyond the limit max_bytes={self._max:,}"

    # ---- as requests and dicomweb-client read it ----

    def pieces(self) -> Iterator[bytes]:
        """The body, in pieces as they arrive."""
        while data := self.piece():
            yield data

    def read(self, amt: int | None = None, decode_content: bool = True) -> bytes:
        """The next bytes, just so many unless it ends before; all that are left without a number."""
        if amt is None or amt < 0:
            return b"".join(self.pieces())
        parts, missing = [], amt
        while missing and (data := self.piece()):
            parts.append(data[:missing])
            self._pending = data[missing:]
            missing -= len(parts[-1])
        if len(parts) > 1 or not parts:
            return b"".join(parts)
        return parts[0]

    def stream(self, amt: int = RECEIVED, decode_content: bool = True) -> Iterator[bytes]:
        """The body in pieces of so many bytes."""
        while data := self.read(amt):
            yield data

    def release_conn(self) -> None:
        """As `close`: a connection with something left to read is of no use to others."""
        self.close()

    def close(self) -> None:
        """Gives the connection back, or ends it where the body was not read to its end."""
        if self.closed:
            return
        self.closed = True
        self._watch.release()
        try:
            if not self._ended:
                self._raw.close()
            if hasattr(self._raw, "release_conn"):
                self._raw.release_conn()
        except _BROKEN:
            pass  # it was of no use any more anyway
        finally:
            while self._on_close:
                self._on_close.pop()()

    def on_close(self, callback: Callable[[], object]) -> None:
        """Has a function called once: at the end, after an error, or by `close`."""
        if self.closed:
            callback()
        else:
            self._on_close.append(callback)

    def discard(self) -> None:
        """Has done with it, without reading what is long; what is short is read, to keep the connection."""
        try:
            if self._due is not None and self._due <= _SHORT and self._inflater is None:
                for _ in self.pieces():
                    pass
        except DataSourceError:
            pass  # nobody wanted it
        finally:
            self.close()


_CUT = "the answer ended before it was whole"
_SHORT = 1 << 16


def hold_answer(raw: Any, watch: Watch) -> None:
    """Makes an answer that came over a connection of somebody else's session end with the watch."""
    connection = getattr(raw, "connection", None)
    connected = getattr(connection, "sock", None)
    if connected is not None:
        watch.hold(lambda: shut_down(connected))
    elif hasattr(raw, "shutdown"):
        watch.hold(lambda: _shut_answer(raw))


def _shut_answer(raw: Any) -> None:
    try:
        raw.shutdown()
    except _BROKEN + (RuntimeError,):
        pass  # it has ended by itself
