/* parser_node.c - nodes and lists of the tree, counted against max_ast_elements.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/parser.h"

enum { REPEATED_MAX = 500000 }; /* like EXPANDED_MAX of the binder: also where max_ast_elements is 0 */

static fn_status count(sql_parser *p, uint64_t elements)
{
    p->elements += elements;
    if (!p->elements_max || p->elements <= p->elements_max) return FN_OK;
    return fn_fail(p->ctx, FN_TOO_BIG_AST, "AST is too big. Maximum: %llu", (unsigned long long)p->elements_max);
}

fn_status sql_count_again(sql_parser *p, uint64_t elements)
{
    p->repeated += elements;
    if (p->repeated > REPEATED_MAX) return fn_fail(p->ctx, FN_TOO_BIG_AST, "AST is too big. Maximum: %d", REPEATED_MAX);
    return count(p, elements);
}

fn_status sql_node(sql_parser *p, ast_kind kind, ast_expr **out)
{
    FN_TRY(count(p, 1));
    ast_expr *e = FN_NEW(p->ctx, ast_expr);
    FN_TRY_PTR(p->ctx, e);
    e->kind = kind;
    e->position = (uint32_t)sql_token_at(p, 0)->begin;
    *out = e;
    return FN_OK;
}

void *sql_grow(sql_parser *p, void *items_pointer, uint32_t *count, size_t size)
{
    char *items;
    memcpy(&items, items_pointer, sizeof items);
    const uint32_t n = *count;
    if ((n & (n - 1)) == 0) { /* 0, 1, 2, 4, 8 ...: full */
        const size_t capacity = n ? (size_t)n * 2 : 1;
        char *grown = fn_arena_alloc_zero(p->ctx, p->ctx->arena, capacity * size);
        if (!grown) return NULL;
        if (n) memcpy(grown, items, n * size);
        items = grown;
        memcpy(items_pointer, &items, sizeof items);
    }
    *count = n + 1;
    return items + n * size;
}

fn_status sql_push(sql_parser *p, ast_list *list, ast_expr *e)
{
    ast_expr **slot = sql_grow(p, &list->items, &list->count, sizeof *slot);
    FN_TRY_PTR(p->ctx, slot);
    *slot = e;
    return FN_OK;
}

static fn_status call(sql_parser *p, const char *name, ast_expr *const *args, uint32_t count, ast_expr **out)
{
    ast_expr *e;
    FN_TRY(sql_node(p, AST_FUNCTION, &e));
    e->text = fn_cstr(name);
    if (count) e->position = args[0]->position;
    for (uint32_t i = 0; i < count; i++) FN_TRY(sql_push(p, &e->args, args[i]));
    *out = e;
    return FN_OK;
}

fn_status sql_call1(sql_parser *p, const char *name, ast_expr *a, ast_expr **out)
{
    return call(p, name, (ast_expr *const[]){a}, 1, out);
}

fn_status sql_call2(sql_parser *p, const char *name, ast_expr *a, ast_expr *b, ast_expr **out)
{
    return call(p, name, (ast_expr *const[]){a, b}, 2, out);
}

fn_status sql_call3(sql_parser *p, const char *name, ast_expr *a, ast_expr *b, ast_expr *c, ast_expr **out)
{
    return call(p, name, (ast_expr *const[]){a, b, c}, 3, out);
}

fn_status sql_string_node(sql_parser *p, fn_str text, ast_expr **out)
{
    FN_TRY(sql_node(p, AST_LITERAL, out));
    (*out)->literal_kind = LITERAL_STRING;
    (*out)->text = text;
    return FN_OK;
}

fn_status sql_uint_node(sql_parser *p, uint64_t value, ast_expr **out)
{
    FN_TRY(sql_node(p, AST_LITERAL, out));
    (*out)->literal_kind = LITERAL_UINT;
    (*out)->u64 = value;
    return FN_OK;
}

fn_status sql_identifier_node(sql_parser *p, fn_str name, ast_expr **out)
{
    FN_TRY(sql_node(p, AST_IDENTIFIER, out));
    (*out)->parts = FN_NEW_ARRAY(p->ctx, fn_str, 1);
    FN_TRY_PTR(p->ctx, (*out)->parts);
    (*out)->parts[0] = name;
    (*out)->part_count = 1;
    return FN_OK;
}
