/*
 * test_part10_lengths.c: lengths that lie, items that are none, and sequences without end.
 */
#include "part10_bytes.h"

static void test_enclosure(void) {
    for (int way = 0; way < 4; way++) {
        int undefined = way & 1, delimited = way & 2;
        for (uint32_t excess = 0; excess < 4; excess++) {
            ml_buffer b = {0};
            opened sequence = open_value(&b, EXPLICIT, 0x00081140, "SQ", undefined);
            opened item = open_item(&b, EXPLICIT, delimited);
            put_head(&b, EXPLICIT, 0x00080060, "CS", 4 + excess);
            ML_PUT(&b, "CTCT");
            close_value(&b, item);
            close_value(&b, sequence);
            put_text(&b, EXPLICIT, 0x00100010, "PN", "A^B^C^D^E^F");
            ml_frame f;
            ml_code code = framed(file_of(EXPLICIT, b), &f);
            /* in an item without a length the value takes of the delimiter, and what follows is none */
            if (!delimited || !excess) CHECK_MSG(code == (excess ? ML_E_LENGTH : ML_OK), "way %d: %d", way, code);
            if (delimited && excess) CHECK(code != ML_OK);
        }
    }
}

/* The greatest lengths there are, wherever a length stands: nothing beyond the block is read. */
static void test_lengths(void) {
    static const uint32_t lengths[] = {0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFE, ML_UNDEFINED};
    static const char *const vrs[] = {"UN", "OB", "OW", "SQ", "UT", "UC", "UR", "SV", "ZZ"};
    static const uint32_t tags[] = {ML_TAG_TRANSFER_SYNTAX,
                                    0x00020012,
                                    ML_TAG_CHARACTER_SET,
                                    ML_TAG_SERIES,
                                    0x00081140,
                                    0x00280103,
                                    0x00091001,
                                    0x00080000,
                                    0x00420011};
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        for (size_t v = 0; v < sizeof vrs / sizeof *vrs; v++) {
            for (size_t t = 0; t < sizeof tags / sizeof *tags; t++) {
                for (int inside = 0; inside < 3; inside++) {
                    ml_buffer b = {0};
                    int meta = tags[t] >> 16 == 2;
                    if (meta) {
                        ML_PUT(&b, "DICM");
                    } else {
                        put_meta(&b, UID_EXPLICIT);
                        put_text(&b, EXPLICIT, 0x00080001, "UI", "1.2");
                    }
                    put_head(&b, EXPLICIT, tags[t], vrs[v], lengths[l]);
                    if (inside) put_delimiter(&b, ML_TAG_ITEM, 0);
                    if (inside == 2) put_delimiter(&b, ML_TAG_SEQUENCE_END, 0);
                    size_t end = b.length;
                    ml_frame f;
                    ml_error error;
                    int done = frame_all(&b, &f, &error);
                    if (lengths[l] != ML_UNDEFINED) {
                        CHECK(!done && error.code == ML_E_CUT && error.needed >= end && error.needed > lengths[l]);
                    } else {
                        CHECK_MSG(done == (inside == 2), "%08X %s: error %d", tags[t], vrs[v], error.code);
                    }
                    if (done) {
                        CHECK(f.end == end && !f.deflated && !f.signed_pixels);
                        /* of no use as what they are; but nothing may take the length for one */
                        CHECK(f.series_length != ML_UNDEFINED && f.character_set_length != ML_UNDEFINED);
                        ml_part10_options options = plain_options();
                        ml_document_free(read_alone(&b, &options));
                    }
                    free(b.data);
                }
            }
        }
    }
}

/* Items and fragments with great lengths, and where something else is due. */
static void test_items(void) {
    static const uint32_t lengths[] = {9, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFF8, 0xFFFFFFFE, ML_UNDEFINED};
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        for (int fragments = 0; fragments < 2; fragments++) {
            ml_buffer b = {0};
            opened value = open_value(&b, EXPLICIT, 0x00420011, fragments ? "OB" : "SQ", 1);
            put_tag(&b, ML_TAG_ITEM, 0);
            put32(&b, lengths[l], 0);
            close_value(&b, value);
            ml_frame f;
            ml_code code = framed(file_of(EXPLICIT, b), &f);
            /* where items are due, a delimiter of the sequence ends none */
            CHECK_MSG(code == (!fragments && lengths[l] == ML_UNDEFINED ? ML_E_ITEM : ML_E_CUT), "%08X: %d", lengths[l],
                      code);
        }
    }
    for (int fragments = 0; fragments < 2; fragments++) {
        ml_buffer b = {0};
        opened value = open_value(&b, EXPLICIT, 0x00420011, fragments ? "OB" : "SQ", 1);
        put_text(&b, EXPLICIT, 0x00420012, "LO", "x");
        close_value(&b, value);
        ml_frame f;
        CHECK(framed(file_of(EXPLICIT, b), &f) == ML_E_ITEM);
    }
}

