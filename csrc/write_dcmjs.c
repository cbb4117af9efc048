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

static int plan(ml_plan *plan) {
    return ml_plan_js(plan, 1);
}

static ml_written write_value(ml_writer *writer, const ml_planned *planned, const ml_value *value) {
    ml_buffer *buffer = ml_writer_buffer(writer);
    switch (value->form) {
    case ML_FORM_EMPTY: ML_PUT(buffer, "null"); return ML_WRITTEN;
    case ML_FORM_EMPTY_LIST: ML_PUT(buffer, "[]"); return ML_WRITTEN;
    case ML_FORM_STRING: ml_put_quoted(buffer, value->text, value->length); return ML_WRITTEN;
    case ML_FORM_NUMBER: ml_put(buffer, value->text, value->length); return ML_WRITTEN;
    case ML_FORM_LIST: {
        ml_items items = ml_items_of(value->text, value->length);
        ml_item item;
        int alone = ml_items_next(&items, &item) && items.p >= items.end && item.kind != ML_ITEM_OBJECT;
        if (!alone) ml_put_char(buffer, '[');
        ml_put(buffer, value->text, value->length);
        if (!alone) ml_put_char(buffer, ']');
        return ML_WRITTEN;
    }
    case ML_FORM_BULK:
    case ML_FORM_INLINE:
        if (value->length) {
            ml_put_bulk(buffer, value);
        } else {
            ML_PUT(buffer, "null");
        }
        return ML_WRITTEN;
    case ML_FORM_ITEMS:
        if (value->vr != ML_VR_SQ) return ML_WRITTEN_ODD; /* without its vr, a sequence is any JSON */
        /* an item with an attribute called "length" passes for an array in JavaScript */
        if (ml_table_find_key(planned->column->child, "length", 6) != ML_NO_INDEX) return ML_WRITTEN_ODD;
        ml_put_char(buffer, '[');
        if (!ml_write_items(writer, planned->column, value)) return ML_WRITTEN_ODD;
        ml_put_char(buffer, ']');
        return ML_WRITTEN;
    default: return ML_WRITTEN_ODD;
    }
}

const ml_style ml_style_dcmjs = {plan, write_value};
