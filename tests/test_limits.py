"""Each limit at its value and one past it, as keyword and as default of a block; and values that are no limits."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

import metalith


def nested(depth):
    """A dataset with sequences within sequences."""
    text = "{}"
    for _ in range(depth):
        text = f'{{"00081140":{{"vr":"SQ","Value":[{text}]}}}}'
    return text


def brackets(depth):
    """A document whose brackets are this deep: three around the member's value, if it has a value of brackets."""
    return f'[{{"00091001":{{"vr":"LO","x":{"[" * (depth - 3)}{"]" * (depth - 3)}}}}}]'


def keys(count):
    """A dataset with so many private or unknown attributes, some of them in a sequence, and others besides."""
    inner = ",".join(f'"0009{i:04X}":{{"vr":"LO"}}' for i in range(0x1000, 0x1000 + count - 2))
    sequence = f'"00081140":{{"vr":"SQ","Value":[{{{inner}}}]}}'
    return f'{{"00280010":{{"vr":"US"}},"00091001":{{"vr":"LO"}},"odd":{{"vr":"LO"}},{sequence}}}'


def problems(count):
    return "{" + ",".join(f'"0009{i:04X}":{{"vr":"IS","Value":["x"]}}' for i in range(0x1000, 0x1000 + count)) + "}"


CASES = [
    ("max_bytes", 20, lambda n: "[{}]" + " " * (n - 4)),
    ("max_bytes", 2, lambda n: "{}" + " " * (n - 2)),
    ("max_sequence_depth", 0, nested),
    ("max_sequence_depth", 1, nested),
    ("max_sequence_depth", 10, nested),
    ("max_sequence_depth", 64, nested),
    ("max_sequence_depth", 300, nested),
    ("max_json_depth", 4, brackets),
    ("max_json_depth", 50, brackets),
    ("max_json_depth", 1024, brackets),
    ("max_keys", 4, keys),
    ("max_keys", 50, keys),
]


@pytest.mark.parametrize(("name", "limit", "make"), CASES)
@pytest.mark.parametrize("form", ["text", "pieces", "dicts"])
def test_at_the_limit_and_one_past(name, limit, make, form):
    def parse(n):
        text = make(n)
        if form == "dicts":
            return metalith.naturalize(json.loads(text), **others, **{name: limit})
        pieces = [text[i : i + 7].encode() for i in range(0, len(text), 7)]
        return metalith.naturalize(text if form == "text" else iter(pieces), **others, **{name: limit})

    if form == "dicts" and (name == "max_bytes" or limit == 1024):
        pytest.skip("bytes are counted in text; Python's own JSON stops at about a thousand brackets")
    others = {"max_json_depth": 10_000} if name == "max_sequence_depth" else {}
    assert len(parse(limit)) == 1
    with pytest.raises(metalith.ParseError, match=rf"beyond the limit {name}={limit:,} ") as caught:
        parse(limit + 1)
    assert caught.value.row == (1 if name == "max_bytes" and form == "pieces" and caught.value.row else 0)


@pytest.mark.parametrize(("name", "limit", "make"), CASES)
def test_as_default_of_a_block(name, limit, make):
    with metalith.limits(max_json_depth=10_000), metalith.limits(**{name: limit}) as bounds:
        assert getattr(bounds, name) == limit
        assert len(metalith.naturalize(make(limit))) == 1
        with pytest.raises(metalith.ParseError, match=f"{name}={limit:,}"):
            metalith.naturalize(make(limit + 1))
        assert len(metalith.naturalize(make(limit + 1), **{name: limit + 1})) == 1


def test_the_defaults():
    assert metalith.Limits() == metalith.Limits(2 << 30, 64, 1024, 1_000_000, 1000)
    assert len(metalith.naturalize(nested(64))) == 1
    with pytest.raises(metalith.ParseError, match="max_sequence_depth=64"):
        metalith.naturalize(nested(65))
    assert len(metalith.naturalize(brackets(1024))) == 1
    with pytest.raises(metalith.ParseError, match="max_json_depth=1,024"):
        metalith.naturalize(brackets(1025))
    with pytest.raises(metalith.ParseError, match="max_keys=1,000,000"):
        metalith.naturalize("{" + ",".join(f'"{i}":0' for i in range(1_000_001)) + "}")


def test_the_deepest_of_all():
    table = metalith.naturalize(nested(1023), max_sequence_depth=1023, max_json_depth=5000)
    item, depth = table[0], 0
    while item:
        item, depth = item.ReferencedImageSequence[0], depth + 1
    assert depth == 1023


