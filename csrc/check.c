/*
 * check.c: whether a value is what its VR says (PS3.18 F.2.3). Only values that are new in their column get here, so it
 * costs nothing on the rows that repeat them.
 *
 * Nothing is refused: what is unlike its VR is listed, and stays reachable as it is.
 */
#include "base64.h"
#include "items.h"
#include "number.h"
#include "intake.h"
#include "json_number.h"
#include "text.h"

static int is_blank(const char *s, size_t n) {
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\0')) n--;
    return n == 0;
}

/* What is wrong with one number of an integer or floating point VR, given as a string or a JSON number. */
static ml_problem_kind number_problem(ml_vr vr, int string, const char *s, size_t n) {
    double value = 0;
    int64_t integer;
    int may_be_text = vr == ML_VR_IS || vr == ML_VR_DS || vr == ML_VR_SV || vr == ML_VR_UV;
    if (!string && ml_class_of(vr) == ML_CLASS_INT) {
        size_t i = *s == '-';
        while (i < n && s[i] >= '0' && s[i] <= '9') i++;
        if (i == n) return ML_P_NONE;
    }
    /* what JSON takes for a number needs no conversion to be known for one */
    if ((!string || may_be_text) && ml_number_end(s, s + n) == s + n &&
        (ml_class_of(vr) == ML_CLASS_FLOAT || (!memchr(s, '.', n) && !memchr(s, 'e', n) && !memchr(s, 'E', n)))) {
        return ML_P_NONE;
    }
    if (string && is_blank(s, n)) return ML_P_NONE;
    if (ml_class_of(vr) == ML_CLASS_FLOAT) {
        if (ml_parse_double(s, n, &value) != ML_NUMBER_OK) return ML_P_NOT_A_NUMBER;
    } else {
        switch (ml_parse_int64(s, n, &integer)) {
        case ML_NUMBER_BAD: return ML_P_NOT_A_NUMBER;
        case ML_NUMBER_FRACTION: return ML_P_NOT_AN_INTEGER;
        default: break;
        }
    }
    /* IS, DS, SV and UV may be strings; so must be what JSON has no number for */
    if (string && !may_be_text && value - value == 0) return ML_P_VALUE_KIND;
    return ML_P_NONE;
}

static ml_problem_kind text_problem(ml_vr vr, const char *s, size_t n) {
    uint32_t tag;
    int canonical;
    if (vr == ML_VR_AT && n && !(n == 8 && ml_parse_tag(s, &tag, &canonical))) return ML_P_VALUE_KIND;
    return ML_P_NONE;
}

static ml_problem_kind item_problem(ml_vr vr, const ml_item *item) {
    if (item->kind == ML_ITEM_NULL) return ML_P_NONE;
    int string = item->kind == ML_ITEM_STRING, number = item->kind == ML_ITEM_NUMBER;
    char room[ML_PLAIN_ROOM];
    const char *text;
    size_t length;
    switch (ml_class_of(vr)) {
    case ML_CLASS_INT:
    case ML_CLASS_FLOAT:
        if (!string && !number) return ML_P_VALUE_KIND;
        /* a NUL that pads a number's text comes as an escape */
        text = ml_plain_text(item, room, &length);
        return number_problem(vr, string, text, length);
    case ML_CLASS_NAME: return item->kind == ML_ITEM_OBJECT ? ML_P_NONE : ML_P_VALUE_KIND;
    case ML_CLASS_BINARY: return vr == ML_VR_UN ? ML_P_NONE : ML_P_VALUE_KIND;
    case ML_CLASS_SEQUENCE: return ML_P_VALUE_KIND;
    default: return string ? text_problem(vr, item->text, item->length) : ML_P_VALUE_KIND;
    }
}

int ml_check_value(ml_intake *in, ml_table *table, uint32_t column, ml_form form, ml_vr given, const char *text,
                   size_t length, unsigned has, const char *at) {
    ml_vr vr = ml_effective_vr(&table->columns[column], given);
    if (has & ML_HAS_SURROGATE && !ml_note_problem(in, table, column, ML_P_SURROGATE, at)) return 0;
    if (form == ML_FORM_STRING && ml_class_of(vr) == ML_CLASS_TEXT && vr != ML_VR_AT) return 1;
    if (form == ML_FORM_NUMBER || form == ML_FORM_LIST) {
        /* numbers alone, of a VR that takes any */
        if (!(has & ~(unsigned)(ML_HAS_NUMBER | ML_HAS_SPACE)) && ml_class_of(vr) == ML_CLASS_FLOAT) return 1;
    }
    ml_problem_kind kind = ML_P_NONE;
    ml_item item = {.text = text, .length = length};
    switch (form) {
    case ML_FORM_STRING:
        item.kind = ML_ITEM_STRING;
        kind = item_problem(vr, &item);
        break;
    case ML_FORM_NUMBER:
        item.kind = ML_ITEM_NUMBER;
        kind = item_problem(vr, &item);
        break;
    case ML_FORM_LIST: {
        ml_items items = ml_items_of(text, length);
        while (kind == ML_P_NONE && ml_items_next(&items, &item)) kind = item_problem(vr, &item);
        break;
    }
    case ML_FORM_INLINE:
        if (ml_base64_length(text, length) == SIZE_MAX) kind = ML_P_BASE64;
        break;
    default: break;
    }
    return kind == ML_P_NONE || ml_note_problem(in, table, column, kind, at) ? 1 : 0;
}

uint32_t ml_take_value(ml_intake *in, ml_table *table, uint32_t column, ml_form form, ml_vr vr, const char *text,
                       size_t length, unsigned has, const char *at) {
    int fresh;
    uint32_t cell = ml_intern(table, column, form, vr, text, length, &fresh);
    if (ML_UNLIKELY(cell == ML_NO_INDEX)) {
        ml_fail(in, ML_E_MEMORY, at);
    } else if ((fresh || ML_UNLIKELY(in->distrust)) &&
               !ml_check_value(in, table, column, form, vr, text, length, has, at)) {
        return ML_NO_INDEX;
    }
    return cell;
}
