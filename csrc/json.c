/*
 * json.c: JSON as RFC 8259 has it, without building anything.
 *
 * Arrays are read in one pass that notes what kinds of members they have, so that the caller can decide by two
 * comparisons that an array is one plain string or one number, as most are. Values of no interest are skipped with a
 * stack of bits, not by recursion.
 */
#include "json_number.h"
#include "scan.h"

#include <stdlib.h>

enum { WIDE = 32 }; /* bytes that hold nearly every number */

const char *ml_read_string(ml_scan *scan, const char *p, const char **quote, unsigned *flags) {
    const char *at;
    switch (ml_scan_string(p + 1, scan->in.end, &at, flags)) {
    case ML_STRING_OK: *quote = at; return at + 1;
    case ML_STRING_TRUNCATED: return ml_fail(&scan->in, ML_E_TRUNCATED, scan->in.end);
    case ML_STRING_CONTROL: return ml_fail(&scan->in, ML_E_STRING_CONTROL, at);
    case ML_STRING_BAD_ESCAPE: return ml_fail(&scan->in, ML_E_STRING_ESCAPE, at);
    default: return ml_fail(&scan->in, ML_E_UTF8, at);
    }
}

/* Why no number ends well at p: the text may just have ended in it. */
static const char *fail_number(ml_scan *scan, const char *p) {
    const char *q = p;
    while (q < scan->in.end &&
           (ml_is_digit(q, scan->in.end) || *q == '-' || *q == '+' || *q == '.' || *q == 'e' || *q == 'E'))
        q++;
    return q == scan->in.end ? ml_fail(&scan->in, ML_E_TRUNCATED, q) : ml_fail(&scan->in, ML_E_NUMBER, p);
}

/* The end of a literal; a text that ends inside it is truncated, another one no JSON. */
static const char *read_literal(ml_scan *scan, const char *p, const char *literal) {
    size_t n = strlen(literal), have = (size_t)(scan->in.end - p);
    if (have >= n && memcmp(p, literal, n) == 0) return p + n;
    if (have < n && memcmp(p, literal, have) == 0) return ml_fail(&scan->in, ML_E_TRUNCATED, scan->in.end);
    return ml_fail(&scan->in, ML_E_SYNTAX, p);
}

/* The value at p when it is no string, array or object; `has` gets its kind. */
static const char *read_scalar(ml_scan *scan, const char *p, unsigned *has) {
    const char *q;
    switch (*p) {
    case 'n': *has |= ML_HAS_NULL; return read_literal(scan, p, "null");
    case 't': *has |= ML_HAS_BOOL; return read_literal(scan, p, "true");
    case 'f': *has |= ML_HAS_BOOL; return read_literal(scan, p, "false");
    case 'N': *has |= ML_HAS_NAN; return read_literal(scan, p, "NaN");
    case 'I': *has |= ML_HAS_NAN; return read_literal(scan, p, "Infinity");
    case '-':
        if (p + 1 < scan->in.end && p[1] == 'I') {
            *has |= ML_HAS_NAN;
            return read_literal(scan, p, "-Infinity");
        }
        break;
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9': break;
    default: return ml_fail(&scan->in, ML_E_SYNTAX, p);
    }
    q = ml_number_end(p, scan->in.end);
    if (!q) return fail_number(scan, p);
    *has |= ML_HAS_NUMBER;
    if (ml_may_overflow(p, (size_t)(q - p))) *has |= ML_HAS_HUGE;
    return q;
}

const char *ml_next_or_close(ml_scan *scan, const char *p, char close, int *more) {
    p = ml_skip_space(p, scan->in.end);
    if (p == scan->in.end) return ml_fail(&scan->in, ML_E_TRUNCATED, p);
    if (*p == close) {
        *more = 0;
        return p + 1;
    }
    if (*p != ',') return ml_fail(&scan->in, ML_E_SYNTAX, p);
    p = ml_skip_space(p + 1, scan->in.end);
    if (p == scan->in.end) return ml_fail(&scan->in, ML_E_TRUNCATED, p);
    *more = 1;
    return p;
}

