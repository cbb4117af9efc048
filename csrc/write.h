/*
 * write.h: rows as JSON text: the DICOM JSON Model again, or one of the natural dialects.
 *
 * A writer (write.c) plans each shape once: which slot comes when, under which key. What it wrote of a row's cell it
 * copies for the next row that has the same cell, so a series is written at about the speed of memcpy. The dialects
 * (write_*.c) only say how attributes are called and values look.
 */
#ifndef ML_WRITE_H
#define ML_WRITE_H

#include "buffer.h"
#include "dcmjs_names.h"
#include "table.h"

typedef enum ml_dialect {
    ML_DIALECT_DICOM,       /* the DICOM JSON Model, lossless */
    ML_DIALECT_SPELLED,     /* the same with keys spelled as they came */
    ML_DIALECT_NATURAL,     /* keywords and typed values */
    ML_DIALECT_DCMJS,       /* what dcmjs 0.52 naturalizeDataset gives */
    ML_DIALECT_CORNERSTONE, /* what @cornerstonejs/metadata 5.14 gives */
    ML_DIALECT_COUNT
} ml_dialect;

typedef struct ml_writer ml_writer;

/* A writer for finished documents; NULL without memory. */
ml_writer *ml_writer_new(ml_dialect dialect);

void ml_writer_free(ml_writer *writer);

/* What has been written; the caller may append, and take the data by setting its pointer to NULL. Want of memory shows
 * in its `failed`. */
ml_buffer *ml_writer_buffer(ml_writer *writer);

/*
 * Appends one row as a JSON object. Returns 0, the buffer as before, when the row holds what the dialect has to look at
 * in a general way (elements of ML_FORM_RAW for all but the DICOM JSON Model): the caller takes another way then.
 */
int ml_write_row(ml_writer *writer, const ml_table *table, uint32_t row);

/* ---- between write.c and the dialects ---- */

/* One attribute of a shape as it is to be written. */
typedef struct ml_planned {
    uint32_t slot;               /* ML_NO_INDEX: dcmjs' _vrMap */
    const ml_column *column;     /* NULL for that */
    const ml_dcmjs_entry *entry; /* what dcmjs knows of it; of the JavaScript dialects only */
    uint32_t key;                /* its key text with the colon, in ml_plan.keys */
    uint32_t key_length;
} ml_planned;

typedef struct ml_plan {
    const ml_table *table;
    const ml_shape *shape;
    ml_planned *order;
    uint32_t count;
    ml_buffer keys;
    uint32_t *changing; /* positions in `order` whose cells vary, ascending */
    uint32_t changing_count;
    uint32_t *changed; /* room for as many */
    int odd;           /* rows of this shape are not for the dialect's writer */
    /* the row of this shape that was written last */
    uint32_t generation; /* 0: none */
    uint32_t *cell;      /* [count] */
    size_t *at;          /* [count + 1], where each attribute's text begins in the buffer */
    uint32_t last;       /* position of the row's last attribute, after which there is no comma */
} ml_plan;

typedef enum ml_written {
    ML_WRITTEN,
    ML_WRITTEN_NOT, /* the attribute is left out */
    ML_WRITTEN_ODD  /* not for this writer */
} ml_written;

/* How a dialect writes. */
typedef struct ml_style {
    /* Fills plan->order and plan->keys; 0 without memory. */
    int (*plan)(ml_plan *plan);
    ml_written (*value)(ml_writer *writer, const ml_planned *planned, const ml_value *value);
} ml_style;

extern const ml_style ml_style_dicom, ml_style_spelled, ml_style_natural, ml_style_dcmjs, ml_style_cornerstone;

/* Plans the slots in their own order; `put_key` appends an attribute's key, quotes included. */
int ml_plan_slots(ml_plan *plan,
                  void (*put_key)(ml_buffer *keys, const ml_document *document, const ml_column *column));

/* The items of a sequence, separated by commas; 0 when one of them is odd. */
int ml_write_items(ml_writer *writer, const ml_column *column, const ml_value *value);

/* {"BulkDataURI":"…"} or {"InlineBinary":"…"}. */
void ml_put_bulk(ml_buffer *buffer, const ml_value *value);

#endif
