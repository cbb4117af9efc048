"""Instances to pydicom's datasets and back.

Either way goes by the bytes that the values have in a file, since both sides read those alike: a dataset that is made
here holds elements as `pydicom.dcmread` leaves them, which pydicom converts when they are asked for, and an instance is
what `metalith.read` makes of the dataset as pydicom would write it. Text in a character set is the exception: it was
decoded once and stays as it is.

`metalith.read` takes what `pydicom.dcmread` takes: paths and binary files, read from where they stand. Of dcmread's
arguments, `force` and `stop_before_pixels` are always on, `specific_tags` has the same name (but SpecificCharacterSet
is kept only on request), and `defer_size` is `bulk_above`.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from pydicom import config
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items
from pydicom.tag import BaseTag
from pydicom.valuerep import BYTES_VR, CUSTOMIZABLE_CHARSET_VR
from pydicom.valuerep import PersonName as PydicomName

from metalith import _core, encode
from metalith._core import Instance, Sequence
from metalith._pydicom_bytes import (
    PIXELS,
    UNDEFINED,
    DatasetWriter,
    NotInSetError,
    bytes_of,
    encoding_of,
    parts_of,
    settled,
    syntax_of,
    with_character_sets,
)
from metalith._texts import load
from metalith.bulk import BulkData
from metalith.errors import EncodeError
from metalith.part10 import read
from metalith.values import PersonName

__all__ = ["from_pydicom", "to_pydicom"]

Bulk = Literal["read", "skip"] | Callable[[BulkData], bytes]
Element = DataElement | RawDataElement

_PIXEL_DATA = 0x7FE00010
_NUMBERS = {"SS": "h", "US": "H", "SL": "i", "UL": "I", "SV": "q", "UV": "Q", "FL": "f", "FD": "d"}
_WORDS = {"OW": 2, "OL": 4, "OF": 4, "OV": 8, "OD": 8}  # bytes each
_ITEM = b"\xfe\xff\x00\xe0"


def to_pydicom(instance: Instance, *, bulk: Bulk = "read") -> FileDataset:
    """The instance as a pydicom dataset.

    Parameters
    ----------
    instance : Instance
        From a file or from DICOM JSON alike.
    bulk : {"read", "skip"} or callable, optional
        What becomes of `BulkData`. "read" reads what Metalith left in a file. "skip" leaves the attributes out. A
        callable is given each of them and returns its bytes, in the byte order of the dataset: for values that stand
        on a server, or in bytes of yours (`lambda value: value.read(body)`).

    Returns
    -------
    pydicom.FileDataset
        With `file_meta`, empty where the instance has none, and ready for `save_as`: in the encoding of its transfer
        syntax, explicit VR little endian where that is not known. The texts of numbers are as they were sent; a DS or
        IS that is no number is what it is after `dcmread`. DICOM itself knows no null, which becomes an empty text,
        and takes a text with a backslash in it for several values, where its VR may have several.

    Raises
    ------
    EncodeError
        A value has no form in DICOM: text or fractions under a VR of whole numbers, numbers beyond the VR's range, a
        Value where only bytes can be. The message names the attribute.
    BulkDataError
        A value cannot be read.

    Examples
    --------
    >>> from pydicom.data import get_testdata_file
    >>> dataset = metalith.to_pydicom(metalith.read(get_testdata_file("CT_small.dcm")))
    >>> dataset.PixelSpacing, dataset.pixel_array.shape
    ([0.661468, 0.661468], (128, 128))
    """
    if bulk not in ("read", "skip") and not callable(bulk):
        raise ValueError(f"bulk is 'read', 'skip' or callable, not {bulk!r}")
    meta = FileMetaDataset()
    if instance.file_meta:
        meta = FileMetaDataset(_Elements(bulk).all_of(instance.file_meta))
    maker, syntax = _Elements(bulk), syntax_of(meta)
    if syntax is not None:
        maker = _Elements(bulk, syntax.is_implicit_VR, syntax.is_little_endian, syntax.is_encapsulated)
    preamble = bytes(128) if len(meta) else None
    path = instance.path
    result = FileDataset(path or "", maker.all_of(instance), preamble, meta, maker.implicit, maker.little)
    result.filename = path
    maker.settle(result)
    return result


class _Elements:
    """Makes the elements of one dataset."""

    def __init__(self, bulk: Bulk, implicit: bool = False, little: bool = True, encapsulated: bool = False) -> None:
        self.bulk, self.implicit, self.little, self.encapsulated = bulk, implicit, little, encapsulated

    def all_of(self, instance: Instance) -> dict[BaseTag, Any]:
        try:
            return self.of(instance, load(instance.to_json("dicom")), {}, "")
        except RecursionError:
            raise EncodeError("dataset: more sequences within sequences than Python follows") from None

    def of(self, instance: Instance, sent: Mapping[str, Any], around: Mapping[str, Any], path: str) -> dict[Any, Any]:
        """Elements by tag; `sent` is the instance's DICOM JSON."""
        context = dict(around)
        for name in ("PixelRepresentation", "BitsAllocated"):
            if isinstance(number := instance.get(name), int):
                context[name] = number
        result: dict[BaseTag, Element] = {}
        for key, element in sent.items():
            tag = instance.tag(key)
            if tag is None:
                raise EncodeError(f"{path.rstrip('.') or 'dataset'}: a name that is no tag")
            value, vr = instance[key], instance.vr(key)
            vr = encode._vr(vr, value, context) or "UN"
            element = element if isinstance(element, dict) else {"Value": element}
            made = self.element(BaseTag(tag), vr, value, element, context, f"{path}{tag:08X}")
            if made is not None:
                result[BaseTag(tag)] = made
        return result

    def settle(self, dataset: Dataset) -> None:
        """Lets pydicom write the elements as they are as long as the encoding stays what it is."""
        dataset.set_original_encoding(self.implicit, self.little, encoding_of(dataset))

    def element(
        self, tag: BaseTag, vr: str, value: Any, sent: dict[str, Any], context: dict[str, Any], path: str
    ) -> Element | None:
        if sum(bool(sent.get(name)) for name in ("Value", "InlineBinary", "BulkDataURI")) > 1:
            raise EncodeError(f"{path}: more than one of Value, BulkDataURI and InlineBinary")
        members = sent.get("Value")
        members = members if isinstance(members, list) else [] if members is None else [members]
        if isinstance(value, Sequence):
            return DataElement(tag, "SQ", Items(self.items(value, members, context, path)))
        if isinstance(value, BulkData):
            if self.bulk == "skip":
                return None
            return self.binary(tag, vr, self.fetched(value, path), value)
        if value is None:
            return self.binary(tag, vr, b"")
        if isinstance(value, bytes) and sent.get("InlineBinary"):
            return self.binary(tag, vr, value if self.little else _turned(value, vr))
        if vr in _NUMBERS:
            return self.numbers(tag, vr, value, path)
        if vr == "AT":
            return self.raw(tag, vr, b"".join(self.tag_value(member, path) for member in _several(value)))
        if vr in BYTES_VR or vr == "SQ":
            raise EncodeError(f"{path}: a value of VR {vr} that is not given as bytes")
        if vr == "PN":
            members = [member.text if isinstance(member, PersonName) else member for member in _several(value)]
        text = "\\".join([_text(member, path) for member in members])
        if vr in CUSTOMIZABLE_CHARSET_VR:
            return _of_text(tag, vr, text)
        try:
            data = text.encode("latin-1")
        except UnicodeEncodeError:
            raise EncodeError(f"{path}: a character that no value of VR {vr} has") from None
        return self.raw(tag, vr, data + (b"\0" if vr == "UI" else b" ") * (len(data) % 2))

    def items(self, value: Sequence, members: list[Any], context: dict[str, Any], path: str) -> list[Dataset]:
        if len(value) != len(members) or not all(isinstance(member, dict | None) for member in members):
            raise EncodeError(f"{path}: an item that is no object")
        items = []
        for index, (item, sent) in enumerate(zip(value, members, strict=True)):
            items.append(Dataset(self.of(item, sent or {}, context, f"{path}[{index}].")))
            self.settle(items[-1])
        return items

    def raw(self, tag: BaseTag, vr: str, data: bytes, length: int | None = None) -> RawDataElement:
        length = len(data) if length is None else length
        return RawDataElement(tag, vr, length, data, 0, self.implicit, self.little)

    def binary(self, tag: BaseTag, vr: str, data: bytes, bulk: BulkData | None = None) -> Element:
        if vr == "UN":
            # pydicom, asked for a known attribute, would take the bytes for the value of another VR
            element = DataElement(tag, "OB", data, already_converted=True)
            element.VR = "UN"
            return element
        fragments = tag == _PIXEL_DATA and self.encapsulated and data[:4] == _ITEM
        if fragments or (bulk is not None and bulk.offset is not None and bulk.length is None):
            return self.raw(tag, vr, data, UNDEFINED)
        if len(data) % 2:
            return DataElement(tag, vr, data, already_converted=True)  # which pydicom pads when it writes
        return self.raw(tag, vr, data)

    def fetched(self, bulk: BulkData, path: str) -> bytes:
        if not callable(self.bulk):
            data = bulk.read()
            return data if bulk._known_place().order == ("little" if self.little else "big") else _turned(data, bulk.vr)
        data = self.bulk(bulk)
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"{path}: bulk has to return bytes, not {type(data).__name__}")
        return bytes(data)

    def numbers(self, tag: BaseTag, vr: str, value: Any, path: str) -> Element:
        values, order = _several(value), "<" if self.little else ">"
        try:
            data = struct.pack(f"{order}{len(values)}{_NUMBERS[vr]}", *values)
        except (struct.error, OverflowError):
            raise EncodeError(f"{path}: a value that VR {vr} does not have") from None
        if vr == "FL" and not np.array_equal(np.frombuffer(data, f"{order}f4"), values, equal_nan=True):
            # more digits than the VR has; pydicom keeps them until it writes
            return DataElement(tag, vr, list(values) if len(values) > 1 else values[0])
        return self.raw(tag, vr, data)

    def tag_value(self, member: Any, path: str) -> bytes:
        try:
            return struct.pack("<HH" if self.little else ">HH", *divmod(int(member, 16), 1 << 16))
        except (TypeError, ValueError, struct.error):
            raise EncodeError(f"{path}: a value that is no tag") from None


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _text(member: Any, path: str) -> str:
    """The text of one value; None is an empty one."""
    if member is None or isinstance(member, str):
        return str(member or "")
    if isinstance(member, bool):
        return "true" if member else "false"
    raise EncodeError(f"{path}: a {type(member).__name__} is no text")


