"""pydicom's datasets to bytes that hold all that the datasets hold.

`pydicom.dcmwrite` makes files, and so gives up what a file in a transfer syntax and a character set cannot say: VRs,
characters. The bytes that are made here are read by Metalith at once, and by nobody else.
"""

from __future__ import annotations

import copy
import struct
from contextlib import suppress
from typing import Any

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.fileutil import read_buffer, reset_buffer_position
from pydicom.filewriter import correct_ambiguous_vr_element, write_data_element
from pydicom.hooks import hooks
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag
from pydicom.uid import UID
from pydicom.valuerep import BYTES_VR, CUSTOMIZABLE_CHARSET_VR, EXPLICIT_VR_LENGTH_32, PersonName

from metalith import _core, encode
from metalith._charsets import decode, kind
from metalith._core import Instance
from metalith._texts import load, write
from metalith.errors import EncodeError

__all__ = ["CHARACTER_SET", "PIXELS", "UNDEFINED", "DatasetWriter", "NotInSetError"]
__all__ += ["bytes_of", "encoding_of", "parts_of", "settled", "syntax_of", "with_character_sets"]

CHARACTER_SET = 0x00080005
PIXELS = {0x7FE00008, 0x7FE00009, 0x7FE00010}
UNDEFINED = 0xFFFFFFFF  # length


class NotInSetError(Exception):
    """A text has characters that the character set lacks, or is in one that is not written here."""


class DatasetWriter:
    """Writes datasets in explicit VR, which keeps the VRs of elements in memory.

    Parameters
    ----------
    little : bool
        Byte order: the dataset's own, so that what pydicom has not converted can be taken as it is.
    utf8 : bool
        Write all text in UTF-8, and say so in the dataset.
    """

    def __init__(self, little: bool, utf8: bool = False) -> None:
        self.little, self.utf8, self.order = little, utf8, "<" if little else ">"

    def of(self, dataset: Dataset, around: list[Dataset], sets: str, path: str, stale: bool = False) -> bytes:
        """The elements of a dataset.

        Parameters
        ----------
        around : list of Dataset
            Those it is an item in, the innermost first.
        sets : str
            SpecificCharacterSet of the innermost.
        stale : bool
            Whether that was changed since the elements were read.
        """
        tags = set(dataset.keys())
        if CHARACTER_SET in tags:
            sets = _character_sets(dataset)
        if CHARACTER_SET in tags or not around:
            stale = bool(dataset.original_character_set) and dataset.original_character_set != encoding_of(dataset)
        if self.utf8 and not around:
            tags.add(BaseTag(CHARACTER_SET))
        pieces = []
        for tag in sorted(tags):
            here = f"{path}{tag:08X}"
            if tag & 0xFFFF == 0 or (tag in PIXELS and not around):
                continue
            if tag >> 16 == 2 and not around and not isinstance(dataset, FileMetaDataset):
                raise EncodeError(f"{here}: file meta information belongs into file_meta")
            try:
                if self.utf8 and tag == CHARACTER_SET:
                    pieces.append(self.framed(tag, "CS", b"ISO_IR 192"))
                else:
                    pieces.append(self.element(dataset, tag, [dataset, *around], sets, here, stale))
            except (EncodeError, NotInSetError) as error:
                if isinstance(error, NotInSetError) and isinstance(dataset, FileMetaDataset):
                    raise EncodeError(f"{here}: a character that file meta information cannot have") from None
                raise
            except Exception as error:  # pydicom raises all kinds, with the values in their messages
                raise EncodeError(f"{here}: pydicom cannot write it ({type(error).__name__})") from None
        return b"".join(pieces)

    def framed(self, tag: int, vr: str, data: bytes, undefined: bool = False) -> bytes:
        """An element of encoded bytes, without padding: nobody but Metalith reads it."""
        if vr not in EXPLICIT_VR_LENGTH_32 and len(data) > 0xFFFE:
            vr = "UN"  # PS3.5 section 6.2.2, note 2
        head = struct.pack(self.order + "HH2s", tag >> 16, tag & 0xFFFF, vr.encode("ascii"))
        if vr not in EXPLICIT_VR_LENGTH_32:
            return head + struct.pack(self.order + "H", len(data)) + data
        if undefined:
            data += struct.pack(self.order + "HHI", 0xFFFE, 0xE0DD, 0)
        return head + struct.pack(self.order + "HI", 0, UNDEFINED if undefined else len(data)) + data

    def element(
        self, dataset: Dataset, tag: BaseTag, around: list[Dataset], sets: str, path: str, stale: bool
    ) -> bytes:
        element: DataElement | RawDataElement = dataset.get_item(tag)
        if isinstance(element, RawDataElement):
            vr = _vr_of(element, dataset)
            if not self.takes(element, vr, stale):
                element = dataset[tag]
            else:
                data = element.value or b""
                if self.utf8 and vr in CUSTOMIZABLE_CHARSET_VR:
                    data = decode(data, vr, sets)[0].encode()
                # fragments in an item have their own ends; with a length they are a value like any other
                return self.framed(tag, vr, data, element.length == UNDEFINED and vr not in BYTES_VR - {"UN"})
        if element.VR == "SQ":
            return self.sequence(tag, element.value or [], around, sets, path, stale)
        if len(element.VR) != 2:
            element = settled(element, around, self.little)
        vr = str(element.VR)
        if vr in BYTES_VR:
            return self.framed(tag, vr, bytes_of(element))
        if vr in CUSTOMIZABLE_CHARSET_VR and (text := _text_of(element.value)) is not None:
            return self.framed(tag, vr, self.encoded(text, sets))
        out = DicomBytesIO()
        out.is_little_endian, out.is_implicit_VR = self.little, False
        write_data_element(out, element)
        return out.getvalue()

    def takes(self, element: RawDataElement, vr: str, stale: bool) -> bool:
        """Whether the bytes of an element mean the same here as where they come from."""
        if element.is_little_endian != self.little or len(vr) != 2 or element.value is None:
            return False
        if vr == "SQ" and (element.is_implicit_VR or element.VR is None):
            return False
        return not (stale and vr in CUSTOMIZABLE_CHARSET_VR) and not ((stale or self.utf8) and vr in ("SQ", "UN"))

    def sequence(self, tag: int, items: Any, around: list[Dataset], sets: str, path: str, stale: bool) -> bytes:
        pieces = []
        for index, item in enumerate(items):
            data = self.of(item, around, sets, f"{path}[{index}].", stale)
            pieces.append(struct.pack(self.order + "HHI", 0xFFFE, 0xE000, len(data)) + data)
        return self.framed(tag, "SQ", b"".join(pieces))

    def encoded(self, text: str, sets: str) -> bytes:
        codec = "utf_8" if self.utf8 else ("ascii", "latin_1", "utf_8", "ascii")[kind(sets)]
        try:
            return text.encode(codec)
        except UnicodeEncodeError:
            raise NotInSetError from None


