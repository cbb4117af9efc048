"""Part-10 files and what is like them, to natural metadata."""

from __future__ import annotations

import array
import mmap
import os
import re
from collections.abc import Iterable
from typing import IO, Literal, cast

from metalith import _core
from metalith._core import Framing, Header, HeaderReader, Instance
from metalith.errors import ParseError, TruncatedError
from metalith.limits import with_overrides

__all__ = ["BULK_ABOVE", "FileSource", "header_bytes", "read", "tag_of", "tags_of"]

FileSource = str | os.PathLike[str] | bytes | bytearray | memoryview | mmap.mmap | IO[bytes]
Tag = int | str | tuple[int, int]

BULK_ABOVE = 1024
_PIECE = 65536  # of a file object, to begin with


def read(
    file: FileSource,
    *,
    until: Tag | None = None,
    specific_tags: Iterable[Tag] | None = None,
    bulk_above: int = BULK_ABOVE,
    on_error: Literal["raise", "partial"] = "raise",
    strict: bool = False,
    source: str | None = None,
    **limits: int,
) -> Instance:
    """The header of a DICOM file, in natural form. Stops before the pixel data, which becomes a `BulkData`.

    Parameters
    ----------
    file
        A path (str or `pathlib.Path`), the bytes of a file, or a file open for reading, which is read from where it
        stands. Files without preamble or without file meta information are read as well; the encoding is taken from
        the data set where the transfer syntax contradicts it.
    until : int or str, optional
        Tag or keyword of the first attribute that is not read any more.
    specific_tags : iterable of int or str, optional
        Tags or keywords of the attributes to keep; of sequences, with all they hold.
    bulk_above : int, optional
        Binary values (OB, OD, OF, OL, OV, OW, UN) of more bytes than this become `BulkData` and are read on request.
    on_error : {"raise", "partial"}, optional
        "partial" gives, of a damaged or truncated file, the attributes before the damage, which is then listed.
    strict : bool, optional
        Raise for what would otherwise be listed as a problem.
    source : str, optional
        Name of the input, for error messages; a path names itself.
    **limits
        Bounds, see `metalith.Limits`: max_bytes (of the header), max_sequence_depth, max_keys, max_problems,
        max_inflation.

    Returns
    -------
    Instance
        Also has `path` and `file_meta`, with TransferSyntaxUID.

    Raises
    ------
    NotDicomError
        It is no DICOM file.
    TruncatedError
        It ends inside the header; tells how many bytes are missing at least.
    ParseError
        It is damaged, or beyond a limit. Tells the byte.
    OSError
        The system cannot read it.

    Notes
    -----
    PS3.10 section 7, PS3.5 section 7. The whole header is checked before this returns: nothing can fail later.

    Examples
    --------
    >>> from pydicom.data import get_testdata_file
    >>> instance = metalith.read(get_testdata_file("CT_small.dcm"))
    >>> instance.Modality, instance.PixelSpacing, instance.PixelData
    ('CT', (0.661468, 0.661468), <BulkData OW, 32,768 bytes>)
    """
    bounds = with_overrides(limits)
    framing = Framing(bounds, 0 if until is None else tag_of(until), on_error_partial(on_error))
    reader = HeaderReader(bounds, strict, bulk_above, None if specific_tags is None else tags_of(specific_tags))
    name = source if source is not None or not isinstance(file, (str, os.PathLike)) else os.fspath(file)
    reader.add(_header(framing, file, name, bounds.max_bytes), name)
    return reader.finish()[0]


