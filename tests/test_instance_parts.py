"""Parts of an instance that need more than a name: private blocks, raw values, odd keys, sequences, changed copies."""

from __future__ import annotations

import json
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models.files import REAL, dataset_of, text_of
from models.generate import REGULAR
from models.js import assert_same
from models.strategies import dicom_json_datasets

import metalith


def one(**elements):
    """An instance of elements given as `x00280010=("US", 512)`."""
    return metalith.naturalize({key[1:]: {"vr": vr, "Value": list(value)} for key, (vr, *value) in elements.items()})[0]


class TestPrivate:
    @pytest.fixture
    def instance(self):
        return one(
            x00430010=("LO", "GEMS_PARM_01 "),
            x00430011=("LO", "OTHER"),
            x00430012=("LO", "GEMS_PARM_01"),
            x00431039=("IS", 1, 2),
            x00431139=("LO", "other's"),
            x00431240=("LO", "second block"),
            x00431041=("LO", None),
            x00450010=("LO", "GEMS_PARM_01"),
            x00451039=("LO", "other group"),
        )

    def test_by_creator(self, instance):
        assert instance.private("GEMS_PARM_01", 0x0043, 0x39) == (1, 2)
        assert instance.private("GEMS_PARM_01", 0x0043, 0x1039) == (1, 2)
        assert instance.private("OTHER", 0x0043, 0x39) == "other's"
        assert instance.private("GEMS_PARM_01", 0x0045, 0x39) == "other group"

    def test_several_blocks(self, instance):
        assert instance.private("GEMS_PARM_01", 0x0043, 0x40) == "second block"

    def test_present_but_empty(self, instance):
        assert instance.private("GEMS_PARM_01", 0x0043, 0x41, default="x") is None

    @pytest.mark.parametrize(
        ("creator", "group", "element"),
        [
            ("GEMS_PARM_01", 0x43, 0x77),
            ("gems_parm_01", 0x43, 0x39),
            ("NOBODY", 0x43, 0x39),
            ("OTHER", 0x47, 0x39),
            ("", 0x43, 0x39),
        ],
    )
    def test_missing(self, instance, creator, group, element):
        with pytest.raises(KeyError) as caught:
            instance.private(creator, group, element)
        assert caught.value.args == ((creator, group, element),)
        assert instance.private(creator, group, element, None) is None
        assert instance.private(creator, group, element, default=7) == 7

    def test_wrong_types(self, instance):
        with pytest.raises(TypeError):
            instance.private(None, 0x43, 0x39)
        with pytest.raises(TypeError):
            instance.private("OTHER", "0043", 0x39)

    def test_real_file(self):
        instance = metalith.naturalize(text_of("CT_small.dcm"))[0]
        assert instance.private("GEMS_IDEN_01", 0x0009, 0x01) == instance["00091001"] == "GE_GENESIS_FF"
        assert instance.private("GEMS_ACQU_01", 0x0019, 0x02) == instance["00191002"]


