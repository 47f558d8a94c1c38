/* mt_fixture.h - a MergeTree table over files in memory and a catalog in memory, for the tests of this folder.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TEST_MT_FIXTURE_H
#define FIRN_TEST_MT_FIXTURE_H
#include "table/mergetree/mergetree.h"
#include <stdio.h>

static int failures;
#define CHECK(cond) ((cond) ? (void)0 : (void)(failures++, printf("%s:%d: %s\n", __FILE_NAME__, __LINE__, #cond)))
#define MUST(ctx, call)                                                                                                        \
    do {                                                                                                                       \
        if ((call) != FN_OK) {                                                                                                 \
            failures++;                                                                                                        \
            printf("%s:%d: %s: %s\n", __FILE_NAME__, __LINE__, #call, (ctx)->error.text);                                      \
            fn_error_clear(ctx);                                                                                               \
        }                                                                                                                      \
    } while (0)

/* Columns of the test table. */
enum { COL_K, COL_V, COL_S, COL_P, COL_VER, COL_SIGN, COL_DEL, COL_N, COL_REAL };

/* ---- a catalog in memory ---- */

typedef struct fake_row {
    char uuid[37], name[128], partition_id[64], partition[64];
    mt_part_row row;
} fake_row;

typedef struct fake_catalog {
    mt_catalog base;
    pthread_mutex_t lock;
    fake_row *rows;
    size_t count, capacity;
    uint64_t next_block, commits;
    bool fail; /* the next commit fails */
} fake_catalog;

static void fake_text(char *to, size_t room, fn_str from, fn_str *out)
{
    FN_ASSERT(from.size < room);
    memcpy(to, from.data, from.size);
    *out = (fn_str){to, from.size};
}

static void fake_fix(fake_row *r) /* texts point into the row itself */
{
    r->row.name.data = r->name;
    r->row.partition_id.data = r->partition_id;
    r->row.partition.data = r->partition;
}

static fn_status fake_commit(mt_catalog *self, fn_ctx *ctx, const mt_change *changes, size_t count, mt_committed *done, void *done_self)
{
    fake_catalog *c = (fake_catalog *)self;
    pthread_mutex_lock(&c->lock);
    c->commits++;
    if (c->fail) {
        c->fail = false;
        pthread_mutex_unlock(&c->lock);
        return fn_fail(ctx, FN_NOT_ENOUGH_SPACE, "the catalog's disk is full");
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < changes[i].remove_count; k++) {
            size_t at = 0;
            while (at < c->count && !(strcmp(c->rows[at].uuid, changes[i].table_uuid) == 0 && fn_str_eq(c->rows[at].row.name, changes[i].remove[k]))) at++;
            CHECK(at < c->count);
            if (at == c->count) continue;
            c->rows[at] = c->rows[--c->count];
            fake_fix(&c->rows[at]);
        }
        for (size_t k = 0; k < changes[i].add_count; k++) {
            if (c->count == c->capacity) {
                c->capacity = c->capacity ? 2 * c->capacity : 64;
                c->rows = fn_realloc(ctx, c->rows, c->capacity * sizeof *c->rows);
                for (size_t r = 0; r < c->count; r++) fake_fix(&c->rows[r]);
            }
            fake_row *r = &c->rows[c->count++];
            const mt_part_row *add = &changes[i].add[k];
            r->row = *add;
            snprintf(r->uuid, sizeof r->uuid, "%s", changes[i].table_uuid);
            fake_text(r->name, sizeof r->name, add->name, &r->row.name);
            fake_text(r->partition_id, sizeof r->partition_id, add->partition_id, &r->row.partition_id);
            fake_text(r->partition, sizeof r->partition, add->partition, &r->row.partition);
        }
    }
    if (done) done(done_self);
    pthread_mutex_unlock(&c->lock);
    return FN_OK;
}

