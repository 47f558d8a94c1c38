/* text/pretty_cell.h - the text of a value as tables for the eye show it. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TEXT_PRETTY_CELL_H
#define FIRN_TEXT_PRETTY_CELL_H
#include "text/text_writer.h"

/* NULL as small capitals; with `objects` named tuples as JSON over several lines. */
fn_status pretty_put_cell(fn_ctx *ctx, const fn_column *c, size_t row, const fn_text_options *o, bool objects, fn_buf *out) FN_MUST_USE;
/* " -- 1.23 million" for a number beyond the threshold whose text has been written; else nothing. */
fn_status pretty_put_tip(fn_ctx *ctx, const fn_column *c, size_t row, fn_str text, uint64_t threshold, fn_buf *out) FN_MUST_USE;
/* One row as Vertical has it: "name: value" lines. */
fn_status pretty_put_vertical(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row, bool objects) FN_MUST_USE;
/* A title and a line of the same width below it. */
fn_status pretty_put_title(fn_ctx *ctx, const char *title, fn_buf *out) FN_MUST_USE;
#endif
