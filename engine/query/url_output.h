/* query/url_output.h - inserted rows sent to a web server: INSERT INTO FUNCTION url(...) and tables of engine URL.
 *
 * One POST per insert (and partition), in chunks, with the format's content type; it begins with the first rows, so an insert without rows asks nothing. Bytes go
 * out while rows come: an insert that fails leaves a body that is cut, which servers refuse. It is not sent a second time, as ClickHouse does not.
 * Compressed as the last argument says or as the address ends, with Content-Encoding.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_URL_OUTPUT_H
#define FIRN_QUERY_URL_OUTPUT_H
#include "query/query.h"

/* The table INSERT INTO FUNCTION url(address [, format [, structure [, compression]]] [, headers(...)]) writes to. otherwise: columns if no structure is given;
 * NULL: that is an error. */
fn_status url_output_table(query *q, const ast_expr *call, const fn_schema *otherwise, table **out) FN_MUST_USE;
#endif
