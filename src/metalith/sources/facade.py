"""The functions of a data source under the names that they go by: `source.query.studies.search(…)`.

A source is written with plain methods (`search_studies`), and used by the reference's dotted names, which are also
those of its asynchronous side. This is the table of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, overload

from metalith.errors import NotSupportedBySource

if TYPE_CHECKING:
    from metalith._core import Instance
    from metalith.sources.loading import Loading

__all__ = ["FUNCTIONS", "Group", "Missing", "Query", "Reject", "Retrieve", "Store", "group_of"]

FUNCTIONS = {
    "query.studies.search": "search_studies",
    "query.series.search": "search_series",
    "query.instances.search": "search_instances",
    "retrieve.series.metadata": "retrieve_series_metadata",
    "retrieve.instances.metadata": "retrieve_instance_metadata",
    "retrieve.bulk_data": "retrieve_bulk_data",
    "retrieve.frames": "retrieve_frames",
    "retrieve.direct_url": "direct_url",
    "retrieve.rendered": "retrieve_rendered",
    "retrieve.thumbnail": "retrieve_thumbnail",
    "store.dicom": "store_dicom",
    "reject.series": "reject_series",
}
"""Dotted name of each function of the contract, and the method that it calls."""


class Group:
    """Some of a source's functions, by the next part of their names.

    A function that the source lacks is there as well: called, it raises `NotSupportedBySource`.
    """

    def __init__(self, source: str, path: str, members: Mapping[str, Any]) -> None:
        self._source, self._path = source, path
        self.__dict__.update(members)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return Missing(self._source, f"{self._path}.{name}")

    def __repr__(self) -> str:
        return f"<{self._path} of the data source {self._source!r}>"


class Missing:
    """A function that tells that there is none, or a group of such: nobody knows which of them a wrong name meant."""

    supported = False

    def __init__(self, source: str, path: str) -> None:
        self._source, self._path = source, path

    def __getattr__(self, name: str) -> Missing:
        if name.startswith("_"):
            raise AttributeError(name)
        return Missing(self._source, f"{self._path}.{name}")

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise NotSupportedBySource(self._source, self._path)

    def __repr__(self) -> str:
        return f"<no {self._path} of the data source {self._source!r}>"


def group_of(source: Any, path: str, extra: Mapping[str, Any]) -> Any:
    """The functions of a source whose names begin with `path`, and what else was given for that group."""
    members: dict[str, Any] = {name: value for name, value in extra.items() if not isinstance(value, Mapping)}
    inner = {name: value for name, value in extra.items() if isinstance(value, Mapping)}
    for dotted, method in FUNCTIONS.items():
        if not dotted.startswith(f"{path}."):
            continue
        head, _, rest = dotted[len(path) + 1 :].partition(".")
        if rest:
            inner.setdefault(head, {})
        else:
            members[head] = getattr(source, method)
    for name, further in inner.items():
        members[name] = group_of(source, f"{path}.{name}", further)
    return Group(source.name, path, members)


# What the groups have, for type checkers.


class Search(Protocol):
    """`query.studies`, `query.series` and `query.instances`."""

    def search(self, *uids: str | None, **parameters: Any) -> Iterable[Any]: ...


class Query(Protocol):
    """`source.query`."""

    @property
    def studies(self) -> Search: ...
    @property
    def series(self) -> Search: ...
    @property
    def instances(self) -> Search: ...


class SeriesMetadata(Protocol):
    """`retrieve.series`."""

    def metadata(self, study_instance_uid: str, **options: Any) -> Loading: ...


class InstanceMetadata(Protocol):
    """`retrieve.instances`."""

    @overload
    def metadata(
        self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str, **options: Any
    ) -> Instance: ...
    @overload
    def metadata(
        self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: Iterable[str], **options: Any
    ) -> list[Instance]: ...


class Retrieve(Protocol):
    """`source.retrieve`."""

    @property
    def series(self) -> SeriesMetadata: ...
    @property
    def instances(self) -> InstanceMetadata: ...
    def bulk_data(self, bulk_data: Any, **options: Any) -> bytes: ...
    def frames(self, instance: Any, frames: Any = ..., **options: Any) -> list[bytes]: ...
    def direct_url(self, instance: Any, **options: Any) -> str | None: ...
    def rendered(self, instance: Any, **options: Any) -> bytes: ...
    def thumbnail(self, *uids: str, **options: Any) -> bytes: ...
    def __getattr__(self, name: str) -> Any: ...


class Store(Protocol):
    """`source.store`."""

    def dicom(self, data: Any, **options: Any) -> Any: ...
    def __getattr__(self, name: str) -> Any: ...


class Reject(Protocol):
    """`source.reject`."""

    def series(self, study_instance_uid: str, series_instance_uid: str) -> None: ...
    def __getattr__(self, name: str) -> Any: ...
