/* reshape.c - slices, concatenation, retyping, dictionary encoding: new columns that share what they can.
 * SPDX-License-Identifier: Apache-2.0 */
#include "column/column_make.h"
#include <string.h>

fn_column *fn_column_slice(fn_ctx *ctx, const fn_column *c, size_t from, uint32_t rows)
{
    FN_ASSERT(from + rows <= c->rows);
    if (from == 0 && rows == c->rows) return fn_column_ref(c);
    fn_column *out = column_shallow(ctx, c, c->type, rows);
    if (!out || c->shape == FN_CONST) return out;
    if (c->nulls) out->nulls = c->nulls + from;
    if (c->shape == FN_DICT) out->values = c->values + from * c->code_width;
    else if (c->offsets) out->offsets = c->offsets + from;
    else if (c->values) out->values = c->values + from * c->type->width;
    if (c->shape == FN_DICT || c->type->phys != FN_PHYS_TUPLE) return out;
    for (unsigned i = 0; i < c->kid_count; i++) {
        fn_column *kid = fn_column_slice(ctx, c->kids[i], from, rows);
        if (!kid) {
            fn_column_drop(out);
            return NULL;
        }
        fn_column_drop(out->kids[i]);
        out->kids[i] = kid;
    }
    return out;
}

fn_column *fn_column_retype(fn_ctx *ctx, const fn_column *c, const fn_type *type)
{
    if (c->type == type) return fn_column_ref(c);
    FN_DEBUG_ASSERT(c->type->phys == type->phys && c->type->width == type->width);
    fn_column *out = column_shallow(ctx, c, type, c->rows);
    if (!out) return NULL;
    if (out->shape == FN_DICT) { /* the dictionary's own type follows, without Nullable */
        const fn_type *entry = fn_type_strip_nullable(type);
        if (out->kids[0]->type != entry) {
            fn_column *kid = fn_column_retype(ctx, c->kids[0], entry);
            if (!kid) {
                fn_column_drop(out);
                return NULL;
            }
            fn_column_drop(out->kids[0]);
            out->kids[0] = kid;
        }
        return out;
    }
    const fn_type *base = fn_type_base(type);
    for (unsigned i = 0; i < out->kid_count; i++) { /* Array, Map, Tuple: items follow */
        const fn_type *item = base->phys == FN_PHYS_ARRAY ? base->items : base->args[i];
        if (out->kids[i]->type == item) continue;
        fn_column *kid = fn_column_retype(ctx, c->kids[i], item);
        if (!kid) {
            fn_column_drop(out);
            return NULL;
        }
        fn_column_drop(out->kids[i]);
        out->kids[i] = kid;
    }
    return out;
}

fn_column *fn_column_with_nulls(fn_ctx *ctx, const fn_column *c, const fn_type *type, fn_buffer *nulls_take)
{
    fn_column *out = column_shallow(ctx, c, type, c->rows);
    if (!out) {
        fn_buffer_drop(nulls_take);
        return NULL;
    }
    fn_buffer_drop(out->own[2]);
    out->own[2] = nulls_take;
    out->nulls = nulls_take ? nulls_take->data : NULL;
    return out;
}

static bool same_dictionary(fn_column *const *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (parts[i]->shape != FN_DICT || parts[i]->kids[0] != parts[0]->kids[0] ||
            parts[i]->code_width != parts[0]->code_width)
            return false;
    return true;
}

static fn_status concat_nulls(fn_ctx *ctx, fn_column *const *parts, size_t count, uint32_t rows, fn_buffer **out)
{
    *out = NULL;
    bool any = false;
    for (size_t i = 0; i < count; i++) any |= parts[i]->nulls != NULL;
    if (!any) return FN_OK;
    *out = fn_buffer_new_zero(ctx, rows);
    FN_TRY_PTR(ctx, *out);
    uint8_t *to = (*out)->data;
    for (size_t i = 0; i < count; i++) {
        if (parts[i]->nulls) memcpy(to, parts[i]->nulls, parts[i]->rows);
        to += parts[i]->rows;
    }
    return FN_OK;
}

static fn_buffer *concat_values(fn_ctx *ctx, fn_column *const *parts, size_t count, uint32_t rows, size_t width)
{
    fn_buffer *b = fn_buffer_new(ctx, rows * width);
    if (!b) return NULL;
    uint8_t *to = b->data;
    for (size_t i = 0; i < count; i++) {
        if (parts[i]->rows) memcpy(to, parts[i]->values, parts[i]->rows * width);
        to += parts[i]->rows * width;
    }
    return b;
}

/* Joined offsets, beginning at 0. Fails beyond 4 GiB. */
static fn_status concat_offsets(fn_ctx *ctx, fn_column *const *parts, size_t count, uint32_t rows, fn_buffer **out)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++)
        if (parts[i]->rows) total += parts[i]->offsets[parts[i]->rows] - parts[i]->offsets[0];
    if (total > UINT32_MAX)
        return fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "Column chunk is too large: %llu bytes or items, maximum is 4 GiB",
                       (unsigned long long)total);
    fn_buffer *b = fn_buffer_new(ctx, ((size_t)rows + 1) * sizeof(uint32_t));
    FN_TRY_PTR(ctx, b);
    uint32_t *to = (uint32_t *)(void *)b->data, at = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t *from = parts[i]->offsets;
        for (uint32_t r = 0; r < parts[i]->rows; r++) *to++ = at + (from[r] - from[0]);
        if (parts[i]->rows) at += from[parts[i]->rows] - from[0];
    }
    *to = at;
    *out = b;
    return FN_OK;
}

