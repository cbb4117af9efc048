/*
 * dicom.h: the encoding of data sets (PS3.5 section 7) and the steps between the files that read it. Private to csrc;
 * the public face is part10.h.
 *
 *   part10_frame.c  preamble, file meta information, transfer syntax; what is where
 *   dicom_walk.c    past elements, items and fragments, every length checked
 *   dicom_value.c   the bytes of a value to a value of the table (table.h)
 *   dicom_text.c    the same for text, with its character sets
 *   dicom_row.c     one data set or item to a row: following the last one, element by element where that fails
 *   part10.c        files, one after the other
 */
#ifndef ML_DICOM_H
#define ML_DICOM_H

#include "intake.h"
#include "part10.h"
#include "predict.h"

#define ML_UNDEFINED 0xFFFFFFFFu

enum {
    ML_TAG_TRANSFER_SYNTAX = 0x00020010,
    ML_TAG_CHARACTER_SET = 0x00080005,
    ML_TAG_SERIES = 0x0020000E,
    ML_TAG_PIXEL_REPRESENTATION = 0x00280103
};
#define ML_TAG_ITEM 0xFFFEE000u
#define ML_TAG_ITEM_END 0xFFFEE00Du
#define ML_TAG_SEQUENCE_END 0xFFFEE0DDu

typedef struct ml_syntax {
    uint8_t explicit_vr, big_endian;
} ml_syntax;

/* What stands before a value. */
typedef struct ml_head {
    uint32_t tag;
    uint32_t length; /* of the value, or ML_UNDEFINED */
    ml_vr vr;        /* as encoded; of implicit VR the dictionary's, choices included, and UN for what it lacks */
    uint8_t size;    /* of the head itself */
    uint8_t strange; /* explicit, but with letters that are no VR of PS3.5 */
} ml_head;

ML_INLINE uint16_t ml_get16(const char *p, int big) {
    const unsigned char *u = (const unsigned char *)p;
    return (uint16_t)(big ? u[0] << 8 | u[1] : u[1] << 8 | u[0]);
}

ML_INLINE uint32_t ml_get32(const char *p, int big) {
    const unsigned char *u = (const unsigned char *)p;
    return big ? (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3]
               : (uint32_t)u[3] << 24 | (uint32_t)u[2] << 16 | (uint32_t)u[1] << 8 | u[0];
}

ML_INLINE uint64_t ml_get64(const char *p, int big) {
    uint64_t first = ml_get32(p, big), second = ml_get32(p + 4, big);
    return big ? first << 32 | second : second << 32 | first;
}

ML_INLINE uint32_t ml_get_tag(const char *p, int big) {
    return (uint32_t)ml_get16(p, big) << 16 | ml_get16(p + 2, big);
}

/* Whether an explicit VR's length takes four bytes after two that are reserved (PS3.5 section 7.1.2). */
ML_INLINE int ml_has_long_length(ml_vr vr) {
    const uint64_t those = 1ull << ML_VR_OB | 1ull << ML_VR_OD | 1ull << ML_VR_OF | 1ull << ML_VR_OL |
                           1ull << ML_VR_OV | 1ull << ML_VR_OW | 1ull << ML_VR_SQ | 1ull << ML_VR_SV |
                           1ull << ML_VR_UC | 1ull << ML_VR_UN | 1ull << ML_VR_UR | 1ull << ML_VR_UT | 1ull << ML_VR_UV;
    return vr == ML_VR_NONE || those >> vr & 1; /* VRs to come will have it, too */
}

/* Reads an element's head; returns 0 when [p, end) ends within it (head->size tells how much it takes at least). */
int ml_read_head(const char *p, const char *end, ml_syntax syntax, ml_head *head);

/* The encoding of an element's items: what stands in an UN is always implicit VR little endian (PS3.5 section 6.2.2).
 */
ML_INLINE ml_syntax ml_items_syntax(const ml_head *head, ml_syntax syntax) {
    return head->vr == ML_VR_UN ? (ml_syntax){0, 0} : syntax;
}

/* Whether a value of undefined length is fragments (PS3.5 section A.4) and not items. */
ML_INLINE int ml_is_fragments(const ml_head *head) {
    switch (head->vr) {
    case ML_VR_OB:
    case ML_VR_OD:
    case ML_VR_OF:
    case ML_VR_OL:
    case ML_VR_OV:
    case ML_VR_OW:
    case ML_VR_OB_OW: return 1;
    default: return 0;
    }
}

