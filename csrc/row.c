/*
 * row.c: one dataset becomes one row.
 *
 * Where there is a template (predict.h), the row's text is compared with the template's from the beginning; what is
 * equal was validated when the template's row was read, so its cells are those of the template. Where the texts part,
 * either a value alone is different (its text is read, and the comparison goes on behind it), or an element is (it is
 * read whole), or the make-up of the row is. In the last case what has been established so far is kept and the rest is
 * read element by element, still taking over each element whose text is that of the template's element of the same tag.
 *
 * Following is a matter of the memory's speed plus some 50 ns for each element that changed. Following alters the
 * template as it goes, so that it describes the new row at the end; when the row turns out to be of another make-up,
 * the steps are undone from a log. So they are when the row is cut, in input that comes in pieces: what was done until
 * then is only what will be done again, to the same effect, when more of the row is here.
 */
#include "building.h"
#include "json_number.h"
#include "scan.h"

#include <stdlib.h>

/* ---- following a template ---- */

/*
 * Whether the row is whole, which has to be known before anything is done that cannot be taken back or may take the end
 * of what is at hand for the end of the input. `at` is a place between its elements.
 */
static int is_whole(ml_scan *scan, const char *row, const char *at) {
    if (ML_LIKELY(!scan->unsure)) return 1;
    scan->look = (ml_look){.looked = (size_t)(at - row), .open = at > row};
    if (!ml_look_on(&scan->look, row, (size_t)(scan->in.end - row))) return 0;
    scan->look = (ml_look){0};
    scan->unsure = 0;
    return 1;
}

typedef struct follower {
    ml_template *template;
    const char *row;      /* the new row's brace */
    uint32_t index;       /* element at hand */
    uint32_t start;       /* where it begins in the template's row */
    int64_t delta;        /* how much later elements begin in the new row */
    int64_t delta_before; /* the same for the element at hand */
    uint32_t rest;        /* see same_rest */
    uint32_t log;         /* where this row's part of the undo log begins */
    int may_close;        /* after parting: whether the closing brace may come; not after a comma */
} follower;

static int log_step(ml_scan *scan, const follower *f) {
    if (scan->undo_count == scan->undo_capacity) {
        size_t capacity = ml_grown(scan->undo_capacity, scan->undo_count + 1, 64);
        ml_undo *undo = realloc(scan->undo, capacity * sizeof *undo);
        if (undo) scan->undo = undo;
        uint32_t *changed = realloc(scan->changed, capacity * sizeof *changed);
        if (changed) scan->changed = changed;
        if (!undo || !changed) return 0;
        scan->undo_capacity = (uint32_t)capacity;
    }
    const ml_template *t = f->template;
    scan->changed[scan->undo_count] = f->index;
    scan->undo[scan->undo_count] = (ml_undo){f->index, t->cell[f->index], f->delta_before, t->element[f->index]};
    scan->undo_count++;
    return 1;
}

