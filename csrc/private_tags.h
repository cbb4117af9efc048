/*
 * private_tags.h: the VRs of private elements, from pydicom's private dictionary, generated at build time
 * (generate_private.py).
 *
 * A file in implicit VR does not say what its elements are, nor does one that has them as UN; of private elements, only
 * their creator's name and such a dictionary do. The name is looked up once per block of elements, each element then by
 * the number that this gave.
 *
 * Read-only tables in static storage: no initialisation, no lock, safe from every thread.
 */
#ifndef ML_PRIVATE_TAGS_H
#define ML_PRIVATE_TAGS_H

#include <stddef.h>
#include <stdint.h>

#include "vr.h"

/* The number of a private creator, its text without trailing padding (case matters); 0 when the dictionary does not
 * know it. Numbers mean something only within one build. */
uint16_t ml_private_creator(const char *name, size_t length);

/* The VR of a creator's element, pseudo VRs included; ML_VR_NONE where the dictionary has none, or for a creator that
 * is not one. The tag is that of the file: for most elements its block (the third pair of digits) does not matter, but
 * some of the dictionary's entries are for one block only, and where they apply come first, as in pydicom. */
ml_vr ml_private_vr(uint16_t creator, uint32_t tag);

#endif
