/*
 * places.c: a hash table that keeps its entries in the order of their hashes.
 *
 * A hash points to a slot in proportion to its size (hash x slots / 2^32: no power of two is needed), and an entry
 * stands there or, where that is taken, as near behind as the order of hashes lets it. So a look-up goes on from that
 * slot while hashes are smaller and knows at the first larger one, or the first gap, that there is no such key. Gaps
 * have the largest hash of all, and the last slot is always one: a single comparison a slot ends every search. An entry
 * is one slot from its home on average when two thirds of the slots are full and 3.5 at 7/8, the most: in the same
 * cache line or the next one, which is asked for along with it.
 *
 * Taking an entry out moves those behind it back, as far as they are not at home: no tombstones. Growing copies in
 * order, front to back; by a third at a time, so that 16-byte entries cost 18 bytes when the table is about to grow and
 * 24 when it just has. Behind the slots that hashes point to there are a few more for the last ones' overflow; a table
 * that needs more of them gets them, so it is right for any hash whatever.
 *
 * One table of ten million would stand still for 0.4 s when it grows, and hold its memory twice. So
 * beyond SPLIT entries there are 512, by the upper bits of the hash, which grow one by one: the worst pause of an
 * insertion is 0.3 ms when that happens and half a millisecond at ten million entries. Their heads are 12 KiB, which
 * stay in the cache of whoever looks up often.
 *
 * Keys come from files of unknown origin, hence the hash: see hash_key for what it resists.
 */
#include "places.h"

#include <stdlib.h>

/* Tests change these, to have all there is in little: many tables of few entries, hashes that collide. */
#ifndef ML_PLACES_SPLIT
#define ML_PLACES_SPLIT 32768
#endif
#ifndef ML_PLACES_SHARD_BITS
#define ML_PLACES_SHARD_BITS 9
#endif
#ifndef ML_PLACES_HASH_MASK
#define ML_PLACES_HASH_MASK UINT32_MAX
#endif

#define GAP UINT32_MAX /* the hash of a slot without an entry */

enum {
    PAIRS = 8, /* of words that hash_key takes at a time */
    KEYS = 2 * PAIRS + 4,
    BATCH = 32, /* rows that ml_places_put_many looks ahead: no more lines than a core waits for at a time, twice */
    LEAST_SHRUNK = 16
};

#if defined(__GNUC__) || defined(__clang__)
#define PREFETCH(p) __builtin_prefetch(p)
#elif defined(ML_SSE2)
#define PREFETCH(p) _mm_prefetch((const char *)(p), _MM_HINT_T0)
#else
#define PREFETCH(p) ((void)(p))
#endif

typedef struct entry {
    uint32_t hash;
    ml_placed at;
} entry;

/*
 * Invariants: hashes ascend from slot to slot, gaps aside; an entry is at its home or behind it, and there is no gap
 * between; the last slot is a gap.
 */
typedef struct shard {
    entry *slots;   /* [room]; `nothing` while room is 0 */
    uint32_t homes; /* slots that hashes point to */
    uint32_t room;
    uint32_t count;
} shard;

struct ml_places {
    unsigned bits; /* of the hash that tell the shard: 0, or ML_PLACES_SHARD_BITS */
    shard *shards; /* [1 << bits]; &one when bits is 0 */
    shard one;
    size_t count;
    size_t slots; /* of all shards */
    uint64_t keys[KEYS];
};

/* The only slot of a shard without entries, so that look-ups need not ask; never written to. */
static entry nothing = {GAP, {{0, 0}, 0}};
static const shard empty = {&nothing, 0, 0, 0};

/* ---- the hash ---- */

typedef struct wide {
    uint64_t low, high;
} wide;

ML_INLINE wide product(uint64_t a, uint64_t b) {
#if defined(__SIZEOF_INT128__)
    __uint128_t p = (__uint128_t)a * b;
    return (wide){(uint64_t)p, (uint64_t)(p >> 64)};
#else
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t middle = a1 * b0 + (a0 * b0 >> 32), other = a0 * b1 + (uint32_t)middle;
    return (wide){a * b, a1 * b1 + (middle >> 32) + (other >> 32)};
#endif
}

/* Both halves of a product in one word. */
ML_INLINE uint64_t fold(uint64_t a, uint64_t b) {
    wide p = product(a, b);
    return p.low ^ p.high;
}

