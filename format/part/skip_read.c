/* skip_read.c - the data of a skip index out of its bytes (skip_layout.h). Nothing in them is trusted.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/skip_layout.h"

static fn_status damaged(fn_ctx *ctx)
{
    return fn_fail(ctx, FN_CORRUPTED_DATA, "The data of a skip index is cut off or inconsistent");
}

static fn_status load_bounds(fn_ctx *ctx, const fn_skip_shape *shape, enc_in *in, fn_skip_data *out)
{
    out->bounds = FN_NEW_ARRAY(ctx, fn_skip_bounds, shape->value_count + 1u);
    FN_TRY_PTR(ctx, out->bounds);
    for (uint32_t i = 0; i < shape->value_count; i++) {
        fn_skip_bounds *b = &out->bounds[i];
        b->valid = enc_take(in, out->granules);
        b->nulls = enc_take(in, (uint64_t)out->granules * sizeof(uint32_t));
        if (!b->valid || !b->nulls) return damaged(ctx);
        out->value_count = i + 1;
        if (out->granules == 0) continue;
        FN_TRY(part_column_load(ctx, in, shape->types[i], out->granules, &b->min));
        FN_TRY(part_column_load(ctx, in, shape->types[i], out->granules, &b->max));
    }
    return FN_OK;
}

/* u32 per granule to the numbers of each granule's first item. */
static fn_status load_counts(fn_ctx *ctx, enc_in *in, bool unknown_allowed, fn_skip_data *out)
{
    const uint8_t *counts = enc_take(in, (uint64_t)out->granules * sizeof(uint32_t));
    out->first = counts ? FN_NEW_ARRAY(ctx, uint32_t, out->granules + 1u) : NULL;
    uint8_t *known = out->first ? FN_NEW_ARRAY(ctx, uint8_t, out->granules + 1u) : NULL;
    if (!known) return counts ? ctx->error.code : damaged(ctx);
    uint64_t at = 0;
    for (uint32_t g = 0; g < out->granules; g++) {
        const uint32_t n = fn_load_u32(counts + (size_t)g * sizeof n);
        known[g] = !(unknown_allowed && n == SKIP_UNKNOWN);
        at += known[g] ? n : 0;
        if (at > UINT32_MAX) return damaged(ctx);
        out->first[g + 1] = (uint32_t)at;
    }
    out->known = known;
    return FN_OK;
}

static fn_status load_sets(fn_ctx *ctx, const fn_skip_shape *shape, enc_in *in, fn_skip_data *out)
{
    FN_TRY(load_counts(ctx, in, true, out));
    out->values = FN_NEW_ARRAY(ctx, fn_column *, shape->value_count + 1u);
    FN_TRY_PTR(ctx, out->values);
    out->value_count = shape->value_count;
    const uint32_t rows = out->first[out->granules];
    for (uint32_t i = 0; i < shape->value_count && rows; i++) FN_TRY(part_column_load(ctx, in, shape->types[i], rows, &out->values[i]));
    return FN_OK;
}

static fn_status load_filters(fn_ctx *ctx, enc_in *in, fn_skip_data *out)
{
    FN_TRY(load_counts(ctx, in, false, out));
    out->words = enc_take(in, (uint64_t)out->first[out->granules] * sizeof(uint64_t));
    return out->words ? FN_OK : damaged(ctx);
}

static fn_status load(fn_ctx *ctx, const fn_skip_shape *shape, enc_in *in, fn_skip_data *out)
{
    const uint8_t *form = enc_take(in, 1);
    if (!form || *form != (uint8_t)shape->form || !enc_take_u32(in, &out->granules) || out->granules > (uint64_t)(in->end - in->at)) return damaged(ctx);
    switch (shape->form) {
    case FN_SKIP_BOUNDS: FN_TRY(load_bounds(ctx, shape, in, out)); break;
    case FN_SKIP_SETS: FN_TRY(load_sets(ctx, shape, in, out)); break;
    case FN_SKIP_FILTERS: FN_TRY(load_filters(ctx, in, out)); break;
    }
    return in->at == in->end ? FN_OK : damaged(ctx);
}

fn_status fn_skip_data_load(fn_ctx *ctx, const fn_skip_shape *shape, fn_buffer *bytes, fn_skip_data *out)
{
    *out = (fn_skip_data){.bytes = fn_buffer_ref(bytes)};
    enc_in in = {bytes->data, bytes->data + bytes->size};
    return load(ctx, shape, &in, out);
}

void fn_skip_data_release(fn_skip_data *d)
{
    for (uint32_t i = 0; i < d->value_count; i++) {
        if (d->bounds) fn_column_drop(d->bounds[i].min);
        if (d->bounds) fn_column_drop(d->bounds[i].max);
        if (d->values) fn_column_drop(d->values[i]);
    }
    fn_buffer_drop(d->bytes);
    *d = (fn_skip_data){0};
}

bool fn_skip_filter_has(const fn_skip_data *d, const fn_skip_shape *shape, uint32_t granule, const uint64_t *hashes, size_t count)
{
    const uint64_t bits = (uint64_t)(d->first[granule + 1] - d->first[granule]) * 64;
    const uint8_t *filter = d->words + (size_t)d->first[granule] * 8;
    if (bits == 0) return true;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < shape->hashes; k++) {
            const uint64_t bit = skip_bit(hashes[i], k, bits);
            if (!(filter[bit / 8] >> bit % 8 & 1)) return false;
        }
    }
    return true;
}
