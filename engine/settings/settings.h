/* settings/settings.h - query settings. settings.def lists those the engine acts on (typed fields here);
 * settings_known.def lists every other name of ClickHouse 26.9, whose values are kept as text: settings_acted.def, settings_refused.def and
 * settings_ignored.def say which of them are looked at, which are not done and why the rest changes nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SETTINGS_H
#define FIRN_SETTINGS_H
#include <firn/arena.h>
#include <firn/bits.h>

/* Who runs the query and where: what currentDatabase(), currentUser(), queryID(), version() ... give. Borrowed, made by the
 * session, outlives its queries. */
typedef struct settings_session {
    fn_str database, user, initial_user, query_id, initial_query_id;
    fn_str host_name, display_name, version; /* "26.9.2.1": the server clients believe to see */
    int64_t started_ns;                      /* of the server, fn_clock_monotonic_ns */
    uint16_t tcp_port, http_port;
} settings_session;

/* Types in settings.def: BOOL -> bool, U64 -> uint64_t, I64, F64 -> double, SECONDS -> double (seconds), TEXT -> fn_str */
typedef struct fn_settings {
#define FN_SETTING_BOOL(name)    bool name;
#define FN_SETTING_U64(name)     uint64_t name;
#define FN_SETTING_I64(name)     int64_t name;
#define FN_SETTING_F64(name)     double name;
#define FN_SETTING_SECONDS(name) double name;
#define FN_SETTING_TEXT(name)    fn_str name;
#define X(kind, name, value, about) FN_SETTING_##kind(name)
#include "settings/settings.def"
#undef X
    struct fn_setting_value *others; /* changed settings of settings_known.def: name and text, in the owner's arena */
    uint32_t other_count;
    uint64_t changed[8];             /* bit i: row i of settings.def was set explicitly */
    const settings_session *session; /* NULL: none (unit tests, background work) */
    const struct fn_tz *session_tz;  /* resolved session_timezone; never NULL */
} fn_settings;

typedef struct fn_setting_value {
    fn_str name, value;
} fn_setting_value;

fn_status settings_default(fn_ctx *ctx, fn_settings *out) FN_MUST_USE;
fn_status settings_copy(fn_ctx *ctx, const fn_settings *from, fn_settings *out) FN_MUST_USE; /* texts into ctx->arena */
/* UNKNOWN_SETTING (115) with "Maybe you meant", or a parse error naming the setting. */
fn_status settings_set(fn_ctx *ctx, fn_settings *s, fn_str name, fn_str value) FN_MUST_USE;
fn_status settings_reset(fn_ctx *ctx, fn_settings *s, fn_str name) FN_MUST_USE; /* back to the default */
/* For system.settings and SHOW: index from 0; false behind the last. */
typedef struct settings_row {
    const char *name, *type, *default_value, *about;
    fn_str value;
    bool changed;
} settings_row;
bool settings_at(fn_ctx *ctx, const fn_settings *s, size_t index, settings_row *out);
/* NOT_IMPLEMENTED naming the first setting of settings_refused.def that has another value than its default. */
fn_status settings_check(fn_ctx *ctx, const fn_settings *s) FN_MUST_USE;
fn_status settings_get(fn_ctx *ctx, const fn_settings *s, fn_str name, fn_str *out) FN_MUST_USE;
/* Numbers as settings are written: 10, 10K, 1Gi. Errors as of settings_set. */
fn_status settings_parse_unsigned(fn_ctx *ctx, fn_str name, fn_str text, uint64_t *out) FN_MUST_USE;
fn_status settings_parse_number(fn_ctx *ctx, fn_str text, double *out) FN_MUST_USE;
fn_status settings_parse_bool(fn_ctx *ctx, fn_str text, bool *out) FN_MUST_USE; /* CANNOT_PARSE_BOOL (467), CANNOT_CONVERT_TYPE (70) */
/* The settings of a context, never NULL (defaults when ctx has none). */
const fn_settings *settings_of(const fn_ctx *ctx);
struct fn_format_settings;
void settings_format(const fn_settings *s, struct fn_format_settings *out); /* the part formats look at */
#endif
