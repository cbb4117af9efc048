/*
 * test_look.c: the end of a dataset is found where counting brackets byte by byte finds it, however it is cut.
 */
#include <stdlib.h>

#include "check.h"
#include "look.h"
#include "scan_text.h"

/* The offset behind the dataset that text begins with; 0 when it is not whole. */
static size_t end_of(const char *text, size_t n) {
    int open = 0, quoted = 0;
    for (size_t i = 0; i < n; i++) {
        if (quoted && text[i] == '\\') {
            i++;
        } else if (text[i] == '"') {
            quoted = !quoted;
        } else if (!quoted && (text[i] == '{' || text[i] == '[')) {
            open++;
        } else if (!quoted && (text[i] == '}' || text[i] == ']') && --open == 0) {
            return i + 1;
        }
    }
    return 0;
}

static void check_look(const char *text, size_t n, size_t piece) {
    size_t expected = end_of(text, n), at = 0;
    ml_look look = {0};
    int found = 0;
    while (at < n && !found) {
        at = n - at < piece ? n : at + piece;
        char *copy = malloc(at); /* of just that size, for the sanitizer */
        memcpy(copy, text, at);
        found = ml_look_on(&look, copy, at);
        free(copy);
        CHECK(found || look.looked == at);
    }
    CHECK_MSG(found == (expected != 0) && (!found || look.looked == expected), "%.*s in pieces of %zu: %zu, not %zu",
              (int)n, text, piece, found ? look.looked : 0, expected);
}

static void test_random(void) {
    uint64_t state = 88172645463325252ULL;
    for (int round = 0; round < 20000; round++) {
        char text[400];
        size_t n = 1 + random_below(&state, sizeof text - 1);
        const char *bytes =
            round % 3 ? "{}[]\"abc,: 0123456789.xyzABCDEFGHabcdefgh\xc3\xa4;=\x1b\x02" : "{[\"\\\"aaaa]}";
        uint32_t kinds = (uint32_t)strlen(bytes);
        text[0] = '{';
        for (size_t i = 1; i < n; i++) text[i] = bytes[random_below(&state, kinds)];
        check_look(text, n, n);
        check_look(text, n, 1 + random_below(&state, 80));
    }
}

/* Brackets that differ from others in one bit only, and an end at each place of a block. */
static void test_places(void) {
    char text[200];
    for (size_t k = 1; k < 150; k++) {
        memset(text, 'a', sizeof text);
        text[0] = '{';
        for (size_t i = 1; i < k; i++) text[i] = ";={}[]|~\x1b\x1d\xdb\xdd"[i % 12 < 2 || i % 12 > 5 ? i % 12 : 6];
        text[k] = k % 2 ? '}' : ']';
        text[k + 1] = '}';
        check_look(text, k + 2, k + 2);
        check_look(text, k, k);
        text[k / 2 + 1] = '"';
        check_look(text, k + 2, 7);
    }
}

int main(void) {
    test_random();
    test_places();
    return ml_check_report();
}
