/* alter_convert.c - MODIFY COLUMN to another type: does every value there is take it? Parts stay as they are and are converted when they are
 * read, so a value that does not would be an error of every later SELECT; it is one of the ALTER instead, which has changed nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/alter.h"

static fn_status ignore_block(exec_output *self, fn_ctx *ctx, const fn_block *block)
{
    (void)self;
    (void)ctx;
    (void)block;
    return FN_OK;
}

/* Numbers wrap, everything has a text, and what only becomes Nullable or LowCardinality stays. */
static bool always_fits(const fn_type *from, const fn_type *to)
{
    const fn_type *a = fn_type_base(from), *b = fn_type_base(to);
    if (fn_type_is_nullable(from) && !fn_type_is_nullable(to)) return false;
    return a == b || b->id == FN_T_STRING || (fn_type_is_integer(a) && (fn_type_is_integer(b) || fn_type_is_float(b)));
}

static fn_status run_text(query *q, fn_str sql, bool *bound_well)
{
    ast_statement *select;
    plan_query *bound;
    exec_output out = {.block = ignore_block};
    *bound_well = false;
    FN_TRY(sql_parse(q->ctx, sql, &select));
    FN_TRY(query_plan(q, select->query, &bound)); /* types that have no conversion */
    *bound_well = true;
    const fn_status status = query_exec(q, bound, &out, NULL, NULL);
    plan_query_release(bound);
    return status;
}

/* What the session asks of its own SELECTs does not hold for this one. */
static fn_status run_unlimited(query *q, fn_str sql, bool *bound_well)
{
    const fn_settings saved = q->settings;
    q->settings.force_primary_key = q->settings.force_index_by_date = q->settings.final = false;
    q->settings.force_data_skipping_indices = (fn_str){NULL, 0};
    q->settings.max_rows_to_read = q->settings.max_bytes_to_read = q->settings.max_columns_to_read = 0;
    q->settings.max_partitions_to_read = -1;
    q->settings.force_optimize_projection = false;
    const fn_status status = run_text(q, sql, bound_well);
    q->settings = saved;
    return status;
}

static fn_status read_all(alter_run *a, fn_str column, const fn_type *type)
{
    query *q = a->query;
    fn_buf sql = FN_BUF_INIT;
    bool bound_well = false;
    fn_status status = fn_buf_cstr(q->ctx, &sql, "SELECT max(ignore(CAST(");
    if (status == FN_OK) status = sql_quote_identifier(q->ctx, column, &sql);
    if (status == FN_OK) status = fn_buf_cstr(q->ctx, &sql, ", ");
    if (status == FN_OK) status = sql_quote_string(q->ctx, fn_cstr(type->name), &sql);
    if (status == FN_OK) status = fn_buf_cstr(q->ctx, &sql, "))) FROM ");
    if (status == FN_OK) status = sql_quote_identifier(q->ctx, a->database, &sql);
    if (status == FN_OK) status = fn_buf_cstr(q->ctx, &sql, ".");
    if (status == FN_OK) status = sql_quote_identifier(q->ctx, a->name, &sql);
    if (status == FN_OK) status = run_unlimited(q, fn_buf_view(&sql), &bound_well);
    fn_buf_release(&sql);
    if (status == FN_OK || !bound_well || status == FN_MEMORY_LIMIT_EXCEEDED || status == FN_QUERY_WAS_CANCELLED || status == FN_TIMEOUT_EXCEEDED) return status;
    const char *why = fn_arena_printf(q->ctx, q->ctx->arena, "%s", q->ctx->error.text);
    fn_error_clear(q->ctx);
    return fn_fail(q->ctx, FN_UNFINISHED, "Exception happened during execution of mutation of column " FN_STR_FMT " to %s reason: '%s'. Nothing has changed", FN_STR_ARG(column), type->name,
                   why ? why : "");
}

fn_status alter_check_values(alter_run *a)
{
    fn_ctx *ctx = a->query->ctx;
    const ast_create *c = a->statement->create;
    if (!mt_is(a->table) || a->table->is_temporary) return FN_OK;
    table_schema *schema = table_schema_ref(atomic_load(&a->table->schema));
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < c->column_count && status == FN_OK; i++) {
        const table_column *was = NULL;
        const fn_type *type;
        for (uint32_t k = 0; k < schema->count && !was; k++)
            if (table_column_is_stored(&schema->columns[k]) && schema->columns[k].id == a->ids[i]) was = &schema->columns[k];
        if (!was) continue;
        status = fn_type_parse(ctx, c->columns[i].type, &type);
        if (status != FN_OK || type == was->type || always_fits(was->type, type)) continue;
        const bool nulls_go = fn_type_is_nullable(was->type) && !fn_type_is_nullable(type) && fn_type_can_be_nullable(fn_type_strip_low_cardinality(type));
        status = read_all(a, was->name, nulls_go ? fn_type_nullable(fn_type_strip_low_cardinality(type)) : type); /* NULL is read as the default */
    }
    table_schema_drop(schema);
    return status;
}
