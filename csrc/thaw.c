/*
 * thaw.c: a document around a block of bytes; see frozen.h.
 *
 * What is found in the structure is believed only as far as it may be wrong without harm: counts are added up against
 * the size of the block before anything is allocated or followed, indexes are compared with what they index. After that
 * one allocation takes the document, its tables, columns, shapes and problems; arrays are pointed at where they lie.
 * Some nanoseconds for each column, and for each column of each shape.
 */
#include "checksum.h"
#include "freeze.h"
#include "frozen.h"

#include <stdlib.h>

/* ---- checksums ---- */

uint64_t ml_frozen_structure_sum(const char *block, size_t n) {
    ml_frozen_header header;
    memcpy(&header, block, sizeof header);
    header.structure_sum = 0;
    ml_checksum sum = ml_checksum_begin();
    ml_checksum_add(&sum, (const char *)&header, sizeof header);
    ml_checksum_add(&sum, block + sizeof header, n - sizeof header);
    return ml_checksum_end(&sum);
}

uint64_t ml_frozen_bulk_sum(const char *block, size_t structure, size_t n) {
    ml_checksum sum = ml_checksum_begin();
    ml_checksum_add(&sum, block + structure, n - structure);
    return ml_checksum_end(&sum);
}

/* Reads the header, and checks the structure against its checksum. */
static ml_thaw_status read_header(const char *block, size_t n, ml_frozen_header *header) {
    size_t known = ml_min(n, sizeof header->magic);
    if (known && memcmp(block, ML_FROZEN_MAGIC, known) != 0) return ML_THAW_NOT_FROZEN;
    if (n < sizeof *header) return ML_THAW_TRUNCATED;
    memcpy(header, block, sizeof *header);
    if (header->order == 0x04030201u) return ML_THAW_BYTE_ORDER;
    if (header->order != ML_FROZEN_ORDER) return ML_THAW_DAMAGED;
    if (header->version != ML_FROZEN_VERSION) return ML_THAW_VERSION;
    if (header->size > n) return ML_THAW_TRUNCATED;
    if (header->size != n || n % ML_CHECKSUM_BLOCK != 0 || header->structure < sizeof *header ||
        header->structure > n || header->structure % ML_CHECKSUM_BLOCK != 0) {
        return ML_THAW_DAMAGED;
    }
    size_t structure = (size_t)header->structure;
    return ml_frozen_structure_sum(block, structure) == header->structure_sum ? ML_THAW_OK : ML_THAW_DAMAGED;
}

ml_thaw_status ml_thaw_verify(const char *block, size_t n) {
    ml_frozen_header header;
    ml_thaw_status status = read_header(block, n, &header);
    if (status != ML_THAW_OK) return status;
    return ml_frozen_bulk_sum(block, (size_t)header.structure, n) == header.bulk_sum ? ML_THAW_OK : ML_THAW_DAMAGED;
}

/* ---- measuring ---- */

/* Adds count items, each of which takes four bytes of the block or more, to a sum; 0 when there cannot be so many. */
static int add(uint64_t *sum, uint64_t count, uint64_t n) {
    return ml_frozen_take(sum, count, 1, n);
}

/* Counts what the records announce and finds where it lies; 0 when that is not the block at hand. *pointers is how many
 * arrays of cells the shapes have room for. */
static int measure(const char *block, const ml_frozen_header *header, ml_frozen_layout *l, uint64_t *pointers) {
    uint64_t n = header->size, at = sizeof *header;
    *l = (ml_frozen_layout){
        .tables = header->tables, .problems = header->problems, .paths = header->paths, .arena = header->arena};
    *pointers = 0;
    if (l->tables < 2 || !ml_frozen_take(&at, l->tables, sizeof(ml_frozen_table), header->structure)) return 0;
    const ml_frozen_table *table = (const ml_frozen_table *)(block + sizeof *header);
    for (uint64_t i = 0; i < l->tables; i++, table++) {
        if (!add(&l->columns, table->columns, n) || !add(&l->shapes, table->shapes, n) ||
            !add(&l->words, table->column_slots, n) || !add(&l->rows, table->has_row ? table->rows : 0, n)) {
            return 0;
        }
    }
    const ml_frozen_column *column = (const ml_frozen_column *)(block + at);
    if (!ml_frozen_take(&at, l->columns, sizeof *column, header->structure)) return 0;
    for (uint64_t i = 0; i < l->columns; i++, column++) {
        if (column->count > 1 && !add(&l->values, column->count, n)) return 0;
    }
    const ml_frozen_shape *shape = (const ml_frozen_shape *)(block + at);
    if (!ml_frozen_take(&at, l->shapes, sizeof *shape, header->structure)) return 0;
    for (uint64_t i = 0; i < l->shapes; i++, shape++) {
        if (!add(&l->words, 2 * (uint64_t)shape->width + shape->varying, n) ||
            !add(&l->cells, (uint64_t)shape->varying * shape->rows, n)) {
            return 0;
        }
        if (shape->varying) *pointers += shape->width;
    }
    return ml_frozen_place(l, n) && l->rows_at == header->structure && l->size == n;
}

