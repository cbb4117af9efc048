/*
 * test_part10_predict.c: files read one after the other into one reader become the rows that each becomes in a reader
 * of its own, with the same problems at the same places; of strict readers the verdicts are the same.
 *
 * Each series is made of the same attributes, whose presence, encoding and value are drawn from what each place in the
 * data set had in the file before: most stay, some change. What is odd (unsorted and repeated attributes, strays,
 * group lengths, private creators, character sets of items, sequences in UN) is there as in no real file at once.
 */
#include "part10_together.h"

/* ---- a series ---- */

enum { GENES = 128 };

/* What decides how a place of the data set looks: a place's hash picks a gene; a gene that changes changes the place.
 */
typedef struct series {
    uint64_t seed;
    uint32_t gene[GENES];
    int odd;   /* whether data sets may be of a make-up that no writer should give them */
    int clean; /* whether most values are of their VR */
    uint32_t only[8];
    ml_part10_options options;
} series;

typedef struct place {
    const series *series;
    uint64_t path;
    int depth;
    ml_syntax syntax;
    int delimited;
} place;

static uint64_t mixed(uint64_t h) {
    h = (h ^ h >> 33) * 0xFF51AFD7ED558CCDULL;
    h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53ULL;
    return h ^ h >> 33;
}

/* A number below n for an aspect of a place. */
static uint32_t drawn(const place *p, uint32_t aspect, uint32_t n) {
    uint64_t path = mixed(p->path * 31 + aspect);
    return (uint32_t)(mixed(path ^ p->series->seed ^ (uint64_t)p->series->gene[path % GENES] << 40) >> 32) % n;
}

static place within(const place *p, uint32_t step) {
    return (place){p->series, mixed(p->path + 1) + step, p->depth, p->syntax, p->delimited};
}

typedef enum kind { TEXT, CODES, NAME, NUMBERS, CHARACTERS, US, SIGNED, CREATOR, PRIVATE, BYTES, ITEMS, LENGTH } kind;

typedef struct attribute {
    uint32_t tag;
    const char *vr;
    kind kind;
} attribute;

static const attribute ATTRIBUTES[] = {
    {0x00080000, "UL", LENGTH},  {0x00080005, "CS", CHARACTERS}, {0x00080008, "CS", CODES},
    {0x00080018, "UI", TEXT},    {0x00080060, "CS", TEXT},       {0x00081140, "SQ", ITEMS},
    {0x00090010, "LO", CREATOR}, {0x00090011, "LO", CREATOR},    {0x00091001, "LO", PRIVATE},
    {0x00091004, "SH", PRIVATE}, {0x00091127, "SL", PRIVATE},    {0x00100000, "UL", LENGTH},
    {0x00100010, "PN", NAME},    {0x00104000, "LT", TEXT},       {0x00200000, "UL", LENGTH},
    {0x00200013, "IS", NUMBERS}, {0x00200032, "DS", NUMBERS},    {0x20010010, "LO", CREATOR},
    {0x2001105F, "SQ", ITEMS},   {0x20011063, "CS", PRIVATE},    {0x00280103, "US", US},
    {0x00280106, "US", SIGNED},  {0x00283000, "SQ", ITEMS},      {0x00283002, "US", SIGNED},
    {0x00283006, "OW", BYTES},   {0x00290010, "LO", CREATOR},    {0x00291010, "OB", BYTES},
    {0x0040A730, "SQ", ITEMS},   {0x00420011, "OB", BYTES},
};

enum { ATTRIBUTE_COUNT = sizeof ATTRIBUTES / sizeof *ATTRIBUTES };

static const char *const CREATORS[] = {"GEMS_IDEN_01",           "GEMS_PARM_01",
                                       "Philips Imaging DD 001", "Philips MR Imaging DD 001",
                                       "SIEMENS CSA HEADER",     "nobody"};
static const char *const TEXTS[] = {"A",
                                    "AB",
                                    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                                    "a\\b",
                                    " \"x\" ",
                                    "1.5",
                                    "007",
                                    "",
                                    "\\",
                                    "\xe4\xc3\xa4",
                                    "\x1b$B%d%\x1b(B",
                                    "=",
                                    "Y^X=\xe5=P",
                                    "12\\13\\x",
                                    "-0.25"};
