/*
 * test_copy.c: rows copied between documents are written as they were, and share what they shared.
 */
#include <time.h>

#include "documents.h"

#include "copy.h"
#include "freeze.h"

/* All rows of a document in a new one. */
static ml_document *copied(const ml_document *src, uint32_t seed) {
    ml_document *dst = ml_document_new(seed);
    ml_copier *copier = ml_copier_new(dst);
    for (uint32_t r = 0; r < src->root.rows; r++) CHECK(ml_copier_add(copier, src, r));
    CHECK(!ml_copier_add(copier, src, src->root.rows));
    ml_copier_free(copier);
    return dst;
}

/* Copies of equal values are one, as they were: no more rows of sequences, no more values than in the source. */
static void check_sharing(const ml_table *src, const ml_table *dst) {
    CHECK_MSG(dst->rows <= src->rows && dst->column_count <= src->column_count, "%u rows of %u, %u columns of %u",
              dst->rows, src->rows, dst->column_count, src->column_count);
    for (uint32_t c = 0; c < dst->column_count; c++) {
        char digits[8];
        size_t n;
        const ml_column *to = &dst->columns[c], *from = NULL;
        const char *key = ml_column_key(dst->document, to, digits, &n);
        for (uint32_t i = 0; i < src->column_count && !from; i++) {
            char other[8];
            size_t m;
            const char *k = ml_column_key(src->document, &src->columns[i], other, &m);
            if (m == n && memcmp(k, key, n) == 0) from = &src->columns[i];
        }
        CHECK(from && from->info == to->info && to->count <= from->count);
        if (from && from->child && to->child) check_sharing(from->child, to->child);
    }
}

/* Copies a document at once and from what was copied, and frees it. */
static void check_document(ml_document *src) {
    ml_document *dst = copied(src, 99);
    CHECK(same_documents(src, dst));
    ml_document *again = copied(dst, 100); /* of one that is not finished */
    ml_document_finish(dst);
    CHECK(same_documents(src, dst));
    CHECK(same_documents(src, again));
    check_sharing(&src->root, &dst->root);
    check_sharing(&src->meta, &dst->meta);
    ml_document_free(again);
    ml_document_free(dst);
    ml_document_free(src);
}

static void test_documents(void) {
    for (size_t i = 0; i < TEXT_COUNT; i++) check_document(scan_text(LENIENT, TEXTS[i], NULL));
    for (uint32_t seed = 0; seed < 30; seed++) check_document(random_document(seed, 1 + seed, seed % 4));
    check_document(random_document(99, 10000, 1));
    check_document(files_document(7));
    check_document(deep_document(1000));
}

/* Rows of more sources than are remembered, in any order, some of them twice; forgotten and replaced in between. */
static void test_many_sources(void) {
    enum { SOURCES = ML_COPIER_SOURCES + 4, ROWS = 600 };
    ml_document *src[SOURCES], *dst = ml_document_new(1);
    uint32_t from[ROWS], row[ROWS];
    uint64_t state = 5;
    ml_copier *copier = ml_copier_new(dst);
    for (uint32_t i = 0; i < SOURCES; i++) src[i] = random_document(i % 6, 12, 2);
    for (uint32_t i = 0; i < ROWS; i++) {
        from[i] = random_below(&state, i < 100 ? 3 : SOURCES);
        row[i] = random_below(&state, 12);
        CHECK(ml_copier_add(copier, src[from[i]], row[i]));
        if (random_below(&state, 50) == 0) {
            uint32_t k = random_below(&state, SOURCES);
            ml_copier_forget(copier, src[k]);
            ml_document *same = random_document(k % 6, 12, 2);
            ml_document_free(src[k]);
            src[k] = same;
        }
    }
    ml_copier_free(copier);
    for (uint32_t i = 0; i < ROWS; i++) CHECK_MSG(same_row(dst, i, src[from[i]], row[i]), "row %u", i);
    for (uint32_t i = 0; i < SOURCES; i++) ml_document_free(src[i]);
    ml_document_free(dst);
}

