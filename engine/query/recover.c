/* recover.c - fn_engine_recover: the catalog anew from store/catalog.log and the part files.
 *
 * Nothing is removed: a damaged catalog is renamed, part files that no row of the new one names are moved to unlisted/. The catalog is
 * made in a folder of its own and takes its place when it is complete. SPDX-License-Identifier: Apache-2.0 */
#include "query/recover.h"
#include "catalog/catalog.h"
#include <firn/part.h>
#include <firn/time.h>
#include <inttypes.h>
#include <stdlib.h>

typedef struct recover_run {
    fn_ctx *ctx;
    fn_fs *fs;
    const char *path;
    fn_engine_recovered *out;
    fn_part_id *files;         /* named by rows; sorted when complete */
    size_t count, capacity;
} recover_run;

/* ---- folders of store/ ---- */
typedef struct name_list {
    const char **names;
    size_t count, capacity;
    bool folders;
} name_list;

static fn_status add_name(void *self, fn_ctx *ctx, const char *name, bool is_dir)
{
    name_list *l = self;
    fn_part_id id;
    if (is_dir != l->folders || (!l->folders && !mt_file_name(name, &id))) return FN_OK;
    if (l->count == l->capacity) {
        l->capacity = l->capacity ? 2 * l->capacity : 64;
        const char **more = FN_NEW_ARRAY(ctx, const char *, l->capacity);
        FN_TRY_PTR(ctx, more);
        if (l->count) memcpy(more, l->names, l->count * sizeof *more);
        l->names = more;
    }
    l->names[l->count] = fn_arena_copy(ctx, ctx->arena, name, strlen(name));
    FN_TRY_PTR(ctx, l->names[l->count++]);
    return FN_OK;
}

typedef fn_status each_file(void *self, fn_ctx *ctx, const char *folder, const char *name);

static fn_status walk_parts(fn_ctx *ctx, fn_fs *fs, const char *root, each_file *each, void *self)
{
    fn_file_info info;
    name_list folders = {.folders = true};
    const char *store = fn_arena_printf(ctx, ctx->arena, "%s/store", root);
    FN_TRY_PTR(ctx, store);
    FN_TRY(fs->stat(fs, ctx, store, &info));
    if (!info.exists) return FN_OK;
    FN_TRY(fs->list(fs, ctx, store, add_name, &folders));
    for (size_t i = 0; i < folders.count; i++) {
        name_list files = {.folders = false};
        const char *folder = fn_arena_printf(ctx, ctx->arena, "%s/%s", store, folders.names[i]);
        FN_TRY_PTR(ctx, folder);
        FN_TRY(fs->list(fs, ctx, folder, add_name, &files));
        for (size_t k = 0; k < files.count; k++) FN_TRY(each(self, ctx, folder, files.names[k]));
    }
    return FN_OK;
}

static fn_status count_file(void *self, fn_ctx *ctx, const char *folder, const char *name)
{
    (void)ctx;
    (void)folder;
    (void)name;
    ++*(size_t *)self;
    return FN_OK;
}

fn_status recover_check_new(void *self, fn_ctx *ctx)
{
    const fn_engine *engine = self;
    size_t count = 0;
    if (!engine->path) return FN_OK;
    FN_TRY(walk_parts(ctx, engine->parts_fs, engine->path, count_file, &count));
    if (!count) return FN_OK;
    return fn_fail(ctx, FN_CORRUPTED_DATA, "%s has no catalog but %zu part files: 'firn recover --path %s' makes the catalog again (remove %s/store if they are not wanted)",
                   engine->path, count, engine->path, engine->path);
}

/* ---- the old catalog ---- */
static fn_status set_aside(recover_run *r)
{
    static const char *const names[] = {"catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm", "catalog.sqlite-journal", "catalog.mark"};
    const int64_t now_s = fn_clock_realtime_ns() / 1000000000;
    for (size_t i = 0; i < FN_COUNT(names); i++) {
        fn_file_info info;
        const char *from = fn_arena_printf(r->ctx, r->ctx->arena, "%s/%s", r->path, names[i]);
        const char *to = fn_arena_printf(r->ctx, r->ctx->arena, "%s/%s.damaged.%" PRId64, r->path, names[i], now_s);
        if (!from || !to) return r->ctx->error.code;
        FN_TRY(r->fs->stat(r->fs, r->ctx, from, &info));
        if (!info.exists) continue;
        FN_TRY(r->fs->rename(r->fs, r->ctx, from, to));
        r->out->set_aside++;
    }
    return FN_OK;
}

/* A catalog that can be opened is not touched; one that another process holds neither. */
static fn_status check_old(recover_run *r)
{
    fn_file_info info;
    catalog *c = NULL;
    const char *file = fn_arena_printf(r->ctx, r->ctx->arena, "%s/catalog.sqlite", r->path);
    FN_TRY_PTR(r->ctx, file);
    FN_TRY(r->fs->stat(r->fs, r->ctx, file, &info));
    if (!info.exists) return FN_OK;
    const fn_status status = catalog_open(r->ctx, r->path, "default", &c);
    if (status == FN_OK) {
        const bool is_new = catalog_is_new(c);
        catalog_close(c);
        if (is_new) return set_aside(r); /* an empty file, such as a refused start leaves */
        return fn_fail(r->ctx, FN_FILE_ALREADY_EXISTS, "%s can be opened: there is nothing to recover. Move it away if it is to be made anew", file);
    }
    if (status != FN_CORRUPTED_DATA) return status;
    fn_error_clear(r->ctx);
    return set_aside(r);
}

