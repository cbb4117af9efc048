/*
 * number_round.h: rounds a decimal to the nearest double. Between number.c and number_round.c only.
 */
#ifndef ML_NUMBER_ROUND_H
#define ML_NUMBER_ROUND_H

#include <stdbool.h>
#include <stdint.h>

/* So many decimal digits fit 64 bits whatever they are. */
enum { ML_DECIMAL_DIGITS = 19 };

/*
 * The magnitude of a decimal text: digits * 10^exponent, and if tail is set, more beyond: the digits (and perhaps the
 * point) in rest..end follow those 19, and one of them is not zero.
 */
typedef struct ml_decimal {
    uint64_t digits;
    int64_t exponent;
    bool tail;
    const char *rest;
    const char *end;
    int64_t least_exponent; /* with a tail: the power of ten that its last digit but zeros stands for */
} ml_decimal;

/* The nearest double, ties to even; too large is infinity, too small zero. */
double ml_round_decimal(const ml_decimal *decimal);

#endif
