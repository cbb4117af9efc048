/*
 * test_part10_values.c: what single values become, in each encoding: numbers, text, bytes, references.
 */
#include "part10_bytes.h"

static const ml_syntax SYNTAXES[] = {{0, 0}, {1, 0}, {1, 1}};

static int has_problem(const ml_document *document, ml_problem_kind kind) {
    for (uint32_t i = 0; i < document->problems.count; i++) {
        if (document->problems.list[i].kind == kind) return 1;
    }
    return 0;
}

/* Reads a file, frees it, and compares its row; the problem, if any, is the only one. */
static void check_file(ml_buffer file, const ml_part10_options *options, const char *expected,
                       ml_problem_kind problem) {
    ml_document *document = read_alone(&file, options);
    if (document) {
        char *text = table_row_text(&document->root, 0);
        CHECK_MSG(text && strcmp(text, expected) == 0, "got %s\n  not %s", text, expected);
        CHECK_MSG(document->problems.count == (problem != ML_P_NONE) && (!problem || has_problem(document, problem)),
                  "%s: %u problems, the first is %d, not %d", expected, document->problems.count,
                  document->problems.count ? (int)document->problems.list[0].kind : 0, problem);
        free(text);
    }
    CHECK_MSG(document != NULL, "%s", expected);
    ml_document_free(document);
    free(file.data);
}

/* An attribute that the dictionary gives a VR. */
static uint32_t tag_with(const char *vr) {
    for (size_t i = 0; i < ml_tag_count(); i++) {
        const ml_tag_info *info = ml_tag_at(i);
        if (info->vr == ml_vr_of(vr) && !info->repeating && info->tag >> 16 > 2 && info->tag != ML_TAG_CHARACTER_SET)
            return info->tag;
    }
    return 0x00091001; /* OV: none yet */
}

/* The value in all three encodings, `width` bytes of each number turned round in big endian. */
static void check_bytes(const char *vr, unsigned width, const char *value, size_t n, const char *expected,
                        ml_problem_kind problem) {
    ml_part10_options options = plain_options();
    uint32_t tag = tag_with(vr);
    char text[4096], turned[4096];
    snprintf(text, sizeof text, "{\"%08X\":{\"vr\":\"%s\"%s%s}}", tag, vr, *expected ? "," : "", expected);
    for (size_t i = 0; i < n; i++) turned[i] = value[i - i % width + width <= n ? i ^ (width - 1) : i];
    for (int k = 0; k < 3; k++) {
        if (k == 0 && tag & 0x10000) continue;
        ml_buffer b = {0};
        put_bytes(&b, SYNTAXES[k], tag, vr, k == 2 ? turned : value, n);
        check_file(file_of(SYNTAXES[k], b), &options, text, problem);
        /* in an item of its own encoding */
        char within[4200];
        snprintf(within, sizeof within, "{\"0040A730\":{\"vr\":\"SQ\",\"Value\":[%s]}}", text);
        b = (ml_buffer){0};
        opened sequence = open_value(&b, SYNTAXES[k], 0x0040A730, k == 2 ? "UN" : "SQ", 1);
        ml_syntax s = k == 2 ? IMPLICIT : SYNTAXES[k];
        if (!s.explicit_vr && tag & 0x10000) {
            free(b.data);
            continue;
        }
        opened item = open_item(&b, s, 1);
        put_bytes(&b, s, tag, vr, value, n);
        close_value(&b, item);
        close_value(&b, sequence);
        check_file(file_of(SYNTAXES[k], b), &options, within, problem);
    }
    /* as UN, which is little endian always */
    for (int k = 1; k < 3 && !(tag & 0x10000); k++) {
        ml_buffer b = {0};
        put_bytes(&b, SYNTAXES[k], tag, "UN", value, n);
        check_file(file_of(SYNTAXES[k], b), &options, text, problem);
    }
}

#define NUMBERS(vr, width, value, expected) check_bytes(vr, width, value, sizeof(value) - 1, expected, ML_P_NONE)
#define ODD(vr, width, value, expected) check_bytes(vr, width, value, sizeof(value) - 1, expected, ML_P_LENGTH)

