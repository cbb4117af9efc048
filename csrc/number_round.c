/*
 * number_round.c: the double nearest to a decimal.
 *
 * In three steps, each for what the one before leaves. (1) Up to 53 bits and a power of ten that a double holds
 * exactly: one multiplication or division of doubles rounds correctly by itself (Clinger). (2) Up to 19 digits: their
 * integer times the first 128 bits of the power of five gives bounds on the value so narrow that nearly always both
 * round alike (after Eisel and Lemire). The power is cut off, so the product is at most three units of its 128th bit
 * too small; instead of proofs about which inputs this can hurt, the few products it could are told apart and left to
 * step 3. (3) The rest is compared with the point midway between two doubles, both as integers of unlimited size; that
 * is bounded, since no midpoint has more than 768 digits, and takes microseconds.
 *
 * No allocation, no state, nothing of the C library but memcpy. A whole text of 6 digits takes 10 ns (step 1), of 17
 * digits 22 ns (step 2), and of 700 that come close to a midpoint 5 us (step 3).
 */
#include "number_round.h"

#include <float.h>
#include <stddef.h>
#include <string.h>

#include "powers_data.h"

enum { ML_FRACTION_BITS = 52, ML_LEAST_NORMAL = -1022, ML_GREATEST = 1023 };

static const uint64_t ml_infinity = (uint64_t)0x7FF << ML_FRACTION_BITS;

