/*
 * test_write.c: what the DICOM JSON Model looks like once it is written back, and the natural form of single values;
 * the JavaScript dialects have their oracles in Python. Whatever is written has to be JSON.
 */
#include "scan_text.h"

static void check_row(const char *text, ml_dialect dialect, const char *expected) {
    ml_document *document = scan_text(LENIENT, text, NULL);
    CHECK_MSG(document != NULL, "%s", text);
    if (!document) return;
    char *got = row_text(document, 0, dialect);
    CHECK_MSG(expected ? got && strcmp(got, expected) == 0 : !got, "%s: %s", text, got ? got : "-");
    free(got);
    ml_document_free(document);
}

/* Regular white space, member order and tags; everything else as it was. */
static void test_dicom(void) {
    static const char *const cases[][3] = {
        {" { } ", "{}", "{}"},
        {"{ \"00080060\" : { \"Value\" : [ \"CT\" ] , \"vr\" : \"CS\" } }",
         "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]}}", "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]}}"},
        {"{\"0040a730\":{\"vr\":\"SQ\"}}", "{\"0040A730\":{\"vr\":\"SQ\"}}", "{\"0040a730\":{\"vr\":\"SQ\"}}"},
        {"{\"(0008,0060)\":{\"vr\":\"CS\"}}", "{\"00080060\":{\"vr\":\"CS\"}}", "{\"(0008,0060)\":{\"vr\":\"CS\"}}"},
        {"{\"Modality\":{\"vr\":\"CS\"}}", "{\"00080060\":{\"vr\":\"CS\"}}", "{\"Modality\":{\"vr\":\"CS\"}}"},
        {"{\"a\\\"\\\\\\n\\u001f\\u00e4\":{\"vr\":\"CS\"}}", "{\"a\\\"\\\\\\u000a\\u001f\xc3\xa4\":{\"vr\":\"CS\"}}",
         "{\"a\\\"\\\\\\u000a\\u001f\xc3\xa4\":{\"vr\":\"CS\"}}"},
        {"{\"00280030\":{\"vr\":\"DS\",\"Value\":[ 0.50, 1E5 ,-0 ]}}",
         "{\"00280030\":{\"vr\":\"DS\",\"Value\":[0.50,1E5,-0]}}",
         "{\"00280030\":{\"vr\":\"DS\",\"Value\":[0.50,1E5,-0]}}"},
        {"{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"\\u0041\\/\"]}}",
         "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"\\u0041\\/\"]}}",
         "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"\\u0041\\/\"]}}"},
        {"{\"00080060\":{}}", "{\"00080060\":{}}", "{\"00080060\":{}}"},
        {"{\"00080060\":{\"Value\":[]}}", "{\"00080060\":{\"Value\":[]}}", "{\"00080060\":{\"Value\":[]}}"},
        {"{\"00080060\":{\"BulkDataURI\":\"\"}}", "{\"00080060\":{\"BulkDataURI\":\"\"}}",
         "{\"00080060\":{\"BulkDataURI\":\"\"}}"},
        {"{\"00080060\": [ 1, { \"b\" : null } ]}", "{\"00080060\":[1,{\"b\":null}]}",
         "{\"00080060\":[1,{\"b\":null}]}"},
        {"{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{},{\"0040a730\":{\"vr\":\"SQ\",\"Value\":[{}]}},{}]}}",
         "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{},{\"0040A730\":{\"vr\":\"SQ\",\"Value\":[{}]}},{}]}}",
         "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{},{\"0040a730\":{\"vr\":\"SQ\",\"Value\":[{}]}},{}]}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_row(cases[i][0], ML_DIALECT_DICOM, cases[i][1]);
        check_row(cases[i][0], ML_DIALECT_SPELLED, cases[i][2]);
        check_row(cases[i][1], ML_DIALECT_DICOM, cases[i][1]);
    }
}

/* One value of a VR, as JSON in the natural form. */
static void check_natural(const char *vr, const char *value, const char *expected) {
    char text[256], wanted[256];
    snprintf(text, sizeof text, "{\"00091001\":{\"vr\":\"%s\",\"Value\":[%s]}}", vr, value);
    snprintf(wanted, sizeof wanted, "{\"00091001\":%s}", expected ? expected : "");
    check_row(text, ML_DIALECT_NATURAL, expected ? wanted : NULL);
}

static void test_natural(void) {
    check_natural("DS", "\"1.50\"", "1.50");
    check_natural("DS", "\" +1.5 \"", "1.5");
    check_natural("DS", "\".5\"", "0.5");
    check_natural("DS", "\"-.5\"", "-0.5");
    check_natural("DS", "\"5.\"", "5");
    check_natural("DS", "\"5.e2\"", "5e2");
    check_natural("DS", "\"-007.50\"", "-7.50");
    check_natural("DS", "\"00\"", "0");
    check_natural("DS", "\"1e5\",\"\",null,2", "[1e5,null,null,2]");
    check_natural("DS", "\"1e999\"", "\"Infinity\"");
    check_natural("DS", "\"-inf\"", "\"-Infinity\"");
    check_natural("DS", "\"nan\"", "\"NaN\"");
    check_natural("DS", "\"abc\"", "\"abc\"");
    check_natural("DS", "\"\"", "null");
    check_natural("DS", "\" \"", "null");
    check_natural("DS", "1e400", NULL);
    check_natural("IS", "\"0012\"", "12");
    check_natural("IS", "\"2.0\"", "2");
    check_natural("IS", "\"-2e1\"", "-20");
    check_natural("IS", "\"2.5\"", "\"2.5\"");
    check_natural("IS", "2.5", "\"2.5\"");
    check_natural("IS", "2.0", "2");
    check_natural("SV", "\"-9223372036854775808\"", "-9223372036854775808");
    check_natural("UV", "18446744073709551615", "18446744073709551615");
    check_natural("US", "true", "\"true\"");
    check_natural("LO", "\"a\"", "\"a\"");
    check_natural("LO", "\"a\",\"\\u0041\"", "[\"a\",\"\\u0041\"]");
    check_natural("LO", "5", "\"5\"");
    check_natural("LO", "null", "null");
    check_natural("LO", "[]", NULL);
    check_natural("AT", "\"0010abcd\"", "\"0010ABCD\"");
    check_natural("AT", "\"x\"", "\"x\"");
    check_natural("UN", "5", "5");
    check_natural("PN", "{\"Alphabetic\":\"A^B\"}", "\"A^B\"");
    check_natural("PN", "{\"Phonetic\":\"P\",\"Alphabetic\":\"A\"}", "\"A==P\"");
    check_natural("PN", "{\"Ideographic\":\"I\"}", "\"=I\"");
    check_natural("PN", "{}", "null");
    check_natural("PN", "{\"Alphabetic\":null}", "null");
    check_natural("PN", "{\"Alphabetic\":\"\\\"}\"},null", "[\"\\\"}\",null]");
    check_row("{\"00081140\":{\"vr\":\"SQ\"}}", ML_DIALECT_NATURAL, "{\"ReferencedImageSequence\":[]}");
    check_row("{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{},{\"00081155\":{\"vr\":\"UI\"}}]}}", ML_DIALECT_NATURAL,
              "{\"ReferencedImageSequence\":[{},{\"ReferencedSOPInstanceUID\":null}]}");
    check_row("{\"7FE00010\":{\"vr\":\"OW\",\"BulkDataURI\":\"u\"}}", ML_DIALECT_NATURAL,
              "{\"PixelData\":{\"BulkDataURI\":\"u\"}}");
    check_row("{\"60003000\":{\"vr\":\"OW\",\"InlineBinary\":\"AAAA\"}}", ML_DIALECT_NATURAL,
              "{\"60003000\":\"AAAA\"}");
}

/* What a dialect cannot write leaves the rows around it as they are. */
static void test_odd(void) {
    const char *text = "[{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"A\"]},\"00081140\":{\"vr\":\"SQ\",\"Value\":[{}]}},"
                       "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"A\"]},\"00081140\":{\"vr\":\"SQ\",\"Value\":[{},"
                       "{\"00091001\":7}]}},"
                       "{\"00080060\":7,\"00081140\":{\"vr\":\"SQ\",\"Value\":[{}]}},"
                       "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"B\"]},\"00081140\":{\"vr\":\"SQ\",\"Value\":[{}]}}]";
    ml_document *document = scan_text(LENIENT, text, NULL);
    char *written = document_text(document, ML_DIALECT_NATURAL, NULL);
    CHECK_TEXT(written, "[{\"Modality\":\"A\",\"ReferencedImageSequence\":[{}]},null,null,"
                        "{\"Modality\":\"B\",\"ReferencedImageSequence\":[{}]}]");
    free(written);
    written = document_text(document, ML_DIALECT_DICOM, NULL);
    CHECK_TEXT(written, text);
    free(written);
    ml_document_free(document);
}

/* Two documents by one writer. */
static void test_one_writer(void) {
    ml_document *a = scan_text(LENIENT, "[{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"A\"]}},{}]", NULL);
    ml_document *b = scan_text(LENIENT, "[{\"00080060\":{\"vr\":\"LO\",\"Value\":[\"B\"]}},{}]", NULL);
    ml_writer *writer = ml_writer_new(ML_DIALECT_DCMJS);
    for (int round = 0; round < 2; round++) {
        for (uint32_t r = 0; r < 2; r++) {
            CHECK(ml_write_row(writer, &a->root, r));
            CHECK(ml_write_row(writer, &b->root, r));
        }
    }
    char *text = writer_text(writer, NULL);
#define ONCE                                                                                                           \
    "{\"_vrMap\":{},\"Modality\":\"A\"}{\"_vrMap\":{\"Modality\":\"LO\"},\"Modality\":\"B\"}{\"_vrMap\":{}}{\"_"       \
    "vrMap\":{}}"
    CHECK_TEXT(text, ONCE ONCE);
    free(text);
    ml_writer_free(writer);
    ml_document_free(a);
    ml_document_free(b);
}

int main(void) {
    test_dicom();
    test_natural();
    test_odd();
    test_one_writer();
    return ml_check_report();
}
