/* bind_from.c - FROM: tables and views, table functions, subqueries, WITH names, ARRAY JOIN. Each adds a source to the scope.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/bind.h"

static fn_status add_source(binder *b, scope *s, const ast_from *f, uint32_t columns, source **out)
{
    source *src = plan_grow(b->ctx, &s->sources, &s->source_count, sizeof *src);
    FN_TRY_PTR(b->ctx, src);
    src->alias = f->alias;
    src->columns = FN_NEW_ARRAY(b->ctx, source_column, columns + 1);
    FN_TRY_PTR(b->ctx, src->columns);
    *out = src;
    return FN_OK;
}

/* ---- tables ---- */

static fn_status constant_ratio(binder *b, scope *s, const ast_expr *e, double *out)
{
    fn_column *c;
    *out = 0;
    if (!e) return FN_OK;
    FN_TRY(bind_constant(b, s, e, "SAMPLE", &c));
    if (!fn_type_is_number(c->type) || c->type->id == FN_T_DECIMAL) return fn_fail(b->ctx, FN_BAD_ARGUMENTS, "SAMPLE takes a number");
    *out = fn_column_f64_at(c, 0);
    if (*out < 0) return fn_fail(b->ctx, FN_ARGUMENT_OUT_OF_BOUND, "Negative sample coefficient");
    return FN_OK;
}

static fn_status hold_table(binder *b, table *t)
{
    table **slot = plan_grow(b->ctx, &b->query->tables, &b->query->table_count, sizeof *slot);
    if (!slot) {
        table_drop(t);
        return b->ctx->error.code;
    }
    *slot = t;
    return FN_OK;
}

/* Columns that `*` does not name. */
static bool is_hidden(binder *b, const table_column *c)
{
    const fn_settings *s = settings_of(b->ctx);
    if (c->is_virtual) return true;
    return (c->default_kind == DEFAULT_MATERIALIZED && !s->asterisk_include_materialized_columns) ||
           (c->default_kind == DEFAULT_ALIAS && !s->asterisk_include_alias_columns);
}

static fn_status scan_columns(binder *b, const table_schema *schema, source *src, plan *p)
{
    for (uint32_t i = 0; i < schema->count; i++) {
        const table_column *c = &schema->columns[i];
        if (c->default_kind == DEFAULT_EPHEMERAL) continue;
        source_column *to = &src->columns[src->count++];
        FN_TRY(fn_arena_str(b->ctx, b->ctx->arena, c->name, &to->name));
        to->type = c->type;
        to->id = b->next_id++;
        to->hidden = is_hidden(b, c);
        if (c->default_kind == DEFAULT_ALIAS) {
            FN_TRY(fn_arena_str(b->ctx, b->ctx->arena, c->default_sql, &to->alias_sql));
            continue;
        }
        p->columns[p->column_count] = (plan_column){to->id, to->type, to->name};
        p->scan.indexes[p->column_count++] = i;
    }
    return FN_OK;
}

/* The setting asks for FINAL where there is one; the word in the query insists. */
static fn_status bind_final(binder *b, const source *src, const ast_from *f, bool *out)
{
    const bool merge_tree = fn_str_ends(fn_cstr(src->engine), FN_STR("MergeTree")), collapses = merge_tree && strcmp(src->engine, "MergeTree") != 0;
    if (f->final && !collapses) return fn_fail(b->ctx, FN_ILLEGAL_FINAL, "Storage %s doesn't support FINAL", src->engine);
    if (f->sample && !merge_tree)
        return fn_fail(b->ctx, FN_SAMPLING_NOT_SUPPORTED, "Storage " FN_STR_FMT "." FN_STR_FMT " doesn't support sampling", FN_STR_ARG(src->database), FN_STR_ARG(src->table));
    *out = collapses && (f->final || f->final_where_known || settings_of(b->ctx)->final);
    return FN_OK;
}

