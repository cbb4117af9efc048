/*
 * text.h: the byte-level work of scanning: white space, strings, UTF-8, equal prefixes, hashes.
 *
 * Everything here works on [p, end) and never reads past end; nothing needs a terminator. What is hot is inline.
 */
#ifndef ML_TEXT_H
#define ML_TEXT_H

#include "base.h"

ML_INLINE int ml_is_space(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

ML_INLINE const char *ml_skip_space(const char *p, const char *end) {
    while (p < end && ml_is_space(*p)) p++;
    return p;
}

/* What a string was found to hold. */
enum { ML_STRING_ESCAPED = 1, ML_STRING_HIGH = 2, ML_STRING_SURROGATE = 4 /* a lone one, escaped */ };

typedef enum ml_string_status {
    ML_STRING_OK = 0,
    ML_STRING_TRUNCATED,
    ML_STRING_CONTROL,
    ML_STRING_BAD_ESCAPE,
    ML_STRING_BAD_UTF8
} ml_string_status;

/*
 * Scans the string whose opening quote is before p. On ML_STRING_OK *out is its closing quote and *flags what it holds;
 * otherwise *out is where the fault is.
 */
ml_string_status ml_scan_string(const char *p, const char *end, const char **out, unsigned *flags);

/* The first quote, backslash or control character, or end. */
const char *ml_plain_end(const char *p, const char *end);

/* The first byte that is not part of valid UTF-8, or end. */
const char *ml_utf8_check(const char *p, const char *end);

/*
 * The text of a valid string body with its escapes resolved, as UTF-8. out has room for n bytes (it never grows). Lone
 * surrogates become U+FFFD. Returns the length.
 */
size_t ml_unescape(const char *s, size_t n, char *out);

/* Copies valid JSON without the white space between its tokens; out has room for n bytes. Returns the length. */
size_t ml_minify(const char *s, size_t n, char *out);

/* How many bytes a and b have in common from their beginning, n at most. */
size_t ml_common_prefix(const char *a, const char *b, size_t n);

/* A hash of short byte strings; good spread in all its bits, no promise against an adversary (see intern.c for what
 * bounds that). */
uint32_t ml_hash(const char *s, size_t n, uint32_t seed);

/* The same from some blocks of a long text, for those who look at few candidates only: texts that differ elsewhere all
 * have one hash. */
uint32_t ml_hash_sampled(const char *s, size_t n, uint32_t seed);

/* The value of eight hex digits; 0 when one of them is not. *canonical tells whether they are digits and upper-case
 * letters only. */
int ml_parse_tag(const char *s, uint32_t *tag, int *canonical);

/* Writes eight upper-case hex digits. */
void ml_format_tag(uint32_t tag, char *out);

#endif
