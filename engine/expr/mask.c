/* mask.c - a condition column as mask bytes, by shape: constants fill, dictionaries test their entries once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/node.h"
#include "kernel/kernel.h"
#include <firn/wide.h>

static fn_status not_condition(fn_ctx *ctx, const fn_type *t)
{
    return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_COLUMN_FOR_FILTER,
                   "Illegal type %s of column for filter. Must be a number, or Nullable of it", t->name);
}

/* Values of a flat column of n stored rows: 0/1 bytes. */
static fn_status truth(fn_ctx *ctx, const fn_column *c, size_t n, uint8_t *mask)
{
    const fn_type *t = fn_type_base(c->type);
    static const uint8_t zero[32] = {0};
    if (t->id == FN_T_NOTHING) {
        memset(mask, 0, n);
        return FN_OK;
    }
    if (!fn_type_is_number(t)) return not_condition(ctx, t);
    const int k = kern_type(t->phys);
    if (t->id == FN_T_BOOL) {
        memcpy(mask, c->values, n);
    } else if (k >= 0) {
        kern.compare[KERN_NE][k][KERN_VC](c->values, zero, mask, n);
    } else {
        for (size_t i = 0; i < n; i++) mask[i] = memcmp(c->values + i * t->width, zero, t->width) != 0;
    }
    return FN_OK;
}

fn_status expr_mask_of(fn_ctx *ctx, const fn_column *c, uint32_t rows, uint8_t *mask, uint32_t *ones)
{
    if (c->shape == FN_CONST) {
        uint8_t one = 0;
        if (!fn_column_is_null(c, 0)) FN_TRY(truth(ctx, c, 1, &one));
        memset(mask, one, rows);
        *ones = one ? rows : 0;
        return FN_OK;
    }
    if (c->shape == FN_DICT) {
        const uint32_t size = c->kids[0]->rows;
        uint8_t *entry = fn_alloc(ctx, (size_t)size + 64);
        FN_TRY_PTR(ctx, entry);
        const fn_status status = truth(ctx, c->kids[0], size, entry);
        for (uint32_t i = 0; status == FN_OK && i < rows; i++) mask[i] = entry[fn_column_code(c, i)];
        fn_free(entry);
        FN_TRY(status);
    } else {
        FN_TRY(truth(ctx, c, rows, mask));
    }
    if (c->nulls) kern.mask_and_not(mask, c->nulls, rows);
    *ones = (uint32_t)kern.mask_count(mask, rows);
    return FN_OK;
}
