/*
 * test_predict.c: a table built with prediction is what the rows give one by one.
 *
 * Rows are scanned together and each alone. Whatever prediction skipped, every row has to be written back the same in
 * each dialect; and strict scanning has to accept all of them together just when it accepts each.
 */
#include "scan_text.h"

static const ml_dialect DIALECTS[] = {ML_DIALECT_DICOM, ML_DIALECT_SPELLED, ML_DIALECT_NATURAL, ML_DIALECT_DCMJS,
                                      ML_DIALECT_CORNERSTONE};

/* The forms of all values of a row, by which a row that only looks alike is told apart. */
static void put_forms(ml_buffer *buffer, const ml_table *table, uint32_t index) {
    ml_row row = ml_table_row(table, index);
    const ml_shape *shape = &table->shapes[row.shape];
    for (uint32_t s = 0; s < shape->width; s++) {
        const ml_column *column = &table->columns[shape->columns[s]];
        ml_value value = ml_value_at(table->document, column, ml_shape_cell(shape, s, row.index));
        ml_put_char(buffer, (char)('0' + value.form));
        ml_put(buffer, ml_vr_name(value.vr), strlen(ml_vr_name(value.vr)));
        if (value.form != ML_FORM_ITEMS) continue;
        ml_range range = ml_value_range(&value);
        ml_put_char(buffer, '(');
        for (uint32_t i = 0; i < range.count; i++) put_forms(buffer, column->child, range.first + i);
        ml_put_char(buffer, ')');
    }
    ml_put_char(buffer, ';');
}

static char *forms_text(const ml_document *document, uint32_t row) {
    ml_buffer buffer = {0};
    put_forms(&buffer, &document->root, row);
    ml_put_char(&buffer, '\0');
    return buffer.data;
}

static void check_same_row(const ml_document *together, uint32_t row, const ml_document *alone, const char *text) {
    for (size_t d = 0; d < sizeof DIALECTS / sizeof *DIALECTS; d++) {
        char *a = row_text(together, row, DIALECTS[d]), *b = row_text(alone, 0, DIALECTS[d]);
        CHECK_MSG(!a == !b && (!a || strcmp(a, b) == 0), "row %d, dialect %d:\n  %s\n  %s\n  %s", (int)row, DIALECTS[d],
                  text, a ? a : "-", b ? b : "-");
        free(a);
        free(b);
    }
    char *a = forms_text(together, row), *b = forms_text(alone, 0);
    CHECK_MSG(strcmp(a, b) == 0, "row %d:\n  %s\n  %s\n  %s", (int)row, text, a, b);
    free(a);
    free(b);
}

/* A writer copies what it wrote before: all rows by one writer are what each is by a writer of its own. */
static void check_written(const ml_document *together) {
    for (size_t d = 0; d < sizeof DIALECTS / sizeof *DIALECTS; d++) {
        char *all = document_text(together, DIALECTS[d], NULL), *at = all;
        for (uint32_t r = 0; r < together->root.rows; r++) {
            char *row = row_text(together, r, DIALECTS[d]);
            const char *expected = row ? row : "null";
            CHECK_MSG(strncmp(++at, expected, strlen(expected)) == 0, "row %d, dialect %d:\n  %s\n  %s", (int)r,
                      DIALECTS[d], at, expected);
            at += strlen(expected);
            free(row);
        }
        CHECK(*at == ']' || strcmp(at, "[]") == 0);
        free(all);
    }
}

