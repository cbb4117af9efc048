/*
 * element.c: one element of the DICOM JSON Model (PS3.18 F.2.2): a key and an object with vr and one of Value,
 * BulkDataURI, InlineBinary.
 *
 * Members may come in any order. What a Value is depends on the vr, which may come after it (Orthanc sorts members by
 * name), so an array that begins with an object is read as what the attribute is by the dictionary, and read again in
 * the rare case that its vr then says otherwise.
 *
 * An element of any other make-up (no object, a Value that is no array, members of its own, two kinds of value) is kept
 * whole as JSON text, ML_FORM_RAW: nothing is lost, and only the code that turns such an element into Python objects
 * has to know of it.
 */
#include "scan.h"

#include <stdlib.h>

/* ---- keys ---- */

/* A key that is not eight upper-case digits: other spellings of a tag, keywords, anything. Its text has no escapes any
 * more. */
static uint32_t odd_key(ml_scan *scan, ml_table *table, const char *key, size_t n, const char *at) {
    char digits[8];
    uint32_t tag = 0;
    int canonical = 0, has_tag = 0, listed = 1;
    if (n == 8 && ml_parse_tag(key, &tag, &canonical)) {
        has_tag = 1;
        listed = 0; /* lower case is common enough to be no problem */
    } else if (n == 11 && key[0] == '(' && key[5] == ',' && key[10] == ')') {
        memcpy(digits, key + 1, 4);
        memcpy(digits + 4, key + 6, 4);
        has_tag = ml_parse_tag(digits, &tag, &canonical);
    } else {
        const ml_tag_info *info = ml_tag_by_keyword(key, n);
        if (info && !info->repeating) {
            tag = info->tag;
            has_tag = 1;
        }
    }
    uint32_t column = ml_table_column(table, tag, has_tag, key, n);
    if (column == ML_NO_INDEX) {
        ml_fail(&scan->in, ML_E_MEMORY, at);
        return column;
    }
    if (listed && !ml_note_problem(&scan->in, table, column, ML_P_KEY_NOT_TAG, at)) return ML_NO_INDEX;
    return column;
}

static const char *after_colon(ml_scan *scan, const char *p) {
    p = ml_skip_space(p, scan->in.end);
    if (p == scan->in.end) return ml_fail(&scan->in, ML_E_TRUNCATED, p);
    if (*p != ':') return ml_fail(&scan->in, ML_E_SYNTAX, p);
    p = ml_skip_space(p + 1, scan->in.end);
    return p == scan->in.end ? ml_fail(&scan->in, ML_E_TRUNCATED, p) : p;
}

const char *ml_read_key(ml_scan *scan, ml_table *table, const char *p, uint32_t guess, uint32_t *column) {
    const char *quote;
    unsigned flags = 0;
    uint32_t tag;
    int canonical;
    scan->in.steps = scan->in.depth;
    if (p == scan->in.end) return ml_fail(&scan->in, ML_E_TRUNCATED, p);
    if (*p != '"') return ml_fail(&scan->in, ML_E_SYNTAX, p);
    if (ML_LIKELY(scan->in.end - p > 10 && p[9] == '"' && ml_parse_tag(p + 1, &tag, &canonical) && canonical)) {
        quote = p + 9;
        if (guess < table->column_count && table->columns[guess].tag == tag && !table->columns[guess].key) {
            *column = guess;
        } else {
            *column = ml_table_column(table, tag, 1, NULL, 0);
            if (*column == ML_NO_INDEX) return ml_fail(&scan->in, ML_E_MEMORY, p);
        }
        p = quote + 1;
    } else {
        const char *key = p + 1, *at = p;
        p = ml_read_string(scan, p, &quote, &flags);
        if (!p) return NULL;
        size_t n = (size_t)(quote - key);
        if (flags & ML_STRING_ESCAPED) {
            if (!ml_reserve_scratch(&scan->in, n)) return NULL;
            n = ml_unescape(key, n, scan->in.scratch);
            key = scan->in.scratch;
        }
        if (n == 8 && ml_parse_tag(key, &tag, &canonical) && canonical) {
            *column = ml_table_column(table, tag, 1, NULL, 0);
            if (*column == ML_NO_INDEX) return ml_fail(&scan->in, ML_E_MEMORY, at);
        } else {
            *column = odd_key(scan, table, key, n, at);
            if (*column == ML_NO_INDEX) return NULL;
        }
    }
    if (scan->in.document->odd_keys > scan->in.limits.odd_keys) return ml_fail(&scan->in, ML_E_LIMIT_KEYS, p);
    scan->in.path[scan->in.depth].tag = table->columns[*column].tag;
    scan->in.steps = scan->in.depth + 1;
    return after_colon(scan, p);
}

/* ---- values ---- */

