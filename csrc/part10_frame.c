/*
 * part10_frame.c: what is where in a file, and in which encoding.
 *
 * The file meta information says which transfer syntax the data set is in, where there is any. The data set's first
 * element is looked at all the same, since files exist whose meta information is wrong, and files that have none: a VR
 * of two letters that the dictionary gives that tag cannot be an implicit length, and a group number makes sense in one
 * byte order only.
 *
 * Some 3 ns an element, so that reading can afford to do this before it changes anything.
 */
#include "dicom.h"

enum { PREAMBLE = 128, LEAST_ELEMENT = 8 };

typedef struct framing {
    ml_walk walk;
    ml_frame *frame;
    ml_error *error;
    const char *data;
    size_t n;
    const ml_framing *how;
} framing;

static int fail(framing *f, ml_code code, const char *at) {
    if (f->error->code == ML_OK) {
        f->error->code = code;
        f->error->offset = (uint64_t)(at - f->data);
    }
    return 0;
}

static int fail_short(framing *f, const char *at, uint64_t needed) {
    if (f->error->code == ML_OK) f->error->needed = needed;
    return fail(f, ML_E_CUT, at);
}

/* The same where no element need follow: the end of the file will do. */
static int fail_open(framing *f, const char *at, uint64_t needed) {
    return fail_short(f, at, needed < f->how->size ? needed : f->how->size);
}

static int all_at_hand(const framing *f) {
    return f->n >= f->how->size;
}

/* ---- encodings ---- */

static const char deflated_uids[][24] = {"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"};

static int equals(const char *s, size_t n, const char *text) {
    return strlen(text) == n && memcmp(s, text, n) == 0;
}

/* What a transfer syntax says; 0 for one that nobody knows, which will be explicit little endian like all new ones. */
static void by_uid(framing *f, const char *uid, size_t n, ml_syntax *syntax) {
    while (n && (uid[n - 1] == '\0' || uid[n - 1] == ' ')) n--;
    *syntax = (ml_syntax){1, 0};
    if (equals(uid, n, "1.2.840.10008.1.2") || equals(uid, n, "1.2.840.113619.5.2")) syntax->explicit_vr = 0;
    if (equals(uid, n, "1.2.840.10008.1.2.2")) syntax->big_endian = 1;
    for (size_t i = 0; i < sizeof deflated_uids / sizeof *deflated_uids; i++) {
        if (equals(uid, n, deflated_uids[i])) f->frame->deflated = 1;
    }
}

/* Whether a tag can begin a data set: one of the first groups, known or a group's length. */
static int can_begin(uint32_t tag) {
    return tag >> 16 >= 0x0002 && tag >> 16 <= 0x0054 && ((tag & 0xFFFF) == 0 || tag & 0x10000 || ml_tag_find(tag));
}

/* Whether the element at p is one of explicit VR: its letters are a VR, and for a known tag one it may have. */
static int looks_explicit(const char *p, uint32_t tag, int expected) {
    ml_vr vr = ml_vr_of(p + 4);
    if (vr == ML_VR_NONE) return expected && p[4] >= 'A' && p[4] <= 'Z' && p[5] >= 'A' && p[5] <= 'Z'; /* one to come */
    const ml_tag_info *info = ml_tag_find(tag);
    return expected || (tag & 0xFFFF) == 0 || vr == ML_VR_UN || !info || info->vr == vr || info->vr >= ML_VR_COUNT;
}

/*
 * The encoding of the data set at p, of which 8 bytes are at hand. Returns 0 when it makes no sense in any.
 */
static int detect(const char *p, const ml_syntax *expected, ml_syntax *found) {
    int big = expected->big_endian;
    uint32_t tag = ml_get_tag(p, big);
    if (!can_begin(tag) && !ml_tag_find(tag) && can_begin(ml_get_tag(p, !big))) {
        big = !big;
        tag = ml_get_tag(p, big);
    }
    found->big_endian = (uint8_t)big;
    found->explicit_vr = (uint8_t)looks_explicit(p, tag, expected->explicit_vr);
    /* any known tag with the very VR that it has leaves no doubt */
    const ml_tag_info *info = ml_tag_find(tag);
    return can_begin(tag) || (info && info->vr != ML_VR_NONE && info->vr == ml_vr_of(p + 4));
}

