"""Which URLs manifests are fetched from, and what goes there."""

from __future__ import annotations

import gzip
import json
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from servers import faults
from servers.files import FileServer
from servers.proxy import FaultProxy
from servers.recorder import Recorder

from metalith.errors import ConfigurationError, DataSourceError, ParseError
from metalith.sources.dicomjson import DicomJsonSource
from metalith.sources.dicomjson.url_policy import checked_url, origin_of, permitted

pytest_plugins = ["servers.fixtures"]

STUDY = {
    "StudyInstanceUID": "1",
    "series": [{"SeriesInstanceUID": "2", "instances": [{"metadata": {"SOPInstanceUID": "3"}}]}],
}
MANIFEST = json.dumps({"studies": [STUDY]}).encode()
TOKEN = "s3cret-token"


@pytest.fixture
def server(file_server: FileServer) -> FileServer:
    """Serves a manifest."""
    file_server.files["study.json"] = MANIFEST
    return file_server


# ---- the policy ----


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (None, "url is missing"),
        ("", "url is missing"),
        (5, "url must be a text"),
        (b"https://host/a", "url must be a text"),
        ("host/a.json", "url must begin with http"),
        ("/etc/passwd", "url must begin with http"),
        ("file:///etc/passwd", "url must begin with http"),
        ("ftp://host/a", "url must begin with http"),
        ("javascript:alert(1)", "url must begin with http"),
        ("https:/a", "url has no host"),
        ("https://", "url has no host"),
        ("https://host/a#b", "url must not have a fragment"),
        ("https://host/a#", "url must not have a fragment"),
        ("https://user@host/a", "url must not have a user"),
        ("https://user:s3cret@host/a", "url must not have a user"),
        ("https://@host/a", "url must not have a user"),
        ("https://host:port/a", "url is no URL"),
        ("https://[::1/a", "url is no URL"),
        ("https://host:99999/a", "url is no URL"),
        ("https://host/a b", "url must not have spaces"),
        ("https://host/a\n", "url must not have spaces"),
        ("https://good\\@evil/a", "url must not have spaces, backslashes"),
    ],
)
def test_urls_that_are_refused(url: object, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{reason}") as caught:
        checked_url(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://host/a", "HTTPS://Host:8443/a?b=c@d", "https://[::1]:80/"])
def test_urls_that_are_not(url: str) -> None:
    assert checked_url(url) == url


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://host/a", True),
        ("https://HOST:443/a", True),
        ("https://host./a", True),
        ("http://host/a", False),
        ("https://host:8443/a", False),
        ("https://sub.host/a", False),
        ("https://host.evil/a", False),
    ],
)
def test_origins_where_there_are_credentials(url: str, allowed: bool) -> None:
    assert permitted(url, [], has_credentials=False) == url
    if allowed:
        assert permitted(url, ["https://host/some/manifest.json"], has_credentials=True) == url
    else:
        with pytest.raises(ConfigurationError, match="dangerouslyAllowedOrigins"):
            permitted(url, ["https://host"], has_credentials=True)


@pytest.mark.parametrize("text", ["host", "https://host/a", "https://host?a", "https://host#", "https://u@host", "*"])
def test_what_is_no_origin(text: str) -> None:
    assert origin_of(text) is None


# ---- fetching ----


def test_a_url_from_a_query(server: FileServer) -> None:
    source = DicomJsonSource()
    url = f"{server.origin}/study.json"
    for query in ({"url": url}, f"url={url}", f"https://viewer/?x=1&url={url}"):
        source.initialize(query=query)
        assert source.get_study_instance_uids(query=query) == ["1"]
    assert len(server.requests) == 1  # cached by URL
    assert [len(one) for one in source.retrieve.series.metadata("1").wait()] == [1]
    assert source.metadata_store.instance("3").SeriesInstanceUID == "2"


