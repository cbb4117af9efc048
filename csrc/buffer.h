/*
 * buffer.h: a growing block that writers append to. Running out of memory is remembered, so that only the end has to
 * look.
 */
#ifndef ML_BUFFER_H
#define ML_BUFFER_H

#include <stdlib.h>

#include "base.h"

typedef struct ml_buffer {
    char *data; /* malloc'd; the caller's */
    size_t length, capacity;
    int failed;
} ml_buffer;

/* Room for n more bytes at the end; NULL without memory. */
ML_INLINE char *ml_buffer_room(ml_buffer *buffer, size_t n) {
    if (ML_UNLIKELY(buffer->capacity - buffer->length < n)) {
        size_t capacity = ml_grown(buffer->capacity, buffer->length + n, 4096);
        char *data = buffer->failed || buffer->length + n < n ? NULL : (char *)realloc(buffer->data, capacity);
        if (!data) {
            buffer->failed = 1;
            return NULL;
        }
        buffer->data = data;
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->length;
}

ML_INLINE void ml_put(ml_buffer *buffer, const char *s, size_t n) {
    char *room = ml_buffer_room(buffer, n);
    if (!room) return;
    if (n) memcpy(room, s, n);
    buffer->length += n;
}

ML_INLINE void ml_put_char(ml_buffer *buffer, char c) {
    ml_put(buffer, &c, 1);
}

/* A string literal. */
#define ML_PUT(buffer, literal) ml_put(buffer, "" literal, sizeof(literal) - 1)

/* A text without need of escapes, between quotes. */
ML_INLINE void ml_put_quoted(ml_buffer *buffer, const char *s, size_t n) {
    char *room = ml_buffer_room(buffer, n + 2);
    if (!room) return;
    room[0] = '"';
    if (n) memcpy(room + 1, s, n);
    room[n + 1] = '"';
    buffer->length += n + 2;
}

/* A key that may hold anything, as a JSON string. */
void ml_put_escaped(ml_buffer *buffer, const char *s, size_t n);

#endif