/* Rows together, between `open`, `comma` and `close`, and each alone. */
static void check_rows(const char *const *rows, uint32_t count, const char *open, const char *comma,
                       const char *close) {
    ml_buffer buffer = {0};
    ml_put(&buffer, open, strlen(open));
    for (uint32_t r = 0; r < count; r++) {
        if (r) ml_put(&buffer, comma, strlen(comma));
        ml_put(&buffer, rows[r], strlen(rows[r]));
    }
    ml_put(&buffer, close, strlen(close));
    ml_error error;
    ml_document *together = scan_bytes(LENIENT, buffer.data, buffer.length, &error);
    CHECK_MSG(together && together->root.rows == count, "%.*s: error %d at %d", (int)buffer.length, buffer.data,
              error.code, (int)error.offset);
    if (together) check_written(together);
    uint32_t first_fault = ML_NO_INDEX;
    ml_error fault = {0};
    for (uint32_t r = 0; r < count && together; r++) {
        ml_document *alone = scan_text(LENIENT, rows[r], NULL);
        CHECK_MSG(alone != NULL, "%s", rows[r]);
        if (alone) check_same_row(together, r, alone, rows[r]);
        ml_document_free(alone);
        if (first_fault != ML_NO_INDEX) continue;
        alone = scan_text(STRICT, rows[r], &fault);
        if (!alone) first_fault = r;
        ml_document_free(alone);
    }
    ml_document_free(together);
    together = scan_bytes(STRICT, buffer.data, buffer.length, &error);
    uint32_t got = together ? ML_NO_INDEX : error.row;
    CHECK_MSG(got == first_fault, "strict fault (%d) in row %d, alone (%d) in %d:\n%.*s", error.problem, (int)got,
              fault.problem, (int)first_fault, (int)buffer.length, buffer.data);
    if (got == first_fault && got != ML_NO_INDEX) {
        size_t start = strlen(open);
        for (uint32_t r = 0; r < got; r++) start += strlen(rows[r]) + strlen(comma);
        CHECK_MSG(error.problem == fault.problem && error.offset == start + fault.offset,
                  "problem %d at %d, alone %d at %d:\n%.*s", error.problem, (int)(error.offset - start), fault.problem,
                  (int)fault.offset, (int)buffer.length, buffer.data);
        CHECK(error.depth == fault.depth && error.path[error.depth - 1].tag == fault.path[error.depth - 1].tag);
    }
    ml_document_free(together);
    free(buffer.data);
}

/* All sequences of three of these rows, with and without white space around them. */
static void check_triples(const char *const *rows, uint32_t count) {
    for (uint32_t a = 0; a < count; a++) {
        for (uint32_t b = 0; b < count; b++) {
            for (uint32_t c = 0; c < count; c++) {
                const char *list[] = {rows[a], rows[b], rows[c], rows[a]};
                check_rows(list, 4, "[", ",", "]");
            }
        }
    }
    check_rows(rows, count, "", "\n", "\n");
}

#define TRIPLES(rows) check_triples(rows, sizeof(rows) / sizeof *(rows))