static double ml_from_bits(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Step 2: one wide product */

/* What is known of a value: its 128 leading bits, the first of them set, standing for 2^exponent. */
typedef struct ml_product {
    uint64_t high;
    uint64_t low;
    bool more;  /* something follows the 128 bits */
    bool exact; /* else up to three units of the last bit are missing */
    int exponent;
} ml_product;

static void ml_multiply(uint64_t a, uint64_t b, uint64_t *high, uint64_t *low) {
#ifdef __SIZEOF_INT128__
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    *high = (uint64_t)(product >> 64);
    *low = (uint64_t)product;
#else
    uint64_t a_high = a >> 32, a_low = a & 0xFFFFFFFF, b_high = b >> 32, b_low = b & 0xFFFFFFFF;
    uint64_t least = a_low * b_low;
    uint64_t cross = a_high * b_low + (least >> 32); /* at most (2^32 - 1)^2 + 2^32 - 1: no overflow */
    uint64_t other = a_low * b_high + (cross & 0xFFFFFFFF);
    *high = a_high * b_high + (cross >> 32) + (other >> 32);
    *low = other << 32 | (least & 0xFFFFFFFF);
#endif
}

static int ml_leading_zeros(uint64_t word) {
#if defined(__GNUC__)
    return __builtin_clzll(word);
#else
    int count = 0;
    for (int step = 32; step > 0; step /= 2) {
        if (word >> (64 - step) == 0) {
            word <<= step;
            count += step;
        }
    }
    return count;
#endif
}

/* Floor of log2(10^exponent), for the exponents of the table; moved up so that nothing negative is shifted. */
static int ml_log2_of_power(int exponent) {
    const int moved = 2048;
    return (int)(((int64_t)exponent * 217706 + ((int64_t)moved << 16)) >> 16) - moved;
}

/* digits * 10^exponent, for digits other than zero and an exponent of the table. */
static ml_product ml_scale(uint64_t digits, int exponent) {
    const uint64_t *power = ml_powers[exponent - ML_POWERS_LEAST];
    int zeros = ml_leading_zeros(digits);
    digits <<= zeros;
    uint64_t top, middle, carry, bottom;
    ml_multiply(digits, power[0], &top, &middle);
    ml_multiply(digits, power[1], &carry, &bottom);
    middle += carry;
    top += middle < carry;
    int upper = (int)(top >> 63); /* a product of two numbers with the first bit set has that, or the next, set */
    if (!upper) {
        top = top << 1 | middle >> 63;
        middle = middle << 1 | bottom >> 63;
        bottom <<= 1;
    }
    return (ml_product){
        .high = top,
        .low = middle,
        .more = bottom != 0,
        .exact = exponent >= 0 && exponent <= 55, /* 5^55 < 2^128 */
        .exponent = ml_log2_of_power(exponent) + 63 - zeros + upper,
    };
}

/* How many bits of significand a double has for a value from 2^exponent: fewer if subnormal, none or less below. */
static int ml_bits_kept(int exponent) {
    const int full = ML_FRACTION_BITS + 1;
    return exponent >= ML_LEAST_NORMAL ? full : full + exponent - ML_LEAST_NORMAL;
}

/* The bits of the greatest double not above what is known of the value. */
static uint64_t ml_round_down(const ml_product *product) {
    if (product->exponent > ML_GREATEST) return ml_infinity;
    int kept = ml_bits_kept(product->exponent);
    if (kept <= 0) return 0;
    uint64_t significand = product->high >> (64 - kept);
    /* The significand's first bit, where it has all 53, adds the one that is missing in the exponent. */
    if (product->exponent >= ML_LEAST_NORMAL)
        significand += (uint64_t)(product->exponent - ML_LEAST_NORMAL) << ML_FRACTION_BITS;
    return significand;
}

/* The bits of the nearest double; false when what is known does not tell. */
static bool ml_round_nearest(const ml_product *product, uint64_t *bits) {
    *bits = ml_round_down(product);
    if (*bits == ml_infinity) return true;
    int kept = ml_bits_kept(product->exponent);
    if (kept < 0) /* below half of the least double, unless what is missing lifts it there */
        return product->high != UINT64_MAX;
    uint64_t below = (uint64_t)1 << (63 - kept); /* the bit that is worth half of the last one kept */
    uint64_t rest = product->high & (below - 1);
    if (!product->exact && rest == below - 1 && product->low >= UINT64_MAX - 3) return false;
    if (product->high & below) {
        bool above_half = rest != 0 || product->low != 0 || product->more;
        if (!above_half && !product->exact) return false;
        *bits += above_half || (*bits & 1); /* a carry moves into the exponent, as it should */
    }
    return true;
}

/* Step 3: integers of any size that can occur */

/* 3,072 bits. Up to 801 digits make 2,661, and the highest power of five, 5^1124, times a midpoint makes 2,664;
 * shifting brings the smaller of the two sides to the size of the greater, give or take three bits, because they are
 * only compared when they are that close. */
enum { ML_BIG_LIMBS = 96 };

typedef struct ml_big {
    int count; /* limbs in use, the last of them not zero */
    uint32_t limbs[ML_BIG_LIMBS];
} ml_big;

static void ml_big_multiply_add(ml_big *big, uint32_t factor, uint32_t addend) {
    uint64_t carry = addend;
    for (int i = 0; i < big->count; i++) {
        carry += (uint64_t)big->limbs[i] * factor;
        big->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0) big->limbs[big->count++] = (uint32_t)carry;
}

static void ml_big_set(ml_big *big, uint64_t value) {
    big->count = 0;
    for (; value != 0; value >>= 32) big->limbs[big->count++] = (uint32_t)value;
}

static void ml_big_multiply_power_of_five(ml_big *big, int64_t exponent) {
    const uint32_t thirteen = 1220703125; /* 5^13, the greatest in 32 bits */
    for (; exponent >= 13; exponent -= 13) ml_big_multiply_add(big, thirteen, 0);
    for (; exponent > 0; exponent--) ml_big_multiply_add(big, 5, 0);
}

static void ml_big_shift(ml_big *big, int64_t bits) {
    int limbs = (int)(bits / 32);
    ml_big_multiply_add(big, (uint32_t)1 << bits % 32, 0);
    memmove(big->limbs + limbs, big->limbs, (size_t)big->count * sizeof big->limbs[0]);
    memset(big->limbs, 0, (size_t)limbs * sizeof big->limbs[0]);
    big->count += limbs;
}

static int ml_big_compare(const ml_big *a, const ml_big *b) {
    if (a->count != b->count) return a->count < b->count ? -1 : 1;
    for (int i = a->count - 1; i >= 0; i--) {
        if (a->limbs[i] != b->limbs[i]) return a->limbs[i] < b->limbs[i] ? -1 : 1;
    }
    return 0;
}

/* All digits as an integer, and the exponent that goes with it. After 800 one more, a 1, stands for those left out: a
 * midpoint has at most 768, so what comes later can only tell whether the value is above one. */
static int64_t ml_big_read(ml_big *big, const ml_decimal *decimal) {
    const int most = 800;
    ml_big_set(big, decimal->digits);
    int64_t exponent = decimal->exponent;
    if (!decimal->tail) return exponent;
    int taken = ML_DECIMAL_DIGITS;
    uint32_t chunk = 0, factor = 1; /* nine digits at a time: one pass over the integer for all of them */
    const char *p = decimal->rest;
    for (; p < decimal->end && taken < most; p++) {
        if (*p == '.') continue;
        chunk = chunk * 10 + (uint32_t)(*p - '0');
        factor *= 10;
        if (factor == 1000000000) {
            ml_big_multiply_add(big, factor, chunk);
            chunk = 0;
            factor = 1;
        }
        taken++;
        exponent--;
    }
    ml_big_multiply_add(big, factor, chunk);
    while (p < decimal->end && (*p == '0' || *p == '.')) p++;
    if (p < decimal->end) {
        ml_big_multiply_add(big, 10, 1);
        exponent--;
    }
    return exponent;
}

/* Compares the value, digits * 10^exponent, with the point midway between the double of these bits and the next. */
static int ml_compare_with_midpoint(const ml_big *digits, int64_t exponent, uint64_t bits) {
    const uint64_t hidden = (uint64_t)1 << ML_FRACTION_BITS;
    int biased = (int)(bits >> ML_FRACTION_BITS);
    uint64_t significand = biased ? (bits & (hidden - 1)) | hidden : bits;
    int64_t scale = (biased ? biased : 1) - 1075 - 1; /* the midpoint is (2 * significand + 1) * 2^scale */

    /* value = left * 2^exponent and midpoint = right * 2^scale, with the powers of five on the side where they are
     * whole. The highest is 5^1124: 10^-342 behind 19 digits, the table's end, and 782 digits more. */
    ml_big left = *digits;
    ml_big right;
    ml_big_set(&right, 2 * significand + 1);
    if (exponent >= 0)
        ml_big_multiply_power_of_five(&left, exponent);
    else
        ml_big_multiply_power_of_five(&right, -exponent);
    if (exponent >= scale)
        ml_big_shift(&left, exponent - scale);
    else
        ml_big_shift(&right, scale - exponent);
    return ml_big_compare(&left, &right);
}

/* Up from a double that is known not to be above the value; it is the right one or next to it. */
static uint64_t ml_round_exactly(const ml_decimal *decimal, uint64_t bits) {
    ml_big digits;
    int64_t exponent = ml_big_read(&digits, decimal);
    while (bits != ml_infinity) {
        int side = ml_compare_with_midpoint(&digits, exponent, bits);
        if (side < 0) break;
        if (side == 0) return bits + (bits & 1);
        bits++;
    }
    return bits;
}

/* All three */

#if FLT_EVAL_METHOD == 0
static const double ml_exact_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                         1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#endif

double ml_round_decimal(const ml_decimal *decimal) {
    uint64_t digits = decimal->digits;
    int64_t exponent = decimal->exponent;
#if FLT_EVAL_METHOD == 0 /* the x87 would round twice */
    if (digits <= (uint64_t)1 << 53 && exponent >= -22 && exponent <= 22 && !decimal->tail) {
        double value = (double)digits;
        return exponent < 0 ? value / ml_exact_powers[-exponent] : value * ml_exact_powers[exponent];
    }
#endif
    if (digits == 0 || exponent < ML_POWERS_LEAST) return 0.0;
    if (exponent > ML_POWERS_MOST) return ml_from_bits(ml_infinity);

    ml_product product = ml_scale(digits, (int)exponent);
    uint64_t bits;
    bool known = ml_round_nearest(&product, &bits);
    if (known && decimal->tail) {
        /* The value lies between these digits and the next integer. */
        ml_product above = ml_scale(digits + 1, (int)exponent);
        uint64_t bits_above;
        known = ml_round_nearest(&above, &bits_above) && bits_above == bits;
    }
    return ml_from_bits(known ? bits : ml_round_exactly(decimal, ml_round_down(&product)));
}
