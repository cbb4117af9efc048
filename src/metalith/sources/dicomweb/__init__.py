"""DICOMweb servers (PS3.18): searching, fetching, sending.

`source.py` is the source; `options.py` what it may be told; `search.py` asks QIDO-RS, or servers made of files;
`metadata.py` brings series into the store; `bulk_uri.py`, `bulk_data.py`, `frames.py` and `rendered.py` fetch the rest;
`stow.py` sends.
"""

from metalith.sources.dicomweb.options import BulkDataUri, DicomWebOptions
from metalith.sources.dicomweb.source import DicomWebSource

__all__ = ["BulkDataUri", "DicomWebOptions", "DicomWebSource"]