static fn_status scan_of(binder *b, scope *s, table *t, const table_schema *schema, const ast_from *f, plan **out)
{
    source *src;
    plan *p = plan_new(b->ctx, PLAN_SCAN, 0);
    FN_TRY_PTR(b->ctx, p);
    FN_TRY(add_source(b, s, f, schema->count, &src));
    p->columns = FN_NEW_ARRAY(b->ctx, plan_column, schema->count + 1);
    p->scan.indexes = FN_NEW_ARRAY(b->ctx, uint32_t, schema->count + 1);
    plan **slot = plan_grow(b->ctx, &b->query->scans, &b->query->scan_count, sizeof *slot);
    if (!p->columns || !p->scan.indexes || !slot) return b->ctx->error.code;
    *slot = p;
    p->scan.table = t;
    src->engine = t->ops->engine;
    src->stored = t;
    if (strcmp(src->engine, "Set") == 0 && !f->as_set) return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "Method read is not supported by storage Set");
    FN_TRY(table_name(b->ctx, t, &src->database, &src->table));
    if (f->kind == FROM_FUNCTION) src->table = src->database = (fn_str){0};
    FN_TRY(scan_columns(b, schema, src, p));
    FN_TRY(bind_final(b, src, f, &p->scan.final));
    FN_TRY(constant_ratio(b, s, f->sample, &p->scan.sample));
    FN_TRY(constant_ratio(b, s, f->sample_offset, &p->scan.sample_offset));
    p->scan.snapshot = b->fresh_of == t ? b->fresh : NULL;
    if (p->scan.snapshot) b->fresh = NULL;
    else FN_TRY(t->ops->snapshot(t, b->ctx, &p->scan.snapshot));
    uint64_t rows;
    if (t->ops->rows && t->ops->rows(p->scan.snapshot, p->scan.final, &rows)) p->rows_estimate = (double)rows;
    *out = p;
    return FN_OK;
}

static fn_status bind_subquery_source(binder *b, scope *s, const ast_query *q, plan **out)
{
    scope *inner;
    return bind_query(b, s, true, q, out, &inner);
}

/* A SELECT made for one statement in place of a Merge or Buffer table. */
static bool is_facade_view(const table *t)
{
    return t->is_temporary && (fn_str_eq(t->name, FN_STR("merge")) || fn_str_eq(t->name, FN_STR("Buffer")));
}

/* What is said of such a table is meant for those behind it. */
static void modifiers_inside(ast_query *q, const ast_from *f)
{
    for (; q->op != SET_NONE; q = q->left) modifiers_inside(q->right, f);
    if (!q->select || !q->select->from) return;
    q->select->from->final_where_known = f->final || f->final_where_known;
    q->select->from->sample = f->sample;
    q->select->from->sample_offset = f->sample_offset;
}

static fn_status no_modifiers(binder *b, const ast_from *f, const char *what)
{
    if (!f->final && !f->sample) return FN_OK;
    return fn_fail(b->ctx, FN_UNSUPPORTED_METHOD, "Table expression modifiers %s are not supported for %s", f->final ? "FINAL" : "SAMPLE", what);
}

fn_status bind_table(binder *b, scope *s, table *t, const ast_from *f, plan **out)
{
    FN_TRY(hold_table(b, t));
    ast_query *view = NULL;
    if (b->world->view_query) FN_TRY(b->world->view_query(b->world, b->ctx, t, &view));
    if (view) {
        if (is_facade_view(t)) modifiers_inside(view, f);
        FN_TRY(bind_subquery_source(b, NULL, view, out));
        return FN_OK;
    }
    table_schema *schema = table_schema_ref(b->fresh_of == t && b->fresh_schema ? b->fresh_schema : atomic_load(&t->schema));
    const fn_status status = scan_of(b, s, t, schema, f, out);
    table_schema_drop(schema);
    FN_TRY(status);
    const source *src = &s->sources[s->source_count - 1];
    if (t->join && table_join_is_unique(t->join)) FN_TRY(bind_join_rows(b, src, out));
    return bind_table_filter(b, src, out);
}

/* ---- subqueries ---- */

