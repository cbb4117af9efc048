"""JSON again: the dcmjs form and lossless DICOM JSON, against orjson.dumps of the dicts."""

import pytest

from benchmarks import cases, datasets

KINDS = ('table.to_json("dcmjs")', "orjson.dumps(natural)", "metalith.dumps(table)", "orjson.dumps(raw)")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ("t1-384", "ct-600", "synthetic-ct-2000", "multi-frame-20000", "unlike-500"))
def test_export(clock, name, kind):
    given = datasets.load(name)
    run = cases.export_cases(given)[kind]
    clock(run, correct=lambda got: cases.export_correct(kind, got, given), given=given, group=f"export {name}")
