/*
 * arena.c: a bump allocator over one growing block; see arena.h.
 *
 * An allocation is an addition and a comparison. Nothing is freed alone: a document's values live and die together.
 */
#include "arena.h"

#include <stdlib.h>

static int grow(ml_arena *arena, size_t need) {
    size_t capacity = ml_grown(arena->capacity, need, 2048);
    char *base = realloc(arena->base, capacity);
    if (!base) return 0;
    arena->base = base;
    arena->capacity = capacity;
    return 1;
}

ml_ref ml_arena_alloc(ml_arena *arena, size_t n) {
    if (arena->used == 0) {
        if (arena->capacity < 4 && !grow(arena, 4)) return 0;
        memset(arena->base, 0, 4);
        arena->used = 4;
    }
    size_t size = (n + 3) & ~(size_t)3;
    if (size < n || size > SIZE_MAX - arena->used) return 0;
    size_t used = arena->used + size;
    if (arena->used / 4 > UINT32_MAX) return 0;
    if (ML_UNLIKELY(used > arena->capacity) && !grow(arena, used)) return 0;
    ml_ref ref = (ml_ref)(arena->used / 4);
    arena->used = used;
    return ref;
}

void ml_arena_reserve(ml_arena *arena, size_t n) {
    if (n <= arena->capacity) return;
    char *base = realloc(arena->base, n);
    if (!base) return;
    arena->base = base;
    arena->capacity = n;
}

void ml_arena_trim(ml_arena *arena) {
    if (arena->capacity - arena->used <= arena->capacity / 8) return; /* not worth the move */
    char *base = realloc(arena->base, arena->used ? arena->used : 1);
    if (!base) return; /* shrinking failed: the larger block serves as well */
    arena->base = base;
    arena->capacity = arena->used ? arena->used : 1;
}

void ml_arena_free(ml_arena *arena) {
    free(arena->base);
    *arena = (ml_arena){0};
}
