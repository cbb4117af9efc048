"""A plain file server, as for `wadouri:` ids: whole files and, where it is willing to, ranges of them."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from servers.base import PIECE, Request, Response, Server

Ranges = Literal["honour", "ignore", "refuse"]


class FileServer(Server):
    """Serves files by name.

    Parameters
    ----------
    files : mapping
        Contents, or paths of them, by the name they have here. May be changed at any time: the ETag changes too.
    ranges : {"honour", "ignore", "refuse"}
        A range is answered with 206 and the range; with 200 and the whole file; with 416. May be changed at any time.
    lengths : bool
        False: no Content-Length, the body is chunked. May be changed at any time.
    media_type : str
    """

    def __init__(
        self,
        files: Mapping[str, bytes | Path] | None = None,
        *,
        ranges: Ranges = "honour",
        lengths: bool = True,
        media_type: str = "application/dicom",
    ) -> None:
        super().__init__()
        self.files: dict[str, bytes | Path] = dict(files or {})
        self.ranges: Ranges = ranges
        self.lengths = lengths
        self.media_type = media_type

    def url(self, name: str) -> str:
        """Where the file of this name is."""
        return f"{self.origin}/{name}"

    def answer(self, request: Request) -> Response:
        content = self.files.get(request.path.removeprefix("/"))
        if content is None:
            return Response(404, b"no such file", {"Content-Type": "text/plain"})
        if request.method not in ("GET", "HEAD"):
            return Response(405, b"", {"Allow": "GET, HEAD"})
        data = content.read_bytes() if isinstance(content, Path) else content
        headers = {"Content-Type": self.media_type, "ETag": f'"{zlib.crc32(data):08x}"'}
        if self.ranges == "honour":
            headers["Accept-Ranges"] = "bytes"
        asked = request.range
        if (
            asked is None
            or self.ranges == "ignore"
            or request.headers.get("if-range", headers["ETag"]) != headers["ETag"]
        ):
            return self._framed(200, data, headers)
        found = _span(asked, len(data))
        if found is None:  # several ranges, or no bytes: a server may send the whole
            return self._framed(200, data, headers)
        start, stop = found
        if self.ranges == "refuse" or start >= len(data):
            return Response(416, b"", {"Content-Range": f"bytes */{len(data)}"})
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
        return self._framed(206, data[start:stop], headers)

    def _framed(self, status: int, data: bytes, headers: dict[str, str]) -> Response:
        if self.lengths:
            return Response(status, data, headers)
        return Response(status, [data[start : start + PIECE] for start in range(0, len(data), PIECE)], headers)


def _span(asked: str, size: int) -> tuple[int, int] | None:
    """First byte and the one behind the last of a Range header with one range; None for all others."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", asked.strip())
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if first == "":
        return (max(0, size - int(last)) if int(last) else size), size
    if last and int(last) < int(first):
        return None
    return int(first), min(size, int(last) + 1) if last else size
