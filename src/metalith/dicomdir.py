"""DICOMDIR: the index of a disc or folder (PS3.10 section 8, PS3.3 annex F), as the files it names.

What an index says is not trusted. A ReferencedFileID is never made into a path: each of its components is looked up in
the listing of the folder that the components before it led to. So nothing but what is there can be found, in no other
folder than the index's own; what tries to lead elsewhere is told.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator

from metalith._core import Instance, Sequence
from metalith.errors import MetalithError

__all__ = ["UnsafeReferenceError", "is_within", "referenced_files"]

_INACTIVE = 0  # RecordInUseFlag of what was deleted
_SEPARATOR = os.fsencode(os.sep)
_NOT_IN_NAMES = re.compile(r"[/\\:\0]")


class UnsafeReferenceError(MetalithError, ValueError):
    """A DICOMDIR names a file that lies, or may lie, outside of its folder. The file was not touched.

    Attributes
    ----------
    path : str
        The attribute that does, such as `00041220[3].00041500`.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"the file that {path} names is not one in the folder of the DICOMDIR, and was not read")

    def __reduce__(self) -> tuple[type[UnsafeReferenceError], tuple[str]]:
        return type(self), (self.path,)


def referenced_files(index: Instance, folder: str | os.PathLike[str] | bytes) -> Iterator[bytes | Exception]:
    """The files that a DICOMDIR names, each once, in the order of its records.

    Parameters
    ----------
    index : Instance
        What `metalith.read` made of the DICOMDIR.
    folder : str or path-like or bytes
        Where the DICOMDIR lies. Nothing outside of it is given.

    Yields
    ------
    bytes or Exception
        A path as the system has it; `FileNotFoundError` for one that is not there, `UnsafeReferenceError` for one that
        leads out of the folder, `OSError` when a folder cannot be listed.

    Notes
    -----
    Discs are often mounted in lower case, or with the version numbers of ISO 9660 (`IM1.;1`), so a component that is
    not there as it is written is looked for without regard to these. Records that are not in use are left out.

    Examples
    --------
    >>> from pathlib import Path
    >>> from pydicom.data import get_testdata_file
    >>> path = Path(get_testdata_file("DICOMDIR"))
    >>> files = list(referenced_files(metalith.read(path), path.parent))
    >>> len(files)
    31
    """
    tree = _Tree(os.fsencode(folder))
    met: set[bytes] = set()
    records = index.get("DirectoryRecordSequence")
    for i, record in enumerate(records if isinstance(records, Sequence) else ()):
        if record.get("ReferencedFileID") is None or record.get("RecordInUseFlag") == _INACTIVE:
            continue
        try:
            path = tree.find(record.values("ReferencedFileID"), f"00041220[{i}].00041500")
        except (OSError, UnsafeReferenceError) as error:
            yield error.with_traceback(None)
            continue
        if path not in met:
            met.add(path)
            yield path


def is_within(path: bytes, folder: bytes) -> bool:
    """Whether a path, both real, is that of a folder or of something in it."""
    return path == folder or path.startswith(folder.rstrip(_SEPARATOR) + _SEPARATOR)


class _Tree:
    """A folder, of which each part is listed once, when it is first asked for."""

    def __init__(self, root: bytes) -> None:
        self._root = os.path.abspath(root)
        self._real_root = os.path.realpath(root)
        self._listings: dict[bytes, tuple[dict[bytes, bool], dict[bytes, bytes]]] = {}

    def find(self, components: tuple[object, ...], where: str) -> bytes:
        names = [_name(component, where) for component in components]
        path = self._root
        for name in names:
            there, folded = self._listing(path)
            found = name if name in there else folded.get(_fold(name))
            if found is None:
                missing = os.path.join(self._root, *names)
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fsdecode(missing))
            path = os.path.join(path, found)
            if there[found] and not is_within(os.path.realpath(path), self._real_root):
                raise UnsafeReferenceError(where)
        return path

    def _listing(self, folder: bytes) -> tuple[dict[bytes, bool], dict[bytes, bytes]]:
        """What there is in a folder and whether it is a link; and the names by how they look without regard to case."""
        if folder not in self._listings:
            try:
                with os.scandir(folder) as entries:
                    there = {entry.name: entry.is_symlink() for entry in entries}
            except NotADirectoryError:
                there = {}
            self._listings[folder] = there, {_fold(name): name for name in sorted(there, reverse=True)}
        return self._listings[folder]


def _name(component: object, where: str) -> bytes:
    """A component of a ReferencedFileID, as a name in a folder."""
    if not isinstance(component, str) or component in ("", ".", "..") or _NOT_IN_NAMES.search(component):
        raise UnsafeReferenceError(where)
    return os.fsencode(component)


def _fold(name: bytes) -> bytes:
    return name.upper().partition(b";")[0].rstrip(b".")
