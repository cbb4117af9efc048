/*
 * dicom_value.c: the bytes of a value as a table keeps them (ml_form).
 *
 * Numbers become their decimal text, short binary values base64, long ones and pixel data a reference to where they
 * are: the forms that the values of DICOM JSON have, so that everything above works on both alike. That costs some 10
 * to 60 ns a value, once for each that is different from those of the file before.
 */
#include "dicom.h"
#include "number_text.h"
#include "private_tags.h"
#include "text.h"

/* ---- VR ---- */

static int is_creator(uint32_t tag) {
    return tag & 0x10000 && (tag & 0xFFFF) >= 0x10 && (tag & 0xFFFF) <= 0xFF;
}

/* The VR of a private element whose creator the dictionary knows. */
static ml_vr private_vr(ml_part10 *reader, ml_dataset *dataset, uint32_t tag) {
    uint32_t block = (tag & 0xFFFF0000) | (tag >> 8 & 0xFF);
    if ((tag & 0xFFFF) < 0x1000) return ML_VR_UN;
    if (block != dataset->creator_block) {
        uint32_t n = 0;
        const char *creator = ml_dataset_find(reader, dataset, block, &n);
        while (n && (creator[n - 1] == ' ' || creator[n - 1] == '\0')) n--;
        dataset->creator_block = block;
        dataset->creator = creator ? ml_private_creator(creator, n) : 0;
    }
    ml_vr vr = dataset->creator ? ml_private_vr(dataset->creator, tag) : ML_VR_UN;
    return vr == ML_VR_NONE ? ML_VR_UN : vr;
}

/* PixelRepresentation of the nearest data set around that has one. */
static int signed_pixels(ml_part10 *reader, const ml_dataset *dataset) {
    for (; dataset->outer; dataset = dataset->outer) {
        uint32_t n;
        const char *value = ml_dataset_find(reader, dataset, ML_TAG_PIXEL_REPRESENTATION, &n);
        if (value && n >= 2) return ml_get16(value, dataset->syntax.big_endian) == 1;
    }
    return reader->frame->signed_pixels;
}

/* Whether LUTData has values of 16 bits each, as pydicom decides it: a table of one entry. */
static int has_one_entry(ml_part10 *reader, const ml_dataset *dataset) {
    uint32_t n;
    const char *descriptor = ml_dataset_find(reader, dataset, 0x00283002, &n);
    return descriptor && n >= 2 && ml_get16(descriptor, dataset->syntax.big_endian) == 1;
}

ml_vr ml_settle_vr(ml_part10 *reader, ml_dataset *dataset, const ml_field *field, int *again) {
    uint32_t tag = field->head.tag;
    ml_vr vr = field->head.vr;
    *again = 0;
    if (vr == ML_VR_NONE) return ML_VR_UN;
    /* pixel data are referred to, whatever they say they are: their value is not at hand */
    if (ML_UNLIKELY(!dataset->outer && ml_is_pixels(tag)) && ml_class_of(vr) != ML_CLASS_BINARY) vr = ML_VR_UN;
    if (vr == ML_VR_UN) {
        const ml_tag_info *info = ml_tag_find(tag);
        if (info) {
            vr = (ml_vr)info->vr;
        } else if (is_creator(tag)) {
            vr = ML_VR_LO;
        } else if (tag & 0x10000) {
            vr = private_vr(reader, dataset, tag);
            /* the creator may be one of those that are left out, in which no template sees a difference */
            *again = dataset->chosen && reader->options.only != NULL;
        }
    }
    switch (vr) {
    case ML_VR_NONE: return ML_VR_UN;
    case ML_VR_US_SS:
        *again = dataset->outer != NULL;
        /* of an item in an item, the sequences around it depend on what is beyond their own bytes, too */
        if (dataset->outer && dataset->outer->outer) reader->again++;
        return signed_pixels(reader, dataset) ? ML_VR_SS : ML_VR_US;
    case ML_VR_OB_OW: return field->head.length == ML_UNDEFINED ? ML_VR_OB : ML_VR_OW;
    case ML_VR_US_OW: *again = 1; return has_one_entry(reader, dataset) ? ML_VR_US : ML_VR_OW;
    case ML_VR_US_SS_OW: return ML_VR_OW;
    default: return vr;
    }
}

/* ---- references ---- */

static void put_number(ml_buffer *out, uint64_t value) {
    char digits[ML_INTEGER_ROOM];
    ml_put(out, digits, ml_write_uint64(value, digits));
}

