"""Options of manifests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from metalith.errors import ConfigurationError
from metalith.sources.dicomjson.url_policy import checked_url, origin_of
from metalith.sources.options import root_url
from metalith.sources.transport_options import TransportOptions

__all__ = ["DicomJsonOptions"]

_ALLOWED = "dangerouslyAllowedOriginsForAuthenticatedEnvironments"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DicomJsonOptions(TransportOptions):
    """Options of the `dicomjson` source, and of `TransportOptions`.

    Attributes
    ----------
    url, path : str
        Where the manifest is. Without either `initialize` gets the URL from a query.
    manifest : mapping or bytes
        The manifest itself.
    wado_root, wado_uri_root : str
        Servers of the instances that have no URL.
    image_rendering : {"wadors", "wadouri"}
        Which of the two is used, where both are given.
    frame_base : {"auto", 0, 1}
        From which number on the manifest's URLs count frames. Image ids always count from 1. "auto": from 0 where a URL
        of the series has `frame=0`, else from 1.
    on_error : {"report", "raise"}
        Whether instances that cannot be taken are left out and listed in `DicomJsonSource.problems`, or none of the
        series is taken.
    dangerously_allowed_origins_for_authenticated_environments : tuple of str
        Origins (scheme, host and port) that a query may name in spite of credentials, and that get them.
    """

    url: str = ""
    path: Any = ""
    manifest: Any = None
    wado_root: str = ""
    wado_uri_root: str = ""
    image_rendering: str = ""
    singlepart: bool | str = False
    frame_base: Literal["auto", 0, 1] = "auto"
    on_error: Literal["report", "raise"] = "report"
    dangerously_allowed_origins_for_authenticated_environments: tuple[str, ...] = ()

    aliases: ClassVar[dict[str, str]] = {
        "allowed_origins": "dangerously_allowed_origins_for_authenticated_environments"
    }

    def __post_init__(self) -> None:
        # dataclasses with slots make their class anew, so that super() without arguments would look in the old one
        TransportOptions.__post_init__(self)
        put = object.__setattr__
        if sum(bool(one) for one in (self.url, self.path, self.manifest)) > 1:
            raise ConfigurationError("url, path, manifest: only one of them can be where the manifest is")
        if self.url:
            put(self, "url", checked_url(self.url))
        for name, option in (("wadoRoot", "wado_root"), ("wadoUriRoot", "wado_uri_root")):
            if getattr(self, option):
                put(self, option, root_url(name, getattr(self, option)))
        for origin in self.dangerously_allowed_origins_for_authenticated_environments:
            if origin_of(origin) is None:
                raise ConfigurationError(f"{_ALLOWED} must be origins alone, such as https://host or https://host:8443")

    def __repr__(self) -> str:  # there may be a token among them, and a manifest's patients
        return "<DicomJsonOptions>"

    @property
    def has_credentials(self) -> bool:
        """Whether a server could get to see something secret. Any header that is configured may be."""
        return any(one for one in (self.token, self.auth, self.headers, self.cert))

    @property
    def origins(self) -> tuple[str, ...]:
        """Where credentials may go. tuple of str."""
        allowed = self.dangerously_allowed_origins_for_authenticated_environments
        return (*([self.url] if self.url else []), *allowed)
