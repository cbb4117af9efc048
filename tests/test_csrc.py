"""The C core builds, in continuous integration without a warning, and its own tests pass."""

from __future__ import annotations

import os
from xml.etree import ElementTree

from models.core_build import ROOT, build, run, tool


def test_c_tests_pass(tmp_path):
    warnings_are_errors = ["-DMETALITH_WERROR=ON"] if os.environ.get("CI") else []
    folder = build(tmp_path / "build", *warnings_are_errors)
    results = tmp_path / "results.xml"
    ran = run(tool("ctest"), "--test-dir", folder, "--output-on-failure", "--output-junit", results)
    assert ran.returncode == 0, ran.stdout
    suite = ElementTree.parse(results).getroot()
    counts = {name: int(suite.get(name, "0")) for name in ("failures", "disabled", "skipped")}
    assert counts == {"failures": 0, "disabled": 0, "skipped": 0}, ran.stdout
    assert int(suite.get("tests", "0")) >= len(list((ROOT / "tests" / "c").glob("test_*.c")))
