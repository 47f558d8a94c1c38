/* engine_file.c - ENGINE = File(format, path), URL(...) and S3(...): the table functions file(), url() and s3() under a name. File(format)
 * alone keeps its rows itself, in parts like a Log table. SPDX-License-Identifier: Apache-2.0 */
#include "query/facade.h"
#include "query/file_output.h"
#include "query/object_output.h"
#include "query/table_function.h"
#include "query/url_output.h"
#include <firn/format.h>
#include <firn/object.h>

enum { ARGS_MAX = 12 };

/* A call of a table function under construction. */
typedef struct call_text {
    ast_expr nodes[ARGS_MAX], *items[ARGS_MAX], call;
} function_call;

static void begin(function_call *c, const char *function)
{
    c->call = (ast_expr){.kind = AST_FUNCTION, .text = fn_cstr(function), .args = {c->items, 0}};
}

static void add_text(function_call *c, fn_str text)
{
    ast_expr *e = &c->nodes[c->call.args.count];
    *e = (ast_expr){.kind = AST_LITERAL, .literal_kind = LITERAL_STRING, .text = text};
    c->items[c->call.args.count++] = e;
}

static fn_str text_of(const ast_expr *e)
{
    return e->kind == AST_LITERAL && e->literal_kind == LITERAL_STRING ? e->text : (fn_str){NULL, 0};
}

static fn_status check_format(query *q, fn_str format)
{
    if (!format.size || fn_str_eq_nocase(format, FN_STR("auto")) || fn_format_find(format)) return FN_OK;
    return fn_fail(q->ctx, FN_UNKNOWN_FORMAT, "Unknown format " FN_STR_FMT, FN_STR_ARG(format));
}

/* ---- File ---- */
static fn_status check_file(query *q, const ast_engine *e)
{
    for (uint32_t i = 0; i < e->args.count; i++)
        if (!text_of(e->args.items[i]).data) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "File descriptors and settings as arguments of storage File are not supported");
    return check_format(q, text_of(e->args.items[0]));
}

static fn_status file_call(const facade_use *use, function_call *c)
{
    const ast_list *args = &use->create->engine.args;
    fn_str structure;
    FN_TRY(facade_structure(use->ctx, use->create, &structure));
    begin(c, "file");
    add_text(c, text_of(args->items[1]));
    add_text(c, text_of(args->items[0]));
    add_text(c, structure.size ? structure : FN_STR("auto"));
    if (args->count > 2) add_text(c, text_of(args->items[2]));
    return FN_OK;
}

static fn_status file_source(const facade_use *use, table **out)
{
    function_call c;
    FN_TRY(file_call(use, &c));
    return table_function_make(use->query, &c.call, out);
}

static fn_status file_target(const facade_use *use, const ast_list **columns, table **out)
{
    function_call c;
    (void)columns;
    FN_TRY(file_call(use, &c));
    FN_TRY(file_output_table(use->query, &c.call, NULL, out));
    /* the columns with their defaults; there are none here that are not written */
    table_schema_drop(atomic_exchange(&(*out)->schema, table_schema_ref(atomic_load(&use->table->schema))));
    return FN_OK;
}

const facade_engine facade_file = {
    .name = "File", .args_min = 1, .args_max = 3, .arguments = "requires from 1 to 3 arguments: name of used format, source and compression_method",
    .check = check_file, .source = file_source, .target = file_target,
};

/* ---- URL and S3: the structure comes behind the format, headers(...) at the end ---- */
static bool is_headers(const ast_expr *e)
{
    return e->kind == AST_FUNCTION && fn_str_eq(e->text, FN_STR("headers"));
}

