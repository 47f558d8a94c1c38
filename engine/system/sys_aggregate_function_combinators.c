/* sys_aggregate_function_combinators.c - system.aggregate_function_combinators: suffixes of aggregate functions. SPDX-License-Identifier: Apache-2.0 */
#include "expr/aggregate.h"
#include "system/system_list.h"

static fn_status fill(system_rows *r)
{
    const char *name;
    for (size_t i = 0; (name = agg_combinator_at(i)); i++) {
        system_put_text(r, "name", name);
        FN_TRY(system_row(r));
    }
    return FN_OK;
}

const system_def system_aggregate_function_combinators = {"aggregate_function_combinators", fill, "Suffixes of aggregate functions."};
