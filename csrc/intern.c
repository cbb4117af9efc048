/*
 * intern.c: dictionary encoding. Each column keeps its distinct values once; a cell is an index.
 *
 * A value in the arena is a 32-bit header (form, VR, length), for very long ones followed by the full length, and its
 * bytes. The last value is compared first, then the first few one by one; beyond that a hash table of the column finds
 * equals. Attributes such as SOPInstanceUID never repeat: after some hundred values without a hit the table is given
 * up, which halves the cost of such values. So equal values may stand twice in such a column; that costs memory, never
 * correctness. A probe looks at a bounded number of slots for the same reason: input made to collide loses sharing, not
 * time.
 */
#include "intern.h"
#include "text.h"

#include <stdlib.h>

enum {
    FORM_BITS = 4,
    VR_BITS = 6,
    LENGTH_SHIFT = FORM_BITS + VR_BITS,
    LINEAR = 8,      /* values looked through one by one before there is an index */
    TRIAL = 192,     /* values after which an index without hits is given up */
    MAX_PROBES = 24, /* slots that one look-up may visit */
    MAX_HASHED_ITEMS = 64
};
#define LONG_LENGTH ((1u << (32 - LENGTH_SHIFT)) - 1)

ml_value ml_value_of(const ml_document *document, ml_ref ref) {
    const char *p = ml_arena_at(&document->arena, ref);
    uint32_t header = ml_load32(p);
    ml_value value = {(ml_form)(header & ((1u << FORM_BITS) - 1)), (ml_vr)(header >> FORM_BITS & ((1u << VR_BITS) - 1)),
                      p + 4, header >> LENGTH_SHIFT};
    if (ML_UNLIKELY(value.length == LONG_LENGTH)) {
        value.length = (size_t)ml_load64(p + 4);
        value.text += 8;
    }
    return value;
}

ml_range ml_value_range(const ml_value *value) {
    ml_range range;
    memcpy(&range, value->text, sizeof range);
    return range;
}

void ml_value_index_free(ml_value_index *index) {
    free(index->slots);
    index->slots = NULL;
    index->mask = 0;
}

static int same_value(const ml_document *document, const ml_column *column, uint32_t cell, ml_form form, ml_vr vr,
                      const char *text, size_t length) {
    ml_value v = ml_value_at(document, column, cell);
    return v.length == length && v.form == form && v.vr == vr && (!length || memcmp(v.text, text, length) == 0);
}

/* Appends a value; its cell, or ML_NO_INDEX. */
static uint32_t append(ml_document *document, ml_column *column, ml_form form, ml_vr vr, const char *text,
                       size_t length) {
    int is_long = length >= LONG_LENGTH;
    ml_ref ref = ml_arena_alloc(&document->arena, 4 + (is_long ? 8 : 0) + length);
    if (!ref || column->count == ML_NO_INDEX - 1) return ML_NO_INDEX;
    char *p = ml_arena_at(&document->arena, ref);
    uint32_t header =
        (uint32_t)form | (uint32_t)vr << FORM_BITS | (is_long ? LONG_LENGTH : (uint32_t)length) << LENGTH_SHIFT;
    memcpy(p, &header, 4);
    p += 4;
    if (ML_UNLIKELY(is_long)) {
        uint64_t full = length;
        memcpy(p, &full, 8);
        p += 8;
    }
    if (length) memcpy(p, text, length);
    if (column->count == 0) {
        column->single = ref;
        column->count = 1;
        return 0;
    }
    if (column->count >= column->capacity) {
        size_t capacity = ml_grown(column->capacity, (size_t)column->count + 1, 4);
        ml_ref *values = realloc(column->values, capacity * sizeof *values);
        if (!values) return ML_NO_INDEX;
        if (!column->capacity) values[0] = column->single;
        column->values = values;
        column->capacity = (uint32_t)ml_min(capacity, UINT32_MAX);
    }
    column->values[column->count] = ref;
    return column->count++;
}

static void index_put(ml_value_index *index, uint32_t hash, uint32_t cell) {
    for (uint32_t i = hash & index->mask, probes = 0; probes < MAX_PROBES; i = (i + 1) & index->mask, probes++) {
        if (!index->slots[i].cell_plus_one) {
            index->slots[i].hash = hash;
            index->slots[i].cell_plus_one = cell + 1;
            return;
        }
    }
}

/* Room for twice the values there are; without memory the column goes on without an index. */
static void index_grow(ml_value_index *index, uint32_t count) {
    uint32_t size = 128;
    while (size < count * 2 && size < (1u << 30)) size *= 2;
    ml_value_index old = *index;
    index->slots = calloc(size, sizeof *index->slots);
    index->mask = size - 1;
    if (!index->slots) {
        index->mask = 0;
        index->closed = 1;
    } else if (old.slots) {
        for (uint32_t i = 0; i <= old.mask; i++) {
            if (old.slots[i].cell_plus_one) index_put(index, old.slots[i].hash, old.slots[i].cell_plus_one - 1);
        }
    }
    free(old.slots);
}

/* What a cell's index entry is made from: the hash and, for a candidate of equal hash, the comparison. */
typedef struct probe {
    ml_document *document;
    ml_table *child; /* of sequences, else NULL */
    ml_form form;
    ml_vr vr;
    const char *text;
    size_t length;
} probe;

