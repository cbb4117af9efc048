/*
 * mutate_part10.c: files damaged at random, for a sanitized build:
 * `mutate_part10 [-n cases] [-s seed] [-i first case] file...`.
 *
 * Each case is a handful of files, most of them after a few mutations, between two that are whole. Demanded are: a
 * fault or a frame of each first part of it, with `needed` beyond what there is; what was framed is read whatever it
 * holds; one reader for all makes of each file what a reader of its own does, and lists the same problems. Before that,
 * the files are cut: at as many places of their first 4 KiB as there are cases, at each where there are enough. Ends
 * with "N cases, M accepted, K refused", status 0; the files of a case that fails are left in
 * mutate-part10-failed-*.dcm.
 */
#include "part10_together.h"

enum { MOST_FILE = 1 << 16, MOST_CUT = 1 << 12, MOST_CASE = 1 << 17 };

/* A file's header, or what there is of it after mutations. */
typedef struct text {
    char *data;
    size_t length;
    uint64_t size;    /* of the file, of which this is the beginning */
    uint32_t *places; /* where elements, items and delimiters begin; of the file as it was */
    uint32_t count, capacity;
    ml_syntax syntax;
} text;

static uint64_t state;

static uint32_t below(size_t n) {
    return n ? random_below(&state, (uint32_t)n) : 0;
}

/* ---- places ---- */

static void note_place(text *t, const char *p) {
    if (t->count == t->capacity) {
        t->capacity = 2 * t->capacity + 64;
        t->places = realloc(t->places, t->capacity * sizeof *t->places);
    }
    t->places[t->count++] = (uint32_t)(p - t->data);
}

/* Notes all heads in [p, end), those within sequences included, as far as they make sense. */
static void note_places(text *t, const char *p, const char *end, ml_syntax syntax) {
    ml_head head;
    while (end - p >= 8 && ml_read_head(p, end, syntax, &head)) {
        note_place(t, p);
        p += head.size;
        if (head.tag >> 16 == 0xFFFE || head.length == ML_UNDEFINED || head.vr == ML_VR_SQ) continue;
        if (head.length > (size_t)(end - p)) break;
        p += head.length;
    }
}

static size_t place(const text *t) {
    if (!t->count || below(8) == 0) return below(t->length + 1);
    return ml_min(t->places[below(t->count)], t->length);
}

/* What an element at a place takes, with all in it; some number where there is none. */
static size_t extent(const text *t, size_t at) {
    ml_head head;
    const char *p = t->data + at, *end = t->data + t->length;
    if (!ml_read_head(p, end, t->syntax, &head)) return ml_min((size_t)(end - p), 8);
    if (head.tag >> 16 == 0xFFFE) return 8;
    ml_walk walk = {.begin = t->data, .end = end, .max_depth = 64};
    const char *next = ml_walk_value(&walk, p + head.size, end, &head, t->syntax);
    return next ? (size_t)(next - p) : head.size;
}

/* ---- mutations ---- */

/* Replaces t[at, at + gone) by n bytes. */
static void splice(text *t, size_t at, size_t gone, const char *s, size_t n) {
    if (t->length - gone + n > MOST_CASE) return;
    char *data = malloc(t->length - gone + n + 1);
    memcpy(data, t->data, at);
    if (n) memcpy(data + at, s, n);
    memcpy(data + at + n, t->data + at + gone, t->length - at - gone);
    free(t->data);
    t->data = data;
    t->length += n - gone;
}

static void overwrite(text *t, size_t at, const char *s, size_t n) {
    if (at + n <= t->length) memcpy(t->data + at, s, n);
}

static void overwrite_length(text *t) {
    static const uint32_t edges[] = {0,          1,          2,          8,         0xFFFF, 0xFFFE, ML_UNDEFINED,
                                     0xFFFFFFFE, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF8};
    size_t at = place(t);
    uint32_t edge = below(3) ? edges[below(sizeof edges / sizeof *edges)] : below(1000);
    ml_head head;
    if (at + 12 > t->length) return;
    ml_read_head(t->data + at, t->data + t->length, t->syntax, &head);
    ml_buffer b = {0};
    int is_short = head.size == 8 && t->syntax.explicit_vr && head.tag >> 16 != 0xFFFE && below(8);
    if (below(2)) edge = head.length + below(9) - 4; /* a little more or less */
    if (is_short) {
        put16(&b, edge, t->syntax.big_endian);
    } else {
        put32(&b, edge, t->syntax.big_endian);
    }
    overwrite(t, at + head.size - b.length, b.data, b.length);
    free(b.data);
}

