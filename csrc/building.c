/*
 * building.c: a row that is put together element by element.
 *
 * Attributes that come twice are found by a stamp: each column remembers the row it was last seen in.
 */
#include "building.h"

uint32_t ml_begin_building(ml_table *table) {
    table->templates->building.count = 0;
    if (++table->stamp == 0) {
        for (uint32_t c = 0; c < table->column_count; c++) table->columns[c].seen_row = 0;
        table->stamp = 1;
    }
    return table->stamp;
}

int ml_put_element(ml_intake *in, ml_table *table, uint32_t stamp, uint32_t column, uint32_t cell, uint32_t start,
                   const ml_element *element, int *twice, const char *at) {
    ml_template *b = &table->templates->building;
    ml_column *c = &table->columns[column];
    ml_column *primary = c->primary == ML_NO_INDEX ? c : &table->columns[c->primary];
    if (ML_UNLIKELY(primary->seen_row == stamp)) {
        *twice = 1;
        if (!ml_note_problem(in, table, column, ML_P_DUPLICATE, at)) return 0;
        b->column[primary->seen_position] = column;
        b->cell[primary->seen_position] = cell;
        return 1;
    }
    if (!ml_template_reserve(b)) {
        ml_fail(in, ML_E_MEMORY, at);
        return 0;
    }
    primary->seen_row = stamp;
    primary->seen_position = b->count;
    b->start[b->count] = start;
    b->column[b->count] = column;
    b->cell[b->count] = cell;
    b->element[b->count] = *element;
    b->count++;
    return 1;
}

uint32_t ml_add_building(ml_intake *in, ml_table *table, const char *at) {
    ml_template *b = &table->templates->building;
    uint32_t shape = ml_table_shape(table, b->column, b->count);
    if (shape == ML_NO_INDEX || !ml_table_add_row(table, shape, b->cell)) {
        ml_fail(in, ML_E_MEMORY, at);
        return ML_NO_INDEX;
    }
    ml_note_shape(table, shape);
    return shape;
}
