/*
 * file.h: the header of a file on disk: one open, one read of about as much as the header should take, more only when
 * the header goes on, one close.
 */
#ifndef ML_FILE_H
#define ML_FILE_H

#include "part10.h"

typedef struct ml_file {
    char *data; /* malloc'd; the caller's */
    size_t length, capacity;
    uint64_t size;    /* of the file, */
    int64_t modified; /* and when it was last written, in ns since 1970 */
    int system_error; /* errno with ML_E_FILE; 0 then: it is no regular file */
} ml_file;

/*
 * Reads and frames a file; how->size is not looked at. first: how many bytes to begin with. Returns 1, or 0 and *error
 * tells why: ML_E_FILE when the system refuses, ML_E_DEFLATED with the whole file read.
 */
int ml_file_read_header(const char *path, size_t first, const ml_framing *how, ml_file *file, ml_frame *frame,
                        ml_error *error);

#endif