/* ---- the new one ---- */
static fn_status note_table(void *self, fn_ctx *ctx, int64_t table_id, fn_str database, fn_str name)
{
    recover_run *r = self;
    (void)ctx;
    (void)table_id;
    (void)database;
    (void)name;
    r->out->tables++;
    return FN_OK;
}

static fn_status note_part(void *self, fn_ctx *ctx, int64_t table_id, const mt_part_row *p)
{
    recover_run *r = self;
    fn_part *part;
    (void)table_id;
    if (r->count == r->capacity) {
        r->capacity = r->capacity ? 2 * r->capacity : 256;
        fn_part_id *more = FN_NEW_ARRAY(ctx, fn_part_id, r->capacity);
        FN_TRY_PTR(ctx, more);
        if (r->count) memcpy(more, r->files, r->count * sizeof *more);
        r->files = more;
    }
    r->files[r->count++] = p->file;
    r->out->parts++;
    const char *path = fn_arena_printf(ctx, ctx->arena, "%s/store/%02x/%016" PRIx64 "%016" PRIx64 ".part", r->path, (unsigned)(p->file.high >> 56), p->file.high,
                                       p->file.low);
    FN_TRY_PTR(ctx, path);
    if (fn_part_open(ctx, r->fs, path, p->file, &p->checksum, &part) == FN_OK) {
        r->out->rows += fn_part_rows(part);
        fn_part_drop(part);
        return FN_OK;
    }
    fn_log(FN_LOG_WARN, "recover", "part " FN_STR_FMT ": %s", FN_STR_ARG(p->name), ctx->error.text);
    fn_error_clear(ctx);
    r->out->broken++;
    return FN_OK;
}

static fn_status fill(recover_run *r, catalog *c, fn_str log)
{
    catalog_replayed replayed;
    FN_TRY(catalog_log_replay(r->ctx, c, log, &replayed));
    r->out->commits = replayed.frames;
    r->out->bytes_left = replayed.bytes_left;
    FN_TRY(catalog_tables_each(r->ctx, c, note_table, r));
    return catalog_parts_each(r->ctx, c, note_part, r);
}

static fn_status make_catalog(recover_run *r)
{
    fn_ctx *ctx = r->ctx;
    fn_buf log = FN_BUF_INIT;
    catalog *c;
    const char *folder = fn_arena_printf(ctx, ctx->arena, "%s/recovery.tmp", r->path);
    const char *source = fn_arena_printf(ctx, ctx->arena, "%s/store/" CATALOG_LOG, r->path);
    const char *made = fn_arena_printf(ctx, ctx->arena, "%s/recovery.tmp/catalog.sqlite", r->path);
    const char *wanted = fn_arena_printf(ctx, ctx->arena, "%s/catalog.sqlite", r->path);
    if (!folder || !source || !made || !wanted) return ctx->error.code;
    FN_TRY(r->fs->remove_tree(r->fs, ctx, folder)); /* of a recovery that did not come to its end */
    FN_TRY(r->fs->make_dir(r->fs, ctx, folder));
    fn_status status = fn_fs_read_all(r->fs, ctx, source, &log);
    if (status == FN_OK) status = catalog_open(ctx, folder, "default", &c);
    if (status == FN_OK) {
        status = fill(r, c, fn_buf_view(&log));
        catalog_close(c); /* the write-ahead log goes into the file */
    }
    fn_buf_release(&log);
    if (status == FN_OK) status = set_aside(r);
    if (status == FN_OK) status = r->fs->rename(r->fs, ctx, made, wanted);
    if (status == FN_OK) status = r->fs->sync_dir(r->fs, ctx, r->path);
    if (status == FN_OK) status = r->fs->remove_tree(r->fs, ctx, folder);
    return status;
}

static fn_status move_unlisted(void *self, fn_ctx *ctx, const char *folder, const char *name)
{
    recover_run *r = self;
    fn_part_id id;
    if (!mt_file_name(name, &id) || (r->count && bsearch(&id, r->files, r->count, sizeof id, mt_file_compare))) return FN_OK;
    const char *to_dir = fn_arena_printf(ctx, ctx->arena, "%s/unlisted", r->path);
    const char *from = fn_arena_printf(ctx, ctx->arena, "%s/%s", folder, name);
    const char *to = fn_arena_printf(ctx, ctx->arena, "%s/unlisted/%s", r->path, name);
    if (!to_dir || !from || !to) return ctx->error.code;
    FN_TRY(r->fs->make_dir(r->fs, ctx, to_dir));
    FN_TRY(r->fs->rename(r->fs, ctx, from, to));
    r->out->unlisted++;
    return FN_OK;
}

fn_status fn_engine_recover(fn_ctx *ctx, const char *path, fn_engine_recovered *out)
{
    recover_run r = {.ctx = ctx, .fs = fn_fs_local(), .path = path, .out = out};
    fn_file_info info;
    *out = (fn_engine_recovered){.tables = 0};
    const char *log = fn_arena_printf(ctx, ctx->arena, "%s/store/" CATALOG_LOG, path);
    FN_TRY_PTR(ctx, log);
    FN_TRY(r.fs->stat(r.fs, ctx, log, &info));
    if (!info.exists) return fn_fail(ctx, FN_FILE_DOESNT_EXIST, "%s does not exist: without it the tables of the part files are not known", log);
    FN_TRY(check_old(&r));
    FN_TRY(make_catalog(&r));
    if (r.count > 1) qsort(r.files, r.count, sizeof *r.files, mt_file_compare);
    return walk_parts(ctx, r.fs, path, move_unlisted, &r);
}