static void test_numbers(void) {
    NUMBERS("US", 2, "\x01\x02", "\"Value\":[513]");
    NUMBERS("US", 2, "\xff\xff\0\0", "\"Value\":[65535,0]");
    NUMBERS("SS", 2, "\xff\xff\0\x80\xff\x7f", "\"Value\":[-1,-32768,32767]");
    NUMBERS("UL", 4, "\xff\xff\xff\xff", "\"Value\":[4294967295]");
    NUMBERS("SL", 4, "\xff\xff\xff\xff\0\0\0\x80", "\"Value\":[-1,-2147483648]");
    NUMBERS("UV", 8, "\xff\xff\xff\xff\xff\xff\xff\xff", "\"Value\":[18446744073709551615]");
    NUMBERS("SV", 8, "\0\0\0\0\0\0\0\x80\1\0\0\0\0\0\0\0", "\"Value\":[-9223372036854775808,1]");
    NUMBERS("FL", 4, "\0\0\xc0\x3f", "\"Value\":[1.5]");
    NUMBERS("FL", 4, "\0\0\xc0\x7f\0\0\x80\x7f\0\0\x80\xff\0\0\0\x80",
            "\"Value\":[\"NaN\",\"Infinity\",\"-Infinity\",-0.0]");
    NUMBERS("FD", 8, "\x9a\x99\x99\x99\x99\x99\xb9\x3f\0\0\0\0\0\0\xf0\xbf", "\"Value\":[0.1,-1.0]");
    NUMBERS("FD", 8, "\0\0\0\0\0\0\xf8\xff", "\"Value\":[\"NaN\"]");
    NUMBERS("FD", 8, "\xff\xff\xff\xff\xff\xff\xef\x7f", "\"Value\":[1.7976931348623157e+308]");
    NUMBERS("US", 2, "", "");
    NUMBERS("FD", 8, "", "");
    ODD("US", 2, "\1\0\2", "\"Value\":[1]");
    ODD("UL", 4, "\1\0\0\0\2\0", "\"Value\":[1]");
    ODD("FD", 8, "\1\2\3\4", "");
    ODD("SL", 4, "\1", "");
    /* AT: group and element, each of them turned round */
    NUMBERS("AT", 2, "\x10\x00\x20\x30", "\"Value\":[\"00103020\"]");
    NUMBERS("AT", 2, "\x10\x00\x20\x30\x08\0\x05\0", "\"Value\":[\"00103020\",\"00080005\"]");
    ODD("AT", 2, "\x10\x00\x20\x30\x08\0", "\"Value\":[\"00103020\"]");
}

static void test_inline(void) {
    NUMBERS("OB", 1, "abc", "\"InlineBinary\":\"YWJj\"");
    NUMBERS("OB", 1, "a", "\"InlineBinary\":\"YQ==\"");
    NUMBERS("OB", 1, "", "");
    NUMBERS("OW", 2, "abcd", "\"InlineBinary\":\"YWJjZA==\"");
    NUMBERS("OL", 4, "abcdefgh", "\"InlineBinary\":\"YWJjZGVmZ2g=\"");
    NUMBERS("OF", 4, "abcd", "\"InlineBinary\":\"YWJjZA==\"");
    NUMBERS("OD", 8, "abcdefgh", "\"InlineBinary\":\"YWJjZGVmZ2g=\"");
    NUMBERS("OV", 8, "abcdefgh", "\"InlineBinary\":\"YWJjZGVmZ2g=\"");
    /* what is no number of numbers stays as it is */
    ml_part10_options options = plain_options();
    ml_buffer b = {0};
    put_bytes(&b, BIG, tag_with("OW"), "OW", "abc", 3);
    char text[100];
    snprintf(text, sizeof text, "{\"%08X\":{\"vr\":\"OW\",\"InlineBinary\":\"YWJj\"}}", tag_with("OW"));
    check_file(file_of(BIG, b), &options, text, ML_P_NONE);
    /* unknown to the dictionary, and of letters that are no VR: with a length of four bytes */
    b = (ml_buffer){0};
    put_bytes(&b, EXPLICIT, 0x00091001, "UN", "abc", 3);
    check_file(file_of(EXPLICIT, b), &options, "{\"00091001\":{\"vr\":\"UN\",\"InlineBinary\":\"YWJj\"}}", ML_P_NONE);
    b = (ml_buffer){0};
    put_bytes(&b, EXPLICIT, 0x00080060, "ZZ", "abc", 3);
    check_file(file_of(EXPLICIT, b), &options, "{\"00080060\":{\"vr\":\"UN\",\"InlineBinary\":\"YWJj\"}}",
               ML_P_VR_UNKNOWN);
}

