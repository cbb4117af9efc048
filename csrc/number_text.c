/*
 * number_text.c: writes doubles, each as the shortest text that names it, and integers.
 *
 * A decimal names a double when it lies nearer to it than to its neighbours. In that interval, the candidates are the
 * multiples of the greatest power of ten not above its width: at least one lies in it, and at most one that is also a
 * multiple of the next power, which then has the fewest digits of all; else the nearest to the value is the answer
 * (after Giulietti's Schubfach). So all comes down to where the value and the two ends of its interval lie between
 * integers, once divided by that power of ten: for each one product of a 64-bit and a 128-bit integer, which
 * generate_powers.py proves to be enough for every double. There is no other case and nothing to fall back on.
 *
 * Whole numbers below 2^53 are their own shortest decimals and go as integers. A few digits or 17, a fraction takes
 * 30 to 40 ns, a whole number 6 to 12. No allocation, no state, nothing of the C library but memory functions.
 */
#include "number_text.h"

#include <stdbool.h>

#include "base.h"
#include "powers_data.h"

/* Digits */

static const char ml_digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                     "25262728293031323334353637383940414243444546474849"
                                     "50515253545556575859606162636465666768697071727374"
                                     "75767778798081828384858687888990919293949596979899";

static const uint64_t ml_tens[] = {
    1u,
    10u,
    100u,
    1000u,
    10000u,
    100000u,
    1000000u,
    10000000u,
    100000000u,
    1000000000u,
    10000000000u,
    100000000000u,
    1000000000000u,
    10000000000000u,
    100000000000000u,
    1000000000000000u,
    10000000000000000u,
    100000000000000000u,
    1000000000000000000u,
    10000000000000000000u,
};

/* How many digits; one for zero. */
static int ml_count_digits(uint64_t value) {
#if defined(__GNUC__)
    value |= 1; /* as many digits as before */
    /* 1233 / 4096 is a little more than log10(2). This is the count, or one less. */
    int least = (64 - __builtin_clzll(value)) * 1233 >> 12;
    return least + (value >= ml_tens[least]);
#else
    int count = 1;
    while (count < 20 && value >= ml_tens[count]) count++;
    return count;
#endif
}

ML_INLINE void ml_put_pair(char *out, uint32_t pair) {
    memcpy(out, ml_digit_pairs + 2 * pair, 2);
}

/* Just so many digits as the value has. */
static void ml_put_digits(char *out, uint64_t value, int count) {
    char *p = out + count;
    /* Eight at a time: one division of 64 bits, and then pairs that do not wait for each other. */
    while (value >= 100000000) {
        uint32_t eight = (uint32_t)(value % 100000000);
        value /= 100000000;
        uint32_t upper = eight / 10000, lower = eight % 10000;
        p -= 8;
        ml_put_pair(p, upper / 100);
        ml_put_pair(p + 2, upper % 100);
        ml_put_pair(p + 4, lower / 100);
        ml_put_pair(p + 6, lower % 100);
    }
    uint32_t rest = (uint32_t)value;
    for (; rest >= 100; rest /= 100) ml_put_pair(p -= 2, rest % 100);
    if (rest >= 10)
        ml_put_pair(p - 2, rest);
    else
        p[-1] = (char)('0' + rest);
}

static char *ml_put_integer(char *p, uint64_t value) {
    int count = ml_count_digits(value);
    ml_put_digits(p, value, count);
    return p + count;
}

size_t ml_write_uint64(uint64_t value, char out[ML_INTEGER_ROOM]) {
    return (size_t)(ml_put_integer(out, value) - out);
}

size_t ml_write_int64(int64_t value, char out[ML_INTEGER_ROOM]) {
    char *p = out;
    uint64_t magnitude = (uint64_t)value;
    if (value < 0) {
        *p++ = '-';
        magnitude = 0 - magnitude;
    }
    return (size_t)(ml_put_integer(p, magnitude) - out);
}

/* The shortest decimal */

enum { ML_FRACTION_BITS = 52, ML_LEAST_SCALE = -1074 };

/* digits * 10^exponent */
typedef struct ml_shortest {
    uint64_t digits;
    int exponent;
} ml_shortest;

/* Adds the high and low half of a * b to two words that have room for them. */
static void ml_add_product(uint64_t a, uint64_t b, uint64_t *high, uint64_t *low) {
#ifdef __SIZEOF_INT128__
    __extension__ unsigned __int128 sum = (unsigned __int128)a * b + ((unsigned __int128)*high << 64 | *low);
    *high = (uint64_t)(sum >> 64);
    *low = (uint64_t)sum;
#else
    uint64_t a_high = a >> 32, a_low = a & 0xFFFFFFFF, b_high = b >> 32, b_low = b & 0xFFFFFFFF;
    uint64_t least = a_low * b_low;
    uint64_t cross = a_high * b_low + (least >> 32); /* at most (2^32 - 1)^2 + 2^32 - 1: no overflow */
    uint64_t other = a_low * b_high + (cross & 0xFFFFFFFF);
    uint64_t bottom = other << 32 | (least & 0xFFFFFFFF);
    *low += bottom;
    *high += a_high * b_high + (cross >> 32) + (other >> 32) + (*low < bottom);
#endif
}

/* Floors of q * log10(2) and of q * log10(2) + log10(3/4) for the scales of doubles, and of e * log2(10) for the
 * exponents of the table; moved up so that nothing negative is shifted. */
static int ml_log10_of_power(int q, bool narrow) {
    const int moved = 1024;
    return (int)(((int64_t)q * 315653 - (narrow ? 131009 : 0) + ((int64_t)moved << 20)) >> 20) - moved;
}

