/*
 * dicom_text.c: text values (PS3.5 sections 6.1 and 6.2).
 *
 * Nearly all text is one plain ASCII value, which is taken as it stands. Otherwise it is brought to UTF-8 first, since
 * in some character sets a backslash may be half of a character, then cut at the backslashes and written as the members
 * of a JSON array, which is how a table keeps what is more than one plain string.
 *
 * The character set is looked up when there is text that needs it, and by going back to the bytes of the data set: no
 * state to keep, and no cost for the files that are ASCII.
 */
#include "dicom.h"
#include "json_number.h"
#include "text.h"

enum {
    HAS_ESCAPE = 1,    /* what JSON escapes, but for the backslash */
    HAS_BACKSLASH = 2, /* */
    HAS_HIGH = 4,      /* beyond ASCII */
    HAS_SHIFT = 8      /* the escape character, by which ISO 2022 changes character sets */
};

static unsigned kinds_in(const char *s, size_t n) {
    unsigned kinds = 0;
    size_t i = 0;
#ifdef ML_SSE2
    __m128i high = _mm_setzero_si128(), special = high;
    for (; i + 16 <= n; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(s + i));
        special =
            _mm_or_si128(special, _mm_cmpgt_epi8(_mm_set1_epi8(0x20), v)); /* control characters and beyond ASCII */
        special = _mm_or_si128(special, _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
        special = _mm_or_si128(special, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
    }
    if (_mm_movemask_epi8(special)) i = 0; /* there is something: which, one by one */
#endif
    for (; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (ML_UNLIKELY(c < 0x20)) {
            kinds |= c == 0x1B ? HAS_ESCAPE | HAS_SHIFT : HAS_ESCAPE;
        } else if (ML_UNLIKELY(c >= 0x80)) {
            kinds |= HAS_HIGH;
        } else if (c == '"') {
            kinds |= HAS_ESCAPE;
        } else if (c == '\\') {
            kinds |= HAS_BACKSLASH;
        }
    }
    return kinds;
}

/* ---- character sets ---- */

/* Whether SpecificCharacterSet has a say in a VR (PS3.5 section 6.1.2.3). */
static int is_in_character_set(ml_vr vr) {
    switch (vr) {
    case ML_VR_LO:
    case ML_VR_LT:
    case ML_VR_PN:
    case ML_VR_SH:
    case ML_VR_ST:
    case ML_VR_UC:
    case ML_VR_UT: return 1;
    default: return 0;
    }
}

/* The character sets of a data set: its own, or those of the one around it. */
static const char *character_set_of(ml_part10 *reader, const ml_dataset *dataset, size_t *length) {
    uint32_t n = 0;
    const char *found = NULL;
    for (; dataset && !found; dataset = dataset->outer) {
        if (dataset->outer) {
            found = ml_dataset_find(reader, dataset, ML_TAG_CHARACTER_SET, &n);
        } else if (dataset->chosen && reader->frame->character_set_length) {
            found = reader->in.begin + reader->frame->character_set;
            n = reader->frame->character_set_length;
        }
    }
    while (n && (found[n - 1] == ' ' || found[n - 1] == '\0')) n--;
    *length = n;
    return found;
}

static int is_term(const char *s, size_t n, const char *term) {
    return n == strlen(term) && memcmp(s, term, n) == 0;
}

static void put_latin1(ml_buffer *out, const char *s, size_t n) {
    unsigned char *room = (unsigned char *)ml_buffer_room(out, 2 * n);
    if (!room) return;
    unsigned char *p = room;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c < 0x80) {
            *p++ = c;
        } else {
            *p++ = (unsigned char)(0xC0 | c >> 6);
            *p++ = (unsigned char)(0x80 | (c & 0x3F));
        }
    }
    out->length += (size_t)(p - room);
}

