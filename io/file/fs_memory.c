/* fs_memory.c - files in memory: the data directory of an engine without one, and the disk of tests. Any call can be made to fail,
 * and a disk loses at a crash what was not synced: see memory_disk.c.
 *
 * Calls are counted, so that a test can let each one fail in turn (SQLite's counter loop). A failed write may have written a part.
 * Open handles survive a crash only to be closed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "file/fs_memory.h"
#include <stdlib.h>

memory_node *memory_node_ref(memory_node *n)
{
    n->refs++;
    return n;
}

void memory_node_drop(memory_fs *m, memory_node *n)
{
    if (!n || --n->refs) return;
    *n->previous = n->next;
    if (n->next) n->next->previous = n->previous;
    m->bytes -= n->now.size;
    memory_free_changes(n);
    fn_buf_release(&n->now);
    fn_buf_release(&n->durable);
    fn_free(n);
}

/* Is this call the one that fails? */
static bool fails(memory_fs *m, unsigned kind)
{
    fn_fs_fault *f = &m->fault;
    m->calls++;
    if (f->nth == 0 || !(f->kinds & kind)) return false;
    if (--f->nth) return false;
    if (f->forever) f->nth = 1;
    f->hit = true;
    return true;
}

/* Locks and counts. On failure nothing is locked. */
static fn_status enter(fn_fs *fs, fn_ctx *ctx, unsigned kind, const char *what, const char *path)
{
    memory_fs *m = memory_of(fs);
    FN_ASSERT(pthread_mutex_lock(&m->lock) == 0);
    if (!fails(m, kind)) return FN_OK;
    FN_ASSERT(pthread_mutex_unlock(&m->lock) == 0);
    return fn_fail(ctx, m->fault.code, "Cannot %s %s: injected failure", what, path);
}

static fn_status leave(fn_fs *fs, fn_status status)
{
    FN_ASSERT(pthread_mutex_unlock(&memory_of(fs)->lock) == 0);
    return status;
}

static memory_name *find(const memory_fs *m, const char *path)
{
    for (memory_name *n = m->names; n; n = n->next)
        if (strcmp(n->path, path) == 0) return n;
    return NULL;
}

/* The entry of a path, made if it is not there yet. */
static memory_name *entry(memory_fs *m, fn_ctx *ctx, const char *path)
{
    memory_name **at = &m->names;
    while (*at && strcmp((*at)->path, path) < 0) at = &(*at)->next;
    if (*at && strcmp((*at)->path, path) == 0) return *at;
    const size_t size = strlen(path) + 1;
    memory_name *n = fn_alloc_zero(ctx, sizeof *n + size);
    if (!n) return NULL;
    memcpy(n->path, path, size);
    n->next = *at;
    *at = n;
    return n;
}

static fn_status new_node(memory_fs *m, fn_ctx *ctx, memory_name *name)
{
    memory_node *n = fn_alloc_zero(ctx, sizeof *n);
    FN_TRY_PTR(ctx, n);
    n->changes_end = &n->changes;
    n->next = m->nodes;
    n->previous = &m->nodes;
    if (n->next) n->next->previous = &n->next;
    m->nodes = n;
    name->now = memory_node_ref(n);
    return FN_OK;
}

static fn_status open_node(memory_fs *m, fn_ctx *ctx, const char *path, unsigned flags, memory_node **out)
{
    memory_name *n = find(m, path);
    if (n && n->is_dir) return fn_fail(ctx, FN_CANNOT_OPEN_FILE, "Cannot open file %s: it is a directory", path);
    if (n && n->now) {
        *out = n->now;
        return flags & FN_OPEN_EXCLUSIVE ? fn_fail(ctx, FN_FILE_ALREADY_EXISTS, "Cannot open file %s: it exists", path) : FN_OK;
    }
    if (!(flags & FN_OPEN_CREATE)) return fn_fail(ctx, FN_FILE_DOESNT_EXIST, "Cannot open file %s: no such file", path);
    n = entry(m, ctx, path);
    FN_TRY_PTR(ctx, n);
    FN_TRY(new_node(m, ctx, n));
    *out = n->now;
    return FN_OK;
}

static fn_status memory_open(fn_fs *fs, fn_ctx *ctx, const char *path, unsigned flags, fn_file **out)
{
    FN_TRY(enter(fs, ctx, FN_FS_NAMES, "open", path));
    memory_node *bytes = NULL;
    const fn_status status = open_node(memory_of(fs), ctx, path, flags, &bytes);
    if (status != FN_OK) return leave(fs, status);
    const size_t size = strlen(path) + 1;
    memory_file *f = fn_alloc_zero(ctx, sizeof *f + size);
    if (!f) return leave(fs, ctx->error.code);
    f->base = (fn_file){.size = bytes->now.size, .path = (char *)(f + 1), .flags = flags};
    memcpy(f->base.path, path, size);
    f->node = memory_node_ref(bytes);
    *out = &f->base;
    return leave(fs, FN_OK);
}

