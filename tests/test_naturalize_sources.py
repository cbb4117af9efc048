"""Whatever form the input has, the table is the same; what is none of these forms is refused by name."""

from __future__ import annotations

import array
import collections
import gc
import io
import itertools
import json
import mmap
import os
import sys
import tracemalloc
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.files import real_series

import metalith

ROWS = [*real_series(), {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Buc^Jérôme", "Ideographic": "東京"}]}}]
BODY = json.dumps(ROWS, ensure_ascii=False).encode()
ASCII = json.dumps(ROWS).encode()
EXPECTED = metalith.naturalize(BODY).to_dicts()
SMALL = '[{"00100020":{"vr":"LO","Value":["é😀"]}}]'.encode()


def test_the_body_is_worth_it():
    assert not BODY.isascii()
    assert len(EXPECTED) == len(ROWS)
    assert EXPECTED[-1]["PatientName"] == "Buc^Jérôme=東京"
    assert sum(map(len, EXPECTED)) > 300


@pytest.mark.parametrize(
    "form",
    [
        bytes,
        bytearray,
        memoryview,
        lambda body: memoryview(b"x" + body + b"x")[1:-1],
        lambda body: array.array("B", body),
        lambda body: np.frombuffer(body, dtype=np.uint8),
        lambda body: memoryview(body + b" " * (-len(body) % 8)).cast("Q"),
        lambda body: np.frombuffer(body + b" " * (-len(body) % 4), dtype=np.uint8).reshape(4, -1),
        bytes.decode,
        lambda body: json.dumps(json.loads(body)),
        io.BytesIO,
        lambda body: io.BufferedReader(io.BytesIO(body)),
        lambda body: io.StringIO(body.decode()),
        lambda body: io.TextIOWrapper(io.BytesIO(body), encoding="utf-8"),
        lambda body: json.loads(body),
        lambda body: tuple(json.loads(body)),
        lambda body: (row for row in json.loads(body)),
        lambda body: map(collections.OrderedDict, json.loads(body)),
        lambda body: [collections.ChainMap(row) for row in json.loads(body)],
        lambda body: [body],
        lambda body: (body[i : i + 1000] for i in range(0, len(body), 1000)),
        lambda body: (memoryview(body)[i : i + 7777] for i in range(0, len(body), 7777)),
        lambda body: [b"", b"\xef", b"\xbb", b"\xbf", body[:1], b"", body[1:], b""],
        lambda body: b"\xef\xbb\xbf" + body,
        lambda body: "\ufeff" + body.decode(),
        lambda body: b" \t\r\n" + body + b"\n\n",
        lambda body: b"\n".join(json.dumps(row).encode() for row in json.loads(body)),
        lambda body: b"".join(json.dumps([row]).encode() for row in json.loads(body)),
        lambda body: [json.dumps(row).encode() + b"\r\n" for row in json.loads(body)],
        lambda body: json.dumps(json.loads(body), indent="\t").replace("\n", "\r\n"),
    ],
)
def test_forms(form):
    assert metalith.naturalize(form(BODY)).to_dicts() == EXPECTED


def test_str_that_is_ascii():
    assert ASCII.isascii()
    assert metalith.naturalize(ASCII.decode()).to_dicts() == EXPECTED


class TestFiles:
    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "metadata.json"
        path.write_bytes(BODY)
        return path

    def test_path(self, path):
        assert metalith.naturalize(path).to_dicts() == EXPECTED

    def test_mmap(self, path):
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            table = metalith.naturalize(mapped)
        assert table.to_dicts() == EXPECTED

    @pytest.mark.parametrize("buffering", [-1, 0, 50])
    def test_open_binary(self, path, buffering):
        with path.open("rb", buffering=buffering) as file:
            assert metalith.naturalize(file).to_dicts() == EXPECTED
            assert file.read() == b"", "the file has been read"
            with pytest.raises(metalith.ParseError):
                metalith.naturalize(file)

    def test_open_text(self, path):
        with path.open(encoding="utf-8") as file:
            assert metalith.naturalize(file).to_dicts() == EXPECTED

    @pytest.mark.parametrize("mode", ["rb", "r"])
    def test_from_where_it_stands(self, path, mode):
        path.write_bytes(b"header\n" + BODY)
        with path.open(mode, encoding=None if mode == "rb" else "utf-8") as file:
            file.readline()
            assert metalith.naturalize(file).to_dicts() == EXPECTED

    def test_bytes_io_from_where_it_stands(self):
        file = io.BytesIO(b"header" + BODY)
        file.seek(6)
        assert metalith.naturalize(file).to_dicts() == EXPECTED

    def test_pipe(self):
        reading, writing = os.pipe()
        os.write(writing, SMALL)
        os.close(writing)
        with os.fdopen(reading, "rb") as file:
            assert metalith.naturalize(file)[0].PatientID == "é😀"

    def test_reads_that_are_short(self):
        class Slow(io.RawIOBase):
            def __init__(self):
                self.rest = BODY

            def read(self, size=-1):
                piece, self.rest = self.rest[:999], self.rest[999:]
                return piece

        assert metalith.naturalize(Slow()).to_dicts() == EXPECTED

    @pytest.mark.parametrize("content", [b"", b"\n"])
    def test_empty(self, tmp_path, content):
        path = tmp_path / "empty.json"
        path.write_bytes(content)
        with pytest.raises(metalith.ParseError, match=r"empty\.json: .*empty"):
            metalith.naturalize(path)

    def test_absent_or_a_folder(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            metalith.naturalize(tmp_path / "absent.json")
        with pytest.raises(IsADirectoryError):
            metalith.naturalize(tmp_path)

    @pytest.mark.parametrize("wrapped", [False, True])
    def test_past_max_bytes(self, path, wrapped):
        with pytest.raises(metalith.ParseError, match="max_bytes") as caught, path.open("rb") as file:
            metalith.naturalize(io.BytesIO(file.read()) if wrapped else file, max_bytes=len(BODY) - 1)
        assert caught.value.offset == len(BODY) - 1
        assert metalith.naturalize(path, max_bytes=len(BODY)).to_dicts() == EXPECTED

    def test_a_file_past_two_gib_is_not_read(self, tmp_path):
        path = tmp_path / "sparse.json"
        with path.open("wb") as file:
            file.truncate((2 << 30) + 1)
        with pytest.raises(metalith.ParseError, match="max_bytes=2,147,483,648"):
            metalith.naturalize(path)

    def test_text_of_another_encoding(self, path):
        path.write_bytes('{"00100020":{"vr":"LO","Value":["é"]}}'.encode("latin-1"))
        for opened in (path, path.open("rb"), path.open(encoding="utf-8")):
            with pytest.raises(metalith.ParseError, match="UTF-8"):
                metalith.naturalize(opened)
            if opened is not path:
                opened.close()
        path.write_text('{"00100020":{"vr":"LO","Value":["é"]}}', encoding="utf-16")
        with path.open(encoding="utf-16") as file:
            assert metalith.naturalize(file)[0].PatientID == "é"


class TestDicts:
    def test_one(self):
        table = metalith.naturalize({"00280010": {"vr": "US", "Value": [512]}})
        assert len(table) == 1
        assert table[0].Rows == 512

    @pytest.mark.parametrize(
        ("vr", "value", "expected"),
        [
            ("DS", [float("inf"), float("-inf"), 0.1], (float("inf"), float("-inf"), 0.1)),
            ("FD", [1e-320, 1.7976931348623157e308], (1e-320, 1.7976931348623157e308)),
            ("UV", [2**64 - 1, 2**64, 2**70, -(2**63) - 1], (2**64 - 1, 2**64, 2**70, -(2**63) - 1)),
            ("US", (1, 2), (1, 2)),
            ("US", np.array([1, 2], dtype=np.uint16), (1, 2)),
            ("US", [np.uint16(3), np.int64(4)], (3, 4)),
            ("FD", [np.float32(0.5), np.float64(0.1)], (0.5, 0.1)),
            ("LO", ("a", None, "é"), ("a", None, "é")),
            ("LO", ['\x00\x1f"\\/'], '\x00\x1f"\\/'),
            ("LO", ["\ud83d", "x"], ("\ufffd", "x")),
        ],
    )
    @pytest.mark.parametrize("form", [dict, collections.UserDict])
    def test_values(self, form, vr, value, expected):
        instance = metalith.naturalize([form({"00091001": {"vr": vr, "Value": value}})])[0]
        assert instance["00091001"] == expected
        assert [type(v) for v in instance.values("00091001")] == [
            type(v) for v in np.atleast_1d(instance.values("00091001")).tolist()
        ]

    @pytest.mark.parametrize("nan", [float("nan"), np.float32("nan"), np.float64("nan")])
    def test_nan(self, nan):
        value = metalith.naturalize({"00091001": {"vr": "FD", "Value": [nan]}})[0]["00091001"]
        assert isinstance(value, float)
        assert value != value

    def test_input_is_not_changed(self):
        rows = real_series()
        metalith.naturalize(rows)
        assert rows == real_series()

    @pytest.mark.parametrize("value", [b"x", {1, 2}, object(), 1j])
    def test_what_json_has_no_form_for(self, value):
        with pytest.raises(metalith.ParseError, match=type(value).__name__ + "|TypeError"):
            metalith.naturalize({"00091001": {"vr": "LO", "Value": [value]}})

    @pytest.mark.parametrize("dataset", [{0x00280010: {"vr": "US", "Value": [1]}}, {"00280010": {"vr": "US", None: 1}}])
    def test_keys_are_str(self, dataset):
        with pytest.raises(metalith.ParseError, match="key"):
            metalith.naturalize(dataset)

    def test_endless(self):
        element = {"vr": "LO", "Value": []}
        element["Value"].append(element)
        with pytest.raises(metalith.ParseError, match="deep"):
            metalith.naturalize({"00091001": element})

    def test_deep(self):
        value = []
        for _ in range(900):
            value = [value]
        assert metalith.naturalize({"00091001": {"vr": "LO", "Value": value}})[0]["00091001"] is not None

    @pytest.mark.parametrize("rows", [[{}, None], [{}, []], [{}, "x"], [{}, 1]])
    def test_one_that_is_none(self, rows):
        with pytest.raises(metalith.ParseError, match="dataset must be a JSON object"):
            metalith.naturalize(rows)

    @pytest.mark.parametrize("none", [[], (), b"[]", "[]", " [ ] ", b"[][]", [b"[", b"]"]])
    def test_no_instances(self, none):
        table = metalith.naturalize(none)
        assert len(table) == 0
        assert list(table) == []
        assert table.keywords == table.constant == table.varying == table.problems == ()
        with pytest.raises(IndexError):
            table[0]


@pytest.mark.parametrize(
    "empty", [b"", bytearray(), memoryview(b""), "", " \n", b"\xef\xbb\xbf", iter([]), iter([b"", b""])]
)
def test_empty_input(empty):
    with pytest.raises(metalith.ParseError, match="empty"):
        metalith.naturalize(empty)


@pytest.mark.parametrize("body", [None, 5, 1.5, object(), len, [None], [5], ["[]"], iter(["[]"]), [[{}]], {1, 2}])
def test_wrong_types(body):
    with pytest.raises(TypeError, match="cannot naturalize"):
        metalith.naturalize(body)


@pytest.mark.parametrize(
    "view",
    [memoryview(BODY)[::2], memoryview(BODY)[::-1], np.frombuffer(BODY[:64], dtype=np.uint8).reshape(8, 8).T],
)
def test_buffers_that_are_not_contiguous(view):
    with pytest.raises(TypeError, match="contiguous"):
        metalith.naturalize(view)


@pytest.mark.parametrize("name", [None, "series 7"])
def test_half_a_surrogate_pair_in_a_str(name):
    text = '[{"00100020":{"vr":"LO","Value":["é\ud800"]}}]'
    with pytest.raises(metalith.ParseError, match="UTF-8") as caught:
        metalith.naturalize(text, source=name)
    assert caught.value.offset == text.index("\ud800") + 1
    assert caught.value.source == name
    assert str(caught.value).startswith("series 7: ") is (name is not None)


@pytest.mark.parametrize("body", [BODY[:300] + SMALL, SMALL])
def test_cut_at_every_position(body):
    body = SMALL if body is SMALL else b"\xef\xbb\xbf" + json.dumps(ROWS[-1], indent=1).encode() + SMALL * 2
    expected = metalith.naturalize(body).to_dicts()
    for cut in range(len(body) + 1):
        assert metalith.naturalize([body[:cut], body[cut:]]).to_dicts() == expected
    assert metalith.naturalize(body[i : i + 1] for i in range(len(body))).to_dicts() == expected


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, len(BODY)), max_size=12))
def test_cut_anywhere(cuts):
    places = [0, *sorted(cuts), len(BODY)]
    pieces = [BODY[a:b] for a, b in itertools.pairwise(places)]
    assert metalith.naturalize(iter(pieces)).to_dicts() == EXPECTED


