"""Columns as arrays: dtypes and shapes by rule, and the same values that a loop over the instances finds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from models.files import real_series
from models.generate import LENIENT, REGULAR, series
from models.strategies import dicom_json_series

import metalith

TAG = "00091001"
INTEGERS = ["IS", "SL", "SS", "SV", "UL", "US", "UV"]
ABSENT = object()


def table_of(vr, rows, key=TAG):
    """One attribute in some rows: a list of values, None for an empty one, ABSENT."""
    elements = [{} if row is ABSENT else {key: {"vr": vr} | ({} if row is None else {"Value": row})} for row in rows]
    return metalith.naturalize(elements)


def by_loop(values):
    """What the column of these natural values must be, as nested lists; None where it is ragged."""
    members = [() if v is None else v if isinstance(v, tuple) else (v,) for v in values]
    numbers = [m for value in members for m in value if m is not None]
    if not numbers or not all(isinstance(m, (int, float)) for m in numbers):
        return values
    widths = {len(value) for value in members if value}
    if len(widths) > 1:
        return None
    width = max(widths, default=1)
    rows = [value or (None,) * width for value in members]
    return [row[0] for row in rows] if width == 1 else [list(row) for row in rows]


def agree(column, expected):
    """Equal member by member; NaN or None stands for None, and with it an integer may have become a float."""
    assert len(column) == len(expected)
    for ours, theirs in zip(column.tolist(), expected, strict=True):
        if isinstance(theirs, tuple) and not any(theirs):  # nulls alone
            theirs = list(theirs) if isinstance(ours, list) else None if ours is None else theirs
        elif theirs is None and isinstance(ours, list):  # an empty one beside those: as many missing numbers
            theirs = [None] * column.shape[1]
        pairs = zip(ours, theirs, strict=True) if isinstance(theirs, list) else [(ours, theirs)]
        for a, b in pairs:
            if b is None or (isinstance(b, float) and math.isnan(b)):
                assert a is None or math.isnan(a)
            else:
                assert a == b or (isinstance(a, float) and a == float(b))


def check(table):
    """Every column of a table against a loop."""
    numeric = 0
    for name in table.keywords:
        values = [instance.get(name) for instance in table]
        vrs = {instance.vr(name) for instance in table if name in instance}
        if "SQ" in vrs:
            continue
        expected = by_loop(values)
        if expected is None:
            with pytest.raises(metalith.ColumnError):
                table.column(name)
            continue
        column = table.column(name)
        agree(column, expected)
        assert column.shape[0] == len(table)
        if column.dtype != object:
            numeric += 1
            assert vrs & {*INTEGERS, "DS", "FL", "FD", "US or SS", "UN"}
    return numeric


@pytest.mark.parametrize("kind", [REGULAR, LENIENT])
@pytest.mark.parametrize("seed", range(5))
def test_generated_series(kind, seed):
    assert check(metalith.naturalize(series(25, seed=seed, kind=kind))) > 3


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(dicom_json_series(LENIENT, count=8))
def test_any_series(rows):
    check(metalith.naturalize(rows))


def test_nulls_alone():
    """Several nulls in some instances, nothing in others: a number is missing for each."""
    table = table_of("FL", [None, [None, None], None, [None, None]])
    column = table.column(TAG)
    assert column.shape == (4, 2)
    assert np.isnan(column).all()
    check(table)


def test_real_files():
    assert check(metalith.naturalize(real_series(2))) > 20


class TestTypes:
    @pytest.mark.parametrize("vr", INTEGERS)
    def test_integers(self, vr):
        column = table_of(vr, [[1], ["2"], [-3]]).column(TAG)
        assert column.dtype == np.int64
        assert column.tolist() == [1, 2, -3]

    @pytest.mark.parametrize("vr", ["DS", "FL", "FD"])
    def test_reals(self, vr):
        column = table_of(vr, [[1], ["2.5"], [-3e9]]).column(TAG)
        assert column.dtype == np.float64
        assert column.tolist() == [1.0, 2.5, -3e9]

    @pytest.mark.parametrize("count", [2, 3, 6])
    def test_several(self, count):
        rows = [[i + j / 8 for j in range(count)] for i in range(10)]
        column = table_of("DS", rows).column(TAG)
        assert column.shape == (10, count)
        assert column.tolist() == rows
        assert table_of("US", [[1, 2]] * 3 + [[3, 4]]).column(TAG).dtype == np.int64

    def test_one_row(self):
        assert table_of("US", [[5]]).column(TAG).tolist() == [5]
        assert table_of("DS", [[5, 6]]).column(TAG).tolist() == [[5.0, 6.0]]

    @pytest.mark.parametrize(
        ("numbers", "dtype"),
        [
            ([2**63 - 1, -(2**63)], np.int64),
            ([2**63, 0], np.uint64),
            ([2**64 - 1, 2**64 - 1], np.uint64),
            ([2**64, 0], object),
            ([2**63, -1], object),
        ],
    )
    def test_long_integers(self, numbers, dtype):
        for rows in ([[n] for n in numbers], [[n, 1] for n in numbers]):
            column = table_of("UV", rows).column(TAG)
            assert column.dtype == dtype
            assert column.tolist() == (rows if len(rows[0]) > 1 else numbers)

    def test_nan_and_infinities_as_sent(self):
        column = table_of("FD", [["NaN"], ["inf"], ["-Infinity"], [0]]).column(TAG)
        assert math.isnan(column[0])
        assert column[1:].tolist() == [math.inf, -math.inf, 0]

    def test_what_is_no_number_makes_objects(self):
        column = table_of("DS", [[1.5], ["1,5"], None]).column(TAG)
        assert column.dtype == object
        assert column.tolist() == [1.5, "1,5", None]

    @pytest.mark.parametrize("key", [TAG, "(0009,1001)", 0x00091001, np.uint32(0x00091001)])
    def test_keys(self, key):
        assert table_of("US", [[1], [2]]).column(key).tolist() == [1, 2]

    @pytest.mark.parametrize("key", ["Rows", "nothing", "", 0x00280010, -1, 1 << 40])
    def test_unknown_keys(self, key):
        with pytest.raises(KeyError) as caught:
            table_of("US", [[1], [2]]).column(key)
        assert caught.value.args == (key,)

    @pytest.mark.parametrize("key", [None, 1.5, b"Rows"])
    def test_wrong_keys(self, key):
        with pytest.raises(TypeError, match="keyword, tag text or tag number"):
            table_of("US", [[1], [2]]).column(key)

    def test_no_rows(self):
        with pytest.raises(KeyError):
            metalith.naturalize(b"[]").column("Rows")


class TestMissing:
    @pytest.mark.parametrize("nothing", [ABSENT, None, [], [None], [""], ["  "]], ids=str)
    @pytest.mark.parametrize("vr", ["DS", "IS", "FD", "US"])
    def test_nan(self, vr, nothing):
        column = table_of(vr, [[1], nothing, [3], nothing]).column(TAG)
        assert column.dtype == np.float64
        np.testing.assert_array_equal(column, [1, np.nan, 3, np.nan])

    @pytest.mark.parametrize("nothing", [ABSENT, None, [None]], ids=str)
    def test_several(self, nothing):
        column = table_of("DS", [[1, 2], nothing, [3, None]]).column(TAG)
        np.testing.assert_array_equal(column, [[1, 2], [np.nan, np.nan], [3, np.nan]])

    @pytest.mark.parametrize("nothing", [ABSENT, None, [None]], ids=str)
    @pytest.mark.parametrize("numbers", [[1, 3], [2**63, 2**64 - 1]])
    def test_masked_integers(self, nothing, numbers):
        column = table_of("UV", [[numbers[0]], nothing, [numbers[1]]]).column(TAG, masked=True)
        assert isinstance(column, np.ma.MaskedArray)
        assert column.dtype.kind in "iu"
        assert column.mask.tolist() == [False, True, False]
        assert column.compressed().tolist() == numbers

    def test_masked_rows(self):
        column = table_of("US", [[1, 2], None, [3, None]]).column(TAG, masked=True)
        assert column.mask.tolist() == [[False, False], [True, True], [False, True]]
        assert column.dtype == np.int64

    def test_masked_without_any(self):
        column = table_of("US", [[1], [2]]).column(TAG, masked=True)
        assert column.mask.tolist() == [False, False]
        assert column.tolist() == [1, 2]

    def test_masked_text(self):
        column = table_of("LO", [["a"], ABSENT, None]).column(TAG, masked=True)
        assert column.tolist() == ["a", None, None]
        assert column.mask.tolist() == [False, True, True]

    def test_all_empty(self):
        for vr in ("DS", "IS"):
            column = table_of(vr, [None, [None], ABSENT]).column(TAG)
            assert column.dtype == np.float64
            assert np.isnan(column).all()
        assert table_of("LO", [None, [""]]).column(TAG).tolist() == [None, None]

    def test_no_place_among_integers(self):
        with pytest.raises(metalith.ColumnError, match="missing in rows 1, 3") as caught:
            table_of("US", [[1], None, [3], ABSENT]).column(TAG, dtype=np.int16)
        assert caught.value.rows == (1, 3)
        assert table_of("US", [[1], None]).column(TAG, dtype=np.float32).dtype == np.float32
        assert table_of("US", [[1], None]).column(TAG, dtype=np.int16, masked=True).dtype == np.int16


class TestRagged:
    def test_names_the_rows(self):
        rows = [[1, 2]] * 5 + [[3]] + [None] + [[1, 2, 3]] + [ABSENT] + [[1, 2]]
        with pytest.raises(metalith.ColumnError) as caught:
            table_of("DS", rows).column(TAG)
        assert caught.value.rows == (5, 7)
        assert caught.value.keyword == TAG
        assert (
            str(caught.value) == f"{TAG}: instances have different numbers of values (1, 2, 3); unlike most: rows 5, 7"
        )
        assert isinstance(caught.value, metalith.MetalithError)

    def test_the_longer_ones_when_they_are_few(self):
        with pytest.raises(metalith.ColumnError) as caught:
            table_of("US", [[1]] * 30 + [[1, 2]]).column(TAG)
        assert caught.value.rows == (30,)

    def test_ten_rows_at_most(self):
        with pytest.raises(metalith.ColumnError) as caught:
            table_of("US", [[1]] * 30 + [[1, 2]] * 20).column(TAG)
        assert caught.value.rows == tuple(range(30, 40))

    @pytest.mark.parametrize("masked", [False, True])
    def test_in_two_spellings(self, masked):
        table = metalith.naturalize(
            [{"0009100A": {"vr": "DS", "Value": [1]}}, {"0009100a": {"vr": "DS", "Value": [1, 2]}}]
        )
        with pytest.raises(metalith.ColumnError):
            table.column("0009100A", masked=masked)

    def test_text_is_not(self):
        assert table_of("CS", [["A", "B"], ["C"]]).column(TAG).tolist() == [("A", "B"), "C"]


class TestConstant:
    @pytest.mark.parametrize(
        ("vr", "value", "shape"),
        [("US", [5], (1000,)), ("DS", [1, 2], (1000, 2)), ("LO", ["a"], (1000,)), ("CS", ["a", "b"], (1000,))],
    )
    @pytest.mark.parametrize("masked", [False, True])
    def test_views(self, vr, value, shape, masked):
        column = table_of(vr, [value] * 1000).column(TAG, masked=masked)
        assert column.shape == shape
        assert column.strides[0] == 0
        plain = column.data if masked else column
        assert not plain.flags.writeable
        assert plain.base is not None
        with pytest.raises(ValueError, match="read-only"):
            plain[0] = plain[0]
        assert column[0].tolist() == column[999].tolist() if len(shape) > 1 else column[0] == column[999]

    def test_others_are_own_arrays(self):
        table = table_of("US", [[5]] * 9 + [[6]])
        column = table.column(TAG)
        assert column.strides[0] > 0
        column[0] = 7
        assert table.column(TAG)[0] == 5

    def test_constant_and_varying(self):
        rows = [{TAG: {"vr": "US", "Value": [i]}, "00280010": {"vr": "US", "Value": [5]}} for i in range(5)]
        table = metalith.naturalize([*rows, rows[0] | {"00280011": {"vr": "US"}}])
        assert table.constant == ("Rows",)
        assert table.varying == (TAG, "Columns")
        assert table.keywords == (TAG, "Rows", "Columns")


class TestText:
    def test_objects_are_the_values_themselves(self):
        table = table_of("PN", [["A^B=C"], ["D"], None])
        column = table.column(TAG)
        assert column.dtype == object
        assert column[0] is table[0][TAG]
        assert column[0].ideographic == "C"
        assert column[2] is None

    def test_sequences_and_bulk(self):
        rows = [
            {"00081140": {"vr": "SQ", "Value": [{}]}, "7FE00010": {"vr": "OW", "BulkDataURI": f"u{i}"}}
            for i in range(3)
        ]
        table = metalith.naturalize(rows)
        assert [len(value) for value in table.column("ReferencedImageSequence")] == [1, 1, 1]
        assert [value.uri for value in table.column("PixelData")] == ["u0", "u1", "u2"]

    def test_as_str(self):
        column = table_of("LO", [["a"], ["bcd"], None, ABSENT]).column(TAG, dtype=str)
        assert column.dtype == np.dtype("<U3")
        assert column.tolist() == ["a", "bcd", "", ""]

    def test_several_as_str(self):
        assert table_of("CS", [["A", "B"], ["C", None], ["D"]]).column(TAG, dtype=str).tolist() == ["A\\B", "C\\", "D"]

    def test_numbers_as_str(self):
        assert table_of("IS", [["07"], [8]]).column(TAG, dtype=str).tolist() == ["7", "8"]

    def test_numbers_as_objects(self):
        column = table_of("IS", [[7], None, [1, 2]]).column(TAG, dtype=object)
        assert column.tolist() == [7, None, (1, 2)]

    @pytest.mark.parametrize("dtype", [np.float32, "f4", np.int16, np.uint8])
    def test_other_dtypes(self, dtype):
        column = table_of("US", [[1], [2]]).column(TAG, dtype=dtype)
        assert column.dtype == dtype
        assert column.tolist() == [1, 2]

    def test_text_to_numbers(self):
        assert table_of("LO", [["1"], ["2"]]).column(TAG, dtype=np.int64).tolist() == [1, 2]


class TestSpelledVariants:
    def table(self, vr, values):
        rows = [{key: {"vr": vr, "Value": v}} for key, v in zip(["0009100A", "0009100a"] * 9, values, strict=False)]
        return metalith.naturalize([*rows, {}])

    @pytest.mark.parametrize("masked", [False, True])
    def test_numbers(self, masked):
        column = self.table("IS", [[1], [2], [3], [None]]).column("0009100A", masked=masked)
        assert column.dtype == (np.int64 if masked else np.float64)
        assert column[:3].tolist() == [1, 2, 3]
        assert (column.mask if masked else np.isnan(column)).tolist() == [False, False, False, True, True]

    def test_integers_stay(self):
        table = metalith.naturalize([{"0009100A": {"vr": "IS", "Value": [i]}} for i in (1, 2)])
        both = metalith.naturalize([{k: {"vr": "IS", "Value": [i]}} for i, k in enumerate(["0009100A", "0009100a"], 1)])
        assert both.column("0009100A").dtype == table.column("0009100A").dtype == np.int64
        assert both.column("0009100A", dtype=np.int8).dtype == np.int8

    def test_several(self):
        assert self.table("DS", [[1, 2], [3, 4]]).column("0009100a")[:2].tolist() == [[1, 2], [3, 4]]

    def test_text(self):
        table = self.table("CS", [["A", "B"], ["C", "D"]])
        assert table.column("0009100A").tolist() == [("A", "B"), ("C", "D"), None]
        assert table.column("0009100A", dtype=str).tolist() == ["A\\B", "C\\D", ""]


class TestSequenceColumn:
    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.lists(st.integers(0, 3), max_size=6), min_size=1, max_size=4))
    def test_each_has_its_own_items(self, sequences):
        table = metalith.naturalize(
            [
                {"00289132": {"vr": "SQ", "Value": [{"00200013": {"vr": "IS", "Value": [n]}} for n in items]}}
                for items in sequences
            ]
        )
        for instance, items in zip(table, sequences, strict=True):
            sequence = instance.FrameVOILUTSequence
            if items:
                column = sequence.column("InstanceNumber")
                assert column.dtype == np.int64
                assert column.tolist() == items == [item.InstanceNumber for item in sequence]
            else:
                with pytest.raises(KeyError):
                    sequence.column("InstanceNumber")

    def test_what_only_other_items_have(self):
        with_it, without = [{"00200013": {"vr": "IS", "Value": [n]}} for n in range(3)], [{}, {}]
        rows = [{"00289132": {"vr": "SQ", "Value": items}} for items in (with_it, without)]
        first, second = (instance.FrameVOILUTSequence for instance in metalith.naturalize(rows))
        assert first.column("InstanceNumber").tolist() == [0, 1, 2]
        with pytest.raises(KeyError):
            second.column("InstanceNumber")

    def test_rows_of_a_ragged_one(self):
        items = [{"00281050": {"vr": "DS", "Value": [1] * n}} for n in (1, 1, 2)]
        rows = [{"00289132": {"vr": "SQ", "Value": [*items[:2]]}}, {"00289132": {"vr": "SQ", "Value": items}}]
        first, second = (instance.FrameVOILUTSequence for instance in metalith.naturalize(rows))
        assert first.column("WindowCenter").tolist() == [1, 1]
        with pytest.raises(metalith.ColumnError) as caught:
            second.column("WindowCenter")
        assert caught.value.rows == (2,)
