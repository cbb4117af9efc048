"""Why SUV cannot be computed, or not all of it; and the examples of the modules."""

from __future__ import annotations

import doctest
import inspect
import pickle

import pytest
from models.suv_model import GE, PHILIPS, pet

from metalith import calibration, scaling, suv, suv_body
from metalith.bulk import BulkData
from metalith.errors import MetalithError
from metalith.suv import SuvError, suv_factors


def reason(*instances):
    with pytest.raises(SuvError) as caught:
        suv_factors(instances)
    error = caught.value
    assert str(error) == f"SUV cannot be computed: {error.attribute} {error.reason}"
    return error.attribute, error.reason


@pytest.mark.parametrize(
    ("changes", "known", "lacking"),
    [
        ({"PatientSize": None}, {"suvbw"}, ("PatientSize",)),
        ({"PatientSize": 0}, {"suvbw"}, ("PatientSize",)),
        ({"PatientSize": 175}, {"suvbw"}, ("PatientSize",)),
        ({"PatientSex": None}, {"suvbw", "suvbsa"}, ("PatientSex",)),
        ({"PatientSex": "O"}, {"suvbw", "suvbsa"}, ("PatientSex",)),
        ({"PatientSize": None, "PatientSex": "O"}, {"suvbw"}, ("PatientSize", "PatientSex")),
        ({"PatientWeight": 300, "PatientSize": 1.4}, {"suvbw", "suvbsa", "suvlbmJanma"}, ()),
    ],
)
def test_what_lacks_for_more(changes, known, lacking):
    (found,) = suv_factors([pet(**changes)])
    assert (set(found.to_cornerstone()), found.lacking) == (known, lacking)


REASONS = [
    ({"Modality": "CT"}, "Modality", "is not PT"),
    ({"Units": None}, "Units", "is missing"),
    ({"Units": "PROPCNTS"}, "Units", "are none that SUV can be computed from"),
    ({"Units": "GML", "SUVType": "IBW"}, "SUVType", "is none that factors are known for"),
    ({"Units": "GML", "SUVType": "BSA"}, "SUVType", "is none that factors are known for"),
    ({"Units": "CM2ML", "SUVType": "BW"}, "SUVType", "does not go with Units"),
    ({"CorrectedImage": None}, "CorrectedImage", "is missing"),
    ({"CorrectedImage": "DECY"}, "CorrectedImage", "is without ATTN"),
    ({"CorrectedImage": ("ATTN",)}, "CorrectedImage", "is without DECY"),
    ({"CorrectedImage": ("ATTN",), "Units": "GML"}, "CorrectedImage", "is without DECY"),
    ({"DecayCorrection": "NONE"}, "CorrectedImage", "is with DECY, and DecayCorrection NONE"),
    ({"DecayCorrection": None}, "DecayCorrection", "is missing"),
    ({"DecayCorrection": "SCAN"}, "DecayCorrection", "is not what it should be"),
    ({"PatientWeight": None}, "PatientWeight", "is missing"),
    ({"PatientWeight": 0}, "PatientWeight", "is not what it should be"),
    ({"RadionuclideTotalDose": None}, "RadionuclideTotalDose", "is missing"),
    ({"RadionuclideTotalDose": 0}, "RadionuclideTotalDose", "is not positive"),
    ({"RadionuclideHalfLife": None}, "RadionuclideHalfLife", "is missing"),
    ({"RadionuclideHalfLife": -1}, "RadionuclideHalfLife", "is not positive"),
    ({"RadionuclideHalfLife": 0.5}, "RadionuclideHalfLife", "is so short that nothing is left of the dose"),
    ({"RadiopharmaceuticalStartTime": None}, "RadiopharmaceuticalStartTime", "is missing"),
    ({"RadiopharmaceuticalStartTime": "soon"}, "RadiopharmaceuticalStartTime", "is not what it should be"),
    (
        {"RadiopharmaceuticalStartDateTime": "20200301110000"},
        "RadionuclideHalfLife",
        "is so short that nothing is left of the dose",
    ),
    (
        {"RadiopharmaceuticalStartTime": "120005"},
        "RadiopharmaceuticalStartTime",
        "is after the time that the values are corrected to",
    ),
    (
        {"RadiopharmaceuticalStartDateTime": "20240301130000"},
        "RadiopharmaceuticalStartDateTime",
        "is after the time that the values are corrected to",
    ),
    ({"SeriesDate": None}, "SeriesDate", "is missing"),
    ({"SeriesDate": "20240230"}, "SeriesDate", "is not what it should be"),
    ({"SeriesTime": None}, "SeriesTime", "is missing"),
    ({"SeriesTime": "2500"}, "SeriesTime", "is not what it should be"),
    ({"AcquisitionDate": None}, "AcquisitionDate", "is missing"),
    ({"AcquisitionDate": "x"}, "AcquisitionDate", "is not what it should be"),
    ({"AcquisitionTime": None}, "AcquisitionTime", "is missing"),
    ({"AcquisitionTime": "x"}, "AcquisitionTime", "is not what it should be"),
    ({"SeriesTime": "1215", "0009100D": "x"}, f"(0009,xx0D) of {GE}", "is not what it should be"),
    (
        {"Units": "CNTS"},
        f"(7053,xx00) and (7053,xx09) of {PHILIPS}",
        "are missing or zero, and Units are CNTS",
    ),
    ({"Units": "CNTS", "70531000": "x"}, f"(7053,xx00) of {PHILIPS}", "is not what it should be"),
    ({"Units": "CNTS", "70531009": -2}, f"(7053,xx09) of {PHILIPS}", "is not what it should be"),
    (
        {"Units": "CNTS", "70531000": BulkData("a", "UN")},
        f"(7053,xx00) of {PHILIPS}",
        "stands elsewhere, as bulk data",
    ),
]
UNCORRECTED = {"DecayCorrection": "NONE", "CorrectedImage": ("ATTN",)}
REASONS += [
    (UNCORRECTED, "ActualFrameDuration", "is missing"),
    ({**UNCORRECTED, "ActualFrameDuration": -1}, "ActualFrameDuration", "is not what it should be"),
    ({**UNCORRECTED, "FrameReferenceTime": 1e300}, "FrameReferenceTime", "is not what it should be"),
    ({**UNCORRECTED, "CorrectedImage": ("SCAT",)}, "CorrectedImage", "is without ATTN"),
]


