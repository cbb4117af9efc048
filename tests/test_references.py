"""No leaks, no cycles, nothing for the garbage collector; what is still in use lives, whatever else has gone."""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import os
import sys

import pytest
from models.files import real_series
from models.generate import LENIENT, series

import metalith

ROWS = real_series(2)
BODY = json.dumps(ROWS).encode()
LOOSE = json.dumps(series(40, seed=5, kind=LENIENT)).encode()
NESTED = {
    "00081140": {"vr": "SQ", "Value": [{"00081199": {"vr": "SQ", "Value": [{"00280010": {"vr": "US", "Value": [5]}}]}}]}
}
PAGE = os.sysconf("SC_PAGE_SIZE")


def resident():
    """Bytes of memory that the process holds."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * PAGE


def use(table):
    """All that one can ask of a table or a sequence."""
    for instance in table:
        repr(instance), dir(instance), hash(instance)
        for name, value in instance.items():
            (
                instance.raw(name),
                instance.vr(name),
                instance.values(name),
                getattr(instance, name, None),
                instance.get("x"),
            )
            if isinstance(value, metalith.Sequence):
                use(value)
    if isinstance(table, metalith.InstanceTable):
        table.keywords, table.constant, table.varying, table.problems, table.nbytes, repr(table)
        for dialect in ("natural", "dcmjs", "cornerstone", "dicom"):
            table.to_json(dialect), table.to_dicts(dialect)
        for name in table.keywords:
            with contextlib.suppress(metalith.ColumnError):
                table.column(name)


@pytest.fixture
def collector():
    """The collector, off and with nothing to do."""
    gc.collect()
    gc.disable()
    yield gc
    gc.enable()


class TestCollector:
    @pytest.mark.parametrize("body", [BODY, LOOSE], ids=["real", "loose"])
    def test_nothing_is_left_to_collect(self, body, collector):
        table = metalith.naturalize(body)
        use(table)
        collector.collect()
        for _ in range(3):
            table = metalith.naturalize(body)
            for instance in table:
                for name, value in instance.items():
                    instance.raw(name)
                    if isinstance(value, metalith.Sequence):
                        list(value)
            del table, instance, name, value
            assert collector.collect() == 0

    def test_nothing_is_tracked(self, collector):
        body = BODY * 143
        before = len(collector.get_objects())
        table = metalith.naturalize(body)
        assert len(table) == 143 * len(ROWS) > 2000
        assert len(collector.get_objects()) - before < 20
        instances = list(table)
        assert not any(map(collector.is_tracked, instances))
        assert not collector.is_tracked(table)
        assert not collector.is_tracked(table[0].values()[0])
        assert len(collector.get_objects()) - before < 20

    def test_allocations_that_count(self, collector):
        """The collector runs by the number of tracked objects made: ingest makes next to none for any number."""
        body = BODY * 143
        metalith.naturalize(b"[]")
        before = collector.get_count()[0]
        table = metalith.naturalize(body)
        assert collector.get_count()[0] - before < 30
        numbers = [instance.InstanceNumber for instance in table]
        assert collector.get_count()[0] - before < 30
        assert numbers == list(range(len(ROWS))) * 143


class TestCounts:
    def test_values(self):
        table = metalith.naturalize(BODY)
        for name in ("PatientName", "StudyDescription", "PixelSpacing", "ImageType"):
            instance = next(instance for instance in table if instance.get(name) is not None)
            value = instance[name]
            before = sys.getrefcount(value)
            for _ in range(100):
                (
                    instance[name],
                    getattr(instance, name),
                    instance.get(name),
                    instance.items(),
                    instance.values(name),
                    name in instance,
                )
                [other.get(name) for other in table]
            assert sys.getrefcount(value) == before
            del instance
            table_before = sys.getrefcount(table)
            kept = [instance for _ in range(3) for instance in table]
            assert sys.getrefcount(table) == table_before + len(kept)
            del kept
            assert sys.getrefcount(table) == table_before

    def test_a_value_goes_with_its_table(self):
        table = metalith.naturalize(BODY)
        value = table[0].StudyInstanceUID
        before = sys.getrefcount(value)
        del table
        assert sys.getrefcount(value) == before - 1

    def test_names(self):
        name = "".join(["Study", "Description"])
        key = "".join(["0009", "1001"])
        before = sys.getrefcount(name), sys.getrefcount(key)
        table = metalith.naturalize(BODY)
        for _ in range(50):
            for instance in table:
                instance.get(name), instance.get(key), name in instance
        del table, instance
        assert (sys.getrefcount(name), sys.getrefcount(key)) == before

    def test_keys_that_are_absent(self):
        instance = metalith.naturalize(BODY)[0]
        for make in (lambda i: f"absent {i}", lambda i: 0x00091000 + i, lambda i: f"{i:08X}"):
            keys = [make(i) for i in range(1000, 3000)]
            before = [sys.getrefcount(key) for key, _ in zip(keys, keys, strict=True)]
            for key in keys:
                with pytest.raises(KeyError):
                    instance[key]
                assert key not in instance
            held = sum(sys.getrefcount(key) - count for key, count in zip(keys, before, strict=True))
            assert held <= 300, "a table remembers few of the names it was asked for"

    def test_arguments(self):
        source, default = "".join(["a ", "name"]), object()
        before = sys.getrefcount(source), sys.getrefcount(default)
        for _ in range(20):
            instance = metalith.naturalize_dataset(b"{}", source=source)
            assert instance.get("Rows", default) is instance.private("X", 9, 1, default) is default
            with pytest.raises(metalith.ParseError):
                metalith.naturalize(b"{", source=source)
        assert (sys.getrefcount(source), sys.getrefcount(default)) == before

    def test_constants(self):
        watched = [None, (), True, metalith.Instance, metalith.Sequence, metalith.PersonName]
        table = metalith.naturalize(LOOSE)
        use(table)
        before = [sys.getrefcount(thing) for thing in watched]
        for _ in range(10):
            use(metalith.naturalize(LOOSE))
        after = [sys.getrefcount(thing) for thing in watched]
        assert all(b - a < 50 for a, b in zip(before, after, strict=True)), list(
            zip(watched, before, after, strict=True)
        )


class TestLifetimes:
    def test_in_any_order(self):
        """Table, instance, sequence, item, inner sequence, inner item: each is usable when all the others have gone."""
        for order in itertools.permutations(range(6)):
            table = metalith.naturalize([NESTED])
            instance = table[0]
            sequence = instance.ReferencedImageSequence
            item = sequence[0]
            inner = item.ReferencedSOPSequence
            things = [table, instance, sequence, item, inner, inner[0]]
            del table, instance, sequence, item, inner
            for gone in order[:-1]:
                things[gone] = None
            last = things[order[-1]]
            for _ in range(order[-1], 5):
                last = last[0] if not isinstance(last, metalith.Instance) else last.values()[0]
            assert last.Rows == 5

    def test_iterators(self):
        rows = iter(metalith.naturalize([NESTED] * 3))
        assert len(next(rows)) == 1
        items = iter(next(rows).ReferencedImageSequence)
        del rows
        assert next(items).ReferencedSOPSequence.Rows == 5
        assert next(items, None) is None

    def test_columns(self):
        column = metalith.naturalize([{"00280030": {"vr": "DS", "Value": [i, 2]}} for i in range(100)]).column(
            "PixelSpacing"
        )
        constant = metalith.naturalize([{"00280030": {"vr": "DS", "Value": [1, 2]}}] * 100).column("PixelSpacing")
        churn = [metalith.naturalize(BODY) for _ in range(3)]
        assert column[:, 0].tolist() == list(range(100))
        assert constant.sum() == 300
        assert churn

    def test_error_objects(self):
        instance = metalith.naturalize([NESTED])[0]
        with pytest.raises(AttributeError) as caught:
            _ = instance.Columns
        error = caught.value
        del instance, caught
        assert error.obj.ReferencedImageSequence.ReferencedSOPSequence.Rows == 5

    def test_deep_chains_come_down(self):
        text = "{}"
        for _ in range(1000):
            text = f'{{"00081140":{{"vr":"SQ","Value":[{text}]}}}}'
        for _ in range(10):
            item = metalith.naturalize(text, max_sequence_depth=1023, max_json_depth=5000)[0]
            while item:
                item = item.ReferencedImageSequence[0]
            assert item == {}


def grows(work, rounds):
    """Bytes of resident memory that many rounds add, after as many to warm up."""
    for _ in range(rounds):
        work()
    before = resident()
    for _ in range(rounds):
        work()
    return resident() - before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
class TestMemory:
    """A leak of a body a round would come to many times the margin."""

    MARGIN = 6_000_000

    def test_parsing(self):
        body = json.dumps(real_series(30)).encode()
        assert len(body) * 20 > 5 * self.MARGIN
        assert grows(lambda: metalith.naturalize(body), 40) < self.MARGIN

    def test_pieces(self):
        body = json.dumps(real_series(30)).encode()
        pieces = [body[i : i + 65536] for i in range(0, len(body), 65536)]
        assert grows(lambda: metalith.naturalize(iter(pieces)), 40) < self.MARGIN

    def test_using(self):
        assert grows(lambda: use(metalith.naturalize(LOOSE)), 8) < self.MARGIN

    def test_sequences(self):
        body = json.dumps(
            [NESTED | {"00100010": {"vr": "PN", "Value": [{"Alphabetic": f"{i}" * 50}]}} for i in range(3000)]
        )

        def work():
            for instance in metalith.naturalize(body):
                assert instance.ReferencedImageSequence.ReferencedSOPSequence.Rows == 5
                assert instance.PatientName.family_name

        assert grows(work, 15) < self.MARGIN

    @pytest.mark.parametrize("chunked", [False, True])
    def test_failing(self, chunked):
        body = json.dumps(real_series(30)).encode()[:-200]

        def work():
            with pytest.raises(metalith.ParseError):
                metalith.naturalize([body[:100_000], body[100_000:]] if chunked else body)

        assert grows(work, 40) < self.MARGIN

    def test_giving_up(self):
        """An input whose source fails half-way."""
        body = json.dumps(real_series(30)).encode()

        def broken():
            yield body[:-100]
            raise OSError

        def work():
            with pytest.raises(OSError):  # noqa: PT011
                metalith.naturalize(broken())

        assert grows(work, 40) < self.MARGIN
