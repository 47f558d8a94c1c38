/* facade.c - see facade.h. SPDX-License-Identifier: Apache-2.0 */
#include "query/facade.h"
#include "query/table_function.h"

static const facade_engine *const engines[] = {&facade_merge, &facade_buffer, &facade_url, &facade_s3, &facade_random, &facade_file};

typedef struct facade {
    table base;
    table_ops ops; /* with the engine's name */
    const facade_engine *engine;
    fn_arena *arena;
} facade;

const facade_engine *facade_of(const ast_create *c)
{
    if (c->as_function) return &facade_function;
    if (fn_str_eq(c->engine.name, FN_STR("File")) && c->engine.args.count == 1) return NULL; /* a table with rows of its own */
    for (size_t i = 0; i < FN_COUNT(engines); i++)
        if (fn_str_eq(c->engine.name, fn_cstr(engines[i]->name))) return engines[i];
    return NULL;
}

const char *facade_engine_at(size_t index)
{
    return index + 1 < FN_COUNT(engines) ? engines[index]->name : NULL; /* the last, File, is listed among those with rows */
}

/* ---- the definition ---- */
static fn_status to_text(fn_ctx *ctx, fn_str text, ast_expr **e)
{
    *e = FN_NEW(ctx, ast_expr);
    FN_TRY_PTR(ctx, *e);
    **e = (ast_expr){.kind = AST_LITERAL, .literal_kind = LITERAL_STRING, .text = text};
    return FN_OK;
}

/* currentDatabase() and the like: a text or a number from now on. */
static fn_status evaluate(query *q, ast_expr **e)
{
    static const table_schema none = {.count = 0};
    expr *bound;
    fn_column *value;
    fn_buf text = FN_BUF_INIT;
    fn_text_options options;
    FN_TRY(plan_bind_expr(q->ctx, &q->world.base, *e, &none, &bound));
    FN_TRY(expr_fold(q->ctx, bound, &value));
    fn_text_options_default(&options);
    const bool number = fn_type_is_integer(value->type);
    fn_str copy;
    fn_status status = fn_text_write(q->ctx, value, 0, FN_TEXT_PLAIN, &options, &text);
    if (status == FN_OK) status = fn_arena_str(q->ctx, q->ctx->arena, fn_buf_view(&text), &copy);
    if (status == FN_OK) status = number ? sql_parse_expr(q->ctx, copy, e) : to_text(q->ctx, copy, e);
    fn_buf_release(&text);
    fn_column_drop(value);
    return status;
}

/* Names are texts; REGEXP('...'), headers(...) and key = value stay as they are. */
static fn_status settle(query *q, ast_expr **e)
{
    const ast_expr *was = *e;
    if (was->kind == AST_IDENTIFIER && was->part_count == 1) return to_text(q->ctx, was->parts[0], e);
    if (was->kind != AST_FUNCTION || fn_str_eq_nocase(was->text, FN_STR("REGEXP")) || fn_str_eq(was->text, FN_STR("headers")) || fn_str_eq(was->text, FN_STR("equals")))
        return FN_OK;
    return evaluate(q, e);
}

static fn_status settle_arguments(query *q, ast_create *c, const facade_engine *engine)
{
    ast_engine *e = &c->engine;
    if (engine == &facade_function) return FN_OK;
    if (e->args.count < engine->args_min || e->args.count > engine->args_max)
        return fn_fail(q->ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Storage %s %s", engine->name, engine->arguments);
    ast_expr **args = FN_NEW_ARRAY(q->ctx, ast_expr *, FN_MAX(e->args.count, 1u));
    FN_TRY_PTR(q->ctx, args);
    for (uint32_t i = 0; i < e->args.count; i++) {
        args[i] = e->args.items[i];
        FN_TRY(settle(q, &args[i]));
    }
    e->args.items = args;
    return engine->check ? engine->check(q, e) : FN_OK;
}

static bool is_shown(const table_column *c)
{
    return !c->is_virtual && c->default_kind != DEFAULT_EPHEMERAL && c->default_kind != DEFAULT_ALIAS && !fn_str_eq(c->name, FN_STR("_table")) &&
           !fn_str_eq(c->name, FN_STR("_database"));
}

static fn_status take_columns(fn_ctx *ctx, ast_create *c, const table_schema *s)
{
    c->columns = FN_NEW_ARRAY(ctx, ast_column_def, FN_MAX(s->count, 1u));
    FN_TRY_PTR(ctx, c->columns);
    c->has_columns = true;
    for (uint32_t i = 0; i < s->count; i++) {
        if (!is_shown(&s->columns[i])) continue;
        ast_column_def *to = &c->columns[c->column_count++];
        *to = (ast_column_def){.type = fn_cstr(s->columns[i].type->name)};
        FN_TRY(fn_arena_str(ctx, ctx->arena, s->columns[i].name, &to->name));
    }
    return FN_OK;
}

fn_status facade_complete(query *q, ast_create *c, fn_str database, fn_str name)
{
    const facade_engine *engine = facade_of(c);
    if (!engine) return FN_OK;
    if (c->as_function && c->engine.name.size) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "CREATE TABLE ... AS a table function with ENGINE is not supported");
    FN_TRY(settle_arguments(q, c, engine));
    for (uint32_t i = 0; i < c->column_count; i++) {
        const uint8_t kind = c->columns[i].default_kind;
        if (kind == DEFAULT_ALIAS || kind == DEFAULT_EPHEMERAL || kind == DEFAULT_MATERIALIZED)
            return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Columns with ALIAS, MATERIALIZED or EPHEMERAL in a table of engine %s are not supported", engine->name);
    }
    if (c->has_columns && c->column_count) return FN_OK;
    table named = {.database = database, .name = name};
    const facade_use use = {.query = q, .ctx = q->ctx, .table = &named, .create = c};
    table *behind;
    FN_TRY(engine->source(&use, &behind));
    const fn_status status = take_columns(q->ctx, c, atomic_load(&behind->schema));
    table_drop(behind);
    return status;
}

