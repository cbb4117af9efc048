"""HTTP servers of the tests' own: on loopback, at a free port, silent, with everything that reached them written down.

A server answers a `Request` with a `Response`; what it says is up to the subclasses, how it goes over the wire stands
here: HTTP/1.1 with keep-alive, a thread for each connection, bodies whole, chunked or open-ended. A server is a context
manager. Leaving it closes every connection and waits for every thread, and a server that broke raises what broke it.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import responses
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from sys import exception
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

PIECE = 1 << 18  # bytes of a body that are written at a time
JSON = "application/dicom+json"


@dataclass(slots=True, eq=False)
class Request:
    """A request as it came in, and what became of it.

    `headers` has lower-case names. `client` is the client's port, so equal for all requests of one connection. `began`
    and `ended` are of `time.monotonic`; `ended` is None while the answer is on its way. `sent` counts bytes of the
    body as sent, without chunk sizes; `aborted` tells that the client went away before the end.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    client: int
    pause: Callable[[float], None] = field(repr=False)  # waits some seconds; hangs up when the server is stopped
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None
    status: int | None = None
    sent: int = 0
    aborted: bool = False

    @property
    def path(self) -> str:
        """The path as it was sent, without the query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        """Names and values of the query, decoded, in their order."""
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def range(self) -> str | None:
        """The Range header."""
        return self.headers.get("range")


@dataclass(slots=True)
class Response:
    """An answer. The headers decide on the way it is sent, and are not corrected where they are wrong.

    A body of bytes gets a Content-Length unless the headers have one. Other bodies are iterables of pieces: they are
    chunked, or end with the connection where the headers say `Connection: close`, or have the Content-Length given. An
    iterable that raises `HangUp` ends the connection right there. `status_line` replaces the status line, as it is.
    """

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: dict[str, str] = field(default_factory=dict)
    status_line: bytes | None = None

    def whole(self) -> bytes:
        """The body in one piece."""
        return self.body if isinstance(self.body, bytes) else b"".join(self.body)


class HangUp(Exception):
    """Ends the connection: with a reset, or as if all had been said."""

    def __init__(self, reset: bool = False) -> None:
        super().__init__("the server hangs up")
        self.reset = reset


class Server:
    """A server that runs inside of `with`.

    Attributes
    ----------
    origin : str
        `http://127.0.0.1:<port>`, once it has started.
    requests : list of Request
        All that came, in their order.
    most_in_flight : int
        The largest number of requests that were being answered at once. A request is no longer in flight when the last
        bytes of its answer are handed to the system, so a client that asks one thing after the other sees 1.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.most_in_flight = 0
        self._in_flight = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._failures: list[BaseException] = []
        self._listener: _Listener | None = None
        self._thread: threading.Thread | None = None
        self.port = 0
        self.origin = ""

    def answer(self, request: Request) -> Response:
        """What the server says; called in the thread of the connection."""
        raise NotImplementedError

    def origin_as(self, host: str) -> str:
        """The origin under another name of the same machine, such as `localhost`: another host to every client."""
        return f"http://{host}:{self.port}"

    def clear(self) -> None:
        """Forgets the requests."""
        with self._lock:
            self.requests.clear()
            self.most_in_flight = self._in_flight

    def settle(self, seconds: float = 5.0) -> bool:
        """Waits until nothing is in flight; whether that came true in time."""
        until = time.monotonic() + seconds
        while self._in_flight and time.monotonic() < until:
            time.sleep(0.002)
        return not self._in_flight

    def start(self) -> None:
        """Opens a port and answers there."""
        self._stopping.clear()
        self._listener = _Listener(self)
        self.port = self._listener.server_address[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Closes the port and all connections, and waits for the threads; what connects later is refused."""
        if self._listener is None or self._thread is None:
            return
        self._stopping.set()
        self._listener.shutdown()
        self._listener.hang_up()
        self._listener.server_close()
        self._thread.join()
        self._listener = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.stop()
        if error is None and self._failures:
            raise RuntimeError(f"{type(self).__name__} broke while answering") from self._failures[0]

    def _enter(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)

    def _leave(self, request: Request) -> None:
        with self._lock:
            if request.ended is None:
                request.ended = time.monotonic()
                self._in_flight -= 1

    def _pause(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise HangUp


class _Listener(ThreadingTCPServer):
    """The port, and the connections that are open."""

    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, owner: Server) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.owner = owner
        self.connections: set[socket.socket] = set()
        self.resets: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.owner._lock:
            self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self.owner._lock:
            self.connections.discard(request)
            reset = request in self.resets
            self.resets.discard(request)
        if reset:  # without the polite end, which super() would send first
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = exception()
        if error is not None and not isinstance(error, ConnectionError):
            self.owner._failures.append(error)

    def hang_up(self) -> None:
        with self.owner._lock:
            for connection in self.connections:
                with suppress(OSError):  # the client was faster
                    connection.shutdown(socket.SHUT_RDWR)


class _Connection(BaseHTTPRequestHandler):
    """One connection, its requests one after the other."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""

    def serve(self) -> None:
        owner = self.server.owner
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            name = name.lower()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        request = Request(
            self.command, self.path, headers, self._received(headers), self.client_address[1], owner._pause
        )
        owner._enter(request)
        response: Response | None = None
        try:
            response = owner.answer(request)
            self._send(request, response)
        except HangUp as end:
            self.close_connection = True
            if end.reset:
                time.sleep(0.05)  # a reset takes back what the peer has not read yet
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.server.resets.add(self.connection)
        except ConnectionError:
            request.aborted = True
            raise
        finally:
            owner._leave(request)
            close = getattr(response and response.body, "close", None)
            if close is not None:
                close()

    def __getattr__(self, name: str) -> Any:
        """Every method is served alike: the base class looks for `do_GET` and so on."""
        if name.startswith("do_"):
            return self.serve
        raise AttributeError(name)

    def _received(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(headers.get("content-length", 0)))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return b"".join(pieces)

    def _send(self, request: Request, response: Response) -> None:
        owner, headers, body = self.server.owner, dict(response.headers), response.body
        request.status = response.status
        bodiless = response.status in (204, 304)
        if isinstance(body, bytes) and not bodiless:
            headers.setdefault("Content-Length", str(len(body)))
        declared = headers.get("Content-Length")
        closing = headers.get("Connection", "").lower() == "close"
        if declared is None and not closing and not bodiless:
            headers["Transfer-Encoding"] = "chunked"
        if self.close_connection and not closing:
            headers["Connection"] = "close"
        self.close_connection = self.close_connection or closing

        line = response.status_line or f"HTTP/1.1 {response.status} {responses.get(response.status, '')}".encode()
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if bodiless or request.method == "HEAD" or declared == "0":
            owner._leave(request)
        self.wfile.write(line + b"\r\n" + head.encode("latin-1") + b"\r\n")
        if bodiless or request.method == "HEAD":
            return

        for piece in _pieces(body):
            request.sent += len(piece)
            if declared is not None and request.sent >= int(declared):
                owner._leave(request)
            if "Transfer-Encoding" in headers:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), bytes(piece)))
            else:
                self.wfile.write(piece)
        owner._leave(request)
        if "Transfer-Encoding" in headers:
            self.wfile.write(b"0\r\n\r\n")
        elif declared is not None and request.sent != int(declared):
            self.close_connection = True  # the client could not tell where the next answer begins


def _pieces(body: bytes | Iterable[bytes]) -> Iterable[bytes | memoryview]:
    if isinstance(body, bytes):
        view = memoryview(body)
        return (view[start : start + PIECE] for start in range(0, len(view), PIECE))
    return (piece for piece in body if piece)