static fn_status fake_numbers(mt_catalog *self, fn_ctx *ctx, const char *uuid, uint64_t count, uint64_t *first)
{
    fake_catalog *c = (fake_catalog *)self;
    (void)ctx, (void)uuid;
    pthread_mutex_lock(&c->lock);
    *first = c->next_block + 1;
    c->next_block += count;
    pthread_mutex_unlock(&c->lock);
    return FN_OK;
}

static fn_status fake_files(mt_catalog *self, fn_ctx *ctx, fn_part_id **out, size_t *count)
{
    fake_catalog *c = (fake_catalog *)self;
    *out = FN_NEW_ARRAY(ctx, fn_part_id, c->count + 1);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < c->count; i++) (*out)[i] = c->rows[i].row.file;
    *count = c->count;
    return FN_OK;
}

/* ---- the world ---- */

typedef struct world {
    fn_ctx ctx;
    fn_fs *fs;
    fake_catalog catalog;
    mt_store *store;
    fn_pool *background;
} world;

static void world_open(world *w, bool background)
{
    *w = (world){.catalog = {.base = {fake_commit, fake_numbers, fake_files}}};
    pthread_mutex_init(&w->catalog.lock, NULL);
    w->ctx.arena = fn_arena_new(&w->ctx);
    MUST(&w->ctx, fn_fs_disk(&w->ctx, &w->fs));
    w->background = background ? fn_pool_new(&w->ctx, "merge", 2) : NULL;
    const mt_store_options options = {.fs = w->fs, .root = "/data", .catalog = &w->catalog.base, .background = w->background};
    MUST(&w->ctx, mt_store_open(&w->ctx, &options, &w->store));
}

static fn_status count_file(void *self, fn_ctx *ctx, const char *name, bool is_dir)
{
    (void)ctx, (void)name;
    *(size_t *)self += !is_dir;
    return FN_OK;
}

static size_t FN_UNUSED world_files(world *w)
{
    size_t n = 0;
    for (unsigned i = 0; i < 256; i++) {
        fn_file_info info;
        const char *dir = fn_arena_printf(&w->ctx, w->ctx.arena, "/data/store/%02x", i);
        MUST(&w->ctx, w->fs->stat(w->fs, &w->ctx, dir, &info));
        if (info.exists) MUST(&w->ctx, w->fs->list(w->fs, &w->ctx, dir, count_file, &n));
    }
    return n;
}

static void world_close(world *w)
{
    mt_store_close(w->store);
    fn_pool_free(w->background);
    fn_part_cache_clear();
    fn_fs_memory_free(w->fs);
    fn_free(w->catalog.rows);
    pthread_mutex_destroy(&w->catalog.lock);
    fn_arena_free(w->ctx.arena);
}

static const char *const column_types[COL_REAL] = {"UInt32", "Int64", "String", "UInt8", "UInt32", "Int8", "UInt8", "Nullable(Int32)"};
static const char *const column_names[COL_REAL] = {"k", "v", "s", "p", "ver", "sign", "del", "n"};

static table_schema *make_schema(fn_ctx *ctx)
{
    uint32_t virtual_count;
    const fn_field *virtuals = mt_virtual_columns(&virtual_count);
    fn_field fields[COL_REAL + 32];
    table_schema *schema = NULL;
    for (uint32_t i = 0; i < COL_REAL; i++) {
        fields[i].name = fn_cstr(column_names[i]);
        MUST(ctx, fn_type_parse(ctx, fn_cstr(column_types[i]), &fields[i].type));
    }
    for (uint32_t i = 0; i < virtual_count; i++) fields[COL_REAL + i] = virtuals[i];
    MUST(ctx, table_schema_make(ctx, &(fn_schema){fields, COL_REAL + virtual_count}, &schema));
    for (uint32_t i = 0; i < virtual_count; i++) schema->columns[COL_REAL + i].is_virtual = true;
    return schema;
}

static expr *column(fn_ctx *ctx, const table_schema *schema, uint32_t index)
{
    return expr_column(ctx, index, schema->columns[index].type);
}

