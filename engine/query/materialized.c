/* materialized.c - see materialized.h. SPDX-License-Identifier: Apache-2.0 */
#include "query/materialized.h"
#include <stdio.h>

typedef struct materialized_view {
    table base;
    fn_arena *arena;
    fn_str source_database, source_name;
    fn_str target_database, target_name; /* name empty: the inner table */
    char inner[64];
} materialized_view;

static fn_status no_rows(table *t, fn_ctx *ctx, table_snapshot **out)
{
    *out = NULL;
    return fn_fail(ctx, FN_LOGICAL_ERROR, "Materialized view " FN_STR_FMT " was read as a table", FN_STR_ARG(t->name));
}

static void destroy(table *t)
{
    materialized_view *v = (materialized_view *)t;
    fn_arena_free(v->arena);
    fn_free(v);
}

static const table_ops materialized_ops = {.engine = "MaterializedView", .snapshot = no_rows, .destroy = destroy};

bool materialized_is(const table *t)
{
    return t->ops == &materialized_ops;
}

/* The leftmost table of FROM is the source. */
static const ast_from *source_of(const ast_query *q)
{
    while (q && q->op != SET_NONE) q = q->left;
    const ast_from *f = q ? q->select->from : NULL;
    while (f && f->kind != FROM_TABLE) {
        if (f->kind == FROM_JOIN || f->kind == FROM_ARRAY_JOIN) f = f->left;
        else if (f->kind == FROM_SUBQUERY) return source_of(f->subquery);
        else return NULL;
    }
    return f;
}

static fn_status fill(fn_ctx *ctx, materialized_view *v, const ast_create *create)
{
    const ast_from *source = source_of(create->as_select);
    if (!source) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "A materialized view that does not read from a table is not supported");
    FN_TRY(fn_arena_str(ctx, v->arena, source->database, &v->source_database));
    FN_TRY(fn_arena_str(ctx, v->arena, source->table, &v->source_name));
    FN_TRY(fn_arena_str(ctx, v->arena, create->to_table.database, &v->target_database));
    FN_TRY(fn_arena_str(ctx, v->arena, create->to_table.table, &v->target_name));
    (void)snprintf(v->inner, sizeof v->inner, ".inner_id.%s", v->base.uuid);
    return FN_OK;
}

fn_status materialized_new(fn_ctx *ctx, const table *head, const ast_create *create, table **out)
{
    fn_arena *arena = fn_arena_new(&(fn_ctx){.arena = NULL});
    materialized_view *v = arena ? fn_alloc_zero(ctx, sizeof *v) : NULL;
    fn_status status = v ? table_head_copy(ctx, arena, head, &v->base) : fn_fail_memory(ctx, sizeof *v);
    if (status == FN_OK) {
        v->arena = arena;
        v->base.ops = &materialized_ops;
        v->base.is_view = false; /* the binder puts the target in its place, not the query */
        status = fill(ctx, v, create);
    }
    if (status != FN_OK) {
        fn_free(v);
        fn_arena_free(arena);
        return status;
    }
    *out = &v->base;
    return FN_OK;
}

fn_str materialized_inner(const table *view)
{
    const materialized_view *v = (const materialized_view *)(const void *)view;
    return v->target_name.size ? (fn_str){NULL, 0} : fn_cstr(v->inner);
}

void materialized_target_name(const table *view, fn_str *database, fn_str *name)
{
    const materialized_view *v = (const materialized_view *)(const void *)view;
    *database = v->target_name.size && v->target_database.size ? v->target_database : view->database;
    *name = v->target_name.size ? v->target_name : fn_cstr(v->inner);
}

fn_status materialized_target(query *q, const table *view, table **out)
{
    fn_str database, name;
    materialized_target_name(view, &database, &name);
    return world_stored_table(q, database, name, out);
}

