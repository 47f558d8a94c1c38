/* bind_name.c - what a name means: parameters of lambdas, aliases, columns of the sources in FROM, then the scopes outside.
 *
 * A name of several parts is tried as a whole column name (nested columns have dots in theirs), behind a table's alias, table name
 * or database and table name; what remains behind a column are its fields (tuples, .size0, .null, .keys, .values).
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/bind.h"

static fn_status join_parts(binder *b, const fn_str *parts, uint32_t count, fn_str *out)
{
    if (count == 1) {
        *out = parts[0];
        return FN_OK;
    }
    size_t size = 0;
    for (uint32_t i = 0; i < count; i++) size += parts[i].size + 1;
    char *text = fn_arena_alloc(b->ctx, b->ctx->arena, size + 1), *at = text;
    FN_TRY_PTR(b->ctx, text);
    for (uint32_t i = 0; i < count; i++) {
        if (i) *at++ = '.';
        if (parts[i].size) memcpy(at, parts[i].data, parts[i].size);
        at += parts[i].size;
    }
    *out = (fn_str){text, (size_t)(at - text)};
    return FN_OK;
}

/* ---- fields of a column ---- */

static const struct {
    const char *name, *function;
    fn_type_id type;
} fields[] = {
    {"null", "isNull", FN_T_NULLABLE}, {"size0", "length", FN_T_ARRAY},   {"keys", "mapKeys", FN_T_MAP},
    {"values", "mapValues", FN_T_MAP}, {"size0", "length", FN_T_MAP},     {"size", "length", FN_T_STRING},
};

static bool has_field(const fn_type *t, fn_str name)
{
    while (t->id == FN_T_ARRAY || t->id == FN_T_NULLABLE) t = t->args[0];
    return t->id == FN_T_TUPLE && fn_type_tuple_field(t, name) >= 0;
}

static fn_status one_field(binder *b, expr *e, fn_str name, expr **out)
{
    *out = NULL;
    for (size_t i = 0; i < FN_COUNT(fields); i++)
        if (e->type->id == fields[i].type && fn_str_eq(name, fn_cstr(fields[i].name))) return expr_call(b->ctx, fields[i].function, &e, 1, out);
    if (!has_field(e->type, name)) return FN_OK;
    expr *args[2] = {e, NULL};
    FN_TRY(bind_string_const(b, name, &args[1]));
    return expr_call(b->ctx, "tupleElement", args, 2, out);
}

static fn_status all_fields(binder *b, expr *e, const fn_str *parts, uint32_t count, expr **out)
{
    for (uint32_t i = 0; e && i < count; i++) FN_TRY(one_field(b, e, parts[i], &e));
    *out = e;
    return FN_OK;
}

/* ---- columns of FROM ---- */

fn_status bind_source_value(binder *b, scope *s, source *src, source_column *c, expr **out)
{
    if (c->alias_sql.size == 0) {
        *out = expr_column(b->ctx, c->id, c->type);
        FN_TRY_PTR(b->ctx, *out);
        return c->cast_to ? expr_cast(b->ctx, *out, c->cast_to, out) : FN_OK;
    }
    if (c->resolving) return fn_fail(b->ctx, FN_CYCLIC_ALIASES, "Cyclic aliases: column " FN_STR_FMT " refers to itself", FN_STR_ARG(c->name));
    ast_expr *ast;
    FN_TRY(sql_parse_expr(b->ctx, c->alias_sql, &ast));
    scope own = {.sources = src, .source_count = 1};
    c->resolving = true;
    fn_status status = bind_expr(b, &own, ast, out);
    c->resolving = false;
    (void)s;
    return status == FN_OK ? expr_cast(b->ctx, *out, c->type, out) : status;
}

