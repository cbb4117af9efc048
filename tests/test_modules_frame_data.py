"""Encoded pixel data of frames, beside what pydicom cuts out of the same files."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames

import metalith
from metalith import BulkDataError, modules
from metalith.modules import CompressedFrameData

EXPLICIT, JPEG, MPEG4 = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.102"
ID = "wadouri:https://host/a?frame="
NATIVE = ["CT_small.dcm", "rtdose.dcm", "SC_ybr_full_422_uncompressed.dcm", "ExplVR_BigEnd.dcm", "liver_1frame.dcm"]
ENCAPSULATED = [
    "SC_rgb_rle_2frame.dcm",
    "JPEG2000.dcm",
    "examples_ybr_color.dcm",
    "MR_small_RLE.dcm",
    "JPGExtended.dcm",
]


def of(data, frame=None):
    return CompressedFrameData.build(data, image_id=None if frame is None else f"{ID}{frame}")


@pytest.mark.parametrize("name", NATIVE)
def test_native_files(name):
    path = Path(get_testdata_file(name))
    instance, known = metalith.read(path), pydicom.dcmread(path)
    count = instance.get("NumberOfFrames") or 1
    every = known.PixelData[: len(known.PixelData) // count * count]
    size = len(every) // count
    if name == "SC_ybr_full_422_uncompressed.dcm":
        assert size == 100 * 100 * 2
    for frame in range(1, count + 1):
        made = of(instance, frame)
        assert made.read() == every[(frame - 1) * size : frame * size]
        assert made.fragments() == (made.read(),)
        assert made.read(path.read_bytes()) == made.read()
        assert (made.frame_number, made.is_encapsulated) == (frame, False)
    assert of(instance, count + 1) is None


@pytest.mark.parametrize("name", ENCAPSULATED)
def test_encapsulated_files(name):
    path = get_testdata_file(name)
    instance, known = metalith.read(path), pydicom.dcmread(path)
    count = instance.get("NumberOfFrames") or 1
    expected = list(generate_frames(known.PixelData, number_of_frames=count))
    assert [of(instance, frame).read() for frame in range(1, count + 1)] == expected
    last = of(instance.frame(count))
    assert (last.read(), last.frame_number, last.is_encapsulated) == (expected[-1], count, True)
    assert b"".join(last.fragments()) == expected[-1]
    assert of(instance).read() == expected[0]
    sent = last.to_cornerstone()
    assert (sent["frameOfInterest"], sent["frameNumber"]) == (count - 1, count)
    assert sent["transferSyntaxUid"] == known.file_meta.TransferSyntaxUID


def test_through_providers():
    """The frame is the image id's, which Cornerstone passes over (D8)."""
    path = Path(get_testdata_file("SC_rgb_rle_2frame.dcm"))
    provider = metalith.InstanceProvider()
    provider.add_instance("web:a", path)
    frames = [provider.get("compressedFrameData", f"web:a?frame={number}").read() for number in (1, 2)]
    assert frames == list(generate_frames(pydicom.dcmread(path).PixelData, number_of_frames=2))
    assert frames[0] != frames[1]
    assert provider.get("compressedFrameData", "web:a").frame_number == 1


def encapsulated(data, frames=1, uid=JPEG, **more):
    return {"PixelData": data, "NumberOfFrames": frames, "TransferSyntaxUID": uid, **more}


FRAMES = [b"first!", b"second", b"the third one"]


def test_offset_tables():
    padded = [one + b"\0" * (len(one) % 2) for one in FRAMES]
    for has_table in (True, False):
        data = encapsulated(encapsulate(FRAMES, has_bot=has_table), 3)
        assert [of(data, frame).read() for frame in (1, 2, 3)] == padded
    whole, *tables = encapsulate_extended(FRAMES)
    names = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")
    data = encapsulated(whole, 3, **dict(zip(names, tables, strict=True)))
    assert [of(data, frame).read() for frame in (3, 2, 1)] == padded[::-1]


def test_fragments_of_a_frame():
    data = encapsulated(encapsulate([b"abcdefgh"], fragments_per_frame=2))
    assert of(data).fragments() == (b"abcd", b"efgh")
    assert of(data).to_cornerstone()["pixelData"] == [
        {"InlineBinary": base64.b64encode(one).decode()} for one in (b"abcd", b"efgh")
    ]
    one = encapsulated(encapsulate([b"abcdefgh"]))
    assert of(one).to_cornerstone()["pixelData"] == {"InlineBinary": base64.b64encode(b"abcdefgh").decode()}


def test_a_video_is_one_stream():
    video = encapsulated(encapsulate([b"abcdefgh"], fragments_per_frame=2), 90, MPEG4)
    assert of(video, 7).fragments() == (b"abcd", b"efgh")


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.randoms(use_true_random=False))
def test_frames_of_single_bits(rows, columns, count, rnd):
    """They follow each other without a gap, so most do not begin with a byte (PS3.5 section 8.1.1)."""
    bits = np.array([rnd.randrange(2) for _ in range(rows * columns * count)], np.uint8).reshape(count, -1)
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    data = {"Rows": rows, "Columns": columns, "BitsAllocated": 1, "NumberOfFrames": count, "PixelData": packed}
    data["TransferSyntaxUID"] = EXPLICIT
    for frame in range(1, count + 1):
        read = np.frombuffer(of(data, frame).read(), np.uint8)
        assert np.unpackbits(read, bitorder="little")[: rows * columns].tolist() == bits[frame - 1].tolist()


def test_only_the_frame_is_read():
    instance = metalith.read(get_testdata_file("rtdose.dcm"))
    made = of(instance, 3)
    assert (made.data.length, made.data.offset) == (400, instance.PixelData.offset + 800)
    assert made.data.local


def test_of_a_server():
    elements = {
        "00083002": {"vr": "UI", "Value": [JPEG]},
        "00280008": {"vr": "IS", "Value": [2]},
        "7FE00010": {"vr": "OB", "BulkDataURI": "../bulk/pixels?token=secret"},
    }
    made = modules.build("compressedFrameData", metalith.naturalize(json.dumps([elements]))[0], image_id=f"{ID}2")
    assert (made.transfer_syntax_uid, made.frame_number, made.data.uri) == (JPEG, 2, "../bulk/pixels?token=secret")
    assert made.to_cornerstone()["pixelData"] == {"BulkDataURI": "../bulk/pixels?token=secret", "vr": "OB"}
    assert "secret" not in repr(made)
    with pytest.raises(BulkDataError):
        made.read()


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"PixelData": b"abcd"},
        {"TransferSyntaxUID": JPEG},
        {"PixelData": None, "TransferSyntaxUID": JPEG},
        encapsulated(b"", 1),
    ],
)
def test_without_pixel_data(data):
    assert of(data) is None


def test_damaged():
    for data in (b"abcdefgh", encapsulate(FRAMES)[:-9], encapsulate(FRAMES)[8:]):
        with pytest.raises(BulkDataError):
            of(encapsulated(data, 3), 3).read()
    with pytest.raises(BulkDataError):
        of(encapsulated(encapsulate(FRAMES[:2]), 3), 3).read()
    short = {"Rows": 2, "Columns": 2, "BitsAllocated": 8, "PixelData": b"abc", "TransferSyntaxUID": EXPLICIT}
    with pytest.raises(BulkDataError, match="3 bytes are fewer than 1 frames need"):
        of(short).read()
