/* file_bound.c - conditions that files can be pruned by: column compared with a constant.
 * A constant of another type is used only where converting it cannot move the bound: integers with the same value, texts of
 * dates. Everything else is left to the filter above.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/lake/file_scan.h"

typedef enum sides { SIDE_MIN = 1, SIDE_MAX = 2 } sides;

static unsigned sides_of(const char *name, bool swapped)
{
    static const struct {
        const char *name;
        unsigned sides, swapped;
    } rows[] = {{"equals", SIDE_MIN | SIDE_MAX, SIDE_MIN | SIDE_MAX}, {"less", SIDE_MAX, SIDE_MIN},    {"lessOrEquals", SIDE_MAX, SIDE_MIN},
                {"greater", SIDE_MIN, SIDE_MAX},                      {"greaterOrEquals", SIDE_MIN, SIDE_MAX}};
    for (size_t i = 0; i < FN_COUNT(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) return swapped ? rows[i].swapped : rows[i].sides;
    }
    return 0;
}

/* The constant as a 1-row column of `base`; NULL when it is not safely one. */
static fn_status constant_as(fn_ctx *ctx, expr *constant, const fn_type *base, fn_column **out)
{
    const fn_type *have = fn_type_base(constant->type);
    *out = NULL;
    if (fn_column_is_null(constant->constant, 0)) return FN_OK;
    const bool integers = fn_type_is_integer(have) && fn_type_is_integer(base) && have->width <= 8 && base->width <= 8;
    const bool dates = have->id == FN_T_STRING && fn_type_is_date_or_time(base);
    if (have != base && !integers && !dates) return FN_OK;
    expr *cast = constant;
    if (constant->type != base && expr_cast(ctx, constant, base, &cast) != FN_OK) {
        fn_error_clear(ctx); /* the comparison itself reports it, if it is an error */
        return FN_OK;
    }
    if (cast->kind != EXPR_CONST || cast->type != base) return FN_OK;
    if (integers && have != base) {
        const bool negative = !fn_type_is_unsigned(have) && fn_column_i64_at(constant->constant, 0) < 0;
        const bool cast_negative = !fn_type_is_unsigned(base) && fn_column_i64_at(cast->constant, 0) < 0;
        if (negative != cast_negative || fn_column_u64_at(constant->constant, 0) != fn_column_u64_at(cast->constant, 0)) return FN_OK;
    }
    *out = fn_column_ref(cast->constant);
    return FN_OK;
}

static fn_status find_one(fn_ctx *ctx, const table_schema *schema, const expr *e, file_bound *out, bool *found)
{
    *found = false;
    if (e->kind != EXPR_CALL || e->arg_count != 2) return FN_OK;
    const bool swapped = e->args[0]->kind == EXPR_CONST;
    const expr *column = e->args[swapped];
    expr *constant = e->args[!swapped];
    const unsigned which = sides_of(e->call->def->name, swapped);
    if (!which || column->kind != EXPR_COLUMN || constant->kind != EXPR_CONST || column->column >= schema->count) return FN_OK;
    fn_column *value;
    FN_TRY(constant_as(ctx, constant, fn_type_base(schema->columns[column->column].type), &value));
    if (!value) return FN_OK;
    *out = (file_bound){column->column, which & SIDE_MIN ? fn_column_ref(value) : NULL, which & SIDE_MAX ? fn_column_ref(value) : NULL};
    fn_column_drop(value);
    *found = true;
    return FN_OK;
}

fn_status file_bounds_find(fn_ctx *ctx, const table_schema *schema, expr *const *conjuncts, uint32_t count, file_bound **out, uint32_t *found)
{
    *found = 0;
    *out = FN_NEW_ARRAY(ctx, file_bound, FN_MAX(count, 1));
    FN_TRY_PTR(ctx, *out);
    for (uint32_t i = 0; i < count; i++) {
        bool is_bound;
        FN_TRY(find_one(ctx, schema, conjuncts[i], &(*out)[*found], &is_bound));
        *found += is_bound;
    }
    return FN_OK;
}

void file_bounds_drop(file_bound *bounds, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        fn_column_drop(bounds[i].min);
        fn_column_drop(bounds[i].max);
    }
}
