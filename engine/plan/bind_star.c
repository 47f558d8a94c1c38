/* bind_star.c - the list of a SELECT: expressions, untuple, and asterisks (*, t.*, COLUMNS('re'), COLUMNS(a, b)) with EXCEPT, REPLACE, APPLY.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/bind.h"

/* ---- which columns ---- */

/* Whether the name matches a pattern as match() has it. */
static fn_status matches(binder *b, fn_str pattern, fn_str name, bool *out)
{
    expr *args[2], *found;
    FN_TRY(bind_string_const(b, name, &args[0]));
    FN_TRY(bind_string_const(b, pattern, &args[1]));
    FN_TRY(expr_call(b->ctx, "match", args, 2, &found));
    *out = found->kind == EXPR_CONST && fn_column_u64_at(found->constant, 0) != 0;
    return FN_OK;
}

/* pattern NULL: every name. */
static fn_status passes(binder *b, const fn_str *pattern, fn_str name, bool *out)
{
    *out = true;
    return pattern ? matches(b, *pattern, name, out) : FN_OK;
}

static fn_status add_item(binder *b, select_item **items, uint32_t *count, expr *value, fn_str name)
{
    select_item *item = plan_grow(b->ctx, items, count, sizeof *item);
    FN_TRY_PTR(b->ctx, item);
    item->value = value;
    item->name = name;
    return FN_OK;
}

/* Behind another source with a column of that name, a column is shown with its table's name. */
static fn_status item_name(binder *b, const scope *s, const source *src, const source_column *c, fn_str *out)
{
    const fn_str owner = src->alias.size ? src->alias : src->table;
    bool repeated = s->joins > 1 && owner.size;
    *out = c->name;
    if (s->joins > 1) {
        repeated = false;
        for (uint32_t i = 0; i < s->source_count; i++)
            for (uint32_t k = 0; &s->sources[i] != src && k < s->sources[i].count; k++) repeated |= fn_str_eq(s->sources[i].columns[k].name, c->name);
    } else {
        for (const source *o = s->sources; o < src; o++)
            for (uint32_t k = 0; k < o->count; k++) repeated |= fn_str_eq(o->columns[k].name, c->name);
    }
    if (!repeated || !owner.size) return FN_OK;
    char *text = fn_arena_printf(b->ctx, b->ctx->arena, FN_STR_FMT "." FN_STR_FMT, FN_STR_ARG(owner), FN_STR_ARG(c->name));
    FN_TRY_PTR(b->ctx, text);
    *out = fn_cstr(text);
    return FN_OK;
}

static bool is_merged(const scope *s, fn_str name)
{
    for (uint32_t i = 0; i < s->merged_count; i++)
        if (fn_str_eq(s->merged[i].name, name)) return true;
    return false;
}

/* Columns of USING come first, once; then those of each source. */
static fn_status expand_source(binder *b, scope *s, source *src, const fn_str *pattern, bool qualified, select_item **items, uint32_t *count)
{
    for (uint32_t i = 0; i < src->count; i++) {
        source_column *c = &src->columns[i];
        bool pass;
        if (c->hidden) continue;
        FN_TRY(passes(b, pattern, c->name, &pass));
        if (!pass) continue;
        if (!qualified && is_merged(s, c->name) && c->merged) continue;
        fn_str name;
        expr *value;
        FN_TRY(item_name(b, s, src, c, &name));
        FN_TRY(bind_source_value(b, s, src, c, &value));
        FN_TRY(add_item(b, items, count, value, name));
    }
    return FN_OK;
}

static fn_status expand_merged(binder *b, scope *s, const fn_str *pattern, select_item **items, uint32_t *count)
{
    for (uint32_t i = 0; i < s->merged_count; i++) {
        bool later = false, pass;
        for (uint32_t k = i + 1; k < s->merged_count; k++) later |= fn_str_eq(s->merged[k].name, s->merged[i].name);
        FN_TRY(passes(b, pattern, s->merged[i].name, &pass));
        if (later || !pass) continue;
        FN_TRY(add_item(b, items, count, s->merged[i].value, s->merged[i].name));
    }
    return FN_OK;
}

static bool is_named(const source *src, const ast_expr *e)
{
    if (e->part_count == 1) return fn_str_eq(e->parts[0], src->alias.size ? src->alias : src->table) || fn_str_eq(e->parts[0], src->table);
    return e->part_count == 2 && fn_str_eq(e->parts[0], src->database) && fn_str_eq(e->parts[1], src->table);
}

