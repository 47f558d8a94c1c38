/* check.c - the invariants of firn/column.h as code: for tests, fuzzers and the edges of untrusted formats.
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/column.h>

static fn_status broken(fn_ctx *ctx, const fn_column *c, const char *what)
{
    return fn_fail(ctx, FN_INCORRECT_DATA, "Column of type %s: %s", c->type ? c->type->name : "(none)", what);
}

static fn_status check_dict(fn_ctx *ctx, const fn_column *c)
{
    if (c->kid_count != 1) return broken(ctx, c, "dictionary shape without dictionary");
    const fn_column *d = c->kids[0];
    if (d->shape != FN_FLAT || d->nulls) return broken(ctx, c, "dictionary is not flat or has nulls");
    if (d->type != fn_type_strip_nullable(c->type)) return broken(ctx, c, "dictionary has another type");
    if (c->code_width != 1 && c->code_width != 2 && c->code_width != 4) return broken(ctx, c, "code width");
    for (uint32_t i = 0; i < c->rows; i++)
        if (fn_column_code(c, i) >= d->rows) return broken(ctx, c, "code beyond the dictionary");
    return fn_column_check(ctx, d);
}

static fn_status check_offsets(fn_ctx *ctx, const fn_column *c, size_t stored, uint64_t limit)
{
    if (!c->offsets) return stored ? broken(ctx, c, "no offsets") : FN_OK;
    for (size_t i = 0; i < stored; i++)
        if (c->offsets[i] > c->offsets[i + 1]) return broken(ctx, c, "offsets go back");
    return c->offsets[stored] > limit ? broken(ctx, c, "offset beyond the data") : FN_OK;
}

fn_status fn_column_check(fn_ctx *ctx, const fn_column *c)
{
    if (!c->type) return broken(ctx, c, "no type");
    if (c->nulls && !fn_type_is_nullable(c->type)) return broken(ctx, c, "nulls on a type without them");
    if (c->shape == FN_DICT) return check_dict(ctx, c);
    const size_t stored = c->shape == FN_CONST ? 1 : c->rows;
    const fn_type *base = fn_type_base(c->type);
    if (base->phys == FN_PHYS_STRING) {
        const uint64_t bytes = c->own[0] && c->values ? (uint64_t)(c->own[0]->data + c->own[0]->size - c->values) : UINT32_MAX;
        return check_offsets(ctx, c, stored, bytes);
    }
    if (base->phys == FN_PHYS_ARRAY) {
        if (c->kid_count != 1 || c->kids[0]->type != base->items) return broken(ctx, c, "items of another type");
        FN_TRY(check_offsets(ctx, c, stored, c->kids[0]->rows));
        return fn_column_check(ctx, c->kids[0]);
    }
    if (base->phys == FN_PHYS_TUPLE) {
        if (c->kid_count != base->arg_count) return broken(ctx, c, "number of fields");
        for (unsigned i = 0; i < c->kid_count; i++) {
            if (c->kids[i]->type != base->args[i]) return broken(ctx, c, "field of another type");
            if (c->kids[i]->rows < stored) return broken(ctx, c, "field with fewer rows");
            FN_TRY(fn_column_check(ctx, c->kids[i]));
        }
        return FN_OK;
    }
    if (base->phys != FN_PHYS_NOTHING && stored && !c->values) return broken(ctx, c, "no values");
    return FN_OK;
}
