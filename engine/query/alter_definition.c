/* alter_definition.c - ALTER's commands about columns, keys, settings, indices and constraints, done to the parsed definition.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/alter.h"
#include "query/facade.h"
#include "query/insert.h"
#include "query/materialized.h"

typedef fn_status alter_fn(alter_run *a, const ast_alter_command *c);

static int find_column(const alter_run *a, fn_str name)
{
    const ast_create *c = a->statement->create;
    for (uint32_t i = 0; i < c->column_count; i++)
        if (fn_str_eq(c->columns[i].name, name)) return (int)i;
    return -1;
}

/* ---- where a column is used ---- */
static bool uses(const ast_expr *e, fn_str name)
{
    if (!e) return false;
    if (e->kind == AST_IDENTIFIER && e->part_count && fn_str_eq(e->parts[e->part_count - 1], name)) return true;
    const ast_list *const lists[] = {&e->args, &e->args2, &e->params};
    for (size_t l = 0; l < FN_COUNT(lists); l++)
        for (uint32_t i = 0; i < lists[l]->count; i++)
            if (uses(lists[l]->items[i], name)) return true;
    return false;
}

static bool in_key(const alter_run *a, fn_str name)
{
    const ast_engine *e = &a->statement->create->engine;
    if (uses(e->order_by, name) || uses(e->primary_key, name) || uses(e->partition_by, name) || uses(e->sample_by, name)) return true;
    for (uint32_t i = 0; i < e->args.count; i++)
        if (uses(e->args.items[i], name)) return true;
    return false;
}

/* Another column's default needs it. */
static const ast_column_def *dependent(const alter_run *a, fn_str name)
{
    const ast_create *c = a->statement->create;
    for (uint32_t i = 0; i < c->column_count; i++)
        if (!fn_str_eq(c->columns[i].name, name) && uses(c->columns[i].default_expr, name)) return &c->columns[i];
    return NULL;
}

/* ---- columns ---- */
static fn_status insert_column(alter_run *a, uint32_t at, const ast_column_def *def, uint32_t id)
{
    ast_create *c = a->statement->create;
    ast_column_def *columns = FN_NEW_ARRAY(a->query->ctx, ast_column_def, c->column_count + 1);
    uint32_t *ids = FN_NEW_ARRAY(a->query->ctx, uint32_t, c->column_count + 1);
    FN_TRY_PTR(a->query->ctx, columns);
    FN_TRY_PTR(a->query->ctx, ids);
    memcpy(columns, c->columns, sizeof *columns * at);
    memcpy(ids, a->ids, sizeof *ids * at);
    columns[at] = *def;
    ids[at] = id;
    memcpy(columns + at + 1, c->columns + at, sizeof *columns * (c->column_count - at));
    memcpy(ids + at + 1, a->ids + at, sizeof *ids * (c->column_count - at));
    c->columns = columns;
    a->ids = ids;
    c->column_count++;
    return FN_OK;
}

static void remove_column(alter_run *a, uint32_t at)
{
    ast_create *c = a->statement->create;
    c->column_count--;
    memmove(c->columns + at, c->columns + at + 1, sizeof *c->columns * (c->column_count - at));
    memmove(a->ids + at, a->ids + at + 1, sizeof *a->ids * (c->column_count - at));
}

static fn_status place_of(alter_run *a, const ast_alter_command *c, uint32_t otherwise, uint32_t *out)
{
    *out = c->first ? 0 : otherwise;
    if (!c->after.size) return FN_OK;
    const int at = find_column(a, c->after);
    if (at < 0) {
        return fn_fail(a->query->ctx, FN_NO_SUCH_COLUMN_IN_TABLE, "Wrong column name. Cannot find column " FN_STR_FMT " to insert after", FN_STR_ARG(c->after));
    }
    *out = (uint32_t)at + 1;
    return FN_OK;
}

