"""Options of data sources: typed, by names of either language, and none that is not known.

A source's options are a frozen dataclass. It is read from a mapping whose keys are its fields, or the same in camelCase
as OHIF's app configurations have them.
"""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, ClassVar, Self, get_args, get_origin

from metalith.errors import ConfigurationError

__all__ = ["Options", "camel", "root_url"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What every data source may be told.

    Attributes
    ----------
    friendly_name : str
        For people.
    workers : int
        How many series are loaded at once.
    """

    friendly_name: str = ""
    workers: int = 6

    ignored: ClassVar[frozenset[str]] = frozenset(
        # what OHIF's user interface reads, and what it declares and does not read
        {"name", "configuration_api", "thumbnail_request_strategy"}
        | {"enable_request_tag", "user_authentication_service", "supports_native_dicom_model"}
    )
    aliases: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def of(cls, configuration: Mapping[str, Any] | None, source: str) -> Self:
        """Options from a mapping.

        Parameters
        ----------
        configuration : mapping
            Names may be snake_case or camelCase.
        source : str
            Name of the source, for errors.

        Raises
        ------
        ConfigurationError
            A name is unknown or comes twice, or a value is not of its type. The message names it and shows no value.
        """
        if configuration is not None and not isinstance(configuration, Mapping):
            raise ConfigurationError(f"{source}: a configuration is a mapping, not a {type(configuration).__name__}")
        kind: Any = cls
        wanted: dict[str, Any] = _types_of(kind)
        names = {camel(name): name for name in wanted} | {name: name for name in wanted}
        names |= {camel(alias): name for alias, name in cls.aliases.items()} | dict(cls.aliases)
        skipped = cls.ignored | {camel(name) for name in cls.ignored}
        given: dict[str, Any] = {}
        for key, value in (configuration or {}).items():
            name = names.get(key)
            if name is None and key in skipped:
                continue
            if name is None:
                raise ConfigurationError(f"{source}: {_unknown(key, names)}")
            if name in given:
                raise ConfigurationError(f"{source}: {key} comes twice, once as {name} and once in another spelling")
            if not _fits(value, wanted[name]):
                raise ConfigurationError(f"{source}: {key} must be {_described(wanted[name])}")
            if value is not None:
                given[name] = value
        try:
            return cls(**given)
        except ConfigurationError as error:
            raise ConfigurationError(f"{source}: {error}") from None

    def __post_init__(self) -> None:
        if not 1 <= self.workers <= 256:
            raise ConfigurationError("workers must be from 1 to 256")


def camel(name: str) -> str:
    """A name as JavaScript writes it.

    >>> camel("bulk_data_uri"), camel("request_transfer_syntax_uid"), camel("wado_root"), camel("wado_uri")
    ('bulkDataURI', 'requestTransferSyntaxUID', 'wadoRoot', 'wadoUri')
    """
    first, *rest = name.split("_")
    joined = first + "".join(word.capitalize() for word in rest)
    return re.sub("UriRoot|Uid$", lambda match: match[0].upper() if match[0] == "Uid" else match[0], joined).replace(
        "bulkDataUri", "bulkDataURI"
    )


def root_url(name: str, value: str) -> str:
    """The root of a service, without a slash at its end.

    Raises
    ------
    ConfigurationError
        It is no http or https URL, or has a user, query or fragment: credentials have options of their own.
    """
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(value)
        wrong = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
    except ValueError:
        wrong, parts = True, urlsplit("")
    if wrong or any(letter.isspace() or not letter.isprintable() for letter in value):
        raise ConfigurationError(f"{name} must be an http or https URL")
    if parts.query or parts.fragment or parts.username is not None or parts.password is not None:
        raise ConfigurationError(f"{name} must be a URL without user, password, query and fragment")
    return value.rstrip("/")


def _unknown(key: object, names: Collection[str]) -> str:
    if not isinstance(key, str) or not key.isidentifier() or len(key) > 64:
        return "an option's name is no name"
    near = difflib.get_close_matches(key, names, 1)
    return f"there is no option {key}" + (f"; did you mean {near[0]}?" if near else "")


@cache
def _types_of(cls: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in fields(cls)}


def _fits(value: Any, wanted: Any) -> bool:
    """Whether a value is of a type, as far as options need types."""
    origin = get_origin(wanted)
    if wanted is Any:
        return True
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, one) for one in get_args(wanted))
    if origin is typing.Literal:
        return value in get_args(wanted)
    if wanted is None or wanted is type(None):
        return value is None
    if wanted is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if wanted is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if origin is tuple:
        return isinstance(value, (list, tuple)) and all(_fits(one, get_args(wanted)[0]) for one in value)
    if origin is Callable:
        return callable(value)
    if isinstance(origin, type):
        return isinstance(value, origin)
    return isinstance(value, wanted)


def _described(wanted: Any) -> str:
    origin = get_origin(wanted)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_described(one) for one in get_args(wanted))
    if origin is typing.Literal:
        return " or ".join(repr(one) for one in get_args(wanted))
    if wanted is type(None):
        return "None"
    names = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
    if wanted in names:
        return names[wanted]
    if origin is tuple:
        return f"a list, each of it {_described(get_args(wanted)[0])}"
    name = getattr(origin or wanted, "__name__", str(wanted))
    return {"Mapping": "a mapping", "dict": "a mapping", "Callable": "a callable"}.get(name, f"a {name}")
