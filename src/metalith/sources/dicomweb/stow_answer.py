"""What a server says of instances that were sent to it (PS3.18 section 10.5.3, annex I.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metalith._core import Instance
from metalith._core import Sequence as Items
from metalith.errors import ParseError
from metalith.sources.dicomweb.parts import media_type_of

if TYPE_CHECKING:
    from metalith.sources.dicomweb.stow_items import Item
    from metalith.sources.http import Response

__all__ = ["StoreFailure", "StoreResult", "StoreWarning", "StoredInstance", "meaning_of", "result_of"]

# PS3.18 annex I.2.2, PS3.4 tables B.2-1 and GG.4-1, PS3.7 annex C
_MEANINGS = {
    0x0110: "processing failure",
    0x0111: "an instance of that UID is there already",
    0x0112: "no such instance",
    0x0117: "no valid SOPInstanceUID",
    0x0119: "the SOP class does not fit the instance",
    0x0122: "the SOP class is not supported",
    0x0124: "not authorized",
    0x0131: "a transaction of that UID is there already",
    0x0213: "a limit of the server's resources is reached",
    0xA770: "the instance belongs to another patient",
    0xA771: "the instance belongs to another study",
    0xB000: "elements were changed",
    0xB006: "elements were left out",
    0xB007: "the instance does not match its SOP class",
    0xC122: "the transfer syntax is not supported",
    0xC123: "not stored again: it was deleted before, or rejected",
}
_RANGES = {
    0xA7: "the server is out of resources",
    0xA8: "the SOP class is not supported",
    0xA9: "the instance does not match its SOP class",
    0xB0: "stored with a warning",
}


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """An instance that a server took.

    Attributes
    ----------
    sop_class_uid, sop_instance_uid : str or None
    retrieve_url : str or None
        Where it can be had now; None where the server does not say so.
    """

    sop_class_uid: str | None
    sop_instance_uid: str | None
    retrieve_url: str | None


@dataclass(frozen=True, slots=True)
class StoreFailure:
    """An instance that was not stored, and why.

    Attributes
    ----------
    sop_class_uid, sop_instance_uid : str or None
        None where it is not known which one it is.
    reason : int or None
        FailureReason (0008,1197); None where the server gives none, or was not asked.
    meaning : str
        The same in words.
    index : int or None
        Which of the instances that were given, from 0; None where it is not known.
    """

    sop_class_uid: str | None
    sop_instance_uid: str | None
    reason: int | None
    meaning: str
    index: int | None

    def __str__(self) -> str:
        which = "an instance" if self.index is None else f"number {self.index + 1:,}"
        code = "" if self.reason is None else f" ({self.reason:04X})"
        return f"{which}: {self.meaning}{code}"


@dataclass(frozen=True, slots=True)
class StoreWarning:
    """An instance that was stored, though not just as it was sent: WarningReason (0008,1196), and in words."""

    sop_class_uid: str | None
    sop_instance_uid: str | None
    reason: int
    meaning: str


@dataclass(frozen=True, slots=True)
class StoreResult:
    """What came of sending instances.

    Attributes
    ----------
    stored : tuple of StoredInstance
    failures : tuple of StoreFailure
    warnings : tuple of StoreWarning
        Of instances that are among those stored.
    """

    stored: tuple[StoredInstance, ...] = ()
    failures: tuple[StoreFailure, ...] = ()
    warnings: tuple[StoreWarning, ...] = ()

    def __add__(self, other: StoreResult) -> StoreResult:
        return StoreResult(self.stored + other.stored, self.failures + other.failures, self.warnings + other.warnings)

    def __str__(self) -> str:
        return f"{len(self.stored):,} stored, {len(self.failures):,} not"


def meaning_of(reason: int) -> str:
    """A FailureReason or WarningReason in words.

    >>> meaning_of(0x0122), meaning_of(0xA7FF), meaning_of(0xC456)
    ('the SOP class is not supported', 'the server is out of resources', 'the server cannot understand the instance')
    """
    if reason in _MEANINGS:
        return _MEANINGS[reason]
    return _RANGES.get(reason >> 8) or (
        "the server cannot understand the instance"
        if reason >> 12 == 0xC
        else "a reason that the standard does not have"
    )


def result_of(response: Response, items: Sequence[Item]) -> StoreResult:
    """What an answer says of what was sent.

    An instance that it does not mention was not stored, unless it mentions none and is a 200.

    Raises
    ------
    DataSourceError
        It is not in DICOM JSON.
    """
    answer = _dataset_in(response)
    places: dict[str, list[Item]] = {}
    for item in items:
        places.setdefault(item.sop_instance_uid or "", []).append(item)
    stored, warnings, failures = [], [], []
    for entry in _entries(answer, "ReferencedSOPSequence"):
        uids = _uids(entry)
        stored.append(StoredInstance(*uids, _text(entry.get("RetrieveURL"))))
        reason = _number(entry.get("WarningReason"))
        if reason:
            warnings.append(StoreWarning(*uids, reason, meaning_of(reason)))
        _take(places, uids[1])
    for entry in _entries(answer, "FailedSOPSequence"):
        uids, reason = _uids(entry), _number(entry.get("FailureReason"))
        meaning = "the server does not say why" if reason is None else meaning_of(reason)
        failures.append(StoreFailure(*uids, reason, meaning, _take(places, uids[1])))
    for entry in _entries(answer, "OtherFailuresSequence"):
        reason = _number(entry.get("FailureReason"))
        meaning = "the server does not say why" if reason is None else meaning_of(reason)
        failures.append(StoreFailure(None, None, reason, meaning, None))
    left = sorted((item for some in places.values() for item in some), key=lambda item: item.index)
    if response.status_code == 200 and not stored and not failures:
        stored = [StoredInstance(item.sop_class_uid, item.sop_instance_uid, None) for item in left]
    else:
        unnamed = sum(failure.sop_instance_uid is None for failure in failures)
        if len(left) == unnamed:  # they are those, whichever is which
            left = []
        meaning = "the server's answer does not mention it"
        failures += [StoreFailure(one.sop_class_uid, one.sop_instance_uid, None, meaning, one.index) for one in left]
    return StoreResult(tuple(stored), tuple(failures), tuple(warnings))


def _take(places: dict[str, list[Item]], uid: str | None) -> int | None:
    """Which of the instances sent it is; each is taken once."""
    some = places.get(uid or "")
    if not some:
        return None
    item = some.pop(0)
    return item.index


def _dataset_in(response: Response) -> Instance | None:
    from metalith.naturalize import naturalize

    body = response.content
    if not body.strip():
        return None
    kind = media_type_of(response.headers.get("Content-Type", ""))
    if kind.endswith(("/xml", "+xml", "/html")) or body.lstrip()[:1] == b"<":
        raise response.error("the answer is not in DICOM JSON, so that it is not known what was stored")
    try:
        table = naturalize(body, source="")
    except ParseError as error:
        raise response.error(
            f"the answer is damaged, so that it is not known what was stored: {error.reason}"
        ) from None
    return table[0] if len(table) else None


def _entries(answer: Instance | None, keyword: str) -> list[Instance]:
    value = None if answer is None else answer.get(keyword)
    return list(value) if isinstance(value, Items) else []


def _uids(entry: Instance) -> tuple[str | None, str | None]:
    return _text(entry.get("ReferencedSOPClassUID")), _text(entry.get("ReferencedSOPInstanceUID"))


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str) and value else None


def _number(value: Any) -> int | None:
    return int(value) if isinstance(value, int) and value > 0 else None