/* Adds the pair of words at s and at t, each hidden by a secret one, multiplied. */
ML_INLINE wide add_pair(wide sum, const char *s, const char *t, const uint64_t *keys) {
    wide p = product(ml_load64(s) + keys[0], ml_load64(t) + keys[1]);
    sum.low += p.low;
    sum.high += p.high + (sum.low < p.low);
    return sum;
}

/* The n / 16 pairs of s, which is known when compiled. */
ML_INLINE wide add_pairs(wide sum, const char *s, size_t n, const uint64_t *keys) {
    for (size_t i = 0; i < n; i += 16) sum = add_pair(sum, s + i, s + i + 8, keys + i / 8);
    return sum;
}

/*
 * The words of a key, two at a time, each with a secret word added, multiplied and summed to 128 bits (the NH of UMAC):
 * for any two keys of up to 128 bytes and of one length, however chosen, the sums are equal with probability 2^-64 over
 * the secrets. That and the length are folded into 64 bits by two more multiplications with secrets, of which 32 are
 * used. So whoever does not know the seed cannot make keys that collide, as he can for ml_hash, where a word that is
 * equal to a public constant wipes out all before it. Longer keys are folded 128 bytes at a time: the same in practice,
 * without the proof. Not resisted: one who learns the seed, or which keys collide, by measuring times for long enough.
 *
 * The multiplications of a block do not wait for each other, and lengths of 33 to 64 go one way without branches, by
 * words that overlap: 10 ns for a UID.
 */
static uint32_t hash_key(const ml_places *places, const char *s, size_t n) {
    const uint64_t *keys = places->keys, *last = keys + 2 * (size_t)PAIRS;
    uint64_t h = n;
    wide sum = {0, 0};
    while (ML_UNLIKELY(n > 128)) {
        wide block = add_pairs(sum, s, 128, keys);
        h = fold(block.low ^ h ^ last[0], block.high ^ last[1]);
        s += 128;
        n -= 128;
    }
    const char *end = s + n;
    if (ML_LIKELY(n > 32 && n <= 64)) {
        sum = add_pairs(add_pairs(sum, s, 32, keys), end - 32, 32, keys + 4);
    } else if (n > 64) {
        sum = add_pairs(add_pairs(sum, s, 64, keys), end - 64, 64, keys + 8);
    } else if (n > 16) {
        sum = add_pairs(add_pairs(sum, s, 16, keys), end - 16, 16, keys + 2);
    } else if (n >= 8) {
        sum = add_pair(sum, s, end - 8, keys);
    } else {
        char words[16] = {0};
        if (n) memcpy(words, s, n);
        sum = add_pair(sum, words, words + 8, keys);
    }
    h = fold(fold(sum.low ^ h ^ last[0], sum.high ^ last[1]) ^ last[2], last[3]);
    uint32_t hash = (uint32_t)(h >> 32) & ML_PLACES_HASH_MASK;
    return hash == GAP ? GAP - 1 : hash;
}

/* Secrets from a seed, by splitmix64. */
static void make_keys(uint64_t *keys, uint64_t seed) {
    for (int i = 0; i < KEYS; i++) {
        uint64_t x = seed += 0x9E3779B97F4A7C15ULL;
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ULL;
        x = (x ^ x >> 27) * 0x94D049BB133111EBULL;
        keys[i] = x ^ x >> 31;
    }
}

/* ---- tables: where a hash belongs, and laying entries out ---- */

ML_INLINE shard *shard_of(const ml_places *places, uint32_t hash) {
    return &places->shards[(size_t)((uint64_t)hash << places->bits >> 32)];
}

ML_INLINE size_t home_of(uint32_t hash, unsigned bits, size_t homes) {
    return (size_t)((uint64_t)(uint32_t)(hash << bits) * homes >> 32);
}

/* Where the next entry goes in a table that is filled up to `end`. */
ML_INLINE size_t slot_for(uint32_t hash, unsigned bits, size_t homes, size_t end) {
    size_t home = home_of(hash, bits, homes);
    return home > end ? home : end;
}

/* How many slots hashes should point to: two thirds of them full. */
static size_t homes_for(size_t count) {
    return count + count / 2 + 2;
}

