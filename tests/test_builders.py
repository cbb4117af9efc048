"""Modules made in C: which are, that they are what Python makes to the bit, and that nothing is held or lost."""

from __future__ import annotations

import copy
import gc
import json
import math
import pickle
import struct
import sys
from dataclasses import FrozenInstanceError, dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from models.module_cases import CASES
from models.module_check import bundled
from pydicom.data import get_testdata_file

import metalith
from metalith import _core, modules
from metalith.answers import answer
from metalith.errors import ImageIdError
from metalith.frames import frame_of, number_of_frames
from metalith.image_ids import ImageId
from metalith.modules import ImagePlane, SopCommon
from metalith.modules.base import Module, integer, module, text
from metalith.providers import MetadataProviders

BASE = "wadors:https://host/studies/1/series/2/instances/3"
IDS = (
    BASE,
    f"{BASE}/frames/1",
    f"{BASE}/frames/2",
    "wadouri:https://host/a?objectUID=3&frame=1",
    "dicomfile:3?frame=1",
)
FLAT = (
    "generalSeriesModule",
    "sopCommonModule",
    "patientModule",
    "generalImageModule",
    "PixelMeasures",
    "petSeriesModule",
)
BUILT = ("imagePlaneModule", *FLAT)
BUNDLED = dict(bundled())


def in_python(type, instance, image_id):
    """What Python makes: of the instance, or of a frame where it has frames or one is named."""
    frame = ImageId(image_id).frame
    groups = ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence")
    if frame is None and number_of_frames(instance) < 2 and not any(group in instance for group in groups):
        data = instance
    else:
        data = frame_of(instance, frame or 1)
    return modules.TYPES[type].build(data, image_id=image_id)


def bits(value):
    """A value so that only the very same one is equal."""
    if isinstance(value, Module):
        return type(value), [bits(getattr(value, name)) for name in value.fields]
    if isinstance(value, tuple):
        return type(value), [bits(one) for one in value]
    return (type(value), struct.pack("<d", value) if type(value) is float else value)


def outcome(function, *args):
    try:
        return bits(function(*args))
    except Exception as error:
        return type(error), str(error)


def assert_alike(instance, types=BUILT, ids=IDS):
    for image_id in ids:
        for type in types:
            assert outcome(answer, type, instance, image_id) == outcome(in_python, type, instance, image_id), type


@pytest.mark.parametrize("name", sorted({**BUNDLED, **CASES}))
def test_real_files(name):
    assert_alike(metalith.naturalize_dataset({**BUNDLED, **CASES}[name]), tuple(modules.TYPES))


def test_which_are_made_here():
    ct = metalith.read(get_testdata_file("CT_small.dcm"))
    answers = {type: _core.build_plain(type, ct, IDS[1]) for type in modules.TYPES if modules.TYPES[type]}
    made = {type for type, one in answers.items() if one is not NotImplemented}
    assert made >= set(BUILT)
    assert answers["imagePlaneModule"].rows == 128
    assert _core.build_plain(ImagePlane, ct, IDS[0]) == answers["imagePlaneModule"]
    for odd in ("no such type", "Rows", 3, None, []):
        assert _core.build_plain(odd, ct, IDS[0]) is NotImplemented


NUMBERS = (0, 1, -1, 2.5, 1e300, 1e400, -0.0, 3, "7", " 2.5 ", "", "x", "nan", "inf", None, 2**70, True)
ELEMENT = st.one_of(
    st.lists(st.sampled_from(NUMBERS), max_size=7),
    st.sampled_from([[1.0, 0.0, 0.0, 0.0, 1.0, 0.0], [1.5, 2.5, -3.5], [0.5, 0.25], [0.0, 0.5], [4], ["A", " B "], []]),
)
TAGS = {
    "00080016": "UI", "00200052": "UI", "00280010": "US", "00280011": "US", "00200037": "DS", "00200032": "DS",
    "00201041": "DS", "00280030": "DS", "00180050": "DS", "00180088": "DS", "00181164": "DS", "00182010": "DS",
    "00189404": "FD", "00280008": "IS", "00080060": "CS", "00080008": "CS", "3004000C": "DS", "00209311": "CS",
    "00100010": "PN", "00100020": "LO", "00200013": "IS", "00201002": "IS",
}  # fmt: skip
VRS = st.sampled_from(["DS", "FD", "IS", "US", "LO", "UI", "CS", "UN", "PN", None])


