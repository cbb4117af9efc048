"""Data sources: DICOMweb servers, manifests, files, several of these as one, and one's own.

`contract.py` is what all of them are; `registry.py` knows which there are; `loading.py` fetches several series at once;
`query/` says what is searched for; `http/` speaks with servers. `dicomweb/`, `dicomjson/`, `local.py`, `proxy.py` and
`merge.py` are the sources.
"""

from metalith.sources.contract import DataSource
from metalith.sources.loading import Loading, SeriesFailure
from metalith.sources.registry import DataSourceModule, DataSources, data_source, data_sources

__all__ = [
    "DataSource",
    "DataSourceModule",
    "DataSources",
    "Loading",
    "SeriesFailure",
    "data_source",
    "data_sources",
]
