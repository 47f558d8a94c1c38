/* test_infer.c - inferred schemas against ClickHouse 26.9's DESCRIBE format(...). SPDX-License-Identifier: Apache-2.0 */
#include <firn/format.h>
#include <stdio.h>

static const struct {
    const char *format, *data, *gives; /* gives: "name type|..." or NULL: CANNOT_EXTRACT_TABLE_STRUCTURE */
} cases[] = {
    {"CSV", "1,x\n2,y\n", "c1 Nullable(Int64)|c2 Nullable(String)"},
    {"CSV", "a,b\n1,x\n", "a Nullable(Int64)|b Nullable(String)"},
    {"CSV", "a,b\nc,d\n", "c1 Nullable(String)|c2 Nullable(String)"},
    {"CSV", "a,b\nInt32,String\n1,2\n", "a Int32|b String"},
    {"CSV", "a,a\n1,2\n", NULL},
    {"CSV", "1,2\n1\n", NULL},
    {"CSV", "1\n1.5\n", "c1 Nullable(Float64)"},
    {"CSV", "1e3,0x10,01,true,True\n", "c1 Nullable(String)|c2 Nullable(String)|c3 Nullable(Int64)|c4 Nullable(Bool)|c5 Nullable(String)"},
    {"CSV", "18446744073709551615,99999999999999999999\n", "c1 Nullable(UInt64)|c2 Nullable(Float64)"},
    {"CSV", "2024-01-01,2024-01-01 10:00:00,2024-01-01 10:00:00.5,20240101\n", "c1 Nullable(Date)|c2 Nullable(DateTime)|c3 Nullable(DateTime64(9))|c4 Nullable(Int64)"},
    {"CSV", "\"[1,2]\",\"{'a':1}\",\"[1,'a']\",\"1\"\n", "c1 Array(Nullable(Int64))|c2 Map(String, Nullable(Int64))|c3 Nullable(String)|c4 Nullable(String)"},
    {"CSVWithNames", "x,y\n1,2,3\n", NULL},
    {"TSV", "01\t00.5\t[1,2]\t\\N\n", "c1 Nullable(String)|c2 Nullable(Float64)|c3 Array(Nullable(Int64))|c4 Nullable(String)"},
    {"TSKV", "a=1\tb=x\na=2\tc=5\n", "a Nullable(Int64)|b Nullable(String)|c Nullable(Int64)"},
    {"Values", "(1,'x'),(2,'y')", "c1 Nullable(Int64)|c2 Nullable(String)"},
    {"Values", "(NULL)", NULL},
    {"JSONEachRow", "{\"a\":1,\"b\":\"x\"}\n{\"a\":2.5,\"c\":[1,null]}", "a Nullable(Float64)|b Nullable(String)|c Array(Nullable(Int64))"},
    {"JSONEachRow", "{\"a\":true}\n{\"a\":1}", "a Nullable(Int64)"},
    {"JSONEachRow", "{\"a\":-1}\n{\"a\":9223372036854775808}", NULL},
    {"JSONEachRow", "{\"a\":1}\n{\"a\":[1]}", NULL},
    {"JSONEachRow", "{\"a\":1,\"a\":2}", NULL},
    {"JSONEachRow", "{\"a\":1", NULL},
    {"JSONCompactEachRowWithNames", "[\"a\",\"b\"]\n[1,\"x\"]", "a Nullable(Int64)|b Nullable(String)"},
    {"JSON", "{\"meta\":[{\"name\":\"a\",\"type\":\"UInt8\"}],\"data\":[{\"a\":1}]}", "a UInt8"},
    {"JSONCompact", "{\"data\":[[1]]}", NULL},
    {"JSONColumns", "{\"a\":[1,2.5],\"b\":[null]}", "a Nullable(Float64)|b Nullable(String)"},
    {"JSONCompactColumns", "[[1,2],[\"x\",\"y\"]]", "c1 Nullable(Int64)|c2 Nullable(String)"},
    {"JSONObjectEachRow", "{\"r1\":{\"a\":1},\"r2\":{\"b\":2}}", "a Nullable(Int64)|b Nullable(Int64)"},
    {"Form", "a=1&b=x%20y", "a Nullable(Int64)|b Nullable(String)"},
    {"LineAsString", "l1\n", "line String"},
};

static fn_status describe(fn_ctx *ctx, const char *name, const char *data, fn_buf *out)
{
    fn_format_settings settings;
    fn_schema schema;
    fn_format_settings_default(&settings);
    const fn_format *format = fn_format_find(fn_cstr(name));
    if (!format) return fn_fail(ctx, FN_UNKNOWN_FORMAT, "Unknown format %s", name);
    FN_TRY(fn_format_infer(ctx, format, fn_cstr(data), true, &settings, &schema));
    for (uint32_t i = 0; i < schema.count; i++)
        FN_TRY(fn_buf_printf(ctx, out, "%s" FN_STR_FMT " %s", i ? "|" : "", FN_STR_ARG(schema.fields[i].name), schema.fields[i].type->name));
    return FN_OK;
}

int main(void)
{
    int failures = 0;
    for (size_t i = 0; i < FN_COUNT(cases); i++) {
        fn_ctx ctx = {.arena = NULL};
        fn_buf text = FN_BUF_INIT;
        ctx.arena = fn_arena_new(&ctx);
        const fn_status status = describe(&ctx, cases[i].format, cases[i].data, &text);
        const bool ok = cases[i].gives ? status == FN_OK && fn_str_eq(fn_buf_view(&text), fn_cstr(cases[i].gives)) : status == FN_CANNOT_EXTRACT_TABLE_STRUCTURE;
        if (!ok) {
            failures++;
            printf("%s '%s': got " FN_STR_FMT " %s\n", cases[i].format, cases[i].data, FN_STR_ARG(fn_buf_view(&text)), ctx.error.text);
        }
        fn_buf_release(&text);
        fn_arena_free(ctx.arena);
    }
    printf("%d failures\n", failures);
    return failures != 0;
}
