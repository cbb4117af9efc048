"""Multipart messages, as they should be and as they come; Accept headers."""

import random
import time

import pytest

from metalith.errors import ConfigurationError
from metalith.sources.dicomweb.accept import accept_types, generate_accept_header
from metalith.sources.dicomweb.parts import MultipartError, media_type_of, parameters_of, split, unwrapped

TYPE = 'multipart/related; type="application/octet-stream"; boundary=b'


def message(
    *parts: bytes, boundary: bytes = b"b", head: bytes = b"Content-Type: image/jpeg\r\n", end: bytes = b"--"
) -> bytes:
    body = b"".join(b"--" + boundary + b"\r\n" + head + b"\r\n" + part + b"\r\n" for part in parts)
    return body + b"--" + boundary + end


def data(body: bytes, content_type: str = TYPE) -> list[bytes]:
    return [part.data for part in split(body, content_type)]


# ---- as they should be ----


@pytest.mark.parametrize(
    "parts", [[b"1"], [b"1", b"", b"333"], [b"\r\n", b"\n", b"\r"], [b".--b", b"x--b--", b"\r\n--bb"]]
)
def test_parts_come_out_as_they_went_in(parts):
    assert data(message(*parts)) == parts
    assert data(message(*parts) + b"\r\n") == parts
    assert data(b"a preamble\r\n" + message(*parts) + b"\r\nan epilogue") == parts
    assert data(b"\r\n" + message(*parts)) == parts


def test_headers_are_read_whatever_their_case_and_folding():
    head = b"content-TYPE: image/jp2;\r\n transfer-syntax=1.2\r\nContent-Location:http://h/a:b\r\n"
    (part,) = split(message(b"x", head=head), TYPE)
    assert part.media_type == "image/jp2"
    assert part.headers == {"content-type": "image/jp2; transfer-syntax=1.2", "content-location": "http://h/a:b"}
    assert repr(part) == "<Part image/jp2, 1 bytes>"


def test_parts_without_headers():
    assert data(b"--b\r\n\r\nabc\r\n--b--") == [b"abc"]
    assert split(b"--b\r\n\r\nabc\r\n--b--", TYPE)[0].media_type == ""


@pytest.mark.parametrize("boundary", ["a=b", "with space", "':_,-./?()+", "x" * 70])
def test_boundaries_that_need_quotes(boundary):
    body = message(b"1", b"2", boundary=boundary.encode())
    assert data(body, f'multipart/related; type="a/b"; boundary="{boundary}"') == [b"1", b"2"]


def test_a_boundary_of_the_first_line_will_do():
    assert data(message(b"1", b"2", boundary=b"from-the-body"), "multipart/related") == [b"1", b"2"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("multipart/related;boundary=x", {"boundary": "x"}),
        ('a/b; BOUNDARY="x;y"; type=image/jpeg', {"boundary": "x;y", "type": "image/jpeg"}),
        (r'a/b; boundary="x\"y"', {"boundary": 'x"y'}),
        ("a/b; boundary=x; boundary=y", {"boundary": "x"}),
        ("a/b", {}),
        ("", {}),
    ],
)
def test_parameters(text, found):
    assert parameters_of(text) == found


def test_media_types_have_no_case():
    assert media_type_of(" Multipart/RELATED ; x=y") == "multipart/related"


# ---- as they come ----


def test_bare_line_feeds_and_blanks_after_delimiters():
    assert data(b"--b\nContent-Type: a/b\n\nabc\n--b \t\r\n\r\ndef\r\n--b-- \r\n") == [b"abc", b"def"]


def test_a_delimiter_inside_of_data_is_no_delimiter_unless_it_is_a_line():
    assert data(message(b"..--b..", b"\r\n--bc\r\n", b"\r\n--b--c", b"\r\n--b -")) == [
        b"..--b..",
        b"\r\n--bc\r\n",
        b"\r\n--b--c",
        b"\r\n--b -",
    ]


def test_a_length_saves_data_that_have_the_delimiter_in_them():
    inner = b"x\r\n--b\r\nContent-Type: a/b\r\n\r\ny\r\n--b--\r\nz"
    head = b"Content-Type: a/b\r\nContent-Length: %d\r\n" % len(inner)
    assert data(message(inner, head=head)) == [inner]
    assert len(data(message(inner))) > 1


@pytest.mark.parametrize("length", [b"0", b"2", b"99999", b"-1", b"3.0", b"9" * 400, "\u0663".encode()])
def test_wrong_lengths_are_not_believed(length):
    assert data(message(b"abc", head=b"Content-Length: " + length + b"\r\n")) == [b"abc"]


def test_a_missing_last_delimiter_is_forgiven_only_where_the_length_is_told():
    cut = message(b"abc", head=b"Content-Length: 3\r\n", end=b"")[: -len(b"--b")]
    assert data(cut) == [b"abc"]
    assert data(cut[:-2]) == [b"abc"]
    with pytest.raises(MultipartError, match="ends inside of part 1"):
        split(message(b"abc", end=b"")[: -len(b"--b")], TYPE)


def test_empty_bodies_have_no_parts():
    assert split(b"", TYPE) == split(b"\r\n", TYPE) == []
    assert split(b"--b--", TYPE) == split(b"--b--\r\n", TYPE) == []


WHOLE = message(b"first", b"second" * 10)


@pytest.mark.parametrize("end", range(1, len(WHOLE) - 1))
def test_what_is_cut_off_is_an_error_at_every_byte(end):
    if WHOLE[:end].strip(b"\r\n"):
        with pytest.raises(MultipartError):
            split(WHOLE[:end], TYPE)


