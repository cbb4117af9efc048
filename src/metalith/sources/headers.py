"""Headers of files on servers: as few of a file's bytes as its header takes, in as few requests.

A server is asked for a first part of the file, and for more only when the header goes on. One that gives nothing but
whole files is read as far as the header goes, and then given up. What servers say of parts is believed only where it
fits what was asked for; otherwise the whole file is asked for, and read in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple, NoReturn
from urllib.parse import urljoin

from metalith._core import Instance
from metalith.errors import DataSourceError, ParseError
from metalith.limits import current
from metalith.part10 import read
from metalith.sources._cancel import Cancel
from metalith.sources.http import Response, Transport
from metalith.sources.http.origins import prepared_url

__all__ = ["ChangedFile", "RemoteFile", "fetch_header"]

ACCEPT = "application/dicom, application/octet-stream;q=0.9, */*;q=0.1"
MAX_REDIRECTS = 10
KEPT = 1 << 18  # bytes of a value that stays in the header: look-up tables cannot be read again, as those of files can

_STEP = 1 << 16  # bytes of an answer that are lost at most when it is cut off
_UNBOUNDED = 1 << 62  # an answer may be of any size: no more of it is read than the header takes
_CHANGES = 3  # of a file while it is read, after which it is given up
_REDIRECTS = (301, 302, 303, 307, 308)


def fetch_header(
    transport: Transport,
    url: str,
    *,
    allowed: Callable[[str], bool] | None = None,
    cancel: Cancel | None = None,
    max_bytes: int | None = None,
    retries: int = 4,
) -> Instance:
    """The header of the file at a URL, in natural form. What it has is at hand, but for the largest values and pixels.

    Parameters
    ----------
    transport : Transport
    url : str
    allowed : callable(url), optional
        Whether a redirect to a URL is followed; by default all are, as the transport does it.
    cancel : Cancel, optional
    max_bytes : int, optional
        Of the header; by default `metalith.Limits.max_bytes`.
    retries : int, optional
        How often it is gone on after an answer was cut off.

    Returns
    -------
    Instance

    Raises
    ------
    DataSourceError
        The server cannot be reached, refuses, or changes the file again and again; or it redirects to where it may not.
    ParseError
        The file is no DICOM file, is damaged, or its header is beyond a limit.
    Cancelled
    """
    most = current().max_bytes if max_bytes is None else max_bytes
    file = RemoteFile(transport, url, allowed=allowed, cancel=cancel, max_bytes=most, retries=retries)
    try:
        while True:
            try:
                return read(file, source=file.name, bulk_above=KEPT, max_bytes=most)  # type: ignore[arg-type]
            except ChangedFile:
                pass  # it begins anew, with the answer that told so
    finally:
        file.close()


class ChangedFile(Exception):
    """What was read so far is worth nothing: the file stands at its beginning again."""


class RemoteFile:
    """A file on a server, read from its beginning on, no further than it is asked for.

    Parameters
    ----------
    transport, url, allowed, cancel, max_bytes, retries
        As for `fetch_header`.

    Attributes
    ----------
    name : str
        The URL without what may be secret, for errors.
    """

    def __init__(
        self,
        transport: Transport,
        url: str,
        *,
        allowed: Callable[[str], bool] | None = None,
        cancel: Cancel | None = None,
        max_bytes: int,
        retries: int = 4,
    ) -> None:
        self._max_bytes = max_bytes
        self._transport, self._url, self._allowed, self._cancel = transport, url, allowed, cancel
        self._left, self._changes = retries, 0
        self.name = DataSourceError("", url=url).url
        self._parts = True  # whether parts are asked for
        self._at = 0
        self._size: int | None = None
        self._version = _Version(None, None)
        self._answer: Response | None = None
        self._end: int | None = None  # of the part that is being answered; None of the whole file

    def read(self, size: int) -> bytes:
        """The next bytes of the file; fewer only at its end, and none after it.

        Raises
        ------
        ChangedFile
            The file is to be read again from its beginning.
        ParseError
            So much that a header within the limit cannot need it.
        DataSourceError, Cancelled
        """
        # a reader asks for twice what it has, or for what a length in the file says, which may be any
        if self._at + size > 2 * self._max_bytes + _STEP:
            reason = f"beyond the limit max_bytes={self._max_bytes:,}"
            raise ParseError(reason, offset=self._at, row=None, source=self.name)
        pieces: list[bytes] = []
        missing = size
        while missing > 0 and (self._answer is not None or self._open(missing)):
            data = self._next(missing)
            pieces.append(data)
            missing -= len(data)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Gives up what is not read."""
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.close()

    def _next(self, missing: int) -> bytes:
        """Some bytes of the answer; at its end, or where it is cut off, it is closed."""
        answer = self._answer
        assert answer is not None
        wanted = min(missing, _STEP if self._end is None else min(_STEP, self._end - self._at))
        try:
            data = answer.raw.read(wanted)
        except DataSourceError as error:
            if not answer.raw.may_pass:
                raise
            self._try_again(error)
            return b""
        self._at += len(data)
        if self._at == self._end:
            self._finish(answer)
        elif len(data) < wanted and self._end is None:
            self._size = self._at
            self.close()
        elif len(data) < wanted:
            self._try_again(self._error("the answer ended before it was whole", 206))
        return data

    def _finish(self, answer: Response) -> None:
        """The part has been read; its connection is kept only if it ends there, too."""
        with suppress(DataSourceError):  # nobody wants more of it
            answer.raw.read(1)
        self.close()

    def _try_again(self, error: DataSourceError) -> None:
        self.close()
        if not self._left:
            raise error from None
        self._left -= 1

    # ---- requests ----

    def _open(self, missing: int) -> bool:
        """Asks for what comes next, so many bytes of it. Whether there is any."""
        if self._at == self._size:
            return False
        answer = self._request(self._range(missing) if self._parts else {})
        told = _Content.of(answer.headers)
        if answer.status_code == 200:
            self._begin(answer)
            return True
        if answer.status_code == 416:
            answer.raw.discard()
            if told is not None and told.size == self._at:
                self._size = self._at
                return False
        elif told is not None and told.is_from(self._at, answer.headers):
            self._go_on(answer, told)
            return True
        else:
            answer.close()
        # it gives no parts, or does that in a way of its own
        self._parts = False
        return self._open(missing)

    def _range(self, missing: int) -> dict[str, str]:
        """Header fields that ask for a part: of the file as it was, where the server can tell."""
        end = self._at + missing if self._size is None else min(self._at + missing, self._size)
        fields = {"Range": f"bytes={self._at}-{end - 1}"}
        if self._at and self._version.is_strong:
            fields["If-Range"] = self._version.tag or ""
        return fields

    def _begin(self, answer: Response) -> None:
        """Reads the whole file from an answer; what was read of it before is of no use."""
        version, before, at = _Version.of(answer.headers), self._version, self._at
        self._answer, self._end, self._version = answer, None, version
        if at:
            self._begin_anew(changed=not version.fits(before))

    def _go_on(self, answer: Response, told: _Content) -> None:
        """Reads a part from an answer."""
        version = _Version.of(answer.headers)
        if self._at and not (version.fits(self._version) and (told.size is None or self._size in (None, told.size))):
            answer.close()
            self._begin_anew(changed=True)
        self._answer, self._end = answer, told.end
        self._size = told.size if self._size is None else self._size
        self._version = self._version if self._at else version

    def _begin_anew(self, *, changed: bool) -> NoReturn:
        self._at, self._size = 0, None
        self._changes += changed
        if self._changes > _CHANGES:
            raise self._error("the file is changed again and again while it is read")
        raise ChangedFile

    def _request(self, fields: Mapping[str, str]) -> Response:
        """The answer, behind all redirects."""
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._send(fields)
            if answer.status_code not in _REDIRECTS:
                return answer
            answer.raw.discard()
            self._url = self._target(answer)
        raise self._error(f"redirected more than {MAX_REDIRECTS} times")

    def _send(self, fields: Mapping[str, str]) -> Response:
        # parts of what was compressed would be of no use
        headers = {"Accept": ACCEPT, "Accept-Encoding": "identity", **fields}
        expected = (200, 206, 416) if self._parts else (200,)
        call = self._transport._call("GET", self._url, None, headers, self._cancel, _UNBOUNDED, expected)
        if self._allowed is not None:
            call.redirects, call.expected = False, (*expected, *_REDIRECTS)
        return self._transport._engine.perform(call, _as_it_is, stream=True)

    def _target(self, answer: Response) -> str:
        """Where a redirect leads, if it may."""
        try:
            location = (answer.location or "").encode("latin-1").decode()
            target = prepared_url(urljoin(answer.url, location)) if location else ""
        except (DataSourceError, ValueError):
            target = ""
        if not target:
            raise answer.error("redirected to what is no http or https URL") from None
        if answer.url.lower().startswith("https:") and not target.startswith("https:"):
            raise answer.error("redirected from https to http")
        if self._allowed is not None and not self._allowed(target):
            raise answer.error("redirected to a server that is none of those that were given")
        return target

    def _error(self, reason: str, status: int | None = None) -> DataSourceError:
        return DataSourceError(reason, method="GET", url=self._url, status=status)


