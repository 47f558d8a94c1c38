/* definition_ttl.c - the TTL clauses of a table and its columns, bound. See mt_ttl.
 *
 * Times are computed wide, as ClickHouse does: Date columns are read as Date32 and DateTime columns as DateTime64, so that adding a
 * hundred years does not come out in the past.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/ttl.h"

typedef struct ttl_reader {
    fn_ctx *ctx;
    plan_world *world;
    const ast_create *create;
    const table_schema *schema;
    table_schema wide;       /* the same with wide times */
    expr **widened;          /* per schema column; NULL: as it is */
    mt_definition *mt;
    bool suspicious;         /* allow_suspicious_codecs */
} ttl_reader;

/* ---- times ---- */
static const fn_type *wide_type(const fn_type *t)
{
    const fn_type *base = fn_type_base(t), *wide = t;
    if (fn_type_strip_low_cardinality(t) != t) return t;
    if (base->id == FN_T_DATE) wide = fn_type_simple(FN_T_DATE32);
    if (base->id == FN_T_DATETIME) wide = fn_type_datetime64(0, base->timezone);
    return wide != t && fn_type_is_nullable(t) ? fn_type_nullable(wide) : wide;
}

static fn_status make_wide(ttl_reader *r)
{
    fn_ctx *ctx = r->ctx;
    r->wide = (table_schema){.count = r->schema->count, .columns = FN_NEW_ARRAY(ctx, table_column, r->schema->count + 1)};
    r->widened = FN_NEW_ARRAY(ctx, expr *, r->schema->count + 1);
    if (!r->wide.columns || !r->widened) return ctx->error.code;
    for (uint32_t i = 0; i < r->schema->count; i++) {
        table_column *c = &r->wide.columns[i];
        *c = r->schema->columns[i];
        const fn_type *wide = wide_type(c->type);
        FN_TRY_PTR(ctx, wide);
        if (wide == c->type || !table_column_is_stored(c)) continue;
        expr *own = expr_column(ctx, i, c->type);
        FN_TRY_PTR(ctx, own);
        FN_TRY(expr_cast(ctx, own, wide, &r->widened[i]));
        c->type = wide;
    }
    return FN_OK;
}

static expr *widened(void *self, column_id id)
{
    const ttl_reader *r = self;
    return id < r->schema->count ? r->widened[id] : NULL;
}

static bool is_time(const fn_type *t)
{
    return t->id == FN_T_DATE || t->id == FN_T_DATE32 || t->id == FN_T_DATETIME || t->id == FN_T_DATETIME64;
}

/* Parts have only stored columns. *count: how many it uses. */
static fn_status check_stored(const ttl_reader *r, const expr *e, size_t *count)
{
    fn_buf ids = FN_BUF_INIT;
    fn_status status = expr_columns(r->ctx, e, &ids);
    *count = ids.size / sizeof(column_id);
    for (size_t i = 0; i < *count && status == FN_OK; i++) {
        const uint32_t id = fn_load_u32(ids.data + i * sizeof(column_id));
        if (id < r->schema->count && !table_column_is_stored(&r->schema->columns[id]))
            status = fn_fail(r->ctx, FN_UNKNOWN_IDENTIFIER, "Missing columns: '" FN_STR_FMT "' while processing TTL", FN_STR_ARG(r->schema->columns[id].name));
    }
    fn_buf_release(&ids);
    return status;
}

static fn_status bind_time(ttl_reader *r, const ast_expr *when, expr **out)
{
    fn_ctx *ctx = r->ctx;
    if (plan_bind_expr(ctx, r->world, when, &r->wide, out) == FN_OK) return expr_replace(ctx, *out, widened, r, out);
    if (ctx->error.code == FN_MEMORY_LIMIT_EXCEEDED) return ctx->error.code;
    fn_error_clear(ctx); /* a function that knows the narrow types alone */
    return plan_bind_expr(ctx, r->world, when, r->schema, out);
}

/* The first call that gives another value each time. */
static fn_status find_unstable(void *self, fn_ctx *ctx, expr *e)
{
    const char **name = self;
    (void)ctx;
    bool args = true;
    for (uint32_t i = 0; i < e->arg_count; i++) args &= expr_is_deterministic(e->args[i]);
    if (!*name && e->kind == EXPR_CALL && args && !expr_is_deterministic(e)) *name = e->call->def->name;
    return FN_OK;
}

