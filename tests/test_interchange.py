"""Instances become pydicom's datasets and come back, without loss either way; `metalith.read` takes what dcmread takes.

Whatever pydicom ships is sent through. What differs afterwards and is right stands in `explained`, with the reason.
"""

from __future__ import annotations

import copy
import gzip
import io
import json
import pickle
import tempfile
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.part10_differences import REFUSED
from models.part10_oracles import DATA, bundled
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.fileset import FileSet
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

import metalith
from metalith import BulkData, EncodeError, Instance, from_pydicom, to_pydicom
from metalith._texts import load

# pydicom tells of every oddity of its own files
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

EVERYTHING = (1 << 32) - 1
PIXEL_DATA = "7FE00010"
FILES = [file for file in bundled() if file not in REFUSED]
ON_EACH = pytest.mark.parametrize("file", FILES)
CUT = "test_files/MR_truncated.dcm"


def whole(file: str) -> Instance:
    return metalith.read(DATA / file, bulk_above=EVERYTHING)


def dataset_of(file: str) -> pydicom.FileDataset:
    return pydicom.dcmread(DATA / file, force=True)


def told(instance: Instance, *left_out: str) -> dict[str, Any]:
    """All that an instance has, VRs and texts of numbers included."""
    elements = load(instance.to_json("dicom"))
    return {tag: element for tag, element in elements.items() if tag not in left_out}


def written(dataset: Dataset, **how: Any) -> bytes:
    file = io.BytesIO()
    dataset.save_as(file, **how)
    return file.getvalue()


def touch(dataset: Dataset) -> Dataset:
    """Have pydicom convert all that it can."""
    for tag in list(dataset.keys()):
        try:
            element = dataset[tag]
        except ValueError:
            continue
        if element.VR == "SQ":
            for item in element.value:
                touch(item)
    return dataset


def in_little_endian(bulk: BulkData) -> bytes:
    values = bulk.numpy()
    return values.astype(values.dtype.newbyteorder("<")).tobytes()


def element_of(dataset: Dataset, tag: int) -> Any:
    """VR, type, value and text of an element; of one that pydicom cannot convert, what it says."""
    try:
        element = dataset[tag]
    except (KeyError, ValueError) as error:
        return type(error), None, None, str(error)
    if element.VR == "SQ":
        return len(element.value)
    return str(element.VR), type(element.value), element.value, str(element.value), element.is_undefined_length


