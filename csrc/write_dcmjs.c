/*
 * write_dcmjs.c: what dcmjs 0.52's naturalizeDataset gives, as JSON of its in-memory structure.
 *
 * The rules: names by dcmjs' dictionary (dcmjs_names.h), the tag as spelled where it has none; _vrMap with the VRs that
 * differ from that dictionary; no Value is null, an empty one [], one scalar stands for itself, everything else is an
 * array. JavaScript puts keys that look like integers first, in ascending order, on the way in as on the way out;
 * attributes that share a name leave the last one, in the place of the first.
 */
#include "items.h"
#include "js_names.h"
#include "write.h"

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
        if (value.vr != ML_VR_SQ) return 0; /* without its vr, a sequence is any JSON */
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

static void put_vr_map(ml_buffer *buffer, const ml_table *table, const ml_js_cell *list, uint32_t count) {
    int some = 0;
    ML_PUT(buffer, "\"_vrMap\":{");
    for (uint32_t i = 0; i < count; i++) {
        if (!list[i].entry) continue;
        ml_value value = ml_value_at(table->document, list[i].cell.column, list[i].cell.cell);
        const char *vr = ml_vr_name(value.vr);
        if (value.vr == ML_VR_NONE || strcmp(vr, list[i].entry->vr) == 0) continue;
        if (some++) ml_put_char(buffer, ',');
        ml_js_put_key(buffer, &list[i]);
        ml_put_quoted(buffer, vr, 2);
    }
    ml_put_char(buffer, '}');
}

int ml_write_dcmjs(ml_buffer *buffer, const ml_table *table, uint32_t index) {
    ml_row row = ml_table_row(table, index);
    uint32_t width = table->shapes[row.shape].width;
    ml_js_cell few[ML_JS_FEW], *list = ml_js_cells(table, row, few);
    if (!list) {
        buffer->failed = 1;
        return 1;
    }
    int whole = !ml_js_is_odd(list, width);
    ml_put_char(buffer, '{');
    /* integer-like keys that stay as they are come before everything */
    int some = 0;
    for (uint32_t s = 0; s < width && whole; s++) {
        if (!list[s].order || list[s].entry) continue;
        if (some++) ml_put_char(buffer, ',');
        ml_js_put_key(buffer, &list[s]);
        whole = put_value(buffer, table, list[s].cell);
    }
    if (some) ml_put_char(buffer, ',');
    put_vr_map(buffer, table, list, width);
    for (uint32_t s = 0; s < width && whole; s++) {
        if (list[s].order && !list[s].entry) continue;
        ml_put_char(buffer, ',');
        ml_js_put_key(buffer, &list[s]);
        whole = put_value(buffer, table, list[s].cell);
    }
    ml_put_char(buffer, '}');
    if (list != few) free(list);
    return whole;
}
