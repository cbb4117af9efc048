/*
 * test_memory.c: want of memory at every single allocation: an error and nothing else. No crash, no leak, and nothing
 * wrong where the scanner can do without.
 */
#include "scan_text.h"

#undef malloc
#undef calloc
#undef realloc
#undef free

static long countdown = -1; /* allocations until one fails; below 0: none does */
static int from_then_on;    /* whether all after that one fail, too */
static long calls, live;

static int fails(void) {
    calls++;
    if (countdown < 0) return 0;
    if (countdown > 0) {
        countdown--;
        return 0;
    }
    if (!from_then_on) countdown = -1;
    return 1;
}

void *ml_test_malloc(size_t n) {
    void *block = fails() ? NULL : malloc(n);
    live += block != NULL;
    return block;
}

void *ml_test_calloc(size_t count, size_t n) {
    void *block = fails() ? NULL : calloc(count, n);
    live += block != NULL;
    return block;
}

void *ml_test_realloc(void *old, size_t n) {
    void *block = fails() ? NULL : realloc(old, n);
    live += block != NULL && old == NULL;
    return block;
}

void ml_test_free(void *block) {
    live -= block != NULL;
    free(block);
}

/* Scans, writes in all dialects, and frees. The text in the DICOM JSON Model, or NULL after a want of memory. */
static char *round_trip(const char *text, size_t piece) {
    size_t n = strlen(text);
    char *written = NULL;
    ml_scan *scan = ml_scan_new(&ML_TEST_LIMITS, 9, 0);
    if (!scan) return NULL;
    int ok = 1;
    if (!piece) ok = ml_scan_all(scan, text, n);
    for (size_t i = 0; piece && i < n && ok; i += piece) ok = ml_scan_feed(scan, text + i, ml_min(piece, n - i));
    if (piece && ok) ok = ml_scan_end(scan);
    ml_code code = ml_scan_error(scan)->code;
    CHECK_MSG(ok ? code == ML_OK : code == ML_E_MEMORY, "result %d, error %d", ok, code);
    ml_document *document = ok ? ml_scan_take(scan) : NULL;
    ml_scan_free(scan);
    for (ml_dialect dialect = 0; document && dialect < ML_DIALECT_COUNT; dialect++) {
        ml_writer *writer = ml_writer_new(dialect);
        if (!writer) continue;
        ml_buffer *buffer = ml_writer_buffer(writer);
        for (uint32_t r = 0; r < document->root.rows; r++) ml_write_row(writer, &document->root, r);
        ml_put_char(buffer, '\0');
        if (dialect == ML_DIALECT_DICOM && !buffer->failed) {
            written = malloc(buffer->length);
            memcpy(written, buffer->data, buffer->length);
        }
        ml_writer_free(writer);
    }
    ml_document_free(document);
    return written;
}

static void check_all(const char *text, size_t piece) {
    countdown = -1;
    calls = live = 0;
    char *expected = round_trip(text, piece);
    long all = calls;
    CHECK(expected && live == 0);
    if (!expected) return;
    for (from_then_on = 0; from_then_on < 2; from_then_on++) {
        for (long n = 0; n < all; n++) {
            countdown = n;
            char *got = round_trip(text, piece);
            CHECK_MSG(!got || strcmp(got, expected) == 0, "allocation %ld of %ld: %s", n, all, got);
            CHECK_MSG(live == 0, "allocation %ld of %ld: %ld blocks left", n, all, live);
            free(got);
        }
    }
    countdown = -1;
    free(expected);
}

int main(void) {
    static char text[100000];
    /* all forms, problems, odd keys, nesting, and what undoes and drops */
    check_all(
        "[{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]},\"00280030\":{\"vr\":\"DS\",\"Value\":[ 1.5, 2 ]}},"
        "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"MR\"]},\"00280030\":{\"vr\":\"DS\",\"Value\":[ 1.5, 2.5 ]}},"
        "{\"00280030\":{\"vr\":\"DS\",\"Value\":[\"\\u0031\", null]},\"x\\u0079\":{},\"Rows\":[1, 2]},"
        "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00081155\":{\"vr\":\"UI\"}},{}]},\"00080060\":{\"vr\":\"CS\"},"
        "\"00080060\":{\"vr\":\"CS\",\"Value\":[\"A\",\"B\"]}},"
        "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00081155\":{\"vr\":\"UI\"}},3]},"
        "\"00100010\":{\"vr\":\"PN\",\"Value\":[{ \"Alphabetic\":\"A\"}]}},"
        "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"0008114A\":{\"vr\":\"SQ\",\"Value\":[{\"00091001\":{}}]}}]},"
        "\"7FE00010\":{\"vr\":\"OW\",\"InlineBinary\":\"AAAA\"}},{}]",
        0);
    check_all("{\"00080060\":{\"vr\":\"CS\"}}\n{\"00080060\":{\"vr\":\"LO\"}}", 7);
    /* growth: many values, shapes, columns, rows and items, and long strings */
    size_t n = 0;
    for (int r = 0; r < 300; r++) {
        n +=
            (size_t)snprintf(text + n, sizeof text - n,
                             "{\"00080018\":{\"vr\":\"UI\",\"Value\":[\"1.%d\"]},\"0009%04X\":{\"vr\":\"LO\",\"Value\":"
                             "[\"%d\",\"\"]},\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00081155\":{\"vr\":\"UI\","
                             "\"Value\":[\"%d\"]}},{}]}}\n",
                             r, 0x1000 + r % 17, r % 20, r % 40);
    }
    check_all(text, 0);
    check_all(text, 20000);
    return ml_check_report();
}
