/* run_set.c - SET and USE: what changes the session. Without a session they succeed and are forgotten with the request.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/result.h"

static fn_status set_one(query *q, const ast_setting *setting)
{
    fn_str value = {NULL, 0};
    if (fn_str_starts(setting->name, FN_STR("param_"))) {
        FN_TRY(query_setting_text(q->ctx, setting, &value));
        return session_set_param(q->ctx, q->session, (fn_str){setting->name.data + 6, setting->name.size - 6}, value);
    }
    FN_TRY(query_apply_settings(q, setting, 1)); /* checks the value and whether it may be changed */
    if (!setting->is_default) FN_TRY(query_setting_text(q->ctx, setting, &value));
    return session_set(q->ctx, q->session, setting->name, value, setting->is_default);
}

fn_status run_set(query *q, const ast_statement *s)
{
    for (uint32_t i = 0; i < s->setting_count; i++) FN_TRY(set_one(q, &s->settings[i]));
    return result_none(q);
}

fn_status run_use(query *q, const ast_statement *s)
{
    fn_str database, ignored;
    FN_TRY(query_name(q, &s->name, &database, &ignored));
    FN_TRY(world_check_database(q, database));
    FN_TRY(session_use(q->ctx, q->session, database));
    return result_none(q);
}
