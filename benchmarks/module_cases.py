"""Image planes of a store, none of them kept: asked for one by one, for many at once, and their fields as arrays.

The series is a CT one of 10,000 slices, pydicom's file with another place each; the object has 5,000 frames. Beside
them stands what Python makes of the instances at hand.
"""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from pydicom.data import get_testdata_file

import metalith
from metalith.frames import frames_of
from metalith.modules import ImagePlane
from metalith.providers import MetadataProviders

SLICES, FRAMES = 10_000, 5_000
TYPE = "imagePlaneModule"
NAMES = {
    "slice": ("get", "get_many", "get_many, three fields", "get_many, every plane", "in Python, from instances"),
    "frame": ("get", "get_many", "get_many, three fields", "in Python, from views"),
}
ROOT = "wadors:https://host.example.org/dicom-web/studies"


def _slices() -> bytes:
    slice_ = metalith.denaturalize(metalith.read(get_testdata_file("CT_small.dcm")))
    made = []
    for n in range(SLICES):
        slice_["00080018"] = {"vr": "UI", "Value": [f"1.2.826.0.1.3680043.2.1143.{10**30 + n}"]}
        slice_["00200013"] = {"vr": "IS", "Value": [n]}
        slice_["00200032"] = {"vr": "DS", "Value": [-158.135803, -179.035797, n * 0.625 - 75.7]}
        slice_["00201041"] = {"vr": "DS", "Value": [n * 0.625 - 77.2]}
        made.append(json.dumps(slice_))
    return f"[{','.join(made)}]".encode()


def _object() -> bytes:
    def sequence(item: dict) -> dict:
        return {"vr": "SQ", "Value": [item]}

    def frame(n: int) -> dict:
        content = {"00209157": {"vr": "UL", "Value": [1, n + 1]}}
        position = {"00200032": {"vr": "DS", "Value": [-158.135803, -179.035797, n * 0.625]}}
        return {"00209111": sequence(content), "00209113": sequence(position)}

    measures = {"00280030": {"vr": "DS", "Value": [0.5, 0.5]}, "00180050": {"vr": "DS", "Value": [0.625]}}
    orientation = {"00200037": {"vr": "DS", "Value": [1, 0, 0, 0, 1, 0]}}
    uids = {"00080016": "1.2.840.10008.5.1.4.1.1.2.1", "00080018": "1.2.9", "0020000D": "1.2", "0020000E": "1.2.3"}
    made: dict[str, Any] = {tag: {"vr": "UI", "Value": [uid]} for tag, uid in uids.items()}
    made |= {tag: {"vr": "US", "Value": [512]} for tag in ("00280010", "00280011")}
    made["00280008"] = {"vr": "IS", "Value": [FRAMES]}
    made["52009229"] = sequence({"00289110": sequence(measures), "00209116": sequence(orientation)})
    made["52009230"] = {"vr": "SQ", "Value": [frame(n) for n in range(FRAMES)]}
    return json.dumps(made).encode()


@lru_cache(maxsize=1)
def held() -> tuple[MetadataProviders, list[str], list[str]]:
    """Providers with a store of both, and the ids of the slices and of the frames."""
    store, made = metalith.MetadataStore(), []
    for body in (_slices(), _object()):
        table = metalith.naturalize(body)
        store.add_instances(table)
        first = table[0]
        root = f"{ROOT}/{first.StudyInstanceUID}/series/{first.SeriesInstanceUID}/instances"
        made.append([f"{root}/{uid}/frames/1" for uid in table.column("SOPInstanceUID").tolist()])
    providers = MetadataProviders()
    providers.add_provider(store)
    frames = [f"{made[1][0].removesuffix('1')}{n}" for n in range(1, FRAMES + 1)]
    return providers, made[0], frames


def fields(planes: Any) -> tuple[Any, ...]:
    return planes.rows, planes.image_position_patient, planes.pixel_spacing


def cases() -> dict[str, dict[str, Callable[[], Any]]]:
    """What is timed, by what it is about: of slices, of frames."""
    providers, slices, frames = held()
    get, many = providers.get, providers.get_many
    instances = [get("naturalized", one) for one in slices]
    views = frames_of(get("naturalized", frames[0]))
    return {
        "slice": {
            "get": lambda: [get(TYPE, one) for one in slices],
            "get_many": lambda: many(TYPE, slices),
            "get_many, three fields": lambda: fields(many(TYPE, slices)),
            "get_many, every plane": lambda: many(TYPE, slices).tolist(),
            "in Python, from instances": lambda: [ImagePlane.build(one) for one in instances],
        },
        "frame": {
            "get": lambda: [get(TYPE, one) for one in frames],
            "get_many": lambda: many(TYPE, frames),
            "get_many, three fields": lambda: fields(many(TYPE, frames)),
            "in Python, from views": lambda: [ImagePlane.build(one) for one in views],
        },
    }


def right(name: str, found: Any, of: str) -> bool:
    """Whether a run gave what Python makes."""
    expected = list(cases()[of]["in Python, from instances" if of == "slice" else "in Python, from views"]())
    if name != "get_many, three fields":
        return list(found) == expected
    wanted = [
        [getattr(one, field) for one in expected] for field in ("rows", "image_position_patient", "pixel_spacing")
    ]
    return all(np.array_equal(array, np.array(values)) for array, values in zip(found, wanted, strict=True))


def count(of: str) -> int:
    return SLICES if of == "slice" else FRAMES
