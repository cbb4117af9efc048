"""Metalith: DICOM metadata in natural form, at the speed of memory.

>>> import metalith
>>> table = metalith.naturalize(body)            # the body of GET …/series/…/metadata
>>> table[0].PatientName, table.column("ImagePositionPatient")
"""

from metalith._core import Instance, InstanceTable, Sequence, keyword_of
from metalith.encode import EncodeError, denaturalize, dumps
from metalith.errors import ColumnError, ConfigurationError, MetalithError, ParseError, Problem
from metalith.limits import Limits, limits
from metalith.naturalize import naturalize, naturalize_dataset
from metalith.values import BulkData, PersonName, as_date, as_datetime, as_time

__version__ = "0.1.0"

__all__ = [
    "BulkData",
    "ColumnError",
    "ConfigurationError",
    "EncodeError",
    "Instance",
    "InstanceTable",
    "Limits",
    "MetalithError",
    "ParseError",
    "PersonName",
    "Problem",
    "Sequence",
    "as_date",
    "as_datetime",
    "as_time",
    "denaturalize",
    "dumps",
    "keyword_of",
    "limits",
    "naturalize",
    "naturalize_dataset",
]
