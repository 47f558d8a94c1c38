/* print_create.c - definitions as SHOW CREATE prints them: columns, indices, engine clauses; and ALTER's commands.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/print.h"

static fn_status put_str(sql_printer *w, const char *before, fn_str text)
{
    FN_TRY(sql_put(w, before));
    return fn_buf_str(w->ctx, w->out, text);
}

static fn_status put_string(sql_printer *w, const char *before, fn_str text)
{
    FN_TRY(sql_put(w, before));
    return sql_quote_string(w->ctx, text, w->out);
}

static fn_status put_name(sql_printer *w, const char *before, fn_str name)
{
    FN_TRY(sql_put(w, before));
    return sql_put_name(w, name);
}

static fn_status put_backticked(sql_printer *w, fn_str name)
{
    const size_t before = w->out->size;
    FN_TRY(sql_put_name(w, name));
    if (w->out->data[before] == '`') return FN_OK;
    w->out->size = before;
    FN_TRY(sql_put(w, "`"));
    FN_TRY(fn_buf_str(w->ctx, w->out, name));
    return sql_put(w, "`");
}

fn_status sql_put_column_def(sql_printer *w, const ast_column_def *c)
{
    static const char *const kinds[] = {"", " DEFAULT ", " MATERIALIZED ", " ALIAS ", " EPHEMERAL "};
    FN_TRY(put_backticked(w, c->name));
    if (c->type.size) FN_TRY(put_str(w, " ", c->type));
    if (c->null_set) FN_TRY(sql_put(w, c->null ? " NULL" : " NOT NULL"));
    if (c->default_kind == 4 && !c->default_expr) FN_TRY(sql_put(w, " EPHEMERAL"));
    else if (c->default_kind) FN_TRY(put_str(w, kinds[c->default_kind], c->default_text));
    if (c->comment.data) FN_TRY(put_string(w, " COMMENT ", c->comment));
    if (c->codec.size) FN_TRY(put_str(w, " ", c->codec));
    if (c->statistics.size) FN_TRY(fn_buf_printf(w->ctx, w->out, " STATISTICS(" FN_STR_FMT ")", FN_STR_ARG(c->statistics)));
    if (c->ttl.size) FN_TRY(put_str(w, " TTL ", c->ttl));
    if (c->primary_key) FN_TRY(sql_put(w, " PRIMARY KEY"));
    if (!c->setting_count) return FN_OK;
    FN_TRY(sql_put(w, " SETTINGS ("));
    FN_TRY(sql_put_settings(w, c->settings, c->setting_count));
    return sql_put(w, ")");
}

fn_status sql_put_item(sql_printer *w, const ast_table_item *item)
{
    switch (item->kind) {
    case 'i':
        FN_TRY(put_name(w, "INDEX ", item->name));
        return put_str(w, " ", item->text);
    case 'p':
        FN_TRY(put_name(w, "PROJECTION ", item->name));
        FN_TRY(sql_put_line(w, 0));
        return sql_put_subquery(w, item->projection);
    default: /* 'c', 'a': a char, not an enum */
        FN_TRY(put_name(w, "CONSTRAINT ", item->name));
        return put_str(w, item->kind == 'c' ? " CHECK " : " ASSUME ", item->text);
    }
}

static fn_status put_columns(sql_printer *w, const ast_create *c)
{
    if (!c->has_columns) return FN_OK;
    FN_TRY(sql_put_line(w, 0));
    FN_TRY(sql_put(w, "("));
    w->indent++;
    for (uint32_t i = 0; i < c->column_count + c->item_count; i++) {
        if (i) FN_TRY(sql_put(w, ","));
        if (w->multi_line || i) FN_TRY(sql_put_line(w, 0));
        FN_TRY(i < c->column_count ? sql_put_column_def(w, &c->columns[i]) : sql_put_item(w, &c->items[i - c->column_count]));
    }
    w->indent--;
    if (w->multi_line) FN_TRY(sql_put_line(w, 0));
    return sql_put(w, ")");
}