/* New columns may be Nested: each of its fields has a number of its own. */
static fn_status add_column(alter_run *a, const ast_alter_command *c)
{
    query *q = a->query;
    uint32_t at;
    if (find_column(a, c->column.name) >= 0) {
        if (c->if_not_exists) return FN_OK;
        return fn_fail(q->ctx, FN_DUPLICATE_COLUMN, "Cannot add column `" FN_STR_FMT "`: column with this name already exists", FN_STR_ARG(c->column.name));
    }
    FN_TRY(place_of(a, c, a->statement->create->column_count, &at));
    a->columns_changed = true;
    FN_TRY(insert_column(a, at, &c->column, 0));
    const uint32_t before = a->statement->create->column_count;
    FN_TRY(definition_check_columns(q, a->statement->create)); /* takes a Nested apart */
    const uint32_t added = a->statement->create->column_count - before + 1;
    uint32_t *ids = FN_NEW_ARRAY(q->ctx, uint32_t, a->statement->create->column_count);
    FN_TRY_PTR(q->ctx, ids);
    memcpy(ids, a->ids, sizeof *ids * at);
    for (uint32_t i = 0; i < added; i++) ids[at + i] = a->next_column_id++;
    memcpy(ids + at + added, a->ids + at + 1, sizeof *ids * (before - at - 1));
    a->ids = ids;
    return FN_OK;
}

static fn_status drop_column(alter_run *a, const ast_alter_command *c)
{
    fn_ctx *ctx = a->query->ctx;
    const int at = find_column(a, c->name);
    if (c->partition.present) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "DROP COLUMN ... IN PARTITION is not supported");
    if (at < 0) {
        if (c->if_exists) return FN_OK;
        return fn_fail(ctx, FN_NOT_FOUND_COLUMN_IN_BLOCK, "Wrong column name. Cannot find column `" FN_STR_FMT "` to drop", FN_STR_ARG(c->name));
    }
    if (in_key(a, c->name)) {
        return fn_fail(ctx, FN_ALTER_OF_COLUMN_IS_FORBIDDEN, "Trying to ALTER DROP key " FN_STR_FMT " column which is a part of key expression", FN_STR_ARG(c->name));
    }
    const ast_column_def *user = dependent(a, c->name);
    if (user) {
        return fn_fail(ctx, FN_ILLEGAL_COLUMN, "Cannot drop column " FN_STR_FMT ", because column " FN_STR_FMT " depends on it", FN_STR_ARG(c->name), FN_STR_ARG(user->name));
    }
    if (a->statement->create->column_count == 1) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Cannot drop or clear all columns");
    a->columns_changed = true;
    remove_column(a, (uint32_t)at);
    return FN_OK;
}

static fn_status remove_property(alter_run *a, ast_column_def *def, char what)
{
    static const struct {
        char what;
        uint8_t kind;
        const char *name;
    } defaults[] = {{'d', 1, "DEFAULT"}, {'m', 2, "MATERIALIZED"}, {'a', 3, "ALIAS"}};
    fn_ctx *ctx = a->query->ctx;
    for (size_t i = 0; i < FN_COUNT(defaults); i++) {
        if (defaults[i].what != what) continue;
        if (def->default_kind != defaults[i].kind)
            return fn_fail(ctx, FN_BAD_ARGUMENTS, "Column `" FN_STR_FMT "` doesn't have %s, cannot remove it", FN_STR_ARG(def->name), defaults[i].name);
        def->default_kind = 0;
        def->default_expr = NULL;
        def->default_text = (fn_str){NULL, 0};
        return FN_OK;
    }
    fn_str *const text = what == 'c' ? &def->comment : what == 'o' ? &def->codec : &def->ttl;
    if (!text->size) {
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "Column `" FN_STR_FMT "` doesn't have %s, cannot remove it", FN_STR_ARG(def->name),
                       what == 'c' ? "COMMENT" : what == 'o' ? "CODEC" : "TTL");
    }
    *text = (fn_str){NULL, 0};
    return FN_OK;
}