/* Sorted by k (and v with two_keys), partitioned by p if asked; version ver, is_deleted del, sign. */
static table *make_table(world *w, const char *uuid, mt_mode mode, bool two_keys, bool partitioned)
{
    fn_ctx *ctx = &w->ctx;
    fn_arena *const outer = ctx->arena;
    table_schema *schema = make_schema(ctx);
    table head = {.name = FN_STR("t"), .database = FN_STR("d")};
    mt_definition d = {.mode = mode, .settings = table_settings_default(), .version_column = mode == MT_REPLACING || mode == MT_VERSIONED_COLLAPSING ? COL_VER : -1,
                       .is_deleted_column = mode == MT_REPLACING ? COL_DEL : -1,
                       .sign_column = mode == MT_COLLAPSING || mode == MT_VERSIONED_COLLAPSING ? COL_SIGN : -1};
    table *t = NULL;
    ctx->arena = d.arena = fn_arena_new(ctx);
    d.sort_key = FN_NEW_ARRAY(ctx, expr *, 2);
    d.sort_key[0] = column(ctx, schema, COL_K);
    d.sort_key[1] = column(ctx, schema, COL_V);
    d.sort_count = d.primary_count = two_keys ? 2 : 1;
    d.partition_key = FN_NEW_ARRAY(ctx, expr *, 1);
    d.partition_key[0] = column(ctx, schema, COL_P);
    d.partition_count = partitioned;
    d.sampling = column(ctx, schema, COL_K);
    ctx->arena = outer;
    snprintf(head.uuid, sizeof head.uuid, "%s", uuid);
    atomic_store(&head.schema, schema);
    mt_part_row *rows = FN_NEW_ARRAY(ctx, mt_part_row, w->catalog.count + 1);
    size_t n = 0;
    for (size_t i = 0; i < w->catalog.count; i++)
        if (strcmp(w->catalog.rows[i].uuid, uuid) == 0) rows[n++] = w->catalog.rows[i].row;
    MUST(ctx, mt_table_new(ctx, w->store, &head, &d, rows, n, &t));
    return t;
}

/* ---- rows ---- */

typedef struct test_row {
    uint32_t k;
    int64_t v;
    char s[16];
    uint8_t p;
    uint32_t ver;
    int8_t sign;
    uint8_t del;
    bool has_n;
    int32_t n;
} test_row;

static fn_block *rows_block(fn_ctx *ctx, const table_schema *schema, const test_row *rows, uint32_t count)
{
    fn_block *b = fn_block_new(ctx, COL_REAL, count);
    for (uint32_t c = 0; c < COL_REAL; c++) {
        fn_builder builder;
        MUST(ctx, fn_builder_init(ctx, &builder, schema->columns[c].type));
        for (uint32_t i = 0; i < count; i++) {
            const test_row *r = &rows[i];
            const void *const fixed[COL_REAL] = {&r->k, &r->v, NULL, &r->p, &r->ver, &r->sign, &r->del, &r->n};
            if (c == COL_S) MUST(ctx, fn_builder_str(ctx, &builder, fn_cstr(r->s)));
            else if (c == COL_N && !r->has_n) MUST(ctx, fn_builder_null(ctx, &builder));
            else MUST(ctx, fn_builder_fixed(ctx, &builder, fixed[c]));
        }
        MUST(ctx, fn_builder_finish(ctx, &builder, &b->columns[c]));
        fn_builder_release(&builder);
    }
    return b;
}

static fn_status try_insert(fn_ctx *ctx, table *t, const test_row *rows, uint32_t count)
{
    table_writer *w = NULL;
    fn_block *b = rows_block(ctx, atomic_load(&t->schema), rows, count);
    fn_status status = t->ops->write(t, ctx, &w);
    if (status == FN_OK) status = w->write(w, ctx, b);
    if (status == FN_OK) status = w->commit(w, ctx);
    if (w) w->close(w);
    fn_block_drop(b);
    return status;
}