static fn_status put_clause(sql_printer *w, const char *word, fn_str text)
{
    if (!text.size) return FN_OK;
    FN_TRY(sql_put_line(w, 0));
    return put_str(w, word, text);
}

static fn_status put_engine(sql_printer *w, const ast_engine *e)
{
    if (e->name.size) {
        FN_TRY(put_clause(w, "ENGINE = ", e->name));
        if (e->args.count) {
            FN_TRY(sql_put(w, "("));
            FN_TRY(sql_put_exprs(w, &e->args));
            FN_TRY(sql_put(w, ")"));
        }
    }
    FN_TRY(put_clause(w, "PARTITION BY ", e->partition_by_text));
    FN_TRY(put_clause(w, "PRIMARY KEY ", e->primary_key_text));
    FN_TRY(put_clause(w, "ORDER BY ", e->order_by_text));
    if (e->order_descending) FN_TRY(sql_put(w, " DESC"));
    FN_TRY(put_clause(w, "SAMPLE BY ", e->sample_by_text));
    FN_TRY(put_clause(w, "TTL ", e->ttl_text));
    if (!e->setting_count) return FN_OK;
    FN_TRY(sql_put_line(w, 0));
    FN_TRY(sql_put(w, "SETTINGS "));
    return sql_put_settings(w, e->settings, e->setting_count);
}

static fn_status put_head(sql_printer *w, const ast_statement *s)
{
    const ast_create *c = s->create;
    FN_TRY(sql_put(w, c->is_attach ? "ATTACH " : c->replace ? "REPLACE " : "CREATE "));
    if (c->or_replace) FN_TRY(sql_put(w, "OR REPLACE "));
    if (c->temporary) FN_TRY(sql_put(w, "TEMPORARY "));
    if (c->materialized) FN_TRY(sql_put(w, "MATERIALIZED "));
    FN_TRY(sql_put(w, s->what == 'd' ? "DATABASE " : s->what == 'v' ? "VIEW " : s->what == 'D' ? "DICTIONARY " : "TABLE "));
    if (c->if_not_exists) FN_TRY(sql_put(w, "IF NOT EXISTS "));
    FN_TRY(sql_put_table(w, &c->name));
    if (c->uuid.size) FN_TRY(put_string(w, " UUID ", c->uuid));
    if (c->on_cluster.size) FN_TRY(put_name(w, " ON CLUSTER ", c->on_cluster));
    if (!c->to_table.table.size && !c->to_table.table_param) return FN_OK;
    FN_TRY(sql_put(w, " TO "));
    return sql_put_table(w, &c->to_table);
}

fn_status sql_put_create(sql_printer *w, const ast_statement *s)
{
    const ast_create *c = s->create;
    FN_TRY(put_head(w, s));
    FN_TRY(put_columns(w, c));
    if (c->as_table.table.size || c->as_table.table_param) {
        FN_TRY(sql_put(w, c->clone ? " CLONE AS " : " AS "));
        FN_TRY(sql_put_table(w, &c->as_table));
    }
    if (c->as_function) {
        FN_TRY(sql_put(w, " AS "));
        FN_TRY(sql_put_expr(w, c->as_function, false));
    }
    FN_TRY(put_engine(w, &c->engine));
    if (c->populate) FN_TRY(sql_put(w, " POPULATE"));
    if (c->empty) FN_TRY(sql_put(w, " EMPTY"));
    if (c->as_select) {
        FN_TRY(sql_put_line(w, 0));
        FN_TRY(sql_put(w, "AS "));
        FN_TRY(sql_put_query(w, c->as_select));
    }
    if (!c->comment.data) return FN_OK;
    FN_TRY(sql_put_line(w, 0));
    return put_string(w, "COMMENT ", c->comment);
}

fn_status sql_put_partition(sql_printer *w, const ast_partition *part)
{
    if (part->is_part) return put_string(w, "PART ", part->id);
    if (part->all) return sql_put(w, "PARTITION ALL");
    if (part->has_id) return put_string(w, "PARTITION ID ", part->id);
    FN_TRY(sql_put(w, "PARTITION "));
    return sql_put_expr(w, part->value, false);
}
