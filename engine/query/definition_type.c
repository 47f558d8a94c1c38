/* definition_type.c - types that a column of a new table must not have: of no use, or naming an aggregate function that is none.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/aggregate.h"
#include "query/definition.h"

/* The functions that give the same when they are applied to their own results. */
static const char *const simple[] = {"any", "any_respect_nulls", "anyLast", "anyLast_respect_nulls", "min", "max", "sum", "sumWithOverflow", "groupBitAnd", "groupBitOr", "groupBitXor",
                                     "sumMap", "minMap", "maxMap", "groupArrayArray", "groupArrayLastArray", "groupUniqArrayArray", "groupUniqArrayArrayMap", "sumMappedArrays",
                                     "minMappedArrays", "maxMappedArrays"};

static bool is_simple_function(fn_str name)
{
    for (size_t i = 0; i < FN_COUNT(simple); i++)
        if (fn_str_eq(name, fn_cstr(simple[i]))) return true;
    const agg_def *def = agg_find(name); /* another name of one of them */
    for (size_t i = 0; def && i < FN_COUNT(simple); i++)
        if (agg_find(fn_cstr(simple[i])) == def) return true;
    return false;
}

/* SimpleAggregateFunction(f, T): f exists, is one of those above, and gives T for T. */
static fn_status check_simple(fn_ctx *ctx, const fn_type *type)
{
    fn_str name;
    fn_column **params;
    uint32_t count;
    agg_call *call;
    FN_TRY(agg_parse(ctx, fn_cstr(type->function_name), &name, &params, &count));
    fn_buf all = FN_BUF_INIT;
    fn_status status = FN_OK;
    if (!is_simple_function(name)) {
        for (size_t i = 0; i < FN_COUNT(simple) && status == FN_OK; i++) status = fn_buf_printf(ctx, &all, "%s%s", i ? "," : "", simple[i]);
        if (status == FN_OK)
            status = fn_fail(ctx, FN_BAD_ARGUMENTS, "Unsupported aggregate function " FN_STR_FMT ", supported functions are %.*s", FN_STR_ARG(name), (int)all.size, all.data);
        fn_buf_release(&all);
        return status;
    }
    const size_t head = sizeof "SimpleAggregateFunction(" - 1 + strlen(type->function_name) + 2;
    const fn_type *stored;
    FN_TRY(fn_type_parse(ctx, (fn_str){type->name + head, strlen(type->name) - head - 1}, &stored));
    FN_TRY(agg_bind(ctx, name, &stored, 1, params, count, &call));
    if (fn_type_strip_low_cardinality(call->type) == fn_type_strip_low_cardinality(stored)) return FN_OK;
    return fn_fail(ctx, FN_BAD_ARGUMENTS, "Incompatible data types between aggregate function '" FN_STR_FMT "' which returns %s and column storage type %s", FN_STR_ARG(name),
                   call->type->name, stored->name);
}

static fn_status check_low_cardinality(fn_ctx *ctx, const fn_type *type)
{
    const fn_type *base = fn_type_base(type);
    if (settings_of(ctx)->allow_suspicious_low_cardinality_types || fn_type_is_string(base) || base->id == FN_T_DATE || base->id == FN_T_DATETIME) return FN_OK;
    return fn_fail(ctx, FN_SUSPICIOUS_TYPE_FOR_LOW_CARDINALITY, "Creating columns of type %s is prohibited by default due to expected negative "
                   "impact on performance. It can be enabled with the `allow_suspicious_low_cardinality_types` setting", type->name);
}

static fn_status check_fixed_string(query *q, const fn_type *type)
{
    fn_str allowed;
    if (type->width <= 256) return FN_OK;
    FN_TRY(settings_get(q->ctx, &q->settings, FN_STR("allow_suspicious_fixed_string_types"), &allowed));
    if (fn_str_eq(allowed, FN_STR("1"))) return FN_OK;
    return fn_fail(q->ctx, FN_ILLEGAL_COLUMN, "Cannot create column with type '%s' because fixed string with size > 256 is suspicious. Set setting "
                   "allow_suspicious_fixed_string_types = 1 in order to allow it", type->name);
}

fn_status definition_check_type(query *q, const fn_type *type)
{
    agg_call *call;
    if (type->id == FN_T_AGGREGATE_FUNCTION) return agg_bind_state(q->ctx, type, &call);
    if (fn_str_starts(fn_cstr(type->name), FN_STR("SimpleAggregateFunction("))) FN_TRY(check_simple(q->ctx, type));
    if (type->id == FN_T_LOW_CARDINALITY) FN_TRY(check_low_cardinality(q->ctx, type));
    if (type->id == FN_T_FIXED_STRING) FN_TRY(check_fixed_string(q, type));
    for (uint16_t i = 0; i < type->arg_count; i++) FN_TRY(definition_check_type(q, type->args[i]));
    return FN_OK;
}

fn_status definition_check_storable(fn_ctx *ctx, const ast_create *c)
{
    for (uint32_t i = 0; i < c->column_count; i++) {
        const fn_type *type, *of;
        FN_TRY(fn_type_parse(ctx, c->columns[i].type, &type));
        for (of = type; of->id == FN_T_NULLABLE || of->id == FN_T_ARRAY;) of = of->args[0];
        if (of->id == FN_T_NOTHING)
            return fn_fail(ctx, FN_DATA_TYPE_CANNOT_BE_USED_IN_TABLES, "Data type %s of column '" FN_STR_FMT "' cannot be used in tables", type->name, FN_STR_ARG(c->columns[i].name));
    }
    return FN_OK;
}