static void overwrite_vr(text *t) {
    static const char vrs[] = "UNOBOWSQUTLOUSSSDSPNATFDULCSZZ\0\0";
    overwrite(t, place(t) + 4, vrs + 2 * below(sizeof vrs / 2), 2);
}

static void overwrite_tag(text *t) {
    static const uint32_t tags[] = {ML_TAG_CHARACTER_SET,
                                    ML_TAG_SERIES,
                                    ML_TAG_PIXEL_REPRESENTATION,
                                    ML_TAG_ITEM,
                                    ML_TAG_ITEM_END,
                                    ML_TAG_SEQUENCE_END,
                                    ML_TAG_TRANSFER_SYNTAX,
                                    0x7FE00010,
                                    0x7FE00008,
                                    0x00090010,
                                    0x00091001,
                                    0x00080000,
                                    0x00081140,
                                    0x0040A730,
                                    0x00280106,
                                    0x00283006,
                                    0x00283002,
                                    0xFFFFFFFF,
                                    0,
                                    0x20010010,
                                    0x2001105F};
    ml_buffer b = {0};
    put_tag(&b, tags[below(sizeof tags / sizeof *tags)], t->syntax.big_endian);
    overwrite(t, place(t), b.data, b.length);
    free(b.data);
}

static void insert_element(text *t) {
    ml_buffer b = {0};
    ml_syntax s = below(8) ? t->syntax : IMPLICIT;
    switch (below(10)) {
    case 0: put_delimiter(&b, ML_TAG_ITEM_END, s.big_endian); break;
    case 1: put_delimiter(&b, ML_TAG_SEQUENCE_END, s.big_endian); break;
    case 2: put_delimiter(&b, ML_TAG_ITEM, s.big_endian); break;
    case 3: put_bytes(&b, s, 0x00080000 + (below(60) << 16), "UL", "\0\0\0\0", 4); break;
    case 4: put_text(&b, s, ML_TAG_CHARACTER_SET, "CS", below(2) ? "ISO_IR 192" : "\\ISO 2022 IR 87"); break;
    case 5: put_text(&b, s, 0x00090010, "LO", below(2) ? "GEMS_IDEN_01" : "GEMS_PARM_01"); break;
    case 6: put_text(&b, s, 0x00091001, "UN", "a\xe4"); break;
    case 7: put_us(&b, s, ML_TAG_PIXEL_REPRESENTATION, "US", below(2)); break;
    case 8: put_us(&b, s, 0x00280106, "UN", 0xFFFF); break;
    default: put_head(&b, s, below(2) ? 0x0040A730 : 0x2001105F, below(2) ? "SQ" : "UN", below(2) ? ML_UNDEFINED : 0);
    }
    splice(t, place(t), 0, b.data, b.length);
    free(b.data);
}

static void insert_chunk(text *t, const text *from, size_t at) {
    size_t start = place(from), n = ml_min(extent(from, start), 8192);
    char *copy = malloc(n + 1);
    memcpy(copy, from->data + start, n);
    splice(t, at, 0, copy, n);
    free(copy);
}

static void swap_chunks(text *t) {
    size_t at = place(t), first = extent(t, at);
    size_t second = extent(t, at + first);
    char *copy = malloc(first + 1);
    memcpy(copy, t->data + at, first);
    memmove(t->data + at, t->data + at + first, second);
    memcpy(t->data + at + second, copy, first);
    free(copy);
}

