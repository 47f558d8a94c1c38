/* function/utf8_case.h - letter case of code points and of whole columns. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_FUNCTION_UTF8_CASE_H
#define FIRN_FUNCTION_UTF8_CASE_H
#include "function/text_rows.h"
#include "function/utf8.h"

typedef enum letter_case { CASE_LOWER, CASE_UPPER } letter_case;

uint32_t utf8_case(uint32_t code, letter_case way); /* one code point for one; letters whose other case is longer stay */
/* All code points of the other case: 1 to 3 of them. */
unsigned utf8_case_full(uint32_t code, letter_case way, uint32_t out[3]);
/* Appends s in lower or upper case by the full rules; bytes that are not UTF-8 stay. */
fn_status utf8_case_text(fn_ctx *ctx, fn_str s, letter_case way, fn_buf *to) FN_MUST_USE;
/* A column for comparison without case: ASCII letters in lower case, or (utf8) code points by utf8_case; other bytes stay. */
fn_status text_fold(fn_ctx *ctx, const fn_column *c, bool utf8, fn_column **out) FN_MUST_USE;
#endif
