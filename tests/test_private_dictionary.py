"""The private dictionary in C says of every element what pydicom's says.

It is built here by itself, two C files and the generated tables, as a shared library whose functions are then called
for each entry of pydicom's dictionary, in several blocks and groups, and for the elements beside it.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from models.core_build import ROOT, need_compiler, run
from pydicom._private_dict import private_dictionaries
from pydicom.datadict import private_dictionary_VR

SOURCES = ROOT / "csrc"

# What pydicom's dictionary calls otherwise than the rest of pydicom.
SPELLINGS = {"OB_OW": "OB or OW"}


def _generate(folder: Path, seed: int) -> bytes:
    """The generated tables; the seed is that of Python's hashes, which nothing may depend on."""
    command = [sys.executable, "-B", str(SOURCES / "generate_private.py"), str(folder)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": str(seed)})
    return (folder / "private_data.h").read_bytes()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    if sys.platform == "win32":
        pytest.skip("built with options of gcc and clang")
    folder = tmp_path_factory.mktemp("private")
    _generate(folder, 0)
    options = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-shared", "-fPIC", f"-I{folder}"]
    files = [SOURCES / "private_tags.c", SOURCES / "vr.c"]
    built = run(need_compiler(), *options, *files, "-o", folder / "private.so")
    assert built.returncode == 0, built.stdout
    loaded = ctypes.CDLL(str(folder / "private.so"))
    loaded.ml_private_creator.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    loaded.ml_private_creator.restype = ctypes.c_uint16
    loaded.ml_private_vr.argtypes = [ctypes.c_uint16, ctypes.c_uint32]
    loaded.ml_private_vr.restype = ctypes.c_int
    loaded.ml_vr_name.argtypes = [ctypes.c_int]
    loaded.ml_vr_name.restype = ctypes.c_char_p
    return loaded


def _number(library: ctypes.CDLL, creator: str) -> int:
    name = creator.encode()
    return library.ml_private_creator(name, len(name))


def _tags(key: str) -> Iterator[int]:
    """Tags that the key can stand for: its x's filled in some ways; and the elements and groups beside them."""
    for filling in ("0000", "1010", "1111", "4F10", "FFFF") if "x" in key else ("",):
        digits = iter(filling)
        tag = int("".join(next(digits) if digit == "x" else digit for digit in key), 16)
        for distance in (0, 1, -1, 0x0100, -0x0100, 0x10000, -0x10000, 0x01000000, -0x01000000):
            yield (tag + distance) % 2**32


def _expected(tag: int, creator: str) -> str:
    try:
        vr = private_dictionary_VR(tag, creator)
    except KeyError:
        return ""
    return SPELLINGS.get(vr, vr)


def test_every_entry(library):
    wrong = []
    found = 0
    for creator, entries in private_dictionaries.items():
        number = _number(library, creator)
        for tag in {tag for key in entries for tag in _tags(key)}:
            expected = _expected(tag, creator)
            vr = library.ml_vr_name(library.ml_private_vr(number, tag)).decode()
            found += vr != ""
            if vr != expected:
                wrong.append((creator, f"{tag:08X}", vr, expected))
    assert wrong == []
    assert found > sum(map(len, private_dictionaries.values()))


def test_every_creator(library):
    numbers = [_number(library, creator) for creator in private_dictionaries]
    assert sorted(numbers) == list(range(1, len(private_dictionaries) + 1))


def test_no_other_creator(library):
    for creator in private_dictionaries:
        others = {creator[:-1], creator[1:], creator + " ", creator + "\0", creator.swapcase(), creator[:-1] + "~"}
        for other in others - private_dictionaries.keys():
            assert _number(library, other) == 0, other


def test_no_creator_no_vr(library):
    tags = {tag for entries in private_dictionaries.values() for key in entries for tag in _tags(key)}
    for number in (0, len(private_dictionaries) + 1, 2**16 - 1):
        assert {library.ml_private_vr(number, tag) for tag in tags} == {0}


def test_equal_input_gives_equal_output(tmp_path):
    assert _generate(tmp_path / "1", 1) == _generate(tmp_path / "2", 2)
