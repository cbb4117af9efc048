"""Matching of what is here, against PS3.4's rules, the reference's cases, and a slow model of the rules."""

from __future__ import annotations

import datetime as dt
import re
import time
import unicodedata

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file

import metalith
from metalith import PersonName
from metalith.sources.query import Match, Matcher, Query


def matches(row, level="instance", **params):
    return Query.of(level, **params).matcher().matches(row)


# ---- single values, lists, universal ----


@pytest.mark.parametrize(
    ("asked", "row", "found"),
    [
        ({"PatientID": "A1"}, {"PatientID": "A1"}, True),
        ({"PatientID": "A1"}, {"PatientID": "a1"}, True),
        ({"PatientID": "A1"}, {"PatientID": " A1 "}, True),
        ({"PatientID": "A1"}, {"PatientID": "A12"}, False),
        ({"PatientID": "A1"}, {"PatientID": None}, False),
        ({"PatientID": "A1"}, {}, False),
        ({"PatientID": "12"}, {"PatientID": 12}, True),
        ({"PatientID": "*"}, {}, True),
        ({"PatientID": "**"}, {"PatientID": None}, True),
        ({"PatientID": "?"}, {}, False),
        ({"PatientID": ["A1", "B1"]}, {"PatientID": "B1"}, True),
        ({"PatientID": ["A1", "*"]}, {}, True),
        ({"StudyDate": "*"}, {}, True),
        ({"StudyInstanceUID": "1.2\\3.4"}, {"StudyInstanceUID": "3.4"}, True),
        ({"StudyInstanceUID": "1.2\\3.4"}, {"StudyInstanceUID": "1.2.3"}, False),
        ({"SOPInstanceUID": "1.*"}, {"SOPInstanceUID": "1.2"}, False),
        ({"SOPInstanceUID": "1.2"}, {"SOPInstanceUID": "1.2\0"}, True),
        ({"RetrieveURL": "http://A/*"}, {"RetrieveURL": "http://A/b"}, True),
        ({"RetrieveURL": "http://A/*"}, {"RetrieveURL": "http://a/b"}, False),
        ({"ImageType": "PRIMARY"}, {"ImageType": ("ORIGINAL", "PRIMARY")}, True),
        ({"ImageType": "PRIM*"}, {"ImageType": ["ORIGINAL", None, "PRIMARY"]}, True),
        ({"ImageType": "AXIAL"}, {"ImageType": ("ORIGINAL", "PRIMARY")}, False),
        ({"ImageType": "AXIAL"}, {"ImageType": ()}, False),
        ({"modalities_in_study": ["CT", "PT"]}, {"ModalitiesInStudy": ("SR", "PT")}, True),
        ({"modalities_in_study": "CT,PT"}, {"ModalitiesInStudy": "CT"}, True),
        ({"modalities_in_study": "CT\\PT"}, {"ModalitiesInStudy": ("MR",)}, False),
        ({"SeriesNumber": 5}, {"SeriesNumber": 5}, True),
        ({"SeriesNumber": "05"}, {"SeriesNumber": 5}, True),
        ({"SeriesNumber": 5}, {"SeriesNumber": " 5 "}, True),
        ({"SeriesNumber": 5}, {"SeriesNumber": "five"}, False),
        ({"SeriesNumber": 5}, {"SeriesNumber": True}, False),
        ({"SliceThickness": "5.0"}, {"SliceThickness": 5}, True),
        ({"PixelSpacing": 0.5}, {"PixelSpacing": (0.7, 0.5)}, True),
        ({"SliceThickness": 1}, {"SliceThickness": float("nan")}, False),
        ({"00091001": "x*"}, {"00091001": "X1"}, False),  # private: of no known VR, so without wild cards
        ({"00091001": "x1"}, {"00091001": "X1"}, True),
        ({"60000050": 1}, {"60000050": 1}, True),
    ],
)
def test_values(asked, row, found):
    assert matches(row, **asked) is found


