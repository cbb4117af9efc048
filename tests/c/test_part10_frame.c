/*
 * test_part10_frame.c: what is where in a file: beginnings of all sorts, files cut at every byte.
 */
#include "part10_bytes.h"

/* ---- beginnings ---- */

static ml_buffer data_set(ml_syntax s) {
    ml_buffer b = {0};
    put_text(&b, s, 0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2");
    put_text(&b, s, ML_TAG_SERIES, "UI", "1.2.3.4");
    put_us(&b, s, ML_TAG_PIXEL_REPRESENTATION, "US", 1);
    put_head(&b, s, 0x7FE00010, "OW", 1000);
    return b;
}

/* Data sets in each encoding behind each beginning. */
static void test_beginnings(void) {
    static const char *const uids[] = {
        NULL, UID_IMPLICIT, UID_EXPLICIT, UID_BIG, "1.2.840.10008.1.2.4.50", "1.2.9", UID_DEFLATED, ""};
    const ml_syntax syntaxes[] = {IMPLICIT, EXPLICIT, BIG};
    for (int start = 0; start < 4; start++) {
        for (size_t u = 0; u < sizeof uids / sizeof *uids; u++) {
            for (int k = 0; k < 3; k++) {
                ml_syntax s = syntaxes[k];
                if (uids[u] && strcmp(uids[u], UID_DEFLATED) == 0 && k != 1) continue;
                ml_buffer b = {0}, data = data_set(s);
                if (start < 3) put_meta(&b, uids[u]);
                /* all of it; without preamble, with and without "DICM"; without meta information */
                size_t gone = start == 0 ? 0 : start == 1 ? 128 : start == 2 ? 132 : b.length;
                b.length -= gone;
                memmove(b.data ? b.data : data.data, b.data ? b.data + gone : data.data, b.length);
                size_t from = b.length;
                ml_put(&b, data.data, data.length);
                free(data.data);
                ml_frame f;
                size_t length = b.length;
                ml_code code = framed(b, &f);
                CHECK_MSG(code == ML_OK && f.explicit_vr == s.explicit_vr && f.big_endian == s.big_endian,
                          "beginning %d, %s, syntax %d: error %d", start, uids[u] ? uids[u] : "-", k, code);
                CHECK(f.start == from && f.end == length && f.signed_pixels && f.series_length == 8);
                CHECK(f.meta_end == from && f.meta_start == (start == 0 ? 132 : start == 1 ? 4 : 0));
                if (start < 3 && u > 0 && u < 4) CHECK(f.mistaken == ((int)u - 1 != k));
                if (start == 3) CHECK(!f.mistaken);
            }
        }
    }
}

static ml_buffer bytes_of(const char *s, size_t n) {
    ml_buffer b = {0};
    ml_put(&b, s, n);
    return b;
}

static void test_not_dicom(void) {
    ml_frame f;
    static const char text[] = "%PDF-1.4 and so on, for more than the length of a preamble, which has 128 bytes and is "
                               "followed by four letters that are not here, nor anywhere else in this.";
    CHECK(framed(bytes_of("", 0), &f) == ML_E_NOT_DICOM);
    CHECK(framed(bytes_of("\0", 1), &f) == ML_E_NOT_DICOM);
    for (size_t n = 1; n < sizeof text; n++) CHECK(framed(bytes_of(text, n), &f) == ML_E_NOT_DICOM);
    static const char zeros[300];
    CHECK(framed(bytes_of(zeros, sizeof zeros), &f) == ML_E_NOT_DICOM);
    /* nothing but its beginning */
    ml_buffer b = {0};
    ml_put(&b, zeros, 128);
    ML_PUT(&b, "DICM");
    CHECK(framed(b, &f) == ML_OK && f.start == 132 && f.end == 132);
    CHECK(framed(bytes_of("DICM", 4), &f) == ML_OK && f.end == 4);
    b = (ml_buffer){0};
    put_meta(&b, UID_IMPLICIT);
    size_t n = b.length;
    CHECK(framed(b, &f) == ML_OK && f.start == n && f.end == n && f.meta_end == n);
}

static void test_deflated(void) {
    ml_frame f;
    ml_error error;
    ml_buffer b = {0};
    put_meta(&b, UID_DEFLATED);
    size_t start = b.length;
    ML_PUT(&b, "\xed\xbd\x07\x60\x1c\x49\x96\x25\x26\x2f\x6d\xca\x7b\x7f\x4a\xf5");
    CHECK(!frame_all(&b, &f, &error) && error.code == ML_E_DEFLATED && f.deflated && f.start == start);
    /* what it inflates to */
    ml_framing framing = framing_of(UINT64_MAX);
    framing.inflated = 1;
    b.length = start;
    ml_buffer data = data_set(EXPLICIT);
    ml_put(&b, data.data, data.length);
    CHECK(frame_bytes(b.data, b.length, &framing, &f, &error) && f.deflated && !f.mistaken && f.explicit_vr);
    CHECK(f.start == start && f.end == b.length);
    /* what was not deflated at all */
    framing.inflated = 0;
    CHECK(frame_bytes(b.data, b.length, &framing, &f, &error) && !f.deflated && f.mistaken);
    free(data.data);
    free(b.data);
}

/* A data set that begins with a tag which is one in the other byte order, too. */
static void test_ambiguous_order(void) {
    const ml_syntax syntaxes[] = {IMPLICIT, EXPLICIT};
    for (int k = 0; k < 2; k++) {
        ml_buffer b = {0};
        put_text(&b, syntaxes[k], 0x20000010, "IS", "1"); /* or 0020,1000 */
        ml_frame f;
        CHECK(framed(file_of(syntaxes[k], b), &f) == ML_OK && !f.big_endian && !f.mistaken);
    }
}

/* What stands behind the last element. */
static void test_endings(void) {
    const ml_syntax syntaxes[] = {IMPLICIT, EXPLICIT, BIG};
    for (int k = 0; k < 3; k++) {
        ml_syntax s = syntaxes[k];
        for (size_t n = 0; n < 40; n++) {
            for (int garbage = 0; garbage < 2; garbage++) {
                if (garbage && n >= 8) continue;
                ml_buffer b = {0};
                put_text(&b, s, 0x00080060, "CS", "CT");
                put_text(&b, s, 0x00100010, "PN", "A^B");
                b = file_of(s, b);
                size_t end = b.length;
                for (size_t i = 0; i < n; i++) ml_put_char(&b, garbage ? (char)0xA5 : '\0');
                ml_frame f;
                CHECK_MSG(framed(b, &f) == ML_OK && f.end == end, "%d bytes of padding", (int)n);
            }
        }
        /* delimiters that delimit nothing, whatever their length, and an item of nothing */
        static const uint32_t lengths[] = {0, 8, 1000, ML_UNDEFINED};
        for (size_t l = 0; l < 4; l++) {
            for (int d = 0; d < 3; d++) {
                ml_buffer b = {0};
                put_text(&b, s, 0x00080060, "CS", "CT");
                put_tag(&b, d == 0 ? ML_TAG_ITEM_END : d == 1 ? ML_TAG_SEQUENCE_END : ML_TAG_ITEM, s.big_endian);
                put32(&b, lengths[l], s.big_endian);
                put_text(&b, s, 0x00100010, "PN", "A^B");
                b = file_of(s, b);
                ml_frame f;
                size_t end = b.length;
                ml_code code = framed(b, &f);
                CHECK_MSG(d == 2 ? code == ML_E_ITEM : code == ML_OK && f.end == end, "delimiter %d: %d", d, code);
            }
        }
    }
}

/* ---- files cut at every byte ---- */

/* An element of every kind at the root; boundaries: where each ends. */
static ml_buffer all_kinds(ml_syntax s, size_t *boundaries, uint32_t *count, int pixels) {
    ml_buffer b = {0};
    put_meta(&b, uid_of(s));
    uint32_t k = 0;
#define ENDS_HERE (boundaries[k++] = b.length)
    ENDS_HERE;
    put_text(&b, s, 0x00080018, "UI", "1.2.3"), ENDS_HERE;
    put_text(&b, s, 0x00080060, "CS", ""), ENDS_HERE;
    for (int way = 0; way < 8; way++) {
        ml_syntax inner = way & 4 ? IMPLICIT : s;
        opened sequence = open_value(&b, s, 0x00081140 + (uint32_t)way, way & 4 ? "UN" : "SQ", way & 1);
        for (int i = 0; i < 2; i++) {
            opened item = open_item(&b, inner, way & 2);
            put_text(&b, inner, 0x00080060, "CS", "CT");
            opened nested = open_value(&b, inner, 0x0040A730, "SQ", !(way & 1));
            opened nested_item = open_item(&b, inner, !(way & 2));
            put_text(&b, inner, 0x0040A160, "UT", "x");
            close_value(&b, nested_item);
            close_value(&b, nested);
            if (i) put_head(&b, inner, 0x0040A161, "UT", 0);
            close_value(&b, item);
        }
        close_value(&b, sequence), ENDS_HERE;
    }
    put_bytes(&b, s, 0x00091001, "UN", "1234", 4), ENDS_HERE;
    opened fragments = open_value(&b, s, 0x00420011, "OB", 1);
    for (uint32_t n = 0; n < 3; n++) {
        put_tag(&b, ML_TAG_ITEM, s.big_endian);
        put32(&b, 4 * n, s.big_endian);
        ml_put(&b, "12345678", 4 * n);
    }
    /* in implicit VR that is no fragments */
    if (s.explicit_vr) {
        close_value(&b, fragments), ENDS_HERE;
    } else {
        b.length = boundaries[k - 1];
    }
    put_text(&b, s, 0x00420012, "LO", "x"), ENDS_HERE;
    put_head(&b, s, 0x00420013, "OB", 0), ENDS_HERE;
    if (pixels) put_head(&b, s, 0x7FE00010, "OB", ML_UNDEFINED), ENDS_HERE;
    *count = k;
    return b;
}

/* Whether a file that ends at n does so at the end of an element, or with less behind it than one takes. */
static int is_whole(const size_t *boundaries, uint32_t count, size_t n) {
    for (uint32_t i = 0; i < count; i++) {
        if (n >= boundaries[i] && n < boundaries[i] + 8) return 1;
    }
    return 0;
}

/*
 * With each first part at hand: what is said to be needed is more than there is, and not more than the header takes;
 * and with no more than that each time, the header comes together. `size` may be unknown.
 */
static void check_needed(const ml_buffer *b, uint64_t size, const char *name) {
    ml_frame whole, f;
    ml_error error;
    ml_framing framing = framing_of(b->length);
    CHECK(frame_bytes(b->data, b->length, &framing, &whole, &error));
    framing.size = size;
    int known = size != UINT64_MAX;
    for (size_t cut = 0; cut < b->length; cut++) {
        size_t n = cut;
        for (int steps = 0;; steps++) {
            if (frame_bytes(b->data, n, &framing, &f, &error)) break;
            CHECK_MSG(error.code == ML_E_CUT && error.offset <= n, "%s: error %d with %d bytes", name, error.code,
                      (int)n);
            /* a file of unknown size may always go on */
            uint64_t most = known ? whole.end > 132 ? whole.end : b->length : whole.end + 132;
            if (whole.end + 8 > b->length && known) most = b->length;
            CHECK_MSG(error.needed > n && error.needed <= most, "%s, %d bytes: needs %d of %d", name, (int)n,
                      (int)error.needed, (int)most);
            if (error.code != ML_E_CUT || error.needed <= n) return;
            if (error.needed > b->length) break; /* of unknown size */
            n = (size_t)error.needed;
            CHECK(steps < 1000);
        }
        if (known) CHECK_MSG(memcmp(&f, &whole, sizeof f) == 0, "%s: another frame from %d", name, (int)cut);
    }
}

static void test_cut(void) {
    const ml_syntax syntaxes[] = {IMPLICIT, EXPLICIT, BIG};
    for (int k = 0; k < 6; k++) {
        size_t boundaries[32];
        uint32_t count;
        ml_buffer b = all_kinds(syntaxes[k / 2], boundaries, &count, k % 2);
        check_needed(&b, b.length, "whole");
        check_needed(&b, UINT64_MAX, "of unknown size");
        check_needed(&b, b.length, "with pixel data behind");
        for (size_t n = 132; n < b.length; n++) {
            ml_frame f;
            ml_error error;
            ml_framing framing = framing_of(n);
            int whole = is_whole(boundaries, count, n);
            int done = frame_bytes(b.data, n, &framing, &f, &error);
            if (n < boundaries[0]) {
                CHECK(done || (error.code == ML_E_CUT && error.needed > n && error.needed <= boundaries[0]));
                continue;
            }
            CHECK_MSG(whole == done, "cut at %d", (int)n);
            if (!done) CHECK(error.code == ML_E_CUT && error.needed > n && error.needed <= b.length);
            if (done) CHECK(!f.damaged);
            framing.partial = 1;
            done = frame_bytes(b.data, n, &framing, &f, &error);
            CHECK_MSG(done || n < boundaries[1], "part of %d", (int)n);
            if (done) CHECK_MSG((f.damaged == 0) == whole, "part of %d: damaged %08X", (int)n, f.damaged);
        }
        free(b.data);
    }
}

/* Small files, with and without meta information, that end in what is no element. */
static void test_small(void) {
    for (int meta = 0; meta < 2; meta++) {
        for (size_t padding = 0; padding < 8; padding++) {
            for (int elements = 1 - meta; elements < 3; elements++) {
                ml_buffer b = {0};
                if (meta) put_meta(&b, UID_EXPLICIT);
                if (elements > 0) put_text(&b, EXPLICIT, 0x00080060, "CS", "CT");
                if (elements > 1) put_text(&b, EXPLICIT, 0x00100010, "PN", "");
                for (size_t i = 0; i < padding; i++) ml_put_char(&b, 'x');
                check_needed(&b, b.length, "small");
                free(b.data);
            }
        }
    }
}

static void test_until(void) {
    ml_buffer b = {0};
    put_meta(&b, UID_EXPLICIT);
    size_t meta = b.length;
    put_text(&b, EXPLICIT, 0x00080060, "CS", "CT");
    size_t first = b.length;
    put_head(&b, EXPLICIT, 0x00081140, "SQ", 0);
    size_t second = b.length;
    put_text(&b, EXPLICIT, 0x00100010, "PN", "A^B");
    put_head(&b, EXPLICIT, 0x00420011, "OB", 100); /* the rest is missing */
    const struct {
        uint32_t until;
        size_t end;
    } cases[] = {{0x00080000, meta},   {0x00080060, meta},   {0x00080061, first},        {0x00081140, first},
                 {0x00081141, second}, {0x00100010, second}, {0x00420011, b.length - 12}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int known = 0; known < 2; known++) {
            ml_frame f;
            ml_error error;
            ml_framing framing = framing_of(known ? b.length : UINT64_MAX);
            framing.until = cases[i].until;
            CHECK_MSG(frame_bytes(b.data, b.length, &framing, &f, &error) && f.end == cases[i].end, "until %08X",
                      cases[i].until);
            /* the tag is enough to know that it is not to be read */
            framing.size = cases[i].end + 8;
            CHECK(frame_bytes(b.data, cases[i].end + 8, &framing, &f, &error) && f.end == cases[i].end);
        }
    }
    ml_frame f;
    ml_error error;
    CHECK(!frame_all(&b, &f, &error) && error.code == ML_E_CUT && error.needed == b.length + 100);
    free(b.data);
}

int main(void) {
    test_beginnings();
    test_not_dicom();
    test_deflated();
    test_ambiguous_order();
    test_endings();
    test_cut();
    test_small();
    test_until();
    return ml_check_report();
}
