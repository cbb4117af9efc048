"""@cornerstonejs/metadata under Node, as a peer: one worker process that times itself."""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import node
from benchmarks.measure import Case
from benchmarks.peers import Absent

WORKER = Path(__file__).with_name("cornerstone_worker.mjs")


class Cornerstone:
    """A worker that holds an image and an object with frames, both given as DICOM JSON."""

    def __init__(self, image: dict, frames: dict) -> None:
        folder = node.oracles()
        if not (folder / "node_modules" / "@cornerstonejs" / "metadata").is_dir():
            raise Absent("@cornerstonejs/metadata is not in node_modules of the folder that METALITH_ORACLES names")
        self._file = tempfile.NamedTemporaryFile("w", suffix=".json")  # noqa: SIM115 - closed with the worker
        json.dump({"image": image, "frames": frames}, self._file)
        self._file.flush()
        self._process = subprocess.Popen(
            ["node", WORKER, self._file.name, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._answer()

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the Cornerstone worker ended with code {self._process.wait()}")
        return json.loads(line)

    def ask(self, **request: Any) -> dict:
        """`ms` and the last `value` of what the worker's head lists."""
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def case(self, **request: Any) -> Case:
        """Seconds of a request's look-ups."""
        return Case("Cornerstone", lambda: self.ask(**request)["ms"] / 1000, own_clock=True)

    def __enter__(self) -> "Cornerstone":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._file.close()
