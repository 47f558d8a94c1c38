/* query.c - one statement from text to answer: settings, query id, parsing, the interpreter, what is left in the logs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/counters.h"
#include "query/query.h"
#include "query/query_log.h"
#include "query/result.h"
#include "sql/lex.h"
#include <firn/time.h>
#include <stdio.h>

enum { TEXT_MAX = 1 << 30, /* of a statement, whatever max_query_size says: positions in it have 32 bits */
       TEXT_PIECE = 16 << 10 };
static const int64_t PROGRESS_INTERVAL_NS = 100000000;

/* ---- settings ---- */
fn_status query_setting_text(fn_ctx *ctx, const ast_setting *setting, fn_str *out)
{
    const ast_expr *e = setting->value;
    if (!e) { /* a name alone switches it on */
        *out = FN_STR("1");
        return FN_OK;
    }
    if (e->kind == AST_LITERAL && (e->literal_kind == LITERAL_STRING || e->literal_kind == LITERAL_WIDE)) {
        *out = e->text;
        return FN_OK;
    }
    return sql_expr_text(ctx, e, out);
}

/* May this request change settings, and this one? ClickHouse: readonly = 1 forbids all, 2 only a change of readonly itself. */
static fn_status check_change(fn_ctx *ctx, const fn_settings *s, fn_str name, fn_str value)
{
    if (!s->allow_ddl && fn_str_eq(name, FN_STR("allow_ddl")))
        return fn_fail(ctx, FN_QUERY_IS_PROHIBITED, "Cannot modify 'allow_ddl' setting when DDL queries are prohibited for the user");
    if (s->readonly == 0) return FN_OK;
    fn_str now;
    if (settings_get(ctx, s, name, &now) == FN_OK && fn_str_eq(now, value)) return FN_OK;
    fn_error_clear(ctx);
    if (s->readonly == 1) return fn_fail(ctx, FN_READONLY, "Cannot modify '" FN_STR_FMT "' setting in readonly mode", FN_STR_ARG(name));
    if (fn_str_eq(name, FN_STR("readonly"))) return fn_fail(ctx, FN_READONLY, "Cannot modify 'readonly' setting in readonly mode");
    return FN_OK;
}

fn_status query_apply_settings(query *q, const ast_setting *settings, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        fn_str value = {NULL, 0};
        if (settings[i].is_default) {
            FN_TRY(settings_reset(q->ctx, &q->settings, settings[i].name));
            continue;
        }
        FN_TRY(query_setting_text(q->ctx, &settings[i], &value));
        FN_TRY(check_change(q->ctx, &q->settings, settings[i].name, value));
        FN_TRY(settings_set(q->ctx, &q->settings, settings[i].name, value));
    }
    return FN_OK;
}

static fn_status gather_settings(fn_ctx *ctx, const fn_session *session, const fn_request *request, fn_settings *out)
{
    if (session) FN_TRY(settings_copy(ctx, &session->settings, out));
    else FN_TRY(settings_default(ctx, out));
    const uint64_t readonly_before = out->readonly;
    for (size_t i = 0; i < request->setting_count; i++) {
        if (readonly_before) FN_TRY(check_change(ctx, out, request->settings[i].name, request->settings[i].value));
        FN_TRY(settings_set(ctx, out, request->settings[i].name, request->settings[i].value));
    }
    return FN_OK;
}

fn_status fn_engine_setting(fn_ctx *ctx, fn_engine *engine, const fn_request *request, const char *name, fn_str *out)
{
    (void)engine;
    for (size_t i = request->setting_count; i-- > 0;) {
        if (!fn_str_eq(request->settings[i].name, fn_cstr(name))) continue;
        *out = request->settings[i].value;
        return FN_OK;
    }
    fn_settings defaults;
    if (request->session) return settings_get(ctx, &request->session->settings, fn_cstr(name), out);
    FN_TRY(settings_default(ctx, &defaults));
    return settings_get(ctx, &defaults, fn_cstr(name), out);
}

