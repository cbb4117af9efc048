/*
 * arena.h: the one block of memory that holds the bytes of all values of a document.
 *
 * Addresses in it are 32-bit references in units of four bytes, so that a cell's value costs four bytes to point at and
 * the block may move as it grows (by realloc, which remaps pages instead of copying them once the block is large).
 * Reference 0 is never handed out.
 */
#ifndef ML_ARENA_H
#define ML_ARENA_H

#include "base.h"

typedef uint32_t ml_ref;

typedef struct ml_arena {
    char *base;
    size_t used;
    size_t capacity;
} ml_arena;

/* Room for n bytes; 0 when memory or the 16 GiB that references reach are used up. May move the block. */
ml_ref ml_arena_alloc(ml_arena *arena, size_t n);

/* Room for n bytes in all before the block has to grow; without memory it grows later. */
void ml_arena_reserve(ml_arena *arena, size_t n);

/* Gives unused room back to the system. */
void ml_arena_trim(ml_arena *arena);

void ml_arena_free(ml_arena *arena);

ML_INLINE char *ml_arena_at(const ml_arena *arena, ml_ref ref) {
    return arena->base + (size_t)ref * 4;
}

#endif
