/*
 * dicom_walk.c: past elements, items and fragments.
 *
 * This is the one place where lengths of the input are trusted, and only after they were compared with what is left of
 * whatever encloses them. Some 3 ns an element; nothing is allocated. Depth is bounded by the caller's limit, so is the
 * recursion.
 */
#include "dicom.h"

static const char *fail(ml_walk *walk, ml_code code, const char *at) {
    ml_error *error = walk->error;
    if (!walk->stop) walk->stop = at;
    if (error && error->code == ML_OK) {
        error->code = code;
        error->offset = (uint64_t)(at - walk->begin);
    }
    return NULL;
}

/* What is at hand ends, or what encloses p does, before `more` bytes have come. */
static const char *fail_short(ml_walk *walk, const char *p, const char *limit, const char *at, uint64_t more) {
    if (limit < walk->end) return fail(walk, ML_E_LENGTH, at);
    if (walk->error && walk->error->code == ML_OK) walk->error->needed = (uint64_t)(p - walk->begin) + more;
    return fail(walk, ML_E_CUT, at);
}

/* For who wants what is whole of a damaged file: how far what is inside of the cut sequence or item goes. */
static void look_inside(ml_walk *walk, const char *p, const char *limit, ml_syntax syntax,
                        const char *(*past)(ml_walk *, const char *, const char *, ml_syntax, int)) {
    ml_walk inner = *walk;
    inner.error = NULL;
    walk->stop = past(&inner, p, limit, syntax, 0) ? limit : inner.stop;
}

static int is_letter(char c) {
    return c >= 'A' && c <= 'Z';
}

int ml_read_head(const char *p, const char *end, ml_syntax syntax, ml_head *head) {
    head->strange = 0;
    head->size = 8;
    if (end - p < 8) return 0;
    head->tag = ml_get_tag(p, syntax.big_endian);
    /* delimiters have no VR; neither have elements that some writers leave without one in explicit VR */
    if (syntax.explicit_vr && head->tag >> 16 != 0xFFFE && is_letter(p[4]) && is_letter(p[5])) {
        head->vr = ml_vr_of(p + 4);
        head->strange = head->vr == ML_VR_NONE;
        if (!ml_has_long_length(head->vr)) {
            head->length = ml_get16(p + 6, syntax.big_endian);
            return 1;
        }
        head->size = 12;
        if (end - p < 12) return 0;
        head->length = ml_get32(p + 8, syntax.big_endian);
        return 1;
    }
    const ml_tag_info *info = ml_tag_find(head->tag);
    head->vr = info && info->vr != ML_VR_NONE ? (ml_vr)info->vr : ML_VR_UN;
    head->length = ml_get32(p + 4, syntax.big_endian);
    if (head->tag & 0x10000) {
        uint32_t element = head->tag & 0xFFFF;
        if (element >= 0x10 && element <= 0xFF) head->vr = ML_VR_LO; /* a private creator */
    }
    if ((head->tag & 0xFFFF) == 0) head->vr = ML_VR_UL; /* a group's length */
    return 1;
}

static const char *walk_fragments(ml_walk *walk, const char *p, const char *limit, int big) {
    for (;;) {
        if (limit - p < 8) return fail_short(walk, p, limit, p, 8);
        uint32_t tag = ml_get_tag(p, big), length = ml_get32(p + 4, big);
        if (tag == ML_TAG_SEQUENCE_END) return p + 8;
        if (tag != ML_TAG_ITEM) return fail(walk, ML_E_ITEM, p);
        if ((uint64_t)(limit - p) - 8 < length) return fail_short(walk, p, limit, p, (uint64_t)length + 16);
        p += 8 + (size_t)length;
    }
}

const char *ml_walk_items(ml_walk *walk, const char *p, const char *limit, ml_syntax syntax, int undefined) {
    if (walk->depth >= walk->max_depth) return fail(walk, ML_E_LIMIT_SEQUENCE_DEPTH, p);
    walk->depth++;
    while (undefined || p < limit) {
        if (limit - p < 8) return fail_short(walk, p, limit, p, 8);
        uint32_t tag = ml_get_tag(p, syntax.big_endian), length = ml_get32(p + 4, syntax.big_endian);
        const char *item = p;
        p += 8;
        if (tag == ML_TAG_SEQUENCE_END) {
            if (undefined) break;
            continue; /* one too many */
        }
        if (tag != ML_TAG_ITEM) return fail(walk, ML_E_ITEM, item);
        if (length == ML_UNDEFINED) {
            p = ml_walk_elements(walk, p, limit, syntax, 1);
        } else if ((uint64_t)(limit - p) < length) {
            if (undefined) {
                look_inside(walk, p, limit, syntax, ml_walk_elements);
                return fail_short(walk, p, limit, item, (uint64_t)length + 8);
            }
            p = ml_walk_elements(walk, p, limit, syntax, 0);
        } else {
            p = ml_walk_elements(walk, p, p + length, syntax, 0);
        }
        if (!p) return NULL;
    }
    walk->depth--;
    return p;
}

const char *ml_walk_value(ml_walk *walk, const char *p, const char *limit, const ml_head *head, ml_syntax syntax) {
    if (head->length == ML_UNDEFINED) {
        if (ml_is_fragments(head)) return walk_fragments(walk, p, limit, syntax.big_endian);
        return ml_walk_items(walk, p, limit, ml_items_syntax(head, syntax), 1);
    }
    if ((uint64_t)(limit - p) < head->length) {
        if (head->vr == ML_VR_SQ) look_inside(walk, p, limit, syntax, ml_walk_items);
        return fail_short(walk, p, limit, p - head->size, head->length);
    }
    if (head->vr == ML_VR_SQ && !ml_walk_items(walk, p, p + head->length, syntax, 0)) return NULL;
    return p + head->length;
}

const char *ml_walk_elements(ml_walk *walk, const char *p, const char *limit, ml_syntax syntax, int delimited) {
    ml_head head;
    while (delimited || p < limit) {
        if (!ml_read_head(p, limit, syntax, &head)) return fail_short(walk, p, limit, p, head.size);
        if (head.tag >> 16 == 0xFFFE) { /* no element, whatever follows */
            if (head.tag != ML_TAG_ITEM_END) return fail(walk, ML_E_ITEM, p);
            p += 8;
            if (delimited) break;
            continue; /* one too many */
        }
        p = ml_walk_value(walk, p + head.size, limit, &head, syntax);
        if (!p) return NULL;
    }
    return p;
}
