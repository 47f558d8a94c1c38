/* function/choose.h - putting columns together row by row. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_FUNCTION_CHOOSE_H
#define FIRN_FUNCTION_CHOOSE_H
#include "function/family.h"

/* out[i] = parts[which[i]][i]; parts are converted to `type`. count <= 255. */
fn_status choose_rows(fn_ctx *ctx, fn_column *const *parts, uint32_t count, const uint8_t *which, const fn_type *type, uint32_t rows, fn_column **out) FN_MUST_USE;
#endif
