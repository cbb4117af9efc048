"""get_many: what get gives for each, made when it is looked at; fields as arrays, without making any."""

from __future__ import annotations

import pickle
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.module_check import bundled

import metalith
from metalith import modules
from metalith.errors import MetalithError
from metalith.modules import ImagePlane
from metalith.providers import NULL, Answers, MetadataProviders

ROOT = "wadors:https://host/studies/1/series/1.2/instances"
TYPES = ("imagePlaneModule", "generalSeriesModule", "sopCommonModule", "imagePixelModule", "PixelMeasures", "Rows")
NO_FIELD = "no such field"


def slice_(n, **more):
    """One slice of a CT series, or another of these attributes."""
    made = {
        "StudyInstanceUID": "1", "SeriesInstanceUID": "1.2", "SOPInstanceUID": f"1.2.{n}", "Modality": "CT",
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "Rows": 4, "Columns": 6, "PixelSpacing": (0.5, 0.25),
        "ImageOrientationPatient": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), "ImagePositionPatient": (1.5, -2.25, n / 4),
        "SliceLocation": n / 4, "FrameOfReferenceUID": "1.9", "SliceThickness": 2.0,
    } | more  # fmt: skip
    return {keyword: value for keyword, value in made.items() if value is not ...}


def id_of(n, end=""):
    return f"{ROOT}/1.2.{n}{end}"


def filled(*datasets):
    store = metalith.MetadataStore()
    for one in datasets:
        store.add_instances(one)
    return store


def asking(store, **how):
    metadata = MetadataProviders()
    metadata.add_provider(store, **how)
    return metadata


def living(cls=ImagePlane):
    """How many objects of a class there are, give or take what else names it."""
    return sys.getrefcount(cls)


def field_of(answers, name):
    try:
        return getattr(answers, name)
    except AttributeError:
        return NO_FIELD


def assert_alike(metadata, type, ids):
    """The same answers and fields as by asking for each."""
    try:
        expected = Answers([metadata.get(type, one) for one in ids])
    except MetalithError as error:
        with pytest.raises(error.__class__):
            metadata.get_many(type, ids)
        return
    names = modules.TYPES[type].fields + ("normal",) if type in modules.TYPES else ()
    for name in names:
        one, other = field_of(metadata.get_many(type, ids), name), field_of(expected, name)
        assert (one is NO_FIELD) == (other is NO_FIELD), name
        if one is not NO_FIELD:
            assert (one.dtype, one.shape) == (other.dtype, other.shape), name
            if one.dtype == object:
                assert one.tolist() == other.tolist(), name
            else:
                assert one.tobytes() == other.tobytes(), name
            assert one.flags.writeable
    assert metadata.get_many(type, ids) == expected
    assert [metadata.get_many(type, ids)[i] for i in range(len(ids))] == expected


