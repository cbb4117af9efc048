"""Input in uneven pieces, cut anywhere, is what it is as a whole: the same rows, or the same error.

The text is several times what is scanned at once, so that pieces are scanned where they are, put together, and both.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.data import get_testdata_file

import metalith
from metalith._core import Scanner
from metalith.errors import ParseError
from metalith.limits import current

ROWS = 150


def _varied(row: dict[str, Any], k: int) -> dict[str, Any]:
    """The next instance: other values, other lists, now and then another sequence, more attributes, a name."""
    row = {
        **row,
        "00080018": {"vr": "UI", "Value": [f"1.2.{k}"]},
        "00200032": {"vr": "DS", "Value": [-1.5, k, k / 8] if k % 5 else [None, k, '"]}\\']},
        "00200013": {"vr": "IS", "Value": [k * k * k]},
        "00204000": {"vr": "LT", "Value": ["\u00e4\u20ac" * (k % 7) + '{[\\"']},
    }
    if k % 4 == 3:
        row["00081140"] = {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": [f"1.{k // 8}"]}}, {}]}
    if k % 10 == 7:
        row["00100010"] = {"vr": "PN", "Value": [{"Alphabetic": f"A^{k}"}]}
        del row["00280030"]
    return dict(sorted(row.items()))


@cache
def text(kind: str) -> bytes:
    base = dcmread(get_testdata_file("CT_small.dcm"), stop_before_pixels=True).to_json_dict(
        64, lambda element: f"http://host/{element.tag:08X}"
    )
    rows = [_varied(base, k) for k in range(ROWS)]
    if kind == "lines":
        return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
    return json.dumps(rows, indent=1 if kind == "indented" else None, ensure_ascii=False).encode()


def outcome(pieces: list[Any], *, strict: bool) -> Any:
    """The rows written again and what was listed, or the error."""
    scanner = Scanner(current(), strict, None)
    try:
        if len(pieces) == 1:
            table = scanner.scan(pieces[0])
        else:
            for piece in pieces:
                scanner.feed(piece)
            table = scanner.finish()
    except ParseError as error:
        return error.reason, error.offset, error.row, error.path
    return metalith.dumps(table), [(one.kind, one.path, one.row, one.offset) for one in table.problems]


@cache
def whole(kind: str, strict: bool) -> Any:
    return outcome([text(kind)], strict=strict)


CUTS = st.lists(
    st.one_of(st.integers(0, 4_000_000), st.integers(0, 40_000), st.integers(250_000, 275_000)), min_size=1, max_size=30
)
KINDS = st.sampled_from(["compact", "indented", "lines"])


def cut(body: bytes, at: list[int]) -> list[bytes]:
    places = sorted({0, len(body), *(one % len(body) for one in at)})
    return [body[first:last] for first, last in pairwise(places)] + [b""]


@settings(max_examples=60, deadline=None)
@given(kind=KINDS, at=CUTS, strict=st.booleans())
def test_uneven_pieces(kind, at, strict):
    assert outcome(cut(text(kind), at), strict=strict) == whole(kind, strict)


@settings(max_examples=60, deadline=None)
@given(
    kind=KINDS,
    at=CUTS,
    place=st.integers(0, 4_000_000),
    damage=st.sampled_from([b"}", b"]", b'"', b"\\", b",", b"\x01", b"\xff", b"x", None]),
    strict=st.booleans(),
)
def test_damage(kind, at, place, damage, strict):
    body = text(kind)
    place %= len(body)
    body = body[:place] if damage is None else body[:place] + damage + body[place + 1 :]
    assert outcome(cut(body, at), strict=strict) == outcome([body], strict=strict)


@pytest.mark.parametrize("make", [bytearray, memoryview])
def test_pieces_of_any_kind(make):
    body = text("compact")
    pieces = [make(body[at : at + 100_000]) for at in range(0, len(body), 100_000)]
    assert outcome(pieces, strict=False) == whole("compact", False)


def test_the_text_is_long_enough():
    assert all(len(text(kind)) > 4 * (1 << 18) for kind in ("compact", "indented", "lines"))
    assert isinstance(whole("compact", False)[0], bytes)
    assert isinstance(whole("compact", True)[0], str)
