/* alter_partition.c - ALTER TABLE ... PARTITION: each command is one transaction of the catalog.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/alter.h"

/* What the callbacks of one command need. */
typedef struct alter_command_run {
    alter_run *alter;
    bool part;         /* the command names a part */
    const char *words; /* command_type of its rows */
    const char *name;  /* of a FREEZE */
} alter_command_run;

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

/* The other table, at a moment when the altered one had its name too: one EXCHANGE between two looks could make them the same table. */
static fn_status other_table(alter_run *a, const ast_name *name, table **out)
{
    query *q = a->query;
    fn_str database, table_name;
    FN_TRY(query_name(q, name, &database, &table_name));
    catalog_names *names = catalog_names_get(q->engine->catalog);
    const catalog_entry *e = catalog_names_table(names, a->database, a->name), *other = catalog_names_table(names, database.size ? database : q->database, table_name);
    const bool moved = !a->table->is_temporary && (!e || e->table != a->table);
    *out = other && !moved ? table_ref(other->table) : NULL;
    catalog_names_drop(names);
    if (moved) return fn_fail(q->ctx, FN_TABLE_UUID_MISMATCH, "Table " FN_STR_FMT "." FN_STR_FMT " is another one meanwhile", FN_STR_ARG(a->database), FN_STR_ARG(a->name));
    if (!*out) FN_TRY(world_table(q, database, table_name, out)); /* temporary, or the error */
    FN_TRY(query_claim(q, database, table_name, *out, NULL));
    if (mt_is(*out)) return FN_OK;
    const fn_status status = fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Table " FN_STR_FMT " of storage %s has no partitions", FN_STR_ARG(table_name), (*out)->ops->engine);
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

/* ---- detached parts ---- */
static fn_status report_attached(void *self, fn_ctx *ctx, const mt_part_row *was, const mt_part_row *is)
{
    const alter_command_run *r = self;
    const alter_touched row = {.command = r->part ? "ATTACH PART" : "ATTACH PARTITION", .partition_id = is->partition_id, .part = is->name, .old_part = was->name};
    (void)ctx;
    return alter_report(r->alter, &row);
}

static fn_status drop_detached(alter_run *a, fn_str id, fn_str part)
{
    fn_ctx *ctx = a->query->ctx;
    fn_str allowed;
    FN_TRY(settings_get(ctx, &a->query->settings, FN_STR("allow_drop_detached"), &allowed));
    if (!fn_str_eq(allowed, FN_STR("1")))
        return fn_fail(ctx, FN_SUPPORT_IS_DISABLED, "Cannot execute query: DROP DETACHED PART is disabled (see allow_drop_detached setting)");
    return mt_drop_detached(ctx, a->table, id, part);
}

static fn_status detached(alter_run *a, const ast_alter_command *c, fn_str id)
{
    fn_ctx *ctx = a->query->ctx;
    fn_str part = {NULL, 0};
    if (c->partition.is_part) { /* an empty name is a name */
        part = id.data ? id : FN_STR("");
        id = (fn_str){NULL, 0};
    }
    if (c->detached) return drop_detached(a, id, part);
    if (c->kind == ALTER_DETACH_PARTITION) return mt_detach(ctx, a->table, id, part);
    alter_command_run run = {.alter = a, .part = c->partition.is_part};
    return mt_attach(ctx, a->table, id, part, report_attached, &run);
}

/* ---- FREEZE, UNFREEZE ---- */
static fn_status report_frozen(void *self, fn_ctx *ctx, fn_str part, const char *folder)
{
    const alter_command_run *r = self;
    alter_touched row = {.command = r->words, .part = part, .backup = fn_cstr(r->name)};
    const char *path = fn_arena_printf(ctx, ctx->arena, "%s/", folder);
    const char *part_path = fn_arena_printf(ctx, ctx->arena, "%s/" FN_STR_FMT "/", folder, FN_STR_ARG(part));
    if (!path || !part_path) return ctx->error.code;
    row.backup_path = fn_cstr(path);
    row.part_path = fn_cstr(part_path);
    size_t n = 0;
    while (n < part.size && part.data[n] != '_') n++;
    row.partition_id = (fn_str){part.data, n};
    return alter_report(r->alter, &row);
}

/* A name as one component of a path: ClickHouse's escapeForFileName. */
static fn_status escape_name(fn_ctx *ctx, fn_str name, const char **out)
{
    fn_buf b = FN_BUF_INIT;
    fn_status status = FN_OK;
    for (size_t i = 0; i < name.size && status == FN_OK; i++) {
        const char c = name.data[i];
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        status = plain ? fn_buf_byte(ctx, &b, c) : fn_buf_printf(ctx, &b, "%%%02X", (unsigned)(uint8_t)c);
    }
    if (status == FN_OK) {
        *out = fn_arena_copy(ctx, ctx->arena, b.data ? b.data : "", b.size);
        status = *out ? FN_OK : ctx->error.code;
    }
    fn_buf_release(&b);
    return status;
}

static fn_status next_number(alter_run *a, const char **out)
{
    query *q = a->query;
    uint64_t number = 0;
    FN_ASSERT(pthread_mutex_lock(&q->engine->ddl_lock) == 0);
    const fn_status status = mt_freeze_number(q->ctx, a->table, &number);
    FN_ASSERT(pthread_mutex_unlock(&q->engine->ddl_lock) == 0);
    FN_TRY(status);
    *out = fn_arena_printf(q->ctx, q->ctx->arena, "%llu", (unsigned long long)number);
    FN_TRY_PTR(q->ctx, *out);
    return FN_OK;
}

static fn_status freeze(alter_run *a, const ast_alter_command *c, fn_str id)
{
    static const char *const words[2][2] = {{"UNFREEZE ALL", "UNFREEZE PARTITION"}, {"FREEZE ALL", "FREEZE PARTITION"}};
    fn_ctx *ctx = a->query->ctx;
    const bool freezes = c->kind == ALTER_FREEZE;
    alter_command_run run = {.alter = a, .words = words[freezes][c->partition.present && !c->partition.all]};
    FN_TRY(c->name.size ? escape_name(ctx, c->name, &run.name) : next_number(a, &run.name));
    return freezes ? mt_freeze(ctx, a->table, id, run.name, report_frozen, &run) : mt_unfreeze(ctx, a->table, id, run.name, report_frozen, &run);
}

/* There is one disk in one volume, both named default: nothing ever moves, but what is asked for is checked. */
static fn_status move_to_disk(alter_run *a, const ast_alter_command *c, fn_str id)
{
    fn_ctx *ctx = a->query->ctx;
    const bool disk = fn_str_eq(c->text, FN_STR("DISK"));
    const char *what = disk ? "disk" : "volume";
    if (c->partition.is_part) FN_TRY(mt_has_part(ctx, a->table, id));
    if (!fn_str_eq(c->name, FN_STR("default"))) {
        return fn_fail(ctx, disk ? FN_UNKNOWN_DISK : FN_UNKNOWN_VOLUME, "No such %s `" FN_STR_FMT "` in storage policy `default`", what, FN_STR_ARG(c->name));
    }
    if (c->partition.is_part) return fn_fail(ctx, FN_UNKNOWN_DISK, "Part '" FN_STR_FMT "' is already on %s 'default'", FN_STR_ARG(id), what);
    return fn_fail(ctx, FN_UNKNOWN_DISK, "All parts of partition '" FN_STR_FMT "' are already on %s 'default'", FN_STR_ARG(id), what);
}

fn_status alter_partition(alter_run *a, const ast_alter_command *c)
{
    fn_ctx *ctx = a->query->ctx;
    fn_str id = {NULL, 0};
    /* DELETE rewrites: there are no masks to apply. */
    if (c->kind == ALTER_OTHER && mt_is(a->table) && fn_str_eq(c->text, FN_STR("APPLY DELETED MASK"))) return FN_OK;
    if (c->kind == ALTER_OTHER && mt_is(a->table) && fn_str_starts(c->text, FN_STR("FETCH PART")))
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "FETCH PARTITION is not supported by storage %s", a->table->ops->engine);
    if (c->kind == ALTER_OTHER) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "ALTER TABLE ... " FN_STR_FMT " is not supported", FN_STR_ARG(c->text));
    if (!mt_is(a->table)) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Table engine %s doesn't support partitioning", a->table->ops->engine);
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
        if (c->text.size) return move_to_disk(a, c, id);
        return with_other(a, c, id);
    case ALTER_FREEZE:
    case ALTER_UNFREEZE:
        return freeze(a, c, id);
    case ALTER_ADD_COLUMN:
    case ALTER_DROP_COLUMN:
    case ALTER_MODIFY_COLUMN:
    case ALTER_RENAME_COLUMN:
    case ALTER_COMMENT_COLUMN:
    case ALTER_CLEAR_COLUMN:
    case ALTER_MATERIALIZE_COLUMN:
    case ALTER_MATERIALIZE_INDEX:
    case ALTER_CLEAR_INDEX:
    case ALTER_MATERIALIZE_PROJECTION:
    case ALTER_CLEAR_PROJECTION:
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
    case ALTER_STATISTICS:
    case ALTER_STATISTICS_DATA:
    case ALTER_OTHER:
        break;
    }
    FN_IMPOSSIBLE("not a command about partitions");
}