/* The settings that hold for the whole statement: its own clause and that of the outermost SELECT. */
static fn_status apply_clauses(query *q, const ast_statement *s)
{
    if (s->kind == STATEMENT_SET) return FN_OK; /* changes the session instead */
    const ast_query *last = s->query;
    while (last && last->op != SET_NONE) last = last->right;
    if (last && last->select) FN_TRY(query_apply_settings(q, last->select->settings, last->select->setting_count));
    return s->kind == STATEMENT_EXPLAIN ? FN_OK : query_apply_settings(q, s->settings, s->setting_count);
}

/* ---- the statement ---- */
static void make_id(char *out, size_t size)
{
    uint64_t a = fn_random_u64(), b = fn_random_u64();
    a = (a & ~0xf000ull) | 0x4000;
    b = (b & ~(3ull << 62)) | 2ull << 62;
    (void)snprintf(out, size, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xffff),
                   (unsigned)(b >> 48), (unsigned long long)(b & 0xffffffffffffull));
}

static void arm(process *p, const fn_settings *s)
{
    atomic_store(&p->cancel->idle_ns, (int64_t)(FN_MIN(FN_MAX(s->http_receive_timeout, 0.0), 1e9) * 1e9));
    if (s->max_execution_time <= 0) return;
    atomic_store(&p->cancel->deadline_ns, p->started_ns + (int64_t)(s->max_execution_time * 1e9));
}

static fn_status check_readonly(query *q, const run_row *row)
{
    if (!row->writes || (!q->request->readonly && !q->settings.readonly)) return FN_OK;
    if (!q->request->readonly) return fn_fail(q->ctx, FN_READONLY, "Cannot execute query in readonly mode");
    return fn_fail(q->ctx, FN_READONLY, "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. You should use "
                                        "method POST for modifying queries");
}

static fn_status check_ddl(query *q, ast_statement_kind kind)
{
    const bool ddl = kind == STATEMENT_CREATE_TABLE || kind == STATEMENT_CREATE_VIEW || kind == STATEMENT_CREATE_DATABASE || kind == STATEMENT_DROP ||
                     kind == STATEMENT_RENAME || kind == STATEMENT_EXCHANGE || kind == STATEMENT_ALTER || kind == STATEMENT_ATTACH || kind == STATEMENT_DETACH || kind == STATEMENT_UNDROP;
    if (!ddl || q->settings.allow_ddl) return FN_OK;
    return fn_fail(q->ctx, FN_QUERY_IS_PROHIBITED, "Cannot execute query. DDL queries are prohibited for the user " FN_STR_FMT, FN_STR_ARG(q->session->user));
}

/* KILL and SET always come through. */
static fn_status check_company(query *q, ast_statement_kind kind)
{
    if (kind == STATEMENT_KILL || kind == STATEMENT_SET) return FN_OK;
    const process_limits limits = {.all = q->settings.max_concurrent_queries_for_all_users, .user = q->settings.max_concurrent_queries_for_user,
                                   .queries = q->engine->limits.queries, .inserts = q->engine->limits.inserts,
                                   .selects = q->engine->limits.selects, .wait_ms = q->settings.queue_max_wait_ms};
    return process_check(q->ctx, &q->engine->processes, q->process, &limits);
}

/* Text goes on in the body, as far as max_query_size allows. *more: there was something. */
static fn_status read_on(query *q, bool *more)
{
    const fn_request *r = q->request;
    const uint64_t most = q->settings.max_query_size ? FN_MIN(q->settings.max_query_size, (uint64_t)TEXT_MAX) : TEXT_MAX;
    char piece[TEXT_PIECE];
    size_t got = 0;
    fn_buf text = FN_BUF_INIT;
    if (r->sql.size <= most) FN_TRY(r->body->read(r->body, q->ctx, piece, sizeof piece, &got));
    *more = got != 0;
    if (!*more) return FN_OK;
    fn_request *longer = FN_NEW(q->ctx, fn_request);
    fn_status status = longer ? fn_buf_str(q->ctx, &text, r->sql) : q->ctx->error.code;
    while (status == FN_OK && got) {
        status = fn_buf_append(q->ctx, &text, piece, got);
        if (text.size > most) break;
        if (status == FN_OK) status = r->body->read(r->body, q->ctx, piece, sizeof piece, &got);
    }
    if (status == FN_OK) {
        *longer = *r;
        status = fn_arena_str(q->ctx, q->ctx->arena, fn_buf_view(&text), &longer->sql);
        q->request = longer;
    }
    fn_buf_release(&text);
    return status;
}

