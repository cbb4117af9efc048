"""Frames of an instance, as they are stored or as they are asked for (PS3.18 section 10.4.1.1.6)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from operator import index
from typing import TYPE_CHECKING, Any, SupportsIndex

from metalith.errors import DataSourceError
from metalith.frames import FrameError
from metalith.sources._cancel import Cancel
from metalith.sources.dicomweb.accept import accept_types, generate_accept_header
from metalith.sources.dicomweb.addresses import has_part, resource_url, uids_of
from metalith.sources.dicomweb.parts import MultipartError, Part, media_type_of, split, unwrapped

if TYPE_CHECKING:
    from metalith.sources.dicomweb.options import DicomWebOptions
    from metalith.sources.http import Response, Transport

__all__ = ["accept_of_frames", "frames_url", "retrieve_frames"]

_LONGEST_LIST = 2000  # characters of numbers in one URL: servers take some thousand for all of it
_MOST = 2**31 - 1


def retrieve_frames(
    transport: Transport,
    options: DicomWebOptions,
    instance: Any,
    frames: SupportsIndex | Iterable[SupportsIndex] = (1,),
    *,
    media_types: Iterable[str] | None = None,
    cancel: Cancel | None = None,
) -> list[bytes]:
    """The bytes of frames.

    Parameters
    ----------
    transport : Transport
    options : DicomWebOptions
    instance : Instance, mapping or tuple of str
        With the three UIDs.
    frames : int or iterable of int, optional
        Numbers, counted from 1; in any order, and one may come twice.
    media_types : iterable of str, optional
        What is wanted instead of what the options say, such as "image/jp2", maybe with parameters
        (`transfer-syntax=…`).
    cancel : Cancel, optional

    Returns
    -------
    list of bytes
        In the order of the numbers.

    Raises
    ------
    FrameError
        The instance has no such frame, as far as it tells.
    ValueError
        A number is below 1.
    DataSourceError
        The server cannot be reached, refuses, or sends other than so many frames.
    Cancelled
    """
    numbers = _numbers(instance, [frames] if hasattr(frames, "__index__") else frames)  # type: ignore[list-item]
    accept = accept_of_frames(options, media_types)
    found: dict[int, bytes] = {}
    for some in _batches(dict.fromkeys(numbers)):
        response = transport.request("GET", frames_url(options, instance, some), accept=accept, cancel=cancel)
        found.update(zip(some, _frames_in(response, len(some)), strict=True))
    return [found[number] for number in numbers]


def frames_url(options: DicomWebOptions, instance: Any, numbers: Iterable[int]) -> str:
    """The URL of frames.

    >>> from metalith.sources.dicomweb import DicomWebOptions
    >>> from metalith.sources.dicomweb.frames import frames_url
    >>> frames_url(DicomWebOptions(wado_root="https://host/d"), ("1", "2", "3"), (4, 5))
    'https://host/d/studies/1/series/2/instances/3/frames/4,5'
    """
    return f"{resource_url(options.wado_root, *uids_of(instance))}/frames/{','.join(map(str, numbers))}"


def accept_of_frames(options: DicomWebOptions, media_types: Iterable[str] | None = None) -> str:
    """The Accept header for frames: of what is asked for, or else of what the options say."""
    omit, bare = options.omit_quotation_for_multipart_request, has_part(options.singlepart, "image")
    if media_types is not None:
        return accept_types(media_types, singlepart=bare, omit_quotation=omit)
    if options.static_wado and not options.accept_header:
        return "*/*"
    members = generate_accept_header(options.accept_header, options.request_transfer_syntax_uid, omit)
    if bare and not options.accept_header:
        members = [_bare(member) for member in members]
    return ", ".join(members)


def _bare(member: str) -> str:
    """What a server of single parts is asked for instead: the type of the part, with the same transfer syntax."""
    return re.sub('^multipart/related; type=|"', "", member)


def _numbers(instance: Any, frames: Iterable[SupportsIndex]) -> list[int]:
    if not isinstance(instance, tuple) and not hasattr(instance, "get"):
        raise TypeError(f"an instance or its three UIDs are expected, not a {type(instance).__name__}")
    told = None if isinstance(instance, tuple) else instance.get("NumberOfFrames")
    numbers = [index(number) for number in frames]
    for number in numbers:
        if isinstance(told, int) and told >= 1 and not 1 <= number <= told:
            raise FrameError(number, told)
        if not 1 <= number <= _MOST:
            raise ValueError(f"frames are counted from 1 to {_MOST:,}")
    return numbers


def _batches(numbers: Iterable[int]) -> Iterator[list[int]]:
    batch: list[int] = []
    length = 0
    for number in numbers:
        length += len(str(number)) + 1
        if batch and length > _LONGEST_LIST:
            yield batch
            batch, length = [], len(str(number)) + 1
        batch.append(number)
    if batch:
        yield batch


def _frames_in(response: Response, count: int) -> list[bytes]:
    content_type = response.headers.get("Content-Type", "")
    kind = media_type_of(content_type)
    if kind in ("text/html", "application/xhtml+xml", "application/json"):
        raise response.error("something else than frames came")
    if not kind.startswith("multipart/"):
        parts = [Part(unwrapped(response.content), {})]
    else:
        try:
            parts = split(response.content, content_type)
        except MultipartError as error:
            raise response.error(str(error)) from None
    if len(parts) != count:
        raise _wrong_count(response, len(parts), count)
    if any(not part.data for part in parts):
        raise response.error("a frame came without anything in it")
    return [part.data for part in parts]


def _wrong_count(response: Response, came: int, asked: int) -> DataSourceError:
    return response.error(f"{came:,} frames came, not the {asked:,} that were asked for")
