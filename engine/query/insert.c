/* insert.c - see insert.h. SPDX-License-Identifier: Apache-2.0 */
#include "query/insert.h"
#include "query/async_insert.h"
#include "query/definition.h"
#include "query/facade.h"
#include "query/materialized.h"
#include "table/memory/memory_table.h"

/* ---- which columns are given ---- */
static fn_status name_of(fn_ctx *ctx, const ast_expr *e, fn_str *out)
{
    if (e->kind != AST_IDENTIFIER) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Column matchers in INSERT other than * EXCEPT are not supported");
    if (e->part_count == 1) {
        *out = e->parts[0];
        return FN_OK;
    }
    fn_buf text = FN_BUF_INIT;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < e->part_count && status == FN_OK; i++) {
        if (i) status = fn_buf_byte(ctx, &text, '.');
        if (status == FN_OK) status = fn_buf_str(ctx, &text, e->parts[i]);
    }
    if (status == FN_OK) status = fn_arena_str(ctx, ctx->arena, fn_buf_view(&text), out);
    fn_buf_release(&text);
    return status;
}

static bool is_default_target(const table_column *c)
{
    return !c->is_virtual && (c->default_kind == DEFAULT_NONE || c->default_kind == DEFAULT_DEFAULT);
}

static fn_status no_column(const insert_target *in, fn_str name)
{
    const table *t = in->table;
    return fn_fail(in->query->ctx, FN_NO_SUCH_COLUMN_IN_TABLE, "No such column " FN_STR_FMT " in table " FN_STR_FMT "." FN_STR_FMT " (%s)", FN_STR_ARG(name),
                   FN_STR_ARG(t->database), FN_STR_ARG(t->name), t->uuid);
}

static fn_status add_named(insert_target *in, fn_str name)
{
    const int at = table_schema_find(in->schema, name);
    fn_ctx *ctx = in->query->ctx;
    if (at < 0 || in->schema->columns[at].is_virtual || in->schema->columns[at].default_kind == DEFAULT_ALIAS) return no_column(in, name);
    if (in->schema->columns[at].default_kind == DEFAULT_MATERIALIZED && !in->query->settings.insert_allow_materialized_columns)
        return fn_fail(ctx, FN_ILLEGAL_COLUMN, "Cannot insert column " FN_STR_FMT ", because it is MATERIALIZED column", FN_STR_ARG(name));
    for (uint32_t i = 0; i < in->given_count; i++) {
        if (in->given[i] == (uint32_t)at) {
            return fn_fail(ctx, FN_DUPLICATE_COLUMN, "Column " FN_STR_FMT " in table " FN_STR_FMT "." FN_STR_FMT " (%s) specified more than once",
                           FN_STR_ARG(name), FN_STR_ARG(in->table->database), FN_STR_ARG(in->table->name), in->table->uuid);
        }
    }
    in->given[in->given_count++] = (uint32_t)at;
    return FN_OK;
}

/* `*` or `* EXCEPT (a, b)` */
static fn_status add_star(insert_target *in, const ast_expr *star)
{
    fn_ctx *ctx = in->query->ctx;
    for (uint32_t i = 0; i < in->schema->count; i++) {
        bool excepted = !is_default_target(&in->schema->columns[i]);
        for (uint32_t k = 0; star && k < star->args2.count; k++) {
            const ast_expr *transformer = star->args2.items[k];
            if (!fn_str_eq_nocase(transformer->text, FN_STR("EXCEPT"))) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Column transformers in INSERT other than EXCEPT are not supported");
            for (uint32_t n = 0; n < transformer->args.count; n++) {
                fn_str name;
                FN_TRY(name_of(ctx, transformer->args.items[n], &name));
                excepted |= fn_str_eq(name, in->schema->columns[i].name);
            }
        }
        if (!excepted) FN_TRY(add_named(in, in->schema->columns[i].name));
    }
    return FN_OK;
}

