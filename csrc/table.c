/*
 * table.c: columns and documents; rows and shapes are in shape.c.
 *
 * Columns are found through an open-addressing table whose hash takes a secret seed, since keys come from the input.
 * Everything grows by half, and ml_document_finish returns what was not used.
 */
#include "table.h"
#include "intern.h"
#include "predict.h"
#include "shape.h"
#include "text.h"

#include <stdlib.h>

/* ---- documents ---- */

ml_document *ml_document_new(uint32_t seed) {
    ml_document *document = calloc(1, sizeof *document);
    if (!document) return NULL;
    document->seed = seed;
    document->root.document = document->meta.document = document;
    return document;
}

/* Of a thawed table all is the block's or part of one allocation with the document (thaw.c), but for the slot maps. */
static void table_thawed_free(ml_table *table) {
    for (uint32_t c = 0; c < table->column_count; c++) {
        if (table->columns[c].child) table_thawed_free(table->columns[c].child);
    }
    for (uint32_t s = 0; s < table->shape_count; s++) free(table->shapes[s].slot_map);
}

static void table_free(ml_table *table) {
    for (uint32_t c = 0; c < table->column_count; c++) {
        ml_column *column = &table->columns[c];
        free(column->values);
        ml_value_index_free(&column->index);
        if (column->child) {
            table_free(column->child);
            free(column->child);
        }
    }
    for (uint32_t s = 0; s < table->shape_count; s++) ml_shape_free(&table->shapes[s]);
    ml_templates_free(table->templates);
    free(table->columns);
    free(table->column_slots);
    free(table->shapes);
    free(table->shape_slots);
    free(table->row);
}

void ml_document_free(ml_document *document) {
    if (!document) return;
    if (document->mapped) {
        table_thawed_free(&document->root);
        table_thawed_free(&document->meta);
        free(document);
        return;
    }
    table_free(&document->root);
    table_free(&document->meta);
    free(document->path);
    ml_arena_free(&document->arena);
    free(document->problems.list);
    free(document);
}

/* A shorter block for an array, or the old one where realloc will not. */
static void *trimmed(void *block, size_t used) {
    if (!block || !used) return block;
    void *smaller = realloc(block, used);
    return smaller ? smaller : block;
}

static void table_finish(ml_table *table) {
    ml_templates_free(table->templates);
    table->templates = NULL;
    for (uint32_t c = 0; c < table->column_count; c++) {
        ml_column *column = &table->columns[c];
        ml_value_index_free(&column->index);
        if (column->capacity > column->count) {
            column->values = trimmed(column->values, column->count * sizeof *column->values);
            column->capacity = column->count;
        }
        if (column->child) table_finish(column->child);
    }
    table->columns = trimmed(table->columns, table->column_count * sizeof *table->columns);
    table->column_capacity = table->column_count;
    for (uint32_t s = 0; s < table->shape_count; s++) ml_shape_finish(&table->shapes[s]);
    table->shapes = trimmed(table->shapes, table->shape_count * sizeof *table->shapes);
    table->shape_capacity = table->shape_count;
    if (table->row) {
        table->row = trimmed(table->row, table->rows * sizeof *table->row);
        table->row_capacity = table->rows;
    }
}

void ml_document_finish(ml_document *document) {
    if (document->mapped) return;
    table_finish(&document->root);
    table_finish(&document->meta);
    if (document->path_capacity > document->root.rows && document->root.rows) {
        document->path = trimmed(document->path, document->root.rows * sizeof *document->path);
        document->path_capacity = document->root.rows;
    }
    ml_arena_trim(&document->arena);
}

static size_t table_bytes(const ml_table *table) {
    size_t n = table->column_capacity * sizeof *table->columns + table->shape_capacity * sizeof *table->shapes;
    if (table->column_slots) n += ((size_t)table->column_mask + 1) * sizeof *table->column_slots;
    if (table->shape_slots) n += ((size_t)table->shape_mask + 1) * sizeof *table->shape_slots;
    if (table->row) n += table->row_capacity * sizeof *table->row;
    for (uint32_t c = 0; c < table->column_count; c++) {
        const ml_column *column = &table->columns[c];
        n += column->capacity * sizeof *column->values;
        if (column->child) n += sizeof *column->child + table_bytes(column->child);
    }
    for (uint32_t s = 0; s < table->shape_count; s++) n += ml_shape_bytes(&table->shapes[s]);
    return n;
}

