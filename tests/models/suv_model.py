"""SUV by the plain formulas, generated PET series, and where calculate-suv 1.0.3 is wanted to differ.

D-numbers are those of reference/cornerstone.md, section 8.2; §6.2 describes calculate-suv.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any, NamedTuple

PHILIPS, GE = "Philips PET Private Group", "GEMS_PETD_01"
DAY = 86400.0


def seconds(date: str, time: str) -> float:
    """Seconds of a DA and a TM since some day of the same month."""
    time = time.replace(":", "")
    whole, _, fraction = time.partition(".")
    whole = whole.ljust(6, "0")
    clock = int(whole[:2]) * 3600 + int(whole[2:4]) * 60 + int(whole[4:6])
    return int(date[6:8]) * DAY + clock + (float(f"0.{fraction}") if fraction else 0.0)


def masses(weight: float | None, size: float | None, sex: str | None) -> dict[str, float]:
    """g by Cornerstone's name of the factor; cm² for suvbsa."""
    if not weight:
        return {}
    found = {"suvbw": 1000 * weight}
    if size:
        found["suvbsa"] = 71.84 * weight**0.425 * (100 * size) ** 0.725
        bmi, square = weight / size**2, (weight / (100 * size)) ** 2
        if sex == "M":
            found["suvlbm"] = 1000 * (1.10 * weight - 120 * square)
            found["suvlbmJames128"] = 1000 * (1.10 * weight - 128 * square)
            found["suvlbmJanma"] = 1000 * 9270 * weight / (6680 + 216 * bmi)
        elif sex == "F":
            found["suvlbm"] = found["suvlbmJames128"] = 1000 * (1.07 * weight - 148 * square)
            found["suvlbmJanma"] = 1000 * 9270 * weight / (8780 + 244 * bmi)
    return {name: mass for name, mass in found.items() if mass > 0}


def bqml(weight: float, size: float | None, sex: str | None, dose: float, half_life: float, after: float) -> dict:
    """Factors for Bq/ml, so many seconds after the injection."""
    return {name: mass / (dose * 0.5 ** (after / half_life)) for name, mass in masses(weight, size, sex).items()}


INJECTED = ("RadionuclideTotalDose", "RadionuclideHalfLife", "RadiopharmaceuticalStartTime")
INJECTED = (*INJECTED, "RadiopharmaceuticalStartDateTime")
BASE = {
    "Modality": "PT",
    "SeriesInstanceUID": "1.2",
    "Units": "BQML",
    "CorrectedImage": ("ATTN", "DECY", "SCAT"),
    "DecayCorrection": "START",
    "SeriesDate": "20240301",
    "SeriesTime": "120000",
    "AcquisitionDate": "20240301",
    "AcquisitionTime": "120000",
    "PatientWeight": 70.0,
    "PatientSize": 1.75,
    "PatientSex": "M",
    "RadionuclideTotalDose": 4e8,
    "RadionuclideHalfLife": 6588.0,
    "RadiopharmaceuticalStartTime": "110000",
}


def natural(flat: dict[str, Any]) -> dict[str, Any]:
    """An instance of natural values; in `flat` what belongs into the radiopharmaceutical's item stands at the top."""
    rest = {name: value for name, value in flat.items() if name not in INJECTED and value is not None}
    item = {name: flat[name] for name in INJECTED if flat.get(name) is not None}
    return {**rest, "RadiopharmaceuticalInformationSequence": (item,)}


def pet(**changes: Any) -> dict[str, Any]:
    """The series of the regression numbers, one instance of it, changed; None leaves an attribute out."""
    return natural({**BASE, **changes})


def for_node(flat: dict[str, Any]) -> dict[str, Any]:
    """What calculate-suv takes."""
    given = {name: value for name, value in flat.items() if value is not None and not name[0].isdigit()}
    given["CorrectedImage"] = list(flat["CorrectedImage"] or ())
    if "70531000" in flat or "70531009" in flat:
        names = {"70531000": "SUVScaleFactor", "70531009": "ActivityConcentrationScaleFactor"}
        given["PhilipsPETPrivateGroup"] = {name: flat[tag] for tag, name in names.items() if flat.get(tag) is not None}
    if flat.get("0009100D"):
        given["GEPrivatePostInjectionDateTime"] = flat["0009100D"]
    return given


def generated(count: int, seed: int) -> list[list[dict[str, Any]]]:
    """Series of one to three instances, flat: the ordinary, with the oddities of the field."""
    rng = random.Random(seed)
    return [_series(rng) for _ in range(count)]


