/* text/json_text.h - what the JSON formats share: values with and without indentation, meta, totals, figures; tokens of input.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TEXT_JSON_TEXT_H
#define FIRN_TEXT_JSON_TEXT_H
#include "text/row_reader.h"
#include "text/text_writer.h"

enum { JSON_WITH_NAMES = 1, JSON_WITH_TYPES = 2, JSON_STRINGS = 4, JSON_COMPACT = 8, JSON_COLUMNS = 16, JSON_PRETTY = 32, JSON_PROGRESS = 64, JSON_DOCUMENT = 128 };

/* ---- output; w->flavour has the flags above ---- */
fn_status json_put_name(text_writer *w, fn_ctx *ctx, fn_str name) FN_MUST_USE; /* "name" */
/* One value; with JSON_STRINGS its text as a string. */
fn_status json_put_value(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row, uint32_t column) FN_MUST_USE;
/* A value over several lines, as JSON and PrettyJSONEachRow have it; `unit` is one step of indentation, `depth` that of the line. */
fn_status json_put_pretty(fn_ctx *ctx, const fn_column *c, size_t row, const fn_text_options *o, const char *unit, unsigned depth, fn_buf *out) FN_MUST_USE;
fn_status json_put_meta(text_writer *w, fn_ctx *ctx, const char *data_open) FN_MUST_USE; /* up to "data": and the bracket */
/* Totals, extremes, rows, statistics and the closing brace. */
fn_status json_put_tail(text_writer *w, fn_ctx *ctx, const fn_format_stats *stats) FN_MUST_USE;
/* A row at an indentation: an object over several lines, or a list when compact. */
fn_status json_put_record(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row, const char *indent) FN_MUST_USE;
fn_status json_exception(fn_writer *base, fn_ctx *ctx, fn_str message) FN_MUST_USE;

/* ---- input ---- */
fn_status json_expected(fn_ctx *ctx, const fn_text_in *in, const char *what) FN_MUST_USE;
bool json_take(fn_text_in *in, char c);       /* behind c if it is next after space */
bool json_skip_value(fn_text_in *in);         /* behind any value; false: cut or broken */
bool json_between_rows(fn_text_in *in);       /* behind space, commas, semicolons; true at the end */
bool json_skip_row(fn_text_in *in);           /* behind the line of a bad row; line breaks that only separate rows are not its own */
fn_status json_take_key(fn_ctx *ctx, fn_text_in *in, const fn_text_options *o, text_token *key) FN_MUST_USE; /* "key": ; release it, also on failure */
/* A value for column c of the reader. */
fn_status json_take_value(row_reader *r, fn_ctx *ctx, fn_text_in *in, int c) FN_MUST_USE;
/* The fields of an object, or of a list, as one row. */
fn_status json_take_object(row_reader *r, fn_ctx *ctx, fn_text_in *in) FN_MUST_USE;
fn_status json_take_list(row_reader *r, fn_ctx *ctx, fn_text_in *in) FN_MUST_USE;
/* The list behind "meta": names and types; fields in ctx->arena. */
fn_status json_take_meta(fn_ctx *ctx, fn_text_in *in, const fn_text_options *o, fn_schema *out) FN_MUST_USE;
/* Adds one object's fields to the columns. */
fn_status json_infer_object(fn_ctx *ctx, const fn_format_settings *s, fn_text_in *in, bool strings, infer_columns *columns) FN_MUST_USE;
/* Rows of objects until the end, as in JSONEachRow. */
fn_status json_infer_objects(fn_ctx *ctx, fn_text_in *in, bool complete, const fn_format_settings *s, bool strings, fn_schema *out) FN_MUST_USE;
#endif
