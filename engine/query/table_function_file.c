/* table_function_file.c - file(), url(), s3(): tables over files, see table/lake/file_table.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/format_input.h"
#include "query/table_function.h"
#include "table/lake/file_table.h"
#include <unistd.h>

/* What the three share: [format[, structure[, compression]]] from argument `at` on. */
typedef struct file_arguments {
    fn_str format;
    fn_schema structure;
    bool has_structure;
} file_arguments;

static bool is_auto(fn_str text)
{
    return text.size == 0 || fn_str_eq_nocase(text, FN_STR("auto"));
}

/* Compression is told from the file's name; another explicit one is not done. */
static fn_status check_compression(const table_call *call, fn_str method)
{
    if (is_auto(method)) return FN_OK;
    return fn_fail(call->ctx, FN_NOT_IMPLEMENTED, "Compression method '" FN_STR_FMT "' given by name is not supported: files are decompressed by their ending",
                   FN_STR_ARG(method));
}

static fn_status read_arguments(const table_call *call, uint32_t at, file_arguments *out)
{
    fn_str text;
    *out = (file_arguments){.format = FN_STR("auto")};
    if (at < call_count(call)) FN_TRY(call_text(call, at, &out->format));
    if (at + 1 < call_count(call)) {
        FN_TRY(call_text(call, at + 1, &text));
        out->has_structure = !is_auto(text);
        if (out->has_structure) FN_TRY(call_structure(call->ctx, text, &out->structure));
    }
    if (at + 2 >= call_count(call)) return FN_OK;
    FN_TRY(call_text(call, at + 2, &text));
    return check_compression(call, text);
}

static fn_status make(const table_call *call, file_set *set_take, const file_arguments *a, const char *engine, table **out)
{
    fn_format_settings settings;
    settings_format(settings_of(call->ctx), &settings);
    if (set_take->count == 1) format_input_spread(call->query, &settings); /* more files are read side by side */
    return file_table_new(call->ctx, set_take, a->format, a->has_structure ? &a->structure : NULL, &settings, engine, out);
}

fn_status call_local_path(const table_call *call, fn_str path, fn_str *out)
{
    char here[4096];
    *out = path;
    if (strcmp(call->query->engine->user_files, "/") != 0 || (path.size && path.data[0] == '/')) return FN_OK;
    if (!getcwd(here, sizeof here)) return fn_fail(call->ctx, FN_BAD_ARGUMENTS, "The working directory has no name");
    const char *full = fn_arena_printf(call->ctx, call->ctx->arena, "%s/%.*s", here, (int)path.size, path.data);
    FN_TRY_PTR(call->ctx, full);
    *out = fn_cstr(full);
    return FN_OK;
}

fn_status table_function_file(const table_call *call, table **out)
{
    fn_engine *e = call->query->engine;
    fn_str path;
    file_arguments a;
    file_set *set;
    FN_TRY(call_text(call, 0, &path));
    FN_TRY(read_arguments(call, 1, &a));
    FN_TRY(call_local_path(call, path, &path));
    FN_TRY(file_set_local(call->ctx, e->fs, fn_cstr(e->user_files), path, &set));
    if (set->count == 0 && !glob_has(path)) {
        file_set_free(set);
        return fn_fail(call->ctx, a.has_structure ? FN_FILE_DOESNT_EXIST : FN_CANNOT_EXTRACT_TABLE_STRUCTURE, "File " FN_STR_FMT "/" FN_STR_FMT
                       " doesn't exist", FN_STR_ARG(fn_cstr(e->user_files)), FN_STR_ARG(path));
    }
    return make(call, set, &a, "File", out);
}

static fn_status open_object(const table_call *call, fn_str text, bool is_s3, const fn_object_auth *auth, file_set **out)
{
    fn_object_store *store;
    fn_object_url url;
    FN_TRY(engine_objects(call->ctx, call->query->engine, &store));
    FN_TRY(fn_object_url_parse(call->ctx, text, is_s3, &url));
    return file_set_object(call->ctx, store, &url, auth, out);
}

