/* sys_clusters.c - system.clusters: the one-node cluster. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status fill(system_rows *r)
{
    system_put_text(r, "cluster", "default");
    system_put_u64(r, "shard_num", 1);
    system_put_u64(r, "shard_weight", 1);
    system_put_u64(r, "replica_num", 1);
    system_put_text(r, "host_name", "localhost");
    system_put_text(r, "host_address", "127.0.0.1");
    system_put_u64(r, "is_local", 1);
    return system_row(r);
}

const system_def system_clusters = {"clusters", fill, "The one-node cluster."};
