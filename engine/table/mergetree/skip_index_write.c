/* skip_index_write.c - the data of an index while its part is written: the values of each block, cut where an entry of the index
 * ends. SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/skip_index.h"

struct mt_index_out {
    const mt_index *ix;
    const expr_program *program;
    fn_skip_writer *writer;
    fn_column **values;   /* of the block at hand */
    fn_buf *pieces;       /* per value: fn_column * of the entry at hand */
    uint32_t rows;        /* in pieces */
    fn_buf hashes;
};

static void drop_pieces(mt_index_out *x)
{
    for (uint32_t i = 0; i < x->ix->value_count && x->pieces; i++) {
        for (size_t at = 0; at < x->pieces[i].size; at += sizeof(fn_column *)) {
            fn_column *piece;
            memcpy(&piece, x->pieces[i].data + at, sizeof piece);
            fn_column_drop(piece);
        }
        x->pieces[i].size = 0;
    }
    x->rows = 0;
}

static void drop_values(mt_index_out *x)
{
    for (uint32_t i = 0; i < x->ix->value_count && x->values; i++) {
        fn_column_drop(x->values[i]);
        x->values[i] = NULL;
    }
}

void mt_index_out_free(mt_index_out *x)
{
    if (!x) return;
    drop_pieces(x);
    drop_values(x);
    for (uint32_t i = 0; i < x->ix->value_count && x->pieces; i++) fn_buf_release(&x->pieces[i]);
    fn_buf_release(&x->hashes);
    fn_skip_writer_free(x->writer);
    fn_free(x->pieces);
    fn_free(x->values);
    fn_free(x);
}

fn_status mt_index_out_new(fn_ctx *ctx, const mt_shape *shape, uint32_t index, mt_index_out **out)
{
    mt_index_out *x = fn_alloc_zero(ctx, sizeof *x);
    FN_TRY_PTR(ctx, x);
    x->ix = &shape->definition->indexes[index];
    x->program = shape->index_programs[index];
    x->values = fn_alloc_zero(ctx, sizeof *x->values * (x->ix->value_count + 1));
    x->pieces = fn_alloc_zero(ctx, sizeof *x->pieces * (x->ix->value_count + 1));
    fn_status status = x->values && x->pieces ? FN_OK : ctx->error.code;
    if (status == FN_OK) status = fn_skip_writer_new(ctx, &x->ix->shape, &x->writer);
    if (status == FN_OK) *out = x;
    else mt_index_out_free(x);
    return status;
}

static fn_status add_hashes(fn_ctx *ctx, mt_index_out *x, fn_column *const *values)
{
    x->hashes.size = 0;
    for (uint32_t i = 0; i < x->ix->value_count; i++) FN_TRY(skip_hash_column(ctx, x->ix, i, values[i], &x->hashes));
    return fn_skip_writer_hashes(ctx, x->writer, (uint64_t *)(void *)x->hashes.data, x->hashes.size / sizeof(uint64_t));
}

/* The entry at hand is complete. */
static fn_status close_entry(fn_ctx *ctx, mt_index_out *x)
{
    fn_column *whole[FN_SKIP_VALUES_MAX] = {0};
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < x->ix->value_count && status == FN_OK; i++) {
        const size_t count = x->pieces[i].size / sizeof(fn_column *);
        whole[i] = fn_column_concat(ctx, (fn_column *const *)(void *)x->pieces[i].data, count);
        if (!whole[i]) status = ctx->error.code;
    }
    if (status == FN_OK)
        status = x->ix->shape.form == FN_SKIP_FILTERS ? add_hashes(ctx, x, whole) : fn_skip_writer_values(ctx, x->writer, whole, x->rows);
    for (uint32_t i = 0; i < x->ix->value_count; i++) fn_column_drop(whole[i]);
    drop_pieces(x);
    return status;
}

static fn_status add_piece(fn_ctx *ctx, mt_index_out *x, uint32_t from, uint32_t rows)
{
    for (uint32_t i = 0; i < x->ix->value_count; i++) {
        fn_column *piece = fn_column_slice(ctx, x->values[i], from, rows);
        FN_TRY_PTR(ctx, piece);
        const fn_status status = fn_buf_append(ctx, &x->pieces[i], &piece, sizeof piece);
        if (status != FN_OK) fn_column_drop(piece);
        FN_TRY(status);
    }
    x->rows += rows;
    return FN_OK;
}

fn_status mt_index_out_write(fn_ctx *ctx, mt_index_out *x, const fn_block *stored)
{
    const uint64_t whole = (uint64_t)x->ix->granularity * FN_GRANULE_ROWS;
    if (stored->rows == 0) return FN_OK;
    fn_status status = expr_run(ctx, x->program, stored, x->values);
    for (uint32_t i = 0; i < x->ix->value_count && status == FN_OK; i++) {
        const fn_phys phys = fn_type_base(x->values[i]->type)->phys;
        if (phys != FN_PHYS_ARRAY && phys != FN_PHYS_TUPLE) continue;
        fn_column *flat = fn_column_flatten(ctx, x->values[i]); /* nested values are copied out of flat columns */
        if (!flat) status = ctx->error.code;
        if (flat) fn_column_drop(x->values[i]);
        if (flat) x->values[i] = flat;
    }
    for (uint32_t at = 0; at < stored->rows && status == FN_OK;) {
        const uint32_t rows = (uint32_t)FN_MIN((uint64_t)stored->rows - at, whole - x->rows);
        status = add_piece(ctx, x, at, rows);
        at += rows;
        if (status == FN_OK && x->rows == whole) status = close_entry(ctx, x);
    }
    drop_values(x);
    return status;
}

fn_status mt_index_out_finish(fn_ctx *ctx, mt_index_out *x, fn_part_writer *writer)
{
    fn_buf bytes = FN_BUF_INIT;
    fn_status status = x->rows ? close_entry(ctx, x) : FN_OK;
    if (status == FN_OK) status = fn_skip_writer_finish(ctx, x->writer, &bytes);
    if (status == FN_OK) status = fn_part_writer_attach(ctx, writer, x->ix->id, bytes.data, bytes.size);
    fn_buf_release(&bytes);
    return status;
}
