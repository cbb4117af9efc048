"""Modules that nobody asked for before: of an image, of all frames of an object; and chains of typed providers.

Beside each stands the same as people write it in plain Python, over natural dicts, and Cornerstone under Node.
"""

import json
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from pydicom import dcmread
from pydicom.data import get_testdata_file

import metalith
from benchmarks import measure, synthetic
from benchmarks.peers import naturalize
from metalith import modules
from metalith.providers import MetadataProviders

FRAMES = 5_000
LOOPS = 2_000
CHAINS = (1, 6, 20)
TYPES = (
    "imagePlaneModule",
    "imagePixelModule",
    "generalSeriesModule",
    "generalImageModule",
    "patientStudyModule",
    "voiLutModule",
    "modalityLutModule",
    "sopCommonModule",
)
_ID = "wadors:https://host/dicom-web/studies/{}/series/{}/instances/{}"


@cache
def image() -> dict:
    """A CT as a server sends it, with a window."""
    dataset = dcmread(get_testdata_file("CT_small.dcm"), stop_before_pixels=True)
    dataset.WindowCenter, dataset.WindowWidth = 40, 400
    return dict(sorted(dataset.to_json_dict().items()))


@cache
def frames() -> dict:
    """An enhanced CT of 5,000 frames."""
    return synthetic.multi_frame(FRAMES)[0]


