"""What is sent by STOW-RS: files as they are, datasets as files, and the multipart message around them.

Files are read while they are sent. Of each the header is looked at before, so that what is no DICOM file is reported
and does not take others with it.
"""

from __future__ import annotations

import copy
import math
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

from metalith._core import Instance
from metalith.bulk import BulkData
from metalith.errors import BulkDataError, DataSourceError, EncodeError, ParseError

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["Item", "Message", "Unsendable", "items_of", "part10_of"]

Fetch = Callable[[Instance, BulkData], bytes]

# Names that viewers give instances and that are no attributes
APP_KEYS = frozenset(
    {"url", "wadorsuri", "wadouri", "wadoRoot", "wadoUri", "wadoUriRoot", "imageRendering", "imageId", "image_id"}
    | {"_parentInstance", "frameNumber", "_vrMap", "_meta"}
)
_PIECE = 1 << 18
_TRANSFER_SYNTAX = 0x00020010
_PIXEL_DATA = 0x7FE00010
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData", "PixelDataProviderURL")
_HEADER = ("SOPClassUID", "SOPInstanceUID")


@dataclass(frozen=True, slots=True)
class Item:
    """A DICOM file to be sent. `content` is its bytes, or its path."""

    index: int
    sop_class_uid: str | None
    sop_instance_uid: str | None
    content: bytes | str = field(repr=False)
    size: int


@dataclass(frozen=True, slots=True)
class Unsendable:
    """Something that cannot be sent, and why; the text shows nothing of it."""

    index: int
    sop_class_uid: str | None
    sop_instance_uid: str | None
    reason: str


def items_of(data: Any, fetch: Fetch | None = None) -> Iterator[Item | Unsendable]:
    """What there is to send, one after the other.

    Parameters
    ----------
    data
        A pydicom dataset, an instance, a natural dict, the bytes or path of a DICOM file, such a file open for binary
        reading, or an iterable of these.
    fetch : callable(Instance, BulkData), optional
        The bytes of values of instances that stand elsewhere than in files.

    Raises
    ------
    TypeError
        It is none of these. Whatever is among several that is none of these cannot be sent.
    """
    for index, one in enumerate([data] if _is_one(data) else data):
        try:
            yield _item(index, one, fetch)
        except _Refused as refused:
            yield Unsendable(index, *refused.uids, str(refused))


class _Refused(Exception):
    def __init__(self, reason: str, uids: tuple[str | None, str | None] = (None, None)) -> None:
        self.uids = uids
        super().__init__(reason)


def _is_one(data: Any) -> bool:
    if isinstance(data, (bytes, bytearray, memoryview, str, os.PathLike, Instance, Mapping)):
        return True
    if _is_dataset(data) or hasattr(data, "read"):  # a file, before it is an iterable of lines
        return True
    if not isinstance(data, Iterable):
        raise TypeError(f"a {type(data).__name__} cannot be stored")
    return False


def _is_dataset(data: Any) -> bool:
    return hasattr(data, "to_json_dict")


def _item(index: int, one: Any, fetch: Fetch | None) -> Item:
    if isinstance(one, (bytes, bytearray, memoryview)):
        content = bytes(one)
        return Item(index, *_header_of(content), content, len(content))
    if hasattr(one, "read") and not _is_dataset(one):
        content = one.read()
        if not isinstance(content, bytes):
            raise _Refused("the file is not open for binary reading")
        return Item(index, *_header_of(content), content, len(content))
    if isinstance(one, (str, os.PathLike)):
        path = os.fsdecode(one)
        return Item(index, *_header_of(path), path, _size_of(path))
    if isinstance(one, Instance):
        if "Rows" in one and not any(name in one for name in _PIXELS):
            uids = _text(one.get("SOPClassUID")), _text(one.get("SOPInstanceUID"))
            raise _Refused("it is an image, but its metadata tell of no pixel data", uids)
        dataset = _of_instance(one, fetch)
    elif _is_dataset(one):
        dataset = one
    elif isinstance(one, Mapping):
        dataset = _of_natural(one, fetch)
    else:
        raise _Refused(f"a {type(one).__name__} is no instance")
    with _unvalidated():
        uids = _text(dataset.get("SOPClassUID")), _text(dataset.get("SOPInstanceUID"))
        for keyword, uid in zip(_HEADER, uids, strict=True):
            if uid is None:
                raise _Refused(f"it has no {keyword}", uids)
        content = _written(dataset, uids)
    return Item(index, *uids, content, len(content))


_changing_settings = threading.Lock()


@contextmanager
def _unvalidated() -> Iterator[None]:
    """Without the warnings of pydicom, which show values; what is sent is the server's to judge."""
    from pydicom import config

    with _changing_settings, config.disable_value_validation():
        yield


def _header_of(file: bytes | str) -> tuple[str | None, str | None]:
    from metalith.part10 import read

    try:
        if isinstance(file, bytes):
            begin = file[:132]
        else:
            with open(file, "rb") as opened:
                begin = opened.read(132)
        header = read(file, specific_tags=_HEADER, until="StudyDate", source="")
    except ParseError as error:
        raise _Refused(error.reason) from None
    except OSError as error:
        raise _Refused(f"the file cannot be read: {error.strerror or type(error).__name__}") from None
    uids = _text(header.get("SOPClassUID")), _text(header.get("SOPInstanceUID"))
    if begin[128:] != b"DICM":
        raise _Refused('it is no file as they are sent: it has no preamble with "DICM" after it', uids)
    return uids


def _size_of(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError as error:
        raise _Refused(f"the file cannot be read: {error.strerror or type(error).__name__}") from None


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str) and value else None


