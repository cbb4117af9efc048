"""Values by their VR: numbers in every spelling, names, bulk references, dates and times."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
import pickle

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import metalith
from metalith import BulkData, PersonName, as_date, as_datetime, as_time

INTEGERS = ["IS", "SL", "SS", "SV", "UL", "US", "UV"]
FLOATS = ["DS", "FL", "FD"]
MANY = settings(max_examples=100, deadline=None)


def value(vr, text):
    """The value of an element whose one value is this JSON text: alone, among others, and after another row."""
    element = f'{{"00091001":{{"vr":"{vr}","Value":[%s]}}}}'
    one = metalith.naturalize(element % text)[0]["00091001"]
    assert same(metalith.naturalize(element % f"1, {text} ,null")[0]["00091001"], (1, one, None))
    assert same(metalith.naturalize(f"[{element % 7},{element % text}]")[1]["00091001"], one)
    odd = element.replace("}}", ',"x":0}}')
    assert same(metalith.naturalize(odd % text)[0]["00091001"], one)
    return one


def same(ours, theirs):
    """Equal and of equal types; NaN equals itself."""
    if isinstance(ours, tuple):
        return len(ours) == len(theirs) and all(map(same, ours[1:], theirs[1:])) and ours[0] == theirs[0]
    return type(ours) is type(theirs) and (ours == theirs or (ours != ours and theirs != theirs))


class TestFloats:
    @MANY
    @given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(FLOATS))
    @example(5e-324, "FD")
    @example(2.2250738585072011e-308, "FD")
    @example(-0.0, "DS")
    def test_repr(self, number, vr):
        for text in (repr(number), json.dumps(repr(number)), json.dumps(f" {number!r} ")):
            found = value(vr, text)
            assert same(found, number)
            assert math.copysign(1, found) == math.copysign(1, number)

    @MANY
    @given(st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
    @example("9007199254740993")
    @example("1e400")
    @example("-1e-400")
    @example("0.000000000000000000000000000000000000000000000000000000000001e60")
    def test_any_json_number(self, text):
        assert same(value("FD", text), float(text))

    @MANY
    @given(st.from_regex(r"\A[+-]?([0-9]{1,20}\.?[0-9]{0,20}|\.[0-9]{1,20})([eE][+-]?[0-9]{1,3})?\Z"))
    @example("+1.")
    @example("00012.50")
    def test_any_decimal_string(self, text):
        assert same(value("DS", json.dumps(f" {text} ")), float(text))

    @pytest.mark.parametrize("sign", ["", "+", "-"])
    @pytest.mark.parametrize("word", ["inf", "INF", "Inf", "infinity", "Infinity", "INFINITY", "1.#INF"])
    @pytest.mark.parametrize("vr", FLOATS)
    def test_infinities(self, vr, word, sign):
        assert value(vr, f'"{sign}{word}"') == (-math.inf if sign == "-" else math.inf)

    @pytest.mark.parametrize("word", ["nan", "NaN", "NAN", "Nan", "-nan", "+NaN", " NaN ", "1.#QNAN", "-1.#IND"])
    @pytest.mark.parametrize("vr", FLOATS)
    def test_nan(self, vr, word):
        assert math.isnan(value(vr, f'"{word}"'))

    @pytest.mark.parametrize(("token", "number"), [("NaN", math.nan), ("Infinity", math.inf), ("-Infinity", -math.inf)])
    def test_bare_tokens(self, token, number):
        table = metalith.naturalize(f'{{"00091001":{{"vr":"FD","Value":[1,{token}]}}}}')
        assert same(table[0]["00091001"][1], number)
        assert [problem.reason for problem in table.problems] == ["NaN or Infinity without quotes"]

    @pytest.mark.parametrize(
        "text", ["1,5", "1.5 mm", "1.5.2", "0x10", "1e", "e5", "--1", "+-1", ".", "1 2", "1_0", "١", "infin", "na"]
    )
    @pytest.mark.parametrize("vr", FLOATS)
    def test_what_is_no_number(self, vr, text):
        assert value(vr, json.dumps(text)) == text

    @pytest.mark.parametrize(("text", "number"), [(" 1.5 ", 1.5), ("  -2", -2.0), ("7   ", 7.0), ("+3 ", 3.0)])
    def test_padding(self, text, number):
        assert same(value("DS", json.dumps(text)), number)

    @pytest.mark.parametrize("vr", FLOATS)
    def test_padding_with_nul(self, vr):
        assert value(vr, '"1.5\\u0000"') == 1.5

    @pytest.mark.parametrize("blank", ['""', '" "', '"    "', "null"])
    @pytest.mark.parametrize("vr", [*FLOATS, *INTEGERS])
    def test_blank(self, vr, blank):
        assert value(vr, blank) is None


class TestIntegers:
    @MANY
    @given(st.integers(-(2**80), 2**80), st.sampled_from(INTEGERS))
    @example(2**63 - 1, "SV")
    @example(2**63, "UV")
    @example(-(2**63), "SV")
    @example(-(2**63) - 1, "SV")
    @example(2**64 - 1, "UV")
    @example(2**64, "UV")
    @example(2**53 + 1, "UL")
    def test_exact(self, number, vr):
        for text in (str(number), f'"{number}"', f'" {number} "', f'"{number}.0"', f'"{number:+021d}"', f"{number}.00"):
            assert same(value(vr, text), number)

    @MANY
    @given(st.integers(-999, 999), st.integers(0, 25))
    def test_exponents(self, digits, exponent):
        for text in (f"{digits}e{exponent}", f'"{digits}E+{exponent}"', f'"{digits}{"0" * exponent}e-{exponent}"'):
            expected = digits if text.startswith('"') and "e-" in text else digits * 10**exponent
            assert same(value("IS", text), expected)

    @pytest.mark.parametrize("vr", INTEGERS)
    def test_long(self, vr):
        number = 10**300 + 7
        assert value(vr, str(number)) == number
        assert value(vr, f'"{number}"') == number

    @pytest.mark.parametrize("vr", INTEGERS)
    @pytest.mark.parametrize(
        ("text", "kept"), [("2.5", "2.5"), ('"2.5"', "2.5"), ('"1e-1"', "1e-1"), ('"1,5"', "1,5"), ('"0x1F"', "0x1F")]
    )
    def test_what_is_no_integer(self, vr, text, kept):
        assert value(vr, text) == kept

    def test_a_huge_exponent_costs_nothing(self):
        assert value("IS", '"1e999999999"') in ("1e999999999", math.inf)

    def test_two_times_zero(self):
        assert same(value("IS", '"-0"'), 0)
        assert same(value("IS", "-0.0"), 0)


class TestOthers:
    TEXTS = ("AE", "AS", "CS", "DA", "DT", "LO", "LT", "SH", "ST", "TM", "UC", "UI", "UR", "UT")

    @settings(max_examples=100, deadline=None)
    @given(st.text(min_size=1), st.sampled_from(TEXTS), st.booleans())
    @example("\0", "LO", False)
    @example(" padded ", "LO", True)
    def test_text_is_as_sent(self, text, vr, ascii):
        assume(text.isprintable() or ascii)
        encoded = json.dumps(text, ensure_ascii=ascii)
        element = f'{{"00091001":{{"vr":"{vr}","Value":[{encoded}'
        body = f'[{element}]}}}},{element},"b"]}}}}]'
        first, second = metalith.naturalize(body.encode("utf-8", "surrogatepass"))
        assert first["00091001"] == text
        assert second["00091001"] == (text, "b")
        assert type(first["00091001"]) is str

    @pytest.mark.parametrize("vr", TEXTS)
    @pytest.mark.parametrize(("sent", "found"), [("5", "5"), ("1.50", "1.50"), ("true", "true"), ("[1, 2]", "[1,2]")])
    def test_other_json_becomes_text(self, vr, sent, found):
        body = f'{{"00091001":{{"vr":"{vr}","Value":[{sent}]}}}}'
        assert metalith.naturalize(body)[0]["00091001"] == found

    def test_tags(self):
        instance = metalith.naturalize({"00209165": {"vr": "AT", "Value": ["0020000d", "7FE00010"]}})[0]
        assert instance.DimensionIndexPointer == ("0020000D", "7FE00010")

    def test_unknown_values(self):
        instance = metalith.naturalize(b'{"00091001":{"vr":"UN","Value":["1",2,3.5,18446744073709551616]}}')[0]
        assert instance["00091001"] == ("1", 2, 3.5, 2**64)
        assert [type(v) for v in instance["00091001"]] == [str, int, float, int]

    @pytest.mark.parametrize("vr", ["", '"vr":null,', '"vr":"??",', '"vr":"us",', '"vr":5,'])
    def test_vr_of_the_dictionary(self, vr):
        sent = {"00280010": "512", "00100010": "A=B", "00091001": "5"}
        body = ",".join(f'"{tag}":{{{vr}"Value":["{text}"]}}' for tag, text in sent.items())
        instance = metalith.naturalize(f"{{{body}}}")[0]
        assert instance.Rows == 512
        assert instance.PatientName.ideographic == "B"
        assert instance["00091001"] == "5"
        assert instance.vr("Rows") == "US"
        assert instance.vr("00091001") == "UN"

    @pytest.mark.parametrize(
        "members", ['"vr":"DS","Value":["1"]', '"Value":["1"],"vr":"DS"', ' "Value" : [ "1" ] , "vr" : "DS" ']
    )
    def test_members_in_any_order(self, members):
        assert metalith.naturalize(f'{{"00091001":{{{members}}}}}')[0]["00091001"] == 1.0

    def test_items_before_their_vr(self):
        item = '[{"00280010":{"Value":[5],"vr":"US"}}]'
        body = f'{{"00091001":{{"Value":{item},"vr":"SQ"}},"00081140":{{"Value":{item},"vr":"SQ"}}}}'
        instance = metalith.naturalize(body)[0]
        assert instance["00091001"].Rows == instance.ReferencedImageSequence.Rows == 5


class TestPersonName:
    def test_groups_and_components(self):
        name = PersonName("Adams^John Robert Quincy^Q^Rev.^B.A. M.Div.", "山田^太郎", "やまだ^たろう")
        assert name == "Adams^John Robert Quincy^Q^Rev.^B.A. M.Div." == name.alphabetic
        assert (name.family_name, name.given_name, name.middle_name) == ("Adams", "John Robert Quincy", "Q")
        assert (name.name_prefix, name.name_suffix) == ("Rev.", "B.A. M.Div.")
        assert (name.ideographic, name.phonetic) == ("山田^太郎", "やまだ^たろう")
        assert name.text == f"{name.alphabetic}=山田^太郎=やまだ^たろう"
        assert isinstance(name, str)
        assert name.upper().startswith("ADAMS")

    @given(*[st.text(st.characters(exclude_characters="=", exclude_categories=["Cs"]), max_size=5)] * 3)
    def test_text_and_both_forms(self, a, i, p):
        name = PersonName(a, i, p)
        assert name.text == "=".join([a, i, p]).rstrip("=")
        assert str(name) == (a or i or p)
        groups = {"Alphabetic": a, "Ideographic": i, "Phonetic": p}
        for sent in (groups, {key: group for key, group in groups.items() if group}, name.text):
            found = metalith.naturalize({"00100010": {"vr": "PN", "Value": [sent]}})[0].PatientName
            if not (a or i or p):
                assert found is None
            else:
                assert type(found) is PersonName
                assert (found.alphabetic, found.ideographic, found.phonetic) == (a, i, p)
        assert PersonName(*pickle.loads(pickle.dumps([name]))[0].text.split("=")) == name

    def test_missing_components(self):
        assert PersonName("A").given_name == PersonName("A").name_suffix == PersonName().family_name == ""
        assert PersonName("", "山田^太郎").family_name == "山田"

    def test_equality(self):
        assert PersonName("A", "B") == PersonName("A", "B")
        assert hash(PersonName("A", "B")) == hash(PersonName("A", "B"))
        assert PersonName("A", "B") != PersonName("A", "C")
        assert PersonName("A", "B") == "A"
        assert PersonName("A") != "B"
        assert PersonName("A") != 5
        assert {"A": 1}[PersonName("A")] == 1

    @pytest.mark.parametrize("name", ["alphabetic", "family_name", "text", "other"])
    def test_immutable(self, name):
        with pytest.raises(AttributeError):
            setattr(PersonName("A"), name, "B")

    def test_odd_values(self):
        for sent, expected in [({}, None), ("", None), ("=", None), ("A=B=C=D", "A"), ({"Alphabetic": None}, None)]:
            assert metalith.naturalize({"00100010": {"vr": "PN", "Value": [sent]}})[0].PatientName == expected
        several = metalith.naturalize({"00101001": {"vr": "PN", "Value": ["A", None, {"Phonetic": "P"}]}})[0]
        assert several.OtherPatientNames == ("A", None, "P")


def test_bulk_data():
    bulk = BulkData("https://host/x?token=SECRET", "OW")
    assert bulk == BulkData("https://host/x?token=SECRET", "OW") != BulkData("x", "OW")
    assert hash(bulk) == hash(BulkData("https://host/x?token=SECRET", "OW"))
    assert "SECRET" not in f"{bulk}{bulk!r}{[bulk]}"
    assert "OW" in repr(bulk)
    with pytest.raises(dataclasses.FrozenInstanceError):
        bulk.uri = "y"


class TestDates:
    @given(st.dates(min_value=dt.date(1000, 1, 1)))
    def test_dates(self, date):
        for text in (f"{date:%Y%m%d}", f"{date:%Y.%m.%d}", f"{date:%Y%m%d} ", f"{date:%Y%m%d}\0"):
            assert as_date(text) == date

    @given(st.times())
    def test_times(self, time):
        assert as_time(f"{time:%H%M%S.%f}") == time
        assert as_time(f"{time:%H:%M:%S.%f} ") == time
        assert as_time(f"{time:%H%M%S}") == time.replace(microsecond=0)
        assert as_time(f"{time:%H%M}") == time.replace(second=0, microsecond=0)
        assert as_time(f"{time:%H}") == dt.time(time.hour)

    @given(st.datetimes(min_value=dt.datetime(1000, 1, 1)), st.integers(-12 * 60, 14 * 60))
    def test_datetimes(self, moment, minutes):
        assert as_datetime(f"{moment:%Y%m%d%H%M%S.%f}") == moment
        offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
        aware = moment.replace(tzinfo=dt.timezone(dt.timedelta(minutes=minutes)))
        found = as_datetime(f"{moment:%Y%m%d%H%M%S.%f}{offset}")
        assert (found.replace(tzinfo=None), found.utcoffset()) == (moment, aware.utcoffset())
        assert as_datetime(f"{moment:%Y%m}") == dt.datetime(moment.year, moment.month, 1)
        assert as_datetime(f"{moment:%Y}") == dt.datetime(moment.year, 1, 1)

    @pytest.mark.parametrize("digits", range(1, 7))
    def test_fractions(self, digits):
        assert as_time("142035." + "9" * digits).microsecond == int(("9" * digits).ljust(6, "0"))

    def test_leap_second(self):
        assert as_time("235960") == dt.time(23, 59, 59)

    @pytest.mark.parametrize("function", [as_date, as_time, as_datetime])
    @pytest.mark.parametrize(
        "text", [None, "", " ", "x", "99999999", "20240101-20240201", "2024-01-01", "2", "20241301", "1234567890123456"]
    )
    def test_what_is_none(self, function, text):
        assert function(text) is None

    @pytest.mark.parametrize("text", ["20230229", "2024.02", "20240229 1200", "00000101"])
    def test_no_dates(self, text):
        assert as_date(text) is None

    @pytest.mark.parametrize("text", ["2400", "1260", "126161", "12.5", "1-2", "120000-130000", "12000"])
    def test_no_times(self, text):
        assert as_time(text) is None

    @pytest.mark.parametrize("text", ["20240101250000", "20240101+9999", "20240101+01"])
    def test_no_datetimes(self, text):
        assert as_datetime(text) is None

    def test_values_of_an_instance(self):
        instance = metalith.naturalize({"00080020": {"vr": "DA", "Value": ["20240229"]}, "00080030": {"vr": "TM"}})[0]
        assert as_date(instance.StudyDate) == dt.date(2024, 2, 29)
        assert as_time(instance.StudyTime) is None