static void FN_UNUSED insert(fn_ctx *ctx, table *t, const test_row *rows, uint32_t count)
{
    MUST(ctx, try_insert(ctx, t, rows, count));
}

/* ---- reading ---- */

typedef struct found {
    test_row *rows; /* from fn_alloc: release */
    uint32_t count, capacity;
    uint64_t rows_read;
} found;

static void found_add(fn_ctx *ctx, found *f, const fn_block *b)
{
    for (uint32_t i = 0; i < b->rows; i++) {
        if (f->count == f->capacity) {
            f->capacity = f->capacity ? 2 * f->capacity : 1024;
            f->rows = fn_realloc(ctx, f->rows, f->capacity * sizeof *f->rows);
        }
        test_row *r = &f->rows[f->count++];
        *r = (test_row){.k = (uint32_t)fn_column_u64_at(b->columns[COL_K], i), .v = fn_column_i64_at(b->columns[COL_V], i),
                        .p = (uint8_t)fn_column_u64_at(b->columns[COL_P], i), .ver = (uint32_t)fn_column_u64_at(b->columns[COL_VER], i),
                        .sign = (int8_t)fn_column_i64_at(b->columns[COL_SIGN], i), .del = (uint8_t)fn_column_u64_at(b->columns[COL_DEL], i),
                        .has_n = !fn_column_is_null(b->columns[COL_N], i)};
        if (r->has_n) r->n = (int32_t)fn_column_i64_at(b->columns[COL_N], i);
        const fn_str s = fn_column_str_at(b->columns[COL_S], i);
        CHECK(s.size < sizeof r->s);
        memcpy(r->s, s.data, FN_MIN(s.size, sizeof r->s - 1));
    }
}

static found read_rows(fn_ctx *ctx, table *t, table_snapshot *snapshot, bool final, expr *const *conjuncts, uint32_t conjunct_count)
{
    static const uint32_t columns[COL_REAL] = {0, 1, 2, 3, 4, 5, 6, 7};
    bool applied[8] = {false};
    found f = {0};
    table_snapshot *own = NULL;
    table_scan *scan = NULL;
    if (!snapshot) MUST(ctx, t->ops->snapshot(t, ctx, &own));
    const table_scan_request request = {.columns = columns, .column_count = COL_REAL, .conjuncts = conjuncts, .conjunct_count = conjunct_count,
                                        .applied = applied, .final = final, .workers = 1};
    MUST(ctx, t->ops->scan(snapshot ? snapshot : own, ctx, &request, &scan));
    for (fn_block *b = NULL; scan; fn_block_drop(b)) {
        b = NULL;
        MUST(ctx, scan->next(scan, ctx, 0, &b));
        if (!b) break;
        for (uint32_t c = 0; c < b->count; c++) MUST(ctx, fn_column_check(ctx, b->columns[c]));
        found_add(ctx, &f, b);
    }
    if (scan) {
        f.rows_read = atomic_load(&scan->rows_read);
        scan->close(scan);
    }
    if (own) t->ops->snapshot_drop(own);
    return f;
}

static found FN_UNUSED read_all(fn_ctx *ctx, table *t, bool final)
{
    return read_rows(ctx, t, NULL, final, NULL, 0);
}

static uint64_t row_hash(const test_row *r)
{
    uint64_t h = fn_hash_bytes(r->s, strlen(r->s), 7);
    h = fn_hash_mix(h, r->k);
    h = fn_hash_mix(h, (uint64_t)r->v);
    h = fn_hash_mix(h, r->p);
    h = fn_hash_mix(h, r->ver);
    h = fn_hash_mix(h, (uint64_t)(uint8_t)r->sign * 256 + r->del);
    return fn_hash_mix(h, r->has_n ? (uint64_t)(uint32_t)r->n : UINT64_MAX);
}

static uint64_t FN_UNUSED rows_hash(const test_row *rows, uint32_t count) /* of the multiset */
{
    uint64_t h = 0;
    for (uint32_t i = 0; i < count; i++) h += row_hash(&rows[i]);
    return h;
}
#endif
