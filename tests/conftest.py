"""Fixtures: real and synthetic bodies, and the JavaScript originals, each asked in one process for many datasets.

What is absent on this machine is skipped, with the reason; `models.locate` says where it is looked for.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:  # under import mode importlib nothing does it for us, and the tests share `models`
    sys.path.insert(0, str(HERE))

from models.js import loads_oracle
from models.locate import REAL_DATA, SYNTHETIC, oracle_folder, shared_folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared folder; skips where it is absent."""
    folder = shared_folder()
    if folder is None:
        pytest.skip("no shared folder beside the repository (METALITH_SHARED)")
    return folder


@pytest.fixture(scope="session")
def oracles() -> Path:
    """The oracles, ready to run; skips where node or the packages are absent."""
    folder = oracle_folder()
    if folder is None:
        pytest.skip("no node, or no oracles with node_modules (METALITH_ORACLES)")
    return folder


@pytest.fixture(scope="session")
def real_bodies(shared: Path) -> Callable[[str], bytes]:
    """Real metadata by name, as the JSON body a server would send; read once."""
    bodies: dict[str, bytes] = {}

    def read(name: str) -> bytes:
        if name not in bodies:
            path = shared / "data" / REAL_DATA[name]
            if not path.exists():
                pytest.skip(f"no {path.name} among the shared data")
            bodies[name] = gzip.decompress(path.read_bytes()) if path.is_file() else _part10_body(path)
        return bodies[name]

    return read


def _part10_body(folder: Path) -> bytes:
    import pydicom

    files = [pydicom.dcmread(path, stop_before_pixels=True) for path in sorted(folder.glob("*.dcm"))]
    return json.dumps([file.to_json_dict(suppress_invalid_tags=True) for file in files]).encode()


@pytest.fixture(scope="session")
def synthetic_bodies(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """Series from the shared generator script by name (see SYNTHETIC)."""
    folder, script = tmp_path_factory.mktemp("synthetic"), shared / "oracles" / "gen_series.py"
    if not script.is_file():
        pytest.skip("no gen_series.py among the shared oracles")

    def make(name: str) -> bytes:
        path = folder / f"{name}.json"
        if not path.exists():
            subprocess.run(
                [sys.executable, script, path, *SYNTHETIC[name]], check=True, capture_output=True, timeout=120
            )
        return path.read_bytes()

    return make


@pytest.fixture(scope="session")
def bodies(request: pytest.FixtureRequest) -> Callable[[str], bytes]:
    """Real and synthetic bodies alike, by name."""
    return lambda name: request.getfixturevalue("real_bodies" if name in REAL_DATA else "synthetic_bodies")(name)


@pytest.fixture(scope="session")
def dcmjs_oracle(oracles: Path) -> Callable[[bytes], list[Any]]:
    """Ask dcmjs about a whole JSON array of datasets in one process; a dataset it throws on gives {"$error": text}."""

    def ask(body: bytes) -> list[Any]:
        command = ["node", oracles / "naturalize.mjs", "--mode", "struct", "--exact", "-"]
        done = subprocess.run(command, input=body, capture_output=True, check=True, timeout=300)
        return loads_oracle(done.stdout)

    return ask


@pytest.fixture(scope="session")
def cornerstone_oracle(oracles: Path) -> Callable[[list[str]], list[Any]]:
    """Ask `@cornerstonejs/metadata` about datasets given as JSON texts; a throwing one gives {"$error": text}."""

    def ask(texts: list[str]) -> list[Any]:
        lines = [f'{{"op":"dicomweb","id":"test:{row}","json":{text}}}\n' for row, text in enumerate(texts)]
        command = ["node", oracles / "cornerstone.mjs"]
        done = subprocess.run(command, input="".join(lines).encode(), capture_output=True, check=True, timeout=300)
        answers = [loads_oracle(line) for line in done.stdout.split(b"\n") if line]
        assert len(answers) == len(texts)
        return [{"$error": answer["error"]} if "error" in answer else answer["ok"] for answer in answers]

    return ask
