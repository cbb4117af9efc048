/*
 * image_id.c: image ids are texts of many kinds, and `metalith.image_ids` knows them all. Nearly all that come are of
 * two: "wadors:…/studies/…/series/…/instances/…/frames/3" and "wadouri:…&frame=3". These are read here from their end,
 * in one pass over the text; whatever is not as expected is left to Python.
 */
#include "image_id.h"

#include <string.h>

/* Where "frame" begins in any case, in what is left of a text. */
static int frame_here(const char *s, const char *end) {
    return end - s >= 5 && (s[0] | 32) == 'f' && (s[1] | 32) == 'r' && (s[2] | 32) == 'a' && (s[3] | 32) == 'm' &&
           (s[4] | 32) == 'e';
}

/* One part of a path, which must follow the last slash before *end and have this name; *end moves to the slash. */
static int step_back(const char *begin, const char **end, const char *name) {
    const char *slash = *end;
    while (slash > begin && slash[-1] != '/') slash--;
    if (slash == begin || slash == *end) return 0;
    if (name && ((size_t)(*end - slash) != strlen(name) || memcmp(slash, name, strlen(name)) != 0)) return 0;
    *end = slash - 1;
    return 1;
}

/* Whether a text has no control characters and none of these three. Looks at all of it, many bytes at once. */
static int is_free_of(const char *s, const char *end, char a, char b, char c) {
    unsigned found = 0;
    for (; s < end; s++) found |= (unsigned)((unsigned char)*s < 32) | (*s == 127) | (*s == a) | (*s == b) | (*s == c);
    return !found;
}

/* Whether such a character comes before "frame" somewhere. */
static int leads_to_frame(const char *s, const char *end, char lead) {
    while (s < end && (s = memchr(s, lead, (size_t)(end - s))) != NULL)
        if (frame_here(++s, end)) return 1;
    return 0;
}

/* Of "wadors:", what precedes "/frames/": a path to an instance, and no second one. */
static int is_plain_path(const char *begin, const char *stop) {
    if (stop - begin < 7 || memcmp(begin, "wadors:", 7) != 0) return 0;
    const char *last = stop;
    begin += 7;
    if (!step_back(begin, &last, NULL) || !step_back(begin, &last, "instances")) return 0;
    if (!step_back(begin, &last, NULL) || !step_back(begin, &last, "series")) return 0;
    if (!step_back(begin, &last, NULL) || !step_back(begin, &last, "studies")) return 0;
    if (!is_free_of(begin, stop, '?', '&', '#')) return 0;
    for (const char *s = begin; s < last && (s = memchr(s, '/', (size_t)(last - s))) != NULL; s++)
        if (memcmp(s, "/studies/", 9) == 0) return 0;
    return 1;
}

/* Of the schemes that put the frame in the query, what precedes "?frame=" or "&frame=". */
static int is_plain_query(const char *begin, const char *stop) {
    static const char *const schemes[] = {"wadouri:", "dicomweb:", "dicomfile:", "http://", "https://"};
    int which = 0;
    while (which < 5 && ((size_t)(stop - begin) <= strlen(schemes[which]) ||
                         memcmp(begin, schemes[which], strlen(schemes[which])) != 0))
        which++;
    if (which == 5) return 0;
    const char *s = begin + strlen(schemes[which]);
    if (*s == '?' || *s == '&' || (which > 2 && *s == '/')) return 0;
    return is_free_of(s, stop, '#', '#', '#') && !leads_to_frame(s, stop, '/') && !leads_to_frame(s, stop, '?') &&
           !leads_to_frame(s, stop, '&');
}

/* The number that a text ends with, of 1 to 9 digits and not with a zero first: where it begins, NULL without. */
static const char *last_number(const char *text, const char *end, uint32_t *number) {
    const char *at = end;
    while (at > text && at[-1] >= '0' && at[-1] <= '9') at--;
    if (at == end || end - at > 9 || *at == '0') return NULL;
    *number = 0;
    for (const char *s = at; s < end; s++) *number = *number * 10 + (uint32_t)(*s - '0');
    return at;
}

ptrdiff_t ml_image_id_base(const char *text, size_t n, uint32_t *frame) {
    const char *at = last_number(text, text + n, frame);
    if (!at || at - text < 15) return -1;
    const char *stop = at - 7;
    if (memcmp(at - 8, "/frames/", 8) == 0) {
        stop = at - 8;
        if (!is_plain_path(text, stop)) return -1;
    } else if ((*stop != '?' && *stop != '&') || memcmp(stop + 1, "frame=", 6) != 0 || !is_plain_query(text, stop)) {
        return -1;
    }
    return stop - text;
}