static void memory_close(fn_fs *fs, fn_file *file)
{
    memory_fs *m = memory_of(fs);
    FN_ASSERT(pthread_mutex_lock(&m->lock) == 0);
    memory_node_drop(m, ((memory_file *)file)->node);
    FN_ASSERT(pthread_mutex_unlock(&m->lock) == 0);
    fn_free(file);
}

/* One bit of what is read is wrong. */
static void flip(memory_fs *m, const fn_range *ranges, size_t count)
{
    const fn_range *r = &ranges[memory_draw(m, count)];
    if (r->size) ((uint8_t *)r->out)[memory_draw(m, r->size)] ^= (uint8_t)(1u << memory_draw(m, 8));
}

static fn_status memory_read(fn_fs *fs, fn_ctx *ctx, fn_file *file, const fn_range *ranges, size_t count)
{
    memory_fs *m = memory_of(fs);
    FN_ASSERT(pthread_mutex_lock(&m->lock) == 0);
    const bool wrong = fails(m, FN_FS_READS);
    if (wrong && !m->fault.flip) return leave(fs, fn_fail(ctx, m->fault.code, "Cannot read %s: injected failure", file->path));
    const memory_node *n = ((memory_file *)file)->node;
    for (size_t i = 0; i < count; i++) {
        file->size = n->now.size;
        const fn_status status = file_check_range(ctx, file, &ranges[i]);
        if (status != FN_OK) return leave(fs, status);
        if (ranges[i].size) memcpy(ranges[i].out, n->now.data + ranges[i].offset, (size_t)ranges[i].size);
    }
    if (wrong && count) flip(m, ranges, count);
    return leave(fs, FN_OK);
}

static void memory_will_read(fn_fs *fs, fn_file *file, const fn_range *ranges, size_t count)
{
    (void)fs, (void)file, (void)ranges, (void)count; /* it is all there */
}

fn_status memory_put(fn_ctx *ctx, fn_buf *b, uint64_t offset, const void *bytes, size_t size)
{
    const size_t end = (size_t)offset + size;
    if (end > b->size) {
        FN_TRY(fn_buf_reserve(ctx, b, end - b->size));
        memset(b->data + b->size, 0, end - b->size);
        b->size = end;
    }
    if (size) memcpy(b->data + offset, bytes, size);
    return FN_OK;
}

static fn_status put(memory_fs *m, fn_ctx *ctx, fn_file *file, uint64_t offset, const void *bytes, size_t size)
{
    memory_node *n = ((memory_file *)file)->node;
    const size_t before = n->now.size;
    if (m->bytes_max && offset + size > before && m->bytes + (offset + size - before) > m->bytes_max)
        return fn_fail(ctx, FN_NOT_ENOUGH_SPACE, "Cannot write %s: the disk is full", file->path);
    FN_TRY(memory_note(m, ctx, n, offset, bytes, size, false));
    const fn_status status = memory_put(ctx, &n->now, offset, bytes, size);
    m->bytes += n->now.size - before;
    file->size = n->now.size;
    return status;
}

static fn_status memory_write(fn_fs *fs, fn_ctx *ctx, fn_file *file, uint64_t offset, const void *bytes, size_t size)
{
    memory_fs *m = memory_of(fs);
    FN_ASSERT(pthread_mutex_lock(&m->lock) == 0);
    if (!fails(m, FN_FS_WRITES)) return leave(fs, put(m, ctx, file, offset, bytes, size));
    const fn_status code = m->fault.code;
    fn_ctx own = {.arena = NULL};
    const uint64_t end = (offset + memory_draw(m, size + 1)) / MEMORY_SECTOR * MEMORY_SECTOR; /* a part of it may be written, in whole sectors */
    if (end > offset && end < offset + size) (void)put(m, &own, file, offset, bytes, (size_t)(end - offset));
    return leave(fs, fn_fail(ctx, code, "Cannot write %s: injected failure", file->path));
}

static fn_status memory_sync(fn_fs *fs, fn_ctx *ctx, fn_file *file)
{
    memory_fs *m = memory_of(fs);
    FN_ASSERT(pthread_mutex_lock(&m->lock) == 0);
    memory_node *n = ((memory_file *)file)->node;
    if (!fails(m, FN_FS_SYNCS)) return leave(fs, memory_sync_node(m, ctx, n));
    memory_lose_changes(m, n);
    return leave(fs, fn_fail(ctx, m->fault.code, "Cannot fsync %s: injected failure", file->path));
}

