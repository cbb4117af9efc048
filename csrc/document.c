/*
 * document.c: the documents around the datasets, whole or in pieces.
 *
 * In pieces, input gathers in a buffer until it holds whole datasets; a light pass over the new bytes (brackets and
 * strings only) finds where the last one ends, so that no dataset is scanned twice and nothing is quadratic however
 * small the pieces are. Datasets are scanned in batches: with each batch the buffer moves and prediction starts anew,
 * which a batch of some hundred kilobytes makes unnoticeable.
 */
#include "document.h"

#include <stdlib.h>

#include "scan.h"

enum { PLACE_START, PLACE_OPENED, PLACE_ITEM, PLACE_AFTER_ITEM, PLACE_BETWEEN };
#ifndef ML_BATCH /* tests make it small */
#define ML_BATCH 262144
#endif

/* ---- life ---- */

ml_scan *ml_scan_new(const ml_limits *limits, uint32_t seed, int strict) {
    ml_scan *scan = calloc(1, sizeof *scan);
    if (!scan) return NULL;
    scan->in.document = ml_document_new(seed);
    if (!scan->in.document) {
        free(scan);
        return NULL;
    }
    scan->in.limits = *limits;
    if (scan->in.limits.sequence_depth > ML_PATH_DEPTH - 1) scan->in.limits.sequence_depth = ML_PATH_DEPTH - 1;
    scan->in.strict = strict;
    scan->generation = 1;
    return scan;
}

void ml_scan_free(ml_scan *scan) {
    if (!scan) return;
    ml_document_free(scan->in.document);
    free(scan->in.scratch);
    free(scan->brackets);
    free(scan->changed);
    free(scan->undo);
    free(scan->pending);
    free(scan);
}

const ml_error *ml_scan_error(const ml_scan *scan) {
    return &scan->in.error;
}

ml_document *ml_scan_take(ml_scan *scan) {
    ml_document *document = scan->in.document;
    scan->in.document = NULL;
    ml_document_finish(document);
    return document;
}

/* ---- documents ---- */

enum { SAMPLE_FROM = 8, SAMPLE_TO = 40 };

/*
 * From what the rows of a sample came to: room for what all of the text will, if it goes on like this. Growing step by
 * step would copy everything a few times; and room of about the size that is kept in the end comes from memory that the
 * process has already, where it has freed such a table before.
 */
static void foresee(ml_scan *scan, const char *p) {
    ml_arena *arena = &scan->in.document->arena;
    if (scan->in.document->root.rows == SAMPLE_FROM) {
        scan->sample_used = arena->used;
        scan->sample_at = p;
    } else if (scan->in.document->root.rows == SAMPLE_TO) {
        double rate = (double)(arena->used - scan->sample_used) / (double)(p - scan->sample_at);
        double whole = (double)arena->used + rate * (double)(scan->in.end - p);
        if (rate < 1) ml_arena_reserve(arena, (size_t)(whole * 1.03));
    }
}

/* Scans text[0..n), which ends between datasets unless the input is at fault. */
static int scan_text(ml_scan *scan, const char *text, size_t n) {
    const char *p = text, *end = text + n;
    scan->in.begin = text;
    scan->in.end = end;
    for (;;) {
        scan->in.steps = scan->in.depth = 0;
        p = ml_skip_space(p, end);
        if (p == end) return 1;
        switch (scan->place) {
        case PLACE_START:
        case PLACE_BETWEEN:
            if (*p == '[') {
                scan->place = PLACE_OPENED;
                p++;
                break;
            }
            if (*p != '{') return ml_fail(&scan->in, ML_E_SYNTAX, p) != NULL;
            p = ml_read_row(scan, &scan->in.document->root, p);
            scan->place = PLACE_BETWEEN;
            break;
        case PLACE_OPENED:
            if (*p == ']') {
                scan->place = PLACE_BETWEEN;
                p++;
                break;
            }
            /* fall through */
        case PLACE_ITEM:
            if (*p != '{') {
                /* another value is JSON, but no dataset */
                int json = *p == '[' || *p == '"' || *p == 'n' || *p == 't' || *p == 'f' || *p == '-' ||
                           (*p >= '0' && *p <= '9');
                return ml_fail(&scan->in, json ? ML_E_DATASET : ML_E_SYNTAX, p) != NULL;
            }
            p = ml_read_row(scan, &scan->in.document->root, p);
            if (p && !scan->pending && scan->in.document->root.rows <= SAMPLE_TO) foresee(scan, p);
            scan->place = PLACE_AFTER_ITEM;
            break;
        default:
            if (*p != ',' && *p != ']') return ml_fail(&scan->in, ML_E_SYNTAX, p) != NULL;
            scan->place = *p == ',' ? PLACE_ITEM : PLACE_BETWEEN;
            p++;
        }
        if (!p) return 0;
    }
}

