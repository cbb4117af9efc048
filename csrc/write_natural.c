/*
 * write_natural.c: the natural form as JSON: keywords, one value as itself, several as an array, nothing as null,
 * numbers as numbers whatever they were sent as, names as their component groups joined by "=", bulk references as
 * {"BulkDataURI": …}.
 *
 * Numbers keep their digits: a decimal string is copied, not converted, once it is spelled as JSON wants it.
 */
#include <math.h>

#include "items.h"
#include "number.h"
#include "text.h"
#include "write.h"

static void put_text(ml_buffer *buffer, const char *s, size_t n) {
    ml_put_quoted(buffer, s, n);
}

/* A decimal text without white space or plus sign, digits on both sides of a point, no leading zeros. Its value is
 * finite. */
static void put_decimal(ml_buffer *buffer, const char *s, size_t n) {
    const char *end = s + n;
    if (*s == '+') s++;
    if (*s == '-') ml_put_char(buffer, *s++);
    while (end - s > 1 && *s == '0' && s[1] >= '0' && s[1] <= '9') s++;
    if (*s < '0' || *s > '9') ml_put_char(buffer, '0');
    for (; s < end; s++) {
        int dangling = *s == '.' && (s + 1 == end || s[1] < '0' || s[1] > '9');
        if (!dangling) ml_put_char(buffer, *s);
    }
}

/* A number of a numeric VR, sent as a number or as text; text that is none stays text. */
static void put_number(ml_buffer *buffer, ml_vr vr, const ml_item *item) {
    char room[ML_PLAIN_ROOM];
    size_t n;
    const char *s = ml_plain_text(item, room, &n);
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\0')) n--;
    while (n && (*s == ' ' || *s == '\0')) {
        s++;
        n--;
    }
    if (!n) {
        ML_PUT(buffer, "null");
        return;
    }
    double value;
    int64_t integer;
    if (ml_class_of(vr) == ML_CLASS_INT) {
        ml_number_status status = ml_parse_int64(s, n, &integer);
        if (status == ML_NUMBER_OK && memchr(s, '.', n) == NULL && memchr(s, 'e', n) == NULL &&
            memchr(s, 'E', n) == NULL) {
            put_decimal(buffer, s, n);
            return;
        }
        if (status == ML_NUMBER_OK) {
            /* 2.0 and 2e1 are integers, and read as such */
            char digits[24], *d = digits + sizeof digits;
            uint64_t magnitude = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
            do *--d = (char)('0' + magnitude % 10);
            while (magnitude /= 10);
            if (integer < 0) *--d = '-';
            ml_put(buffer, d, (size_t)(digits + sizeof digits - d));
            return;
        }
    }
    if (ml_parse_double(s, n, &value) != ML_NUMBER_OK) {
        ml_put_quoted(buffer, item->text, item->length);
    } else if (isfinite(value)) {
        if (ml_class_of(vr) == ML_CLASS_INT && ml_parse_int64(s, n, &integer) == ML_NUMBER_FRACTION) {
            ml_put_quoted(buffer, item->text, item->length); /* not of its VR's type: stays the text it is */
        } else {
            put_decimal(buffer, s, n);
        }
    } else if (isnan(value)) {
        ML_PUT(buffer, "\"NaN\"");
    } else if (value > 0) {
        ML_PUT(buffer, "\"Infinity\"");
    } else {
        ML_PUT(buffer, "\"-Infinity\"");
    }
}

/* A name object as "Alphabetic=Ideographic=Phonetic", trailing "=" left out. The texts are escaped already. */
static void put_name(ml_buffer *buffer, const ml_item *name) {
    static const char *const groups[3] = {"Alphabetic", "Ideographic", "Phonetic"};
    ml_item parts[3] = {{.length = 0}, {.length = 0}, {.length = 0}}, key, value;
    ml_items members = ml_items_of(name->text + 1, name->length - 2);
    while (ml_members_next(&members, &key, &value)) {
        for (int g = 0; g < 3; g++) {
            if (value.kind == ML_ITEM_STRING && strlen(groups[g]) == key.length &&
                memcmp(groups[g], key.text, key.length) == 0) {
                parts[g] = value;
            }
        }
    }
    int last = 2;
    while (last >= 0 && !parts[last].length) last--;
    if (last < 0) {
        ML_PUT(buffer, "null");
        return;
    }
    ml_put_char(buffer, '"');
    for (int g = 0; g <= last; g++) {
        if (g) ml_put_char(buffer, '=');
        ml_put(buffer, parts[g].text, parts[g].length);
    }
    ml_put_char(buffer, '"');
}