uint32_t ml_take_array(ml_scan *scan, ml_table *table, uint32_t column, ml_vr vr, const ml_array *array,
                       ml_form *form) {
    const char *text = array->text;
    size_t length = array->length;
    unsigned kinds = array->has & ~(unsigned)ML_HAS_SPACE;
    if (array->count == 0) {
        *form = ML_FORM_EMPTY_LIST;
        length = 0;
    } else if (array->count == 1 && kinds == ML_HAS_STRING) {
        *form = ML_FORM_STRING;
    } else if (array->count == 1 && kinds == ML_HAS_NUMBER) {
        *form = ML_FORM_NUMBER;
    } else {
        *form = ML_FORM_LIST;
        if (array->has & ML_HAS_SPACE) {
            if (!ml_reserve_scratch(&scan->in, length)) return ML_NO_INDEX;
            length = ml_minify(text, length, scan->in.scratch);
            text = scan->in.scratch;
        }
    }
    return ml_take_value(&scan->in, table, column, *form, vr, text, length, array->has, array->text);
}

/* Whether an array's members are of kinds that ML_FORM_LIST holds for this VR; otherwise its element is kept raw. */
static int is_plain(const ml_column *column, ml_vr vr, unsigned has) {
    unsigned odd = ML_HAS_OTHER | ML_HAS_NAN | ML_HAS_HUGE;
    int name = ml_effective_vr(column, vr) == ML_VR_PN;
    if (name) odd |= ML_HAS_NUMBER | ML_HAS_BOOL;
    if (!name || (column->info && column->info->vr != ML_VR_PN)) odd |= ML_HAS_NAME;
    return !(has & odd);
}

/*
 * The items of a sequence, p after the opening bracket. They become rows of the column's child table; *count tells how
 * many. When one is no object, *odd is set and the whole array is only skipped.
 */
static const char *read_items(ml_scan *scan, ml_table *table, uint32_t column, const char *p, uint32_t *count,
                              int *odd) {
    const char *bracket = p;
    ml_table *child = ml_column_child(table, column);
    *count = 0;
    *odd = 0;
    if (!child) return ml_fail(&scan->in, ML_E_MEMORY, p);
    if (scan->in.depth >= scan->in.limits.sequence_depth) return ml_fail(&scan->in, ML_E_LIMIT_SEQUENCE_DEPTH, p);
    p = ml_skip_space(p + 1, scan->in.end);
    if (p == scan->in.end) return ml_fail(&scan->in, ML_E_TRUNCATED, p);
    if (*p == ']') return p + 1;
    int more = 1;
    while (more) {
        if (*p != '{') {
            *odd = 1;
            break;
        }
        if (5 + 3 * scan->in.depth > scan->in.limits.json_depth) return ml_fail(&scan->in, ML_E_LIMIT_JSON_DEPTH, p);
        scan->in.path[scan->in.depth].item = *count;
        scan->in.depth++;
        scan->in.steps = scan->in.depth;
        p = ml_read_row(scan, child, p);
        if (!p) return NULL; /* depth and steps stay where the fault is */
        scan->in.depth--;
        scan->in.steps = scan->in.depth + 1;
        ++*count;
        p = ml_next_or_close(scan, p, ']', &more);
        if (!p) return NULL;
    }
    if (!*odd) return p;
    ml_table_drop_rows(child, *count);
    *count = 0;
    return ml_skip_value(scan, bracket, 0);
}

/* ---- elements ---- */

/* What an element's members were found to be. */
typedef struct parts {
    ml_vr vr;
    uint8_t has_vr, has_value, has_bulk, has_inline; /* how often, up to 2 */
    uint8_t raw;                                     /* to be kept whole */
    uint8_t is_items;                                /* Value was read as a sequence of `items` rows, */
    uint8_t not_items;                               /* but holds something else */
    ml_problem_kind problem;
    uint32_t items;
    const char *value; /* where Value begins */
    ml_array array;    /* when it was read as an array */
    const char *text;  /* of BulkDataURI or InlineBinary */
    size_t length;
} parts;

static void odd(parts *part, ml_problem_kind problem) {
    part->raw = 1;
    if (part->problem == ML_P_NONE) part->problem = problem;
}

static void forget_items(ml_table *table, uint32_t column, parts *part) {
    if (part->is_items && part->items) ml_table_drop_rows(table->columns[column].child, part->items);
    part->is_items = part->not_items = 0;
    part->items = 0;
}

static const char *read_value(ml_scan *scan, ml_table *table, uint32_t column, const char *p, parts *part,
                              int sequence) {
    part->value = p;
    /* around a Value: its own bracket, element, dataset and document, and three for each sequence */
    if (4 + 3 * scan->in.depth > scan->in.limits.json_depth) return ml_fail(&scan->in, ML_E_LIMIT_JSON_DEPTH, p);
    if (*p != '[') {
        odd(part, ML_P_VALUE_NOT_ARRAY);
        return ml_skip_value(scan, p, 0);
    }
    if (sequence) {
        int not_items;
        part->is_items = 1;
        p = read_items(scan, table, column, p, &part->items, &not_items);
        if (p && not_items) part->not_items = 1;
        return p;
    }
    return ml_read_array(scan, p, &part->array);
}

