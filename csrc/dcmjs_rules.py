"""What dcmjs 0.52 calls an attribute, as rules over the PS3.6 dictionary.

dcmjs' table was made from an older edition of PS3.6, by other conventions: a retired attribute's name gets a prefix,
and some VRs have pseudonyms. The rules are in `name_and_vr`; the lists hold the attributes that do not follow them,
almost all because PS3.6 retired or renamed them later. Checked against dcmjs itself for every tag that either side
knows, with pydicom 3.0.2; an edition that retires or adds attributes needs new entries in `KEPT` or `UNKNOWN`.
"""

PREFIX = "RETIRED_"

PSEUDO_VRS = {"US or SS": "xs", "OB or OW": "ox", "US or OW": "lt", "US or SS or OW": "lt", "NONE": "na"}

# Retired since: no prefix yet.
KEPT = frozenset(
    {
        0x00082229, 0x00101000, 0x00101090, 0x00189324, 0x00380004, 0x00400300, 0x00400301, 0x0040030E,
        0x00404007, 0x00404020, 0x0040A136, 0x00480200, 0x00480201, 0x00480202, 0x00660023, 0x00660024,
        0x00660025, 0x00660029, 0x00701206, 0x00701807, 0x00701808, 0x30040010, 0x30040012, 0x30060044,
        0x30060045, 0x30060049, 0x30060085, 0x30060088, 0x300600B9, 0x3008002B, 0x300A000B, 0x300A0082,
        0x300A008D, 0x300A008E, 0x300A008F, 0x300A0632, 0x300A0650, 0x30100090,
    }
)  # fmt: skip

# Prefixed although PS3.6 has them in use.
REVIVED = frozenset({0x21000140, 0x213000A0, 0x213000C0, 0x300A0088, 0x300A0089, 0x300A008A})

# Older or misspelt keywords.
RENAMED = {
    0x00221642: "NumberofBscansPerFrame",
    0x0040A803: "NumbeOfTableColumns",
    0x006862F0: "ViewOrientationModifier",
    0x00701305: "ObliqueCroppingPlane",
    0x00701306: "ObliqueCroppingPlaneNormal",
    0x300A0131: "AverageBeamDosePointSourceToExternalContourSurfaceDistance",
    0x40101029: "ThreatDetectionAlgorithmandVersion",
}

# VRs that are neither PS3.6's nor its pseudonym.
OTHER_VRS = {
    0x00041200: "up",
    0x00041202: "up",
    0x00041400: "up",
    0x00041420: "up",
    0x00041504: "up",
    0x00660040: "UL",
    0x00660041: "UL",
    0x00660042: "UL",
    0x00660043: "UL",
    0x006862F0: "FD",
    0x0070150C: "FL",
    0x00760034: "CS",
}

# VM 1 in PS3.6, several in dcmjs' table; and the other way round.
MANY = frozenset(
    {
        0x00140023, 0x00140024, 0x00140025, 0x00140028, 0x00140042, 0x00140044, 0x00140045, 0x00660040,
        0x00660041, 0x00660042, 0x00660043, 0x006862F0, 0x00800010, 0x00800011,
    }
)  # fmt: skip
ONE = frozenset({0x001440A0, 0x001440A1, 0x001440A2, 0x00189323, 0x00620009})

# Younger than dcmjs' table, or a repeating group it lacks.
UNKNOWN = frozenset(
    {
        0x00020026, 0x00020027, 0x00020028, 0x00020031, 0x00020032, 0x00020033, 0x00020035, 0x00020036,
        0x00020037, 0x00020038, 0x00203100,
    }
)  # fmt: skip

# Retired attributes whose very name PS3.6 has withdrawn.
BLANK = "Retired-blank"


def name_and_vr(tag: int, vr: str, description: str, retired: bool, keyword: str) -> tuple[str, str] | None:
    """The name and the VR that dcmjs has for an entry of PS3.6, or None where it has no entry."""
    if tag in UNKNOWN or description == BLANK:
        return None
    name = RENAMED.get(tag) or keyword or "undefined"
    if tag in REVIVED or (retired and tag not in KEPT):
        name = PREFIX + name
    return name, OTHER_VRS.get(tag) or PSEUDO_VRS.get(vr, vr)


def is_single(tag: int, vm: str) -> bool:
    """Whether dcmjs' table says that the attribute has exactly one value."""
    return tag in ONE or (vm == "1" and tag not in MANY)
