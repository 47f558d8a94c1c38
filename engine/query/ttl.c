/* ttl.c - see ttl.h. SPDX-License-Identifier: Apache-2.0 */
#include "query/ttl.h"
#include "query/dropped.h"
#include <firn/time.h>

/* ---- the clauses ---- */
static bool in_list(const ast_expr *key, fn_str name)
{
    if (!key) return false;
    if (key->kind == AST_IDENTIFIER) return key->part_count == 1 && fn_str_eq(key->parts[0], name);
    for (uint32_t i = 0; i < key->args.count; i++)
        if (in_list(key->args.items[i], name)) return true;
    return false;
}

static bool is_time(const fn_type *t)
{
    return t->id == FN_T_DATE || t->id == FN_T_DATE32 || t->id == FN_T_DATETIME || t->id == FN_T_DATETIME64;
}

static fn_status check_when(query *q, const ast_expr *when, const table_schema *schema)
{
    fn_ctx *ctx = q->ctx;
    expr *bound;
    fn_buf columns = FN_BUF_INIT, text = FN_BUF_INIT;
    FN_TRY(plan_bind_expr(ctx, &q->world.base, when, schema, &bound));
    fn_status status = expr_columns(ctx, bound, &columns);
    if (status == FN_OK) status = sql_print_expr(ctx, when, &text);
    if (status == FN_OK && !expr_is_deterministic(bound)) {
        status = fn_fail(ctx, FN_BAD_ARGUMENTS, "TTL expression cannot contain non-deterministic functions: %.*s", (int)text.size, text.data);
    } else if (status == FN_OK && !columns.size) {
        status = fn_fail(ctx, FN_BAD_ARGUMENTS, "TTL expression %.*s does not depend on any of the columns of the table", (int)text.size, text.data);
    } else if (status == FN_OK && !is_time(bound->type)) {
        status = fn_fail(ctx, FN_BAD_TTL_EXPRESSION, "TTL expression result column should have Date, Date32, DateTime or DateTime64 type, but has %s", bound->type->name);
    }
    fn_buf_release(&columns);
    fn_buf_release(&text);
    return status;
}

static fn_status check_element(query *q, const ast_ttl *ttl, const table_schema *schema)
{
    static const char *const actions[] = {NULL, NULL, "RECOMPRESS", "GROUP BY"}; /* ast_ttl_action */
    expr *bound;
    if (actions[ttl->action]) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "TTL with %s is not supported", actions[ttl->action]);
    FN_TRY(check_when(q, ttl->when, schema));
    if (ttl->action == TTL_MOVE && !ttl->if_exists && !fn_str_eq(ttl->place, FN_STR("default"))) /* the one place there is: nothing to move */
        return fn_fail(q->ctx, FN_BAD_TTL_EXPRESSION, "No such %s `" FN_STR_FMT "` for given storage policy", ttl->is_volume ? "volume" : "disk", FN_STR_ARG(ttl->place));
    return ttl->where ? plan_bind_expr(q->ctx, &q->world.base, ttl->where, schema, &bound) : FN_OK;
}

static fn_status columns_schema(fn_ctx *ctx, const ast_create *c, table_schema **out)
{
    fn_schema columns = {FN_NEW_ARRAY(ctx, fn_field, FN_MAX(c->column_count, 1u)), c->column_count};
    FN_TRY_PTR(ctx, columns.fields);
    for (uint32_t i = 0; i < c->column_count; i++) {
        columns.fields[i].name = c->columns[i].name;
        FN_TRY(fn_type_parse(ctx, c->columns[i].type, &columns.fields[i].type));
    }
    return table_schema_make(ctx, &columns, out);
}

static fn_status check_column(query *q, const ast_create *c, const ast_column_def *def, const table_schema *schema)
{
    ast_expr *when;
    if (in_list(c->engine.order_by, def->name) || in_list(c->engine.primary_key, def->name) || in_list(c->engine.partition_by, def->name))
        return fn_fail(q->ctx, FN_ILLEGAL_COLUMN, "Trying to set TTL for key column " FN_STR_FMT, FN_STR_ARG(def->name));
    FN_TRY(sql_parse_expr(q->ctx, def->ttl, &when));
    return check_when(q, when, schema);
}