static fn_status object_call(const facade_use *use, const char *function, uint32_t format_at, function_call *c)
{
    const ast_list *args = &use->create->engine.args;
    fn_str structure;
    FN_TRY(facade_structure(use->ctx, use->create, &structure));
    begin(c, function);
    uint32_t plain = 0;
    for (uint32_t i = 0; i < args->count; i++) {
        if (is_headers(args->items[i])) continue;
        if (plain == format_at + 1) add_text(c, structure.size ? structure : FN_STR("auto"));
        c->items[c->call.args.count++] = args->items[i];
        plain++;
    }
    if (plain <= format_at) add_text(c, FN_STR("auto"));
    if (plain <= format_at + 1) add_text(c, structure.size ? structure : FN_STR("auto"));
    for (uint32_t i = 0; i < args->count; i++)
        if (is_headers(args->items[i])) c->items[c->call.args.count++] = args->items[i];
    return FN_OK;
}

static fn_status url_source(const facade_use *use, table **out)
{
    function_call c;
    FN_TRY(object_call(use, "url", 1, &c));
    return table_function_make(use->query, &c.call, out);
}

/* Rows take the columns with their defaults, as all of them are written. */
static fn_status url_target(const facade_use *use, const ast_list **columns, table **out)
{
    function_call c;
    (void)columns;
    FN_TRY(object_call(use, "url", 1, &c));
    FN_TRY(url_output_table(use->query, &c.call, NULL, out));
    table_schema_drop(atomic_exchange(&(*out)->schema, table_schema_ref(atomic_load(&use->table->schema))));
    return FN_OK;
}

static fn_status check_url(query *q, const ast_engine *e)
{
    return e->args.count > 1 ? check_format(q, text_of(e->args.items[1])) : FN_OK;
}

const facade_engine facade_url = {
    .name = "URL", .args_min = 1, .args_max = 4, .check = check_url, .source = url_source, .target = url_target,
    .arguments = "requires 1-4 arguments: url, name of used format (taken from file extension by default), optional compression method, optional headers "
                 "(specified as `headers('name'='value', 'name2'='value2')`)",
};

/* Where the format stands among url [, NOSIGN | key, secret [, token]] [, format [, compression]]. */
static uint32_t s3_format_at(const ast_list *args)
{
    if (args->count > 1 && fn_str_eq_nocase(text_of(args->items[1]), FN_STR("NOSIGN"))) return 2;
    if (args->count < 3 || fn_str_eq_nocase(text_of(args->items[1]), FN_STR("auto")) || fn_format_find(text_of(args->items[1]))) return 1;
    if (args->count == 3) return 3;
    const fn_str third = text_of(args->items[3]);
    return fn_str_eq_nocase(third, FN_STR("auto")) || fn_format_find(third) ? 3 : 4;
}

static fn_status s3_source(const facade_use *use, table **out)
{
    function_call c;
    FN_TRY(object_call(use, "s3", s3_format_at(&use->create->engine.args), &c));
    return table_function_make(use->query, &c.call, out);
}

/* Rows take the columns with their defaults, as all of them are written. */
static fn_status s3_target(const facade_use *use, const ast_list **columns, table **out)
{
    function_call c;
    (void)columns;
    FN_TRY(object_call(use, "s3", s3_format_at(&use->create->engine.args), &c));
    FN_TRY(object_output_table(use->query, &c.call, NULL, out));
    table_schema_drop(atomic_exchange(&(*out)->schema, table_schema_ref(atomic_load(&use->table->schema))));
    return FN_OK;
}

static fn_status check_s3(query *q, const ast_engine *e)
{
    fn_object_url url;
    const uint32_t at = s3_format_at(&e->args);
    for (uint32_t i = 0; i < e->args.count; i++)
        if (!text_of(e->args.items[i]).data) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Arguments of storage S3 that are no strings are not supported");
    FN_TRY(fn_object_url_parse(q->ctx, text_of(e->args.items[0]), true, &url));
    return at < e->args.count ? check_format(q, text_of(e->args.items[at])) : FN_OK;
}

const facade_engine facade_s3 = {.name = "S3", .args_min = 1, .args_max = 6, .arguments = "requires 1 to 6 arguments: url [, NOSIGN | access_key_id, "
                                 "secret_access_key [, session_token]] [, format [, compression_method]]", .check = check_s3, .source = s3_source, .target = s3_target};