@st.composite
def datasets(draw):
    made = {}
    for tag in draw(st.lists(st.sampled_from(sorted(TAGS)), unique=True)):
        vr = TAGS[tag] if draw(st.integers(0, 5)) else draw(VRS)
        made[tag] = {"Value": draw(ELEMENT)} | ({"vr": vr} if vr else {})
    if not draw(st.integers(0, 3)):
        made["00280030"] = {"vr": "DS", "Value": [0.5, 0.5]}
        made["00080016"] = {
            "vr": "UI",
            "Value": [draw(st.sampled_from([f"1.2.840.10008.5.1.4.1.1.{n}" for n in "12"]))],
        }
    groups = draw(st.integers(0, 9))
    inner = {"00209113": {"vr": "SQ", "Value": [{"00200032": {"vr": "DS", "Value": [1, 2, 3]}}]}}
    if groups < 2:
        made[("52009229", "52009230")[groups]] = {"vr": "SQ", "Value": [inner]}
    elif groups == 2:
        made["00080008"] = {"vr": "CS", "Value": ["ORIGINAL", "PRIMARY", "RECON TOMO"]}
        made["00540022"] = {"vr": "SQ", "Value": [{"00200032": {"vr": "DS", "Value": [1, 2, 3]}}]}
    return made


@given(datasets())
@settings(max_examples=400, deadline=None)
@example({"00280010": {"vr": "US", "Value": [4, 5]}, "00201041": {"vr": "IS", "Value": [3]}})
@example({"00280030": {"vr": "DS", "Value": [0, 0.5]}, "00280010": {"vr": "US", "Value": [1]}})
@example({"00200037": {"vr": "DS", "Value": [1, 0, 0, 0, 1, None]}})
def test_whatever_is_sent(dataset):
    assert_alike(metalith.naturalize_dataset(dataset))


@given(st.lists(datasets(), min_size=2, max_size=5))
@settings(max_examples=60, deadline=None)
def test_rows_of_one_table(sent):
    for instance in metalith.naturalize(json.dumps(sent).encode()):
        assert_alike(instance, ids=IDS[:2])


def test_spelled_otherwise():
    sent = [
        {"0020000d": {"vr": "UI", "Value": ["1"]}, "0018a001": {"vr": "SQ"}},
        {"0020000D": {"vr": "UI", "Value": ["2"]}},
    ]
    for instance in metalith.naturalize(json.dumps(sent).encode()):
        assert_alike(instance, ("generalStudyModule",))
        assert answer("generalStudyModule", instance, BASE).study_instance_uid in ("1", "2")


ODD_IDS = (
    *IDS, f"{BASE}/frames/0", f"{BASE}/Frames/3", f"{BASE}/frames/1-2", "wadouri:https://frame.host/a?frame=3",
    "http://host/a?b=1&frame=12", "wadors:/frames/1", "frame",
)  # fmt: skip


@given(st.text(st.sampled_from("/?&=:#aF1.0 "), max_size=8), st.sampled_from(ODD_IDS), st.integers(0, 60))
@settings(max_examples=500)
def test_frames_in_ids(put, image_id, at):
    changed = image_id[:at] + put + image_id[at:]
    read = _core.frame_in(changed)
    if read >= 0:
        try:
            frame = ImageId(changed).frame if "frame" in changed else None
        except ImageIdError:
            frame = None
        assert (read or None) == frame


