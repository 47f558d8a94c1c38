/* expr/convert_internal.h - the parts of conversion: each fills an output for the rows of a FLAT column without
 * looking at rows that are NULL. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXPR_CONVERT_INTERNAL_H
#define FIRN_EXPR_CONVERT_INTERNAL_H
#include "expr/convert.h"

/* One conversion at work: in is FLAT of a base type, from/to are base types. lost: rows that did not convert (modes
 * OR_NULL, TEXT_OR_NULL), allocated on demand. */
typedef struct convert_job {
    fn_ctx *ctx;
    const fn_column *in;
    const fn_type *from, *to;
    const uint8_t *nulls;
    convert_mode mode;
    fn_buffer *lost;
} convert_job;

/* Marks row i as not converted; fails in the modes that fail. code and message are those of the failure. */
fn_status convert_lost(convert_job *j, uint32_t row, fn_status code, const char *message) FN_MUST_USE;
bool convert_is_number(const fn_type *t); /* numbers, enums, intervals, Time: what convert_number takes */
fn_status convert_number(convert_job *j, fn_column **out) FN_MUST_USE;
fn_status convert_date(convert_job *j, fn_column **out) FN_MUST_USE;
fn_status convert_from_text(convert_job *j, fn_column **out) FN_MUST_USE;
fn_status convert_to_text(convert_job *j, fn_column **out) FN_MUST_USE;
#endif
