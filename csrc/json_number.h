/*
 * json_number.h: the grammar of a JSON number (RFC 8259 section 6). Inline, because scanning and checking ask for it in
 * their innermost loops.
 */
#ifndef ML_JSON_NUMBER_H
#define ML_JSON_NUMBER_H

#include "base.h"

ML_INLINE int ml_is_digit(const char *p, const char *end) {
    return p < end && *p >= '0' && *p <= '9';
}

/* The end of a run of digits. */
ML_INLINE const char *ml_skip_digits(const char *p, const char *end) {
#ifdef ML_SSE2
    /* the decimals of a coordinate are seldom more than 16 digits */
    if (ML_LIKELY(end - p >= 16)) {
        __m128i v = _mm_add_epi8(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi8((char)(127 - '9')));
        uint32_t digits = (uint32_t)_mm_movemask_epi8(_mm_cmpgt_epi8(v, _mm_set1_epi8(127 - 10)));
        if (ML_LIKELY(digits != 0xFFFF)) return p + ml_lowest_bit(~digits);
        p += 16;
    }
#endif
    while (ml_is_digit(p, end)) p++;
    return p;
}

/* A JSON number's end; NULL when none begins at p. */
static inline const char *ml_number_end(const char *p, const char *end) {
    if (p < end && *p == '-') p++;
    if (!ml_is_digit(p, end)) return NULL;
    if (*p == '0') {
        p++;
        if (ml_is_digit(p, end)) return NULL;
    } else {
        p = ml_skip_digits(p + 1, end);
    }
    if (p < end && *p == '.') {
        p++;
        if (!ml_is_digit(p, end)) return NULL;
        p = ml_skip_digits(p + 1, end);
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-')) p++;
        if (!ml_is_digit(p, end)) return NULL;
        p = ml_skip_digits(p + 1, end);
    }
    return p;
}

/* Whether a number may be beyond what a double holds: not every reader takes such a one. */
static inline int ml_may_overflow(const char *s, size_t n) {
    if (n < 5) return 0;
    if (n > 300) return 1;
    /* an exponent of three digits, counted from behind */
    size_t digits = 0;
    while (digits < n && s[n - 1 - digits] >= '0' && s[n - 1 - digits] <= '9') digits++;
    if (digits < 3 || digits == n) return 0;
    char before = s[n - 1 - digits];
    return before == 'e' || before == 'E' || (before == '+' && digits + 1 < n);
}

#endif
