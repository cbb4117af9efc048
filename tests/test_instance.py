"""One dataset as an object: access by every name, the mapping it is, and that it never changes."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from models.files import REAL, dataset_of, real_series, text_of
from models.generate import LENIENT, series
from models.strategies import dicom_json_datasets

import metalith

ITEM = {"00081155": {"vr": "UI", "Value": ["1.2.3"]}, "00081150": {"vr": "UI", "Value": ["1.2"]}}
DATASET = {
    "00080008": {"vr": "CS", "Value": ["ORIGINAL", "PRIMARY", None]},
    "00080018": {"vr": "UI", "Value": ["1.2.840.1"]},
    "00080060": {"vr": "CS", "Value": ["MR"]},
    "00081140": {"vr": "SQ", "Value": [ITEM]},
    "00081110": {"vr": "SQ", "Value": [ITEM, {}, {"00081155": {"vr": "UI", "Value": ["1.2.4"]}}]},
    "00081111": {"vr": "SQ"},
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Secret^Name", "Ideographic": "秘密"}]},
    "00100020": {"vr": "LO", "Value": ["SECRET-ID"]},
    "00104000": {"vr": "LT"},
    "00200013": {"vr": "IS", "Value": ["07"]},
    "00280009": {"vr": "AT", "Value": ["0018106a"]},
    "00280010": {"vr": "US", "Value": [512]},
    "00280030": {"vr": "DS", "Value": ["0.50", 0.50]},
    "00281050": {"vr": "DS", "Value": [400]},
    "00420011": {"vr": "OB", "InlineBinary": "AAEC/w=="},
    "7FE00010": {"vr": "OW", "BulkDataURI": "https://host/bulk?token=SECRET-TOKEN"},
}


@pytest.fixture
def instance():
    return metalith.naturalize(json.dumps(DATASET))[0]


class TestAccess:
    @pytest.mark.parametrize(
        "key",
        ["Rows", "00280010", "(0028,0010)", 0x00280010, np.uint32(0x00280010), np.int64(0x00280010)],
    )
    def test_every_name(self, instance, key):
        assert instance[key] == 512
        assert instance.get(key) == 512
        assert instance.get(key, 1) == 512
        assert key in instance
        assert instance.values(key) == (512,)
        assert instance.vr(key) == "US"
        assert instance.tag(key) == 0x00280010
        assert instance.raw(key) == "512"

    @pytest.mark.parametrize("key", ["7FE00010", "7fe00010", "(7FE0,0010)", "(7fe0,0010)", "7Fe00010"])
    def test_either_case_of_digits(self, instance, key):
        assert instance[key] is instance.PixelData

    def test_attribute_access(self, instance):
        assert instance.Rows == 512
        assert getattr(instance, "00280010") == 512
        assert not hasattr(instance, "Columns")

    def test_pydicom_tags_are_numbers(self, instance):
        from pydicom.tag import Tag

        assert instance[Tag("Rows")] == 512
        assert Tag(0x0028, 0x0011) not in instance

    def test_str_subclasses(self, instance):
        class Name(str):
            pass

        assert instance[Name("Rows")] == 512
        assert instance[Name("00280010")] == 512
        assert Name("Columns") not in instance

    @pytest.mark.parametrize(
        "key", ["Columns", "rows", "ROWS", "00280011", "", "x" * 1000, "é", 0x00280011, 0, 1 << 32, 1 << 70, -1]
    )
    def test_absent(self, instance, key):
        assert key not in instance
        assert instance.get(key) is None
        assert instance.get(key, "default") == "default"
        for method in (instance.__getitem__, instance.values, instance.raw, instance.vr, instance.tag):
            with pytest.raises(KeyError) as caught:
                method(key)
            assert caught.value.args == (key,)

    def test_half_a_surrogate_pair_is_absent(self, instance):
        assert "\ud800" not in instance
        assert instance.get("\ud800", 3) == 3
        with pytest.raises(KeyError):
            instance["\ud800"]
        assert not hasattr(instance, "\ud800")

    @pytest.mark.parametrize("key", [None, 1.5, b"Rows", ("Rows",), []])
    def test_what_is_no_name(self, instance, key):
        assert key not in instance
        for method in (instance.__getitem__, instance.get, instance.raw, instance.vr, instance.tag):
            with pytest.raises(TypeError, match="keyword, tag text or tag number"):
                method(key)

    def test_attribute_errors_name_the_attribute(self, instance):
        with pytest.raises(AttributeError, match="Columns") as caught:
            _ = instance.Columns
        assert caught.value.name == "Columns"
        assert caught.value.obj is instance
        with pytest.raises(AttributeError, match="column"):
            _ = instance.column

    def test_present_but_empty(self, instance):
        assert instance.PatientComments is None
        assert "PatientComments" in instance
        assert instance.get("PatientComments", "default") is None
        assert instance.values("PatientComments") == ()
        assert len(instance.ReferencedStudySequence or ()) == 3
        assert instance.ReferencedPerformedProcedureStepSequence == ()
        assert isinstance(instance.ReferencedPerformedProcedureStepSequence, metalith.Sequence)

    def test_several(self, instance):
        assert instance.ImageType == ("ORIGINAL", "PRIMARY", None)
        assert instance.values("ImageType") == ("ORIGINAL", "PRIMARY", None)
        assert instance.PixelSpacing == (0.5, 0.5)

    def test_values_are_made_once(self, instance):
        for name in ("PatientName", "PixelSpacing", "ReferencedImageSequence", "PixelData", "PatientID"):
            assert instance[name] is instance[name] is getattr(instance, name)

    def test_values_are_shared_by_rows(self):
        table = metalith.naturalize([DATASET, DATASET | {"00200013": {"vr": "IS", "Value": [8]}}])
        assert table[0].PatientName is table[1].PatientName
        assert table[0].PixelSpacing is table[1].PixelSpacing

    @pytest.mark.parametrize("name", REAL)
    def test_real_files(self, name):
        from pydicom.datadict import keyword_for_tag

        dataset = dataset_of(name)
        instance = metalith.naturalize(text_of(name))[0]
        assert len(instance) == len(dataset) > 10
        for digits in dataset:
            keyword = keyword_for_tag(int(digits, 16)) or digits
            value = instance[digits]
            assert value is instance[int(digits, 16)] is instance[keyword] is getattr(instance, keyword)
            assert instance.tag(keyword) == int(digits, 16)
            assert instance.vr(keyword) == dataset[digits]["vr"]


class TestMapping:
    def test_views_agree(self, instance):
        keys = instance.keys()
        assert keys[:2] == ["ImageType", "SOPInstanceUID"]
        assert list(instance) == keys
        assert len(instance) == len(keys) == len(DATASET)
        assert instance.items() == list(zip(keys, instance.values(), strict=True))
        assert instance.values() == [instance[key] for key in keys]
        assert dict(instance) == dict(instance.items()) == {**instance}

    def test_is_a_mapping_to_the_standard_library(self, instance):
        from collections.abc import Mapping, Sequence

        assert isinstance(instance, Mapping)
        assert isinstance(instance.ReferencedImageSequence, Sequence)

    def test_keys_are_shared(self):
        first, second = metalith.naturalize([DATASET, DATASET])
        assert all(a is b for a, b in zip(first.keys(), second.keys(), strict=True))

    def test_empty(self):
        instance = metalith.naturalize(b"{}")[0]
        assert len(instance) == 0
        assert not instance
        assert instance.keys() == instance.values() == instance.items() == []
        assert instance == {}
        assert repr(instance) == "<Instance: 0 attributes>"

    def test_dir(self, instance):
        names = dir(instance)
        assert {"Rows", "PatientName", "replace", "keys", "private"} <= set(names)
        assert "Columns" not in names
        assert names == sorted(names)
        for name in names:
            getattr(instance, name)

    def test_dir_of_a_sequence(self, instance):
        assert {"ReferencedSOPInstanceUID", "column"} <= set(dir(instance.ReferencedImageSequence))
        assert "ReferencedSOPInstanceUID" not in dir(instance.ReferencedStudySequence)


def test_repr_shows_only_identifiers(instance):
    shown = [repr(instance), str(instance), f"{instance}", repr([instance]), repr(instance.ReferencedImageSequence)]
    shown.append(repr(metalith.naturalize([DATASET])))
    for text in shown:
        assert "ecret" not in text.lower()
        assert "秘密" not in text
    assert (
        repr(instance) == f"<Instance SOPInstanceUID=1.2.840.1 Modality=MR InstanceNumber=7: {len(DATASET)} attributes>"
    )
    assert repr(instance.ReferencedStudySequence) == "<Sequence of 3 items>"


@pytest.mark.parametrize("value", [["x" * 65], ["a", "b"], [None], [{"Alphabetic": "SECRET"}]])
def test_repr_leaves_out_what_is_no_identifier(value):
    text = repr(metalith.naturalize([{"00080018": {"vr": "UI", "Value": value}}])[0])
    assert text == "<Instance: 1 attributes>"


def test_immutable(instance):
    sequence = instance.ReferencedImageSequence
    table = metalith.naturalize([DATASET])
    for target in (instance, sequence, table):
        for name in ("Rows", "Columns", "anything", "keys", "_x"):
            with pytest.raises(AttributeError):
                setattr(target, name, 1)
        with pytest.raises(AttributeError):
            del target.Rows
        for change in ("__setitem__", "__delitem__", "append", "update", "pop", "clear"):
            assert not hasattr(target, change)
        with pytest.raises(TypeError):
            type(target)()
        with pytest.raises(TypeError):
            type("Mine", (type(target),), {})
    assert instance.Rows == 512


class TestEquality:
    def test_across_tables(self, instance):
        other = metalith.naturalize([{}, DATASET])[1]
        assert instance == other
        assert not instance != other  # noqa: SIM202
        assert hash(instance) == hash(other)
        assert len({instance, other}) == 1
        assert instance.ReferencedImageSequence == other.ReferencedImageSequence
        assert hash(instance.ReferencedImageSequence) == hash(other.ReferencedImageSequence)

    def test_whatever_the_order_and_spelling(self):
        this = metalith.naturalize(b'{"0009100A":{"vr":"DS","Value":[1.0]},"00280010":{"vr":"US","Value":[1]}}')[0]
        that = metalith.naturalize(b'{"Rows":{"vr":"US","Value":[1]},"0009100a":{"vr":"DS","Value":["1"]}}')[0]
        assert this == that
        assert hash(this) == hash(that)

    def test_different(self, instance):
        for change in (
            {"Rows": 513},
            {"Rows": ...},
            {"Columns": 512},
            {"PatientName": "Secret^Name"},
            {"ImageType": "A"},
        ):
            assert instance.replace(**change) != instance
        assert instance != instance.ReferencedImageSequence[0]
        assert instance != "x"
        assert instance != None  # noqa: E711
        assert instance.ReferencedImageSequence != instance.ReferencedStudySequence

    def test_with_dicts(self):
        instance = metalith.naturalize(
            [{"00280010": {"vr": "US", "Value": [1]}, "00081140": {"vr": "SQ", "Value": [{}]}}]
        )[0]
        assert instance == {"Rows": 1, "ReferencedImageSequence": [{}]}
        assert instance == {"Rows": 1, "ReferencedImageSequence": ({},)}
        assert instance != {"Rows": 2, "ReferencedImageSequence": [{}]}
        assert instance != {"Rows": 1}
        assert instance.ReferencedImageSequence == [{}]
        assert instance.ReferencedImageSequence != [{}, {}]

    def test_tables(self):
        rows = real_series()
        table = metalith.naturalize(rows)
        assert table == metalith.naturalize(json.dumps(rows, indent=1))
        assert table != metalith.naturalize(rows[:-1])
        assert table != metalith.naturalize([*rows[:-1], {}])
        assert table != rows

    def test_nan_is_the_same_content(self):
        body = b'{"00281050":{"vr":"DS","Value":["NaN"]},"00281051":{"vr":"DS","Value":[1,"NaN"]}}'
        this, that = metalith.naturalize(body)[0], metalith.naturalize(body)[0]
        assert this == this
        assert this == that
        assert hash(this) == hash(that)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(dicom_json_datasets(LENIENT), dicom_json_datasets(LENIENT))
    def test_is_that_of_the_dicts(self, one, two):
        one, two = (json.loads(json.dumps(d).replace('"NaN"', '"1"').replace('"nan"', '"1"')) for d in (one, two))
        a, b, c = metalith.naturalize([one])[0], metalith.naturalize([two])[0], metalith.naturalize([two, one])[1]
        assert (a == b) is (a.to_dict() == b.to_dict())
        assert a == c
        assert hash(a) == hash(c)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
class TestPickle:
    def test_instance(self, instance, protocol):
        back = pickle.loads(pickle.dumps(instance, protocol))
        assert back == instance
        assert back.keys() == instance.keys()
        assert back.to_json("dicom") == instance.to_json("dicom")
        assert back.raw("PixelSpacing") == instance.raw("PixelSpacing")
        assert back.ReferencedStudySequence[2].ReferencedSOPInstanceUID == "1.2.4"

    @pytest.mark.parametrize("kind", ["real", "generated"])
    def test_table(self, protocol, kind):
        table = metalith.naturalize(real_series() if kind == "real" else series(30, seed=9, kind=LENIENT))
        back = pickle.loads(pickle.dumps(table, protocol))
        assert back.to_json("dicom") == table.to_json("dicom")
        assert back.keywords == table.keywords
        assert back.constant == table.constant

    def test_sequence(self, instance, protocol):
        for name in ("ReferencedImageSequence", "ReferencedStudySequence", "ReferencedPerformedProcedureStepSequence"):
            back = pickle.loads(pickle.dumps(instance[name], protocol))
            assert isinstance(back, metalith.Sequence)
            assert back == instance[name]
            assert len(back) == len(instance[name])

    def test_values(self, instance, protocol):
        for name in ("PatientName", "PixelData", "EncapsulatedDocument", "PixelSpacing"):
            back = pickle.loads(pickle.dumps(instance[name], protocol))
            assert back == instance[name]
            assert type(back) is type(instance[name])
        assert pickle.loads(pickle.dumps(instance.PatientName, protocol)).ideographic == "秘密"

    def test_under_other_limits(self, protocol):
        """What was accepted once comes back, whatever the limits in force now."""
        inner = {}
        for _ in range(70):
            inner = {"00081140": {"vr": "SQ", "Value": [inner]}}
        table = metalith.naturalize(json.dumps(inner), max_sequence_depth=100)
        assert pickle.loads(pickle.dumps(table, protocol)).to_json("dicom") == table.to_json("dicom")
        stored = pickle.dumps(table[0].replace(Rows=5), protocol)
        with metalith.limits(max_bytes=10):
            assert pickle.loads(stored).Rows == 5


def test_copies_are_the_object_itself(instance):
    table = metalith.naturalize([DATASET])
    for thing in (instance, instance.ReferencedStudySequence, table, instance.PatientName, instance.PixelData):
        assert copy.copy(thing) == thing
        assert copy.deepcopy(thing) == thing
        assert type(copy.deepcopy(thing)) is type(thing)
    assert copy.deepcopy({"a": [instance]})["a"][0] is instance
    assert copy.deepcopy(instance.PatientName).ideographic == "秘密"
