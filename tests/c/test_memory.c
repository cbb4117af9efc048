/*
 * test_memory.c: want of memory at every single allocation: an error and nothing else. No crash, no leak, and nothing
 * wrong where the scanner can do without.
 */
#include "scan_text.h"

#include "counted_alloc.h"

#include "copy.h"
#include "freeze.h"

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

/* What copying and thawing start from; made while nothing fails. */
static ml_document *source;
static _Alignas(ML_FREEZE_ALIGNMENT) char block[1 << 17];
static size_t block_size;

/* A document as text while nothing fails: writers have their turn above. */
static char *plain_text(const ml_document *document) {
    long saved = countdown;
    countdown = -1;
    size_t n;
    char *counted = document_text(document, ML_DIALECT_DICOM, &n), *text = malloc(n + 1);
    memcpy(text, counted, n + 1);
    ml_test_free(counted);
    countdown = saved;
    return text;
}

/* Copies all rows to a new document, each of them tried until it succeeds: what failed must have added nothing. The
 * text, or NULL after a want of memory that lasts. */
static char *copy_rows(const char *text, size_t piece) {
    (void)text;
    (void)piece;
    ml_document *dst = ml_document_new(4);
    ml_copier *copier = dst ? ml_copier_new(dst) : NULL;
    int ok = copier != NULL;
    for (uint32_t r = 0; r < source->root.rows && ok; r++) {
        ok = ml_copier_add(copier, source, r);
        if (ok) continue;
        CHECK(dst->root.rows == r);
        ok = ml_copier_add(copier, source, r);
    }
    ml_copier_free(copier);
    char *written = NULL;
    if (ok) {
        ml_document_finish(dst);
        written = plain_text(dst);
    }
    ml_document_free(dst);
    return written;
}

static char *thaw_block(const char *text, size_t piece) {
    (void)text;
    (void)piece;
    ml_thaw_status status;
    ml_document *document = ml_thaw(block, block_size, &status);
    CHECK(document ? status == ML_THAW_OK : status == ML_THAW_MEMORY);
    if (!document) return NULL;
    for (uint32_t s = 0; s < document->root.shape_count; s++) {
        ml_shape *shape = &document->root.shapes[s];
        for (uint32_t i = 0; i < shape->width; i++) CHECK(ml_shape_slot(shape, shape->columns[i]) == i);
    }
    char *written = plain_text(document);
    ml_document_free(document);
    return written;
}

static void check_all(char *(*round_trip)(const char *, size_t), const char *text, size_t piece) {
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

/* A text scanned and written, copied, and thawed. */
static void check_text(const char *text, size_t piece) {
    check_all(round_trip, text, piece);
    if (piece) return;
    source = scan_text(LENIENT, text, NULL);
    if (source->root.rows < 100) {
        ml_table_column(&source->meta, 0x00020010, 1, NULL, 0);
        uint32_t shape = ml_table_shape(&source->meta, NULL, 0);
        for (uint32_t r = 0; r < 2; r++) CHECK(ml_table_add_row(&source->meta, shape, NULL));
        CHECK(ml_document_set_path(source, 3, "/a/path", 7));
    }
    check_all(copy_rows, text, 0);
    block_size = ml_freeze_size(source);
    CHECK(block_size <= sizeof block);
    ml_freeze(source, block);
    check_all(thaw_block, text, 0);
    ml_document_free(source);
}

int main(void) {
    static char text[100000];
    /* all forms, problems, odd keys, nesting, and what undoes and drops */
    check_text(
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
    check_text("{\"00080060\":{\"vr\":\"CS\"}}\n{\"00080060\":{\"vr\":\"LO\"}}", 7);
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
    check_text(text, 0);
    check_text(text, 20000);
    return ml_check_report();
}
