/*
 * shape.c: rows and their cells.
 *
 * Adding a row that is like the one before costs one store for each column that has varied so far; constant columns are
 * not touched. A column that varies for the first time gets its cells back-filled: once a column and shape, so the
 * total is bounded by the cells that are kept.
 */
#include "shape.h"
#include "text.h"

#include <stdlib.h>

static uint32_t list_hash(const ml_table *table, const uint32_t *columns, uint32_t width) {
    return ml_hash((const char *)columns, width * sizeof *columns, table->document->seed);
}

static int shapes_grow(ml_table *table) {
    if (table->shape_count == table->shape_capacity) {
        size_t capacity = ml_grown(table->shape_capacity, (size_t)table->shape_count + 1, 1);
        if (capacity >= ML_NO_INDEX) return 0;
        ml_shape *shapes = realloc(table->shapes, capacity * sizeof *shapes);
        if (!shapes) return 0;
        table->shapes = shapes;
        table->shape_capacity = (uint32_t)capacity;
    }
    if (!table->shape_slots || table->shape_count > table->shape_mask) {
        uint32_t size = table->shape_slots ? (table->shape_mask + 1) * 2 : 4;
        uint32_t *slots = calloc(size, sizeof *slots);
        if (!slots) return 0;
        free(table->shape_slots);
        table->shape_slots = slots;
        table->shape_mask = size - 1;
        for (uint32_t s = 0; s < table->shape_count; s++) {
            uint32_t *head = &slots[table->shapes[s].hash & table->shape_mask];
            table->shapes[s].next = *head ? *head - 1 : ML_NO_INDEX;
            *head = s + 1;
        }
    }
    return 1;
}

uint32_t ml_table_shape(ml_table *table, const uint32_t *columns, uint32_t width) {
    uint32_t hash = list_hash(table, columns, width);
    if (table->shape_slots) {
        uint32_t head = table->shape_slots[hash & table->shape_mask];
        for (uint32_t s = head ? head - 1 : ML_NO_INDEX; s != ML_NO_INDEX; s = table->shapes[s].next) {
            const ml_shape *shape = &table->shapes[s];
            if (shape->hash == hash && shape->width == width &&
                (!width || memcmp(shape->columns, columns, width * sizeof *columns) == 0)) {
                return s;
            }
        }
    }
    if (!shapes_grow(table)) return ML_NO_INDEX;
    ml_shape shape = {.width = width, .hash = hash, .next = ML_NO_INDEX, .successor = ML_NO_INDEX, .identity = 1};
    if (width) {
        /* one block: the columns, then the constant cells */
        shape.columns = malloc(2 * (size_t)width * sizeof *shape.columns);
        if (!shape.columns) return ML_NO_INDEX;
        shape.first = shape.columns + width;
        memcpy(shape.columns, columns, width * sizeof *columns);
    }
    for (uint32_t i = 0; i < width; i++) {
        if (columns[i] != i) shape.identity = 0;
    }
    uint32_t index = table->shape_count++;
    uint32_t *head = &table->shape_slots[hash & table->shape_mask];
    shape.next = *head ? *head - 1 : ML_NO_INDEX;
    *head = index + 1;
    table->shapes[index] = shape;
    return index;
}

/* Notes that the next row has this shape; 0 without memory. */
static int place_row(ml_table *table, uint32_t shape, uint32_t index) {
    if (table->rows == ML_NO_INDEX - 1) return 0;
    if (!table->row && shape != 0) {
        size_t capacity = ml_grown(table->rows, (size_t)table->rows + 1, 8);
        table->row = malloc(capacity * sizeof *table->row);
        if (!table->row) return 0;
        table->row_capacity = (uint32_t)ml_min(capacity, UINT32_MAX);
        for (uint32_t r = 0; r < table->rows; r++) table->row[r] = (ml_row){0, r};
    }
    if (table->row) {
        if (table->rows == table->row_capacity) {
            size_t capacity = ml_grown(table->row_capacity, (size_t)table->rows + 1, 8);
            ml_row *rows = realloc(table->row, capacity * sizeof *rows);
            if (!rows) return 0;
            table->row = rows;
            table->row_capacity = (uint32_t)ml_min(capacity, UINT32_MAX);
        }
        table->row[table->rows] = (ml_row){shape, index};
    }
    table->rows++;
    return 1;
}

/* Room for one more row in the cells of all varying columns. */
static int reserve_row(ml_shape *shape) {
    if (shape->rows < shape->capacity || !shape->varying) return 1;
    size_t capacity = ml_grown(shape->capacity, (size_t)shape->rows + 1, 16);
    for (uint32_t v = 0; v < shape->varying; v++) {
        uint32_t **cells = &shape->cells[shape->vary_slot[v]];
        uint32_t *more = realloc(*cells, capacity * sizeof *more);
        if (!more) return 0;
        *cells = more;
    }
    shape->capacity = (uint32_t)ml_min(capacity, UINT32_MAX);
    return 1;
}

/* Gives a constant column cells of its own, filled for the rows there are. */
static int start_varying(ml_shape *shape, uint32_t slot) {
    if (!shape->cells) {
        shape->cells = calloc(shape->width, sizeof *shape->cells);
        shape->vary_slot = malloc(shape->width * sizeof *shape->vary_slot);
        if (!shape->cells || !shape->vary_slot) {
            free(shape->cells);
            free(shape->vary_slot);
            shape->cells = NULL;
            shape->vary_slot = NULL;
            return 0;
        }
    }
    if (!shape->varying && shape->capacity <= shape->rows) {
        shape->capacity = (uint32_t)ml_min(ml_grown(0, (size_t)shape->rows + 1, 16), UINT32_MAX);
    }
    uint32_t *cells = malloc(shape->capacity * sizeof *cells);
    if (!cells) return 0;
    for (uint32_t r = 0; r < shape->rows; r++) cells[r] = shape->first[slot];
    shape->cells[slot] = cells;
    shape->vary_slot[shape->varying++] = slot;
    return 1;
}

