/*
 * test_part10_reader.c: what is left out of a row; and readers that go on after a file that could not be added.
 */
#include "part10_bytes.h"

/* ---- what is left out ---- */

static void test_left_out(void) {
    const ml_syntax syntaxes[] = {IMPLICIT, EXPLICIT, BIG};
    for (int k = 0; k < 3; k++) {
        ml_syntax s = syntaxes[k];
        ml_buffer b = {0};
        put_bytes(&b, s, 0x00080000, "UL", "\0\0\0\0", 4);
        put_text(&b, s, 0x00080060, "CS", "CT");
        put_text(&b, s, 0x00020010, "UI", "1.2"); /* a stray of the meta information */
        put_bytes(&b, s, 0x00090000, "UL", "\0\0\0\0", 4);
        put_text(&b, s, 0x00090010, "LO", "x");
        opened sequence = open_value(&b, s, 0x0040A730, "SQ", 0);
        put_delimiter(&b, ML_TAG_SEQUENCE_END, s.big_endian);
        opened item = open_item(&b, s, 0);
        put_bytes(&b, s, 0x00100000, "UL", "\0\0\0\0", 4);
        put_delimiter(&b, ML_TAG_ITEM_END, s.big_endian);
        put_text(&b, s, 0x00100010, "PN", "A");
        put_bytes(&b, s, 0x00200000, "UL", "\0\0\0\0", 4);
        close_value(&b, item);
        put_delimiter(&b, ML_TAG_SEQUENCE_END, s.big_endian);
        close_value(&b, sequence);
        put_bytes(&b, s, 0x00500000, "UN", "", 0);
        check_read(file_of(s, b), NULL,
                   "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]},\"00090010\":{\"vr\":\"LO\",\"Value\":[\"x\"]},"
                   "\"0040A730\":{\"vr\":\"SQ\",\"Value\":[{\"00100010\":{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":"
                   "\"A\"}]}}]}}");
    }
}

static ml_buffer for_only(void) {
    ml_buffer b = {0};
    put_text(&b, IMPLICIT, 0x00080018, NULL, "1.2");
    put_text(&b, IMPLICIT, 0x00080060, NULL, "CT");
    opened sequence = open_value(&b, IMPLICIT, 0x00081140, NULL, 1);
    opened item = open_item(&b, IMPLICIT, 1);
    put_text(&b, IMPLICIT, 0x00080060, NULL, "MR");
    close_value(&b, item);
    close_value(&b, sequence);
    put_text(&b, IMPLICIT, 0x00090010, NULL, "GEMS_IDEN_01");
    put_text(&b, IMPLICIT, 0x00091001, NULL, "abc");
    put_us(&b, IMPLICIT, ML_TAG_PIXEL_REPRESENTATION, NULL, 1);
    put_us(&b, IMPLICIT, 0x00280106, NULL, 0xFFFF);
    b = file_of(IMPLICIT, b);
    put_head(&b, IMPLICIT, 0x7FE00010, NULL, 10);
    return b;
}

