/* fs_memory.c - files in memory for tests: durability is modelled as strictly as a disk may behave, and any call can fail.
 *
 * Model: a file's bytes are durable after sync, a name (created, renamed, removed) after sync_dir of its directory; directories
 * are durable at once. A crash brings back the last durable state of both. Calls are counted, so that a test can let each one
 * fail in turn (SQLite's counter loop). Open handles survive a crash only to be closed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "file/open_file.h"
#include <firn/thread.h>
#include <stdlib.h>

typedef struct node { /* the bytes behind one or more names */
    struct node *next;
    fn_buf now, durable;
} node;

typedef struct name {
    struct name *next;
    node *now, *durable; /* NULL: no such file in this state */
    bool is_dir;
    char path[];
} name;

typedef struct memory_file {
    fn_file base;
    node *node;
} memory_file;

typedef struct memory_fs {
    fn_fs base;
    pthread_mutex_t lock;
    name *names; /* sorted by path */
    node *nodes;
    uint64_t calls, fail_at;
    fn_status fail_code;
} memory_fs;

static memory_fs *of(fn_fs *fs)
{
    return (memory_fs *)(void *)fs;
}

/* Locks and counts. On failure nothing is locked. */
static fn_status enter(fn_fs *fs, fn_ctx *ctx, const char *what, const char *path)
{
    memory_fs *m = of(fs);
    FN_ASSERT(pthread_mutex_lock(&m->lock) == 0);
    m->calls++;
    if (m->fail_at == 0 || --m->fail_at != 0) return FN_OK;
    FN_ASSERT(pthread_mutex_unlock(&m->lock) == 0);
    return fn_fail(ctx, m->fail_code, "Cannot %s %s: injected failure", what, path);
}

static fn_status leave(fn_fs *fs, fn_status status)
{
    FN_ASSERT(pthread_mutex_unlock(&of(fs)->lock) == 0);
    return status;
}

static name *find(const memory_fs *m, const char *path)
{
    for (name *n = m->names; n; n = n->next)
        if (strcmp(n->path, path) == 0) return n;
    return NULL;
}

/* The entry of a path, made if it is not there yet. */
static name *entry(memory_fs *m, fn_ctx *ctx, const char *path)
{
    name **at = &m->names;
    while (*at && strcmp((*at)->path, path) < 0) at = &(*at)->next;
    if (*at && strcmp((*at)->path, path) == 0) return *at;
    const size_t size = strlen(path) + 1;
    name *n = fn_alloc_zero(ctx, sizeof *n + size);
    if (!n) return NULL;
    memcpy(n->path, path, size);
    n->next = *at;
    *at = n;
    return n;
}

static fn_status open_node(memory_fs *m, fn_ctx *ctx, const char *path, unsigned flags, node **out)
{
    name *n = find(m, path);
    if (n && n->is_dir) return fn_fail(ctx, FN_CANNOT_OPEN_FILE, "Cannot open file %s: it is a directory", path);
    if (n && n->now) {
        *out = n->now;
        return flags & FN_OPEN_EXCLUSIVE ? fn_fail(ctx, FN_FILE_ALREADY_EXISTS, "Cannot open file %s: it exists", path) : FN_OK;
    }
    if (!(flags & FN_OPEN_CREATE)) return fn_fail(ctx, FN_FILE_DOESNT_EXIST, "Cannot open file %s: no such file", path);
    n = entry(m, ctx, path);
    FN_TRY_PTR(ctx, n);
    n->now = fn_alloc_zero(ctx, sizeof *n->now);
    FN_TRY_PTR(ctx, n->now);
    n->now->next = m->nodes;
    m->nodes = n->now;
    *out = n->now;
    return FN_OK;
}

static fn_status memory_open(fn_fs *fs, fn_ctx *ctx, const char *path, unsigned flags, fn_file **out)
{
    FN_TRY(enter(fs, ctx, "open", path));
    node *bytes = NULL;
    const fn_status status = open_node(of(fs), ctx, path, flags, &bytes);
    if (status != FN_OK) return leave(fs, status);
    const size_t size = strlen(path) + 1;
    memory_file *f = fn_alloc_zero(ctx, sizeof *f + size);
    if (!f) return leave(fs, ctx->error.code);
    f->base = (fn_file){.size = bytes->now.size, .path = (char *)(f + 1), .flags = flags};
    memcpy(f->base.path, path, size);
    f->node = bytes;
    *out = &f->base;
    return leave(fs, FN_OK);
}

