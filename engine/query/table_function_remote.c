/* table_function_remote.c - remote('127.0.0.1', db, table), cluster('default', db.table): this server is the only one there is, so they
 * give its own table. Another address is refused. SPDX-License-Identifier: Apache-2.0 */
#include "query/facade.h"
#include "query/materialized.h"
#include "query/table_function.h"

static bool is_this_server(fn_str address)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "::1", "[::1]", "default", "local"};
    const char *colon = memrchr(address.data, ':', address.size);
    for (size_t i = 0; i < FN_COUNT(names); i++) {
        if (fn_str_eq(address, fn_cstr(names[i]))) return true;
        if (colon && fn_str_eq((fn_str){address.data, (size_t)(colon - address.data)}, fn_cstr(names[i]))) return true;
    }
    return false;
}

/* db.table as one identifier, or db and table as two arguments. */
static fn_status read_name(const table_call *call, fn_str *database, fn_str *name)
{
    const ast_expr *first = call->ast->args.items[1];
    if (first->kind == AST_IDENTIFIER && first->part_count == 2) {
        *database = first->parts[0];
        *name = first->parts[1];
        return FN_OK;
    }
    FN_TRY(call_text(call, 1, database));
    if (call_count(call) > 2) return call_text(call, 2, name);
    const char *dot = memchr(database->data, '.', database->size);
    if (!dot) {
        *name = *database;
        *database = (fn_str){NULL, 0};
        return FN_OK;
    }
    *name = (fn_str){dot + 1, (size_t)(database->data + database->size - dot - 1)};
    database->size = (size_t)(dot - database->data);
    return FN_OK;
}

fn_status table_function_remote(const table_call *call, table **out)
{
    fn_str address, database, name;
    FN_TRY(call_text(call, 0, &address));
    if (!is_this_server(address))
        return fn_fail(call->ctx, FN_NOT_IMPLEMENTED, "Reading from another server (" FN_STR_FMT ") is not supported", FN_STR_ARG(address));
    FN_TRY(read_name(call, &database, &name));
    FN_TRY(world_stored_table(call->query, database, name, out));
    FN_TRY(materialized_resolve(call->query, out));
    return facade_source(call->query, out);
}