static fn_status choose_columns(insert_target *in, const ast_list *columns)
{
    in->given = FN_NEW_ARRAY(in->query->ctx, uint32_t, FN_MAX(in->schema->count, 1u));
    FN_TRY_PTR(in->query->ctx, in->given);
    if (!columns || columns->count == 0) return add_star(in, NULL);
    for (uint32_t i = 0; i < columns->count; i++) {
        const ast_expr *e = columns->items[i];
        fn_str name;
        if (e->kind == AST_ASTERISK && !e->text.size && !e->args.count) {
            FN_TRY(add_star(in, e));
            continue;
        }
        FN_TRY(name_of(in->query->ctx, e, &name));
        FN_TRY(add_named(in, name));
    }
    return FN_OK;
}

/* ---- values of all stored columns ---- */
typedef struct value_maker {
    insert_target *in;
    fn_ctx *ctx;
    expr **values;    /* per schema index, over given columns; NULL: not made yet */
    uint8_t *making;  /* per schema index: on the way (a cycle) */
    const bool *missing;
    fn_status status;
} value_maker;

static fn_status make_value(value_maker *m, uint32_t index, expr **out);

static expr *value_for(void *self, column_id id)
{
    value_maker *m = self;
    expr *value = NULL;
    const fn_status status = make_value(m, id, &value);
    if (status != FN_OK && m->status == FN_OK) m->status = status;
    return value;
}

static int place_given(const insert_target *in, uint32_t index)
{
    for (uint32_t i = 0; i < in->given_count; i++)
        if (in->given[i] == index) return (int)i;
    return -1;
}

static fn_status default_value(value_maker *m, uint32_t index, expr **out)
{
    const table_column *c = &m->in->schema->columns[index];
    ast_expr *ast;
    expr *bound, *over;
    if (!c->default_sql.size) {
        *out = expr_const(m->ctx, fn_column_default(m->ctx, c->type, 1));
        FN_TRY_PTR(m->ctx, *out);
        return FN_OK;
    }
    FN_TRY(sql_parse_expr(m->ctx, c->default_sql, &ast));
    FN_TRY(plan_bind_expr(m->ctx, &m->in->query->world.base, ast, m->in->schema, &bound));
    FN_TRY(expr_replace(m->ctx, bound, value_for, m, &over));
    FN_TRY(m->status);
    return expr_cast(m->ctx, over, c->type, out);
}

/* A given column as the type of the table; NULL where the table has none takes the default, as insert_null_as_default says. */
static fn_status given_value(value_maker *m, uint32_t index, uint32_t place, expr **out)
{
    const table_column *c = &m->in->schema->columns[index];
    const fn_type *from = m->in->given_types[place];
    expr *value = expr_column(m->ctx, place, from);
    FN_TRY_PTR(m->ctx, value);
    if (fn_type_is_nullable(from) && !fn_type_is_nullable(c->type) && from->id != FN_T_NOTHING) {
        expr *args[2] = {value, NULL};
        const bool only_null = fn_type_base(from)->id == FN_T_NOTHING;
        FN_TRY(default_value(m, index, &args[1]));
        if (only_null) {
            *out = args[1];
            return FN_OK;
        }
        FN_TRY(expr_cast(m->ctx, value, fn_type_nullable(c->type), &args[0]));
        if (!fn_type_is_nullable(args[0]->type)) return expr_cast(m->ctx, value, c->type, out); /* containers cannot be Nullable */
        FN_TRY(expr_call(m->ctx, "ifNull", args, 2, &value));
    }
    return expr_cast(m->ctx, value, c->type, out);
}

static fn_status make_value(value_maker *m, uint32_t index, expr **out)
{
    const int place = place_given(m->in, index);
    if (m->values[index]) {
        *out = m->values[index];
        return FN_OK;
    }
    if (m->making[index]) {
        return fn_fail(m->ctx, FN_CYCLIC_ALIASES, "The default of column " FN_STR_FMT " depends on itself", FN_STR_ARG(m->in->schema->columns[index].name));
    }
    m->making[index] = 1;
    const bool given = place >= 0 && !(m->missing && m->missing[place]);
    FN_TRY(given ? given_value(m, index, (uint32_t)place, out) : default_value(m, index, out));
    m->making[index] = 0;
    m->values[index] = *out;
    return FN_OK;
}

