/* table_function_values.c - values('a UInt8, b String', (1, 'x'), ...) and format(CSV, '...'): rows written in the statement.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/convert.h"
#include "query/format_input.h"
#include "query/table_function.h"
#include "table/memory/memory_table.h"
#include <firn/format.h>

/* The rows as written: per row one tuple or one plain value. */
typedef struct value_rows {
    fn_column **rows; /* 1 row each, referenced */
    uint32_t count;
} value_rows;

static uint32_t width_of(const fn_column *row)
{
    return row->type->id == FN_T_TUPLE ? row->type->arg_count : 1;
}

static fn_column *item_of(fn_ctx *ctx, const fn_column *row, uint32_t column)
{
    if (row->type->id != FN_T_TUPLE) return fn_column_ref(row);
    fn_column *flat = fn_column_flatten(ctx, row);
    if (!flat) return NULL;
    fn_column *item = fn_column_ref(flat->kids[column]);
    fn_column_drop(flat);
    return item;
}

static fn_status infer(fn_ctx *ctx, const value_rows *v, fn_schema *out)
{
    const uint32_t width = width_of(v->rows[0]);
    for (uint32_t i = 1; i < v->count; i++) {
        if (width_of(v->rows[i]) != width) {
            return fn_fail(ctx, FN_CANNOT_EXTRACT_TABLE_STRUCTURE, "Cannot determine a common structure for values function arguments: the amount of "
                                                                   "columns is different for different arguments");
        }
    }
    *out = (fn_schema){FN_NEW_ARRAY(ctx, fn_field, width), width};
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, v->count);
    FN_TRY_PTR(ctx, out->fields);
    FN_TRY_PTR(ctx, types);
    for (uint32_t c = 0; c < width; c++) {
        for (uint32_t i = 0; i < v->count; i++) types[i] = v->rows[i]->type->id == FN_T_TUPLE ? v->rows[i]->type->args[c] : v->rows[i]->type;
        FN_TRY(fn_type_common(ctx, types, v->count, &out->fields[c].type));
        const char *name = fn_arena_printf(ctx, ctx->arena, "c%u", c + 1);
        FN_TRY_PTR(ctx, name);
        out->fields[c].name = fn_cstr(name);
    }
    return FN_OK;
}

/* One value as the column's type; text goes through the type's own reader, numbers must fit. */
static fn_status append(fn_ctx *ctx, const fn_column *value, const fn_type *type, fn_builder *out)
{
    fn_column *converted = NULL;
    if (fn_column_is_null(value, 0) && !fn_type_is_nullable(type)) return fn_builder_default(ctx, out);
    const bool number = fn_type_is_number(fn_type_base(value->type)) && fn_type_is_number(fn_type_base(type));
    const fn_status status = expr_convert(ctx, value, type, number ? CONVERT_ACCURATE : CONVERT_CAST, &converted);
    if (status != FN_OK) {
        fn_error_clear(ctx);
        if (fn_type_is_string(fn_type_base(value->type))) {
            const fn_str text = fn_column_str_at(value, 0);
            return fn_fail(ctx, FN_TYPE_MISMATCH, "Cannot convert string '" FN_STR_FMT "' to type %s", FN_STR_ARG(text), type->name);
        }
        if (number) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Cannot convert value from %s: it cannot be represented as %s", value->type->name, type->name);
        return fn_fail(ctx, FN_TYPE_MISMATCH, "Type mismatch in IN or VALUES section. Expected: %s. Got: %s", type->name, value->type->class->name);
    }
    const fn_status copied = fn_builder_copy(ctx, out, converted, 0);
    fn_column_drop(converted);
    return copied;
}

static fn_status fill(fn_ctx *ctx, const value_rows *v, const fn_schema *schema, fn_builder *builders)
{
    for (uint32_t i = 0; i < v->count; i++) {
        const fn_column *row = v->rows[i];
        const bool tuple = row->type->id == FN_T_TUPLE && !(schema->count == 1 && schema->fields[0].type->id == FN_T_TUPLE);
        if (tuple && schema->count == 1 && row->type->arg_count != 1)
            return fn_fail(ctx, FN_TYPE_MISMATCH, "Type mismatch in IN or VALUES section. Expected: %s. Got: Tuple", schema->fields[0].type->name);
        if ((tuple ? row->type->arg_count : 1u) != schema->count)
            return fn_fail(ctx, FN_BAD_ARGUMENTS, "Values table function requires all rows amount of elements equal to number of columns in structure");
        for (uint32_t c = 0; c < schema->count; c++) {
            fn_column *item = tuple ? item_of(ctx, row, c) : fn_column_ref(row);
            FN_TRY_PTR(ctx, item);
            const fn_status status = append(ctx, item, schema->fields[c].type, &builders[c]);
            fn_column_drop(item);
            FN_TRY(status);
        }
    }
    return FN_OK;
}

