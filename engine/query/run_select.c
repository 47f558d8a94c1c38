/* run_select.c - SELECT: bind, optimise, run, write. SPDX-License-Identifier: Apache-2.0 */
#include "query/file_output.h"
#include "query/result.h"

fn_status query_plan(query *q, const ast_query *ast, plan_query **out)
{
    return plan_bind(q->ctx, &q->world.base, ast, out); /* with all rules */
}

/* What the query log will say of them. */
static fn_status note_projections(query *q, const plan_query *bound)
{
    fn_buf lines = FN_BUF_INIT;
    fn_status status = fn_buf_str(q->ctx, &lines, q->projections);
    for (uint32_t i = 0; i < bound->projection_count && status == FN_OK; i++)
        status = fn_buf_printf(q->ctx, &lines, FN_STR_FMT "\n", FN_STR_ARG(bound->projections[i]));
    if (status == FN_OK) status = fn_arena_str(q->ctx, q->ctx->arena, fn_buf_view(&lines), &q->projections);
    fn_buf_release(&lines);
    return status;
}

fn_status query_exec(query *q, plan_query *bound, exec_output *out, fn_block **totals, uint64_t *rows_before_limit)
{
    const uint64_t wanted = q->settings.max_threads;
    if (bound->projection_count) FN_TRY(note_projections(q, bound));
    exec_env env = {.pool = q->engine->workers,
                    .workers = wanted ? (unsigned)FN_MIN(wanted, (uint64_t)q->engine->threads) : q->engine->threads,
                    .progress = &q->progress,
                    .spill = q->engine->spill.dir ? &q->spill : NULL};
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

static fn_status begin_file(fn_response *self, fn_ctx *ctx, const fn_result_head *head)
{
    (void)self;
    (void)ctx;
    (void)head;
    return FN_OK;
}

/* INTO OUTFILE writes where the program runs: only firn local may do that. */
static fn_status select_into_file(query *q, const ast_statement *s)
{
    file_output file;
    fn_file_info info;
    fn_fs *fs = q->engine->fs;
    if (strcmp(q->request->interface ? q->request->interface : "", "LOCAL") != 0) return fn_fail(q->ctx, FN_INTO_OUTFILE_NOT_ALLOWED, "INTO OUTFILE is not allowed");
    const char *path = fn_arena_copy(q->ctx, q->ctx->arena, s->into_outfile.data, s->into_outfile.size);
    FN_TRY_PTR(q->ctx, path);
    FN_TRY(fs->stat(fs, q->ctx, path, &info));
    if (info.exists) return fn_fail(q->ctx, FN_CANNOT_OPEN_FILE, "Cannot open file %s: it exists already", path);
    ast_statement to_file = *s;
    const fn_format *by_name = fn_format_by_path(s->into_outfile);
    if (!s->format.size && by_name) to_file.format = fn_cstr(by_name->name);
    fn_status status = file_output_open(q->ctx, fs, s->into_outfile, false, &file);
    fn_response *const terminal = q->response;
    fn_response response = {.begin = begin_file, .body = &file.base};
    q->response = &response;
    if (status == FN_OK) status = select_query(q, &to_file, s->query);
    q->response = terminal;
    if (status == FN_OK) status = file_output_commit(q->ctx, &file);
    file_output_close(&file);
    return status == FN_OK ? result_none(q) : status;
}

fn_status run_select(query *q, const ast_statement *s)
{
    return s->into_outfile.size ? select_into_file(q, s) : select_query(q, s, s->query);
}

fn_status query_run_text(query *q, const ast_statement *outer, fn_str sql)
{
    ast_statement *inner;
    FN_TRY(sql_parse(q->ctx, sql, &inner));
    return select_query(q, outer, inner->query);
}
