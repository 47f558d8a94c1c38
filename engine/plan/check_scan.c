/* check_scan.c - what settings ask of the scans of a finished plan: max_columns_to_read, force_primary_key, force_index_by_date.
 *
 * Whether a key helps is read off the conjuncts that reached the scan: a comparison, IN or prefix test of a key column, bare or under
 * a function that keeps its order, with something that has no columns. SPDX-License-Identifier: Apache-2.0 */
#include "plan/rule.h"
#include "settings/settings.h"

typedef struct wanted_columns {
    const table *table;
    const table_schema *schema;
    bool partition; /* columns of the partition key instead of the primary key */
} wanted_columns;

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

/* Does the name stand in the key's text as a word of its own? */
static bool has_name(fn_str text, fn_str name)
{
    for (size_t i = 0; i + name.size <= text.size; i++) {
        if (memcmp(text.data + i, name.data, name.size) != 0) continue;
        const bool before = i > 0 && is_word(text.data[i - 1]), after = i + name.size < text.size && is_word(text.data[i + name.size]);
        if (!before && !after) return true;
    }
    return false;
}

static bool is_key_column(const wanted_columns *w, const plan *scan, column_id id)
{
    for (uint32_t i = 0; i < scan->column_count; i++) {
        if (scan->columns[i].id != id) continue;
        const fn_str name = w->schema->columns[scan->scan.indexes[i]].name;
        return has_name(w->partition ? w->table->partition_key_sql : w->table->primary_key_sql, name);
    }
    return false;
}

static bool is_constant(const expr *e)
{
    return e->kind == EXPR_CONST || e->kind == EXPR_CELL;
}

/* A key column, bare or under one function that keeps the order. */
static bool is_key_value(const wanted_columns *w, const plan *scan, const expr *e)
{
    static const char *const monotonic[] = {"plus", "minus", "negate", "CAST", "_CAST", "toDate", "toDateTime", "toYYYYMM", "toYYYYMMDD", "toYear", "toStartOfMonth",
                                            "toStartOfDay", "toStartOfHour", "toStartOfInterval", "toMonday", "toStartOfWeek", "toStartOfYear", "assumeNotNull"};
    if (e->kind == EXPR_COLUMN) return is_key_column(w, scan, e->column);
    bool known = false, key = false;
    for (size_t i = 0; i < FN_COUNT(monotonic); i++) known |= plan_is_call(e, monotonic[i]);
    for (uint32_t i = 0; known && i < e->arg_count; i++) {
        const bool hit = is_key_value(w, scan, e->args[i]);
        if (!hit && !is_constant(e->args[i])) return false;
        key |= hit;
    }
    return key;
}

/* negated: e stands under an odd number of NOTs. */
static bool uses_key(const wanted_columns *w, const plan *scan, const expr *e, bool negated)
{
    static const char *const tests[] = {"equals", "notEquals", "less", "greater", "lessOrEquals", "greaterOrEquals", "in", "notIn", "globalIn", "startsWith", "like",
                                        "isNull", "isNotNull", "has"};
    if (plan_is_call(e, "not")) return uses_key(w, scan, e->args[0], !negated);
    if (plan_is_call(e, "and") || plan_is_call(e, "or")) {
        const bool all = plan_is_call(e, "or") != negated;
        for (uint32_t i = 0; i < e->arg_count; i++)
            if (uses_key(w, scan, e->args[i], negated) != all) return !all;
        return all;
    }
    if (is_key_value(w, scan, e)) return true;
    bool known = false, key = false;
    for (size_t i = 0; i < FN_COUNT(tests); i++) known |= plan_is_call(e, tests[i]);
    for (uint32_t i = 0; known && i < e->arg_count; i++) {
        const bool hit = is_key_value(w, scan, e->args[i]);
        if (!hit && !is_constant(e->args[i])) return false;
        key |= hit;
    }
    return key || (e->kind != EXPR_COLUMN && e->kind != EXPR_CALL); /* sets and the like: the scan looks at them itself */
}

static bool any_uses_key(const wanted_columns *w, const plan *scan)
{
    for (uint32_t i = 0; i < scan->scan.conjunct_count; i++)
        if (uses_key(w, scan, scan->scan.conjuncts[i], false)) return true;
    for (uint32_t i = 0; i < scan->scan.prewhere_count; i++)
        if (uses_key(w, scan, scan->scan.prewhere[i], false)) return true;
    return false;
}

static fn_status check_keys(fn_ctx *ctx, const plan *scan)
{
    const fn_settings *s = settings_of(ctx);
    table *t = scan->scan.table;
    fn_status status = FN_OK;
    uint64_t rows;
    if ((!s->force_primary_key && !s->force_index_by_date) || !fn_str_ends(fn_cstr(t->ops->engine), FN_STR("MergeTree"))) return FN_OK;
    if (scan->scan.by_metadata || (t->ops->rows && t->ops->rows(scan->scan.snapshot, false, &rows) && rows == 0)) return FN_OK;
    table_schema *schema = table_schema_ref(atomic_load(&t->schema));
    const wanted_columns primary = {t, schema, false}, partition = {t, schema, true};
    if (s->force_primary_key && !any_uses_key(&primary, scan)) {
        status = fn_fail(ctx, FN_INDEX_NOT_USED, "Primary key (" FN_STR_FMT ") is not used and setting 'force_primary_key' is set", FN_STR_ARG(t->primary_key_sql));
    } else if (s->force_index_by_date && t->partition_key_sql.size && !any_uses_key(&partition, scan)) {
        status = fn_fail(ctx, FN_INDEX_NOT_USED, "Neither MinMax index by columns (" FN_STR_FMT ") nor partition expr is used and setting 'force_index_by_date' is set",
                         FN_STR_ARG(t->partition_key_sql));
    }
    table_schema_drop(schema);
    return status;
}

fn_status plan_check_scans(fn_ctx *ctx, const plan_query *q)
{
    const uint64_t most = settings_of(ctx)->max_columns_to_read;
    for (uint32_t i = 0; i < q->scan_count; i++) {
        const plan *scan = q->scans[i];
        if (scan->kind != PLAN_SCAN || !scan->scan.snapshot) continue; /* no snapshot: its projection is read instead */
        if (most && scan->column_count > most)
            return fn_fail(ctx, FN_TOO_MANY_COLUMNS, "Limit for number of columns to read exceeded. Requested: %u, maximum: %llu", scan->column_count, (unsigned long long)most);
        FN_TRY(check_keys(ctx, scan));
    }
    return FN_OK;
}