static const char *read_vr(ml_scan *scan, const char *p, parts *part) {
    if (scan->in.end - p > 4 && p[0] == '"' && p[3] == '"') {
        part->vr = ml_vr_of(p + 1);
        if (part->vr != ML_VR_NONE) return p + 4;
    }
    part->vr = ML_VR_NONE;
    odd(part, ML_P_VR_UNKNOWN);
    return ml_skip_value(scan, p, 0);
}

static const char *read_bulk(ml_scan *scan, const char *p, parts *part) {
    const char *quote;
    unsigned flags;
    if (*p != '"') {
        odd(part, ML_P_BULK_NOT_STRING);
        return ml_skip_value(scan, p, 0);
    }
    part->text = p + 1;
    p = ml_read_string(scan, p, &quote, &flags);
    if (!p) return NULL;
    part->length = (size_t)(quote - part->text);
    if (flags & ML_STRING_ESCAPED) part->raw = 1; /* no fault: just not text as it stands */
    return p;
}

typedef enum member { MEMBER_OTHER, MEMBER_VR, MEMBER_VALUE, MEMBER_BULK, MEMBER_INLINE } member;

static member member_of(const char *key, size_t n) {
    if (n == 2 && memcmp(key, "vr", 2) == 0) return MEMBER_VR;
    if (n == 5 && memcmp(key, "Value", 5) == 0) return MEMBER_VALUE;
    if (n == 11 && memcmp(key, "BulkDataURI", 11) == 0) return MEMBER_BULK;
    if (n == 12 && memcmp(key, "InlineBinary", 12) == 0) return MEMBER_INLINE;
    return MEMBER_OTHER;
}

/* The name of the member at p; returns the position of its value. */
static const char *read_member(ml_scan *scan, const char *p, member *which) {
    const char *quote, *key = p + 1;
    unsigned flags = 0;
    if (*p != '"') return ml_fail(&scan->in, ML_E_SYNTAX, p);
    if (ML_LIKELY(scan->in.end - p > 3 && memcmp(p, "\"vr\"", 4) == 0)) {
        *which = MEMBER_VR;
        return after_colon(scan, p + 4);
    }
    p = ml_read_string(scan, p, &quote, &flags);
    if (!p) return NULL;
    size_t n = (size_t)(quote - key);
    char plain[80];
    if (flags & ML_STRING_ESCAPED && n < sizeof plain) {
        n = ml_unescape(key, n, plain);
        key = plain;
    }
    *which = member_of(key, n);
    return after_colon(scan, p);
}

static const char *read_members(ml_scan *scan, ml_table *table, uint32_t column, const char *p, parts *part) {
    int more = 1;
    p = ml_skip_space(p + 1, scan->in.end);
    if (p == scan->in.end) return ml_fail(&scan->in, ML_E_TRUNCATED, p);
    if (*p == '}') return p + 1;
    while (more) {
        member which = MEMBER_OTHER;
        p = read_member(scan, p, &which);
        if (!p) return NULL;
        switch (which) {
        case MEMBER_VR:
            if (part->has_vr++) odd(part, ML_P_DUPLICATE);
            p = read_vr(scan, p, part);
            break;
        case MEMBER_VALUE: {
            if (part->has_value++) {
                forget_items(table, column, part);
                odd(part, ML_P_DUPLICATE);
            }
            ml_vr vr = ml_effective_vr(&table->columns[column], part->has_vr ? part->vr : ML_VR_NONE);
            int sequence = vr == ML_VR_SQ || (!part->has_vr && table->columns[column].child);
            p = read_value(scan, table, column, p, part, sequence);
            break;
        }
        case MEMBER_BULK:
            if (part->has_bulk++) odd(part, ML_P_DUPLICATE);
            p = read_bulk(scan, p, part);
            break;
        case MEMBER_INLINE:
            if (part->has_inline++) odd(part, ML_P_DUPLICATE);
            p = read_bulk(scan, p, part);
            break;
        default: part->raw = 1; p = ml_skip_value(scan, p, 0);
        }
        if (!p) return NULL;
        if (part->has_vr > 2) part->has_vr = 2;
        if (part->has_value > 2) part->has_value = 2;
        if (part->has_bulk > 2) part->has_bulk = 2;
        if (part->has_inline > 2) part->has_inline = 2;
        p = ml_next_or_close(scan, p, '}', &more);
        if (!p) return NULL;
    }
    return p;
}