/* CONSTRAINT ... CHECK of the table's definition. */
static fn_status add_constraints(value_maker *m, expr **exprs, uint32_t room, uint32_t *count)
{
    insert_target *in = m->in;
    ast_statement *s;
    in->constraint_count = 0;
    fn_str sql;
    FN_TRY(definition_text(m->ctx, in->query->engine, in->table, &sql));
    if (!sql.size) return FN_OK;
    FN_TRY(sql_parse(m->ctx, sql, &s));
    if (!s->create) return FN_OK;
    in->constraints = FN_NEW_ARRAY(m->ctx, insert_constraint, FN_MAX(s->create->item_count, 1u));
    FN_TRY_PTR(m->ctx, in->constraints);
    for (uint32_t i = 0; i < s->create->item_count; i++) {
        const ast_table_item *item = &s->create->items[i];
        expr *bound, *over;
        if (item->kind != 'c') continue;
        if (*count == room) return fn_fail(m->ctx, FN_NOT_IMPLEMENTED, "More than %u constraints are not supported", room);
        FN_TRY(plan_bind_expr(m->ctx, &in->query->world.base, item->constraint, in->schema, &bound));
        FN_TRY(expr_replace(m->ctx, bound, value_for, m, &over));
        FN_TRY(m->status);
        exprs[(*count)++] = over;
        in->constraints[in->constraint_count++] = (insert_constraint){item->name, item->text};
    }
    return FN_OK;
}

fn_status insert_compile(insert_target *in, const bool *missing)
{
    enum { CONSTRAINTS_MAX = 100 };
    fn_ctx *ctx = in->query->ctx;
    const uint32_t n = in->schema->count, room = n + CONSTRAINTS_MAX;
    value_maker m = {.in = in, .ctx = ctx, .values = FN_NEW_ARRAY(ctx, expr *, FN_MAX(n, 1u)), .making = FN_NEW_ARRAY(ctx, uint8_t, FN_MAX(n, 1u)), .missing = missing};
    expr **exprs = FN_NEW_ARRAY(ctx, expr *, room);
    column_id *layout = FN_NEW_ARRAY(ctx, column_id, FN_MAX(in->given_count, 1u));
    if (!m.values || !m.making || !exprs || !layout) return ctx->error.code;
    in->stored_count = 0;
    for (uint32_t i = 0; i < n; i++)
        if (table_column_is_stored(&in->schema->columns[i])) FN_TRY(make_value(&m, i, &exprs[in->stored_count++]));
    uint32_t count = in->stored_count;
    FN_TRY(add_constraints(&m, exprs, room, &count));
    for (uint32_t i = 0; i < in->given_count; i++) layout[i] = i;
    return expr_compile(ctx, exprs, count, layout, in->given_count, &in->program);
}

fn_status insert_open(query *q, table *t, table_claim *claim, const ast_list *columns, const fn_type *const *types, uint32_t type_count, insert_target *out)
{
    fn_ctx *ctx = q->ctx;
    *out = (insert_target){.query = q, .table = t, .claim = claim, .above = out->above};
    if (!t->ops->write) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Method write is not supported by storage %s", t->ops->engine);
    FN_TRY(t->ops->write(t, ctx, &out->writer)); /* first: from here on ALTER does not change what the rows are */
    out->schema = table_schema_ref(out->writer->schema ? out->writer->schema : atomic_load(&t->schema));
    FN_TRY(choose_columns(out, columns));
    if (types && type_count != out->given_count)
        return fn_fail(ctx, FN_NUMBER_OF_COLUMNS_DOESNT_MATCH, "Number of columns doesn't match (source: %u and result: %u)", type_count, out->given_count);
    out->given_types = FN_NEW_ARRAY(ctx, const fn_type *, FN_MAX(out->given_count, 1u));
    FN_TRY_PTR(ctx, out->given_types);
    for (uint32_t i = 0; i < out->given_count; i++) out->given_types[i] = types ? types[i] : out->schema->columns[out->given[i]].type;
    return t->is_temporary ? FN_OK : materialized_of(q, t, claim, &out->views, &out->view_count);
}

