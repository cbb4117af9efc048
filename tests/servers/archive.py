"""Studies, series and instances as DICOM JSON, made of DICOM files or of anything else that is DICOM JSON.

What an archive says of a study are the attributes that all its instances agree on, and what PS3.18 tables 10.6.3-3 to
10.6.3-5 let a server count.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.data.data_manager import DATA_ROOT

Element = dict[str, Any]
Json = dict[str, Element]

STUDY, SERIES, INSTANCE = "0020000D", "0020000E", "00080018"
BULK_ABOVE = 1024  # bytes of a binary value
_PIXELS = ("7FE00008", "7FE00009", "7FE00010")

_FILES = Path(DATA_ROOT) / "test_files"
_NAMES = (
    "CT_small.dcm",
    "MR_small.dcm",
    "693_J2KI.dcm",
    "examples_overlay.dcm",
    "examples_palette.dcm",
    "examples_rgb_color.dcm",
    "examples_ybr_color.dcm",
    "JPEG2000.dcm",
    "liver_1frame.dcm",
    "reportsi.dcm",
    "rtdose.dcm",
    "rtplan.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "SC_rgb_rle_2frame.dcm",
    "test-SR.dcm",
    "waveform_ecg.dcm",
)


def selection() -> list[Path]:
    """Some of pydicom's files: series of CT, MR and CR, ultrasound of 30 frames, a segmentation, dose, plan, reports,
    an ECG, compressed and not; each instance once."""
    folders = ("77654033", "98892001", "98892003")
    series = [
        path for name in folders for path in sorted((_FILES / "dicomdirtests" / name).rglob("*")) if path.is_file()
    ]
    return [_FILES / name for name in _NAMES] + series


def dicom_json(file: Dataset, bulk_uri: Callable[[str, str, bytes], str] | None = None) -> Json:
    """A dataset as DICOM JSON.

    Parameters
    ----------
    file : pydicom.Dataset
    bulk_uri : callable, optional
        Gets tag, VR and value of each binary value above 1,024 bytes, and gives its BulkDataURI. None: all values are
        inline. Pixel data is for the caller: it is left out.
    """

    def uri(element: Any) -> str:
        assert bulk_uri is not None
        tag = f"{element.tag:08X}"
        return "" if tag in _PIXELS else bulk_uri(tag, str(element.VR), element.value)

    with warnings.catch_warnings():  # values that break the rules of their VR go out as they are
        warnings.simplefilter("ignore")
        if bulk_uri is None:
            item = file.to_json_dict()
        else:
            item = file.to_json_dict(bulk_data_threshold=BULK_ABOVE, bulk_data_element_handler=uri)
    return {tag: element for tag, element in item.items() if tag not in _PIXELS}


def read(path: Path, *, pixels: bool = True) -> Dataset:
    """The dataset of a DICOM file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dcmread(path, stop_before_pixels=not pixels)


@dataclass(frozen=True, slots=True)
class Entity:
    """A study, a series or an instance: its attributes, and the instances it is made of."""

    attributes: Json
    instances: Sequence[Json]

    def uid(self, tag: str) -> str:
        return uid(self.attributes, tag)


class Archive:
    """Looks for entities among instances, in the order these were given in."""

    def __init__(self, instances: Iterable[Json]) -> None:
        self.instances_json = list(instances)

    def studies(self, study: str | None = None) -> list[Entity]:
        """All studies, or the one."""
        return [
            Entity({**_common(members, SERIES, INSTANCE), **_counted(members, study=True)}, members)
            for members in self._grouped((STUDY,), study, None)
        ]

    def series(self, study: str | None = None, series: str | None = None) -> list[Entity]:
        """All series, of all studies or of one, or the one."""
        return [
            Entity({**_common(members, INSTANCE), **_counted(members, study=False)}, members)
            for members in self._grouped((STUDY, SERIES), study, series)
        ]

    def instances(self, study: str | None = None, series: str | None = None) -> list[Entity]:
        """All instances, of a study, of a series."""
        return [Entity(item, [item]) for item in self.instances_json if _within(item, study, series)]

    def _grouped(self, by: tuple[str, ...], study: str | None, series: str | None) -> list[list[Json]]:
        groups: dict[tuple[str, ...], list[Json]] = {}
        for item in self.instances_json:
            if _within(item, study, series):
                groups.setdefault(tuple(uid(item, tag) for tag in by), []).append(item)
        return list(groups.values())


def uid(item: Json, tag: str) -> str:
    """The first value of an attribute, as text; empty where there is none."""
    values = item.get(tag, {}).get("Value") or [""]
    return str(values[0])


def _within(item: Json, study: str | None, series: str | None) -> bool:
    return study in (None, uid(item, STUDY)) and series in (None, uid(item, SERIES))


def _common(members: Sequence[Json], *without: str) -> Json:
    first = members[0]
    same = {tag: element for tag, element in first.items() if all(item.get(tag) == element for item in members)}
    return {tag: element for tag, element in same.items() if tag not in without}


def _counted(members: Sequence[Json], *, study: bool) -> Json:
    if not study:
        return {"00201209": {"vr": "IS", "Value": [len(members)]}}
    counted: Json = {
        "00201206": {"vr": "IS", "Value": [len({uid(item, SERIES) for item in members})]},
        "00201208": {"vr": "IS", "Value": [len(members)]},
    }
    for tag, vr, of in (("00080061", "CS", "00080060"), ("00080062", "UI", "00080016")):
        values = dict.fromkeys(uid(item, of) for item in members if uid(item, of))
        counted[tag] = {"vr": vr, "Value": list(values)} if values else {"vr": vr}
    return counted