static fn_status read_when(ttl_reader *r, const ast_expr *when, mt_ttl *out)
{
    fn_ctx *ctx = r->ctx;
    expr *bound;
    size_t columns;
    FN_TRY(sql_expr_text(ctx, when, &out->text));
    FN_TRY(bind_time(r, when, &bound));
    FN_TRY(check_stored(r, bound, &columns));
    if (!expr_is_deterministic(bound) && columns) {
        const char *name = NULL;
        FN_TRY(expr_walk(ctx, bound, find_unstable, &name));
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "TTL expression cannot contain non-deterministic functions, but contains function %s", name ? name : "without a name");
    }
    if (!columns) return fn_fail(ctx, FN_BAD_ARGUMENTS, "TTL expression " FN_STR_FMT " does not depend on any of the columns of the table", FN_STR_ARG(out->text));
    if (!is_time(bound->type)) {
        return fn_fail(ctx, FN_BAD_TTL_EXPRESSION, "TTL expression result column should have Date, Date32, DateTime or DateTime64 type, but has %s",
                       bound->type->name);
    }
    const fn_type *seconds = fn_type_datetime64(0, NULL);
    FN_TRY_PTR(ctx, seconds);
    return expr_cast(ctx, bound, seconds, &out->when);
}

static fn_status read_where(ttl_reader *r, const ast_expr *where, expr **out)
{
    fn_ctx *ctx = r->ctx;
    expr *bound, *zero;
    size_t columns;
    FN_TRY(plan_bind_expr(ctx, r->world, where, r->schema, &bound));
    FN_TRY(check_stored(r, bound, &columns));
    *out = bound;
    if (fn_type_base(bound->type)->id == FN_T_UINT8 || fn_type_base(bound->type)->id == FN_T_BOOL) return FN_OK;
    zero = expr_const_u64(ctx, 0);
    FN_TRY_PTR(ctx, zero);
    if (expr_call(ctx, "notEquals", (expr *[]){bound, zero}, 2, out) == FN_OK) return FN_OK;
    fn_error_clear(ctx);
    return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_COLUMN_FOR_FILTER, "Illegal type %s of WHERE of TTL " FN_STR_FMT ". Must be UInt8 or Nullable(UInt8)", bound->type->name,
                   FN_STR_ARG(r->create->engine.ttl_text));
}

/* ---- GROUP BY ... SET ---- */
static bool has_aggregate(const ast_expr *e)
{
    if (!e) return false;
    if (e->kind == AST_FUNCTION && agg_is_name(e->text)) return true;
    for (uint32_t i = 0; i < e->args.count; i++)
        if (has_aggregate(e->args.items[i])) return true;
    return false;
}

/* a, also of (a). */
static fn_status bare_text(fn_ctx *ctx, const ast_expr *e, fn_str *out)
{
    ast_expr bare = *e;
    bare.parenthesized = false;
    return sql_expr_text(ctx, &bare, out);
}

static fn_status check_prefix(ttl_reader *r, const ast_list *keys)
{
    const ast_engine *e = &r->create->engine;
    ast_expr *key = e->primary_key ? e->primary_key : e->order_by;
    const ast_list one = {&key, 1}, *primary = !key ? NULL : key->kind == AST_FUNCTION && fn_str_eq(key->text, FN_STR("tuple")) ? &key->args : &one;
    if (!primary || keys->count > primary->count) return fn_fail(r->ctx, FN_BAD_TTL_EXPRESSION, "TTL Expression GROUP BY key should be a prefix of primary key");
    for (uint32_t i = 0; i < keys->count; i++) {
        fn_str given, wanted;
        FN_TRY(bare_text(r->ctx, keys->items[i], &given));
        FN_TRY(bare_text(r->ctx, primary->items[i], &wanted));
        if (!fn_str_eq(given, wanted))
            return fn_fail(r->ctx, FN_BAD_TTL_EXPRESSION, "TTL Expression GROUP BY key should be a prefix of primary key " FN_STR_FMT " " FN_STR_FMT, FN_STR_ARG(given), FN_STR_ARG(wanted));
    }
    return FN_OK;
}

typedef struct group_values { /* what has to be computed of a group */
    const ast_expr **values;
    uint32_t *columns, count;
} group_values;

