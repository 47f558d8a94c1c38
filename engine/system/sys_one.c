/* sys_one.c - system.one: one row. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status fill(system_rows *r)
{
    return system_row(r);
}

const system_def system_one = {"one", fill, "One row with the column dummy = 0; what a SELECT without FROM reads."};
