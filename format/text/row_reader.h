/* text/row_reader.h - what readers of row formats share: a window over the source, one builder per column, blocks.
 *
 * A row function parses one row at in->at. When it runs into the end of the window before the end of the data, whatever
 * it appended is taken back, more is read and it is called again on the whole row: row functions need not care.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_ROW_READER_H
#define FIRN_ROW_READER_H
#include "text/infer.h"
#include "text/quick_field.h"
#include "type/type_text.h"
#include <firn/format.h>

typedef struct row_reader row_reader;
/* One row: append a value to every builder. *end: there is no further row (only space or the closing bracket). */
typedef fn_status row_fn(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end);
struct row_reader {
    fn_reader base; /* first */
    fn_source *in;
    fn_schema schema;
    fn_format_settings settings;
    fn_builder *builders;
    bool *missing;      /* out: columns without data; may be NULL */
    struct row_room {
        size_t values, offsets, nulls;
    } *room;            /* of a piece, per builder: what its last block took */
    size_t block_bytes; /* text of that block */
    fn_buf window;
    size_t at;          /* consumed bytes of the window */
    bool ended;         /* the source is */
    bool done;          /* the rows are */
    uint64_t rows, errors;
    row_fn *row;
    row_fn *head;       /* called once before the first row (header lines); may be NULL */
    bool (*skip)(fn_text_in *in); /* moves behind a bad row; NULL: errors cannot be allowed */
    unsigned flavour;
    int *columns;       /* position in the data -> column, -1 unknown; set by header lines */
    uint32_t column_count;
    bool *seen;         /* columns that have data: of the header, or with `keyed` of the row being read */
    bool *block_seen;   /* keyed: those of the rows of this block, which all have the same ones */
    bool keyed;         /* every row names its columns (JSONEachRow, TSKV); a row with other columns begins a new block */
    const char *(*boundary)(const char *begin, const char *from, const char *end); /* row_pieces.h; NULL: rows are parsed by one thread */
    struct row_pieces *pieces; /* made when the first are cut */
    bool pieces_end;    /* there will be no more of them */
    bool in_array;      /* JSONEachRow: the rows stand in brackets */
    bool is_piece;      /* reads a piece: rows alone, nothing that closes the data */
    quick_style style;  /* of the fields that quick_row or quick_members may take */
    quick_fields *quick; /* made before the first row */
    size_t row_at;      /* where the row just read begins in the window */
    fn_buf scratch;
};
fn_status row_reader_new(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing, row_fn *row,
                         row_reader **out) FN_MUST_USE;
/* Reads into the window, which may move, at most `want` bytes; r->ended: nothing came. */
fn_status row_reader_read(row_reader *r, fn_ctx *ctx, size_t want) FN_MUST_USE;
fn_status row_reader_more(row_reader *r, fn_ctx *ctx) FN_MUST_USE; /* the same, as much as the window has */
/* Appends defaults to the columns that got no value for the row being read. */
fn_status row_reader_fill(row_reader *r, fn_ctx *ctx) FN_MUST_USE;
/* Sets r->columns from names; unknown names are an error unless skip_unknown_fields. */
fn_status row_reader_bind(row_reader *r, fn_ctx *ctx, const fn_str *names, uint32_t count) FN_MUST_USE;
bool row_skip_line(fn_text_in *in);
/* Failures that are not the row's: reading it in another way, skipping it or reading on would hide them. */
static inline bool row_is_hopeless(fn_status status)
{
    return status == FN_MEMORY_LIMIT_EXCEEDED || status == FN_CANNOT_ALLOCATE_MEMORY || status == FN_TIMEOUT_EXCEEDED || status == FN_QUERY_WAS_CANCELLED;
}
void row_skip_lines(fn_text_in *in, uint64_t count);

/* What stands before the rows: lines to skip, names, types. `row` reads one line of fields. With `detect` a first line whose
 * fields are all names of columns is a header, and a second one of their types as well. */
typedef struct row_header {
    fn_status (*row)(fn_ctx *ctx, const fn_format_settings *s, fn_text_in *in, infer_fields *fields, bool *end);
    uint64_t skip_lines;
    bool names, types, detect;
} row_header;
fn_status row_reader_header(row_reader *r, fn_ctx *ctx, fn_text_in *in, const row_header *h, bool *end) FN_MUST_USE;
#endif
