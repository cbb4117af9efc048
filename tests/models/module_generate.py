"""Generated instances of all kinds of images, as DICOM JSON texts, each with the oddities of its kind."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from .module_cases import CR, CT, PET, SC, dataset

Attributes = dict[str, Any]

MR, NM, US, RTDOSE = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("4", "20", "6.1", "481.2"))
ENHANCED_CT, ENHANCED_MR = f"{CT}.1", f"{MR}.1"
_PROJECTION = (CR, *(f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("1.1", "1.1.1", "1.2", "1.3.1", "12.1", "12.2")))
_COSINES = ([1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1], [0.6, 0.8, 0, 0, 0, 1])


class _Maker:
    """Makes the attributes of an instance, each present or not by chance."""

    def __init__(self, rnd: random.Random) -> None:
        self.rnd = rnd
        self.made: Attributes = {}

    def some(self, chance: float = 0.6, /, **attributes: Any) -> None:
        """Each of these, perhaps."""
        self.made |= {name: value for name, value in attributes.items() if self.rnd.random() < chance}

    def together(self, chance: float = 0.6, /, **attributes: Any) -> None:
        """All of these, or none."""
        self.made |= attributes if self.rnd.random() < chance else {}

    def number(self, *, digits: int = 3, least: float = 0.1, most: float = 2.0) -> float:
        return round(self.rnd.uniform(least, most), digits)

    def pair(self) -> list[float]:
        first = self.number()
        return [first, self.rnd.choice([first, self.number()])]

    def position(self) -> list[float]:
        return [self.number(digits=4, least=-200, most=200) for _ in range(3)]


def _common(m: _Maker, modality: str, sop_class: str) -> None:
    rnd = m.rnd
    number = rnd.randrange(10**6)
    m.made |= {"Modality": modality, "SOPClassUID": sop_class, "SOPInstanceUID": f"1.2.{number}"}
    m.together(0.95, Rows=rnd.choice([4, 512]), Columns=rnd.choice([6, 512]))
    m.some(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4", StudyID="7", AccessionNumber="A1")
    m.some(StudyDescription="Study", SeriesDescription="Serie", StudyDate="20240229", StudyTime="101500.25")
    m.some(SeriesDate="20240229", SeriesTime="1015", AcquisitionDate="20240229", AcquisitionTime="10")
    m.some(SeriesNumber=rnd.randrange(9), InstanceNumber=rnd.randrange(99), BodyPartExamined="CHEST")
    m.some(InstanceCreationDate="20240229", InstanceCreationTime="101501", ContentDate="20240229", ContentTime="1016")
    m.some(PatientID="P1", PatientName="Doe^Jane^^Dr.", PatientBirthDate="19700101", PatientBirthTime="0130")
    m.some(PatientAge="045Y", PatientSize=m.number(), PatientSex=rnd.choice("MFO"), PatientWeight=70.5)
    m.some(0.2, ClinicalTrialSponsorName="S", ClinicalTrialSiteID="1", ClinicalTrialSubjectID="2")
    m.some(ImageType=["ORIGINAL", "PRIMARY", "AXIAL"], FrameOfReferenceUID="1.2.9")
    m.some(0.2, LossyImageCompression=rnd.choice(["00", "01"]), LossyImageCompressionRatio=[m.number(), 10])
    m.some(0.2, LossyImageCompressionMethod=["ISO_10918_1"], AvailableTransferSyntaxUID="1.2.840.10008.1.2.4.70")


def _pixels(m: _Maker) -> None:
    rnd = m.rnd
    signed, bits = rnd.choice([0, 1]), rnd.choice([8, 16])
    m.some(0.9, SamplesPerPixel=1, PhotometricInterpretation=rnd.choice(["MONOCHROME1", "MONOCHROME2"]))
    m.some(0.9, BitsAllocated=bits, BitsStored=bits - rnd.choice([0, 4]), HighBit=bits - 1)
    m.made["PixelRepresentation"] = signed
    low = -rnd.randrange(1, 2000) if signed else rnd.randrange(10)
    m.some(0.3, SmallestImagePixelValue=low, LargestImagePixelValue=rnd.randrange(10, 3000))
    m.some(0.3, PixelPaddingValue=low, PixelPaddingRangeLimit=low + rnd.randrange(5))
    if rnd.random() < 0.4:
        several = rnd.randrange(1, 4)
        m.together(0.9, WindowCenter=[m.number() for _ in range(several)], WindowWidth=[400] * several)
        m.some(0.3, WindowCenter=40)
    m.some(0.3, WindowCenterWidthExplanation=["SOFT", "BONE"], VOILUTFunction=rnd.choice(["LINEAR", "SIGMOID"]))
    m.some(RescaleSlope=m.number(), RescaleIntercept=rnd.choice([0, -1024]), RescaleType=rnd.choice(["HU", "US"]))
    if rnd.random() < 0.15:
        lut = {"LUTDescriptor": [4, 0, 16], "LUTExplanation": "lut", "LUTData": bytes([0, 0, 100, 0, 200, 0, 255, 255])}
        m.made[rnd.choice(["VOILUTSequence", "ModalityLUTSequence"])] = [lut]


def _plane(m: _Maker) -> None:
    rnd = m.rnd
    m.some(0.85, PixelSpacing=m.pair(), ImageOrientationPatient=rnd.choice(_COSINES), ImagePositionPatient=m.position())
    m.some(SliceThickness=m.number(), SliceLocation=m.number(least=-9), SpacingBetweenSlices=m.number(least=-2))


def _ct(m: _Maker) -> None:
    _common(m, "CT", CT)
    _pixels(m)
    _plane(m)
    m.some(KVP=120, DistanceSourceToDetector=1100, DistanceSourceToPatient=625.5)


def _mr(m: _Maker) -> None:
    _common(m, "MR", MR)
    _pixels(m)
    _plane(m)
    m.some(EchoTime=3.5, RepetitionTime=500, TriggerTime=12.5, TemporalPositionIdentifier=2)


def _radiograph(m: _Maker) -> None:
    """Every case of distances: on the detector, calibrated, magnified, by texts, and none."""
    rnd = m.rnd
    _common(m, rnd.choice(["CR", "DX", "MG", "XA", "RF"]), rnd.choice(_PROJECTION))
    _pixels(m)
    pair = m.pair()
    m.some(0.5, PixelSpacing=pair)
    m.some(0.6, ImagerPixelSpacing=rnd.choice([pair, m.pair()]))
    m.some(0.3, PixelSpacingCalibrationType=rnd.choice(["GEOMETRY", "FIDUCIAL"]))
    m.some(0.3, PixelSpacingCalibrationDescription="by a ball")
    m.some(0.25, EstimatedRadiographicMagnificationFactor=rnd.choice([0.9, 1, 1.25]))
    detector = rnd.choice([980, 1000.5, 1200])
    m.some(0.5, DistanceSourceToDetector=detector)
    m.some(0.4, DistanceSourceToPatient=detector * rnd.choice([0.5, 0.9, 1, 1.1]))
    m.some(0.2, DistanceSourceToEntrance=detector * rnd.choice([0.5, 0.8]))
    m.some(0.1, NominalScannedPixelSpacing=[0.1, 0.1])


def _capture(m: _Maker) -> None:
    rnd = m.rnd
    _common(m, "OT", SC)
    m.made |= {"PhotometricInterpretation": "PALETTE COLOR", "SamplesPerPixel": 1}
    m.made |= {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0}
    entries, bits = rnd.choice([(256, 8), (256, 16), (16, 16)])
    for color in ("Red", "Green", "Blue"):
        data = bytes(rnd.randrange(256) for _ in range(entries * bits // 8))
        m.made[f"{color}PaletteColorLookupTableDescriptor"] = [entries, rnd.choice([0, 3]), bits]
        m.made[f"{color}PaletteColorLookupTableData"] = data
    m.some(0.3, PaletteColorLookupTableUID="1.2.77", PlanarConfiguration=0, PixelAspectRatio=["4", "3"])
    m.some(0.4, PixelSpacing=m.pair())


def _pet(m: _Maker) -> None:
    rnd = m.rnd
    _common(m, "PT", PET)
    _pixels(m)
    _plane(m)
    m.some(0.8, CorrectedImage=["DECY", "ATTN"], Units=rnd.choice(["BQML", "CNTS"]), DecayCorrection="START")
    m.some(0.5, FrameReferenceTime=1500.5, ActualFrameDuration=120000, DecayFactor=m.number(), SUVType="BW")
    if rnd.random() < 0.7:  # all that SUV is computed from
        m.made |= {"CorrectedImage": ["DECY", "ATTN"], "Units": "BQML", "DecayCorrection": "START"}
        m.made |= {"SeriesDate": "20240229", "SeriesTime": "120000", "PatientWeight": 71.5}
        m.made |= {"AcquisitionDate": "20240229", "AcquisitionTime": rnd.choice(["120000", "115500"])}
        injected = {"RadionuclideTotalDose": 4e8, "RadionuclideHalfLife": 6586.2}
        m.made["RadiopharmaceuticalInformationSequence"] = [{**injected, "RadiopharmaceuticalStartTime": "110000"}]
        return
    items = []
    for _ in range(rnd.choice([0, 1, 1, 1, 2])):
        inner = _Maker(rnd)
        inner.some(0.8, RadiopharmaceuticalStartTime="110000", RadiopharmaceuticalStopTime="110005.5")
        inner.some(0.8, RadionuclideTotalDose=4e8, RadionuclideHalfLife=6586.2)
        inner.some(0.3, RadiopharmaceuticalStartDateTime="20240229110000", Radiopharmaceutical="FDG")
        items.append(inner.made or {"RadionuclideHalfLife": 1})
    if items:
        m.made["RadiopharmaceuticalInformationSequence"] = items


def _ultrasound(m: _Maker) -> None:
    rnd = m.rnd
    _common(m, "US", US)
    _pixels(m)
    m.some(0.3, PixelSpacing=m.pair())
    m.together(0.5, NumberOfFrames=rnd.randrange(2, 5), FrameTime=33.5)
    m.some(0.3, RecommendedDisplayFrameRate=25, CineRate=30, FrameDelay=0)
    regions = []
    for _ in range(rnd.choice([0, 1, 1, 2, 3])):
        inner = _Maker(rnd)
        inner.some(0.8, PhysicalDeltaX=m.number(), PhysicalDeltaY=m.number(), PhysicalUnitsXDirection=3)
        inner.some(0.8, PhysicalUnitsYDirection=rnd.choice([3, 7]), RegionLocationMinX0=0, RegionLocationMinY0=10)
        inner.some(0.8, RegionLocationMaxX1=800, RegionLocationMaxY1=600, RegionSpatialFormat=1, RegionFlags=2)
        inner.some(0.5, ReferencePixelX0=-5, ReferencePixelY0=0, RegionDataType=rnd.choice([1, 2, 5]))
        inner.some(0.3, ReferencePixelPhysicalValueX=0.5, ReferencePixelPhysicalValueY=-1.5, TransducerFrequency=5000)
        regions.append(inner.made or {"RegionFlags": 0})
    if regions:
        m.made["SequenceOfUltrasoundRegions"] = regions


def _dose(m: _Maker) -> None:
    rnd = m.rnd
    _common(m, "RTDOSE", RTDOSE)
    _pixels(m)
    frames = rnd.randrange(1, 5)
    axial = rnd.choice(_COSINES)
    m.made |= {"NumberOfFrames": frames, "PixelSpacing": m.pair(), "ImageOrientationPatient": axial}
    position = m.position()
    m.made["ImagePositionPatient"] = position
    first = rnd.choice([0, position[2]] if axial == _COSINES[0] else [0])
    m.some(0.9, GridFrameOffsetVector=[first + 2.5 * n for n in range(frames)])
    m.some(DoseGridScaling=1e-5, DoseUnits="GY", DoseType="PHYSICAL", DoseSummationType="PLAN", SliceThickness=2.5)


def _nuclear(m: _Maker) -> None:
    rnd = m.rnd
    _common(m, "NM", NM)
    _pixels(m)
    frames = rnd.randrange(1, 5)
    m.made |= {"NumberOfFrames": frames, "PixelSpacing": m.pair()}
    m.made["ImageType"] = ["ORIGINAL", "PRIMARY", rnd.choice(["RECON TOMO", "TOMO", "RECON GATED TOMO"]), "EMISSION"]
    m.made["SpacingBetweenSlices"] = rnd.choice([3.5, -3.5])
    detector = {"ImageOrientationPatient": rnd.choice(_COSINES), "ImagePositionPatient": m.position()}
    m.made["DetectorInformationSequence"] = [detector] * rnd.choice([1, 1, 2])
    m.some(0.3, SliceVector=list(range(1, frames + 1)), SliceThickness=3.5)


def _groups(m: _Maker, *, position: list[float] | None, all_of_it: bool) -> dict[str, Any]:
    """Functional groups: those that one item of either sequence has."""
    rnd = m.rnd
    chance = 1.0 if all_of_it else 0.5
    made: dict[str, Any] = {}
    if rnd.random() < chance:
        made["PixelMeasuresSequence"] = [{"PixelSpacing": m.pair(), "SliceThickness": m.number()}]
    if rnd.random() < chance:
        made["PlaneOrientationSequence"] = [{"ImageOrientationPatient": rnd.choice(_COSINES)}]
    if rnd.random() < chance:
        made["FrameVOILUTSequence"] = [{"WindowCenter": m.number(), "WindowWidth": 300}]
    if rnd.random() < chance:
        transformed = {"RescaleSlope": m.number(), "RescaleIntercept": -3, "RescaleType": "US"}
        made["PixelValueTransformationSequence"] = [transformed]
    if position is not None:
        made["PlanePositionSequence"] = [{"ImagePositionPatient": position}]
        made["FrameContentSequence"] = [{"FrameAcquisitionNumber": rnd.randrange(9), "TemporalPositionIndex": 1}]
    return made


def _enhanced(m: _Maker) -> None:
    rnd = m.rnd
    modality, sop_class = rnd.choice([("CT", ENHANCED_CT), ("MR", ENHANCED_MR)])
    _common(m, modality, sop_class)
    m.made |= {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "PixelRepresentation": 0}
    frames = rnd.choice([1, 2, 3, 4])
    m.made["NumberOfFrames"] = frames
    if rnd.random() < 0.9:
        m.made["SharedFunctionalGroupsSequence"] = [_groups(m, position=None, all_of_it=True)]
    own = [_groups(m, position=m.position(), all_of_it=False) for _ in range(frames)]
    if rnd.random() < 0.9:
        m.made["PerFrameFunctionalGroupsSequence"] = own
    m.some(0.1, ImagePositionPatient=m.position(), PixelSpacing=m.pair())


KINDS: dict[str, Callable[[_Maker], None]] = {
    "CT": _ct,
    "MR": _mr,
    "radiograph": _radiograph,
    "capture": _capture,
    "PET": _pet,
    "US": _ultrasound,
    "dose": _dose,
    "NM": _nuclear,
    "enhanced": _enhanced,
}
MULTI_FRAME = ("US", "dose", "NM", "enhanced")


def generated(kind: str, count: int, seed: int = 1) -> list[str]:
    """So many instances of a kind; every fourth has its decimal strings as texts, as some servers send them."""
    rnd = random.Random(f"{kind} {seed}")
    texts = []
    for row in range(count):
        maker = _Maker(rnd)
        KINDS[kind](maker)
        elements = dataset(**maker.made).to_json_dict()
        if row % 4 == 3:
            _as_texts(elements)
        texts.append(json.dumps(elements))
    return texts


def _as_texts(elements: Any) -> None:
    for element in elements.values():
        if element["vr"] in ("DS", "IS") and "Value" in element:
            element["Value"] = [str(value) for value in element["Value"]]
        for item in element.get("Value", []) if element["vr"] == "SQ" else []:
            _as_texts(item)