/* The element, from `from` on, that holds offset `off` of the template's row: by steps that double, then by halves. */
ML_INLINE uint32_t element_at(const ml_template *t, uint32_t from, uint32_t off) {
    uint32_t low = from, step = 1;
    while (low + step < t->count && t->start[low + step] <= off) {
        low += step;
        step *= 2;
    }
    uint32_t high = low + step < t->count ? low + step : t->count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (t->start[middle] <= off) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Moves on to the element that holds offset `off` of the template's row; those passed get their place in the new row.
 */
ML_INLINE void advance(follower *f, uint32_t off) {
    const ml_template *t = f->template;
    uint32_t i = f->index, j = element_at(t, i, off);
    if (i == j) return;
    uint32_t start = t->start[j], delta = (uint32_t)f->delta;
    t->start[i] = (uint32_t)(f->start + f->delta_before);
    if (delta) {
        for (i++; i < j; i++) t->start[i] += delta;
    }
    f->index = j;
    f->start = start;
    f->delta_before = f->delta;
}

/* Takes back what following did to the template; elements below `index` have their new places already. */
static void undo_following(ml_scan *scan, follower *f) {
    ml_template *t = f->template;
    uint32_t i = f->index;
    int64_t delta = f->delta_before;
    while (scan->undo_count > f->log) {
        const ml_undo *undo = &scan->undo[--scan->undo_count];
        /* elements after the changed one were moved by the delta that held there; the changed one itself by the one
         * before */
        if (delta) {
            for (; i > undo->index + 1; i--) t->start[i - 1] = (uint32_t)(t->start[i - 1] - delta);
        } else if (i > undo->index + 1) {
            i = undo->index + 1;
        }
        delta = undo->delta;
        t->cell[undo->index] = undo->cell;
        t->element[undo->index] = undo->element;
    }
    if (delta) {
        for (; i > 0; i--) t->start[i - 1] = (uint32_t)(t->start[i - 1] - delta);
    }
}

/* Whether the element at hand goes on behind its value as it does in the template, through to where the next one begins
 * (f->rest bytes). What comes there (a late vr, one more member) may make it something else, so before that is known
 * the value must neither be taken nor complained about. */
ML_INLINE int same_rest(const ml_scan *scan, follower *f, const char *end) {
    const ml_template *t = f->template;
    const ml_element *element = &t->element[f->index];
    uint32_t old_end = f->start + element->content + element->length;
    const char *rest = t->base + old_end;
    size_t n = (f->index + 1 < t->count ? t->start[f->index + 1] : t->length) - old_end, i = 0;
    if ((size_t)(scan->in.end - end) < n) return 0;
    f->rest = (uint32_t)n;
    if (n > 8) return memcmp(end, rest, n) == 0;
    while (i < n && end[i] == rest[i]) i++; /* without white space it is three or four bytes */
    return i == n;
}

/*
 * Reads the value of the element at hand where only it may differ, and does from `from` on. Returns the end of its
 * text; NULL when the element has to be read whole (then nothing is noted) or after an error (*failed).
 */
static const char *follow_value(ml_scan *scan, ml_table *table, follower *f, const char *from, int *failed) {
    ml_template *t = f->template;
    ml_element *element = &t->element[f->index];
    const char *text = f->row + f->start + f->delta_before + element->content, *end;
    uint32_t column = t->column[f->index], cell;
    ml_form form = (ml_form)element->form;
    *failed = 0;
    scan->in.path[scan->in.depth].tag = table->columns[column].tag;
    scan->in.steps = scan->in.depth + 1;
    switch (form) {
    case ML_FORM_STRING:
    case ML_FORM_BULK:
    case ML_FORM_INLINE: {
        unsigned flags;
        /* what is equal was valid there, too, but for a character that the difference may be in the middle of */
        while (from > text && (unsigned char)from[-1] >= 0x80) from--;
        if (ml_scan_string(from, scan->in.end, &end, &flags) != ML_STRING_OK || flags & ML_STRING_ESCAPED) return NULL;
        if (!same_rest(scan, f, end)) return NULL;
        cell = ml_take_value(&scan->in, table, column, form, (ml_vr)element->vr, text, (size_t)(end - text), 0, text);
        break;
    }
    case ML_FORM_NUMBER:
        end = ml_number_end(text, scan->in.end);
        if (!end || ml_may_overflow(text, (size_t)(end - text)) || !same_rest(scan, f, end)) return NULL;
        cell = ml_take_value(&scan->in, table, column, form, (ml_vr)element->vr, text, (size_t)(end - text),
                             ML_HAS_NUMBER, text);
        break;
    case ML_FORM_LIST: {
        uint32_t count;
        size_t length;
        /* names are objects, which are read whole; anything else in their place is kept raw or listed there */
        if (ml_effective_vr(&table->columns[column], (ml_vr)element->vr) == ML_VR_PN) return NULL;
        end = ml_read_numbers(scan, text, &count, &length);
        if (!end && scan->in.error.code != ML_OK) {
            *failed = 1; /* no memory */
            return NULL;
        }
        if (end && count > 1) {
            if (!same_rest(scan, f, end)) return NULL;
            cell = ml_take_value(&scan->in, table, column, form, (ml_vr)element->vr, scan->in.scratch, length,
                                 ML_HAS_NUMBER, text);
            break;
        }
        if (!is_whole(scan, f->row, f->row + f->start + f->delta_before)) return NULL;
        ml_array array;
        const char *member = ml_skip_space(text, scan->in.end);
        if (member < scan->in.end && *member == '{')
            return NULL; /* items perhaps: a fault's place may be inside of them */
        const char *close = ml_read_array(scan, text - 1, &array);
        unsigned odd = ML_HAS_OTHER | ML_HAS_NAN | ML_HAS_NAME | ML_HAS_BOOL | ML_HAS_HUGE;
        if (!close) {
            *failed = 1;
            return NULL;
        }
        if (array.count < 2 || array.has & odd || !same_rest(scan, f, close - 1)) return NULL;
        cell = ml_take_array(scan, table, column, (ml_vr)element->vr, &array, &form);
        end = close - 1;
        break;
    }
    default: return NULL;
    }
    scan->in.steps = scan->in.depth;
    if (cell == ML_NO_INDEX || !log_step(scan, f)) {
        if (cell != ML_NO_INDEX) ml_fail(&scan->in, ML_E_MEMORY, text);
        *failed = 1;
        return NULL;
    }
    t->cell[f->index] = cell;
    element->length = (uint32_t)(end - text);
    return end;
}

typedef enum follow_result { FOLLOW_DONE, FOLLOW_PARTED, FOLLOW_CUT, FOLLOW_FAILED } follow_result;

/*
 * Follows a template. FOLLOW_DONE: *at is after the row's closing brace and the template describes the row.
 * FOLLOW_PARTED: f->index elements are established (and described), *at is at what comes next: a key or the closing
 * brace. FOLLOW_CUT: the same, but the row is not whole.
 */
static follow_result follow(ml_scan *scan, ml_table *table, follower *f, const char **at) {
    ml_template *t = f->template;
    const char *p = f->row;
    uint32_t off = 0;
    f->start = t->start[0];
    for (;;) {
        size_t n = ml_common_prefix(p, t->base + off, ml_min((size_t)(scan->in.end - p), t->length - off));
        p += n;
        off += (uint32_t)n;
        if (off == t->length) {
            advance(f, t->length);
            t->start[f->index] = (uint32_t)(f->start + f->delta_before);
            t->length = (uint32_t)(p - f->row);
            t->base = f->row;
            *at = p;
            return FOLLOW_DONE;
        }
        if (ML_UNLIKELY(scan->unsure && p == scan->in.end)) {
            advance(f, off);
            return FOLLOW_CUT;
        }
        if (off <= t->start[0]) {
            /* the very space before the first key is different, or there is no key */
            f->may_close = 1;
            *at = ml_skip_space(f->row + 1, scan->in.end);
            return FOLLOW_PARTED;
        }
        advance(f, off);
        const ml_element *element = &t->element[f->index];
        uint32_t rel = off - f->start;
        if (element->content && rel >= element->content && rel <= element->content + element->length) {
            int failed;
            uint32_t old_end = f->start + element->content + element->length;
            const char *end = follow_value(scan, table, f, p, &failed);
            if (failed) return FOLLOW_FAILED;
            if (end) {
                off = old_end + f->rest;
                p = end + f->rest;
                f->delta = (p - f->row) - (int64_t)off;
                if (p - f->row > (ptrdiff_t)(UINT32_MAX - t->length)) return FOLLOW_FAILED;
                continue;
            }
        }
        /* the element is different beyond its value: read it whole, if it is the same attribute at all */
        const char *key = f->row + f->start + f->delta_before;
        uint32_t column, cell;
        ml_element fresh;
        if (!is_whole(scan, f->row, key)) return FOLLOW_CUT;
        if (key < scan->in.end && ml_is_space(*key)) {
            /* white space where the template has a key */
            *at = ml_skip_space(key, scan->in.end);
            return FOLLOW_PARTED;
        }
        p = ml_read_key(scan, table, key, t->column[f->index], &column);
        if (!p) return FOLLOW_FAILED;
        if (column != t->column[f->index]) {
            *at = key;
            return FOLLOW_PARTED;
        }
        p = ml_read_element(scan, table, column, key, p, &fresh, &cell);
        if (!p) return FOLLOW_FAILED;
        if (!log_step(scan, f)) {
            ml_fail(&scan->in, ML_E_MEMORY, key);
            return FOLLOW_FAILED;
        }
        t->cell[f->index] = cell;
        t->element[f->index] = fresh;
        int more;
        const char *next = ml_next_or_close(scan, p, '}', &more);
        if (!next) return FOLLOW_FAILED;
        t->start[f->index] = (uint32_t)(f->start + f->delta_before);
        if (more && f->index + 1 < t->count) {
            f->index++;
            f->start = off = t->start[f->index];
            f->delta = f->delta_before = (next - f->row) - (int64_t)off;
            if (next - f->row > (ptrdiff_t)(UINT32_MAX - t->length)) return FOLLOW_FAILED;
            p = next;
            continue;
        }
        if (!more && f->index + 1 == t->count) {
            t->length = (uint32_t)(next - f->row);
            t->base = f->row;
            *at = next;
            return FOLLOW_DONE;
        }
        f->index++;
        f->delta_before = 0; /* no element at hand; all before have their places */
        f->may_close = !more;
        *at = more ? next : next - 1;
        return FOLLOW_PARTED;
    }
}

/* ---- element by element ---- */

/* Takes over elements of the old template whose text, through the next key, stands at p. Returns where that ends. */
static const char *take_equal(ml_scan *scan, ml_table *table, uint32_t stamp, const char *row, const char *p,
                              const ml_template *old, uint32_t *next, int *twice) {
    while (old && *next + 1 < old->count) {
        uint32_t i = *next, n = old->start[i + 1] - old->start[i];
        if ((size_t)(scan->in.end - p) <= n || memcmp(p, old->base + old->start[i], n) != 0 || p[n] != '"') break;
        if (!ml_put_element(&scan->in, table, stamp, old->column[i], old->cell[i], (uint32_t)(p - row),
                            &old->element[i], twice, p)) {
            return NULL;
        }
        p += n;
        ++*next;
    }
    return p;
}

/* Where in the old template, from *next on, an attribute stands; the tags of a dataset ascend, so the search does too.
 */
static void seek(const ml_table *table, const ml_template *old, uint32_t column, uint32_t *next) {
    uint32_t tag = table->columns[column].tag;
    while (*next < old->count && old->column[*next] != column && table->columns[old->column[*next]].tag < tag) ++*next;
}

/* Reads the rest of a row into `building`, p at a key or, if that may be, at the closing brace. */
static const char *read_elements(ml_scan *scan, ml_table *table, uint32_t stamp, const char *row, const char *p,
                                 int may_close, const ml_template *old, uint32_t next, int *twice) {
    int more = 1;
    uint32_t guess = ML_NO_INDEX;
    if (p == scan->in.end) return ml_fail(&scan->in, ML_E_TRUNCATED, p);
    if (*p == '}' && may_close) return p + 1;
    while (more) {
        uint32_t column, cell;
        ml_element element;
        p = take_equal(scan, table, stamp, row, p, old, &next, twice);
        if (!p) return NULL;
        const char *key = p;
        if (old && next < old->count) guess = old->column[next];
        p = ml_read_key(scan, table, key, guess, &column);
        if (!p) return NULL;
        if (old) {
            uint32_t before = next;
            seek(table, old, column, &next);
            if (next != before && next + 1 < old->count && old->column[next] == column) {
                p = take_equal(scan, table, stamp, row, key, old, &next, twice);
                if (!p) return NULL;
                if (p != key) continue;
                p = ml_read_key(scan, table, key, column, &column);
                if (!p) return NULL;
            }
            if (next < old->count && old->column[next] == column) next++;
        }
        p = ml_read_element(scan, table, column, key, p, &element, &cell);
        if (!p) return NULL;
        if (!ml_put_element(&scan->in, table, stamp, column, cell, (uint32_t)(key - row), &element, twice, key))
            return NULL;
        guess = column + 1;
        p = ml_next_or_close(scan, p, '}', &more);
        if (!p) return NULL;
    }
    return p;
}

/* Adds what was put together as a row, and keeps it as a template. */
static int finish_row(ml_scan *scan, ml_table *table, const char *row, const char *end, int twice) {
    uint32_t shape = ml_add_building(&scan->in, table, row);
    if (shape == ML_NO_INDEX) return 0;
    ml_template *b = &table->templates->building;
    /* a row with an attribute twice has more elements than cells: it is no pattern for others, nor is the last one of
     * its shape any longer */
    if (!twice && b->count && (size_t)(end - row) < UINT32_MAX / 2) {
        b->base = row;
        b->length = (uint32_t)(end - row);
        b->generation = scan->generation;
        ml_keep_template(table, shape);
    } else {
        ml_void_template(table, shape);
    }
    return 1;
}

const char *ml_read_row(ml_scan *scan, ml_table *table, const char *p) {
    const char *row = p;
    ml_templates *templates = ml_table_templates(table);
    if (!templates) return ml_fail(&scan->in, ML_E_MEMORY, p);
    ml_template *old = ml_likely_template(table, scan->generation);
    follower f = {.template = old, .row = row, .log = scan->undo_count};
    if (old) {
        switch (follow(scan, table, &f, &p)) {
        case FOLLOW_FAILED: return scan->in.error.code == ML_OK ? ml_fail(&scan->in, ML_E_LIMIT_SIZE, row) : NULL;
        case FOLLOW_DONE:
            if (!ml_table_add_row_like(table, old->shape, old->cell, scan->changed + f.log, scan->undo_count - f.log)) {
                return ml_fail(&scan->in, ML_E_MEMORY, row);
            }
            scan->undo_count = f.log;
            ml_note_shape(table, old->shape);
            return p;
        case FOLLOW_PARTED:
            if (is_whole(scan, row, p)) break;
            /* fall through */
        case FOLLOW_CUT: undo_following(scan, &f); return NULL;
        }
    } else {
        if (!is_whole(scan, row, row)) return NULL;
        f.may_close = 1;
        p = ml_skip_space(p + 1, scan->in.end);
    }
    uint32_t stamp = ml_begin_building(table), done = f.index;
    int twice = 0;
    for (uint32_t i = 0; i < done; i++) {
        if (!ml_put_element(&scan->in, table, stamp, old->column[i], old->cell[i], old->start[i], &old->element[i],
                            &twice, row))
            return NULL;
    }
    if (old) undo_following(scan, &f);
    p = read_elements(scan, table, stamp, row, p, f.may_close, old, done, &twice);
    if (!p || !finish_row(scan, table, row, p, twice)) return NULL;
    return p;
}
