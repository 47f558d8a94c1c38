/* query/information_schema.h - the views of information_schema. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_INFORMATION_SCHEMA_H
#define FIRN_QUERY_INFORMATION_SCHEMA_H
#include "query/query.h"

bool information_schema_is(fn_str database); /* in lower or in upper case */
/* The view of that name in either case, one reference; *out NULL: none. */
fn_status information_schema_table(query *q, fn_str database, fn_str name, table **out) FN_MUST_USE;
#endif
