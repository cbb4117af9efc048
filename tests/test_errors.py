"""Errors and problems: each kind with its place, truncation anywhere, and nothing of the data in any text."""

from __future__ import annotations

import contextlib
import copy
import json
import logging
import pickle
import traceback

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.files import text_of

import metalith
from metalith import ParseError, Problem, naturalize

GOOD = '{"00280010":{"vr":"US","Value":[1]}}'
HEAD = f'[{GOOD},{{"00080060":{{"vr":"CS"}},"00081140":{{"vr":"SQ","Value":[{{}},{{"00081155":'
# what stands in the place of the element (0008,1155) of the second item in the second instance; where it goes wrong
FAULTS = [
    ('{"vr":"UI","Value":["1" "2"]}', '"2"', "not JSON"),
    ('{"vr":"UI" "Value":["1"]}', '"Value', "not JSON"),
    ('{"vr" "UI"}', '"UI', "not JSON"),
    ("{vr:1}", "vr", "not JSON"),
    ('{"vr":"UI",}', "}", "not JSON"),
    ('{"vr":"UI","Value":["1",]}', "]", "not JSON"),
    ('{"vr":"UI","Value":[}', "}", "not JSON"),
    ('{"vr":"UI","Value":[tru]}', "tru", "not JSON"),
    ('{"vr":"UI","Value":[nulL]}', "nulL", "not JSON"),
    ('{"vr":"UI","x":[{"y" 1}]}', "1}", "not JSON"),
    ('{"vr":"UI","Value":[+1]}', "+1", "not JSON"),
    ("'x'", "'x'", "not JSON"),
    ('{"vr":"UI","Value":[01]}', "01", "not a JSON number"),
    ('{"vr":"UI","Value":[1.]}', "1.", "not a JSON number"),
    ('{"vr":"UI","Value":[-]}', "-]", "not a JSON number"),
    ('{"vr":"UI","Value":[1e+]}', "1e+", "not a JSON number"),
    ('{"vr":"UI","Value":["a\nb"]}', "\n", "a control character inside a string"),
    ('{"vr":"UI","Value":["a\\x"]}', "\\x", "an escape that JSON does not have"),
    ('{"vr":"UI","Value":["a\\u12G4"]}', "\\u12", "an escape that JSON does not have"),
    (b'{"vr":"UI","Value":["a\xff"]}', b"\xff", "not UTF-8"),
    (b'{"vr":"UI","Value":["a\xed\xa0\x80"]}', b"\xed", "not UTF-8"),
    (b'{"vr":"UI","Value":["a\xc0\x80"]}', b"\xc0", "not UTF-8"),
    (b'{"vr":"UI","Value":["a\xe2\x82"]}', b"\xe2", "not UTF-8"),
]


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


@pytest.mark.parametrize(("element", "at", "reason"), FAULTS)
@pytest.mark.parametrize("form", ["bytes", "file", "pieces"])
def test_faults_and_their_place(element, at, reason, form, tmp_path):
    body = HEAD.encode() + as_bytes(element) + b"}]}}]"
    source = "PACS 1"
    given_ = body
    if form == "file":
        given_ = tmp_path / "x.json"
        given_.write_bytes(body)
        source = str(given_)
    elif form == "pieces":
        given_ = [body[i : i + 5] for i in range(0, len(body), 5)]
    with pytest.raises(ParseError) as caught:
        naturalize(given_, source=None if form == "file" else source)
    error = caught.value
    assert error.reason == reason
    assert error.row == 1
    assert error.path == "00081140[1].00081155"
    assert error.source == source
    assert error.offset == body.index(as_bytes(at), len(HEAD))
    assert str(error) == f"{source}: {reason} (at byte {error.offset}, instance 1, 00081140[1].00081155)"
    assert isinstance(error, ValueError)
    assert isinstance(error, metalith.MetalithError)


