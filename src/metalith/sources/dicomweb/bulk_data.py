"""Values that stand on a server: fetched when they are wanted, each once.

A server answers with the bytes themselves or with a multipart message of one part, and some that are made of files with
the latter under the name of the former; all of them give the bytes.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, Any

from metalith.bulk import BulkData
from metalith.sources._cancel import Cancel
from metalith.sources._single_flight import SingleFlight
from metalith.sources.dicomweb import bulk_uri
from metalith.sources.dicomweb.accept import OCTETS, accept_types
from metalith.sources.dicomweb.addresses import has_part
from metalith.sources.dicomweb.options import BulkDataUri
from metalith.sources.dicomweb.parts import MultipartError, media_type_of, split, unwrapped

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from metalith.sources.dicomweb.options import DicomWebOptions
    from metalith.sources.http import Response, Transport

__all__ = ["BulkCache", "array_of", "fetch", "single_value"]

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/(?:[0-9]+|\*)")


class BulkCache:
    """Values that were fetched, least recently used first to go. For any number of threads.

    Who asks for a value that is on its way waits for it. Failures are not kept.

    Parameters
    ----------
    max_bytes : int, optional
        Of all values together. 64 MiB. Values that would need more than a quarter of it are not kept.
    """

    def __init__(self, max_bytes: int = 64 << 20) -> None:
        self.max_bytes, self.nbytes = max_bytes, 0
        self._values: OrderedDict[Hashable, bytes] = OrderedDict()
        self._flights = SingleFlight()
        self._lock = threading.Lock()

    def get(self, key: Hashable, load: Callable[[], bytes], cancel: Cancel | None = None) -> bytes:
        """The value of a key, loaded if it is not here."""
        known = self._known(key)
        return self._flights.do(key, lambda: self._load(key, load), cancel=cancel) if known is None else known

    def clear(self) -> None:
        """Forgets all values."""
        with self._lock:
            self._values.clear()
            self.nbytes = 0

    def __len__(self) -> int:
        return len(self._values)

    def _known(self, key: Hashable) -> bytes | None:
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def _load(self, key: Hashable, load: Callable[[], bytes]) -> bytes:
        known = self._known(key)  # who was first may have landed since we looked
        if known is not None:
            return known
        value = load()
        if len(value) <= self.max_bytes // 4:
            with self._lock:
                self._values[key] = value
                self.nbytes += len(value)
                while self.nbytes > self.max_bytes:
                    self.nbytes -= len(self._values.popitem(last=False)[1])
        return value


def fetch(
    transport: Transport,
    bulk: BulkData | str | bytes,
    *,
    options: DicomWebOptions,
    instance: Any = None,
    base: str | None = None,
    media_types: Iterable[str] | None = None,
    range: tuple[int, int | None] | None = None,
    cache: BulkCache | None = None,
    cancel: Cancel | None = None,
) -> bytes:
    """The bytes of a value.

    Parameters
    ----------
    transport : Transport
    bulk : BulkData, str or bytes
        As the attribute has it, or a BulkDataURI. Bytes, which were sent with the metadata, are the value already, and
        what stands in a file that Metalith read is read from there.
    options : DicomWebOptions
    instance : Instance, mapping or tuple of str, optional
        Whose value it is, which relative URIs need.
    base : str, optional
        URL that the metadata came from, where it is not that of the series.
    media_types : iterable of str, optional
        What is wanted instead of plain bytes, such as "image/jpeg", maybe with parameters.
    range : (int, int or None), optional
        First byte of the value and the one behind the last, None for all that follow.
    cache : BulkCache, optional
    cancel : Cancel, optional

    Returns
    -------
    bytes
        Of a multipart message the first part that is not empty.

    Raises
    ------
    BulkDataError
        The URI is none that can be fetched; see `bulk_uri.resolve`.
    DataSourceError
        The server cannot be reached, refuses, or answers with something else.
    Cancelled
    """
    if range is not None and not (range[0] >= 0 and (range[1] is None or range[0] < range[1])):
        raise ValueError("range is the first byte and the one behind the last")
    if isinstance(bulk, (bytes, bytearray, memoryview)):
        return _sliced(bytes(bulk), range)
    if isinstance(bulk, BulkData) and bulk.local:
        return _sliced(bulk.read(), range)
    if not isinstance(bulk, (BulkData, str)):
        raise TypeError(f"a BulkData, a URI or bytes are expected, not a {type(bulk).__name__}")
    uri = bulk.uri if isinstance(bulk, BulkData) else bulk
    rules = options.bulk_data_uri
    if not isinstance(rules, BulkDataUri):
        rules = BulkDataUri.of(rules, "bulkDataURI")
    url = bulk_uri.resolve(uri, rules, root=options.wado_root, base=base, instance=instance)
    accept = _accept(options, media_types, range is not None)

    def load() -> bytes:
        return _load(transport, url, accept, range, cancel, options.fix_bulkdata_multipart)

    return load() if cache is None else cache.get((url, accept, range), load, cancel)


def array_of(data: bytes, vr: str) -> npt.NDArray[np.generic]:
    """Bytes as values of a VR: one axis, not writable.

    Raises
    ------
    BulkDataError
        The VR is not one of numbers, or there is no whole number of values.

    Examples
    --------
    >>> from metalith.sources.dicomweb.bulk_data import array_of
    >>> array_of(bytes([1, 0, 0, 1]), "US").tolist()
    [1, 256]
    """
    return BulkData(f"?offset=0&length={len(data)}", vr).numpy(data)


def single_value(response: Response, unwrap: bool = True) -> bytes:
    """What an answer has that should be one value: its bytes, or those of the first part that is not empty.

    With `unwrap`, that also goes for a multipart message which does not say that it is one.

    Raises
    ------
    DataSourceError
        It is a damaged multipart message, or a page for people.
    """
    content_type = response.headers.get("Content-Type", "")
    kind = media_type_of(content_type)
    if kind.startswith("multipart/"):
        try:
            parts = split(response.content, content_type)
        except MultipartError as error:
            raise response.error(str(error)) from None
        return next((part.data for part in parts if part.data), b"")
    if kind in ("text/html", "application/xhtml+xml"):
        raise response.error("a web page came instead of the value")
    return unwrapped(response.content) if unwrap else response.content


def _accept(options: DicomWebOptions, media_types: Iterable[str] | None, is_range: bool) -> str:
    bare = has_part(options.singlepart, "bulkdata")
    if media_types is None and not bare and (options.static_wado or is_range):
        return "*/*"  # of a range, best were a single part, for which some servers cannot even be asked
    return accept_types(
        [OCTETS] if media_types is None else media_types,
        singlepart=bare or options.static_wado or is_range,
        omit_quotation=options.omit_quotation_for_multipart_request,
    )


def _load(
    transport: Transport,
    url: str,
    accept: str,
    range: tuple[int, int | None] | None,
    cancel: Cancel | None,
    unwrap: bool,
) -> bytes:
    if range is None:
        return single_value(transport.request("GET", url, accept=accept, cancel=cancel), unwrap)
    first, behind = range
    headers = {"Range": f"bytes={first}-{'' if behind is None else behind - 1}"}
    response = transport.request("GET", url, accept=accept, headers=headers, cancel=cancel, expected=(200, 206))
    if response.status_code == 200:
        return _sliced(single_value(response, unwrap), range)  # a server need not know of ranges
    if media_type_of(response.headers.get("Content-Type", "")).startswith("multipart/"):
        # a range of the message around the value
        return _sliced(single_value(transport.request("GET", url, accept=accept, cancel=cancel), unwrap), range)
    told = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    data: bytes = response.content
    right = told is not None and int(told[1]) == first and int(told[2]) - first + 1 == len(data)
    if not right or (behind is not None and len(data) > behind - first):
        raise response.error("another range came than the one that was asked for")
    return data


def _sliced(data: bytes, range: tuple[int, int | None] | None) -> bytes:
    return data if range is None else data[range[0] : range[1]]
