/*
 * write_dicom.c: the DICOM JSON Model again (PS3.18 F.2), without loss: the texts of numbers, nulls, bulk references
 * and elements of unusual make-up are what came in. Only white space, the order of an element's members and the
 * spelling of tags are made regular.
 */
#include "text.h"
#include "write.h"

static void put_tag(ml_buffer *keys, const ml_document *document, const ml_column *column) {
    char digits[8];
    if (column->primary == ML_NO_INDEX) {
        size_t n;
        const char *key = ml_column_key(document, column, digits, &n);
        ml_put_escaped(keys, key, n);
    } else {
        ml_format_tag(column->tag, digits);
        ml_put_quoted(keys, digits, 8);
    }
}

static void put_spelled(ml_buffer *keys, const ml_document *document, const ml_column *column) {
    char digits[8];
    size_t n;
    const char *key = ml_column_key(document, column, digits, &n);
    ml_put_escaped(keys, key, n);
}

static int plan_tags(ml_plan *plan) {
    return ml_plan_slots(plan, put_tag);
}

static int plan_spelled(ml_plan *plan) {
    return ml_plan_slots(plan, put_spelled);
}

static ml_written write_element(ml_writer *writer, const ml_planned *planned, const ml_value *value) {
    ml_buffer *buffer = ml_writer_buffer(writer);
    if (value->form == ML_FORM_RAW) {
        ml_put(buffer, value->text, value->length);
        return ML_WRITTEN;
    }
    const char *comma = "";
    ml_put_char(buffer, '{');
    if (value->vr != ML_VR_NONE) {
        ML_PUT(buffer, "\"vr\":");
        ml_put_quoted(buffer, ml_vr_name(value->vr), 2);
        comma = ",";
    }
    if (value->form != ML_FORM_EMPTY) ml_put(buffer, comma, strlen(comma));
    switch (value->form) {
    case ML_FORM_EMPTY_LIST: ML_PUT(buffer, "\"Value\":[]"); break;
    case ML_FORM_STRING:
        ML_PUT(buffer, "\"Value\":[");
        ml_put_quoted(buffer, value->text, value->length);
        ml_put_char(buffer, ']');
        break;
    case ML_FORM_NUMBER:
    case ML_FORM_LIST:
        ML_PUT(buffer, "\"Value\":[");
        ml_put(buffer, value->text, value->length);
        ml_put_char(buffer, ']');
        break;
    case ML_FORM_ITEMS:
        ML_PUT(buffer, "\"Value\":[");
        ml_write_items(writer, planned->column, value);
        ml_put_char(buffer, ']');
        break;
    case ML_FORM_BULK:
        ML_PUT(buffer, "\"BulkDataURI\":");
        ml_put_quoted(buffer, value->text, value->length);
        break;
    case ML_FORM_INLINE:
        ML_PUT(buffer, "\"InlineBinary\":");
        ml_put_quoted(buffer, value->text, value->length);
        break;
    default: break;
    }
    ml_put_char(buffer, '}');
    return ML_WRITTEN;
}

const ml_style ml_style_dicom = {plan_tags, write_element};
const ml_style ml_style_spelled = {plan_spelled, write_element};
