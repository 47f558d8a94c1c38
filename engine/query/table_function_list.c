/* table_function_list.c - the table functions by name, and how their arguments are read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/table_function.h"
#include "expr/convert.h"


static const table_function functions[] = {
    {"numbers", 0, 3, table_function_numbers, "Table function 'numbers' cannot have more than three params",
     "Integers from 0 or an offset: numbers([offset,] length[, step])."},
    {"numbers_mt", 0, 3, table_function_numbers, "Table function 'numbers_mt' cannot have more than three params", "numbers() read by several threads."},
    {"zeros", 0, 1, table_function_zeros, "Table function 'zeros' requires 'limit'", "Rows of UInt8 zero."},
    {"zeros_mt", 0, 1, table_function_zeros, "Table function 'zeros_mt' requires 'limit'", "zeros() read by several threads."},
    {"generate_series", 2, 3, table_function_series, "Table function 'generate_series' requires 'length' or 'offset, length'",
     "Integers from start to stop, both included, in steps."},
    {"generateSeries", 2, 3, table_function_series, "Table function 'generateSeries' requires 'length' or 'offset, length'", "generate_series()."},
    {"generateRandom", 1, 4, table_function_random, "Table function 'generateRandom' requires at most four arguments: structure, random_seed, "
     "max_string_length, max_array_length", "Endless random rows of a structure."},
    {"null", 0, 1, table_function_null, "Table function 'null' requires 'structure'", "A table that takes everything and gives nothing."},
    {"values", 1, -1, table_function_values, "Table function 'values' requires 1 or more arguments", "The given rows."},
    {"format", 2, 3, table_function_format, "Table function 'format' requires 2 or 3 arguments: format, [structure], data", "Rows parsed from a text."},
    {"file", 1, 4, table_function_file, "The signature of table function file shall be the following:\n - filename\n - filename, format\n"
     " - filename, format, structure\n - filename, format, structure, compression_method\n", "Files below the user files directory."},
    {"url", 1, 5, table_function_url, "The signature of table function url shall be the following:\n - uri\n - uri, format\n - uri, format, structure\n"
     " - uri, format, structure, compression_method\nAll signatures supports optional headers (specified as `headers('name'='value', "
     "'name2'='value2')`)", "A file behind an HTTP address."},
    {"s3", 1, 10, table_function_s3, "Storage S3 requires 1 to 10 arguments", "Objects of S3."},
    {"iceberg", 1, 10, table_function_iceberg, "Storage Iceberg requires 1 to 10 arguments", "An Iceberg table in S3."},
    {"icebergS3", 1, 10, table_function_iceberg, "Storage Iceberg requires 1 to 10 arguments", "An Iceberg table in S3."},
    {"icebergLocal", 1, 3, table_function_iceberg_local, "Storage Iceberg requires 1 to 3 arguments", "An Iceberg table in a folder below the user files directory."},
    {"merge", 1, 2, table_function_merge, "Table function 'merge' requires from 1 to 2 parameters: the source database name (optional), regexp for table names",
     "The rows of all tables whose names match a pattern."},
    {"remote", 2, 6, table_function_remote, "Table function 'remote' requires from 2 to 6 parameters: addresses pattern or cluster name, name of remote database, name of remote table", "A table of this server by its address."},
    {"remoteSecure", 2, 6, table_function_remote, "Table function 'remoteSecure' requires from 2 to 6 parameters: addresses pattern or cluster name, name of remote database, name of remote table", "A table of this server by its address."},
    {"cluster", 2, 6, table_function_remote, "Table function 'cluster' requires from 2 to 6 parameters: cluster name, name of remote database, name of remote table", "A table of this server."},
    {"clusterAllReplicas", 2, 6, table_function_remote, "Table function 'clusterAllReplicas' requires from 2 to 6 parameters: cluster name, name of remote database, name of remote table", "A table of this server."},
};

const table_function *table_function_at(size_t index)
{
    return index < FN_COUNT(functions) ? &functions[index] : NULL;
}

const table_function *table_function_find(fn_str name)
{
    for (size_t i = 0; i < FN_COUNT(functions); i++)
        if (fn_str_eq(name, fn_cstr(functions[i].name))) return &functions[i];
    if (fn_str_eq_nocase(name, FN_STR("values"))) return table_function_find(FN_STR("values"));
    return NULL;
}

fn_status table_function_make(query *q, const ast_expr *ast, table **out)
{
    const table_function *f = table_function_find(ast->text);
    if (!f) {
        FN_TRY(view_function_make(q, ast, out));
        if (*out) return FN_OK;
    }
    if (!f) return fn_fail(q->ctx, FN_UNKNOWN_FUNCTION, "Unknown table function " FN_STR_FMT, FN_STR_ARG(ast->text));
    if (ast->args.count < (uint32_t)f->args_min || (f->args_max >= 0 && ast->args.count > (uint32_t)f->args_max))
        return fn_fail(q->ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "%s", f->signature);
    const table_call call = {.query = q, .ctx = q->ctx, .function = f, .ast = ast};
    return f->make(&call, out);
}

/* ---- arguments ---- */
fn_status call_value(const table_call *call, uint32_t index, fn_column **out)
{
    static const table_schema none = {.count = 0};
    expr *e;
    FN_TRY(plan_bind_expr(call->ctx, &call->query->world.base, call->ast->args.items[index], &none, &e));
    return expr_fold(call->ctx, e, out);
}