static fn_status modify_column(alter_run *a, const ast_alter_command *c)
{
    fn_ctx *ctx = a->query->ctx;
    const int at = find_column(a, c->column.name);
    if (at < 0) {
        if (c->if_exists) return FN_OK;
        return fn_fail(ctx, FN_NOT_FOUND_COLUMN_IN_BLOCK, "Wrong column. Cannot find column `" FN_STR_FMT "` to modify", FN_STR_ARG(c->column.name));
    }
    ast_column_def *def = &a->statement->create->columns[at];
    if (c->remove) return remove_property(a, def, c->remove);
    if (c->column.setting_count) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Settings of columns are not supported");
    if (c->column.type.size) {
        const fn_type *now, *wanted;
        FN_TRY(fn_type_parse(ctx, def->type, &now));
        FN_TRY(fn_type_parse(ctx, c->column.type, &wanted));
        if (now != wanted && in_key(a, def->name))
            return fn_fail(ctx, FN_ALTER_OF_COLUMN_IS_FORBIDDEN, "ALTER of key column " FN_STR_FMT " from type %s to type %s is not safe because it can change the "
                           "representation of primary key", FN_STR_ARG(def->name), now->name, wanted->name);
        if (fn_type_is_nullable(now) && !fn_type_is_nullable(wanted) && !(c->column.null_set && c->column.null) && !c->column.default_expr && !def->default_expr)
            return fn_fail(ctx, FN_BAD_ARGUMENTS, "Cannot convert column '" FN_STR_FMT "' from nullable type %s to non-nullable type %s. Please specify `DEFAULT` expression in ALTER MODIFY "
                           "COLUMN statement", FN_STR_ARG(def->name), now->name, wanted->name);
        a->columns_changed |= now != wanted;
        def->type = c->column.type;
        def->null_set = c->column.null_set;
        def->null = c->column.null;
    }
    if (c->column.default_kind) {
        const bool stored = def->default_kind != 3 && def->default_kind != 4, still = c->column.default_kind != 3 && c->column.default_kind != 4;
        if (stored != still) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "MODIFY COLUMN between stored columns and ALIAS or EPHEMERAL is not supported");
        def->default_kind = c->column.default_kind;
        def->default_expr = c->column.default_expr;
        def->default_text = c->column.default_text;
    }
    if (c->column.comment.data) def->comment = c->column.comment;
    if (c->column.codec.size) def->codec = c->column.codec;
    if (c->column.ttl.size) def->ttl = c->column.ttl;
    if (c->column.statistics.size) def->statistics = c->column.statistics;
    if (!c->first && !c->after.size) return FN_OK;
    const ast_column_def moved = *def;
    const uint32_t id = a->ids[at];
    uint32_t to;
    remove_column(a, (uint32_t)at);
    FN_TRY(place_of(a, c, (uint32_t)at, &to));
    a->columns_changed = true;
    return insert_column(a, to, &moved, id);
}

/* ---- renaming: every expression of the definition follows ---- */
static fn_status rename_in(alter_run *a, ast_expr *e, fn_str from, fn_str to)
{
    if (!e) return FN_OK;
    if (e->kind == AST_IDENTIFIER && e->part_count == 1 && fn_str_eq(e->parts[0], from)) {
        e->parts = FN_NEW_ARRAY(a->query->ctx, fn_str, 1);
        FN_TRY_PTR(a->query->ctx, e->parts);
        e->parts[0] = to;
    }
    const ast_list *const lists[] = {&e->args, &e->args2, &e->params};
    for (size_t l = 0; l < FN_COUNT(lists); l++)
        for (uint32_t i = 0; i < lists[l]->count; i++) FN_TRY(rename_in(a, lists[l]->items[i], from, to));
    return FN_OK;
}

static fn_status rename_in_index(alter_run *a, ast_table_item *item, const ast_alter_command *c)
{
    fn_ctx *ctx = a->query->ctx;
    ast_index_def *def = &item->index;
    FN_TRY(rename_in(a, def->expr, c->name, c->new_name));
    FN_TRY(sql_expr_text(ctx, def->expr, &def->expr_text));
    const char *text = fn_arena_printf(ctx, ctx->arena, FN_STR_FMT " TYPE " FN_STR_FMT " GRANULARITY %llu", FN_STR_ARG(def->expr_text), FN_STR_ARG(def->type_text),
                                       (unsigned long long)def->granularity);
    FN_TRY_PTR(ctx, text);
    item->text = fn_cstr(text);
    return FN_OK;
}

