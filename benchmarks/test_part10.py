"""Headers of Part-10 files: one file from memory and from the page cache, a series, and the memory held."""

import pytest

from benchmarks import part10_check, part10_files, part10_memory, part10_peers

LOOP = 20  # reads a round, so that the first one after the collector weighs little


@pytest.mark.parametrize("reader", part10_peers.READERS, ids=lambda reader: reader.name)
@pytest.mark.parametrize("name", part10_files.SINGLE)
@pytest.mark.parametrize("source", ("bytes", "path"))
def test_header(clock, benchmark, source, name, reader):
    given = part10_files.single(name)
    run = reader.reading(source)
    file = given.bodies[0] if source == "bytes" else given.paths[0]
    times = 1 if reader.slow else LOOP

    def loop():
        for _ in range(times):
            result = run(file)
        return result

    clock(
        loop,
        correct=lambda result: part10_check.correct(reader.form, result, given.bodies[0], given.paths[0]),
        group=f"header {name}, {source}",
    )
    benchmark.extra_info.update(given.sizes())
    if benchmark.stats:
        benchmark.extra_info["microseconds_per_file"] = round(benchmark.stats.stats.min / times * 1e6, 2)


@pytest.mark.parametrize(("reader", "workers"), part10_peers.IN_SERIES)
@pytest.mark.parametrize("name", part10_files.SERIES)
def test_series(clock, benchmark, name, reader, workers):
    given = part10_files.series(name)
    run = part10_peers.reading_series(reader, workers)
    form = part10_peers.form_in_series(reader)
    clock(
        lambda: run(given.paths),
        correct=lambda results: part10_check.correct_series(form, results, given),
        given=given,
        group=f"headers of a series, {name}",
    )
    benchmark.extra_info["workers"] = workers
    if benchmark.stats:
        benchmark.extra_info["microseconds_per_file"] = round(benchmark.stats.stats.min / given.instances * 1e6, 2)


@pytest.mark.parametrize("reader", part10_memory.HOLDERS)
@pytest.mark.parametrize("name", ("ct-350", "mr"))
def test_header_memory(benchmark, name, reader):
    part10_peers.BY_NAME[reader].from_path()  # skips where it is absent
    benchmark.group = f"memory of 100,000 headers, {name}"
    facts = benchmark.pedantic(part10_memory.measure, (reader, name), rounds=1)
    benchmark.extra_info.update(facts)
    assert facts["correct"]