def test_large_input_in_pieces():
    body = json.dumps(real_series(20)).encode()
    assert len(body) > 1 << 20
    expected = metalith.naturalize(body)
    assert metalith.naturalize(body[i : i + 65536] for i in range(0, len(body), 65536)) == expected
    assert metalith.naturalize(io.BytesIO(body)) == expected


def test_a_fault_in_an_iterable_of_bytes_comes_through():
    def broken():
        yield BODY[:1000]
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        metalith.naturalize(broken())


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview, bytes.decode])
def test_input_is_neither_copied_nor_kept(form):
    body = b'[{"00100020":{"vr":"LO","Value":["' + b"x" * 8_000_000 + b'"]}}]'
    source = form(body)
    references = sys.getrefcount(source)
    tracemalloc.start()
    try:
        table = metalith.naturalize(source)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
    assert sys.getrefcount(source) == references
    if form is bytearray:
        source.clear()  # a BufferError if a view were left
    assert len(table[0].PatientID) == 8_000_000


def test_dicts_and_files_are_not_kept():
    class Rows(list):
        pass

    rows, file = Rows(real_series()), io.BytesIO(BODY)
    gone = [weakref.ref(rows), weakref.ref(file)]
    tables = [metalith.naturalize(rows), metalith.naturalize(file)]
    del rows, file
    gc.collect()
    assert [ref() for ref in gone] == [None, None]
    assert all(tables)


