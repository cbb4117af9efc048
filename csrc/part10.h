/*
 * part10.h: DICOM files (PS3.10) to a document, up to the pixel data.
 *
 * A file is read in two steps. ml_part10_frame looks at nothing but tags and lengths: it finds the encoding, proves
 * that every length stays within what encloses it, and tells where the header ends or how many bytes are missing to
 * know. It needs no document, so any number of threads may do it at once. ml_part10_add then makes a row of the file;
 * after a good frame nothing in the bytes can make it fail, so a bad file leaves no trace in the table.
 *
 * Files of one series differ in few elements: each row is compared with the bytes of the one before, as in the JSON
 * scanner (part10_row.c).
 */
#ifndef ML_PART10_H
#define ML_PART10_H

#include "buffer.h"
#include "document.h"

/* Where the parts of a file are, in bytes from its beginning, and how they are encoded. */
typedef struct ml_frame {
    uint64_t meta_start, meta_end; /* file meta information (group 0002); equal when there is none */
    uint64_t start, end;           /* the data set's header: `end` is where the value of the pixel data begins, or where
                                      the data set ends */
    uint64_t series;               /* the value of SeriesInstanceUID, by which files are sorted; length 0: none */
    uint64_t character_set;        /* and of SpecificCharacterSet */
    uint32_t series_length, character_set_length;
    uint32_t elements; /* of the data set itself */
    uint8_t explicit_vr, big_endian;
    uint8_t deflated;      /* by its transfer syntax; then `start` is where the compressed part begins */
    uint8_t signed_pixels; /* PixelRepresentation */
    uint8_t mistaken;      /* the transfer syntax is not what the data set is in */
    uint32_t damaged; /* the tag of the element that is not whole, where what is before it was wanted all the same */
} ml_frame;

/*
 * Text of a value in a character set other than ASCII, Latin-1 and UTF-8: appends it to out, as UTF-8. Returns 1; 2
 * when some of it is not valid in that set; 0 when it cannot be had for want of memory.
 */
typedef int (*ml_decoder)(void *context, const char *value, size_t length, ml_vr vr, const char *character_set,
                          size_t character_set_length, ml_buffer *out);

typedef struct ml_part10_options {
    const uint32_t *only; /* the tags that are kept, ascending; NULL: all. Not copied. */
    uint32_t only_count;
    uint32_t bulk_above; /* binary values of more bytes are not kept but referred to */
    ml_decoder decode;   /* may be NULL: such text is then taken for Latin-1 */
    void *context;       /* of decode */
} ml_part10_options;

/* Where a file's bytes come from. */
typedef struct ml_origin {
    const char *path; /* absolute; NULL: from memory */
    size_t path_length;
    uint64_t size;          /* of the file, and */
    int64_t modified;       /* when it was last written, in ns since 1970, by which a change is noticed */
    uint64_t base;          /* where in its source the file begins */
    uint64_t deflated_from; /* the data set was inflated from there on; 0: it was not */
} ml_origin;

typedef struct ml_framing {
    uint64_t size;      /* of the whole file; UINT64_MAX when that is not known */
    uint32_t until;     /* the first tag that is not read; 0: none */
    uint32_t max_depth; /* of sequences */
    uint8_t inflated;   /* the data set of a deflated file has been inflated */
    uint8_t partial;    /* of a damaged file, take the elements before the damage */
    uint64_t max_bytes; /* of a header that is read from disk */
} ml_framing;

/*
 * Frames a file of which data[0..n) is at hand. Returns 1, or 0 and *error tells why; ML_E_CUT with error->needed, the
 * least number of bytes from the beginning that must be at hand to get further.
 */
int ml_part10_frame(const char *data, size_t n, const ml_framing *how, ml_frame *frame, ml_error *error);

/* Reads files into one table. */
typedef struct ml_part10 ml_part10;

/* NULL without memory. */
ml_part10 *ml_part10_new(const ml_limits *limits, uint32_t seed, int strict, const ml_part10_options *options);

/*
 * Adds a framed file as a row. data[0..frame->end) is at hand; nothing of it is kept. Returns 0 when a limit or memory
 * stands in the way, or with `strict` a problem; ml_part10_error tells which.
 */
int ml_part10_add(ml_part10 *reader, const char *data, const ml_frame *frame, const ml_origin *origin);

const ml_error *ml_part10_error(const ml_part10 *reader);

/* How many files were added. */
uint32_t ml_part10_rows(const ml_part10 *reader);

/* The finished document, whose owner is then the caller; once. */
ml_document *ml_part10_take(ml_part10 *reader);

void ml_part10_free(ml_part10 *reader);

#endif
