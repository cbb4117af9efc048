"""Where real data and the JavaScript originals are.

Both live outside the repository: real data and oracle scripts in a folder `shared` beside it, or where METALITH_SHARED
points; the oracles with their node_modules where METALITH_ORACLES points, else in `shared/oracles`.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
REAL_DATA = {
    "siemens-mosaic-8": "orthanc/siemens-mosaic-8.json.gz",
    "t1-384": "orthanc/t1-384.json.gz",
    "t1-part10": "t1",
    "enhanced-part10": "enhanced",
}
SYNTHETIC = {
    "series": ["-n", "120"],
    "series-ds-string": ["-n", "40", "--ds", "string", "--seed", "11"],
    "enhanced": ["--enhanced", "120"],
}


def shared_folder() -> Path | None:
    """The folder with real data, oracles and references, None when this machine has none."""
    folder = Path(os.environ.get("METALITH_SHARED") or REPOSITORY.parent / "shared")
    return folder if folder.is_dir() else None


def oracle_folder() -> Path | None:
    """The folder with naturalize.mjs, cornerstone.mjs and their node_modules, None when it or node is missing."""
    named, shared = os.environ.get("METALITH_ORACLES"), shared_folder()
    folder = Path(named) if named else shared and shared / "oracles"
    ready = folder and (folder / "node_modules").is_dir() and (folder / "naturalize.mjs").is_file()
    return folder if ready and shutil.which("node") else None
