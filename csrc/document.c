/*
 * document.c: the documents around the datasets, whole or in pieces.
 *
 * In pieces, input is scanned as if it were whole as far as it goes: gathered until it is a batch, or, where a piece is
 * as long as that, from where the caller has it. A row is followed without knowing whether all of it is here (row.c);
 * only where it is unlike the one before, a look ahead tells (look.h). The row that is cut is what the next batch
 * begins with, and the templates take their texts along, so that pieces cost one copy and a row read twice a batch.
 */
#include "document.h"

#include <stdlib.h>

#include "scan.h"

enum { PLACE_START, PLACE_OPENED, PLACE_ITEM, PLACE_AFTER_ITEM, PLACE_BETWEEN };
#ifndef ML_BATCH /* tests make it small */
#define ML_BATCH 262144
#endif
#ifndef ML_KEPT /* bytes of a row that is kept for the next batch's rows to follow; tests make it small */
#define ML_KEPT (1 << 20)
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

/* Whether the row at p is known to be whole as far as it may matter; 0 when the next piece has to come first. */
static int may_read(ml_scan *scan, const char *p) {
    scan->unsure = scan->growing && !scan->look.looked;
    if (!scan->growing || scan->unsure) return 1;
    if (!ml_look_on(&scan->look, p, (size_t)(scan->in.end - p))) return 0;
    scan->look = (ml_look){0};
    return 1;
}

/*
 * Scans text[0..n), which ends between datasets unless the input is at fault, or goes on. Returns the position after
 * what was read: in input that goes on, the beginning of the row that is not whole, or the end. NULL after an error.
 */
static const char *scan_text(ml_scan *scan, const char *text, size_t n) {
    const char *p = text, *end = text + n;
    scan->in.begin = text;
    scan->in.end = end;
    for (;;) {
        scan->in.steps = scan->in.depth = 0;
        p = ml_skip_space(p, end);
        if (p == end) return p;
        const char *row = p;
        switch (scan->place) {
        case PLACE_START:
        case PLACE_BETWEEN:
            if (*p == '[') {
                scan->place = PLACE_OPENED;
                p++;
                break;
            }
            if (*p != '{') return ml_fail(&scan->in, ML_E_SYNTAX, p);
            if (!may_read(scan, p)) return p;
            p = ml_read_row(scan, &scan->in.document->root, p);
            if (p) scan->place = PLACE_BETWEEN;
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
                return ml_fail(&scan->in, json ? ML_E_DATASET : ML_E_SYNTAX, p);
            }
            if (!may_read(scan, p)) return p;
            p = ml_read_row(scan, &scan->in.document->root, p);
            if (p && !scan->growing && scan->in.document->root.rows <= SAMPLE_TO) foresee(scan, p);
            if (p) scan->place = PLACE_AFTER_ITEM;
            break;
        default:
            if (*p != ',' && *p != ']') return ml_fail(&scan->in, ML_E_SYNTAX, p);
            scan->place = *p == ',' ? PLACE_ITEM : PLACE_BETWEEN;
            p++;
        }
        if (!p) return scan->in.error.code == ML_OK ? row : NULL;
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

/* Scans of text[0..n), with which the input at hand begins, what is whole; *used tells how much that is. */
static int scan_batch(ml_scan *scan, const char *text, size_t n, size_t *used) {
    const char *p = scan_text(scan, text, n);
    if (!p) return 0;
    *used = (size_t)(p - text);
    scan->in.base += *used;
    ml_move_templates(&scan->in.document->root, scan->generation, scan->generation + 1, ML_KEPT);
    scan->generation++;
    return 1;
}

static int append(ml_scan *scan, const char *text, size_t n) {
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
    return 1;
}

/* Feeds what may come after a byte order mark. */
static int feed(ml_scan *scan, const char *text, size_t n) {
    for (;;) {
        size_t used, wanted = ml_grown(scan->cut_size, ML_BATCH, ML_BATCH);
        if (!scan->pending_size && n >= wanted) {
            if (!scan_batch(scan, text, n, &used)) return 0;
            scan->cut_size = n - used;
            return append(scan, text + used, n - used);
        }
        size_t more = ml_min(n, wanted > scan->pending_size ? wanted - scan->pending_size : 0);
        if (!append(scan, text, more)) return 0;
        text += more;
        n -= more;
        if (scan->pending_size < wanted) return 1;
        if (!scan_batch(scan, scan->pending, scan->pending_size, &used)) return 0;
        size_t left = scan->cut_size = scan->pending_size - used;
        if (used && left <= more) { /* go on where the caller has it */
            text -= left;
            n += left;
            left = 0;
        } else if (used) {
            memmove(scan->pending, scan->pending + used, left);
        }
        scan->pending_size = left;
    }
}

int ml_scan_feed(ml_scan *scan, const char *text, size_t n) {
    if (scan->in.error.code != ML_OK) return 0;
    scan->total += n;
    if (!check_bytes(scan, scan->total)) return 0;
    if (!scan->growing) { /* what came so far may be the beginning of a byte order mark */
        size_t first = ml_min(n, 3 - scan->pending_size);
        if (!append(scan, text, first)) return 0;
        if (scan->pending_size < 3) return 1;
        scan->growing = 1;
        scan->in.base = byte_order_mark(scan->pending, 3);
        scan->pending_size -= scan->in.base;
        text += first;
        n -= first;
    }
    return feed(scan, text, n);
}

int ml_scan_end(ml_scan *scan) {
    if (scan->in.error.code != ML_OK) return 0;
    scan->growing = 0;
    scan->in.begin = scan->in.end = scan->pending;
    return (!scan->pending_size || scan_text(scan, scan->pending, scan->pending_size)) && close_input(scan);
}
