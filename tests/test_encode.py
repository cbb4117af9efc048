"""Natural metadata to DICOM JSON: what was naturalized comes back byte for byte, one's own becomes what it means."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models.files import REAL, dataset_of, real_series, text_of
from models.generate import LENIENT, REGULAR, WILD, datasets, series
from models.js import assert_same
from models.strategies import dicom_json_datasets

import metalith
from metalith import EncodeError, PersonName, denaturalize, dumps, encode, naturalize

COMPACT = {"separators": (",", ":"), "ensure_ascii": False}


def vr_first(value):
    """The same JSON with each element's vr before its value, which is how it is written."""
    if isinstance(value, dict):
        return {
            key: vr_first(value[key]) for key in sorted(value, key=lambda key: (key != "vr", list(value).index(key)))
        }
    return list(map(vr_first, value)) if isinstance(value, list) else value


class TestWithoutLoss:
    @pytest.mark.parametrize("name", REAL)
    def test_real_files(self, name):
        text = json.dumps(dataset_of(name), **COMPACT)
        instance = naturalize(text)[0]
        assert dumps(instance).decode() == text
        assert_same(denaturalize(instance), dataset_of(name), order=True)

    def test_tables(self):
        text = json.dumps(real_series(2), **COMPACT)
        assert dumps(naturalize(text)).decode() == text
        assert dumps(list(naturalize(text))).decode() == text
        assert dumps(naturalize(b"[]")) == dumps([]) == b"[]"
        assert dumps(naturalize(b"{}")) == b"[{}]"
        assert dumps(naturalize(b"{}")[0]) == b"{}"

    @pytest.mark.parametrize("seed", range(3))
    def test_regular(self, seed):
        rows = vr_first([*series(40, seed=seed), *datasets(100, seed=seed, kind=REGULAR)])
        text = json.dumps(rows, **COMPACT)
        assert dumps(naturalize(text)).decode() == text

    @pytest.mark.parametrize("kind", [LENIENT, WILD])
    def test_natural_form_of_what_comes_back(self, kind):
        """Looser input may be spelled otherwise when it comes back; it means the same, and then comes back as it is."""
        table = naturalize(json.dumps([*series(20, seed=3, kind=kind), *datasets(200, seed=3, kind=kind)]))
        once = dumps(table)
        assert_same(naturalize(once).to_dicts(), table.to_dicts())
        assert dumps(naturalize(once)) == once

    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(
            st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
            min_size=1,
            max_size=3,
        )
    )
    def test_number_texts(self, texts):
        body = f'{{"00281050":{{"vr":"DS","Value":[{",".join(texts)}]}}}}'.encode()
        item = b'{"00081140":{"vr":"SQ","Value":[%s]}}' % body
        for text in (body, item):
            assert dumps(naturalize(text)[0]) == text
            assert dumps([naturalize(text)[0], {"Rows": 1}]).startswith(b"[" + text)
        assert dumps({"ReferencedImageSequence": [naturalize(body)[0]]}) == item

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(dicom_json_datasets(REGULAR))
    def test_any_regular_dataset(self, dataset):
        assert_same(denaturalize(naturalize([dataset])[0]), vr_first(dataset), order=True)

    @pytest.mark.parametrize(
        "element",
        [
            '{"vr":"LO"}',
            '{"vr":"LO","Value":[]}',
            '{"vr":"LO","Value":[null]}',
            '{"vr":"LO","Value":["a",null]}',
            '{"vr":"LO","Value":[""]}',
            '{"Value":["a"]}',
            '{"vr":"LO","Value":"a"}',
            '{"vr":"??","Value":["a"]}',
            '{"vr":"OB","InlineBinary":"AAE="}',
            '{"vr":"OB","BulkDataURI":"../x"}',
            '{"vr":"SQ"}',
            '{"vr":"SQ","Value":[]}',
            '{"vr":"SQ","Value":[{},{"00280010":{"vr":"US","Value":[1.50]}}]}',
            '{"vr":"SQ","Value":[null]}',
            '{"vr":"UV","Value":[18446744073709551615,1e400]}',
            '{"vr":"LO","Value":["a"],"mine":[1.50,{"x":null}]}',
            '{"vr":"PN","Value":[{"Alphabetic":"A","Phonetic":"P"}]}',
            '{"vr":"LO","Value":["\\n\\"\\\\"]}',
            "null",
            '"x"',
        ],
    )
    def test_every_make_up(self, element):
        text = f'{{"00091001":{element}}}'
        assert json.loads(dumps(naturalize(text)[0]), parse_float=str) == json.loads(text, parse_float=str)
        assert dumps(naturalize(f"[{text},{text}]")[1]) == dumps(naturalize(text)[0])


