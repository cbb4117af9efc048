"""Searches as requests: names, values, and the wire of OHIF's, with its gaps closed."""

from __future__ import annotations

import datetime as dt
import doctest
import importlib
import pickle
import pkgutil
from urllib.parse import parse_qsl

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import metalith
from metalith import ConfigurationError
from metalith.sources import query as package
from metalith.sources.query import Query

INCLUDED = "00081030,00080060,00080090,00100030"


def wire(level="study", **params):
    return Query.of(level, **params).parameters()


def asked(level="study", **params):
    """What is asked of attributes, without what every request has."""
    own = {"limit", "offset", "fuzzymatching", "includefield"}
    return {name: value for name, value in wire(level, **params) if name not in own}


def refused(*words, level="study", **params):
    with pytest.raises(ConfigurationError) as caught:
        Query.of(level, **params)
    text = str(caught.value)
    assert all(word in text for word in words), text
    return text


# ---- the wire of study searches ----


def test_the_order_and_names_of_all_parameters():
    query = Query.of(
        "study",
        studyInstanceUid=["1.2", "3.4"],
        startDate="20200101",
        endDate="20200202",
        offset=10,
        limit=5,
        modalitiesInStudy=["CT", "MR"],
        studyDescription="head",
        accessionNumber="A1",
        patientId="1",
        patientName="doe",
        supports_fuzzy_matching=True,
        supports_wildcard=True,
    )
    assert query.parameters() == [
        ("PatientName", "*doe*"),
        ("00100020", "*1*"),
        ("AccessionNumber", "*A1*"),
        ("StudyDescription", "*head*"),
        ("ModalitiesInStudy", "CT,MR"),
        ("limit", "5"),
        ("offset", "10"),
        ("fuzzymatching", "true"),
        ("includefield", INCLUDED),
        ("StudyDate", "20200101-20200202"),
        ("StudyInstanceUID", "1.2\\3.4"),
    ]
    assert query.path == "studies"


def test_the_wire_as_it_was_recorded():
    query = Query.of(
        "study",
        patient_name="doe",
        patient_id="1",
        modalities_in_study=["CT", "MR"],
        limit=5,
        offset=10,
        start_date="20200101",
        end_date="20200202",
        study_instance_uid=["1.2", "3.4"],
        supports_fuzzy_matching=True,
        supports_wildcard=True,
    )
    assert query.query_string() == (
        "PatientName=*doe*&00100020=*1*&ModalitiesInStudy=CT,MR&limit=5&offset=10&fuzzymatching=true"
        "&includefield=00081030,00080060,00080090,00100030&StudyDate=20200101-20200202"
        "&StudyInstanceUID=1.2%5C3.4"
    )


def test_the_least():
    fixed = [("offset", "0"), ("fuzzymatching", "false"), ("includefield", INCLUDED)]
    assert wire() == fixed
    assert wire(default_limit=101) == [("limit", "101"), *fixed]
    assert wire(default_limit=101, limit=7)[0] == ("limit", "7")
    assert wire(default_limit=101, limit=0)[0] == ("limit", "0")
    assert wire(patient_name=None, patient_id="", StudyDate=" ", limit=None, modalities_in_study=[]) == fixed


def test_dates_of_which_one_end_is_given():
    today = f"{dt.date.today():%Y%m%d}"
    assert asked(start_date="20200101") == {"StudyDate": f"20200101-{today}"}
    assert asked(end_date="20200101") == {"StudyDate": "19700102-20200101"}
    assert asked(end_date="19650101") == {"StudyDate": "-19650101"}
    assert asked(start_date="29991231") == {"StudyDate": "29991231-29991231"}
    assert asked(start_date=dt.date(2020, 1, 2), end_date=dt.datetime(2021, 3, 4, 5)) == {
        "StudyDate": "20200102-20210304"
    }
    assert asked(study_date=("20200101", None)) == {"StudyDate": "20200101-"}