/* Text as it stands, without padding of the test's. */
static void check_text(const char *vr, const char *value, size_t n, const char *expected, ml_problem_kind problem) {
    check_bytes(vr, 1, value, n, expected, problem);
}

#define TEXT(vr, value, expected) check_text(vr, value, sizeof(value) - 1, expected, ML_P_NONE)

static void test_text(void) {
    static const char *const both[] = {"AE", "UI"};
    static const char *const behind[] = {"AS", "CS", "DA", "DT", "LO", "SH", "TM", "UC"};
    static const char *const single[] = {"LT", "ST", "UT", "UR"};
    for (size_t i = 0; i < 2; i++) {
        TEXT(both[i], " 1.2 \0", "\"Value\":[\"1.2\"]");
        TEXT(both[i], "1\\ 2 \\\\3\0", "\"Value\":[\"1\",\"2\",null,\"3\"]");
        TEXT(both[i], " \0 ", "");
    }
    for (size_t i = 0; i < 8; i++) {
        TEXT(behind[i], "", "");
        TEXT(behind[i], "  \0", "");
        TEXT(behind[i], " A B \0 ", "\"Value\":[\" A B\"]");
        TEXT(behind[i], "A \\ B \\", "\"Value\":[\"A\",\" B\",null]");
        TEXT(behind[i], "\\", "\"Value\":[null,null]");
        TEXT(behind[i], "a\"b", "\"Value\":[\"a\\\"b\"]");
        TEXT(behind[i], "a\tb\r\n\x01\x7f", "\"Value\":[\"a\\u0009b\\u000d\\u000a\\u0001\x7f\"]");
        TEXT(behind[i], "a\0b", "\"Value\":[\"a\\u0000b\"]");
        TEXT(behind[i], "0123456789abcdef0123456789abcdef", "\"Value\":[\"0123456789abcdef0123456789abcdef\"]");
        TEXT(behind[i], "0123456789abcdef0123456789\\bcdef", "\"Value\":[\"0123456789abcdef0123456789\",\"bcdef\"]");
    }
    for (size_t i = 0; i < 4; i++) {
        TEXT(single[i], " a \\b\\ ", "\"Value\":[\" a \\\\b\\\\\"]");
        TEXT(single[i], "\"\\", "\"Value\":[\"\\\"\\\\\"]");
        TEXT(single[i], "   ", "");
    }
}

static void test_names(void) {
    TEXT("PN", "Doe^John ", "\"Value\":[{\"Alphabetic\":\"Doe^John\"}]");
    TEXT("PN", "A=B=C", "\"Value\":[{\"Alphabetic\":\"A\",\"Ideographic\":\"B\",\"Phonetic\":\"C\"}]");
    TEXT("PN", "=B", "\"Value\":[{\"Ideographic\":\"B\"}]");
    TEXT("PN", "==C\\A==", "\"Value\":[{\"Phonetic\":\"C\"},{\"Alphabetic\":\"A\"}]");
    TEXT("PN", "=", "");
    TEXT("PN", "===", "");
    TEXT("PN", "=\\A\\", "\"Value\":[null,{\"Alphabetic\":\"A\"},null]");
    TEXT("PN", "A\"B", "\"Value\":[{\"Alphabetic\":\"A\\\"B\"}]");
    TEXT("PN", "", "");
    TEXT("PN", "^^^^", "\"Value\":[{\"Alphabetic\":\"^^^^\"}]");
}

