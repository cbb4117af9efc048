"""The servers of the tests do as they promise: seen with plain `requests`, which knows nothing of them."""

from __future__ import annotations

import json
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests
from pydicom import dcmread
from servers import faults
from servers.archive import dicom_json, read, selection
from servers.base import Request, Response, Server
from servers.files import FileServer
from servers.misbehaving import Habits, QidoServer
from servers.orthanc import Orthanc, loaded
from servers.proxy import FaultProxy
from servers.recorder import Recorder
from servers.static import StaticServer, static_dicomweb

pytest_plugins = ["servers.fixtures"]

STUDY, SERIES, INSTANCE = "0020000D", "0020000E", "00080018"
US = "examples_ybr_color.dcm"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def uids(rows: list[dict], tag: str) -> list[str]:
    return [row[tag]["Value"][0] for row in rows]


def place(root: str, name: str, *, instance: bool = False) -> str:
    """The resource of the series, or instance, of one of pydicom's files."""
    of = loaded(next(path for path in selection() if path.name == name))
    return f"{root}/studies/{of.study}/series/{of.series}" + (f"/instances/{of.instance}" if instance else "")


# Orthanc


def test_orthanc_has_the_selection(orthanc_server: Orthanc, http: requests.Session) -> None:
    studies = http.get(f"{orthanc_server.root}/studies", headers={"Accept": "application/dicom+json"}).json()
    assert set(uids(studies, STUDY)) == {one.study for one in orthanc_server.loaded}
    assert len(orthanc_server.loaded) == len({one.instance for one in orthanc_server.loaded}) == len(selection())
    metadata = http.get(place(orthanc_server.root, "CT_small.dcm") + "/metadata").json()
    assert metadata[0]["00280010"]["Value"] == [128]
    of = next(one for one in orthanc_server.loaded if one.path.name == US)
    wado = f"requestType=WADO&objectUID={of.instance}&contentType=application/dicom"  # it does not understand %2F
    assert http.get(f"{orthanc_server.wado_uri_root}?{wado}").content[128:132] == b"DICM"
    assert len(http.get(f"{orthanc_server.rest}/instances").json()) == len(orthanc_server.loaded)


def test_orthanc_of_ones_own(make_orthanc: Callable[..., Orthanc], http: requests.Session) -> None:
    server = make_orthanc(user=("someone", "secret"))
    assert http.get(f"{server.root}/studies").status_code == 401
    assert http.get(f"{server.root}/studies", auth=server.user).json() == []
    server.load(selection()[:2])
    assert len(http.get(f"{server.root}/studies", auth=server.user).json()) == 2
    with pytest.raises(RuntimeError, match="did not store CT_small"):
        server.load(selection()[:1])  # has it already
    server.remove_all()
    assert http.get(f"{server.root}/instances", auth=server.user).json() == []


def test_orthanc_leaves_nothing(make_orthanc: Callable[..., Orthanc], tmp_path: Path, monkeypatch) -> None:
    from servers.orthanc import orthanc

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with orthanc(selection()[:1]) as server:
        assert list(tmp_path.iterdir())
        port = server.port
    assert not list(tmp_path.iterdir())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 2)


# static


def test_static_server_answers_every_level_and_ignores_queries(
    static_server: StaticServer, http: requests.Session
) -> None:
    root = static_server.root
    answer = http.get(f"{root}/studies", params={"PatientName": "nobody", "limit": 1})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Type"] == "application/dicom+json"
    known = [loaded(path) for path in selection()]
    assert set(uids(answer.json(), STUDY)) == {one.study for one in known}
    for study in uids(answer.json(), STUDY):
        series = http.get(f"{root}/studies/{study}/series").json()
        assert set(uids(series, SERIES)) == {one.series for one in known if one.study == study}
        assert len(http.get(f"{root}/studies/{study}/metadata").json()) == sum(one.study == study for one in known)
        assert uids(http.get(f"{root}/studies/{study}").json(), STUDY) == [study]
    assert len(http.get(place(root, "CT_small.dcm") + "/instances?offset=5").json()) == 1
    assert http.get(f"{root}/studies/1.2.3/metadata").status_code == 404
    assert http.get(f"{root}/../../../etc/passwd").status_code == 404
    assert http.post(f"{root}/studies", data=b"x").status_code == 405