@pytest.mark.parametrize(
    ("body", "offset", "row", "reason"),
    [
        ("", 0, 0, "no JSON document: the input is empty"),
        ("  ", 2, 0, "no JSON document: the input is empty"),
        ("[", 1, 0, "the input ends in the middle of a document"),
        (f"[{GOOD}", len(GOOD) + 1, 1, "the input ends in the middle of a document"),
        (f"[{GOOD},", len(GOOD) + 2, 1, "the input ends in the middle of a document"),
        ("{", 1, 0, "the input ends in the middle of a document"),
        ("[1]", 1, 0, "a dataset must be a JSON object"),
        ("[null]", 1, 0, "a dataset must be a JSON object"),
        (f"[{GOOD}, []]", len(GOOD) + 3, 1, "a dataset must be a JSON object"),
        ("null", 0, 0, "not JSON"),
        ("x", 0, 0, "not JSON"),
        ("<html>", 0, 0, "not JSON"),
        ("[}", 1, 0, "not JSON"),
        ("]", 0, 0, "not JSON"),
        (f"[{GOOD} {GOOD}]", len(GOOD) + 2, 1, "not JSON"),
        (f"[{GOOD},]", len(GOOD) + 2, 1, "not JSON"),
        (f"{GOOD} x", len(GOOD) + 1, 1, "not JSON"),
        (f"{GOOD},{GOOD}", len(GOOD), 1, "not JSON"),
        ("\ufeff\ufeff{}", 3, 0, "not JSON"),
        ("\ufeff[1]", 4, 0, "a dataset must be a JSON object"),
        ("\0", 0, 0, "not JSON"),
        ("{1:2}", 1, 0, "not JSON"),
        ("{,}", 1, 0, "not JSON"),
    ],
)
def test_faults_around_datasets(body, offset, row, reason):
    for given_ in (body, iter([c.encode() for c in body])):
        with pytest.raises(ParseError) as caught:
            naturalize(given_)
        assert (caught.value.reason, caught.value.offset, caught.value.row) == (reason, offset, row)
        assert caught.value.path == ""
        assert caught.value.source is None


def test_the_same_fault_after_equal_rows():
    """Where rows are compared with the one before, too."""
    rows = [text_of("MR_small.dcm").replace(": ", ":").replace(", ", ",")] * 3
    whole = f"[{','.join(rows)}]".encode()
    naturalize(whole)
    third = len(whole) - 1 - len(rows[0].encode())
    faults = [(b'"MONOCHROME2"', b'"MONO\x01HROME2"'), (b'"US"', b'"US'), (b'"Value":', b'"Value"'), (b'"MR"', b"MR")]
    for old, new in faults:
        place = whole.index(old, third)
        broken = whole[:place] + new + whole[place + len(old) :]
        with pytest.raises(ParseError) as caught:
            naturalize(broken)
        assert caught.value.row == 2
        assert place <= caught.value.offset <= place + len(new) + 20
        assert len(caught.value.path) == 8
        alone = broken[third:]
        with pytest.raises(ParseError) as first:
            naturalize(b"[" + alone)
        assert first.value.offset + third - 1 == caught.value.offset
        assert (first.value.reason, first.value.path) == (caught.value.reason, caught.value.path)


SMALL = json.dumps(
    [
        {
            "00080008": {"vr": "CS", "Value": ["ORIGINAL", None]},
            "00081140": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2"]}}]},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Buc^Jérôme", "Ideographic": "東京😀\n"}]},
            "00280030": {"vr": "DS", "Value": [0.5, -1.5e-7, True]},
            "7FE00010": {"vr": "OW", "InlineBinary": "AAEC"},
            "00091001": {"x": [[{"a": "\x01"}]], "Value": 1},
        }
    ]
    * 2,
    indent=1,
)


