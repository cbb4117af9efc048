"""SUV factors: regression numbers, plain formulas, properties, and calculate-suv itself where it is at hand."""

from __future__ import annotations

import base64
import json
import math
import pickle
import subprocess
from dataclasses import FrozenInstanceError, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.js import loads_oracle
from models.suv_model import BASE, GE, PHILIPS, WANTED, bqml, for_node, generated, masses, natural, pet

import metalith
from metalith.suv import SuvError, SuvScaling, body_surface_area, lean_body_mass, suv_factors

MALE = {"suvbw": 2.555849718125172e-4, "suvbsa": 6.747965445600639e-5, "suvlbm": 2.1104016243947847e-4}
FEMALE_LEAN = 1.870151750891019e-4
MALE_MODEL = bqml(70.0, 1.75, "M", 4e8, 6588.0, 3600.0)


def one(**changes):
    return suv_factors([pet(**changes)])[0]


def close(scaling, expected):
    assert scaling.to_cornerstone() == pytest.approx(expected, rel=1e-13)


def test_regression_numbers():
    """Those of calculate-suv under Node, to an ulp or two: the last digit is that of V8's Math.pow, and not right."""
    found = one()
    assert {name: found.to_cornerstone()[name] for name in MALE} == pytest.approx(MALE, rel=5e-16)
    assert one(PatientSex="F").suvlbm == pytest.approx(FEMALE_LEAN, rel=5e-16)
    assert one(PatientSex="F").suvbw == found.suvbw
    assert (found.units, found.decay_time, found.time_source, found.lacking) == ("BQML", 3600.0, "SeriesTime", ())


def test_numbers_of_upstream_tests():
    """calculate-suv's own: 75 kg, 1.85 m, all of a dose of 100 Bq, with the lean mass that 1.1 adds."""
    found = one(
        PatientWeight=75, PatientSize=1.85, RadionuclideTotalDose=100, RadiopharmaceuticalStartTime="120000"
    ).to_cornerstone()
    del found["suvlbmJames128"]
    expected = {"suvbw": 750, "suvbsa": 198.13758427117767, "suvlbm": 627.7757487216948}
    assert found == pytest.approx({**expected, "suvlbmJanma": 609.1533588651974}, rel=1e-13)


def test_by_hand():
    """One half-life after the injection of 1000 Bq into 50 kg: 50,000 g over 500 Bq."""
    found = one(PatientWeight=50, RadionuclideTotalDose=1000, RadionuclideHalfLife=3600)
    assert found.suvbw == 100.0
    assert found.suvlbm == pytest.approx((1.1 * 50 - 120 * (50 / 175) ** 2) * 1000 / 500)
    assert found.suvlbm_james128 == pytest.approx((1.1 * 50 - 128 * (50 / 175) ** 2) * 1000 / 500)
    assert found.suvlbm_janmahasatian == pytest.approx(9270 * 50 / (6680 + 216 * 50 / 1.75**2) * 2)
    assert found.suvbsa == pytest.approx(71.84 * 50**0.425 * 175**0.725 / 500)


@pytest.mark.parametrize(
    ("changes", "after", "source"),
    [
        ({}, 3600, "SeriesTime"),
        ({"RadiopharmaceuticalStartTime": "1130"}, 1800, "SeriesTime"),
        ({"RadiopharmaceuticalStartTime": "11"}, 3600, "SeriesTime"),
        ({"RadiopharmaceuticalStartTime": "11:30:15"}, 1785, "SeriesTime"),
        ({"RadiopharmaceuticalStartTime": "110000.000123"}, 3599.999877, "SeriesTime"),
        ({"RadiopharmaceuticalStartTime": "110000.5 "}, 3599.5, "SeriesTime"),
        ({"RadiopharmaceuticalStartTime": "120000"}, 0, "SeriesTime"),
        ({"SeriesTime": "003000", "RadiopharmaceuticalStartTime": "233000"}, 3600, "SeriesTime"),
        ({"RadiopharmaceuticalStartDateTime": "20240229233000.25"}, 44999.75, "SeriesTime"),
        ({"RadiopharmaceuticalStartDateTime": "2024030111"}, 3600, "SeriesTime"),
        ({"RadiopharmaceuticalStartDateTime": "20240301"}, 3600, "SeriesTime"),
        ({"RadiopharmaceuticalStartDateTime": "20240301114500+0100"}, 900, "SeriesTime"),
        (
            {"RadiopharmaceuticalStartDateTime": "20240301094500+0000", "TimezoneOffsetFromUTC": "+0100"},
            4500,
            "SeriesTime",
        ),
        ({"SeriesTime": "115900"}, 3540, "SeriesTime"),
        ({"SeriesTime": "121500"}, 3600, "AcquisitionTime"),
        ({"SeriesTime": "121500", "SeriesDate": "20240302"}, 3600, "AcquisitionTime"),
        ({"SeriesTime": "121500", "00090010": GE, "0009100D": "20240301115500.50"}, 3300.5, GE),
        ({"SeriesTime": "121500", "00090010": GE, "0009100D": b"20240301115500.50\0"}, 3300.5, GE),
        ({"SeriesTime": "121500", "00090010": "GEMS_IDEN_01", "0009100D": "20240301115500"}, 3600, "AcquisitionTime"),
        ({"SeriesTime": "120000", "0009100D": "20240301115500"}, 3600, "SeriesTime"),
        (
            {"SeriesTime": "121500", "AcquisitionTime": None, "AcquisitionDateTime": "20240301121000.5"},
            4200.5,
            "AcquisitionTime",
        ),
        ({"SeriesTime": "121500", "AcquisitionDateTime": "20240301050000"}, 3600, "AcquisitionTime"),
        ({"DecayCorrection": "ADMIN"}, 0, "DecayCorrection"),
        ({"DecayCorrection": "ADMIN", "SeriesTime": None, "RadiopharmaceuticalStartTime": None}, 0, "DecayCorrection"),
    ],
)
def test_times(changes, after, source):
    found = one(**changes)
    assert (found.decay_time, found.time_source) == (pytest.approx(after, abs=1e-9), source)
    close(found, bqml(70.0, 1.75, "M", 4e8, 6588.0, after))