static fn_status rename_in_ttl(alter_run *a, const ast_alter_command *c)
{
    ast_engine *e = &a->statement->create->engine;
    for (uint32_t i = 0; i < e->ttl_count; i++) {
        FN_TRY(rename_in(a, e->ttl[i].when, c->name, c->new_name));
        FN_TRY(rename_in(a, e->ttl[i].where, c->name, c->new_name));
        for (uint32_t k = 0; k < e->ttl[i].keys.count; k++) FN_TRY(rename_in(a, e->ttl[i].keys.items[k], c->name, c->new_name));
        for (uint32_t k = 0; k < e->ttl[i].set.count; k++) FN_TRY(rename_in(a, e->ttl[i].set.items[k], c->name, c->new_name));
    }
    return alter_rename_text(a->query->ctx, &e->ttl_text, c->name, c->new_name);
}

static fn_status rename_column(alter_run *a, const ast_alter_command *c)
{
    fn_ctx *ctx = a->query->ctx;
    const int at = find_column(a, c->name);
    ast_create *create = a->statement->create;
    if (at < 0) {
        if (c->if_exists) return FN_OK;
        return fn_fail(ctx, FN_NOT_FOUND_COLUMN_IN_BLOCK, "Wrong column name. Cannot find column `" FN_STR_FMT "` to rename", FN_STR_ARG(c->name));
    }
    if (find_column(a, c->new_name) >= 0)
        return fn_fail(ctx, FN_DUPLICATE_COLUMN, "Cannot rename to `" FN_STR_FMT "`: column with this name already exists", FN_STR_ARG(c->new_name));
    if (in_key(a, c->name))
        return fn_fail(ctx, FN_ALTER_OF_COLUMN_IS_FORBIDDEN, "Trying to ALTER RENAME key " FN_STR_FMT " column which is a part of key expression", FN_STR_ARG(c->name));
    if (facade_alters(a->table)) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Alter of type 'RENAME_COLUMN' is not supported by storage %s", a->table->ops->engine);
    a->columns_changed = true;
    create->columns[at].name = c->new_name;
    for (uint32_t i = 0; i < create->column_count; i++) {
        ast_column_def *def = &create->columns[i];
        FN_TRY(alter_rename_text(ctx, &def->ttl, c->name, c->new_name));
        if (!uses(def->default_expr, c->name)) continue;
        FN_TRY(rename_in(a, def->default_expr, c->name, c->new_name));
        FN_TRY(sql_expr_text(ctx, def->default_expr, &def->default_text));
    }
    FN_TRY(rename_in_ttl(a, c));
    for (uint32_t i = 0; i < create->item_count; i++) {
        ast_table_item *item = &create->items[i];
        if (uses(item->constraint, c->name)) {
            FN_TRY(rename_in(a, item->constraint, c->name, c->new_name));
            FN_TRY(sql_expr_text(ctx, item->constraint, &item->text));
        }
        if (uses(item->index.expr, c->name)) FN_TRY(rename_in_index(a, item, c)); /* its data knows columns by number: it stays */
    }
    return FN_OK;
}

static fn_status comment_column(alter_run *a, const ast_alter_command *c)
{
    const int at = find_column(a, c->name);
    if (at >= 0) {
        a->statement->create->columns[at].comment = c->text;
        return FN_OK;
    }
    if (c->if_exists) return FN_OK;
    return fn_fail(a->query->ctx, FN_NOT_FOUND_COLUMN_IN_BLOCK, "Wrong column name. Cannot find column `" FN_STR_FMT "` to comment", FN_STR_ARG(c->name));
}

/* ---- keys, settings, comment ---- */
static bool is_tuple(const ast_expr *e)
{
    return e->kind == AST_FUNCTION && fn_str_eq(e->text, FN_STR("tuple"));
}

