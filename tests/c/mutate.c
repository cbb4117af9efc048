/*
 * mutate.c: documents damaged at random, for a sanitized build: `mutate [-n cases] [-s seed] file...`.
 *
 * Each case is one of the files after a few mutations. Demanded are: the same verdict, the same problems and the same
 * document whether it comes whole or in pieces (whose batches are as good as single rows here, so that this is also
 * scanning with and without prediction); JSON in every dialect; and of what was accepted, that the DICOM JSON Model
 * written back is accepted and written back identically, as a whole and each row alone. Ends with "N cases, M accepted,
 * K refused", status 0; a case that fails is left in mutate-failed.json.
 */
#include "scan_text.h"

typedef struct text {
    char *data;
    size_t length;
} text;

enum { MAX_LENGTH = 1 << 16 };

static uint64_t state;

static uint32_t below(size_t n) {
    return n ? random_below(&state, (uint32_t)n) : 0;
}

/* ---- mutations ---- */

/* Replaces t[at, at + gone) by n bytes. */
static void splice(text *t, size_t at, size_t gone, const char *s, size_t n) {
    if (t->length - gone + n > MAX_LENGTH) return;
    char *data = malloc(t->length - gone + n + 1);
    memcpy(data, t->data, at);
    memcpy(data + at, s, n);
    memcpy(data + at + n, t->data + at + gone, t->length - at - gone);
    free(t->data);
    t->data = data;
    t->length += n - gone;
}

/* A place where an element or an item begins or ends, mostly; otherwise any. */
static size_t boundary(const text *t) {
    size_t at = below(t->length + 1);
    if (below(8) == 0) return at;
    for (size_t i = at; i < t->length; i++) {
        char before = i ? t->data[i - 1] : '{';
        if ((t->data[i] == '"' || t->data[i] == '{') && (before == ',' || before == '{' || before == '[')) return i;
    }
    return at;
}

static void duplicate(text *t) {
    size_t from = boundary(t), to = boundary(t), at = below(3) ? from : boundary(t);
    if (to < from || to - from > 4096) return;
    char *run = malloc(to - from + 1);
    memcpy(run, t->data + from, to - from);
    for (uint32_t times = 1 + below(4); times; times--) splice(t, at, 0, run, to - from);
    free(run);
}

static void swap_runs(text *t) {
    size_t p[3] = {boundary(t), boundary(t), boundary(t)};
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 2; k++) {
            size_t low = ml_min(p[k], p[k + 1]), high = p[k] + p[k + 1] - low;
            p[k] = low;
            p[k + 1] = high;
        }
    }
    size_t first = p[1] - p[0], second = p[2] - p[1];
    char *run = malloc(first + second + 1);
    memcpy(run, t->data + p[1], second);
    memcpy(run + second, t->data + p[0], first);
    memcpy(t->data + p[0], run, first + second);
    free(run);
}

static void change_digits(text *t) {
    for (uint32_t times = 1 + below(6); times; times--) {
        for (size_t i = below(t->length); i < t->length; i++) {
            if (t->data[i] < '0' || t->data[i] > '9') continue;
            t->data[i] = "0123456789.-eE+A "[below(below(4) ? 10 : 17)];
            break;
        }
    }
}