static void mutate(text *t, const text *other) {
    if (t->length < 2) return;
    size_t at = below(t->length);
    switch (below(16)) {
    case 0: t->data[at] ^= (char)(1 << below(8)); break;
    case 1: t->data[at] = "\0\1\xff\xfe\x7f\x80\\ =A\x1b"[below(11)]; break;
    case 2: splice(t, at, ml_min(t->length - at, 1 + below(20)), "", 0); break;
    case 3:
        if (below(3) == 0) t->length = below(2) ? at : place(t);
        break;
    case 4:
    case 5:
    case 6: overwrite_length(t); break;
    case 7: overwrite_vr(t); break;
    case 8: overwrite_tag(t); break;
    case 9: insert_chunk(t, t, place(t)); break;
    case 10: insert_chunk(t, other, place(t)); break;
    case 11: at = place(t), splice(t, at, extent(t, at), "", 0); break;
    case 12: swap_chunks(t); break;
    case 13:
    case 14: insert_element(t); break;
    default:
        for (uint32_t n = 1 + below(30); n; n--) {
            size_t k = below(t->length);
            if (t->data[k] >= '0' && t->data[k] <= '9') t->data[k] = (char)('0' + below(10));
        }
    }
}

/* ---- what is demanded ---- */

static unsigned long cases, accepted;

static ml_framing random_framing(const text *t) {
    uint64_t size = below(4) ? t->length : below(2) ? UINT64_MAX : t->size;
    ml_framing framing = framing_of(size < t->length ? t->length : size);
    framing.partial = below(4) == 0;
    if (below(12) == 0) framing.until = below(2) ? 0x00280000 : below(0x7FFFFFFF);
    if (below(12) == 0) framing.max_depth = below(4);
    framing.inflated = below(16) == 0;
    return framing;
}

/* Whether a first part of a file is framed. */
static int check_frame(const text *t, size_t n, const ml_framing *framing, ml_frame *frame) {
    ml_error error;
    if (frame_bytes(t->data, n, framing, frame, &error)) return 1;
    CHECK_MSG(error.code == ML_E_DEFLATED || error.offset <= n, "error %d at %d of %d", error.code, (int)error.offset,
              (int)n);
    if (error.code == ML_E_CUT) CHECK_MSG(error.needed > n, "needed: %d of %d", (int)error.needed, (int)n);
    return 0;
}

static int check_case(text **files, uint32_t count) {
    static const uint32_t only[] = {0x00080018, 0x00080060, 0x00081140, 0x00091001, 0x00280106, 0x0040A730, 0x7FE00010};
    ml_part10_options options = plain_options();
    options.bulk_above = below(3) ? 16 : below(2000);
    if (below(4) == 0) {
        options.only = only + below(3);
        options.only_count = 1 + below(4);
    }
    ml_limits limits = ML_TEST_LIMITS;
    if (below(8) == 0) limits.sequence_depth = below(4);
    together t = begin_together("case", &limits, &options, below(4) == 0);
    int added = 0;
    for (uint32_t f = 0; f < count; f++) {
        ml_framing framing = random_framing(files[f]);
        ml_frame frame;
        const ml_origin origin = {.path = below(2) ? "/file" : NULL, .path_length = 5, .size = files[f]->size};
        cases++;
        if (!check_frame(files[f], files[f]->length, &framing, &frame)) continue;
        accepted++;
        added += add_together(&t, files[f]->data, &frame, &origin);
    }
    end_together(&t);
    return added;
}

/* A file cut at a byte, between others. */
static void check_cut(text *t, size_t cut) {
    ml_part10_options options = plain_options();
    ml_frame frame;
    ml_framing framing = framing_of(t->size);
    check_frame(t, cut, &framing, &frame);
    framing.size = cut;
    framing.partial = cut & 1;
    cases++;
    if (!check_frame(t, cut, &framing, &frame)) return;
    accepted++;
    together all = begin_together("cut", &ML_TEST_LIMITS, &options, 0);
    add_together(&all, t->data, &frame, &NOWHERE);
    add_together(&all, t->data, &frame, &NOWHERE);
    framing.size = t->length;
    if (check_frame(t, t->length, &framing, &frame)) add_together(&all, t->data, &frame, &NOWHERE);
    end_together(&all);
}

/* ---- files ---- */