static void test_number_texts(void) {
    static const char *const vrs[] = {"DS", "IS"};
    for (size_t i = 0; i < 2; i++) {
        TEXT(vrs[i], " 12 ", "\"Value\":[12]");
        TEXT(vrs[i], "-7\\ 8\\\\9 ", "\"Value\":[-7,8,null,9]");
        TEXT(vrs[i], "+5", "\"Value\":[\"+5\"]");
        TEXT(vrs[i], "007\\1", "\"Value\":[\"007\",1]");
        TEXT(vrs[i], "", "");
        TEXT(vrs[i], "-0", "\"Value\":[-0]");
        TEXT(vrs[i], "1\0", "\"Value\":[1]");
        check_text(vrs[i], "x", 1, "\"Value\":[\"x\"]", ML_P_NOT_A_NUMBER);
        check_text(vrs[i], "1\\x", 3, "\"Value\":[1,\"x\"]", ML_P_NOT_A_NUMBER);
        check_text(vrs[i], "1,5", 3, "\"Value\":[\"1,5\"]", ML_P_NOT_A_NUMBER);
    }
    TEXT("DS", "1.50\\-2E+3\\.5\\5.", "\"Value\":[1.50,-2E+3,\".5\",\"5.\"]");
    TEXT("DS", "1e999", "\"Value\":[\"1e999\"]");
    TEXT("IS", "1.0", "\"Value\":[\"1.0\"]");
    check_text("IS", "1.5", 3, "\"Value\":[\"1.5\"]", ML_P_NOT_AN_INTEGER);
}

/* ---- character sets ---- */

static int calls;

/* A text of a VR in a character set, and how often the decoder is asked. */
static void check_set(const char *set, const char *vr, const char *value, const char *expected, int asked,
                      ml_problem_kind problem) {
    ml_part10_options options = plain_options();
    options.context = &calls;
    for (int k = 1; k < 3; k++) {
        for (int inside = 0; inside < 3; inside++) {
            ml_buffer b = {0}, text = {0};
            ml_syntax s = SYNTAXES[k];
            if (set && inside < 2) put_text(&b, s, ML_TAG_CHARACTER_SET, "CS", set);
            opened sequence = {0}, item = {0};
            if (inside) {
                sequence = open_value(&b, s, 0x0040A730, "SQ", 1);
                item = open_item(&b, s, inside == 1);
                if (set && inside == 2) put_text(&b, s, ML_TAG_CHARACTER_SET, "CS", set);
            }
            put_bytes(&b, s, tag_with(vr), vr, value, strlen(value));
            if (inside) {
                close_value(&b, item);
                close_value(&b, sequence);
            }
            char *escaped = calloc(1, 1000), own[1000] = "";
            size_t n = 0;
            for (const char *p = set ? set : ""; *p; p++) {
                if (*p == '\\')
                    n += (size_t)sprintf(escaped + n, "\",\"");
                else
                    escaped[n++] = *p;
            }
            if (set) {
                snprintf(own, sizeof own, "\"00080005\":{\"vr\":\"CS\",\"Value\":[%s%s\"]},",
                         set[0] == '\\' ? "null" : "\"", set[0] == '\\' ? escaped + 1 : escaped);
            }
            char whole[3000];
            snprintf(whole, sizeof whole, "{%s%s%s\"%08X\":{\"vr\":\"%s\",\"Value\":[%s]}%s}", inside < 2 ? own : "",
                     inside ? "\"0040A730\":{\"vr\":\"SQ\",\"Value\":[{" : "", inside == 2 ? own : "", tag_with(vr), vr,
                     expected, inside ? "}]}" : "");
            calls = 0;
            check_file(file_of(s, b), &options, whole, problem);
            CHECK_MSG(calls == asked, "%s: asked %d times", whole, calls);
            free(escaped);
            free(text.data);
        }
    }
}

