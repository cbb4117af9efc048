"""Errors and problems: what went wrong and where, never what the data were.

Messages name byte offsets, rows, tags and limits. They show nothing of the input: no value, no key that is not a tag.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = [
    "BulkDataError",
    "Cancelled",
    "ColumnError",
    "ConfigurationError",
    "DataSourceError",
    "DuplicateInstanceError",
    "EncodeError",
    "ImageIdError",
    "MetadataNotFound",
    "MetalithError",
    "NotDicomError",
    "NotSupportedBySource",
    "ParseError",
    "Problem",
    "StoreError",
    "StoreFileError",
    "TruncatedError",
]


class MetalithError(Exception):
    """Base of all errors that Metalith raises on purpose."""


class ParseError(MetalithError, ValueError):
    """The input is not what it should be.

    Attributes
    ----------
    offset : int
        Byte of the input at which it went wrong.
    row : int
        Instance, counted from 0, that was being read; 0 for a file, which is one.
    path : str
        Attribute that was being read, such as `00081140[0].00081155`; empty outside of any.
    source : str or None
        Where the input came from, if the caller said so.
    reason : str
        What is wrong, without the place.
    """

    def __init__(
        self, reason: str, *, offset: int = 0, row: int | None = 0, path: str = "", source: str | None = None
    ) -> None:
        self.reason, self.offset, self.row, self.path, self.source = reason, offset, row or 0, path, source
        self._whole = row is None
        where = f"byte {offset:,}" + ("" if row is None else f", instance {row}") + (f", {path}" if path else "")
        super().__init__(f"{source + ': ' if source else ''}{reason} (at {where})")

    def __reduce__(self) -> Any:
        row = None if self._whole else self.row
        return _rebuild, (type(self), self.reason, self.offset, row, self.path, self.source), self.__dict__


def _rebuild(kind: Any, reason: str, offset: int, row: int | None, path: str, source: str | None) -> ParseError:
    error: ParseError = kind.__new__(kind)
    ParseError.__init__(error, reason, offset=offset, row=row, path=path, source=source)
    return error


class NotDicomError(ParseError):
    """The bytes are no DICOM file: neither "DICM" in its place nor what could be the beginning of a data set."""


class TruncatedError(ParseError):
    """A file, or the part of it that is at hand, ends inside the header.

    Attributes
    ----------
    needed : int
        Bytes from the beginning of the file that must be at hand at least to get further.
    missing : int
        How many of them are not.
    """

    def __init__(self, *, needed: int, at_hand: int, offset: int, source: str | None = None) -> None:
        self.needed, self.missing = needed, max(needed - at_hand, 1)
        reason = f"the header goes on: {self.missing:,} more bytes are needed at least"
        super().__init__(reason, offset=offset, row=None, source=source)


class ColumnError(MetalithError, ValueError):
    """An attribute makes no array: instances have different numbers of values.

    Attributes
    ----------
    keyword : str
    rows : tuple of int
        Some of the rows that differ from the others (at most ten).
    """

    def __init__(self, message: str, *, keyword: str, rows: tuple[int, ...]) -> None:
        self.keyword, self.rows = keyword, rows
        super().__init__(message)

    def __reduce__(self) -> Any:
        return _rebuild_column, (str(self), self.keyword, self.rows)


def _rebuild_column(message: str, keyword: str, rows: tuple[int, ...]) -> ColumnError:
    return ColumnError(message, keyword=keyword, rows=rows)


class EncodeError(MetalithError, ValueError):
    """A natural value has no form in DICOM JSON; the message names the attribute."""


class ImageIdError(MetalithError, ValueError):
    """A text is no image id, or none can be made of what is given. The message shows nothing of it.

    Attributes
    ----------
    reason : str
        What is wrong, without the place.
    position : int or None
        Character of the text, from 0, at which it went wrong; None where there is no text yet.
    """

    def __init__(self, reason: str, *, position: int | None = None) -> None:
        self.reason, self.position = reason, position
        super().__init__(f"no image id: {reason}" + ("" if position is None else f" (at character {position:,})"))

    def __reduce__(self) -> Any:
        return _rebuild_image_id, (self.reason, self.position)


def _rebuild_image_id(reason: str, position: int | None) -> ImageIdError:
    return ImageIdError(reason, position=position)


class BulkDataError(MetalithError):
    """A value that stands elsewhere cannot be read. The message says why, but names neither the file nor the URI:
    `BulkData.path` and `BulkData.uri` do.
    """


class StoreError(MetalithError, ValueError):
    """A store cannot take what it is given, or do what it is asked for. Nothing has been changed."""


class DuplicateInstanceError(StoreError):
    """An instance is in the store already, and was not to be replaced.

    Attributes
    ----------
    rows : list of int
        Which of the instances that were to be added.
    """

    def __init__(self, message: str, *, rows: list[int]) -> None:
        self.rows = rows
        super().__init__(message)

    def __reduce__(self) -> Any:
        return _rebuild_duplicate, (str(self), self.rows)


def _rebuild_duplicate(message: str, rows: list[int]) -> DuplicateInstanceError:
    return DuplicateInstanceError(message, rows=rows)


class StoreFileError(StoreError):
    """A file is no saved store, or not any more what was saved.

    Attributes
    ----------
    reason : {"not a store", "version", "byte order", "truncated", "damaged"}
        "version" and "byte order": another version of Metalith, or a machine of another kind, has to open it.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        self.reason = reason
        super().__init__(message)

    def __reduce__(self) -> Any:
        return _rebuild_store_file, (str(self), self.reason)


