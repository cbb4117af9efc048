/*
 * dicom_row.c: one data set or item becomes one row.
 *
 * A row's bytes are compared with those of the last row of its shape, of which the template has a copy. Where they
 * part, the element at hand is read, and if it is the same attribute the comparison goes on behind it: a difference of
 * length costs no more than one of content. If it is another attribute, the rest is read element by element, still
 * taking over those whose bytes are those that the template has for their tag.
 *
 * Equal bytes mean the same only as long as the character set and the encoding do (ml_part10.generation), and for
 * private elements, the creators before them. What refers into the file means something else in each and is read
 * always (ml_element.again).
 *
 * Elements that are left out (a group's length, what the caller does not want) belong to the one before them as far as
 * places in the row are concerned.
 */
#include "building.h"
#include "dicom.h"
#include "text.h"

#include <stdlib.h>

enum { TEMPLATE_MOST = 1 << 20 }; /* rows of more bytes are not kept: their items are compared all the same */

/* What following a template found to be different. */
typedef struct ml_change {
    uint32_t index;
    uint32_t cell;
    uint32_t start; /* of the element in the new row */
    uint32_t next;  /* and of the one after it */
    ml_element element;
} ml_change;

/* ---- places ---- */

static int at_end(const ml_dataset *dataset, const char *p) {
    if (p >= dataset->end) return 1; /* also of what was left open where a damaged file was cut */
    return dataset->delimited && ml_get_tag(p, dataset->syntax.big_endian) == ML_TAG_ITEM_END;
}

/* Past an element that was walked before. */
static const char *past(const ml_part10 *reader, const ml_dataset *dataset, const char *p, const ml_head *head) {
    p += head->size;
    if (!dataset->outer && ml_is_pixels(head->tag)) return p;
    size_t left = (size_t)(dataset->end - p);
    if (head->length != ML_UNDEFINED) return p + ml_min(head->length, left);
    ml_walk walk = reader->walk;
    const char *end = ml_walk_value(&walk, p, dataset->end, head, dataset->syntax);
    return end ? end : dataset->end;
}

const char *ml_dataset_find(ml_part10 *reader, const ml_dataset *dataset, uint32_t tag, uint32_t *length) {
    ml_head head;
    for (const char *p = dataset->begin; p && !at_end(dataset, p);) {
        ml_read_head(p, dataset->end, dataset->syntax, &head);
        if (head.tag == tag && head.length != ML_UNDEFINED) {
            *length = head.length;
            return p + head.size;
        }
        /* tags ascend; what is always left out has no say in it, since templates do not see it */
        int counts = (head.tag & 0xFFFF) && head.tag >> 16 != 0xFFFE;
        if (counts && head.tag > tag) break;
        const char *next = head.tag >> 16 == 0xFFFE ? p + 8 : past(reader, dataset, p, &head);
        /* an input made to be looked through again and again is not */
        uint64_t cost = head.length == ML_UNDEFINED ? (uint64_t)(next - p) : 8;
        if (reader->patience < cost) break;
        reader->patience -= cost;
        p = next;
    }
    return NULL;
}

static int is_wanted(const ml_part10 *reader, const ml_dataset *dataset, uint32_t tag) {
    if ((tag & 0xFFFF) == 0 || tag >> 16 == 0xFFFE) return 0;
    if (!dataset->chosen) return 1;
    if (tag >> 16 == 0x0002) return 0; /* a stray of the meta information */
    if (!reader->options.only) return 1;
    uint32_t low = 0, high = reader->options.only_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (reader->options.only[middle] < tag) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < reader->options.only_count && reader->options.only[low] == tag;
}

/* Past the elements that are left out. */
static const char *skip(const ml_part10 *reader, const ml_dataset *dataset, const char *p) {
    while (!at_end(dataset, p)) {
        ml_head head;
        ml_read_head(p, dataset->end, dataset->syntax, &head);
        if (is_wanted(reader, dataset, head.tag)) break;
        p = head.tag >> 16 == 0xFFFE ? p + 8 : past(reader, dataset, p, &head);
    }
    return p;
}

/* ---- elements ---- */

