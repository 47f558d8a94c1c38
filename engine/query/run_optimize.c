/* run_optimize.c - OPTIMIZE TABLE and CHECK TABLE. SPDX-License-Identifier: Apache-2.0 */
#include "query/alter.h"
#include "query/result.h"
#include "query/ttl.h"

static fn_status key_columns(query *q, const table *t, const ast_list *names, uint32_t **out)
{
    const table_schema *schema = atomic_load(&t->schema);
    *out = FN_NEW_ARRAY(q->ctx, uint32_t, FN_MAX(names->count, 1u));
    FN_TRY_PTR(q->ctx, *out);
    for (uint32_t i = 0; i < names->count; i++) {
        const ast_expr *e = names->items[i];
        if (e->kind != AST_IDENTIFIER) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "DEDUPLICATE BY is supported for plain columns only");
        const int at = table_schema_find(schema, e->parts[e->part_count - 1]);
        if (at < 0) return fn_fail(q->ctx, FN_UNKNOWN_IDENTIFIER, "Unknown column " FN_STR_FMT, FN_STR_ARG(e->parts[e->part_count - 1]));
        (*out)[i] = (uint32_t)at;
    }
    return FN_OK;
}

static fn_status optimize(query *q, const ast_statement *s, table *t)
{
    fn_str id = {NULL, 0};
    if (!t->ops->optimize) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Method optimize is not supported by storage %s", t->ops->engine);
    if (s->partition.present && mt_is(t)) FN_TRY(alter_partition_id(q, t, &s->partition, &id));
    if (s->deduplicate_by.count && mt_is(t)) {
        uint32_t *columns;
        FN_TRY(key_columns(q, t, &s->deduplicate_by, &columns));
        return mt_deduplicate(q->ctx, t, id, columns, s->deduplicate_by.count);
    }
    FN_TRY(ttl_apply(q->ctx, q->engine, t));
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

/* ---- CHECK TABLE ---- */
typedef struct check_run {
    fn_str names;   /* of damaged parts */
    uint32_t broken;
} check_run;

static fn_status note_broken(void *self, fn_ctx *ctx, const mt_part_row *row, bool active)
{
    check_run *c = self;
    (void)active;
    c->broken++;
    const char *text = fn_arena_printf(ctx, ctx->arena, "%.*s%s%.*s", (int)c->names.size, c->names.data ? c->names.data : "", c->names.size ? ", " : "",
                                       (int)row->name.size, row->name.data);
    FN_TRY_PTR(ctx, text);
    c->names = fn_cstr(text);
    return FN_OK;
}

fn_status run_check(query *q, const ast_statement *s)
{
    fn_str database, name;
    table *t;
    check_run c = {.broken = 0};
    if (s->what == 'a') return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "CHECK ALL TABLES is not supported");
    if (s->partition.present) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "CHECK TABLE ... PARTITION is not supported");
    FN_TRY(query_name(q, &s->name, &database, &name));
    FN_TRY(world_table(q, database, name, &t));
    fn_status status;
    if (mt_is(t)) status = mt_check(q->ctx, t, note_broken, &c);
    else status = fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Table " FN_STR_FMT " of storage %s doesn't support CHECK query", FN_STR_ARG(name), t->ops->engine);
    table_drop(t);
    FN_TRY(status);
    if (c.broken) fn_log(FN_LOG_ERROR, "check", "table " FN_STR_FMT ": damaged parts: " FN_STR_FMT, FN_STR_ARG(name), FN_STR_ARG(c.names));
    return result_one_flag(q, s, "result", c.broken == 0);
}