static fn_status add_assignment(ttl_reader *r, const ast_expr *set, group_values *v)
{
    const ast_expr *column = set->args.items[0], *value = set->args.items[1];
    fn_str name;
    FN_TRY(sql_expr_text(r->ctx, column, &name));
    name = column->part_count == 1 ? column->parts[0] : name;
    const int at = table_schema_find(r->schema, name);
    if (at < 0 || !table_column_is_stored(&r->schema->columns[at]))
        return fn_fail(r->ctx, FN_NO_SUCH_COLUMN_IN_TABLE, "There is no physical column " FN_STR_FMT " in table.", FN_STR_ARG(name));
    if (!has_aggregate(value))
        return fn_fail(r->ctx, FN_BAD_TTL_EXPRESSION, "Invalid expression for assignment of column " FN_STR_FMT ". Should contain an aggregate function", FN_STR_ARG(name));
    for (uint32_t i = 0; i < v->count; i++)
        if (v->columns[i] == (uint32_t)at) return fn_fail(r->ctx, FN_BAD_TTL_EXPRESSION, "Multiple aggregations set for one column in TTL Expression");
    v->values[v->count] = value;
    v->columns[v->count++] = (uint32_t)at;
    return FN_OK;
}

/* any(column), which looks for a value that is not NULL. */
static fn_status add_any(ttl_reader *r, uint32_t column, group_values *v)
{
    ast_expr *call = FN_NEW(r->ctx, ast_expr), *name = FN_NEW(r->ctx, ast_expr);
    ast_expr **args = FN_NEW_ARRAY(r->ctx, ast_expr *, 1);
    fn_str *parts = FN_NEW_ARRAY(r->ctx, fn_str, 1);
    if (!call || !name || !args || !parts) return r->ctx->error.code;
    parts[0] = r->schema->columns[column].name;
    *name = (ast_expr){.kind = AST_IDENTIFIER, .parts = parts, .part_count = 1};
    args[0] = name;
    *call = (ast_expr){.kind = AST_FUNCTION, .text = FN_STR("any"), .args = {args, 1}};
    v->values[v->count] = call;
    v->columns[v->count++] = column;
    return FN_OK;
}

static fn_status list_values(ttl_reader *r, const ast_ttl *ttl, group_values *v)
{
    v->values = FN_NEW_ARRAY(r->ctx, const ast_expr *, ttl->set.count + r->schema->count + 1);
    v->columns = FN_NEW_ARRAY(r->ctx, uint32_t, ttl->set.count + r->schema->count + 1);
    if (!v->values || !v->columns) return r->ctx->error.code;
    for (uint32_t i = 0; i < ttl->set.count; i++) FN_TRY(add_assignment(r, ttl->set.items[i], v));
    for (uint32_t i = 0; i < r->schema->count; i++) {
        bool listed = !table_column_is_stored(&r->schema->columns[i]) || !fn_type_is_nullable(r->schema->columns[i].type);
        for (uint32_t k = 0; k < v->count && !listed; k++) listed = v->columns[k] == i;
        if (!listed) FN_TRY(add_any(r, i, v));
    }
    return FN_OK;
}

static fn_status take_calls(ttl_reader *r, const plan_group *bound, mt_ttl_group *g)
{
    fn_ctx *ctx = r->ctx;
    g->calls = FN_NEW_ARRAY(ctx, const agg_call *, bound->item_count + 1);
    g->args = FN_NEW_ARRAY(ctx, expr **, bound->item_count + 1);
    g->arg_counts = FN_NEW_ARRAY(ctx, uint32_t, bound->item_count + 1);
    if (!g->calls || !g->args || !g->arg_counts) return ctx->error.code;
    for (; g->call_count < bound->item_count; g->call_count++) {
        const plan_aggregate_item *item = &bound->items[g->call_count];
        g->calls[g->call_count] = item->call;
        g->args[g->call_count] = item->args;
        g->arg_counts[g->call_count] = item->arg_count;
        for (uint32_t i = 0; i < item->arg_count; i++) {
            size_t columns;
            FN_TRY(check_stored(r, item->args[i], &columns));
        }
    }
    return FN_OK;
}

