/*
 * checksum.c: eight lanes, each of which takes every eighth word: exclusive or, times an odd number, rotated.
 *
 * Each of the three steps can be undone, so lanes that were once unlike stay unlike until further words differ: that is
 * why damage within one word cannot escape. The lanes do not depend on each other, so their multiplications overlap and
 * a processor takes about eight bytes a cycle without vector instructions: as fast as memory delivers.
 */
#include "checksum.h"

#define ODD 0x9E3779B97F4A7C15ULL

ML_INLINE uint64_t taken(uint64_t lane, uint64_t word) {
    lane = (lane ^ word) * ODD;
    return lane << 29 | lane >> 35;
}

ml_checksum ml_checksum_begin(void) {
    ml_checksum sum = {.length = 0};
    for (unsigned i = 0; i < 8; i++) sum.lane[i] = (i + 1) * 0xD6E8FEB86659FD93ULL;
    return sum;
}

void ml_checksum_add(ml_checksum *sum, const char *p, size_t n) {
    uint64_t a = sum->lane[0], b = sum->lane[1], c = sum->lane[2], d = sum->lane[3];
    uint64_t e = sum->lane[4], f = sum->lane[5], g = sum->lane[6], h = sum->lane[7];
    for (size_t i = 0; i + ML_CHECKSUM_BLOCK <= n; i += ML_CHECKSUM_BLOCK) {
        a = taken(a, ml_load64(p + i));
        b = taken(b, ml_load64(p + i + 8));
        c = taken(c, ml_load64(p + i + 16));
        d = taken(d, ml_load64(p + i + 24));
        e = taken(e, ml_load64(p + i + 32));
        f = taken(f, ml_load64(p + i + 40));
        g = taken(g, ml_load64(p + i + 48));
        h = taken(h, ml_load64(p + i + 56));
    }
    *sum = (ml_checksum){{a, b, c, d, e, f, g, h}, sum->length + n};
}

uint64_t ml_checksum_end(const ml_checksum *sum) {
    uint64_t all = sum->length * ODD;
    for (unsigned i = 0; i < 8; i++) {
        all = taken(all, sum->lane[i]);
        all ^= all >> 32;
    }
    return all;
}
