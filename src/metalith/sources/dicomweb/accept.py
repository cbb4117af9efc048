"""What is accepted as an answer: Accept headers of requests for pixels and other bulk data (PS3.18 section 8.7.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from metalith.errors import ConfigurationError

__all__ = ["OCTETS", "accept_types", "generate_accept_header"]

OCTETS = "application/octet-stream"

_JPEG, _JLS, _JP2, _JPX = "image/jpeg", "image/jls", "image/jp2", "image/jpx"
_TYPES = {
    **dict.fromkeys(("*", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"), OCTETS),
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    "1.2.840.10008.1.2.4.50": _JPEG,
    "1.2.840.10008.1.2.4.51": "image/dicom+jpeg",
    "1.2.840.10008.1.2.4.57": _JPEG,
    "1.2.840.10008.1.2.4.70": _JPEG,
    **dict.fromkeys(("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"), _JLS),
    **dict.fromkeys(("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"), _JP2),
    **dict.fromkeys(("1.2.840.10008.1.2.4.92", "1.2.840.10008.1.2.4.93"), _JPX),
}
_TYPE = re.compile(r"[A-Za-z0-9*!#$&^_.+-]+/[A-Za-z0-9*!#$&^_.+-]+(?:\s*;[\x20-\x7e]*)?")


def generate_accept_header(
    accept_header: Sequence[str] = (), request_transfer_syntax_uid: str | None = "*", omit_quotation: bool = False
) -> list[str]:
    """The Accept header for pixels, as the reference has it.

    Parameters
    ----------
    accept_header : sequence of str, optional
        Given back as it is, unless it is empty.
    request_transfer_syntax_uid : str, optional
        The transfer syntax that is wanted, or "*" for whatever there is, as are those that are not known.
    omit_quotation : bool, optional
        No quotation marks, for servers that do not read them.

    Returns
    -------
    list of str
        Its members.

    Examples
    --------
    >>> from metalith.sources.dicomweb.accept import generate_accept_header
    >>> generate_accept_header(request_transfer_syntax_uid="1.2.840.10008.1.2.4.80")
    ['multipart/related; type="image/jls"; transfer-syntax="1.2.840.10008.1.2.4.80"']
    """
    if accept_header:
        return list(accept_header)
    syntax = request_transfer_syntax_uid if request_transfer_syntax_uid in _TYPES else "*"
    quote = "" if omit_quotation else '"'
    return [f"multipart/related; type={quote}{_TYPES[syntax or '*']}{quote}; transfer-syntax={quote}{syntax}{quote}"]


def accept_types(media_types: Iterable[str], *, singlepart: bool, omit_quotation: bool = False) -> str:
    """The Accept header for some media types, which may have parameters: each as one part of several, or bare.

    Types that say `multipart/…` themselves, and `*/*`, are taken as they are.

    Raises
    ------
    ConfigurationError
        One is no media type.

    Examples
    --------
    >>> from metalith.sources.dicomweb.accept import accept_types
    >>> accept_types(["image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90"], singlepart=False)
    'multipart/related; type="image/jp2"; transfer-syntax=1.2.840.10008.1.2.4.90'
    """
    members = []
    quote = "" if omit_quotation else '"'
    for one in [media_types] if isinstance(media_types, str) else media_types:
        if not isinstance(one, str) or not _TYPE.fullmatch(one):
            raise ConfigurationError("media_types: there is one that is no media type")
        kind, semicolon, parameters = one.partition(";")
        bare = singlepart or kind.strip() == "*/*" or kind.lower().startswith("multipart/")
        members.append(one if bare else f"multipart/related; type={quote}{kind.strip()}{quote}{semicolon}{parameters}")
    if not members:
        raise ConfigurationError("media_types: none is given")
    return ", ".join(members)
