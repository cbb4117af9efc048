"""The `dicomwebproxy` source: a DICOMweb server whose configuration is fetched from a URL. Mirrors OHIF's.

The configuration comes from elsewhere, so it says where the server is and what it can do, and nothing more: how it is
spoken with, credentials above all, is configured here. These go to the servers of the fetched configuration only if all
of them are among the origins that are allowed.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from metalith.errors import ConfigurationError, DataSourceError
from metalith.sources.contract import DataSource
from metalith.sources.dicomjson.url_policy import checked_url, origin_of, permitted
from metalith.sources.dicomweb.options import DicomWebOptions
from metalith.sources.dicomweb.source import DicomWebSource
from metalith.sources.facade import Query, Reject, Retrieve, Store
from metalith.sources.filters import pairs_of, split_parameter
from metalith.sources.options import camel
from metalith.sources.transport_options import TransportOptions
from metalith.store import MetadataStore

__all__ = ["DicomWebProxySource", "ProxyOptions"]

_log = logging.getLogger("metalith.sources")

_LARGEST = 1 << 20  # bytes of a configuration
_ALLOWED = "dangerously_allowed_origins_for_authenticated_environments"
_CREDENTIALS = ("token", "auth", "headers", "cert")
_OURS = frozenset(field.name for field in fields(TransportOptions)) - {"friendly_name"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyOptions(TransportOptions):
    """Options of the `dicomwebproxy` source, and those of `TransportOptions`.

    Attributes
    ----------
    url : str
        Of the configuration, unless `initialize` is given one. Credentials go to its origin.
    dangerously_allowed_origins_for_authenticated_environments : tuple of str
        Further origins, as "https://host", that credentials may go to: those of URLs that `initialize` is given, and of
        the servers that a fetched configuration names.
    """

    url: str = ""
    dangerously_allowed_origins_for_authenticated_environments: tuple[str, ...] = ()

    aliases: ClassVar[Mapping[str, str]] = {
        "allowed_origins": "dangerously_allowed_origins_for_authenticated_environments"
    }

    def __post_init__(self) -> None:
        TransportOptions.__post_init__(self)
        if self.url:
            checked_url(self.url)
        for origin in self.allowed:
            if origin_of(origin) is None:
                raise ConfigurationError(f"{camel(_ALLOWED)} must be origins alone, such as https://host:8443")

    @property
    def allowed(self) -> tuple[str, ...]:
        """Origins that the credentials may go to. tuple of str."""
        return self.dangerously_allowed_origins_for_authenticated_environments

    @property
    def has_credentials(self) -> bool:
        """Whether there is anything that authenticates; any header may do that. bool."""
        return any(getattr(self, name) for name in _CREDENTIALS)


class DicomWebProxySource(DataSource):
    """A DICOMweb server, whose configuration is fetched: OHIF's `{"servers": {"dicomWeb": [{…}]}}`, the first of these.

    Parameters
    ----------
    name : str, optional
    configuration : mapping, optional
        `url`, and how to speak with servers; see `ProxyOptions`.
    metadata_store : MetadataStore, optional

    Examples
    --------
    >>> source = metalith.data_source("dicomwebproxy")
    >>> source.get_study_instance_uids(query="url=https://host/config.json&studyInstanceUids=1.2;1.3")
    ['1.2', '1.3']
    """

    type: ClassVar[str] = "webApi"
    kind: ClassVar[str] = "dicomwebproxy"
    options_type = ProxyOptions
    options: ProxyOptions

    def __init__(
        self,
        name: str = "",
        configuration: Mapping[str, Any] | None = None,
        *,
        metadata_store: MetadataStore | None = None,
    ) -> None:
        super().__init__(name, configuration, metadata_store=metadata_store)
        self._inner: DicomWebSource | None = None
        self._inner_configuration: dict[str, Any] = {}
        self._initializing = threading.Lock()

    def initialize(self, params: Mapping[str, Any] | None = None, query: Any = None) -> None:
        """Fetches the configuration, from the URL that `url` of the query names, else from the option's.

        Where it is the same as before, the server's source stays the same, and keeps its connections.

        Raises
        ------
        ConfigurationError
            There is no URL, it is none that may be fetched, or what is there is no such configuration. The source is
            then as it was.
        DataSourceError
            The URL cannot be fetched.
        """
        named = next((value for name, value in pairs_of(query) if name.lower() == "url" and value), self.options.url)
        if not named:
            raise ConfigurationError(f"{self.name}: url: neither the query nor the configuration has one")
        with self._initializing:
            wanted = self._with_transport(_server_in(self._fetch(named), self.name))
            if self._inner is None or wanted != self._inner_configuration:
                made = DicomWebSource(self.name, wanted, metadata_store=self.metadata_store)
                made.initialize(params, query)
                before, self._inner, self._inner_configuration = self._inner, made, wanted
                if before is not None:
                    before.close()
                return
        self._inner.initialize(params, query)

    def _fetch(self, url: str) -> Any:
        import orjson

        trusted = [*self.options.allowed, *([self.options.url] if self.options.url else [])]
        checked = permitted(url, trusted, self.options.has_credentials)
        limit = min(self.options.max_bytes or _LARGEST, _LARGEST)
        transport = replace(self.options, max_bytes=limit).transport(checked)
        try:
            # a redirect would lead where nobody has looked whether it may
            response = transport.session.get(checked, headers={"Accept": "application/json"}, allow_redirects=False)
            if response.status_code != 200:
                raise DataSourceError(
                    "the configuration cannot be fetched", method="GET", url=checked, status=response.status_code
                )
            return orjson.loads(response.content)
        except orjson.JSONDecodeError:
            raise DataSourceError("the configuration is no JSON", method="GET", url=checked) from None
        finally:
            transport.close()

    def _with_transport(self, server: dict[str, Any]) -> dict[str, Any]:
        """The configuration of the server, and how it is spoken with."""
        from metalith.sources.http import Origin

        options = self.options
        allowed = {Origin.of(one) for one in options.allowed}
        trusted = all(Origin.of(one) in allowed for one in DicomWebOptions.of(server, self.name).origins)
        own = {name: getattr(options, name) for name in _OURS}
        if not trusted and options.has_credentials:
            _log.warning(
                "%s: the server of the fetched configuration gets no credentials: it is not allowed", self.name
            )
        if not trusted:
            own = {name: value for name, value in own.items() if name not in _CREDENTIALS}
        return {**server, **{name: value for name, value in own.items() if value is not None}}

    def get_study_instance_uids(self, params: Mapping[str, Any] | None = None, query: Any = None) -> list[str]:
        """The studies that a URL names: `studyInstanceUIDs`, in whatever case, with semicolons or commas between."""
        for given in (query, params):
            found = [part for one in split_parameter("studyinstanceuids", given, ";") for part in one.split(",")]
            if found:
                return list(dict.fromkeys(part.strip() for part in found if part.strip()))
        return []

    @property
    def inner(self) -> DicomWebSource:
        """The server's source, which everything else is asked of. DicomWebSource.

        Raises
        ------
        ConfigurationError
            The source was not initialized, and has no `url` of its own to do that with.
        """
        if self._inner is None:
            if not self.options.url:
                raise ConfigurationError(f"{self.name}: url: the source is to be initialized with one first")
            self.initialize()
        assert self._inner is not None
        return self._inner

    @property
    def query(self) -> Query:
        return self.inner.query

    @property
    def retrieve(self) -> Retrieve:
        return self.inner.retrieve

    @property
    def store(self) -> Store:
        return self.inner.store

    @property
    def reject(self) -> Reject:
        return self.inner.reject

    @property
    def aio(self) -> Any:
        return self.inner.aio

    def close(self) -> None:
        """Lets go of threads and connections. A closed source may be used again."""
        super().close()
        if self._inner is not None:
            self._inner.close()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or (self._inner is None and not self.options.url):
            raise AttributeError(name)
        return getattr(self.inner, name)


_DELEGATED = (
    *("supports", "plan", "series_metadata", "reload_series", "delete_study_metadata", "retrieve_series_metadata"),
    *("search_studies", "search_series", "search_instances", "retrieve_instance_metadata", "retrieve_bulk_data"),
    *("retrieve_frames", "direct_url", "retrieve_rendered", "retrieve_thumbnail", "store_dicom", "reject_series"),
    *("get_image_ids_for_instance", "get_image_ids_for_display_set", "image_ids_of", "get", "get_config"),
)


def _delegated(name: str) -> Any:
    def method(self: DicomWebProxySource, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.inner, name)(*args, **kwargs)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = getattr(DataSource, name).__doc__
    return method


for _name in _DELEGATED:
    setattr(DicomWebProxySource, _name, _delegated(_name))


def _server_in(fetched: Any, source: str) -> dict[str, Any]:
    """The first server of a configuration, without what is not for it to say.

    Raises
    ------
    ConfigurationError
        It has none.
    """
    servers = fetched.get("servers") if isinstance(fetched, Mapping) else None
    several = servers.get("dicomWeb") if isinstance(servers, Mapping) else None
    first = several[0] if isinstance(several, list) and several else None
    if isinstance(first, Mapping) and isinstance(first.get("configuration"), Mapping):
        first = first["configuration"]
    if not isinstance(first, Mapping):
        raise ConfigurationError(f"{source}: servers.dicomWeb: the fetched configuration has no such server")
    for key in first:
        if key in _OURS or key in map(camel, _OURS):
            raise ConfigurationError(f"{source}: {key}: is not for a fetched configuration to say")
    return dict(first)
