"""Values that were left in a file: where their URIs say they are, what is read there, and what is refused."""

from __future__ import annotations

import contextlib
import copy
import io
import mmap
import os
import pickle
import re
import struct
import sys
import traceback
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file

import metalith
from metalith import BulkData, BulkDataError

MANY = settings(max_examples=200, deadline=None)
# Name of a pydicom file, and what its URI has besides the place.
FILES = {
    "CT_small.dcm": "",
    "MR_small.dcm": "",
    "ExplVR_BigEnd.dcm": "&order=big",
    "MR_small_bigendian.dcm": "&order=big",
    "image_dfl.dcm": "&deflated=",
    "JPEG2000.dcm": "",
    "JPEG-lossy.dcm": "",
    "SC_rgb_rle_2frame.dcm": "",
}
ENCAPSULATED = {"JPEG2000.dcm", "JPEG-lossy.dcm", "SC_rgb_rle_2frame.dcm"}
TYPES = [
    *[("OB", "u1"), ("UN", "u1"), ("OW", "u2"), ("US", "u2"), ("SS", "i2"), ("OL", "u4"), ("UL", "u4"), ("SL", "i4")],
    *[("OV", "u8"), ("UV", "u8"), ("SV", "i8"), ("OF", "f4"), ("FL", "f4"), ("OD", "f8"), ("FD", "f8")],
]
ITEM, DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"


def file_uri(path, query):
    """The URI of a file source as it is now."""
    status = os.stat(path)
    return f"{Path(path).as_uri()}?{query}&size={status.st_size}&mtime={status.st_mtime_ns}"


def local(path, query, vr="OB"):
    return BulkData(file_uri(path, query), vr, True)


def items(*values):
    return b"".join(ITEM + struct.pack("<I", len(value)) + value for value in values)


def deflate(data):
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    return engine.compress(data) + engine.flush()


def pixels(name):
    """Path, query of the URI, VR and bytes of a file's pixel data, as pydicom has them."""
    path = get_testdata_file(name, download=False)
    with open(path, "rb") as file:
        dataset = pydicom.dcmread(file)
        raw = dataset.get_item(0x7FE00010)
    query, offset = FILES[name], raw.value_tell
    if query == "&deflated=":
        start = 132 + 12 + dataset.file_meta.FileMetaInformationGroupLength
        query, offset = f"{query}{start}", start + offset
    length = "" if name in ENCAPSULATED else f"&length={raw.length}"
    return path, f"offset={offset}{length}{query}", raw.VR, dataset.PixelData


