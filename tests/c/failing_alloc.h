/*
 * failing_alloc.h: put before every source of the core (-include) to have its allocations counted and, at will, fail;
 * for the tests of want of memory (counted_alloc.h).
 */
#ifndef ML_FAILING_ALLOC_H
#define ML_FAILING_ALLOC_H

#include <stdlib.h>

void *ml_test_malloc(size_t n);
void *ml_test_calloc(size_t count, size_t n);
void *ml_test_realloc(void *block, size_t n);
void ml_test_free(void *block);

#define malloc ml_test_malloc
#define calloc ml_test_calloc
#define realloc ml_test_realloc
#define free ml_test_free

#endif
