/*
 * building.h: a row that is put together element by element, in ml_templates.building.
 */
#ifndef ML_BUILDING_H
#define ML_BUILDING_H

#include "intake.h"
#include "predict.h"

/* Begins a row of a table that has templates. Returns the stamp that its elements are put with. */
uint32_t ml_begin_building(ml_table *table);

/*
 * Adds an element, or puts it in the place of the one that the same attribute had before in this row (*twice; a
 * problem). start: of the element in the row's text. Returns 0 after an error.
 */
int ml_put_element(ml_intake *in, ml_table *table, uint32_t stamp, uint32_t column, uint32_t cell, uint32_t start,
                   const ml_element *element, int *twice, const char *at);

/* Adds the row to the table. Returns its shape; ML_NO_INDEX without memory (noted). */
uint32_t ml_add_building(ml_intake *in, ml_table *table, const char *at);

#endif
