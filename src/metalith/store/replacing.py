"""A file that takes the place of another whole, or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

__all__ = ["replacing"]

_BUFFER = 1 << 20


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file to be written in the block, at whose end it is on the disk and has taken its place.

    Until then it is `.metalith-….tmp` in the same folder. When the block raises, or anything after it, that is removed
    and what stood at the path stands there as before; after a crash of the machine, too, but then it may be left over.
    Of a symbolic link the file that it points to is replaced. The new file has the permissions of the one that it
    replaces, or else those that new files get.
    """
    target = os.path.realpath(os.fsdecode(path))
    mode = _mode_of(target)
    folder = os.path.dirname(target)
    temporary = os.path.join(folder, f".metalith-{secrets.token_hex(8)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(temporary, flags, 0o666 if mode is None else mode)
    except OSError as error:  # of the file that was asked for: nobody knows the other one
        raise type(error)(error.errno, error.strerror, os.fsdecode(path)) from None
    try:
        with open(descriptor, "wb", buffering=_BUFFER) as file:
            if mode is not None:
                os.chmod(temporary, mode)  # bits that the umask took away
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _mode_of(path: str) -> int | None:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file", path)
    return mode & 0o777


def _sync_folder(folder: str) -> None:
    """That the file has taken the place of another is on the disk, too, where folders can be synchronized."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