/* ---- blocks ---- */
static fn_status violated(const insert_target *in, fn_ctx *ctx, uint32_t constraint, uint64_t row)
{
    const insert_constraint *c = &in->constraints[constraint];
    return fn_fail(ctx, FN_VIOLATED_CONSTRAINT, "Constraint `" FN_STR_FMT "` for table " FN_STR_FMT "." FN_STR_FMT " (%s) is violated at row %llu. Expression: ("
                   FN_STR_FMT ")", FN_STR_ARG(c->name), FN_STR_ARG(in->table->database), FN_STR_ARG(in->table->name), in->table->uuid,
                   (unsigned long long)row, FN_STR_ARG(c->text));
}

static fn_status check_constraints(const insert_target *in, fn_ctx *ctx, fn_column *const *conditions, uint32_t rows)
{
    for (uint32_t c = 0; c < in->constraint_count; c++) {
        for (uint32_t row = 0; row < rows; row++) {
            if (fn_column_is_null(conditions[c], row) || fn_column_u64_at(conditions[c], row) == 0) return violated(in, ctx, c, in->rows + row + 1);
        }
    }
    return FN_OK;
}

/* The list is on the heap: blocks come while ctx->arena is that of a morsel. */
static fn_status keep_block(insert_target *in, fn_ctx *ctx, const fn_block *block)
{
    if (in->kept_count == in->kept_capacity) {
        const uint32_t capacity = in->kept_capacity ? in->kept_capacity * 2 : 16;
        fn_block **grown = fn_realloc(ctx, in->kept, sizeof *grown * capacity);
        FN_TRY_PTR(ctx, grown);
        in->kept = grown;
        in->kept_capacity = capacity;
    }
    in->kept[in->kept_count++] = fn_block_ref(block);
    return FN_OK;
}

fn_status insert_block(insert_target *in, fn_ctx *ctx, const fn_block *block)
{
    const uint32_t count = in->stored_count + in->constraint_count;
    if (block->rows == 0) return FN_OK;
    FN_TRY(fn_ctx_check(ctx));
    fn_column **columns = fn_alloc_zero(ctx, sizeof *columns * FN_MAX(count, 1u));
    FN_TRY_PTR(ctx, columns);
    fn_block *stored = NULL;
    fn_status status = expr_run(ctx, in->program, block, columns);
    const bool made = status == FN_OK;
    if (status == FN_OK) status = check_constraints(in, ctx, columns + in->stored_count, block->rows);
    if (status == FN_OK) {
        stored = fn_block_new(ctx, in->stored_count, block->rows);
        if (!stored) status = ctx->error.code;
    }
    for (uint32_t i = 0; made && i < count; i++) {
        if (stored && i < in->stored_count) stored->columns[i] = columns[i];
        else fn_column_drop(columns[i]);
    }
    fn_free(columns);
    if (status == FN_OK) status = insert_identity_add(in, ctx, stored);
    if (status == FN_OK) status = in->writer->write(in->writer, ctx, stored);
    if (status == FN_OK && in->view_count) status = keep_block(in, ctx, stored);
    if (status == FN_OK) {
        if (in->constraint_count) in->rows += block->rows;
        exec_progress *p = &in->query->progress;
        atomic_fetch_add_explicit(&p->written_rows, block->rows, memory_order_relaxed);
        atomic_fetch_add_explicit(&p->written_bytes, fn_block_bytes(stored), memory_order_relaxed);
        exec_progress_tell(p);
    }
    fn_block_drop(stored);
    return status;
}

/* ---- materialized views ---- */
/* The rows inserted, as a table with the stored columns. */
static fn_status rows_table(insert_target *in, table **out)
{
    fn_ctx *ctx = in->query->ctx;
    fn_schema columns = {FN_NEW_ARRAY(ctx, fn_field, FN_MAX(in->stored_count, 1u)), 0};
    FN_TRY_PTR(ctx, columns.fields);
    for (uint32_t i = 0; i < in->schema->count; i++) {
        const table_column *c = &in->schema->columns[i];
        if (table_column_is_stored(c)) columns.fields[columns.count++] = (fn_field){c->name, c->type};
    }
    return memory_table_of(ctx, "Memory", &columns, in->kept, in->kept_count, out);
}

