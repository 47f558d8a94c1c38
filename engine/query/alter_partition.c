/* alter_partition.c - ALTER TABLE ... PARTITION: each command is one transaction of the catalog.
 *
 * Detached partitions live in a table of their own beside the table, with a name nobody may write (".detached.<uuid>"): DETACH
 * moves a partition there, ATTACH moves it back, DROP DETACHED drops it there. SPDX-License-Identifier: Apache-2.0 */
#include "query/alter.h"
#include <firn/time.h>

/* Values of a PARTITION clause as columns of the key's types. */
static fn_status key_values(query *q, const table *t, const ast_expr *value, fn_column **out, uint32_t count)
{
    static const table_schema none = {.count = 0};
    const mt_definition *d = mt_table_definition(t);
    const bool tuple = value->kind == AST_FUNCTION && fn_str_eq(value->text, FN_STR("tuple"));
    if ((tuple ? value->args.count : 1u) != count) {
        return fn_fail(q->ctx, FN_INVALID_PARTITION_VALUE, "Wrong number of fields in the partition expression: %u, must be: %u", tuple ? value->args.count : 1u, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        expr *bound, *cast;
        FN_TRY(plan_bind_expr(q->ctx, &q->world.base, tuple ? value->args.items[i] : value, &none, &bound));
        fn_status status = expr_cast(q->ctx, bound, d->partition_key[i]->type, &cast);
        if (status == FN_OK) status = expr_fold(q->ctx, cast, &out[i]);
        if (status != FN_OK && fn_type_is_string(fn_type_base(bound->type))) {
            fn_error_clear(q->ctx);
            status = fn_fail(q->ctx, FN_TYPE_MISMATCH, "Cannot convert string to type %s: the value of a partition", d->partition_key[i]->type->name);
        }
        FN_TRY(status);
    }
    return FN_OK;
}

fn_status alter_partition_id(query *q, const table *t, const ast_partition *p, fn_str *out)
{
    *out = p->id;
    if (p->all) *out = (fn_str){NULL, 0};
    if (p->all || p->has_id || p->is_part) return FN_OK;
    const uint32_t count = mt_table_definition(t)->partition_count;
    const bool empty_tuple = p->value->kind == AST_FUNCTION && fn_str_eq(p->value->text, FN_STR("tuple")) && p->value->args.count == 0;
    if (count == 0 && empty_tuple) {
        *out = FN_STR("all");
        return FN_OK;
    }
    fn_column **values = FN_NEW_ARRAY(q->ctx, fn_column *, FN_MAX(count, 1u));
    FN_TRY_PTR(q->ctx, values);
    fn_status status = key_values(q, t, p->value, values, count);
    if (status == FN_OK) status = mt_partition_id(q->ctx, t, values, count, out);
    for (uint32_t i = 0; i < count; i++) fn_column_drop(values[i]);
    return status;
}

static fn_status other_table(alter_run *a, const ast_name *name, table **out)
{
    fn_str database, table_name;
    FN_TRY(query_name(a->query, name, &database, &table_name));
    FN_TRY(world_table(a->query, database, table_name, out));
    if (mt_is(*out)) return FN_OK;
    const fn_status status = fn_fail(a->query->ctx, FN_NOT_IMPLEMENTED, "Table " FN_STR_FMT " of storage %s has no partitions", FN_STR_ARG(table_name), (*out)->ops->engine);
    table_drop(*out);
    return status;
}

static fn_status with_other(alter_run *a, const ast_alter_command *c, fn_str id)
{
    table *other;
    FN_TRY(other_table(a, &c->from, &other));
    fn_status status;
    if (c->kind == ALTER_MOVE_PARTITION) status = mt_move_partition(a->query->ctx, a->table, other, id);
    else status = mt_copy_partition(a->query->ctx, other, a->table, id, c->kind == ALTER_REPLACE_PARTITION);
    table_drop(other);
    return status;
}

/* ---- detached partitions ---- */
fn_status alter_detached(query *q, const table *t, table **out, fn_str *database, fn_str *name)
{
    const char *text = fn_arena_printf(q->ctx, q->ctx->arena, ".detached.%s", t->uuid);
    FN_TRY_PTR(q->ctx, text);
    *name = fn_cstr(text);
    *out = NULL;
    fn_status status = FN_OK;
    catalog_names *names = catalog_names_get(q->engine->catalog);
    for (uint32_t d = 0; d < names->count && !*out && status == FN_OK; d++) { /* t may have moved to another database since */
        const catalog_entry *e = catalog_names_table(names, names->databases[d].name, *name);
        if (!e) continue;
        status = fn_arena_str(q->ctx, q->ctx->arena, names->databases[d].name, database);
        if (status == FN_OK) *out = table_ref(e->table);
    }
    catalog_names_drop(names);
    return status;
}

/* *out NULL: nothing was ever detached (and make is false). */
static fn_status detached_table(alter_run *a, bool make, table **out)
{
    query *q = a->query;
    fn_str database, name, sql, ids;
    ast_statement *s;
    uint32_t next;
    char uuid[37];
    FN_TRY(alter_detached(q, a->table, out, &database, &name));
    if (*out || !make) return FN_OK;
    FN_TRY(definition_text(q->ctx, q->engine, a->table, &sql));
    FN_TRY(catalog_column_ids(q->ctx, q->engine->catalog, a->table->uuid, &ids, &next));
    FN_TRY(sql_parse(q->ctx, sql, &s));
    s->create->name = (ast_name){.database = a->database, .table = name};
    FN_TRY(definition_print(q->ctx, s, &sql));
    catalog_make_uuid(uuid);
    const catalog_table_row row = {.uuid = uuid, .database = a->database, .name = name, .create_sql = sql, .column_ids = ids, .next_column_id = next,
                                   .created_s = fn_clock_realtime_ns() / 1000000000};
    FN_TRY(definition_build(q->engine, q->ctx, &row, out));
    const catalog_action action = {.kind = CATALOG_CREATE_TABLE, .database = a->database, .name = name, .table = *out, .create_sql = sql,
                                   .column_ids = ids, .next_column_id = next};
    const fn_status status = catalog_apply(q->ctx, q->engine->catalog, &action, 1);
    if (status != FN_OK) table_drop(*out);
    return status;
}

static fn_status detached(alter_run *a, const ast_alter_command *c, fn_str id)
{
    fn_ctx *ctx = a->query->ctx;
    table *hidden;
    fn_str allowed;
    if (c->detached) {
        FN_TRY(settings_get(ctx, &a->query->settings, FN_STR("allow_drop_detached"), &allowed));
        if (!fn_str_eq(allowed, FN_STR("1"))) {
            return fn_fail(ctx, FN_SUPPORT_IS_DISABLED, "Cannot execute query: DROP DETACHED PART is disabled (see allow_drop_detached setting)");
        }
    }
    if (c->partition.is_part) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "DETACH PART and ATTACH PART are not supported");
    FN_TRY(detached_table(a, c->kind == ALTER_DETACH_PARTITION, &hidden));
    if (!hidden) return FN_OK;
    fn_status status;
    if (c->kind == ALTER_DETACH_PARTITION) status = mt_move_partition(ctx, a->table, hidden, id);
    else if (c->kind == ALTER_ATTACH_PARTITION) status = mt_move_partition(ctx, hidden, a->table, id);
    else status = mt_drop_partition(ctx, hidden, id);
    table_drop(hidden);
    return status;
}

