/*
 * test_part10_rows.c: what an attribute is by what stands around it: ambiguous VRs, private creators, sequences in UN.
 */
#include "part10_bytes.h"

/* ---- ambiguous VRs ---- */

/* SmallestImagePixelValue (US or SS): -1 or 65535 by PixelRepresentation, wherever that is; less than 0: it is not. */
static void check_sign(int outer, int item, int nested, int after, int expected) {
    ml_buffer b = {0};
    char text[600];
    const char *of_item = "";
    if (outer >= 0) put_us(&b, IMPLICIT, ML_TAG_PIXEL_REPRESENTATION, NULL, (uint32_t)outer);
    opened sequence = open_value(&b, IMPLICIT, 0x0040A730, NULL, 0);
    opened first = open_item(&b, IMPLICIT, 1);
    if (item >= 0 && !after) put_us(&b, IMPLICIT, ML_TAG_PIXEL_REPRESENTATION, NULL, (uint32_t)item);
    opened inner = {0}, inner_item = {0};
    if (nested) {
        inner = open_value(&b, IMPLICIT, 0x00283000, NULL, 1);
        inner_item = open_item(&b, IMPLICIT, 0);
    }
    put_us(&b, IMPLICIT, 0x00280106, NULL, 0xFFFF);
    if (nested) {
        close_value(&b, inner_item);
        close_value(&b, inner);
    }
    if (item >= 0 && after) put_us(&b, IMPLICIT, ML_TAG_PIXEL_REPRESENTATION, NULL, (uint32_t)item);
    close_value(&b, first);
    close_value(&b, sequence);
    char own[80] = "", value[200], represented[80] = "";
    if (item >= 0) snprintf(own, sizeof own, "\"00280103\":{\"vr\":\"US\",\"Value\":[%d]}", item);
    if (outer >= 0) snprintf(represented, sizeof represented, "\"00280103\":{\"vr\":\"US\",\"Value\":[%d]},", outer);
    snprintf(value, sizeof value, "%s\"00280106\":{\"vr\":\"%s\",\"Value\":[%d]}%s",
             nested ? "\"00283000\":{\"vr\":\"SQ\",\"Value\":[{" : "", expected < 0 ? "SS" : "US", expected,
             nested ? "}]}" : "");
    of_item = item >= 0 ? "," : "";
    snprintf(text, sizeof text, "{%s\"0040A730\":{\"vr\":\"SQ\",\"Value\":[{%s%s%s}]}}", represented,
             after ? value : own, of_item, after ? own : value);
    check_read(file_of(IMPLICIT, b), NULL, text);
}

static void test_ambiguous(void) {
    for (int nested = 0; nested < 2; nested++) {
        check_sign(-1, -1, nested, 0, 65535);
        check_sign(0, -1, nested, 0, 65535);
        check_sign(1, -1, nested, 0, -1);
        check_sign(1, 0, nested, 0, 65535);
        check_sign(0, 1, nested, 0, -1);
        check_sign(-1, 1, nested, 0, -1);
    }
    /* at the root, even behind; in items the tags are trusted to ascend */
    ml_buffer b = {0};
    put_us(&b, IMPLICIT, 0x00280106, NULL, 0xFFFF);
    put_us(&b, IMPLICIT, ML_TAG_PIXEL_REPRESENTATION, NULL, 1);
    check_read(file_of(IMPLICIT, b), NULL,
               "{\"00280106\":{\"vr\":\"SS\",\"Value\":[-1]},\"00280103\":{\"vr\":\"US\",\"Value\":[1]}}");
    /* LUTData (US or OW), by the number of its entries */
    for (int one = 0; one < 2; one++) {
        b = (ml_buffer){0};
        put_us(&b, IMPLICIT, 0x00283002, NULL, one ? 1 : 2);
        put_us(&b, IMPLICIT, 0x00283006, NULL, 0x4141);
        check_read(file_of(IMPLICIT, b), NULL,
                   one ? "{\"00283002\":{\"vr\":\"US\",\"Value\":[1]},\"00283006\":{\"vr\":\"US\",\"Value\":[16705]}}"
                       : "{\"00283002\":{\"vr\":\"US\",\"Value\":[2]},\"00283006\":{\"vr\":\"OW\",\"InlineBinary\":"
                         "\"QUE=\"}}");
    }
    /* what is said counts */
    b = (ml_buffer){0};
    put_us(&b, BIG, ML_TAG_PIXEL_REPRESENTATION, "US", 1);
    put_us(&b, BIG, 0x00280106, "US", 0xFFFF);
    check_read(file_of(BIG, b), NULL,
               "{\"00280103\":{\"vr\":\"US\",\"Value\":[1]},\"00280106\":{\"vr\":\"US\",\"Value\":[65535]}}");
    /* in big endian, what is UN is little endian */
    b = (ml_buffer){0};
    put_bytes(&b, BIG, ML_TAG_PIXEL_REPRESENTATION, "UN", "\1\0", 2);
    put_bytes(&b, BIG, 0x00280106, "UN", "\xFE\xFF", 2);
    check_read(file_of(BIG, b), NULL,
               "{\"00280103\":{\"vr\":\"US\",\"Value\":[1]},\"00280106\":{\"vr\":\"SS\",\"Value\":[-2]}}");
}

