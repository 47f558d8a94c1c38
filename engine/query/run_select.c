/* run_select.c - SELECT: bind, optimise, run, write. SPDX-License-Identifier: Apache-2.0 */
#include "query/result.h"

fn_status query_plan(query *q, const ast_query *ast, plan_query **out)
{
    return plan_bind(q->ctx, &q->world.base, ast, out); /* with all rules */
}

fn_status query_exec(query *q, plan_query *bound, exec_output *out, fn_block **totals, uint64_t *rows_before_limit)
{
    const uint64_t wanted = q->settings.max_threads;
    exec_env env = {.pool = q->engine->workers,
                    .workers = wanted ? (unsigned)FN_MIN(wanted, (uint64_t)q->engine->threads) : q->engine->threads,
                    .progress = &q->progress};
    const fn_status status = exec_run(q->ctx, bound, &env, out);
    if (totals) *totals = env.totals;
    else fn_block_drop(env.totals);
    if (rows_before_limit) *rows_before_limit = env.rows_before_limit;
    return status;
}

static bool has_limit(const ast_query *ast)
{
    if (ast->limit) return true;
    return ast->op == SET_NONE && ast->select->limit;
}

static fn_status run_plan(query *q, const ast_statement *s, const ast_query *ast, plan_query *bound)
{
    result r;
    fn_block *totals = NULL;
    uint64_t before = 0;
    FN_TRY(result_open(q, s, &bound->schema, &r));
    fn_status status = query_exec(q, bound, &r.base, &totals, &before);
    if (status == FN_OK) status = result_finish(&r, totals, has_limit(ast), before);
    result_close(&r);
    fn_block_drop(totals);
    return status;
}

static fn_status select_query(query *q, const ast_statement *s, const ast_query *ast)
{
    plan_query *bound;
    FN_TRY(query_plan(q, ast, &bound));
    const fn_status status = run_plan(q, s, ast, bound);
    plan_query_release(bound);
    return status;
}

fn_status run_select(query *q, const ast_statement *s)
{
    if (s->into_outfile.size) return fn_fail(q->ctx, FN_INTO_OUTFILE_NOT_ALLOWED, "INTO OUTFILE is not allowed");
    return select_query(q, s, s->query);
}

fn_status query_run_text(query *q, const ast_statement *outer, fn_str sql)
{
    ast_statement *inner;
    FN_TRY(sql_parse(q->ctx, sql, &inner));
    return select_query(q, outer, inner->query);
}
