/* text/text_writer.h - what writers share: buffered output, blocks made flat row by row. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TEXT_WRITER_H
#define FIRN_TEXT_WRITER_H
#include "type/type_text.h"
#include <firn/format.h>

typedef struct text_writer text_writer;
/* One row of a block whose columns are flat (or constant). */
typedef fn_status text_row_fn(text_writer *w, fn_ctx *ctx, const fn_block *block, uint32_t row);
struct text_writer {
    fn_writer base; /* first */
    fn_sink *out;
    fn_schema schema;
    fn_format_settings settings;
    fn_buf buf;
    text_row_fn *row;
    uint64_t rows;        /* written so far */
    unsigned flavour;     /* the format's own: with names, compact ... */
    fn_buf kept;          /* the format's own memory */
    fn_arena *arena;      /* of the schema's copy */
};

/* Allocates `size` (>= sizeof text_writer) zeroed, with block/close set up for row-wise formats; the caller sets finish. */
fn_status text_writer_new(fn_ctx *ctx, size_t size, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, text_row_fn *row,
                          text_writer **writer) FN_MUST_USE;
fn_status text_writer_flush(text_writer *w, fn_ctx *ctx, size_t least) FN_MUST_USE; /* sends the buffer if it has at least so many bytes */
fn_status text_writer_end(fn_writer *w, fn_ctx *ctx, const fn_format_stats *stats) FN_MUST_USE; /* plain finish: sends what is left */
void text_writer_close(fn_writer *w);
fn_status text_writer_block(fn_writer *w, fn_ctx *ctx, const fn_block *block) FN_MUST_USE;
/* The columns flat or constant, ready for row access; drop with fn_block_drop. */
fn_status text_flat_block(fn_ctx *ctx, const fn_block *in, fn_block **out) FN_MUST_USE;
/* Value (row, column) in a style. */
static inline fn_status text_put_value(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row, uint32_t column, fn_text_style style)
{
    return fn_text_write(ctx, b->columns[column], row, style, &w->settings.text, &w->buf);
}
/* Format rows, one per file. */
extern const fn_format format_tsv, format_tsv_names, format_tsv_types, format_tsv_raw, format_tsv_raw_names, format_tsv_raw_types, format_tskv, format_csv, format_csv_names,
    format_csv_types, format_json, format_json_compact, format_json_strings, format_json_each_row, format_json_compact_each_row,
    format_json_compact_each_row_names, format_json_compact_each_row_types, format_json_strings_each_row, format_json_columns, format_values, format_native,
    format_row_binary, format_row_binary_names, format_row_binary_types, format_pretty, format_pretty_compact, format_pretty_space, format_pretty_compact_mono,
    format_pretty_no_escapes, format_vertical, format_markdown, format_null, format_line_as_string, format_raw_blob, format_xml, format_json_compact_strings, format_pretty_json_each_row, format_json_object_each_row, format_json_each_row_progress, format_json_strings_each_row_progress, format_json_compact_strings_each_row, format_json_compact_strings_each_row_names, format_json_compact_strings_each_row_types, format_json_compact_columns, format_json_columns_meta,
    format_sql_insert, format_custom, format_custom_names, format_custom_types, format_form, format_parquet;
#endif
