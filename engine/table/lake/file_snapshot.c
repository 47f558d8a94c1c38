/* file_snapshot.c - the files of one statement: opened once, Parquet footers read once, for the planner's questions (rows,
 * statistics) and the scan alike. Text files are opened when they are read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/lake/file_scan.h"

static void close_files(file_snapshot *s)
{
    for (uint32_t i = 0; i < s->table->set->count && s->files; i++) {
        fn_parquet_close(s->files[i].parquet);
        if (s->files[i].blob) s->files[i].blob->close(s->files[i].blob);
    }
}

void file_snapshot_free(file_snapshot *s)
{
    if (!s) return;
    if (s->table) {
        close_files(s);
        table_drop(&s->table->base);
    }
    fn_arena_free(s->arena);
}

static fn_status open_files(fn_ctx *ctx, file_snapshot *s)
{
    const file_set *set = s->table->set;
    s->files = fn_arena_alloc_zero(ctx, s->arena, sizeof *s->files * FN_MAX(set->count, 1));
    FN_TRY_PTR(ctx, s->files);
    if (!s->table->format->random_access) return FN_OK;
    for (uint32_t i = 0; i < set->count; i++) {
        FN_TRY(file_set_open(ctx, set, i, &s->files[i].blob));
        FN_TRY(file_open_parquet(ctx, s->files[i].blob, &s->files[i].parquet));
    }
    return FN_OK;
}

fn_status file_snapshot_open(fn_ctx *ctx, file_table *t, file_snapshot **out)
{
    *out = NULL;
    fn_arena *arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, arena);
    file_snapshot *s = fn_arena_alloc_zero(ctx, arena, sizeof *s);
    if (!s) {
        fn_arena_free(arena);
        return ctx->error.code;
    }
    s->arena = arena;
    s->table = (file_table *)table_ref(&t->base);
    const fn_status status = open_files(ctx, s);
    if (status == FN_OK) *out = s;
    else file_snapshot_free(s);
    return status;
}

bool file_snapshot_rows(const file_snapshot *s, uint64_t *out)
{
    *out = 0;
    if (!s->table->format->random_access) return false;
    for (uint32_t i = 0; i < s->table->set->count; i++) *out += fn_parquet_rows(s->files[i].parquet);
    return true;
}

typedef struct gather {
    fn_column *min, *max; /* 1 row each; referenced */
    uint64_t nulls;
    bool exact;
} gather;

static void widen(fn_column **best, const fn_column *value, int sign)
{
    if (*best && sign * fn_column_compare(value, 0, *best, 0, true) <= 0) return;
    fn_column_drop(*best);
    *best = fn_column_ref(value);
}

static fn_status add_file(fn_ctx *ctx, const fn_parquet *p, const table_column *c, gather *g)
{
    const int column = fn_schema_find(fn_parquet_schema(p), c->name);
    g->exact = column >= 0 && fn_parquet_converts(p, (uint32_t)column, c->type) && (fn_type_is_nullable(c->type) ||
               !fn_type_is_nullable(fn_parquet_schema(p)->fields[column].type));
    for (uint32_t i = 0; i < fn_parquet_group_count(p) && g->exact; i++) {
        fn_parquet_stats s;
        FN_TRY(fn_parquet_column_stats(ctx, p, i, (uint32_t)column, c->type, &s));
        g->exact = s.has_nulls && (s.nulls == s.values || (s.has_range && s.min_exact && s.max_exact));
        g->nulls += s.nulls;
        if (g->exact && s.has_range) {
            widen(&g->min, s.min, -1);
            widen(&g->max, s.max, 1);
        }
        fn_parquet_stats_release(&s);
    }
    return FN_OK;
}

static void release_column(void *c)
{
    fn_column_drop(c);
}

/* Only types whose statistics cannot be cut or stand apart from some values (texts, floats) are exact. */
static bool has_exact_stats(const fn_type *type)
{
    const fn_type *base = fn_type_base(type);
    return base->width > 0 && base->width <= 16 && (fn_type_is_integer(base) || fn_type_is_date_or_time(base) || base->id == FN_T_DECIMAL);
}

bool file_snapshot_stats(file_snapshot *s, uint32_t column, table_column_stats *out)
{
    fn_ctx ctx = {0};
    gather g = {.exact = true};
    const table_schema *schema = atomic_load(&s->table->base.schema);
    *out = (table_column_stats){0};
    if (!s->table->format->random_access || column >= s->table->real_columns || !has_exact_stats(schema->columns[column].type)) return false;
    ctx.arena = fn_arena_new(&ctx);
    fn_status status = ctx.arena ? FN_OK : ctx.error.code;
    for (uint32_t i = 0; i < s->table->set->count && status == FN_OK && g.exact; i++)
        status = add_file(&ctx, s->files[i].parquet, &schema->columns[column], &g);
    if (status == FN_OK && g.min) status = fn_arena_defer(&ctx, s->arena, release_column, fn_column_ref(g.min));
    if (status == FN_OK && g.max) status = fn_arena_defer(&ctx, s->arena, release_column, fn_column_ref(g.max));
    const bool known = status == FN_OK && g.exact;
    if (known) *out = (table_column_stats){.has_range = g.min && g.max, .min = g.min, .max = g.max, .nulls = g.nulls, .exact = true};
    fn_column_drop(g.min);
    fn_column_drop(g.max);
    fn_arena_free(ctx.arena);
    return known;
}