@pytest.mark.parametrize(
    ("given_", "sent"),
    [("1.2", "1.2"), ("1.2,3.4", "1.2\\3.4"), (["1.2"], "1.2"), ("1.2; 3.4 5", "1.2\\3.4\\5"), ("1\\2", "1\\2")],
)
def test_lists_of_uids(given_, sent):
    for name in ("study_instance_uid", "study_instance_uids", "studyInstanceUid", "studyInstanceUIDs"):
        assert asked(**{name: given_}) == {"StudyInstanceUID": sent}
    assert asked(StudyInstanceUID=given_) == {"StudyInstanceUID": sent}


@pytest.mark.parametrize(
    ("disable", "supports", "active"),
    [(None, False, False), (None, True, True), (True, True, False), (False, False, True), ("true", True, False)],
)
def test_when_texts_may_stand_anywhere(disable, supports, active):
    sent = asked(mrn="7", disable_wildcard=disable, supports_wildcard=supports)
    assert sent == {"00100020": "*7*" if active else "7"}


def test_what_is_never_put_between_wild_cards():
    assert asked(patient_name="do?", mrn="*1", accession="x*", supports_wildcard=True) == {
        "PatientName": "do?",
        "00100020": "*1",
        "AccessionNumber": "x*",
    }
    exact = {"StudyDate": "20200101", "PatientName": "doe", "Modality": "CT", "00100020": "1"}
    assert asked(**exact, supports_wildcard=True) == exact
    sent = asked(
        "series",
        modality="CT",
        series_number=3,
        series_date="20200101",
        series_instance_uid="1.2",
        patient_age="045Y",
        series_description="ax",
        supports_wildcard=True,
    )
    assert sent == {
        "Modality": "CT",
        "SeriesNumber": "3",
        "SeriesDate": "20200101",
        "SeriesInstanceUID": "1.2",
        "PatientAge": "045Y",
        "SeriesDescription": "*ax*",
    }


def test_fuzzy_matching_can_be_said():
    assert ("fuzzymatching", "true") in wire(fuzzy_matching=True)
    assert ("fuzzymatching", "false") in wire(fuzzy_matching=False, supports_fuzzy_matching=True)
    assert not any(name == "fuzzymatching" for name, _ in wire("series"))
    assert ("fuzzymatching", "true") in wire("series", fuzzymatching="true")


# ---- paths ----


@pytest.mark.parametrize(
    ("level", "uids", "path", "rest"),
    [
        ("study", {}, "studies", {}),
        ("series", {}, "series", {}),
        ("series", {"study_instance_uid": "1.2"}, "studies/1.2/series", {}),
        ("series", {"StudyInstanceUID": "1.2"}, "studies/1.2/series", {}),
        ("series", {"study_instance_uid": "1,2"}, "series", {"StudyInstanceUID": "1\\2"}),
        ("series", {"study_instance_uid": "*"}, "series", {"StudyInstanceUID": "*"}),
        ("series", {"study_instance_uid": "1", "series_uid": "2"}, "studies/1/series", {"SeriesInstanceUID": "2"}),
        ("instance", {}, "instances", {}),
        ("instance", {"study_instance_uid": "1"}, "studies/1/instances", {}),
        ("instance", {"study_instance_uid": "1", "series_instance_uid": "2"}, "studies/1/series/2/instances", {}),
        ("instance", {"series_instance_uid": "2"}, "instances", {"SeriesInstanceUID": "2"}),
        ("instance", {"study_uid": "1", "sop_instance_uid": "3"}, "studies/1/instances", {"SOPInstanceUID": "3"}),
        ("series", {"study_instance_uid": "a/../b?c#d"}, "studies/a%2F..%2Fb%3Fc%23d/series", {}),
    ],
)  # fmt: skip
def test_paths(level, uids, path, rest):
    assert Query.of(level, **uids).path == path
    assert asked(level, **uids) == rest


