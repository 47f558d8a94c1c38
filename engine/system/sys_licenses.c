/* sys_licenses.c - system.licenses: what firn is made of. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status fill(system_rows *r)
{
    static const char *const parts[][2] = {{"firn", "Apache-2.0"}, {"SQLite", "Public Domain"}, {"liburing", "MIT"}, {"curl", "MIT"},
                                           {"OpenSSL", "Apache-2.0"}, {"zstd", "BSD-3-Clause"}, {"lz4", "BSD-2-Clause"}, {"zlib", "Zlib"},
                                           {"libyaml", "MIT"}};
    for (size_t i = 0; i < FN_COUNT(parts); i++) {
        system_put_text(r, "library_name", parts[i][0]);
        system_put_text(r, "license_type", parts[i][1]);
        FN_TRY(system_row(r));
    }
    return FN_OK;
}

const system_def system_licenses = {"licenses", fill, "Libraries that are linked, and their licences."};
