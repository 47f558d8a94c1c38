/* sys_build_options.c - system.build_options: how this program was built. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status fill(system_rows *r)
{
    static const char *const options[][2] = {{"VERSION_FULL", "firn, compatible with ClickHouse 26.9.2.1"}, {"COMPILER", __VERSION__}};
    for (size_t i = 0; i < FN_COUNT(options); i++) {
        system_put_text(r, "name", options[i][0]);
        system_put_text(r, "value", options[i][1]);
        FN_TRY(system_row(r));
    }
    return FN_OK;
}

const system_def system_build_options = {"build_options", fill, "How this program was built."};
