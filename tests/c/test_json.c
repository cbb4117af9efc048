/*
 * test_json.c: JSON grammar (RFC 8259) wherever it may stand: as the value of an element's own member, which is only
 * skipped, and as a member of Value, which is read. Categories as in JSONTestSuite; the cases are our own.
 */
#include "scan_text.h"

/* A text in the place of a JSON value; the fault's code, and its offset from the beginning of that text. */
typedef struct bad {
    const char *text;
    ml_code code;
    int offset;
} bad;

static const char *const GOOD[] = {
    "0", "-0", "1", "-1", "10", "123456789012345678901234567890", "0.0", "-0.5", "1.25e3", "1E5", "1e+5", "1E-05",
    "0e0", "0E+0", "1e400", "-1e-400", "true", "false", "null", "\"\"", "\" \"", "\"a\"", "\"\\u0000\"", "\"\\\"\"",
    "\"\\\\\"", "\"\\/\"", "\"/\"", "\"\\b\\f\\n\\r\\t\"", "\"\\uD83D\\uDE00\"", "\"\\uD83D\"", "\"\\uDE00\"",
    "\"\\uFFFF\"", "\"\x7f\"", "\"\xc2\x80\"", "\"\xf4\x8f\xbf\xbf\"", "\"\xe2\x80\xa8\"", "[]", "[ ]", "[[]]", "[1]",
    "[ 1 , 2 ]", "[\n1\t,\r2 ]", "[null,true,\"x\",{}]", "{}", "{ }", "{\"a\":1}", "{ \"a\" : 1 , \"b\" : [ ] }",
    "{\"a\":1,\"a\":2}", "{\"\":0}", "{\"\\u0061\":0}", "{\"Alphabetic\":\"A\"}", "{\"Alphabetic\":null}",
    "{ \"Alphabetic\" : \"A\" , \"Phonetic\" : \"B\" }", "{\"Alphabetic\":1}", "{\"Alphabetic\":\"A\",\"Other\":[1]}",
    "{\"Alphabetic\":\"A\",\"Ideographic\":{}}", "[[[[[[[[]]]]]]]]", "{\"a\":{\"b\":{\"c\":[{}]}}}",
    /* not JSON, but what Python's json and others write */
    "NaN", "Infinity", "-Infinity", "[NaN]"};

