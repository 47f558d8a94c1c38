/* test_aggregate.c - aggregates through their door: values, combinators, the null rule, states there and back, errors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/aggregate.h"
#include <stdio.h>

static int failures;
static fn_ctx ctx;

static fn_status text_column(const char *type_name, const char *array, fn_column **out)
{
    const fn_type *type, *list;
    fn_text_options options;
    fn_builder b;
    fn_column *rows = NULL;
    fn_text_options_default(&options);
    FN_TRY(fn_type_parse(&ctx, fn_cstr(type_name), &type));
    list = fn_type_array(type);
    fn_text_in in = {array, array + strlen(array), array};
    FN_TRY(fn_builder_init(&ctx, &b, list));
    fn_status status = fn_text_read(&ctx, &in, list, FN_TEXT_QUOTED, &options, &b);
    if (status == FN_OK) status = fn_builder_finish(&ctx, &b, &rows);
    if (status == FN_OK) *out = fn_column_ref(rows->kids[0]);
    fn_column_drop(rows);
    fn_builder_release(&b);
    return status;
}

/* Rows go half through add_one, half through add into a second state; then merge, and finish. */
static fn_status run(const agg_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const agg_def *d = call->def;
    void *a = fn_arena_alloc(&ctx, ctx.arena, call->state_size + 16), *b = fn_arena_alloc(&ctx, ctx.arena, call->state_size + 16);
    uint8_t *states[64];
    fn_column *tail[4];
    fn_builder result;
    const uint32_t half = rows / 2;
    if (!a || !b || rows > 64) return FN_LOGICAL_ERROR;
    for (uint32_t i = 0; i < 64; i++) states[i] = b;
    d->init(call, a);
    d->init(call, b);
    FN_TRY(d->add_one(&ctx, call, ctx.arena, a, args, 0, half));
    for (uint32_t i = 0; i < call->arg_count; i++) tail[i] = fn_column_slice(&ctx, args[i], half, rows - half);
    FN_TRY(d->add(&ctx, call, ctx.arena, states, 0, tail, rows - half));
    for (uint32_t i = 0; i < call->arg_count; i++) fn_column_drop(tail[i]);
    FN_TRY(d->merge(&ctx, call, ctx.arena, a, b));
    FN_TRY(fn_builder_init(&ctx, &result, call->type));
    FN_TRY(d->finish(&ctx, call, ctx.arena, a, &result));
    if (d->destroy) {
        d->destroy(call, a);
        d->destroy(call, b);
    }
    const fn_status status = fn_builder_finish(&ctx, &result, out);
    fn_builder_release(&result);
    return status;
}

static fn_status bind_and_run(const char *name, fn_column *const *args, uint32_t count, fn_column **out)
{
    const fn_type *types[4];
    agg_call *call;
    for (uint32_t i = 0; i < count; i++) types[i] = args[i]->type;
    FN_TRY(agg_bind(&ctx, fn_cstr(name), types, count, NULL, 0, &call));
    return run(call, args, args[0]->rows, out);
}

static void report(const char *name, const char *got, const char *want)
{
    if (strcmp(got, want) == 0) return;
    printf("%s: got %s, want %s\n", name, got, want);
    failures++;
}

typedef struct sample {
    const char *name, *type, *values, *type2, *values2, *want;
} sample;

static void check(const sample *s, bool by_state)
{
    fn_column *args[2] = {NULL, NULL}, *state = NULL, *out = NULL;
    const uint32_t count = s->type2 ? 2 : 1;
    char name[64], merge[64];
    fn_buf text = FN_BUF_INIT;
    fn_text_options options;
    fn_text_options_default(&options);
    (void)snprintf(name, sizeof name, "%s%s", s->name, by_state ? "State" : "");
    fn_status status = text_column(s->type, s->values, &args[0]);
    if (status == FN_OK && s->type2) status = text_column(s->type2, s->values2, &args[1]);
    if (status == FN_OK) status = bind_and_run(name, args, count, by_state ? &state : &out);
    (void)snprintf(merge, sizeof merge, "%sMerge", s->name);
    if (status == FN_OK && by_state) status = bind_and_run(merge, &state, 1, &out);
    if (status == FN_OK) status = fn_buf_printf(&ctx, &text, "%s ", out->type->name);
    if (status == FN_OK) status = fn_text_write(&ctx, out, 0, FN_TEXT_QUOTED, &options, &text);
    if (status == FN_OK) status = fn_buf_byte(&ctx, &text, 0);
    report(name, status == FN_OK ? text.data : ctx.error.text, s->want);
    fn_error_clear(&ctx);
    fn_buf_release(&text);
    fn_column_drop(args[0]);
    fn_column_drop(args[1]);
    fn_column_drop(state);
    fn_column_drop(out);
}

