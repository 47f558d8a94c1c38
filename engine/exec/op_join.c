/* op_join.c - JOIN: which side is kept and which streams, what each kind and strictness means, where outputs come from.
 *
 * One side (the right one, or the left with build_left) is kept and indexed by join_build.c; the other streams through
 * join_probe.c. The build pipeline runs first, so the probe side's scan opens with the runtime filter filled.
 * Semantics as ClickHouse 26.9: ANY LEFT takes one right row per left row, ANY RIGHT one left row per right row, ANY INNER one
 * pair per key; SEMI and ANTI give the other side's columns too (a match's, or defaults). SPDX-License-Identifier: Apache-2.0 */
#include "exec/op_join.h"
#include "exec/join_probe.h"

static int find_column(const plan *node, column_id id)
{
    for (uint32_t i = 0; i < node->column_count; i++)
        if (node->columns[i].id == id) return (int)i;
    return -1;
}

fn_status join_outputs(fn_ctx *ctx, const plan *node, unsigned build_side, join_output **out)
{
    join_output *outputs = FN_NEW_ARRAY(ctx, join_output, node->column_count + 1);
    FN_TRY_PTR(ctx, outputs);
    for (uint32_t i = 0; i < node->column_count; i++) {
        const column_id id = node->columns[i].id;
        const int left = find_column(node->inputs[0], id), right = find_column(node->inputs[1], id);
        outputs[i].type = node->columns[i].type;
        if (node->join.kind == PLAN_JOIN_MARK && id == node->join.mark) {
            outputs[i].side = JOIN_MARKED;
            continue;
        }
        FN_ASSERT(left >= 0 || right >= 0);
        outputs[i].side = (left >= 0 ? 0u : 1u) == build_side ? JOIN_BUILD : JOIN_PROBE;
        outputs[i].index = (uint32_t)(left >= 0 ? left : right);
    }
    *out = outputs;
    return FN_OK;
}

fn_column *join_retype(fn_ctx *ctx, fn_column *take, const fn_type *type)
{
    if (!take || take->type == type) return take;
    fn_column *out = fn_column_retype(ctx, take, type);
    fn_column_drop(take);
    return out;
}

/* The role with the right side built; build_left swaps the sides. */
static fn_status role_of(fn_ctx *ctx, const plan *node, bool build_left, join_role *out)
{
    join_role r = {.pairs = true};
    switch (node->join.kind) {
    case PLAN_JOIN_INNER:
    case PLAN_JOIN_CROSS: r.first_probe = r.first_build = node->join.any; break;
    case PLAN_JOIN_LEFT: r.keep_probe = true; r.first_probe = node->join.any; break;
    case PLAN_JOIN_RIGHT: r.keep_build = true; r.first_build = node->join.any; break;
    case PLAN_JOIN_FULL: r.keep_probe = r.keep_build = true; break;
    case PLAN_JOIN_SEMI_LEFT: r.first_probe = true; break;
    case PLAN_JOIN_SEMI_RIGHT: r.first_build = true; break;
    case PLAN_JOIN_ANTI_LEFT: r = (join_role){.keep_probe = true}; break;
    case PLAN_JOIN_ANTI_RIGHT: r = (join_role){.keep_build = true}; break;
    case PLAN_JOIN_MARK: r = (join_role){.mark = true}; break;
    case PLAN_JOIN_SINGLE: r.keep_probe = r.first_probe = true; break; /* as ClickHouse: any of several matches */
    case PLAN_JOIN_PASTE: break;
    }
    if (node->join.kind == PLAN_JOIN_FULL && node->join.any) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "ANY FULL JOINs are not implemented");
    if (node->join.asof >= 0) {
        const bool known = node->join.kind == PLAN_JOIN_INNER || node->join.kind == PLAN_JOIN_LEFT;
        if (!known || node->join.residual) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "ASOF %s are not supported", known ? "joins with further conditions" : "joins other than INNER and LEFT");
    }
    *out = r;
    if (!build_left) return FN_OK;
    out->first_probe = r.first_build;
    out->first_build = r.first_probe;
    out->keep_probe = r.keep_build;
    out->keep_build = r.keep_probe;
    return FN_OK;
}

/* A filter per key: of several keys together, each alone must be among the built ones. */
static fn_status plan_filters(fn_ctx *ctx, exec *e, const plan *node, op_join_build *build)
{
    const unsigned probe = 1 - build->side;
    expr *const *keys = probe ? node->join.right_keys : node->join.left_keys;
    for (uint32_t i = 0; i < node->join.key_count && build->filter_count < JOIN_FILTERS_MAX; i++) {
        runtime_filter *filter = NULL;
        if (node->join.null_safe && node->join.null_safe[i]) continue;
        if (node->join.key_count > 1 && !(join_keys_integer(node->join.left_keys[i]->type) && join_keys_integer(node->join.right_keys[i]->type))) continue;
        FN_TRY(runtime_filter_plan(ctx, e, node->inputs[probe], keys[i], &filter));
        if (!filter) continue;
        build->filter_keys[build->filter_count] = i;
        build->filters[build->filter_count++] = filter;
    }
    return FN_OK;
}

fn_status op_build_join(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    if (node->join.kind == PLAN_JOIN_PASTE) return op_build_paste(ctx, e, node, p);
    /* MARK and ASOF look from the left row: the right side is built whatever was chosen. */
    const bool build_left = node->join.build_left && node->join.kind != PLAN_JOIN_MARK && node->join.asof < 0;
    join_role role;
    op_join_build *build;
    FN_TRY(role_of(ctx, node, build_left, &role));
    FN_TRY(op_join_build_new(ctx, e, node, build_left ? 0 : 1, role, &build));
    if (node->join.asof < 0 && !role.keep_probe && !role.mark) FN_TRY(plan_filters(ctx, e, node, build));
    FN_TRY(exec_build(ctx, e, node->inputs[build_left ? 1 : 0], p));
    return op_join_probe_append(ctx, e, node, build, p);
}
