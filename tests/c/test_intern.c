/*
 * test_intern.c: distinct values: what is shared, very long values, columns whose index is given up, sequences.
 */
#include "scan_text.h"

#include "intern.h"

static const char *digits(char *text, uint32_t i) {
    snprintf(text, 32, "v%u", (unsigned)i);
    return text;
}

static uint32_t put(ml_document *document, uint32_t column, const char *text, int *fresh) {
    return ml_intern(&document->root, column, ML_FORM_STRING, ML_VR_LO, text, strlen(text), fresh);
}

/* Values that repeat keep one cell each, however many there are. */
static void test_shared(void) {
    ml_document *document = ml_document_new(3);
    uint32_t column = ml_table_column(&document->root, 0x00080060, 1, NULL, 0), wrong = 0;
    char text[32];
    int fresh;
    for (int round = 0; round < 40; round++) {
        for (uint32_t i = 0; i < 150; i++) {
            uint32_t cell = put(document, column, digits(text, i), &fresh);
            wrong += cell != i || fresh != (round == 0);
        }
    }
    CHECK_MSG(wrong == 0 && document->root.columns[column].count == 150, "%u wrong", (unsigned)wrong);
    /* once there have been hits, many more values find their equals */
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 20000; i++) {
            uint32_t cell = put(document, column, digits(text, i), &fresh);
            wrong += cell != i;
        }
    }
    CHECK_MSG(wrong == 0 && document->root.columns[column].count == 20000, "%u wrong", (unsigned)wrong);
    for (uint32_t i = 0; i < 20000; i++) {
        ml_value value = ml_value_at(document, &document->root.columns[column], i);
        digits(text, i);
        wrong += value.length != strlen(text) || memcmp(value.text, text, value.length) != 0;
    }
    CHECK_MSG(wrong == 0, "%u read back wrongly", (unsigned)wrong);
    ml_document_free(document);
}

/* Equal bytes of another form or VR are another value. */
static void test_told_apart(void) {
    ml_document *document = ml_document_new(3);
    ml_table *table = &document->root;
    uint32_t column = ml_table_column(table, 0x00080060, 1, NULL, 0);
    int fresh;
    for (int round = 0; round < 2; round++) {
        CHECK(ml_intern(table, column, ML_FORM_STRING, ML_VR_LO, "1", 1, &fresh) == 0);
        CHECK(ml_intern(table, column, ML_FORM_NUMBER, ML_VR_LO, "1", 1, &fresh) == 1);
        CHECK(ml_intern(table, column, ML_FORM_STRING, ML_VR_SH, "1", 1, &fresh) == 2);
        CHECK(ml_intern(table, column, ML_FORM_EMPTY, ML_VR_LO, NULL, 0, &fresh) == 3);
        CHECK(ml_intern(table, column, ML_FORM_EMPTY_LIST, ML_VR_LO, NULL, 0, &fresh) == 4);
        CHECK(ml_intern(table, column, ML_FORM_STRING, ML_VR_LO, "", 0, &fresh) == 5);
        CHECK(ml_intern(table, column, ML_FORM_STRING, ML_VR_UV, "1\0", 2, &fresh) == 6);
        CHECK(fresh == (round == 0));
    }
    ml_document_free(document);
}

/* Lengths around the one from which on a value's length has a field of its own (4 MiB). */
static void test_long(void) {
    enum { LIMIT = (1 << 22) - 1 };
    static const size_t lengths[] = {LIMIT - 1, LIMIT, LIMIT + 1, LIMIT + 5000000};
    ml_document *document = ml_document_new(3);
    uint32_t column = ml_table_column(&document->root, 0x00080060, 1, NULL, 0);
    char *text = malloc(LIMIT + 5000000);
    int fresh;
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 4; i++) {
            memset(text, 'a' + (int)i, lengths[i]);
            CHECK(ml_intern(&document->root, column, ML_FORM_STRING, ML_VR_UT, text, lengths[i], &fresh) == i);
            CHECK(fresh == (round == 0));
        }
    }
    for (uint32_t i = 0; i < 4; i++) {
        ml_value value = ml_value_at(document, &document->root.columns[column], i);
        memset(text, 'a' + (int)i, lengths[i]);
        CHECK(value.length == lengths[i] && value.form == ML_FORM_STRING && value.vr == ML_VR_UT);
        CHECK(memcmp(value.text, text, value.length) == 0);
    }
    free(text);
    ml_document_free(document);
}