@pytest.mark.parametrize("level", ["study", "series", "instance"])
def test_bulk_data_is_relative_to_the_metadata(static_server: StaticServer, http: requests.Session, level: str) -> None:
    name = "waveform_ecg.dcm"
    instance = place(static_server.root, name, instance=True)
    base = {"study": instance.split("/series/")[0], "series": instance.split("/instances/")[0], "instance": instance}
    url = f"{base[level]}/metadata"
    waveforms = [item["54001010"] for item in http.get(url).json()[0]["54000100"]["Value"]]
    assert all(not waveform["BulkDataURI"].startswith(("/", "http")) for waveform in waveforms)
    file = dcmread(next(path for path in selection() if path.name == name))
    for waveform, item in zip(waveforms, file.WaveformSequence, strict=True):
        answer = http.get(urljoin(url, waveform["BulkDataURI"]))
        assert answer.headers["Content-Type"].startswith('multipart/related; type="application/octet-stream"')
        assert item.WaveformData in answer.content


def test_frames_of_a_static_server(http: requests.Session) -> None:
    with static_dicomweb(
        [p for p in selection() if p.name in (US, "MR_small.dcm")], zipped=False, multipart=False
    ) as server:
        url = place(server.root, US) + "/metadata"
        answer = http.get(url)
        assert "Content-Encoding" not in answer.headers
        frames = urljoin(url, answer.json()[0]["7FE00010"]["BulkDataURI"])
        assert all(http.get(f"{frames}/{n}").content.startswith(b"\xff\xd8") for n in range(1, 31))
        assert http.get(f"{frames}/31").status_code == 404
        frame = http.get(place(server.root, "MR_small.dcm", instance=True) + "/frames/1").content
        assert frame == dcmread(next(p for p in selection() if p.name == "MR_small.dcm")).PixelData


# files


@pytest.mark.parametrize(
    ("asked", "status", "span"),
    [
        ("bytes=0-9", 206, (0, 10)),
        ("bytes=100-", 206, (100, 256)),
        ("bytes=-6", 206, (250, 256)),
        ("bytes=250-999", 206, (250, 256)),
        ("bytes=-999", 206, (0, 256)),
        ("bytes=256-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=9-3", 200, (0, 256)),
        ("bytes=0-1,4-5", 200, (0, 256)),
        (None, 200, (0, 256)),
    ],
)
def test_ranges(http: requests.Session, asked: str | None, status: int, span: tuple[int, int] | None) -> None:
    content = bytes(range(256))
    with FileServer({"a/b.dcm": content}) as server:
        answer = http.get(server.url("a/b.dcm"), headers={"Range": asked} if asked else {})
        assert answer.status_code == status
        assert answer.content == (content[slice(*span)] if span else b"")
        expected = {206: f"bytes {span[0]}-{span[1] - 1}/256" if span else "", 416: "bytes */256"}.get(status)
        assert answer.headers.get("Content-Range") == expected
        (request,) = server.requests
        assert (request.method, request.path, request.range, request.status) == ("GET", "/a/b.dcm", asked, status)
        assert request.sent == len(answer.content)


def test_switches_of_the_file_server(http: requests.Session) -> None:
    with FileServer({"x": b"0123456789" * 100_000}) as server:
        url, some = server.url("x"), {"Range": "bytes=10-19"}
        etag = http.get(url, headers=some).headers["ETag"]
        server.ranges = "ignore"
        assert len(http.get(url, headers=some).content) == 1_000_000
        server.ranges = "refuse"
        assert http.get(url, headers=some).status_code == 416
        server.ranges, server.lengths = "honour", False
        answer = http.get(url, headers=some)
        assert (answer.status_code, answer.content, answer.headers["Transfer-Encoding"]) == (
            206,
            b"0123456789",
            "chunked",
        )
        assert "Content-Length" not in answer.headers
        head = http.head(url)
        assert (head.status_code, head.content) == (200, b"")
        server.files["x"] = b"new"
        answer = http.get(url, headers={**some, "If-Range": etag})
        assert (answer.status_code, answer.content) == (200, b"new")
        assert len({request.client for request in server.requests}) == 1  # the connection was kept all the time
        assert server.most_in_flight == 1


