/* sys_database_engines.c - system.database_engines: database engines. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status fill(system_rows *r)
{
    system_put_text(r, "name", "Atomic");
    system_put_text(r, "description", "Tables kept in firn's catalog; every change is one transaction.");
    return system_row(r);
}

const system_def system_database_engines = {"database_engines", fill, "Database engines."};