static fn_status check_all(query *q, const ast_create *c, const table_schema *schema)
{
    uint32_t whole = 0;
    for (uint32_t i = 0; i < c->engine.ttl_count; i++) {
        FN_TRY(check_element(q, &c->engine.ttl[i], schema));
        whole += c->engine.ttl[i].action == TTL_DELETE && !c->engine.ttl[i].where;
    }
    if (whole > 1) return fn_fail(q->ctx, FN_BAD_TTL_EXPRESSION, "More than one DELETE TTL expression without WHERE expression is not allowed");
    for (uint32_t i = 0; i < c->column_count; i++)
        if (c->columns[i].ttl.size) FN_TRY(check_column(q, c, &c->columns[i], schema));
    return FN_OK;
}

fn_status ttl_check(query *q, const ast_create *c)
{
    table_schema *schema;
    bool any = c->engine.ttl_count != 0;
    for (uint32_t i = 0; i < c->column_count; i++) any |= c->columns[i].ttl.size != 0;
    if (!any) return FN_OK;
    if (!fn_str_ends(c->engine.name, FN_STR("MergeTree")))
        return fn_fail(q->ctx, FN_BAD_ARGUMENTS, "Engine " FN_STR_FMT " doesn't support TTL clause", FN_STR_ARG(c->engine.name));
    FN_TRY(columns_schema(q->ctx, c, &schema));
    const fn_status status = check_all(q, c, schema);
    table_schema_drop(schema);
    return status;
}

/* ---- what is due ---- */
typedef struct ttl_run {
    fn_ctx *ctx;
    table *table;
    const table_schema *schema;
    plan_world world;      /* names nothing but columns */
    expr *now, *never;     /* a TTL of 1970-01-01 00:00:00 never comes */
} ttl_run;

static fn_status moment(fn_ctx *ctx, uint64_t seconds, expr **out)
{
    const fn_type *type;
    FN_TRY(fn_type_parse(ctx, FN_STR("DateTime"), &type));
    *out = expr_const(ctx, fn_column_const_u64(ctx, type, seconds, 1));
    return *out ? FN_OK : ctx->error.code;
}

static fn_status is_due(ttl_run *r, const ast_expr *when, const ast_expr *where, expr **out)
{
    expr *at, *past, *real, *condition;
    FN_TRY(plan_bind_expr(r->ctx, &r->world, when, r->schema, &at));
    FN_TRY(expr_call(r->ctx, "lessOrEquals", (expr *[]){at, r->now}, 2, &past));
    FN_TRY(expr_call(r->ctx, "notEquals", (expr *[]){at, r->never}, 2, &real));
    FN_TRY(expr_and(r->ctx, past, real, out));
    if (!where) return FN_OK;
    FN_TRY(plan_bind_expr(r->ctx, &r->world, where, r->schema, &condition));
    return expr_and(r->ctx, *out, condition, out);
}

static fn_status delete_rows(ttl_run *r, const ast_ttl *ttl)
{
    mt_mutation m = {.schema = r->schema, .is_delete = true};
    FN_TRY(is_due(r, ttl->when, ttl->where, &m.where));
    return mt_mutate(r->ctx, r->table, &m);
}

static fn_status reset_column(ttl_run *r, uint32_t column, const ast_expr *when)
{
    const table_column *def = &r->schema->columns[column];
    mt_mutation m = {.schema = r->schema, .columns = &column, .count = 1};
    ast_expr *ast;
    expr *value, *differs;
    FN_TRY(is_due(r, when, NULL, &m.where));
    if (def->default_sql.size) {
        FN_TRY(sql_parse_expr(r->ctx, def->default_sql, &ast));
        FN_TRY(plan_bind_expr(r->ctx, &r->world, ast, r->schema, &value));
    } else {
        value = expr_const(r->ctx, fn_column_default(r->ctx, def->type, 1));
        FN_TRY_PTR(r->ctx, value);
        expr *own = expr_column(r->ctx, column, def->type);
        FN_TRY_PTR(r->ctx, own);
        if (expr_call(r->ctx, "notEquals", (expr *[]){own, value}, 2, &differs) == FN_OK) FN_TRY(expr_and(r->ctx, m.where, differs, &m.where));
        else fn_error_clear(r->ctx); /* a type that cannot be compared: rows are written again */
    }
    FN_TRY(expr_cast(r->ctx, value, def->type, &value));
    m.values = &value;
    return mt_mutate(r->ctx, r->table, &m);
}

