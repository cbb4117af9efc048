/*
 * copy.h: rows of one document appended to another, values, sequences, file meta information and paths with them.
 *
 * Columns, values and shapes are found or made as a scanner does it (table.h, intern.h), so that equal values of
 * different sources are stored once. Problems stay with the document in which they were found.
 *
 * What is appended to must not be thawed, must not be the source, and must not be in the middle of a scan; it may be
 * finished already. A source may still grow, or be thawed, and then has to be verified (freeze.h). No limit on private
 * and unknown keys is applied: they were bounded when the sources were read.
 */
#ifndef ML_COPY_H
#define ML_COPY_H

#include "table.h"

#define ML_COPIER_SOURCES 8

/*
 * Appends a row of a table, the values of sequences included. 0 without memory, beyond what 32-bit references reach, or
 * where it must not be appended to: then no row is added, only columns, shapes and values perhaps that no row uses.
 */
int ml_copy_row(ml_table *dst, const ml_table *src, uint32_t row);

/* The same for a row of a document: its meta row and its path come along. Rows without file meta information get an
 * empty meta row where others of the document have one. */
int ml_document_copy_row(ml_document *dst, const ml_document *src, uint32_t row);

/* Copies many rows: it knows which columns and shapes of the sources are which here, and what their last cells became,
 * so that an attribute that is as before costs no more than a look at its cell. */
typedef struct ml_copier ml_copier;

/* NULL without memory. dst stays the caller's, who may add to it in other ways, too, and finish it. */
ml_copier *ml_copier_new(ml_document *dst);

/*
 * As ml_document_copy_row. The last ML_COPIER_SOURCES sources are remembered by their address, so a source has to be
 * forgotten before it is freed, or else must outlive the copier's last use.
 */
int ml_copier_add(ml_copier *copier, const ml_document *src, uint32_t row);

void ml_copier_forget(ml_copier *copier, const ml_document *src);

void ml_copier_free(ml_copier *copier);

#endif
