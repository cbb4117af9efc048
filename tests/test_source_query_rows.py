"""Rows, their order, and searches in what is here."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
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


# ---- many rows at once ----

# keywords of all rows' fields, as the JSON of servers has them and as they do not
TEXTS = st.sampled_from(
    ["", " ", "1.2", "CT", "CT\\MR", "07", "1.5", "nan", "1e400", "A^B^C", "a=b=c", "=X", "20240229"]
)
SCALARS = st.one_of(
    st.none(), TEXTS, st.integers(-2, 3), st.sampled_from([1.5, 1e300, 10**30, True]), st.just({"Alphabetic": "D^E^F"})
)
NAMES = st.dictionaries(st.sampled_from(["Alphabetic", "Ideographic", "Phonetic"]), st.sampled_from(["", "A", " A^B "]))
VALUES = st.one_of(SCALARS, NAMES, st.lists(st.one_of(SCALARS, NAMES), max_size=3))
VRS = st.sampled_from(["UI", "DA", "TM", "SH", "LO", "PN", "IS", "DS", "US", "CS", "SQ", "UN", ""])
USUAL = {
    "0020000D": "UI", "0020000E": "UI", "00080018": "UI", "00080016": "UI", "00080020": "DA", "00080030": "TM",
    "00080021": "DA", "00080031": "TM", "00080050": "SH", "00080060": "CS", "00080061": "CS", "00080090": "PN",
    "00081030": "LO", "0008103E": "LO", "00100010": "PN", "00100020": "LO", "00100030": "DA", "00200011": "IS",
    "00200013": "IS", "00201206": "IS", "00201208": "IS", "00201209": "IS", "00280008": "IS", "00280010": "US",
    "00280011": "US",
}  # fmt: skip


@st.composite
def elements(draw):
    """An element of one of these attributes: mostly as it should be, else of any make-up."""
    tag = draw(st.sampled_from(sorted(USUAL)))
    vr = USUAL[tag] if draw(st.booleans()) else draw(VRS)
    value = draw(VALUES)
    element = {"Value": value if isinstance(value, list) or draw(st.booleans()) else [value]}
    if vr:
        element["vr"] = vr
    form = draw(st.sampled_from(["Value", "Value", "Value", "nothing", "bulk", "inline"]))
    if form != "Value":
        del element["Value"]
        element |= {"bulk": {"BulkDataURI": "x/y"}, "inline": {"InlineBinary": "AAA="}}.get(form, {})
    return (tag if draw(st.integers(0, 4)) else tag.lower()), element


DATASETS = st.lists(elements(), max_size=12).map(dict)


def _same(one, other):
    """Rows that no use of them tells apart."""
    assert type(one) is type(other)
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        assert (type(a), a) == (type(b), b), field.name
    assert (one, hash(one), repr(one)) == (other, hash(other), repr(other))


def _check_at_once(kind, naturals):
    rows = kind.of_all(naturals)
    assert len(rows) == len(naturals)
    for row, natural in zip(rows, naturals, strict=True):
        _same(row, kind.of(natural))


@given(st.lists(DATASETS, max_size=6), st.lists(st.integers(0, 5), max_size=12))
def test_rows_made_at_once_are_those_made_one_by_one(datasets, order):
    """Rows that come again have the same values, which are made once."""
    datasets = [datasets[at] for at in order if at < len(datasets)] or datasets
    table = metalith.naturalize(datasets)
    for kind in ROWS.values():
        _check_at_once(kind, table)
        _check_at_once(kind, list(table))
        _check_at_once(kind, [dict(instance.items()) for instance in table])


def test_rows_at_once_of_tables_of_all_kinds():
    varied = [
        {
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": f"A^{k // 3}"}]},
            "0020000D": {"vr": "UI", "Value": [str(k)]},
        }
        for k in range(50)
    ]
    varied[7].clear()
    varied[9]["0020000d"] = varied[9].pop("0020000D")
    modalities = [
        {tag: {"vr": "CS", "Value": [value]} for tag, value in (("00080060", one), ("00080061", other)) if value}
        for one in ("", "CT", "MR")
        for other in ("", "CT", "SR")
    ]
    for datasets in ([], [{}], [{}, {}], varied, modalities, STUDY * 3, STUDY[:1] * 40):
        for kind in ROWS.values():
            _check_at_once(kind, metalith.naturalize(datasets))
    rows = StudyRow.of_all(metalith.naturalize(varied))
    assert [row.study_instance_uid for row in rows] == [None if k == 7 else str(k) for k in range(50)]
    assert [row.modalities for row in StudyRow.of_all(metalith.naturalize(modalities))] == [
        (), ("CT",), ("SR",), ("CT",), ("CT",), ("CT", "SR"), ("MR",), ("MR", "CT"), ("MR", "SR"),
    ]  # fmt: skip


def test_rows_at_once_of_files():
    for table in metalith.scan(f"{DATA_ROOT}/test_files/dicomdirtests", workers=0):
        for kind in ROWS.values():
            _check_at_once(kind, table)


def test_rows_at_once_are_whole():
    """They are as those of a constructor: frozen, and fit to be copied, pickled and replaced."""
    table = metalith.naturalize(STUDY)
    for kind in ROWS.values():
        for row, instance in zip(kind.of_all(table), table, strict=True):
            assert row.attributes == instance
            assert row == copy.deepcopy(row) == pickle.loads(pickle.dumps(row)) == dataclasses.replace(row)
            assert dataclasses.replace(row, study_instance_uid="9").study_instance_uid == "9"
            with pytest.raises(dataclasses.FrozenInstanceError):
                row.study_instance_uid = "3"


def test_rows_of_ones_own_are_made_by_their_own_way():
    class Counted(StudyRow):
        @classmethod
        def of(cls, natural):
            return dataclasses.replace(super().of(natural), mrn="hidden")

    assert {row.mrn for row in Counted.of_all(metalith.naturalize(STUDY))} == {"hidden"}
    assert {type(row) for row in Counted.of_all([{}])} == {Counted}


# ---- order ----


SERIES = st.fixed_dictionaries(
    {"SeriesInstanceUID": st.sampled_from(["1", "2", "3"]), "at": st.integers()},
    optional={
        "SeriesNumber": st.sampled_from([None, 0, 1, -1, 2.5, "2", "x", "nan", (), (1, 2)]),
        "InstanceNumber": st.sampled_from([None, 0, 1, -1, 2.5, "2", "x", "nan", (), (1, 2)]),
        "SOPInstanceUID": st.sampled_from([None, "1", "2", "3"]),
        "Modality": st.sampled_from(["CT", "SR", "SEG", None, ("KO",)]),
        "SeriesDate": st.sampled_from(["20200101", "20210101", "x", None]),
        "SeriesTime": st.sampled_from(["10", "1130", ""]),
        "AcquisitionDateTime": st.sampled_from(["20200101103000+0100", "2022"]),
    },
)


@given(st.lists(SERIES, max_size=8))
def test_the_order_is_that_of_the_whole_key(rows):
    """A date is asked for only where numbers are equal; the order is as if all were."""
    from metalith.sources.query.order import _LAST, _first, _number, _when

    def key(row):
        number = _number(row.get("SeriesNumber"))
        return number is not None, number or 0, _when(row), row["SeriesInstanceUID"]

    images = [row for row in rows if _first(row.get("Modality")) not in _LAST]
    others = sorted((row for row in rows if _first(row.get("Modality")) in _LAST), key=key)
    others.sort(key=_when, reverse=True)
    assert list(map(id, series_order(rows))) == list(map(id, sorted(images, key=key) + others))
    by_number = sorted(
        rows, key=lambda row: (_number(row.get("InstanceNumber")) or 0, _when(row), row.get("SOPInstanceUID") or "")
    )
    assert list(map(id, instance_order(rows))) == list(map(id, by_number))


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
        for listed in (rows, SeriesRow.of_all(rows)):
            assert "".join(row.get("SeriesInstanceUID") for row in series_order(listed)) == "cfbaed"


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