/* Which of an expression's columns does a group give a new value? */
static fn_status assigned_in(const ttl_reader *r, const mt_ttl_group *g, const expr *e, uint32_t *column, uint32_t *assigned, uint32_t *all)
{
    fn_buf ids = FN_BUF_INIT;
    const fn_status status = expr_columns(r->ctx, e, &ids);
    *assigned = 0;
    *all = (uint32_t)(ids.size / sizeof(column_id));
    for (uint32_t i = 0; i < *all; i++) {
        const uint32_t id = fn_load_u32(ids.data + i * sizeof(column_id));
        if (id >= r->schema->count || !g->values[id]) continue;
        *column = id;
        ++*assigned;
    }
    fn_buf_release(&ids);
    return status;
}

/* Does the column get the value it has in one of the group's rows? */
static bool picks_a_row(const ttl_reader *r, const mt_ttl_group *g, uint32_t column)
{
    static const char *const names[] = {"min", "max", "any", "anyLast", "first_value", "last_value", "any_value"};
    const expr *value = g->values[column];
    if (value->kind != EXPR_COLUMN || value->column < r->schema->count) return false;
    const uint32_t k = value->column - r->schema->count;
    if (g->arg_counts[k] != 1 || g->args[k][0]->kind != EXPR_COLUMN || g->args[k][0]->column != column) return false;
    for (size_t i = 0; i < FN_COUNT(names); i++)
        if (fn_str_eq(g->calls[k]->name, fn_cstr(names[i]))) return true;
    return false;
}

/* A row must not leave its partition, and rows whose sort key changes are sorted again. */
static fn_status look_at_keys(ttl_reader *r, mt_ttl_group *g)
{
    const mt_definition *mt = r->mt;
    uint32_t column = 0, assigned, all;
    for (uint32_t i = 0; i < mt->sort_count; i++) {
        FN_TRY(assigned_in(r, g, mt->sort_key[i], &column, &assigned, &all));
        g->reorders |= assigned != 0;
    }
    for (uint32_t i = 0; i < mt->partition_count; i++) {
        FN_TRY(assigned_in(r, g, mt->partition_key[i], &column, &assigned, &all));
        if (assigned == 0 || (all == 1 && picks_a_row(r, g, column))) continue;
        return fn_fail(r->ctx, FN_NOT_IMPLEMENTED, "TTL with GROUP BY that gives column " FN_STR_FMT " of the partition key another value than min, max, any or anyLast of it is not "
                       "supported", FN_STR_ARG(r->schema->columns[column].name));
    }
    return FN_OK;
}

static fn_status read_group(ttl_reader *r, const ast_ttl *ttl, mt_ttl *out)
{
    fn_ctx *ctx = r->ctx;
    group_values v = {0};
    plan_group bound = {0};
    mt_ttl_group *g = FN_NEW(ctx, mt_ttl_group);
    FN_TRY_PTR(ctx, g);
    FN_TRY(check_prefix(r, &ttl->keys));
    FN_TRY(list_values(r, ttl, &v));
    if (v.count) FN_TRY(plan_bind_group(ctx, v.values, v.count, (const ast_expr *const *)ttl->keys.items, ttl->keys.count, (table_schema *)(uintptr_t)r->schema, &bound));
    *g = (mt_ttl_group){.key_count = ttl->keys.count, .values = FN_NEW_ARRAY(ctx, expr *, r->schema->count + 1)};
    FN_TRY_PTR(ctx, g->values);
    FN_TRY(take_calls(r, &bound, g));
    for (uint32_t i = 0; i < v.count; i++) FN_TRY(expr_cast(ctx, bound.values[i], r->schema->columns[v.columns[i]].type, &g->values[v.columns[i]]));
    out->group = g;
    return look_at_keys(r, g);
}

/* ---- elements ---- */
static fn_status read_codec(ttl_reader *r, const ast_ttl *ttl, mt_ttl *out)
{
    FN_TRY(definition_codec_text(r->ctx, ttl->codec, fn_type_simple(FN_T_UINT8), r->suspicious, &out->codec));
    if (fn_str_eq(out->codec, FN_STR("Default"))) out->codec = (fn_str){NULL, 0};
    return FN_OK;
}

static fn_status check_place(fn_ctx *ctx, const ast_ttl *ttl)
{
    if (ttl->if_exists || fn_str_eq(ttl->place, FN_STR("default"))) return FN_OK; /* the one place there is: nothing to move */
    return fn_fail(ctx, FN_BAD_TTL_EXPRESSION, "No such %s `" FN_STR_FMT "` for given storage policy", ttl->is_volume ? "volume" : "disk", FN_STR_ARG(ttl->place));
}

