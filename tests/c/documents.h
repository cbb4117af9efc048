/*
 * documents.h: documents of every kind, and whether two are the same: for what takes them to pieces and puts them
 * together again.
 */
#ifndef ML_DOCUMENTS_H
#define ML_DOCUMENTS_H

#include "scan_text.h"

#include "intern.h"

/* All forms, problems, odd keys, twins, nesting, rows of one make-up and of many, none. */
static const char *const TEXTS[] = {
    "[]",
    "{}",
    "[{},{},{}]",
    "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]}}",
    "[{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]},\"00280030\":{\"vr\":\"DS\",\"Value\":[ 1.5, 2 ]}},"
    "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"MR\"]},\"00280030\":{\"vr\":\"DS\",\"Value\":[ 1.5, 2.5 ]}},"
    "{\"00280030\":{\"vr\":\"DS\",\"Value\":[\"\\u0031\", null]},\"x\\u0079\":{},\"Rows\":[1, 2]},"
    "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00081155\":{\"vr\":\"UI\"}},{}]},\"00080060\":{\"vr\":\"CS\"},"
    "\"00080060\":{\"vr\":\"CS\",\"Value\":[\"A\",\"B\"]}},"
    "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00081155\":{\"vr\":\"UI\"}},3]},"
    "\"00100010\":{\"vr\":\"PN\",\"Value\":[{ \"Alphabetic\":\"A\"}]}},"
    "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"0008114A\":{\"vr\":\"SQ\",\"Value\":[{\"00091001\":{}}]}}]},"
    "\"7FE00010\":{\"vr\":\"OW\",\"InlineBinary\":\"AAAA\"}},{}]",
    "[{\"0040a730\":{\"vr\":\"SQ\",\"Value\":[{\"0040A730\":{\"vr\":\"SQ\",\"Value\":[{},{\"00080100\":{\"vr\":\"SH\","
    "\"Value\":[\"a\"]}}]}}]}},{\"0040A730\":{\"vr\":\"SQ\",\"Value\":[]}},{\"(0040,A730)\":{\"vr\":\"SQ\"}},"
    "{\"0040A730\":{\"vr\":\"SQ\",\"Value\":[{\"0040A730\":{\"vr\":\"SQ\",\"Value\":[{\"00080100\":7}]}}]}}]",
    "[{\"00080060\":{\"Value\":\"CT\"},\"00280010\":{\"vr\":\"US\",\"Value\":[\"512\"]},\"x\":7,\"\":{\"vr\":\"LO\"},"
    "\"7FE00010\":{\"vr\":\"OW\",\"InlineBinary\":\"AAAA\",\"BulkDataURI\":\"u\"}},"
    "{\"00080060\":{\"vr\":\"XX\"},\"00280030\":{\"vr\":\"DS\",\"Value\":[NaN,1e400,\"inf\"]},"
    "\"00080005\":{\"vr\":\"CS\",\"Value\":[\"\\u0041\",\"\\ud83d\"]}},"
    "{\"7FE00010\":{\"vr\":\"OW\",\"BulkDataURI\":\"http://h/1\"},\"00091001\":[ 1, { \"b\" : null } ]}]",
};
enum { TEXT_COUNT = sizeof TEXTS / sizeof *TEXTS };

static inline void put_text(ml_buffer *out, const char *s) {
    ml_put(out, s, strlen(s));
}

static inline void put_random_dataset(ml_buffer *out, uint64_t *state, uint32_t depth) {
    static const char *const keys[] = {
        "00080060", "00080018", "00280010",    "(0028,0010)", "0028030",   "0009100a", "0009100A",
        "Modality", "00100010", "(0009,1001)", "00091001",    "key \\\"1", "7FE00010", "00200032",
    };
    static const char *const values[] = {
        "{}",
        "{\"vr\":\"CS\"}",
        "{\"vr\":\"LO\",\"Value\":[]}",
        "{\"vr\":\"DS\",\"Value\":[0.5,-1,1e3]}",
        "{\"vr\":\"US\",\"Value\":[\"x\"]}",
        "{\"vr\":\"OW\",\"BulkDataURI\":\"u/1\"}",
        "{\"vr\":\"OB\",\"InlineBinary\":\"AAAA\"}",
        "{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":\"A^B\",\"Phonetic\":\"P\"}]}",
        "[1,{\"b\":null}]",
        "{\"vr\":\"ZZ\",\"Value\":[\"a\",\"\\u0041\"]}",
    };
    static const char *const sequences[] = {"00081140", "0040A730", "0040a730", "00091140"};
    char number[64];
    const char *comma = "";
    ml_put_char(out, '{');
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (random_below(state, 4) == 0) continue;
        snprintf(number, sizeof number, "%s\"%s\":", comma, keys[i]);
        put_text(out, number);
        comma = ",";
        uint32_t kind = random_below(state, 16);
        if (kind < sizeof values / sizeof *values) {
            put_text(out, values[kind]);
        } else {
            snprintf(number, sizeof number, "{\"vr\":\"LO\",\"Value\":[\"v%u\"]}",
                     random_below(state, kind < 12 ? 100000 : 5));
            put_text(out, number);
        }
    }
    for (uint32_t i = 0; depth && i < sizeof sequences / sizeof *sequences; i++) {
        if (random_below(state, 3)) continue;
        snprintf(number, sizeof number, "%s\"%s\":{\"vr\":\"SQ\",\"Value\":[", comma, sequences[i]);
        put_text(out, number);
        comma = ",";
        uint32_t items = 1 + random_below(state, random_below(state, 50) ? 3 : 80);
        for (uint32_t k = 0; k < items; k++) {
            if (k) ml_put_char(out, ',');
            put_random_dataset(out, state, depth - 1);
        }
        ML_PUT(out, "]}");
    }
    ml_put_char(out, '}');
}

