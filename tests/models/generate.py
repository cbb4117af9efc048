"""Seeded generator of DICOM JSON: datasets of every make-up seen in the field, and series of similar instances.

Three degrees of order, for three kinds of comparison:

* regular: valid DICOM JSON of PS3.18 annex F and nothing else; must round-trip without loss;
* lenient: besides that the looseness the lenient mode promises to read (numbers as text, a scalar Value, a missing vr,
  empty strings, nulls, lower-case digits, members that mean nothing); has a natural form;
* wild: besides that wrong VRs, VRs that are none, keys that are no tags, values of any JSON shape, both bulk members.

No dataset holds one attribute twice under different spellings, no key that JavaScript treats specially.
"""

from __future__ import annotations

import base64
import json
import random
from functools import lru_cache
from typing import Any

from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary

from .dcmjs_dictionary import tag_of

REGULAR, LENIENT, WILD = "regular", "lenient", "wild"

MAX_DEPTH = 3  # of sequences in sequences; the cornerstone oracle prints no deeper objects

TEXT_VRS = ["AE", "AS", "CS", "DA", "DT", "LO", "LT", "SH", "ST", "TM", "UC", "UI", "UR", "UT"]
SINGLE_VRS = {"LT", "ST", "UR", "UT"}
INTEGER_RANGES = {
    "US": (0, 2**16 - 1),
    "SS": (-(2**15), 2**15 - 1),
    "UL": (0, 2**32 - 1),
    "SL": (-(2**31), 2**31 - 1),
    "UV": (0, 2**64 - 1),
    "SV": (-(2**63), 2**63 - 1),
    "IS": (-(2**31), 2**31 - 1),
}
FLOAT_VRS = ["DS", "FL", "FD"]
BINARY_VRS = ["OB", "OD", "OF", "OL", "OV", "OW", "UN"]
STANDARD_VRS = [*TEXT_VRS, *INTEGER_RANGES, *FLOAT_VRS, *BINARY_VRS, "AT", "PN"]
KNOWN_VRS = {*STANDARD_VRS, "SQ"}
# Where the dictionary leaves the VR open, a file says which it is.
_CHOICES = {"US or SS": ["US", "SS"], "OB or OW": ["OB", "OW"], "US or OW": ["US", "OW"]}
_CHOICES["US or SS or OW"] = ["US", "SS", "OW"]

_TEXTS = [
    "",
    "A",
    "ORIGINAL",
    "1.2.840.10008.1.2.1",
    "20240131",
    "101112.5",
    "Größe",
    "東京",
    "a\\b",
    'q"uo/te',
    " pad ",
]
_TEXTS += ["tab\there", "x" * 70, "😀 far", "null", "0", "-1", "\u0000"]
_NUMBER_TEXTS = ["0", "7", "-3", "0.5", "1e-3", "+2", " 12 ", "-1.5E+2", "12.", ".25", "3.14159265358979", "1E5"]
_INFINITIES = ["NaN", "Infinity", "-Infinity", "inf", "-inf", "nan", "+INF"]
_ODD_KEYS = [
    "keyword",
    "0008,103E",
    "0x0008103E",
    "",
    "12345",
    "ABC",
    "0008103",
    "0008103EE",
    "GGGG0010",
    "5",
    "vr",
    "é",
]
_ODD_VRS = [None, "", "??", "us", "UNKNOWN", "sq", "xs", "ox"]


@lru_cache(maxsize=1)
def _dictionary() -> tuple[list[tuple[str, str, str]], list[tuple[str, str, str]], list[tuple[str, str, str]]]:
    """Tags with VR and VM: all exact ones, the common image ones among them, and the masks of repeating groups."""
    exact = [(f"{tag:08X}", entry[0], entry[1]) for tag, entry in DicomDictionary.items() if entry[0] != "NONE"]
    common = [
        entry for entry in exact if entry[0][:4] in ("0008", "0010", "0018", "0020", "0028") and entry[0] < "00283"
    ]
    return exact, common, [(mask, entry[0], entry[1]) for mask, entry in RepeatersDictionary.items()]