/* The outputs of a plan as a source. */
static fn_status source_of_plan(binder *b, scope *s, const plan *p, const ast_from *f, fn_str *aliases, uint32_t alias_count)
{
    source *src;
    FN_TRY(add_source(b, s, f, p->column_count, &src));
    if (alias_count > p->column_count)
        return fn_fail(b->ctx, FN_BAD_ARGUMENTS, "Number of column aliases (%u) exceeds the number of columns (%u)", alias_count, p->column_count);
    src->count = p->column_count;
    for (uint32_t i = 0; i < p->column_count; i++)
        src->columns[i] = (source_column){.name = i < alias_count ? aliases[i] : p->columns[i].name, .id = p->columns[i].id, .type = p->columns[i].type};
    return FN_OK;
}

/* The same columns under new ids: a place that can become PLAN_SHARED. */
static fn_status renumber(binder *b, plan *p, plan **out)
{
    plan_item *items = FN_NEW_ARRAY(b->ctx, plan_item, p->column_count + 1);
    fn_str *names = FN_NEW_ARRAY(b->ctx, fn_str, p->column_count + 1);
    if (!items || !names) return b->ctx->error.code;
    for (uint32_t i = 0; i < p->column_count; i++) {
        items[i] = (plan_item){b->next_id++, expr_column(b->ctx, p->columns[i].id, p->columns[i].type)};
        FN_TRY_PTR(b->ctx, items[i].value);
        names[i] = p->columns[i].name;
    }
    return plan_project_over(b->ctx, p, items, names, p->column_count, out);
}

/* Worth keeping the rows for a second reader: work that shrinks or reorders its input. */
static bool is_heavy(const plan *p)
{
    if (p->kind == PLAN_AGGREGATE || p->kind == PLAN_JOIN || p->kind == PLAN_DISTINCT || p->kind == PLAN_WINDOW || p->kind == PLAN_SORT) return true;
    for (uint32_t i = 0; i < p->input_count; i++)
        if (is_heavy(p->inputs[i])) return true;
    return false;
}

static fn_status check_deterministic(void *self, fn_ctx *ctx, expr **e)
{
    bool *all = self;
    (void)ctx;
    *all &= expr_is_deterministic(*e);
    return FN_OK;
}

static fn_status is_deterministic(binder *b, plan *p, bool *out)
{
    FN_TRY(plan_each_expr(b->ctx, p, check_deterministic, out));
    for (uint32_t i = 0; i < p->input_count; i++) FN_TRY(is_deterministic(b, p->inputs[i], out));
    return FN_OK;
}

static void make_shared(plan *p, plan_shared *shared)
{
    p->kind = PLAN_SHARED;
    p->input_count = 0;
    p->shared.shared = shared;
}

static fn_status bind_cte(binder *b, scope *s, cte_entry *cte, scope *owner, const ast_from *f, plan **out)
{
    plan *body;
    scope *inner;
    bool deterministic = true, recursive = false, inside = false;
    if (cte->ast->recursive && cte->binding) {
        FN_TRY(bind_working(b, cte, out));
        inside = true;
    } else if (cte->ast->recursive) {
        FN_TRY(bind_recursive(b, owner, cte, &body, &recursive));
    }
    if (!inside && !recursive) {
        cte->binding = true;
        const fn_status status = bind_query(b, owner, true, cte->ast->query, &body, &inner);
        cte->binding = false;
        FN_TRY(status);
    }
    if (!inside) FN_TRY(renumber(b, body, out));
    if (inside || recursive) {
        cte->first = cte->first ? cte->first : *out;
    } else if (!cte->first) {
        cte->first = *out;
    } else {
        plan *first = cte->first;
        FN_TRY(is_deterministic(b, body, &deterministic));
        if (deterministic && (is_heavy(body) || cte->ast->materialized) && first->column_count == (*out)->column_count) {
            plan_shared *shared = first->kind == PLAN_SHARED ? first->shared.shared : FN_NEW(b->ctx, plan_shared);
            FN_TRY_PTR(b->ctx, shared);
            if (first->kind != PLAN_SHARED) {
                shared->plan = first->inputs[0];
                make_shared(first, shared);
            }
            make_shared(*out, shared);
        }
    }
    ast_from named = *f;
    if (!named.alias.size) named.alias = cte->ast->name;
    const bool own = f->column_alias_count != 0;
    return source_of_plan(b, s, *out, &named, own ? f->column_aliases : cte->ast->column_aliases, own ? f->column_alias_count : cte->ast->column_alias_count);
}

