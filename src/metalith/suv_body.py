"""What SUV relates activity to: body weight, lean body mass by several formulas, body surface area.

Sources: Du Bois and Du Bois 1916 (surface); James 1976, Morgan 1994 and Janmahasatian 2005 (lean mass), as PS3.3
section C.8.9.1 has them in SUVType and PS3.16 CID 85 in units. Morgan's has 120 where James has 128, and is what
SUVType calls LBM and Cornerstone `suvlbm`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from metalith.modules.base import Data
from metalith.modules.values import code, number

__all__ = ["Body", "Masses", "body_of", "body_surface_area", "lean_body_mass", "masses_of"]

TALLEST, HEAVIEST = 3.0, 1000.0  # m, kg; what is more is in another unit


class Body(NamedTuple):
    """Weight in kg, size in m, sex; None where the instance does not tell, or tells what cannot be."""

    weight: float | None
    size: float | None
    sex: str | None


class Masses(NamedTuple):
    """What SUVs are relative to, by names of factors: g, for suvbsa cm²; and which attributes lack for more of them."""

    values: dict[str, float]
    lacking: tuple[str, ...]


def body_surface_area(weight: float, size: float) -> float:
    """Body surface area (Du Bois), cm².

    Parameters
    ----------
    weight : float
        kg
    size : float
        m

    Examples
    --------
    >>> round(body_surface_area(70.0, 1.75))
    18481
    """
    return float(weight**0.425 * (size * 100.0) ** 0.725 * 71.84)


def lean_body_mass(weight: float, size: float, sex: str, formula: str = "LBM") -> float:
    """Lean body mass, kg. It may be negative: the first two formulas are none for very heavy people.

    Parameters
    ----------
    weight : float
        kg
    size : float
        m
    sex : {"M", "F"}
    formula : {"LBM", "LBMJAMES128", "LBMJANMA"}
        As SUVType names them: Morgan, James, Janmahasatian.

    Examples
    --------
    >>> [round(lean_body_mass(70.0, 1.75, "M", formula), 2) for formula in ("LBM", "LBMJAMES128", "LBMJANMA")]
    [57.8, 56.52, 55.86]
    """
    if sex not in ("M", "F"):
        raise ValueError("lean body mass is known of the sexes M and F")
    male = sex == "M"
    if formula == "LBMJANMA":
        index = weight / size**2
        return 9270.0 * weight / (6680.0 + 216.0 * index if male else 8780.0 + 244.0 * index)
    if formula not in ("LBM", "LBMJAMES128"):
        raise ValueError("no formula of lean body mass")
    square = (weight * weight) / (size * size * 10000.0)  # of kg/cm
    if male:
        return 1.1 * weight - (120.0 if formula == "LBM" else 128.0) * square
    return 1.07 * weight - 148.0 * square


LEAN = {"suvlbm": "LBM", "suvlbm_james128": "LBMJAMES128", "suvlbm_janmahasatian": "LBMJANMA"}
"""Names of factors, and the formulas that they are of."""


def body_of(data: Data) -> Body:
    """Weight, size and sex of an instance."""
    weight, size = number(data.get("PatientWeight")), number(data.get("PatientSize"))
    return Body(
        weight if weight is not None and 0 < weight <= HEAVIEST else None,
        size if size is not None and 0 < size <= TALLEST else None,
        code(data.get("PatientSex")),
    )


def masses_of(body: Body) -> Masses:
    """All masses that can be told of a body."""
    weight, size, sex = body
    if weight is None:
        return Masses({}, ("PatientWeight",))
    values: dict[str, Any] = {"suvbw": weight * 1000.0}
    known_sex = sex in ("M", "F")
    if size is not None:
        values["suvbsa"] = body_surface_area(weight, size)
        if sex is not None and known_sex:
            for name, formula in LEAN.items():
                mass = lean_body_mass(weight, size, sex, formula)
                if mass > 0:
                    values[name] = mass * 1000.0
    lacking = [] if size is not None else ["PatientSize"]
    if not known_sex:
        lacking.append("PatientSex")
    return Masses(values, tuple(lacking))
