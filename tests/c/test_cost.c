/*
 * test_cost.c: documents made to cost more than their size. Prints what eight times the document costs: about eight
 * times as much where work is linear, 64 times where it is quadratic. The clock judges nothing here; what is checked is
 * that all of it is read and written.
 */
#include <time.h>

#include "scan_text.h"

typedef void make(ml_buffer *buffer, unsigned i);

static void put_format(ml_buffer *buffer, const char *format, unsigned a, unsigned b) {
    char text[256];
    ml_put(buffer, text, (size_t)snprintf(text, sizeof text, format, a, b));
}

/* ---- one more element of a single dataset ---- */

static void odd_key(ml_buffer *buffer, unsigned i) {
    put_format(buffer, "\"key %u\":{\"vr\":\"UN\"}", i, 0);
}

/* Unlike each other only where a hash of samples does not look. */
static void long_key(ml_buffer *buffer, unsigned i) {
    char key[601];
    memset(key, 'k', 600);
    key[600] = '\0';
    snprintf(key + 30, 9, "%08u", i);
    key[38] = 'k';
    ml_put_quoted(buffer, key, 600);
    ML_PUT(buffer, ":{\"vr\":\"UN\"}");
}

static void private_tag(ml_buffer *buffer, unsigned i) {
    put_format(buffer, "\"%08X\":{\"vr\":\"UN\"}", 0x00091000u + i * 2, 0);
}

static void duplicate(ml_buffer *buffer, unsigned i) {
    put_format(buffer, "\"00080060\":{\"vr\":\"CS\",\"Value\":[\"%u\"]}", i, 0);
}

static void child_table(ml_buffer *buffer, unsigned i) {
    put_format(buffer, "\"%08X\":{\"vr\":\"SQ\",\"Value\":[{}]}", 0x00091000u + i * 2, 0);
}

static void child_with_problem(ml_buffer *buffer, unsigned i) {
    put_format(buffer, "\"%08X\":{\"vr\":\"SQ\",\"Value\":[{\"00080060\":{}},{\"x\":{}}]}", 0x00091000u + i * 2, 0);
}

/* ---- one more dataset ---- */

static void other_shape(ml_buffer *buffer, unsigned i) {
    ml_put_char(buffer, '{');
    for (unsigned bit = 0; bit < 14; bit++) {
        if (i >> bit & 1) put_format(buffer, "\"%08X\":{\"vr\":\"CS\"},", 0x00180010u + bit * 0x10, 0);
    }
    ML_PUT(buffer, "\"00200013\":{\"vr\":\"IS\"}}");
}

/* Wide, and unlike the others in few of its columns. */
static void wide_shape(ml_buffer *buffer, unsigned i) {
    ml_put_char(buffer, '{');
    for (unsigned k = 0; k < 150; k++) {
        unsigned choice = k == 20 ? i % 8 : k == 21 ? i / 8 % 8 : k == 22 ? i / 64 % 8 : k == 23 ? i / 512 : 0;
        if (k) ml_put_char(buffer, ',');
        put_format(buffer, "\"%08X\":{}", 0x00091000u + k * 0x10 + choice, 0);
    }
    ml_put_char(buffer, '}');
}

static void distinct(ml_buffer *buffer, unsigned i) {
    put_format(buffer, "{\"00080018\":{\"vr\":\"UI\",\"Value\":[\"1.2.%u\"]}}", i, 0);
}

static void distinct_sequence(ml_buffer *buffer, unsigned i) {
    put_format(buffer,
               "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00081155\":{\"vr\":\"UI\",\"Value\":[\"%u\"]}},{}]}}", i, 0);
}

static void alternating(ml_buffer *buffer, unsigned i) {
    put_format(buffer,
               i % 2 ? "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{},{\"00081155\":{\"vr\":\"UI\"}}]}}"
                     : "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00081155\":{\"vr\":\"UI\"}},%u]}}",
               i, 0);
}

static void problem(ml_buffer *buffer, unsigned i) {
    put_format(buffer, "{\"%08X\":{\"Value\":[\"%u\"]}}", 0x00091000u + i % 2000, i);
}

static const struct {
    const char *name;
    make *make;
    unsigned count;
    int one_dataset;
} CASES[] = {
    {"odd keys", odd_key, 60000, 1},
    {"long keys", long_key, 12000, 1},
    {"private tags", private_tag, 60000, 1},
    {"duplicates", duplicate, 60000, 1},
    {"child tables", child_table, 20000, 1},
    {"problems in child tables", child_with_problem, 20000, 1},
    {"shapes", other_shape, 16000, 0},
    {"wide shapes", wide_shape, 4000, 0},
    {"distinct values", distinct, 60000, 0},
    {"distinct sequences", distinct_sequence, 40000, 0},
    {"alternating and dropped items", alternating, 40000, 0},
    {"problems", problem, 60000, 0},
};

/* Seconds of the processor that scanning takes, whole and in small pieces, and writing. */
static double cost(const ml_buffer *text) {
    double best = 1e9;
    how h = LENIENT;
    h.limits.problems = UINT32_MAX;
    for (int run = 0; run < 3; run++) {
        clock_t begin = clock();
        h.piece = 0;
        ml_document *document = scan_bytes(h, text->data, text->length, NULL);
        CHECK(document != NULL);
        if (!document) return 0;
        for (ml_dialect dialect = 0; dialect < ML_DIALECT_COUNT; dialect++)
            free(document_text(document, dialect, NULL));
        ml_document_free(document);
        h.piece = 5000;
        ml_document_free(scan_bytes(h, text->data, text->length, NULL));
        double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
        if (seconds < best) best = seconds;
    }
    return best;
}

int main(void) {
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        double seconds[2];
        for (int twice = 0; twice < 2; twice++) {
            ml_buffer text = {0};
            ml_put_char(&text, CASES[i].one_dataset ? '{' : '[');
            for (unsigned k = 0; k < CASES[i].count / (twice ? 1 : 8); k++) {
                if (k) ml_put_char(&text, ',');
                CASES[i].make(&text, k);
            }
            ml_put_char(&text, CASES[i].one_dataset ? '}' : ']');
            seconds[twice] = cost(&text);
            free(text.data);
        }
        printf("%-32s %.4f s, %.4f s for eight times as much\n", CASES[i].name, seconds[0], seconds[1]);
    }
    return ml_check_report();
}
