/* sys_aggregate_function_combinators.c - system.aggregate_function_combinators: suffixes of aggregate functions. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status fill(system_rows *r)
{
    static const char *const names[] = {"If", "Array", "State", "Merge", "OrNull", "OrDefault"};
    for (size_t i = 0; i < FN_COUNT(names); i++) {
        system_put_text(r, "name", names[i]);
        FN_TRY(system_row(r));
    }
    return FN_OK;
}

const system_def system_aggregate_function_combinators = {"aggregate_function_combinators", fill, "Suffixes of aggregate functions."};
