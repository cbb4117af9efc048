/*
 * look.h: whether a dataset that is arriving is whole, by nothing but its brackets and strings.
 *
 * Every kind of bracket counts alike, and nothing is validated: in faulty input the end that is found may be wrong, but
 * never lies before the fault, where the scan ends anyway.
 */
#ifndef ML_LOOK_H
#define ML_LOOK_H

#include <stddef.h>
#include <stdint.h>

/* How far a dataset was looked at; all zero at its beginning. */
typedef struct ml_look {
    size_t looked; /* bytes from its opening brace */
    uint32_t open; /* brackets */
    uint8_t in_string, escaped;
} ml_look;

/*
 * Looks on in the dataset that begins at `text`, of which n bytes are at hand. Returns 1 when it ends among them;
 * look->looked tells where then, and is n otherwise.
 */
int ml_look_on(ml_look *look, const char *text, size_t n);

#endif