/* The name of a Nested stands for the tuples of its columns: arrayZip(n.a, n.b) with their names. */
static fn_status nested_in(binder *b, scope *s, source *src, fn_str name, expr **out)
{
    expr **parts = NULL, *zip;
    const char **names = FN_NEW_ARRAY(b->ctx, const char *, src->count + 1);
    const fn_type **types = FN_NEW_ARRAY(b->ctx, const fn_type *, src->count + 1);
    uint32_t count = 0;
    if (!names || !types) return b->ctx->error.code;
    for (uint32_t i = 0; i < src->count; i++) {
        source_column *c = &src->columns[i];
        if (c->type->id != FN_T_ARRAY || c->name.size <= name.size + 1 || !fn_str_starts(c->name, name) || c->name.data[name.size] != '.') continue;
        names[count] = fn_arena_copy(b->ctx, b->ctx->arena, c->name.data + name.size + 1, c->name.size - name.size - 1);
        types[count] = c->type->args[0];
        expr **slot = plan_grow(b->ctx, &parts, &count, sizeof *slot);
        if (!slot || !names[count - 1]) return b->ctx->error.code;
        FN_TRY(bind_source_value(b, s, src, c, slot));
    }
    if (!count) return FN_OK;
    FN_TRY(expr_call(b->ctx, "arrayZip", parts, count, &zip));
    return expr_cast(b->ctx, zip, fn_type_array(fn_type_tuple(types, names, count)), out);
}

static fn_status column_in(binder *b, scope *s, source *src, const fn_str *parts, uint32_t count, expr **out)
{
    for (uint32_t n = count; n > 0; n--) {
        fn_str name;
        FN_TRY(join_parts(b, parts, n, &name));
        for (uint32_t i = 0; i < src->count; i++) {
            if (!fn_str_eq(src->columns[i].name, name)) continue;
            expr *e;
            FN_TRY(bind_source_value(b, s, src, &src->columns[i], &e));
            FN_TRY(all_fields(b, e, parts + n, count - n, out));
            if (*out) return FN_OK;
        }
    }
    return count == 1 ? nested_in(b, s, src, parts[0], out) : FN_OK;
}

static bool is_qualifier(const source *src, const fn_str *parts, uint32_t count, uint32_t *used)
{
    *used = 1;
    if (count > 1 && src->alias.size && fn_str_eq(parts[0], src->alias)) return true;
    if (count > 1 && src->table.size && fn_str_eq(parts[0], src->table)) return true;
    *used = 2;
    return count > 2 && src->table.size && fn_str_eq(parts[0], src->database) && fn_str_eq(parts[1], src->table);
}

static fn_status in_source(binder *b, scope *s, source *src, const fn_str *parts, uint32_t count, expr **out)
{
    uint32_t used;
    *out = NULL;
    if (is_qualifier(src, parts, count, &used)) FN_TRY(column_in(b, s, src, parts + used, count - used, out));
    return *out ? FN_OK : column_in(b, s, src, parts, count, out);
}

static fn_status ambiguous(binder *b, const scope *s, const fn_str *parts, uint32_t count)
{
    fn_str name, text;
    FN_TRY(join_parts(b, parts, count, &name));
    FN_TRY(bind_scope_text(b, s, &text));
    return fn_fail(b->ctx, FN_AMBIGUOUS_IDENTIFIER, "JOIN ambiguous identifier '" FN_STR_FMT "'. In scope " FN_STR_FMT, FN_STR_ARG(name), FN_STR_ARG(text));
}

/* Columns that an inner join makes equal are one. */
static bool are_joined(const scope *s, const expr *x, const expr *y)
{
    if (x->kind != EXPR_COLUMN || y->kind != EXPR_COLUMN) return false;
    for (uint32_t i = 0; i < s->equal_count; i++)
        if (s->equals[i].left == x->column && s->equals[i].right == y->column) return true;
    return false;
}

static fn_status in_from(binder *b, scope *s, const fn_str *parts, uint32_t count, expr **out)
{
    uint32_t first = 0;
    *out = NULL;
    for (uint32_t i = s->merged_count; count == 1 && i-- > 0;)
        if (fn_str_eq(s->merged[i].name, parts[0])) {
            *out = s->merged[i].value;
            first = s->merged[i].source_count;
            break;
        }
    for (uint32_t i = first; i < s->source_count; i++) {
        expr *e;
        FN_TRY(in_source(b, s, &s->sources[i], parts, count, &e));
        if (!e) continue;
        if (*out && s->joins > 1 && !expr_equal(*out, e) && !are_joined(s, *out, e)) return ambiguous(b, s, parts, count);
        if (!*out) *out = e;
    }
    return FN_OK;
}

