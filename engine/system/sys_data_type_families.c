/* sys_data_type_families.c - system.data_type_families: data types and their aliases. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status fill(system_rows *r)
{
    const fn_type_class *c;
    for (size_t i = 0; (c = fn_type_class_at(i)); i++) {
        system_put_text(r, "name", c->name);
        system_put_text(r, "description", c->about ? c->about : "");
        FN_TRY(system_row(r));
        for (const char *const *alias = c->aliases; alias && *alias; alias++) {
            system_put_text(r, "name", *alias);
            system_put_u64(r, "case_insensitive", c->alias_nocase);
            system_put_text(r, "alias_to", c->name);
            FN_TRY(system_row(r));
        }
    }
    return FN_OK;
}

const system_def system_data_type_families = {"data_type_families", fill, "Data types and their aliases."};