/* Part files know a clause by what it is: columns by their numbers. */
static fn_status make_id(const ttl_reader *r, mt_ttl *t)
{
    fn_ctx *ctx = r->ctx;
    const mt_ttl_group *g = t->group;
    const uint64_t numbers[] = {(uint64_t)t->kind, t->kind == MT_TTL_COLUMN ? r->schema->columns[t->column].id : 0, g ? g->key_count : 0};
    uint64_t hash = fn_hash_bytes(numbers, sizeof numbers, 1);
    FN_TRY(definition_hash_expr(ctx, r->schema, t->when, &hash));
    if (t->where) FN_TRY(definition_hash_expr(ctx, r->schema, t->where, &hash));
    hash = fn_hash_bytes(t->codec.data, t->codec.size, hash);
    for (uint32_t i = 0; g && i < g->call_count; i++) {
        hash = fn_hash_bytes(g->calls[i]->name.data, g->calls[i]->name.size, hash);
        for (uint32_t a = 0; a < g->arg_counts[i]; a++) FN_TRY(definition_hash_expr(ctx, r->schema, g->args[i][a], &hash));
    }
    t->id = hash;
    return FN_OK;
}

static fn_status read_element(ttl_reader *r, const ast_ttl *ttl, mt_ttl *out)
{
    static const mt_ttl_kind kinds[] = {[TTL_DELETE] = MT_TTL_DELETE, [TTL_MOVE] = MT_TTL_MOVE, [TTL_RECOMPRESS] = MT_TTL_RECOMPRESS, [TTL_GROUP_BY] = MT_TTL_GROUP_BY};
    *out = (mt_ttl){.kind = ttl->action == TTL_DELETE && ttl->where ? MT_TTL_WHERE : kinds[ttl->action]};
    FN_TRY(read_when(r, ttl->when, out));
    switch (out->kind) {
    case MT_TTL_WHERE: FN_TRY(read_where(r, ttl->where, &out->where)); break;
    case MT_TTL_GROUP_BY: FN_TRY(read_group(r, ttl, out)); break;
    case MT_TTL_RECOMPRESS: FN_TRY(read_codec(r, ttl, out)); break;
    case MT_TTL_MOVE: FN_TRY(check_place(r->ctx, ttl)); break;
    case MT_TTL_DELETE: case MT_TTL_COLUMN: break;
    }
    return make_id(r, out);
}

static bool in_list(const ast_expr *key, fn_str name)
{
    if (!key) return false;
    if (key->kind == AST_IDENTIFIER) return key->part_count == 1 && fn_str_eq(key->parts[0], name);
    for (uint32_t i = 0; i < key->args.count; i++)
        if (in_list(key->args.items[i], name)) return true;
    return false;
}

static fn_status read_column(ttl_reader *r, uint32_t column, mt_ttl *out)
{
    const ast_column_def *def = &r->create->columns[column];
    const ast_engine *e = &r->create->engine;
    ast_expr *when;
    *out = (mt_ttl){.kind = MT_TTL_COLUMN, .column = column};
    if (in_list(e->order_by, def->name) || in_list(e->primary_key, def->name) || in_list(e->partition_by, def->name))
        return fn_fail(r->ctx, FN_ILLEGAL_COLUMN, "Trying to set TTL for key column " FN_STR_FMT, FN_STR_ARG(def->name));
    FN_TRY(sql_parse_expr(r->ctx, def->ttl, &when));
    FN_TRY(read_when(r, when, out));
    return make_id(r, out);
}

/* Keeps the order of kinds, and within one that of the statement. */
static void insert(mt_definition *mt, const mt_ttl *t)
{
    uint32_t at = mt->ttl_count++;
    for (; at > 0 && mt->ttls[at - 1].kind > t->kind; at--) mt->ttls[at] = mt->ttls[at - 1];
    mt->ttls[at] = *t;
}

/* strict: the first error is the statement's; else what cannot be bound is left out, since a text that an earlier version took must not
 * keep its table from being opened. */
