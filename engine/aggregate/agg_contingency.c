/* agg_contingency.c - how two categories hang together: contingency, cramersV, cramersVBiasCorrected, theilsU from a table of counts;
 * categoricalInformationValue; corrMatrix, covarPopMatrix, covarSampMatrix of several columns. SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_binary.h"
#include <math.h>

/* ---- the table of counts ---- */
typedef struct tally {
    agg_keys keys;
    agg_items counts; /* uint64_t per key */
} tally;
typedef struct table {
    tally a, b, both; /* keys of `both`: the numbers of the keys of a and of b */
    uint64_t count;
} table;

static uint64_t count_at(const tally *t, uint32_t number)
{
    return ((const uint64_t *)(const void *)t->counts.data)[number];
}
static fn_status count_key(fn_ctx *ctx, fn_arena *arena, tally *t, fn_str key, uint64_t weight, uint32_t *number)
{
    bool is_new;
    FN_TRY(agg_keys_insert(ctx, arena, &t->keys, key, number, &is_new));
    if (is_new) return agg_items_push(ctx, arena, &t->counts, &weight, sizeof weight);
    ((uint64_t *)(void *)t->counts.data)[*number] += weight;
    return FN_OK;
}
static fn_status table_bind(fn_ctx *ctx, agg_call *call)
{
    (void)ctx;
    call->type = fn_type_simple(FN_T_FLOAT64);
    call->state_size = sizeof(table);
    call->state_align = 8;
    return FN_OK;
}
static fn_status count_pair(fn_ctx *ctx, fn_arena *arena, table *s, fn_str a, fn_str b, uint64_t weight)
{
    uint32_t pair[2], number;
    FN_TRY(count_key(ctx, arena, &s->a, a, weight, &pair[0]));
    FN_TRY(count_key(ctx, arena, &s->b, b, weight, &pair[1]));
    FN_TRY(count_key(ctx, arena, &s->both, (fn_str){(const char *)pair, sizeof pair}, weight, &number));
    s->count += weight;
    return FN_OK;
}
static fn_status table_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    (void)call;
    fn_buf first = FN_BUF_INIT, second = FN_BUF_INIT;
    fn_str a = {NULL, 0}, b = {NULL, 0};
    fn_status status = agg_key_bytes(ctx, args[0], row, &first, &a);
    if (status == FN_OK) status = agg_key_bytes(ctx, args[1], row, &second, &b);
    if (status == FN_OK) status = count_pair(ctx, arena, state, a, b, 1);
    fn_buf_release(&first);
    fn_buf_release(&second);
    return status;
}
#define OP table
#include "aggregate/agg_by_row.inc"
static void pair_at(const table *s, uint32_t number, uint32_t *pair)
{
    memcpy(pair, agg_keys_at(&s->both.keys, number).data, 2 * sizeof *pair);
}
static fn_status table_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)call;
    const table *b = from;
    for (uint32_t i = 0; i < b->both.counts.count; i++) {
        uint32_t pair[2];
        pair_at(b, i, pair);
        FN_TRY(count_pair(ctx, arena, into, agg_keys_at(&b->a.keys, pair[0]), agg_keys_at(&b->b.keys, pair[1]), count_at(&b->both, i)));
    }
    return FN_OK;
}
/* Sum of n_ab^2 / (n_a n_b), less 1. */
static double phi_squared(const table *s)
{
    double sum = 0;
    for (uint32_t i = 0; i < s->both.counts.count; i++) {
        uint32_t pair[2];
        pair_at(s, i, pair);
        const double n = (double)count_at(&s->both, i);
        sum += n / (double)count_at(&s->a, pair[0]) * (n / (double)count_at(&s->b, pair[1]));
    }
    return FN_MAX(sum - 1, 0);
}
static double theil(const table *s)
{
    double whole = 0, dependent = 0;
    const double n = (double)s->count;
    for (uint32_t i = 0; i < s->a.counts.count; i++) whole += (double)count_at(&s->a, i) / n * log((double)count_at(&s->a, i) / n);
    if (!(whole < 0)) return 0;
    for (uint32_t i = 0; i < s->both.counts.count; i++) {
        uint32_t pair[2];
        pair_at(s, i, pair);
        const double joint = (double)count_at(&s->both, i);
        dependent += joint / n * log(joint / (double)count_at(&s->b, pair[1]));
    }
    return FN_MAX(FN_MIN((whole - dependent) / whole, 1), 0);
}
static double corrected_cramer(const table *s)
{
    const double n = (double)s->count, a = s->a.counts.count, b = s->b.counts.count;
    const double phi = FN_MAX(phi_squared(s) - (a - 1) * (b - 1) / (n - 1), 0);
    const double rows = a - (a - 1) * (a - 1) / (n - 1), columns = b - (b - 1) * (b - 1) / (n - 1);
    return sqrt(phi / (FN_MIN(rows, columns) - 1));
}
static fn_status table_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    const table *s = state;
    const char *name = call->def->name;
    const double least = FN_MIN(s->a.counts.count, s->b.counts.count), phi = s->count ? phi_squared(s) : 0;
    if (s->count < 2) return agg_put_f64(ctx, out, (double)NAN);
    if (strcmp(name, "theilsU") == 0) return agg_put_f64(ctx, out, theil(s));
    if (strcmp(name, "contingency") == 0) return agg_put_f64(ctx, out, sqrt(phi / (phi + 1)));
    if (strcmp(name, "cramersV") == 0) return agg_put_f64(ctx, out, sqrt(phi / (least - 1)));
    return agg_put_f64(ctx, out, corrected_cramer(s));
}
static fn_status table_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    (void)state;
    (void)out;
    return fn_fail(ctx, FN_NOT_IMPLEMENTED, "States of aggregate function %s are not supported", call->def->name);
}
static fn_status table_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)arena;
    (void)state;
    (void)at;
    (void)end;
    return fn_fail(ctx, FN_NOT_IMPLEMENTED, "States of aggregate function %s are not supported", call->def->name);
}

