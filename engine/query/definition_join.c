/* definition_join.c - ENGINE = Join(ANY | ALL | SEMI | ANTI, LEFT | INNER | RIGHT | FULL, keys...) and the settings of Set and Join. Both keep
 * their rows in parts like a Log table, so that they survive and are committed as the other tables are.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/definition.h"

static const struct {
    const char *name, *allowed; /* NULL: any; otherwise the only value that is done */
    bool of_set;
} join_settings[] = {
    {"persistent", "1", true}, {"disk", "default", true}, {"join_use_nulls", NULL, false}, {"max_rows_in_join", "0", false}, {"max_bytes_in_join", "0", false},
    {"join_overflow_mode", NULL, false}, {"join_any_take_last_row", "0", false},
};

bool definition_join_has_setting(fn_str engine, fn_str name)
{
    const bool set = fn_str_eq(engine, FN_STR("Set"));
    if (!set && !fn_str_eq(engine, FN_STR("Join"))) return false;
    for (size_t i = 0; i < FN_COUNT(join_settings); i++)
        if (fn_str_eq(name, fn_cstr(join_settings[i].name))) return !set || join_settings[i].of_set;
    return false;
}

fn_status definition_join_settings(fn_ctx *ctx, const ast_engine *e)
{
    for (uint32_t i = 0; i < e->setting_count; i++) {
        fn_str value;
        FN_TRY(query_setting_text(ctx, &e->settings[i], &value));
        for (size_t k = 0; k < FN_COUNT(join_settings); k++) {
            if (!fn_str_eq(e->settings[i].name, fn_cstr(join_settings[k].name)) || !join_settings[k].allowed || fn_str_eq(value, fn_cstr(join_settings[k].allowed))) continue;
            return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Setting %s = " FN_STR_FMT " of storage " FN_STR_FMT " is not supported", join_settings[k].name, FN_STR_ARG(value),
                           FN_STR_ARG(e->name));
        }
    }
    return FN_OK;
}

static int place_of(const ast_expr *e, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count && e->kind == AST_IDENTIFIER && e->part_count == 1; i++)
        if (fn_str_eq_nocase(e->parts[0], fn_cstr(words[i]))) return (int)i;
    return -1;
}

static fn_status read_keys(fn_ctx *ctx, const ast_engine *e, const table_schema *schema, table_join *j)
{
    uint32_t *keys = FN_NEW_ARRAY(ctx, uint32_t, e->args.count);
    FN_TRY_PTR(ctx, keys);
    for (uint32_t i = 2; i < e->args.count; i++) {
        const ast_expr *a = e->args.items[i];
        if (a->kind != AST_IDENTIFIER) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Parameter №%u of storage Join don't look like column name", i + 1);
        const int at = table_schema_find(schema, a->parts[a->part_count - 1]);
        if (at < 0)
            return fn_fail(ctx, FN_NO_SUCH_COLUMN_IN_TABLE, "Key column (" FN_STR_FMT ") does not exist in table declaration", FN_STR_ARG(a->parts[a->part_count - 1]));
        keys[j->key_count++] = (uint32_t)at;
    }
    j->keys = keys;
    return FN_OK;
}

fn_status definition_join(fn_ctx *ctx, const ast_engine *e, const table_schema *schema, table_join **out)
{
    static const char *const kinds[] = {[TABLE_JOIN_LEFT] = "LEFT", [TABLE_JOIN_INNER] = "INNER", [TABLE_JOIN_RIGHT] = "RIGHT", [TABLE_JOIN_FULL] = "FULL"};
    static const char *const strict[] = {[TABLE_JOIN_ANY] = "ANY", [TABLE_JOIN_ALL] = "ALL", [TABLE_JOIN_SEMI] = "SEMI", [TABLE_JOIN_ANTI] = "ANTI"};
    table_join *j = FN_NEW(ctx, table_join);
    FN_TRY_PTR(ctx, j);
    if (e->args.count < 3)
        return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Storage Join requires at least 3 parameters: Join(ANY|ALL|SEMI|ANTI, LEFT|INNER|RIGHT, keys...)");
    const int strictness = place_of(e->args.items[0], strict, FN_COUNT(strict)), kind = place_of(e->args.items[1], kinds, FN_COUNT(kinds));
    if (strictness < 0) return fn_fail(ctx, FN_BAD_ARGUMENTS, "First parameter of storage Join must be ANY or ALL or SEMI or ANTI (without quotes)");
    if (kind < 0) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Second parameter of storage Join must be LEFT or INNER or RIGHT or FULL (without quotes)");
    *j = (table_join){.kind = (table_join_kind)kind, .strictness = (table_join_strictness)strictness};
    if (j->kind == TABLE_JOIN_FULL && j->strictness != TABLE_JOIN_ALL) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "%s FULL JOINs are not implemented", strict[strictness]);
    FN_TRY(read_keys(ctx, e, schema, j));
    for (uint32_t i = 0; i < e->setting_count; i++) {
        fn_str value;
        FN_TRY(query_setting_text(ctx, &e->settings[i], &value));
        if (fn_str_eq(e->settings[i].name, FN_STR("join_use_nulls"))) j->use_nulls = fn_str_eq(value, FN_STR("1")) || fn_str_eq_nocase(value, FN_STR("true"));
    }
    *out = j;
    return FN_OK;
}