class TestRealFiles:
    @pytest.mark.parametrize("name", FILES)
    def test_what_pydicom_reads(self, name):
        path, query, vr, expected = pixels(name)
        bulk = local(path, query, vr)
        assert bulk.read() == expected
        assert bulk.path == path
        assert bulk.length == (None if name in ENCAPSULATED else len(expected))
        data = Path(path).read_bytes()
        for given_uri in (bulk, BulkData(f"?{query}", vr), BulkData(f"?{query}", vr, True)):
            for source in (data, bytearray(data), memoryview(data), path, Path(path), io.BytesIO(data)):
                assert given_uri.read(source) == expected

    @pytest.mark.parametrize("name", sorted(FILES.keys() - ENCAPSULATED))
    def test_arrays(self, name):
        path, query, vr, expected = pixels(name)
        array = local(path, query, vr).numpy()
        sent = np.dtype("u1" if vr == "OB" else ">u2" if "order=big" in query else "<u2")
        assert array.dtype == sent.newbyteorder("=")
        assert array.dtype.isnative
        np.testing.assert_array_equal(array, np.frombuffer(expected, sent))

    def test_big_and_little_endian_have_the_same_numbers(self):
        little, big = (local(path, query, vr) for path, query, vr, _ in map(pixels, ["MR_small.dcm", list(FILES)[3]]))
        assert little.read() != big.read()
        np.testing.assert_array_equal(little.numpy(), big.numpy())

    @pytest.mark.parametrize("name", sorted(ENCAPSULATED))
    def test_no_array_of_encapsulated(self, name):
        path, query, vr, _ = pixels(name)
        with pytest.raises(BulkDataError, match="encapsulated"):
            local(path, query, vr).numpy()

    @pytest.mark.parametrize("name", FILES)
    def test_cut_short(self, name, tmp_path):
        """Wherever the file ends, there is one error and never a part of the value."""
        path, query, vr, expected = pixels(name)
        data = Path(path).read_bytes()
        bulk = BulkData(f"?{query}", vr)
        end = len(data) if "deflated" in query else bulk.offset + len(expected)
        begin = 0 if "deflated" in query else bulk.offset
        short = tmp_path / "short.dcm"
        for cut in {0, begin, begin + 1, begin + 7, begin + 9, (begin + end) // 2, end - 100, end - 20}:
            with pytest.raises(BulkDataError, match=r"fewer bytes|longer than what is left"):
                bulk.read(data[:cut])
            short.write_bytes(data[:cut])
            with pytest.raises(BulkDataError, match=r"fewer bytes|longer than what is left"):
                local(short, query, vr).read()


class TestUris:
    @MANY
    @given(st.lists(st.integers(0, 2**63 - 1), min_size=4, max_size=4), st.booleans(), st.booleans(), st.randoms())
    def test_places(self, numbers, big, encapsulated, random):
        offset, length, size, mtime = numbers
        parameters = [f"offset={offset}", f"size={size}", f"mtime={mtime - 2**62}"]
        parameters += [] if encapsulated else [f"length={length}"]
        parameters += ["order=big"] if big else []
        random.shuffle(parameters)
        for uri in ("file:///a/b?" + "&".join(parameters), "?" + "&".join(p for p in parameters if p[0] not in "sm")):
            bulk = BulkData(uri, "OW")
            assert (bulk.offset, bulk.length) == (offset, None if encapsulated else length)
            assert bulk.path is None
            assert BulkData(uri, "OW", True).path == ("/a/b" if uri[0] == "f" else None)
            assert repr(bulk) == ("<BulkData OW>" if encapsulated else f"<BulkData OW, {length:,} bytes>")

    @pytest.mark.parametrize(
        "uri",
        [
            "",
            "?",
            "https://host/studies/1?offset=1&length=2",
            "/studies/1?offset=1&length=2",
            "../bulk/7",
            "?length=2",
            "?offset=",
            "?offset=1&",
            "?offset=1&offset=1",
            "?offset=-1&length=2",
            "?offset=+1",
            "?offset=1_0",
            "?offset=١",
            "?offset=1&length=99999999999999999999",
            "?offset=1&length=2&token=3",
            "?offset=1&order=little",
            "?OFFSET=1",
            "?offset=1#x",
            "?offset=1\n",
            " ?offset=1",
            "?offset=1&size=3",
            "?offset=1&size=3&mtime=4",
            "file:///a?offset=1",
            "file:///a?offset=1&size=3",
            "file:///a?offset=1&mtime=3",
            "file://host/a?offset=1&size=3&mtime=4",
            "file:a?offset=1&size=3&mtime=4",
            "file:/a?offset=1&size=3&mtime=4",
            "FILE:///a?offset=1&size=3&mtime=4",
            "file:///a b?offset=1&size=3&mtime=4",
            "file:///ä?offset=1&size=3&mtime=4",
            "file:///a%?offset=1&size=3&mtime=4",
            "file:///a%2?offset=1&size=3&mtime=4",
            "file:///a%zz?offset=1&size=3&mtime=4",
            "file:///a%00?offset=1&size=3&mtime=4",
            "file:///a#b?offset=1&size=3&mtime=4",
            "file:///a?b?offset=1&size=3&mtime=4",
            "\ud800?offset=1",
        ],
    )
    @pytest.mark.parametrize("trusted", [False, True])
    def test_no_places(self, uri, trusted):
        bulk = BulkData(uri, "OW", trusted)
        assert bulk.offset is bulk.length is bulk.path is None
        assert repr(bulk) == "<BulkData OW>"
        for source in (None, b"0123456789"):
            with pytest.raises(BulkDataError, match="through the data source"):
                bulk.read(source)
            with pytest.raises(BulkDataError, match="through the data source"):
                bulk.numpy(source)

    GRAMMAR = (
        r"(file://(/metalith-absent-[a%?#0-9A-F]{0,8}|[/a]{0,3}))?\?"
        r"((offset|length|size|mtime|order|deflated|x)(=(-?[0-9]{1,21}|big))?&?){0,7}"
    )

    @MANY
    @given(st.text() | st.from_regex(GRAMMAR) | st.from_regex(GRAMMAR, fullmatch=True), st.booleans())
    @example("?offset=1&length=9223372036854775807", True)
    @example("?offset=9223372036854775807&length=9223372036854775807&deflated=9223372036854775807", True)
    @example("?offset=0&length=9223372036854775807&deflated=0", True)
    @example("?offset=9999999999999999999", True)
    def test_anything(self, uri, trusted):
        """Whatever the URI, there is an answer or a BulkDataError."""
        bulk = BulkData(uri, "OW", trusted)
        assert bulk.offset is None or bulk.offset >= 0
        assert bulk.length is None or (bulk.offset is not None and bulk.length >= 0)
        assert bulk.path is None or trusted
        assert repr(bulk).startswith("<BulkData OW")
        assert pickle.loads(pickle.dumps(bulk)) == bulk
        for source in (None, b"", deflate(bytes(20)), io.BytesIO(bytes(20))):
            for read in (bulk.read, bulk.numpy):
                with contextlib.suppress(BulkDataError):
                    assert len(read(source)) <= 20

    @pytest.mark.parametrize("name", ["a b", "a?b#c&d=e%41", "ä日本", "a+b", "x" * 200, "q'\"<>\\", "\udcff\udc80"])
    @pytest.mark.skipif(sys.platform != "linux", reason="file names that not every system has")
    def test_paths(self, name, tmp_path):
        path = tmp_path / name
        path.write_bytes(b"0123456789")
        bulk = local(path, "offset=3&length=4")
        assert bulk.path == str(path)
        assert bulk.read() == b"3456"


class TestTrust:
    """Only what Metalith made from a file that it read may open files."""

    @pytest.fixture
    def uri(self, tmp_path):
        (tmp_path / "file").write_bytes(b"0123456789")
        return file_uri(tmp_path / "file", "offset=3&length=4")

    def test_sent_uris_open_nothing(self, uri, monkeypatch):
        assert BulkData(uri, "OB", True).read() == b"3456"
        sent = metalith.naturalize({"7FE00010": {"vr": "OB", "BulkDataURI": uri}})[0].PixelData
        opened = []
        with monkeypatch.context() as patched:
            for name in ("builtins.open", "io.open", "os.open", "os.stat"):
                patched.setattr(name, lambda *args, **kwargs: opened.append(args) or 1 / 0)
            for bulk in (sent, BulkData(uri, "OB"), BulkData(uri, "OB", False)):
                for read in (bulk.read, bulk.numpy):
                    with pytest.raises(BulkDataError, match="through the data source"):
                        read()
            assert bulk.read(b"abcdefgh") == b"defg"  # what the caller opens is the caller's business
        assert not opened
        assert sent.local is False
        assert sent.path is None
        assert (sent.offset, sent.length) == (3, 4)

    def test_dicom_json_does_not_carry_trust(self, uri):
        ours = {"7FE00010": BulkData(uri, "OB", True)}
        again = metalith.naturalize(metalith.dumps(ours))[0].PixelData
        assert again == ours["7FE00010"]
        assert again.local is False

    def test_copies_and_pickles_keep_it(self, uri):
        for trusted in (False, True):
            bulk = BulkData(uri, "OB", trusted)
            for same in (
                copy.copy(bulk),
                copy.deepcopy(bulk),
                *(pickle.loads(pickle.dumps(bulk, p)) for p in range(6)),
            ):
                assert same == bulk
                assert same.local is trusted

    def test_equality_and_texts(self, uri):
        bulk = BulkData(uri, "OB", True)
        assert bulk == BulkData(uri, "OB")
        assert hash(bulk) == hash(BulkData(uri, "OB"))
        assert bulk != BulkData(uri, "OW", True)
        assert repr(bulk) == str(bulk) == "<BulkData OB, 4 bytes>"
        assert repr(BulkData("?offset=1&length=524288", "OW")) == "<BulkData OW, 524,288 bytes>"
        assert repr(BulkData("https://host/x?token=SECRET", "OW")) == "<BulkData OW>"
        assert not hasattr(bulk, "__dict__")


class TestFiles:
    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "SECRET^NAME.dcm"
        path.write_bytes(b"0123456789")
        os.utime(path, ns=(10**18, 10**18 + 1))
        return path

    def fails(self, bulk, match, source=None):
        with pytest.raises(BulkDataError, match=match) as caught:
            bulk.read(source)
        assert isinstance(caught.value, metalith.MetalithError)
        told = [str(caught.value), repr(caught.value), repr(vars(caught.value))]
        told += traceback.format_exception_only(caught.value)
        assert "SECRET" not in "".join(told)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
        return caught.value

    def test_missing(self, path):
        bulk = local(path, "offset=3&length=4")
        moved = path.rename(path.with_name("moved"))
        self.fails(bulk, "cannot be read.*if it was moved")
        assert bulk.read(moved) == bulk.read(str(moved)) == b"3456"
        self.fails(bulk, r"cannot be read: [^;]*$", path)

    def test_no_file(self, path):
        bulk = local(path, "offset=3&length=4")
        path.unlink()
        path.mkdir()
        self.fails(bulk, "cannot be read")
        self.fails(bulk, "cannot be read", path)

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
    def test_not_readable(self, path):
        bulk = local(path, "offset=3&length=4")
        path.chmod(0)
        self.fails(bulk, "cannot be read")

    def test_changed(self, path):
        bulk = local(path, "offset=3&length=4")
        assert bulk.read() == b"3456"
        path.write_bytes(b"9876543210")  # the same size
        self.fails(bulk, "changed since")
        assert bulk.read(path) == b"6543"
        os.utime(path, ns=(10**18, 10**18 + 1))
        assert bulk.read() == b"6543"
        os.utime(path, ns=(10**18, 10**18 + 1001))
        self.fails(bulk, "changed since")
        path.write_bytes(b"01234567890")  # the same time
        os.utime(path, ns=(10**18, 10**18 + 1))
        self.fails(bulk, "changed since")

    def test_before_1970(self, path):
        os.utime(path, ns=(0, -(10**18) - 3))
        if path.stat().st_mtime_ns >= 0:
            pytest.skip("the file system has no such times")
        assert local(path, "offset=0&length=1").read() == b"0"

    def test_cut_while_reading(self):
        class Shrinking(io.BytesIO):
            def read(self, size=-1):
                return super().read(min(size, 2)) if self.tell() < 5 else b""

        self.fails(BulkData("?offset=3&length=4", "OB"), "cut short", Shrinking(b"0123456789"))

    @pytest.mark.parametrize("length", [8, 2**31, 2**62])
    def test_announced_too_much(self, path, length):
        self.fails(local(path, f"offset=3&length={length}"), "fewer bytes than announced")
        self.fails(BulkData(f"?offset=3&length={length}", "OB"), "fewer bytes than announced", b"0123456789")
        self.fails(local(path, f"offset={length + 3}&length=0"), "fewer bytes than announced")

    def test_empty(self, path):
        for offset in (0, 5, 10):
            bulk = local(path, f"offset={offset}&length=0")
            assert bulk.read() == b""
            assert bulk.numpy().shape == (0,)


class TestSources:
    BULK = BulkData("?offset=3&length=4", "OB")

    def test_none(self):
        for bulk in (self.BULK, BulkData(self.BULK.uri, "OB", True)):
            with pytest.raises(BulkDataError, match="give them as source"):
                bulk.read()

    def test_buffers(self):
        array = np.frombuffer(b"0123456789" * 2, "<u2").reshape(2, 5)
        for source in (array, array.astype(np.float64).tobytes()[:0] + array.tobytes(), bytearray(array)):
            assert self.BULK.read(source) == b"3456"
        kept = bytearray(b"0123456789")
        self.BULK.read(kept)
        kept.append(0)  # no view is left

    def test_maps(self, tmp_path):
        (tmp_path / "file").write_bytes(b"0123456789")
        with open(tmp_path / "file", "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert self.BULK.read(mapped) == b"3456"
            with pytest.raises(BulkDataError):
                BulkData("?offset=3", "OB").read(mapped)

    @pytest.mark.parametrize("buffering", [0, -1])
    def test_files_keep_their_position(self, tmp_path, buffering):
        (tmp_path / "file").write_bytes(b"0123456789")
        with open(tmp_path / "file", "rb", buffering) as file:
            file.seek(5)
            assert self.BULK.read(file) == b"3456"
            assert file.tell() == 5
            with pytest.raises(BulkDataError):
                BulkData("?offset=3", "OB").read(file)
            assert file.tell() == 5

    def test_files_that_give_little(self):
        class Slow(io.BytesIO):
            def read(self, size=-1):
                return super().read(min(size, 3))

        data = items(bytes(10), b"") + DELIMITER
        assert BulkData("?offset=0", "OB").read(Slow(data)) == data[:-8]
        assert BulkData("?offset=1&length=9&deflated=1", "OB").read(Slow(b"x" + deflate(b"123456789"))) == b"123456789"

    def test_files_that_cannot_seek(self):
        reader, writer = os.pipe()
        with open(writer, "wb"), open(reader, "rb") as file, pytest.raises(BulkDataError, match="cannot be read"):
            self.BULK.read(file)

    def test_files_that_cannot_read(self, tmp_path):
        with open(tmp_path / "file", "wb") as file:
            file.write(b"0123456789")
            with pytest.raises(BulkDataError, match="cannot be read: UnsupportedOperation"):
                self.BULK.read(file)

    @pytest.mark.parametrize("source", [5, [b"0123456789"], io.StringIO("0123456789"), object(), np.arange(20)[::2]])
    def test_what_is_no_source(self, source):
        with pytest.raises(TypeError, match="cannot read bulk data"):
            self.BULK.read(source)


class TestArrays:
    @pytest.mark.parametrize(("vr", "dtype"), TYPES)
    @pytest.mark.parametrize("order", ["", "&order=big"])
    def test_types(self, vr, dtype, order):
        numbers = np.array([0, 1, 2, 77, 200], dtype)
        data = b"x" + numbers.astype(numbers.dtype.newbyteorder(">" if order else "<")).tobytes()
        bulk = BulkData(f"?offset=1&length={len(data) - 1}{order}", vr)
        array = bulk.numpy(data)
        assert array.dtype == np.dtype(dtype)
        assert array.dtype.isnative
        assert array.tolist() == numbers.tolist()
        assert not array.flags.writeable
        if array.itemsize > 1:
            with pytest.raises(BulkDataError, match="no whole number"):
                BulkData(f"?offset=0&length={len(data)}{order}", vr).numpy(data)

    @pytest.mark.parametrize("vr", ["LT", "UT", "UC", "PN", "SQ", "AT", "DS", "IS", "ox", ""])
    def test_vrs_without_numbers(self, vr):
        with pytest.raises(BulkDataError, match="no array"):
            BulkData("?offset=0&length=2", vr).numpy(b"ab")


class TestItems:
    @MANY
    @given(st.lists(st.binary(max_size=20)), st.binary(max_size=20), st.binary(max_size=20))
    def test_up_to_the_delimiter(self, values, before, after):
        data = before + items(*values) + DELIMITER + after
        for source in (data, io.BytesIO(data)):
            assert BulkData(f"?offset={len(before)}", "OB").read(source) == items(*values)
        deflated = b"abc" + deflate(data) + after
        assert BulkData(f"?offset={len(before) + 3}&deflated=3", "OB").read(deflated) == items(*values)

    def test_big_endian(self):
        data = struct.pack(">HHI4sHHI", 0xFFFE, 0xE000, 4, b"abcd", 0xFFFE, 0xE0DD, 0)
        assert BulkData("?offset=0&order=big", "OB").read(data) == data[:-8]
        with pytest.raises(BulkDataError, match="no item"):
            BulkData("?offset=0", "OB").read(data)

    @pytest.mark.parametrize("length", [5, 6, 2**31, 2**32 - 2, 2**32 - 1])
    def test_lengths_are_checked(self, length):
        data = items(b"abc") + ITEM + struct.pack("<I", length) + b"abcd"
        with pytest.raises(BulkDataError, match="longer than what is left"):
            BulkData("?offset=0", "OB").read(data)

    @pytest.mark.parametrize("data", [items(b"abcd"), items(b"abcd") + DELIMITER[:7], b"", ITEM])
    def test_no_end(self, data):
        with pytest.raises(BulkDataError, match="fewer bytes"):
            BulkData("?offset=0", "OB").read(data)

    @pytest.mark.parametrize("tag", [b"\xe0\x7f\x10\0", b"\xfe\xff\x0d\xe0", bytes(4)])
    def test_no_item(self, tag):
        with pytest.raises(BulkDataError, match="no item 11 bytes from"):
            BulkData("?offset=2", "OB").read(b"xx" + items(b"abc") + tag + bytes(20))

    @MANY
    @given(st.binary(max_size=60) | st.lists(st.sampled_from([ITEM, DELIMITER, b"\4\0\0\0", b"a"])).map(b"".join))
    def test_anything(self, data):
        for order in ("", "&order=big", "&deflated=0"):
            try:
                found = BulkData(f"?offset=0{order}", "OB").read(data)
            except BulkDataError:
                continue
            assert order == "&deflated=0" or data.startswith(found)

    @pytest.mark.skipif(sys.platform != "linux", reason="wants a file with a hole")
    def test_only_the_value_is_read(self, tmp_path):
        path = tmp_path / "large"
        with open(path, "wb") as file:
            file.write(items(b"ab", bytes(1000)) + DELIMITER)
            file.truncate(1 << 28)
        bulks = [local(path, query) for query in ("offset=0", "offset=8&length=2", "offset=268435455&length=1")]
        bulks[0].read()
        tracemalloc.start()
        try:
            assert [len(bulk.read()) for bulk in bulks] == [1018, 2, 1]
            assert tracemalloc.get_traced_memory()[1] < 1 << 20
        finally:
            tracemalloc.stop()


class TestDeflated:
    @MANY
    @given(st.binary(max_size=20), st.binary(max_size=300), st.binary(max_size=9), st.data())
    def test_places_count_in_what_was_inflated(self, before, data, after, draw):
        start = len(before)
        offset = draw.draw(st.integers(start, start + len(data)))
        length = draw.draw(st.integers(0, start + len(data) - offset))
        bulk = BulkData(f"?offset={offset}&length={length}&deflated={start}", "OB")
        assert bulk.read(before + deflate(data) + after) == (before + data)[offset : offset + length]

    def test_before_and_across_the_beginning(self):
        data = b"0123456789" + deflate(b"abcdef")
        assert BulkData("?offset=2&length=8&deflated=10", "OB").read(data) == b"23456789"
        for query in ("offset=2&length=9", "offset=2"):
            with pytest.raises(BulkDataError, match="begins before"):
                BulkData(f"?{query}&deflated=10", "OB").read(data)

    def test_large(self):
        data = os.urandom(1 << 20) + bytes(3 << 20) + b"end"
        sent = b"xx" + deflate(data)
        for offset, length in [(0, len(data)), (100, 1 << 21), (len(data) - 3, 3), ((1 << 18) - 1, 2)]:
            bulk = BulkData(f"?offset={offset + 2}&length={length}&deflated=2", "OB")
            for source in (sent, io.BytesIO(sent)):
                assert bulk.read(source) == data[offset : offset + length]

    @pytest.mark.parametrize("data", [b"\xff" * 20, deflate(b"abcdef")[:-1], deflate(b"abcdef"), b""])
    def test_damaged(self, data):
        with pytest.raises(BulkDataError, match=r"damaged|fewer bytes"):
            BulkData("?offset=0&length=7&deflated=0", "OB").read(data)

    def test_begins_beyond_the_end(self):
        with pytest.raises(BulkDataError, match="fewer bytes"):
            BulkData("?offset=9&length=7&deflated=9", "OB").read(b"abc")

    def test_limit(self):
        data = items(bytes(1000)) + DELIMITER
        sent = deflate(data)
        end = len(data)
        with metalith.limits(max_bytes=end):
            assert BulkData(f"?offset=0&length={end}&deflated=0", "OB").read(sent) == data
            assert BulkData("?offset=0&deflated=0", "OB").read(sent) == data[:-8]
        with metalith.limits(max_bytes=end - 1):
            assert BulkData(f"?offset=0&length={end - 1}&deflated=0", "OB").read(sent) == data[:-1]
            for query in (f"offset=0&length={end}", f"offset={end}&length=0", "offset=0"):
                with pytest.raises(BulkDataError, match=re.escape(f"max_bytes={end - 1:,}")):
                    BulkData(f"?{query}&deflated=0", "OB").read(sent)
            # only what is inflated counts
            assert BulkData(f"?offset=0&length={2 * end}", "OB").read(bytes(2 * end)) == bytes(2 * end)

    def test_bombs(self):
        """Memory and work stay within the limit, whatever there is to inflate."""
        sent = deflate(bytes(1 << 26))
        tracemalloc.start()
        try:
            with metalith.limits(max_bytes=1 << 20):
                for query in ("offset=0", "offset=0&length=67108864", "offset=67108864&length=0"):
                    with pytest.raises(BulkDataError, match="max_bytes"):
                        BulkData(f"?{query}&deflated=0", "OB").read(sent)
            assert BulkData("?offset=0&length=10&deflated=0", "OB").read(sent) == bytes(10)
            assert BulkData("?offset=67108854&length=10&deflated=0", "OB").read(sent) == bytes(10)
            assert tracemalloc.get_traced_memory()[1] < 8 << 20
        finally:
            tracemalloc.stop()


def test_one_class():
    from metalith import bulk, errors

    assert bulk.BulkData is metalith.BulkData
    assert errors.BulkDataError is metalith.BulkDataError
    error = BulkDataError("x")
    assert str(pickle.loads(pickle.dumps(error))) == "x"
