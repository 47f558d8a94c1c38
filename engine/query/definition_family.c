/* definition_family.c - what a definition of the MergeTree family must not say although a table could be made of it: keys of types that have
 * no order, sampling outside of the primary key, columns that a merge would sum or keep by chance. Asked of statements only: definitions that
 * the catalog holds were taken by an earlier version and open. The rules are those of ClickHouse 26.9, seen by asking it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/function.h"
#include "query/definition.h"

typedef struct family_check {
    query *query;
    fn_ctx *ctx;
    const ast_create *create;
    const table_schema *schema;
    const mt_definition *mt;
} family_check;

/* A switch of the table: 1, true. */
static fn_status table_switch(const family_check *f, const char *name, bool *out)
{
    const ast_engine *e = &f->create->engine;
    *out = false;
    for (uint32_t i = 0; i < e->setting_count; i++) {
        fn_str value;
        if (e->settings[i].is_default || !fn_str_eq(e->settings[i].name, fn_cstr(name))) continue;
        FN_TRY(query_setting_text(f->ctx, &e->settings[i], &value));
        *out = fn_str_eq(value, FN_STR("1")) || fn_str_eq(value, FN_STR("true"));
    }
    return FN_OK;
}

static fn_status session_switch(const family_check *f, const char *name, bool *out)
{
    fn_str value;
    FN_TRY(settings_get(f->ctx, &f->query->settings, fn_cstr(name), &value));
    *out = fn_str_eq(value, FN_STR("1")) || fn_str_eq(value, FN_STR("true"));
    return FN_OK;
}

/* ---- keys as they are written ---- */
static fn_status refuse_function(const family_check *f, const ast_expr *e, const char *key)
{
    if (fn_str_eq(e->text, FN_STR("arrayJoin"))) return fn_fail(f->ctx, FN_ILLEGAL_COLUMN, "%s cannot contain array joins", key);
    const func_def *def = func_find(e->text);
    if (!def || !(def->flags & FUNC_QUERY_CONSTANT)) return FN_OK;
    fn_str text;
    FN_TRY(sql_expr_text(f->ctx, e, &text));
    return fn_fail(f->ctx, FN_BAD_ARGUMENTS, "Expression must be deterministic but it contains non-deterministic part `" FN_STR_FMT "`: for %s", FN_STR_ARG(text), key);
}

/* Columns that no part has cannot be of a key. */
static fn_status refuse_column(const family_check *f, const ast_expr *e, const char *key)
{
    if (e->part_count != 1) return FN_OK;
    for (uint32_t i = 0; i < f->create->column_count; i++) {
        if (!fn_str_eq(f->create->columns[i].name, e->parts[0])) continue;
        if (table_column_is_stored(&f->schema->columns[i])) return FN_OK;
        return fn_fail(f->ctx, FN_UNKNOWN_IDENTIFIER, "Missing columns: '" FN_STR_FMT "' while processing: '" FN_STR_FMT "', required columns: '" FN_STR_FMT "'", FN_STR_ARG(e->parts[0]),
                       FN_STR_ARG(e->parts[0]), FN_STR_ARG(e->parts[0]));
    }
    for (uint32_t i = 0; i < f->schema->count; i++)
        if (f->schema->columns[i].is_virtual && fn_str_eq(f->schema->columns[i].name, e->parts[0]))
            return fn_fail(f->ctx, FN_NOT_IMPLEMENTED, "%s over virtual column " FN_STR_FMT " is not supported", key, FN_STR_ARG(e->parts[0]));
    return FN_OK;
}

static fn_status check_key_text(const family_check *f, const ast_expr *e, const char *key)
{
    if (e->kind == AST_SUBQUERY) return fn_fail(f->ctx, FN_BAD_ARGUMENTS, "Key expressions cannot contain subqueries");
    if (e->kind == AST_IDENTIFIER) return refuse_column(f, e, key);
    if (e->kind == AST_FUNCTION) FN_TRY(refuse_function(f, e, key));
    for (uint32_t i = 0; i < e->args.count; i++) FN_TRY(check_key_text(f, e->args.items[i], key));
    return FN_OK;
}

static fn_status check_keys_text(const family_check *f)
{
    const ast_engine *e = &f->create->engine;
    const struct {
        const ast_expr *expr;
        const char *name;
    } keys[] = {{e->partition_by, "Partition key"}, {e->order_by, "Sorting key"}, {e->primary_key, "Primary key"}, {e->sample_by, "Sampling key"}};
    for (size_t i = 0; i < FN_COUNT(keys); i++)
        if (keys[i].expr) FN_TRY(check_key_text(f, keys[i].expr, keys[i].name));
    return FN_OK;
}