static void test_only(void) {
    static const struct {
        uint32_t tags[3], count;
        const char *expected;
    } cases[] = {
        {{0}, 0, "{}"},
        {{0x00080060}, 1, "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]}}"},
        {{0x00081140},
         1,
         "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"MR\"]}}]}}"},
        {{0x00080000, 0x00091001},
         2,
         "{\"00091001\":"
         "{\"vr\":\"LO\",\"Value\":[\"abc\"]}"
         "}"},
        {{0x00020010, 0x00280106, 0x00280107}, 3, "{\"00280106\":{\"vr\":\"SS\",\"Value\":[-1]}}"},
        {{0x00080060, 0x00090010},
         2,
         "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]},\"00090010\":{\"vr\":\"LO\",\"Value\":[\"GEMS_IDEN_01\"]}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ml_part10_options options = plain_options();
        options.only = cases[i].tags;
        options.only_count = cases[i].count;
        check_read(for_only(), &options, cases[i].expected);
    }
}

/* The leading part that is left out grows and shrinks, and not all of what follows changes with it. */
static void test_only_in_series(void) {
    static const uint32_t only[] = {0x00100010, 0x00100020, 0x00200013, 0x00204000};
    static const char *const uids[] = {"1.2", "1.2.3.4.5", "1", "1.2.3.4.5.6.7", "1.2"};
    static const char *const numbers[] = {"1", "1", "2", "2", "3"};
    ml_part10_options options = plain_options();
    options.only = only;
    options.only_count = 4;
    ml_part10 *reader = new_reader(&options, 0);
    for (int i = 0; i < 60; i++) {
        ml_buffer b = {0};
        put_text(&b, EXPLICIT, 0x00080018, "UI", uids[i % 5]);
        put_text(&b, EXPLICIT, 0x00100010, "PN", i % 7 ? "A" : "ABC");
        put_text(&b, EXPLICIT, 0x00100020, "LO", i % 11 ? "id" : "other");
        put_text(&b, EXPLICIT, 0x00200013, "IS", numbers[i / 2 % 5]);
        put_text(&b, EXPLICIT, 0x00204000, "LT", i % 3 ? "x" : "");
        b = file_of(EXPLICIT, b);
        ml_frame f;
        ml_error error;
        CHECK(frame_all(&b, &f, &error) && add_bytes(reader, b.data, &f, &NOWHERE));
        free(b.data);
    }
    ml_document *document = ml_part10_take(reader);
    ml_part10_free(reader);
    for (int i = 0; i < 60; i++) {
        char *text = table_row_text(&document->root, (uint32_t)i), expected[300];
        snprintf(expected, sizeof expected,
                 "{\"00100010\":{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":\"%s\"}]},\"00100020\":{\"vr\":\"LO\","
                 "\"Value\":[\"%s\"]},\"00200013\":{\"vr\":\"IS\",\"Value\":[%s]},\"00204000\":{\"vr\":\"LT\"%s}}",
                 i % 7 ? "A" : "ABC", i % 11 ? "id" : "other", numbers[i / 2 % 5], i % 3 ? ",\"Value\":[\"x\"]" : "");
        CHECK_TEXT(text, expected);
        free(text);
    }
    ml_document_free(document);
}

/* ---- after a file that failed ---- */

static ml_buffer with_private(uint32_t first, uint32_t count) {
    ml_buffer b = {0};
    put_text(&b, EXPLICIT, 0x00080060, "CS", "CT");
    for (uint32_t i = 0; i < count; i++) put_text(&b, EXPLICIT, 0x00091000 + first + i, "LO", "x");
    return file_of(EXPLICIT, b);
}

static int add_file(ml_part10 *reader, ml_buffer b, const ml_origin *origin) {
    ml_frame f;
    ml_error error;
    int done = frame_all(&b, &f, &error) && add_bytes(reader, b.data, &f, origin);
    free(b.data);
    return done;
}

/* Too many private attributes: only files with still others fail, again and again. */
static void test_limit_keys(void) {
    ml_part10_options options = plain_options();
    ml_limits limits = ML_TEST_LIMITS;
    limits.odd_keys = 5;
    ml_part10 *reader = ml_part10_new(&limits, 1, 0, &options);
    CHECK(add_file(reader, with_private(0, 5), &NOWHERE));
    for (int again = 0; again < 3; again++) {
        CHECK(!add_file(reader, with_private(0, 6), &NOWHERE));
        CHECK(ml_part10_error(reader)->code == ML_E_LIMIT_KEYS);
        CHECK(!add_file(reader, with_private(5, 1), &NOWHERE));
        CHECK(add_file(reader, with_private(0, 5), &NOWHERE) && add_file(reader, with_private(2, 2), &NOWHERE));
        CHECK(add_file(reader, with_private(0, 0), &NOWHERE));
    }
    CHECK(ml_part10_rows(reader) == 10);
    ml_document *document = ml_part10_take(reader);
    CHECK(document->root.rows == 10 && document->meta.rows == 10);
    char *text = table_row_text(&document->root, 5);
    CHECK_TEXT(text, "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]},\"00091002\":{\"vr\":\"LO\",\"Value\":[\"x\"]},"
                     "\"00091003\":{\"vr\":\"LO\",\"Value\":[\"x\"]}}");
    free(text);
    ml_document_free(document);
    ml_part10_free(reader);
}

/* A file that failed leaves neither its path nor its file meta information to the next one. */
static void test_nothing_left(void) {
    ml_part10_options options = plain_options();
    ml_limits limits = ML_TEST_LIMITS;
    limits.odd_keys = 1;
    ml_part10 *reader = ml_part10_new(&limits, 1, 0, &options);
    const ml_origin first = {.path = "/first", .path_length = 6}, second = {.path = "/second", .path_length = 7};
    CHECK(add_file(reader, with_private(0, 1), &first));
    CHECK(!add_file(reader, with_private(0, 2), &second));
    CHECK(add_file(reader, with_private(0, 1), &NOWHERE));
    ml_document *document = ml_part10_take(reader);
    ml_part10_free(reader);
    size_t n = 0;
    const char *path = ml_document_path(document, 0, &n);
    CHECK(document->root.rows == 2 && document->meta.rows == 2 && path && n == 6);
    CHECK(ml_document_path(document, 1, &n) == NULL);
    ml_document_free(document);
}

/* A problem is an error each time the file comes. */
static void test_strict(void) {
    ml_part10_options options = plain_options();
    ml_part10 *reader = new_reader(&options, 1);
    for (int again = 0; again < 3; again++) {
        for (int bad = 1; bad >= 0; bad--) {
            ml_buffer b = {0};
            put_text(&b, EXPLICIT, 0x00080060, "CS", "CT");
            opened sequence = open_value(&b, EXPLICIT, 0x00081140, "SQ", 0);
            opened item = open_item(&b, EXPLICIT, 0);
            put_text(&b, EXPLICIT, 0x00200013, "IS", bad ? "x" : "1");
            close_value(&b, item);
            close_value(&b, sequence);
            CHECK(add_file(reader, file_of(EXPLICIT, b), &NOWHERE) == !bad);
            const ml_error *error = ml_part10_error(reader);
            if (bad) CHECK(error->code == ML_E_PROBLEM && error->problem == ML_P_NOT_A_NUMBER && error->depth == 2);
        }
    }
    CHECK(ml_part10_rows(reader) == 3);
    ml_part10_free(reader);
}

/* The meta information of a file, and a file that ends with it. */
static void test_meta(void) {
    ml_part10_options options = plain_options();
    ml_buffer b = {0};
    put_meta(&b, UID_EXPLICIT);
    ml_document *document = read_alone(&b, &options);
    char *text = table_row_text(&document->meta, 0), *row = table_row_text(&document->root, 0);
    CHECK_TEXT(text, "{\"00020001\":{\"vr\":\"OB\",\"InlineBinary\":\"AAE=\"},\"00020010\":{\"vr\":\"UI\",\"Value\":["
                     "\"" UID_EXPLICIT "\"]},\"00020012\":{\"vr\":\"UI\",\"Value\":[\"1.2.3\"]}}");
    CHECK_TEXT(row, "{}");
    free(text);
    free(row);
    ml_document_free(document);
    free(b.data);
}

int main(void) {
    test_left_out();
    test_only();
    test_only_in_series();
    test_limit_keys();
    test_nothing_left();
    test_strict();
    test_meta();
    return ml_check_report();
}