typedef struct view_output {
    exec_output base;
    insert_target *in;
    uint32_t *kept, kept_count;  /* columns of the query that the target has */
} view_output;

static fn_status take_view_block(exec_output *self, fn_ctx *ctx, const fn_block *block)
{
    const view_output *o = (const view_output *)self;
    if (o->kept_count == block->count) return insert_block(o->in, ctx, block);
    fn_block *part = fn_block_new(ctx, o->kept_count, block->rows);
    FN_TRY_PTR(ctx, part);
    for (uint32_t i = 0; i < o->kept_count; i++) part->columns[i] = fn_column_ref(block->columns[o->kept[i]]);
    const fn_status status = insert_block(o->in, ctx, part);
    fn_block_drop(part);
    return status;
}

bool insert_takes(const table_schema *schema, fn_str column)
{
    const int at = table_schema_find(schema, column);
    if (at < 0 || schema->columns[at].is_virtual) return false;
    return schema->columns[at].default_kind != DEFAULT_ALIAS && schema->columns[at].default_kind != DEFAULT_MATERIALIZED;
}

/* Columns go by name, as in ClickHouse; those that the target lacks are left out. *target becomes what stands behind it, if it is a facade. */
static fn_status open_view_target(query *q, table **target, table_claim *claim, const fn_schema *from, view_output *output)
{
    fn_ctx *ctx = q->ctx;
    const table *const named = *target;
    const uint32_t room = FN_MAX(from->count, 1u);
    ast_list names = {FN_NEW_ARRAY(ctx, ast_expr *, room), 0};
    const ast_list *columns = &names;
    ast_expr *nodes = FN_NEW_ARRAY(ctx, ast_expr, room);
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, room);
    output->kept = FN_NEW_ARRAY(ctx, uint32_t, room);
    if (!names.items || !nodes || !types || !output->kept) return ctx->error.code;
    table_schema *schema = table_schema_ref(atomic_load(&named->schema));
    for (uint32_t i = 0; i < from->count; i++) {
        if (!insert_takes(schema, from->fields[i].name)) continue;
        nodes[i] = (ast_expr){.kind = AST_IDENTIFIER, .parts = &from->fields[i].name, .part_count = 1};
        types[names.count] = from->fields[i].type;
        output->kept[names.count] = i;
        names.items[names.count++] = &nodes[i];
    }
    table_schema_drop(schema);
    output->kept_count = names.count;
    if (!names.count) return fn_fail(ctx, FN_THERE_IS_NO_COLUMN, "The view's query gives no column that its target has");
    FN_TRY(facade_target(q, target, &columns));
    FN_TRY(insert_open(q, *target, *target == named ? claim : NULL, columns, types, names.count, output->in));
    return insert_compile(output->in, NULL);
}

static fn_status check_cycle(query *q, const insert_target *in, const table *target)
{
    for (; in; in = in->above)
        if (in->table == target)
            return fn_fail(q->ctx, FN_TOO_DEEP_RECURSION, "Dependencies of the table " FN_STR_FMT "." FN_STR_FMT " are cyclic", FN_STR_ARG(target->database), FN_STR_ARG(target->name));
    return FN_OK;
}

