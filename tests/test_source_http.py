"""The transport does what it is asked for: bodies, tables, limits, time limits, and clear errors for the rest."""

from __future__ import annotations

import gzip
import json
import sys
import threading
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain, repeat

import pytest
from servers.base import HangUp, Request, Response, Server

import metalith
from metalith.errors import ConfigurationError, DataSourceError, ParseError
from metalith.sources.http import Transport
from metalith.sources.http.encodings import accepted

JSON = {"Content-Type": "application/dicom+json"}
CUT = "the answer ended before it was whole"
ROWS = [{"00280010": {"vr": "US", "Value": [n]}, "00080018": {"vr": "UI", "Value": [f"1.2.{n}"]}} for n in range(50)]
BODY = json.dumps(ROWS).encode()


class Scripted(Server):
    """Answers as a function says."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        super().__init__()
        self.answer = answer  # type: ignore[method-assign]


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Request], Response]], Scripted]]:
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(Scripted(answer))


@pytest.fixture
def of(serve):
    """A transport for a server of this one answer, and a URL there."""
    with ExitStack() as stack:

        def make(answer: Response | Callable[[Request], Response], **options):
            server = serve(answer if callable(answer) else lambda request: answer)
            options = {"retries": 0, "backoff": 0.01, "timeout": 5, **options}
            return stack.enter_context(Transport([server.origin], **options)), f"{server.origin}/a/metadata"

        yield make


def fails(call: Callable[[], object]) -> DataSourceError:
    """The error; its traceback shows nothing of what is underneath."""
    with pytest.raises(DataSourceError) as caught:
        call()
    text = "".join(traceback.format_exception(caught.value))
    assert "During handling" not in text
    assert "direct cause" not in text
    return caught.value


# ---- tables ----


@pytest.mark.parametrize("pieces", [None, 1, 7, 1000])
@pytest.mark.parametrize("coding", ["", "gzip", "x-gzip", "deflate", "raw deflate"])
def test_metadata(of, pieces, coding):
    raw = zlib.compressobj(wbits=-15)
    body = {
        "": lambda: BODY,
        "deflate": lambda: zlib.compress(BODY),
        "raw deflate": lambda: raw.compress(BODY) + raw.flush(),
    }.get(coding, lambda: gzip.compress(BODY))()
    headers = {**JSON, **({"Content-Encoding": coding.removeprefix("raw ")} if coding else {})}
    parts = None if pieces is None else [body[at : at + pieces] for at in range(0, len(body), pieces)]
    transport, url = of(lambda request: Response(200, body if parts is None else iter(parts), headers))
    counts: list[int] = []
    table = transport.metadata(url, progress=counts.append)
    assert list(table.column("Rows")) == list(range(50))
    assert counts == sorted(counts)
    assert counts[-1] == len(BODY)


@pytest.mark.parametrize("coding", ["br", "zstd"])
def test_codings_that_urllib3_may_know(of, coding):
    if coding not in accepted():
        pytest.skip(f"urllib3 cannot undo {coding} here")
    if coding == "br":
        import brotli

        pack = brotli.compress
    else:
        zstd = pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
        pack = zstd.compress
    transport, url = of(Response(200, pack(BODY), {**JSON, "Content-Encoding": coding}))
    assert len(transport.metadata(url)) == 50
    bomb = pack(b"[" + b" " * (64 << 20))
    transport, url = of(Response(200, bomb, {**JSON, "Content-Encoding": coding}), max_bytes=1 << 20)
    assert "max_bytes" in fails(lambda: transport.metadata(url)).reason
    for missing in (1, 9):
        transport, url = of(Response(200, pack(BODY)[:-missing], {**JSON, "Content-Encoding": coding}))
        assert fails(lambda transport=transport, url=url: transport.metadata(url)).reason == CUT
    transport, url = of(Response(200, iter(bytes([byte]) for byte in pack(BODY)), {**JSON, "Content-Encoding": coding}))
    assert len(transport.metadata(url)) == 50
    transport, url = of(Response(200, BODY, {**JSON, "Content-Encoding": coding}))
    assert "damaged" in fails(lambda: transport.get_bytes(url)).reason


def test_members_of_gzip_are_one_body(of):
    half = len(BODY) // 2
    body = gzip.compress(BODY[:half]) + gzip.compress(BODY[half:]) + bytes(8)
    for parts in (1, 3):
        pieces = [body[at : at + parts] for at in range(0, len(body), parts)]
        transport, url = of(Response(200, pieces, {**JSON, "Content-Encoding": "gzip"}))
        assert len(transport.metadata(url)) == 50


def test_a_body_is_scanned_as_it_arrives(of):
    transport, url = of(lambda request: Response(200, (BODY[at : at + 97] for at in range(0, len(BODY), 97)), JSON))
    assert metalith.dumps(transport.metadata(url)) == metalith.dumps(metalith.naturalize(BODY))


@pytest.mark.parametrize("answer", [Response(204), Response(200, b"", JSON), Response(200, iter([]), JSON)])
def test_nothing_is_an_empty_table(of, answer):
    transport, url = of(answer)
    assert len(transport.metadata(url)) == 0


def test_what_is_asked_for(of):
    seen: list[Request] = []
    transport, url = of(lambda request: seen.append(request) or Response(200, BODY, JSON))
    transport.metadata(url, params=[("PatientName", "DOE^J*"), ("includefield", "all"), ("includefield", "Rows")])
    (request,) = seen
    assert request.headers["accept"] == "application/dicom+json"
    assert "gzip" in request.headers["accept-encoding"]
    assert request.headers["user-agent"] == f"metalith/{metalith.__version__}"
    assert request.query == [("PatientName", "DOE^J*"), ("includefield", "all"), ("includefield", "Rows")]


@pytest.mark.parametrize(
    ("kind", "body", "word"),
    [
        ("text/html; charset=utf-8", b"<!doctype html><title>Sign in</title>", "login"),
        ("text/html", BODY, "login"),
        ("application/octet-stream", b"\n  <html>", "login"),
        ("application/dicom+json", b"<html>", "login"),
        ("multipart/related; type=application/dicom+xml; boundary=x", b"--x\r\n", "DICOM XML"),
        ("application/dicom+xml", b"<NativeDicomModel/>", "DICOM XML"),
        ("text/xml", b"<a/>", "DICOM XML"),
        ("image/png", b"\x89PNG", "something else"),
        ("application/json; charset=iso-8859-1", '[{"00100010":{"vr":"PN"},"é":1}]'.encode("latin-1"), "UTF-8"),
        ("application/json; charset=utf-16", "[]".encode("utf-16"), "UTF-8"),
    ],
)
def test_what_is_no_dicom_json(of, kind, body, word):
    transport, url = of(Response(200, body, {"Content-Type": kind}))
    error = fails(lambda: transport.metadata(url))
    assert word in error.reason
    assert (error.method, error.status, error.url) == ("GET", 200, url)


@pytest.mark.parametrize(
    "kind",
    ["application/json", "application/dicom+json;charset=UTF-8", "application/octet-stream", "text/plain", "", "no"],
)
def test_what_may_be_dicom_json(of, kind):
    transport, url = of(Response(200, b"\n " + BODY, {"Content-Type": kind} if kind else {}))
    assert len(transport.metadata(url)) == 50


def test_damaged_json_is_a_parse_error_that_names_the_url(of):
    transport, url = of(Response(200, b'[{"00100010":{"vr":"PN","Value":[{"Alphabetic":"DOE^JANE"}]}},nonsense]', JSON))
    with pytest.raises(ParseError) as caught:
        transport.metadata(url, params={"PatientName": "DOE"})
    assert caught.value.source == url
    assert "DOE" not in str(caught.value)
    with pytest.raises(ParseError, match="max_json_depth"):
        transport.metadata(url, max_json_depth=1)
    with pytest.raises(TypeError, match="max_bites"):
        transport.metadata(url, max_bites=1)


# ---- bodies ----


def test_bytes_and_json(of):
    transport, url = of(lambda r: Response(204) if "none" in r.target else Response(200, b'{"a":[1]}', JSON))
    assert transport.get_bytes(url) == b'{"a":[1]}'
    assert transport.get_json(url) == {"a": [1]}
    assert (transport.get_bytes(url, params={"none": 1}), transport.get_json(url, params={"none": 1})) == (b"", None)
    response = transport.request("get", url)
    assert (response.status_code, response.json(), response.content) == (200, {"a": [1]}, b'{"a":[1]}')
    transport, url = of(Response(200, b"{", JSON))
    assert fails(lambda: transport.get_json(url)).reason == "the answer is not JSON"


def test_streamed(of):
    transport, url = of(lambda r: Response(200, iter([b"abc", b"defg", b"h"]), {}))
    with transport.request("GET", url, stream=True) as response:
        assert list(response.iter_content(3)) == [b"abc", b"def", b"gh"]
    with transport.request("GET", url, stream=True) as response:
        assert [response.raw.read(2), response.raw.read(100), response.raw.read(1)] == [b"ab", b"cdefgh", b""]
    response = transport.request("GET", url, stream=True)
    response.close()
    assert fails(lambda: response.raw.read(1)).reason == "the answer was closed before its end"


def test_head_and_statuses(of):
    transport, url = of(lambda r: Response(404 if "no" in r.target else 206, b"x" * 10, {}))
    head = transport.request("HEAD", url, expected=(206,))
    assert (head.status_code, head.content, head.headers["Content-Length"]) == (206, b"", "10")
    error = fails(lambda: transport.request("GET", f"{url}?no=DOE"))
    assert (error.status, error.reason, error.url) == (404, "Not Found", url)
    assert transport.request("GET", f"{url}?no", expected=None).status_code == 404
    assert fails(lambda: transport.get_bytes(url)).status == 206
    transport, url = of(Response(599))
    assert fails(lambda: transport.get_bytes(url)).reason == "an unknown status"


def test_a_range_is_one_of_what_is_not_compressed(of):
    seen: list[Request] = []
    transport, url = of(lambda request: seen.append(request) or Response(206, b"ab"))
    transport.get_bytes(url, headers={"range": "bytes=0-1"}, expected=(206,))
    assert seen[0].headers["accept-encoding"] == "identity"


def test_connections_are_used_again(of):
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return Response(404 if len(seen) == 2 else 200, b"no" if len(seen) == 2 else BODY, JSON)

    transport, url = of(answer)
    transport.metadata(url)
    fails(lambda: transport.metadata(url))
    transport.get_bytes(url)
    assert len({request.client for request in seen}) == 1


# ---- limits ----


@pytest.mark.parametrize("chunked", [False, True])
def test_size(of, chunked):
    transport, url = of(lambda r: Response(200, iter([BODY]) if chunked else BODY, JSON), max_bytes=len(BODY))
    assert len(transport.metadata(url)) == 50
    for call in (
        lambda: transport.get_bytes(url, max_bytes=len(BODY) - 1),
        lambda: transport.metadata(url, max_bytes=len(BODY) - 1),
        lambda: transport.request("GET", url, max_bytes=10),
        lambda: transport.get_json(url, max_bytes=10),
    ):
        assert "max_bytes=" in fails(call).reason


def test_size_is_that_of_what_is_wanted(of):
    other = {"/a/metadata": Response(302, b"x" * 100, {"Location": "/b"}), "/c": Response(404, b"x" * 100)}
    transport, url = of(lambda request: other.get(request.path, Response(200, b"ok")), max_bytes=10)
    assert transport.get_bytes(url) == b"ok"
    assert fails(lambda: transport.get_bytes(url.replace("/a/metadata", "/c"))).status == 404


def test_size_by_the_limits_in_force(of):
    transport, url = of(Response(200, BODY, JSON))
    with metalith.limits(max_bytes=100):
        assert "max_bytes=100" in fails(lambda: transport.get_bytes(url)).reason
        assert "max_bytes=100" in fails(lambda: transport.session.get(url)).reason
    assert transport.get_bytes(url) == BODY


def test_a_bomb_stops_early(of):
    import tracemalloc

    packer = zlib.compressobj(9, wbits=31)
    blanks = bytes(1 << 20).replace(b"\0", b" ")
    bomb = packer.compress(b"[") + b"".join(packer.compress(blanks) for _ in range(300)) + packer.flush()
    transport, url = of(Response(200, bomb, {**JSON, "Content-Encoding": "gzip"}), max_bytes=3 << 20)
    tracemalloc.start()
    try:
        for call in (transport.metadata, transport.get_bytes, lambda url: transport.session.get(url)):
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            assert "max_bytes" in fails(lambda call=call: call(url)).reason
            assert tracemalloc.get_traced_memory()[1] - before < 24 << 20
    finally:
        tracemalloc.stop()


def test_an_endless_body_stops(of):
    def forever(request: Request) -> Response:
        return Response(200, chain([b"["], repeat(b"{}," + b" " * 65536)), JSON)

    transport, url = of(forever, max_bytes=1 << 20)
    assert "max_bytes" in fails(lambda: transport.metadata(url)).reason


def test_an_endless_body_that_is_damaged_stops_at_the_damage(of):
    transport, url = of(lambda request: Response(200, chain([b"[{},x"], repeat(b"{}," * 30_000)), JSON))
    with pytest.raises(ParseError) as caught:
        transport.metadata(url)
    assert caught.value.offset == 4


def test_an_endless_redirect_is_not_read(of):
    headers = {"Location": "/b"}
    transport, url = of(
        lambda r: Response(302, iter(lambda: bytes(65536), None), headers) if "/a" in r.path else Response(200, b"ok")
    )
    assert transport.get_bytes(url) == b"ok"
    assert transport.session.get(url).content == b"ok"


# ---- bodies that are not whole ----


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY[:-40], {"Content-Length": str(len(BODY))}),
        (b"", {"Content-Length": str(len(BODY))}),
        (gzip.compress(BODY)[:-30], {"Content-Encoding": "gzip"}),
        (gzip.compress(BODY)[:-4], {"Content-Encoding": "gzip"}),
        (BODY[:-40], {"Connection": "close"}),
        (b"", {"Connection": "close"}),
    ],
)
def test_cut_off(of, body, headers):
    whole = "Connection" not in headers
    transport, url = of(lambda r: Response(200, body if whole else iter([body]), {**JSON, **headers}))
    error = fails(lambda: transport.metadata(url))
    assert error.reason == CUT
    assert error.status == 200
    if whole:  # what ends with the connection is whole by definition, for who cannot look into it
        assert fails(lambda: transport.get_bytes(url)).reason == error.reason
        assert fails(lambda: transport.session.get(url)).reason == error.reason
        with transport.request("GET", url, stream=True) as response:
            assert fails(lambda: list(response.iter_content(1000))).reason == error.reason


@pytest.mark.parametrize("reset", [False, True])
def test_cut_off_chunks(of, reset):
    def pieces() -> Iterator[bytes]:
        yield BODY[:500]
        raise HangUp(reset=reset)

    transport, url = of(lambda r: Response(200, pieces(), JSON))
    for call in (transport.metadata, transport.get_bytes, transport.session.get):
        assert fails(lambda call=call: call(url)).reason == CUT


def test_damaged_compression(of):
    body = bytearray(gzip.compress(BODY))
    body[len(body) // 2] ^= 0xFF
    transport, url = of(Response(200, bytes(body), {**JSON, "Content-Encoding": "gzip"}))
    assert "damaged" in fails(lambda: transport.get_bytes(url)).reason
    transport, url = of(Response(200, BODY, {**JSON, "Content-Encoding": "gzip"}))
    assert "damaged" in fails(lambda: transport.get_bytes(url)).reason
    transport, url = of(Response(200, BODY, {**JSON, "Content-Encoding": "compress"}))
    assert "not asked for" in fails(lambda: transport.get_bytes(url)).reason


def test_no_http(of):
    for answer in (
        Response(200, b"", {}, status_line=b"\x16\x03\x01 what"),
        Response(200, b"", {}, status_line=b"HTTP/1.1 " + b"2" * 70_000),
    ):
        transport, url = of(answer)
        error = fails(lambda transport=transport, url=url: transport.get_bytes(url))
        assert (error.reason, error.status) == ("the answer is not HTTP", None)


def test_two_lengths():
    import socket

    def say() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(10_000)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=say)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with Transport([url], retries=0) as transport:
            assert fails(lambda: transport.get_bytes(url)).reason == "the answer is not HTTP"
        thread.join()


# ---- time ----


def test_between_two_bytes(of):
    def pieces(request: Request) -> Iterator[bytes]:
        yield b"["
        request.pause(10)

    transport, url = of(lambda r: Response(200, pieces(r), JSON), timeout=(5, 0.2))
    began = time.monotonic()
    assert "for too long" in fails(lambda: transport.metadata(url)).reason
    transport, url = of(lambda r: r.pause(10) or Response(200), timeout=(5, 0.2))
    assert "for too long" in fails(lambda: transport.metadata(url)).reason
    assert "for too long" in fails(lambda: transport.session.get(url)).reason
    assert "for too long" in fails(lambda: transport.session.get(url, timeout=0.1)).reason
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("first", [b"", b"["])
def test_all_in_all(of, first):
    def slowly(request: Request) -> Iterator[bytes]:
        yield first
        for _ in range(200):
            request.pause(0.05)
            yield b" "

    def answer(request: Request) -> Response:
        if not first:
            request.pause(3)
        return Response(200, slowly(request), JSON)

    transport, url = of(answer, total_timeout=0.4)
    began = time.monotonic()
    error = fails(lambda: transport.metadata(url))
    assert "total_timeout=0.4" in error.reason
    assert fails(lambda: transport.session.get(url)).reason == error.reason
    assert time.monotonic() - began < 2.5


def test_headers_that_trickle(of):
    """Each byte comes in time, so only the limit of all ends it."""
    import socket

    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while True:
                    connection.sendall(b"x")
                    time.sleep(0.02)
            except OSError:
                pass

    thread = threading.Thread(target=drip)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with Transport([url], total_timeout=0.3, retries=0) as transport:
        began = time.monotonic()
        assert "total_timeout" in fails(lambda: transport.get_bytes(url)).reason
        assert time.monotonic() - began < 2
    thread.join(5)
    listener.close()
    assert not thread.is_alive()


def test_no_thread_is_left(of):
    transport, url = of(Response(200, BODY, JSON))
    transport.metadata(url)  # the one that keeps all time limits
    before = threading.active_count()
    for _ in range(5):
        transport.metadata(url)
    response = transport.request("GET", url, stream=True)
    del response
    for _ in range(50):
        if threading.active_count() <= before + 1:  # the server's, for the connection
            break
        time.sleep(0.02)
    assert threading.active_count() <= before + 1


# ---- many threads ----


def test_many_threads_share_the_connections(of, serve):
    server = serve(lambda request: request.pause(0.01) or Response(200, BODY, JSON))
    with Transport([server.origin], connections=4) as transport:
        results: list[int] = []

        def work() -> None:
            for _ in range(5):
                results.append(len(transport.metadata(f"{server.origin}/")))

        threads = [threading.Thread(target=work) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [50] * 60
    assert server.most_in_flight <= 4
    assert len({request.client for request in server.requests}) <= 4


def test_answers_that_nobody_reads_do_not_use_up_the_connections(of):
    transport, url = of(lambda r: Response(200, iter([b"a" * 100_000] * 10), {}), connections=1)
    for _ in range(3):
        transport.request("GET", url, stream=True)  # forgotten
        with transport.request("GET", url, stream=True) as response:
            response.raw.read(1)
    fails(lambda: transport.get_bytes(url, max_bytes=10))
    assert len(transport.get_bytes(url)) == 1_000_000


# ---- settings ----


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"origins": ["ftp://host"]}, "origins"),
        ({"origins": ["localhost:8042"]}, "origins"),
        ({"origins": ["http://secret:pw@host:port"]}, "origins"),
        ({"origins": ["http://a:b@host", "http://c:d@host"]}, "origins"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": (1, 2, 3)}, "timeout"),
        ({"timeout": (1, None)}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"total_timeout": -1}, "total_timeout"),
        ({"retries": -1}, "retries"),
        ({"retries": True}, "retries"),
        ({"backoff": "x"}, "backoff"),
        ({"max_bytes": 1.5}, "max_bytes"),
        ({"connections": 0}, "connections"),
        ({"token": 5}, "token"),
        ({"token": "secret\r\nX: y"}, "token"),
        ({"token": "secret", "auth": ("a", "b")}, "token and auth"),
        ({"token": "secret", "headers": {"authorization": "secret"}}, "token and headers"),
        ({"headers": {"X-Key": "secret\n"}}, "headers: the value of X-Key"),
        ({"headers": {"secret key": "secret"}}, "headers"),
    ],
)
def test_settings(options, name):
    with pytest.raises(ConfigurationError) as caught:
        Transport(**{"origins": ["http://localhost"], **options})
    assert str(caught.value).startswith(name)
    assert "secret" not in "".join(traceback.format_exception_only(caught.value))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "/relative", "http://", "ftp://h/x", "http://h:x/", "", "a b"])
def test_no_url(url):
    with Transport([]) as transport:
        assert "no http or https URL" in fails(lambda: transport.get_bytes(url)).reason
        assert "no http or https URL" in fails(lambda: transport.metadata(url)).reason


def test_nobody_there():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Transport([], retries=0) as transport:
        error = fails(lambda: transport.get_bytes(f"http://user:pw@127.0.0.1:{port}/a?PatientName=DOE#x"))
        assert error.reason == "no connection: Connection refused"
        assert str(error) == f"GET http://127.0.0.1:{port}/a: no connection: Connection refused"
        assert "name of the host" in fails(lambda: transport.get_bytes("http://no-such-host.invalid/")).reason
