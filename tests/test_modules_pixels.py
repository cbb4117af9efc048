"""Pixels, palettes, look-up tables, windows, overlays."""

from __future__ import annotations

import base64

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.module_cases import CASES, CT
from pydicom.data import get_testdata_file
from pydicom.pixels.processing import _expand_segmented_lut

import metalith
from metalith import modules
from metalith.modules import ImagePixel, ModalityLut, OverlayPlane, Palette, VoiLut
from metalith.modules.segmented import expand


def case(name):
    return metalith.naturalize_dataset(CASES[name])


def read(name):
    return metalith.read(get_testdata_file(name))


def test_pixels_of_a_real_ct():
    assert ImagePixel.build(read("CT_small.dcm")) == ImagePixel(
        samples_per_pixel=1,
        photometric_interpretation="MONOCHROME2",
        rows=128,
        columns=128,
        bits_allocated=16,
        bits_stored=16,
        high_bit=15,
        pixel_representation=1,
        pixel_padding_value=-2000,
        distance_source_to_detector=1099.3100585938,
        distance_source_to_patient=630.0,
    )


@pytest.mark.parametrize(
    ("representation", "sent", "meant"), [(1, 63536, -2000), (1, -2000, -2000), (0, -2000, 63536), (0, 2000, 2000)]
)
def test_stored_values_have_the_sign_of_the_pixels(representation, sent, meant):
    data = {"Rows": 1, "Columns": 1, "PixelRepresentation": representation, "PixelPaddingValue": sent}
    assert ImagePixel.build(data).pixel_padding_value == meant


def test_no_pixels():
    assert ImagePixel.build({"Rows": 4}) is None
    assert ImagePixel.build(read("rtplan.dcm")) is None


def test_real_palette():
    instance = read("examples_palette.dcm")
    palette = Palette.build(instance)
    expected = pydicom.dcmread(get_testdata_file("examples_palette.dcm"))
    for color in ("Red", "Green", "Blue"):
        lut = getattr(palette, color.lower())
        assert (lut.entries, lut.first_value_mapped, lut.bits_per_entry) == (256, 0, 16)
        data = np.frombuffer(expected[f"{color}PaletteColorLookupTableData"].value, "<u2")
        assert lut.values().tolist() == data.tolist()
    assert palette.red.values()[:3].tolist() == [0, 256, 256]
    assert palette.red.values().sum() == 7363840
    assert not palette.red.values().flags.writeable
    pixel = modules.build("imagePixelModule", instance)
    assert pixel.palette == palette
    assert pixel.to_cornerstone()["redPaletteColorLookupTableDescriptor"] == [256, 0, 16]
    assert sum(pixel.to_cornerstone()["redPaletteColorLookupTableData"]) == 7363840


def test_palettes_of_json():
    assert Palette.build(case("palette 8")).green.values().tolist() == list(range(256))
    palette = Palette.build(case("palette 16"))
    assert palette.blue.values().tolist() == list(range(0, 1024, 4))
    assert palette.palette_color_lookup_table_uid == "1.2.3"
    assert Palette.build({"RedPaletteColorLookupTableDescriptor": (256, 0, 8)}) is None


def test_palette_elsewhere():
    descriptor, data = (2, 0, 8), metalith.BulkData("https://host/bulk/1", "OW")
    colors = {f"{color}PaletteColorLookupTableDescriptor": descriptor for color in ("Red", "Green", "Blue")}
    palette = Palette.build(colors | {"RedPaletteColorLookupTableData": data})
    assert palette.to_cornerstone()["redPaletteColorLookupTableData"] == {"BulkDataURI": data.uri, "vr": "OW"}
    assert not palette.red.at_hand
    with pytest.raises(metalith.BulkDataError):
        palette.red.values()


SEGMENTS = [
    (8, [0, 3, 1, 2, 3, 1, 5, 13]),
    (8, [0, 1, 0, 1, 7, 100, 0, 2, 9, 9, 1, 4, 0]),
    (8, [0, 2, 5, 6, 1, 3, 90, 2, 2, 0, 0, 0, 0]),
    (16, [0, 1, 0, 1, 250, 65500, 1, 5, 65535]),
    (16, [0, 2, 300, 400, 1, 2, 40, 2, 1, 0, 0]),
]


@pytest.mark.parametrize(("bits", "words"), SEGMENTS)
def test_segmented_palette(bits, words):
    expected = _expand_segmented_lut(tuple(words), "<B" if bits == 8 else "<H")
    data = {"PixelRepresentation": 0}
    for color in ("Red", "Green", "Blue"):
        data[f"{color}PaletteColorLookupTableDescriptor"] = (len(expected), 0, bits)
        data[f"Segmented{color}PaletteColorLookupTableData"] = np.array(words, f"<u{bits // 8}").tobytes()
    palette = Palette.build(data)
    assert palette.red.segmented
    assert palette.blue.values().tolist() == expected
    assert palette.red.values().dtype == f"u{bits // 8}"


