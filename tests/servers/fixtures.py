"""The servers as fixtures; see the package for which there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from servers.archive import Json, dicom_json, read, selection
from servers.files import FileServer
from servers.misbehaving import Habits, QidoServer
from servers.orthanc import Orthanc, missing, orthanc
from servers.proxy import FaultProxy
from servers.recorder import Recorder
from servers.static import StaticServer, static_dicomweb


@pytest.fixture(scope="session")
def orthanc_server() -> Iterator[Orthanc]:
    """Orthanc, loaded with the selection; not to be changed by tests."""
    _skip_without_orthanc()
    with orthanc(selection()) as server:
        yield server


@pytest.fixture
def make_orthanc() -> Iterator[Callable[..., Orthanc]]:
    """Starts an Orthanc of the test's own, which is stopped after it."""
    _skip_without_orthanc()
    with ExitStack() as stack:

        def make(files: Iterable[Path] = (), user: tuple[str, str] | None = None) -> Orthanc:
            return stack.enter_context(orthanc(files, user=user))

        yield make


@pytest.fixture(scope="session")
def static_server() -> Iterator[StaticServer]:
    """A static DICOMweb server of the selection."""
    with static_dicomweb(selection()) as server:
        yield server


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    """A file server of the selection, each file by its name."""
    with FileServer({path.name: path for path in selection()}) as server:
        yield server


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Another host."""
    with Recorder() as server:
        yield server


@pytest.fixture
def fault_proxy() -> Iterator[Callable[[str], FaultProxy]]:
    """Puts a fault proxy before a server, by the server's URL."""
    with ExitStack() as stack:
        yield lambda upstream: stack.enter_context(FaultProxy(upstream))


@pytest.fixture(scope="session")
def selection_json() -> list[Json]:
    """The selection as DICOM JSON, without pixel data, all values inline."""
    return [dicom_json(read(path, pixels=False)) for path in selection()]


@pytest.fixture
def qido_server(selection_json: list[Json]) -> Iterator[Callable[..., QidoServer]]:
    """Starts a DICOMweb server in memory, of the selection, with these habits."""
    with ExitStack() as stack:

        def make(habits: Habits | None = None) -> QidoServer:
            return stack.enter_context(QidoServer(selection_json, habits))

        yield make


def _skip_without_orthanc() -> None:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
