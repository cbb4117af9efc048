/*
 * write.c: what all dialects share: plans of shapes, and copying what was written before; see write.h.
 *
 * A row's text is a run of fragments `"Key":value,`, one an attribute. Of the row of the same shape that was written
 * before, it is known where in the output each fragment begins. So a row is written as the runs of fragments whose
 * cells have not changed, copied as they stand, and the few that have. The comma of the last fragment is overwritten by
 * the closing brace, and put back when that fragment is copied.
 */
#include "write.h"

enum { MAX_PLANS = 4096 /* beyond, plans start anew: rows of unlike make-up gain nothing from them */ };

struct ml_writer {
    ml_buffer buffer;
    const ml_style *style;
    ml_plan **plans; /* open addressing by table and shape */
    uint32_t mask, count;
    uint32_t generation; /* of what plans know of the buffer */
};

static const ml_style *const styles[ML_DIALECT_COUNT] = {
    [ML_DIALECT_DICOM] = &ml_style_dicom,
    [ML_DIALECT_SPELLED] = &ml_style_spelled,
    [ML_DIALECT_NATURAL] = &ml_style_natural,
    [ML_DIALECT_DCMJS] = &ml_style_dcmjs,
    [ML_DIALECT_CORNERSTONE] = &ml_style_cornerstone,
};

ml_writer *ml_writer_new(ml_dialect dialect) {
    ml_writer *writer = calloc(1, sizeof *writer);
    if (!writer) return NULL;
    writer->style = styles[dialect];
    writer->generation = 1;
    return writer;
}

ml_buffer *ml_writer_buffer(ml_writer *writer) {
    return &writer->buffer;
}

static void plan_free(ml_plan *plan) {
    if (!plan) return;
    free(plan->order);
    free(plan->keys.data);
    free(plan->changing);
    free(plan->cell);
    free(plan->at);
    free(plan);
}

static void plans_free(ml_writer *writer) {
    for (uint32_t i = 0; writer->plans && i <= writer->mask; i++) plan_free(writer->plans[i]);
    free(writer->plans);
    writer->plans = NULL;
    writer->mask = writer->count = 0;
}

void ml_writer_free(ml_writer *writer) {
    if (!writer) return;
    plans_free(writer);
    free(writer->buffer.data);
    free(writer);
}

/* ---- plans ---- */

int ml_plan_slots(ml_plan *plan,
                  void (*put_key)(ml_buffer *keys, const ml_document *document, const ml_column *column)) {
    uint32_t width = plan->shape->width;
    plan->order = malloc((width ? width : 1) * sizeof *plan->order);
    if (!plan->order) return 0;
    for (uint32_t s = 0; s < width; s++) {
        const ml_column *column = &plan->table->columns[plan->shape->columns[s]];
        uint32_t key = (uint32_t)plan->keys.length;
        put_key(&plan->keys, plan->table->document, column);
        ml_put_char(&plan->keys, ':');
        plan->order[s] = (ml_planned){s, column, NULL, key, (uint32_t)plan->keys.length - key};
    }
    plan->count = width;
    return 1;
}

/* The positions whose cells vary; a _vrMap may change with any of them. */
static void note_changing(ml_plan *plan) {
    for (uint32_t i = 0; i < plan->count; i++) {
        uint32_t slot = plan->order[i].slot;
        int varies = slot != ML_NO_INDEX && plan->shape->cells && plan->shape->cells[slot];
        if (varies) plan->changing[plan->changing_count++] = i;
    }
}

static ml_plan *plan_new(ml_writer *writer, const ml_table *table, const ml_shape *shape) {
    ml_plan *plan = calloc(1, sizeof *plan);
    if (!plan) return NULL;
    plan->table = table;
    plan->shape = shape;
    if (writer->style->plan(plan) && !plan->keys.failed) {
        /* a hostile document has as many plans as tables, most of them of few keys */
        char *keys = plan->keys.length ? realloc(plan->keys.data, plan->keys.length) : NULL;
        if (keys) plan->keys.data = keys;
        size_t count = plan->count ? plan->count : 1;
        plan->changing = malloc(2 * count * sizeof *plan->changing);
        plan->cell = malloc(count * sizeof *plan->cell);
        plan->at = malloc((count + 1) * sizeof *plan->at);
        if (plan->changing && plan->cell && plan->at) {
            plan->changed = plan->changing + count;
            note_changing(plan);
            return plan;
        }
    }
    plan_free(plan);
    return NULL;
}

