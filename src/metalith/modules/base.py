"""What all modules are: the base class, the table of their types, and how a flat one is made from its fields.

A flat module is a dataclass whose fields name the attribute that they come from:

    @module("sopCommonModule")
    @dataclass(frozen=True, slots=True, repr=False)
    class SopCommon(Module):
        sop_class_uid: str | None = field(default=None, metadata=code("SOPClassUID"))

`Module.build` reads such fields, `to_cornerstone` writes them. Modules that need more override one or both.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields as dataclass_fields
from typing import Any, ClassVar, NamedTuple, Protocol, Self, TypeVar

from metalith import _core
from metalith.bulk import BulkData
from metalith.modules import values as v
from metalith.values import PersonName

__all__ = [
    "LOADED",
    "Data",
    "Module",
    "Part",
    "code",
    "codes",
    "integer",
    "integers",
    "lower_camel",
    "module",
    "number",
    "numbers",
    "person",
    "plain",
    "raw",
    "text",
    "texts",
]


class Data(Protocol):
    """What modules are built from: an Instance, a view of a frame, a dict of natural values."""

    def get(self, key: str, /) -> Any: ...


class Row(NamedTuple):
    """Where a field comes from, and what it is called in Cornerstone."""

    field: str
    keyword: str
    convert: Callable[[Any], Any]
    name: str
    shown: bool


def lower_camel(keyword: str) -> str:
    """Cornerstone's name of an attribute.

    >>> lower_camel("SOPClassUID"), lower_camel("PatientID"), lower_camel("VOILUTFunction"), lower_camel("Rows")
    ('sopClassUID', 'patientId', 'voiLUTFunction', 'rows')
    """
    if keyword.startswith(("SOP", "VOI")):
        keyword = keyword[:3].lower() + keyword[3:]
    if keyword.endswith("ID") and not keyword.endswith("UID"):
        keyword = keyword[:-2] + "Id"
    return keyword[:1].lower() + keyword[1:]


def _column(convert: Callable[[Any], Any], shown: bool) -> Callable[..., Mapping[str, Any]]:
    def metadata(keyword: str, name: str | None = None) -> Mapping[str, Any]:
        return {"keyword": keyword, "convert": convert, "name": name or lower_camel(keyword), "shown": shown}

    return metadata


# Metadata of fields, by what is read. Texts and names may be a patient's and are in no repr; codes and numbers are.
text = _column(v.text, False)
texts = _column(v.texts, False)
code = _column(v.code, True)
codes = _column(v.codes, True)
number = _column(v.number, True)
numbers = _column(v.numbers, True)
integer = _column(v.integer, True)
integers = _column(v.integers, True)
person = _column(v.person, False)
raw = _column(lambda value: value, False)

# How `_core` knows them
_KINDS: dict[Any, str] = {
    v.text: "text",
    v.texts: "texts",
    v.code: "code",
    v.codes: "codes",
    v.number: "number",
    v.numbers: "numbers",
    v.integer: "integer",
    v.integers: "integers",
}


class Part:
    """A part of a module, such as an ultrasound region: immutable, and made of fields as a module is.

    Attributes
    ----------
    fields : tuple of str
        Names of all fields.
    """

    __slots__ = ()

    fields: ClassVar[tuple[str, ...]] = ()
    _rows: ClassVar[tuple[Row, ...]] = ()
    _hidden: ClassVar[bool] = False  # whether the repr shows nothing
    _make: ClassVar[Any] = None

    @classmethod
    def _read(cls, data: Data) -> list[Any]:
        get, read = data.get, []
        for row in cls._rows:
            value = get(row.keyword)
            read.append(None if value is None else row.convert(value))
        return read

    @classmethod
    def _made(cls, values: list[Any]) -> Self:
        """An object of all values, in the order of the fields."""
        made: Self = cls._make(*values)
        return made

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> Self | None:
        """The module of an instance or frame; None where the data have nothing of it.

        Parameters
        ----------
        data : Instance, frame view or dict
            Answers natural values by keyword through `get`.
        image_id : str, optional
            Id of the image, for modules that tell of it.
        calibration : CalibratedPixelSpacing or mapping, optional
            What a user calibrated, for modules that tell of spacings.
        """
        read = cls._read(data)
        return None if all(value is None for value in read) else cls._made(read)

    def to_cornerstone(self) -> Any:
        """The camelCase dict that Cornerstone's provider gives, of dicts and lists; what is None is left out."""
        return {row.name: plain(value) for row in self._rows if (value := getattr(self, row.field)) is not None}

    def __repr__(self) -> str:
        rows = () if self._hidden else self._rows
        shown = ((row.field, getattr(self, row.field)) for row in rows if row.shown)
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown if value is not None)})"


