"""Memory held per instance, each measured in a fresh process; what is timed is only that process's life."""

import pytest

from benchmarks import datasets, fresh, peers

INPUTS = ("t1-384", "ct-600", "mr-600", "multi-frame-20000", "unlike-500")
HOLDERS = {
    "metalith": ("metalith", False),
    "metalith, all read": ("metalith", True),
    "orjson": ("orjson", False),
    "orjson+naturalize": ("orjson+naturalize", False),
    "msgspec-typed": ("msgspec-typed", False),
    "pydicom": ("pydicom", False),
}


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("name", INPUTS)
def test_memory(benchmark, name, holder):
    given = datasets.load(name)
    peer, read = HOLDERS[holder]
    if peer == "pydicom" and len(given.body) > peers.SLOW_LIMIT:
        pytest.skip("too slow for an input of this size")
    copies = max(1, 12_000_000 // len(given.body)) if peer == "metalith" else 1
    benchmark.group = f"memory {name}"
    facts = benchmark.pedantic(fresh.memory, (peer, given), {"copies": copies, "read": read}, rounds=1)
    benchmark.extra_info.update(given.sizes())
    benchmark.extra_info.update({f"{key}_per_instance": facts[key] for key in ("rss", "traced", "nbytes")})
    benchmark.extra_info["correct"] = facts["correct"]
    assert facts["correct"]