static uint32_t plan_hash(const ml_table *table, const ml_shape *shape) {
    uint64_t h = ((uint64_t)(uintptr_t)table >> 4) * 0x9E3779B97F4A7C15ULL ^
                 ((uint64_t)(uintptr_t)shape >> 4) * 0xD6E8FEB86659FD93ULL;
    return (uint32_t)(h >> 32);
}

static void plans_put(ml_writer *writer, ml_plan *plan) {
    uint32_t i = plan_hash(plan->table, plan->shape) & writer->mask;
    while (writer->plans[i]) i = (i + 1) & writer->mask;
    writer->plans[i] = plan;
}

static ml_plan *plan_of(ml_writer *writer, const ml_table *table, const ml_shape *shape) {
    if (writer->plans) {
        for (uint32_t i = plan_hash(table, shape) & writer->mask; writer->plans[i]; i = (i + 1) & writer->mask) {
            if (writer->plans[i]->shape == shape && writer->plans[i]->table == table) return writer->plans[i];
        }
    }
    if (!writer->plans || writer->count * 2 > writer->mask) {
        ml_plan **old = writer->plans;
        uint32_t size = old ? writer->mask + 1 : 0;
        ml_plan **plans = calloc(size ? size * 2 : 16, sizeof *plans);
        if (!plans) return NULL;
        writer->plans = plans;
        writer->mask = size ? size * 2 - 1 : 15;
        for (uint32_t i = 0; i < size; i++) {
            if (old[i]) plans_put(writer, old[i]);
        }
        free(old);
    }
    ml_plan *plan = plan_new(writer, table, shape);
    if (!plan) return NULL;
    plans_put(writer, plan);
    writer->count++;
    return plan;
}

/* ---- rows ---- */

/* Appends what stands at an earlier place of the buffer; after a want of memory the places known are no longer true. */
static void put_again(ml_buffer *buffer, size_t from, size_t n) {
    if (!n || buffer->failed) return;
    char *room = ml_buffer_room(buffer, n);
    if (!room) return;
    memcpy(room, buffer->data + from, n);
    buffer->length += n;
}

/* dcmjs' note of the VRs that are not its dictionary's. */
static void put_vr_map(ml_buffer *buffer, const ml_plan *plan) {
    int some = 0;
    ML_PUT(buffer, "\"_vrMap\":{");
    for (uint32_t i = 0; i < plan->count; i++) {
        const ml_planned *planned = &plan->order[i];
        if (!planned->entry) continue;
        ml_value value = ml_value_at(plan->table->document, planned->column, plan->cell[i]);
        const char *vr = ml_vr_name(value.vr);
        if (value.vr == ML_VR_NONE || strcmp(vr, planned->entry->vr) == 0) continue;
        if (some++) ml_put_char(buffer, ',');
        ml_put(buffer, plan->keys.data + planned->key, planned->key_length);
        ml_put_quoted(buffer, vr, 2);
    }
    ml_put_char(buffer, '}');
}

/* Writes the fragment of one position; 0 when it is odd. */
static int put_fragment(ml_writer *writer, ml_plan *plan, uint32_t i) {
    ml_buffer *buffer = &writer->buffer;
    const ml_planned *planned = &plan->order[i];
    size_t before = buffer->length;
    if (planned->slot == ML_NO_INDEX) {
        put_vr_map(buffer, plan);
        ml_put_char(buffer, ',');
        return 1;
    }
    ml_put(buffer, plan->keys.data + planned->key, planned->key_length);
    ml_value value = ml_value_at(plan->table->document, planned->column, plan->cell[i]);
    switch (writer->style->value(writer, planned, &value)) {
    case ML_WRITTEN: ml_put_char(buffer, ','); return 1;
    case ML_WRITTEN_NOT: buffer->length = before; return 1;
    default: return 0;
    }
}

/* Takes over the row's cells; what has changed since the last row is listed in plan->changed. */
static uint32_t take_cells(ml_plan *plan, uint32_t index) {
    const ml_shape *shape = plan->shape;
    uint32_t changed = 0;
    int vrs = 0;
    for (uint32_t k = 0; k < plan->changing_count; k++) {
        uint32_t i = plan->changing[k], cell = shape->cells[plan->order[i].slot][index];
        if (cell == plan->cell[i]) continue;
        if (plan->order[i].entry && !vrs) {
            const ml_document *document = plan->table->document;
            vrs = ml_value_at(document, plan->order[i].column, cell).vr !=
                  ml_value_at(document, plan->order[i].column, plan->cell[i]).vr;
        }
        plan->cell[i] = cell;
        plan->changed[changed++] = i;
    }
    return vrs ? ML_NO_INDEX : changed;
}

