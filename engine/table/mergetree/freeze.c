/* freeze.c - FREEZE and UNFREEZE: second names of part files below <root>/shadow, laid out as ClickHouse lays them out. The server
 * never reads them; they keep the bytes until UNFREEZE or the user removes them. SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/mt.h"
#include <inttypes.h>
#include <stdio.h>

/* <root>/shadow/<name>/store/<3 digits of the uuid>/<uuid> */
static fn_status folder_of(fn_ctx *ctx, const mt_table *m, const char *name, const char **out)
{
    *out = fn_arena_printf(ctx, ctx->arena, "%s/shadow/%s/store/%.3s/%s", m->store->root, name, m->base.uuid, m->base.uuid);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

/* Every folder from `dir` up to the root is on disk with its names. */
static fn_status sync_up(fn_ctx *ctx, const mt_store *store, const char *dir)
{
    fn_fs *fs = store->options.fs;
    const size_t root = strlen(store->root);
    size_t size = strlen(dir);
    char *path = fn_arena_copy(ctx, ctx->arena, dir, size);
    FN_TRY_PTR(ctx, path);
    for (; size >= root; path[size] = 0) {
        FN_TRY(fs->sync_dir(fs, ctx, path));
        while (size > root && path[size - 1] != '/') size--;
        if (size-- <= root) break;
    }
    return FN_OK;
}

static fn_status freeze_part(fn_ctx *ctx, mt_table *m, const mt_part *part, const char *folder)
{
    fn_fs *fs = m->store->options.fs;
    fn_file_info info;
    const char *from, *dir = fn_arena_printf(ctx, ctx->arena, "%s/" FN_STR_FMT, folder, FN_STR_ARG(part->row.name));
    FN_TRY_PTR(ctx, dir);
    FN_TRY(mt_file_path(ctx, m->store, part->row.file, &from));
    const char *to = fn_arena_printf(ctx, ctx->arena, "%s/%s", dir, strrchr(from, '/') + 1);
    FN_TRY_PTR(ctx, to);
    FN_TRY(fs->stat(fs, ctx, to, &info));
    if (info.exists) return fn_fail(ctx, FN_DIRECTORY_ALREADY_EXISTS, "Directory %s already exists and is not empty", dir);
    FN_TRY(fs->make_dir(fs, ctx, dir));
    FN_TRY(fs->link(fs, ctx, from, to));
    return fs->sync_dir(fs, ctx, dir);
}

fn_status mt_freeze(fn_ctx *ctx, table *t, fn_str partition_id, const char *name, mt_each_frozen *each, void *self)
{
    mt_table *m = (mt_table *)t;
    const char *folder;
    mt_selection s;
    FN_TRY(folder_of(ctx, m, name, &folder));
    FN_TRY(mt_select(ctx, mt_table_list(m), partition_id, (fn_str){NULL, 0}, &s)); /* the list keeps the files */
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < s.count && status == FN_OK; i++) {
        status = freeze_part(ctx, m, s.parts[i], folder);
        if (status == FN_OK) status = each(self, ctx, s.parts[i]->row.name, folder);
        if (status == FN_OK) status = fn_ctx_check(ctx);
    }
    if (status == FN_OK && s.count) status = sync_up(ctx, m->store, folder);
    mt_list_drop(s.list);
    return status;
}

/* ---- UNFREEZE ---- */
typedef struct frozen_names {
    fn_str partition_id;
    fn_str *names;
    uint32_t count, capacity;
} frozen_names;

static bool is_of_partition(fn_str part_name, fn_str partition_id)
{
    if (!partition_id.data) return true;
    return part_name.size > partition_id.size && memcmp(part_name.data, partition_id.data, partition_id.size) == 0 && part_name.data[partition_id.size] == '_';
}

static fn_status collect(void *self, fn_ctx *ctx, const char *name, bool is_dir)
{
    frozen_names *n = self;
    if (!is_dir || !mt_part_name_is(fn_cstr(name)) || !is_of_partition(fn_cstr(name), n->partition_id)) return FN_OK;
    if (n->count == n->capacity) {
        n->capacity = n->capacity ? 2 * n->capacity : 16;
        fn_str *more = FN_NEW_ARRAY(ctx, fn_str, n->capacity);
        FN_TRY_PTR(ctx, more);
        if (n->count) memcpy(more, n->names, n->count * sizeof *more);
        n->names = more;
    }
    return fn_arena_str(ctx, ctx->arena, fn_cstr(name), &n->names[n->count++]);
}

fn_status mt_unfreeze(fn_ctx *ctx, table *t, fn_str partition_id, const char *name, mt_each_frozen *each, void *self)
{
    mt_table *m = (mt_table *)t;
    fn_fs *fs = m->store->options.fs;
    fn_file_info info;
    const char *folder;
    frozen_names found = {.partition_id = partition_id};
    FN_TRY(folder_of(ctx, m, name, &folder));
    FN_TRY(fs->stat(fs, ctx, folder, &info));
    if (!info.exists) return FN_OK;
    FN_TRY(fs->list(fs, ctx, folder, collect, &found));
    for (uint32_t i = 0; i < found.count; i++) {
        const char *dir = fn_arena_printf(ctx, ctx->arena, "%s/" FN_STR_FMT, folder, FN_STR_ARG(found.names[i]));
        FN_TRY_PTR(ctx, dir);
        FN_TRY(fs->remove_tree(fs, ctx, dir));
        FN_TRY(each(self, ctx, found.names[i], folder));
    }
    return FN_OK;
}

fn_status mt_freeze_number(fn_ctx *ctx, table *t, uint64_t *out)
{
    const mt_store *store = ((mt_table *)t)->store;
    fn_fs *fs = store->options.fs;
    fn_file *file;
    fn_file_info info;
    fn_buf old = FN_BUF_INIT;
    char text[24];
    const char *dir = fn_arena_printf(ctx, ctx->arena, "%s/shadow", store->root);
    const char *path = fn_arena_printf(ctx, ctx->arena, "%s/shadow/increment.txt", store->root);
    const char *fresh = fn_arena_printf(ctx, ctx->arena, "%s/shadow/increment.tmp", store->root);
    if (!dir || !path || !fresh) return ctx->error.code;
    FN_TRY(fs->make_dir(fs, ctx, dir));
    FN_TRY(fs->stat(fs, ctx, path, &info));
    fn_status status = info.exists ? fn_fs_read_all(fs, ctx, path, &old) : FN_OK;
    uint64_t number = 0;
    for (size_t i = 0; i < old.size && i < 18 && old.data[i] >= '0' && old.data[i] <= '9'; i++) number = 10 * number + (uint64_t)(old.data[i] - '0');
    fn_buf_release(&old);
    FN_TRY(status);
    *out = ++number;
    const int size = snprintf(text, sizeof text, "%" PRIu64 "\n", number);
    FN_TRY(fs->remove(fs, ctx, fresh));
    FN_TRY(fs->open(fs, ctx, fresh, FN_OPEN_WRITE | FN_OPEN_CREATE, &file));
    status = fs->write_sync(fs, ctx, file, 0, text, (size_t)size);
    fs->close(fs, file);
    FN_TRY(status);
    FN_TRY(fs->rename(fs, ctx, fresh, path));
    return fs->sync_dir(fs, ctx, dir);
}
