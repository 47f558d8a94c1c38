/* sys_settings.c - system.settings: every setting of ClickHouse 26.9 with this statement's value. SPDX-License-Identifier: Apache-2.0 */
#include "settings/settings.h"
#include "system/system_list.h"

static fn_status fill(system_rows *r)
{
    settings_row s;
    for (size_t i = 0; settings_at(r->ctx, settings_of(r->ctx), i, &s); i++) {
        system_put_text(r, "name", s.name);
        system_put_str(r, "value", s.value);
        system_put_u64(r, "changed", s.changed);
        system_put_text(r, "description", s.about);
        system_put_text(r, "type", s.type);
        system_put_text(r, "default", s.default_value);
        FN_TRY(system_row(r));
    }
    return r->ctx->error.code;
}

const system_def system_settings = {"settings", fill, "Settings with their values in this statement."};
