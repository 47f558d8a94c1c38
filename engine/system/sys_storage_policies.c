/* sys_storage_policies.c - system.storage_policies: the one storage policy. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status fill(system_rows *r)
{
    const fn_str disk = FN_STR("default");
    system_put_text(r, "policy_name", "default");
    system_put_text(r, "volume_name", "default");
    system_put_u64(r, "volume_priority", 1);
    system_put_strs(r, "disks", &disk, 1);
    return system_row(r);
}

const system_def system_storage_policies = {"storage_policies", fill, "The one storage policy."};