static void memory_close(fn_fs *fs, fn_file *file)
{
    (void)fs;
    fn_free(file);
}

static fn_status memory_read(fn_fs *fs, fn_ctx *ctx, fn_file *file, const fn_range *ranges, size_t count)
{
    FN_TRY(enter(fs, ctx, "read", file->path));
    const node *n = ((memory_file *)file)->node;
    for (size_t i = 0; i < count; i++) {
        file->size = n->now.size;
        const fn_status status = file_check_range(ctx, file, &ranges[i]);
        if (status != FN_OK) return leave(fs, status);
        if (ranges[i].size) memcpy(ranges[i].out, n->now.data + ranges[i].offset, (size_t)ranges[i].size);
    }
    return leave(fs, FN_OK);
}

static void memory_will_read(fn_fs *fs, fn_file *file, const fn_range *ranges, size_t count)
{
    (void)fs, (void)file, (void)ranges, (void)count; /* it is all there */
}

static fn_status put(fn_ctx *ctx, fn_buf *b, uint64_t offset, const void *bytes, size_t size)
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

static fn_status memory_write(fn_fs *fs, fn_ctx *ctx, fn_file *file, uint64_t offset, const void *bytes, size_t size)
{
    FN_TRY(enter(fs, ctx, "write", file->path));
    node *n = ((memory_file *)file)->node;
    const fn_status status = put(ctx, &n->now, offset, bytes, size);
    file->size = n->now.size;
    return leave(fs, status);
}

static fn_status memory_sync(fn_fs *fs, fn_ctx *ctx, fn_file *file)
{
    FN_TRY(enter(fs, ctx, "fsync", file->path));
    node *n = ((memory_file *)file)->node;
    n->durable.size = 0;
    return leave(fs, fn_buf_append(ctx, &n->durable, n->now.data, n->now.size));
}

static fn_status memory_write_sync(fn_fs *fs, fn_ctx *ctx, fn_file *file, uint64_t offset, const void *bytes, size_t size)
{
    FN_TRY(memory_write(fs, ctx, file, offset, bytes, size));
    return memory_sync(fs, ctx, file);
}

static fn_status memory_stat(fn_fs *fs, fn_ctx *ctx, const char *path, fn_file_info *out)
{
    FN_TRY(enter(fs, ctx, "stat", path));
    const name *n = find(of(fs), path);
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
    FN_TRY(enter(fs, ctx, "list", dir));
    const name *d = find(of(fs), dir);
    if (!d || !d->is_dir) return leave(fs, fn_fail(ctx, FN_FILE_DOESNT_EXIST, "Cannot list directory %s: no such directory", dir));
    const size_t dir_size = strlen(dir);
    fn_status status = FN_OK;
    for (const name *n = of(fs)->names; n && status == FN_OK; n = n->next) {
        const char *last = within(n->path, dir, dir_size);
        if (!last || !(n->is_dir || n->now)) continue;
        const fn_file_info info = {.exists = true, .is_dir = n->is_dir, .size = n->now ? n->now->now.size : 0};
        FN_ASSERT(pthread_mutex_unlock(&of(fs)->lock) == 0); /* `each` may call us; entries are never freed while we live */
        status = each(self, ctx, last, &info);
        FN_ASSERT(pthread_mutex_lock(&of(fs)->lock) == 0);
    }
    return leave(fs, status);
}

static fn_status memory_make_dir(fn_fs *fs, fn_ctx *ctx, const char *dir)
{
    FN_TRY(enter(fs, ctx, "create directory", dir));
    char path[1024];
    const size_t size = strlen(dir);
    if (size == 0 || size >= sizeof path) return leave(fs, fn_fail(ctx, FN_CANNOT_CREATE_DIRECTORY, "Cannot create directory: path of %zu bytes", size));
    for (size_t i = 1; i <= size; i++) {
        if (i < size && dir[i] != '/') continue;
        memcpy(path, dir, i);
        path[i] = 0;
        name *n = entry(of(fs), ctx, path);
        if (!n) return leave(fs, ctx->error.code);
        if (n->now) return leave(fs, fn_fail(ctx, FN_CANNOT_CREATE_DIRECTORY, "Cannot create directory %s: a file is in its place", path));
        n->is_dir = true;
    }
    return leave(fs, FN_OK);
}