# ---- wild cards ----


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("x*", ["x", "xy", "XYX"], ["yx", "yxy"]),
        ("*x", ["x", "yx", "xyx", "x1x"], ["xy"]),
        ("*x*", ["x", "axb", "xx"], ["y"]),
        ("a*b*c", ["abc", "a1b2c", "abbc", "abcbc"], ["abcd", "acb", "xabc"]),
        ("a?c", ["abc", "a.c"], ["ac", "abbc"]),
        ("?", ["a"], ["ab"]),
        ("*??", ["ab", "abc"], ["a"]),
        ("*a*a*", ["aa", "bab a"], ["a", "bab"]),
        ("[a-z]*", ["[a-z]", "[A-Z]x"], ["b"]),
        (".*", [".", ".a"], ["a"]),
        ("*\n*", [], ["a"]),
    ],
)
def test_wild_cards(pattern, yes, no):
    test = Query.of("study", StudyDescription=pattern).matcher()
    assert [text for text in yes if not test.matches({"StudyDescription": text})] == []
    assert [text for text in no if test.matches({"StudyDescription": text})] == []


def test_wild_cards_take_one_pass():
    test = Query.of("study", StudyComments="*" + "a*" * 40 + "b").matcher()
    before = time.perf_counter()
    assert not test.matches({"StudyComments": "a" * 20_000})
    assert time.perf_counter() - before < 2


def test_wild_cards_only_of_texts():
    assert Query.of("study", PatientAge="045Y").matcher().matches({"PatientAge": "045Y"})
    assert not matches({"SeriesInstanceUID": "1.2"}, SeriesInstanceUID="1.?")


# ---- dates and times ----


@pytest.mark.parametrize(
    ("asked", "yes", "no"),
    [
        ("20240229", ["20240229", "2024.02.29", " 20240229 ", dt.date(2024, 2, 29)], ["20240228", "x", "2024"]),
        ("20240101-20240229", ["20240101", "20240229", "2024.01.15"], ["20231231", "20240301", ""]),
        ("20240101-", ["20240101", "99991231"], ["20231231"]),
        ("-20240101", ["20240101", "00010101"], ["20240102"]),
    ],
)
def test_dates(asked, yes, no):
    test = Query.of("study", study_date=asked).matcher()
    assert [value for value in yes if not test.matches({"StudyDate": value})] == []
    assert [value for value in [*no, None, 5] if test.matches({"StudyDate": value})] == []


@pytest.mark.parametrize(
    ("asked", "yes", "no"),
    [
        ("10", ["10", "1000", "105959.999999", "10:30"], ["11", "0959"]),
        ("1030", ["1030", "103000", "103059.5"], ["1031", "1029"]),
        ("103000.5", ["103000.5", "103000.59"], ["103000", "103000.6"]),
        ("1000-1100", ["10", "110059.9", "103000"], ["0959", "1101"]),
        ("-1000", ["00", "100059", dt.time(9)], ["1001"]),
        ("235960", ["235960"], ["235959"]),
    ],
)
def test_times(asked, yes, no):
    test = Query.of("study", study_time=asked).matcher()
    assert [value for value in yes if not test.matches({"StudyTime": value})] == []
    assert [value for value in [*no, None, "24", "x"] if test.matches({"StudyTime": value})] == []


@pytest.mark.parametrize(
    ("asked", "yes", "no"),
    [
        ("2024", ["2024", "202402", "20241231235959.999999"], ["2023", "2025"]),
        ("202402", ["20240229"], ["20240301"]),
        ("20240229-20240301", ["20240229", "20240301235959"], ["20240302", "20240228235959"]),
        ("20240229100000+0100", ["20240229090000+0000", "20240229100000"], ["20240229100000+0000"]),
        ("20240229100000+0100-", ["20240229090001+0000"], ["20240229085959+0000"]),
        ("-00010101000000+1400", ["00010101000000+1400"], ["00010101000001+1400"]),
        ("9999-", ["99991231235959-1200"], ["9998"]),
    ],
)
def test_datetimes(asked, yes, no):
    test = Query.of("instance", AcquisitionDateTime=asked).matcher()
    assert [value for value in yes if not test.matches({"AcquisitionDateTime": value})] == []
    assert [value for value in [*no, None, "x"] if test.matches({"AcquisitionDateTime": value})] == []