@pytest.mark.parametrize(
    "words",
    [
        [],
        [0],
        [0, 0],
        [1, 2, 3],
        [2, 1, 0, 0],
        [0, 1, 7],
        [3, 1, 1],
        [0, 1, 7, 2, 1, 6, 0, 0],
        [0, 1, 7, 2, 9, 0, 0],
        [0, 1, 7, 2, 1, 6, 0, 2, 1, 6, 0],
        [0, 5, 1],
    ],
)
def test_damaged_segments(words):
    with pytest.raises(metalith.BulkDataError):
        expand(words, 16, 10)


def lut(descriptor, data, **more):
    return {"LUTDescriptor": descriptor, "LUTData": data, **more}


@pytest.mark.parametrize(
    "data",
    [
        (1, 2, 3),
        b"\1\0\2\0\3\0",
        {"InlineBinary": base64.b64encode(b"\1\0\2\0\3\0").decode()},
        np.array([1, 2, 3], ">u2"),
        metalith.BulkData("?offset=0&length=6", "OW"),
    ],
)
def test_lut_data_in_every_form(data):
    made = ModalityLut.build({"ModalityLUTSequence": [lut((3, 0, 16), data, ModalityLUTType="HU")]})
    assert made.luts[0].values(b"\1\0\2\0\3\0").tolist() == [1, 2, 3]
    assert made.luts[0].lut_type == "HU"


def test_entries_of_65536():
    made = ModalityLut.build({"ModalityLUTSequence": [lut((0, 0, 16), bytes(131072))]})
    assert made.luts[0].entries == 65536 == len(made.luts[0].values())
    assert made.to_cornerstone()["modalityLUTSequence"][0]["id"] == "1"


def test_odd_number_of_bytes():
    made = ModalityLut.build({"ModalityLUTSequence": [lut((3, 0, 8), b"\1\2\3\0")]})
    assert made.luts[0].values().tolist() == [1, 2, 3]
    with pytest.raises(metalith.BulkDataError, match="3 entries has 2 bytes"):
        ModalityLut.build({"ModalityLUTSequence": [lut((3, 0, 8), b"\1\2")]}).luts[0].values()


@pytest.mark.parametrize(
    ("data", "first"),
    [
        ({"SOPClassUID": CT}, -1),
        ({"PixelRepresentation": 1}, -1),
        ({"PixelRepresentation": 0}, 65535),
        ({"PixelRepresentation": 0, "RescaleSlope": 1, "RescaleIntercept": -1024}, -1),
        ({"PixelRepresentation": 1, "BitsStored": 12, "RescaleSlope": 1, "RescaleIntercept": 2048}, 65535),
        ({"PixelRepresentation": 1, "BitsStored": 12, "RescaleSlope": 1, "RescaleIntercept": 2047}, -1),
        ({"PixelRepresentation": 1, "ModalityLUTSequence": [lut((1, 0, 8), b"\0\0")]}, 65535),
    ],
)
def test_first_value_mapped_of_voi(data, first):
    made = VoiLut.build(data | {"VOILUTSequence": [lut((1, 65535, 16), (7,), LUTExplanation="BONE")]})
    assert made.luts[0].first_value_mapped == first
    assert made.luts[0].explanation == "BONE"
    assert made.to_cornerstone() == {
        "voiLUTSequence": [{"id": "1", "firstValueMapped": first, "numBitsPerEntry": 16, "lut": [7]}]
    }


@pytest.mark.parametrize(("representation", "first"), [(0, 65535), (1, -1)])
def test_first_value_mapped_of_modality(representation, first):
    data = {"PixelRepresentation": representation, "ModalityLUTSequence": [lut((1, -1, 16), (7,))]}
    assert ModalityLut.build(data).luts[0].first_value_mapped == first


def test_windows():
    made = VoiLut.build(case("windows"))
    assert made.windows == ((40.0, 400.0), (300.0, 1500.0))
    assert made.window_center_width_explanation == ("SOFT", "BONE")
    assert VoiLut.build(case("windows of strings")).windows == ((40.0, 400.0),)
    assert VoiLut.build(case("center alone")) is None
    real = VoiLut.build(read("MR_small.dcm"))
    assert real == VoiLut(window_center=(600.0,), window_width=(1600.0,))


def test_modality():
    assert ModalityLut.build(read("CT_small.dcm")) == ModalityLut(-1024.0, 1.0)
    assert ModalityLut.build(case("windows")).to_cornerstone() == {
        "rescaleIntercept": -1024,
        "rescaleSlope": 1,
        "rescaleType": "HU",
    }
    assert ModalityLut.build({"RescaleIntercept": 0, "RescaleSlope": "0.5"}) == ModalityLut(0.0, 0.5)
    assert ModalityLut.build(read("MR_small.dcm")) is None


