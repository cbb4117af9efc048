/*
 * scan_text.h: texts to documents and back, as most of the scanner's tests need it.
 *
 * Every input is copied into a block of just its size, so that a sanitizer sees any step beyond.
 */
#ifndef ML_SCAN_TEXT_H
#define ML_SCAN_TEXT_H

#include <stdlib.h>

#include "check.h"

#include "document.h"
#include "write.h"

static const ml_limits ML_TEST_LIMITS = {(uint64_t)1 << 31, 64, 1024, 1000000, 1000};

typedef struct how {
    ml_limits limits;
    int strict;
    size_t piece; /* 0: as a whole */
} how;

static const how LENIENT = {{(uint64_t)1 << 31, 64, 1024, 1000000, 1000}, 0, 0};
static const how STRICT = {{(uint64_t)1 << 31, 64, 1024, 1000000, 1000}, 1, 0};

/* The document, or NULL; the error in any case. Two documents of one seed come out alike. */
static inline ml_document *scan_bytes(how h, const char *text, size_t n, ml_error *error) {
    ml_scan *scan = ml_scan_new(&h.limits, 12345, h.strict);
    ml_document *document = NULL;
    int ok = 1;
    if (n > SIZE_MAX / 2) abort(); /* which compilers would otherwise warn of */
    if (h.piece == 0) {
        char *copy = malloc(n ? n : 1);
        memcpy(copy, text, n);
        ok = ml_scan_all(scan, n ? copy : NULL, n);
        free(copy); /* nothing may be kept of it */
    } else {
        for (size_t i = 0; i < n && ok; i += h.piece) {
            size_t k = n - i < h.piece ? n - i : h.piece;
            char *copy = malloc(k);
            memcpy(copy, text + i, k);
            ok = ml_scan_feed(scan, copy, k);
            free(copy);
        }
        ok = ok && ml_scan_end(scan);
    }
    if (error) *error = *ml_scan_error(scan);
    CHECK_MSG(ok == (ml_scan_error(scan)->code == ML_OK), "result %d with error %d", ok, ml_scan_error(scan)->code);
    if (ok) document = ml_scan_take(scan);
    ml_scan_free(scan);
    return document;
}

static inline ml_document *scan_text(how h, const char *text, ml_error *error) {
    return scan_bytes(h, text, strlen(text), error);
}

/* What a writer has written, NUL-terminated; for the caller to free. */
static inline char *writer_text(ml_writer *writer, size_t *length) {
    ml_buffer *buffer = ml_writer_buffer(writer);
    if (length) *length = buffer->length;
    ml_put_char(buffer, '\0');
    CHECK(!buffer->failed);
    char *data = buffer->data;
    buffer->data = NULL;
    return data;
}

/* One row, NUL-terminated; for the caller to free. NULL when the dialect has no way of writing it. */
static inline char *row_text(const ml_document *document, uint32_t row, ml_dialect dialect) {
    ml_writer *writer = ml_writer_new(dialect);
    char *text = ml_write_row(writer, &document->root, row) ? writer_text(writer, NULL) : NULL;
    ml_writer_free(writer);
    return text;
}

/* All rows as an array, null for those the dialect has no way of writing; for the caller to free. */
static inline char *document_text(const ml_document *document, ml_dialect dialect, size_t *length) {
    ml_writer *writer = ml_writer_new(dialect);
    ml_buffer *buffer = ml_writer_buffer(writer);
    ml_put_char(buffer, '[');
    for (uint32_t r = 0; r < document->root.rows; r++) {
        if (r) ml_put_char(buffer, ',');
        if (!ml_write_row(writer, &document->root, r)) ML_PUT(buffer, "null");
    }
    ml_put_char(buffer, ']');
    char *text = writer_text(writer, length);
    ml_writer_free(writer);
    return text;
}

/* The value of an attribute in a row of a table; form ML_FORM_RAW with text NULL when it lacks it. */
static inline ml_value value_of(const ml_table *table, uint32_t row, uint32_t tag) {
    ml_row place = ml_table_row(table, row);
    const ml_shape *shape = &table->shapes[place.shape];
    for (uint32_t s = 0; s < shape->width; s++) {
        const ml_column *column = &table->columns[shape->columns[s]];
        if (column->tag == tag && column->primary != ML_NO_INDEX)
            return ml_value_at(table->document, column, ml_shape_cell(shape, s, place.index));
    }
    return (ml_value){ML_FORM_RAW, ML_VR_NONE, NULL, 0};
}

/* Whether two faults lie in one place; the item of the last step says nothing. */
static inline int same_path(const ml_step *a, const ml_step *b, uint32_t steps) {
    for (uint32_t i = 0; i < steps; i++) {
        if (a[i].tag != b[i].tag || (i + 1 < steps && a[i].item != b[i].item)) return 0;
    }
    return 1;
}

/* A pseudo-random number below n: xorshift64*, seeded by the caller. */
static inline uint32_t random_below(uint64_t *state, uint32_t n) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)((*state * 0x2545F4914F6CDD1DULL >> 32) % n);
}

#endif