static fn_status run_view(insert_target *in, const table *view, insert_target *out)
{
    query *q = in->query;
    fn_str sql;
    ast_statement *s;
    plan_query *bound;
    table *target;
    table_claim *claim;
    fn_str database, name;
    view_output output = {.base = {take_view_block}, .in = out};
    FN_TRY(definition_text(q->ctx, q->engine, (table *)(uintptr_t)view, &sql));
    FN_TRY(sql_parse(q->ctx, sql, &s));
    materialized_target_name(view, &database, &name);
    fn_status status = world_stored_table(q, database, name, &target);
    if (status == FN_UNKNOWN_TABLE && q->settings.ignore_materialized_views_with_dropped_target_table) {
        fn_error_clear(q->ctx);
        return FN_OK;
    }
    FN_TRY(status);
    status = check_cycle(q, in, target);
    if (status == FN_OK) status = query_claim(q, database, name, target, &claim);
    if (status == FN_OK) status = query_plan(q, s->create->as_select, &bound);
    if (status == FN_OK) {
        status = open_view_target(q, &target, claim, &bound->schema, &output);
        if (status == FN_OK) status = insert_identity_of_view(in, view, &out->identity);
        if (status == FN_OK) status = query_exec(q, bound, &output.base, NULL, NULL);
        plan_query_release(bound);
    }
    if (status == FN_OK) out->owned = target; /* until it is committed */
    else table_drop(target);
    return status == FN_OK ? FN_OK : fn_error_prefix(q->ctx, "while pushing to view " FN_STR_FMT "." FN_STR_FMT ": ", FN_STR_ARG(view->database), FN_STR_ARG(view->name));
}

/* materialized_views_ignore_errors; what ends the statement is no failure of the view. */
static bool may_fail(const query *q, fn_status status)
{
    return q->settings.materialized_views_ignore_errors && status != FN_QUERY_WAS_CANCELLED && status != FN_TIMEOUT_EXCEEDED;
}

static fn_status leave_out(query *q, const table *view, insert_target *target)
{
    fn_log(FN_LOG_WARN, "insert", "materialized view " FN_STR_FMT "." FN_STR_FMT " is left out: %s", FN_STR_ARG(view->database), FN_STR_ARG(view->name), q->ctx->error.text);
    fn_error_clear(q->ctx);
    insert_close(target);
    return FN_OK;
}

static fn_status run_views(insert_target *in)
{
    enum { DEPTH_MAX = 20 };
    query *q = in->query;
    table *rows;
    if (in->view_count == 0 || in->kept_count == 0) return FN_OK;
    if (q->insert_depth == DEPTH_MAX) return fn_fail(q->ctx, FN_TOO_DEEP_RECURSION, "More than %d materialized views in a chain", DEPTH_MAX);
    in->view_targets = FN_NEW_ARRAY(q->ctx, insert_target, in->view_count);
    FN_TRY_PTR(q->ctx, in->view_targets);
    FN_TRY(rows_table(in, &rows));
    const fn_str outer_database = q->source_database, outer_name = q->source_name;
    table *const outer_rows = q->inserted_rows;
    fn_status status = FN_OK;
    q->insert_depth++;
    for (uint32_t i = 0; i < in->view_count && status == FN_OK; i++) {
        in->view_targets[i].query = q;
        in->view_targets[i].above = in;
        materialized_source(in->views[i], &q->source_database, &q->source_name);
        q->inserted_rows = rows;
        status = run_view(in, in->views[i], &in->view_targets[i]);
        q->inserted_rows = NULL;
        if (status == FN_OK) status = run_views(&in->view_targets[i]); /* views of the target */
        if (status != FN_OK && may_fail(q, status)) status = leave_out(q, in->views[i], &in->view_targets[i]);
    }
    q->insert_depth--;
    q->source_database = outer_database;
    q->source_name = outer_name;
    q->inserted_rows = outer_rows;
    table_drop(rows);
    return status;
}

/* The writers of an insert and of the views behind it; out NULL: only counts them. */
static uint32_t list_writers(const insert_target *in, table_writer **out)
{
    uint32_t count = 1;
    if (out) out[0] = in->writer;
    for (uint32_t i = 0; in->view_targets && i < in->view_count; i++)
        if (in->view_targets[i].writer) count += list_writers(&in->view_targets[i], out ? out + count : NULL);
    return count;
}

/* In one transaction, where the engines can: the rows of a view are there if and only if those they were made of are. */
static fn_status commit_all(insert_target *in)
{
    fn_ctx *ctx = in->query->ctx;
    const uint32_t count = list_writers(in, NULL);
    table_writer **writers = FN_NEW_ARRAY(ctx, table_writer *, count), **together = FN_NEW_ARRAY(ctx, table_writer *, count);
    if (!writers || !together) return ctx->error.code;
    (void)list_writers(in, writers);
    uint32_t joined = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!writers[i]->commit_together || (joined && writers[i]->commit_together != together[0]->commit_together)) continue;
        together[joined++] = writers[i];
        writers[i] = NULL;
    }
    if (joined) FN_TRY(together[0]->commit_together(together, joined, ctx));
    for (uint32_t i = 0; i < count; i++)
        if (writers[i]) FN_TRY(writers[i]->commit(writers[i], ctx));
    return FN_OK;
}

