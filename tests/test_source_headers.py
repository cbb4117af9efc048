"""Headers of files on servers of every kind: right, in few requests and few bytes."""

from __future__ import annotations

import gzip
import threading
import time
import traceback
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pydicom
import pytest
import requests
from pydicom.data import get_testdata_file
from pydicom.uid import DeflatedExplicitVRLittleEndian
from servers import faults
from servers.base import HangUp, Request, Response, Server

import metalith
from metalith import modules
from metalith.errors import Cancelled, DataSourceError, NotDicomError, ParseError, TruncatedError
from metalith.sources._cancel import Cancel
from metalith.sources.headers import KEPT, RemoteFile, fetch_header
from metalith.sources.http import Response as HttpResponse
from metalith.sources.http import Transport

pytest_plugins = ["servers.fixtures"]

FIRST = 65536
CT = Path(get_testdata_file("CT_small.dcm")).read_bytes()
BIG = Path(get_testdata_file("examples_palette.dcm")).read_bytes()
BIG_HEADER = metalith.header_bytes(BIG)


def with_header_of(size: int, pixels: int = 3_000_000) -> bytes:
    """A file whose header is that long, of many elements."""
    file = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    block = file.private_block(0x0099, "METALITH TEST", create=True)
    items = [pydicom.Dataset() for _ in range(size // 1000)]
    for number, item in enumerate(items):
        item.add_new(0x00081155, "UI", f"1.2.{number}")
        item.add_new(0x00204000, "LT", "x" * 960)
    block.add_new(0x01, "SQ", items)
    file.PixelData = bytes(pixels)
    return written(file)


def written(file: pydicom.Dataset) -> bytes:
    buffer = pydicom.filebase.DicomBytesIO()
    file.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@pytest.fixture
def transport() -> Iterator[Transport]:
    with Transport([], retries=1, backoff=0.01, timeout=5) as made:
        yield made


class Scripted(Server):
    """Answers as a function says."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        super().__init__()
        self.answer = answer  # type: ignore[method-assign]

    @property
    def url(self) -> str:
        return f"{self.origin}/a.dcm"


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Request], Response]], Scripted]]:
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(Scripted(answer))


def span(request: Request) -> tuple[int, int]:
    first, _, last = (request.range or "").removeprefix("bytes=").partition("-")
    return int(first), int(last) + 1


def part(data: bytes, request: Request, **headers: str) -> Response:
    """The range that is asked for, as servers give it."""
    start, end = span(request)
    end = min(end, len(data))
    named = {
        "Content-Range": f"bytes {start}-{end - 1}/{len(data)}",
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    return Response(206, data[start:end], {name: value for name, value in named.items() if value})


def sent(server: Server) -> int:
    assert server.settle()
    return sum(request.sent for request in server.requests)


def same(instance: metalith.Instance, data: bytes) -> bool:
    wanted = metalith.read(data, bulk_above=KEPT)
    return metalith.denaturalize(instance) == metalith.denaturalize(wanted) and instance.file_meta == wanted.file_meta


# ---- as few requests and bytes as possible ----


def test_one_request_for_a_short_file(file_server, transport):
    file_server.files["a"] = CT
    assert same(fetch_header(transport, file_server.url("a")), CT)
    assert [request.range for request in file_server.requests] == [f"bytes=0-{FIRST - 1}"]
    assert sent(file_server) == len(CT)


@pytest.mark.parametrize("lengths", [True, False])
def test_one_request_for_a_short_header_of_a_long_file(file_server, transport, lengths):
    file_server.files["a"], file_server.lengths = with_header_of(10_000), lengths
    for _ in range(5):
        assert fetch_header(transport, file_server.url("a")).Rows == 128
    assert len(file_server.requests) == 5
    assert sent(file_server) == 5 * FIRST
    assert len({request.client for request in file_server.requests}) == 1, "the connection is kept"


@pytest.mark.parametrize("size", [100_000, 1_000_000, 10_000_000])
def test_a_long_header_takes_parts_that_grow(file_server, transport, size):
    data = with_header_of(size, pixels=40_000_000)
    header = metalith.header_bytes(data)
    file_server.files["a"] = data
    assert same(fetch_header(transport, file_server.url("a")), data)
    spans = [span(request) for request in file_server.requests]
    assert [start for start, _ in spans] == [0, *(end for _, end in spans[:-1])], "no byte comes twice"
    assert sent(file_server) <= 2 * header + FIRST
    assert len(spans) <= 2 + (header // FIRST).bit_length()
    assert {request.headers.get("if-range") for request in file_server.requests[1:]} == {f'"{zlib.crc32(data):08x}"'}


def test_look_up_tables_are_at_hand(file_server, transport):
    """Files on servers cannot be opened again for what was left in them."""
    file = pydicom.dcmread(get_testdata_file("examples_palette.dcm"))
    for keyword in ("Red", "Green", "Blue"):
        setattr(file, f"{keyword}PaletteColorLookupTableDescriptor", [0, 0, 16])  # 0 stands for 65,536
        setattr(file, f"{keyword}PaletteColorLookupTableData", bytes(range(256)) * 512)
    file_server.files["a"] = written(file)
    instance = fetch_header(transport, file_server.url("a"))
    palette = modules.build("paletteColorLookupTableModule", instance)
    assert len(instance.RedPaletteColorLookupTableData) == 131_072
    assert palette is not None


def test_the_limit_of_a_header(file_server, transport):
    file_server.files["a"] = data = with_header_of(1_000_000)
    with pytest.raises(ParseError, match="max_bytes=300,000"):
        fetch_header(transport, file_server.url("a"), max_bytes=300_000)
    assert sent(file_server) < 700_000
    assert fetch_header(transport, file_server.url("a"), max_bytes=metalith.header_bytes(data)).Rows == 128


def test_what_is_behind_the_end_is_not_asked_for(file_server, transport):
    file = pydicom.dcmread(get_testdata_file("test-SR.dcm"))
    file.add_new(0x00420011, "OB", bytes(100_000))  # no pixels: the header is the file
    file_server.files["a"] = data = written(file)
    assert same(fetch_header(transport, file_server.url("a")), data)
    assert sent(file_server) == len(data)
    assert len(file_server.requests) == 2


@pytest.mark.parametrize("lengths", [True, False])
@pytest.mark.parametrize("ranges", ["honour", "ignore", "refuse"])
@pytest.mark.parametrize("data", [CT, BIG, with_header_of(200_000)], ids=["short", "long", "long header"])
def test_every_kind_of_file_server(file_server, transport, ranges, lengths, data):
    file_server.files["a"], file_server.ranges, file_server.lengths = data, ranges, lengths
    assert same(fetch_header(transport, file_server.url("a")), data)
    assert len(file_server.requests) <= {"honour": 4, "ignore": 1, "refuse": 2}[ranges]


def test_where_ranges_are_ignored_the_rest_is_given_up(serve, transport):
    def answer(request: Request) -> Response:
        def body() -> Iterator[bytes]:
            yield CT[:6000]
            yield CT[6000:]
            for _ in range(4000):  # 4 GB, if anybody took them
                yield bytes(1 << 20)

        return Response(200, body(), {"Content-Length": str(len(CT) + (4000 << 20))})

    server = serve(answer)
    assert fetch_header(transport, server.url).Rows == 128
    assert sent(server) < 40 << 20, "what fits into buffers"
    assert server.requests[0].aborted
    assert fetch_header(transport, server.url).Rows == 128, "the transport's slot is free again"


@pytest.mark.parametrize("size", [0, 1, 100])
@pytest.mark.parametrize("ranges", ["honour", "ignore", "refuse"])
def test_files_that_are_next_to_nothing(file_server, transport, ranges, size):
    file_server.files["a"], file_server.ranges = CT[:size], ranges
    with pytest.raises(NotDicomError):
        fetch_header(transport, file_server.url("a"))
    assert len(file_server.requests) <= 2


def test_what_is_no_dicom(file_server, transport):
    file_server.files["a"] = b"<html>please sign in</html>" * 10_000
    with pytest.raises(NotDicomError, match=r"/a: no DICOM file"):
        fetch_header(transport, file_server.url("a") + "?token=secret")
    assert len(file_server.requests) == 1


@pytest.mark.parametrize("ranges", ["honour", "ignore"])
def test_a_file_that_ends_inside_of_its_header(file_server, transport, ranges):
    file_server.files["a"], file_server.ranges = with_header_of(300_000)[:150_000], ranges
    with pytest.raises(TruncatedError):
        fetch_header(transport, file_server.url("a"))


@pytest.mark.parametrize("ranges", ["honour", "ignore"])
def test_a_deflated_file(file_server, transport, ranges):
    file = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    file.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    file.add_new(0x00204000, "LT", "".join(chr(33 + n * n % 89) for n in range(10_000)))
    data = written(file)
    file_server.files["a"], file_server.ranges = data, ranges
    assert same(fetch_header(transport, file_server.url("a")), data)


# ---- servers with ways of their own ----


def test_compressed_though_it_was_not_to_be(file_server, transport, fault_proxy):
    proxy = fault_proxy(file_server.origin)
    file_server.files["a"], file_server.ranges = BIG, "ignore"
    proxy.add(faults.gzipped())
    assert same(fetch_header(transport, proxy.origin + "/a"), BIG)
    assert proxy.requests[0].headers["accept-encoding"] == "identity"


def test_a_part_of_what_is_compressed_is_no_part(serve, transport):
    packed = gzip.compress(BIG)

    def answer(request: Request) -> Response:
        if request.range:
            return part(packed, request, Content_Encoding="gzip")
        return Response(200, packed, {"Content-Encoding": "gzip"})

    server = serve(answer)
    assert same(fetch_header(transport, server.url), BIG)
    assert [request.range is None for request in server.requests] == [False, True]


def test_a_bomb_goes_off_at_the_limit(serve, transport):
    def answer(request: Request) -> Response:
        # an element of a header that goes on and on, in zeros
        head = CT[:132] + b"\x02\0\0\0UL\x04\0\0\0\0\0" + b"\x09\0\1\0OB\0\0" + (1 << 30).to_bytes(4, "little")
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)

        def body() -> Iterator[bytes]:
            yield packer.compress(head)
            for _ in range(64):
                yield packer.compress(bytes(1 << 20))
            yield packer.flush()

        return Response(200, body(), {"Content-Encoding": "gzip"})

    tracemalloc.start()
    try:
        with pytest.raises(ParseError, match="max_bytes"):
            fetch_header(transport, serve(answer).url, max_bytes=10_000_000)
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()


ODD = {
    "another part": lambda data, request: Response(
        206, data[10 : 10 + FIRST], {"Content-Range": f"bytes 10-{FIRST + 9}/{len(data)}"}
    ),
    "another part, without its length": lambda data, request: Response(
        206, iter([data[10 : 10 + FIRST]]), {"Content-Range": f"bytes 10-{FIRST + 9}/{len(data)}"}
    ),
    "nothing": lambda data, request: part(
        data[: span(request)[0]], request, Content_Range=f"bytes {span(request)[0]}-{span(request)[0] - 1}/{len(data)}"
    ),
    "no Content-Range": lambda data, request: Response(206, data[:FIRST]),
    "garbage": lambda data, request: part(data, request, Content_Range="bytes 0-zzz/12"),
    "backwards": lambda data, request: part(data, request, Content_Range="bytes 9-0/12"),
    "behind its end": lambda data, request: part(data, request, Content_Range=f"bytes 0-{FIRST - 1}/12"),
    "another unit": lambda data, request: part(data, request, Content_Range=f"lines 0-{FIRST - 1}/{len(data)}"),
    "a number of 5000 digits": lambda data, request: part(data, request, Content_Range=f"bytes 0-{'9' * 5000}/*"),
    "another length": lambda data, request: part(data, request, Content_Range=f"bytes 0-99/{len(data)}"),
    "multipart": lambda data, request: Response(
        206,
        b"--b\r\nContent-Range: bytes 0-9/100\r\n\r\n" + data[:10] + b"\r\n--b--\r\n",
        {"Content-Type": "multipart/byteranges; boundary=b"},
    ),
    "416 without anything": lambda data, request: Response(416),
    "416 with another size": lambda data, request: Response(416, b"no", {"Content-Range": "bytes */5"}),
}


@pytest.mark.parametrize("odd", ODD)
def test_a_part_that_is_not_what_was_asked_for_is_not_used(serve, transport, odd):
    server = serve(lambda request: ODD[odd](BIG, request) if request.range else Response(200, BIG))
    assert same(fetch_header(transport, server.url), BIG)
    assert [request.range is None for request in server.requests] == [False, True]


@pytest.mark.parametrize("odd", [name for name in ODD if name != "416 with another size"])
def test_nor_is_it_later(serve, transport, odd):
    data = with_header_of(200_000)

    def answer(request: Request) -> Response:
        if request.range is None:
            return Response(200, data)
        return part(data, request) if span(request)[0] == 0 else ODD[odd](data, request)

    server = serve(answer)
    assert same(fetch_header(transport, server.url), data)
    assert len(server.requests) == 3


def test_shorter_parts_than_asked_for_are_parts(serve, transport):
    data = with_header_of(100_000)

    def answer(request: Request) -> Response:
        start, _ = span(request)
        end = min(start + 30_000, len(data))
        return Response(206, data[start:end], {"Content-Range": f"bytes {start}-{end - 1}/*"})

    server = serve(answer)
    assert same(fetch_header(transport, server.url), data)
    assert len(server.requests) <= 6


def test_a_part_that_is_all_the_rest_is_not_read_to_its_end(serve, transport):
    def answer(request: Request) -> Response:
        size = 3 << 30

        def body() -> Iterator[bytes]:
            yield CT
            while True:
                yield bytes(1 << 20)

        return Response(206, body(), {"Content-Range": f"bytes 0-{size - 1}/{size}", "Content-Length": str(size)})

    server = serve(answer)
    assert fetch_header(transport, server.url).Rows == 128
    assert sent(server) < 40 << 20


def test_a_size_that_is_not_told(serve, transport):
    """A file without pixels that ends just where a part does: only 416 tells the end."""
    file = pydicom.dcmread(get_testdata_file("test-SR.dcm"))
    size = len(written(file))
    file.add_new(0x00420011, "OB", bytes(FIRST - size - 12))
    data = written(file)
    assert len(data) == FIRST

    def answer(request: Request) -> Response:
        start, end = span(request)
        if start >= len(data):
            return Response(416, b"", {"Content-Range": f"bytes */{len(data)}"})
        return Response(206, data[start:end], {"Content-Range": f"bytes {start}-{min(end, len(data)) - 1}/*"})

    server = serve(answer)
    assert same(fetch_header(transport, server.url), data)
    assert len(server.requests) == 2


# ---- changes ----

OLD, NEW = with_header_of(200_000), with_header_of(150_000)


def changing(tags: Callable[[bytes], dict[str, str]], conditional: bool) -> Callable[[Request], Response]:
    """A server whose file is another one from the second request on."""
    seen: list[bytes] = []

    def answer(request: Request) -> Response:
        seen.append(OLD if not seen else NEW)
        data = seen[-1]
        wanted = request.headers.get("if-range")
        if request.range is None or (conditional and wanted not in (None, tags(data).get("ETag"))):
            return Response(200, data, tags(data))
        return part(data, request, **tags(data))

    return answer


@pytest.mark.parametrize("conditional", [True, False])
@pytest.mark.parametrize(
    "tags",
    [
        lambda data: {"ETag": f'"{len(data)}"'},
        lambda data: {"ETag": f'W/"{len(data)}"'},
        lambda data: {"Last-Modified": f"Sat, 07 Nov 2026 00:00:{len(data) % 60:02} GMT"},
        lambda data: {},
    ],
    ids=["strong", "weak", "date", "nothing but the size"],
)
def test_a_file_that_changes_is_read_from_its_beginning(serve, transport, tags, conditional):
    server = serve(changing(tags, conditional))
    assert same(fetch_header(transport, server.url), NEW)
    if conditional and tags(b"").get("ETag", "").startswith('"'):
        assert len(server.requests) == 2, "the answer that tells of the change has the file"
    weak = any("if-range" in request.headers for request in server.requests) and tags(b"").get("ETag", "W")[0] == "W"
    assert not weak, "a weak tag is of no use in If-Range"


def test_a_file_that_changes_all_the_time_is_given_up(serve, transport):
    numbers = iter(range(1000))
    data = with_header_of(200_000)
    server = serve(lambda request: part(data, request, ETag=f'"{next(numbers)}"'))
    with pytest.raises(DataSourceError, match="changed again and again"):
        fetch_header(transport, server.url)
    assert len(server.requests) < 12


# ---- faults ----


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("ranges", ["honour", "ignore"])
def test_an_answer_that_is_cut_off_is_gone_on_with(file_server, transport, fault_proxy, ranges, chunked):
    data = with_header_of(1_000_000, pixels=1000)
    file_server.files["a"], file_server.ranges = data, ranges
    proxy = fault_proxy(file_server.origin)
    proxy.add(faults.cut(50_000, chunked=chunked), times=1)
    proxy.add(faults.cut(200_000, chunked=chunked), times=1)
    assert same(fetch_header(transport, proxy.origin + "/a"), data)
    starts = [span(request)[0] for request in proxy.requests]
    assert starts[1] == 0 or ranges == "ignore"
    assert starts == sorted(starts), "what has come is not asked for again"


def test_cuts_come_to_an_end(file_server, transport, fault_proxy):
    file_server.files["a"] = BIG
    proxy = fault_proxy(file_server.origin)
    proxy.add(faults.cut(100))
    url = proxy.origin + "/a?token=" + "secret"
    with pytest.raises(DataSourceError, match=r"ended before it was whole|connection broke") as caught:
        fetch_header(transport, url, retries=2)
    assert len(proxy.requests) == 3
    text = "".join(traceback.format_exception(caught.value))
    assert "token" not in text.replace('"/a?token="', "")
    assert "During handling" not in text


def test_parts_of_nothing_come_to_an_end(serve, transport):
    def answer(request: Request) -> Response:
        def nothing() -> Iterator[bytes]:
            yield from ()

        return Response(206, nothing(), {"Content-Range": f"bytes 0-99/{len(CT)}"})

    server = serve(answer)
    with pytest.raises(DataSourceError, match="ended before it was whole"):
        fetch_header(transport, server.url, retries=2)
    assert len(server.requests) == 3


def test_passing_faults_are_the_transports(file_server, transport, fault_proxy):
    file_server.files["a"] = CT
    proxy = fault_proxy(file_server.origin)
    proxy.add(faults.status(502), times=1)
    assert same(fetch_header(transport, proxy.origin + "/a"), CT)


@pytest.mark.parametrize("status", [204, 300, 301, 304, 401, 403, 404, 410, 500])
def test_refusals(serve, transport, status):
    server = serve(lambda request: Response(status))
    for allowed in (None, lambda url: True):
        with pytest.raises(DataSourceError) as caught:
            fetch_header(transport, server.url + "?patient=doe", allowed=allowed)
        assert caught.value.status == status
        assert "doe" not in str(caught.value)
    assert len(server.requests) == 2


def test_a_slow_server_can_be_called_off(file_server, transport, fault_proxy):
    file_server.files["a"] = BIG
    proxy = fault_proxy(file_server.origin)
    proxy.add(faults.trickle(0.02, piece=10))
    cancel = Cancel()
    threading.Timer(0.2, cancel.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        fetch_header(transport, proxy.origin + "/a", cancel=cancel)
    assert time.monotonic() - began < 2
    assert proxy.settle()


def test_a_server_that_says_nothing_is_given_up(file_server, fault_proxy):
    file_server.files["a"] = BIG
    proxy = fault_proxy(file_server.origin)
    proxy.add(faults.delay(30))
    with Transport([], retries=0, timeout=0.2) as transport, pytest.raises(DataSourceError, match="too long"):
        fetch_header(transport, proxy.origin + "/a")


def test_a_slow_server_is_waited_for(file_server, transport, fault_proxy):
    file_server.files["a"] = CT
    proxy = fault_proxy(file_server.origin)
    proxy.add(faults.trickle(0.02, piece=4000))
    assert same(fetch_header(transport, proxy.origin + "/a"), CT)


# ---- redirects ----


def test_credentials_stay_behind_at_a_redirect(file_server, fault_proxy):
    data = with_header_of(200_000)
    file_server.files["a"] = data
    proxy = fault_proxy(file_server.origin)
    proxy.add(faults.redirect(302, file_server.origin))
    with Transport([proxy.origin], token="secret") as transport:
        assert same(fetch_header(transport, proxy.origin + "/a"), data)
    assert {request.headers.get("authorization") for request in proxy.requests} == {"Bearer secret"}
    assert {request.headers.get("authorization") for request in file_server.requests} == {None}
    assert all(request.range for request in file_server.requests)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_asked_about_before_they_are_followed(file_server, fault_proxy, transport, code):
    data = with_header_of(200_000)
    file_server.files["a"] = data
    proxy = fault_proxy(file_server.origin)
    proxy.add(faults.redirect(code, file_server.origin))
    asked: list[str] = []
    assert same(fetch_header(transport, proxy.origin + "/a?x=1", allowed=lambda url: asked.append(url) or True), data)
    assert asked == [file_server.url("a?x=1")]
    assert len(proxy.requests) == 1, "further parts are asked for where the first one was found"
    file_server.clear()
    with pytest.raises(DataSourceError, match="none of those that were given"):
        fetch_header(transport, proxy.origin + "/a", allowed=lambda url: False)
    assert file_server.requests == []


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("file:///etc/passwd", "no http or https"),
        ("http://[", "no http or https"),
        ("//h:99999/", "no http or https"),
        ("/again", "more than 10 times"),
        ("", "no http or https"),
    ],
)
def test_redirects_to_nowhere(serve, transport, location, reason):
    server = serve(lambda request: Response(302, b"", {"Location": location}))
    with pytest.raises(DataSourceError, match=reason) as caught:
        fetch_header(transport, server.url, allowed=lambda url: True)
    assert "passwd" not in str(caught.value)
    assert len(server.requests) == (11 if location == "/again" else 1)


def test_no_redirect_from_https_to_http(transport):
    answer = HttpResponse()
    answer.url, answer.status_code, answer.location = "https://h/a", 302, "http://h/a"
    answer.request = requests.Request("GET", answer.url).prepare()
    file = RemoteFile(transport, "https://h/a", allowed=lambda url: True, max_bytes=1000)
    with pytest.raises(DataSourceError, match="from https to http"):
        file._target(answer)
    answer.location = "/b"
    assert file._target(answer) == "https://h/b"


def test_a_connection_that_ends_between_two_parts(serve, transport):
    """Keep-alive connections end at any time; the next part comes over another one."""
    data = with_header_of(200_000)
    server = serve(lambda request: part(data, request, Connection="close"))
    assert same(fetch_header(transport, server.url), data)
    assert len({request.client for request in server.requests}) == len(server.requests)


def test_a_server_that_hangs_up(serve, transport):
    def answer(request: Request) -> Response:
        raise HangUp

    with pytest.raises(DataSourceError):
        fetch_header(transport, serve(answer).url)