/* ---- aliases ---- */

static fn_status alias_value(binder *b, scope *s, alias_entry *a, expr **out)
{
    if (a->bound) {
        *out = a->bound;
        return bind_count(b, a->size);
    }
    const uint32_t size_before = b->expanded;
    const local *locals = s->locals;
    const uint32_t before = s->fallbacks;
    a->resolving = true;
    s->locals = NULL; /* an alias means the same inside a lambda as outside */
    const fn_status status = bind_expr(b, s, a->ast, out);
    s->locals = locals;
    a->resolving = false;
    a->size = b->expanded - size_before;
    if (status == FN_OK && s->fallbacks == before && !s->in_aggregate) a->bound = *out;
    return status;
}

fn_status bind_aliased(binder *b, scope *s, const ast_expr *e, bool *done, expr **out)
{
    *done = false;
    for (uint32_t i = 0; i < s->alias_count; i++) {
        alias_entry *a = &s->aliases[i];
        if (a->ast != e || a->resolving) continue;
        *done = true;
        return alias_value(b, s, a, out);
    }
    return FN_OK;
}

static alias_entry *find_alias(scope *s, fn_str name)
{
    for (uint32_t i = 0; i < s->alias_count; i++)
        if (fn_str_eq(s->aliases[i].name, name) && s->aliases[i].ast->kind != AST_LAMBDA) return &s->aliases[i];
    return NULL;
}

static fn_status in_locals(binder *b, const scope *s, const fn_str *parts, uint32_t count, expr **out)
{
    for (const local *l = s->locals; l; l = l->outer)
        if (fn_str_eq(l->name, parts[0])) return all_fields(b, l->value, parts + 1, count - 1, out);
    return FN_OK;
}

static fn_status in_aliases(binder *b, scope *s, const fn_str *parts, uint32_t count, expr **out)
{
    alias_entry *a = find_alias(s, parts[0]);
    if (!a) return FN_OK;
    if (a->resolving) {
        s->fallbacks++;
        return FN_OK;
    }
    expr *e;
    FN_TRY(alias_value(b, s, a, &e));
    return all_fields(b, e, parts + 1, count - 1, out);
}

/* Notes that columns of `s` are used by the scopes from `from` up to it. */
static fn_status note_outer(binder *b, scope *from, scope *s, const expr *e)
{
    if (e->kind == EXPR_COLUMN) {
        for (scope *i = from; i && i != s; i = i->parent) {
            column_id *slot = plan_grow(b->ctx, &i->outer, &i->outer_count, sizeof *slot);
            FN_TRY_PTR(b->ctx, slot);
            *slot = e->column;
        }
    }
    for (uint32_t i = 0; i < e->arg_count; i++) FN_TRY(note_outer(b, from, s, e->args[i]));
    return FN_OK;
}

static bool uses_columns(const expr *e)
{
    if (e->kind == EXPR_COLUMN) return true;
    for (uint32_t i = 0; i < e->arg_count; i++)
        if (uses_columns(e->args[i])) return true;
    return false;
}

static fn_status in_scope(binder *b, scope *s, const fn_str *parts, uint32_t count, bool columns, expr **out)
{
    const bool column_first = bind_setting(b, "prefer_column_name_to_alias");
    if (columns) FN_TRY(in_locals(b, s, parts, count, out));
    if (!*out && columns && column_first) FN_TRY(in_from(b, s, parts, count, out));
    if (!*out) FN_TRY(in_aliases(b, s, parts, count, out));
    if (*out && !columns && uses_columns(*out)) *out = NULL;
    return !*out && columns ? in_from(b, s, parts, count, out) : FN_OK;
}

fn_status bind_lookup(binder *b, scope *s, const fn_str *parts, uint32_t count, expr **out)
{
    bool columns = true;
    *out = NULL;
    for (scope *i = s; i; i = i->parent) {
        FN_TRY(in_scope(b, i, parts, count, columns, out));
        if (*out) return i == s ? FN_OK : note_outer(b, s, i, *out);
        if (i->hide_parent_columns) columns = false;
    }
    return FN_OK;
}