class TestOwnDicts:
    def test_one_of_everything(self):
        natural = {
            "Rows": 512,
            "PixelSpacing": (0.5, 0.25),
            "PatientName": PersonName("Doe^Jane", "東京"),
            "ImageType": ["ORIGINAL", None],
            "StudyDate": None,
            "InstanceNumber": 7,
            "FrameIncrementPointer": 0x00181063,
            "PixelData": b"\0\1",
            "ReferencedImageSequence": [{"ReferencedSOPInstanceUID": "1.2"}, {}],
            "00090010": "CREATOR",
            "(0009,1001)": {"vr": "DS", "Value": ["1.50"]},
            0x00091002: b"\xff",
            "7fe00008": metalith.BulkData("u", "OF"),
        }
        encoded = denaturalize(natural)
        assert encoded == {
            "00080008": {"vr": "CS", "Value": ["ORIGINAL", None]},
            "00080020": {"vr": "DA"},
            "00081140": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2"]}}, {}]},
            "00090010": {"vr": "LO", "Value": ["CREATOR"]},
            "00091001": {"vr": "DS", "Value": ["1.50"]},
            "00091002": {"vr": "UN", "InlineBinary": "/w=="},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane", "Ideographic": "東京"}]},
            "00200013": {"vr": "IS", "Value": [7]},
            "00280009": {"vr": "AT", "Value": ["00181063"]},
            "00280010": {"vr": "US", "Value": [512]},
            "00280030": {"vr": "DS", "Value": [0.5, 0.25]},
            "7FE00008": {"vr": "OF", "BulkDataURI": "u"},
            "7FE00010": {"vr": "OW", "InlineBinary": "AAE="},
        }
        assert list(encoded) == sorted(encoded)
        assert json.loads(dumps(natural)) == encoded
        assert naturalize(dumps(natural)).problems == ()

    @pytest.mark.parametrize(
        ("natural", "vr"),
        [
            ({"SmallestImagePixelValue": 5}, "US"),
            ({"SmallestImagePixelValue": -5}, "SS"),
            ({"SmallestImagePixelValue": np.int16(-5)}, "SS"),
            ({"SmallestImagePixelValue": 5, "PixelRepresentation": 1}, "SS"),
            ({"SmallestImagePixelValue": 5, "PixelRepresentation": np.uint16(1)}, "SS"),
            ({"SmallestImagePixelValue": 5, "PixelRepresentation": 0}, "US"),
            ({"PixelData": b""}, "OW"),
            ({"PixelData": b"", "BitsAllocated": 8}, "OB"),
            ({"PixelData": b"", "BitsAllocated": 16}, "OW"),
            ({"LUTData": b"\0\0"}, "OW"),
            ({"LUTData": (1, 2)}, "US"),
            ({"LUTDescriptor": (256, -1024, 16)}, "SS"),
        ],
    )
    def test_ambiguous_vrs(self, natural, vr):
        digits = next(iter(denaturalize({next(iter(natural)): None})))
        assert denaturalize(natural)[digits]["vr"] == vr

    def test_ambiguous_vrs_in_items(self):
        natural = {
            "PixelRepresentation": 1,
            "ModalityLUTSequence": [
                {"LUTDescriptor": (1, 2, 16)},
                {"LUTDescriptor": (1, 2, 16), "PixelRepresentation": 0},
            ],
        }
        items = denaturalize(natural)["00283000"]["Value"]
        assert [item["00283002"]["vr"] for item in items] == ["SS", "US"]

    @pytest.mark.parametrize(
        ("name", "value", "sent"),
        [
            ("Rows", np.uint16(5), [5]),
            ("Rows", 5.0, [5]),
            ("PixelSpacing", np.array([0.5, 0.25]), [0.5, 0.25]),
            ("PixelSpacing", [np.float32(0.5), np.float64(1)], [0.5, 1.0]),
            ("PixelSpacing", np.float64(2), [2.0]),
            ("WindowCenter", math.nan, ["NaN"]),
            ("WindowCenter", (math.inf, -math.inf), ["Infinity", "-Infinity"]),
            ("WindowCenter", "1.50", ["1.50"]),
            ("SelectorUVValue", 2**64 - 1, [2**64 - 1]),
            ("PatientID", 4711, ["4711"]),
            ("PatientID", np.str_("x"), ["x"]),
            ("PatientName", "A^B=C", [{"Alphabetic": "A^B", "Ideographic": "C"}]),
            ("PatientName", {"Phonetic": "P"}, [{"Phonetic": "P"}]),
            ("OtherPatientNames", ("A", None), [{"Alphabetic": "A"}, None]),
            ("FrameIncrementPointer", ("0018106a", 0x7FE00010), ["0018106A", "7FE00010"]),
        ],
    )
    def test_values(self, name, value, sent):
        element = next(iter(denaturalize({name: value}).values()))
        assert element["Value"] == sent
        assert json.loads(dumps({name: value}))
        assert [type(member) for member in element["Value"]] == [type(member) for member in sent]

    @pytest.mark.parametrize("data", [b"\0\1", bytearray(b"\0\1"), memoryview(b"\0\1")])
    def test_binary(self, data):
        assert denaturalize({"PixelData": data})["7FE00010"] == {"vr": "OW", "InlineBinary": "AAE="}

    @pytest.mark.parametrize("nothing", [None, (), []])
    @pytest.mark.parametrize(
        ("name", "vr"), [("PatientID", "LO"), ("Rows", "US"), ("ReferencedImageSequence", "SQ"), ("PixelData", "OW")]
    )
    def test_nothing(self, name, vr, nothing):
        assert list(denaturalize({name: nothing}).values()) == [{"vr": vr}]

    def test_instances_as_items(self):
        item = naturalize(text_of("CT_small.dcm"))[0]
        for items in ([item], (item,), item):
            assert denaturalize({"ReferencedImageSequence": items})["00081140"]["Value"] == [dataset_of("CT_small.dcm")]
        sequence = naturalize({"00081140": {"vr": "SQ", "Value": [{}, {}]}})[0].ReferencedImageSequence
        assert denaturalize({"ReferencedImageSequence": sequence})["00081140"]["Value"] == [{}, {}]

    def test_several_datasets(self):
        body = dumps([{"Rows": 1}, naturalize({"00280010": {"vr": "US", "Value": [2]}})[0], {}])
        assert naturalize(body).column("Rows")[:2].tolist() == [1, 2]
        assert dumps({"Rows": n} for n in (1, 2)).count(b"00280010") == 2

    @pytest.mark.parametrize("name", REAL)
    def test_round_trip_of_real_files(self, name):
        instance = naturalize(text_of(name))[0]
        natural = {key: value for key, value in instance.items() if metalith.keyword_of(instance.tag(key))}
        again = naturalize(dumps(natural))[0]
        for key, value in natural.items():
            if not isinstance(value, metalith.Sequence):
                assert again[key] == value
                assert again.vr(key) == instance.vr(key)
        assert (
            naturalize(dumps(instance.to_dict("dicom") and {"ReferencedImageSequence": [instance]}))[
                0
            ].ReferencedImageSequence[0]
            == instance
        )

    @settings(max_examples=60, deadline=None)
    @given(
        st.fixed_dictionaries(
            {},
            optional={
                "PatientID": st.none() | st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])),
                "Rows": st.none() | st.integers(0, 65535),
                "WindowCenter": st.floats(allow_nan=False) | st.tuples(*[st.floats(allow_nan=False)] * 2),
                "SelectorSVValue": st.integers(-(2**63), 2**63 - 1),
                "PatientName": st.builds(PersonName, st.sampled_from(["A^B", "C"]), st.sampled_from(["", "東"])),
                "EncapsulatedDocument": st.binary(min_size=1),
                "ReferencedImageSequence": st.lists(
                    st.builds(lambda n: {"InstanceNumber": n}, st.integers(-5, 5)), max_size=3
                ),
            },
        )
    )
    def test_round_trip(self, natural):
        instance = naturalize(dumps(natural))[0]
        assert instance == natural
        assert_same(naturalize([denaturalize(natural)])[0].to_dict(), instance.to_dict())
        assert json.loads(dumps(instance)) == denaturalize(natural)


