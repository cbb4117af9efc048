/*
 * look.c: brackets outside of strings, counted until none is open.
 *
 * Rows that are like the one before need no look; for the others it has to cost little beside reading them. So 32 bytes
 * are taken at a time where SSE2 is there: masks of quotes and brackets, and where an odd number of quotes lies before,
 * a string is. A block with a backslash in it, and what is left at the end, goes byte by byte.
 */
#include "look.h"

#include "base.h"

/* Looks at the bytes from look->looked to n; 1 at the dataset's end. */
static int look_at_bytes(ml_look *look, const char *text, size_t n) {
    size_t i = look->looked;
    while (i < n) {
        char c = text[i++];
        if (look->escaped) {
            look->escaped = 0;
        } else if (look->in_string) {
            look->escaped = c == '\\';
            look->in_string = c != '"';
        } else if (c == '"') {
            look->in_string = 1;
        } else if (c == '{' || c == '[') {
            look->open++;
        } else if ((c == '}' || c == ']') && --look->open == 0) {
            look->looked = i;
            return 1;
        }
    }
    look->looked = n;
    return 0;
}

#ifdef ML_SSE2
enum { BLOCK = 32 };

/* One bit for each byte of a block that is c once `set` is set in it. */
ML_INLINE uint32_t bytes_that_are(__m128i a, __m128i b, char set, char c) {
    const __m128i bits = _mm_set1_epi8(set), wanted = _mm_set1_epi8(c);
    uint32_t low = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_or_si128(a, bits), wanted));
    uint32_t high = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_or_si128(b, bits), wanted));
    return low | high << 16;
}

/* Looks at one block; 1 at the dataset's end. */
ML_INLINE int look_at_block(ml_look *look, const char *text) {
    const char *p = text + look->looked;
    __m128i a = _mm_loadu_si128((const __m128i *)p), b = _mm_loadu_si128((const __m128i *)(p + 16));
    if (ML_UNLIKELY(look->escaped || bytes_that_are(a, b, 0, '\\')))
        return look_at_bytes(look, text, look->looked + BLOCK);
    uint32_t inside = bytes_that_are(a, b, 0, '"');
    for (unsigned k = 1; k < BLOCK; k *= 2) inside ^= inside << k; /* each bit: whether the quotes up to it are odd */
    if (look->in_string) inside = ~inside;
    /* what parts [ from { and ] from } is one bit */
    uint32_t opening = bytes_that_are(a, b, 0x20, '{') & ~inside;
    uint32_t brackets = opening | (bytes_that_are(a, b, 0x20, '}') & ~inside);
    while (brackets) {
        uint32_t bit = brackets & (0 - brackets);
        brackets ^= bit;
        if (opening & bit) {
            look->open++;
        } else if (--look->open == 0) {
            look->looked += ml_lowest_bit(bit) + 1;
            look->in_string = 0;
            return 1;
        }
    }
    look->in_string = inside >> (BLOCK - 1);
    look->looked += BLOCK;
    return 0;
}
#endif

int ml_look_on(ml_look *look, const char *text, size_t n) {
#ifdef ML_SSE2
    while (n - look->looked >= BLOCK) {
        if (look_at_block(look, text)) return 1;
    }
#endif
    return look_at_bytes(look, text, n);
}