fn_status materialized_claim(query *q, fn_str database, fn_str name, table **t, table_claim **claim)
{
    fn_status status = query_claim(q, database, name, *t, claim);
    for (int depth = 0; status == FN_OK && materialized_is(*t); depth++) {
        table *target = NULL;
        materialized_target_name(*t, &database, &name);
        status = depth < 16 ? world_stored_table(q, database, name, &target) : fn_fail(q->ctx, FN_TOO_DEEP_RECURSION, "Materialized views refer to each other");
        if (status != FN_OK) break;
        status = query_claim(q, database, name, target, claim);
        table_drop(*t);
        *t = target;
    }
    if (status != FN_OK) table_drop(*t);
    return status;
}

fn_status materialized_resolve(query *q, table **t)
{
    for (int depth = 0; materialized_is(*t); depth++) {
        table *target = NULL;
        fn_status status = depth < 16 ? materialized_target(q, *t, &target) : fn_fail(q->ctx, FN_TOO_DEEP_RECURSION, "Materialized views refer to each other");
        table_drop(*t);
        FN_TRY(status);
        *t = target;
    }
    return FN_OK;
}

/* The name a table has in these names; false: none. What the table itself says follows a little after an EXCHANGE. */
static bool name_in(const catalog_names *names, const table *t, fn_str *database, fn_str *name)
{
    for (uint32_t d = 0; d < names->count; d++) {
        for (uint32_t i = 0; i < names->databases[d].count; i++) {
            if (names->databases[d].entries[i].table != t) continue;
            *database = names->databases[d].name;
            *name = names->databases[d].entries[i].name;
            return true;
        }
    }
    return false;
}

void materialized_source(const table *view, fn_str *database, fn_str *name)
{
    const materialized_view *v = (const materialized_view *)(const void *)view;
    *database = v->source_database;
    *name = v->source_name;
}

bool materialized_reads_same(const table *view, const ast_query *select)
{
    const materialized_view *v = (const materialized_view *)(const void *)view;
    const ast_from *source = source_of(select);
    return source && fn_str_eq(source->database, v->source_database) && fn_str_eq(source->table, v->source_name);
}

fn_status materialized_of(query *q, const table *source, const table_claim *claim, table ***out, uint32_t *count)
{
    fn_str database, name;
    catalog_names *names = q->insert_names ? q->insert_names : catalog_names_get(q->engine->catalog);
    uint32_t n = 0;
    fn_status status = FN_OK;
    if (claim) {
        database = claim->database;
        name = claim->name;
    } else if (!name_in(names, source, &database, &name)) {
        status = table_name(q->ctx, source, &database, &name);
    }
    *count = 0;
    for (int pass = 0; pass < 2 && status == FN_OK; pass++) { /* count, then fill */
        for (uint32_t d = 0; d < names->count; d++) {
            for (uint32_t i = 0; i < names->databases[d].count; i++) {
                table *t = names->databases[d].entries[i].table;
                if (!materialized_is(t)) continue;
                const materialized_view *v = (const materialized_view *)(const void *)t;
                if (!fn_str_eq(v->source_database, database) || !fn_str_eq(v->source_name, name)) continue;
                if (pass) (*out)[(*count)++] = table_ref(t);
                else n++;
            }
        }
        if (n == 0) break;
        if (pass == 0) {
            *out = FN_NEW_ARRAY(q->ctx, table *, n);
            if (!*out) status = q->ctx->error.code;
        }
    }
    if (*count) q->insert_names = names;
    else if (names != q->insert_names) catalog_names_drop(names);
    return status;
}

fn_status materialized_inner_sql(fn_ctx *ctx, const ast_statement *view, fn_str name, fn_str *out)
{
    ast_statement s = *view;
    ast_create c = *view->create;
    s.create = &c;
    s.kind = STATEMENT_CREATE_TABLE;
    s.what = 't';
    c.materialized = false;
    c.as_select = NULL;
    c.comment = (fn_str){NULL, 0};
    c.to_table = (ast_name){.table = {NULL, 0}};
    c.name.table = name;
    return definition_print(ctx, &s, out);
}