static void put_item(ml_buffer *buffer, ml_vr vr, const ml_item *item) {
    ml_vr_class class = ml_class_of(vr);
    int number = class == ML_CLASS_INT || class == ML_CLASS_FLOAT;
    switch (item->kind) {
    case ML_ITEM_NULL: ML_PUT(buffer, "null"); return;
    case ML_ITEM_OBJECT: put_name(buffer, item); return;
    case ML_ITEM_BOOL: put_text(buffer, item->text, item->length); return;
    case ML_ITEM_NUMBER:
        if (class == ML_CLASS_FLOAT) {
            ml_put(buffer, item->text, item->length); /* JSON already; those beyond a double are kept raw */
        } else if (number) {
            put_number(buffer, vr, item);
        } else if (class == ML_CLASS_BINARY) {
            ml_put(buffer, item->text, item->length);
        } else {
            put_text(buffer, item->text, item->length);
        }
        return;
    default:
        if (!item->length) {
            ML_PUT(buffer, "null");
        } else if (number) {
            put_number(buffer, vr, item);
        } else if (vr == ML_VR_AT && item->length == 8) {
            uint32_t tag;
            int canonical;
            char digits[8];
            if (ml_parse_tag(item->text, &tag, &canonical)) {
                ml_format_tag(tag, digits);
                ml_put_quoted(buffer, digits, 8);
            } else {
                put_text(buffer, item->text, item->length);
            }
        } else {
            put_text(buffer, item->text, item->length);
        }
    }
}

static void put_list(ml_buffer *buffer, ml_vr vr, const ml_value *value) {
    ml_items items = ml_items_of(value->text, value->length);
    ml_item item;
    size_t at = buffer->length;
    int count = 0;
    ml_put_char(buffer, '[');
    while (ml_items_next(&items, &item)) {
        if (count++) ml_put_char(buffer, ',');
        put_item(buffer, vr, &item);
    }
    if (count > 1) {
        ml_put_char(buffer, ']');
    } else if (!buffer->failed) {
        /* one value stands for itself */
        memmove(buffer->data + at, buffer->data + at + 1, buffer->length - at - 1);
        buffer->length--;
    }
}

static ml_written write_value(ml_writer *writer, const ml_planned *planned, const ml_value *value) {
    ml_buffer *buffer = ml_writer_buffer(writer);
    ml_vr vr = ml_effective_vr(planned->column, value->vr);
    ml_item item = {.text = value->text, .length = value->length};
    if (!value->length) {
        if (vr == ML_VR_SQ) {
            ML_PUT(buffer, "[]");
        } else {
            ML_PUT(buffer, "null");
        }
        return ML_WRITTEN;
    }
    switch (value->form) {
    case ML_FORM_STRING:
        item.kind = ML_ITEM_STRING;
        put_item(buffer, vr, &item);
        return ML_WRITTEN;
    case ML_FORM_NUMBER:
        item.kind = ML_ITEM_NUMBER;
        put_item(buffer, vr, &item);
        return ML_WRITTEN;
    case ML_FORM_LIST: put_list(buffer, vr, value); return ML_WRITTEN;
    case ML_FORM_BULK: ml_put_bulk(buffer, value); return ML_WRITTEN;
    case ML_FORM_INLINE: ml_put_quoted(buffer, value->text, value->length); return ML_WRITTEN;
    case ML_FORM_ITEMS:
        ml_put_char(buffer, '[');
        if (!ml_write_items(writer, planned->column, value)) return ML_WRITTEN_ODD;
        ml_put_char(buffer, ']');
        return ML_WRITTEN;
    default: return ML_WRITTEN_ODD;
    }
}

static void put_key(ml_buffer *keys, const ml_document *document, const ml_column *column) {
    char digits[8];
    size_t n;
    if (column->info && column->info->keyword_length && !column->info->repeating) {
        ml_put_quoted(keys, column->info->keyword, column->info->keyword_length);
    } else if (column->primary == ML_NO_INDEX) {
        const char *key = ml_column_key(document, column, digits, &n);
        ml_put_escaped(keys, key, n);
    } else {
        ml_format_tag(column->tag, digits);
        ml_put_quoted(keys, digits, 8);
    }
}

static int plan(ml_plan *plan) {
    return ml_plan_slots(plan, put_key);
}

const ml_style ml_style_natural = {plan, write_value};
