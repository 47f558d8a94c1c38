/* test_catalog.c - the catalog alone: names and parts survive a restart and a copy taken in the middle (what a kill leaves), actions
 * of one statement are all or nothing, readers see whole exchanges, commits of many threads are grouped, a failed commit changes
 * nothing and makes the catalog read-only, damaged and old catalogs are refused, 1,000 tables with 10,000 parts load in time.
 * SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog.h"
#include "table/memory/memory_table.h"
#include <firn/file.h>
#include <firn/thread.h>
#include <firn/time.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static int failures;
#define CHECK(cond) ((cond) ? (void)0 : (void)(failures++, printf("%s:%d: %s\n", __FILE_NAME__, __LINE__, #cond)))

enum { THREADS = 8, ROUNDS = 25 };

static char base[] = "/tmp/test_catalog_XXXXXX";

static const char *folder(fn_ctx *ctx, const char *name)
{
    const char *path = fn_arena_printf(ctx, ctx->arena, "%s/%s", base, name);
    FN_ASSERT(path && fn_fs_local()->make_dir(fn_fs_local(), ctx, path) == FN_OK);
    return path;
}

static table *make_table(fn_ctx *ctx, const char *uuid)
{
    fn_field field = {FN_STR("a"), fn_type_simple(FN_T_UINT8)};
    const fn_schema columns = {&field, 1};
    table head = {.name = FN_STR("t"), .created_s = 7};
    table_schema *schema;
    table *t;
    FN_ASSERT(table_schema_make(ctx, &columns, &schema) == FN_OK);
    atomic_store(&head.schema, schema);
    if (uuid) memcpy(head.uuid, uuid, sizeof head.uuid);
    else catalog_make_uuid(head.uuid);
    FN_ASSERT(memory_table_new(ctx, &head, &t) == FN_OK);
    return t;
}

/* What a load saw, summed up. */
typedef struct seen {
    size_t tables, parts;
    uint64_t rows;
    fn_str last_ids;
} seen;

static fn_status build(void *self, fn_ctx *ctx, const catalog_table_row *row, table **out)
{
    seen *s = self;
    s->tables++;
    s->parts += row->part_count;
    for (size_t i = 0; i < row->part_count; i++) s->rows += row->parts[i].rows;
    s->last_ids = row->column_ids;
    *out = make_table(ctx, row->uuid);
    return FN_OK;
}

static catalog *open_at(fn_ctx *ctx, const char *path, seen *s)
{
    catalog *c = NULL;
    *s = (seen){0};
    CHECK(catalog_open(ctx, path, "default", &c) == FN_OK);
    FN_ASSERT(c);
    CHECK(catalog_load(ctx, c, build, s) == FN_OK);
    return c;
}

static fn_status add_table(fn_ctx *ctx, catalog *c, const char *name, char uuid[37])
{
    table *t = make_table(ctx, NULL);
    const catalog_action a = {.kind = CATALOG_CREATE_TABLE, .database = FN_STR("default"), .name = fn_cstr(name), .table = t,
                              .create_sql = FN_STR("CREATE TABLE default.t (`a` UInt8) ENGINE = Memory"), .column_ids = FN_STR("1,3"), .next_column_id = 4};
    const fn_status status = catalog_apply(ctx, c, &a, 1);
    memcpy(uuid, t->uuid, 37);
    table_drop(t);
    return status;
}

static mt_part_row part_row(const char *name, uint64_t block, uint64_t rows)
{
    return (mt_part_row){.name = fn_cstr(name), .partition_id = FN_STR("all"), .partition = FN_STR("tuple()"), .file = {block, ~block}, .checksum = {1, 2},
                         .min_block = block, .max_block = block, .rows = rows, .bytes = 10, .raw_bytes = 20, .created_s = 5};
}

static fn_status add_part(fn_ctx *ctx, catalog *c, const char *uuid, uint64_t rows, const char *remove)
{
    mt_catalog *m = catalog_parts(c);
    uint64_t block;
    char name[64];
    const fn_str gone = fn_cstr(remove);
    FN_TRY(m->block_numbers(m, ctx, uuid, 1, &block));
    (void)snprintf(name, sizeof name, "all_%llu_%llu_0", (unsigned long long)block, (unsigned long long)block);
    const mt_part_row row = part_row(name, block, rows);
    const mt_change change = {.table_uuid = uuid, .add = &row, .add_count = 1, .remove = &gone, .remove_count = remove ? 1 : 0};
    return m->commit(m, ctx, &change, 1, NULL, NULL);
}