@pytest.mark.parametrize(("changes", "attribute", "why"), REASONS, ids=[f"{a}-{w}" for _, a, w in REASONS])
def test_reasons(changes, attribute, why):
    assert reason(pet(**changes)) == (attribute, why)


@pytest.mark.parametrize(
    "name", ["Units", "CorrectedImage", "PatientWeight", "PatientSize", "PatientSex", "SeriesDate", "SeriesTime"]
)
def test_instances_of_a_series_are_alike(name):
    assert reason(pet(), pet(**{name: None})) == (name, "is not the same in all instances")


def test_instances_of_several_series():
    assert reason(pet(), pet(SeriesInstanceUID="1.3"))[0] == "SeriesInstanceUID"
    assert reason(pet(), pet(RadionuclideTotalDose=1e8))[0] == "RadionuclideTotalDose"
    assert reason(pet(), pet(RadionuclideHalfLife=1e8))[0] == "RadionuclideHalfLife"
    assert len(suv_factors([pet(PatientWeight="70.0"), pet(PatientWeight=70)])) == 2


def test_factors_in_some_instances_only():
    pair = [pet(Units="CNTS", **{"70531000": factor, "70531009": 1.0}) for factor in (0.5, 0)]
    assert reason(*pair) == (f"(7053,xx00) of {PHILIPS}", "is missing or zero in some instances")
    pair = [pet(Units="CNTS", **{"70531009": factor}) for factor in (0.5, 0)]
    assert reason(*pair)[1] == "are missing or zero in some instances, and Units are CNTS"


def test_several_doses():
    image = pet()
    (item,) = image["RadiopharmaceuticalInformationSequence"]
    image["RadiopharmaceuticalInformationSequence"] = ({"RadiopharmaceuticalVolume": 1}, item, dict(item))
    assert suv_factors([image]) == suv_factors([pet()])
    image["RadiopharmaceuticalInformationSequence"] = (item, {**item, "RadionuclideTotalDose": 1e8})
    assert reason(image) == ("RadiopharmaceuticalInformationSequence", "tells of several doses")
    image["RadiopharmaceuticalInformationSequence"] = None
    assert reason(image) == ("RadionuclideTotalDose", "is missing")


def test_error_shows_no_values_and_is_one_of_ours():
    secret = {"PatientWeight": 71.53, "RadiopharmaceuticalStartTime": "174711", "PatientName": "Doe"}
    with pytest.raises(MetalithError) as caught:
        suv_factors([pet(**secret)])
    assert not any(text in str(caught.value) + repr(caught.value) for text in ("71.5", "1747", "Doe"))
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.attribute, again.reason, str(again)) == (
        caught.value.attribute,
        caught.value.reason,
        str(caught.value),
    )


EXAMPLES = [
    (module, thing)
    for module in (calibration, scaling, suv, suv_body)
    for name in module.__all__
    for thing in (getattr(module, name), getattr(getattr(module, name), "to_cornerstone", None))
    if thing is not None and ">>>" in (inspect.getdoc(thing) or "")
]


@pytest.mark.parametrize(("module", "thing"), EXAMPLES, ids=[thing.__qualname__ for _, thing in EXAMPLES])
def test_examples(module, thing):
    test = doctest.DocTestParser().get_doctest(inspect.getdoc(thing), vars(module).copy(), "example", None, 0)
    report = []
    assert not doctest.DocTestRunner().run(test, out=report.append).failed, "".join(report)