def _as_it_is(response: Response) -> Response:
    return response


class _Version(NamedTuple):
    """What tells a file from the one that had its place before (RFC 9110 section 8.8)."""

    tag: str | None
    modified: str | None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> _Version:
        return cls(headers.get("ETag"), headers.get("Last-Modified"))

    @property
    def is_strong(self) -> bool:
        """Whether a server can be asked for parts of this very version."""
        return self.tag is not None and self.tag.startswith('"')

    def fits(self, other: _Version) -> bool:
        """Whether both may be the same, as far as both say something."""
        if self.tag is not None and other.tag is not None:
            return self.tag == other.tag
        return None in (self.modified, other.modified) or self.modified == other.modified


class _Content(NamedTuple):
    """A Content-Range (RFC 9110 section 14.4): first byte, the one behind the last, size of the file.

    >>> _Content.of({"Content-Range": "bytes 0-65535/120000"}), _Content.of({"Content-Range": "bytes */7"})
    (_Content(start=0, end=65536, size=120000), _Content(start=None, end=None, size=7))
    """

    start: int | None
    end: int | None
    size: int | None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> _Content | None:
        match = _CONTENT_RANGE(headers.get("Content-Range", ""))
        if match is None:
            return None
        start, last, size = (None if digits is None else int(digits) for digits in match.groups())
        return cls(start, None if last is None else last + 1, size)

    def is_from(self, at: int, headers: Mapping[str, str]) -> bool:
        """Whether an answer with these headers is a part of the file, from a byte on."""
        if self.end is None or self.start != at or self.end <= at or (self.size is not None and self.end > self.size):
            return False
        length = headers.get("Content-Length", "").strip()
        encoding = headers.get("Content-Encoding", "").strip().lower()
        return encoding in ("", "identity") and length in ("", str(self.end - at))


_CONTENT_RANGE = re.compile(r"\s*bytes\s+(?:([0-9]{1,18})-([0-9]{1,18})|\*)/(?:\*|([0-9]{1,18}))\s*\Z", re.I).match