/* One attribute, whose value changes its length, kind and members. */
static void test_values(void) {
    static const char *const texts[] = {
        "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]}}",
        "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"\"]}}",
        "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CTX\"]}}",
        "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"C\\u0054\"]}}",
        "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\",\"MR\"]}}",
        "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\" ]}}",
        "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"\xc3\xa4\"]}}",
        "{\"00080060\":{\"vr\":\"CS\",\"Value\":[]}}",
        "{\"00080060\":{\"vr\":\"CS\",\"Value\":[null]}}",
        "{\"00080060\":{\"vr\":\"CS\"}}",
        "{\"00080060\":{\"vr\":\"CS\",\"Value\":\"CT\"}}",
        "{\"00080060\":{\"vr\":\"LO\",\"Value\":[\"CT\"]}}",
        "{\"00080060\":{\"Value\":[\"CT\"],\"vr\":\"CS\"}}",
        "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"],\"x\":1}}",
        "{}",
    };
    TRIPLES(texts);
    static const char *const numbers[] = {
        "{\"00280010\":{\"vr\":\"US\",\"Value\":[1]}}",        "{\"00280010\":{\"vr\":\"US\",\"Value\":[12]}}",
        "{\"00280010\":{\"vr\":\"US\",\"Value\":[-1.5e2]}}",   "{\"00280010\":{\"vr\":\"US\",\"Value\":[1,2]}}",
        "{\"00280010\":{\"vr\":\"US\",\"Value\":[1.5,2]}}",    "{\"00280010\":{\"vr\":\"US\",\"Value\":[1, 2]}}",
        "{\"00280010\":{\"vr\":\"US\",\"Value\":[1,null,2]}}", "{\"00280010\":{\"vr\":\"US\",\"Value\":[true,2]}}",
        "{\"00280010\":{\"vr\":\"US\",\"Value\":[\"1\",2]}}",  "{\"00280010\":{\"vr\":\"US\",\"Value\":[1e400]}}",
        "{\"00280010\":{\"vr\":\"US\",\"Value\":[1e400,1]}}",  "{\"00280010\":{\"vr\":\"US\",\"Value\":[1,[2]]}}",
        "{\"00280010\":{\"vr\":\"US\",\"Value\":[1,NaN]}}",    "{\"00280010\":{\"vr\":\"US\",\"Value\":[1,{}]}}",
    };
    TRIPLES(numbers);
    static const char *const names[] = {
        "{\"00100010\":{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":\"A\"}]}}",
        "{\"00100010\":{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":\"AB\"}]}}",
        "{\"00100010\":{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":\"A\"},{\"Phonetic\":\"B\"}]}}",
        "{\"00100010\":{\"vr\":\"PN\",\"Value\":[\"A\",\"B\"]}}",
        "{\"00100010\":{\"vr\":\"PN\",\"Value\":[1,2]}}",
        "{\"00100010\":{\"vr\":\"PN\",\"Value\":[\"A\",2]}}",
        "{\"00100010\":{\"vr\":\"PN\",\"Value\":[null,null]}}",
        "{\"00100010\":{\"vr\":\"PN\",\"Value\":[\"A\",{\"Alphabetic\":1}]}}",
    };
    TRIPLES(names);
    static const char *const bulk[] = {
        "{\"7FE00010\":{\"vr\":\"OW\",\"BulkDataURI\":\"a\"}}",
        "{\"7FE00010\":{\"vr\":\"OW\",\"BulkDataURI\":\"abc\"}}",
        "{\"7FE00010\":{\"vr\":\"OW\",\"BulkDataURI\":\"a\\/c\"}}",
        "{\"7FE00010\":{\"vr\":\"OW\",\"BulkDataURI\":\"a\",\"InlineBinary\":\"AAAA\"}}",
        "{\"7FE00010\":{\"vr\":\"OW\",\"InlineBinary\":\"AAAA\"}}",
        "{\"7FE00010\":{\"vr\":\"OW\",\"InlineBinary\":\"AAA\"}}",
        "{\"7FE00010\":{\"vr\":\"OW\",\"InlineBinary\":\"?\"}}",
    };
    TRIPLES(bulk);
}

/* What follows a value decides what it is: nothing of it may count before that is read. */
static void test_late_vr(void) {
    static const char *const rows[] = {
        "{\"00091001\":{\"Value\":[\"5\"],\"vr\":\"IS\"}}",
        "{\"00091001\":{\"Value\":[\"x\"],\"vr\":\"LO\"}}",
        "{\"00091001\":{\"Value\":[5],\"vr\":\"US\"}}",
        "{\"00091001\":{\"Value\":[5.5],\"vr\":\"FD\"}}",
        "{\"00091001\":{\"Value\":[5,6],\"vr\":\"US\"}}",
        "{\"00091001\":{\"Value\":[5.5,6],\"vr\":\"FD\"}}",
        "{\"00091001\":{\"Value\":[{}],\"vr\":\"SQ\"}}",
        "{\"00091001\":{\"Value\":[{},{}],\"vr\":\"SQ\"}}",
        "{\"00091001\":{\"Value\":[\"x\"],\"vr\":\"SQ\"}}",
        "{\"00091001\":{\"Value\":[\"x\"]}}",
        "{\"00091001\":{\"BulkDataURI\":\"u\",\"vr\":\"OB\"}}",
        "{\"00091001\":{\"InlineBinary\":\"AAAA\",\"vr\":\"OB\"}}",
        "{\"00091001\":{\"InlineBinary\":\"AAAAA\",\"vr\":\"OB\"}}",
    };
    TRIPLES(rows);
}

