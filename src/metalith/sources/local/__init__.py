"""DICOM files on this machine as a data source: everything works without a server.

`source.py` is the source; `reading.py` brings files into the store, and finds out what has changed; `memory.py` keeps
what was given as bytes; `frames.py` cuts frames out of files; `writing.py` puts instances into a folder.
"""

from metalith.sources.local.reading import Changes
from metalith.sources.local.source import DicomLocalSource, LocalOptions

__all__ = ["Changes", "DicomLocalSource", "LocalOptions"]
