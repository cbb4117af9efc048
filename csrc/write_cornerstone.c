/*
 * write_cornerstone.c: what @cornerstonejs/metadata 5.14 makes of DICOM JSON.
 *
 * Unlike dcmjs it looks at the dictionary's VM: one value of an attribute with VM 1 stands for itself, of any other
 * attribute in a list of one; a single object of an attribute without VM stands alone too. There is no _vrMap, and what
 * has neither value nor bulk is left out.
 */
#include "items.h"
#include "js_names.h"

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

static void put_list(ml_buffer *buffer, const ml_planned *planned, const ml_value *value) {
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
        int bare = alone && (planned->entry ? planned->entry->single : item.kind == ML_ITEM_OBJECT);
        if (!bare) ml_put_char(buffer, '[');
        ml_put(buffer, value->text, value->length);
        if (!bare) ml_put_char(buffer, ']');
    }
}

static int plan(ml_plan *plan) {
    return ml_plan_js(plan, 0);
}

static ml_written write_value(ml_writer *writer, const ml_planned *planned, const ml_value *value) {
    ml_buffer *buffer = ml_writer_buffer(writer);
    int single = planned->entry && planned->entry->single;
    if (is_absent(value)) return ML_WRITTEN_NOT;
    switch (value->form) {
    case ML_FORM_EMPTY_LIST: ML_PUT(buffer, "[]"); return ML_WRITTEN;
    case ML_FORM_LIST: put_list(buffer, planned, value); return ML_WRITTEN;
    case ML_FORM_ITEMS: {
        if (value->vr != ML_VR_SQ) return ML_WRITTEN_ODD; /* without its vr, a sequence is any JSON */
        /* one item stands for itself, unless the dictionary says that there may be several values */
        int bare = ml_value_range(value).count == 1 && (!planned->entry || single);
        if (!bare) ml_put_char(buffer, '[');
        if (!ml_write_items(writer, planned->column, value)) return ML_WRITTEN_ODD;
        if (!bare) ml_put_char(buffer, ']');
        return ML_WRITTEN;
    }
    case ML_FORM_STRING:
    case ML_FORM_NUMBER:
        if (!single) ml_put_char(buffer, '[');
        if (value->form == ML_FORM_STRING) {
            ml_put_quoted(buffer, value->text, value->length);
        } else {
            ml_put(buffer, value->text, value->length);
        }
        if (!single) ml_put_char(buffer, ']');
        return ML_WRITTEN;
    case ML_FORM_BULK:
    case ML_FORM_INLINE: {
        int bare = !planned->entry || single;
        if (!bare) ml_put_char(buffer, '[');
        ml_put_bulk(buffer, value);
        if (!bare) ml_put_char(buffer, ']');
        return ML_WRITTEN;
    }
    default: return ML_WRITTEN_ODD;
    }
}

const ml_style ml_style_cornerstone = {plan, write_value};