static fn_status read_all(ttl_reader *r, bool strict)
{
    const ast_create *c = r->create;
    fn_ctx *ctx = r->ctx;
    uint32_t whole = 0;
    r->mt->ttls = FN_NEW_ARRAY(ctx, mt_ttl, c->engine.ttl_count + c->column_count + 1);
    FN_TRY_PTR(ctx, r->mt->ttls);
    for (uint32_t i = 0; i < c->engine.ttl_count + c->column_count; i++) {
        const uint32_t column = i - c->engine.ttl_count;
        mt_ttl t;
        if (i >= c->engine.ttl_count && !c->columns[column].ttl.size) continue;
        const fn_status status = i < c->engine.ttl_count ? read_element(r, &c->engine.ttl[i], &t) : read_column(r, column, &t);
        if (status == FN_OK) {
            whole += t.kind == MT_TTL_DELETE;
            if (t.kind != MT_TTL_COLUMN || table_column_is_stored(&r->schema->columns[t.column])) insert(r->mt, &t); /* an ALIAS has nothing to reset */
            continue;
        }
        if (strict || status == FN_MEMORY_LIMIT_EXCEEDED) return status;
        fn_log(FN_LOG_WARN, "ttl", "a TTL of " FN_STR_FMT " is not kept: %s", FN_STR_ARG(c->name.table), ctx->error.text);
        fn_error_clear(ctx);
    }
    if (whole > 1) return fn_fail(ctx, FN_BAD_TTL_EXPRESSION, "More than one DELETE TTL expression without WHERE expression is not allowed");
    return FN_OK;
}

static fn_status read_ttls(fn_ctx *ctx, plan_world *world, const ast_create *c, const table_schema *schema, mt_definition *mt, bool suspicious, bool strict)
{
    ttl_reader r = {.ctx = ctx, .world = world, .create = c, .schema = schema, .mt = mt, .suspicious = suspicious};
    bool any = c->engine.ttl_count != 0;
    for (uint32_t i = 0; i < c->column_count; i++) any |= c->columns[i].ttl.size != 0;
    if (!any) return FN_OK;
    FN_TRY(make_wide(&r));
    return read_all(&r, strict);
}

fn_status definition_ttls(fn_ctx *ctx, plan_world *world, const ast_create *c, const table_schema *schema, mt_definition *mt)
{
    return read_ttls(ctx, world, c, schema, mt, true, false);
}

/* Keys as far as they can be bound: whether they can is checked elsewhere. */
static fn_status bind_keys(query *q, const ast_create *c, const table_schema *schema, mt_definition *mt)
{
    ast_expr *const key = c->engine.partition_by;
    const ast_list one = {(ast_expr **)(uintptr_t)&key, 1}, *list = !key ? NULL : key->kind == AST_FUNCTION && fn_str_eq(key->text, FN_STR("tuple")) ? &key->args : &one;
    mt->partition_key = FN_NEW_ARRAY(q->ctx, expr *, list ? list->count + 1 : 1);
    FN_TRY_PTR(q->ctx, mt->partition_key);
    for (uint32_t i = 0; list && i < list->count; i++)
        FN_TRY(plan_bind_expr(q->ctx, &q->world.base, list->items[i], schema, &mt->partition_key[mt->partition_count++]));
    return FN_OK;
}

fn_status ttl_check(query *q, const ast_create *c)
{
    table_schema *schema;
    mt_definition mt = {.mode = MT_PLAIN};
    fn_str allowed;
    bool any = c->engine.ttl_count != 0;
    for (uint32_t i = 0; i < c->column_count; i++) any |= c->columns[i].ttl.size != 0;
    if (!any) return FN_OK;
    if (!fn_str_ends(c->engine.name, FN_STR("MergeTree")))
        return fn_fail(q->ctx, FN_BAD_ARGUMENTS, "Engine " FN_STR_FMT " doesn't support TTL clause", FN_STR_ARG(c->engine.name));
    FN_TRY(settings_get(q->ctx, &q->settings, FN_STR("allow_suspicious_codecs"), &allowed));
    FN_TRY(definition_plain_schema(q->ctx, c, &schema));
    fn_status status = bind_keys(q, c, schema, &mt);
    if (status == FN_OK) status = read_ttls(q->ctx, &q->world.base, c, schema, &mt, fn_str_eq(allowed, FN_STR("1")), true);
    table_schema_drop(schema);
    return status;
}
