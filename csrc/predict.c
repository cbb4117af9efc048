/*
 * predict.c: the few templates of a table; how they are followed is in row.c.
 */
#include "predict.h"

#include <stdlib.h>

static void template_free(ml_template *template) {
    free(template->start); /* one block with column and cell */
    free(template->element);
    free(template->copy);
}

void ml_templates_free(ml_templates *templates) {
    if (!templates) return;
    for (uint32_t i = 0; i < templates->count; i++) template_free(&templates->kept[i]);
    free(templates->kept);
    template_free(&templates->building);
    free(templates);
}

ml_templates *ml_table_templates(ml_table *table) {
    if (!table->templates) {
        table->templates = calloc(1, sizeof *table->templates);
        if (table->templates) table->templates->last_shape = ML_NO_INDEX;
    }
    return table->templates;
}

static ml_template *of_shape(ml_templates *templates, uint32_t shape, uint32_t generation) {
    for (uint32_t i = 0; i < templates->count; i++) {
        ml_template *template = &templates->kept[i];
        if (template->shape == shape && template->generation == generation) return template;
    }
    return NULL;
}

ml_template *ml_likely_template(ml_table *table, uint32_t generation) {
    ml_templates *templates = table->templates;
    if (templates->last_shape == ML_NO_INDEX) return NULL;
    uint32_t next = table->shapes[templates->last_shape].successor;
    ml_template *template = next == ML_NO_INDEX ? NULL : of_shape(templates, next, generation);
    return template ? template : of_shape(templates, templates->last_shape, generation);
}

int ml_template_reserve(ml_template *template) {
    uint32_t count = template->count;
    if (count < template->capacity) return 1;
    size_t capacity = ml_grown(template->capacity, (size_t)count + 1, 4);
    if (capacity > UINT32_MAX / 4) return 0;
    uint32_t *block = malloc(3 * capacity * sizeof *block);
    ml_element *element = realloc(template->element, capacity * sizeof *element);
    if (element) template->element = element;
    if (!block || !element) {
        free(block);
        return 0;
    }
    if (count) {
        memcpy(block, template->start, count * sizeof *block);
        memcpy(block + capacity, template->column, count * sizeof *block);
        memcpy(block + 2 * capacity, template->cell, count * sizeof *block);
    }
    free(template->start);
    template->start = block;
    template->column = block + capacity;
    template->cell = block + 2 * capacity;
    template->capacity = (uint32_t)capacity;
    return 1;
}

void ml_keep_template(ml_table *table, uint32_t shape) {
    ml_templates *templates = table->templates;
    ml_template *place = of_shape(templates, shape, templates->building.generation);
    if (!place && templates->count < ML_TEMPLATES) {
        ml_template *kept = realloc(templates->kept, (templates->count + 1) * sizeof *kept);
        if (kept) {
            templates->kept = kept;
            place = &kept[templates->count++];
            memset(place, 0, sizeof *place);
        }
    }
    if (!place && templates->count) {
        place = &templates->kept[templates->turn % templates->count];
        templates->turn++;
    }
    if (!place) return; /* no memory: the next row does without */
    ml_template old = *place;
    *place = templates->building;
    place->shape = shape;
    templates->building = old;
    templates->building.generation = 0;
}

void ml_void_template(ml_table *table, uint32_t shape) {
    for (uint32_t i = 0; i < table->templates->count; i++) {
        if (table->templates->kept[i].shape == shape) table->templates->kept[i].generation = 0;
    }
}

/* Has a template's row copied; 0 without memory. */
static int take_along(ml_template *template) {
    if (template->base == template->copy) return 1;
    if (template->length > template->copy_capacity) {
        size_t capacity = ml_grown(template->copy_capacity, template->length, 256);
        char *copy = malloc(capacity);
        if (!copy) return 0;
        free(template->copy);
        template->copy = copy;
        template->copy_capacity = capacity;
    }
    memcpy(template->copy, template->base, template->length);
    template->base = template->copy;
    return 1;
}

void ml_move_templates(ml_table *table, uint32_t from, uint32_t to, size_t most) {
    ml_templates *templates = table->templates;
    for (uint32_t i = 0; templates && i < templates->count; i++) {
        ml_template *template = &templates->kept[i];
        if (template->generation != from) continue;
        template->generation = template->length <= most && take_along(template) ? to : 0;
    }
}

void ml_note_shape(ml_table *table, uint32_t shape) {
    ml_templates *templates = table->templates;
    if (templates->last_shape != ML_NO_INDEX) table->shapes[templates->last_shape].successor = shape;
    templates->last_shape = shape;
}
