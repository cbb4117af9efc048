/*
 * write_dcmjs.c: what dcmjs 0.52's naturalizeDataset gives, as JSON of its in-memory structure.
 *
 * The rules: names by dcmjs' dictionary (dcmjs_names.h), the tag as spelled where it has none; _vrMap with the VRs that
 * differ from that dictionary; no Value is null, an empty one [], one scalar stands for itself, everything else is an
 * array. JavaScript puts keys that look like integers first, in ascending order, on the way in as on the way out;
 * attributes that share a name leave the last one, in the place of the first.
 */
#include "dcmjs_names.h"
#include "items.h"
#include "text.h"
#include "write.h"

/* One attribute of a row, under the name dcmjs gives it. */
typedef struct named {
    ml_cell cell;
    const char *name;
    size_t length;
    char digits[8];
    const ml_dcmjs_entry *entry;
    uint32_t order; /* rank of a key that looks like an integer, from 1; 0: another key */
} named;

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

static void name_cell(const ml_table *table, ml_cell cell, named *out) {
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
    out->name = out->entry ? out->entry->name : key;
    out->length = out->entry ? out->entry->name_length : n;
}

static int same_name(const named *a, const named *b) {
    return a->length == b->length && memcmp(a->name, b->name, a->length) == 0;
}

static int may_share(const named *n) {
    uint32_t group = n->cell.column->tag >> 24;
    return n->cell.column->key || group == 0x50 || group == 0x60 || group == 0x7F || (n->entry && n->length == 17);
}

static int put_value(ml_buffer *buffer, const ml_table *table, ml_cell cell) {
    ml_value value = ml_value_at(table->document, cell.column, cell.cell);
    switch (value.form) {
    case ML_FORM_EMPTY: ML_PUT(buffer, "null"); return 1;
    case ML_FORM_EMPTY_LIST: ML_PUT(buffer, "[]"); return 1;
    case ML_FORM_STRING: ml_put_quoted(buffer, value.text, value.length); return 1;
    case ML_FORM_NUMBER: ml_put(buffer, value.text, value.length); return 1;
    case ML_FORM_LIST: {
        ml_items items = ml_items_of(value.text, value.length);
        ml_item item;
        int alone = ml_items_next(&items, &item) && items.p >= items.end && item.kind != ML_ITEM_OBJECT;
        if (!alone) ml_put_char(buffer, '[');
        ml_put(buffer, value.text, value.length);
        if (!alone) ml_put_char(buffer, ']');
        return 1;
    }
    case ML_FORM_BULK:
    case ML_FORM_INLINE:
        if (!value.length) {
            ML_PUT(buffer, "null");
            return 1;
        }
        if (value.form == ML_FORM_BULK) {
            ML_PUT(buffer, "{\"BulkDataURI\":");
        } else {
            ML_PUT(buffer, "{\"InlineBinary\":");
        }
        ml_put_quoted(buffer, value.text, value.length);
        ml_put_char(buffer, '}');
        return 1;
    case ML_FORM_ITEMS: {
        ml_range range = ml_value_range(&value);
        /* an item with an attribute called "length" passes for an array in JavaScript */
        if (ml_table_find_key(cell.column->child, "length", 6) != ML_NO_INDEX) return 0;
        ml_put_char(buffer, '[');
        for (uint32_t i = 0; i < range.count; i++) {
            if (i) ml_put_char(buffer, ',');
            if (!ml_write_dcmjs(buffer, cell.column->child, range.first + i)) return 0;
        }
        ml_put_char(buffer, ']');
        return 1;
    }
    default: return 0;
    }
}

/* Insertion sort: integer keys are few, and mostly in order. */
static void order_integers(named *list, uint32_t count) {
    for (uint32_t i = 1; i < count; i++) {
        if (!list[i].order) continue;
        named moved = list[i];
        uint32_t j = i;
        while (j > 0 && (!list[j - 1].order || list[j - 1].order > moved.order)) {
            list[j] = list[j - 1];
            j--;
        }
        list[j] = moved;
    }
}

static void put_key(ml_buffer *buffer, const named *n) {
    ml_put_escaped(buffer, n->name, n->length);
    ml_put_char(buffer, ':');
}

static void put_vr_map(ml_buffer *buffer, const ml_table *table, const named *list, uint32_t count) {
    int some = 0;
    ML_PUT(buffer, "\"_vrMap\":{");
    for (uint32_t i = 0; i < count; i++) {
        if (!list[i].entry) continue;
        ml_value value = ml_value_at(table->document, list[i].cell.column, list[i].cell.cell);
        const char *vr = ml_vr_name(value.vr);
        if (value.vr == ML_VR_NONE || memcmp(vr, list[i].entry->vr, 3) == 0) continue;
        if (some++) ml_put_char(buffer, ',');
        put_key(buffer, &list[i]);
        ml_put_quoted(buffer, vr, 2);
    }
    ml_put_char(buffer, '}');
}

int ml_write_dcmjs(ml_buffer *buffer, const ml_table *table, uint32_t index) {
    ml_row row = ml_table_row(table, index);
    uint32_t width = table->shapes[row.shape].width;
    named few[128], *list = width <= 128 ? few : malloc(width * sizeof *list);
    int integers = 0, sharing = 0, whole = 1;
    if (!list) {
        buffer->failed = 1;
        return 1;
    }
    for (uint32_t s = 0; s < width; s++) {
        name_cell(table, ml_row_cell(table, row, s), &list[s]);
        integers |= list[s].order != 0;
        sharing += may_share(&list[s]);
        if (!list[s].entry && list[s].name == list[s].digits)
            list[s].name = NULL; /* points into itself: set again below */
    }
    if (integers) order_integers(list, width);
    for (uint32_t s = 0; s < width; s++) {
        if (!list[s].name) list[s].name = list[s].digits;
    }
    if (sharing > 1) {
        for (uint32_t i = 0; i < width && whole; i++) {
            for (uint32_t j = i + 1; may_share(&list[i]) && j < width; j++) {
                if (same_name(&list[i], &list[j])) whole = 0; /* rare: left to the general way */
            }
        }
    }
    ml_put_char(buffer, '{');
    /* integer-like keys that stay as they are come before everything */
    int some = 0;
    for (uint32_t s = 0; s < width && whole; s++) {
        if (!list[s].order || list[s].entry) continue;
        if (some++) ml_put_char(buffer, ',');
        put_key(buffer, &list[s]);
        whole = put_value(buffer, table, list[s].cell);
    }
    if (some) ml_put_char(buffer, ',');
    put_vr_map(buffer, table, list, width);
    for (uint32_t s = 0; s < width && whole; s++) {
        if (list[s].order && !list[s].entry) continue;
        ml_put_char(buffer, ',');
        put_key(buffer, &list[s]);
        whole = put_value(buffer, table, list[s].cell);
    }
    ml_put_char(buffer, '}');
    if (list != few) free(list);
    return whole;
}
