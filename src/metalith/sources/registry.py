"""Which data sources there are, and which one is active. Mirrors the part of OHIF's ExtensionManager that does this.

>>> metalith.data_sources.read_configuration("app-config.json")          # OHIF's: `dataSources`
>>> metalith.data_sources.active.query.studies.search(patient_name="DOE*")

Kinds of sources are modules `{name, type, create_data_source}`; see `kinds.py`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from metalith.errors import ConfigurationError
from metalith.sources.contract import DataSource
from metalith.sources.definitions import DataSourceModule, Definition, read_configuration
from metalith.sources.kinds import Kinds
from metalith.store import MetadataStore

__all__ = ["ACTIVE_DATA_SOURCE_CHANGED", "DataSourceModule", "DataSources", "Definition", "data_source", "data_sources"]

_log = logging.getLogger("metalith.sources")

ACTIVE_DATA_SOURCE_CHANGED = "active_data_source_changed"


class DataSources(Kinds):
    """A registry of data sources.

    Parameters
    ----------
    metadata_store : MetadataStore, optional
        Into which all sources of this registry load; each has one of its own where none is given.
    plugins : bool, optional
        Whether kinds of sources of installed packages (entry points) are known.

    Examples
    --------
    >>> sources = DataSources()
    >>> sources.add({"sourceName": "files", "namespace": "dicomlocal"}, activate=True).name
    'files'
    >>> sources.names, sources.active_name
    (['files'], 'files')
    """

    def __init__(self, *, metadata_store: MetadataStore | None = None, plugins: bool = True) -> None:
        super().__init__(metadata_store=metadata_store, plugins=plugins)
        self._definitions: dict[str, Definition] = {}
        self._sources: dict[str, DataSource] = {}
        self._active: str | None = None
        self._subscribers: tuple[Callable[[Definition | None], object], ...] = ()

    # ---- sources ----

    def add(self, definition: Definition | Mapping[str, Any], *, activate: bool = False) -> DataSource:
        """Makes the source of a definition; one of that name that is here already stays.

        Returns
        -------
        DataSource

        Raises
        ------
        ConfigurationError
            The definition, its kind or an option is unknown or impossible. Nothing has changed then.
        """
        wanted = Definition.of(definition)
        with self._lock:
            source = self._sources.get(wanted.source_name)
            if source is None:
                source = self.make(wanted.module, wanted.configuration, name=wanted.source_name)
                self._sources[wanted.source_name] = source
                self._definitions[wanted.source_name] = wanted
        if activate:
            self.set_active(wanted.source_name)
        return source

    def update_configuration(self, name: str, configuration: Mapping[str, Any]) -> DataSource:
        """Replaces a source by one with another configuration. Who holds the old one keeps it.

        Raises
        ------
        ConfigurationError
            There is no such source, or the configuration is impossible. The old one stays then.
        """
        with self._lock:
            before = self.definition(name)
            after = Definition(name, before.namespace, dict(configuration), before.friendly_name)
            source = self.make(after.module, after.configuration, name=name, metadata_store=self[name].metadata_store)
            self._sources[name], self._definitions[name] = source, after
            active = self._active == name
        if active:
            self._tell()
        return source

    def remove(self, name: str) -> bool:
        """Forgets a source, and lets go of its connections. Whether it was here."""
        with self._lock:
            source = self._sources.pop(name, None)
            self._definitions.pop(name, None)
            active = self._active == name and source is not None
            if active:
                self._active = None
        if source is not None:
            source.close()
        if active:
            self._tell()
        return source is not None

    def __getitem__(self, name: str) -> DataSource:
        """A source by its name.

        Raises
        ------
        KeyError
            There is none.
        """
        return self._sources[name]

    def __iter__(self) -> Iterator[str]:
        """The names, as of a mapping."""
        return iter(self.names)

    def __repr__(self) -> str:
        return f"<DataSources: {', '.join(self.names) or 'none'}; active: {self.active_name}>"

    def get(self, name: str | None = None) -> DataSource | None:
        """A source by its name, or the active one; None where there is none."""
        wanted = self._active if name is None else name
        return None if wanted is None else self._sources.get(wanted)

    def definition(self, name: str | None = None) -> Definition:
        """The definition of a source, or of the active one.

        Raises
        ------
        ConfigurationError
            There is none.
        """
        wanted = self._active if name is None else name
        if wanted is None or wanted not in self._definitions:
            raise ConfigurationError(
                "no data source is active" if name is None else f"no data source is called {name!r}"
            )
        return self._definitions[wanted]

    @property
    def names(self) -> list[str]:
        """Names of all sources, in the order they came. list of str."""
        return list(self._sources)

    @property
    def definitions(self) -> list[Definition]:
        """What all sources were made of, in their order. list of Definition."""
        return list(self._definitions.values())

    def __contains__(self, name: object) -> bool:
        return name in self._sources

    def __len__(self) -> int:
        return len(self._sources)

    # ---- the active one ----

    @property
    def active(self) -> DataSource:
        """The active source.

        Raises
        ------
        ConfigurationError
            None is active.
        """
        source = self.get()
        if source is None:
            raise ConfigurationError("no data source is active")
        return source

    @property
    def active_name(self) -> str | None:
        """Name of the active source, or None."""
        return self._active

    def set_active(self, name: str) -> None:
        """Makes a source the active one, and tells subscribers if it was another before.

        Raises
        ------
        ConfigurationError
            There is none of that name; the one that was active still is.
        """
        with self._lock:
            if name not in self._sources:
                raise ConfigurationError(f"no data source is called {name!r}")
            changed, self._active = self._active != name, name
        if changed:
            self._tell()

    def subscribe(self, event: str, callback: Callable[[Definition | None], object]) -> Callable[[], None]:
        """Has a callback called when another source becomes active, or the active one gets another configuration.

        Parameters
        ----------
        event : str
            `ACTIVE_DATA_SOURCE_CHANGED`.
        callback : callable(Definition or None)
            What it raises is logged, without what the error says.

        Returns
        -------
        callable
            Ends the subscription.
        """
        if event != ACTIVE_DATA_SOURCE_CHANGED:
            raise ValueError(f"no such event: {event!r}")

        def told(definition: Definition | None) -> object:  # one object for each subscription
            return callback(definition)

        with self._lock:
            self._subscribers += (told,)

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers = tuple(one for one in self._subscribers if one is not told)

        return unsubscribe

    def _tell(self) -> None:
        definition = None if self._active is None else self._definitions.get(self._active)
        for callback in self._subscribers:
            try:
                callback(definition)
            except Exception as error:
                _log.error("a subscriber raised %s at %s", type(error).__qualname__, ACTIVE_DATA_SOURCE_CHANGED)

    # ---- configuration files ----

    def read_configuration(self, configuration: Mapping[str, Any] | str | os.PathLike[str]) -> list[DataSource]:
        """Adds all sources of an OHIF app configuration, and makes its default the active one.

        Parameters
        ----------
        configuration : mapping or path
            With `dataSources` and maybe `defaultDataSourceName`; other members are for other programs. A path is that
            of a JSON file.

        Returns
        -------
        list of DataSource

        Raises
        ------
        ConfigurationError
            It is no such configuration, or one of its sources is impossible. Nothing has been added then.
        OSError
            The file cannot be read.
        """
        given = read_configuration(configuration)
        listed = given.get("dataSources", given.get("data_sources"))
        if not isinstance(listed, list):
            raise ConfigurationError("dataSources: the configuration has no such list")
        wanted = [Definition.of(one) for one in listed]
        names = [one.source_name for one in wanted]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ConfigurationError(f"sourceName: two data sources are called {twice!r}")
        default = given.get("defaultDataSourceName", given.get("default_data_source_name"))
        if default is not None and default not in names and default not in self:
            raise ConfigurationError(f"defaultDataSourceName: no data source is called {default!r}")
        before = set(self.names)
        try:
            made = [self.add(one) for one in wanted]
        except Exception:
            for name in set(self.names) - before:
                self.remove(name)
            raise
        if default is not None:
            self.set_active(default)
        return made

    def close(self) -> None:
        """Lets go of the connections of all sources."""
        for source in list(self._sources.values()):
            source.close()


data_sources = DataSources()
"""The registry that `metalith.data_source` uses."""


def data_source(
    kind: str,
    configuration: Mapping[str, Any] | None = None,
    *,
    name: str = "",
    metadata_store: MetadataStore | None = None,
) -> DataSource:
    """A data source.

    Parameters
    ----------
    kind : str
        "dicomweb", "dicomjson", "dicomlocal", "dicomwebproxy", "merge", or one that was registered or is installed.
    configuration : mapping, optional
        Its options, in snake_case or as OHIF's configurations have them.
    name : str, optional
        The kind where none is given.
    metadata_store : MetadataStore, optional
        Where everything that arrives goes; a new one where none is given.

    Raises
    ------
    ConfigurationError
        The kind or an option is unknown or impossible.

    Examples
    --------
    >>> source = metalith.data_source("dicomweb", {"wado_root": "http://localhost:8042/dicom-web"})
    >>> source
    <DicomWebSource 'dicomweb'>
    """
    return data_sources.make(kind, configuration, name=name, metadata_store=metadata_store)
