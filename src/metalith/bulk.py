"""Values that stand elsewhere, and how those that stand in a file are read.

The URI of a value that the Part-10 reader left where it was says where that is:

    file:///percent/encoded/path?offset=132&length=524288&size=526336&mtime=1700000000123456789
    ?offset=132&length=524288

The second form belongs to bytes that the caller has. `length` is absent where pixel data are encapsulated: `offset` is
that of the first item then, and the sequence delimitation item ends them. `order=big` says that the values are big
endian. `deflated=N` says that everything from byte N on is raw deflate data (RFC 1951) and that `offset` and `length`
count in the file with the inflated bytes in their place. `size` and `mtime` (nanoseconds) are those of the file as its
header was read.

Anybody can send such a URI in DICOM JSON. So a file is opened only for a value that says `local`, which no parser of
DICOM JSON sets.
"""

from __future__ import annotations

import io
import mmap
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Literal, NamedTuple, cast

from metalith.errors import BulkDataError
from metalith.limits import current

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["BulkData"]

# Other bytes-like objects will do, too.
BulkSource = bytes | bytearray | memoryview | mmap.mmap | str | os.PathLike[str] | IO[bytes]

_DTYPES = {
    **dict.fromkeys(("OB", "UN"), "u1"),
    **dict.fromkeys(("OW", "US"), "u2"),
    **dict.fromkeys(("OL", "UL"), "u4"),
    **dict.fromkeys(("OV", "UV"), "u8"),
    **dict.fromkeys(("OF", "FL"), "f4"),
    **dict.fromkeys(("OD", "FD"), "f8"),
    "SS": "i2",
    "SL": "i4",
    "SV": "i8",
}


@dataclass(frozen=True, slots=True)
class BulkData:
    """A value that stands elsewhere (PS3.18 F.2.6).

    Attributes
    ----------
    uri : str
        BulkDataURI as sent; it may be relative to the request. For a value that was left in a file, where it stands
        there.
    vr : str
        VR of the value.
    local : bool
        Metalith read the file itself, so `read` may open it. False for everything that was sent; takes no part in
        comparisons.

    Examples
    --------
    >>> bulk = BulkData("?offset=4&length=8", "UL")
    >>> bulk, bulk.offset, bulk.length
    (<BulkData UL, 8 bytes>, 4, 8)
    >>> bulk.read(b"....12345678")
    b'12345678'
    """

    uri: str
    vr: str
    local: bool = field(default=False, compare=False, repr=False)

    @property
    def offset(self) -> int | None:
        """Byte of the file or of the bytes at which the value begins; None where the URI does not tell."""
        place = _place(self.uri)
        return place.offset if place else None

    @property
    def length(self) -> int | None:
        """How many bytes the value has; None where the URI does not tell, as for encapsulated pixel data."""
        place = _place(self.uri)
        return place.length if place else None

    @property
    def path(self) -> str | None:
        """The file that the value stands in; None for what Metalith did not read from a file itself."""
        place = _place(self.uri) if self.local else None
        return _path(place.path) if place and place.path else None

    def read(self, source: BulkSource | None = None) -> bytes:
        """The bytes of the value, as they stand in the file.

        Parameters
        ----------
        source : bytes-like, path or binary file, optional
            What to read from instead of the file at `path`: the bytes that were parsed where it was bytes, the file
            where it is now. It is trusted to be what the header was read from. A file must be able to seek; its
            position stays as it was.

        Returns
        -------
        bytes
            Of encapsulated pixel data all items, headers included, without the sequence delimitation item: what
            pydicom calls PixelData.

        Raises
        ------
        BulkDataError
            The value is not in a file that Metalith read itself and no source is given; the file is missing, was
            changed since, or is damaged; or what it inflates to goes beyond `Limits.max_bytes`.

        Examples
        --------
        >>> BulkData("?offset=2&length=3", "OB").read(b"..abc..")
        b'abc'
        """
        return _value(self._known_place(), self.local, source)

    def numpy(self, source: BulkSource | None = None) -> npt.NDArray[Any]:
        """The values as array.

        Parameters
        ----------
        source : bytes-like, path or binary file, optional
            As for `read`.

        Returns
        -------
        numpy.ndarray
            One axis, of the type that the VR says, in the byte order of this machine, not writable: `copy` it to
            change it. OB and UN give uint8.

        Raises
        ------
        BulkDataError
            As for `read`, and for a VR that is not of numbers and for encapsulated pixel data.

        Examples
        --------
        >>> BulkData("?offset=2&length=4&order=big", "US").numpy(bytes([9, 9, 0, 1, 1, 0])).tolist()
        [1, 256]
        """
        place, dtype = self._known_place(), _DTYPES.get(self.vr)
        if dtype is None:
            raise BulkDataError("a value of this VR is no array of numbers: read() gives its bytes")
        if place.length is None:
            raise BulkDataError("the pixel data are encapsulated: read() gives the items, which have to be decoded")
        import numpy as np

        data = _value(place, self.local, source)
        sent = np.dtype(dtype).newbyteorder("<" if place.order == "little" else ">")
        if len(data) % sent.itemsize:
            raise BulkDataError(f"{len(data):,} bytes are no whole number of values of {sent.itemsize} bytes")
        array = np.frombuffer(data, sent).astype(sent.newbyteorder("="), copy=False)
        array.flags.writeable = False
        return array

    def _known_place(self) -> _Place:
        place = _place(self.uri)
        if place is None:
            raise BulkDataError(_REMOTE)
        return place

    def __repr__(self) -> str:
        # a URI may carry a token
        length = self.length
        return f"<BulkData {self.vr}>" if length is None else f"<BulkData {self.vr}, {length:,} bytes>"


