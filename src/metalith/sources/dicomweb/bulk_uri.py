"""From a BulkDataURI, as it was sent, to the URL that is fetched.

First come the configured rewrites: `transform`, and another beginning for URIs that begin with `starts_with`. Whatever
they make takes the place of what was sent. Then it is made absolute:

    https://host/b/1      stays as it is
    /b/1, //host/b/1      on the server of the metadata (RFC 3986)
    anything else         relative to the URL of the metadata that it stands in (RFC 3986), which is what DICOM means

Servers that mean something else need the option `relative_resolution`, whose rules are those of the reference: of a
study {St} and its series {Se},

    begins with                 "series"                        "studies"
    studies/                    {root}/…                        the same
    series/, bulkdata/          {root}/studies/{St}/…           the same
    instances/, ../             {root}/studies/{St}/series/{Se}/…  the same
    anything else               {root}/studies/{St}/series/{Se}/…  {root}/studies/{St}/…

In the end "." and ".." are resolved, always. The URL may be on another host: the standard allows it, and credentials do
not go there. It may not be anything but http and https, nor have a user.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit

from metalith.errors import BulkDataError, ConfigurationError
from metalith.sources.dicomweb.addresses import resource_url, uids_of

if TYPE_CHECKING:
    from metalith.sources.dicomweb.options import BulkDataUri

__all__ = ["resolve"]

_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:").match
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")  # parsers differ on what these mean
_LONGEST = 1 << 16
_KEPT = "%/:?[]@!$&'()*+,;=~"


def resolve(uri: str, rules: BulkDataUri, *, root: str, base: str | None = None, instance: Any = None) -> str:
    """The URL of a value.

    Parameters
    ----------
    uri : str
        BulkDataURI, as it was sent.
    rules : BulkDataUri
        The configured ones.
    root : str
        Of the WADO-RS service, absolute.
    base : str, optional
        URL that the metadata came from; by default that of the metadata of the instance's series.
    instance : Instance, mapping or tuple of str, optional
        With the three UIDs; of the instance whose value it is, also where it stands in a sequence. Relative URIs need
        it, or `base`.

    Returns
    -------
    str
        An http or https URL, without fragment.

    Raises
    ------
    BulkDataError
        It is no URI; or of a scheme that is not fetched; or relative, and it is not known to what.
    ConfigurationError
        `rules.enabled` is false, or `rules.transform` gave something else than a text.

    Examples
    --------
    >>> from metalith.sources.dicomweb import BulkDataUri
    >>> from metalith.sources.dicomweb.bulk_uri import resolve
    >>> root, uids = "https://host/dicomweb", ("1", "2", "3")
    >>> resolve("../../bulkdata/4", BulkDataUri(), root=root, instance=uids)
    'https://host/dicomweb/studies/1/bulkdata/4'
    >>> resolve("4", BulkDataUri(relative_resolution="studies"), root=root, instance=uids)
    'https://host/dicomweb/studies/1/4'
    """
    if not rules.enabled:
        raise ConfigurationError("bulkDataURI: enabled is false, so that bulk data are not fetched")
    uri = _rewritten(uri, rules)
    _check(uri)
    if not _HAS_SCHEME(uri):
        uri = _absolute(uri, rules, root, base, instance)
    return _fetchable(uri)


def _rewritten(uri: str, rules: BulkDataUri) -> str:
    if rules.transform is not None:
        made = rules.transform(uri)
        if made is not None and not isinstance(made, str):
            raise ConfigurationError(f"bulkDataURI: transform gave a {type(made).__name__}, not a text")
        uri = made or uri
    if rules.starts_with and uri.startswith(rules.starts_with):
        uri = rules.prefix_with + uri[len(rules.starts_with) :]
    return uri


def _check(uri: str) -> None:
    if not isinstance(uri, str) or not uri.strip():
        raise BulkDataError("the BulkDataURI is empty")
    if len(uri) > _LONGEST or _FORBIDDEN.search(uri):
        raise BulkDataError("the BulkDataURI is no URI")


def _absolute(uri: str, rules: BulkDataUri, root: str, base: str | None, instance: Any) -> str:
    if uri.startswith("/") or (rules.relative_resolution is None and base is not None):
        return urljoin(root if base is None else base, uri)
    if instance is None:
        raise BulkDataError("the BulkDataURI is relative: the instance that has it must be given, too")
    study, series, _ = uids_of(instance)
    of_study, of_series = f"{resource_url(root, study)}/", f"{resource_url(root, study, series)}/"
    if rules.relative_resolution is None:
        return urljoin(f"{of_series}metadata", uri)
    if uri.startswith("studies/"):
        return urljoin(f"{root}/", uri)
    if uri.startswith(("series/", "bulkdata/")):
        return urljoin(of_study, uri)
    if uri.startswith(("instances/", "../")) or rules.relative_resolution == "series":
        return urljoin(of_series, uri)
    return urljoin(of_study, uri)


def _fetchable(uri: str) -> str:
    try:
        parts = urlsplit(uri)
        usable = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise BulkDataError("the BulkDataURI is no URI") from None
    if not usable:
        raise BulkDataError("the BulkDataURI is no http or https URL: no other is fetched")
    if "@" in parts.netloc:
        raise BulkDataError("the BulkDataURI has a user: credentials are those that are configured")
    # dots in absolute URIs, too; and characters that only look like those of a URI are written as they are sent
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path or "/"
    if not path.startswith("//"):
        path = urljoin(f"{origin}/", path)[len(origin) :]
    return origin + quote(path, _KEPT) + (f"?{quote(parts.query, _KEPT)}" if parts.query else "")
