"""What is in a manifest: its studies and series, and where in the text the instances of each stand.

    {"studies": [{"StudyInstanceUID": …, …, "series": [{"SeriesInstanceUID": …, …, "instances": [{…}, …]}]}]}

The text is gone through once, and of the instances nothing is read but where they begin and end.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from metalith._core import Instance
from metalith.errors import ParseError
from metalith.naturalize import naturalize
from metalith.sources.dicomjson.body import Body
from metalith.sources.dicomjson.elements import Elements, Wrong, joined
from metalith.sources.dicomjson.text import SPACE, Text, end_of_value, members_of, read_array, read_object

__all__ = ["BOOKKEEPING", "Manifest", "ManifestSeries", "ManifestStudy", "read_manifest"]

_BOM = b"\xef\xbb\xbf"
# What the manifest says of itself, and what the store counts by itself.
BOOKKEEPING = {
    b"0020000D", b"0020000E", b"00080018", b"00080061", b"00280008", b"\0\"NumInstances\"", b"\0\"Modalities\"",
    b"00201200", b"00201202", b"00201204", b"00201206", b"00201208", b"00201209",
}  # fmt: skip


@dataclass(eq=False)
class Attributes:
    """The attributes that a study or series has for its instances.

    Attributes
    ----------
    text : bytes
        As a JSON object, without `series` and `instances`.
    path : str
        Where it stands, such as "studies[0].series[2]".
    """

    text: bytes
    path: str
    _natural: Instance | None = field(default=None, init=False, repr=False)

    def elements(self, problems: list[ParseError], source: str) -> tuple[dict[bytes, bytes], dict[str, Any]]:
        """What instances get of it, and its other members; what cannot be taken is left out and told."""
        made = Elements()
        found: dict[bytes, bytes] = {}
        for member in members_of(self.text):
            try:
                found.update([made[member]])
            except Wrong as error:
                problems.append(self.problem(error, source))
            except ValueError:
                problems.append(self.problem(Wrong("not JSON"), source))
        others = made.split(found)
        return found, {name: value for name, value in others.items() if name not in ("NumInstances", "Modalities")}

    def problem(self, error: Wrong, source: str) -> ParseError:
        path = f"{self.path}.{error.keyword}" if error.keyword else self.path
        return ParseError(str(error), row=None, path=path, source=source)

    @property
    def natural(self) -> Instance:
        """Its attributes in natural form, but for UIDs and counts. Instance."""
        if self._natural is None:
            found, _ = self.elements([], "")
            kept = {tag: element for tag, element in found.items() if tag not in BOOKKEEPING}
            self._natural = naturalize(joined(kept))[0]
        return self._natural

    def other(self, name: str) -> Any:
        """A member that is no attribute, such as `NumInstances`; None where there is none."""
        try:
            return orjson.loads(self.text).get(name)
        except orjson.JSONDecodeError:
            return None


@dataclass(eq=False)
class ManifestSeries:
    """A series of a manifest.

    Attributes
    ----------
    uid, study_instance_uid : str
    attributes, study : Attributes
        Its own, and those of its study.
    parts : list of (array, str)
        Where its instances stand: begins and ends in turn, and the path of the array that they are in. One, unless the
        series comes twice.
    """

    uid: str
    study_instance_uid: str
    attributes: Attributes
    study: Attributes
    parts: list[tuple[array[int], str]]
    known: Any = None  # what was found out of its first instance, see `entries.first_of`

    @property
    def count(self) -> int:
        """How many entries there are. int."""
        return sum(len(places) // 2 for places, _ in self.parts)


@dataclass(eq=False)
class ManifestStudy:
    """A study of a manifest, with its series by SeriesInstanceUID."""

    uid: str
    attributes: Attributes
    series: dict[str, ManifestSeries] = field(default_factory=dict)


@dataclass(eq=False)
class Manifest:
    """A manifest that was read.

    Attributes
    ----------
    source : str
        Where it came from, for errors; without user and query.
    body : Body
    studies : dict
        ManifestStudy by StudyInstanceUID, in the manifest's order.
    problems : list of ParseError
        Studies and series that could not be taken, and what of them.
    """

    source: str
    body: Body
    studies: dict[str, ManifestStudy] = field(default_factory=dict)
    problems: list[ParseError] = field(default_factory=list)


def read_manifest(body: Body, source: str, *, strict: bool = False) -> Manifest:
    """Finds the studies and series of a manifest.

    Parameters
    ----------
    body : Body
    source : str
        For errors.
    strict : bool, optional
        Raise for a study or series that cannot be taken, instead of listing it in `Manifest.problems`.

    Raises
    ------
    ParseError
        It is no manifest, or not JSON.
    """
    manifest = Manifest(source, body)
    try:
        with body.opened() as text:
            _Reading(text, manifest, strict).run()
    except ParseError as error:
        if error.source is None:
            error = ParseError(error.reason, offset=error.offset, row=None, path=error.path, source=source)
        raise error from None
    return manifest


class _Reading:
    def __init__(self, text: Text, manifest: Manifest, strict: bool) -> None:
        self._text, self._manifest, self._strict = text, manifest, strict

    def run(self) -> None:
        text = self._text
        start = len(_BOM) if text[: len(_BOM)] == _BOM else 0
        while text[start : start + 1] in (b" ", b"\t", b"\r", b"\n"):
            start += 1
        if start >= len(text):
            raise ParseError("no JSON document: the input is empty", row=None)
        if text[start : start + 1] != b"{":
            self._never("a manifest is an object with studies", start, "")
        self._found = False
        end = read_object(text, start, self._root)
        if text[end : end + 4096].strip(SPACE):
            raise ParseError("not JSON: something follows the manifest", offset=end, row=None)
        if not self._found:
            self._never("the manifest has no studies", start, "")

    def _root(self, name: bytes, piece: bytes, at: int) -> int | None:
        if name != b'"studies"':
            return None
        self._found = True
        if self._text[at : at + 1] != b"[":
            self._never("an array was expected", at, "studies")
        return self._array(at, "studies", self._study)

    def _array(self, at: int, path: str, item: Callable[[int, str], int | None]) -> int:
        index = -1

        def one(begin: int) -> int | None:
            nonlocal index
            index += 1
            where = f"{path}[{index}]"
            if self._text[begin : begin + 1] != b"{":
                self._problem("an object was expected", begin, where)
                return None
            return item(begin, where)

        return read_array(self._text, at, one)

    def _study(self, at: int, path: str) -> int:
        series: list[tuple[str, Attributes, tuple[array[int], str]]] = []

        def members(start: int) -> int:
            return self._array(start, f"{path}.series", lambda begin, where: self._series(begin, where, series))

        end, attributes, uid = self._node(at, path, b'"series"', members, "StudyInstanceUID")
        if uid is None:
            return end
        # a study that comes twice is one, with the series of both
        study = self._manifest.studies.setdefault(uid, ManifestStudy(uid, attributes))
        for series_uid, own, part in series:
            known = study.series.get(series_uid)
            if known is None:
                study.series[series_uid] = ManifestSeries(series_uid, uid, own, attributes, [part])
            else:
                known.parts.append(part)
        return end

    def _series(self, at: int, path: str, found: list[tuple[str, Attributes, tuple[array[int], str]]]) -> int:
        places = array("Q")

        def instances(start: int) -> int:
            del places[:]  # of a name that comes twice the last one counts

            def one(begin: int) -> int:
                end = end_of_value(self._text, begin)
                places.append(begin)
                places.append(end)
                return end

            return read_array(self._text, start, one)

        end, attributes, uid = self._node(at, path, b'"instances"', instances, "SeriesInstanceUID")
        if uid is not None:
            found.append((uid, attributes, (places, f"{path}.instances")))
        return end

    def _node(
        self, at: int, path: str, inner: bytes, read: Callable[[int], int], keyword: str
    ) -> tuple[int, Attributes, str | None]:
        """The members of a study or series, and its UID; None where it has to be left out."""
        text, own, uid = self._text, [], None

        def member(name: bytes, piece: bytes, begin: int) -> int | None:
            nonlocal uid
            if name == inner:
                if text[begin : begin + 1] == b"[":
                    return read(begin)
                end = end_of_value(text, begin)
                if text[begin:end] != b"null":
                    self._problem("an array was expected", begin, f"{path}.{inner[1:-1].decode()}")
                return end
            end = end_of_value(text, begin)
            own.append(piece + text[begin:end])
            if name == b'"%b"' % keyword.encode():
                uid = _text_of(text[begin:end])
            return end

        end = read_object(text, at, member)
        if not uid:
            self._problem("missing, or no text" if uid is None else "empty", at, f"{path}.{keyword}")
        return end, Attributes(b"{%b}" % b",".join(own), path), uid or None

    def _problem(self, reason: str, at: int, path: str) -> None:
        error = ParseError(reason, offset=at, row=None, path=path, source=self._manifest.source)
        if self._strict:
            raise error
        self._manifest.problems.append(error)

    def _never(self, reason: str, at: int, path: str) -> None:
        raise ParseError(reason, offset=at, row=None, path=path)


def _text_of(value: bytes) -> str | None:
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    return found.strip(" \0") if isinstance(found, str) else None
