"""What a source of one's own may yield, and what becomes of what it should not."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file

import metalith
from metalith import DataSource
from metalith.errors import StoreError
from metalith.sources.given import Ingest

STUDY = "1.2"


def instance(series="1.2.1", number=1, **more):
    return {"SeriesInstanceUID": series, "SOPInstanceUID": f"{series}.{number}", **more}


def source_of(data):
    return DataSource.create("odd", retrieve={"series": {"metadata": lambda _: data() if callable(data) else data}})


def loaded(data):
    source = source_of(data)
    series = source.retrieve.series.metadata(STUDY, on_error="raise").wait()
    return source, {one.series_instance_uid: len(one) for one in series}


def refused(data):
    source = source_of(data)
    loading = source.retrieve.series.metadata(STUDY)
    loading.wait()
    (failure,) = loading.failures
    assert isinstance(failure.error, StoreError), failure.error
    return source, str(failure.error)


def only(source):
    (found,) = source.metadata_store.study(STUDY).series[0].instances
    return found


# ---- what may be yielded ----


@pytest.mark.parametrize("nothing", [None, (), [None, None], {}.values(), [[], [[]]]])
def test_nothing_is_nothing(nothing):
    source, found = loaded(lambda: nothing)
    assert found == {}
    assert not len(source.metadata_store)


def test_lists_generators_and_single_mappings():
    assert loaded(instance())[1] == {"1.2.1": 1}
    assert loaded([[instance(number=n)] for n in range(3)])[1] == {"1.2.1": 3}
    assert loaded(lambda: ((instance(f"1.2.{s}", n) for n in range(4)) for s in range(3)))[1] == dict.fromkeys(
        ("1.2.0", "1.2.1", "1.2.2"), 4
    )
    path = get_testdata_file("CT_small.dcm")
    assert list(loaded(Path(path))[1].values()) == [1]
    with open(path, "rb") as file:
        assert list(loaded(lambda: [file])[1].values()) == [1]


def test_forms_may_be_mixed_in_any_order():
    forms = [
        instance("1.2.1", 1),
        metalith.denaturalize({**instance("1.2.1", 2), "StudyInstanceUID": STUDY}),
        metalith.naturalize_dataset(metalith.dumps({**instance("1.2.1", 3), "StudyInstanceUID": STUDY})),
        {**instance("1.2.1", 4), "image_id": "web:4", "colour": "red"},
        metalith.dumps([{**instance("1.2.1", 5), "StudyInstanceUID": STUDY}]),
        {"00080018": {"Value": ["1.2.1.6"]}, "0020000E": {"Value": ["1.2.1"]}, "image_id": "web:6"},
        {"0020000e": "1.2.1", 0x00080018: "1.2.1.7", "(0028,0010)": 7},
    ]
    for order in itertools.islice(itertools.permutations(forms), 0, 5040, 240):
        source, found = loaded(list(order))
        assert found == {"1.2.1": 7}
        assert {one.StudyInstanceUID for one in source.metadata_store.series("1.2.1")} == {STUDY}
        assert source.metadata_store.instance_by_image_id("web:6").SOPInstanceUID == "1.2.1.6"
        assert source.metadata_store.instance("1.2.1.7").Rows == 7


def test_values_of_other_libraries():
    from pydicom.valuerep import DSfloat, PersonName

    given = instance(
        Rows=np.uint16(512),
        PixelSpacing=np.array([0.5, 0.25]),
        ImagePositionPatient=(np.float32(1), 2, DSfloat("3.5")),
        StudyDate=dt.date(2020, 1, 2),
        StudyTime=dt.time(3, 4, 5),
        SeriesDate=dt.datetime(2020, 1, 2, 3),
        SeriesTime=dt.datetime(2020, 1, 2, 3, 4, 5, 600),
        AcquisitionDateTime=dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=dt.timezone(dt.timedelta(hours=2))),
        PatientName=PersonName("Doe^Jane"),
        OtherPatientNames=["A^B", metalith.PersonName("C^D")],
        PixelData=b"\x01\x02",
        Modality=np.str_("CT"),
        RequestAttributesSequence=[{"ScheduledProcedureStepStartDate": dt.date(2021, 1, 1)}],
    )
    given["00291010"] = {"vr": "LO", "Value": ["private"]}
    source, _ = loaded(given)
    found = only(source)
    assert (found.Rows, found.PixelSpacing, found.ImagePositionPatient) == (512, (0.5, 0.25), (1.0, 2.0, 3.5))
    assert (found.StudyDate, found.StudyTime, found.SeriesDate) == ("20200102", "030405.000000", "20200102")
    assert (found.SeriesTime, found.AcquisitionDateTime) == ("030405.000600", "20200102030405.000000+0200")
    assert (found.PatientName, found.OtherPatientNames) == ("Doe^Jane", ("A^B", "C^D"))
    assert (found.PixelData, found.Modality, found["00291010"]) == (b"\x01\x02", "CT", "private")
    assert found.RequestAttributesSequence[0].ScheduledProcedureStepStartDate == "20210101"


@pytest.mark.parametrize("empty", [None, "", [], " "])
def test_uids_that_are_there_but_empty_are_made(empty):
    source, found = loaded(
        {"StudyInstanceUID": empty, "SeriesInstanceUID": empty, "SOPInstanceUID": empty, "image_id": "web:1"}
    )
    assert list(found.values()) == [1]
    assert all(part.isdecimal() for part in only(source).SOPInstanceUID.split("."))


def test_many_thousands_are_a_series_in_one_piece_and_of_one_event_each_batch():
    source = source_of(lambda: (instance(number=n, InstanceNumber=n) for n in range(3000)))
    (series,) = source.retrieve.series.metadata(STUDY)
    assert len(series) == 3000
    assert series.column("InstanceNumber").tolist() == list(range(3000))


def test_series_that_alternate_are_given_once():
    def rows():
        for n in range(1, 2001):
            yield instance(f"1.2.{n % 2}", n)

    loading = source_of(rows).retrieve.series.metadata(STUDY)
    assert {series.series_instance_uid: len(series) for series in loading} == {"1.2.0": 1000, "1.2.1": 1000}
    assert loading.progress.loaded == 2


def test_series_of_other_stores_are_put_into_this_one():
    other = metalith.MetadataStore()
    other.add_instances([{**instance(number=n), "StudyInstanceUID": STUDY} for n in range(3)])
    source, found = loaded(lambda: list(other.study(STUDY)))
    assert found == {"1.2.1": 3}
    assert source.metadata_store.series("1.2.1") is not other.series("1.2.1")


def test_one_instance_in_two_series_is_in_the_last_one():
    source, _ = loaded(
        [{**instance("1.2.1", 1), "SOPInstanceUID": "9"}, {**instance("1.2.2", 1), "SOPInstanceUID": "9"}]
    )
    assert source.metadata_store.instance("9").SeriesInstanceUID == "1.2.2"
    assert len(source.metadata_store) == 1


def test_of_an_image_id_that_comes_twice_the_last_one_counts():
    source, _ = loaded([instance(number=n, image_id="web:1", colour=n) for n in (1, 2)])
    assert source.metadata_store.instance_by_image_id("web:1").SOPInstanceUID == "1.2.1.2"
    assert source.get("colour", "web:1") == 2
    source, found = loaded([{"image_id": "web:1", "Rows": rows} for rows in (1, 2)])
    assert list(found.values()) == [1]
    assert only(source).Rows == 2


def test_what_an_instance_had_besides_goes_when_it_comes_without():
    yields = [[instance(image_id="web:1", colour="red")], [instance(image_id="web:1")]]
    source = source_of(lambda: yields.pop(0))
    source.retrieve.series.metadata(STUDY).wait()
    assert source.get("colour", "web:1") == "red"
    source.retrieve.series.metadata(STUDY).wait()
    assert source.get("colour", "web:1") is None


# ---- what may not ----


class Hostile(dict):
    def items(self):
        raise RuntimeError("DOE^JOHN")


LOOP = {"SeriesInstanceUID": "1.2.1", "SOPInstanceUID": "1"}
LOOP["RequestAttributesSequence"] = [LOOP]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (5, "int"),
        (3.5, "float"),
        (object(), "object"),
        (True, "bool"),
        ({"Rows": 5}, "SOPInstanceUID or an image_id"),
        ({}, "SOPInstanceUID or an image_id"),
        ({"image_id": 5}, "SOPInstanceUID or an image_id"),
        (instance(Rows=object()), "00280010"),
        (instance(StudyDate=b"secret"), "00080020"),
        ({**instance(), None: 1}, "keyword nor a tag"),
        ({**instance(), (0x28, 0x10): 1}, "keyword nor a tag"),
        ({**instance(), "00291010": "x"}, "00291010"),
        ({**instance(), "00080018": "1.2"}, "SOPInstanceUID: named twice"),
        ({**instance(), "SOPInstanceUID": "1\\2"}, "one value"),
        (instance(RequestAttributesSequence=7), "00400275"),
        (LOOP, "holds itself"),
        ({**instance(), "Rows": {"vr": "US", "Value": object()}}, ""),
    ],
)
def test_the_message_says_which_one_it_was_and_shows_nothing_of_it(bad, said):
    source, message = refused([instance("1.2.8", 1, PatientName="Doe^Jane"), bad])
    assert "'odd' yielded as number 1:" in message
    assert said in message
    assert "Doe" not in message
    assert "secret" not in message
    assert not len(source.metadata_store)  # the series before might have gone on


@pytest.mark.parametrize("text", ["not json", b"\x00\x01nothing", "[{]"])
def test_texts_that_are_no_metadata_are_told_by_the_parser(text):
    loading = source_of([text]).retrieve.series.metadata(STUDY)
    assert loading.wait() == []
    assert len(loading.failures) == 1


@pytest.mark.parametrize("how", ["raises", "yields"])
def test_series_that_were_whole_stay_and_of_the_broken_one_nothing_is_there(how):
    def rows():
        yield from (instance("1.2.1", n, image_id=f"web:1-{n}", colour="red") for n in range(5))
        yield metalith.dumps([{**instance("1.2.2", n), "StudyInstanceUID": STUDY} for n in range(5)])
        yield from (instance("1.2.3", n, image_id=f"web:3-{n}", colour="red") for n in range(1500))
        if how == "raises":
            raise OSError("disk of DOE^JOHN")
        yield 5

    source = source_of(rows)
    told = []
    source.metadata_store.subscribe(metalith.MetadataStore.INSTANCES_ADDED, told.append)
    loading = source.retrieve.series.metadata(STUDY)
    assert {series.series_instance_uid: len(series) for series in loading} == {"1.2.1": 5, "1.2.2": 5}
    (failure,) = loading.failures
    assert "DOE" not in str(failure)
    assert source.metadata_store.series("1.2.3") is None
    assert {event.series_instance_uid for event in told} == {"1.2.1", "1.2.2"}
    assert source.metadata_store.instance_by_image_id("web:3-1") is None
    assert not any(uid.startswith("1.2.3.") for uid in (*source._ingest.image_ids, *source._ingest.extras))
    assert source.get("colour", "web:1-1") == "red"


def test_called_off_half_way_nothing_of_the_series_is_there():
    source = source_of(lambda: (instance(number=n) for n in itertools.count()))
    with source.retrieve.series.metadata(STUDY).start() as loading:
        pass
    assert loading._ended.wait(10)
    assert not len(source.metadata_store)


def test_a_generator_is_closed_when_it_is_not_wanted_any_more():
    closed = threading.Event()

    def rows():
        try:
            for n in itertools.count():
                yield instance(f"1.2.{n}")
        finally:
            closed.set()

    for _ in source_of(rows).retrieve.series.metadata(STUDY):
        break
    assert closed.wait(10)


def test_a_subscriber_of_the_store_that_raises_fails_no_series():
    source = source_of([instance()])

    def fail(_):
        raise ValueError

    source.metadata_store.subscribe(metalith.MetadataStore.INSTANCES_ADDED, fail)
    loading = source.retrieve.series.metadata(STUDY)
    assert len(loading.wait()) == 1
    assert not loading.failures


def test_extras_are_there_when_the_event_comes():
    source = source_of([instance(image_id="web:1", colour="red")])
    seen = []
    source.metadata_store.subscribe(
        metalith.MetadataStore.INSTANCES_ADDED, lambda _: seen.append(source.get("colour", "web:1"))
    )
    source.retrieve.series.metadata(STUDY).wait()
    assert seen == ["red"]


def test_uids_are_made_of_the_source_and_the_image():
    one, two = metalith.MetadataStore(), metalith.MetadataStore()
    names = {}
    for name, store in (("a", one), ("a", two), ("b", one)):
        for series in Ingest(name, store).add({"image_id": "web:1"}):
            names.setdefault(name, set()).add(series.instances[0].SOPInstanceUID)
    assert [len(uids) for uids in names.values()] == [1, 1]
    assert names["a"] != names["b"]
