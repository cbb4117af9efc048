/*
 * freeze.c: a document becomes a block of bytes; see frozen.h for how it lies there.
 *
 * Two walks over the tables: one counts, one copies. Arrays are copied as they are, so it is memcpy's speed, and that
 * of the checksum. What is left of an arena's last word after a value may hold anything that was in memory before; it
 * is overwritten with zeros, so that nothing slips into files and the same document always gives the same bytes. That
 * takes a look at each distinct value.
 */
#include "freeze.h"
#include "checksum.h"
#include "frozen.h"

/* ---- counting ---- */

static uint32_t slots_of(const ml_table *table) {
    return table->column_slots ? table->column_mask + 1 : 0;
}

static int has_row(const ml_table *table) {
    return table->row && table->rows;
}

static void count_table(ml_frozen_layout *l, const ml_table *table) {
    l->tables++;
    l->columns += table->column_count;
    l->shapes += table->shape_count;
    l->words += slots_of(table);
    if (has_row(table)) l->rows += table->rows;
    for (uint32_t s = 0; s < table->shape_count; s++) {
        const ml_shape *shape = &table->shapes[s];
        l->words += 2 * (uint64_t)shape->width + shape->varying;
        l->cells += (uint64_t)shape->varying * shape->rows;
    }
    for (uint32_t c = 0; c < table->column_count; c++) {
        const ml_column *column = &table->columns[c];
        if (column->count > 1) l->values += column->count;
        if (column->child) count_table(l, column->child);
    }
}

static int lay_out(const ml_document *document, ml_frozen_layout *l) {
    *l = (ml_frozen_layout){.problems = document->problems.count, .arena = document->arena.used};
    l->paths = ml_min(document->path_capacity, document->root.rows);
    count_table(l, &document->root);
    count_table(l, &document->meta);
    return ml_frozen_place(l, SIZE_MAX / 2);
}

size_t ml_freeze_size(const ml_document *document) {
    ml_frozen_layout layout;
    return lay_out(document, &layout) ? (size_t)layout.size : 0;
}

/* ---- copying ---- */

/* Where the next of each kind goes. */
typedef struct places {
    ml_frozen_table *table;
    ml_frozen_column *column;
    ml_frozen_shape *shape;
    char *words, *rows, *values, *cells;
} places;

static void put(char **at, const void *from, size_t count, size_t size) {
    if (count) memcpy(*at, from, count * size);
    *at += count * size;
}

static void put_shape(places *to, const ml_shape *shape) {
    *to->shape++ = (ml_frozen_shape){shape->width, shape->rows, shape->varying, 0};
    put(&to->words, shape->columns, shape->width, sizeof *shape->columns);
    if (shape->rows) {
        put(&to->words, shape->first, shape->width, sizeof *shape->first);
    } else { /* never set, perhaps */
        memset(to->words, 0, shape->width * sizeof *shape->first);
        to->words += shape->width * sizeof *shape->first;
    }
    put(&to->words, shape->vary_slot, shape->varying, sizeof *shape->vary_slot);
    for (uint32_t v = 0; v < shape->varying; v++) {
        put(&to->cells, shape->cells[shape->vary_slot[v]], shape->rows, sizeof(uint32_t));
    }
}

static void put_table(places *to, const ml_table *table) {
    *to->table++ = (ml_frozen_table){table->rows,        table->column_count,      slots_of(table),
                                     table->shape_count, (uint32_t)has_row(table), 0};
    put(&to->words, table->column_slots, slots_of(table), sizeof *table->column_slots);
    if (has_row(table)) put(&to->rows, table->row, table->rows, sizeof *table->row);
    for (uint32_t c = 0; c < table->column_count; c++) {
        const ml_column *column = &table->columns[c];
        *to->column++ = (ml_frozen_column){column->tag,           column->key,
                                           column->twin,          column->primary,
                                           column->count,         column->count == 1 ? ml_column_ref(column, 0) : 0,
                                           column->child != NULL, 0};
        if (column->count > 1) put(&to->values, column->values, column->count, sizeof *column->values);
    }
    for (uint32_t s = 0; s < table->shape_count; s++) put_shape(to, &table->shapes[s]);
    for (uint32_t c = 0; c < table->column_count; c++) {
        if (table->columns[c].child) put_table(to, table->columns[c].child);
    }
}

static void put_problems(ml_frozen_problem *to, const ml_problems *problems) {
    for (uint32_t i = 0; i < problems->count; i++) {
        const ml_problem *p = &problems->list[i];
        to[i] = (ml_frozen_problem){.kind = p->kind,
                                    .row = p->row,
                                    .offset = p->offset,
                                    .count = p->count,
                                    .depth = p->depth,
                                    .before = p->before};
        memcpy(to[i].path, p->path, sizeof p->path);
    }
}

