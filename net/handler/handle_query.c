/* handle_query.c - the query endpoint: URL parameters, headers and body to an engine request, its answer to HTTP.
 * The statement is the `query` parameter, a line end, and the body; the first QUERY_TEXT_MAX bytes of it are given as
 * text, the rest stays a stream, which an INSERT reads, or a longer statement if max_query_size lets it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "handler/handler.h"
#include "http/http_credentials.h"
#include "http/multipart.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUERY_TEXT_MAX = 256 << 10, QUERY_STEP = 32 << 10, SESSION_TIMEOUT = 60, SESSION_TIMEOUT_MAX = 3600, EXTERNALS_MAX = 16 };

/* What a query's parameters turned into. */
typedef struct query_input {
    fn_request request;
    fn_pair *settings, *params;
    fn_external_table externals[EXTERNALS_MAX];
    fn_memory_source files[EXTERNALS_MAX];
    http_body body;
    fn_buf text, form; /* statement text, multipart body */
    bool multipart;
} query_input;

static const char *const reserved[] = {
    "query", "database", "default_format", "user", "password", "quota_key", "query_id", "stacktrace", "role", "buffer_size",
    "wait_end_of_query", "session_id", "session_timeout", "session_check", "close_session", "compress", "decompress",
    "client_protocol_version",
};

static bool is_reserved(fn_str name)
{
    for (size_t i = 0; i < FN_COUNT(reserved); i++)
        if (fn_str_eq(name, fn_cstr(reserved[i]))) return true;
    return false;
}

static bool is_external_parameter(fn_str name)
{
    return fn_str_ends(name, FN_STR("_format")) || fn_str_ends(name, FN_STR("_types")) || fn_str_ends(name, FN_STR("_structure"));
}

static fn_str behind(fn_str s, size_t prefix)
{
    return (fn_str){s.data + prefix, s.size - prefix};
}

static void sort_parameter(query_input *in, fn_str name, fn_str value)
{
    fn_request *r = &in->request;
    if (fn_str_starts(name, FN_STR("param_"))) in->params[r->param_count++] = (fn_pair){behind(name, 6), value};
    else if (!is_reserved(name) && !(in->multipart && is_external_parameter(name))) in->settings[r->setting_count++] = (fn_pair){name, value};
}

static bool flag(const http_head *head, const char *name)
{
    const fn_str v = http_param(head, name);
    return v.size && !fn_str_eq(v, FN_STR("0")) && !fn_str_eq_nocase(v, FN_STR("false"));
}

static fn_status allocate_parameters(http_exchange *x, query_input *in)
{
    const size_t room = x->head->param_count + (in->multipart ? MULTIPART_PARTS_MAX : 0) + 1;
    in->settings = FN_NEW_ARRAY(x->ctx, fn_pair, room);
    in->params = FN_NEW_ARRAY(x->ctx, fn_pair, room);
    FN_TRY_PTR(x->ctx, in->settings);
    FN_TRY_PTR(x->ctx, in->params);
    in->request.settings = in->settings;
    in->request.params = in->params;
    return FN_OK;
}

/* ---- multipart ---- */
static fn_status read_all(fn_ctx *ctx, fn_source *from, fn_buf *out, size_t limit)
{
    for (size_t got = 1; got;) {
        FN_TRY(fn_buf_reserve(ctx, out, 65536));
        FN_TRY(from->read(from, ctx, out->data + out->size, 65536, &got));
        out->size += got;
        if (out->size > limit) return fn_fail(ctx, FN_INCORRECT_DATA, "The multipart body is larger than %zu bytes", limit);
    }
    return FN_OK;
}

static fn_str external_parameter(const http_head *head, fn_str name, const char *suffix)
{
    for (size_t i = 0; i < head->param_count; i++) {
        const fn_str p = head->params[i].name;
        if (p.size == name.size + strlen(suffix) && fn_str_starts(p, name) && fn_str_ends(p, fn_cstr(suffix))) return head->params[i].value;
    }
    return (fn_str){NULL, 0};
}

static fn_status read_multipart(http_exchange *x, query_input *in, fn_str boundary)
{
    FN_TRY(read_all(x->ctx, in->body.decoded, &in->form, MULTIPART_BYTES_MAX));
    http_part *parts;
    size_t count;
    FN_TRY(multipart_parse(x->ctx, fn_buf_view(&in->form), boundary, &parts, &count));
    for (size_t i = 0; i < count; i++) {
        const http_part *p = &parts[i];
        if (!p->is_file) {
            if (fn_str_eq(p->name, FN_STR("query"))) FN_TRY(fn_buf_str(x->ctx, &in->text, p->data));
            else sort_parameter(in, p->name, p->data);
            continue;
        }
        const size_t n = in->request.external_count;
        if (n == EXTERNALS_MAX) return fn_fail(x->ctx, FN_BAD_REQUEST_PARAMETER, "More than %d external tables", EXTERNALS_MAX);
        fn_memory_source_init(&in->files[n], p->data);
        in->externals[n] = (fn_external_table){.name = p->name, .format = external_parameter(x->head, p->name, "_format"),
                                               .structure = external_parameter(x->head, p->name, "_structure"),
                                               .types = external_parameter(x->head, p->name, "_types"), .data = &in->files[n].base};
        in->request.external_count++;
    }
    in->request.externals = in->externals;
    return FN_OK;
}