static fn_status concat_strings(fn_ctx *ctx, fn_column *const *parts, size_t count, fn_column *out)
{
    fn_buffer *offsets;
    FN_TRY(concat_offsets(ctx, parts, count, out->rows, &offsets));
    out->own[1] = offsets;
    out->offsets = (const uint32_t *)(const void *)offsets->data;
    fn_buffer *bytes = fn_buffer_new(ctx, out->offsets[out->rows]);
    FN_TRY_PTR(ctx, bytes);
    out->own[0] = bytes;
    out->values = bytes->data;
    uint8_t *to = bytes->data;
    for (size_t i = 0; i < count; i++) {
        if (!parts[i]->rows) continue;
        const uint32_t first = parts[i]->offsets[0], size = parts[i]->offsets[parts[i]->rows] - first;
        if (size) memcpy(to, parts[i]->values + first, size);
        to += size;
    }
    return FN_OK;
}

/* Kid k of all parts joined; arrays give only the items their rows cover. */
static fn_status concat_kid(fn_ctx *ctx, fn_column *const *parts, size_t count, unsigned k, fn_column *out)
{
    fn_column **kids = fn_alloc_zero(ctx, count * sizeof *kids);
    FN_TRY_PTR(ctx, kids);
    fn_status status = FN_OK;
    for (size_t i = 0; i < count && status == FN_OK; i++) {
        const fn_column *p = parts[i];
        if (p->type->phys != FN_PHYS_ARRAY) kids[i] = fn_column_ref(p->kids[k]);
        else if (p->rows) kids[i] = fn_column_slice(ctx, p->kids[0], p->offsets[0], p->offsets[p->rows] - p->offsets[0]);
        else kids[i] = fn_column_slice(ctx, p->kids[0], 0, 0);
        if (!kids[i]) status = ctx->error.code;
    }
    if (status == FN_OK) {
        out->kids[k] = fn_column_concat(ctx, kids, count);
        if (!out->kids[k]) status = ctx->error.code;
    }
    for (size_t i = 0; i < count; i++) fn_column_drop(kids[i]);
    fn_free(kids);
    return status;
}

static fn_status concat_flat(fn_ctx *ctx, fn_column *const *parts, size_t count, fn_column *out)
{
    const fn_type *type = out->type;
    FN_TRY(concat_nulls(ctx, parts, count, out->rows, &out->own[2]));
    out->nulls = out->own[2] ? out->own[2]->data : NULL;
    if (type->phys == FN_PHYS_STRING) return concat_strings(ctx, parts, count, out);
    if (type->phys == FN_PHYS_NOTHING) return FN_OK;
    if (type->phys == FN_PHYS_ARRAY) {
        FN_TRY(concat_offsets(ctx, parts, count, out->rows, &out->own[1]));
        out->offsets = (const uint32_t *)(const void *)out->own[1]->data;
    }
    if (type->phys == FN_PHYS_ARRAY || type->phys == FN_PHYS_TUPLE) {
        for (unsigned k = 0; k < out->kid_count; k++) FN_TRY(concat_kid(ctx, parts, count, k, out));
        return FN_OK;
    }
    out->own[0] = concat_values(ctx, parts, count, out->rows, type->width);
    FN_TRY_PTR(ctx, out->own[0]);
    out->values = out->own[0]->data;
    return FN_OK;
}

static fn_column *concat_dict(fn_ctx *ctx, fn_column *const *parts, size_t count, uint32_t rows)
{
    fn_buffer *nulls;
    if (concat_nulls(ctx, parts, count, rows, &nulls) != FN_OK) return NULL;
    fn_buffer *codes = concat_values(ctx, parts, count, rows, parts[0]->code_width);
    if (!codes) {
        fn_buffer_drop(nulls);
        return NULL;
    }
    return fn_column_dict(ctx, parts[0]->type, rows, parts[0]->code_width, codes, parts[0]->kids[0], nulls);
}

fn_column *fn_column_concat(fn_ctx *ctx, fn_column *const *parts, size_t count)
{
    FN_ASSERT(count > 0);
    if (count == 1) return fn_column_ref(parts[0]);
    uint64_t rows = 0;
    for (size_t i = 0; i < count; i++) rows += parts[i]->rows;
    if (rows > UINT32_MAX) {
        (void)fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "Column chunk is too large: %llu rows", (unsigned long long)rows);
        return NULL;
    }
    if (same_dictionary(parts, count)) return concat_dict(ctx, parts, count, (uint32_t)rows);
    fn_column **flat = fn_alloc_zero(ctx, count * sizeof *flat);
    if (!flat) return NULL;
    fn_column *out = NULL;
    size_t done = 0;
    while (done < count && (flat[done] = fn_column_flatten(ctx, parts[done])) != NULL) done++;
    if (done == count) out = column_new(ctx, parts[0]->type, FN_FLAT, (uint32_t)rows, flat[0]->kid_count);
    if (out && concat_flat(ctx, flat, count, out) != FN_OK) {
        fn_column_drop(out);
        out = NULL;
    }
    for (size_t i = 0; i < done; i++) fn_column_drop(flat[i]);
    fn_free(flat);
    return out;
}
