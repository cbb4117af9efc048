"""Frames of local files, each against what pydicom makes of the same file; and files that are not what they were."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data.data_manager import DATA_ROOT
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.pixels import pack_bits
from pydicom.pixels.utils import get_expected_length
from pydicom.uid import RLELossless

import metalith
from metalith.errors import BulkDataError, DataSourceError
from metalith.frames import FrameError, number_of_frames
from metalith.sources import data_source

FILES = Path(DATA_ROOT) / "test_files"


def expected(path: Path) -> list[bytes]:
    """The frames of a file by pydicom, whose whole value is read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path, force=True)
        count = int(dataset.get("NumberOfFrames") or 1)
        if dataset.file_meta.get("TransferSyntaxUID", pydicom.uid.ImplicitVRLittleEndian).is_encapsulated:
            return list(generate_frames(dataset.PixelData, number_of_frames=count))
        size = get_expected_length(dataset) // count
        return [dataset.PixelData[number * size : (number + 1) * size] for number in range(count)]


def with_pixels() -> list[Path]:
    found = []
    for path in sorted(FILES.glob("*.dcm")):
        if path.name in ("badVR.dcm", "MR_truncated.dcm", "no_meta.dcm"):  # damaged, and no DICOM
            continue
        instance = metalith.read(path, on_error="partial")
        if "PixelData" in instance and "Rows" in instance:
            found.append(path)
    return found


@pytest.mark.parametrize("path", with_pixels(), ids=lambda path: path.name)
def test_as_pydicom_has_them(path):
    source, wanted = data_source("dicomlocal"), expected(path)
    instance = metalith.read(path)
    numbers = range(1, number_of_frames(instance) + 1)
    assert source.retrieve.frames(instance, numbers) == wanted
    assert source.retrieve.frames(instance, numbers[-1]) == wanted[-1:]
    assert source.retrieve.frames(instance) == wanted[:1]


@pytest.mark.parametrize("name", ["examples_ybr_color.dcm", "rtdose.dcm", "SC_rgb_rle_2frame.dcm", "image_dfl.dcm"])
def test_of_bytes(name):
    source, body = data_source("dicomlocal"), (FILES / name).read_bytes()
    for data in (body, io.BytesIO(body)):
        [image_id] = source.add(data)
        instance = source.metadata_store.instance_by_image_id(image_id)
        numbers = range(number_of_frames(instance), 0, -1)
        assert source.retrieve.frames(instance, numbers) == expected(FILES / name)[::-1]


def test_there_are_no_others():
    source, instance = data_source("dicomlocal"), metalith.read(FILES / "rtdose.dcm")
    for numbers in ([0], [1, 16], [-1], 16):
        with pytest.raises(FrameError):
            source.retrieve.frames(instance, numbers)
    with pytest.raises(TypeError):
        source.retrieve.frames(instance, ["1"])
    assert source.retrieve.frames(instance, []) == []


def made(path: Path, frames: int, **attributes) -> metalith.Instance:
    """A copy of a small file with other pixel data."""
    dataset = pydicom.dcmread(FILES / "CT_small.dcm")
    dataset.NumberOfFrames = frames
    for keyword, value in attributes.items():
        if keyword == "TransferSyntaxUID":
            dataset.file_meta.TransferSyntaxUID = value
        else:
            setattr(dataset, keyword, value)
    if dataset.file_meta.TransferSyntaxUID == RLELossless:
        dataset["PixelData"].is_undefined_length = True
        dataset["PixelData"].VR = "OB"
    dataset.save_as(path)
    return metalith.read(path)


