/* mergetree/scan_explain.h - EXPLAIN indexes = 1: what the indexes of a table leave of its granules. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_MT_SCAN_EXPLAIN_H
#define FIRN_MT_SCAN_EXPLAIN_H
#include "table/mergetree/mergetree.h"

/* For a table of the MergeTree family (mt_is). The lines ClickHouse prints below "Indexes:", each indented by `indent` blanks: the
 * primary key, then each skip index that is asked, then the ranges of columns that every part has (firn's own). */
fn_status mt_explain_indexes(fn_ctx *ctx, table_snapshot *snapshot, const table_scan_request *request, unsigned indent, fn_buf *out) FN_MUST_USE;
#endif