def test_a_date_and_a_time_are_one_range():
    test = Query.of("study", StudyDate="20060705-20060707", StudyTime="1000-1800").matcher()
    inside = [("20060705", "1000"), ("20060706", "0300"), ("20060706", "2300"), ("20060707", "180059")]
    outside = [("20060705", "0959"), ("20060707", "1801"), ("20060708", "12"), ("20060706", None), (None, "12")]
    assert all(test.matches({"StudyDate": day, "StudyTime": moment}) for day, moment in inside)
    assert not any(test.matches({"StudyDate": day, "StudyTime": moment}) for day, moment in outside)
    # of different forms each is for itself
    test = Query.of("study", StudyDate="20060705-", StudyTime="1000-1800").matcher()
    assert not test.matches({"StudyDate": "20060706", "StudyTime": "0300"})
    test = Query.of("study", StudyDate="20060705-", StudyTime="1000-").matcher()
    assert test.matches({"StudyDate": "20060706", "StudyTime": "0300"})
    assert not test.matches({"StudyDate": "20060705", "StudyTime": "0300"})
    test = Query.of("study", StudyDate="-20060705", StudyTime="-1000").matcher()
    assert test.matches({"StudyDate": "20060704", "StudyTime": "2300"})
    assert not test.matches({"StudyDate": "20060705", "StudyTime": "2300"})


# ---- person names ----


@pytest.mark.parametrize(
    ("asked", "yes", "no"),
    [
        ("doe^john", ["DOE^JOHN", "Doe ^ John", "DOE^JOHN^^^", {"Alphabetic": "doe^John"}], ["DOE", "DOE^JOHN^M"]),
        ("doe^*", ["DOE", "DOE^", "DOE^JOHN"], ["DOEX"]),
        ("*^john", ["DOE^JOHN"], ["JOHN^DOE"]),
        ("müller*", ["MÜLLER^A", "Mu\u0308ller"], ["Mueller"]),
        ("山田^*", [PersonName("Yamada^Tarou", "山田^太郎", "やまだ^たろう")], [PersonName("Yamada", "鈴木")]),
        ("Yamada*=山田*", ["Yamada^Tarou=山田^太郎"], ["Yamada^Tarou", "Suzuki=山田", "山田=Yamada"]),
        ("=山田*", [PersonName("X", "山田")], [PersonName("山田", "X")]),
        ("doe", [("X", "DOE")], [("X", None)]),
    ],
)
def test_person_names(asked, yes, no):
    test = Query.of("study", PatientName=asked).matcher()
    assert [value for value in yes if not test.matches({"PatientName": value})] == []
    assert [value for value in [*no, None] if test.matches({"PatientName": value})] == []


@pytest.mark.parametrize(
    ("asked", "yes", "no"),
    [
        ("smi", ["SMITH^ANN", "ANN^SMITH", "Ann Smith"], ["BLACKSMITH", "ANN"]),
        ("*smi*", ["SMITH^ANN", "BLACKSMITH^X"], ["ANN"]),
        ("ann smi", ["SMITH^ANN", "Smith^Anna Maria"], ["SMITH^JO", "ANN"]),
        ("smi^a", ["ANN^SMITH"], ["SMITH"]),
        ("s?it", ["SMITH^ANN"], ["SPLIT"]),
        ("smith, ann", ["SMITH^ANN"], ["SMITH"]),
        ("山", [PersonName("Yamada", "山田")], [PersonName("Yamada", "鈴木")]),
        ("* smi", ["SMITH"], ["ANN"]),
    ],
)
def test_fuzzy_names(asked, yes, no):
    test = Query.of("study", patient_name=asked, supports_fuzzy_matching=True).matcher()
    assert [value for value in yes if not test.matches({"PatientName": value})] == []
    assert [value for value in [*no, None] if test.matches({"PatientName": value})] == []
    wrapped = Query.of("study", patient_name=asked, supports_fuzzy_matching=True, supports_wildcard=True).matcher()
    assert [value for value in yes if not wrapped.matches({"PatientName": value})] == []


def test_fuzzy_matching_is_of_names_only():
    assert not matches({"StudyDescription": "SMITH"}, StudyDescription="smi", fuzzy_matching=True)


