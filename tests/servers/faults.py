"""What can go wrong between a server and its client: faults, which a `FaultProxy` puts in the way.

A fault is a function of the request and of `forward`, which asks the real server and may be called or not. It returns
the response that the client gets; or raises `HangUp`. The functions here make faults. Tests can write their own.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from email.utils import formatdate
from time import time
from urllib.parse import urlsplit

from servers.base import JSON, HangUp, Request, Response

Fault = Callable[[Request, Callable[[], Response]], Response]


def status(code: int, body: bytes = b"", *, media_type: str = "text/plain", **headers: str) -> Fault:
    """This status, without asking the real server. Headers are given with underscores: `WWW_Authenticate="Basic"`."""
    named = {"Content-Type": media_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return lambda request, forward: Response(code, body, named)


def busy(code: int = 503, *, after: float | None = 1, as_date: bool = False) -> Fault:
    """429 or 503, with Retry-After in whole seconds or as a date; None: without it."""

    def fault(request: Request, forward: Callable[[], Response]) -> Response:
        headers = {"Content-Type": "text/plain"}
        if after is not None:
            headers["Retry-After"] = formatdate(time() + after, usegmt=True) if as_date else str(int(after))
        return Response(code, b"too many requests", headers)

    return fault


def redirect(code: int, to: str) -> Fault:
    """A redirect. To an origin (`http://host:port`): the same path and query there. To anything longer: right there."""

    def fault(request: Request, forward: Callable[[], Response]) -> Response:
        return Response(code, b"", {"Location": to if urlsplit(to).path else to + request.target})

    return fault


def delay(seconds: float) -> Fault:
    """The real answer, that much later."""

    def fault(request: Request, forward: Callable[[], Response]) -> Response:
        request.pause(seconds)
        return forward()

    return fault


def trickle(seconds: float, *, piece: int = 1) -> Fault:
    """The real answer, in pieces of so many bytes, with a pause before each."""

    def fault(request: Request, forward: Callable[[], Response]) -> Response:
        response = forward()
        body = response.whole()

        def slowly() -> Iterator[bytes]:
            for start in range(0, len(body), piece):
                request.pause(seconds)
                yield body[start : start + piece]

        return Response(response.status, slowly(), {**response.headers, "Content-Length": str(len(body))})

    return fault


def cut(after: int, *, reset: bool = True, chunked: bool = False) -> Fault:
    """The real answer with the right length, but the connection ends after so many bytes of the body.

    With a reset the client may lose the last of those bytes. `chunked`: there is no length, and no last chunk either.
    """

    def fault(request: Request, forward: Callable[[], Response]) -> Response:
        response = forward()
        body = response.whole()

        def partly() -> Iterator[bytes]:
            yield body[:after]
            raise HangUp(reset)

        headers = dict(response.headers) if chunked else {**response.headers, "Content-Length": str(len(body))}
        return Response(response.status, partly(), headers)

    return fault


def hang_up(*, reset: bool = False) -> Fault:
    """The connection ends without any answer."""

    def fault(request: Request, forward: Callable[[], Response]) -> Response:
        raise HangUp(reset)

    return fault


def garbage(line: bytes = b"\x16\x03\x01\x02 what is this") -> Fault:
    """The real answer under a status line that is none."""

    def fault(request: Request, forward: Callable[[], Response]) -> Response:
        response = forward()
        return Response(response.status, response.whole(), {**response.headers, "Connection": "close"}, line)

    return fault


def retyped(media_type: str | None) -> Fault:
    """The real answer with another Content-Type; None: with none."""

    def fault(request: Request, forward: Callable[[], Response]) -> Response:
        response = forward()
        headers = {name: value for name, value in response.headers.items() if name != "Content-Type"}
        if media_type is not None:
            headers["Content-Type"] = media_type
        return Response(response.status, response.body, headers)

    return fault


def mismeasured(by: int) -> Fault:
    """The real answer with a Content-Length so much larger, or smaller; the connection ends after it."""

    def fault(request: Request, forward: Callable[[], Response]) -> Response:
        response = forward()
        body = response.whole()
        length = str(max(0, len(body) + by))
        return Response(response.status, body, {**response.headers, "Content-Length": length, "Connection": "close"})

    return fault


def replaced(body: bytes, *, media_type: str = JSON) -> Fault:
    """200 with this body: malformed JSON, an HTML page for signing in, nothing at all."""
    return lambda request, forward: Response(200, body, {"Content-Type": media_type})


def edited(edit: Callable[[bytes], bytes]) -> Fault:
    """The real answer with the body changed and measured again: `lambda body: body[:-1]` is JSON cut short."""

    def fault(request: Request, forward: Callable[[], Response]) -> Response:
        response = forward()
        return Response(response.status, edit(response.whole()), response.headers)

    return fault


def gzipped(*, keep: int | None = None) -> Fault:
    """The real answer, compressed, whatever the client said it accepts. `keep`: only so many bytes of that."""

    def fault(request: Request, forward: Callable[[], Response]) -> Response:
        response = forward()
        body = gzip.compress(response.whole())[:keep]
        return Response(response.status, body, {**response.headers, "Content-Encoding": "gzip"})

    return fault


def refuse_gzip(code: int = 406) -> Fault:
    """This status for whoever accepts gzip, else the real answer."""

    def fault(request: Request, forward: Callable[[], Response]) -> Response:
        return Response(code, b"", {}) if "gzip" in request.headers.get("accept-encoding", "") else forward()

    return fault


def gzip_bomb(size: int = 4 << 30, *, media_type: str = JSON) -> Fault:
    """Valid JSON of about `size` bytes, `[`, blanks, `]`, of which a thousandth goes over the wire, compressed."""

    def fault(request: Request, forward: Callable[[], Response]) -> Response:
        return Response(200, _bomb(size), {"Content-Type": media_type, "Content-Encoding": "gzip"})

    return fault


def endless(piece: bytes = b"{}," * 4096, *, start: bytes = b"[", media_type: str = JSON) -> Fault:
    """`start`, then `piece` for ever."""

    def fault(request: Request, forward: Callable[[], Response]) -> Response:
        def body() -> Iterator[bytes]:
            yield start
            while True:
                yield piece

        return Response(200, body(), {"Content-Type": media_type})

    return fault


_BLANKS = b" " * (16 << 20)


def _bomb(size: int) -> Iterator[bytes]:
    """One member of gzip; the blanks are compressed once, as blocks that refer to nothing before them."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = compressor.compress(_BLANKS) + compressor.flush(zlib.Z_FULL_FLUSH)
    last = compressor.compress(b"]") + compressor.flush()
    opening = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    blocks = max(1, size // len(_BLANKS))
    yield b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + opening.compress(b"[") + opening.flush(zlib.Z_FULL_FLUSH)
    sum_of_all = zlib.crc32(b"[")
    for _ in range(blocks):
        yield block
        sum_of_all = zlib.crc32(_BLANKS, sum_of_all)
    sum_of_all = zlib.crc32(b"]", sum_of_all)
    yield last + sum_of_all.to_bytes(4, "little") + ((blocks * len(_BLANKS) + 2) % (1 << 32)).to_bytes(4, "little")