def test_json_depth_counts_the_brackets_of_sequences_too():
    """[{"…":{"Value":[{}]}}] is five deep."""
    text = f"[{nested(1)}]"
    assert len(metalith.naturalize(text, max_json_depth=5)) == 1
    with pytest.raises(metalith.ParseError, match="max_json_depth=4"):
        metalith.naturalize(text, max_json_depth=4)


def test_problems_beyond_the_limit_are_counted():
    for limit, listed, more in [(0, 0, 5), (4, 4, 1), (5, 5, 0), (6, 5, 0)]:
        found = metalith.naturalize(problems(5), max_problems=limit).problems
        assert [problem.kind != 0 for problem in found] == [True] * listed + [False] * bool(more)
        if more:
            assert found[-1].count == more
            assert str(found[-1]) == f"{more} further problems, not listed"
    assert len(metalith.naturalize(problems(1001)).problems) == 1001
    assert metalith.naturalize(problems(1001)).problems[-1].count == 1


def test_blocks_nest_and_end():
    with metalith.limits(max_bytes=100):
        with metalith.limits(max_keys=5) as inner:
            assert (inner.max_bytes, inner.max_keys) == (100, 5)
        with pytest.raises(ZeroDivisionError), metalith.limits(max_bytes=1):
            raise ZeroDivisionError
        assert len(metalith.naturalize(b"{}" + b" " * 98)) == 1
        with pytest.raises(metalith.ParseError):
            metalith.naturalize(b"{}" + b" " * 99)
    assert len(metalith.naturalize(b"{}" + b" " * 99)) == 1


def test_blocks_are_of_one_thread_and_task():
    def elsewhere():
        found.append(len(metalith.naturalize(b"{}")))

    async def task(limit):
        with metalith.limits(max_bytes=limit):
            await asyncio.sleep(0)
            try:
                return len(metalith.naturalize(b"{}"))
            except metalith.ParseError:
                return None

    async def both():
        return await asyncio.gather(task(1), task(2))

    found = []
    with metalith.limits(max_bytes=1):
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert found == [1]
    assert asyncio.run(both()) == [None, 1]


@pytest.mark.parametrize("name", ["max_bytes", "max_sequence_depth", "max_json_depth", "max_keys", "max_problems"])
@pytest.mark.parametrize("value", [-1, 1.5, "5", None, True, 1 << 63])
def test_wrong_values(name, value):
    for use in (
        metalith.Limits,
        lambda **given: metalith.naturalize(b"{}", **given),
        lambda **given: metalith.limits(**given).__enter__(),
    ):
        with pytest.raises(metalith.ConfigurationError, match=name):
            use(**{name: value})


def test_unknown_names():
    for use in (
        metalith.Limits,
        lambda **given: metalith.naturalize(b"{}", **given),
        lambda **given: metalith.limits(**given).__enter__(),
    ):
        with pytest.raises(TypeError, match="max_byte"):
            use(max_byte=5)


def test_highest_values():
    for name, value in [("max_bytes", 1 << 62), ("max_sequence_depth", 1023), ("max_keys", (1 << 32) - 1)]:
        assert len(metalith.naturalize(b"{}", **{name: value})) == 1
        with pytest.raises(metalith.ConfigurationError, match=name):
            metalith.Limits(**{name: value + 1})


def test_a_great_depth_is_no_promise_of_memory():
    """What is allowed is not allocated beforehand."""
    assert len(metalith.naturalize(brackets(10), max_json_depth=(1 << 32) - 1)) == 1


def test_a_file_that_claims_a_length_beyond_the_limit_is_not_read_for_it():
    import io

    from pydicom.data import get_testdata_file

    class Counting(io.BytesIO):
        count = 0

        def read(self, size=-1):
            self.count += max(size, 0)
            return super().read(size)

    with open(get_testdata_file("CT_small.dcm"), "rb") as file:
        body = bytearray(file.read())
    at = body.index(b"\x09\x00\x10\x00LO")  # the private creator, a short value of its own
    claimed = b"\x09\x00\x01\x00OB\x00\x00" + (1 << 30).to_bytes(4, "little")
    file = Counting(bytes(body[:at]) + claimed + bytes(200_000))
    with pytest.raises(metalith.ParseError, match="max_bytes=10,000,000"):
        metalith.read(file, max_bytes=10_000_000)
    assert file.count < 1_000_000
