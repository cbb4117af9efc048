"""Credentials go to the configured origins, and nowhere else; nothing that may be secret is shown."""

from __future__ import annotations

import copy
import logging
import pickle
import shutil
import ssl
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from requests.auth import HTTPDigestAuth
from servers.base import Request, Response, Server

from metalith.errors import Cancelled, ConfigurationError, DataSourceError, MetalithError
from metalith.sources._cancel import Cancel
from metalith.sources.http import Transport, origin_of

SECRETS = ("authorization", "cookie", "x-key", "x-mine", "proxy-authorization")


class Scripted(Server):
    def __init__(self, answer: Callable[[Request], Response]) -> None:
        super().__init__()
        self.answer = answer  # type: ignore[method-assign]


@pytest.fixture
def serve() -> Iterator[Callable[..., Scripted]]:
    with ExitStack() as stack:
        yield lambda answer=lambda request: Response(200, b"ok"): stack.enter_context(Scripted(answer))


def secrets_in(request: Request) -> list[str]:
    return [name for name in SECRETS if name in request.headers]


OPTIONS: dict[str, object] = {"token": "s3cret", "headers": {"X-Key": "s3cret", "Cookie": "a=s3cret"}, "retries": 0}


@pytest.mark.parametrize("how", ["direct", "redirect", "other name", "relative to the network", "there and back"])
@pytest.mark.parametrize("through", ["transport", "session", "stream"])
def test_only_to_the_origins(serve, how, through):
    other = serve(lambda r: Response(302, b"", {"Location": back}) if "back" in r.path else Response(200, b"ok"))
    target = {
        "direct": f"{other.origin}/x",
        "redirect": f"{other.origin}/x",
        "other name": f"{other.origin_as('localhost')}/x",
        "relative to the network": f"//127.0.0.1:{other.port}/x",
        "there and back": f"{other.origin}/back",
    }[how]
    home = serve(lambda r: Response(307, b"", {"Location": target}) if r.path == "/go" else Response(200, b"ok"))
    back = f"{home.origin}/returned"
    url = target if how == "direct" else f"{home.origin}/go"
    with Transport([home.origin], **OPTIONS) as transport:
        extra = {"X-Mine": "s3cret", "Range": "bytes=0-"}
        if through == "session":
            transport.session.headers["X-Mine"] = "s3cret"
            answer = transport.session.get(url, headers=extra)
        else:
            answer = transport.request("GET", url, headers=extra, stream=through == "stream")
        assert answer.content == b"ok"
        transport.get_bytes(f"{home.origin}/")
    assert other.requests
    assert [secrets_in(request) for request in other.requests] == [[]] * len(other.requests)
    assert other.requests[0].headers["range"] == "bytes=0-"
    for request in home.requests:
        if request.path == "/returned":
            assert secrets_in(request) == []
        else:
            assert request.headers["authorization"] == "Bearer s3cret"
            assert request.headers["x-key"] == "s3cret"


@pytest.mark.parametrize("auth", [("user", "s3cret"), HTTPDigestAuth("user", "s3cret"), lambda r: _sign(r)])
def test_auth_stays_at_home(serve, auth):
    other = serve(lambda r: Response(401, b"", {"WWW-Authenticate": 'Digest realm="r", nonce="n"'}))
    home = serve(lambda r: Response(302, b"", {"Location": f"{other.origin}/"}))
    with Transport([home.origin], auth=auth, retries=0) as transport:
        with pytest.raises(DataSourceError, match="no credentials are sent there") as caught:
            transport.get_bytes(f"{home.origin}/")
        assert caught.value.status == 401
    assert secrets_in(other.requests[0]) == []
    assert len(other.requests) == 1


def _sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
    request.headers["Authorization"] = "Signature s3cret"
    return request