const char *ml_read_numbers(ml_scan *scan, const char *p, uint32_t *count, size_t *length) {
    size_t used = 0;
    *count = 0;
    for (;;) {
        p = ml_skip_space(p, scan->in.end);
        const char *q = ml_number_end(p, scan->in.end);
        size_t n = (size_t)(q - p);
        if (!q || ml_may_overflow(p, n)) return NULL;
        if (used + n + WIDE > scan->in.scratch_size && !ml_reserve_scratch(&scan->in, used + n + WIDE)) return NULL;
        if (n <= WIDE && scan->in.end - p >= WIDE) {
            memcpy(scan->in.scratch + used, p, WIDE); /* of a fixed size: no call; what is too much is overwritten */
        } else {
            memcpy(scan->in.scratch + used, p, n);
        }
        used += n;
        ++*count;
        p = ml_skip_space(q, scan->in.end);
        if (p == scan->in.end) return NULL;
        if (*p == ']') {
            *length = used;
            return p;
        }
        if (*p != ',') return NULL;
        scan->in.scratch[used++] = ',';
        p++;
    }
}

/* A key and its colon; p at what should be the opening quote. */
static const char *skip_key(ml_scan *scan, const char *p) {
    const char *quote;
    unsigned flags;
    if (p == scan->in.end) return ml_fail(&scan->in, ML_E_TRUNCATED, p);
    if (*p != '"') return ml_fail(&scan->in, ML_E_SYNTAX, p);
    p = ml_read_string(scan, p, &quote, &flags);
    if (!p) return NULL;
    p = ml_skip_space(p, scan->in.end);
    if (p == scan->in.end) return ml_fail(&scan->in, ML_E_TRUNCATED, p);
    if (*p != ':') return ml_fail(&scan->in, ML_E_SYNTAX, p);
    p = ml_skip_space(p + 1, scan->in.end);
    return p == scan->in.end ? ml_fail(&scan->in, ML_E_TRUNCATED, p) : p;
}

const char *ml_skip_value(ml_scan *scan, const char *p, uint32_t around) {
    /* brackets around an element's members: the dataset and the element itself, three a sequence, the array of the
     * document */
    uint32_t outside = 3 + 3 * scan->in.depth + around, open = 0;
    if (!scan->brackets) {
        scan->brackets = malloc(scan->in.limits.json_depth / 8 + 1);
        if (!scan->brackets) return ml_fail(&scan->in, ML_E_MEMORY, p);
    }
    for (;;) {
        /* p is at a value */
        unsigned has = 0, flags;
        const char *quote;
        if (p == scan->in.end) return ml_fail(&scan->in, ML_E_TRUNCATED, p);
        if (*p == '"') {
            p = ml_read_string(scan, p, &quote, &flags);
        } else if (*p == '{' || *p == '[') {
            int object = *p == '{';
            if (outside + ++open > scan->in.limits.json_depth) return ml_fail(&scan->in, ML_E_LIMIT_JSON_DEPTH, p);
            uint8_t bit = (uint8_t)(1u << (open & 7));
            scan->brackets[open >> 3] =
                (uint8_t)(object ? scan->brackets[open >> 3] | bit : scan->brackets[open >> 3] & ~bit);
            p = ml_skip_space(p + 1, scan->in.end);
            if (p == scan->in.end) return ml_fail(&scan->in, ML_E_TRUNCATED, p);
            if (*p != (object ? '}' : ']')) {
                if (object && !(p = skip_key(scan, p))) return NULL;
                continue;
            }
            p++;
            open--;
        } else {
            p = read_scalar(scan, p, &has);
        }
        if (!p) return NULL;
        /* p is after a value: close what ends here */
        for (;;) {
            if (!open) return p;
            int object = scan->brackets[open >> 3] >> (open & 7) & 1, more = 0;
            p = ml_next_or_close(scan, p, object ? '}' : ']', &more);
            if (!p) return NULL;
            if (more) {
                if (object && !(p = skip_key(scan, p))) return NULL;
                break;
            }
            open--;
        }
    }
}