# ---- sequences ----


def test_sequences():
    name = "RequestAttributesSequence"
    query = Query.of("series", **{f"{name}.ScheduledProcedureStepID": "1", f"{name}.RequestedProcedureID": "2*"})
    test = query.matcher()
    both = {"ScheduledProcedureStepID": "1", "RequestedProcedureID": "22"}
    apart = [{"ScheduledProcedureStepID": "1"}, {"RequestedProcedureID": "22"}]
    for good in ([both], both, (apart[0], both)):
        assert test.matches({name: good})
    for bad in (apart, [], None, "text", 7, [None], [7]):
        assert not test.matches({name: bad})
    assert not test.matches({})
    assert Query.of("series", **{f"{name}.RequestedProcedureID": "*"}).matcher().matches({})
    item = {"00400009": {"vr": "SH", "Value": ["1"]}, "00401001": {"vr": "SH", "Value": ["29"]}}
    natural = metalith.naturalize_dataset({"00400275": {"vr": "SQ", "Value": [item]}})
    assert test.matches(natural)
    deep = {name: {"RequestedProcedureCodeSequence": {"CodeValue": "x"}}}
    assert matches({name: [{"RequestedProcedureCodeSequence": [{"CodeValue": "X"}]}]}, **deep)
    assert not matches({name: [{"RequestedProcedureCodeSequence": [{"CodeValue": "y"}]}]}, **deep)


def test_real_files():
    """Every attribute that can be asked for finds the file it came from, and not when it is another."""
    for name in ("CT_small.dcm", "MR_small.dcm", "rtplan.dcm", "waveform_ecg.dcm"):
        dataset = pydicom.dcmread(get_testdata_file(name), stop_before_pixels=True)
        instance = metalith.from_pydicom(dataset)
        asked = 0
        for element in dataset:
            if element.VR in ("SQ", "OB", "OW", "OF", "UN") or not element.keyword or not element.value:
                continue
            value = element.value[0] if element.VM > 1 else element.value
            if isinstance(value, float) or element.VR == "DS":
                value = float(value)
            elif not isinstance(value, int):
                value = str(value)
            query = Query.of("instance", **{element.keyword: value})
            assert query.matcher().matches(instance), element.keyword
            asked += 1
            (match,) = query.matches or (Match(("StudyInstanceUID",), "UI", (query.study_instance_uid,)),)
            other = {"UI": "9.9.9", "DA": "18000101", "TM": "000001.9", "AS": "999Y"}.get(match.vr, "987654321")
            assert not Matcher([match._replace(texts=(other,))]).matches(instance), element.keyword
        assert asked > 15


# ---- the scope, and what a server leaves ----


def test_the_scope_is_matched():
    query = Query.of("instance", study_instance_uid="1", series_instance_uid="2")
    assert query.matcher().matches({"StudyInstanceUID": "1", "SeriesInstanceUID": "2"})
    assert not query.matcher().matches({"StudyInstanceUID": "1", "SeriesInstanceUID": "3"})
    assert Query.of("study").matcher().is_universal


def test_what_is_left_to_match():
    assert Query.of("study", patient_name="doe*", supports_wildcard=True).residual is None
    assert Query.of("study", patient_name="doe", mrn="*").residual is None
    assert Query.of("study", patient_name="doe*", fuzzy_matching=True).residual is None
    residual = Query.of("study", patient_name="doe*", mrn="1?", study_date="20240101").residual
    assert residual.matches({"PatientName": "DOE^X", "PatientID": "12"})
    assert residual.matches({"PatientID": "12"})
    assert not residual.matches({"PatientName": "ROE", "PatientID": "12"})
    rows = [{"PatientID": "1"}, {"PatientID": "1x"}, {}]
    assert residual.filter(rows) == rows[1:]


# ---- against a model ----

LETTERS = st.text("aAbB^ *?=", max_size=6)
PLAIN = st.text("aAbBßé^ ", max_size=6)


