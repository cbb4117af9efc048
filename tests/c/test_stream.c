/*
 * test_stream.c: input in pieces of every size gives the document, and the error, that it gives as a whole.
 */
#include "scan_text.h"

static void check_same_error(const ml_error *a, const ml_error *b, const char *text, size_t piece) {
    CHECK_MSG(a->code == b->code && a->problem == b->problem && a->offset == b->offset && a->row == b->row &&
                  a->depth == b->depth && same_path(a->path, b->path, a->depth),
              "%.200s in pieces of %zu: error %d (%d) at %d in row %d, not %d (%d) at %d in row %d", text, piece,
              b->code, b->problem, (int)b->offset, (int)b->row, a->code, a->problem, (int)a->offset, (int)a->row);
}

/* What was listed, but for the counts: those depend on what prediction could skip. */
static void check_same_problems(const ml_problems *a, const ml_problems *b, const char *text) {
    CHECK_MSG(a->count == b->count, "%.200s: %d and %d problems", text, (int)a->count, (int)b->count);
    for (uint32_t i = 0; i < a->count && i < b->count; i++) {
        const ml_problem *x = &a->list[i], *y = &b->list[i];
        CHECK_MSG(x->kind == y->kind && x->row == y->row && x->offset == y->offset && x->depth == y->depth,
                  "%.200s: problem %d at %d and %d at %d", text, x->kind, (int)x->offset, y->kind, (int)y->offset);
    }
}

static void check_pieces(const char *text, size_t n, size_t piece) {
    for (int strict = 0; strict < 2; strict++) {
        ml_error whole_error, error;
        how h = strict ? STRICT : LENIENT;
        ml_document *whole = scan_bytes(h, text, n, &whole_error);
        h.piece = piece;
        ml_document *pieced = scan_bytes(h, text, n, &error);
        CHECK_MSG(!whole == !pieced, "%.200s in pieces of %zu", text, piece);
        if (whole && pieced) {
            char *a = document_text(whole, ML_DIALECT_SPELLED, NULL);
            char *b = document_text(pieced, ML_DIALECT_SPELLED, NULL);
            CHECK_MSG(strcmp(a, b) == 0, "%.200s in pieces of %zu", text, piece);
            free(a);
            free(b);
            check_same_problems(&whole->problems, &pieced->problems, text);
        } else {
            check_same_error(&whole_error, &error, text, piece);
        }
        ml_document_free(whole);
        ml_document_free(pieced);
    }
}

static const char *const TEXTS[] = {
    "",
    " ",
    "{}",
    "[]",
    "[{},{}]",
    "{} {}\n{}",
    "\xEF\xBB\xBF[{\"00080060\":{\"vr\":\"CS\"}}]",
    "\xEF\xBB\xBF",
    "\xEF\xBB",
    "\xEF\xBB{}",
    "x{}",
    "[{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"}]\\\"]\"]}} , {\"00080060\":{\"vr\":\"CS\",\"Value\":[\"\\\\\"]}}]",
    "[{\"00100010\":{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"}]}}][{}]",
    "[{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"\\ud83d\\ude00\"]}},{\"00080060\":{\"Value\":[1]}}]",
    "[{},",
    "[{}}",
    "[{}]]",
    "{}}{}",
    "[{},{\"00080060\":{\"vr\":\"CS\"]},{}]",
    "[{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"\n\"]}}]",
    "[{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"\xff\"]}}]",
    "[{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"\\",
    "[{\"00080060\":{\"vr\":\"CS\",\"Value\":[01]}},{}]",
    "[{\"00080060\":{\"vr\":\"CS\",\"Value\":[tru]}},{}]",
    "[{\"a\":}},{}]",
    "[{\"a\":[1}]},{}]",
    "{{}}",
    "[[{}]]",
    "null",
    "[1]",
};

static void test_short(void) {
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        size_t n = strlen(TEXTS[i]);
        for (size_t piece = 1; piece <= n + 1; piece++) check_pieces(TEXTS[i], n, piece);
    }
}

/*
 * Rows that differ from the one before in each way that is read otherwise: values alone, lists, lists with nulls,
 * escapes, names, sequences and what is in them, elements more and fewer, one twice.
 */
static ml_buffer unlike_text(int spaces) {
    ml_buffer buffer = {0};
    const char *gap = spaces ? "\n  " : "";
    for (int r = 0; r < 14; r++) {
        char row[1200];
        int n = snprintf(
            row, sizeof row,
            "%c%s{%s\"00080008\":{\"vr\":\"CS\",\"Value\":[\"A\",%s\"B%d\"]},%s\"00080018\":{\"vr\":\"UI\",\"Value\":"
            "[\"1.2.%d\"]},\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00081155\":{\"vr\":\"UI\",\"Value\":[\"1.%d\"]}},"
            "{\"00081150\":{\"vr\":\"UI\"}}]},%s\"00100010\":{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":\"%s^%d\"}]},"
            "\"00181151\":{\"Value\":[%s],\"vr\":\"IS\"},\"00200032\":{\"vr\":\"DS\",\"Value\":[-1.5,%s%d,%d.25]},"
            "\"00204000\":{\"vr\":\"LT\",\"Value\":[\"%s\"]},%s%s\"00280106\":{\"vr\":\"SS\",\"Value\":[-%d]}%s}",
            r ? ',' : '[', gap, gap, r % 4 ? "" : "null,", r / 2, gap, r * r * r, r / 3,
            r % 5 == 3 ? "\"00090010\":{\"vr\":\"LO\",\"Value\":[\"X\"]}," : "", r % 3 ? "\xc3\xa4\xe2\x82\xac" : "b",
            r, r % 6 == 4 ? "\"x\"" : "7", gap, r * 1000, r, r % 4 == 1 ? "}]\\\"\\\\{[" : "plain {[",
            r % 7 == 5 ? "" : "\"00280030\":{\"vr\":\"DS\",\"Value\":[\"0.5\",\"0.5\"]},",
            r == 9 ? "\"00280106\":{}," : "", r, gap);
        ml_put(&buffer, row, (size_t)n);
    }
    ml_put_char(&buffer, ']');
    return buffer;
}

