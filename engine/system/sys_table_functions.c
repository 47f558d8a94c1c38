/* sys_table_functions.c - system.table_functions: table functions. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status fill(system_rows *r)
{
    system_table_function f;
    for (size_t i = 0; r->world->table_function(r->world, i, &f); i++) {
        system_put_text(r, "name", f.name);
        system_put_text(r, "description", f.about);
        system_put_u64(r, "allow_readonly", 1);
        FN_TRY(system_row(r));
    }
    return FN_OK;
}

const system_def system_table_functions = {"table_functions", fill, "Table functions."};
