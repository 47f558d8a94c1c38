/* memory_disk.c - the memory file system as a disk: what a sync makes durable, what a crash leaves, what a failed sync loses.
 *
 * Model. A file's bytes are durable after sync, a name (created, renamed, removed) after sync_dir of its directory, a new directory
 * at once. A crash keeps, of every change that is not durable, what its random numbers say: all of it, nothing, its first
 * sectors or some of them, each change by itself - so changes may arrive out of order. Bytes beside a written range never change
 * (power-safe overwrite, which SQLite's own files rely on too). Without a seed nothing that was not synced survives. After a failed
 * sync the changes count as clean, as they do in Linux: a second sync that succeeds says nothing about them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "file/fs_memory.h"

/* Below `below`, or 0 without a seed. */
uint64_t memory_draw(memory_fs *m, uint64_t below)
{
    if (!m->random) return 0;
    m->random = m->random * 6364136223846793005u + 1442695040888963407u;
    if (!m->random) m->random = 1;
    return fn_hash_mix(m->random, 0x9e3779b97f4a7c15u) % below;
}

fn_status memory_note(memory_fs *m, fn_ctx *ctx, memory_node *n, uint64_t offset, const void *bytes, size_t size, bool is_cut)
{
    if (!m->is_disk) return FN_OK;
    memory_change *c = fn_alloc(ctx, sizeof *c + size);
    FN_TRY_PTR(ctx, c);
    *c = (memory_change){.offset = offset, .size = size, .is_cut = is_cut};
    if (size) memcpy(c->bytes, bytes, size);
    *n->changes_end = c;
    n->changes_end = &c->next;
    return FN_OK;
}

void memory_free_changes(memory_node *n)
{
    for (memory_change *c = n->changes, *next; c; c = next) {
        next = c->next;
        fn_free(c);
    }
    n->changes = NULL;
    n->changes_end = &n->changes;
}

static fn_status cut(fn_ctx *ctx, fn_buf *b, uint64_t size)
{
    if (size > b->size) return memory_put(ctx, b, size, NULL, 0);
    b->size = (size_t)size;
    return FN_OK;
}

fn_status memory_sync_node(memory_fs *m, fn_ctx *ctx, memory_node *n)
{
    if (!m->is_disk) return FN_OK;
    for (const memory_change *c = n->changes; c; c = c->next)
        FN_TRY(c->is_cut ? cut(ctx, &n->durable, c->offset) : memory_put(ctx, &n->durable, c->offset, c->bytes, c->size));
    memory_free_changes(n);
    return FN_OK;
}

/* What arrives of a change: whole, nothing, a prefix in sectors, some sectors. Sectors are aligned in the file. */
static void apply_torn(memory_fs *m, fn_buf *durable, const memory_change *c)
{
    fn_ctx ctx = {.arena = NULL};
    enum { WHOLE = 1, PREFIX = 2, SOME = 3, WAYS = 4 };
    const uint64_t way = memory_draw(m, WAYS), first = c->offset / MEMORY_SECTOR, sectors = c->size ? (c->offset + c->size - 1) / MEMORY_SECTOR - first + 1 : 0;
    if (way == 0) return;
    if (c->is_cut) {
        FN_ASSERT(way != WHOLE || cut(&ctx, durable, c->offset) == FN_OK);
        return;
    }
    const uint64_t prefix = way == PREFIX ? memory_draw(m, sectors + 1) : sectors;
    for (uint64_t s = 0; s < prefix; s++) {
        if (way == SOME && memory_draw(m, 2)) continue;
        const uint64_t from = FN_MAX((first + s) * MEMORY_SECTOR, c->offset), to = FN_MIN((first + s + 1) * MEMORY_SECTOR, c->offset + c->size);
        FN_ASSERT(memory_put(&ctx, durable, from, c->bytes + (from - c->offset), (size_t)(to - from)) == FN_OK);
    }
}

void memory_lose_changes(memory_fs *m, memory_node *n)
{
    if (!m->is_disk) return;
    for (const memory_change *c = n->changes; c; c = c->next) apply_torn(m, &n->durable, c);
    memory_free_changes(n);
}

