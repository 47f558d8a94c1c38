/* definition_statistics.c - STATISTICS(...) of columns and ALTER's commands about them. They are declarations alone: every part has minima,
 * maxima, counts of NULLs and distinct values of all its columns anyway (ClickHouse's "basic" and "uniq_v2"), and joins are ordered by those.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/alter.h"

enum { TYPES = 6 };
static const struct statistics_type {
    const char *name, *shown;
} types[TYPES] = { /* in the order they are shown */
    {"tdigest", "TDigest"}, {"uniq", "Uniq"}, {"countmin", "CountMinSketch"}, {"minmax", "MinMax"}, {"basic", "Basic"}, {"uniq_v2", "UniqV2"},
};

static bool supports(uint32_t type, const fn_type *t)
{
    const fn_type *plain = fn_type_strip_nullable(t), *base = fn_type_base(t);
    const bool number = fn_type_is_number(plain) || fn_type_is_date_or_time(plain) || plain->id == FN_T_ENUM8 || plain->id == FN_T_ENUM16;
    switch (type) {
    case 0: return number;
    case 3: return number || plain->id == FN_T_IPV4;
    case 4: return true;
    default: return base->phys != FN_PHYS_ARRAY && base->phys != FN_PHYS_TUPLE && base->id != FN_T_UUID;
    }
}

/* "minmax, uniq" to a bit per type. */
static fn_status read_types(fn_ctx *ctx, fn_str text, const fn_type *type, uint32_t *out)
{
    *out = 0;
    while (text.size) {
        const char *comma = memchr(text.data, ',', text.size);
        const fn_str one = {text.data, comma ? (size_t)(comma - text.data) : text.size};
        const size_t gone = FN_MIN(text.size, one.size + 2);
        text = (fn_str){text.data + gone, text.size - gone};
        uint32_t i = 0;
        while (i < TYPES && !fn_str_eq(one, fn_cstr(types[i].name))) i++;
        if (i == TYPES) {
            return fn_fail(ctx, FN_INCORRECT_QUERY, "Unknown statistics type: " FN_STR_FMT ". Supported statistics types are 'basic', 'countmin', 'minmax', 'tdigest', "
                           "'uniq' and 'uniq_v2'", FN_STR_ARG(one));
        }
        if (i == 2) return fn_fail(ctx, FN_INCORRECT_QUERY, "Unknown statistic type '%s'", types[i].shown); /* ClickHouse is built without */
        if (!supports(i, type)) return fn_fail(ctx, FN_ILLEGAL_STATISTICS, "Statistics of type '%s' does not support data type type %s", types[i].shown, type->name);
        *out |= 1u << i;
    }
    return FN_OK;
}

static fn_status put_types(fn_ctx *ctx, uint32_t set, fn_str *out)
{
    fn_buf text = FN_BUF_INIT;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < TYPES && status == FN_OK; i++)
        if (set >> i & 1) status = fn_buf_printf(ctx, &text, "%s%s", text.size ? ", " : "", types[i].name);
    if (status == FN_OK) status = fn_arena_str(ctx, ctx->arena, fn_buf_view(&text), out);
    fn_buf_release(&text);
    return status;
}

fn_status definition_statistics(fn_ctx *ctx, ast_column_def *def)
{
    const fn_type *type;
    uint32_t set;
    if (!def->statistics.size || !def->type.size) return FN_OK;
    FN_TRY(fn_type_parse(ctx, def->type, &type));
    FN_TRY(read_types(ctx, def->statistics, type, &set));
    return put_types(ctx, set, &def->statistics);
}

/* ---- ALTER ---- */
static fn_status add_types(fn_ctx *ctx, const ast_alter_command *c, ast_column_def *def)
{
    const fn_type *type;
    uint32_t have, more;
    FN_TRY(fn_type_parse(ctx, def->type, &type));
    FN_TRY(read_types(ctx, def->statistics, type, &have));
    FN_TRY(read_types(ctx, c->statistics, type, &more));
    if (c->verb == 'm') have = 0;
    for (uint32_t i = 0; i < TYPES && !c->if_not_exists; i++)
        if (have & more & 1u << i) return fn_fail(ctx, FN_ILLEGAL_STATISTICS, "Statistics type name %s has existed in column " FN_STR_FMT, types[i].shown, FN_STR_ARG(def->name));
    return put_types(ctx, have | more, &def->statistics);
}

static fn_status no_statistics(fn_ctx *ctx, fn_str name)
{
    return fn_fail(ctx, FN_ILLEGAL_STATISTICS, "Wrong statistics name. Cannot find statistics `" FN_STR_FMT "` to drop", FN_STR_ARG(name));
}

static fn_status unknown_column(fn_ctx *ctx, const ast_alter_command *c, fn_str name)
{
    if (c->verb == 'b') return fn_fail(ctx, FN_ILLEGAL_STATISTICS, "Unknown statistics column: " FN_STR_FMT, FN_STR_ARG(name));
    if (c->verb == 'c' || c->verb == 'd') return no_statistics(ctx, name);
    return fn_fail(ctx, FN_ILLEGAL_STATISTICS, "Cannot %s statistics for column " FN_STR_FMT ": this column is not found", c->verb == 'a' ? "add" : "modify", FN_STR_ARG(name));
}

static fn_status change_column(fn_ctx *ctx, const ast_alter_command *c, ast_column_def *def)
{
    if (c->verb == 'a' || c->verb == 'm') return add_types(ctx, c, def);
    if (c->verb == 'b') return FN_OK; /* parts have theirs */
    if (!def->statistics.size) return c->if_exists ? FN_OK : no_statistics(ctx, def->name);
    if (c->verb == 'd') def->statistics = (fn_str){NULL, 0};
    return FN_OK;
}

fn_status alter_statistics(alter_run *a, const ast_alter_command *c)
{
    fn_ctx *ctx = a->query->ctx;
    static const char verbs[] = "amdcb", *const words[] = {"ADD", "MODIFY", "DROP", "CLEAR", "MATERIALIZE"};
    if (!mt_is(a->table)) {
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Alter of type '%s_STATISTICS' is not supported by storage %s", words[strchr(verbs, c->verb) - verbs],
                       a->table->ops->engine);
    }
    ast_create *create = a->statement->create;
    for (uint32_t i = 0; i < c->name_count; i++) {
        ast_column_def *def = NULL;
        for (uint32_t k = 0; k < create->column_count && !def; k++)
            if (fn_str_eq(create->columns[k].name, c->names[i])) def = &create->columns[k];
        if (!def && c->if_exists) continue;
        if (!def) return unknown_column(ctx, c, c->names[i]);
        FN_TRY(change_column(ctx, c, def));
    }
    return FN_OK;
}
