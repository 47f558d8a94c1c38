/* engine_merge.c - ENGINE = Merge(database, 'pattern') and the table function merge(): UNION ALL over the tables whose names match, made
 * anew for each statement. _table and _database say where a row is from; they are constants in each branch, so that a condition on them
 * leaves the other branches out. Without columns given the table has those of all branches, with their common types.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/engine_columns.h"
#include "query/facade.h"
#include "query/table_function.h"

/* What is looked for, and what has been found. */
typedef struct union_of {
    query *query;
    fn_str database, tables;     /* a name, or a pattern; a pattern */
    bool database_pattern;
    const table *self;           /* the Merge table itself is left out; NULL: a function */
    table **found;               /* one reference each; on the heap */
    fn_str *names, *databases;   /* in ctx->arena */
    uint32_t count, capacity;
} union_of;

static void release(union_of *u)
{
    for (uint32_t i = 0; i < u->count; i++) table_drop(u->found[i]);
}

static fn_status grow(union_of *u)
{
    fn_ctx *ctx = u->query->ctx;
    if (u->count < u->capacity) return FN_OK;
    const uint32_t capacity = FN_MAX(2 * u->capacity, 16u);
    table **found = FN_NEW_ARRAY(ctx, table *, capacity);
    fn_str *names = FN_NEW_ARRAY(ctx, fn_str, capacity), *databases = FN_NEW_ARRAY(ctx, fn_str, capacity);
    if (!found || !names || !databases) return ctx->error.code;
    for (uint32_t i = 0; i < u->count; i++) {
        found[i] = u->found[i];
        names[i] = u->names[i];
        databases[i] = u->databases[i];
    }
    u->found = found;
    u->names = names;
    u->databases = databases;
    u->capacity = capacity;
    return FN_OK;
}

static fn_status look_into(union_of *u, const catalog_database *d)
{
    fn_ctx *ctx = u->query->ctx;
    for (uint32_t i = 0; i < d->count; i++) {
        const catalog_entry *e = &d->entries[i];
        bool match;
        if (e->table == u->self || fn_str_starts(e->name, FN_STR("."))) continue;
        FN_TRY(query_name_matches(ctx, e->name, u->tables, &match));
        if (!match) continue;
        FN_TRY(grow(u));
        FN_TRY(fn_arena_str(ctx, ctx->arena, e->name, &u->names[u->count]));
        FN_TRY(fn_arena_str(ctx, ctx->arena, d->name, &u->databases[u->count]));
        u->found[u->count++] = table_ref(e->table);
    }
    return FN_OK;
}

static fn_status look(union_of *u)
{
    query *q = u->query;
    fn_status status = FN_OK;
    catalog_names *names = catalog_names_get(q->engine->catalog);
    for (uint32_t i = 0; i < names->count && status == FN_OK; i++) {
        bool match = fn_str_eq(names->databases[i].name, u->database);
        if (u->database_pattern) status = query_name_matches(q->ctx, names->databases[i].name, u->database, &match);
        if (status == FN_OK && match) status = look_into(u, &names->databases[i]);
    }
    catalog_names_drop(names);
    return status;
}

/* ---- columns ---- */
/* *at: behind which column a new one goes; then the column's own place. */
static fn_status add_column(union_of *u, fn_schema *all, const table_column *c, uint32_t *at)
{
    fn_ctx *ctx = u->query->ctx;
    for (uint32_t i = 0; i < all->count; i++) {
        fn_field *f = &all->fields[i];
        const fn_type *const both[2] = {f->type, c->type};
        if (!fn_str_eq(f->name, c->name)) continue;
        *at = i + 1;
        if (f->type == c->type || fn_type_common(ctx, both, 2, &f->type) == FN_OK) return FN_OK;
        fn_error_clear(ctx);
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Merge of tables whose column " FN_STR_FMT " has no common type (%s and %s) is not supported", FN_STR_ARG(f->name), f->type->name,
                       c->type->name);
    }
    if (*at == 0) *at = all->count; /* the first of its table */
    memmove(&all->fields[*at + 1], &all->fields[*at], sizeof *all->fields * (all->count++ - *at));
    all->fields[*at].type = c->type;
    return fn_arena_str(ctx, ctx->arena, c->name, &all->fields[(*at)++].name);
}

static fn_status collect(union_of *u, table_schema *const *schemas, fn_schema *all)
{
    fn_ctx *ctx = u->query->ctx;
    uint32_t room = 1;
    for (uint32_t i = 0; i < u->count; i++) room += schemas[i]->count;
    *all = (fn_schema){FN_NEW_ARRAY(ctx, fn_field, room), 0};
    FN_TRY_PTR(ctx, all->fields);
    for (uint32_t i = 0; i < u->count; i++) {
        uint32_t at = 0;
        for (uint32_t k = 0; k < schemas[i]->count; k++)
            if (engine_column_is_real(&schemas[i]->columns[k])) FN_TRY(add_column(u, all, &schemas[i]->columns[k], &at));
    }
    return FN_OK;
}

static fn_status common_columns(union_of *u, table_schema **out)
{
    fn_ctx *ctx = u->query->ctx;
    fn_schema all;
    if (u->count == 0)
        return fn_fail(ctx, FN_CANNOT_EXTRACT_TABLE_STRUCTURE, "There are no tables satisfied provided regexp, you must specify table structure manually");
    table_schema **schemas = FN_NEW_ARRAY(ctx, table_schema *, u->count);
    FN_TRY_PTR(ctx, schemas);
    for (uint32_t i = 0; i < u->count; i++) schemas[i] = table_schema_ref(atomic_load(&u->found[i]->schema));
    fn_status status = collect(u, schemas, &all);
    if (status == FN_OK) status = table_schema_make(ctx, &all, out);
    for (uint32_t i = 0; i < u->count; i++) table_schema_drop(schemas[i]);
    return status;
}