static void test_character_sets(void) {
    static const char *const affected[] = {"LO", "LT", "SH", "ST", "UC", "UT"};
    for (size_t i = 0; i < 6; i++) {
        const char *vr = affected[i];
        check_set("ISO_IR 100", vr, "\xe4", "\"\xc3\xa4\"", 0, ML_P_NONE);
        check_set("ISO_IR 192", vr, "\xc3\xa4", "\"\xc3\xa4\"", 0, ML_P_NONE);
        check_set("ISO_IR 192", vr, "\xe4x", "\"\xef\xbf\xbdx\"", 0, ML_P_CHARACTER_SET);
        check_set(NULL, vr, "\xe4", "\"\xc3\xa4\"", 0, ML_P_CHARACTER_SET);
        check_set("ISO_IR 6", vr, "\xe4", "\"\xc3\xa4\"", 0, ML_P_CHARACTER_SET);
        check_set("ISO_IR 101", vr, "\xe4", "\"<ISO_IR 101:e4>\"", 1, ML_P_NONE);
        check_set("ISO_IR 101", vr, "?\xe4", "\"<ISO_IR 101:3fe4>\"", 1, ML_P_CHARACTER_SET);
        check_set("ISO_IR 101", vr, "abc", "\"abc\"", 0, ML_P_NONE);
        check_set("ISO_IR 101", vr, "\x1b$B", "\"<ISO_IR 101:1b2442>\"", 1, ML_P_NONE);
    }
    check_set("ISO_IR 101", "PN", "\xe4=b", "{\"Alphabetic\":\"<ISO_IR 101:e43d62>\"}", 1, ML_P_NONE);
    check_set("ISO_IR 192", "PN", "\xc3\xa4=b", "{\"Alphabetic\":\"\xc3\xa4\",\"Ideographic\":\"b\"}", 0, ML_P_NONE);
    check_set("ISO_IR 100", "LO", "a\\\xe4 \\ b", "\"a\",\"\xc3\xa4\",\" b\"", 0, ML_P_NONE);
    static const char *const others[] = {"AE", "CS", "UI", "DA", "UR"};
    for (size_t i = 0; i < 5; i++) {
        check_set("ISO_IR 101", others[i], "\xe4", "\"\xc3\xa4\"", 0, ML_P_CHARACTER_SET);
        check_set("ISO_IR 192", others[i], "\xe4", "\"\xc3\xa4\"", 0, ML_P_CHARACTER_SET);
    }
}

/* ---- references ---- */

static void check_reference(const ml_origin *origin, ml_syntax s, const char *vr, uint32_t length, const char *uri) {
    ml_part10_options options = plain_options();
    options.bulk_above = 4;
    ml_buffer b = {0};
    put_meta(&b, uid_of(s));
    put_bytes(&b, s, 0x00420011, vr, "12345678", 8);
    size_t first = b.length - 8;
    put_bytes(&b, s, 0x00420013, "OB", "1234", 4);
    put_head(&b, s, 0x7FE00010, vr, length);
    ml_frame f;
    ml_error error;
    CHECK(frame_all(&b, &f, &error));
    ml_part10 *reader = new_reader(&options, 0);
    CHECK(add_bytes(reader, b.data, &f, origin));
    ml_document *document = ml_part10_take(reader);
    ml_part10_free(reader);
    char expected[2000], *text = table_row_text(&document->root, 0);
    const char *order = s.big_endian && strcmp(vr, "UN") != 0 ? "order=big&" : "";
    /* UN of these attributes is what the dictionary has */
    const char *first_vr = strcmp(vr, "UN") == 0 ? "OB" : vr;
    const char *vr_of_pixels = strcmp(vr, "UN") == 0 ? length == ML_UNDEFINED ? "OB" : "OW" : vr;
    char rest[40] = "";
    if (length != ML_UNDEFINED) snprintf(rest, sizeof rest, "&length=%u", length);
    snprintf(expected, sizeof expected,
             "{\"00420011\":{\"vr\":\"%s\",\"BulkDataURI\":\"%s%soffset=%lld&length=8\"},\"00420013\":{\"vr\":\"OB\","
             "\"InlineBinary\":\"MTIzNA==\"},\"7FE00010\":{\"vr\":\"%s\",\"BulkDataURI\":\"%s%soffset=%lld%s\"}}",
             first_vr, uri, order, (long long)(origin->base + first), vr_of_pixels, uri, order,
             (long long)(origin->base + b.length), rest);
    CHECK_MSG(strcmp(text, expected) == 0, "got %s\n  not %s", text, expected);
    free(text);
    size_t n = 0;
    const char *path = ml_document_path(document, 0, &n);
    CHECK(!path == !origin->path && (!path || (n == origin->path_length && memcmp(path, origin->path, n) == 0)));
    ml_document_free(document);
    free(b.data);
}

