"""How data sources are described: kinds of them as modules, and those that are configured as definitions."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from metalith.errors import ConfigurationError
from metalith.sources.contract import DataSource

__all__ = ["DataSourceModule", "Definition", "plugin", "read_configuration"]

TYPES = ("webApi", "jsonApi", "localApi", "mergeApi", "other")


@dataclass(frozen=True, slots=True)
class DataSourceModule:
    """A kind of data sources.

    Attributes
    ----------
    name : str
        By which definitions name it.
    type : {"webApi", "jsonApi", "localApi", "mergeApi", "other"}
    create_data_source : callable(configuration)
        Makes a source. It may take any of `name`, `metadata_store` and `sources` (the registry) by keyword too. A
        subclass of `DataSource` will do.
    """

    name: str
    type: str
    create_data_source: Callable[..., DataSource]

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ConfigurationError("name: a data source module needs one")
        if self.type not in TYPES:
            raise ConfigurationError(
                f"type: of the data source module {self.name!r}, must be one of {', '.join(TYPES)}"
            )
        if not callable(self.create_data_source):
            raise ConfigurationError(f"create_data_source: of the data source module {self.name!r}, must be callable")

    @classmethod
    def of(cls, module: DataSourceModule | Mapping[str, Any]) -> DataSourceModule:
        """From a mapping, as extensions of OHIF have it.

        Raises
        ------
        ConfigurationError
            It is none.
        """
        if isinstance(module, DataSourceModule):
            return module
        if not isinstance(module, Mapping):
            raise ConfigurationError(f"a data source module is a mapping, not a {type(module).__name__}")
        members = {{"createDataSource": "create_data_source"}.get(key, key): value for key, value in module.items()}
        members.setdefault("type", getattr(members.get("create_data_source"), "type", "other"))
        if members.keys() != {"name", "type", "create_data_source"}:
            raise ConfigurationError("a data source module has name, type and create_data_source")
        return cls(**members)


@dataclass(frozen=True, slots=True, repr=False)
class Definition:
    """A source that was configured.

    Attributes
    ----------
    source_name : str
    namespace : str
        The kind, as OHIF has it ("@ohif/extension-default.dataSourcesModule.dicomweb") or just its name ("dicomweb").
    configuration : mapping
    friendly_name : str
    """

    source_name: str
    namespace: str
    configuration: Mapping[str, Any]
    friendly_name: str = ""

    @property
    def module(self) -> str:
        """Name of the kind. str."""
        return self.namespace.rpartition(".dataSourcesModule.")[2]

    @classmethod
    def of(cls, definition: Definition | Mapping[str, Any]) -> Definition:
        """From a member of `dataSources`.

        Raises
        ------
        ConfigurationError
            A member is missing, unknown or of the wrong type.
        """
        if isinstance(definition, Definition):
            return definition
        if not isinstance(definition, Mapping):
            raise ConfigurationError(f"a data source's definition is a mapping, not a {type(definition).__name__}")
        names = {"sourceName": "source_name", "friendlyName": "friendly_name"}
        given = {names.get(key, key): value for key, value in definition.items()}
        unknown = given.keys() - {"source_name", "namespace", "configuration", "friendly_name"}
        if unknown:
            raise ConfigurationError(f"a data source's definition has no {sorted(map(str, unknown))[0]}")
        configuration = given.get("configuration") or {}
        for name in ("source_name", "namespace"):
            if not isinstance(given.get(name), str) or not given[name]:
                raise ConfigurationError(f"{name}: a data source's definition needs one")
        if not isinstance(configuration, Mapping):
            raise ConfigurationError(f"configuration: of the data source {given['source_name']!r}, must be a mapping")
        return cls(given["source_name"], given["namespace"], dict(configuration), str(given.get("friendly_name") or ""))

    def __repr__(self) -> str:  # a configuration may hold a token
        return f"<Definition of the data source {self.source_name!r}, {self.module}>"


def read_configuration(configuration: Mapping[str, Any] | str | os.PathLike[str]) -> Mapping[str, Any]:
    """An app configuration from a JSON file, or as it is.

    Raises
    ------
    ConfigurationError
        The file is no JSON object.
    OSError
        It cannot be read.
    """
    if isinstance(configuration, Mapping):
        return configuration
    if not isinstance(configuration, (str, os.PathLike)):
        raise ConfigurationError(f"a configuration is a mapping or a path, not a {type(configuration).__name__}")
    import orjson

    with open(configuration, "rb") as file:
        text = file.read()
    try:
        read = orjson.loads(text)
    except ValueError:
        raise ConfigurationError(
            "the configuration is no JSON (of a JavaScript one, save the object as JSON)"
        ) from None
    if not isinstance(read, dict):
        raise ConfigurationError("the configuration is no JSON object")
    return read


def plugin(name: str, entry: Any) -> DataSourceModule:
    """The module of an entry point, which may be one, a mapping, a class of sources, or a function that makes one."""
    try:
        loaded = entry.load()
    except Exception as error:
        raise ConfigurationError(f"the plug-in {name!r} cannot be loaded: {type(error).__name__}") from error
    if isinstance(loaded, DataSourceModule):
        return loaded
    if isinstance(loaded, Mapping):
        return DataSourceModule.of({"name": name, **loaded})
    return DataSourceModule(name, getattr(loaded, "type", "other"), loaded)