@pytest.mark.parametrize(
    ("body", "content_type", "what"),
    [
        (message(b"x"), "multipart/related; boundary=other", "does not have its boundary"),
        (b"no parts at all", "multipart/related", "has no boundary"),
        (b"--\r\nx", "multipart/related", "has no boundary"),
        (message(b"x"), f"multipart/related; boundary={'b' * 300}", "too long"),
        (b"--" + b"b" * 300 + b"\r\n\r\nx", "multipart/related", "boundary"),
        (b"--b\r\n" + b"a: b\r\n" * 10_000 + b"\r\nx\r\n--b--", TYPE, "no end of its headers"),
        (b"--b\r\nno colon\r\n\r\nx\r\n--b--", TYPE, "a header that is none"),
        (b"--b\r\nContent-Type: a/b\r\nabc\r\n--b--", TYPE, "headers"),
        (b"--b\r\n\r\nabc--b--", TYPE, "ends inside of part 1"),
        (b"--b", TYPE, "does not have its boundary"),
        (b"--b\r\n", TYPE, "headers"),
    ],
)
def test_damaged_messages_are_errors(body, content_type, what):
    with pytest.raises(MultipartError, match=what):
        split(body, content_type)


def test_errors_show_nothing_of_the_message():
    with pytest.raises(MultipartError) as caught:
        split(b"--b\r\nDoe^Jane\r\n\r\nx\r\n--b--", TYPE)
    assert "Doe" not in str(caught.value)


@pytest.mark.parametrize("filler", [b"\r\n--b.", b".--b", b"\r\n--b--x", b"-", b"\r\n", b"--b\r"])
def test_the_time_is_linear_in_the_size(filler):
    body = message(filler * (4_000_000 // len(filler)))
    start = time.perf_counter()
    parts = split(body, TYPE)
    assert time.perf_counter() - start < 10
    assert sum(len(part.data) for part in parts) > 3_000_000


def test_bytes_at_random_are_parts_or_errors():
    chance = random.Random(6)
    pieces = [b"\r\n--b\r\n\r\n", b"--b", b"\r\n", b"--", b"\n", b"a: b", b"Content-Length: 2", b"xyz", b"\0", b" "]
    outcomes = set()
    for _ in range(20_000):
        body = b"".join(chance.choices(pieces, k=chance.randrange(14)))
        try:
            parts = split(body, TYPE)
            assert sum(len(part.data) for part in parts) <= len(body)
            outcomes.add(len(parts))
        except MultipartError:
            outcomes.add(-1)
    assert {-1, 0, 1, 2} <= outcomes


# ---- single parts that are none ----


def test_accidental_messages_are_unwrapped():
    assert unwrapped(message(b"the bytes")) == b"the bytes"
    assert unwrapped(b"\r\n" + message(b"the bytes", boundary=b"any other")) == b"the bytes"
    assert unwrapped(message(b"", b"second")) == b"second"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"--b\r\n\r\nx\r\n--b--",  # shorter than any real one
        b"....--b\r\nContent-Type: image/jpeg\r\n\r\nx\r\n--b--",
        b"--b\r\nContent-Type: image/jpeg\r\n\r\nnever ended",
        b"--b\r\n" + b"a: b\r\n" * 100 + b"\r\nx\r\n--b--",
        b"-- no message, but a text that begins with dashes\r\n\r\nand goes on",
        b"--\xff\xd8\xff\xe0" + bytes(100),
    ],
)
def test_other_bytes_stay_as_they_are(body):
    assert unwrapped(body) == body


# ---- Accept ----

OCTETS = "application/octet-stream"
TABLE = {
    "*": OCTETS,
    "1.2.840.10008.1.2": OCTETS,
    "1.2.840.10008.1.2.1": OCTETS,
    "1.2.840.10008.1.2.2": OCTETS,
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/dicom+jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.4.92": "image/jpx",
    "1.2.840.10008.1.2.4.93": "image/jpx",
}


@pytest.mark.parametrize("syntax", TABLE)
def test_accept_headers_of_the_reference(syntax):
    made = f'multipart/related; type="{TABLE[syntax]}"; transfer-syntax="{syntax}"'
    assert generate_accept_header((), syntax) == [made]
    assert generate_accept_header((), syntax, True) == [made.replace('"', "")]


@pytest.mark.parametrize("syntax", [None, "", "1.2.3", "1.2.840.10008.1.2.4.201"])
def test_unknown_transfer_syntaxes_are_whatever_there_is(syntax):
    assert generate_accept_header((), syntax) == [f'multipart/related; type="{OCTETS}"; transfer-syntax="*"']


def test_what_is_configured_is_accepted_as_it_is():
    assert generate_accept_header(("a", "b"), "1.2.840.10008.1.2.4.90", True) == ["a", "b"]
    assert generate_accept_header() == generate_accept_header([], "*", False)


def test_media_types_in_accept_headers():
    assert accept_types(["image/jpeg"], singlepart=False) == 'multipart/related; type="image/jpeg"'
    assert accept_types(["a/b", "c/d; q=0.5"], singlepart=True) == "a/b, c/d; q=0.5"
    assert accept_types("a/b;x=y", singlepart=False, omit_quotation=True) == "multipart/related; type=a/b;x=y"
    taken = 'multipart/related; type="a/b", */*'
    assert accept_types(taken.split(", "), singlepart=False) == taken


@pytest.mark.parametrize("wrong", [[], ["image"], ["a/b\r\nX: y"], [""], [7], ["a/b, c/d"], ["a/b; é"]])
def test_what_is_no_media_type(wrong):
    with pytest.raises(ConfigurationError, match="media_types"):
        accept_types(wrong, singlepart=True)
