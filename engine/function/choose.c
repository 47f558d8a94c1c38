/* choose.c - putting columns together row by row: what if, multiIf, coalesce, ifNull, least and greatest of others end in.
 * Fixed widths are selected in place; everything else is gathered from the concatenation.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/choose.h"

#define SELECT(T)                                                                                  \
    do {                                                                                           \
        T *to = (T *)(void *)values;                                                               \
        for (uint32_t i = 0; i < rows; i++) {                                                      \
            const fn_column *c = parts[which[i]];                                                  \
            to[i] = ((const T *)(const void *)c->values)[i * func_step(c)];                        \
        }                                                                                          \
    } while (0)

static fn_status select_fixed(fn_ctx *ctx, fn_column *const *parts, uint32_t count, const uint8_t *which, const fn_type *type, uint32_t rows, fn_column **out)
{
    uint8_t *values, *nulls = NULL;
    bool some = false;
    for (uint32_t k = 0; k < count; k++) some |= parts[k]->nulls != NULL;
    *out = some ? func_new_nullable(ctx, type, rows, &values, &nulls) : func_new_fixed(ctx, type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    const size_t width = type->width;
    switch (width) {
    case 1: SELECT(uint8_t); break;
    case 2: SELECT(uint16_t); break;
    case 4: SELECT(uint32_t); break;
    case 8: SELECT(uint64_t); break;
    default:
        for (uint32_t i = 0; i < rows; i++) {
            const fn_column *c = parts[which[i]];
            memcpy(values + i * width, c->values + i * func_step(c) * width, width);
        }
    }
    for (uint32_t i = 0; some && i < rows; i++) {
        const fn_column *c = parts[which[i]];
        nulls[i] = c->nulls ? c->nulls[i * func_step(c)] : 0;
    }
    return FN_OK;
}

static fn_status gather(fn_ctx *ctx, fn_column *const *parts, uint32_t count, const uint8_t *which, uint32_t rows, fn_column **out)
{
    fn_column **flat = fn_alloc_zero(ctx, (count + 1) * sizeof *flat), *all = NULL;
    uint32_t *index = fn_alloc(ctx, ((size_t)rows + 1) * sizeof *index);
    fn_status status = flat && index ? FN_OK : ctx->error.code;
    uint32_t start[256], total = 0;
    for (uint32_t k = 0; k < count && status == FN_OK; k++) { /* a constant is one row of the concatenation */
        fn_column *one = parts[k]->shape == FN_CONST ? fn_column_slice(ctx, parts[k], 0, FN_MIN(rows, 1u)) : fn_column_ref(parts[k]);
        flat[k] = one ? fn_column_flatten(ctx, one) : NULL;
        fn_column_drop(one);
        if (!flat[k]) status = ctx->error.code;
        else {
            start[k] = total;
            total += flat[k]->rows;
        }
    }
    if (status == FN_OK) {
        for (uint32_t i = 0; i < rows; i++) index[i] = start[which[i]] + (parts[which[i]]->shape == FN_CONST ? 0 : i);
        all = fn_column_concat(ctx, flat, count);
        *out = all ? fn_column_take(ctx, all, index, rows) : NULL;
        if (!*out) status = ctx->error.code;
    }
    for (uint32_t k = 0; flat && k < count; k++) fn_column_drop(flat[k]);
    fn_column_drop(all);
    fn_free(flat);
    fn_free(index);
    return status;
}

/* A FixedString as a String with its zero bytes, which CAST leaves out; other types are cast. */
static fn_status as_type(fn_ctx *ctx, const fn_column *c, const fn_type *type, fn_column **out)
{
    if (fn_type_base(type)->id != FN_T_STRING || fn_type_base(c->type)->id != FN_T_FIXED_STRING) return expr_convert(ctx, c, type, CONVERT_CAST, out);
    fn_column *flat = fn_column_flatten(ctx, c);
    FN_TRY_PTR(ctx, flat);
    fn_builder b;
    fn_status status = fn_builder_init(ctx, &b, type);
    for (uint32_t i = 0; i < flat->rows && status == FN_OK; i++)
        status = fn_column_is_null(flat, i) ? fn_builder_default(ctx, &b) : fn_builder_str(ctx, &b, (fn_str){(const char *)fn_column_fixed_at(flat, i), fn_type_base(flat->type)->width});
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    fn_column_drop(flat);
    return status;
}

fn_status choose_rows(fn_ctx *ctx, fn_column *const *parts, uint32_t count, const uint8_t *which, const fn_type *type, uint32_t rows, fn_column **out)
{
    fn_column **same = fn_alloc_zero(ctx, (count + 1) * sizeof *same);
    fn_status status = same ? FN_OK : ctx->error.code;
    bool dict = false;
    for (uint32_t k = 0; k < count && status == FN_OK; k++) {
        status = as_type(ctx, parts[k], type, &same[k]);
        dict |= same[k] && same[k]->shape == FN_DICT;
    }
    if (status == FN_OK) {
        if (type->width && !dict) status = select_fixed(ctx, same, count, which, type, rows, out);
        else status = gather(ctx, same, count, which, rows, out);
    }
    for (uint32_t k = 0; same && k < count; k++) fn_column_drop(same[k]);
    fn_free(same);
    return status;
}
