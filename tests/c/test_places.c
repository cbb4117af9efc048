/*
 * test_places.c: the index against a plain array of what each key should say; keys made to collide; what it costs.
 * Built a second time with many small tables and a hash of few values (ML_PLACES_HASH_MASK), where every way through
 * the code is a common one. An argument, a number of entries, has so many timed, too, and all more
 * than once.
 */
#include "check.h"

#include "places.h"
#include "text.h"

#include <stdlib.h>
#include <time.h>

#ifdef ML_PLACES_HASH_MASK
enum { SMALL = 1 };
#else
enum { SMALL = 0 };
#endif

static uint64_t random_state = 88172645463325252u;

static uint32_t random_below(uint32_t n) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 32) * n >> 32);
}

static double now(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- against a model ---- */

enum { KEYS = 3000, TABLES = 5, ROWS = 64 };

/* A key's text is told by its table and ref, in each table by another ref, and only while an entry says so. */
typedef struct world {
    char text[KEYS][80];
    size_t length[KEYS];
    ml_placed said[KEYS]; /* ref 0: not there */
    uint8_t known[TABLES][TABLES * KEYS + 1];
    size_t asked, wrong;
} world;

static uint32_t ref_of(uint32_t table, uint32_t key) {
    return 1 + key * TABLES + (key + table) % TABLES;
}

static const char *text_at(const void *context, uint32_t table, uint32_t ref, size_t *length) {
    world *w = (world *)(uintptr_t)context;
    w->asked++;
    if (table >= TABLES || !ref || ref > TABLES * KEYS || !w->known[table][ref]) {
        w->wrong++;
        *length = 0;
        return "";
    }
    *length = w->length[(ref - 1) / TABLES];
    return w->text[(ref - 1) / TABLES];
}

static void say(world *w, uint32_t key, ml_placed at) {
    ml_placed *said = &w->said[key];
    if (said->ref) w->known[said->place.table][said->ref] = 0;
    *said = at;
    if (said->ref) w->known[said->place.table][said->ref] = 1;
}

static int same_place(ml_place a, ml_place b) {
    return a.table == b.table && a.row == b.row;
}

/* All keys, those of no length and of every length around the hash's blocks among them. */
static world *make_world(void) {
    world *w = calloc(1, sizeof *w);
    for (uint32_t k = 0; k < KEYS; k++) {
        char digits[16];
        size_t n = (size_t)snprintf(digits, sizeof digits, "%u", (unsigned)k);
        w->length[k] = k % 79 < n ? n : k % 79;
        memset(w->text[k], '.', w->length[k]);
        memcpy(w->text[k] + w->length[k] - n, digits, n);
    }
    w->length[0] = 0;
    return w;
}

static void check_all(world *w, const ml_places *places) {
    size_t wrong = 0, count = 0;
    for (uint32_t k = 0; k < KEYS; k++) {
        ml_place got = {0, 0};
        int found = ml_places_find(places, w->text[k], w->length[k], text_at, w, &got);
        wrong += found != (w->said[k].ref != 0) || (found && !same_place(got, w->said[k].place));
        count += w->said[k].ref != 0;
    }
    CHECK_MSG(!wrong && !w->wrong && ml_places_count(places) == count, "%zu wrong, %zu texts wrong, %zu of %zu", wrong,
              w->wrong, ml_places_count(places), count);
}

/* Puts keys, some of them twice, and takes that back or keeps it. */
static size_t put_many(world *w, ml_places *places) {
    uint32_t refs[ROWS], keys[ROWS], table = random_below(TABLES), first = random_below(1000), n = random_below(ROWS);
    ml_placed old[ROWS], before[ROWS];
    size_t wrong = 0;
    memset(refs, 0, sizeof refs);
    for (uint32_t i = 0; i < n; i++) {
        keys[i] = random_below(4) || !i ? random_below(KEYS) : keys[random_below(i)];
        refs[i] = random_below(8) ? ref_of(table, keys[i]) : 0;
    }
    /* all texts of the table are there while it is put */
    for (uint32_t i = 0; i < n; i++) w->known[table][refs[i]] = 1;
    wrong += !ml_places_put_many(places, table, first, refs, n, text_at, w, old);
    for (uint32_t i = 0; i < n; i++) {
        before[i] = refs[i] ? w->said[keys[i]] : (ml_placed){{0, 0}, 0};
        wrong += old[i].ref != before[i].ref || (old[i].ref && !same_place(old[i].place, before[i].place));
        if (refs[i]) w->said[keys[i]] = (ml_placed){{table, first + i}, refs[i]};
    }
    if (random_below(3) == 0) {
        ml_places_undo_many(places, table, first, refs, n, text_at, w, old);
        for (uint32_t i = n; i--;) {
            if (refs[i]) w->said[keys[i]] = before[i];
        }
    }
    memset(w->known, 0, sizeof w->known);
    for (uint32_t k = 0; k < KEYS; k++) w->known[w->said[k].place.table][w->said[k].ref] = 1;
    for (uint32_t t = 0; t < TABLES; t++) w->known[t][0] = 0;
    return wrong;
}

static size_t one_step(world *w, ml_places *places, uint32_t puts) {
    uint32_t k = random_below(KEYS), table = random_below(TABLES);
    const char *text = w->text[k];
    size_t n = w->length[k];
    int there = w->said[k].ref != 0;
    ml_place was = w->said[k].place, place = {table, random_below(1000)}, old = {0, 0};
    ml_placed at = {place, ref_of(table, k)};
    uint32_t what = random_below(100);
    if (what < puts) {
        int result = ml_places_put(places, text, n, at.ref, place, text_at, w, &old);
        say(w, k, at);
        return result != 1 + there || (there && !same_place(old, was));
    }
    if (what < 80) {
        int result = ml_places_remove(places, text, n, text_at, w, &old);
        say(w, k, (ml_placed){{0, 0}, 0});
        return result != there || (there && !same_place(old, was));
    }
    int here = there && random_below(2);
    ml_place from = here ? was : place;
    here = there && same_place(from, was);
    if (what < 90) {
        int result = ml_places_remove_at(places, text, n, text_at, w, from);
        if (here) say(w, k, (ml_placed){{0, 0}, 0});
        return result != here;
    }
    place.row++;
    at.place = place;
    int result = ml_places_move(places, text, n, text_at, w, from, place, at.ref);
    if (here) say(w, k, at);
    return result != here;
}

static void test_model(void) {
    world *w = make_world();
    ml_places *places = ml_places_new(7);
    size_t wrong = 0;
    for (int round = 0; round < 60; round++) {
        /* rounds that fill it, that keep it, and that empty it, to nothing in the end */
        uint32_t puts = round % 6 == 5 ? 0 : 70 - (uint32_t)(round % 6) * 12;
        for (int i = 0; i < 10000; i++) wrong += one_step(w, places, puts);
        for (int i = 0; i < 40; i++) wrong += put_many(w, places);
        if (round % 10 == 3) CHECK(ml_places_reserve(places, 5000));
        check_all(w, places);
        if (round % 12 == 11) {
            ml_place old;
            for (uint32_t k = 0; k < KEYS; k++) {
                wrong += (size_t)(ml_places_remove(places, w->text[k], w->length[k], text_at, w, &old) !=
                                  (w->said[k].ref != 0));
                say(w, k, (ml_placed){{0, 0}, 0});
            }
            CHECK(ml_places_count(places) == 0 && ml_places_bytes(places) < 400);
            check_all(w, places);
        }
    }
    CHECK_MSG(!wrong && !w->wrong, "%zu wrong, %zu texts wrong", wrong, w->wrong);
    ml_places_free(places);
    ml_places_free(NULL);
    free(w);
}

/* ---- keys made to collide ---- */

typedef struct pool {
    const char *text; /* of key i: from i * size on */
    size_t size;
    size_t asked;
} pool;

/* Table t has the keys from t * 1000 on; ref is the row + 1. */
static const char *pool_at(const void *context, uint32_t table, uint32_t ref, size_t *length) {
    pool *p = (pool *)(uintptr_t)context;
    p->asked++;
    *length = p->size;
    return p->text + ((size_t)table * 1000 + ref - 1) * p->size;
}

static size_t put_pool(ml_places *places, pool *p, uint32_t i) {
    ml_place place = {i / 1000, i % 1000}, old;
    return ml_places_put(places, p->text + (size_t)i * p->size, p->size, place.row + 1, place, pool_at, p, &old) != 1;
}

static size_t find_pool(const ml_places *places, pool *p, uint32_t i) {
    ml_place place = {i / 1000, i % 1000}, got;
    return !ml_places_find(places, p->text + (size_t)i * p->size, p->size, pool_at, p, &got) || !same_place(got, place);
}

static void check_pool(const char *what, pool *p, uint32_t n) {
    ml_places *places = ml_places_new(11);
    size_t wrong = 0;
    double start = now();
    for (uint32_t i = 0; i < n; i++) wrong += put_pool(places, p, i);
    size_t putting = p->asked;
    for (uint32_t i = 0; i < n; i++) wrong += find_pool(places, p, i);
    CHECK_MSG(!wrong && ml_places_count(places) == n, "%s: %zu wrong", what, wrong);
    printf("%s: %.0f ns each, longest way %zu\n", what, (now() - start) / n / 2, ml_places_longest(places));
    if (!SMALL) {
        /* texts are looked at for equal hashes only, of 32 bits */
        CHECK_MSG(putting <= n / 1000 && p->asked <= n + n / 1000, "%s: %zu texts looked at", what, p->asked);
        CHECK_MSG(ml_places_longest(places) < 100, "%s: longest way %zu", what, ml_places_longest(places));
    }
    ml_places_free(places);
    p->asked = 0;
}

/* A word that equals ml_hash's constant wipes out what came before it, whatever the seed. */
static void test_collisions(void) {
    enum { N = SMALL ? 3000 : 100000, SIZE = 40 };
    static const unsigned char wiping[8] = {0x93, 0xFD, 0x59, 0x66, 0xB8, 0xFE, 0xE8, 0xD6};
    char *text = calloc(N, SIZE);
    pool p = {text, SIZE, 0};
    for (uint32_t i = 0; i < N; i++) {
        memcpy(text + (size_t)i * SIZE, &i, 4);
        memcpy(text + (size_t)i * SIZE + 24, wiping, 8);
    }
    const uint16_t one = 1;
    if (*(const uint8_t *)&one) {
        for (uint32_t i = 1; i < N; i += 999) {
            CHECK(ml_hash(text, SIZE, i) == ml_hash(text + (size_t)i * SIZE, SIZE, i));
        }
    }
    check_pool("equal for ml_hash", &p, N);

    /* differing in one byte each, in all places, among them those that only the overlap of two words reaches */
    enum { LONG = 200 };
    char *other = malloc((size_t)N * LONG);
    for (size_t size = 3; size <= LONG; size = size * 2 + 1) {
        uint32_t n = 0;
        for (size_t place = 0; place < size && n + 255 < N; place++) {
            for (int byte = 1; byte < 256; byte++) {
                memset(other + n * size, 0, size);
                other[n++ * size + place] = (char)byte;
            }
        }
        p = (pool){other, size, 0};
        char what[40];
        snprintf(what, sizeof what, "one byte of %zu", size);
        check_pool(what, &p, n);
    }
    free(text);
    free(other);
}

/* ---- what it costs ---- */

/* UIDs as scanners make them: a long common root, counters. */
static char *make_uids(uint32_t n, size_t *size) {
    char uid[80];
    char *text = NULL;
    for (uint32_t i = 0; i < n; i++) {
        *size = (size_t)snprintf(uid, sizeof uid, "1.2.840.113619.2.283.4120.7575399.%05u.15906307%02u.%03u",
                                 (unsigned)(10000 + i / 100000), (unsigned)(i / 1000 % 100), (unsigned)(i % 1000));
        if (!text) text = malloc(n * *size);
        memcpy(text + i * *size, uid, *size);
    }
    return text;
}

typedef struct load {
    uint32_t n;
    pool p;
    char *queries; /* FINDS keys in random order, one after the other, as a caller's are at hand */
    uint32_t *order;
    size_t wrong;
} load;

enum { FINDS = 200000, ROWS_EACH = 384 };

static uint32_t rounds = 1; /* the best of which counts, since the machine has other things to do */

/* The time of each put, to find the slowest, and bytes on the way. */
static void cost_of_puts(load *l) {
    float *took = malloc(l->n * sizeof *took), worst[3] = {0, 0, 0};
    double least = 1e9, most = 0, sum = 0, steps = 0;
    ml_places *places = NULL;
    for (uint32_t round = 0; round < rounds; round++) {
        double next = 300;
        ml_places_free(places);
        places = ml_places_new(5);
        for (uint32_t i = 0; i < l->n; i++) {
            double start = now();
            l->wrong += put_pool(places, &l->p, i);
            float t = (float)(now() - start);
            if (!round || t < took[i]) took[i] = t;
            if (i + 1 < next || round) continue;
            double each = (double)ml_places_bytes(places) / (i + 1);
            if (each < least) least = each;
            if (each > most) most = each;
            sum += each;
            steps++;
            next *= 1.01;
        }
    }
    for (uint32_t i = 0; i < l->n; i++) {
        int k = 3;
        while (k && worst[k - 1] < took[i]) k--;
        for (int j = 2; j > k; j--) worst[j] = worst[j - 1];
        if (k < 3) worst[k] = took[i];
    }
    printf(
        "%9u entries: bytes %.1f now, %.1f to %.1f, %.1f in the mean; longest way %zu; slowest puts %.0f, %.0f, %.0f "
        "us\n",
        (unsigned)l->n, (double)ml_places_bytes(places) / l->n, least, most, sum / steps, ml_places_longest(places),
        worst[0] / 1e3, worst[1] / 1e3, worst[2] / 1e3);
    CHECK_MSG(sum / steps < 26 && most < 32, "%.1f bytes an entry, %.1f at most", sum / steps, most);
    ml_places_free(places);
    free(took);
}

/* One by one, by tables, and by tables with room reserved. */
static double put_all(ml_places *places, load *l, int way) {
    uint32_t refs[ROWS_EACH];
    ml_placed old[ROWS_EACH];
    double start = now();
    if (way == 2) CHECK(ml_places_reserve(places, l->n));
    for (uint32_t i = 0; i < l->n;) {
        uint32_t count = i % 1000 + ROWS_EACH > 1000 ? 1000 - i % 1000 : ROWS_EACH;
        if (count > l->n - i) count = l->n - i;
        for (uint32_t r = 0; r < count; r++) refs[r] = i % 1000 + r + 1;
        for (uint32_t r = 0; r < count && !way; r++) l->wrong += put_pool(places, &l->p, i + r);
        if (way) l->wrong += !ml_places_put_many(places, i / 1000, i % 1000, refs, count, pool_at, &l->p, old);
        i += count;
    }
    return (now() - start) / l->n;
}

static double find_all(ml_places *places, load *l) {
    double start = now();
    for (uint32_t i = 0; i < FINDS; i++) {
        ml_place got;
        l->wrong += !ml_places_find(places, l->queries + i * l->p.size, l->p.size, pool_at, &l->p, &got) ||
                    got.table * 1000 + got.row != l->order[i];
    }
    return (now() - start) / FINDS;
}

static double find_none(ml_places *places, load *l) {
    double start = now();
    for (uint32_t i = 0; i < FINDS; i++) {
        ml_place got;
        l->wrong += (size_t)ml_places_find(places, l->queries + i * l->p.size, l->p.size - 1, pool_at, &l->p, &got);
    }
    return (now() - start) / FINDS;
}

static double remove_half(ml_places *places, load *l) {
    double start = now();
    for (uint32_t i = 0; i < l->n; i += 2) {
        ml_place old;
        l->wrong += !ml_places_remove(places, l->p.text + i * l->p.size, l->p.size, pool_at, &l->p, &old);
    }
    return (now() - start) / ((l->n + 1) / 2);
}

static void test_cost(uint32_t n) {
    enum { WAYS = 6 };
    static const char *const names[WAYS] = {"put one by one", "by tables",        "with room reserved",
                                            "find",           "find no such key", "remove"};
    double best[WAYS] = {1e9, 1e9, 1e9, 1e9, 1e9, 1e9};
    load l = {n, {NULL, 0, 0}, NULL, malloc(FINDS * sizeof *l.order), 0};
    l.p.text = make_uids(n, &l.p.size);
    l.queries = malloc(FINDS * l.p.size);
    for (uint32_t i = 0; i < FINDS; i++) {
        l.order[i] = random_below(n);
        memcpy(l.queries + i * l.p.size, l.p.text + l.order[i] * l.p.size, l.p.size);
    }
    cost_of_puts(&l);
    for (uint32_t round = 0; round < rounds + 20000 / n; round++) {
        double took[WAYS] = {0};
        for (int way = 0; way < 3; way++) {
            ml_places *places = ml_places_new(5);
            took[way] = put_all(places, &l, way);
            for (uint32_t i = 0; i < n; i += 1 + n / 50000) l.wrong += find_pool(places, &l.p, i);
            CHECK(ml_places_count(places) == n);
            if (!way) {
                took[3] = find_all(places, &l);
                took[4] = find_none(places, &l);
                took[5] = remove_half(places, &l);
                for (uint32_t i = 0; i < n; i += 1 + n / 50000) l.wrong += find_pool(places, &l.p, i) != (i % 2 == 0);
                CHECK(ml_places_count(places) == n / 2 && ml_places_bytes(places) < (size_t)n / 2 * 36);
            }
            ml_places_free(places);
        }
        for (int way = 0; way < WAYS; way++) {
            if (took[way] < best[way]) best[way] = took[way];
        }
    }
    CHECK_MSG(!l.wrong, "%zu wrong of %u", l.wrong, (unsigned)n);
    for (int way = 0; way < WAYS; way++) printf("%s%s %.0f ns", way ? ", " : "          ", names[way], best[way]);
    printf("\n");
    free((char *)(uintptr_t)l.p.text);
    free(l.queries);
    free(l.order);
}

int main(int argc, char **argv) {
    test_model();
    test_collisions();
    if (!SMALL) {
        uint32_t most = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
        if (most) rounds = 3;
        test_cost(384);
        test_cost(1000);
        test_cost(100000);
        test_cost(1000000);
        if (most) test_cost(most);
    }
    return ml_check_report();
}
