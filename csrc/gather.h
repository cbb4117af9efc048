/*
 * gather.h: columns as arrays: the cells of an attribute in all rows, and its distinct values as numbers.
 */
#ifndef ML_GATHER_H
#define ML_GATHER_H

#include "table.h"

/* The cells of a column in rows [first, first + count); ML_NO_INDEX where a row lacks it, or spells the attribute
 * otherwise. */
void ml_gather_cells(const ml_table *table, uint32_t column, uint32_t first, uint32_t count, uint32_t *cells);

/* Whether every row has the attribute, with one value: *cell. */
int ml_is_constant(const ml_table *table, uint32_t column, uint32_t *cell);

/* How many values a distinct value holds: 0 when empty. UINT32_MAX when it is none that numbers can be made of (items,
 * bulk, …). */
uint32_t ml_value_count(const ml_value *value);

/* Its values as doubles [count], nulls as NaN. 0 when one is no number. */
int ml_value_doubles(const ml_value *value, double *out, uint32_t count);

/* So many values as doubles, all of them finite; 0 when there are more or fewer, or one is no such number. `before` is
 * another value with its doubles, or NULL: first members that both have are not read again. */
int ml_value_vector(const ml_value *value, uint32_t count, double *out, const ml_value *before,
                    const double *before_out);

/* Its values as integers [count]; missing[i] is set, and out[i] 0, for nulls. 0 when one is no integer of 64 bits. */
int ml_value_integers(const ml_value *value, int64_t *out, uint8_t *missing, uint32_t count);

#endif
