/* func_session.c - who runs the query, where and with which settings: one value per query, constant for the planner.
 * The facts come with the settings (settings/settings.h: settings_session); without a session there are defaults.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/text_rows.h"
#include <unistd.h>

enum { ONE_VALUE = FUNC_QUERY_CONSTANT | FUNC_NO_LOW_CARDINALITY };

static const settings_session *session_of(const fn_ctx *ctx)
{
    static const settings_session none = {.database = {"default", 7}, .user = {"default", 7}, .initial_user = {"default", 7}, .version = {"26.9.2.1", 8}};
    const settings_session *s = settings_of(ctx)->session;
    return s ? s : &none;
}

static fn_status give_text(fn_ctx *ctx, const func_call *call, fn_str text, uint32_t rows, fn_column **out)
{
    *out = fn_column_const_str(ctx, call->type, text, rows);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}
static fn_status give_number(fn_ctx *ctx, const func_call *call, uint64_t value, uint32_t rows, fn_column **out)
{
    *out = fn_column_const_u64(ctx, call->type, value, rows);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

/* ---- facts that are text ---- */
#define FACT(name, expression)                                                                                                           \
    static fn_status name(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)                    \
    {                                                                                                                                    \
        (void)args;                                                                                                                      \
        const settings_session *s = session_of(ctx);                                                                                     \
        return give_text(ctx, call, expression, rows, out);                                                                              \
    }
FACT(eval_database, s->database)
FACT(eval_user, s->user)
FACT(eval_query_id, s->query_id)
FACT(eval_initial_query_id, s->initial_query_id.size ? s->initial_query_id : s->query_id)
FACT(eval_version, s->version)

static fn_status eval_host(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)args;
    char name[256] = {0};
    fn_str host = session_of(ctx)->host_name;
    if (!host.size) {
        if (gethostname(name, sizeof name - 1) != 0) name[0] = 0;
        host = fn_cstr(name);
    }
    return give_text(ctx, call, host, rows, out);
}
static fn_status eval_display(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const fn_str name = session_of(ctx)->display_name;
    return name.size ? give_text(ctx, call, name, rows, out) : eval_host(ctx, call, args, rows, out);
}

/* ---- numbers ---- */
static fn_status bind_u16(fn_ctx *ctx, func_call *call)
{
    (void)ctx;
    call->type = fn_type_simple(FN_T_UINT16);
    return FN_OK;
}
static fn_status bind_u32(fn_ctx *ctx, func_call *call)
{
    (void)ctx;
    call->type = fn_type_simple(FN_T_UINT32);
    return FN_OK;
}
static fn_status eval_port(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)args;
    const uint16_t port = session_of(ctx)->tcp_port;
    return give_number(ctx, call, port ? port : 9000, rows, out);
}
static fn_status eval_uptime(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)args;
    const int64_t since = session_of(ctx)->started_ns;
    return give_number(ctx, call, since ? (uint64_t)(fn_clock_monotonic_ns() - since) / 1000000000u : 0, rows, out);
}
static fn_status eval_connection(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)args;
    return give_number(ctx, call, 0, rows, out);
}

/* ---- getSetting, getSettingOrDefault ---- */

