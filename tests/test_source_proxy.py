"""The `dicomwebproxy` source: a server whose configuration is fetched, and whom the credentials go to."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from servers.base import Request, Response, Server
from servers.recorder import Recorder

import metalith
from metalith.errors import ConfigurationError, DataSourceError, MetalithError
from metalith.sources import DataSource, data_source
from metalith.sources.merge import MergeSource
from metalith.sources.proxy import DicomWebProxySource
from metalith.store import MetadataStore

pytest_plugins = ["servers.fixtures"]

TOKEN = "Zm9vYmFy-secret"


class Configurations(Server):
    """Serves configurations by path."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, Response] = {}

    def answer(self, request: Request) -> Response:
        return self.answers.get(request.path, Response(404))

    def put(self, path: str, configuration: object, *, status: int = 200, **headers: str) -> str:
        body = configuration if isinstance(configuration, bytes) else json.dumps(configuration).encode()
        self.answers[path] = Response(status, body, {"Content-Type": "application/json", **headers})
        return self.origin + path

    @property
    def tokens(self) -> list[str | None]:
        return [request.headers.get("authorization") for request in self.requests]


@pytest.fixture
def configurations() -> Iterator[Configurations]:
    with Configurations() as server:
        yield server


def servers_of(root: str, **more: object) -> dict[str, object]:
    server = {"name": "S", "wadoRoot": root, "qidoRoot": root, "staticWado": True, **more}
    return {"servers": {"dicomWeb": [server, {"wadoRoot": "https://never.example"}]}}


@pytest.fixture
def url(configurations, static_server) -> str:
    return configurations.put("/config.json", servers_of(static_server.root, friendlyName="The server"))


class TestDelegating:
    @pytest.fixture
    def source(self, url) -> Iterator[DicomWebProxySource]:
        made = data_source("dicomwebproxy", name="proxy")
        made.initialize(query={"url": url, "StudyInstanceUIDs": "1.2"})
        with made:
            yield made

    def test_everything_is_asked_of_the_server(self, source, static_server):
        rows = list(source.query.studies.search())
        assert len(rows) > 5
        row = next(row for row in rows if "CT" in row.modalities)
        [first, *_] = source.query.series.search(row.study_instance_uid)
        assert len(list(source.query.instances.search(row.study_instance_uid, first.series_instance_uid))) > 0
        loading = source.retrieve.series.metadata(row.study_instance_uid)
        series = loading.wait()[0]
        assert source.metadata_store.series(series.series_instance_uid) is series
        instance = series.instances[0]
        image_id = source.get_image_ids_for_instance(instance)
        assert image_id.startswith(f"wadors:{static_server.root}/studies/")
        metadata = metalith.MetadataProviders()
        source.provide(metadata)
        assert metadata.get("instance", image_id) == instance
        assert (
            source.retrieve.instances.metadata(
                instance.StudyInstanceUID, instance.SeriesInstanceUID, instance.SOPInstanceUID
            ).SOPInstanceUID
            == instance.SOPInstanceUID
        )
        assert source.get_image_ids_for_display_set([instance])[0] == image_id
        assert source.get_config()["wadoRoot"] == static_server.root
        source.delete_study_metadata(row.study_instance_uid)

    def test_every_function_is_the_servers(self, source):
        own = {
            "initialize",
            "get_study_instance_uids",
            "parse_route_params",
            "provide",
            "close",
            "create",
            "loading_type",
        }
        for name in dir(DataSource):
            method = getattr(DataSource, name)
            if name.startswith("_") or name in own or not callable(method):
                continue
            assert getattr(DicomWebProxySource, name) is not method, f"{name} is not delegated"
        for group in ("query", "retrieve", "store", "reject"):
            assert repr(getattr(source, group)) == repr(getattr(source.inner, group))
        for function in ("store.dicom", "retrieve.frames", "retrieve.bulk_data", "query.studies.search"):
            assert source.supports(function) == source.inner.supports(function)
        assert source.transport is source.inner.transport
        assert not hasattr(source, "no_such_thing")
        assert source.inner.name == "proxy"

    def test_initialized_again(self, source, url, configurations, static_server):
        inner = source.inner
        source.initialize(query=f"?url={url}")
        assert source.inner is inner, "nothing has changed"
        other = configurations.put("/other.json", servers_of(static_server.root, supportsWildcard=True))
        source.initialize(query={"URL": [other]})
        assert source.inner is not inner
        assert source.inner.metadata_store is source.metadata_store
        with pytest.raises(DataSourceError):
            source.initialize(query={"url": configurations.origin + "/missing.json"})
        assert source.inner.options.supports_wildcard, "what failed has changed nothing"

    def test_the_stores_are_one(self, url):
        store = MetadataStore()
        source = data_source("dicomwebproxy", {"url": url}, metadata_store=store)
        assert source.inner.metadata_store is store

    def test_in_a_merge(self, url):
        proxy = data_source("dicomwebproxy", {"url": url}, name="proxy")
        merged = MergeSource(children=[proxy, data_source("dicomlocal", name="empty")])
        rows = merged.query.studies.search()
        assert rows.sources_of(rows[0]) == ("proxy",)
        series = merged.retrieve.series.metadata(rows[0].study_instance_uid).wait()
        assert merged.source_of(series[0].instances[0]) == "proxy"
        assert merged.get_image_ids_for_instance(series[0].instances[0]).startswith("wadors:http://127.0.0.1")