fn_status facade_structure(fn_ctx *ctx, const ast_create *c, fn_str *out)
{
    fn_buf text = FN_BUF_INIT;
    fn_status status = FN_OK;
    *out = (fn_str){NULL, 0};
    for (uint32_t i = 0; i < c->column_count && status == FN_OK; i++) {
        if (i) status = fn_buf_cstr(ctx, &text, ", ");
        if (status == FN_OK) status = sql_quote_identifier(ctx, c->columns[i].name, &text);
        if (status == FN_OK) status = fn_buf_printf(ctx, &text, " " FN_STR_FMT, FN_STR_ARG(c->columns[i].type));
    }
    if (status == FN_OK && text.size) status = fn_arena_str(ctx, ctx->arena, fn_buf_view(&text), out);
    fn_buf_release(&text);
    return status;
}

/* ---- the table ---- */
static fn_status no_rows(table *t, fn_ctx *ctx, table_snapshot **out)
{
    *out = NULL;
    return fn_fail(ctx, FN_LOGICAL_ERROR, "Table " FN_STR_FMT " of engine %s was read itself", FN_STR_ARG(t->name), t->ops->engine);
}

static void destroy(table *t)
{
    facade *f = (facade *)t;
    fn_arena_free(f->arena);
    fn_free(f);
}

static fn_status nothing_to_optimize(table *t, fn_ctx *ctx, fn_str partition_id, bool final, bool deduplicate, bool cleanup)
{
    (void)partition_id;
    if (final || deduplicate || cleanup) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "FINAL, DEDUPLICATE and CLEANUP cannot be specified when optimizing table of type %s", t->ops->engine);
    return FN_OK;
}

bool facade_is(const table *t)
{
    return t->ops->snapshot == no_rows;
}

bool facade_alters(const table *t)
{
    return facade_is(t) && ((const facade *)(const void *)t)->engine->alters;
}

fn_status facade_new(fn_ctx *ctx, const facade_engine *engine, const table *head, table **out)
{
    fn_arena *arena = fn_arena_new(&(fn_ctx){.arena = NULL});
    facade *f = arena ? fn_alloc_zero(ctx, sizeof *f) : NULL;
    fn_status status = f ? table_head_copy(ctx, arena, head, &f->base) : fn_fail_memory(ctx, sizeof *f);
    if (status != FN_OK) {
        fn_free(f);
        fn_arena_free(arena);
        return status;
    }
    f->arena = arena;
    f->engine = engine;
    f->ops = (table_ops){.engine = engine->name, .snapshot = no_rows, .optimize = engine->optimizes ? nothing_to_optimize : NULL, .destroy = destroy};
    f->base.ops = &f->ops;
    *out = &f->base;
    return FN_OK;
}

/* ---- use ---- */
static fn_status open_use(query *q, table *t, facade_use *out)
{
    ast_statement *s;
    fn_str sql;
    FN_TRY(definition_text(q->ctx, q->engine, t, &sql));
    FN_TRY(sql_parse(q->ctx, sql, &s));
    *out = (facade_use){.query = q, .ctx = q->ctx, .table = t, .create = s->create};
    return FN_OK;
}

fn_status facade_source(query *q, table **t)
{
    facade_use use;
    table *behind = NULL;
    if (!facade_is(*t)) return FN_OK;
    const facade_engine *engine = ((const facade *)(const void *)*t)->engine;
    fn_status status = open_use(q, *t, &use);
    if (status == FN_OK) status = engine->source(&use, &behind);
    table_drop(*t);
    *t = behind;
    return status;
}

fn_status facade_target(query *q, table **t, const ast_list **columns)
{
    facade_use use;
    for (int depth = 0; facade_is(*t); depth++) {
        const facade_engine *engine = ((const facade *)(const void *)*t)->engine;
        table *behind = NULL;
        if (!engine->target) return FN_OK;
        fn_status status = depth < 16 ? open_use(q, *t, &use) : fn_fail(q->ctx, FN_INFINITE_LOOP, "Tables of engine %s refer to each other", engine->name);
        if (status == FN_OK) status = engine->target(&use, columns, &behind);
        table_drop(*t);
        *t = behind;
        FN_TRY(status);
    }
    return FN_OK;
}

fn_status facade_view(query *q, fn_str database, const char *name, fn_str sql, table_schema *schema_take, table **out)
{
    table head = {.database = database, .name = fn_cstr(name), .uuid = "00000000-0000-0000-0000-000000000000", .create_sql = sql, .engine_full = FN_STR("View"),
                  .is_view = true, .is_temporary = true};
    atomic_store(&head.schema, schema_take);
    const fn_status status = view_table_new(q->ctx, &head, out);
    if (status != FN_OK) table_schema_drop(schema_take);
    return status;
}

/* ---- CREATE TABLE t AS numbers(5) ---- */
static fn_status function_source(const facade_use *use, table **out)
{
    return table_function_make(use->query, use->create->as_function, out);
}

const facade_engine facade_function = {.name = "TableFunction", .source = function_source};
