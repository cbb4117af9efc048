"""The same modules from every source: files, DICOM JSON, plain dicts; and whatever a source may send."""

from __future__ import annotations

import json
import math
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.js import assert_same
from models.module_cases import CASES
from models.module_check import bundled
from pydicom.data import get_testdata_file

import metalith
from metalith import modules
from metalith.modules import values

IMAGE = "wadors:https://host/studies/1/series/2/instances/3/frames/1"
BUNDLED = dict(bundled())
# cut off: pydicom reads what there is
OTHERWISE = {"rtplan_truncated.dcm"}
FROM_FILES = ["transferSyntax", "compressedFrameData"]  # the texts have no file meta information and no pixel data


def answers(data, without=()):
    made = {type: modules.build(type, data, image_id=IMAGE) for type in modules.TYPES if type not in without}
    return {type: module.to_cornerstone() for type, module in made.items() if module is not None}


@pytest.mark.parametrize("name", sorted({*BUNDLED} - OTHERWISE))
def test_files_and_json_alike(name):
    file = metalith.read(get_testdata_file(name), bulk_above=1 << 30)
    sent = metalith.naturalize_dataset(BUNDLED[name])
    assert_same(answers(file, FROM_FILES), answers(sent, FROM_FILES))


@pytest.mark.parametrize("name", sorted({**BUNDLED, **CASES}))
def test_instances_and_dicts_alike(name):
    instance = metalith.naturalize_dataset({**BUNDLED, **CASES}[name])
    expected = answers(instance)
    assert_same(answers(dict(instance.items())), expected)
    assert_same(answers(instance.to_dict("natural")), expected)


@pytest.mark.parametrize("name", sorted(CASES))
def test_numbers_as_texts(name):
    elements = json.loads(CASES[name])
    for element in elements.values():
        if element["vr"] in ("DS", "IS", "US", "FD", "FL", "UL", "SS") and "Value" in element:
            element["Value"] = [str(value) for value in element["Value"]]
    assert_same(answers(metalith.naturalize_dataset(elements)), answers(metalith.naturalize_dataset(CASES[name])))


KEYWORDS = {row.keyword for cls in modules.TYPES.values() for row in cls._rows} | {
    "DetectorInformationSequence",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "LUTDescriptor",
    "PixelData",
    "TransferSyntaxUID",
    "LUTData",
    "ModalityLUTSequence",
    "VOILUTSequence",
    "RadiopharmaceuticalInformationSequence",
    "SequenceOfUltrasoundRegions",
    "WaveformSequence",
    "PerFrameFunctionalGroupsSequence",
    "SharedFunctionalGroupsSequence",
    "RedPaletteColorLookupTableDescriptor",
    "60000010",
    "60000011",
    "60003000",
    "60000050",
}

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=7)
        | st.lists(inner, max_size=7).map(tuple)
        | st.dictionaries(st.sampled_from(sorted(KEYWORDS)), inner, max_size=5)
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(KEYWORDS)), ANYTHING, max_size=12))
def test_whatever_is_sent(data):
    for type in modules.TYPES:
        made = modules.build(type, data, image_id=IMAGE)
        assert made is None or repr(made)
        if made is not None:
            with suppress(metalith.BulkDataError):  # look-up tables and overlays that are too short
                made.to_cornerstone()
        if type == "imagePlaneModule" and made is not None:
            check_plane(made)


def check_plane(plane):
    lengths = {"image_orientation_patient": 6, "image_position_patient": 3, "pixel_spacing": 2}
    for name, length in lengths.items():
        vector = getattr(plane, name)
        if vector is not None:
            assert [type(one) for one in vector] == [float] * length
            assert all(map(math.isfinite, vector))
    assert json.dumps(plane.to_cornerstone(), allow_nan=False)


@given(st.floats() | st.integers() | st.text() | st.lists(st.floats()) | st.none() | st.binary())
def test_numbers(value):
    number = values.number(value)
    assert number is None or (type(number) is float and math.isfinite(number))
    whole = values.integer(value)
    assert whole is None or type(whole) is int
    several = values.numbers(value) if value is not None else None
    assert several is None or all(type(one) is float for one in several)
