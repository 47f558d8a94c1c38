/* fuzz_reader.h - any bytes as input of a format: read to the end into a table with one column of each family; every column that
 * comes out must be sound. Included by one target per format. SPDX-License-Identifier: Apache-2.0 */
#include <firn/format.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const fuzz_types[] = {"UInt8", "Int64", "Float64", "String", "Nullable(String)", "LowCardinality(String)", "Array(Array(UInt16))",
                                         "Map(String, Nullable(Int32))", "Tuple(a Date, b DateTime64(3))", "Decimal(38, 10)", "UUID", "IPv6", "Enum8('x' = 1, 'y' = -2)",
                                         "FixedString(5)", "Bool", "Int128"};

static fn_status fuzz_schema(fn_ctx *ctx, fn_schema *out)
{
    *out = (fn_schema){FN_NEW_ARRAY(ctx, fn_field, FN_COUNT(fuzz_types)), FN_COUNT(fuzz_types)};
    FN_TRY_PTR(ctx, out->fields);
    for (uint32_t i = 0; i < out->count; i++) {
        const char *name = fn_arena_printf(ctx, ctx->arena, "c%u", i);
        FN_TRY_PTR(ctx, name);
        out->fields[i].name = fn_cstr(name);
        FN_TRY(fn_type_parse(ctx, fn_cstr(fuzz_types[i]), &out->fields[i].type));
    }
    return FN_OK;
}

static fn_status fuzz_read(fn_ctx *ctx, const fn_format *format, fn_source *in, const fn_format_settings *settings)
{
    fn_schema schema;
    fn_reader *reader;
    FN_TRY(fuzz_schema(ctx, &schema));
    FN_TRY(format->open_reader(ctx, &schema, in, settings, NULL, &reader));
    fn_status status = FN_OK;
    for (unsigned i = 0; i < 16 && status == FN_OK; i++) {
        fn_block *b;
        status = reader->next(reader, ctx, &b);
        if (status != FN_OK || !b) break;
        for (uint32_t k = 0; k < b->count; k++)
            if (b->columns[k]->type != schema.fields[k].type || fn_column_check(ctx, b->columns[k]) != FN_OK) abort();
        fn_block_drop(b);
    }
    reader->close(reader);
    return status;
}

static int fuzz_format(const char *name, const uint8_t *data, size_t size)
{
    fn_tracker memory;
    fn_tracker_init(&memory, "query", NULL, (int64_t)256 << 20);
    fn_ctx ctx = {.memory = &memory};
    fn_format_settings settings;
    fn_memory_source in;
    const fn_format *format = fn_format_find(fn_cstr(name));
    ctx.arena = fn_arena_new(&ctx);
    if (!ctx.arena || !format) return 0;
    fn_format_settings_default(&settings);
    fn_memory_source_init(&in, (fn_str){(const char *)data, size});
    const fn_status status = fuzz_read(&ctx, format, &in.base, &settings);
    if (status != FN_OK && ctx.error.code != status) abort();
    if (format->infer) {
        fn_schema inferred;
        fn_error_clear(&ctx);
        (void)format->infer(&ctx, (fn_str){(const char *)data, size}, true, &settings, &inferred);
    }
    fn_arena_free(ctx.arena);
    return 0;
}