class TestRaw:
    @pytest.mark.parametrize(
        ("element", "raw"),
        [
            ('{"vr":"DS","Value":["1.50"]}', "1.50"),
            ('{"vr":"DS","Value":[1.50]}', "1.50"),
            ('{"vr":"DS","Value":["1.50",2.0e0,null]}', ("1.50", "2.0e0", None)),
            ('{"vr":"IS","Value":[" 07 "]}', " 07 "),
            ('{"vr":"LO","Value":[""]}', ""),
            ('{"vr":"LO","Value":["\\u0041\\n"]}', "A\n"),
            ('{"vr":"AT","Value":["0018106a"]}', "0018106a"),
            ('{"vr":"PN","Value":[{"Alphabetic":"A^B","Phonetic":"C"}]}', {"Alphabetic": "A^B", "Phonetic": "C"}),
            ('{"vr":"PN","Value":["A^B=C"]}', "A^B=C"),
            ('{"vr":"LO"}', None),
            ('{"vr":"LO","Value":[]}', None),
            ('{"vr":"LO","Value":[null]}', None),
            ('{"vr":"OB","InlineBinary":"AAEC"}', "AAEC"),
            ('{"vr":"OB","BulkDataURI":"../b/1"}', "../b/1"),
            ('{"vr":"DS", "Value": 1.50 }', '{"vr":"DS","Value":1.50}'),
            (
                '{"vr":"SQ","Value":[{"00280010":{"vr":"US","Value":[1]}},{}]}',
                [{"00280010": {"vr": "US", "Value": [1]}}, {}],
            ),
            ('{"vr":"SQ"}', None),
        ],
    )
    def test_as_sent(self, element, raw):
        instance = metalith.naturalize('{"00091001":' + element + "}")[0]
        assert instance.raw("00091001") == raw

    @settings(max_examples=80, deadline=None)
    @given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=4).map(str), min_size=1, max_size=4))
    def test_number_texts(self, texts):
        expected = texts[0] if len(texts) == 1 else tuple(texts)
        body = f'{{"00281050":{{"vr":"DS","Value":[{",".join(texts)}]}}}}'
        assert metalith.naturalize(body)[0].raw("WindowCenter") == expected


class TestOddKeys:
    def test_lower_case(self):
        instance = metalith.naturalize(b'{"0009100a":{"vr":"LO","Value":["x"]},"0008103e":{"vr":"LO","Value":["y"]}}')[
            0
        ]
        assert instance.keys() == ["0009100A", "SeriesDescription"]
        assert instance["0009100a"] == instance["0009100A"] == instance[0x0009100A] == "x"
        assert instance.SeriesDescription == instance["0008103E"] == "y"

    def test_keywords_and_parentheses(self):
        instance = metalith.naturalize(
            b'{"PatientID":{"vr":"LO","Value":["p"]},"(0028,0010)":{"vr":"US","Value":[3]}}'
        )[0]
        assert instance.keys() == ["PatientID", "Rows"]
        assert instance["00100020"] == instance[0x00100020] == "p"
        assert instance["(0028,0010)"] == instance.Rows == 3

    @pytest.mark.parametrize(
        "key", ["odd", "", "0008103", "0008103EE", "0x280010", "é", "keys", "GGGG0010", "_vrMap", 'q"\\']
    )
    def test_what_is_no_tag(self, key):
        table = metalith.naturalize(json.dumps({key: {"vr": "LO", "Value": ["x"]}}))
        instance = table[0]
        assert instance.keys() == [key] == list(table.keywords)
        assert instance[key] == instance.get(key) == "x"
        assert instance.tag(key) is None
        assert instance.vr(key) == "LO"
        assert callable(instance.keys)
        assert table.problems[0].reason.startswith("the key is not a tag")
        assert table.problems[0].path == "00000000"

    def test_repeating_groups_keep_their_group(self):
        instance = one(x60000010=("US", 1), x60020010=("US", 2), x50023000=("OW", None))
        assert instance.keys() == ["60000010", "60020010", "50023000"]
        assert instance["60020010"] == instance[0x60020010] == 2
        assert instance["(6002,0010)"] == 2
        assert "OverlayRows" not in instance
        assert metalith.keyword_of(0x60000010) is None

    def test_the_last_duplicate_counts(self):
        element = '"00100020":{"vr":"LO","Value":["%s"]}'
        members = [element % "a", '"00280010":{"vr":"US","Value":[1]}', element % "b", element % "c"]
        body = f"{{{','.join(members)}}}"
        for text in (body, f"[{body},{body}]"):
            table = metalith.naturalize(text)
            assert table[-1].PatientID == "c"
            assert table[-1].keys() == ["PatientID", "Rows"]
            assert metalith.denaturalize(table[-1]) == json.loads(body)

    def test_duplicates_in_two_spellings(self):
        body = b'{"0009100a":{"vr":"LO","Value":["a"]},"0009100A":{"vr":"LO","Value":["b"]},"00280010":{"vr":"US"}}'
        instance = metalith.naturalize(body)[0]
        assert instance.items() == [("0009100A", "b"), ("Rows", None)]
        assert instance["0009100a"] == "b"

    def test_duplicate_members(self):
        instance = metalith.naturalize(b'{"00100020":{"vr":"DS","Value":["1"],"vr":"LO","Value":["2"]}}')[0]
        assert instance.PatientID == "2"

    @pytest.mark.parametrize("text", ['"\\u00e9\\ud83d\\ude00\\n\\""', '"é😀\\n\\""'])
    def test_escapes(self, text):
        body = '{"\\u00300100020":{"v\\u0072":"L\\u004f","Val\\u0075e":[' + text + "]}}"
        instance = metalith.naturalize(body)[0]
        assert instance.PatientID == 'é😀\n"'