def differences(left: Dataset, right: Dataset, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    for tag in sorted({*left.keys(), *right.keys()}):
        here = f"{path}{tag:08X}"
        pair = [element_of(dataset, tag) if tag in dataset else None for dataset in (left, right)]
        if repr(pair[0]) != repr(pair[1]):
            yield here, pair[0], pair[1]
        elif isinstance(pair[0], int):
            for index, items in enumerate(zip(left[tag].value, right[tag].value, strict=True)):
                yield from differences(*items, f"{here}[{index}].")


def explained(file: str, path: str, left: Any, right: Any) -> str | None:
    """Why a difference between a dataset and what came of it is right."""
    tag = int(path[-8:], 16)
    if tag & 0xFFFF == 0 and right is None:
        return "Lengths of groups are left out (PS3.5 7.2); pydicom does not write them either."
    if tag == 0xFFFCFFFC and right is None:
        return "Padding behind the pixel data, where headers end."
    if file == CUT and path == PIXEL_DATA and right is None:
        return "There is less of the value than its length says: it was skipped."
    pair = isinstance(left, tuple) and isinstance(right, tuple)
    if pair and left[0] == right[0] == "CS" and [text.rstrip() for text in left[2]] == right[2]:
        return "Padding of a value before another means nothing (PS3.5 6.2); pydicom removes that of the last one only."
    return None


def unexplained(file: str, left: Dataset, right: Dataset) -> list[Any]:
    return [found for found in differences(left, right) if not explained(file, *found)]


# ---- all files ----


@ON_EACH
def test_instance_to_dataset_and_back(file: str) -> None:
    instance = whole(file)
    dataset = to_pydicom(instance, bulk="skip" if file == CUT else "read")
    back = from_pydicom(dataset, keep_pixel_data=True)
    assert told(back, PIXEL_DATA) == told(instance, PIXEL_DATA)
    assert told(back.file_meta) == told(instance.file_meta)
    assert back.keys() == instance.keys() or file == CUT
    assert dataset.filename == instance.path
    if isinstance(pixels := instance.get("PixelData"), BulkData) and file != CUT:
        assert back.PixelData == (in_little_endian(pixels) if "order=big" in pixels.uri else pixels.read())
        assert back.vr("PixelData") == instance.vr("PixelData")


@ON_EACH
def test_dataset_to_instance_and_back(file: str) -> None:
    again = to_pydicom(from_pydicom(dataset_of(file), keep_pixel_data=True))
    given = dataset_of(file)
    if file != CUT:
        assert unexplained(file, given, again) == []
    assert unexplained(file, given.file_meta, again.file_meta) == []


@ON_EACH
def test_the_dataset_is_what_dcmread_gives(file: str) -> None:
    made = to_pydicom(metalith.read(DATA / file), bulk="skip" if file == CUT else "read")
    given = dataset_of(file)
    assert unexplained(file, given, made) == []
    assert unexplained(file, given.file_meta, made.file_meta) == []
    if UID(given.file_meta.get("TransferSyntaxUID", "")).is_transfer_syntax:
        syntax = given.file_meta.TransferSyntaxUID
        assert made.original_encoding == (syntax.is_implicit_VR, syntax.is_little_endian)


@ON_EACH
def test_the_instance_is_what_the_file_gives(file: str) -> None:
    behind = [PIXEL_DATA, "FFFCFFFC"]
    assert told(from_pydicom(dataset_of(file)), *behind) == told(whole(file), *behind)
    assert told(from_pydicom(touch(dataset_of(file))), *behind) == told(whole(file), *behind)


IMPLICIT_PRIVATE = "test_files/nested_priv_SQ.dcm"  # which does not say that its private elements are sequences


@ON_EACH
def test_it_can_be_saved(file: str) -> None:
    instance = whole(file)
    dataset = to_pydicom(instance, bulk="skip" if file == CUT else "read")
    saved = metalith.read(written(dataset), bulk_above=EVERYTHING)
    if file != IMPLICIT_PRIVATE:
        assert told(saved, PIXEL_DATA) == told(instance, PIXEL_DATA)
    assert told(saved.file_meta) == told(instance.file_meta)
    if all(element_of(dataset.file_meta, tag)[2] for tag in (0x00020002, 0x00020003, 0x00020010)):
        assert written(to_pydicom(instance, bulk="skip"), enforce_file_format=True)
    if "PixelData" in dataset and not len(dataset.PixelData) % 2:
        again = pydicom.dcmread(io.BytesIO(written(dataset)), force=True)
        assert again.PixelData == dataset_of(file).PixelData


@ON_EACH
def test_dicom_json_to_dataset_and_back(file: str) -> None:
    try:
        elements = dataset_of(file).to_json_dict()
    except ValueError:  # a text where a number should be
        assert "badVR" in file
        return
    instance = metalith.naturalize_dataset(elements)
    dataset = to_pydicom(instance)
    assert dataset.file_meta == FileMetaDataset()
    # pydicom has lists of one type for numbers that were read and of another for those from JSON
    reference = Dataset.from_json(elements)
    assert list(dataset.keys()) == list(reference.keys())
    assert json.dumps(dataset.to_json_dict()) == json.dumps(reference.to_json_dict())
    back = told(from_pydicom(dataset, keep_pixel_data=True))
    for tag, element in told(instance).items():
        if tag[4:] == "0000":
            continue
        if element["vr"] in ("CS", "LO") and "Value" in element:  # padding between values; empty ones are null
            element["Value"] = [(text or "").rstrip() or None for text in element["Value"]]
        if element["vr"] not in ("SQ", "FL", "FD"):  # whose digits are written in more than one way
            assert back[tag] == element, tag
    for name, value in from_pydicom(dataset).items():
        if instance.vr(name) in ("FL", "FD", "SQ"):
            assert value == instance[name]


def test_every_kind_of_file_is_there() -> None:
    assert len(FILES) > 150


# ---- bulk ----


def test_bulk_is_read_or_skipped_or_fetched() -> None:
    path = DATA / "test_files/CT_small.dcm"
    instance = metalith.read(path, bulk_above=4000)
    assert to_pydicom(instance).PixelData == pydicom.dcmread(path).PixelData
    assert "PixelData" not in to_pydicom(instance, bulk="skip")
    assert to_pydicom(instance, bulk=lambda value: b"\1\2" * 3).PixelData == b"\1\2\1\2\1\2"
    asked: list[BulkData] = []
    to_pydicom(instance, bulk=lambda value: asked.append(value) or b"")  # type: ignore[func-returns-value]
    assert asked == [instance.PixelData]
    with pytest.raises(TypeError, match=r"7FE00010.* NoneType"):
        to_pydicom(instance, bulk=lambda value: None)  # type: ignore[arg-type,return-value]
    with pytest.raises(ValueError, match="bulk"):
        to_pydicom(instance, bulk="defer")  # type: ignore[arg-type]


def test_bulk_of_bytes_and_of_servers() -> None:
    body = (DATA / "test_files/CT_small.dcm").read_bytes()
    instance = metalith.read(body)
    with pytest.raises(metalith.BulkDataError, match="source"):
        to_pydicom(instance)
    assert to_pydicom(instance, bulk=lambda value: value.read(body)).pixel_array.shape == (128, 128)
    remote = metalith.naturalize_dataset({PIXEL_DATA: {"vr": "OW", "BulkDataURI": "http://server/1"}})
    with pytest.raises(metalith.BulkDataError):
        to_pydicom(remote)
    assert to_pydicom(remote, bulk=lambda value: value.uri.encode() + b"!").PixelData == b"http://server/1!"


def test_bulk_in_sequences() -> None:
    (file,) = (file for file in FILES if file.endswith("liver_1frame.dcm"))
    instance = metalith.read(DATA / file, bulk_above=0)
    assert told(from_pydicom(to_pydicom(instance)), PIXEL_DATA) == told(whole(file), PIXEL_DATA)


@pytest.mark.parametrize("file", ["MR_small_bigendian.dcm", "ExplVR_BigEnd.dcm"])
def test_big_endian_pixels(file: str) -> None:
    path = DATA / "test_files" / file
    made = to_pydicom(metalith.read(path))
    assert (made.pixel_array == pydicom.dcmread(path).pixel_array).all()
    assert made.file_meta.TransferSyntaxUID == ExplicitVRBigEndian
    inline = from_pydicom(pydicom.dcmread(path), keep_pixel_data=True)
    assert to_pydicom(inline).PixelData == made.PixelData


@pytest.mark.parametrize("file", ["MR_small_RLE.dcm", "JPEG2000.dcm", "SC_rgb_rle_2frame.dcm"])
def test_encapsulated_pixels(file: str) -> None:
    path = DATA / "test_files" / file
    given = pydicom.dcmread(path)
    for instance in (metalith.read(path), from_pydicom(given, keep_pixel_data=True)):
        made = to_pydicom(instance)
        assert made["PixelData"].is_undefined_length
        assert made.PixelData == given.PixelData
        assert pydicom.dcmread(io.BytesIO(written(made))).PixelData == given.PixelData


def test_pixel_data_are_left_out_unless_they_are_kept() -> None:
    dataset = pydicom.dcmread(DATA / "test_files/CT_small.dcm")
    assert "PixelData" not in from_pydicom(dataset)
    kept = from_pydicom(dataset, keep_pixel_data=True)
    assert kept.PixelData == dataset.PixelData
    assert kept.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    made = Dataset()
    made.PixelData, made.BitsAllocated = io.BytesIO(b"abcd"), 8
    assert from_pydicom(made, keep_pixel_data=True).PixelData == b"abcd"
    only = Dataset()
    only.PixelData = b"ab"
    assert told(from_pydicom(only, keep_pixel_data=True)) == {PIXEL_DATA: {"vr": "OW", "InlineBinary": "YWI="}}
    only.PixelData = b""
    assert told(from_pydicom(only, keep_pixel_data=True)) == {PIXEL_DATA: {"vr": "OW"}}


def test_other_binary_values_are_kept() -> None:
    dataset = Dataset()
    dataset.add_new(0x00420011, "OB", bytes(100_000))
    dataset.add_new(0x7FE10010, "LO", "BEHIND")
    instance = from_pydicom(dataset)
    assert len(instance.EncapsulatedDocument) == 100_000
    assert instance["7FE10010"] == "BEHIND"


# ---- values ----


def element(vr: str, *values: Any, tag: str = "00091001") -> Instance:
    return metalith.naturalize_dataset({tag: {"vr": vr, "Value": list(values)}})


@pytest.mark.parametrize(
    ("vr", "value"),
    [
        ("US", "x"),
        ("US", 70000),
        ("US", -1),
        ("SS", 1.5),
        ("FL", 1e300),
        ("FD", "far"),
        ("AT", "no tag"),
        ("UN", 5),
        ("OW", "text"),
        ("UI", "1.2.☃"),
        ("LO", {"not": "text"}),
    ],
)
def test_what_has_no_form_in_dicom_is_refused(vr: str, value: Any) -> None:
    with pytest.raises(EncodeError, match="00091001"):
        to_pydicom(element(vr, value))


def test_other_things_that_are_refused() -> None:
    two = metalith.naturalize_dataset({"00090010": {"vr": "OB", "Value": ["x"], "InlineBinary": "AAAA"}})
    with pytest.raises(EncodeError, match="more than one"):
        to_pydicom(two)
    with pytest.raises(EncodeError, match="00091001"):
        to_pydicom(element("US", 1, None))
    with pytest.raises(EncodeError, match="no tag"):
        to_pydicom(metalith.naturalize_dataset({"remark": {"vr": "LO", "Value": ["x"]}}))
    with pytest.raises(EncodeError, match=r"00081140\[0\]\.00091001"):
        to_pydicom(
            metalith.naturalize_dataset(
                {"00081140": {"vr": "SQ", "Value": [{"00091001": {"vr": "US", "Value": [-5]}}]}}
            )
        )
    with pytest.raises(EncodeError, match="item"):
        to_pydicom(metalith.naturalize_dataset({"00081140": {"vr": "SQ", "Value": [5]}}))
    with pytest.raises(EncodeError, match="00091001"):
        to_pydicom(metalith.naturalize_dataset({"00091001": {"vr": "OB", "InlineBinary": "no base64"}}))


def test_messages_show_no_values() -> None:
    with pytest.raises(EncodeError) as caught:
        to_pydicom(element("US", "Doe^John"))
    assert "Doe" not in str(caught.value)
    dataset = Dataset()
    dataset.add_new(0x00280010, "US", 5)
    dataset["Rows"]._value = "Doe^John"
    with pytest.raises(EncodeError, match="00280010") as caught:
        from_pydicom(dataset)
    assert "Doe" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_texts_of_numbers_stay() -> None:
    instance = metalith.naturalize(
        b'{"00280030":{"vr":"DS","Value":[0.50,"0.5000"]},"00200013":{"vr":"IS","Value":["+007"]}}'
    )[0]
    dataset = to_pydicom(instance)
    assert [str(value) for value in dataset.PixelSpacing] == ["0.50", "0.5000"]
    back = from_pydicom(dataset)
    assert back.raw("PixelSpacing") == ("0.50", "0.5000")
    assert back.raw("InstanceNumber") == "+007"
    assert back == instance


def test_what_is_no_number_stays_as_in_files() -> None:
    instance = element("DS", "far", tag="00180088")
    dataset = to_pydicom(instance)
    assert from_pydicom(dataset).raw("SpacingBetweenSlices") == "far"
    assert metalith.read(written(dataset)).SpacingBetweenSlices == "far"
    assert dataset.SpacingBetweenSlices == "far"
    assert to_pydicom(element("IS", "near", tag="00200013")).InstanceNumber == "near"


def test_single_precision() -> None:
    instance = element("FL", 0.1, tag="00180088")
    assert to_pydicom(instance)[0x00180088].value == 0.1
    assert from_pydicom(to_pydicom(instance))["00180088"] == pytest.approx(0.1)


def test_names_have_all_groups() -> None:
    group = {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}
    instance = element("PN", group, {"Phonetic": "x"}, None, tag="00081050")
    dataset = to_pydicom(instance)
    first = dataset.PerformingPhysicianName[0]
    assert (first.alphabetic, first.ideographic, first.phonetic) == tuple(group.values())
    back = from_pydicom(dataset)
    assert back == instance
    assert back.raw("PerformingPhysicianName") == (group, {"Phonetic": "x"}, None)


def test_empty_values() -> None:
    vrs = ["AE", "DS", "FD", "LO", "OB", "PN", "SQ", "UI", "UN", "US", "UT"]
    elements = {f"000910{index:02X}": {"vr": vr} for index, vr in enumerate(vrs)}
    instance = metalith.naturalize_dataset(elements)
    dataset = to_pydicom(instance)
    assert all(dataset[tag].is_empty for tag in dataset.keys())  # noqa: SIM118
    assert from_pydicom(dataset) == instance
    assert told(from_pydicom(dataset)) == elements


def test_odd_elements() -> None:
    instance = metalith.naturalize_dataset(
        {
            "00100010": {"vr": "PN", "Value": "Doe^John"},
            "00100020": "4711",
            "00280010": {"Value": ["512"]},
            "00280106": {"Value": [-5]},
            "00280103": {"vr": "US", "Value": [1]},
            "00081140": {"vr": "SQ", "Value": [None, {}]},
            "00080008": {"vr": "CS", "Value": ["ORIGINAL", None, "AXIAL"], "note": "a member that nobody knows"},
            "00080060": {"vr": "CS", "Value": ["A\\B"]},
            "00091002": {"vr": "LO", "Value": [True, 5]},
        }
    )
    dataset = to_pydicom(instance)
    assert (dataset.PatientName, dataset.PatientID, dataset.Rows) == ("Doe^John", "4711", 512)
    assert (dataset["00280106"].VR, dataset.SmallestImagePixelValue) == ("SS", -5)
    assert list(dataset.ImageType) == ["ORIGINAL", "", "AXIAL"]
    assert len(dataset.ReferencedImageSequence) == 2
    assert list(dataset.Modality) == ["A", "B"]
    back = from_pydicom(dataset)
    assert {name: value for name, value in back.items() if value != instance[name]} == {"Modality": ("A", "B")}
    assert back["00091002"] == ("true", "5")


def test_odd_lengths() -> None:
    elements = {f"000910{low}": {"vr": vr, "InlineBinary": "QUJD"} for low, vr in enumerate(["OB", "OW", "UN"], 10)}
    instance = metalith.naturalize_dataset(elements)
    assert told(from_pydicom(to_pydicom(instance))) == elements
    assert metalith.read(written(to_pydicom(instance)))["00091010"] == b"ABC\0"  # as files have it


def test_unknown_stays_unknown() -> None:
    instance = metalith.naturalize_dataset({"00280010": {"vr": "UN", "InlineBinary": "AAI="}})
    assert to_pydicom(instance)["Rows"].VR == "UN"
    assert from_pydicom(to_pydicom(instance)).Rows == 512  # as from a file


def test_datasets_can_be_copied() -> None:
    dataset = to_pydicom(whole("charset_files/chrH32.dcm"))
    dataset.ImageType = None
    touch(dataset)
    assert copy.deepcopy(dataset) == dataset
    assert pickle.loads(pickle.dumps(dataset)).PatientName == dataset.PatientName


def test_too_deep() -> None:
    depth = 900
    text = '{"00081140":{"vr":"SQ","Value":[' * depth + "{}" + "]}}" * depth
    with metalith.limits(max_sequence_depth=1000, max_json_depth=5000):
        instance = metalith.naturalize(text)[0]
    with pytest.raises(EncodeError, match="sequences"):
        to_pydicom(instance)


# ---- datasets made in memory ----


def test_a_dataset_made_in_memory() -> None:
    dataset = Dataset()
    dataset.PatientName, dataset.Rows, dataset.ImageType = "Doe^John", 5, ["ORIGINAL", "PRIMARY"]
    dataset.SmallestImagePixelValue = 7  # "US or SS"
    dataset.PixelRepresentation = 1
    dataset.add_new(0x60003000, "OB or OW", b"ab")
    dataset.private_block(0x0009, "ACME", create=True).add_new(1, "FD", 1.5)
    dataset.ReferencedImageSequence = [Dataset(), Dataset()]
    dataset.ReferencedImageSequence[1].SmallestImagePixelValue = -7
    before = copy.deepcopy(dataset)
    instance = from_pydicom(dataset)
    assert (instance.vr("SmallestImagePixelValue"), instance.SmallestImagePixelValue) == ("SS", 7)
    assert instance.private("ACME", 0x0009, 1) == 1.5
    assert instance.ReferencedImageSequence[1].SmallestImagePixelValue == -7
    assert instance["60003000"] == b"ab"
    assert dataset == before
    assert len(from_pydicom(Dataset())) == 0
    with pytest.raises(TypeError):
        from_pydicom({"Rows": 5})  # type: ignore[arg-type]


def test_vrs_in_memory_are_kept_whatever_the_transfer_syntax() -> None:
    dataset = pydicom.dcmread(DATA / "test_files/rtdose.dcm")
    assert dataset.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
    dataset.add_new(0x00991001, "FD", 1.5)
    instance = from_pydicom(dataset)
    assert (instance.vr(0x00991001), instance[0x00991001]) == ("FD", 1.5)
    assert instance.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
    assert told(instance, "00991001") == told(whole("test_files/rtdose.dcm"), PIXEL_DATA)


@pytest.mark.parametrize("syntax", [ExplicitVRBigEndian, ImplicitVRLittleEndian, UID("1.2.3.4"), None])
def test_transfer_syntax_in_memory(syntax: UID | None) -> None:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    if syntax:
        dataset.file_meta.TransferSyntaxUID = syntax
    dataset.add_new(0x00080016, "UI", "1.2")
    dataset.Rows, dataset.RedPaletteColorLookupTableData = 258, b"\0\1\0\2"
    instance = from_pydicom(dataset)
    assert instance.Rows == 258
    big = syntax == ExplicitVRBigEndian
    assert instance.RedPaletteColorLookupTableData == (b"\1\0\2\0" if big else b"\0\1\0\2")
    assert instance.file_meta.get("TransferSyntaxUID") == (str(syntax) if syntax else None)
    assert to_pydicom(instance).RedPaletteColorLookupTableData == b"\0\1\0\2"


def test_nonsense_in_places_that_decide_on_the_encoding() -> None:
    body = bytearray((DATA / "test_files/CT_small.dcm").read_bytes())
    at, length = body.index(b"1.2.840.10008.1.2.1"), len(b"1.2.840.10008.1.2.1")
    body[at : at + length] = b"1.2.840\\10008.1.2.1"
    body[body.index(b"ISO_IR 100") + 3] = 0
    instance = metalith.read(bytes(body), bulk_above=EVERYTHING)
    dataset = to_pydicom(instance, bulk="skip")
    assert instance.SpecificCharacterSet == dataset.SpecificCharacterSet == "ISO\0IR 100"
    back = from_pydicom(dataset)
    assert told(back) == told(instance, PIXEL_DATA)
    assert back.file_meta == instance.file_meta


@pytest.mark.filterwarnings("error")
def test_nothing_warns_without_reason() -> None:
    dataset = to_pydicom(whole("test_files/rtplan.dcm"))
    assert written(dataset)
    assert len(from_pydicom(dataset)) == len(from_pydicom(pydicom.dcmread(DATA / "test_files/rtplan.dcm")))


def test_file_meta_in_the_dataset() -> None:
    dataset = Dataset()
    dataset.add_new(0x00020010, "UI", "1.2")
    with pytest.raises(EncodeError, match="00020010"):
        from_pydicom(dataset)


def test_deferred_and_missing_values() -> None:
    path = DATA / "test_files/CT_small.dcm"
    dataset = pydicom.dcmread(path, defer_size=16)
    assert told(from_pydicom(dataset), "FFFCFFFC") == told(whole("test_files/CT_small.dcm"), PIXEL_DATA)


def test_a_command_set_is_kept() -> None:
    head = bytes.fromhex("0000 0001 0200 0000 2000".replace(" ", ""))  # (0000,0100) US, implicit VR
    dataset = pydicom.dcmread(io.BytesIO(head + bytes.fromhex("0800160004000000") + b"1.2\0"), force=True)
    instance = from_pydicom(dataset)
    assert (instance["00000100"], instance.SOPClassUID) == (32, "1.2")


def test_limits() -> None:
    dataset = Dataset()
    dataset.PatientComments = "x" * 500
    with pytest.raises(metalith.ParseError, match="max_bytes"):
        from_pydicom(dataset, max_bytes=500)
    with pytest.raises(TypeError):
        from_pydicom(dataset, max_fun=500)


# ---- character sets ----


@pytest.mark.parametrize("sets", [None, "", "ISO_IR 100", "ISO_IR 192", ["", "ISO 2022 IR 87"], "ISO_IR 144", "none"])
@pytest.mark.parametrize("text", ["Doe", "Müller", "山田", "☃ \U0001f600"])
def test_text_need_not_fit_the_character_set(sets: Any, text: str) -> None:
    dataset = Dataset()
    if sets is not None:
        dataset.SpecificCharacterSet = sets
    dataset.PatientName, dataset.StudyDescription, dataset.ImageComments = f"{text}={text}", text, f"{text}\\\r\n{text}"
    item = Dataset()
    item.SpecificCharacterSet, item.SeriesDescription = "ISO_IR 13", text
    dataset.ReferencedImageSequence = [item, Dataset()]
    dataset.ReferencedImageSequence[1].SeriesDescription = text
    instance = from_pydicom(dataset)
    assert instance.PatientName.text == f"{text}={text}"
    assert (instance.StudyDescription, instance.ImageComments) == (text, f"{text}\\\r\n{text}")
    assert [entry.SeriesDescription for entry in instance.ReferencedImageSequence] == [text, text]
    assert instance.ReferencedImageSequence[0].SpecificCharacterSet == "ISO_IR 13"
    assert "SpecificCharacterSet" not in instance.ReferencedImageSequence[1]
    declared = {None: (None,), "": (None,)}.get(sets if isinstance(sets, str | None) else "-")
    got = (instance.get("SpecificCharacterSet"),) if declared else instance.values("SpecificCharacterSet")
    assert got == (declared or ((sets,) if isinstance(sets, str) else (None, "ISO 2022 IR 87")))
    assert ("SpecificCharacterSet" in instance) == (sets is not None)
    assert from_pydicom(to_pydicom(instance)) == instance


def test_text_beside_text_that_was_not_looked_at() -> None:
    """All of it has to change its encoding, items and what pydicom has not read included."""
    for file in ("charset_files/chrH31.dcm", "charset_files/chrSQEncoding.dcm", "charset_files/chrX2.dcm"):
        dataset = dataset_of(file)
        dataset.StudyDescription = "☃"
        assert told(from_pydicom(dataset), "00081030") == told(whole(file), "00081030", PIXEL_DATA)
        assert from_pydicom(dataset).StudyDescription == "☃"


def test_a_character_set_that_was_changed() -> None:
    """What was not looked at is in the one that it was read in."""
    for file in ("charset_files/chrRuss.dcm", "charset_files/chrSQEncoding1.dcm"):
        dataset = dataset_of(file)
        dataset.SpecificCharacterSet = "ISO_IR 192"
        assert told(from_pydicom(dataset), "00080005") == told(whole(file), "00080005", PIXEL_DATA)
        assert from_pydicom(dataset).SpecificCharacterSet == "ISO_IR 192"


def test_characters_in_file_meta() -> None:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.ImplementationVersionName = "Ä"
    assert from_pydicom(dataset).file_meta.ImplementationVersionName == "Ä"
    dataset.file_meta.ImplementationVersionName = "☃"
    with pytest.raises(EncodeError, match="00020013"):
        from_pydicom(dataset)


# ---- any values ----

WORD = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="\\^="), min_size=1, max_size=9)
PLAIN = st.text("ABCZ 019_", min_size=1, max_size=16).map(str.strip).filter(bool)
UIDS = st.from_regex(r"[1-9][0-9]{0,5}(\.[1-9][0-9]{0,5}){1,4}", fullmatch=True)