def _rebuild_store_file(message: str, reason: str) -> StoreFileError:
    return StoreFileError(message, reason=reason)


class MetadataNotFound(MetalithError, LookupError):
    """No provider has an answer. The message tells who was asked, and what each lacked.

    Attributes
    ----------
    explanation : metalith.providers.Explanation
        The same as an object.
    """

    def __init__(self, explanation: Any) -> None:
        self.explanation = explanation
        super().__init__(explanation)

    def __str__(self) -> str:
        return str(self.explanation)


class ConfigurationError(MetalithError, ValueError):
    """A setting is unknown or impossible; the message names it."""


class NotSupportedBySource(MetalithError, NotImplementedError):
    """A data source has no such function.

    Attributes
    ----------
    source : str
        Name of the data source.
    function : str
        What was asked for, such as `store.dicom`.
    """

    def __init__(self, source: str, function: str) -> None:
        self.source, self.function = source, function
        super().__init__(f"the data source {source!r} has no {function}")

    def __reduce__(self) -> Any:
        return NotSupportedBySource, (self.source, self.function)


class DataSourceError(MetalithError):
    """A data source could not be reached, refused, or answered what it should not.

    Attributes
    ----------
    reason : str
        What is wrong, without the place.
    method : str or None
        Of the request, such as "GET"; None where it did not come to one.
    url : str or None
        Of the request, without what may carry credentials or patient data: user, password, query and fragment.
    status : int or None
        HTTP's, when there was an answer.
    """

    def __init__(
        self, reason: str, *, method: str | None = None, url: str | None = None, status: int | None = None
    ) -> None:
        self.reason, self.method, self.status = reason, method, status
        self.url = None if url is None else _bare(url)
        where = " ".join(part for part in (method, self.url, "" if status is None else f"→ {status}") if part)
        super().__init__(f"{where}: {reason}" if where else reason)

    def __reduce__(self) -> Any:
        return _rebuild_source_error, (type(self), self.reason, self.method, self.url, self.status)


def _rebuild_source_error(
    kind: Any, reason: str, method: str | None, url: str | None, status: int | None
) -> DataSourceError:
    error: DataSourceError = kind(reason, method=method, url=url, status=status)
    return error


def _bare(url: str) -> str:
    """A URL without user, password, query and fragment."""
    scheme, slashes, rest = url.partition("://")
    rest = rest.partition("#")[0].partition("?")[0]
    host, slash, path = rest.partition("/")
    return f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}" if slashes else url.partition("?")[0]


