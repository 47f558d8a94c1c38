/* bind_additional.c - filters that come with settings: additional_table_filters = {'table': 'condition'} over the rows of a table, and
 * additional_result_filter = 'condition' over the columns of the result. SPDX-License-Identifier: Apache-2.0 */
#include "plan/bind.h"

/* The text of such a setting; empty: not set. */
static fn_status setting_text(binder *b, const char *name, fn_str *out)
{
    const fn_settings *s = settings_of(b->ctx);
    *out = (fn_str){NULL, 0};
    return s->other_count ? settings_get(b->ctx, s, fn_cstr(name), out) : FN_OK;
}

static fn_status filter_by_text(binder *b, const source *src, fn_str text, plan **p)
{
    source own_source = *src;
    scope own = {.sources = &own_source, .source_count = 1, .no_aggregates = "an additional filter"};
    ast_expr *ast;
    expr *condition;
    FN_TRY(sql_parse_expr(b->ctx, text, &ast));
    FN_TRY(bind_collect_aliases(b, &own, ast));
    FN_TRY(bind_condition(b, &own, ast, "additional filter", &condition));
    if (own.array_join_count || own.pending_count) return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "Subqueries and arrayJoin are not supported in additional filters");
    return plan_filter_over(b->ctx, *p, condition, p);
}

static bool names_source(fn_str key, const source *src)
{
    const fn_str name = src->table, database = src->database;
    if (src->alias.size && fn_str_eq(key, src->alias)) return true;
    if (name.size && fn_str_eq(key, name)) return true;
    return name.size && key.size == database.size + 1 + name.size && fn_str_starts(key, database) && key.data[database.size] == '.' && fn_str_ends(key, name);
}

/* The setting as a column of one Map(String, String): it came as {'k': 'v'} or, from a SETTINGS clause, as map('k', 'v'). */
static fn_status read_map(binder *b, fn_str text, const fn_column **out)
{
    const fn_type *type;
    ast_expr *ast;
    expr *value, *map;
    scope none = {0};
    FN_TRY(fn_type_parse(b->ctx, FN_STR("Map(String, String)"), &type));
    if (text.data[0] == '{') {
        FN_TRY(bind_text_const(b, text, type, FN_TEXT_QUOTED, &map));
    } else {
        FN_TRY(sql_parse_expr(b->ctx, text, &ast));
        FN_TRY(bind_expr(b, &none, ast, &value));
        FN_TRY(expr_cast(b->ctx, value, type, &map));
    }
    if (map->kind != EXPR_CONST) return fn_fail(b->ctx, FN_BAD_ARGUMENTS, "additional_table_filters is a map of names of tables to conditions");
    *out = map->constant;
    return FN_OK;
}

/* The condition for the source; data NULL: none. */
static fn_status find_filter(binder *b, const source *src, fn_str *out)
{
    fn_str text;
    const fn_column *map = NULL;
    uint32_t first, count;
    *out = (fn_str){NULL, 0};
    FN_TRY(setting_text(b, "additional_table_filters", &text));
    if (!text.size || fn_str_eq(text, FN_STR("{}"))) return FN_OK;
    FN_TRY(read_map(b, text, &map));
    const fn_column *items = fn_column_items_at(map, 0, &first, &count); /* tuples of key and value */
    for (uint32_t i = first; i < first + count; i++)
        if (names_source(fn_column_str_at(items->kids[0], i), src)) return fn_arena_str(b->ctx, b->ctx->arena, fn_column_str_at(items->kids[1], i), out);
    return FN_OK;
}

fn_status bind_table_filter(binder *b, const source *src, plan **p)
{
    fn_str text;
    FN_TRY(find_filter(b, src, &text));
    return text.data ? filter_by_text(b, src, text, p) : FN_OK;
}

fn_status bind_refuse_table_filter(binder *b, const source *src)
{
    fn_str text;
    FN_TRY(find_filter(b, src, &text));
    return text.data ? fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "additional_table_filters of a view is not supported") : FN_OK;
}

fn_status bind_result_filter(binder *b, const ast_query *q, plan **p)
{
    fn_str text;
    FN_TRY(setting_text(b, "additional_result_filter", &text));
    if (!text.size) return FN_OK;
    if (q->op != SET_NONE) return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "additional_result_filter of a UNION is not supported");
    source src = {.columns = FN_NEW_ARRAY(b->ctx, source_column, (*p)->column_count + 1), .count = (*p)->column_count};
    FN_TRY_PTR(b->ctx, src.columns);
    for (uint32_t i = 0; i < src.count; i++)
        src.columns[i] = (source_column){.name = (*p)->columns[i].name, .id = (*p)->columns[i].id, .type = (*p)->columns[i].type};
    return filter_by_text(b, &src, text, p);
}