/* A row copied alone; a source that grows; one that is thawed; what must not be copied to. */
static void test_single(void) {
    ml_document *src = random_document(3, 20, 2), *dst = ml_document_new(1), *tables = ml_document_new(2);
    for (uint32_t r = 20; r-- > 0;) {
        CHECK(ml_document_copy_row(dst, src, r));
        CHECK(ml_copy_row(&tables->root, &src->root, r));
    }
    for (uint32_t r = 0; r < 20; r++) CHECK(same_row(dst, r, src, 19 - r) && same_row(tables, r, src, 19 - r));
    CHECK(!ml_document_copy_row(dst, dst, 0) && !ml_copy_row(&dst->root, &dst->root, 0));
    CHECK(!ml_copy_row(&dst->root, &src->root, 20) && dst->root.rows == 20);
    ml_document_free(tables);

    ml_document *growing = ml_document_new(3), *second = ml_document_new(4);
    ml_copier *to_growing = ml_copier_new(growing), *copier = ml_copier_new(second);
    for (uint32_t r = 0; r < 20; r++) {
        CHECK(ml_copier_add(to_growing, src, r));
        CHECK(ml_copier_add(copier, growing, r));
    }
    CHECK(same_documents(src, second));
    ml_copier_free(copier);
    ml_copier_free(to_growing);
    ml_document_free(second);
    ml_document_free(growing);

    size_t n = ml_freeze_size(src);
    char *room = malloc(n + ML_FREEZE_ALIGNMENT);
    char *out = room + (ML_FREEZE_ALIGNMENT - (uintptr_t)room % ML_FREEZE_ALIGNMENT);
    ml_freeze(src, out);
    ml_thaw_status status;
    ml_document *thawed = ml_thaw(out, n, &status), *from_thawed = copied(thawed, 6);
    CHECK(same_documents(src, from_thawed));
    CHECK(!ml_document_copy_row(thawed, src, 0) && !ml_copy_row(&thawed->root, &src->root, 0));
    ml_document_free(from_thawed);
    ml_document_free(thawed);
    free(room);
    ml_document_free(dst);
    ml_document_free(src);
}

/* Files and others in one document: everyone keeps its own meta row and path, or none. */
static void test_files(void) {
    ml_document *files = files_document(6), *others = random_document(1, 6, 1), *dst = ml_document_new(1);
    ml_copier *copier = ml_copier_new(dst);
    for (uint32_t r = 0; r < 2; r++) CHECK(ml_copier_add(copier, others, r));
    CHECK(dst->meta.rows == 0);
    for (uint32_t r = 0; r < 6; r++) {
        CHECK(ml_copier_add(copier, files, r) && ml_copier_add(copier, others, r));
        CHECK(dst->meta.rows == dst->root.rows);
    }
    ml_copier_free(copier);
    ml_document_finish(dst);
    for (uint32_t r = 0; r < dst->root.rows; r++) {
        if (r > 1 && r % 2 == 0) {
            CHECK(same_row(files, (r - 2) / 2, dst, r));
            continue;
        }
        CHECK(same_row(others, r < 2 ? r : (r - 3) / 2, dst, r));
        char *text = table_row_text(&dst->meta, r, ML_DIALECT_DICOM);
        CHECK_TEXT(text, "{}");
        free(text);
    }
    ml_document_free(dst);
    ml_document_free(files);
    ml_document_free(others);
}

/* ---- how long it takes ---- */

static double now(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* A series: 350 attributes, two of them sequences; so many of them differ from row to row. */
static ml_document *series(uint32_t rows, uint32_t varying) {
    ml_buffer out = {0};
    for (uint32_t r = 0; r < rows; r++) {
        char text[160];
        ml_put_char(&out, '{');
        for (uint32_t c = 0; c < 350; c++) {
            uint32_t v = c < varying ? r : 0;
            snprintf(text, sizeof text,
                     c % 200 == 7 ? "%s\"0009%04X\":{\"vr\":\"SQ\",\"Value\":[{\"00081155\":{\"vr\":\"UI\",\"Value\":["
                                    "\"1.2.%u\"]}}]}"
                                  : "%s\"0009%04X\":{\"vr\":\"LO\",\"Value\":[\"1.2.840.%u\"]}",
                     c ? "," : "", 0x1000 + c, v);
            put_text(&out, text);
        }
        ML_PUT(&out, "}\n");
    }
    ml_document *document = scan_bytes(LENIENT, out.data, out.length, NULL);
    free(out.data);
    return document;
}

static void test_time(void) {
    enum { ROWS = 500 };
    static const uint32_t varying[] = {0, 15, 350};
    for (size_t i = 0; i < 3; i++) {
        ml_document *src = series(ROWS, varying[i]);
        double best = 1e9, alone = 1e9;
        for (int round = 0; round < 5; round++) {
            double t = now();
            ml_document *dst = copied(src, 9);
            double u = now();
            ml_document_free(dst);
            dst = ml_document_new(9);
            double v = now();
            for (uint32_t r = 0; r < ROWS; r++) CHECK(ml_document_copy_row(dst, src, r));
            double w = now();
            if (u - t < best) best = u - t;
            if (w - v < alone) alone = w - v;
            ml_document_free(dst);
        }
        printf("row of 350, %u of them changed: %.2f us; each alone: %.2f us\n", varying[i], best / ROWS * 1e6,
               alone / ROWS * 1e6);
        ml_document_free(src);
    }
}

int main(void) {
    test_documents();
    test_many_sources();
    test_single();
    test_files();
    test_time();
    return ml_check_report();
}
