/*
 * private_tags.c: finds entries of the private data dictionary.
 *
 * Its ten thousand entries are asked for seldom, once per private element of a file that does not tell its VRs, so the
 * tables are made small and not as fast as can be: 5 bytes per entry, nothing but its key and its VR, where the hash
 * tables of tags.c would take three times that. generate_private.py sorts them by creator, kind of key and key, so that
 * a look-up is a binary search through the few that one creator has of a kind, 9 steps at most: about 10 ns in all.
 * Creators are sorted by length and then by name; those of one length, 36 at most, are found by another binary search,
 * in about 15 ns. With the names it all takes 64 KiB.
 */
#include "private_tags.h"

#include <string.h>

/* Of the names of one length: how many creators are shorter, and how much text they take. */
typedef struct ml_private_length {
    uint16_t creators;
    uint16_t text;
} ml_private_length;

#include "private_data.h"

/* What of a tag each kind of key has, in the order in which they are tried: gggg,bbee, gggg,xxee and ggxx,xxee. */
static const uint32_t ml_private_masks[ML_PRIVATE_PATTERNS] = {0xFFFFFFFF, 0xFFFF00FF, 0xFF0000FF};

uint16_t ml_private_creator(const char *name, size_t length) {
    if (length > ML_PRIVATE_NAME_MAX) return 0;
    const char *names = ml_private_names + ml_private_lengths[length].text;
    size_t shorter = ml_private_lengths[length].creators;
    size_t low = 0;
    size_t high = ml_private_lengths[length + 1].creators - shorter;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = memcmp(name, names + middle * length, length);
        if (order == 0) return (uint16_t)(shorter + middle + 1);
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return 0;
}

ml_vr ml_private_vr(uint16_t creator, uint32_t tag) {
    if (creator == 0 || creator > ML_PRIVATE_CREATORS) return ML_VR_NONE;
    const uint16_t *starts = ml_private_starts + (size_t)(creator - 1) * ML_PRIVATE_PATTERNS;
    for (size_t kind = 0; kind < ML_PRIVATE_PATTERNS; kind++) {
        uint32_t key = tag & ml_private_masks[kind];
        size_t entry = starts[kind];
        size_t count = starts[kind + 1] - entry;
        if (count == 0) continue;
        /* Ends at the last key that is not larger, or at the first of all; without a branch to mispredict. */
        while (count > 1) {
            size_t half = count / 2;
            entry = ml_private_keys[entry + half] <= key ? entry + half : entry;
            count -= half;
        }
        if (ml_private_keys[entry] == key) return (ml_vr)ml_private_vrs[entry];
    }
    return ML_VR_NONE;
}
