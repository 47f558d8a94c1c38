/* plan/plan_node.h - making and looking at plan nodes: what the binder and the rules share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PLAN_PLAN_NODE_H
#define FIRN_PLAN_PLAN_NODE_H
#include "plan/plan.h"

plan *plan_new(fn_ctx *ctx, plan_kind kind, uint32_t input_count) FN_MUST_USE; /* inputs NULL, to be set */
/* A node over one input with the input's outputs. */
plan *plan_over(fn_ctx *ctx, plan_kind kind, plan *input) FN_MUST_USE;
fn_status plan_filter_over(fn_ctx *ctx, plan *input, expr *condition, plan **out) FN_MUST_USE;
/* PROJECT; names[i] is the output's name. */
fn_status plan_project_over(fn_ctx *ctx, plan *input, const plan_item *items, const fn_str *names, uint32_t count, plan **out) FN_MUST_USE;
/* Appends to an array in ctx->arena whose capacity follows from its count; returns the zeroed new element, NULL + error. */
void *plan_grow(fn_ctx *ctx, void *items_pointer, uint32_t *count, size_t size) FN_MUST_USE;
fn_status plan_values_own(fn_ctx *ctx, plan *p) FN_MUST_USE; /* the arena takes the blocks of a VALUES node */
bool plan_has_column(const plan *p, column_id id);
const plan_column *plan_find_column(const plan *p, column_id id);
/* Conjuncts of a condition: appended to *items. */
fn_status plan_split_and(fn_ctx *ctx, expr *e, expr ***items, uint32_t *count) FN_MUST_USE;
fn_status plan_join_and(fn_ctx *ctx, expr *const *items, uint32_t count, expr **out) FN_MUST_USE; /* NULL for none */
bool plan_is_call(const expr *e, const char *name);
/* Whether the columns of e: any of them, or none but them, are outputs of p. */
bool plan_uses_any(const plan *p, const expr *e);
bool plan_uses_only(const plan *p, const expr *e);
/* Top-down rewrite: change(e) gives another expression or NULL to look inside. */
typedef fn_status plan_change_fn(void *self, fn_ctx *ctx, expr *e, expr **out);
fn_status plan_rewrite(fn_ctx *ctx, expr *e, plan_change_fn *change, void *self, expr **out) FN_MUST_USE;
/* e over the outputs of a SCAN as the table sees it: columns become indexes of its schema. */
fn_status plan_scan_to_schema(fn_ctx *ctx, const plan *scan, const expr *e, expr **out) FN_MUST_USE;
/* Visits every expression of a node itself (not of its inputs) in place. */
typedef fn_status plan_expr_fn(void *self, fn_ctx *ctx, expr **e);
fn_status plan_each_expr(fn_ctx *ctx, plan *p, plan_expr_fn *visit, void *self) FN_MUST_USE;

/* A growing set of column ids, for pruning and for checks; 0-initialised is empty. */
typedef struct plan_ids {
    uint64_t *bits;
    uint32_t words;
} plan_ids;
fn_status plan_ids_add(fn_ctx *ctx, plan_ids *ids, column_id id) FN_MUST_USE;
bool plan_ids_has(const plan_ids *ids, column_id id);
fn_status plan_ids_of(fn_ctx *ctx, plan_ids *ids, const expr *e) FN_MUST_USE; /* adds the columns of e (lambda parameters left out) */
#endif