/* Attributes that come and go at the beginning, the middle and the end, twice, in another order, otherwise spelled. */
static void test_makeup(void) {
#define A "\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]}"
#define A2 "\"00080060\":{\"vr\":\"CS\",\"Value\":[\"MRI\"]}"
#define B "\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00081155\":{\"vr\":\"UI\",\"Value\":[\"1.2\"]}}]}"
#define B2 "\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00081155\":{\"vr\":\"UI\",\"Value\":[\"1.2.3\"]}},{}]}"
#define C "\"0040A730\":{\"vr\":\"SQ\"}"
#define C2 "\"0040a730\":{\"vr\":\"SQ\",\"Value\":[]}"
    static const char *const rows[] = {
        "{" A "," B "," C "}",
        "{" A2 "," B2 "," C2 "}",
        "{" B "," C "}",
        "{" A "," C "}",
        "{" A2 "," B "}",
        "{" A "}",
        "{" C "}",
        "{" C2 "," A2 "}",
        "{" A "," A2 "," B "," C "}",
        "{" A "," B "," C "," A2 "}",
        "{" A "," B2 "," B "}",
        "{ " A "," B2 " ," C2 " }",
        "{" C "," C2 "}",
        "{\"x\":{}," A "," B "}",
        "{" B2 "," A2 "," C "}",
        "{}",
    };
    TRIPLES(rows);
}

/* A row with white space in its place-th gap between tokens; NULL when it has no such gap. */
static char *spaced(const char *row, int place, const char *space) {
    static const char *const marks = "{}[],:\"";
    int in_string = 0;
    for (const char *p = row; *p; p++) {
        int gap = !in_string && p != row && (strchr(marks, p[-1]) || strchr(marks, *p));
        if (gap && place-- == 0) {
            char *text = malloc(strlen(row) + strlen(space) + 1);
            sprintf(text, "%.*s%s%s", (int)(p - row), row, space, p);
            return text;
        }
        if (*p == '"') in_string = !in_string; /* these rows have no escapes */
    }
    return NULL;
}

/* White space that one row has and the next has not. */
static void test_space(void) {
    static const char *const row = "{" A "," B ",\"00280030\":{\"vr\":\"DS\",\"Value\":[0.5,1.5]}," C "}";
    static const char *const other = "{" A2 "," B2 ",\"00280030\":{\"vr\":\"DS\",\"Value\":[0.5,15]}," C "}";
    static const char *const spaces[] = {" ", "\n\t"};
    char *first, *second;
    int gaps = 0;
    for (; (first = spaced(row, gaps, " ")); gaps++) {
        for (int i = 0; i < 2; i++) {
            second = spaced(other, gaps, spaces[i]);
            const char *rows[] = {row, first, second ? second : other, other, first, row, other};
            check_rows(rows, 7, "[", ",", "]");
            free(second);
        }
        for (int place = 0; (second = spaced(row, place, "  ")); place++) {
            const char *rows[] = {first, second, first};
            check_rows(rows, 3, "[", ",", "]");
            free(second);
        }
        free(first);
    }
    CHECK(gaps > 60);
}

/* An edited row behind the row it was made from, and behind one that predicts nothing: the same verdict, the same
 * fault, the same rows. */
static void check_edited(const char *row, const char *edited) {
    char alone[1024], together[2048];
    int shift = (int)strlen(row) - 2;
    snprintf(alone, sizeof alone, "[{},%s]", edited);
    snprintf(together, sizeof together, "[%s,%s]", row, edited);
    for (int strict = 0; strict < 2; strict++) {
        ml_error a, b;
        ml_document *first = scan_text(strict ? STRICT : LENIENT, alone, &a);
        ml_document *second = scan_text(strict ? STRICT : LENIENT, together, &b);
        CHECK_MSG(a.code == b.code && a.problem == b.problem, "%s: error %d, %d alone", together, b.code, a.code);
        if (first && second) {
            char *one = document_text(first, ML_DIALECT_SPELLED, NULL);
            char *two = document_text(second, ML_DIALECT_SPELLED, NULL);
            size_t n = strlen(one), m = strlen(two);
            CHECK_MSG(first->root.rows == second->root.rows && m >= n && strcmp(one + 3, two + m - n + 3) == 0,
                      "%s:\n  %s\n  %s", together, two, one);
            free(one);
            free(two);
        } else {
            CHECK_MSG(a.offset + (uint64_t)shift == b.offset && a.row == b.row && a.depth == b.depth,
                      "%s: error %d at %d, %d alone", together, b.code, (int)b.offset - shift, (int)a.offset);
            CHECK(same_path(a.path, b.path, a.depth));
        }
        ml_document_free(first);
        ml_document_free(second);
    }
}