static const char *const CLEAN[] = {"1", "12", "-3", "", "4", "56789", "7"};
static const char *const SETS[] = {"", "ISO_IR 100", "ISO_IR 192", "\\ISO 2022 IR 87", "ISO_IR 6"};

static void put_data_set(ml_buffer *b, const place *p);

static const char *text_of(const place *p, const char *const *texts, uint32_t count) {
    return texts[drawn(p, 1, count)];
}

static void put_items(ml_buffer *b, const place *p, uint32_t tag, const char *vr) {
    int undefined = drawn(p, 2, 3) == 0;
    opened value = open_value(b, p->syntax, tag, vr, undefined);
    uint32_t count = drawn(p, 3, 4);
    for (uint32_t i = 0; i < count; i++) {
        place item = within(p, i);
        item.depth++;
        if (vr && strcmp(vr, "UN") == 0) item.syntax = IMPLICIT;
        item.delimited = drawn(&item, 4, 3) == 0;
        opened o = open_item(b, item.syntax, item.delimited);
        put_data_set(b, &item);
        close_value(b, o);
        if (p->series->odd && !undefined && drawn(&item, 5, 16) == 0) {
            put_delimiter(b, ML_TAG_SEQUENCE_END, item.syntax.big_endian);
        }
    }
    close_value(b, value);
}

static void put_attribute(ml_buffer *b, const place *p, const attribute *a) {
    const series *s = p->series;
    const char *vr = a->vr;
    if (drawn(p, 6, 6) == 0 && a->kind != CHARACTERS) vr = "UN";
    if (s->odd && drawn(p, 6, 40) == 1) vr = "ZZ";
    if (s->odd && drawn(p, 6, 40) == 2 && !(a->tag & 0x10000)) vr = NULL;
    if (a->kind == US && drawn(p, 7, 3)) vr = "US";
    switch (a->kind) {
    case LENGTH: put_head(b, p->syntax, a->tag, vr, 4), put32(b, drawn(p, 1, 3), p->syntax.big_endian); break;
    case US: put_us(b, p->syntax, a->tag, vr, drawn(p, 1, 2)); break;
    case SIGNED:
        put_head(b, p->syntax, a->tag, vr, 2 + 2 * drawn(p, 1, 3));
        /* 1 at the beginning of LUTDescriptor decides what LUTData is */
        put16(b, drawn(p, 2, 2) ? 1 : 0xFFF0 + drawn(p, 3, 9), p->syntax.big_endian);
        for (uint32_t n = drawn(p, 1, 3); n; n--) put16(b, 0xFFF0 + drawn(p, 4, 3) * n, p->syntax.big_endian);
        break;
    case CREATOR: put_text(b, p->syntax, a->tag, vr, text_of(p, CREATORS, sizeof CREATORS / sizeof *CREATORS)); break;
    case CHARACTERS: put_text(b, p->syntax, a->tag, vr, text_of(p, SETS, sizeof SETS / sizeof *SETS)); break;
    case BYTES: {
        static const char zeros[64];
        uint32_t n = drawn(p, 1, 4) ? 2 * drawn(p, 2, 8) : drawn(p, 2, 64);
        put_head(b, p->syntax, a->tag, vr, n);
        ml_put(b, zeros, n);
        if (n) b->data[b->length - 1] = (char)drawn(p, 3, 3);
        break;
    }
    case ITEMS:
        if (p->depth < 3) {
            put_items(b, p, a->tag, vr);
        } else {
            put_head(b, p->syntax, a->tag, vr, 0);
        }
        break;
    default:
        if (s->clean && drawn(p, 12, 40)) {
            put_text(b, p->syntax, a->tag, vr, text_of(p, CLEAN, sizeof CLEAN / sizeof *CLEAN));
        } else {
            put_text(b, p->syntax, a->tag, vr, text_of(p, TEXTS, sizeof TEXTS / sizeof *TEXTS));
        }
    }
}

