/* sys_table_engines.c - system.table_engines: table engines. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status fill(system_rows *r)
{
    const char *name;
    for (size_t i = 0; r->world->table_engine(r->world, i, &name); i++) {
        const bool merge_tree = fn_str_ends(fn_cstr(name), FN_STR("MergeTree"));
        system_put_text(r, "name", name);
        system_put_u64(r, "supports_settings", merge_tree || strcmp(name, "Set") == 0 || strcmp(name, "Join") == 0);
        system_put_u64(r, "supports_sort_order", merge_tree);
        system_put_u64(r, "supports_parallel_insert", 1);
        FN_TRY(system_row(r));
    }
    return FN_OK;
}

const system_def system_table_engines = {"table_engines", fill, "Table engines."};
