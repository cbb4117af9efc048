"""Manifests: the `dicomjson` source, and how manifests are written."""

from metalith.sources.dicomjson.source import DicomJsonSource
from metalith.sources.dicomjson.write import write_manifest

__all__ = ["DicomJsonSource", "write_manifest"]
