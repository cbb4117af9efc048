/*
 * js_names.c: names and order as JavaScript objects have them (reference: dcmjs 0.52, and the language's own order of
 * keys).
 */
#include "js_names.h"
#include "text.h"

enum { MANY_SHARING = 64 };

/* Whether JavaScript takes a key for an array index: digits without a leading zero (eight of them are always small
 * enough). */
static uint32_t integer_key(const char *s, size_t n) {
    uint32_t value = 0;
    if (n == 0 || n > 9 || s[0] == '0') return n == 1 && s[0] == '0';
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9') return 0;
        value = value * 10 + (uint32_t)(s[i] - '0');
    }
    return value + 1;
}

static void name_cell(const ml_table *table, ml_cell cell, ml_js_cell *out) {
    size_t n;
    const char *key = ml_column_key(table->document, cell.column, out->digits, &n);
    out->cell = cell;
    out->order = integer_key(key, n);
    /* a keyword as key is no tag to dcmjs: it has no entry, and stays as it is */
    int is_tag = cell.column->primary != ML_NO_INDEX && (n == 8 || n == 11) && (n == 11 ? key[0] == '(' : 1);
    uint32_t tag;
    int canonical;
    if (is_tag && n == 8) is_tag = ml_parse_tag(key, &tag, &canonical);
    out->entry = is_tag ? ml_dcmjs_find(cell.column->tag) : NULL;
    out->name = out->entry ? out->entry->name : key == out->digits ? NULL : key;
    out->length = out->entry ? out->entry->name_length : n;
}

static const char *name_of(const ml_js_cell *cell) {
    return cell->name ? cell->name : cell->digits;
}

static int same_name(const ml_js_cell *a, const ml_js_cell *b) {
    return a->length == b->length && memcmp(name_of(a), name_of(b), a->length) == 0;
}

/* Names are shared within the ranges that dcmjs folds, among the retired attributes without keyword (all called
 * RETIRED_undefined), and with odd keys. */
static int may_share(const ml_js_cell *n) {
    uint32_t group = n->cell.column->tag >> 24;
    return n->cell.column->key || group == 0x50 || group == 0x60 || group == 0x7F || (n->entry && n->length == 17);
}

/* Integer-like keys first, ascending; everything else as it came. */
static int compare_order(const void *a, const void *b) {
    const ml_js_cell *x = a, *y = b;
    uint32_t rank_x = x->order ? x->order : UINT32_MAX, rank_y = y->order ? y->order : UINT32_MAX;
    if (rank_x != rank_y) return rank_x < rank_y ? -1 : 1;
    return x->slot < y->slot ? -1 : x->slot > y->slot;
}

ml_js_cell *ml_js_cells(const ml_table *table, ml_row row, ml_js_cell few[ML_JS_FEW]) {
    uint32_t width = table->shapes[row.shape].width;
    ml_js_cell *list = width <= ML_JS_FEW ? few : malloc(width * sizeof *list);
    int integers = 0;
    if (!list) return NULL;
    for (uint32_t s = 0; s < width; s++) {
        name_cell(table, ml_row_cell(table, row, s), &list[s]);
        list[s].slot = s;
        integers |= list[s].order != 0;
    }
    if (integers) qsort(list, width, sizeof *list, compare_order);
    return list;
}

int ml_js_is_odd(const ml_js_cell *list, uint32_t count) {
    uint32_t sharing = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!may_share(&list[i])) continue;
        if (list[i].length == 6 && memcmp(name_of(&list[i]), "_vrMap", 6) == 0) return 1;
        if (++sharing > MANY_SHARING) return 1; /* not worth the pairwise comparison */
        for (uint32_t j = 0; j < count; j++) {
            if (j != i && same_name(&list[i], &list[j])) return 1;
        }
    }
    return 0;
}

void ml_js_put_key(ml_buffer *buffer, const ml_js_cell *cell) {
    if (cell->entry) {
        ml_put_quoted(buffer, cell->name, cell->length);
    } else {
        ml_put_escaped(buffer, name_of(cell), cell->length);
    }
    ml_put_char(buffer, ':');
}
