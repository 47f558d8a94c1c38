/* bind_join_table.c - tables of engine Join: what of their rows is seen, JOIN with one of them, joinGet.
 *
 * The rows are read like those of any table and the hash table is made by the join that wants it. Where the engine keeps one row for
 * a key (ANY, SEMI, ANTI with LEFT and INNER) the first inserted one is taken, by LIMIT 1 BY over a scan in the order of insertion.
 * joinGet('t', 'v', k) is a subquery that looks k up. SPDX-License-Identifier: Apache-2.0 */
#include "plan/bind.h"

static const source_column *column_at(const source *src, const table *t, uint32_t index)
{
    const table_schema *s = atomic_load(&t->schema);
    for (uint32_t i = 0; i < src->count; i++)
        if (fn_str_eq(src->columns[i].name, s->columns[index].name)) return &src->columns[i];
    return NULL;
}

fn_status bind_join_rows(binder *b, const source *src, plan **p)
{
    const table_join *j = src->stored->join;
    plan *n = plan_over(b->ctx, PLAN_LIMIT_BY, *p);
    FN_TRY_PTR(b->ctx, n);
    n->limit_by.keys = FN_NEW_ARRAY(b->ctx, expr *, j->key_count);
    FN_TRY_PTR(b->ctx, n->limit_by.keys);
    for (uint32_t i = 0; i < j->key_count; i++) {
        const source_column *c = column_at(src, src->stored, j->keys[i]);
        FN_ASSERT(c);
        n->limit_by.keys[i] = expr_column(b->ctx, c->id, c->type);
        FN_TRY_PTR(b->ctx, n->limit_by.keys[i]);
    }
    n->limit_by.key_count = j->key_count;
    n->limit_by.limit = 1;
    *p = n;
    return FN_OK;
}

static fn_status named(binder *b, const table *t, const char *format_end, const char *quote)
{
    return fn_fail(b->ctx, FN_INCOMPATIBLE_TYPE_OF_JOIN, "Table %s" FN_STR_FMT "." FN_STR_FMT " (%s)%s %s", quote, FN_STR_ARG(t->database), FN_STR_ARG(t->name), t->uuid, quote,
                   format_end);
}

fn_status bind_join_kind(binder *b, const table *t, const ast_from *f)
{
    static const ast_join_kind kinds[] = {[TABLE_JOIN_LEFT] = JOIN_LEFT, [TABLE_JOIN_INNER] = JOIN_INNER, [TABLE_JOIN_RIGHT] = JOIN_RIGHT, [TABLE_JOIN_FULL] = JOIN_FULL};
    static const ast_join_strictness strict[] = {[TABLE_JOIN_ANY] = STRICT_ANY, [TABLE_JOIN_ALL] = STRICT_ALL, [TABLE_JOIN_SEMI] = STRICT_SEMI, [TABLE_JOIN_ANTI] = STRICT_ANTI};
    const bool any = fn_str_eq_nocase(settings_of(b->ctx)->join_default_strictness, FN_STR("ANY"));
    const ast_join_strictness asked = f->strictness != STRICT_DEFAULT ? f->strictness : any ? STRICT_ANY : STRICT_ALL;
    if (f->join != kinds[t->join->kind] || asked != strict[t->join->strictness]) return named(b, t, "has incompatible type of JOIN", "'");
    const bool nulls = t->join->kind == TABLE_JOIN_LEFT || t->join->kind == TABLE_JOIN_FULL;
    if (nulls && t->join->use_nulls != (bool)settings_of(b->ctx)->join_use_nulls)
        return named(b, t, "needs the same join_use_nulls setting as present in LEFT or FULL JOIN", "");
    return FN_OK;
}

static const expr *strip(const expr *e)
{
    while (plan_is_call(e, "_CAST")) e = e->args[0];
    return e;
}

