/*
 * document.h: DICOM JSON bytes to a document. This and the read side of table.h is what the rest of Metalith uses.
 *
 * Accepted: one array of datasets, one dataset, or any number of those one after the other with white space between
 * (newline-delimited JSON), with or without a byte order mark. The whole input is validated: JSON grammar, UTF-8,
 * depth, and the shape of each element of the DICOM JSON Model (PS3.18 annex F). A scan keeps all its state in itself
 * and touches nothing global: any number may run at once.
 */
#ifndef ML_DOCUMENT_H
#define ML_DOCUMENT_H

#include "table.h"

typedef struct ml_limits {
    uint64_t bytes;          /* of input */
    uint32_t sequence_depth; /* sequences within sequences */
    uint32_t json_depth;     /* brackets within brackets, the outermost included */
    uint32_t odd_keys;       /* different private and unknown keys, all levels together */
    uint32_t problems;       /* that are listed; the others are counted */
} ml_limits;

typedef struct ml_scan ml_scan;

/* A scan of one input; NULL without memory. strict: what would be listed as a problem is an error. */
ml_scan *ml_scan_new(const ml_limits *limits, uint32_t seed, int strict);

/* Scans a whole input, of which nothing is kept. Returns 1, or 0 and ml_scan_error tells why. */
int ml_scan_all(ml_scan *scan, const char *text, size_t n);

/* The same in pieces that may be cut anywhere: any number of ml_scan_feed, then ml_scan_end. */
int ml_scan_feed(ml_scan *scan, const char *text, size_t n);
int ml_scan_end(ml_scan *scan);

const ml_error *ml_scan_error(const ml_scan *scan);

/* The finished document, whose owner is then the caller; only after success, once. */
ml_document *ml_scan_take(ml_scan *scan);

void ml_scan_free(ml_scan *scan);

#endif
