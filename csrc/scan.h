/*
 * scan.h: the JSON scanner's state and the steps between its files. Private to csrc; the public face is document.h.
 *
 *   json.c      JSON as such: numbers, values that are only skipped, arrays of scalars
 *   element.c   one element of the DICOM JSON Model: vr, Value, BulkDataURI, InlineBinary
 *   row.c       one dataset: following a template, element by element where that fails
 *   document.c  the documents around the datasets, and input that comes in pieces
 *
 * Every step takes a position and returns the position after what it read, or NULL once the error has been noted.
 */
#ifndef ML_SCAN_H
#define ML_SCAN_H

#include "intake.h"
#include "look.h"
#include "predict.h"
#include "text.h"

/* What undoes one step of following a template. */
typedef struct ml_undo {
    uint32_t index;
    uint32_t cell;
    int64_t delta; /* by which the elements up to this one were moved */
    ml_element element;
} ml_undo;

struct ml_scan {
    ml_intake in;
    uint32_t generation; /* of the buffer that templates point into */

    const char *sample_at; /* what the arena's final size is foreseen from (document.c) */
    size_t sample_used;

    uint64_t raw_bytes; /* kept of elements of unusual make-up, all levels together */

    uint8_t *brackets; /* one bit for each open bracket of a skipped value: whether it is an object */

    /* stacks of what following templates changed, shared by all depths */
    uint32_t *changed;
    ml_undo *undo;
    uint32_t undo_count, undo_capacity;

    /* between pieces of input (document.c) */
    int place;       /* where between datasets the text at hand ends */
    uint8_t growing; /* more may come after what is at hand */
    uint8_t unsure;  /* so that the row at hand may be cut */
    ml_look look;    /* from the beginning of a row that is */
    char *pending;
    size_t pending_size, pending_capacity, cut_size;
    uint64_t total;
};

/* ---- json.c ---- */

typedef struct ml_array {
    unsigned has;
    uint32_t count;
    const char *text; /* of the only string (between its quotes) or number; otherwise what is between the brackets */
    size_t length;
} ml_array;

/* Any JSON value, validated and not looked at. `around`: brackets between it and its element. */
const char *ml_skip_value(ml_scan *scan, const char *p, uint32_t around);

/* A string, p at its opening quote; *quote is its closing one. */
const char *ml_read_string(ml_scan *scan, const char *p, const char **quote, unsigned *flags);

/*
 * The members of an array of numbers, p after its opening bracket: scan->scratch gets them without space, *length
 * bytes; *count tells how many. Returns the closing bracket; NULL (nothing noted) when there is anything else than
 * plain numbers.
 */
const char *ml_read_numbers(ml_scan *scan, const char *p, uint32_t *count, size_t *length);

/* An array of anything, p at its opening bracket. */
const char *ml_read_array(ml_scan *scan, const char *p, ml_array *array);

/* After a member or item: skips space, a comma and space, or the closing bracket. *more tells which. */
const char *ml_next_or_close(ml_scan *scan, const char *p, char close, int *more);

/* ---- element.c ---- */

/* The column of the key whose opening quote is at p; returns the position of the element after the colon. */
const char *ml_read_key(ml_scan *scan, ml_table *table, const char *p, uint32_t guess, uint32_t *column);

/* The element at p, whose key began at `key`. */
const char *ml_read_element(ml_scan *scan, ml_table *table, uint32_t column, const char *key, const char *p,
                            ml_element *element, uint32_t *cell);

/* The cell of an array of scalars; *form is what it turned out to be. */
uint32_t ml_take_array(ml_scan *scan, ml_table *table, uint32_t column, ml_vr vr, const ml_array *array, ml_form *form);

/* ---- row.c ---- */

/*
 * The dataset at p (a brace, which the caller has seen) becomes a row of the table. NULL without an error when
 * scan->unsure and the input at hand ends before it does: then it is as if nothing had been read, but for values that
 * their columns know already; scan->look tells how far it was looked at.
 */
const char *ml_read_row(ml_scan *scan, ml_table *table, const char *p);

#endif