/* ---- the kinds ---- */

static fn_status name_of(binder *b, fn_str given, const ast_expr *param, fn_str *out)
{
    *out = given;
    return param ? bind_parameter_name(b, param, out) : FN_OK;
}

static void drop_fresh(binder *b)
{
    if (b->fresh) b->fresh_of->ops->snapshot_drop(b->fresh);
    if (b->fresh_schema) table_schema_drop(b->fresh_schema);
    b->fresh = NULL;
    b->fresh_schema = NULL;
    b->fresh_of = NULL;
}

static fn_status take_fresh(binder *b, table *t)
{
    table_schema *schema = table_schema_ref(atomic_load(&t->schema));
    const fn_status status = t->ops->snapshot(t, b->ctx, &b->fresh);
    if (status != FN_OK) {
        table_schema_drop(schema);
        return status;
    }
    b->fresh_of = t;
    b->fresh_schema = schema;
    return FN_OK;
}

/* A table by name and, if it can change, its snapshot and schema of a moment at which the name meant it: no name has changed from before
 * the one was looked up until after the other was taken, nor has ALTER given the table another shape. The snapshot waits in b->fresh. */
static fn_status find_with_snapshot(binder *b, fn_str database, fn_str name, table **out)
{
    for (;;) {
        const uint64_t moment = b->world->moment ? b->world->moment(b->world) : 0;
        FN_TRY(b->world->find_table(b->world, b->ctx, database, name, out));
        if (!(*out)->ops->write) return FN_OK;
        fn_status status = take_fresh(b, *out);
        if (status == FN_OK && atomic_load(&(*out)->schema) == b->fresh_schema && (!b->world->moment || b->world->moment(b->world) == moment)) return FN_OK;
        drop_fresh(b);
        table_drop(*out);
        FN_TRY(status);
        FN_TRY(fn_ctx_check(b->ctx));
    }
}

/* `*` of a Merge table or merge() does not name where a row is from. */
static void hide_origin(const table *t, source *src)
{
    src->is_facade = is_facade_view(t);
    if (!t->is_temporary || !fn_str_eq(t->name, FN_STR("merge"))) return;
    for (uint32_t i = 0; i < src->count; i++)
        src->columns[i].hidden = fn_str_eq(src->columns[i].name, FN_STR("_table")) || fn_str_eq(src->columns[i].name, FN_STR("_database"));
}

static fn_status from_table(binder *b, scope *s, const ast_from *f, plan **out)
{
    fn_str database, name;
    FN_TRY(name_of(b, f->database, f->database_param, &database));
    FN_TRY(name_of(b, f->table, f->table_param, &name));
    if (!database.size) {
        scope *owner;
        cte_entry *cte = bind_find_cte(s, name, &owner);
        if (cte) FN_TRY(no_modifiers(b, f, "subquery"));
        if (cte) return bind_cte(b, s, cte, owner, f, out);
    }
    table *t;
    if (!b->world || !b->world->find_table) return fn_fail(b->ctx, FN_UNKNOWN_TABLE, "Unknown table expression identifier '" FN_STR_FMT "'", FN_STR_ARG(name));
    FN_TRY(find_with_snapshot(b, database, name, &t));
    const uint32_t sources = s->source_count;
    const fn_status status = bind_table(b, s, t, f, out);
    drop_fresh(b); /* if it was not used */
    FN_TRY(status);
    if (s->source_count == sources) { /* a view: its query's columns under the view's name */
        FN_TRY(source_of_plan(b, s, *out, f, NULL, 0));
        source *src = &s->sources[s->source_count - 1];
        FN_TRY(fn_arena_str(b->ctx, b->ctx->arena, t->database, &src->database));
        src->table = name;
        hide_origin(t, src);
        return bind_refuse_table_filter(b, src);
    }
    source *src = &s->sources[s->source_count - 1];
    if (fn_str_eq(name, src->table)) return FN_OK;
    src->database = database; /* of a materialized view its target is read, under the view's name */
    src->table = name;
    return bind_refuse_table_filter(b, src);
}