class TestSequences:
    ROWS: ClassVar = {"00280010": {"vr": "US", "Value": [1]}}

    @pytest.fixture
    def instance(self):
        items = [{"00281050": {"vr": "DS", "Value": [i]}} for i in range(5)]
        return metalith.naturalize(
            {
                "52009229": {
                    "vr": "SQ",
                    "Value": [{"00289110": {"vr": "SQ", "Value": [{"00280030": {"vr": "DS", "Value": [1, 2]}}]}}],
                },
                "00289132": {"vr": "SQ", "Value": items},
                "00081140": {"vr": "SQ", "Value": []},
            }
        )[0]

    def test_one_item_lets_attributes_through(self, instance):
        groups = instance.SharedFunctionalGroupsSequence
        assert groups.PixelMeasuresSequence.PixelSpacing == (1.0, 2.0)
        assert groups[0].PixelMeasuresSequence[0].PixelSpacing == (1.0, 2.0)
        with pytest.raises(AttributeError, match="Rows"):
            _ = groups.Rows

    @pytest.mark.parametrize(("name", "count"), [("FrameVOILUTSequence", 5), ("ReferencedImageSequence", 0)])
    def test_others_do_not(self, instance, name, count):
        with pytest.raises(AttributeError, match=f"sequence of {count} items.*WindowCenter"):
            _ = instance[name].WindowCenter

    def test_is_a_sequence(self, instance):
        sequence = instance.FrameVOILUTSequence
        assert len(sequence) == 5
        assert [item.WindowCenter for item in sequence] == [0, 1, 2, 3, 4]
        assert [item.WindowCenter for item in reversed(sequence)] == [4, 3, 2, 1, 0]
        assert sequence[-1].WindowCenter == sequence[4].WindowCenter == 4
        assert sequence[-5] == sequence[0]
        assert sequence[2] in sequence
        for index in (5, -6, 1 << 40):
            with pytest.raises(IndexError):
                sequence[index]
        with pytest.raises(TypeError):
            sequence["WindowCenter"]
        assert not instance.ReferencedImageSequence

    @given(st.slices(5))
    def test_slices(self, places):
        sequence = metalith.naturalize(
            {"00289132": {"vr": "SQ", "Value": [{"00281050": {"vr": "DS", "Value": [i]}} for i in range(5)]}}
        )[0].FrameVOILUTSequence
        assert [item.WindowCenter for item in sequence[places]] == list(range(5))[places]

    @given(st.slices(7))
    def test_slices_of_a_table(self, places):
        table = metalith.naturalize([{"00281050": {"vr": "DS", "Value": [i]}} for i in range(7)])
        assert [item.WindowCenter for item in table[places]] == list(range(7))[places]

    def test_many_items(self):
        items = [{"00281050": {"vr": "DS", "Value": [i]}} for i in range(10_000)]
        body = json.dumps([{"00289132": {"vr": "SQ", "Value": items}}, {"00289132": {"vr": "SQ", "Value": items[:3]}}])
        first, second = (instance.FrameVOILUTSequence for instance in metalith.naturalize(body))
        assert (len(first), len(second)) == (10_000, 3)
        assert first[9_999].WindowCenter == 9_999
        assert [item.WindowCenter for item in second] == [0, 1, 2]

    @pytest.mark.parametrize(
        "value",
        [{"00280010": {"vr": "US", "Value": [1]}}, [{"00280010": {"vr": "US", "Value": [1]}}, None], "x", [None]],
    )
    def test_odd_items(self, value):
        sequence = metalith.naturalize({"00081140": {"vr": "SQ", "Value": value}})[0].ReferencedImageSequence
        expected = value if isinstance(value, list) else [value]
        assert [len(item) for item in sequence] == [len(item) if isinstance(item, dict) else 0 for item in expected]

    @pytest.mark.parametrize("depth", [64, 70])
    def test_odd_items_never_fail_at_access(self, depth):
        inner = "{}"
        for _ in range(depth):
            inner = f'{{"00081140":{{"vr":"SQ","Value":[{inner}]}}}}'
        table = metalith.naturalize(f'{{"00081140":{{"vr":"SQ","Value":{inner}}}}}')
        with metalith.limits(max_bytes=10):
            item = table[0].ReferencedImageSequence
        for _ in range(depth):
            item = item.ReferencedImageSequence
        assert item[0] == {}