size_t ml_document_bytes(const ml_document *document) {
    return sizeof *document + document->arena.capacity + table_bytes(&document->root) + table_bytes(&document->meta) +
           document->path_capacity * sizeof *document->path +
           document->problems.capacity * sizeof *document->problems.list;
}

const char *ml_document_path(const ml_document *document, uint32_t row, size_t *length) {
    ml_ref ref = row < document->path_capacity ? document->path[row] : 0;
    if (!ref) return NULL;
    const char *p = ml_arena_at(&document->arena, ref);
    *length = ml_load32(p);
    return p + 4;
}

int ml_document_set_path(ml_document *document, uint32_t row, const char *path, size_t length) {
    if (row >= document->path_capacity) {
        size_t capacity = ml_grown(document->path_capacity, (size_t)row + 1, 4);
        ml_ref *grown = realloc(document->path, capacity * sizeof *grown);
        if (!grown) return 0;
        memset(grown + document->path_capacity, 0, (capacity - document->path_capacity) * sizeof *grown);
        document->path = grown;
        document->path_capacity = (uint32_t)capacity;
    }
    uint32_t n = (uint32_t)length;
    ml_ref ref = ml_arena_alloc(&document->arena, 4 + length);
    if (!ref) return 0;
    char *p = ml_arena_at(&document->arena, ref);
    memcpy(p, &n, 4);
    memcpy(p + 4, path, length);
    document->path[row] = ref;
    return 1;
}

/* ---- columns ---- */

/* MurmurHash3's finalizer: every bit of tag and seed reaches every bit, so that no choice of tags shares a slot
 * whatever the seed. */
static uint32_t tag_hash(uint32_t seed, uint32_t tag) {
    uint32_t h = tag ^ seed;
    h = (h ^ h >> 16) * 0x85EBCA6Bu;
    h = (h ^ h >> 13) * 0xC2B2AE35u;
    return h ^ h >> 16;
}

static uint32_t key_hash(uint32_t seed, const char *key, size_t n) {
    return ml_hash(key, n, seed);
}

const char *ml_column_key(const ml_document *document, const ml_column *column, char digits[8], size_t *length) {
    if (column->key) {
        const char *p = ml_arena_at(&document->arena, column->key);
        *length = ml_load32(p);
        return p + 4;
    }
    ml_format_tag(column->tag, digits);
    *length = 8;
    return digits;
}

static int is_nameless(const ml_column *column) {
    return column->key && column->primary == ML_NO_INDEX;
}

static uint32_t column_hash(const ml_table *table, const ml_column *column) {
    uint32_t seed = table->document->seed;
    if (!is_nameless(column)) return tag_hash(seed, column->tag);
    char digits[8];
    size_t n;
    const char *key = ml_column_key(table->document, column, digits, &n);
    return key_hash(seed, key, n);
}

static int same_key(const ml_table *table, const ml_column *column, const char *key, size_t n) {
    if (!column->key || !key) return !column->key && !key;
    char digits[8];
    size_t length;
    const char *own = ml_column_key(table->document, column, digits, &length);
    return length == n && memcmp(own, key, n) == 0;
}

uint32_t ml_table_find_tag(const ml_table *table, uint32_t tag) {
    if (!table->column_slots) return ML_NO_INDEX;
    for (uint32_t i = tag_hash(table->document->seed, tag) & table->column_mask;; i = (i + 1) & table->column_mask) {
        uint32_t entry = table->column_slots[i];
        if (!entry) return ML_NO_INDEX;
        const ml_column *column = &table->columns[entry - 1];
        if (column->tag == tag && !is_nameless(column)) return entry - 1;
    }
}

