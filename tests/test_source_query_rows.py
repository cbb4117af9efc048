"""Rows, their order, and searches in what is here."""

from __future__ import annotations

import copy
import pickle
import random

import pytest
from pydicom.data import get_testdata_file
from pydicom.data.data_manager import DATA_ROOT

import metalith
from metalith import PersonName
from metalith.sources.query import (
    ROWS,
    InstanceRow,
    Query,
    SeriesEntry,
    SeriesRow,
    StudyRow,
    entries_of,
    instance_order,
    search,
    series_order,
    series_rows,
    study_rows,
)

STUDY = [
    {
        "0020000D": {"vr": "UI", "Value": ["1.2"]},
        "00080020": {"vr": "DA", "Value": ["20240229"]},
        "00080030": {"vr": "TM", "Value": ["101500"]},
        "00080050": {"vr": "SH", "Value": ["A9"]},
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00080061": {"vr": "CS", "Value": ["CT", "MR"]},
        "00080090": {"vr": "PN", "Value": [{"Alphabetic": "REF^DR"}]},
        "00081030": {"vr": "LO", "Value": ["Demo"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "DOE^JOHN^M", "Ideographic": "X"}]},
        "00100020": {"vr": "LO", "Value": ["P-77"]},
        "00100030": {"vr": "DA", "Value": ["19500101"]},
        "00100040": {"vr": "CS", "Value": ["M"]},
        "00201208": {"vr": "IS", "Value": ["12"]},
    },
    {"0020000D": {"vr": "UI", "Value": ["1.3"]}, "00100010": {"vr": "PN"}},
]
OHIF = [
    {
        "studyInstanceUid": "1.2",
        "date": "20240229",
        "time": "101500",
        "accession": "A9",
        "mrn": "P-77",
        "patientName": "DOE, JOHN M",
        "patientBirthDate": "19500101",
        "instances": 12,
        "description": "Demo",
        "modalities": "CT\\MR",
        "referringPhysicianName": "REF, DR",
    },
    {
        "studyInstanceUid": "1.3",
        "date": None,
        "time": None,
        "accession": "",
        "mrn": "",
        "patientName": "",
        "patientBirthDate": "",
        "instances": 0,
        "description": "",
        "modalities": "",
        "referringPhysicianName": "",
    },
]


def test_rows_of_studies():
    rows = StudyRow.of_all(metalith.naturalize(STUDY))
    assert [row.to_ohif() for row in rows] == OHIF
    row = rows[0]
    assert row.modalities == ("CT", "MR")
    assert (row["PatientSex"], row["00100040"], row.get(0x00100040), row.get("Rows", 7)) == ("M", "M", "M", 7)
    assert "PatientSex" in row
    assert "Rows" not in row
    uids = {"SOPInstanceUID": "3", "SeriesInstanceUID": "2", "StudyInstanceUID": "1"}
    assert [ROWS[level].of(uids).uid for level in ("study", "series", "instance")] == ["1", "2", "3"]
    with pytest.raises(KeyError):
        row["Rows"]


def test_rows_of_dicts():
    row = StudyRow.of({"PatientName": {"Alphabetic": "A^^B"}, "ModalitiesInStudy": "CT\\MR", "PatientID": 5})
    assert (row.patient_name, row.modalities, row.mrn, row["00100020"]) == ("A,  B", ("CT", "MR"), "5", 5)
    assert StudyRow.of({"PatientName": {"Ideographic": "X"}}).patient_name == ""
    assert StudyRow.of({"PatientName": PersonName("", "山田")}).patient_name == ""
    assert StudyRow.of({"ModalitiesInStudy": ("MR", None), "Modality": "CT"}).modalities == ("CT", "MR")
    assert StudyRow.of({"NumberOfStudyRelatedInstances": "many"}).instances == 0


def test_rows_of_series():
    series = {
        "StudyInstanceUID": "1.2",
        "SeriesInstanceUID": "1.2.3",
        "SeriesNumber": 10,
        "SeriesDate": "20240229",
        "SeriesDescription": "ax",
        "Modality": "CT",
        "NumberOfSeriesRelatedInstances": 4,
    }
    row = SeriesRow.of(series)
    assert (row.series_number, row.instances) == (10, 4)
    assert row.to_ohif() == {
        "studyInstanceUid": "1.2",
        "seriesInstanceUid": "1.2.3",
        "modality": "CT",
        "seriesNumber": "10",
        "seriesDate": "29-Feb-2024",
        "numSeriesInstances": 4,
        "description": "ax",
    }
    assert set(SeriesRow.of({}).to_ohif().values()) == {None}
    assert SeriesRow.of({"SeriesNumber": " 07 "}).series_number == 7
    assert SeriesRow.of({"SeriesNumber": "x", "SeriesDate": "x"}).to_ohif()["seriesDate"] == "x"