/* ---- parts ---- */

/* The elements of group 0002, always explicit little endian. Returns where they end. */
static const char *walk_meta(framing *f, const char *p, ml_syntax *syntax) {
    const char *end = f->data + f->n;
    const ml_syntax meta = {1, 0};
    ml_head head;
    for (;;) {
        uint64_t at = (uint64_t)(p - f->data);
        if (end - p < 2 && !all_at_hand(f)) return fail_open(f, p, at + LEAST_ELEMENT) ? p : NULL;
        if (end - p < 2 || ml_get16(p, 0) != 0x0002) return p;
        if (!ml_read_head(p, end, meta, &head)) return fail_short(f, p, at + head.size) ? p : NULL;
        const char *value = p + head.size;
        p = ml_walk_value(&f->walk, value, end, &head, meta);
        if (!p) return NULL;
        if (head.tag == ML_TAG_TRANSFER_SYNTAX && head.length != ML_UNDEFINED) by_uid(f, value, head.length, syntax);
    }
}

/*
 * Past the elements of group 0000, implicit little endian: a command set that was stored along with its data set
 * (PS3.7 section 6.3.1) is no part of that.
 */
static const char *walk_command(framing *f, const char *p) {
    const char *end = f->data + f->n;
    const ml_syntax command = {0, 0};
    ml_head head;
    while (end - p >= LEAST_ELEMENT && ml_get16(p, 0) == 0) {
        ml_read_head(p, end, command, &head);
        /* not the zeros that pad a file */
        if (!head.length || (head.tag ? !ml_tag_find(head.tag) : head.length != 4)) break;
        p = ml_walk_value(&f->walk, p + head.size, end, &head, command);
        if (!p) return NULL;
    }
    return p;
}

static int only_zeros(const char *p, const char *end) {
    while (p < end && *p == '\0') p++;
    return p == end;
}

/* Notes where root attributes are that concern the whole. */
static void note_place(framing *f, const ml_head *head, const char *value, ml_syntax syntax) {
    ml_frame *frame = f->frame;
    if (ML_UNLIKELY(head->length == ML_UNDEFINED)) return;
    switch (head->tag) {
    case ML_TAG_CHARACTER_SET:
        frame->character_set = (uint64_t)(value - f->data);
        frame->character_set_length = head->length;
        break;
    case ML_TAG_SERIES:
        frame->series = (uint64_t)(value - f->data);
        frame->series_length = head->length;
        break;
    case ML_TAG_PIXEL_REPRESENTATION:
        frame->signed_pixels = head->length >= 2 && ml_get16(value, ml_items_syntax(head, syntax).big_endian) == 1;
        break;
    default: break;
    }
}

static int is_behind(const framing *f, uint32_t tag) {
    return f->how->until && tag >= f->how->until && tag >> 16 != 0xFFFE;
}

/* The elements of the data set up to the header's end, to which *at comes. */
static int walk_data_set(framing *f, ml_syntax syntax, const char **at) {
    const char *end = f->data + f->n;
    ml_head head;
    for (;;) {
        const char *p = *at;
        /* what is behind the last element and too short for one is padding */
        if (all_at_hand(f) && (end - p < LEAST_ELEMENT || (ml_get32(p, 0) == 0 && only_zeros(p, end)))) return 1;
        if (!ml_read_head(p, end, syntax, &head)) {
            uint64_t needed = (uint64_t)(p - f->data) + head.size;
            if (end - p < LEAST_ELEMENT) return fail_open(f, p, needed);
            if (is_behind(f, head.tag)) return 1;
            f->frame->damaged = head.tag;
            return fail_short(f, p, needed);
        }
        if (is_behind(f, head.tag)) return 1;
        const char *value = p + head.size;
        if (ml_is_pixels(head.tag)) {
            *at = value;
            return 1;
        }
        if (ML_UNLIKELY(head.tag >> 16 == 0xFFFE)) {
            if (head.tag == ML_TAG_ITEM) {
                f->frame->damaged = head.tag;
                return fail(f, ML_E_ITEM, p);
            }
            *at = p + 8; /* a delimiter too many */
            continue;
        }
        p = ml_walk_value(&f->walk, value, end, &head, syntax);
        if (!p) {
            f->frame->damaged = head.tag;
            *at = f->walk.stop;
            return 0;
        }
        note_place(f, &head, value, syntax);
        f->frame->elements++;
        *at = p;
    }
}

