/*
 * text.c: strings, UTF-8, prefixes and hashes.
 *
 * Strings are the greater part of any DICOM JSON that prediction could not skip, so they are looked at 16 bytes at a
 * time where SSE2 is there (every x86-64) and 8 at a time elsewhere. One pass finds the closing quote and everything
 * that needs a closer look: a backslash, a control character, a byte above 127. UTF-8 is validated once a string is
 * known to hold such a byte, over the whole of it.
 */
#include "text.h"

#define ONES 0x0101010101010101ULL
#define HIGHS 0x8080808080808080ULL

/* Non-zero when one of the eight bytes is c; exact in the lowest such byte, which is all that callers use it for. */
ML_INLINE uint64_t has_byte(uint64_t v, uint8_t c) {
    uint64_t x = v ^ (ONES * c);
    return (x - ONES) & ~x & HIGHS;
}

/* The first byte in [p, end) that ends a plain run: a quote, a backslash or a control character. Notes bytes above 127
 * on the way. */
ML_INLINE const char *plain_run(const char *p, const char *end, unsigned *flags) {
#ifdef ML_SSE2
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);
    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)p);
        __m128i stop = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)),
                                    _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
        uint32_t at = (uint32_t)_mm_movemask_epi8(stop), high = (uint32_t)_mm_movemask_epi8(v);
        if (at) {
            unsigned k = ml_lowest_bit(at);
            if (high & ((1u << k) - 1)) *flags |= ML_STRING_HIGH;
            return p + k;
        }
        if (high) *flags |= ML_STRING_HIGH;
        p += 16;
    }
#else
    while (end - p >= 8) {
        uint64_t v = ml_load64(p);
        /* bytes below 0x20: subtracting borrows, unless the byte is high, which has_byte's ~x excludes in the same way
         */
        uint64_t control = (v - ONES * 0x20) & ~v & HIGHS;
        if (has_byte(v, '"') | has_byte(v, '\\') | control) break;
        if (v & HIGHS) *flags |= ML_STRING_HIGH;
        p += 8;
    }
#endif
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\' || c < 0x20) break;
        if (c & 0x80) *flags |= ML_STRING_HIGH;
    }
    return p;
}

const char *ml_plain_end(const char *p, const char *end) {
    unsigned flags = 0;
    return plain_run(p, end, &flags);
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

/* The value of four hex digits, -1 when they are not. */
static int hex4(const char *p) {
    int v = 0;
    for (int i = 0; i < 4; i++) {
        int d = hex_digit(p[i]);
        if (d < 0) return -1;
        v = v * 16 + d;
    }
    return v;
}

/* p is at a backslash. The end of the escape (of both halves of a surrogate pair), NULL when it is not one; *truncated
 * when the text ends in it. */
static const char *scan_escape(const char *p, const char *end, unsigned *flags, int *truncated) {
    *truncated = 0;
    if (end - p < 2) {
        *truncated = 1;
        return NULL;
    }
    switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't': return p + 2;
    case 'u': break;
    default: return NULL;
    }
    if (end - p < 6) {
        *truncated = 1;
        for (const char *q = p + 2; q < end; q++) {
            if (hex_digit(*q) < 0) *truncated = 0;
        }
        return NULL;
    }
    int unit = hex4(p + 2);
    if (unit < 0) return NULL;
    p += 6;
    if (unit >= 0xDC00 && unit <= 0xDFFF) *flags |= ML_STRING_SURROGATE;
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        int low = end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? hex4(p + 2) : -1;
        if (low >= 0xDC00 && low <= 0xDFFF) {
            p += 6;
        } else {
            *flags |= ML_STRING_SURROGATE;
        }
    }
    return p;
}

ml_string_status ml_scan_string(const char *p, const char *end, const char **out, unsigned *flags) {
    const char *start = p;
    unsigned seen = 0;
    for (;;) {
        p = plain_run(p, end, &seen);
        if (p == end) {
            *out = end;
            return ML_STRING_TRUNCATED;
        }
        if (ML_LIKELY(*p == '"')) break;
        if (*p != '\\') {
            *out = p;
            return ML_STRING_CONTROL;
        }
        seen |= ML_STRING_ESCAPED;
        int truncated;
        const char *q = scan_escape(p, end, &seen, &truncated);
        if (!q) {
            *out = truncated ? end : p;
            return truncated ? ML_STRING_TRUNCATED : ML_STRING_BAD_ESCAPE;
        }
        p = q;
    }
    *out = p;
    *flags = seen;
    if (ML_UNLIKELY(seen & ML_STRING_HIGH)) {
        const char *bad = ml_utf8_check(start, p);
        if (bad != p) {
            *out = bad;
            return ML_STRING_BAD_UTF8;
        }
    }
    return ML_STRING_OK;
}