/* ---- thawing ---- */

/* The next of each kind, in the block and of what is built. */
typedef struct thawing {
    ml_document *document;
    uint64_t words_of_arena;
    const ml_frozen_table *table, *tables_end;
    const ml_frozen_column *column;
    const ml_frozen_shape *shape;
    const char *words, *rows, *values, *cells;
    ml_table *new_table;
    ml_column *new_column;
    ml_shape *new_shape;
    uint32_t **new_cells;
} thawing;

/* The next `count` items of a kind. What is thawed is not written to: the fields are not const for the sake of scans.
 */
static void *take(const char **at, size_t count, size_t size) {
    void *items = (void *)*at;
    *at += count * size;
    return items;
}

static int is_in_arena(const thawing *t, ml_ref ref) {
    return ref && ref < t->words_of_arena;
}

static int thaw_column(thawing *t, const ml_table *table, uint32_t index, const ml_frozen_column *from) {
    ml_column *column = &table->columns[index];
    uint32_t nameless = from->primary == ML_NO_INDEX;
    if (from->key ? !is_in_arena(t, from->key) : nameless) return 0;
    if (nameless ? from->tag != 0 : from->primary > index) return 0;
    /* the next one of the same tag was made later: no circles */
    if (from->twin != ML_NO_INDEX && (from->twin <= index || from->twin >= table->column_count)) return 0;
    if (from->count == 1 && !is_in_arena(t, from->single)) return 0;
    column->tag = from->tag;
    column->key = from->key;
    column->info = nameless ? NULL : ml_tag_find(from->tag);
    column->twin = from->twin;
    column->primary = from->primary;
    column->count = from->count;
    column->single = from->single;
    if (from->count > 1) {
        column->capacity = from->count;
        column->values = take(&t->values, from->count, sizeof *column->values);
    }
    return 1;
}

static int thaw_shape(thawing *t, const ml_table *table, ml_shape *shape) {
    const ml_frozen_shape *from = t->shape++;
    uint32_t width = from->width;
    *shape = (ml_shape){.width = width,
                        .rows = from->rows,
                        .capacity = from->rows,
                        .next = ML_NO_INDEX,
                        .successor = ML_NO_INDEX,
                        .varying = from->varying,
                        .identity = 1};
    shape->columns = take(&t->words, width, sizeof *shape->columns);
    shape->first = take(&t->words, width, sizeof *shape->first);
    shape->vary_slot = take(&t->words, from->varying, sizeof *shape->vary_slot);
    for (uint32_t i = 0; i < width; i++) {
        uint32_t c = shape->columns[i];
        if (c >= table->column_count || (from->rows && shape->first[i] >= table->columns[c].count)) return 0;
        if (c != i) shape->identity = 0;
    }
    if (from->varying) {
        shape->cells = t->new_cells;
        t->new_cells += width;
    }
    for (uint32_t v = 0; v < from->varying; v++) {
        uint32_t slot = shape->vary_slot[v];
        if (slot >= width || shape->cells[slot]) return 0;
        shape->cells[slot] = take(&t->cells, from->rows, sizeof **shape->cells);
    }
    return 1;
}

/* The table that finds columns: its entries, and that there is an end to each search in it. */
static int check_slots(const ml_table *table, uint32_t size) {
    uint32_t empty = 0;
    if (size & (size - 1) || (!size && table->column_count)) return 0;
    for (uint32_t i = 0; i < size; i++) {
        if (table->column_slots[i] > table->column_count) return 0;
        empty += !table->column_slots[i];
    }
    return !size || empty;
}

static int thaw_table(thawing *t, ml_table *table, uint32_t depth) {
    if (t->table == t->tables_end || depth > ML_PATH_DEPTH) return 0;
    const ml_frozen_table *from = t->table++;
    const ml_frozen_column *columns = t->column;
    t->column += from->columns;
    table->document = t->document;
    table->depth = depth;
    table->rows = from->rows;
    table->column_count = table->column_capacity = from->columns;
    table->columns = t->new_column;
    t->new_column += from->columns;
    table->shape_count = table->shape_capacity = from->shapes;
    table->shapes = t->new_shape;
    t->new_shape += from->shapes;
    if (from->column_slots) {
        table->column_slots = take(&t->words, from->column_slots, sizeof *table->column_slots);
        table->column_mask = from->column_slots - 1;
    }
    if (!check_slots(table, from->column_slots)) return 0;
    if (from->has_row) {
        table->row = take(&t->rows, from->rows, sizeof *table->row);
        table->row_capacity = from->rows;
    }
    for (uint32_t c = 0; c < from->columns; c++) {
        if (!thaw_column(t, table, c, &columns[c])) return 0;
    }
    uint64_t rows = 0;
    for (uint32_t s = 0; s < from->shapes; s++) {
        if (!thaw_shape(t, table, &table->shapes[s])) return 0;
        rows += table->shapes[s].rows;
    }
    if (rows != from->rows || (!from->has_row && rows && table->shapes[0].rows != rows)) return 0;
    for (uint32_t c = 0; c < from->columns; c++) {
        if (!columns[c].has_child) continue;
        if (t->table == t->tables_end) return 0;
        table->columns[c].child = t->new_table++;
        if (!thaw_table(t, table->columns[c].child, depth + 1)) return 0;
    }
    return 1;
}

