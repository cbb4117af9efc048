/*
 * dcmjs_names.h: what dcmjs 0.52 calls an attribute, where that differs from PS3.6.
 *
 * Serves the "dcmjs" dialect only. The differences are rules over the PS3.6 dictionary plus short exception lists
 * (retired names carry a prefix, repeating groups cover odd groups too, some keywords are older), so nothing of dcmjs'
 * own table is needed.
 */
#ifndef ML_DCMJS_NAMES_H
#define ML_DCMJS_NAMES_H

#include <stdint.h>

typedef struct ml_dcmjs_entry {
    const char *name; /* NUL-terminated, static storage, prefix included */
    uint8_t name_length;
    uint8_t single; /* its VM is exactly 1 */
    char vr[3];     /* as dcmjs spells it: "US", "xs", "ox", "lt", "up", "na" */
} ml_dcmjs_entry;

/* The entry dcmjs finds for a tag; NULL where it keeps the tag itself as name. */
const ml_dcmjs_entry *ml_dcmjs_find(uint32_t tag);

#endif