_REMOTE = "the value is not in a file that Metalith read: fetch it through the data source"
_MALFORMED = "the encapsulated pixel data are damaged"


class _Place(NamedTuple):
    """What a URI says. `path` is still percent-encoded, and None for a bytes source."""

    path: str | None
    offset: int
    length: int | None
    size: int | None
    mtime: int | None
    order: Literal["little", "big"]
    deflated: int | None


# The path in ASCII, without a NUL. No number needs more than 64 bits.
_URI = re.compile(r"(?:file://(/(?:[!-\x22$&->@-~]|%(?!00)[0-9A-Fa-f]{2})*))?\?([a-z0-9=&-]+)")
_PARAMETER = re.compile(r"(offset|length|size|deflated)=([0-9]{1,19})|(mtime)=(-?[0-9]{1,19})|(order)=(big)")


def _place(uri: str) -> _Place | None:
    """The place that a URI of the grammar above names; None for every other URI."""
    match = _URI.fullmatch(uri)
    if not match:
        return None
    path, query = match.groups()
    given: dict[str, str] = {}
    for text in query.split("&"):
        parameter = _PARAMETER.fullmatch(text)
        if not parameter:
            return None
        name, value = filter(None, parameter.groups())
        if name in given:
            return None
        given[name] = value
    if "offset" not in given or any((name in given) != (path is not None) for name in ("size", "mtime")):
        return None
    number = {name: int(value) for name, value in given.items() if name != "order"}
    return _Place(
        path,
        number["offset"],
        number.get("length"),
        number.get("size"),
        number.get("mtime"),
        "big" if "order" in given else "little",
        number.get("deflated"),
    )


def _path(encoded: str) -> str:
    from urllib.parse import unquote_to_bytes

    path = os.fsdecode(unquote_to_bytes(encoded))
    return path[1:] if sys.platform == "win32" and path[2:3] == ":" else path


# Sources: `size` bytes, any of which can be had.


class _Bytes:
    def __init__(self, view: memoryview) -> None:
        self._view, self.size = view, len(view)

    def at(self, offset: int, length: int) -> bytes:
        _check(offset + length, self.size)
        return bytes(self._view[offset : offset + length])


class _File:
    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.size = file, file.seek(0, os.SEEK_END)

    def at(self, offset: int, length: int) -> bytes:
        _check(offset + length, self.size)
        self._file.seek(offset)
        data = self._file.read(length)
        if len(data) == length:
            return data
        pieces = [data]  # an unbuffered file may give less than there is
        missing = length - len(data)
        while missing:
            data = self._file.read(missing)
            if not data:
                raise BulkDataError("the file was cut short while it was read")
            pieces.append(data)
            missing -= len(data)
        return b"".join(pieces)


def _check(end: int, size: int) -> None:
    if end > size:
        raise BulkDataError(f"fewer bytes than announced: there are {size:,}, the value goes to byte {end:,}")


