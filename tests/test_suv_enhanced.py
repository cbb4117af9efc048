"""SUV factors of enhanced and legacy converted PET: from functional groups, flags and real world value mappings."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.enhanced_pet import AGENT, FLAGS, enhanced, frame, legacy, mapping
from models.suv_model import bqml, masses, pet

import metalith
from metalith.frames import frames_of
from metalith.scaling import SuvSeries, scaling_module
from metalith.suv import SuvError, suv_factors

MODEL = bqml(70.0, 1.75, "M", 4e8, 6588.0, 3600.0)
MASSES = masses(70.0, 1.75, "M")


def factors(instance):
    return suv_factors(frames_of(instance))


def close(scaling, expected):
    assert scaling.to_cornerstone() == pytest.approx(expected, rel=1e-13)


def reason(instance):
    with pytest.raises(SuvError) as caught:
        factors(instance)
    return caught.value.attribute, caught.value.reason


def test_as_the_classic_image():
    """The same injection, body and scan: the same factors."""
    (found,) = factors(enhanced())
    close(found, MODEL)
    (classic,) = suv_factors([pet()])
    assert found.to_cornerstone() == pytest.approx(classic.to_cornerstone(), rel=1e-15)
    assert (found.units, found.decay_time, found.time_source) == ("BQML", 3600.0, "DecayCorrectionDateTime")


def test_rescaled_values_and_mapped_ones():
    """Every frame has a rescaling of its own; factors are of rescaled values, mappings of stored ones."""
    frames = [frame(1, slope=2.0), frame(2, slope=0.5), frame(3, slope=4.0, mappings=[mapping(slope=1.0)])]
    found = factors(enhanced(*frames))
    close(found[0], MODEL)
    close(found[1], MODEL)
    close(found[2], {name: value / 4 for name, value in MODEL.items()})
    stored, dose = 1234, 4e8 * 0.5 ** (3600 / 6588)
    assert stored * 4.0 * found[2].suvbw == pytest.approx(stored * 1.0 / dose * 70_000)


@pytest.mark.parametrize("where", ["shared", "root"])
def test_where_mappings_and_rescaling_stand(where):
    own = frame()
    groups = {name: own.pop(name) for name in ("PixelValueTransformationSequence", "RealWorldValueMappingSequence")}
    if where == "shared":
        instance = enhanced(own, own, shared=groups)
    else:
        mappings = groups["RealWorldValueMappingSequence"]
        (rescaling,) = groups["PixelValueTransformationSequence"]
        instance = enhanced(own, own, **rescaling, RealWorldValueMappingSequence=mappings)
    for found in factors(instance):
        close(found, MODEL)


@pytest.mark.parametrize(
    ("units", "times"),
    [("Bq/ml", 1), ("Bq/mL", 1), ("Bq/cm3", 1), ("kBq/ml", 1e3), ("MBq/mL", 1e6)],
)
def test_units_of_activity(units, times):
    (found,) = factors(enhanced(frame(mappings=[mapping(units)])))
    close(found, {name: times * value for name, value in MODEL.items()})
    assert found.units == "BQML"


@pytest.mark.parametrize(
    ("units", "name"),
    [
        ("g/ml", "suvbw"),
        ("g/ml{SUVbw}", "suvbw"),
        ("{SUVbw}g/mL", "suvbw"),
        ("g/ml{SUVlbm}", "suvlbm"),
        ("{SUVlbm(James128)}g/ml", "suvlbmJames128"),
        ("g/ml{SUVlbm(Janma)}", "suvlbmJanma"),
        ("cm2/ml{SUVbsa}", "suvbsa"),
    ],
)
def test_mappings_to_suv(units, name):
    """A mapping to SUV needs neither dose nor times, and goes before one to activity."""
    bare = {"RadiopharmaceuticalInformationSequence": None, "DecayCorrectionDateTime": None}
    mappings = [mapping("Bq/ml", 7.0), mapping("1"), mapping(units, 0.01)]
    own = frame(slope=4.0, mappings=mappings)
    del own["RadiopharmaceuticalUsageSequence"]
    (found,) = factors(enhanced(own, **bare))
    close(found, {other: 0.0025 * MASSES[other] / MASSES[name] for other in MASSES})
    assert found.decay_time is None


def test_units_go_before_mappings():
    (found,) = factors(enhanced(frame(mappings=[mapping("g/ml", 9.0)]), Units="BQML"))
    close(found, MODEL)


@pytest.mark.parametrize(
    ("told", "after"),
    [
        ({"DecayCorrectionDateTime": "20240301123000"}, 5400.0),
        ({"DecayCorrectionDateTime": "20240301110000"}, 0.0),
        ({"DecayCorrectionDateTime": "20240301123000.25+0100", "TimezoneOffsetFromUTC": "+0100"}, 5400.25),
        ({"DecayCorrectionDateTime": "20240301113000+0000", "TimezoneOffsetFromUTC": "+0100"}, 5400.0),
        ({"DecayCorrectionDateTime": "20240302003000"}, 48600.0),
    ],
)
def test_the_time_that_values_are_corrected_to(told, after):
    (found,) = factors(enhanced(**told))
    assert (found.decay_time, found.time_source) == (after, "DecayCorrectionDateTime")
    close(found, bqml(70.0, 1.75, "M", 4e8, 6588.0, after))


UNCORRECTED = {"DecayCorrected": "NO", "DecayCorrectionDateTime": None}


def test_uncorrected_frames_are_of_their_own_time():
    found = factors(enhanced(frame(1), frame(2), **UNCORRECTED))
    assert [one.decay_time for one in found] == [3690.0, 3870.0]
    assert {one.time_source for one in found} == {"FrameReferenceDateTime"}
    for one in found:
        close(one, bqml(70.0, 1.75, "M", 4e8, 6588.0, one.decay_time))


@pytest.mark.parametrize("reference", [None, "20240301115959", "20240301120301", "x"])
def test_uncorrected_frames_without_a_time_of_use(reference):
    """When the activity was as large as on average while the frame lasted."""
    own = frame()
    content = own["FrameContentSequence"][0]
    content.pop("FrameReferenceDateTime")
    content |= {"FrameReferenceDateTime": reference} if reference not in (None, "x") else {}
    rate = math.log(2) / 6588
    average = math.log(rate * 180 / (1 - math.exp(-rate * 180))) / rate
    (found,) = factors(enhanced(own, **UNCORRECTED))
    assert found.decay_time == pytest.approx(3600 + average, abs=1e-5)
    assert found.time_source == "FrameAcquisitionDuration"


def test_the_agent_of_a_frame():
    """Two agents, a frame of each: every one has its own dose; together they are no series of one injection."""
    second = {**AGENT, "RadiopharmaceuticalAgentNumber": 2, "RadionuclideTotalDose": 1e8}
    both = {"RadiopharmaceuticalInformationSequence": [AGENT, second]}
    close(factors(enhanced(frame(agent=1), **both))[0], MODEL)
    close(factors(enhanced(frame(agent=2), **both))[0], {name: 4 * value for name, value in MODEL.items()})
    mixed = enhanced(frame(1, agent=1), frame(2, agent=2), **both)
    assert reason(mixed) == ("RadionuclideTotalDose", "is not the same in all instances")
    at_once = frame()
    at_once["RadiopharmaceuticalUsageSequence"] = [
        {"RadiopharmaceuticalAgentNumber": 1},
        {"RadiopharmaceuticalAgentNumber": 2},
    ]
    assert reason(enhanced(at_once, **both)) == ("RadiopharmaceuticalInformationSequence", "tells of several doses")
    stranger = enhanced(frame(agent=3), **both)
    assert reason(stranger) == ("RadiopharmaceuticalUsageSequence", "names no agent that the object tells of")


MAPPINGS = "RealWorldValueMappingSequence"
REASONS = [
    ([], {}, MAPPINGS, "is missing"),
    ([mapping("[hnsf'U]")], {}, MAPPINGS, "has no mapping to activity concentration or SUV"),
    ([mapping("g/ml{SUVibw}")], {}, MAPPINGS, "has no mapping to activity concentration or SUV"),
    ([mapping(None)], {}, MAPPINGS, "has no mapping to activity concentration or SUV"),
    ([mapping(slope=None)], {}, MAPPINGS, "has no mapping to activity concentration or SUV"),
    ([mapping(intercept=5.0)], {}, MAPPINGS, "is not proportional to the rescaled values"),
    ([mapping(slope=0.0)], {}, "RealWorldValueSlope", "is not positive"),
    (None, {"AttenuationCorrected": "NO"}, "AttenuationCorrected", "is not YES"),
    (None, {"AttenuationCorrected": None}, "AttenuationCorrected", "is not YES"),
    (None, {"DecayCorrected": None}, "DecayCorrected", "is missing"),
    (None, {"DecayCorrectionDateTime": None}, "DecayCorrectionDateTime", "is missing"),
    (None, {"PatientWeight": None}, "PatientWeight", "is missing"),
    (None, {"RadiopharmaceuticalInformationSequence": None}, "RadionuclideTotalDose", "is missing"),
    (None, {"DecayCorrectionDateTime": "20240301105959"}, "RadiopharmaceuticalStartDateTime",
     "is after the time that the values are corrected to"),
]  # fmt: skip


@pytest.mark.parametrize(("mappings", "changes", "attribute", "why"), REASONS)
def test_reasons(mappings, changes, attribute, why):
    assert reason(enhanced(frame(mappings=mappings), **changes)) == (attribute, why)


def test_a_rescaling_of_use():
    own = frame()
    own["PixelValueTransformationSequence"][0]["RescaleSlope"] = 0
    assert reason(enhanced(own)) == ("RescaleSlope", "is not positive")
    shifted = frame(mappings=[mapping(slope=3.0, intercept=-30.0)])
    shifted["PixelValueTransformationSequence"][0] |= {"RescaleSlope": 2, "RescaleIntercept": -20}
    close(factors(enhanced(shifted))[0], {name: 1.5 * value for name, value in MODEL.items()})


def test_legacy_converted():
    found = factors(legacy())
    assert [one.time_source for one in found] == ["SeriesTime"] * 2
    for one in found:
        close(one, MODEL)
    late = factors(legacy(SeriesTime="130000"))
    assert {(one.decay_time, one.time_source) for one in late} == {(3600.0, "AcquisitionTime")}
    none = factors(legacy(DecayCorrection="NONE", CorrectedImage=["ATTN"]))
    rate = math.log(2) / 6588
    assert [one.decay_time for one in none] == pytest.approx([3600 + 90, 3600 + 270], abs=90 * rate * 90)
    assert reason(legacy(Units=None)) == ("Units", "is missing")
    assert reason(legacy(DecayCorrection=None)) == ("DecayCorrection", "is missing")
    assert reason(legacy(SeriesTime=None)) == ("SeriesTime", "is missing")


def test_a_classic_image_that_names_the_time():
    (found,) = suv_factors([pet(DecayCorrectionDateTime="20240301114000")])
    assert (found.decay_time, found.time_source) == (2400.0, "DecayCorrectionDateTime")
    (admin,) = suv_factors([pet(DecayCorrectionDateTime="20240301114000", DecayCorrection="ADMIN")])
    assert admin.time_source == "DecayCorrection"
    with pytest.raises(SuvError, match="DecayCorrectionDateTime is not what it should be"):
        suv_factors([pet(DecayCorrectionDateTime="soon")])


def test_an_object_stands_for_its_first_frame():
    instance = enhanced(frame(1, slope=2.0), frame(2, slope=4.0, mappings=[mapping(slope=1.0)]))
    assert suv_factors([instance]) == factors(instance)[:1]


def test_scaling_of_frames():
    """One computation for the series, asked for by frame."""
    instance = enhanced(frame(1), frame(2, slope=4.0, mappings=[mapping(slope=1.0)]), frame(3))
    series = SuvSeries([instance])
    assert len(series.factors) == 3
    for number, one in enumerate(frames_of(instance), 1):
        assert series.of(one) is series.factors[number - 1]
        assert scaling_module(one, series) is scaling_module(one, series)
    assert series.of(instance) is series.factors[0]
    assert scaling_module(instance.frame(2)) == series.factors[1]
    assert scaling_module(instance.frame(2), [instance]) == series.factors[1]


@pytest.mark.parametrize("kind", ["store", "provider"])
def test_answers(kind):
    instance = enhanced(frame(1), frame(2, slope=4.0, mappings=[mapping(slope=1.0)]))
    base = "wadors:http://h/studies/1/series/1.2/instances/1.2.1"
    if kind == "store":
        asked = metalith.MetadataStore()
        asked.add_instances(instance)
    else:
        asked = metalith.InstanceProvider()
        asked.add_instance(base, instance)
    assert asked.get("scalingModule", f"{base}/frames/2") == factors(instance)[1]
    close(asked.get("scalingModule", base), MODEL)
    with pytest.raises(metalith.frames.FrameError):
        asked.get("scalingModule", f"{base}/frames/3")


def test_flags_alone_make_an_enhanced_image():
    """As plain dicts, too; and a classic image with flags beside its own attributes stays a classic one."""
    flat = {**pet(Units=None, CorrectedImage=None, DecayCorrection=None), **FLAGS, MAPPINGS: (mapping(slope=1.0),)}
    (found,) = suv_factors([flat])
    close(found, MODEL)
    (classic,) = suv_factors([pet(**{**FLAGS, "DecayCorrectionDateTime": None, "DecayCorrected": "NO"})])
    close(classic, MODEL)


ODD = st.sampled_from([None, "", "x", 0, -1, 1e300, 10**400, float("nan"), (), ("YES", "NO"), b"YES", {"a": 1}, [[]]])
NAMES = (
    "Modality", "Units", "CorrectedImage", "AttenuationCorrected", "DecayCorrected", "DecayCorrection", "PatientWeight",
    "DecayCorrectionDateTime", "FrameAcquisitionDateTime", "FrameAcquisitionDuration", "FrameReferenceDateTime",
    "RescaleSlope", "RescaleIntercept", "RadiopharmaceuticalUsageSequence", "RadiopharmaceuticalInformationSequence",
    MAPPINGS, "SeriesDate", "SeriesTime", "TimezoneOffsetFromUTC",
)  # fmt: skip
MAPPED = ("RealWorldValueSlope", "RealWorldValueIntercept", "MeasurementUnitsCodeSequence")


@settings(max_examples=400, deadline=None)
@given(
    st.dictionaries(st.sampled_from(NAMES), ODD, max_size=3),
    st.dictionaries(st.sampled_from(MAPPED), ODD, max_size=1),
    st.sampled_from(["YES", "NO"]),
)
def test_whatever_is_sent(changes, mapped, corrected):
    """Factors that are numbers above zero, or a reason and no other error."""
    base = {**pet(Units=None, CorrectedImage=None, DecayCorrection=None), **FLAGS, "DecayCorrected": corrected}
    base |= {"FrameAcquisitionDateTime": "20240301120000", "FrameAcquisitionDuration": 1000.0}
    found = []
    with suppress(SuvError):
        found = suv_factors([{**base, MAPPINGS: ({**mapping(slope=2.0), **mapped},), **changes}])
    for values in (one.to_cornerstone() for one in found):
        assert values
        assert all(0 < value < math.inf for value in values.values())


def test_weights_in_grams_are_none():
    assert reason(enhanced(PatientWeight=70_000)) == ("PatientWeight", "is not what it should be")
    assert reason(enhanced(frame(mappings=[mapping("MBq/ml", 1e306)]))) == (
        "RadionuclideTotalDose",
        "is out of all proportion",
    )