/* A path as the path of a URI: everything but what RFC 3986 calls unreserved, and the slash, is escaped. */
static void put_path(ml_buffer *out, const char *path, size_t n) {
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)path[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '-' && c <= '9') || c == '_' || c == '~') {
            ml_put_char(out, (char)c); /* '-', '.', '/' and the digits stand in a row */
        } else {
            char escape[3] = {'%', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]};
            ml_put(out, escape, 3);
        }
    }
}

/* "file:///…?size=…&mtime=…&", once a file. */
static void begin_uri(ml_part10 *reader) {
    const ml_origin *origin = reader->origin;
    ml_buffer *uri = &reader->uri;
    if (origin->path) {
        ML_PUT(uri, "file://");
        put_path(uri, origin->path, origin->path_length);
        ML_PUT(uri, "?size=");
        put_number(uri, origin->size);
        ML_PUT(uri, "&mtime=");
        if (origin->modified < 0) ml_put_char(uri, '-');
        put_number(uri, origin->modified < 0 ? 0 - (uint64_t)origin->modified : (uint64_t)origin->modified);
        ml_put_char(uri, '&');
    } else {
        ml_put_char(uri, '?');
    }
    if (origin->deflated_from) {
        ML_PUT(uri, "deflated=");
        put_number(uri, origin->deflated_from);
        ml_put_char(uri, '&');
    }
}

static uint32_t take_reference(ml_part10 *reader, ml_table *table, uint32_t column, const ml_dataset *dataset,
                               const ml_field *field, ml_vr vr) {
    ml_buffer *uri = &reader->uri;
    if (!uri->length) begin_uri(reader);
    size_t length = uri->length;
    /* of numbers, and of the items around fragments */
    if (dataset->syntax.big_endian && field->head.vr != ML_VR_UN) ML_PUT(uri, "order=big&");
    ML_PUT(uri, "offset=");
    put_number(uri, reader->origin->base + (uint64_t)(field->value - reader->in.begin));
    if (field->head.length != ML_UNDEFINED) {
        ML_PUT(uri, "&length=");
        put_number(uri, field->head.length);
    }
    size_t whole = uri->length;
    uri->length = length;
    reader->again++;
    if (uri->failed) {
        ml_fail(&reader->in, ML_E_MEMORY, field->start);
        return ML_NO_INDEX;
    }
    uint64_t offset = (uint64_t)(field->value - reader->in.begin), size = reader->origin->size;
    if (size && !reader->origin->deflated_from && field->head.length != ML_UNDEFINED &&
        offset + field->head.length > size &&
        !ml_note_problem(&reader->in, table, column, ML_P_SHORT_VALUE, field->start)) {
        return ML_NO_INDEX;
    }
    return ml_take_value(&reader->in, table, column, ML_FORM_BULK, vr, uri->data, whole, 0, field->start);
}

/* ---- binary values ---- */

/* Bytes of one number, of which the order matters; 1 for plain bytes. */
static unsigned width_of(ml_vr vr) {
    switch (vr) {
    case ML_VR_SS:
    case ML_VR_US:
    case ML_VR_OW: return 2;
    case ML_VR_AT:
    case ML_VR_FL:
    case ML_VR_SL:
    case ML_VR_UL:
    case ML_VR_OF:
    case ML_VR_OL: return 4;
    case ML_VR_FD:
    case ML_VR_SV:
    case ML_VR_UV:
    case ML_VR_OD:
    case ML_VR_OV: return 8;
    default: return 1;
    }
}

/* The base64 text of a value in little endian order. */
static uint32_t take_inline(ml_part10 *reader, ml_table *table, uint32_t column, const ml_dataset *dataset,
                            const ml_field *field, ml_vr vr) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = field->head.length;
    const unsigned char *value = (const unsigned char *)field->value;
    /* a byte's place within its number is turned round by flipping the lowest bits of its index */
    unsigned width = dataset->syntax.big_endian && field->head.vr != ML_VR_UN ? width_of(vr) : 1;
    if (n % width) width = 1;
    size_t length = (n + 2) / 3 * 4;
    if (!ml_reserve_scratch(&reader->in, length)) return ML_NO_INDEX;
    char *out = reader->in.scratch;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++) bits = bits << 8 | (i + k < n ? value[(i + k) ^ (width - 1)] : 0u);
        *out++ = letters[bits >> 18];
        *out++ = letters[bits >> 12 & 63];
        *out++ = i + 1 < n ? letters[bits >> 6 & 63] : '=';
        *out++ = i + 2 < n ? letters[bits & 63] : '=';
    }
    return ml_take_value(&reader->in, table, column, ML_FORM_INLINE, vr, reader->in.scratch, length, 0, field->start);
}

