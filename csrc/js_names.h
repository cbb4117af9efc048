/*
 * js_names.h: the attributes of a row under the names and in the order that the JavaScript packages give them; for
 * write_dcmjs.c and write_cornerstone.c.
 */
#ifndef ML_JS_NAMES_H
#define ML_JS_NAMES_H

#include "dcmjs_names.h"
#include "write.h"

/* One attribute of a row, under the name dcmjs gives it. */
typedef struct ml_js_cell {
    ml_cell cell;
    const char *name; /* NULL: the tag, in digits */
    size_t length;
    char digits[8];
    const ml_dcmjs_entry *entry;
    uint32_t slot;
    uint32_t order; /* rank of a key that looks like an integer, from 1; 0: another key */
} ml_js_cell;

#define ML_JS_FEW 128

/*
 * The cells of a row in the order JavaScript walks them: keys that look like integers first, ascending, then the others
 * as they came. The result is `few` or, for wider rows, a block for the caller to free; NULL without memory.
 */
ml_js_cell *ml_js_cells(const ml_table *table, ml_row row, ml_js_cell few[ML_JS_FEW]);

/* Whether two of them have one name, or one is called _vrMap: then the row is left to the general way. */
int ml_js_is_odd(const ml_js_cell *list, uint32_t count);

/* The name as key, with its colon. */
void ml_js_put_key(ml_buffer *buffer, const ml_js_cell *cell);

#endif
