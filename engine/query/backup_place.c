/* backup_place.c - where a backup lies: File, Disk, Memory, S3, Null. SPDX-License-Identifier: Apache-2.0 */
#include "query/backup.h"
#include "query/table_function.h"
#include <inttypes.h>

/* A path that stays below the folder: no component that is empty, "." or "..". */
static bool stays_below(fn_str path)
{
    size_t from = 0;
    if (!path.size || memchr(path.data, 0, path.size)) return false;
    for (size_t i = 0; i <= path.size; i++) {
        if (i < path.size && path.data[i] != '/') continue;
        const fn_str word = {path.data + from, i - from};
        if (!word.size || fn_str_eq(word, FN_STR(".")) || fn_str_eq(word, FN_STR(".."))) return false;
        from = i + 1;
    }
    return true;
}

static fn_status local_place(query *q, fn_str given, backup_place *out)
{
    fn_ctx *ctx = q->ctx;
    static const char *const archives[] = {".zip", ".zipx", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.zst", ".tzst", ".tar.xz", ".tar.lzma", ".7z"};
    fn_str root = fn_cstr(q->engine->backups_path), path = given;
    while (path.size > 1 && path.data[path.size - 1] == '/') path.size--;
    if (path.size > root.size && memcmp(path.data, root.data, root.size) == 0 && path.data[root.size] == '/')
        path = (fn_str){path.data + root.size + 1, path.size - root.size - 1};
    if (!stays_below(path)) {
        return fn_fail(ctx, FN_INVALID_CONFIG_PARAMETER, "Path '" FN_STR_FMT "' is not allowed for backups, see the 'backups.allowed_path' configuration parameter",
                       FN_STR_ARG(given));
    }
    for (size_t i = 0; i < FN_COUNT(archives); i++)
        if (fn_str_ends(path, fn_cstr(archives[i]))) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Backups as archives (" FN_STR_FMT ") are not supported", FN_STR_ARG(path));
    out->fs = q->engine->fs;
    out->path = given;
    out->dir = fn_arena_printf(ctx, ctx->arena, "%s/" FN_STR_FMT, q->engine->backups_path, FN_STR_ARG(path));
    FN_TRY_PTR(ctx, out->dir);
    return FN_OK;
}

static fn_status wrong_count(fn_ctx *ctx, const char *engine, const char *wanted)
{
    return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Backup engine '%s' requires %s", engine, wanted);
}

static fn_status open_file(const table_call *call, backup_place *out)
{
    fn_str path;
    if (call_count(call) != 1) return wrong_count(call->ctx, "File", "1 argument (path)");
    if (!call->query->engine->backups_path)
        return fn_fail(call->ctx, FN_INVALID_CONFIG_PARAMETER, "The 'backups.allowed_path' configuration parameter is not set, cannot use 'File' backup engine");
    FN_TRY(call_text(call, 0, &path));
    return local_place(call->query, path, out);
}

static fn_status open_disk(const table_call *call, backup_place *out)
{
    fn_str disk, path;
    if (call_count(call) != 2) return wrong_count(call->ctx, "Disk", "2 arguments (disk_name, path)");
    const char *allowed = call->query->engine->backups_disk;
    if (!allowed || !call->query->engine->backups_path)
        return fn_fail(call->ctx, FN_INVALID_CONFIG_PARAMETER, "The 'backups.allowed_disk' configuration parameter is not set, cannot use 'Disk' backup engine");
    FN_TRY(call_text(call, 0, &disk));
    FN_TRY(call_text(call, 1, &path));
    if (!fn_str_eq(disk, fn_cstr(allowed)))
        return fn_fail(call->ctx, FN_INVALID_CONFIG_PARAMETER, "Disk '" FN_STR_FMT "' is not allowed for backups, see the 'backups.allowed_disk' configuration parameter",
                       FN_STR_ARG(disk));
    return local_place(call->query, path, out);
}

static fn_status open_memory(const table_call *call, backup_place *out)
{
    fn_engine *e = call->query->engine;
    fn_ctx *ctx = call->ctx;
    fn_status status = FN_OK;
    fn_str path;
    if (call_count(call) != 1) return wrong_count(ctx, "Memory", "1 argument (name)");
    FN_TRY(call_text(call, 0, &path));
    if (!stays_below(path)) return fn_fail(ctx, FN_BAD_ARGUMENTS, "'" FN_STR_FMT "' is not a name for a backup", FN_STR_ARG(path));
    FN_ASSERT(pthread_mutex_lock(&e->objects_lock) == 0);
    if (!e->backups_memory) status = fn_fs_memory(ctx, &e->backups_memory);
    FN_ASSERT(pthread_mutex_unlock(&e->objects_lock) == 0);
    FN_TRY(status);
    out->fs = e->backups_memory;
    out->path = path;
    out->dir = fn_arena_printf(ctx, ctx->arena, "/" FN_STR_FMT, FN_STR_ARG(path));
    FN_TRY_PTR(ctx, out->dir);
    return FN_OK;
}

static fn_status open_s3(const table_call *call, backup_place *out)
{
    fn_str url;
    uint32_t next;
    if (call_count(call) < 1 || call_count(call) > 4) return wrong_count(call->ctx, "S3", "1 to 4 arguments: url, [access_key_id, secret_access_key, [session_token]]");
    FN_TRY(call_text(call, 0, &url));
    FN_TRY(call_s3_auth(call, &out->auth, &next));
    FN_TRY(fn_object_url_parse(call->ctx, url, true, &out->url));
    while (out->url.key.size && out->url.key.data[out->url.key.size - 1] == '/') out->url.key.size--;
    if (!out->url.key.size) return fn_fail(call->ctx, FN_BAD_ARGUMENTS, "A backup to S3 needs a path within the bucket: " FN_STR_FMT, FN_STR_ARG(url));
    out->path = url;
    return engine_objects(call->ctx, call->query->engine, &out->objects);
}

static fn_status open_null(const table_call *call, backup_place *out)
{
    (void)call;
    out->nowhere = true;
    out->path = FN_STR("Null");
    return FN_OK;
}

static const struct {
    const char *name;
    fn_status (*open)(const table_call *call, backup_place *out);
    uint32_t shown; /* arguments that are no secrets */
} engines[] = {{"File", open_file, 1}, {"Disk", open_disk, 2}, {"Memory", open_memory, 1}, {"S3", open_s3, 1}, {"Null", open_null, 0}};

/* File('x'): the call with the arguments that may be shown. */
static fn_status name_place(fn_ctx *ctx, const ast_expr *place, uint32_t shown, fn_str *out)
{
    ast_expr call = *place;
    fn_buf b = FN_BUF_INIT;
    call.args.count = FN_MIN(call.args.count, shown);
    fn_status status = call.args.count ? sql_print_expr(ctx, &call, &b) : fn_buf_str(ctx, &b, place->text);
    if (status == FN_OK) status = fn_arena_str(ctx, ctx->arena, fn_buf_view(&b), out);
    fn_buf_release(&b);
    return status;
}

fn_status backup_place_open(query *q, const ast_expr *place, backup_place *out)
{
    static const table_function nameless = {.name = "backup"};
    const table_call call = {.query = q, .ctx = q->ctx, .function = &nameless, .ast = place};
    *out = (backup_place){.nowhere = false};
    if (place->kind != AST_FUNCTION) return fn_fail(q->ctx, FN_BAD_ARGUMENTS, "The place of a backup is an engine with arguments, as in File('name')");
    for (size_t i = 0; i < FN_COUNT(engines); i++) {
        if (!fn_str_eq(place->text, fn_cstr(engines[i].name))) continue;
        FN_TRY(name_place(q->ctx, place, engines[i].shown, &out->text));
        return engines[i].open(&call, out);
    }
    return fn_fail(q->ctx, FN_BACKUP_ENGINE_NOT_FOUND, "Not found backup engine '" FN_STR_FMT "'", FN_STR_ARG(place->text));
}

fn_status backup_piece_name(fn_ctx *ctx, fn_part_id file, uint64_t piece, const char **out)
{
    *out = piece ? fn_arena_printf(ctx, ctx->arena, "parts/%016" PRIx64 "%016" PRIx64 ".part.%" PRIu64, file.high, file.low, piece)
                 : fn_arena_printf(ctx, ctx->arena, "parts/%016" PRIx64 "%016" PRIx64 ".part", file.high, file.low);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

/* ---- objects ---- */
static fn_status object_url(fn_ctx *ctx, const backup_place *p, const char *name, fn_object_url *out)
{
    const char *key = fn_arena_printf(ctx, ctx->arena, FN_STR_FMT "/%s", FN_STR_ARG(p->url.key), name);
    FN_TRY_PTR(ctx, key);
    *out = p->url;
    out->key = fn_cstr(key);
    return FN_OK;
}

static fn_status note_found(void *self, fn_ctx *ctx, const fn_object_entry *entry)
{
    (void)ctx;
    (void)entry;
    *(bool *)self = true;
    return FN_OK;
}

fn_status backup_exists(fn_ctx *ctx, const backup_place *p, bool *out)
{
    *out = false;
    if (p->nowhere) return FN_OK;
    if (p->objects) {
        fn_object_url url;
        FN_TRY(object_url(ctx, p, BACKUP_MANIFEST, &url));
        return fn_object_list(ctx, p->objects, &url, &p->auth, note_found, out);
    }
    fn_file_info info;
    const char *path = fn_arena_printf(ctx, ctx->arena, "%s/" BACKUP_MANIFEST, p->dir);
    FN_TRY_PTR(ctx, path);
    FN_TRY(p->fs->stat(p->fs, ctx, path, &info));
    *out = info.exists;
    return FN_OK;
}

/* Beside, then renamed: a name means the whole of it. */
static fn_status put_local(fn_ctx *ctx, const backup_place *p, const char *name, fn_str bytes)
{
    fn_fs *fs = p->fs;
    fn_file *file;
    char *path = fn_arena_printf(ctx, ctx->arena, "%s/%s", p->dir, name);
    FN_TRY_PTR(ctx, path);
    const char *beside = fn_arena_printf(ctx, ctx->arena, "%s.tmp", path);
    FN_TRY_PTR(ctx, beside);
    char *slash = strrchr(path, '/');
    *slash = 0;
    FN_TRY(fs->make_dir(fs, ctx, path));
    *slash = '/';
    FN_TRY(fs->remove(fs, ctx, beside));
    FN_TRY(fs->open(fs, ctx, beside, FN_OPEN_WRITE | FN_OPEN_CREATE | FN_OPEN_EXCLUSIVE, &file));
    const fn_status status = fs->write_sync(fs, ctx, file, 0, bytes.data, bytes.size);
    fs->close(fs, file);
    if (status == FN_OK) return fs->rename(fs, ctx, beside, path);
    fn_ctx own = {.arena = ctx->arena};
    if (fs->remove(fs, &own, beside) != FN_OK) fn_log(FN_LOG_WARN, "backup", "cannot remove %s: %s", beside, own.error.text);
    return status;
}

fn_status backup_put(fn_ctx *ctx, const backup_place *p, const char *name, fn_str bytes)
{
    fn_object_url url;
    if (p->nowhere) return FN_OK;
    if (!p->objects) return put_local(ctx, p, name, bytes);
    FN_TRY(object_url(ctx, p, name, &url));
    return fn_object_put(ctx, p->objects, &url, &p->auth, bytes);
}

fn_status backup_sync(fn_ctx *ctx, const backup_place *p)
{
    fn_file_info info;
    if (!p->fs) return FN_OK;
    static const char *const folders[] = {"rows", "parts"};
    char *dir = NULL;
    for (size_t i = 0; i < FN_COUNT(folders); i++) {
        dir = fn_arena_printf(ctx, ctx->arena, "%s/%s", p->dir, folders[i]);
        FN_TRY_PTR(ctx, dir);
        FN_TRY(p->fs->stat(p->fs, ctx, dir, &info));
        if (info.exists) FN_TRY(p->fs->sync_dir(p->fs, ctx, dir));
    }
    for (char *slash = strrchr(dir, '/'); slash && slash != dir; slash = strrchr(dir, '/')) { /* up to the root: any of them may be new */
        *slash = 0;
        FN_TRY(p->fs->sync_dir(p->fs, ctx, dir));
    }
    return FN_OK;
}

fn_status backup_is_fresh(fn_ctx *ctx, const backup_place *p, bool *out)
{
    fn_file_info info = {.exists = true};
    if (p->fs) FN_TRY(p->fs->stat(p->fs, ctx, p->dir, &info));
    *out = !info.exists;
    return FN_OK;
}

static fn_status undo(fn_ctx *ctx, const backup_place *p, bool fresh)
{
    fn_fs *fs = p->fs;
    fn_file_info info;
    const char *manifest = fn_arena_printf(ctx, ctx->arena, "%s/" BACKUP_MANIFEST, p->dir);
    FN_TRY_PTR(ctx, manifest);
    FN_TRY(fs->stat(fs, ctx, p->dir, &info));
    if (!info.exists) return FN_OK;
    FN_TRY(fs->remove(fs, ctx, manifest));
    FN_TRY(fs->sync_dir(fs, ctx, p->dir)); /* else the parts stay too */
    return fresh ? fs->remove_tree(fs, ctx, p->dir) : FN_OK;
}

void backup_undo(const backup_place *p, bool fresh)
{
    fn_ctx own = {.arena = NULL};
    if (!p->fs) return;
    own.arena = fn_arena_new(&own);
    if (own.arena && undo(&own, p, fresh) != FN_OK) fn_log(FN_LOG_WARN, "backup", "cannot remove %s: %s", p->dir, own.error.text);
    fn_arena_free(own.arena);
}

fn_status backup_get(fn_ctx *ctx, const backup_place *p, const char *name, size_t limit, fn_buf *out)
{
    fn_object_url url;
    fn_file_info info;
    if (p->nowhere) return fn_fail(ctx, FN_BACKUP_NOT_FOUND, "Backup Null not found");
    if (p->objects) {
        FN_TRY(object_url(ctx, p, name, &url));
        return fn_object_get(ctx, p->objects, &url, &p->auth, limit, out);
    }
    const char *path = fn_arena_printf(ctx, ctx->arena, "%s/%s", p->dir, name);
    FN_TRY_PTR(ctx, path);
    FN_TRY(p->fs->stat(p->fs, ctx, path, &info));
    if (info.exists && info.size > limit) return fn_fail(ctx, FN_BACKUP_DAMAGED, "Backup " FN_STR_FMT ": %s is too large", FN_STR_ARG(p->path), name);
    return fn_fs_read_all(p->fs, ctx, path, out);
}