const char *ml_utf8_check(const char *text, const char *text_end) {
    const unsigned char *p = (const unsigned char *)text, *end = (const unsigned char *)text_end;
    while (p < end) {
        if (end - p >= 8 && !(ml_load64(p) & HIGHS)) {
            p += 8;
            continue;
        }
        unsigned c = *p;
        if (c < 0x80) {
            p++;
            continue;
        }
        /* Table 3-7 of the Unicode standard: the second byte's range excludes overlong forms, surrogates and what lies
         * beyond U+10FFFF. */
        size_t more;
        unsigned low = 0x80, high = 0xBF;
        if (c >= 0xC2 && c <= 0xDF) {
            more = 1;
        } else if (c >= 0xE0 && c <= 0xEF) {
            more = 2;
            if (c == 0xE0) low = 0xA0;
            if (c == 0xED) high = 0x9F;
        } else if (c >= 0xF0 && c <= 0xF4) {
            more = 3;
            if (c == 0xF0) low = 0x90;
            if (c == 0xF4) high = 0x8F;
        } else {
            break;
        }
        if ((size_t)(end - p) <= more || p[1] < low || p[1] > high) break;
        size_t k = 2;
        while (k <= more && (p[k] & 0xC0) == 0x80) k++;
        if (k <= more) break;
        p += more + 1;
    }
    return (const char *)p;
}

static size_t put_utf8(uint32_t c, char *out) {
    unsigned char *o = (unsigned char *)out;
    if (c < 0x80) {
        o[0] = (unsigned char)c;
        return 1;
    }
    if (c < 0x800) {
        o[0] = (unsigned char)(0xC0 | c >> 6);
        o[1] = (unsigned char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        o[0] = (unsigned char)(0xE0 | c >> 12);
        o[1] = (unsigned char)(0x80 | (c >> 6 & 0x3F));
        o[2] = (unsigned char)(0x80 | (c & 0x3F));
        return 3;
    }
    o[0] = (unsigned char)(0xF0 | c >> 18);
    o[1] = (unsigned char)(0x80 | (c >> 12 & 0x3F));
    o[2] = (unsigned char)(0x80 | (c >> 6 & 0x3F));
    o[3] = (unsigned char)(0x80 | (c & 0x3F));
    return 4;
}

size_t ml_unescape(const char *s, size_t n, char *out) {
    const char *end = s + n;
    char *o = out;
    while (s < end) {
        const char *slash = memchr(s, '\\', (size_t)(end - s));
        size_t run = (size_t)((slash ? slash : end) - s);
        memmove(o, s, run);
        o += run;
        s += run;
        if (!slash) break;
        char c = s[1];
        s += 2;
        switch (c) {
        case 'b': *o++ = '\b'; break;
        case 'f': *o++ = '\f'; break;
        case 'n': *o++ = '\n'; break;
        case 'r': *o++ = '\r'; break;
        case 't': *o++ = '\t'; break;
        case 'u': {
            uint32_t unit = (uint32_t)hex4(s);
            s += 4;
            if (unit >= 0xD800 && unit <= 0xDBFF && end - s >= 6 && s[0] == '\\' && s[1] == 'u') {
                int low = hex4(s + 2);
                if (low >= 0xDC00 && low <= 0xDFFF) {
                    unit = 0x10000 + ((unit - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
                    s += 6;
                }
            }
            if (unit >= 0xD800 && unit <= 0xDFFF) unit = 0xFFFD;
            o += put_utf8(unit, o);
            break;
        }
        default: *o++ = c;
        }
    }
    return (size_t)(o - out);
}

size_t ml_minify(const char *s, size_t n, char *out) {
    const char *end = s + n;
    char *o = out;
    while (s < end) {
        if (ml_is_space(*s)) {
            s++;
        } else if (*s == '"') {
            const char *quote;
            unsigned flags;
            if (ml_scan_string(s + 1, end, &quote, &flags) != ML_STRING_OK) quote = end - 1;
            size_t run = (size_t)(quote + 1 - s);
            memcpy(o, s, run);
            o += run;
            s += run;
        } else {
            *o++ = *s++;
        }
    }
    return (size_t)(o - out);
}

#ifdef ML_AVX2
/* Twice the width of SSE2, which half of all ingest time goes through; taken where the processor has it. */
__attribute__((target("avx2"))) static size_t common_prefix_avx2(const char *a, const char *b, size_t n) {
    size_t i = 0;
    while (n - i >= 128) {
        __m256i e0 = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(a + i)),
                                       _mm256_loadu_si256((const __m256i *)(b + i)));
        __m256i e1 = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(a + i + 32)),
                                       _mm256_loadu_si256((const __m256i *)(b + i + 32)));
        __m256i e2 = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(a + i + 64)),
                                       _mm256_loadu_si256((const __m256i *)(b + i + 64)));
        __m256i e3 = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(a + i + 96)),
                                       _mm256_loadu_si256((const __m256i *)(b + i + 96)));
        if (_mm256_movemask_epi8(_mm256_and_si256(_mm256_and_si256(e0, e1), _mm256_and_si256(e2, e3))) != -1) break;
        i += 128;
    }
    while (n - i >= 32) {
        __m256i e = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(a + i)),
                                      _mm256_loadu_si256((const __m256i *)(b + i)));
        uint32_t different = ~(uint32_t)_mm256_movemask_epi8(e);
        if (different) return i + ml_lowest_bit(different);
        i += 32;
    }
    while (i < n && a[i] == b[i]) i++;
    return i;
}
#endif