/* ---- keys as they are bound ---- */
static bool type_holds(const fn_type *t, bool (*is)(const fn_type *))
{
    if (is(t)) return true;
    if (t->id == FN_T_AGGREGATE_FUNCTION) return false;
    for (uint16_t i = 0; i < t->arg_count; i++)
        if (type_holds(t->args[i], is)) return true;
    return false;
}

static bool is_state(const fn_type *t)
{
    return t->id == FN_T_AGGREGATE_FUNCTION;
}

static bool is_simple_aggregate(const fn_type *t)
{
    return fn_str_starts(fn_cstr(t->name), FN_STR("SimpleAggregateFunction("));
}

static fn_status item_text(const family_check *f, const ast_expr *key, uint32_t item, fn_str *out)
{
    const bool tuple = key->kind == AST_FUNCTION && fn_str_eq(key->text, FN_STR("tuple"));
    return sql_expr_text(f->ctx, tuple ? key->args.items[item] : key, out);
}

static fn_status check_key(const family_check *f, expr *const *items, uint32_t count, const ast_expr *written, const char *key)
{
    bool nullable;
    FN_TRY(table_switch(f, "allow_nullable_key", &nullable));
    for (uint32_t i = 0; i < count; i++) {
        const fn_type *t = items[i]->type;
        fn_str text;
        if (items[i]->kind == EXPR_CONST) return fn_fail(f->ctx, FN_ILLEGAL_COLUMN, "%s key cannot contain constants", key);
        if (type_holds(t, is_state)) {
            FN_TRY(item_text(f, written, i, &text));
            return fn_fail(f->ctx, FN_DATA_TYPE_CANNOT_BE_USED_IN_KEY, "Column `" FN_STR_FMT "` with type %s is not allowed in key expression, it's not comparable", FN_STR_ARG(text), t->name);
        }
        if (!nullable && type_holds(t, fn_type_is_nullable))
            return fn_fail(f->ctx, FN_ILLEGAL_COLUMN, "%s key contains nullable columns, but merge tree setting `allow_nullable_key` is disabled", key);
    }
    return FN_OK;
}

static fn_status check_sort_key(const family_check *f)
{
    const mt_definition *mt = f->mt;
    bool aggregates, doubles;
    FN_TRY(check_key(f, mt->sort_key, mt->sort_count, f->create->engine.order_by, "Sorting"));
    FN_TRY(session_switch(f, "allow_suspicious_primary_key", &aggregates));
    FN_TRY(table_switch(f, "allow_suspicious_indices", &doubles));
    for (uint32_t i = 0; i < mt->sort_count; i++) {
        if (!aggregates && is_simple_aggregate(mt->sort_key[i]->type))
            return fn_fail(f->ctx, FN_DATA_TYPE_CANNOT_BE_USED_IN_KEY, "Column with type %s is not allowed in key expression", mt->sort_key[i]->type->name);
        for (uint32_t k = 0; k < i && !doubles; k++) {
            if (!expr_equal(mt->sort_key[i], mt->sort_key[k])) continue;
            return fn_fail(f->ctx, FN_BAD_ARGUMENTS, "Primary key or secondary index contains a duplicate expression. To suppress this exception, rerun the command with setting "
                           "'allow_suspicious_indices = 1'");
        }
    }
    return FN_OK;
}

static fn_status check_partition_key(const family_check *f)
{
    const mt_definition *mt = f->mt;
    bool floats;
    FN_TRY(check_key(f, mt->partition_key, mt->partition_count, f->create->engine.partition_by, "Partition"));
    FN_TRY(table_switch(f, "allow_floating_point_partition_key", &floats));
    for (uint32_t i = 0; i < mt->partition_count && !floats; i++) {
        fn_str text;
        if (!fn_type_is_float(mt->partition_key[i]->type)) continue;
        FN_TRY(item_text(f, f->create->engine.partition_by, i, &text));
        return fn_fail(f->ctx, FN_BAD_ARGUMENTS, "Floating point partition key is not supported: " FN_STR_FMT, FN_STR_ARG(text));
    }
    return FN_OK;
}

