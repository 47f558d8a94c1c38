/* system_table.c - a system_def as a table: columns from system_columns.def, one block made at the scan's first call.
 * SPDX-License-Identifier: Apache-2.0 */
#include "system/system.h"

typedef struct system_column {
    const char *table, *name, *type;
    bool alias;
} system_column;
static const system_column columns[] = {
#define X(table, name, type, alias) {#table, name, type, alias},
#include "system/system_columns.def"
#undef X
};

typedef struct system_table {
    table base;
    const system_def *def;
    system_world *world;
} system_table;

typedef struct system_scan {
    table_scan base;
    fn_arena *arena;
    fn_block *block;      /* what is left to give */
    _Atomic bool given;
} system_scan;

static uint32_t count_columns(const char *name, size_t *first)
{
    uint32_t count = 0;
    for (size_t i = 0; i < FN_COUNT(columns); i++) {
        if (strcmp(columns[i].table, name) != 0) continue;
        if (!count) *first = i;
        count++;
    }
    return count;
}

static fn_status make_schema(fn_ctx *ctx, const char *name, table_schema **out)
{
    size_t first = 0;
    const uint32_t count = count_columns(name, &first);
    fn_arena *arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, arena);
    table_schema *s = fn_arena_alloc_zero(ctx, arena, sizeof *s);
    if (s) s->columns = fn_arena_alloc_zero(ctx, arena, sizeof *s->columns * (count + 1));
    fn_status status = s && s->columns ? FN_OK : ctx->error.code;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) {
        s->columns[i].name = fn_cstr(columns[first + i].name);
        s->columns[i].id = i;
        s->columns[i].is_virtual = columns[first + i].alias;
        status = fn_type_parse(ctx, fn_cstr(columns[first + i].type), &s->columns[i].type);
    }
    if (status != FN_OK) {
        fn_arena_free(arena);
        return status;
    }
    s->arena = arena;
    s->count = count;
    atomic_store(&s->refs, 1);
    *out = s;
    return FN_OK;
}

static fn_status system_snapshot(table *t, fn_ctx *ctx, table_snapshot **out)
{
    (void)ctx;
    *out = (table_snapshot *)table_ref(t);
    return FN_OK;
}

static void system_snapshot_drop(table_snapshot *s)
{
    table_drop((table *)s);
}

static fn_status scan_next(table_scan *self, fn_ctx *ctx, unsigned worker, fn_block **out)
{
    system_scan *s = (system_scan *)self;
    (void)ctx;
    (void)worker;
    *out = NULL;
    if (atomic_exchange(&s->given, true)) return FN_OK;
    *out = s->block;
    s->block = NULL;
    atomic_fetch_add(&self->rows_read, (*out)->rows);
    atomic_fetch_add(&self->bytes_read, fn_block_bytes(*out));
    return FN_OK;
}

static void scan_close(table_scan *self)
{
    system_scan *s = (system_scan *)self;
    fn_block_drop(s->block);
    fn_arena_free(s->arena);
}

/* Runs the fill function into builders of the wanted columns. */
static fn_status make_rows(fn_ctx *ctx, const system_table *t, const table_schema *schema, const table_scan_request *request, fn_block **out)
{
    const uint32_t n = request->column_count;
    fn_str *names = FN_NEW_ARRAY(ctx, fn_str, n + 1);
    fn_builder *builders = FN_NEW_ARRAY(ctx, fn_builder, n + 1);
    if (!names || !builders) return ctx->error.code;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < n && status == FN_OK; i++) {
        names[i] = schema->columns[request->columns[i]].name;
        status = fn_builder_init(ctx, &builders[i], schema->columns[request->columns[i]].type);
    }
    system_rows rows = {.ctx = ctx, .world = t->world, .names = names, .builders = builders, .count = n, .conjuncts = request->conjuncts,
                        .conjunct_count = request->conjunct_count, .schema = schema};
    if (status == FN_OK) status = t->def->fill(&rows);
    fn_block *b = status == FN_OK ? fn_block_new(ctx, n, rows.rows) : NULL;
    for (uint32_t i = 0; i < n && b && status == FN_OK; i++) status = fn_builder_finish(ctx, &builders[i], &b->columns[i]);
    for (uint32_t i = 0; i < n; i++) fn_builder_release(&builders[i]);
    if (b && status == FN_OK) *out = b;
    else fn_block_drop(b);
    return status == FN_OK && !b ? ctx->error.code : status;
}

static fn_status system_scan_begin(table_snapshot *snapshot, fn_ctx *ctx, const table_scan_request *request, table_scan **out)
{
    const system_table *t = (const system_table *)(void *)snapshot;
    table_schema *schema = table_schema_ref(atomic_load(&t->base.schema));
    fn_arena *arena = fn_arena_new(ctx);
    system_scan *s = arena ? fn_arena_alloc_zero(ctx, arena, sizeof *s) : NULL;
    fn_status status = s ? make_rows(ctx, t, schema, request, &s->block) : ctx->error.code;
    table_schema_drop(schema);
    if (status != FN_OK) {
        fn_arena_free(arena);
        return status;
    }
    for (uint32_t i = 0; i < request->conjunct_count && request->applied; i++) request->applied[i] = false;
    s->arena = arena;
    s->base.next = scan_next;
    s->base.close = scan_close;
    s->base.total_rows = s->block->rows;
    *out = &s->base;
    return FN_OK;
}

static void system_destroy(table *t)
{
    fn_free((system_table *)t);
}

static const table_ops system_ops = {.engine = "SystemTable", .snapshot = system_snapshot, .snapshot_drop = system_snapshot_drop,
                                     .scan = system_scan_begin, .destroy = system_destroy};

static const system_def *find_def(fn_str name)
{
    const system_def *def;
    for (size_t i = 0; (def = system_def_at(i)); i++)
        if (fn_str_eq(fn_cstr(def->name), name)) return def;
    return NULL;
}

fn_status system_table_find(fn_ctx *ctx, system_world *world, fn_str name, table **out)
{
    const system_def *def = find_def(name);
    table_schema *schema;
    *out = NULL;
    if (!def) return FN_OK;
    FN_TRY(make_schema(ctx, def->name, &schema));
    system_table *t = fn_alloc_zero(ctx, sizeof *t);
    if (!t) {
        table_schema_drop(schema);
        return ctx->error.code;
    }
    t->base.ops = &system_ops;
    t->base.database = FN_STR("system");
    t->base.name = fn_cstr(def->name);
    t->base.engine_full = fn_cstr("SystemTable");
    t->base.comment = fn_cstr(def->about);
    memcpy(t->base.uuid, "00000000-0000-0000-0000-000000000000", sizeof t->base.uuid);
    atomic_store(&t->base.schema, schema);
    atomic_store(&t->base.refs, 1);
    t->def = def;
    t->world = world;
    *out = &t->base;
    return FN_OK;
}
