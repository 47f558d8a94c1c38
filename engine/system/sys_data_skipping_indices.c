/* sys_data_skipping_indices.c - system.data_skipping_indices: the INDEX clauses of tables, as declared. Nothing is stored for them: every
 * part has a range, and where it pays a dictionary, per column and granule, which serve the same conditions; so their sizes are 0. SPDX-License-Identifier: Apache-2.0 */
#include "sql/ast.h"
#include "system/system_list.h"

static fn_status put(system_rows *r, const table *t, const ast_index_def *index)
{
    size_t n = 0;
    while (n < index->type_text.size && index->type_text.data[n] != '(') n++;
    system_put_str(r, "database", t->database);
    system_put_str(r, "table", t->name);
    system_put_str(r, "name", index->name);
    system_put_str(r, "type", (fn_str){index->type_text.data, n});
    system_put_str(r, "type_full", index->type_text);
    system_put_str(r, "expr", index->expr_text);
    system_put_u64(r, "granularity", index->granularity);
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