@pytest.mark.parametrize(("rows", "columns", "frames"), [(5, 5, 3), (3, 3, 17), (1, 1, 9), (4, 4, 4), (7, 9, 1)])
def test_single_bits(tmp_path, rows, columns, frames):
    pixels = np.random.default_rng(7).integers(0, 2, (frames, rows, columns), dtype="u1")
    instance = made(
        tmp_path / "bits.dcm",
        frames,
        Rows=rows,
        Columns=columns,
        BitsAllocated=1,
        BitsStored=1,
        HighBit=0,
        PixelData=pack_bits(pixels),
    )
    found = data_source("dicomlocal").retrieve.frames(instance, range(1, frames + 1))
    for frame, wanted in zip(found, pixels, strict=True):
        bits = np.unpackbits(np.frombuffer(frame, "u1"), bitorder="little")
        assert bits[: rows * columns].tolist() == wanted.ravel().tolist()
        assert not bits[rows * columns :].any()
        assert len(frame) == -(-rows * columns // 8)


STREAMS = [bytes([number]) * (10 + 2 * number) for number in range(1, 6)]


@pytest.mark.parametrize(
    "how",
    [
        lambda: {"PixelData": encapsulate(STREAMS)},
        lambda: {"PixelData": encapsulate(STREAMS, has_bot=False)},
        lambda: {"PixelData": encapsulate(STREAMS, fragments_per_frame=2)},
        lambda: dict(
            zip(
                ("PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
                encapsulate_extended(STREAMS),
                strict=True,
            )
        ),
    ],
    ids=["offsets", "no offsets", "fragments", "extended"],
)
def test_encapsulated(tmp_path, how):
    instance = made(tmp_path / "made.dcm", 5, TransferSyntaxUID=RLELossless, **how())
    source = data_source("dicomlocal")
    assert source.retrieve.frames(instance, range(1, 6)) == STREAMS
    assert source.retrieve.frames(instance, [4, 2]) == [STREAMS[3], STREAMS[1]]


def test_a_frame_is_read_without_the_others(tmp_path):
    large = [bytes(1_000_000) for _ in range(20)]
    instance = made(tmp_path / "made.dcm", 20, TransferSyntaxUID=RLELossless, PixelData=encapsulate(large))
    source = data_source("dicomlocal")
    import tracemalloc

    tracemalloc.start()
    source.retrieve.frames(instance, 17)
    assert tracemalloc.get_traced_memory()[1] < 6_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    "attributes",
    [
        {"TransferSyntaxUID": RLELossless, "PixelData": encapsulate(STREAMS[:3], has_bot=False)},
        {"TransferSyntaxUID": RLELossless, "PixelData": b"\xfe\xff\x00\xe0\x04\x00\x00\x00\xff\xff\xff\x7f" * 2},
        {"PixelData": bytes(64)},
    ],
    ids=["fewer frames", "offsets to nowhere", "too short"],
)
def test_damaged(tmp_path, attributes):
    instance = made(tmp_path / "made.dcm", 5, **attributes)
    with pytest.raises(BulkDataError) as raised:
        data_source("dicomlocal").retrieve.frames(instance, range(1, 6))
    assert str(tmp_path) not in str(raised.value)


@pytest.mark.parametrize("name", ["CT_small.dcm", "examples_ybr_color.dcm"])
@pytest.mark.parametrize("fate", ["gone", "cut short", "other pixels"])
def test_files_that_are_not_what_they_were(tmp_path, name, fate):
    path = tmp_path / name
    path.write_bytes((FILES / name).read_bytes())
    source = data_source("dicomlocal", {"paths": path})
    [row] = source.query.instances.search()
    instance = row.attributes
    if fate == "gone":
        path.unlink()
    elif fate == "cut short":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        status = path.stat()
        path.write_bytes(path.read_bytes()[:-4] + b"1234")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))
    for ask in (source.retrieve.frames, lambda instance: source.retrieve.bulk_data(instance.PixelData)):
        with pytest.raises(BulkDataError) as raised:
            ask(instance)
        assert str(tmp_path) not in str(raised.value)
    source.rescan()
    if fate == "other pixels":
        [row] = source.query.instances.search()
        assert source.retrieve.frames(row.attributes, row.number_of_frames or 1)[0].rstrip(b"\0")[-1:]


@pytest.mark.parametrize(
    "natural",
    [
        {"PixelData": b"12345678", "Rows": 2, "Columns": 2, "BitsAllocated": 16},
        {"Rows": 2, "Columns": 2, "BitsAllocated": 16},
        {"PixelData": b"12345678", "Rows": 2},
        {"PixelData": b"12345678", "Rows": 2, "Columns": -2, "BitsAllocated": 16},
    ],
)
def test_values_in_the_metadata_themselves(natural):
    source = data_source("dicomlocal")
    uids = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.2", "SOPInstanceUID": "1.2.3"}
    source.metadata_store.add_instances({**uids, **natural})
    instance = source.metadata_store.instance("1.2.3")
    if natural == {"PixelData": b"12345678", "Rows": 2, "Columns": 2, "BitsAllocated": 16}:
        assert source.retrieve.frames(instance) == [b"12345678"]
    else:
        with pytest.raises(DataSourceError):
            source.retrieve.frames(instance)


def test_no_file_is_opened_for_what_others_say(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret bytes")
    status = secret.stat()
    uri = f"{secret.as_uri()}?offset=0&length=8&size={status.st_size}&mtime={status.st_mtime_ns}"
    sent = {
        "0020000D": {"vr": "UI", "Value": ["1"]},
        "0020000E": {"vr": "UI", "Value": ["1.2"]},
        "00080018": {"vr": "UI", "Value": ["1.2.3"]},
        "00280010": {"vr": "US", "Value": [2]},
        "00280011": {"vr": "US", "Value": [2]},
        "00280100": {"vr": "US", "Value": [16]},
        "7FE00010": {"vr": "OW", "BulkDataURI": uri},
    }
    source = data_source("dicomlocal")
    source.metadata_store.add_instances(sent)
    instance = source.metadata_store.instance("1.2.3")
    with pytest.raises(BulkDataError):
        source.retrieve.frames(instance)
    with pytest.raises(BulkDataError):
        source.retrieve.bulk_data(instance.PixelData, instance=instance)
    with pytest.raises(BulkDataError):
        source.retrieve.bulk_data(uri)