def _series(rng: random.Random) -> list[dict[str, Any]]:
    def odd(usual: Any, *unusual: Any, chance: float = 0.12) -> Any:
        return rng.choice(unusual) if rng.random() < chance else usual

    flat = dict(BASE)
    flat["PatientWeight"] = odd(round(rng.uniform(40, 140), 1), None, 0)
    flat["PatientSize"] = odd(round(rng.uniform(1.4, 2.1), 2), None, 175.0)
    flat["PatientSex"] = odd(rng.choice("MF"), None, "O")
    flat["Units"] = odd("BQML", "CNTS", "CNTS", "GML", "CM2ML", "PROPCNTS", chance=0.45)
    flat["SUVType"] = odd(None, "BW", "LBM", "BSA", "IBW", chance=0.4) if flat["Units"] in ("GML", "CM2ML") else None
    flat["CorrectedImage"] = odd(flat["CorrectedImage"], ("ATTN",), ("DECY",), None, chance=0.06)
    flat["DecayCorrection"] = odd("START", "ADMIN", "NONE", None, chance=0.15)
    flat["RadionuclideTotalDose"] = odd(round(rng.uniform(1e8, 6e8)), None, 0, chance=0.06)
    flat["RadionuclideHalfLife"] = odd(6588.0, 6586.2, 1223.0, None, 0, chance=0.3)
    flat["RadiopharmaceuticalStartTime"] = odd(
        f"{rng.randrange(8, 12):02d}{rng.randrange(60):02d}{rng.randrange(60):02d}",
        *("113000.5", "113000.000123", "1130", "09", "11:30:00", "233000", "120500", "x", None),
        chance=0.4,
    )
    date = odd("20240301", "20240302", chance=0.1)
    flat["RadiopharmaceuticalStartDateTime"] = odd(
        None, f"{date}1045", f"{date}104500.25", "20240301104500+0000", "20240229233000", "20240301", chance=0.3
    )
    flat["SeriesTime"] = odd("120000", "121500", "115900.75", None, chance=0.35)
    flat["SeriesDate"] = odd("20240301", "20240302", None, chance=0.08)
    if rng.random() < 0.1:
        flat["0009100D"] = "20240301115500.50"
    if flat["Units"] == "CNTS":
        flat["70531000"] = odd(0.000123, 0, None, chance=0.5)
        flat["70531009"] = odd(2.5, 0, None, chance=0.3)
    whole = []
    for place in range(rng.randrange(1, 4)):
        one = {**flat, "SOPInstanceUID": f"1.2.{place}", "AcquisitionTime": f"12{3 * place:02d}00.25"}
        whole.append(one)
    if rng.random() < 0.1:
        for one in whole:
            one["AcquisitionDateTime"] = f"20240301{one['AcquisitionTime']}"
            one["AcquisitionDate"] = one["AcquisitionTime"] = None
    if len(whole) > 1 and rng.random() < 0.08:
        whole[1][rng.choice(("PatientWeight", "Units", "SeriesTime"))] = rng.choice((71.5, None))
    return whole


class Wanted(NamedTuple):
    """Why we differ from calculate-suv, and for which series: flat instances, our answer, theirs, each or None."""

    reason: str
    explains: Callable[[list[dict[str, Any]], Any, Any], bool]


def _is_known(flat: dict[str, Any]) -> bool:
    return flat["Units"] in ("GML", "CM2ML") or (flat["Units"] == "CNTS" and bool(flat.get("70531000")))


def _times(flat: dict[str, Any]) -> list[str]:
    names = ("RadiopharmaceuticalStartTime", "RadiopharmaceuticalStartDateTime", "SeriesTime", "AcquisitionTime")
    return [flat[name] for name in names if flat.get(name)]


WANTED = [
    Wanted("D18: DecayCorrection is heeded", lambda s, ours, theirs: s[0]["DecayCorrection"] != "START"),
    Wanted("D18: the injection may be before midnight", lambda s, ours, theirs: ours and not theirs and _late(s[0])),
    Wanted(
        "the time of injection is of the day of the scan, not of that of a series derived later",
        lambda s, ours, theirs: ours and not theirs and s[0]["SeriesDate"] == "20240302",
    ),
    Wanted(
        "D18: a sex other than M and F lacks the lean mass only",
        lambda s, ours, theirs: ours and not theirs and s[0]["PatientSex"] == "O",
    ),
    Wanted(
        "§6.2: what is SUV already is related to other masses by the body alone",
        lambda s, ours, theirs: ours and theirs and _is_known(s[0]),
    ),
    Wanted(
        "§6.2: the factor from counts to Bq/ml is for all masses",
        lambda s, ours, theirs: (
            ours and theirs and s[0]["Units"] == "CNTS" and _same(ours, theirs, "suvbw", _number(s[0].get("70531009")))
        ),
    ),
    Wanted(
        "issue 2545: what is SUV already needs no dose, weight and times",
        lambda s, ours, theirs: ours and not theirs and _is_known(s[0]),
    ),
    Wanted(
        "SUVType and CM2ML are understood",
        lambda s, ours, theirs: s[0]["SUVType"] is not None or s[0]["Units"] == "CM2ML",
    ),
    Wanted(
        "§6.2: fractions of seconds with leading zeros", lambda s, ours, theirs: any(".0" in t for t in _times(s[0]))
    ),
    Wanted("times with colons", lambda s, ours, theirs: ours and not theirs and any(":" in t for t in _times(s[0]))),
    Wanted("offsets from UTC are no fractions", lambda s, ours, theirs: any("+" in t for t in _times(s[0]))),
    Wanted(
        "a DT without an hour tells less than the time of injection",
        lambda s, ours, theirs: ours and not theirs and s[0]["RadiopharmaceuticalStartDateTime"] == "20240301",
    ),
    Wanted(
        "AcquisitionDateTime is read",
        lambda s, ours, theirs: ours and not theirs and s[0].get("AcquisitionDateTime") is not None,
    ),
    Wanted(
        "zero is no weight, dose or half-life",
        lambda s, ours, theirs: (
            not ours and 0 in (s[0]["PatientWeight"], s[0]["RadionuclideTotalDose"], s[0]["RadionuclideHalfLife"])
        ),
    ),
    Wanted(
        "a size above 3 m is not in m",
        lambda s, ours, theirs: ours and theirs and s[0]["PatientSize"] == 175.0,
    ),
]


def _number(value: Any) -> float:
    return float(value or 0)


def _same(ours: list[dict[str, float]], theirs: list[dict[str, float]], name: str, times: float) -> bool:
    """One factor is the same, and those of the other masses are when theirs are multiplied."""
    return all(
        b.get(other) is None or math.isclose(a.get(other, 0.0), b[other] * (1.0 if other == name else times))
        for a, b in zip(ours, theirs, strict=True)
        for other in ("suvbw", "suvbsa", "suvlbm")
    )


def _late(flat: dict[str, Any]) -> bool:
    return flat["RadiopharmaceuticalStartTime"] == "233000"