class TestInitializing:
    def test_not_initialized(self):
        source = data_source("dicomwebproxy", name="proxy")
        for ask in (
            lambda: source.query.studies.search(),
            lambda: source.search_studies(),
            lambda: source.retrieve,
            lambda: source.get_image_ids_for_instance({}),
            lambda: source.supports("store.dicom"),
            lambda: source.initialize(),
            lambda: source.initialize({}, {"StudyInstanceUIDs": "1"}),
        ):
            with pytest.raises(ConfigurationError, match="proxy: url"):
                ask()
        source.close()

    def test_by_its_own_url(self, url):
        source = data_source("dicomwebproxy", {"url": url})
        assert list(source.query.studies.search(limit=1)) != []

    @pytest.mark.parametrize(
        "name", ["studyInstanceUIDs", "studyInstanceUids", "StudyInstanceUIDs", "STUDYINSTANCEUIDS"]
    )
    def test_studies_of_a_route(self, name):
        source = data_source("dicomwebproxy")
        assert source.get_study_instance_uids(query=f"url=https://h/c&{name}=1.2;1.3, 1.4;;1.2") == [
            "1.2",
            "1.3",
            "1.4",
        ]
        assert source.get_study_instance_uids({name: "1.5"}, "url=https://h/c") == ["1.5"]
        assert source.get_study_instance_uids() == []
        assert source.parse_route_params(query={name: "1.2"})["study_instance_uids"] == ["1.2"]

    def test_nested_configuration(self, configurations, static_server):
        nested = {"namespace": "x", "configuration": servers_of(static_server.root)["servers"]["dicomWeb"][0]}
        source = data_source("dicomwebproxy")
        source.initialize(query={"url": configurations.put("/c", {"servers": {"dicomWeb": [nested]}})})
        assert source.inner.options.wado_root == static_server.root

    @pytest.mark.parametrize(
        "body",
        [
            *(b"", b"null", b"[]", b'"text"', b"{", b"{}", b'{"servers": []}', b'{"servers": {"dicomWeb": []}}'),
            *(b'{"servers": {"dicomWeb": {}}}', b'{"servers": {"dicomWeb": [7]}}', b"<html>login</html>", b"\xff\xfe"),
            b'{"servers": {"dicomWeb": [{}]}}',
            b'{"servers": {"dicomWeb": [{"wadoRoot": "file:///etc"}]}}',
            b'{"servers": {"dicomWeb": [{"wadoRoot": "https://user:pass@host/"}]}}',
            b'{"servers": {"dicomWeb": [{"wadoRoot": 7}]}}',
            b"[" * 100_000,
        ],
    )
    def test_what_is_no_configuration(self, configurations, body):
        source = data_source("dicomwebproxy", name="proxy")
        with pytest.raises(MetalithError) as raised:
            source.initialize(query={"url": configurations.put("/c", body) + "?token=geheim"})
        assert isinstance(raised.value, (ConfigurationError, DataSourceError))
        assert "geheim" not in str(raised.value)
        assert "pass@" not in str(raised.value)
        with pytest.raises(ConfigurationError, match="url"):
            source.query.studies.search()

    @pytest.mark.parametrize(
        "key", ["token", "auth", "headers", "verify", "cert", "timeout", "retries", "maxBytes", "workers"]
    )
    def test_how_servers_are_spoken_with_is_not_for_others_to_say(self, configurations, key):
        fetched = servers_of("https://host/dicom-web", **{key: False})
        source = data_source("dicomwebproxy")
        with pytest.raises(ConfigurationError, match=key):
            source.initialize(query={"url": configurations.put("/c", fetched)})

    @pytest.mark.parametrize(
        "url",
        [
            *("", "config.json", "/etc/passwd", "file:///etc/passwd", "ftp://host/c", "javascript:1", "https://"),
            *(
                "https://user:geheim@host/c",
                "https://host/c#part",
                "https://ho st/c",
                "https://host\\@other/c",
                "//host/c",
            ),
        ],
    )
    def test_urls_that_are_not_fetched(self, url):
        source = data_source("dicomwebproxy")
        with pytest.raises(ConfigurationError, match="url") as raised:
            source.initialize(query={"url": url})
        assert "geheim" not in str(raised.value)
        if url:
            with pytest.raises(ConfigurationError, match="url"):
                data_source("dicomwebproxy", {"url": url})

    @pytest.mark.parametrize("status", [301, 302, 307, 308, 401, 403, 404, 500])
    def test_other_answers(self, configurations, url, status):
        moved = configurations.put("/moved", b"", status=status, Location=url)
        source = data_source("dicomwebproxy", {"retries": 0})
        with pytest.raises(DataSourceError) as raised:
            source.initialize(query={"url": f"{moved}?token=geheim"})
        assert raised.value.status == status
        assert "geheim" not in str(raised.value)
        assert [request.path for request in configurations.requests] == ["/moved"], "redirects are not followed"

    def test_too_large(self, configurations):
        source = data_source("dicomwebproxy")
        with pytest.raises(DataSourceError):
            source.initialize(query={"url": configurations.put("/c", b" " * (2 << 20) + b"{}")})

    def test_nobody_there(self):
        source = data_source("dicomwebproxy", {"retries": 0, "timeout": 2})
        with pytest.raises(DataSourceError):
            source.initialize(query={"url": "http://127.0.0.1:9/c"})


