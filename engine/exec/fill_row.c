/* fill_row.c - the row of fill values that runs ahead of the input, as ClickHouse 26.9 generates rows (probed with several columns,
 * FROM, TO and STALENESS together): the last column steps first, a column that has reached its TO hands over to the one before it,
 * columns behind a stepped one begin at their FROM. Unknown values (NULL, or no FROM) neither step nor compare.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/fill.h"

bool fill_row_before(const fill_row *r, const fill_value *a, const fill_value *b)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (!a[i].known || !b[i].known || fill_equal(&r->columns[i], &a[i], &b[i])) continue;
        return fill_less(&r->columns[i], &a[i], &b[i]);
    }
    return false;
}

void fill_row_from(fill_row *r, uint32_t first)
{
    for (uint32_t i = first; i < r->count; i++) r->values[i] = r->columns[i].from;
}

void fill_row_limit(fill_row *r, const fill_value *last)
{
    for (uint32_t i = 0; i < r->count; i++) {
        const fill_column *c = &r->columns[i];
        r->limits[i] = c->to;
        if (!c->has_staleness || !last || !last[i].known) continue;
        const fill_value stale = fill_add(c, &last[i], &c->staleness);
        if (!c->to.known || fill_less(c, &stale, &c->to)) r->limits[i] = stale;
    }
}

/* The column that steps: the first that has not arrived where it is going. count: none. */
static uint32_t column_to_step(const fill_row *r, const fill_value *next)
{
    for (uint32_t i = 0; i < r->count; i++) {
        const fill_column *c = &r->columns[i];
        const fill_value *border = !r->limits[i].known || (next[i].known && !fill_less(c, &r->limits[i], &next[i])) ? &next[i] : &r->limits[i];
        if (r->values[i].known && border->known && !fill_equal(c, &r->values[i], border)) return i;
    }
    return r->count;
}

/* Column i has arrived at the input's value: those behind it too, unless one of them has its FROM before it (a row to generate now)
 * or behind it (a row to generate after the input's). */
static bool arrive(fill_row *r, const fill_value *next, uint32_t i)
{
    r->given = false;
    for (uint32_t k = i + 1; k < r->count; k++) {
        const fill_column *c = &r->columns[k];
        if (c->from.known && next[k].known && !fill_equal(c, &c->from, &next[k])) {
            fill_row_from(r, k);
            return fill_less(c, &c->from, &next[k]);
        }
        r->values[k] = next[k];
    }
    return false;
}

bool fill_row_next(fill_row *r, const fill_value *next)
{
    const uint32_t at = column_to_step(r, next);
    if (at == r->count) return false;
    const fill_column *c = &r->columns[at];
    if (next[at].known && fill_less(c, &next[at], &r->values[at])) return false;
    if (r->limits[at].known && !fill_less(c, &r->values[at], &r->limits[at])) return false;
    for (uint32_t i = r->count - 1; i > at; i--) { /* a column behind with a TO is filled up first */
        if (!r->values[i].known || !r->limits[i].known) continue;
        const fill_value moved = fill_add(&r->columns[i], &r->values[i], &r->columns[i].step);
        if (!fill_less(&r->columns[i], &moved, &r->limits[i]) || !fill_value_fits(&r->columns[i], &moved)) continue;
        r->values[i] = moved;
        fill_row_from(r, i + 1);
        return true;
    }
    const fill_value moved = fill_add(c, &r->values[at], &c->step);
    if (!fill_value_fits(c, &moved)) return false;
    if (r->limits[at].known && !fill_less(c, &moved, &r->limits[at])) return false;
    if (next[at].known && fill_less(c, &next[at], &moved)) return false;
    r->values[at] = moved;
    if (next[at].known && fill_equal(c, &moved, &next[at])) return arrive(r, next, at);
    fill_row_from(r, at + 1);
    return true;
}

bool fill_row_skip(fill_row *r, const fill_value *next)
{
    for (uint32_t i = 0; i < r->count; i++) {
        const fill_column *c = &r->columns[i];
        if (!r->values[i].known || !next[i].known || fill_equal(c, &r->values[i], &next[i])) continue;
        if (fill_less(c, &next[i], &r->values[i])) return false;
        if (!c->is_float && !c->step.months && !c->step.days) { /* most of the way at once */
            const fn_i128 steps = (next[i].integer - r->values[i].integer) / c->step.integer;
            if (steps > 1) r->values[i].integer += (steps - 1) * c->step.integer;
        }
        for (;;) {
            const fill_value moved = fill_add(c, &r->values[i], &c->step);
            if (fill_less(c, &next[i], &moved) || !fill_value_fits(c, &moved)) break;
            r->values[i] = moved;
        }
        if (fill_equal(c, &r->values[i], &next[i])) return arrive(r, next, i);
        fill_row_from(r, i + 1);
        return false;
    }
    return false;
}