/* ---- the SELECT ---- */
static fn_status put_origin(fn_ctx *ctx, fn_str value, const char *name, fn_buf *out)
{
    FN_TRY(fn_buf_cstr(ctx, out, ", toLowCardinality("));
    FN_TRY(sql_quote_string(ctx, value, out));
    return fn_buf_printf(ctx, out, ") AS %s", name);
}

static fn_status put_branch(union_of *u, uint32_t i, const table_schema *columns, fn_buf *out)
{
    fn_ctx *ctx = u->query->ctx;
    table_schema *given = table_schema_ref(atomic_load(&u->found[i]->schema));
    fn_status status = fn_buf_cstr(ctx, out, i ? " UNION ALL SELECT " : "SELECT ");
    if (status == FN_OK) status = engine_columns_select(ctx, columns, given, out);
    table_schema_drop(given);
    FN_TRY(status);
    FN_TRY(put_origin(ctx, u->databases[i], "_database", out));
    FN_TRY(put_origin(ctx, u->names[i], "_table", out));
    return engine_columns_from(ctx, u->databases[i], u->names[i], out);
}

/* Nothing matches: the columns without rows. */
static fn_status put_nothing(fn_ctx *ctx, const table_schema *columns, fn_buf *out)
{
    static const table_schema none = {.count = 0};
    FN_TRY(fn_buf_cstr(ctx, out, "SELECT "));
    FN_TRY(engine_columns_select(ctx, columns, &none, out));
    FN_TRY(put_origin(ctx, FN_STR(""), "_database", out));
    FN_TRY(put_origin(ctx, FN_STR(""), "_table", out));
    return fn_buf_cstr(ctx, out, " FROM numbers(0)");
}

/* columns: the table's, with a reference that is taken; NULL: those of the branches. */
static fn_status make_view(union_of *u, fn_str database, table_schema *columns, table **out)
{
    fn_ctx *ctx = u->query->ctx;
    fn_buf text = FN_BUF_INIT;
    fn_str sql;
    fn_status status = look(u);
    if (status == FN_OK && !columns) status = common_columns(u, &columns);
    if (status == FN_OK) status = fn_buf_cstr(ctx, &text, "CREATE VIEW merge AS ");
    if (status == FN_OK && u->count == 0) status = put_nothing(ctx, columns, &text);
    for (uint32_t i = 0; i < u->count && status == FN_OK; i++) status = put_branch(u, i, columns, &text);
    if (status == FN_OK) status = fn_arena_str(ctx, ctx->arena, fn_buf_view(&text), &sql);
    fn_buf_release(&text);
    release(u);
    if (status == FN_OK) return facade_view(u->query, database, "merge", sql, columns, out);
    if (columns) table_schema_drop(columns);
    return status;
}

/* ---- the engine and the function ---- */
static const ast_expr *pattern_of_database(const ast_expr *e)
{
    return e->kind == AST_FUNCTION && fn_str_eq_nocase(e->text, FN_STR("REGEXP")) && e->args.count == 1 ? e->args.items[0] : NULL;
}

static bool is_text(const ast_expr *e)
{
    return e->kind == AST_LITERAL && e->literal_kind == LITERAL_STRING;
}

static fn_status check(query *q, const ast_engine *e)
{
    const ast_expr *pattern = pattern_of_database(e->args.items[0]);
    if (!is_text(pattern ? pattern : e->args.items[0])) return fn_fail(q->ctx, FN_BAD_ARGUMENTS, "Argument 'database_name' must be a literal with type String");
    if (!is_text(e->args.items[1])) return fn_fail(q->ctx, FN_BAD_ARGUMENTS, "Argument 'table_name_regexp' must be a literal with type String, got another one");
    return FN_OK;
}

static fn_status source(const facade_use *use, table **out)
{
    const ast_list *args = &use->create->engine.args;
    const ast_expr *pattern = pattern_of_database(args->items[0]);
    union_of u = {.query = use->query, .self = use->table, .database = pattern ? pattern->text : args->items[0]->text, .database_pattern = pattern != NULL,
                  .tables = args->items[1]->text};
    table_schema *columns = NULL;
    if (!u.database.size) u.database = use->table->database;
    if (use->create->column_count) FN_TRY(engine_columns_of(use->ctx, use->create, &columns));
    return make_view(&u, use->table->database, columns, out);
}

const facade_engine facade_merge = {
    .name = "Merge", .args_min = 2, .args_max = 2, .arguments = "requires exactly 2 parameters - name of source database and regexp for table names",
    .check = check, .source = source, .alters = true,
};

fn_status table_function_merge(const table_call *call, table **out)
{
    query *q = call->query;
    const ast_expr *pattern = pattern_of_database(call->ast->args.items[0]);
    union_of u = {.query = q, .database = q->database, .database_pattern = pattern != NULL};
    if (pattern && is_text(pattern)) u.database = pattern->text;
    else if (pattern) return fn_fail(q->ctx, FN_BAD_ARGUMENTS, "Argument 'database_name_regexp' must be a literal with type String");
    else if (call_count(call) > 1) FN_TRY(call_text(call, 0, &u.database));
    FN_TRY(call_text(call, call_count(call) - 1, &u.tables));
    if (!pattern) FN_TRY(world_check_database(q, u.database));
    return make_view(&u, pattern ? q->database : u.database, NULL, out);
}
