/*
 * test_scan.c: documents around datasets, and elements of the DICOM JSON Model: what form each becomes, which problems
 * are listed, and where strict scanning refuses it.
 */
#include "scan_text.h"

#include "text.h"

/* ---- documents ---- */

static void check_rows(const char *text, uint32_t rows) {
    ml_error error;
    ml_document *document = scan_text(LENIENT, text, &error);
    CHECK_MSG(document && document->root.rows == rows, "%s: error %d at %d, %d rows", text, error.code,
              (int)error.offset, document ? (int)document->root.rows : -1);
    ml_document_free(document);
}

static void check_refused(const char *text, ml_code code, uint64_t offset) {
    ml_error error;
    ml_document *document = scan_text(LENIENT, text, &error);
    CHECK_MSG(!document && error.code == code && error.offset == offset, "%s: error %d at %d", text, error.code,
              (int)error.offset);
    ml_document_free(document);
}

static void test_documents(void) {
    check_rows("[]", 0);
    check_rows("{}", 1);
    check_rows(" \t\r\n{ } \n", 1);
    check_rows("[{},{}]", 2);
    check_rows(" [ { } , { } ] ", 2);
    check_rows("{}{}", 2);
    check_rows("{}\n{}\r\n{}\n", 3);
    check_rows("[{}][]\n{}[{},{}]", 4);
    check_rows("\xEF\xBB\xBF[{}]", 1);
    check_rows("\xEF\xBB\xBF {}", 1);
    check_refused("", ML_E_EMPTY, 0);
    check_refused(" \n ", ML_E_EMPTY, 3);
    check_refused("\xEF\xBB\xBF", ML_E_EMPTY, 3);
    check_refused("\xEF\xBB\xBF\xEF\xBB\xBF{}", ML_E_SYNTAX, 3);
    check_refused("\xEF\xBB", ML_E_SYNTAX, 0);
    check_refused("{}\xEF\xBB\xBF{}", ML_E_SYNTAX, 2);
    check_refused("[", ML_E_TRUNCATED, 1);
    check_refused("[{}", ML_E_TRUNCATED, 3);
    check_refused("[{},", ML_E_TRUNCATED, 4);
    check_refused("{", ML_E_TRUNCATED, 1);
    check_refused("{}[", ML_E_TRUNCATED, 3);
    check_refused("[{},]", ML_E_SYNTAX, 4);
    check_refused("[,{}]", ML_E_SYNTAX, 1);
    check_refused("[{} {}]", ML_E_SYNTAX, 4);
    check_refused("{},{}", ML_E_SYNTAX, 2);
    check_refused("]", ML_E_SYNTAX, 0);
    check_refused("[{}]]", ML_E_SYNTAX, 4);
    check_refused("[{}}", ML_E_SYNTAX, 3);
    check_refused("5", ML_E_SYNTAX, 0);
    check_refused("null", ML_E_SYNTAX, 0);
    check_refused("\"{}\"", ML_E_SYNTAX, 0);
    check_refused("[5]", ML_E_DATASET, 1);
    check_refused("[[{}]]", ML_E_DATASET, 1);
    check_refused("[{},null]", ML_E_DATASET, 4);
    check_refused("{}#", ML_E_SYNTAX, 2);
    check_refused("{\"\":1,}", ML_E_SYNTAX, 6);
    ml_error error;
    ml_document *document = scan_bytes(LENIENT, "{}\0", 3, &error);
    CHECK(!document && error.code == ML_E_SYNTAX && error.offset == 2);
    ml_document_free(document);
}

/* ---- elements ---- */

/* An element of an attribute; the form and VR it gets, the first problem listed and the text kept. */
typedef struct element_case {
    const char *key, *element;
    ml_form form;
    ml_vr vr;
    ml_problem_kind problem;
    const char *text;
} element_case;