/* The same through the scanner and the writer. */
static void test_long_document(void) {
    ml_buffer buffer = {0};
    ML_PUT(&buffer, "[");
    for (int i = 0; i < 3; i++) {
        ml_put(&buffer, ",{\"00080060\":{\"vr\":\"UT\",\"Value\":[\"" + !i, 33 + (i > 0));
        char *room = ml_buffer_room(&buffer, 5000000);
        memset(room, i == 1 ? 'x' : 'y', 5000000);
        buffer.length += 5000000;
        ML_PUT(&buffer, "\"]}}");
    }
    ml_put(&buffer, "]", 2);
    for (size_t piece = 0; piece <= 1000000; piece += 500000) {
        how h = LENIENT;
        h.piece = piece;
        ml_document *document = scan_bytes(h, buffer.data, buffer.length - 1, NULL);
        CHECK(document && document->root.columns[0].count == 2);
        char *written = document_text(document, ML_DIALECT_DICOM, NULL);
        CHECK(strcmp(written, buffer.data) == 0);
        free(written);
        ml_document_free(document);
    }
    free(buffer.data);
}

/* Values that never repeat: the index is given up, the values stay right. */
static void test_closing(void) {
    ml_document *document = ml_document_new(3);
    uint32_t column = ml_table_column(&document->root, 0x00080018, 1, NULL, 0), wrong = 0;
    char text[32];
    int fresh;
    for (uint32_t i = 0; i < 5000; i++) wrong += put(document, column, digits(text, i), &fresh) != i || !fresh;
    CHECK_MSG(wrong == 0, "%u wrong", (unsigned)wrong);
    CHECK(document->root.columns[column].index.closed && !document->root.columns[column].index.slots);
    /* an equal one may or may not be found; if it is, it is equal */
    uint32_t cell = put(document, column, "v17", &fresh);
    ml_value value = ml_value_at(document, &document->root.columns[column], cell);
    CHECK(value.length == 3 && memcmp(value.text, "v17", 3) == 0);
    ml_document_free(document);
}

/* Equal sequences share their rows, also of more items than are hashed; unlike ones do not. */
static void test_sequences(void) {
    for (int items = 1; items <= 200; items += 33) {
        ml_buffer buffer = {0};
        ML_PUT(&buffer, "[");
        for (int row = 0; row < 24; row++) {
            if (row) ml_put_char(&buffer, ',');
            ML_PUT(&buffer, "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[");
            for (int i = 0; i < items; i++) {
                char item[80];
                int last = i == items - 1 ? row / 2 % 3 : 0;
                if (i) ml_put_char(&buffer, ',');
                ml_put(&buffer, item,
                       (size_t)snprintf(item, sizeof item, "{\"00081155\":{\"vr\":\"UI\",\"Value\":[\"%d.%d\"]}}", i,
                                        last));
            }
            ML_PUT(&buffer, "]}}");
        }
        ml_put(&buffer, "]", 2);
        ml_document *document = scan_text(STRICT, buffer.data, NULL);
        const ml_column *column = document->root.columns;
        if (items <= 64) {
            CHECK(column->count == 3 && column->child->rows == 3 * (uint32_t)items);
        } else {
            CHECK(column->count == 12 && column->child->rows == 12 * (uint32_t)items);
        }
        char *written = document_text(document, ML_DIALECT_DICOM, NULL);
        CHECK(strcmp(written, buffer.data) == 0);
        free(written);
        free(buffer.data);
        ml_document_free(document);
    }
}

/* Many different sequences, each coming again later: the index of sequences. */
static void test_sequence_index(void) {
    ml_buffer buffer = {0};
    ML_PUT(&buffer, "[");
    for (int row = 0; row < 600; row++) {
        char text[120];
        ml_put(&buffer, text,
               (size_t)snprintf(
                   text, sizeof text,
                   "%s{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00081155\":{\"vr\":\"UI\",\"Value\":[\"%d\"]}"
                   "}%s]}}",
                   row ? "," : "", row % 60, row % 120 < 60 ? "" : ",{}"));
    }
    ml_put(&buffer, "]", 2);
    ml_document *document = scan_text(STRICT, buffer.data, NULL);
    CHECK(document->root.columns[0].count == 120 && document->root.columns[0].child->rows == 180);
    char *written = document_text(document, ML_DIALECT_DICOM, NULL);
    CHECK(strcmp(written, buffer.data) == 0);
    free(written);
    free(buffer.data);
    ml_document_free(document);
}

int main(void) {
    test_shared();
    test_told_apart();
    test_long();
    test_long_document();
    test_closing();
    test_sequences();
    test_sequence_index();
    return ml_check_report();
}
