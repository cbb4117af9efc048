"""A file's instance equals the one from its DICOM JSON as pydicom and DCMTK make it, attribute by attribute.

All files that pydicom ships are compared; `models.part10_differences` lists the differences that are right.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pytest
from models.part10_differences import DCMTK_VERSION, REFUSED, RULES, UNREADABLE, Case, Rule, rule_of
from models.part10_oracles import (
    ABSENT,
    DATA,
    ORACLES,
    PIXEL_DATA,
    OracleFailedError,
    attributes,
    bundled,
    dcm2json,
    dcmtk_version,
    differences,
)

import metalith
from metalith import BulkData

ON_EACH = pytest.mark.parametrize("oracle", ORACLES)
BULK_ABOVE = 1024


@dataclass(frozen=True)
class Outcome:
    """One file compared with one program."""

    unexplained: tuple[str, ...] = ()
    used: frozenset[Rule] = frozenset()
    compared: int = 0
    failed: bool = False


@cache
def outcome(file: str, oracle: str) -> Outcome:
    """Compare; once for all tests, in whatever order and selection they run."""
    try:
        answer = ORACLES[oracle](DATA / file)
    except OracleFailedError:
        return Outcome(failed=True)
    ours = metalith.read(DATA / file)
    unexplained, used = [], set()
    for found in differences(ours, answer.instance):
        rule = rule_of(oracle, Case(found, answer))
        if rule is None:
            vrs = f"{found.left_vr}/{found.right_vr}"
            unexplained.append(f"{found.path} {vrs}: {_short(found.left)} | {_short(found.right)}")
        else:
            used.add(rule)
    return Outcome(tuple(unexplained), frozenset(used), sum(1 for _ in attributes(answer.instance)))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 80 else f"{text[:70]}… ({len(text)} characters)"


def _need(oracle: str) -> None:
    if oracle == "dcm2json" and dcm2json() is None:
        pytest.skip("no dcm2json on this machine (Debian package dcmtk)")


@ON_EACH
@pytest.mark.parametrize("file", [file for file in bundled() if file not in REFUSED])
def test_equal(file: str, oracle: str) -> None:
    _need(oracle)
    result = outcome(file, oracle)
    assert not result.unexplained
    if result.failed:
        assert file in UNREADABLE[oracle], f"{oracle} cannot read it, and no reason is listed"


@pytest.mark.parametrize("file", REFUSED)
def test_refused(file: str) -> None:
    with pytest.raises(metalith.ParseError):
        metalith.read(DATA / file)


@pytest.mark.parametrize("file", [file for file in REFUSED if "no_meta" not in file])
def test_what_is_whole_of_a_refused_file(file: str) -> None:
    answer = ORACLES["pydicom"](DATA / file)
    ours = metalith.read(DATA / file, on_error="partial")
    missing = [found for found in differences(ours, answer.instance) if not rule_of("pydicom", Case(found, answer))]
    assert len(ours) > 0
    assert len(missing) == 1
    assert missing[0].left is ABSENT


@ON_EACH
def test_nothing_listed_is_stale(oracle: str) -> None:
    _need(oracle)
    if oracle == "dcm2json" and dcmtk_version() != DCMTK_VERSION:
        pytest.skip(f"the rules are those of DCMTK {DCMTK_VERSION}")
    results = {file: outcome(file, oracle) for file in bundled() if file not in REFUSED}
    used = {rule for result in results.values() for rule in result.used}
    assert not [rule.name for rule in RULES if oracle in rule.oracles and rule not in used]
    assert {file for file in UNREADABLE[oracle] if file not in REFUSED} == {
        file for file, result in results.items() if result.failed
    }


@ON_EACH
def test_many_attributes_are_compared(oracle: str) -> None:
    _need(oracle)
    assert sum(outcome(file, oracle).compared for file in bundled() if file not in REFUSED) > 10_000


@pytest.mark.parametrize("file", [file for file in bundled() if file not in REFUSED])
def test_what_is_bulk(file: str) -> None:
    for tag, value in attributes(metalith.read(DATA / file)):
        if isinstance(value, BulkData):
            assert tag == PIXEL_DATA or (value.length or 0) > BULK_ABOVE
        elif isinstance(value, bytes):
            assert tag != PIXEL_DATA
            assert len(value) <= BULK_ABOVE
