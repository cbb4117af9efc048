"""Made-up DICOM JSON, seeded and without patients: a CT series, a multi-frame object, instances that share nothing.

The CT series has the make-up of a WADO-RS answer: about 80 attributes an instance (110 with nested ones), sequences
three deep, a private block, names in three scripts, a bulk-data reference; some fifteen attributes vary per slice.
"""

import random

from pydicom.datadict import DicomDictionary

STUDY, SERIES, FRAME = "2.25.1207", "2.25.1208", "2.25.1209"
CT_IMAGE, MPPS = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.3.1.2.3.3"
SERVER = f"https://pacs.example.org/dicom-web/studies/{STUDY}/series/{SERIES}/instances/"


def element(vr: str, *values) -> dict:
    return {"vr": vr, "Value": list(values)} if values else {"vr": vr}


def item(**elements: dict) -> dict:
    """A dataset from keyword arguments named like t00080100."""
    return {tag[1:]: value for tag, value in elements.items()}


def code(value: str, scheme: str, meaning: str) -> dict:
    return item(t00080100=element("SH", value), t00080102=element("SH", scheme), t00080104=element("LO", meaning))


class CtSeries:
    """Instances of one series; `text` writes DS and IS as strings, as older servers do."""

    def __init__(self, seed: int = 11, text: bool = False) -> None:
        self.random = random.Random(seed)
        self.text = text
        self.fixed = self._fixed()

    def ds(self, *values: float) -> dict:
        return element("DS", *((f"{v:.10g}" for v in values) if self.text else values))

    def is_(self, *values: int) -> dict:
        return element("IS", *(map(str, values) if self.text else values))

    def _fixed(self) -> dict:
        e, ds, is_ = element, self.ds, self.is_
        procedure = code("CTCAPW", "99LOCAL", "CT chest abdomen pelvis with contrast")
        localizers = [
            item(
                t00081150=e("UI", CT_IMAGE),
                t00081155=e("UI", f"2.25.13{k}"),
                t0040A170=e("SQ", code("121311", "DCM", "Localizer")),
            )
            for k in range(2)
        ]
        request = item(
            t00321060=e("LO", "CT CAP W"),
            t00321064=e("SQ", procedure),
            t00400007=e("LO", "CT CAP W"),
            t00400008={"vr": "SQ", "Value": []},
            t00400009=e("SH", "SPS000011"),
            t00401001=e("SH", "RP000011"),
        )
        texts = {
            "00080005": "CS ISO_IR 192", "00080012": "DA 20240311", "00080016": f"UI {CT_IMAGE}",
            "00080020": "DA 20240311", "00080023": "DA 20240311", "00080030": "TM 101502.000000",
            "00080050": "SH A000086903", "00080060": "CS CT", "00080070": "LO Example Medical Systems",
            "00080080": "LO Example Hospital", "00081030": "LO CT CHEST ABDOMEN PELVIS W CONTRAST",
            "0008103E": "LO AX 0.625mm STANDARD", "00081090": "LO Example CT 9000", "00100020": "LO PID-0000011",
            "00100030": "DA 19610203", "00100040": "CS M", "00101010": "AS 062Y", "00180015": "CS CHEST",
            "00180022": "CS HELICAL MODE", "00181030": "LO 5.1 CHEST ROUTINE", "00181160": "SH BODY FILTER",
            "00181210": "SH STANDARD", "00185100": "CS FFS", "0020000D": f"UI {STUDY}", "0020000E": f"UI {SERIES}",
            "00200010": "SH 10231", "00200052": f"UI {FRAME}", "00280004": "CS MONOCHROME2",
            "00090010": "LO GEMS_IDEN_01", "00430010": "LO GEMS_PARM_01",
        }  # fmt: skip
        fixed = {tag: e(*text.split(" ", 1)) for tag, text in texts.items()}
        fixed |= {
            "00080008": e("CS", "ORIGINAL", "PRIMARY", "AXIAL"),
            "00080090": e("PN", {"Alphabetic": "Referrer^Some^^Dr."}),
            "00081032": e("SQ", procedure),
            "00081070": e("PN", {"Alphabetic": "Tech^Night"}),
            "00081111": e("SQ", item(t00081150=e("UI", MPPS), t00081155=e("UI", "2.25.1301"))),
            "00081140": e("SQ", *localizers),
            "00100010": e("PN", {"Alphabetic": "Müller^Eva", "Ideographic": "山田^花", "Phonetic": "やまだ^はな"}),
            "001021B0": e("LT"),
            "00181020": e("LO", "ct_21b.33", "sw 5.4"),
            "00400275": e("SQ", request),
        }
        numbers = {
            "00101030": 82.5, "00180050": 0.625, "00180060": 120, "00180090": 500, "00181100": 360.448,
            "00181110": 1099.311, "00181111": 625.61, "00181120": 0, "00181190": 0.9, "00281052": -1024, "00281053": 1,
        }  # fmt: skip
        fixed |= {tag: ds(value) for tag, value in numbers.items()}
        fixed["00200037"] = ds(1, 0, 0, 0, 1, 0)
        fixed["00280030"] = ds(0.704, 0.704)
        fixed["00281050"], fixed["00281051"] = ds(40, -600), ds(400, 1500)
        fixed |= {"00200011": is_(3), "00189306": e("FD", 0.625), "00280120": e("SS", -2000)}
        whole = {"00280002": 1, "00280010": 512, "00280011": 512, "00280100": 16, "00280101": 16, "00280102": 15}
        fixed |= {tag: e("US", value) for tag, value in whole.items()}
        fixed |= {"00280103": e("US", 1), "00091027": e("SL", 1689325244), "00431010": e("US", 400)}
        fixed |= {"0043101E": ds(1.35)}
        return fixed

    def instance(self, index: int) -> dict:
        e, ds, is_, r = element, self.ds, self.is_, self.random
        clock = f"{10 + index // 1200:02d}{index // 20 % 60:02d}{index % 60:02d}.{r.randrange(10**6):06d}"
        z, current = round(-412.25 + index * 0.625, 6), r.randrange(80, 560)
        uid = f"2.25.{10**30 + index * 7919 + r.randrange(7919)}"
        varying = {
            "00080013": e("TM", clock), "00080018": e("UI", uid), "00080032": e("TM", clock),
            "00080033": e("TM", clock), "00081190": e("UR", SERVER + uid), "00181151": is_(current),
            "00181152": is_(current // 2), "00189345": e("FD", round(r.uniform(6, 14), 12)),
            "00200013": is_(index + 1), "00200032": ds(-180.148, -171.5, z), "00201041": ds(z),
            "00280106": e("SS", -2000 - r.randrange(50)), "00280107": e("SS", r.randrange(900, 3071)),
            "00431040": e("FL", round(r.uniform(120, 220), 4)),
            "7FE00010": {"vr": "OW", "BulkDataURI": f"{SERVER}{uid}/bulkdata/7FE00010"},
        }  # fmt: skip
        return dict(sorted({**self.fixed, **varying}.items()))


def ct_series(n: int, *, text: bool = False) -> list[dict]:
    series = CtSeries(text=text)
    return [series.instance(index) for index in range(n)]


def multi_frame(frames: int) -> list[dict]:
    """One enhanced-CT-like object: the shared groups, and five sequences of one item in each frame's item."""
    series = CtSeries()
    e, ds, is_, r = element, series.ds, series.is_, series.random
    whole = series.instance(0)
    for tag in ("00200032", "00200037", "00201041", "00280030"):
        del whole[tag]

    def frame(k: int) -> dict:
        clock = f"20240311101{k % 1000:03d}.{r.randrange(10**6):06d}"
        content = item(t00189151=e("DT", clock), t00209057=e("UL", k + 1), t00209157=e("UL", 1, k + 1))
        exposure = item(
            t00189328=e("FD", 0.5), t00189330=e("FD", r.uniform(80, 560)), t00189332=e("FD", r.uniform(6, 14))
        )
        return item(
            t00189321=e("SQ", exposure),
            t00209111=e("SQ", content),
            t00209113=e("SQ", item(t00200032=ds(-180.148, -171.5, round(-412.25 + k * 0.625, 6)))),
            t00289132=e("SQ", item(t00281050=ds(40), t00281051=ds(400), t00281055=e("LO", "ABDOMEN"))),
            t00409096=e("SQ", item(t00281052=ds(-1024), t00281053=ds(1), t00281054=e("LO", "HU"))),
        )

    measures = item(t00180050=ds(0.625), t00280030=ds(0.704, 0.704))
    orientation = item(t00200037=ds(1, 0, 0, 0, 1, 0))
    whole["00280008"] = is_(frames)
    whole["52009229"] = e("SQ", item(t00209116=e("SQ", orientation), t00289110=e("SQ", measures)))
    whole["52009230"] = e("SQ", *(frame(k) for k in range(frames)))
    return [dict(sorted(whole.items()))]


def unlike(n: int, *, attributes: int = 60, seed: int = 5) -> list[dict]:
    """Instances with attributes drawn anew for each from the whole dictionary, and values that never repeat."""
    r = random.Random(seed)
    text_vrs = ["AE", "CS", "LO", "LT", "SH", "ST", "UC", "UT"]
    number_vrs = ["FD", "FL", "SL", "SS", "UL", "US"]
    known = {
        f"{tag:08X}": entry[0]
        for tag, entry in DicomDictionary.items()
        if tag >> 16 > 8 and entry[0] in {"DA", "TM", "UI", "PN", "DS", "IS", *text_vrs, *number_vrs} and entry[4]
    }
    tags = sorted(known)

    def value(vr: str):
        if vr in text_vrs:
            return "".join(r.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789_", k=r.randrange(3, 16))).strip() or "X"
        if vr in ("FD", "FL", "DS"):
            return round(r.uniform(-1000, 1000), r.randrange(1, 6))
        if vr == "UI":
            return f"2.25.{r.randrange(10**30)}"
        if vr == "PN":
            return {"Alphabetic": f"Name{r.randrange(10**6)}^Given"}
        if vr == "DA":
            return f"{r.randrange(1990, 2025)}{r.randrange(1, 13):02d}{r.randrange(1, 29):02d}"
        if vr == "TM":
            return f"{r.randrange(24):02d}{r.randrange(60):02d}{r.randrange(60):02d}.{r.randrange(10**6):06d}"
        return r.randrange(30000)

    def dataset(size: int) -> dict:
        chosen = sorted(r.sample(tags, size))
        return {
            tag: element(known[tag], *(value(known[tag]) for _ in range(r.choice((1, 1, 1, 1, 2, 3)))))
            for tag in chosen
        }

    rows = []
    for _ in range(n):
        row = {
            "00080016": element("UI", f"2.25.{r.randrange(10**30)}"),
            "00080018": element("UI", f"2.25.{r.randrange(10**30)}"),
        }
        row |= dataset(attributes - r.randrange(20))
        row["00400555"] = element("SQ", *(dataset(4) for _ in range(r.randrange(1, 4))))
        rows.append(dict(sorted(row.items())))
    return rows
