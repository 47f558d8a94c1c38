/* insert_follow.c - an INSERT whose name means another table when its rows are to be committed: EXCHANGE TABLES, the safe overwrite, came
 * in between. Rows acknowledged after the exchange must be seen under the name they were sent to, so what is written goes over to the
 * table that has the name now. That one must be defined alike: defaults, constraints and views were those of the first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/definition.h"
#include "query/insert.h"

/* The definition without what makes no difference to rows: its name, comments. */
static fn_status nameless(query *q, table *t, fn_str *out)
{
    fn_str sql;
    ast_statement *s;
    FN_TRY(definition_text(q->ctx, q->engine, t, &sql));
    FN_TRY(sql_parse(q->ctx, sql, &s));
    s->create->name = (ast_name){.table = FN_STR("t")};
    s->create->comment = (fn_str){NULL, 0};
    for (uint32_t i = 0; i < s->create->column_count; i++) s->create->columns[i].comment = (fn_str){NULL, 0};
    return definition_print(q->ctx, s, out);
}

static fn_status refuse(query *q, const table_claim *c)
{
    return fn_fail(q->ctx, FN_TABLE_UUID_MISMATCH, "Table " FN_STR_FMT "." FN_STR_FMT " was exchanged for one of another definition while rows were inserted into it: "
                   "nothing was inserted, send them again", FN_STR_ARG(c->database), FN_STR_ARG(c->name));
}

static fn_status go_over(insert_target *in, table *to)
{
    query *q = in->query;
    fn_str was, is;
    if (!mt_has_parts(in->table) || !mt_has_parts(to)) return refuse(q, in->claim);
    FN_TRY(nameless(q, in->table, &was));
    FN_TRY(nameless(q, to, &is));
    if (!fn_str_eq(was, is)) return refuse(q, in->claim);
    const fn_status status = mt_writer_move(q->ctx, in->writer, to);
    if (status != FN_INCOMPATIBLE_COLUMNS) return status;
    fn_error_clear(q->ctx); /* the rows are older than the ALTER that has made the two alike */
    return refuse(q, in->claim);
}

static fn_status find_now(query *q, const table_claim *c, table **out)
{
    catalog_names *names = catalog_names_get(q->engine->catalog);
    const catalog_entry *e = catalog_names_table(names, c->database, c->name);
    *out = e ? table_ref(e->table) : NULL;
    catalog_names_drop(names);
    return *out ? FN_OK : fn_fail(q->ctx, FN_UNKNOWN_TABLE, "Table " FN_STR_FMT "." FN_STR_FMT " does not exist", FN_STR_ARG(c->database), FN_STR_ARG(c->name));
}

static fn_status follow(insert_target *in)
{
    for (uint32_t i = 0; in->view_targets && i < in->view_count; i++)
        if (in->view_targets[i].writer) FN_TRY(follow(&in->view_targets[i]));
    table *now;
    if (!in->claim) return FN_OK;
    FN_TRY(find_now(in->query, in->claim, &now));
    const fn_status status = now == in->table ? FN_OK : go_over(in, now);
    if (status != FN_OK || now == in->table) {
        table_drop(now);
        return status;
    }
    table_drop(in->owned);
    in->owned = in->table = now;
    in->claim->table = now;
    return FN_OK;
}

static bool is_followed(const insert_target *in, const table_claim *c)
{
    for (uint32_t i = 0; in->view_targets && i < in->view_count; i++)
        if (is_followed(&in->view_targets[i], c)) return true;
    return in->claim == c;
}

/* Views that the rows were sent to by name: they are not moved. */
static fn_status check_others(const insert_target *in)
{
    for (const table_claim *c = in->query->ctx->claims; c; c = c->next) {
        table *now;
        if (is_followed(in, c)) continue;
        FN_TRY(find_now(in->query, c, &now));
        const bool same = now == c->table;
        table_drop(now);
        if (!same) return refuse(in->query, c);
    }
    return FN_OK;
}

fn_status insert_follow(insert_target *in)
{
    FN_TRY(follow(in));
    return check_others(in);
}
