"""Modules beside the answers of `@cornerstonejs/metadata` for the same datasets."""

from __future__ import annotations

import json
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom

from .js import loads_oracle

# What the original answers: the tag modules and those that it makes by hand.
TYPES = (
    "generalStudyModule",
    "generalSeriesModule",
    "generalImageModule",
    "sopCommonModule",
    "clinicalTrialModule",
    "patientModule",
    "patientStudyModule",
    "cineModule",
    "imagePixelModule",
    "imagePlaneModule",
    "calibratedPixelSpacing",
    "voiLutModule",
    "modalityLutModule",
    "petImageModule",
    "petSeriesModule",
    "petIsotopeModule",
    "ultrasoundEnhancedRegionModule",
    "calibrationModule",
    "transferSyntax",
    "ecgModule",
    "scalingModule",
    "uriModule",
    "baseImageId",
    "frameImageIds",
)
_FOLDER = Path(pydicom.__file__).parent / "data" / "test_files"


def bundled() -> Iterator[tuple[str, str]]:
    """Every bundled file that pydicom can write as DICOM JSON: name and text, without pixel data."""
    for path in sorted(_FOLDER.glob("*.dcm")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
                text = json.dumps(dataset.to_json_dict(suppress_invalid_tags=True), allow_nan=False)
            except Exception:  # files that are damaged on purpose
                continue
        if len(text) > 2:
            yield path.name, text


def image_id(row: int, frame: int | None = None) -> str:
    """The id that the dataset of a row goes by, or one of its frames."""
    base = f"wadors:https://host/studies/1/series/2/instances/{row}"
    return base if frame is None else f"{base}/frames/{frame}"


def ask(
    oracles: Path, texts: list[str], types: tuple[str, ...] = TYPES, frame: int | None = None
) -> list[dict[str, Any]]:
    """What the original answers: for each dataset, or a frame of each, a dict by type."""
    lines = []
    for row, text in enumerate(texts):
        asked = image_id(row, frame)
        lines.append(f'{{"op":"dicomweb","id":{json.dumps(image_id(row))},"json":{text}}}\n')
        lines += [json.dumps({"op": "get", "type": type, "id": asked}) + "\n" for type in types]
    command = ["node", str(oracles / "cornerstone.mjs")]
    done = subprocess.run(command, input="".join(lines).encode(), capture_output=True, check=True, timeout=300)
    answers = [loads_oracle(line) for line in done.stdout.split(b"\n") if line]
    assert len(answers) == len(lines)
    step = len(types) + 1
    return [
        {type: _answer(answers[row * step + 1 + place]) for place, type in enumerate(types)}
        for row in range(len(texts))
    ]


def _answer(answer: Any) -> Any:
    if "error" in answer:
        return {"$error": answer["error"]}
    return _unmarked(answer.get("ok"))


def _unmarked(value: Any) -> Any:
    """Without the oracle's marks: sets and typed arrays are lists, hidden flags are members like others."""
    if isinstance(value, dict):
        if "$typed" in value:
            return value["data"]
        if "$set" in value:
            return _unmarked(value["$set"])
        return {name.removeprefix("$") if name != "$error" else name: _unmarked(one) for name, one in value.items()}
    return [_unmarked(one) for one in value] if isinstance(value, list) else value
