/* engine_columns.c - see engine_columns.h. SPDX-License-Identifier: Apache-2.0 */
#include "query/engine_columns.h"

fn_status engine_columns_of(fn_ctx *ctx, const ast_create *c, table_schema **out)
{
    fn_schema columns = {FN_NEW_ARRAY(ctx, fn_field, FN_MAX(c->column_count, 1u)), c->column_count};
    FN_TRY_PTR(ctx, columns.fields);
    for (uint32_t i = 0; i < c->column_count; i++) {
        columns.fields[i].name = c->columns[i].name;
        FN_TRY(fn_type_parse(ctx, c->columns[i].type, &columns.fields[i].type));
    }
    return table_schema_make(ctx, &columns, out);
}

bool engine_column_is_real(const table_column *c)
{
    return !c->is_virtual && c->default_kind != DEFAULT_EPHEMERAL;
}

static fn_status put_column(fn_ctx *ctx, const table_column *wanted, const table_schema *given, fn_buf *out)
{
    const fn_str type = fn_cstr(wanted->type->name);
    const int at = table_schema_find(given, wanted->name);
    const bool there = at >= 0 && engine_column_is_real(&given->columns[at]), same = there && given->columns[at].type == wanted->type;
    FN_TRY(fn_buf_cstr(ctx, out, !there ? "defaultValueOfTypeName(" : same ? "__source." : "CAST(__source."));
    if (there) FN_TRY(sql_quote_identifier(ctx, wanted->name, out));
    if (!same) {
        if (there) FN_TRY(fn_buf_cstr(ctx, out, ", "));
        FN_TRY(sql_quote_string(ctx, type, out));
        FN_TRY(fn_buf_cstr(ctx, out, ")"));
    }
    FN_TRY(fn_buf_cstr(ctx, out, " AS "));
    return sql_quote_identifier(ctx, wanted->name, out);
}

fn_status engine_columns_select(fn_ctx *ctx, const table_schema *wanted, const table_schema *given, fn_buf *out)
{
    bool any = false;
    for (uint32_t i = 0; i < wanted->count; i++) {
        if (!engine_column_is_real(&wanted->columns[i])) continue;
        if (any) FN_TRY(fn_buf_cstr(ctx, out, ", "));
        any = true;
        FN_TRY(put_column(ctx, &wanted->columns[i], given, out));
    }
    return FN_OK;
}

fn_status engine_columns_from(fn_ctx *ctx, fn_str database, fn_str name, fn_buf *out)
{
    FN_TRY(fn_buf_cstr(ctx, out, " FROM "));
    FN_TRY(sql_quote_identifier(ctx, database, out));
    FN_TRY(fn_buf_cstr(ctx, out, "."));
    FN_TRY(sql_quote_identifier(ctx, name, out));
    return fn_buf_cstr(ctx, out, " AS __source");
}