static fn_status rename_columns(binder *b, scope *s, const ast_from *f)
{
    source *src = &s->sources[s->source_count - 1];
    if (f->column_alias_count > src->count)
        return fn_fail(b->ctx, FN_BAD_ARGUMENTS, "Number of column aliases (%u) exceeds the number of columns (%u)", f->column_alias_count, src->count);
    for (uint32_t i = 0; i < f->column_alias_count; i++) src->columns[i].name = f->column_aliases[i];
    return FN_OK;
}

static fn_status from_function(binder *b, scope *s, const ast_from *f, plan **out)
{
    const ast_expr *call = f->function;
    table *t;
    if (fn_str_eq(call->text, FN_STR("view")) && call->args.count == 1 && call->args.items[0]->kind == AST_SUBQUERY) {
        FN_TRY(bind_subquery_source(b, s, call->args.items[0]->subquery, out));
        return source_of_plan(b, s, *out, f, f->column_aliases, f->column_alias_count);
    }
    if (!b->world || !b->world->table_function) return fn_fail(b->ctx, FN_UNKNOWN_FUNCTION, "Unknown table function " FN_STR_FMT, FN_STR_ARG(call->text));
    FN_TRY(b->world->table_function(b->world, b->ctx, call, &t));
    const uint32_t sources = s->source_count;
    FN_TRY(bind_table(b, s, t, f, out));
    if (s->source_count == sources) { /* a view made for this call */
        FN_TRY(source_of_plan(b, s, *out, f, NULL, 0));
        source *src = &s->sources[s->source_count - 1];
        hide_origin(t, src);
    }
    return rename_columns(b, s, f);
}

fn_status bind_from(binder *b, scope *s, const ast_from *f, plan **out)
{
    switch (f->kind) {
    case FROM_TABLE:
        FN_TRY(from_table(b, s, f, out));
        return f->column_alias_count ? rename_columns(b, s, f) : FN_OK;
    case FROM_FUNCTION: return from_function(b, s, f, out);
    case FROM_SUBQUERY:
        FN_TRY(no_modifiers(b, f, "subquery"));
        FN_TRY(bind_subquery_source(b, s, f->subquery, out));
        return source_of_plan(b, s, *out, f, f->column_aliases, f->column_alias_count);
    case FROM_JOIN: return bind_join(b, s, f, out);
    case FROM_ARRAY_JOIN: return bind_array_join(b, s, f, out);
    }
    FN_IMPOSSIBLE("kind of FROM");
}

/* ---- ARRAY JOIN ---- */

static bool is_prefix_of(fn_str name, fn_str column)
{
    return column.size > name.size + 1 && fn_str_starts(column, name) && column.data[name.size] == '.';
}

/* ARRAY JOIN n stands for all columns n.x of a Nested. */
static fn_status nested_arrays(binder *b, scope *s, const ast_expr *e, plan_item **items, fn_str **names, uint32_t *count)
{
    if (e->kind != AST_IDENTIFIER || e->part_count != 1) return FN_OK;
    uint32_t n = *count;
    for (uint32_t i = 0; i < s->source_count; i++)
        for (uint32_t k = 0; k < s->sources[i].count; k++) {
            source_column *c = &s->sources[i].columns[k];
            if (!is_prefix_of(e->parts[0], c->name) || c->type->id != FN_T_ARRAY) continue;
            plan_item *item = plan_grow(b->ctx, items, count, sizeof *item);
            fn_str *name = plan_grow(b->ctx, names, &n, sizeof *name);
            if (!item || !name) return b->ctx->error.code;
            *item = (plan_item){b->next_id++, expr_column(b->ctx, c->id, c->type)};
            FN_TRY_PTR(b->ctx, item->value);
            *name = c->name;
            if (!e->alias.size) continue;
            char *text = fn_arena_printf(b->ctx, b->ctx->arena, FN_STR_FMT FN_STR_FMT, FN_STR_ARG(e->alias), (int)(c->name.size - e->parts[0].size), c->name.data + e->parts[0].size);
            FN_TRY_PTR(b->ctx, text);
            *name = fn_cstr(text);
        }
    return FN_OK;
}