static const char *const TOKENS[] = {"{",
                                     "}",
                                     "[",
                                     "]",
                                     ",",
                                     ":",
                                     "\"",
                                     "\\",
                                     "[[",
                                     "]]",
                                     "{}",
                                     "[]",
                                     "},{",
                                     "null",
                                     "true",
                                     "NaN",
                                     "-Infinity",
                                     "1e400",
                                     "-0.5e-7",
                                     "\"\"",
                                     " ",
                                     "\n",
                                     "\\ud83d",
                                     "\\u0041",
                                     "\\u12",
                                     "\xc3\xa4",
                                     "\xff",
                                     "\xEF\xBB\xBF",
                                     "\"vr\":\"SQ\",",
                                     "\"vr\":\"CS\",",
                                     "\"vr\":\"PN\",",
                                     "\"Value\":[1],",
                                     "\"Value\":[\"x\",null],",
                                     "\"BulkDataURI\":\"u\",",
                                     "\"InlineBinary\":\"AAA=\",",
                                     "\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]},",
                                     "\"Modality\":{\"vr\":\"CS\"},",
                                     "\"0040a730\":{\"Value\":[{}],\"vr\":\"SQ\"},",
                                     "\"00081140\":{\"vr\":\"SQ\",\"Value\":[{},{}]},",
                                     "{\"00091001\":{\"vr\":\"UN\",\"Value\":[[1]]}},",
                                     "{\"Alphabetic\":\"A\"},",
                                     "\"length\":{\"vr\":\"LO\"},"};

static void mutate(text *t, const text *other) {
    if (!t->length) return;
    size_t at = below(t->length), rest = t->length - at;
    switch (below(12)) {
    case 0: t->data[at] ^= (char)(1 << below(8)); break;
    case 1: t->data[at] = "{}[],:\"\\ 0n"[below(11)]; break;
    case 2: splice(t, at, ml_min(rest, 1 + below(40)), "", 0); break;
    case 3:
        if (below(6) == 0) t->length = at;
        break;
    case 4: {
        size_t from = boundary(other), n = ml_min(other->length - from, below(600));
        splice(t, boundary(t), 0, other->data + from, n);
        break;
    }
    case 5: {
        size_t from = boundary(t), to = boundary(t);
        if (from < to && to - from < 2000) splice(t, from, to - from, "", 0);
        break;
    }
    case 6: swap_runs(t); break;
    case 7:
    case 8: change_digits(t); break;
    case 9: {
        const char *token = TOKENS[below(sizeof TOKENS / sizeof *TOKENS)];
        splice(t, below(4) ? boundary(t) : at, 0, token, strlen(token));
        break;
    }
    default: duplicate(t);
    }
}

/* ---- what is demanded ---- */

/* But for the counts, which depend on what prediction could skip. */
static void check_same_problems(const ml_problems *a, const ml_problems *b) {
    CHECK(a->count == b->count);
    for (uint32_t i = 0; i < a->count && i < b->count; i++) {
        const ml_problem *x = &a->list[i], *y = &b->list[i];
        CHECK(x->kind == y->kind && x->row == y->row && x->offset == y->offset && x->depth == y->depth);
        CHECK(same_path(x->path, y->path, (uint32_t)ml_min(x->depth, ML_PATH_KEPT)));
    }
}

static void check_same_errors(const ml_error *a, const ml_error *b) {
    CHECK(a->code == b->code && a->problem == b->problem && a->offset == b->offset && a->row == b->row);
    CHECK(a->depth == b->depth && same_path(a->path, b->path, a->depth));
}

/* Valid JSON: in the place of an element, where any is. */
static void check_json(const char *written, size_t n) {
    ml_buffer buffer = {0};
    how h = LENIENT;
    h.limits.json_depth = 100000;
    ML_PUT(&buffer, "{\"00091001\":");
    ml_put(&buffer, written, n);
    ml_put_char(&buffer, '}');
    ml_document *document = scan_bytes(h, buffer.data, buffer.length, NULL);
    CHECK_MSG(document != NULL, "not JSON: %.*s", (int)n, written);
    ml_document_free(document);
    free(buffer.data);
}

