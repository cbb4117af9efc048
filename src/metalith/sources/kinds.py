"""Which kinds of data sources there are: shipped ones, registered ones, and those of installed packages.

The latter are found through the entry point group `metalith.data_sources`.
"""

from __future__ import annotations

import difflib
import inspect
import threading
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from metalith.errors import ConfigurationError
from metalith.sources.contract import DataSource
from metalith.sources.definitions import DataSourceModule, plugin
from metalith.store import MetadataStore

__all__ = ["ENTRY_POINTS", "Kinds"]

ENTRY_POINTS = "metalith.data_sources"

_SHIPPED = {
    "dicomweb": ("webApi", "metalith.sources.dicomweb:DicomWebSource"),
    "dicomwebproxy": ("webApi", "metalith.sources.proxy:DicomWebProxySource"),
    "dicomjson": ("jsonApi", "metalith.sources.dicomjson:DicomJsonSource"),
    "dicomlocal": ("localApi", "metalith.sources.local:DicomLocalSource"),
    "merge": ("mergeApi", "metalith.sources.merge:MergeSource"),
}


class Kinds:
    """Kinds of data sources, by name, and how sources are made of them.

    Parameters
    ----------
    metadata_store : MetadataStore, optional
        Into which sources load that are not given another one; each has one of its own where none is given.
    plugins : bool, optional
        Whether kinds of installed packages are known.
    """

    def __init__(self, *, metadata_store: MetadataStore | None = None, plugins: bool = True) -> None:
        self._metadata_store, self._plugins = metadata_store, plugins
        self._modules: dict[str, DataSourceModule] = {}
        self._lock = threading.RLock()

    def register(self, module: DataSourceModule | Mapping[str, Any]) -> DataSourceModule:
        """Makes a kind of sources known, or replaces it.

        Parameters
        ----------
        module : DataSourceModule or mapping with `name`, `type` (optional) and `create_data_source`

        Raises
        ------
        ConfigurationError
            It is none.
        """
        module = DataSourceModule.of(module)
        with self._lock:
            self._modules[module.name] = module
        return module

    def module(self, name: str) -> DataSourceModule:
        """A kind of sources: registered here, shipped, or of a plug-in.

        Raises
        ------
        ConfigurationError
            There is none of that name, or the plug-in cannot be loaded.
        """
        if name in self._modules:
            return self._modules[name]
        if name in _SHIPPED:
            type_, where = _SHIPPED[name]
            file, _, attribute = where.partition(":")
            return DataSourceModule(name, type_, getattr(import_module(file), attribute))
        plugins = self._found_plugins()
        if name in plugins:
            return plugin(name, plugins[name])
        known = [*_SHIPPED, *self._modules, *plugins]
        near = difflib.get_close_matches(name, known, 1) if isinstance(name, str) else []
        raise ConfigurationError(
            f"no kind of data source is called {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
        )

    @property
    def kinds(self) -> list[str]:
        """Names of all kinds of sources. list of str."""
        return list(dict.fromkeys([*_SHIPPED, *self._modules, *self._found_plugins()]))

    def _found_plugins(self) -> dict[str, Any]:
        if not self._plugins:
            return {}
        from importlib.metadata import entry_points

        return {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}

    def make(
        self,
        kind: str,
        configuration: Mapping[str, Any] | None = None,
        *,
        name: str = "",
        metadata_store: MetadataStore | None = None,
    ) -> DataSource:
        """A source of a kind, which is not kept here.

        Raises
        ------
        ConfigurationError
            The kind or an option is unknown or impossible.
        """
        module = self.module(kind)
        store = self._metadata_store if metadata_store is None else metadata_store
        context: dict[str, Any] = {"name": name or module.name, "metadata_store": store, "sources": self}
        create: Any = module.create_data_source
        parameters = inspect.signature(create).parameters
        if isinstance(create, type) and issubclass(create, DataSource):
            own = {"sources": self} if "sources" in parameters else {}
            made: Any = create(context["name"], configuration, metadata_store=store, **own)
        else:
            every = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values())
            wanted = {key: value for key, value in context.items() if every or key in parameters}
            made = create(dict(configuration or {}), **wanted)
        if not isinstance(made, DataSource):
            raise ConfigurationError(f"create_data_source of {kind!r} made no DataSource")
        source: DataSource = made
        return source
