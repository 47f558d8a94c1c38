/* exec/key_set.h - key expressions of a sink: what is not a plain column of the input is computed once, when a block arrives, and
 * kept beside the input's columns. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_KEY_SET_H
#define FIRN_EXEC_KEY_SET_H
#include "exec/op.h"

typedef struct key_set {
    uint32_t input_count;   /* columns of the input's blocks */
    uint32_t column_count;  /* with those computed */
    const fn_type **types;  /* of all of them */
    uint32_t key_count;
    uint32_t *places;       /* key i is column places[i] of the widened block */
    expr_program *program;  /* computes columns input_count .. column_count-1; NULL: none */
} key_set;

/* Everything is in ctx->arena: call while building. */
fn_status key_set_init(fn_ctx *ctx, key_set *k, const plan *input, expr *const *keys, uint32_t count) FN_MUST_USE;
/* The block with the computed columns behind its own: one new reference. */
fn_status key_set_widen(fn_ctx *ctx, const key_set *k, const fn_block *in, fn_block **out) FN_MUST_USE;
#endif