@pytest.mark.parametrize(
    ("image_id", "frame"),
    [(BASE, 0), (f"{BASE}/frames/12", 12), ("wadouri:https://host/a?frame=3", 3), (f"{BASE}/frames/1/rendered", -1),
     ("web:ä", -1), ("web:fram", 0), ("", 0)],
)  # fmt: skip
def test_frames_that_are_read_here(image_id, frame):
    assert _core.frame_in(image_id) == frame


def test_made_objects_are_like_any():
    ct = metalith.read(get_testdata_file("CT_small.dcm"))
    made = answer("imagePlaneModule", ct, BASE)
    python = ImagePlane.build(ct)
    assert made == python
    assert hash(made) == hash(python)
    assert pickle.loads(pickle.dumps(made)) == copy.deepcopy(made) == made
    assert repr(made) == repr(python)
    with pytest.raises(FrozenInstanceError):
        made.rows = 3
    # what does not differ is shared
    again = answer("imagePlaneModule", ct, BASE)
    assert again.image_position_patient is made.image_position_patient
    assert again.row_cosines is made.row_cosines


def test_references():
    ct = metalith.read(get_testdata_file("CT_small.dcm"))
    modules.TYPES["generalSeriesModule"]
    shared = (ImagePlane, SopCommon, ct.PixelSpacing, ct.ImagePositionPatient, ct.SOPInstanceUID, ct.SliceThickness)
    answer("imagePlaneModule", ct, BASE), answer("sopCommonModule", ct, BASE)
    gc.collect()
    before = [sys.getrefcount(one) for one in shared]
    for _ in range(200):
        for type in BUILT:
            for image_id in IDS[:2]:
                answer(type, ct, image_id)
    held = [answer("imagePlaneModule", ct, BASE) for _ in range(10)]
    assert sys.getrefcount(ct.PixelSpacing) - 1 == before[2] + 10 - 1
    assert not any(map(gc.is_tracked, held))  # of numbers and texts alone: nothing for the collector
    del held
    gc.collect()
    assert [sys.getrefcount(one) for one in shared] == before


def test_a_converter_that_fails_leaves_nothing():
    def fail(value):
        raise ZeroDivisionError

    @dataclass(frozen=True, slots=True)
    class Odd(Module):
        uid: str | None = None
        rows: int | None = None

    uid = metalith.naturalize_dataset({"SOPInstanceUID": "1.2.3", "Rows": 4})
    builder = _core.Builder(Odd, [("uid", "SOPInstanceUID", "text", None), ("rows", "Rows", "", fail)])
    held, kept = uid.SOPInstanceUID, sys.getrefcount(Odd)
    before = sys.getrefcount(held)
    for _ in range(20):
        with pytest.raises(ZeroDivisionError):
            builder.build(uid)
    gc.collect()
    assert (sys.getrefcount(held), sys.getrefcount(Odd)) == (before, kept)


def test_what_no_builder_is_for():
    @dataclass(frozen=True, slots=True)
    class Slotted(Module):
        rows: int | None = None

    @dataclass(frozen=True)
    class Open(Module):
        rows: int | None = None

    class Below(Slotted):
        __slots__ = ()

    wrong = [(Slotted, "columns", "Rows"), (Open, "rows", "Rows"), (Slotted, "rows", "Row"), (Below, "rows", "Rows")]
    for cls, name, keyword in [*wrong, (int, "real", None)]:
        with pytest.raises(ValueError, match=r"slot|keyword"):
            _core.Builder(cls, [(name, keyword, "integer", int)])
    with pytest.raises(ValueError, match="image plane"):
        _core.PlaneBuilder(Slotted, [("rows", "Rows", "integer", int)], frozenset())
    with pytest.raises(TypeError):
        _core.Builder.__new__(_core.Builder)


