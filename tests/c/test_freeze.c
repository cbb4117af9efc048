/*
 * test_freeze.c: documents frozen to a block and thawed in place: the same in every respect; and blocks that are
 * damaged, cut short or made up, which must be found out or at least do no harm.
 */
#include <time.h>

#include "documents.h"

#include "freeze.h"
#include "frozen.h"

typedef struct block {
    char *bytes; /* just as long as it is, and aligned as malloc does it */
    size_t n;
} block;

static block frozen(const ml_document *document) {
    size_t n = ml_freeze_size(document);
    CHECK(n && n % ML_FREEZE_ALIGNMENT == 0);
    char *room = malloc(n + 2 * ML_FREEZE_ALIGNMENT);
    char *out = room + (ML_FREEZE_ALIGNMENT - (uintptr_t)room % ML_FREEZE_ALIGNMENT);
    memset(room, 0xA5, n + 2 * ML_FREEZE_ALIGNMENT);
    ml_freeze(document, out);
    CHECK(out[-1] == (char)0xA5 && out[n] == (char)0xA5);
    block b = {malloc(n), n};
    memcpy(b.bytes, out, n);
    free(room);
    return b;
}

static ml_document *thawed(const block *b) {
    ml_thaw_status status;
    ml_document *document = ml_thaw(b->bytes, b->n, &status);
    CHECK_MSG(document && status == ML_THAW_OK, "status %d", status);
    CHECK(ml_thaw_verify(b->bytes, b->n) == ML_THAW_OK);
    return document;
}

/* ---- the same document ---- */

static void check_tables(const ml_table *a, const ml_table *b) {
    CHECK(a->rows == b->rows && a->column_count == b->column_count && a->shape_count == b->shape_count);
    CHECK(a->depth == b->depth);
    for (uint32_t c = 0; c < a->column_count; c++) {
        const ml_column *x = &a->columns[c], *y = &b->columns[c];
        char m[8], n[8];
        size_t k, l;
        const char *key = ml_column_key(a->document, x, m, &k), *other = ml_column_key(b->document, y, n, &l);
        CHECK(k == l && memcmp(key, other, l) == 0);
        CHECK(x->tag == y->tag && x->info == y->info && x->twin == y->twin && x->primary == y->primary);
        CHECK(x->count == y->count && !x->child == !y->child);
        if (x->primary == ML_NO_INDEX) {
            CHECK(ml_table_find_key(b, key, k) == c);
        } else {
            CHECK(ml_table_find_tag(b, x->tag) == x->primary);
        }
        if (x->child && y->child) check_tables(x->child, y->child);
    }
    for (uint32_t s = 0; s < a->shape_count; s++) {
        for (uint32_t c = 0; c < a->column_count; c++)
            CHECK(ml_shape_slot(&a->shapes[s], c) == ml_shape_slot(&b->shapes[s], c));
    }
    for (uint32_t r = 1; r < a->rows && r < 20; r++)
        CHECK(ml_table_rows_equal(a, r - 1, r) == ml_table_rows_equal(b, r - 1, r));
}

static void check_problems(const ml_problems *a, const ml_problems *b) {
    CHECK(a->count == b->count && a->unlisted == b->unlisted);
    for (uint32_t i = 0; i < a->count && i < b->count; i++) {
        const ml_problem *x = &a->list[i], *y = &b->list[i];
        CHECK(x->kind == y->kind && x->row == y->row && x->offset == y->offset && x->count == y->count);
        CHECK(x->depth == y->depth && x->before == y->before && memcmp(x->path, y->path, sizeof x->path) == 0);
    }
}

/* Freezes, thaws, compares; and once more from what was thawed. Frees the document. */
static void check_document(ml_document *document) {
    block first = frozen(document);
    block copy = {malloc(first.n), first.n};
    memcpy(copy.bytes, first.bytes, first.n);
    ml_document *once = thawed(&first);
    if (once) {
        check_tables(&document->root, &once->root);
        check_tables(&document->meta, &once->meta);
        check_problems(&document->problems, &once->problems);
        CHECK(same_documents(document, once));
        CHECK(once->odd_keys == document->odd_keys && once->mapped == first.n);
        ml_document_finish(once);
        size_t bytes = ml_document_bytes(once);
        CHECK_MSG(bytes + 4096 > first.n - ((ml_frozen_header *)first.bytes)->structure &&
                      bytes < ml_document_bytes(document) + first.n,
                  "%zu bytes, %zu of %zu", bytes, ml_document_bytes(document), first.n);
        block second = frozen(once);
        CHECK(second.n == first.n && memcmp(second.bytes, first.bytes, first.n) == 0);
        ml_document *twice = thawed(&second);
        CHECK(twice && same_documents(document, twice));
        ml_document_free(once);
        ml_document_free(twice);
        free(second.bytes);
    }
    CHECK(memcmp(first.bytes, copy.bytes, first.n) == 0); /* nobody has written to it */
    free(first.bytes);
    free(copy.bytes);
    ml_document_free(document);
}

