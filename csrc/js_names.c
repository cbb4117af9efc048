/*
 * js_names.c: names and order as JavaScript objects have them (reference: dcmjs 0.52, and the language's own order of
 * keys).
 */
#include "js_names.h"
#include "text.h"

enum { MANY_SHARING = 64 };

/* One attribute under the name dcmjs gives it. */
typedef struct js_name {
    const ml_column *column;
    const char *name; /* NULL: the tag, in digits */
    size_t length;
    char digits[8];
    const ml_dcmjs_entry *entry;
    uint32_t slot;
    uint32_t order; /* rank of a key that looks like an integer, from 1; 0: another key */
} js_name;

/* Whether JavaScript takes a key for an array index: digits without a leading zero (eight of them are always small
 * enough). */
static uint32_t integer_key(const char *s, size_t n) {
    uint32_t value = 0;
    if (n == 0 || n > 9 || s[0] == '0') return n == 1 && s[0] == '0';
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9') return 0;
        value = value * 10 + (uint32_t)(s[i] - '0');
    }
    return value + 1;
}

static void name_column(const ml_table *table, const ml_column *column, js_name *out) {
    size_t n;
    const char *key = ml_column_key(table->document, column, out->digits, &n);
    out->column = column;
    out->order = integer_key(key, n);
    /* a keyword as key is no tag to dcmjs: it has no entry, and stays as it is */
    int is_tag = column->primary != ML_NO_INDEX && (n == 8 || n == 11) && (n == 11 ? key[0] == '(' : 1);
    uint32_t tag;
    int canonical;
    if (is_tag && n == 8) is_tag = ml_parse_tag(key, &tag, &canonical);
    out->entry = is_tag ? ml_dcmjs_find(column->tag) : NULL;
    out->name = out->entry ? out->entry->name : key == out->digits ? NULL : key;
    out->length = out->entry ? out->entry->name_length : n;
}

static const char *name_of(const js_name *cell) {
    return cell->name ? cell->name : cell->digits;
}

static int same_name(const js_name *a, const js_name *b) {
    return a->length == b->length && memcmp(name_of(a), name_of(b), a->length) == 0;
}

/* Names are shared within the ranges that dcmjs folds, among the retired attributes without keyword (all called
 * RETIRED_undefined), and with odd keys. */
static int may_share(const js_name *n) {
    uint32_t group = n->column->tag >> 24;
    return n->column->key || group == 0x50 || group == 0x60 || group == 0x7F || (n->entry && n->length == 17);
}

/* Integer-like keys first, ascending; everything else as it came. */
static int compare_order(const void *a, const void *b) {
    const js_name *x = a, *y = b;
    uint32_t rank_x = x->order ? x->order : UINT32_MAX, rank_y = y->order ? y->order : UINT32_MAX;
    if (rank_x != rank_y) return rank_x < rank_y ? -1 : 1;
    return x->slot < y->slot ? -1 : x->slot > y->slot;
}

/* Whether two of them have one name, or one is called _vrMap. */
static int is_odd(const js_name *list, uint32_t count) {
    uint32_t sharing = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!may_share(&list[i])) continue;
        if (list[i].length == 6 && memcmp(name_of(&list[i]), "_vrMap", 6) == 0) return 1;
        if (++sharing > MANY_SHARING) return 1; /* not worth the pairwise comparison */
        for (uint32_t j = 0; j < count; j++) {
            if (j != i && same_name(&list[i], &list[j])) return 1;
        }
    }
    return 0;
}

/* Adds an attribute, or _vrMap where name is NULL, to the plan. */
static void add(ml_plan *plan, const js_name *name) {
    ml_planned *planned = &plan->order[plan->count++];
    if (!name) {
        *planned = (ml_planned){ML_NO_INDEX, NULL, NULL, 0, 0};
        return;
    }
    uint32_t key = (uint32_t)plan->keys.length;
    if (name->entry) {
        ml_put_quoted(&plan->keys, name->name, name->length);
    } else {
        ml_put_escaped(&plan->keys, name_of(name), name->length);
    }
    ml_put_char(&plan->keys, ':');
    *planned = (ml_planned){name->slot, name->column, name->entry, key, (uint32_t)plan->keys.length - key};
}

int ml_plan_js(ml_plan *plan, int vr_map) {
    uint32_t width = plan->shape->width;
    js_name *names = malloc((width ? width : 1) * sizeof *names);
    plan->order = malloc((width + 1) * sizeof *plan->order);
    if (!names || !plan->order) {
        free(names);
        return 0;
    }
    int integers = 0;
    for (uint32_t s = 0; s < width; s++) {
        name_column(plan->table, &plan->table->columns[plan->shape->columns[s]], &names[s]);
        names[s].slot = s;
        integers |= names[s].order != 0;
    }
    if (integers) qsort(names, width, sizeof *names, compare_order);
    plan->odd = is_odd(names, width);
    /* names that look like integers come first on the way out, too */
    for (uint32_t s = 0; integers && s < width; s++) {
        if (names[s].order && !names[s].entry) add(plan, &names[s]);
    }
    if (vr_map) add(plan, NULL);
    for (uint32_t s = 0; s < width; s++) {
        if (!names[s].order || names[s].entry) add(plan, &names[s]);
    }
    free(names);
    return 1;
}