int ml_part10_frame(const char *data, size_t n, const ml_framing *how, ml_frame *frame, ml_error *error) {
    memset(frame, 0, sizeof *frame);
    error->code = ML_OK;
    error->problem = ML_P_NONE;
    error->offset = error->needed = 0;
    error->row = error->depth = 0;
    uint32_t max_depth = how->max_depth < ML_PATH_DEPTH - 1 ? how->max_depth : ML_PATH_DEPTH - 1;
    framing f = {{data, data + n, max_depth, 0, error, NULL}, frame, error, data, n, how};
    const char *p = data, *end = data + n;
    if (n < PREAMBLE + 4 && !all_at_hand(&f)) return fail_open(&f, end, PREAMBLE + 4);
    int sure = 1; /* that it is DICOM */
    if (n >= PREAMBLE + 4 && memcmp(data + PREAMBLE, "DICM", 4) == 0) {
        p += PREAMBLE + 4;
    } else if (n >= 4 && memcmp(data, "DICM", 4) == 0) {
        p += 4;
    } else if (n >= PREAMBLE + LEAST_ELEMENT && memcmp(data + PREAMBLE, "\2\0\0\0UL\4\0", 8) == 0) {
        p += PREAMBLE; /* "DICM" is all that is missing */
    } else {
        sure = 0;
    }
    ml_syntax expected = {0, 0}, found;
    frame->meta_start = (uint64_t)(p - data);
    if (sure || (n >= LEAST_ELEMENT && ml_get16(p, 0) == 0x0002 && ml_vr_of(p + 4) != ML_VR_NONE)) {
        sure = 1;
        expected.explicit_vr = 1;
        p = walk_meta(&f, p, &expected);
        if (!p) return 0;
    }
    frame->meta_end = (uint64_t)(p - data);
    p = walk_command(&f, p);
    if (!p) return 0;
    frame->start = (uint64_t)(p - data);
    if (end - p < LEAST_ELEMENT) {
        if (!all_at_hand(&f)) return fail_open(&f, p, (uint64_t)(p - data) + LEAST_ELEMENT);
        if (!sure) return fail(&f, ML_E_NOT_DICOM, data);
        frame->end = frame->start;
        return 1;
    }
    if (frame->deflated && !how->inflated) {
        if (detect(p, &expected, &found) && found.explicit_vr && !found.big_endian) {
            frame->deflated = 0; /* it is not */
            frame->mistaken = 1;
        } else {
            return fail(&f, ML_E_DEFLATED, p);
        }
    }
    if (!detect(p, &expected, &found) && !sure) return fail(&f, ML_E_NOT_DICOM, data);
    frame->mistaken |= frame->meta_end > frame->meta_start &&
                       (found.explicit_vr != expected.explicit_vr || found.big_endian != expected.big_endian);
    frame->explicit_vr = found.explicit_vr;
    frame->big_endian = found.big_endian;
    int done = walk_data_set(&f, found, &p);
    frame->end = (uint64_t)(p - data);
    if (done) return 1;
    /* half a file is no reason to ask for more of it when there is no more */
    if (!how->partial || (error->code == ML_E_CUT && !all_at_hand(&f)) || frame->end == frame->start) return 0;
    error->code = ML_OK;
    return 1;
}
