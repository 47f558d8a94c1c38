/* exec/run.h - what the files of this folder share about a run, beyond the operator interface of op.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_RUN_H
#define FIRN_EXEC_RUN_H
#include "exec/op.h"

/* One statement: its subqueries and the main plan run one after another with this in common. */
typedef struct exec_run_state {
    exec_env *env;
    plan_shared **shared; /* subplans made in this statement; their blocks are given back at its end */
    uint32_t shared_count, shared_room;
    _Atomic uint64_t rows_before_limit;
} exec_run_state;

typedef struct exec_worker {
    _Alignas(64) fn_ctx ctx;
} exec_worker;

/* "10.00", "1.50 thousand"; "10.00 B", "2.00 KiB": numbers in messages about limits. */
void run_rows_text(char *out, size_t size, uint64_t n);
void run_bytes_text(char *out, size_t size, uint64_t n);
/* A limit of rows and one of bytes, 0: none. `code` with "Limit for <what> exceeded". */
fn_status run_check_size(fn_ctx *ctx, fn_status code, const char *what, uint64_t rows, uint64_t rows_max, uint64_t bytes, uint64_t bytes_max) FN_MUST_USE;
/* Remembers a shared subplan for the end of the statement. */
fn_status run_keep_shared(fn_ctx *ctx, exec_run_state *s, plan_shared *shared) FN_MUST_USE;

/* A sink that keeps all blocks in its list. rows_enough: stop the input there (0: never). */
fn_status op_collect_new(fn_ctx *ctx, exec *e, const plan *node, uint64_t rows_enough, op **out) FN_MUST_USE;
block_list *op_collect_list(op *collect);

/* Fills the store of a recursive WITH (recursive.c). */
fn_status run_recursive(fn_ctx *ctx, exec_run_state *s, plan_shared *shared) FN_MUST_USE;

/* The values of subqueries (cells.c) and the WITH TOTALS row (totals.c). */
fn_status run_fill_cells(fn_ctx *ctx, exec_run_state *s, plan_query *query) FN_MUST_USE;
void run_empty_cells(plan_query *query);
/* Runs one plan; its blocks go into `out`. rows_enough as above. */
fn_status run_collect(fn_ctx *ctx, exec_run_state *s, plan *root, uint64_t rows_enough, block_list *out) FN_MUST_USE;
fn_status run_totals(fn_ctx *ctx, exec *e, const plan *root, fn_block **out) FN_MUST_USE; /* *out NULL: there are none */
/* The totals row of an aggregate that has run: its node's columns. */
fn_status op_aggregate_totals(op *self, fn_ctx *ctx, fn_block **out) FN_MUST_USE;
#endif