def test_the_selection_as_files(file_server: FileServer, http: requests.Session) -> None:
    assert len(file_server.files) == len(selection())
    for path in selection():
        assert http.get(file_server.url(path.name)).content == path.read_bytes()


# the proxy and its faults


@pytest.fixture
def plain() -> Iterator[FileServer]:
    with FileServer(
        {"json": json.dumps([{"a": "b" * 1000}] * 10).encode()}, media_type="application/dicom+json"
    ) as server:
        yield server


@pytest.fixture
def proxy(plain: FileServer, fault_proxy: Callable[[str], FaultProxy]) -> FaultProxy:
    return fault_proxy(plain.origin)


def test_the_proxy_passes_on(orthanc_server: Orthanc, fault_proxy: Callable[[str], FaultProxy], http) -> None:
    proxy = fault_proxy(orthanc_server.root)
    url = place(orthanc_server.root, "CT_small.dcm") + "/metadata"
    direct, passed = http.get(url), http.get(proxy.url(url), headers={"Authorization": "Bearer t"})
    assert passed.headers["Content-Type"] == direct.headers["Content-Type"]
    text = passed.text.replace(proxy.origin, orthanc_server.origin)  # Orthanc calls itself what it was called
    assert json.loads(text) == direct.json()
    assert proxy.origin in passed.text
    assert proxy.requests[0].headers["authorization"] == "Bearer t"
    assert http.post(proxy.url(f"{orthanc_server.rest}/tools/find"), json={"Level": "Study", "Query": {}}).json()
    assert (
        http.post(proxy.url(f"{orthanc_server.rest}/tools/find"), data=iter([b'{"Level":', b"1}"])).status_code == 400
    )


def test_rules_are_counted_and_fit_by_path_and_method(proxy: FaultProxy, plain: FileServer, http) -> None:
    url = f"{proxy.origin}/json"
    rule = proxy.add(faults.busy(503), path="^/json$", method="GET", times=2, skip=1)
    other = proxy.add(faults.status(500), path="never")
    assert [http.get(url).status_code for _ in range(4)] == [200, 503, 503, 200]
    assert (rule.used, other.used) == (2, 0)
    assert len(plain.requests) == 2  # the faulty ones did not get there
    proxy.add(faults.status(401, WWW_Authenticate="Basic"), when=lambda request: "authorization" not in request.headers)
    assert http.get(url).headers["WWW-Authenticate"] == "Basic"
    assert http.get(url, headers={"Authorization": "x"}).status_code == 200
    proxy.clear()
    assert http.get(url).status_code == 200
    assert len(proxy.requests) == 1


def test_statuses(proxy: FaultProxy, http: requests.Session) -> None:
    url = f"{proxy.origin}/json"
    for code in (204, 401, 403, 404, 500, 502, 504):
        proxy.add(faults.status(code), times=1)
        answer = http.get(url)
        assert (answer.status_code, answer.content) == (code, b"")
    proxy.add(faults.busy(429, after=7), times=1)
    assert http.get(url).headers["Retry-After"] == "7"
    proxy.add(faults.busy(503, after=7, as_date=True), times=1)
    wait = parsedate_to_datetime(http.get(url).headers["Retry-After"]).timestamp() - time.time()
    assert 5 < wait <= 7
    proxy.add(faults.busy(after=None), times=1)
    assert "Retry-After" not in http.get(url).headers


def test_slowness(proxy: FaultProxy, http: requests.Session) -> None:
    url = f"{proxy.origin}/json"
    proxy.add(faults.delay(0.2), times=1)
    with pytest.raises(requests.ReadTimeout):
        http.get(url, timeout=0.05)
    proxy.add(faults.trickle(0.02, piece=2000), times=1)
    began = time.monotonic()
    answer = http.get(url)
    assert time.monotonic() - began > 0.1
    assert len(answer.json()) == 10
    assert answer.headers["Content-Length"] == str(len(answer.content))


def received(http: requests.Session, url: str) -> tuple[int, str]:
    """How much of a body comes, and what ends it."""
    size = 0
    try:
        for piece in http.get(url, stream=True).iter_content(100):
            size += len(piece)
    except requests.RequestException as error:
        return size, str(error)
    return size, ""