static const bad BAD[] = {
    {"01", ML_E_NUMBER, 0},
    {"-01", ML_E_NUMBER, 0},
    {"00", ML_E_NUMBER, 0},
    {"-", ML_E_NUMBER, 0},
    {"1.", ML_E_NUMBER, 0},
    {"1.e5", ML_E_NUMBER, 0},
    {"1e", ML_E_NUMBER, 0},
    {"1e+", ML_E_NUMBER, 0},
    {"1.5e", ML_E_NUMBER, 0},
    {"-.5", ML_E_NUMBER, 0},
    {".5", ML_E_SYNTAX, 0},
    {"+1", ML_E_SYNTAX, 0},
    {"--1", ML_E_NUMBER, 0},
    {"1-", ML_E_SYNTAX, 1},
    {"1 2", ML_E_SYNTAX, 2},
    {"0x10", ML_E_SYNTAX, 1},
    {"1a", ML_E_SYNTAX, 1},
    {"1,", ML_E_SYNTAX, 2},
    {"\xef\xbc\x91", ML_E_SYNTAX, 0},
    {"True", ML_E_SYNTAX, 0},
    {"truE", ML_E_SYNTAX, 0},
    {"nul", ML_E_SYNTAX, 0},
    {"nulll", ML_E_SYNTAX, 4},
    {"fals", ML_E_SYNTAX, 0},
    {"nan", ML_E_SYNTAX, 0},
    {"Inf", ML_E_SYNTAX, 0},
    {"-Inf", ML_E_SYNTAX, 0},
    {"-NaN", ML_E_NUMBER, 0},
    {"undefined", ML_E_SYNTAX, 0},
    {"'a'", ML_E_SYNTAX, 0},
    {"a", ML_E_SYNTAX, 0},
    {"\\u0061", ML_E_SYNTAX, 0},
    {"", ML_E_SYNTAX, 0},
    {",", ML_E_SYNTAX, 0},
    {":", ML_E_SYNTAX, 0},
    {"\"\n\"", ML_E_STRING_CONTROL, 1},
    {"\"\t\"", ML_E_STRING_CONTROL, 1},
    {"\"\\x\"", ML_E_STRING_ESCAPE, 1},
    {"\"\\U0061\"", ML_E_STRING_ESCAPE, 1},
    {"\"\\a\"", ML_E_STRING_ESCAPE, 1},
    {"\"\\'\"", ML_E_STRING_ESCAPE, 1},
    {"\"\\\xc3\xa4\"", ML_E_STRING_ESCAPE, 1},
    {"\"\\u12\"", ML_E_STRING_ESCAPE, 1},
    {"\"\\u12g4\"", ML_E_STRING_ESCAPE, 1},
    {"\"\\uD83D\\u12\"", ML_E_STRING_ESCAPE, 7},
    {"\"\xff\"", ML_E_UTF8, 1},
    {"\"\x80\"", ML_E_UTF8, 1},
    {"\"\xc0\xaf\"", ML_E_UTF8, 1},
    {"\"a\xe4\"", ML_E_UTF8, 2},
    {"\"\xed\xa0\x80\"", ML_E_UTF8, 1},
    {"\"\xf4\x90\x80\x80\"", ML_E_UTF8, 1},
    {"\"a\"b", ML_E_SYNTAX, 3},
    {"\"a\" \"b\"", ML_E_SYNTAX, 4},
    {"[1", ML_E_SYNTAX, 2},
    {"[1,]", ML_E_SYNTAX, 3},
    {"[,1]", ML_E_SYNTAX, 1},
    {"[1,,2]", ML_E_SYNTAX, 3},
    {"[1 2]", ML_E_SYNTAX, 3},
    {"[1:2]", ML_E_SYNTAX, 2},
    {"[1}", ML_E_SYNTAX, 2},
    {"[\v1]", ML_E_SYNTAX, 1},
    {"[\f]", ML_E_SYNTAX, 1},
    {"[\xc2\xa0]", ML_E_SYNTAX, 1},
    {"[\xef\xbb\xbf]", ML_E_SYNTAX, 1},
    {"[/* no */]", ML_E_SYNTAX, 1},
    {"[1]]", ML_E_SYNTAX, 3},
    {"]", ML_E_SYNTAX, 0},
    {"{]", ML_E_SYNTAX, 1},
    {"{\"a\"}", ML_E_SYNTAX, 4},
    {"{\"a\":}", ML_E_SYNTAX, 5},
    {"{\"a\" 1}", ML_E_SYNTAX, 5},
    {"{\"a\"::1}", ML_E_SYNTAX, 5},
    {"{\"a\",1}", ML_E_SYNTAX, 4},
    {"{\"a\":1,}", ML_E_SYNTAX, 7},
    {"{,\"a\":1}", ML_E_SYNTAX, 1},
    {"{\"a\":1 \"b\":2}", ML_E_SYNTAX, 7},
    {"{a:1}", ML_E_SYNTAX, 1},
    {"{1:1}", ML_E_SYNTAX, 1},
    {"{'a':1}", ML_E_SYNTAX, 1},
    {"{null:1}", ML_E_SYNTAX, 1},
    {"{\"a\":1]", ML_E_SYNTAX, 6},
    {"{\"\\x\":1}", ML_E_STRING_ESCAPE, 2},
    {"{\"Alphabetic\"}", ML_E_SYNTAX, 13},
    {"{\"Alphabetic\":}", ML_E_SYNTAX, 14},
    {"{\"Alphabetic\":\"A\",}", ML_E_SYNTAX, 18},
    {"{\"Alphabetic\":\"A\" \"Phonetic\":\"B\"}", ML_E_SYNTAX, 18},
    {"{\"Alphabetic\":nul}", ML_E_SYNTAX, 14},
    {"{\"Alphabetic\":\"\\x\"}", ML_E_STRING_ESCAPE, 15},
    {"[[1,]]", ML_E_SYNTAX, 4},
};