static int is_full(const shard *s) {
    return s->count >= s->homes - s->homes / 8;
}

/*
 * A new table of the next `count` entries from *from on, which is left behind them. Leaves room for one more whatever
 * its hash. 0 without memory; `to` is then as it was.
 *
 * Neither loop branches by whether a slot is a gap, which is no more predictable than the hashes. A gap is copied to
 * where the largest hash would go, which is one still, and not counted.
 */
static int lay_out(shard *to, const entry **from, uint32_t count, size_t homes, unsigned bits) {
    const entry *e = *from;
    size_t end = 0;
    for (size_t left = count; left; e++) {
        size_t at = slot_for(e->hash, bits, homes, end);
        int is_entry = e->hash != GAP;
        end = is_entry ? at + 1 : end;
        left -= (size_t)is_entry;
    }
    size_t room = homes + 5 + ml_min(homes / 64, 28), need = end + 2 + (end > homes ? (end - homes) / 2 : 0);
    if (room < need) room = need;
    if (room > UINT32_MAX || room > SIZE_MAX / sizeof(entry)) return 0;
    entry *slots = malloc(room * sizeof *slots);
    if (!slots) return 0;
    memset(slots, 0xFF, room * sizeof *slots);
    e = *from;
    end = 0;
    for (size_t left = count; left; e++) {
        size_t at = slot_for(e->hash, bits, homes, end);
        int is_entry = e->hash != GAP;
        slots[at] = *e;
        end = is_entry ? at + 1 : end;
        left -= (size_t)is_entry;
    }
    *from = e;
    *to = (shard){slots, (uint32_t)homes, (uint32_t)room, count};
    return 1;
}

/* 0 without memory, and nothing has changed. */
static int resize(ml_places *places, shard *s, size_t homes) {
    shard old = *s;
    const entry *from = old.slots;
    if (!lay_out(s, &from, old.count, homes, places->bits)) return 0;
    places->slots += s->room;
    places->slots -= old.room;
    if (old.room) free(old.slots);
    return 1;
}

static void drop_shards(ml_places *places) {
    for (size_t i = 0; i < (size_t)1 << places->bits; i++) {
        if (places->shards[i].room) free(places->shards[i].slots);
    }
    if (places->bits) free(places->shards);
    places->bits = 0;
    places->shards = &places->one;
    places->one = empty;
    places->count = places->slots = 0;
}

/* From one table to many: their entries are runs of it. 0 without memory, and nothing has changed. */
static int split(ml_places *places) {
    enum { BITS = ML_PLACES_SHARD_BITS, SHARDS = 1 << BITS };
    shard *shards = malloc(SHARDS * sizeof *shards);
    if (!shards) return 0;
    const entry *from = places->one.slots, *e = from;
    size_t left = places->count, slots = 0;
    for (uint32_t i = 0; i < SHARDS; i++) {
        uint32_t count = 0;
        for (; left && (e->hash == GAP || e->hash >> (32 - BITS) == i); e++) {
            count += e->hash != GAP;
            left -= e->hash != GAP;
        }
        shards[i] = empty;
        if (count && !lay_out(&shards[i], &from, count, homes_for(count), BITS)) {
            while (i--) {
                if (shards[i].room) free(shards[i].slots);
            }
            free(shards);
            return 0;
        }
        slots += shards[i].room;
    }
    if (places->one.room) free(places->one.slots);
    places->shards = shards;
    places->bits = BITS;
    places->slots = slots;
    return 1;
}

/* ---- entries ---- */

static int same(const entry *e, const char *key, size_t n, ml_key_at key_at, const void *context) {
    size_t length;
    const char *text = key_at(context, e->at.place.table, e->at.ref, &length);
    return length == n && (!n || memcmp(text, key, n) == 0);
}

static int same_place(ml_place a, ml_place b) {
    return a.table == b.table && a.row == b.row;
}

/* Asks for the cache line after this entry's, where one in two searches ends; it may be behind the table. */
ML_INLINE void ask_for_next(const entry *e) {
    PREFETCH((const void *)((uintptr_t)e + 64));
}

