"""Metalith: DICOM metadata in natural form, at the speed of memory.

>>> import metalith
>>> table = metalith.naturalize(body)            # the body of GET …/series/…/metadata
>>> table[0].PatientName, table.column("ImagePositionPatient")
"""

from typing import TYPE_CHECKING, Any

from metalith._core import Instance, InstanceTable, Sequence, keyword_of
from metalith.bulk import BulkData
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
    from metalith.encode import denaturalize, dumps
    from metalith.part10 import header_bytes, read
    from metalith.temporal import as_date, as_datetime, as_time

__version__ = "0.1.0"

__all__ = [
    "BulkData",
    "BulkDataError",
    "ColumnError",
    "ConfigurationError",
    "EncodeError",
    "Instance",
    "InstanceTable",
    "Limits",
    "MetalithError",
    "NotDicomError",
    "ParseError",
    "PersonName",
    "Problem",
    "Sequence",
    "TruncatedError",
    "as_date",
    "as_datetime",
    "as_time",
    "denaturalize",
    "dumps",
    "header_bytes",
    "keyword_of",
    "limits",
    "naturalize",
    "naturalize_dataset",
    "read",
]

# What not every program needs is imported when it is first asked for: `import metalith` stays cheap.
_LATER = {
    "as_date": "metalith.temporal",
    "as_datetime": "metalith.temporal",
    "as_time": "metalith.temporal",
    "denaturalize": "metalith.encode",
    "dumps": "metalith.encode",
    "header_bytes": "metalith.part10",
    "read": "metalith.part10",
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