/* In pieces of every size, and cut off or damaged anywhere. */
static void test_cut(void) {
    for (int spaces = 0; spaces < 2; spaces++) {
        ml_buffer text = unlike_text(spaces);
        for (size_t piece = 1; piece < 1200; piece += piece < 130 ? 1 : 41) check_pieces(text.data, text.length, piece);
        for (size_t n = 1; n < text.length; n += 3) check_pieces(text.data, n, 1 + n % 97);
        for (size_t at = 2; at < text.length; at += 5) {
            char kept = text.data[at];
            text.data[at] = "}\"\\,[x\x01"[at % 7];
            check_pieces(text.data, text.length, 1 + at % 701);
            text.data[at] = kept;
        }
        free(text.data);
    }
}

/* Enough rows for several batches of the buffer, each unlike the last one in something. */
static ml_buffer long_text(int lines) {
    ml_buffer buffer = {0};
    if (!lines) ml_put_char(&buffer, '[');
    for (int r = 0; r < 6000; r++) {
        char row[400];
        int n = snprintf(row, sizeof row,
                         "{\"00080018\":{\"vr\":\"UI\",\"Value\":[\"1.2.%d\"]},\"00080060\":{\"vr\":\"CS\",\"Value\":"
                         "[\"%s\"]},%s\"00200013\":{\"vr\":\"IS\",\"Value\":[%d%s]},\"7FE00010\":{\"vr\":\"OW\","
                         "\"InlineBinary\":\"%s\"}}",
                         r, r % 7 ? "CT" : "}]{[\\\"\\\\",
                         r % 5 ? "" : "\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00081155\":{\"vr\":\"UI\"}},{}]},",
                         r % 1000, r % 2999 == 2998 ? ".5" : "", r % 4000 == 3999 ? "A" : "AAAA");
        if (r) ML_PUT(&buffer, ",");
        if (lines && r) buffer.data[buffer.length - 1] = '\n';
        ml_put(&buffer, row, (size_t)n);
    }
    if (!lines) ml_put_char(&buffer, ']');
    return buffer;
}

static void test_long(void) {
    static const size_t pieces[] = {97, 4096, 65536, 262143, 262144, 262145, 1000000, 10000000};
    for (int lines = 0; lines < 2; lines++) {
        ml_buffer text = long_text(lines);
        for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) check_pieces(text.data, text.length, pieces[i]);
        /* faults before, at and behind a batch's end */
        for (size_t at = 200000; at < text.length; at += 100003) {
            char kept = text.data[at];
            text.data[at] = '}';
            check_pieces(text.data, text.length, 30000);
            text.data[at] = '\x01';
            check_pieces(text.data, text.length, 300000);
            text.data[at] = kept;
            check_pieces(text.data, at, 50000);
        }
        free(text.data);
    }
}

/* After an error nothing is accepted any more. */
static void test_after_error(void) {
    ml_scan *scan = ml_scan_new(&ML_TEST_LIMITS, 1, 0);
    ml_limits few = ML_TEST_LIMITS;
    CHECK(ml_scan_feed(scan, "{}x", 3) == 1);
    CHECK(ml_scan_end(scan) == 0 && ml_scan_error(scan)->code == ML_E_SYNTAX);
    CHECK(ml_scan_feed(scan, "{}", 2) == 0);
    CHECK(ml_scan_end(scan) == 0);
    ml_scan_free(scan);
    few.bytes = 4;
    scan = ml_scan_new(&few, 1, 0);
    CHECK(ml_scan_feed(scan, "{}", 2) == 1);
    CHECK(ml_scan_feed(scan, "{} ", 3) == 0 && ml_scan_error(scan)->code == ML_E_LIMIT_BYTES);
    CHECK(ml_scan_feed(scan, "", 0) == 0);
    CHECK(ml_scan_end(scan) == 0 && ml_scan_error(scan)->code == ML_E_LIMIT_BYTES);
    ml_scan_free(scan);
    scan = ml_scan_new(&ML_TEST_LIMITS, 1, 0);
    CHECK(ml_scan_feed(scan, NULL, 0) == 1);
    CHECK(ml_scan_end(scan) == 0 && ml_scan_error(scan)->code == ML_E_EMPTY);
    ml_scan_free(scan);
}

int main(void) {
    test_short();
    test_cut();
    test_long();
    test_after_error();
    return ml_check_report();
}
