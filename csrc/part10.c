/*
 * part10.c: files, one after the other, into one table.
 */
#include "part10.h"

#include <stdlib.h>

#include "dicom.h"

ml_part10 *ml_part10_new(const ml_limits *limits, uint32_t seed, int strict, const ml_part10_options *options) {
    ml_part10 *reader = calloc(1, sizeof *reader);
    if (!reader) return NULL;
    reader->in.document = ml_document_new(seed);
    if (!reader->in.document) {
        free(reader);
        return NULL;
    }
    reader->in.limits = *limits;
    reader->in.strict = strict;
    reader->options = *options;
    reader->generation = 1;
    return reader;
}

void ml_part10_free(ml_part10 *reader) {
    if (!reader) return;
    ml_document_free(reader->in.document);
    free(reader->in.scratch);
    free(reader->uri.data);
    free(reader->text.data);
    free(reader->list.data);
    free(reader->character_set.data);
    free(reader->changes);
    free(reader->changed);
    free(reader);
}

const ml_error *ml_part10_error(const ml_part10 *reader) {
    return &reader->in.error;
}

uint32_t ml_part10_rows(const ml_part10 *reader) {
    return reader->in.document->root.rows;
}

ml_document *ml_part10_take(ml_part10 *reader) {
    ml_document *document = reader->in.document;
    reader->in.document = NULL;
    ml_document_finish(document);
    return document;
}

/* Templates are of no use any more when this file's bytes are to be read in another way than those before. */
static int settle_generation(ml_part10 *reader, const char *data, const ml_frame *frame) {
    ml_buffer *set = &reader->character_set;
    if (reader->syntax.explicit_vr == frame->explicit_vr && reader->syntax.big_endian == frame->big_endian &&
        reader->signed_pixels == frame->signed_pixels && set->length == frame->character_set_length &&
        (!set->length || memcmp(set->data, data + frame->character_set, set->length) == 0)) {
        return 1;
    }
    reader->generation++;
    reader->syntax = (ml_syntax){frame->explicit_vr, frame->big_endian};
    reader->signed_pixels = frame->signed_pixels;
    set->length = 0;
    ml_put(set, data + frame->character_set, frame->character_set_length);
    return !set->failed;
}

/* Lists what the frame found. */
static int note_frame(ml_part10 *reader, const char *data, const ml_frame *frame) {
    ml_document *document = reader->in.document;
    if (frame->mistaken) {
        uint32_t column = ml_table_column(&document->meta, ML_TAG_TRANSFER_SYNTAX, 1, NULL, 0);
        if (column == ML_NO_INDEX) return ml_fail(&reader->in, ML_E_MEMORY, data) != NULL;
        if (!ml_note_problem(&reader->in, &document->meta, column, ML_P_TRANSFER_SYNTAX, data + frame->start)) return 0;
    }
    if (frame->damaged) {
        uint32_t column = ml_table_column(&document->root, frame->damaged, 1, NULL, 0);
        if (column == ML_NO_INDEX) return ml_fail(&reader->in, ML_E_MEMORY, data) != NULL;
        if (!ml_note_problem(&reader->in, &document->root, column, ML_P_DAMAGED, data + frame->end)) return 0;
    }
    return 1;
}

int ml_part10_add(ml_part10 *reader, const char *data, const ml_frame *frame, const ml_origin *origin) {
    ml_intake *in = &reader->in;
    in->distrust |= in->error.code == ML_E_PROBLEM;
    ml_document *document = in->document;
    uint32_t row = document->root.rows;
    in->begin = data;
    in->end = data + frame->end;
    in->depth = in->steps = 0;
    in->error.code = ML_OK;
    reader->frame = frame;
    reader->origin = origin;
    reader->walk = (ml_walk){data, in->end, ML_PATH_DEPTH, 0, NULL, NULL};
    reader->uri.length = 0;
    reader->change_count = 0;
    reader->patience = 64 * frame->end + 65536;
    if (frame->end > UINT32_MAX / 2 || row == UINT32_MAX - 1) return ml_fail(in, ML_E_LIMIT_SIZE, data) != NULL;
    if (frame->end > in->limits.bytes) return ml_fail(in, ML_E_LIMIT_BYTES, data) != NULL;
    /* what memory was wanting for the last time may be there now */
    reader->uri.failed = reader->text.failed = reader->list.failed = reader->character_set.failed = 0;
    if (!settle_generation(reader, data, frame)) return ml_fail(in, ML_E_MEMORY, data) != NULL;
    if (row < document->path_capacity) document->path[row] = 0; /* of a file that failed */
    if (origin->path && !ml_document_set_path(document, row, origin->path, origin->path_length)) {
        return ml_fail(in, ML_E_MEMORY, data) != NULL;
    }
    if (!row && !reader->options.only) ml_table_reserve_columns(&document->root, frame->elements + 2);
    ml_dataset meta = {.begin = data + frame->meta_start, .end = data + frame->meta_end, .syntax = {1, 0}};
    if (!ml_read_dataset(reader, &document->meta, &meta)) return 0;
    ml_dataset root = {.begin = data + frame->start, .end = in->end, .chosen = 1};
    root.syntax = (ml_syntax){frame->explicit_vr, frame->big_endian};
    if (!note_frame(reader, data, frame) || !ml_read_dataset(reader, &document->root, &root)) {
        ml_table_drop_rows(&document->meta, document->meta.rows - row);
        return 0;
    }
    return 1;
}
