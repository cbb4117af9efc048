/*
 * intake.h: what reading has in common, whatever the format: the document that is being filled, the place that is being
 * read, the limits, and how faults and problems are noted.
 *
 * Each reader has one of these in its own state (ml_scan for JSON, ml_part10 for files). Offsets are those of the whole
 * input, of which [begin, end) is at hand.
 */
#ifndef ML_INTAKE_H
#define ML_INTAKE_H

#include "document.h"
#include "intern.h"

typedef struct ml_intake {
    const char *begin, *end; /* the input at hand */
    uint64_t base;           /* offset of begin in the whole input */
    ml_document *document;
    ml_limits limits;
    int strict;
    int distrust;   /* a problem was an error, and reading goes on: values may be in the table that were refused */
    uint32_t depth; /* sequences around the dataset that is being read */
    uint32_t steps; /* of `path` that describe the position: depth, or one more inside an element */
    ml_step path[ML_PATH_DEPTH + 1];
    ml_error error;
    char *scratch; /* room to minify, unescape and write in */
    size_t scratch_size;
} ml_intake;

/* Notes an error; returns NULL, so that `return ml_fail(…)` reads as it does. */
const char *ml_fail(ml_intake *in, ml_code code, const char *at);

/* Lists a problem of a column (kinds once a column); NULL when strict makes it an error, else any other pointer. */
const char *ml_note_problem(ml_intake *in, ml_table *table, uint32_t column, ml_problem_kind kind, const char *at);

/* Room for n bytes in in->scratch, whose contents stay; 0 without memory (noted). */
int ml_reserve_scratch(ml_intake *in, size_t n);

/* ---- check.c ---- */

/* What the members of a value are, as far as its reader knows. */
enum {
    ML_HAS_STRING = 1,
    ML_HAS_NUMBER = 2,
    ML_HAS_NULL = 4,
    ML_HAS_BOOL = 8,
    ML_HAS_NAME = 16,   /* an object of strings and nulls, as PN has them */
    ML_HAS_OTHER = 32,  /* any other object, an array */
    ML_HAS_NAN = 64,    /* a bare NaN or Infinity */
    ML_HAS_SPACE = 128, /* between tokens */
    ML_HAS_ESCAPE = 256,
    ML_HAS_SURROGATE = 512,
    ML_HAS_HUGE = 1024 /* a number that may be beyond a double's range */
};

/* Lists what is wrong with a value that has just become one of its column's; 0 when strict makes it an error. */
int ml_check_value(ml_intake *in, ml_table *table, uint32_t column, ml_form form, ml_vr vr, const char *text,
                   size_t length, unsigned has, const char *at);

/* Interns a value and checks it if it is new. ML_NO_INDEX after an error. */
uint32_t ml_take_value(ml_intake *in, ml_table *table, uint32_t column, ml_form form, ml_vr vr, const char *text,
                       size_t length, unsigned has, const char *at);

#endif
