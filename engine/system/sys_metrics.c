/* sys_metrics.c - system.metrics: what is so at this moment. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status fill(system_rows *r)
{
    system_counter c;
    for (size_t i = 0; r->world->counter(r->world, SYSTEM_METRIC, i, &c); i++) {
        system_put_text(r, "metric", c.name);
        system_put_text(r, "name", c.name);
        system_put_i64(r, "value", c.value);
        system_put_text(r, "description", c.about);
        FN_TRY(system_row(r));
    }
    return FN_OK;
}

const system_def system_metrics = {"metrics", fill, "Values of this moment."};
