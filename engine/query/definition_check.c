/* definition_check.c - what a definition must not hold: settings of MergeTree that firn does not do, items of the same name, defaults
 * that need one another. SPDX-License-Identifier: Apache-2.0 */
#include "query/definition.h"

/* ---- settings of the table ---- */
static const struct {
    const char *name, *allowed; /* the only values that change nothing; a second one behind '|' */
} refused[] = {
    {"disk", ""},
    {"table_disk", "0|false"},
    {"max_partitions_to_read", "-1"},
    {"allow_tuple_element_aggregation", "0|false"},
    {"add_implicit_sign_column_constraint_for_collapsing_engine", "0|false"},
    {"enforce_index_structure_match_on_partition_manipulation", "0|false"},
};

static bool is_allowed(const char *allowed, fn_str value)
{
    const fn_str all = fn_cstr(allowed);
    const char *bar = strchr(allowed, '|');
    if (!bar) return fn_str_eq(value, all);
    return fn_str_eq(value, (fn_str){allowed, (size_t)(bar - allowed)}) || fn_str_eq(value, fn_cstr(bar + 1));
}

fn_status definition_check_settings(fn_ctx *ctx, const ast_engine *e)
{
    for (uint32_t i = 0; i < e->setting_count; i++) {
        const ast_setting *s = &e->settings[i];
        fn_str value;
        if (s->is_default) continue;
        FN_TRY(query_setting_text(ctx, s, &value));
        if (fn_str_eq(s->name, FN_STR("storage_policy")) && !fn_str_eq(value, FN_STR("default")))
            return fn_fail(ctx, FN_UNKNOWN_POLICY, "Unknown storage policy `" FN_STR_FMT "`", FN_STR_ARG(value));
        for (size_t k = 0; k < FN_COUNT(refused); k++)
            if (fn_str_eq(s->name, fn_cstr(refused[k].name)) && !is_allowed(refused[k].allowed, value))
                return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Setting %s = " FN_STR_FMT " of a table is not supported", refused[k].name, FN_STR_ARG(value));
    }
    return FN_OK;
}

/* ---- items ---- */
fn_status definition_check_items(fn_ctx *ctx, const ast_create *c)
{
    for (uint32_t i = 0; i < c->item_count; i++) {
        const ast_table_item *item = &c->items[i];
        const fn_str name = item->kind == 'i' ? item->index.name : item->name;
        if (item->kind == 'i') FN_TRY(definition_check_index(ctx, item));
        for (uint32_t k = 0; k < i; k++) {
            const ast_table_item *other = &c->items[k];
            if (other->kind != item->kind || !fn_str_eq(other->kind == 'i' ? other->index.name : other->name, name)) continue;
            if (item->kind == 'i')
                return fn_fail(ctx, FN_ILLEGAL_INDEX, "Duplicated index name " FN_STR_FMT " is not allowed. Please use a different index name", FN_STR_ARG(name));
            if (item->kind == 'p')
                return fn_fail(ctx, FN_ILLEGAL_PROJECTION, "Cannot add projection " FN_STR_FMT ": projection with this name already exists", FN_STR_ARG(name));
        }
    }
    return FN_OK;
}

/* ---- defaults that need one another ---- */
typedef struct default_walk {
    const ast_create *create;
    uint8_t *state; /* per column: 0 not seen, 1 on the way, 2 done */
    unsigned depth;
} default_walk;

static bool visit_column(default_walk *w, uint32_t column);

/* false: a circle. */
static bool visit_expr(default_walk *w, const ast_expr *e)
{
    if (!e || w->depth > 500) return true;
    w->depth++;
    bool fine = true;
    if (e->kind == AST_IDENTIFIER && e->part_count == 1) {
        for (uint32_t i = 0; i < w->create->column_count && fine; i++)
            if (fn_str_eq(w->create->columns[i].name, e->parts[0])) fine = visit_column(w, i);
    }
    for (uint32_t i = 0; i < e->args.count && fine && e->kind != AST_LAMBDA; i++) fine = visit_expr(w, e->args.items[i]);
    w->depth--;
    return fine;
}

static bool visit_column(default_walk *w, uint32_t column)
{
    if (w->state[column] == 1) return false;
    if (w->state[column] == 2) return true;
    w->state[column] = 1;
    const bool fine = visit_expr(w, w->create->columns[column].default_expr);
    w->state[column] = 2;
    return fine;
}

fn_status definition_check_defaults(fn_ctx *ctx, const ast_create *c)
{
    default_walk w = {.create = c, .state = FN_NEW_ARRAY(ctx, uint8_t, FN_MAX(c->column_count, 1u))};
    FN_TRY_PTR(ctx, w.state);
    for (uint32_t i = 0; i < c->column_count; i++)
        if (!visit_column(&w, i))
            return fn_fail(ctx, FN_CYCLIC_ALIASES, "Cyclic aliases in the DEFAULT expression of column " FN_STR_FMT ": default expression and column type are incompatible",
                           FN_STR_ARG(c->columns[i].name));
    return FN_OK;
}
