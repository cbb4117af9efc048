/*
 * copy.c: see copy.h.
 *
 * A source's table has a map to the table here: for each column its index here, the cell that was copied last and the
 * cell it became; for each shape its index here. Indexes and cells stay what they are as tables grow, and values are
 * never taken away, so maps need no upkeep but room for what the source has got since.
 *
 * A row of 350 attributes that is like the one before takes 0.6 microseconds, each value that has changed 30 to 50
 * nanoseconds more; the first row of a source eight microseconds.
 */
#include "copy.h"
#include "intern.h"

#include <stdlib.h>

typedef struct table_map table_map;

typedef struct column_map {
    uint32_t column; /* here; ML_NO_INDEX: not looked for yet */
    uint32_t from;   /* the cell that was copied last, ML_NO_INDEX at first, */
    uint32_t to;     /* and what it became */
    table_map *child;
} column_map;

struct table_map {
    const ml_table *src;
    ml_table *dst;
    column_map *columns;
    uint32_t *shapes; /* of each shape of the source, ML_NO_INDEX: not looked for yet */
    uint32_t *cells;  /* room for a row */
    uint32_t column_count, shape_count, width;
};

/* ---- maps ---- */

static table_map *map_new(ml_table *dst, const ml_table *src) {
    table_map *map = calloc(1, sizeof *map);
    if (!map) return NULL;
    map->src = src;
    map->dst = dst;
    return map;
}

static void map_free(table_map *map) {
    if (!map) return;
    for (uint32_t c = 0; c < map->column_count; c++) map_free(map->columns[c].child);
    free(map->columns);
    free(map->shapes);
    free(map->cells);
    free(map);
}

/* Room for all columns and shapes that the source has by now, and for a row of this width. 0 without memory. */
static int reserve(table_map *map, uint32_t width) {
    uint32_t columns = map->src->column_count, shapes = map->src->shape_count;
    if (columns > map->column_count) {
        column_map *more = realloc(map->columns, columns * sizeof *more);
        if (!more) return 0;
        for (uint32_t c = map->column_count; c < columns; c++) {
            more[c] = (column_map){ML_NO_INDEX, ML_NO_INDEX, 0, NULL};
        }
        map->columns = more;
        map->column_count = columns;
    }
    if (shapes > map->shape_count) {
        /* by half: a source whose rows are all of their own make-up gets one more with each row */
        size_t count = ml_grown(map->shape_count, shapes, 1);
        uint32_t *more = realloc(map->shapes, count * sizeof *more);
        if (!more) return 0;
        for (size_t s = map->shape_count; s < count; s++) more[s] = ML_NO_INDEX;
        map->shapes = more;
        map->shape_count = (uint32_t)ml_min(count, UINT32_MAX);
    }
    if (width > map->width) {
        uint32_t *cells = realloc(map->cells, width * sizeof *cells);
        if (!cells) return 0;
        map->cells = cells;
        map->width = width;
    }
    return 1;
}

/* A source's column here; ML_NO_INDEX without memory. */
static uint32_t map_column(table_map *map, uint32_t index) {
    column_map *to = &map->columns[index];
    if (to->column == ML_NO_INDEX) {
        const ml_column *column = &map->src->columns[index];
        size_t n = 0;
        char digits[8];
        const char *key = column->key ? ml_column_key(map->src->document, column, digits, &n) : NULL;
        to->column = ml_table_column(map->dst, column->tag, column->primary != ML_NO_INDEX, key, n);
    }
    return to->column;
}

/* A source's shape here; ML_NO_INDEX without memory. */
static uint32_t map_shape(table_map *map, uint32_t index) {
    const ml_shape *shape = &map->src->shapes[index];
    for (uint32_t s = 0; s < shape->width; s++) {
        map->cells[s] = map_column(map, shape->columns[s]);
        if (map->cells[s] == ML_NO_INDEX) return ML_NO_INDEX;
    }
    map->shapes[index] = ml_table_shape(map->dst, map->cells, shape->width);
    return map->shapes[index];
}

/* ---- rows ---- */

static int copy_row(table_map *map, uint32_t row);

/* The cell of a sequence here; ML_NO_INDEX without memory, and then the rows of its items are gone again. */
static uint32_t copy_items(table_map *map, uint32_t index, const ml_value *value) {
    column_map *column = &map->columns[index];
    ml_range range = ml_value_range(value);
    ml_table *child = ml_column_child(map->dst, column->column);
    if (!child) return ML_NO_INDEX;
    if (range.count && !column->child) {
        column->child = map_new(child, map->src->columns[index].child);
        if (!column->child) return ML_NO_INDEX;
    }
    uint32_t before = child->rows, cell = ML_NO_INDEX, copied = 0;
    while (copied < range.count && copy_row(column->child, range.first + copied)) copied++;
    if (copied == range.count) cell = ml_intern_items(map->dst, column->column, value->vr, range.count);
    if (cell == ML_NO_INDEX) ml_table_drop_rows(child, child->rows - before);
    return cell;
}

/* Copies the value of a cell that is not the one copied last. 0 without memory. */
static int copy_value(table_map *map, uint32_t index, uint32_t cell) {
    column_map *column = &map->columns[index];
    ml_value value = ml_value_at(map->src->document, &map->src->columns[index], cell);
    int fresh;
    uint32_t to = value.form == ML_FORM_ITEMS
                      ? copy_items(map, index, &value)
                      : ml_intern(map->dst, column->column, value.form, value.vr, value.text, value.length, &fresh);
    if (to == ML_NO_INDEX) return 0;
    column->from = cell;
    column->to = to;
    return 1;
}