def test_rows_of_instances():
    instance = metalith.read(get_testdata_file("CT_small.dcm"))
    row = InstanceRow.of(instance)
    assert (row.rows, row.columns, row.instance_number, row.number_of_frames) == (128, 128, 1, None)
    assert row.to_ohif() == metalith.denaturalize(instance)
    assert InstanceRow.of({"Rows": 3}).to_ohif() == {"00280010": {"vr": "US", "Value": [3]}}


def test_rows_are_values_and_show_no_patient():
    rows = [kind.of(natural) for kind in (StudyRow, SeriesRow, InstanceRow) for natural in metalith.naturalize(STUDY)]
    for row in rows:
        assert row == copy.copy(row) == pickle.loads(pickle.dumps(row))
        assert hash(row) == hash(copy.deepcopy(row))
        assert not any(text in repr(row) for text in ("DOE", "P-77", "A9", "1950", "Demo"))
        with pytest.raises(AttributeError):
            row.study_instance_uid = "3"
    assert "DOE" not in repr(StudyRow.of({"StudyInstanceUID": "DOE^JOHN"}))
    assert len(set(rows)) == 6


# ---- order ----


def test_the_order_of_series():
    series = {
        "a": {"SeriesNumber": 10},
        "b": {"SeriesNumber": 2},
        "c": {},
        "d": {"Modality": "SEG", "SeriesDate": "20200101"},
        "e": {"Modality": "SR", "SeriesDate": "20210101"},
        "f": {"SeriesNumber": 0},
    }
    rows = [{"SeriesInstanceUID": name, "Modality": "MR", **one} for name, one in series.items()]
    for seed in range(20):
        random.Random(seed).shuffle(rows)
        for given in (rows, SeriesRow.of_all(rows)):
            assert "".join(row.get("SeriesInstanceUID") for row in series_order(given)) == "cfbaed"


def test_the_order_of_series_alike():
    rows = [
        {"SeriesInstanceUID": "4", "SeriesNumber": 1, "AcquisitionDateTime": "20230101101500.5+0100"},
        {"SeriesInstanceUID": "3", "SeriesNumber": 1, "SeriesDate": "20230101", "SeriesTime": "1014"},
        {"SeriesInstanceUID": "2", "SeriesNumber": 1, "SeriesDate": "20220101", "StudyDate": "20300101"},
        {"SeriesInstanceUID": "1", "SeriesNumber": "x"},
        {"SeriesInstanceUID": "6", "Modality": "KO"},
        {"SeriesInstanceUID": "5", "Modality": "PR"},
    ]
    assert [row["SeriesInstanceUID"] for row in series_order(reversed(rows))] == ["1", "2", "3", "4", "5", "6"]
    odd = [{"Modality": ["SR"], "SeriesNumber": 1}, {"Modality": [], "SeriesNumber": [2]}]
    assert series_order(odd) == odd[::-1]


def test_no_number_is_before_zero():
    rows = [{"SeriesInstanceUID": "1", "SeriesNumber": 0}, {"SeriesInstanceUID": "2"}, {"SeriesNumber": -1}]
    assert [row.get("SeriesNumber") for row in series_order(rows)] == [None, -1, 0]


def test_the_order_of_instances():
    rows = [
        {"SOPInstanceUID": uid, "InstanceNumber": number} for uid, number in zip("abcd", (10, 2, None, 0), strict=True)
    ]
    assert "".join(row["SOPInstanceUID"] for row in instance_order(rows)) == "cdba"
    rows = [
        {"SOPInstanceUID": "a", "InstanceCreationDate": "20240101", "InstanceCreationTime": "12"},
        {"SOPInstanceUID": "b", "InstanceCreationDate": "20240101", "InstanceCreationTime": "0930"},
    ]
    assert "".join(row["SOPInstanceUID"] for row in instance_order(rows)) == "ba"