/* One in which a column, a shape and rows of a sequence's table went out of use again. */
static ml_document *gaps_document(void) {
    ml_document *document = ml_document_new(5);
    uint32_t column = ml_table_column(&document->root, 0x00081140, 1, NULL, 0);
    ml_table_column(&document->root, 0x00080060, 1, NULL, 0);
    ml_table *child = ml_column_child(&document->root, column);
    uint32_t inner = ml_table_column(child, 0x00080100, 1, NULL, 0);
    uint32_t empty = ml_table_shape(child, &inner, 1), shape = ml_table_shape(child, NULL, 0);
    CHECK(empty != shape);
    CHECK(ml_table_add_row(child, shape, NULL));
    CHECK(ml_table_add_row(child, shape, NULL));
    ml_table_drop_rows(child, 1);
    uint32_t cell = ml_intern_items(&document->root, column, ML_VR_SQ, 1);
    CHECK(ml_table_add_row(&document->root, ml_table_shape(&document->root, &column, 1), &cell));
    return document;
}

static void test_round_trips(void) {
    check_document(ml_document_new(1));
    for (size_t i = 0; i < TEXT_COUNT; i++) check_document(scan_text(LENIENT, TEXTS[i], NULL));
    for (uint32_t seed = 0; seed < 30; seed++) check_document(random_document(seed, 1 + seed, seed % 4));
    check_document(random_document(99, 10000, 1));
    for (uint32_t rows = 1; rows < 6; rows++) check_document(files_document(rows));
    ml_document *growing = files_document(300);
    CHECK(ml_document_set_path(growing, 300, "of no row", 9));
    check_document(growing);
    check_document(gaps_document());
    check_document(deep_document(1000));
}

/* ---- blocks that are none ---- */

static ml_thaw_status thaw_status(const char *bytes, size_t n) {
    ml_thaw_status status;
    ml_document *document = ml_thaw(bytes, n, &status);
    CHECK(!document == (status != ML_THAW_OK));
    ml_document_free(document);
    return status;
}

static void check_damage(const ml_document *document) {
    block b = frozen(document);
    size_t structure = (size_t)((ml_frozen_header *)b.bytes)->structure;
    for (size_t i = 0; i < b.n; i++) {
        char byte = b.bytes[i];
        for (unsigned change = 0; change < 9; change++) {
            b.bytes[i] = (char)(byte ^ (change < 8 ? 1 << change : 0xFF));
            ml_thaw_status status = thaw_status(b.bytes, b.n);
            CHECK_MSG(i < structure ? status != ML_THAW_OK && status != ML_THAW_MEMORY : status == ML_THAW_OK,
                      "byte %zu of %zu: status %d", i, b.n, status);
            CHECK_MSG(ml_thaw_verify(b.bytes, b.n) != ML_THAW_OK, "byte %zu of %zu", i, b.n);
        }
        b.bytes[i] = byte;
    }
    for (size_t n = 0; n < b.n; n++) {
        char *shorter = malloc(n ? n : 1);
        memcpy(shorter, b.bytes, n);
        CHECK(thaw_status(shorter, n) == ML_THAW_TRUNCATED);
        CHECK(ml_thaw_verify(shorter, n) == ML_THAW_TRUNCATED);
        free(shorter);
    }
    char *longer = calloc(1, b.n + 128);
    memcpy(longer, b.bytes, b.n);
    for (size_t n = b.n + 1; n <= b.n + 128; n++) CHECK(thaw_status(longer, n) == ML_THAW_DAMAGED);
    memmove(longer + 1, longer, b.n);
    CHECK(thaw_status(longer + 1, b.n) == ML_THAW_UNALIGNED);
    CHECK(ml_thaw_verify(longer + 1, b.n) == ML_THAW_OK);
    free(longer);
    free(b.bytes);
}

static void test_damage(void) {
    ml_document *document = ml_document_new(1);
    check_damage(document);
    ml_document_free(document);
    document = scan_text(LENIENT, TEXTS[4], NULL);
    check_damage(document);
    ml_document_free(document);

    CHECK(thaw_status(NULL, 0) == ML_THAW_TRUNCATED && ml_thaw_verify(NULL, 0) == ML_THAW_TRUNCATED);
    static const uint64_t zeros[64];
    CHECK(thaw_status((const char *)zeros, sizeof zeros) == ML_THAW_NOT_FROZEN);
    CHECK(ml_thaw_verify("\x89PNG\r\n\x1a\n", 3) == ML_THAW_NOT_FROZEN);
    document = files_document(3);
    block b = frozen(document);
    ml_frozen_header *header = (ml_frozen_header *)b.bytes;
    header->version++;
    CHECK(thaw_status(b.bytes, b.n) == ML_THAW_VERSION && ml_thaw_verify(b.bytes, b.n) == ML_THAW_VERSION);
    header->order = 0x04030201u; /* then the version cannot be read either */
    CHECK(thaw_status(b.bytes, b.n) == ML_THAW_BYTE_ORDER && ml_thaw_verify(b.bytes, b.n) == ML_THAW_BYTE_ORDER);
    free(b.bytes);
    ml_document_free(document);
}

