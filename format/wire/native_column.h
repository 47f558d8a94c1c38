/* wire/native_column.h - column data of the Native format, and its input. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_NATIVE_COLUMN_H
#define FIRN_NATIVE_COLUMN_H
#include <firn/column.h>
#include <firn/stream.h>

/* Prefix and data of one column; nothing for zero rows. */
fn_status native_write_column(fn_ctx *ctx, const fn_column *c, fn_buf *out) FN_MUST_USE;

/* A buffered source with exact reads; every claim about sizes is checked by reading piece by piece. */
typedef struct native_in {
    fn_source *source;
    fn_buf window;
    size_t at;
    uint64_t offset; /* bytes consumed, for messages */
    fn_buf text;     /* the last string read */
    size_t expected; /* bytes of the strings of the column read next, 0: nobody knows; then of the one read */
} native_in;
void native_in_release(native_in *in);
fn_status native_at_end(native_in *in, fn_ctx *ctx, bool *end) FN_MUST_USE;
fn_status native_read_leb(native_in *in, fn_ctx *ctx, uint64_t *out) FN_MUST_USE;
fn_status native_read_bytes(native_in *in, fn_ctx *ctx, void *out, size_t size) FN_MUST_USE;
/* In ctx->arena; TOO_LARGE_STRING_SIZE over the limit. */
fn_status native_read_string(native_in *in, fn_ctx *ctx, size_t limit, fn_str *out) FN_MUST_USE;
/* size bytes appended to a buffer, in pieces so that a false size fails before it is allocated. */
fn_status native_read_into(native_in *in, fn_ctx *ctx, uint64_t size, fn_buf *out) FN_MUST_USE;
/* The same as a buffer of its own. */
fn_status native_read_buffer(native_in *in, fn_ctx *ctx, uint64_t size, fn_buffer **out) FN_MUST_USE;
/* Up to `rows` strings to a builder of strings, as many as lie whole in the window and have room in the builder; their number. What comes
 * next is read the slow way. */
uint32_t native_take_strings(native_in *in, uint32_t rows, fn_builder *b);
fn_status native_read_column(native_in *in, fn_ctx *ctx, const fn_type *type, uint32_t rows, fn_column **out) FN_MUST_USE;
#endif
