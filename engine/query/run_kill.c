/* run_kill.c - KILL QUERY WHERE ...: the condition is evaluated over system.processes, then each statement it names is asked to
 * end. KILL MUTATION likewise over system.mutations; see mutation_log.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/mutation_log.h"
#include "query/result.h"

enum { VICTIM_TEXTS = 4 };

typedef struct victim {
    fn_str texts[VICTIM_TEXTS];
    struct victim *next;
} victim;

typedef struct victim_output {
    exec_output base;
    fn_arena *arena;  /* the statement's: while the plan runs, ctx->arena is another */
    victim *first, **last;
} victim_output;

static fn_status take_victims(exec_output *self, fn_ctx *ctx, const fn_block *block)
{
    victim_output *out = (victim_output *)self;
    fn_arena *const arena = out->arena;
    for (uint32_t row = 0; row < block->rows; row++) {
        victim *v = fn_arena_alloc_zero(ctx, arena, sizeof *v);
        FN_TRY_PTR(ctx, v);
        for (uint32_t c = 0; c < block->count && c < VICTIM_TEXTS; c++) FN_TRY(fn_arena_str(ctx, arena, fn_column_str_at(block->columns[c], row), &v->texts[c]));
        *out->last = v;
        out->last = &v->next;
    }
    return FN_OK;
}

static fn_status find_victims(query *q, const ast_statement *s, const char *among, victim_output *out)
{
    fn_buf sql = FN_BUF_INIT;
    ast_statement *select;
    plan_query *bound;
    fn_status status = fn_buf_printf(q->ctx, &sql, "SELECT %s WHERE ", among);
    if (status == FN_OK) status = sql_print_expr(q->ctx, s->where, &sql);
    if (status == FN_OK) status = sql_parse(q->ctx, fn_buf_view(&sql), &select);
    fn_buf_release(&sql);
    FN_TRY(status);
    FN_TRY(query_plan(q, select->query, &bound));
    status = query_exec(q, bound, &out->base, NULL, NULL);
    plan_query_release(bound);
    return status;
}

static fn_status kill_queries(query *q, const ast_statement *s)
{
    static const result_field fields[] = {{"kill_status", "String"}, {"query_id", "String"}, {"user", "String"}, {"query", "String"}};
    victim_output out = {.base = {take_victims}, .arena = q->ctx->arena};
    result_rows rows;
    out.last = &out.first;
    FN_TRY(find_victims(q, s, "query_id, user, query FROM system.processes", &out));
    fn_status status = result_rows_init(q, fields, FN_COUNT(fields), &rows);
    for (const victim *v = out.first; v && status == FN_OK; v = v->next) {
        const bool self = fn_str_eq(v->texts[0], fn_cstr(q->process->id));
        const char *end = "waiting";
        if (self) end = "cant_cancel";
        else if (s->full) end = "unknown_status"; /* TEST */
        else if (!process_kill(&q->engine->processes, v->texts[0], s->sync)) end = "finished";
        else if (s->sync) end = "finished";
        status = result_rows_text(&rows, 0, fn_cstr(end));
        if (status == FN_OK) status = result_rows_text(&rows, 1, v->texts[0]);
        if (status == FN_OK) status = result_rows_text(&rows, 2, v->texts[1]);
        if (status == FN_OK) status = result_rows_text(&rows, 3, v->texts[2]);
    }
    if (status == FN_OK) return result_rows_send(&rows, s);
    result_rows_release(&rows);
    return status;
}

static fn_status kill_mutations(query *q, const ast_statement *s)
{
    static const result_field fields[] = {
        {"kill_status", "String"}, {"database", "String"}, {"table", "String"}, {"mutation_id", "String"}, {"command", "String"}};
    victim_output out = {.base = {take_victims}, .arena = q->ctx->arena};
    result_rows rows;
    out.last = &out.first;
    FN_TRY(find_victims(q, s, "database, table, mutation_id, command FROM system.mutations", &out));
    fn_status status = result_rows_init(q, fields, FN_COUNT(fields), &rows);
    for (const victim *v = out.first; v && status == FN_OK; v = v->next) {
        if (!s->full && !mutation_log_kill(q->engine, v->texts[0], v->texts[1], v->texts[2])) continue; /* gone meanwhile */
        status = result_rows_text(&rows, 0, s->full ? FN_STR("unknown_status") : FN_STR("waiting")); /* full: TEST */
        for (uint32_t c = 0; c < VICTIM_TEXTS && status == FN_OK; c++) status = result_rows_text(&rows, c + 1, v->texts[c]);
    }
    if (status == FN_OK) return result_rows_send(&rows, s);
    result_rows_release(&rows);
    return status;
}

fn_status run_kill(query *q, const ast_statement *s)
{
    if (s->on_cluster.size) return fn_fail(q->ctx, FN_CLUSTER_DOESNT_EXIST, "Requested cluster '" FN_STR_FMT "' not found", FN_STR_ARG(s->on_cluster));
    if (fn_str_eq(s->text, FN_STR("QUERY"))) return kill_queries(q, s);
    if (fn_str_eq(s->text, FN_STR("MUTATION"))) return kill_mutations(q, s);
    return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "KILL " FN_STR_FMT " is not supported", FN_STR_ARG(s->text));
}