def test_ends_of_connections(proxy: FaultProxy, http: requests.Session) -> None:
    url = f"{proxy.origin}/json"
    for fault, words in (
        (faults.cut(5000), "reset by peer"),
        (faults.cut(5000, reset=False), "IncompleteRead(5000 bytes"),
        (faults.cut(5000, reset=False, chunked=True), "ended prematurely"),
    ):
        proxy.add(fault, times=1)
        size, error = received(http, url)
        assert size <= 5000
        assert words in error
    for fault in (faults.hang_up(), faults.hang_up(reset=True), faults.garbage()):
        proxy.add(fault, times=1)
        with pytest.raises(requests.ConnectionError):
            http.get(url)
    assert http.get(url).status_code == 200


def test_bodies_that_are_not_what_they_seem(proxy: FaultProxy, plain: FileServer, http: requests.Session) -> None:
    url, body = f"{proxy.origin}/json", plain.files["json"]
    proxy.add(faults.retyped("text/html"), times=1)
    assert http.get(url).headers["Content-Type"] == "text/html"
    proxy.add(faults.retyped(None), times=1)
    assert "Content-Type" not in http.get(url).headers
    proxy.add(faults.mismeasured(10), times=1)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        http.get(url)
    proxy.add(faults.mismeasured(-10), times=1)
    assert http.get(url).content == body[:-10]
    proxy.add(faults.replaced(b"<html>"), times=1)
    assert http.get(url).content == b"<html>"
    proxy.add(faults.edited(lambda body: body[:-1]), times=1)
    assert http.get(url).content == body[:-1]
    proxy.add(faults.gzipped(), times=1)
    assert http.get(url).content == body
    proxy.add(faults.gzipped(keep=40), times=1)
    raw = http.get(url, stream=True).raw.read(decode_content=False)
    assert len(raw) == 40
    proxy.add(faults.refuse_gzip())
    assert http.get(url).status_code == 406
    assert http.get(url, headers={"Accept-Encoding": "identity"}).content == body


def test_bombs_and_endless_bodies(proxy: FaultProxy, http: requests.Session) -> None:
    url = f"{proxy.origin}/json"
    proxy.add(faults.gzip_bomb(64 << 20), times=1)
    raw = http.get(url, stream=True).raw.read(decode_content=False)
    content = zlib.decompress(raw, 31)  # checks sum and size
    assert len(raw) < 100_000
    assert len(content) == (64 << 20) + 2
    assert content.strip(b"[] ") == b""
    assert (content[:1], content[-1:]) == (b"[", b"]")
    for fault in (faults.gzip_bomb(4 << 30), faults.endless()):
        proxy.add(fault, times=1)
        with http.get(url, stream=True) as answer:
            size = 0
            for piece in answer.iter_content(1 << 20):
                size += len(piece)
                if size > 32 << 20:
                    break
        assert proxy.settle()  # both notice that nobody listens any more
        assert proxy.requests[-1].aborted or proxy.requests[-1].sent < 5 << 20


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects(proxy: FaultProxy, recorder: Recorder, http: requests.Session, code: int) -> None:
    proxy.add(faults.redirect(code, recorder.origin_as("localhost")), times=1)
    answer = http.post(f"{proxy.origin}/json?a=1", data=b"x", headers={"Authorization": "Bearer t", "Cookie": "c=1"})
    assert answer.json() == []
    (request,) = recorder.requests
    assert (request.target, request.method) == ("/json?a=1", "GET" if code < 307 else "POST")
    assert request.body == (b"" if code < 307 else b"x")
    assert request.headers["host"] == f"localhost:{recorder.port}"
    assert "authorization" not in dict(recorder.credentials)  # requests drops this one, and only this one
    proxy.add(faults.redirect(code, f"{proxy.origin}/json?b"), times=1)
    assert http.get(f"{proxy.origin}/elsewhere").status_code == 200
    assert [r.target for r in proxy.requests[-2:]] == ["/elsewhere", "/json?b"]


def test_the_recorder_sees_credentials(recorder: Recorder, http: requests.Session) -> None:
    http.get(recorder.origin, auth=("a", "b"))
    assert [name for name, _ in recorder.credentials] == ["authorization"]


