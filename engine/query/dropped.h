/* query/dropped.h - tables that were dropped and can still be brought back. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_DROPPED_H
#define FIRN_QUERY_DROPPED_H
#include "query/query.h"

/* Does a DROP of a table of that database leave it to UNDROP? Not with SYNC, nor outside of Atomic databases. */
bool dropped_keeps(query *q, bool sync, fn_str database);
/* The end of those whose delay is over; their files go when their last reader ends. */
void dropped_purge(fn_engine *engine);
#endif
