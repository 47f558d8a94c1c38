/* sys_empty.c - tables about things that firn does not have, which clients nevertheless ask for: replicas, dictionaries, queues,
 * access entities. They are empty because there are none. Mutations are done when their statement returns.
 * SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status fill(system_rows *r)
{
    (void)r;
    return FN_OK;
}

#define X(name, about) const system_def system_##name = {#name, fill, about};
SYSTEM_EMPTY_TABLES(X)
#undef X
