/*
 * gather.c: each distinct value is converted once; what remains for a row is a copy from there by its cell.
 */
#include "gather.h"
#include "items.h"
#include "number.h"

#include <math.h>

/* A slot without building the shape's map, which readers of one attribute do not need. */
static uint32_t slot_of(const ml_shape *shape, uint32_t column) {
    if (shape->identity) return column < shape->width ? column : ML_NO_INDEX;
    for (uint32_t s = 0; s < shape->width; s++) {
        if (shape->columns[s] == column) return s;
    }
    return ML_NO_INDEX;
}

void ml_gather_cells(const ml_table *table, uint32_t column, uint32_t first, uint32_t count, uint32_t *cells) {
    uint32_t last_shape = ML_NO_INDEX, slot = ML_NO_INDEX;
    for (uint32_t r = first; r < first + count; r++) {
        ml_row row = ml_table_row(table, r);
        if (row.shape != last_shape) {
            last_shape = row.shape;
            slot = slot_of(&table->shapes[last_shape], column);
        }
        *cells++ = slot == ML_NO_INDEX ? ML_NO_INDEX : ml_shape_cell(&table->shapes[last_shape], slot, row.index);
    }
}

int ml_is_constant(const ml_table *table, uint32_t column, uint32_t *cell) {
    *cell = ML_NO_INDEX;
    for (uint32_t s = 0; s < table->shape_count; s++) {
        const ml_shape *shape = &table->shapes[s];
        if (!shape->rows) continue;
        uint32_t slot = slot_of(shape, column);
        if (slot == ML_NO_INDEX || (shape->cells && shape->cells[slot])) return 0;
        if (*cell != ML_NO_INDEX && shape->first[slot] != *cell) return 0;
        *cell = shape->first[slot];
    }
    return *cell != ML_NO_INDEX;
}

/* The members of a value, one after the other; 0 at the end. */
typedef struct members {
    const ml_value *value;
    ml_items items;
    int done;
} members;

static members members_of(const ml_value *value) {
    return (members){value, ml_items_of(value->text, value->length), 0};
}

static int next_member(members *m, ml_item *item) {
    if (m->value->form == ML_FORM_LIST) return ml_items_next(&m->items, item);
    if (m->done) return 0;
    m->done = 1;
    *item = (ml_item){m->value->form == ML_FORM_STRING ? ML_ITEM_STRING : ML_ITEM_NUMBER, 0, m->value->text,
                      m->value->length};
    return 1;
}

static int is_empty(const ml_item *item) {
    if (item->kind == ML_ITEM_NULL) return 1;
    size_t n = item->length;
    while (n && (item->text[n - 1] == ' ' || item->text[n - 1] == '\0')) n--;
    return n == 0;
}

uint32_t ml_value_count(const ml_value *value) {
    switch (value->form) {
    case ML_FORM_EMPTY:
    case ML_FORM_EMPTY_LIST: return 0;
    case ML_FORM_STRING:
    case ML_FORM_NUMBER:
    case ML_FORM_LIST: break;
    default: return UINT32_MAX;
    }
    members m = members_of(value);
    ml_item item = {.length = 0};
    uint32_t count = 0, empty = 0;
    while (next_member(&m, &item)) {
        count++;
        empty += (uint32_t)is_empty(&item);
    }
    return count == 1 && empty ? 0 : count;
}

static int is_number(const ml_item *item) {
    return item->kind == ML_ITEM_NUMBER || item->kind == ML_ITEM_STRING;
}

int ml_value_doubles(const ml_value *value, double *out, uint32_t count) {
    members m = members_of(value);
    ml_item item;
    char room[ML_PLAIN_ROOM];
    for (uint32_t i = 0; i < count && next_member(&m, &item); i++) {
        size_t n;
        const char *text = ml_plain_text(&item, room, &n);
        if (is_empty(&item)) {
            out[i] = NAN;
        } else if (!is_number(&item) || ml_parse_double(text, n, &out[i]) != ML_NUMBER_OK) {
            return 0;
        }
    }
    return 1;
}

/* How many first members two lists of numbers have in common, and where the next one begins. */
static uint32_t common_members(const ml_value *a, const ml_value *b, uint32_t most, size_t *next) {
    size_t n = a->length < b->length ? a->length : b->length, i;
    uint32_t members_in_common = 0;
    *next = 0;
    for (i = 0; i < n && a->text[i] == b->text[i] && members_in_common < most; i++) {
        if (a->text[i] == ',') {
            members_in_common++;
            *next = i + 1;
        }
    }
    return members_in_common;
}

int ml_value_vector(const ml_value *value, uint32_t count, double *out, const ml_value *before,
                    const double *before_out) {
    ml_item item;
    char room[ML_PLAIN_ROOM];
    if (value->form != ML_FORM_LIST) {
        return count == 1 && ml_value_count(value) == 1 && ml_value_doubles(value, out, 1) && isfinite(*out);
    }
    uint32_t i = 0;
    size_t next = 0;
    if (before && before->form == ML_FORM_LIST) i = common_members(value, before, count - 1, &next);
    for (uint32_t k = 0; k < i; k++) out[k] = before_out[k];
    ml_items items = ml_items_of(value->text + next, value->length - next);
    for (; ml_items_next(&items, &item); i++) {
        size_t n;
        if (i == count || !is_number(&item)) return 0;
        const char *text = ml_plain_text(&item, room, &n);
        if (ml_parse_double(text, n, &out[i]) != ML_NUMBER_OK || !isfinite(out[i])) return 0;
    }
    return i == count;
}

int ml_value_integers(const ml_value *value, int64_t *out, uint8_t *missing, uint32_t count) {
    members m = members_of(value);
    ml_item item;
    char room[ML_PLAIN_ROOM];
    for (uint32_t i = 0; i < count && next_member(&m, &item); i++) {
        size_t n;
        const char *text = ml_plain_text(&item, room, &n);
        missing[i] = (uint8_t)is_empty(&item);
        out[i] = 0;
        if (missing[i]) continue;
        if (!is_number(&item) || ml_parse_int64(text, n, &out[i]) != ML_NUMBER_OK) return 0;
    }
    return 1;
}
