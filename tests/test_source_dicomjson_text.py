"""Natural JSON to DICOM JSON as text, against the plain way: parsed, encoded by `metalith.dumps`, scanned."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import metalith
from metalith.errors import ParseError
from metalith.sources.dicomjson.elements import Elements, Wrong, joined
from metalith.sources.dicomjson.text import end_of_value, items_of, members_of, metadata_and_url


def natural(text: bytes | dict[str, Any]) -> metalith.Instance:
    elements = Elements()
    made = elements.of(text if isinstance(text, bytes) else json.dumps(text).encode())
    elements.split(made)
    return metalith.naturalize(joined(made))[0]


# ---- taking text apart ----

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(json_values, st.sampled_from([None, 1]), st.booleans(), st.binary(max_size=8))
def test_a_value_ends_where_it_ends(value: Any, indent: int | None, ascii_only: bool, rest: bytes) -> None:
    try:
        text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    except UnicodeEncodeError:
        return
    after = b"," + rest  # what follows a number ends it
    assert end_of_value(text + after, 0) == len(text)


@given(st.dictionaries(st.text(), json_values, max_size=6), st.sampled_from([None, 1]))
def test_members_are_those_of_the_object(value: dict[str, Any], indent: int | None) -> None:
    text = json.dumps(value, indent=indent).encode()
    pieces = members_of(text)
    assert b"".join(pieces) + b"}" == text or not value
    assert json.loads(b"{" + b",".join(piece[1:] for piece in pieces) + b"}") == value


@given(st.lists(json_values, max_size=6), st.sampled_from([None, 1]))
def test_items_are_those_of_the_array(value: list[Any], indent: int | None) -> None:
    text = json.dumps(value, indent=indent).encode()
    assert json.loads(b"[" + b",".join(piece[1:] for piece in items_of(text)) + b"]") == value


@pytest.mark.parametrize("depth", [7, 8, 9, 40, 400])
def test_deep_values_are_followed(depth: int) -> None:
    text = b'{"a": 1, "b": %b"}]"%b , "c":2}' % (b"[" * depth, b"]" * depth)
    assert [piece[1:].strip()[:3] for piece in members_of(text)] == [b'"a"', b'"b"', b'"c"']
    assert end_of_value(b"[" + text, 1) == len(text) + 1


def test_too_deep_values_are_refused() -> None:
    with pytest.raises(ParseError, match="max_json_depth=1,024"):
        end_of_value(b"[" * 2000 + b"]" * 2000, 0)


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b'{"a"}', b'{"a":}', b'{"a":1,}', b'{,"a":1}', b'{"a":1 "b":2}', b'{"a":1{"b":2}', b'{"a":1}}', b"[1]"],
)
def test_what_is_no_object(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        members_of(text)


@pytest.mark.parametrize(
    "hostile",
    [
        b'{"a":' + b"[" * 500 + b'"' + b'\\"' * 50_000,
        b"{" + b'"a":[[[[[[[[[[1]]]]]]]]]],' * 8000 + b'"b"}',
        b'{"a":"' + b',\\":[' * 40_000 + b'","b":[[[[[[[[[[[[1]]]]]]]]]]]] 5}',
        b'{"a":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b' "x"}',
    ],
)
def test_hostile_text_takes_no_more_time_than_its_length(hostile: bytes) -> None:
    start = time.process_time()
    with pytest.raises(ValueError, match=r"."):
        members_of(hostile)
    with pytest.raises(ParseError):
        end_of_value(hostile[:-1], 0)
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        (b'{"metadata":{"a":{}},"url":"u"}', (b'{"a":{}}', b'"u"')),
        (b'{ "metadata" : {} , "url" : "u" }', (b"{}", b'"u"')),
        (b'{"url":"u","metadata":{"a":1}}', (b'{"a":1}', b'"u"')),
        (b'{"metadata":{},"url":"\\u0075"}', None),
        (b'{"metadata":{},"url":5}', None),
        (b'{"metadata":{}}', None),
        (b'{"x":1,"metadata":{},"url":"u"}', None),
    ],
)
def test_entries_with_metadata_and_url(entry: bytes, found: tuple[bytes, bytes] | None) -> None:
    assert metadata_and_url(entry) == found


# ---- values ----

uids = st.from_regex(r"[1-9]\.[1-9]{1,8}", fullmatch=True)
texts = st.text(
    st.characters(codec="utf-8", exclude_characters="\\=", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12
)
numbers = st.integers(-(2**31), 2**31 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False, width=32)
one_or_several = {
    "Rows": st.integers(0, 65535),
    "InstanceNumber": numbers,
    "SmallestImagePixelValue": st.integers(0, 32767),
    "PixelRepresentation": st.sampled_from([0, 1]),
    "PixelSpacing": st.lists(floats, min_size=2, max_size=2),
    "SliceLocation": floats | numbers,
    "PatientName": texts,
    "OtherPatientNames": st.lists(texts, min_size=1, max_size=3),
    "PatientID": texts,
    "ImageType": st.lists(texts, min_size=1, max_size=4),
    "ImageComments": texts,
    "StudyDate": st.just("20240229"),
    "SOPInstanceUID": uids,
    "AccessionNumber": st.none(),
    "FrameIncrementPointer": st.just("00181063"),
}
flat = st.fixed_dictionaries({}, optional=one_or_several)
nested = st.recursive(
    flat,
    lambda inner: st.builds(
        lambda base, items: {**base, "ReferencedImageSequence": items}, flat, st.lists(inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=80)
@given(st.lists(nested, min_size=1, max_size=4), st.sampled_from([None, 1]))
def test_the_same_as_encoding_parsed_objects(datasets: list[dict[str, Any]], indent: int | None) -> None:
    elements = Elements()  # with what it remembers of the datasets before
    for dataset in datasets:
        text = json.dumps(dataset, indent=indent, ensure_ascii=False).encode()
        assert metalith.naturalize(joined(elements.of(text)))[0] == metalith.naturalize(metalith.dumps(dataset))[0]


@pytest.mark.parametrize(
    ("keyword", "given_value", "expected"),
    [
        ("Rows", "512", 512),
        ("Rows", 512.0, 512),
        ("Rows", [512], 512),
        ("Rows", "", None),
        ("Rows", [], None),
        ("InstanceNumber", " 7 ", 7),
        ("PixelSpacing", "0.5\\0.25", (0.5, 0.25)),
        ("PixelSpacing", ["0.5", 0.25], (0.5, 0.25)),
        ("PixelSpacing", [0.5, None], (0.5, None)),
        ("RescaleSlope", "NaN", float("nan")),
        ("SliceLocation", -1e-7, -1e-7),
        ("StudyID", 7, "7"),
        ("AccessionNumber", 1.50, "1.5"),
        ("ImageType", "ORIGINAL\\PRIMARY", ("ORIGINAL", "PRIMARY")),
        ("ImageComments", "a\\b", "a\\b"),
        ("PatientName", {"Alphabetic": "ROE^ANA"}, "ROE^ANA"),
        ("PatientName", [{"Alphabetic": "ROE^ANA"}], "ROE^ANA"),
        ("PatientName", "", None),
        ("LargestImagePixelValue", -5, -5),
        ("PixelData", {"BulkDataURI": "u"}, metalith.BulkData("u", "OW")),
        ("RedPaletteColorLookupTableData", {"InlineBinary": "AAEC"}, b"\0\1\2"),
        ("00091001", {"vr": "SH", "Value": ["x"]}, "x"),
        ("00091001", "x", "x"),
        ("00280010", 5, None),
    ],
)
def test_values_as_manifests_have_them(keyword: str, given_value: Any, expected: Any) -> None:
    found = natural({keyword: given_value})
    if keyword == "00280010":
        assert found.Rows == 5
    elif isinstance(expected, float) and expected != expected:
        assert found[keyword] != found[keyword]
    else:
        assert found[keyword] == expected
        assert type(found[keyword]) is type(expected) or keyword == "PatientName"


def test_what_python_writes_and_json_has_not() -> None:
    assert natural(b'{"RescaleSlope": Infinity}').RescaleSlope == float("inf")
    assert natural(b'{"RescaleSlope": 1e999}').RescaleSlope == float("inf")
    assert len(natural(b'{"InstanceNumber": ' + b"9" * 5000 + b"}").raw("InstanceNumber")) >= 5000


def test_signs_of_pixels_decide_over_open_vrs() -> None:
    around = {"PixelRepresentation": 1, "SmallestImagePixelValue": 5}
    found = natural({**around, "ModalityLUTSequence": [{"LUTDescriptor": [1, 2, 3]}]})
    assert (found.vr("SmallestImagePixelValue"), found.ModalityLUTSequence[0].vr("LUTDescriptor")) == ("SS", "SS")
    icon = natural({**around, "IconImageSequence": [{"PixelRepresentation": 0, "SmallestImagePixelValue": 5}]})
    assert icon.IconImageSequence[0].vr("SmallestImagePixelValue") == "US"
    elements = Elements()  # remembers the member, not its VR
    for sign, vr in ((0, "US"), (1, "SS"), (0, "US")):
        text = json.dumps({"PixelRepresentation": sign, "SmallestImagePixelValue": 5}).encode()
        assert metalith.naturalize(joined(elements.of(text)))[0].vr("SmallestImagePixelValue") == vr


def test_one_item_without_brackets_and_items_that_are_null() -> None:
    found = natural({"ReferencedImageSequence": [None, {"ReferencedSOPInstanceUID": "1.2"}]})
    assert len(found.ReferencedImageSequence) == 2
    assert natural({"ReferencedImageSequence": {"ReferencedSOPInstanceUID": "1.2"}}).ReferencedImageSequence[0] == {
        "ReferencedSOPInstanceUID": "1.2"
    }


def test_of_a_name_that_comes_twice_the_last_counts() -> None:
    assert natural(b'{"Rows": 1, "Rows": 2}').Rows == 2
    assert natural(b'{"Rows": 1, "00280010": 3}').Rows == 3


def test_names_with_escapes() -> None:
    assert natural(b'{"\\u0052ows": 7}').Rows == 7


def test_sequences_are_followed_as_far_as_the_limit() -> None:
    def text(depth: int) -> bytes:
        return b'{"ReferencedImageSequence":[' * depth + b'{"Rows":7}' + b"]}" * depth

    found = natural(text(64))
    for _ in range(64):
        found = found.ReferencedImageSequence[0]
    assert found.Rows == 7
    with pytest.raises(Wrong, match="too deep"):
        natural(text(65))


def test_what_is_remembered_is_bounded() -> None:
    elements = Elements()
    for number in range(60_000):
        elements.of(b'{"InstanceNumber":%d}' % number)
    assert len(elements) <= 20_001
    for number in range(40):
        elements.of(b'{"ImageComments":"%07d%b"}' % (number, b"x" * 1_000_000))
    assert sum(map(len, elements)) < 16 << 20