def test_another_class_of_the_type():
    ct = metalith.read(get_testdata_file("CT_small.dcm"))
    assert isinstance(answer("sopCommonModule", ct, BASE), SopCommon)
    try:

        @module("sopCommonModule")
        @dataclass(frozen=True, slots=True, repr=False)
        class Mine(Module):
            uid: str | None = field(default=None, metadata=text("SOPInstanceUID"))

            @classmethod
            def build(cls, data, *, image_id=None, calibration=None):
                return cls("built in Python")

        assert answer("sopCommonModule", ct, BASE) == Mine("built in Python")

        @module("sopCommonModule")
        @dataclass(frozen=True, slots=True, repr=False)
        class Flat(Module):
            rows: int | None = field(default=None, metadata=integer("Rows"))

        assert answer("sopCommonModule", ct, BASE) == answer(SopCommon, ct, BASE) == Flat(128)
    finally:
        module("sopCommonModule")(SopCommon)
    assert isinstance(answer("sopCommonModule", ct, BASE), SopCommon)


class TestThroughProviders:
    @pytest.fixture
    def store(self):
        store = metalith.MetadataStore()
        store.add_instances(metalith.read(get_testdata_file("CT_small.dcm")))
        return store

    @pytest.fixture
    def image_id(self):
        ct = metalith.read(get_testdata_file("CT_small.dcm"))
        root = f"wadors:https://host/studies/{ct.StudyInstanceUID}/series/{ct.SeriesInstanceUID}"
        return f"{root}/instances/{ct.SOPInstanceUID}/frames/1"

    def test_calibrations(self, store, image_id):
        metadata = MetadataProviders()
        calibrations = metalith.CalibrationProvider(changed=metadata.invalidate)
        store.provide(metadata, calibrations=calibrations)
        assert metadata.get(ImagePlane, image_id).pixel_spacing_source == "PixelSpacing"
        calibrations.add(image_id, {"rowPixelSpacing": 0.5, "columnPixelSpacing": 0.25})
        assert metadata.get(ImagePlane, image_id).pixel_spacing == (0.5, 0.25)
        assert metadata.get_many(ImagePlane, [image_id]).pixel_spacing.tolist() == [[0.5, 0.25]]
        assert store.get("imagePlaneModule", image_id).pixel_spacing == (0.5, 0.25)
        calibrations.remove(image_id)
        assert metadata.get(ImagePlane, image_id).pixel_spacing_source == "PixelSpacing"

    def test_others_before_it(self, store, image_id):
        metadata = MetadataProviders()
        metadata.add_provider(store)
        asked = []
        metadata.add_provider(lambda type, id: asked.append((type, id)), 1)
        assert metadata.get("imagePlaneModule", image_id).rows == 128
        assert asked == [("imagePlaneModule", image_id)]
        metadata.add_provider(lambda type, id: "mine", 2, types=ImagePlane)
        assert metadata.get("imagePlaneModule", image_id) == "mine"
        assert metadata.get_many("imagePlaneModule", [image_id]) == ["mine"]

    def test_changes(self, store, image_id):
        ct = store.instance_by_image_id(image_id)
        assert store.get("imagePlaneModule", image_id).rows == 128
        store.add_instances(ct.replace(Rows=64))
        assert store.get("imagePlaneModule", image_id).rows == 64
        store.add_instances(ct.replace(NumberOfFrames=2))
        assert store.get("frameModule", image_id).number_of_frames == 2
        store.remove_study(ct.StudyInstanceUID)
        assert store.get("imagePlaneModule", image_id) is None

    def test_odd_questions(self, store, image_id):
        for type, id in (("imagePlaneModule", 3), ("imagePlaneModule", "web:none"), (None, image_id), (3, image_id)):
            assert store.get(type, id) is None
        assert store.get("imagePlaneModule", image_id, 1, 2, x=3).rows == 128
        assert not math.isnan(store.get(ImagePlane, image_id).slice_location)