static text read_file(const char *path) {
    text t = {.syntax = {1, 0}};
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(2);
    }
    t.data = malloc(MOST_FILE + 1);
    t.length = fread(t.data, 1, MOST_FILE, file);
    fseek(file, 0, SEEK_END);
    t.size = (uint64_t)ftell(file);
    fclose(file);
    ml_frame frame;
    ml_error error;
    ml_framing framing = framing_of(t.length);
    framing.partial = 1;
    if (!ml_part10_frame(t.data, t.length, &framing, &frame, &error)) return t;
    t.syntax = (ml_syntax){frame.explicit_vr, frame.big_endian};
    t.length = ml_min(t.length, (size_t)frame.end + 64);
    note_places(&t, t.data + frame.meta_start, t.data + frame.meta_end, EXPLICIT);
    note_places(&t, t.data + frame.start, t.data + frame.end, t.syntax);
    return t;
}

static text copy_of(const text *t) {
    text copy = *t;
    copy.data = malloc(t->length + 1);
    memcpy(copy.data, t->data, t->length);
    return copy;
}

/* The files of the case at hand. */
static unsigned long current, seed = 1;
static text **at_hand;
static uint32_t at_hand_count;

/* What to look at when a case has failed; a sanitizer calls it, too. */
static void leave(void) {
    for (uint32_t f = 0; f < at_hand_count; f++) {
        char name[64];
        snprintf(name, sizeof name, "mutate-part10-failed-%u.dcm", f);
        FILE *file = fopen(name, "wb");
        if (!file) continue;
        fwrite(at_hand[f]->data, 1, at_hand[f]->length, file);
        fclose(file);
    }
    fprintf(stderr, "case %lu of seed %lu\n", current, seed);
}

#ifdef __SANITIZE_ADDRESS__
void __sanitizer_set_death_callback(void (*callback)(void));
#endif

int main(int argc, char **argv) {
    unsigned long wanted = 1000;
    int first = 1;
    for (; first + 1 < argc && argv[first][0] == '-'; first += 2) {
        char option = argv[first][1];
        *(option == 'n' ? &wanted : option == 'i' ? &current : &seed) = strtoul(argv[first + 1], NULL, 10);
    }
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_set_death_callback(leave);
#endif
    int count = argc - first;
    if (count < 1) {
        fprintf(stderr, "usage: mutate_part10 [-n cases] [-s seed] file...\n");
        return 2;
    }
    text *seeds = malloc((size_t)count * sizeof *seeds);
    size_t places = 0;
    for (int i = 0; i < count; i++) {
        seeds[i] = read_file(argv[first + i]);
        places += ml_min(seeds[i].length, MOST_CUT);
    }
    size_t step = wanted ? places / wanted + 1 : 1, at = seed % step;
    for (int i = 0; i < count; i++) {
        size_t most = ml_min(seeds[i].length, MOST_CUT);
        for (; at < most; at += step) {
            check_cut(&seeds[i], at);
            if (ml_checks_failed) {
                fprintf(stderr, "%s cut at %d\n", argv[first + i], (int)at);
                return 1;
            }
        }
        at -= most;
    }
    wanted += cases;
    for (; cases < wanted; current++) {
        state = (seed << 32 | (current + 1)) * 0x9E3779B97F4A7C15ULL;
        text *whole = &seeds[below((size_t)count)], *other = &seeds[below((size_t)count)];
        text once = copy_of(whole);
        for (uint32_t k = 1 + below(4); k; k--) mutate(&once, other);
        text twice = copy_of(&once);
        for (uint32_t k = 1 + below(2); k; k--) mutate(&twice, whole);
        text *files[] = {whole, &once, &once, whole, &twice, &once, whole, other};
        uint32_t n = 8;
        if (below(3) == 0) files[0] = &once;
        at_hand = files;
        at_hand_count = n;
        check_case(files, n);
        if (ml_checks_failed) {
            leave();
            return 1;
        }
        free(once.data);
        free(twice.data);
    }
    for (int i = 0; i < count; i++) {
        free(seeds[i].data);
        free(seeds[i].places);
    }
    free(seeds);
    printf("%lu cases, %lu accepted, %lu refused\n", cases, accepted, cases - accepted);
    return ml_checks_failed != 0;
}
