"""`import metalith` in fresh interpreters, against interpreters that import nothing."""

from benchmarks import fresh


def test_import(benchmark):
    facts = benchmark.pedantic(fresh.import_times, kwargs={"rounds": 15}, rounds=1)
    benchmark.extra_info.update(facts)
    benchmark.extra_info["correct"] = not facts["slow_modules"]
    assert not facts["slow_modules"], "a slow dependency is imported before it is needed"