@pytest.mark.parametrize("uid", [".", "..", "..."])
def test_uids_that_would_lead_elsewhere(uid):
    refused("study_instance_uid", level="series", study_instance_uid=uid)
    refused("series_instance_uid", level="instance", study_instance_uid="1", series_instance_uid=uid)


def test_what_series_and_instances_send():
    assert wire("series", study_instance_uid="1") == [("includefield", "0008103E,00080021")]
    assert wire("instance", study_instance_uid="1") == []
    assert wire("instance", limit=3, offset=4) == [("limit", "3"), ("offset", "4")]


def test_fields_that_are_to_be_included():
    assert dict(wire(include_fields="all"))["includefield"] == "all"
    fields = ["PatientSex", "00100040", "patient_weight", "Modality", "ReferencedStudySequence.ReferencedSOPClassUID"]
    assert dict(wire(include_fields=fields))["includefield"] == f"{INCLUDED},00100040,00101030,00081110.00081150"
    assert wire("instance", includefield="Rows, RequestAttributesSequence,00091001") == [
        ("includefield", "00280010,00400275,00091001")
    ]
    refused("NoSuchField", include_fields=["NoSuchField"])
    refused("include_fields", include_fields=7)
    refused("include_fields", include_fields=[7])


# ---- names ----


@pytest.mark.parametrize(
    ("name", "keyword"),
    [
        ("patient_birth_date", "PatientBirthDate"),
        ("patientBirthDate", "PatientBirthDate"),
        ("patientname", "PatientName"),
        ("PatientName", "PatientName"),
        ("00100010", "PatientName"),
        ("description", "StudyDescription"),
        ("modalities", "ModalitiesInStudy"),
        ("study_id", "StudyID"),
        ("referringPhysicianName", "ReferringPhysicianName"),
        ("0009100a", "0009100A"),
        ("60000022", "60000022"),
        ("RequestAttributesSequence.ScheduledProcedureStepID", "RequestAttributesSequence.ScheduledProcedureStepID"),
        ("00400275.00400009", "RequestAttributesSequence.ScheduledProcedureStepID"),
        ("00091010.00091001", "00091010.00091001"),
    ],
)
def test_names(name, keyword):
    assert asked(**{name: "20200101"}) == {keyword: "20200101"}


def test_names_at_other_levels():
    assert asked("series", description="a", modalities=["CT", "MR"]) == {
        "SeriesDescription": "a",
        "Modality": "CT\\MR",
        "multiplevaluematching": "true",
    }
    assert asked("instance", sop_class_uid="1.2", sopInstanceUid="3", mr_acquisition_type="2D", kvp=120) == {
        "SOPClassUID": "1.2",
        "SOPInstanceUID": "3",
        "MRAcquisitionType": "2D",
        "KVP": "120",
    }
    refused("modality", "modalities_in_study", modality="CT")
    refused("series_number", series_number=1)
    refused("sop_instance_uid", sop_instance_uid="1")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("patient_nmae", "patient_name"),
        ("PatientNmae", "PatientName"),
        ("acessionNumber", "accession_number"),
        ("limt", "limit"),
        ("includefeild", "include_fields"),
    ],
)
def test_misspelt_names(name, near):
    assert f"there is no attribute {name}; did you mean {near}?" in refused(**{name: "1"})


@pytest.mark.parametrize(
    "name",
    ["", "a b", "x" * 500, "PatientName.StudyID", "RequestAttributesSequence.", "ReferencedStudySequence", ".", "é"],
)
def test_names_of_nothing(name):
    assert len(refused(**{name: "DOE"})) < 300