/* The value of a setting as ClickHouse types it: Bool, UInt64, Int64, Float64 or String. NULL: no such setting. */
static fn_status setting_value(fn_ctx *ctx, fn_str name, fn_column **out)
{
    settings_row row;
    *out = NULL;
    for (size_t i = 0; settings_at(ctx, settings_of(ctx), i, &row); i++) {
        if (!fn_str_eq(fn_cstr(row.name), name)) continue;
        const bool flag = strcmp(row.type, "Bool") == 0, whole = strstr(row.type, "UInt64") || strcmp(row.type, "MaxThreads") == 0, real = strcmp(row.type, "Float") == 0;
        const fn_type *type = fn_type_simple(flag ? FN_T_BOOL : whole ? FN_T_UINT64 : strcmp(row.type, "Int64") == 0 ? FN_T_INT64 : real ? FN_T_FLOAT64 : FN_T_STRING);
        fn_column *text = fn_column_const_str(ctx, fn_type_simple(FN_T_STRING), row.value, 1);
        FN_TRY_PTR(ctx, text);
        fn_status status = expr_convert(ctx, text, type, CONVERT_CAST, out);
        if (status != FN_OK) { /* "auto(8)" and the like */
            fn_error_clear(ctx);
            *out = fn_column_ref(text);
        }
        fn_column_drop(text);
        return FN_OK;
    }
    return FN_OK;
}
static void drop_value(void *c)
{
    fn_column_drop(c);
}
static fn_status bind_setting(fn_ctx *ctx, func_call *call)
{
    fn_str name;
    fn_column *value;
    FN_TRY(func_const_str(ctx, call, 0, &name));
    FN_TRY(setting_value(ctx, name, &value));
    if (!value && call->arg_count == 1) return fn_fail(ctx, FN_UNKNOWN_SETTING, "Unknown setting '" FN_STR_FMT "'", FN_STR_ARG(name));
    call->data = value;
    if (value) {
        call->type = value->type;
        return fn_arena_defer(ctx, ctx->arena, drop_value, value);
    }
    fn_column *fallback;
    FN_TRY(func_need_const(ctx, call, 1, &fallback));
    call->type = call->arg_types[1];
    return FN_OK;
}
static fn_status eval_setting(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    *out = call->data ? fn_column_repeat(ctx, call->data, 0, rows) : fn_column_repeat(ctx, args[1], 0, rows);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

#define ROW(fn, names, more, b, e, what, ex, res)                                                                                        \
    {.name = fn, .aliases = names, .args_min = 0, .args_max = 0, .flags = ONE_VALUE | (more), .bind = b, .eval = e, .about = what, .example = ex, .gives = res}
static const char *const database_names[] = {"DATABASE", "SCHEMA", "current_database", NULL};
static const char *const user_names[] = {"current_user", "session_user", "user", NULL};
static const char *const authenticated_names[] = {"authUser", NULL};
static const char *const query_id_names[] = {"query_id", NULL};
static const char *const current_query_id_names[] = {"current_query_id", NULL};
static const char *const initial_query_id_names[] = {"initial_query_id", NULL};
static const char *const host_names[] = {"hostname", NULL};
static const char *const fqdn_names[] = {"fullHostName", NULL};
enum { ANY_CASE = FUNC_CASE_INSENSITIVE };
static const func_def rows_[] = {
    ROW("currentDatabase", database_names, ANY_CASE, func_bind_string, eval_database, "The session's database.", "currentDatabase()", "default"),
    ROW("currentUser", user_names, ANY_CASE, func_bind_string, eval_user, "The user who runs the query.", "currentUser()", "default"),
    ROW("authenticatedUser", authenticated_names, 0, func_bind_string, eval_user, "The user who opened the session.", "authenticatedUser()", "default"),
    ROW("queryID", query_id_names, 0, func_bind_string, eval_query_id, "The query's id.", "length(queryID()) >= 0", "1"),
    ROW("currentQueryID", current_query_id_names, 0, func_bind_string, eval_query_id, "The query's id.", "length(currentQueryID()) >= 0", "1"),
    ROW("initialQueryID", initial_query_id_names, 0, func_bind_string, eval_initial_query_id, "The id of the query that began it all.", "length(initialQueryID()) >= 0", "1"),
    ROW("version", NULL, ANY_CASE, func_bind_string, eval_version, "The version of ClickHouse that clients may expect.", "version()", "26.9.2.1"),
    ROW("hostName", host_names, 0, func_bind_string, eval_host, "The name of the machine.", "hostName() != ''", "1"),
    ROW("FQDN", fqdn_names, ANY_CASE, func_bind_string, eval_host, "The full name of the machine.", "FQDN() != ''", "1"),
    ROW("displayName", NULL, 0, func_bind_string, eval_display, "The name the server shows.", "displayName() != ''", "1"),
    ROW("uptime", NULL, 0, bind_u32, eval_uptime, "Seconds since the server's start.", "uptime() >= 0", "1"),
    ROW("tcpPort", NULL, 0, bind_u16, eval_port, "The port of ClickHouse's native protocol; 9000 where there is none.", "tcpPort()", "9000"),
    ROW("connectionId", NULL, ANY_CASE, func_bind_u64, eval_connection, "0: connections have no numbers.", "connectionId()", "0"),
    {.name = "getSetting", .args_min = 1, .args_max = 1, .flags = ONE_VALUE, .bind = bind_setting, .eval = eval_setting,
     .about = "The current value of a setting.", .example = "getSetting('max_block_size') > 0", .gives = "1"},
    {.name = "getSettingOrDefault", .args_min = 2, .args_max = 2, .flags = ONE_VALUE, .bind = bind_setting, .eval = eval_setting,
     .about = "The current value of a setting, or the second argument if there is no such setting.", .example = "getSettingOrDefault('nosuch', 5)", .gives = "5"},
};
const func_family func_family_session = FUNC_FAMILY("other", rows_);