static fn_status check_sampling(const family_check *f)
{
    const mt_definition *mt = f->mt;
    bool anywhere, unchecked = false, found = false;
    if (!mt->sampling) return FN_OK;
    FN_TRY(table_switch(f, "compatibility_allow_sampling_expression_not_in_primary_key", &anywhere));
    for (uint32_t i = 0; i < mt->primary_count && !found; i++) found = expr_equal(mt->sampling, mt->sort_key[i]);
    const bool tuple = mt->sampling->type->id == FN_T_TUPLE;
    if (!found && !anywhere && !tuple) return fn_fail(f->ctx, FN_BAD_ARGUMENTS, "Sampling expression must be present in the primary key");
    for (uint32_t i = 0; i < f->create->engine.setting_count; i++) {
        fn_str value;
        if (!fn_str_eq(f->create->engine.settings[i].name, FN_STR("check_sample_column_is_correct"))) continue;
        FN_TRY(query_setting_text(f->ctx, &f->create->engine.settings[i], &value));
        unchecked = fn_str_eq(value, FN_STR("0")) || fn_str_eq(value, FN_STR("false"));
    }
    static const fn_type_id fine[] = {FN_T_UINT8, FN_T_UINT16, FN_T_UINT32, FN_T_UINT64, FN_T_BOOL};
    for (size_t i = 0; i < FN_COUNT(fine); i++)
        if (mt->sampling->type->id == fine[i]) return FN_OK;
    if (unchecked && !tuple) return FN_OK;
    return fn_fail(f->ctx, FN_ILLEGAL_TYPE_OF_COLUMN_FOR_FILTER, "Invalid sampling column type in storage parameters: %s. Must be one unsigned integer type", mt->sampling->type->name);
}

/* ---- what the modes ask of their columns ---- */
typedef struct column_search {
    column_id id;
    bool found;
} column_search;

static fn_status visit_column(void *self, fn_ctx *ctx, expr *e)
{
    column_search *s = self;
    (void)ctx;
    s->found = s->found || (e->kind == EXPR_COLUMN && e->column == s->id);
    return FN_OK;
}

static fn_status is_in(const family_check *f, expr *const *items, uint32_t count, uint32_t column, bool *out)
{
    column_search s = {column, false};
    for (uint32_t i = 0; i < count; i++) FN_TRY(expr_walk(f->ctx, items[i], visit_column, &s));
    *out = s.found;
    return FN_OK;
}

static fn_status check_sums(const family_check *f)
{
    const mt_definition *mt = f->mt;
    bool anywhere, found;
    FN_TRY(table_switch(f, mt->mode == MT_SUMMING ? "allow_summing_columns_in_partition_or_order_key" : "allow_coalescing_columns_in_partition_or_order_key", &anywhere));
    const struct {
        expr *const *items;
        uint32_t count;
        const char *name;
    } keys[] = {{mt->partition_key, mt->partition_count, "partition"}, {mt->sort_key, mt->sort_count, "sorting"}};
    for (uint32_t i = 0; i < mt->sum_count; i++) {
        const fn_str name = f->schema->columns[mt->sum_columns[i]].name;
        if (!table_column_is_stored(&f->schema->columns[mt->sum_columns[i]]))
            return fn_fail(f->ctx, FN_NO_SUCH_COLUMN_IN_TABLE, "Column " FN_STR_FMT " listed in columns to sum does not exist in table declaration", FN_STR_ARG(name));
        for (uint32_t k = 0; k < i; k++)
            if (mt->sum_columns[k] == mt->sum_columns[i])
                return fn_fail(f->ctx, FN_BAD_ARGUMENTS, "Column " FN_STR_FMT " is listed multiple times in the list of columns to sum", FN_STR_ARG(name));
    }
    for (size_t k = 0; k < FN_COUNT(keys) && !anywhere; k++) {
        for (uint32_t i = 0; i < mt->sum_count; i++) {
            FN_TRY(is_in(f, keys[k].items, keys[k].count, mt->sum_columns[i], &found));
            if (!found) continue;
            return fn_fail(f->ctx, FN_BAD_ARGUMENTS, "Columns: " FN_STR_FMT " listed both in columns to sum and in %s key. That is not allowed",
                           FN_STR_ARG(f->schema->columns[mt->sum_columns[i]].name), keys[k].name);
        }
    }
    return FN_OK;
}

