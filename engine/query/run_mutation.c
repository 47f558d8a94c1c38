/* run_mutation.c - ALTER TABLE DELETE and UPDATE, DELETE FROM, UPDATE: rows change in one transaction; done when the statement
 * returns, whatever mutations_sync says. Subqueries are computed before.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/alter.h"
#include "query/mutation_log.h"
#include "query/result.h"
#include "sql/print.h"

typedef struct mutation_run {
    query *query;
    table *table;
    table_schema *schema;  /* one reference */
    plan_query *subqueries[64];
    uint32_t subquery_count;
    mt_mutation mutation;
} mutation_run;

static fn_status open_run(query *q, table *t, mutation_run *m)
{
    *m = (mutation_run){.query = q, .table = t};
    if (!mt_is(t)) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Mutations are not supported by storage %s", t->ops->engine);
    m->schema = table_schema_ref(atomic_load(&t->schema));
    m->mutation.schema = m->schema;
    return FN_OK;
}

static void close_run(mutation_run *m)
{
    for (uint32_t i = 0; i < m->subquery_count; i++) plan_query_release(m->subqueries[i]);
    table_schema_drop(m->schema);
}

/* Binds and computes the subqueries in it. */
static fn_status bind(mutation_run *m, const ast_expr *ast, expr **out)
{
    query *q = m->query;
    plan_query *subqueries;
    exec_env env = {.pool = q->engine->workers, .workers = q->engine->threads, .progress = &q->progress,
                    .spill = q->engine->spill.dir ? &q->spill : NULL};
    if (m->subquery_count == FN_COUNT(m->subqueries)) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "More than %zu expressions in a mutation are not supported", FN_COUNT(m->subqueries));
    FN_TRY(plan_bind_condition(q->ctx, &q->world.base, ast, m->schema, out, &subqueries));
    m->subqueries[m->subquery_count++] = subqueries;
    return exec_cells(q->ctx, subqueries, &env);
}

static fn_status bind_where(mutation_run *m, const ast_expr *where, const ast_partition *partition)
{
    fn_ctx *ctx = m->query->ctx;
    expr *condition = NULL;
    if (where) {
        FN_TRY(bind(m, where, &condition));
        const fn_type *base = fn_type_base(condition->type);
        if (!fn_type_is_number(base) && base->id != FN_T_NOTHING)
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_COLUMN_FOR_FILTER, "Illegal type %s of column for filter. Must be UInt8 or Nullable(UInt8)", condition->type->name);
    }
    if (partition && partition->present && !partition->all) {
        fn_str id;
        expr *args[2], *equal;
        const int at = table_schema_find(m->schema, FN_STR("_partition_id"));
        FN_TRY(alter_partition_id(m->query, m->table, partition, &id));
        if (at < 0) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "IN PARTITION is not supported for this table");
        args[0] = expr_column(ctx, (column_id)at, m->schema->columns[at].type);
        args[1] = expr_const(ctx, fn_column_const_str(ctx, fn_type_simple(FN_T_STRING), id, 1));
        if (!args[0] || !args[1]) return ctx->error.code;
        FN_TRY(expr_call(ctx, "equals", args, 2, &equal));
        FN_TRY(expr_and(ctx, condition, equal, &condition));
    }
    m->mutation.where = condition;
    return FN_OK;
}

static fn_status print_command(fn_ctx *ctx, const ast_alter_command *c, const ast_expr *gone, fn_buf *out)
{
    sql_printer w = {.ctx = ctx, .out = out};
    FN_TRY(fn_buf_byte(ctx, out, '('));
    if (c) FN_TRY(sql_put_alter_command(&w, c));
    else FN_TRY(fn_buf_cstr(ctx, out, "UPDATE _row_exists = 0 WHERE "));
    if (!c) FN_TRY(sql_print_expr(ctx, gone, out));
    return fn_buf_byte(ctx, out, ')');
}

