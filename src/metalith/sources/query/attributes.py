"""Which attributes are a study's and which a series', of all that an instance has."""

from __future__ import annotations

__all__ = ["OF_SERIES", "OF_STUDY"]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# PS3.3 modules Patient, General Study and Patient Study; PS3.18 table 10.6.3-3
OF_STUDY = _words("""
    StudyInstanceUID StudyDate StudyTime AccessionNumber IssuerOfAccessionNumberSequence StudyID StudyDescription
    ReferringPhysicianName ReferringPhysicianIdentificationSequence ConsultingPhysicianName PhysiciansOfRecord
    NameOfPhysiciansReadingStudy ReferencedStudySequence ProcedureCodeSequence ReasonForPerformedProcedureCodeSequence
    TimezoneOffsetFromUTC InstanceAvailability RetrieveAETitle RetrieveURL SpecificCharacterSet
    PatientName PatientID IssuerOfPatientID TypeOfPatientID OtherPatientIDs OtherPatientIDsSequence OtherPatientNames
    PatientBirthDate PatientBirthTime PatientSex PatientAge PatientSize PatientWeight PatientComments
    PatientBodyMassIndex PatientState EthnicGroup PatientSpeciesDescription PatientSpeciesCodeSequence
    PatientBreedDescription PatientBreedCodeSequence ResponsiblePerson ResponsibleOrganization PatientIdentityRemoved
    DeidentificationMethod DeidentificationMethodCodeSequence AdmittingDiagnosesDescription AdmissionID
    MedicalAlerts Allergies PregnancyStatus SmokingStatus Occupation AdditionalPatientHistory
    ClinicalTrialSponsorName ClinicalTrialProtocolID ClinicalTrialProtocolName ClinicalTrialSiteID
    ClinicalTrialSiteName ClinicalTrialSubjectID ClinicalTrialSubjectReadingID ClinicalTrialTimePointID
    ClinicalTrialTimePointDescription
""")

# PS3.3 modules General Series, General Equipment and Frame of Reference; PS3.18 table 10.6.3-4
OF_SERIES = _words("""
    SeriesInstanceUID Modality SeriesNumber SeriesDescription SeriesDescriptionCodeSequence SeriesDate SeriesTime
    ProtocolName BodyPartExamined AnatomicRegionSequence Laterality PatientPosition PerformingPhysicianName
    OperatorsName PerformedProcedureStepStartDate PerformedProcedureStepStartTime PerformedProcedureStepID
    PerformedProcedureStepDescription PerformedProtocolCodeSequence RequestAttributesSequence
    ReferencedPerformedProcedureStepSequence Manufacturer ManufacturerModelName InstitutionName InstitutionAddress
    InstitutionalDepartmentName StationName DeviceSerialNumber SoftwareVersions FrameOfReferenceUID
    PositionReferenceIndicator SOPClassUID ClinicalTrialSeriesID ClinicalTrialSeriesDescription
""")