/* A longer key over columns that are new: rows of old parts have equal values there, so they stay sorted. */
static fn_status modify_order_by(alter_run *a, const ast_alter_command *c)
{
    fn_ctx *ctx = a->query->ctx;
    ast_engine *e = &a->statement->create->engine;
    if (!mt_is(a->table)) return fn_fail(ctx, FN_BAD_ARGUMENTS, "ALTER MODIFY ORDER BY is only possible for the MergeTree family");
    ast_expr *now = e->order_by, *wanted = c->expr;
    const ast_list one_now = {&now, 1}, one_wanted = {&wanted, 1};
    const ast_list *old = is_tuple(now) ? &now->args : &one_now, *fresh = is_tuple(wanted) ? &wanted->args : &one_wanted;
    fn_str old_text, fresh_text;
    for (uint32_t i = 0; i < fresh->count; i++) {
        table_schema *schema = atomic_load(&a->table->schema);
        FN_TRY(sql_expr_text(ctx, fresh->items[i], &fresh_text));
        if (i < old->count) {
            FN_TRY(sql_expr_text(ctx, old->items[i], &old_text));
            if (fn_str_eq(old_text, fresh_text)) continue;
        }
        for (uint32_t k = 0; k < schema->count; k++) {
            if (schema->columns[k].is_virtual || !uses(fresh->items[i], schema->columns[k].name)) continue;
            return fn_fail(ctx, FN_BAD_ARGUMENTS, "Existing column " FN_STR_FMT " is used in the expression that was added to the sorting key. You can add expressions "
                           "that use only the newly added columns", FN_STR_ARG(schema->columns[k].name));
        }
        if (i < old->count) {
            expr *bound;
            FN_TRY(plan_bind_expr(ctx, &a->query->world.base, fresh->items[i], schema, &bound)); /* unknown names first */
            return fn_fail(ctx, FN_BAD_ARGUMENTS, "Primary key must be a prefix of the sorting key");
        }
    }
    if (fresh->count < old->count) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Primary key must be a prefix of the sorting key, but its length is greater than the length of the sorting key");
    if (!e->primary_key) {
        e->primary_key = e->order_by;
        e->primary_key_text = e->order_by_text;
    }
    e->order_by = c->expr;
    e->order_by_text = c->text;
    return FN_OK;
}

static fn_status modify_ttl(alter_run *a, const ast_alter_command *c)
{
    ast_engine *engine = &a->statement->create->engine;
    if (!mt_is(a->table)) return fn_fail(a->query->ctx, FN_BAD_ARGUMENTS, "Engine %s doesn't support TTL clause", a->table->ops->engine);
    engine->ttl = c->ttl;
    engine->ttl_count = c->ttl_count;
    engine->ttl_text = c->text;
    return FN_OK;
}

static fn_status remove_ttl(alter_run *a, const ast_alter_command *c)
{
    (void)c;
    if (!a->statement->create->engine.ttl_text.size) return fn_fail(a->query->ctx, FN_BAD_ARGUMENTS, "Table doesn't have any table TTL expression, cannot remove");
    a->statement->create->engine.ttl_text = (fn_str){NULL, 0};
    a->statement->create->engine.ttl_count = 0;
    return FN_OK;
}

static fn_status change_settings(alter_run *a, const ast_alter_command *c)
{
    static const char *const fixed[] = {"index_granularity", "index_granularity_bytes", "enable_mixed_granularity_parts", "storage_policy", "disk"};
    fn_ctx *ctx = a->query->ctx;
    ast_engine *e = &a->statement->create->engine;
    if (!mt_is(a->table)) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Cannot alter settings, because table engine doesn't support settings changes");
    ast_setting *all = FN_NEW_ARRAY(ctx, ast_setting, e->setting_count + c->setting_count);
    FN_TRY_PTR(ctx, all);
    memcpy(all, e->settings, sizeof *all * e->setting_count);
    uint32_t count = e->setting_count;
    for (uint32_t i = 0; i < c->setting_count; i++) {
        const ast_setting *s = &c->settings[i];
        if (!definition_has_setting(s->name)) return fn_fail(ctx, FN_UNKNOWN_SETTING, "Unknown setting '" FN_STR_FMT "'", FN_STR_ARG(s->name));
        for (size_t k = 0; k < FN_COUNT(fixed); k++) {
            if (fn_str_eq(s->name, fn_cstr(fixed[k])))
                return fn_fail(ctx, FN_READONLY_SETTING, "Setting '%s' is readonly for storage '%s'", fixed[k], a->table->ops->engine);
        }
        uint32_t at = 0;
        while (at < count && !fn_str_eq(all[at].name, s->name)) at++;
        if (s->is_default && at < count) {
            memmove(all + at, all + at + 1, sizeof *all * (count - at - 1));
            count--;
        } else if (!s->is_default) {
            all[at] = *s;
            count += at == count;
        }
    }
    e->settings = all;
    e->setting_count = count;
    return FN_OK;
}