/* The items at the value of a sequence become rows of the column's child table. */
static const char *read_items(ml_part10 *reader, ml_table *table, uint32_t column, const ml_dataset *dataset,
                              const ml_field *field, uint32_t *cell) {
    ml_intake *in = &reader->in;
    ml_table *child = ml_column_child(table, column);
    if (!child) return ml_fail(in, ML_E_MEMORY, field->start);
    ml_syntax syntax = ml_items_syntax(&field->head, dataset->syntax);
    int undefined = field->head.length == ML_UNDEFINED;
    const char *p = field->value, *limit = dataset->end;
    if (!undefined && field->head.length < (size_t)(limit - p)) limit = p + field->head.length;
    uint32_t count = 0, depth = in->depth++;
    int cut = 0;
    while (limit - p >= 8) {
        uint32_t tag = ml_get_tag(p, syntax.big_endian), length = ml_get32(p + 4, syntax.big_endian);
        p += 8;
        if (tag == ML_TAG_SEQUENCE_END) {
            if (undefined) break;
            continue;
        }
        in->path[depth] = (ml_step){table->columns[column].tag, count};
        ml_dataset item = {.outer = dataset, .begin = p, .end = limit, .syntax = syntax};
        item.delimited = length == ML_UNDEFINED;
        if (!item.delimited && length <= (size_t)(limit - p)) {
            item.end = p + length;
        } else if (!item.delimited) {
            cut = 1;
        }
        p = ml_read_dataset(reader, child, &item);
        if (!p) return NULL;
        count++;
    }
    if (p < limit && limit - p < 8) p = limit;
    in->depth = depth;
    in->steps = depth + 1;
    if (cut && !reader->frame->damaged && !ml_note_problem(in, table, column, ML_P_ITEM_LENGTH, field->start)) {
        return NULL;
    }
    if (count) {
        *cell = ml_intern_items(table, column, ML_VR_SQ, count);
        if (*cell == ML_NO_INDEX) return ml_fail(in, ML_E_MEMORY, field->start);
    } else {
        *cell = ml_take_value(in, table, column, ML_FORM_EMPTY, ML_VR_SQ, NULL, 0, 0, field->start);
        if (*cell == ML_NO_INDEX) return NULL;
    }
    return p;
}

/* Whether the items of a sequence that is encoded as UN are what they should be. No frame has looked into it, so this
 * is where the depth is bounded. */
static int holds_items(const ml_part10 *reader, const ml_field *field) {
    ml_walk walk = reader->walk;
    walk.depth = reader->in.depth;
    walk.max_depth = (uint32_t)ml_min(reader->in.limits.sequence_depth, ML_PATH_DEPTH - 1);
    return ml_walk_items(&walk, field->value, field->value + field->head.length, (ml_syntax){0, 0}, 0) != NULL;
}

/* Reads the element at p, which is not one to be left out. Returns where it ends. */
static const char *read_element(ml_part10 *reader, ml_table *table, ml_dataset *dataset, const char *p, uint32_t guess,
                                uint32_t *column, uint32_t *cell, ml_element *element) {
    ml_intake *in = &reader->in;
    ml_field field = {.start = p};
    ml_head *head = &field.head;
    ml_read_head(p, dataset->end, dataset->syntax, head);
    field.value = p + head->size;
    if (guess < table->column_count && table->columns[guess].tag == head->tag) {
        *column = guess;
    } else {
        *column = ml_table_find_tag(table, head->tag);
        if (*column == ML_NO_INDEX) {
            /* asked before, so that files without further ones are still read after one that had too many */
            if (in->document->odd_keys >= in->limits.odd_keys && !ml_tag_find(head->tag)) {
                return ml_fail(in, ML_E_LIMIT_KEYS, p);
            }
            *column = ml_table_column(table, head->tag, 1, NULL, 0);
            if (*column == ML_NO_INDEX) return ml_fail(in, ML_E_MEMORY, p);
        }
    }
    in->path[in->depth] = (ml_step){head->tag, 0};
    in->steps = in->depth + 1;
    if (ML_UNLIKELY(head->strange) && !ml_note_problem(in, table, *column, ML_P_VR_UNKNOWN, p)) return NULL;
    int again;
    uint32_t before = reader->again;
    ml_form form = ML_FORM_ITEMS;
    ml_vr vr = ml_settle_vr(reader, dataset, &field, &again);
    const char *end;
    if (head->length == ML_UNDEFINED ? !ml_is_fragments(head) && !(!dataset->outer && ml_is_pixels(head->tag))
                                     : vr == ML_VR_SQ && (head->vr == ML_VR_SQ || holds_items(reader, &field))) {
        vr = ML_VR_SQ;
        end = read_items(reader, table, *column, dataset, &field, cell);
        if (!end) return NULL;
    } else {
        if (vr == ML_VR_SQ) vr = ML_VR_UN;
        *cell = ml_take_bytes(reader, table, *column, dataset, &field, vr, &form);
        if (*cell == ML_NO_INDEX) return NULL;
        end = past(reader, dataset, p, head);
    }
    in->steps = in->depth;
    *element =
        (ml_element){0, (uint32_t)(end - p), (uint8_t)form, (uint8_t)vr, (uint8_t)(again || reader->again != before)};
    return end;
}

