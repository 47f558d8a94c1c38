/* query/recover.h - a data directory without its catalog. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_RECOVER_H
#define FIRN_QUERY_RECOVER_H
#include "query/query.h"

/* A catalog_check_new; self is the engine. A new catalog beside part files: CORRUPTED_DATA, because the sweep would take them for leftovers. */
fn_status recover_check_new(void *self, fn_ctx *ctx) FN_MUST_USE;
#endif
