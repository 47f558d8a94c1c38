/* base/machine.h - limits that control groups set; for fn_memory_size and fn_cpu_count, and their test. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_BASE_MACHINE_H
#define FIRN_BASE_MACHINE_H
#include <firn/base.h>

typedef struct machine_limits {
    uint64_t memory; /* bytes */
    unsigned cores;
} machine_limits;

/* Lowers *out to what the groups of a process allow: `groups` is its /proc/PID/cgroup, `mounts` where the groups are mounted
 * (/sys/fs/cgroup). A share of a core counts as a whole one. */
void machine_limit(const char *groups, const char *mounts, machine_limits *out);
#endif