static size_t write_double(double value, char *out) {
    if (value - value == 0) return ml_write_double(value, out);
    const char *text = value != value ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    size_t n = strlen(text);
    memcpy(out, text, n);
    return n;
}

/* One number as a member of a JSON array. */
static size_t write_number(ml_vr vr, const char *p, int big, char *out) {
    uint64_t bits;
    uint32_t half;
    double real;
    float single;
    switch (vr) {
    case ML_VR_US: return ml_write_uint64(ml_get16(p, big), out);
    case ML_VR_SS: return ml_write_int64((int16_t)ml_get16(p, big), out);
    case ML_VR_UL: return ml_write_uint64(ml_get32(p, big), out);
    case ML_VR_SL: return ml_write_int64((int32_t)ml_get32(p, big), out);
    case ML_VR_UV: return ml_write_uint64(ml_get64(p, big), out);
    case ML_VR_SV: return ml_write_int64((int64_t)ml_get64(p, big), out);
    case ML_VR_FL:
        half = ml_get32(p, big);
        memcpy(&single, &half, sizeof single);
        return write_double(single, out);
    case ML_VR_FD:
        bits = ml_get64(p, big);
        memcpy(&real, &bits, sizeof real);
        return write_double(real, out);
    default: /* AT */
        out[0] = out[9] = '"';
        ml_format_tag(ml_get_tag(p, big), out + 1);
        return 10;
    }
}

static uint32_t take_numbers(ml_part10 *reader, ml_table *table, uint32_t column, const ml_dataset *dataset,
                             const ml_field *field, ml_vr vr) {
    ml_intake *in = &reader->in;
    unsigned width = width_of(vr);
    size_t count = field->head.length / width;
    int big = dataset->syntax.big_endian && field->head.vr != ML_VR_UN;
    uint32_t cell;
    if (count <= 1) {
        char one[ML_DOUBLE_ROOM];
        if (!count) {
            cell = ml_take_value(in, table, column, ML_FORM_EMPTY, vr, NULL, 0, 0, field->start);
        } else {
            size_t n = write_number(vr, field->value, big, one);
            int string = one[0] == '"';
            cell = ml_take_value(in, table, column, string ? ML_FORM_STRING : ML_FORM_NUMBER, vr, one + string,
                                 n - 2 * (size_t)string, string ? ML_HAS_STRING : ML_HAS_NUMBER, field->start);
        }
    } else {
        ml_buffer *list = &reader->list;
        list->length = 0;
        for (size_t i = 0; i < count; i++) {
            char *room = ml_buffer_room(list, ML_DOUBLE_ROOM + 1);
            if (!room) break;
            if (i) *room++ = ',';
            list->length += write_number(vr, field->value + i * width, big, room) + (i > 0);
        }
        if (list->failed) {
            ml_fail(in, ML_E_MEMORY, field->start);
            return ML_NO_INDEX;
        }
        cell = ml_take_value(in, table, column, ML_FORM_LIST, vr, list->data, list->length, 0, field->start);
    }
    if (field->head.length % width && cell != ML_NO_INDEX &&
        !ml_note_problem(in, table, column, ML_P_LENGTH, field->start)) {
        return ML_NO_INDEX;
    }
    return cell;
}

uint32_t ml_take_bytes(ml_part10 *reader, ml_table *table, uint32_t column, ml_dataset *dataset, const ml_field *field,
                       ml_vr vr, ml_form *form) {
    const ml_head *head = &field->head;
    *form = ML_FORM_STRING;
    switch (ml_class_of(vr)) {
    case ML_CLASS_BINARY:
        if (head->length == ML_UNDEFINED || (head->length && !dataset->outer && ml_is_pixels(head->tag)) ||
            head->length > reader->options.bulk_above) {
            *form = ML_FORM_BULK;
            return take_reference(reader, table, column, dataset, field, vr);
        }
        if (!head->length)
            return ml_take_value(&reader->in, table, column, ML_FORM_EMPTY, vr, NULL, 0, 0, field->start);
        return take_inline(reader, table, column, dataset, field, vr);
    case ML_CLASS_INT:
    case ML_CLASS_FLOAT:
        if (vr != ML_VR_IS && vr != ML_VR_DS) return take_numbers(reader, table, column, dataset, field, vr);
        break;
    default:
        if (vr == ML_VR_AT) return take_numbers(reader, table, column, dataset, field, vr);
    }
    return ml_take_text(reader, table, column, dataset, vr, field->value, head->length);
}