static fn_status memory_sync_dir(fn_fs *fs, fn_ctx *ctx, const char *dir)
{
    FN_TRY(enter(fs, ctx, "fsync", dir));
    const size_t dir_size = strlen(dir);
    for (name *n = of(fs)->names; n; n = n->next)
        if (within(n->path, dir, dir_size)) n->durable = n->now;
    return leave(fs, FN_OK);
}

static fn_status memory_rename(fn_fs *fs, fn_ctx *ctx, const char *from, const char *to)
{
    FN_TRY(enter(fs, ctx, "rename", from));
    name *old = find(of(fs), from);
    if (!old || !old->now) return leave(fs, fn_fail(ctx, FN_FILE_DOESNT_EXIST, "Cannot rename %s to %s: no such file", from, to));
    name *new = entry(of(fs), ctx, to);
    if (!new) return leave(fs, ctx->error.code);
    node *moved = old->now;
    old->now = NULL;
    new->now = moved;
    return leave(fs, FN_OK);
}

static fn_status memory_remove(fn_fs *fs, fn_ctx *ctx, const char *path)
{
    FN_TRY(enter(fs, ctx, "remove", path));
    name *n = find(of(fs), path);
    if (n) n->now = NULL;
    return leave(fs, FN_OK);
}

static fn_status memory_remove_tree(fn_fs *fs, fn_ctx *ctx, const char *dir)
{
    FN_TRY(enter(fs, ctx, "remove", dir));
    const size_t size = strlen(dir);
    for (name *n = of(fs)->names; n; n = n->next) {
        if (strncmp(n->path, dir, size) != 0 || (n->path[size] != '/' && n->path[size] != 0)) continue;
        n->now = NULL;
        n->is_dir = false;
    }
    return leave(fs, FN_OK);
}

static fn_status memory_space(fn_fs *fs, fn_ctx *ctx, const char *dir, uint64_t *free_bytes, uint64_t *total_bytes)
{
    FN_TRY(enter(fs, ctx, "look up the free space of", dir));
    *free_bytes = *total_bytes = (uint64_t)1 << 40;
    return leave(fs, FN_OK);
}

fn_status fn_fs_memory(fn_ctx *ctx, fn_fs **out)
{
    memory_fs *m = fn_alloc_zero(ctx, sizeof *m);
    FN_TRY_PTR(ctx, m);
    m->base = (fn_fs){memory_open, memory_close, memory_read, memory_will_read, memory_write, memory_write_sync, memory_sync, memory_stat, memory_list,
                      memory_make_dir, memory_sync_dir, memory_rename, memory_remove, memory_remove_tree, memory_space};
    FN_ASSERT(pthread_mutex_init(&m->lock, NULL) == 0);
    *out = &m->base;
    return FN_OK;
}

void fn_fs_memory_free(fn_fs *fs)
{
    memory_fs *m = of(fs);
    for (name *n = m->names, *next; n; n = next) {
        next = n->next;
        fn_free(n);
    }
    for (node *n = m->nodes, *next; n; n = next) {
        next = n->next;
        fn_buf_release(&n->now);
        fn_buf_release(&n->durable);
        fn_free(n);
    }
    (void)pthread_mutex_destroy(&m->lock);
    fn_free(m);
}

void fn_fs_memory_crash(fn_fs *fs)
{
    memory_fs *m = of(fs);
    for (name *n = m->names; n; n = n->next) n->now = n->durable;
    for (node *n = m->nodes; n; n = n->next) {
        if (n->durable.size) memcpy(n->now.data, n->durable.data, n->durable.size);
        n->now.size = n->durable.size;
    }
}

void fn_fs_memory_fail(fn_fs *fs, uint64_t nth, fn_status code)
{
    of(fs)->fail_at = nth;
    of(fs)->fail_code = code;
}

uint64_t fn_fs_memory_calls(const fn_fs *fs)
{
    return ((const memory_fs *)(const void *)fs)->calls;
}