def test_the_first_image_tells_when_the_scan_began():
    late = [pet(SeriesTime="123000", AcquisitionTime=time) for time in ("121000", "120500.5", "122000")]
    found = suv_factors(late)
    assert [scaling.decay_time for scaling in found] == [3900.5] * 3
    close(found[0], bqml(70.0, 1.75, "M", 4e8, 6588.0, 3900.5))


def frames(**changes):
    changes = {"DecayCorrection": "NONE", "CorrectedImage": ("ATTN", "SCAT"), **changes}
    return [
        pet(AcquisitionTime=time, FrameReferenceTime=reference, ActualFrameDuration=180_000, **changes)
        for time, reference in (("120000", 90_000.0), ("121000", 690_500.0))
    ]


def test_uncorrected_values_are_of_their_frame():
    found = suv_factors(frames())
    assert [scaling.decay_time for scaling in found] == [3690.0, 4290.5]
    assert {scaling.time_source for scaling in found} == {"FrameReferenceTime"}
    for scaling in found:
        close(scaling, bqml(70.0, 1.75, "M", 4e8, 6588.0, scaling.decay_time))


def test_uncorrected_values_of_a_derived_series_are_the_average_of_their_frame():
    rate = math.log(2) / 6588
    average = math.log(rate * 180 / (1 - math.exp(-rate * 180))) / rate
    assert average == pytest.approx(90, abs=0.3)
    found = suv_factors(frames(SeriesTime="130000"))
    assert [scaling.decay_time for scaling in found] == pytest.approx([3600 + average, 4200 + average], abs=1e-6)
    assert {scaling.time_source for scaling in found} == {"ActualFrameDuration"}
    # as large as on average: the integral of the decay over the frame is the value at that time, times its length
    assert math.exp(-rate * average) * 180 == pytest.approx((1 - math.exp(-rate * 180)) / rate, rel=1e-12)


def test_uncorrected_values_with_a_reference_time_outside_of_the_frame():
    image = frames()[1] | {"FrameReferenceTime": 0.0}
    assert suv_factors([image])[0].time_source == "ActualFrameDuration"


@pytest.mark.parametrize("kind", [str, float, bytes, tuple])
def test_counts_with_the_suv_factor(kind):
    value = {str: " 0.000123", float: 0.000123, bytes: b"0.000123 ", tuple: (0.000123,)}[kind]
    found = one(Units="CNTS", **{"70530010": PHILIPS, "70531000": value, "70531009": 2.5})
    mass = masses(70.0, 1.75, "M")
    close(found, {name: 0.000123 * each / 70000 for name, each in mass.items()})
    assert found.suvbw == 0.000123
    assert (found.decay_time, found.time_source) == (None, None)


def test_counts_with_the_suv_factor_need_nothing_else():
    nothing = dict.fromkeys([*BASE, "70531000"], None)
    keep = {"Modality": "PT", "Units": "CNTS", "CorrectedImage": ("ATTN", "DECY"), "70531000": 0.5}
    found = suv_factors([natural({**nothing, **keep})])[0]
    assert found.to_cornerstone() == {"suvbw": 0.5}
    assert found.lacking == ("PatientWeight",)