static void check_again(how h, const ml_document *document) {
    size_t n, length;
    char *written = document_text(document, ML_DIALECT_DICOM, &n);
    h.piece = 0;
    ml_document *again = scan_bytes(h, written, n, NULL);
    CHECK_MSG(again != NULL, "written back, but not accepted");
    char *twice = again ? document_text(again, ML_DIALECT_DICOM, &length) : NULL;
    CHECK(twice && n == length && memcmp(written, twice, n) == 0);
    free(twice);
    free(written);
    for (uint32_t r = 0; again && n < 8192 && r < again->root.rows; r++) {
        char *row = row_text(again, r, ML_DIALECT_DICOM);
        ml_document *alone = scan_text(h, row, NULL);
        char *same = alone ? row_text(alone, 0, ML_DIALECT_DICOM) : NULL;
        CHECK(same && strcmp(row, same) == 0);
        free(row);
        free(same);
        ml_document_free(alone);
    }
    ml_document_free(again);
}

/* Whether it is accepted. */
static int check_case(how h, const text *t) {
    ml_error whole_error, error;
    ml_document *whole = scan_bytes(h, t->data, t->length, &whole_error);
    h.piece = below(3) ? 1 + below(t->length + 8) : 1 + below(40);
    ml_document *pieced = scan_bytes(h, t->data, t->length, &error);
    check_same_errors(&whole_error, &error);
    CHECK(!whole == !pieced);
    for (ml_dialect dialect = 0; whole && pieced && dialect < ML_DIALECT_COUNT; dialect++) {
        size_t n, m;
        char *a = document_text(whole, dialect, &n), *b = document_text(pieced, dialect, &m);
        CHECK(n == m && memcmp(a, b, n) == 0);
        if (!h.strict) check_json(a, n);
        free(a);
        free(b);
    }
    if (whole && pieced) check_same_problems(&whole->problems, &pieced->problems);
    if (whole) check_again(h, whole);
    ml_document_free(pieced);
    ml_document_free(whole);
    return whole != NULL;
}

static how random_limits(int strict) {
    how h = strict ? STRICT : LENIENT;
    if (below(8)) return h;
    h.limits.sequence_depth = below(5);
    h.limits.json_depth = 6 + below(12);
    h.limits.odd_keys = below(12);
    h.limits.problems = below(4);
    return h;
}

static text read_file(const char *path) {
    text t = {NULL, 0};
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(2);
    }
    t.data = malloc(MAX_LENGTH);
    t.length = fread(t.data, 1, MAX_LENGTH, file);
    fclose(file);
    return t;
}

int main(int argc, char **argv) {
    unsigned long cases = 1000, seed = 1, accepted = 0;
    int first = 1;
    for (; first + 1 < argc && argv[first][0] == '-'; first += 2) {
        *(argv[first][1] == 'n' ? &cases : &seed) = strtoul(argv[first + 1], NULL, 10);
    }
    int count = argc - first;
    if (count < 1) {
        fprintf(stderr, "usage: mutate [-n cases] [-s seed] file...\n");
        return 2;
    }
    text *seeds = malloc((size_t)count * sizeof *seeds);
    for (int i = 0; i < count; i++) seeds[i] = read_file(argv[first + i]);
    for (unsigned long i = 0; i < cases; i++) {
        state = (seed << 32 | (i + 1)) * 0x9E3779B97F4A7C15ULL;
        text t = {malloc(1), 0};
        const text *from = &seeds[below((size_t)count)];
        splice(&t, 0, 0, from->data, from->length);
        for (uint32_t k = below(5) * (1 + below(3)); k; k--) mutate(&t, &seeds[below((size_t)count)]);
        int failed = ml_checks_failed;
        accepted += (unsigned long)check_case(random_limits(0), &t);
        check_case(random_limits(1), &t);
        if (ml_checks_failed != failed) {
            FILE *file = fopen("mutate-failed.json", "wb");
            if (file) {
                fwrite(t.data, 1, t.length, file);
                fclose(file);
            }
            fprintf(stderr, "case %lu of seed %lu\n", i, seed);
            return 1;
        }
        free(t.data);
    }
    for (int i = 0; i < count; i++) free(seeds[i].data);
    free(seeds);
    printf("%lu cases, %lu accepted, %lu refused\n", cases, accepted, cases - accepted);
    return ml_checks_failed != 0;
}
