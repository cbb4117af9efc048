"""Damaged documents under the sanitizers: tests/c/mutate.c demands the rest.

METALITH_MUTATIONS sets how many cases a kind of seed gets, for a longer run.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from pathlib import Path

import pydicom
import pytest
from models.core_build import build, need_sanitizers, run

CASES = int(os.environ.get("METALITH_MUTATIONS", "8000"))

ODD_ELEMENTS = (
    '[{"00080060":{"vr":"CS","Value":"CT"},"00280010":{"vr":"US","Value":["512"]},"00280030":{"Value":["0.5","0.5"]},'
    '"00100010":{"vr":"PN","Value":["A^B"]},"0040a730":{"Value":[{"00080100":{"vr":"SH","Value":["x"]}}],"vr":"SQ"},'
    '"Modality":{"vr":"CS"},"x":7,"00081140":{"vr":"SQ","Value":[{},null]},"7FE00010":{"vr":"OW","InlineBinary":"AAAA",'
    '"BulkDataURI":"u"}},{"00080060":{"vr":"XX"},"00280030":{"vr":"DS","Value":[NaN,1e400,"inf"]},'
    '"00080005":{"vr":"CS","Value":["\\u0041","\\ud83d"]}}]'
)


def _late_vr(i: int) -> str:
    """Members sorted by name, with white space, as Orthanc writes them; the VR of a private attribute changes."""
    value, vr = ("5", "IS") if i % 2 else ("x", "LO")
    return (
        f'{{ "00080018" : {{ "Value" : [ "1.2.{i}" ], "vr" : "UI" }}, "00081140" : {{ "Value" : [ {{ "00081155" : '
        f'{{ "Value" : [ "1.{i // 3}" ], "vr" : "UI" }} }} ], "vr" : "SQ" }}, "00200032" : {{ "Value" : '
        f'[ -1.5, {i}, 0.25 ], "vr" : "DS" }}, "00091001" : {{ "Value" : [ "{value}" ], "vr" : "{vr}" }} }}'
    )


def _line(i: int) -> str:
    """Instances one a line; some have a sequence more."""
    uid = f'{{"00081155":{{"vr":"UI","Value":["1.{i % 2}"]}}}}'
    sequence = f'"00081140":{{"vr":"SQ","Value":[{uid},{{}}]}},' if i % 3 == 0 else ""
    return (
        f'{{"00080018":{{"vr":"UI","Value":["1.2.{i}"]}},"00080060":{{"vr":"CS","Value":["MR"]}},{sequence}'
        f'"00200013":{{"vr":"IS","Value":[{i}]}},"7FE00010":{{"vr":"OW","BulkDataURI":"http://h/{i}"}}}}'
    )


def _nested(i: int) -> str:
    """Sequences in sequences, whose items repeat; names and text beyond ASCII."""
    code = f'{{"00080100":{{"vr":"SH","Value":["a{i % 3}"]}}}}'
    named = '{"00080100":{"vr":"SH","Value":["b"]},"00080104":{"vr":"LO","Value":["\u00e4\u20ac"]}}'
    inner = f'{{"0040A730":{{"vr":"SQ","Value":[{code},{named}]}}}}'
    name = f'{{"Alphabetic":"A^{i}","Ideographic":"\u5c71"}}'
    return (
        f'{{"00081140":{{"vr":"SQ","Value":[{inner},{{"00080060":{{"vr":"CS","Value":["CT"]}}}}]}},'
        f'"00100010":{{"vr":"PN","Value":[{name}]}}}}'
    )


def _hand_made() -> list[str]:
    return [
        ODD_ELEMENTS,
        f"[{','.join(_late_vr(i) for i in range(8))}]",
        "\n".join(_line(i) for i in range(10)),
        f"[{','.join(_nested(i) for i in range(6))}]",
    ]


def _from_pydicom() -> list[str]:
    """pydicom's own files as a server would send them, those that it can turn into JSON and that are not too long."""
    texts = []
    for path in sorted((Path(pydicom.__file__).parent / "data" / "test_files").rglob("*.dcm")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                dataset = pydicom.dcmread(path, stop_before_pixels=True).to_json_dict()
            except Exception:  # broken on purpose, many of them
                continue
        text = json.dumps([dataset], separators=(",", ":"), ensure_ascii=False)
        if len(text) < 20_000:
            texts.append(text)
    return texts


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where the drivers are built, with sanitizers."""
    folder = tmp_path_factory.mktemp("mutate")
    need_sanitizers(folder)
    return folder / "build"


@pytest.mark.parametrize("driver", ["mutate", "mutate_kept"])
@pytest.mark.parametrize(("kind", "least"), [(_hand_made, 4), (_from_pydicom, 20)])
def test_damaged_documents(folder, tmp_path, driver, kind, least):
    mutate = build(folder, "-DMETALITH_SANITIZE=ON", target=driver) / "tests" / "c" / driver
    seeds = []
    for i, text in enumerate(kind()):
        seeds.append(tmp_path / f"seed{i}.json")
        seeds[-1].write_text(text, encoding="utf-8")
    assert len(seeds) >= least
    ran = run(mutate, "-n", str(CASES), "-s", "1", *seeds, cwd=tmp_path, timeout=60 + CASES)
    assert ran.returncode == 0, ran.stdout[-5000:]
    numbers = re.search(r"^(\d+) cases, (\d+) accepted, (\d+) refused$", ran.stdout, re.MULTILINE)
    assert numbers, ran.stdout
    cases, accepted, refused = map(int, numbers.groups())
    assert cases == CASES
    assert accepted > CASES // 10
    assert refused > CASES // 10