def test_the_same_attribute_twice():
    refused("mrn", "PatientID", mrn="1", PatientID="2")
    refused("patient_id", "00100020", patient_id="1", **{"00100020": "1"})
    refused("start_date", "study_date", start_date="20200101", study_date="20200101")
    refused("StudyDate", "end_date", end_date="20200101", StudyDate="20200101")
    refused("fuzzymatching", fuzzy_matching=True, fuzzymatching=True)
    refused("startDate", start_date="20200101", startDate="20200101")


# ---- values ----


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("PatientBirthDate", "19500101-", "19500101-"),
        ("PatientBirthDate", "-19500101", "-19500101"),
        ("StudyDate", dt.date(987, 6, 5), "09870605"),
        ("StudyDate", "2024-02-29", "20240229"),
        ("StudyDate", "2024-02-28-2024-02-29", "20240228-20240229"),
        ("StudyDate", " 20240228 - 20240229 ", "20240228-20240229"),
        ("StudyDate", ("2024-02-28", dt.date(2024, 2, 29)), "20240228-20240229"),
        ("StudyDate", (None, "20240229"), "-20240229"),
        ("StudyDate", 20240229, "20240229"),
        ("StudyDate", "*", "*"),
        ("StudyTime", dt.time(14, 30), "143000"),
        ("StudyTime", (dt.time(14, 30, 1, 500), None), "143001.000500-"),
        ("StudyTime", "14:30", "1430"),
        ("StudyTime", "0800-1200", "0800-1200"),
        ("AcquisitionDateTime", dt.datetime(2024, 2, 29, 1, 2, 3), "20240229010203"),
        ("AcquisitionDateTime", "2024-02-29T01:02:03+01:00", "20240229010203+0100"),
        ("AcquisitionDateTime", "20240229-0500", "20240229-0500"),
        ("AcquisitionDateTime", "20240229-0500-20240301-0500", "20240229-0500-20240301-0500"),
        ("AcquisitionDateTime", "2023-2024", "2023-2024"),
        ("SeriesNumber", 5, "5"),
        ("SeriesNumber", np.int64(5), "5"),
        ("SliceThickness", 0.5, "0.5"),
        ("SliceThickness", "1e-3", "1e-3"),
        ("PatientID", 123, "123"),
        ("PatientComments", "a\\b", "a\\b"),
        ("PatientName", "Müller^Ö=&?", "Müller^Ö=&?"),
        ("FrameIncrementPointer", "0018106a", "0018106A"),
    ],
)
def test_values(name, value, sent):
    assert asked(**{name: value}) == {"00100020" if name == "PatientID" else name: sent}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("StudyDate", "20240230"),
        ("StudyDate", "2024"),
        ("StudyDate", "SECRET"),
        ("StudyDate", "-"),
        ("StudyDate", (None, None)),
        ("StudyDate", ("20240101",)),
        ("StudyDate", ("20240101-", "20240102")),
        ("StudyDate", "20240102-20240101"),
        ("StudyDate", "20240101*"),
        ("StudyDate", 7),
        ("StudyDate", True),
        ("StudyDate", "20240101-20240102-20240103"),
        ("StudyTime", "2500"),
        ("StudyTime", "1200-1100"),
        ("StudyTime", dt.date(2020, 1, 1)),
        ("AcquisitionDateTime", "20241301"),
        ("AcquisitionDateTime", ("2020", "0500")),
        ("AcquisitionDateTime", "2024T"),
        ("SeriesNumber", "SECRET"),
        ("SeriesNumber", True),
        ("SeriesNumber", float("nan")),
        ("SeriesNumber", "1_0"),
        ("SliceThickness", "inf"),
        ("PatientName", b"SECRET"),
        ("PatientName", object()),
        ("PatientName", 1.5),
        ("PatientName", "SECRET\x00"),
        ("PatientName", ["SECRET", None]),
        ("PatientAge", "SECRET"),
        ("FrameIncrementPointer", "SECRET"),
        ("PixelData", "SECRET"),
        ("StudyInstanceUID", 1),
        ("StudyInstanceUID", []),
        ("start_date", "20240101-20240201"),
        ("end_date", "SECRET"),
        ("limit", -1),
        ("limit", "SECRET"),
        ("limit", True),
        ("limit", 1.0),
        ("offset", -1),
        ("disable_wildcard", "SECRET"),
        ("fuzzy_matching", 1),
    ],
)
def test_values_that_no_attribute_has(name, value):
    text = refused(name, **{name: value})
    assert "SECRET" not in text
    assert "2024" not in text.replace("20240229", "").replace("20240101", "")  # which are examples