/* ---- statement ---- */
static fn_status read_statement(http_exchange *x, query_input *in)
{
    const fn_str query = http_param(x->head, "query");
    if (query.size) {
        FN_TRY(fn_buf_str(x->ctx, &in->text, query));
        FN_TRY(fn_buf_byte(x->ctx, &in->text, '\n'));
    }
    if (in->multipart) return read_multipart(x, in, multipart_boundary(http_header(x->head, "Content-Type")));
    const bool plain = in->body.decoded == &in->body.base && !in->body.chunked;
    const size_t step = plain ? (size_t)FN_MIN(x->head->length, (uint64_t)QUERY_TEXT_MAX) : QUERY_STEP;
    for (size_t got = 1; got && !in->request.cut && !(plain && in->body.ended);) {
        FN_TRY(fn_buf_reserve(x->ctx, &in->text, step));
        FN_TRY(in->body.decoded->read(in->body.decoded, x->ctx, in->text.data + in->text.size, step, &got));
        in->text.size += got;
        if (got && fn_engine_data_begins(x->ctx, fn_buf_view(&in->text))) break; /* the rest is read by the statement, which can be killed */
        in->request.cut = in->text.size >= query.size + QUERY_TEXT_MAX;
    }
    in->request.body = in->body.decoded;
    return FN_OK;
}

/* ---- session ---- */
static fn_status acquire_session(http_exchange *x, query_input *in)
{
    if (!http_has_param(x->head, "session_id")) return FN_OK;
    const fn_str id = http_param(x->head, "session_id"), text = http_param(x->head, "session_timeout");
    if (!id.size) return fn_fail(x->ctx, FN_SESSION_ID_EMPTY, "Session id query parameter was provided, but it was empty");
    unsigned long timeout = SESSION_TIMEOUT;
    if (text.size) {
        char *end;
        timeout = strtoul(text.data, &end, 10); /* parameters are 0-terminated by http_decode */
        if (*end || text.size > 9) return fn_fail(x->ctx, FN_INVALID_SESSION_TIMEOUT, "Invalid session timeout: '" FN_STR_FMT "'", FN_STR_ARG(text));
    }
    if (timeout > SESSION_TIMEOUT_MAX)
        return fn_fail(x->ctx, FN_INVALID_SESSION_TIMEOUT,
                       "Session timeout '" FN_STR_FMT "' is larger than max_session_timeout: %d. Maximum session timeout could be modified in "
                       "configuration file.", FN_STR_ARG(text), SESSION_TIMEOUT_MAX);
    return fn_session_acquire(x->ctx, x->engine, in->request.user, id, (unsigned)timeout, flag(x->head, "session_check"), &in->request.session);
}

/* ---- what the HTTP layer itself obeys ---- */
static bool setting_is(http_exchange *x, query_input *in, const char *name)
{
    fn_str v;
    return fn_engine_setting(x->ctx, x->engine, &in->request, name, &v) == FN_OK && v.size && !fn_str_eq(v, FN_STR("0")) &&
           !fn_str_eq_nocase(v, FN_STR("false"));
}

static unsigned setting_number(http_exchange *x, query_input *in, const char *name, unsigned otherwise)
{
    fn_str v;
    char text[12] = "", *end;
    if (fn_engine_setting(x->ctx, x->engine, &in->request, name, &v) != FN_OK || v.size == 0 || v.size >= sizeof text) return otherwise;
    memcpy(text, v.data, v.size);
    const unsigned long n = strtoul(text, &end, 10);
    return *end || n > UINT32_MAX ? otherwise : (unsigned)n;
}

static void shape_response(http_exchange *x, query_input *in)
{
    http_response *r = x->response;
    if (setting_is(x, in, "send_progress_in_http_headers")) http_response_progress(r, setting_number(x, in, "http_headers_progress_interval_ms", 100));
    if (setting_is(x, in, "enable_http_compression")) {
        const unsigned level = setting_number(x, in, "http_zlib_compression_level", 3);
        http_response_accept(r, level >= 1 && level <= 9 ? (int)level : 3);
    }
    r->buffered = flag(x->head, "wait_end_of_query") || setting_is(x, in, "http_wait_end_of_query");
    r->frames = flag(x->head, "compress");
    fn_str method;
    if (r->frames && fn_engine_setting(x->ctx, x->engine, &in->request, "network_compression_method", &method) == FN_OK &&
        fn_str_eq_nocase(method, FN_STR("ZSTD")))
        r->frames_codec = FN_CODEC_ZSTD;
    r->cors = http_has_header(x->head, "Origin") && setting_is(x, in, "add_http_cors_header");
    if (setting_is(x, in, "cancel_http_readonly_queries_on_client_close")) atomic_store(&x->conn->watched, true);
    fn_error_clear(x->ctx);
}