/* Tags of the delimiters' group that are none of them: at the root they are passed over, in an item they are a fault.
 */
static void test_strange_delimiters(void) {
    static const uint32_t tags[] = {0xFFFE0000, 0xFFFE9A0D, 0xFFFEE001, 0xFFFEFFFF};
    static const uint32_t lengths[] = {0, 3, 8, 1000, ML_UNDEFINED};
    ml_part10_options options = plain_options();
    for (size_t t = 0; t < 4; t++) {
        for (size_t l = 0; l < 5; l++) {
            for (int way = 0; way < 4; way++) {
                ml_buffer b = {0};
                opened sequence = {0}, item = {0};
                put_text(&b, EXPLICIT, 0x00080060, "CS", "CT");
                if (way) sequence = open_value(&b, EXPLICIT, 0x00081140, way == 3 ? "UN" : "SQ", 0);
                ml_syntax s = way == 3 ? IMPLICIT : EXPLICIT;
                if (way) item = open_item(&b, s, way == 2);
                put_tag(&b, tags[t], 0);
                put32(&b, lengths[l], 0);
                put_bytes(&b, s, 0x00091001, "OB", "", 0);
                put_bytes(&b, s, 0x00091002, "OB", "", 0);
                if (way) close_value(&b, item);
                if (way) close_value(&b, sequence);
                b = file_of(EXPLICIT, b);
                ml_frame f;
                ml_error error;
                int done = frame_all(&b, &f, &error);
                CHECK_MSG(done == (way % 3 == 0) && (done || error.code == ML_E_ITEM), "%08X of %u, way %d: %d",
                          tags[t], lengths[l], way, error.code);
                if (done) ml_document_free(read_alone(&b, &options)); /* what should be items in an UN stays bytes */
                free(b.data);
            }
        }
    }
}

static ml_buffer nested(uint32_t depth, int undefined, const char *vr) {
    ml_buffer b = {0};
    opened *open = calloc(2 * depth + 1, sizeof *open);
    ml_syntax s = EXPLICIT;
    for (uint32_t d = 0; d < depth; d++) {
        open[2 * d] = open_value(&b, s, 0x0040A730, vr, undefined);
        if (strcmp(vr, "UN") == 0) s = IMPLICIT;
        open[2 * d + 1] = open_item(&b, s, undefined);
    }
    for (uint32_t d = 2 * depth; d-- > 0;) close_value(&b, open[d]);
    free(open);
    return file_of(EXPLICIT, b);
}

static void test_depth(void) {
    for (int undefined = 0; undefined < 2; undefined++) {
        for (uint32_t limit = 0; limit < 1100; limit += limit < 3 ? 1 : 257) {
            for (uint32_t depth = limit ? limit - 1 : 0; depth < limit + 3; depth++) {
                ml_buffer b = nested(depth, undefined, "SQ");
                ml_framing framing = framing_of(b.length);
                framing.max_depth = limit;
                uint32_t most = limit < ML_PATH_DEPTH - 1 ? limit : ML_PATH_DEPTH - 1;
                ml_frame f;
                ml_error error;
                int done = frame_bytes(b.data, b.length, &framing, &f, &error);
                CHECK_MSG(done == (depth <= most), "depth %u of %u: error %d", depth, limit, error.code);
                if (!done) CHECK(error.code == ML_E_LIMIT_SEQUENCE_DEPTH);
                if (done) {
                    ml_part10_options options = plain_options();
                    ml_part10 *reader = new_reader(&options, 0);
                    CHECK(add_bytes(reader, b.data, &f, &NOWHERE) && ml_part10_rows(reader) == 1);
                    ml_part10_free(reader);
                }
                free(b.data);
            }
        }
    }
}

int main(void) {
    test_enclosure();
    test_lengths();
    test_items();
    test_strange_delimiters();
    test_depth();
    return ml_check_report();
}