/* Carries it out with a row of system.mutations: for command c of ALTER, or for a DELETE FROM of `gone`. */
static fn_status run(mutation_run *m, const ast_alter_command *c, const ast_expr *gone)
{
    query *q = m->query;
    fn_buf text = FN_BUF_INIT;
    mutation_entry *e = NULL;
    fn_status status = mt_mutation_number(q->ctx, m->table, &m->mutation.number);
    if (status == FN_OK) status = print_command(q->ctx, c, gone, &text);
    if (status == FN_OK) status = mutation_log_begin(q, m->table, m->mutation.number, fn_buf_view(&text), &e);
    fn_buf_release(&text);
    FN_TRY(status);
    return mutation_log_end(q, e, mt_mutate(q->ctx, m->table, &m->mutation));
}

fn_status mutate_delete(query *q, table *t, const ast_alter_command *c, const ast_expr *where, const ast_partition *partition)
{
    mutation_run m;
    FN_TRY(open_run(q, t, &m));
    m.mutation.is_delete = true;
    m.mutation.lightweight = !c;
    fn_status status = bind_where(&m, where, partition);
    if (status == FN_OK) status = run(&m, c, where);
    close_run(&m);
    return status;
}

/* Does a key of the table look at the column? */
static fn_status in_key(fn_ctx *ctx, const table *t, uint32_t column, bool *out)
{
    const mt_definition *d = mt_table_definition(t);
    fn_buf ids = FN_BUF_INIT;
    fn_status status = FN_OK;
    *out = (int)column == d->version_column || (int)column == d->sign_column || (int)column == d->is_deleted_column;
    for (uint32_t i = 0; i < d->sort_count && status == FN_OK; i++) status = expr_columns(ctx, d->sort_key[i], &ids);
    for (uint32_t i = 0; i < d->partition_count && status == FN_OK; i++) status = expr_columns(ctx, d->partition_key[i], &ids);
    for (size_t i = 0; i + sizeof(column_id) <= ids.size; i += sizeof(column_id)) *out |= fn_load_u32(ids.data + i) == column;
    fn_buf_release(&ids);
    return status;
}

static fn_status assigned_name(fn_ctx *ctx, const ast_expr *left, fn_str *out)
{
    *out = left->parts[left->part_count - 1];
    if (left->part_count != 2) return FN_OK;
    const char *full = fn_arena_printf(ctx, ctx->arena, FN_STR_FMT "." FN_STR_FMT, FN_STR_ARG(left->parts[0]), FN_STR_ARG(*out)); /* n.x of a flattened Nested */
    FN_TRY_PTR(ctx, full);
    *out = fn_cstr(full);
    return FN_OK;
}

static fn_status check_assigned(mutation_run *m, fn_str name, int at)
{
    static const char *const kept_by_others[] = {"_block_number", "_block_offset"}; /* ClickHouse's virtual columns that firn has not */
    fn_ctx *ctx = m->query->ctx;
    bool key, virtual = at >= 0 && m->schema->columns[at].is_virtual;
    for (size_t i = 0; i < FN_COUNT(kept_by_others); i++) virtual = virtual || fn_str_eq(name, fn_cstr(kept_by_others[i]));
    if (virtual) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Update is not supported for virtual column `" FN_STR_FMT "` ", FN_STR_ARG(name));
    if (at < 0 || !table_column_is_stored(&m->schema->columns[at]))
        return fn_fail(ctx, FN_NO_SUCH_COLUMN_IN_TABLE, "There is no column `" FN_STR_FMT "` in table", FN_STR_ARG(name));
    FN_TRY(in_key(ctx, m->table, (uint32_t)at, &key));
    if (key) return fn_fail(ctx, FN_CANNOT_UPDATE_COLUMN, "Cannot UPDATE key column `" FN_STR_FMT "`", FN_STR_ARG(name));
    if (m->schema->columns[at].default_kind == DEFAULT_MATERIALIZED)
        return fn_fail(ctx, FN_CANNOT_UPDATE_COLUMN, "Cannot UPDATE materialized column `" FN_STR_FMT "`", FN_STR_ARG(name));
    return FN_OK;
}

