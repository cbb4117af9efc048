"""The metadata of pydicom's bundled files, as DICOM JSON."""

from __future__ import annotations

import json
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import pydicom

_FOLDER = Path(pydicom.__file__).parent / "data" / "test_files"


@lru_cache(maxsize=64)
def text_of(name: str) -> str:
    """One file's dataset as JSON text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(_FOLDER / name, stop_before_pixels=True, force=True)
        return json.dumps(dataset.to_json_dict(suppress_invalid_tags=True), allow_nan=False)


def dataset_of(name: str) -> dict[str, Any]:
    """The same, parsed anew for each call."""
    return json.loads(text_of(name))


REAL = (
    "CT_small.dcm",
    "MR_small.dcm",
    "rtplan.dcm",
    "rtdose.dcm",
    "waveform_ecg.dcm",
    "reportsi.dcm",
    "liver_1frame.dcm",
)


def real_series(count: int = 1) -> list[dict[str, Any]]:
    """All of them, `count` times, with instance numbers of their own."""
    rows = [dataset_of(name) for _ in range(count) for name in REAL]
    for number, row in enumerate(rows):
        row["00200013"] = {"vr": "IS", "Value": [number]}
    return rows
