/*
 * test_text.c: strings, UTF-8, escapes, minifying, prefixes, hashes and tags, at every length and place that the wide
 * loops treat differently.
 */
#include "check.h"

#include <stdlib.h>

#include "text.h"

/* A copy of just the size, so that a sanitizer sees any step beyond. */
static char *exact(const char *s, size_t n) {
    char *copy = malloc(n ? n : 1);
    memcpy(copy, s, n);
    return copy;
}

/* Scans `body` and a quote; status and the offset of the fault or the quote. */
static void check_string(const char *body, size_t n, ml_string_status expected, size_t offset,
                         unsigned expected_flags) {
    char *copy = exact(body, n);
    const char *out = NULL;
    unsigned flags = 0;
    ml_string_status got = ml_scan_string(copy, copy + n, &out, &flags);
    CHECK_MSG(got == expected && (size_t)(out - copy) == offset, "%.*s: status %d at %zu", (int)n, body, got,
              (size_t)(out - copy));
    if (got == ML_STRING_OK) CHECK_MSG(flags == expected_flags, "%.*s: flags %u", (int)n, body, flags);
    free(copy);
}

/* The fault, or the closing quote, behind every number of plain characters. */
static void check_everywhere(const char *tail, ml_string_status expected, size_t offset, unsigned flags) {
    char text[128];
    size_t n = strlen(tail);
    for (size_t before = 0; before < 70; before++) {
        memset(text, 'a', before);
        memcpy(text + before, tail, n);
        check_string(text, before + n, expected, before + offset, flags);
    }
}

static void test_strings(void) {
    check_everywhere("\"", ML_STRING_OK, 0, 0);
    check_everywhere("\", \"next\"", ML_STRING_OK, 0, 0);
    check_everywhere("", ML_STRING_TRUNCATED, 0, 0);
    check_everywhere("\x1f\"", ML_STRING_CONTROL, 0, 0);
    check_everywhere("\n\"", ML_STRING_CONTROL, 0, 0);
    check_everywhere("\x7f\"", ML_STRING_OK, 1, 0);
    check_everywhere("\\n\"", ML_STRING_OK, 2, ML_STRING_ESCAPED);
    check_everywhere("\\\"\"", ML_STRING_OK, 2, ML_STRING_ESCAPED);
    check_everywhere("\\\\\"", ML_STRING_OK, 2, ML_STRING_ESCAPED);
    check_everywhere("\\x41\"", ML_STRING_BAD_ESCAPE, 0, 0);
    check_everywhere("\\", ML_STRING_TRUNCATED, 1, 0);
    check_everywhere("\\u", ML_STRING_TRUNCATED, 2, 0);
    check_everywhere("\\u00e", ML_STRING_TRUNCATED, 5, 0);
    check_everywhere("\\u00g", ML_STRING_BAD_ESCAPE, 0, 0);
    check_everywhere("\\u00e\"  ", ML_STRING_BAD_ESCAPE, 0, 0);
    check_everywhere("\\u00e4\"", ML_STRING_OK, 6, ML_STRING_ESCAPED);
    check_everywhere("\\ud83d\\ude00\"", ML_STRING_OK, 12, ML_STRING_ESCAPED);
    check_everywhere("\\ud83d\"", ML_STRING_OK, 6, ML_STRING_ESCAPED | ML_STRING_SURROGATE);
    check_everywhere("\\ud83d\\n\"", ML_STRING_OK, 8, ML_STRING_ESCAPED | ML_STRING_SURROGATE);
    check_everywhere("\\ud83d\\ud83d\"", ML_STRING_OK, 12, ML_STRING_ESCAPED | ML_STRING_SURROGATE);
    check_everywhere("\\ude00\"", ML_STRING_OK, 6, ML_STRING_ESCAPED | ML_STRING_SURROGATE);
    check_everywhere("\\ud83d\\u12\"", ML_STRING_BAD_ESCAPE, 6, 0);
    check_everywhere("\xc3\xa4\"", ML_STRING_OK, 2, ML_STRING_HIGH);
    check_everywhere("\xc3\"", ML_STRING_BAD_UTF8, 0, 0);
    check_everywhere("\xff\"", ML_STRING_BAD_UTF8, 0, 0);
    check_string("\0\"", 2, ML_STRING_CONTROL, 0, 0);
    check_string("", 0, ML_STRING_TRUNCATED, 0, 0);
    /* a high byte after the closing quote is none of the string's */
    check_everywhere("\"\xff", ML_STRING_OK, 0, 0);
}

