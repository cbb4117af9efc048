"""Files into a folder: whole or not at all, and under names that nothing in them can lead astray."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from metalith._core import Instance
from metalith.errors import MetalithError, ParseError, StoreError
from metalith.store.replacing import replacing

if TYPE_CHECKING:
    from metalith.sources.dicomweb.stow_answer import StoreResult

__all__ = ["stored", "uids_of", "write"]

_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_KEYWORDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def stored(data: Any, keep: Callable[[bytes | str], str | None]) -> StoreResult:
    """Keeps instances one after the other, in whatever form they come; see `DicomLocalSource.store_dicom`.

    Parameters
    ----------
    data
    keep : callable(content)
        Keeps a file, given as bytes or by its path, and gives its URI, if it has one.
    """
    from metalith.sources.dicomweb.stow_answer import StoredInstance, StoreFailure, StoreResult
    from metalith.sources.dicomweb.stow_items import Unsendable, items_of

    kept, failures = [], []
    for item in items_of(data):
        uids = item.sop_class_uid, item.sop_instance_uid
        if isinstance(item, Unsendable):
            failures.append(StoreFailure(*uids, None, item.reason, item.index))
            continue
        try:
            kept.append(StoredInstance(*uids, keep(item.content)))
        except MetalithError as error:
            reason = error.reason if isinstance(error, ParseError) else str(error)
            failures.append(StoreFailure(*uids, None, reason, item.index))
        except OSError as error:
            reason = f"it cannot be written: {error.strerror or type(error).__name__}"
            failures.append(StoreFailure(*uids, None, reason, item.index))
    return StoreResult(tuple(kept), tuple(failures))


def uids_of(instance: Instance) -> tuple[str, str, str]:
    """UIDs of an instance's study, series and its own.

    Raises
    ------
    StoreError
        One is missing.
    """
    found = [instance.get(keyword) for keyword in _KEYWORDS]
    for keyword, uid in zip(_KEYWORDS, found, strict=True):
        if not isinstance(uid, str) or not uid:
            raise StoreError(f"it has no {keyword}")
    return found[0], found[1], found[2]


def write(content: bytes | str, folder: str, uids: Iterable[str]) -> str:
    """Writes a file below a folder, as study/series/instance.dcm; what is there under that name is replaced.

    Parameters
    ----------
    content : bytes or str
        Of the file, or the path of another that is copied.
    folder : str
    uids : iterable of str
        Of study, series and instance. What is no UID becomes a digest of it.

    Returns
    -------
    str
        The path. The file is there in whole or, after an error, as it was before.

    Raises
    ------
    OSError
    """
    *parents, last = (_name(uid) for uid in uids)
    place = os.path.join(folder, *parents)
    os.makedirs(place, exist_ok=True)
    path = os.path.join(place, f"{last}.dcm")
    with replacing(path) as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            with open(content, "rb") as given:
                shutil.copyfileobj(given, file, 1 << 20)
    return path


def _name(uid: str) -> str:
    """A name for a file or folder that can be nothing else."""
    if len(uid) <= 64 and _UID.fullmatch(uid):
        return uid
    return "x" + hashlib.sha256(uid.encode("utf-8", "surrogatepass")).hexdigest()[:40]
