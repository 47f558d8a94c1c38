/* run_optimize.c - OPTIMIZE TABLE. SPDX-License-Identifier: Apache-2.0 */
#include "query/alter.h"
#include "query/result.h"

/* Is the column taken away again by EXCEPT (a, b)? */
static bool is_excepted(const ast_expr *star, fn_str name)
{
    for (uint32_t i = 0; i < star->args2.count; i++)
        for (uint32_t k = 0; k < star->args2.items[i]->args.count; k++)
            if (star->args2.items[i]->args.items[k]->part_count == 1 && fn_str_eq(star->args2.items[i]->args.items[k]->parts[0], name)) return true;
    return false;
}

/* * [EXCEPT (a, b)] and COLUMNS('pattern') [EXCEPT ...]; other transformers are not done. */
static fn_status star_columns(query *q, const table_schema *schema, const ast_expr *star, uint32_t *out, uint32_t *count)
{
    for (uint32_t i = 0; i < star->args2.count; i++)
        if (!fn_str_eq(star->args2.items[i]->text, FN_STR("EXCEPT")) || star->args2.items[i]->type_text.size)
            return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "DEDUPLICATE BY with " FN_STR_FMT " is not supported", FN_STR_ARG(star->args2.items[i]->text));
    if (star->args.count || star->part_count) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "DEDUPLICATE BY is supported for columns, * and COLUMNS('pattern') only");
    for (uint32_t i = 0; i < schema->count; i++) {
        const table_column *c = &schema->columns[i];
        bool taken = true;
        if (!table_column_is_stored(c) || is_excepted(star, c->name)) continue;
        if (star->text.size) FN_TRY(query_name_matches(q->ctx, c->name, star->text, &taken));
        if (taken) out[(*count)++] = i;
    }
    return FN_OK;
}

static fn_status key_columns(query *q, const table_schema *schema, const ast_list *names, uint32_t **out, uint32_t *count)
{
    *out = FN_NEW_ARRAY(q->ctx, uint32_t, (size_t)names->count * schema->count + 1);
    FN_TRY_PTR(q->ctx, *out);
    *count = 0;
    for (uint32_t i = 0; i < names->count; i++) {
        const ast_expr *e = names->items[i];
        if (e->kind == AST_ASTERISK) {
            FN_TRY(star_columns(q, schema, e, *out, count));
            continue;
        }
        if (e->kind != AST_IDENTIFIER) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "DEDUPLICATE BY is supported for columns, * and COLUMNS('pattern') only");
        const int at = table_schema_find(schema, e->parts[e->part_count - 1]);
        if (at < 0) return fn_fail(q->ctx, FN_NO_SUCH_COLUMN_IN_TABLE, "There is no column with name `" FN_STR_FMT "` in the table", FN_STR_ARG(e->parts[e->part_count - 1]));
        (*out)[(*count)++] = (uint32_t)at;
    }
    return FN_OK;
}

/* Rows are only looked at beside rows of the same sorting key, and go by their partition. */
static fn_status check_keys(query *q, const table *t, const table_schema *schema, const uint32_t *columns, uint32_t count)
{
    for (uint32_t k = 0; k < t->sort_key_count; k++) {
        bool found = false;
        for (uint32_t i = 0; i < count; i++) found |= columns[i] == t->sort_key[k];
        if (!found)
            return fn_fail(q->ctx, FN_THERE_IS_NO_COLUMN, "DEDUPLICATE BY expression must include all columns used in table's ORDER BY, PRIMARY KEY, or PARTITION BY but `" FN_STR_FMT
                           "` is missing", FN_STR_ARG(schema->columns[t->sort_key[k]].name));
    }
    return FN_OK;
}

static fn_status check_projections(fn_ctx *ctx, const table *t)
{
    const mt_definition *d = mt_table_definition(t);
    if (d->projection_count == 0 || d->settings.deduplicate_merge_projection_mode != PROJECTION_THROW) return FN_OK;
    return fn_fail(ctx, FN_SUPPORT_IS_DISABLED, "OPTIMIZE DEDUPLICATE query is not supported for table " FN_STR_FMT " as it has projections. Please drop all projections "
                   "manually before running the query, or set setting 'deduplicate_merge_projection_mode' to 'drop' or 'rebuild'", FN_STR_ARG(t->name));
}

static fn_status deduplicate(query *q, const ast_statement *s, table *t, fn_str partition_id)
{
    uint32_t *columns, count = 0;
    table_schema *schema = table_schema_ref(atomic_load(&t->schema));
    fn_status status = key_columns(q, schema, &s->deduplicate_by, &columns, &count);
    if (status == FN_OK) status = check_keys(q, t, schema, columns, count);
    if (status == FN_OK) status = mt_deduplicate(q->ctx, t, partition_id, schema, columns, count);
    table_schema_drop(schema);
    return status;
}

static fn_status optimize(query *q, const ast_statement *s, table *t)
{
    fn_str id = {NULL, 0};
    if (!t->ops->optimize) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Method optimize is not supported by storage %s", t->ops->engine);
    if (s->partition.present && mt_is(t)) FN_TRY(alter_partition_id(q, t, &s->partition, &id));
    if ((s->deduplicate || s->deduplicate_by.count) && mt_is(t)) FN_TRY(check_projections(q->ctx, t));
    if (s->deduplicate_by.count && mt_is(t)) {
        fn_status status;
        do {
            status = deduplicate(q, s, t, id);
        } while (query_begins_again(q, status));
        return status;
    }
    return t->ops->optimize(t, q->ctx, id, s->final, s->deduplicate, s->cleanup);
}

fn_status run_optimize(query *q, const ast_statement *s)
{
    fn_str database, name;
    table *t;
    if (s->on_cluster.size) return fn_fail(q->ctx, FN_CLUSTER_DOESNT_EXIST, "Requested cluster '" FN_STR_FMT "' not found", FN_STR_ARG(s->on_cluster));
    FN_TRY(query_name(q, &s->name, &database, &name));
    FN_TRY(world_table(q, database, name, &t));
    const fn_status status = optimize(q, s, t);
    table_drop(t);
    FN_TRY(status);
    return result_none(q);
}