static uint32_t hash_rows(const ml_table *table, uint32_t first, uint32_t count, uint32_t seed) {
    for (uint32_t r = first; r < first + count; r++) {
        ml_row row = ml_table_row(table, r);
        const ml_shape *shape = &table->shapes[row.shape];
        seed = ml_hash((const char *)&row.shape, sizeof row.shape, seed);
        for (uint32_t s = 0; s < shape->width; s++) seed = seed * 0x9E3779B1u + ml_shape_cell(shape, s, row.index);
    }
    return ml_hash((const char *)&count, sizeof count, seed);
}

static int same_items(const ml_table *child, ml_range a, ml_range b) {
    if (a.count != b.count) return 0;
    for (uint32_t i = 0; i < a.count; i++) {
        if (!ml_table_rows_equal(child, a.first + i, b.first + i)) return 0;
    }
    return 1;
}

static int same(const probe *what, const ml_column *column, uint32_t cell) {
    if (!what->child) return same_value(what->document, column, cell, what->form, what->vr, what->text, what->length);
    ml_value v = ml_value_at(what->document, column, cell);
    if (v.form != ML_FORM_ITEMS || v.vr != what->vr) return 0;
    ml_range range;
    memcpy(&range, what->text, sizeof range);
    return same_items(what->child, ml_value_range(&v), range);
}

static uint32_t hash_of(const probe *what) {
    uint32_t seed = what->document->seed + (uint32_t)what->form + ((uint32_t)what->vr << 8);
    if (!what->child) return ml_hash_sampled(what->text, what->length, seed);
    ml_range range;
    memcpy(&range, what->text, sizeof range);
    return hash_rows(what->child, range.first, range.count, seed);
}

/* Puts all values of a column into its new index. */
static void index_fill(ml_table *table, ml_column *column) {
    for (uint32_t cell = 0; cell < column->count; cell++) {
        ml_value v = ml_value_at(table->document, column, cell);
        probe what = {table->document, v.form == ML_FORM_ITEMS ? column->child : NULL, v.form, v.vr, v.text, v.length};
        if (what.child && ml_value_range(&v).count > MAX_HASHED_ITEMS) continue;
        index_put(&column->index, hash_of(&what), cell);
    }
}

/* An equal value's cell, ML_NO_INDEX when there is none; then *hash is what index_put wants, if *hashed. */
static uint32_t find(ml_table *table, ml_column *column, const probe *what, uint32_t *hash, int *hashed) {
    *hashed = 0;
    uint32_t count = column->count;
    if (count == 0) return ML_NO_INDEX;
    if (count <= LINEAR) {
        for (uint32_t cell = count; cell-- > 0;) {
            if (same(what, column, cell)) return cell;
        }
        return ML_NO_INDEX;
    }
    if (column->index.closed) return ML_NO_INDEX;
    if (!column->index.slots) {
        index_grow(&column->index, count);
        if (column->index.closed) return ML_NO_INDEX;
        index_fill(table, column);
    }
    *hash = hash_of(what);
    *hashed = 1;
    ml_value_index *index = &column->index;
    for (uint32_t i = *hash & index->mask, probes = 0; probes < MAX_PROBES; i = (i + 1) & index->mask, probes++) {
        uint32_t entry = index->slots[i].cell_plus_one;
        if (!entry) break;
        if (index->slots[i].hash == *hash && same(what, column, entry - 1)) {
            index->hits++;
            return entry - 1;
        }
    }
    return ML_NO_INDEX;
}

static void note(ml_column *column, uint32_t hash, uint32_t cell) {
    ml_value_index *index = &column->index;
    if (column->count >= TRIAL && index->hits < column->count / 16) {
        ml_value_index_free(index);
        index->closed = 1;
        return;
    }
    if (column->count * 2 > index->mask) index_grow(index, column->count);
    if (!index->closed) index_put(index, hash, cell);
}

static uint32_t intern(ml_table *table, ml_column *column, const probe *what, int *fresh) {
    uint32_t hash = 0;
    int hashed;
    uint32_t cell = find(table, column, what, &hash, &hashed);
    *fresh = cell == ML_NO_INDEX;
    if (!*fresh) return cell;
    cell = append(what->document, column, what->form, what->vr, what->text, what->length);
    if (cell != ML_NO_INDEX && hashed) note(column, hash, cell);
    return cell;
}

uint32_t ml_intern(ml_table *table, uint32_t column, ml_form form, ml_vr vr, const char *text, size_t length,
                   int *fresh) {
    ml_column *c = &table->columns[column];
    if (c->index.closed) {
        *fresh = 1;
        return append(table->document, c, form, vr, text, length);
    }
    probe what = {table->document, NULL, form, vr, text, length};
    return intern(table, &table->columns[column], &what, fresh);
}

uint32_t ml_intern_items(ml_table *table, uint32_t column, ml_vr vr, uint32_t count) {
    ml_column *c = &table->columns[column];
    ml_range range = {c->child->rows - count, count};
    probe what = {table->document, c->child, ML_FORM_ITEMS, vr, (const char *)&range, sizeof range};
    if (count > MAX_HASHED_ITEMS) {
        /* long sequences seldom repeat, and then mostly in the next instance */
        if (c->count && same(&what, c, c->count - 1)) {
            ml_table_drop_rows(c->child, count);
            return c->count - 1;
        }
        return append(table->document, c, ML_FORM_ITEMS, vr, (const char *)&range, sizeof range);
    }
    int fresh;
    uint32_t cell = intern(table, c, &what, &fresh);
    if (!fresh) ml_table_drop_rows(c->child, count);
    return cell;
}
