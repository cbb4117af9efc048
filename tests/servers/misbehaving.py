"""A DICOMweb server in memory, which searches by the rules and pages by the habits seen in the field.

It answers QIDO-RS at its three levels (PS3.18 §10.6), and metadata of studies, series and instances (§10.4).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from servers.archive import Archive, Entity, Json, uid
from servers.base import JSON, Request, Response, Server
from servers.matching import matches, path_of

_LEVELS = {
    "studies": "00080005 00080020 00080030 00080050 00080056 00080061 00080090 00100010 00100020 00100030 00100040"
    " 0020000D 00200010 00201206 00201208",
    "series": "00080005 00080060 0008103E 0020000D 0020000E 00200011 00201209 00400244 00400245 00400275",
    "instances": "00080005 00080016 00080018 00080056 0020000D 0020000E 00200013 00280008 00280010 00280011 00280100",
}
_ROUTE = re.compile(
    r"/studies(?:/(?P<study>[0-9.]+)(?:/series(?:/(?P<series>[0-9.]+))?)?(?:/instances(?:/(?P<instance>[0-9.]+))?)?"
    r"(?P<metadata>/metadata)?)?|/(?:series|instances)"
)


@dataclass(slots=True)
class Habits:
    """How the server pages, and what else it does its own way. The defaults are those of PS3.18.

    Attributes
    ----------
    ignore_offset : bool
        Every page is the first one.
    cap : int or None
        No more results than this in a page, whatever the limit.
    beyond_cap : {"silent", "warning", "413"}
        What it does when the cap holds something back: nothing, the Warning of PS3.18 §8.3.4.4, or 413 and no results.
    announce : bool
        The Warning also where the client's own limit holds something back.
    repeat_last : bool
        An offset behind the end gives the last page again.
    overlap : int
        Pages, but the first, begin so many results too early.
    dry_from : int or None
        From this offset on pages are empty, and the Warning says that there is more.
    empty : {"200", "204", "404"}
        How nothing found is said.
    fuzzy : bool
        Fuzzy matching of names; without it, who asks for it gets the Warning of PS3.18 §8.3.4.2.
    whole : bool
        All attributes are in the results, whatever was asked for.
    """

    ignore_offset: bool = False
    cap: int | None = None
    beyond_cap: Literal["silent", "warning", "413"] = "silent"
    announce: bool = False
    repeat_last: bool = False
    overlap: int = 0
    dry_from: int | None = None
    empty: Literal["200", "204", "404"] = "200"
    fuzzy: bool = False
    whole: bool = False


class QidoServer(Server):
    """Answers searches over DICOM JSON in memory.

    Parameters
    ----------
    instances : iterable of dict
        DICOM JSON of each instance.
    habits : Habits, optional
        May be changed at any time.
    """

    def __init__(self, instances: Iterable[Json], habits: Habits | None = None) -> None:
        super().__init__()
        self.archive = Archive(instances)
        self.habits = habits or Habits()

    @property
    def root(self) -> str:
        return f"{self.origin}/dicom-web"

    def answer(self, request: Request) -> Response:
        route = _ROUTE.fullmatch(request.path.removeprefix("/dicom-web"))
        if route is None or not request.path.startswith("/dicom-web/"):
            return Response(404, b"no such resource", {"Content-Type": "text/plain"})
        if request.method != "GET":
            return Response(405, b"", {"Allow": "GET"})
        study, series, instance = route["study"], route["series"], route["instance"]
        if route["metadata"]:
            found = [item.attributes for item in self.archive.instances(study, series)]
            found = [item for item in found if instance in (None, uid(item, "00080018"))]
            return _json(found) if found else Response(404, b"", {})
        level = request.path.rpartition("/")[2]
        if level not in _LEVELS:
            return Response(406, b"", {})  # instances themselves, not a search
        if level == "studies":
            return self._searched(level, self.archive.studies(), request)
        if level == "series":
            return self._searched(level, self.archive.series(study), request)
        return self._searched(level, self.archive.instances(study, series), request)

    def _searched(self, level: str, entities: list[Entity], request: Request) -> Response:
        paging = {"limit": None, "offset": 0}
        fuzzy, everything = False, self.habits.whole
        returned, keys = set(_LEVELS[level].split()), []
        for name, value in request.query:
            if name in paging:
                if not value.isdecimal():
                    return Response(400, f"{name} is a number".encode(), {"Content-Type": "text/plain"})
                paging[name] = int(value)
            elif name == "fuzzymatching":
                fuzzy = value == "true"
            elif name == "includefield":
                paths = [path_of(field) for field in value.split(",") if field != "all"]
                returned.update(path[0] for path in paths if path)
                everything = everything or "all" in value.split(",")
            elif path := path_of(name):
                keys.append((path, value))
                returned.add(path[0])
        matching = [
            entity.attributes
            for entity in entities
            if all(matches(entity.attributes, path, value, fuzzy and self.habits.fuzzy) for path, value in keys)
        ]
        warnings = []
        if fuzzy and not self.habits.fuzzy:
            warnings.append("The fuzzymatching parameter is not supported. Only literal matching has been performed.")
        page, remaining, told = self._page(matching, paging["offset"] or 0, paging["limit"])
        if told == "413":
            return Response(413, b"too many results", {"Content-Type": "text/plain"})
        if told == "warning":
            warnings.append(f"There are {remaining} additional results that can be requested")
        rows = [item if everything else {tag: item[tag] for tag in sorted(returned) if tag in item} for item in page]
        headers = {"Warning": ", ".join(f'299 {self.root} "{text}"' for text in warnings)} if warnings else {}
        if not rows and self.habits.empty != "200":
            return Response(int(self.habits.empty), b"", headers)
        return _json(rows, headers)

    def _page(self, matching: list[Json], offset: int, limit: int | None) -> tuple[list[Json], int, str]:
        """The results that are sent, how many come after them, and in which way that is told."""
        habits = self.habits
        if habits.ignore_offset:
            offset = 0
        size = len(matching) if limit is None else limit
        capped = habits.cap is not None and habits.cap < min(size, len(matching) - offset)
        if capped and habits.cap is not None:
            size = habits.cap
        if habits.dry_from is not None and offset >= habits.dry_from:
            return [], max(1, len(matching) - offset), "warning"
        if habits.repeat_last and offset >= len(matching):
            offset = max(0, len(matching) - size)
        start = max(0, offset - habits.overlap)
        page = matching[start : start + size]
        remaining = max(0, len(matching) - start - len(page))
        if capped and habits.beyond_cap != "silent":
            return page, remaining, habits.beyond_cap
        return page, remaining, "warning" if habits.announce and remaining else "silent"


def _json(rows: list[Json], headers: dict[str, str] | None = None) -> Response:
    return Response(200, json.dumps(rows).encode(), {"Content-Type": JSON, **(headers or {})})
