/*
 * status.h: how C reports what went wrong: codes and places, no text (Python builds that, so that nothing of the input
 * can slip in).
 */
#ifndef ML_STATUS_H
#define ML_STATUS_H

#include "base.h"

/* A fault that ends the scan. */
typedef enum ml_code {
    ML_OK = 0,
    ML_E_MEMORY,
    ML_E_EMPTY,     /* no JSON document at all */
    ML_E_TRUNCATED, /* the input ends inside a document */
    ML_E_SYNTAX,    /* not JSON */
    ML_E_NUMBER,    /* not a JSON number */
    ML_E_STRING_CONTROL,
    ML_E_STRING_ESCAPE,
    ML_E_UTF8,
    ML_E_DATASET, /* a dataset, or the item of a sequence, is no JSON object */
    ML_E_LIMIT_BYTES,
    ML_E_LIMIT_SEQUENCE_DEPTH,
    ML_E_LIMIT_JSON_DEPTH,
    ML_E_LIMIT_KEYS,
    ML_E_LIMIT_SIZE, /* more rows or bytes than 32-bit references reach, or too much kept raw */
    ML_E_PROBLEM,    /* strict: a problem, see ml_error.problem */
    /* of Part-10 files: */
    ML_E_NOT_DICOM, /* neither "DICM" nor what could be a data set */
    ML_E_CUT,       /* ends inside the header, see ml_error.needed */
    ML_E_LENGTH,    /* a length reaches beyond what encloses the element */
    ML_E_ITEM,      /* an item, or the end of its sequence, was due */
    ML_E_DEFLATED,  /* the data set has to be inflated first */
    ML_E_FILE       /* the system cannot read it */
} ml_code;

/* What lenient scanning accepts and lists. */
typedef enum ml_problem_kind {
    ML_P_NONE = 0,
    ML_P_KEY_NOT_TAG, /* an attribute's key is not eight hex digits */
    ML_P_DUPLICATE,   /* an attribute comes twice in a dataset; the last one counts */
    ML_P_ELEMENT_NOT_OBJECT,
    ML_P_VR_MISSING,
    ML_P_VR_UNKNOWN, /* vr is not a VR of PS3.5 */
    ML_P_VALUE_NOT_ARRAY,
    ML_P_BULK_NOT_STRING, /* BulkDataURI or InlineBinary is not a string */
    ML_P_SEVERAL_VALUES,  /* more than one of Value, BulkDataURI and InlineBinary */
    ML_P_VALUE_KIND,      /* JSON of a kind that the VR does not take */
    ML_P_NOT_A_NUMBER,    /* text of a numeric VR that is no number */
    ML_P_NOT_AN_INTEGER,
    ML_P_ITEM_NOT_OBJECT, /* an item of a sequence is null or no object */
    ML_P_BASE64,          /* InlineBinary is not base64 */
    ML_P_SURROGATE,       /* half of a surrogate pair */
    ML_P_NAN_TOKEN,       /* NaN or Infinity written without quotes */
    ML_P_CHARACTER_SET,   /* text that its SpecificCharacterSet does not have */
    ML_P_LENGTH,          /* a length that no number of values of the VR has */
    ML_P_ITEM_LENGTH,     /* an item is longer than what is left of its sequence, whose end counts */
    ML_P_SHORT_VALUE,     /* the file ends inside a value that is only referred to */
    ML_P_DAMAGED,         /* the file is damaged or ends within the attribute; from there on everything is left out */
    ML_P_TRANSFER_SYNTAX, /* the data set is in another one than the file says */
    ML_P_COUNT
} ml_problem_kind;

/* One step from a dataset into a sequence. */
typedef struct ml_step {
    uint32_t tag;
    uint32_t item;
} ml_step;

#define ML_PATH_DEPTH 1024 /* hard limit of sequence depth, whatever the caller allows: bounds the C stack */
#define ML_PATH_KEPT 8     /* steps that a listed problem remembers */

/* Where: the last step's tag names the attribute itself (its item is not used). */
typedef struct ml_problem {
    ml_problem_kind kind;
    uint32_t row; /* the instance it was first seen in */
    uint64_t offset;
    uint32_t count;  /* distinct values that have it; of faults in an element's make-up, how often it was read */
    uint32_t depth;  /* steps, of which the first ML_PATH_KEPT are kept */
    uint32_t before; /* index + 1 of the one listed before for the same attribute; 0: none */
    ml_step path[ML_PATH_KEPT];
} ml_problem;

typedef struct ml_problems {
    ml_problem *list;
    uint32_t count, capacity;
    uint32_t unlisted; /* kinds seen beyond the limit of the list */
} ml_problems;

typedef struct ml_error {
    ml_code code;
    ml_problem_kind problem; /* with ML_E_PROBLEM */
    uint64_t offset;
    uint64_t needed; /* with ML_E_CUT: so many bytes from the beginning are needed at least */
    uint32_t row;
    uint32_t depth;
    ml_step path[ML_PATH_DEPTH];
} ml_error;

#endif