/* A fault inside of what would be items, where the row before has a list. */
static void test_late_items(void) {
    check_edited("{\"00081140\":{\"Value\":[1,2],\"vr\":\"DS\"}}",
                 "{\"00081140\":{\"Value\":[{\"00081155\":{\"Value\":[\"1\" 2]}}],\"vr\":\"SQ\"}}");
    check_edited("{\"00081140\":{\"Value\":[\"a\",\"b\"],\"vr\":\"LO\"}}",
                 "{\"00081140\":{\"Value\":[ {\"00081155\":7,}],\"vr\":\"SQ\"}}");
}

/* Every single character of a row left out, put in and replaced. */
static void test_edits(void) {
    static const char *const rows[] = {
        "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]},\"00280030\":{\"vr\":\"DS\",\"Value\":[0.5,15]}," C "}",
        "{" B ",\"7FE00010\":{\"BulkDataURI\":\"u\",\"vr\":\"OW\"}}",
        "{ \"00100010\" : { \"vr\" : \"PN\" , \"Value\" : [ { \"Alphabetic\" : \"A\" } ] } , " A " }",
        "{\"00100020\":{\"vr\":\"LO\",\"Value\":[\"a\u00e4\u20ac\U0001f9e0b\"]}}",
    };
    static const char marks[] = "{}[],:\"\\ 0.-nN\x01\xc3\xa4";
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        const char *row = rows[r];
        char edited[512];
        for (int at = 0; at <= (int)strlen(row); at++) {
            if (row[at]) {
                snprintf(edited, sizeof edited, "%.*s%s", at, row, row + at + 1);
                check_edited(row, edited);
            }
            for (const char *mark = marks; *mark; mark++) {
                snprintf(edited, sizeof edited, "%.*s%c%s", at, row, *mark, row + at);
                check_edited(row, edited);
                if (row[at]) snprintf(edited, sizeof edited, "%.*s%c%s", at, row, *mark, row + at + 1);
                check_edited(row, edited);
            }
        }
    }
}

/* Sequences whose rows are read and dropped again: equal ones, ones that are no sequence after all. */
static void test_dropped(void) {
#define SQ(items) "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[" items "]}}"
#define ITEM(uid) "{\"00081155\":{\"vr\":\"UI\",\"Value\":[\"" uid "\"]}}"
    static const char *const rows[] = {
        SQ(ITEM("1")),
        SQ(ITEM("22")),
        SQ(ITEM("1") "," ITEM("22")),
        SQ(ITEM("22") "," ITEM("1")),
        SQ(ITEM("333") ",1"),
        SQ("{},{}"),
        SQ("{}," ITEM("1")),
        SQ("{\"00081140\":{\"vr\":\"SQ\",\"Value\":[" ITEM("1") "]}}"),
        SQ("{\"00081140\":{\"vr\":\"SQ\",\"Value\":[" ITEM("1") "," ITEM("22") "]}}"),
        SQ("{\"00081140\":{\"vr\":\"SQ\",\"Value\":[" ITEM("1") ",null]}}"),
        "{\"00081140\":{\"Value\":[" ITEM("1") "],\"vr\":\"SQ\"}}",
        "{\"00081140\":{\"Value\":[" ITEM("1") "],\"vr\":\"LO\"}}",
        "{\"00081140\":{\"Value\":[" ITEM("1") "],\"vr\":\"SQ\",\"Value\":[]}}",
        "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[" ITEM("1") "]},\"00081140\":{\"vr\":\"SQ\",\"Value\":[{}]}}",
    };
    TRIPLES(rows);
}

/* ---- many rows made up at random ---- */

static const char *const KEYS[] = {"00080060", "00080008", "00081140", "00091001", "00091002", "00100010",
                                   "00280010", "00280030", "0040A730", "0040a730", "7FE00010", "Rows"};