def test_counts_with_the_activity_factor():
    for zero in (None, 0, ""):
        found = one(Units="CNTS", **{"70531000": zero, "70531009": "2.5"})
        close(found, {name: 2.5 * value for name, value in MALE_MODEL.items()})


def test_factors_are_per_image():
    tags = [{"70531000": factor} for factor in (0.1, 0.2, 0.1)]
    found = suv_factors([pet(Units="CNTS", **tag) for tag in tags])
    assert [scaling.suvbw for scaling in found] == [0.1, 0.2, 0.1]
    found = suv_factors([pet(Units="CNTS", **{"70531009": factor}) for factor in (1, 2)])
    assert found[1].suvbw == pytest.approx(2 * found[0].suvbw)


def json_dataset(**elements):
    return metalith.naturalize(json.dumps([elements]))[0]


def test_private_elements_of_instances():
    rest = {
        "00080060": {"vr": "CS", "Value": ["PT"]},
        "00280051": {"vr": "CS", "Value": ["ATTN", "DECY"]},
        "00541001": {"vr": "CS", "Value": ["CNTS"]},
    }
    creator = {"vr": "LO", "Value": [PHILIPS]}
    other = {"vr": "LO", "Value": ["SOMEBODY ELSE"]}
    factor = {"vr": "DS", "Value": [0.25]}
    unknown = {"vr": "UN", "InlineBinary": base64.b64encode(b"0.25").decode()}
    wrong = {"vr": "DS", "Value": [9]}
    for instance in (
        json_dataset(**rest, **{"70530010": creator, "70531000": factor}),
        json_dataset(**rest, **{"70530010": creator, "70531000": unknown}),
        json_dataset(**rest, **{"70531000": factor}),
        json_dataset(**rest, **{"70530010": other, "70530011": creator, "70531000": wrong, "70531100": factor}),
    ):
        assert suv_factors([instance])[0].suvbw == 0.25
    stranger = json_dataset(**rest, **{"70530010": other, "70531000": wrong})
    with pytest.raises(SuvError, match="are missing or zero"):
        suv_factors([stranger])


def test_instances_from_json():
    item = {
        "00181072": {"vr": "TM", "Value": ["110000"]},
        "00181074": {"vr": "DS", "Value": ["400000000"]},
        "00181075": {"vr": "DS", "Value": [6588]},
    }
    instance = json_dataset(
        **{
            "00080060": {"vr": "CS", "Value": ["PT"]},
            "00080021": {"vr": "DA", "Value": ["20240301"]},
            "00080022": {"vr": "DA", "Value": ["20240301"]},
            "00080031": {"vr": "TM", "Value": ["120000"]},
            "00080032": {"vr": "TM", "Value": ["120000.00"]},
            "00101020": {"vr": "DS", "Value": [1.75]},
            "00101030": {"vr": "DS", "Value": ["70"]},
            "00100040": {"vr": "CS", "Value": ["M "]},
            "00280051": {"vr": "CS", "Value": ["DECY", "ATTN"]},
            "00540016": {"vr": "SQ", "Value": [item]},
            "00541001": {"vr": "CS", "Value": ["BQML"]},
            "00541102": {"vr": "CS", "Value": ["START"]},
        }
    )
    assert suv_factors([instance])[0].to_cornerstone() == one().to_cornerstone()
    assert suv_factors([instance.frame(1)]) == suv_factors([instance])


@pytest.mark.parametrize(
    ("units", "kind", "name"),
    [
        ("GML", None, "suvbw"),
        ("GML", "BW", "suvbw"),
        ("GML", "LBM", "suvlbm"),
        ("GML", "LBMJAMES128", "suvlbmJames128"),
        ("GML", "LBMJANMA", "suvlbmJanma"),
        ("CM2ML", "BSA", "suvbsa"),
        ("CM2ML", None, "suvbsa"),
    ],
)
def test_values_that_are_suv(units, kind, name):
    bare = {"DecayCorrection": None, "SeriesTime": None, "RadionuclideTotalDose": None}
    mass = masses(70.0, 1.75, "M")
    found = one(Units=units, SUVType=kind, **bare)
    close(found, {other: mass[other] / mass[name] for other in mass})
    assert found.to_cornerstone()[name] == 1.0
    assert one(Units=units, SUVType=kind, PatientWeight=None, **bare).to_cornerstone() == {name: 1.0}


def test_scaling_is_a_value():
    found = one()
    assert found == one()
    assert hash(found) == hash(one())
    assert pickle.loads(pickle.dumps(found)) == found
    assert "3600" not in repr(found)
    assert not hasattr(found, "__dict__")
    with pytest.raises(FrozenInstanceError):
        found.suvbw = 1.0
    assert {type(getattr(found, each.name)) for each in fields(SuvScaling)[:5]} == {float}
    assert SuvScaling().to_cornerstone() == {}
    assert suv_factors([]) == []
    assert suv_factors(iter([pet()])) == [found]