/* Structures that are wrong though their checksum is right: whatever comes of it, no step beyond the block. */
static void check_forged(const ml_document *document, uint64_t *state, int times) {
    block b = frozen(document);
    uint32_t *words = (uint32_t *)b.bytes;
    uint32_t count = (uint32_t)(((ml_frozen_header *)b.bytes)->structure / 4);
    size_t structure = count * 4;
    int accepted = 0;
    for (int i = 0; i < times; i++) {
        char *forged = malloc(b.n);
        memcpy(forged, b.bytes, b.n);
        for (uint32_t changes = 1 + random_below(state, 3); changes; changes--) {
            static const uint32_t odd[] = {0, 1, 2, 3, 64, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF, 0x40000000};
            uint32_t at = 4 + random_below(state, count - 4), word = words[at], kind = random_below(state, 4);
            word = kind == 0   ? odd[random_below(state, 10)]
                   : kind == 1 ? word + 1
                   : kind == 2 ? word - 1
                               : random_below(state, 1000);
            memcpy(forged + 4 * (size_t)at, &word, 4);
        }
        ml_frozen_header header;
        memcpy(&header, forged, sizeof header);
        if (header.structure <= b.n && header.structure >= sizeof header && header.structure % 64 == 0)
            structure = (size_t)header.structure;
        header.structure_sum = ml_frozen_structure_sum(forged, structure);
        memcpy(forged, &header, sizeof header);
        ml_thaw_status status = thaw_status(forged, b.n);
        accepted += status == ML_THAW_OK;
        CHECK(status != ML_THAW_UNALIGNED && status != ML_THAW_NOT_FROZEN && status != ML_THAW_VERSION);
        ml_thaw_verify(forged, b.n);
        free(forged);
    }
    CHECK(accepted < times);
    free(b.bytes);
}

static void test_forged(void) {
    uint64_t state = 4711;
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        ml_document *document = scan_text(LENIENT, TEXTS[i], NULL);
        check_forged(document, &state, 4000);
        ml_document_free(document);
    }
    for (uint32_t seed = 0; seed < 5; seed++) {
        ml_document *document = random_document(seed, 10, 2);
        check_forged(document, &state, 4000);
        ml_document_free(document);
    }
}

/* ---- how long it takes ---- */

static double now(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Series of so many instances: 350 attributes, of which every tenth varies. */
static ml_document *series_document(uint32_t rows) {
    enum { WIDTH = 350 };
    ml_document *document = ml_document_new(3);
    uint32_t columns[WIDTH], cells[WIDTH];
    for (uint32_t c = 0; c < WIDTH; c++) columns[c] = ml_table_column(&document->root, 0x00090000 + c, 1, NULL, 0);
    uint32_t shape = ml_table_shape(&document->root, columns, WIDTH);
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t c = 0; c < WIDTH; c++) {
            char text[32];
            int fresh;
            if (r && c % 10) continue;
            int n = snprintf(text, sizeof text, "1.2.%u.%u", c, c % 20 ? r % 100 : r);
            cells[c] = ml_intern(&document->root, columns[c], ML_FORM_STRING, ML_VR_LO, text, (size_t)n, &fresh);
        }
        CHECK(ml_table_add_row(&document->root, shape, cells));
    }
    ml_document_finish(document);
    return document;
}

static double thaw_time(const ml_document *document, int print) {
    enum { ROUNDS = 5, THAWS = 200 };
    size_t n = ml_freeze_size(document);
    char *room = malloc(n + ML_FREEZE_ALIGNMENT);
    char *out = room + (ML_FREEZE_ALIGNMENT - (uintptr_t)room % ML_FREEZE_ALIGNMENT);
    double freeze = 1e9, thaw = 1e9, verify = 1e9;
    memset(room, 0, n + ML_FREEZE_ALIGNMENT);
    for (int i = 0; i < ROUNDS; i++) {
        double t = now();
        ml_freeze(document, out);
        double u = now();
        for (int k = 0; k < THAWS; k++) thaw_status(out, n);
        double v = now();
        CHECK(ml_thaw_verify(out, n) == ML_THAW_OK);
        double w = now();
        if (u - t < freeze) freeze = u - t;
        if ((v - u) / THAWS < thaw) thaw = (v - u) / THAWS;
        if (w - v < verify) verify = w - v;
    }
    if (print) {
        printf("%u rows, %.1f MB: freeze %.2f GB/s, verify %.2f GB/s, thaw %.1f us\n", document->root.rows,
               (double)n / 1e6, (double)n / freeze / 1e9, (double)n / verify / 1e9, thaw * 1e6);
    }
    free(room);
    return thaw;
}

static void test_time(void) {
    for (uint32_t rows = 10; rows <= 100000; rows *= 100) {
        ml_document *document = series_document(rows);
        thaw_time(document, 1);
        ml_document_free(document);
    }
}

int main(void) {
    test_round_trips();
    test_damage();
    test_forged();
    test_time();
    return ml_check_report();
}