fn_status alter_partition(alter_run *a, const ast_alter_command *c)
{
    fn_ctx *ctx = a->query->ctx;
    fn_str id = {NULL, 0};
    /* DELETE rewrites: there are no masks to apply. */
    if (c->kind == ALTER_OTHER && mt_is(a->table) && fn_str_eq(c->text, FN_STR("APPLY DELETED MASK"))) return FN_OK;
    if (c->kind == ALTER_OTHER) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "ALTER TABLE ... " FN_STR_FMT " is not supported", FN_STR_ARG(c->text));
    if (!mt_is(a->table)) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Table storage %s doesn't support partitioning", a->table->ops->engine);
    if (c->partition.present) FN_TRY(alter_partition_id(a->query, a->table, &c->partition, &id));
    switch (c->kind) {
    case ALTER_DROP_PARTITION:
        return c->detached ? detached(a, c, id) : mt_drop_partition(ctx, a->table, id);
    case ALTER_DROP_PART:
        return c->detached ? detached(a, c, id) : mt_drop_part(ctx, a->table, id);
    case ALTER_DETACH_PARTITION:
    case ALTER_ATTACH_PARTITION:
        return detached(a, c, id);
    case ALTER_ATTACH_PARTITION_FROM:
    case ALTER_REPLACE_PARTITION:
    case ALTER_MOVE_PARTITION:
        if (c->partition.is_part) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "MOVE PART is not supported");
        return with_other(a, c, id);
    case ALTER_MATERIALIZE_INDEX:
    case ALTER_CLEAR_INDEX:
    case ALTER_MATERIALIZE_PROJECTION:
    case ALTER_CLEAR_PROJECTION:
        return FN_OK; /* every part always has its statistics; there is nothing to build or to drop */
    case ALTER_FREEZE:
    case ALTER_UNFREEZE:
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "FREEZE and UNFREEZE are not supported");
    case ALTER_ADD_COLUMN:
    case ALTER_DROP_COLUMN:
    case ALTER_MODIFY_COLUMN:
    case ALTER_RENAME_COLUMN:
    case ALTER_COMMENT_COLUMN:
    case ALTER_CLEAR_COLUMN:
    case ALTER_MATERIALIZE_COLUMN:
    case ALTER_DELETE:
    case ALTER_UPDATE:
    case ALTER_MODIFY_ORDER_BY:
    case ALTER_MODIFY_TTL:
    case ALTER_REMOVE_TTL:
    case ALTER_MODIFY_SETTING:
    case ALTER_RESET_SETTING:
    case ALTER_MODIFY_COMMENT:
    case ALTER_ADD_INDEX:
    case ALTER_DROP_INDEX:
    case ALTER_ADD_PROJECTION:
    case ALTER_DROP_PROJECTION:
    case ALTER_ADD_CONSTRAINT:
    case ALTER_DROP_CONSTRAINT:
    case ALTER_MODIFY_QUERY:
    case ALTER_OTHER:
        break;
    }
    FN_IMPOSSIBLE("not a command about partitions");
}
