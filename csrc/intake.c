/*
 * intake.c: faults and problems, noted with their places; room to work in.
 */
#include "intake.h"

#include <stdlib.h>

const char *ml_fail(ml_intake *in, ml_code code, const char *at) {
    ml_error *error = &in->error;
    if (error->code != ML_OK) return NULL; /* the first one counts */
    error->code = code;
    error->offset = in->base + (uint64_t)(at - in->begin);
    error->row = in->document->root.rows;
    error->depth = in->steps;
    memcpy(error->path, in->path, in->steps * sizeof *error->path);
    return NULL;
}

/* The listed problem of this kind and attribute, or NULL. */
static ml_problem *find_problem(const ml_problems *problems, const ml_column *column, ml_problem_kind kind) {
    for (uint32_t i = column->last_problem; i; i = problems->list[i - 1].before) {
        if (problems->list[i - 1].kind == kind) return &problems->list[i - 1];
    }
    return NULL;
}

const char *ml_note_problem(ml_intake *in, ml_table *table, uint32_t column, ml_problem_kind kind, const char *at) {
    ml_column *c = &table->columns[column];
    ml_problems *problems = &in->document->problems;
    in->path[in->depth].tag = c->tag;
    in->path[in->depth].item = 0;
    if (in->strict) {
        in->steps = in->depth + 1;
        in->error.problem = kind;
        return ml_fail(in, ML_E_PROBLEM, at);
    }
    uint32_t depth = in->depth + 1, bit = 1u << kind;
    if (c->problems & bit) {
        ml_problem *problem = find_problem(problems, c, kind);
        if (problem) {
            problem->count++;
            return at;
        }
        problems->unlisted++;
        return at;
    }
    c->problems |= bit;
    if (problems->count >= in->limits.problems) {
        problems->unlisted++;
        return at;
    }
    if (problems->count == problems->capacity) {
        size_t capacity = ml_grown(problems->capacity, (size_t)problems->count + 1, 8);
        ml_problem *list = realloc(problems->list, capacity * sizeof *list);
        if (!list) return ml_fail(in, ML_E_MEMORY, at);
        problems->list = list;
        problems->capacity = (uint32_t)capacity;
    }
    ml_problem *problem = &problems->list[problems->count++];
    *problem = (ml_problem){
        kind, in->document->root.rows, in->base + (uint64_t)(at - in->begin), 1, depth, c->last_problem, {{0, 0}}};
    c->last_problem = problems->count;
    memcpy(problem->path, in->path, (depth < ML_PATH_KEPT ? depth : ML_PATH_KEPT) * sizeof *in->path);
    return at;
}

int ml_reserve_scratch(ml_intake *in, size_t n) {
    if (n <= in->scratch_size) return 1;
    size_t size = ml_grown(in->scratch_size, n, 256);
    char *scratch = realloc(in->scratch, size);
    if (!scratch) {
        ml_fail(in, ML_E_MEMORY, in->begin);
        return 0;
    }
    in->scratch = scratch;
    in->scratch_size = size;
    return 1;
}
