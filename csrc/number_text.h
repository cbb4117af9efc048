/*
 * number_text.h: numbers to decimal text, without the C library's printf, its locale and its seventeen digits.
 */
#ifndef ML_NUMBER_TEXT_H
#define ML_NUMBER_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Room that every text fits in. */
#define ML_DOUBLE_ROOM 32
#define ML_INTEGER_ROOM 24

/*
 * The shortest decimal text that reads back as the same double, and of several such the nearest to it: to the character
 * what Python's repr gives, which JSON takes as a number ("0.1", "100.0", "-0.0", "1e-07", "1.5e+16"). The value is
 * finite. These three end no text with a NUL; they return its length. The rest of the room may be written over.
 */
size_t ml_write_double(double value, char out[ML_DOUBLE_ROOM]);

size_t ml_write_uint64(uint64_t value, char out[ML_INTEGER_ROOM]);
size_t ml_write_int64(int64_t value, char out[ML_INTEGER_ROOM]);

#endif
