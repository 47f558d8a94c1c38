/* sys_events.c - system.events: what was counted since the server began; as in ClickHouse those that are 0 are left out. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status fill(system_rows *r)
{
    system_counter c;
    for (size_t i = 0; r->world->counter(r->world, SYSTEM_EVENT, i, &c); i++) {
        if (!c.value) continue;
        system_put_text(r, "event", c.name);
        system_put_text(r, "name", c.name);
        system_put_i64(r, "value", c.value);
        system_put_text(r, "description", c.about);
        FN_TRY(system_row(r));
    }
    return FN_OK;
}

const system_def system_events = {"events", fill, "Counters since the server began."};