def several(one: Any) -> Any:
    return st.lists(one, min_size=1, max_size=3)


def whole_number(bits: int, signed: bool) -> Any:
    return st.integers(-(1 << bits - 1) if signed else 0, (1 << bits - signed) - 1)


DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
VALUES = {
    **{vr: several(PLAIN) for vr in ("AE", "AS", "CS", "DA", "DT", "TM")},
    **{vr: several(WORD) for vr in ("LO", "SH", "UC")},
    **{vr: st.lists(WORD, min_size=1, max_size=1) for vr in ("LT", "ST", "UT")},
    "PN": several(st.builds(lambda a, i, p: {"Alphabetic": a, "Ideographic": i, "Phonetic": p}, WORD, WORD, WORD)),
    "UI": several(UIDS),
    "DS": several(DOUBLES.map(repr)),
    "IS": several(whole_number(32, True).map(str)),
    "AT": several(st.integers(0, (1 << 32) - 1).map("{:08X}".format)),
    "FL": several(st.floats(width=32, allow_nan=False, allow_infinity=False)),
    "FD": several(DOUBLES),
    **{f"{kind}{size}": several(whole_number(bits, kind == "S"))
       for kind in "SU" for size, bits in (("S", 16), ("L", 32), ("V", 64))},
}  # fmt: skip
LEAVES = st.one_of([values.map(lambda v, vr=vr: {"vr": vr, "Value": v}) for vr, values in VALUES.items()])
BYTES = st.tuples(st.sampled_from(["OB", "OW", "OD", "UN"]), st.binary(min_size=1, max_size=12))
BINARY = BYTES.map(lambda pair: {"vr": pair[0], "InlineBinary": b64encode(pair[1] * 2).decode()})
TAGS = st.integers(0x1000, 0x10FF).map(lambda low: f"0099{low:04X}")