def _vr_of(element: RawDataElement, dataset: Dataset) -> str:
    """The VR that was read, or the dictionary's."""
    if element.VR is not None:
        return str(element.VR)
    if element.tag.is_private:
        found: dict[str, Any] = {}
        hooks.raw_element_vr(element, found, ds=dataset)
        return str(found["VR"])
    return dictionary_VR(element.tag) if dictionary_has_tag(element.tag) else "UN"


def settled(element: DataElement, around: list[Dataset], little: bool) -> DataElement:
    """A copy of an element in memory whose VR the dictionary leaves open, with one."""
    element = copy.copy(element)
    with suppress(AttributeError):  # what it depends on is not there
        correct_ambiguous_vr_element(element, around[0], little, list(around))
    if len(element.VR) != 2:
        context: dict[str, Any] = {}
        for item in reversed(around):
            context |= {name: item[name].value for name in ("PixelRepresentation", "BitsAllocated") if name in item}
        element.VR = encode._vr(str(element.VR), element.value, context) or "UN"
    return element


def encoding_of(dataset: Dataset) -> Any:
    """The Python names of the character sets as pydicom has them; None where it cannot make sense of them."""
    try:
        return dataset._character_set
    except (LookupError, TypeError, ValueError):
        return None


def syntax_of(meta: Dataset | None) -> UID | None:
    """The transfer syntax, if that is one that pydicom knows."""
    syntax = meta.get("TransferSyntaxUID") if meta else None
    return syntax if isinstance(syntax, UID) and syntax.is_transfer_syntax else None


def bytes_of(element: DataElement) -> bytes:
    """The value of an element of bytes, which may be a file object."""
    if element.is_buffered:
        with reset_buffer_position(element.value):
            return b"".join(read_buffer(element.value))
    return bytes(element.value or b"")


def _text_of(value: Any) -> str | None:
    """All text of a value; None for what pydicom has to write."""
    values = list(value) if isinstance(value, (MultiValue, list, tuple)) else [value]
    if not all(isinstance(member, (str, PersonName)) for member in values):
        return None
    return "\\".join(map(str, values))


def _character_sets(dataset: Dataset) -> str:
    """SpecificCharacterSet as a file has it."""
    return _text_of(dataset[CHARACTER_SET].value or "") or ""


# ---- what the bytes could not say ----


def parts_of(instance: Instance) -> tuple[bytes, Any]:
    """The JSON that an instance is made from again, and where it came from: what its pickle holds."""
    made_from: Any = instance.__reduce__()[1]
    return made_from[0], made_from[1]


def with_character_sets(instance: Instance, dataset: Dataset) -> Instance:
    """What was read of a dataset in UTF-8, with the character sets that the dataset says."""
    body, origin = parts_of(instance)
    elements = load(body)
    _restore(elements, dataset)
    return _core._instance_from_json(write(elements).encode(), origin)


def _restore(elements: dict[str, Any], dataset: Dataset) -> None:
    key = f"{CHARACTER_SET:08X}"
    if CHARACTER_SET in dataset:
        values = [text.strip(" ") or None for text in _character_sets(dataset).split("\\")]
        elements[key] = {"vr": "CS", "Value": values} if any(values) else {"vr": "CS"}
    else:
        elements.pop(key, None)
    for tag, element in elements.items():
        if element.get("vr") == "SQ" and element.get("Value") and dataset[tag].VR == "SQ":
            for item, inner in zip(element["Value"], dataset[tag].value, strict=True):
                _restore(item, inner)