/* UTF-8 as it stands, each byte that is none as U+FFFD. Returns whether there was one. */
static int put_utf8(ml_buffer *out, const char *s, size_t n) {
    const char *p = s, *end = s + n;
    int bad = 0;
    while (p < end) {
        const char *stop = ml_utf8_check(p, end);
        ml_put(out, p, (size_t)(stop - p));
        p = stop;
        if (p == end) break;
        ML_PUT(out, "\xEF\xBF\xBD");
        bad = 1;
        for (p++; p < end && ((unsigned char)*p & 0xC0) == 0x80; p++) {
        }
    }
    return bad;
}

/* A value's text as UTF-8 in reader->text. Returns 0 without memory; *bad: not all of it is in its character set. */
static int decode(ml_part10 *reader, const ml_dataset *dataset, ml_vr vr, const char *s, size_t n, int *bad) {
    ml_buffer *out = &reader->text;
    out->length = 0;
    *bad = 0;
    size_t length = 0;
    const char *set = is_in_character_set(vr) ? character_set_of(reader, dataset, &length) : NULL;
    if (!length || is_term(set, length, "ISO_IR 6")) {
        put_latin1(out, s, n);
        *bad = 1;
    } else if (is_term(set, length, "ISO_IR 100")) {
        put_latin1(out, s, n);
    } else if (is_term(set, length, "ISO_IR 192")) {
        *bad = put_utf8(out, s, n);
    } else if (reader->options.decode) {
        int done = reader->options.decode(reader->options.context, s, n, vr, set, length, out);
        *bad = done == 2;
        return done != 0 && !out->failed;
    } else {
        put_latin1(out, s, n);
        *bad = 1;
    }
    return !out->failed;
}

/* ---- members ---- */

/* VRs of one value, in which a backslash is text (PS3.5 section 6.2). */
static int is_single(ml_vr vr) {
    return vr == ML_VR_LT || vr == ML_VR_ST || vr == ML_VR_UT || vr == ML_VR_UR;
}

static int is_padding(char c) {
    return c == ' ' || c == '\0';
}

/* Padding says nothing at the end of any text; at the beginning it is kept but where nothing could mean it. */
static void trim(ml_vr vr, const char **s, size_t *n) {
    while (*n && is_padding((*s)[*n - 1])) --*n;
    if (vr != ML_VR_DS && vr != ML_VR_IS && vr != ML_VR_AE && vr != ML_VR_UI) return;
    while (*n && is_padding(**s)) {
        ++*s;
        --*n;
    }
}

/* Whether the text of an IS or DS is a number as JSON writes it. */
static int is_json_number(ml_vr vr, const char *s, size_t n) {
    if (ml_number_end(s, s + n) != s + n || ml_may_overflow(s, n)) return 0;
    if (vr == ML_VR_DS) return 1;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '.' || s[i] == 'e' || s[i] == 'E') return 0;
    }
    return 1;
}

/* A person name's groups (PS3.5 section 6.2.1) as the object that DICOM JSON has for them. */
static void put_name(ml_buffer *out, const char *s, size_t n) {
    static const char *const keys[] = {"\"Alphabetic\":", "\"Ideographic\":", "\"Phonetic\":"};
    size_t before = out->length;
    const char *end = s + n;
    ml_put_char(out, '{');
    for (int i = 0; i < 3 && s <= end; i++) {
        const char *stop = memchr(s, '=', (size_t)(end - s));
        if (!stop) stop = end;
        if (stop > s) {
            if (out->length > before + 1) ml_put_char(out, ',');
            ml_put(out, keys[i], strlen(keys[i]));
            ml_put_escaped(out, s, (size_t)(stop - s));
        }
        s = stop + 1;
    }
    if (out->length == before + 1) {
        out->length = before;
        ML_PUT(out, "null");
    } else {
        ml_put_char(out, '}');
    }
}

