"""Text of values by SpecificCharacterSet: what pydicom reads, what PS3.5 shows, and what neither foresees."""

from __future__ import annotations

import doctest
import itertools
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pydicom
import pydicom.data
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydicom.charset import convert_encodings, decode_bytes, encode_string, python_encoding
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.valuerep import PN_DELIMS, TEXT_VR_DELIMS, PersonName

from metalith import _charsets
from metalith._charsets import decode, kind

# what came with pydicom; pydicom.data.get_testdata_files would download more
FILES = sorted(Path(pydicom.data.__file__).parent.rglob("*.dcm"))
MANY = settings(max_examples=200, deadline=None)
TEXT_VRS = ["LO", "LT", "PN", "SH", "ST", "UC", "UT"]
SINGLE = ["13", "100", "101", "109", "110", "126", "127", "138", "144", "148", "166"]  # 203: pydicom has none
ALONE = {"ISO_IR 192": "utf-8", "GB18030": "gb18030", "GBK": "gbk"}
PAIRED = {"87": "iso2022_jp", "159": "iso2022_jp_2", "149": "euc_kr", "58": "gb2312"}
ESCAPES = {"87": b"\x1b$B", "159": b"\x1b$(D", "149": b"\x1b$)C", "58": b"\x1b$)A"}


def repertoire(number):
    """Non-ASCII characters of a set by its ISO-IR number."""
    if number in PAIRED:
        high = 0x80 if number in ("149", "58") else 0
        pairs = (bytes(pair) for pair in itertools.product(range(high + 0x21, high + 0x7F), repeat=2))
        prefix = b"" if high else ESCAPES[number]
        texts = ((prefix + pair).decode(PAIRED[number], "ignore") for pair in pairs)
    elif number == "6":
        texts = ()
    else:
        texts = (bytes([byte]).decode(python_encoding[f"ISO_IR {number}"], "ignore") for byte in range(0xA1, 0x100))
    return {text for text in texts if len(text) == 1 and text > "\x7f"}


REPERTOIRES = {number: repertoire(number) for number in ["6", *SINGLE, *PAIRED]}
ASCII = "".join(map(chr, range(0x20, 0x7F)))


def term(number, extended):
    return ("ISO 2022 IR " if extended else "ISO_IR ") + number


def pydicom_text(raw, vr, character_sets):
    """What pydicom makes of a value without delimiters."""
    delimiters = PN_DELIMS if vr == "PN" else TEXT_VR_DELIMS
    return decode_bytes(raw, convert_encodings(character_sets.split("\\")), delimiters)


