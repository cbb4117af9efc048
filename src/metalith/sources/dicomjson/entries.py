"""The instances of a series of a manifest, as a table.

A manifest has an entry for each instance, or one for each frame of an instance: entries with one SOPInstanceUID are one
instance, whose metadata are those of the first of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from metalith._core import Instance, InstanceTable, Scanner
from metalith._image_id_text import locate
from metalith.errors import ImageIdError, ParseError
from metalith.limits import current
from metalith.naturalize import naturalize
from metalith.sources._cancel import Cancel
from metalith.sources.dicomjson.elements import Elements, Wrong, joined, loads
from metalith.sources.dicomjson.images import FrameBase, Images, base_of, highest_frame, images_of
from metalith.sources.dicomjson.manifest import BOOKKEEPING, Manifest, ManifestSeries
from metalith.sources.dicomjson.text import SPACE, members_of, metadata_and_url, name_of

__all__ = ["Loaded", "first_of", "load_series"]

_STUDY, _SERIES, _SOP, _FRAMES = b"0020000D", b"0020000E", b"00080018", b"00280008"
_PIECE = 1 << 18  # bytes that go to the scanner at a time
_UID_HEAD, _UID_TAIL = b'"00080018":{"vr":"UI","Value":["', b'"]}'


@dataclass(eq=False)
class Loaded:
    """A series that was read.

    Attributes
    ----------
    table : InstanceTable
    images : Images
        What the URLs stand for.
    extras : dict
        What instances have that are no attributes, by SOPInstanceUID.
    problems : list of ParseError
        Instances, and attributes of the study and series, that could not be taken.
    """

    table: InstanceTable
    images: Images
    extras: dict[str, dict[str, Any]]
    problems: list[ParseError]


def load_series(
    manifest: Manifest, series: ManifestSeries, frame_base: FrameBase = "auto", cancel: Cancel | None = None
) -> Loaded:
    """All instances of a series.

    Raises
    ------
    ParseError
        The table would be beyond a limit. What single instances have wrong is in `Loaded.problems`.
    DataSourceError
        The manifest's file has changed.
    Cancelled
    """
    reading = _Reading(manifest, series, frame_base, cancel)
    with manifest.body.opened() as text:
        table = reading.run(text)
    images = images_of(reading.urls, reading.base, reading.counts)
    for uid in images.repeated:
        path, at = reading.places[uid]
        reading.problem("an instance that is there before: left out", at, f"{path}.metadata.SOPInstanceUID")
    return Loaded(table, images, reading.extras, reading.problems)


def first_of(manifest: Manifest, series: ManifestSeries) -> Instance | None:
    """The first instance of a series that can be taken, with what its study and series have; or None."""
    if series.known is None:
        reading = _Reading(manifest, series)
        with manifest.body.opened() as text:
            found = next((naturalize(joined(one.elements))[0] for one in reading.entries(text)), None)
        series.known = (found,)
    first: Instance | None = series.known[0]
    return first


@dataclass(eq=False, slots=True)
class _Entry:
    path: str
    offset: int
    uid: str
    elements: dict[bytes, bytes]
    url: str | None
    extras: dict[str, Any]


class _Reading:
    """One series being read."""

    def __init__(
        self,
        manifest: Manifest,
        series: ManifestSeries,
        frame_base: FrameBase = "auto",
        cancel: Cancel | None = None,
    ) -> None:
        self._manifest, self._series, self._frame_base, self._cancel = manifest, series, frame_base, cancel
        self._elements = Elements()
        self.problems: list[ParseError] = []
        self.extras: dict[str, dict[str, Any]] = {}
        self.urls: dict[str, list[str | None]] = {}  # of all entries of an instance
        self.counts: dict[str, int] = {}  # NumberOfFrames, of instances that have several
        self.places: dict[str, tuple[str, int]] = {}  # of second entries
        source = manifest.source
        of_study, others = series.study.elements(self.problems, source)
        of_series, more = series.attributes.elements(self.problems, source)
        given = {**of_study, **of_series}
        self._uids = b'"0020000D":{"vr":"UI","Value":[%b]}' % orjson.dumps(series.study_instance_uid)
        self._series_uid = b'"0020000E":{"vr":"UI","Value":[%b]}' % orjson.dumps(series.uid)
        self._own_frames = of_series.get(_FRAMES)
        self._given = {tag: element for tag, element in given.items() if tag not in BOOKKEEPING}
        self._others = {**others, **more}

    # ---- entries ----

    def entries(self, text: Any) -> Iterator[_Entry]:
        """Those that can be taken; the others are told."""
        for places, path in self._series.parts:
            for index in range(0, len(places), 2):
                at = places[index]
                try:
                    yield self._entry(text[at : places[index + 1]], f"{path}[{index // 2}]", at)
                except Wrong as error:
                    where = f"{path}[{index // 2}]"
                    self.problem(str(error), at, f"{where}.metadata.{error.keyword}" if error.keyword else where)

    def _entry(self, item: bytes, path: str, at: int) -> _Entry:
        extras: dict[str, Any] = {}
        quick = metadata_and_url(item)
        members = None if quick is None else _members_of(quick[0])
        if quick is not None and members is not None:
            given_url: bytes | None = quick[1]
        else:
            members, given_url = self._members(item, extras)
        own = self._elements.of_members(members)
        own_others = self._elements.split(own)
        uid = _uid(own.get(_SOP))
        url = None if given_url is None else _url(given_url, 1 if self._frame_base == 1 else 0)
        elements = self._given | own
        elements[_STUDY], elements[_SERIES] = self._uids, self._series_uid
        if own_others or extras:
            extras = {**self._others, **own_others, **extras}
        return _Entry(path, at, uid, elements, url, extras or self._others)

    def _members(self, item: bytes, extras: dict[str, Any]) -> tuple[list[bytes], bytes | None]:
        """The members of an entry's metadata, and its URL; what else it has goes to the extras."""
        members, url = None, None
        entry = _members_of(item)
        if entry is None:
            raise Wrong("not JSON, or no object")
        for member in entry:
            name, begin = name_of(member)
            value = member[begin:].strip(SPACE)
            if name == b'"metadata"':
                members = _members_of(value) if value[:1] == b"{" else None
            elif name == b'"url"':
                url = value
            else:
                extras[loads(name)] = loads(value)
        if members is None:
            raise Wrong("there are no metadata, or they are no object")
        return members, url

    # ---- the table ----

    def run(self, text: Any) -> InstanceTable:
        """The table of all instances."""
        told, frames, checked = len(self.problems), dict[str, int](), False
        while True:
            del self.problems[told:]
            self.urls.clear()
            self.extras.clear()
            try:
                table = self._table(text, frames, checked)
            except ParseError as error:
                if checked or error.reason.startswith("beyond the limit"):
                    raise
                checked = True  # an instance is not what it should be: each is tried for itself
                continue
            counts = self._counts()
            if counts == frames:
                return table
            frames = counts  # which is known in the end only

    def _counts(self) -> dict[str, int]:
        """How many frames instances have by their entries, where they do not say so themselves."""
        several = {uid: urls for uid, urls in self.urls.items() if len(urls) > 1}
        base = self.base if several else 1
        highest = {uid: highest_frame(urls, base) for uid, urls in several.items()}
        return {uid: count for uid, count in highest.items() if count > self.counts.get(uid, 1)}

    @property
    def base(self) -> int:
        """From which number on the URLs count frames."""
        return base_of(self.urls) if self._frame_base == "auto" else self._frame_base

    def _table(self, text: Any, frames: dict[str, int], checked: bool) -> InstanceTable:
        scanner = Scanner(current(), False, self._manifest.source)
        pieces, held = [b"["], 0
        alone: _Entry | None = None
        for entry in self.entries(text):
            if self._cancel is not None:
                self._cancel.check()
            urls = self.urls.get(entry.uid)
            if urls is not None:
                urls.append(entry.url)
                self.places.setdefault(entry.uid, (entry.path, entry.offset))
                continue
            count = _count_of(entry.elements.get(_FRAMES))
            if count > 1:
                self.counts[entry.uid] = count
            if entry.uid in frames:
                entry.elements[_FRAMES] = b'"00280008":{"vr":"IS","Value":[%d]}' % frames[entry.uid]
            written = joined(entry.elements)
            if checked and not self._is_sound(written, entry):
                continue
            alone = None if self.urls else entry
            pieces += (written,) if alone is not None else (b",", written)
            held += len(written)
            self.urls[entry.uid] = [entry.url]
            if entry.extras:
                self.extras[entry.uid] = entry.extras
            if held >= _PIECE and alone is None:
                scanner.feed(b"".join(pieces))
                pieces, held = [], 0
        if alone is not None:
            pieces[1] = self._with_frames(alone)
        scanner.feed(b"".join(pieces) + b"]")
        return scanner.finish()

    def _with_frames(self, entry: _Entry) -> bytes:
        """The only instance of a series, with the number of frames that is given for the series."""
        if self._own_frames is not None and _FRAMES not in entry.elements:
            entry.elements[_FRAMES] = self._own_frames
            count = _count_of(self._own_frames)
            if count > 1:
                self.counts[entry.uid] = count
        return joined(entry.elements)

    def _is_sound(self, written: bytes, entry: _Entry) -> bool:
        try:
            naturalize(written)
        except ParseError as error:
            self.problem(error.reason, entry.offset, f"{entry.path}.metadata")
            return False
        return True

    def problem(self, reason: str, at: int, path: str) -> None:
        self.problems.append(ParseError(reason, offset=at, row=None, path=path, source=self._manifest.source))


def _members_of(text: bytes) -> list[bytes] | None:
    """The members of an object; None where it is none."""
    try:
        return members_of(text)
    except ValueError:
        return None


def _url(value: bytes, least: int) -> str | None:
    """The URL of an entry, whose frame is not below the least; None where there is none."""
    url = loads(value)
    if url is None or url == "":
        return None
    if not isinstance(url, str):
        raise Wrong("the url is no text")
    try:
        locate(url, least)
    except ImageIdError as error:
        raise Wrong(f"the url is no image id: {error.reason}") from None
    return url


def _uid(element: bytes | None) -> str:
    if element is None:
        raise Wrong("missing", "SOPInstanceUID")
    text = element[len(_UID_HEAD) : -len(_UID_TAIL)]
    if not element.startswith(_UID_HEAD) or b'"' in text or b"\\" in text or not text.strip(b" "):
        raise Wrong("no UID", "SOPInstanceUID")
    return text.decode()


def _count_of(element: bytes | None) -> int:
    """A number of frames."""
    digits = b"" if element is None else element.partition(b"[")[2].rpartition(b"]")[0].strip(b'" ')
    return int(digits) if digits.isdigit() and len(digits) < 10 else 0
