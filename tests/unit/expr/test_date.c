/* test_date.c - functions of dates, rounding and arrays through expr_call: one argument, folded, printed.
 * The wanted texts are ClickHouse 26.9's. SPDX-License-Identifier: Apache-2.0 */
#include "expr/expr.h"
#include <stdio.h>

typedef struct sample {
    const char *name, *type, *value, *want;
} sample;
static const sample samples[] = {
    {"toYear", "Date", "2024-02-29", "2024"},
    {"toYYYYMM", "DateTime('Europe/Berlin')", "2023-12-31 23:30:00", "202312"},
    {"toISOWeek", "Date", "2021-01-03", "53"},
    {"toWeek", "Date", "2024-02-29", "8"},
    {"toDayOfWeek", "Date32", "1925-01-05", "1"},
    {"toHour", "DateTime64(3, 'America/New_York')", "2024-07-01 17:05:06.789", "17"},
    {"toMillisecond", "DateTime64(3, 'UTC')", "1935-02-28 23:59:58.123", "123"},
    {"toRelativeWeekNum", "Date", "2024-02-29", "2826"},
    {"toMonday", "Date", "1970-01-01", "1970-01-01"},
    {"toStartOfMonth", "Date32", "2299-12-31", "2149-06-06"},
    {"toLastDayOfMonth", "Date", "2023-02-10", "2023-02-28"},
    {"toStartOfDay", "DateTime('Europe/Berlin')", "2023-10-29 02:30:00", "2023-10-29 00:00:00"},
    {"toStartOfHour", "DateTime('Asia/Kolkata')", "2024-01-01 01:02:03", "2024-01-01 01:00:00"},
    {"toStartOfFifteenMinutes", "DateTime('UTC')", "2024-02-29 23:59:58", "2024-02-29 23:45:00"},
    {"toUnixTimestamp", "DateTime('UTC')", "2024-01-01 00:00:00", "1704067200"},
    {"monthName", "Date", "2024-02-29", "February"},
    {"parseDateTimeBestEffort", "String", "Feb 29, 2024 1:02 PM", "2024-02-29 13:02:00"},
    {"parseDateTimeBestEffortOrNull", "String", "x", "\\N"},
    {"round", "Float64", "2.5", "2"},
    {"roundBankers", "Float64", "3.5", "4"},
    {"floor", "Decimal(18, 3)", "-2.5", "-3"},
    {"ceil", "Float32", "1.25", "2"},
    {"arrayReverse", "Array(UInt8)", "[1,2,3]", "[3,2,1]"},
    {"arraySort", "Array(Nullable(Int8))", "[3,NULL,1]", "[1,3,NULL]"},
    {"arrayReverseSort", "Array(Nullable(Int8))", "[3,NULL,1]", "[3,1,NULL]"},
    {"arrayDistinct", "Array(String)", "['a','b','a']", "['a','b']"},
    {"arraySum", "Array(Int8)", "[-1,3]", "2"},
    {"arrayCumSum", "Array(UInt8)", "[1,2,250]", "[1,3,253]"},
    {"arrayDifference", "Array(UInt8)", "[1,3,2]", "[0,2,-1]"},
    {"arrayFlatten", "Array(Array(UInt8))", "[[1],[2,3]]", "[1,2,3]"},
    {"mapKeys", "Map(String, UInt8)", "{'a':1,'b':2}", "['a','b']"},
    {"L2Norm", "Tuple(UInt8, UInt8)", "(3,4)", "5"},
};

static fn_status constant(fn_ctx *ctx, const sample *s, const fn_text_options *options, expr **out)
{
    const fn_type *type;
    fn_builder b;
    fn_column *c = NULL;
    fn_text_in in = {s->value, s->value + strlen(s->value), s->value};
    FN_TRY(fn_type_parse(ctx, fn_cstr(s->type), &type));
    FN_TRY(fn_builder_init(ctx, &b, type));
    fn_status status = fn_text_read(ctx, &in, type, FN_TEXT_PLAIN, options, &b);
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, &c);
    fn_builder_release(&b);
    if (status != FN_OK) return status;
    *out = expr_const(ctx, c);
    return *out ? FN_OK : ctx->error.code;
}

int main(void)
{
    fn_ctx ctx = {0};
    int failures = 0;
    fn_text_options options;
    fn_text_options_default(&options);
    ctx.arena = fn_arena_new(&ctx);
    if (!ctx.arena) return 1;
    for (size_t i = 0; i < FN_COUNT(samples); i++) {
        const sample *s = &samples[i];
        expr *arg = NULL, *e = NULL;
        fn_buf text = FN_BUF_INIT;
        fn_status status = constant(&ctx, s, &options, &arg);
        if (status == FN_OK) status = expr_call(&ctx, s->name, &arg, 1, &e);
        if (status == FN_OK) status = fn_column_check(&ctx, e->constant);
        if (status == FN_OK) status = fn_text_write(&ctx, e->constant, 0, FN_TEXT_ESCAPED, &options, &text);
        fn_str want = fn_cstr(s->want), got = fn_buf_view(&text);
        if (status != FN_OK || !fn_str_eq(got, want)) {
            printf("%s(%s): %.*s %s\n", s->name, s->value, (int)got.size, got.data ? got.data : "", ctx.error.text);
            failures++;
        }
        fn_buf_release(&text);
        fn_error_clear(&ctx);
    }
    fn_arena_free(ctx.arena);
    return failures != 0;
}
