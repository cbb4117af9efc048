/*
 * write_dicom.c: the DICOM JSON Model again (PS3.18 F.2), without loss: the texts of numbers, nulls, bulk references
 * and elements of unusual make-up are what came in. Only white space, the order of an element's members and the
 * spelling of tags are made regular.
 */
#include "text.h"
#include "write.h"

void ml_put_escaped(ml_buffer *buffer, const char *s, size_t n) {
    ml_put_char(buffer, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '"' || c == '\\') {
            ml_put_char(buffer, '\\');
            ml_put_char(buffer, (char)c);
        } else if (c < 0x20) {
            ML_PUT(buffer, "\\u00");
            ml_put_char(buffer, "0123456789abcdef"[c >> 4]);
            ml_put_char(buffer, "0123456789abcdef"[c & 15]);
        } else {
            ml_put_char(buffer, (char)c);
        }
    }
    ml_put_char(buffer, '"');
}

static void write_items(ml_buffer *buffer, const ml_column *column, const ml_value *value, int spelled) {
    ml_range range = ml_value_range(value);
    ml_put_char(buffer, '[');
    for (uint32_t i = 0; i < range.count; i++) {
        if (i) ml_put_char(buffer, ',');
        ml_write_dicom(buffer, column->child, range.first + i, spelled);
    }
    ml_put_char(buffer, ']');
}

static void write_element(ml_buffer *buffer, const ml_table *table, const ml_column *column, uint32_t cell,
                          int spelled) {
    ml_value value = ml_value_at(table->document, column, cell);
    if (value.form == ML_FORM_RAW) {
        ml_put(buffer, value.text, value.length);
        return;
    }
    const char *comma = "";
    ml_put_char(buffer, '{');
    if (value.vr != ML_VR_NONE) {
        ML_PUT(buffer, "\"vr\":");
        ml_put_quoted(buffer, ml_vr_name(value.vr), 2);
        comma = ",";
    }
    if (value.form != ML_FORM_EMPTY) ml_put(buffer, comma, strlen(comma));
    switch (value.form) {
    case ML_FORM_EMPTY_LIST: ML_PUT(buffer, "\"Value\":[]"); break;
    case ML_FORM_STRING:
        ML_PUT(buffer, "\"Value\":[");
        ml_put_quoted(buffer, value.text, value.length);
        ml_put_char(buffer, ']');
        break;
    case ML_FORM_NUMBER:
    case ML_FORM_LIST:
        ML_PUT(buffer, "\"Value\":[");
        ml_put(buffer, value.text, value.length);
        ml_put_char(buffer, ']');
        break;
    case ML_FORM_ITEMS:
        ML_PUT(buffer, "\"Value\":");
        write_items(buffer, column, &value, spelled);
        break;
    case ML_FORM_BULK:
        ML_PUT(buffer, "\"BulkDataURI\":");
        ml_put_quoted(buffer, value.text, value.length);
        break;
    case ML_FORM_INLINE:
        ML_PUT(buffer, "\"InlineBinary\":");
        ml_put_quoted(buffer, value.text, value.length);
        break;
    default: break;
    }
    ml_put_char(buffer, '}');
}

int ml_write_dicom(ml_buffer *buffer, const ml_table *table, uint32_t index, int spelled) {
    ml_row row = ml_table_row(table, index);
    uint32_t width = table->shapes[row.shape].width;
    ml_put_char(buffer, '{');
    for (uint32_t s = 0; s < width; s++) {
        ml_cell cell = ml_row_cell(table, row, s);
        char digits[8];
        size_t n;
        if (s) ml_put_char(buffer, ',');
        if (cell.column->primary == ML_NO_INDEX || (spelled && cell.column->key)) {
            const char *key = ml_column_key(table->document, cell.column, digits, &n);
            ml_put_escaped(buffer, key, n);
        } else {
            ml_format_tag(cell.column->tag, digits);
            ml_put_quoted(buffer, digits, 8);
        }
        ml_put_char(buffer, ':');
        write_element(buffer, table, cell.column, cell.cell, spelled);
    }
    ml_put_char(buffer, '}');
    return 1;
}

int ml_write_row(ml_buffer *buffer, const ml_table *table, uint32_t row, ml_dialect dialect) {
    switch (dialect) {
    case ML_DIALECT_NATURAL: return ml_write_natural(buffer, table, row);
    case ML_DIALECT_DCMJS: return ml_write_dcmjs(buffer, table, row);
    case ML_DIALECT_CORNERSTONE: return ml_write_cornerstone(buffer, table, row);
    default: return ml_write_dicom(buffer, table, row, dialect == ML_DIALECT_SPELLED);
    }
}