def glob(pattern, text):
    """Wild cards by the definition."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(glob(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and (pattern[0] in ("?", text[0])) and glob(pattern[1:], text[1:])


def folded(text):
    return unicodedata.normalize("NFC", text).casefold()


def plain_name(text):
    return "^".join(part.strip() for part in folded(text).split("^")).rstrip("^")


def name_matches(pattern, groups, fuzzy):
    def one(wanted, group):
        has_empty_ones = "^" in wanted and ("*" in wanted or "?" in wanted)
        return glob(wanted, group) or (has_empty_ones and glob(wanted, group + "^" * (4 - group.count("^"))))

    found = [plain_name(group) for group in groups]
    wanted = [plain_name(part) for part in pattern.split("=")[:3]]
    if len(wanted) == 1:
        if any(one(wanted[0], group) for group in found if group or len(found) == 1):
            return True
    elif all(at < len(found) and one(part, found[at]) for at, part in enumerate(wanted) if part):
        return True
    words = [word for word in re.split(r"[\s^=,]+", folded(pattern)) if word.strip("*")]
    have = [word for group in found for word in re.split(r"[\s^=,]+", group) if word]
    return fuzzy and bool(words) and all(any(glob(word + "*", one_) for one_ in have) for word in words)


@settings(max_examples=300, deadline=None)
@given(LETTERS, PLAIN)
def test_texts_like_the_model(pattern, text):
    query = Query.of("study", StudyDescription=pattern)
    wanted = pattern.strip()
    expected = not wanted.strip("*") or glob(folded(wanted), folded(text.strip()))
    assert query.matcher().matches({"StudyDescription": text}) is bool(expected)


@settings(max_examples=400, deadline=None)
@given(LETTERS, st.lists(PLAIN, min_size=1, max_size=3), st.booleans())
def test_names_like_the_model(pattern, groups, fuzzy):
    query = Query.of("study", PatientName=pattern, fuzzy_matching=fuzzy)
    wanted = pattern.strip()
    name = PersonName(*groups)
    seen = groups if any(groups[1:]) else groups[:1]
    seen = [*seen, *[""] * (3 - len(seen))] if any(groups[1:]) else seen
    expected = not wanted.strip("*") or name_matches(wanted, seen, fuzzy)
    assert query.matcher().matches({"PatientName": name}) is bool(expected)


@settings(max_examples=300, deadline=None)
@given(
    st.none() | st.dates(),
    st.none() | st.dates(),
    st.dates(),
    st.booleans(),
)
def test_dates_like_the_model(first, last, day, near):
    if first is None and last is None:
        return
    if first and last and last < first:
        first, last = last, first
    if near:
        day = first or last
    found = matches({"StudyDate": f"{day:%Y%m%d}".rjust(8, "0")}, study_date=(first, last))
    assert found is ((first or dt.date.min) <= day <= (last or dt.date.max))


MOMENTS = st.datetimes(
    min_value=dt.datetime(1950, 1, 1),
    timezones=st.none() | st.integers(-12, 14).map(lambda hours: dt.timezone(dt.timedelta(hours=hours))),
)


@settings(max_examples=300, deadline=None)
@given(MOMENTS, MOMENTS, MOMENTS)
def test_datetimes_like_the_model(first, last, moment):
    def before(one, other):
        if one.tzinfo is None or other.tzinfo is None:
            return one.replace(tzinfo=None) < other.replace(tzinfo=None)
        return one < other

    if before(last, first):
        return
    text = f"{moment:%Y%m%d%H%M%S.%f%z}"
    found = matches({"AcquisitionDateTime": text}, AcquisitionDateTime=(first, last))
    # an end without fraction is its whole second
    last = last if last.microsecond else last.replace(microsecond=999999)
    assert found is (not before(moment, first) and not before(last, moment))


KEYS = st.sampled_from(["PatientID", "StudyID", "PatientSex"])


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(KEYS, st.sampled_from(["a", "b*", "*", "c"])),
    st.dictionaries(KEYS, st.sampled_from(["a", "bb", "c", None])),
)
def test_all_conditions_hold_together(asked, row):
    alone = [matches(row, **{name: value}) for name, value in asked.items()]
    assert matches(row, **asked) is all(alone)
    natural = metalith.naturalize_dataset(row) if row else {}
    assert matches(natural, **asked) is all(alone)