/* Elements that decide what others mean. */
static int is_context(uint32_t tag) {
    return tag & 0x10000 && (tag & 0xFFFF) >= 0x10 && (tag & 0xFFFF) <= 0xFF;
}

/* ---- following a template ---- */

static ml_change *add_change(ml_part10 *reader) {
    if (reader->change_count == reader->change_capacity) {
        size_t capacity = ml_grown(reader->change_capacity, (size_t)reader->change_count + 1, 64);
        ml_change *changes = realloc(reader->changes, capacity * sizeof *changes);
        uint32_t *changed = realloc(reader->changed, capacity * sizeof *changed);
        if (changes) reader->changes = changes;
        if (changed) reader->changed = changed;
        if (!changes || !changed) {
            ml_fail(&reader->in, ML_E_MEMORY, reader->in.begin);
            return NULL;
        }
        reader->change_capacity = (uint32_t)capacity;
    }
    return &reader->changes[reader->change_count++];
}

typedef enum follow_result { FOLLOW_DONE, FOLLOW_PARTED, FOLLOW_FAILED } follow_result;

/*
 * Compares a row with a template. FOLLOW_DONE: it has the same attributes, those in reader->changes with other values;
 * *at is where its elements end. FOLLOW_PARTED: that holds for the first *index of them, and *at is what comes next.
 * *lead: what is left out before the first element.
 */
static follow_result follow(ml_part10 *reader, ml_table *table, ml_dataset *dataset, const ml_template *t,
                            uint32_t *index, const char **at, uint32_t *lead) {
    const char *p = dataset->begin;
    uint32_t off = 0, i = 0, again = 0;
    *lead = t->start[0];
    for (;;) {
        while (again < t->count && !t->element[again].again) again++;
        uint32_t stop = again < t->count ? t->start[again] : t->length;
        size_t n = ml_common_prefix(p, t->base + off, ml_min((size_t)(dataset->end - p), stop - off));
        p += n;
        off += (uint32_t)n;
        if (off == t->length) {
            p = skip(reader, dataset, p);
            *at = p;
            *index = t->count;
            return at_end(dataset, p) ? FOLLOW_DONE : FOLLOW_PARTED;
        }
        if (off < t->start[0]) { /* among what is left out at the beginning */
            off = t->start[0];
            p = skip(reader, dataset, dataset->begin);
            *lead = (uint32_t)(p - dataset->begin);
            continue;
        }
        while (i + 1 < t->count && t->start[i + 1] <= off) i++;
        const char *element = p - (off - t->start[i]);
        *at = element;
        *index = i;
        if (at_end(dataset, element)) return FOLLOW_PARTED;
        uint32_t tag = ml_get_tag(element, dataset->syntax.big_endian), column = t->column[i];
        if (tag != table->columns[column].tag || is_context(tag)) return FOLLOW_PARTED;
        ml_element fresh;
        uint32_t cell;
        const char *end = read_element(reader, table, dataset, element, column, &column, &cell, &fresh);
        ml_change *change = end ? add_change(reader) : NULL;
        if (!change) return FOLLOW_FAILED;
        p = skip(reader, dataset, end);
        *change = (ml_change){i, cell, (uint32_t)(element - dataset->begin), (uint32_t)(p - dataset->begin), fresh};
        off = i + 1 < t->count ? t->start[i + 1] : t->length;
        if (again <= i) again = i + 1;
    }
}