static fn_status array_item(binder *b, scope *s, const ast_expr *e, plan_item **items, fn_str **names, uint32_t *count)
{
    uint32_t n = *count;
    expr *value;
    FN_TRY(nested_arrays(b, s, e, items, names, count));
    if (*count > n) return FN_OK;
    FN_TRY(bind_expr(b, s, e, &value));
    const fn_type *t = fn_type_base(value->type);
    if (t->id != FN_T_ARRAY && t->id != FN_T_MAP) return fn_fail(b->ctx, FN_TYPE_MISMATCH, "ARRAY JOIN requires array argument");
    plan_item *item = plan_grow(b->ctx, items, count, sizeof *item);
    fn_str *name = plan_grow(b->ctx, names, &n, sizeof *name);
    if (!item || !name) return b->ctx->error.code;
    *item = (plan_item){b->next_id++, value};
    return bind_name_of(b, s, e, name);
}

/* Without an alias the element takes the array's name: the array's own column is then out of sight. */
static void replace_name(scope *s, const plan_item *item, fn_str name, const ast_expr *e)
{
    (void)e;
    if (item->value->kind != EXPR_COLUMN) return;
    const source *src;
    source_column *c = (source_column *)(uintptr_t)bind_column_of(s, item->value->column, &src);
    if (!c || !fn_str_eq(c->name, name)) return;
    c->id = item->id;
    c->type = fn_type_base(c->type)->items;
}

fn_status bind_array_join(binder *b, scope *s, const ast_from *f, plan **out)
{
    plan_item *items = NULL;
    fn_str *names = NULL;
    uint32_t count = 0;
    FN_TRY(bind_from(b, s, f->left, out));
    for (uint32_t i = 0; i < f->array_join.count; i++) FN_TRY(array_item(b, s, f->array_join.items[i], &items, &names, &count));
    plan *p = plan_new(b->ctx, PLAN_ARRAY_JOIN, 1);
    FN_TRY_PTR(b->ctx, p);
    const uint32_t before = (*out)->column_count;
    p->inputs[0] = *out;
    p->columns = FN_NEW_ARRAY(b->ctx, plan_column, before + count + 1);
    FN_TRY_PTR(b->ctx, p->columns);
    if (before) memcpy(p->columns, (*out)->columns, before * sizeof *p->columns);
    p->column_count = before + count;
    p->array_join.arrays = items;
    p->array_join.array_count = count;
    p->array_join.left = f->array_join_left;
    source *src;
    const ast_from unnamed = {0};
    FN_TRY(add_source(b, s, &unnamed, count, &src));
    for (uint32_t i = 0; i < count; i++) {
        const fn_type *element = fn_type_base(items[i].value->type)->items;
        const uint32_t sources = s->source_count;
        p->columns[before + i] = (plan_column){items[i].id, element, names[i]};
        s->source_count = sources - 1;
        const source *owner;
        const source_column *c = items[i].value->kind == EXPR_COLUMN ? bind_column_of(s, items[i].value->column, &owner) : NULL;
        if (c && fn_str_eq(c->name, names[i])) replace_name(s, &items[i], names[i], NULL);
        else s->sources[sources - 1].columns[s->sources[sources - 1].count++] = (source_column){.name = names[i], .id = items[i].id, .type = element};
        s->source_count = sources;
    }
    *out = p;
    return FN_OK;
}