enum { RAW_TIMES = 8, RAW_FREE = 1 << 20 };

/* Keeps the element [from, to) as it is. */
static uint32_t take_raw(ml_scan *scan, ml_table *table, uint32_t column, ml_vr vr, const char *from, const char *to) {
    size_t n = (size_t)(to - from);
    /* an odd sequence within odd sequences is kept once a level: what that comes to is held to the size of the input */
    scan->raw_bytes += n;
    if (scan->raw_bytes / RAW_TIMES > scan->in.base + (uint64_t)(to - scan->in.begin) + RAW_FREE) {
        ml_fail(&scan->in, ML_E_LIMIT_SIZE, from);
        return ML_NO_INDEX;
    }
    if (!ml_reserve_scratch(&scan->in, n)) return ML_NO_INDEX;
    n = ml_minify(from, n, scan->in.scratch);
    return ml_take_value(&scan->in, table, column, ML_FORM_RAW, vr, scan->in.scratch, n, 0, from);
}

/* After the members: the Value again, if its vr came late and made it something else than it was read as. */
static int settle_value(ml_scan *scan, ml_table *table, uint32_t column, parts *part) {
    if (!part->has_value || part->raw) return 1;
    int sequence = ml_effective_vr(&table->columns[column], part->vr) == ML_VR_SQ;
    if (sequence != part->is_items) {
        forget_items(table, column, part);
        if (!read_value(scan, table, column, part->value, part, sequence)) return 0;
    }
    if (part->not_items) odd(part, ML_P_ITEM_NOT_OBJECT);
    if (!sequence && !is_plain(&table->columns[column], part->vr, part->array.has)) {
        unsigned faults = part->array.has & ~(unsigned)ML_HAS_HUGE;
        part->raw = 1;
        if (part->array.has & ML_HAS_NAN) {
            odd(part, ML_P_NAN_TOKEN);
        } else if (!is_plain(&table->columns[column], part->vr, faults)) {
            odd(part, ML_P_VALUE_KIND);
        }
    }
    return 1;
}

const char *ml_read_element(ml_scan *scan, ml_table *table, uint32_t column, const char *key, const char *p,
                            ml_element *element, uint32_t *cell) {
    parts part = {0};
    const char *from = p;
    *element = (ml_element){0};
    if (*p == '{') {
        p = read_members(scan, table, column, p, &part);
    } else {
        odd(&part, ML_P_ELEMENT_NOT_OBJECT);
        part.has_vr = 1;
        p = ml_skip_value(scan, p, 0);
    }
    if (!p) return NULL;
    if (part.has_value + part.has_bulk + part.has_inline > 1) odd(&part, ML_P_SEVERAL_VALUES);
    if (!settle_value(scan, table, column, &part)) return NULL;
    if (!part.has_vr && !ml_note_problem(&scan->in, table, column, ML_P_VR_MISSING, from)) return NULL;
    if (part.problem != ML_P_NONE && !ml_note_problem(&scan->in, table, column, part.problem, from)) return NULL;
    ml_form form = ML_FORM_EMPTY;
    const char *text = NULL;
    if (part.raw) {
        forget_items(table, column, &part);
        form = ML_FORM_RAW;
        *cell = take_raw(scan, table, column, part.vr, from, p);
    } else if (part.has_value && part.is_items && part.items) {
        form = ML_FORM_ITEMS;
        *cell = ml_intern_items(table, column, part.vr, part.items);
        if (*cell == ML_NO_INDEX) return ml_fail(&scan->in, ML_E_MEMORY, from);
    } else if (part.has_value && part.is_items) {
        form = ML_FORM_EMPTY_LIST;
        *cell = ml_take_value(&scan->in, table, column, form, part.vr, NULL, 0, 0, from);
    } else if (part.has_value) {
        text = part.array.text;
        *cell = ml_take_array(scan, table, column, part.vr, &part.array, &form);
        part.length = part.array.length;
        if (form == ML_FORM_EMPTY_LIST) text = NULL;
    } else if (part.has_bulk || part.has_inline) {
        form = part.has_bulk ? ML_FORM_BULK : ML_FORM_INLINE;
        text = part.text;
        *cell = ml_take_value(&scan->in, table, column, form, part.vr, text, part.length, 0, text);
    } else {
        *cell = ml_take_value(&scan->in, table, column, form, part.vr, NULL, 0, 0, from);
    }
    if (*cell == ML_NO_INDEX) return NULL;
    scan->in.steps = scan->in.depth;
    element->form = (uint8_t)form;
    element->vr = (uint8_t)part.vr;
    if (text && part.length <= UINT32_MAX && (size_t)(text - key) <= UINT32_MAX) {
        element->content = (uint32_t)(text - key);
        element->length = (uint32_t)part.length;
    }
    return p;
}