def test_a_url_is_fetched_again_when_asked_to(server: FileServer) -> None:
    url = f"{server.origin}/study.json"
    source = DicomJsonSource("x", {"url": url})
    source.initialize()
    source.retrieve.series.metadata("1").wait()
    server.files["study.json"] = MANIFEST.replace(b'"3"', b'"4"')
    assert source.read(url) == ["1"]
    source.retrieve.series.metadata("1").wait()
    assert "4" not in source.metadata_store
    source.retrieve.series.metadata("1", refresh=True).wait()
    assert "4" in source.metadata_store
    assert len(server.requests) == 2
    server.files["study.json"] = MANIFEST.replace(b'"1"', b'"5"')
    assert source.read(url, refresh=True) == ["5"]
    assert source.get_study_instance_uids() == ["5"]


def test_a_failed_fetch_leaves_what_was_there(server: FileServer) -> None:
    url = f"{server.origin}/study.json"
    source = DicomJsonSource("x", {"retries": 0})
    source.read(url)
    server.files["study.json"] = b"<html>Log in</html>"
    with pytest.raises(ParseError, match=r"study\.json: a manifest is an object"):
        source.read(url, refresh=True)
    assert source.read(url) == ["1"]


@pytest.mark.parametrize("given", ["file:///etc/passwd", "/etc/passwd", "study.json"])
def test_a_query_names_no_files(given: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "study.json").write_bytes(MANIFEST)
    monkeypatch.chdir(tmp_path)
    source = DicomJsonSource()
    with pytest.raises(ConfigurationError, match=r"^url must begin with http"):
        source.initialize(query={"url": given})
    assert source.get_study_instance_uids() == []


@pytest.mark.parametrize(
    "credentials",
    [{"token": TOKEN}, {"headers": {"X-Key": TOKEN}}, {"auth": ["user", TOKEN]}, {"token": lambda: TOKEN}],
)
def test_credentials_go_to_the_configured_origins_only(
    credentials: dict[str, Any], server: FileServer, recorder: Recorder
) -> None:
    source = DicomJsonSource("x", {"url": f"{server.origin}/study.json", **credentials})
    source.initialize()
    sent = json.dumps([dict(request.headers) for request in server.requests])
    assert TOKEN in sent or "Basic" in sent
    for read in (source.read, lambda url: source.initialize(query={"url": url})):
        with pytest.raises(ConfigurationError, match="another origin") as caught:
            read(f"{recorder.origin}/study.json?k={TOKEN}")
        assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert recorder.requests == []
    allowed = {"dangerouslyAllowedOriginsForAuthenticatedEnvironments": [server.origin]}
    source = DicomJsonSource("x", {**credentials, **allowed})
    assert source.read(f"{server.origin}/study.json") == ["1"]


def test_redirects_are_not_followed(
    server: FileServer, recorder: Recorder, fault_proxy: Callable[[str], FaultProxy]
) -> None:
    proxy = fault_proxy(server.origin)
    proxy.add(faults.redirect(302, f"{recorder.origin}/study.json"))
    with pytest.raises(DataSourceError, match="sends elsewhere") as caught:
        DicomJsonSource().read(f"{proxy.origin}/study.json?a=s3cret")
    assert caught.value.status == 302
    assert "s3cret" not in str(caught.value)
    assert recorder.requests == []


@pytest.mark.parametrize("status", [403, 404, 500])
def test_refusals(status: int, server: FileServer, fault_proxy: Callable[[str], FaultProxy]) -> None:
    proxy = fault_proxy(server.origin)
    proxy.add(faults.status(status))
    with pytest.raises(DataSourceError) as caught:
        DicomJsonSource("x", {"retries": 0}).read(f"{proxy.origin}/study.json")
    assert caught.value.status == status


def test_answers_that_are_cut_off_compressed_or_too_large(
    server: FileServer, fault_proxy: Callable[[str], FaultProxy]
) -> None:
    proxy = fault_proxy(server.origin)
    proxy.add(faults.cut(20), times=1)
    assert DicomJsonSource("x").read(f"{proxy.origin}/study.json") == ["1"]
    proxy.add(faults.gzipped(), times=1)
    assert DicomJsonSource().read(f"{proxy.origin}/study.json") == ["1"]
    assert len(gzip.compress(MANIFEST)) < len(MANIFEST)
    proxy.add(faults.gzip_bomb(1 << 30))
    with pytest.raises(DataSourceError):
        DicomJsonSource("x", {"max_bytes": 1 << 20, "retries": 0}).read(f"{proxy.origin}/study.json")
