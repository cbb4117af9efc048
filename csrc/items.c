/*
 * items.c: a cursor over JSON that was validated and freed of white space when it came in, so it can trust what it
 * reads.
 */
#include "items.h"
#include "text.h"

static const char *string_end(const char *p, const char *end, int *escaped) {
    const char *quote = end;
    unsigned flags = 0;
    ml_scan_string(p, end, &quote, &flags);
    *escaped = flags & ML_STRING_ESCAPED ? 1 : 0;
    return quote;
}

/* Reads one value at items->p. */
static void next_value(ml_items *items, ml_item *item) {
    const char *p = items->p, *q;
    item->escaped = 0;
    switch (*p) {
    case '"':
        q = string_end(p + 1, items->end, &item->escaped);
        *item = (ml_item){ML_ITEM_STRING, item->escaped, p + 1, (size_t)(q - p - 1)};
        items->p = ml_min((size_t)(items->end - q), 1) + q;
        return;
    case '{': {
        int ignored;
        for (q = p + 1; q < items->end && *q != '}';) {
            if (*q == '"') q = string_end(q + 1, items->end, &ignored);
            if (q < items->end) q++;
        }
        *item = (ml_item){ML_ITEM_OBJECT, 0, p, (size_t)(ml_min((size_t)(items->end - q), 1) + q - p)};
        items->p = p + item->length;
        return;
    }
    default:
        for (q = p; q < items->end && *q != ',' && *q != '}'; q++) {
        }
        item->kind = *p == 'n' ? ML_ITEM_NULL : *p == 't' || *p == 'f' ? ML_ITEM_BOOL : ML_ITEM_NUMBER;
        item->text = p;
        item->length = (size_t)(q - p);
        items->p = q;
    }
}

const char *ml_plain_text(const ml_item *item, char room[ML_PLAIN_ROOM], size_t *length) {
    *length = item->length;
    if (!item->escaped || item->length > ML_PLAIN_ROOM) return item->text;
    *length = ml_unescape(item->text, item->length, room);
    return room;
}

int ml_items_next(ml_items *items, ml_item *item) {
    if (items->p >= items->end) return 0;
    next_value(items, item);
    if (items->p < items->end) items->p++; /* the comma */
    return 1;
}

int ml_members_next(ml_items *items, ml_item *key, ml_item *value) {
    if (items->p >= items->end) return 0;
    next_value(items, key);
    if (items->p >= items->end) return 0;
    items->p++; /* the colon */
    if (items->p >= items->end) return 0;
    next_value(items, value);
    if (items->p < items->end) items->p++;
    return 1;
}