/* ---- restart, and a copy of the files while the catalog is open ---- */
static void copy_file(fn_ctx *ctx, const char *from, const char *to, const char *name)
{
    char a[256], b[256];
    fn_buf bytes = FN_BUF_INIT;
    (void)snprintf(a, sizeof a, "%s/%s", from, name);
    (void)snprintf(b, sizeof b, "%s/%s", to, name);
    if (access(a, R_OK) != 0) return;
    FN_ASSERT(fn_fs_read_all(fn_fs_local(), ctx, a, &bytes) == FN_OK);
    FILE *f = fopen(b, "wb");
    FN_ASSERT(f && fwrite(bytes.data, 1, bytes.size, f) == bytes.size && fclose(f) == 0);
    fn_buf_release(&bytes);
}

static void test_restart(fn_ctx *ctx)
{
    const char *path = folder(ctx, "restart"), *copy = folder(ctx, "copy");
    char uuid[37], other[37];
    seen s;
    catalog *c = open_at(ctx, path, &s);
    CHECK(s.tables == 0);
    CHECK(add_table(ctx, c, "t", uuid) == FN_OK);
    CHECK(add_table(ctx, c, "t", other) == FN_TABLE_ALREADY_EXISTS);
    fn_error_clear(ctx);
    for (int i = 0; i < 3; i++) CHECK(add_part(ctx, c, uuid, 100, NULL) == FN_OK);
    CHECK(add_part(ctx, c, uuid, 5, "all_2_2_0") == FN_OK);
    CHECK(add_part(ctx, c, uuid, 5, "all_2_2_0") == FN_NO_SUCH_DATA_PART); /* gone already: nothing is added */
    fn_error_clear(ctx);
    copy_file(ctx, path, copy, "catalog.sqlite");
    copy_file(ctx, path, copy, "catalog.sqlite-wal");
    catalog *second = NULL;
    CHECK(catalog_open(ctx, path, "default", &second) == FN_CANNOT_OPEN_FILE); /* one process at a time */
    fn_error_clear(ctx);
    catalog_close(c);
    const char *const places[] = {path, copy};
    for (size_t i = 0; i < FN_COUNT(places); i++) {
        c = open_at(ctx, places[i], &s);
        CHECK(s.tables == 1 && s.parts == 3 && s.rows == 205);
        CHECK(fn_str_eq(s.last_ids, FN_STR("1,3")));
        mt_catalog *m = catalog_parts(c);
        uint64_t block = 0;
        CHECK(m->block_numbers(m, ctx, uuid, 1, &block) == FN_OK && block > 4); /* all_5_5_0 was never there, 4 was */
        catalog_close(c);
    }
}

