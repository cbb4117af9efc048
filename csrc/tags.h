/*
 * tags.h: the data dictionary of PS3.6, generated at build time from pydicom's (generate_tags.py).
 *
 * Read-only tables in static storage: no initialisation, no lock, safe from every thread.
 */
#ifndef ML_TAGS_H
#define ML_TAGS_H

#include <stddef.h>
#include <stdint.h>

#include "vr.h"

typedef struct ml_tag_info {
    uint32_t tag;      /* 0xGGGGEEEE; of a repeating group its first tag */
    uint8_t vr;        /* ml_vr, pseudo VRs included */
    uint8_t vm;        /* for ml_vm_text */
    uint8_t retired;   /* 1 when PS3.6 marks it RET */
    uint8_t repeating; /* 1 when the entry stands for a whole range such as 60xx,0010 */
    uint8_t keyword_length;
    const char *keyword; /* NUL-terminated; "" where PS3.6 gives none */
} ml_tag_info;

/* The entry of a tag, exact ones before repeating ranges (only even groups are repeating groups); NULL when there is
 * none. */
const ml_tag_info *ml_tag_find(uint32_t tag);

/* The entry of a keyword (case matters); NULL when there is none. For a repeating group, the entry of the range. */
const ml_tag_info *ml_tag_by_keyword(const char *keyword, size_t length);

/* "1", "2-2n", ... Static storage. */
const char *ml_vm_text(uint8_t vm);

/* How many entries there are, and each of them: for listings and tests. */
size_t ml_tag_count(void);
const ml_tag_info *ml_tag_at(size_t index);

#endif