fn_status call_text(const table_call *call, uint32_t index, fn_str *out)
{
    const ast_expr *e = call->ast->args.items[index];
    if (e->kind == AST_LITERAL && e->literal_kind == LITERAL_STRING) {
        *out = e->text;
        return FN_OK;
    }
    if (e->kind == AST_IDENTIFIER && e->part_count == 1) {
        *out = e->parts[0];
        return FN_OK;
    }
    fn_column *value;
    FN_TRY(call_value(call, index, &value));
    fn_status status;
    if (fn_type_is_string(fn_type_base(value->type)) && !fn_column_is_null(value, 0)) {
        status = fn_arena_str(call->ctx, call->ctx->arena, fn_column_str_at(value, 0), out);
    } else {
        status = fn_fail(call->ctx, FN_BAD_ARGUMENTS, "Argument %u of table function %s must be a string, got %s", index + 1, call->function->name,
                         value->type->name);
    }
    fn_column_drop(value);
    return status;
}

fn_status call_u64(const table_call *call, uint32_t index, uint64_t *out)
{
    const ast_expr *e = call->ast->args.items[index];
    if (e->kind == AST_LITERAL && e->literal_kind == LITERAL_UINT) {
        *out = e->u64;
        return FN_OK;
    }
    fn_column *value;
    FN_TRY(call_value(call, index, &value));
    fn_status status = FN_OK;
    if (!fn_type_is_number(value->type)) {
        status = fn_fail(call->ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s expression, must be numeric type", value->type->name);
    } else {
        const fn_type *wanted = fn_type_nullable(fn_type_simple(FN_T_UINT64));
        fn_column *converted = NULL;
        status = expr_convert(call->ctx, value, wanted, CONVERT_OR_NULL, &converted);
        fn_buf text = FN_BUF_INIT;
        fn_text_options options;
        expr_text_options(call->ctx, &options);
        if (status == FN_OK && fn_column_is_null(converted, 0)) {
            status = fn_text_write(call->ctx, value, 0, FN_TEXT_PLAIN, &options, &text);
            if (status == FN_OK) {
                status = fn_fail(call->ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "The value %.*s is not representable as UInt64", (int)FN_MIN(text.size, (size_t)100),
                                 text.data);
            }
        } else if (status == FN_OK) {
            *out = fn_column_u64_at(converted, 0);
        }
        fn_buf_release(&text);
        fn_column_drop(converted);
    }
    fn_column_drop(value);
    return status;
}

fn_status call_structure(fn_ctx *ctx, fn_str text, fn_schema *out)
{
    ast_column_def *columns;
    uint32_t count;
    FN_TRY(sql_parse_columns(ctx, text, &columns, &count));
    if (count == 0) return fn_fail(ctx, FN_EMPTY_LIST_OF_COLUMNS_PASSED, "Empty list of columns passed");
    *out = (fn_schema){FN_NEW_ARRAY(ctx, fn_field, count), count};
    FN_TRY_PTR(ctx, out->fields);
    for (uint32_t i = 0; i < count; i++) {
        out->fields[i].name = columns[i].name;
        FN_TRY(fn_type_parse(ctx, columns[i].type, &out->fields[i].type));
        for (uint32_t k = 0; k < i; k++) {
            if (fn_str_eq(out->fields[k].name, columns[i].name))
                return fn_fail(ctx, FN_DUPLICATE_COLUMN, "Column " FN_STR_FMT " already exists", FN_STR_ARG(columns[i].name));
        }
    }
    return FN_OK;
}