class Generator:
    """Datasets from one seed; equal seeds and arguments give equal datasets in every run."""

    def __init__(self, seed: int | random.Random = 0, kind: str = WILD) -> None:
        self.random = seed if isinstance(seed, random.Random) else random.Random(f"{kind} {seed}")
        self.kind = kind

    # -- tags

    def tag(self) -> tuple[str, str | None, str]:
        """A tag, the VR the dictionary gives it (None: it has none) and its VM."""
        rnd, dice = self.random, self.random.random()
        exact, common, masks = _dictionary()
        if dice < 0.75:
            return rnd.choice(common if rnd.random() < 0.5 else exact)
        if dice < 0.85:
            group = rnd.choice(
                ["0009", "0019", "0029", "2001", "2005", "7FE1", f"{rnd.randrange(9, 0xFFFF, 2) | 1:04X}"]
            )
            element = "0010" if rnd.random() < 0.2 else f"10{rnd.randrange(256):02X}"
            return group + element, None, "1"
        if dice < 0.93:
            mask, vr, vm = rnd.choice(masks)
            even = rnd.randrange(0, 256, 2) if self.kind == REGULAR or rnd.random() < 0.8 else rnd.randrange(256)
            if mask[2:4] == "xx":
                return mask.replace("xx", f"{even:02X}"), vr if even % 2 == 0 else None, vm
            digits = mask.count("x")
            return mask.replace("x" * digits, f"{rnd.randrange(16**digits):0{digits}X}"), None, vm
        return f"{rnd.randrange(8, 0x7000) & 0xFFFE:04X}{rnd.randrange(1, 65536):04X}", None, "1"

    def key(self, tag: str) -> str:
        """How the tag is spelled as a JSON key."""
        if self.kind == REGULAR or self.random.random() < 0.93:
            return tag
        if self.kind == LENIENT or self.random.random() < 0.6:
            return tag.lower()
        tag = tag.lower() if self.random.random() < 0.5 else tag
        return f"({tag[:4]},{tag[4:]})"

    # -- values

    def text(self, vr: str, backslash: bool = False) -> str:
        text = self.random.choice(_TEXTS[1:])
        if "\\" in text and not (backslash or vr in SINGLE_VRS):
            return "A"
        return text

    def number(self, vr: str) -> Any:
        """A number as a server writes it for this VR: IS, DS and the 64-bit ones may be text (PS3.18 F.2.3)."""
        rnd = self.random
        as_text = vr in ("DS", "IS", "SV", "UV") or self.kind != REGULAR
        if vr in FLOAT_VRS:
            if vr != "DS" and self.kind != REGULAR and rnd.random() < 0.1:
                return rnd.choice(_INFINITIES)
            if as_text and rnd.random() < 0.4:
                return rnd.choice(_NUMBER_TEXTS)
            return rnd.choice(
                [0, 1, -7, 0.5, -1.25, 1e-7, 3.0, 1e21, 0.1, rnd.uniform(-1000, 1000), rnd.randrange(4096)]
            )
        low, high = INTEGER_RANGES[vr]
        number = rnd.choice([0, 1, high, low, rnd.randrange(low, high + 1), rnd.randrange(4096)])
        if as_text and rnd.random() < 0.3:
            return rnd.choice([str(number), f" {number}", f"{number} ", f"{number % 1000:03d}"])
        if vr == "IS" and self.kind != REGULAR and rnd.random() < 0.1:
            return f"{number}.0"
        return number

    def name(self) -> Any:
        rnd = self.random
        parts = {
            "Alphabetic": rnd.choice(["Doe^Jane", "A", "Yamada^Tarou", "Buc^Jérôme^^^"]),
            "Ideographic": rnd.choice(["山田^太郎", "I"]),
            "Phonetic": rnd.choice(["やまだ^たろう", "P"]),
        }
        kept = {part: text for part, text in parts.items() if rnd.random() < (0.95 if part == "Alphabetic" else 0.3)}
        kept = kept or {"Alphabetic": "Z"}
        if self.kind == REGULAR or rnd.random() < 0.8:
            return kept
        return "=".join(kept.get(part, "") for part in parts).rstrip("=")

    def value(self, vr: str, depth: int) -> Any:
        if vr == "SQ":
            return self.dataset(size=self.random.randrange(0, 4), depth=depth + 1)
        if vr == "PN":
            return self.name()
        if vr == "AT":
            tag = self.random.choice(["00181063", "0020000D", "7FE00010", "00209128"])
            return tag.lower() if self.kind != REGULAR and self.random.random() < 0.1 else tag
        if vr in FLOAT_VRS or vr in INTEGER_RANGES:
            return self.number(vr)
        return self.text(vr, backslash=self.kind == WILD)

    def values(self, vr: str, vm: str, depth: int) -> list[Any]:
        rnd = self.random
        if vr == "SQ":
            return [self.value(vr, depth) for _ in range(rnd.choice([0, 1, 1, 1, 2, 3]))]
        if vr in SINGLE_VRS:
            count = 1
        elif vm in ("1", "1-n", "2-n", "2-2n", "3-3n"):
            count = rnd.choice([1, 1, 1, 2, 3]) if vm != "1" or self.kind != REGULAR else 1
        else:
            count = int(vm.split("-")[0])
        values = [self.value(vr, depth) for _ in range(count)]
        if count > 1 and rnd.random() < 0.2:
            values[rnd.randrange(count)] = None
        if self.kind != REGULAR and rnd.random() < 0.1:
            values[rnd.randrange(count)] = rnd.choice([None, ""])
        return values

    def _binary(self) -> dict[str, Any]:
        rnd = self.random
        if rnd.random() < 0.5:
            return {"BulkDataURI": rnd.choice(["http://host/bulk/1", "../bulk/7", "https://h/x?a=1&b=%20"])}
        content = rnd.randbytes(rnd.choice([2, 4, 6, 8, 16, 64]))
        return {"InlineBinary": base64.b64encode(content).decode()}

    def _shape(self) -> Any:
        """A Value of any JSON shape."""
        return self.random.choice(
            [
                "ABC",
                "",
                5,
                0,
                True,
                False,
                1.5,
                {"a": 1},
                {},
                [[1, 2]],
                [[]],
                [{"a": 1}],
                [{"a": 1}, 2],
                [[], []],
                [True],
            ]
            + [
                [0],
                [False],
                ["A", None, "B"],
                [None, None],
                [{"00081150": {"vr": "UI", "Value": ["1.2"]}}],
                [[{"b": 2}]],
            ]
            + [[{"20110010": 1, "a": 2}], [1, "x", None]]
        )

    # -- elements and datasets

    def element(self, vr: str | None, vm: str, depth: int) -> dict[str, Any]:
        rnd = self.random
        declared = vr in KNOWN_VRS
        vr = rnd.choice(_CHOICES.get(vr or "", [vr])) or rnd.choice([*STANDARD_VRS, "SQ"])
        if self.kind == WILD and rnd.random() < 0.08:
            vr = rnd.choice(STANDARD_VRS)
        if vr == "SQ" and depth >= MAX_DEPTH:
            return {"vr": "SQ"}
        element: dict[str, Any] = {"vr": vr}
        if rnd.random() < 0.08:
            pass
        elif vr in BINARY_VRS or (vr in ("DS", "FL", "FD", "LT", "UC", "UT", "SL", "US") and rnd.random() < 0.02):
            element.update(self._binary() if vr in BINARY_VRS else {"BulkDataURI": "http://host/bulk/9"})
        else:
            element["Value"] = self.values(vr, vm, depth)
            if self.kind == REGULAR and not element["Value"]:
                del element["Value"]
        if self.kind != REGULAR:
            self._loosen(element, declared)
        if self.kind == WILD and rnd.random() < 0.15:
            self._spoil(element)
        if rnd.random() < 0.1:
            element = dict(reversed(element.items()))
        return element

    def _loosen(self, element: dict[str, Any], declared: bool) -> None:
        """What the lenient mode reads as if it were valid."""
        dice, values = self.random.random(), element.get("Value")
        if dice < 0.04 and declared:
            del element["vr"]
        elif dice < 0.06:
            element["keyword"], element["DataFragment"] = "Anything", [{"BulkDataURI": "x"}]
        elif values is not None and element["vr"] != "SQ":
            if dice < 0.09:
                element["Value"] = self.random.choice([[], [None], [""]])
            elif dice < 0.12 and len(values) == 1 and values[0] is not None and not isinstance(values[0], dict):
                element["Value"] = values[0]

    def _spoil(self, element: dict[str, Any]) -> None:
        """What no server should send."""
        rnd, dice = self.random, self.random.random()
        sequence = element.get("vr") == "SQ"
        if dice < 0.2:
            element["vr"] = rnd.choice(_ODD_VRS)
        elif dice < 0.3:
            element.pop("vr", None)
        elif dice < 0.45:
            element["BulkDataURI"], element["InlineBinary"] = rnd.choice(
                [("u", "AAAA"), ("u", ""), ("", "AAAA"), (None, "")]
            )
        elif dice < 0.85 and not sequence:
            element["Value"] = self._shape()
        elif dice < 0.9 and "Value" in element and not sequence:
            element["Value"] = None
        elif dice < 0.92 and sequence and element.get("Value"):
            element["Value"].append(None)

    def dataset(self, size: int | None = None, depth: int = 0) -> dict[str, Any]:
        """One dataset, of `size` elements at most."""
        rnd, result, seen = self.random, {}, set()
        for _ in range(rnd.randrange(0, 16) if size is None else size):
            tag, vr, vm = self.tag()
            if tag in seen or tag.endswith("0000"):
                continue
            seen.add(tag)
            result[self.key(tag)] = self.element(vr, vm, depth)
        if self.kind == WILD and rnd.random() < 0.1:
            key = rnd.choice(_ODD_KEYS)
            if tag_of(key) not in seen:
                result[key] = self.element(None, "1", depth)
        if self.kind == WILD and rnd.random() < 0.01 and result:
            result[rnd.choice(list(result))] = None
        return dict(sorted(result.items())) if self.kind == REGULAR else result

    def series(self, count: int, size: int = 60) -> list[dict[str, Any]]:
        """Instances as a series has them: most elements the same, some varying, some coming and going, in a few shapes.

        Rows differ from the one before in place, length and presence of elements, in text (whitespace does not vary:
        that is the caller's, see `dumps`) and in sequences, so that every path of a predicting reader is taken.
        """
        rnd = self.random
        drawn: dict[str, tuple[str | None, str]] = {}
        while len(drawn) < size:
            tag, vr, vm = self.tag()
            if not tag.endswith("0000"):
                drawn[tag] = vr, vm
        tags = sorted(drawn)
        base = {tag: self.element(*drawn[tag], 0) for tag in tags}
        varying = set(rnd.sample(tags, max(1, size // 6)))
        fleeting = set(rnd.sample(tags, max(1, size // 10)))
        shapes = [[tag for tag in tags if rnd.random() < keep] for keep in (1.0, 0.9, 0.6)]
        rows = []
        for _ in range(count):
            shape = rnd.choices(shapes, weights=(6, 3, 1))[0]
            row = {}
            for tag in shape:
                if tag in fleeting and rnd.random() < 0.3:
                    continue
                row[tag] = self.element(*drawn[tag], 0) if tag in varying else base[tag]
            rows.append(json.loads(json.dumps(row)))
        return rows


def datasets(count: int, seed: int = 0, kind: str = WILD) -> list[dict[str, Any]]:
    """`count` datasets of one kind."""
    generator = Generator(seed, kind)
    return [generator.dataset() for _ in range(count)]


def series(count: int, seed: int = 0, kind: str = REGULAR, size: int = 60) -> list[dict[str, Any]]:
    """One series of `count` instances."""
    return Generator(seed, kind).series(count, size)
