"""The examples in docstrings and in the README hold."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
import shutil
from pathlib import Path

import pytest
from models.files import real_series
from pydicom.data import get_testdata_file

import metalith

pytest_plugins = ["servers.fixtures"]

README = Path(__file__).resolve().parents[1] / "README.md"
BODY = (
    b'[{"00100010":{"vr":"PN","Value":[{"Alphabetic":"Doe^John"}]},"00200032":{"vr":"DS","Value":[0,0,1]}},'
    b'{"00100010":{"vr":"PN","Value":[{"Alphabetic":"Doe^John"}]},"00200032":{"vr":"DS","Value":[0,0,2]}}]'
)


def documented():
    """Every public object whose docstring has examples, methods included."""
    found = {}
    for name in metalith.__all__:
        thing = getattr(metalith, name)
        found[name] = thing
        if inspect.isclass(thing):
            found.update({f"{name}.{key}": member for key, member in vars(thing).items() if not key.startswith("_")})
    return {name: thing for name, thing in found.items() if ">>>" in (getattr(thing, "__doc__", None) or "")}


def run(text, name, **names):
    test = doctest.DocTestParser().get_doctest(text, {"metalith": metalith, **names}, name, None, 0)
    report = []
    result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=report.append)
    assert result.attempted
    assert not result.failed, "".join(report)


@pytest.mark.parametrize("name", sorted(documented()))
def test_examples(name):
    thing = documented()[name]
    run(thing.__doc__, name, **{key: getattr(metalith, key) for key in metalith.__all__})


def test_there_are_examples():
    assert len(documented()) >= 10


@pytest.mark.parametrize(
    "module",
    ["bulk", "encode", "errors", "interchange", "limits", "naturalize", "part10", "scanning", "temporal", "values"],
)
def test_public_functions_are_documented(module):
    module = importlib.import_module(f"metalith.{module}")
    for name in module.__all__:
        thing = getattr(module, name)
        assert not (inspect.isclass(thing) or inspect.isfunction(thing)) or inspect.getdoc(thing), name


def test_the_module_docstring():
    run(
        metalith.__doc__.replace(
            ">>> table[0].PatientName, table.column", ">>> _ = table[0].PatientName, table.column"
        ),
        "metalith",
        body=BODY,
    )


def test_the_readme(tmp_path, monkeypatch, capsys, qido_server):
    """Its Python blocks run on real data, and its links and commands name what is there."""
    monkeypatch.setenv("NO_PROXY", "*")
    text = README.read_text(encoding="utf-8")
    codes = re.findall(r"```python\n(.*?)```", text, re.S)
    names = {"body": real_series()}
    codes = [code.replace("http://localhost:8042/dicom-web", qido_server().root) for code in codes]
    lines = [line for code in codes for line in code.splitlines() if "SharedFunctionalGroupsSequence" not in line]
    (tmp_path / "archive").mkdir()
    for place in ("CT.dcm", "archive/1"):
        shutil.copy(get_testdata_file("CT_small.dcm"), tmp_path / place)
    monkeypatch.chdir(tmp_path)
    try:
        exec("\n".join(lines), names)
    finally:
        metalith.metadata.remove_all_providers()  # it is everybody's
    assert len(codes) > 1
    assert names["instance"].Modality == "CT"
    assert names["loading"].progress.loaded > 0
    assert not names["loading"].failures
    assert "archive" in capsys.readouterr().out
    for folder in re.findall(r"^\| `([^`]+)`(?:, `([^`]+)`)? \|", text, re.M):
        assert all((README.parent / name).is_dir() for name in folder if name)
    for path in re.findall(r"`((?:csrc|src|tests|benchmarks)/[\w./]+)`", text):
        assert (README.parent / path).exists(), path
