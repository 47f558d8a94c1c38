/* query/file_output.h - results and inserted rows into a file: INTO OUTFILE and INSERT INTO FUNCTION file(...).
 *
 * The bytes go to "<name>.tmp<random>" beside the wanted file; commit syncs it and renames it, so that nobody sees half a file and
 * a failure leaves nothing. A name ending in .gz, .zst or .lz4 is compressed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_FILE_OUTPUT_H
#define FIRN_QUERY_FILE_OUTPUT_H
#include "query/query.h"
#include <firn/codec.h>
#include <firn/format.h>

typedef struct file_output {
    fn_sink base;          /* where to write */
    fn_fs *fs;
    fn_file *file;
    char *path, *temporary;
    fn_buf buffer;
    uint64_t written;
    fn_encoder *encoder;
    fn_sink raw;           /* behind the encoder */
} file_output;
/* append: the file's bytes come first. Texts in ctx->arena. */
fn_status file_output_open(fn_ctx *ctx, fn_fs *fs, fn_str path, bool append, file_output *out) FN_MUST_USE;
fn_status file_output_commit(fn_ctx *ctx, file_output *f) FN_MUST_USE;
void file_output_close(file_output *f); /* without commit: nothing remains */
fn_codec file_output_codec(fn_str path); /* by its ending */
/* The format of a new file: by name, or by the path if there is none or 'auto'. CANNOT_DETECT_FORMAT, UNKNOWN_FORMAT, NOT_IMPLEMENTED (it is read only). */
fn_status file_output_format(fn_ctx *ctx, fn_str name, fn_str path, const fn_format **out) FN_MUST_USE;

/* The table INSERT INTO FUNCTION file(path[, format[, structure]]) writes to. otherwise: columns if no structure is given. */
fn_status file_output_table(query *q, const ast_expr *call, const fn_schema *otherwise, table **out) FN_MUST_USE;
#endif
