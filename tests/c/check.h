/*
 * check.h: the least that a C test needs. A failed check tells where and goes on; main ends with
 * `return ml_check_report();`.
 */
#ifndef ML_CHECK_H
#define ML_CHECK_H

#include <stdio.h>
#include <string.h>

static int ml_checks_passed;
static int ml_checks_failed;

/* Prints the message, printf's arguments, where the condition does not hold. */
#define CHECK_MSG(condition, ...)                                                                                      \
    do {                                                                                                               \
        if (condition) {                                                                                               \
            ml_checks_passed++;                                                                                        \
        } else {                                                                                                       \
            ml_checks_failed++;                                                                                        \
            fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                                            \
            fprintf(stderr, __VA_ARGS__);                                                                              \
            fputc('\n', stderr);                                                                                       \
        }                                                                                                              \
    } while (0)

#define CHECK(condition) CHECK_MSG(condition, "%s", #condition)

#define CHECK_TEXT(text, expected) CHECK_MSG(strcmp(text, expected) == 0, "%s: got \"%s\"", #text, text)

static inline int ml_check_report(void) {
    printf("%d passed, %d failed\n", ml_checks_passed, ml_checks_failed);
    return ml_checks_failed != 0;
}

#endif