/* ---- categoricalInformationValue(category..., tag): counts of category x tag, and of the tags ---- */
static fn_status value_bind(fn_ctx *ctx, agg_call *call)
{
    for (uint32_t i = 0; i < call->arg_count; i++)
        if (call->arg_types[i]->id != FN_T_UINT8 && call->arg_types[i]->id != FN_T_BOOL)
            return fn_fail(ctx, FN_BAD_ARGUMENTS, "All the arguments of aggregate function %s should be UInt8", call->def->name);
    call->type = fn_type_array(fn_type_simple(FN_T_FLOAT64));
    call->state_size = call->arg_count * 2 * sizeof(uint64_t);
    call->state_align = 8;
    return FN_OK;
}
static inline fn_status value_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    (void)ctx;
    (void)arena;
    uint64_t *s = state;
    const uint32_t categories = call->arg_count - 1;
    const bool tag = args[categories]->values[fn_column_stored(args[categories], row)] != 0;
    for (uint32_t i = 0; i < categories; i++) s[2 * i + tag] += args[i]->values[fn_column_stored(args[i], row)] != 0;
    s[2 * categories + tag]++;
    return FN_OK;
}
#define OP value
#include "aggregate/agg_by_row.inc"
static fn_status value_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)ctx;
    (void)arena;
    for (uint32_t i = 0; i < call->arg_count * 2; i++) ((uint64_t *)into)[i] += ((const uint64_t *)from)[i];
    return FN_OK;
}
static fn_status value_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    const uint64_t *s = state;
    const uint32_t categories = call->arg_count - 1;
    for (uint32_t i = 0; i < categories; i++) {
        const double no = (double)s[2 * i] / (double)s[2 * categories], yes = (double)s[2 * i + 1] / (double)s[2 * categories + 1];
        FN_TRY(agg_put_f64(ctx, &out->kids[0], (yes - no) * (log(yes) - log(no))));
    }
    return fn_builder_close_array(ctx, out);
}