static const sample samples[] = {
    {"count", "Nullable(UInt8)", "[1,NULL,3,NULL]", NULL, NULL, "UInt64 2"},
    {"sum", "Int8", "[-1,2,3,-10,5]", NULL, NULL, "Int64 -1"},
    {"sum", "Float32", "[0.5,1.5,2.25]", NULL, NULL, "Float64 4.25"},
    {"sum", "Decimal(9, 2)", "['1.10','2.20','-5.00']", NULL, NULL, "Decimal(38, 2) -1.7"},
    {"sum", "Nullable(UInt16)", "[1,NULL,65535]", NULL, NULL, "Nullable(UInt64) 65536"},
    {"sum", "Nullable(UInt16)", "[NULL,NULL]", NULL, NULL, "Nullable(UInt64) NULL"},
    {"sumWithOverflow", "UInt8", "[200,100]", NULL, NULL, "UInt8 44"},
    {"avg", "Int32", "[-4,1,0]", NULL, NULL, "Float64 -1"},
    {"min", "Int64", "[5,-7,3]", NULL, NULL, "Int64 -7"},
    {"max", "Float64", "[nan,1,2.5,nan]", NULL, NULL, "Float64 2.5"},
    {"min", "String", "['pear','apple','plum']", NULL, NULL, "String 'apple'"},
    {"any", "Nullable(String)", "[NULL,'a','b']", NULL, NULL, "Nullable(String) 'a'"},
    {"anyLast", "UInt8", "[1,2,3]", NULL, NULL, "UInt8 3"},
    {"argMin", "String", "['a','b','c']", "Int32", "[3,-1,2]", "String 'b'"},
    {"argMax", "UInt8", "[1,2,3]", "String", "['x','z','y']", "UInt8 2"},
    {"uniqExact", "UInt32", "[0,1,1,7,0,9]", NULL, NULL, "UInt64 4"},
    {"uniqExact", "String", "['','a','a','b']", NULL, NULL, "UInt64 3"},
    {"groupArray", "Nullable(String)", "['a',NULL,'b']", NULL, NULL, "Array(String) ['a','b']"},
    {"sumIf", "Int16", "[1,2,3,4]", "UInt8", "[1,0,0,1]", "Int64 5"},
    {"sumIf", "UInt8", "[1,2,3]", "Nullable(UInt8)", "[1,NULL,0]", "UInt64 1"},
    {"sumIf", "Nullable(UInt8)", "[1,2,NULL]", "UInt8", "[0,0,1]", "Nullable(UInt64) NULL"},
    {"sumWithOverflow", "Float32", "[0.5,1]", NULL, NULL, "Float32 1.5"},
    {"countIf", "UInt8", "[1,0,1]", NULL, NULL, "UInt64 2"},
    {"sumArray", "Array(UInt8)", "[[1,2],[],[3]]", NULL, NULL, "UInt64 6"},
    {"maxOrNull", "UInt8", "[1,2]", NULL, NULL, "Nullable(UInt8) 2"},
    {"varPop", "UInt8", "[1, 2, 3, 4]", NULL, NULL, "Float64 1.25"},
    {"corr", "UInt8", "[1, 2, 3, 4]", "UInt8", "[2, 4, 6, 8]", "Float64 1"},
    {"quantileExact", "Int32", "[5, 1, 4, 2, 3]", NULL, NULL, "Int32 3"},
    {"median", "Float64", "[5, 1, 4, 2]", NULL, NULL, "Float64 3"},
    {"uniqCombined", "String", "['a', 'b', 'a', 'c']", NULL, NULL, "UInt64 3"},
    {"groupBitXor", "UInt8", "[1, 2, 4, 1]", NULL, NULL, "UInt8 6"},
    {"sumForEach", "Array(UInt8)", "[[1, 2], [3], [4, 5, 6]]", NULL, NULL, "Array(UInt64) [8,7,6]"},
    {"sumMap", "Map(String, UInt8)", "[{'a': 1}, {'b': 2}, {'a': 3}]", NULL, NULL, "Map(String, UInt64) {'a':4,'b':2}"},
    {"sumArgMax", "UInt8", "[1, 2, 3, 4]", "UInt8", "[1, 2, 2, 1]", "UInt64 5"},
    {"entropy", "UInt8", "[1, 2, 1, 2]", NULL, NULL, "Float64 1"},
};

static void check_error(const char *name, fn_type_id type, uint32_t count, fn_status want)
{
    const fn_type *types[2] = {fn_type_simple(type), fn_type_simple(type)};
    agg_call *call;
    const fn_status got = agg_bind(&ctx, fn_cstr(name), types, count, NULL, 0, &call);
    if (got != want) {
        printf("%s: error %d instead of %d\n", name, got, want);
        failures++;
    }
    fn_error_clear(&ctx);
}

int main(void)
{
    ctx.arena = fn_arena_new(&ctx);
    if (!ctx.arena) return 1;
    for (size_t i = 0; i < FN_COUNT(samples); i++) {
        check(&samples[i], false);
        check(&samples[i], true);
    }
    check_error("nothing", FN_T_UINT8, 1, FN_UNKNOWN_AGGREGATE_FUNCTION);
    check_error("sum", FN_T_STRING, 1, FN_ILLEGAL_TYPE_OF_ARGUMENT);
    check_error("sum", FN_T_UINT8, 2, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH);
    check_error("sumIf", FN_T_STRING, 2, FN_ILLEGAL_TYPE_OF_ARGUMENT);
    check_error("sumMerge", FN_T_UINT8, 1, FN_ILLEGAL_TYPE_OF_ARGUMENT);
    fn_arena_free(ctx.arena);
    return failures != 0;
}
