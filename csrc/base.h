/*
 * base.h: compiler portability and the few helpers that every file uses.
 */
#ifndef ML_BASE_H
#define ML_BASE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__) || defined(__clang__)
#define ML_LIKELY(x) __builtin_expect(!!(x), 1)
#define ML_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define ML_INLINE static inline __attribute__((always_inline))
#define ML_NOINLINE __attribute__((noinline))
#else
#define ML_LIKELY(x) (x)
#define ML_UNLIKELY(x) (x)
#define ML_INLINE static inline
#define ML_NOINLINE
#endif

#if defined(__SSE2__) || defined(_M_X64)
#define ML_SSE2 1
#include <emmintrin.h>
#endif

/* A variant of a function for processors that have AVX2, chosen when it is called. */
#if defined(ML_SSE2) && defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define ML_AVX2 1
#include <immintrin.h>
#endif

/* Index of the lowest set bit; x is not 0. */
ML_INLINE unsigned ml_lowest_bit(uint32_t x) {
#if defined(__GNUC__) || defined(__clang__)
    return (unsigned)__builtin_ctz(x);
#else
    unsigned n = 0;
    while (!(x & 1)) {
        x >>= 1;
        n++;
    }
    return n;
#endif
}

/* Unaligned loads, in the machine's byte order. */
ML_INLINE uint64_t ml_load64(const void *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

ML_INLINE uint32_t ml_load32(const void *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

ML_INLINE size_t ml_min(size_t a, size_t b) {
    return a < b ? a : b;
}

/* The next capacity of a growing array that has to hold `need`: half as much again, at least `least`. */
ML_INLINE size_t ml_grown(size_t capacity, size_t need, size_t least) {
    size_t next = capacity + capacity / 2;
    if (next < least) next = least;
    return next < need ? need : next;
}

#endif