static fn_status to_table(fn_ctx *ctx, const value_rows *v, const fn_schema *schema, table **out)
{
    fn_builder *builders = FN_NEW_ARRAY(ctx, fn_builder, schema->count);
    fn_block *block = NULL;
    fn_status status = builders ? FN_OK : ctx->error.code;
    for (uint32_t c = 0; c < schema->count && status == FN_OK; c++) status = fn_builder_init(ctx, &builders[c], schema->fields[c].type);
    if (status == FN_OK) status = fill(ctx, v, schema, builders);
    if (status == FN_OK) {
        block = fn_block_new(ctx, schema->count, v->count);
        if (!block) status = ctx->error.code;
    }
    for (uint32_t c = 0; c < schema->count && status == FN_OK; c++) status = fn_builder_finish(ctx, &builders[c], &block->columns[c]);
    if (status == FN_OK) status = memory_table_of(ctx, "Values", schema, &block, 1, out);
    for (uint32_t c = 0; builders && c < schema->count; c++) fn_builder_release(&builders[c]);
    fn_block_drop(block);
    return status;
}

/* The first argument is the structure if it is a string that reads as one and something follows. */
static bool is_structure(const table_call *call)
{
    const ast_expr *first = call->ast->args.items[0];
    if (call_count(call) < 2 || first->kind != AST_LITERAL || first->literal_kind != LITERAL_STRING) return false;
    fn_ctx probe = {.arena = call->ctx->arena, .memory = call->ctx->memory, .settings = call->ctx->settings};
    fn_schema ignored;
    return call_structure(&probe, first->text, &ignored) == FN_OK;
}

fn_status table_function_values(const table_call *call, table **out)
{
    fn_ctx *ctx = call->ctx;
    fn_schema schema = {NULL, 0};
    const uint32_t first = is_structure(call) ? 1 : 0;
    if (first) FN_TRY(call_structure(ctx, call->ast->args.items[0]->text, &schema));
    value_rows v = {FN_NEW_ARRAY(ctx, fn_column *, call_count(call)), 0};
    FN_TRY_PTR(ctx, v.rows);
    fn_status status = FN_OK;
    for (uint32_t i = first; i < call_count(call) && status == FN_OK; i++) {
        status = call_value(call, i, &v.rows[v.count]);
        if (status == FN_OK) v.count++;
    }
    if (status == FN_OK && !first) status = infer(ctx, &v, &schema);
    if (status == FN_OK) status = to_table(ctx, &v, &schema, out);
    for (uint32_t i = 0; i < v.count; i++) fn_column_drop(v.rows[i]);
    return status;
}

/* ---- format(name, [structure,] data) ---- */
typedef struct block_list {
    fn_block **blocks;
    uint32_t count, capacity;
} block_list;

static fn_status push_block(fn_ctx *ctx, block_list *list, fn_block *block_take)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 8;
        fn_block **grown = FN_NEW_ARRAY(ctx, fn_block *, list->capacity);
        if (!grown) {
            fn_block_drop(block_take);
            return ctx->error.code;
        }
        if (list->count) memcpy(grown, list->blocks, sizeof *grown * list->count);
        list->blocks = grown;
    }
    list->blocks[list->count++] = block_take;
    return FN_OK;
}

static fn_status read_blocks(fn_ctx *ctx, const fn_format *format, const fn_schema *schema, const fn_format_settings *settings, fn_str data,
                             block_list *list)
{
    fn_memory_source source;
    fn_reader *reader;
    fn_memory_source_init(&source, data);
    bool *missing = FN_NEW_ARRAY(ctx, bool, schema->count);
    FN_TRY_PTR(ctx, missing);
    FN_TRY(format_input_open(ctx, format, schema, &source.base, settings, missing, &reader));
    fn_status status = FN_OK;
    for (fn_block *block = NULL; status == FN_OK;) {
        status = reader->next(reader, ctx, &block);
        if (status != FN_OK || !block) break;
        status = push_block(ctx, list, block);
    }
    reader->close(reader);
    return status;
}

fn_status table_function_format(const table_call *call, table **out)
{
    fn_ctx *ctx = call->ctx;
    fn_str name, structure = {NULL, 0}, data;
    FN_TRY(call_text(call, 0, &name));
    if (call_count(call) == 3) FN_TRY(call_text(call, 1, &structure));
    FN_TRY(call_text(call, call_count(call) - 1, &data));
    const fn_format *format = fn_format_find(name);
    if (!format) return fn_fail(ctx, FN_UNKNOWN_FORMAT, "Unknown format " FN_STR_FMT, FN_STR_ARG(name));
    FN_TRY(format_input_check(ctx, format));
    fn_format_settings settings;
    settings_format(settings_of(ctx), &settings);
    fn_schema schema;
    if (structure.size && !fn_str_eq_nocase(structure, FN_STR("auto"))) FN_TRY(call_structure(ctx, structure, &schema));
    else FN_TRY(format_input_infer(ctx, format, data, &settings, &schema));
    block_list list = {NULL, 0, 0};
    fn_status status = read_blocks(ctx, format, &schema, &settings, data, &list);
    if (status == FN_OK) status = memory_table_of(ctx, "Format", &schema, list.blocks, list.count, out);
    for (uint32_t i = 0; i < list.count; i++) fn_block_drop(list.blocks[i]);
    return status;
}
