/*
 * places.h: the index of the store: from a key (a UID, an image id) to a place (which table, which row).
 *
 * No key is kept, since each stands in its table already: an entry has its hash, its place and where in the table's
 * arena the key's text is, 16 bytes, and the index takes 18 to 26 for it, 22 in the mean. What a look-up costs does not
 * depend on how many entries there are, but for the cache's misses: one for the entry, and those of reaching the text.
 *
 * The caller sees to it that calls do not overlap: each runs under the interpreter's lock. While an entry is there, the
 * text that it names must be there, too. Only what adds entries can fail for want of memory.
 */
#ifndef ML_PLACES_H
#define ML_PLACES_H

#include "base.h"

typedef struct ml_places ml_places;

typedef struct ml_place {
    uint32_t table, row;
} ml_place;

/* What an entry says of its key: where the instance is, and where in the table's document the text. */
typedef struct ml_placed {
    ml_place place;
    uint32_t ref; /* as given; never 0 */
} ml_placed;

/* The text of an entry's key, which lasts as long as the call that asks for it. Must not change the index. */
typedef const char *(*ml_key_at)(const void *context, uint32_t table, uint32_t ref, size_t *length);

/* An empty index, NULL without memory. seed should be hard to guess: keys come from the input. */
ml_places *ml_places_new(uint64_t seed);

void ml_places_free(ml_places *places);

size_t ml_places_count(const ml_places *places);

/* Bytes held, everything counted. */
size_t ml_places_bytes(const ml_places *places);

/*
 * Room for so many more, so that adding them does not have to grow the index bit by bit: that saves half of what adding
 * costs, for one pause. 0 without memory: some of the room may be there then, and no entry is touched.
 */
int ml_places_reserve(ml_places *places, size_t more);

/* 1 and its place when there is such a key, 0 when there is none. */
int ml_places_find(const ml_places *places, const char *key, size_t n, ml_key_at key_at, const void *context,
                   ml_place *place);

/*
 * Puts a key at a place; ref is not 0. 1: it is new. 2: it was at *old, which the new one replaces. 0 without memory,
 * and everything as it was; not so when the key was there before, for that takes no memory.
 */
int ml_places_put(ml_places *places, const char *key, size_t n, uint32_t ref, ml_place place, ml_key_at key_at,
                  const void *context, ml_place *old);

/*
 * Puts the keys of n consecutive rows of a table: refs[i] is that of row first + i, 0 when it has none. old[i] is what
 * the key said before, with ref 0 when it is new (of a key that comes twice: what its row before this one put). 0
 * without memory, and everything as it was. This costs half of what single puts do, as the entries' memory is asked for
 * some rows ahead, and a small table grows at once by what is to come.
 */
int ml_places_put_many(ml_places *places, uint32_t table, uint32_t first, const uint32_t *refs, size_t n,
                       ml_key_at key_at, const void *context, ml_placed *old);

/* Undoes that, given the same and what it gave, if nothing has changed since. */
void ml_places_undo_many(ml_places *places, uint32_t table, uint32_t first, const uint32_t *refs, size_t n,
                         ml_key_at key_at, const void *context, const ml_placed *old);

/* Takes a key out: 1, and its place was *old; 0 when there is no such key. */
int ml_places_remove(ml_places *places, const char *key, size_t n, ml_key_at key_at, const void *context,
                     ml_place *old);

/* The same if it is at this place, and else 0: for a table that goes, some of whose keys may stand elsewhere by now. */
int ml_places_remove_at(ml_places *places, const char *key, size_t n, ml_key_at key_at, const void *context,
                        ml_place place);

/*
 * A key that is at `from` now is at `to`, where its text is at ref (not 0): 1, or 0 when it is not at `from`. For
 * tables that are merged. Both tables' texts are there.
 */
int ml_places_move(ml_places *places, const char *key, size_t n, ml_key_at key_at, const void *context, ml_place from,
                   ml_place to, uint32_t ref);

/* The longest way from where a key's hash points to where its entry is, in entries; walks through all. For tests. */
size_t ml_places_longest(const ml_places *places);

#endif