class TestCredentials:
    """They go to origins that were allowed, and to no others."""

    @pytest.fixture
    def elsewhere(self) -> Iterator[Recorder]:
        with Recorder() as server:
            yield server

    def source(self, *allowed: str, **more: object) -> DataSource:
        origins = {"dangerouslyAllowedOriginsForAuthenticatedEnvironments": list(allowed)} if allowed else {}
        return data_source("dicomwebproxy", {"token": TOKEN, **origins, **more})

    def test_a_url_of_an_origin_that_is_not_allowed_is_not_fetched(self, configurations, url):
        source = self.source("https://host")
        with pytest.raises(ConfigurationError, match="origin"):
            source.initialize(query={"url": url})
        assert configurations.requests == []

    def test_an_allowed_origin_may_have_them(self, configurations, url):
        source = self.source(configurations.origin)
        source.initialize(query={"url": url})
        assert configurations.tokens == [f"Bearer {TOKEN}"]

    def test_the_fetched_server_gets_none(self, configurations, elsewhere, caplog):
        source = self.source(configurations.origin)
        source.initialize(query={"url": configurations.put("/c", servers_of(elsewhere.origin, staticWado=False))})
        with caplog.at_level(logging.WARNING):
            list(source.query.studies.search())
        assert len(elsewhere.requests) == 1
        assert elsewhere.credentials == []
        assert TOKEN not in caplog.text
        assert TOKEN not in repr(source.__dict__.get("_inner"))

    @pytest.mark.parametrize(
        "credentials",
        [{"token": TOKEN}, {"token": lambda: TOKEN}, {"auth": ["u", TOKEN]}, {"headers": {"Cookie": TOKEN}}],
    )
    def test_unless_it_is_allowed_too(self, configurations, elsewhere, credentials):
        def made(*allowed: str) -> DataSource:
            fetched = configurations.put("/c", servers_of(elsewhere.origin, staticWado=False))
            source = data_source("dicomwebproxy", {"allowedOrigins": list(allowed), **credentials})
            source.initialize(query={"url": fetched})
            list(source.query.studies.search())
            return source

        made(configurations.origin)
        assert elsewhere.credentials == []
        made(configurations.origin, elsewhere.origin)
        assert len(elsewhere.credentials) == 1

    def test_all_its_roots_must_be(self, configurations, elsewhere):
        fetched = servers_of(elsewhere.origin, staticWado=False, wadoRoot=elsewhere.origin_as("localhost"))
        source = self.source(configurations.origin, elsewhere.origin)
        source.initialize(query={"url": configurations.put("/c", fetched)})
        list(source.query.studies.search())
        assert elsewhere.credentials == []

    def test_the_configured_urls_origin_is_no_servers(self, configurations, elsewhere):
        url = configurations.put("/c", servers_of(elsewhere.origin, staticWado=False))
        source = self.source(url=url)
        list(source.query.studies.search())
        assert configurations.tokens == [f"Bearer {TOKEN}"]
        assert elsewhere.credentials == []

    @pytest.mark.parametrize("origin", ["host", "https://host/path", "https://host?a", "*", "", "https://u@host"])
    def test_what_is_no_origin(self, origin):
        with pytest.raises(ConfigurationError, match="dangerouslyAllowedOrigins"):
            self.source(origin)
