/*
 * file.c: reads files with the system's own calls, without a lock of the interpreter and without its file objects,
 * which take longer to make than a header to read.
 *
 * The first read is as long as the caller expects a header to be. When the frame finds the header to go on, it says
 * what it needs, and the next read is that or twice what there is: a long header costs two or three reads, never one an
 * element. A special file (a pipe, a device) is not waited for but refused.
 */
#define _POSIX_C_SOURCE 200809L /* pread, st_mtim */
#define _FILE_OFFSET_BITS 64

#include "file.h"

#include <errno.h>
#include <stdlib.h>

static int fail(ml_file *file, ml_error *error, int number) {
    file->system_error = number;
    error->code = ML_E_FILE;
    error->offset = error->needed = 0;
    error->row = error->depth = 0;
    return 0;
}

#ifdef _WIN32

/* Paths are not bytes there; Python reads the file instead. */
int ml_file_read_header(const char *path, size_t first, const ml_framing *how, ml_file *file, ml_frame *frame,
                        ml_error *error) {
    (void)path, (void)first, (void)how, (void)frame;
    return fail(file, error, ENOSYS);
}

#else

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads on until `length` bytes of the file are there, or it has ended. Returns 0 when the system refuses. */
static int read_to(int fd, ml_file *file, uint64_t length) {
    if (length > file->size) length = file->size;
    if (length > file->capacity) {
        char *data = length > SIZE_MAX ? NULL : realloc(file->data, (size_t)length);
        if (!data) {
            errno = ENOMEM;
            return 0;
        }
        file->data = data;
        file->capacity = (size_t)length;
    }
    while (file->length < length) {
        ssize_t n = pread(fd, file->data + file->length, (size_t)length - file->length, (off_t)file->length);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return 0;
        if (n == 0) {
            file->size = file->length; /* cut short by another program */
            break;
        }
        file->length += (size_t)n;
    }
    return 1;
}

static int read_header(int fd, size_t first, const ml_framing *how, ml_file *file, ml_frame *frame, ml_error *error) {
    struct stat status;
    if (fstat(fd, &status) != 0) return fail(file, error, errno);
    if (S_ISDIR(status.st_mode)) return fail(file, error, EISDIR);
    if (!S_ISREG(status.st_mode)) return fail(file, error, 0);
    file->size = (uint64_t)status.st_size;
#ifdef __APPLE__
    file->modified = (int64_t)status.st_mtimespec.tv_sec * 1000000000 + status.st_mtimespec.tv_nsec;
#else
    file->modified = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
#endif
    file->length = 0;
    ml_framing framing = *how;
    uint64_t wanted = first;
    for (;;) {
        if (!read_to(fd, file, wanted)) return fail(file, error, errno);
        framing.size = file->size;
        if (ml_part10_frame(file->length ? file->data : "", file->length, &framing, frame, error)) return 1;
        if (file->length >= file->size) return 0;
        if (error->code == ML_E_DEFLATED) {
            wanted = file->size;
        } else if (error->code == ML_E_CUT) {
            /* what cannot be there need not be read for */
            if (error->needed > file->size && !how->partial) return 0;
            wanted = error->needed > 2 * (uint64_t)file->length ? error->needed : 2 * (uint64_t)file->length;
            if (error->needed > how->max_bytes) {
                error->code = ML_E_LIMIT_BYTES;
                return 0;
            }
        } else {
            return 0;
        }
    }
}

int ml_file_read_header(const char *path, size_t first, const ml_framing *how, ml_file *file, ml_frame *frame,
                        ml_error *error) {
    int fd;
    do {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) return fail(file, error, errno);
    int done = read_header(fd, first, how, file, frame, error);
    close(fd);
    return done;
}

#endif