/* The input has ended after what was scanned. */
static int close_input(ml_scan *scan) {
    if (scan->place == PLACE_BETWEEN) return 1;
    return ml_fail(&scan->in, scan->place == PLACE_START ? ML_E_EMPTY : ML_E_TRUNCATED, scan->in.end) != NULL;
}

static size_t byte_order_mark(const char *text, size_t n) {
    return n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

static int check_bytes(ml_scan *scan, uint64_t n) {
    if (n <= scan->in.limits.bytes) return 1;
    scan->in.error.code = ML_E_LIMIT_BYTES;
    scan->in.error.offset = scan->in.limits.bytes;
    scan->in.error.row = scan->in.document->root.rows;
    return 0;
}

int ml_scan_all(ml_scan *scan, const char *text, size_t n) {
    if (!check_bytes(scan, n)) return 0;
    if (!n) text = "";
    size_t mark = byte_order_mark(text, n);
    scan->in.base = mark;
    ml_arena_reserve(&scan->in.document->arena, ml_min(n / 12 + 64, 64 * 1024)); /* saves the first few moves */
    return scan_text(scan, text + mark, n - mark) && close_input(scan);
}

/* ---- pieces ---- */

/* The end of the string that the text is inside of at i, or n; what is left open is noted for the next piece. */
static size_t look_past_string(ml_scan *scan, const char *text, size_t i, size_t n) {
    if (scan->escaped && i < n) {
        scan->escaped = 0;
        i++;
    }
    while (i < n) {
        const char *stop = ml_plain_end(text + i, text + n);
        i = (size_t)(stop - text);
        if (i == n) break;
        if (*stop == '"') {
            scan->in_string = 0;
            return i + 1;
        }
        if (*stop == '\\' && ++i == n) scan->escaped = 1;
        i += i < n; /* what is escaped, or a control character, which the scan will find */
    }
    return n;
}

/* Looks on in the buffer for the end of the last whole dataset (scan->boundary). */
static void look(ml_scan *scan) {
    const char *text = scan->pending;
    size_t i = scan->looked, n = scan->pending_size;
    while (i < n) {
        if (scan->in_string) {
            i = look_past_string(scan, text, i, n);
            continue;
        }
        switch (text[i++]) {
        case '"': scan->in_string = 1; break;
        case '{':
        case '[':
            if (scan->open == 0) scan->in_array = text[i - 1] == '[';
            scan->open++;
            break;
        case '}':
        case ']':
            if (scan->open) scan->open--;
            if (scan->open <= scan->in_array) scan->boundary = i;
            break;
        default: break;
        }
    }
    scan->looked = n;
}

/* Scans the buffer's first n bytes and drops them. */
static int scan_pending(ml_scan *scan, size_t n) {
    int ok = scan_text(scan, scan->pending, n);
    scan->in.base += n;
    scan->pending_size -= n;
    scan->looked -= n;
    scan->boundary = 0;
    memmove(scan->pending, scan->pending + n, scan->pending_size);
    scan->generation++;
    return ok;
}

int ml_scan_feed(ml_scan *scan, const char *text, size_t n) {
    if (scan->in.error.code != ML_OK) return 0;
    scan->total += n;
    if (!check_bytes(scan, scan->total)) return 0;
    if (scan->pending_size + n > scan->pending_capacity) {
        size_t capacity = ml_grown(scan->pending_capacity, scan->pending_size + n, 4096);
        char *pending = realloc(scan->pending, capacity);
        if (!pending) {
            scan->in.error.code = ML_E_MEMORY;
            return 0;
        }
        scan->pending = pending;
        scan->pending_capacity = capacity;
    }
    if (n) memcpy(scan->pending + scan->pending_size, text, n);
    scan->pending_size += n;
    if (scan->place == PLACE_START && scan->in.base == 0) {
        if (scan->pending_size < 3) return 1; /* may be the beginning of a byte order mark */
        size_t mark = byte_order_mark(scan->pending, scan->pending_size);
        if (mark) {
            scan->pending_size -= mark;
            memmove(scan->pending, scan->pending + mark, scan->pending_size);
            scan->in.base = mark;
        }
    }
    look(scan);
    return scan->boundary < ML_BATCH ? 1 : scan_pending(scan, scan->boundary);
}

int ml_scan_end(ml_scan *scan) {
    if (scan->in.error.code != ML_OK) return 0;
    if (scan->pending_size && !scan_pending(scan, scan->pending_size)) return 0;
    scan->in.begin = scan->in.end = scan->pending;
    return close_input(scan);
}