/* tuple.* stands for the fields of the tuple. */
static fn_status expand_tuple(binder *b, scope *s, const ast_expr *e, const fn_str *pattern, select_item **items, uint32_t *count)
{
    expr *value;
    FN_TRY(bind_lookup(b, s, e->parts, e->part_count, &value));
    if (!value || value->type->id != FN_T_TUPLE)
        return fn_fail(b->ctx, FN_UNKNOWN_IDENTIFIER, "Qualified matcher " FN_STR_FMT ".* does not find table. In scope", FN_STR_ARG(e->parts[0]));
    for (uint32_t i = 0; i < value->type->arg_count; i++) {
        char *number = fn_arena_printf(b->ctx, b->ctx->arena, "%u", i + 1);
        FN_TRY_PTR(b->ctx, number);
        const fn_str name = value->type->arg_names ? fn_cstr(value->type->arg_names[i]) : fn_cstr(number);
        bool pass;
        FN_TRY(passes(b, pattern, name, &pass));
        if (!pass) continue;
        expr *args[2] = {value, expr_const_u64(b->ctx, i + 1)}, *field;
        FN_TRY_PTR(b->ctx, args[1]);
        FN_TRY(expr_call(b->ctx, "tupleElement", args, 2, &field));
        FN_TRY(add_item(b, items, count, field, name));
    }
    return FN_OK;
}

static fn_status expand_all(binder *b, scope *s, const ast_expr *e, const fn_str *pattern, select_item **items, uint32_t *count)
{
    bool found = false;
    if (e->part_count == 0) FN_TRY(expand_merged(b, s, pattern, items, count));
    for (uint32_t i = 0; i < s->source_count; i++) {
        if (e->part_count && !is_named(&s->sources[i], e)) continue;
        found = true;
        FN_TRY(expand_source(b, s, &s->sources[i], pattern, e->part_count != 0, items, count));
    }
    if (!found && e->part_count) return expand_tuple(b, s, e, pattern, items, count);
    return FN_OK;
}

static fn_status expand(binder *b, scope *s, const ast_expr *e, select_item **items, uint32_t *count)
{
    if (e->args.count) { /* COLUMNS(a, b) */
        for (uint32_t i = 0; i < e->args.count; i++) {
            expr *value;
            fn_str name;
            FN_TRY(bind_expr(b, s, e->args.items[i], &value));
            FN_TRY(bind_name_of(b, s, e->args.items[i], &name));
            FN_TRY(add_item(b, items, count, value, name));
        }
        return FN_OK;
    }
    if (!e->text.size) return expand_all(b, s, e, NULL, items, count);
    return expand_all(b, s, e, &e->text, items, count);
}

/* ---- transformers ---- */

static fn_status apply_except(binder *b, const ast_expr *t, select_item *items, uint32_t *count)
{
    uint32_t kept = 0;
    uint64_t hit = 0;
    for (uint32_t i = 0; i < *count; i++) {
        bool out = false;
        if (t->type_text.size) FN_TRY(matches(b, t->type_text, items[i].name, &out));
        for (uint32_t k = 0; k < t->args.count; k++) {
            if (!fn_str_eq(t->args.items[k]->parts[0], items[i].name)) continue;
            out = true;
            hit |= (uint64_t)1 << (k % 64);
        }
        if (!out) items[kept++] = items[i];
    }
    *count = kept;
    for (uint32_t k = 0; t->distinct && k < t->args.count && k < 64; k++)
        if (!(hit >> k & 1))
            return fn_fail(b->ctx, FN_BAD_ARGUMENTS, "Columns transformer EXCEPT expects following column(s) : " FN_STR_FMT, FN_STR_ARG(t->args.items[k]->parts[0]));
    return FN_OK;
}

static fn_status apply_replace(binder *b, scope *s, const ast_expr *t, select_item *items, uint32_t count)
{
    for (uint32_t k = 0; k < t->args.count; k++) {
        bool found = false;
        expr *value;
        FN_TRY(bind_expr(b, s, t->args.items[k], &value));
        for (uint32_t i = 0; i < count; i++) {
            if (!fn_str_eq(items[i].name, t->args.items[k]->alias)) continue;
            items[i].value = value;
            found = true;
        }
        if (!found && t->distinct)
            return fn_fail(b->ctx, FN_BAD_ARGUMENTS, "Columns transformer REPLACE expects following column(s) : " FN_STR_FMT, FN_STR_ARG(t->args.items[k]->alias));
    }
    return FN_OK;
}

