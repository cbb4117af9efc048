/*
 * tags.c: finds entries of the data dictionary by tag and by keyword.
 *
 * generate_tags.py lays out the tables: the entries sorted by tag, and beside them hash tables with open addressing, at
 * most half full, whose slots name entries by number. A look-up is one multiplication, the top bits of which are the
 * slot, and 1.2 probes on average: about 2 ns, 10 by keyword. The slots hold the tag itself, so that only the slot's
 * cache line is read.
 *
 * Repeating groups are few and rare: a second, small table has them by their first tag, and is tried with each mask a
 * tag can be matched under, only after the exact tables had nothing. Private tags (odd groups), the common unknown
 * ones, need neither.
 */
#include "tags.h"

#include <string.h>

/* Entries count from one; zero is an empty slot. */
typedef struct ml_tag_slot {
    uint32_t tag;
    uint16_t entry;
    uint16_t mask; /* only of repeating groups: index into ml_tags_masks */
} ml_tag_slot;

typedef struct ml_keyword_slot {
    uint16_t check; /* some of the hash, to see most mismatches without reading the entry */
    uint16_t entry;
} ml_keyword_slot;

#include "tags_data.h"

/* By tag */

static const ml_tag_info *ml_find_repeating(uint32_t tag) {
    const uint32_t last = (1u << ML_TAGS_REPEATING_BITS) - 1;
    for (size_t mask = 0; mask < sizeof ml_tags_masks / sizeof ml_tags_masks[0]; mask++) {
        uint32_t first = tag & ml_tags_masks[mask];
        uint32_t i = first * ML_TAGS_REPEATING_MULTIPLIER >> (32 - ML_TAGS_REPEATING_BITS);
        for (; ml_tags_repeating[i].entry != 0; i = (i + 1) & last) {
            /* The mask has to be the entry's own: 0028,0410 is a 0028,04x0, not a 0028,04xx. */
            if (ml_tags_repeating[i].tag == first && ml_tags_repeating[i].mask == mask)
                return &ml_tags_entries[ml_tags_repeating[i].entry - 1];
        }
    }
    return NULL;
}

const ml_tag_info *ml_tag_find(uint32_t tag) {
    const uint32_t last = (1u << ML_TAGS_EXACT_BITS) - 1;
    const uint32_t odd_group = 0x00010000;
    uint32_t i = tag * ML_TAGS_EXACT_MULTIPLIER >> (32 - ML_TAGS_EXACT_BITS);
    for (; ml_tags_exact[i].entry != 0; i = (i + 1) & last) {
        if (ml_tags_exact[i].tag == tag) return &ml_tags_entries[ml_tags_exact[i].entry - 1];
    }
    return (tag & odd_group) ? NULL : ml_find_repeating(tag);
}

/* By keyword */

/* Little-endian whatever the machine, as the generator has it; compilers make one load of it. */
static uint64_t ml_load_word(const char *s) {
    const unsigned char *u = (const unsigned char *)s;
    return (uint64_t)u[0] | (uint64_t)u[1] << 8 | (uint64_t)u[2] << 16 | (uint64_t)u[3] << 24 | (uint64_t)u[4] << 32 |
           (uint64_t)u[5] << 40 | (uint64_t)u[6] << 48 | (uint64_t)u[7] << 56;
}

/* Four words spread over the text tell all but a handful of keywords apart, and unlike a walk over the whole text their
 * multiplications do not wait for one another. Equal to hash_keyword in generate_tags.py. */
static uint64_t ml_hash_keyword(const char *s, size_t n) {
    uint64_t hash = n;
    if (n >= 8) {
        size_t end = n - 8;
        hash += ml_load_word(s) * ML_TAGS_KEYWORD_FACTOR_0;
        hash += ml_load_word(s + end / 3) * ML_TAGS_KEYWORD_FACTOR_1;
        hash += ml_load_word(s + end * 2 / 3) * ML_TAGS_KEYWORD_FACTOR_2;
        hash += ml_load_word(s + end) * ML_TAGS_KEYWORD_FACTOR_3;
    } else {
        uint64_t word = 0;
        for (size_t i = 0; i < n; i++) word |= (uint64_t)(unsigned char)s[i] << 8 * i;
        hash += word * ML_TAGS_KEYWORD_FACTOR_0;
    }
    hash ^= hash >> 32;
    return hash * ML_TAGS_KEYWORD_FACTOR_0;
}

const ml_tag_info *ml_tag_by_keyword(const char *keyword, size_t length) {
    if (length == 0 || length > ML_TAGS_KEYWORD_MAX) return NULL;
    const size_t last = ((size_t)1 << ML_TAGS_KEYWORD_BITS) - 1;
    uint64_t hash = ml_hash_keyword(keyword, length);
    uint16_t check = (uint16_t)(hash >> 16);
    size_t i = (size_t)(hash >> (64 - ML_TAGS_KEYWORD_BITS));
    for (; ml_tags_keywords[i].entry != 0; i = (i + 1) & last) {
        if (ml_tags_keywords[i].check != check) continue;
        const ml_tag_info *info = &ml_tags_entries[ml_tags_keywords[i].entry - 1];
        if (info->keyword_length == length && memcmp(info->keyword, keyword, length) == 0) return info;
    }
    return NULL;
}

/* The rest */

const char *ml_vm_text(uint8_t vm) {
    return vm < sizeof ml_tags_vms / sizeof ml_tags_vms[0] ? ml_tags_vms[vm] : "";
}

size_t ml_tag_count(void) {
    return ML_TAGS_COUNT;
}

const ml_tag_info *ml_tag_at(size_t index) {
    return index < ML_TAGS_COUNT ? &ml_tags_entries[index] : NULL;
}