/* ---- matrices: n, sums of columns, sums of products ---- */
static fn_status matrix_bind(fn_ctx *ctx, agg_call *call)
{
    FN_TRY(agg_need_numbers(ctx, call, 0, false));
    const uint32_t n = call->arg_count;
    call->type = fn_type_array(fn_type_array(fn_type_simple(FN_T_FLOAT64)));
    call->state_size = (1 + n + n * n) * (uint32_t)sizeof(double);
    call->state_align = 8;
    return FN_OK;
}
static inline fn_status matrix_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    (void)ctx;
    (void)arena;
    double *s = state, v[AGG_ARGS_MAX];
    const uint32_t n = call->arg_count;
    s[0] += 1;
    for (uint32_t i = 0; i < n; i++) {
        v[i] = agg_f64(args[i], row);
        s[1 + i] += v[i];
        for (uint32_t k = 0; k <= i; k++) s[1 + n + i * n + k] += v[i] * v[k];
    }
    return FN_OK;
}
#define OP matrix
#include "aggregate/agg_by_row.inc"
static fn_status matrix_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)ctx;
    (void)arena;
    for (uint32_t i = 0; i < call->state_size / sizeof(double); i++) ((double *)into)[i] += ((const double *)from)[i];
    return FN_OK;
}
static double matrix_cell(const agg_call *call, const double *s, uint32_t i, uint32_t k)
{
    const uint32_t n = call->arg_count;
    const double count = s[0], x = s[1 + i], y = s[1 + k], xy = s[1 + n + FN_MAX(i, k) * n + FN_MIN(i, k)], xx = s[1 + n + i * n + i], yy = s[1 + n + k * n + k];
    if (call->def->name[2] == 'r') return i == k ? 1 : (count * xy - x * y) / sqrt((count * xx - x * x) * (count * yy - y * y));
    return (xy - x * y / count) / (count - (call->def->name[5] == 'S'));
}
static fn_status matrix_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    for (uint32_t i = 0; i < call->arg_count; i++) {
        for (uint32_t k = 0; k < call->arg_count; k++) FN_TRY(agg_put_f64(ctx, &out->kids[0].kids[0], matrix_cell(call, state, i, k)));
        FN_TRY(fn_builder_close_array(ctx, &out->kids[0]));
    }
    return fn_builder_close_array(ctx, out);
}

#define OPS(op) .bind = op##_bind, .init = agg_zero_init, .add = op##_add, .add_one = op##_add_one, .merge = op##_merge, .finish = op##_finish
#define TABLE_ROW .args_min = 2, .args_max = 2, OPS(table), .write = table_write, .read = table_read
#define MATRIX_ROW .args_min = 1, .args_max = AGG_ARGS_MAX, .flags = AGG_NO_NULL_RESULT, OPS(matrix), .write = agg_plain_write, .read = agg_plain_read
static const agg_def rows_[] = {
    {.name = "contingency", TABLE_ROW, .about = "Contingency coefficient of two columns of categories.", .example = "contingency(number % 2, number % 2)", .gives = "0.7071067811865476"},
    {.name = "cramersV", TABLE_ROW, .about = "Cramer's V of two columns of categories.", .example = "cramersV(number % 2, number % 2)", .gives = "1"},
    {.name = "cramersVBiasCorrected", TABLE_ROW, .about = "Cramer's V with a correction of its bias.", .example = "cramersVBiasCorrected(number % 2, number % 2) > 0.9",
     .gives = "1"},
    {.name = "theilsU", TABLE_ROW, .about = "Theil's U: how far the second column tells the first.", .example = "theilsU(number % 2, number % 2)", .gives = "1"},
    {.name = "categoricalInformationValue", .args_min = 2, .args_max = AGG_ARGS_MAX, .flags = AGG_NO_NULL_RESULT, OPS(value), .write = agg_plain_write, .read = agg_plain_read,
     .about = "Information value of each category for the tag in the last argument.", .example = "categoricalInformationValue(number < 5, number % 2) [1] > 0", .gives = "1"},
    {.name = "corrMatrix", MATRIX_ROW, .about = "corr of every pair of columns.", .example = "corrMatrix(number, number * 2)", .gives = "[[1,1],[1,1]]"},
    {.name = "covarPopMatrix", MATRIX_ROW, .about = "covarPop of every pair of columns.", .example = "covarPopMatrix(number, number * 2)", .gives = "[[8.25,16.5],[16.5,33]]"},
    {.name = "covarSampMatrix", MATRIX_ROW, .about = "covarSamp of every pair of columns.", .example = "covarSampMatrix(number, number * 2)",
     .gives = "[[9.166666666666666,18.333333333333332],[18.333333333333332,36.666666666666664]]"},
};
const agg_family agg_family_contingency = AGG_FAMILY("contingency", rows_);