static const element_case ELEMENTS[] = {
    {"00080060", "{\"vr\":\"CS\",\"Value\":[\"CT\"]}", ML_FORM_STRING, ML_VR_CS, ML_P_NONE, "CT"},
    {"00080060", "{ \"vr\" : \"CS\" , \"Value\" : [ \"CT\" ] }", ML_FORM_STRING, ML_VR_CS, ML_P_NONE, "CT"},
    {"00080060", "{\"Value\":[\"CT\"],\"vr\":\"CS\"}", ML_FORM_STRING, ML_VR_CS, ML_P_NONE, "CT"},
    {"00080060", "{\"\\u0076r\":\"CS\",\"V\\u0061lue\":[\"CT\"]}", ML_FORM_STRING, ML_VR_CS, ML_P_NONE, "CT"},
    {"00080060", "{\"vr\":\"CS\"}", ML_FORM_EMPTY, ML_VR_CS, ML_P_NONE, ""},
    {"00080060", "{\"vr\":\"CS\",\"Value\":[]}", ML_FORM_EMPTY_LIST, ML_VR_CS, ML_P_NONE, ""},
    {"00080060", "{\"vr\":\"CS\",\"Value\":[ ]}", ML_FORM_EMPTY_LIST, ML_VR_CS, ML_P_NONE, ""},
    {"00080060", "{\"vr\":\"CS\",\"Value\":[null]}", ML_FORM_LIST, ML_VR_CS, ML_P_NONE, "null"},
    {"00080060", "{\"vr\":\"CS\",\"Value\":[\"A\", \"B\"]}", ML_FORM_LIST, ML_VR_CS, ML_P_NONE, "\"A\",\"B\""},
    {"00080060", "{\"vr\":\"CS\",\"Value\":[\"\\u0041\"]}", ML_FORM_LIST, ML_VR_CS, ML_P_NONE, "\"\\u0041\""},
    {"00080060", "{\"vr\":\"CS\",\"Value\":[\"\\ud83d\"]}", ML_FORM_LIST, ML_VR_CS, ML_P_SURROGATE, "\"\\ud83d\""},
    {"00280010", "{\"vr\":\"US\",\"Value\":[512]}", ML_FORM_NUMBER, ML_VR_US, ML_P_NONE, "512"},
    {"00280010", "{\"vr\":\"US\",\"Value\":[\"512\"]}", ML_FORM_STRING, ML_VR_US, ML_P_VALUE_KIND, "512"},
    {"00280010", "{\"vr\":\"US\",\"Value\":[\"x\"]}", ML_FORM_STRING, ML_VR_US, ML_P_NOT_A_NUMBER, "x"},
    {"00280010", "{\"vr\":\"US\",\"Value\":[1.5]}", ML_FORM_NUMBER, ML_VR_US, ML_P_NOT_AN_INTEGER, "1.5"},
    {"00280010", "{\"vr\":\"US\",\"Value\":[true]}", ML_FORM_LIST, ML_VR_US, ML_P_VALUE_KIND, "true"},
    {"00280010", "{\"vr\":\"US\",\"Value\":512}", ML_FORM_RAW, ML_VR_US, ML_P_VALUE_NOT_ARRAY,
     "{\"vr\":\"US\",\"Value\":512}"},
    {"00280030", "{\"vr\":\"DS\",\"Value\":[0.5, \"0.5\" ,null]}", ML_FORM_LIST, ML_VR_DS, ML_P_NONE,
     "0.5,\"0.5\",null"},
    {"00280030", "{\"vr\":\"DS\",\"Value\":[1e400]}", ML_FORM_RAW, ML_VR_DS, ML_P_NONE,
     "{\"vr\":\"DS\",\"Value\":[1e400]}"},
    {"00280030", "{\"vr\":\"DS\",\"Value\":[ NaN]}", ML_FORM_RAW, ML_VR_DS, ML_P_NAN_TOKEN,
     "{\"vr\":\"DS\",\"Value\":[NaN]}"},
    {"00280030", "{\"vr\":\"DS\",\"Value\":[[1]]}", ML_FORM_RAW, ML_VR_DS, ML_P_VALUE_KIND,
     "{\"vr\":\"DS\",\"Value\":[[1]]}"},
    {"00280030", "{\"Value\":[\"1\"]}", ML_FORM_STRING, ML_VR_NONE, ML_P_VR_MISSING, "1"},
    {"00280030", "{}", ML_FORM_EMPTY, ML_VR_NONE, ML_P_VR_MISSING, ""},
    {"00280030", "{\"vr\":\"XX\"}", ML_FORM_RAW, ML_VR_NONE, ML_P_VR_UNKNOWN, "{\"vr\":\"XX\"}"},
    {"00280030", "{\"vr\":\"ds\"}", ML_FORM_RAW, ML_VR_NONE, ML_P_VR_UNKNOWN, "{\"vr\":\"ds\"}"},
    {"00280030", "{\"vr\":\"\"}", ML_FORM_RAW, ML_VR_NONE, ML_P_VR_UNKNOWN, "{\"vr\":\"\"}"},
    {"00280030", "{\"vr\":\"DSS\"}", ML_FORM_RAW, ML_VR_NONE, ML_P_VR_UNKNOWN, "{\"vr\":\"DSS\"}"},
    {"00280030", "{\"vr\":null}", ML_FORM_RAW, ML_VR_NONE, ML_P_VR_UNKNOWN, "{\"vr\":null}"},
    {"00280030", "{\"vr\":\"DS\",\"vr\":\"IS\"}", ML_FORM_RAW, ML_VR_IS, ML_P_DUPLICATE,
     "{\"vr\":\"DS\",\"vr\":\"IS\"}"},
    {"00280030", "{\"vr\":\"DS\",\"Value\":[1],\"Value\":[2]}", ML_FORM_RAW, ML_VR_DS, ML_P_DUPLICATE,
     "{\"vr\":\"DS\",\"Value\":[1],\"Value\":[2]}"},
    {"00280030", "5", ML_FORM_RAW, ML_VR_NONE, ML_P_ELEMENT_NOT_OBJECT, "5"},
    {"00280030", "null", ML_FORM_RAW, ML_VR_NONE, ML_P_ELEMENT_NOT_OBJECT, "null"},
    {"00280030", "[ 1 ]", ML_FORM_RAW, ML_VR_NONE, ML_P_ELEMENT_NOT_OBJECT, "[1]"},
    {"00280030", "{\"vr\":\"DS\",\"More\":0}", ML_FORM_RAW, ML_VR_DS, ML_P_NONE, "{\"vr\":\"DS\",\"More\":0}"},
    {"7FE00010", "{\"vr\":\"OW\",\"BulkDataURI\":\"http://x\"}", ML_FORM_BULK, ML_VR_OW, ML_P_NONE, "http://x"},
    {"7FE00010", "{\"vr\":\"OW\",\"BulkDataURI\":\"http:\\/\\/x\"}", ML_FORM_RAW, ML_VR_OW, ML_P_NONE,
     "{\"vr\":\"OW\",\"BulkDataURI\":\"http:\\/\\/x\"}"},
    {"7FE00010", "{\"vr\":\"OW\",\"BulkDataURI\":\"\"}", ML_FORM_BULK, ML_VR_OW, ML_P_NONE, ""},
    {"7FE00010", "{\"vr\":\"OW\",\"BulkDataURI\":7}", ML_FORM_RAW, ML_VR_OW, ML_P_BULK_NOT_STRING,
     "{\"vr\":\"OW\",\"BulkDataURI\":7}"},
    {"7FE00010", "{\"vr\":\"OW\",\"InlineBinary\":\"AAAA\"}", ML_FORM_INLINE, ML_VR_OW, ML_P_NONE, "AAAA"},
    {"7FE00010", "{\"vr\":\"OW\",\"InlineBinary\":\"!\"}", ML_FORM_INLINE, ML_VR_OW, ML_P_BASE64, "!"},
    {"7FE00010", "{\"vr\":\"OW\",\"InlineBinary\":\"AAAA\",\"BulkDataURI\":\"x\"}", ML_FORM_RAW, ML_VR_OW,
     ML_P_SEVERAL_VALUES, "{\"vr\":\"OW\",\"InlineBinary\":\"AAAA\",\"BulkDataURI\":\"x\"}"},
    {"00100010", "{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":\"A^B\"}]}", ML_FORM_LIST, ML_VR_PN, ML_P_NONE,
     "{\"Alphabetic\":\"A^B\"}"},
    {"00100010", "{\"vr\":\"PN\",\"Value\":[{ \"Alphabetic\" : null }, null]}", ML_FORM_LIST, ML_VR_PN, ML_P_NONE,
     "{\"Alphabetic\":null},null"},
    {"00100010", "{\"vr\":\"PN\",\"Value\":[{}]}", ML_FORM_LIST, ML_VR_PN, ML_P_NONE, "{}"},
    {"00100010", "{\"vr\":\"PN\",\"Value\":[\"A^B\"]}", ML_FORM_STRING, ML_VR_PN, ML_P_VALUE_KIND, "A^B"},
    {"00100010", "{\"vr\":\"PN\",\"Value\":[1]}", ML_FORM_RAW, ML_VR_PN, ML_P_VALUE_KIND,
     "{\"vr\":\"PN\",\"Value\":[1]}"},
    {"00100010", "{\"vr\":\"PN\",\"Value\":[{\"Other\":\"A\"}]}", ML_FORM_RAW, ML_VR_PN, ML_P_VALUE_KIND,
     "{\"vr\":\"PN\",\"Value\":[{\"Other\":\"A\"}]}"},
    {"00100010", "{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":[]}]}", ML_FORM_RAW, ML_VR_PN, ML_P_VALUE_KIND,
     "{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":[]}]}"},
    {"00080060", "{\"vr\":\"CS\",\"Value\":[{\"Alphabetic\":\"A\"}]}", ML_FORM_RAW, ML_VR_CS, ML_P_VALUE_KIND,
     "{\"vr\":\"CS\",\"Value\":[{\"Alphabetic\":\"A\"}]}"},
    {"00081140", "{\"vr\":\"SQ\",\"Value\":[]}", ML_FORM_EMPTY_LIST, ML_VR_SQ, ML_P_NONE, ""},
    {"00081140", "{\"vr\":\"SQ\"}", ML_FORM_EMPTY, ML_VR_SQ, ML_P_NONE, ""},
    {"00081140", "{\"vr\":\"SQ\",\"Value\":[{},{}]}", ML_FORM_ITEMS, ML_VR_SQ, ML_P_NONE, NULL},
    {"00081140", "{\"Value\":[{}],\"vr\":\"SQ\"}", ML_FORM_ITEMS, ML_VR_SQ, ML_P_NONE, NULL},
    {"00081140", "{\"Value\":[{}]}", ML_FORM_ITEMS, ML_VR_NONE, ML_P_VR_MISSING, NULL},
    {"00091001", "{\"Value\":[{}],\"vr\":\"SQ\"}", ML_FORM_ITEMS, ML_VR_SQ, ML_P_NONE, NULL},
    {"00081140", "{\"Value\":[\"x\"],\"vr\":\"LO\"}", ML_FORM_STRING, ML_VR_LO, ML_P_NONE, "x"},
    {"00081140", "{\"Value\":[{}],\"vr\":\"LO\"}", ML_FORM_RAW, ML_VR_LO, ML_P_VALUE_KIND,
     "{\"Value\":[{}],\"vr\":\"LO\"}"},
    {"00081140", "{\"vr\":\"SQ\",\"Value\":[{},null]}", ML_FORM_RAW, ML_VR_SQ, ML_P_ITEM_NOT_OBJECT,
     "{\"vr\":\"SQ\",\"Value\":[{},null]}"},
    {"00081140", "{\"vr\":\"SQ\",\"Value\":[{\"00080060\":{\"vr\":\"CS\"}},1]}", ML_FORM_RAW, ML_VR_SQ,
     ML_P_ITEM_NOT_OBJECT, "{\"vr\":\"SQ\",\"Value\":[{\"00080060\":{\"vr\":\"CS\"}},1]}"},
    {"00081140", "{\"vr\":\"SQ\",\"Value\":{}}", ML_FORM_RAW, ML_VR_SQ, ML_P_VALUE_NOT_ARRAY,
     "{\"vr\":\"SQ\",\"Value\":{}}"},
    {"00081140", "{\"vr\":\"SQ\",\"Value\":[{}],\"vr\":\"LO\"}", ML_FORM_RAW, ML_VR_LO, ML_P_DUPLICATE,
     "{\"vr\":\"SQ\",\"Value\":[{}],\"vr\":\"LO\"}"},
};