size_t ml_common_prefix(const char *a, const char *b, size_t n) {
    size_t i = 0;
#ifdef ML_AVX2
    if (n >= 64 && __builtin_cpu_supports("avx2")) return common_prefix_avx2(a, b, n);
#endif
#ifdef ML_SSE2
    while (n - i >= 16) {
        __m128i e =
            _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(a + i)), _mm_loadu_si128((const __m128i *)(b + i)));
        uint32_t different = ~(uint32_t)_mm_movemask_epi8(e) & 0xFFFF;
        if (different) return i + ml_lowest_bit(different);
        i += 16;
    }
#else
    while (n - i >= 8 && ml_load64(a + i) == ml_load64(b + i)) i += 8;
#endif
    while (i < n && a[i] == b[i]) i++;
    return i;
}

ML_INLINE uint64_t mix(uint64_t a, uint64_t b) {
#if defined(__SIZEOF_INT128__)
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    a ^= a >> 32;
    a *= b;
    return a ^ a >> 29;
#endif
}

static const uint64_t k0 = 0x9E3779B97F4A7C15ULL, k1 = 0xD6E8FEB86659FD93ULL;

/* Goes on from h with the whole of s. */
static uint32_t hash_from(uint64_t h, const char *s, size_t n) {
    while (n > 16) {
        h = mix(ml_load64(s) ^ k0 ^ h, ml_load64(s + 8) ^ k1);
        s += 16;
        n -= 16;
    }
    uint64_t a = 0, b = 0;
    if (n >= 8) {
        a = ml_load64(s);
        b = ml_load64(s + n - 8);
    } else if (n >= 4) {
        a = ml_load32(s);
        b = ml_load32(s + n - 4);
    } else if (n) {
        a = (uint64_t)(unsigned char)s[0] << 16 | (uint64_t)(unsigned char)s[n >> 1] << 8 | (unsigned char)s[n - 1];
    }
    h = mix(a ^ k0 ^ h, b ^ k1);
    return (uint32_t)(h ^ h >> 32);
}

uint32_t ml_hash(const char *s, size_t n, uint32_t seed) {
    return hash_from(mix(seed ^ k0, n ^ k1), s, n);
}

uint32_t ml_hash_sampled(const char *s, size_t n, uint32_t seed) {
    uint64_t h = mix(seed ^ k0, n ^ k1);
    if (n > 128) {
        size_t step = n / 3;
        for (size_t at = 0; at + 64 < n; at += step) h = mix(ml_load64(s + at) ^ k0 ^ h, ml_load64(s + at + 8) ^ k1);
        s += n - 64;
        n = 64;
    }
    return hash_from(h, s, n);
}

int ml_parse_tag(const char *s, uint32_t *tag, int *canonical) {
    /* Ten digits and twice six letters are valid: one table look-up a digit, faults gathered in the high bits. */
    static const uint8_t digit[256] = {
        ['0'] = 0x10, ['1'] = 0x11, ['2'] = 0x12, ['3'] = 0x13, ['4'] = 0x14, ['5'] = 0x15, ['6'] = 0x16, ['7'] = 0x17,
        ['8'] = 0x18, ['9'] = 0x19, ['A'] = 0x1A, ['B'] = 0x1B, ['C'] = 0x1C, ['D'] = 0x1D, ['E'] = 0x1E, ['F'] = 0x1F,
        ['a'] = 0x3A, ['b'] = 0x3B, ['c'] = 0x3C, ['d'] = 0x3D, ['e'] = 0x3E, ['f'] = 0x3F,
    };
    uint32_t value = 0;
    unsigned all = 0x10, any = 0;
    for (int i = 0; i < 8; i++) {
        unsigned d = digit[(unsigned char)s[i]];
        all &= d;
        any |= d;
        value = value << 4 | (d & 0xF);
    }
    *tag = value;
    *canonical = !(any & 0x20);
    return all & 0x10 ? 1 : 0;
}

void ml_format_tag(uint32_t tag, char *out) {
    for (int i = 0; i < 8; i++) out[i] = "0123456789ABCDEF"[tag >> (28 - 4 * i) & 0xF];
}