static int write_all(ml_writer *writer, ml_plan *plan) {
    for (uint32_t i = 0; i < plan->count; i++) {
        plan->at[i] = writer->buffer.length;
        if (!put_fragment(writer, plan, i)) return 0;
    }
    plan->at[plan->count] = writer->buffer.length;
    return 1;
}

static int write_changed(ml_writer *writer, ml_plan *plan, uint32_t changed) {
    ml_buffer *buffer = &writer->buffer;
    uint32_t i = 0;
    for (uint32_t k = 0; k <= changed; k++) {
        uint32_t next = k < changed ? plan->changed[k] : plan->count;
        size_t from = plan->at[i], n = plan->at[next] - from, shift = buffer->length - from;
        put_again(buffer, from, n);
        int mend = i <= plan->last && plan->last < next; /* the fragment that the brace cut short */
        for (; i < next; i++) plan->at[i] += shift;
        if (mend && !buffer->failed) {
            size_t end = plan->last + 1 < next ? plan->at[plan->last + 1] : buffer->length;
            buffer->data[end - 1] = ',';
        }
        if (k == changed) break;
        plan->at[i] = buffer->length;
        if (!put_fragment(writer, plan, i)) return 0;
        /* the old place of the next fragment is still in at[i + 1] */
        i++;
    }
    plan->at[plan->count] = buffer->length;
    return 1;
}

/* The last position that has text; plan->count when none has. */
static uint32_t last_written(const ml_plan *plan) {
    uint32_t i = plan->count;
    while (i > 0 && plan->at[i - 1] == plan->at[plan->count]) i--;
    return i ? i - 1 : plan->count;
}

int ml_write_row(ml_writer *writer, const ml_table *table, uint32_t index) {
    ml_row row = ml_table_row(table, index);
    const ml_shape *shape = &table->shapes[row.shape];
    ml_buffer *buffer = &writer->buffer;
    size_t before = buffer->length;
    if (writer->count > MAX_PLANS && table->depth == 0) plans_free(writer);
    ml_plan *plan = plan_of(writer, table, shape);
    if (!plan) {
        buffer->failed = 1;
        return 1;
    }
    if (plan->odd) return 0;
    ml_put_char(buffer, '{');
    int ok;
    uint32_t changed = plan->generation == writer->generation ? take_cells(plan, row.index) : ML_NO_INDEX;
    if (changed == ML_NO_INDEX) {
        for (uint32_t i = 0; i < plan->count; i++) {
            if (plan->order[i].slot != ML_NO_INDEX)
                plan->cell[i] = ml_shape_cell(shape, plan->order[i].slot, row.index);
        }
        ok = write_all(writer, plan);
    } else {
        ok = write_changed(writer, plan, changed);
    }
    if (!ok) {
        buffer->length = before;
        writer->generation++; /* what plans know of the text that was taken back is void */
        return 0;
    }
    plan->generation = writer->generation;
    plan->last = last_written(plan);
    if (plan->last < plan->count) {
        if (!buffer->failed) buffer->data[buffer->length - 1] = '}';
    } else {
        ml_put_char(buffer, '}');
    }
    return 1;
}

int ml_write_items(ml_writer *writer, const ml_column *column, const ml_value *value) {
    ml_range range = ml_value_range(value);
    for (uint32_t i = 0; i < range.count; i++) {
        if (i) ml_put_char(&writer->buffer, ',');
        if (!ml_write_row(writer, column->child, range.first + i)) return 0;
    }
    return 1;
}

void ml_put_bulk(ml_buffer *buffer, const ml_value *value) {
    if (value->form == ML_FORM_BULK) {
        ML_PUT(buffer, "{\"BulkDataURI\":");
    } else {
        ML_PUT(buffer, "{\"InlineBinary\":");
    }
    ml_put_quoted(buffer, value->text, value->length);
    ml_put_char(buffer, '}');
}

void ml_put_escaped(ml_buffer *buffer, const char *s, size_t n) {
    ml_put_char(buffer, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '"' || c == '\\') {
            ml_put_char(buffer, '\\');
            ml_put_char(buffer, (char)c);
        } else if (c < 0x20) {
            ML_PUT(buffer, "\\u00");
            ml_put_char(buffer, "0123456789abcdef"[c >> 4]);
            ml_put_char(buffer, "0123456789abcdef"[c & 15]);
        } else {
            ml_put_char(buffer, (char)c);
        }
    }
    ml_put_char(buffer, '"');
}