static void check_element(const element_case *c) {
    char text[512];
    ml_error error;
    uint32_t tag;
    int canonical;
    snprintf(text, sizeof text, "{\"%s\":%s}", c->key, c->element);
    ml_document *document = scan_text(LENIENT, text, &error);
    CHECK_MSG(document != NULL, "%s: error %d", text, error.code);
    if (!document) return;
    ml_parse_tag(c->key, &tag, &canonical);
    ml_value value = value_of(&document->root, 0, tag);
    CHECK_MSG(value.form == c->form && value.vr == c->vr, "%s: form %d, vr %s", text, value.form, ml_vr_name(value.vr));
    if (c->text)
        CHECK_MSG(value.length == strlen(c->text) && !memcmp(value.text, c->text, value.length), "%s: %.*s", text,
                  (int)value.length, value.text);
    const ml_problems *problems = &document->problems;
    ml_problem_kind listed = problems->count ? problems->list[0].kind : ML_P_NONE;
    CHECK_MSG(listed == c->problem && problems->count <= 1, "%s: problem %d of %d", text, listed, (int)problems->count);
    ml_document_free(document);
    /* strict scanning refuses just what has a problem */
    document = scan_text(STRICT, text, &error);
    CHECK_MSG(!document == (c->problem != ML_P_NONE), "%s, strict", text);
    if (!document) CHECK_MSG(error.code == ML_E_PROBLEM && error.problem == c->problem, "%s: %d", text, error.problem);
    ml_document_free(document);
}