/* ---- all or nothing ---- */
static void test_actions(fn_ctx *ctx)
{
    char a[37], b[37];
    seen s;
    const char *path = folder(ctx, "actions");
    catalog *c = open_at(ctx, path, &s);
    CHECK(add_table(ctx, c, "a", a) == FN_OK && add_table(ctx, c, "b", b) == FN_OK);
    const catalog_action renames[] = {
        {.kind = CATALOG_RENAME_TABLE, .database = FN_STR("default"), .name = FN_STR("a"), .to_database = FN_STR("default"), .to_name = FN_STR("x")},
        {.kind = CATALOG_RENAME_TABLE, .database = FN_STR("default"), .name = FN_STR("nosuch"), .to_database = FN_STR("default"), .to_name = FN_STR("y")},
    };
    CHECK(catalog_apply(ctx, c, renames, 2) == FN_UNKNOWN_TABLE);
    fn_error_clear(ctx);
    catalog_names *n = catalog_names_get(c);
    CHECK(catalog_names_table(n, FN_STR("default"), FN_STR("a")) && !catalog_names_table(n, FN_STR("default"), FN_STR("x")));
    catalog_names_drop(n);
    const catalog_action swap = {.kind = CATALOG_EXCHANGE_TABLES, .database = FN_STR("default"), .name = FN_STR("a"), .to_database = FN_STR("default"), .to_name = FN_STR("b")};
    CHECK(catalog_apply(ctx, c, &swap, 1) == FN_OK);
    const catalog_action drop = {.kind = CATALOG_DROP_TABLE, .database = FN_STR("default"), .name = FN_STR("b")};
    CHECK(catalog_apply(ctx, c, &drop, 1) == FN_OK);
    CHECK(add_part(ctx, c, a, 1, NULL) == FN_TABLE_IS_DROPPED); /* "b" was the table made as "a" */
    fn_error_clear(ctx);
    CHECK(add_part(ctx, c, b, 1, NULL) == FN_OK);
    catalog_close(c);
    c = open_at(ctx, path, &s);
    n = catalog_names_get(c);
    const catalog_entry *e = catalog_names_table(n, FN_STR("default"), FN_STR("a"));
    CHECK(s.tables == 1 && s.parts == 1 && e && strcmp(e->table->uuid, b) == 0);
    catalog_names_drop(n);
    catalog_close(c);
}

/* ---- threads: writers of parts, an exchanger, a reader ---- */
typedef struct crowd {
    catalog *c;
    char uuid[THREADS][37];
    _Atomic bool stop;
    _Atomic int bad;
} crowd;

static void *write_parts(void *arg)
{
    crowd *w = arg;
    static _Atomic unsigned next;
    const unsigned me = atomic_fetch_add(&next, 1) % THREADS;
    fn_ctx ctx = {.arena = NULL};
    for (int i = 0; i < ROUNDS; i++)
        if (add_part(&ctx, w->c, w->uuid[me], 1, NULL) != FN_OK) atomic_fetch_add(&w->bad, 1);
    return NULL;
}

static void *exchange(void *arg)
{
    crowd *w = arg;
    fn_ctx ctx = {.arena = NULL};
    const catalog_action swap = {.kind = CATALOG_EXCHANGE_TABLES, .database = FN_STR("default"), .name = FN_STR("t0"), .to_database = FN_STR("default"), .to_name = FN_STR("t1")};
    while (!atomic_load(&w->stop))
        if (catalog_apply(&ctx, w->c, &swap, 1) != FN_OK) atomic_fetch_add(&w->bad, 1);
    return NULL;
}

static void *look(void *arg)
{
    crowd *w = arg;
    while (!atomic_load(&w->stop)) {
        catalog_names *n = catalog_names_get(w->c);
        const catalog_entry *a = catalog_names_table(n, FN_STR("default"), FN_STR("t0")), *b = catalog_names_table(n, FN_STR("default"), FN_STR("t1"));
        if (!a || !b || a->table == b->table) atomic_fetch_add(&w->bad, 1); /* half an exchange */
        catalog_names_drop(n);
    }
    return NULL;
}

static void test_threads(fn_ctx *ctx)
{
    crowd w = {.stop = false};
    pthread_t writers[THREADS], swapper, reader;
    seen s;
    const char *path = folder(ctx, "threads");
    w.c = open_at(ctx, path, &s);
    for (int i = 0; i < THREADS; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "t%d", i);
        CHECK(add_table(ctx, w.c, name, w.uuid[i]) == FN_OK);
    }
    for (int i = 0; i < THREADS; i++) FN_ASSERT(pthread_create(&writers[i], NULL, write_parts, &w) == 0);
    FN_ASSERT(pthread_create(&swapper, NULL, exchange, &w) == 0);
    FN_ASSERT(pthread_create(&reader, NULL, look, &w) == 0);
    for (int i = 0; i < THREADS; i++) FN_ASSERT(pthread_join(writers[i], NULL) == 0);
    atomic_store(&w.stop, true);
    FN_ASSERT(pthread_join(swapper, NULL) == 0 && pthread_join(reader, NULL) == 0);
    CHECK(atomic_load(&w.bad) == 0);
    catalog_close(w.c);
    w.c = open_at(ctx, path, &s);
    CHECK(s.tables == THREADS && s.parts == THREADS * ROUNDS && s.rows == THREADS * ROUNDS);
    catalog_close(w.c);
}

