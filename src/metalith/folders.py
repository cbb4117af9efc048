"""Which files there are in folders, in an order that does not change."""

from __future__ import annotations

import dataclasses
import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from metalith.dicomdir import is_within, referenced_files
from metalith.errors import MetalithError
from metalith.limits import Limits, current

__all__ = ["Passed", "PathLike", "Paths", "walk"]

PathLike = str | bytes | os.PathLike[str] | os.PathLike[bytes]
Paths = PathLike | Iterable[PathLike]

_SEPARATOR = os.fsencode(os.sep)
_INDEX_NAME = re.compile(rb"DICOMDIR\.?(;\d+)?", re.I)  # also as ISO 9660 has it


class Passed(NamedTuple):
    """What a walk came by that is no file to read.

    Attributes
    ----------
    path : bytes
    what : {"index", "link", "special", "failure"}
        A DICOMDIR; a link that leads out of the folder, or nowhere; a pipe, device or socket; something that cannot be
        read.
    error : Exception or None
        Of a failure.
    """

    path: bytes
    what: Literal["index", "link", "special", "failure"]
    error: Exception | None = None


def walk(paths: Paths, limits: Limits | None = None) -> Iterator[bytes | Passed]:
    """The files in folders, and what was passed by.

    Parameters
    ----------
    paths
        A folder, a file, a DICOMDIR, or an iterable of these.
    limits : Limits, optional
        For DICOMDIRs.

    Yields
    ------
    bytes or Passed
        Absolute paths, as the system has them: of a folder first its files, then what is in its folders, both by name.
        A file is given whatever its name is, for DICOM files often have none to tell them by.

    Notes
    -----
    Links in a folder are not followed. What they lead to within the folder is met where it is, so that everything
    comes once and nothing goes in circles; what they lead to outside was not asked for. Paths that are given may be
    links. A folder that was walked already, as part of another one that was given, is not walked again.

    A DICOMDIR within a folder is passed by, since the walk sees the files themselves. One that is given stands for the
    files that it names (`metalith.dicomdir`).

    Examples
    --------
    >>> from pydicom.data.data_manager import DATA_ROOT
    >>> entries = list(walk(f"{DATA_ROOT}/test_files/dicomdirtests"))
    >>> len([entry for entry in entries if isinstance(entry, bytes)])
    89
    """
    if isinstance(paths, (str, bytes, os.PathLike)):
        paths = (paths,)
    walked: set[bytes] = set()
    for given in paths:
        path = os.path.abspath(os.fsencode(given))
        try:
            mode = os.stat(path).st_mode
        except ValueError:  # there is a zero in it
            yield _failure(path, OSError(errno.EINVAL, os.strerror(errno.EINVAL), os.fsdecode(path)))
        except OSError as error:
            yield _failure(path, error)
        else:
            if stat.S_ISDIR(mode):
                yield from _folder(path, walked)
            elif os.path.basename(path)[:8].upper() == b"DICOMDIR":
                yield from _index(path, limits or current())
            else:
                yield path


def _folder(path: bytes, walked: set[bytes]) -> Iterator[bytes | Passed]:
    root = os.path.realpath(path)
    if any(parent in walked for parent in _with_parents(root)):
        return
    stack = [path]
    while stack:
        folder = stack.pop()
        real = root + folder[len(path) :]  # no link leads here
        if real in walked:
            continue
        prefix = folder.rstrip(_SEPARATOR) + _SEPARATOR
        files, folders, others, failure = _list(folder)
        for name, what in others:
            if what == "special" or not _leads_inside(prefix + name, root):
                yield Passed(prefix + name, what)
        for name in files:
            # the first letters decide nearly always, and cost less
            if name[:8].upper() == b"DICOMDIR" and _is_index(name):
                yield Passed(prefix + name, "index")
            else:
                yield prefix + name
        stack += [prefix + name for name in reversed(folders)]
        if failure:
            yield _failure(folder, failure)
    walked.add(root)


def _list(
    folder: bytes,
) -> tuple[list[bytes], list[bytes], list[tuple[bytes, Literal["link", "special"]]], OSError | None]:
    """Files, folders and what else there is in a folder, by name; and what kept it from being listed to the end."""
    files: list[bytes] = []
    folders: list[bytes] = []
    others: list[tuple[bytes, Literal["link", "special"]]] = []
    failure = None
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    files.append(entry.name)
                elif entry.is_symlink() or _is_junction(entry):
                    others.append((entry.name, "link"))
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                else:
                    others.append((entry.name, "special"))
    except OSError as error:
        failure = error
    files.sort()
    folders.sort()
    others.sort()
    return files, folders, others, failure


def _is_junction(entry: os.DirEntry[bytes]) -> bool:
    """What Windows has instead of links to folders; Python 3.12 and newer can tell."""
    return os.name == "nt" and bool(getattr(entry, "is_junction", bool)())


def _leads_inside(link: bytes, root: bytes) -> bool:
    try:
        return is_within(os.path.realpath(link, strict=True), root)
    except OSError:  # nowhere, or in circles
        return False


def _with_parents(path: bytes) -> Iterator[bytes]:
    yield path
    while (parent := os.path.dirname(path)) != path:
        yield parent
        path = parent


def _is_index(name: bytes) -> bool:
    return _INDEX_NAME.fullmatch(name) is not None


def _index(path: bytes, limits: Limits) -> Iterator[bytes | Passed]:
    """What a DICOMDIR names; itself when it is none."""
    from metalith.part10 import read

    try:
        index = read(os.fsdecode(path), specific_tags=["DirectoryRecordSequence"], **dataclasses.asdict(limits))
    except (OSError, MetalithError) as error:
        yield _failure(path, error)
        return
    if "DirectoryRecordSequence" not in index:
        yield path
        return
    yield Passed(path, "index")
    for found in referenced_files(index, os.path.dirname(path)):
        if isinstance(found, bytes):
            yield found
        else:
            missing = getattr(found, "filename", None)
            yield _failure(path if missing is None else os.fsencode(missing), found)


def _failure(path: bytes, error: Exception) -> Passed:
    return Passed(path, "failure", error.with_traceback(None))