def test_contradictions():
    refused("end_date", start_date="20240102", end_date="20240101")
    refused("level", level="patient")
    refused("StudyTime", StudyTime="2200-0200", StudyDate="20240101-20240101")
    refused("StudyTime", StudyTime="2200-0200", StudyDate="20240101-")
    assert asked(StudyTime="2200-0200", StudyDate="20240101-20240102")  # is one range


def test_sequences():
    name = "RequestAttributesSequence"
    items = {"ScheduledProcedureStepID": "1", "00401001": "2", "ReasonForTheRequestedProcedure": None}
    assert asked("series", **{name: items}) == {
        f"{name}.ScheduledProcedureStepID": "1",
        f"{name}.RequestedProcedureID": "2",
    }
    assert asked("series", **{name: {"RequestedProcedureCodeSequence": {"CodeValue": "x"}}}) == {
        f"{name}.RequestedProcedureCodeSequence.CodeValue": "x"
    }
    refused("PatientName", PatientName={"CodeValue": "SECRET"})
    refused(name, level="series", **{name: {"no_such": "SECRET"}})
    refused(name, level="series", **{name: {7: "SECRET"}})
    refused(name, level="series", **{name: "SECRET"})


def test_further_parameters():
    assert wire(extra={"orderby": "-StudyDate"})[-1] == ("orderby", "-StudyDate")
    for extra in ({"limit": "3"}, {"PatientName": "x"}, {"00100010": "x"}, {"a": 1}, {"": "x"}):
        refused("extra", extra=extra)


# ---- the query itself ----


def test_other_pages():
    query = Query.of("study", mrn="1", limit=5)
    page = query.with_page(20, None)
    assert (page.offset, page.limit, page.matches) == (20, None, query.matches)
    assert query.with_page(5, 5).parameters()[1:3] == [("limit", "5"), ("offset", "5")]
    with pytest.raises(ConfigurationError, match="offset"):
        query.with_page(-1, 5)


def test_a_query_is_a_value():
    query = Query.of("study", mrn="SECRET", RequestAttributesSequence={"ScheduledProcedureStepID": "SECRET"})
    assert query == Query.of("study", mrn="SECRET", RequestAttributesSequence={"ScheduledProcedureStepID": "SECRET"})
    assert hash(query) == hash(pickle.loads(pickle.dumps(query)))
    assert "SECRET" not in f"{query!r} {query.matcher()!r}"
    with pytest.raises(AttributeError):
        query.limit = 3


@given(st.text(max_size=20))
def test_nothing_leaves_its_parameter(text):
    """Whatever is asked for comes out of the query string as it went in, and can become no parameter of its own."""
    try:
        query = Query.of("study", PatientComments=text)
    except ConfigurationError:
        return
    pairs = parse_qsl(query.query_string(), keep_blank_values=True, strict_parsing=True)
    assert pairs == query.parameters()
    assert dict(pairs).get("PatientComments", "") == text.strip()


def test_the_examples_hold():
    for module in pkgutil.iter_modules(package.__path__):
        loaded = importlib.import_module(f"{package.__name__}.{module.name}")
        found = doctest.testmod(loaded, extraglobs={"metalith": metalith, "datetime": dt, "Query": Query})
        assert not found.failed, module.name
    assert all(getattr(package, name).__doc__ for name in package.__all__ if name not in ("Level", "ROWS"))
