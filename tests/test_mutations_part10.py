"""Damaged files under the sanitizers: tests/c/mutate_part10.c demands the rest.

METALITH_MUTATIONS sets how many files are made of pydicom's, for a longer run; where that is enough, they are also cut
at each of their first 4,096 bytes.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pydicom
import pytest
from models.core_build import build, need_sanitizers, run

CASES = int(os.environ.get("METALITH_MUTATIONS", "20000"))


def _is_dicom(path: Path) -> bool:
    """By its name: some of them are no DICOM by what they hold, and those are wanted, too."""
    return path.is_file() and path.suffix in ("", ".dcm", ".ima")


def _files() -> list[Path]:
    return sorted(filter(_is_dicom, (Path(pydicom.__file__).parent / "data").rglob("*")))


@pytest.fixture(scope="module")
def mutate(tmp_path_factory) -> Path:
    """The driver, built with sanitizers."""
    folder = tmp_path_factory.mktemp("mutate")
    need_sanitizers(folder)
    return build(folder / "build", "-DMETALITH_SANITIZE=ON", target="mutate_part10") / "tests" / "c" / "mutate_part10"


def test_damaged_files(mutate, tmp_path):
    files = _files()
    assert len(files) > 100
    ran = run(mutate, "-n", str(CASES), "-s", "1", *files, cwd=tmp_path, timeout=60 + CASES)
    assert ran.returncode == 0, ran.stdout[-5000:]
    numbers = re.search(r"^(\d+) cases, (\d+) accepted, (\d+) refused$", ran.stdout, re.MULTILINE)
    assert numbers, ran.stdout
    cases, accepted, refused = map(int, numbers.groups())
    assert cases >= CASES
    assert accepted > CASES // 4
    assert refused > CASES // 4
