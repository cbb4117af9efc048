/*
 * table.h: instances as a table (design section 2): rows, columns, distinct values, shapes.
 *
 *   document   owns the arena, the root table and the problems found
 *   table      rows = instances, or the items of one sequence attribute in all rows of its parent; columns = attributes
 *   column     an attribute: its distinct values, each a reference into the arena; a sequence's values are row ranges
 * of a child table shape      the list of columns that some rows have, in the order they came in; its cells are indexes
 * of distinct values
 *
 * A shape stores one cell for a column until that column first varies; from then on it stores one per row. So a
 * constant attribute costs nothing per row, and rows of unlike make-up cost their own attributes, not rows x columns.
 *
 * A document is written by one thread (the scan) and read-only after ml_document_finish. Nothing here knows where
 * values come from: the JSON scanner and any other reader add rows through ml_table_add_row and values through
 * intern.h.
 */
#ifndef ML_TABLE_H
#define ML_TABLE_H

#include "arena.h"
#include "status.h"
#include "tags.h"

#define ML_NO_INDEX UINT32_MAX

/* How the bytes of a value are to be read. */
typedef enum ml_form {
    ML_FORM_EMPTY = 0,  /* no Value, no bulk; no bytes */
    ML_FORM_EMPTY_LIST, /* "Value": []; no bytes */
    ML_FORM_STRING,     /* one string without escapes; its text */
    ML_FORM_NUMBER,     /* one JSON number; its text */
    ML_FORM_LIST,       /* any other Value: its members as JSON without white space, separated by commas */
    ML_FORM_ITEMS,      /* a sequence: ml_range */
    ML_FORM_BULK,       /* BulkDataURI without escapes; its text */
    ML_FORM_INLINE,     /* InlineBinary without escapes; its base64 text */
    ML_FORM_RAW         /* an element of unusual make-up: the whole of it as JSON without white space */
} ml_form;

typedef struct ml_value {
    ml_form form;
    ml_vr vr; /* as given; ML_VR_NONE when the element has none that PS3.5 knows */
    const char *text;
    size_t length;
} ml_value;

/* A sequence's value: rows [first, first + count) of the column's child table. */
typedef struct ml_range {
    uint32_t first;
    uint32_t count;
} ml_range;

struct ml_table;
struct ml_templates; /* predict.h; only while scanning */

/* Finds equal values of a column; only while scanning (intern.c). */
typedef struct ml_value_index {
    struct {
        uint32_t hash;
        uint32_t cell_plus_one;
    } *slots;
    uint32_t mask;
    uint32_t hits;
    uint8_t closed; /* values of this column hardly ever repeat: no longer looked for */
} ml_value_index;

typedef struct ml_column {
    uint32_t tag; /* 0 with info NULL and key set: a key that is no tag */
    ml_ref key;   /* the key as it was spelled (uint32 length, bytes); 0 when it is the tag's eight upper-case digits */
    const ml_tag_info *info; /* NULL: private or unknown */
    uint32_t twin;           /* next column of the same tag that is spelled otherwise, or ML_NO_INDEX */
    uint32_t primary;        /* first of these columns; itself for nearly all */
    uint32_t count;          /* distinct values */
    uint32_t capacity;       /* 0: the only value stands in `single` */
    ml_ref single;
    ml_ref *values;
    struct ml_table *child; /* of a column that has sequence values */
    ml_value_index index;
    /* of the primary column, while scanning: */
    uint32_t seen_row;      /* stamp of the last row that had the attribute, */
    uint32_t seen_position; /* and where in the row it stood */
    uint32_t problems;      /* kinds already seen, a bit each, */
    uint32_t last_problem;  /* and index + 1 of the last one listed */
} ml_column;

typedef struct ml_shape {
    uint32_t width;    /* columns */
    uint32_t rows;     /* rows of this shape */
    uint32_t capacity; /* rows that `cells` have room for */
    uint32_t hash;     /* of the column list */
    uint32_t next;     /* shape with the same hash slot, or ML_NO_INDEX */
    uint32_t
        successor; /* the shape of the row that came after the last row of this one: what the next row will likely be */
    uint32_t varying;    /* how many columns vary */
    uint8_t identity;    /* column i stands in slot i */
    uint32_t *columns;   /* [width], in document order */
    uint32_t *first;     /* [width], the cell of the columns that do not vary */
    uint32_t **cells;    /* [width] of [rows], NULL where the column does not vary; NULL as a whole while none does */
    uint32_t *vary_slot; /* [varying], slots that vary */
    uint32_t *slot_map;  /* column -> slot, open addressing of slot + 1, made on first use by ml_shape_slot; NULL when
                            identity */
    uint32_t slot_mask;
} ml_shape;

typedef struct ml_row {
    uint32_t shape;
    uint32_t index; /* among the rows of its shape */
} ml_row;