/* The request's text is the statement's beginning; behind it is data, or, when max_query_size was raised, more of the statement. */
static fn_status parse(query *q)
{
    bool more;
    fn_error error; /* of the first reading */
    const fn_status status = sql_parse(q->ctx, q->request->sql, &q->statement);
    if (!q->request->cut || (status == FN_OK ? q->statement->has_data_offset : status != FN_SYNTAX_ERROR)) return status;
    if (status != FN_OK) error = q->ctx->error;
    fn_error_clear(q->ctx);
    FN_TRY(read_on(q, &more));
    if (more) return sql_parse(q->ctx, q->request->sql, &q->statement);
    if (status != FN_OK) q->ctx->error = error;
    return status;
}

static fn_status interpret(query *q)
{
    const uint64_t elements = q->settings.max_ast_elements;
    FN_TRY(parse(q));
    ast_statement *s = q->statement;
    FN_TRY(apply_clauses(q, s));
    if (q->settings.max_ast_elements < elements) { /* lowered by the statement itself */
        FN_TRY(sql_parse(q->ctx, q->request->sql, &q->statement));
        s = q->statement;
    }
    arm(q->process, &q->settings);
    atomic_store(&q->process->memory.limit, (int64_t)FN_MIN(q->settings.max_memory_usage, (uint64_t)INT64_MAX));
    const run_row *row = run_row_of(s->kind);
    fn_str sql = q->request->sql;
    if (s->has_data_offset) sql.size = FN_MIN(s->data_offset, sql.size);
    FN_TRY(sql_hide_secrets(q->ctx, sql, &sql));
    process_describe(&q->engine->processes, q->process, row->kind, sql);
    process_user_limit(q->process->of, q->settings.max_memory_usage_for_user);
    FN_TRY(check_company(q, s->kind));
    FN_TRY(external_open(q));
    FN_TRY(check_readonly(q, row));
    FN_TRY(check_ddl(q, s->kind));
    if (s->kind != STATEMENT_SET) FN_TRY(settings_check(q->ctx, &q->settings));
    if (!row->run) {
        const fn_str what = s->text.size ? s->text : fn_cstr(row->kind);
        return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, FN_STR_FMT " is not supported", FN_STR_ARG(what));
    }
    return row->run(q, s);
}

static void fill_process(process *p, query *q)
{
    const fn_request *r = q->request;
    p->user = q->session->user;
    p->database = q->database;
    p->address = r->address;
    p->user_agent = r->user_agent;
    p->interface = fn_cstr(r->interface ? r->interface : "");
    p->kind = "None";
    p->cancel = r->cancel ? r->cancel : &p->own_cancel;
    p->progress = &q->progress;
    p->response = q->response;
    p->started_ns = fn_clock_monotonic_ns();
    p->started_real_ns = fn_clock_realtime_ns();
    if (r->query_id.size) (void)snprintf(p->id, sizeof p->id, FN_STR_FMT, (int)FN_MIN(r->query_id.size, sizeof p->id - 1), r->query_id.data);
    else make_id(p->id, sizeof p->id);
}

static void fill_summary(const query *q, fn_progress *out)
{
    *out = (fn_progress){.read_rows = atomic_load(&q->progress.rows_read),
                         .read_bytes = atomic_load(&q->progress.bytes_read),
                         .total_rows_to_read = atomic_load(&q->progress.total_rows),
                         .written_rows = atomic_load(&q->progress.written_rows),
                         .written_bytes = atomic_load(&q->progress.written_bytes),
                         .result_rows = atomic_load(&q->progress.result_rows),
                         .result_bytes = atomic_load(&q->progress.result_bytes),
                         .elapsed_ns = (uint64_t)(fn_clock_monotonic_ns() - q->process->started_ns),
                         .memory_usage = atomic_load(&q->process->memory.peak)};
}