/* Where a JSON value may stand; %s is it. */
static const char *const PLACES[] = {"{\"00091001\":{\"vr\":\"UN\",\"Other\":%s}}",
                                     "{\"00091001\":{\"vr\":\"UN\",\"Value\":[%s]}}",
                                     "{\"00091001\":{\"vr\":\"UN\",\"Value\":[1,%s]}}",
                                     "{\"00091001\":{\"vr\":\"UN\",\"Value\": %s}}",
                                     "{\"00091001\":%s}",
                                     "{\"00100010\":{\"vr\":\"PN\",\"Value\":[%s]}}",
                                     "[{\"00091001\":{\"vr\":\"UN\",\"BulkDataURI\":%s}}]",
                                     "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[1,%s]}}"};

/* A text that has a meaning of its own in one place only. */
static int is_other_there(const char *text, const char *place) {
    int in_array = strstr(place, "[%s]") != NULL || strstr(place, ",%s]") != NULL;
    if (in_array && (!strcmp(text, "1,") || !strcmp(text, "[1]]") || !strcmp(text, "]") || !strcmp(text, "") ||
                     !strcmp(text, "{]") || !strcmp(text, "[1")))
        return 1;
    return !strcmp(text, "1,") || !strcmp(text, ","); /* the comma's own place is what follows it */
}

static void test_grammar(void) {
    char text[512];
    for (size_t place = 0; place < sizeof PLACES / sizeof *PLACES; place++) {
        int before = (int)(strstr(PLACES[place], "%s") - PLACES[place]);
        for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
            ml_error error;
            snprintf(text, sizeof text, PLACES[place], GOOD[i]);
            ml_document *document = scan_text(LENIENT, text, &error);
            CHECK_MSG(document != NULL, "%s: error %d at %d", text, error.code, (int)error.offset);
            ml_document_free(document);
        }
        for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
            ml_error error;
            if (is_other_there(BAD[i].text, PLACES[place])) continue;
            snprintf(text, sizeof text, PLACES[place], BAD[i].text);
            ml_document *document = scan_text(LENIENT, text, &error);
            CHECK_MSG(!document && error.code == BAD[i].code && (int)error.offset == before + BAD[i].offset,
                      "%s: error %d at %d, not %d at %d", text, error.code, (int)error.offset - before, BAD[i].code,
                      BAD[i].offset);
            ml_document_free(document);
        }
    }
}

/* Every beginning of a valid document is a truncated one, and nothing else. */
static void test_truncation(void) {
    for (size_t place = 0; place < sizeof PLACES / sizeof *PLACES; place++) {
        for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
            char text[512];
            snprintf(text, sizeof text, PLACES[place], GOOD[i]);
            for (size_t n = 1; n < strlen(text); n++) {
                ml_error error;
                ml_document *document = scan_bytes(LENIENT, text, n, &error);
                /* the text may end inside a character */
                int expected = error.code == ML_E_TRUNCATED || (error.code == ML_E_UTF8 && (text[n] & 0xC0) == 0x80);
                CHECK_MSG(!document && expected && error.offset <= n, "%.*s: error %d", (int)n, text, error.code);
                ml_document_free(document);
            }
        }
    }
}

/* Every single byte in every place of a document: valid or refused, never more than looked at. */
static void test_bytes(void) {
    const char *text = "[{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\", 1.5]}}]";
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        for (int c = 0; c < 256; c++) {
            char changed[128];
            ml_error error;
            memcpy(changed, text, n);
            changed[i] = (char)c;
            ml_document *document = scan_bytes(LENIENT, changed, n, &error);
            CHECK(document || error.offset <= n);
            ml_document_free(document);
        }
    }
}

int main(void) {
    test_grammar();
    test_truncation();
    test_bytes();
    return ml_check_report();
}
