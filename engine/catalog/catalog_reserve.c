/* catalog_reserve.c - a file that only takes room, <path>/catalog.reserve: when the disk is full it is removed, so that the catalog
 * can write down what frees room (DROP, TRUNCATE). Inserts are refused before (mt_check_room), they do not use it up.
 * SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog_store.h"
#include <fcntl.h>
#include <firn/time.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { RESERVE_BYTES = 1 << 20, RETRY_MS = 1000, ROOM_FACTOR = 8 };

static bool has_room(const char *path)
{
    struct statvfs s;
    return statvfs(path, &s) == 0 && (uint64_t)s.f_bavail * s.f_frsize >= (uint64_t)ROOM_FACTOR * RESERVE_BYTES;
}

static bool make_file(const char *path)
{
    const int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    const bool made = posix_fallocate(fd, 0, RESERVE_BYTES) == 0;
    (void)close(fd);
    if (!made) (void)unlink(path);
    return made;
}

void catalog_reserve_keep(catalog *c)
{
    if (!c->reserve || c->reserve_there) return;
    const int64_t now = fn_clock_monotonic_ns();
    if (c->reserve_tried_ns && now - c->reserve_tried_ns < (int64_t)RETRY_MS * 1000000) return;
    c->reserve_tried_ns = now;
    c->reserve_there = has_room(c->file) && make_file(c->reserve);
}

bool catalog_reserve_give(catalog *c)
{
    if (!c->reserve_there) return false;
    c->reserve_there = false;
    return unlink(c->reserve) == 0;
}

fn_status catalog_reserve_open(fn_ctx *ctx, catalog *c, const char *path)
{
    c->reserve = fn_arena_printf(ctx, c->arena, "%s/catalog.reserve", path);
    FN_TRY_PTR(ctx, c->reserve);
    c->reserve_there = access(c->reserve, F_OK) == 0;
    catalog_reserve_keep(c);
    return FN_OK;
}