def test_formulas():
    assert body_surface_area(70, 1.75) == pytest.approx(masses(70, 1.75, "M")["suvbsa"])
    for sex in "MF":
        expected = masses(70, 1.75, sex)
        for formula, name in {"LBM": "suvlbm", "LBMJAMES128": "suvlbmJames128", "LBMJANMA": "suvlbmJanma"}.items():
            assert lean_body_mass(70, 1.75, sex, formula) * 1000 == pytest.approx(expected[name])
    for wrong in ("O", "M", "LBM"), ("M", "x"):
        with pytest.raises(ValueError, match="lean body mass"):
            lean_body_mass(70, 1.75, *wrong[-2:] if wrong[0] == "M" else wrong[:2])


WEIGHTS = st.floats(30, 250)
FACTORS = st.floats(0.1, 10)
DOSES = st.floats(1e6, 1e9)


@given(WEIGHTS, DOSES, FACTORS)
def test_inverse_to_dose(weight, dose, by):
    less, more = (one(PatientWeight=weight, RadionuclideTotalDose=each).to_cornerstone() for each in (dose, dose * by))
    assert less == pytest.approx({name: value * by for name, value in more.items()}, rel=1e-12)


@given(WEIGHTS, st.floats(0.1, 3.0))
def test_proportional_to_weight(weight, by):
    assert one(PatientWeight=weight * by).suvbw == pytest.approx(by * one(PatientWeight=weight).suvbw, rel=1e-12)


@given(WEIGHTS, st.floats(1.2, 2.2), st.sampled_from("MF"), DOSES, st.floats(700, 1e6), st.integers(0, 43199))
def test_equal_to_the_model(weight, size, sex, dose, half_life, after):
    clock = 43200 - after
    text = f"{clock // 3600:02d}{clock // 60 % 60:02d}{clock % 60:02d}"
    told = {"RadionuclideTotalDose": dose, "RadionuclideHalfLife": half_life, "RadiopharmaceuticalStartTime": text}
    found = one(PatientWeight=weight, PatientSize=size, PatientSex=sex, **told).to_cornerstone()
    assert found == pytest.approx(bqml(weight, size, sex, dose, half_life, after), rel=1e-9)


@given(st.integers(0, 86399), st.integers(0, 43199))
def test_midnight(scan, after):
    """Up to half a day after the injection, whatever the hour."""
    injected = (scan - after) % 86400
    scan_text, text = (f"{at // 3600:02d}{at // 60 % 60:02d}{at % 60:02d}" for at in (scan, injected))
    found = one(SeriesTime=scan_text, AcquisitionTime=scan_text, RadiopharmaceuticalStartTime=text)
    assert found.decay_time == after


@given(st.permutations(range(4)))
def test_order_of_instances(order):
    whole = [pet(SeriesTime="130000", AcquisitionTime=f"12{place}000", SOPInstanceUID=str(place)) for place in range(4)]
    assert suv_factors([whole[place] for place in order]) == suv_factors(whole)


def test_against_calculate_suv(oracles):
    whole = generated(4000, seed=7)
    lines = [json.dumps({"op": "suv", "instances": [for_node(flat) for flat in series]}) + "\n" for series in whole]
    command = ["node", oracles / "cornerstone.mjs"]
    done = subprocess.run(command, input="".join(lines).encode(), capture_output=True, check=True, timeout=120)
    answers = [loads_oracle(line) for line in done.stdout.splitlines()]
    used, alike, unalike = set(), 0, []
    for series, answer in zip(whole, answers, strict=True):
        theirs = answer.get("ok")
        try:
            ours = [scaling.to_cornerstone() for scaling in suv_factors([natural(flat) for flat in series])]
        except SuvError:
            ours = None
        if _alike(ours, theirs):
            alike += ours is not None
            continue
        reasons = [wanted.reason for wanted in WANTED if wanted.explains(series, ours, theirs)]
        used.update(reasons)
        if not reasons:
            unalike.append((series[0], ours, answer))
    assert not unalike, f"{len(unalike)}: {unalike[0]}"
    assert alike > 400
    assert used == {wanted.reason for wanted in WANTED}


def _alike(ours, theirs):
    if ours is None or theirs is None:
        return ours is theirs
    names = ("suvbw", "suvbsa", "suvlbm")
    pairs = [(a.get(name), b.get(name)) for a, b in zip(ours, theirs, strict=True) for name in names]
    return all(a == b or (a and b and math.isclose(a, b, rel_tol=1e-10)) for a, b in pairs)