static void fill_request(http_exchange *x, query_input *in)
{
    const http_head *h = x->head;
    fn_request *r = &in->request;
    r->database = http_has_header(h, "X-ClickHouse-Database") ? http_header(h, "X-ClickHouse-Database") : http_param(h, "database");
    r->query_id = http_has_param(h, "query_id") ? http_param(h, "query_id") : http_header(h, "X-ClickHouse-Query-Id");
    r->default_format = http_has_header(h, "X-ClickHouse-Format") ? http_header(h, "X-ClickHouse-Format") : http_param(h, "default_format");
    r->readonly = fn_str_eq(h->method, FN_STR("GET")) || fn_str_eq(h->method, FN_STR("HEAD"));
    const fn_str revision = http_param(h, "client_protocol_version");
    r->native_revision = revision.size ? (uint32_t)strtoul(revision.data, NULL, 10) : 0;
    r->interface = "HTTP";
    r->user_agent = http_header(h, "User-Agent");
    r->address = fn_cstr(x->conn->address);
    r->http_method = h->method;
    atomic_store(&x->conn->running.reason, FN_OK);
    atomic_store(&x->conn->running.deadline_ns, 0);
    atomic_store(&x->conn->running.idle_ns, 0);
    r->cancel = &x->conn->running;
}

static fn_status run_query(http_exchange *x, query_input *in)
{
    http_credentials who;
    FN_TRY(http_body_open(x->ctx, x->conn, x->head, &in->body));
    FN_TRY(http_credentials_read(x->ctx, x->head, &who));
    FN_TRY(fn_engine_authenticate(x->ctx, x->engine, who.user, who.password, fn_cstr(x->conn->address)));
    in->request.user = who.user;
    in->multipart = multipart_boundary(http_header(x->head, "Content-Type")).size != 0;
    FN_TRY(allocate_parameters(x, in));
    FN_TRY(http_body_decode(x->ctx, &in->body, http_header(x->head, "Content-Encoding"), flag(x->head, "decompress")));
    fill_request(x, in);
    FN_TRY(acquire_session(x, in));
    for (size_t i = 0; i < x->head->param_count; i++) sort_parameter(in, x->head->params[i].name, x->head->params[i].value);
    shape_response(x, in);
    FN_TRY(read_statement(x, in));
    in->request.sql = fn_buf_view(&in->text);
    fn_progress summary = {0};
    const fn_status status = fn_engine_query(x->ctx, x->engine, &in->request, &x->response->base, &summary);
    http_response_summary(x->response, &summary);
    return status;
}

static fn_status answer_options(http_exchange *x)
{
    FN_TRY(fn_buf_cstr(x->ctx, &x->response->extra,
                       "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: origin, x-requested-with, x-clickhouse-format, "
                       "x-clickhouse-user, x-clickhouse-key, Authorization\r\nAccess-Control-Allow-Methods: POST, GET, OPTIONS\r\n"
                       "Access-Control-Max-Age: 86400\r\n"));
    return http_response_text(x->response, x->ctx, 204, "text/plain; charset=UTF-8", (fn_str){"", 0});
}

fn_status handle_query(http_exchange *x)
{
    query_input in = {.text = FN_BUF_INIT, .form = FN_BUF_INIT};
    if (fn_str_eq(x->head->method, FN_STR("OPTIONS"))) return answer_options(x);
    fn_status status = run_query(x, &in);
    atomic_store(&x->conn->watched, false);
    if (!x->response->query_id[0] && in.request.query_id.size)
        (void)snprintf(x->response->query_id, sizeof x->response->query_id, FN_STR_FMT, (int)FN_MIN(in.request.query_id.size, (size_t)100),
                       in.request.query_id.data);
    if (in.request.session) fn_session_release(in.request.session, flag(x->head, "close_session"));
    /* The answer may only say "keep alive" when the body is used up: decided before the head leaves. */
    fn_ctx drain_ctx = {.memory = x->ctx->memory};
    if (!in.body.conn || !http_body_drain(&drain_ctx, &in.body)) x->response->keep_alive = false;
    if (in.body.conn) http_body_close(&in.body);
    if (status == FN_OK) status = http_response_finish(x->response, x->ctx);
    fn_buf_release(&in.text);
    fn_buf_release(&in.form);
    return status;
}