class TestErrors:
    @pytest.mark.parametrize(
        ("natural", "place"),
        [
            ({"NoSuchKeyword": 1}, "dataset"),
            ({"0028001": 1}, "dataset"),
            ({"0x280010": 1}, "dataset"),
            ({" 0280010": 1}, "dataset"),
            ({-1: 1}, "dataset"),
            ({1 << 32: 1}, "dataset"),
            ({None: 1}, "dataset"),
            ({"é": 1}, "dataset"),
            ({"00091001": "x"}, "00091001"),
            ({"Rows": 1.5}, "00280010"),
            ({"Rows": True}, "00280010"),
            ({"Rows": object()}, "00280010"),
            ({"Rows": b"x"}, "00280010"),
            ({"Rows": np.zeros((2, 2))}, "00280010"),
            ({"PixelSpacing": (1, [2])}, "00280030"),
            ({"PatientID": b"x"}, "00100020"),
            ({"PatientID": memoryview(b"x")}, "00100020"),
            ({"PatientID": {"x": 1}}, "00100020"),
            ({"PatientID": True}, "00100020"),
            ({"PatientName": 5}, "00100010"),
            ({"PixelData": "text"}, "7FE00010"),
            ({"PixelData": np.zeros(3)}, "7FE00010"),
            ({"FrameIncrementPointer": -1}, "00280009"),
            ({"FrameIncrementPointer": b"x"}, "00280009"),
            ({"ReferencedImageSequence": 5}, "00081140"),
            ({"ReferencedImageSequence": "x"}, "00081140"),
            ({"ReferencedImageSequence": [5]}, "00081140[0]"),
            (
                {"ReferencedImageSequence": [{}, {"ReferencedImageSequence": [{"Rows": "x", "Columns": b""}]}]},
                "00081140[1].00081140[0].00280011",
            ),
            ({"Rows": 1, "00280010": 2}, "00280010"),
        ],
    )
    def test_name_the_attribute(self, natural, place):
        for function in (denaturalize, dumps):
            with pytest.raises(EncodeError) as caught:
                function(natural)
            assert str(caught.value).startswith(f"{place}: ")
        assert isinstance(caught.value, metalith.MetalithError)
        assert isinstance(caught.value, ValueError)

    @pytest.mark.parametrize("member", [object(), math.nan, {1, 2}, b"x"])
    def test_elements_given_as_such(self, member):
        with pytest.raises(EncodeError):
            dumps({"00091001": {"vr": "LO", "Value": [member]}})

    @pytest.mark.parametrize("value", [5, None, "x", b"x", 1.5])
    def test_wrong_types(self, value):
        for function in (denaturalize, dumps):
            with pytest.raises(TypeError, match=type(value).__name__):
                function(value)

    def test_one_dataset(self):
        for several in (naturalize(b"{}"), [{}], naturalize(b"[]")):
            with pytest.raises(TypeError, match="one Instance or dict"):
                denaturalize(several)

    def test_show_no_values(self):
        for natural in (
            {"SECRET": "SECRET"},
            {"Rows": "SECRET", "PatientName": ["SECRET", 5]},
            {"00091001": {"SECRET"}},
        ):
            with pytest.raises(EncodeError) as caught:
                dumps(natural)
            assert "SECRET" not in f"{caught.value}{caught.value!r}"