static int copy_row(table_map *map, uint32_t row) {
    ml_row place = ml_table_row(map->src, row);
    const ml_shape *shape = &map->src->shapes[place.shape];
    if (!reserve(map, shape->width)) return 0;
    uint32_t target = map->shapes[place.shape];
    if (target == ML_NO_INDEX) target = map_shape(map, place.shape);
    if (target == ML_NO_INDEX) return 0;
    for (uint32_t s = 0; s < shape->width; s++) {
        uint32_t index = shape->columns[s], cell = ml_shape_cell(shape, s, place.index);
        if (cell != map->columns[index].from && !copy_value(map, index, cell)) return 0;
        map->cells[s] = map->columns[index].to;
    }
    return ml_table_add_row(map->dst, target, map->cells);
}

int ml_copy_row(ml_table *dst, const ml_table *src, uint32_t row) {
    if (dst->document == src->document || dst->document->mapped || row >= src->rows) return 0;
    table_map *map = map_new(dst, src);
    int ok = map && copy_row(map, row);
    map_free(map);
    return ok;
}

/* ---- documents ---- */

typedef struct source {
    const ml_document *document;
    table_map *root, *meta;
} source;

struct ml_copier {
    ml_document *dst;
    source sources[ML_COPIER_SOURCES];
    uint32_t count;
    uint32_t last; /* the one that was copied from last */
    uint32_t turn; /* whose place the next new one takes */
};

ml_copier *ml_copier_new(ml_document *dst) {
    ml_copier *copier = calloc(1, sizeof *copier);
    if (copier) copier->dst = dst;
    return copier;
}

static void source_clear(source *s) {
    map_free(s->root);
    map_free(s->meta);
    *s = (source){0};
}

void ml_copier_forget(ml_copier *copier, const ml_document *src) {
    for (uint32_t i = 0; i < copier->count; i++) {
        if (copier->sources[i].document == src) source_clear(&copier->sources[i]);
    }
}

void ml_copier_free(ml_copier *copier) {
    if (!copier) return;
    for (uint32_t i = 0; i < copier->count; i++) source_clear(&copier->sources[i]);
    free(copier);
}

/* What is known of a source; NULL without memory. */
static source *find_source(ml_copier *copier, const ml_document *src) {
    if (copier->sources[copier->last].document == src) return &copier->sources[copier->last];
    uint32_t i = 0;
    while (i < copier->count && copier->sources[i].document != src) i++;
    if (i == copier->count) {
        for (i = 0; i < copier->count && copier->sources[i].document; i++) {
        }
        if (i == ML_COPIER_SOURCES) i = copier->turn++ % ML_COPIER_SOURCES;
        source *s = &copier->sources[i];
        source_clear(s);
        if (i == copier->count) copier->count++;
        s->root = map_new(&copier->dst->root, &src->root);
        s->meta = map_new(&copier->dst->meta, &src->meta);
        if (!s->root || !s->meta) {
            source_clear(s);
            return NULL;
        }
        s->document = src;
    }
    copier->last = i;
    return &copier->sources[i];
}

/* The path of the row that comes next: it must be its own, or none. */
static int copy_path(ml_document *dst, const ml_document *src, uint32_t row) {
    size_t n;
    const char *path = ml_document_path(src, row, &n);
    if (path) return ml_document_set_path(dst, dst->root.rows, path, n);
    if (dst->root.rows < dst->path_capacity) dst->path[dst->root.rows] = 0;
    return 1;
}

/* Empty rows until the meta table has so many. 0 without memory. */
static int fill_meta(ml_table *meta, uint32_t rows) {
    uint32_t shape = meta->rows < rows ? ml_table_shape(meta, NULL, 0) : 0;
    if (shape == ML_NO_INDEX) return 0;
    while (meta->rows < rows) {
        if (!ml_table_add_row(meta, shape, NULL)) return 0;
    }
    return 1;
}

/* The meta row of the row that comes next, for which all rows before need one. */
static int copy_meta(ml_document *dst, table_map *map, uint32_t row) {
    if (row < map->src->rows) return fill_meta(&dst->meta, dst->root.rows) && copy_row(map, row);
    return !dst->meta.rows || fill_meta(&dst->meta, dst->root.rows + 1);
}

int ml_copier_add(ml_copier *copier, const ml_document *src, uint32_t row) {
    ml_document *dst = copier->dst;
    if (dst == src || dst->mapped || row >= src->root.rows) return 0;
    source *s = find_source(copier, src);
    if (!s) return 0;
    uint32_t rows = dst->root.rows, metas = dst->meta.rows;
    if (copy_path(dst, src, row) && copy_meta(dst, s->meta, row) && copy_row(s->root, row)) return 1;
    ml_table_drop_rows(&dst->meta, dst->meta.rows - metas);
    if (rows < dst->path_capacity) dst->path[rows] = 0;
    return 0;
}

int ml_document_copy_row(ml_document *dst, const ml_document *src, uint32_t row) {
    ml_copier *copier = ml_copier_new(dst);
    int ok = copier && ml_copier_add(copier, src, row);
    ml_copier_free(copier);
    return ok;
}
