"""Orthanc with its DICOMweb plugin, in a temporary folder, on loopback."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from servers.archive import read

_PLUGINS = ("/usr/share/orthanc/plugins", "/usr/lib/orthanc", "/usr/local/share/orthanc/plugins")
_START = 20.0  # seconds; it takes 0.1


class Loaded(NamedTuple):
    """A file that was loaded, and its UIDs."""

    path: Path
    study: str
    series: str
    instance: str


class Orthanc:
    """A running Orthanc.

    Attributes
    ----------
    origin, root, wado_uri_root, rest : str
        The server; its DICOMweb service; its WADO-URI service; its own REST interface.
    user : tuple of str, or None
        Name and password that every request must have.
    loaded : list of Loaded
        What `load` loaded, in its order.
    """

    def __init__(self, port: int, user: tuple[str, str] | None) -> None:
        self.port, self.user = port, user
        self.origin = f"http://127.0.0.1:{port}"
        self.root = f"{self.origin}/dicom-web"
        self.wado_uri_root = f"{self.origin}/wado"
        self.rest = self.origin
        self.loaded: list[Loaded] = []

    def load(self, files: Iterable[Path]) -> None:
        """Stores DICOM files; raises `RuntimeError` where Orthanc does not take one, or has it already."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            for path in files:
                status, body = self._ask(connection, "POST", "/instances", path.read_bytes())
                if status != 200 or json.loads(body)["Status"] != "Success":
                    raise RuntimeError(f"Orthanc did not store {path.name}: status {status}")
                self.loaded.append(loaded(path))
        finally:
            connection.close()

    def remove_all(self) -> None:
        """Deletes all patients."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            for patient in json.loads(self._ask(connection, "GET", "/patients")[1]):
                self._ask(connection, "DELETE", f"/patients/{patient}")
        finally:
            connection.close()
        self.loaded.clear()

    def name(self) -> str | None:
        """The name it has been given; None while it does not answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            status, body = self._ask(connection, "GET", "/system")
            return str(json.loads(body)["Name"]) if status == 200 else None
        except (OSError, HTTPException, ValueError):
            return None
        finally:
            connection.close()

    def _ask(self, connection: HTTPConnection, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        headers = {}
        if self.user is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(self.user).encode()).decode()
        connection.request(method, path, body or None, headers)
        response = connection.getresponse()
        return response.status, response.read()


@contextmanager
def orthanc(files: Iterable[Path] = (), *, user: tuple[str, str] | None = None) -> Iterator[Orthanc]:
    """Runs Orthanc with these DICOM files stored.

    Parameters
    ----------
    files : iterable of Path
    user : tuple of str, optional
        Name and password of HTTP's basic authentication. None: everyone on this machine may do everything.

    Yields
    ------
    Orthanc

    Raises
    ------
    RuntimeError
        It does not start, with the end of its log; or does not take a file.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="orthanc-")))
        for _ in range(3):  # another process may take the port between our look and Orthanc's
            server = _started(folder, user, stack)
            if server is not None:
                break
        else:
            log = (folder / "log").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"Orthanc does not start\n{log}")
        server.load(files)
        yield server


def missing() -> str | None:
    """Why Orthanc cannot be run on this machine; None where it can."""
    if _binary() is None:
        return "no Orthanc on this machine (Debian: orthanc)"
    if _plugin() is None:
        return "no DICOMweb plugin of Orthanc on this machine (Debian: orthanc-dicomweb)"
    return None


def loaded(path: Path) -> Loaded:
    """The UIDs of a DICOM file."""
    file = read(path, pixels=False)
    return Loaded(path, str(file.StudyInstanceUID), str(file.SeriesInstanceUID), str(file.SOPInstanceUID))


def _started(folder: Path, user: tuple[str, str] | None, stack: ExitStack) -> Orthanc | None:
    """One attempt, at a port of its own; what runs is stopped with the stack."""
    name, port = f"tests-{uuid4()}", _free_port()
    settings = {
        "Name": name,
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "HttpPort": port,
        "RemoteAccessAllowed": False,  # it listens everywhere and refuses whoever is not of this machine
        "AuthenticationEnabled": user is not None,
        "RegisteredUsers": {} if user is None else {user[0]: user[1]},
        "DicomServerEnabled": False,
        "Plugins": [str(_plugin())],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": True, "WadoRoot": "/wado"},
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    log = stack.enter_context((folder / "log").open("ab"))
    # Should the tests be killed, Orthanc goes too, where the system can arrange that
    leash = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    process = subprocess.Popen(
        [*leash, str(_binary()), str(folder / "orthanc.json")],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    stack.callback(_stop, process)
    server, until = Orthanc(port, user), time.monotonic() + _START
    while process.poll() is None and time.monotonic() < until:
        if server.name() == name:
            return server
        time.sleep(0.01)
    _stop(process)
    return None


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()  # what it would put in order in two seconds goes with the folder
    process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _binary() -> str | None:
    return shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin:/usr/local/bin")


def _plugin() -> Path | None:
    found = (path for folder in _PLUGINS for path in sorted(Path(folder).glob("libOrthancDicomWeb.so*")))
    return next(found, None)