static void test_references(void) {
    const ml_origin memory = {.path = NULL}, inflated = {.deflated_from = 123};
    const ml_origin file = {.path = "/a/b-c_d.e~f/1 \xc3\xa4%?#&\"'\\+",
                            .path_length = 25,
                            .size = 5000000000,
                            .modified = 1700000000123456789};
    const ml_origin old = {
        .path = "/x", .path_length = 2, .size = 7000, .modified = INT64_MIN, .base = 10000000000, .deflated_from = 9};
    static const char *const vrs[] = {"OB", "OW", "OF", "UN"};
    for (size_t v = 0; v < 4; v++) {
        for (int k = 1; k < 3; k++) {
            ml_syntax s = SYNTAXES[k];
            for (int undefined = 0; undefined < 2; undefined++) {
                uint32_t length = undefined ? ML_UNDEFINED : 2000;
                check_reference(&memory, s, vrs[v], length, "?");
                check_reference(&inflated, s, vrs[v], length, "?deflated=123&");
                check_reference(&file, s, vrs[v], length,
                                "file:///a/b-c_d.e~f/1%20%C3%A4%25%3F%23%26%22%27%5C%2B?size=5000000000&mtime="
                                "1700000000123456789&");
                check_reference(&old, s, vrs[v], length, "file:///x?size=7000&mtime=-9223372036854775808&deflated=9&");
            }
        }
    }
}

/* The value of the pixel data is not at hand, whatever its VR: it is referred to. */
static void test_pixels(void) {
    static const char *const vrs[] = {"OB", "OW", "UN", "UT", "US", "SQ", "LO", "FD", "AT", "ZZ", "DS", "PN", NULL};
    static const uint32_t tags[] = {0x7FE00008, 0x7FE00009, 0x7FE00010};
    static const uint32_t lengths[] = {0, 1, 2, 100, 0x8000, ML_UNDEFINED};
    ml_part10_options options = plain_options();
    for (size_t v = 0; v < sizeof vrs / sizeof *vrs; v++) {
        for (size_t t = 0; t < 3; t++) {
            for (size_t l = 0; l < 6; l++) {
                for (int k = 0; k < 3; k++) {
                    ml_syntax s = SYNTAXES[k];
                    ml_buffer b = {0};
                    put_meta(&b, uid_of(s));
                    put_text(&b, s, 0x00080060, "CS", "CT");
                    put_head(&b, s, tags[t], vrs[v], lengths[l]);
                    ml_frame f;
                    ml_error error;
                    CHECK(frame_all(&b, &f, &error) && f.end == b.length);
                    ml_part10 *reader = new_reader(&options, 0);
                    CHECK(add_bytes(reader, b.data, &f, &NOWHERE) && add_bytes(reader, b.data, &f, &NOWHERE));
                    ml_document *document = ml_part10_take(reader);
                    for (uint32_t row = 0; row < 2; row++) {
                        ml_value value = value_of(&document->root, row, tags[t]);
                        CHECK_MSG(value.form == (lengths[l] ? ML_FORM_BULK : ML_FORM_EMPTY), "%s of %u: form %d",
                                  vrs[v] ? vrs[v] : "-", lengths[l], value.form);
                        if (lengths[l]) CHECK(ml_class_of(value.vr) == ML_CLASS_BINARY);
                    }
                    ml_document_free(document);
                    ml_part10_free(reader);
                    free(b.data);
                }
            }
        }
    }
}

int main(void) {
    test_numbers();
    test_inline();
    test_text();
    test_names();
    test_number_texts();
    test_character_sets();
    test_references();
    test_pixels();
    return ml_check_report();
}
