/* machine.c - what this process may use of the machine: memory and cores, less what control groups take (containers, service
 * managers). See cgroups(7): version 2 has one tree, version 1 one for each controller. SPDX-License-Identifier: Apache-2.0 */
#include "base/machine.h"
#include <firn/bits.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Reads a small file whole, 0-terminated. False: there is none. */
static bool read_small(const char *path, char *text, size_t room)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const ssize_t size = read(fd, text, room - 1);
    (void)close(fd);
    text[size > 0 ? size : 0] = '\0';
    return size > 0;
}

/* Numbers at the start of a file: how many there are, 2 at most. Those that limit nothing are words ("max") or negative. */
static unsigned read_numbers(const char *dir, const char *file, uint64_t out[2])
{
    char path[PATH_MAX + 32], text[64];
    (void)snprintf(path, sizeof path, "%s/%s", dir, file);
    if (!read_small(path, text, sizeof text)) return 0;
    unsigned count = 0;
    for (char *at = text, *end; count < 2; at = end + 1) {
        if (*at < '0' || *at > '9') break;
        out[count++] = strtoull(at, &end, 10);
        if (*end != ' ') break;
    }
    return count;
}

static void limit_cores(machine_limits *out, uint64_t quota, uint64_t period)
{
    const uint64_t cores = period ? (quota + period - 1) / period : 0;
    if (cores) out->cores = (unsigned)FN_MIN(out->cores, cores);
}

/* The files that limit one group, of both versions. */
static void read_group(const char *dir, machine_limits *out)
{
    static const char *const MEMORY[] = {"memory.max", "memory.limit_in_bytes"};
    uint64_t n[2], period[2];
    for (unsigned i = 0; i < FN_COUNT(MEMORY); i++)
        if (read_numbers(dir, MEMORY[i], n) && n[0]) out->memory = FN_MIN(out->memory, n[0]);
    if (read_numbers(dir, "cpu.max", n) == 2) limit_cores(out, n[0], n[1]);
    if (read_numbers(dir, "cpu.cfs_quota_us", n) && read_numbers(dir, "cpu.cfs_period_us", period)) limit_cores(out, n[0], period[0]);
}

/* A group and those it is in, up to the root of the mount; within a container the group's own path may not be there. */
static void read_groups(const char *mount, const char *group, machine_limits *out)
{
    char dir[PATH_MAX];
    const int size = snprintf(dir, sizeof dir, "%s%s", mount, group);
    if (size < 0 || (size_t)size >= sizeof dir) return;
    const size_t root = strlen(mount);
    for (char *end = dir + size; end; end = strrchr(dir + root, '/')) {
        *end = '\0';
        read_group(dir, out);
    }
}

/* "number:controllers:path"; version 2 has no controllers there. */
static void read_line(char *line, const char *mounts, machine_limits *out)
{
    char mount[PATH_MAX + 32];
    char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path) return;
    *path++ = '\0';
    if (*++controllers == '\0') {
        read_groups(mounts, path, out);
        (void)snprintf(mount, sizeof mount, "%s/unified", mounts); /* where both versions are in use */
        read_groups(mount, path, out);
    }
    for (char *c; (c = strsep(&controllers, ","));) {
        if (strcmp(c, "memory") != 0 && strcmp(c, "cpu") != 0) continue;
        (void)snprintf(mount, sizeof mount, "%s/%s", mounts, c);
        read_groups(mount, path, out);
    }
}

void machine_limit(const char *groups, const char *mounts, machine_limits *out)
{
    char text[4096];
    if (!read_small(groups, text, sizeof text)) return;
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));) read_line(line, mounts, out);
}

static machine_limits limits;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find_limits(void)
{
    enum { MEMORY_UNKNOWN = 1 << 30 };
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE), cores = sysconf(_SC_NPROCESSORS_ONLN);
    cpu_set_t set;
    limits.memory = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : MEMORY_UNKNOWN;
    limits.cores = cores < 1 ? 1 : (unsigned)cores;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) limits.cores = FN_MIN(limits.cores, (unsigned)CPU_COUNT(&set));
    machine_limit("/proc/self/cgroup", "/sys/fs/cgroup", &limits);
}

uint64_t fn_memory_size(void)
{
    FN_ASSERT(pthread_once(&once, find_limits) == 0);
    return limits.memory;
}

unsigned fn_cpu_count(void)
{
    FN_ASSERT(pthread_once(&once, find_limits) == 0);
    return limits.cores;
}
