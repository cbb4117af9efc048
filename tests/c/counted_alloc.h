/*
 * counted_alloc.h: the allocations that failing_alloc.h makes of the core's. Comes after all other headers; the test's
 * own allocations are none of them from there on.
 */
#ifndef ML_COUNTED_ALLOC_H
#define ML_COUNTED_ALLOC_H

#undef malloc
#undef calloc
#undef realloc
#undef free

static long countdown = -1; /* allocations until one fails; below 0: none does */
static int from_then_on;    /* whether all after that one fail, too */
static long calls, live;

static int fails(void) {
    calls++;
    if (countdown < 0) return 0;
    if (countdown > 0) {
        countdown--;
        return 0;
    }
    if (!from_then_on) countdown = -1;
    return 1;
}

void *ml_test_malloc(size_t n) {
    void *block = fails() ? NULL : malloc(n);
    live += block != NULL;
    return block;
}

void *ml_test_calloc(size_t count, size_t n) {
    void *block = fails() ? NULL : calloc(count, n);
    live += block != NULL;
    return block;
}

void *ml_test_realloc(void *old, size_t n) {
    void *block = fails() ? NULL : realloc(old, n);
    live += block != NULL && old == NULL;
    return block;
}

void ml_test_free(void *block) {
    live -= block != NULL;
    free(block);
}

#endif
