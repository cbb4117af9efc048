"""Where the image that an id names may be loaded from, if anywhere: which ids name what, and what is permitted.

Ids come from anybody. So a URL is fetched from permitted servers only, and a file is opened only below permitted
folders, behind all symbolic links, dots and escapes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, NamedTuple

from metalith.errors import ConfigurationError, DataSourceError
from metalith.image_ids import ImageId, file_id

__all__ = ["Place", "Places"]

_URL_SCHEMES = ("wadouri", "dicomweb", "http", "https")


class Place(NamedTuple):
    """Where an image is.

    Attributes
    ----------
    kind : {"url", "file", "series"}
    what : tuple of str
        The URL; the path; the UIDs of study and series.
    image_ids : tuple of str
        By which a store may know what is there.
    """

    kind: str
    what: tuple[str, ...]
    image_ids: tuple[str, ...] = ()


class Places:
    """What may be loaded.

    Parameters
    ----------
    origins : iterable of str or None
        Servers; None: all.
    folders : iterable of path-like or None
        None: no file at all.
    series : bool
        Whether `wadors:` ids are loaded, with their series.

    Attributes
    ----------
    urls : tuple of str or None
        The origins as they were given.

    Raises
    ------
    ConfigurationError
        An origin is no http or https URL, or a folder no path.

    Examples
    --------
    >>> from metalith.image_ids import ImageId
    >>> from metalith.sources.image_places import Places
    >>> Places(["https://host"], None, False).of(ImageId("wadouri:https://host:443/a.dcm?frame=2")).what
    ('https://host:443/a.dcm',)
    """

    def __init__(
        self, origins: Iterable[str] | None, folders: Iterable[str | os.PathLike[str]] | None, series: bool
    ) -> None:
        self.urls = None if origins is None else _several(origins)
        self._origins = None if self.urls is None else frozenset(map(_origin, self.urls))
        self._folders = tuple(map(_folder, _several(folders or ())))
        self._series = series

    def of(self, image_id: ImageId) -> Place:
        """What is to be loaded for an id.

        Raises
        ------
        DataSourceError
            Nothing is. The reason tells why, and shows nothing of the id.
        """
        if image_id.scheme == "wadors":
            return self._series_of(image_id)
        if image_id.scheme == "dicomfile":
            return self._file_of(image_id)
        if image_id.scheme not in _URL_SCHEMES:
            raise DataSourceError(
                "image ids of this scheme are not loaded: add their metadata to the store or to a provider"
            )
        url = image_id.base.uri
        if not self.may_fetch(url):
            raise DataSourceError("the server of the id is none of the origins that were given")
        return Place("url", (url,), (f"wadouri:{url}", f"dicomweb:{url}", url))

    def _series_of(self, image_id: ImageId) -> Place:
        if not self._series:
            raise DataSourceError(
                "the series of a wadors: id is not loaded: load it first with retrieve.series.metadata of its data"
                " source, or give the loader that source"
            )
        return Place("series", (image_id.study_instance_uid or "", image_id.series_instance_uid or ""))

    def _file_of(self, image_id: ImageId) -> Place:
        if not self._folders:
            raise DataSourceError("no folders were given that dicomfile: ids may name files of")
        if not os.path.isabs(image_id.path or ""):
            raise DataSourceError("the dicomfile: id has no absolute path: add its metadata to the store")
        try:
            path = os.path.realpath(image_id.path or "")
            known = file_id(path)
        except (OSError, ValueError):
            raise DataSourceError("the path of the dicomfile: id is one that no file can have") from None
        if not any(_is_below(path, folder) for folder in self._folders):
            raise DataSourceError("the file of the dicomfile: id is in none of the folders that were given")
        return Place("file", (path,), (known,))

    def may_fetch(self, url: str) -> bool:
        """Whether a URL is of a permitted server.

        Raises
        ------
        DataSourceError
            It is no http or https URL.
        """
        from metalith.sources.http import origin_of

        try:
            origin = origin_of(url)
        except DataSourceError:
            raise DataSourceError("the id has no http or https URL") from None
        return self._origins is None or origin in self._origins


def _several(given: Any) -> tuple[Any, ...]:
    """A tuple; a text is one thing, and no iterable of letters."""
    return (given,) if isinstance(given, (str, os.PathLike)) else tuple(given)


def _origin(url: Any) -> Any:
    from metalith.sources.http import origin_of

    try:
        return origin_of(url)
    except (DataSourceError, TypeError, AttributeError):
        raise ConfigurationError("origins must be http or https URLs") from None


def _folder(folder: Any) -> str:
    try:
        path = os.fsdecode(folder)
        real = os.path.realpath(path)
    except (OSError, TypeError, ValueError):
        path = real = ""
    if not path:
        raise ConfigurationError("folders must be paths of folders")
    return real


def _is_below(path: str, folder: str) -> bool:
    path, folder = os.path.normcase(path), os.path.normcase(folder)
    try:
        return os.path.commonpath([folder, path]) == folder
    except ValueError:  # on another drive
        return False