static fn_status apply_one(binder *b, scope *s, const ast_expr *t, select_item *item)
{
    const ast_expr *f = t->args.items[0];
    const local *outer = s->locals;
    local own = {f->kind == AST_LAMBDA ? f->args.items[0]->parts[0] : FN_STR("__applied"), item->value, outer};
    ast_expr column = {.kind = AST_IDENTIFIER, .parts = &own.name, .part_count = 1}, *list[1] = {&column};
    ast_expr call = *f, shown = {.kind = AST_IDENTIFIER, .parts = &item->name, .part_count = 1}, *shown_list[1] = {&shown};
    call.args = (ast_list){list, 1};
    s->locals = &own;
    fn_status status = bind_expr(b, s, f->kind == AST_LAMBDA ? f->args2.items[0] : &call, &item->value);
    s->locals = outer;
    if (status != FN_OK) return status;
    if (t->type_text.size) {
        char *text = fn_arena_printf(b->ctx, b->ctx->arena, FN_STR_FMT FN_STR_FMT, FN_STR_ARG(t->type_text), FN_STR_ARG(item->name));
        FN_TRY_PTR(b->ctx, text);
        item->name = fn_cstr(text);
        return FN_OK;
    }
    if (f->kind == AST_LAMBDA) return bind_name_with(b, f->args2.items[0], own.name, item->name, &item->name);
    call.args = (ast_list){shown_list, 1};
    return bind_name_of(b, NULL, &call, &item->name);
}

fn_status bind_star(binder *b, scope *s, const ast_expr *e, select_item **items, uint32_t *count)
{
    select_item *own = NULL;
    uint32_t n = 0;
    FN_TRY(expand(b, s, e, &own, &n));
    for (uint32_t t = 0; t < e->args2.count; t++) {
        const ast_expr *change = e->args2.items[t];
        if (fn_str_eq(change->text, FN_STR("EXCEPT"))) {
            FN_TRY(apply_except(b, change, own, &n));
            continue;
        }
        if (fn_str_eq(change->text, FN_STR("REPLACE"))) {
            FN_TRY(apply_replace(b, s, change, own, n));
            continue;
        }
        for (uint32_t i = 0; i < n; i++) FN_TRY(apply_one(b, s, change, &own[i]));
    }
    for (uint32_t i = 0; i < n; i++) FN_TRY(add_item(b, items, count, own[i].value, own[i].name));
    return FN_OK;
}

static fn_status add_untuple(binder *b, scope *s, const ast_expr *e, select_item **items, uint32_t *count)
{
    expr **values;
    uint32_t n;
    fn_str base;
    const ast_list one = {(ast_expr *[]){(ast_expr *)(uintptr_t)e}, 1};
    FN_TRY(bind_arguments(b, s, &one, &values, &n));
    FN_TRY(bind_name_of(b, s, e->args.items[0], &base));
    const fn_type *tuple = NULL;
    expr *whole;
    FN_TRY(bind_expr(b, s, e->args.items[0], &whole));
    tuple = whole->type;
    for (uint32_t i = 0; i < n; i++) {
        const char *field = tuple->arg_names ? tuple->arg_names[i] : fn_arena_printf(b->ctx, b->ctx->arena, "%u", i + 1);
        FN_TRY_PTR(b->ctx, field);
        const char *name = e->alias.size ? fn_arena_printf(b->ctx, b->ctx->arena, FN_STR_FMT ".%s", FN_STR_ARG(e->alias), field)
                                         : fn_arena_printf(b->ctx, b->ctx->arena, "tupleElement(" FN_STR_FMT ", '%s')", FN_STR_ARG(base), field);
        FN_TRY_PTR(b->ctx, name);
        FN_TRY(add_item(b, items, count, values[i], fn_cstr(name)));
    }
    return FN_OK;
}

fn_status bind_select_list(binder *b, scope *s, const ast_list *list, select_item **items, uint32_t *count)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const ast_expr *e = list->items[i];
        if (e->kind == AST_ASTERISK) {
            FN_TRY(bind_star(b, s, e, items, count));
            continue;
        }
        if (e->kind == AST_FUNCTION && fn_str_eq(e->text, FN_STR("untuple")) && e->args.count == 1) {
            FN_TRY(add_untuple(b, s, e, items, count));
            continue;
        }
        select_item item = {.ast = e};
        if (e->kind == AST_LAMBDA) continue; /* WITH x -> ... AS f, also in the list */
        FN_TRY(bind_expr(b, s, e, &item.value));
        FN_TRY(bind_name_of(b, s, e, &item.name));
        select_item *slot = plan_grow(b->ctx, items, count, sizeof *slot);
        FN_TRY_PTR(b->ctx, slot);
        *slot = item;
    }
    return FN_OK;
}
