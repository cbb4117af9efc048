/*
 * checksum.h: tells whether bytes are still those that were written.
 *
 * Any damage within one aligned word of eight bytes is found for certain, any other but for one case in 2^64. It is no
 * defence against those who compute it anew.
 */
#ifndef ML_CHECKSUM_H
#define ML_CHECKSUM_H

#include "base.h"

#define ML_CHECKSUM_BLOCK 64 /* bytes come in multiples of this */

typedef struct ml_checksum {
    uint64_t lane[8];
    uint64_t length;
} ml_checksum;

ml_checksum ml_checksum_begin(void);

/* Takes n bytes more, n a multiple of ML_CHECKSUM_BLOCK. */
void ml_checksum_add(ml_checksum *sum, const char *p, size_t n);

uint64_t ml_checksum_end(const ml_checksum *sum);

#endif