def id_of(dataset: dict) -> str:
    return _ID.format(*(dataset[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018")))


# -- the same in plain Python -----------------------------------------------------------------------------------------


def plain_plane(d: dict) -> dict:
    """An image plane of a natural dict, as people write it."""
    orientation, spacing = d.get("ImageOrientationPatient"), d.get("PixelSpacing")
    return {
        "frameOfReferenceUID": d.get("FrameOfReferenceUID"),
        "rows": int(d["Rows"]),
        "columns": int(d["Columns"]),
        "imageOrientationPatient": orientation and [float(x) for x in orientation],
        "rowCosines": orientation and [float(x) for x in orientation[:3]],
        "columnCosines": orientation and [float(x) for x in orientation[3:]],
        "imagePositionPatient": [float(x) for x in d.get("ImagePositionPatient") or (0, 0, 0)],
        "sliceThickness": d.get("SliceThickness"),
        "sliceLocation": d.get("SliceLocation"),
        "pixelSpacing": spacing and [float(x) for x in spacing],
    }


def plain_frame(d: dict, frame: int) -> dict:
    """A frame of a natural dict: its groups over the shared ones over the root."""
    combined = dict(d)
    for item in (d["SharedFunctionalGroupsSequence"][0], d["PerFrameFunctionalGroupsSequence"][frame - 1]):
        for group in item.values():
            if isinstance(group, list) and group:
                combined.update(group[0])
    return combined


def plain_typed(length: int) -> Callable[[str], Any]:
    """A chain of functions that call each other."""

    def bound(function: Callable, then: Callable) -> Callable:
        return lambda query, data, options: function(then, query, data, options)

    chain: Callable = lambda query, data, options: {"rows": 512}  # noqa: E731 - the end of the chain
    for _ in range(length - 1):
        chain = bound(lambda then, query, data, options: then(query, data, options), chain)
    return lambda query: chain(query, None, None)


def typed(length: int) -> MetadataProviders:
    """Providers with a typed chain of that length for "typed"."""
    made, answer = MetadataProviders(), {"rows": 512}
    made.add_typed_provider("typed", lambda then, query, data, options: answer, -1)
    for _ in range(length - 1):
        made.add_typed_provider("typed", lambda then, query, data, options: then(query, data, options))
    return made


# -- what is timed ----------------------------------------------------------------------------------------------------


class Timed:
    """LOOPS look-ups: `run()` gives the seconds of all, `right()` says whether one answers what it should."""

    each = LOOPS

    def __init__(self, name: str, one: Callable[[], Any], expected: Callable[[Any], bool]) -> None:
        self.name, self.one, self.expected = name, one, expected

    def run(self) -> float:
        one = self.one
        start = time.perf_counter()
        for _ in range(LOOPS):
            one()
        return time.perf_counter() - start

    def right(self) -> bool:
        return self.expected(self.one())

    def case(self) -> measure.Case:
        return measure.Case(self.name, self.run, own_clock=True)


def of_type(type: str) -> list[Timed]:
    """A module of an instance, and the same asked of a store through providers that keep nothing."""
    instance = metalith.naturalize_dataset(json.dumps(image()))
    store, open_ = metalith.MetadataStore(), MetadataProviders()
    store.add_instances(instance)
    open_.add_provider(store)
    image_id = id_of(image())
    wanted = modules.build(type, dict(instance.items()))  # by another way: from a dict
    cases = [
        Timed("modules.build", lambda: modules.build(type, instance), wanted.__eq__),
        Timed("get, uncached", lambda: open_.get(type, image_id), wanted.__eq__),
    ]
    if type == "imagePlaneModule":
        natural = naturalize(image())
        position = list(wanted.image_position_patient)
        cases.append(
            Timed("plain Python", lambda: plain_plane(natural), lambda it: it["imagePositionPatient"] == position)
        )
    return cases


def position_of(frame: int) -> list[float]:
    """Where a frame of the object lies."""
    item = frames()["52009230"]["Value"][frame - 1]
    return item["00209113"]["Value"][0]["00200032"]["Value"]


class FirstFrames:
    """Image planes of all frames of an object that was just added; `run()` gives the seconds of all."""

    each = FRAMES

    def __init__(self, name: str, many: bool = False) -> None:
        self.name, self.many = name, many
        self.body = json.dumps(frames())
        self.ids = [f"{id_of(frames())}/frames/{n}" for n in range(1, FRAMES + 1)]
        self.answers: list[Any] = []

    def run(self) -> float:
        store, providers = metalith.MetadataStore(), MetadataProviders()
        store.add_instances(metalith.naturalize_dataset(self.body))
        store.provide(providers)
        start = time.perf_counter()
        if self.many:
            self.answers = providers.get_many("imagePlaneModule", self.ids)
        else:
            self.answers = [providers.get("imagePlaneModule", one) for one in self.ids]
        return time.perf_counter() - start

    def right(self) -> bool:
        self.run()
        given = [[*one.image_position_patient] for one in self.answers]
        return given == [position_of(n) for n in range(1, FRAMES + 1)] and self.answers[7].pixel_spacing == (
            0.704,
            0.704,
        )

    def case(self) -> measure.Case:
        return measure.Case(self.name, self.run, own_clock=True)


class PlainFrames(FirstFrames):
    """The same over a natural dict."""

    def run(self) -> float:
        natural = _deep(frames())
        start = time.perf_counter()
        self.answers = [plain_plane(plain_frame(natural, n)) for n in range(1, FRAMES + 1)]
        return time.perf_counter() - start

    def right(self) -> bool:
        self.run()
        return [one["imagePositionPatient"] for one in self.answers] == [position_of(n) for n in range(1, FRAMES + 1)]


def _deep(dataset: dict) -> dict:
    """Natural dicts all the way down."""
    natural = naturalize(dataset)
    for tag, element in dataset.items():
        if element["vr"] == "SQ":
            natural[_keyword(tag)] = [_deep(item) for item in element.get("Value", [])]
    return natural


def _keyword(tag: str) -> str:
    return metalith.keyword_of(int(tag, 16)) or tag


def all_frames() -> list[FirstFrames]:
    return [
        FirstFrames("metalith, get of each"),
        FirstFrames("metalith, get_many", many=True),
        PlainFrames("plain Python"),
    ]


def of_chain(length: int) -> list[Timed]:
    """A look-up through a typed chain."""
    made, plain, image_id = typed(length), plain_typed(length), id_of(image())
    expected = {"rows": 512}.__eq__
    return [
        Timed("metalith", lambda: made.get("typed", image_id), expected),
        Timed("plain Python", lambda: plain(image_id), expected),
    ]
