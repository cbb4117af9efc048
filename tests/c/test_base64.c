/*
 * test_base64.c: which texts are base64, and their bytes.
 */
#include "check.h"

#include <stdlib.h>

#include "base64.h"

/* From and into memory of just the size, so that a sanitizer sees any step beyond. */
static void check_decoded(const char *text, const void *expected, size_t length) {
    size_t n = strlen(text);
    char *copy = malloc(n ? n : 1);
    memcpy(copy, text, n);
    size_t got = ml_base64_length(copy, n);
    CHECK_MSG(got == length, "%s: length %zu", text, got);
    if (got == length) {
        uint8_t *bytes = malloc(length ? length : 1);
        ml_base64_decode(copy, n, bytes);
        CHECK_MSG(memcmp(bytes, expected, length) == 0, "%s", text);
        free(bytes);
    }
    free(copy);
}

static void check_bad(const char *text) {
    CHECK_MSG(ml_base64_length(text, strlen(text)) == SIZE_MAX, "%s", text);
}

static void test_texts(void) {
    check_decoded("", "", 0);
    check_decoded("Zg==", "f", 1);
    check_decoded("Zm8=", "fo", 2);
    check_decoded("Zm9v", "foo", 3);
    check_decoded("Zm9vYg==", "foob", 4);
    check_decoded("Zm9vYmE=", "fooba", 5);
    check_decoded("Zm9vYmFy", "foobar", 6);
    check_decoded("+/+/", "\xFB\xFF\xBF", 3);
    check_decoded("AAAA", "\0\0", 3);
    /* without padding, and with bits past the data */
    check_decoded("Zg", "f", 1);
    check_decoded("Zm8", "fo", 2);
    check_decoded("Zh==", "f", 1);
    check_decoded("Zm9=", "fo", 2);

    check_bad("Z");
    check_bad("Zm9vY");
    check_bad("Zg=");
    check_bad("Z===");
    check_bad("====");
    check_bad("=");
    check_bad("==");
    check_bad("Zg==Zg==");
    check_bad("Zm=v");
    check_bad("Zm9v====");
    check_bad("Zm 9v");
    check_bad("Zm9v\n");
    check_bad("Zm9-");
    check_bad("Zm9_");
    check_bad("Zm9\xC3");
}

/* Each byte at each place of a group: just the 64 characters are good. */
static void test_characters(void) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int place = 0; place < 4; place++) {
        for (int c = 0; c < 256; c++) {
            char text[8] = {'A', 'A', 'A', 'A', 'A', 'A', 'A', 'A'};
            text[place] = (char)c;
            const char *found = c == 0 ? NULL : strchr(alphabet, c);
            CHECK_MSG((ml_base64_length(text, 8) == 6) == (found != NULL), "byte %d", c);
            if (found != NULL) {
                uint8_t bytes[6];
                ml_base64_decode(text, 8, bytes);
                uint32_t group = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
                CHECK_MSG(group == (uint32_t)(found - alphabet) << 6 * (3 - place), "byte %d", c);
            }
        }
    }
}

int main(void) {
    test_texts();
    test_characters();
    return ml_check_report();
}
