"""The text of a manifest, where it is kept: in memory, or in a file that is read again when a series is wanted."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from metalith.errors import DataSourceError, ParseError
from metalith.limits import current
from metalith.sources.dicomjson.text import Text

__all__ = ["Body", "FileBody", "MemoryBody", "body_of"]


class MemoryBody:
    """Text in memory."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    @contextmanager
    def opened(self) -> Iterator[Text]:
        """The text, for as long as the context lasts."""
        yield self._text


class FileBody:
    """Text in a file, which is mapped while it is read and let go of afterwards.

    Raises
    ------
    OSError
        The file cannot be read.
    ParseError
        It is larger than `metalith.Limits.max_bytes`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.path.abspath(path)
        with open(self._path, "rb") as file:
            self._version = _version(file)
        _check_size(self._version[0])

    @contextmanager
    def opened(self) -> Iterator[Text]:
        """The text, for as long as the context lasts.

        Raises
        ------
        DataSourceError
            The file is not what it was when the manifest was read.
        """
        try:
            file = open(self._path, "rb")  # noqa: SIM115  closed below
        except OSError as error:
            raise DataSourceError(f"the manifest's file cannot be read any more ({error.strerror})") from None
        with file:
            if _version(file) != self._version:
                raise DataSourceError("the manifest's file has changed: read it again")
            if not self._version[0]:
                yield b""
                return
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
                yield text


Body = MemoryBody | FileBody


def body_of(given: Any) -> Body:
    """What a manifest is read from, once it is no URL: a path, bytes, a file that is open, or an object already parsed.

    Raises
    ------
    TypeError
        It is none of these.
    OSError, ParseError
        It cannot be read, is too large, or holds what JSON has no form for.
    """
    if isinstance(given, (str, os.PathLike)):
        return _of_path(given)
    if isinstance(given, Mapping):
        from metalith.naturalize import _json_of

        text = _json_of([given])[1:-1].encode()
    elif hasattr(given, "read"):
        most = current().max_bytes
        read = given.read(most + 1)
        text = read.encode() if isinstance(read, str) else bytes(read)
    else:
        try:
            text = given if isinstance(given, bytes) else bytes(memoryview(given).cast("B"))
        except TypeError:
            raise TypeError(
                f"a manifest is a URL, path, file, bytes or mapping, not a {type(given).__name__}"
            ) from None
    _check_size(len(text))
    return MemoryBody(text)


def _of_path(path: str | os.PathLike[str]) -> Body:
    if os.path.isfile(path):
        return FileBody(path)
    with open(path, "rb") as file:  # a pipe, or an error that says what is wrong
        return body_of(file)


def _version(file: Any) -> tuple[int, int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns, status.st_ino


def _check_size(size: int) -> None:
    most = current().max_bytes
    if size > most:
        raise ParseError(f"beyond the limit max_bytes={most:,}", row=None)
