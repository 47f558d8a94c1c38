/* sys_users.c - system.users: the server's user. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status fill(system_rows *r)
{
    system_put_text(r, "name", r->world->user);
    system_put_text(r, "storage", "environment");
    system_put_u64(r, "default_roles_all", 1);
    return system_row(r);
}

const system_def system_users = {"users", fill, "The server's user."};
