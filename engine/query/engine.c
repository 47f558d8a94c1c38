/* engine.c - opening and closing a data directory; who may come in. The door is firn/engine.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog.h"
#include "exec/group_dict.h"
#include "query/async_insert.h"
#include "query/backup.h"
#include "query/counters.h"
#include "query/definition.h"
#include "query/mutation_log.h"
#include "query/query_log.h"
#include "query/recover.h"
#include "query/ttl.h"
#include <firn/parquet.h>
#include <firn/time.h>
#include <unistd.h>

typedef struct retired_schema {
    table_schema *schema;
    struct retired_schema *next;
} retired_schema;

static const char *keep(fn_ctx *ctx, const fn_engine *e, const char *text, const char *otherwise)
{
    if (!text) text = otherwise;
    return fn_arena_copy(ctx, e->arena, text, strlen(text));
}

static int64_t memory_limit(int64_t wanted)
{
    if (wanted > 0) return wanted;
    return (int64_t)(fn_memory_size() / 10 * 8);
}

static fn_status fill_texts(fn_ctx *ctx, fn_engine *e, const fn_engine_options *o)
{
    char host[256] = "localhost";
    if (!o->display_name && gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
    e->display_name = keep(ctx, e, o->display_name, host);
    e->user = keep(ctx, e, o->user, "default");
    e->password = keep(ctx, e, o->password, "");
    e->database = keep(ctx, e, o->database, "default");
    if (!e->display_name || !e->user || !e->password || !e->database) return ctx->error.code;
    if (o->path) {
        e->path = keep(ctx, e, o->path, "");
        FN_TRY_PTR(ctx, e->path);
    }
    e->user_files = o->user_files ? keep(ctx, e, o->user_files, "")
                    : o->path     ? fn_arena_printf(ctx, e->arena, "%s/user_files", o->path)
                                  : keep(ctx, e, NULL, "/var/empty");
    FN_TRY_PTR(ctx, e->user_files);
    if (o->backups_path || o->path) {
        e->backups_path = o->backups_path ? keep(ctx, e, o->backups_path, "") : fn_arena_printf(ctx, e->arena, "%s/backups", o->path);
        FN_TRY_PTR(ctx, e->backups_path);
    }
    if (o->backups_disk) {
        e->backups_disk = keep(ctx, e, o->backups_disk, "");
        FN_TRY_PTR(ctx, e->backups_disk);
    }
    return FN_OK;
}

static fn_status open_catalog(fn_ctx *ctx, fn_engine *e)
{
    const fn_status opened = catalog_open_checked(ctx, e->path, e->database, recover_check_new, e, &e->catalog);
    if (opened == FN_CORRUPTED_DATA) fn_log(FN_LOG_ERROR, "catalog", "'firn recover --path %s' makes the catalog again", e->path);
    FN_TRY(opened);
    const mt_store_options store = {.fs = e->parts_fs, .root = e->path ? e->path : "/memory", .catalog = catalog_parts(e->catalog), .workers = e->workers,
                                    .background = e->background};
    FN_TRY(mt_store_open(ctx, &store, &e->store));
    FN_TRY(catalog_load(ctx, e->catalog, definition_build, e));
    FN_TRY(mt_store_sweep(ctx, e->store));
    if (e->path) FN_TRY(catalog_log_open(ctx, e->catalog, e->parts_fs, e->path));
    FN_TRY(async_queue_open(ctx, &e->inserts));
    return ttl_worker_start(ctx, e, &e->ttl);
}

static fn_status open_parts(fn_ctx *ctx, fn_engine *e, const fn_engine_options *o)
{
    e->arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, e->arena);
    FN_TRY(fill_texts(ctx, e, o));
    e->counters = fn_arena_alloc_zero(ctx, e->arena, sizeof *e->counters);
    FN_TRY_PTR(ctx, e->counters);
    e->fs = o->files ? o->files : fn_fs_local();
    e->limits = o->limits;
    e->threads = o->threads ? o->threads : fn_cpu_count();
    e->workers = fn_pool_new(ctx, "worker", e->threads);
    FN_TRY_PTR(ctx, e->workers);
    e->background = fn_pool_new(ctx, "background", FN_MAX(e->threads / 2, 1u));
    FN_TRY_PTR(ctx, e->background);
    e->drop_delay_s = o->drop_delay_s;
    FN_TRY(backup_log_open(ctx, e));
    FN_TRY(mutation_log_open(ctx, e));
    e->parts_fs = e->fs;
    if (e->path) FN_TRY(e->fs->make_dir(e->fs, ctx, e->path));
    else FN_TRY(fn_fs_memory(ctx, &e->parts_fs));
    if (e->path) {
        const char *spill_dir = fn_arena_printf(ctx, e->arena, "%s/tmp", e->path);
        FN_TRY_PTR(ctx, spill_dir);
        FN_TRY(spill_area_open(ctx, &e->spill, e->fs, spill_dir));
    }
    FN_TRY(query_log_open(ctx, e->fs, e->path, &e->log));
    if (e->path && !o->user_files) FN_TRY(e->fs->make_dir(e->fs, ctx, e->user_files));
    return open_catalog(ctx, e);
}

fn_status fn_engine_open(fn_ctx *ctx, const fn_engine_options *options, fn_engine **out)
{
    fn_engine *e = fn_alloc_zero(ctx, sizeof *e);
    FN_TRY_PTR(ctx, e);
    fn_tracker_init(&e->memory, "(total)", NULL, memory_limit(options->memory_limit));
    session_list_init(&e->sessions);
    process_list_init(&e->processes);
    FN_ASSERT(pthread_mutex_init(&e->objects_lock, NULL) == 0);
    FN_ASSERT(pthread_mutex_init(&e->ddl_lock, NULL) == 0);
    FN_ASSERT(pthread_rwlock_init(&e->texts_lock, NULL) == 0);
    e->started_ns = fn_clock_realtime_ns();
    e->started_monotonic_ns = fn_clock_monotonic_ns();
    const fn_status status = open_parts(ctx, e, options);
    if (status != FN_OK) {
        fn_engine_close(e);
        return status;
    }
    *out = e;
    return FN_OK;
}

void fn_engine_close(fn_engine *e)
{
    if (!e) return;
    ttl_worker_stop(e->ttl);
    backup_log_close(e);
    mutation_log_close(e);
    group_dict_forget(&e->memory);
    fn_parquet_cache_clear(&e->memory);
    process_list_release(&e->processes);
    async_queue_close(e->inserts);
    session_list_release(&e->sessions);
    mt_store_stop(e->store);
    if (e->catalog) catalog_drop_tables(e->catalog);
    mt_store_close(e->store);
    catalog_close(e->catalog);
    fn_pool_free(e->background);
    fn_pool_free(e->workers);
    for (retired_schema *r = e->retired; r; r = r->next) table_schema_drop(r->schema);
    fn_object_store_close(e->objects);
    query_log_close(e->log);
    if (e->parts_fs && e->parts_fs != e->fs) fn_fs_memory_free(e->parts_fs);
    if (e->backups_memory) fn_fs_memory_free(e->backups_memory);
    (void)pthread_rwlock_destroy(&e->texts_lock);
    (void)pthread_mutex_destroy(&e->ddl_lock);
    (void)pthread_mutex_destroy(&e->objects_lock);
    fn_arena_free(e->arena);
    fn_free(e);
}

fn_status engine_retire_schema(fn_ctx *ctx, fn_engine *engine, table_schema *schema_take)
{
    FN_ASSERT(pthread_rwlock_wrlock(&engine->texts_lock) == 0);
    retired_schema *r = fn_arena_alloc_zero(ctx, engine->arena, sizeof *r);
    if (r) {
        r->schema = schema_take;
        r->next = engine->retired;
        engine->retired = r;
    }
    FN_ASSERT(pthread_rwlock_unlock(&engine->texts_lock) == 0);
    return r ? FN_OK : ctx->error.code;
}

fn_status engine_objects(fn_ctx *ctx, fn_engine *engine, fn_object_store **out)
{
    fn_status status = FN_OK;
    FN_ASSERT(pthread_mutex_lock(&engine->objects_lock) == 0);
    if (!engine->objects) status = fn_object_store_open(ctx, &engine->objects);
    *out = engine->objects;
    FN_ASSERT(pthread_mutex_unlock(&engine->objects_lock) == 0);
    return status;
}

const char *fn_engine_version(void)
{
    return "26.9.2.1";
}

const char *fn_engine_display_name(const fn_engine *engine)
{
    return engine->display_name;
}

/* The time it takes does not tell how many bytes were right. */
static bool same_secret(fn_str a, fn_str b)
{
    unsigned differ = a.size != b.size;
    for (size_t i = 0; i < a.size; i++) differ |= (unsigned)(unsigned char)a.data[i] ^ (unsigned)(unsigned char)b.data[b.size ? i % b.size : 0];
    return differ == 0;
}

fn_status fn_engine_authenticate(fn_ctx *ctx, fn_engine *engine, fn_str user, fn_str password, fn_str address)
{
    (void)address;
    if (!user.size) user = FN_STR("default");
    if (fn_str_eq(user, fn_cstr(engine->user)) && (password.size == 0 ? engine->password[0] == '\0' : same_secret(password, fn_cstr(engine->password))))
        return FN_OK;
    return fn_fail(ctx, FN_AUTHENTICATION_FAILED, FN_STR_FMT ": Authentication failed: password is incorrect, or there is no user with such name", FN_STR_ARG(user));
}
