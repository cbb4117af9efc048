"""Options of DICOMweb servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from metalith.errors import ConfigurationError
from metalith.sources.options import Options, camel, root_url
from metalith.sources.transport_options import TransportOptions

__all__ = ["BulkDataUri", "DicomWebOptions"]

_ROOTS = ("qido_root", "wado_root", "stow_root")
_PARTS = frozenset({"bulkdata", "video", "pdf", "image", "thumbnail"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkDataUri(Options):
    """What becomes of the URIs of bulk data before they are fetched; see `metalith.sources.dicomweb.bulk_uri`.

    Attributes
    ----------
    enabled : bool
        Whether bulk data can be fetched at all.
    relative_resolution : {"studies", "series"}, optional
        To what relative URIs are relative; by default to the URL that the metadata came from (RFC 3986).
    starts_with, prefix_with : str
        URIs that begin with the one begin with the other instead.
    transform : callable(str), optional
        Makes another URI of any.
    """

    enabled: bool = True
    relative_resolution: Literal["studies", "series"] | None = None
    starts_with: str = ""
    prefix_with: str = ""
    transform: Callable[[str], str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomWebOptions(TransportOptions):
    """Options of the `dicomweb` source; those of OHIF's configurations, and of `TransportOptions`.

    Attributes
    ----------
    qido_root, wado_root, stow_root : str
        Roots of the services. Those that are not given are as one that is.
    wado_uri_root : str
        Of WADO-URI, for `wadouri:` and `dicomweb:` image ids.
    image_rendering : {"wadors", "wadouri"}
        What image ids look like.
    thumbnail_rendering : {"wadors", "thumbnailDirect", "thumbnail", "rendered"}
        Where thumbnails come from.
    enable_study_lazy_load : bool
        Whether metadata are fetched series by series (the default), or of a study at once.
    supports_fuzzy_matching, supports_wildcard, supports_reject, supports_stow : bool
        What the server can do.
    static_wado : bool
        The server consists of files and cannot search: searches are answered here.
    singlepart : bool or str
        Which of "bulkdata", "video", "pdf", "image" and "thumbnail" come as single parts; true for all.
    bulk_data_uri : BulkDataUri
    request_transfer_syntax_uid : str
        In which transfer syntax pixels are wanted.
    accept_header : tuple of str
        Instead of what would be accepted otherwise.
    omit_quotation_for_multipart_request : bool
        Whether `type` stands without quotation marks in Accept headers.
    fix_bulkdata_multipart : bool
        Whether bulk data that come in several parts, though they should not, are taken out of them.
    query_limit : int
        How many results of a search are asked for at once; a search goes on until it has all of them, or its limit.
    on_configuration : callable(dict, dict)
        Called at each `initialize` with the configuration and {"params", "query"}; gives the one to use.
    dicom_upload_enabled : bool
        Whether `store.dicom` is meant to be offered.
    """

    qido_root: str = ""
    wado_root: str = ""
    stow_root: str = ""
    wado_uri_root: str = ""
    image_rendering: str = "wadors"
    thumbnail_rendering: Literal["", "wadors", "thumbnailDirect", "thumbnail", "rendered"] = ""
    enable_study_lazy_load: bool = True
    supports_fuzzy_matching: bool = False
    supports_wildcard: bool = False
    supports_reject: bool = False
    supports_stow: bool = False
    static_wado: bool = False
    singlepart: bool | str = False
    bulk_data_uri: Mapping[str, Any] | BulkDataUri | None = None
    request_transfer_syntax_uid: str = "*"
    accept_header: tuple[str, ...] = ()
    omit_quotation_for_multipart_request: bool = False
    fix_bulkdata_multipart: bool = True
    query_limit: int = 101
    on_configuration: Callable[..., Mapping[str, Any]] | None = None
    dicom_upload_enabled: bool = False

    aliases: ClassVar[Mapping[str, str]] = {"root": "wado_root", "url": "wado_root"}
    # OHIF hands the one to instances, where nobody asks for it, and does not read the other
    ignored: ClassVar[frozenset[str]] = Options.ignored | {"wado_uri", "qido_supports_include_field"}

    def __post_init__(self) -> None:
        # dataclasses with slots make their class anew, so that super() without arguments would look in the old one
        Options.__post_init__(self)
        given = {name: root_url(camel(name), getattr(self, name)) for name in _ROOTS if getattr(self, name)}
        if not given:
            raise ConfigurationError("wadoRoot or qidoRoot is needed")
        order = {"qido_root": ("wado_root", "stow_root"), "wado_root": ("qido_root", "stow_root")}
        order["stow_root"] = ("wado_root", "qido_root")
        put = object.__setattr__
        for name, others in order.items():
            put(self, name, given.get(name) or next(given[other] for other in others if other in given))
        if self.wado_uri_root:
            put(self, "wado_uri_root", root_url("wadoUriRoot", self.wado_uri_root))
        if self.image_rendering == "wadouri" and not self.wado_uri_root:
            raise ConfigurationError("wadoUriRoot is needed with imageRendering 'wadouri'")
        if self.query_limit < 1:
            raise ConfigurationError("queryLimit must be 1 at least")
        if isinstance(self.singlepart, str):
            unknown = {part.strip() for part in self.singlepart.split(",")} - _PARTS - {""}
            if unknown:
                raise ConfigurationError(
                    f"singlepart: there is no part of that name; there are {', '.join(sorted(_PARTS))}"
                )
        if not isinstance(self.bulk_data_uri, BulkDataUri):
            put(self, "bulk_data_uri", BulkDataUri.of(self.bulk_data_uri, "bulkDataURI"))

    @property
    def origins(self) -> tuple[str, ...]:
        """Where credentials may go. tuple of str."""
        return tuple(root for root in (self.qido_root, self.wado_root, self.stow_root, self.wado_uri_root) if root)
