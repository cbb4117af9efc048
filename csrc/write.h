/*
 * write.h: rows as JSON text: the DICOM JSON Model again, or one of the natural dialects.
 */
#ifndef ML_WRITE_H
#define ML_WRITE_H

#include "buffer.h"
#include "table.h"

typedef enum ml_dialect {
    ML_DIALECT_DICOM,       /* the DICOM JSON Model, lossless */
    ML_DIALECT_NATURAL,     /* keywords and typed values */
    ML_DIALECT_DCMJS,       /* what dcmjs 0.52 naturalizeDataset gives */
    ML_DIALECT_CORNERSTONE, /* what @cornerstonejs/metadata 5.14 gives */
    ML_DIALECT_SPELLED      /* the DICOM JSON Model with keys spelled as they came, for the general way */
} ml_dialect;

/*
 * Appends one row as a JSON object. Returns 0, having appended part of it, when the row holds an element of
 * ML_FORM_RAW, which only the DICOM JSON Model can write: the caller takes another way then. Want of memory shows in
 * buffer->failed.
 */
int ml_write_row(ml_buffer *buffer, const ml_table *table, uint32_t row, ml_dialect dialect);

/* The parts of it, one a dialect (write_dicom.c, write_natural.c, write_dcmjs.c, write_cornerstone.c). */
int ml_write_dicom(ml_buffer *buffer, const ml_table *table, uint32_t row, int spelled);
int ml_write_natural(ml_buffer *buffer, const ml_table *table, uint32_t row);
int ml_write_dcmjs(ml_buffer *buffer, const ml_table *table, uint32_t row);
int ml_write_cornerstone(ml_buffer *buffer, const ml_table *table, uint32_t row);

/* One cell of a row: a slot of its shape. */
typedef struct ml_cell {
    const ml_column *column;
    uint32_t cell;
} ml_cell;

ML_INLINE ml_cell ml_row_cell(const ml_table *table, ml_row row, uint32_t slot) {
    const ml_shape *shape = &table->shapes[row.shape];
    return (ml_cell){&table->columns[shape->columns[slot]], ml_shape_cell(shape, slot, row.index)};
}

/* The number in a text as JSON writes it, or null, or the text itself as a string when it is none (see
 * write_natural.c). */
void ml_put_number(ml_buffer *buffer, ml_vr vr, const char *s, size_t n, int quoted);

#endif
