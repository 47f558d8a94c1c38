/* sys_data_skipping_indices.c - system.data_skipping_indices: the INDEX clauses of tables, as declared, with the bytes they have in live parts. SPDX-License-Identifier: Apache-2.0 */
#include "sql/ast.h"
#include "system/system_list.h"
#include "table/mergetree/mergetree.h"

static fn_status put(system_rows *r, table *t, const ast_index_def *index)
{
    size_t n = 0;
    uint64_t bytes = 0;
    if (mt_is(t)) FN_TRY(mt_index_bytes(r->ctx, t, index->name, &bytes));
    while (n < index->type_text.size && index->type_text.data[n] != '(') n++;
    system_put_str(r, "database", t->database);
    system_put_str(r, "table", t->name);
    system_put_str(r, "name", index->name);
    system_put_str(r, "type", (fn_str){index->type_text.data, n});
    system_put_str(r, "type_full", index->type_text);
    const bool tuple = index->expr->kind == AST_FUNCTION && fn_str_eq(index->expr->text, FN_STR("tuple")) && index->expr_text.size > 2;
    system_put_str(r, "expr", tuple && index->expr_text.data[0] == '(' ? (fn_str){index->expr_text.data + 1, index->expr_text.size - 2} : index->expr_text);
    system_put_u64(r, "granularity", index->granularity);
    system_put_u64(r, "data_compressed_bytes", bytes); /* filters do not compress, the rest is small */
    system_put_u64(r, "data_uncompressed_bytes", bytes);
    return system_row(r);
}

static fn_status each(void *self, fn_ctx *ctx, table *t)
{
    system_rows *r = self;
    ast_statement *s;
    if (t->is_view || !t->create_sql.size || !memmem(t->create_sql.data, t->create_sql.size, "INDEX ", 6)) return FN_OK;
    FN_TRY(sql_parse(ctx, t->create_sql, &s));
    for (uint32_t i = 0; s->create && i < s->create->item_count; i++)
        if (s->create->items[i].kind == 'i') FN_TRY(put(r, t, &s->create->items[i].index));
    return FN_OK;
}

static fn_status fill(system_rows *r)
{
    return r->world->tables(r->world, r->ctx, system_hint(r, "database"), each, r);
}

const system_def system_data_skipping_indices = {"data_skipping_indices", fill, "INDEX clauses of tables."};