static fn_status modify_comment(alter_run *a, const ast_alter_command *c)
{
    a->statement->create->comment = c->text;
    return FN_OK;
}

/* ---- MODIFY QUERY of a materialized view ---- */
/* The view's columns are those of its query. */
static fn_status take_query_columns(alter_run *a, const fn_schema *from)
{
    fn_ctx *ctx = a->query->ctx;
    ast_create *c = a->statement->create;
    c->columns = FN_NEW_ARRAY(ctx, ast_column_def, FN_MAX(from->count, 1u));
    a->ids = FN_NEW_ARRAY(ctx, uint32_t, FN_MAX(from->count, 1u));
    if (!c->columns || !a->ids) return ctx->error.code;
    c->column_count = from->count;
    for (uint32_t i = 0; i < from->count; i++) {
        c->columns[i].type = fn_cstr(from->fields[i].type->name);
        FN_TRY(fn_arena_str(ctx, ctx->arena, from->fields[i].name, &c->columns[i].name));
        a->ids[i] = a->next_column_id++;
    }
    return FN_OK;
}

/* The table of a view's own does not change with it, as in ClickHouse. */
static fn_status check_inner(query *q, const table *view, const fn_schema *columns)
{
    table *inner;
    if (!materialized_inner(view).size) return FN_OK;
    FN_TRY(materialized_target(q, view, &inner));
    const table_schema *schema = atomic_load(&inner->schema);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < columns->count && status == FN_OK; i++)
        if (!insert_takes(schema, columns->fields[i].name))
            status = fn_fail(q->ctx, FN_NO_SUCH_COLUMN_IN_TABLE, "Column " FN_STR_FMT " does not exist in the materialized view's inner table", FN_STR_ARG(columns->fields[i].name));
    table_drop(inner);
    return status;
}

static fn_status modify_query(alter_run *a, const ast_alter_command *c)
{
    query *q = a->query;
    plan_query *bound;
    if (!materialized_is(a->table))
        return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Alter of type 'MODIFY_QUERY' is not supported by storage %s", a->table->ops->engine);
    FN_TRY(definition_qualify(q->ctx, q->database, c->query));
    FN_TRY(query_plan(q, c->query, &bound));
    fn_status status = check_inner(q, a->table, &bound->schema);
    if (status == FN_OK) status = take_query_columns(a, &bound->schema);
    plan_query_release(bound);
    FN_TRY(status);
    if (!materialized_reads_same(a->table, c->query))
        return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "ALTER TABLE ... MODIFY QUERY that makes a materialized view read from another table is not supported");
    a->statement->create->as_select = c->query;
    return FN_OK;
}

/* ---- indices, projections, constraints: kept in the definition; constraints are checked by inserts ---- */
static int find_item(const alter_run *a, char kind, fn_str name)
{
    const ast_create *c = a->statement->create;
    for (uint32_t i = 0; i < c->item_count; i++) {
        const bool same = c->items[i].kind == kind || (kind == 'c' && c->items[i].kind == 'a');
        if (same && fn_str_eq(c->items[i].name, name)) return (int)i;
    }
    return -1;
}