/* ---- MATERIALIZED columns of what is updated ---- */

typedef struct updates {
    const uint32_t *columns;
    expr **values;
    uint32_t count;
} updates;

static int find_update(const updates *u, uint32_t column)
{
    for (uint32_t i = 0; i < u->count; i++)
        if (u->columns[i] == column) return (int)i;
    return -1;
}

static expr *updated_value(void *self, column_id column)
{
    const updates *u = self;
    const int at = find_update(u, column);
    return at < 0 ? NULL : u->values[at];
}

/* The new value of the column, if its expression looks at one that has a new value; NULL otherwise. *from: that column. */
static fn_status materialized_value(mutation_run *m, const updates *u, uint32_t column, expr **out, uint32_t *from)
{
    fn_ctx *ctx = m->query->ctx;
    ast_expr *ast;
    expr *value;
    fn_buf ids = FN_BUF_INIT;
    bool affected = false;
    *out = NULL;
    FN_TRY(sql_parse_expr(ctx, m->schema->columns[column].default_sql, &ast));
    FN_TRY(bind(m, ast, &value));
    const fn_status status = expr_columns(ctx, value, &ids);
    for (size_t i = 0; i + sizeof(column_id) <= ids.size && !affected; i += sizeof(column_id)) {
        *from = fn_load_u32(ids.data + i);
        affected = find_update(u, *from) >= 0;
    }
    fn_buf_release(&ids);
    FN_TRY(status);
    if (!affected) return FN_OK;
    FN_TRY(expr_replace(ctx, value, updated_value, (void *)(uintptr_t)u, &value));
    return expr_cast(ctx, value, m->schema->columns[column].type, out);
}

/* They are computed anew from the new values, in turn, as one may be made of another. */
static fn_status add_materialized(mutation_run *m, uint32_t *columns, expr **values, uint32_t *count)
{
    fn_ctx *ctx = m->query->ctx;
    for (bool more = true; more;) {
        more = false;
        for (uint32_t c = 0; c < m->schema->count; c++) {
            const updates u = {columns, values, *count};
            const table_column *def = &m->schema->columns[c];
            expr *value;
            uint32_t from = 0;
            bool key;
            if (def->default_kind != DEFAULT_MATERIALIZED || find_update(&u, c) >= 0) continue;
            FN_TRY(materialized_value(m, &u, c, &value, &from));
            if (!value) continue;
            FN_TRY(in_key(ctx, m->table, c, &key));
            if (key)
                return fn_fail(ctx, FN_CANNOT_UPDATE_COLUMN, "Updated column `" FN_STR_FMT "` affects MATERIALIZED column `" FN_STR_FMT "`, which is a key column. Cannot UPDATE it.",
                               FN_STR_ARG(m->schema->columns[from].name), FN_STR_ARG(def->name));
            columns[*count] = c;
            values[(*count)++] = value;
            more = true;
        }
    }
    return FN_OK;
}