/* Makes a template describe a row that has its attributes. */
static void adopt(ml_template *t, const char *row, size_t length, uint32_t lead, const ml_change *changes,
                  uint32_t count) {
    int64_t delta = (int64_t)lead - t->start[0];
    int moved = delta != 0;
    for (uint32_t c = 0; c < count; c++) {
        const ml_change *change = &changes[c];
        t->cell[change->index] = change->cell;
        t->element[change->index] = change->element;
        uint32_t next = change->index + 1 < t->count ? t->start[change->index + 1] : t->length;
        moved |= change->start != t->start[change->index] || change->next != next;
    }
    if (!moved) {
        for (uint32_t c = 0; c < count; c++) {
            memcpy(t->copy + changes[c].start, row + changes[c].start, changes[c].next - changes[c].start);
        }
        return;
    }
    for (uint32_t i = 0; i < t->count; i++) {
        uint32_t old_next = i + 1 < t->count ? t->start[i + 1] : t->length;
        t->start[i] = (uint32_t)(t->start[i] + delta);
        if (count && changes->index == i) {
            t->start[i] = changes->start;
            delta = (int64_t)changes->next - old_next;
            changes++;
            count--;
        }
    }
    t->length = (uint32_t)length;
    memcpy(t->copy, row, length);
}

/* Room for a row's bytes in a template, a little more than now: the next one may be longer. */
static int reserve_copy(ml_template *t, size_t length) {
    if (length <= t->copy_capacity) return 1;
    size_t capacity = length + length / 8 + 64;
    char *copy = realloc(t->copy, capacity);
    if (!copy) return 0;
    t->copy = copy;
    t->base = copy;
    t->copy_capacity = capacity;
    return 1;
}

/* ---- element by element ---- */

/* What of a template the rest of a row may be taken from. */
typedef struct source {
    const ml_template *t; /* NULL: nothing, or no longer */
    uint32_t next;
} source;

/* The template's element of a tag, if the rest may still be taken from it; tags of a data set ascend, so the search
 * does too. */
static int seek(const ml_table *table, source *from, uint32_t tag) {
    const ml_template *t = from->t;
    while (t && from->next < t->count) {
        uint32_t other = table->columns[t->column[from->next]].tag;
        if (other >= tag) return other == tag;
        if (is_context(other)) from->t = t = NULL;
        from->next++;
    }
    return 0;
}

/* Reads the rest of a row, p at what comes next. Returns where its elements end. */
static const char *read_elements(ml_part10 *reader, ml_table *table, ml_dataset *dataset, uint32_t stamp, const char *p,
                                 source from, int *twice) {
    uint32_t guess = ML_NO_INDEX, column, cell;
    ml_element element;
    while (!at_end(dataset, p)) {
        uint32_t tag = ml_get_tag(p, dataset->syntax.big_endian);
        const char *end = NULL;
        if (seek(table, &from, tag)) {
            const ml_template *t = from.t;
            uint32_t i = from.next++, n = t->element[i].length;
            guess = t->column[i];
            if (!t->element[i].again && (size_t)(dataset->end - p) >= n && memcmp(p, t->base + t->start[i], n) == 0) {
                column = guess;
                cell = t->cell[i];
                element = t->element[i];
                end = p + n;
            }
        }
        if (!end) {
            if (is_context(tag)) from.t = NULL;
            end = read_element(reader, table, dataset, p, guess, &column, &cell, &element);
            if (!end) return NULL;
        }
        uint32_t start = (uint32_t)(p - dataset->begin);
        if (!ml_put_element(&reader->in, table, stamp, column, cell, start, &element, twice, p)) return NULL;
        guess = column + 1;
        p = skip(reader, dataset, end);
    }
    return p;
}

/* What bytes need to be read alike, besides the reader's generation: a template of another encoding does not apply. */
static uint8_t encoding_of(const ml_dataset *dataset) {
    return (uint8_t)(dataset->syntax.explicit_vr | dataset->syntax.big_endian << 1 | dataset->delimited << 2);
}

