/* test_machine.c - limits of control groups of both versions, nested, absent, and none. SPDX-License-Identifier: Apache-2.0 */
#include "base/machine.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int failures;
#define CHECK(cond)                                                                                                        \
    do {                                                                                                                   \
        if (!(cond)) {                                                                                                     \
            printf("%s:%d: %s failed\n", __FILE__, __LINE__, #cond);                                                       \
            failures++;                                                                                                    \
        }                                                                                                                  \
    } while (0)

static char root[] = "/tmp/firn-machine-XXXXXX";
static const machine_limits FREE = {(uint64_t)64 << 30, 32};

/* A file below the root, with the folders on the way to it. */
static void put(const char *path, const char *text)
{
    char whole[512];
    (void)snprintf(whole, sizeof whole, "%s/%s", root, path);
    for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/')); *at++ = '/') {
        *at = '\0';
        (void)mkdir(whole, 0700);
    }
    FILE *f = fopen(whole, "w");
    CHECK(f);
    if (!f) return;
    (void)fputs(text, f);
    (void)fclose(f);
}

static machine_limits limit(const char *groups, const char *mounts)
{
    char file[512], dir[512];
    machine_limits out = FREE;
    (void)snprintf(file, sizeof file, "%s/%s", root, groups);
    (void)snprintf(dir, sizeof dir, "%s/%s", root, mounts);
    machine_limit(file, dir, &out);
    return out;
}

static bool same(machine_limits a, uint64_t memory, unsigned cores)
{
    return a.memory == memory && a.cores == cores;
}

static int forget(const char *path, const struct stat *s, int kind, struct FTW *at)
{
    (void)s, (void)kind, (void)at;
    return remove(path);
}

int main(void)
{
    if (!mkdtemp(root)) return 1;
    /* Version 2: the tightest on the way to the root counts; "max" is no limit. */
    put("v2/groups", "0::/slice/unit.service\n");
    put("v2/fs/memory.max", "max\n");
    put("v2/fs/cpu.max", "max 100000\n");
    put("v2/fs/slice/memory.max", "1073741824\n");
    put("v2/fs/slice/unit.service/memory.max", "2147483648\n");
    put("v2/fs/slice/unit.service/cpu.max", "150000 100000\n");
    CHECK(same(limit("v2/groups", "v2/fs"), 1073741824, 2));
    /* A container that sees its own mount under the path of the host. */
    put("box/groups", "0::/docker/0123\n");
    put("box/fs/memory.max", "536870912");
    put("box/fs/cpu.max", "50000 100000");
    CHECK(same(limit("box/groups", "box/fs"), 536870912, 1));
    /* Version 1: a tree for each controller, -1 and a huge number are no limits. */
    put("v1/groups", "5:cpu,cpuacct:/job\n4:memory:/job\n1:name=systemd:/x\n0::/\n");
    put("v1/fs/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("v1/fs/memory/job/memory.limit_in_bytes", "268435456\n");
    put("v1/fs/cpu/cpu.cfs_quota_us", "-1\n");
    put("v1/fs/cpu/cpu.cfs_period_us", "100000\n");
    put("v1/fs/cpu/job/cpu.cfs_quota_us", "400000\n");
    put("v1/fs/cpu/job/cpu.cfs_period_us", "100000\n");
    CHECK(same(limit("v1/groups", "v1/fs"), 268435456, 4));
    /* Nothing that can be read, or nothing that makes sense, limits nothing. */
    CHECK(same(limit("none", "v2/fs"), FREE.memory, FREE.cores));
    put("odd/groups", "\n::\nno colon\n0:\n0::\n7:memory:relative\n");
    put("odd/fs/memory.max", "\n");
    put("odd/fs/cpu.max", "0 0\n");
    CHECK(same(limit("odd/groups", "odd/fs"), FREE.memory, FREE.cores));
    CHECK(fn_memory_size() > 0 && fn_cpu_count() > 0);
    CHECK(nftw(root, forget, 16, FTW_DEPTH | FTW_PHYS) == 0);
    return failures != 0;
}