/* The first entry that has this hash or a larger one, or the gap where it would be. */
ML_INLINE entry *seek(const ml_places *places, uint32_t hash) {
    const shard *s = shard_of(places, hash);
    entry *e = s->slots + home_of(hash, places->bits, s->homes);
    ask_for_next(e);
    while (e->hash < hash) e++;
    return e;
}

/* The entry of a key, NULL when there is none. */
static entry *find(const ml_places *places, uint32_t hash, const char *key, size_t n, ml_key_at key_at,
                   const void *context) {
    for (entry *e = seek(places, hash); e->hash == hash; e++) {
        if (same(e, key, n, key_at, context)) return e;
    }
    return NULL;
}

/* The same, if it is at this place. */
static entry *find_at(const ml_places *places, uint32_t hash, const char *key, size_t n, ml_key_at key_at,
                      const void *context, ml_place place) {
    for (entry *e = seek(places, hash); e->hash == hash; e++) {
        if (same_place(e->at.place, place) && same(e, key, n, key_at, context)) return e;
    }
    return NULL;
}

/* Of a key that is not there; so many more are likely to follow. 0 without memory, and no entry has changed. */
static int insert(ml_places *places, uint32_t hash, ml_placed at, size_t more) {
    if (!places->bits && places->count >= ML_PLACES_SPLIT && !split(places)) return 0;
    shard *s = shard_of(places, hash);
    if (is_full(s)) {
        size_t all = s->count + (more >> places->bits) + 1;
        if (!places->bits) all = ml_min(all, ML_PLACES_SPLIT);
        if (!resize(places, s, homes_for(all))) return 0;
    }
    entry *e, *gap;
    for (;;) {
        for (e = seek(places, hash); e->hash == hash; e++) continue;
        for (gap = e; gap->hash != GAP; gap++) continue;
        if (ML_LIKELY(gap < s->slots + s->room - 1)) break;
        /* the last slot stays a gap: more of them, and more homes if it is fuller than when it grew last */
        size_t homes = homes_for((size_t)s->count + 1);
        if (!resize(places, s, homes > s->homes ? homes : s->homes)) return 0;
    }
    memmove(e + 1, e, (size_t)(gap - e) * sizeof *e);
    *e = (entry){hash, at};
    s->count++;
    places->count++;
    return 1;
}

static void take_out(ml_places *places, entry *e) {
    shard *s = shard_of(places, e->hash);
    entry *next = e + 1;
    while (next->hash != GAP && next != s->slots + home_of(next->hash, places->bits, s->homes)) next++;
    memmove(e, e + 1, (size_t)(next - e - 1) * sizeof *e);
    next[-1].hash = GAP;
    s->count--;
    places->count--;
    if (!places->count) {
        drop_shards(places);
    } else if (!s->count) {
        places->slots -= s->room;
        free(s->slots);
        *s = empty;
    } else if (s->count < s->homes / 2 && s->homes > LEAST_SHRUNK) {
        (void)resize(places, s, homes_for(s->count)); /* without memory it stays large */
    }
}

/* ---- what callers see ---- */

ml_places *ml_places_new(uint64_t seed) {
    ml_places *places = calloc(1, sizeof *places);
    if (!places) return NULL;
    make_keys(places->keys, seed);
    places->shards = &places->one;
    places->one = empty;
    return places;
}

void ml_places_free(ml_places *places) {
    if (!places) return;
    drop_shards(places);
    free(places);
}

size_t ml_places_count(const ml_places *places) {
    return places->count;
}

size_t ml_places_bytes(const ml_places *places) {
    return sizeof *places + places->slots * sizeof(entry) + (places->bits ? sizeof *places->shards << places->bits : 0);
}

int ml_places_reserve(ml_places *places, size_t more) {
    if (more > SIZE_MAX / 2 - places->count) return 0;
    size_t all = places->count + more;
    if (!places->bits && all > ML_PLACES_SPLIT && !split(places)) return 0;
    size_t each = (all >> places->bits) + 1;
    for (size_t i = 0; i < (size_t)1 << places->bits; i++) {
        shard *s = &places->shards[i];
        size_t homes = each + each / 4; /* four fifths full: those that get more than their share need not grow */
        if (homes > s->homes && !resize(places, s, homes)) return 0;
    }
    return 1;
}