class Module(Part):
    """Base of all modules: small, immutable, typed; what the data lack is None.

    Attributes
    ----------
    type : str
        Under which name a provider is asked for it.
    fields : tuple of str
        Names of all fields.
    """

    __slots__ = ()

    type: ClassVar[str] = ""


LOADED: dict[str, type[Module]] = {}
"""Class of each type whose file was imported; `modules.TYPES` imports them as they are asked for."""

_P = TypeVar("_P", bound=Part)
_M = TypeVar("_M", bound=Module)


def part(cls: type[_P]) -> type[_P]:
    """Complete a dataclass: note what its fields come from."""
    every = dataclass_fields(cls)  # type: ignore[arg-type]
    cls.fields = tuple(one.name for one in every)
    cls._rows = tuple(Row(one.name, **one.metadata) for one in every if one.metadata)
    cls._make = _maker(cls)
    return cls


def _maker(cls: type[Part]) -> Any:
    """A constructor that takes all fields in order, seven times as fast as that of a frozen dataclass.

    That one calls `object.__setattr__` for every field. This one fills an object of a class that has the same slots
    and is not frozen, and lets it become one of the frozen class.
    """
    if not cls.fields:
        return cls
    lines = "; ".join(f"self.{name} = {name}" for name in cls.fields)
    source = f"def __init__(self, {', '.join(cls.fields)}):\n    {lines}\n    self.__class__ = frozen"
    made: dict[str, Any] = {"frozen": cls}
    exec(source, made)  # of names of fields only, as dataclasses do
    return type(cls.__name__, cls.__bases__, {"__slots__": cls.fields, "__init__": made["__init__"]})


def module(type: str) -> Callable[[type[_M]], type[_M]]:
    """Complete a dataclass, and register it under its type."""

    def register(cls: Any) -> Any:
        cls.type = type
        if hasattr(cls, "__dataclass_fields__"):
            part(cls)
        LOADED[type] = cls
        _core.register_builder(type, cls, _builder(cls))
        return cls

    return register


def _builder(cls: type[Module]) -> _core.Builder | None:
    """What makes modules of a class from instances, without Python, where all that it has comes from attributes."""
    own = any(getattr(cls, name).__func__ is not getattr(Module, name).__func__ for name in ("build", "_read", "_made"))
    if own or len(cls._rows) != len(cls.fields) or not all(_core.describe_keyword(row.keyword) for row in cls._rows):
        return None
    return _core.Builder(cls, builder_fields(cls))


def builder_fields(cls: type[Module]) -> Iterator[tuple[str, str | None, str, Callable[[Any], Any] | None]]:
    """Of each field its name, keyword, kind, and what converts its values."""
    rows = {row.field: row for row in cls._rows}
    for name in cls.fields:
        row = rows.get(name)
        if row is None or _core.describe_keyword(row.keyword) is None:
            yield name, None, "", None
        else:
            yield name, row.keyword, _KINDS.get(row.convert, ""), row.convert


def plain(value: Any) -> Any:
    """A field's value in dicts and lists, as the references have it."""
    if isinstance(value, PersonName):
        groups = {"Alphabetic": value.alphabetic, "Ideographic": value.ideographic, "Phonetic": value.phonetic}
        return {name: group for name, group in groups.items() if group}
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Part):
        return value.to_cornerstone()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"InlineBinary": base64.b64encode(value).decode("ascii")}
    if isinstance(value, BulkData):
        return {"BulkDataURI": value.uri, "vr": value.vr}
    if hasattr(value, "to_dict"):
        return plain(value.to_dict("natural"))
    if isinstance(value, Mapping):
        return {name: plain(member) for name, member in value.items()}
    return [plain(member) for member in _members(value)]


def _members(value: Any) -> Iterator[Any]:
    return iter(value.tolist() if hasattr(value, "tolist") else value)
