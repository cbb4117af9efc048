"""dicomweb-client works with the transport's session: its multipart reader, STOW, its own retries out of the way."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pydicom
import pytest
import requests
from pydicom.data import get_testdata_file
from servers.base import HangUp, Request, Response, Server

from metalith.errors import ConfigurationError, DataSourceError
from metalith.sources.http import Transport
from metalith.sources.transport_options import TransportOptions

FRAMES = [bytes([n]) * 5000 for n in range(4)]


class Dicomweb(Server):
    """A few answers of a DICOMweb server; `fail` has faults in front of them."""

    def __init__(self) -> None:
        super().__init__()
        self.fail: list[Callable[[], Response]] = []

    def answer(self, request: Request) -> Response:
        if self.fail:
            return self.fail.pop(0)()
        if request.method == "POST":
            return Response(200, b'{"00081190":{"vr":"UR","Value":["x"]}}', {"Content-Type": "application/dicom+json"})
        if "/frames/" in request.path:
            return Response(200, iter([multipart()[:3000], multipart()[3000:]]), {"Content-Type": MULTIPART})
        return Response(200, b'[{"00080060":{"vr":"CS","Value":["CT"]}}]', {"Content-Type": "application/dicom+json"})


MULTIPART = 'multipart/related; type="application/octet-stream"; boundary=xyz'


def multipart() -> bytes:
    head = b"\r\n--xyz\r\nContent-Type: application/octet-stream\r\n\r\n"
    return b"".join(head + frame for frame in FRAMES) + b"\r\n--xyz--"


@pytest.fixture
def server() -> Iterator[Dicomweb]:
    with Dicomweb() as server:
        yield server


@pytest.fixture
def client_for() -> Iterator[Callable[..., object]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from dicomweb_client.api import DICOMwebClient
    with ExitStack() as stack:

        def make(server: Dicomweb, **options: object) -> object:
            options = {"token": "s3cret", "backoff": 0.01, **options}
            transport = stack.enter_context(Transport([server.origin], **options))  # type: ignore[arg-type]
            client = DICOMwebClient(f"{server.origin}/dicom-web", session=transport.session)
            client.set_http_retry_params(retry=False)  # otherwise it repeats whatever raises, with pauses of its own
            return client

        yield make


def test_frames(server, client_for):
    client = client_for(server)
    assert client.retrieve_instance_frames("1", "2", "3", [1, 2, 3, 4]) == FRAMES
    assert list(client.iter_instance_frames("1", "2", "3", [1, 2, 3, 4])) == FRAMES
    assert all(request.headers["authorization"] == "Bearer s3cret" for request in server.requests)
    server.fail = [lambda: Response(503), cut]
    assert client.retrieve_instance_frames("1", "2", "3", [1, 2, 3, 4]) == FRAMES


def cut() -> Response:
    def pieces() -> Iterator[bytes]:
        yield multipart()[:6000]
        raise HangUp

    return Response(200, pieces(), {"Content-Type": MULTIPART})


def test_frames_that_are_cut_off(server, client_for):
    client = client_for(server, retries=0)
    server.fail = [cut]
    with pytest.raises(DataSourceError, match="whole"):
        client.retrieve_instance_frames("1", "2", "3", [1, 2, 3, 4])
    server.fail = [cut]
    with pytest.raises(DataSourceError, match="whole"):
        list(client.iter_instance_frames("1", "2", "3", [1, 2, 3, 4]))


def test_frames_are_limited(server, client_for):
    client = client_for(server, max_bytes=10_000)
    with pytest.raises(DataSourceError, match="max_bytes"):
        client.retrieve_instance_frames("1", "2", "3", [1])


@pytest.mark.parametrize("chunk", [1_000, 10_000_000])
def test_store(server, client_for, chunk):
    client = client_for(server)
    client.set_chunk_size(chunk)
    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    client.store_instances([dataset])
    (request,) = server.requests
    assert request.headers["authorization"] == "Bearer s3cret"
    part = request.body.partition(b"\r\n\r\n")[2]
    assert pydicom.dcmread(io.BytesIO(part)).SOPInstanceUID == dataset.SOPInstanceUID


def test_refusals(server, client_for):
    client = client_for(server)
    server.fail = [lambda: Response(404)]
    with pytest.raises(DataSourceError) as caught:
        client.search_for_studies(search_filters={"PatientName": "DOE"})
    assert (caught.value.status, caught.value.url) == (404, f"{server.origin}/dicom-web/studies")
    assert client.search_for_studies()[0]["00080060"]["Value"] == ["CT"]


def test_it_is_a_session(server):
    with Transport([server.origin], retries=0) as transport:
        session = transport.session
        assert isinstance(session, requests.Session)
        seen: list[int] = []
        session.hooks["response"].append(lambda response, **_: seen.append(response.status_code))
        answer = session.post(f"{server.origin}/x", json={"a": 1}, headers={"X": "y"}, params={"q": "1"})
        assert answer.json()["00081190"]["vr"] == "UR"
        (request,) = server.requests
        assert (request.body, request.target) == (b'{"a": 1}', "/x?q=1")
        assert (request.headers["content-type"], request.headers["x"]) == ("application/json", "y")
        assert seen == [200]
        session.post(f"{server.origin}/x", files={"file": b"data"})
        assert request is not server.requests[-1]
        assert b'name="file"' in server.requests[-1].body
        with session.get(f"{server.origin}/x", stream=True) as answer:
            assert next(answer.iter_content(5)) == b'[{"00'
        server.fail = [lambda: Response(500)]
        answer = session.get(f"{server.origin}/x?PatientName=DOE")
        assert answer.status_code == 500
        with pytest.raises(DataSourceError, match="Internal Server Error"):
            answer.raise_for_status()
        with pytest.raises(DataSourceError):
            session.get("file:///etc/passwd")


@pytest.mark.parametrize(
    ("options", "told"),
    [({"auth": "a:b"}, "auth"), ({"auth": ("a", "b", "c")}, "auth"), ({"auth": 5}, "auth")]
    + [({"verify": "/no/such.pem"}, "verify"), ({"cert": ["/no/such.pem"]}, "cert")],
)
def test_what_no_request_could_be_made_with_is_told_as_configuration(options, told):
    with pytest.raises(ConfigurationError, match=f"^{told}") as raised:
        TransportOptions.of(options, "web").transport("https://host")
    assert "such.pem" not in str(raised.value)