/* Rows of a group become one: a column that is neither of a key nor a state keeps some row's value. Only where there are states at all. */
static fn_status check_dimensions(const family_check *f)
{
    const mt_definition *mt = f->mt;
    bool anywhere, any_state = false, found;
    fn_buf names = FN_BUF_INIT;
    fn_status status = FN_OK;
    FN_TRY(table_switch(f, "allow_dimensions_outside_sorting_key", &anywhere));
    if (anywhere) return FN_OK;
    for (uint32_t i = 0; i < f->create->column_count && status == FN_OK; i++) {
        const fn_type *t = f->schema->columns[i].type;
        if (!table_column_is_stored(&f->schema->columns[i])) continue;
        if (is_state(t) || is_simple_aggregate(t)) {
            any_state = true;
            continue;
        }
        status = is_in(f, mt->sort_key, mt->sort_count, i, &found);
        if (status == FN_OK && !found) status = is_in(f, mt->partition_key, mt->partition_count, i, &found);
        if (status != FN_OK || found || f->create->columns[i].default_kind == DEFAULT_MATERIALIZED) continue;
        status = fn_buf_printf(f->ctx, &names, "%s" FN_STR_FMT, names.size ? ", " : "", FN_STR_ARG(f->schema->columns[i].name));
    }
    if (status == FN_OK && any_state && names.size)
        status = fn_fail(f->ctx, FN_BAD_ARGUMENTS, "Column(s) %.*s of the AggregatingMergeTree table are neither part of the sorting key nor aggregate measures (AggregateFunction or "
                         "SimpleAggregateFunction). During background merges, rows with the same value of the sorting key are collapsed into one, so these columns keep an arbitrary "
                         "value, which silently produces wrong results for queries that GROUP BY or filter on them. Add them to the sorting key (ORDER BY), or set "
                         "'allow_dimensions_outside_sorting_key = 1' if this is intentional (for example, when the columns are functionally dependent on the sorting key)",
                         (int)FN_MIN(names.size, (size_t)2000), names.data);
    fn_buf_release(&names);
    return status;
}

static fn_status check_same(const family_check *f, int a, int b, const char *what)
{
    if (a < 0 || a != b) return FN_OK;
    return fn_fail(f->ctx, FN_BAD_ARGUMENTS, "The version and %s column cannot be the same column (" FN_STR_FMT ")", what, FN_STR_ARG(f->schema->columns[a].name));
}

static fn_status check_special(const family_check *f)
{
    const mt_definition *mt = f->mt;
    const struct {
        int column;
        const char *name;
    } special[] = {{mt->sign_column, "Sign"}, {mt->is_deleted_column, "is_deleted"}, {mt->version_column, "Version"}};
    for (size_t i = 0; i < FN_COUNT(special); i++) {
        if (special[i].column < 0 || table_column_is_stored(&f->schema->columns[special[i].column])) continue;
        return fn_fail(f->ctx, FN_NO_SUCH_COLUMN_IN_TABLE, "%s column " FN_STR_FMT " does not exist in table declaration", special[i].name,
                       FN_STR_ARG(f->schema->columns[special[i].column].name));
    }
    FN_TRY(check_same(f, mt->version_column, mt->is_deleted_column, "is_deleted"));
    return check_same(f, mt->version_column, mt->sign_column, "sign");
}

static fn_status check_mode(const family_check *f)
{
    switch (f->mt->mode) {
    case MT_PLAIN: return FN_OK;
    case MT_REPLACING:
    case MT_COLLAPSING:
    case MT_VERSIONED_COLLAPSING: return check_special(f);
    case MT_SUMMING:
    case MT_COALESCING: return check_sums(f);
    case MT_AGGREGATING: return check_dimensions(f);
    }
    FN_IMPOSSIBLE("mode");
}

static fn_status check_bound(const family_check *f)
{
    FN_TRY(check_partition_key(f));
    FN_TRY(check_sort_key(f));
    FN_TRY(check_sampling(f));
    return check_mode(f);
}

fn_status definition_check_family(query *q, const ast_create *c)
{
    table_schema *schema;
    mt_definition mt = {.arena = NULL};
    FN_TRY(definition_plain_schema(q->ctx, c, &schema));
    family_check f = {.query = q, .ctx = q->ctx, .create = c, .schema = schema, .mt = &mt};
    fn_status status = check_keys_text(&f);
    if (status == FN_OK) status = definition_merge_tree(q->ctx, c, schema, &mt);
    if (status == FN_OK) status = check_bound(&f);
    fn_arena_free(mt.arena);
    table_schema_drop(schema);
    return status;
}