class TestReplace:
    BODY = (
        '{"00080060":{"vr":"CS","Value":["CT"]},"00280010":{"vr":"US","Value":[512]},'
        '"00281050":{"vr":"DS","Value":["040.00",1.50e+1]}}'
    )

    @pytest.fixture
    def instance(self):
        return metalith.naturalize(self.BODY)[0]

    def test_change_add_remove(self, instance):
        changed = instance.replace(Rows=256, Modality=..., PatientName="Doe^Jane", ImageType=("A", "B"), StudyDate=None)
        assert changed == {
            "ImageType": ("A", "B"),
            "StudyDate": None,
            "PatientName": "Doe^Jane",
            "Rows": 256,
            "WindowCenter": (40.0, 15.0),
        }
        assert isinstance(changed, metalith.Instance)
        assert isinstance(changed.PatientName, metalith.PersonName)
        assert instance.to_json("dicom").decode() == self.BODY

    def test_other_number_texts_stay(self, instance):
        assert instance.replace(Rows=1).to_json("dicom").decode() == self.BODY.replace("512", "1")
        assert instance.replace().to_json("dicom").decode() == self.BODY

    def test_removing_what_is_absent(self, instance):
        assert instance.replace(Columns=...) == instance

    def test_by_tag(self, instance):
        assert instance.replace(**{"00280010": 7, "(0008,0060)": "MR"}) == instance.replace(Rows=7, Modality="MR")
        changed = instance.replace(**{"00091001": {"vr": "LO", "Value": ["x"]}, "00090010": "ME"})
        assert changed.private("ME", 9, 1) == "x"

    def test_keeps_the_vr_that_was_sent(self):
        instance = one(x00091001=("DS", "1"), x00280106=("SS", -5))
        assert instance.replace(**{"00091001": 2.5}).vr("00091001") == "DS"
        assert instance.replace(SmallestImagePixelValue=3).vr("SmallestImagePixelValue") == "SS"

    def test_ambiguous_vr_that_was_not_sent(self):
        instance = metalith.naturalize({"00280106": {"Value": [1]}, "00280103": {"vr": "US", "Value": [1]}})[0]
        changed = instance.replace(SmallestImagePixelValue=3)
        assert changed.SmallestImagePixelValue == 3
        assert changed.vr("SmallestImagePixelValue") == "SS"
        assert instance.replace(SmallestImagePixelValue=3, PixelRepresentation=0).vr("SmallestImagePixelValue") == "US"

    def test_sequences(self, instance):
        with_items = instance.replace(ReferencedImageSequence=[{"ReferencedSOPInstanceUID": "1.2"}, instance])
        assert with_items.ReferencedImageSequence[0].ReferencedSOPInstanceUID == "1.2"
        assert with_items.ReferencedImageSequence[1] == instance
        kept = with_items.replace(ReferencedStudySequence=with_items.ReferencedImageSequence, Rows=1)
        assert kept.ReferencedStudySequence == kept.ReferencedImageSequence == with_items.ReferencedImageSequence
        assert kept.replace(ReferencedStudySequence=()).ReferencedStudySequence == ()
        assert with_items.replace(ReferencedImageSequence={"Rows": 2}).ReferencedImageSequence.Rows == 2

    def test_number_texts_in_items_stay(self, instance):
        changed = instance.replace(ReferencedImageSequence=[instance])
        assert changed.ReferencedImageSequence.raw("WindowCenter") == ("040.00", "1.50e+1")

    @pytest.mark.parametrize(
        "changes",
        [
            {"NoSuchName": 1},
            {"Rows": object()},
            {"Rows": 1.5},
            {"ReferencedImageSequence": 5},
            {"00091001": "x"},
            {"PatientID": b"x"},
        ],
    )
    def test_errors(self, instance, changes):
        with pytest.raises(metalith.EncodeError):
            instance.replace(**changes)

    def test_spelled_keys(self):
        instance = one(x0009100a=("LO", "x"), xPatientID=("LO", "y"), xodd=("LO", "z"))
        changed = instance.replace(**{"0009100A": "X", "00100020": "Y"})
        assert changed == {"0009100A": "X", "PatientID": "Y", "odd": "z"}
        assert instance.replace(**{"0009100a": ..., "PatientID": ...}) == {"odd": "z"}

    @pytest.mark.parametrize("name", REAL)
    def test_real_files(self, name):
        instance, dataset = metalith.naturalize(text_of(name))[0], dataset_of(name)
        changed = instance.replace(PatientID="x")
        assert_same(metalith.denaturalize(changed), dataset | {"00100020": {"vr": "LO", "Value": ["x"]}})
        assert changed.replace(PatientID=instance.get("PatientID", ...)) == instance

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(dicom_json_datasets(REGULAR))
    def test_replacing_everything_by_itself(self, dataset):
        instance = metalith.naturalize([dataset])[0]
        again = instance.replace(**dict(instance))
        assert_same(again.to_dict(), instance.to_dict())


