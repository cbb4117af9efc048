"""Metalith: DICOM metadata in natural form, at the speed of memory.

>>> import metalith
>>> table = metalith.naturalize(body)            # the body of GET …/series/…/metadata
>>> table[0].PatientName, table.column("ImagePositionPatient")
"""

from typing import TYPE_CHECKING, Any

from metalith._core import Instance, InstanceTable, Sequence, keyword_of
from metalith.errors import (
    BulkDataError,
    ColumnError,
    ConfigurationError,
    EncodeError,
    MetalithError,
    NotDicomError,
    ParseError,
    Problem,
    TruncatedError,
)
from metalith.limits import Limits, limits
from metalith.naturalize import naturalize, naturalize_dataset
from metalith.values import PersonName

if TYPE_CHECKING:
    from metalith.answers import InstanceProvider
    from metalith.bulk import BulkData
    from metalith.calibration import CalibrationProvider
    from metalith.encode import denaturalize, dumps
    from metalith.errors import (
        Cancelled,
        DataSourceError,
        DuplicateInstanceError,
        NotSupportedBySource,
        StoreError,
        StoreFileError,
    )
    from metalith.interchange import from_pydicom, to_pydicom
    from metalith.part10 import header_bytes, read
    from metalith.providers import NULL, MetadataProviders, metadata, profile
    from metalith.scanning import Failure, Scan, scan
    from metalith.sources import DataSource, DataSources, data_source, data_sources
    from metalith.sources.dicomjson import write_manifest
    from metalith.sources.image_loading import ImageLoader
    from metalith.store import MetadataStore
    from metalith.suv import suv_factors
    from metalith.temporal import as_date, as_datetime, as_time

__version__ = "0.1.0"

__all__ = [
    "NULL",
    "BulkData",
    "BulkDataError",
    "CalibrationProvider",
    "Cancelled",
    "ColumnError",
    "ConfigurationError",
    "DataSource",
    "DataSourceError",
    "DataSources",
    "DuplicateInstanceError",
    "EncodeError",
    "Failure",
    "ImageLoader",
    "Instance",
    "InstanceProvider",
    "InstanceTable",
    "Limits",
    "MetadataNotFound",
    "MetadataProviders",
    "MetadataStore",
    "MetalithError",
    "NotDicomError",
    "NotSupportedBySource",
    "ParseError",
    "PersonName",
    "Problem",
    "Scan",
    "Sequence",
    "StoreError",
    "StoreFileError",
    "TruncatedError",
    "as_date",
    "as_datetime",
    "as_time",
    "data_source",
    "data_sources",
    "denaturalize",
    "dumps",
    "from_pydicom",
    "header_bytes",
    "keyword_of",
    "limits",
    "metadata",
    "naturalize",
    "naturalize_dataset",
    "profile",
    "read",
    "scan",
    "suv_factors",
    "to_pydicom",
    "write_manifest",
]

# What not every program needs is imported when it is first asked for: `import metalith` stays cheap.
_LATER = {
    "BulkData": "metalith.bulk",
    "CalibrationProvider": "metalith.calibration",
    "Cancelled": "metalith.errors",
    "DataSource": "metalith.sources",
    "DataSourceError": "metalith.errors",
    "DataSources": "metalith.sources",
    "DuplicateInstanceError": "metalith.errors",
    "Failure": "metalith.scanning",
    "ImageId": "metalith.image_ids",
    "ImageLoader": "metalith.sources.image_loading",
    "InstanceProvider": "metalith.answers",
    "MetadataNotFound": "metalith.errors",
    "MetadataProviders": "metalith.providers",
    "MetadataStore": "metalith.store",
    "NULL": "metalith.providers",
    "NotSupportedBySource": "metalith.errors",
    "Scan": "metalith.scanning",
    "StoreError": "metalith.errors",
    "StoreFileError": "metalith.errors",
    "as_date": "metalith.temporal",
    "as_datetime": "metalith.temporal",
    "as_time": "metalith.temporal",
    "data_source": "metalith.sources",
    "data_sources": "metalith.sources",
    "denaturalize": "metalith.encode",
    "dumps": "metalith.encode",
    "from_pydicom": "metalith.interchange",
    "header_bytes": "metalith.part10",
    "metadata": "metalith.providers",
    "profile": "metalith.providers",
    "read": "metalith.part10",
    "scan": "metalith.scanning",
    "suv_factors": "metalith.suv",
    "to_pydicom": "metalith.interchange",
    "write_manifest": "metalith.sources.dicomjson",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'metalith' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_LATER[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
