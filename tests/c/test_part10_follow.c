/*
 * test_part10_follow.c: where equal bytes mean something else than in the file before: what no series made at random
 * (test_part10_predict.c) would come to.
 */
#include "part10_together.h"

/* Reads the files, and frees them. */
static void check_files(ml_buffer *files, uint32_t count, const ml_part10_options *options, const char *name) {
    together t = begin_together(name, &ML_TEST_LIMITS, options, 0);
    for (uint32_t f = 0; f < count; f++) {
        ml_frame frame;
        ml_error error;
        int done = frame_all(&files[f], &frame, &error) && add_together(&t, files[f].data, &frame, &NOWHERE);
        CHECK_MSG(done, "%s: file %u", name, f);
        free(files[f].data);
    }
    end_together(&t);
}

/* A file of one element, a sequence, and another one behind; its items are put by the caller in between. */
typedef struct wrapped {
    ml_buffer data;
    opened sequence;
} wrapped;

static wrapped begin_sequence(ml_syntax s, const char *vr, int undefined) {
    wrapped w = {{0}, {0}};
    put_text(&w.data, s, 0x00080016, "UI", "1.2");
    w.sequence = open_value(&w.data, s, 0x00081140, vr, undefined);
    return w;
}

static ml_buffer end_sequence(ml_syntax s, wrapped w, int tail) {
    close_value(&w.data, w.sequence);
    if (tail) put_text(&w.data, s, 0x00100010, "PN", "A^B");
    return file_of(s, w.data);
}

/* The bytes of an item mean one thing where a delimiter ends it and another where its length does. */
static void test_delimited(void) {
    ml_part10_options options = plain_options();
    for (int order = 0; order < 2; order++) {
        ml_buffer files[4];
        for (int f = 0; f < 4; f++) {
            int delimited = (f + order) % 2;
            wrapped w = begin_sequence(EXPLICIT, "SQ", f / 2);
            opened item = open_item(&w.data, EXPLICIT, delimited);
            put_text(&w.data, EXPLICIT, 0x00080060, "CS", "CT");
            if (!delimited) {
                put_delimiter(&w.data, ML_TAG_ITEM_END, 0);
                put_text(&w.data, EXPLICIT, 0x00081155, "UI", "1.2");
            }
            close_value(&w.data, item);
            item = open_item(&w.data, EXPLICIT, 0);
            put_text(&w.data, EXPLICIT, 0x00081155, "UI", "1.2");
            close_value(&w.data, item);
            files[f] = end_sequence(EXPLICIT, w, 1);
        }
        check_files(files, 4, &options, "delimited");
    }
}

/* The items of a sequence in explicit VR and of one in UN, whose bytes begin alike. */
static void test_encodings(void) {
    ml_part10_options options = plain_options();
    char *long_text = calloc(1, 0x1000000);
    for (int order = 0; order < 2; order++) {
        ml_buffer files[4];
        for (int f = 0; f < 4; f++) {
            int unknown = (f + order) % 2;
            wrapped w = begin_sequence(EXPLICIT, unknown ? "UN" : "SQ", 0);
            opened item = open_item(&w.data, EXPLICIT, 0);
            if (unknown) { /* "CS", 2 as a length in implicit VR */
                put_head(&w.data, IMPLICIT, 0x00080060, NULL, 'C' | 'S' << 8 | 2 << 16);
                ml_put(&w.data, "CT", 2);
                ml_put(&w.data, long_text, ('C' | 'S' << 8 | 2 << 16) - 2);
            } else {
                put_text(&w.data, EXPLICIT, 0x00080060, "CS", "CT");
            }
            close_value(&w.data, item);
            files[f] = end_sequence(EXPLICIT, w, 1);
        }
        check_files(files, 4, &options, "encodings");
    }
    free(long_text);
}

/* What is left out, in a place where it would end the search for a private creator, and with a length. */
static void test_left_out(void) {
    ml_part10_options options = plain_options();
    for (int stray = 0; stray < 2; stray++) {
        ml_buffer files[4];
        for (int f = 0; f < 4; f++) {
            ml_buffer data = {0};
            put_text(&data, IMPLICIT, 0x00080016, NULL, "1.2");
            if (f % 2 && stray) {
                put_tag(&data, ML_TAG_ITEM_END, 0);
                put32(&data, 1000, 0);
            } else if (f % 2) {
                put_bytes(&data, IMPLICIT, 0x00100000, NULL, "\0\0\0\0", 4);
            }
            put_text(&data, IMPLICIT, 0x00090010, NULL, "GEMS_IDEN_01");
            put_text(&data, IMPLICIT, 0x00091001, NULL, "abc");
            files[f] = file_of(IMPLICIT, data);
        }
        check_files(files, 4, &options, "left out");
    }
}

