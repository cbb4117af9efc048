"""DICOM JSON from an answer straight into the scanner, and a clear word where it is none.

It is scanned as it arrives, while more is on its way, and never is in memory as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from email.message import Message

from metalith._core import InstanceTable, Scanner
from metalith.errors import ParseError
from metalith.limits import Limits
from metalith.sources.http.answer import Response

__all__ = ["ACCEPT", "table_of"]

ACCEPT = "application/dicom+json"  # alone: servers are known that refuse lists and weights
_BLANK = b" \t\r\n\xef\xbb\xbf"
_CUT = "the input ends in the middle of a document"
_UTF8 = {"", "utf-8", "utf8", "us-ascii", "ascii"}


def table_of(
    response: Response,
    source: str,
    bounds: Limits,
    strict: bool,
    progress: Callable[[int], object] | None,
) -> InstanceTable:
    """The instances of an answer.

    Raises
    ------
    DataSourceError
        It is no DICOM JSON by its type or first byte, or not whole.
    ParseError
        It is damaged, or beyond a limit.
    """
    kind, charset = _content_type(response)
    if response.status_code != 204:
        _check(response, kind)
    scanner, body = Scanner(bounds, strict, source), response.raw
    try:
        begun = False
        while piece := body.piece():
            if not begun and (text := piece.lstrip(_BLANK)):
                begun = True
                if text.startswith(b"<"):
                    raise response.error(_MARKUP)
            scanner.feed(piece)
            if progress is not None:
                progress(body.count)
        if begun:
            return scanner.finish()
    except ParseError as error:
        if error.reason == _CUT and body.is_open_ended:
            problem = body.cut()
        elif error.reason in ("not UTF-8", "not JSON") and charset not in _UTF8:
            problem = response.error("DICOM JSON is UTF-8, and the server says that it sends something else")
        else:
            raise
        raise problem from None
    if body.is_open_ended:
        raise body.cut()
    return Scanner(bounds, strict, source).scan(b"[]")


_MARKUP = "a web page or XML came instead of DICOM JSON: the server asks for a login, or this is not its DICOMweb root"


def _check(response: Response, kind: str) -> None:
    """Refuses what is something else by its type. What has no type, or one for anything, is looked at."""
    if kind == "application/json" or kind.endswith("+json"):
        return
    if kind in ("text/html", "application/xhtml+xml"):
        raise response.error(_MARKUP)
    if kind.endswith(("/xml", "+xml")) or kind.startswith("multipart/"):
        raise response.error("the server sends DICOM XML or files, and was asked for DICOM JSON")
    if kind.partition("/")[0] in ("image", "video", "audio") or kind in ("application/dicom", "application/pdf"):
        raise response.error("the server sends something else than DICOM JSON")


def _content_type(response: Response) -> tuple[str, str]:
    """Type and charset, in lower case; empty where they are not said."""
    header = Message()
    header["Content-Type"] = response.headers.get("Content-Type", "") or "none/none"
    kind = header.get_content_type()
    return "" if kind == "none/none" else kind, (header.get_content_charset() or "").lower()
