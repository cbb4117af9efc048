"""The models themselves against the JavaScript originals: needs Node, but not the compiled core."""

from __future__ import annotations

import json

import pytest
from models import cornerstone_model, dcmjs_model
from models.cases import CASES
from models.generate import LENIENT, REGULAR, WILD, Generator, datasets, series
from models.js import assert_same


@pytest.mark.parametrize("kind", [REGULAR, LENIENT, WILD])
def test_dcmjs_model_is_dcmjs(kind, dcmjs_oracle):
    generated = [*datasets(2000, seed=1, kind=kind), *series(60, seed=2, kind=kind)]
    for dataset, theirs in zip(generated, dcmjs_oracle(json.dumps(generated).encode()), strict=True):
        _agree(dcmjs_model.naturalize, dcmjs_model.DcmjsThrows, dataset, theirs)


def test_dcmjs_model_on_the_cases(dcmjs_oracle):
    answers = dcmjs_oracle(f"[{','.join(text for _, text in CASES)}]".encode())
    for (_, text), theirs in zip(CASES, answers, strict=True):
        _agree(dcmjs_model.naturalize, dcmjs_model.DcmjsThrows, json.loads(text), theirs)


@pytest.mark.parametrize("kind", [REGULAR, LENIENT, WILD])
def test_cornerstone_model_is_cornerstone(kind, cornerstone_oracle):
    generated = [*datasets(2000, seed=1, kind=kind), *series(60, seed=2, kind=kind)]
    for dataset, theirs in zip(generated, cornerstone_oracle([json.dumps(row) for row in generated]), strict=True):
        _agree(_cornerstone, cornerstone_model.CornerstoneThrows, dataset, theirs)


def _cornerstone(dataset):
    return cornerstone_model.naturalize(dataset, defects=True)


def _agree(model, throws, dataset, theirs):
    try:
        ours = model(dataset)
    except throws:
        assert "$error" in theirs, dataset
    else:
        assert_same(ours, theirs, doubles=True, order=True)


def test_generator_is_seeded_and_clean():
    assert datasets(50, seed=3) == datasets(50, seed=3)
    assert datasets(50, seed=3) != datasets(50, seed=4)
    for dataset in datasets(300, kind=REGULAR):
        assert all(set(element) <= {"vr", "Value", "BulkDataURI", "InlineBinary"} for element in dataset.values())
        assert list(dataset) == sorted(dataset)
    rows = Generator(5, REGULAR).series(40)
    assert len({tuple(row) for row in rows}) > 3, "shapes should vary"