class TestBinary:
    def test_inline(self):
        instance = metalith.naturalize(
            b'{"00420011":{"vr":"OB","InlineBinary":"AAEC/w=="},"00091001":{"vr":"UN","InlineBinary":"AA=="}}'
        )[0]
        assert instance.EncapsulatedDocument == b"\x00\x01\x02\xff"
        assert instance["00091001"] == b"\0"

    def test_bulk(self):
        instance = metalith.naturalize(
            b'{"7FE00010":{"vr":"OW","BulkDataURI":"a\\/b"},"00091001":{"BulkDataURI":"u"}}'
        )[0]
        assert instance.PixelData == metalith.BulkData("a/b", "OW")
        assert instance["00091001"] == metalith.BulkData("u", "UN")

    @pytest.mark.parametrize(
        ("member", "expected"),
        [
            ('"InlineBinary":""', None),
            ('"InlineBinary":"","x":1', None),
            ('"InlineBinary":"A*="', "A*="),
            ('"InlineBinary":5', "5"),
            ('"BulkDataURI":""', None),
            ('"BulkDataURI":"","x":1', None),
            ('"BulkDataURI":7', metalith.BulkData("7", "OB")),
            ('"BulkDataURI":"u","InlineBinary":"AA=="', b"\0"),
        ],
    )
    def test_odd(self, member, expected):
        instance = metalith.naturalize('{"00091001":{"vr":"OB",' + member + "}}")[0]
        assert instance["00091001"] == expected
