/*
 * frozen.h: how a frozen document lies in its block; between freeze.c, thaw.c and their tests.
 *
 *   header
 *   structure   table records, each table followed by the tables of its columns: root and what is below, then meta
 *               column records, shape records: each table's in that order
 *               problems
 *               lists of 32-bit words: of each table its column slots, then of each shape its columns, its constant
 *               cells, and the slots that vary
 *   bulk        row places of all tables that have them
 *               values of all columns that have more than one
 *               cells of all shapes, one array for each slot that varies
 *               paths
 *               arena
 *
 * There are no offsets: where a part begins follows from the counts before it, so there is nothing that could overlap
 * or point astray. Structure, arena and the whole are filled up to multiples of 64 bytes with zeros.
 */
#ifndef ML_FROZEN_H
#define ML_FROZEN_H

#include "freeze.h"

/* To be raised when any record, ml_row, ml_range, the header of values (intern.c), the hash of columns (table.c) or the
 * numbers of ml_form, ml_vr and ml_problem_kind change. */
#define ML_FROZEN_VERSION 1
_Static_assert(ML_FORM_RAW == 8 && ML_VR_COUNT == 35, "ML_FROZEN_VERSION has to be raised");

#define ML_FROZEN_MAGIC "\x89MLTH\r\n\x1a" /* what text mode or seven bits would mangle */
#define ML_FROZEN_ORDER 0x01020304u

typedef struct ml_frozen_header {
    char magic[8];
    uint32_t order;
    uint32_t version;
    uint64_t structure_sum; /* of the header, with zero here, and the structure */
    uint64_t bulk_sum;
    uint64_t size;      /* of the block */
    uint64_t structure; /* where the bulk begins */
    uint64_t arena;     /* bytes in use */
    uint64_t tables;
    uint32_t problems;
    uint32_t unlisted;
    uint32_t paths;
    uint32_t seed;
    uint32_t odd_keys;
    uint32_t reserved[11];
} ml_frozen_header;

typedef struct ml_frozen_table {
    uint32_t rows;
    uint32_t columns;
    uint32_t column_slots; /* size of the look-up table; 0: none */
    uint32_t shapes;
    uint32_t has_row; /* whether rows have places; otherwise all are of shape 0 */
    uint32_t reserved;
} ml_frozen_table;

typedef struct ml_frozen_column {
    uint32_t tag;
    uint32_t key;
    uint32_t twin;
    uint32_t primary;
    uint32_t count;  /* more than one: in the bulk */
    uint32_t single; /* the only value; 0 otherwise */
    uint32_t has_child;
    uint32_t reserved;
} ml_frozen_column;

typedef struct ml_frozen_shape {
    uint32_t width;
    uint32_t rows;
    uint32_t varying;
    uint32_t reserved;
} ml_frozen_shape;

typedef struct ml_frozen_problem {
    uint32_t kind;
    uint32_t row;
    uint64_t offset;
    uint32_t count;
    uint32_t depth;
    uint32_t before;
    uint32_t reserved;
    ml_step path[ML_PATH_KEPT];
} ml_frozen_problem;

_Static_assert(sizeof(ml_frozen_header) == 128 && sizeof(ml_frozen_table) == 24 && sizeof(ml_frozen_column) == 32 &&
                   sizeof(ml_frozen_shape) == 16 && sizeof(ml_frozen_problem) == 96 && sizeof(ml_row) == 8 &&
                   sizeof(ml_ref) == 4,
               "records are the same everywhere");

/* How many there are of everything, and where it begins. */
typedef struct ml_frozen_layout {
    uint64_t tables, columns, shapes, problems, words, rows, values, cells, paths, arena;
    uint64_t columns_at, shapes_at, problems_at, words_at, rows_at, values_at, cells_at, paths_at, arena_at, size;
} ml_frozen_layout;

/* Adds count * size to *at; 0 when that is beyond the limit. */
ML_INLINE int ml_frozen_take(uint64_t *at, uint64_t count, uint64_t size, uint64_t limit) {
    if (*at > limit || count > (limit - *at) / size) return 0;
    *at += count * size;
    return 1;
}

/* From the counts to the places; 0 when the block would be beyond the limit, which is below 2^63. */
static inline int ml_frozen_place(ml_frozen_layout *l, uint64_t limit) {
    uint64_t at = sizeof(ml_frozen_header);
    if (!ml_frozen_take(&at, l->tables, sizeof(ml_frozen_table), limit)) return 0;
    l->columns_at = at;
    if (!ml_frozen_take(&at, l->columns, sizeof(ml_frozen_column), limit)) return 0;
    l->shapes_at = at;
    if (!ml_frozen_take(&at, l->shapes, sizeof(ml_frozen_shape), limit)) return 0;
    l->problems_at = at;
    if (!ml_frozen_take(&at, l->problems, sizeof(ml_frozen_problem), limit)) return 0;
    l->words_at = at;
    if (!ml_frozen_take(&at, l->words, sizeof(uint32_t), limit)) return 0;
    l->rows_at = at = (at + 63) & ~(uint64_t)63;
    if (!ml_frozen_take(&at, l->rows, sizeof(ml_row), limit)) return 0;
    l->values_at = at;
    if (!ml_frozen_take(&at, l->values, sizeof(ml_ref), limit)) return 0;
    l->cells_at = at;
    if (!ml_frozen_take(&at, l->cells, sizeof(uint32_t), limit)) return 0;
    l->paths_at = at;
    if (!ml_frozen_take(&at, l->paths, sizeof(ml_ref), limit)) return 0;
    l->arena_at = at = (at + 63) & ~(uint64_t)63;
    if (!ml_frozen_take(&at, l->arena, 1, limit)) return 0;
    l->size = (at + 63) & ~(uint64_t)63;
    return l->size <= limit;
}

/* The checksums that belong into the header of a block: of the first n bytes, header included, and of the rest. */
uint64_t ml_frozen_structure_sum(const char *block, size_t n);
uint64_t ml_frozen_bulk_sum(const char *block, size_t structure, size_t n);

#endif