static fn_status add_item(alter_run *a, const ast_alter_command *c)
{
    fn_ctx *ctx = a->query->ctx;
    ast_create *create = a->statement->create;
    const char kind = c->item.kind;
    if (find_item(a, kind, c->item.name) >= 0) {
        if (c->if_not_exists) return FN_OK;
        const char *what = kind == 'i' ? "index" : kind == 'p' ? "projection" : "constraint";
        return fn_fail(ctx, kind == 'p' ? FN_ILLEGAL_PROJECTION : FN_ILLEGAL_COLUMN, "Cannot add %s " FN_STR_FMT ": %s with this name already exists", what, FN_STR_ARG(c->item.name), what);
    }
    const ast_expr *check = kind == 'i' ? c->item.index.expr : c->item.constraint;
    expr *bound;
    if (check) FN_TRY(plan_bind_expr(ctx, &a->query->world.base, check, atomic_load(&a->table->schema), &bound));
    if (kind == 'i') FN_TRY(definition_check_index(ctx, &c->item));
    uint32_t at = c->first ? 0 : create->item_count;
    if (c->after.size) {
        const int before = find_item(a, kind, c->after);
        if (before < 0 && kind == 'p') at = create->item_count; /* as ClickHouse does */
        else if (before < 0)
            return fn_fail(ctx, FN_BAD_ARGUMENTS, "Wrong index name. Cannot find index `" FN_STR_FMT "` to insert after", FN_STR_ARG(c->after));
        else at = (uint32_t)before + 1;
    }
    ast_table_item *items = FN_NEW_ARRAY(ctx, ast_table_item, create->item_count + 1);
    FN_TRY_PTR(ctx, items);
    if (at) memcpy(items, create->items, sizeof *items * at);
    items[at] = c->item;
    if (create->item_count > at) memcpy(items + at + 1, create->items + at, sizeof *items * (create->item_count - at));
    create->item_count++;
    create->items = items;
    return FN_OK;
}

static fn_status drop_item(alter_run *a, const ast_alter_command *c)
{
    static const struct {
        ast_alter_kind command;
        char kind;
        fn_status code;
        const char *what;
    } kinds[] = {
        {ALTER_DROP_INDEX, 'i', FN_BAD_ARGUMENTS, "index"},
        {ALTER_DROP_PROJECTION, 'p', FN_NO_SUCH_PROJECTION_IN_TABLE, "projection"},
        {ALTER_DROP_CONSTRAINT, 'c', FN_BAD_ARGUMENTS, "constraint"},
    };
    ast_create *create = a->statement->create;
    for (size_t i = 0; i < FN_COUNT(kinds); i++) {
        if (kinds[i].command != c->kind) continue;
        const int at = find_item(a, kinds[i].kind, c->name);
        if (at < 0 && c->if_exists) return FN_OK;
        if (at < 0 && kinds[i].kind == 'p') return fn_fail(a->query->ctx, kinds[i].code, "There is no projection " FN_STR_FMT " in table", FN_STR_ARG(c->name));
        if (at < 0) {
            return fn_fail(a->query->ctx, kinds[i].code, "Wrong %s name. Cannot find %s `" FN_STR_FMT "` to drop", kinds[i].what, kinds[i].what, FN_STR_ARG(c->name));
        }
        create->item_count--;
        memmove(create->items + at, create->items + at + 1, sizeof *create->items * (create->item_count - (uint32_t)at));
    }
    return FN_OK;
}

fn_status alter_definition(alter_run *a, const ast_alter_command *c)
{
    static const struct {
        ast_alter_kind kind;
        alter_fn *run;
    } commands[] = {
        {ALTER_ADD_COLUMN, add_column},         {ALTER_DROP_COLUMN, drop_column},         {ALTER_MODIFY_COLUMN, modify_column},
        {ALTER_RENAME_COLUMN, rename_column},   {ALTER_COMMENT_COLUMN, comment_column},   {ALTER_MODIFY_ORDER_BY, modify_order_by},
        {ALTER_MODIFY_TTL, modify_ttl},         {ALTER_REMOVE_TTL, remove_ttl},           {ALTER_MODIFY_SETTING, change_settings},
        {ALTER_RESET_SETTING, change_settings}, {ALTER_MODIFY_COMMENT, modify_comment},   {ALTER_ADD_INDEX, add_item},
        {ALTER_ADD_PROJECTION, add_item},       {ALTER_ADD_CONSTRAINT, add_item},         {ALTER_DROP_INDEX, drop_item},
        {ALTER_DROP_PROJECTION, drop_item},     {ALTER_DROP_CONSTRAINT, drop_item},
        {ALTER_STATISTICS, alter_statistics},   {ALTER_MODIFY_QUERY, modify_query},
    };
    for (size_t i = 0; i < FN_COUNT(commands); i++)
        if (commands[i].kind == c->kind) return commands[i].run(a, c);
    FN_IMPOSSIBLE("command of a definition");
}