/* The keys of the engine, each once, and nothing else. */
fn_status bind_join_with(binder *b, const source *src, const plan *join)
{
    const table *t = src->stored;
    const table_schema *s = atomic_load(&t->schema);
    for (uint32_t i = 0; i < t->join->key_count; i++) {
        const source_column *c = column_at(src, t, t->join->keys[i]);
        bool used = false;
        for (uint32_t k = 0; k < join->join.key_count && c; k++) {
            const expr *right = strip(join->join.right_keys[k]);
            used |= right->kind == EXPR_COLUMN && right->column == c->id;
        }
        if (used) continue;
        return fn_fail(b->ctx, FN_INCOMPATIBLE_TYPE_OF_JOIN, "Key '" FN_STR_FMT "' not found in JOIN ON section. Join engine key '" FN_STR_FMT "' have to be used",
                       FN_STR_ARG(s->columns[t->join->keys[i]].name), FN_STR_ARG(s->columns[t->join->keys[i]].name));
    }
    if (join->join.key_count == t->join->key_count && !join->join.residual) return FN_OK;
    return fn_fail(b->ctx, FN_INCOMPATIBLE_TYPE_OF_JOIN, "JOIN with 'Join' table engine should be performed by storage keys, but another condition was found");
}

/* ---- joinGet ---- */
typedef struct join_get {
    binder *b;
    const ast_expr *call;
    const table_schema *schema; /* one reference */
    const table_join *join;
    fn_str database, name, value;
    const fn_type *type;
} join_get;

static fn_status read_name(join_get *g)
{
    const ast_expr *e = g->call->args.items[0];
    if (e->kind == AST_IDENTIFIER) {
        g->name = e->parts[e->part_count - 1];
        if (e->part_count == 2) g->database = e->parts[0];
        return FN_OK;
    }
    if (e->kind != AST_LITERAL || e->literal_kind != LITERAL_STRING)
        return fn_fail(g->b->ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type of first argument of function " FN_STR_FMT ", expected a const string", FN_STR_ARG(g->call->text));
    g->name = e->text;
    const char *dot = memchr(e->text.data, '.', e->text.size);
    if (!dot) return FN_OK;
    g->database = (fn_str){e->text.data, (size_t)(dot - e->text.data)};
    g->name = (fn_str){dot + 1, e->text.size - g->database.size - 1};
    return FN_OK;
}

static fn_status check_table(join_get *g, const table *t)
{
    fn_ctx *ctx = g->b->ctx;
    const uint32_t keys = g->call->args.count - 2;
    if (!t->join) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Table " FN_STR_FMT " should have engine StorageJoin", FN_STR_ARG(g->name));
    if (keys != t->join->key_count) {
        return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Number of join_keys and number of right table key columns for function " FN_STR_FMT
                       " don't match: passed %u, should be equal to %u", FN_STR_ARG(g->call->text), keys, t->join->key_count);
    }
    if (t->join->kind != TABLE_JOIN_LEFT || t->join->strictness != TABLE_JOIN_ANY)
        return fn_fail(ctx, FN_INCOMPATIBLE_TYPE_OF_JOIN, "joinGet only supports StorageJoin of type Left Any");
    const int at = table_schema_find(g->schema, g->value);
    bool is_key = false;
    for (uint32_t i = 0; i < t->join->key_count; i++) is_key |= (int)t->join->keys[i] == at;
    if (at < 0 || is_key) return fn_fail(ctx, FN_NO_SUCH_COLUMN_IN_TABLE, "StorageJoin doesn't contain column " FN_STR_FMT, FN_STR_ARG(g->value));
    g->join = t->join;
    g->type = g->schema->columns[at].type;
    return FN_OK;
}

