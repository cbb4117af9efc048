/*
 * part10_bytes.h: encoded data sets and files, put together piece by piece, and read again, for the tests of the
 * Part-10 reader.
 *
 * Whatever is framed or added is copied into a block of just the size that the reader may look at, so that a sanitizer
 * sees any step beyond: a frame has the bytes at hand, a row those of the header and none of the pixel data.
 */
#ifndef ML_PART10_BYTES_H
#define ML_PART10_BYTES_H

#include "scan_text.h"

#include "dicom.h"

static const ml_syntax IMPLICIT = {0, 0}, EXPLICIT = {1, 0}, BIG = {1, 1};

#define UID_IMPLICIT "1.2.840.10008.1.2"
#define UID_EXPLICIT "1.2.840.10008.1.2.1"
#define UID_DEFLATED "1.2.840.10008.1.2.1.99"
#define UID_BIG "1.2.840.10008.1.2.2"

/* ---- encoding ---- */

static inline void put16(ml_buffer *b, uint32_t v, int big) {
    ml_put_char(b, (char)(big ? v >> 8 : v));
    ml_put_char(b, (char)(big ? v : v >> 8));
}

static inline void put32(ml_buffer *b, uint32_t v, int big) {
    put16(b, big ? v >> 16 : v, big);
    put16(b, big ? v : v >> 16, big);
}

static inline void put_tag(ml_buffer *b, uint32_t tag, int big) {
    put16(b, tag >> 16, big);
    put16(b, tag & 0xFFFF, big);
}

/* An element's head. vr NULL: without, as in implicit VR, whatever the syntax. */
static inline void put_head(ml_buffer *b, ml_syntax s, uint32_t tag, const char *vr, uint32_t length) {
    put_tag(b, tag, s.big_endian);
    if (!s.explicit_vr || !vr) {
        put32(b, length, s.big_endian);
        return;
    }
    ml_put(b, vr, 2);
    if (ml_has_long_length(ml_vr_of(vr))) {
        put16(b, 0, 0);
        put32(b, length, s.big_endian);
    } else {
        put16(b, length, s.big_endian);
    }
}

static inline void put_bytes(ml_buffer *b, ml_syntax s, uint32_t tag, const char *vr, const char *value, size_t n) {
    put_head(b, s, tag, vr, (uint32_t)n);
    ml_put(b, value, n);
}

/* Text, padded to an even length. */
static inline void put_text(ml_buffer *b, ml_syntax s, uint32_t tag, const char *vr, const char *text) {
    size_t n = strlen(text);
    put_head(b, s, tag, vr, (uint32_t)(n + n % 2));
    ml_put(b, text, n);
    if (n % 2) ml_put_char(b, vr && strcmp(vr, "UI") == 0 ? '\0' : ' ');
}

static inline void put_us(ml_buffer *b, ml_syntax s, uint32_t tag, const char *vr, uint32_t value) {
    put_head(b, s, tag, vr, 2);
    put16(b, value, s.big_endian);
}

/* A sequence, an item, or a value of fragments that is still open. */
typedef struct opened {
    size_t length_at; /* where its length stands, which is filled in when it is closed; 0: it is undefined */
    size_t start;
    uint32_t delimiter;
    int length_big, delimiter_big; /* what stands in an UN is little endian, its delimiter included */
} opened;

static inline opened open_value(ml_buffer *b, ml_syntax s, uint32_t tag, const char *vr, int undefined) {
    put_head(b, s, tag, vr, undefined ? ML_UNDEFINED : 0);
    int unknown = vr && strcmp(vr, "UN") == 0;
    return (opened){undefined ? 0 : b->length - 4, b->length, ML_TAG_SEQUENCE_END, s.big_endian,
                    s.big_endian && !unknown};
}

static inline opened open_item(ml_buffer *b, ml_syntax s, int undefined) {
    put_tag(b, ML_TAG_ITEM, s.big_endian);
    put32(b, undefined ? ML_UNDEFINED : 0, s.big_endian);
    return (opened){undefined ? 0 : b->length - 4, b->length, ML_TAG_ITEM_END, s.big_endian, s.big_endian};
}

static inline void put_delimiter(ml_buffer *b, uint32_t tag, int big) {
    put_tag(b, tag, big);
    put32(b, 0, big);
}

/* Fills in the length or puts the delimiter. */
static inline void close_value(ml_buffer *b, opened o) {
    if (!o.length_at) {
        put_delimiter(b, o.delimiter, o.delimiter_big);
        return;
    }
    ml_buffer length = {0};
    put32(&length, (uint32_t)(b->length - o.start), o.length_big);
    memcpy(b->data + o.length_at, length.data, 4);
    free(length.data);
}

/* Preamble and file meta information; uid NULL: no transfer syntax. */
static inline void put_meta(ml_buffer *b, const char *uid) {
    for (int i = 0; i < 128; i++) ml_put_char(b, '\0');
    ML_PUT(b, "DICM");
    put_head(b, EXPLICIT, 0x00020000, "UL", 4);
    size_t at = b->length;
    put32(b, 0, 0);
    put_bytes(b, EXPLICIT, 0x00020001, "OB", "\0\1", 2);
    if (uid) put_text(b, EXPLICIT, ML_TAG_TRANSFER_SYNTAX, "UI", uid);
    put_text(b, EXPLICIT, 0x00020012, "UI", "1.2.3");
    b->data[at] = (char)(b->length - at - 4);
}