/* Items within one that has a character set of its own, then the same within one that has none. */
static void test_own_characters(void) {
    ml_part10_options options = plain_options();
    for (int order = 0; order < 2; order++) {
        ml_buffer files[3];
        for (int f = 0; f < 3; f++) {
            wrapped w = begin_sequence(EXPLICIT, "SQ", f % 2);
            for (int i = 0; i < 4; i++) {
                opened item = open_item(&w.data, EXPLICIT, 0);
                if ((i + order) % 2) put_text(&w.data, EXPLICIT, ML_TAG_CHARACTER_SET, "CS", "ISO_IR 192");
                opened inner = open_value(&w.data, EXPLICIT, 0x0040A730, "SQ", 0);
                opened inner_item = open_item(&w.data, EXPLICIT, 0);
                put_text(&w.data, EXPLICIT, 0x00080104, "LO", "\xc3\xa4");
                put_text(&w.data, EXPLICIT, 0x0040A160, "UT", i < 2 ? "a" : "b");
                close_value(&w.data, inner_item);
                close_value(&w.data, inner);
                close_value(&w.data, item);
            }
            files[f] = end_sequence(EXPLICIT, w, 1);
        }
        check_files(files, 3, &options, "own characters");
    }
}

/* A sequence whose values depend on PixelRepresentation of the item around it. */
static void test_signs(void) {
    ml_part10_options options = plain_options();
    ml_buffer files[4];
    for (int f = 0; f < 4; f++) {
        wrapped w = begin_sequence(IMPLICIT, NULL, 0);
        opened item = open_item(&w.data, IMPLICIT, 0);
        put_us(&w.data, IMPLICIT, ML_TAG_PIXEL_REPRESENTATION, NULL, (uint32_t)f % 2);
        opened inner = open_value(&w.data, IMPLICIT, 0x00283000, NULL, 0);
        opened inner_item = open_item(&w.data, IMPLICIT, 0);
        put_us(&w.data, IMPLICIT, 0x00280106, NULL, 0xFFFF);
        close_value(&w.data, inner_item);
        close_value(&w.data, inner);
        close_value(&w.data, item);
        files[f] = end_sequence(IMPLICIT, w, 1);
    }
    check_files(files, 4, &options, "signs");
}

/* What is wanted of a file that was cut is no pattern for those that were not. */
static void test_after_damage(void) {
    ml_part10_options options = plain_options();
    for (int way = 0; way < 4; way++) {
        int undefined = way & 1;
        wrapped w = begin_sequence(EXPLICIT, "SQ", undefined);
        for (int i = 0; i < 3; i++) {
            opened item = open_item(&w.data, EXPLICIT, undefined);
            put_text(&w.data, EXPLICIT, 0x00081150, "UI", "1.2");
            put_text(&w.data, EXPLICIT, 0x00081155, "UI", "1.2.3");
            close_value(&w.data, item);
        }
        ml_buffer file = end_sequence(EXPLICIT, w, way & 2);
        ml_frame frame;
        ml_error error;
        unsigned parts = 0;
        for (size_t cut = 132; cut < 2 * file.length; cut++) { /* as the first file, or as the second */
            together t = begin_together("beside a part", &ML_TEST_LIMITS, &options, 0);
            ml_framing framing = framing_of(cut % file.length);
            framing.partial = 1;
            for (uint32_t f = 0; f < 4; f++) {
                int whole = f != cut / file.length;
                int done = whole ? frame_all(&file, &frame, &error)
                                 : frame_bytes(file.data, (size_t)framing.size, &framing, &frame, &error);
                CHECK(done || !whole);
                if (done) CHECK(add_together(&t, file.data, &frame, &NOWHERE));
                parts += (unsigned)(done && !whole);
            }
            end_together(&t);
        }
        CHECK(parts > 120);
        free(file.data);
    }
}

int main(void) {
    test_delimited();
    test_encodings();
    test_left_out();
    test_own_characters();
    test_signs();
    test_after_damage();
    return ml_check_report();
}