static fn_status add_headers(const table_call *call, const ast_expr *list, fn_object_header *to, size_t *count)
{
    for (uint32_t i = 0; i < list->args.count; i++) {
        const ast_expr *pair = list->args.items[i];
        const bool is_pair = pair->kind == AST_FUNCTION && fn_str_eq(pair->text, FN_STR("equals")) && pair->args.count == 2;
        if (!is_pair) return fn_fail(call->ctx, FN_BAD_ARGUMENTS, "Headers argument is incorrect: 'name'='value' is expected");
        const table_call inner = {.query = call->query, .ctx = call->ctx, .function = call->function, .ast = pair};
        FN_TRY(call_text(&inner, 0, &to[*count].name));
        FN_TRY(call_text(&inner, 1, &to[*count].value));
        FN_TRY(fn_object_header_check(call->ctx, &to[(*count)++]));
    }
    return FN_OK;
}

fn_status call_url_headers(const table_call *call, table_call *plain, fn_object_url *out)
{
    enum { PLAIN_MAX = 4 };
    fn_ctx *ctx = call->ctx;
    const ast_list *args = &call->ast->args;
    size_t room = 0;
    for (uint32_t i = 0; i < args->count; i++) room += args->items[i]->args.count;
    fn_object_header *headers = FN_NEW_ARRAY(ctx, fn_object_header, room + 1);
    ast_expr *copy = FN_NEW(ctx, ast_expr), **items = FN_NEW_ARRAY(ctx, ast_expr *, args->count + 1);
    if (!headers || !copy || !items) return ctx->error.code;
    *out = (fn_object_url){.headers = headers};
    *copy = *call->ast;
    copy->args = (ast_list){items, 0};
    for (uint32_t i = 0; i < args->count; i++) {
        const ast_expr *e = args->items[i];
        if (e->kind == AST_FUNCTION && fn_str_eq(e->text, FN_STR("headers"))) FN_TRY(add_headers(call, e, headers, &out->header_count));
        else items[copy->args.count++] = args->items[i];
    }
    if (copy->args.count == 0 || copy->args.count > PLAIN_MAX) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "%s", call->function->signature);
    *plain = *call;
    plain->ast = copy;
    return FN_OK;
}

fn_status table_function_url(const table_call *given, table **out)
{
    fn_str text;
    file_arguments a;
    file_set *set;
    table_call call;
    fn_object_url url, headers;
    fn_object_store *store;
    const fn_object_auth none = {.unsigned_ = true};
    FN_TRY(call_url_headers(given, &call, &headers));
    FN_TRY(call_text(&call, 0, &text));
    FN_TRY(read_arguments(&call, 1, &a));
    FN_TRY(engine_objects(call.ctx, call.query->engine, &store));
    FN_TRY(fn_object_url_parse(call.ctx, text, false, &url));
    url.headers = headers.headers;
    url.header_count = headers.header_count;
    FN_TRY(file_set_object(call.ctx, store, &url, &none, &set));
    return make(&call, set, &a, "URL", out);
}

fn_status call_s3_auth(const table_call *call, fn_object_auth *auth, uint32_t *next)
{
    fn_str second, token;
    *next = 1;
    if (call_count(call) > 1) {
        FN_TRY(call_text(call, 1, &second));
        if (fn_str_eq_nocase(second, FN_STR("NOSIGN"))) {
            auth->unsigned_ = true;
            *next = 2;
            return FN_OK;
        }
        if (call_count(call) > 2 && !is_auto(second) && !fn_format_find(second)) {
            auth->key = second;
            FN_TRY(call_text(call, 2, &auth->secret));
            *next = 3;
            if (call_count(call) > 3) {
                FN_TRY(call_text(call, 3, &token));
                if (!is_auto(token) && !fn_format_find(token)) {
                    auth->token = token;
                    *next = 4;
                }
            }
        }
    }
    return fn_object_auth_default(call->ctx, auth);
}

fn_status table_function_s3(const table_call *call, table **out)
{
    fn_str text;
    fn_object_auth auth = {.unsigned_ = false};
    file_arguments a;
    file_set *set;
    uint32_t next;
    FN_TRY(call_text(call, 0, &text));
    FN_TRY(call_s3_auth(call, &auth, &next));
    FN_TRY(read_arguments(call, next, &a));
    FN_TRY(open_object(call, text, true, &auth, &set));
    return make(call, set, &a, "S3", out);
}