int ml_table_add_row(ml_table *table, uint32_t shape_index, const uint32_t *cells) {
    ml_shape *shape = &table->shapes[shape_index];
    uint32_t r = shape->rows;
    if (!reserve_row(shape)) return 0;
    if (r == 0) {
        if (shape->width) memcpy(shape->first, cells, shape->width * sizeof *cells);
        for (uint32_t v = 0; v < shape->varying; v++) shape->cells[shape->vary_slot[v]][0] = cells[shape->vary_slot[v]];
    } else {
        for (uint32_t s = 0; s < shape->width; s++) {
            if (shape->cells && shape->cells[s]) {
                shape->cells[s][r] = cells[s];
            } else if (cells[s] != shape->first[s]) {
                if (!start_varying(shape, s)) return 0;
                shape->cells[s][r] = cells[s];
            }
        }
    }
    if (!place_row(table, shape_index, r)) return 0;
    shape->rows++;
    return 1;
}

int ml_table_add_row_like(ml_table *table, uint32_t shape_index, const uint32_t *cells, const uint32_t *changed,
                          size_t count) {
    ml_shape *shape = &table->shapes[shape_index];
    uint32_t r = shape->rows;
    if (r == 0) return ml_table_add_row(table, shape_index, cells);
    if (!reserve_row(shape)) return 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t slot = changed[i];
        if (ML_UNLIKELY(!shape->cells || !shape->cells[slot]) && cells[slot] != shape->first[slot] &&
            !start_varying(shape, slot)) {
            return 0;
        }
    }
    for (uint32_t v = 0; v < shape->varying; v++) shape->cells[shape->vary_slot[v]][r] = cells[shape->vary_slot[v]];
    if (!place_row(table, shape_index, r)) return 0;
    shape->rows++;
    return 1;
}

void ml_table_drop_rows(ml_table *table, uint32_t n) {
    while (n--) {
        ml_row last = ml_table_row(table, table->rows - 1);
        table->shapes[last.shape].rows--;
        table->rows--;
    }
}

int ml_table_rows_equal(const ml_table *table, uint32_t a, uint32_t b) {
    ml_row x = ml_table_row(table, a), y = ml_table_row(table, b);
    if (x.shape != y.shape) return 0;
    const ml_shape *shape = &table->shapes[x.shape];
    for (uint32_t v = 0; v < shape->varying; v++) {
        const uint32_t *cells = shape->cells[shape->vary_slot[v]];
        if (cells[x.index] != cells[y.index]) return 0;
    }
    return 1;
}

static int slot_map_build(ml_shape *shape) {
    uint32_t size = 8;
    while (size < shape->width + shape->width / 2) size *= 2;
    shape->slot_map = calloc(size, sizeof *shape->slot_map);
    if (!shape->slot_map) return 0;
    shape->slot_mask = size - 1;
    for (uint32_t s = 0; s < shape->width; s++) {
        uint32_t i = shape->columns[s] * 0x9E3779B1u >> 8 & shape->slot_mask;
        while (shape->slot_map[i]) i = (i + 1) & shape->slot_mask;
        shape->slot_map[i] = s + 1;
    }
    return 1;
}

uint32_t ml_shape_slot(ml_shape *shape, uint32_t column) {
    if (shape->identity) return column < shape->width ? column : ML_NO_INDEX;
    if (!shape->slot_map && !slot_map_build(shape)) {
        /* without memory for the map: look through the list */
        for (uint32_t s = 0; s < shape->width; s++) {
            if (shape->columns[s] == column) return s;
        }
        return ML_NO_INDEX;
    }
    for (uint32_t i = column * 0x9E3779B1u >> 8 & shape->slot_mask;; i = (i + 1) & shape->slot_mask) {
        uint32_t entry = shape->slot_map[i];
        if (!entry) return ML_NO_INDEX;
        if (shape->columns[entry - 1] == column) return entry - 1;
    }
}

void ml_shape_finish(ml_shape *shape) {
    uint32_t kept = 0;
    for (uint32_t v = 0; v < shape->varying; v++) {
        uint32_t slot = shape->vary_slot[v], *cells = shape->cells[slot], r = 1;
        while (r < shape->rows && cells[r] == cells[0]) r++;
        if (r >= shape->rows) {
            if (shape->rows) shape->first[slot] = cells[0];
            free(cells);
            shape->cells[slot] = NULL;
            continue;
        }
        uint32_t *exact = realloc(cells, shape->rows * sizeof *cells);
        if (exact) shape->cells[slot] = exact;
        shape->vary_slot[kept++] = slot;
    }
    shape->varying = kept;
    shape->capacity = shape->rows;
    if (!kept) {
        free(shape->cells);
        free(shape->vary_slot);
        shape->cells = NULL;
        shape->vary_slot = NULL;
    }
}

void ml_shape_free(ml_shape *shape) {
    for (uint32_t v = 0; v < shape->varying; v++) free(shape->cells[shape->vary_slot[v]]);
    free(shape->columns);
    free(shape->cells);
    free(shape->vary_slot);
    free(shape->slot_map);
}

size_t ml_shape_bytes(const ml_shape *shape) {
    size_t n = 2 * (size_t)shape->width * sizeof *shape->columns;
    if (shape->cells) n += shape->width * (sizeof *shape->cells + sizeof *shape->vary_slot);
    n += (size_t)shape->varying * shape->capacity * sizeof(uint32_t);
    if (shape->slot_map) n += ((size_t)shape->slot_mask + 1) * sizeof *shape->slot_map;
    return n;
}
