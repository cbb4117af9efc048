"""Sending instances to be kept: STOW-RS (PS3.18 section 10.5).

Many instances go in several requests, each of bounded size. What a server refuses is told instance by instance. Some
refuse a whole request for one instance in it; then its halves are sent, until it is known which one it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from metalith._core import Instance
from metalith.bulk import BulkData
from metalith.errors import ConfigurationError, DataSourceError
from metalith.sources._cancel import Cancel
from metalith.sources.dicomweb.addresses import resource_url
from metalith.sources.dicomweb.stow_answer import StoreFailure, StoreResult, result_of
from metalith.sources.dicomweb.stow_items import Item, Message, Unsendable, items_of

if TYPE_CHECKING:
    from metalith.sources.dicomweb.options import DicomWebOptions
    from metalith.sources.http import Transport

__all__ = ["StoreInterrupted", "store"]

_MOST_ITEMS = 1000  # of one request
_MOST_REFUSED = 32  # requests, while none was accepted, before it is taken for trouble with whatever is sent
_REFUSING = frozenset({400, 413, 415, 422})  # statuses that may be due to one instance


class StoreInterrupted(DataSourceError):
    """A request to store instances failed as a whole. Those of earlier requests may be stored.

    Attributes
    ----------
    result : StoreResult
        What came of the requests before.
    """

    result = StoreResult()

    def __reduce__(self) -> Any:
        return (*super().__reduce__(), {"result": self.result})


def store(
    transport: Transport,
    options: DicomWebOptions,
    data: Any,
    *,
    study_instance_uid: str | None = None,
    fetch: Callable[[Instance, BulkData], bytes] | None = None,
    max_bytes_per_request: int = 64 << 20,
    cancel: Cancel | None = None,
) -> StoreResult:
    """Sends instances.

    Parameters
    ----------
    transport : Transport
    options : DicomWebOptions
    data
        A pydicom dataset, an instance, a natural dict, the bytes or path of a DICOM file, or an iterable of these.
        Files go as they are. Names that viewers give instances (`imageId`, `url`, …) are left out of dicts.
    study_instance_uid : str, optional
        The study that all of them belong to; a server refuses others then.
    fetch : callable(Instance, BulkData), optional
        The bytes of values of instances that stand on a server.
    max_bytes_per_request : int, optional
        How much goes in one request. An instance that is larger has one of its own.
    cancel : Cancel, optional

    Returns
    -------
    StoreResult
        What was stored, and what was not and why; also of what is no DICOM file, which is not sent.

    Raises
    ------
    StoreInterrupted
        The server cannot be reached, refuses requests whatever is in them, or does not answer as it should; its
        `result` tells of the requests before. What was in the last one may be stored.
    Cancelled
    """
    if max_bytes_per_request < 1:
        raise ConfigurationError("max_bytes_per_request must be 1 at least")
    url = f"{options.stow_root}/studies"
    if study_instance_uid is not None:
        url = resource_url(options.stow_root, study_instance_uid)
    sender = _Sender(transport, url, cancel)
    for batch in _batches(items_of(data, fetch), max_bytes_per_request):
        refused = tuple(
            StoreFailure(one.sop_class_uid, one.sop_instance_uid, None, one.reason, one.index)
            for one in batch
            if isinstance(one, Unsendable)
        )
        sender.result += StoreResult(failures=refused)
        sender.send([one for one in batch if isinstance(one, Item)])
    return sender.result


def _batches(items: Iterator[Item | Unsendable], max_bytes: int) -> Iterator[list[Item | Unsendable]]:
    batch: list[Item | Unsendable] = []
    size = 0
    for item in items:
        needed = item.size if isinstance(item, Item) else 0
        if batch and (size + needed > max_bytes or len(batch) >= _MOST_ITEMS):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += needed
    if batch:
        yield batch


class _Sender:
    """Sends requests to one URL, and gathers what comes of them."""

    def __init__(self, transport: Transport, url: str, cancel: Cancel | None) -> None:
        self.result = StoreResult()
        self._transport, self._url, self._cancel = transport, url, cancel
        self._refused, self._accepted = 0, False

    def send(self, items: list[Item]) -> None:
        if not items:
            return
        if self._cancel is not None:
            self._cancel.check()
        try:
            self.result += self._sent(items)
            self._accepted = True
            return
        except DataSourceError as error:
            self._refused += 1
            if error.status not in _REFUSING or (self._refused > _MOST_REFUSED and not self._accepted):
                raise self._interrupted(error) from None
            refusal = error
        if len(items) == 1:
            only, meaning = items[0], f"the server refuses the request that it is in: {refusal.status} {refusal.reason}"
            failure = StoreFailure(only.sop_class_uid, only.sop_instance_uid, None, meaning, only.index)
            self.result += StoreResult(failures=(failure,))
        else:
            half = len(items) // 2
            self.send(items[:half])
            self.send(items[half:])

    def _sent(self, items: list[Item]) -> StoreResult:
        message = Message(items)
        response = self._transport.request(
            "POST",
            self._url,
            accept="application/dicom+json",
            headers={"Content-Type": message.content_type},
            data=message,
            cancel=self._cancel,
            expected=(200, 202, 409),
        )
        return result_of(response, items)

    def _interrupted(self, error: DataSourceError) -> StoreInterrupted:
        interrupted = StoreInterrupted(error.reason, method=error.method, url=error.url, status=error.status)
        interrupted.result = self.result
        return interrupted