def _of_text(tag: BaseTag, vr: str, text: str) -> DataElement:
    """Decoded text as pydicom has it after conversion, which would complain about what is not as PS3.5 wants it."""
    values: list[Any] = [text] if vr in ("LT", "ST", "UT") else text.split("\\")
    if vr == "PN":
        values = [PydicomName(value, validation_mode=config.IGNORE) for value in values]
    value = values[0] if len(values) == 1 else MultiValue(PydicomName if vr == "PN" else str, values)
    return DataElement(tag, vr, value, already_converted=True)


def _turned(data: bytes, vr: str) -> bytes:
    """The same words in the other byte order."""
    width = _WORDS.get(vr, 1)
    if len(data) % width:
        return data  # no words: Metalith reads such values as they are
    return np.frombuffer(data, f"u{width}").byteswap().tobytes()


# ---- and back ----


def from_pydicom(dataset: Dataset, *, keep_pixel_data: bool = False, **limits: int) -> Instance:
    """A pydicom dataset as an instance: what `metalith.read` would give for it.

    Parameters
    ----------
    dataset : pydicom.Dataset
        Read from a file, whether its elements were looked at or not, or made in memory. It stays as it is, but for
        elements that pydicom has to read (deferred ones) or to convert.
    keep_pixel_data : bool, optional
        Pixel data are left out: an instance is a header. With True, PixelData (or FloatPixelData or
        DoubleFloatPixelData) of the dataset is kept as bytes: of encapsulated ones, all items. All other binary
        values are always kept, however long.
    **limits
        As for `metalith.read`.

    Returns
    -------
    Instance
        With `file_meta` where the dataset has it. Elements after the pixel data are kept; the lengths of groups are
        not (PS3.5 section 7.2). An attribute of VR UN that the dictionary has gets the dictionary's VR.

    Raises
    ------
    EncodeError
        pydicom cannot write an element; the message names it.
    ParseError
        Beyond a limit, or a sequence that pydicom has not looked at yet is damaged.

    Examples
    --------
    >>> import pydicom
    >>> dataset = pydicom.Dataset()
    >>> dataset.PatientName, dataset.PixelSpacing = "Doe^John", ["0.50", "0.50"]
    >>> instance = metalith.from_pydicom(dataset)
    >>> instance.PixelSpacing, instance.raw("PixelSpacing")
    ((0.5, 0.5), ('0.50', '0.50'))
    """
    if not isinstance(dataset, Dataset):
        raise TypeError(f"a pydicom dataset is expected, not a {type(dataset).__name__}")
    meta = getattr(dataset, "file_meta", None)
    little = dataset.original_encoding[1]
    if little is None:
        syntax = syntax_of(meta)
        little = syntax is None or syntax.is_little_endian
    head = bytes(128) + b"DICM" + (DatasetWriter(True).of(meta, [], "ISO_IR 100", "") if meta else b"")
    # A first element whose encoding is beyond doubt, whatever follows and whatever the transfer syntax says. No
    # instance has it, since lengths of groups are left out.
    head += struct.pack("<HH2sHI" if little else ">HH2sHI", 8, 0, b"UL", 4, 0)
    try:
        result = _read(head + DatasetWriter(little).of(dataset, [], "", ""), limits)
    except NotInSetError:
        result = _read(head + DatasetWriter(little, utf8=True).of(dataset, [], "", ""), limits)
        result = with_character_sets(result, dataset)
    return _with_pixels(result, dataset, little) if keep_pixel_data else result


def _read(data: bytes, limits: dict[str, Any]) -> Instance:
    return read(data, bulk_above=UNDEFINED, **limits)


def _with_pixels(instance: Instance, dataset: Dataset, little: bool) -> Instance:
    body, origin = parts_of(instance)
    for tag in sorted(PIXELS & set(dataset.keys())):
        element = dataset[tag]
        if len(element.VR) != 2:
            element = settled(element, [dataset], little)
        data = bytes_of(element)
        data = base64.b64encode(data if little else _turned(data, str(element.VR)))
        head = f'{"" if body == b"{}" else ","}"{tag:08X}":{{"vr":"{element.VR}"'
        body = body[:-1] + head.encode() + (b',"InlineBinary":"' + data + b'"' if data else b"") + b"}}"
    return _core._instance_from_json(body, origin)
