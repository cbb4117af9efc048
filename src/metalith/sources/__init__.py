"""Data sources: DICOMweb servers, manifests, files, several of these as one, and one's own.

`contract.py` is what all of them are, with `interface.py` (their functions) and `images.py` (their image ids);
`registry.py` knows which there are. `given.py` puts what they yield into a store, `loading.py` fetches several series
at once, `image_loading.py` single images by their ids. `query/` says what is searched for, `http/` speaks with servers.
`dicomweb/`, `dicomjson/`, `local/`, `merge/` and `proxy.py` are the sources.
"""

from metalith.sources._cancel import Cancel
from metalith.sources.contract import DataSource
from metalith.sources.loading import Job, Loading, Progress, SeriesFailure
from metalith.sources.registry import DataSourceModule, DataSources, data_source, data_sources

__all__ = [
    "Cancel",
    "DataSource",
    "DataSourceModule",
    "DataSources",
    "Job",
    "Loading",
    "Progress",
    "SeriesFailure",
    "data_source",
    "data_sources",
]