def header_bytes(
    prefix: bytes | bytearray | memoryview, *, size: int | None = None, until: Tag | None = None, **limits: int
) -> int:
    """How many bytes, from its beginning, the header of an object takes, of which only a first part is at hand.

    For object stores and ranged requests: fetch some bytes, ask, fetch as many more as `TruncatedError.missing` tells,
    ask again; then `metalith.read` takes them.

    Parameters
    ----------
    prefix : bytes-like
        The first part of the object.
    size : int, optional
        Of the whole object, where that is known: without pixel data, its end is the header's.
    until : int or str, optional
        As for `read`.
    **limits
        As for `read`.

    Returns
    -------
    int
        Through to where the value of the pixel data begins, or the object's end.

    Raises
    ------
    TruncatedError
        The header goes on; tells how many more bytes are needed at least.
    ParseError
        As for `read`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from pydicom.data import get_testdata_file
    >>> body = Path(get_testdata_file("CT_small.dcm")).read_bytes()
    >>> metalith.header_bytes(body[:8192])
    6300
    """
    bounds = with_overrides(limits)
    framing = Framing(bounds, 0 if until is None else tag_of(until), False)
    return framing.frame(prefix, -1 if size is None else size).length


def tag_of(tag: Tag) -> int:
    """The tag number of a keyword, of eight hex digits, of group and element, or itself."""
    if isinstance(tag, str):
        described = _core.describe_keyword(tag)
        if described is not None:
            return described[0]
        digits = tag.removeprefix("0x")
        number = int(digits, 16) if re.fullmatch("[0-9A-Fa-f]{8}", digits) else -1
    elif isinstance(tag, tuple):
        number = tag[0] << 16 | tag[1] if len(tag) == 2 and min(tag) >= 0 and max(tag) < 1 << 16 else -1
    else:
        number = int(tag)
    if not 0 <= number < 1 << 32:
        raise ValueError("a tag is a keyword of PS3.6, eight hex digits, (group, element), or a number below 2**32")
    return number


def tags_of(tags: Iterable[Tag]) -> array.array[int]:
    """Tag numbers, ascending, as csrc wants them."""
    code = "I" if array.array("I").itemsize == 4 else "L"
    return array.array(code, sorted({tag_of(tag) for tag in tags}))


def on_error_partial(on_error: str) -> bool:
    """What `on_error` says."""
    if on_error not in ("raise", "partial"):
        raise ValueError(f"on_error is 'raise' or 'partial', not {on_error!r}")
    return on_error == "partial"


def _header(framing: Framing, file: FileSource, source: str | None, most: int) -> Header:
    if isinstance(file, (str, os.PathLike)):
        return read_path(framing, os.fspath(file), source)
    if hasattr(file, "read") and not isinstance(file, mmap.mmap):
        return _read_file(framing, cast(IO[bytes], file), source, most)
    try:
        view = memoryview(file)
    except TypeError:
        raise TypeError(f"a path, bytes or a file open for reading is expected, not a {type(file).__name__}") from None
    return framing.frame(view.cast("B"), None, source=source)


def read_path(framing: Framing, path: str, source: str | None) -> Header:
    """The header of the file at a path."""
    return framing.read(os.fsencode(os.path.abspath(path)), source)


def _position(file: IO[bytes]) -> int:
    """Where a file object stands, so that what is read from it later is found."""
    try:
        return file.tell()
    except (AttributeError, OSError, ValueError):
        return 0


def _read_file(framing: Framing, file: IO[bytes], source: str | None, most: int) -> Header:
    data, ended = b"", False
    wanted = _PIECE
    base = _position(file)
    while True:
        while len(data) < wanted and not ended:
            piece = file.read(wanted - len(data))
            if isinstance(piece, str):
                raise TypeError("a DICOM file has to be open in binary mode")
            data += piece
            ended = not piece
        try:
            header = framing.frame(data, None if ended else -1, source=source)
            header.base = base
            return header
        except TruncatedError as error:
            if ended:
                raise
            if error.needed > most:  # which may be a length that the file only claims: nothing is read for it
                reason = f"beyond the limit max_bytes={most:,}"
                raise ParseError(reason, offset=error.offset, row=None, source=source) from None
            wanted = min(max(error.needed, 2 * len(data)), most)
