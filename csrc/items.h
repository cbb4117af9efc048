/*
 * items.h: walks the members of a value, whatever its form, once it is in a table.
 */
#ifndef ML_ITEMS_H
#define ML_ITEMS_H

#include "table.h"

typedef enum ml_item_kind {
    ML_ITEM_STRING, /* text: between the quotes, escapes unresolved */
    ML_ITEM_NUMBER,
    ML_ITEM_NULL,
    ML_ITEM_BOOL, /* text: true or false */
    ML_ITEM_OBJECT
} ml_item_kind;

typedef struct ml_item {
    ml_item_kind kind;
    int escaped; /* a string that holds backslashes */
    const char *text;
    size_t length;
} ml_item;

typedef struct ml_items {
    const char *p, *end;
} ml_items;

/* Over the bytes of an ML_FORM_LIST. */
ML_INLINE ml_items ml_items_of(const char *text, size_t length) {
    return (ml_items){text, text + length};
}

/* Longest text that ml_plain_text takes: no number is longer. */
#define ML_PLAIN_ROOM 96

/* A string's text with its escapes resolved, in place or in `room`; a longer one with escapes stays as it is. */
const char *ml_plain_text(const ml_item *item, char room[ML_PLAIN_ROOM], size_t *length);

/* The next member; 0 at the end. */
int ml_items_next(ml_items *items, ml_item *item);

/*
 * Over the members of a name object ({"Alphabetic":"…",…}): its key and value; 0 at the end. Start with ml_items_of on
 * the object's text without its braces.
 */
int ml_members_next(ml_items *items, ml_item *key, ml_item *value);

#endif