VALUES = st.one_of(
    st.sampled_from(
        [0, 1, True, 0.0, -0.0, 1.0, "1", "", None, (), (1, 2), (1.0, 2.0), [1, 2], (0.0, -0.0), ("a", "b")]
    ),
    st.integers(-5, 70000),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text("ab1 ", max_size=3),
    st.lists(st.floats(-1, 1), max_size=3),
)
NATURAL = st.dictionaries(
    st.sampled_from(
        ["Rows", "PixelSpacing", "PatientID", "00100020", 0x00280010, "SmallestImagePixelValue", "PixelRepresentation"]
        + ["WindowCenter", "ImageType", "PatientName", "KVP", "InstanceNumber", "_meta"]
    ),
    VALUES,
    max_size=6,
)


@settings(max_examples=400, deadline=None)
@given(st.lists(NATURAL, max_size=6))
def test_several_datasets_are_encoded_as_each_alone(several):
    def made(encode):
        try:
            return encode()
        except metalith.EncodeError as error:
            return str(error)

    alone = [made(lambda one=one: metalith.dumps(one)) for one in several]
    wanted = None if any(isinstance(one, str) for one in alone) else alone
    for times in (1, 2):
        together = made(lambda times=times: metalith.dumps(several * times))
        assert isinstance(together, str) if wanted is None else together == b"[" + b",".join(wanted * times) + b"]"


def test_what_comes_again_is_encoded_once():
    calls = []
    element = encode._element
    several = [{"Rows": 4, "PixelSpacing": (0.5, 0.5), "InstanceNumber": n} for n in range(50)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encode, "_element", lambda *args: calls.append(args[0]) or element(*args))
        metalith.dumps(several)
    assert len(calls) == 52
