/* sys_errors.c - system.errors: how often statements failed, by code. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status fill(system_rows *r)
{
    system_counter c;
    for (size_t i = 0; r->world->counter(r->world, SYSTEM_ERROR, i, &c); i++) {
        if (!c.value) continue;
        system_put_text(r, "name", c.name);
        system_put_i64(r, "code", c.code);
        system_put_i64(r, "value", c.value);
        system_put_i64(r, "last_error_time", c.last_s);
        FN_TRY(system_row(r));
    }
    return FN_OK;
}

const system_def system_errors = {"errors", fill, "Failures by code since the server began."};