/* The attributes where a header ends: float, double float and plain pixel data. */
ML_INLINE int ml_is_pixels(uint32_t tag) {
    return tag == 0x7FE00008 || tag == 0x7FE00009 || tag == 0x7FE00010;
}

/* ---- dicom_walk.c ---- */

/* A walk over encoded elements that checks lengths and does nothing else. */
typedef struct ml_walk {
    const char *begin, *end; /* what is at hand, from the file's first byte on */
    uint32_t max_depth;
    uint32_t depth;
    ml_error *error;  /* NULL: faults are not reported */
    const char *stop; /* after a fault: where the last whole element before it ends */
} ml_walk;

/*
 * Past an element's value, p after its head and `limit` the end of what encloses it. NULL when a length is wrong
 * (noted).
 */
const char *ml_walk_value(ml_walk *walk, const char *p, const char *limit, const ml_head *head, ml_syntax syntax);

/* Past the elements of an item, through its delimiter when `delimited`; otherwise they end at limit. NULL: noted. */
const char *ml_walk_elements(ml_walk *walk, const char *p, const char *limit, ml_syntax syntax, int delimited);

/*
 * Past the items of a sequence; `undefined`: through its delimiter. NULL: noted. An item that claims more than a
 * sequence of defined length has left ends with it, as other readers have it.
 */
const char *ml_walk_items(ml_walk *walk, const char *p, const char *limit, ml_syntax syntax, int undefined);

/* ---- a data set that is being read ---- */

typedef struct ml_dataset {
    const struct ml_dataset *outer; /* the one that has this as an item, or NULL */
    const char *begin, *end;        /* its elements; of an item of undefined length `end` is that of what encloses it */
    ml_syntax syntax;
    uint8_t delimited; /* ends with an item delimiter */
    uint8_t chosen;    /* the data set itself, of which the caller may want some attributes only */
    uint16_t creator;  /* the private block asked for last, and whose it is */
    uint32_t creator_block;
} ml_dataset;

struct ml_part10 {
    ml_intake in;
    ml_part10_options options;
    ml_walk walk;
    const ml_frame *frame; /* of the file at hand */
    const ml_origin *origin;
    uint32_t generation;     /* of templates: a new one when text or numbers are to be read in another way */
    uint32_t again;          /* elements met so far that mean something else in every file */
    uint64_t patience;       /* bytes that going back in this file may still look at */
    ml_buffer uri;           /* the beginning of references into the file; empty until one is needed */
    ml_buffer text;          /* a value's text as UTF-8 */
    ml_buffer list;          /* its members as JSON */
    ml_buffer character_set; /* what templates were made under */
    ml_syntax syntax;
    uint8_t signed_pixels;
    struct ml_change *changes; /* what following templates found, shared by all depths, */
    uint32_t *changed;         /* and room for their indexes alone */
    uint32_t change_count, change_capacity;
};

/* An element of a data set. */
typedef struct ml_field {
    ml_head head;
    const char *start; /* of its head */
    const char *value;
    const char *end; /* of its value; for the pixel data, where its head ends */
} ml_field;

/* The value of an attribute of a data set that was walked before; NULL when it has none. */
const char *ml_dataset_find(ml_part10 *reader, const ml_dataset *dataset, uint32_t tag, uint32_t *length);

/* ---- dicom_value.c ---- */

/*
 * The VR that an element's value is to be read by: as encoded, or where that is a choice or UN, what the dictionary,
 * PixelRepresentation or the private creator say. Sets *again when the same bytes may mean another thing in another
 * item.
 */
ml_vr ml_settle_vr(ml_part10 *reader, ml_dataset *dataset, const ml_field *field, int *again);

/* The cell of an element's value, *form what it became; ML_NO_INDEX after an error. Not for sequences. */
uint32_t ml_take_bytes(ml_part10 *reader, ml_table *table, uint32_t column, ml_dataset *dataset, const ml_field *field,
                       ml_vr vr, ml_form *form);

/* ---- dicom_text.c ---- */

/* The same for a value of text, numbers written as text included. */
uint32_t ml_take_text(ml_part10 *reader, ml_table *table, uint32_t column, const ml_dataset *dataset, ml_vr vr,
                      const char *value, size_t length);

/* ---- dicom_row.c ---- */

/* The data set becomes a row of the table. Returns where it ends (after the delimiter); NULL after an error. */
const char *ml_read_dataset(ml_part10 *reader, ml_table *table, ml_dataset *dataset);

#endif