typedef struct ml_table {
    struct ml_document *document;
    uint32_t rows;
    ml_row *row; /* NULL while all rows have shape 0 */
    uint32_t row_capacity;
    ml_column *columns;
    uint32_t column_count, column_capacity;
    uint32_t *column_slots; /* open addressing by key, cell = column + 1 */
    uint32_t column_mask;
    ml_shape *shapes;
    uint32_t shape_count, shape_capacity;
    uint32_t *shape_slots; /* heads of hash chains, shape + 1 */
    uint32_t shape_mask;
    uint32_t stamp; /* of the row being added; see ml_column.seen_row */
    uint32_t depth; /* 0 for the root */
    struct ml_templates *templates;
} ml_table;

typedef struct ml_document {
    ml_arena arena;
    ml_table root;
    ml_table meta; /* the file meta information of each row of root, where rows are files; else no rows */
    ml_ref *path;  /* [path_capacity], where each row of root was read from (uint32 length, bytes); NULL: nowhere */
    uint32_t path_capacity;
    ml_problems problems;
    uint32_t seed;     /* of hashes whose keys come from the input */
    uint32_t odd_keys; /* private and unknown columns, all tables together */
    size_t mapped;     /* thawed (freeze.h): bytes of the block that arena, rows, values and cells lie in; else 0 */
} ml_document;

/* A new empty document, NULL without memory. seed should be hard to guess. */
ml_document *ml_document_new(uint32_t seed);

/* Drops what only scanning needed, folds columns that turned out constant, returns unused memory. A thawed document is
 * left as it is. */
void ml_document_finish(ml_document *document);

void ml_document_free(ml_document *document);

/* Bytes held, everything counted; what lies in a frozen block like what is a document's own. */
size_t ml_document_bytes(const ml_document *document);

/*
 * The column of a key, made when there is none; ML_NO_INDEX without memory. tag and info describe the attribute; key is
 * NULL when it is spelled as the tag's eight upper-case digits. info NULL and key not NULL with has_tag 0: a key that
 * is no tag.
 */
uint32_t ml_table_column(ml_table *table, uint32_t tag, int has_tag, const char *key, size_t key_length);

/* Makes room for so many columns at once, where there are none yet; without memory they grow later. */
void ml_table_reserve_columns(ml_table *table, uint32_t count);

/* The first column of a tag, or of a key that is no tag; ML_NO_INDEX when there is none. */
uint32_t ml_table_find_tag(const ml_table *table, uint32_t tag);
uint32_t ml_table_find_key(const ml_table *table, const char *key, size_t key_length);

/* The child table of a column, made when there is none; NULL without memory. */
ml_table *ml_column_child(ml_table *table, uint32_t column);

/* The shape with these columns in this order, made when there is none; ML_NO_INDEX without memory. */
uint32_t ml_table_shape(ml_table *table, const uint32_t *columns, uint32_t width);

/* Adds a row that has all these cells [width]. 0 without memory. */
int ml_table_add_row(ml_table *table, uint32_t shape, const uint32_t *cells);

/*
 * The same when only the cells of the slots listed in `changed` differ from those of the row that was last added in
 * this shape (which may have been dropped since): costs no look at columns that never varied. 0 without memory.
 */
int ml_table_add_row_like(ml_table *table, uint32_t shape, const uint32_t *cells, const uint32_t *changed,
                          size_t count);

/* Takes the last n rows away again. */
void ml_table_drop_rows(ml_table *table, uint32_t n);

/* Whether two rows are equal cell by cell. */
int ml_table_rows_equal(const ml_table *table, uint32_t a, uint32_t b);

ML_INLINE ml_row ml_table_row(const ml_table *table, uint32_t row) {
    return table->row ? table->row[row] : (ml_row){0, row};
}

ML_INLINE uint32_t ml_shape_cell(const ml_shape *shape, uint32_t slot, uint32_t index) {
    return shape->cells && shape->cells[slot] ? shape->cells[slot][index] : shape->first[slot];
}

/* The slot of a column in a shape, ML_NO_INDEX when the shape lacks it. The first call for a shape may build its map.
 */
uint32_t ml_shape_slot(ml_shape *shape, uint32_t column);

ML_INLINE ml_ref ml_column_ref(const ml_column *column, uint32_t cell) {
    return column->capacity ? column->values[cell] : column->single;
}

/* The bytes of one distinct value, by its reference or its cell; valid until the arena grows. */
ml_value ml_value_of(const ml_document *document, ml_ref ref);

ML_INLINE ml_value ml_value_at(const ml_document *document, const ml_column *column, uint32_t cell) {
    return ml_value_of(document, ml_column_ref(column, cell));
}

ml_range ml_value_range(const ml_value *value);

/* The column's key as spelled in the input (8 digits in `digits` when it is canonical). */
const char *ml_column_key(const ml_document *document, const ml_column *column, char digits[8], size_t *length);

/* The path of the file that a row of root was read from; NULL when there is none. */
const char *ml_document_path(const ml_document *document, uint32_t row, size_t *length);

/* Notes it, before the row is added. 0 without memory. */
int ml_document_set_path(ml_document *document, uint32_t row, const char *path, size_t length);

/* The VR that decides a value's type: as given, or the dictionary's (pseudo VRs included). */
ML_INLINE ml_vr ml_effective_vr(const ml_column *column, ml_vr given) {
    return given != ML_VR_NONE ? given : column->info ? (ml_vr)column->info->vr : ML_VR_UN;
}

#endif
