/*
 * test_part10_memory.c: want of memory at every single allocation while files are read. A file that could not be added
 * leaves nothing behind, and can be added once there is memory: then the rows are what they would have been.
 */
#include "part10_bytes.h"

#include "counted_alloc.h"

enum { MOST = 48 };

typedef struct files {
    ml_buffer data[MOST];
    ml_frame frame[MOST];
    uint32_t count;
} files;

static void put_file(files *f, ml_syntax s, ml_buffer data_set) {
    ml_error error;
    f->data[f->count] = file_of(s, data_set);
    CHECK(frame_all(&f->data[f->count], &f->frame[f->count], &error));
    f->count++;
}

/* All rows as text, or NULL after a want of memory that did not pass. */
static char *read_files(const files *f, const ml_part10_options *options) {
    ml_part10 *reader = ml_part10_new(&ML_TEST_LIMITS, 5, 0, options);
    if (!reader) return NULL;
    char *written = NULL;
    int whole = 1;
    for (uint32_t i = 0; i < f->count && whole; i++) {
        const ml_origin origin = {.path = i % 3 ? "/some/file" : NULL, .path_length = 10, .size = i};
        int done = ml_part10_add(reader, f->data[i].data, &f->frame[i], &origin);
        ml_code code = ml_part10_error(reader)->code;
        CHECK_MSG(code == (done ? ML_OK : ML_E_MEMORY) && ml_part10_rows(reader) == i + (uint32_t)done,
                  "file %u: result %d, error %d, %u rows", i, done, code, ml_part10_rows(reader));
        if (done) continue;
        whole = ml_part10_add(reader, f->data[i].data, &f->frame[i], &origin);
        CHECK_MSG(whole || from_then_on, "file %u: error %d when there is memory again", i,
                  ml_part10_error(reader)->code);
    }
    ml_document *document = whole ? ml_part10_take(reader) : NULL;
    ml_part10_free(reader);
    long kept = countdown;
    countdown = -1; /* writing is tested elsewhere */
    if (document) {
        ml_writer *writer = ml_writer_new(ML_DIALECT_DICOM);
        ml_buffer *buffer = ml_writer_buffer(writer);
        for (uint32_t r = 0; r < document->root.rows; r++) {
            size_t n = 0;
            const char *path = ml_document_path(document, r, &n);
            if (path) ml_put(buffer, path, n);
            CHECK(ml_write_row(writer, &document->root, r) && ml_write_row(writer, &document->meta, r));
        }
        ml_put_char(buffer, '\0');
        written = malloc(buffer->length);
        memcpy(written, buffer->data, buffer->length);
        ml_writer_free(writer);
    }
    countdown = kept;
    ml_document_free(document);
    return written;
}

static void check_all(files *f, const ml_part10_options *options) {
    from_then_on = 0;
    countdown = -1;
    calls = 0;
    long before = live; /* the files */
    char *expected = read_files(f, options);
    long all = calls; /* the first two are the reader and its document */
    CHECK(expected && live == before);
    for (from_then_on = 0; from_then_on < 2 && expected; from_then_on++) {
        for (long n = 0; n < all; n++) {
            countdown = n;
            char *got = read_files(f, options);
            CHECK_MSG(got || n < 2 || from_then_on, "allocation %ld of %ld: nothing read", n, all);
            CHECK_MSG(!got || strcmp(got, expected) == 0, "allocation %ld of %ld:\n  %s\n  %s", n, all, got, expected);
            CHECK_MSG(live == before, "allocation %ld of %ld: %ld blocks left", n, all, live - before);
            free(got);
        }
    }
    countdown = -1;
    free(expected);
    for (uint32_t i = 0; i < f->count; i++) ml_test_free(f->data[i].data);
    f->count = 0;
}

/* Everything that takes memory once, with changes from file to file. */
static ml_buffer varied(ml_syntax s, int i) {
    ml_buffer b = {0};
    /* one file with a character set and one without, whose names are the same bytes */
    if (i % 4 != 1) put_text(&b, s, ML_TAG_CHARACTER_SET, "CS", i % 4 == 2 ? "ISO_IR 192" : "ISO_IR 101");
    put_text(&b, s, 0x00080018, "UI", i % 2 ? "1.2.3" : "1.2.4");
    put_text(&b, s, 0x00080060, "CS", i % 3 ? "CT" : "a\\b");
    opened sequence = open_value(&b, s, 0x00081140, "SQ", i % 2);
    for (int k = 0; k < 1 + i % 3; k++) {
        opened item = open_item(&b, s, k % 2);
        if (k == 1) put_text(&b, s, ML_TAG_CHARACTER_SET, "CS", "ISO_IR 100");
        put_text(&b, s, 0x00080104, "LO", k ? "\xe4" : "text");
        if (i % 4 == 1) put_bytes(&b, s, 0x00420011, "OB", "12345678", 8);
        opened inner = open_value(&b, s, 0x0040A730, "UN", 1);
        opened inner_item = open_item(&b, IMPLICIT, 0);
        put_us(&b, IMPLICIT, 0x00280106, NULL, (uint32_t)i);
        close_value(&b, inner_item);
        close_value(&b, inner);
        close_value(&b, item);
    }
    close_value(&b, sequence);
    put_text(&b, s, 0x00090010, "LO", i % 5 < 3 ? "GEMS_IDEN_01" : "nobody");
    put_text(&b, s, 0x00091001, "UN", "abc");
    put_text(&b, s, 0x00100010, "PN", i % 4 < 2 ? "A\xe4^B" : "A^B=C");
    if (i % 3 == 1) put_text(&b, s, 0x00100020, "LO", "x\"y");
    put_text(&b, s, 0x00200032, "DS", i % 2 ? "1\\2\\x" : "1.5\\2");
    put_bytes(&b, s, 0x00283006, "OW", "abcd", i % 4 ? 4 : 2);
    if (i % 2) put_bytes(&b, s, 0x00420011, "OB", "123456789012", 12);
    return b;
}

int main(void) {
    static files f;
    ml_part10_options options = plain_options();
    options.bulk_above = 6;
    const ml_syntax syntaxes[] = {EXPLICIT, BIG};
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 7; i++) put_file(&f, syntaxes[k], varied(syntaxes[k], i));
        check_all(&f, &options);
    }
    /* a column that varies for the first time, in a row that is not added, and stays as it was there */
    for (int i = 0; i < 6; i++) {
        ml_buffer b = {0};
        put_text(&b, EXPLICIT, 0x00080060, "CS", i < 3 ? "CT" : "MR");
        put_text(&b, EXPLICIT, 0x00100020, "LO", i % 2 ? "a" : "b");
        put_file(&f, EXPLICIT, b);
    }
    check_all(&f, &options);
    /* growth: many values, shapes, columns and items */
    for (int i = 0; i < MOST; i++) {
        ml_buffer b = {0};
        char text[100];
        snprintf(text, sizeof text, "1.2.%d", i);
        put_text(&b, EXPLICIT, 0x00080018, "UI", text);
        opened sequence = open_value(&b, EXPLICIT, 0x00081140, "SQ", 0);
        for (int k = 0; k < i % 7; k++) {
            opened item = open_item(&b, EXPLICIT, 0);
            put_text(&b, EXPLICIT, 0x00081155, "UI", text);
            close_value(&b, item);
        }
        close_value(&b, sequence);
        for (uint32_t k = 0; k < 12; k++) put_text(&b, EXPLICIT, 0x00091000 + (uint32_t)(i % 9) * 16 + k, "LO", text);
        put_file(&f, EXPLICIT, b);
    }
    check_all(&f, &options);
    return ml_check_report();
}
