/* disk.c - the door of the disk. See disk.h. SPDX-License-Identifier: Apache-2.0 */
#include "disk.h"
#include "memory_fault.h"
#include "sqlite_vfs.h"
#include <stdio.h>
#include <string.h>

static struct {
    fn_fs door, *below;
    sim_random *random;
    uint64_t rarity, flips;
    bool watch, trace;
} disk;

/* Before a call: another fiber may run; the disk's own memory is not the program's. */
static void enter(const char *what, const char *path)
{
    sim_yield();
    if (disk.trace) printf("    disk: %s %s\n", what, path);
    memory_fault_pause(true);
}

static fn_status leave(fn_ctx *ctx, fn_status status)
{
    memory_fault_pause(false);
    if (status != FN_OK && disk.watch) printf("    disk: %s\n", ctx->error.text);
    return status;
}

static fn_status door_open(fn_fs *fs, fn_ctx *ctx, const char *path, unsigned flags, fn_file **out)
{
    (void)fs;
    enter("open", path);
    return leave(ctx, disk.below->open(disk.below, ctx, path, flags, out));
}

static void door_close(fn_fs *fs, fn_file *file)
{
    (void)fs;
    memory_fault_pause(true);
    disk.below->close(disk.below, file);
    memory_fault_pause(false);
}

static fn_status door_read(fn_fs *fs, fn_ctx *ctx, fn_file *file, const fn_range *ranges, size_t count)
{
    (void)fs;
    enter("read", fn_fs_memory_path(file));
    const char *path = fn_fs_memory_path(file);
    const size_t size = strlen(path);
    const bool flip = disk.rarity && size > 5 && strcmp(path + size - 5, ".part") == 0 && sim_draw(disk.random, disk.rarity) == 0;
    if (flip) {
        const fn_fs_fault fault = {.kinds = FN_FS_READS, .nth = 1, .flip = true};
        fn_fs_memory_fault(disk.below, &fault);
        disk.flips++;
        if (disk.watch) printf("    disk: a bit of %s is wrong\n", path);
    }
    return leave(ctx, disk.below->read(disk.below, ctx, file, ranges, count));
}

static void door_will_read(fn_fs *fs, fn_file *file, const fn_range *ranges, size_t count)
{
    (void)fs, (void)file, (void)ranges, (void)count;
}

static fn_status door_write(fn_fs *fs, fn_ctx *ctx, fn_file *file, uint64_t offset, const void *bytes, size_t size)
{
    (void)fs;
    enter("write", fn_fs_memory_path(file));
    return leave(ctx, disk.below->write(disk.below, ctx, file, offset, bytes, size));
}

static fn_status door_sync(fn_fs *fs, fn_ctx *ctx, fn_file *file)
{
    (void)fs;
    enter("sync", fn_fs_memory_path(file));
    return leave(ctx, disk.below->sync(disk.below, ctx, file));
}

static fn_status door_write_sync(fn_fs *fs, fn_ctx *ctx, fn_file *file, uint64_t offset, const void *bytes, size_t size)
{
    FN_TRY(door_write(fs, ctx, file, offset, bytes, size));
    return door_sync(fs, ctx, file);
}

static fn_status door_stat(fn_fs *fs, fn_ctx *ctx, const char *path, fn_file_info *out)
{
    (void)fs;
    enter("stat", path);
    return leave(ctx, disk.below->stat(disk.below, ctx, path, out));
}

static fn_status door_list(fn_fs *fs, fn_ctx *ctx, const char *dir, fn_list_fn *each, void *self)
{
    (void)fs;
    sim_yield(); /* `each` is the program's */
    return disk.below->list(disk.below, ctx, dir, each, self);
}

static fn_status door_make_dir(fn_fs *fs, fn_ctx *ctx, const char *dir)
{
    (void)fs;
    enter("make dir", dir);
    return leave(ctx, disk.below->make_dir(disk.below, ctx, dir));
}

static fn_status door_sync_dir(fn_fs *fs, fn_ctx *ctx, const char *dir)
{
    (void)fs;
    enter("sync dir", dir);
    return leave(ctx, disk.below->sync_dir(disk.below, ctx, dir));
}

static fn_status door_rename(fn_fs *fs, fn_ctx *ctx, const char *from, const char *to)
{
    (void)fs;
    enter("rename", from);
    return leave(ctx, disk.below->rename(disk.below, ctx, from, to));
}

static fn_status door_link(fn_fs *fs, fn_ctx *ctx, const char *from, const char *to)
{
    (void)fs;
    enter("link", from);
    return leave(ctx, disk.below->link(disk.below, ctx, from, to));
}

static fn_status door_remove(fn_fs *fs, fn_ctx *ctx, const char *path)
{
    (void)fs;
    enter("remove", path);
    return leave(ctx, disk.below->remove(disk.below, ctx, path));
}

static fn_status door_remove_tree(fn_fs *fs, fn_ctx *ctx, const char *dir)
{
    (void)fs;
    enter("remove tree", dir);
    return leave(ctx, disk.below->remove_tree(disk.below, ctx, dir));
}

static fn_status door_space(fn_fs *fs, fn_ctx *ctx, const char *dir, uint64_t *free_bytes, uint64_t *total_bytes)
{
    (void)fs;
    enter("space", dir);
    return leave(ctx, disk.below->space(disk.below, ctx, dir, free_bytes, total_bytes));
}

void sim_disk_open(uint64_t seed)
{
    fn_ctx ctx = {.arena = NULL};
    disk.door = (fn_fs){.open = door_open, .close = door_close, .read = door_read, .will_read = door_will_read, .write = door_write,
                        .write_sync = door_write_sync, .sync = door_sync, .stat = door_stat, .list = door_list, .make_dir = door_make_dir,
                        .sync_dir = door_sync_dir, .rename = door_rename, .link = door_link, .remove = door_remove,
                        .remove_tree = door_remove_tree, .space = door_space};
    FN_ASSERT(fn_fs_disk(&ctx, &disk.below) == FN_OK);
    fn_fs_disk_seed(disk.below, seed);
    sqlite_vfs_open(&disk.door);
}

void sim_disk_close(void)
{
    sqlite_vfs_close();
    fn_fs_memory_free(disk.below);
    disk.below = NULL;
    disk.rarity = 0;
}

fn_fs *sim_disk(void)
{
    return &disk.door;
}

fn_fs *sim_disk_below(void)
{
    return disk.below;
}

void sim_disk_replace(fn_fs *below_take)
{
    fn_fs_memory_free(disk.below);
    disk.below = below_take;
}

void sim_disk_flip(sim_random *r, uint64_t rarity)
{
    disk.random = r;
    disk.rarity = rarity;
}

uint64_t sim_disk_flips(void)
{
    return disk.flips;
}

void sim_disk_watch(bool watch, bool trace)
{
    disk.watch = watch;
    disk.trace = trace;
}