class Cancelled(MetalithError):
    """What was asked for is not wanted any more: somebody called `cancel`."""


# The texts of csrc/status.h, in its order.
_REASONS = {
    2: "no JSON document: the input is empty",
    3: "the input ends in the middle of a document",
    4: "not JSON",
    5: "not a JSON number",
    6: "a control character inside a string",
    7: "an escape that JSON does not have",
    8: "not UTF-8",
    9: "a dataset must be a JSON object",
    14: "more values, or text kept of unusual elements, than one table holds",
    16: 'no DICOM file: neither "DICM" at byte 128 nor the beginning of a data set',
    18: "a length reaches beyond the sequence, item or element around it",
    19: "an item or the end of its sequence is due",
}
_LIMITS = {
    10: "max_bytes",
    11: "max_sequence_depth",
    12: "max_json_depth",
    13: "max_keys",
}
_PROBLEMS = (
    "further problems, not listed",
    "the key is not a tag of eight hex digits",
    "the attribute comes twice in one dataset; the last one counts",
    "the element is not an object",
    "the element has no vr; taken from the dictionary",
    "the vr is none of PS3.5's; taken from the dictionary",
    "Value is not an array",
    "BulkDataURI or InlineBinary is not a string",
    "more than one of Value, BulkDataURI and InlineBinary",
    "a value is of a JSON type that its VR does not take",
    "text that is not a number; kept as text",
    "a number that is not an integer",
    "an item of the sequence is not an object",
    "InlineBinary is not base64; kept as text",
    "half of a UTF-16 surrogate pair; shown as U+FFFD",
    "NaN or Infinity without quotes",
    "text that its character set does not have; shown as U+FFFD or read as Latin-1",
    "a length that no number of values has; what is left over is dropped",
    "an item is longer than what is left of its sequence; it ends with it",
    "the file ends inside the value",
    "the file is damaged or ends in this attribute; from there on everything is missing",
    "the data set is not in the transfer syntax that the file says",
)


def parse_error(
    code: int, problem: int, offset: int, row: int, path: str, source: str | None, limits: Any
) -> ParseError:
    """The error for what csrc reports (status.h)."""
    if code in _LIMITS:
        name = _LIMITS[code]
        reason = f"beyond the limit {name}={getattr(limits, name):,}"
    else:
        reason = _REASONS.get(code) or _PROBLEMS[problem]
    return ParseError(reason, offset=offset, row=row, path=path, source=source)


def header_error(
    code: int, problem: int, offset: int, needed: int, at_hand: int, source: str | None, limits: Any
) -> ParseError:
    """The same for what csrc reports of a file's header."""
    if code == _CUT:
        return TruncatedError(needed=needed, at_hand=at_hand, offset=offset, source=source)
    error = parse_error(code, problem, offset, 0, "", source, limits)
    kind = NotDicomError if code == _NOT_DICOM else ParseError
    return kind(error.reason, offset=offset, row=None, source=source)


_NOT_DICOM, _CUT = 16, 17


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was accepted though it is not as PS3.18 annex F wants it.

    Attributes
    ----------
    kind : int
        Number of the kind (csrc/status.h); 0 stands for those beyond the limit of the list.
    path : str
        The attribute, such as `00081140[0].00081155`.
    row : int
        Instance it was first seen in, from 0.
    offset : int
        Byte of the input it was first seen at.
    count : int
        How many different values of the attribute have it; for what is wrong with an element and not with its value,
        how often it was read (equal elements of instances in a row are read once).
    """

    kind: int
    path: str
    row: int
    offset: int
    count: int

    @property
    def reason(self) -> str:
        """What is wrong, in words."""
        return _PROBLEMS[self.kind]

    def __str__(self) -> str:
        times = f", {self.count:,} values" if self.count > 1 else ""
        if not self.kind:
            return f"{self.count:,} {self.reason}"
        return f"{self.path}: {self.reason} (first in instance {self.row}, byte {self.offset:,}{times})"
