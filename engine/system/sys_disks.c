/* sys_disks.c - system.disks: the disk that holds the data directory. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status fill(system_rows *r)
{
    system_put_text(r, "name", "default");
    system_put_text(r, "path", r->world->data_path);
    system_put_text(r, "type", "Local");
    return system_row(r);
}

const system_def system_disks = {"disks", fill, "The disk that holds the data directory."};
