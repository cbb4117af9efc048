# Counters by provider and type. They only ever grow; a profile is the difference between two readings.

cdef enum:
    BUCKETS = 256         # four to each doubling: a percentile is found to a tenth
    SAMPLE = 64           # of so many answers from the cache one is timed
    MOST_COUNTERS = 20000

cdef struct Tally:
    uint64_t calls
    uint64_t answers
    uint64_t misses
    uint64_t errors
    uint64_t hits
    uint64_t evictions
    uint64_t ticks        # of calls, what they called included
    uint64_t hit_ticks    # of the hits that were timed
    uint64_t timed_hits
    uint64_t histogram[BUCKETS]


cdef inline int _bucket(uint64_t ticks) noexcept:
    if ticks < 4:
        return <int>ticks
    cdef int bit = ml_highest(ticks)
    return (bit - 1) * 4 + <int>((ticks >> (bit - 2)) & 3)


def bucket_middle(int bucket):
    """Ticks in the middle of a bucket of the histograms."""
    if bucket < 4:
        return float(bucket)
    return (4.5 + bucket % 4) * 2.0 ** (bucket // 4 - 1)


def ticks():
    """What the clock of profiles shows."""
    return ml_ticks()


@cython.final
cdef class Counter:
    """What is counted for one provider and one type."""
    cdef Tally tally
    cdef readonly str provider
    cdef readonly str type

    def __cinit__(self, str provider, str type):
        self.provider, self.type = provider, type

    def read(self):
        """(calls, answers, misses, errors, hits, evictions, ticks, hit ticks, timed hits), and {bucket: count}."""
        cdef Tally *t = &self.tally
        histogram = {i: t.histogram[i] for i in range(BUCKETS) if t.histogram[i]}
        counts = (t.calls, t.answers, t.misses, t.errors, t.hits, t.evictions, t.ticks, t.hit_ticks, t.timed_hits)
        return counts, histogram