def _of_instance(instance: Instance, fetch: Fetch | None) -> Dataset:
    from metalith.interchange import to_pydicom

    def value_of(bulk: BulkData) -> bytes:
        if bulk.local or fetch is None:
            return bulk.read()
        return fetch(instance, bulk)

    uids = _text(instance.get("SOPClassUID")), _text(instance.get("SOPInstanceUID"))
    try:
        dataset = to_pydicom(instance, bulk="read" if fetch is None else value_of)
    except (BulkDataError, DataSourceError, EncodeError) as error:
        raise _Refused(str(error), uids) from None
    pixels = instance.get("PixelData")
    if isinstance(pixels, BulkData) and not pixels.local:
        length, due = len(dataset.PixelData or b""), _pixel_bytes(instance)
        if due is not None and length not in (due, due + 1):
            raise _Refused(f"its pixel data came with {length:,} bytes, not the {due:,} that it needs", uids)
    return dataset


def _pixel_bytes(instance: Instance) -> int | None:
    """How long native pixel data are (PS3.5 section 8.2); None where the attributes do not tell."""
    numbers = [instance.get(name) for name in ("Rows", "Columns", "BitsAllocated")]
    numbers += [instance.get(name, 1) for name in ("SamplesPerPixel", "NumberOfFrames")]
    if instance.get("PhotometricInterpretation") == "YBR_FULL_422" or not all(isinstance(one, int) for one in numbers):
        return None
    return (int(math.prod(numbers)) + 7) // 8


def _of_natural(natural: Mapping[Any, Any], fetch: Fetch | None) -> Dataset:
    from metalith.encode import denaturalize
    from metalith.naturalize import naturalize_dataset

    attributes = {key: value for key, value in natural.items() if key not in APP_KEYS}
    syntax = _syntax_in(natural.get("_meta")) or _text(attributes.pop("TransferSyntaxUID", None))
    try:
        dataset = _of_instance(naturalize_dataset(denaturalize(attributes)), fetch)
    except (EncodeError, ParseError) as error:
        raise _Refused(str(error)) from None
    if syntax is not None:
        from pydicom.uid import UID

        dataset.file_meta.TransferSyntaxUID = UID(syntax)
    return dataset


def _syntax_in(meta: Any) -> str | None:
    """TransferSyntaxUID of a viewer's `_meta`, which is natural or DICOM JSON."""
    value = meta.get("TransferSyntaxUID") if isinstance(meta, Mapping) else None
    if isinstance(value, Mapping):
        values = value.get("Value")
        value = values[0] if isinstance(values, (list, tuple)) and values else values
    return _text(value)


def _written(dataset: Dataset, uids: tuple[str | None, str | None]) -> bytes:
    try:
        return part10_of(dataset)
    except _Refused as refused:
        raise _Refused(str(refused), uids) from None
    except Exception as error:  # pydicom raises all kinds, with values in their texts
        raise _Refused(f"it cannot be written as a DICOM file ({type(error).__name__})", uids) from None


def part10_of(dataset: Dataset) -> bytes:
    """A dataset as a DICOM file, with file meta information that fits; the dataset stays as it is.

    The transfer syntax is that of its file meta information, or else what its elements are in; of a dataset that was
    made in memory explicit VR little endian.
    """
    from pydicom import Dataset, dcmwrite
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    meta = FileMetaDataset(getattr(dataset, "file_meta", None) or {})
    made = copy.copy(dataset)
    tags = list(dataset.keys())
    if any(tag >> 16 in (0, 2) for tag in tags):  # of a command, or of file meta information
        made = Dataset({tag: dataset.get_item(tag) for tag in tags if tag >> 16 not in (0, 2)})
        implicit, little = dataset.original_encoding
        made.set_original_encoding(implicit, little, dataset.original_character_set)
    if "TransferSyntaxUID" not in meta:
        named = dataset.get_item(_TRANSFER_SYNTAX) if _TRANSFER_SYNTAX in dataset else None
        if named is not None:
            meta.TransferSyntaxUID = dataset[_TRANSFER_SYNTAX].value
        elif _PIXEL_DATA in dataset and dataset[_PIXEL_DATA].is_undefined_length:
            raise _Refused("its pixel data are encapsulated, but its transfer syntax is not known")
        elif dataset.original_encoding in ((None, None), (False, True)):
            meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta = meta
    file = BytesIO()
    dcmwrite(file, made, enforce_file_format=True)
    return file.getvalue()


class Message:
    """A multipart message of DICOM files, whose length is known and which can be sent again.

    Parameters
    ----------
    items : list of Item
    """

    def __init__(self, items: list[Item]) -> None:
        self.items = items
        boundary = secrets.token_hex(16)
        self.content_type = f'multipart/related; type="application/dicom"; boundary={boundary}'
        self._head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        self._tail = f"--{boundary}--\r\n".encode()
        self._length = sum(len(self._head) + item.size + 2 for item in items) + len(self._tail)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        for item in self.items:
            yield self._head
            if isinstance(item.content, bytes):
                view = memoryview(item.content)
                yield from (bytes(view[start : start + _PIECE]) for start in range(0, len(view), _PIECE))
            else:
                yield from _pieces(item)
            yield b"\r\n"
        yield self._tail

    # each iteration begins at the beginning, so it can be sent any number of times

    def tell(self) -> int:
        return 0

    def seek(self, _: int) -> int:
        return 0


def _pieces(item: Item) -> Iterator[bytes]:
    left = item.size
    try:
        with open(item.content, "rb") as file:
            while left and (piece := file.read(min(_PIECE, left))):
                left -= len(piece)
                yield piece
            if left or file.read(1):
                raise DataSourceError(f"a file changed while it was sent (number {item.index + 1:,})")
    except OSError as error:
        what = error.strerror or type(error).__name__
        raise DataSourceError(f"a file cannot be read any more: {what} (number {item.index + 1:,})") from None