static fn_status bind_assignments(mutation_run *m, const ast_list *assignments)
{
    fn_ctx *ctx = m->query->ctx;
    uint32_t *columns = FN_NEW_ARRAY(ctx, uint32_t, assignments->count + m->schema->count + 1), count = assignments->count;
    expr **values = FN_NEW_ARRAY(ctx, expr *, assignments->count + m->schema->count + 1);
    FN_TRY_PTR(ctx, columns);
    FN_TRY_PTR(ctx, values);
    for (uint32_t i = 0; i < assignments->count; i++) {
        const ast_expr *a = assignments->items[i]; /* equals(column, value) */
        fn_str name;
        expr *value;
        FN_TRY(assigned_name(ctx, a->args.items[0], &name));
        const int at = table_schema_find(m->schema, name);
        FN_TRY(check_assigned(m, name, at));
        for (uint32_t k = 0; k < i; k++)
            if (columns[k] == (uint32_t)at)
                return fn_fail(ctx, FN_MULTIPLE_ASSIGNMENTS_TO_COLUMN, "Multiple assignments in the single statement to column `" FN_STR_FMT "`", FN_STR_ARG(name));
        FN_TRY(bind(m, a->args.items[1], &value));
        FN_TRY(expr_cast(ctx, value, m->schema->columns[at].type, &values[i]));
        columns[i] = (uint32_t)at;
    }
    FN_TRY(add_materialized(m, columns, values, &count));
    m->mutation.columns = columns;
    m->mutation.values = values;
    m->mutation.count = count;
    return FN_OK;
}

/* UPDATE _row_exists = value: rows go for which it is 0. */
static fn_status bind_row_exists(mutation_run *m, const ast_list *assignments, const ast_expr *where, const ast_partition *partition, bool *is)
{
    fn_ctx *ctx = m->query->ctx;
    *is = false;
    for (uint32_t i = 0; i < assignments->count; i++) *is = *is || fn_str_eq(assignments->items[i]->args.items[0]->parts[0], FN_STR("_row_exists"));
    if (!*is) return FN_OK;
    if (assignments->count > 1) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "UPDATE of _row_exists together with other columns is not supported");
    expr *gone, *zero[2] = {NULL, expr_const(ctx, fn_column_const_u64(ctx, fn_type_simple(FN_T_UINT8), 0, 1))};
    FN_TRY_PTR(ctx, zero[1]);
    FN_TRY(bind(m, assignments->items[0]->args.items[1], &zero[0]));
    FN_TRY(expr_call(ctx, "equals", zero, 2, &gone));
    FN_TRY(bind_where(m, where, partition));
    m->mutation.is_delete = m->mutation.lightweight = true;
    return expr_and(ctx, m->mutation.where, gone, &m->mutation.where);
}

fn_status mutate_update(query *q, table *t, const ast_alter_command *c, const ast_list *assignments, const ast_expr *where, const ast_partition *partition)
{
    mutation_run m;
    bool deletes;
    FN_TRY(open_run(q, t, &m));
    fn_status status = bind_row_exists(&m, assignments, where, partition, &deletes);
    if (status == FN_OK && !deletes) status = bind_assignments(&m, assignments);
    if (status == FN_OK && !deletes) status = bind_where(&m, where, partition);
    if (status == FN_OK) status = c ? run(&m, c, NULL) : mt_mutate(q->ctx, t, &m.mutation); /* UPDATE is no mutation in ClickHouse */
    close_run(&m);
    return status;
}