static void put_member(ml_buffer *out, ml_vr vr, const char *s, size_t n) {
    if (!n) {
        ML_PUT(out, "null");
    } else if (vr == ML_VR_PN) {
        put_name(out, s, n);
    } else if ((vr == ML_VR_DS || vr == ML_VR_IS) && is_json_number(vr, s, n)) {
        ml_put(out, s, n);
    } else {
        ml_put_escaped(out, s, n);
    }
}

/* Writes the members of a value, which is UTF-8, to reader->list. Returns how many there are. */
static size_t put_members(ml_part10 *reader, ml_vr vr, const char *s, size_t n) {
    const char *end = s + n;
    size_t count = 0;
    reader->list.length = 0;
    for (;;) {
        const char *stop = is_single(vr) ? NULL : memchr(s, '\\', (size_t)(end - s));
        if (!stop) stop = end;
        const char *member = s;
        size_t length = (size_t)(stop - s);
        trim(vr, &member, &length);
        if (count++) ml_put_char(&reader->list, ',');
        put_member(&reader->list, vr, member, length);
        if (stop == end) return count;
        s = stop + 1;
    }
}

static uint32_t take(ml_part10 *reader, ml_table *table, uint32_t column, ml_form form, ml_vr vr, const char *s,
                     size_t n, unsigned has, const char *at) {
    return ml_take_value(&reader->in, table, column, form, vr, s, n, has, at);
}

uint32_t ml_take_text(ml_part10 *reader, ml_table *table, uint32_t column, const ml_dataset *dataset, ml_vr vr,
                      const char *value, size_t length) {
    ml_intake *in = &reader->in;
    const char *s = value, *at = value;
    size_t n = length;
    trim(vr, &s, &n);
    if (!n) return take(reader, table, column, ML_FORM_EMPTY, vr, NULL, 0, 0, at);
    unsigned kinds = kinds_in(s, n);
    int number = vr == ML_VR_DS || vr == ML_VR_IS;
    if (ML_LIKELY(!kinds) && vr != ML_VR_PN) {
        if (!number) return take(reader, table, column, ML_FORM_STRING, vr, s, n, 0, at);
        if (is_json_number(vr, s, n)) return take(reader, table, column, ML_FORM_NUMBER, vr, s, n, ML_HAS_NUMBER, at);
        return take(reader, table, column, ML_FORM_STRING, vr, s, n, ML_HAS_STRING, at);
    }
    int bad = 0;
    if (kinds & (HAS_HIGH | HAS_SHIFT)) {
        if (!decode(reader, dataset, vr, s, n, &bad)) {
            ml_fail(in, ML_E_MEMORY, at);
            return ML_NO_INDEX;
        }
        s = reader->text.data;
        n = reader->text.length;
    }
    size_t count = put_members(reader, vr, s, n);
    if (reader->list.failed) {
        ml_fail(in, ML_E_MEMORY, at);
        return ML_NO_INDEX;
    }
    const char *list = reader->list.data;
    size_t size = reader->list.length;
    uint32_t cell;
    if (count == 1 && size == 4 && list[0] == 'n') {
        cell = take(reader, table, column, ML_FORM_EMPTY, vr, NULL, 0, 0, at); /* a name of nothing but "=" */
    } else if (count == 1 && vr != ML_VR_PN && !(kinds & HAS_ESCAPE) && list[0] == '"' && !memchr(list, '\\', size)) {
        cell = take(reader, table, column, ML_FORM_STRING, vr, list + 1, size - 2, ML_HAS_STRING, at);
    } else if (count == 1 && number && list[0] != '"') {
        cell = take(reader, table, column, ML_FORM_NUMBER, vr, list, size, ML_HAS_NUMBER, at);
    } else {
        cell = take(reader, table, column, ML_FORM_LIST, vr, list, size, number ? ML_HAS_STRING : 0, at);
    }
    if (bad && cell != ML_NO_INDEX && !ml_note_problem(in, table, column, ML_P_CHARACTER_SET, at)) return ML_NO_INDEX;
    return cell;
}
