/* firn/format.h - text and wire formats by name: blocks to bytes and back.
 * One file per format (family) in format/text or format/wire, with its row at the foot; the list of rows is
 * format/text/format_list.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_FORMAT_H
#define FIRN_FORMAT_H
#include <firn/block.h>
#include <firn/stream.h>

/* Values: what to do with an item that is not a plain literal ("now() + 1"). The layer above evaluates the SQL
 * expression at in->at, appends the value to `out` and leaves in->at behind it (at ',' or ')'). */
typedef struct fn_value_eval fn_value_eval;
struct fn_value_eval {
    fn_status (*eval)(fn_value_eval *self, fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_builder *out);
};

/* What schema inference looks at (input_format_..., schema_inference_...). Texts are borrowed. */
typedef struct fn_infer_options {
    uint64_t rows_max;
    fn_str hints;          /* "a UInt8, b String": types that are not inferred */
    fn_str column_names;   /* "p, q": names for formats without names */
    uint8_t nullable;      /* 0 never, 1 always, 2 columns with NULL among the rows looked at */
    bool integers, dates, datetimes, only_datetime64, exponent_floats;
    bool csv_best_effort, tsv_best_effort;
    bool csv_detect_header, tsv_detect_header, custom_detect_header; /* also obeyed when reading */
    bool json_numbers_from_strings, json_named_tuples, json_numbers_as_strings, json_bools_as_numbers, json_bools_as_strings;
} fn_infer_options;

typedef struct fn_pretty_options {
    uint64_t max_rows;               /* 1000; the middle of longer results is left out */
    uint64_t max_pad_width, max_value_width;
    uint64_t tip_threshold;          /* numbers beyond get a readable form beside the table */
    uint64_t footer_min_rows;        /* 0: names are not repeated below */
    uint64_t vertical_min_columns, vertical_min_width, vertical_max_rows; /* 0 columns: never */
    bool row_numbers, ascii, multiline;
} fn_pretty_options;

typedef struct fn_custom_options {
    fn_text_style style;             /* of format_custom_escaping_rule; PLAIN: Raw */
    fn_str field_delimiter, row_before, row_after, row_between, result_before, result_after;
} fn_custom_options;

typedef struct fn_sql_insert_options {
    uint64_t batch_rows;
    fn_str table;
    bool names, replace, quote;
} fn_sql_insert_options;

typedef struct fn_format_settings {
    fn_value_eval *eval;             /* may be NULL: then such an item is an error */
    fn_text_options text;
    uint64_t max_block_rows;         /* input: rows per block, default 65,409 */
    uint32_t native_revision;        /* client_protocol_version; 0 = oldest, also for all inserts */
    uint64_t errors_allowed;         /* input_format_allow_errors_num */
    double errors_allowed_ratio;
    bool write_statistics;           /* output_format_write_statistics */
    bool with_names_use_header;      /* input: match columns by header name, default true */
    bool json_array_of_rows;         /* output_format_json_array_of_rows */
    bool json_exception_in_output;   /* http_write_exception_in_output_format */
    bool csv_crlf, tsv_crlf;         /* output: lines end with CR LF */
    bool csv_tuples_apart;           /* a tuple of CSV output is several fields; default true */
    fn_pretty_options pretty;
    fn_custom_options custom;
    fn_sql_insert_options sql_insert;
    bool markdown_escape;
    fn_infer_options infer;
    uint64_t csv_skip_lines, tsv_skip_lines; /* input: lines before the data */
    struct fn_pool *workers;         /* input: rows are parsed on them, in pieces of piece_bytes, worker_count at a time; NULL: by the caller */
    unsigned worker_count;
    uint64_t piece_bytes;
} fn_format_settings;
void fn_format_settings_default(fn_format_settings *s);

/* What the end of a result knows (JSON's "rows", "statistics", totals). */
typedef struct fn_format_stats {
    uint64_t rows_before_limit;
    bool has_rows_before_limit;
    uint64_t rows_read, bytes_read;
    uint64_t elapsed_ns;
    const fn_block *totals;   /* WITH TOTALS row, or NULL */
    const fn_block *extremes; /* 2 rows, or NULL */
} fn_format_stats;

typedef struct fn_writer fn_writer;
struct fn_writer {
    fn_status (*block)(fn_writer *self, fn_ctx *ctx, const fn_block *block);
    fn_status (*finish)(fn_writer *self, fn_ctx *ctx, const fn_format_stats *stats);
    /* Puts an exception into valid output (JSON formats with the setting on); NULL where the format has no place for it. */
    fn_status (*exception)(fn_writer *self, fn_ctx *ctx, fn_str message);
    void (*close)(fn_writer *self);
};

typedef struct fn_reader fn_reader;
struct fn_reader {
    /* The next block in the order of the schema given at open; *out = NULL at the end. The caller owns the block.
     * Errors name row and column as ClickHouse does: "(at row 3)". */
    fn_status (*next)(fn_reader *self, fn_ctx *ctx, fn_block **out);
    void (*close)(fn_reader *self);
};

typedef struct fn_format fn_format;
struct fn_format {
    const char *name;           /* "JSONEachRow" */
    const char *const *aliases; /* NULL-terminated or NULL; names are matched without case */
    const char *content_type;   /* of the HTTP answer */
    const char *about;
    /* Output; NULL = input only. The header (names, types, JSON meta) may be written at open or with the first block. */
    fn_status (*open_writer)(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s,
                             fn_writer **writer);
    /* Input; NULL = output only. Columns absent from the data get the type's default and, when missing != NULL,
     * missing[i] is set: the caller then computes the DEFAULT expression. */
    fn_status (*open_reader)(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing,
                             fn_reader **reader);
    /* Schema inference over the first bytes (borrowed, may be cut); fields in ctx->arena. NULL = not possible. Call it through
     * fn_format_infer. */
    fn_status (*infer)(fn_ctx *ctx, fn_str head, bool complete, const fn_format_settings *s, fn_schema *out);
    bool random_access; /* reads need a blob (Parquet): use fn_parquet.h instead of open_reader */
};
/* The schema of data that begins with `head` (complete: that is all). CANNOT_EXTRACT_TABLE_STRUCTURE (636) with the reason;
 * BAD_ARGUMENTS (36) for a format that cannot do it. */
fn_status fn_format_infer(fn_ctx *ctx, const fn_format *format, fn_str head, bool complete, const fn_format_settings *s, fn_schema *out) FN_MUST_USE;
const fn_format *fn_format_find(fn_str name); /* NULL if unknown */
const fn_format *fn_format_at(size_t index);  /* NULL behind the last */
const fn_format *fn_format_by_path(fn_str path); /* from the file name's ending ("x.csv.gz" -> CSV); NULL if unknown */
#endif