int ml_image_id_names_frame(const char *text, size_t n) {
    const char *end = text + n;
    while (end - text >= 5 && (text = memchr(text, 'f', (size_t)(end - text))) != NULL) {
        if (end - text >= 5 && memcmp(text, "frame", 5) == 0) return 1;
        text++;
    }
    return 0;
}

/* ---- ids of one series ---- */

void ml_series_ids_learn(ml_series_ids *series, const char *text, size_t n) {
    uint32_t frame;
    ptrdiff_t base = ml_image_id_base(text, n, &frame);
    const char *stop = base < 0 ? text + n : text + base;
    series->length = 0;
    if (n < 7 || memcmp(text, "wadors:", 7) != 0 || (base < 0 && !is_plain_path(text, stop))) return;
    while (stop[-1] != '/') stop--; /* the one after "instances" */
    size_t length = (size_t)(stop - text);
    if (length > ML_SERIES_ROOM) return;
    memcpy(series->text, text, length);
    series->length = (uint32_t)length;
    series->names_frame = (uint32_t)ml_image_id_names_frame(text, length);
}

#define EACH(byte) (0x0101010101010101u * (uint64_t)(byte))

/* Whether some of eight bytes is no digit and no dot. */
static int has_other(uint64_t x) {
    uint64_t slash = x ^ EACH('/');
    uint64_t below = (x - EACH('.')) & ~x, above = (x + EACH(127 - '9')) | x;
    return ((below | above | ((slash - EACH(1)) & ~slash)) & EACH(0x80)) != 0;
}

static int is_plain_uid(const char *s, size_t n) {
    const char *end = s + n;
    uint64_t x;
    if (n < 8) {
        for (; s < end; s++)
            if (*s != '.' && (*s < '0' || *s > '9')) return 0;
        return 1;
    }
    for (; end - s > 8; s += 8) {
        memcpy(&x, s, 8);
        if (has_other(x)) return 0;
    }
    memcpy(&x, end - 8, 8); /* the last eight, seen before or not */
    return !has_other(x);
}

int ml_series_ids_match(const ml_series_ids *series, const char *text, size_t n, size_t *uid_length, uint32_t *frame) {
    size_t length = series->length;
    if (!length || n <= length || memcmp(text, series->text, length) != 0) return 0;
    const char *uid = text + length, *end = text + n, *stop = memchr(uid, '/', n - length);
    *frame = 0;
    if (!stop) {
        stop = end;
        if (series->names_frame) return 0;
    } else if (end - stop < 9 || memcmp(stop, "/frames/", 8) != 0 || last_number(stop, end, frame) != stop + 8) {
        return 0;
    }
    *uid_length = (size_t)(stop - uid);
    return stop > uid && is_plain_uid(uid, *uid_length);
}

/* ---- whether an id names a series ---- */

/* Where a name begins in a text, in any case; the name is in lower case. NULL without. */
static const char *find_name(const char *s, const char *end, const char *name) {
    size_t n = strlen(name);
    for (; (size_t)(end - s) >= n; s++) {
        size_t i = 0;
        while (i < n && (s[i] >= 'A' && s[i] <= 'Z' ? s[i] | 32 : s[i]) == name[i]) i++;
        if (i == n) return s;
    }
    return NULL;
}

static int is_same(const char *s, const char *end, const char *other, size_t n) {
    return (size_t)(end - s) == n && memcmp(s, other, n) == 0;
}

int ml_image_id_may_be_of(const char *text, size_t n, const char *study, size_t study_n, const char *series,
                          size_t series_n) {
    const char *end = text + n;
    if (memchr(text, '%', n) || memchr(text, '#', n)) return -1;
    if (n >= 7 && memcmp(text, "wadors:", 7) == 0) {
        uint32_t frame;
        ptrdiff_t base = ml_image_id_base(text, n, &frame);
        const char *stop = base < 0 ? end : text + base;
        if (!is_plain_path(text, stop)) return -1;
        const char *at = stop;
        step_back(text, &at, NULL);
        step_back(text, &at, "instances");
        const char *series_end = at;
        step_back(text, &at, NULL);
        if (!is_same(at + 1, series_end, series, series_n)) return 0;
        step_back(text, &at, "series");
        const char *study_end = at;
        step_back(text, &at, NULL);
        return is_same(at + 1, study_end, study, study_n);
    }
    if (find_name(text, end, "/studies/")) return -1;
    const char *uid = find_name(text, end, "seriesuid=");
    if (!uid) return find_name(text, end, "studyuid=") ? -1 : 1;
    const char *value = uid + 10, *stop = memchr(value, '&', (size_t)(end - value));
    if (uid == text || (uid[-1] != '?' && uid[-1] != '&') || memcmp(uid, "seriesUID=", 10) != 0) return -1;
    if (!stop) stop = end;
    return stop == value || is_same(value, stop, series, series_n) ? -1 : 0;
}