static const char *const VALUES[] = {"{\"vr\":\"CS\",\"Value\":[\"A\"]}",
                                     "{\"vr\":\"CS\",\"Value\":[\"ABCDEFGHIJKLMNOPQRSTUVWXYZ\"]}",
                                     "{\"vr\":\"CS\"}",
                                     "{\"vr\":\"CS\",\"Value\":[\"A\",\"B\"]}",
                                     "{\"Value\":[\"A\"],\"vr\":\"CS\"}",
                                     "{\"vr\":\"US\",\"Value\":[1]}",
                                     "{\"vr\":\"US\",\"Value\":[1234]}",
                                     "{\"vr\":\"DS\",\"Value\":[0.5,1.5]}",
                                     "{\"vr\":\"DS\",\"Value\":[0.25,1.5]}",
                                     "{\"vr\":\"DS\",\"Value\":[0.5, 1.5]}",
                                     "{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":\"A\"}]}",
                                     "{\"vr\":\"OW\",\"BulkDataURI\":\"u\"}",
                                     "{\"vr\":\"OW\",\"BulkDataURI\":\"uvw\"}",
                                     "{\"Value\":[1,[2]]}",
                                     "7"};

static void put_dataset(ml_buffer *buffer, uint64_t *state, uint32_t depth);

static void put_element(ml_buffer *buffer, uint64_t *state, uint32_t depth) {
    if (depth && random_below(state, 4) == 0) {
        uint32_t items = random_below(state, 4);
        ML_PUT(buffer, "{\"vr\":\"SQ\",\"Value\":[");
        for (uint32_t i = 0; i < items; i++) {
            if (i) ml_put_char(buffer, ',');
            put_dataset(buffer, state, depth - 1);
        }
        if (random_below(state, 12) == 0) ml_put(buffer, ",3", items ? 2 : 0);
        ML_PUT(buffer, "]}");
        return;
    }
    const char *value = VALUES[random_below(state, sizeof VALUES / sizeof *VALUES)];
    ml_put(buffer, value, strlen(value));
}

static void put_dataset(ml_buffer *buffer, uint64_t *state, uint32_t depth) {
    int some = 0;
    ml_put_char(buffer, '{');
    for (size_t k = 0; k < sizeof KEYS / sizeof *KEYS; k++) {
        if (random_below(state, 3)) continue;
        size_t key = random_below(state, 16) ? k : random_below(state, sizeof KEYS / sizeof *KEYS);
        if (some++) ml_put_char(buffer, ',');
        ml_put_quoted(buffer, KEYS[key], strlen(KEYS[key]));
        ml_put_char(buffer, ':');
        put_element(buffer, state, depth);
    }
    ml_put_char(buffer, '}');
}

/* A row like the one before with one element made anew, or another row altogether. */
static char *random_row(const char *before, uint64_t *state) {
    ml_buffer buffer = {0};
    const char *at = before && random_below(state, 4) ? before : NULL;
    for (uint32_t skip = random_below(state, 6); at && skip; skip--) {
        const char *next = strstr(at + 1, "},\"");
        if (!next) break;
        at = next;
    }
    if (at && at != before && at[3] && strlen(at) > 16) {
        ml_put(&buffer, before, (size_t)(at + 2 - before));
        const char *key = KEYS[random_below(state, sizeof KEYS / sizeof *KEYS)];
        ml_put_quoted(&buffer, key, strlen(key));
        ml_put_char(&buffer, ':');
        put_element(&buffer, state, 2);
        ml_put(&buffer, at + 1, strlen(at + 1));
    } else {
        put_dataset(&buffer, state, 3);
    }
    ml_put_char(&buffer, '\0');
    return buffer.data;
}

static void test_random(void) {
    enum { ROWS = 24 };
    for (uint64_t seed = 1; seed <= 250; seed++) {
        uint64_t state = seed * 0x9E3779B97F4A7C15ULL;
        char *rows[ROWS];
        for (int r = 0; r < ROWS; r++) {
            /* some rows come again, so that there is something to predict */
            if (r > 1 && random_below(&state, 3) == 0) {
                const char *old = rows[random_below(&state, (uint32_t)r)];
                rows[r] = malloc(strlen(old) + 1);
                strcpy(rows[r], old);
            } else {
                rows[r] = random_row(r ? rows[r - 1] : NULL, &state);
            }
        }
        check_rows((const char *const *)rows, ROWS, "[", ",", "]");
        for (int r = 0; r < ROWS; r++) free(rows[r]);
    }
}

int main(void) {
    test_values();
    test_late_vr();
    test_makeup();
    test_space();
    test_edits();
    test_late_items();
    test_dropped();
    test_random();
    return ml_check_report();
}