static fn_status memory_write_sync(fn_fs *fs, fn_ctx *ctx, fn_file *file, uint64_t offset, const void *bytes, size_t size)
{
    FN_TRY(memory_write(fs, ctx, file, offset, bytes, size));
    return memory_sync(fs, ctx, file);
}

fn_status fn_fs_memory_cut(fn_fs *fs, fn_ctx *ctx, fn_file *file, uint64_t size)
{
    memory_fs *m = memory_of(fs);
    FN_TRY(enter(fs, ctx, FN_FS_WRITES, "truncate", file->path));
    memory_node *n = ((memory_file *)file)->node;
    if (size >= n->now.size) return leave(fs, FN_OK);
    const fn_status status = memory_note(m, ctx, n, size, NULL, 0, true);
    if (status != FN_OK) return leave(fs, status);
    m->bytes -= n->now.size - (size_t)size;
    file->size = n->now.size = (size_t)size;
    return leave(fs, FN_OK);
}

static fn_status memory_stat(fn_fs *fs, fn_ctx *ctx, const char *path, fn_file_info *out)
{
    FN_TRY(enter(fs, ctx, FN_FS_NAMES, "stat", path));
    const memory_name *n = find(memory_of(fs), path);
    *out = (fn_file_info){.exists = n && (n->is_dir || n->now), .is_dir = n && n->is_dir, .size = n && n->now ? n->now->now.size : 0};
    return leave(fs, FN_OK);
}

/* The last part of `path` if it lies directly in `dir`, else NULL. */
static const char *within(const char *path, const char *dir, size_t dir_size)
{
    if (strncmp(path, dir, dir_size) != 0 || path[dir_size] != '/') return NULL;
    const char *last = path + dir_size + 1;
    return strchr(last, '/') ? NULL : last;
}

static fn_status memory_list(fn_fs *fs, fn_ctx *ctx, const char *dir, fn_list_fn *each, void *self)
{
    FN_TRY(enter(fs, ctx, FN_FS_NAMES, "list", dir));
    const memory_name *d = find(memory_of(fs), dir);
    if (!d || !d->is_dir) return leave(fs, fn_fail(ctx, FN_FILE_DOESNT_EXIST, "Cannot list directory %s: no such directory", dir));
    const size_t dir_size = strlen(dir);
    fn_status status = FN_OK;
    memory_of(fs)->listing++;
    for (const memory_name *n = memory_of(fs)->names; n && status == FN_OK; n = n->next) {
        const char *last = within(n->path, dir, dir_size);
        if (!last || !(n->is_dir || n->now)) continue;
        const bool is_dir = n->is_dir;
        FN_ASSERT(pthread_mutex_unlock(&memory_of(fs)->lock) == 0); /* `each` may call us; no entry is freed meanwhile */
        status = each(self, ctx, last, is_dir);
        FN_ASSERT(pthread_mutex_lock(&memory_of(fs)->lock) == 0);
    }
    memory_of(fs)->listing--;
    return leave(fs, status);
}

static fn_status memory_make_dir(fn_fs *fs, fn_ctx *ctx, const char *dir)
{
    FN_TRY(enter(fs, ctx, FN_FS_NAMES, "create directory", dir));
    char path[1024];
    const size_t size = strlen(dir);
    if (size == 0 || size >= sizeof path) return leave(fs, fn_fail(ctx, FN_CANNOT_CREATE_DIRECTORY, "Cannot create directory: path of %zu bytes", size));
    for (size_t i = 1; i <= size; i++) {
        if (i < size && dir[i] != '/') continue;
        memcpy(path, dir, i);
        path[i] = 0;
        memory_name *n = entry(memory_of(fs), ctx, path);
        if (!n) return leave(fs, ctx->error.code);
        if (n->now) return leave(fs, fn_fail(ctx, FN_CANNOT_CREATE_DIRECTORY, "Cannot create directory %s: a file is in its place", path));
        n->is_dir = n->was_dir = true;
    }
    return leave(fs, FN_OK);
}

static fn_status memory_sync_dir(fn_fs *fs, fn_ctx *ctx, const char *dir)
{
    memory_fs *m = memory_of(fs);
    FN_TRY(enter(fs, ctx, FN_FS_SYNCS, "fsync", dir));
    const size_t dir_size = strcmp(dir, "/") == 0 ? 0 : strlen(dir);
    for (memory_name *n = m->is_disk ? m->names : NULL; n; n = n->next) {
        if (!within(n->path, dir, dir_size)) continue;
        memory_node *old = n->durable;
        n->durable = n->now ? memory_node_ref(n->now) : NULL;
        n->was_dir = n->is_dir;
        memory_node_drop(m, old);
    }
    return leave(fs, FN_OK);
}

