/* key_set.c - see key_set.h. SPDX-License-Identifier: Apache-2.0 */
#include "exec/key_set.h"

static int input_column(const plan *input, const expr *e)
{
    if (e->kind != EXPR_COLUMN) return -1;
    for (uint32_t i = 0; i < input->column_count; i++)
        if (input->columns[i].id == e->column) return (int)i;
    return -1;
}

fn_status key_set_init(fn_ctx *ctx, key_set *k, const plan *input, expr *const *keys, uint32_t count)
{
    *k = (key_set){.input_count = input->column_count, .key_count = count};
    k->types = FN_NEW_ARRAY(ctx, const fn_type *, input->column_count + count + 1);
    k->places = FN_NEW_ARRAY(ctx, uint32_t, count + 1);
    expr **computed = FN_NEW_ARRAY(ctx, expr *, count + 1);
    if (!k->types || !k->places || !computed) return ctx->error.code;
    for (uint32_t i = 0; i < input->column_count; i++) k->types[i] = input->columns[i].type;
    k->column_count = k->input_count;
    for (uint32_t i = 0; i < count; i++) {
        const int place = input_column(input, keys[i]);
        k->places[i] = place >= 0 ? (uint32_t)place : k->column_count;
        if (place >= 0) continue;
        computed[k->column_count - k->input_count] = keys[i];
        k->types[k->column_count++] = keys[i]->type;
    }
    if (k->column_count == k->input_count) return FN_OK;
    return exec_compile(ctx, input, computed, k->column_count - k->input_count, &k->program);
}

fn_status key_set_widen(fn_ctx *ctx, const key_set *k, const fn_block *in, fn_block **out)
{
    FN_DEBUG_ASSERT(in->count == k->input_count);
    if (!k->program) {
        *out = fn_block_ref(in);
        return FN_OK;
    }
    fn_block *wide = fn_block_new(ctx, k->column_count, in->rows);
    FN_TRY_PTR(ctx, wide);
    for (uint32_t i = 0; i < in->count; i++) wide->columns[i] = fn_column_ref(in->columns[i]);
    const fn_status status = expr_run(ctx, k->program, in, wide->columns + in->count);
    if (status != FN_OK) {
        fn_block_drop(wide);
        return status;
    }
    *out = wide;
    return FN_OK;
}
