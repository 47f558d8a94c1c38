/* func_array_rank.c - quality of a ranking: arrayROCAUC(scores, labels [, scaled]), alias arrayAUC: the area under the curve of
 * true against false positives. Equal scores count half. SPDX-License-Identifier: Apache-2.0 */
#include "function/array.h"
#include <math.h>
#include <stdlib.h>

typedef struct scored {
    double score;
    bool positive;
} scored;

static fn_status bind_auc(fn_ctx *ctx, func_call *call)
{
    fn_column *c;
    bool *scaled = FN_NEW(ctx, bool);
    FN_TRY_PTR(ctx, scaled);
    *scaled = true;
    for (uint32_t i = 0; i < 2; i++) {
        FN_TRY(array_need(ctx, call, i));
        const fn_type *t = call->arg_types[i]->args[0];
        if (!fn_type_is_number(t) && t->id != FN_T_ENUM8 && t->id != FN_T_ENUM16)
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "%s cannot process values of type %s in its %s argument", call->def->name, t->name, i ? "second" : "first");
    }
    if (call->arg_count > 2) {
        FN_TRY(func_need_const(ctx, call, 2, &c));
        if (!fn_type_is_integer(c->type) && c->type->id != FN_T_BOOL) return func_illegal(ctx, call);
        *scaled = fn_column_u64_at(c, 0) != 0;
    }
    call->data = scaled;
    return func_bind_f64(ctx, call);
}

static int by_score(const void *a, const void *b)
{
    const double x = ((const scored *)a)->score, y = ((const scored *)b)->score;
    return x > y ? -1 : x < y ? 1 : 0;
}

/* Trapezoids between groups of equal scores. */
static double area(scored *items, uint32_t n, bool scaled)
{
    double sum = 0, positives = 0, negatives = 0;
    qsort(items, n, sizeof *items, by_score);
    for (uint32_t i = 0; i < n;) {
        double p = 0, f = 0;
        const double score = items[i].score;
        for (; i < n && items[i].score == score; i++) {
            p += items[i].positive;
            f += !items[i].positive;
        }
        sum += f * (positives + positives + p) / 2;
        positives += p;
        negatives += f;
    }
    if (!scaled) return sum;
    return positives == 0 || negatives == 0 ? (double)NAN : sum / (positives * negatives);
}

static fn_status eval_auc(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const bool scaled = *(const bool *)call->data;
    array_in a[2] = {0};
    uint8_t *values = NULL;
    scored *items = NULL;
    fn_status status = FN_OK;
    for (uint32_t k = 0; k < 2 && status == FN_OK; k++) {
        status = array_open(ctx, args[k], &a[k]);
        if (status == FN_OK) status = array_convert_items(ctx, &a[k], fn_type_simple(FN_T_FLOAT64));
    }
    for (uint32_t i = 0; i < rows && status == FN_OK; i++)
        if (a[0].offsets[i + 1] - a[0].offsets[i] != a[1].offsets[i + 1] - a[1].offsets[i])
            status = fn_fail(ctx, FN_BAD_ARGUMENTS, "First two arguments for function %s must be Arrays of equal sizes", call->def->name);
    if (status == FN_OK && !(items = fn_alloc(ctx, ((size_t)a[0].total + 1) * sizeof *items))) status = ctx->error.code;
    if (status == FN_OK && !(*out = func_new_fixed(ctx, call->type, rows, &values))) status = ctx->error.code;
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        const uint32_t from = a[0].offsets[i], n = a[0].offsets[i + 1] - from;
        for (uint32_t k = 0; k < n; k++)
            items[k] = (scored){fn_column_f64_at(a[0].items, from + k), fn_column_f64_at(a[1].items, a[1].offsets[i] + k) > 0};
        fn_store_f64(values + (size_t)i * 8, area(items, n, scaled));
    }
    fn_free(items);
    array_close(&a[0]);
    array_close(&a[1]);
    return status;
}

static const func_def rows_[] = {
    {.name = "arrayROCAUC", .aliases = (const char *const[]){"arrayAUC", NULL}, .args_min = 2, .args_max = 3, .bind = bind_auc, .eval = eval_auc,
     .about = "The area under the ROC curve of scores against labels (positive when above 0).", .example = "arrayROCAUC([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])", .gives = "0.75"},
};
const func_family func_family_array_rank = FUNC_FAMILY("arrays", rows_);
