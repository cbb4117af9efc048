"""How a data source of each kind is made of files: `FACTORIES`, which the contract tests go through.

A new kind is a function that takes files, a folder of its own, a store and an `ExitStack` that ends with all tests, and
returns a source that has these files; the source is closed by the test. It joins the list with what the kind cannot do.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers.recorder import Recorder
from servers.static import StaticServer, static_dicomweb

import metalith
from metalith.sources import DataSource, data_source
from metalith.sources.merge import MergeSource
from metalith.sources.query import Query, entries_of, search
from metalith.store import MetadataStore

__all__ = ["FACTORIES", "Factory"]

_servers: dict[tuple[Path, ...], StaticServer] = {}  # which nobody changes

Make = Callable[[Sequence[Path], Path, MetadataStore | None, ExitStack], DataSource]


@dataclass(frozen=True)
class Factory:
    """A kind of sources.

    Attributes
    ----------
    name : str
        For the names of tests.
    make : callable
    searches : bool
        It has the three searches.
    exact : bool
        Instances are equal to those read from the files, their pixel data and such included. Otherwise what is inline
        in the files, and what is not written in several ways, is compared.
    counts : bool
        Rows count all instances that there are; those of a merge count what one source has.
    """

    name: str
    make: Make
    searches: bool = True
    exact: bool = True
    counts: bool = True


def local(files: Sequence[Path], folder: Path, store: MetadataStore | None, _: ExitStack) -> DataSource:
    return data_source("dicomlocal", {"paths": list(files)}, name="under test", metadata_store=store)


def local_bytes(files: Sequence[Path], folder: Path, store: MetadataStore | None, _: ExitStack) -> DataSource:
    source = data_source("dicomlocal", name="under test", metadata_store=store)
    source.add([path.read_bytes() for path in files])
    return source


def merge(files: Sequence[Path], folder: Path, store: MetadataStore | None, _: ExitStack) -> DataSource:
    """Each source has two thirds, so that a third is in both."""
    third = len(files) // 3
    parts = {"one": [*files[: 2 * third]], "other": [*files[third:]]}
    children = [data_source("dicomlocal", {"paths": paths}, name=name) for name, paths in parts.items()]
    return MergeSource("under test", metadata_store=store, children=children)


class Shelf(DataSource):
    """A source as its users write it: files of a list."""

    files: Sequence[Path] = ()

    def _instances(self) -> list[metalith.Instance]:
        return [metalith.read(path) for path in self.files]

    def _search(self, level: Any, parameters: dict[str, Any]) -> list[Any]:
        return search(Query.of(level, **parameters), entries_of(self._instances()))

    def search_studies(self, **parameters: Any) -> list[Any]:
        return self._search("study", parameters)

    def search_series(self, study_instance_uid: str | None = None, **parameters: Any) -> list[Any]:
        return self._search("series", {"study_instance_uid": study_instance_uid, **parameters})

    def search_instances(
        self, study_instance_uid: str | None = None, series_instance_uid: str | None = None, **parameters: Any
    ) -> list[Any]:
        uids = {"study_instance_uid": study_instance_uid, "series_instance_uid": series_instance_uid}
        return self._search("instance", {**uids, **parameters})

    def series_metadata(self, study_instance_uid: str, filters: Any) -> Iterator[Any]:
        for instance in self._instances():
            if instance.StudyInstanceUID == study_instance_uid and filters(instance):
                yield instance


def subclass(files: Sequence[Path], folder: Path, store: MetadataStore | None, _: ExitStack) -> DataSource:
    source = Shelf("under test", metadata_store=store)
    source.files = files
    return source


def functions(files: Sequence[Path], folder: Path, store: MetadataStore | None, _: ExitStack) -> DataSource:
    """Natural dicts, without what stands elsewhere than in the metadata."""

    def metadata(study_instance_uid: str) -> Iterator[dict[str, Any]]:
        for path in files:
            instance = metalith.read(path)
            if instance.StudyInstanceUID == study_instance_uid:
                yield {name: value for name, value in instance.items() if _is_plain(name, value)}

    return DataSource.create("under test", metadata_store=store, retrieve={"series": {"metadata": metadata}})


def _is_plain(name: str, value: Any) -> bool:
    return not isinstance(value, metalith.BulkData) and not name[:1].isdigit()  # private ones would need their VR


def static(files: Sequence[Path], folder: Path, store: MetadataStore | None, stack: ExitStack) -> DataSource:
    configuration = {"wado_root": _static(files, folder, stack).root, "static_wado": True}
    return data_source("dicomweb", configuration, name="under test", metadata_store=store)


def proxy(files: Sequence[Path], folder: Path, store: MetadataStore | None, stack: ExitStack) -> DataSource:
    server = {"wadoRoot": _static(files, folder, stack).root, "staticWado": True}
    body = json.dumps({"servers": {"dicomWeb": [server]}}).encode()
    fetched = stack.enter_context(Recorder(body, "application/json"))
    configuration = {"url": f"{fetched.origin}/configuration.json"}
    return data_source("dicomwebproxy", configuration, name="under test", metadata_store=store)


def _static(files: Sequence[Path], folder: Path, stack: ExitStack) -> StaticServer:
    key = tuple(files)
    if key not in _servers:
        _servers[key] = stack.enter_context(static_dicomweb(_distinct(files, folder)))
        stack.callback(_servers.pop, key)
    return _servers[key]


def _distinct(files: Sequence[Path], folder: Path) -> list[Path]:
    """The files under names of their own."""
    folder.mkdir(exist_ok=True)
    return [Path(shutil.copy(path, folder / f"{number}.dcm")) for number, path in enumerate(files)]


FACTORIES = [
    Factory("local", local),
    Factory("local, bytes", local_bytes, exact=False),
    Factory("merge", merge, counts=False),
    Factory("subclass", subclass),
    Factory("functions", functions, searches=False, exact=False),
    Factory("static dicomweb", static, exact=False),
    Factory("proxy", proxy, exact=False),
]