/* Adds what was put together as a row, and keeps it as a template. */
static int finish_row(ml_part10 *reader, ml_table *table, const ml_dataset *dataset, size_t length, int twice) {
    const char *row = dataset->begin;
    uint32_t shape = ml_add_building(&reader->in, table, row);
    if (shape == ML_NO_INDEX) return 0;
    ml_template *b = &table->templates->building;
    /* in a damaged file, an element may end before its length says so */
    if (!twice && b->count && !reader->frame->damaged && length <= TEMPLATE_MOST && reserve_copy(b, length)) {
        memcpy(b->copy, row, length);
        b->base = b->copy;
        b->length = (uint32_t)length;
        b->generation = reader->generation;
        b->encoding = encoding_of(dataset);
        ml_keep_template(table, shape);
    } else {
        ml_void_template(table, shape);
    }
    return 1;
}

/* ---- rows ---- */

/* Whether an item has a character set of its own. */
static int has_own_characters(ml_part10 *reader, const ml_dataset *dataset) {
    uint32_t n;
    return dataset->outer && ml_dataset_find(reader, dataset, ML_TAG_CHARACTER_SET, &n) != NULL;
}

/* Puts the template's first elements, with the changes to them. */
static int put_followed(ml_part10 *reader, ml_table *table, uint32_t stamp, const ml_template *t, uint32_t index,
                        uint32_t lead, uint32_t log, const char *row, int *twice) {
    const ml_change *change = reader->changes + log, *end = reader->changes + reader->change_count;
    int64_t delta = (int64_t)lead - t->start[0];
    for (uint32_t i = 0; i < index; i++) {
        uint32_t start = (uint32_t)(t->start[i] + delta), cell = t->cell[i];
        const ml_element *element = &t->element[i];
        if (change < end && change->index == i) {
            start = change->start;
            cell = change->cell;
            element = &change->element;
            delta = (int64_t)change->next - (i + 1 < t->count ? t->start[i + 1] : t->length);
            change++;
        }
        if (!ml_put_element(&reader->in, table, stamp, t->column[i], cell, start, element, twice, row)) return 0;
    }
    return 1;
}

static const char *read_row(ml_part10 *reader, ml_table *table, ml_dataset *dataset) {
    const char *row = dataset->begin, *p;
    uint32_t log = reader->change_count, index = 0, lead = 0;
    ml_template *t = ml_likely_template(table, reader->generation);
    if (t && (t->encoding != encoding_of(dataset) || reader->frame->damaged)) t = NULL;
    source from = {t, 0};
    if (t) {
        switch (follow(reader, table, dataset, t, &index, &p, &lead)) {
        case FOLLOW_FAILED: return NULL;
        case FOLLOW_DONE: {
            uint32_t count = reader->change_count - log;
            if (!reserve_copy(t, (size_t)(p - row))) return ml_fail(&reader->in, ML_E_MEMORY, row);
            adopt(t, row, (size_t)(p - row), lead, reader->changes + log, count);
            t->generation = reader->generation; /* which an item with a character set of its own advances */
            for (uint32_t c = 0; c < count; c++) reader->changed[log + c] = reader->changes[log + c].index;
            reader->change_count = log;
            if (!ml_table_add_row_like(table, t->shape, t->cell, reader->changed + log, count)) {
                t->generation = 0; /* it describes a row that there is not */
                return ml_fail(&reader->in, ML_E_MEMORY, row);
            }
            ml_note_shape(table, t->shape);
            return p;
        }
        case FOLLOW_PARTED:
            from.next = index;
            p = skip(reader, dataset, p);
            break;
        }
    } else {
        p = skip(reader, dataset, row);
    }
    int twice = 0;
    uint32_t stamp = ml_begin_building(table);
    if (t && !put_followed(reader, table, stamp, t, index, lead, log, row, &twice)) return NULL;
    reader->change_count = log;
    p = read_elements(reader, table, dataset, stamp, p, from, &twice);
    if (!p || !finish_row(reader, table, dataset, (size_t)(p - row), twice)) return NULL;
    return p;
}

const char *ml_read_dataset(ml_part10 *reader, ml_table *table, ml_dataset *dataset) {
    if (!ml_table_templates(table)) return ml_fail(&reader->in, ML_E_MEMORY, dataset->begin);
    int own = has_own_characters(reader, dataset);
    if (own) reader->generation++;
    const char *end = read_row(reader, table, dataset);
    if (own) reader->generation++;
    if (!end) return NULL;
    return dataset->delimited && end < dataset->end ? end + 8 : end;
}
