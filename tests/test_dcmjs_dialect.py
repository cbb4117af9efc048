"""The "dcmjs" dialect: equal to the model always, to dcmjs under Node where that is at hand, wanted differences
aside."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from models.cases import CASES
from models.dialect_check import as_list, check_oracle, check_table, chunks
from models.generate import LENIENT, REGULAR, WILD, datasets, series
from models.js import assert_same, without_infinities
from models.locate import REAL_DATA, SYNTHETIC
from models.strategies import dicom_json_datasets, dicom_json_series
from models.wanted_differences import dcmjs_agrees, expected_dcmjs

import metalith

DATASETS = [(name, text) for name, text in CASES if json.loads(text) is not None]
# 10,000 in all; `order` where no member is handed on untouched, for JavaScript reorders inside those as well.
GENERATED = [(REGULAR, 3000, True), (LENIENT, 3000, False), (WILD, 4000, False)]


@pytest.mark.parametrize(("name", "text"), DATASETS, ids=[name for name, _ in DATASETS])
def test_case(name, text):
    table = metalith.naturalize(f"[{text}]".encode())
    check_table(table, "dcmjs", [expected_dcmjs(json.loads(text))], order=True)


def test_case_dataset_null():
    with pytest.raises(metalith.ParseError):
        metalith.naturalize(b"null")


def test_cases_against_node(dcmjs_oracle):
    given = [metalith.naturalize(text).to_dicts("dcmjs")[0] for _, text in DATASETS]
    answers = dcmjs_oracle(f"[{','.join(text for _, text in DATASETS)}]".encode())
    compared = check_oracle([json.loads(text) for _, text in DATASETS], given, answers, dcmjs_agrees, order=True)
    assert compared > 120


@pytest.mark.parametrize(("kind", "count", "order"), GENERATED, ids=[kind for kind, *_ in GENERATED])
def test_generated(kind, count, order):
    for chunk in chunks(datasets(count, seed=20, kind=kind)):
        table = metalith.naturalize(json.dumps(chunk).encode())
        check_table(table, "dcmjs", [expected_dcmjs(dataset) for dataset in chunk], order=order)


@pytest.mark.parametrize(("kind", "count", "order"), GENERATED, ids=[kind for kind, *_ in GENERATED])
def test_generated_against_node(kind, count, order, dcmjs_oracle):
    generated = datasets(count, seed=20, kind=kind)
    given = [ours for chunk in chunks(generated) for ours in metalith.naturalize(json.dumps(chunk)).to_dicts("dcmjs")]
    answers = dcmjs_oracle(json.dumps(generated).encode())
    assert check_oracle(generated, given, answers, dcmjs_agrees, order=order) > count * 0.7


@pytest.mark.parametrize("kind", [REGULAR, LENIENT, WILD])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("indent", [None, 1])
def test_generated_series(kind, seed, indent):
    rows = series(60, seed=seed, kind=kind)
    table = metalith.naturalize(json.dumps(rows, indent=indent, ensure_ascii=seed % 2 == 0).encode())
    check_table(table, "dcmjs", [expected_dcmjs(row) for row in rows])


@pytest.mark.parametrize("name", [*REAL_DATA, *SYNTHETIC])
def test_series(name, bodies):
    body = bodies(name)
    check_table(metalith.naturalize(body), "dcmjs", [expected_dcmjs(row) for row in as_list(body)], order=True)


@pytest.mark.parametrize("name", [*REAL_DATA, *SYNTHETIC])
def test_series_against_node(name, bodies, dcmjs_oracle):
    body = bodies(name)
    rows = as_list(body)
    given = metalith.naturalize(body).to_dicts("dcmjs")
    assert check_oracle(rows, given, dcmjs_oracle(body), dcmjs_agrees, order=True) == len(rows)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(dicom_json_datasets(WILD))
def test_any_dataset(dataset):
    instance = metalith.naturalize_dataset(dataset)
    assert_same(instance.to_dict("dcmjs"), expected_dcmjs(dataset))
    assert_same(json.loads(instance.to_json("dcmjs")), without_infinities(expected_dcmjs(dataset)))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(dicom_json_series(LENIENT))
def test_any_series(rows):
    check_table(metalith.naturalize(json.dumps(rows)), "dcmjs", [expected_dcmjs(row) for row in rows])


def test_exact_where_javascript_rounds():
    (given,) = metalith.naturalize(b'{"00720083":{"vr":"UV","Value":[18446744073709551615]}}').to_dicts("dcmjs")
    assert given["SelectorUVValue"] == 18446744073709551615


def test_the_parsed_input_gives_the_same_and_is_not_changed():
    rows = series(10, seed=9)
    before = json.dumps(rows)
    assert metalith.naturalize(rows).to_dicts("dcmjs") == metalith.naturalize(before).to_dicts("dcmjs")
    assert json.dumps(rows) == before