/* ---- a commit that cannot be written ---- */
static void test_full(fn_ctx *ctx)
{
    char uuid[37];
    seen s;
    const char *path = folder(ctx, "full");
    struct rlimit before, tight;
    catalog *c = open_at(ctx, path, &s);
    CHECK(add_table(ctx, c, "t", uuid) == FN_OK && add_part(ctx, c, uuid, 1, NULL) == FN_OK);
    (void)signal(SIGXFSZ, SIG_IGN);
    FN_ASSERT(getrlimit(RLIMIT_FSIZE, &before) == 0);
    tight = before;
    tight.rlim_cur = 4096; /* files may not grow */
    FN_ASSERT(setrlimit(RLIMIT_FSIZE, &tight) == 0);
    CHECK(add_part(ctx, c, uuid, 1, NULL) != FN_OK);
    fn_error_clear(ctx);
    FN_ASSERT(setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK(add_part(ctx, c, uuid, 1, NULL) == FN_TABLE_IS_READ_ONLY); /* also when there is room again */
    fn_error_clear(ctx);
    catalog_names *n = catalog_names_get(c);
    CHECK(catalog_names_table(n, FN_STR("default"), FN_STR("t")) != NULL);
    catalog_names_drop(n);
    catalog_close(c);
    c = open_at(ctx, path, &s);
    CHECK(s.tables == 1 && s.parts == 1);
    CHECK(add_part(ctx, c, uuid, 1, NULL) == FN_OK);
    catalog_close(c);
}

/* ---- damage ---- */
static void test_damage(fn_ctx *ctx)
{
    const char *path = folder(ctx, "damage");
    char file[256];
    catalog *c = NULL;
    (void)snprintf(file, sizeof file, "%s/catalog.sqlite", path);
    FILE *f = fopen(file, "wb");
    for (int i = 0; f && i < 3000; i++) (void)fputs("not a database ", f);
    FN_ASSERT(f && fclose(f) == 0);
    CHECK(catalog_open(ctx, path, "default", &c) == FN_CORRUPTED_DATA);
    CHECK(strstr(ctx->error.text, file) != NULL);
    fn_error_clear(ctx);
}

static void change(const char *file, const char *sql)
{
    sqlite3 *db = NULL;
    FN_ASSERT(sqlite3_open(file, &db) == SQLITE_OK);
    FN_ASSERT(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
    FN_ASSERT(sqlite3_close(db) == SQLITE_OK);
}

static void check_refused(fn_ctx *ctx, const char *path)
{
    catalog *c = NULL;
    CHECK(catalog_open(ctx, path, "default", &c) == FN_CORRUPTED_DATA);
    CHECK(strstr(ctx->error.text, "catalog.sqlite") != NULL);
    fn_error_clear(ctx);
}

/* Rows that SQLite takes for sound and that nobody wrote; old copies; a catalog that is gone; one from before the seal. */
static void test_seal(fn_ctx *ctx)
{
    static const char *const spoilers[] = {"UPDATE parts SET rows = rows + 1", "DELETE FROM parts WHERE rows = 100", "UPDATE tables SET name = 'u'",
                                           "INSERT INTO databases VALUES ('more', 'Atomic', '', 'x')", "DELETE FROM seal", "UPDATE seal SET low = low + 1"};
    char uuid[37], file[256], mark[256];
    seen s;
    const char *path = folder(ctx, "seal"), *copy = folder(ctx, "old");
    (void)snprintf(file, sizeof file, "%s/catalog.sqlite", path);
    (void)snprintf(mark, sizeof mark, "%s/catalog.mark", path);
    catalog *c = open_at(ctx, path, &s);
    CHECK(add_table(ctx, c, "t", uuid) == FN_OK);
    CHECK(add_part(ctx, c, uuid, 100, NULL) == FN_OK);
    catalog_close(c);
    copy_file(ctx, path, copy, "catalog.sqlite");
    c = open_at(ctx, path, &s);
    CHECK(add_part(ctx, c, uuid, 100, "all_1_1_0") == FN_OK);
    CHECK(add_part(ctx, c, uuid, 7, NULL) == FN_OK);
    catalog_close(c);
    copy_file(ctx, path, folder(ctx, "good"), "catalog.sqlite");
    const char *good = folder(ctx, "good");
    for (size_t i = 0; i < FN_COUNT(spoilers); i++) {
        change(file, spoilers[i]);
        check_refused(ctx, path);
        copy_file(ctx, good, path, "catalog.sqlite");
    }
    copy_file(ctx, copy, path, "catalog.sqlite");
    check_refused(ctx, path);
    CHECK(unlink(file) == 0);
    check_refused(ctx, path);
    CHECK(access(file, F_OK) != 0); /* and none was made */
    copy_file(ctx, good, path, "catalog.sqlite");
    FILE *f = fopen(mark, "wb");
    FN_ASSERT(f && fputs("no mark at all, but of the same length", f) >= 0 && fclose(f) == 0);
    c = NULL;
    CHECK(catalog_open(ctx, path, "default", &c) == FN_CORRUPTED_DATA && strstr(ctx->error.text, "catalog.mark"));
    fn_error_clear(ctx);
    CHECK(truncate(mark, 10) == 0); /* as a power cut may leave it */
    change(file, "DROP TABLE seal; PRAGMA user_version = 3");
    for (int i = 0; i < 2; i++) {
        c = open_at(ctx, path, &s);
        CHECK(s.tables == 1 && s.parts == 2 && s.rows == 107);
        catalog_close(c);
    }
}

/* ---- size ---- */
static void test_many(fn_ctx *ctx)
{
    enum { TABLES = 1000, PARTS = 10 };
    seen s;
    const char *path = folder(ctx, "many");
    catalog *c = open_at(ctx, path, &s);
    catalog_action *actions = FN_NEW_ARRAY(ctx, catalog_action, TABLES);
    FN_ASSERT(actions);
    for (int i = 0; i < TABLES; i++) {
        actions[i] = (catalog_action){.kind = CATALOG_CREATE_TABLE, .database = FN_STR("default"), .name = fn_cstr(fn_arena_printf(ctx, ctx->arena, "t%04d", i)),
                                      .table = make_table(ctx, NULL), .create_sql = FN_STR("CREATE"), .column_ids = FN_STR("1"), .next_column_id = 2};
    }
    CHECK(catalog_apply(ctx, c, actions, TABLES) == FN_OK);
    mt_catalog *m = catalog_parts(c);
    for (int i = 0; i < TABLES; i++) {
        mt_part_row rows[PARTS];
        for (uint64_t p = 0; p < PARTS; p++) rows[p] = part_row(fn_arena_printf(ctx, ctx->arena, "all_%llu_%llu_0", (unsigned long long)p, (unsigned long long)p), p + 1, 1);
        const mt_change change = {.table_uuid = actions[i].table->uuid, .add = rows, .add_count = PARTS};
        CHECK(m->commit(m, ctx, &change, 1, NULL, NULL) == FN_OK);
        table_drop(actions[i].table);
    }
    catalog_close(c);
    const int64_t from = fn_clock_monotonic_ns();
    c = open_at(ctx, path, &s);
    printf("1,000 tables and 10,000 parts loaded in %.1f ms\n", (double)(fn_clock_monotonic_ns() - from) / 1e6);
    CHECK(s.tables == TABLES && s.parts == TABLES * PARTS);
    catalog_close(c);
}

int main(void)
{
    fn_ctx ctx = {.arena = NULL};
    ctx.arena = fn_arena_new(&ctx);
    FN_ASSERT(ctx.arena && mkdtemp(base));
    fn_log_set_level(FN_LOG_ERROR);
    test_restart(&ctx);
    test_actions(&ctx);
    test_threads(&ctx);
    test_full(&ctx);
    test_damage(&ctx);
    test_seal(&ctx);
    test_many(&ctx);
    CHECK(fn_fs_local()->remove_tree(fn_fs_local(), &ctx, base) == FN_OK);
    fn_arena_free(ctx.arena);
    if (!failures) printf("catalog: ok\n");
    return failures != 0;
}
