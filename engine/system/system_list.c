/* system_list.c - the list of system tables. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static const system_def *const defs[] = {
#define X(name) &system_##name,
    SYSTEM_TABLES(X)
#undef X
#define X(name, about) &system_##name,
    SYSTEM_EMPTY_TABLES(X)
#undef X
};

const system_def *system_def_at(size_t index)
{
    return index < FN_COUNT(defs) ? defs[index] : NULL;
}