def datasets(element: Any) -> Any:
    return st.dictionaries(TAGS, element, max_size=6).map(lambda found: dict(sorted(found.items())))


ELEMENTS = st.recursive(
    LEAVES | BINARY,
    lambda inner: st.lists(datasets(inner), min_size=1, max_size=3).map(lambda items: {"vr": "SQ", "Value": items}),
    max_leaves=12,
)


@settings(deadline=None)
@given(datasets(ELEMENTS), st.sampled_from([None, "ISO_IR 100", "ISO_IR 192"]), st.booleans())
def test_any_dataset(elements: dict[str, Any], characters: str | None, looked_at: bool) -> None:
    if characters:
        elements = {"00080005": {"vr": "CS", "Value": [characters]}, **elements}
    instance = metalith.naturalize_dataset(elements)
    dataset = to_pydicom(instance)
    if looked_at:
        touch(dataset)
    back = from_pydicom(dataset)
    assert back == instance
    assert [back.vr(name) for name in back] == [instance.vr(name) for name in instance]
    if characters == "ISO_IR 192":
        assert metalith.read(written(dataset)) == instance


# ---- what dcmread accepts ----


class Reader:
    """The least that dcmread asks for."""

    def __init__(self, body: bytes) -> None:
        self._file = io.BytesIO(body)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