# ---- searching here ----


@pytest.fixture(scope="module")
def tables():
    return list(metalith.scan(f"{DATA_ROOT}/test_files/dicomdirtests", workers=0))


@pytest.fixture(scope="module")
def kinds(tables):
    """The same instances in all forms that can be searched."""
    store = metalith.MetadataStore()
    store.add_instances(tables)
    instances = [instance for table in tables for instance in table]
    return [
        entries_of(store),
        entries_of(tables),
        entries_of(instances),
        entries_of([one.to_dict() for one in instances]),
    ]


def test_summaries_count(tables, kinds):
    instances = [instance for table in tables for instance in table]
    for entries in kinds:
        studies = study_rows(entries)
        assert sum(row.instances for row in studies) == len(instances) == 81
        for row in studies:
            own = [one for one in instances if one.StudyInstanceUID == row.study_instance_uid]
            assert row.instances == len(own)
            assert set(row.modalities) == {one.Modality for one in own}
            assert row["NumberOfStudyRelatedSeries"] == len({one.SeriesInstanceUID for one in own})
            assert "Rows" not in row
            assert "Modality" not in row
        series = series_rows(entries)
        assert sum(row.instances for row in series) == 81
        assert len({row.series_instance_uid for row in series}) == len({one.SeriesInstanceUID for one in instances})


def test_searching(kinds):
    expected = None
    for entries in kinds:
        found = [
            [row.study_instance_uid for row in search(Query.of("study", modalities_in_study="CT"), entries)],
            [row.series_instance_uid for row in search(Query.of("series", modality="MR"), entries)],
            [row.sop_instance_uid for row in search(Query.of("instance", Modality="CR", Rows=512), entries)],
            [row.sop_instance_uid for row in search(Query.of("instance", NumberOfSeriesRelatedInstances=1), entries)],
            [row.sop_instance_uid for row in search(Query.of("instance", modalities_in_study="MR"), entries)],
            [row.study_instance_uid for row in search(Query.of("study", patient_name="*peter*"), entries)],
        ]
        assert expected in (None, found)
        expected = found
    assert [len(one) > 0 for one in expected] == [True, True, False, True, True, True]


def test_searching_one_study_and_series(kinds):
    for entries in kinds:
        for study in study_rows(entries):
            series = search(Query.of("series", study_instance_uid=study.study_instance_uid), entries)
            assert len(series) == study["NumberOfStudyRelatedSeries"]
            assert series == series_order(series)
            for row in series:
                scope = {"study_instance_uid": study.study_instance_uid, "series_instance_uid": row.series_instance_uid}
                instances = search(Query.of("instance", **scope), entries)
                assert len(instances) == row.instances
                assert {one["SeriesInstanceUID"] for one in instances} == {row.series_instance_uid}


def test_pages(kinds):
    entries = kinds[0]
    for level in ("study", "series", "instance"):
        query = Query.of(level)
        whole = search(query, entries)
        assert [row for at in range(0, 100, 7) for row in search(query.with_page(at, 7), entries)] == whole
        assert search(query.with_page(0, 0), entries) == []
        assert search(query.with_page(1000, None), entries) == []


def test_instances_that_come_twice_count_once(tables):
    instances = list(tables[0])
    assert entries_of([*instances, *instances])[0].count == len(instances)
    assert [entry.count for entry in entries_of([{"StudyInstanceUID": "1"}, {"StudyInstanceUID": "1"}])] == [2]
    assert entries_of([]) == []
    assert entries_of(instances[0])[0].count == 1


def test_entries_of_ones_own():
    """Instances are asked for only when they are searched."""
    asked = []
    entries = [
        SeriesEntry("1", uid, {"Modality": "CT", "PatientID": "7"}, 3, lambda uid=uid: asked.append(uid) or [])
        for uid in ("1.1", "1.2")
    ]
    assert [row.instances for row in search(Query.of("study", mrn="7"), entries)] == [6]
    assert len(search(Query.of("series", study_instance_uid="1"), entries)) == 2
    assert asked == []
    assert search(Query.of("instance", study_instance_uid="1", series_instance_uid="1.2"), entries) == []
    assert asked == ["1.2"]
    assert search(Query.of("instance", study_instance_uid="2"), entries) == []
    assert asked == ["1.2"]
