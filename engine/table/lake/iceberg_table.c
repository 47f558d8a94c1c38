/* iceberg_table.c - see iceberg_table.h. SPDX-License-Identifier: Apache-2.0 */
#include "table/lake/iceberg_scan.h"

/* How the nested fields of a column are found: the field tree as the Parquet reader wants it. */
static fn_status make_path(fn_ctx *ctx, fn_arena *arena, const fn_iceberg_field *field, fn_parquet_path *out)
{
    *out = (fn_parquet_path){.field_id = field->id, .names = field->file_names, .name_count = field->file_name_count};
    if (!field->kid_count) return FN_OK;
    fn_parquet_path *kids = fn_arena_alloc_zero(ctx, arena, sizeof *kids * field->kid_count);
    FN_TRY_PTR(ctx, kids);
    for (uint32_t i = 0; i < field->kid_count; i++) FN_TRY(make_path(ctx, arena, &field->kids[i], &kids[i]));
    out->kids = kids;
    return FN_OK;
}

static fn_status make_paths(fn_ctx *ctx, iceberg_table *t)
{
    t->paths = fn_arena_alloc_zero(ctx, t->arena, sizeof *t->paths * (t->lake->field_count + 1));
    FN_TRY_PTR(ctx, t->paths);
    for (uint32_t i = 0; i < t->lake->field_count; i++) {
        if (!t->lake->fields[i].kid_count) continue;
        fn_parquet_path *path = fn_arena_alloc(ctx, t->arena, sizeof *path);
        FN_TRY_PTR(ctx, path);
        FN_TRY(make_path(ctx, t->arena, &t->lake->fields[i], path));
        t->paths[i] = path;
    }
    return FN_OK;
}

static fn_status make_schema(fn_ctx *ctx, const fn_iceberg_table *lake, table_schema **out)
{
    static const char *const names[ICEBERG_VIRTUALS] = {"_path", "_file"};
    fn_arena *arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, arena);
    table_schema *s = fn_arena_alloc_zero(ctx, arena, sizeof *s);
    if (s) s->columns = fn_arena_alloc_zero(ctx, arena, sizeof *s->columns * (lake->field_count + ICEBERG_VIRTUALS));
    if (!s || !s->columns) goto failed;
    s->arena = arena;
    s->count = lake->field_count + ICEBERG_VIRTUALS;
    atomic_store(&s->refs, 1);
    for (uint32_t i = 0; i < lake->field_count; i++) {
        s->columns[i].type = lake->fields[i].type;
        if (fn_arena_str(ctx, arena, lake->fields[i].name, &s->columns[i].name) != FN_OK) goto failed;
    }
    for (uint32_t i = 0; i < ICEBERG_VIRTUALS; i++) {
        s->columns[lake->field_count + i] = (table_column){.name = fn_cstr(names[i]), .is_virtual = true,
                                                           .type = fn_type_low_cardinality(fn_type_simple(FN_T_STRING))};
    }
    *out = s;
    return FN_OK;
failed:
    fn_arena_free(arena);
    return ctx->error.code;
}

/* Reads the manifests once; everything lands in the table's arena. */
static fn_status plan_files(iceberg_table *t, fn_ctx *ctx)
{
    pthread_mutex_lock(&t->mutex);
    fn_status status = FN_OK;
    if (!t->planned) {
        fn_arena *const outer = ctx->arena;
        ctx->arena = t->arena;
        status = fn_iceberg_plan(ctx, t->files, t->lake);
        ctx->arena = outer;
        t->planned = status == FN_OK;
    }
    pthread_mutex_unlock(&t->mutex);
    return status;
}

/* A snapshot of the lake never changes: the table itself is the snapshot. */
static fn_status iceberg_snapshot(table *t, fn_ctx *ctx, table_snapshot **out)
{
    FN_TRY(plan_files((iceberg_table *)t, ctx));
    *out = (table_snapshot *)table_ref(t);
    return FN_OK;
}

static void iceberg_snapshot_drop(table_snapshot *s)
{
    table_drop((table *)s);
}

static fn_status iceberg_scan_begin(table_snapshot *s, fn_ctx *ctx, const table_scan_request *request, table_scan **out)
{
    return iceberg_scan_open(ctx, (iceberg_table *)(void *)s, request, out);
}

/* The manifests' record counts, exact unless rows are deleted. */
static bool iceberg_rows(table_snapshot *s, bool final, uint64_t *out)
{
    (void)final;
    const iceberg_table *t = (const iceberg_table *)(void *)s;
    *out = 0;
    for (uint32_t i = 0; i < t->lake->file_count; i++) {
        if (t->lake->files[i].delete_count) return false;
        *out += t->lake->files[i].rows;
    }
    return true;
}

static void iceberg_destroy(table *base)
{
    iceberg_table *t = (iceberg_table *)base;
    iceberg_files_free(t->files);
    pthread_mutex_destroy(&t->mutex);
    fn_arena_free(t->arena);
}

static const table_ops iceberg_ops = {.engine = "Iceberg", .snapshot = iceberg_snapshot, .snapshot_drop = iceberg_snapshot_drop,
                                      .scan = iceberg_scan_begin, .rows = iceberg_rows, .destroy = iceberg_destroy};

static fn_status fill_table(fn_ctx *ctx, iceberg_table *t, const fn_iceberg_options *options)
{
    table_schema *schema;
    FN_TRY(fn_iceberg_open(ctx, t->files, options, &t->lake));
    FN_TRY(make_paths(ctx, t));
    FN_TRY(make_schema(ctx, t->lake, &schema));
    atomic_store(&t->base.schema, schema);
    return FN_OK;
}

fn_status iceberg_table_new(fn_ctx *ctx, fn_iceberg_files *files_take, const fn_iceberg_options *options, table **out)
{
    *out = NULL;
    fn_arena *arena = fn_arena_new(ctx), *const outer = ctx->arena;
    iceberg_table *t = arena ? fn_arena_alloc_zero(ctx, arena, sizeof *t) : NULL;
    if (!t) {
        fn_arena_free(arena);
        iceberg_files_free(files_take);
        return ctx->error.code;
    }
    t->arena = arena;
    t->files = files_take;
    t->base.ops = &iceberg_ops;
    t->base.engine_full = FN_STR("Iceberg");
    atomic_store(&t->base.refs, 1);
    pthread_mutex_init(&t->mutex, NULL);
    ctx->arena = arena;
    const fn_status status = fill_table(ctx, t, options);
    ctx->arena = outer;
    if (status == FN_OK) *out = &t->base;
    else iceberg_destroy(&t->base);
    return status;
}
