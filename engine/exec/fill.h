/* exec/fill.h - WITH FILL: the values of fill columns, how they step, and the row of them that runs ahead of the input.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_FILL_H
#define FIRN_EXEC_FILL_H
#include "exec/op.h"

/* A fill column's value: integers, dates (days, seconds, ticks) as integers, floats as they are. */
typedef struct fill_value {
    bool known; /* false: NULL, or no bound given */
    fn_i128 integer;
    double real;
} fill_value;

/* A distance: a number of the column's units, or calendar units. */
typedef struct fill_step {
    fn_i128 integer;
    double real;
    int64_t months, days;  /* one of them, in local time */
} fill_step;

typedef struct fill_column {
    uint32_t column;       /* of the block */
    const fn_type *type;   /* base type */
    bool is_float, descending, has_staleness;
    const fn_tz *zone;
    fill_value from, to;
    fill_step step, staleness;
} fill_column;

/* Reads FROM, TO, STEP and STALENESS of one key. Errors: INVALID_WITH_FILL_EXPRESSION (475). */
fn_status fill_column_init(fn_ctx *ctx, fill_column *c, const plan_sort_key *key, const plan_fill *fill, uint32_t column) FN_MUST_USE;
fill_value fill_value_at(const fill_column *c, const fn_column *column, size_t row);
/* Appends it; what is not known becomes the default. */
fn_status fill_value_put(fn_ctx *ctx, const fill_column *c, const fill_value *v, fn_builder *out) FN_MUST_USE;
bool fill_value_fits(const fill_column *c, const fill_value *v); /* the column's type can hold it */
bool fill_equal(const fill_column *c, const fill_value *a, const fill_value *b);
bool fill_less(const fill_column *c, const fill_value *a, const fill_value *b); /* comes before, in the column's direction */
fill_value fill_add(const fill_column *c, const fill_value *v, const fill_step *s);

/* ---- the row ahead ---- */
typedef struct fill_row {
    const fill_column *columns;
    uint32_t count;
    fill_value *values;    /* generated so far */
    fill_value *limits;    /* rows are generated before these only: TO, or the last row plus STALENESS */
    bool given;            /* the values have been given as a generated row */
} fill_row;
bool fill_row_before(const fill_row *r, const fill_value *a, const fill_value *b); /* a < b, unknown values skipped */
void fill_row_from(fill_row *r, uint32_t first);                      /* values[first..] = FROM */
void fill_row_limit(fill_row *r, const fill_value *last);             /* limits by TO and, from row `last`, STALENESS; last NULL: TO only */
/* Moves on towards `next` (an input row, or TO); true if the values are now a row to be generated. */
bool fill_row_next(fill_row *r, const fill_value *next);
/* Behind a limit: moves on to the last place of the grid that is not behind `next`; true as above. */
bool fill_row_skip(fill_row *r, const fill_value *next);
#endif