static void test_elements(void) {
    for (size_t i = 0; i < sizeof ELEMENTS / sizeof *ELEMENTS; i++) check_element(&ELEMENTS[i]);
}

/* ---- keys ---- */

static void check_key(const char *key, uint32_t tag, int is_tag, ml_problem_kind problem) {
    char text[256];
    snprintf(text, sizeof text, "{\"%s\":{\"vr\":\"CS\"}}", key);
    ml_document *document = scan_text(LENIENT, text, NULL);
    CHECK_MSG(document != NULL, "%s", text);
    if (!document) return;
    const ml_column *column = document->root.columns;
    CHECK_MSG((column->primary != ML_NO_INDEX) == is_tag && column->tag == tag, "%s: %08x", key, (unsigned)column->tag);
    ml_problem_kind listed = document->problems.count ? document->problems.list[0].kind : ML_P_NONE;
    CHECK_MSG(listed == problem, "%s: problem %d", key, listed);
    CHECK((ml_table_find_tag(&document->root, tag) == 0) == is_tag);
    ml_document_free(document);
}

static void test_keys(void) {
    check_key("00080060", 0x00080060, 1, ML_P_NONE);
    check_key("0040a730", 0x0040A730, 1, ML_P_NONE);
    check_key("0040\\u0041730", 0x0040A730, 1, ML_P_NONE);
    check_key("(0008,0060)", 0x00080060, 1, ML_P_KEY_NOT_TAG);
    check_key("Modality", 0x00080060, 1, ML_P_KEY_NOT_TAG);
    check_key("modality", 0, 0, ML_P_KEY_NOT_TAG);
    check_key("OverlayRows", 0, 0, ML_P_KEY_NOT_TAG);
    check_key("(0008.0060)", 0, 0, ML_P_KEY_NOT_TAG);
    check_key("(0008,006G)", 0, 0, ML_P_KEY_NOT_TAG);
    check_key("0008006", 0, 0, ML_P_KEY_NOT_TAG);
    check_key("000800600", 0, 0, ML_P_KEY_NOT_TAG);
    check_key("", 0, 0, ML_P_KEY_NOT_TAG);
    check_key("\\u0000", 0, 0, ML_P_KEY_NOT_TAG);
    check_key("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 0, 0, ML_P_KEY_NOT_TAG);
}

/* The last of several elements of one attribute counts, in the place of the first, however they are spelled. */
static void test_duplicates(void) {
    static const char *const cases[][2] = {
        {"{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"A\"]},\"00080060\":{\"vr\":\"CS\",\"Value\":[\"B\"]}}",
         "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"B\"]}}"},
        {"{\"0040A730\":{\"vr\":\"SQ\"},\"00080060\":{\"vr\":\"CS\"},\"0040a730\":{\"vr\":\"SQ\",\"Value\":[]}}",
         "{\"0040A730\":{\"vr\":\"SQ\",\"Value\":[]},\"00080060\":{\"vr\":\"CS\"}}"},
        {"{\"Modality\":{\"vr\":\"CS\"},\"00080060\":{\"vr\":\"CS\",\"Value\":[]},\"(0008,0060)\":{\"vr\":\"LO\"}}",
         "{\"00080060\":{\"vr\":\"LO\"}}"},
        {"{\"x\":{\"vr\":\"CS\"},\"y\":{\"vr\":\"CS\"},\"\\u0078\":{\"vr\":\"LO\"}}",
         "{\"x\":{\"vr\":\"LO\"},\"y\":{\"vr\":\"CS\"}}"},
        {"{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{}]},\"00081140\":{\"vr\":\"SQ\",\"Value\":[{},{}]}}",
         "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{},{}]}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ml_document *document = scan_text(LENIENT, cases[i][0], NULL);
        char *text = row_text(document, 0, ML_DIALECT_DICOM);
        CHECK_TEXT(text, cases[i][1]);
        int listed = 0;
        for (uint32_t p = 0; p < document->problems.count; p++)
            listed |= document->problems.list[p].kind == ML_P_DUPLICATE;
        CHECK(listed);
        free(text);
        ml_document_free(document);
    }
}

/* Paths and rows of errors and problems. */
static void test_places(void) {
    const char *text = "[{},{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{},{\"00081155\":{\"vr\":\"UI\",\"Value\":[}]}}]";
    ml_error error;
    ml_document *document = scan_text(LENIENT, text, &error);
    CHECK(!document && error.code == ML_E_SYNTAX && error.row == 1 && error.depth == 2);
    CHECK(error.path[0].tag == 0x00081140 && error.path[0].item == 1 && error.path[1].tag == 0x00081155);
    CHECK(text[error.offset] == '}');
    ml_document_free(document);
    text = "[{},{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{},{\"00280010\":{\"vr\":\"US\",\"Value\":[\"7\"]}}]}}]";
    document = scan_text(LENIENT, text, &error);
    CHECK(document && document->problems.count == 1);
    const ml_problem *problem = document->problems.list;
    CHECK(problem->row == 1 && problem->depth == 2 && problem->kind == ML_P_VALUE_KIND && problem->count == 1);
    CHECK(problem->path[0].tag == 0x00081140 && problem->path[0].item == 1 && problem->path[1].tag == 0x00280010);
    ml_document_free(document);
    document = scan_text(STRICT, text, &error);
    CHECK(!document && error.row == 1 && error.depth == 2 && error.path[1].tag == 0x00280010);
    ml_document_free(document);
}

/* Members in any order: what is in the table does not depend on it. */
static void test_order(void) {
    static const char *const rows[] = {"{\"00280010\":{\"vr\":\"US\",\"Value\":[1]},\"00081140\":{\"vr\":\"SQ\","
                                       "\"Value\":[{\"00280010\":{\"vr\":\"US\"}}]}}",
                                       "{\"00280010\":{\"Value\":[1],\"vr\":\"US\"},\"00081140\":{\"Value\":[{"
                                       "\"00280010\":{\"vr\":\"US\"}}],\"vr\":\"SQ\"}}"};
    char both[512];
    snprintf(both, sizeof both, "[%s,%s,%s]", rows[0], rows[1], rows[0]);
    ml_document *document = scan_text(STRICT, both, NULL);
    CHECK(document && document->root.shape_count == 1 && document->root.columns[0].count == 1);
    if (document) CHECK(document->root.columns[1].count == 1 && document->root.columns[1].child->rows == 1);
    for (uint32_t r = 0; document && r < 3; r++) {
        char *text = row_text(document, r, ML_DIALECT_DICOM);
        CHECK_TEXT(text, rows[0]);
        free(text);
    }
    ml_document_free(document);
}

int main(void) {
    test_documents();
    test_elements();
    test_keys();
    test_duplicates();
    test_places();
    test_order();
    return ml_check_report();
}