class Place:
    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __fspath__(self) -> str:
        return self._path


def spooled(body: bytes) -> Any:
    file = tempfile.SpooledTemporaryFile(1000)  # noqa: SIM115 -- the caller closes it
    file.write(body)
    file.seek(0)
    return file


def from_the_middle(body: bytes) -> io.BytesIO:
    file = io.BytesIO(b"before" + body)
    file.seek(6)
    return file


PATH = DATA / "test_files/CT_small.dcm"
INPUTS = {
    "str": lambda tmp: str(PATH),
    "Path": lambda tmp: PATH,
    "PathLike": lambda tmp: Place(PATH),
    "file": lambda tmp: PATH.open("rb"),
    "unbuffered file": lambda tmp: PATH.open("rb", buffering=0),
    "BytesIO": lambda tmp: io.BytesIO(PATH.read_bytes()),
    "DicomBytesIO": lambda tmp: DicomBytesIO(PATH.read_bytes()),
    "gzip": lambda tmp: gzip.GzipFile(tmp / "file.gz"),
    "zip": lambda tmp: zipfile.Path(tmp / "file.zip", "file.dcm").open("rb"),
    "spooled": lambda tmp: spooled(PATH.read_bytes()),
    "read, seek and tell": lambda tmp: Reader(PATH.read_bytes()),
    "from the middle": lambda tmp: from_the_middle(PATH.read_bytes()),
}


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_what_dcmread_accepts(kind: str, tmp_path: Path) -> None:
    with gzip.open(tmp_path / "file.gz", "wb") as packed:
        packed.write(PATH.read_bytes())
    with zipfile.ZipFile(tmp_path / "file.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(PATH, "file.dcm")
    for read in (pydicom.dcmread, metalith.read):
        opened = INPUTS[kind](tmp_path)
        assert read(opened).SOPInstanceUID == pydicom.dcmread(PATH).SOPInstanceUID
        if hasattr(opened, "close"):
            opened.close()


def test_file_sets() -> None:
    files = FileSet(DATA / "test_files/dicomdirtests/DICOMDIR")
    for entry in list(files)[:5]:
        assert metalith.read(entry.path).SOPInstanceUID == entry.load().SOPInstanceUID
    files._stage["t"].cleanup()  # which pydicom leaves to the garbage collector, with a warning


def test_what_the_keywords_of_dcmread_become() -> None:
    tags = ["PatientName", 0x00280010, "00280011", pydicom.tag.Tag(0x0008, 0x0060)]
    theirs = pydicom.dcmread(PATH, specific_tags=list(tags), stop_before_pixels=True)
    ours = metalith.read(PATH, specific_tags=tags)
    assert {ours.tag(name) for name in ours} == {*theirs.keys()} - {0x00080005}  # which dcmread gives unasked
    assert metalith.read(PATH, until="PixelData").keys() == [
        name for name in metalith.read(PATH) if name != "PixelData"
    ]
    assert isinstance(metalith.read(PATH, bulk_above=10)["00431028"], BulkData)  # defer_size