# Additions to a series that take its slices another way, or make fields of another kind.
UNUSUAL = {
    "nothing": {},
    "no position": {"ImagePositionPatient": ...},
    "no spacing": {"PixelSpacing": ...},
    "no rows": {"Rows": ...},
    "nothing at all": dict.fromkeys(
        ("Rows", "Columns", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient"), ...
    ),
    "spacing of nothing": {"PixelSpacing": (0.0, 0.5)},
    "one spacing": {"PixelSpacing": 0.5},
    "empty spacing": {"PixelSpacing": None},
    "imager spacing": {"PixelSpacing": ..., "ImagerPixelSpacing": (0.1, 0.1)},
    "a radiograph": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1"},
    "a long position": {"ImagePositionPatient": (1.0, 2.0, 3.0, 4.0)},
    "position not finite": {"ImagePositionPatient": (1.0, 2.0, float("inf"))},
    "two rows": {"Rows": (4, 5)},
    "location of several": {"SliceLocation": (1.0, 2.0)},
    "empty location": {"SliceLocation": None},
    "frames": {"NumberOfFrames": 3},
    "one frame": {"NumberOfFrames": 1},
    "a grid": {"NumberOfFrames": 3, "GridFrameOffsetVector": (0.0, 1.0, 2.0)},
    "a grid of one": {"GridFrameOffsetVector": 1.0},
    "a detector": {"ImagePositionPatient": ..., "ImageType": ("ORIGINAL", "PRIMARY", "RECON TOMO"),
                   "DetectorInformationSequence": ({"ImagePositionPatient": (7.0, 8.0, 9.0)},)},
    "frames of groups": {
        "NumberOfFrames": 2, "PixelSpacing": ..., "ImagePositionPatient": ...,
        "SharedFunctionalGroupsSequence": ({"PixelMeasuresSequence": ({"PixelSpacing": (2.0, 3.0)},)},),
        "PerFrameFunctionalGroupsSequence": tuple(
            {"PlanePositionSequence": ({"ImagePositionPatient": (1.0, 2.0, float(n))},)} for n in range(2)
        ),
    },
    "groups without positions": {
        "NumberOfFrames": 2,
        "PerFrameFunctionalGroupsSequence": ({"PixelMeasuresSequence": ({"PixelSpacing": (2, 3)},)},),
    },
}  # fmt: skip


@pytest.mark.parametrize("end", ["", "/frames/1", "/frames/2"])
@pytest.mark.parametrize("apart", [True, False], ids=["several tables", "one table"])
@pytest.mark.parametrize("unusual", UNUSUAL)
def test_unusual_slices(unusual, apart, end):
    sent = [slice_(n, **(UNUSUAL[unusual] if n in (2, 4) else {})) for n in range(6)]
    metadata = asking(filled(*sent) if apart else filled(sent))
    for type in ("imagePlaneModule", "sopCommonModule", "PixelMeasures"):
        assert_alike(metadata, type, [id_of(n, end if n in (2, 4) else "") for n in range(6)])
        assert_alike(metadata, type, [id_of(n, end) for n in (4, 2)])


@pytest.mark.parametrize("type", TYPES)
def test_ids_of_every_kind(type):
    metadata = asking(filled([slice_(n) for n in range(4)]))
    ids = [
        id_of(0), id_of(1, "/frames/1"), "web:unknown", None, 7, id_of(9), id_of(2), id_of(2, "?a=1#b"), "",
        "wadouri:https://host/a?objectUID=1.2.3&frame=1", id_of("%33"), "wadors:/instances/1.2.1", "\ud800",
    ]  # fmt: skip
    for some in (ids, ids[:2], ids[2:6], ids[6:], [], [id_of(3)] * 3):
        assert_alike(metadata, type, some)


def test_real_files():
    """Everything that pydicom brings, in one store."""
    store, ids = metalith.MetadataStore(), []
    for name, dataset in bundled():
        instance = metalith.naturalize_dataset(dataset)
        uids = [instance.get(level) for level in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")]
        if all(isinstance(uid, str) for uid in uids) and name != "DICOMDIR":
            store.add_instances(instance)
            ids.append("wadors:https://host/studies/{}/series/{}/instances/{}".format(*uids))
    assert len(ids) > 30
    for type in modules.TYPES:
        assert_alike(asking(store), type, ids)
        assert_alike(asking(store), type, [f"{one}/frames/1" for one in ids])


NUMBERS = st.sampled_from([0.0, 0.5, 1.0, -3.25, 1e300, 7.125, 0.1, float("nan")])
VALUES = {
    "ImagePositionPatient": st.one_of(st.tuples(NUMBERS, NUMBERS, NUMBERS), st.just(...), st.none()),
    "PixelSpacing": st.one_of(st.tuples(NUMBERS, NUMBERS), st.just(...), st.just((0.5, 0.5))),
    "Rows": st.sampled_from([1, 4, 4, 4, ..., None]),
    "SliceLocation": st.one_of(NUMBERS, st.just(...)),
    "FrameOfReferenceUID": st.sampled_from(["1.9", "1.8", "", ...]),
    "SOPClassUID": st.sampled_from([f"1.2.840.10008.5.1.4.1.1.{n}" for n in "241"]),
}  # fmt: skip


@given(st.lists(st.fixed_dictionaries({}, optional=VALUES), min_size=1, max_size=6), st.booleans(), st.data())
@settings(max_examples=150, deadline=None)
def test_any_series(changes, apart, data):
    sent = [slice_(n, **more) for n, more in enumerate(changes)]
    metadata = asking(filled(*sent) if apart else filled(sent))
    numbers = data.draw(st.lists(st.integers(0, len(sent)), max_size=8))
    ids = [id_of(n, data.draw(st.sampled_from(["", "/frames/1"]))) for n in numbers]
    assert_alike(metadata, "imagePlaneModule", ids)
    assert_alike(metadata, "sopCommonModule", ids)


NUMBER = st.integers(0, 5)
STEPS = st.one_of(
    st.tuples(st.just("add"), st.lists(NUMBER, min_size=1, max_size=6), st.sampled_from(["replace", "keep"])),
    st.tuples(st.just("undone"), st.lists(NUMBER, min_size=1, max_size=6), st.sampled_from(["replace", "keep"])),
    st.tuples(st.just("remove"), NUMBER, st.none()),
    st.tuples(st.just("clear"), st.none(), st.none()),
)


def add_and_fail(store, datasets, how):
    with store.transaction():
        store.add_instances(datasets, on_duplicate=how)
        raise ZeroDivisionError


@given(st.lists(STEPS, max_size=12))
@settings(max_examples=200, deadline=None)
def test_whatever_became_of_a_series(steps):
    """Rows that were replaced, removed, or never became the store's are not what is found, in whatever order."""
    store = metalith.MetadataStore()
    metadata, ids = asking(store), [id_of(n) for n in range(6)]
    for version, (step, what, how) in enumerate(steps, 1):
        if step == "add":
            store.add_instances([slice_(n, Rows=version, Columns=i + 1) for i, n in enumerate(what)], on_duplicate=how)
        elif step == "undone":
            with pytest.raises(ZeroDivisionError):
                add_and_fail(store, [slice_(n, Rows=version) for n in what], how)
        elif step == "remove":
            store.remove_instance(f"1.2.{what}")
        else:
            store.remove_study("1")
        for some in (ids, ids[::-1], [id_of(n, "/frames/1") for n in (0, 1, 1, 2, 5, 4, 5)]):
            assert metadata.get_many("imagePlaneModule", some) == [
                metadata.get("imagePlaneModule", one) for one in some
            ]


def test_of_a_store_that_was_saved(tmp_path):
    store = filled([slice_(n) for n in range(5)], slice_(2, Rows=9), [slice_(n, Columns=3) for n in (3, 7)])
    store.remove_instance("1.2.0")
    store.save(tmp_path / "store")
    opened = asking(metalith.MetadataStore.open(tmp_path / "store"))
    ids = [id_of(n) for n in (0, 1, 2, 3, 4, 7)]
    assert opened.get_many("imagePlaneModule", ids) == asking(store).get_many("imagePlaneModule", ids)
    assert [one and (one.rows, one.columns) for one in opened.get_many("imagePlaneModule", ids)] == [
        None, (4, 6), (9, 6), (4, 3), (4, 6), (4, 3),
    ]  # fmt: skip


class TestMakingNone:
    COUNT = 500

    @pytest.fixture
    def metadata(self):
        return asking(filled([slice_(n) for n in range(self.COUNT)]))

    @pytest.mark.parametrize("end", ["", "/frames/1"])
    def test_fields_make_no_modules(self, metadata, end):
        ids = [id_of(n, end) for n in range(self.COUNT)]
        metadata.get("imagePlaneModule", ids[0])
        before = living()
        planes = metadata.get_many("imagePlaneModule", ids)
        assert planes.rows.tolist() == [4] * self.COUNT
        assert planes.image_position_patient.tolist() == [[1.5, -2.25, n / 4] for n in range(self.COUNT)]
        assert planes.pixel_spacing.tolist() == [[0.5, 0.25]] * self.COUNT
        assert planes.row_cosines.tolist() == [[1, 0, 0]] * self.COUNT
        assert planes.slice_location.tolist() == [n / 4 for n in range(self.COUNT)]
        assert planes.frame_of_reference_uid.tolist() == ["1.9"] * self.COUNT
        assert living() == before
        assert planes[3] is planes[3]
        assert planes[-1].slice_location == (self.COUNT - 1) / 4
        assert living() == before + 2
        assert len(list(planes)) == self.COUNT
        assert living() == before + self.COUNT
        del planes
        assert living() == before

    def test_an_array_is_the_callers(self, metadata):
        ids = [id_of(n) for n in range(3)]
        planes = metadata.get_many("imagePlaneModule", ids)
        planes.pixel_spacing[:] = 7
        planes.rows[:] = 7
        assert planes.pixel_spacing[0].tolist() == [0.5, 0.25]
        assert planes.rows[0] == planes[0].rows == 4

    def test_missing_ones_are_not_numbers(self, metadata):
        planes = metadata.get_many("imagePlaneModule", [id_of(1), "web:unknown"])
        assert planes.rows.tolist()[0] == 4
        assert np.isnan(planes.rows[1])
        assert np.isnan(planes.pixel_spacing[1]).all()
        assert planes[1] is None

    def test_what_it_was(self, metadata):
        store = metadata.providers[0]
        ids = [id_of(n) for n in range(4)]
        planes = metadata.get_many("imagePlaneModule", ids)
        store.add_instances(slice_(0, Rows=9))
        store.remove_instance("1.2.1")
        assert planes.rows.tolist() == [4] * 4
        assert planes[0].rows == planes[1].rows == 4
        now = metadata.get_many("imagePlaneModule", ids)
        assert [one and one.rows for one in now] == [9, None, 4, 4]
        store.remove_study("1")
        assert metadata.get_many("imagePlaneModule", ids) == [None] * 4
        assert planes[3].slice_location == 0.75


class TestSequence:
    @pytest.fixture
    def planes(self):
        return asking(filled([slice_(n) for n in range(4)])).get_many("imagePlaneModule", [id_of(n) for n in range(4)])

    def test_as_a_list(self, planes):
        plain = planes.tolist()
        assert planes == plain
        assert planes == tuple(plain)
        assert planes == Answers(plain)
        assert planes != plain[:-1]
        assert planes != "abcd"
        assert (len(planes), planes[1:3], planes[-1]) == (4, plain[1:3], plain[3])
        assert plain[2] in planes
        assert planes.index(plain[2]) == 2
        assert [*reversed(planes)] == plain[::-1]
        assert pickle.loads(pickle.dumps(planes)) == planes
        assert repr(planes) == "<Answers: 4>"
        with pytest.raises(IndexError):
            planes[4]
        with pytest.raises(TypeError):
            hash(planes)

    def test_unknown_fields(self, planes):
        for name in ("no_such_field", "_rows", "__array__"):
            with pytest.raises(AttributeError):
                getattr(planes, name)

    def test_texts_of_one_length(self):
        store = filled([slice_(n, ImageType=("ORIGINAL", "PRIMARY")) for n in range(3)])
        found = asking(store).get_many("generalImageModule", [id_of(n) for n in range(3)])
        assert found.image_type.tolist() == [("ORIGINAL", "PRIMARY")] * 3
        assert Answers(found.tolist()).image_type.tolist() == [("ORIGINAL", "PRIMARY")] * 3


class TestAmongOthers:
    """Who is asked, and before whom, is as by asking for each."""

    @pytest.fixture
    def store(self):
        return filled([slice_(n) for n in range(5)])

    IDS = (*(id_of(n, "/frames/1") for n in range(5)), "web:1", "web:2")

    @pytest.mark.parametrize("cache", [True, False])
    def test_higher_and_lower(self, store, cache):
        metadata, asked = asking(store, cache=cache), []

        def above(type, image_id):
            asked.append(image_id)
            return {self.IDS[1]: "mine", self.IDS[2]: NULL}.get(image_id)

        assert metadata.get_many("imagePlaneModule", self.IDS)[1].rows == 4
        metadata.add_provider(above, 5)
        found = metadata.get_many("imagePlaneModule", self.IDS)
        assert asked == list(self.IDS)
        assert (found[0].rows, found[1], found[2], found[3].rows, found[5]) == (4, "mine", None, 4, None)
        metadata.remove_provider(above)
        metadata.add_provider(lambda type, image_id: "below" if image_id == "web:2" else None, -5, cache=cache)
        found = metadata.get_many("imagePlaneModule", self.IDS)
        assert (found[1].rows, found[5], found[6]) == (4, None, "below")
        assert found == [metadata.get("imagePlaneModule", one) for one in self.IDS]

    def test_middleware(self, store):
        metadata = asking(store)
        metadata.add_typed_provider("imagePlaneModule", lambda next, query, data, options: "below")
        assert metadata.get_many("imagePlaneModule", self.IDS)[5] == "below"
        assert metadata.get_many("imagePlaneModule", self.IDS[:2]).rows.tolist() == [4, 4]

    def test_kept_and_changed(self, store):
        metadata = MetadataProviders()
        store.provide(metadata)
        planes = metadata.get_many("imagePlaneModule", self.IDS[:5])
        assert planes.rows.tolist() == [4] * 5
        assert metadata.get("imagePlaneModule", self.IDS[0]).rows == 4
        store.add_instances(slice_(0, Rows=8))
        assert metadata.get("imagePlaneModule", self.IDS[0]).rows == 8
        assert metadata.get_many("imagePlaneModule", self.IDS[:5]).rows.tolist() == [8, 4, 4, 4, 4]
        store.remove_series("1.2")
        assert metadata.get_many("imagePlaneModule", self.IDS[:5]) == [None] * 5

    def test_an_error_of_one(self, store):
        """One frame that is not there is one image's error."""
        ids = [id_of(0), id_of(1, "/frames/9"), id_of(2)]
        with pytest.raises(MetalithError, match="no frame 9"):
            asking(store).get_many("imagePlaneModule", ids)
        metadata = asking(store, on_error="next")
        assert [one and one.rows for one in metadata.get_many("imagePlaneModule", ids)] == [4, None, 4]

    def test_profiled(self, store):
        metadata = asking(store)
        with metadata.profile() as prof:
            metadata.get_many("imagePlaneModule", self.IDS)
        assert [(row.calls, row.answers, row.misses) for row in prof.rows] == [(1, 5, 2)]

    def test_a_provider_that_gives_none(self, store):
        class Careful:
            def __init__(self):
                self.asked = []

            def get(self, type, image_id):
                self.asked.append(image_id)
                return store.get(type, image_id)

            def get_lazily(self, type, image_ids):
                return None

        careful = Careful()
        assert asking(careful).get_many("imagePlaneModule", self.IDS).rows.tolist()[:5] == [4] * 5
        assert careful.asked == list(self.IDS)


def test_frames_of_one_object():
    n = 40
    groups = [{"PlanePositionSequence": ({"ImagePositionPatient": (1.0, 2.0, float(k))},)} for k in range(n)]
    groups[7] = {"PixelMeasuresSequence": ({"PixelSpacing": (9.0, 9.0)},)}
    groups[8] = {"PlanePositionSequence": ({"ImagePositionPatient": None},)}
    shared = {"PixelMeasuresSequence": ({"PixelSpacing": (0.5, 0.5), "SliceThickness": 3.0},)}
    shared["PlaneOrientationSequence"] = ({"ImageOrientationPatient": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)},)
    enhanced = slice_(
        1, NumberOfFrames=n, PixelSpacing=..., ImageOrientationPatient=..., SharedFunctionalGroupsSequence=(shared,),
        PerFrameFunctionalGroupsSequence=tuple(groups),
    )  # fmt: skip
    metadata = asking(filled(enhanced))
    ids = [id_of(1, f"/frames/{k}") for k in range(1, n + 1)]
    for type in ("imagePlaneModule", "PixelMeasures", "generalSeriesModule"):
        assert_alike(metadata, type, ids)
        assert_alike(metadata, type, [*ids[::-1], id_of(1)])
    planes = metadata.get_many("imagePlaneModule", ids)
    assert planes.slice_thickness.tolist()[:2] == [3.0, 3.0]
    assert planes.pixel_spacing[6:8].tolist() == [[0.5, 0.5], [9.0, 9.0]]


def test_threads():
    """Each answer is of one state of the series, whatever comes and goes meanwhile."""
    store, stop, wrong = filled([slice_(n) for n in range(20)]), threading.Event(), []
    metadata = asking(store)
    ids = [id_of(n, "/frames/1") for n in range(20)]

    def look():
        while not stop.is_set():
            planes = metadata.get_many("imagePlaneModule", ids)
            rows = [one and one.rows for one in planes]
            if not {*rows} <= {4, 9, None} or any(one and one.columns != one.rows + 2 for one in planes):
                wrong.append(rows)
            if any(rows):
                array = planes.columns
                wrong.extend([array] if [c for c in array.tolist() if c == c] != [r + 2 for r in rows if r] else [])

    def change():
        for turn in range(60):
            store.add_instances([slice_(n, Rows=9, Columns=11) for n in range(turn % 20)] or [slice_(0)])
            if turn % 5 == 0:
                store.remove_study("1")
            store.add_instances([slice_(n) for n in range(20)])
            time.sleep(0)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for one in threads:
        one.start()
    change()
    stop.set()
    for one in threads:
        one.join()
    assert wrong == []