/* All sequences of Unicode's table 3-7, and what lies just beyond each of their bounds. */
static int is_utf8(const unsigned char *p, size_t n) {
    if (n == 1) return p[0] < 0x80;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
    }
    uint32_t c;
    switch (n) {
    case 2: c = (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F); return (p[0] & 0xE0) == 0xC0 && c >= 0x80;
    case 3:
        c = (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
        return (p[0] & 0xF0) == 0xE0 && c >= 0x800 && (c < 0xD800 || c > 0xDFFF);
    default:
        c = (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 | (uint32_t)(p[2] & 0x3F) << 6 |
            (p[3] & 0x3F);
        return (p[0] & 0xF8) == 0xF0 && c >= 0x10000 && c <= 0x10FFFF;
    }
}

static void test_utf8(void) {
    static const unsigned char edges[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF};
    int wrong = 0;
    for (unsigned first = 0x80; first < 0x100; first++) {
        for (size_t a = 0; a < sizeof edges; a++) {
            for (size_t b = 0; b < sizeof edges; b++) {
                unsigned char text[4] = {(unsigned char)first, edges[a], edges[b], 0x80};
                for (size_t n = 1; n <= 4; n++) {
                    char *copy = exact((const char *)text, n);
                    /* valid as one sequence, or as a shorter one and what follows it */
                    int valid = 0;
                    for (size_t k = 1; k <= n && !valid; k++) {
                        valid = is_utf8(text, k);
                        for (size_t rest = k; rest < n && valid; rest++) valid = text[rest] < 0x80;
                    }
                    wrong += (ml_utf8_check(copy, copy + n) == copy + n) != valid;
                    free(copy);
                }
            }
        }
    }
    CHECK_MSG(wrong == 0, "%d sequences judged wrongly", wrong);
}

static void check_unescaped(const char *body, const char *expected, size_t n) {
    size_t length = strlen(body);
    char *copy = exact(body, length), *out = malloc(length ? length : 1);
    size_t got = ml_unescape(copy, length, out);
    CHECK_MSG(got == n && memcmp(out, expected, n) == 0, "%s", body);
    /* in place, too */
    got = ml_unescape(copy, length, copy);
    CHECK_MSG(got == n && memcmp(copy, expected, n) == 0, "%s in place", body);
    free(copy);
    free(out);
}

static void test_unescape(void) {
    check_unescaped("", "", 0);
    check_unescaped("plain", "plain", 5);
    check_unescaped("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t", 8);
    check_unescaped("\\u0000", "\0", 1);
    check_unescaped("a\\u00e4b",
                    "a\xc3\xa4"
                    "b",
                    4);
    check_unescaped("\\u20AC", "\xe2\x82\xac", 3);
    check_unescaped("\\ud83d\\ude00", "\xf0\x9f\x98\x80", 4);
    check_unescaped("\\uDBFF\\uDFFF", "\xf4\x8f\xbf\xbf", 4);
    check_unescaped("\\ud83d", "\xef\xbf\xbd", 3);
    check_unescaped("\\ud83dx", "\xef\xbf\xbdx", 4);
    check_unescaped("\\ude00\\ud83d", "\xef\xbf\xbd\xef\xbf\xbd", 6);
    check_unescaped("\\ud83d\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80", 7);
}

static void check_minified(const char *text, const char *expected) {
    size_t length = strlen(text);
    char *copy = exact(text, length), *out = malloc(length ? length : 1);
    size_t n = ml_minify(copy, length, out);
    CHECK_MSG(n == strlen(expected) && memcmp(out, expected, n) == 0, "%s", text);
    free(copy);
    free(out);
}

static void test_minify(void) {
    check_minified("", "");
    check_minified(" \t\r\n", "");
    check_minified("{ \"a b\" : [ 1 , \" \\\" \" ] }", "{\"a b\":[1,\" \\\" \"]}");
    check_minified("\"x\\\\\" , 2", "\"x\\\\\",2");
}

static void test_prefix(void) {
    char a[300], b[300];
    memset(a, 'x', sizeof a);
    for (size_t n = 0; n < 300; n++) {
        memcpy(b, a, sizeof a);
        char *left = exact(a, n), *right = exact(b, n);
        CHECK(ml_common_prefix(left, right, n) == n);
        for (size_t at = 0; at < n; at += 1 + n / 40) {
            right[at] ^= (char)0x80;
            CHECK_MSG(ml_common_prefix(left, right, n) == at, "%zu of %zu", at, n);
            right[at] ^= (char)0x80;
        }
        free(left);
        free(right);
    }
}

/* No equal hashes among texts that differ in one place: of a few thousand pairs hardly one may collide. */
static void test_hash(void) {
    char text[96];
    memset(text, 'q', sizeof text);
    int same = 0;
    for (size_t n = 1; n <= sizeof text; n++) {
        char *copy = exact(text, n);
        uint32_t hash = ml_hash(copy, n, 7);
        CHECK(ml_hash(copy, n, 7) == hash);
        same += ml_hash(copy, n, 8) == hash;
        same += ml_hash(copy, n - 1, 7) == hash;
        for (size_t i = 0; i < n; i++) {
            copy[i] ^= 1;
            same += ml_hash(copy, n, 7) == hash;
            copy[i] ^= 1;
        }
        free(copy);
    }
    CHECK_MSG(same <= 1, "%d equal hashes", same);
}

static void check_tag(const char *text, int valid, uint32_t expected, int upper) {
    uint32_t tag;
    int canonical;
    char *copy = exact(text, 8), digits[8];
    int got = ml_parse_tag(copy, &tag, &canonical);
    CHECK_MSG(got == valid, "%s", text);
    if (got && valid) {
        CHECK_MSG(tag == expected && canonical == upper, "%s: %08x, canonical %d", text, (unsigned)tag, canonical);
        ml_format_tag(tag, digits);
        CHECK_MSG(!upper || memcmp(digits, text, 8) == 0, "%s", text);
    }
    free(copy);
}

static void test_tags(void) {
    check_tag("00080060", 1, 0x00080060, 1);
    check_tag("FFFEE00D", 1, 0xFFFEE00D, 1);
    check_tag("fffee00d", 1, 0xFFFEE00D, 0);
    check_tag("7FE0001f", 1, 0x7FE0001F, 0);
    check_tag("0008006G", 0, 0, 0);
    check_tag(" 0080060", 0, 0, 0);
    check_tag("0008\"060", 0, 0, 0);
    check_tag("+0080060", 0, 0, 0);
    check_tag("0x080060", 0, 0, 0);
    int wrong = 0;
    for (int c = 0; c < 256; c++) {
        char text[8] = {'0', '0', '0', (char)c, '0', '0', '0', '0'};
        uint32_t tag;
        int canonical, hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        wrong += ml_parse_tag(text, &tag, &canonical) != hex;
    }
    CHECK_MSG(wrong == 0, "%d characters", wrong);
}

int main(void) {
    test_strings();
    test_utf8();
    test_unescape();
    test_minify();
    test_prefix();
    test_hash();
    test_tags();
    return ml_check_report();
}
