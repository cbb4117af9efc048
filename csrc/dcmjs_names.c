/*
 * dcmjs_names.c: finds what dcmjs calls an attribute.
 *
 * The generated table has one entry for each of the dictionary in tags.c, in the same order, so the name is found by
 * finding the tag there (2 ns) and taking the entry of the same number. What remains is where dcmjs' idea of a
 * repeating group differs: its curves, overlays and variable pixel data include the odd groups, which PS3.6 leaves to
 * private data; of the other ranges it knows but one sample each.
 */
#include "dcmjs_names.h"

#include <stdbool.h>
#include <stddef.h>

#include "tags.h"

#include "dcmjs_data.h"

/* 5000-50FF, 6000-60FF and 7F00-7FFF. */
static bool ml_in_dcmjs_range(uint32_t tag) {
    uint32_t high = tag >> 24;
    return high == 0x50 || high == 0x60 || high == 0x7F;
}

/* The samples that dcmjs has of the ranges outside: (0028,041y), (0028,080y), (1000,001y) and (1010,0004). */
static bool ml_is_dcmjs_sample(uint32_t tag) {
    uint32_t row = tag & 0xFFFFFFF0;
    return row == 0x00280410 || row == 0x00280800 || row == 0x10000010 || tag == 0x10100004;
}

const ml_dcmjs_entry *ml_dcmjs_find(uint32_t tag) {
    const ml_tag_info *info = ml_tag_find(tag);
    if (info == NULL && ml_in_dcmjs_range(tag)) info = ml_tag_find(tag & 0xFF00FFFF);
    if (info == NULL || (info->repeating && !ml_in_dcmjs_range(tag) && !ml_is_dcmjs_sample(tag))) return NULL;
    const ml_dcmjs_entry *entry = &ml_dcmjs_entries[info - ml_tag_at(0)];
    return entry->name != NULL ? entry : NULL;
}
