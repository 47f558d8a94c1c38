/* sys_projections.c - system.projections: the PROJECTION clauses of tables, as declared. SPDX-License-Identifier: Apache-2.0 */
#include "sql/ast.h"
#include "system/system_list.h"
#include "table/mergetree/mergetree.h"

static const mt_projection *find(const table *t, fn_str name)
{
    const mt_definition *d = mt_is(t) ? mt_table_definition(t) : NULL;
    for (uint32_t i = 0; d && i < d->projection_count; i++)
        if (fn_str_eq(d->projections[i].name, name)) return &d->projections[i];
    return NULL;
}

static fn_status put_key(system_rows *r, const mt_projection *p)
{
    fn_str *names = FN_NEW_ARRAY(r->ctx, fn_str, p->sort_count + 1);
    FN_TRY_PTR(r->ctx, names);
    for (uint32_t i = 0; i < p->sort_count; i++) names[i] = p->names[p->sort[i]];
    if (p->sort_count) system_put_strs(r, "sorting_key", names, p->sort_count);
    return FN_OK;
}

static fn_status put(system_rows *r, const table *t, const ast_table_item *item)
{
    const mt_projection *p = find(t, item->name);
    const bool aggregate = p && p->aggregate;
    if (p) FN_TRY(put_key(r, p));
    fn_buf text = FN_BUF_INIT;
    fn_status status = item->projection ? sql_print_query(r->ctx, item->projection, false, &text) : FN_OK;
    system_put_str(r, "database", t->database);
    system_put_str(r, "table", t->name);
    system_put_str(r, "name", item->name);
    system_put_text(r, "type", aggregate ? "Aggregate" : "Normal");
    system_put_str(r, "query", fn_buf_view(&text));
    if (status == FN_OK) status = system_row(r);
    fn_buf_release(&text);
    return status;
}

static fn_status each(void *self, fn_ctx *ctx, table *t)
{
    system_rows *r = self;
    ast_statement *s;
    if (t->is_view || !t->create_sql.size || !memmem(t->create_sql.data, t->create_sql.size, "PROJECTION ", 11)) return FN_OK;
    FN_TRY(sql_parse(ctx, t->create_sql, &s));
    for (uint32_t i = 0; s->create && i < s->create->item_count; i++)
        if (s->create->items[i].kind == 'p') FN_TRY(put(r, t, &s->create->items[i]));
    return FN_OK;
}

static fn_status fill(system_rows *r)
{
    return r->world->tables(r->world, r->ctx, system_hint(r, "database"), each, r);
}

const system_def system_projections = {"projections", fill, "PROJECTION clauses of tables."};
