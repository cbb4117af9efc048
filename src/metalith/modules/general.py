"""Study, series, image, SOP common, frame of reference, clinical trial: attributes as they are."""

from __future__ import annotations

from dataclasses import dataclass, field

from metalith.modules.base import Module, code, codes, integer, module, numbers, text

__all__ = [
    "ClinicalTrial",
    "FrameOfReference",
    "GeneralImage",
    "GeneralSeries",
    "GeneralStudy",
    "SopCommon",
    "TemporalPosition",
]


@module("generalStudyModule")
@dataclass(frozen=True, slots=True, repr=False)
class GeneralStudy(Module):
    """General Study module (PS3.3 section C.7.2.1). None without any of its attributes.

    Dates and times are texts as DICOM has them: `metalith.as_date` and `as_time` read them.

    >>> GeneralStudy.build({"StudyInstanceUID": "1.2", "StudyDate": "20240229"}).to_cornerstone()
    {'studyInstanceUID': '1.2', 'studyDate': '20240229'}
    """

    study_instance_uid: str | None = field(default=None, metadata=text("StudyInstanceUID"))
    study_description: str | None = field(default=None, metadata=text("StudyDescription"))
    study_date: str | None = field(default=None, metadata=text("StudyDate"))
    study_time: str | None = field(default=None, metadata=text("StudyTime"))
    accession_number: str | None = field(default=None, metadata=text("AccessionNumber"))
    study_id: str | None = field(default=None, metadata=text("StudyID"))


@module("generalSeriesModule")
@dataclass(frozen=True, slots=True, repr=False)
class GeneralSeries(Module):
    """General Series module (PS3.3 section C.7.3.1). None without any of its attributes."""

    study_instance_uid: str | None = field(default=None, metadata=text("StudyInstanceUID"))
    series_instance_uid: str | None = field(default=None, metadata=text("SeriesInstanceUID"))
    modality: str | None = field(default=None, metadata=code("Modality"))
    series_description: str | None = field(default=None, metadata=text("SeriesDescription"))
    series_number: int | None = field(default=None, metadata=integer("SeriesNumber"))
    series_date: str | None = field(default=None, metadata=text("SeriesDate"))
    series_time: str | None = field(default=None, metadata=text("SeriesTime"))
    acquisition_date: str | None = field(default=None, metadata=text("AcquisitionDate"))
    acquisition_time: str | None = field(default=None, metadata=text("AcquisitionTime"))
    laterality: str | None = field(default=None, metadata=code("Laterality"))
    body_part_examined: str | None = field(default=None, metadata=code("BodyPartExamined"))


@module("generalImageModule")
@dataclass(frozen=True, slots=True, repr=False)
class GeneralImage(Module):
    """General Image module (PS3.3 section C.7.6.1), and what Cornerstone gives with it. None without any of it.

    Attributes
    ----------
    pixel_spacing : tuple of float
        PixelSpacing as sent, in mm; `ImagePlane` tells what it means.
    lossy_image_compression_ratio : tuple of float
        One for each compression that the image went through.
    """

    sop_instance_uid: str | None = field(default=None, metadata=text("SOPInstanceUID"))
    sop_class_uid: str | None = field(default=None, metadata=code("SOPClassUID"))
    instance_number: int | None = field(default=None, metadata=integer("InstanceNumber"))
    instance_creation_date: str | None = field(default=None, metadata=text("InstanceCreationDate"))
    instance_creation_time: str | None = field(default=None, metadata=text("InstanceCreationTime"))
    content_date: str | None = field(default=None, metadata=text("ContentDate"))
    content_time: str | None = field(default=None, metadata=text("ContentTime"))
    image_type: tuple[str, ...] | None = field(default=None, metadata=codes("ImageType"))
    lossy_image_compression: str | None = field(default=None, metadata=code("LossyImageCompression"))
    lossy_image_compression_ratio: tuple[float, ...] | None = field(
        default=None, metadata=numbers("LossyImageCompressionRatio")
    )
    lossy_image_compression_method: tuple[str, ...] | None = field(
        default=None, metadata=codes("LossyImageCompressionMethod")
    )
    frame_of_reference_uid: str | None = field(default=None, metadata=text("FrameOfReferenceUID"))
    number_of_frames: int | None = field(default=None, metadata=integer("NumberOfFrames"))
    pixel_spacing: tuple[float, ...] | None = field(default=None, metadata=numbers("PixelSpacing"))


@module("sopCommonModule")
@dataclass(frozen=True, slots=True, repr=False)
class SopCommon(Module):
    """SOP Common module (PS3.3 section C.12.1). None without both UIDs.

    >>> SopCommon.build({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "SOPInstanceUID": "1.2"})
    SopCommon(sop_class_uid='1.2.840.10008.5.1.4.1.1.2')
    """

    sop_instance_uid: str | None = field(default=None, metadata=text("SOPInstanceUID"))
    sop_class_uid: str | None = field(default=None, metadata=code("SOPClassUID"))


@module("frameOfReferenceModule")
@dataclass(frozen=True, slots=True, repr=False)
class FrameOfReference(Module):
    """Frame of Reference module (PS3.3 section C.7.4.1). None without any of its attributes."""

    frame_of_reference_uid: str | None = field(default=None, metadata=text("FrameOfReferenceUID"))
    position_reference_indicator: str | None = field(default=None, metadata=text("PositionReferenceIndicator"))


@module("clinicalTrialModule")
@dataclass(frozen=True, slots=True, repr=False)
class ClinicalTrial(Module):
    """Clinical Trial Subject module and those beside it (PS3.3 sections C.7.1.3, C.7.2.3, C.7.3.2).

    None without any of their attributes.
    """

    clinical_trial_sponsor_name: str | None = field(default=None, metadata=text("ClinicalTrialSponsorName"))
    clinical_trial_protocol_id: str | None = field(default=None, metadata=text("ClinicalTrialProtocolID"))
    clinical_trial_protocol_name: str | None = field(default=None, metadata=text("ClinicalTrialProtocolName"))
    clinical_trial_site_id: str | None = field(default=None, metadata=text("ClinicalTrialSiteID"))
    clinical_trial_site_name: str | None = field(default=None, metadata=text("ClinicalTrialSiteName"))
    clinical_trial_subject_id: str | None = field(default=None, metadata=text("ClinicalTrialSubjectID"))
    clinical_trial_subject_reading_id: str | None = field(default=None, metadata=text("ClinicalTrialSubjectReadingID"))
    clinical_trial_time_point_id: str | None = field(default=None, metadata=text("ClinicalTrialTimePointID"))
    clinical_trial_time_point_description: str | None = field(
        default=None, metadata=text("ClinicalTrialTimePointDescription")
    )
    clinical_trial_series_id: str | None = field(default=None, metadata=text("ClinicalTrialSeriesID"))


@module("temporalPositionIdentifier")
@dataclass(frozen=True, slots=True, repr=False)
class TemporalPosition(Module):
    """Place of an image in time (TemporalPositionIdentifier, PS3.3 section C.7.6.1). None without it."""

    temporal_position_identifier: int | None = field(default=None, metadata=integer("TemporalPositionIdentifier"))