/* ---- the arena ---- */

enum { STRETCH = 256, PIECE = 65536 };

/* An arena that is copied piece by piece, so that what is to be overwritten is still in the cache. */
typedef struct arena_copy {
    const char *from;
    char *to;
    size_t used, copied;
} arena_copy;

static ML_NOINLINE void copy_through(arena_copy *arena, size_t end) {
    size_t n = ml_min(end - arena->copied + PIECE, arena->used - arena->copied);
    if (n) memcpy(arena->to + arena->copied, arena->from + arena->copied, n);
    arena->copied += n;
}

/* Zeros from the end of an allocation, which lies at `end` in the arena, to the next whole word. */
ML_INLINE void wipe_after(arena_copy *arena, size_t end) {
    if (ML_UNLIKELY(end > arena->copied)) copy_through(arena, end);
    for (; end & 3; end++) arena->to[end] = 0;
}

static void wipe_text(arena_copy *arena, ml_ref ref) {
    if (ref) wipe_after(arena, (size_t)ref * 4 + 4 + ml_load32(arena->from + (size_t)ref * 4));
}

/* In stretches of all columns: values that came in with the same rows lie side by side, so that the arena goes through
 * the caches once, not once for each column. */
static void wipe_table(arena_copy *arena, const ml_table *table) {
    const ml_document *document = table->document;
    for (uint32_t from = 0, more = 1; more; from += STRETCH) {
        more = 0;
        for (uint32_t c = 0; c < table->column_count; c++) {
            const ml_column *column = &table->columns[c];
            if (column->count <= from) continue;
            uint32_t end = column->count - from > STRETCH ? from + STRETCH : column->count;
            for (uint32_t cell = from; cell < end; cell++) {
                ml_value value = ml_value_at(document, column, cell);
                wipe_after(arena, (size_t)(value.text + value.length - arena->from));
            }
            more |= column->count > end;
        }
    }
    for (uint32_t c = 0; c < table->column_count; c++) {
        wipe_text(arena, table->columns[c].key);
        if (table->columns[c].child) wipe_table(arena, table->columns[c].child);
    }
}

static void put_arena(char *to, const ml_document *document, uint32_t paths) {
    arena_copy arena = {document->arena.base, to, document->arena.used, 0};
    if (!document->mapped) { /* of which it was done before */
        wipe_table(&arena, &document->root);
        wipe_table(&arena, &document->meta);
        for (uint32_t i = 0; i < paths; i++) wipe_text(&arena, document->path[i]);
    }
    copy_through(&arena, arena.used);
}

/* ---- the whole ---- */

void ml_freeze(const ml_document *document, char *out) {
    ml_frozen_layout l;
    if (!lay_out(document, &l)) return;
    memset(out, 0, sizeof(ml_frozen_header));
    memset(out + l.rows_at - 64, 0, 64); /* what is not filled again stays zero */
    memset(out + l.arena_at - 64, 0, 64);
    places to = {(ml_frozen_table *)(out + sizeof(ml_frozen_header)),
                 (ml_frozen_column *)(out + l.columns_at),
                 (ml_frozen_shape *)(out + l.shapes_at),
                 out + l.words_at,
                 out + l.rows_at,
                 out + l.values_at,
                 out + l.cells_at};
    put_table(&to, &document->root);
    put_table(&to, &document->meta);
    put_problems((ml_frozen_problem *)(out + l.problems_at), &document->problems);
    if (l.paths) memcpy(out + l.paths_at, document->path, (size_t)l.paths * sizeof *document->path);
    char *arena = out + l.arena_at;
    put_arena(arena, document, (uint32_t)l.paths);
    memset(arena + l.arena, 0, (size_t)(l.size - l.arena_at - l.arena));

    ml_frozen_header header = {.order = ML_FROZEN_ORDER,
                               .version = ML_FROZEN_VERSION,
                               .size = l.size,
                               .structure = l.rows_at,
                               .arena = l.arena,
                               .tables = l.tables,
                               .problems = (uint32_t)l.problems,
                               .unlisted = document->problems.unlisted,
                               .paths = (uint32_t)l.paths,
                               .seed = document->seed,
                               .odd_keys = document->odd_keys};
    memcpy(header.magic, ML_FROZEN_MAGIC, sizeof header.magic);
    header.bulk_sum = ml_frozen_bulk_sum(out, (size_t)l.rows_at, (size_t)l.size);
    memcpy(out, &header, sizeof header);
    header.structure_sum = ml_frozen_structure_sum(out, (size_t)l.rows_at);
    memcpy(out, &header, sizeof header);
}
