/* agg_quantile_digest.c - quantileTDigest(Weighted): a t-digest of up to 2048 centroids {mean, count} in Float32, joined while a
 * pair weighs no more than 4 q (1 - q) 0.01 of all (Dunning's rule), as ClickHouse's. The state is a varint count and the centroids.
 * Reference: T. Dunning, O. Ertl, "Computing extremely accurate quantiles using t-digests". SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_quantile.h"
#include <math.h>

typedef struct centroid {
    float mean, count;
} centroid;
typedef struct digest {
    agg_items points;
    double count;
    uint32_t loose; /* points since the last joining */
} digest;

enum { CENTROIDS = 2048, LOOSE = 2048, CENTROIDS_READ_MAX = 65536 };

static fn_status digest_bind(fn_ctx *ctx, agg_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (!agg_sortable(t) || t->width > 8 || t->id == FN_T_DECIMAL || t->id == FN_T_DATETIME64 || t->id == FN_T_DATE32) return agg_illegal(ctx, call);
    if (call->arg_count == 2) FN_TRY(quantile_need_weight(ctx, call));
    return quantile_bind(ctx, call, 0, fn_type_is_number(t) ? fn_type_simple(FN_T_FLOAT32) : t, sizeof(digest));
}

/* Stable merge sort by mean: equal means keep their order, as a radix sort leaves them. */
static void sort_points(centroid *v, centroid *scratch, uint32_t n)
{
    for (uint32_t run = 1; run < n; run *= 2) {
        for (uint32_t at = 0; at < n; at += 2 * run) {
            const uint32_t middle = FN_MIN(at + run, n), end = FN_MIN(at + 2 * run, n);
            uint32_t i = at, j = middle;
            for (uint32_t k = at; k < end; k++) scratch[k] = i < middle && (j >= end || v[i].mean <= v[j].mean) ? v[i++] : v[j++];
        }
        memcpy(v, scratch, n * sizeof *v);
    }
}
static void absorb(double *mean, double *count, const centroid *r)
{
    *count += (double)r->count;
    if ((double)r->mean < *mean || (double)r->mean > *mean) *mean += (double)r->count * ((double)r->mean - *mean) / *count;
}
static bool joinable(double a, float b)
{
    return ((double)b >= a && (double)b <= a) || (!isinf(a) && !isinf(b));
}
/* Still too many: neighbours in batches of equal size. */
static void squeeze(digest *d)
{
    centroid *v = (centroid *)(void *)d->points.data;
    const uint32_t n = d->points.count, batch = (n + CENTROIDS - 1) / CENTROIDS;
    uint32_t kept = 0;
    if (n <= CENTROIDS) return;
    d->count = 0;
    for (uint32_t i = 0; i < n; i += batch) {
        double mean = (double)v[i].mean, count = (double)v[i].count;
        for (uint32_t k = i + 1; k < n && k < i + batch; k++) absorb(&mean, &count, &v[k]);
        v[kept] = (centroid){(float)mean, (float)count};
        if (isnan(v[kept].mean)) continue;
        d->count += (double)v[kept++].count;
    }
    d->points.count = kept;
}
static fn_status compress(fn_ctx *ctx, digest *d)
{
    const uint32_t n = d->points.count;
    centroid *v = (centroid *)(void *)d->points.data;
    if (n == 0 || (d->loose == 0 && n <= CENTROIDS)) return FN_OK;
    centroid *scratch = fn_alloc(ctx, (size_t)n * sizeof *scratch);
    FN_TRY_PTR(ctx, scratch);
    sort_points(v, scratch, n);
    fn_free(scratch);
    const double share = d->count * (double)0.01f * 4;
    double sum = 0, mean = (double)v[0].mean, count = (double)v[0].count;
    uint32_t left = 0;
    for (uint32_t r = 1; r < n; r++) {
        const double a = (sum + count * 0.5) / d->count, b = (sum + count + (double)v[r].count * 0.5) / d->count;
        const double allowed = share * FN_MIN(a * (1 - a), b * (1 - b));
        if (count + (double)v[r].count <= allowed && joinable(mean, v[r].mean)) {
            absorb(&mean, &count, &v[r]);
            v[left] = (centroid){(float)mean, (float)count};
            continue;
        }
        sum += (double)v[left].count;
        v[++left] = v[r];
        mean = (double)v[left].mean;
        count = (double)v[left].count;
    }
    d->count = sum + count;
    d->points.count = left + 1;
    d->loose = 0;
    squeeze(d);
    return FN_OK;
}
static fn_status add_point(fn_ctx *ctx, fn_arena *arena, digest *d, centroid c)
{
    FN_TRY(agg_items_push(ctx, arena, &d->points, &c, sizeof c));
    d->count += (double)c.count;
    return ++d->loose > LOOSE ? compress(ctx, d) : FN_OK;
}
static inline fn_status digest_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    const float v = (float)agg_f64(args[0], row);
    const uint64_t weight = call->arg_count == 2 ? agg_u64(args[1], row) : 1;
    if (isnan(v) || weight == 0) return FN_OK;
    return add_point(ctx, arena, state, (centroid){v, (float)weight});
}
#define OP digest
#include "aggregate/agg_by_row.inc"
static fn_status digest_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)call;
    const digest *b = from;
    for (uint32_t i = 0; i < b->points.count; i++) FN_TRY(add_point(ctx, arena, into, ((const centroid *)(const void *)b->points.data)[i]));
    return FN_OK;
}
/* Between two centroids linearly; a centroid of one value is that value. */
static double value_of(const digest *d, double level)
{
    const centroid *v = (const centroid *)(const void *)d->points.data;
    const uint32_t n = d->points.count;
    const double x = level * d->count;
    float sum = 0;
    double before = 0;
    uint32_t last = 0;
    for (uint32_t i = 0; i < n && n > 1; last = i++) {
        const double here = (double)sum + (double)v[i].count * 0.5;
        if (here >= x) {
            const double left = before + 0.5 * (v[last].count <= 1 && v[last].count >= 1), right = here - 0.5 * (v[i].count <= 1 && v[i].count >= 1);
            if (x <= left) return (double)v[last].mean;
            if (x >= right) return (double)v[i].mean;
            const double k = (double)(((float)x - (float)left) / ((float)right - (float)left));
            return (double)(float)((1 - k) * (double)v[last].mean + k * (double)v[i].mean);
        }
        sum += v[i].count;
        before = here;
    }
    return (double)v[n - 1].mean;
}
static fn_status digest_level(fn_ctx *ctx, const agg_call *call, void *state, double level, fn_builder *out)
{
    (void)call;
    digest *d = state;
    if (!d->points.count) return quantile_put_empty(ctx, out);
    FN_TRY(compress(ctx, d));
    return quantile_put(ctx, value_of(d, level), out);
}
static fn_status digest_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    return quantile_finish(ctx, call, state, out, digest_level);
}
static fn_status digest_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    (void)call;
    digest copy = *(const digest *)state;
    const size_t size = (size_t)copy.points.count * sizeof(centroid);
    uint8_t *data = fn_alloc(ctx, size + 16);
    FN_TRY_PTR(ctx, data);
    if (size) memcpy(data, copy.points.data, size);
    copy.points.data = data;
    fn_status status = compress(ctx, &copy);
    if (status == FN_OK) status = agg_items_write(ctx, &copy.points, sizeof(centroid), out);
    fn_free(data);
    return status;
}
static fn_status digest_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)call;
    uint64_t n = 0;
    digest *d = state;
    FN_TRY(agg_take_leb(ctx, &n, at, end));
    if (n > CENTROIDS_READ_MAX) return fn_fail(ctx, FN_TOO_LARGE_ARRAY_SIZE, "Too large t-digest centroids size");
    for (; n; n--) {
        centroid c;
        FN_TRY(agg_take(ctx, &c, sizeof c, at, end));
        if (!(c.count > 0)) return fn_fail(ctx, FN_INCORRECT_DATA, "Invalid centroid in the state of aggregate function quantileTDigest");
        if (!isnan(c.mean)) FN_TRY(add_point(ctx, arena, d, c));
    }
    d->loose = 0;
    return compress(ctx, d);
}

