/*
 * shape.h: what table.c needs of the shapes' life; adding and reading rows is in table.h.
 */
#ifndef ML_SHAPE_H
#define ML_SHAPE_H

#include "table.h"

/* Turns columns that vary no longer (rows were dropped) back to constant ones and returns unused memory. */
void ml_shape_finish(ml_shape *shape);

void ml_shape_free(ml_shape *shape);

size_t ml_shape_bytes(const ml_shape *shape);

#endif
