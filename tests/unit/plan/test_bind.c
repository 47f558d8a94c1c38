/* test_bind.c - statements over tables without rows: their plans as EXPLAIN shows them, or the errors they give.
 * With arguments: prints the plan of each. SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"
#include "settings/settings.h"
#include "sql/ast.h"
#include <stdio.h>

/* ---- tables: a schema and nothing behind it, or figures as if there were ---- */

static fn_status fake_snapshot(table *t, fn_ctx *ctx, table_snapshot **out)
{
    (void)ctx;
    *out = (table_snapshot *)(void *)t;
    return FN_OK;
}

static void fake_snapshot_drop(table_snapshot *s)
{
    (void)s;
}

static void fake_destroy(table *t)
{
    (void)t;
}

/* A million rows; in column 0 every value comes a thousand times, in the others hardly ever again. */
static bool fake_rows(table_snapshot *s, bool final, uint64_t *rows)
{
    (void)s;
    (void)final;
    *rows = 1000000;
    return true;
}

static bool fake_stats(table_snapshot *s, bool final, uint32_t column, table_column_stats *out)
{
    (void)s;
    (void)final;
    *out = (table_column_stats){.distinct = column == 0 ? 1000 : 900000};
    return true;
}

static const table_ops fake_ops = {.engine = "Fake", .snapshot = fake_snapshot, .snapshot_drop = fake_snapshot_drop, .destroy = fake_destroy};
static const table_ops full_ops = {.engine = "Full", .snapshot = fake_snapshot, .snapshot_drop = fake_snapshot_drop, .destroy = fake_destroy,
                                   .rows = fake_rows, .stats = fake_stats};

typedef struct fake_table {
    table base;
    table_schema schema;
    table_column columns[8];
} fake_table;

static fake_table tables[4];
static const struct {
    const char *name, *columns[8][2];
    bool full;
} shapes[] = {
    {"t", {{"a", "UInt32"}, {"b", "String"}, {"c", "Nullable(Int64)"}, {"d", "Date"}, {"arr", "Array(UInt8)"}, {"tup", "Tuple(x UInt8, y String)"}}, false},
    {"u", {{"a", "UInt64"}, {"k", "UInt32"}, {"v", "Float64"}}, false},
    {"numbers", {{"number", "UInt64"}}, false},
    {"m", {{"s", "String"}, {"r", "String"}, {"n", "Nullable(String)"}}, true},
};

static fn_status make_tables(fn_ctx *ctx)
{
    for (size_t i = 0; i < FN_COUNT(shapes); i++) {
        fake_table *f = &tables[i];
        f->base = (table){.ops = shapes[i].full ? &full_ops : &fake_ops, .database = FN_STR("db"), .name = fn_cstr(shapes[i].name)};
        f->schema.columns = f->columns;
        for (uint32_t k = 0; k < 8 && shapes[i].columns[k][0]; k++) {
            f->columns[k] = (table_column){.name = fn_cstr(shapes[i].columns[k][0]), .id = k};
            FN_TRY(fn_type_parse(ctx, fn_cstr(shapes[i].columns[k][1]), &f->columns[k].type));
            f->schema.count = k + 1;
        }
        atomic_store(&f->base.refs, 1000000);
        atomic_store(&f->schema.refs, 1000000);
        atomic_store(&f->base.schema, &f->schema);
    }
    return FN_OK;
}

static fn_status find_table(plan_world *w, fn_ctx *ctx, fn_str database, fn_str name, table **out)
{
    (void)w;
    (void)database;
    for (size_t i = 0; i < FN_COUNT(shapes); i++)
        if (fn_str_eq(tables[i].base.name, name)) {
            *out = table_ref(&tables[i].base);
            return FN_OK;
        }
    return fn_fail(ctx, FN_UNKNOWN_TABLE, "Unknown table expression identifier '" FN_STR_FMT "'", FN_STR_ARG(name));
}

static fn_status table_function(plan_world *w, fn_ctx *ctx, const ast_expr *call, table **out)
{
    return find_table(w, ctx, FN_STR(""), call->text, out);
}

/* ---- cases ---- */

typedef struct sample {
    const char *sql, *plan; /* the text of the plan, or how the error begins */
    fn_status code;
} sample;

#include "bind_cases.inc"

static fn_status explain_one(fn_ctx *ctx, const char *sql, fn_buf *out)
{
    plan_world world = {.find_table = find_table, .table_function = table_function, .current_database = "db"};
    ast_statement *statement;
    plan_query *query;
    FN_TRY(sql_parse(ctx, fn_cstr(sql), &statement));
    if (!statement->query) return fn_fail(ctx, FN_BAD_ARGUMENTS, "no query");
    FN_TRY(plan_bind(ctx, &world, statement->query, &query));
    const fn_status status = plan_explain(ctx, query, out);
    plan_query_release(query);
    return status;
}

static int check(const sample *s)
{
    fn_ctx ctx = {0};
    fn_buf text = FN_BUF_INIT;
    ctx.arena = fn_arena_new(&ctx);
    if (!ctx.arena) return 1;
    const fn_status status = explain_one(&ctx, s->sql, &text);
    const fn_str want = fn_cstr(s->plan);
    const bool ok = s->code ? status == s->code && fn_str_starts(fn_cstr(ctx.error.text), want) : status == FN_OK && fn_str_eq(fn_buf_view(&text), want);
    if (!ok) printf("%s\n-- wanted (%d)\n%s\n-- got (%d) %s\n%.*s\n", s->sql, s->code, s->plan, status, ctx.error.text, (int)text.size, text.data ? text.data : "");
    fn_buf_release(&text);
    fn_arena_free(ctx.arena);
    return !ok;
}

static int print(const char *sql)
{
    fn_ctx ctx = {0};
    fn_buf text = FN_BUF_INIT;
    ctx.arena = fn_arena_new(&ctx);
    if (!ctx.arena) return 1;
    const fn_status status = explain_one(&ctx, sql, &text);
    printf("%s\n%.*s%s%s", sql, (int)text.size, text.data ? text.data : "", ctx.error.text, status ? "\n" : "");
    fn_buf_release(&text);
    fn_arena_free(ctx.arena);
    return status != FN_OK;
}

int main(int argc, char **argv)
{
    fn_ctx ctx = {0};
    int failures = 0;
    ctx.arena = fn_arena_new(&ctx);
    if (!ctx.arena || make_tables(&ctx) != FN_OK) return 1;
    for (int i = 1; i < argc; i++) failures += print(argv[i]);
    for (size_t i = 0; argc == 1 && i < FN_COUNT(samples); i++) failures += check(&samples[i]);
    fn_arena_free(ctx.arena);
    return failures != 0;
}
