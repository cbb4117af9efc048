/*
 * write_cornerstone.c: what @cornerstonejs/metadata 5.14 makes of DICOM JSON.
 *
 * Unlike dcmjs it looks at the dictionary's VM: one value of an attribute with VM 1 stands for itself, of any other
 * attribute in a list of one; a single object of an attribute without VM stands alone too. There is no _vrMap, and what
 * has neither value nor bulk is left out.
 */
#include "items.h"
#include "js_names.h"
#include "text.h"
#include "write.h"

/* A CS value that still holds the separator is split there. The text is JSON: its backslashes are doubled. */
static void put_split(ml_buffer *buffer, const char *s, size_t n) {
    ml_put_char(buffer, '[');
    ml_put_char(buffer, '"');
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\\' && i + 1 < n && s[i + 1] == '\\') {
            ML_PUT(buffer, "\",\"");
            i++;
        } else {
            if (s[i] == '\\' && i + 1 < n) ml_put_char(buffer, s[i++]);
            ml_put_char(buffer, s[i]);
        }
    }
    ML_PUT(buffer, "\"]");
}

/* Whether an attribute is left out: no value and no bulk. */
static int is_absent(const ml_value *value) {
    return value->form == ML_FORM_EMPTY ||
           ((value->form == ML_FORM_BULK || value->form == ML_FORM_INLINE) && !value->length);
}

static int put_items(ml_buffer *buffer, const ml_column *column, const ml_value *value) {
    ml_range range = ml_value_range(value);
    if (range.count != 1) ml_put_char(buffer, '[');
    for (uint32_t i = 0; i < range.count; i++) {
        if (i) ml_put_char(buffer, ',');
        if (!ml_write_cornerstone(buffer, column->child, range.first + i)) return 0;
    }
    if (range.count != 1) ml_put_char(buffer, ']');
    return 1;
}

static void put_list(ml_buffer *buffer, const ml_js_cell *cell, const ml_value *value) {
    ml_items items = ml_items_of(value->text, value->length);
    ml_item item;
    int alone = ml_items_next(&items, &item) && items.p >= items.end;
    if (alone && item.kind == ML_ITEM_NULL) {
        ML_PUT(buffer, "[]");
    } else if (alone && value->vr == ML_VR_CS && item.escaped && memchr(item.text, '\\', item.length)) {
        const char *s = item.text, *end = s + item.length;
        int separator = 0;
        for (; s + 1 < end; s++) {
            if (*s != '\\') continue;
            separator |= s[1] == '\\';
            s++;
        }
        if (separator) {
            put_split(buffer, item.text, item.length);
        } else {
            goto plain;
        }
    } else {
    plain:;
        int bare = alone && (cell->entry ? cell->entry->single : item.kind == ML_ITEM_OBJECT);
        if (!bare) ml_put_char(buffer, '[');
        ml_put(buffer, value->text, value->length);
        if (!bare) ml_put_char(buffer, ']');
    }
}

static int put_value(ml_buffer *buffer, const ml_js_cell *cell, const ml_value *value) {
    int bare = cell->entry && cell->entry->single;
    switch (value->form) {
    case ML_FORM_EMPTY_LIST: ML_PUT(buffer, "[]"); return 1;
    case ML_FORM_LIST: put_list(buffer, cell, value); return 1;
    case ML_FORM_ITEMS:
        if (value->vr != ML_VR_SQ) return 0; /* without its vr, a sequence is any JSON */
        /* one item stands for itself unless the dictionary says that there may be several values */
        if (cell->entry && !cell->entry->single && ml_value_range(value).count == 1) {
            ml_put_char(buffer, '[');
            if (!put_items(buffer, cell->cell.column, value)) return 0;
            ml_put_char(buffer, ']');
            return 1;
        }
        return put_items(buffer, cell->cell.column, value);
    case ML_FORM_STRING:
    case ML_FORM_NUMBER:
        if (!bare) ml_put_char(buffer, '[');
        if (value->form == ML_FORM_STRING) {
            ml_put_quoted(buffer, value->text, value->length);
        } else {
            ml_put(buffer, value->text, value->length);
        }
        if (!bare) ml_put_char(buffer, ']');
        return 1;
    case ML_FORM_BULK:
    case ML_FORM_INLINE:
        bare = !cell->entry || cell->entry->single;
        if (!bare) ml_put_char(buffer, '[');
        if (value->form == ML_FORM_BULK) {
            ML_PUT(buffer, "{\"BulkDataURI\":");
        } else {
            ML_PUT(buffer, "{\"InlineBinary\":");
        }
        ml_put_quoted(buffer, value->text, value->length);
        ml_put_char(buffer, '}');
        if (!bare) ml_put_char(buffer, ']');
        return 1;
    default: return 0;
    }
}

int ml_write_cornerstone(ml_buffer *buffer, const ml_table *table, uint32_t index) {
    ml_row row = ml_table_row(table, index);
    uint32_t width = table->shapes[row.shape].width;
    ml_js_cell few[ML_JS_FEW], *list = ml_js_cells(table, row, few);
    if (!list) {
        buffer->failed = 1;
        return 1;
    }
    int whole = !ml_js_is_odd(list, width), some = 0;
    ml_put_char(buffer, '{');
    for (int integers = 1; integers >= 0; integers--) {
        for (uint32_t s = 0; s < width && whole; s++) {
            /* among the names, too, those that look like integers come first */
            if ((list[s].order && !list[s].entry) != integers) continue;
            ml_value value = ml_value_at(table->document, list[s].cell.column, list[s].cell.cell);
            if (is_absent(&value)) continue;
            if (some++) ml_put_char(buffer, ',');
            ml_js_put_key(buffer, &list[s]);
            whole = put_value(buffer, &list[s], &value);
        }
    }
    ml_put_char(buffer, '}');
    if (list != few) free(list);
    return whole;
}
