/* table_function_generate.c - numbers, zeros, generate_series, generateRandom, null: rows from nowhere.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/table_function.h"
#include "table/generate/generate.h"
#include "table/memory/memory_table.h"
#include <firn/time.h>

/* numbers(), numbers(length), numbers(offset, length[, step]): every step-th of `length` numbers. */
fn_status table_function_numbers(const table_call *call, table **out)
{
    uint64_t offset = 0, length = UINT64_MAX, step = 1;
    const uint32_t n = call_count(call);
    if (n == 1) FN_TRY(call_u64(call, 0, &length));
    if (n >= 2) {
        FN_TRY(call_u64(call, 0, &offset));
        FN_TRY(call_u64(call, 1, &length));
    }
    if (n == 3) FN_TRY(call_u64(call, 2, &step));
    if (step == 0) return fn_fail(call->ctx, FN_BAD_ARGUMENTS, "Table function '%s' requires step to be a non-zero number", call->function->name);
    const uint64_t count = n == 0 ? UINT64_MAX : length / step + (length % step != 0);
    FN_TRY(numbers_table_new(call->ctx, "SystemNumbers", "number", offset, count, step, out));
    (*out)->in_order = strcmp(call->function->name, "numbers_mt") != 0;
    return FN_OK;
}

fn_status table_function_series(const table_call *call, table **out)
{
    uint64_t start, stop, step = 1, count;
    FN_TRY(call_u64(call, 0, &start));
    FN_TRY(call_u64(call, 1, &stop));
    if (call_count(call) == 3) FN_TRY(call_u64(call, 2, &step));
    if (step == 0) return fn_fail(call->ctx, FN_BAD_ARGUMENTS, "Table function '%s' requires step to be a non-zero number", call->function->name);
    FN_TRY(series_count(call->ctx, start, stop, step, &count));
    return numbers_table_new(call->ctx, "SystemNumbers", "generate_series", start, count, step, out);
}

fn_status table_function_zeros(const table_call *call, table **out)
{
    uint64_t count = UINT64_MAX;
    if (call_count(call) == 1) FN_TRY(call_u64(call, 0, &count));
    return zeros_table_new(call->ctx, "SystemZeros", count, out);
}

fn_status table_function_random(const table_call *call, table **out)
{
    fn_str text;
    fn_schema structure;
    random_options options = {.max_string_length = 10, .max_array_length = 10};
    uint64_t *const numbers[] = {&options.seed, &options.max_string_length, &options.max_array_length};
    FN_TRY(call_text(call, 0, &text));
    FN_TRY(call_structure(call->ctx, text, &structure));
    bool seeded = false;
    for (uint32_t i = 1; i < call_count(call); i++) {
        const ast_expr *e = call->ast->args.items[i];
        if (e->kind == AST_LITERAL && e->literal_kind == LITERAL_NULL) continue;
        FN_TRY(call_u64(call, i, numbers[i - 1]));
        seeded |= i == 1;
    }
    if (!seeded) options.seed = fn_random_u64();
    return random_table_new(call->ctx, &structure, &options, out);
}

fn_status table_function_null(const table_call *call, table **out)
{
    static fn_field dummy = {.name = {"dummy", 5}};
    fn_str text;
    dummy.type = fn_type_simple(FN_T_UINT8);
    fn_schema structure = {&dummy, 1};
    if (call_count(call) == 1) {
        FN_TRY(call_text(call, 0, &text));
        FN_TRY(call_structure(call->ctx, text, &structure));
    }
    table head = {.engine_full = FN_STR("Null"), .created_s = 0};
    table_schema *schema;
    FN_TRY(table_schema_make(call->ctx, &structure, &schema));
    atomic_store(&head.schema, schema);
    const fn_status status = null_table_new(call->ctx, &head, out);
    if (status != FN_OK) table_schema_drop(schema);
    return status;
}