class TestOneDataset:
    @pytest.mark.parametrize(
        "form", [bytes, bytes.decode, json.loads, io.BytesIO, lambda body: [body], lambda b: b"[" + b + b"]"]
    )
    def test_forms(self, form):
        body = json.dumps(ROWS[0]).encode()
        instance = metalith.naturalize_dataset(form(body))
        assert isinstance(instance, metalith.Instance)
        assert instance.to_dict() == EXPECTED[0]

    @pytest.mark.parametrize(("body", "count"), [(b"[]", "0"), (b"{}{}", "2"), (BODY, str(len(ROWS)))])
    def test_not_one(self, body, count):
        with pytest.raises(metalith.ParseError, match=f"one dataset was expected, not {count}") as caught:
            metalith.naturalize_dataset(body, source="here")
        assert caught.value.source == "here"

    def test_arguments_are_handed_on(self):
        with pytest.raises(metalith.ParseError):
            metalith.naturalize_dataset(b'{"00280010":{"Value":[1]}}', strict=True)
        with pytest.raises(metalith.ParseError, match="max_bytes"):
            metalith.naturalize_dataset(b"{}", max_bytes=1)
        with pytest.raises(TypeError, match="max_bite"):
            metalith.naturalize_dataset(b"{}", max_bite=1)