static inline ml_document *random_document(uint32_t seed, uint32_t rows, uint32_t depth) {
    uint64_t state = seed * 2654435769u + 1;
    ml_buffer out = {0};
    for (uint32_t r = 0; r < rows; r++) {
        put_random_dataset(&out, &state, depth);
        ml_put_char(&out, '\n');
    }
    ml_document *document = scan_bytes(LENIENT, out.data, out.length, NULL);
    CHECK(document != NULL);
    free(out.data);
    return document;
}

/* Sequences in sequences, so many. */
static inline ml_document *deep_document(uint32_t depth) {
    how h = {ML_TEST_LIMITS, 0, 0};
    h.limits.sequence_depth = depth;
    h.limits.json_depth = 4 * depth + 4;
    ml_buffer out = {0};
    for (uint32_t i = 0; i < depth; i++) ML_PUT(&out, "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[");
    ML_PUT(&out, "{\"00080060\":{\"vr\":\"CS\"}}");
    for (uint32_t i = 0; i < depth; i++) ML_PUT(&out, "]}}");
    ml_document *document = scan_bytes(h, out.data, out.length, NULL);
    CHECK(document != NULL);
    free(out.data);
    return document;
}

/* One whose rows were files, every third of which has no path. */
static inline ml_document *files_document(uint32_t rows) {
    ml_document *document = ml_document_new(77);
    for (uint32_t r = 0; r < rows; r++) {
        char text[32];
        uint32_t cells[2];
        int fresh, n = snprintf(text, sizeof text, "/files/%u", r);
        if (r % 3) CHECK(ml_document_set_path(document, r, text, (size_t)n));
        uint32_t columns[2] = {ml_table_column(&document->meta, 0x00020010, 1, NULL, 0),
                               ml_table_column(&document->meta, 0x00020003, 1, NULL, 0)};
        cells[0] = ml_intern(&document->meta, columns[0], ML_FORM_STRING, ML_VR_UI, "1.2", 3, &fresh);
        cells[1] = ml_intern(&document->meta, columns[1], ML_FORM_STRING, ML_VR_UI, text, (size_t)n, &fresh);
        CHECK(ml_table_add_row(&document->meta, ml_table_shape(&document->meta, columns, 2), cells));
        columns[0] = ml_table_column(&document->root, 0x00080018, 1, NULL, 0);
        cells[0] = ml_intern(&document->root, columns[0], ML_FORM_STRING, ML_VR_UI, text, (size_t)n, &fresh);
        CHECK(ml_table_add_row(&document->root, ml_table_shape(&document->root, columns, 1), cells));
    }
    ml_document_finish(document);
    return document;
}

static inline char *table_row_text(const ml_table *table, uint32_t row, ml_dialect dialect) {
    ml_writer *writer = ml_writer_new(dialect);
    char *text = ml_write_row(writer, table, row) ? writer_text(writer, NULL) : NULL;
    ml_writer_free(writer);
    return text;
}

/* Whether two rows are written alike in every dialect, and their meta rows and paths are alike. */
static inline int same_row(const ml_document *a, uint32_t x, const ml_document *b, uint32_t y) {
    int same = 1;
    for (ml_dialect dialect = 0; dialect < ML_DIALECT_COUNT; dialect++) {
        char *s = row_text(a, x, dialect), *t = row_text(b, y, dialect);
        same &= s ? t && strcmp(s, t) == 0 : !t;
        free(s);
        free(t);
    }
    int meta = x < a->meta.rows;
    if (meta && y < b->meta.rows) {
        char *s = table_row_text(&a->meta, x, ML_DIALECT_DICOM), *t = table_row_text(&b->meta, y, ML_DIALECT_DICOM);
        same &= strcmp(s, t) == 0;
        free(s);
        free(t);
    } else {
        same &= !meta;
    }
    size_t m, n;
    const char *p = ml_document_path(a, x, &m), *q = ml_document_path(b, y, &n);
    return same && (p ? q && m == n && memcmp(p, q, n) == 0 : !q);
}

/* Whether two documents are written alike, row after row, with meta rows and paths. */
static inline int same_documents(const ml_document *a, const ml_document *b) {
    int same = a->root.rows == b->root.rows && a->meta.rows == b->meta.rows;
    for (ml_dialect dialect = 0; dialect < ML_DIALECT_COUNT && same; dialect++) {
        size_t m, n;
        char *s = document_text(a, dialect, &m), *t = document_text(b, dialect, &n);
        same = m == n && memcmp(s, t, n) == 0;
        free(s);
        free(t);
    }
    for (uint32_t r = 0; r < a->root.rows && same; r += 1 + a->root.rows / 50) same = same_row(a, r, b, r);
    return same;
}

#endif
