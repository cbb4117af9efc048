/*
 * part10_together.h: files read by one reader, and each by a reader of its own: the same verdicts, the same rows and
 * the same problems at the same places, whatever the one reader took from the files before.
 */
#ifndef ML_PART10_TOGETHER_H
#define ML_PART10_TOGETHER_H

#include "part10_bytes.h"

enum { TOGETHER_MOST = 24 };

typedef struct together {
    const char *name; /* for messages */
    ml_part10 *reader;
    const ml_limits *limits;
    const ml_part10_options *options;
    int strict;
    ml_document *alone[TOGETHER_MOST]; /* of each file; NULL: refused */
    uint32_t count;
} together;

static inline together begin_together(const char *name, const ml_limits *limits, const ml_part10_options *options,
                                      int strict) {
    return (together){
        .name = name,
        .reader = ml_part10_new(limits, 12345, strict, options),
        .limits = limits,
        .options = options,
        .strict = strict,
    };
}

/* Whether the file is added. */
static inline int add_together(together *t, const char *data, const ml_frame *frame, const ml_origin *origin) {
    ml_part10 *fresh = ml_part10_new(t->limits, 54321, t->strict, t->options);
    int done = add_bytes(fresh, data, frame, origin);
    int added = add_bytes(t->reader, data, frame, origin);
    const ml_error *a = ml_part10_error(t->reader), *b = ml_part10_error(fresh);
    CHECK_MSG(added == done && a->code == b->code, "%s, file %u: error %d, alone %d", t->name, t->count, a->code,
              b->code);
    if (!added && !done) {
        CHECK_MSG(a->problem == b->problem && a->offset == b->offset && a->depth == b->depth,
                  "%s, file %u: problem %d at %d, alone %d at %d", t->name, t->count, a->problem, (int)a->offset,
                  b->problem, (int)b->offset);
        CHECK(a->depth == b->depth && same_path(a->path, b->path, a->depth));
    }
    t->alone[t->count++] = done ? ml_part10_take(fresh) : NULL;
    ml_part10_free(fresh);
    return added;
}

static inline int same_tags(const ml_step *a, const ml_step *b, uint32_t steps) {
    for (uint32_t i = 0; i < steps && i < ML_PATH_KEPT; i++) {
        if (a[i].tag != b[i].tag) return 0;
    }
    return 1;
}

/* Whether a file's problem is listed, as seen in it or in one before. */
static inline int is_listed(const ml_problems *list, const ml_problem *wanted, uint32_t row) {
    for (uint32_t i = 0; i < list->count; i++) {
        const ml_problem *p = &list->list[i];
        if (p->kind != wanted->kind || p->depth != wanted->depth || !same_tags(p->path, wanted->path, p->depth))
            continue;
        if (p->row < row || (p->row == row && p->offset == wanted->offset)) return 1;
    }
    return 0;
}

static inline void check_problems(const together *t, const ml_problems *all) {
    uint32_t row = 0;
    for (uint32_t f = 0; f < t->count; f++) {
        if (!t->alone[f]) continue;
        const ml_problems *own = &t->alone[f]->problems;
        for (uint32_t i = 0; i < own->count; i++) {
            CHECK_MSG(is_listed(all, &own->list[i], row), "%s, row %u: problem %d of %08X is not listed", t->name, row,
                      own->list[i].kind, own->list[i].path[0].tag);
        }
        for (uint32_t i = 0; i < all->count; i++) {
            if (all->list[i].row != row) continue;
            ml_problem one = all->list[i];
            one.row = 0;
            CHECK_MSG(is_listed(own, &one, 0), "%s, row %u: problem %d of %08X is none", t->name, row, one.kind,
                      one.path[0].tag);
        }
        row++;
    }
}

/* Compares, and frees everything. */
static inline void end_together(together *t) {
    ml_document *all = ml_part10_take(t->reader);
    ml_part10_free(t->reader);
    uint32_t row = 0;
    for (uint32_t f = 0; f < t->count; f++) {
        if (!t->alone[f]) continue;
        if (row < all->root.rows && row < all->meta.rows) {
            check_same_row(&all->root, row, &t->alone[f]->root, 0, t->name);
            check_same_row(&all->meta, row, &t->alone[f]->meta, 0, t->name);
        }
        row++;
    }
    CHECK_MSG(row == all->root.rows && row == all->meta.rows, "%s: %u rows, %u of meta, %u files", t->name,
              all->root.rows, all->meta.rows, row);
    /* of files that failed, problems may be listed that no row has */
    if (row == t->count) check_problems(t, &all->problems);
    for (uint32_t f = 0; f < t->count; f++) ml_document_free(t->alone[f]);
    ml_document_free(all);
}

#endif
