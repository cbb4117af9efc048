/*
 * predict.h: what a table remembers of the rows that came last, so that the next one need not be read again where it is
 * the same text.
 *
 * A template is one scanned row: where its text lies in the input, where each element begins in it, and what each
 * element turned out to be. There is one for each of the last few shapes; which one to try is decided by what followed
 * last time (ml_shape.successor). Templates of JSON point into the input at hand, and are void once that goes away, or
 * take a copy of the row along (ml_move_templates); those of files have a copy of the row's bytes, and are void once
 * equal bytes may mean something else (`generation` of either reader).
 */
#ifndef ML_PREDICT_H
#define ML_PREDICT_H

#include "table.h"

#define ML_TEMPLATES 8

/* What is known of an element besides its cell. */
typedef struct ml_element {
    uint32_t content; /* offset of the value's own text from the element's key; 0: not known to stand alone, scan the
                         whole element */
    uint32_t length;  /* of that text, as it stands in the input; in files, of the whole element */
    uint8_t form;
    uint8_t vr;
    uint8_t again; /* in files: to be read in every row, whatever its bytes */
} ml_element;

typedef struct ml_template {
    const char *base; /* the row's opening brace */
    uint32_t length;  /* through its closing brace */
    uint32_t count;   /* elements */
    uint32_t capacity;
    uint32_t shape;
    uint32_t generation; /* 0: void */
    uint8_t encoding;    /* in files: what else equal bytes need to mean the same */
    uint32_t *start;     /* of the elements' keys, from base */
    uint32_t *column;
    uint32_t *cell;
    ml_element *element;
    char *copy; /* what base points at, where the input goes away */
    size_t copy_capacity;
} ml_template;

typedef struct ml_templates {
    ml_template *kept; /* as many as there were shapes, ML_TEMPLATES at most: most sequences have one */
    uint32_t count;
    ml_template building; /* the row that is being scanned element by element */
    uint32_t turn;        /* whose place the next new shape takes */
    uint32_t last_shape;  /* of the row before, ML_NO_INDEX at first */
} ml_templates;

void ml_templates_free(ml_templates *templates);

/* The table's templates, made on first use; NULL without memory. */
ml_templates *ml_table_templates(ml_table *table);

/* The template that the next row most likely follows; NULL when there is none. */
ml_template *ml_likely_template(ml_table *table, uint32_t generation);

/* Makes room for one more element in `building`. 0 without memory. */
int ml_template_reserve(ml_template *template);

/* Keeps `building` as the template of a shape. */
void ml_keep_template(ml_table *table, uint32_t shape);

/* Forgets the template of a shape: its last row is no longer the one that the template describes. */
void ml_void_template(ml_table *table, uint32_t shape);

/*
 * The input at hand goes away, and another `generation` begins: a table's templates go on with copies of their rows,
 * but for rows of more than `most` bytes.
 */
void ml_move_templates(ml_table *table, uint32_t from, uint32_t to, size_t most);

/* Notes the shape of the row that was just added. */
void ml_note_shape(ml_table *table, uint32_t shape);

#endif