/* ---- not found ---- */

static size_t edit_distance(fn_str x, fn_str y)
{
    enum { LONGEST = 63 };
    uint8_t row[LONGEST + 1];
    if (x.size > LONGEST || y.size > LONGEST) return SIZE_MAX;
    for (size_t j = 0; j <= y.size; j++) row[j] = (uint8_t)j;
    for (size_t i = 1; i <= x.size; i++) {
        uint8_t diagonal = row[0];
        row[0] = (uint8_t)i;
        for (size_t j = 1; j <= y.size; j++) {
            const uint8_t change = (uint8_t)(diagonal + (x.data[i - 1] != y.data[j - 1]));
            diagonal = row[j];
            row[j] = (uint8_t)FN_MIN(change, (uint8_t)(FN_MIN(row[j], row[j - 1]) + 1));
        }
    }
    return row[y.size];
}

static void nearer(fn_str wanted, fn_str candidate, size_t *best, fn_str *found)
{
    const size_t d = edit_distance(wanted, candidate);
    if (d >= *best) return;
    *best = d;
    *found = candidate;
}

static fn_status unknown(binder *b, const scope *s, const fn_str *parts, uint32_t count)
{
    fn_str name, text, near = {0};
    FN_TRY(join_parts(b, parts, count, &name));
    FN_TRY(bind_scope_text(b, s, &text));
    size_t best = FN_MIN(name.size / 2 + 1, (size_t)4);
    for (uint32_t i = 0; i < s->alias_count; i++) nearer(name, s->aliases[i].name, &best, &near);
    for (uint32_t i = 0; i < s->source_count; i++)
        for (uint32_t c = 0; c < s->sources[i].count; c++) nearer(name, s->sources[i].columns[c].name, &best, &near);
    const bool no_from = s->select && !s->select->from;
    char *maybe = near.size ? fn_arena_printf(b->ctx, b->ctx->arena, " Maybe you meant: ['" FN_STR_FMT "'].", FN_STR_ARG(near)) : NULL;
    return fn_fail(b->ctx, FN_UNKNOWN_IDENTIFIER, "Unknown expression%s identifier `" FN_STR_FMT "`.%s%s" FN_STR_FMT "%s", no_from ? " or function" : "",
                   FN_STR_ARG(name), maybe ? maybe : "", text.size ? " In scope " : "", FN_STR_ARG(text),
                   no_from ? ": Note: the query does not have the FROM clause. Did you forget to add it?" : "");
}

fn_status bind_identifier(binder *b, scope *s, const ast_expr *e, expr **out)
{
    FN_TRY(bind_lookup(b, s, e->parts, e->part_count, out));
    return *out ? FN_OK : unknown(b, s, e->parts, e->part_count);
}

/* ---- names of results ---- */

/* A qualified column is shown by its own name, behind its table's name when another source in front has a column of that name.
 * Of fields (t.tuple.x) the table's name is left out. */
static fn_status shown_name(binder *b, scope *s, const ast_expr *e, fn_str *out)
{
    expr *value;
    const source *src = NULL;
    uint32_t used;
    *out = (fn_str){0};
    FN_TRY(bind_lookup(b, s, e->parts, e->part_count, &value));
    if (value && plan_is_call(value, "_CAST")) value = value->args[0]; /* a column of USING */
    const source_column *c = value && value->kind == EXPR_COLUMN ? bind_column_of(s, value->column, &src) : NULL;
    for (uint32_t i = 0; !c && i < s->source_count; i++)
        if (is_qualifier(&s->sources[i], e->parts, e->part_count, &used)) return join_parts(b, e->parts + used, e->part_count - used, out);
    if (!c) return FN_OK;
    bool plain = true;
    const source *end = s->joins > 1 ? s->sources + s->source_count : src; /* several JOINs: sources behind count as well */
    for (const source *o = s->sources; o < end; o++)
        for (uint32_t i = 0; o != src && i < o->count; i++) plain &= !fn_str_eq(o->columns[i].name, c->name);
    const fn_str owner = src->alias.size ? src->alias : src->table;
    const fn_str both[2] = {owner, c->name};
    return plain || !owner.size ? join_parts(b, &c->name, 1, out) : join_parts(b, both, 2, out);
}

