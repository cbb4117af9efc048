"""The natural form against its slow model, and DICOM JSON -> table -> DICOM JSON without loss."""

from __future__ import annotations

import json
import warnings
from functools import lru_cache
from pathlib import Path

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from models.dialect_check import as_list, chunks
from models.generate import LENIENT, REGULAR, datasets, series
from models.js import assert_same
from models.locate import REAL_DATA, SYNTHETIC
from models.natural_model import naturalize
from models.strategies import dicom_json_datasets, dicom_json_series

import metalith

QUICKLY = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


def plain(value):
    """A natural object as plain data, by its own means and not by to_dict."""
    if isinstance(value, tuple):
        return [plain(member) for member in value]
    if isinstance(value, metalith.PersonName):
        return "=".join((value.alphabetic or "", value.ideographic or "", value.phonetic or "")).rstrip("=")
    if isinstance(value, metalith.BulkData):
        return {"BulkDataURI": value.uri}
    if isinstance(value, metalith.Instance):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, metalith.Sequence):
        return [plain(item) for item in value]
    return value


def check(table, rows):
    """Assert that a table is what the model makes of these datasets, as a whole and value by value."""
    assert len(table) == len(rows)
    for row, (instance, ours, dataset) in enumerate(zip(table, table.to_dicts("natural"), rows, strict=True)):
        model = naturalize(dataset)
        assert_same(ours, model, path=f"[{row}]")
        assert_same({name: plain(instance[name]) for name in instance}, model, path=f"[{row}]")


@pytest.mark.parametrize("kind", [REGULAR, LENIENT])
def test_generated(kind):
    for chunk in chunks(datasets(1500, seed=40, kind=kind)):
        check(metalith.naturalize(json.dumps(chunk).encode()), chunk)


@pytest.mark.parametrize("kind", [REGULAR, LENIENT])
@pytest.mark.parametrize("seed", range(4))
def test_generated_series(kind, seed):
    rows = series(60, seed=seed, kind=kind)
    check(metalith.naturalize(json.dumps(rows, ensure_ascii=seed % 2 == 0).encode()), rows)


@QUICKLY
@given(dicom_json_datasets(REGULAR))
def test_any_regular_dataset(dataset):
    check(metalith.naturalize(json.dumps([dataset])), [dataset])


@QUICKLY
@given(dicom_json_datasets(LENIENT))
def test_any_lenient_dataset(dataset):
    check(metalith.naturalize([dataset]), [dataset])


@QUICKLY
@given(dicom_json_series(LENIENT))
def test_any_series(rows):
    check(metalith.naturalize(json.dumps(rows)), rows)


@pytest.mark.parametrize("name", [*REAL_DATA, *SYNTHETIC])
def test_series(name, bodies):
    body = bodies(name)
    check(metalith.naturalize(body), as_list(body))


@lru_cache(maxsize=1)
def pydicom_datasets():
    """The metadata of every file pydicom brings along that it can itself turn into JSON."""
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in sorted((Path(pydicom.__file__).parent / "data" / "test_files").glob("**/*.dcm")):
            dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
            found[path] = json.loads(json.dumps(dataset.to_json_dict(suppress_invalid_tags=True), allow_nan=False))
    return list(found.values())


def test_pydicom_files():
    rows = pydicom_datasets()
    assert len(rows) > 50
    check(metalith.naturalize(json.dumps(rows)), rows)
    for dataset in rows:
        check(metalith.naturalize(json.dumps(dataset)), [dataset])


def test_pydicom_files_come_back():
    for dataset in pydicom_datasets():
        assert_same(metalith.denaturalize(metalith.naturalize_dataset(dataset)), dataset)


@pytest.mark.parametrize("seed", range(3))
def test_regular_data_come_back(seed):
    rows = [*datasets(300, seed=seed, kind=REGULAR), *series(40, seed=seed)]
    table = metalith.naturalize(json.dumps(rows))
    assert_same(json.loads(metalith.dumps(table)), rows)
    for instance, dataset in zip(table, rows, strict=True):
        assert_same(metalith.denaturalize(instance), dataset)


@pytest.mark.parametrize("kind", [REGULAR, LENIENT])
def test_values_is_always_a_tuple(kind):
    for dataset in datasets(200, seed=50, kind=kind):
        instance = metalith.naturalize_dataset(dataset)
        for name, expected in naturalize(dataset).items():
            values = instance.values(name)
            assert isinstance(values, tuple)
            if isinstance(expected, list) and not isinstance(instance[name], metalith.Sequence):
                assert_same(plain(values), expected)
            elif not isinstance(expected, list):
                assert_same(plain(values), [] if expected is None else [expected])


@pytest.mark.parametrize(
    ("vr", "value"),
    [("IS", "abc"), ("IS", "2.5"), ("DS", "1,5"), ("DS", "--"), ("FD", "x"), ("US", "seven")],
)
def test_what_is_no_number_stays_text_and_is_told(vr, value):
    body = json.dumps([{"00091001": {"vr": vr, "Value": [value]}}])
    table = metalith.naturalize(body)
    assert table[0]["00091001"] == value
    assert len(table.problems) == 1
    with pytest.raises(metalith.ParseError):
        metalith.naturalize(body, strict=True)


def test_spellings_of_empty_are_none():
    members = [{}, {"Value": []}, {"Value": [None]}, {"Value": [""]}, {"Value": None}]
    for vr in ("LO", "DS", "IS", "US", "PN", "UI", "AT", "DA"):
        for member in members:
            instance = metalith.naturalize_dataset({"00091001": {"vr": vr, **member}})
            assert "00091001" in instance
            assert instance["00091001"] is None
            assert instance.values("00091001") == ()