/* CLEAR COLUMN: its default in every row. MATERIALIZE COLUMN: the value of its expression, now stored. */
fn_status mutate_column(query *q, table *t, const ast_alter_command *c)
{
    mutation_run m;
    FN_TRY(open_run(q, t, &m));
    fn_ctx *ctx = q->ctx;
    const int at = table_schema_find(m.schema, c->name);
    fn_status status = FN_OK;
    uint32_t column = (uint32_t)at;
    expr *value = NULL;
    if (at < 0 && c->if_exists) {
        close_run(&m);
        return FN_OK;
    }
    if (at < 0) {
        status = fn_fail(ctx, FN_NOT_FOUND_COLUMN_IN_BLOCK, "Wrong column name. Cannot find column `" FN_STR_FMT "` to %s", FN_STR_ARG(c->name),
                         c->kind == ALTER_CLEAR_COLUMN ? "drop" : "materialize");
    } else {
        bool key;
        status = in_key(ctx, t, column, &key);
        if (status == FN_OK && key) status = fn_fail(ctx, FN_ALTER_OF_COLUMN_IS_FORBIDDEN, "Trying to change key column " FN_STR_FMT, FN_STR_ARG(c->name));
    }
    if (status == FN_OK) {
        const table_column *def = &m.schema->columns[at];
        ast_expr *ast = NULL;
        const bool keep = c->kind == ALTER_MATERIALIZE_COLUMN && def->default_kind == DEFAULT_DEFAULT; /* what is stored stays */
        if (def->default_sql.size && !keep) status = sql_parse_expr(ctx, def->default_sql, &ast);
        if (status == FN_OK && ast) status = bind(&m, ast, &value);
        if (keep) {
            value = expr_column(ctx, column, def->type);
            if (!value) status = ctx->error.code;
        } else if (status == FN_OK && !ast) {
            value = expr_const(ctx, fn_column_default(ctx, def->type, 1));
            if (!value) status = ctx->error.code;
        }
        if (status == FN_OK) status = expr_cast(ctx, value, def->type, &value);
    }
    if (status == FN_OK) status = bind_where(&m, NULL, &c->partition);
    m.mutation.columns = &column;
    m.mutation.values = &value;
    m.mutation.count = 1;
    if (status == FN_OK) status = run(&m, c, NULL);
    close_run(&m);
    return status;
}

/* An index or projection that is not there changes nothing, as in ClickHouse. */
fn_status mutate_index(query *q, table *t, const ast_alter_command *c)
{
    mt_rebuild r = {.names = &c->name, .count = 1, .clear = c->kind == ALTER_CLEAR_INDEX || c->kind == ALTER_CLEAR_PROJECTION,
                    .projections = c->kind == ALTER_CLEAR_PROJECTION || c->kind == ALTER_MATERIALIZE_PROJECTION};
    if (!mt_is(t)) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Mutations are not supported by storage %s", t->ops->engine);
    if (c->partition.present && !c->partition.all) FN_TRY(alter_partition_id(q, t, &c->partition, &r.partition_id));
    return mt_rebuild_parts(q->ctx, t, &r);
}

/* ---- statements ---- */
static fn_status find(query *q, const ast_statement *s, table **out)
{
    fn_str database, name;
    if (s->on_cluster.size) return fn_fail(q->ctx, FN_CLUSTER_DOESNT_EXIST, "Requested cluster '" FN_STR_FMT "' not found", FN_STR_ARG(s->on_cluster));
    FN_TRY(query_name(q, &s->name, &database, &name));
    return query_claim_table(q, database, name, out, NULL);
}

static fn_status try_delete(query *q, const ast_statement *s)
{
    table *t;
    FN_TRY(find(q, s, &t));
    fn_status status = FN_OK;
    if (!mt_is(t)) status = fn_fail(q->ctx, FN_BAD_ARGUMENTS, "DELETE query is not supported for table " FN_STR_FMT "." FN_STR_FMT, FN_STR_ARG(t->database), FN_STR_ARG(t->name));
    else status = lightweight_check_delete(q, t, s);
    if (status == FN_OK) status = mutate_delete(q, t, NULL, s->where, &s->partition);
    table_drop(t);
    return status;
}

fn_status run_delete(query *q, const ast_statement *s)
{
    fn_status status;
    do {
        status = try_delete(q, s);
    } while (query_begins_again(q, status));
    FN_TRY(status);
    return result_none(q);
}

static fn_status try_update(query *q, const ast_statement *s)
{
    table *t;
    FN_TRY(find(q, s, &t));
    fn_status status = lightweight_check_update(q, t);
    if (status == FN_OK) status = mutate_update(q, t, NULL, &s->assignments, s->where, &s->partition);
    table_drop(t);
    return status;
}

fn_status run_update(query *q, const ast_statement *s)
{
    fn_status status;
    do {
        status = try_update(q, s);
    } while (query_begins_again(q, status));
    FN_TRY(status);
    return result_none(q);
}