static void put_data_set(ml_buffer *b, const place *p) {
    const series *s = p->series;
    for (uint32_t k = 0; k < ATTRIBUTE_COUNT; k++) {
        place at = within(p, k);
        /* deeper ones have fewer, so that they do not grow beyond all bounds */
        if (drawn(&at, 8, p->depth ? 4 : 2)) continue;
        const attribute *a = &ATTRIBUTES[k];
        if (s->odd && drawn(&at, 9, 30) == 0) a = &ATTRIBUTES[drawn(&at, 10, ATTRIBUTE_COUNT)];
        if (s->odd && !p->delimited && drawn(&at, 9, 60) == 1) {
            put_delimiter(b, p->depth || drawn(&at, 11, 2) ? ML_TAG_ITEM_END : ML_TAG_SEQUENCE_END,
                          p->syntax.big_endian);
        }
        put_attribute(b, &at, a);
    }
}

static ml_buffer next_file(const series *s, int vary_syntax) {
    place root = {s, 7, 0, EXPLICIT, 0};
    uint32_t syntax = vary_syntax ? drawn(&root, 20, 3) : (uint32_t)(s->seed % 3);
    root.syntax = syntax == 0 ? IMPLICIT : syntax == 1 ? EXPLICIT : BIG;
    ml_buffer data = {0};
    /* which tells the encoding beyond doubt */
    put_text(&data, root.syntax, 0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2");
    put_data_set(&data, &root);
    if (drawn(&root, 21, 2)) put_head(&data, root.syntax, 0x7FE00010, drawn(&root, 22, 3) ? "OW" : "OB", 100);
    return file_of(root.syntax, data);
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static series new_series(uint64_t seed, uint64_t *state) {
    series s = {.seed = seed, .options = plain_options()};
    s.odd = random_below(state, 2) == 0;
    s.clean = random_below(state, 2) == 0;
    for (int g = 0; g < GENES; g++) s.gene[g] = random_below(state, 1000);
    s.options.bulk_above = random_below(state, 2) ? 8 : 1024;
    s.options.only_count = random_below(state, 3) ? 0 : 1 + random_below(state, 8);
    for (uint32_t i = 0; i < s.options.only_count; i++)
        s.only[i] = ATTRIBUTES[random_below(state, ATTRIBUTE_COUNT)].tag;
    qsort(s.only, s.options.only_count, sizeof *s.only, ascending);
    return s;
}

static unsigned long files_read;

static void check_series(series *s, uint64_t *state) {
    int strict = random_below(state, 4) == 0, vary_syntax = random_below(state, 4) == 0;
    uint32_t count = 3 + random_below(state, 14), changes = 1 + random_below(state, 8);
    if (strict) {
        s->odd = 0;
        s->clean = 1;
    }
    series other = new_series(s->seed + 1, state); /* of another make-up, which comes in between */
    other.options = s->options;
    other.clean = s->clean;
    other.odd = s->odd;
    int interleaved = random_below(state, 4) == 0;
    if (s->options.only_count) s->options.only = other.options.only = s->only;
    char name[32];
    snprintf(name, sizeof name, "series %lu", (unsigned long)s->seed);
    together t = begin_together(name, &ML_TEST_LIMITS, &s->options, strict);
    for (uint32_t f = 0; f < count; f++) {
        series *of = interleaved && random_below(state, 2) ? &other : s;
        for (uint32_t c = random_below(state, changes); c; c--) of->gene[random_below(state, GENES)]++;
        ml_buffer file = next_file(of, vary_syntax);
        ml_frame frame;
        ml_error error;
        int framed = frame_all(&file, &frame, &error);
        CHECK_MSG(framed, "%s, file %u: error %d at %d", name, f, error.code, (int)error.offset);
        if (framed) files_read += (unsigned long)add_together(&t, file.data, &frame, &NOWHERE);
        free(file.data);
    }
    end_together(&t);
}

int main(int argc, char **argv) {
    unsigned long first = 1, count = 4000;
    if (argc > 1) count = strtoul(argv[1], NULL, 10);
    if (argc > 2) first = strtoul(argv[2], NULL, 10);
    for (unsigned long i = first; i < first + count && ml_checks_failed < 10; i++) {
        uint64_t state = mixed(i);
        series s = new_series(i, &state);
        check_series(&s, &state);
    }
    CHECK(files_read > 7 * count || ml_checks_failed);
    return ml_check_report();
}
