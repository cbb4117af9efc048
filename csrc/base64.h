/*
 * base64.h: checks the base64 text of an InlineBinary (RFC 4648 section 4) and decodes it.
 */
#ifndef ML_BASE64_H
#define ML_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* The number of bytes that s[0..n) decodes to, SIZE_MAX when it is not base64. Padding may be absent at the end, bits
 * past the data must be there but are not looked at; no whitespace. */
size_t ml_base64_length(const char *s, size_t n);

/* Decodes a text that ml_base64_length accepted into out, which has room for that many bytes. */
void ml_base64_decode(const char *s, size_t n, uint8_t *out);

#endif