int ml_places_find(const ml_places *places, const char *key, size_t n, ml_key_at key_at, const void *context,
                   ml_place *place) {
    const entry *e = find(places, hash_key(places, key, n), key, n, key_at, context);
    if (!e) return 0;
    *place = e->at.place;
    return 1;
}

int ml_places_put(ml_places *places, const char *key, size_t n, uint32_t ref, ml_place place, ml_key_at key_at,
                  const void *context, ml_place *old) {
    uint32_t hash = hash_key(places, key, n);
    entry *e = find(places, hash, key, n, key_at, context);
    if (!e) return insert(places, hash, (ml_placed){place, ref}, 0);
    *old = e->at.place;
    e->at = (ml_placed){place, ref};
    return 2;
}

int ml_places_remove(ml_places *places, const char *key, size_t n, ml_key_at key_at, const void *context,
                     ml_place *old) {
    entry *e = find(places, hash_key(places, key, n), key, n, key_at, context);
    if (!e) return 0;
    *old = e->at.place;
    take_out(places, e);
    return 1;
}

int ml_places_remove_at(ml_places *places, const char *key, size_t n, ml_key_at key_at, const void *context,
                        ml_place place) {
    entry *e = find_at(places, hash_key(places, key, n), key, n, key_at, context, place);
    if (!e) return 0;
    take_out(places, e);
    return 1;
}

int ml_places_move(ml_places *places, const char *key, size_t n, ml_key_at key_at, const void *context, ml_place from,
                   ml_place to, uint32_t ref) {
    entry *e = find_at(places, hash_key(places, key, n), key, n, key_at, context, from);
    if (!e) return 0;
    e->at = (ml_placed){to, ref};
    return 1;
}

/* A row's key on its way through ml_places_put_many. */
typedef struct waiting {
    const char *key;
    size_t n;
    uint32_t hash;
} waiting;

int ml_places_put_many(ml_places *places, uint32_t table, uint32_t first, const uint32_t *refs, size_t n,
                       ml_key_at key_at, const void *context, ml_placed *old) {
    waiting rows[BATCH];
    for (size_t i = 0; i < n; i += BATCH) {
        size_t batch = ml_min(BATCH, n - i);
        for (size_t k = 0; k < batch; k++) {
            if (!refs[i + k]) continue;
            waiting *w = &rows[k];
            w->key = key_at(context, table, refs[i + k], &w->n);
            w->hash = hash_key(places, w->key, w->n);
            const shard *s = shard_of(places, w->hash);
            const entry *e = s->slots + home_of(w->hash, places->bits, s->homes);
            PREFETCH(e);
            ask_for_next(e);
        }
        for (size_t k = 0; k < batch; k++) {
            const waiting *w = &rows[k];
            ml_placed at = {{table, first + (uint32_t)(i + k)}, refs[i + k]};
            old[i + k] = (ml_placed){{0, 0}, 0};
            if (!at.ref) continue;
            entry *e = find(places, w->hash, w->key, w->n, key_at, context);
            if (e) {
                old[i + k] = e->at;
                e->at = at;
            } else if (!insert(places, w->hash, at, n - i - k - 1)) {
                ml_places_undo_many(places, table, first, refs, i + k, key_at, context, old);
                return 0;
            }
        }
    }
    return 1;
}

/* Backwards, for keys that came twice. */
void ml_places_undo_many(ml_places *places, uint32_t table, uint32_t first, const uint32_t *refs, size_t n,
                         ml_key_at key_at, const void *context, const ml_placed *old) {
    while (n--) {
        if (!refs[n]) continue;
        size_t length;
        const char *key = key_at(context, table, refs[n], &length);
        ml_place place = {table, first + (uint32_t)n};
        entry *e = find_at(places, hash_key(places, key, length), key, length, key_at, context, place);
        if (!e) continue;
        if (old[n].ref) {
            e->at = old[n];
        } else {
            take_out(places, e);
        }
    }
}

size_t ml_places_longest(const ml_places *places) {
    size_t longest = 0;
    for (size_t i = 0; i < (size_t)1 << places->bits; i++) {
        const shard *s = &places->shards[i];
        for (size_t at = 0; at < s->room; at++) {
            if (s->slots[at].hash == GAP) continue;
            size_t way = at - home_of(s->slots[at].hash, places->bits, s->homes);
            if (way > longest) longest = way;
        }
    }
    return longest;
}
