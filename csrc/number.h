/*
 * number.h: decimal text to numbers, exactly, without the C library's locale-dependent strtod.
 */
#ifndef ML_NUMBER_H
#define ML_NUMBER_H

#include <stddef.h>
#include <stdint.h>

typedef enum ml_number_status {
    ML_NUMBER_OK = 0,
    ML_NUMBER_BAD,     /* not a number as a whole */
    ML_NUMBER_RANGE,   /* an integer that does not fit; a double never gives this: it rounds to infinity or zero */
    ML_NUMBER_FRACTION /* a number, but not an integer */
} ml_number_status;

/*
 * The double nearest to a decimal text (round half to even), the whole of s[0..n). Accepts what DS, FD and JSON write
 * and what servers write for them: an optional sign (also '+'), digits with an optional point that may lead or trail,
 * an exponent, spaces and NULs around it, and NaN and the infinities in any case and spelling ("NaN", "nan", "inf",
 * "-Infinity", "+INF", "1.#INF", "-1.#IND", "1.#QNAN").
 */
ml_number_status ml_parse_double(const char *s, size_t n, double *out);

/*
 * An integer, the whole of s[0..n), with the same surroundings and signs. "2.0", "2." and "2e1" are integers; "2.5"
 * gives ML_NUMBER_FRACTION; one beyond int64 gives ML_NUMBER_RANGE (it still is an integer in form).
 */
ml_number_status ml_parse_int64(const char *s, size_t n, int64_t *out);

#endif
