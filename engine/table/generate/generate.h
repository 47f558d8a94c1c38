/* generate/generate.h - table functions whose rows are computed, not stored. Constructors for engine/query, which evaluates the
 * arguments. Each gives one reference to a read-only table.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_GENERATE_H
#define FIRN_GENERATE_H
#include "table/table.h"

/* numbers(), numbers_mt(), generate_series(): `count` values from `start` in steps of `step` (UInt64, wraps) in one column.
 * column: "number", "generate_series". count UINT64_MAX: without end (system.numbers). engine: static text for the name. */
fn_status numbers_table_new(fn_ctx *ctx, const char *engine, const char *column, uint64_t start, uint64_t count, uint64_t step, table **out) FN_MUST_USE;
/* How many values generate_series(start, stop, step) has, stop included. BAD_ARGUMENTS (36) for step 0. */
fn_status series_count(fn_ctx *ctx, uint64_t start, uint64_t stop, uint64_t step, uint64_t *out) FN_MUST_USE;
/* zeros(), zeros_mt(): `count` rows of UInt8 0 in the column "zero". */
fn_status zeros_table_new(fn_ctx *ctx, const char *engine, uint64_t count, table **out) FN_MUST_USE;

/* generateRandom(structure, seed, max_string_length, max_array_length): endless rows, the same ones for the same seed. */
typedef struct random_options {
    uint64_t seed;
    uint64_t max_string_length, max_array_length; /* 10 each by default */
} random_options;
/* NOT_IMPLEMENTED (48) names a type that has no random values. */
fn_status random_table_new(fn_ctx *ctx, const fn_schema *structure, const random_options *options, table **out) FN_MUST_USE;
#endif
