"""Where studies, series, instances and frames are on a server (PS3.18 section 10.1), and what names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

__all__ = ["UIDS", "has_part", "resource_url", "uids_of"]

UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_LEVELS = ("studies", "series", "instances")


def resource_url(root: str, *uids: str) -> str:
    """The URL of a study, of a series of it, or of an instance of that.

    Raises
    ------
    ValueError
        A UID is missing, or would name something else than what has it.

    Examples
    --------
    >>> from metalith.sources.dicomweb.addresses import resource_url
    >>> resource_url("https://host/dicom-web", "1.2", "1.3")
    'https://host/dicom-web/studies/1.2/series/1.3'
    """
    if not 1 <= len(uids) <= 3:
        raise ValueError("the UIDs of a study, a series and an instance are needed, or the first of these")
    return "/".join([root, *(f"{level}/{_escaped(uid)}" for level, uid in zip(_LEVELS, uids, strict=False))])


def _escaped(uid: Any) -> str:
    if not isinstance(uid, str) or not uid.isprintable() or not uid.strip("."):
        raise ValueError("a UID is missing, or holds what no URL can")
    return quote(uid, "")


def uids_of(instance: Any) -> tuple[str, str, str]:
    """The UIDs of study, series and instance, of an instance or of a mapping or tuple that has them.

    Raises
    ------
    ValueError
        One is missing.
    """
    if isinstance(instance, tuple):
        found = instance
    elif isinstance(instance, Mapping) or hasattr(instance, "get"):
        found = tuple(instance.get(keyword) for keyword in UIDS)
    else:
        raise TypeError(f"an instance or its three UIDs are expected, not a {type(instance).__name__}")
    if len(found) != 3 or not all(isinstance(uid, str) and uid for uid in found):
        raise ValueError("the instance lacks one of its three UIDs")
    return tuple(str(uid) for uid in found)  # type: ignore[return-value]


def has_part(singlepart: bool | str, part: str) -> bool:
    """Whether the option `singlepart` says that a server sends something ("bulkdata", "video", …) as a single part.

    >>> has_part("video,pdf", "video"), has_part(True, "image"), has_part("", "video")
    (True, True, False)
    """
    return singlepart if isinstance(singlepart, bool) else part in [one.strip() for one in singlepart.split(",")]