static bool needs_names(const ast_expr *e, fn_str replaced)
{
    if (e->kind == AST_SUBQUERY) return true;
    if (e->kind == AST_IDENTIFIER) return e->part_count > 1 || (replaced.size && fn_str_eq(e->parts[0], replaced));
    if (e->kind != AST_FUNCTION) return false;
    for (uint32_t i = 0; i < e->args.count; i++)
        if (needs_names(e->args.items[i], replaced)) return true;
    return false;
}

/* The expression with names as results show them: qualified ones shortened, subqueries numbered, `replaced` by `by`. */
typedef struct naming {
    binder *b;
    scope *s;
    fn_str replaced, by;
} naming;

static fn_status name_subquery(binder *b, fn_str *out)
{
    char *text = fn_arena_printf(b->ctx, b->ctx->arena, "_subquery_%u", ++b->subquery_names);
    FN_TRY_PTR(b->ctx, text);
    *out = fn_cstr(text);
    return FN_OK;
}

static fn_status with_shown_names(naming *n, const ast_expr *e, ast_expr **out)
{
    binder *b = n->b;
    *out = (ast_expr *)(uintptr_t)e;
    if (!needs_names(e, n->replaced)) return FN_OK;
    ast_expr *copy = FN_NEW(b->ctx, ast_expr);
    FN_TRY_PTR(b->ctx, copy);
    *copy = *e;
    *out = copy;
    if (e->kind != AST_FUNCTION) {
        fn_str *name = FN_NEW(b->ctx, fn_str);
        FN_TRY_PTR(b->ctx, name);
        if (e->alias.size) *name = e->alias;
        else if (e->kind == AST_SUBQUERY) FN_TRY(name_subquery(b, name));
        else if (n->replaced.size && fn_str_eq(e->parts[0], n->replaced)) *name = n->by;
        else if (n->s) FN_TRY(shown_name(b, n->s, e, name));
        if (!name->size) return FN_OK;
        copy->kind = AST_IDENTIFIER;
        copy->parts = name;
        copy->part_count = 1;
        return FN_OK;
    }
    copy->args.items = FN_NEW_ARRAY(b->ctx, ast_expr *, e->args.count + 1);
    FN_TRY_PTR(b->ctx, copy->args.items);
    for (uint32_t i = 0; i < e->args.count; i++) FN_TRY(with_shown_names(n, e->args.items[i], &copy->args.items[i]));
    return FN_OK;
}

static fn_status column_text(binder *b, const ast_expr *e, fn_str *out)
{
    fn_buf text = FN_BUF_INIT;
    fn_status status = sql_column_name(b->ctx, e, &text);
    if (status == FN_OK) status = fn_arena_str(b->ctx, b->ctx->arena, fn_buf_view(&text), out);
    fn_buf_release(&text);
    return status;
}

fn_status bind_name_with(binder *b, const ast_expr *e, fn_str replaced, fn_str by, fn_str *out)
{
    naming n = {b, NULL, replaced, by};
    ast_expr *shown;
    FN_TRY(with_shown_names(&n, e, &shown));
    return column_text(b, shown, out);
}

fn_status bind_name_of(binder *b, scope *s, const ast_expr *e, fn_str *out)
{
    if (e->alias.size) {
        *out = e->alias;
        return FN_OK;
    }
    if (e->kind == AST_IDENTIFIER && e->part_count > 1 && s) {
        FN_TRY(shown_name(b, s, e, out));
        return out->size ? FN_OK : join_parts(b, e->parts, e->part_count, out);
    }
    naming n = {.b = b, .s = s};
    ast_expr *shown;
    FN_TRY(with_shown_names(&n, e, &shown));
    if (shown->kind == AST_IDENTIFIER && shown->part_count == 1) {
        *out = shown->parts[0];
        return FN_OK;
    }
    return column_text(b, shown, out);
}
