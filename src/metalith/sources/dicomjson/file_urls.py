"""The URLs under which a server publishes files, for a manifest of them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from urllib.parse import quote

from metalith._core import Instance
from metalith.errors import ConfigurationError
from metalith.sources.dicomjson.url_policy import checked_url

__all__ = ["UrlOfFile"]


class UrlOfFile:
    """The URLs of files below folders that a server publishes.

    Parameters
    ----------
    prefix : str
        URL of the folder; of several folders, of what they are in: their names go between.
    roots : path-like or iterable of path-like
        The folders, or single files.
    scheme : str, optional
        Of the image ids; "dicomweb" and "wadouri" are those of whole files.

    Raises
    ------
    ConfigurationError
        The prefix is no URL, or folders have the same name.

    Examples
    --------
    >>> from metalith.sources.dicomjson.file_urls import UrlOfFile
    >>> UrlOfFile("https://host/files", "/data").of_path("/data/CT 1/Müller#1.dcm")
    'dicomweb:https://host/files/CT%201/M%C3%BCller%231.dcm'
    """

    def __init__(
        self,
        prefix: str,
        roots: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
        scheme: str = "dicomweb",
    ) -> None:
        try:
            checked_url(prefix)
        except ConfigurationError as error:
            raise ConfigurationError(f"url_prefix: {error}") from None
        if "?" in prefix:
            raise ConfigurationError("url_prefix must not have a query")
        if not scheme.isalpha() or not scheme.isascii():
            raise ConfigurationError("scheme must be that of an image id, such as dicomweb")
        self._start = f"{scheme}:{prefix.rstrip('/')}/"
        several = [roots] if isinstance(roots, (str, os.PathLike)) else list(roots)
        folders = {_folder_of(os.path.abspath(os.fspath(root))) for root in several}
        self._folders = {folder: os.fsencode(os.path.basename(folder)) + b"/" for folder in sorted(folders)}
        if len(folders) == 1:
            self._folders = dict.fromkeys(folders, b"")
        elif len(set(self._folders.values())) < len(folders):
            raise ConfigurationError("folders have the same name: their URLs would be the same")

    def __call__(self, instance: Instance) -> str:
        if instance.path is None:
            raise ConfigurationError("url_prefix: an instance was not read from a file; give url_for instead")
        return self.of_path(instance.path)

    def of_path(self, path: str) -> str:
        """The image id of a file.

        Raises
        ------
        ConfigurationError
            The file is in none of the folders.
        """
        path = os.path.abspath(path)
        for folder, name in self._folders.items():
            if path.startswith(folder.rstrip(os.sep) + os.sep):
                within = os.fsencode(os.path.relpath(path, folder)).replace(os.fsencode(os.sep), b"/")
                return self._start + quote(name + within, "/")
        raise ConfigurationError("url_prefix: a file is in none of the folders that have URLs")


def _folder_of(path: str) -> str:
    return os.path.dirname(path) if os.path.isfile(path) else path