static inline const char *uid_of(ml_syntax s) {
    return !s.explicit_vr ? UID_IMPLICIT : s.big_endian ? UID_BIG : UID_EXPLICIT;
}

/* A file of one data set, which is freed. */
static inline ml_buffer file_of(ml_syntax s, ml_buffer data_set) {
    ml_buffer b = {0};
    put_meta(&b, uid_of(s));
    ml_put(&b, data_set.data, data_set.length);
    free(data_set.data);
    return b;
}

/* ---- reading ---- */

static inline ml_framing framing_of(uint64_t size) {
    return (ml_framing){.size = size, .max_depth = 64, .max_bytes = UINT64_MAX};
}

/* Frames the first n bytes. */
static inline int frame_bytes(const char *data, size_t n, const ml_framing *framing, ml_frame *frame, ml_error *error) {
    char *copy = malloc(n ? n : 1);
    if (n) memcpy(copy, data, n);
    int done = ml_part10_frame(copy, n, framing, frame, error);
    free(copy);
    CHECK_MSG(done == (error->code == ML_OK), "result %d with error %d", done, error->code);
    if (done) CHECK(frame->end <= n && frame->start <= frame->end && frame->meta_end <= frame->start);
    return done;
}

/* Frames all of a file. */
static inline int frame_all(const ml_buffer *b, ml_frame *frame, ml_error *error) {
    ml_framing framing = framing_of(b->length);
    return frame_bytes(b->data, b->length, &framing, frame, error);
}

/* Frames a file and frees it. The code of the error, ML_OK without. */
static inline ml_code framed(ml_buffer b, ml_frame *frame) {
    ml_error error;
    frame_all(&b, frame, &error);
    free(b.data);
    return error.code;
}

static const ml_origin NOWHERE = {.path = NULL};

static inline int add_bytes(ml_part10 *reader, const char *data, const ml_frame *frame, const ml_origin *origin) {
    size_t n = (size_t)frame->end;
    char *copy = malloc(n ? n : 1);
    if (n) memcpy(copy, data, n);
    int done = ml_part10_add(reader, copy, frame, origin);
    free(copy);
    CHECK_MSG(done == (ml_part10_error(reader)->code == ML_OK), "result %d with error %d", done,
              ml_part10_error(reader)->code);
    return done;
}

/* Where the text of other character sets goes: its bytes in hex, after the name of the set. */
static inline int decode_as_hex(void *context, const char *value, size_t n, ml_vr vr, const char *set,
                                size_t set_length, ml_buffer *out) {
    (void)vr;
    if (context) ++*(int *)context;
    ml_put_char(out, '<');
    ml_put(out, set, set_length);
    ml_put_char(out, ':');
    for (size_t i = 0; i < n; i++) {
        ml_put_char(out, "0123456789abcdef"[(unsigned char)value[i] >> 4]);
        ml_put_char(out, "0123456789abcdef"[value[i] & 15]);
    }
    ml_put_char(out, '>');
    return out->failed ? 0 : value[0] == '?' ? 2 : 1;
}

static inline ml_part10_options plain_options(void) {
    return (ml_part10_options){NULL, 0, 1024, decode_as_hex, NULL};
}

static inline ml_part10 *new_reader(const ml_part10_options *options, int strict) {
    return ml_part10_new(&ML_TEST_LIMITS, 12345, strict, options);
}

/* The document of one file, or NULL after a failed check. */
static inline ml_document *read_alone(const ml_buffer *file, const ml_part10_options *options) {
    ml_frame frame;
    ml_error error;
    ml_document *document = NULL;
    if (!frame_all(file, &frame, &error)) {
        CHECK_MSG(0, "not framed: error %d at %d", error.code, (int)error.offset);
        return NULL;
    }
    ml_part10 *reader = new_reader(options, 0);
    int done = add_bytes(reader, file->data, &frame, &NOWHERE);
    CHECK_MSG(done, "not read: error %d at %d", ml_part10_error(reader)->code, (int)ml_part10_error(reader)->offset);
    if (done) document = ml_part10_take(reader);
    ml_part10_free(reader);
    return document;
}

/* A row of any table in the DICOM JSON Model; for the caller to free. */
static inline char *table_row_text(const ml_table *table, uint32_t row) {
    ml_writer *writer = ml_writer_new(ML_DIALECT_DICOM);
    char *text = ml_write_row(writer, table, row) ? writer_text(writer, NULL) : NULL;
    ml_writer_free(writer);
    return text;
}

/* Reads a file, frees it, and compares its row; options NULL: plain ones. */
static inline void check_read(ml_buffer file, const ml_part10_options *options, const char *expected) {
    ml_part10_options plain = plain_options();
    ml_document *document = read_alone(&file, options ? options : &plain);
    char *text = document ? table_row_text(&document->root, 0) : NULL;
    CHECK_MSG(text && strcmp(text, expected) == 0, "got %s\n  not %s", text ? text : "none", expected);
    free(text);
    ml_document_free(document);
    free(file.data);
}

/* Whether two rows of two tables are written alike. */
static inline void check_same_row(const ml_table *a, uint32_t row, const ml_table *b, uint32_t other,
                                  const char *name) {
    char *x = table_row_text(a, row), *y = table_row_text(b, other);
    CHECK_MSG(x && y && strcmp(x, y) == 0, "%s, row %u of depth %u:\n  %s\n  %s", name, row, a->depth, x, y);
    free(x);
    free(y);
}

#endif
