/*
 * test_limits.c: every limit at its bound and one past it.
 */
#include "scan_text.h"

static void check(how h, const char *text, ml_code code) {
    ml_error error;
    ml_document *document = scan_text(h, text, &error);
    CHECK_MSG(error.code == code && !document == (code != ML_OK), "%.120s: error %d, not %d", text, error.code, code);
    CHECK(code == ML_OK || error.offset <= strlen(text));
    ml_document_free(document);
}

static void test_bytes(void) {
    how h = LENIENT;
    for (h.piece = 0; h.piece < 4; h.piece++) {
        h.limits.bytes = 5;
        check(h, "[{}] ", ML_OK);
        check(h, "[{}]  ", ML_E_LIMIT_BYTES);
        h.limits.bytes = 0;
        check(h, "", ML_E_EMPTY);
        check(h, " ", ML_E_LIMIT_BYTES);
    }
}

/* `open` n times, `middle`, `close` n times. */
static char *nested(const char *before, const char *open, uint32_t n, const char *middle, const char *close,
                    const char *after) {
    ml_buffer buffer = {0};
    ml_put(&buffer, before, strlen(before));
    for (uint32_t i = 0; i < n; i++) ml_put(&buffer, open, strlen(open));
    ml_put(&buffer, middle, strlen(middle));
    for (uint32_t i = 0; i < n; i++) ml_put(&buffer, close, strlen(close));
    ml_put(&buffer, after, strlen(after) + 1);
    return buffer.data;
}

static void check_sequences(how h, uint32_t depth, const char *middle, ml_code code) {
    char *text = nested("[{", "\"00081140\":{\"vr\":\"SQ\",\"Value\":[{", depth, middle, "}]}", "}]");
    check(h, text, code);
    free(text);
    /* the vr last */
    text = nested("[{", "\"00081140\":{\"Value\":[{", depth, middle, "}],\"vr\":\"SQ\"}", "}]");
    check(h, text, code);
    free(text);
}

static void test_sequences(void) {
    for (uint32_t depth = 1; depth <= 64; depth *= 4) {
        how h = LENIENT;
        h.limits.sequence_depth = depth;
        check_sequences(h, depth, "", ML_OK);
        check_sequences(h, depth, "\"00080060\":{\"vr\":\"CS\"}", ML_OK);
        check_sequences(h, depth + 1, "", ML_E_LIMIT_SEQUENCE_DEPTH);
    }
    how h = LENIENT;
    h.limits.sequence_depth = 0;
    check(h, "{\"00081140\":{\"vr\":\"SQ\"}}", ML_OK);
    check_sequences(h, 1, "", ML_E_LIMIT_SEQUENCE_DEPTH);
    /* whatever the caller allows, there is an end to it, and the stack bears that */
    h.limits.sequence_depth = UINT32_MAX;
    h.limits.json_depth = UINT32_MAX >> 4;
    check_sequences(h, ML_PATH_DEPTH - 1, "", ML_OK);
    check_sequences(h, ML_PATH_DEPTH, "", ML_E_LIMIT_SEQUENCE_DEPTH);
    char *text = nested("[{", "\"00081140\":{\"vr\":\"SQ\",\"Value\":[{", ML_PATH_DEPTH - 1, "", "}]}", "}]");
    ml_document *document = scan_text(h, text, NULL);
    for (ml_dialect dialect = 0; dialect < ML_DIALECT_COUNT; dialect++) {
        char *written = document_text(document, dialect, NULL);
        if (dialect == ML_DIALECT_DICOM) CHECK(strcmp(written, text) == 0);
        free(written);
    }
    ml_document_free(document);
    free(text);
}

static void check_brackets(how h, const char *before, uint32_t depth, const char *after, ml_code code) {
    char *text = nested(before, "[", depth, "", "]", after);
    check(h, text, code);
    free(text);
    text = nested(before, "{\"a\":", depth - 1, "{}", "}", after);
    check(h, text, code);
    free(text);
}

/* Brackets in values that are only skipped; the array, the dataset and the element around them count. */
static void test_brackets(void) {
    static const char *const places[][2] = {{"[{\"00091001\":{\"vr\":\"UN\",\"x\":", "}}]"},
                                            {"[{\"00091001\":{\"vr\":\"UN\",\"Value\":7,\"y\":", "}}]"}};
    for (uint32_t limit = 8; limit <= 1024; limit *= 2) {
        how h = LENIENT;
        h.limits.json_depth = limit;
        for (size_t i = 0; i < 2; i++) {
            check_brackets(h, places[i][0], limit - 3, places[i][1], ML_OK);
            check_brackets(h, places[i][0], limit - 2, places[i][1], ML_E_LIMIT_JSON_DEPTH);
        }
        check_brackets(h, "[{\"00091001\":{\"vr\":\"UN\",\"x\":", 100000, "}}]", ML_E_LIMIT_JSON_DEPTH);
    }
}

static char *with_keys(uint32_t odd, const char *format) {
    ml_buffer buffer = {0};
    ml_put_char(&buffer, '{');
    for (uint32_t i = 0; i < odd; i++) {
        char key[64];
        if (i) ml_put_char(&buffer, ',');
        ml_put(&buffer, key, (size_t)snprintf(key, sizeof key, format, 0x00091000u + i));
    }
    ML_PUT(&buffer, ",\"00080060\":{\"vr\":\"CS\"},\"00080061\":{\"vr\":\"CS\"}}");
    ml_put_char(&buffer, '\0');
    return buffer.data;
}

static void test_keys(void) {
    static const char *const formats[] = {"\"%08X\":{\"vr\":\"UN\"}", "\"x%u\":{\"vr\":\"UN\"}"};
    how h = LENIENT;
    h.limits.odd_keys = 40;
    for (size_t f = 0; f < 2; f++) {
        char *text = with_keys(40, formats[f]);
        check(h, text, ML_OK);
        /* the same ones again are no more */
        ml_buffer twice = {0};
        ml_put(&twice, text, strlen(text));
        ml_put(&twice, text, strlen(text) + 1);
        check(h, twice.data, ML_OK);
        free(twice.data);
        free(text);
        text = with_keys(41, formats[f]);
        check(h, text, ML_E_LIMIT_KEYS);
        free(text);
    }
    h.limits.odd_keys = 0;
    check(h, "{\"00080060\":{\"vr\":\"CS\"},\"(0008,0061)\":{\"vr\":\"CS\"}}", ML_OK);
    check(h, "{\"00091001\":{\"vr\":\"CS\"}}", ML_E_LIMIT_KEYS);
    /* all levels together */
    h.limits.odd_keys = 1;
    check(h, "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00091001\":{\"vr\":\"CS\"}}]}}", ML_OK);
    check(h, "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"x\":{\"vr\":\"CS\"}}]},\"x\":{\"vr\":\"CS\"}}",
          ML_E_LIMIT_KEYS);
}

/* Problems beyond the limit are counted, not listed. */
static void test_problems(void) {
    for (uint32_t limit = 0; limit < 12; limit++) {
        how h = LENIENT;
        h.limits.problems = limit;
        char *text = with_keys(8, "\"%08X\":{}");
        ml_document *document = scan_text(h, text, NULL);
        CHECK(document && document->problems.count == (limit < 8 ? limit : 8));
        CHECK(document && document->problems.unlisted == (limit < 8 ? 8 - limit : 0));
        ml_document_free(document);
        free(text);
    }
}

int main(void) {
    test_bytes();
    test_sequences();
    test_brackets();
    test_keys();
    test_problems();
    return ml_check_report();
}
