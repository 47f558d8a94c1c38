/* func_query_text.c - SQL text formatted by SQL: formatQuery, formatQuerySingleLine and their OrNull kinds.
 * Each text is parsed and printed in an arena of its own. SPDX-License-Identifier: Apache-2.0 */
#include "function/text_rows.h"
#include "sql/ast.h"

static bool or_null(const func_call *call)
{
    return fn_str_ends(fn_cstr(call->def->name), FN_STR("OrNull"));
}
static fn_status bind_format(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "s"));
    call->type = fn_type_simple(FN_T_STRING);
    if (or_null(call)) call->type = fn_type_nullable(call->type);
    return FN_OK;
}
static fn_status value_format(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_builder *to)
{
    const bool single = strstr(call->def->name, "SingleLine") != NULL;
    fn_ctx local = *ctx;
    fn_buf text = FN_BUF_INIT;
    ast_statement *statement;
    local.arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, local.arena);
    fn_status status = sql_parse(&local, text_at(args[0], row), &statement);
    if (status == FN_OK) status = sql_print_statement(&local, statement, !single, &text);
    const bool bad = status == FN_SYNTAX_ERROR;
    if (status == FN_OK) status = fn_builder_str(ctx, to, fn_buf_view(&text));
    else ctx->error = local.error;
    fn_buf_release(&text);
    fn_arena_free(local.arena);
    if (!bad || !or_null(call)) return status;
    fn_error_clear(ctx);
    return fn_builder_null(ctx, to);
}
TEXT_EVAL(eval_format, value_rows, value_format)

#define FORMAT(fn, what, res) {.name = fn, .args_min = 1, .args_max = 1, .bind = bind_format, .eval = eval_format, .about = what, .example = fn "('select 1')", .gives = res}
static const func_def rows_[] = {
    FORMAT("formatQuery", "A statement in ClickHouse's own layout, over several lines.", "SELECT 1"),
    FORMAT("formatQueryOrNull", "formatQuery, NULL for what is no statement.", "SELECT 1"),
    FORMAT("formatQuerySingleLine", "A statement in ClickHouse's own layout, on one line.", "SELECT 1"),
    FORMAT("formatQuerySingleLineOrNull", "formatQuerySingleLine, NULL for what is no statement.", "SELECT 1"),
};
const func_family func_family_query_text = FUNC_FAMILY("other", rows_);