static void report(exec_progress *self)
{
    const query *q = (const query *)(void *)((char *)self - offsetof(query, progress));
    fn_progress now;
    fill_summary(q, &now);
    fn_response *const r = q->process->response; /* q->response may be a file for a while */
    r->progress(r, &now);
}

static void watch_progress(query *q)
{
    exec_progress *p = &q->progress;
    if (!q->response->progress) return;
    p->interval_ns = q->response->progress_interval_ns ? q->response->progress_interval_ns : PROGRESS_INTERVAL_NS;
    atomic_store(&p->report_at_ns, q->process->started_ns + p->interval_ns);
    p->report = report;
}

/* The current database: request, session, default. UNKNOWN_DATABASE if the request names one that is not there. */
static fn_status choose_database(query *q)
{
    q->database = q->session->database;
    if (!q->request->database.size) return FN_OK;
    FN_TRY(world_check_database(q, q->request->database));
    q->database = q->request->database;
    return FN_OK;
}

static void fill_facts(query *q)
{
    const fn_str id = fn_cstr(q->process->id), user = q->session->user, name = fn_cstr(q->engine->display_name);
    q->facts = (settings_session){.database = q->database, .user = user, .initial_user = user, .query_id = id, .initial_query_id = id, .host_name = name,
                                  .display_name = name, .version = fn_cstr(fn_engine_version()), .started_ns = q->engine->started_monotonic_ns};
    q->settings.session = &q->facts;
}

static fn_status run(query *q)
{
    fn_ctx *ctx = q->ctx;
    FN_TRY(gather_settings(ctx, q->request->session, q->request, &q->settings));
    ctx->settings = &q->settings;
    FN_TRY(choose_database(q));
    FN_TRY(world_init(q));
    query_system_world_init(q);
    process *p = q->process;
    p->database = q->database;
    fill_facts(q);
    FN_TRY(process_begin(ctx, &q->engine->processes, p, q->settings.replace_running_query));
    const fn_status status = interpret(q);
    external_close(q);
    process_end(&q->engine->processes, p);
    return status;
}

/* Messages quote statements; what must not be shown is not shown there either. */
static void hide_in_error(fn_ctx *ctx)
{
    fn_ctx own = {.arena = ctx->arena};
    const fn_str text = fn_cstr(ctx->error.text);
    fn_str shown;
    if (sql_hide_secrets(&own, text, &shown) != FN_OK) shown = FN_STR("");
    if (shown.data == text.data) return;
    const size_t n = FN_MIN(shown.size, sizeof ctx->error.text - 1);
    if (n) memcpy(ctx->error.text, shown.data, n);
    ctx->error.text[n] = '\0';
}

/* Rows of system.query_log: the start, unless the statement failed before it, and the end. */
static void log_end(query *q, fn_status status, const fn_progress *summary, const fn_counts *counts)
{
    const process *p = q->process;
    const fn_request *r = q->request;
    if (!q->ctx->settings || !q->settings.log_queries) return;
    char exception[2300] = "";
    if (status != FN_OK)
        (void)snprintf(exception, sizeof exception, "Code: %d. DB::Exception: %s (%s)", status, q->ctx->error.text, fn_error_name(status));
    fn_ctx own = {.arena = q->ctx->arena};
    fn_str sql = p->sql; /* none: it could not be parsed */
    if (!sql.data && sql_hide_secrets(&own, r->sql, &sql) != FN_OK) sql = (fn_str){NULL, 0};
    const bool begun = status == FN_OK || summary->read_rows || summary->result_rows || summary->written_rows;
    system_log_row row = {.type = 1, .interface = strcmp(r->interface ? r->interface : "", "HTTP") == 0 ? 2 : 6,
                          .http_method = fn_str_eq(r->http_method, FN_STR("GET")) ? 1 : fn_str_eq(r->http_method, FN_STR("POST")) ? 2 : 0,
                          .event_us = p->started_real_ns / 1000, .start_us = p->started_real_ns / 1000, .query_id = fn_cstr(p->id), .query = sql,
                          .kind = fn_cstr(p->kind), .database = p->database, .user = p->user, .address = p->address, .user_agent = p->user_agent,
                          .log_comment = q->settings.log_comment};
    if (begun) query_log_add(q->engine->log, &row);
    row.type = status == FN_OK ? 2 : begun ? 4 : 3;
    row.event_us += (int64_t)(summary->elapsed_ns / 1000);
    row.duration_ms = summary->elapsed_ns / 1000000;
    row.read_rows = summary->read_rows;
    row.read_bytes = summary->read_bytes;
    row.written_rows = summary->written_rows;
    row.written_bytes = summary->written_bytes;
    row.result_rows = summary->result_rows;
    row.result_bytes = summary->result_bytes;
    row.memory = (uint64_t)FN_MAX(summary->memory_usage, (int64_t)0);
    row.exception_code = status;
    row.exception = fn_cstr(exception);
    row.projections = q->projections;
    row.counts = (fn_str){(const char *)counts->n, sizeof counts->n};
    query_log_add(q->engine->log, &row);
}