#define DIGEST_ROW(args) .args_min = (args), .args_max = (args), .params_max = -1, .bind = digest_bind, .init = agg_zero_init, .add = digest_add, \
    .add_one = digest_add_one, .merge = digest_merge, .finish = digest_finish, .write = digest_write, .read = digest_read
static const char *const median[] = {"medianTDigest", NULL};
static const char *const median_weighted[] = {"medianTDigestWeighted", NULL};
static const agg_def rows_[] = {
    {.name = "quantileTDigest", .aliases = median, DIGEST_ROW(1), .about = "Approximate quantile by a t-digest.", .example = "quantileTDigest(0.5)(number)", .gives = "4"},
    {.name = "quantilesTDigest", DIGEST_ROW(1), .flags = AGG_NO_NULL_RESULT, .about = "quantileTDigest of several levels.", .example = "quantilesTDigest(0.1, 0.9)(number)",
     .gives = "[0,8]"},
    {.name = "quantileTDigestWeighted", .aliases = median_weighted, DIGEST_ROW(2), .about = "quantileTDigest of values with weights.",
     .example = "quantileTDigestWeighted(0.5)(number, 1)", .gives = "4"},
    {.name = "quantilesTDigestWeighted", DIGEST_ROW(2), .flags = AGG_NO_NULL_RESULT, .about = "quantileTDigestWeighted of several levels.",
     .example = "quantilesTDigestWeighted(0.1, 0.9)(number, 1)", .gives = "[0,8]"},
};
const agg_family agg_family_quantile_digest = AGG_FAMILY("quantile_digest", rows_);
