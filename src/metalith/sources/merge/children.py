"""Of which sources a merge is made: by name from a registry, or given as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from metalith.errors import ConfigurationError
from metalith.sources.contract import DataSource
from metalith.store import MetadataStore

if TYPE_CHECKING:
    from metalith.sources.registry import DataSources

__all__ = ["Children"]


class Children:
    """The sources of a merge, the default one first.

    They are looked up whenever they are needed, since a configuration may define them after the merge, or change them.
    A source of the registry that shares its store, with the merge or with another of the sources, is made once more
    with a store of its own: of what lies in one store it cannot be told who has it.

    Parameters
    ----------
    owner : DataSource
        The merge.
    names : tuple of str
        In the registry; empty where sources are given.
    default : str
        Name of the default source; empty for the first.
    registry : DataSources
    given : iterable of DataSource

    Raises
    ------
    ConfigurationError
        There are none, two are of one name, or the default is none of them.
    """

    def __init__(
        self, owner: DataSource, names: Iterable[str], default: str, registry: DataSources, given: Iterable[DataSource]
    ) -> None:
        self._owner, self._registry, self._given = owner, registry, tuple(given)
        for child in self._given:
            if not isinstance(child, DataSource):
                raise TypeError(f"children are data sources, not of type {type(child).__name__}")
        self._names = tuple(names) or tuple(child.name for child in self._given)
        self._default = default
        self._twins: dict[str, tuple[Any, DataSource]] = {}  # each with the definition it was made of
        if not self._names:
            self._fail("dataSourceNames: there is none")
        twice = next((name for name in self._names if self._names.count(name) > 1), None)
        if twice is not None:
            self._fail(f"dataSourceNames: {twice!r} is there twice")
        if default and default not in self._names:
            self._fail("defaultDataSourceName: is none of dataSourceNames")
        if not self._given and owner.name in self._names:
            self._fail("dataSourceNames: a merge of itself")
        stores = [owner.metadata_store, *(child.metadata_store for child in self._given)]
        for child in self._given:
            if sum(store is child.metadata_store for store in stores) > 1:
                self._fail(f"children: {child.name!r} needs a metadata_store of its own")

    def __iter__(self) -> Iterator[DataSource]:
        return iter(self.all())

    def all(self) -> tuple[DataSource, ...]:
        """All of them: the default one, then in the order in which the registry has them, or in which they were given.

        Raises
        ------
        ConfigurationError
            A name is not in the registry, or a source is made of the one that it is part of.
        """
        found = {child.name: child for child in self._given or self._registered()}
        default = found.pop(self._default, None) if self._default else None
        children = (*(() if default is None else (default,)), *found.values())
        self._check_cycles(children)
        return children

    def _registered(self) -> list[DataSource]:
        unknown = next((name for name in self._names if name not in self._registry), None)
        if unknown is not None:
            self._fail(f"dataSourceNames: no data source is called {unknown!r}")
        named = {name: self._registry[name] for name in self._registry.names if name in self._names}
        stores = [self._owner.metadata_store, *(source.metadata_store for source in named.values())]
        return [
            self._twin(name) if sum(store is source.metadata_store for store in stores) > 1 else source
            for name, source in named.items()
        ]

    def _twin(self, name: str) -> DataSource:
        """A source as the registry has it, with a store of its own."""
        definition = self._registry.definition(name)
        known = self._twins.get(name)
        if known is None or known[0] is not definition:
            if known is not None:
                known[1].close()
            made = self._registry.make(
                definition.module, definition.configuration, name=name, metadata_store=MetadataStore()
            )
            known = self._twins[name] = definition, made
        return known[1]

    def _check_cycles(self, children: Iterable[DataSource]) -> None:
        seen: set[int] = set()
        waiting = list(children)
        while waiting:
            child = waiting.pop()
            if child is self._owner:
                self._fail("dataSourceNames: a merge of itself")
            if id(child) not in seen:
                seen.add(id(child))
                own = getattr(child, "_children", None)
                waiting += own.direct() if isinstance(own, Children) else ()

    def direct(self) -> list[DataSource]:
        """Those that can be found, none made for it."""
        if self._given:
            return list(self._given)
        return [self._registry[name] for name in self._names if name in self._registry]

    def close(self) -> None:
        """Closes those that were made here."""
        for _, twin in self._twins.values():
            twin.close()

    def _fail(self, what: str) -> None:
        raise ConfigurationError(f"{self._owner.name}: {what}")