@pytest.mark.parametrize(
    "body", [SMALL.encode(), f"[{text_of('rtdose_1frame.dcm')[:3000]}".encode()], ids=["made", "real"]
)
def test_truncated_anywhere(body):
    for end in range(len(body) - 1 if body.endswith(b"]") else len(body)):
        for given_ in (body[:end], [body[: end // 2], body[end // 2 : end]]):
            with pytest.raises(ParseError) as caught:
                naturalize(given_)
            assert caught.value.offset <= end
            assert caught.value.reason in (
                "the input ends in the middle of a document",
                "no JSON document: the input is empty",
                "not UTF-8",
            )


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_anywhere(data):
    """A byte that is changed, added or missing gives a table or a ParseError, the same by every way in."""
    body = bytearray(SMALL.encode())
    place = data.draw(st.integers(0, len(body) - 1))
    byte = data.draw(st.sampled_from(b'"{}[]:,\\0e-.n \x00\xff\xc3') | st.integers(0, 255))
    body[place : place + data.draw(st.integers(0, 2))] = bytes([byte])
    outcomes = []
    for given_ in (bytes(body), [bytes(body[:place]), bytes(body[place:])]):
        try:
            table = naturalize(given_)
            outcomes.append((table.to_json("dicom"), repr(table.to_dicts())))
        except ParseError as error:
            outcomes.append((error.reason, error.offset, error.row, error.path))
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0]) == 2 or 0 <= outcomes[0][1] <= len(body)


# what is accepted, though it is not as PS3.18 wants it: kind, element
PROBLEMS = [
    (3, '"element"', "the element is not an object"),
    (3, "null", "the element is not an object"),
    (4, '{"Value":["A"]}', "the element has no vr; taken from the dictionary"),
    (5, '{"vr":"XX","Value":["A"]}', "the vr is none of PS3.5's; taken from the dictionary"),
    (5, '{"vr":null}', "the vr is none of PS3.5's; taken from the dictionary"),
    (6, '{"vr":"LO","Value":"A"}', "Value is not an array"),
    (6, '{"vr":"LO","Value":null}', "Value is not an array"),
    (7, '{"vr":"OB","BulkDataURI":5}', "BulkDataURI or InlineBinary is not a string"),
    (7, '{"vr":"OB","InlineBinary":[]}', "BulkDataURI or InlineBinary is not a string"),
    (8, '{"vr":"OB","BulkDataURI":"u","InlineBinary":"AA=="}', "more than one of Value, BulkDataURI and InlineBinary"),
    (8, '{"vr":"LO","Value":["A"],"BulkDataURI":"u"}', "more than one of Value, BulkDataURI and InlineBinary"),
    (9, '{"vr":"LO","Value":[5]}', "a value is of a JSON type that its VR does not take"),
    (9, '{"vr":"US","Value":["5"]}', "a value is of a JSON type that its VR does not take"),
    (9, '{"vr":"PN","Value":["A^B"]}', "a value is of a JSON type that its VR does not take"),
    (9, '{"vr":"AT","Value":["PixelData"]}', "a value is of a JSON type that its VR does not take"),
    (9, '{"vr":"LO","Value":[{"a":1}]}', "a value is of a JSON type that its VR does not take"),
    (10, '{"vr":"IS","Value":["x"]}', "text that is not a number; kept as text"),
    (10, '{"vr":"FD","Value":[1,"1,5"]}', "text that is not a number; kept as text"),
    (11, '{"vr":"IS","Value":["2.5"]}', "a number that is not an integer"),
    (11, '{"vr":"US","Value":[2.5]}', "a number that is not an integer"),
    (12, '{"vr":"SQ","Value":[{},null]}', "an item of the sequence is not an object"),
    (13, '{"vr":"OB","InlineBinary":"A*"}', "InlineBinary is not base64; kept as text"),
    (14, '{"vr":"LO","Value":["\\ud83d"]}', "half of a UTF-16 surrogate pair; shown as U+FFFD"),
    (15, '{"vr":"FD","Value":[NaN]}', "NaN or Infinity without quotes"),
    (2, '{"vr":"LO","vr":"LO"}', "the attribute comes twice in one dataset; the last one counts"),
]


class TestProblems:
    @pytest.mark.parametrize(("kind", "element", "reason"), PROBLEMS)
    def test_each_kind(self, kind, element, reason):
        body = f'[{GOOD},{{"00081140":{{"vr":"SQ","Value":[{{}},{{"00091001":{element}}}]}}}}]'
        problems = naturalize(body).problems
        offset = problems[0].offset
        assert problems == (Problem(kind, "00081140[1].00091001", 1, offset, 1),)
        assert problems[0].reason == reason
        assert str(problems[0]) == f"00081140[1].00091001: {reason} (first in instance 1, byte {offset})"
        assert body.index(element) <= offset < body.index(element) + len(element)
        with pytest.raises(ParseError) as caught:
            naturalize(body, strict=True)
        error = caught.value
        assert (error.reason, error.row, error.path, error.offset) == (reason, 1, "00081140[1].00091001", offset)

    @pytest.mark.parametrize("key", ["odd", "PatientID", "(0010,0020)", "", "é"])
    def test_keys(self, key):
        body = f'{{"{key}":{{"vr":"LO"}}}}'
        assert [problem.reason for problem in naturalize(body).problems] == ["the key is not a tag of eight hex digits"]
        with pytest.raises(ParseError, match="eight hex digits"):
            naturalize(body, strict=True)

    def test_duplicates(self):
        body = '{"00100020":{"vr":"LO"},"00280010":{"vr":"US"},"00100020":{"vr":"LO"}}'
        assert [(p.kind, p.path, p.offset) for p in naturalize(body).problems] == [
            (2, "00100020", body.rindex('"00100020'))
        ]
        with pytest.raises(ParseError, match="twice") as caught:
            naturalize(body, strict=True)
        assert caught.value.path == "00100020"

    def test_what_is_none(self):
        for body in (
            GOOD,
            '{"0009100a":{"vr":"LO"}}',
            '{"00091001":{"vr":"IS","Value":["5"," 6 ",7,null,""]}}',
            text_of("CT_small.dcm"),
        ):
            assert naturalize(body, strict=True).problems == ()

    def test_are_listed_once_an_attribute(self):
        rows = [
            {"00091001": {"vr": "IS", "Value": [f"x{i % 4}"]}, "00091002": {"vr": "IS", "Value": ["y"]}}
            for i in range(10)
        ]
        problems = naturalize([{}, *rows]).problems
        assert [(p.path, p.row, p.count) for p in problems] == [("00091001", 1, 4), ("00091002", 1, 1)]
        assert ", 4 values" in str(problems[0])

    def test_several_kinds_of_one_attribute(self):
        values = ["x", 2.5, "x", 2.5, "y"]
        problems = naturalize([{"00091001": {"vr": "IS", "Value": [value]}} for value in values]).problems
        assert [(p.kind, p.row, p.count) for p in problems] == [(10, 0, 2), (11, 1, 1)]

    def test_deep_paths_are_cut(self):
        text = '{"00091001":{"vr":"IS","Value":["x"]}}'
        for _ in range(20):
            text = f'{{"00081140":{{"vr":"SQ","Value":[{text}]}}}}'
        (problem,) = naturalize(text).problems
        assert problem.path == ".".join(["00081140[0]"] * 8) + "…"
        with pytest.raises(ParseError) as caught:
            naturalize(text, strict=True)
        assert caught.value.path == ".".join(["00081140[0]"] * 20 + ["00091001"])

    def test_strict_takes_the_first(self):
        body = '{"00091001":{"vr":"IS","Value":["x"]},"00091002":5}'
        with pytest.raises(ParseError) as caught:
            naturalize(body, strict=True)
        assert caught.value.path == "00091001"

    def test_are_values(self):
        problem = Problem(3, "00091001", 0, 5, 1)
        assert problem == Problem(3, "00091001", 0, 5, 1)
        assert pickle.loads(pickle.dumps(problem)) == problem
        with pytest.raises(AttributeError):
            problem.row = 5


class TestNoDataInTexts:
    """A marker in every value and key must not come out of anything that is written down."""

    MARK = "Xy7MARK"

    def texts(self, body, **options):
        """All that is ever told about this input."""
        told = []
        for form in (body, [body[:10], body[10:]]):
            try:
                table = naturalize(form, **options)
                told += [
                    repr(table),
                    repr(table[0]),
                    str(table.problems),
                    repr(table.problems),
                    *map(str, table.problems),
                ]
                values = [value for instance in table for value in instance.values()]
                told += [repr(value) for value in values if isinstance(value, (metalith.Sequence, metalith.BulkData))]
                for keyword in {"PatientName", "00091001", "PixelSpacing"} & set(table.keywords):
                    with contextlib.suppress(metalith.ColumnError):
                        told.append(str(table.column(keyword).shape))
            except ParseError as error:
                told += [
                    str(error),
                    repr(error),
                    repr(error.args),
                    repr(vars(error)),
                    *traceback.format_exception_only(error),
                ]
        return "\n".join(told)

    @pytest.mark.parametrize("strict", [False, True])
    @pytest.mark.parametrize(("element", "at", "reason"), FAULTS)
    def test_faults(self, element, at, reason, strict):
        secret = f'"{self.MARK}":{{"vr":"{self.MARK}","Value":["{self.MARK}",{{"{self.MARK}":"{self.MARK}"}}]}}'
        body = f'[{{{secret},"00100010":{{"vr":"LO"}},"00081140":{{"vr":"SQ","Value":[{{"{self.MARK}":'
        told = self.texts(body.encode() + as_bytes(element) + b"}]}}]", strict=strict)
        assert "at byte" in told
        assert self.MARK not in told

    @pytest.mark.parametrize("strict", [False, True])
    @pytest.mark.parametrize(("kind", "element", "reason"), PROBLEMS)
    def test_problems(self, kind, element, reason, strict):
        marked = element.replace("A", self.MARK).replace("x", self.MARK).replace('"u"', f'"{self.MARK}"')
        body = f'[{{"{self.MARK}":{marked},"00091001":{marked},"00100010":{{"vr":"PN","Value":["{self.MARK}"]}}}}]'
        told = self.texts(body.encode(), strict=strict)
        assert told
        assert self.MARK not in told

    def test_every_attribute_of_a_real_file(self):
        dataset = json.loads(text_of("CT_small.dcm"))
        for element in dataset.values():
            if element["vr"] not in ("SQ", "UI", "CS", "IS") and "Value" in element:
                element["Value"] = [self.MARK, {"Alphabetic": self.MARK}]
        body = json.dumps([dataset, dataset]).encode()
        assert len(naturalize(body).problems) > 50
        assert self.MARK not in self.texts(body)
        for end in range(100, len(body), 997):
            assert self.MARK not in self.texts(body[:end])

    def test_dicts(self):
        told = []
        for value in (object(), b"MARK", {"MARK"}):
            with pytest.raises(ParseError) as caught:
                naturalize({"00100010": {"vr": "LO", "Value": [self.MARK, value]}, self.MARK: {}})
            told += [str(caught.value), repr(caught.value)]
        with pytest.raises(ParseError) as caught:
            naturalize({"00100010": {"vr": "LO", "Value": [self.MARK + "\ud800"]}, (self.MARK,): {}})
        assert "MARK" not in "".join([*told, str(caught.value)])

    def test_nothing_is_logged(self, caplog, capfd):
        caplog.set_level(logging.DEBUG)
        for body in (SMALL.encode(), SMALL.encode()[:-3], b'{"odd":{"vr":"IS","Value":["x"]}}'):
            self.texts(body)
        assert caplog.records == []
        assert capfd.readouterr() == ("", "")


class TestErrorObjects:
    ERRORS = (
        ParseError("not JSON", offset=1234, row=5, path="00081140[0].00081155", source="here"),
        ParseError("not JSON"),
        metalith.ColumnError("PixelSpacing: …", keyword="PixelSpacing", rows=(1, 2)),
        metalith.EncodeError("00280010: …"),
        metalith.ConfigurationError("max_bytes …"),
    )

    @pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
    @pytest.mark.parametrize("protocol", [2, 5])
    def test_pickle_and_copy(self, error, protocol):
        for again in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error), copy.deepcopy(error)):
            assert type(again) is type(error)
            assert str(again) == str(error)
            assert vars(again) == vars(error)

    def test_text(self):
        assert str(self.ERRORS[0]) == "here: not JSON (at byte 1,234, instance 5, 00081140[0].00081155)"
        assert str(self.ERRORS[1]) == "not JSON (at byte 0, instance 0)"

    def test_one_base(self):
        for error in self.ERRORS:
            assert isinstance(error, metalith.MetalithError)
            assert isinstance(error, ValueError)

    def test_a_table_is_whole_or_not_at_all(self):
        seen = []
        with pytest.raises(ParseError):
            seen.append(naturalize(SMALL[:-5]))
        assert seen == []

    def test_after_an_error_all_is_as_before(self):
        for _ in range(3):
            with pytest.raises(ParseError):
                naturalize(SMALL[:-5])
            assert len(naturalize(SMALL)) == 2