static fn_status apply(ttl_run *r, const ast_create *c)
{
    for (uint32_t i = 0; i < c->engine.ttl_count; i++)
        if (c->engine.ttl[i].action == TTL_DELETE) FN_TRY(delete_rows(r, &c->engine.ttl[i]));
    for (uint32_t i = 0; i < c->column_count; i++) {
        ast_expr *when;
        const int at = c->columns[i].ttl.size ? table_schema_find(r->schema, c->columns[i].name) : -1;
        if (at < 0) continue;
        FN_TRY(sql_parse_expr(r->ctx, c->columns[i].ttl, &when));
        FN_TRY(reset_column(r, (uint32_t)at, when));
    }
    return FN_OK;
}

static bool has_ttl(fn_str sql)
{
    static const char word[] = " TTL ";
    for (size_t i = 0; i + sizeof word - 1 <= sql.size; i++)
        if (memcmp(sql.data + i, word, sizeof word - 1) == 0) return true;
    return false;
}

/* *period_s: the table's merge_with_ttl_timeout; 0: it has no TTL. */
static fn_status read_definition(fn_ctx *ctx, fn_engine *engine, table *t, const ast_create **out, uint64_t *period_s)
{
    fn_str sql;
    ast_statement *s;
    *out = NULL;
    *period_s = 0;
    if (!mt_is(t)) return FN_OK;
    FN_TRY(definition_text(ctx, engine, t, &sql));
    if (!has_ttl(sql)) return FN_OK;
    FN_TRY(sql_parse(ctx, sql, &s));
    *out = s->create;
    *period_s = 14400;
    for (uint32_t i = 0; i < s->create->engine.setting_count; i++) {
        const ast_setting *set = &s->create->engine.settings[i];
        if (fn_str_eq(set->name, FN_STR("merge_with_ttl_timeout")) && set->value && set->value->kind == AST_LITERAL) *period_s = FN_MAX(set->value->u64, (uint64_t)1);
    }
    return FN_OK;
}

static fn_status apply_now(fn_ctx *ctx, table *t, const ast_create *c)
{
    ttl_run r = {.ctx = ctx, .table = t, .schema = table_schema_ref(atomic_load(&t->schema)), .world = definition_bare_world()};
    fn_status status = moment(ctx, (uint64_t)(fn_clock_realtime_ns() / 1000000000), &r.now);
    if (status == FN_OK) status = moment(ctx, 0, &r.never);
    if (status == FN_OK) status = apply(&r, c);
    table_schema_drop((table_schema *)(uintptr_t)r.schema);
    return status;
}

/* For the table, whatever its name is by now; anew when ALTER has changed it meanwhile. */
fn_status ttl_apply(fn_ctx *ctx, fn_engine *engine, table *t)
{
    const table_claim *const claims = ctx->claims;
    fn_status status;
    ctx->claims = NULL;
    do {
        const ast_create *c;
        uint64_t period_s;
        fn_error_clear(ctx);
        status = read_definition(ctx, engine, t, &c, &period_s);
        if (status == FN_OK && c) status = apply_now(ctx, t, c);
    } while (status == FN_TABLE_UUID_MISMATCH);
    ctx->claims = claims;
    return status;
}

/* ---- the thread ---- */
enum { TICK_S = 1, TRIM_TICKS = 10, TTL_TICKS = 60, TABLES_MAX = 4096 };

typedef struct visited { /* when a table was looked at */
    char uuid[37];
    int64_t at_s;
} visited;

struct ttl_worker {
    fn_engine *engine;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop, running;
    visited seen[TABLES_MAX];
    size_t seen_count;
};

static bool stopping(ttl_worker *w)
{
    FN_ASSERT(pthread_mutex_lock(&w->lock) == 0);
    const bool stop = w->stop;
    FN_ASSERT(pthread_mutex_unlock(&w->lock) == 0);
    return stop;
}