class TestAgainstPydicom:
    @pytest.mark.parametrize("number", SINGLE)
    def test_all_single_bytes(self, number):
        character_sets = term(number, False)
        for byte in range(0x100):
            raw = bytes([byte, 0x20])
            text = raw.decode(python_encoding[character_sets], "replace")
            assert decode(raw, "UT", character_sets) == (text, "\ufffd" not in text and byte != 0x1B)

    @pytest.mark.parametrize("number", SINGLE)
    @pytest.mark.parametrize("first", ["", "ISO 2022 IR 6", "ISO 2022 IR 100"])
    def test_single_byte_after_an_escape_sequence(self, first, number):
        character_sets = f"{first}\\{term(number, True)}"
        for character in sorted(REPERTOIRES[number]):
            raw = encode_string(f"a{character}b", convert_encodings(character_sets.split("\\")))
            if b"\x1b" not in raw and first != "ISO 2022 IR 100":
                assert character <= "\xff"
                continue  # pydicom takes ASCII for Latin-1
            assert decode(raw, "LO", character_sets) == (f"a{character}b", True)
            assert pydicom_text(raw, "LO", character_sets) == f"a{character}b"

    @pytest.mark.parametrize("number", PAIRED)
    def test_all_pairs(self, number):
        character_sets = f"\\{term(number, True)}"
        high = 0x80 if number in ("149", "58") else 0
        for lead in range(high + 0x21, high + 0x7F):
            for trail in range(high + 0x21, high + 0x7F):
                raw = ESCAPES[number] + bytes([lead, trail]) + b"\x1b(Bx"
                try:
                    text = raw[4 if high else 0 : -4].decode(PAIRED[number]) + "x"
                except UnicodeDecodeError:
                    text, valid = decode(raw, "PN", character_sets)
                    assert "\ufffd" in text
                    assert not valid
                    continue
                assert decode(raw, "PN", character_sets) == (text, True)
                if number != "58":  # pydicom leaves its escape sequence in the text
                    assert pydicom_text(raw, "PN", character_sets) == text

    @MANY
    @given(st.text(), st.sampled_from(sorted(ALONE)), st.sampled_from(TEXT_VRS))
    def test_sets_without_extensions(self, text, character_sets, vr):
        text = text.encode(ALONE[character_sets], "ignore").decode(ALONE[character_sets])
        raw = encode_string(text, convert_encodings(character_sets))
        assert decode(raw, vr, character_sets) == (text, "\x1b" not in text)
        if "\x1b" not in text:
            assert pydicom_text(raw, vr, character_sets) == text

    @settings(max_examples=600, deadline=None)
    @given(st.data())
    def test_code_extensions(self, data):
        # one to four sets; the first is of single bytes
        first = data.draw(st.sampled_from(["", "ISO 2022 IR 6", *(term(number, True) for number in SINGLE)]))
        others = st.sampled_from([number for number in REPERTOIRES if number not in ("6", "58")])
        numbers = data.draw(st.lists(others, max_size=3, unique=True))
        character_sets = "\\".join([first, *(term(number, True) for number in numbers)])
        encodings = convert_encodings(character_sets.split("\\"))
        characters = set().union(*(REPERTOIRES[number] for number in [first[12:] or "6", *numbers]))
        if "iso8859" in encodings:  # ASCII, but pydicom writes Latin-1 with it
            characters = {character for character in characters if character > "\xff"}
        if "shift_jis" in encodings:  # pydicom writes 0x5C and 0x7E for them
            characters -= {"¥", "‾"}
        characters = sorted(characters | set(ASCII) - set("\\^="))
        part = st.text(st.sampled_from(characters), max_size=8)
        vr = data.draw(st.sampled_from(TEXT_VRS))
        if vr == "PN":
            names = data.draw(st.lists(st.lists(st.lists(part, min_size=1, max_size=3), min_size=1, max_size=3)))
            texts = ["=".join("^".join(group) for group in name) for name in names]
            parts = [self.encoded_name(name, encodings) for name in names]
            for name, text in zip(names, texts, strict=True):
                for component in itertools.chain(*name):
                    # by itself: pydicom splits at "=" even within a pair of bytes
                    assert pydicom_text(self.encoded(component, encodings), "PN", character_sets) == component
                if encodings != ["shift_jis"]:
                    assert PersonName(text, encodings).encode() == self.encoded_name(name, encodings).rstrip(b"=")
        else:
            separators = "\t\n\f\r" if vr in ("LT", "ST", "UT") else "\\"
            texts = data.draw(st.lists(part, max_size=4))
            parts = [self.encoded(text, encodings) for text in texts]
            for raw, text in zip(parts, texts, strict=True):
                assert pydicom_text(raw, vr, character_sets) == text
        separator = "\\" if vr == "PN" else data.draw(st.sampled_from(separators))
        raw, text = separator.encode().join(parts), separator.join(texts)
        assert decode(raw, vr, character_sets) == (text, True)
        assert decode(raw + b" ", vr, f"{character_sets} ") == (text + " ", True)

    def encoded_name(self, name, encodings):
        return b"=".join(b"^".join(self.encoded(part, encodings) for part in group) for group in name)

    @staticmethod
    def encoded(text, encodings):
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what is not in the repertoire is a mistake of this test
            try:
                return encode_string(text, encodings)
            except UserWarning:
                # pydicom has no code for katakana beside romaji where they are the only set
                assert encodings == ["shift_jis"]
                return text.encode("shift_jis")

    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
    def test_files(self, path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values = list(self.values(pydicom.dcmread(path, stop_before_pixels=True, force=True), ""))
        for raw, vr, character_sets, theirs in values:
            text, valid = decode(raw, vr, character_sets)
            ours = text.rstrip(" \0").split("\\") if vr not in ("LT", "ST", "UT") else [text]
            ours = [value.rstrip(" \0").rstrip("=" if vr == "PN" else " ") for value in ours]
            assert ours == theirs
            assert valid == (character_sets.strip() not in ("", "ISO_IR 6") or raw.isascii())

    def values(self, dataset, inherited):
        raw = dataset.get_item(0x00080005)
        if raw is not None:
            value = raw.value
            inherited = value.decode("latin_1") if isinstance(value, bytes) else self.joined(value)
        for tag in list(dataset.keys()):
            raw = dataset.get_item(tag)
            if not isinstance(raw, RawDataElement):
                if raw.VR == "SQ":
                    for item in raw.value:
                        yield from self.values(item, inherited)
                continue
            vr = raw.VR
            if vr is None:
                try:
                    vr = dictionary_VR(tag)
                except KeyError:
                    continue
            try:
                element = dataset[tag]
            except Exception:
                continue  # numbers that are none, and so on
            if element.VR == "SQ":
                for item in element.value:
                    yield from self.values(item, inherited)
            elif vr in TEXT_VRS and vr == element.VR and raw.value:
                value = element.value
                values = [value] if element.VM < 2 else value
                yield raw.value, vr, inherited, [str(one) for one in values]

    @staticmethod
    def joined(value):
        return value if isinstance(value, str) else "\\".join(value or [])


class TestStandard:
    """Examples of PS3.5 annexes H to K."""

    @pytest.mark.parametrize(
        ("character_sets", "vr", "raw", "text"),
        [
            (
                "\\ISO 2022 IR 87",
                "PN",
                b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
                "Yamada^Tarou=山田^太郎=やまだ^たろう",
            ),
            (
                "ISO 2022 IR 13\\ISO 2022 IR 87",
                "PN",
                b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
                "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
            ),
            (
                "\\ISO 2022 IR 149",
                "PN",
                b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
                "Hong^Gildong=洪^吉洞=홍^길동",
            ),
            (
                "\\ISO 2022 IR 149",
                "LT",
                b"\x1b$)C1st line includes \xb1\xe6\xb5\xbf.\r\n\x1b$)C2nd line, \xb1\xe6\xb5\xbf, too.\r\n3rd line.",
                "1st line includes 길동.\r\n2nd line, 길동, too.\r\n3rd line.",
            ),
            ("ISO_IR 192", "PN", b"Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe6\x9d\xb1=", "Wang^XiaoDong=王^小東="),
            ("GB18030", "PN", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", "Wang^XiaoDong=王^小东="),
            ("GBK", "PN", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", "Wang^XiaoDong=王^小东="),
            (
                "GB18030",
                "UT",
                b"The first line includes\xd6\xd0\xce\xc4.\r\nThe second line includes\xd6\xd0\xce\xc4, too.\r\n",
                "The first line includes中文.\r\nThe second line includes中文, too.\r\n",
            ),
            (
                "\\ISO 2022 IR 58",
                "PN",
                b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
                "Zhang^XiaoDong=张^小东=",
            ),
            (
                "\\ISO 2022 IR 58",
                "LT",
                b"1. \x1b$)A\xb5\xda\xd2\xbb\xd0\xd0\xce\xc4\xd7\xd6\xa1\xa3\r\n2. \x1b$)A\xb5\xda\xb6\xfe\xd0\xd0\r\n",
                "1. 第一行文字。\r\n2. 第二行\r\n",
            ),
        ],
    )
    def test_examples(self, character_sets, vr, raw, text):
        assert decode(raw, vr, character_sets) == (text, True)

    @pytest.mark.parametrize("vr", TEXT_VRS)
    def test_second_bytes_that_look_like_delimiters(self, vr):
        for character_sets, codec in ALONE.items():
            for text in ("乗\\奬", "孿^乗乗", "乗=\\孿^"):
                assert decode(text.encode(codec), vr, character_sets) == (text, True)
        assert any(byte in "乗".encode("gbk") + "孿".encode("gbk") for byte in b"\\^")
        raw = b"\x1b$B0\\0^0=\\0^0=0\x1b(B\\a^b"
        assert decode(raw, vr, "\\ISO 2022 IR 87") == (raw.decode("iso2022_jp"), True)
        raw = b"\x81\x5c\x1b(J\\"  # Shift_JIS out of place
        assert decode(raw, vr, "ISO 2022 IR 13\\ISO 2022 IR 87") == ("―\\", False)

    @pytest.mark.parametrize(
        ("vr", "delimiters"), [("PN", "\\^=\t\n\f\r"), ("LO", "\\\t\n\f\r"), ("LT", "\t\n\f\r"), ("UC", "\\\t\n\f\r")]
    )
    def test_resets(self, vr, delimiters):
        # pydicom keeps Cyrillic after "\", and in PN of a file after "^" and "=": it does not read back what it writes
        for delimiter in map(chr, range(0x20)):
            if delimiter == "\x1b":
                continue
            raw = b"\x1b-L\xbb" + delimiter.encode() + b"\xe7"
            after = "ç" if delimiter in delimiters else "ч"
            assert decode(raw, vr, "ISO 2022 IR 100\\ISO 2022 IR 144") == ("Л" + delimiter + after, True)
        for delimiter in "\\^= ,":
            raw = b"\x1b-L\xbb" + delimiter.encode() + b"\xe7"
            after = "ç" if delimiter in delimiters else "ч"
            assert decode(raw, vr, "ISO 2022 IR 100\\ISO 2022 IR 144") == ("Л" + delimiter + after, True)
        raw = b"\x1b$B;3\r\n;3\x1b(B"
        assert decode(raw, vr, "\\ISO 2022 IR 87") == ("山\r\n;3", True)

    def test_latin_9(self):
        # of PS3.3 since 2021; unknown to pydicom 3.0
        assert decode(b"\xa4\xbd", "LO", "ISO_IR 203") == ("€œ", True)
        assert decode(b"\xa4\x1b-b\xa4\\\xa4", "LO", "ISO 2022 IR 100\\ISO 2022 IR 203") == ("¤€\\¤", True)
        assert decode(b"\xa4\x1b-A\xa4", "LO", "ISO 2022 IR 203\\ISO 2022 IR 100") == ("€¤", True)

    def test_sets_of_both_halves(self):
        # ESC ( B and ESC ( J are about 7-bit bytes: pydicom takes what follows for Latin-1, or katakana
        raw = b"\xb3\x1b$B;3\x1b(Ba\xb3"
        assert decode(raw, "SH", "ISO 2022 IR 101\\ISO 2022 IR 87") == ("ł山ał", True)
        raw = b"\xb3\x1b(Ja\xb3"
        assert decode(raw, "SH", "ISO 2022 IR 101\\ISO 2022 IR 13") == ("łał", True)
        raw = b"\x1b$)C\xb1\xe6\x1b$B;3\x1b(B \xb5\xbf"
        assert decode(raw, "SH", "\\ISO 2022 IR 87\\ISO 2022 IR 149") == ("길山 동", True)
        assert decode(b"\x1b$B;3\xb1 ;3", "SH", "ISO 2022 IR 13\\ISO 2022 IR 87") == ("山ｱ 山", True)

    def test_vrs_of_ascii(self):
        for vr in ("CS", "AE", "DA", "UI", "UR", "??", ""):
            assert decode(b"\xe9\\\x1b(B", vr, "ISO_IR 144") == ("é\\\x1b(B", False)
            assert decode(b"A\\B ", vr, "ISO_IR 192") == ("A\\B ", True)


class TestInvalid:
    @pytest.mark.parametrize(
        ("raw", "character_sets", "text"),
        [
            # 8-bit bytes without a set
            (b"\xe9", "", "é"),
            (b"\xe9", "ISO_IR 6", "é"),
            (b"\xe9", "\\ISO 2022 IR 87", "é"),
            (b"\xb1\xe6", "\\ISO 2022 IR 149", "길"),
            (b"\xe9", "\\ISO 2022 IR 149", "é"),
            (b"\xc4", "\\ISO 2022 IR 126", "Δ"),
            (b"\xc3\xa9", "\\ISO_IR 192", "é"),
            (b"\xb1", "ISO 2022 IR 6\\ISO 2022 IR 13", "ｱ"),
            # the escape sequence only once, as some write
            (b"\x1b$)C\xb1\xe6^\xb5\xbf", "\\ISO 2022 IR 149", "길^동"),
            (b"\x1b-L\xbb^\xbb", "\\ISO 2022 IR 100\\ISO 2022 IR 144", "Л^Л"),
            # unknown terms
            (b"\xe9", "FOO", "é"),
            (b"\xe9", "???", "é"),
            (b"\xe9", "ISO_IR", "é"),
            (b"\xc4", "FOO\\ISO 2022 IR 126", "Δ"),
            (b"\xc4", "ISO 2022 IR 126\\ISO 2022 IR 146", "Δ"),
            (b"\xc3\xa9", "ISO_IR 999\\ISO_IR 192", "é"),
            (b"\x1b$B;3\x1b(B", "FOO\\ISO 2022 IR 87", "山"),
            # nothing in its set
            (b"a\xff^b", "ISO_IR 192", "a\ufffd^b"),
            (b"\xff\xe9", "GB18030", "\ufffd\ufffd"),
            (b"\xa1\xd2", "ISO_IR 127", "\ufffdز"),
            (b"\x1b$B)!;3\x1b(Ba", "\\ISO 2022 IR 87", "\ufffd山a"),
            (b"\x1b$B;3\xff\x1b(Ba", "ISO 2022 IR 13\\ISO 2022 IR 87", "山\ufffda"),
            (b"\x1b$)C\xb1\x1b(B", "\\ISO 2022 IR 149", "\ufffd"),
            # Shift_JIS is no JIS X 0201
            ("山田".encode("shift_jis"), "ISO_IR 13", "山田"),
            # escape sequences: undeclared, without extensions, unknown, cut
            (b"\x1b$B;3\x1b(J", "\\ISO 2022 IR 87", "山"),
            (b"\x1b$B;3\x1b(B", "ISO 2022 IR 100", "山"),
            (b"\x1b-F\xc4", "ISO_IR 100", "Δ"),
            (b"\x1b-A\xe9", "ISO_IR 100", "é"),
            (b"\x1b(B\xc3\xa9", "ISO_IR 192", "\x1b(Bé"),
            (b"\x1b[1m\xe9", "ISO 2022 IR 100\\ISO 2022 IR 87", "\x1b[1mé"),
            (b"a\x1b", "\\ISO 2022 IR 87", "a\x1b"),
            (b"\x1b$", "\\ISO 2022 IR 87", "\x1b$"),
            # no escape sequence before the delimiter
            (b"\x1b$B;3ED^\x1b$BB@O:\x1b(B", "\\ISO 2022 IR 87", "山田^太郎"),
        ],
    )
    def test_text_and_flag(self, raw, character_sets, text):
        assert decode(raw, "PN", character_sets) == (text, False)

    @pytest.mark.parametrize(
        ("written", "meant", "raw"),
        [
            *((written, "ISO_IR 100", b"\xe9") for written in ("ISO IR 100", "ISO_IR-100", "iso-ir 100 ", "ISO_IR100")),
            *((written, "ISO_IR 100", b"\xe9") for written in ("ISO_IR_100\0", "ISO 8859-1", "ISO-8859-1", "Latin1")),
            *((written, "ISO_IR 192", b"\xc3\xa9") for written in ("ISO IR 192", "UTF-8", "utf8", "ISO 2022 IR 192")),
            *(
                (written, "GB18030", b"\xcd\xf5")
                for written in ("GB18030 ", "GB-18030", "gb 18030", "ISO 2022 GB18030")
            ),
            *(
                (written, "GBK", b"\xcd\xf5")
                for written in ("gbk", "ISO 2022 GBK", "ISO_IR GBK", "ISO_IR 58", "GB2312")
            ),
            ("ISO 2022 58", "ISO 2022 IR 58", b"\xcd\xf5"),
            ("ISO_IR 6\\ISO_2022-IR+87", "\\ISO 2022 IR 87", b"\x1b$B;3\x1b(B"),
            ("\\ISO_IR 87", "\\ISO 2022 IR 87", b"\x1b$B;3\x1b(B"),
            (" \\ ISO2022IR87 ", "\\ISO 2022 IR 87", b"\x1b$B;3\x1b(B"),
            ("ISO_IR 13\\ISO 2022 IR 87", "ISO 2022 IR 13\\ISO 2022 IR 87", b"\xb1\x1b$B;3\x1b(J"),
            ("ISO 2022 IR 149", "\\ISO 2022 IR 149", b"\x1b$)C\xb1\xe6"),
            ("windows-1252", "ISO_IR 203", b"\xe9"),
            ("EUC-KR", "GBK", b"a"),
            ("GB18030\\ISO 2022 IR 87", "GB18030", b"\xcd\xf5"),
            ("ISO_IR 144\\ISO_IR 192", "ISO_IR 144", b"\xc3\xa9"),
        ],
    )
    def test_misspelled_terms(self, written, meant, raw):
        assert decode(raw, "LO", written) == decode(raw, "LO", meant)
        assert decode(raw, "LO", meant)[1]

    def test_shift_jis_by_its_own_name(self):
        assert decode("山\\田".encode("shift_jis"), "LO", "SHIFT_JIS") == ("山\\田", True)

    PIECES = st.sampled_from([*_charsets._CODECS, b"\x1b", b"\x1b$", b"\\", b"^", b"=", b"\r\n", b"\t", b"\x81\x5c"])
    TERMS = st.one_of(
        st.sampled_from([*python_encoding, "ISO_IR 203", "UTF-8", "utf-16", "hex", "undefined", "", " ", "ISO", "\0"]),
        st.text(max_size=12),
    )

    @settings(max_examples=1500, deadline=None)
    @given(
        st.lists(st.one_of(PIECES, st.binary(max_size=6)), max_size=12).map(b"".join),
        st.one_of(st.sampled_from(TEXT_VRS), st.text(max_size=2)),
        st.one_of(st.lists(TERMS, max_size=4).map("\\".join), st.text()),
    )
    @example(b"\xe9", "PN", "\ud800")
    @example(b"\xe9", "PN", "ISO_IR " + "1" * 5000)
    @example(b"\xe9", "PN", "ISO_IR \u0661\u0660\u0660")
    @example(b"\xe9", "PN", "ISO_IR 100\\" * 5000)
    def test_never_raises(self, raw, vr, character_sets):
        text, valid = decode(raw, vr, character_sets)
        assert type(text) is str
        assert type(valid) is bool
        text.encode()  # no lone surrogates
        assert decode(raw, vr, character_sets) == (text, valid)
        which = kind(character_sets)
        assert which in (0, 1, 2, 3)
        if which < 3 and vr in TEXT_VRS and b"\x1b" not in raw:
            # what the compiled reader does instead
            assert text == raw.decode("utf-8" if which == 2 else "latin_1", "replace")
        if raw.isascii() and b"\x1b" not in raw:
            assert text == raw.decode()

    @pytest.mark.parametrize("piece", [b"\x1b$B;3", b"\x1b$B;3\r", b"\x1b-L\xbb^", b"\x1b", b"\x1b$)C\xb1^\xb1", b"^"])
    def test_long_values(self, piece):
        # each byte is looked at a bounded number of times, however many sets there are
        character_sets = "\\".join(["", *(term(number, True) for number in REPERTOIRES)] * 100)
        text, _ = decode(piece * (300_000 // len(piece)), "PN", character_sets)
        assert text


class TestKind:
    @pytest.mark.parametrize(
        ("character_sets", "expected"),
        [
            *((absent, 0) for absent in ("", " ", "\0", "ISO_IR 6", "ISO IR 6 ", "\\", "US-ASCII")),
            *((latin, 1) for latin in ("ISO_IR 100", "ISO_IR 100 ", "ISO IR 100", "iso_ir-100\0", "ISO-8859-1")),
            *((utf_8, 2) for utf_8 in ("ISO_IR 192", "ISO_IR 192 ", "UTF-8", "utf8", "ISO_IR-192")),
            *((single, 3) for single in ("ISO_IR 13", "ISO_IR 101", "ISO_IR 203", "GB18030", "GBK", "windows-1252")),
            *((extended, 3) for extended in ("\\ISO 2022 IR 87", "ISO 2022 IR 100", "ISO 2022 IR 6", "ISO_IR 100\\")),
            *((odd, 3) for odd in ("ISO_IR 192\\ISO 2022 IR 87", "FOO", "FOO\\ISO_IR 100", "ISO_IR", "?", "\\?")),
        ],
    )
    def test_kind(self, character_sets, expected):
        assert kind(character_sets) == expected


def test_threads():
    values = [
        (b"\xd4\xcf\xc0\xde=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J", "PN", "ISO 2022 IR 13\\ISO 2022 IR 87"),
        (b"\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7", "PN", "\\ISO 2022 IR 149"),
        (b"\xcd\xf5^\xd0\xa1\xb6\xab\xff", "LO", "GB18030"),
        (b"\x1b-L\xbb\r\n\xe9\x1b[", "LT", "ISO 2022 IR 100\\ISO 2022 IR 144"),
        (b"\xe9", "LO", "FOO"),
    ]
    expected = [decode(*value) for value in values]
    _charsets._declared.cache_clear()
    barrier = Barrier(8)

    def work(thread):
        barrier.wait(30)
        # more strings than the cache holds, and the same ones everywhere
        for turn in range(300):
            assert decode(b"\xe9", "LO", f"FOO {turn}") == ("é", False)
            assert [decode(*value) for value in values] == expected
        return thread

    with warnings.catch_warnings(), ThreadPoolExecutor(8) as pool:
        warnings.simplefilter("error")
        assert list(pool.map(work, range(8))) == list(range(8))
    assert _charsets._declared.cache_info().currsize <= 128


def test_examples():
    assert doctest.testmod(_charsets).failed == 0
