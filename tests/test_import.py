"""What importing Metalith brings along, seen from a fresh interpreter."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import metalith

SLOW = {"numpy", "orjson", "pydicom", "dicomweb_client", "requests", "typer", "rich", "pyarrow", "asyncio"}
BODY = b'{"00280010":{"vr":"US","Value":[512]}}'


def loaded(code):
    """Which modules are loaded after some code."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return set(json.loads(done.stdout))


def test_import_is_light():
    modules = loaded("import metalith")
    assert {"metalith", "metalith._core"} <= modules
    assert modules.isdisjoint(SLOW)


def test_bytes_need_nothing_more():
    code = f"import metalith\nx = metalith.naturalize({BODY})[0]\nx.Rows, x.to_dict(), repr(x)"
    assert loaded(code).isdisjoint(SLOW)


def test_columns_bring_numpy():
    code = f"import metalith\nmetalith.naturalize({BODY}).column('Rows')"
    modules = loaded(code)
    assert "numpy" in modules
    assert modules.isdisjoint({"pydicom", "orjson", "requests"})


def test_dicts_bring_orjson():
    modules = loaded("import metalith\nmetalith.naturalize({})")
    assert "orjson" in modules
    assert modules.isdisjoint({"pydicom", "numpy", "requests"})


@pytest.mark.parametrize("name", metalith.__all__)
def test_public_names(name):
    assert getattr(metalith, name).__doc__


def test_everything_public_is_listed():
    assert sorted(metalith.__all__) == sorted(set(metalith.__all__))
    assert {"naturalize", "naturalize_dataset", "denaturalize", "dumps", "Instance", "ParseError"} <= set(
        metalith.__all__
    )
    assert metalith.__version__
