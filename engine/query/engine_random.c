/* engine_random.c - ENGINE = GenerateRandom([seed[, max_string_length[, max_array_length]]]): the rows of generateRandom().
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/facade.h"
#include "query/table_function.h"

static fn_status source(const facade_use *use, table **out)
{
    const ast_list *given = &use->create->engine.args;
    ast_expr *args[4], structure = {.kind = AST_LITERAL, .literal_kind = LITERAL_STRING};
    ast_expr call = {.kind = AST_FUNCTION, .text = FN_STR("generateRandom"), .args = {args, given->count + 1}};
    FN_TRY(facade_structure(use->ctx, use->create, &structure.text));
    args[0] = &structure;
    for (uint32_t i = 0; i < given->count && i < FN_COUNT(args) - 1; i++) args[i + 1] = given->items[i];
    return table_function_make(use->query, &call, out);
}

/* The definition must be one that can be read. */
static fn_status check(query *q, const ast_engine *e)
{
    for (uint32_t i = 0; i < e->args.count; i++) {
        const ast_expr *a = e->args.items[i];
        if (a->kind != AST_LITERAL || (a->literal_kind != LITERAL_UINT && a->literal_kind != LITERAL_NULL))
            return fn_fail(q->ctx, FN_BAD_ARGUMENTS, "The arguments of storage GenerateRandom must be numbers");
    }
    return FN_OK;
}

const facade_engine facade_random = {
    .name = "GenerateRandom", .args_max = 3, .arguments = "requires at most three arguments: random_seed, max_string_length, max_array_length",
    .check = check, .source = source,
};