static visited *visit_of(ttl_worker *w, const char *uuid)
{
    for (size_t i = 0; i < w->seen_count; i++)
        if (memcmp(w->seen[i].uuid, uuid, sizeof w->seen[i].uuid) == 0) return &w->seen[i];
    if (w->seen_count == TABLES_MAX) w->seen_count = 0; /* forgetting only means to look again */
    visited *v = &w->seen[w->seen_count++];
    *v = (visited){.at_s = INT64_MIN / 2};
    memcpy(v->uuid, uuid, sizeof v->uuid);
    return v;
}

static void look_at(ttl_worker *w, fn_ctx *ctx, table *t)
{
    const ast_create *c;
    uint64_t period_s;
    const int64_t now_s = fn_clock_monotonic_ns() / 1000000000;
    fn_status status = read_definition(ctx, w->engine, t, &c, &period_s);
    if (status == FN_OK && !c) return;
    visited *v = visit_of(w, t->uuid);
    if (status == FN_OK && now_s - v->at_s < (int64_t)period_s) return;
    v->at_s = now_s;
    if (status == FN_OK) status = apply_now(ctx, t, c);
    if (status != FN_OK) fn_log(FN_LOG_WARN, "ttl", "table %s: %s", t->uuid, ctx->error.text);
}

static void look_at_all(ttl_worker *w)
{
    catalog_names *names = catalog_names_get(w->engine->catalog);
    for (uint32_t d = 0; d < names->count; d++) {
        for (uint32_t i = 0; i < names->databases[d].count && !stopping(w); i++) {
            fn_ctx ctx = {.arena = NULL};
            ctx.arena = fn_arena_new(&ctx);
            if (ctx.arena) look_at(w, &ctx, names->databases[d].entries[i].table);
            fn_arena_free(ctx.arena);
        }
    }
    catalog_names_drop(names);
}

static void *work(void *self)
{
    ttl_worker *w = self;
    unsigned ticks = 0;
    FN_ASSERT(pthread_mutex_lock(&w->lock) == 0);
    while (!w->stop) {
        struct timespec until;
        FN_ASSERT(clock_gettime(CLOCK_REALTIME, &until) == 0);
        until.tv_sec += TICK_S;
        (void)pthread_cond_timedwait(&w->wake, &w->lock, &until);
        if (w->stop) break;
        FN_ASSERT(pthread_mutex_unlock(&w->lock) == 0);
        dropped_purge(w->engine);
        catalog_log_sync(w->engine->catalog);
        if (++ticks % TRIM_TICKS == 0) fn_memory_trim();
        if (ticks % TTL_TICKS == 0) look_at_all(w);
        FN_ASSERT(pthread_mutex_lock(&w->lock) == 0);
    }
    FN_ASSERT(pthread_mutex_unlock(&w->lock) == 0);
    return NULL;
}

fn_status ttl_worker_start(fn_ctx *ctx, fn_engine *engine, ttl_worker **out)
{
    ttl_worker *w = fn_alloc_zero(ctx, sizeof *w);
    FN_TRY_PTR(ctx, w);
    w->engine = engine;
    FN_ASSERT(pthread_mutex_init(&w->lock, NULL) == 0);
    FN_ASSERT(pthread_cond_init(&w->wake, NULL) == 0);
    w->running = pthread_create(&w->thread, NULL, work, w) == 0;
    *out = w;
    return w->running ? FN_OK : fn_fail(ctx, FN_CANNOT_SCHEDULE_TASK, "The thread of TTL cannot be started");
}

void ttl_worker_stop(ttl_worker *w)
{
    if (!w) return;
    FN_ASSERT(pthread_mutex_lock(&w->lock) == 0);
    w->stop = true;
    FN_ASSERT(pthread_cond_broadcast(&w->wake) == 0);
    FN_ASSERT(pthread_mutex_unlock(&w->lock) == 0);
    if (w->running) FN_ASSERT(pthread_join(w->thread, NULL) == 0);
    (void)pthread_cond_destroy(&w->wake);
    (void)pthread_mutex_destroy(&w->lock);
    fn_free(w);
}
