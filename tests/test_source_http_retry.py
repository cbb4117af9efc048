"""What is sent again, when, and how often; and that calling off ends every wait."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email.utils import formatdate

import pytest
from servers.base import HangUp, Request, Response, Server

from metalith.errors import Cancelled, DataSourceError
from metalith.sources._cancel import Cancel
from metalith.sources.http import Transport, retry

BODY = b'[{"00280010":{"vr":"US","Value":[512]}}]'
JSON = {"Content-Type": "application/dicom+json"}


class Scripted(Server):
    """Gives one answer after the other, the last one for ever; an answer may be a function of the request."""

    def __init__(self, answers: tuple[object, ...]) -> None:
        super().__init__()
        self.answers = answers

    def answer(self, request: Request) -> Response:
        number = min(self.requests.index(request), len(self.answers) - 1)
        answer = self.answers[number]
        return answer(request) if callable(answer) else answer  # type: ignore[return-value]


@pytest.fixture
def of() -> Iterator[Callable[..., tuple[Transport, str, Scripted]]]:
    with ExitStack() as stack:

        def make(*answers: object, **options: object) -> tuple[Transport, str, Scripted]:
            server = stack.enter_context(Scripted(answers))
            transport = Transport([server.origin], **{"backoff": 0.01, "timeout": 5, **options})  # type: ignore[arg-type]
            return stack.enter_context(transport), f"{server.origin}/x", server

        yield make


def hang_up(request: Request) -> Response:
    raise HangUp


def cut(request: Request) -> Response:
    return Response(200, BODY[:20], {**JSON, "Content-Length": str(len(BODY))})


def cut_chunks(request: Request) -> Response:
    def pieces() -> Iterator[bytes]:
        yield BODY[:20]
        raise HangUp(reset=True)

    return Response(200, pieces(), JSON)


GOOD = Response(200, BODY, JSON)


@pytest.mark.parametrize(
    "failure", [*(Response(status) for status in (408, 429, 502, 503, 504)), hang_up, cut, cut_chunks]
)
def test_reading_is_repeated(of, failure):
    for ask in (
        lambda transport, url: len(transport.metadata(url)) == 1,
        lambda transport, url: transport.get_bytes(url) == BODY,
        lambda transport, url: transport.session.get(url).content == BODY,
    ):
        transport, url, server = of(failure, failure, GOOD)
        assert ask(transport, url)
        assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 406, 409, 410, 500, 501])
def test_what_does_not_pass_is_not_repeated(of, status):
    transport, url, server = of(Response(status))
    with pytest.raises(DataSourceError) as caught:
        transport.metadata(url)
    assert caught.value.status == status
    assert len(server.requests) == 1


def test_damaged_json_and_too_much_are_not_repeated(of):
    transport, url, server = of(Response(200, b"[{]", JSON))
    with pytest.raises(ValueError, match="not JSON"):
        transport.metadata(url)
    with pytest.raises(DataSourceError, match="max_bytes"):
        transport.get_bytes(url, max_bytes=1)
    assert len(server.requests) == 2


def test_it_ends(of):
    transport, url, server = of(Response(503), retries=2)
    with pytest.raises(DataSourceError) as caught:
        transport.metadata(url)
    assert (caught.value.status, caught.value.reason) == (503, "Service Unavailable (tried 3 times)")
    assert len(server.requests) == 3
    assert transport.session.get(url).status_code == 503
    assert len(server.requests) == 6
    transport, url, server = of(cut, retries=1)
    with pytest.raises(DataSourceError, match=r"ended before it was whole \(tried 2 times\)"):
        transport.metadata(url)


def test_a_stream_is_the_callers(of):
    transport, url, server = of(cut)
    with transport.request("GET", url, stream=True) as response, pytest.raises(DataSourceError, match="whole"):
        response.raw.read()
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "times"),
    [
        (Response(503), 1),
        (Response(503, b"", {"Retry-After": "0"}), 3),
        (Response(429), 3),
        (Response(408), 1),
        (Response(502), 1),
        (Response(504), 1),
        (hang_up, 1),
        (cut, 1),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_changing_is_repeated_only_when_nothing_was_done(of, method, answer, times):
    transport, url, server = of(answer, answer, GOOD)
    try:
        transport.request(method, url, data=b"instances")
    except DataSourceError:
        assert times == 1
    assert len(server.requests) == times
    assert all(request.body == b"instances" for request in server.requests)


def test_the_caller_may_know_better(of):
    transport, url, server = of(cut, Response(502), GOOD)
    assert transport.request("POST", url, data=b"query", retry=True).content == BODY
    transport, url, server = of(Response(429), GOOD)
    with pytest.raises(DataSourceError):
        transport.request("GET", url, retry=False)
    assert len(server.requests) == 1


def test_what_is_sent_is_sent_whole_again(of):
    file = io.BytesIO(b"..instances")
    file.seek(2)
    transport, url, server = of(Response(429), Response(503, b"", {"Retry-After": "0"}), GOOD)
    transport.request("POST", url, data=file)
    assert [request.body for request in server.requests] == [b"instances"] * 3
    transport, url, server = of(Response(429), GOOD)
    with pytest.raises(DataSourceError) as caught:
        transport.request("POST", url, data=iter([b"inst", b"ances"]))
    assert caught.value.status == 429
    assert [request.body for request in server.requests] == [b"instances"]
    transport.request("POST", url, data=bytearray(b"a"))
    transport.request("POST", url, data=memoryview(b"b"))
    assert [request.body for request in server.requests[1:]] == [b"a", b"b"]


def test_no_connection_is_tried_again_whatever_the_method():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    with Transport([], retries=2, backoff=0.01) as transport, pytest.raises(DataSourceError, match="tried 3 times"):
        transport.request("POST", f"http://127.0.0.1:{address[1]}/", data=b"x")


# ---- pauses ----


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_as_long_as_the_server_wants(of, form):
    def busy(request: Request) -> Response:
        return Response(
            503, b"", {"Retry-After": "1" if form == "seconds" else formatdate(time.time() + 2, usegmt=True)}
        )

    transport, url, server = of(busy, GOOD)
    transport.get_bytes(url)
    first, second = server.requests
    assert 0.9 < second.began - first.began < 4


def test_pauses():
    assert all(0.25 <= retry.pause(0, 0.5, None) <= 0.5 for _ in range(100))
    assert len({retry.pause(0, 0.5, None) for _ in range(10)}) > 5
    assert all(2 <= retry.pause(3, 0.5, {}) <= 4 for _ in range(100))
    assert retry.pause(10_000, 0.5, None) <= retry.LONGEST
    assert retry.pause(0, 0.5, {"Retry-After": "7"}) == 7
    assert retry.pause(0, 0.5, {"Retry-After": "9" * 400}) == retry.LONGEST_ASKED
    assert retry.pause(0, 0.5, {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}) == retry.LONGEST_ASKED
    for nonsense in ("", "-1", "soon", "1.5e9", "٣", "Fri, 99 Dec 1999 23:59:59 GMT"):
        assert retry.asked_pause({"Retry-After": nonsense}) is None, nonsense
    assert retry.asked_pause({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}) == 0


def test_no_pause_longer_than_the_time_that_is_left(of):
    transport, url, _ = of(Response(503, b"", {"Retry-After": "60"}), total_timeout=5)
    began = time.monotonic()
    with pytest.raises(DataSourceError) as caught:
        transport.get_bytes(url)
    assert caught.value.status == 503
    assert time.monotonic() - began < 2


# ---- calling off ----


def soon(cancel: Cancel) -> threading.Timer:
    timer = threading.Timer(0.15, cancel.cancel)
    timer.start()
    return timer


def wait_for_head(request: Request) -> Response:
    request.pause(10)
    return GOOD


def wait_in_body(request: Request) -> Response:
    def pieces() -> Iterator[bytes]:
        yield b"["
        request.pause(10)
        yield b"]"

    return Response(200, pieces(), JSON)


@pytest.mark.parametrize(
    "answer", [wait_for_head, wait_in_body, Response(503, b"", {"Retry-After": "30"})], ids=["head", "body", "pause"]
)
@pytest.mark.parametrize("what", ["metadata", "get_bytes", "get_json", "stream"])
def test_cancel(of, answer, what):
    transport, url, server = of(answer)
    cancel = Cancel()
    timer = soon(cancel)
    began = time.monotonic()
    asks = {"stream": lambda url, cancel: transport.request("GET", url, cancel=cancel, stream=True).raw.read()}
    ask = asks.get(what) or getattr(transport, what)
    with pytest.raises(Cancelled):
        ask(url, cancel=cancel)
    assert time.monotonic() - began < 1.5
    timer.join()
    assert not cancel._callbacks
    count = len(server.requests)
    with pytest.raises(Cancelled):
        transport.metadata(url, cancel=cancel)
    assert len(server.requests) == count


def test_cancel_while_waiting_for_a_connection(of):
    transport, url, _ = of(wait_in_body, connections=1)
    with transport.request("GET", url, stream=True):
        cancel = Cancel()
        timer = soon(cancel)
        with pytest.raises(Cancelled):
            transport.get_bytes(url, cancel=cancel)
        timer.join()


def test_cancel_while_sending(of):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:  # which takes nothing
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with Transport([url], timeout=20) as transport:
            cancel = Cancel()
            timer = soon(cancel)
            began = time.monotonic()
            with pytest.raises(Cancelled):
                transport.request("POST", url, data=bytes(64 << 20), cancel=cancel)
            assert time.monotonic() - began < 2
            timer.join()


def test_cancel_through_another_session(of):
    import requests

    with requests.Session() as session:
        transport, url, _ = of(wait_in_body, session=session)
        cancel = Cancel()
        timer = soon(cancel)
        began = time.monotonic()
        with pytest.raises(Cancelled):
            transport.metadata(url, cancel=cancel)
        assert time.monotonic() - began < 2
        timer.join()


def test_cancelling_afterwards_hurts_nobody(of):
    """The connection is another request's by then."""
    transport, url, server = of(GOOD, lambda request: request.pause(0.2) or GOOD)
    cancel = Cancel()
    transport.get_bytes(url, cancel=cancel)
    done: list[bytes] = []
    thread = threading.Thread(target=lambda: done.append(transport.get_bytes(url)))
    thread.start()
    time.sleep(0.05)
    cancel.cancel()
    thread.join()
    assert done == [BODY]
    assert len({request.client for request in server.requests}) == 1
    assert len(server.requests) == 2


def test_progress_may_end_it(of):
    def stop(count: int) -> None:
        raise KeyboardInterrupt

    transport, url, _ = of(GOOD, connections=1)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            transport.metadata(url, progress=stop)
    assert transport.get_bytes(url) == BODY