static void replace_node(memory_fs *m, memory_node **at, memory_node *by)
{
    memory_node *old = *at;
    *at = by ? memory_node_ref(by) : NULL;
    memory_node_drop(m, old);
}

/* Is the directory that holds the path there? The root is; parents stand before their children in the list. */
static bool has_parent(const memory_fs *m, const char *path)
{
    const char *slash = strrchr(path, '/');
    const size_t size = slash ? (size_t)(slash - path) : 0;
    if (size == 0) return true;
    for (const memory_name *n = m->names; n; n = n->next)
        if (strncmp(n->path, path, size) == 0 && n->path[size] == 0) return n->is_dir;
    return true; /* files may lie where no directory was made */
}

void fn_fs_disk_crash(fn_fs *fs)
{
    memory_fs *m = memory_of(fs);
    FN_ASSERT(m->is_disk);
    m->fault = (fn_fs_fault){0};
    for (memory_node *n = m->nodes; n; n = n->next) memory_lose_changes(m, n);
    for (memory_name *n = m->names; n; n = n->next) {
        const bool kept = memory_draw(m, 2) != 0;
        const bool is_dir = (kept ? n->is_dir : n->was_dir) && has_parent(m, n->path);
        memory_node *file = (kept ? n->now : n->durable);
        if (!has_parent(m, n->path)) file = NULL;
        replace_node(m, &n->now, file);
        replace_node(m, &n->durable, file);
        n->is_dir = n->was_dir = is_dir;
    }
    m->bytes = 0;
    for (memory_node *n = m->nodes; n; n = n->next) {
        fn_ctx ctx = {.arena = NULL};
        n->now.size = 0;
        FN_ASSERT(fn_buf_append(&ctx, &n->now, n->durable.data, n->durable.size) == FN_OK);
        m->bytes += n->now.size;
    }
}

void fn_fs_disk_seed(fn_fs *fs, uint64_t seed)
{
    memory_of(fs)->random = seed;
}

void fn_fs_memory_limit(fn_fs *fs, uint64_t bytes_max)
{
    memory_of(fs)->bytes_max = bytes_max;
}

void fn_fs_memory_fault(fn_fs *fs, const fn_fs_fault *fault)
{
    memory_of(fs)->fault = *fault;
}

void fn_fs_memory_fail(fn_fs *fs, uint64_t nth, fn_status code)
{
    memory_of(fs)->fault = (fn_fs_fault){.kinds = FN_FS_ANY, .nth = nth, .code = code};
}

bool fn_fs_memory_failed(const fn_fs *fs)
{
    const fn_fs_fault *f = &((const memory_fs *)(const void *)fs)->fault;
    return f->hit;
}

uint64_t fn_fs_memory_calls(const fn_fs *fs)
{
    return ((const memory_fs *)(const void *)fs)->calls;
}

const char *fn_fs_memory_path(const fn_file *file)
{
    return file->path;
}

/* The same names and bytes, all durable. */
fn_status fn_fs_disk_copy(fn_fs *fs, fn_ctx *ctx, fn_fs **out)
{
    FN_TRY(fn_fs_disk(ctx, out));
    fn_status status = FN_OK;
    fn_fs *const to = *out;
    for (const memory_name *n = memory_of(fs)->names; n && status == FN_OK; n = n->next) {
        fn_file *file;
        if (n->is_dir) status = to->make_dir(to, ctx, n->path);
        if (status != FN_OK || !n->now) continue;
        status = to->open(to, ctx, n->path, FN_OPEN_WRITE | FN_OPEN_CREATE, &file);
        if (status != FN_OK) break;
        status = to->write_sync(to, ctx, file, 0, n->now->now.data, n->now->now.size);
        to->close(to, file);
    }
    for (memory_name *n = memory_of(to)->names; n; n = n->next) {
        replace_node(memory_of(to), &n->durable, n->now);
        n->was_dir = n->is_dir;
    }
    if (status != FN_OK) fn_fs_memory_free(to);
    return status;
}