@contextmanager
def _opened(place: _Place, local: bool, source: BulkSource | None) -> Iterator[_Bytes | _File]:
    if source is None:
        if place.path is None:
            raise BulkDataError("the value stands in bytes that Metalith did not keep: give them as source")
        if not local:
            raise BulkDataError(_REMOTE)
        with open(_path(place.path), "rb") as file:
            status = os.fstat(file.fileno())
            if (status.st_size, status.st_mtime_ns) != (place.size, place.mtime):
                raise BulkDataError("the file was changed since its header was read: read it again")
            yield _File(file)
    elif isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            yield _File(file)
    elif (view := _view(source)) is not None:
        with view:
            yield _Bytes(view)
    else:
        given = cast("IO[bytes]", source)
        before = given.tell()
        try:
            yield _File(given)
        finally:
            given.seek(before)


def _view(source: Any) -> memoryview | None:
    """The bytes of a bytes-like object, not copied; None for a binary file."""
    try:
        view = memoryview(source)
    except TypeError:
        if hasattr(source, "seek") and not isinstance(source, io.TextIOBase):
            return None
        raise TypeError(
            f"cannot read bulk data from a {type(source).__name__}: bytes, a path or a binary file is expected"
        ) from None
    try:
        return view.cast("B")
    except (TypeError, ValueError):
        raise TypeError("cannot read bulk data from a buffer that is not contiguous") from None


def _value(place: _Place, local: bool, source: BulkSource | None) -> bytes:
    try:
        with _opened(place, local, source) as opened:
            return _read(place, opened)
    except OSError as error:
        # a file may be named after a patient: the system's text names it, so it is not passed on
        what = f"the file cannot be read: {error.strerror or type(error).__name__}"
        hint = "" if source is not None else "; if it was moved, give its new path as source"
        raise BulkDataError(what + hint) from None


def _read(place: _Place, source: _Bytes | _File) -> bytes:
    offset, length = place.offset, place.length
    if place.deflated is not None and (length is None or offset + length > place.deflated):
        inflated = _inflated(source, place.deflated, offset - place.deflated, length)
        if length is not None:
            return inflated
        source, offset = _Bytes(memoryview(inflated)), 0
    return source.at(offset, _items_length(source, offset, place.order) if length is None else length)


def _items_length(source: _Bytes | _File, offset: int, order: Literal["little", "big"]) -> int:
    """Length of the items from here to the sequence delimitation item (PS3.5 A.4)."""
    at = offset
    while True:
        header = source.at(at, 8)
        group, element = int.from_bytes(header[:2], order), int.from_bytes(header[2:4], order)
        if (group, element) == (0xFFFE, 0xE0DD):
            return at - offset
        if (group, element) != (0xFFFE, 0xE000):
            raise BulkDataError(f"{_MALFORMED}: no item {at - offset:,} bytes from their beginning")
        length = int.from_bytes(header[4:], order)
        if length == 0xFFFFFFFF or length > source.size - at - 8:
            raise BulkDataError(f"{_MALFORMED}: an item is longer than what is left, or has no length")
        at += 8 + length


_PIECE = 1 << 18


def _inflated(source: _Bytes | _File, start: int, first: int, length: int | None) -> bytes:
    """Some of what the data from `start` on inflate to: `length` bytes from `first` on, or all of them."""
    most = current().max_bytes
    if first < 0:
        raise BulkDataError("the value begins before the deflated data and ends in them")
    if length is not None and first + length > most:
        raise BulkDataError(f"the inflated data go beyond the limit max_bytes={most:,}")
    last = most if length is None else first + length
    kept = bytearray()
    passed = 0
    for piece in _inflate(source, start):
        begin = max(first - passed, 0)
        kept += piece[begin : max(last - passed, begin)]
        passed += len(piece)
        if passed > most and length is None:
            raise BulkDataError(f"the inflated data go beyond the limit max_bytes={most:,}")
        if passed >= last and length is not None:
            break
    if length is not None:
        _check(start + last, start + passed)
    return bytes(kept)


def _inflate(source: _Bytes | _File, at: int) -> Iterator[bytes]:
    """What the data from a byte on inflate to, in pieces of bounded size; ends where they end, even if too early."""
    import zlib

    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    while not engine.eof:
        sent = engine.unconsumed_tail
        if not sent:
            sent = source.at(at, max(min(_PIECE, source.size - at), 0))
            at += len(sent)
        try:
            made = engine.decompress(sent, _PIECE)
        except zlib.error:
            raise BulkDataError("the deflated data are damaged") from None
        if not made and not sent:
            return
        yield made