static int thaw_problems(ml_problem *to, const ml_frozen_problem *from, uint32_t count) {
    for (uint32_t i = 0; i < count; i++, from++) {
        if (from->kind >= ML_P_COUNT || from->before > i) return 0;
        to[i] = (ml_problem){
            (ml_problem_kind)from->kind, from->row, from->offset, from->count, from->depth, from->before, {{0, 0}}};
        memcpy(to[i].path, from->path, sizeof from->path);
    }
    return 1;
}

/* Takes `count` items of a size from one allocation that is filled from its beginning; its size while base is NULL. */
static void *cut(char *base, uint64_t *used, uint64_t count, uint64_t size) {
    void *items = base ? base + *used : NULL;
    *used += (count * size + 15) & ~(uint64_t)15;
    return items;
}

/* Everything that is built anew, in one allocation; NULL without memory. */
static ml_document *make_room(const ml_frozen_layout *l, uint64_t pointers, thawing *t) {
    char *base = NULL;
    for (;;) {
        uint64_t used = 0;
        ml_document *document = cut(base, &used, 1, sizeof *document);
        t->document = document;
        t->new_table = cut(base, &used, l->tables - 2, sizeof *t->new_table);
        t->new_column = cut(base, &used, l->columns, sizeof *t->new_column);
        t->new_shape = cut(base, &used, l->shapes, sizeof *t->new_shape);
        t->new_cells = cut(base, &used, pointers, sizeof *t->new_cells);
        ml_problem *problems = cut(base, &used, l->problems, sizeof *problems);
        if (base) {
            document->problems.list = l->problems ? problems : NULL;
            document->problems.count = document->problems.capacity = (uint32_t)l->problems;
            return document;
        }
        base = used <= SIZE_MAX / 2 ? calloc(1, (size_t)used) : NULL;
        if (!base) return NULL;
    }
}

static int thaw(thawing *t, const char *block, const ml_frozen_layout *l) {
    ml_document *document = t->document;
    t->words_of_arena = l->arena / 4;
    t->table = (const ml_frozen_table *)(block + sizeof(ml_frozen_header));
    t->tables_end = t->table + l->tables;
    t->column = (const ml_frozen_column *)(block + l->columns_at);
    t->shape = (const ml_frozen_shape *)(block + l->shapes_at);
    t->words = block + l->words_at;
    t->rows = block + l->rows_at;
    t->values = block + l->values_at;
    t->cells = block + l->cells_at;
    document->arena = (ml_arena){(char *)block + l->arena_at, (size_t)l->arena, (size_t)l->arena};
    document->path = l->paths ? (ml_ref *)(block + l->paths_at) : NULL;
    document->path_capacity = (uint32_t)l->paths;
    return thaw_table(t, &document->root, 0) && thaw_table(t, &document->meta, 0) && t->table == t->tables_end &&
           thaw_problems(document->problems.list, (const ml_frozen_problem *)(block + l->problems_at),
                         document->problems.count);
}

ml_document *ml_thaw(const char *block, size_t n, ml_thaw_status *status) {
    ml_frozen_header header;
    ml_frozen_layout layout;
    uint64_t pointers;
    thawing t = {0};
    *status = ML_THAW_UNALIGNED;
    if ((uintptr_t)block % 8) return NULL;
    *status = read_header(block, n, &header);
    if (*status != ML_THAW_OK) return NULL;
    *status = ML_THAW_DAMAGED;
    if (!measure(block, &header, &layout, &pointers)) return NULL;
    *status = ML_THAW_MEMORY;
    ml_document *document = make_room(&layout, pointers, &t);
    if (!document) return NULL;
    document->mapped = n;
    document->seed = header.seed;
    document->odd_keys = header.odd_keys;
    document->problems.unlisted = header.unlisted;
    *status = ML_THAW_DAMAGED;
    if (!thaw(&t, block, &layout)) {
        free(document);
        return NULL;
    }
    *status = ML_THAW_OK;
    return document;
}