def test_requests_in_flight(proxy: FaultProxy) -> None:
    proxy.add(faults.delay(0.3))
    threads = [threading.Thread(target=requests.get, args=(f"{proxy.origin}/json",)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert proxy.most_in_flight == 5
    assert all(request.ended and request.ended - request.began >= 0.3 for request in proxy.requests)
    assert len({request.client for request in proxy.requests}) == 5


def test_one_after_the_other_is_one_in_flight(plain: FileServer) -> None:
    for number in range(200):
        requests.head(plain.url("json")) if number % 2 else requests.get(plain.url("json"))
    assert plain.most_in_flight == 1


def test_the_real_server_is_gone(proxy: FaultProxy, plain: FileServer, http: requests.Session) -> None:
    plain.stop()
    assert http.get(f"{proxy.origin}/json").status_code == 502


# searching


def pages(http: requests.Session, server: QidoServer, step: int, many: int, **query: str) -> list[list[str]]:
    found = []
    for page in range(many):
        answer = http.get(f"{server.root}/studies", params={"limit": step, "offset": step * page, **query})
        found.append(uids(answer.json(), STUDY) if answer.content and answer.ok else [])
    return found


def test_paging_by_the_rules_and_otherwise(qido_server: Callable[..., QidoServer], http: requests.Session) -> None:
    server = qido_server()
    everything = pages(http, server, 1000, 1)[0]
    total = len(everything)
    assert total == len({loaded(path).study for path in selection()}) == 21
    assert pages(http, server, 10, 4) == [everything[:10], everything[10:20], everything[20:], []]

    server.habits = Habits(ignore_offset=True)
    assert pages(http, server, 10, 2) == [everything[:10]] * 2
    server.habits = Habits(repeat_last=True)
    assert pages(http, server, 10, 4)[2:] == [everything[20:], everything[11:]]
    server.habits = Habits(overlap=3)
    assert pages(http, server, 10, 3) == [everything[:10], everything[7:17], everything[17:]]
    server.habits = Habits(cap=4)
    assert pages(http, server, 10, 3) == [everything[:4], everything[10:14], everything[20:]]
    assert len(http.get(f"{server.root}/studies").json()) == 4
    assert http.get(f"{server.root}/studies?limit=x").status_code == 400


def test_what_is_said_of_more(qido_server: Callable[..., QidoServer], http: requests.Session) -> None:
    server = qido_server(Habits(cap=4))
    url = f"{server.root}/studies"
    assert "Warning" not in http.get(url).headers
    server.habits.beyond_cap = "warning"
    assert http.get(url).headers["Warning"].endswith('"There are 17 additional results that can be requested"')
    assert "Warning" not in http.get(f"{url}?limit=3").headers
    server.habits.beyond_cap = "413"
    assert http.get(url).status_code == 413
    assert len(http.get(f"{url}?limit=4").json()) == 4
    server.habits = Habits(announce=True)
    assert "There are 18 additional" in http.get(f"{url}?limit=3").headers["Warning"]
    assert "Warning" not in http.get(f"{url}?limit=21").headers
    server.habits = Habits(dry_from=10)
    answer = http.get(f"{url}?limit=10&offset=10")
    assert answer.json() == []
    assert "There are 11 additional" in answer.headers["Warning"]
    for code in ("204", "404"):
        server.habits = Habits(empty=code)
        assert http.get(f"{url}?PatientID=nobody").status_code == int(code)
        assert http.get(f"{url}?limit=1").status_code == 200


@pytest.mark.parametrize(
    ("level", "query", "count"),
    [
        ("studies", "PatientName=Doe*", 6),
        ("studies", "PatientName=DOE%5EPETER", 4),
        ("studies", "PatientName=*eter", 4),
        ("studies", "PatientName=Doe%5EPete?", 4),
        ("studies", "PatientName=eter", 0),
        ("studies", "00100010=Doe*&StudyDate=20010101", 2),
        ("studies", "StudyDate=20030101-20031231", 6),
        ("studies", "StudyDate=-20000101", 1),
        ("studies", "StudyDate=20150101-", 2),
        ("studies", "ModalitiesInStudy=US", 3),
        ("studies", "ModalitiesInStudy=SR,RTDOSE", 3),
        ("studies", "PatientID=", 21),
        ("studies", "NoSuchKeyword=1", 21),
        ("series", "Modality=MR&PatientName=Doe*", 7),
        ("instances", "Modality=RTDOSE&Rows=10", 1),
        ("instances", "ReferencedRTPlanSequence.ReferencedSOPInstanceUID=1.2.123.456.78.9.0123.4567.89012345678901", 1),
    ],
)
def test_matching(
    qido_server: Callable[..., QidoServer], http: requests.Session, level: str, query: str, count: int
) -> None:
    assert len(http.get(f"{qido_server().root}/{level}?{query}").json()) == count


def test_fuzzy_matching(qido_server: Callable[..., QidoServer], http: requests.Session) -> None:
    url = f"{qido_server(Habits(fuzzy=True)).root}/studies?PatientName=pet%20do&fuzzymatching=true"
    answer = http.get(url)
    assert len(answer.json()) == 4
    assert "Warning" not in answer.headers
    answer = http.get(url.replace("true", "false"))
    assert answer.json() == []
    answer = http.get(f"{qido_server().root}/studies?PatientName=pet%20do&fuzzymatching=true")
    assert answer.json() == []
    assert "fuzzymatching parameter is not supported" in answer.headers["Warning"]


def test_levels_fields_and_metadata(qido_server: Callable[..., QidoServer], http: requests.Session) -> None:
    root = qido_server().root
    ct = place(root, "CT_small.dcm")
    study = ct.split("/series/")[0]
    (row,) = http.get(f"{study}/series").json()
    assert "00080070" not in row
    assert row["00201209"]["Value"] == [1]
    (row,) = http.get(f"{study}/series?includefield=Manufacturer,00181030").json()
    assert row["00080070"]["Value"] == ["GE MEDICAL SYSTEMS"]
    (row,) = http.get(f"{ct}/instances?includefield=all").json()
    (whole,) = http.get(f"{ct}/metadata").json()
    assert row == whole == dicom_json(read(selection()[0], pixels=False))
    assert http.get(place(root, US, instance=True) + "/metadata").json()[0]["00280008"]["Value"] == [30]
    assert http.get(f"{root}/studies/1.2/metadata").status_code == 404
    assert http.get(f"{root}/studies/1.2").status_code == 406
    assert http.get(f"{root}/nothing").status_code == 404


def test_same_studies_and_series_as_orthanc(
    orthanc_server: Orthanc, qido_server: Callable[..., QidoServer], http: requests.Session
) -> None:
    ours = qido_server().root
    for query in ("studies?PatientName=Doe*", "studies?StudyDate=20030101-20031231", "series?Modality=MR"):
        tag = STUDY if query.startswith("studies") else SERIES
        theirs = http.get(f"{orthanc_server.root}/{query}").json()
        assert theirs
        assert set(uids(http.get(f"{ours}/{query}").json(), tag)) == set(uids(theirs, tag))


# all of them


def test_a_server_that_breaks_says_so() -> None:
    class Broken(Server):
        def answer(self, request: Request) -> Response:
            raise KeyError(request.path)

    def ask() -> None:
        with Broken() as server, pytest.raises(requests.ConnectionError):
            requests.get(server.origin)

    with pytest.raises(RuntimeError, match="Broken broke while answering") as error:
        ask()
    assert isinstance(error.value.__cause__, KeyError)


def test_servers_stop_at_once_whatever_goes_on(plain: FileServer) -> None:
    before, errors = threading.active_count(), []

    def wait(url: str) -> None:
        try:
            requests.get(url)
        except requests.ConnectionError as error:
            errors.append(error)

    with FaultProxy(plain.origin) as proxy:
        proxy.add(faults.delay(60), path="slow")
        proxy.add(faults.endless(), path="endless")
        waiting = threading.Thread(target=wait, args=(f"{proxy.origin}/slow",))
        waiting.start()
        with (
            requests.get(f"{proxy.origin}/endless", stream=True),
            socket.create_connection(("127.0.0.1", proxy.port)),
        ):
            began = time.monotonic()
            proxy.stop()
    waiting.join(5)
    assert time.monotonic() - began < 2
    assert len(errors) == 1
    plain.stop()
    assert threading.active_count() < before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port), 1)