/* The component groups of a person name (PS3.18 F.2.2). */
static int is_name_group(const char *key, size_t n) {
    return (n == 10 && memcmp(key, "Alphabetic", n) == 0) || (n == 11 && memcmp(key, "Ideographic", n) == 0) ||
           (n == 8 && memcmp(key, "Phonetic", n) == 0);
}

/* An object at p: whether it is a person name's is noted in `has`, with what it holds. */
static const char *read_name(ml_scan *scan, const char *p, unsigned *has) {
    const char *start = p;
    p = ml_skip_space(p + 1, scan->in.end);
    int more = p < scan->in.end && *p != '}';
    if (p > start + 1) *has |= ML_HAS_SPACE;
    while (more) {
        const char *quote, *before;
        unsigned flags = 0, ignored = 0;
        if (p == scan->in.end || *p != '"') goto other;
        const char *key = p + 1;
        p = ml_read_string(scan, p, &quote, &flags);
        if (!p) return NULL;
        if (!is_name_group(key, (size_t)(quote - key))) goto other;
        before = p;
        p = ml_skip_space(p, scan->in.end);
        if (p == scan->in.end || *p != ':') goto other;
        p = ml_skip_space(p + 1, scan->in.end);
        if (p != before + 1) *has |= ML_HAS_SPACE;
        if (p == scan->in.end) goto other;
        if (*p == '"') {
            p = ml_read_string(scan, p, &quote, &flags);
            if (flags & ML_STRING_SURROGATE) *has |= ML_HAS_SURROGATE;
        } else if (*p == 'n') {
            p = read_scalar(scan, p, &ignored);
        } else {
            goto other;
        }
        if (!p) return NULL;
        before = p;
        p = ml_next_or_close(scan, p, '}', &more);
        if (!p) return NULL;
        if (p != before + 1) *has |= ML_HAS_SPACE;
        if (!more) {
            *has |= ML_HAS_NAME;
            return p;
        }
    }
    if (p < scan->in.end) {
        *has |= ML_HAS_NAME;
        return p + 1;
    }
other:
    *has |= ML_HAS_OTHER | ML_HAS_SPACE;
    return ml_skip_value(scan, start, 1);
}

const char *ml_read_array(ml_scan *scan, const char *p, ml_array *array) {
    const char *start = p + 1, *quote = NULL, *last = NULL;
    unsigned has = 0;
    uint32_t count = 0;
    int more = 1;
    p = ml_skip_space(start, scan->in.end);
    if (p == scan->in.end) return ml_fail(&scan->in, ML_E_TRUNCATED, p);
    if (p != start) has |= ML_HAS_SPACE;
    if (*p == ']') {
        *array = (ml_array){has, 0, p, 0};
        return p + 1;
    }
    while (more) {
        const char *item = p;
        unsigned flags = 0;
        if (*p == '"') {
            p = ml_read_string(scan, p, &quote, &flags);
            has |= ML_HAS_STRING;
            if (flags & ML_STRING_ESCAPED) has |= ML_HAS_ESCAPE;
            if (flags & ML_STRING_SURROGATE) has |= ML_HAS_SURROGATE;
        } else if (*p == '{') {
            p = read_name(scan, p, &has);
        } else if (*p == '[') {
            has |= ML_HAS_OTHER | ML_HAS_SPACE;
            p = ml_skip_value(scan, p, 1);
        } else {
            p = read_scalar(scan, p, &has);
        }
        if (!p) return NULL;
        last = item;
        count++;
        const char *after = p;
        p = ml_next_or_close(scan, p, ']', &more);
        if (!p) return NULL;
        if (p != after + 1) has |= ML_HAS_SPACE;
        if (!more) {
            if (count == 1 && !(has & ~(unsigned)(ML_HAS_STRING | ML_HAS_SPACE))) {
                *array = (ml_array){has, count, last + 1, (size_t)(quote - last - 1)};
            } else if (count == 1 && !(has & ~(unsigned)(ML_HAS_NUMBER | ML_HAS_SPACE))) {
                *array = (ml_array){has, count, last, (size_t)(after - last)};
            } else {
                *array = (ml_array){has, count, start, (size_t)(p - 1 - start)};
            }
        }
    }
    return p;
}
