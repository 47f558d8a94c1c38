/* generate/generator.h - a table whose columns are functions of the row number: what numbers, zeros and generateRandom share.
 * Workers take ranges of rows from a counter; a generator only says what a column's values are.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_GENERATOR_H
#define FIRN_GENERATOR_H
#include "table/generate/generate.h"

typedef struct generator generator;
/* Rows [first, first + rows) of a column; one new reference. Any thread. */
typedef fn_status generator_column(const generator *g, fn_ctx *ctx, uint32_t column, uint64_t first, uint32_t rows, fn_column **out);
struct generator {
    table base;
    uint64_t rows;   /* UINT64_MAX: without end */
    uint32_t block_rows;
    generator_column *column;
    uint64_t start, step; /* numbers */
    random_options random;
};
/* `model` is copied; its base is filled here. */
fn_status generator_new(fn_ctx *ctx, const char *engine, const fn_schema *columns, const generator *model, table **out) FN_MUST_USE;
#endif
