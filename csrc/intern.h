/*
 * intern.h: from bytes to a column's distinct values.
 */
#ifndef ML_INTERN_H
#define ML_INTERN_H

#include "table.h"

/*
 * The cell of a value in a column: an equal one that is there already, else a new one (*fresh is set). ML_NO_INDEX
 * without memory. text must not lie in the arena. Equality of cells implies equality of values; the reverse holds while
 * values of the column do repeat (intern.c).
 */
uint32_t ml_intern(ml_table *table, uint32_t column, ml_form form, ml_vr vr, const char *text, size_t length,
                   int *fresh);

/*
 * The same for the sequence whose items are the last `count` rows of the column's child table. When an equal sequence
 * is there already, the rows are dropped again.
 */
uint32_t ml_intern_items(ml_table *table, uint32_t column, ml_vr vr, uint32_t count);

/* Frees the index of a column. */
void ml_value_index_free(ml_value_index *index);

#endif
