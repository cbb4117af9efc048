"""When a request is sent once more, and after what pause.

Reading may be repeated at will: GET, HEAD and OPTIONS after whatever may pass. All others change something, and a
failure does not tell whether they have: they are repeated only where the server cannot have seen them, since there was
no connection, or says that it has not done them: with 429, or with 503 and a Retry-After. (A 503 without one, 502 and
504 come from proxies, too, behind which an instance may have been stored.)
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

__all__ = ["PASSING", "asked_pause", "may_repeat_answer", "may_repeat_failure", "pause"]

PASSING = frozenset({408, 429, 502, 503, 504})
LONGEST = 30.0  # seconds between two attempts by our own choice
LONGEST_ASKED = 120.0  # and by the server's

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def is_reading(method: str, repeat: bool | None) -> bool:
    """Whether repeating changes nothing; the caller may know better."""
    return method in _READING if repeat is None else repeat


def may_repeat_failure(method: str, repeat: bool | None, *, may_pass: bool, unsent: bool) -> bool:
    """Whether to try again after no answer, or half of one."""
    return may_pass and repeat is not False and (unsent or is_reading(method, repeat))


def may_repeat_answer(method: str, repeat: bool | None, status: int, headers: Mapping[str, str]) -> bool:
    """Whether to try again after an answer."""
    if status not in PASSING or repeat is False:
        return False
    return is_reading(method, repeat) or status == 429 or (status == 503 and asked_pause(headers) is not None)


def pause(attempt: int, backoff: float, headers: Mapping[str, str] | None) -> float:
    """Seconds to wait after an attempt, counted from 0.

    Twice as long each time, and at random from half of that on, lest all who failed at once come back at once. Longer
    if the server asks for it.
    """
    own = min(backoff * 2.0 ** min(attempt, 20), LONGEST) * random.uniform(0.5, 1.0)
    asked = None if headers is None else asked_pause(headers)
    return own if asked is None else max(own, min(asked, LONGEST_ASKED))


def asked_pause(headers: Mapping[str, str]) -> float | None:
    """Seconds that Retry-After says, in either of its forms; None where it is absent or neither."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError, OverflowError):
        return None