def test_digest(serve):
    huge = b"x" * 100_000

    def answer(request: Request) -> Response:
        if "authorization" in request.headers:
            return Response(200, b"ok")
        return Response(401, huge, {"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'})

    home = serve(answer)
    with Transport([home.origin], auth=HTTPDigestAuth("user", "s3cret"), connections=1) as transport:
        assert transport.get_bytes(f"{home.origin}/") == b"ok"
        assert transport.get_bytes(f"{home.origin}/") == b"ok"
    home = serve(answer)
    with Transport([home.origin], auth=HTTPDigestAuth("user", "s3cret"), connections=1, retries=0) as transport:
        for _ in range(2):
            with pytest.raises(DataSourceError, match="max_bytes"):
                transport.get_bytes(f"{home.origin}/", max_bytes=1000)


def test_user_in_an_origin(serve):
    home, other = serve(), serve()
    with Transport([home.origin.replace("//", "//us%40er:s3cret@")]) as transport:
        transport.get_bytes(f"{home.origin}/")
        transport.get_bytes(f"{other.origin.replace('//', '//x:y@')}/")
    assert home.requests[0].headers["authorization"] == requests.auth._basic_auth_str("us@er", "s3cret")
    assert secrets_in(other.requests[0]) == []


def test_origins():
    assert origin_of("HTTP://Host/a") == origin_of("http://host:80/b?c")
    different = ["http://host", "https://host", "http://host:8080", "http://host.", "http://hos", "http://a.host"]
    assert len({origin_of(url) for url in different}) == len(different)
    assert origin_of("http://good@evil/").host == "evil"
    assert origin_of("http://evil\\@good/").host != "good"
    assert origin_of("http://evil#@good/").host == "evil"
    assert origin_of("http://evil?@good/").host == "evil"
    assert origin_of("http://[::1]:80/").host == "::1"
    with pytest.raises(DataSourceError):
        origin_of("http://good\n.evil:x/")


def test_cookies_come_back_to_the_origins_only(serve):
    def answer(request: Request) -> Response:
        return Response(200, b"ok", {"Set-Cookie": "session=s3cret; Path=/"})

    home, other = serve(answer), serve(answer)
    with Transport([home.origin]) as transport:
        for _ in range(2):
            transport.get_bytes(f"{home.origin}/")
            transport.get_bytes(f"{other.origin}/")  # the same host to cookies, which do not know of ports
    assert [request.headers.get("cookie") for request in home.requests] == [None, "session=s3cret"]
    assert [request.headers.get("cookie") for request in other.requests] == [None, None]


def test_netrc_is_not_read(serve, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password s3cret\ndefault login user password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    other = serve()
    home = serve(lambda r: Response(302, b"", {"Location": other.origin}) if r.path == "/go" else Response(200, b"ok"))
    assert requests.get(other.origin).request.headers["Authorization"]  # it would be
    other.clear()
    with requests.Session() as session:
        for given in (None, session):
            for token in (None, "t0ken"):
                with Transport([home.origin], session=given, token=token) as transport:
                    transport.get_bytes(f"{home.origin}/go")
                    transport.session.get(f"{home.origin}/go")
    assert {request.headers.get("authorization") for request in home.requests} == {None, "Bearer t0ken"}
    assert {request.headers.get("authorization") for request in other.requests} == {None}


# ---- redirects ----


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(serve, status):
    home = serve(lambda r: Response(status, b"", {"Location": "b?x=1"}) if r.path == "/a" else Response(200, b"ok"))
    with Transport([home.origin]) as transport:
        response = transport.request("GET", f"{home.origin}/a")
        assert (response.content, response.url) == (b"ok", f"{home.origin}/b?x=1")
        assert transport.session.get(f"{home.origin}/a", allow_redirects=False).headers["Location"] == "b?x=1"
        assert transport.session.get(f"{home.origin}/a").content == b"ok"


def test_redirects_end(serve):
    home = serve(lambda r: Response(302, b"", {"Location": r.target + "x"}))
    with Transport([home.origin]) as transport, pytest.raises(DataSourceError, match="more than 10 times"):
        transport.get_bytes(f"{home.origin}/a")
    assert len(home.requests) == 11
    for target in ("file:///etc/passwd", "ftp://host/", "http://h:x/"):
        home = serve(lambda r, target=target: Response(302, b"", {"Location": target}))
        with Transport([home.origin]) as transport, pytest.raises(DataSourceError, match="no http or https URL"):
            transport.get_bytes(f"{home.origin}/a")


def test_what_is_sent_goes_nowhere_else(serve):
    other = serve()
    places = {"/1": other.origin, "/2": "/b", "/3": "/b"}
    home = serve(
        lambda r: (
            Response(302 if r.path == "/3" else 307, b"", {"Location": places[r.path]})
            if r.path in places
            else Response(200, b"ok")
        )
    )
    with Transport([home.origin]) as transport:
        assert transport.request("POST", f"{home.origin}/2", data=b"instances").content == b"ok"
        assert home.requests[-1].body == b"instances"
        for path in ("/1", "/3"):
            with pytest.raises(DataSourceError, match="a POST goes nowhere else"):
                transport.request("POST", home.origin + path, data=b"instances")
    assert not other.requests


def test_proxies_of_the_environment(serve, monkeypatch):
    proxy = serve(lambda r: Response(302, b"", {"Location": "http://b.invalid/"}) if "//a." in r.target else Response())
    monkeypatch.setenv("HTTP_PROXY", proxy.origin)
    monkeypatch.setenv("http_proxy", proxy.origin)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Transport(["http://a.invalid"], token="s3cret") as transport:
        transport.get_bytes("http://a.invalid/x")
    assert [request.target for request in proxy.requests] == ["http://a.invalid/x", "http://b.invalid/"]
    assert [secrets_in(request) for request in proxy.requests] == [["authorization"], []]


# ---- tokens ----


def test_tokens_are_asked_for_each_time(serve):
    tokens = iter(["one", None, "two", "three", "four", "five", "six", "seven"])
    good = {"Bearer one", None, "Bearer three"}
    home = serve(lambda r: Response(200 if r.headers.get("authorization") in good else 401, b"ok"))
    with Transport([home.origin], token=lambda: next(tokens)) as transport:
        assert transport.get_bytes(f"{home.origin}/") == b"ok"
        assert transport.get_bytes(f"{home.origin}/") == b"ok"
        assert transport.request("POST", f"{home.origin}/", data=b"x").content == b"ok"  # two, then three
        with pytest.raises(DataSourceError) as caught:
            transport.get_bytes(f"{home.origin}/")
        assert caught.value.status == 401
        assert transport.session.get(f"{home.origin}/").status_code == 401
    assert [request.headers.get("authorization", " -").split(" ")[1] for request in home.requests] == [
        *("one", "-", "two", "three", "four", "five", "six", "seven")
    ]
    assert home.requests[3].body == b"x"


def test_a_text_is_not_asked_again(serve):
    home = serve(lambda r: Response(401))
    with Transport([home.origin], token="Basic s3cret") as transport, pytest.raises(DataSourceError, match="Unauth"):
        transport.get_bytes(f"{home.origin}/")
    assert [request.headers["authorization"] for request in home.requests] == ["Basic s3cret"]


def test_tokens_that_are_none(serve):
    home, other = serve(), serve()

    def broken() -> str:
        raise ValueError("s3cret")

    def ours() -> str:
        raise ConfigurationError("no")

    for token, error in ((broken, "raised ValueError"), (lambda: "s3cret\r\nX: y", "cannot stand"), (ours, "no")):
        with Transport([home.origin], token=token) as transport:
            with pytest.raises(MetalithError, match=error) as caught:
                transport.get_bytes(f"{home.origin}/")
            assert "s3cret" not in "".join(traceback.format_exception(caught.value))
            assert transport.get_bytes(f"{other.origin}/") == b"ok"  # where nobody asks for it
    assert not home.requests


# ---- nothing is shown ----


def test_nothing_is_shown(serve, caplog):
    caplog.set_level(logging.DEBUG)
    home = serve(lambda r: Response(503 if len(home.requests) < 3 else 404, b"DOE", {"X": "DOE"}))
    with Transport(
        [home.origin.replace("//", "//user:s3cret@")], backoff=0.01, headers={"X-Key": "s3cret"}
    ) as transport:
        url = f"{home.origin.replace('//', '//user:s3cret@')}/studies?PatientName=DOE#DOE"
        with pytest.raises(DataSourceError) as caught:
            transport.metadata(url, params={"PatientID": "DOE"})
        response = transport.request("GET", url, expected=None, stream=True)
        shown = [repr(transport), str(transport.__class__), repr(transport.session), repr(response), repr(response.raw)]
        response.close()
        assert "Authorization" not in response.request.headers
    shown += ["".join(traceback.format_exception(caught.value)).replace("DOE#DOE", "").replace('"DOE"', "")]
    shown += [record.getMessage() for record in caplog.records]
    assert str(caught.value) == f"GET {home.origin}/studies → 404: Not Found (tried 3 times)"
    assert any("again in" in text for text in shown)
    assert any("/studies" in record.getMessage() for record in caplog.records if "urllib3" in record.name)
    for text in shown:
        assert "DOE" not in text
        assert "s3cret" not in text
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert str(copy.copy(caught.value)) == str(caught.value)


def test_others_log_as_before(serve, caplog):
    caplog.set_level(logging.DEBUG)
    home = serve()
    requests.get(f"{home.origin}/studies?PatientName=DOE")
    assert any("PatientName=DOE" in record.getMessage() for record in caplog.records)


def test_headers_of_one_request(serve):
    home = serve()
    with Transport([home.origin]) as transport:
        for headers in ({"X": "s3cret\r\nY: z"}, {"X": "é\u20ac"}, {"s3 cret\n": "x"}):
            with pytest.raises(DataSourceError, match="no request can be made") as caught:
                transport.get_bytes(f"{home.origin}/", headers=headers)
            assert "s3cret" not in "".join(traceback.format_exception(caught.value)).replace(str(headers), "")


# ---- TLS ----


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run([*command.split(), "-keyout", path, "-out", f"{path}.crt"], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


@pytest.fixture
def secure(certificate) -> Iterator[Callable[..., Secure]]:
    with ExitStack() as stack:
        yield lambda location=None: stack.enter_context(Secure(certificate, location))


class Secure(ThreadingHTTPServer):
    """Says ok over TLS, or redirects; never ends what is asked for as /slow. `seen` are the headers that came."""

    def __init__(self, certificate: Path, location: str | None) -> None:
        super().__init__(("127.0.0.1", 0), SecureHandler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.location, self.seen, self.ending = location, list[dict[str, str]](), threading.Event()
        self.url = f"https://localhost:{self.server_port}/"
        self.thread = threading.Thread(target=self.serve_forever, args=(0.02,))

    def __enter__(self) -> Secure:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        self.shutdown()
        self.thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not like the certificate goes away."""


class SecureHandler(BaseHTTPRequestHandler):
    server: Secure

    def do_GET(self) -> None:
        server = self.server
        server.seen.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(302 if server.location else 200)
        self.send_header("Location" if server.location else "X", server.location or "")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"o")
        if self.path == "/slow":
            self.wfile.flush()
            server.ending.wait(10)
        self.wfile.write(b"k")

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


def test_tls(secure, certificate):
    server = secure()
    with Transport([server.url], verify=str(certificate), token="s3cret") as transport:
        assert transport.get_bytes(server.url) == b"ok"
        assert server.seen[-1]["authorization"] == "Bearer s3cret"
        cancel = Cancel()
        timer = threading.Timer(0.2, cancel.cancel)
        timer.start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            transport.get_bytes(f"{server.url}slow", cancel=cancel)
        assert time.monotonic() - began < 2
        timer.join()
        with pytest.raises(DataSourceError, match="certificate is not accepted"):
            transport.get_bytes(f"https://127.0.0.1:{server.server_port}/")
    server.seen.clear()
    with Transport([server.url], token="s3cret") as transport:
        with pytest.raises(DataSourceError, match="certificate is not accepted: self-signed certificate") as caught:
            transport.get_bytes(server.url)
        assert "tried" not in caught.value.reason
        assert not server.seen
    with Transport([server.url], verify=False) as transport, pytest.warns(Warning, match="Unverified"):
        assert transport.get_bytes(server.url) == b"ok"


def test_verify_false_is_not_overruled_by_the_environment(secure, certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    server = secure()
    with Transport([server.url]) as transport:
        assert transport.get_bytes(server.url) == b"ok"
    with Transport([server.url], verify=False) as transport, pytest.warns(Warning, match="Unverified"):
        assert transport.get_bytes(f"https://127.0.0.1:{server.server_port}/") == b"ok"


def test_no_way_down(secure, serve, certificate):
    plain = serve()
    server = secure(f"{plain.origin}/")
    transport = Transport([server.url, plain.origin], verify=str(certificate))
    with transport, pytest.raises(DataSourceError, match="from https to http"):
        transport.get_bytes(server.url)
    assert not plain.requests


# ---- somebody else's session ----


def test_given_session(serve):
    other = serve()
    home = serve(lambda r: Response(302, b"", {"Location": other.origin}) if r.path == "/go" else Response(200, b"ok"))
    seen: list[int] = []
    with requests.Session() as session:
        session.auth = ("user", "s3cret")
        session.headers["X-Key"] = "s3cret"
        session.hooks["response"].append(lambda response, **_: seen.append(response.status_code))
        with Transport([home.origin], session=session) as transport:
            assert transport.get_bytes(f"{home.origin}/go") == b"ok"
            assert transport.get_bytes(f"{home.origin}/") == b"ok"
        assert session.get(f"{home.origin}/").content == b"ok"  # it is still open, and as it was
        assert session.get(f"{home.origin}/go").content == b"ok"
    assert all({"authorization", "x-key"} <= set(request.headers) for request in home.requests)
    assert secrets_in(other.requests[0]) == []
    assert seen[:2] == [302, 200]
