"""The "cornerstone" dialect: equal to the model always, to `@cornerstonejs/metadata` where that is at hand."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from models.cases import CASES
from models.cornerstone_model import REGISTRY_NAMES
from models.dialect_check import as_list, check_oracle, check_table, chunks
from models.generate import LENIENT, REGULAR, WILD, datasets, series
from models.js import assert_same
from models.locate import REAL_DATA, SYNTHETIC
from models.strategies import dicom_json_datasets
from models.wanted_differences import cornerstone_agrees, expected_cornerstone

import metalith

DATASETS = [(name, text) for name, text in CASES if json.loads(text) is not None]
GENERATED = [(REGULAR, 1500, True), (LENIENT, 1500, False), (WILD, 2000, False)]


@pytest.mark.parametrize(("name", "text"), DATASETS, ids=[name for name, _ in DATASETS])
def test_case(name, text):
    check_table(
        metalith.naturalize(f"[{text}]".encode()), "cornerstone", [expected_cornerstone(json.loads(text))], order=True
    )


def test_cases_against_node(cornerstone_oracle):
    given = [metalith.naturalize(text).to_dicts("cornerstone")[0] for _, text in DATASETS]
    answers = cornerstone_oracle([text for _, text in DATASETS])
    assert check_oracle([json.loads(text) for _, text in DATASETS], given, answers, cornerstone_agrees) > 110


@pytest.mark.parametrize(("kind", "count", "order"), GENERATED, ids=[kind for kind, *_ in GENERATED])
def test_generated(kind, count, order):
    for chunk in chunks(datasets(count, seed=30, kind=kind)):
        table = metalith.naturalize(json.dumps(chunk).encode())
        check_table(table, "cornerstone", [expected_cornerstone(dataset) for dataset in chunk], order=order)


@pytest.mark.parametrize(("kind", "count", "order"), GENERATED, ids=[kind for kind, *_ in GENERATED])
def test_generated_against_node(kind, count, order, cornerstone_oracle):
    generated = datasets(count, seed=30, kind=kind)
    given = [
        ours for chunk in chunks(generated) for ours in metalith.naturalize(json.dumps(chunk)).to_dicts("cornerstone")
    ]
    answers = cornerstone_oracle([json.dumps(dataset) for dataset in generated])
    assert check_oracle(generated, given, answers, cornerstone_agrees, order=order) > count * 0.6


@pytest.mark.parametrize("kind", [REGULAR, LENIENT, WILD])
def test_generated_series(kind):
    rows = series(60, seed=4, kind=kind)
    check_table(metalith.naturalize(json.dumps(rows)), "cornerstone", [expected_cornerstone(row) for row in rows])


@pytest.mark.parametrize("name", [*REAL_DATA, *SYNTHETIC])
def test_series(name, bodies):
    body = bodies(name)
    check_table(
        metalith.naturalize(body), "cornerstone", [expected_cornerstone(row) for row in as_list(body)], order=True
    )


@pytest.mark.parametrize("name", [*REAL_DATA, *SYNTHETIC])
def test_series_against_node(name, bodies, cornerstone_oracle):
    body = bodies(name)
    answers = cornerstone_oracle([json.dumps(row) for row in as_list(body)])
    for row, (ours, theirs) in enumerate(zip(metalith.naturalize(body).to_dicts("cornerstone"), answers, strict=True)):
        assert_same(ours, _keywords(theirs), doubles=True, path=f"[{row}]")


def _keywords(value):
    """The original's answer with the registry names (D2) put right."""
    names = {
        old: expected_cornerstone({tag: {"vr": "UN", "Value": [0]}}).popitem()[0] for tag, old in REGISTRY_NAMES.items()
    }

    def renamed(part):
        if isinstance(part, dict):
            return {names.get(name, name): renamed(member) for name, member in part.items()}
        return [renamed(member) for member in part] if isinstance(part, list) else part

    return renamed(value)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(dicom_json_datasets(WILD))
def test_any_dataset(dataset):
    given = metalith.naturalize_dataset(dataset).to_dict("cornerstone")
    assert_same(given, expected_cornerstone(dataset))


def test_keywords_not_registry_names():
    dataset = {tag: {"vr": "US", "Value": [1]} for tag in REGISTRY_NAMES}
    assert sorted(metalith.naturalize_dataset(dataset).to_dict("cornerstone")) == [
        "LargestImagePixelValue",
        "RadiopharmaceuticalInformationSequence",
        "ReferencePixelPhysicalValueX",
        "ReferencePixelPhysicalValueY",
        "SmallestImagePixelValue",
    ]
