/*
 * test_places_memory.c: want of memory at every allocation of the index: what fails leaves it as it was, what needs no
 * memory does not fail, and nothing leaks. Built with many small tables and colliding hashes, as test_places_small.
 */
#include "check.h"

#include "places.h"

#include "counted_alloc.h"

/* Key i is the four bytes of i; its ref in table t is i * 4 + t + 1. */
enum { KEYS = 600, ROWS = 50 };

static uint32_t texts[KEYS];

static const char *text_at(const void *context, uint32_t table, uint32_t ref, size_t *length) {
    (void)context;
    (void)table;
    *length = 4;
    return (const char *)&texts[(ref - 1) / 4];
}

static const char *text(uint32_t key) {
    return (const char *)&texts[key];
}

/* Rows said, 0: not there; only tables 0 and 1 are used, row + 1 tells both. */
typedef uint32_t model[KEYS];

static ml_place place_of(uint32_t said) {
    return (ml_place){(said - 1) & 1, (said - 1) >> 1};
}

static size_t wrong_in(const ml_places *places, const model said) {
    size_t wrong = 0, count = 0;
    for (uint32_t k = 0; k < KEYS; k++) {
        ml_place got = {9, 9};
        int found = ml_places_find(places, text(k), 4, text_at, NULL, &got);
        wrong += found != (said[k] != 0);
        if (found && said[k]) {
            ml_place place = place_of(said[k]);
            wrong += got.table != place.table || got.row != place.row;
        }
        count += said[k] != 0;
    }
    return wrong + (ml_places_count(places) != count);
}

/* Rows of table 1 whose keys go on from `key`, some twice, some none. Whether there was the memory. */
static int put_many(ml_places *places, model said, uint32_t key, size_t *wrong) {
    uint32_t refs[ROWS];
    ml_placed old[ROWS];
    for (uint32_t i = 0; i < ROWS; i++) refs[i] = i % 11 == 3 ? 0 : (key + i - (i % 7 == 5)) % KEYS * 4 + 2;
    if (!ml_places_put_many(places, 1, key, refs, ROWS, text_at, NULL, old)) return 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        if (!refs[i]) continue;
        uint32_t *is = &said[(refs[i] - 1) / 4];
        *wrong += (old[i].ref != 0) != (*is != 0);
        *is = (key + i) * 2 + 2;
    }
    return 1;
}

/* One life of an index, during which one allocation fails, or all from one on. How many failures it told of. */
static size_t live_through(size_t *wrong) {
    static model said;
    size_t failures = 0;
    memset(said, 0, sizeof said);
    ml_places *places = ml_places_new(3);
    if (!places) return 1;
    for (uint32_t step = 0; step < 400; step++) {
        uint32_t k = step * 7 % KEYS;
        ml_place old, place = {0, step};
        int ok = 1;
        if (step % 40 == 39) {
            ok = put_many(places, said, k, wrong);
        } else if (step % 90 == 17) {
            ok = ml_places_reserve(places, step);
        } else if (step % 5 == 4 || step > 330) {
            k = (k + KEYS - 14) % KEYS;
            *wrong += ml_places_remove(places, text(k), 4, text_at, NULL, &old) != (said[k] != 0);
            said[k] = 0;
        } else {
            int result = ml_places_put(places, text(k), 4, k * 4 + 1, place, text_at, NULL, &old);
            ok = result != 0;
            *wrong += ok ? result != 1 + (said[k] != 0) : said[k] != 0;
            if (ok) said[k] = step * 2 + 1;
        }
        failures += !ok;
        if (!ok || step % 50 == 0) *wrong += wrong_in(places, said);
    }
    *wrong += wrong_in(places, said);
    ml_places_free(places);
    return failures;
}

int main(void) {
    for (uint32_t k = 0; k < KEYS; k++) texts[k] = k;
    size_t wrong = 0, told = 0;
    CHECK(live_through(&wrong) == 0 && wrong == 0 && live == 0);
    long all = calls;
    for (from_then_on = 0; from_then_on < 2; from_then_on++) {
        for (long n = 0; n < all; n++) {
            countdown = n;
            size_t failures = live_through(&wrong);
            told += failures != 0;
            CHECK_MSG(!wrong && live == 0, "allocation %ld of %ld: %zu wrong, %ld blocks left", n, all, wrong, live);
        }
    }
    /* all that fail are told of, but for tables that would have become smaller */
    CHECK_MSG(told > (size_t)all && told <= 2 * (size_t)all, "%zu told of, %ld allocations", told, all);
    return ml_check_report();
}