static fn_status memory_rename(fn_fs *fs, fn_ctx *ctx, const char *from, const char *to)
{
    FN_TRY(enter(fs, ctx, FN_FS_NAMES, "rename", from));
    memory_name *old = find(memory_of(fs), from);
    if (!old || !old->now) return leave(fs, fn_fail(ctx, FN_FILE_DOESNT_EXIST, "Cannot rename %s to %s: no such file", from, to));
    memory_name *new = entry(memory_of(fs), ctx, to);
    if (!new) return leave(fs, ctx->error.code);
    if (new == old) return leave(fs, FN_OK);
    memory_node *replaced = new->now;
    new->now = old->now;
    old->now = NULL;
    memory_node_drop(memory_of(fs), replaced);
    return leave(fs, FN_OK);
}

static fn_status memory_link(fn_fs *fs, fn_ctx *ctx, const char *from, const char *to)
{
    FN_TRY(enter(fs, ctx, FN_FS_NAMES, "link", from));
    const memory_name *old = find(memory_of(fs), from);
    if (!old || !old->now) return leave(fs, fn_fail(ctx, FN_FILE_DOESNT_EXIST, "Cannot link %s to %s: no such file", from, to));
    memory_node *const shared = old->now;
    memory_name *new = entry(memory_of(fs), ctx, to);
    if (!new) return leave(fs, ctx->error.code);
    if (new->now) return leave(fs, fn_fail(ctx, FN_FILE_ALREADY_EXISTS, "Cannot link %s to %s: it exists", from, to));
    new->now = memory_node_ref(shared);
    return leave(fs, FN_OK);
}

static void remove_name(memory_fs *m, memory_name *n)
{
    memory_node *old = n->now;
    n->now = NULL;
    memory_node_drop(m, old);
}

/* Entries that say nothing about any state. */
static void forget_names(memory_fs *m)
{
    if (m->listing) return;
    for (memory_name **at = &m->names; *at;) {
        memory_name *n = *at;
        if (n->now || n->durable || n->is_dir || n->was_dir) {
            at = &n->next;
            continue;
        }
        *at = n->next;
        fn_free(n);
    }
}

static fn_status memory_remove(fn_fs *fs, fn_ctx *ctx, const char *path)
{
    FN_TRY(enter(fs, ctx, FN_FS_NAMES, "remove", path));
    memory_name *n = find(memory_of(fs), path);
    if (n) remove_name(memory_of(fs), n);
    forget_names(memory_of(fs));
    return leave(fs, FN_OK);
}

static fn_status memory_remove_tree(fn_fs *fs, fn_ctx *ctx, const char *dir)
{
    FN_TRY(enter(fs, ctx, FN_FS_NAMES, "remove", dir));
    const size_t size = strlen(dir);
    for (memory_name *n = memory_of(fs)->names; n; n = n->next) {
        if (strncmp(n->path, dir, size) != 0 || (n->path[size] != '/' && n->path[size] != 0)) continue;
        remove_name(memory_of(fs), n);
        n->is_dir = false;
    }
    return leave(fs, FN_OK);
}

static fn_status memory_space(fn_fs *fs, fn_ctx *ctx, const char *dir, uint64_t *free_bytes, uint64_t *total_bytes)
{
    FN_TRY(enter(fs, ctx, FN_FS_NAMES, "look up the free space of", dir));
    const memory_fs *m = memory_of(fs);
    *total_bytes = m->bytes_max ? m->bytes_max : (uint64_t)1 << 40;
    *free_bytes = *total_bytes - FN_MIN(m->bytes, *total_bytes);
    return leave(fs, FN_OK);
}

fn_status fn_fs_memory(fn_ctx *ctx, fn_fs **out)
{
    memory_fs *m = fn_alloc_zero(ctx, sizeof *m);
    FN_TRY_PTR(ctx, m);
    m->base = (fn_fs){memory_open, memory_close, memory_read, memory_will_read, memory_write, memory_write_sync, memory_sync, memory_stat, memory_list,
                      memory_make_dir, memory_sync_dir, memory_rename, memory_remove, memory_remove_tree, memory_space, memory_link};
    FN_ASSERT(pthread_mutex_init(&m->lock, NULL) == 0);
    *out = &m->base;
    return FN_OK;
}

fn_status fn_fs_disk(fn_ctx *ctx, fn_fs **out)
{
    FN_TRY(fn_fs_memory(ctx, out));
    memory_of(*out)->is_disk = true;
    return FN_OK;
}

void fn_fs_memory_free(fn_fs *fs)
{
    memory_fs *m = memory_of(fs);
    for (memory_name *n = m->names; n; n = n->next) {
        memory_node_drop(m, n->now);
        memory_node_drop(m, n->durable);
        n->now = n->durable = NULL;
        n->is_dir = n->was_dir = false;
    }
    forget_names(m);
    FN_ASSERT(m->nodes == NULL); /* every file is closed */
    (void)pthread_mutex_destroy(&m->lock);
    fn_free(m);
}
