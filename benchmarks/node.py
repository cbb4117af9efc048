"""dcmjs under Node, as a peer: one worker process that times itself, so that it can take turns with the others."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.datasets import Input, shared_folder
from benchmarks.measure import Case
from benchmarks.peers import Absent

WORKER = Path(__file__).with_name("dcmjs_worker.mjs")


def oracles() -> Path:
    """The folder with dcmjs in its node_modules: METALITH_ORACLES, else `oracles` of the shared folder."""
    folder = Path(os.environ.get("METALITH_ORACLES") or shared_folder() / "oracles")
    if not shutil.which("node"):
        raise Absent("node is not installed")
    if not (folder / "node_modules" / "dcmjs").is_dir():
        raise Absent("dcmjs is not in node_modules of the folder that METALITH_ORACLES names")
    return folder.resolve()


class Dcmjs:
    """A worker that holds one input.  `run()` gives the seconds of JSON.parse + naturalizeDataset of all of it."""

    def __init__(self, given: Input) -> None:
        folder = oracles()
        self._file = tempfile.NamedTemporaryFile(suffix=".json")  # noqa: SIM115 - closed with the worker
        self._file.write(given.body)
        self._file.flush()
        self._process = subprocess.Popen(
            ["node", WORKER, self._file.name, "--serve", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.facts = self._answer()

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the dcmjs worker ended with code {self._process.wait()}")
        return json.loads(line)

    def run(self) -> float:
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._answer()["ms"] / 1000

    def case(self) -> Case:
        return Case("dcmjs", self.run, own_clock=True)

    def correct(self, body: bytes) -> bool:
        rows = json.loads(body)
        uids = [row.get("00080018", {}).get("Value", [None])[0] for row in (rows[0], rows[-1])]
        return self.facts["instances"] == len(rows) and self.facts["uids"] == uids

    def __enter__(self) -> "Dcmjs":
        return self

    def __exit__(self, *_) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._file.close()