def test_real_overlay():
    made = OverlayPlane.build(read("examples_overlay.dcm"))
    (overlay,) = made.overlays
    expected = pydicom.dcmread(get_testdata_file("examples_overlay.dcm")).overlay_array(0x6000)
    assert (overlay.rows, overlay.columns, overlay.overlay_type, overlay.x, overlay.y) == (300, 484, "G", 0, 0)
    assert overlay.description == "Siemens MedCom Object Graphics"
    assert overlay.bits().tolist() == expected.tolist()
    assert overlay.bits().sum() == 222
    sent = made.to_cornerstone()["overlays"][0]
    assert (len(sent["pixelData"]), sum(sent["pixelData"]), sent["type"]) == (300 * 484, 222, "G")
    assert repr(made) == "OverlayPlane(overlays=(<Overlay 6000, 300 × 484>,))"


def group(number, **values):
    names = {"rows": "0010", "columns": "0011", "origin": "0050", "data": "3000", "frames": "0015", "label": "1500"}
    return {f"{number}{names[name]}": value for name, value in values.items()}


def test_every_group():
    data = {}
    for number in range(0x6000, 0x6020, 2):
        data |= group(f"{number:04X}", rows=1, columns=8, origin=(1, -2), data=bytes([number & 0xFF, 0]))
    overlays = OverlayPlane.build(data).overlays
    assert [one.group for one in overlays] == [f"{number:04X}" for number in range(0x6000, 0x6020, 2)]
    assert overlays[15].bits().tolist() == [[0, 1, 1, 1, 1, 0, 0, 0]]
    assert (overlays[0].x, overlays[0].y) == (-3, 0)


def test_frames_of_an_overlay():
    made = OverlayPlane.build(group("6002", rows=1, columns=3, frames="2", data=b"\x35\0"))
    (overlay,) = made.overlays
    assert overlay.bits(1).tolist() == [[1, 0, 1]]
    assert overlay.bits(2).tolist() == [[0, 1, 1]]
    assert (overlay.x, overlay.y) == (None, None)
    with pytest.raises(ValueError, match="frame 3 of an overlay with 2"):
        overlay.bits(3)


@given(st.randoms(use_true_random=False))
def test_any_overlays(rnd):
    """Of several groups and frames, each bit put down by itself; and as DICOM JSON."""
    data, expected = {"00280010": {"vr": "US", "Value": [4]}}, []
    for number in sorted(rnd.sample(range(0x6000, 0x6020, 2), rnd.randrange(1, 4))):
        rows, columns, frames = rnd.randrange(1, 5), rnd.randrange(1, 12), rnd.choice([None, 1, 3])
        bits = [rnd.randrange(2) for _ in range(rows * columns * (frames or 1))]
        packed = bytearray((len(bits) + 15) // 16 * 2)
        for place, bit in enumerate(bits):
            packed[place // 8] |= bit << place % 8
        origin = [rnd.randrange(-3, 5), rnd.randrange(-3, 5)]
        data |= {
            f"{number:04X}0010": {"vr": "US", "Value": [rows]},
            f"{number:04X}0011": {"vr": "US", "Value": [columns]},
            f"{number:04X}0040": {"vr": "CS", "Value": ["G"]},
            f"{number:04X}0050": {"vr": "SS", "Value": origin},
            f"{number:04X}3000": {"vr": "OW", "InlineBinary": base64.b64encode(packed).decode()},
        }
        if frames is not None:
            data[f"{number:04X}0015"] = {"vr": "IS", "Value": [frames]}
        place = {"rows": rows, "columns": columns, "type": "G", "x": origin[1] - 1, "y": origin[0] - 1}
        expected.append({**place, "pixelData": bits})
    made = OverlayPlane.build(metalith.naturalize_dataset(data))
    assert made.to_cornerstone() == {"overlays": expected}


def test_overlays_without_data():
    (old,) = OverlayPlane.build(group("6000", rows=1, columns=3)).overlays
    with pytest.raises(metalith.BulkDataError):
        old.bits()
    (short,) = OverlayPlane.build(group("6000", rows=9, columns=9, data=b"\0\0")).overlays
    with pytest.raises(metalith.BulkDataError, match="fewer than the overlay needs"):
        short.bits()
    (away,) = OverlayPlane.build(group("6000", rows=1, columns=3, data={"BulkDataURI": "../x"})).overlays
    assert away.to_cornerstone()["pixelData"]["BulkDataURI"] == "../x"
    assert OverlayPlane.build(group("6000", rows=1)) is None
    assert OverlayPlane.build({}) is None