uint32_t ml_table_find_key(const ml_table *table, const char *key, size_t n) {
    if (!table->column_slots) return ML_NO_INDEX;
    for (uint32_t i = key_hash(table->document->seed, key, n) & table->column_mask;; i = (i + 1) & table->column_mask) {
        uint32_t entry = table->column_slots[i];
        if (!entry) return ML_NO_INDEX;
        if (is_nameless(&table->columns[entry - 1]) && same_key(table, &table->columns[entry - 1], key, n))
            return entry - 1;
    }
}

static void slots_put(ml_table *table, uint32_t column) {
    uint32_t i = column_hash(table, &table->columns[column]) & table->column_mask;
    while (table->column_slots[i]) i = (i + 1) & table->column_mask;
    table->column_slots[i] = column + 1;
}

/* Room for one more column in both arrays. */
static int columns_grow(ml_table *table) {
    uint32_t count = table->column_count;
    if (count == table->column_capacity) {
        size_t capacity = ml_grown(count, (size_t)count + 1, table->depth ? 2 : 64);
        if (capacity >= ML_NO_INDEX) return 0;
        ml_column *columns = realloc(table->columns, capacity * sizeof *columns);
        if (!columns) return 0;
        table->columns = columns;
        table->column_capacity = (uint32_t)capacity;
    }
    if (!table->column_slots || (count + 1) * 2 > table->column_mask + 1) {
        uint32_t size = table->column_slots ? (table->column_mask + 1) * 2 : table->depth ? 4 : 128;
        uint32_t *slots = calloc(size, sizeof *slots);
        if (!slots) return 0;
        free(table->column_slots);
        table->column_slots = slots;
        table->column_mask = size - 1;
        for (uint32_t c = 0; c < count; c++) {
            if (is_nameless(&table->columns[c]) || table->columns[c].primary == c) slots_put(table, c);
        }
    }
    return 1;
}

void ml_table_reserve_columns(ml_table *table, uint32_t count) {
    if (table->column_capacity || count > 1u << 16) return;
    uint32_t size = 128;
    while (size < count * 2 + 2) size *= 2;
    table->columns = malloc(count * sizeof *table->columns);
    table->column_slots = calloc(size, sizeof *table->column_slots);
    if (table->columns) table->column_capacity = count;
    if (table->column_slots) table->column_mask = size - 1;
}

static ml_ref store_key(ml_document *document, const char *key, size_t n) {
    ml_ref ref = ml_arena_alloc(&document->arena, 4 + n);
    if (!ref) return 0;
    char *p = ml_arena_at(&document->arena, ref);
    uint32_t length = (uint32_t)n;
    memcpy(p, &length, 4);
    memcpy(p + 4, key, n);
    return ref;
}

uint32_t ml_table_column(ml_table *table, uint32_t tag, int has_tag, const char *key, size_t n) {
    uint32_t primary = has_tag ? ml_table_find_tag(table, tag) : ml_table_find_key(table, key, n);
    uint32_t last = ML_NO_INDEX;
    for (uint32_t c = primary; c != ML_NO_INDEX; c = table->columns[c].twin) {
        if (!has_tag || same_key(table, &table->columns[c], key, n)) return c;
        last = c;
    }
    if (!columns_grow(table)) return ML_NO_INDEX;
    ml_column column = {.tag = has_tag ? tag : 0, .twin = ML_NO_INDEX, .seen_row = 0};
    if (key) {
        column.key = store_key(table->document, key, n);
        if (!column.key) return ML_NO_INDEX;
    }
    uint32_t index = table->column_count;
    if (has_tag) {
        column.info = ml_tag_find(tag);
        column.primary = primary == ML_NO_INDEX ? index : primary;
    } else {
        column.primary = ML_NO_INDEX;
    }
    if (!column.info) table->document->odd_keys++;
    table->columns[index] = column;
    table->column_count++;
    if (last != ML_NO_INDEX) {
        table->columns[last].twin = index;
    } else {
        slots_put(table, index);
    }
    return index;
}

ml_table *ml_column_child(ml_table *table, uint32_t column) {
    ml_column *c = &table->columns[column];
    if (!c->child) {
        c->child = calloc(1, sizeof *c->child);
        if (!c->child) return NULL;
        c->child->document = table->document;
        c->child->depth = table->depth + 1;
    }
    return c->child;
}
