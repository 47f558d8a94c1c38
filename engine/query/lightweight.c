/* lightweight.c - where ClickHouse lets DELETE FROM and UPDATE write only what changes: its rules and errors. The work is that of every mutation:
 * parts written anew, all at once; so the modes differ in what they refuse.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/alter.h"

/* Why the table has no lightweight updates; NULL: it has. */
static const char *obstacle(fn_ctx *ctx, const table *t)
{
#define NEEDS(column) "Lightweight updates are supported only for tables with materialized _" column " column. Run 'MODIFY SETTING enable_" column "_column = 1' command to enable it."
    if (!mt_is(t)) {
        const char *text = fn_arena_printf(ctx, ctx->arena, "Table with engine %s doesn't support lightweight updates.", t->ops->engine);
        return text ? text : "";
    }
    const table_settings *s = &mt_table_definition(t)->settings;
    if (!s->enable_block_number_column) return NEEDS("block_number");
    return s->enable_block_offset_column ? NULL : NEEDS("block_offset");
#undef NEEDS
}

static fn_status fail_forced(query *q, const ast_statement *s, const char *setting, const char *how, const char *why)
{
    fn_buf text = FN_BUF_INIT;
    fn_status status = sql_print_statement(q->ctx, s, false, &text);
    if (status == FN_OK) status = fn_fail(q->ctx, FN_SUPPORT_IS_DISABLED, "Setting %s but cannot execute query '" FN_STR_FMT "' %s lightweight update. %s", setting, FN_STR_ARG(fn_buf_view(&text)), how, why);
    fn_buf_release(&text);
    return status;
}

static fn_status check_projections(fn_ctx *ctx, const table *t)
{
    const mt_definition *d = mt_table_definition(t);
    if (d->projection_count == 0 || d->settings.lightweight_mutation_projection_mode != PROJECTION_THROW) return FN_OK;
    return fn_fail(ctx, FN_SUPPORT_IS_DISABLED, "DELETE query is not allowed for table " FN_STR_FMT "." FN_STR_FMT " because as it has projections and setting "
                   "lightweight_mutation_projection_mode is set to THROW. User should change lightweight_mutation_projection_mode OR drop all the projections manually "
                   "before running the query", FN_STR_ARG(t->database), FN_STR_ARG(t->name));
}

fn_status lightweight_check_delete(query *q, const table *t, const ast_statement *s)
{
    const char *why = obstacle(q->ctx, t);
    if (!q->settings.enable_lightweight_delete)
        return fn_fail(q->ctx, FN_SUPPORT_IS_DISABLED, "Lightweight delete mutate is disabled. Set `enable_lightweight_delete` setting to enable it.");
    if (why && fn_str_eq(q->settings.lightweight_delete_mode, FN_STR("lightweight_update_force")))
        return fail_forced(q, s, "lightweight_delete_mode='lightweight_update_force'", "using a", why);
    return check_projections(q->ctx, t);
}

fn_status lightweight_check_update(query *q, const table *t)
{
    const char *why = obstacle(q->ctx, t);
    if (!q->settings.enable_lightweight_update)
        return fn_fail(q->ctx, FN_SUPPORT_IS_DISABLED, "Lightweight updates are not allowed. Set 'enable_lightweight_update = 1' to allow them.");
    return why ? fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Lightweight updates are not supported. %s", why) : FN_OK;
}

fn_status lightweight_check_alter(query *q, const table *t, const ast_statement *s)
{
    bool updates = false, others = false;
    if (!fn_str_eq(q->settings.alter_update_mode, FN_STR("lightweight_force"))) return FN_OK;
    for (uint32_t i = 0; i < s->command_count; i++) {
        updates = updates || s->commands[i].kind == ALTER_UPDATE;
        others = others || s->commands[i].kind != ALTER_UPDATE;
    }
    const char *why = obstacle(q->ctx, t);
    if (!why && others) why = "Query has non UPDATE commands.";
    return updates && why ? fail_forced(q, s, "alter_update_mode='lightweight_force'", "as a", why) : FN_OK;
}