fn_status fn_engine_query(fn_ctx *ctx, fn_engine *engine, const fn_request *request, fn_response *response, fn_progress *summary)
{
    fn_session transient = {.engine = NULL};
    process p = {.next = NULL};
    query q = {.ctx = ctx, .engine = engine, .session = request->session, .request = request, .response = response, .process = &p, .spill = {.area = &engine->spill}};
    if (!q.session) {
        FN_TRY(session_begin(ctx, engine, request->user, &transient));
        q.session = &transient;
    }
    const fn_ctx outer = *ctx;
    fn_counts before, counts;
    fn_counts_now(&before);
    fn_status status = process_user_memory(ctx, &engine->processes, q.session->user, &engine->memory, &p.of);
    if (status != FN_OK) {
        if (!request->session) session_end(&transient);
        return status;
    }
    fill_process(&p, &q);
    watch_progress(&q);
    fn_tracker_init(&p.memory, "Query", &p.of->memory, 0);
    ctx->cancel = p.cancel;
    ctx->memory = &p.memory;
    ctx->claims = NULL;
    ctx->arena = fn_arena_new(ctx); /* the statement's own: freed before its tracker goes */
    status = ctx->arena ? run(&q) : ctx->error.code;
    if (status != FN_OK && ctx->arena) hide_in_error(ctx);
    fill_summary(&q, summary);
    fn_counts_since(&before, &counts);
    log_end(&q, status, summary, &counts);
    counters_add(engine->counters, p.kind, status, summary, &counts);
    fn_arena_free(ctx->arena);
    ctx->arena = outer.arena;
    ctx->memory = outer.memory;
    ctx->cancel = outer.cancel;
    ctx->claims = outer.claims;
    ctx->settings = outer.settings;
    if (!request->session) session_end(&transient);
    return status;
}

bool fn_engine_data_begins(const fn_ctx *ctx, fn_str text)
{
    fn_ctx own = {.memory = ctx->memory};
    ast_statement *s;
    own.arena = fn_arena_new(&own);
    bool begins = own.arena && sql_parse(&own, text, &s) == FN_OK && s->kind == STATEMENT_INSERT && s->has_data_offset && s->data_offset < text.size;
    if (begins && !s->insert_values) begins = text.data[s->data_offset - 1] == '\n'; /* the line of FORMAT is whole */
    fn_arena_free(own.arena);
    return begins;
}

size_t fn_engine_statement_end(fn_str text)
{
    sql_token token = {.kind = TOKEN_END};
    for (size_t at = 0; at < text.size; at = token.end) {
        const sql_token previous = token;
        token = sql_lex(text, text.size, at, &previous);
        if (token.kind == TOKEN_END || token.kind == TOKEN_BAD) break;
        if (token.kind == TOKEN_SYMBOL && token.symbol == SQL_SYMBOL1(';')) return token.end;
    }
    return text.size;
}