static fn_status commit_until_done(insert_target *in)
{
    for (;;) {
        const fn_status status = commit_all(in);
        if (status != FN_TABLE_UUID_MISMATCH) return status;
        fn_error_clear(in->query->ctx);
        FN_TRY(insert_follow(in));
    }
}

fn_status insert_commit(insert_target *in)
{
    FN_TRY(run_views(in));
    return commit_until_done(in);
}

fn_status insert_commit_later(insert_target *in, const async_data *data, bool *queued)
{
    fn_ctx *ctx = in->query->ctx;
    FN_TRY(run_views(in));
    const uint32_t count = list_writers(in, NULL);
    table_writer **writers = FN_NEW_ARRAY(ctx, table_writer *, count);
    FN_TRY_PTR(ctx, writers);
    (void)list_writers(in, writers);
    FN_TRY(async_insert_add(in->query, writers, count, data, queued));
    return *queued ? FN_OK : commit_until_done(in);
}

void insert_close(insert_target *in)
{
    for (uint32_t i = 0; in->view_targets && i < in->view_count; i++) insert_close(&in->view_targets[i]);
    for (uint32_t i = 0; i < in->view_count; i++) table_drop(in->views[i]);
    for (uint32_t i = 0; i < in->kept_count; i++) fn_block_drop(in->kept[i]);
    fn_free(in->kept);
    in->kept = NULL;
    in->kept_count = in->view_count = 0;
    if (in->writer) in->writer->close(in->writer);
    in->writer = NULL;
    table_schema_drop(in->schema);
    in->schema = NULL;
    table_drop(in->owned);
    in->owned = NULL;
    if (in->query && in->query->insert_depth == 0) {
        catalog_names_drop(in->query->insert_names);
        in->query->insert_names = NULL;
    }
}

/* ---- INSERT ... SELECT ---- */
typedef struct select_output {
    exec_output base;
    insert_target *in;
} select_output;

/* Blocks may come in any order and at once: nothing counts rows, hashes them or keeps them for views. */
static bool takes_threads(const insert_target *in)
{
    return in->writer->is_shared && in->view_count == 0 && in->constraint_count == 0 && !(in->identity.wanted && in->writer->identify);
}

static fn_status take_block(exec_output *self, fn_ctx *ctx, const fn_block *block)
{
    return insert_block(((select_output *)self)->in, ctx, block);
}

fn_status insert_from_query(query *q, table *t, table_claim *claim, const ast_list *columns, const ast_query *select)
{
    plan_query *bound;
    insert_target in = {.query = q};
    select_output out = {.base = {take_block}, .in = &in};
    FN_TRY(query_plan(q, select, &bound));
    const fn_type **types = FN_NEW_ARRAY(q->ctx, const fn_type *, FN_MAX(bound->schema.count, 1u));
    fn_status status = types ? FN_OK : q->ctx->error.code;
    for (uint32_t i = 0; i < bound->schema.count && types; i++) types[i] = bound->schema.fields[i].type;
    if (status == FN_OK) status = insert_open(q, t, claim, columns, types, bound->schema.count, &in);
    if (status == FN_OK) status = insert_identity_begin(q, select, &in.identity);
    if (status == FN_OK) status = insert_compile(&in, NULL);
    if (status == FN_OK) out.base.is_shared = takes_threads(&in);
    if (status == FN_OK) status = query_exec(q, bound, &out.base, NULL, NULL);
    if (status == FN_OK) status = insert_commit(&in);
    insert_close(&in);
    plan_query_release(bound);
    return status;
}

fn_status insert_select(query *q, table *t, const ast_query *select)
{
    return insert_from_query(q, t, NULL, NULL, select);
}