/* ---- UN ---- */

static void test_unknown(void) {
    const ml_syntax syntaxes[] = {EXPLICIT, BIG};
    for (int k = 0; k < 2; k++) {
        ml_syntax s = syntaxes[k];
        for (int undefined = 0; undefined < 2; undefined++) {
            /* a sequence that the dictionary knows */
            ml_buffer b = {0};
            opened sequence = open_value(&b, s, 0x00081140, "UN", undefined);
            for (int i = 0; i < 2; i++) {
                opened item = open_item(&b, IMPLICIT, i);
                put_us(&b, IMPLICIT, 0x00280010, NULL, 513);
                close_value(&b, item);
            }
            close_value(&b, sequence);
            check_read(file_of(s, b), NULL,
                       "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00280010\":{\"vr\":\"US\",\"Value\":[513]}},{"
                       "\"00280010\":{\"vr\":\"US\",\"Value\":[513]}}]}}");
            /* one that it does not know: only an undefined length tells */
            b = (ml_buffer){0};
            sequence = open_value(&b, s, 0x00091001, "UN", undefined);
            close_value(&b, open_item(&b, IMPLICIT, 0));
            close_value(&b, sequence);
            check_read(file_of(s, b), NULL,
                       undefined ? "{\"00091001\":{\"vr\":\"SQ\",\"Value\":[{}]}}"
                                 : "{\"00091001\":{\"vr\":\"UN\",\"InlineBinary\":\"/v8A4AAAAAA=\"}}");
        }
        /* what should be items and is none */
        static const char *const values[] = {"abcdefgh", "\xFE\xFF\0\xE0\xFF\0\0", "\xFE\xFF\0\xE0\x08\0\0\0ab"};
        static const char *const texts[] = {"YWJjZGVmZ2g=", "/v8A4P8AAA==", "/v8A4AgAAABhYg=="};
        static const size_t sizes[] = {8, 7, 10};
        for (int i = 0; i < 3; i++) {
            ml_buffer b = {0};
            char text[200];
            put_bytes(&b, s, 0x00081140, "UN", values[i], sizes[i]);
            snprintf(text, sizeof text, "{\"00081140\":{\"vr\":\"UN\",\"InlineBinary\":\"%s\"}}", texts[i]);
            check_read(file_of(s, b), NULL, text);
        }
        ml_buffer b = {0};
        put_bytes(&b, s, 0x00081140, "UN", "", 0);
        check_read(file_of(s, b), NULL, "{\"00081140\":{\"vr\":\"SQ\"}}");
    }
}

