/* query/format_input.h - readers over a stream for every input format, also for those that need the whole of it (Parquet).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_FORMAT_INPUT_H
#define FIRN_QUERY_FORMAT_INPUT_H
#include "query/query.h"
#include <firn/format.h>

/* FORMAT_IS_NOT_SUITABLE_FOR_INPUT (85) unless format_input_open takes it. */
fn_status format_input_check(fn_ctx *ctx, const fn_format *format) FN_MUST_USE;
/* As fn_format.open_reader. A format with random access is held in memory, charged to ctx->memory; columns whose type its reader
 * cannot deliver are cast. `schema` and `missing` outlive the reader. */
fn_status format_input_open(fn_ctx *ctx, const fn_format *format, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing,
                            fn_reader **out) FN_MUST_USE;
/* The settings for a reader that may use the engine's workers, as many as the statement may. */
void format_input_spread(const query *q, fn_format_settings *settings);
/* The schema of the data, as fn_format_infer. */
fn_status format_input_infer(fn_ctx *ctx, const fn_format *format, fn_str data, const fn_format_settings *s, fn_schema *out) FN_MUST_USE;
#endif
