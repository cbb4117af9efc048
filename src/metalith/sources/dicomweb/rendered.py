"""What a server draws or converts for looking at: rendered images, videos and documents, thumbnails, and their URLs.

A direct URL is one that a browser or player can be given. Servers that send values as single parts (option
`singlepart`) have them; of others the value is fetched, and the URL is one that holds it (`data:`).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from metalith.bulk import BulkData
from metalith.errors import ConfigurationError, DataSourceError
from metalith.sources._cancel import Cancel
from metalith.sources.dicomweb import bulk_uri
from metalith.sources.dicomweb.accept import accept_types
from metalith.sources.dicomweb.addresses import has_part, resource_url, uids_of
from metalith.sources.dicomweb.bulk_data import single_value
from metalith.sources.dicomweb.options import BulkDataUri

if TYPE_CHECKING:
    from metalith.sources.dicomweb.options import DicomWebOptions
    from metalith.sources.http import Transport

__all__ = ["direct_url", "rendered_url", "retrieve_rendered", "retrieve_thumbnail", "thumbnail_url"]

_RENDERED_TAGS = ("PixelData", "EncapsulatedDocument")
_DOCUMENTS = frozenset({"1.2.840.10008.5.1.4.1.1.104.1"})  # Encapsulated PDF
_THUMBNAILS = {"": "thumbnail", "wadors": "thumbnail", "thumbnail": "thumbnail", "thumbnailDirect": "thumbnail"}
_THUMBNAILS["rendered"] = "rendered"
_JPEG = "image/jpeg"


def direct_url(
    options: DicomWebOptions,
    instance: Any,
    *,
    tag: str = "PixelData",
    default_path: str = "/pixeldata",
    default_type: str = "video/mp4",
    singlepart: str = "video",
    url: str | None = None,
    base: str | None = None,
    fetch: Callable[[BulkData], bytes] | None = None,
) -> str | None:
    """A URL from which a value can be had.

    Parameters
    ----------
    options : DicomWebOptions
    instance : Instance or mapping
        With the three UIDs.
    tag : str, optional
        Keyword or tag of the value.
    default_path : str, optional
        Where the value is below the instance, if that has no URI for it.
    default_type : str, optional
        Media type that is wanted.
    singlepart : str, optional
        Which of the parts that the option `singlepart` names it is: "bulkdata", "video", "pdf", "image", "thumbnail".
    url : str, optional
        Known already: it is given back.
    base : str, optional
        URL that the metadata came from, where it is not that of the series.
    fetch : callable(BulkData), optional
        The bytes of a value, for servers that do not send it as a single part.

    Returns
    -------
    str or None
        None where the server has none, and `fetch` is not given. It may be a `data:` URL of the whole value.

    Raises
    ------
    BulkDataError
        The URI of the value is none that can be fetched.

    Examples
    --------
    >>> from metalith.sources.dicomweb import DicomWebOptions
    >>> from metalith.sources.dicomweb.rendered import direct_url
    >>> uids = {"StudyInstanceUID": "1", "SeriesInstanceUID": "2", "SOPInstanceUID": "3"}
    >>> direct_url(DicomWebOptions(wado_root="https://host/d"), uids)
    'https://host/d/studies/1/series/2/instances/3/rendered'
    """
    if url:
        return url
    value = instance.get(tag)
    if isinstance(value, (bytes, bytearray)) and value:
        return _data_url(bytes(value), default_type)
    resolved = ""
    if isinstance(value, BulkData):
        if value.local or not has_part(options.singlepart, singlepart):
            return None if fetch is None else _data_url(fetch(value), default_type)
        rules = options.bulk_data_uri
        if not isinstance(rules, BulkDataUri):
            rules = BulkDataUri.of(rules, "bulkDataURI")
        resolved = bulk_uri.resolve(value.uri, rules, root=options.wado_root, base=base, instance=instance)
    place = resource_url(options.wado_root, *uids_of(instance))
    if tag in _RENDERED_TAGS and "?" not in resolved:
        return f"{place}/rendered"
    return _accepting(resolved or f"{place}{default_path}", default_type)


def rendered_url(options: DicomWebOptions, *uids: str, frame: int | None = None) -> str:
    """The URL at which a server draws a study, series, instance, or frame of it.

    >>> from metalith.sources.dicomweb import DicomWebOptions
    >>> from metalith.sources.dicomweb.rendered import rendered_url
    >>> rendered_url(DicomWebOptions(wado_root="https://host/d"), "1", "2")
    'https://host/d/studies/1/series/2/rendered'
    """
    return f"{resource_url(options.wado_root, *uids)}{_frame(frame)}/rendered"


def thumbnail_url(options: DicomWebOptions, *uids: str) -> str | None:
    """Where the thumbnail of a study, series or instance comes from, as `thumbnail_rendering` says.

    Returns
    -------
    str or None
        None where the option is not set, or is "wadors": then thumbnails are made here, of the image.

    Raises
    ------
    ConfigurationError
        The option is something else.

    Examples
    --------
    >>> from metalith.sources.dicomweb import DicomWebOptions
    >>> from metalith.sources.dicomweb.rendered import thumbnail_url
    >>> thumbnail_url(DicomWebOptions(wado_root="https://host/d", thumbnail_rendering="thumbnailDirect"), "1", "2")
    'https://host/d/studies/1/series/2/thumbnail?accept=image/jpeg'
    """
    last = _last(options)
    if options.thumbnail_rendering in ("", "wadors"):
        return None
    return f"{resource_url(options.wado_root, *uids)}/{last}?accept={_JPEG}"


def retrieve_rendered(
    transport: Transport,
    options: DicomWebOptions,
    instance: Any,
    *,
    frame: int | None = None,
    viewport: tuple[int, ...] | None = None,
    window: tuple[float, float] | tuple[float, float, str] | None = None,
    quality: int | None = None,
    annotation: str | None = None,
    media_types: Iterable[str] | None = None,
    cancel: Cancel | None = None,
) -> bytes:
    """An instance, or a frame of it, as an image, video or document.

    Parameters
    ----------
    transport : Transport
    options : DicomWebOptions
    instance : Instance, mapping or tuple of str
        With the three UIDs.
    frame : int, optional
        Counted from 1.
    viewport : tuple of int, optional
        Width and height in pixels, and maybe the part of the image: left, top, width, height.
    window : tuple, optional
        Centre, width, and maybe the function: "linear" (the default), "linear-exact" or "sigmoid".
    quality : int, optional
        From 1 to 100.
    annotation : str, optional
        "patient", "technique", or both with a comma.
    media_types : iterable of str, optional
        What is wanted: by default a PDF of encapsulated ones, and of all others a JPEG image.
    cancel : Cancel, optional

    Returns
    -------
    bytes

    Raises
    ------
    DataSourceError
        The server cannot be reached, refuses, or cannot draw it.
    Cancelled
    """
    query = _query(viewport, window, quality, annotation)
    if media_types is None:
        media_types = ["application/pdf" if _is_document(instance) else _JPEG]
    accept = accept_types(media_types, singlepart=True)
    url = rendered_url(options, *uids_of(instance), frame=frame)
    return single_value(transport.request("GET", url + query, accept=accept, cancel=cancel))


def retrieve_thumbnail(
    transport: Transport,
    options: DicomWebOptions,
    *uids: str,
    viewport: tuple[int, int] | None = (256, 256),
    cancel: Cancel | None = None,
) -> bytes:
    """A small JPEG image of a study, series or instance: of what the last of the UIDs names.

    Where the server has none of a series, one of its instances stands for it. `thumbnail_rendering` says whether the
    server's thumbnails are asked for or, with "rendered", its images; a viewer that makes thumbnails itself ("wadors",
    or not set) does not look at either, but here it is the thumbnails.

    Parameters
    ----------
    transport : Transport
    options : DicomWebOptions
    *uids : str
        Of the study, of the series, of the instance.
    viewport : (int, int), optional
        Largest width and height, pixels.
    cancel : Cancel, optional

    Raises
    ------
    DataSourceError
        The server cannot be reached, refuses, or has none.
    Cancelled
    """
    last, query = _last(options), _query(viewport, None, None, None)

    def ask(*uids: str) -> bytes:
        url = f"{resource_url(options.wado_root, *uids)}/{last}{query}"
        return single_value(transport.request("GET", url, accept=_JPEG, cancel=cancel))

    try:
        return ask(*uids)
    except DataSourceError as error:
        if len(uids) != 2 or error.status in (None, 401, 403):
            raise
        sop = _any_instance(transport, options, uids[0], uids[1], cancel)
        if sop is None:
            raise
    return ask(*uids, sop)


def _any_instance(
    transport: Transport, options: DicomWebOptions, study: str, series: str, cancel: Cancel | None
) -> str | None:
    url = f"{resource_url(options.qido_root, study, series)}/instances"
    table = transport.metadata(url, params=[("limit", "1"), ("includefield", "00080018")], cancel=cancel)
    found = table[0].get("SOPInstanceUID") if len(table) else None
    return found if isinstance(found, str) else None


def _last(options: DicomWebOptions) -> str:
    try:
        return _THUMBNAILS[options.thumbnail_rendering]
    except KeyError:
        names = ", ".join(name for name in _THUMBNAILS if name)
        raise ConfigurationError(f"thumbnailRendering must be one of {names}") from None


def _query(viewport: Any, window: Any, quality: int | None, annotation: str | None) -> str:
    """PS3.18 section 8.3.5. Commas stand as they are: some servers do not undo escapes here."""
    query = []
    if viewport is not None:
        if len(viewport) not in (2, 6):
            raise ValueError("viewport is width and height, or these and left, top, width and height")
        query.append(("viewport", ",".join(f"{number:g}" for number in viewport)))
    if window is not None:
        if len(window) not in (2, 3):
            raise ValueError("window is centre and width, or these and the function")
        function = window[2] if len(window) == 3 else "linear"
        query.append(("window", f"{window[0]:g},{window[1]:g},{function}"))
    if quality is not None:
        if not 1 <= quality <= 100:
            raise ValueError("quality is from 1 to 100")
        query.append(("quality", f"{quality}"))
    if annotation is not None:
        query.append(("annotation", annotation))
    return "?" + "&".join(f"{name}={quote(value, ',')}" for name, value in query) if query else ""


def _frame(frame: int | None) -> str:
    if frame is None:
        return ""
    if frame < 1:
        raise ValueError("frames are counted from 1")
    return f"/frames/{frame}"


def _is_document(instance: Any) -> bool:
    if isinstance(instance, tuple):
        return False
    return instance.get("SOPClassUID") in _DOCUMENTS or instance.get("EncapsulatedDocument") is not None


def _accepting(url: str, media_type: str) -> str:
    if "accept=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}accept={media_type}"


def _data_url(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