static int ml_log2_of_ten(int exponent) {
    const int moved = 2048;
    return (int)(((int64_t)exponent * 217706 + ((int64_t)moved << 16)) >> 16) - moved;
}

/*
 * factor * power / 2^128, cut off to an integer, whose last bit is then set if it was not whole ("round to odd": what
 * it says about being above, at, or below an even number holds of the value itself).
 *
 * The factor is below 2^59, and the power, which is rounded up, less than one too large: the product is too large by
 * less than 2^-69. generate_powers.py shows that a true value which is not whole is off by more than 2^-66 to either
 * side, whatever double it comes from. So the excess lifts none to the next integer, and a product that is off by less
 * than 2^-68 stands for a whole one.
 */
static uint64_t ml_scale_odd(uint64_t factor, uint64_t power_high, uint64_t power_low) {
    uint64_t high = 0, middle = 0, low = 0;
    ml_add_product(factor, power_low, &middle, &low);
    ml_add_product(factor, power_high, &high, &middle);
    return high | ((middle | low >> 60) != 0);
}

/* Of up to 16 digits, at most 15 are zeros at the end: 8 + 4 + 2 + 1. */
static ml_shortest ml_strip_zeros(uint64_t digits, int exponent) {
    if (digits % 100000000 == 0) {
        digits /= 100000000;
        exponent += 8;
    }
    if (digits % 10000 == 0) {
        digits /= 10000;
        exponent += 4;
    }
    if (digits % 100 == 0) {
        digits /= 100;
        exponent += 2;
    }
    if (digits % 10 == 0) {
        digits /= 10;
        exponent++;
    }
    return (ml_shortest){digits, exponent};
}

/* Of significand * 2^scale. "Narrow" is a power of two, whose neighbour below is only half as far as the one above. */
static ml_shortest ml_find_shortest(uint64_t significand, int scale, bool narrow) {
    int exponent = ml_log10_of_power(scale, narrow);
    const uint64_t *power = ml_powers[-exponent - ML_POWERS_LEAST];
    uint64_t power_low = power[1] + 1;
    uint64_t power_high = power[0] + (power_low == 0);
    /* What the table's 128 bits stand for and the powers of two, together; 1 to 4. */
    int shift = scale + ml_log2_of_ten(-exponent) + 1;

    /* In quarters of 10^exponent, so that the middle between two integers is even too. */
    uint64_t value = ml_scale_odd(4 * significand << shift, power_high, power_low);
    uint64_t least = ml_scale_odd((4 * significand - (narrow ? 1 : 2)) << shift, power_high, power_low);
    uint64_t most = ml_scale_odd((4 * significand + 2) << shift, power_high, power_low);
    /* A tie rounds to the even significand, so only that one has the ends of its interval. */
    least += significand & 1;
    most -= significand & 1;

    uint64_t below = value / 4;
    uint64_t tens = below / 10;
    if (40 * tens >= least) return ml_strip_zeros(tens, exponent + 1);
    if (40 * tens + 40 <= most) return ml_strip_zeros(tens + 1, exponent + 1);
    /* Neither: then the nearest, or the even one of two, has no zero at the end. Only where the interval is narrow can
     * it lie outside. */
    uint64_t middle = 4 * below + 2;
    bool up = value > middle || (value == middle && (below & 1)) || 4 * below < least;
    return (ml_shortest){below + up, exponent};
}

/* Doubles */

static char *ml_put_exponent(char *p, int exponent) {
    *p++ = 'e';
    *p++ = exponent < 0 ? '-' : '+';
    uint32_t rest = (uint32_t)(exponent < 0 ? -exponent : exponent);
    if (rest >= 100) *p++ = (char)('0' + rest / 100);
    ml_put_pair(p, rest % 100);
    return p + 2;
}

/* Python's choice: an exponent from 10^16 on and below 10^-4. */
static char *ml_put_decimal(char *p, const ml_shortest *decimal) {
    int count = ml_count_digits(decimal->digits);
    int point = count + decimal->exponent; /* digits before it; negative: zeros behind it */
    if (point > 16 || point < -3) {
        ml_put_digits(p + 1, decimal->digits, count);
        p[0] = p[1];
        p[1] = '.';
        return ml_put_exponent(p + (count == 1 ? 1 : count + 1), point - 1);
    }
    if (point <= 0) {
        memcpy(p, "0.000", 5);
        ml_put_digits(p + 2 - point, decimal->digits, count);
        return p + 2 - point + count;
    }
    if (point < count) {
        ml_put_digits(p + 1, decimal->digits, count);
        memmove(p, p + 1, (size_t)point);
        p[point] = '.';
        return p + count + 1;
    }
    memset(p, '0', 16);
    ml_put_digits(p, decimal->digits, count);
    memcpy(p + point, ".0", 2);
    return p + point + 2;
}

size_t ml_write_double(double value, char out[ML_DOUBLE_ROOM]) {
    const uint64_t hidden = (uint64_t)1 << ML_FRACTION_BITS;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    char *p = out;
    if (bits >> 63) {
        *p++ = '-';
        value = -value;
    }
    if (value < 2.0 * (double)hidden) {
        int64_t whole = (int64_t)value;
        if ((double)whole == value) {
            p = ml_put_integer(p, (uint64_t)whole);
            memcpy(p, ".0", 2);
            return (size_t)(p + 2 - out);
        }
    }
    uint64_t significand = bits & (hidden - 1);
    int biased = (int)(bits >> ML_FRACTION_BITS & 0x7FF);
    bool narrow = significand == 0 && biased > 1;
    if (biased != 0) {
        significand |= hidden;
        biased--;
    }
    ml_shortest decimal = ml_find_shortest(significand, ML_LEAST_SCALE + biased, narrow);
    return (size_t)(ml_put_decimal(p, &decimal) - out);
}