/* Sequences in UN of defined length, in which no frame looks: as deep as the limit says, the rest stays bytes. */
static void test_unknown_depth(void) {
    static const uint32_t depths[] = {1, 63, 64, 65, 66, 1000, 1500, 3000};
    ml_part10_options options = plain_options();
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        for (int private = 0; private < 2; private++) {
            for (int limit = 64; limit <= 2000; limit += 1936) {
                uint32_t depth = depths[i];
                ml_buffer inner = {0};
                put_text(&inner, IMPLICIT, 0x00080060, NULL, "CT");
                for (uint32_t d = 0; d < depth; d++) {
                    ml_buffer b = {0};
                    int outermost = d + 1 == depth;
                    ml_syntax s = outermost ? EXPLICIT : IMPLICIT;
                    if (private) put_text(&b, s, 0x20010010, "LO", "Philips Imaging DD 001");
                    put_head(&b, s, private ? 0x2001105F : 0x00081140, "UN", (uint32_t)inner.length + 8);
                    put_tag(&b, ML_TAG_ITEM, 0);
                    put32(&b, (uint32_t)inner.length, 0);
                    ml_put(&b, inner.data, inner.length);
                    free(inner.data);
                    inner = b;
                }
                ml_buffer file = file_of(EXPLICIT, inner);
                ml_frame f;
                ml_error error;
                CHECK(frame_all(&file, &f, &error));
                ml_limits limits = ML_TEST_LIMITS;
                limits.sequence_depth = (uint32_t)limit;
                ml_part10 *reader = ml_part10_new(&limits, 1, 0, &options);
                CHECK(add_bytes(reader, file.data, &f, &NOWHERE));
                ml_document *document = ml_part10_take(reader);
                ml_part10_free(reader);
                const ml_table *table = &document->root;
                uint32_t reached = 0;
                while (table->columns[table->column_count - 1].child) {
                    table = table->columns[table->column_count - 1].child;
                    reached++;
                }
                CHECK_MSG(reached <= (uint32_t)limit && reached < ML_PATH_DEPTH, "depth %u: %u", depth, reached);
                if (depth <= (uint32_t)limit && depth < 1000) CHECK_MSG(reached == depth, "%u of %u", reached, depth);
                ml_document_free(document);
                free(file.data);
            }
        }
    }
}

/* ---- private attributes ---- */

static void test_private(void) {
    /* implicit VR: by the creator */
    ml_buffer b = {0};
    put_text(&b, IMPLICIT, 0x00080060, NULL, "CT");
    put_text(&b, IMPLICIT, 0x00090010, NULL, "GEMS_IDEN_01 ");
    put_text(&b, IMPLICIT, 0x00090011, NULL, "nobody");
    put_text(&b, IMPLICIT, 0x00091001, NULL, "abc");
    put_text(&b, IMPLICIT, 0x00091101, NULL, "abc");
    put_text(&b, IMPLICIT, 0x00091201, NULL, "abc");
    opened sequence = open_value(&b, IMPLICIT, 0x0040A730, NULL, 0);
    opened item = open_item(&b, IMPLICIT, 0);
    put_text(&b, IMPLICIT, 0x00091001, NULL, "abc"); /* an item has creators of its own */
    close_value(&b, item);
    item = open_item(&b, IMPLICIT, 1);
    put_text(&b, IMPLICIT, 0x00090012, NULL, "GEMS_IDEN_01");
    put_text(&b, IMPLICIT, 0x00091201, NULL, "abc");
    close_value(&b, item);
    close_value(&b, sequence);
#define UNKNOWN "{\"vr\":\"UN\",\"InlineBinary\":\"YWJjIA==\"}"
#define KNOWN "{\"vr\":\"LO\",\"Value\":[\"abc\"]}"
    check_read(
        file_of(IMPLICIT, b), NULL,
        "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]},\"00090010\":{\"vr\":\"LO\",\"Value\":[\"GEMS_IDEN_01\"]}"
        ",\"00090011\":{\"vr\":\"LO\",\"Value\":[\"nobody\"]},\"00091001\":" KNOWN ",\"00091101\":" UNKNOWN
        ",\"00091201\":" UNKNOWN ",\"0040A730\":{\"vr\":\"SQ\",\"Value\":[{\"00091001\":" UNKNOWN
        "},{\"00090012\":{\"vr\":\"LO\",\"Value\":[\"GEMS_IDEN_01\"]},\"00091201\":" KNOWN "}]}}");
    /* explicit: as said, or by the creator where that is nothing */
    b = (ml_buffer){0};
    put_text(&b, EXPLICIT, 0x00090010, "UN", "GEMS_IDEN_01");
    put_text(&b, EXPLICIT, 0x00091001, "UN", "abc");
    put_text(&b, EXPLICIT, 0x00091002, "ST", "a\\b");
    check_read(file_of(EXPLICIT, b), NULL,
               "{\"00090010\":{\"vr\":\"LO\",\"Value\":[\"GEMS_IDEN_01\"]},\"00091001\":" KNOWN
               ",\"00091002\":{\"vr\":\"ST\",\"Value\":[\"a\\\\b\"]}}");
}

int main(void) {
    test_ambiguous();
    test_unknown();
    test_unknown_depth();
    test_private();
    return ml_check_report();
}
