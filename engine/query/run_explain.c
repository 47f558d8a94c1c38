/* run_explain.c - EXPLAIN SYNTAX (the statement as printed) and PLAN (the plan after all rules). The other kinds describe
 * ClickHouse's own inner structures and are refused by name. SPDX-License-Identifier: Apache-2.0 */
#include "plan/explain.h"
#include "query/result.h"

static const result_field field = {"explain", "String"};

/* One row per line. */
static fn_status send_lines(query *q, const ast_statement *s, fn_str text)
{
    result_rows r;
    fn_status status = result_rows_init(q, &field, 1, &r);
    while (text.size && status == FN_OK) {
        const char *end = memchr(text.data, '\n', text.size);
        const size_t n = end ? (size_t)(end - text.data) : text.size;
        status = result_rows_text(&r, 0, (fn_str){text.data, n});
        text = (fn_str){text.data + n + (end != NULL), text.size - n - (end != NULL)};
    }
    if (status == FN_OK) return result_rows_send(&r, s);
    result_rows_release(&r);
    return status;
}

static fn_status explain_syntax(query *q, const ast_statement *s)
{
    fn_buf text = FN_BUF_INIT;
    fn_str shown;
    fn_status status = s->query ? sql_print_query(q->ctx, s->query, true, &text) : sql_print_statement(q->ctx, s->inner, true, &text);
    if (status == FN_OK) status = sql_hide_secrets(q->ctx, fn_buf_view(&text), &shown);
    if (status == FN_OK) status = result_one_text(q, s, "explain", shown);
    fn_buf_release(&text);
    return status;
}

static fn_status explain_plan(query *q, const ast_statement *s)
{
    const ast_query *select = s->query ? s->query : s->inner ? s->inner->query : NULL;
    plan_query *bound;
    fn_buf text = FN_BUF_INIT;
    plan_explain_options options = {.indexes = false};
    if (!select) return fn_fail(q->ctx, FN_INCORRECT_QUERY, "Only SELECT and INSERT ... SELECT statements have a plan");
    for (uint32_t i = 0; i < s->setting_count; i++) {
        const ast_setting *o = &s->settings[i];
        if (fn_str_eq(o->name, FN_STR("indexes")) && o->value && o->value->kind == AST_LITERAL) options.indexes = o->value->u64 != 0;
        static const char *const wanted[] = {"json", "actions", "header", "projections", "sorting", "distributed", "input_headers", "column_structure"};
        for (size_t k = 0; k < FN_COUNT(wanted); k++) {
            if (fn_str_eq(o->name, fn_cstr(wanted[k])) && o->value && o->value->kind == AST_LITERAL && o->value->u64)
                return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "EXPLAIN %s = 1 is not supported", wanted[k]);
        }
    }
    FN_TRY(query_plan(q, select, &bound));
    fn_status status = plan_explain_with(q->ctx, bound, &options, &text);
    if (status == FN_OK) status = send_lines(q, s, fn_buf_view(&text));
    fn_buf_release(&text);
    plan_query_release(bound);
    return status;
}

fn_status run_explain(query *q, const ast_statement *s)
{
    if (fn_str_eq(s->explain_kind, FN_STR("SYNTAX"))) return explain_syntax(q, s);
    if (fn_str_eq(s->explain_kind, FN_STR("PLAN"))) return explain_plan(q, s);
    return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "EXPLAIN " FN_STR_FMT " is not supported", FN_STR_ARG(s->explain_kind));
}