/* (SELECT any(v) FROM (SELECT `value` AS v, `key` AS k0 ... FROM db.t) WHERE k0 = <key 0> ...): names that no outer query has. */
static fn_status put_lookup(join_get *g, fn_buf *out)
{
    fn_ctx *ctx = g->b->ctx;
    FN_TRY(fn_buf_cstr(ctx, out, "(SELECT anyOrNull(__join_value) FROM (SELECT "));
    FN_TRY(sql_quote_identifier(ctx, g->value, out));
    FN_TRY(fn_buf_cstr(ctx, out, " AS __join_value"));
    for (uint32_t i = 0; i < g->join->key_count; i++) {
        FN_TRY(fn_buf_cstr(ctx, out, ", "));
        FN_TRY(sql_quote_identifier(ctx, g->schema->columns[g->join->keys[i]].name, out));
        FN_TRY(fn_buf_printf(ctx, out, " AS __join_key_%u", i));
    }
    FN_TRY(fn_buf_cstr(ctx, out, " FROM "));
    if (g->database.size) {
        FN_TRY(sql_quote_identifier(ctx, g->database, out));
        FN_TRY(fn_buf_cstr(ctx, out, "."));
    }
    FN_TRY(sql_quote_identifier(ctx, g->name, out));
    FN_TRY(fn_buf_cstr(ctx, out, ") WHERE "));
    for (uint32_t i = 0; i < g->join->key_count; i++) {
        FN_TRY(fn_buf_printf(ctx, out, "%s__join_key_%u = (", i ? " AND " : "", i));
        FN_TRY(sql_print_expr(ctx, g->call->args.items[i + 2], out));
        FN_TRY(fn_buf_cstr(ctx, out, ")"));
    }
    return fn_buf_cstr(ctx, out, ")");
}

static fn_status check_keys(join_get *g, scope *s)
{
    for (uint32_t i = 0; i < g->join->key_count; i++) {
        expr *key;
        const fn_type *needed = g->schema->columns[g->join->keys[i]].type;
        FN_TRY(bind_expr(g->b, s, g->call->args.items[i + 2], &key));
        if (fn_type_base(key->type) == fn_type_base(needed)) continue;
        return fn_fail(g->b->ctx, FN_TYPE_MISMATCH, "Type mismatch in joinGet key %u: found type %s, while the needed type is %s", i, key->type->name, needed->name);
    }
    return FN_OK;
}

static fn_status look_up(join_get *g, scope *s, expr **out)
{
    fn_ctx *ctx = g->b->ctx;
    fn_buf text = FN_BUF_INIT;
    fn_str sql;
    ast_expr *ast;
    fn_status status = put_lookup(g, &text);
    if (status == FN_OK) status = fn_arena_str(ctx, ctx->arena, fn_buf_view(&text), &sql);
    fn_buf_release(&text);
    FN_TRY(status);
    FN_TRY(sql_parse_expr(ctx, sql, &ast));
    FN_TRY(bind_expr(g->b, s, ast, out));
    if (fn_str_eq(g->call->text, FN_STR("joinGetOrNull")) || fn_type_is_nullable(g->type) || g->join->use_nulls) return FN_OK;
    expr *args[2] = {*out, expr_const(ctx, fn_column_default(ctx, g->type, 1))};
    FN_TRY_PTR(ctx, args[1]);
    FN_TRY(expr_call(ctx, "ifNull", args, 2, out));
    return expr_cast(ctx, *out, g->type, out);
}

fn_status bind_join_get(binder *b, scope *s, const ast_expr *e, expr **out)
{
    join_get g = {.b = b, .call = e};
    table *t;
    if (e->args.count < 3) {
        return fn_fail(b->ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Number of arguments for function '" FN_STR_FMT "' doesn't match: passed %u, should be greater or equal to 3",
                       FN_STR_ARG(e->text), e->args.count);
    }
    const ast_expr *value = e->args.items[1];
    if (value->kind != AST_LITERAL || value->literal_kind != LITERAL_STRING)
        return fn_fail(b->ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type of second argument of function " FN_STR_FMT ", expected a const string", FN_STR_ARG(e->text));
    g.value = value->text;
    FN_TRY(read_name(&g));
    if (!b->world || !b->world->find_table) return fn_fail(b->ctx, FN_UNKNOWN_TABLE, "Table " FN_STR_FMT " does not exist", FN_STR_ARG(g.name));
    FN_TRY(b->world->find_table(b->world, b->ctx, g.database, g.name, &t));
    g.schema = table_schema_ref(atomic_load(&t->schema));
    fn_status status = check_table(&g, t);
    if (status == FN_OK) status = check_keys(&g, s);
    if (status == FN_OK) status = look_up(&g, s, out);
    table_schema_drop((table_schema *)(uintptr_t)g.schema);
    table_drop(t);
    return status;
}
